"""When the feet stand: from how low and how slow heels and balls are, judged over the whole clip at once.

A monocular tracker knows depth several times less well than what lies across its view, so a foot that stands seems to
wander along the camera's rays: where the eye's place is known, speed along them counts less. The height is measured
over the lowest places that the feet come to within some seconds, so that a slow drift of the depth does not lift a foot
off the floor. A hidden Markov model of both feet (neither, one, or both stand) then weighs the evidence: contacts do
not flicker, and frames that do not show the person follow their neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d, percentile_filter

from humanav.body import BodyModel
from humanav.track.path import BodyPath
from humanav.track.soles import BALL, HEEL, LEGS, PosedFeet, pose_feet

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_DEPTH_SHARE = 0.5  # of a speed along the camera's ray, against one across it
_SMOOTH = 0.02  # seconds, of the speed
_WINDOW = 1.5  # seconds in which feet are taken to come down to the floor
_LOW = 20  # percentile of the lower foot's height in it that is floor
_PASSING = 0.8  # metres per second: a faster foot tells nothing of the floor
_DEPTH_ERROR = 0.4  # metres by which a foot's depth may be wrong for seconds
_DRIFT = 0.08  # metres by which that may leave a given floor
_HEIGHT, _HEIGHT_SCALE = 0.055, 0.02  # metres at which a height says nothing, and for one unit of evidence
_SPEED, _SPEED_SCALE = 0.48, 0.1  # metres per second, likewise
_MOST, _LEAST = 3.0, -6.0  # evidence of a height or a speed alone, log odds
_STAY = 0.35  # seconds that a contact or a swing lasts, about
_UNSEEN = 0.05  # of the usual rate of changes where nobody is seen: neighbours are followed
_FALL, _FALL_SCALE, _FALL_TIME = 4.0, 1.5, 0.06  # metres per second squared at which a fall says nothing; seconds
_NO_FLIGHT, _SURE_FLIGHT = -4.0, 1.0  # log odds that a fall may give
_SHORTEST = 0.06  # seconds: shorter contacts and gaps are noise
_TRUSTED = 0.3  # confidence from which a foot is fully believed


def foot_contacts(
    path: BodyPath, body: BodyModel, *, up: ArrayLike | None = None, floor: float | None = None,
    eye: ArrayLike | None = None, feet: PosedFeet | None = None,
) -> Array:
    """How likely the left and the right foot stand (T,2), 0..1.

    Args:
        path: in the world, or in any frame whose up direction is given.
        body: whose path it is.
        up: (3,) upwards in the path's frame, by default y.
        floor: the floor's place along ``up``, metres; by default it is found where the feet come down to.
        eye: (3,) or (T,3) the camera's place in the path's frame, when known: speeds towards it count less.
        feet: of this path, when they were posed already.
    """
    feet = pose_feet(path, body) if feet is None else feet
    rise = np.array([0.0, 1.0, 0.0]) if up is None else np.asarray(up, dtype=np.float64)
    seen = path.confidence.max(axis=1) > 0
    soles = _bridged(feet.soles[:, :, [HEEL, BALL]], seen)
    heights = soles @ (rise / np.linalg.norm(rise))
    speeds = _speeds(soles, path.fps, None if eye is None else np.asarray(eye, dtype=np.float64))
    slow = (speeds.min(axis=2) < _PASSING) & seen[:, None]
    slow = slow if slow.any() else np.repeat(seen[:, None], 2, axis=1)
    over = heights - _floors(heights.min(axis=2), slow, path.fps, floor, _slant(soles, eye, rise))[..., None]
    evidence = _evidence((_HEIGHT - over) / _HEIGHT_SCALE)
    if len(path) > 1:
        evidence = evidence + _evidence((_SPEED - speeds) / _SPEED_SCALE)
    trust = np.stack([path.confidence[:, [leg[2], leg[3]]].mean(axis=1) for leg in LEGS], axis=1)
    flight = _flight(_bridged(feet.joints[:, 0], seen) @ rise / np.linalg.norm(rise), path.fps)
    return _smoothed(evidence.max(axis=2) * np.clip(trust / _TRUSTED, 0.0, 1.0), flight, path.fps)


def standing(contacts: Array, fps: float, on: float = 0.6, off: float = 0.4) -> Flags:
    """Contacts (T,2) as yes or no: from ``on`` a foot stands until it falls below ``off``; flickers are left out."""
    result = np.zeros(contacts.shape, dtype=np.bool_)
    for side in range(contacts.shape[1]):
        sure = np.where(contacts[:, side] >= on, 1, np.where(contacts[:, side] < off, 0, -1))
        held = np.maximum.accumulate(np.where(sure >= 0, np.arange(len(sure)), -1))
        state = np.where(held >= 0, sure[np.maximum(held, 0)], 0) == 1
        for wanted in (False, True):  # close short gaps first, then drop short contacts
            for begin, end in runs(state == wanted):
                inner = begin > 0 and end < len(state)
                if inner and end - begin < _SHORTEST * fps:
                    state[begin:end] = not wanted
        result[:, side] = state
    return result


def runs(flags: Flags) -> list[tuple[int, int]]:
    """First and after-last index of each stretch of True in ``flags`` (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def local_floor(lowest: Array, seen: Flags, fps: float, floor: float | None = None) -> Array:
    """The floor's height (T,) as the feet know it: where the lower one (T,) comes down to within some seconds.

    Args:
        lowest: height of the lowest point of both soles, metres.
        seen: (T,) frames to be believed.
        fps: frames per second.
        floor: where the floor is known to be; the result stays within some centimetres of it.
    """
    if not seen.any():
        return np.full(len(lowest), 0.0 if floor is None else floor)
    heights = _bridged(lowest, seen)
    size = min(int(_WINDOW * fps) | 1, 2 * len(heights) - 1)
    level = percentile_filter(heights, _LOW, size=size, mode="nearest")
    level = gaussian_filter1d(level, 0.1 * _WINDOW * fps, mode="nearest")
    return level if floor is None else np.clip(level, floor - _DRIFT, floor + _DRIFT)


def _bridged(values: Array, seen: Flags) -> Array:
    """Values (T,...) of frames that are not seen, put on straight lines between their neighbours."""
    known = np.flatnonzero(seen)
    if len(known) in (0, len(seen)):
        return values
    place = np.interp(np.arange(len(seen)), known, np.arange(len(known)))
    low = np.minimum(np.floor(place).astype(int), max(len(known) - 2, 0))
    part = (place - low).reshape(-1, *[1] * (values.ndim - 1))
    kept = values[known]
    return np.asarray(kept[low] * (1 - part) + kept[np.minimum(low + 1, len(known) - 1)] * part)


def _slant(soles: Array, eye: ArrayLike | None, up: Array) -> Array:
    """How far (T,2), 0..1, the camera looks down on the feet; 0 where it is not known."""
    if eye is None:
        return np.zeros(soles.shape[:2])
    ray = soles.mean(axis=2) - np.broadcast_to(np.asarray(eye, dtype=np.float64), (len(soles), 3))[:, None]
    return np.asarray(np.abs(ray @ up) / np.maximum(np.linalg.norm(ray, axis=-1), 1e-6))


def _floors(lowest: Array, slow: Flags, fps: float, floor: float | None, slant: Array) -> Array:
    """The floor (T,2) under each foot: the common one, or higher by what a wrong depth explains."""
    common = local_floor(np.where(slow, lowest, np.inf).min(axis=1), slow.any(axis=1), fps, floor)
    own = np.stack([local_floor(lowest[:, side], slow[:, side], fps) if slow[:, side].any() else common
                    for side in range(2)], axis=1)
    return np.clip(own, common[:, None], common[:, None] + _DEPTH_ERROR * slant)


def _speeds(soles: Array, fps: float, eye: Array | None) -> Array:
    """Speeds (T,2,2) of the soles' points (T,2,2,3), those towards the eye taken for less; 0 for a single frame."""
    if len(soles) < 2:
        return np.zeros(soles.shape[:-1])
    velocity = np.gradient(gaussian_filter1d(soles, _SMOOTH * fps, axis=0, mode="nearest"), axis=0) * fps
    square = (velocity**2).sum(axis=-1)
    if eye is not None:
        ray = soles - np.broadcast_to(eye, (len(soles), 3))[:, None, None]
        ray = ray / np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-6)
        square = square - (1 - _DEPTH_SHARE**2) * (velocity * ray).sum(axis=-1) ** 2
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def _flight(height: Array, fps: float) -> Array:
    """Log odds (T,) of a body that flies, by how its pelvis at heights (T,) falls: what is held does not."""
    if len(height) < 3:
        return np.full(len(height), _NO_FLIGHT)
    smooth = gaussian_filter1d(height, _FALL_TIME * fps, mode="nearest")
    fall = -np.gradient(np.gradient(smooth)) * fps**2
    return np.asarray(np.clip((fall - _FALL) / _FALL_SCALE, _NO_FLIGHT, _SURE_FLIGHT))


def _evidence(odds: Array) -> Array:
    return np.asarray(np.clip(odds, _LEAST, _MOST))


def _smoothed(evidence: Array, flight: Array, fps: float) -> Array:
    """Posterior (T,2) of a hidden Markov model of both feet, under log odds (T,2) of each and (T,) of flight."""
    dark = ~evidence.any(axis=1)
    lit, unlit = (_transitions(min(share / (_STAY * fps), 0.4)) for share in (1.0, _UNSEEN))
    moves = [unlit if hidden else lit for hidden in dark]
    logs = np.stack([flight, evidence[:, 1], evidence[:, 0], evidence.sum(axis=1)], axis=1)
    logs[dark] = 0.0
    likely = np.exp(logs - logs.max(axis=1, keepdims=True))
    forward, backward = np.empty_like(likely), np.ones_like(likely)
    state = np.full(4, 0.25)
    for t in range(len(likely)):
        state = (state @ moves[t] if t else state) * likely[t]
        state /= state.sum()
        forward[t] = state
    for t in range(len(likely) - 2, -1, -1):
        back = moves[t + 1] @ (likely[t + 1] * backward[t + 1])
        backward[t] = back / back.sum()
    both = forward * backward
    both /= both.sum(axis=1, keepdims=True)
    return np.stack([both[:, 2] + both[:, 3], both[:, 1] + both[:, 3]], axis=1)


def _transitions(change: float) -> Array:
    """(4,4) for the states neither, right, left, both, each foot changing by itself."""
    single = np.array([[1 - change, change], [change, 1 - change]])
    return np.asarray(np.kron(single, single))
