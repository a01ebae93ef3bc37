"""The parts of a whole clip's objective. All places are in the camera's frame (OpenCV axes, metres).

Residuals are in standard deviations; where they may be wild the cost is Geman and McClure's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import cross_matrix, log_derivative, log_rotation
from humanav.body.names import JOINT_INDEX
from humanav.fit.clip_kinematics import ClipPoints, ClipState, PosedClip, place_clip_points
from humanav.fit.clip_solver import Equations
from humanav.fit.prior import PosePrior
from humanav.fit.terms import HINGES, NEAREST, geman_mcclure

Array = NDArray[np.float64]

BODY = 22


@dataclass(frozen=True)
class ClipImageTerm:
    """Landmarks seen in the pictures.

    Attributes:
        points: K landmarks.
        K: (3,3) intrinsics.
        target: (T,K,2) pixels.
        sigma: (T,K) expected error in pixels.
        weight: (T,K) share of each; 0 where it was not seen.
        cutoff: Geman-McClure scale in sigmas.
    """

    points: ClipPoints
    K: Array
    target: Array
    sigma: Array
    weight: Array
    cutoff: float

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        places, jacobian, by_shape = place_clip_points(self.points, posed, state.betas, equations.active,
                                                       not equations.coupled)
        assert jacobian is not None
        pixels, slope = project_clip(self.K, places)
        residual = (pixels - self.target) / self.sigma[..., None]
        costs, robust = geman_mcclure((residual**2).sum(-1), self.cutoff)
        root = np.sqrt(self.weight * robust)[..., None]
        slope = slope * (root / self.sigma[..., None])[..., None]
        equations.add(float((self.weight * costs).sum()), flat_rows(residual * root), flat_rows(slope @ jacobian),
                      None if by_shape is None else flat_rows(slope @ by_shape))


@dataclass(frozen=True)
class ClipSpaceTerm:
    """Landmarks in space relative to their own weighted centre: a guess of depth.

    Attributes:
        points: K landmarks.
        target: (T,K,3) metres, any origin.
        sigma: (T,K) metres.
        weight: (T,K).
        axes: (T,3,3) rows: directions in which the guess is compared.
        share: (3,) weight of each of them.
        cutoff: Geman-McClure scale in sigmas.
    """

    points: ClipPoints
    target: Array
    sigma: Array
    weight: Array
    axes: Array
    share: Array
    cutoff: float

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        places, jacobian, by_shape = place_clip_points(self.points, posed, state.betas, equations.active,
                                                       not equations.coupled)
        assert jacobian is not None
        part = self.weight / np.maximum(self.weight.sum(1, keepdims=True), 1e-9)
        turn = self.axes * np.sqrt(self.share)[None, :, None]
        off = (places - self.target) - np.einsum("tk,tkd->td", part, places - self.target)[:, None]
        residual = np.einsum("tcd,tkd->tkc", turn, off) / self.sigma[..., None]
        costs, robust = geman_mcclure((residual**2).sum(-1), self.cutoff)
        root = np.sqrt(self.weight * robust)[..., None]
        scale = (root / self.sigma[..., None])[..., None]

        def rows(slope: Array) -> Array:
            centred = slope - np.einsum("tk,tkdn->tdn", part, slope)[:, None]
            return flat_rows((turn[:, None] @ centred) * scale)

        equations.add(float((self.weight * costs).sum()), flat_rows(residual * root), rows(jacobian),
                      None if by_shape is None else rows(by_shape))


@dataclass(frozen=True)
class ClipTurnTerm:
    """Joint rotations near given ones.

    Attributes:
        joints: J indices.
        target: (T,J,3,3).
        sigma: (T,J,3) radians about each of the joint's own axes.
        cutoff: Geman-McClure scale in sigmas; infinite for squares.
    """

    joints: Sequence[int]
    target: Array
    sigma: Array
    cutoff: float = np.inf

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        index = list(self.joints)
        vectors = log_rotation(np.swapaxes(self.target, -1, -2) @ state.rotations[:, index])
        slope = log_derivative(vectors) / self.sigma[..., None]
        residual = vectors / self.sigma
        squares = (residual**2).sum(-1)
        costs, robust = (0.5 * squares, np.ones_like(squares)) if np.isinf(self.cutoff) else geman_mcclure(
            squares, self.cutoff)
        root = np.sqrt(robust)[..., None]
        rows = np.zeros((len(state), len(index), 3, equations.size))
        for row, joint in enumerate(index):
            columns = equations.columns(joint)
            if columns is not None:
                rows[:, row, :, columns] = slope[:, row] * root[:, row, :, None]
        equations.add(float(costs.sum()), flat_rows(residual * root), flat_rows(rows))


@dataclass(frozen=True)
class ClipPriorTerm:
    """How likely each pose is under the mixture with gravity (:class:`humanav.fit.PosePrior`).

    Attributes:
        weight: (T,) of each frame.
    """

    prior: PosePrior
    weight: Array

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        vectors = log_rotation(state.rotations[:, 1:BODY])
        lean = np.einsum("tji,j->ti", state.rotations[:, 0], state.up)
        features = np.concatenate([vectors.reshape(len(state), -1), lean], axis=1)
        logs = self.prior.component_log_likelihood(features)
        top = logs.max(-1, keepdims=True)
        share = np.exp(logs - top)
        cost = -(top[:, 0] + np.log(share.sum(-1))) + float(self.prior._constant.max())  # type: ignore[attr-defined]
        share /= share.sum(-1, keepdims=True)
        off = features[:, None] - self.prior.means
        pull = np.einsum("mij,tmj->tmi", self.prior.precisions, off, optimize=True)
        slope = np.einsum("tm,tmi->ti", share, pull)
        bend = np.tensordot(share, self.prior.precisions, axes=1)
        by_pose = np.zeros((len(state), features.shape[1], equations.size))
        blocks = log_derivative(vectors)
        for joint in range(1, BODY):
            columns = equations.columns(joint)
            if columns is not None:
                by_pose[:, 3 * joint - 3 : 3 * joint, columns] = blocks[:, joint - 1]
        root = equations.columns(0)
        if root is not None:
            by_pose[:, 63:, root] = cross_matrix(lean)
        weight = self.weight
        equations.cost += float((weight * cost).sum())
        turned = by_pose.transpose(0, 2, 1)
        equations.gradient += weight[:, None] * (turned @ slope[..., None])[..., 0]
        curved = weight[:, None, None] * bend
        equations.blocks += turned @ curved @ by_pose
        if not equations.coupled:
            by_tilt = np.einsum("tji,jk->tik", state.rotations[:, 0], state.up_dirs)
            bent = curved[:, :, 63:] @ by_tilt
            equations.cross[..., equations.num_betas:] += turned @ bent
            equations.shared_gradient[equations.num_betas:] += np.einsum("t,tik,ti->k", weight, by_tilt, slope[:, 63:])
            equations.shared[equations.num_betas:, equations.num_betas:] += np.einsum(
                "tik,til->kl", by_tilt, bent[:, 63:])


@dataclass(frozen=True)
class ClipHingeTerm:
    """Knees and elbows do not bend backwards; ``sigma`` in radians beyond the limit."""

    sigma: float = 0.05

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        for name, axis, sign, least, most in HINGES:
            joint = JOINT_INDEX[name]
            columns = equations.columns(joint)
            if columns is None:
                continue
            vectors = log_rotation(state.rotations[:, joint])
            bend = sign * vectors[:, axis]
            over = (np.minimum(bend - least, 0.0) + np.maximum(bend - most, 0.0)) / self.sigma
            rows = np.zeros((len(state), 1, equations.size))
            rows[:, 0, columns] = sign * log_derivative(vectors)[:, axis] / self.sigma * (over != 0)[:, None]
            equations.add(0.5 * float((over**2).sum()), over[:, None], rows)


@dataclass(frozen=True)
class ClipShapeTerm:
    """Normal prior on the shape and the tilt, and the person's height when it is known. Shared by all frames.

    Attributes:
        mean, sigma: (B,) of the betas.
        tilt_mean, tilt_sigma: (2,).
        height: metres, or None; height_at_rest and height_dirs (B,): stature and its change per unit of each beta.
    """

    mean: Array
    sigma: Array
    tilt_mean: Array
    tilt_sigma: Array
    height: float | None = None
    height_at_rest: float = 0.0
    height_dirs: Array | None = None

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        count = equations.num_betas
        residual = np.concatenate([(state.betas - self.mean) / self.sigma, (state.tilt - self.tilt_mean)
                                   / self.tilt_sigma])
        scale = 1 / np.concatenate([self.sigma, self.tilt_sigma])
        equations.cost += 0.5 * float(residual @ residual)
        equations.shared_gradient += residual * scale
        equations.shared += np.diag(scale**2)
        if self.height is not None and self.height_dirs is not None:
            row = self.height_dirs / 0.01
            over = float(self.height_at_rest + self.height_dirs @ state.betas - self.height) / 0.01
            equations.cost += 0.5 * over**2
            equations.shared_gradient[:count] += row * over
            equations.shared[:count, :count] += np.outer(row, row)


@dataclass(frozen=True)
class SmoothTerm:
    """How joints and the pelvis accelerate: second differences between frames.

    Attributes:
        precision: (66,66) of the joints' second differences at this frame rate, radians, the root first.
        path: (3,3) of the pelvis' second differences, metres, in the camera's axes.
        freedom: of Student's distribution, which forgives rare violent frames.
        weight: of the whole.
    """

    precision: Array
    path: Array
    freedom: float = 60.0
    weight: float = 1.0

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        if len(state) < 3 or equations.next is None or equations.after is None:
            return
        rotations = state.rotations[:, :BODY]
        steps = log_rotation(np.swapaxes(rotations[:-1], -1, -2) @ rotations[1:])
        turns = (steps[1:] - steps[:-1]).reshape(len(state) - 2, -1)
        forward = log_derivative(steps)  # by the later rotation; by the earlier one it is minus the transpose
        back = -np.swapaxes(forward, -1, -2)
        moves = state.pelvis[2:] - 2 * state.pelvis[1:-1] + state.pelvis[:-2]
        pulled, moved = turns @ self.precision, moves @ self.path
        square = (turns * pulled).sum(1) + (moves * moved).sum(1)
        size = turns.shape[1] + 3
        equations.cost += self.weight * 0.5 * (self.freedom + size) * float(np.log1p(square / self.freedom).sum())
        robust = self.weight * (self.freedom + size) / (self.freedom + square)
        index = [joint for joint in equations.active if joint < BODY]
        cols = np.concatenate([np.arange(3) + 3 * equations.active.index(joint) for joint in index])
        slopes = (-back[:-1], back[1:] - forward[:-1], forward[1:])
        dense = []
        for slope in slopes:
            full = np.zeros((len(turns), BODY * 3, len(cols)))
            for place, joint in enumerate(index):
                full[:, 3 * joint : 3 * joint + 3, 3 * place : 3 * place + 3] = slope[:, joint]
            dense.append(full)
        weighted = [(self.precision @ full) * robust[:, None, None] for full in dense]
        factors = (1.0, -2.0, 1.0)
        tail = slice(equations.size - 3, equations.size)
        last = len(state) - 2
        for i in range(3):
            part = slice(i, i + last)
            target = equations.gradient[part]
            target[:, cols] += np.einsum("tin,ti->tn", dense[i], pulled * robust[:, None])
            target[:, tail] += factors[i] * moved * robust[:, None]
            for j in range(i, 3):
                block = np.swapaxes(dense[i], -1, -2) @ weighted[j]
                goal = (equations.blocks, equations.next, equations.after)[j - i][part]
                goal[np.ix_(range(last), cols, cols)] += block
                goal[:, tail, tail] += factors[i] * factors[j] * robust[:, None, None] * self.path


def project_clip(K: Array, places: Array) -> tuple[Array, Array]:
    """Pixels (...,2) of points (...,3) in the camera's frame, and their derivative (...,2,3)."""
    depth = np.maximum(places[..., 2], NEAREST)
    fx, fy = K[0, 0], K[1, 1]
    pixels = np.stack([fx * places[..., 0] / depth + K[0, 2], fy * places[..., 1] / depth + K[1, 2]], axis=-1)
    slope = np.zeros((*places.shape[:-1], 2, 3))
    slope[..., 0, 0], slope[..., 1, 1] = fx / depth, fy / depth
    slope[..., 0, 2], slope[..., 1, 2] = -fx * places[..., 0] / depth**2, -fy * places[..., 1] / depth**2
    return pixels, slope


def flat_rows(rows: Array) -> Array:
    """(T,K,c,...) as (T,K*c,...)."""
    return np.asarray(rows.reshape(len(rows), -1, *rows.shape[3:]))
