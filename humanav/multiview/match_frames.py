"""The first pass of matching: frame by frame, who is who in all views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from humanav.multiview import affinity
from humanav.multiview.lives import Life, mean_distance, reach
from humanav.multiview.match_groups import TRACK_FACTOR, grouped, low_rank
from humanav.multiview.match_settings import MatchSettings
from humanav.multiview.rays import Lenses, directions, normalised
from humanav.multiview.triangulate import solve
from humanav.multiview.value import Rig, Sightings
from humanav.progress import Progress

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_DUPLICATE = 0.2  # metres: nearer to somebody is no birth
_RELINK = 0.4  # metres from where a lost person is expected
_RELINK_SPEED = 1.5  # metres per second that it may have gone since
_MEMORY = 3.0  # seconds after which a lost person is somebody new


@dataclass(frozen=True)
class Seen:
    """Sightings as rays.

    Attributes:
        lenses: of the rig.
        plane: (T,V,D,K,2) undistorted x/z, y/z.
        rays: (T,V,D,K,3) unit directions in the world.
        confidence: (T,V,D,K).
        weights: (K,) of the keypoints.
        fps: frames per second.
    """

    lenses: Lenses
    plane: Array
    rays: Array
    confidence: Array
    weights: Array
    fps: float

    @classmethod
    def of(cls, sightings: Sightings, rig: Rig) -> Seen:
        """Undistort everything once."""
        lenses = Lenses.of(rig)
        plane = normalised(rig, sightings.keypoints)
        return cls(lenses, plane, directions(lenses, plane), np.clip(sightings.keypoints[..., 2], 0, 1),
                   affinity.joint_weights(sightings.keypoint_set), sightings.fps)


class Frames:
    """Lives of everybody, frame after frame.

    Args:
        seen: the sightings as rays.
        alike: (T,N,N) affinities of all detections (N = V times D), what looks say of them included.
        settings: see :class:`MatchSettings`.
    """

    def __init__(self, seen: Seen, alike: Array, settings: MatchSettings) -> None:
        self.seen, self.alike, self.settings = seen, alike, settings
        self.lives: list[Life] = []
        self._active: list[Life] = []
        self._lost: list[Life] = []
        self._patience = max(2, round(settings.patience * seen.fps))

    def run(self, progress: Progress | None = None) -> list[Life]:
        """All frames; the lives that were confirmed."""
        frames = len(self.alike)
        for frame in range(frames):
            if progress is not None and frame % 20 == 0:
                progress.update(frame / frames)
            self.look(frame)
        least = min(self.settings.confirm, frames)
        return [life for life in self.lives if life.hits >= least]

    def look(self, frame: int) -> None:
        """Match one frame."""
        seen = self.seen
        members, groups = self.groups(frame, self._active)
        views, most = seen.confidence.shape[1:3]
        chosen = np.full((len(groups), views), -1)
        lives: list[Life | None] = []
        for row, group in enumerate(groups):
            known = group[group >= len(members)]
            lives.append(self._active[int(known[0]) - len(members)] if len(known) else None)
            own = members[group[group < len(members)]]
            chosen[row, own // most] = own % most
        points, trust = self._points(frame, chosen)
        news = []
        for row, life in enumerate(lives):
            enough = np.isfinite(points[row, :, 0]).sum()
            if life is not None:
                if enough >= affinity.FEWEST:
                    life.saw(frame, points[row], trust[row], chosen[row])
                elif (chosen[row] >= 0).any():
                    life.chosen[frame] = chosen[row]  # one view alone: who it is, but not where
            elif enough >= self.settings.least_points and (chosen[row] >= 0).sum() >= 2:
                news.append(row)
        self._lose(frame)
        self._bear(frame, news, points, trust, chosen)

    def groups(self, frame: int, active: list[Life]) -> tuple[Whole, list[Whole]]:
        """The detections of a frame as numbers v * D + d, and groups of them: indices into those and, counted on,
        into the people known."""
        seen = self.seen
        views, most = seen.confidence.shape[1:3]
        members = np.flatnonzero((seen.confidence[frame] > 0).any(axis=-1).ravel())
        n, size = len(members), len(members) + len(active)
        links = np.zeros((size, size))
        links[:n, :n] = self.alike[frame][np.ix_(members, members)]
        of_view = np.concatenate([members // most, np.full(len(active), views)])
        if active:
            near = self.near(frame, active).reshape(views * most, -1)[members]
            links[:n, n:], links[n:, :n] = TRACK_FACTOR * near, TRACK_FACTOR * near.T
        if self.settings.matcher == "lowrank" and size:
            links = low_rank(np.minimum(links, 1.0), of_view)
        return members, grouped(links, of_view)

    def near(self, frame: int, active: list[Life]) -> Array:
        """(V,D,P) affinities of a frame's detections with where people are expected."""
        seen = self.seen
        out = np.empty((*seen.confidence.shape[1:3], len(active)))
        for number, life in enumerate(active):
            cut = reach(seen.fps, frame - life.last - 1)
            out[..., number] = affinity.to_people(
                seen.lenses, seen.rays[frame], seen.confidence[frame], seen.weights,
                life.expected(frame)[None], life.trust[None], cut)[..., 0]
        return out

    def _points(self, frame: int, chosen: Whole) -> tuple[Array, Array]:
        """(G,K,3) and (G,K) points and trust of groups from their detections (G,V)."""
        seen = self.seen
        groups, views = chosen.shape
        count = seen.confidence.shape[3]
        row = np.arange(views)
        weight = np.where((chosen >= 0)[..., None], seen.confidence[frame][row, chosen], 0.0)  # (G,V,K)
        plane = seen.plane[frame][row, chosen]
        solved, _ = solve(seen.lenses, np.moveaxis(plane, 1, 2).reshape(-1, views, 2),
                          np.moveaxis(weight, 1, 2).reshape(-1, views), self.settings.sigma)
        points = solved.reshape(groups, count, 4)
        return points[..., :3], points[..., 3]

    def _lose(self, frame: int) -> None:
        lost = [life for life in self._active if frame - life.last > self._patience
                or (life.hits < self.settings.confirm and frame - life.last > 2)]
        self._active = [life for life in self._active if life not in lost]
        self._lost += [life for life in lost if life.hits >= self.settings.confirm]
        self._lost = [life for life in self._lost if frame - life.last <= _MEMORY * self.seen.fps]

    def _bear(self, frame: int, rows: list[int], points: Array, trust: Array, chosen: Whole) -> None:
        """New people, or lost ones found again."""
        rows = [row for row in rows if all(
            life.last != frame or mean_distance(life.points, points[row]) > _DUPLICATE for life in self._active)]
        if not rows:
            return
        found: dict[int, Life] = {}
        if self._lost:
            cost = np.array([[mean_distance(life.expected(life.last + 1), points[row])
                              - _RELINK_SPEED * (frame - life.last) / self.seen.fps for life in self._lost]
                             for row in rows])
            for i, j in zip(*linear_sum_assignment(np.minimum(cost, 1e3))):
                if cost[i, j] < _RELINK:
                    found[rows[i]] = self._lost[j]
        for row in rows:
            life = found.get(row)
            if life is None:
                life = Life(frame, points[row], np.zeros(len(trust[row])), np.zeros_like(points[row]))
                self.lives.append(life)
            else:
                self._lost.remove(life)
                life.step = np.zeros_like(life.step)
            life.saw(frame, points[row], trust[row], chosen[row])
            self._active.append(life)
