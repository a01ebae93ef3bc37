"""Limbs in quite another place: many poses of an arm or leg that the keypoints do not tell, judged by the pictures.

In a close hold detectors put arms that hide behind the other person somewhere plausible, and in the same wrong place
in several views; no small step leads from there to where the arm is. So a limb whose points the matching mostly
refused is tried in many poses: of other frames, of the poses' likelihood given the rest of the body, of arms that
point anywhere, and in a few rounds near the best of them. What the pictures say of each, with keypoints at little
weight, and smoothness over time (Viterbi's path through the best of each frame) choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from humanav.avatar.gaussian.value import EPS2D
from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.fit import PosePrior
from humanav.fit.clip_kinematics import ClipState, pose_clip
from humanav.multiview.fit_terms import Eyes
from humanav.multiview.losses import PixelWeights
from humanav.multiview.refine_doubt import LIMBS
from humanav.multiview.refine_people import Person, expected_errors, reprojection
from humanav.multiview.refine_targets import PixelTargets
from humanav.multiview.scene import GaussianScene
from humanav.progress import Progress

Array = NDArray[np.float64]

_SAMPLES, _NEAR = 40, 8  # poses drawn from the likelihood (and twice as many anywhere), and in each round near the best
_WEIGHTS = PixelWeights(1.0, 0.1, 0.2)  # of pixels, when candidates are compared
_PRIOR = 0.06  # weight of the likelihood
_LOCAL = (0.35, 0.2, 0.1)  # radians that the rounds near the best candidates turn joints by
_EVERY, _SPREAD = 3, 3  # frames of which one is tried in many poses, and how many of the best are tried in all
_BATCH = 8  # candidates of all frames that are drawn at a time
_KEPT = 6  # candidates of a frame that the path over time may choose from
_STEP, _JUMP = 0.06, 12.0  # metres a hand moves in a tenth of a second, as one error; the most that a jump costs
_POINTS = 0.02  # weight of keypoints
_FAR = 3.0  # expected errors from which on a keypoint counts less


def search_limbs(
    people: Sequence[Person], states: Sequence[ClipState], scene: GaussianScene, targets: PixelTargets, eyes: Eyes,
    doubt: Sequence[NDArray[np.bool_]], views: NDArray[np.bool_], fps: float, *, seed: int = 0,
    progress: Progress | None = None,
) -> list[ClipState]:
    """Everybody with doubtful limbs where the pictures show them best.

    Args:
        people, states: P people in T frames.
        scene: their Gaussians, colours best from frames whose limbs are known.
        targets: pixels of the frames that are searched; doubtful ones between them are interpolated.
        eyes: the cameras. views: (V,) those in use.
        doubt: (T,L) for each person, see :class:`~humanav.multiview.refine_doubt.Doubt`.
        fps: frames per second. seed: of what is drawn.
        progress: asked whether to stop.

    Raises:
        Cancelled: ``progress`` was told to stop.
    """
    found, generator = list(states), np.random.default_rng(seed)
    order = sorted(((int(d[:, k].sum()), p, k) for p, d in enumerate(doubt) for k in range(len(LIMBS))), reverse=True)
    for count, p, k in order:
        if progress is not None:
            progress.check()
        if count == 0:
            continue
        limb = _Limb(people, found, p, k, scene, targets, eyes, views, fps, generator)
        found[p] = limb.best(doubt[p][:, k])
    return found


class _Limb:
    """One limb's search."""

    def __init__(
        self, people: Sequence[Person], states: Sequence[ClipState], p: int, k: int, scene: GaussianScene,
        targets: PixelTargets, eyes: Eyes, views: NDArray[np.bool_], fps: float, generator: np.random.Generator,
    ) -> None:
        self.people, self.states, self.p, self.joints = people, states, p, list(LIMBS[k][0])
        self.person, self.state = people[p], states[p]
        self.scene, self.targets, self.eyes, self.views, self.fps = scene, targets, eyes, views, fps
        self.generator, self.prior = generator, PosePrior.load()

    def best(self, doubt: NDArray[np.bool_]) -> ClipState:
        """The state with the limb where it is best in the doubtful frames."""
        rows = np.flatnonzero(doubt[self.targets.frames])
        if len(rows) == 0:
            return self.state
        frames = self.targets.frames[rows]
        turns = self._proposals(frames, rows, doubt)
        costs = self._costs(turns, frames, rows)
        for size in _LOCAL:
            extra = self._near(turns, costs, size)
            turns = np.concatenate([turns, extra])
            costs = np.concatenate([costs, self._costs(extra, frames, rows)])
        keep = np.argsort(costs, axis=0, kind="stable")[:_KEPT]
        turns, costs = (np.take_along_axis(x, keep.reshape(*keep.shape, *(1,) * (x.ndim - 2)), 0) for x in (
            turns, costs))
        chosen = self._path(turns, costs, frames)
        rotations = self.state.rotations.copy()
        index = np.array(self.joints)
        rotations[np.ix_(frames, index)] = turns[chosen, np.arange(len(frames))]
        left = np.setdiff1d(np.flatnonzero(doubt), frames)  # of which there are no pixels
        if len(left):
            known = np.setdiff1d(np.flatnonzero(self.person.seen), left)
            rotations[np.ix_(left, index)] = _between(rotations[:, index], known, left)
        return replace(self.state, rotations=rotations)

    def _proposals(self, frames: NDArray[np.int64], rows: NDArray[np.int64], doubt: NDArray[np.bool_]) -> Array:
        """(C,F,J,3,3), the present pose first; the best of many tried in every few frames are tried in all."""
        own = self.state.rotations[:, self.joints]
        out = [own[frames]]
        trusted = np.flatnonzero(~doubt & self.person.seen)
        if len(trusted):
            out.append(_between(own, trusted, frames))
        some = np.unique(np.linspace(0, len(frames) - 1, -(-len(frames) // _EVERY)).round().astype(int))
        tried = np.concatenate([self._likely(frames[some]), self._anywhere(own[frames[some]])])
        costs = self._costs(tried, frames[some], rows[some])
        for column, order in enumerate(np.argsort(costs, axis=0, kind="stable")[:_SPREAD].T):
            out.extend(np.broadcast_to(turn, out[0].shape) for turn in tried[order, column])
        return np.stack(out)

    def _anywhere(self, own: Array) -> Array:
        """Draws (C,F,J,3,3) of arms that point anywhere but backwards, bent at the elbow; of legs none."""
        count = 2 * _SAMPLES if len(self.joints) == 3 else 0
        out = np.tile(own, (count, 1, 1, 1, 1))
        side = 1.0 if self.joints[-1] == 18 else -1.0
        for c in range(count):
            while True:
                way = self.generator.normal(size=3)
                way /= np.linalg.norm(way)
                if way[2] > -0.4 and way[0] * side > -0.7:
                    break
            arm = np.array([side, 0.0, 0.0])
            axis, cosine = np.cross(arm, way), float(arm @ way)
            axis *= np.arccos(np.clip(cosine, -1, 1)) / max(np.linalg.norm(axis), 1e-9)
            twist = arm * self.generator.uniform(-1.5, 1.5)
            out[c, :, 1] = exp_rotation(axis) @ exp_rotation(twist)
            out[c, :, 2] = exp_rotation(np.array([0.0, -side * self.generator.uniform(0.1, 2.3), 0.0]))
        return out

    def _likely(self, frames: NDArray[np.int64]) -> Array:
        """Draws (C,F,J,3,3) from the likelihood of poses given the rest of the body."""
        features = _features(self.state, frames)
        mine = np.concatenate([np.arange(3 * j - 3, 3 * j) for j in self.joints])
        rest = np.setdiff1d(np.arange(features.shape[1]), mine)
        out = []
        for _ in range(_SAMPLES):
            which = self.generator.choice(len(self.prior.weights), p=self.prior.weights / self.prior.weights.sum())
            precision, mean = self.prior.precisions[which], self.prior.means[which]
            block = precision[np.ix_(mine, mine)]
            shift = np.linalg.solve(block, precision[np.ix_(mine, rest)] @ (features[:, rest] - mean[rest]).T).T
            noise = np.linalg.solve(np.linalg.cholesky(block).T, self.generator.normal(size=len(mine)))
            out.append(exp_rotation((mean[mine] - np.clip(shift, -0.5, 0.5) + 1.2 * noise).reshape(
                len(frames), len(self.joints), 3)))
        return np.stack(out)

    def _near(self, turns: Array, costs: Array, size: float) -> Array:
        """Near the best of each frame and of its neighbours."""
        order = np.argsort(costs, axis=0, kind="stable")
        at = np.arange(turns.shape[1])
        first = turns[order[0], at]
        out = [np.concatenate([first[:1], first[:-1]]), np.concatenate([first[1:], first[-1:]])]
        for number in range(_NEAR - 2):
            base = turns[order[min(number % 3, len(order) - 1)], at]
            turn = self.generator.normal(size=(len(self.joints), 3)) * size
            turn[0] *= 0.4 if len(self.joints) == 3 else 1.0  # collars move little
            out.append(base @ exp_rotation(turn))
        return np.stack(out)

    def _costs(self, turns: Array, frames: NDArray[np.int64], rows: NDArray[np.int64]) -> Array:
        """(C,F) what the pictures, the likelihood of poses and the keypoints say of candidates (C,F,J,3,3)."""
        count = len(turns)
        where = np.tile(frames, count)
        rotations = self.state.rotations[where]
        rotations[:, self.joints] = turns.reshape(-1, *turns.shape[2:])
        state = replace(self.state, rotations=rotations, pelvis=self.state.pelvis[where])
        total = self._pixels(state, rows, count)
        total += _PRIOR * self.prior.negative_log_likelihood(_features(state, np.arange(len(state))))
        return (total + _POINTS * self._points(state, where)).reshape(count, len(frames))

    def _pixels(self, state: ClipState, rows: NDArray[np.int64], count: int) -> Array:
        """(C*F,) what the pictures say of ``count`` candidates, everybody else as they are."""
        from humanav.multiview import refine_search_kernels as kernels
        from humanav.render.kernels import KERNEL_LOCK

        targets, weights = self.targets, _WEIGHTS
        frames = targets.frames[rows]
        fixed = self.scene.posed([pose_clip(one.skeleton, other) for one, other in zip(self.people, self.states)],
                                 frames)
        own = GaussianScene((self.scene.people[self.p],))
        mine = fixed.owner == self.p
        costs = np.zeros((len(state), 3))
        for first in range(0, count, _BATCH):
            some = slice(first * len(rows), min(first + _BATCH, count) * len(rows))
            part = replace(state, rotations=state.rotations[some], pelvis=state.pelvis[some])
            moved = own.posed([pose_clip(self.person.skeleton, part)])
            repeat = len(part) // len(rows)
            means, covars = np.tile(fixed.means, (repeat, 1, 1)), np.tile(fixed.covars, (repeat, 1, 1))
            means[:, mine], covars[:, mine] = moved.means, moved.covars
            found = np.zeros((len(part), 3))
            with KERNEL_LOCK:
                kernels.cost_pass(
                    means, covars, fixed.opacity, fixed.rgb, fixed.owner, targets.cameras,
                    np.tile(targets.table[rows], (repeat, 1, 1)), np.tile(targets.scale[rows], (repeat, 1)),
                    targets.target, targets.trust, np.array(weights.soft), EPS2D, found)
            costs[some] = found
        return costs @ weights.strength

    def _points(self, state: ClipState, where: NDArray[np.int64]) -> Array:
        """(C*F,) what the keypoints of the frames ``where`` say, by Geman and McClure's robust squares."""
        person = replace(self.person, targets=self.person.targets.part(where))
        off = reprojection(person, self.eyes, state)
        square = (off / expected_errors(person, self.eyes, state)) ** 2
        cost = np.where(np.isfinite(square), 0.5 * square / (1 + square / _FAR**2), 0.0)
        return np.asarray(cost[:, self.views].sum(axis=(1, 2)))

    def _path(self, turns: Array, costs: Array, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """(F,) Viterbi's choice among the candidates of each frame."""
        count = len(turns)
        places = np.empty((count, len(frames), 2, 3))
        for c in range(count):
            rotations = self.state.rotations[frames]
            rotations[:, self.joints] = turns[c]
            clip = pose_clip(self.person.skeleton, replace(self.state, rotations=rotations,
                                                           pelvis=self.state.pelvis[frames]))
            places[c] = clip.joints[:, [self.joints[-1], self.joints[-1] + (2 if len(self.joints) == 3 else 3)]]
        best, came = costs[:, 0].copy(), np.zeros((len(frames), count), int)
        for f in range(1, len(frames)):
            gap = (frames[f] - frames[f - 1]) / self.fps / 0.1
            square = ((places[:, None, f] - places[None, :, f - 1]) ** 2).sum(axis=(2, 3)) / _STEP**2 / gap
            total = best[None] + 0.5 * square / (1 + 0.5 * square / _JUMP)
            came[f] = total.argmin(axis=1)
            best = costs[:, f] + total.min(axis=1)
        chosen = np.zeros(len(frames), int)
        chosen[-1] = int(best.argmin())
        for f in range(len(frames) - 1, 0, -1):
            chosen[f - 1] = came[f, chosen[f]]
        return chosen


def _features(state: ClipState, frames: NDArray[np.int64]) -> Array:
    """(F,66) what the likelihood of poses is about."""
    vectors = log_rotation(state.rotations[frames][:, 1:22]).reshape(len(frames), -1)
    return np.concatenate([vectors, np.einsum("tji,j->ti", state.rotations[frames, 0], state.up)], axis=1)


def _between(own: Array, known: NDArray[np.int64], frames: NDArray[np.int64]) -> Array:
    """(F,J,3,3) turned evenly from the known frame before to the one after."""
    out = []
    for t in frames:
        before, after = known[known <= t], known[known >= t]
        a = before[-1] if len(before) else after[0]
        b = after[0] if len(after) else before[-1]
        part = (t - a) / (b - a) if b > a else 0.0
        out.append(own[a] @ exp_rotation(part * log_rotation(np.swapaxes(own[a], -1, -2) @ own[b])))
    return np.stack(out)
