"""Several people followed by a detector of one: each by a tracker of its own that sees the others painted out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.perception.follow_identity import Identities, Track
from humanav.perception.follow_looks import overlap, size
from humanav.perception.follow_masks import carried, dilated, parted
from humanav.perception.follow_seeker import MOST_PEOPLE, Find, Seeker
from humanav.perception.mediapipe_detector import MIN_SHARE, WORK_SIDE, MediapipeDetector, TrackingSession
from humanav.perception.people import moved, paint_out, plausible, visible_area
from humanav.perception.person import Person2D
from humanav.perception.video import Pixels, Video

NEAR_SIDE = 640
"""Large people are tracked in frames of this longer side: their crops then already fill what the network sees."""
_LARGE = 0.35  # share of the longer side from which a person is large
_LEAST_SCORE = 0.25
_TRIES = 3  # looks at one frame; who was wrongly found is painted out after each
_FLASH = 15.0  # grey levels by which the picture changes when the light does
_SEARCH = 1.0  # seconds between looks for newcomers
_NEAR = 0.6  # of a person's size: others this near must be painted out

Binary = NDArray[np.bool_]


@dataclass
class _Follower:
    track: Track
    session: TrackingSession
    fresh: bool = True  # has not found its person yet, or not again


class Crowd(Seeker):
    """The people of a clip, followed frame by frame with MediaPipe; each costs as much time as the first.

    Args:
        full: with hands and face.
    """

    def __init__(
        self, video: Video, identities: Identities, people: int | Literal["all"] = 1, chosen: Sequence[int] = (),
        full: bool = False,
    ) -> None:
        self._full, self._detector = full, MediapipeDetector(looks=0)
        self._followers: list[_Follower] = []
        self._idle: list[TrackingSession] = []
        self._first, self._searched, self._wait = 0, 0, 0.0
        self._light: NDArray[np.float64] | None = None
        super().__init__(video, identities, people, chosen, NEAR_SIDE)

    def close(self) -> None:
        for session in [*self._idle, *(follower.session for follower in self._followers)]:
            session.close()
        self._idle, self._followers = [], []
        self._detector.close()

    def state(self) -> dict[str, Any]:
        return super().state() | {"first": self._first, "wait": self._wait, "searched": self._searched,
                                  "side": self._side, "followed": [f.track.number for f in self._followers]}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._first, self._wait, self._searched = state["first"], state["wait"], state["searched"]
        self._resize(state["side"])
        self._followers = [_Follower(self.identities.tracks[number], self._session()) for number in state["followed"]]

    def cut(self, frame: int) -> None:
        super().cut(frame)
        while self._followers:
            self._release(self._followers[0])
        self._first, self._wait, self._light = frame, 0.0, None

    def look(self, number: int, frame: Pixels) -> list[Find]:
        if not self._begun:
            people = self.first_people(number, frame)
            if not people:
                return []
            self._begin(number, frame, people)
        picture = self._shrunk(frame)
        if number - self._searched >= max(1.0, _SEARCH * self._fps) or (not self._followers and self._scout(picture)):
            self._search(number, picture)
        light = cv2.resize(picture, (8, 8), interpolation=cv2.INTER_AREA).astype(float)
        if self._light is not None and np.abs(light - self._light).mean() > _FLASH:
            self.identities.forget_looks()
        self._light = light
        finds = self._finds(number, picture)
        exchanged = len(self.identities.exchanges)
        self.identities.saw(number, picture, finds)
        for exchange in self.identities.exchanges[exchanged:]:
            pair = [f for f in self._followers if f.track.number in (exchange.first, exchange.second)]
            if len(pair) == 2:
                (one, other), sessions = pair, [follower.session for follower in pair]
                other.session, one.session = sessions
                one.fresh, other.fresh = other.fresh, one.fresh
        for track in self.identities.left(number):
            for follower in [f for f in self._followers if f.track is track]:
                self._release(follower)
        self._want_newcomers()
        return finds

    def first_people(self, number: int, frame: Pixels) -> list[Person2D]:
        self._resize(WORK_SIDE)
        picture = self._shrunk(frame)
        if number - self._first < self._wait * self._fps and not self._scout(picture):
            return []
        people = self._detector.detect(picture, MOST_PEOPLE)
        self._wait = 2 * (number - self._first) / self._fps + 1
        least = MIN_SHARE * max(picture.shape)
        return [person for i, person in enumerate(people) if i == 0 or size(person) >= least]

    def _scout(self, picture: Pixels) -> bool:
        """A quick look whether there may be anybody."""
        session = self._session()
        found = session.look(picture)
        self._idle.append(session)
        return found is not None and plausible(found)

    def _begin(self, number: int, frame: Pixels, people: list[Person2D]) -> None:
        picture = self._shrunk(frame)
        tracks = self.identities.begin(number, picture, people)
        self._welcome(tracks)
        self._searched = number
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
        near = [track for track in tracks if track not in wanted
                and any(_near(track.person, other.person) for other in wanted)]
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
        wanted = [track for track in self.identities.tracks.values() if track.identity in self.wanted]
        for person in self._detector.search(picture, known, max(0, min(room, 2))):
            if any(overlap(person.box, f.track.person.box) > 0.8 for f in self._followers):
                continue
            if len(wanted) < self._most or any(_near(person, track.person) for track in wanted):
                self.identities.come(number, picture, person)
        self._attend()

    def _finds(self, number: int, picture: Pixels) -> list[Find]:
        """What each follower finds, those in front first, the others painted out."""
        finds: list[tuple[_Follower, Person2D]] = []
        order = sorted(self._followers, key=lambda follower: -float(follower.track.person.box[3]))
        places = {}
        for track in (follower.track for follower in order):
            if len(order) == 1:
                places[track.number] = np.zeros(self._shape, dtype=np.float32)  # nobody to be painted out
                break
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
                follower.fresh = False
                out.append((follower.track, found))
        return out

    def _look(
        self, follower: _Follower, number: int, picture: Pixels, own: NDArray[np.float32],
        others: Sequence[NDArray[np.float32]],
    ) -> Person2D | None:
        away = np.zeros(own.shape, dtype=bool)
        for other in others:
            away |= dilated((other > 0.4) & (other > own)) & ~(own > 0.5)
        if follower.fresh:  # a tracker that looks everywhere takes the first it sees
            away |= _elsewhere(follower.track, number, self._fps, self._shape)
        view = paint_out(picture, away)
        for _ in range(_TRIES):
            found = follower.session.look(view)
            if found is None or found.mask is None:
                follower.fresh = True
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
        follower.fresh = True

    def _session(self) -> TrackingSession:
        return self._idle.pop() if self._idle else self._detector.session(self._full)

    def _release(self, follower: _Follower) -> None:
        self._followers.remove(follower)
        self._forget(follower)
        self._idle.append(follower.session)

    def _resize(self, side: int) -> None:
        """Set the longer side of the working picture; trackers, whose masks have its size, are made anew."""
        before = self._side if hasattr(self, "_side") else 0
        super()._resize(side)
        if self._side == before:
            return
        for session in [*self._idle, *(follower.session for follower in self._followers)]:
            session.close()
        self._idle = []
        for follower in self._followers:
            follower.session = self._session()


def _elsewhere(track: Track, number: int, fps: float, shape: tuple[int, int]) -> Binary:
    """(H,W) the pixels where the track's person cannot be."""
    reach = (0.3 + (number - track.frame) / fps) * size(track.person)
    x0, y0, x1, y1 = np.clip(track.person.box + np.array([-reach, -reach, reach, reach]), 0, None).astype(int)
    away = np.ones(shape, dtype=bool)
    away[y0:y1, x0:x1] = False
    return away


def _near(a: Person2D, b: Person2D) -> bool:
    reach = _NEAR * size(b)
    return overlap(a.box, b.box + np.array([-reach, -reach, reach, reach], dtype=np.float32)) > 0
