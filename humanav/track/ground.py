"""The floor before a fixed camera: which way is up, and how high the camera stands, told by the feet that stand.

How people hold themselves tells gravity within some degrees (:func:`humanav.uplift.level.gravity`), so does their
balance while they stay in one place, and the places where feet stand tell the rest, the better the farther they lie
apart. A body taken too far away is taken too large in the
same proportion: its points move along the camera's rays. That moves a standing foot off the floor by the camera's
height times the relative error of the distance, wherever it stands, so that every foothold counts alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.errors import InputError
from humanav.track.balance import balance_up
from humanav.track.contacts import foot_contacts, runs, standing
from humanav.track.path import BodyPath
from humanav.track.soles import BALL, HEEL, PosedFeet, pose_feet
from humanav.uplift.level import gravity, level_camera

Array = NDArray[np.float64]

_PRIOR = np.radians(3.5)  # spread of gravity as poses tell it, about each axis
_HEIGHT = 0.02  # metres: error of a foothold's height from the pose of the leg
_LEG = 0.1  # metres: error of a foot's depth from the pose of the leg
_NEAR = 0.25  # metres: footholds as near to each other share their errors
_DEPTH = 0.03  # relative error of a foothold's distance that is not common to the clip
_CUTOFF = 2.5  # sigmas: footholds farther off count little (Geman-McClure)
_HOLD = 0.5  # seconds of standing that count as one foothold
_ROUNDS = 3
_SMALLEST, _LARGEST = 0.8, 1.25
_SURE = np.radians(3.0)  # an error of gravity expected to be this large leaves half the trust


@dataclass(frozen=True)
class Ground:
    """The floor and the upright world before a fixed camera.

    Attributes:
        R, t: world to camera, ``x_cam = R x_world + t``: y up, the floor at y = 0, the origin on the floor under the
            first person, the camera looking along -z but for its tilt.
        sure: 0..1 how well it is known.
        how: a sentence for a visitor.
        error_deg: expected error of the up direction in degrees.
    """

    R: Array
    t: Array
    sure: float
    how: str
    error_deg: float

    @property
    def up(self) -> Array:
        """The up direction (3,) in the camera's frame."""
        return np.asarray(self.R[:, 1])

    @property
    def camera_height(self) -> float:
        """Metres of the camera above the floor."""
        return float(-self.t @ self.up)

    @property
    def tilt(self) -> tuple[float, float]:
        """Degrees by which the camera looks down, and by which upright things lean to the right in its picture."""
        x, y, z = self.up
        return float(np.degrees(np.arcsin(np.clip(-z, -1, 1)))), float(np.degrees(np.arctan2(x, -y)))


@dataclass(frozen=True)
class _Footholds:
    """N places (N,3) where feet of one person stand, in the camera's frame, and how much each counts (N,).

    ``balance`` is the up direction as the person's balance tells it, and its expected error; None for none.
    """

    places: Array
    weight: Array
    balance: tuple[Array, float] | None = None


def find_ground(
    paths: Sequence[BodyPath], body: BodyModel, *, tilt: tuple[float, float] | None = None,
    camera_height: float | None = None, eyes: Sequence[Array] | None = None,
) -> Ground:
    """Gravity and the floor from people before a fixed camera.

    Args:
        paths: of everybody, in the camera's frame (OpenCV axes), the first or largest person first; all are taken to
            move over floors that are parallel, and the first one's becomes y = 0.
        body: whose paths they are.
        tilt: pitch and roll in degrees where they are known: a positive pitch looks down, under a positive roll
            what is upright leans to the right in the picture.
        camera_height: metres above the floor where it is known; people are brought onto that floor by
            :func:`scale_to_floor`.
        eyes: for each path, where it was seen from, (3,) or (T,3), when the camera travelled; by default from the
            origin.

    Raises:
        InputError: no path, a tilt of more than 85 degrees, or a height that is no finite number.
    """
    seen_from = [np.zeros(3)] * len(paths) if eyes is None else eyes
    seen_from = [eye for path, eye in zip(paths, seen_from, strict=True) if len(path)]
    paths = [path for path in paths if len(path)]
    if not paths:
        raise InputError("There is nobody whose feet could tell the floor.")
    if camera_height is not None and not (np.isfinite(camera_height) and camera_height != 0):
        raise InputError(f"The camera's height must be a number of metres other than zero, not {camera_height}.")
    told = [(_guess(path, tilt), _PRIOR) for path in paths]
    up = told[0][0]
    posed = [pose_feet(path, body) for path in paths]
    people = list(zip(paths, posed, seen_from, strict=True))
    spread, footholds = np.radians(0.1), [_footholds(path, body, up, feet, eye) for path, feet, eye in people]
    if tilt is None:
        for _ in range(_ROUNDS):
            turned, spread = _level([*told, *(h.balance for h in footholds if h.balance is not None)], footholds)
            moved = float(np.arccos(np.clip(turned @ up, -1, 1)))
            up = turned
            footholds = [_footholds(path, body, up, feet, eye) for path, feet, eye in people]
            if moved < np.radians(0.3):
                break
    held = len(footholds[0].places) > 0
    below = _offset(footholds[0], up) if held else _lowest(posed[0], paths[0], up)
    height = -below if camera_height is None else float(camera_height)
    under = _middle(paths[0])
    origin = under - (under @ up + height) * up
    trust = (1.0 if held else 0.3) / (1 + (spread / _SURE) ** 2)
    ground = Ground(level_camera(up), origin, float(trust), "", float(np.degrees(1.18 * spread)))
    return Ground(ground.R, ground.t, ground.sure, _say(ground, footholds, tilt, camera_height), ground.error_deg)


def scale_to_floor(path: BodyPath, ground: Ground, body: BodyModel) -> float | None:
    """The factor by which a person's distance and size must change so that the feet that stand do so on the floor.

    The picture stays the same under it. None where the person does not stand, or the factor is not within 0.8 to 1.25:
    then the person stands higher or lower than the floor.

    Args:
        path: in the camera's frame.
        ground: of the clip.
        body: whose path it is.
    """
    holds = _footholds(path, body, ground.up, pose_feet(path, body), np.zeros(3))
    if not len(holds.places):
        return None
    below = _offset(holds, ground.up)
    if abs(below) < 1e-3:
        return None
    factor = -ground.camera_height / below
    return float(factor) if _SMALLEST <= factor <= _LARGEST else None


def _guess(path: BodyPath, tilt: tuple[float, float] | None) -> Array:
    """The up direction (3,) as given, or as the person's poses tell it."""
    if tilt is not None:
        pitch, roll = np.radians(np.asarray(tilt, dtype=np.float64))
        if not (np.isfinite(pitch) and np.isfinite(roll) and abs(pitch) <= np.radians(85)):
            raise InputError(f"The camera's tilt must be two finite angles in degrees, the pitch within 85 degrees of "
                             f"level, not {tilt}.")
        return np.array([np.cos(pitch) * np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch)])
    seen = path.confidence.max(axis=1) > 0
    return gravity(path.rotations[seen if seen.any() else slice(None), :22])


def _footholds(path: BodyPath, body: BodyModel, up: Array, feet: PosedFeet, eye: Array) -> _Footholds:
    """Where heels and balls stand: each contact in stretches of at most half a second."""
    contacts = foot_contacts(path, body, up=up, eye=eye, feet=feet)
    stands = standing(contacts, path.fps)
    stands &= (path.confidence.max(axis=1) > 0)[:, None]
    places, weight = [], []
    step = max(round(_HOLD * path.fps), 1)
    for side in range(2):
        soles = feet.soles[:, side, [HEEL, BALL]]
        lower = soles[np.arange(len(soles)), (soles @ up).argmin(axis=1)]
        for begin, end in runs(stands[:, side]):
            for part in np.array_split(np.arange(begin, end), max((end - begin) // step, 1)):
                places.append(np.median(lower[part], axis=0))
                weight.append(min(len(part) / step, 1.0))
    spots, counts = np.array(places).reshape(-1, 3), np.array(weight)
    apart = np.linalg.norm(spots[:, None] - spots[None], axis=-1)
    return _Footholds(spots, counts / np.maximum(np.exp(-0.5 * (apart / _NEAR) ** 2) @ counts, 1.0),
                      balance_up(path, feet, contacts))


def _level(told: Sequence[tuple[Array, float]], people: Sequence[_Footholds]) -> tuple[Array, float]:
    """The up direction (3,) that suits footholds and directions told otherwise, each with its expected error about
    each axis in radians; and its own.

    Gauss-Newton on the direction, each person's floor at the height that suits best.
    """
    up, information = told[0][0], np.zeros((2, 2))
    for _ in range(8):
        axes = np.linalg.svd(up[None])[2][1:]
        information, gradient = np.zeros((2, 2)), np.zeros(2)
        for way, error in told:
            away = axes @ way
            weight = 1 / (1 + (np.linalg.norm(away) / (_CUTOFF * error)) ** 2) ** 2 / error**2
            information, gradient = information + weight * np.eye(2), gradient + weight * away
        for holds in people:
            if len(holds.places) < 2:
                continue
            heights = holds.places @ up
            distance = np.linalg.norm(holds.places, axis=1)
            sigma = np.sqrt(_HEIGHT**2 + (_LEG * heights / distance) ** 2 + (_DEPTH * heights) ** 2)
            off = (heights - np.median(heights)) / (_CUTOFF * sigma)
            weight = holds.weight / (1 + off**2) ** 2 / sigma**2
            share = weight / weight.sum()
            rows = (holds.places - share @ holds.places) @ axes.T
            information = information + (rows.T * weight) @ rows
            gradient = gradient - (rows.T * weight) @ (heights - share @ heights)
        step = np.linalg.solve(information, gradient)
        up = up + step @ axes
        up = up / np.linalg.norm(up)
        if np.linalg.norm(step) < 1e-5:
            break
    return up, float(np.sqrt(np.trace(np.linalg.inv(information)) / 2))


def _offset(holds: _Footholds, up: Array) -> float:
    """The floor's place along ``up``: the weighted median of the footholds'."""
    heights = holds.places @ up
    order = np.argsort(heights)
    total = np.cumsum(holds.weight[order])
    return float(heights[order][np.searchsorted(total, 0.5 * total[-1])])


def _lowest(feet: PosedFeet, path: BodyPath, up: Array) -> float:
    """A floor for somebody who never stands: under the lowest point that the soles come to."""
    seen = path.confidence.max(axis=1) > 0
    heights = (feet.soles @ up).min(axis=(1, 2))
    return float(np.quantile(heights[seen] if seen.any() else heights, 0.05))


def _middle(path: BodyPath) -> Array:
    seen = path.confidence.max(axis=1) > 0
    return np.asarray(np.median(path.pelvis[seen] if seen.any() else path.pelvis, axis=0))


def _say(
    ground: Ground, people: Sequence[_Footholds], tilt: tuple[float, float] | None, camera_height: float | None,
) -> str:
    count = sum(len(holds.places) for holds in people)
    pitch, roll = ground.tilt
    words = f"The camera looks {'down' if pitch >= 0 else 'up'} by {abs(pitch):.0f} degrees"
    words += f" and is rolled by {roll:.0f}" if abs(roll) >= 1 else ""
    words += " as given" if tilt is not None else f" (within some {max(ground.error_deg, 1):.0f} degrees)"
    words += f" from {ground.camera_height:.1f} m above the floor"
    if camera_height is not None:
        return words + " as given."
    if count == 0:
        return words + ", which is uncertain: no foot was seen to stand."
    return words + f", told by {count} foothold{'s' if count > 1 else ''}" + \
        (" and how the person stands." if tilt is None else ".")
