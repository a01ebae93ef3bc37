"""Features of the background, followed from key pictures: which rotation each frame is seen under.

Every picture is compared with a key picture, not with the one before, so that errors do not add up; a new key picture
is taken when too little of the last one is left in view, an old one is taken up again when the camera comes back to it,
and at the end all key pictures are brought into agreement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.track.view_rotation import Turn, rays_through, turn_between

Array = NDArray[np.float64]
Grey = NDArray[np.uint8]
Binary = NDArray[np.bool_]

_MOST, _ENOUGH, _LEAST = 250, 60, 16  # features looked for; fewer ask for another key picture; fewer tell nothing
_LEFT = 0.5  # share of a key picture's features that must still be followed, when there are few
_WINDOW, _LEVELS = (17, 17), 3
_BACK_AGAIN = 1.0  # pixels by which a feature followed there and back may miss
_STILL = 1.0  # pixels within which a feature stays where it was
_OLD_KEYS = 3  # old key pictures that a new one is compared with
_KEPT = 60  # key pictures that are kept to come back to


@dataclass
class Key:
    """A key picture and the features that are followed from it."""

    picture: Grey
    points: Array  # (N,2) pixels
    frame: int


@dataclass
class Seen:
    """What one frame tells: its rotation from its key picture, and how sure that is."""

    key: int
    turn: Turn
    still: float


@dataclass
class Follower:
    """Follows the background of a clip, frame by frame.

    Attributes:
        lens: (3,3) intrinsics of the pictures it is shown.
        keys, turns: the key pictures, and their rotations from the first frame's axes as first told.
        edges: comparisons of key pictures: from, to, rotation, how sure.
        seen: what each frame told.
    """

    lens: Array
    keys: list[Key] = field(default_factory=list)
    turns: list[Array] = field(default_factory=list)
    edges: list[tuple[int, int, Array, float]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    last: tuple[Grey, Binary] | None = None
    places: Array | None = None  # (N,2) where the present key's features were last

    def look(self, picture: Grey, hidden: Binary, fresh: bool) -> None:
        """Take in the next frame; ``fresh`` after a cut, when nothing of the last one remains."""
        if not self.keys or fresh:
            self._add_key(picture, _features(picture, hidden), np.eye(3), len(self.seen))
            self._note(len(self.keys) - 1, Turn.none(), 1.0)
        else:
            self._compare(picture, hidden)
        self.last = picture, hidden

    def _compare(self, picture: Grey, hidden: Binary) -> None:
        now = self.seen[-1]
        turn, still, places = self._track(self.keys[now.key], picture, hidden, self.places)
        key = now.key
        few = turn.count < min(_ENOUGH, _LEFT * len(self.keys[key].points))
        if few:
            here = turn.R if turn.sure > now.turn.sure / 2 else now.turn.R
            at = here @ self.turns[key]
            better = self._old_key(picture, hidden, at, key)
            if better is not None:
                key, turn, still, places = better
            elif self._renewed(now):  # go on from the frame before
                key = len(self.keys) - 1
                turn, still, places = self._track(self.keys[key], picture, hidden, None)
                self._close_loops(key)
        self.places = places
        self._note(key, turn, still)

    def _track(self, key: Key, picture: Grey, hidden: Binary, guess: Array | None) -> tuple[Turn, float, Array | None]:
        """The rotation from a key picture to a picture, the share of features in place, and where they are."""
        if len(key.points) < _LEAST:
            return Turn.none(), 1.0, None
        places, kept = _flow(key.picture, picture, key.points, guess)
        kept &= ~hidden[tuple(np.clip(places[:, ::-1].round().astype(int), 0, np.array(hidden.shape) - 1).T)]
        if kept.sum() < _LEAST:
            return Turn.none(), 0.0, None
        turn = turn_between(key.points[kept], places[kept], self.lens)
        still = float((np.linalg.norm(places[kept] - key.points[kept], axis=1) < _STILL).mean())
        if still > 0.5 and np.linalg.norm(log_rotation(turn.R)) > 3 * _STILL / self.lens[0, 0]:
            turn = replace(turn, R=np.eye(3))  # something large passes by
        return turn, still, _carried(places, key.points, kept, turn, self.lens)

    def _old_key(self, picture: Grey, hidden: Binary, at: Array, present: int
                 ) -> tuple[int, Turn, float, Array | None] | None:
        """An earlier key picture that shows enough of what is seen now, when there is one."""
        for number in self._near(at, present)[:_OLD_KEYS]:
            key = self.keys[number]
            guess = _turned(key.points, at @ self.turns[number].T, self.lens)
            turn, still, places = self._track(key, picture, hidden, guess)
            if turn.count >= max(_ENOUGH, 0.7 * len(key.points)):
                return number, turn, still, places
        return None

    def _close_loops(self, new: int) -> None:
        """Compare a new key picture with old ones that show the same part of the room."""
        for number in self._near(self.turns[new], new)[:_OLD_KEYS]:
            key, goal = self.keys[number], self.keys[new]
            if any({number, new} == {a, b} for a, b, _, _ in self.edges):
                continue
            guess = _turned(key.points, self.turns[new] @ self.turns[number].T, self.lens)
            nothing = np.zeros(goal.picture.shape, dtype=np.bool_)
            turn, _, _ = self._track(key, goal.picture, nothing, guess)
            if turn.count >= _ENOUGH // 2 and turn.share > 0.6:
                self.edges.append((number, new, turn.R, turn.sure))

    def _near(self, at: Array, present: int) -> list[int]:
        """Other key pictures that look about the same way, the nearest first."""
        size = self.keys[0].picture.shape
        view = np.arctan(max(size) / 2 / self.lens[0, 0])
        apart = {k: float(np.linalg.norm(log_rotation(at @ turn.T))) for k, turn in enumerate(self.turns)
                 if k != present and len(self.keys[k].points) >= _LEAST}
        return sorted((k for k, angle in apart.items() if angle < view), key=lambda k: apart[k])

    def _renewed(self, now: Seen) -> bool:
        """Make the frame before a key picture, if it is none yet and shows enough."""
        if self.last is None or self.keys[now.key].frame == len(self.seen) - 1:
            return False
        points = _features(*self.last)
        if len(points) < _LEAST:
            return False
        self.edges.append((now.key, len(self.keys), now.turn.R, now.turn.sure))
        self._add_key(self.last[0], points, now.turn.R @ self.turns[now.key], len(self.seen) - 1)
        return True

    def _add_key(self, picture: Grey, points: Array, turn: Array, frame: int) -> None:
        self.keys.append(Key(picture, points, frame))
        self.turns.append(turn)
        self.places = None
        if len(self.keys) > _KEPT:  # forget the picture of the oldest
            self.keys[-_KEPT - 1] = Key(np.zeros((0, 0), np.uint8), np.zeros((0, 2)), self.keys[-_KEPT - 1].frame)

    def _note(self, key: int, turn: Turn, still: float) -> None:
        self.seen.append(Seen(key, turn, still))


def disagreement(follower: Follower) -> float | None:
    """Degrees by which comparisons of key pictures disagree, where some were compared more than once."""
    if len(follower.edges) < len(follower.keys):
        return None
    turns = agreed(follower.turns, follower.edges)
    off = [np.linalg.norm(log_rotation(R @ turns[a] @ turns[b].T)) for a, b, R, _ in follower.edges]
    return float(np.degrees(np.sqrt(np.mean(np.square(off)))))


def agreed(turns: Sequence[Array], edges: Sequence[tuple[int, int, Array, float]]) -> list[Array]:
    """Rotations of the key pictures that suit all comparisons best; the first stays (Gauss-Newton)."""
    found = [turn.copy() for turn in turns]
    if len(edges) < len(turns) or len(turns) < 3:
        return found
    for _ in range(5):
        rows, off = np.zeros((len(edges) + 1, len(found))), np.zeros((len(edges) + 1, 3))
        rows[-1, 0] = 10.0
        for k, (a, b, R, sure) in enumerate(edges):
            weight = max(sure, 0.05)
            rows[k, a], rows[k, b] = -weight, weight
            off[k] = weight * log_rotation(found[b].T @ R @ found[a])
        step = np.linalg.lstsq(rows, off, rcond=None)[0]
        found = [turn @ exp_rotation(move) for turn, move in zip(found, step, strict=True)]
    return found


def _features(picture: Grey, hidden: Binary) -> Array:
    found = cv2.goodFeaturesToTrack(picture, _MOST, 0.01, max(picture.shape) / 50,
                                    mask=(~hidden).astype(np.uint8) * 255)
    return np.zeros((0, 2)) if found is None else found[:, 0].astype(np.float64)


def _flow(start: Grey, end: Grey, points: Array, guess: Array | None) -> tuple[Array, Binary]:
    """Where points (N,2) of one picture are in another, and which were found again on the way back."""
    begin, first = (np.ascontiguousarray(where, dtype=np.float32).reshape(-1, 1, 2).copy()
                    for where in (points, points if guess is None else guess))
    there, found, _ = cv2.calcOpticalFlowPyrLK(start, end, begin, first, winSize=_WINDOW, maxLevel=_LEVELS,
                                               flags=cv2.OPTFLOW_USE_INITIAL_FLOW)
    back, again, _ = cv2.calcOpticalFlowPyrLK(end, start, there, begin.copy(), winSize=_WINDOW, maxLevel=_LEVELS,
                                              flags=cv2.OPTFLOW_USE_INITIAL_FLOW)
    miss = np.linalg.norm((back - begin)[:, 0], axis=1)
    inside = ((there[:, 0] >= 0) & (there[:, 0] < [end.shape[1], end.shape[0]])).all(axis=1)
    return there[:, 0].astype(np.float64), (found[:, 0] == 1) & (again[:, 0] == 1) & (miss < _BACK_AGAIN) & inside


def _carried(places: Array, points: Array, kept: Binary, turn: Turn, lens: Array) -> Array:
    """Places for all features: as followed, or as the camera's turn carries those that were lost."""
    return np.where(kept[:, None], places, _turned(points, turn.R, lens))


def _turned(points: Array, R: Array, lens: Array) -> Array:
    """Where pixels (N,2) go when the camera turns by R; the lens is (3,3)."""
    rays = rays_through(points, lens) @ R.T @ lens.T
    return np.asarray(rays[:, :2] / np.where(np.abs(rays[:, 2:]) < 1e-6, 1e-6, rays[:, 2:]))
