"""A video of a result as a view of its own."""

from __future__ import annotations

from collections.abc import Collection

from humanav.results import Result
from humanav.share.frames import synced_frame
from humanav.share.value import View


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
