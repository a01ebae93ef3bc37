"""How a turning camera travels besides: standing feet do not move, so what they seem to move by is the camera's way.

The camera's rotation is known from the background. In its steadied axes a foot that stands moves by the opposite of the
camera's velocity, which changes slowly; a robust fit to the velocities of low soles finds it, with a preference for a
camera that stays where it is. Then the camera's places are refined so that every standing sole keeps its spot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.sparse.linalg import spsolve

from humanav.body import BodyModel
from humanav.errors import InputError
from humanav.track.anchors import block_diagonal, keep_spots, part_weights, precision_at
from humanav.track.camera_motion import CameraPath
from humanav.track.contacts import foot_contacts, local_floor, standing
from humanav.track.path import BodyPath
from humanav.track.soles import BALL, HEEL, PosedFeet, pose_feet
from humanav.uplift.level import gravity, level_camera

Array = NDArray[np.float64]

_LOW = 0.04  # metres over the floor at which a sole half counts as standing
_WITHIN, _WITHIN_ALONG = 0.25, 0.5  # metres per second by which a standing sole may seem to move otherwise
_TOGETHER = 0.1  # seconds over which the errors of a sole's velocity go together
_SPEED, _STEADY = 3.0, 0.7  # metres per second: how fast a camera travels; metres per second squared and root hertz
_HELD, _HELD_ALONG = 0.04, 0.1  # metres by which it may seem to be off its spot, across and along the rays
_RISE, _SLOWLY = 0.15, 0.5  # metres by which a camera is raised and lowered; seconds in which it changes its way
_IN_PLACE = 0.35  # metres: less is a hand, or errors of the person's place, and is left to the person's path
_FAR, _AS_OFTEN = 1.0, 0.8  # metres: so is less than this if feet stand nearly as often before a camera that stays
_FARTHER, _LESS_OFTEN = 3.0, 0.6  # likewise when a turning camera explains the whole background
_PARALLAX = 0.05  # share of frames in which it does not
_SMOOTH = 0.04  # seconds, of the soles' velocities
_ROUNDS = 12


@dataclass(frozen=True)
class Travelled:
    """A person before a moving camera, brought to rest.

    Attributes:
        path: in the axes of the first frame's camera, as if that camera had stayed there.
        camera: with ``t``: from those axes to each frame's camera.
        contacts: (T,2) how likely the left and the right foot stand.
        metres: length of the camera's way.
        sure: 0..1.
        how: a sentence for a visitor.
    """

    path: BodyPath
    camera: CameraPath
    contacts: Array
    metres: float
    sure: float
    how: str

    @property
    def eye(self) -> Array:
        """(T,3) the camera's places in the axes of the path."""
        return eye_of(self.camera)


def eye_of(camera: CameraPath) -> Array:
    """(T,3) the places of a camera whose translation is known; zeros where it is not."""
    if camera.t is None:
        return np.zeros((len(camera), 3))
    return np.asarray(-np.einsum("tji,tj->ti", camera.R, camera.t))


def world_from_moving_camera(
    path: BodyPath, camera: CameraPath, body: BodyModel, contacts: Array | None = None,
) -> Travelled:
    """The path of a person as a camera would see it that had stayed where the first frame was taken.

    Other people of the clip follow by ``path.to_world(travelled.camera.R, travelled.camera.t)``; then
    :func:`humanav.track.ground.find_ground` finds the floor and :meth:`CameraPath.in_world` brings the cameras along.

    Args:
        path: T frames in the axes of each frame's own camera.
        camera: T frames; its rotation is used, its translation found.
        body: whose path it is.
        contacts: (T,2) 0..1 which feet stand, when known; else they are found together with the camera's way.

    Raises:
        InputError: the camera has another number of frames, or the contacts have.
    """
    if len(camera) != len(path) or (contacts is not None and contacts.shape != (len(path), 2)):
        raise InputError(f"The camera's path has {len(camera)} frames and the person's {len(path)}: they must be of "
                         "the same frames, and contacts given for all.")
    steady = path.to_world(camera.R, np.zeros((len(path), 3)))
    seen = path.confidence.max(axis=1) > 0
    if len(path) < 3 or not seen.any():
        still = replace(camera, t=np.zeros((len(path), 3)))
        found = np.zeros((len(path), 2)) if contacts is None else contacts
        return Travelled(steady, still, found, 0.0, 0.0, "Too little is seen to tell how the camera travels.")
    level = level_camera(gravity(steady.rotations[seen, :22]))
    upright = steady.to_world(level, np.zeros(3))
    place, found = _way(upright, body, seen, contacts)
    staying = foot_contacts(upright, body, eye=np.zeros(3)) if contacts is None else found
    reach = float(np.ptp(place, axis=0).max())
    stand, stood = (standing(c, path.fps).any(axis=1).mean() for c in (found, staying))
    far, as_often = (_FAR, _AS_OFTEN) if camera.parallax > _PARALLAX else (_FARTHER, _LESS_OFTEN)
    if reach < _IN_PLACE or (reach < far and stood > as_often * stand):
        place, found = np.zeros_like(place), staying
    place = (place - place[0]) @ level.T
    return _told(replace(steady, pelvis=steady.pelvis + place), place, camera, found, body)


def _way(path: BodyPath, body: BodyModel, seen: NDArray[np.bool_], contacts: Array | None) -> tuple[Array, Array]:
    """The camera's places (T,3) and the contacts (T,2) of a path in upright axes about the camera."""
    feet = pose_feet(path, body)
    low = _lowness(feet, seen, path.fps) if contacts is None else np.repeat(contacts[..., None], 2, axis=2)
    low = low * seen[:, None, None]
    velocity, _ = min((_velocity(feet, low, path.fps, start) for start in _starts(feet, low, path.fps)),
                      key=lambda result: result[1])
    place = np.concatenate([np.zeros((1, 3)), np.cumsum(velocity[:-1] + velocity[1:], axis=0) / (2 * path.fps)])
    for _ in range(2):
        moved = replace(path, pelvis=path.pelvis + place)
        feet = pose_feet(moved, body)
        found = foot_contacts(moved, body, eye=place, feet=feet) if contacts is None else contacts
        weights = part_weights(feet, standing(found, path.fps) * seen[:, None])
        if not weights.any():
            break
        spots = feet.soles[:, :, [HEEL, BALL]].copy()
        spots[..., 1] -= np.average(spots[..., 1], weights=weights)
        trust = precision_at(feet.soles[:, :, [HEEL, BALL]], place[:, None, None], _HELD, _HELD_ALONG)
        prior = np.broadcast_to(np.diag([1e-4, 1 / (_RISE**2 * path.fps), 1e-4]), (len(path), 3, 3))
        place = place + keep_spots(spots, weights, trust, prior, (_SLOWLY * path.fps) ** 4 / _HELD**2)
    return place, found


def _told(path: BodyPath, place: Array, camera: CameraPath, contacts: Array, body: BodyModel) -> Travelled:
    """The result with what can be said about it."""
    stands = standing(contacts, path.fps)
    balls = pose_feet(path, body).soles[:, :, BALL]
    velocity = np.gradient(balls, axis=0)[stands] * path.fps
    trust = precision_at(balls, place[:, None], _WITHIN, _WITHIN_ALONG)[stands]
    metres = float(np.linalg.norm(np.diff(place, axis=0), axis=1).sum())
    share, off = float(stands.any(axis=1).mean()), 0.0
    sure = min(1.0, share / 0.5) * float(camera.sure.mean())
    if len(velocity):
        off = float(np.median(np.linalg.norm(velocity, axis=1)))
        sure /= 1 + float(np.median(np.einsum("ni,nij,nj->n", velocity, trust, velocity)))
    if not len(velocity):
        how = "No foot was seen to stand, so nothing tells how the camera travels; it was taken to stay in its place."
    else:
        how = f"The camera travels {metres:.1f} m" if metres > 0 else "The camera stays in its place and only turns"
        how += (f", told by the feet, which stand in {100 * share:.0f}% of the frames and then move by "
                f"{100 * off:.0f} cm/s ({'sure' if sure > 0.6 else 'fairly sure' if sure > 0.35 else 'unsure'}).")
    camera = replace(camera, t=-np.einsum("tij,tj->ti", camera.R, place))
    return Travelled(path, camera, contacts, metres, sure, how)


def _lowness(feet: PosedFeet, seen: NDArray[np.bool_], fps: float) -> Array:
    """How far (T,2,2) heels and balls are on the floor, by their height alone."""
    heights = feet.soles[:, :, [HEEL, BALL], 1]
    over = heights - local_floor(heights.min(axis=(1, 2)), seen, fps)[:, None, None]
    return np.asarray(np.exp(-((np.maximum(over, 0.0) / _LOW) ** 2)))


def _apparent(feet: PosedFeet, fps: float) -> Array:
    """Velocities (T,4,3) over the floor of both heels and balls, as the camera's steadied axes show them."""
    soles = feet.soles[:, :, [HEEL, BALL]].reshape(len(feet.soles), 4, 3)
    velocity = np.gradient(gaussian_filter1d(soles, _SMOOTH * fps, axis=0, mode="nearest"), axis=0) * fps
    return np.asarray(velocity * [1.0, 0.0, 1.0])


def _starts(feet: PosedFeet, low: Array, fps: float) -> list[Array]:
    """A camera that stays, one that moves as the slower sole asks, and one that follows the person."""
    velocity = _apparent(feet, fps)
    weight = low.reshape(len(low), 4)
    lowest = velocity[np.arange(len(velocity)), (weight - 0.1 * np.linalg.norm(velocity, axis=2)).argmax(axis=1)]
    size = min(int(0.6 * fps) | 1, 2 * len(lowest) - 1)
    one = -np.median(velocity.reshape(-1, 3)[weight.ravel() > 0.5], axis=0) if (weight > 0.5).any() else np.zeros(3)
    return [np.zeros((len(low), 3)), -median_filter(lowest, size=(size, 1), mode="nearest"),
            np.tile(one, (len(low), 1))]


def _velocity(feet: PosedFeet, low: Array, fps: float, start: Array) -> tuple[Array, float]:
    """The camera's velocity (T,3) near ``start`` and its cost."""
    frames, apparent = len(low), _apparent(feet, fps)
    soles = feet.soles[:, :, [HEEL, BALL]].reshape(frames, 4, 3)
    weight = low.reshape(frames, 4) * min(1.0, 1 / (fps * _TOGETHER))
    trust = precision_at(soles, np.zeros(3), _WITHIN, _WITHIN_ALONG)
    change = sparse.diags([-1.0, 1.0], [0, 1], shape=(frames - 1, frames))
    held = sparse.kron(fps / _STEADY**2 * change.T @ change, sparse.eye(3)) + sparse.eye(3 * frames) / (
        _SPEED**2 * fps)
    found = start
    for _ in range(_ROUNDS):
        off = apparent + found[:, None]
        square = np.einsum("tki,tkij,tkj->tk", off, trust, off)
        pull = (weight / (1 + square) ** 2)[..., None, None] * trust
        wanted = -np.einsum("tkij,tkj->ti", pull, apparent).ravel()
        found = spsolve((block_diagonal(pull.sum(axis=1)) + held).tocsc(), wanted).reshape(-1, 3)
    off = apparent + found[:, None]
    square = np.einsum("tki,tkij,tkj->tk", off, trust, off)
    return found, float((weight * square / (1 + square)).sum() + found.ravel() @ (held @ found.ravel()))
