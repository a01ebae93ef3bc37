"""From a file's world to ours (y up, metres): units and up axes, given, fixed by the format, or seen from the cameras.

People hold cameras upright and put them a few metres apart: the mean of the pictures' upward directions says which
axis is up, the distances between the cameras say what the unit is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import CameraError, InputError
from humanav.multiview.calibration_lens import five_coefficients
from humanav.multiview.calibration_value import FileRig, FileView
from humanav.multiview.value import Rig

Array = NDArray[np.float64]

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "feet": 0.3048, "inches": 0.0254}
"""Name of a unit to its length in metres."""
UPS: dict[str, Array] = {sign + axis: np.eye(3)[k] * (-1 if sign else 1)
                         for sign in ("", "-") for k, axis in enumerate("xyz")}
"""Name of an up axis to its direction."""
_LIKELY_ROOM = 5.0  # metres between two cameras of a usual capture
_AT_ORIGIN = 0.02  # how far a camera that is the world's origin may be from it: rotation, and part of the distances
_CLEAR = 0.6  # the upward directions of cameras that are held upright agree at least this much with one axis


def turn_to_y_up(up: Array | str) -> Array:
    """The rotation (3,3) that takes the up direction, an axis' name or a vector, to (0,1,0); z to y as usual."""
    if isinstance(up, str):
        if up not in UPS:
            raise InputError(f"There is no up axis {up!r}; known: {', '.join(UPS)}.")
        named = {"y": np.eye(3), "-y": np.diag([1.0, -1.0, -1.0]), "z": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
                 "-z": [[1, 0, 0], [0, 0, -1], [0, 1, 0]], "x": [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
                 "-x": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]}
        return np.asarray(named[up], dtype=np.float64)
    from scipy.spatial.transform import Rotation

    direction = np.asarray(up, dtype=np.float64)
    direction = direction / np.linalg.norm(direction)
    axis = np.cross(direction, [0.0, 1.0, 0.0])
    angle = np.arctan2(np.linalg.norm(axis), direction[1])
    if np.linalg.norm(axis) < 1e-9:
        return np.eye(3) if direction[1] > 0 else np.diag([1.0, -1.0, -1.0])
    return np.asarray(Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle).as_matrix())


def unit_length(unit: str | float) -> float:
    """Metres of a unit, by name or as a number of metres. Raises InputError."""
    if isinstance(unit, str):
        if unit not in UNITS:
            raise InputError(f"There is no unit {unit!r}; known: {', '.join(UNITS)}, or a number of metres.")
        return UNITS[unit]
    if not (np.isfinite(unit) and unit > 0):
        raise InputError(f"The unit must be a positive number of metres, not {unit}.")
    return float(unit)


def with_world(rig: Rig, up: str = "y", unit: str | float = "m") -> Rig:
    """The rig with its world, so far taken as y up and metres, read anew: ``up`` names the axis of that world that is
    up in truth, ``unit`` what one of its "metres" is in truth.

    Raises:
        InputError: an unknown axis or unit.
    """
    turn, scale = turn_to_y_up(up), unit_length(unit)
    cameras = tuple(replace(camera, R=camera.R @ turn.T, t=camera.t * scale) for camera in rig.cameras)
    words = [f"the {up} axis is up"] * (up != "y") + [f"one unit is {scale:g} m"] * (scale != 1)
    return replace(rig, cameras=cameras).noted(*([f"The world was read anew: {', '.join(words)}."] if words else []))


def camera_up(rotations: list[Array]) -> Array:
    """(3,) the mean upward direction of pictures in the world (the cameras' -y axes), of length 0..1."""
    return np.asarray(-np.mean([R[1] for R in rotations], axis=0))


def guessed_up(rotations: list[Array]) -> tuple[str, float]:
    """The world's axis that pictures have upwards, and how well (0..1) it agrees with them."""
    direction = camera_up(rotations)
    name = max(UPS, key=lambda axis: float(UPS[axis] @ direction))
    return name, float(UPS[name] @ direction)


def camera_distance(views: tuple[FileView, ...]) -> float:
    """Median distance between two cameras, in the file's unit; 0 for one camera."""
    centers = np.array([-view.R.T @ view.t for view in views])
    first, second = np.triu_indices(len(centers), 1)
    return float(np.median(np.linalg.norm(centers[first] - centers[second], axis=1))) if len(first) else 0.0


def guessed_unit(distance: float) -> str:
    """m, cm or mm: the one in which two cameras are most likely that far apart."""
    if distance <= 0:
        return "m"
    return min(("m", "cm", "mm"), key=lambda name: abs(np.log(distance * UNITS[name] / _LIKELY_ROOM)))


def to_rig(
    found: FileRig, *, up: str = "auto", unit: str | float | None = None,
    sizes: dict[str, tuple[int, int]] | None = None,
) -> Rig:
    """A file's cameras as a rig with y up and metres; ``notes`` say what was taken for granted.

    Args:
        found: as read.
        up: an axis ("x", "-x", "y", ...), "cameras" for the mean upward direction of the pictures, or "auto".
        unit: a name of :data:`UNITS`, metres of one unit, or None to follow the format or the cameras' distances.
        sizes: (width, height) by name for cameras whose file does not say.

    Raises:
        CameraError: cameras that cannot be used.
        InputError: an unknown axis or unit.
    """
    notes = list(found.notes)
    scale = _scale(found, unit, notes)
    turn = _turn(found, up, notes)
    cameras = []
    for view in found.views:
        width, height = view.size if min(view.size) > 0 else (sizes or {}).get(view.name, (0, 0))
        if min(width, height) <= 0:  # the principal point is the middle, more or less
            width, height = (max(2, round(2 * float(view.K[k, 2]) + 1)) for k in (0, 1))
        distortion, note = five_coefficients(view, (width, height))
        notes += [note] if note else []
        K = view.K.copy()
        K[:2, 2] += 0.5  # OpenCV counts from the centre of the first pixel, we from its corner
        cameras.append(Camera(K, view.R @ turn.T, view.t * scale, width, height, distortion))
    if not any(np.linalg.norm(a.center - b.center) > 1e-6 for a in cameras for b in cameras) and len(cameras) > 1:
        raise CameraError("All cameras of the calibration stand at the same point: it holds no positions, calibrate "
                          "where the cameras stand (extrinsics) too.")
    return Rig(tuple(view.name for view in found.views), tuple(cameras), found.kind, tuple(notes))


def unsized(found: FileRig) -> tuple[str, ...]:
    """Names of the cameras whose picture size the file does not say."""
    return tuple(view.name for view in found.views if min(view.size) <= 0)


def _scale(found: FileRig, unit: str | float | None, notes: list[str]) -> float:
    if unit is not None:
        return unit_length(unit)
    if found.unit is not None:
        return found.unit
    distance = camera_distance(found.views)
    guess = guessed_unit(distance)
    if found.usual_unit is not None and 0.1 < distance * found.usual_unit < 100:
        return found.usual_unit
    if distance > 0:
        notes.append(f"The unit of the calibration is taken for {guess}: two cameras are then "
                     f"{distance * UNITS[guess]:.2g} m apart. Give the unit if that is wrong.")
    return UNITS[guess]


def _turn(found: FileRig, up: str, notes: list[str]) -> Array:
    rotations = [view.R for view in found.views]
    if up not in ("auto", "cameras"):
        return turn_to_y_up(up)
    axis, agreement = guessed_up(rotations)
    direction = camera_up(rotations)
    if up == "cameras" and np.linalg.norm(direction) < 0.1:
        raise CameraError("The cameras' pictures have no upward direction in common: name the up axis.")
    if up == "cameras":
        return turn_to_y_up(direction)
    if found.up is not None:
        if float(UPS[found.up] @ direction) < 0 or (agreement > 0.8 and axis != found.up):
            notes.append(f"Files of this kind have {found.up} up, but the cameras look as if {axis} were up: check the "
                         "up axis if people come out lying or upside down.")
        return turn_to_y_up(found.up)
    near = _AT_ORIGIN * max(camera_distance(found.views), 1e-9)  # an adjustment moves the first camera a little
    own = [view.name for view in found.views
           if np.abs(view.R - np.eye(3)).max() < _AT_ORIGIN and np.linalg.norm(view.t) < near]
    if own and np.linalg.norm(direction) > 0.3:
        notes.append(f"The calibration's world is camera {own[0]} itself: up is the mean upward direction of the "
                     "pictures.")
        return turn_to_y_up(direction)
    if agreement < _CLEAR:
        notes.append(f"The cameras do not say clearly which axis is up; {axis} is taken. Name the up axis if people "
                     "come out lying.")
    else:
        notes.append(f"The {axis} axis is taken for up, as the cameras are held.")
    return turn_to_y_up(axis)
