"""What a detector would see of people whose motion is known: keypoints in every view, with a detector's mistakes.

The mistakes are those that make matching hard where people touch: noise, lost points, limbs put down to the wrong side
or to the other person, people whom another hides, and detections in no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS, landmark_positions
from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.multiview.value import Rig, Sightings

Array = NDArray[np.float64]

_FLESH: tuple[tuple[str, str, float], ...] = (  # capsules that hide what is behind them: ends and radius in metres
    ("pelvis", "neck", 0.13), ("neck", "head", 0.09), ("left_shoulder", "right_shoulder", 0.07),
    ("left_shoulder", "left_elbow", 0.045), ("right_shoulder", "right_elbow", 0.045),
    ("left_elbow", "left_wrist", 0.04), ("right_elbow", "right_wrist", 0.04),
    ("left_hip", "left_knee", 0.075), ("right_hip", "right_knee", 0.075),
    ("left_knee", "left_ankle", 0.05), ("right_knee", "right_ankle", 0.05))
_LIMBS = ((("left_elbow", "left_wrist"), ("right_elbow", "right_wrist")),
          (("left_knee", "left_ankle"), ("right_knee", "right_ankle")))
_LOOKS = 24  # colours of a simulated histogram
_HIDDEN_NOISE = 1.5  # of the noise of a point that is seen
_MISSED = 0.5  # how often somebody is missed of whom more than _COVERED of the points are hidden
_COVERED = 0.7
_UNSURE, _SURE = (0.15, 0.55), (0.6, 0.98)  # confidences of points that are hidden and that are seen
_DOUBT = 0.75  # of the confidence of a limb that changed places
_TOUCHES = 0.02  # metres before a point that hide nothing
_NEAREST = 0.1  # metres before a camera from which on it sees


def body_points(motions: Sequence[Motion], keypoint_set: str, body: Any = None) -> tuple[Array, Array]:
    """Landmarks (T,P,K,3) and joints (T,P,55,3) of people in the world, metres.

    Args:
        motions: equally long, with shapes.
        keypoint_set: a key of :data:`~humanav.body.landmarks.KEYPOINT_SETS`.
        body: the built-in one when None.

    Raises:
        InputError: an unknown set, nobody, or motions of different lengths.
    """
    import torch

    from humanav.body import BodyModel
    from humanav.uplift.lift import stature_scale

    if not motions or len({len(motion) for motion in motions}) != 1:
        raise InputError("Simulated people need at least one motion, and all of the same number of frames.")
    model = body or BodyModel.load()
    points, joints = [], []
    for motion in motions:
        with torch.no_grad():
            out = model.from_motion(motion, vertices=False)
        scale = stature_scale(model, np.asarray(motion.betas[: model.num_betas], np.float64))
        joints.append(out.joints.double().numpy())
        points.append(landmark_positions(joints[-1], out.rotations.double().numpy(), keypoint_set, scale))
    return np.stack(points, axis=1), np.stack(joints, axis=1)


def simulate(
    motions: Sequence[Motion], rig: Rig, *, keypoint_set: str = "coco17", noise_px: float = 5.0, dropout: float = 0.15,
    swaps: float = 0.05, seed: int = 0, body: Any = None, looks: bool = False,
) -> tuple[Sightings, NDArray[np.int64]]:
    """Detections of people by all cameras of a rig.

    A point that another person hides has a low confidence and 1.5 times the noise; somebody of whom more than 70 % is
    hidden is missed every second time. A swapped limb (elbow and wrist, or knee and ankle) changes places with the
    same person's other side or, where there are more people, every second time with the same limb of the person
    nearest in that picture.

    Args:
        motions: P people, T frames each.
        rig: V cameras.
        keypoint_set: which points are detected.
        noise_px: standard deviation along x and y, pixels.
        dropout: share of points that are lost.
        swaps: share of limbs that change places.
        seed: of all chance.
        body: the built-in one when None.
        looks: also give every detection a histogram of colours, its own person's with some noise.

    Returns:
        the sightings with D = P, and the (T,V,D) index of the true person of every detection, -1 for none.

    Raises:
        InputError: see :func:`body_points`.
    """
    rng = np.random.default_rng([seed, 91])
    world, joints = body_points(motions, keypoint_set, body)
    frames, people, count = world.shape[:3]
    views = len(rig)
    pixels, inside = np.empty((frames, views, people, count, 2)), np.empty((frames, views, people, count), bool)
    hidden = np.empty((frames, views, people, count), bool)
    for v, camera in enumerate(rig.cameras):
        xy, depth = camera.project(world)
        pixels[:, v] = xy
        inside[:, v] = (depth > _NEAREST) & (xy >= 0).all(axis=-1) & (xy < [camera.width, camera.height]).all(axis=-1)
        hidden[:, v] = _hidden(camera.center, world, joints)
    confidence = np.where(hidden, rng.uniform(*_UNSURE, hidden.shape), rng.uniform(*_SURE, hidden.shape))
    pixels += rng.normal(0, noise_px, pixels.shape) * np.where(hidden, _HIDDEN_NOISE, 1.0)[..., None]
    _swap_limbs(pixels, confidence, KEYPOINT_SETS[keypoint_set], swaps, rng)
    confidence[(rng.random(confidence.shape) < dropout) | ~inside] = 0
    missed = (hidden.mean(axis=-1) > _COVERED) & (rng.random((frames, views, people)) < _MISSED)
    confidence[missed] = 0
    points = np.concatenate([pixels, confidence[..., None]], axis=-1)
    points[points[..., 2] <= 0] = 0

    order = rng.permuted(np.tile(np.arange(people), (frames, views, 1)), axis=-1)
    points = np.take_along_axis(points, order[..., None, None], axis=2)
    owner = np.where((points[..., 2] > 0).any(axis=-1), order, -1).astype(np.int64)
    seen = Sightings(points, keypoint_set, rig.names, float(motions[0].fps),
                     looks=_colours(order, rng) if looks else np.zeros((frames, views, people, 0)))
    return seen, owner


def _hidden(eye: Array, points: Array, joints: Array) -> NDArray[np.bool_]:
    """(T,P,K) whether another person's flesh lies between the camera and a point."""
    starts, ends, radius = _capsules(joints)
    people = points.shape[1]
    out = np.zeros(points.shape[:3], bool)
    for p in range(people):
        others = [q for q in range(people) if q != p]
        if not others:
            continue
        a = starts[:, others].reshape(len(points), 1, -1, 3)
        b = ends[:, others].reshape(len(points), 1, -1, 3)
        out[:, p] = (_segment_distance(eye, points[:, p, :, None], a, b) < np.tile(radius, len(others))).any(axis=-1)
    return out


def _capsules(joints: Array) -> tuple[Array, Array, Array]:
    """Both ends (T,P,C,3) of people's capsules, and their radii (C,), metres."""
    first, last = ([JOINT_INDEX[name] for name in names] for names in zip(*((a, b) for a, b, _ in _FLESH)))
    return joints[..., first, :], joints[..., last, :], np.array([radius for *_, radius in _FLESH])


def _segment_distance(eye: Array, points: Array, a: Array, b: Array) -> Array:
    """Least distances between the segments from ``eye`` (3,) to points (...,3) and those from a to b (...,3).

    The last 2 cm before a point do not count: what touches a point does not hide it.
    """
    way = points - eye
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    way = way * np.maximum(length - _TOUCHES, 1e-6) / np.maximum(length, 1e-9)
    other, gap = b - a, eye - a
    aa, bb, ab = (way * way).sum(-1), (other * other).sum(-1), (way * other).sum(-1)
    ag, bg = (way * gap).sum(-1), (other * gap).sum(-1)
    spread = np.maximum(aa * bb - ab * ab, 1e-12)
    s = np.clip((ab * bg - bb * ag) / spread, 0, 1)
    t = np.clip((ab * s + bg) / np.maximum(bb, 1e-12), 0, 1)
    s = np.clip((ab * t - ag) / np.maximum(aa, 1e-12), 0, 1)
    return np.asarray(np.linalg.norm(gap + way * s[..., None] - other * t[..., None], axis=-1))


def _swap_limbs(pixels: Array, confidence: Array, names: tuple[str, ...], share: float,
                rng: np.random.Generator) -> None:
    """Exchange a share of the limbs of ``pixels`` (T,V,P,K,2) and ``confidence`` (T,V,P,K) in place."""
    frames, views, people = confidence.shape[:3]
    for pair in _LIMBS:
        if any(name not in names for limb in pair for name in limb):
            continue
        sides = [[names.index(name) for name in limb] for limb in pair]
        # an exchange touches two limbs, so half as many exchanges are drawn as limbs change places
        hit = rng.random((frames, views, people, 2)) < share / 2
        across = rng.random(hit.shape) < 0.5
        for t, v, p, side in np.argwhere(hit):
            mine, far = sides[side], p
            if across[t, v, p, side] and people > 1:
                middle = pixels[t, v].mean(axis=1)
                apart = np.linalg.norm(middle - middle[p], axis=1)
                apart[p] = np.inf
                theirs, far = mine, int(apart.argmin())
            else:
                theirs = sides[1 - side]
            for values in (pixels, confidence):
                one, two = values[t, v, p, mine].copy(), values[t, v, far, theirs].copy()
                values[t, v, p, mine], values[t, v, far, theirs] = two, one
            confidence[t, v, p, mine] *= _DOUBT
            confidence[t, v, far, theirs] *= _DOUBT


def _colours(order: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """(T,V,D,L) histograms: every person has colours of their own, which light and angle change a little."""
    own = rng.dirichlet(np.full(_LOOKS, 0.3), order.shape[-1])
    seen = own[order] + rng.dirichlet(np.full(_LOOKS, 0.5), order.shape) * 0.35
    return np.asarray(seen / seen.sum(axis=-1, keepdims=True))
