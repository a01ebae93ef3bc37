"""Several people followed by a detector that finds them all in every frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from humanav.perception.detector import Detector
from humanav.perception.follow_identity import Identities, Track
from humanav.perception.follow_looks import size
from humanav.perception.follow_seeker import MOST_PEOPLE, Find, Seeker
from humanav.perception.person import Person2D
from humanav.perception.video import Pixels, Video

_SIDE = 1280  # pixels: such detectors look at each person at full size
_LEAST_SHARE = 0.12  # of the longer side: smaller people are bystanders


class Flock(Seeker):
    """The people of a clip, found anew in every frame; who is who is told by motion and looks.

    Args:
        detector: finds several people in a picture; it is closed with the flock.
    """

    def __init__(
        self, video: Video, identities: Identities, detector: Detector, people: int | Literal["all"] = 1,
        chosen: Sequence[int] = (),
    ) -> None:
        self._detector = detector
        super().__init__(video, identities, people, chosen, _SIDE)

    def close(self) -> None:
        self._detector.close()

    def first_people(self, number: int, frame: Pixels) -> list[Person2D]:
        return self._found(self._shrunk(frame))

    def look(self, number: int, frame: Pixels) -> list[Find]:
        picture = self._shrunk(frame)
        people = self._found(picture)
        if not self._begun:
            if not people:
                return []
            finds = list(zip(self.identities.begin(number, picture, people), people))
            self._welcome([track for track, _ in finds])
        else:
            given: list[Track | None] = self.identities.assign(number, picture, people)
            finds = [(track or self.identities.come(number, picture, person), person)
                     for track, person in zip(given, people)]
        self.identities.saw(number, picture, finds)
        self.identities.left(number)
        self._want_newcomers()
        return finds

    def _found(self, picture: Pixels) -> list[Person2D]:
        people = self._detector.detect(picture, MOST_PEOPLE)
        least = _LEAST_SHARE * max(picture.shape)
        return [person for i, person in enumerate(people) if i == 0 or size(person) >= least]
