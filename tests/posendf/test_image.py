"""Keypoints of one picture to a body: recovered poses, every keypoint set, the priors' derivatives, files, errors."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.transform import Rotation

from humanav.body.kinematics import exp_rotation, pose_skeleton
from humanav.body.landmarks import KEYPOINT_SETS, landmark_positions
from humanav.camera import Camera
from humanav.cli import main
from humanav.errors import InputError, NoPersonError
from humanav.fit import BodyState, Layout, skeleton_of
from humanav.jobs.keypoints import FIT_IMAGE_STAGES, fit_image_files
from humanav.metrics import pa_mpjpe
from humanav.motion import load_clip, load_motion
from humanav.perception import Person2D, write_openpose
from humanav.posendf import PoseNDF, fit_image
from humanav.posendf.image_terms import ManifoldTerm, MixtureTerm, mixture_of
from humanav.posendf.mixture import PoseMixture
from humanav.posendf.quaternions import axis_angle_to_quats
from humanav.results import MANIFEST, Result
from tests.manifests import check_origin

SIZE = (480, 640)


@pytest.fixture(scope="module")
def mixture():
    """A mixture of a few walking poses, so that the shipped one need not be right."""
    poses = np.concatenate([load_clip(name).body_pose[::4] for name in ("walk", "wave")])
    return PoseMixture.fit(axis_angle_to_quats(torch.from_numpy(poses)), 2, 0)


def seen(body, clip, frame, keypoint_set="openpose25", yaw=30.0, noise=1.0, seed=0):
    """A person of a clip's pose in front of a camera: detection, camera, 22 true joints in its frame in mm."""
    pose = load_clip(clip).full_pose[[frame]].copy()
    posed = body(pose, vertices=False)
    joints, rotations = posed.joints[0].numpy().astype(float), posed.rotations[0].numpy().astype(float)
    forward = Rotation.from_rotvec(pose[0, 0]).as_matrix() @ [0, 0, 1]
    camera = Camera.orbit(joints[0], 4.0, np.degrees(np.arctan2(forward[0], forward[2])) + yaw, 3, *SIZE, 800)
    pixels, _ = camera.project(landmark_positions(joints, rotations, keypoint_set))
    pixels += np.random.default_rng(seed).normal(0, noise, pixels.shape)
    keypoints = np.column_stack([pixels, np.full(len(pixels), 0.9)]).astype(np.float32)
    box = np.concatenate([pixels.min(0), pixels.max(0)]).astype(np.float32)
    return Person2D(keypoints, keypoint_set, box, 0.9), camera, camera.to_camera(joints)[:22] * 1000


def error(body, fit, truth):
    joints = body.from_motion(fit.motion, vertices=False).joints[0].numpy()
    return pa_mpjpe(fit.camera.to_camera(joints)[:22] * 1000, truth)


def test_the_manifold_recovers_poses_that_no_prior_does_not(body):
    errors = []
    for clip, frame, yaw in (("walk", 7, 30), ("wave", 40, -20), ("walk", 15, 140)):
        person, camera, truth = seen(body, clip, frame, yaw=yaw)
        fits = [fit_image(None, person, camera=camera, prior=prior, body=body) for prior in ("manifold", "none")]
        errors.append([error(body, fit, truth) for fit in fits])
        assert fits[0].reprojection_pct_height < 1.5
        assert fits[0].distance < 0.05 < fits[1].distance
        assert len(fits[0].motion) == 1
    manifold, none = np.mean(errors, axis=0)
    assert manifold < 50
    assert manifold < 0.8 * none


@pytest.mark.parametrize("keypoint_set", ["coco17", "openpose18", "openpose14", "halpe26", "blazepose33"])
def test_every_keypoint_set(body, keypoint_set):
    person, camera, truth = seen(body, "walk", 3, keypoint_set)
    fit = fit_image(None, person, camera=camera, body=body)
    assert fit.reprojection_pct_height < 1.5
    assert error(body, fit, truth) < 70


def test_the_other_priors_and_a_picture_alone(body, mixture):
    person, camera, truth = seen(body, "walk", 3)
    fit = fit_image(None, person, camera=camera, prior="gmm", body=body, mixture=mixture)
    assert error(body, fit, truth) < 60
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    fit = fit_image(picture, person, prior="mean", body=body, focal=700)
    assert fit.camera.focal == 700
    assert fit.reprojection_pct_height < 4


def test_what_was_not_found_has_no_say(body):
    person, camera, truth = seen(body, "walk", 3)
    keypoints = person.keypoints.copy()
    keypoints[[KEYPOINT_SETS["openpose25"].index(name) for name in ("left_wrist", "left_heel", "nose")]] = 0
    fit = fit_image(None, replace(person, keypoints=keypoints), camera=camera, body=body)
    assert error(body, fit, truth) < 70


@pytest.mark.parametrize("kind", ["manifold", "gmm"])
def test_gradients_are_the_costs_own(body, mixture, kind):
    term = ManifoldTerm(PoseNDF.load(), 50.0) if kind == "manifold" else MixtureTerm(mixture_of(mixture), 0.5)
    rng = np.random.default_rng(1)
    skeleton = skeleton_of(body, 10)
    state = BodyState(exp_rotation(rng.normal(0, 0.4, (55, 3))), np.zeros(3), np.zeros(10), np.zeros(2))
    layout = Layout(tuple(range(22)), 10)

    def at(step):
        moved = layout.move(state, step)
        return term(moved, pose_skeleton(skeleton, moved.rotations, moved.betas, moved.transl), layout)

    _, gradient, curvature = at(np.zeros(layout.size))
    assert np.linalg.eigvalsh(curvature).min() > -1e-9
    for _ in range(5):
        way = np.zeros(layout.size)
        way[:66] = rng.normal(size=66)
        slope = (at(2e-4 * way)[0] - at(-2e-4 * way)[0]) / 4e-4
        assert slope == pytest.approx(gradient @ way, rel=0.05, abs=0.05)


def test_bad_input_gets_a_sentence(body):
    person, camera, _ = seen(body, "walk", 3)
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    nothing = replace(person, keypoints=np.zeros((25, 3), np.float32))
    gone = replace(person, keypoints=np.full((25, 3), np.nan, np.float32))
    for broken, options, kind, says in (
        (person, {}, InputError, "size of the picture"),
        (person, {"camera": camera, "prior": "vposer"}, InputError, "no prior 'vposer'"),
        (replace(person, keypoints=person.keypoints[:18]), {"camera": camera}, InputError, "has 25 keypoints"),
        (replace(person, keypoint_set="body99"), {"camera": camera}, InputError, "no keypoint set"),
        (replace(person, keypoints=person.keypoints * [9, 9, 1]), {"camera": camera}, InputError, "outside the pict"),
        (gone, {"camera": camera}, InputError, "NaN"),
        (nothing, {"camera": camera}, NoPersonError, "Too few keypoints"),
    ):
        with pytest.raises(kind, match=says):
            fit_image(None, broken, body=body, **options)
    with pytest.raises(InputError, match="focal"):
        fit_image(picture, person, focal=-1, body=body)
    with pytest.raises(InputError, match="camera is of a picture"):
        fit_image(picture[:100], person, camera=camera, body=body)


def test_files_of_a_photo_with_keypoints_beside_it(body, tmp_path, capsys):
    person, _, _ = seen(body, "walk", 3)
    photo = tmp_path / "one.png"
    shade = np.random.default_rng(0).integers(90, 160, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    Image.fromarray(shade).save(photo)
    write_openpose([person, person], tmp_path / "one_keypoints.json")
    with pytest.raises(InputError, match="2 people in one_keypoints"):
        fit_image_files(photo, tmp_path / "out")
    with pytest.raises(InputError, match="no person 3"):
        fit_image_files(photo, tmp_path / "out", number=3)
    with pytest.raises(SystemExit, match="0"):
        main(["posendf", "fit-image", str(photo), "--person", "2", "--out", str(tmp_path / "out"), "--json"])
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["keypoints_from"] == "one_keypoints.json"
    assert said["reprojection_pct_height"] < 1.5
    assert {*said["files"], MANIFEST} == {path.name for path in (tmp_path / "out").iterdir()}
    check_origin(Result.load(tmp_path / "out"), FIT_IMAGE_STAGES, ["Distance to real poses", "Your own inputs"])
    assert len(load_motion(tmp_path / "out" / "motion.npz")) == 1
    assert Image.open(tmp_path / "out" / "overlay.png").height >= SIZE[1] // 2
    write_openpose([], tmp_path / "one_keypoints.json")
    with pytest.raises(NoPersonError, match="nobody"):
        fit_image_files(photo, tmp_path / "out")
