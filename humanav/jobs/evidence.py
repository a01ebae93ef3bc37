"""Pictures that show how good a result is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def side_view(
    vertices: NDArray[np.floating], faces: NDArray[np.integer], size: tuple[int, int] = (480, 640)
) -> NDArray[np.uint8]:
    """The body as seen from the photo's left, on white: depth errors, invisible from the front, show here.

    Args:
        vertices: (V,3) metres, y up, the photo's camera looking along -z.
        faces: (F,3).
        size: width and height in pixels.
    """
    from humanav.camera import Camera
    from humanav.render import render_mesh

    low, high = vertices.min(0), vertices.max(0)
    centre, extent = (low + high) / 2, high - low
    focal, fill = 3.0 * size[1], 0.86
    distance = focal * max(extent[1] / (fill * size[1]), extent[2] / (fill * size[0])) + extent[0] / 2
    camera = Camera.orbit(centre, float(distance), 90.0, 0.0, size[0], size[1], focal)
    return render_mesh(vertices, faces, camera)[0]


def save_picture(image: NDArray[np.uint8], path: Path, side: int = 1280) -> None:
    """Write a picture as JPEG or PNG by the file's name, at most ``side`` pixels high or wide."""
    picture = Image.fromarray(image)
    picture.thumbnail((side, side))
    picture.save(path, quality=88)
