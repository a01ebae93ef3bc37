"""Clean a captured motion: prior + data + temporal terms, solved as a few banded linear systems.

Pose-NDF denoises by descending on the sum of three terms: near the data, near the manifold of poses, smooth in time.
Here each has the form that was measured to work: the data term knows noise that is independent or that drifts, and its
strength is found by the evidence of the data, so a clean motion stays what it is; frames that cannot be true are found
first (:mod:`~humanav.posendf.damage`) and count as missing; smoothness is the captured covariance of accelerations; the
pose term is a Gaussian mixture while the motion is far from the manifold, and the learned distance field afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from humanav.errors import InputError
from humanav.motion import Motion
from humanav.posendf import damage
from humanav.posendf.model import PoseNDF
from humanav.posendf.motion_prior import FEATURES, FPS, MotionPrior
from humanav.posendf.poses import motion_to_quats
from humanav.posendf.sequences import (
    Mask,
    angle_between,
    continuous,
    fill_path,
    fill_rotations,
    from_vectors,
    missing_mask,
    rotations_of,
    to_vectors,
    unit,
    with_rotations,
)
from humanav.posendf.temporal import Chain, Noise, PoseTerm

if TYPE_CHECKING:
    from humanav.posendf.project import Field
    from humanav.progress import Progress

Array = NDArray[np.float64]

SIGMAS = (0.002, 0.005, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4)
"""Noise levels tried first, radians per axis."""
DRIFT_SECONDS = 0.25
"""Time in which drifting noise forgets itself."""
STAGES = ("Looking for damage", "Estimating the noise", "Finding the likeliest motion", "Approaching the manifold")
"""What a :class:`~humanav.progress.Progress` for :func:`denoise` counts."""

POSE_RATE = 0.9
"""Independent poses per second that a motion counts for: weight of the pose term per frame is this over the fps."""
WINDOW, MARGIN = 300, 30
"""Frames solved at once, and those on either side that are solved again with the next window."""
NOTICED = 0.004
"""Less noise than this (rad) is none."""
EXCERPT = 150
"""Frames that the noise is estimated on."""


@dataclass(frozen=True)
class Denoised:
    """A cleaned motion.

    Attributes:
        motion: as long as the input, same hands, face and shape.
        distance_before, distance_after: (T,) field's distance of each frame's pose to the manifold, radians.
        repaired: (T,22) joints (0 is the root) that were missing or could not be true and were made anew.
        report: plain numbers and words: ``frames``, ``fps``, ``noise_deg`` (per axis), ``noise_kind`` ("none",
            "independent", "drift"), ``repaired_frames``, ``repaired_joints``, ``moved_deg``, ``distance_before_rad``,
            ``distance_after_rad``.
    """

    motion: Motion
    distance_before: Array
    distance_after: Array
    repaired: Mask
    report: dict[str, Any] = field(default_factory=dict)


class _Poses:
    """The mixture of likely poses as quadratic terms."""

    def __init__(self, prior: MotionPrior) -> None:
        self.prior = prior
        self.inverse = np.linalg.inv(prior.covariances)
        self.pull = np.einsum("kij,kj->ki", self.inverse, prior.means)
        self.constant = np.log(prior.weights) - 0.5 * np.linalg.slogdet(prior.covariances)[1]

    def term(self, x: Array, rate: float) -> PoseTerm:
        """The prior of poses near ``x`` (T,63), each component weighted by how likely it made the pose."""
        off = x[:, None] - self.prior.means
        logs = self.constant - 0.5 * np.einsum("tki,tki->tk", np.einsum("tki,kij->tkj", off, self.inverse), off)
        share = np.exp(logs - logs.max(axis=1, keepdims=True))
        share *= rate / share.sum(axis=1, keepdims=True)
        return PoseTerm(np.tensordot(share, self.inverse, 1), share @ self.pull)


class _Solver:
    """The three terms for one motion."""

    def __init__(self, fps: float, frames: int, prior: MotionPrior) -> None:
        self.fps, self.frames = fps, frames
        self.poses = _Poses(prior)
        self.rate = 1.0 if frames == 1 else min(1.0, POSE_RATE / fps)
        self.slower = (FPS / fps) ** 3
        self.acceleration = np.linalg.inv(prior.acceleration) / self.slower
        self.turn = np.eye(4) / (0.25 * prior.turn**2 * self.slower)
        self.path = np.eye(3) / (prior.path**2 * self.slower)

    @cached_property
    def drift(self) -> float:
        return float(np.exp(-1 / (DRIFT_SECONDS * self.fps)))

    def body_noise(self, data: Array, weights: Array) -> Noise:
        """The noise under which the data (T,63) is likeliest."""
        begin = max(0, (len(data) - EXCERPT) // 2)
        y, w = data[begin : begin + EXCERPT], weights[begin : begin + EXCERPT]
        chain = Chain(len(y), self.acceleration)
        pose, best = self.poses.term(y, self.rate), Noise(SIGMAS[0])
        for sigmas in (SIGMAS, None):
            tried = sigmas or tuple(best.sigma * step for step in (0.6, 0.75, 1.0, 1.3, 1.65))
            keeps = (0.0, self.drift) if sigmas and len(y) > 2 else (best.keep,)
            options = [Noise(sigma, keep) for sigma in tried for keep in keeps]
            found = [chain.solve(y, w, option, pose) for option in options]
            pick = int(np.argmax([evidence for _, evidence in found]))
            best = options[pick]
            pose = self.poses.term(found[pick][0], self.rate)
        return best

    def plain_noise(self, data: Array, weights: Array, acceleration: Array, size: float, body: Noise) -> Noise:
        """Like :meth:`body_noise` for the root's turn or path (T,D), whose sizes are ``size`` per radian of noise.

        Nothing tells a drift of the root from movement, so it is believed to drift only as much as the joints do.
        """
        chain = Chain(len(data), acceleration)
        options = [Noise(sigma * size, body.keep) for sigma in np.geomspace(SIGMAS[0], SIGMAS[-1], 15)
                   if body.keep == 0 or sigma <= 1.2 * body.sigma] or [Noise(SIGMAS[0] * size, body.keep)]
        return max(options, key=lambda noise: chain.solve(data, weights, noise)[1])

    def body(self, data: Array, weights: Array, noise: Noise, progress: Progress | None) -> Array:
        """The likeliest poses (T,63)."""
        out = np.empty_like(data)
        for begin in range(0, len(data), WINDOW):
            if progress is not None:
                progress.update(begin / len(data))
            low, high = max(0, begin - MARGIN), min(len(data), begin + WINDOW + MARGIN)
            y, w = data[low:high], weights[low:high]
            chain, x = Chain(len(y), self.acceleration), y
            for _ in range(3):
                x = chain.solve(y, w, noise, self.poses.term(x, self.rate))[0]
            out[begin : begin + WINDOW] = x[begin - low : begin - low + WINDOW]
        return out


def denoise(
    motion: Motion, *, field: Field | None = None, missing: ArrayLike | None = None, strength: float = 1.0,
    prior: MotionPrior | None = None, progress: Progress | None = None,
) -> Denoised:
    """Remove noise, wild frames and gaps from a motion of any frame rate and length.

    Args:
        motion: T frames, 1 or more.
        field: the distance field; by default the shipped :class:`~humanav.posendf.PoseNDF`.
        missing: (T,22) what is not known, the root first; its numbers are not looked at.
        strength: 1 removes as much as the motion itself says is noise; less keeps more of it, more removes more; 0 only
            fills gaps and repairs wild frames.
        prior: statistics of motion; by default the shipped ones.
        progress: counts :data:`STAGES`.

    Raises:
        InputError: a mask of the wrong shape or without any known pose, or a strength that is negative or no number.
        Cancelled: the user asked to stop.
    """
    if not (np.isfinite(strength) and strength >= 0):
        raise InputError(f"The strength of denoising must be a number from 0 up, not {strength}.")
    mask = missing_mask(missing, len(motion))
    solver = _Solver(motion.fps, len(motion), prior or MotionPrior.load())
    quats, path = rotations_of(motion), motion.transl.astype(np.float64)

    _next(progress, 0)
    lost = mask | damage.frozen(quats, motion.fps, mask)
    lost |= damage.wild(quats, motion.fps, lost)
    filled = continuous(fill_rotations(quats, lost))
    vectors = to_vectors(filled[:, 1:]).reshape(len(motion), FEATURES)
    weights = np.repeat(~lost[:, 1:], 3, axis=1).astype(float)

    _next(progress, 1)
    noise = solver.body_noise(vectors, weights)
    known = (~lost[:, :1]).astype(float)
    turn_noise = solver.plain_noise(filled[:, 0], known, solver.turn, 0.5, noise)
    start = path[:1]
    path_noise = solver.plain_noise(fill_path(path, lost[:, 0]) - start, known, solver.path, 0.1, noise)

    _next(progress, 2)
    scale = max(strength, 1e-3)
    body = solver.body(vectors, weights, Noise(scale * noise.sigma, noise.keep), progress)
    turn = Chain(len(motion), solver.turn).solve(filled[:, 0], known, Noise(scale * turn_noise.sigma, turn_noise.keep))
    place = Chain(len(motion), solver.path).solve(fill_path(path, lost[:, 0]) - start, known,
                                                  Noise(scale * path_noise.sigma, path_noise.keep))
    out = np.concatenate([unit(turn[0])[:, None], from_vectors(body.reshape(len(motion), -1, 3))], axis=1)
    result = with_rotations(motion, out, place[0] + start)
    _next(progress, 3)
    network = field or PoseNDF.load()
    before, after = _distance(network, motion), _distance(network, result)
    moved = np.degrees(angle_between(out, quats))
    return Denoised(result, before, after, lost, {
        "frames": len(motion), "fps": motion.fps, "noise_deg": float(np.degrees(noise.sigma)),
        "noise_kind": "none" if noise.sigma < NOTICED else "drift" if noise.keep > 0 else "independent",
        "repaired_frames": int(lost.any(axis=1).sum()), "repaired_joints": int(lost.sum()),
        "moved_deg": float(moved.mean()), "distance_before_rad": float(before.mean()),
        "distance_after_rad": float(after.mean())})


def _distance(network: Field, motion: Motion) -> Array:
    with torch.no_grad():
        return np.asarray(network(motion_to_quats(motion)).double().numpy())


def _next(progress: Progress | None, stage: int) -> None:
    if progress is not None:
        progress.next(STAGES[stage])
