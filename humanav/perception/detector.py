"""What every people detector offers, and which of them this machine has."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from humanav.errors import MissingExtraError
from humanav.perception.person import Person2D

Pixels = NDArray[np.uint8]


@runtime_checkable
class Detector(Protocol):
    """Finds people in pictures.

    A detector keeps state and belongs to the thread that made it: make one per job with ``with``, never share one.
    """

    name: str

    def detect(self, image: Pixels, max_people: int = 1) -> list[Person2D]:
        """People in one RGB image (H,W,3), the largest first; empty when there is nobody. Coordinates in its pixels."""
        ...

    def track(self, frames: Iterable[Pixels], body_only: bool = False) -> Iterator[list[Person2D]]:
        """People in each frame of a video, in order; without hands, face and mask when the body alone is needed."""
        ...

    def close(self) -> None:
        """Give back the detector's memory; calling it twice is harmless."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


_PACKAGES = {"mediapipe": (("mediapipe",), "pip install mediapipe"),
             "rtmlib": (("rtmlib", "onnxruntime"), "pip install onnxruntime; pip install --no-deps rtmlib")}


def available() -> dict[str, str]:
    """Each detector's name and, when its package is missing, the sentence that says how to get it ("" = ready)."""
    return {name: "" if all(importlib.util.find_spec(package) for package in packages) else f"Install it with {how}."
            for name, (packages, how) in _PACKAGES.items()}


def make_detector(name: str = "mediapipe") -> Detector:
    """A new detector by name.

    Raises:
        MissingExtraError: it is unknown, or its package or its networks are missing.
        InputError: a network file cannot be read.
    """
    reasons = available()
    if name not in reasons:
        raise MissingExtraError(f"There is no detector called {name!r}: choose one of {', '.join(reasons)}.")
    if reasons[name]:
        raise MissingExtraError(f"The detector {name!r} is not installed. {reasons[name]}")
    if name == "rtmlib":
        from humanav.perception.rtmlib_detector import RtmlibDetector

        return RtmlibDetector()
    from humanav.perception.mediapipe_detector import MediapipeDetector

    return MediapipeDetector()
