"""Landmarks of every keypoint set: complete, mirrored, the same in numpy and torch, near what they are named after."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from humanav.body import FACE_POINTS, JOINT_INDEX, KEYPOINT_SETS, LANDMARKS, BodyModel, landmark_positions
from humanav.errors import InputError


@pytest.mark.parametrize(
    ("name", "count"),
    [("blazepose33", 33), ("coco17", 17), ("halpe26", 26), ("openpose25", 25), ("openpose18", 18),
     ("openpose14", 14), ("left_hand21", 21), ("right_hand21", 21), ("face", len(FACE_POINTS))])
def test_sets(name: str, count: int) -> None:
    names = KEYPOINT_SETS[name]
    assert len(names) == len(set(names)) == count
    assert all(landmark in LANDMARKS for landmark in names)


def test_numpy_equals_torch_and_scales(body: BodyModel, rng: np.random.Generator) -> None:
    out = body(rng.normal(size=(3, 55, 3)) * 0.3, vertices=False)
    for name in KEYPOINT_SETS:
        by_torch = landmark_positions(out.joints, out.rotations, name)
        by_numpy = landmark_positions(out.joints.numpy(), out.rotations.numpy(), name)
        assert isinstance(by_numpy, np.ndarray)
        np.testing.assert_allclose(by_torch.numpy(), by_numpy, atol=1e-6)
    scale = torch.tensor([0.5, 1.0, 2.0])
    scaled = landmark_positions(out.joints, out.rotations, ("left_heel",), scale)[:, 0]
    ankle = out.joints[:, JOINT_INDEX["left_ankle"]]
    plain = landmark_positions(out.joints, out.rotations, ("left_heel",))[:, 0]
    torch.testing.assert_close(scaled - ankle, (plain - ankle) * scale[:, None], atol=1e-6, rtol=0)


def test_gradients_flow(body: BodyModel) -> None:
    pose = torch.zeros(1, 55, 3, requires_grad=True)
    out = body(pose, vertices=False)
    landmark_positions(out.joints, out.rotations, "blazepose33").square().sum().backward()
    assert pose.grad is not None
    assert pose.grad.abs().sum() > 0


def test_sides_mirror(body: BodyModel) -> None:
    joints, rotations = body.J_template.numpy()[None], np.eye(3)[None, None].repeat(55, 1)
    for name in LANDMARKS:
        if name.startswith("left") or "_left_" in name:
            other = name.replace("left", "right")
            a, b = landmark_positions(joints, rotations, (name, other))[0]
            np.testing.assert_allclose(a * (-1, 1, 1), b, atol=1e-5)
            assert a[0] > 0


def test_places_make_sense(body: BodyModel) -> None:
    skin = body.v_template.numpy()
    joints, rotations = body.J_template.numpy()[None], np.eye(3)[None, None].repeat(55, 1)
    positions = dict(zip(KEYPOINT_SETS["halpe26"], landmark_positions(joints, rotations, "halpe26")[0]))
    assert positions["head_top"][1] > positions["nose"][1] > positions["neck"][1] > positions["pelvis"][1]
    assert positions["left_big_toe"][2] > positions["left_heel"][2] + 0.15
    on_skin = (*KEYPOINT_SETS["face"], "head_top", "left_index_tip", "right_thumb_tip", "left_big_toe")
    for name, point in zip(on_skin, landmark_positions(joints, rotations, on_skin)[0]):
        assert np.linalg.norm(skin - point, axis=1).min() < 0.012, name


def test_unknown_names(body: BodyModel) -> None:
    with pytest.raises(InputError, match="blazepose33"):
        landmark_positions(body.J_template, torch.eye(3).expand(55, 3, 3), "coco18")
