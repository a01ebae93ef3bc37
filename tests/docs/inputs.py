"""What the commands of the documents are run on: the shipped samples, made small, and results that pages share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from humanav.paths import asset

SAMPLES = Path("assets/samples")


def make_samples(folder: Path) -> None:
    """The sample photos at half their size, some tenths of a second of each sample clip and view of the hug."""
    from PIL import Image

    from humanav.export import write_mp4
    from humanav.perception import open_video

    target = folder / SAMPLES
    (target / "hug").mkdir(parents=True)
    for name in ("shirt.jpg", "dress.jpg", "sport.jpg"):
        Image.open(asset("samples", name)).resize((480, 640)).save(target / name, quality=92)
    clips = {"walk_and_squat.mp4": 0.4, "two_people.mp4": 0.3, **{f"hug/cam{k}.mp4": 0.4 for k in range(1, 5)}}
    for name, seconds in clips.items():
        with open_video(asset("samples", name), end=seconds, max_side=480) as video:
            write_mp4(video, target / name, video.fps, crf=14)
    for name in ("intri.yml", "extri.yml"):
        shutil.copy(asset("samples", "hug", name), target / "hug" / name)
    shutil.copytree(asset("samples", "hug_truth"), target / "hug_truth")


def _motion(path: Path) -> None:
    from humanav.motion import load_clip, write_bvh

    write_bvh(load_clip("walk")[:24], path)


def _photos(path: Path) -> None:
    path.mkdir()
    for name in ("shirt.jpg", "sport.jpg"):
        shutil.copy(path.parent / SAMPLES / name, path / name)


def _motions(path: Path) -> None:
    from humanav.motion import load_clip, save_npz

    path.mkdir()
    for name in ("walk", "squat"):
        save_npz(load_clip(name)[:20], path / f"{name}.npz")


def _copied(name: str) -> Callable[[Path], None]:
    return lambda path: _copy(path.parent / SAMPLES / name, path)


def _copy(source: Path, target: Path) -> None:
    shutil.copy(source, target)


FILES: dict[str, Callable[[Path], None]] = {
    "motion.bvh": _motion, "photo.jpg": _copied("shirt.jpg"), "clip.mp4": _copied("walk_and_squat.mp4"),
    "photos": _photos, "motions": _motions}
"""A reader's own files, by the names that the documents give them."""

RESULTS = {
    "result": "avatar assets/samples/shirt.jpg --motion wave --out result --texture 1024",
    "tracked": "track assets/samples/walk_and_squat.mp4 --out tracked",
    "both": "track assets/samples/two_people.mp4 --people all --out both",
    "lifted": "uplift run assets/samples/walk_and_squat.mp4 --out lifted",
    "hug": "multiview fit assets/samples/hug --out hug",
    "clean.npz": "posendf denoise motion.bvh --out clean.npz",
}
"""Results that pages go on from, and the command that makes each where no page has made it yet."""
