"""The capture to try that comes with the package: a film of synthetic people by several cameras, so nobody's
likeness."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from humanav.paths import asset

SAMPLE_CAPTURES: dict[str, str] = {"hug": "Two people hug, seen by four cameras"}
"""Name and what is seen."""


def sample_capture(name: str = "hug") -> Path | None:
    """The folder or zip of a sample capture; None where the samples are not installed."""
    for place in (asset("samples", name), asset("samples", f"{name}.zip")):
        if place.exists():
            return place
    return None


def sample_files(name: str = "hug") -> list[Path]:
    """The files of a sample capture, as a visitor would choose them; none where the samples are not installed."""
    place = sample_capture(name)
    if place is None or place.is_file():
        return [place] if place is not None else []
    return sorted(file for file in place.iterdir() if file.suffix in (".mp4", ".yml"))


def sample_picture(name: str = "hug") -> Path:
    """Where a small picture of a sample capture lies."""
    return asset("samples", "previews", f"{name}.jpg")


def draw_sample_picture(name: str = "hug") -> Path:
    """Make :func:`sample_picture`: the middle of each view, at the middle of the capture, beside each other."""
    from PIL import Image

    from humanav.multiview.capture import find_capture
    from humanav.multiview.footage import open_footage

    with open_footage(find_capture(sample_files(name)), max_side=320) as footage:
        views = [footage.frame(view, footage.frames // 2) for view in range(len(footage.names))]
    sheet = np.concatenate([view[:, view.shape[1] // 4: -(view.shape[1] // 4)] for view in views], axis=1)
    path = sample_picture(name)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(sheet).save(path, quality=88)
    return path
