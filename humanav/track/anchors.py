"""Where standing feet are held: the path that lets them stand, and each foot's place and attitude on the floor.

First the whole body is moved, as little as possible and along the camera's rays rather than across them, where an error
of the place hides: so that every heel and ball that stands keeps to one spot of the floor, as one sparse least-squares
problem in the path and the spots. What is left is for the legs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import solveh_banded
from scipy.ndimage import gaussian_filter1d
from scipy.sparse.linalg import spsolve

from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.track.contacts import runs, standing
from humanav.track.soles import BALL, HEEL, LEGS, PosedFeet

Array = NDArray[np.float64]

_HELD, _HELD_ALONG = 0.025, 0.05  # metres: how far a leg's pose lets a standing sole wander, across and along the rays
_ACROSS = 0.02  # metres: error of the pelvis' place across the camera's rays
_ALONG = 0.02  # of its distance: error along them
_ANYWHERE = 0.1  # metres: error in every direction where the camera's place is not known
_TOGETHER = 1.0  # so many times longer does an error of the place last than one of the pose
_CUTOFF = 3.0  # of those errors: soles farther off their spot count little (Geman-McClure)
_ABRUPT = 0.12  # seconds: the body is moved no more abruptly than this
_ROLL = 0.025  # metres by which the heel is higher when half of the foot has left the floor
_TURN_FREE, _TURN_SLOW = np.radians(12.0), 0.2  # a foot that turns farther on its spot, slowly (seconds), may do so
_SHIFT_FREE, _SHIFT_SLOW = 0.12, 0.2  # metres, seconds: likewise for a foot that shuffles
_ON_FLOOR = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
_MOST_YAW = np.radians(40.0)
_FLATTEN = np.radians(35.0)  # a foot at a larger angle to the floor is not laid flat


@dataclass(frozen=True)
class FootTargets:
    """What the feet of T frames should do where they stand; the left foot first, heel before ball.

    Attributes:
        yaw: (T,2) radians about the vertical to the direction in which each foot stands.
        tilt: (T,2,3) rotation vectors, world axes, that then lay it flat.
        spots: (T,2,2,3) where heel and ball belong on the floor.
        share: (T,2,2) 0..1 how far each carries.
        held, flat: (T,2) 0..1 how far the foot stands, and stands flat.
    """

    yaw: Array
    tilt: Array
    spots: Array
    share: Array
    held: Array
    flat: Array


def part_weights(feet: PosedFeet, contacts: Array) -> Array:
    """How far heel and ball of each foot carry (T,2,2), 0..1: the lower one does, and the other when it is as low."""
    heights = feet.soles[:, :, [HEEL, BALL], 1]
    above = np.maximum(heights - heights.min(axis=2, keepdims=True) - 0.3 * _ROLL, 0.0)
    return np.asarray(contacts[..., None] * np.exp(-((above / _ROLL) ** 2)))


def hold_path(feet: PosedFeet, weights: Array, fps: float, eye: Array | None) -> Array:
    """By how much (T,3) metres the body must move so that what carries stays on its spot of the floor y = 0.

    Args:
        feet: of a path in the world.
        weights: (T,2,2) of heels and balls.
        fps: frames per second.
        eye: (3,) or (T,3) the camera's place, when known.
    """
    spots, pelvis = feet.soles[:, :, [HEEL, BALL]], feet.joints[:, 0]
    rays = None if eye is None else np.broadcast_to(eye, (len(pelvis), 3))
    trust = precision_at(spots, None if rays is None else rays[:, None, None], _HELD, _HELD_ALONG)
    along = _ANYWHERE if rays is None else _ALONG * np.linalg.norm(pelvis - rays, axis=1)[:, None, None]
    prior = precision_at(pelvis, rays, _ACROSS, along) / _TOGETHER
    return keep_spots(spots, weights, trust, prior, (_ABRUPT * fps) ** 4 / _HELD**2)


def keep_spots(spots: Array, weights: Array, trust: Array, prior: Array, stiffness: float) -> Array:
    """The shift (T,3) under which every sole stays on one spot of the floor y = 0 for as long as it carries.

    Robust least squares in the shift and the spots together, with the shift kept small and smooth.

    Args:
        spots: (T,2,2,3) heels and balls.
        weights: (T,2,2) how far each carries; a stretch above nothing is one contact.
        trust: (T,2,2,3,3) precision of their places.
        prior: (T,3,3) precision of a shift of nothing.
        stiffness: precision of its second difference, per squared frame.
    """
    frames = len(spots)
    carried = weights.reshape(frames, 4)
    which = _spot_of_frame(carried)
    count = int(which.max(initial=-1)) + 1
    if count == 0:
        return np.zeros((frames, 3))
    time, part = np.nonzero(which >= 0)
    place, base = spots.reshape(frames, 4, 3)[time, part], carried[time, part]
    trust = trust.reshape(frames, 4, 3, 3)[time, part]
    rows = np.arange(len(time))
    pick = sparse.csr_matrix((np.ones(len(time)), (rows, time)), shape=(len(time), frames))
    to_spot = sparse.csr_matrix((-np.ones(len(time)), (rows, which[time, part])), shape=(len(time), count))
    design = sparse.hstack([sparse.kron(pick, sparse.eye(3)), sparse.kron(to_spot, _ON_FLOOR)]).tocsr()
    held = sparse.block_diag([block_diagonal(prior) + _smoothness(frames, stiffness), 1e-9 * sparse.eye(2 * count)])
    robust = np.ones(len(time))
    for _ in range(4):
        weighted = design.T @ block_diagonal((base * robust)[:, None, None] * trust)
        found = spsolve((weighted @ design + held).tocsc(), -weighted @ place.ravel())
        off = (design @ found).reshape(-1, 3) + place
        robust = 1 / (1 + np.einsum("ni,nij,nj->n", off, trust, off) / _CUTOFF**2) ** 2
    return np.asarray(found[: 3 * frames].reshape(-1, 3))


def foot_targets(feet: PosedFeet, weights: Array, contacts: Array, fps: float) -> FootTargets:
    """Places and attitudes for standing feet (of a path that :func:`hold_path` has moved).

    A foot has one direction and one spot while it stands, unless it clearly turns or shuffles; as far as heel or ball
    carry they are held there, so that the foot rolls from one to the other.

    Args:
        feet: of a path in the world.
        weights: (T,2,2) of :func:`part_weights`.
        contacts: (T,2) 0..1.
        fps: frames per second.
    """
    frames = len(contacts)
    stands = standing(contacts, fps)
    share = weights * stands[..., None]
    yaw, tilt, spots = np.zeros((frames, 2)), np.zeros((frames, 2, 3)), np.zeros((frames, 2, 2, 3))
    flat = share.min(axis=2)
    for side, (_, _, ankle, joint) in enumerate(LEGS):
        heel, ball = feet.soles[:, side, HEEL], feet.soles[:, side, BALL]
        length = float(np.linalg.norm(feet.rest[joint] + feet.offsets[side, BALL] - feet.rest[ankle]
                                      - feet.offsets[side, HEEL]))
        for begin, end in runs(stands[:, side]):
            part = slice(begin, end)
            now = np.unwrap(np.arctan2(*(ball[part] - heel[part])[:, [0, 2]].T))
            angle = _heading(now, flat[part, side] + 1e-3, fps)
            along = np.stack([np.sin(angle), np.zeros(len(angle)), np.cos(angle)], axis=1)
            yaw[part, side] = np.clip(angle - now, -_MOST_YAW, _MOST_YAW)
            turned = exp_rotation(np.outer(yaw[part, side], [0.0, 1.0, 0.0])) @ feet.turned[part, ankle]
            tilt[part, side] = log_rotation(_lying(along) @ np.swapaxes(turned, -1, -2))
            flat[part, side] *= np.exp(-((np.linalg.norm(tilt[part, side], axis=1) / _FLATTEN) ** 4))
            spot = _spot(heel[part] + length * along, ball[part], share[part, side], fps)
            spots[part, side, BALL], spots[part, side, HEEL] = spot, spot - length * along
    return FootTargets(yaw, tilt, spots, share, share.max(axis=2), flat)


def blend(wanted: Array, weight: Array, fps: float, seconds: float) -> Array:
    """A smooth curve (T,C) that follows ``wanted`` (T,C) where ``weight`` (T,) is 1 and eases to zero where it is 0."""
    frames = len(wanted)
    rest, bend = 0.01, 0.01 * (seconds * fps) ** 4
    bands = np.zeros((3, frames))
    bands[0] = 100.0 * weight**2 + rest * (1 - weight)
    for i, a in enumerate((1.0, -2.0, 1.0)):
        for j, b in enumerate((1.0, -2.0, 1.0)[: i + 1]):
            if frames > 2:
                bands[i - j, j: frames - 2 + j] += bend * a * b
    return np.asarray(solveh_banded(bands, 100.0 * (weight**2)[:, None] * wanted, lower=True))


def _spot_of_frame(carried: Array) -> NDArray[np.int_]:
    """(T,4) the number of the spot on which each part stands, -1 where it does not: one for each contact."""
    which = np.full(carried.shape, -1)
    count = 0
    for part in range(carried.shape[1]):
        for begin, end in runs(carried[:, part] > 0.05):
            which[begin:end, part] = count
            count += 1
    return which


def precision_at(places: Array, eye: Array | None, across: float, along: float | Array) -> Array:
    """Precisions (...,3,3) of errors of places (...,3), metres: other ones along the rays from the eye, when known."""
    far = np.broadcast_to(1 / np.square(along), (*places.shape[:-1], 1, 1))
    if eye is None:
        return np.asarray(far * np.eye(3))
    ray = places - eye
    ray = ray / np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-6)
    return np.asarray(np.eye(3) / across**2 + (far - 1 / across**2) * ray[..., :, None] * ray[..., None, :])


def block_diagonal(matrices: Array) -> sparse.spmatrix:
    """A block-diagonal sparse matrix of (N,3,3)."""
    count = len(matrices)
    return sparse.bsr_matrix((matrices, np.arange(count), np.arange(count + 1)), shape=(3 * count, 3 * count))


def _smoothness(frames: int, weight: float) -> sparse.spmatrix:
    if frames < 3:
        return sparse.csr_matrix((3 * frames, 3 * frames))
    second = sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(frames - 2, frames))
    return sparse.kron(weight * second.T @ second, sparse.eye(3))


def _heading(angle: Array, weight: Array, fps: float) -> Array:
    """The angles (T,) about the vertical at which a foot stands: one, unless it clearly turns."""
    middle = _weighted_median(angle, weight)
    slow = gaussian_filter1d(angle - middle, _TURN_SLOW * fps, mode="nearest")
    return np.asarray(middle + _beyond(slow, _TURN_FREE))


def _lying(along: Array) -> Array:
    """Attitudes (T,3,3) of a foot that lies flat along directions (T,3)."""
    up = np.broadcast_to([0.0, 1.0, 0.0], along.shape)
    return np.stack([np.cross(up, along), up, along], axis=2)


def _spot(by_heel: Array, by_ball: Array, share: Array, fps: float) -> Array:
    """Places (T,3) of the ball on the floor, as heel and ball say it (T,3 each): one, unless the foot shuffles."""
    weight = share.sum(axis=1) + 1e-6
    places = (share[:, :1] * by_heel + share[:, 1:] * by_ball + 5e-7 * (by_heel + by_ball)) / weight[:, None]
    spot = np.array([_weighted_median(places[:, axis], weight) for axis in (0, 2)])
    slow = gaussian_filter1d(places[:, [0, 2]] - spot, _SHIFT_SLOW * fps, axis=0, mode="nearest")
    far = np.linalg.norm(slow, axis=1, keepdims=True)
    result = np.zeros_like(by_ball)
    result[:, [0, 2]] = spot + slow * _beyond(far, _SHIFT_FREE) / np.maximum(far, 1e-9)
    return result


def _beyond(values: Array, free: float) -> Array:
    return np.asarray(np.sign(values) * np.maximum(np.abs(values) - free, 0.0))


def _weighted_median(values: Array, weight: Array) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][min(np.searchsorted(total, 0.5 * total[-1]), len(values) - 1)])
