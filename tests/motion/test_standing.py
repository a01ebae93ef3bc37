"""Skeletons whose rest pose is no posture: a stick along x, as in LaFAN1's files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.motion import load_clip, resample, write_bvh
from humanav.motion.bvh import parse_bvh
from humanav.motion.retarget import to_smplx
from humanav.motion.skeletons import Skeleton, find_bones
from humanav.motion.standing import with_standing_rest
from tests.motion.captures import captured, degrees_apart


def stick(source: Skeleton, yaw: float = 0.0) -> Skeleton:
    """The same motion on joint frames that all point along x at rest, in a world turned by ``yaw`` degrees."""
    count = len(source.names)
    turn = np.tile(np.eye(3), (count, 1, 1))
    for j in range(count):
        children = [c for c in range(count) if source.parents[c] == j]
        along = source.offsets[children[-1]] if children else np.nan_to_num(source.tips[j])
        if np.linalg.norm(along) > 1e-6:
            turn[j] = Rotation.align_vectors([along / np.linalg.norm(along)], [[1, 0, 0]])[0].as_matrix()
    above = np.array([np.eye(3) if p < 0 else turn[p] for p in source.parents])
    back = np.swapaxes(above, -1, -2)
    rotations = back @ source.rotations @ turn
    positions = np.einsum("jab,tjb->tja", back, source.positions)
    world = Rotation.from_euler("y", yaw, degrees=True).as_matrix()
    rotations[:, 0], positions[:, 0] = world @ rotations[:, 0], positions[:, 0] @ world.T
    return replace(source, offsets=np.einsum("jab,jb->ja", back, source.offsets), positions=positions,
                   tips=np.einsum("jba,jb->ja", turn, source.tips), rotations=rotations)


@pytest.fixture(scope="module")
def walk(body, tmp_path_factory):
    path = write_bvh(resample(load_clip("walk"), 15), tmp_path_factory.mktemp("bvh") / "walk.bvh", body, joints=22)
    source = parse_bvh(path)
    return replace(source, names=tuple(name.replace("spine", "back") for name in source.names))


def test_a_standing_rest_pose_is_left_alone(walk):
    assert with_standing_rest(walk, find_bones(walk)) is walk


@pytest.mark.parametrize("yaw", [0, 90, 200])
def test_the_same_joints_are_at_the_same_places(walk, yaw):
    source = stick(walk, yaw)
    mended = with_standing_rest(source, find_bones(source))
    np.testing.assert_allclose(mended.forward()[1], source.forward()[1], atol=1e-6)
    assert "does not stand" in mended.notes[-1]
    rest, bones = mended.rest(), find_bones(mended)
    assert rest[bones["head"], 1] > rest[bones["left_hip"], 1] > rest[bones["left_ankle"], 1]
    assert rest[bones["left_hip"], 0] > rest[bones["right_hip"], 0]


@pytest.mark.parametrize("yaw", [0, 90])
def test_a_stick_walks_like_the_person(walk, body, yaw):
    whole, found = to_smplx(walk, body=body).motion, to_smplx(stick(walk, yaw), body=body).motion
    apart = np.median(degrees_apart(whole, found), axis=0)
    assert apart[1:].max() < 10
    assert apart[1:].mean() < 5
    assert np.abs(found.body_pose[:, [3, 4]][..., 1:]).max() < 0.5  # knees bend forward and back only


def test_a_captured_stick(shared, body):
    source = parse_bvh(captured(shared, "raw/135_04.bvh"))
    part = slice(40, None, 8)
    source = replace(source, rotations=source.rotations[part], positions=source.positions[part], fps=15.0)
    whole, found = to_smplx(source, body=body).motion, to_smplx(stick(source), body=body).motion
    apart = np.median(degrees_apart(whole, found), axis=0)
    assert apart[[1, 2, 4, 5]].max() < 12
    assert apart[1:].mean() < 16  # these captures' own elbows bend about an axis tilted by 30 degrees
