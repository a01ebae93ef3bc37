"""What the detector itself says in 3D, against the uplift of its 2D keypoints, on the same frames.

MediaPipe's own 3D is landmarks without rotations. It is scored directly on 12 of them (shoulders, elbows, wrists, hips,
knees, ankles; the middle of the hips on the middle of the hips: ``..12_mm``, ``elbow_knee_deg``), and, after inverse
kinematics on a body of the true shape, by all the measures of the uplift.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.uplift.evaluate import Predict, true_rotations
from humanav.uplift.measures import aligned, compare
from humanav.uplift.pairs import Pairs

NAMES = tuple(f"{side}_{name}" for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
              for side in ("left", "right"))
ORDER = [KEYPOINT_SETS["blazepose33"].index(name) for name in NAMES]
_HIPS = [6, 7]
_BENDS = ([0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11])


@torch.no_grad()
def own_3d(predict: Predict, pairs: Pairs, found: Tensor, world: Tensor, body: Any) -> dict[str, dict[str, float]]:
    """Rows of the uplift and of MediaPipe's own 3D.

    Args:
        predict: the uplift.
        pairs: detections of N clips with their truth.
        found: (N,T) the frames that count.
        world: (N,T,33,3) MediaPipe's landmarks.
        body: an UpliftBody.
    """
    from humanav.uplift.pseudo_labels import joints_to_rotations

    betas = pairs.betas[:, None].expand(-1, found.shape[1], -1)[found]
    truth = true_rotations(pairs)[found]
    ours = predict(pairs.keypoints, pairs.K, torch.ones(len(pairs.K), dtype=torch.bool))[found]
    own = world[found][:, ORDER]
    solved = joints_to_rotations(own, betas, body, names=NAMES)
    marks, target = (_landmarks(body, rotations, betas) for rotations in (ours, truth))
    return {"humanav": {**_scores(body, ours, truth, betas), **_points(marks, target)},
            "mediapipe_3d": {**_scores(body, solved, truth, betas), **_points(own, target)}}


def _landmarks(body: Any, rotations: Tensor, betas: Tensor) -> Tensor:
    return body.landmarks(*body(rotations, betas), betas, NAMES)


def _scores(body: Any, rotations: Tensor, truth: Tensor, betas: Tensor) -> dict[str, float]:
    """Of frames (N,22,3,3) one by one."""
    joints, true_joints = (body(pose, betas)[0][:, None] for pose in (rotations, truth))
    return compare(rotations[:, None], joints, truth[:, None], true_joints).summary()


def _points(points: Tensor, truth: Tensor) -> dict[str, float]:
    """Of landmarks (N,12,3), metres along the camera's axes."""
    a, b = (1000 * (x - x[:, _HIPS].mean(1, keepdim=True)) for x in (points, truth))
    return {"mpjpe12_mm": float((a - b).norm(dim=-1).mean()),
            "pa_mpjpe12_mm": float((aligned(a, b) - b).norm(dim=-1).mean()),
            "elbow_knee_deg": float((_bends(a) - _bends(b)).abs().mean())}


def _bends(points: Tensor) -> Tensor:
    """(N,4) degrees by which elbows and knees are bent."""
    above, at, below = (points[:, index] for index in _BENDS)
    upper, lower = at - above, below - at
    return torch.rad2deg(torch.atan2(torch.linalg.cross(upper, lower).norm(dim=-1), (upper * lower).sum(-1)))
