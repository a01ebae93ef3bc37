"""Lifting with networks that know the answer: place, gaps, frame rates, cameras, shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.uplift.lift import lift_pose, lift_sequence
from humanav.uplift.rates import denser
from humanav.uplift.smooth import smooth_rotations
from humanav.uplift.translation import place_path, place_pelvis, reprojection_errors

from .scenes import scene


def angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between rotation matrices."""
    trace = np.trace(np.swapaxes(a, -1, -2) @ b, axis1=-2, axis2=-1)
    return np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def world_joints(body: Any, motion: Any) -> np.ndarray:
    return body.from_motion(motion, vertices=False).joints.numpy()[:, :22]


def test_a_known_pose_is_put_where_it_was(body: Any) -> None:
    motion, camera, sequence, oracle = scene(body)
    lifted = lift_sequence(sequence, camera=camera, betas=motion.betas, smooth=False, model=oracle, body=body)
    assert lifted.reprojection.max() < 0.5
    assert np.linalg.norm(world_joints(body, lifted.motion) - world_joints(body, motion), axis=-1).max() < 0.02
    assert oracle.seen_focal == [True]
    assert lifted.motion.confidence is not None
    assert (lifted.motion.confidence[:, :22] == np.float32(0.9)).all()
    assert not lifted.motion.confidence[:, 22:].any()
    assert lifted.notes == ()


def test_without_a_camera_one_of_the_usual_lens_is_assumed(body: Any) -> None:
    motion, _, sequence, oracle = scene(body, camera=Camera.from_focal(640, 480))
    lifted = lift_sequence(sequence, level=False, model=oracle, body=body)
    assert oracle.seen_focal == [False]
    assert lifted.reprojection.mean() < 1
    np.testing.assert_allclose(lifted.motion.transl.mean(0), motion.transl.mean(0), atol=0.05)
    assert any("focal" in note for note in lifted.notes)
    assert any("mean body" in note for note in lifted.notes)


def test_a_camera_elsewhere_in_the_world(body: Any) -> None:
    camera = Camera.look_at((1.5, 1.0, 1.0), (0.0, 0.0, -4.0), 640, 480, 600)
    motion, _, sequence, oracle = scene(body, camera=camera)
    lifted = lift_sequence(sequence, camera=camera, betas=motion.betas, smooth=False, model=oracle, body=body)
    assert np.linalg.norm(world_joints(body, lifted.motion) - world_joints(body, motion), axis=-1).max() < 0.02


def test_frames_without_the_person_are_bridged(body: Any) -> None:
    motion, camera, sequence, oracle = scene(body)
    keypoints = sequence.keypoints.copy()
    keypoints[20:26] = 0
    keypoints[:3] = 0
    lifted = lift_sequence(replace(sequence, keypoints=keypoints), camera=camera, model=oracle, body=body)
    assert not lifted.confidence[20:26].any()
    assert lifted.confidence[26:].all()
    assert np.isnan(lifted.reprojection[20:26]).all()
    assert np.linalg.norm(world_joints(body, lifted.motion) - world_joints(body, motion), axis=-1)[20:26].max() < 0.2
    assert any("9 of 60 frames" in note for note in lifted.notes)


def test_nobody_in_any_frame(body: Any) -> None:
    _, _, sequence, oracle = scene(body, frames=5)
    with pytest.raises(InputError, match="at least four"):
        lift_sequence(replace(sequence, keypoints=sequence.keypoints * 0), model=oracle, body=body)


@pytest.mark.parametrize("fps", [5.0, 30.0, 120.0])
def test_every_frame_rate_gives_every_frame(body: Any, fps: float) -> None:
    motion, camera, sequence, oracle = scene(body)
    lifted = lift_sequence(replace(sequence, fps=fps), camera=camera, betas=motion.betas, smooth=False, model=oracle,
                           body=body)
    assert len(lifted.motion) == len(sequence)
    assert lifted.motion.fps == fps
    assert angles(_matrices(lifted.motion), _matrices(motion)).max() < 0.1


def _matrices(motion: Any) -> np.ndarray:
    from humanav.body.kinematics import exp_rotation

    return exp_rotation(motion.full_pose[:, :22].astype(np.float64))


def test_frames_in_between_keep_the_frames_and_what_is_not_seen() -> None:
    keypoints = np.random.default_rng(0).uniform(1, 9, (6, 3, 3)).astype(np.float32)
    keypoints[2, 1] = 0
    dense = denser(keypoints, 6)
    assert len(dense) == 31
    np.testing.assert_allclose(dense[::6], keypoints, atol=1e-5)
    assert not dense[7:18, 1].any()
    assert dense[19:, 1, 2].all()


def test_one_frame_and_the_editors_pose(body: Any) -> None:
    motion, camera, sequence, oracle = scene(body, frames=1)
    lifted = lift_sequence(sequence, camera=camera, betas=motion.betas, model=oracle, body=body)
    pose = lift_pose(sequence.keypoints[0], "blazepose33", 640, 480, camera=camera, model=oracle, body=body)
    assert len(lifted.motion) == 1
    assert pose.vertices.shape == body.v_template.shape
    assert pose.reprojection < 0.5
    np.testing.assert_allclose(pose.rotations, _matrices(lifted.motion)[0], atol=1e-6)


def test_a_larger_body_stands_farther_away(body: Any) -> None:
    _, camera, sequence, oracle = scene(body, frames=10)
    betas = np.zeros(10)
    betas[0] = 2.0
    mean, other = (lift_sequence(sequence, camera=camera, betas=b, model=oracle, body=body) for b in (None, betas))
    tall = (body.rest(betas)[0][:, 1].max() - body.rest(betas)[0][:, 1].min()).item()
    usual = (body.rest()[0][:, 1].max() - body.rest()[0][:, 1].min()).item()
    ratio = other.motion.transl[:, 2].mean() / mean.motion.transl[:, 2].mean()
    assert ratio == pytest.approx(tall / usual, abs=0.04)


def test_a_given_path_is_kept_and_a_wrong_one_refused(body: Any) -> None:
    _, camera, sequence, oracle = scene(body, frames=10)
    path = np.tile([0.1, 0.2, 3.0], (10, 1))
    lifted = lift_sequence(sequence, camera=camera, pelvis=path, model=oracle, body=body)
    pelvis = world_joints(body, lifted.motion)[:, 0]
    np.testing.assert_allclose(pelvis, np.tile([0.1, -0.2, -3.0], (10, 1)), atol=1e-5)
    with pytest.raises(InputError, match=r"\(10, 3\)"):
        lift_sequence(sequence, camera=camera, pelvis=path[:4], model=oracle, body=body)
    with pytest.raises(InputError, match="behind"):
        lift_sequence(sequence, camera=camera, pelvis=-path, model=oracle, body=body)
    with pytest.raises(InputError, match="320 x 240"):
        lift_sequence(sequence, camera=camera.scaled(0.5), model=oracle, body=body)
    with pytest.raises(InputError, match="at most"):
        lift_sequence(sequence, camera=camera, betas=np.zeros(999), model=oracle, body=body)


def test_the_place_stands_against_noise_and_wild_points(rng: np.random.Generator) -> None:
    frames, count = 90, 33
    points = rng.normal(0, [0.2, 0.5, 0.2], (count, 3))[None] + 0.01 * rng.normal(size=(frames, count, 3))
    K = np.array([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]])
    path = np.stack([np.sin(np.arange(frames) / 20), np.full(frames, 0.1), 4 + np.cos(np.arange(frames) / 30)], 1)
    flat = (points + path[:, None]) @ K.T
    keypoints = np.concatenate([flat[..., :2] / flat[..., 2:], np.ones((frames, count, 1))], -1)
    np.testing.assert_allclose(place_pelvis(points, keypoints, K), path, atol=1e-4)
    keypoints[..., :2] += rng.normal(0, 4, keypoints[..., :2].shape)
    keypoints[5:9, 3], keypoints[40:50], keypoints[:, 7] = [0, 0, 1], 0, 0
    each, smooth = place_pelvis(points, keypoints, K), place_path(points, keypoints, K, 30)
    seen = np.isfinite(each[:, 0])
    assert seen.sum() == 80
    error, calm = np.abs(each - path)[seen].mean(0), np.abs(smooth - path).mean(0)
    assert error[2] < 0.03
    assert calm[2] < 0.8 * error[2]
    assert calm[:2].max() < 0.005
    errors = reprojection_errors(points, smooth, keypoints, K)
    assert np.isnan(errors[:, 7]).all()
    assert np.nanmedian(errors) < 8


def test_a_place_behind_the_camera_is_none(rng: np.random.Generator) -> None:
    points = rng.normal(0, 0.4, (1, 10, 3))
    keypoints = np.concatenate([-500 * points[..., :2] + 300, np.ones((1, 10, 1))], -1)  # upside down
    K = np.array([[500.0, 0, 300], [0, 500, 300], [0, 0, 1]])
    assert place_pelvis(points, keypoints, K)[0, 2] + points[..., 2].min() > 0.2


def test_smoothing_knows_no_seam_and_little_of_doubtful_frames(rng: np.random.Generator) -> None:
    from humanav.body.kinematics import exp_rotation

    turn = np.pi + 0.3 * np.sin(np.arange(60) / 9)
    vectors = turn[:, None, None] * np.array([0.0, 1.0, 0.0])
    truth = exp_rotation(vectors)
    noisy = truth @ exp_rotation(rng.normal(0, 0.1, (60, 1, 3)))
    calm = smooth_rotations(noisy, 30.0, seconds=0.08)
    assert angles(calm, truth).mean() < 0.6 * angles(noisy, truth).mean()
    wild = truth.copy()
    wild[30] = exp_rotation(np.array([[2.0, 0.0, 0.0]]))
    trust = np.ones((60, 1))
    trust[30] = 0
    assert angles(smooth_rotations(wild, 30.0, trust), truth)[30].max() < 12
    assert smooth_rotations(truth, 30.0, seconds=0) is not None


def test_gravity_is_told_from_how_people_stand(body: Any) -> None:
    from humanav.body.kinematics import exp_rotation
    from humanav.uplift.level import gravity, level_camera

    np.testing.assert_allclose(level_camera(np.array([0.0, -1.0, 0.0])), np.diag([1.0, -1.0, -1.0]), atol=1e-12)
    _, _, _, oracle = scene(body, "walk")
    tilt = exp_rotation(np.radians([14.0, 0.0, 3.0]))
    turned = oracle.rotations.copy()
    turned[:, 0] = tilt @ turned[:, 0]
    up, truth = gravity(turned), tilt @ np.array([0.0, -1.0, 0.0])
    assert np.degrees(np.arccos(up @ truth)) < 6
    camera = level_camera(up)
    np.testing.assert_allclose(camera @ camera.T, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(camera @ [0, 1, 0], up, atol=1e-9)
