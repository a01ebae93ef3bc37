"""A small picture of a result for the report: one that the job left, or, where it left none, poses from its motion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav.results import Result

if TYPE_CHECKING:
    from PIL.Image import Image

SIZE = (480, 360)
_NAMES = ("poster.png", "preview.png", "preview.jpg", "overlay.jpg", "reprojection.png")
_POSES = 5
_EDGE = 18  # pixels left free


def draw_picture(result: Result, path: Path, *, again: bool = False) -> None:
    """Write a WebP of at most ``SIZE`` pixels to ``path``, unless there is one and it is not to be made ``again``."""
    if path.is_file() and not again:
        return
    picture = _left(result) or _poses(result)
    if picture is None:
        return
    picture.thumbnail(SIZE)
    part = path.with_suffix(".part")
    picture.save(part, "WEBP", quality=78)
    part.replace(path)


def _left(result: Result) -> Image | None:
    """A picture that the job left."""
    from PIL import Image, ImageOps

    for name in _NAMES:
        if result.has(name):
            with Image.open(result.path(name)) as image:
                return ImageOps.exif_transpose(image).convert("RGB")
    return None


def _poses(result: Result) -> Image | None:
    """Moments of the motion side by side, on nothing."""
    name = next((file.name for file in result.downloads if file.name in ("denoised.npz", "motion.npz")), None)
    if name is None:
        return None
    from PIL import Image

    from humanav.body import BodyModel
    from humanav.motion import load_motion
    from humanav.view import pose_pictures

    motion = load_motion(result.path(name))
    moments = np.unique(np.linspace(0, len(motion) - 1, _POSES).round().astype(int))
    size = (SIZE[0] // _POSES * 2, SIZE[1] - 2 * _EDGE)  # they overlap: people are narrower than what they may need
    sheet = Image.new("RGBA", SIZE)
    body: Any = BodyModel.load()
    for number, moment in enumerate(moments):
        drawn = Image.fromarray(next(pose_pictures(body, motion[int(moment)], size)))
        middle = _EDGE + (number + 0.5) * (SIZE[0] - 2 * _EDGE) / len(moments)
        sheet.alpha_composite(drawn.crop(drawn.getbbox() or (0, 0, 1, 1)), _place(drawn, middle))
    return sheet


def _place(drawn: Image, middle: float) -> tuple[int, int]:
    """Where the cut out person goes so that the middle is at ``middle``, with the feet on the ground of the sheet."""
    left, top, right, bottom = drawn.getbbox() or (0, 0, 1, 1)
    most = max(SIZE[0] - _EDGE - (right - left), _EDGE)
    return int(np.clip(middle - (right - left) / 2, _EDGE, most)), max(SIZE[1] - _EDGE - (bottom - top), 0)
