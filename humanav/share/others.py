"""What the page of any other result shows: whatever of it can be played or looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from humanav.errors import InputError
from humanav.results import Result
from humanav.share.films import film_view
from humanav.share.frames import mesh_frame, splat_frame
from humanav.share.media import (
    film_part,
    glb_part,
    picture_part,
    player_script,
    read,
    splat_part,
    splat_script,
)
from humanav.share.value import Content, Part, View

_NAMES = {"avatar test": "An avatar beside the pictures it was learned from", "avatar neutral": "An avatar all the way "
          "round", "avatar animation": "An avatar in motion", "gaussian avatar": "An avatar of Gaussians",
          "avatar evaluation": "An avatar compared with pictures"}
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_MOST_PICTURES, _MOST_VIEWS = 12, 4
_TURN = "Drag to turn, pinch or scroll to zoom."


def other_content(result: Result, pictures: bool = True) -> Content:
    """A result of a kind that has no page of its own.

    Raises:
        InputError: there is nothing in it to look at.
    """
    kind = result.kind
    content = Content(_NAMES.get(kind, f"A result: {kind}"), str(result.report.get("quality", "")),
                      notes=[str(note) for note in result.report.get("warnings", ())])
    for file in result.files:
        if len(content.views) >= _MOST_VIEWS:
            break
        number, words, suffix = len(content.views), file.purpose or Path(file.name).stem, Path(file.name).suffix.lower()
        said = f"{words} is"
        if suffix == ".glb":
            key = content.add(glb_part(read(result, file.name), f"mesh-{number}", said, number))
            content.add(player_script())
            content.views.append(View(words, _mesh(key, words), _TURN))
        elif suffix in (".splats", ".ply"):
            part = splat_part(read(result, file.name), f"gaussians-{number}", said, number) if suffix == ".splats" \
                else _still(result, file.name, f"gaussians-{number}", said, number)
            if part is None:
                continue
            key = content.add(part)
            content.add(splat_script())
            content.views.append(View(words, _splats(key, words), _TURN))
        elif suffix == ".mp4" and pictures:
            key = content.add(film_part(result, file.name, f"film-{number}", said, number))
            content.views.append(film_view(result, file.name, key, words))
    if pictures:
        for file in result.files:
            if Path(file.name).suffix.lower() in _PICTURES and len(content.pictures) < _MOST_PICTURES:
                words = file.purpose or file.name
                key = content.add(picture_part(result, file.name, f"pic-{len(content.pictures)}", "Some pictures are"))
                if key:
                    content.pictures.append((key, words, ""))
    if not content.views and not content.pictures:
        raise InputError(f"The result {result.folder.name} (of the kind {kind!r}) holds nothing to look at, so there "
                         "is no page to make of it.")
    return content


def _still(result: Result, name: str, key: str, words: str, rank: int) -> Part | None:
    """Gaussians of a .ply, standing; None where the file holds something else."""
    from humanav.export import read_splat_ply
    from humanav.export.skinned_splats import pack_still

    try:
        splats = read_splat_ply(result.path(name))
    except InputError:
        return None
    return splat_part(pack_still(splats), key, words, rank) if len(splats) else None


def _mesh(key: str, words: str) -> Callable[[Collection[str]], str | None]:
    return lambda have: mesh_frame(key, words) if key in have else None


def _splats(key: str, words: str) -> Callable[[Collection[str]], str | None]:
    return lambda have: splat_frame(key, words) if key in have else None
