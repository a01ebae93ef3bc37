"""Who is who: finds of each frame given to tracks, tracks to people, by motion and by looks."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from humanav.perception.follow_looks import Array, Looks, Pixels, body_points, looks_of, middle, overlap, size, way
from humanav.perception.people import same_person
from humanav.perception.person import Person2D
from humanav.perception.takes import decode_mask, encode_mask

AGREE = 0.40
"""Looks nearer than this are those of one person; seen from another side the same person is up to 0.5 off."""
DIFFER = 0.55
"""Looks farther apart are those of two people."""
PROBATION = 5
"""Frames a newcomer must be seen in before it counts: ghosts in the background last shorter."""
PATIENCE = 1.0
"""Seconds after which one who is not seen has left."""
_ALIEN = 0.7  # no person changes so much; trackers go on for a while where somebody was
_TOUCHING = 0.15  # share of the smaller box
_SETTLED = 8  # frames apart from others after which looks are compared again
_CLEARLY = 0.12  # mean gain in looks per person by which two tracks are exchanged


@dataclass(eq=False)
class Track:
    """One person without a break.

    Attributes:
        number: of the track, 1...
        identity: whose track it is, 1...; 0 on probation.
        person: as last seen, in pixels of the working picture.
        frame: when that was.
        looks: what the person looks like; None before it was seen well.
        speed: (2,) pixels per second.
        seen: frames it was seen in.
    """

    number: int
    identity: int
    person: Person2D
    frame: int
    looks: Looks | None = None
    speed: Array = field(default_factory=lambda: np.zeros(2, dtype=np.float32))
    seen: int = 1
    touched: int = -10**6  # frame in which it last was at another's box
    doubts: dict[int, list[float]] = field(default_factory=dict)  # since then, distances to each track's looks


@dataclass(frozen=True)
class Exchange:
    """From ``begin`` to before ``end``, two tracks hold each other's finds."""

    begin: int
    end: int
    first: int
    second: int


class Identities:
    """The people of a clip.

    Attributes:
        tracks: of those who are, or lately were, in the picture, by number.
        names: identity of every track that ever passed its probation.
        exchanges: found after crossings.
        gallery: looks of everybody by identity, with the frame in which they were last seen.
    """

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self.tracks: dict[int, Track] = {}
        self.names: dict[int, int] = {}
        self.exchanges: list[Exchange] = []
        self.gallery: dict[int, tuple[Looks | None, int]] = {}
        self.only_one = False  # whoever comes back in this shot can be nobody else
        self._count = 0
        self._seen_looks: dict[int, Looks] = {}  # of this frame, by track

    def state(self) -> dict[str, Any]:
        """Everything, as numbers, texts, lists and dicts."""
        def plain(looks: Looks | None) -> list[list[float]] | None:
            return None if looks is None else looks.colours.tolist()

        tracks = [{"number": t.number, "identity": t.identity, "frame": t.frame, "looks": plain(t.looks),
                   "speed": t.speed.tolist(), "seen": t.seen, "touched": t.touched,
                   "doubts": list(t.doubts.items()), "person": plain_person(t.person)} for t in self.tracks.values()]
        return {"tracks": tracks, "names": list(self.names.items()), "count": self._count,
                "exchanges": [[e.begin, e.end, e.first, e.second] for e in self.exchanges],
                "gallery": [(identity, plain(looks), frame) for identity, (looks, frame) in self.gallery.items()]}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state`."""
        def looks(plain: list[list[float]] | None) -> Looks | None:
            return None if plain is None else Looks(np.array(plain, dtype=np.float32))

        self.tracks = {}
        for t in state["tracks"]:
            self.tracks[t["number"]] = Track(
                t["number"], t["identity"], person_from(t["person"]), t["frame"], looks(t["looks"]),
                np.array(t["speed"], dtype=np.float32), t["seen"], t["touched"], dict(t["doubts"]))
        self.names, self._count = dict(state["names"]), state["count"]
        self.exchanges = [Exchange(*row) for row in state["exchanges"]]
        self.gallery = {identity: (looks(known), frame) for identity, known, frame in state["gallery"]}

    def begin(self, frame: int, picture: Pixels, people: Sequence[Person2D]) -> list[Track]:
        """A new shot, in whose first frame with people ``people`` are seen, the largest first."""
        self.leave_all()
        looks = [looks_of(picture, person) for person in people]
        names = self._recognised(looks)
        tracks = []
        for person, look, name in zip(people, looks, names):
            track = self._new(frame, person, look)
            self._name(track, name or self._next_identity())
            tracks.append(track)
        return tracks

    def come(self, frame: int, picture: Pixels, person: Person2D) -> Track:
        """Somebody new in the picture, on probation."""
        return self._new(frame, person, looks_of(picture, person))

    def assign(self, frame: int, picture: Pixels, people: Sequence[Person2D]) -> list[Track | None]:
        """The track that each find continues, by motion and looks; None for a find that is nobody's."""
        tracks = list(self.tracks.values())
        out: list[Track | None] = [None] * len(people)
        if not tracks or not people:
            return out
        cost = np.full((len(people), len(tracks)), 10.0)
        for row, person in enumerate(people):
            looks = looks_of(picture, person)
            for column, track in enumerate(tracks):
                strange = self.strangeness(person, track, frame)
                if strange < 1:
                    unlike = float("nan") if track.looks is None else looks.apart(track.looks)
                    cost[row, column] = strange + np.nan_to_num(unlike, nan=0.5)
        for row, column in zip(*linear_sum_assignment(cost)):
            if cost[row, column] < 10:
                out[row] = tracks[column]
        return out

    def strangeness(self, person: Person2D, track: Track, frame: int) -> float:
        """How unlikely a find continues a track: below 1 it may."""
        seconds = (frame - track.frame) / self.fps
        moved = way(person, track.person, seconds, track.speed)
        return 0.5 * moved if same_person(person, track.person) else moved

    def strays(self, frame: int, picture: Pixels, finds: Sequence[tuple[Track, Person2D]]) -> set[int]:
        """Numbers of the finds that show nobody, because they do not look like their track at all, or somebody else who
        was found as well: they lie on that find and fit their own track less, or look like the other."""
        near = [(i, j) for i, (_, a) in enumerate(finds) for j, (_, b) in enumerate(finds)
                if i != j and overlap(a.box, b.box) > _TOUCHING]
        looks = [looks_of(picture, replace(person, mask=None)) for _, person in finds]
        self._seen_looks = {track.number: seen for (track, _), seen in zip(finds, looks)}

        def unlike(i: int, j: int) -> float:
            known = finds[j][0].looks
            return float("nan") if known is None else looks[i].apart(known)

        out = {i for i in range(len(finds)) if unlike(i, i) > _ALIEN}
        out |= {i for i, j in near if unlike(i, j) < AGREE and unlike(i, i) > DIFFER}
        for i, j in near:
            if i < j and _same_place(finds[i][1], finds[j][1]):
                strange = [self.strangeness(finds[n][1], finds[n][0], frame) + 2 * np.nan_to_num(unlike(n, n), nan=0.5)
                           for n in (i, j)]
                out.add(i if strange[0] > strange[1] else j)
        return out

    def saw(self, frame: int, picture: Pixels, finds: Sequence[tuple[Track, Person2D]]) -> None:
        """Take note of where this frame's people were found."""
        for track, person in finds:
            if frame > track.frame:
                step = (middle(person) - middle(track.person)) * (self.fps / (frame - track.frame))
                track.speed = 0.7 * track.speed + 0.3 * step if track.seen > 1 else 0.5 * step
                track.seen += 1
            track.person, track.frame = person, frame
        for i, (track, person) in enumerate(finds):
            if any(overlap(person.box, other.box) > _TOUCHING for j, (_, other) in enumerate(finds) if j != i):
                track.touched, track.doubts = frame, {}
            elif frame - track.touched > 2:
                self._look(frame, picture, track)
        for track in self.tracks.values():
            if track.identity == 0 and track.seen >= PROBATION:
                self._name(track, self._who(track) or self._next_identity())
        self._second_thoughts(frame)
        self._seen_looks = {}

    def left(self, frame: int) -> list[Track]:
        """Those who have not been seen for :data:`PATIENCE`; they are no longer in ``tracks``."""
        patience = max(2.0, PATIENCE * self.fps)
        gone = [track for track in self.tracks.values()
                if frame - track.frame > (patience if track.identity else min(patience, PROBATION))]
        for track in gone:
            self.leave(track)
        return gone

    def leave(self, track: Track) -> None:
        """A track ends."""
        self.tracks.pop(track.number, None)
        if track.identity:
            self.gallery[track.identity] = (track.looks or self.gallery.get(track.identity, (None, 0))[0], track.frame)

    def forget_looks(self) -> None:
        """The light has changed."""
        for track in self.tracks.values():
            track.looks = None

    def leave_all(self) -> None:
        """All tracks end: a cut."""
        for track in list(self.tracks.values()):
            self.leave(track)

    def _new(self, frame: int, person: Person2D, looks: Looks) -> Track:
        self._count += 1
        track = Track(self._count, 0, person, frame, looks if np.isfinite(looks.colours).any() else None)
        self.tracks[track.number] = track
        return track

    def _name(self, track: Track, identity: int) -> None:
        track.identity = self.names[track.number] = identity
        known = self.gallery.get(identity, (None, 0))[0]
        if known is not None and track.looks is not None:
            track.looks = known.learned(track.looks, 0.5)
        track.looks = track.looks or known
        self.gallery[identity] = (track.looks, track.frame)

    def _next_identity(self) -> int:
        return max(self.gallery, default=0) + 1

    def _absent(self) -> list[int]:
        here = {track.identity for track in self.tracks.values()}
        return [identity for identity in self.gallery if identity not in here]

    def _recognised(self, looks: Sequence[Looks]) -> list[int]:
        """Who of those who are absent these are by their looks; 0 for a stranger."""
        names, absent = [0] * len(looks), self._absent()
        cost = np.ones((len(looks), len(absent)))
        for column, identity in enumerate(absent):
            known = self.gallery[identity][0]
            if known is not None:
                cost[:, column] = [np.nan_to_num(look.apart(known), nan=1.0) for look in looks]
        if cost.size:
            for row, column in zip(*linear_sum_assignment(cost)):
                others = np.concatenate([np.delete(cost[row], column), np.delete(cost[:, column], row)])
                if cost[row, column] < AGREE and cost[row, column] < others.min(initial=2.0) - 0.05:
                    names[row] = absent[column]
        return names

    def _who(self, track: Track) -> int:
        """Which of those who left a newcomer is, 0 for a stranger."""
        if track.looks is not None and (name := self._recognised([track.looks])[0]):
            return name
        absent = self._absent()
        if len(absent) == 1 and self.only_one:
            known = self.gallery[absent[0]][0]
            if known is None or track.looks is None or not known.apart(track.looks) > DIFFER:
                return absent[0]
        return 0

    def _look(self, frame: int, picture: Pixels, track: Track) -> None:
        """Learn the looks of one who stands alone, or after a crossing compare them first."""
        now = self._seen_looks.get(track.number) or looks_of(picture, track.person)
        if not np.isfinite(now.colours).any():
            return
        if track.looks is None or track.touched < 0 or len(track.doubts.get(track.number, ())) >= _SETTLED:
            track.looks = now if track.looks is None else track.looks.learned(now, 0.05)
            return
        for number, other in self.tracks.items():
            if other.looks is not None:
                track.doubts.setdefault(number, []).append(float(np.nan_to_num(now.apart(other.looks), nan=1.0)))

    def _second_thoughts(self, frame: int) -> None:
        """Exchange tracks that came out of a crossing with each other's looks."""
        ready = [track for track in self.tracks.values() if len(track.doubts.get(track.number, ())) == _SETTLED]
        for first, second in combinations(ready, 2):
            pairs = [(a, b.number) for a in (first, second) for b in (first, second)]
            if any(len(a.doubts.get(number, ())) < _SETTLED // 2 for a, number in pairs):
                continue
            a, b, c, d = (float(np.mean(track.doubts[number])) for track, number in pairs)
            if b + c < a + d - 2 * _CLEARLY:
                self._exchange(max(first.touched, second.touched), frame, first, second)

    def _exchange(self, begin: int, frame: int, first: Track, second: Track) -> None:
        self.exchanges.append(Exchange(begin, frame + 1, first.number, second.number))
        for name in ("person", "frame", "speed", "touched"):
            mine, theirs = getattr(first, name), getattr(second, name)
            setattr(first, name, theirs)
            setattr(second, name, mine)
        first.doubts, second.doubts = {}, {}
        first.touched = second.touched = -10**6


def plain_person(person: Person2D) -> dict[str, Any]:
    """Body and mask of a person as numbers, texts and lists; the mask small."""
    mask = None if person.mask is None else [b64encode(encode_mask(person.mask)).decode(), *person.mask.shape]
    return {"keypoints": person.keypoints.tolist(), "set": person.keypoint_set, "box": person.box.tolist(),
            "score": person.score, "mask": mask}


def person_from(plain: dict[str, Any]) -> Person2D:
    """The inverse of :func:`plain_person`."""
    mask = None
    if plain["mask"] is not None:
        data, height, width = plain["mask"]
        mask = np.asarray(cv2.resize(decode_mask(b64decode(data)), (width, height)), dtype=np.float32)
    return Person2D(np.array(plain["keypoints"], dtype=np.float32), plain["set"],
                    np.array(plain["box"], dtype=np.float32), plain["score"], mask)


def _same_place(a: Person2D, b: Person2D) -> bool:
    """Whether two bodies lie on each other; their faces do not count, which are a third of the points."""
    trusted = (a.keypoints[:, 2] > 0.3) & (b.keypoints[:, 2] > 0.3) & body_points(a.keypoint_set)
    if trusted.sum() < 5:
        return False
    apart = np.linalg.norm(a.keypoints[trusted, :2] - b.keypoints[trusted, :2], axis=1)
    return float(np.median(apart)) < 0.07 * max(size(a), size(b))
