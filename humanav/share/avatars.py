"""What the page of an avatar shows: the person with skeleton and texture, as Gaussians, and both compared."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Collection
from pathlib import Path

from humanav.results import Result
from humanav.share.frames import compare_frame
from humanav.share.glb import clip_names
from humanav.share.media import film_part, picture_part, poster_part, read, size_of
from humanav.share.splats import motion_names
from humanav.share.value import Content, Part, View, Wipe
from humanav.share.views import add_mesh, add_splats, film_view, mesh_view, splat_view

SPLATS, MESH = "avatar.splats", "avatar.glb"
_COMPARED = ("keypoints.jpg", "overlay.jpg")  # the photo before and after a body was fitted to it
_SHOWN = ("walk", "wave")  # motions of an avatar that has none


def avatar_content(result: Result, pictures: bool = True) -> Content:
    """An avatar of a photo, or one that was given another motion."""
    report, moved = result.report, result.kind == "animation"
    motion = str(report.get("animation") or result.inputs.get("motion") or "")
    content = Content("An avatar in motion" if moved else "An avatar from one photo", str(report.get("quality", "")),
                      notes=report.get("warnings", ()))
    mesh = read(result, MESH)
    splats = read(result, SPLATS) if result.has(SPLATS) else None
    glb = add_mesh(content, mesh, "mesh", "The mesh is" if splats else "", 3)
    if splats is not None:
        _gaussians(content, splats, glb, motion)
    content.views.append(mesh_view("Mesh" if splats else "Avatar", glb, title="The avatar",
                                   clip=motion if motion in clip_names(mesh) else None))
    content.facts = _facts(result, motion_names(splats) if splats is not None else clip_names(mesh))
    if pictures:
        if (film := content.add(film_part(result, "side_by_side.mp4", "film", "The video in the clip is"))):
            content.views.insert(1, film_view(result, "side_by_side.mp4", film, "In the clip", "Before: the clip as it "
                                              "was. After: the avatar in it."))
        _photo(content, result)
        for item in report.get("evidence", ()):
            if content.wipe and item["file"] in _COMPARED:
                continue
            key = content.add(picture_part(result, item["file"], f"pic-{len(content.pictures)}",
                                           "Pictures of how it was made are", side=760))
            if key:
                content.pictures.append((key, str(item["title"]), str(item["caption"])))
    still = "poster.png" if result.has("poster.png") or not pictures else "preview.png"  # a preview may show the clip
    content.poster = content.add(poster_part(result, still))
    return content


def _photo(content: Content, result: Result) -> None:
    """The photo before and after, where both are kept."""
    before, after = (picture_part(result, name, name.split(".")[0], "The photo and the body in it are", side=1000)
                     for name in _COMPARED)
    if before and after and abs(math.log(_shape(before) / _shape(after))) < 0.02:
        content.wipe = Wipe(content.add(before), content.add(after), "In the photo", "Before: the points that were "
                            "found in the photo. After: the body that was fitted to them.")


def _shape(picture: Part) -> float:
    width, height = size_of(picture)
    return width / height


def _gaussians(content: Content, splats: bytes, glb: str, motion: str) -> None:
    """The Gaussians of an avatar that has a mesh as well, and both compared."""
    key = add_splats(content, splats, "gaussians")
    first = motion if motion in motion_names(splats) else None

    def compare(have: Collection[str]) -> str | None:
        return compare_frame(key, glb, "Textured mesh and Gaussians", first) if glb in have else None

    content.views += [
        splat_view("Gaussians", key, title="The avatar as Gaussians", motion=first),
        View("Before and after", compare, "Before: the textured mesh. After: the Gaussians that were trained on top of "
             "it. Move the line between the two.")]


def _facts(result: Result, motions: list[str]) -> list[tuple[str, str]]:
    report = result.report
    facts = [("Motions" if len(motions) > 1 else "Motion", ", ".join(map(_readable, motions)))] if motions else []
    if isinstance(trained := report.get("gaussian"), dict) and trained.get("count"):
        facts.append(("Gaussians", f"{int(trained['count']):,}"))
    for key, words, scale, ending in (("avatar_iou", "Outline of the photo met", 100, " %"),
                                      ("reprojection_pct_height", "Joints off, of the height", 1, " %"),
                                      ("seen_share", "Surface seen in the photo", 100, " %")):
        if isinstance(report.get(key), int | float):
            digits = 0 if scale == 100 else 1
            facts.append((words, f"{scale * report[key]:.{digits}f}{ending}"))
    return facts


def _readable(name: str) -> str:
    words = Path(name).stem.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def trained_content(result: Result, pictures: bool = True) -> Content:
    """A Gaussian avatar that was trained as a subject: given two motions to show."""
    from humanav.avatar.gaussian import GaussianAvatar
    from humanav.export import write_avatar_splats
    from humanav.motion import load_clip

    content = Content("An avatar of Gaussians", str(result.report.get("quality", "")),
                      notes=[str(note) for note in result.report.get("warnings", ())])
    avatar = GaussianAvatar.load(result.path("avatar_gaussian.npz"))
    with tempfile.TemporaryDirectory() as place:
        motions = {name: load_clip(name) for name in _SHOWN}
        data = write_avatar_splats(avatar, Path(place) / SPLATS, motions).read_bytes()
    key = add_splats(content, data, "gaussians")
    content.views.append(splat_view("Avatar", key, title="The avatar as Gaussians", motion=_SHOWN[0]))
    content.facts = [("Motions", ", ".join(map(_readable, _SHOWN))), ("Gaussians", f"{len(avatar.means):,}")]
    if pictures:
        picture = content.add(picture_part(result, "preview.jpg", "pic-0", "The picture beside the photo is"))
        if picture:
            content.pictures.append((picture, "Beside the photo", "The photo, and the avatar from there, the side and "
                                     "behind."))
    return content
