"""Views that most pages have: a body to turn, Gaussians to turn, a video; and whose colour is whose."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from typing import Any

from humanav.results import Result
from humanav.share.frames import mesh_frame, splat_frame, synced_frame
from humanav.share.media import glb_part, player_script, splat_part, splat_script
from humanav.share.value import Content, View
from humanav.view.colors import css, person_color

TURN = "Drag to turn, pinch or scroll to zoom."


def add_mesh(content: Content, data: bytes, key: str, words: str = "", rank: int = 0) -> str:
    """Embed a .glb file and its player; the file's key. Arguments as :class:`humanav.share.value.Part`."""
    content.add(glb_part(data, key, words, rank))
    content.add(player_script())
    return key


def add_splats(content: Content, data: bytes, key: str, words: str = "", rank: int = 0) -> str:
    """Embed a file of Gaussians and its player; the file's key. Arguments as :class:`humanav.share.value.Part`."""
    content.add(splat_part(data, key, words, rank))
    content.add(splat_script())
    return key


def mesh_view(
    name: str, key: str, *, title: str = "", hint: str = TURN, below: str = "", legend: str = "", **options: Any
) -> View:
    """A view of a .glb file.

    Args:
        name, hint, below, legend: see :class:`humanav.share.value.View`.
        key: of the file's part.
        title: for screen readers, where it is not the name.
        options: of :func:`humanav.view.player_page`.
    """
    def page(have: Collection[str]) -> str | None:
        return mesh_frame(key, title or name, **options) if key in have else None

    return View(name, page, hint, below, legend)


def splat_view(name: str, key: str, *, title: str = "", motion: str | None = None) -> View:
    """A view of Gaussians; arguments as :func:`mesh_view`, and the motion to begin with."""
    def page(have: Collection[str]) -> str | None:
        return splat_frame(key, title or name, motion) if key in have else None

    return View(name, page, TURN)


def film_view(result: Result, name: str, key: str, words: str, hint: str = "") -> View:
    """A view that plays a video.

    Args:
        name: the file, key: its part's.
        words: on the button and the video.

    Raises:
        InputError: the video cannot be read.
    """
    from humanav.perception.video import open_video

    with open_video(result.path(name)) as film:
        fps, frames, size = film.fps, max(1, round(film.duration * film.fps)), film.original_size

    def page(have: Collection[str]) -> str | None:
        return synced_frame(None, key, None, fps=fps, frames=frames, size=size, labels=("", words, ""), title=words) \
            if key in have else None

    return View(words, page, hint, tall=True)


def legend_of(people: Sequence[str]) -> str:
    """Whose colour is whose, as HTML; "" for one person."""
    if len(people) < 2:
        return ""
    return '<p class="keys">' + "".join(
        f'<span><i style="background:{css(person_color(person))}"></i>Person {html.escape(person)}</span>'
        for person in people) + "</p>"
