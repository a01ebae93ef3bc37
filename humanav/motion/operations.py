"""What can be done with a motion: change its frame rate, mirror it, set it on the floor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.body.names import MIRROR
from humanav.errors import InputError
from humanav.motion.motion import Motion

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

_SINK = 0.02  # metres
_PATH = 1.0  # metres travelled before a floor's lean can be told
_MOST_LEAN = 0.035  # metres a metre: two degrees
_MOST_FRAMES = 1_000_000


def resample(motion: Motion, fps: float) -> Motion:
    """The motion at another frame rate: rotations along the geodesic, everything else linear.

    The first frame stays, and the last one is the last new frame time within the motion.

    Raises:
        InputError: ``fps`` is not a positive number, or asks for more than a million frames.
    """
    if not (np.isfinite(fps) and fps > 0):
        raise InputError(f"The frame rate must be a positive number, not {fps}.")
    frames = len(motion)
    if motion.duration * fps > _MOST_FRAMES:
        raise InputError(f"{motion.duration:.0f} seconds at {fps:g} frames per second are too many frames; choose a "
                         "lower frame rate or cut the motion.")
    count = int(np.floor((frames - 1) / motion.fps * fps + 1e-6)) + 1
    place = np.minimum(np.arange(count) * motion.fps / fps, frames - 1)
    low = np.minimum(place.astype(int), max(frames - 2, 0))
    high = np.minimum(low + 1, frames - 1)
    part = place - low

    pose = motion.full_pose.astype(np.float64)
    start = Rotation.from_rotvec(pose[low].reshape(-1, 3))
    step = (start.inv() * Rotation.from_rotvec(pose[high].reshape(-1, 3))).as_rotvec() * np.repeat(part, 55)[:, None]
    turned = (start * Rotation.from_rotvec(step)).as_rotvec().reshape(count, 55, 3)

    def blend(values: NDArray[np.float32]) -> NDArray[np.float32]:
        weight = part.reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
        return values[low] * (1 - weight) + values[high] * weight

    confidence = None if motion.confidence is None else blend(motion.confidence)
    return Motion.from_full_pose(turned, fps, blend(motion.transl), motion.betas, blend(motion.expression), motion.name,
                                 motion.person_id, confidence)


def mirror(motion: Motion) -> Motion:
    """The motion in a mirror (x -> -x): left and right change places."""
    order = list(MIRROR)
    pose = motion.full_pose[:, order] * np.array([1, -1, -1], dtype=np.float32)
    transl = motion.transl * np.array([-1, 1, 1], dtype=np.float32)
    confidence = None if motion.confidence is None else motion.confidence[:, order]
    return Motion.from_full_pose(pose, motion.fps, transl, motion.betas, motion.expression, motion.name,
                                 motion.person_id, confidence)


def floor_heights(motion: Motion, body: BodyModel) -> Array:
    """Height (T,) in metres of the body's lowest point per frame; looks at the whole feet and a fifth of the rest."""
    import torch

    with torch.no_grad():
        vertices, joints = (x.double().numpy() for x in body.rest(torch.from_numpy(motion.betas)))
        index, weight = np.asarray(body.skin_index), np.asarray(body.skin_weight)
        feet = np.isin(index, (7, 8, 10, 11)) & (weight > 0.05)
        chosen = np.flatnonzero(feet.any(axis=1) | (np.arange(len(vertices)) % 5 == 0))
        points, index, weight = vertices[chosen], index[chosen], weight[chosen]
        heights = []
        for begin in range(0, len(motion), 64):
            out = body.from_motion(motion, slice(begin, begin + 64), vertices=False)
            up = out.rotations[:, :, 1].double().numpy()  # the y row of each global rotation is all that height needs
            base = out.joints[:, :, 1].double().numpy() - np.einsum("tjc,jc->tj", up, joints)
            y = sum(weight[:, k] * (np.einsum("tvc,vc->tv", up[:, index[:, k]], points) + base[:, index[:, k]])
                    for k in range(index.shape[1]))
            heights.append(np.min(y, axis=1))
    return np.concatenate(heights)


def ground(motion: Motion, body: BodyModel) -> Motion:
    """The motion moved up or down as a whole so that the body stands on y = 0.

    A floor that leans a little along the path, as captured ones do, is levelled first. Half a percent of the frames may
    dip below the floor, so that one bad frame of a capture does not lift the rest. Where the lowest point wavers, as it
    does when another person's feet were captured, soles may sink in by 2 cm, so that most of the steps do not hover.
    """
    heights = floor_heights(motion, body)
    lean = _lean(heights, motion.transl[:, [0, 2]].astype(np.float64))
    heights = heights - lean
    low = heights.min() if len(heights) < 200 else np.quantile(heights, 0.005)
    shift = lean + min(low + _SINK, np.quantile(heights, 0.25))
    return replace(motion, transl=motion.transl - np.outer(shift, [0, 1, 0]).astype(np.float32))


def _lean(heights: Array, path: Array) -> Array:
    """Height (T,) of a floor that leans along the path (T,2), zero where it does not, or leans like a ramp."""
    none = np.zeros(len(heights))
    if np.ptp(path, axis=0).max() < _PATH:
        return none
    centred = path - path.mean(axis=0)
    _, size, ways = np.linalg.svd(centred, full_matrices=False)
    centred = centred @ ways[size > 0.3 * size[0]].T  # across a straight path nothing can be told
    basis = np.column_stack([np.ones(len(path)), centred])
    used = np.ones(len(path), dtype=np.bool_)
    slope = np.zeros(basis.shape[1])
    for _ in range(4):  # flights and swings lie above the floor: keep the lower half
        slope = np.linalg.lstsq(basis[used], heights[used], rcond=None)[0]
        rest = heights - basis @ slope
        used = rest <= np.median(rest)
    lean = centred @ slope[1:]
    levelled = heights - lean
    spread, before = (np.ptp(np.quantile(h, [0.05, 0.5])) for h in (levelled, heights))
    return lean if np.linalg.norm(slope[1:]) < _MOST_LEAN and spread < 0.7 * before else none
