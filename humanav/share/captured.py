"""What the page of a multi-view capture shows: every view in step with everybody in 3D, before and after, avatars."""

from __future__ import annotations

import html
from collections.abc import Callable, Collection
from typing import Any

from humanav.results import Result
from humanav.share.frames import capture_frame, mesh_frame, splat_frame
from humanav.share.media import (
    film_part,
    glb_part,
    picture_part,
    player_script,
    poster_part,
    read,
    splat_part,
    splat_script,
)
from humanav.share.value import Content, View, Wipe
from humanav.view.colors import css, person_color

_TURN = "Drag to turn, pinch or scroll to zoom."
_BEFORE, _AFTER = css((128, 134, 144)), css((15, 118, 97))
_KEY = ("Yellow: skin nearer than 2 cm to the other person. Red: skin inside the other person.")


def capture_content(result: Result, pictures: bool = True) -> Content:
    """A reconstructed capture."""
    report = result.report
    people = [str(person) for person in report["people"]]
    count = len(people)
    content = Content(f"{count} people from several cameras" if count > 1 else "A person from several cameras",
                      str(report.get("quality", "")), notes=report.get("warnings", ()))
    scene = content.add(glb_part(read(result, "people.glb"), "people"))
    content.add(player_script())
    yaw = float(report.get("yaw", 20.0))
    legend = '<p class="keys">' + "".join(
        f'<span><i style="background:{css(person_color(person))}"></i>Person {html.escape(person)}</span>'
        for person in people) + "</p>" if count > 1 else ""
    content.views.append(View("Everybody in 3D" if count > 1 else "In 3D",
                              lambda have: mesh_frame(scene, "Everybody in 3D", yaw=yaw), _TURN, legend=legend))
    if pictures:
        _overlays(content, result, scene, yaw)
    if result.has("before_after.glb"):
        both = content.add(glb_part(read(result, "before_after.glb"), "before-after", "The scene before and after "
                                    "refinement is", 4))
        colors = {"Before": _BEFORE, "After": _AFTER}
        content.views.append(View("Before and after", lambda have: mesh_frame(
            both, "Before and after refinement", yaw=yaw, colors=colors) if both in have else None,
            "Left before the bodies were refined by the pictures, right after it. Drag to turn both.", legend=legend))
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
        key = content.add(splat_part(read(result, name), f"avatar-{number}", f"The avatar of person {person} is", 3))
        content.add(splat_script())
        content.views.append(View(f"Avatar of person {person}" if len(people) > 1 else "Avatar", _one(key), _TURN))


def _one(key: str) -> Callable[[Collection[str]], str | None]:
    return lambda have: splat_frame(key, "The avatar", "motion") if key in have else None


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
