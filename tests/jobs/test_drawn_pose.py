"""A drawn skeleton to a pose, and sample keypoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError, NoPersonError
from humanav.jobs.drawn_pose import TRUST, Drawing, export_drawing, find_skeleton, lift_drawing
from humanav.jobs.uplift_samples import HEIGHT, WIDTH, sample_keypoints
from humanav.motion import load_motion
from humanav.paths import asset, sample_photos

POSES: dict[str, Any] = json.loads(asset("viewer", "skeleton_poses.json").read_text())


def drawing(name: str, **options: Any) -> Drawing:
    points = np.array(POSES["poses"][name], dtype=np.float32)
    return Drawing(np.column_stack([points, np.ones(len(points), np.float32)]), POSES["width"], POSES["height"],
                   **options)


def bend(pose: Any, joint: str) -> float:
    return float(np.degrees(Rotation.from_quat(pose.quaternions[JOINT_INDEX[joint]]).magnitude()))


def test_the_poses_to_begin_with_come_out_as_drawn() -> None:
    stand, squat = (lift_drawing(drawing(name)) for name in ("Stand", "Squat"))
    assert stand.quaternions.shape == (22, 4)
    assert Rotation.from_quat(stand.quaternions[0]).apply([0, 1, 0])[1] > 0.9  # upright
    assert bend(stand, "left_knee") < 40 < 55 < bend(squat, "left_knee")
    assert stand.points.shape == (33, 2)
    assert stand.reprojection < 25
    assert 0 <= stand.confidence.min() <= stand.confidence.max() <= 1


def test_a_hidden_joint_does_not_matter_where_it_is() -> None:
    one, other = drawing("Stand").points.copy(), drawing("Stand").points.copy()
    for points, place in ((one, 0.0), (other, 500.0)):
        points[15] = [place, place, 0.0]
    a, b = (lift_drawing(Drawing(points, 640, 720)) for points in (one, other))
    np.testing.assert_allclose(a.quaternions, b.quaternions)


def test_a_larger_focal_length_is_a_camera_farther_away() -> None:
    near, far = (lift_drawing(drawing("Stand", focal=focal)) for focal in (600.0, 2400.0))
    assert np.isfinite(near.quaternions).all()
    assert np.abs(near.quaternions - far.quaternions).max() > 1e-3


@pytest.mark.parametrize(("change", "said"), [
    ({"points": np.zeros((17, 3))}, "33 points"), ({"points": np.full((33, 3), np.nan)}, "NaN"),
    ({"points": np.full((33, 3), 1e6)}, "far outside"), ({"width": 0}, "size"), ({"focal": 1.0}, "focal"),
    ({"betas": ["tall"]}, "not numbers")])
def test_a_drawing_that_cannot_be(change: dict[str, Any], said: str) -> None:
    values: dict[str, Any] = {"points": np.ones((33, 3)), "width": 640, "height": 720} | change
    with pytest.raises(InputError, match=said):
        Drawing(**values)


def test_nothing_seen_is_said() -> None:
    with pytest.raises(InputError):
        lift_drawing(Drawing(np.zeros((33, 3), np.float32), 640, 720))


def test_trust_is_kept_in_bounds() -> None:
    points = np.ones((33, 3), dtype=np.float32)
    points[0], points[1] = [3, 4, 0], [3, 4, 7]
    kept = Drawing(points, 10, 10).points
    assert kept[0].tolist() == [0, 0, 0]
    assert kept[1, 2] == np.float32(TRUST)


def test_the_pose_as_files(tmp_path: Path) -> None:
    motion = load_motion(export_drawing(drawing("Sit"), "npz", tmp_path / "pose.npz"))
    assert len(motion) == 1
    assert export_drawing(drawing("Sit"), "bvh", tmp_path / "pose.bvh").read_text().startswith("HIERARCHY")
    assert export_drawing(drawing("Sit"), "glb", tmp_path / "pose.glb").read_bytes()[:4] == b"glTF"
    with pytest.raises(InputError, match="not as"):
        export_drawing(drawing("Sit"), "exe", tmp_path / "pose.exe")


def test_a_photo_fills_the_skeleton() -> None:
    image, points = find_skeleton(sample_photos()[0])
    height, width = image.shape[:2]
    assert points.shape == (33, 3)
    assert ((points[:, :2] > 0) & (points[:, :2] < [width, height]))[points[:, 2] > 0.5].all()
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    with pytest.raises(NoPersonError):
        find_skeleton(noise)


def test_samples_are_seeded_and_inside_the_picture() -> None:
    clean, noisy = sample_keypoints("squat", noise=0.0), sample_keypoints("squat")
    assert clean.keypoints.shape == noisy.keypoints.shape
    assert clean.keypoints[..., :2].min() >= 0
    assert (clean.keypoints[..., :2].max(axis=(0, 1)) <= [WIDTH, HEIGHT]).all()
    away = np.linalg.norm(noisy.keypoints[..., :2] - clean.keypoints[..., :2], axis=-1)[noisy.seen]
    assert 0.5 < np.median(away) < 30
    assert sample_keypoints("squat", "coco17").keypoints.shape[1] == 17
    with pytest.raises(InputError, match="no clip"):
        sample_keypoints("somersault")
