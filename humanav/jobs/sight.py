"""The first steps of every photo job: read, find the person, cut out. A photo seen lately is not looked at again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from humanav.errors import NoPersonError
from humanav.perception import Person2D, load_image
from humanav.perception.describe import Coverage, describe_person
from humanav.progress import Progress
from humanav.results import content_id

if TYPE_CHECKING:
    from humanav.perception.images import ImageSource

MAX_PEOPLE = 3
_KEPT = 3


@dataclass(frozen=True)
class Sighting:
    """One person in one photo.

    Attributes:
        key: hash of the pixels.
        image: uint8 RGB (H,W,3), upright.
        person: the largest person in it, without its mask: ``alpha`` is finer.
        alpha: (H,W) 0..1, how much of each pixel is the person.
        coverage: what the photo shows of the person, with warnings in words.
    """

    key: str
    image: NDArray[np.uint8]
    person: Person2D
    alpha: NDArray[np.float32]
    coverage: Coverage


_recent: OrderedDict[str, tuple[Person2D, NDArray[np.float32], Coverage]] = OrderedDict()
_lock = threading.Lock()


def sight(photo: ImageSource, progress: Progress, stages: tuple[str, str, str], label: str = "") -> Sighting:
    """Read a photo, find the largest person and cut it out, telling ``progress`` of the three ``stages``.

    Raises:
        ImageError: the photo cannot be used.
        NoPersonError: nobody was found in it.
    """
    progress.next(stages[0])
    image = load_image(photo)
    key = content_id("photo", image)
    with _lock:
        known = _recent.get(key)
    progress.next(stages[1])
    person, coverage = (known[0], known[2]) if known else _find(image)
    _show_person(progress, image, person, coverage, label)
    progress.next(stages[2])
    if known is None:
        from humanav.perception.matte import refine_matte

        mask = person.mask if person.mask is not None else np.ones(image.shape[:2], dtype=np.float32)
        known = replace(person, mask=None), refine_matte(image, mask, person.keypoints), coverage
    with _lock:
        _recent[key] = known
        _recent.move_to_end(key)
        while len(_recent) > _KEPT:
            _recent.popitem(last=False)
    sighting = Sighting(key, image, *known)
    _show_matte(progress, sighting, label)
    return sighting


def _find(image: NDArray[np.uint8]) -> tuple[Person2D, Coverage]:
    from humanav.perception import make_detector

    with make_detector() as detector:
        people = detector.detect(image, max_people=MAX_PEOPLE)
    if not people:
        raise NoPersonError("No person was found in the photo: choose a well lit one that shows one whole person.")
    return people[0], describe_person(people[0], image.shape, len(people))


def _show_person(
    progress: Progress, image: NDArray[np.uint8], person: Person2D, coverage: Coverage, label: str
) -> None:
    from humanav.view import draw_keypoints

    seen = int((person.keypoints[:, 2] > 0.5).sum())
    extras = [words for words, found in (("both hands", person.left_hand is not None and person.right_hand is not None),
                                         ("the face", person.face is not None)) if found]
    also = f", {' and '.join(extras)}" if extras else ""
    progress.show(f"{seen} of {len(person.keypoints)} body points seen{also}.",
                  draw_keypoints(image, person), title=f"Found{label}",
                  name=f"keypoints{_suffix(label)}", warnings=coverage.warnings)


def _show_matte(progress: Progress, sighting: Sighting, label: str) -> None:
    from humanav.view import draw_matte

    share = float(sighting.alpha.mean())
    picture = draw_matte(sighting.image, sighting.alpha)
    progress.show(f"The person fills {share:.0%} of the photo.", picture,
                  title=f"Cut out{label}", name=f"matte{_suffix(label)}")


def _suffix(label: str) -> str:
    return "_" + "_".join(label.replace("(", "").replace(")", "").split()) if label else ""
