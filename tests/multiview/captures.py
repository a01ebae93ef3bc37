"""Small captures on disk: videos and pictures whose grey tells their number, with cameras round a point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from humanav.camera import Camera
from humanav.multiview import Rig
from tests.perception.test_video import painted, write


def ring(names: tuple[str, ...], width: int = 96, height: int = 64) -> Rig:
    """Cameras on a circle, upright."""
    return Rig(names, tuple(Camera.orbit([0, 1, 0], 3 + 0.1 * k, 360 * k / len(names), 8, width, height, 90.0)
                            for k in range(len(names))))


def films(folder: Path, names: tuple[str, ...], frames: int = 6, fps: int = 10, **size: int) -> Path:
    """A video for each name, ``<name>.mp4``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        write(folder / f"{name}.mp4", frames=frames, fps=fps, **size)
    return folder


def pictures(folder: Path, numbers: range | list[int], **size: int) -> Path:
    """``000001.png`` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.fromarray(painted(number, **size)).save(folder / f"{number:06d}.png")
    return folder


def masks(folder: Path, numbers: range | list[int]) -> Path:
    """Palette masks with persons 1 and 2."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        mask = np.zeros((64, 96), np.uint8)
        mask[10:50, 20:30], mask[10:50, 50:60] = 1, 2
        image = Image.fromarray(mask, "P")
        image.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
        image.save(folder / f"{number:06d}.png")
    return folder
