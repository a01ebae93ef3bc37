"""The repository keeps its own rules: rooms import downwards, nothing heavy at import, no stray paths or huge files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# From the top to the bottom: a room may import those after it, and its own.
ROOMS = ["app", "cli", "doctor", "bench", "batch", "jobs", "share", "store", "results", "view", "export", "multiview",
         "avatar", "track", "uplift", "posendf", "synth", "perception", "render", "fit", "motion", "camera", "body",
         "metrics", "progress", "parallel", "paths", "errors"]
# One value deep: Motion is described in terms of the body's joints and the body accepts a Motion.
ALLOWED_UPWARDS = {("body", "motion"), ("body", "camera")}
LARGE_FILES = {"checkpoints/pose_landmark_heavy/pose_landmark_heavy.tflite"}
BINARY = (".npz", ".jpg", ".png", ".glb", ".safetensors", ".tflite", ".mp4", ".webp")
HEAVY = ("torch", "numba", "mediapipe", "gradio", "plotly", "scipy", "cv2", "av", "pandas", "matplotlib")


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("this is not a git checkout")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def imports(path: Path) -> set[str]:
    """The humanav rooms that a file imports when it is loaded or run."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "humanav":
            names = [f"humanav.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        found |= {name.split(".")[1] for name in names if name.startswith("humanav.")}
    return found & set(ROOMS)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "humanav").parts[0].removesuffix(".py")


def test_rooms_import_only_downwards() -> None:
    wrong = []
    for path in sorted((ROOT / "humanav").rglob("*.py")):
        room = room_of(path)
        if room == "__init__":
            continue
        assert room in ROOMS, f"{path.name} lies in no known room"
        wrong += [f"{path.relative_to(ROOT)} imports {other}" for other in imports(path)
                  if ROOMS.index(other) < ROOMS.index(room) and (room, other) not in ALLOWED_UPWARDS]
    assert wrong == []


def test_only_the_entry_point_knows_the_spaces_package() -> None:
    users = [path.name for path in [*ROOT.glob("*.py"), *(ROOT / "humanav").rglob("*.py")]
             if re.search(r"^\s*(import|from) spaces\b", path.read_text(), re.MULTILINE)]
    assert users in ([], ["app.py"])


@pytest.mark.parametrize("module", ["humanav", "humanav.cli", "humanav.doctor", "humanav.bench"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_no_path_of_one_machine_and_no_secret() -> None:
    pattern = re.compile(rb"/(home|root|Users|work|opt)/[A-Za-z0-9_.-]+/|hf_[A-Za-z0-9]{30,}|/tmp/[a-z]")
    found = []
    for path in tracked():
        if path.suffix in BINARY or path == Path(__file__):
            continue
        if "assets/viewer" in path.as_posix():
            continue  # the minified player of others
        found += [f"{path.name}: {match.group().decode()}" for match in pattern.finditer(path.read_bytes())]
    assert found == []


def test_no_large_file_that_is_not_listed() -> None:
    large = {path.relative_to(ROOT).as_posix() for path in tracked() if path.stat().st_size > 5_000_000}
    assert large <= LARGE_FILES


def test_every_asset_and_checkpoint_has_a_card() -> None:
    parts = [path.relative_to(ROOT).parts for path in tracked()]
    folders = {ROOT / p[0] / p[1] for p in parts if p[0] in ("assets", "checkpoints") and len(p) > 2}
    assert [folder.name for folder in sorted(folders) if not (folder / "README.md").is_file()] == []


def test_the_install_files_agree() -> None:
    """What a Space installs satisfies what the package asks for."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    needed = [*project["dependencies"], *project["optional-dependencies"]["app"]]
    named, wanted = ({re.split(r"[<>=\[]", line)[0].strip().lower() for line in part if not line.startswith("#")}
                     for part in (lines, needed))
    missing = wanted - named
    assert missing <= {"gradio"}  # the Space's sdk_version brings it


def test_the_code_is_clean() -> None:
    pytest.importorskip("ruff")
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--quiet", "--output-format=concise", "."], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.stdout.strip() == ""
