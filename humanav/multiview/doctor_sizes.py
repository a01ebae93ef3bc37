"""Pictures of another size than the calibration was made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.multiview.doctor_pairs import table
from humanav.multiview.doctor_turns import turned_over
from humanav.multiview.doctor_value import Finding
from humanav.multiview.value import Rig

Array = NDArray[np.float64]

_SAME_SHAPE = 0.01
_CLEARLY = 0.9  # of the disagreement that one explanation of a size must leave against another


def check_sizes(
    rig: Rig, sizes: Sequence[tuple[int, int]], people: Array, same: bool
) -> tuple[Rig, list[Finding], dict[int, int]]:
    """Cameras for the pictures as they are.

    The same shape at another size is a resize; another shape is a cut (from the middle, or of the right and lower edge)
    or a stretch, told by which makes the views agree, and width and height exchanged a turned picture.

    Returns:
        The rig (the same object when nothing is to be changed), findings, and quarter turns by view.
    """
    cameras = list(rig.cameras)
    findings: list[Finding] = []
    turns: dict[int, int] = {}
    for v, (name, camera, (w, h)) in enumerate(zip(rig.names, rig.cameras, sizes)):
        if (w, h) == (camera.width, camera.height) or min(w, h) < 1:
            continue
        seen = f"{name}'s pictures are {w} x {h}, its calibration is for {camera.width} x {camera.height}"
        if abs(w / camera.width / (h / camera.height) - 1) < _SAME_SHAPE and abs(w / camera.width - 1) > 0.02:
            cameras[v] = replace(camera.scaled(w / camera.width), width=int(w), height=int(h))
            findings.append(Finding("size", "doubtful", f"{seen}: they were resized.",
                                    "The calibration was resized with them.", (name,), True))
            continue
        if abs(h / camera.width / (w / camera.height) - 1) < _SAME_SHAPE:
            turns[v] = _turn(people, cameras, v, camera, same)
            findings.append(Finding(
                "turned", "stops", f"{seen}: they are turned by 90 degrees.", f"The keypoints were turned "
                f"{'back' if turns[v] == 1 else 'on'} by 90 degrees; store the videos upright.", (name,), True))
            continue
        options = _options(camera, w, h)
        costs = {}
        for how, option in options.items():
            cameras[v] = option
            costs[how] = table(people, cameras, same).worst
        best = min(costs, key=lambda how: costs[how])
        if not costs[best] < _CLEARLY * costs["cut"]:
            best = "cut"
        cameras[v] = options[best]
        words = {"cut": "their right and lower edges seem to be cut off", "middle": "their borders seem to be cut off "
                 "all round", "stretch": "they seem to be stretched"}[best]
        small = max(abs(w / camera.width - 1), abs(h / camera.height - 1)) < 0.02
        findings.append(Finding(
            "size", "good" if small and best == "cut" else "doubtful", f"{seen}: {words}.",
            "" if best == "cut" else "The calibration was changed with them.", (name,), best != "cut"))
    changed = any(new is not old for new, old in zip(cameras, rig.cameras))
    return (replace(rig, cameras=tuple(cameras)) if changed else rig), findings, turns


def _options(camera: Camera, w: int, h: int) -> dict[str, Camera]:
    """The camera for each way in which a picture may have come to its size."""
    stretched = camera.K.copy()
    stretched[0] *= w / camera.width
    stretched[1] *= h / camera.height
    return {"cut": camera.cropped(0, 0, w, h),
            "middle": camera.cropped((camera.width - w) / 2, (camera.height - h) / 2, w, h),
            "stretch": replace(camera, K=stretched, width=int(w), height=int(h))}


def _turn(people: Array, cameras: list[Camera], v: int, camera: Camera, same: bool) -> int:
    """Quarter turns clockwise, 1 or 3, by which a view's people fit better."""
    costs = {}
    for quarter in (1, 3):
        turned = people.copy()
        turned[:, v] = turned_over(people[:, v], (camera.width, camera.height), False, quarter, ())
        costs[quarter] = table(turned, cameras, same).worst
    return min(costs, key=lambda quarter: (costs[quarter], quarter))
