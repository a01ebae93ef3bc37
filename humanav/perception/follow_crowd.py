"""Several people followed by a detector of one: each by a tracker of its own that sees the others painted out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.perception.follow_identity import Identities, Track
from humanav.perception.follow_looks import overlap, size
from humanav.perception.follow_masks import carried, dilated, parted
from humanav.perception.mediapipe_detector import MIN_SHARE, WORK_SIDE, MediapipeDetector, TrackingSession
from humanav.perception.people import moved, paint_out, plausible, visible_area
from humanav.perception.person import Person2D
from humanav.perception.video import Pixels, Video

MOST_PEOPLE = 6
"""More are not followed: each costs as much time as the first."""
NEAR_SIDE = 640
"""Large people are tracked in frames of this longer side: their crops then already fill what the network sees."""
_LARGE = 0.35  # share of the longer side from which a person is large
_LEAST_SCORE = 0.25
_TRIES = 3  # looks at one frame; who was wrongly found is painted out after each
_SEARCH = 1.0  # seconds between looks for newcomers
_NEAR = 0.6  # of a person's size: others this near must be painted out

Find = tuple[Track, Person2D]
Binary = NDArray[np.bool_]


@dataclass
class _Follower:
    track: Track
    session: TrackingSession


class Crowd:
    """The people of a clip, followed frame by frame with MediaPipe.

    Args:
        video: whose frames will be looked at.
        identities: learns where everybody is.
        people, chosen: who is wanted, as in :func:`humanav.perception.follow_people.follow_people`.
        full: with hands and face.

    Attributes:
        wanted: identities to be reported; grows while the clip goes on.
        notes: sentences on who is followed.
        factor: the working picture's pixels times this are the frame's.
    """

    def __init__(
        self, video: Video, identities: Identities, people: int | Literal["all"] = 1, chosen: Sequence[int] = (),
        full: bool = False,
    ) -> None:
        self.identities, self.wanted = identities, set(chosen)
        self.notes: list[str] = []
        self._people, self._chosen, self._full = people, tuple(chosen), full
        self._most = MOST_PEOPLE if people == "all" or chosen else min(people, MOST_PEOPLE)
        self._size, self._fps = (video.width, video.height), video.fps
        self._detector = MediapipeDetector(looks=0)
        self._followers: list[_Follower] = []
        self._idle: list[TrackingSession] = []
        self._side = 0
        self._resize(NEAR_SIDE)
        self._begun, self._seen_anybody, self._first, self._searched, self._wait = False, False, 0, 0, 0.0

    def close(self) -> None:
        """Give back the networks' memory; calling it twice is harmless."""
        for session in [*self._idle, *(follower.session for follower in self._followers)]:
            session.close()
        self._idle, self._followers = [], []
        self._detector.close()

    def state(self) -> dict[str, Any]:
        """What a crowd needs to go on from here, beside its identities."""
        return {"wanted": sorted(self.wanted), "begun": self._begun, "seen": self._seen_anybody,
                "notes": self.notes, "first": self._first, "wait": self._wait,
                "searched": self._searched, "side": self._side,
                "followed": [follower.track.number for follower in self._followers]}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state`; the identities have been restored before."""
        self.wanted = set(state["wanted"])
        self.notes = list(state["notes"])
        self._begun, self._seen_anybody, self._first = state["begun"], state["seen"], state["first"]
        self._wait, self._searched = state["wait"], state["searched"]
        self._resize(state["side"])
        self._followers = [_Follower(self.identities.tracks[number], self._session()) for number in state["followed"]]

    def cut(self, frame: int) -> None:
        """A new shot begins with this frame."""
        self.identities.leave_all()
        while self._followers:
            self._release(self._followers[0])
        self._begun, self._first, self._wait = False, frame, 0.0

    def look(self, number: int, frame: Pixels) -> list[Find]:
        """Everybody wanted, and whoever is near them, in the next frame; in pixels of the working picture."""
        if not self._begun:
            people = self.first_people(number, frame)
            if not people:
                return []
            self._begin(number, frame, people)
        picture = self._shrunk(frame)
        if number - self._searched >= max(1.0, _SEARCH * self._fps) or not self._followers:
            self._search(number, picture)
        finds = self._finds(number, picture)
        exchanged = len(self.identities.exchanges)
        self.identities.saw(number, picture, finds)
        for exchange in self.identities.exchanges[exchanged:]:
            first, second = (next(f for f in self._followers if f.track.number == n)
                             for n in (exchange.first, exchange.second))
            first.session, second.session = second.session, first.session
        for track in self.identities.left(number):
            for follower in [f for f in self._followers if f.track is track]:
                self._release(follower)
        self._want_newcomers()
        return finds

    def first_people(self, number: int, frame: Pixels) -> list[Person2D]:
        """Everybody in a frame in which nobody is followed yet, in pixels of the working picture, the largest first."""
        self._resize(WORK_SIDE)
        picture = self._shrunk(frame)
        if number - self._first < self._wait * self._fps:  # only the quick look
            session = self._session()
            found = session.look(picture)
            self._idle.append(session)
            if found is None or not plausible(found):
                return []
        people = self._detector.detect(picture, MOST_PEOPLE)
        self._wait = 2 * (number - self._first) / self._fps + 1
        least = MIN_SHARE * max(picture.shape)
        return [person for i, person in enumerate(people) if i == 0 or size(person) >= least]

    def _begin(self, number: int, frame: Pixels, people: list[Person2D]) -> None:
        picture = self._shrunk(frame)
        tracks = self.identities.begin(number, picture, people)
        first = not self._seen_anybody
        self._seen_anybody = True
        if first and max(self._chosen, default=0) > len(people):
            raise InputError(f"There is no person {max(self._chosen)}: {len(people)} can be seen at first.")
        if not self._chosen:
            self.wanted |= {track.identity for track in tracks[:self._most]}
        if first and len(people) > len(self.wanted):
            self.notes.append(f"There are {len(people)} people in the picture: "
                              + ("the largest is followed." if self.wanted == {1} else
                                 f"{len(self.wanted)} of them are followed."))
        self._begun, self._searched = True, number
        self._attend()
        smallest = min((size(f.track.person) for f in self._followers), default=0.0)
        if smallest >= _LARGE * max(picture.shape):
            before = self.factor
            self._resize(NEAR_SIDE)
            for track in tracks:
                track.person = moved(track.person, 0, 0, self._shape, before / self.factor)

    def _attend(self) -> None:
        """Follow those who are wanted or near one who is, and nobody else."""
        tracks = self.identities.tracks.values()
        wanted = [track for track in tracks if track.identity in self.wanted or track.identity == 0]
        near = [track for track in tracks if track not in wanted and any(_near(track, other) for other in wanted)]
        followed = {follower.track.number for follower in self._followers}
        for track in sorted([*wanted, *near], key=lambda track: -visible_area(track.person))[:MOST_PEOPLE]:
            if track.number not in followed:
                self._followers.append(_Follower(track, self._session()))
        keep = {track.number for track in [*wanted, *near]}
        for follower in [f for f in self._followers if f.track.number not in keep]:
            self._release(follower)
            self.identities.leave(follower.track)
        for track in [track for track in tracks if track.number not in keep]:
            self.identities.leave(track)

    def _search(self, number: int, picture: Pixels) -> None:
        """Look for people beside those who are followed."""
        self._searched = number
        known = [f.track.person for f in self._followers if f.track.person.mask is not None
                 and number - f.track.frame < 0.5 * self._fps]
        room = MOST_PEOPLE - len(self._followers)
        for person in self._detector.search(picture, known, max(0, min(room, 2))):
            if not any(overlap(person.box, f.track.person.box) > 0.8 for f in self._followers):
                self.identities.come(number, picture, person)
        self._attend()

    def _want_newcomers(self) -> None:
        """Newcomers fill up the number of people that are wanted."""
        if self._chosen:
            return
        for track in sorted(self.identities.tracks.values(), key=lambda track: -visible_area(track.person)):
            here = sum(other.identity in self.wanted for other in self.identities.tracks.values())
            if track.identity and track.identity not in self.wanted and here < self._most:
                self.wanted.add(track.identity)

    def _finds(self, number: int, picture: Pixels) -> list[Find]:
        """What each follower finds, those in front first, the others painted out."""
        finds: list[tuple[_Follower, Person2D]] = []
        order = sorted(self._followers, key=lambda follower: -float(follower.track.person.box[3]))
        places = {}
        for track in (follower.track for follower in order):
            way = track.speed * min((number - track.frame) / self._fps, 0.3)
            places[track.number] = carried(track.person, way, self._shape)
        for follower in order:
            own = places[follower.track.number]
            others = [places[f.track.number] for f in order if f is not follower]
            found = self._look(follower, number, picture, own, others)
            if found is not None:
                assert found.mask is not None
                places[follower.track.number] = found.mask
                finds.append((follower, found))
        strays = self.identities.strays(number, picture, [(follower.track, found) for follower, found in finds])
        seen = parted([found for _, found in finds], picture, [follower.track.looks for follower, _ in finds])
        out = []
        for i, ((follower, _), found) in enumerate(zip(finds, seen)):
            if i in strays or found is None:
                self._forget(follower)
            else:
                out.append((follower.track, found))
        return out

    def _look(
        self, follower: _Follower, number: int, picture: Pixels, own: NDArray[np.float32],
        others: Sequence[NDArray[np.float32]],
    ) -> Person2D | None:
        away = np.zeros(own.shape, dtype=bool)
        for other in others:
            away |= dilated((other > 0.4) & (other > own)) & ~(own > 0.5)
        view = paint_out(picture, away)
        for _ in range(_TRIES):
            found = follower.session.look(view)
            if found is None or found.mask is None:
                return None
            if self._acceptable(found, follower.track, number):
                return found
            away |= dilated(found.mask > 0.3) & ~(own > 0.5)
            view = paint_out(picture, away)
        self._forget(follower)
        return None

    def _acceptable(self, found: Person2D, track: Track, number: int) -> bool:
        if self.identities.strangeness(found, track, number) >= 1 or found.score < _LEAST_SCORE:
            return False
        return track.frame == number - 1 or plausible(found)

    def _forget(self, follower: _Follower) -> None:
        """Make a tracker that went astray look for its person anew."""
        follower.session.look(np.full((*self._shape, 3), 128, dtype=np.uint8))

    def _session(self) -> TrackingSession:
        return self._idle.pop() if self._idle else self._detector.session(self._full)

    def _release(self, follower: _Follower) -> None:
        self._followers.remove(follower)
        self._forget(follower)
        self._idle.append(follower.session)

    def _resize(self, side: int) -> None:
        """The longer side of the working picture; trackers, whose masks have its size, are made anew."""
        side = min(side, max(self._size))
        if side == self._side:
            return
        self._side = side
        self.factor = max(self._size) / side
        width, height = (max(1, round(length / self.factor)) for length in self._size)
        self._shape = (height, width)
        for session in [*self._idle, *(follower.session for follower in self._followers)]:
            session.close()
        self._idle = []
        for follower in self._followers:
            follower.session = self._session()

    def _shrunk(self, frame: Pixels) -> Pixels:
        if self.factor == 1:
            return frame
        return np.asarray(cv2.resize(frame, self._shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _near(a: Track, b: Track) -> bool:
    reach = _NEAR * size(b.person)
    box = b.person.box + np.array([-reach, -reach, reach, reach], dtype=np.float32)
    return overlap(a.person.box, box) > 0
