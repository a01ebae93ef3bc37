"""The learned correction of the detector's 3D landmarks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from humanav.body import BodyModel
from humanav.body.landmarks import landmark_positions
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.metrics import pa_mpjpe
from humanav.perception import MediapipeDetector, Person2D
from humanav.synth import photograph, sample_person
from humanav.track.lift import NAMES, TORSO, Lift, bone_sum, lift_features, ray_frame


def person_of(world: np.ndarray, keypoints: np.ndarray) -> Person2D:
    return Person2D(keypoints, "blazepose33", np.array([0, 0, 480, 640], np.float32), 1.0, world=world)


@pytest.fixture
def points(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, Camera]:
    camera = Camera.from_focal(480, 640)
    world = rng.normal(0, 0.4, (33, 3))
    pixels = (world + (0.3, -0.2, 3.0)) @ camera.K.T
    return world, np.c_[pixels[:, :2] / pixels[:, 2:], rng.uniform(0.2, 1, 33)], camera


def test_features_ignore_position_and_size(points: tuple[np.ndarray, np.ndarray, Camera]) -> None:
    world, keypoints, camera = points
    moved = lift_features(1.7 * world + 5.0, keypoints, camera.K)
    np.testing.assert_allclose(moved, lift_features(world, keypoints, camera.K), atol=1e-9)


def test_ray_frame_looks_at_the_trunk(points: tuple[np.ndarray, np.ndarray, Camera]) -> None:
    _, keypoints, camera = points
    turn = ray_frame(keypoints, camera.K)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    ray = turn[:, 2]
    middle = camera.K @ (ray / ray[2])
    np.testing.assert_allclose(middle[:2], keypoints[list(TORSO), :2].mean(0), atol=1e-9)


def test_only_for_landmarks_it_knows(points: tuple[np.ndarray, np.ndarray, Camera]) -> None:
    world, keypoints, camera = points
    lift = Lift.load()
    person = person_of(world, keypoints)
    found = lift(person, camera)
    assert found is not None
    assert found[0].shape == (33, 3)
    assert (found[1] > 0).all()
    assert lift(replace(person, world=None), camera) is None
    assert lift(replace(person, keypoint_set="coco17", keypoints=keypoints[:17]), camera) is None
    world[3] = np.nan
    assert lift(person_of(world, keypoints), camera) is None


def test_a_folder_that_is_no_lift_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="restore the folder"):
        Lift.load(tmp_path)


@pytest.mark.slow
def test_people_it_never_saw_are_lifted_better_than_the_detector_does(body: BodyModel) -> None:
    lift = Lift.load()
    gains = []
    with MediapipeDetector() as detector:
        for seed in range(6):
            photo = photograph(sample_person(seed, pose="standing"), size=(360, 480))
            found = detector.detect(photo.image)
            if not found:
                continue
            lifted = lift(found[0], photo.camera)
            assert lifted is not None
            assert found[0].world is not None
            posed = body.from_motion(photo.motion, vertices=False)
            truth = landmark_positions(posed.joints[0].numpy(), posed.rotations[0].numpy(), NAMES)
            shared = [k for k, name in enumerate(NAMES) if name.endswith(("shoulder", "elbow", "wrist", "hip", "knee"))]
            scale = float(bone_sum(truth))
            before = pa_mpjpe(found[0].world[shared, :3], truth[shared])
            gains.append(before - pa_mpjpe(lifted[0][shared] * scale, truth[shared]))
    assert len(gains) >= 5
    assert np.median(gains) > 0
