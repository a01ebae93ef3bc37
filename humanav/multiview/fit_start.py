"""Where a fit begins: the trunk turned onto hips and shoulders, limbs swung along their bones, size from their lengths.

Everything is in the level frame (:mod:`humanav.multiview.fit_terms`), metres, for all frames at once.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import Skeleton, exp_rotation
from humanav.body.names import JOINT_INDEX
from humanav.fit import rest_rotations
from humanav.fit.clip_kinematics import ClipState, place_clip_points, pose_clip
from humanav.fit.terms import HINGES
from humanav.multiview.fit_targets import Targets
from humanav.multiview.fit_terms import LEVEL
from humanav.track.observations import LIMBS

Array = NDArray[np.float64]

_TRUNK = ("left_hip", "right_hip", "left_shoulder", "right_shoulder", "pelvis", "neck")
_BONES = tuple((a, b) for chain in LIMBS.values() for a, b in pairwise(chain))
_UPRIGHT = 1e-6  # square metres: what one or two points leave open is settled by standing upright
_PERHAPS = 0.02  # weight of points that do not belong to the trunk
_REST_BEND = 0.2  # sine of an elbow's or knee's bend below which its axis at rest is believed more than the one seen


def start_state(targets: Targets, skeleton: Skeleton, betas: Array) -> ClipState:
    """A first guess of T frames.

    Args:
        targets: of one person; points that are unknown in a frame are interpolated from others.
        skeleton: the joint tree.
        betas: (B,) shape.
    """
    space, known = bridged(targets.space, targets.trust > 0)
    count = len(space)
    rest = np.tile(rest_rotations(), (count, 1, 1, 1))
    state = ClipState(rest, np.zeros((count, 3)), betas, np.zeros(2))
    places, _, _ = place_clip_points(targets.points, pose_clip(skeleton, state), betas)
    trunk = np.where(known, [1.0 if name in _TRUNK else _PERHAPS for name in targets.names], 0.0)
    turn, shift = procrustes(places[0], space, trunk)
    rest[:, 0] = turn @ rest[:, 0]
    state = ClipState(rest, shift, betas, np.zeros(2))
    for limb, names in LIMBS.items():
        rows = [targets.names.index(name) if name in targets.names else -1 for name in names]
        if min(rows) >= 0 and known[rows].all():
            _swing(state, skeleton, limb, space[:, rows])
    return state


def size_of(targets: Targets, skeleton: Skeleton, tall_dirs: Array, tall: float) -> Array:
    """Betas (B,) of a body whose limbs are as long as the median of those seen; zeros where none is."""
    betas = np.zeros(len(tall_dirs))
    rest = ClipState(np.tile(np.eye(3), (1, 55, 1, 1)), np.zeros((1, 3)), betas, np.zeros(2))
    places, _, _ = place_clip_points(targets.points, pose_clip(skeleton, rest), betas)
    ratios = []
    for a, b in _BONES:
        if a not in targets.names or b not in targets.names:
            continue
        i, j = targets.names.index(a), targets.names.index(b)
        both = (targets.trust[:, i] > 0) & (targets.trust[:, j] > 0)
        if both.any():
            seen = np.median(np.linalg.norm(targets.space[both, i] - targets.space[both, j], axis=-1))
            ratios.append(float(seen / np.linalg.norm(places[0, i] - places[0, j])))
    if not ratios:
        return betas
    grown = float(np.clip(np.median(ratios), 0.6, 1.25)) - 1.0
    return np.asarray(tall_dirs * grown * tall / (tall_dirs @ tall_dirs))


def bridged(places: Array, known: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_]]:
    """Places (T,K,3) with gaps interpolated over time and held at the ends, and (K,) which were ever known."""
    out, times = places.copy(), np.arange(len(places))
    for row in range(places.shape[1]):
        there = known[:, row]
        if there.any() and not there.all():
            for axis in range(3):
                out[:, row, axis] = np.interp(times, times[there], places[there, row, axis])
    return out, known.any(axis=0)


def procrustes(source: Array, target: Array, weight: Array) -> tuple[Array, Array]:
    """Turns (T,3,3) and shifts (T,3) that take points (K,3) about the origin nearest to (T,K,3) (Kabsch 1976)."""
    share = weight / max(float(weight.sum()), 1e-9)
    centre, middle = share @ source, np.einsum("k,tkc->tc", share, target)
    spread = np.einsum("k,tki,kj->tij", share, target - middle[:, None], source - centre)
    spread = spread + _UPRIGHT * LEVEL
    u, _, vt = np.linalg.svd(spread)
    sign = np.sign(np.linalg.det(u @ vt))
    u[..., 2] *= np.where(sign == 0, 1.0, sign)[:, None]
    turn = u @ vt
    return turn, middle - np.einsum("tij,j->ti", turn, centre)


def _swing(state: ClipState, skeleton: Skeleton, limb: str, chain: Array) -> None:
    """Turn the two joints of a limb, in place, so that its bones point along a chain (T,3,3) of places and its middle
    joint bends about its own axis."""
    side, kind = limb.split("_")
    upper, middle, end = (JOINT_INDEX[f"{side}_{name}"] for name in (
        ("shoulder", "elbow", "wrist") if kind == "arm" else ("hip", "knee", "ankle")))
    rest = skeleton.template + skeleton.dirs @ state.betas
    bone, far = _unit(rest[middle] - rest[upper]), _unit(rest[end] - rest[middle])
    axis, sign = next((a, s) for name, a, s, _, _ in HINGES if name == f"{side}_{'elbow' if kind == 'arm' else 'knee'}")
    hinge = sign * np.eye(3)[axis]
    along, beyond = _unit(chain[:, 1] - chain[:, 0]), _unit(chain[:, 2] - chain[:, 1])
    above = pose_clip(skeleton, state).rotations[:, skeleton.parents[upper]]
    least = _between(np.einsum("tij,j->ti", above, bone), along) @ above
    normal = np.cross(along, beyond) + _REST_BEND * np.einsum("tij,j->ti", least, hinge)
    turned = _frame(along, normal) @ _frame(bone, hinge).T
    state.rotations[:, upper] = np.swapaxes(above, -1, -2) @ turned
    # the far bone in the near one's axes: bend about the hinge alone
    local = np.einsum("tji,tj->ti", turned, beyond)
    across = np.cross(hinge, far)
    state.rotations[:, middle] = exp_rotation(np.arctan2(local @ across, local @ far)[:, None] * hinge)


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def _frame(along: Array, near: Array) -> Array:
    """Rotations (...,3,3) whose first column is ``along`` and whose second is as near as can be to ``near``."""
    side = near - (near * along).sum(-1, keepdims=True) * along
    side = _unit(side)
    return np.stack([along, side, np.cross(along, side)], axis=-1)


def _between(source: Array, target: Array) -> Array:
    """The least turns (T,3,3) that take unit vectors (T,3) to others."""
    axis = np.cross(source, target)
    sine, cosine = np.linalg.norm(axis, axis=-1), (source * target).sum(-1)
    odd = np.cross(source, np.eye(3)[np.abs(source).argmin(axis=-1)])  # any axis across, for opposite vectors
    axis = np.where((sine < 1e-8)[:, None], _unit(odd), axis / np.maximum(sine, 1e-8)[:, None])
    return exp_rotation(axis * np.arctan2(sine, cosine)[:, None])
