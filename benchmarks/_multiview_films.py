"""Captures that the benchmark of several views is measured on: close contact, filmed by eight cameras, kept on disk.

Four views are every second of the eight cameras, two are neighbours of those. A capture is ``NAME.npz`` with
``NAME-camK.mp4``; the truth is exact: bodies, cameras, and which pixels show whom.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.motion import Motion
from humanav.multiview.contact import clip_contact
from humanav.multiview.value import Rig
from humanav.synth.contact import ContactScene, close_contact, film_contact

VERSION = 1
VIEWS = 8


@dataclass(frozen=True)
class Take:
    """A capture of T frames and V views with its truth.

    Attributes:
        name, action: labels.
        motions: true people, "1" and "2".
        rig: all V cameras.
        videos: of the views.
        masks: (T,V,P,H,W) pixels that show whom.
        touching: (T,) frames in which the true bodies touch, see :mod:`humanav.multiview.contact`.
        depth_mm: (T,) how deep the true bodies are in each other.
    """

    name: str
    action: str
    motions: tuple[Motion, ...]
    rig: Rig
    videos: tuple[Path, ...]
    masks: NDArray[np.bool_]
    touching: NDArray[np.bool_]
    depth_mm: NDArray[np.float64]

    @property
    def frames(self) -> int:
        """T."""
        return len(self.motions[0])

    @property
    def truth(self) -> dict[str, Motion]:
        """The true people by name."""
        return {motion.person_id: motion for motion in self.motions}

    @property
    def contact(self) -> list[int]:
        """Numbers of the frames in contact."""
        return [int(t) for t in np.flatnonzero(self.touching)]

    def views(self, count: int) -> list[int]:
        """Which of the cameras are the ``count`` that a case uses."""
        total = len(self.rig)
        step = max(1, total // max(count, 4))
        return [k * step for k in range(min(count, total))]


def default_cache() -> Path:
    """Where captures are kept when nothing else is said."""
    return Path(tempfile.gettempdir()) / "humanav-multiview-takes"


def take(
    action: str, seed: int, *, views: int = VIEWS, frames: int = 25, fps: float = 10.0,
    size: tuple[int, int] = (640, 480), cache: Path | None = None, say: Callable[[str], None] = lambda text: None,
) -> Take:
    """One capture from the cache, or filmed into it."""
    folder = cache or default_cache()
    folder.mkdir(parents=True, exist_ok=True)
    name = f"v{VERSION}-{action}-s{seed}-{views}x{frames}x{fps:g}-{size[0]}x{size[1]}"
    videos = tuple(folder / f"{name}-cam{k + 1}.mp4" for k in range(views))
    truth = folder / f"{name}.npz"
    if not (truth.is_file() and all(video.is_file() for video in videos)):
        scene = close_contact(action, seed, views=views, frames=frames, fps=fps, size=size)
        say(f"{name}: posed")
        masks = _film(scene, videos)
        _save(truth, scene, masks)
        say(f"{name}: filmed")
    return _load(name, truth, videos)


def _film(scene: ContactScene, videos: tuple[Path, ...]) -> NDArray[np.bool_]:
    """Write the films; masks (T,V,P,H,W)."""
    from humanav.export.video import write_mp4

    pictures: list[list[NDArray[np.uint8]]] = [[] for _ in videos]
    masks = []
    for shots in film_contact(scene):
        for own, shot in zip(pictures, shots, strict=True):
            own.append(shot.image)
        masks.append(np.stack([np.stack(shot.masks) > 0.5 for shot in shots]))
    for own, video in zip(pictures, videos, strict=True):
        write_mp4(_frames(own), video, scene.fps, crf=16)
    return np.stack(masks)


def _frames(pictures: list[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    yield from pictures


def _save(path: Path, scene: ContactScene, masks: NDArray[np.bool_]) -> None:
    met = clip_contact(scene.motions, BodyModel.load(), volume=False)
    arrays: dict[str, Any] = {
        "cameras": json.dumps([camera.to_dict() for camera in scene.cameras]), "names": list(scene.names),
        "action": scene.action, "fps": scene.fps, "people": len(scene.motions), "size": masks.shape[-2:],
        "masks": np.packbits(masks, axis=-1), "touching": met.touching.any(axis=1),
        "depth_mm": met.depth_mm.max(axis=1)}
    for k, motion in enumerate(scene.motions):
        arrays |= {f"pose_{k}": motion.full_pose, f"transl_{k}": motion.transl, f"betas_{k}": motion.betas,
                   f"expression_{k}": motion.expression}
    temporary = path.with_suffix(".part.npz")
    np.savez_compressed(temporary, **arrays)
    temporary.replace(path)


def _load(name: str, path: Path, videos: tuple[Path, ...]) -> Take:
    with np.load(path, allow_pickle=False) as data:
        cameras = tuple(Camera.from_dict(camera) for camera in json.loads(str(data["cameras"])))
        motions = tuple(
            Motion.from_full_pose(data[f"pose_{k}"], float(data["fps"]), data[f"transl_{k}"], data[f"betas_{k}"],
                                  data[f"expression_{k}"], str(data["action"]), str(k + 1))
            for k in range(int(data["people"])))
        masks = np.unpackbits(data["masks"], axis=-1, count=int(data["size"][1])).astype(bool)
        return Take(name, str(data["action"]), motions, Rig(tuple(map(str, data["names"])), cameras), videos, masks,
                    data["touching"], data["depth_mm"])
