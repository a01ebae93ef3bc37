"""The lens is told from people who move near a camera: landmarks of the true body under two lenses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from humanav.body import BodyModel
from humanav.body.landmarks import landmark_positions
from humanav.camera import Camera
from humanav.errors import Cancelled
from humanav.perception import KeypointSequence
from humanav.perception.takes import Take
from humanav.progress import Progress
from humanav.track.focal import RATIOS, tell_focal
from tests.track.walks import camera_of, world_path


def _take(body: BodyModel, ratio: float) -> Take:
    """A dance before a camera that stands as near as the lens allows, without noise."""
    path = world_path(body, "dance")[slice(0, 120, 5)]
    R, t = camera_of(distance=3.0 * ratio)
    seen = path.turned(R, t)
    out = body(torch.from_numpy(seen.rotations).float(), torch.from_numpy(seen.betas[:10]).float(), vertices=False)
    joints = out.joints.double().numpy()
    joints = joints - joints[:, :1] + seen.pelvis[:, None]
    points = landmark_positions(joints, out.rotations.double().numpy(), "blazepose33", 1.0)
    camera = Camera.from_focal(960, 960, 960 * ratio)
    pixels = points @ camera.K.T
    pixels = pixels[..., :2] / pixels[..., 2:]
    keypoints = np.concatenate([pixels, np.ones((*pixels.shape[:2], 1))], axis=2).astype(np.float32)
    boxes = np.concatenate([pixels.min(1), pixels.max(1)], axis=1).astype(np.float32)
    middle = points[:, [23, 24]].mean(1, keepdims=True)
    return Take("1", 0, 0, KeypointSequence(keypoints, "blazepose33", path.fps, 960, 960), boxes,
                world=(points - middle).astype(np.float32))


def test_a_near_and_a_far_camera_are_told_apart(body: BodyModel) -> None:
    near, far = (tell_focal(_take(body, ratio), body) for ratio in (0.8, 2.2))
    assert near is not None
    assert far is not None
    assert near.ratio < 1.15 < far.ratio
    assert near.pixels == pytest.approx(960 * near.ratio)
    assert near.low < near.ratio < near.high
    assert min(RATIOS) <= near.ratio
    assert far.ratio <= max(RATIOS)


def test_it_can_be_stopped(body: BodyModel) -> None:
    progress = Progress(1, cancelled=lambda: progress.step > 0 and progress.seconds > 0.2)
    progress.next("telling the lens")
    with pytest.raises(Cancelled):
        tell_focal(_take(body, 1.2), body, progress)
