"""People in 3D keypoints to bodies: SMPL-X parameters of everybody, one shape each, smooth, within the joints' limits.

The 3D keypoints give the start and the shape; then the body's own landmarks are brought onto the points of ALL pictures
at once, each with its expected error, which removes what triangulation point by point gets wrong: a point that two
views see hangs on the whole body, not on those two rays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.body import BodyModel
from humanav.body.kinematics import log_rotation
from humanav.body.landmarks import KEYPOINT_SETS, LANDMARKS
from humanav.body.names import JOINT_INDEX, PARENTS
from humanav.errors import CameraError, InputError
from humanav.fit.clip_kinematics import ClipState
from humanav.motion import Motion
from humanav.multiview.fit_feet import floor_height
from humanav.multiview.fit_person import PersonFit, stature_of
from humanav.multiview.fit_settings import FitSettings
from humanav.multiview.fit_targets import Targets, space_targets, view_targets
from humanav.multiview.fit_terms import LEVEL, Eyes
from humanav.multiview.value import Fitted, FittedPerson, Matched, Rig, Sightings
from humanav.progress import Progress
from humanav.track.clip_fit import NUM_BETAS
from humanav.track.path import rest_pelvis

__all__ = ["FitSettings", "fit_people", "fit_to_points"]

Array = NDArray[np.float64]

STAGE = "Fitting the bodies"
LEAST_POINTS = 3
"""In the frame that shows most of a person, as the matching demands; what they leave open the priors settle."""
_TRUNK = ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "neck", "pelvis")


def fit_people(
    matched: Matched, sightings: Sightings, rig: Rig, *, settings: FitSettings | None = None,
    body: BodyModel | None = None, progress: Progress | None = None,
) -> Fitted:
    """Fit everybody.

    Args:
        matched: people in 3D and which detection each is, of the same capture.
        sightings: what was seen in the pictures.
        rig: the cameras, in the order of the sightings.
        settings: by default those that were best on simulated captures.
        body: by default the built-in one.
        progress: told of the parts of the present stage that are done.

    Returns:
        the bodies in the order of ``matched.people``. The report has, by person: ``keypoints_mm`` (mean distance of
        the body's landmarks to the 3D keypoints), ``reprojection_px`` by view, ``stature_m``, ``frames`` seen and
        ``noise`` (errors of the points in the pictures, in those usual for the person's size).

    Raises:
        InputError: nobody was matched, somebody is never seen with three points, or the values do not belong together.
        CameraError: the cameras are not those of the sightings.
        Cancelled: ``progress`` was told to stop.
    """
    settings = FitSettings() if settings is None else settings
    body = BodyModel.load() if body is None else body
    _check(matched, sightings, rig)
    tall, dirs = stature_of(body)
    eyes = Eyes.of(rig)
    fits = []
    for person in matched.people:
        targets = view_targets(person, sightings, rig, dirs / tall)
        _enough(targets, person.person_id)
        fits.append(PersonFit(body, targets, eyes, matched.fps, settings, settings.height_of(person.person_id),
                              progress))
    states = _solve(fits, settings, progress)
    people, report, notes = [], {}, []
    for person, fit, state in zip(matched.people, fits, states, strict=True):
        people.append(_person(fit, state, person.person_id))
        report[person.person_id] = _numbers(fit, state, matched.names)
        notes += _notes(report[person.person_id], person.person_id)
    return Fitted(tuple(people), matched.names, {"people": report}, tuple(notes))


def fit_to_points(
    points: Array, keypoint_set: str, fps: float, *, person_id: str = "1", settings: FitSettings | None = None,
    body: BodyModel | None = None, progress: Progress | None = None,
) -> FittedPerson:
    """Fit one person to 3D keypoints alone, such as those of AvatarPose's ``skel19`` files.

    Args:
        points: (T,K,4) x, y, z in metres (world, y up) and confidence; (T,K,3) where all that is finite is known.
        keypoint_set: a key of :data:`humanav.body.landmarks.KEYPOINT_SETS`.
        fps: frames per second.
        person_id: whose they are.
        settings, body, progress: as for :func:`fit_people`.

    Raises:
        InputError: the points do not fit the keypoint set, or no frame has three of them.
        Cancelled: ``progress`` was told to stop.
    """
    settings = FitSettings() if settings is None else settings
    body = BodyModel.load() if body is None else body
    given = np.asarray(points, dtype=np.float64)
    if keypoint_set not in KEYPOINT_SETS:
        raise InputError(f"There is no keypoint set {keypoint_set!r}; known: {', '.join(KEYPOINT_SETS)}.")
    wanted = len(KEYPOINT_SETS[keypoint_set])
    if given.ndim != 3 or given.shape[1] != wanted or given.shape[2] not in (3, 4) or not len(given):
        raise InputError(f"Points of shape {given.shape} are no frames of the {wanted} points of {keypoint_set}: give "
                         f"(frames, {wanted}, 3) or, with confidence, (frames, {wanted}, 4).")
    if not (np.isfinite(fps) and fps > 0):
        raise InputError(f"The frame rate must be a positive number, not {fps}.")
    if given.shape[2] == 3:
        given = np.concatenate([given, np.isfinite(given).all(-1, keepdims=True)], axis=2)
    tall, dirs = stature_of(body)
    targets = space_targets(given, keypoint_set, dirs / tall)
    _enough(targets, person_id)
    fit = PersonFit(body, targets, None, fps, settings, settings.height_of(person_id), progress)
    return _person(fit, _solve([fit], settings, progress)[0], person_id)


def _solve(fits: Sequence[PersonFit], settings: FitSettings, progress: Progress | None) -> list[ClipState]:
    """All stages of everybody: on the 3D keypoints, which also tell the floor, then on the pictures."""
    count, states = len(fits), []
    if progress is not None and progress.step == 0:
        progress.next(STAGE)
    for number, fit in enumerate(fits):
        state = fit.shape(fit.start(), fit.in_space)
        states.append(fit.poses(state, fit.in_space, ((settings.loose, 6), (settings.tight, 6))))
        _tell(progress, 0.6 * (number + 1) / count)
    if settings.feet:
        floor = floor_height([fit.feet(state) for fit, state in zip(fits, states, strict=True)],
                             [fit.seen for fit in fits])
        for fit in fits:
            fit.floor = floor
    for number, (fit, state) in enumerate(zip(fits, states, strict=True)):
        if fit.eyes is not None and settings.direct and fit.targets.used.any():
            fit.measure(state)
            state = fit.shape(state, fit.in_views, (3, 6))
            state = fit.poses(state, fit.in_views, ((settings.loose, 3), (settings.tight, 8)))
        elif fit.floor is not None:
            state = fit.poses(state, fit.in_space, ((settings.tight, 5),))
        states[number] = _filled(state, fit.seen)
        _tell(progress, 0.6 + 0.4 * (number + 1) / count)
    return states


def _filled(state: ClipState, seen: NDArray[np.bool_]) -> ClipState:
    """The state with frames that do not show the person interpolated, and held at the ends."""
    there = np.flatnonzero(seen)
    times = np.arange(len(seen))
    pelvis = np.stack([np.interp(times, there, state.pelvis[there, axis]) for axis in range(3)], axis=1)
    rotations = state.rotations.copy()
    before = there[np.maximum(np.searchsorted(there, times, side="right") - 1, 0)]
    after = there[np.minimum(np.searchsorted(there, times), len(there) - 1)]
    away = np.flatnonzero(~seen)
    if len(away):
        part = (away - before[away]) / np.maximum(after[away] - before[away], 1)
        part = np.clip(part, 0.0, 1.0)  # before the first and after the last: held
        first = Rotation.from_matrix(state.rotations[before[away]].reshape(-1, 3, 3))
        last = Rotation.from_matrix(state.rotations[after[away]].reshape(-1, 3, 3))
        turn = (first.inv() * last).as_rotvec() * np.repeat(part, rotations.shape[1])[:, None]
        rotations[away] = (first * Rotation.from_rotvec(turn)).as_matrix().reshape(len(away), -1, 3, 3)
    return ClipState(rotations, pelvis, state.betas, state.tilt)


def _person(fit: PersonFit, state: ClipState, person_id: str) -> FittedPerson:
    """The state in the world as a motion."""
    rotations = state.rotations.copy()
    rotations[:, 0] = LEVEL @ rotations[:, 0]
    betas = np.zeros(fit.body.num_betas, dtype=np.float32)
    betas[:NUM_BETAS] = state.betas[: fit.body.num_betas]
    transl = state.pelvis @ LEVEL - rest_pelvis(fit.body, betas)
    trust = np.zeros((len(state), 55), dtype=np.float32)
    trust[:, :22] = joint_trust(fit.targets) * fit.seen[:, None]
    motion = Motion.from_full_pose(log_rotation(rotations), fit.fps, transl, betas, person_id=person_id,
                                   name=f"person {person_id}", confidence=trust)
    return FittedPerson(person_id, motion, fit.seen.copy(), _by_view(fit, state))


def _by_view(fit: PersonFit, state: ClipState) -> Array:
    """(T,V) mean pixels, NaN where a view does not see the person."""
    if fit.eyes is None:
        return np.zeros((len(state), 0))
    return _mean(fit.reprojection(state), 2)


def joint_trust(targets: Targets) -> Array:
    """(T,22) confidence of the body's joints: of the landmarks on each, else of the joint above or below it."""
    trust = np.full((len(targets.trust), 22), np.nan)
    for row, name in enumerate(targets.names):
        joint = JOINT_INDEX[LANDMARKS[name].joint]
        while joint >= 22:
            joint = PARENTS[joint]
        trust[:, joint] = np.fmax(trust[:, joint], targets.trust[:, row])
    trunk = [row for row, name in enumerate(targets.names) if name in _TRUNK]
    middle = targets.trust[:, trunk].mean(axis=1) if trunk else targets.trust.mean(axis=1)
    for joint in (0, 3, 6, 9, 12, 13, 14):
        trust[:, joint] = np.where(np.isfinite(trust[:, joint]), trust[:, joint], middle)
    for joint in range(1, 22):
        trust[:, joint] = np.where(np.isfinite(trust[:, joint]), trust[:, joint], trust[:, PARENTS[joint]])
    return trust


def _numbers(fit: PersonFit, state: ClipState, names: Sequence[str]) -> dict[str, Any]:
    views = _mean(fit.reprojection(state), (0, 2))
    miss = _mean(fit.misses(state), None)
    return {"keypoints_mm": None if np.isnan(miss) else round(1000 * float(miss), 1),
            "reprojection_px": {name: None if np.isnan(px) else round(float(px), 2)
                                for name, px in zip(names, views, strict=True)},
            "stature_m": round(fit.tall + float(fit.tall_dirs @ state.betas), 3),
            "frames": int(fit.seen.sum()), "noise": round(fit.noise, 2)}


def _notes(numbers: dict[str, Any], person_id: str) -> list[str]:
    found = []
    if not 1.0 <= numbers["stature_m"] <= 2.1:
        found.append(f"Person {person_id} came out {numbers['stature_m']:.2f} m tall: check the calibration's unit.")
    if numbers["noise"] > 2.5:
        found.append(f"The points of person {person_id} agree badly with a body: check the calibration, the "
                     "synchronisation and the matching.")
    return found


def _check(matched: Matched, sightings: Sightings, rig: Rig) -> None:
    if not matched.people:
        raise InputError("Nobody was found in two views or more: there is nothing to fit.")
    if len(rig) != len(sightings.names) or tuple(rig.names) != tuple(sightings.names):
        raise CameraError(f"The cameras {', '.join(rig.names)} are not those of the keypoints "
                          f"({', '.join(sightings.names)}): give the calibration of this capture.")
    head = (sightings.frames, len(rig))
    for person in matched.people:
        if person.keypoint_set != sightings.keypoint_set:
            raise InputError(f"The 3D keypoints are {person.keypoint_set}, those of the pictures "
                             f"{sightings.keypoint_set}: give what was matched from the same pictures.")
        if person.chosen.shape != head or len(person.keypoints) != head[0]:
            raise InputError(f"Person {person.person_id} has {len(person.keypoints)} frames of "
                             f"{person.chosen.shape[-1]} views, the pictures {head[0]} of {head[1]}: give those of "
                             "the same capture.")


def _enough(targets: Targets, person_id: str) -> None:
    if int((targets.trust > 0).sum(axis=1).max(initial=0)) < LEAST_POINTS:
        raise InputError(f"Person {person_id} is never seen with {LEAST_POINTS} points in 3D: use more views, or leave "
                         "that person out.")


def _mean(values: Array, axis: int | tuple[int, ...] | None) -> Array:
    """The mean of what is not NaN; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _tell(progress: Progress | None, part: float) -> None:
    if progress is not None:
        progress.update(part)
