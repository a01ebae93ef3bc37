"""Put pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_INK, _PAPER, _GAP = (60, 64, 72), (255, 255, 255), 8


def contact_sheet(
    images: Sequence[Any], labels: Sequence[str] | None = None, *, columns: int | None = None, height: int = 320,
    max_width: int = 2400,
) -> NDArray[np.uint8]:
    """Pictures in a grid, each scaled to the same height, with a label under it.

    Args:
        images: uint8 RGB (H,W,3) each (grey (H,W) and 0..1 floats are accepted).
        labels: one short text per picture, or None.
        columns: pictures per row; by default as many as give a sheet about twice as wide as high.
        height: of each picture in pixels.
        max_width: the sheet is scaled down if it would be wider.

    Returns:
        uint8 RGB.
    """
    pictures = [_scaled(_rgb(image), height) for image in images]
    if not pictures:
        return np.full((height, height, 3), 255, dtype=np.uint8)
    if columns is None:
        mean_width = sum(p.width for p in pictures) / len(pictures)
        columns = max(1, round((2 * len(pictures) * height / mean_width) ** 0.5))
    columns = min(columns, len(pictures))
    band = 24 if labels is not None else 0
    rows = [pictures[i: i + columns] for i in range(0, len(pictures), columns)]
    widths = [max(row[c].width for row in rows if c < len(row)) for c in range(columns)]
    sheet = Image.new("RGB", (sum(widths) + _GAP * (columns + 1), len(rows) * (height + band + _GAP) + _GAP), _PAPER)
    draw, font = ImageDraw.Draw(sheet), label_font(15)
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            left, top = sum(widths[:c]) + _GAP * (c + 1), r * (height + band + _GAP) + _GAP
            sheet.paste(picture, (left + (widths[c] - picture.width) // 2, top))
            index = r * columns + c
            if labels is not None and index < len(labels):
                draw.text((left + widths[c] / 2, top + height + band / 2), labels[index], _INK, font, anchor="mm")
    if sheet.width > max_width:
        sheet = sheet.resize((max_width, round(sheet.height * max_width / sheet.width)), Image.Resampling.LANCZOS)
    return np.asarray(sheet)


def label_font(size: int) -> Any:
    """Pillow's built-in font at ``size`` pixels."""
    return ImageFont.load_default(size)


def _rgb(image: Any) -> Image.Image:
    array = np.asarray(image)
    if array.dtype == np.bool_ or np.issubdtype(array.dtype, np.floating):
        array = (np.clip(array, 0, 1) * 255 + 0.5).astype(np.uint8)
    return Image.fromarray(array).convert("RGB")


def _scaled(picture: Image.Image, height: int) -> Image.Image:
    if picture.height == height:
        return picture
    return picture.resize((max(1, round(picture.width * height / picture.height)), height), Image.Resampling.LANCZOS)
