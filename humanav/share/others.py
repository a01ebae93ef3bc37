"""What the page of any other result shows: whatever of it can be played or looked at."""

from __future__ import annotations

from pathlib import Path

from humanav.errors import InputError
from humanav.results import Result
from humanav.share.media import film_part, picture_part, read
from humanav.share.value import Content
from humanav.share.views import add_mesh, add_splats, film_view, mesh_view, splat_view

_NAMES = {"avatar test": "An avatar beside the pictures it was learned from", "avatar neutral": "An avatar all the way "
          "round", "avatar animation": "An avatar in motion", "avatar evaluation": "An avatar compared with pictures",
          "image fit": "A body pose from one picture", "pose": "A body pose from a drawing"}
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_MOST_PICTURES, _MOST_VIEWS = 12, 4


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
            key = add_mesh(content, read(result, file.name), f"mesh-{number}", said, number)
            content.views.append(mesh_view(words, key))
        elif suffix in (".splats", ".ply"):
            data = read(result, file.name) if suffix == ".splats" else _still(result, file.name)
            if data is not None:
                key = add_splats(content, data, f"gaussians-{number}", said, number)
                content.views.append(splat_view(words, key))
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


def _still(result: Result, name: str) -> bytes | None:
    """Gaussians of a .ply, standing; None where the file holds something else."""
    from humanav.export import read_splat_ply
    from humanav.export.skinned_splats import pack_still

    try:
        splats = read_splat_ply(result.path(name))
    except InputError:
        return None
    return pack_still(splats) if len(splats) else None
