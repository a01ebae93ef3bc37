"""Training frames, their sampling, the synthetic teacher and the check of generated frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.avatar import Avatar, View
from humanav.avatar.gaussian.cloth import ClothModel, looseness_of
from humanav.avatar.gaussian.frames import FrameSampler, TrainFrame, captured, captured_frame, clip_views
from humanav.avatar.gaussian.generators import PoseFrame, accept, frame_camera, plan_poses
from humanav.avatar.gaussian.teacher import Drift, SyntheticTeacher, draw
from humanav.avatar.regions import PART, part_membership
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.metrics import iou
from humanav.motion import Motion
from humanav.render import silhouette
from tests.avatar.gaussian.conftest import bent


def still(kind: str, weight: float = 1.0) -> TrainFrame:
    camera = Camera.from_focal(8, 8)
    pose, transl = np.zeros((55, 3), np.float32), np.zeros(3, np.float32)
    return TrainFrame(np.zeros((8, 8, 3), np.float32), np.ones((8, 8), np.float32), camera, pose, transl,
                      kind, weight=weight)  # type: ignore[arg-type]


@pytest.mark.parametrize(("real", "made", "share"), [(1, 40, 0.5), (24, 10, 0.9), (4, 4, 0.75)])
def test_half_of_the_steps_are_captured_and_more_of_many_frames(real: int, made: int, share: float) -> None:
    frames = [still("captured")] * real + [still("generated")] * made
    order = list(FrameSampler(frames, seed=3).order(0, 2000))
    assert np.mean(np.array(order) < real) == pytest.approx(share, abs=0.02)
    assert set(order) == set(range(real + made))
    plain = list(FrameSampler(frames, balanced=False, seed=3).order(0, 2000))
    assert np.mean(np.array(plain) < real) == pytest.approx(real / (real + made), abs=0.02)


def test_the_order_repeats_and_can_be_gone_on_from() -> None:
    frames = [still("captured"), *[still("generated")] * 9]
    whole = list(FrameSampler(frames, seed=5).order(0, 300))
    assert list(FrameSampler(frames, seed=5).order(130, 170)) == whole[130:]
    assert list(FrameSampler(frames, seed=6).order(0, 300)) != whole


def test_weights_and_one_kind_alone() -> None:
    frames = [still("generated", 3.0), still("generated", 1.0), still("generated", 0.0)]
    order = np.array(list(FrameSampler(frames).order(0, 4000)))
    assert (order == 0).mean() == pytest.approx(0.75, abs=0.02)
    assert not (order == 2).any()
    with pytest.raises(InputError, match="no frame"):
        FrameSampler([])
    with pytest.raises(InputError, match="weight 0"):
        FrameSampler([still("captured", 0.0)])


def test_a_photo_becomes_a_frame_of_the_person(photo: View, mesh: Avatar) -> None:
    frame = captured_frame(photo, 160)
    assert max(frame.alpha.shape) == 160
    covered = silhouette(mesh.pose(frame.full_pose, frame.transl), mesh.faces, frame.camera)
    assert iou(covered, frame.alpha > 0.5) > 0.93
    half = frame.halved()
    assert max(half.alpha.shape) == 80
    covered = silhouette(mesh.pose(frame.full_pose, frame.transl), mesh.faces, half.camera)
    assert iou(covered, half.alpha > 0.5) > 0.9


def test_bad_views_are_refused(photo: View) -> None:
    with pytest.raises(InputError, match="no picture"):
        captured([])
    with pytest.raises(InputError, match="no person"):
        captured([replace(photo, alpha=np.zeros_like(photo.alpha))])
    with pytest.raises(InputError, match="same size"):
        captured([replace(photo, alpha=photo.alpha[:-1])])
    with pytest.raises(InputError, match="mask is empty"):
        replace(still("captured"), alpha=np.zeros((8, 8), np.float32))
    with pytest.raises(InputError, match="NaN"):
        replace(still("captured"), transl=np.full(3, np.nan, np.float32))


def test_a_clip_becomes_views(photo: View) -> None:
    motion = Motion.from_full_pose(np.repeat(photo.motion.full_pose, 3, 0), 30.0, np.repeat(photo.motion.transl, 3, 0),
                                   photo.motion.betas)
    views = clip_views([photo.image] * 3, [photo.alpha] * 3, photo.camera, motion)
    assert [len(view.motion) for view in views] == [1, 1, 1]
    with pytest.raises(InputError, match="2 pictures"):
        clip_views([photo.image] * 2, [photo.alpha] * 3, photo.camera, motion)


def test_planned_poses_differ_and_show_all_sides(mesh: Avatar, photo: View) -> None:
    own = photo.motion.full_pose[0]
    plan = plan_poses(mesh, 12, 96, own_pose=own)
    assert sum(np.allclose(frame.full_pose, own) for frame in plan) == 4
    others = np.stack([f.full_pose[1:22].ravel() for f in plan if not np.allclose(f.full_pose, own)])
    apart = np.linalg.norm(others[:, None] - others[None], axis=2) + 9 * np.eye(len(others))
    assert apart.min() > 0.5
    yaws = np.degrees([np.arctan2(*(f.camera.center - mesh.joints[0])[[0, 2]]) for f in plan])
    assert (np.diff(np.sort(yaws)) < 75).all()
    for frame in plan:
        covered = silhouette(mesh.pose(frame.full_pose, frame.transl), mesh.faces, frame.camera)
        border = np.concatenate([covered[0], covered[-1], covered[:, 0], covered[:, -1]])
        assert not border.any()
        assert covered.mean() > 0.1


def one_pose(mesh: Avatar, size: int = 96) -> PoseFrame:
    pose = bent(left_hip=(-0.9, 0, 0), left_knee=(0.9, 0, 0), right_shoulder=(0, 0, 0.9))
    return PoseFrame(pose, np.zeros(3, np.float32), frame_camera(mesh, pose, np.zeros(3), 20, 5, size))


def test_without_cloth_and_drift_the_teacher_draws_the_mesh(mesh: Avatar) -> None:
    wanted = one_pose(mesh)
    stiff = SyntheticTeacher(mesh, ClothModel(np.zeros(len(mesh.vertices), np.float32)))
    frame = stiff.generate(None, [wanted])[0]
    rgb, alpha, depth, normal = draw(mesh, mesh.pose(wanted.full_pose), wanted.camera)
    np.testing.assert_array_equal(frame.image, rgb)
    np.testing.assert_array_equal(frame.alpha, alpha)
    inside = alpha == 1
    middle = mesh.pose(wanted.full_pose).mean(axis=0)
    assert depth[inside].mean() == pytest.approx(np.linalg.norm(wanted.camera.center - middle), abs=0.3)
    np.testing.assert_allclose(np.linalg.norm(normal[inside], axis=-1), 1, atol=1e-4)
    assert (normal[inside] @ -wanted.camera.R[2] > -0.2).mean() > 0.97
    assert frame.kind == "generated"
    assert frame.provenance["generator"] == "synthetic teacher"


def test_cloth_moves_with_the_pose_and_skin_does_not(mesh: Avatar) -> None:
    cloth = looseness_of(mesh)
    hands = np.isin(part_membership(mesh.skin_index.astype(int), mesh.skin_weight).argmax(1),
                    (PART["left_hand"], PART["right_hand"]))
    assert cloth.looseness[hands].max() < 0.3
    assert cloth.looseness.max() > 0.4
    pose = one_pose(mesh).full_pose
    moved = np.linalg.norm(cloth.offsets(mesh, pose), axis=1)
    assert moved[cloth.looseness == 0].max() == 0
    assert 0.003 < moved.max() < 0.15
    turned = pose.copy()
    turned[JOINT_INDEX["pelvis"]] = (0.4, 1.0, 0.1)
    np.testing.assert_array_equal(cloth.offsets(mesh, turned), cloth.offsets(mesh, pose))
    assert np.abs(replace(cloth, reference=pose).offsets(mesh, pose)).max() == 0


def test_drift_changes_colours_only_and_repeats(mesh: Avatar) -> None:
    wanted = [one_pose(mesh)] * 2
    exact = SyntheticTeacher(mesh).generate(None, wanted, seed=1)
    drifting = SyntheticTeacher(mesh, drift=Drift(0.1, 1.0, 1.5))
    frames = drifting.generate(None, wanted, seed=1)
    for frame, same, truth in zip(frames, drifting.generate(None, wanted, seed=1), exact):
        np.testing.assert_array_equal(frame.image, same.image)
        np.testing.assert_array_equal(frame.alpha, truth.alpha)
        np.testing.assert_array_equal(frame.depth, truth.depth)
        assert np.abs(frame.image - truth.image).mean() > 0.01
    assert np.abs(frames[0].image - frames[1].image).mean() > 0.01


def test_frames_that_disagree_with_the_body_are_left_out(mesh: Avatar) -> None:
    wanted = one_pose(mesh)
    good = SyntheticTeacher(mesh).generate(None, [wanted])[0]
    bad = replace(good, full_pose=bent(left_shoulder=(0, 0, -1.4), right_shoulder=(0, 0, 1.4), left_hip=(0, 0, 0.6)))
    kept, rejected = accept([good, bad], mesh)
    assert kept == [good]
    assert [r.frame for r in rejected] == [1]
    assert "80%" in rejected[0].reason
