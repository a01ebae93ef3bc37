"""Fingers and jaw of a take, from the hands and the face that were found; the body stays as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing

from humanav.body.kinematics import Array, Skeleton
from humanav.body.landmarks import KEYPOINT_SETS
from humanav.body.names import JOINT_INDEX
from humanav.fit import rest_rotations
from humanav.fit.clip_kinematics import ClipState
from humanav.fit.clip_solver import ClipTerm, solve_clip
from humanav.fit.clip_terms import ClipImageTerm, ClipTurnTerm
from humanav.perception.takes import Take
from humanav.progress import Progress
from humanav.track.clip_observations import ClipLandmarks
from humanav.uplift.smooth import bridge, smooth_rotations

_FINGERS = {"left": tuple(range(25, 40)), "right": tuple(range(40, 55))}
_JAW = JOINT_INDEX["jaw"]
_FINGER_SIGMA = (0.3, 0.25, 0.5)
_JAW_SIGMA = (0.12, 0.01, 0.01)
_WRIST_SIGMA, _HEAD_SIGMA = 0.25, 0.1  # radians by which they may turn away from the body's fit
_GAP = 1.0  # seconds without a hand that are bridged; in longer ones it comes to rest
_SMOOTH = 0.06  # seconds
_LEAST = 8  # landmarks
_TOGETHER = 240  # frames solved at once: each is by itself, and memory must not grow with the clip


def fit_details(
    take: Take, state: ClipState, K: Array, skeleton: Skeleton, growth: Array, stature_px: Array, *,
    progress: Progress | None = None,
) -> ClipState:
    """Fit hands and jaw, frame by frame, and smooth them.

    Args:
        take: with hands and face where they were found.
        state: the body's fit.
        K: (3,3) intrinsics.
        skeleton: the joint tree.
        growth: (B,) how landmarks' offsets grow with the betas.
        stature_px: (T,) the person's stature in pixels.
        progress: asked whether to stop.

    Raises:
        Cancelled: ``progress`` was told to stop.
    """
    size = (take.sequence.width, take.sequence.height)
    for side, fingers in _FINGERS.items():
        rows = take.left_hand if side == "left" else take.right_hand
        if rows is not None:
            marks = ClipLandmarks.of(rows, KEYPOINT_SETS[f"{side}_hand21"], size, growth, "hand")
            wrist = JOINT_INDEX[f"{side}_wrist"]
            state = _part(state, marks, fingers, _FINGER_SIGMA, wrist, _WRIST_SIGMA, K, skeleton, stature_px,
                          take.sequence.fps, progress)
    if take.face is not None:
        marks = ClipLandmarks.of(take.face, KEYPOINT_SETS["face"], size, growth, "face")
        state = _part(state, marks, (_JAW,), _JAW_SIGMA, JOINT_INDEX["head"], _HEAD_SIGMA, K, skeleton, stature_px,
                      take.sequence.fps, progress)
    return state


def _part(
    state: ClipState, marks: ClipLandmarks, joints: tuple[int, ...], sigma: tuple[float, float, float], carrier: int,
    carrier_sigma: float, K: Array, skeleton: Skeleton, stature_px: Array, fps: float, progress: Progress | None,
) -> ClipState:
    """The joints of one hand or of the jaw, and a little of the joint that carries them."""
    there = (marks.confidence > 0).sum(axis=1) >= _LEAST
    if not there.any():
        return state
    rotations = state.rotations.copy()
    index = np.array([carrier, *joints], dtype=np.intp)
    before = rotations[:, [carrier]].copy()
    rest = rest_rotations()[list(joints)]
    seen_in = np.flatnonzero(there)
    for frames in np.array_split(seen_in, -(-len(seen_in) // _TOGETHER)):
        part = replace(state, rotations=state.rotations[frames].copy(), pelvis=state.pelvis[frames])
        part.rotations[:, list(joints)] = rest
        seen = marks.part(frames)
        terms: list[ClipTerm] = [
            ClipImageTerm(seen.points, K, seen.pixels, seen.spread * stature_px[frames, None] / 100,
                          (seen.confidence > 0).astype(np.float64), 3.0),
            ClipTurnTerm(joints, np.broadcast_to(rest, (len(frames), *rest.shape)),
                         np.broadcast_to(np.array(sigma), (len(frames), len(joints), 3))),
            ClipTurnTerm((carrier,), part.rotations[:, [carrier]], np.full((len(frames), 1, 3), carrier_sigma))]
        fitted, _ = solve_clip(skeleton, part, terms, (carrier, *joints), rounds=8, coupled=False, hold_shape=True,
                               hold_path=True, progress=progress)
        rotations[np.ix_(frames, index)] = fitted.rotations[:, index]
    gaps = _short_gaps(there, max(1, round(_GAP * fps)))
    rotations[:, index] = bridge(rotations[:, index], gaps)
    known = there | gaps
    rotations[~known, carrier] = before[~known, 0]
    trust = np.repeat(np.where(known, 1.0, 0.2)[:, None], len(index), axis=1)
    rotations[:, index] = smooth_rotations(rotations[:, index], fps, trust, seconds=_SMOOTH)
    return replace(state, rotations=rotations)


def _short_gaps(there: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """Frames (T,) that are missing for at most ``longest`` frames between others."""
    padded = np.pad(there, longest)
    closed = binary_closing(padded, np.ones(longest + 1))[longest:-longest]
    return np.asarray(closed & ~there)
