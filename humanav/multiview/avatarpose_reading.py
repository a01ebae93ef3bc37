"""Reading AvatarPose's files; see :mod:`humanav.multiview.avatarpose_files` for what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.motion.pickles import read_numbers
from humanav.multiview.calibration_world import turn_to_y_up
from humanav.multiview.datasets_files import load_json, numbered, rig_of, skeletons, stacked, to_our_world
from humanav.multiview.value import Fitted, FittedPerson, Matched, Person3D, Rig
from humanav.track.path import rest_pelvis

Array = NDArray[np.float64]

SIDECAR = "humanav.json"
PELVIS = (0.0, -0.23, 0.03)
"""Metres: where a mean SMPL body has its pelvis at rest, to the centimetre; men's lies 1 cm lower, women's 2 higher."""
_FIELDS = {"body_pose": 69, "global_orient": 3, "transl": 3}


@dataclass(frozen=True)
class AvatarPoseFolder:
    """What such a folder holds; None for what it lacks. All people have T frames, from number ``first`` on.

    Attributes:
        matched: ``skel19_4DA``. Which detections they came from is not kept there: ``chosen`` is -1 everywhere.
        fitted: ``smpl_init``, or after refinement ``smpl_<log>``.
        regressed: the points (T,19,4) of the fitted bodies by person (``skel19_fit``, ``kpts_<log>``), y up.
        rig: the cameras.
        first: number of the first frame.
        notes: sentences on what was assumed.
    """

    matched: Matched | None = None
    fitted: Fitted | None = None
    regressed: dict[str, Array] = field(default_factory=dict)
    rig: Rig | None = None
    first: int = 0
    notes: tuple[str, ...] = ()


def z_up() -> Array:
    """The rotation (3,3) from our world (y up) to AvatarPose's (z up)."""
    return turn_to_y_up("z").T


def read_avatarpose(folder: str | Path, *, log: str | None = None, fps: float | None = None,
                    body: BodyModel | None = None) -> AvatarPoseFolder:
    """Read a folder of AvatarPose's, ours or its own.

    Nothing but numbers is read from its pickles: whatever else they hold is refused.

    Args:
        folder: with ``skel19_4DA``, ``smpl_init`` or the like.
        log: which refinement to read the bodies of; None for the first fit.
        fps: frames per second; by default those of ``humanav.json``, or 30.
        body: whose shape the people get; by default the built-in one.

    Raises:
        InputError: nothing of that kind lies there, or a file is damaged or holds something else.
        CameraError: the calibration cannot be used.
    """
    home = Path(folder)
    body = BodyModel.load() if body is None else body
    sidecar = load_json(home / SIDECAR) if (home / SIDECAR).is_file() else {}
    if not isinstance(sidecar, Mapping):
        raise InputError(f"{SIDECAR} is no description of people: remove it.")
    rate, notes = _rate(fps, sidecar)
    smpl = home / ("smpl_init/smpl.npz" if log is None else f"smpl_{log}/smpl_all.npz")
    points = _frames(home / "skel19_4DA")
    fit = _frames(home / ("skel19_fit" if log is None else f"kpts_{log}"))
    params = _parameters(read_numbers(smpl), smpl) if smpl.is_file() else {}
    numbers = [*points, *fit, *(n for person in params.values() for n in person["frames"].tolist())]
    if not numbers:
        raise InputError(f"{home.name} holds no skel19_4DA, no {smpl.parent.name} and no points of bodies: choose a "
                         "folder of AvatarPose's.")
    first, count = min(numbers), max(numbers) - min(numbers) + 1
    if count > 1_000_000:
        raise InputError(f"The frames of {home.name} are numbered from {first} to {max(numbers)}: check their names.")
    rig = rig_of(home, "z", "m") if (home / "extri.yml").is_file() else None
    views = () if rig is None else rig.names
    names = _ids(sidecar)
    matched = fitted = None
    if points:
        matched = Matched(tuple(_person(names.get(who, who), keypoints, len(views)) for who, keypoints in
                                _spread(points, first, count).items()), views, rate)
    if params:
        people = tuple(_body(who, values, sidecar, body, rate, first, count, len(views))
                       for who, values in params.items())
        fitted = Fitted(people, views)
        if not sidecar:
            notes.append("The shapes are SMPL's, which this body does not have: its mean shape was taken.")
    regressed = {names.get(who, who): keypoints for who, keypoints in _spread(fit, first, count).items()}
    return AvatarPoseFolder(matched, fitted, regressed, rig, first, tuple(notes))


def _rate(fps: float | None, sidecar: Mapping[str, Any]) -> tuple[float, list[str]]:
    given = fps if fps is not None else sidecar.get("fps")
    if given is None:
        return 30.0, ["AvatarPose's files hold no frame rate: 30 frames a second were taken."]
    if not isinstance(given, (int, float)) or not (np.isfinite(given) and given > 0):
        raise InputError(f"The frame rate must be a positive number, not {given}.")
    return float(given), []


def _ids(sidecar: Mapping[str, Any]) -> dict[str, str]:
    """Our names of AvatarPose's people."""
    return {who: str(row.get("person_id", who)) for who, row in _rows(sidecar).items()}


def _rows(sidecar: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    people = sidecar.get("people", {})
    return {str(who): row for who, row in people.items() if isinstance(row, Mapping)} \
        if isinstance(people, Mapping) else {}


def _frames(folder: Path) -> dict[int, dict[str, Array]]:
    """By frame number and id, (19,3 or 4)."""
    files = numbered(folder.glob("*.json")) if folder.is_dir() else []
    return {number: skeletons(load_json(file), file) for number, file in files}


def _spread(frames: Mapping[int, Mapping[str, Array]], first: int, count: int) -> dict[str, Array]:
    """By id, (T,19,4) in our world."""
    return to_our_world(stacked([frames.get(first + t, {}) for t in range(count)], 19), "z")


def _person(person_id: str, keypoints: Array, views: int) -> Person3D:
    frames, points = keypoints.shape[:2]
    return Person3D(person_id, keypoints, "skel19", np.full((frames, views), -1), np.zeros((frames, views), bool),
                    np.zeros((frames, views, points), bool), np.full((frames, views, points), np.nan))


def _parameters(data: Any, path: Path) -> dict[str, dict[str, NDArray[Any]]]:
    """By id, SMPL's parameters as (F,n) arrays and ``frames`` (F,)."""
    where = f"{path.parent.name}/{path.name}"
    found: dict[str, dict[str, NDArray[Any]]] = {}
    for key, person in data.items():
        if not key.startswith("human_"):
            continue
        try:
            frames = np.asarray(person["frames"], dtype=np.int64).reshape(-1)
            values: dict[str, NDArray[Any]] = {"frames": frames}
            for name, width in _FIELDS.items():
                values[name] = np.asarray(person[name], dtype=np.float64).reshape(len(frames), width)
        except (TypeError, KeyError, ValueError, IndexError) as error:
            raise InputError(f"{where}: {key} is no dictionary of body_pose (F,1,69), global_orient, transl (F,1,3) "
                             "and frames.") from error
        if len(frames) and not all(np.isfinite(value).all() for value in values.values()):
            raise InputError(f"{where}: {key} holds NaN or infinite numbers.")
        if len(frames):
            found[key.removeprefix("human_")] = values
    return found


def _body(who: str, values: Mapping[str, NDArray[Any]], sidecar: Mapping[str, Any], body: BodyModel, fps: float,
          first: int, count: int, views: int) -> FittedPerson:
    """One person; frames that are missing are held from the nearest one."""
    row = _rows(sidecar).get(who, {})
    betas = np.zeros(body.num_betas, dtype=np.float32)
    if sidecar.get("body") == body.name:
        own = _numbers(row.get("betas", ()))[: body.num_betas]
        betas[: len(own)] = own
    rest = _numbers(sidecar.get("pelvis", PELVIS))
    if len(rest) != 3:
        raise InputError(f"{SIDECAR} is damaged: remove it.")
    frames = values["frames"] - first
    order = np.argsort(frames, kind="stable")
    nearest = order[np.ceil(np.interp(np.arange(count), frames[order], np.arange(len(frames))) - 0.5).astype(int)]
    seen = np.isin(np.arange(count), frames)
    turn = z_up().T
    pose = np.zeros((count, 22, 3))
    pose[:, 0] = log_rotation(turn @ exp_rotation(values["global_orient"]))[nearest]
    pose[:, 1:] = values["body_pose"][nearest, :63].reshape(count, 21, 3)
    pelvis = (values["transl"] + rest) @ turn.T
    person_id = str(row.get("person_id", who))
    motion = Motion.from_full_pose(pose, fps, pelvis[nearest] - rest_pelvis(body, betas), betas, person_id=person_id,
                                   name=str(row.get("name", f"person {person_id}")))
    return FittedPerson(person_id, motion, seen, np.full((count, views), np.nan))


def _numbers(value: Any) -> Array:
    """(N,) numbers of the sidecar."""
    try:
        found = np.asarray(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InputError(f"{SIDECAR} is damaged: remove it.") from error
    if not np.isfinite(found).all():
        raise InputError(f"{SIDECAR} is damaged: remove it.")
    return found
