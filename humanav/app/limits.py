"""What this installation allows a visitor, in one place. Each limit is a setting, and each has its sentence.

=========================== ======= ==============================================================
setting (environment)       default what it limits
=========================== ======= ==============================================================
HUMANAV_MAX_UPLOAD_MB       200     one uploaded file
HUMANAV_MAX_MEGAPIXELS      100     a picture
HUMANAV_MAX_CLIP_SECONDS    60      how much of a clip is tracked at once
HUMANAV_MAX_CAPTURE_SECONDS 10      how much of a capture by several cameras is reconstructed
HUMANAV_MAX_JOB_MINUTES     60      how long one job may work
HUMANAV_JOBS_AT_ONCE        1       jobs that work at the same time
HUMANAV_MAX_WAITING         16      jobs that wait for their turn
HUMANAV_JOBS_PER_VISITOR    3       jobs of one visitor that work or wait (one of them works)
=========================== ======= ==============================================================
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from humanav.errors import ImageError, InputError

_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif")


@dataclass(frozen=True)
class Limits:
    """The limits in force; see the table above."""

    upload_mb: float = 200.0
    megapixels: float = 100.0
    clip_seconds: float = 60.0
    capture_seconds: float = 10.0
    job_minutes: float = 60.0
    at_once: int = 1
    waiting: int = 16
    per_visitor: int = 3

    @classmethod
    def from_settings(cls) -> Limits:
        """Read the environment. Raises InputError for a setting that means nothing."""
        return cls(_number("HUMANAV_MAX_UPLOAD_MB", cls.upload_mb), _number("HUMANAV_MAX_MEGAPIXELS", cls.megapixels),
                   _number("HUMANAV_MAX_CLIP_SECONDS", cls.clip_seconds),
                   _number("HUMANAV_MAX_CAPTURE_SECONDS", cls.capture_seconds),
                   _number("HUMANAV_MAX_JOB_MINUTES", cls.job_minutes),
                   *(max(1, int(_number(name, default))) for name, default in (
                       ("HUMANAV_JOBS_AT_ONCE", cls.at_once), ("HUMANAV_MAX_WAITING", cls.waiting),
                       ("HUMANAV_JOBS_PER_VISITOR", cls.per_visitor))))

    @property
    def handlers(self) -> int:
        """How many events of the page may be open at once: each job, at work or waiting, holds one."""
        return self.at_once + self.waiting + 2

    @property
    def upload(self) -> str:
        """The size of an upload as Gradio wants it."""
        return f"{self.upload_mb:g}mb"

    def check_files(self, paths: Iterable[str | Path]) -> None:
        """Refuse what is too large, by the files' headers alone.

        Raises:
            ImageError: a picture has too many pixels.
            InputError: a file is too large.
        """
        for path in map(Path, paths):
            if path.is_file() and path.stat().st_size > 1e6 * self.upload_mb:
                raise InputError(f"{path.name} is larger than {self.upload_mb:g} MB: make it smaller, or shorter.")
            if path.suffix.lower() in _PICTURES:
                self._check_picture(path)

    def check_seconds(self, start: float, end: float | None, most: float | None = None) -> None:
        """Refuse a part of a clip that is too long. Raises InputError."""
        most = self.clip_seconds if most is None else most
        if end is not None and end - start > most + 0.05:
            raise InputError(f"At most {most:g} seconds are processed at once here, and {end - start:g} were asked "
                             "for: choose a shorter part.")

    def check_room(self, waiting: int, own: int) -> None:
        """Refuse one job more.

        Args:
            waiting: how many jobs wait.
            own: how many of the visitor work or wait.

        Raises:
            InputError: the queue is full, or the visitor has enough in it.
        """
        if own >= self.per_visitor:
            raise InputError(f"You have {own} running or waiting here already, perhaps in another window: wait for one "
                             "to end, or cancel one.")
        if waiting >= self.waiting:
            raise InputError(f"{waiting} jobs wait here already, and there is no room for more: try again in a few "
                             "minutes.")

    @property
    def too_long(self) -> str:
        """What is said of a job that worked for too long."""
        return f"This took longer than the {self.job_minutes:g} minutes a job may take here: choose less, or smaller."

    def _check_picture(self, path: Path) -> None:
        from PIL import Image

        try:
            with Image.open(path) as picture:
                width, height = picture.size
        except Exception:  # what cannot be read is told where it is read
            return
        if width * height > 1e6 * self.megapixels:
            raise ImageError(f"{path.name} has {width * height / 1e6:.0f} megapixels, and at most {self.megapixels:g} "
                             "are read here: save it smaller.")


@lru_cache
def limits() -> Limits:
    """The limits of this process, read once."""
    return Limits.from_settings()


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "").strip()
    try:
        value = float(text) if text else float(default)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e6:
        raise InputError(f"The setting {name} is {text!r}: give a number above zero.")
    return value
