"""Checks of the world a calibration describes: unit, up and floor, from the people reconstructed in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.doctor_body import TALL, BodySigns, body_signs, likely_unit
from humanav.multiview.doctor_value import Finding
from humanav.multiview.self_calibrate_pairs import SURE, start_points
from humanav.multiview.value import Rig

Array = NDArray[np.float64]

_UPRIGHT = 25.0  # degrees between up and y that a leaning person explains
_SNAP = 35.0  # degrees from an axis within which that axis is meant
_FLOOR = 0.35  # metres between the floor and y = 0 that a treadmill or a step explains
_AGREED = 0.6


@dataclass(frozen=True)
class World:
    """What was found: signs in the rig's own unit, the unit's name, and the rig in metres with y up."""

    signs: BodySigns
    unit: str
    rig: Rig
    findings: tuple[Finding, ...]
    changed: bool


def reconstructed(people: Array, rig: Rig, who: Sequence[dict[int, int]]) -> list[Array]:
    """Everybody's points (T,K,4) in the rig's unit, whatever that is: linear, so no scale is needed."""
    out = []
    for person in who:
        seen = np.zeros((*people.shape[:1], people.shape[3], len(rig), 3))
        for view, track in person.items():
            seen[:, :, view] = people[:, view, track]
        flat = seen.reshape(-1, len(rig), 3)
        weight = np.where(flat[..., 2] > SURE, flat[..., 2], 0.0)
        points = start_points(rig.cameras, flat[..., :2], weight)
        known = np.isfinite(points).all(1, keepdims=True)
        together = np.concatenate([np.where(known, points, np.nan), known], axis=1)
        out.append(together.reshape(*seen.shape[:2], 4))
    return out


def check_world(people: Sequence[Array], rig: Rig, names: tuple[str, ...], fits: bool) -> World:
    """Unit, up and floor; without ``fits`` (the views do not agree) nothing is concluded from the bodies."""
    signs = body_signs(people, names)
    if not fits or not np.isfinite(signs.stature):
        note = Finding("stature", "doubtful", "The people's size and direction cannot be told.",
                       "They need whole arms, legs or trunks in two views that agree.") if fits else None
        return World(signs, "", rig, (note,) if note else (), False)
    findings: list[Finding] = []
    unit, rig, factor = _unit(signs, rig, findings)
    turned, up = _up(signs, rig, findings)
    floor = body_signs(people, names, np.asarray(up)).floor * factor
    moved = turned
    if np.isfinite(floor):
        if abs(floor) > _FLOOR:
            moved = _shifted(turned, floor)
            findings.append(Finding(
                "floor", "doubtful", f"The people's feet stand {abs(floor):.2f} m {'above' if floor > 0 else 'below'} "
                "the calibration's floor (y = 0).", "The world was moved so that the floor is at 0.", mended=True))
        else:
            findings.append(Finding("floor", "good", f"The feet's lowest points are {100 * floor:.0f} cm from y = 0."))
    return World(signs, unit, moved, tuple(findings), moved is not turned or turned is not rig or factor != 1.0)


def _unit(signs: BodySigns, rig: Rig, findings: list[Finding]) -> tuple[str, Rig, float]:
    """The unit's name, the rig in metres and how many metres the rig's unit has."""
    tall = signs.stature
    if TALL[0] <= tall <= TALL[1]:
        findings.append(Finding("unit", "good", f"The people seem to be {tall:.2f} m tall: the unit is the metre."))
        return "metres", rig, 1.0
    found = likely_unit(tall)
    if found is None:
        factor = 1.7 / tall
        findings.append(Finding(
            "unit", "doubtful", f"The people would be {tall:.3g} m tall, which no usual unit explains (a board whose "
            "squares were given a wrong size does).", f"All distances were multiplied by {factor:.4g} so that they are "
            "1.70 m tall; measure the board for a true scale.", mended=True))
        return "", _scaled(rig, factor), factor
    name, per = found
    if name == "metres":
        findings.append(Finding("unit", "doubtful", f"The people seem to be {tall:.2f} m tall, which is unusual.",
                                "Check the size that was given for the board's squares, if these are no children."))
        return name, rig, 1.0
    findings.append(Finding(
        "unit", "doubtful", f"The people would be {tall:.4g} m tall: the calibration seems to be in {name}.",
        f"It was divided by {per:g}; they are {tall / per:.2f} m tall then.", mended=True))
    return name, _scaled(rig, 1 / per), 1 / per


def _up(signs: BodySigns, rig: Rig, findings: list[Finding]) -> tuple[Rig, Array]:
    """The rig with y up, and up in the rig as it came."""
    edges = -np.mean([camera.R[1] for camera in rig.cameras], axis=0)
    edges = edges / max(float(np.linalg.norm(edges)), 1e-9)
    y = np.array([0.0, 1.0, 0.0])
    if signs.upright < _AGREED or not np.isfinite(signs.up).all():
        if _angle(edges, y) > 60:
            findings.append(Finding("up", "doubtful", "The people lie or turn over, and the cameras' upper edges point "
                                    f"{_angle(edges, y):.0f} degrees away from y.", "Check which axis is up."))
        return rig, y
    up, off = signs.up, _angle(signs.up, y)
    if off <= _UPRIGHT:
        findings.append(Finding("up", "good", f"Up is y: the people stand {off:.0f} degrees from it."))
        return rig, y
    if _angle(edges, y) <= _UPRIGHT and off < 60:
        findings.append(Finding("up", "doubtful", f"The people lean {off:.0f} degrees from y, the cameras are upright.",
                                "If nobody leans in the pictures, give the axis that is up."))
        return rig, y
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    nearest = int((axes @ up).argmax())
    name = ("x", "y", "z", "-x", "-y", "-z")[nearest]
    if _angle(axes[nearest], up) <= _SNAP:
        target, seen = axes[nearest], f"The people stand along {name}: the calibration's up is {name}, not y."
    else:
        target, seen = up, f"The calibration's world is tilted: up is {off:.0f} degrees from y."
    doubt = "" if _angle(edges, up) < 75 else " The cameras' upper edges disagree: are the pictures turned?"
    findings.append(Finding("up", "doubtful", seen + doubt, "The world was turned so that y is up.", mended=True))
    return _turned(rig, target), target


def _scaled(rig: Rig, factor: float) -> Rig:
    return replace(rig, cameras=tuple(replace(camera, t=camera.t * factor) for camera in rig.cameras))


def _shifted(rig: Rig, floor: float) -> Rig:
    shift = np.array([0.0, floor, 0.0])
    return replace(rig, cameras=tuple(replace(camera, t=camera.t + camera.R @ shift) for camera in rig.cameras))


def _turned(rig: Rig, up: Array) -> Rig:
    """The rig in a world whose y is the direction ``up`` of the old one: the shortest turn."""
    y = np.array([0.0, 1.0, 0.0])
    v, c = np.cross(up, y), float(up @ y)
    if c < -1 + 1e-9:
        turn = np.diag([1.0, -1.0, -1.0])
    else:
        cross = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
        turn = np.eye(3) + cross + cross @ cross / (1 + c)
    return replace(rig, cameras=tuple(replace(camera, R=camera.R @ turn.T) for camera in rig.cameras))


def _angle(a: Array, b: Array) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))
