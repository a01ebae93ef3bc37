"""The clips to track that come with the package: films of synthetic people, so nobody's likeness."""

from __future__ import annotations

from pathlib import Path

from humanav.errors import InputError
from humanav.paths import asset

SAMPLE_CLIPS: dict[str, str] = {"walk_and_squat": "A woman walks up and squats",
                                "two_people": "The same, beside a man who dances"}
"""Name and what is seen."""


def sample_clip(name: str = "walk_and_squat") -> Path:
    """The file of a sample clip.

    Raises:
        InputError: there is no sample of that name, or the samples are not installed.
    """
    if name not in SAMPLE_CLIPS:
        raise InputError(f"There is no sample clip {name!r}: choose one of {', '.join(SAMPLE_CLIPS)}.")
    path = asset("samples", f"{name}.mp4")
    if not path.is_file():
        raise InputError(f"The sample clip {path.name} is missing: install the package with its assets.")
    return path
