"""Clean a captured motion: prior + data + temporal terms, solved as a few banded linear systems.

Pose-NDF denoises by descending on the sum of three terms: near the data, near the manifold of poses, smooth in time.
Here each has the form that was measured to work: the data term knows noise that is independent or that drifts, and its
strength is found by the evidence of the data, so a clean motion stays what it is; frames that cannot be true are found
first (:mod:`~humanav.posendf.damage`) and count as missing; smoothness is the captured covariance of accelerations; the
pose term is a Gaussian mixture while the motion is far from the manifold, and the learned distance field afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from threadpoolctl import threadpool_limits

from humanav.body.names import JOINT_NAMES
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.posendf import damage
from humanav.posendf.measures import amplitude_kept, foot_slide, jitter, motion_mpjpe
from humanav.posendf.model import PoseNDF
from humanav.posendf.motion_prior import FEATURES, FPS, MotionPrior, flat
from humanav.posendf.poses import motion_to_quats
from humanav.posendf.project import project
from humanav.posendf.quaternions import canonical, conjugate, logarithm, multiply
from humanav.posendf.sequences import (
    Mask,
    angle_between,
    continuous,
    fill_path,
    fill_rotations,
    from_vectors,
    missing_mask,
    rotations_of,
    slerp,
    turned,
    unit,
    with_rotations,
)
from humanav.posendf.temporal import Chain, Noise, PoseTerm

if TYPE_CHECKING:
    from humanav.posendf.project import Field
    from humanav.progress import Progress

Array = NDArray[np.float64]

SIGMAS = (0.002, 0.006, 0.015, 0.035, 0.07, 0.14, 0.28)
"""Noise levels tried first, radians per axis."""
DRIFT_SECONDS = 0.25
"""Time in which drifting noise forgets itself."""
STAGES = ("Looking for damage", "Estimating the noise", "Finding the likeliest motion", "Approaching the manifold")
"""What a :class:`~humanav.progress.Progress` for :func:`denoise` counts."""

DRIFT_LEAST = 0.02
"""Less drift than this (rad) cannot be told from movement, and is left."""
POSE_RATE = 0.4
"""Independent poses per second that a motion counts for: weight of the pose term per frame is this over the fps."""
STEP_RATE = 4.0
"""The same for the joints' speeds, which keep a long gap from being bridged in a wide swing."""
WINDOW, MARGIN = 300, 30
"""Frames solved at once, and those on either side that are solved again with the next window."""
NOTICED = 0.004
"""Less noise than this (rad) is none."""
STEPS, STEP, SMOOTH_SECONDS = 5, 0.05, 0.1
"""Of the descent on the field: steps, share of the distance per step, and the window its moves are smoothed with."""
STRAY, STRAY_LEAST = 6.0, 0.05
"""A joint strays where it is farther from the likeliest motion than so many times usually, and so many radians."""
BRIDGE_SECONDS, BRIDGE_SHARE = 0.6, 0.4
"""A gap that is known and lasts so long, or longer, is filled for that share by the shortest turn between its ends."""
EXCERPT = 120
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
    """The mixture of likely poses as quadratic terms in the numbers of a frame; the root is free."""

    def __init__(self, prior: MotionPrior) -> None:
        self.means, self.count = prior.means, len(prior.weights)
        self.inverse = np.linalg.inv(prior.covariances)
        self.constant = np.log(prior.weights) - 0.5 * np.linalg.slogdet(prior.covariances)[1]
        self.matrix = np.zeros((self.count, FEATURES, FEATURES))
        self.matrix[:, 3:, 3:] = self.inverse
        self.pull = np.zeros((self.count, FEATURES))
        self.pull[:, 3:] = np.einsum("kij,kj->ki", self.inverse, prior.means)

    def term(self, x: Array, rate: float) -> PoseTerm:
        """The prior of poses near ``x`` (T,66), each component weighted by how likely it made the pose."""
        logs = np.empty((len(x), self.count))
        for k in range(self.count):
            off = x[:, 3:] - self.means[k]
            logs[:, k] = self.constant[k] - 0.5 * ((off @ self.inverse[k]) * off).sum(axis=1)
        share = np.exp(logs - logs.max(axis=1, keepdims=True))
        share *= rate / share.sum(axis=1, keepdims=True)
        return PoseTerm(np.tensordot(share, self.matrix, 1), share @ self.pull)


class _Solver:
    """The three terms for one motion."""

    def __init__(self, fps: float, frames: int, prior: MotionPrior) -> None:
        self.fps, self.frames = fps, frames
        self.poses = _Poses(prior)
        self.rate = 1.0 if frames == 1 else min(1.0, POSE_RATE / fps)
        slower = (FPS / fps) ** 3
        self.acceleration = np.linalg.inv(prior.acceleration) / slower
        self.step = np.linalg.inv(prior.step) * (fps / FPS) ** 2 * min(1.0, STEP_RATE / fps)
        self.path = np.eye(3) / (prior.path**2 * slower)
        self.drift = float(np.exp(-1 / (DRIFT_SECONDS * fps)))

    def noise(self, data: Array, weights: Array) -> Noise:
        """The noise under which the data (T,66) is likeliest."""
        begin = max(0, (len(data) - EXCERPT) // 2)
        y, w = data[begin : begin + EXCERPT], weights[begin : begin + EXCERPT]
        chain = Chain(len(y), self.acceleration, self.step)
        pose = self.poses.term(chain.solve(y, w, Noise(0.05), self.poses.term(y, self.rate))[0], self.rate)
        found: dict[Noise, float] = {}
        for keep in (0.0, self.drift) if len(y) > 2 else (0.0,):
            middle = 0.05
            for steps in (SIGMAS, (0.5, 0.7, 1.0, 1.4)):
                tried = [Noise(step if steps is SIGMAS else step * middle, keep) for step in steps]
                found |= {noise: chain.solve(y, w, noise, pose)[1] for noise in tried if noise not in found}
                middle = max((noise for noise in found if noise.keep == keep), key=found.__getitem__).sigma
        best = max(found, key=found.__getitem__)
        return Noise(SIGMAS[0]) if best.keep > 0 and best.sigma < DRIFT_LEAST else best

    def shares(self, data: Array, weights: Array, noise: Noise) -> Array:
        """Each joint's noise as a multiple (22,) of ``noise``, by restricted maximum likelihood.

        What a joint's data deviate is divided by the numbers that its fit leaves free; a solve with random signs
        estimates those (Hutchinson's trace).
        """
        begin = max(0, (len(data) - 2 * EXCERPT) // 2)
        y, w = data[begin : begin + 2 * EXCERPT], weights[begin : begin + 2 * EXCERPT]
        shares = np.ones(FEATURES // 3)
        if noise.keep > 0 or len(y) < 8:
            return shares
        chain = Chain(len(y), self.acceleration, self.step)
        signs = np.random.default_rng(0).choice([-1.0, 1.0], y.shape)
        x = y
        for _ in range(4):
            trusted = w / np.repeat(shares, 3) ** 2
            pose = self.poses.term(x, self.rate)
            x = chain.solve(y, trusted, noise, pose)[0]
            spread = signs * chain.solve(signs, trusted, noise, PoseTerm(pose.matrix, np.zeros_like(pose.target)))[0]
            free = _per_joint(w - (w > 0) * spread)
            shares = np.sqrt((_per_joint(w * (y - x) ** 2) + 10 * noise.sigma**2) / (np.maximum(free, 0) + 10))
            shares = np.clip(shares / noise.sigma, 0.2, 5.0)
        return shares

    def place(self, path: Array, known: Array, body: Noise, strength: float) -> Array:
        """The likeliest path (T,3). Nothing tells a drift of the root from movement, so it drifts if the joints do."""
        chain, start = Chain(len(path), self.path), path[:1]
        options = [Noise(0.1 * sigma, body.keep) for sigma in np.geomspace(SIGMAS[0], SIGMAS[-1], 15)
                   if body.keep == 0 or sigma <= 1.2 * body.sigma] or [Noise(0.1 * SIGMAS[0], body.keep)]
        best = max(options, key=lambda noise: chain.solve(path - start, known, noise)[1])
        return start + chain.solve(path - start, known, Noise(strength * best.sigma, best.keep))[0]

    def solve(self, data: Array, weights: Array, noise: Noise, progress: Progress | None = None) -> Array:
        """The likeliest numbers (T,66)."""
        out = np.empty_like(data)
        for begin in range(0, len(data), WINDOW):
            if progress is not None:
                progress.update(begin / len(data))
            low, high = max(0, begin - MARGIN), min(len(data), begin + WINDOW + MARGIN)
            y, w = data[low:high], weights[low:high]
            if noise.sigma < NOTICED and (w > 0).all():
                out[begin : begin + WINDOW] = data[begin : begin + WINDOW]
                continue
            chain, x = Chain(len(y), self.acceleration, self.step), y
            for _ in range(3):
                x = chain.solve(y, w, noise, self.poses.term(x, self.rate))[0]
            out[begin : begin + WINDOW] = x[begin - low : begin - low + WINDOW]
        return out


def _per_joint(values: Array) -> Array:
    """Sums (22,) over time and axes of (T,66)."""
    return np.asarray(values.reshape(len(values), -1, 3).sum(axis=(0, 2)))


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
    with threadpool_limits(1, user_api="blas"):  # many small systems: more threads only wait for each other
        return _denoise(motion, field or PoseNDF.load(), mask, strength, prior or MotionPrior.load(), progress)


def _denoise(
    motion: Motion, network: Field, mask: Mask, strength: float, prior: MotionPrior, progress: Progress | None
) -> Denoised:
    solver = _Solver(motion.fps, len(motion), prior)
    quats, path = rotations_of(motion), motion.transl.astype(np.float64)

    _next(progress, 0)
    lost = mask | damage.frozen(quats, motion.fps, mask)
    lost |= damage.wild(quats, motion.fps, lost)
    _next(progress, 1)
    for _ in range(2):
        filled = continuous(fill_rotations(quats, lost))
        calm = unit(gaussian_filter1d(filled[:, 0], 0.05 * motion.fps, axis=0, mode="nearest"))
        data, rolled = flat(filled, calm)
        weights = np.repeat(~lost, 3, axis=1).astype(float)
        noise = solver.noise(data, weights)
        weights /= np.repeat(solver.shares(data, weights, noise), 3) ** 2
        x = solver.solve(data, weights, noise)
        off = np.linalg.norm((data - x).reshape(len(x), -1, 3), axis=-1)
        stray = ~lost & (off > STRAY * np.median(off, axis=0) + STRAY_LEAST)
        if not stray.any():
            break
        lost |= stray
        weights[np.repeat(stray, 3, axis=1)] = 0

    _next(progress, 2)
    scale = max(strength, 1e-3)
    if scale != 1 or stray.any():
        x = solver.solve(data, weights, Noise(scale * noise.sigma, noise.keep), progress)
    place = solver.place(fill_path(path, lost[:, 0]), (~lost[:, :1]).astype(float), noise, scale)
    out = np.concatenate([turned(calm, x[:, :3] - rolled)[:, None], from_vectors(x[:, 3:].reshape(len(x), -1, 3))], 1)

    out = _bridged(out, mask, motion.fps)

    _next(progress, 3)
    if noise.sigma >= NOTICED or lost.any():
        free = lost[:, 1:] if noise.sigma < NOTICED else np.ones_like(lost[:, 1:])
        out[:, 1:] = _approach(network, out[:, 1:], free, motion.fps)
    result = with_rotations(motion, out, place)
    before, after = _distance(network, motion), _distance(network, result)
    moved = np.degrees(angle_between(out, quats))
    return Denoised(result, before, after, lost, {
        "frames": len(motion), "fps": motion.fps, "noise_deg": float(np.degrees(noise.sigma)),
        "noise_kind": "none" if noise.sigma < NOTICED else "drift" if noise.keep > 0 else "independent",
        "repaired_frames": int(lost.any(axis=1).sum()), "repaired_joints": int(lost.sum()),
        "moved_deg": float(moved.mean()), "distance_before_rad": float(before.mean()),
        "distance_after_rad": float(after.mean())})


def _bridged(quats: Array, missing: Mask, fps: float) -> Array:
    """Gaps of (T,22,4) with part of the shortest turn: speeds at the ends say little of what happens far from them."""
    length = np.zeros(missing.shape)
    for joint in np.flatnonzero(missing.any(axis=0)):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], missing[:, joint].astype(int), [0]])))
        for begin, end in edges.reshape(-1, 2):
            length[begin:end, joint] = end - begin
    share = BRIDGE_SHARE * np.minimum(length / (BRIDGE_SECONDS * fps), 1.0)
    return np.where(missing[..., None], slerp(quats, fill_rotations(quats, missing), share[..., None]), quats)


def _approach(network: Field, quats: Array, free: Mask, fps: float) -> Array:
    """Poses (T,21,4) nearer to the manifold: a short descent of the field, its moves smoothed in time."""
    start = torch.from_numpy(quats).float()
    end = project(network, start, steps=STEPS, step_size=STEP, fixed=torch.from_numpy(~free)).quats
    moves = logarithm(multiply(conjugate(canonical(start)), end)).double().numpy() * 2 * free[..., None]
    moves = gaussian_filter1d(moves, SMOOTH_SECONDS * fps, axis=0, mode="nearest") * free[..., None]
    return turned(quats, moves)


def summary(done: Denoised, before: Motion, truth: Motion | None = None) -> dict[str, Any]:
    """The report with what tells a good motion from a bad one: jitter (m/s^3), sliding feet (m/s), amplitude kept.

    Args:
        done: the cleaned motion.
        before: what was given to :func:`denoise`.
        truth: the motion before it was damaged, when known; then the error before and after (mm) is told too, and
            amplitude is measured against it instead of against the input.
    """
    after = done.motion
    values: dict[str, Any] = {
        **done.report, "jitter_before": jitter(before), "jitter_after": jitter(after),
        "foot_slide_before": foot_slide(before, truth), "foot_slide_after": foot_slide(after, truth),
        "amplitude_kept": amplitude_kept(after, truth or before)}
    counts = done.repaired.sum(axis=0)
    values["most_repaired"] = [JOINT_NAMES[j] for j in np.argsort(-counts)[:3] if counts[j]]
    if truth is not None:
        values |= {"mpjpe_before_mm": motion_mpjpe(before, truth), "mpjpe_after_mm": motion_mpjpe(after, truth)}
    return values


def _distance(network: Field, motion: Motion) -> Array:
    with torch.no_grad():
        return np.asarray(network(motion_to_quats(motion)).double().numpy())


def _next(progress: Progress | None, stage: int) -> None:
    if progress is not None:
        progress.next(STAGES[stage])
