"""Joint angles: their zero, their signs, and the built-in squat."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.body.names import JOINT_INDEX
from humanav.export import write_angles
from humanav.motion import load_clip
from humanav.motion.angles import ANGLE_NAMES, JOINT_OF_ANGLE, joint_angles
from humanav.motion.motion import Motion


def turned(joint: str, vector: tuple[float, float, float], degrees: float = 40.0) -> dict[str, float]:
    """The angles of a body that hangs its arms and turns one joint."""
    pose = np.zeros((1, 22, 3))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        pose[0, JOINT_INDEX[f"{side}_shoulder"], 2] = -sign * np.radians(90)
    if "shoulder" in joint:
        pose[0, JOINT_INDEX[joint]] = 0
    pose[0, JOINT_INDEX[joint]] += np.radians(degrees) * np.array(vector)
    return {name: float(values[0]) for name, values in joint_angles(Motion.from_full_pose(pose)).items()}


@pytest.mark.parametrize(("joint", "vector", "angle", "expected"), [
    ("left_knee", (1, 0, 0), "left_knee_flexion", 40), ("left_elbow", (0, -1, 0), "left_elbow_flexion", 40),
    ("left_hip", (-1, 0, 0), "left_hip_flexion", 40), ("left_hip", (0, 0, 1), "left_hip_abduction", 40),
    ("right_hip", (0, 0, -1), "right_hip_abduction", 40), ("left_hip", (0, -1, 0), "left_hip_rotation", 40),
    ("right_hip", (0, 1, 0), "right_hip_rotation", 40), ("right_ankle", (-1, 0, 0), "right_ankle_dorsiflexion", 40),
    ("spine2", (1, 0, 0), "trunk_flexion", 40), ("spine2", (0, 0, -1), "trunk_bend", 40),
    ("neck", (0, 1, 0), "neck_turn", 40), ("left_shoulder", (0, 0, 1), "left_shoulder_elevation", 130),
    ("left_shoulder", (0, -1, 0), "left_shoulder_forward", 40), ("pelvis", (1, 0, 0), "trunk_lean", 40),
])
def test_each_angle_has_its_sign(joint: str, vector: Any, angle: str, expected: float) -> None:
    still, moved = turned(joint, vector, 0.0), turned(joint, vector)
    assert moved[angle] == pytest.approx(expected, abs=6)
    others = [name for name in ANGLE_NAMES if abs(moved[name] - still[name]) > 12]
    assert all(JOINT_OF_ANGLE[name] == JOINT_OF_ANGLE[angle] or name == "trunk_lean" for name in others)


def test_a_hanging_body_is_near_zero() -> None:
    still = turned("pelvis", (1, 0, 0), 0.0)
    assert set(still) == set(ANGLE_NAMES)
    assert max(abs(value) for value in still.values()) < 16


def test_the_squat_bends_both_knees_and_hips() -> None:
    angles = joint_angles(load_clip("squat"))
    for name in ("left_knee_flexion", "right_knee_flexion", "left_hip_flexion"):
        assert angles[name].min() < 25
        assert angles[name].max() > 80


def test_the_table_leaves_out_what_nobody_saw(tmp_path: Path) -> None:
    motion = load_clip("squat")[:10]
    trust = np.ones((10, 55), dtype=np.float32)
    trust[4, JOINT_INDEX["left_knee"]] = 0
    motion = Motion.from_full_pose(motion.full_pose, motion.fps, motion.transl, confidence=trust)
    with write_angles(motion, tmp_path / "angles.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert rows[4]["left_knee_flexion_deg"] == ""
    assert float(rows[5]["left_knee_flexion_deg"]) == pytest.approx(joint_angles(motion)["left_knee_flexion"][5],
                                                                   abs=0.01)
    assert float(rows[5]["seconds"]) == pytest.approx(5 / 30, abs=1e-3)
