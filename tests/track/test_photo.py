"""The photo fit on rendered bodies whose truth is known, with exact and with noisy landmarks."""

import dataclasses

import numpy as np
import pytest
import torch

from humanav.body import JOINT_INDEX, BodyModel
from humanav.body.landmarks import FACE_POINTS, KEYPOINT_SETS, face_points, landmark_positions
from humanav.camera import Camera
from humanav.errors import Cancelled, InputError, NoPersonError
from humanav.perception import Person2D
from humanav.perception.openpose import as_openpose25
from humanav.progress import Progress
from humanav.render import silhouette
from humanav.track import fit_photo

WIDTH, HEIGHT = 360, 480
BODY = list(range(22))


@pytest.fixture(scope="module")
def body():
    return BodyModel.load()


def standing_pose(yaw=0.3):
    pose = np.zeros((55, 3))
    pose[0, 1] = yaw
    for side, sign in (("left", 1), ("right", -1)):
        pose[JOINT_INDEX[f"{side}_shoulder"]] = [0, 0, -1.0 * sign]
        pose[JOINT_INDEX[f"{side}_elbow"]] = [0, -0.3 * sign, 0]
    return pose


def sitting_pose():
    pose = standing_pose()
    for side in ("left", "right"):
        pose[JOINT_INDEX[f"{side}_hip"], 0] = -1.4
        pose[JOINT_INDEX[f"{side}_knee"], 0] = 1.4
    return pose


class Shot:
    """A body seen by a camera, with what a perfect detector would say of it."""

    def __init__(self, body, pose, betas=None, pitch=5.0, noise=0.0, lean=0.0, seed=0):
        self.pose, rng = pose, np.random.default_rng(seed)
        shape = np.zeros(body.num_betas, dtype=np.float32)
        shape[: len(betas or ())] = betas or ()
        output = body(torch.as_tensor(pose[None], dtype=torch.float32), torch.as_tensor(shape))
        vertices, joints = output.vertices[0].numpy(), output.joints[0].numpy().astype(np.float64)
        self.camera = Camera.orbit((0, vertices[:, 1].mean(), 0), 3.6, 0, pitch, WIDTH, HEIGHT, 1.2 * HEIGHT)
        self.joints = self.camera.to_camera(joints)
        self.betas = shape
        rotations = output.rotations[0].numpy().astype(np.float64)

        def seen(names):
            points = landmark_positions(joints, rotations, names)
            pixels, _ = self.camera.project(points)
            pixels += rng.normal(0, max(noise, 1e-9), pixels.shape)
            return np.c_[pixels, np.ones(len(pixels))].astype(np.float32), self.camera.to_camera(points)

        keypoints, world = seen("blazepose33")
        cosine, sine = np.cos(lean), np.sin(lean)
        world = (world - world[[23, 24]].mean(0)) @ np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])
        face = np.zeros((468, 3), dtype=np.float32)
        face[list(FACE_POINTS.values())] = seen(KEYPOINT_SETS["face"])[0]
        self.mask = silhouette(vertices, body.faces, self.camera).astype(np.float32)
        box = np.r_[keypoints[:, :2].min(0), keypoints[:, :2].max(0)].astype(np.float32)
        self.person = Person2D(keypoints, "blazepose33", box, 1.0, self.mask, world.astype(np.float32),
                               seen("left_hand21")[0], seen("right_hand21")[0], face)
        self.image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)


def joints_of(body, fit):
    return fit.camera.to_camera(body.from_motion(fit.motion, vertices=False).joints[0].numpy())


def error_mm(body, fit, shot):
    ours, true = joints_of(body, fit)[BODY], shot.joints[BODY]
    return 1000 * float(np.linalg.norm((ours - ours[0]) - (true - true[0]), axis=1).mean())


@pytest.fixture(scope="module")
def standing(body):
    shot = Shot(body, standing_pose(), [0.5, -0.5], noise=0.8, lean=0.15)
    return shot, fit_photo(shot.image, shot.person, body=body)


def test_standing_person_is_found_where_it_is(body, standing):
    shot, fit = standing
    assert fit.report.standing
    assert error_mm(body, fit, shot) < 45
    assert fit.report.iou > 0.93
    assert fit.report.reprojection_pct_height < 1.0
    assert fit.report.seconds < 20


def test_a_leaning_detector_does_not_make_the_person_lean(body, standing):
    _, fit = standing
    upright = fit.upright(body)
    out = body.from_motion(upright)
    joints = out.joints[0].numpy()
    head, feet = joints[JOINT_INDEX["head"]], joints[[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]].mean(0)
    lean = np.degrees(np.arctan2(np.hypot(*(head - feet)[[0, 2]]), head[1] - feet[1]))
    assert lean < 5
    assert abs(out.vertices[0].numpy()[:, 1].min()) < 1e-3
    chest = out.rotations[0].numpy()[0] @ [0, 0, 1]
    assert chest[2] > 0.95


def test_camera_pitch_is_estimated_roughly(standing):
    _, fit = standing
    assert abs(fit.report.camera_pitch_deg - 5) < 8


def test_sitting_person_is_not_made_to_stand(body):
    shot = Shot(body, sitting_pose(), noise=0.5)
    fit = fit_photo(shot.image, shot.person, body=body)
    assert not fit.report.standing
    assert error_mm(body, fit, shot) < 60


def test_the_visitor_can_say_that_the_person_stands_or_does_not(body, standing):
    shot, _ = standing
    assert not fit_photo(shot.image, shot.person, body=body, standing=False).report.standing
    sitting = Shot(body, sitting_pose())
    assert fit_photo(sitting.image, sitting.person, body=body, standing=True).report.standing


def test_height_sets_the_scale(body, standing):
    shot, _ = standing
    tall = fit_photo(shot.image, shot.person, body=body, height=1.95)
    vertices, _ = body.rest(tall.motion.betas)
    assert float(vertices[:, 1].max() - vertices[:, 1].min()) == pytest.approx(1.95, abs=0.03)


def test_flipping_a_limb_mirrors_it_in_depth_only(body):
    pose = standing_pose(0.0)
    pose[JOINT_INDEX["left_shoulder"]] = [0, -0.9, -0.6]  # the left arm reaches to the front
    shot = Shot(body, pose)
    plain = fit_photo(shot.image, shot.person, body=body)
    flipped = fit_photo(shot.image, shot.person, body=body, flip_limbs=["left_arm"])
    shoulder, wrist = JOINT_INDEX["left_shoulder"], JOINT_INDEX["left_wrist"]
    before, after = joints_of(body, plain), joints_of(body, flipped)
    assert before[wrist, 2] - before[shoulder, 2] < -0.15
    assert after[wrist, 2] - after[shoulder, 2] > 0.05
    pixels = [fit.camera.project(body.from_motion(fit.motion, vertices=False).joints[0].numpy())[0][wrist]
              for fit in (plain, flipped)]
    assert np.linalg.norm(pixels[0] - pixels[1]) < 0.06 * HEIGHT
    assert abs(after[JOINT_INDEX["right_wrist"]] - before[JOINT_INDEX["right_wrist"]]).max() < 0.1


def test_exchanged_sides_are_put_right_on_request(body, standing):
    from humanav.track.observations import exchange_sides

    shot, fit = standing
    wrong = exchange_sides(shot.person)
    again = fit_photo(shot.image, wrong, body=body, swap_sides=True)
    assert np.abs(again.motion.full_pose - fit.motion.full_pose).max() < 1e-3


def test_works_without_hands_face_depth_and_matte(body, standing):
    shot, _ = standing
    bare = dataclasses.replace(shot.person, world=None, left_hand=None, right_hand=None, face=None, mask=None)
    fit = fit_photo(shot.image, bare, body=body)
    assert np.isnan(fit.report.iou)
    assert fit.report.reprojection_pct_height < 1.5
    assert error_mm(body, fit, shot) < 120


def test_coco_keypoints_are_enough(body, standing):
    shot, _ = standing
    names = KEYPOINT_SETS["blazepose33"]
    rows = [names.index(name) for name in KEYPOINT_SETS["coco17"]]
    person = Person2D(shot.person.keypoints[rows], "coco17", shot.person.box, 1.0, shot.mask)
    assert fit_photo(shot.image, person, body=body).report.reprojection_pct_height < 1.5


def test_openpose_with_points_that_were_not_found(body, standing):
    shot, _ = standing
    person = as_openpose25(shot.person)
    keypoints = person.keypoints.copy()
    for name in ("left_elbow", "left_wrist", "right_ear"):
        keypoints[KEYPOINT_SETS["openpose25"].index(name)] = 0
    face = np.zeros((70, 3), dtype=np.float32)
    for name, index in FACE_POINTS.items():
        face[face_points(70)[name]] = shot.person.face[index]
    person = dataclasses.replace(person, keypoints=keypoints, face=face, left_hand=None)
    fit = fit_photo(shot.image, person, body=body)
    assert fit.report.reprojection_pct_height < 1.5
    assert "left upper arm" in fit.report.missing_parts
    assert "The left forearm was hidden: its pose is a guess." in fit.report.warnings


def test_the_manifold_can_join_the_prior(body, standing):
    shot, fit = standing
    other = fit_photo(shot.image, shot.person, body=body, prior="manifold")
    assert not np.array_equal(other.motion.body_pose, fit.motion.body_pose)
    assert error_mm(body, other, shot) < error_mm(body, fit, shot) + 10


def test_feet_outside_the_picture_are_reported(body, standing):
    shot, _ = standing
    cut = int(HEIGHT * 0.72)
    person = dataclasses.replace(shot.person, mask=shot.mask[:cut])
    fit = fit_photo(shot.image[:cut], person, body=body)
    assert "left foot" in fit.report.missing_parts
    assert any("Outside the picture" in words and "both feet" in words for words in fit.report.warnings)


def test_hidden_hand_is_said_in_words(body, standing):
    shot, _ = standing
    keypoints = shot.person.keypoints.copy()
    for name in ("left_pinky", "left_index", "left_thumb"):
        keypoints[KEYPOINT_SETS["blazepose33"].index(name), 2] = 0.1
    fit = fit_photo(shot.image, dataclasses.replace(shot.person, keypoints=keypoints, left_hand=None), body=body)
    assert "The left hand was hidden: its pose is a guess." in fit.report.warnings


def test_same_input_gives_the_same_fit(body, standing):
    shot, fit = standing
    again = fit_photo(shot.image, shot.person, body=body)
    assert np.array_equal(again.motion.full_pose, fit.motion.full_pose)


@pytest.mark.parametrize(("options", "words"), [
    ({"flip_limbs": ["tail"]}, "no limb"), ({"height": 9.0}, "not plausible"), ({"focal": -3.0}, "focal"),
    ({"alpha": np.ones((5, 5), np.float32)}, "matte"), ({"prior": "vposer"}, "no prior")])
def test_bad_options_are_one_clear_sentence(body, standing, options, words):
    shot, _ = standing
    with pytest.raises(InputError, match=words):
        fit_photo(shot.image, shot.person, body=body, **options)


def test_nobody_in_the_picture(body, standing):
    shot, _ = standing
    person = dataclasses.replace(shot.person, keypoints=shot.person.keypoints + np.float32([5000, 0, 0]))
    with pytest.raises(NoPersonError):
        fit_photo(shot.image, person, body=body)


def test_the_visitor_can_stop_it(body, standing):
    shot, _ = standing
    with pytest.raises(Cancelled):
        fit_photo(shot.image, shot.person, body=body, progress=Progress(1, cancelled=lambda: True))


def test_the_fit_can_start_from_the_uplift(body, monkeypatch):
    """From the 2D landmarks alone where asked, and where the detection has no 3D."""
    from humanav.uplift.model import Prediction, Uplift

    shot = Shot(body, sitting_pose(), noise=0.5)
    asked = []

    class Knowing:
        def predict(self, keypoints, K, focal_known=True):
            asked.append((keypoints.shape, focal_known))
            posed = body(torch.as_tensor(shot.pose[None], dtype=torch.float32), vertices=False)
            local = body._pose_matrices(shot.pose[None])[0].numpy()
            root = (shot.camera.R @ posed.rotations[0, 0].numpy())[None]
            return Prediction(root, local[None, 1:22], np.ones((1, 22), np.float32))

    monkeypatch.setattr(Uplift, "load", lambda *_: Knowing())
    for person, options in ((shot.person, {"start": "both", "focal": 1.2 * HEIGHT}),
                            (dataclasses.replace(shot.person, world=None), {})):
        fit = fit_photo(shot.image, person, body=body, **options)
        assert error_mm(body, fit, shot) < 60
    assert asked == [((1, 33, 3), True), ((1, 33, 3), False)]
    with pytest.raises(InputError, match="uplift, both"):
        fit_photo(shot.image, shot.person, body=body, start="luck")
