"""What every way of following people shares: who is wanted, and the picture that is looked at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import cv2
import numpy as np

from humanav.errors import InputError
from humanav.perception.follow_identity import Identities, Track
from humanav.perception.people import visible_area
from humanav.perception.person import Person2D
from humanav.perception.video import Pixels, Video

MOST_PEOPLE = 6
"""More are not followed."""

Find = tuple[Track, Person2D]


class Seeker(ABC):
    """Follows the people of a clip, frame by frame; a base class.

    Args:
        video: whose frames will be looked at.
        identities: learns where everybody is.
        people, chosen: who is wanted, as in :func:`humanav.perception.follow_people.follow_people`.

    Attributes:
        wanted: identities to be reported; grows while the clip goes on.
        notes: sentences on who is followed.
        factor: the working picture's pixels times this are the frame's.
    """

    def __init__(
        self, video: Video, identities: Identities, people: int | Literal["all"], chosen: Sequence[int], side: int
    ) -> None:
        self.identities, self.wanted = identities, set(chosen)
        self.notes: list[str] = []
        self._chosen = tuple(chosen)
        self._most = MOST_PEOPLE if people == "all" or chosen else min(people, MOST_PEOPLE)
        self._size, self._fps = (video.width, video.height), video.fps
        self._begun = self._seen_anybody = False
        self._resize(side)

    @abstractmethod
    def look(self, number: int, frame: Pixels) -> list[Find]:
        """The wanted people, and others who matter for them, in the next frame; in pixels of the working picture."""

    @abstractmethod
    def first_people(self, number: int, frame: Pixels) -> list[Person2D]:
        """Everybody in a frame in which nobody is followed yet, in pixels of the working picture, the largest first."""

    @abstractmethod
    def close(self) -> None:
        """Give back the networks' memory; calling it twice is harmless."""

    def cut(self, frame: int) -> None:
        """A new shot begins with this frame."""
        self.identities.leave_all()
        self._begun = False

    def state(self) -> dict[str, Any]:
        """What is needed to go on from here, beside the identities: numbers, texts, lists and dicts."""
        return {"wanted": sorted(self.wanted), "notes": self.notes, "begun": self._begun, "seen": self._seen_anybody}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state`; the identities have been restored before."""
        self.wanted, self.notes = set(state["wanted"]), list(state["notes"])
        self._begun, self._seen_anybody = state["begun"], state["seen"]

    def _welcome(self, tracks: Sequence[Track]) -> None:
        """The people with whom a shot begins, the largest first."""
        first, self._begun, self._seen_anybody = not self._seen_anybody, True, True
        if first and max(self._chosen, default=0) > len(tracks):
            raise InputError(f"There is no person {max(self._chosen)}: {len(tracks)} can be seen at first.")
        if not self._chosen:
            self.wanted |= {track.identity for track in tracks[:self._most]}
        if first and len(tracks) > len(self.wanted):
            self.notes.append(f"There are {len(tracks)} people in the picture: "
                              + ("the largest is followed." if self.wanted == {1} else
                                 f"{len(self.wanted)} of them are followed."))

    def _want_newcomers(self) -> None:
        """Newcomers fill up the number of people that are wanted."""
        if self._chosen:
            return
        tracks = self.identities.tracks.values()
        for track in sorted(tracks, key=lambda track: -visible_area(track.person)):
            here = sum(other.identity in self.wanted for other in tracks)
            if track.identity and track.identity not in self.wanted and here < self._most:
                self.wanted.add(track.identity)

    def _resize(self, side: int) -> None:
        """Set the longer side of the working picture."""
        self._side = min(side, max(self._size))
        self.factor = max(self._size) / self._side
        width, height = (max(1, round(length / self.factor)) for length in self._size)
        self._shape = (height, width)

    def _shrunk(self, frame: Pixels) -> Pixels:
        if self.factor == 1:
            return frame
        return np.asarray(cv2.resize(frame, self._shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)
