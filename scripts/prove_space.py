"""Prove that a Space would work: a fresh Python environment with what a Space installs, and nothing else, starts the
app and makes an avatar.

What a Space installs: ``requirements.txt``, the version of Gradio that the README's header names (with the extras that
Spaces add), the package ``spaces``, and the system packages of ``packages.txt``. The repository is copied without
anything that git does not know. Prints one line of JSON: seconds, sizes, and what was found::

    python scripts/prove_space.py                        # everything: PyTorch's CUDA packages alone are gigabytes
    python scripts/prove_space.py --env ENV --keep       # an environment that an earlier run made

PyTorch from the package index does not load without its CUDA packages, so they are installed as on a Space. Where
another index has a CPU build, ``--torch torch==2.11.0+cpu --pip=--extra-index-url=ADDRESS`` spares them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ADDED = ("uvicorn>=0.14.0", "websockets>=10.4", "spaces")
"""What Spaces install beside Gradio."""
BASE = {"libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libbz2-1.0", "libcrypt1", "libexpat1", "libffi8", "liblzma5",
        "libncursesw6", "libreadline8", "libsqlite3-0", "libssl3", "libssl3t64", "libtinfo6", "libuuid1"}
"""System packages that every image with Python has, for Python's own modules need them."""
VERSIONS = """
import json, platform
from importlib.metadata import version
names = ("torch", "numpy", "gradio", "mcp", "mediapipe", "numba")
print(json.dumps({"python": platform.python_version()} | {name: version(name) for name in names}))
"""
OFFER = """
import json, sys, time
from gradio_client import Client, handle_file
client = Client(sys.argv[1], verbose=False)
start = time.perf_counter()
answer = client.predict(photo=handle_file(sys.argv[2]), motion="wave", api_name="/make_avatar")
answer["waited"] = time.perf_counter() - start
print(json.dumps(answer))
"""
CHECK = """
import json, sys
from humanav.results import Result
import trimesh
scene = trimesh.load(sys.argv[1])
mesh = max(scene.geometry.values(), key=lambda part: len(part.faces))
raw = open(sys.argv[1], "rb").read()
size = int.from_bytes(raw[12:16], "little")
tree = json.loads(raw[20:20 + size])
print(json.dumps({"bytes": len(raw), "faces": len(mesh.faces), "height_m": round(float(scene.extents[1]), 2),
                  "animations": len(tree.get("animations", ())), "skins": len(tree.get("skins", ()))}))
"""


def main() -> int:
    """Run the proof; the exit code says whether it holds."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--python", help="the Python to use; by default one of the version in the README's header")
    words.add_argument("--env", type=Path, help="folder of the environment; one that is there is used as it is")
    words.add_argument("--torch", help="what to install instead of the line about torch: a version, a wheel")
    words.add_argument("--pip", action="append", default=[], help="an option for pip; may be given several times")
    words.add_argument("--photo", type=Path, help="the photo; by default the first sample")
    words.add_argument("--keep", action="store_true", help="keep the folder with environment, copy and results")
    words.add_argument("--minutes", type=float, default=15.0, help="for the app to start and to make the avatar")
    asked = words.parse_args()
    header = readme_header()
    folder = Path(tempfile.mkdtemp(prefix="humanav-space-"))
    told: dict[str, Any] = {"sdk_version": header["sdk_version"]}
    try:
        python = environment(asked.env or folder / "env", asked, header, told)
        told |= run(python, export(folder / "app"), folder, asked)
    except (subprocess.SubprocessError, RuntimeError) as error:
        told["error"] = str(error)
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)
    told["holds"] = "error" not in told and not told["system_packages"]["not_named"]
    print(json.dumps(told))
    return 0 if told["holds"] else 1


def readme_header() -> dict[str, str]:
    """The lines between the dashes at the head of the README."""
    text = (ROOT / "README.md").read_text().split("---")[1]
    return {key: value.strip().strip('"') for key, value in re.findall(r"^(\w+):(.*)$", text, re.MULTILINE)}


def environment(place: Path, asked: argparse.Namespace, header: dict[str, str], told: dict[str, Any]) -> Path:
    """The Python of the environment, made and filled where it is not there."""
    inside = place / "bin" / "python"
    start = time.perf_counter()
    if not inside.exists():
        base = asked.python or find_python(header["python_version"])
        subprocess.run([base, "-m", "venv", str(place)], check=True)
        lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
        if asked.torch:
            lines = [asked.torch, *(line for line in lines if not re.match(r"torch\b", line))]
        say(f"installing {len(lines)} requirements and Gradio {header['sdk_version']} into {place}")
        subprocess.run([str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *asked.pip,
                        *lines, f"gradio[oauth,mcp]=={header['sdk_version']}", *ADDED], check=True)
        told["install_s"] = round(time.perf_counter() - start, 1)
    size = subprocess.run(["du", "-sm", str(place)], capture_output=True, text=True, check=True).stdout.split()[0]
    versions = subprocess.run([str(inside), "-c", VERSIONS], capture_output=True, text=True, check=True).stdout
    told |= {"environment_mb": int(size), "versions": json.loads(versions)}
    return inside


def find_python(version: str) -> str:
    """A Python of this version, such as 3.12: on the path, or one of pyenv's."""
    homes = [Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"]
    found = [shutil.which(f"python{version}"), *(str(path) for home in homes
                                                 for path in sorted(home.glob(f"{version}.*/bin/python")))]
    for path in filter(None, found):
        done = subprocess.run([path, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
                              capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return path
    raise RuntimeError(f"There is no Python {version} here: install it, or name it with --python.")


def export(place: Path) -> Path:
    """A copy of what git knows or would add, as it is on disk now."""
    done = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                          capture_output=True, text=True, check=True)
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, place / name)
    return place


def system_packages(pid: int, place: Path) -> dict[str, Any]:
    """Which Debian packages the libraries come from that a process has loaded, and whether ``packages.txt`` names them.

    Args:
        pid: the process.
        place: the folder of its environment.

    Returns:
        "loaded": packages, and "not_named": those that an installed package is linked to, and that neither
        ``packages.txt`` nor Python itself brings. What a library tries to load, and does without, is no part of these.
        None for both where the system does not tell.
    """
    if not shutil.which("dpkg-query"):
        return {"loaded": None, "not_named": None}
    maps = Path(f"/proc/{pid}/maps").read_text()
    libraries = set(re.findall(r"\s(/\S+\.so\S*)$", maps, re.MULTILINE))
    own = {path for path in libraries if path.startswith(str(place))}
    linked = subprocess.run(["ldd", *sorted(own)], capture_output=True, text=True, check=False).stdout
    needed = {os.path.realpath(path) for path in re.findall(r"=> (/\S+)", linked)}
    files = {path for path in libraries - own if os.path.realpath(path) in needed}
    loaded = {owner for file in files for owner in owners_of(file)}
    named = (ROOT / "packages.txt").read_text().split()
    closure = subprocess.run(["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
                              "--no-breaks", "--no-replaces", "--no-enhances", *named],
                             capture_output=True, text=True, check=False).stdout
    brought = set(re.findall(r"[a-z0-9][a-z0-9+.-]+", closure))
    return {"loaded": sorted(loaded - BASE), "not_named": sorted(loaded - brought - BASE)}


def owners_of(file: str) -> set[str]:
    """The Debian packages that a file of the system belongs to."""
    for path in (file, os.path.realpath(file), f"/usr{file}"):
        done = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return {line.split(":")[0] for line in done.stdout.splitlines() if not line.startswith("diversion")}
    return set()


def run(python: Path, app: Path, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Start the app as a Space does, and ask it for an avatar."""
    home = folder / "home"
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    surroundings = {"HOME": str(home), "PATH": f"{python.parent}:/usr/bin:/bin", "PORT": str(port), "LANG": "C.UTF-8",
                    "TMPDIR": str(home), "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1", "HUMANAV_SAMPLES": "off",
                    "HUMANAV_STORAGE": str(home / "results")}
    surroundings |= {name: os.environ[name] for name in os.environ if name.startswith("OPENBLAS_")}
    log, end = folder / "app.log", time.monotonic() + 60 * asked.minutes
    start = time.perf_counter()
    with log.open("w") as file:
        process = subprocess.Popen([str(python), "app.py"], cwd=app, env=surroundings, stdout=file, stderr=file)
    try:
        url = f"http://127.0.0.1:{port}"
        wait(url, process, log, end, warm=False)
        answering = time.perf_counter() - start
        wait(url, process, log, end, warm=True)
        say(f"the app answers after {answering:.1f} s; making an avatar")
        warm = time.perf_counter() - start
        photo = asked.photo or sorted((app / "assets" / "samples").glob("*.jpg"))[0]
        done = subprocess.run([str(python), "-c", OFFER, url, str(photo)], env=surroundings, capture_output=True,
                              text=True, check=False, timeout=max(end - time.monotonic(), 1))
        if done.returncode:
            raise RuntimeError(f"no avatar: {done.stderr.strip().splitlines()[-1]}")
        answer = json.loads(done.stdout.splitlines()[-1])
        glb = next(file["file"] for file in answer["files"] if file["name"].endswith(".glb"))
        checked = subprocess.run([str(python), "-c", CHECK, glb], cwd=app, env=surroundings, capture_output=True,
                                 text=True, check=True)
        found = json.loads(checked.stdout)
        if not (found["faces"] > 1000 and found["animations"] and found["skins"] and 0.5 < found["height_m"] < 3):
            raise RuntimeError(f"the avatar is not as it should be: {found}")
        with urllib.request.urlopen(f"{url}/health", timeout=10) as health:
            memory = json.loads(health.read())["memory_gb"]
        system = system_packages(process.pid, python.parent.parent)
        return {"system_packages": system, "cold_start_s": round(answering, 1), "warm_s": round(warm, 1),
                "avatar_s": round(answer["waited"], 1), "quality": answer["quality"], "glb": found,
                "memory_gb": memory, "files": {file["name"]: file["size"] for file in answer["files"]}}
    finally:
        process.terminate()
        process.wait(20)


def wait(url: str, process: subprocess.Popen[bytes], log: Path, end: float, *, warm: bool) -> None:
    """Wait until the app answers, or until it is warm."""
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
                if json.loads(answer.read())["warm"] or not warm:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.2 if not warm else 1.0)
    raise RuntimeError("the app did not start: " + " | ".join(log.read_text().strip().splitlines()[-3:]))


def say(words: str) -> None:
    """Tell how it goes, beside the JSON."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
