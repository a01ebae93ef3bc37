"""What the page of a multi-view capture shows: every view in step with everybody in 3D, before and after, avatars."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from humanav.results import Result
from humanav.share.frames import capture_frame
from humanav.share.media import film_part, picture_part, poster_part, read
from humanav.share.value import Content, View, Wipe
from humanav.share.views import add_mesh, add_splats, legend_of, mesh_view, splat_view
from humanav.view.colors import css

_BEFORE, _AFTER = css((128, 134, 144)), css((15, 118, 97))
_KEY = ("Yellow: skin nearer than 2 cm to the other person. Red: skin inside the other person.")


def capture_content(result: Result, pictures: bool = True) -> Content:
    """A reconstructed capture."""
    report = result.report
    people = [str(person) for person in report["people"]]
    count = len(people)
    content = Content(f"{count} people from several cameras" if count > 1 else "A person from several cameras",
                      str(report.get("quality", "")), notes=report.get("warnings", ()))
    scene = add_mesh(content, read(result, "people.glb"), "people")
    yaw, legend = float(report.get("yaw", 20.0)), legend_of(people)
    content.views.append(mesh_view("Everybody in 3D" if count > 1 else "In 3D", scene, title="Everybody in 3D",
                                   yaw=yaw, legend=legend))
    if pictures:
        _overlays(content, result, scene, yaw)
    if result.has("before_after.glb"):
        both = add_mesh(content, read(result, "before_after.glb"), "before-after",
                        "The scene before and after refinement is", 4)
        content.views.append(mesh_view(
            "Before and after", both, title="Before and after refinement", yaw=yaw, legend=legend,
            hint="Left before the bodies were refined by the pictures, right after it. Drag to turn both.",
            colors={"Before": _BEFORE, "After": _AFTER}))
    _avatars(content, result, people)
    if pictures:
        _contact(content, result)
        content.poster = content.add(poster_part(result, "preview.png"))
    content.facts = _facts(report, people)
    return content


def _overlays(content: Content, result: Result, scene: str, yaw: float) -> None:
    """The views' videos, in step with the scene."""
    report, films = result.report, {}
    for number, name in enumerate(map(str, report["names"])):
        key = content.add(film_part(result, _overlay_name(name), f"view-{number}", "The videos of some views are", 6))
        if key:
            films[name] = key

    def in_step(have: Collection[str]) -> str | None:
        there = {name: key for name, key in films.items() if key in have}
        return capture_frame(there, scene, fps=report["fps"], frames=report["frames"], size=tuple(report["sizes"][0]),
                             yaw=yaw) if there else None

    if films:
        content.views.append(View("In every camera", in_step, "All views and the scene play in step; press a view to "
                                  "make it large.", tall=True))


def _avatars(content: Content, result: Result, people: list[str]) -> None:
    """Each person's Gaussian avatar."""
    for number, person in enumerate(people):
        suffix = f"_{person}" if len(people) > 1 else ""
        name = f"avatar{suffix}.splats"
        if not result.has(name):
            continue
        key = add_splats(content, read(result, name), f"avatar-{number}", f"The avatar of person {person} is", 3)
        content.views.append(splat_view(f"Avatar of person {person}" if len(people) > 1 else "Avatar", key,
                                        title="The avatar", motion="motion"))


def _contact(content: Content, result: Result) -> None:
    """The moment in which they are nearest, before and after, or once."""
    contact = result.report.get("contact")
    words = "The picture of the contact is"
    after = content.add(picture_part(result, "contact_after.png", "contact-after", words, 7)) if contact else ""
    if not contact or not after:
        return
    depth, later = float(contact.get("depth_mm", 0)), float(contact.get("depth_after_mm", contact.get("depth_mm", 0)))
    apart = max(depth, later) < 0.5
    before = content.add(picture_part(result, "contact_before.png", "contact-before", words, 7))
    if before:
        said = "The moment in which they are nearest: they do not go into each other." if apart else \
            f"At the deepest contact they go {depth:.0f} mm into each other before refinement, {later:.0f} mm after it."
        content.wipe = Wipe(before, after, "Where they are nearest", f"{said} {_KEY}")
    else:
        said = _KEY if apart else f"They go {depth:.0f} mm into each other. {_KEY}"
        content.pictures.append((after, "Where they are nearest", said))


def _facts(report: dict[str, Any], people: list[str]) -> list[tuple[str, str]]:
    facts = [("People", str(len(people))), ("Views", str(report["views"])),
             ("Length", f"{report['frames'] / report['fps']:.1f} s"), ("Frames a second", f"{report['fps']:.4g}")]
    off = report.get("fitting", {}).get("reprojection_px")
    if isinstance(off, int | float):
        facts.append(("Bodies off the 2D points", f"{off:.1f} px"))
    return facts


def _overlay_name(view: str) -> str:
    """The file of a view's overlay, as the job names it."""
    return f"overlay_{''.join(c if c.isalnum() or c in '-_' else '_' for c in view)}.mp4"
