"""Files of a result as parts of a page, each with the ways in which it can be made smaller."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from humanav.errors import InputError
from humanav.results import Result
from humanav.share.glb import glb_ways
from humanav.share.splats import splat_ways
from humanav.share.value import Part, Smaller, Way
from humanav.view.player import SCRIPT
from humanav.view.splats import SPLAT_SCRIPT

PLAYER, SPLAT_PLAYER = "player.js", "splats.js"
_GLB, _SPLATS, _MP4, _JPEG, _JS = ("model/gltf-binary", "application/octet-stream", "video/mp4", "image/jpeg",
                                   "text/javascript")
_LONGEST = 120.0  # seconds of a video that is worth making smaller
_SIDE, _QUALITY = 1400, 84


def read(result: Result, name: str) -> bytes:
    """A file of the result. Raises InputError when it is not there or cannot be read."""
    try:
        return result.path(name).read_bytes()
    except OSError as error:
        raise InputError(f"{name} of the result {result.folder.name} cannot be read: make the result again.") from error


def player_script() -> Part:
    """The player of .glb files."""
    return Part(PLAYER, _JS, SCRIPT.read_bytes(), serves=_GLB)


def splat_script() -> Part:
    """The player of Gaussians."""
    return Part(SPLAT_PLAYER, _JS, SPLAT_SCRIPT.read_bytes(), serves=_SPLATS)


def glb_part(data: bytes, key: str, words: str = "", rank: int = 0) -> Part:
    """A .glb file."""
    if not data.startswith(b"glTF"):
        raise InputError("The 3D file of this result is damaged: make the result again.")
    return Part(key, _GLB, data, words, glb_ways(), rank)


def splat_part(data: bytes, key: str, words: str = "", rank: int = 0) -> Part:
    """A file of skinned Gaussians."""
    return Part(key, _SPLATS, data, words, splat_ways(), rank)


def film_part(result: Result, name: str, key: str, words: str, rank: int = 5) -> Part | None:
    """A video of the result, which can be left out; None where it has none."""
    return Part(key, _MP4, read(result, name), words, (smaller_film(400, 28), smaller_film(240, 32)), rank) \
        if result.has(name) else None


def picture_part(result: Result, name: str, key: str, words: str, rank: int = 8, side: int = _SIDE) -> Part | None:
    """A picture of the result as JPEG, which can be left out; None where it has none or it cannot be read."""
    from PIL import Image

    if not result.has(name):
        return None
    try:
        with Image.open(result.path(name)) as opened:
            picture = _on_white(opened)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return Part(key, _JPEG, _jpeg(picture, side, _QUALITY), words, (_smaller_picture(640),), rank)


def poster_part(result: Result, name: str) -> Part | None:
    """A small picture for readers without scripts, which is left out first."""
    return picture_part(result, name, "poster", "A picture for readers without scripts is", 9, 640)


def size_of(picture: Part) -> tuple[int, int]:
    """Width and height of a picture."""
    from PIL import Image

    with Image.open(io.BytesIO(picture.data)) as opened:
        return opened.width, opened.height


def smaller_film(height: int, crf: int) -> Way:
    """A video of at most so many rows, frame for frame the same."""

    def way(data: bytes) -> Smaller | None:
        from humanav.export import write_mp4
        from humanav.perception.video import open_video
        from humanav.view.composite import resized

        with tempfile.TemporaryDirectory() as place:
            source, target = Path(place) / "a.mp4", Path(place) / "b.mp4"
            source.write_bytes(data)
            with open_video(source) as film:
                if film.duration > _LONGEST:
                    return None
                fps = film.fps

                def frames() -> Iterator[Any]:
                    for frame in film:
                        rows, columns = frame.shape[:2]
                        factor = min(1.0, height / rows)
                        size = (max(2, round(columns * factor)), max(2, round(rows * factor)))
                        yield resized(np.asarray(frame), size)

                write_mp4(frames(), target, fps, crf=crf, key_seconds=1.0)
            return target.read_bytes(), "The video is smaller here than in the full result."

    return way


def _smaller_picture(side: int) -> Way:
    def way(data: bytes) -> Smaller | None:
        from PIL import Image

        return _jpeg(Image.open(io.BytesIO(data)), side, 72), "The pictures are smaller here than in the full result."

    return way


def _jpeg(picture: Any, side: int, quality: int) -> bytes:
    picture = picture.copy()
    picture.thumbnail((side, side))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _on_white(picture: Any) -> Any:
    from PIL import Image

    if "A" not in picture.getbands():
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
