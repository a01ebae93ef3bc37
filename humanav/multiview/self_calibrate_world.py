"""The metre, up and the floor of a reconstruction that has none, from the people in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.multiview.doctor_body import body_signs

Array = NDArray[np.float64]

_PLANE = 0.6  # metres that footholds must spread to all sides to say where up is
_TRUST = 20.0  # degrees between the floor's normal and the bodies' up beyond which the floor is not believed
_LEVEL, _NEAR = 2.0, 10.0  # degrees by which level cameras' horizons differ, and differ from the bodies


def metric(
    cameras: Sequence[Camera], people: Sequence[Array], names: tuple[str, ...], height: float
) -> tuple[list[Camera], list[Array]]:
    """Cameras and people's points (T,K,4) scaled so that the people are ``height`` metres tall.

    Raises:
        InputError: no limb of anybody was seen whole.
    """
    stature = body_signs(people, names).stature
    if not np.isfinite(stature) or stature <= 0:
        raise InputError("The people's arms, legs or trunks are never seen whole, so their size cannot give the scale: "
                         "film whole bodies.")
    factor = height / stature
    grown = [np.concatenate([points[..., :3] * factor, points[..., 3:]], axis=-1) for points in people]
    return [replace(camera, t=camera.t * factor) for camera in cameras], grown


def stood_up(
    cameras: Sequence[Camera], people: Sequence[Array], names: tuple[str, ...]
) -> tuple[list[Camera], list[str]]:
    """Cameras in a world whose y is up, whose floor is y = 0 and whose z points from the people to the first camera.

    Up is the normal of the plane through the footholds where people walked about; else the direction to which all
    cameras' horizons are level, where there is one near the bodies'; else the bodies' mean direction; where bodies lie
    in all directions, the mean of the cameras' upper edges.
    """
    signs = body_signs(people, names)
    edges = -np.mean([camera.R[1] for camera in cameras], axis=0)
    edges = edges / max(float(np.linalg.norm(edges)), 1e-9)
    up, how = (signs.up, "the people's bodies") if signs.upright > 0.6 else (edges, "the cameras' upper edges")
    plane, level = _plane(_feet(people, names, up), up), _level(cameras, up)
    if plane is not None:
        up, how = plane, "the floor under the people's feet"
    elif level is not None:
        up, how = level, "the cameras' level horizons"
    floor = body_signs(people, names, up).floor
    everyone = np.concatenate([points[..., :3][points[..., 3] > 0.2] for points in people])
    middle = np.median(everyone, axis=0)
    floor = floor if np.isfinite(floor) else float(np.percentile(everyone @ up, 2))
    origin = middle + (floor - middle @ up) * up
    z = cameras[0].center - origin
    z = z - (z @ up) * up
    if np.linalg.norm(z) < 1e-6:
        z = np.cross(up, [1.0, 0.0, 0.0])
    z = z / np.linalg.norm(z)
    world = np.stack([np.cross(up, z), up, z])  # old to new: X' = world (X - origin)
    moved = [replace(camera, R=camera.R @ world.T, t=camera.t + camera.R @ origin) for camera in cameras]
    return moved, [f"Up was taken from {how}, the floor from their lowest points."]


def _feet(people: Sequence[Array], names: tuple[str, ...], up: Array) -> Array:
    """(n,3) the lower ankle of each frame."""
    wanted = [names.index(name) for name in ("left_ankle", "right_ankle") if name in names]
    out = []
    for points in people:
        if len(wanted) == 2:
            both = points[:, wanted]
            both = both[(both[..., 3] > 0.2).all(1)]
            low = (both[..., :3] @ up).argmin(1)
            out.append(both[np.arange(len(both)), low, :3])
    return np.concatenate(out) if out else np.zeros((0, 3))


def _level(cameras: Sequence[Camera], up: Array) -> Array | None:
    """The direction square to all cameras' horizontal axes, or None where there is none or it is not near ``up``."""
    axes = np.array([camera.R[0] for camera in cameras])
    _, spread, directions = np.linalg.svd(axes)
    level = directions[2] * np.sign(directions[2] @ up)
    if len(cameras) < 3 or spread[1] < 0.3 or np.degrees(np.arcsin(np.abs(axes @ level).max())) > _LEVEL:
        return None
    return level if np.degrees(np.arccos(np.clip(level @ up, -1, 1))) < _NEAR else None


def _plane(feet: Array, up: Array) -> Array | None:
    """Normal of the plane under footholds (n,3), or None where they lie on a spot or a line, or contradict ``up``."""
    if len(feet) < 20:
        return None
    keep = np.ones(len(feet), dtype=bool)
    normal = up
    for _ in range(5):
        middle = feet[keep].mean(0)
        _, spread, axes = np.linalg.svd(feet[keep] - middle, full_matrices=False)
        if 3.5 * spread[1] / np.sqrt(keep.sum()) < _PLANE:
            return None
        normal = axes[2] * np.sign(axes[2] @ up)
        height = (feet - middle) @ normal
        scale = 1.4826 * np.median(np.abs(height[keep] - np.median(height[keep])))
        keep = np.abs(height - np.median(height[keep])) < 2 * max(float(scale), 1e-3)
        if keep.sum() < 20:
            return None
    return normal if np.degrees(np.arccos(np.clip(normal @ up, -1, 1))) < _TRUST else None
