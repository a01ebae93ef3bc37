"""AvatarPose's own files, so that its code goes on from our matching and fit, and ours from its.

Convention of the files: z up, metres, floor at z = 0 as the calibration has it; frames by number, ``%06d``.

| file | content |
|---|---|
| ``intri.yml, extri.yml`` | the cameras, EasyMocap's format |
| ``skel19_4DA/000000.json`` | a list of ``{"id", "keypoints3d": 19 x 3}``: the matched points |
| ``smpl_init/smpl.npz`` | ``human_<id>``: a pickled dictionary of betas (F,1,10), body_pose (F,1,69), global_orient |
| | (F,1,3), transl (F,1,3), frames [F] |
| ``skel19_fit/000000.json`` | like skel19_4DA: the points of the fitted bodies |
| ``smpl_<log>/smpl_all.npz, kpts_<log>/000000.json`` | the same two after refinement |
| ``humanav.json`` | ours: frame rate, body, its true shape, where SMPL's pelvis was taken to be at rest |

AvatarPose's files hold no unknown points: those are filled in from the fitted body. Its body is SMPL, ours is not:
shape values of the built-in body mean nothing there, so zeros are written and ours kept in ``humanav.json``; those of a
licensed SMPL-X body are written, although SMPL's space of shapes is a little different. Joint rotations carry over
(SMPL's two hand joints are left straight, fingers are lost). SMPL puts the pelvis at its place at rest plus ``transl``;
:data:`PELVIS` is that place for a mean body, within 2 cm.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.errors import InputError, StorageError
from humanav.multiview.avatarpose_reading import PELVIS, SIDECAR, AvatarPoseFolder, read_avatarpose, z_up
from humanav.multiview.calibration import write_calibration
from humanav.multiview.layouts import to_set
from humanav.multiview.simulate import body_points
from humanav.multiview.value import Fitted, Matched, Rig
from humanav.track.path import rest_pelvis

__all__ = ["PELVIS", "AvatarPoseFolder", "read_avatarpose", "write_avatarpose"]

Array = NDArray[np.float64]

_BETAS, _SMPL = 10, 23


def write_avatarpose(
    folder: str | Path, matched: Matched, fitted: Fitted, rig: Rig, *, log: str | None = None, first: int = 0,
    body: BodyModel | None = None,
) -> list[Path]:
    """Write a capture as AvatarPose's stages leave it.

    Args:
        folder: made if need be; files of the same name are replaced.
        matched: people in 3D.
        fitted: the same people as bodies.
        rig: the cameras.
        log: of the fit after refinement: it goes to ``smpl_<log>`` and ``kpts_<log>`` beside the first fit.
        first: number of the first frame.
        body: the fitted people's; by default the built-in one.

    Returns:
        The files.

    Raises:
        InputError: ``matched`` and ``fitted`` are not the same people and frames, or ``log`` is no plain name.
        StorageError: the files cannot be written.
    """
    body = BodyModel.load() if body is None else body
    ids = [person.person_id for person in matched.people]
    if ids != [person.person_id for person in fitted.people] or matched.frames != fitted.frames or not ids:
        raise InputError("The matched and the fitted people are not the same: give those of one capture.")
    if log is not None and not (log and all(c.isalnum() or c in "-_" for c in log)):
        raise InputError(f"{log!r} is no name for a folder: use letters, digits, - and _.")
    out = Path(folder)
    numbers = _numbers(ids)
    bodies = body_points([person.motion for person in fitted.people], "skel19", body)[0]  # (T,P,19,3)
    seen = np.stack([person.seen for person in fitted.people], axis=1)
    points = bodies.copy()
    for k, person in enumerate(matched.people):
        given = to_set(person.keypoints, person.keypoint_set, "skel19")
        known = np.isfinite(given[..., :3]).all(-1) & (given[..., 3] > 0)
        points[:, k] = np.where(known[..., None], given[..., :3], bodies[:, k])
    params = {f"human_{number}": _parameters(fitted, k, body, first) for k, number in enumerate(numbers)}
    smpl = "smpl_init/smpl.npz" if log is None else f"smpl_{log}/smpl_all.npz"
    regressed = "skel19_fit" if log is None else f"kpts_{log}"
    made = write_calibration(rig, out, "easymocap")
    made += _skeletons(out / "skel19_4DA", points, seen, numbers, first)
    made.append(_written(out / smpl, lambda path: _save(path, params)))
    made += _skeletons(out / regressed, bodies, seen, numbers, first)
    made.append(_written(out / SIDECAR, _text(_sidecar(fitted, numbers, ids, body))))
    return made


def _numbers(ids: Sequence[str]) -> list[int]:
    """AvatarPose's people have whole numbers."""
    if all(name.isascii() and name.isdigit() for name in ids) and len({int(name) for name in ids}) == len(ids):
        return [int(name) for name in ids]
    return list(range(1, len(ids) + 1))


def _parameters(fitted: Fitted, index: int, body: BodyModel, first: int) -> dict[str, Any]:
    """SMPL's parameters of one person in the frames in which it is seen."""
    person = fitted.people[index]
    rows = np.flatnonzero(person.seen)
    motion = person.motion
    pelvis = motion.transl[rows].astype(np.float64) + rest_pelvis(body, motion.betas)
    root = log_rotation(z_up() @ exp_rotation(motion.global_orient[rows].astype(np.float64)))
    pose = np.zeros((len(rows), _SMPL, 3))
    pose[:, :21] = motion.body_pose[rows]
    betas = np.zeros(_BETAS)
    if body.name == "smplx":
        count = min(_BETAS, len(motion.betas))
        betas[:count] = motion.betas[:count]
    values = {"betas": np.tile(betas, (len(rows), 1)), "body_pose": pose.reshape(len(rows), -1), "global_orient": root,
              "transl": pelvis @ z_up().T - np.array(PELVIS)}
    return {**{key: value[:, None].astype(np.float32) for key, value in values.items()},
            "frames": [int(row) + first for row in rows]}


def _skeletons(folder: Path, points: Array, seen: NDArray[np.bool_], numbers: Sequence[int], first: int) -> list[Path]:
    """A file for each frame; nobody seen is an empty list."""
    turned = np.round(points @ z_up().T, 5)
    files = []
    for t in range(len(points)):
        people = [{"id": number, "keypoints3d": turned[t, k].tolist()} for k, number in enumerate(numbers)
                  if seen[t, k]]
        files.append(_written(folder / f"{t + first:06d}.json", _text(people)))
    return files


def _sidecar(fitted: Fitted, numbers: Sequence[int], ids: Sequence[str], body: BodyModel) -> dict[str, Any]:
    people = {str(number): {"person_id": name, "name": person.motion.name, "betas": person.motion.betas.tolist()}
              for number, name, person in zip(numbers, ids, fitted.people)}
    return {"format": 1, "fps": fitted.fps, "body": body.name, "pelvis": list(PELVIS), "people": people}


def _text(value: Any) -> Callable[[Path], object]:
    return lambda path: path.write_text(json.dumps(value), encoding="ascii")


def _save(path: Path, arrays: dict[str, Any]) -> None:
    with path.open("wb") as stream:
        np.savez(stream, **arrays)  # dictionaries are pickled: that is how AvatarPose keeps them


def _written(path: Path, write: Callable[[Path], object]) -> Path:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"{path.parent.name}/{path.name} cannot be written ({error.strerror or error}): free some "
                           "space or choose another folder.") from error
    return path
