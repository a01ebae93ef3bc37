"""The built-in clips: planted feet, a floor, natural joints, bounded accelerations, loops that close."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_INDEX, JOINT_NAMES
from humanav.errors import InputError
from humanav.motion import CLIP_NAMES, LOOPS, load_clip

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "scripts"
FLIGHTS = {"run", "jumping_jack", "celebrate"}


@pytest.fixture(scope="module")
def played(body):
    """Per clip: the motion, its vertices (T,V,3) and joints (T,55,3)."""
    cache = {}

    def play(name):
        if name not in cache:
            cache.clear()
            motion = load_clip(name)
            with torch.no_grad():
                parts = [body.from_motion(motion, slice(i, i + 16)) for i in range(0, len(motion), 16)]
            arrays = (np.concatenate([getattr(p, k).numpy() for p in parts]) for k in ("vertices", "joints"))
            cache[name] = motion, *arrays
        return cache[name]

    return play


@pytest.fixture(scope="module")
def studio():
    sys.path.insert(0, str(SCRIPTS))
    yield importlib.import_module("make_clips")
    sys.path.remove(str(SCRIPTS))


def test_there_are_enough_of_them():
    assert len(CLIP_NAMES) >= 9
    with pytest.raises(InputError, match="the clips are"):
        load_clip("moonwalk")


@pytest.mark.parametrize("name", CLIP_NAMES)
def test_files_are_what_the_script_makes(studio, body, name):
    made, _ = studio.author(name, body)
    shipped = load_clip(name)
    assert shipped.fps == 30
    assert 3 <= shipped.duration <= 8
    np.testing.assert_allclose(shipped.full_pose, made.full_pose, atol=1e-4)
    np.testing.assert_allclose(shipped.transl, made.transl, atol=1e-4)


@pytest.mark.parametrize("name", CLIP_NAMES)
def test_floor(played, name):
    _, vertices, _ = played(name)
    lowest = vertices[..., 1].min(axis=1)
    assert lowest.min() > -0.010
    standing = lowest < 0.02
    assert standing.all() if name not in FLIGHTS else standing.mean() > 0.5
    assert lowest.max() < 0.15


@pytest.mark.parametrize("name", CLIP_NAMES)
def test_planted_feet_stay_where_they_are(studio, played, body, name):
    """The heel while the foot is on its heel or flat, the ball while it is flat or on its toes: under 5 mm of drift."""
    motion, vertices, joints = played(name)
    figure = studio.CLIPS[name](importlib.import_module("clip_studio").Feet(body))
    rest = body.rest()[0].numpy()
    main = np.asarray(body.skin_index)[np.arange(len(rest)), np.asarray(body.skin_weight).argmax(axis=1)]
    for side, ankle, toe in (("left", 7, 10), ("right", 8, 11)):
        sole = (main == ankle) & (rest[:, 1] < rest[main == ankle, 1].min() + 0.005)
        heel = np.flatnonzero(sole)[np.argsort(rest[sole, 2])[:6]]
        plan = figure.feet[side]
        assert len(plan["planted"]) == len(motion)
        edges = np.flatnonzero(np.diff(plan["planted"].astype(int))) + 1
        for part in np.split(np.arange(len(motion)), edges):
            if not plan["planted"][part[0]]:
                continue
            on_heel = part[plan["pitch"][part] >= -0.01]
            on_ball = part[plan["pitch"][part] <= 0.01]
            for track in (vertices[on_heel][:, heel].mean(axis=1), joints[on_ball, toe]):
                if len(track) > 1:
                    assert np.ptp(track[:, [0, 2]], axis=0).max() < 0.005
                    assert track[:, 1].max() < 0.04


@pytest.mark.parametrize("name", CLIP_NAMES)
def test_joints_bend_the_natural_way(name):
    motion = load_clip(name)
    knees = motion.body_pose[:, [3, 4]]
    assert np.degrees(knees[..., 0].min()) > 0  # never hyperextended
    assert np.degrees(np.abs(knees[..., 1:]).max()) < 1  # a hinge
    for side, sign in (("left", -1), ("right", 1)):
        elbow = motion.full_pose[:, JOINT_INDEX[f"{side}_elbow"]]
        assert (sign * elbow[:, 1]).min() > 0
        fingers = [JOINT_INDEX[f"{side}_{f}{k}"] for f in ("index", "middle", "ring", "pinky") for k in (1, 2, 3)]
        curl = np.degrees(sign * motion.full_pose[:, fingers, 2])
        assert curl.min() > 2  # relaxed: never flat, never bent back
        assert curl.max() < 90
    angle = dict(zip(JOINT_NAMES, np.degrees(np.linalg.norm(motion.full_pose, axis=-1)).max(axis=0)))
    assert max(angle["left_foot"], angle["right_foot"]) < 65
    assert max(angle["left_ankle"], angle["right_ankle"]) < 70
    assert max(angle[name] for name in ("spine1", "spine2", "spine3", "neck", "head", "left_wrist", "right_wrist")) < 40


@pytest.mark.parametrize("name", CLIP_NAMES)
def test_smooth(played, name):
    """Accelerations as people have them; nothing jumps between frames."""
    motion, _, joints = played(name)
    acceleration = np.diff(joints, 2, axis=0) * motion.fps**2
    assert np.linalg.norm(acceleration, axis=-1).max() < (110 if name in ("run", "celebrate") else 75)
    assert np.linalg.norm(np.diff(joints[:, 15], 2, axis=0) * motion.fps**2, axis=-1).max() < 30  # the head is steady
    pose = motion.full_pose
    step = Rotation.from_rotvec(pose[:-1].reshape(-1, 3)).inv() * Rotation.from_rotvec(pose[1:].reshape(-1, 3))
    speed = step.as_rotvec().reshape(-1, 55, 3) * motion.fps
    assert np.linalg.norm(speed, axis=-1).max() < 20  # radians a second
    assert np.linalg.norm(np.diff(speed, axis=0) * motion.fps, axis=-1).max() < 480


@pytest.mark.parametrize("name", sorted(LOOPS))
def test_loops_close(name):
    motion = load_clip(name)
    np.testing.assert_array_equal(motion.full_pose[0], motion.full_pose[-1])
    travel = motion.transl[-1] - motion.transl[0]
    assert np.abs(travel[:2]).max() < 1e-5
    assert travel[2] == pytest.approx({"walk": 5.33, "run": 11.34}.get(name, 0), abs=0.01)
    # and with the same speed: the steps over the seam change no faster than those within
    seam = np.diff(np.concatenate([motion.full_pose[-3:-1], motion.full_pose[:3]]), 2, axis=0)
    assert np.abs(seam).max() < 1.05 * np.abs(np.diff(motion.full_pose, 2, axis=0)).max()


def test_walk_swings_arms_against_legs_and_rises_twice_a_cycle():
    walk = load_clip("walk")
    hip = walk.body_pose[:, 0, 0] - walk.body_pose[:, 1, 0]  # positive: the left thigh is further back
    left, right = (Rotation.from_rotvec(walk.full_pose[:, j]).apply([x, 0, 0])[:, 2] for j, x in ((16, 1), (17, -1)))
    assert np.corrcoef(hip, left - right)[0, 1] > 0.8
    height = walk.transl[:-1, 1] - walk.transl[:-1, 1].mean()
    assert np.argmax(np.abs(np.fft.rfft(height))) == 8  # four cycles
    assert 0.02 < np.ptp(height) < 0.06
