"""BVH: what we write comes back, foreign skeletons are understood, damaged files are told apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from humanav.errors import MotionFileError, StorageError
from humanav.motion import load_clip, load_motion, read_bvh, resample, write_bvh
from humanav.motion.bvh import parse_bvh
from humanav.motion.skeletons import find_bones, split_side
from tests.motion.motions import random_motion


def joints_of(body, motion):
    with torch.no_grad():
        return body.from_motion(motion, vertices=False).joints.numpy()


@pytest.mark.parametrize("count", [22, 55])
def test_written_file_comes_back(tmp_path, body, count):
    motion = random_motion(frames=20, fps=60, betas=10)
    path = write_bvh(motion, tmp_path / "m.bvh", body, joints=count)
    back = read_bvh(path, body, betas=motion.betas)
    assert back.fps == pytest.approx(60, abs=1e-5)
    difference = joints_of(body, back)[:, :count] - joints_of(body, motion)[:, :count]
    assert np.abs(difference).max() < 1e-4  # a tenth of a millimetre


def test_written_file_is_a_bvh_in_centimetres(tmp_path, body):
    motion = load_clip("walk")
    skeleton = parse_bvh(write_bvh(motion, tmp_path / "walk.bvh", body))
    assert len(skeleton.names) == 55
    assert len(skeleton.rotations) == len(motion)
    _, positions = skeleton.forward()
    ours = joints_of(body, motion)
    order = [body.joint_names.index(name) for name in skeleton.names]
    np.testing.assert_allclose(positions / 100, ours[:, order], atol=1e-4)


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
@pytest.mark.parametrize("unit", [1.0, 100.0, 39.37])
def test_any_channel_order_and_unit(tmp_path, body, order, unit):
    motion = random_motion(frames=4, betas=0)
    path = tmp_path / "m.bvh"
    path.write_text(mixamo_bvh(body, motion, order, unit))
    back = read_bvh(path, body)
    assert np.abs(joints_of(body, back)[:, :22] - joints_of(body, motion)[:, :22]).max() < 1e-3


def mixamo_bvh(body, motion, order="ZXY", unit=100.0, turn=None) -> str:
    """The motion on a skeleton with Mixamo's names in which the rest pose and the world are turned by ``turn``."""
    rest = body.rest()[1].numpy()
    turn = np.eye(3) if turn is None else turn
    names = {0: "Hips", 3: "Spine", 6: "Spine1", 9: "Spine2", 12: "Neck", 15: "Head"}
    for side, k in (("Left", 0), ("Right", 1)):
        names |= {1 + k: f"{side}UpLeg", 4 + k: f"{side}Leg", 7 + k: f"{side}Foot", 10 + k: f"{side}ToeBase",
                  13 + k: f"{side}Shoulder", 16 + k: f"{side}Arm", 18 + k: f"{side}ForeArm", 20 + k: f"{side}Hand"}
    names = {j: f"mixamorig:{name}" for j, name in names.items()}
    channels = " ".join(f"{axis}rotation" for axis in order)
    lines, written = ["HIERARCHY"], []

    def emit(j, parent):
        written.append(j)
        offset = turn @ (rest[j] - rest[parent]) * unit if j else np.zeros(3)
        count = "3 " if j else "6 Xposition Yposition Zposition "
        lines.extend([("JOINT " if j else "ROOT ") + names[j], "{", "OFFSET " + " ".join(map(str, offset)),
                      "CHANNELS " + count + channels])
        children = [c for c in names if body.parents[c] == j]
        for child in children:
            emit(child, j)
        if not children:
            tip = {15: [0, 0.1, 0], 10: [0, 0, 0.05], 11: [0, 0, 0.05], 20: [0.08, 0, 0], 21: [-0.08, 0, 0]}[j]
            lines.extend(["End Site", "{", "OFFSET " + " ".join(map(str, turn @ tip * unit)), "}"])
        lines.append("}")

    emit(0, 0)
    pelvis = (rest[0] + motion.transl) @ turn.T * unit
    matrices = turn @ Rotation.from_rotvec(motion.full_pose.reshape(-1, 3)).as_matrix() @ turn.T
    angles = Rotation.from_matrix(matrices).as_euler(order, degrees=True).reshape(len(motion), 55, 3)
    lines += ["MOTION", f"Frames: {len(motion)}", "Frame Time: 0.033333333"]
    for frame in range(len(motion)):
        lines.append(" ".join(f"{x:.8f}" for x in [*pelvis[frame], *angles[frame, written].reshape(-1)]))
    return "\n".join(lines)


def test_z_up_world_stands_upright(tmp_path, body):
    motion = random_motion(frames=4, betas=0)
    path = tmp_path / "blender.bvh"
    path.write_text(mixamo_bvh(body, motion, turn=np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])))
    back = read_bvh(path, body)
    assert np.abs(joints_of(body, back)[:, :22] - joints_of(body, motion)[:, :22]).max() < 1e-3


def test_longer_legs_take_longer_steps(tmp_path, body):
    """The path is scaled with the legs, so that a tall capture does not hover."""
    path = tmp_path / "walk.bvh"
    walk = load_clip("walk")
    path.write_text(mixamo_bvh(body, walk, unit=130.0))
    back = read_bvh(path, body)
    np.testing.assert_allclose(back.transl, walk.transl, atol=1e-3)
    assert read_bvh(path, body, scale=0.01).transl[-1, 2] == pytest.approx(walk.transl[-1, 2] * 1.3, rel=0.03)


@pytest.mark.parametrize(("name", "expected"), [
    ("mixamorig:LeftUpLeg", ("left", "upleg")), ("lThigh", ("left", "thigh")), ("LHipJoint", ("left", "hipjoint")),
    ("R_Hip", ("right", "hip")), ("upper_arm.L", ("left", "upperarm")), ("Bip01 R Clavicle", ("right", "clavicle")),
    ("thigh_l", ("left", "thigh")), ("LowerBack", ("", "lowerback")), ("right_ankle", ("right", "ankle")),
    ("m_avg_L_Knee", ("left", "knee")), ("Root", ("", "root")), ("rShldr", ("right", "shldr")), ("Hips", ("", "hips")),
])
def test_side_and_core_of_a_name(name, expected):
    assert split_side(name) == expected


def test_agrees_with_the_reference_reading_of_a_captured_file(shared, body):
    """A cgspeed file of CMU's database against the same clip as read by an independent program."""
    source, reference = shared / "mocap" / "raw" / "135_04.bvh", shared / "mocap" / "cmu_subset.npz"
    if not source.is_file() or not reference.is_file():
        pytest.skip("the captured files are absent")
    motion = resample(load_motion(source, body), 30)
    with np.load(reference) as data:
        pose = data["pose/135_04"].astype(float).reshape(-1, 22, 3)
    count = min(len(motion) - 1, len(pose))
    ours = Rotation.from_rotvec(motion.full_pose[1 : count + 1, :22].reshape(-1, 3))
    angle = np.degrees((ours.inv() * Rotation.from_rotvec(pose[:count].reshape(-1, 3))).magnitude()).reshape(-1, 22)
    median = np.median(angle, axis=0)
    assert np.delete(median, [7, 8, 18, 19, 20, 21]).max() < 0.5  # hips, knees, spine, shoulders: the same rotations
    assert median.max() < 6.5  # feet and hands: another choice of the rest direction
    joints = joints_of(body, motion)
    assert 0.75 < (joints[:, 15, 1] - joints[:, [7, 8], 1].min(axis=1)).mean() < 1.6
    assert len(find_bones(parse_bvh(source))) > 20


GOOD = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  End Site
  {
    OFFSET 0 1 0
  }
}
MOTION
Frames: 2
Frame Time: 0.0333
0 0 0 0 0 0
0 0 0 0 0 0
"""


@pytest.mark.parametrize(("text", "says"), [
    (GOOD, "not recognised"),
    (GOOD.replace("MOTION", "MOTIONLESS")[:150], "HIERARCHY and MOTION"),
    (GOOD.replace("OFFSET 0 0 0", "OFFSET 0 x 0"), "HIERARCHY section"),
    (GOOD.replace("CHANNELS 6", "CHANNELS six"), "HIERARCHY section"),
    (GOOD.replace("Frames: 2", "Frames: 3"), "ends early"),
    (GOOD.replace("Frames: 2", "Frames: 9000000000000"), "9000000000000"),
    (GOOD.replace("Frames: 2", "Frames: 0"), "no frames"),
    (GOOD.replace("0.0333", "0"), "frame time"),
    (GOOD.replace("0.0333", "fast"), "Frame Time"),
    (GOOD.replace("0 0 0 0 0 0\n0", "0 0 nan 0 0 0\n0"), "NaN"),
    (GOOD.replace("0 0 0 0 0 0\n0", "0 0 zero 0 0 0\n0"), "not a number"),
    (GOOD.replace("Zrotation", "Wrotation"), "channel"),
    ("HIERARCHY\nlorem ipsum\nMOTION\n", "HIERARCHY section"),
])
def test_bad_file_gets_one_sentence(tmp_path, text, says):
    path = tmp_path / "bad.bvh"
    path.write_text(text)
    with pytest.raises(MotionFileError, match=says) as caught:
        load_motion(path)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_unwritable(tmp_path, body):
    with pytest.raises(StorageError, match="cannot be written"):
        write_bvh(random_motion(), tmp_path / "no folder" / "m.bvh", body)
