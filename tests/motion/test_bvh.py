"""BVH: what we write comes back, foreign skeletons are understood, damaged files are told apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from humanav.errors import MotionFileError, StorageError
from humanav.motion import Motion, load_clip, load_motion, read_bvh, resample, write_bvh
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


NAMES = {  # pelvis, spine1-3, neck, head; then hip, knee, ankle, foot, collar, shoulder, elbow, wrist of one side
    "mixamo": ("mixamorig:Hips Spine Spine1 Spine2 Neck Head", "{Left}UpLeg {Left}Leg {Left}Foot {Left}ToeBase "
               "{Left}Shoulder {Left}Arm {Left}ForeArm {Left}Hand"),
    "daz": ("hip abdomen abdomen2 chest neck head",
            "{l}Thigh {l}Shin {l}Foot {l}Toe {l}Collar {l}Shldr {l}ForeArm {l}Hand"),
    "unreal": ("pelvis spine_01 spine_02 spine_03 neck_01 head", "thigh_{l} calf_{l} foot_{l} ball_{l} clavicle_{l} "
               "upperarm_{l} lowerarm_{l} hand_{l}"),
    "rigify": ("hips spine spine.001 spine.002 neck head", "thigh.{L} shin.{L} foot.{L} toe.{L} shoulder.{L} "
               "upper_arm.{L} forearm.{L} hand.{L}"),
    "vrm": ("Hips Spine Chest UpperChest Neck Head", "{Left}UpperLeg {Left}LowerLeg {Left}Foot {Left}Toes "
            "{Left}Shoulder {Left}UpperArm {Left}LowerArm {Left}Hand"),
    "biped": ("Bip01 Bip01_Spine Bip01_Spine1 Bip01_Spine2 Bip01_Neck Bip01_Head", "Bip01_{L}_Thigh Bip01_{L}_Calf "
              "Bip01_{L}_Foot Bip01_{L}_Toe0 Bip01_{L}_Clavicle Bip01_{L}_UpperArm Bip01_{L}_Forearm Bip01_{L}_Hand"),
    "vroid": ("J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_Chest J_Bip_C_UpperChest J_Bip_C_Neck J_Bip_C_Head",
              "J_Bip_{L}_UpperLeg J_Bip_{L}_LowerLeg J_Bip_{L}_Foot J_Bip_{L}_ToeBase J_Bip_{L}_Shoulder "
              "J_Bip_{L}_UpperArm J_Bip_{L}_LowerArm J_Bip_{L}_Hand"),
    "iclone": ("CC_Base_Hip CC_Base_Waist CC_Base_Spine01 CC_Base_Spine02 CC_Base_NeckTwist01 CC_Base_Head",
               "CC_Base_{L}_Thigh CC_Base_{L}_Calf CC_Base_{L}_Foot CC_Base_{L}_ToeBase CC_Base_{L}_Clavicle "
               "CC_Base_{L}_Upperarm CC_Base_{L}_Forearm CC_Base_{L}_Hand"),
    "bandai": ("Hips Spine Chest UpperChest Neck Head", "UpperLeg_{L} LowerLeg_{L} Foot_{L} Toes_{L} Shoulder_{L} "
               "UpperArm_{L} LowerArm_{L} Hand_{L}"),
    "kinect": ("SpineBase SpineMid SpineShoulder Chest Neck Head", "Hip{Left} Knee{Left} Ankle{Left} Foot{Left} "
               "Collar{Left} Shoulder{Left} Elbow{Left} Wrist{Left}"),
    "plain": ("Root Spine Spine1 Chest Neck Head", "{Left}Hip {Left}Knee {Left}Ankle {Left}Toe {Left}Collar "
              "{Left}Shoulder {Left}Elbow {Left}Wrist"),
}


@pytest.mark.parametrize("style", NAMES)
def test_skeletons_of_many_names(tmp_path, body, style):
    motion = random_motion(frames=4, betas=0)
    path = tmp_path / "m.bvh"
    path.write_text(mixamo_bvh(body, motion, style=style))
    assert np.abs(joints_of(body, read_bvh(path, body))[:, :22] - joints_of(body, motion)[:, :22]).max() < 1e-3


@pytest.mark.parametrize("down", [40, 75])
def test_rest_pose_with_arms_down(tmp_path, body, down):
    """A source at rest in an A-pose: its zero rotations are not our zero rotations."""
    motion = random_motion(frames=4, betas=0)
    path = tmp_path / "a_pose.bvh"
    path.write_text(mixamo_bvh(body, motion, arms_down=down))
    assert np.abs(joints_of(body, read_bvh(path, body))[:, :22] - joints_of(body, motion)[:, :22]).max() < 2e-3


def mixamo_bvh(body, motion, order="ZXY", unit=100.0, turn=None, style="mixamo", arms_down=0.0) -> str:
    """The motion on a foreign skeleton.

    Its joints are named as NAMES[style] says, its rest pose and world turned by ``turn``, its arms hang at rest.
    """
    rest = body.rest()[1].numpy()
    turn = np.eye(3) if turn is None else turn
    middle, limbs = NAMES[style]
    names = dict(zip((0, 3, 6, 9, 12, 15), middle.split()))
    for k, side in enumerate(("Left", "Right")):
        words = limbs.format(Left=side, L=side[0], l=side[0].lower()).split()
        names |= dict(zip((1 + k, 4 + k, 7 + k, 10 + k, 13 + k, 16 + k, 18 + k, 20 + k), words))
    hanging = np.tile(np.eye(3), (55, 1, 1))  # rest rotation of each joint against our T-pose
    for k, sign in ((0, -1), (1, 1)):
        hanging[[16 + k, 18 + k, 20 + k]] = Rotation.from_euler("z", sign * arms_down, degrees=True).as_matrix()
    channels = " ".join(f"{axis}rotation" for axis in order)
    lines, written = ["HIERARCHY"], []

    def emit(j, parent):
        written.append(j)
        offset = turn @ hanging[parent] @ (rest[j] - rest[parent]) * unit if j else np.zeros(3)
        count = "3 " if j else "6 Xposition Yposition Zposition "
        lines.extend([("JOINT " if j else "ROOT ") + names[j], "{", "OFFSET " + " ".join(map(str, offset)),
                      "CHANNELS " + count + channels])
        children = [c for c in names if body.parents[c] == j]
        for child in children:
            emit(child, j)
        if not children:
            tip = {15: [0, 0.1, 0], 10: [0, 0, 0.05], 11: [0, 0, 0.05], 20: [0.08, 0, 0], 21: [-0.08, 0, 0]}[j]
            lines.extend(["End Site", "{", "OFFSET " + " ".join(map(str, turn @ hanging[j] @ tip * unit)), "}"])
        lines.append("}")

    emit(0, 0)
    pelvis = (rest[0] + motion.transl) @ turn.T * unit
    local = Rotation.from_rotvec(motion.full_pose.reshape(-1, 3)).as_matrix().reshape(-1, 55, 3, 3)
    parents = [max(parent, 0) for parent in body.parents]
    matrices = turn @ (hanging[parents] @ local @ np.swapaxes(hanging, -1, -2)) @ turn.T
    angles = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_euler(order, degrees=True).reshape(len(motion), 55, 3)
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


def test_jump_from_the_rest_pose_is_left_out(tmp_path, body):
    pose = random_motion(frames=12, betas=0).full_pose.copy()
    pose[:, 17] = [0, 0, 1.2]
    pose[0] = 0
    path = tmp_path / "cgspeed.bvh"
    path.write_text(mixamo_bvh(body, Motion.from_full_pose(pose, 30, np.tile([0, 1.3, 0], (12, 1)))))
    assert len(read_bvh(path, body)) == 11
    pose[0] = pose[1]
    path.write_text(mixamo_bvh(body, Motion.from_full_pose(pose, 30, np.tile([0, 1.3, 0], (12, 1)))))
    assert len(read_bvh(path, body)) == 12


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
    ("m_avg_L_Knee", ("left", "knee")), ("J_Bip_L_UpperLeg", ("left", "upperleg")), ("lfemur", ("left", "femur")),
    ("CC_Base_R_Forearm", ("right", "forearm")), ("UpperLeg_L", ("left", "upperleg")), ("HipLeft", ("left", "hip")),
    ("lowerback", ("", "lowerback")), ("rhand", ("right", "hand")), ("root", ("", "root")),
 ("Root", ("", "root")), ("rShldr", ("right", "shldr")), ("Hips", ("", "hips")),
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
    count = min(len(motion), len(pose))  # both leave out the jump from the rest pose at the start
    ours = Rotation.from_rotvec(motion.full_pose[:count, :22].reshape(-1, 3))
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
    (GOOD.replace("0 0 0 0 0 0", "0 0 nan 0 0 0"), "NaN"),
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
