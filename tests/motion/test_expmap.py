"""Exponential maps: the papers' recipe undone, its rest frame and its gaps, and tables that are none."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.errors import MotionFileError
from humanav.motion import load_motion, read_motion
from tests.motion.captures import captured, degrees_apart, expmap_table
from tests.motion.motions import random_motion


@pytest.fixture
def table(rng):
    """A slow motion of every joint, in the files' numbers."""
    t = np.linspace(0, 1, 9)[:, None]
    return np.concatenate([[0, 16.5, 0] + t * [0, 0, 9], 0.4 + 0.02 * np.sin(t * rng.uniform(1, 3, 114))], axis=1)


def write(path, rows, separator=","):
    np.savetxt(path, rows, fmt="%.9g", delimiter=separator)
    return path


@pytest.mark.parametrize("clip", ["02_01", "02_03", "02_06"])
def test_captured_motion_comes_back_from_its_maps(shared, tmp_path, clip):
    amc = captured(shared, f"raw/{clip}.amc")
    loaded = read_motion(write(tmp_path / "walking_1.txt", expmap_table(amc)))
    direct = load_motion(amc)
    assert degrees_apart(direct, loaded.motion).max() < 0.001
    assert loaded.motion.fps == 120
    assert any("120 frames a second" in note for note in loaded.notes)
    # Another person's legs: the path is scaled to ours from an ordinary leg length.
    np.testing.assert_allclose(np.ptp(loaded.motion.transl, axis=0), np.ptp(direct.transl, axis=0), atol=0.35)


def test_signs(table, tmp_path):
    """Written out: a knee of +0.5 about x is -0.5 in the file; seen with the leg upright."""
    table[:] = 0
    table[:, 1] = 16.5
    table[:, 3 + 3 * 3] = -0.5
    motion = load_motion(write(tmp_path / "m.txt", table))
    np.testing.assert_allclose(motion.body_pose[:, 3], np.tile([0.5, 0, 0], (len(motion), 1)) @ tilt(20).T, atol=1e-6)


def tilt(degrees):
    """The knee's axis, seen in a leg that is splayed by 20 degrees in the file and by none in ours."""
    c, s = np.cos(np.radians(-degrees)), np.sin(np.radians(-degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def test_the_rest_frame_at_the_start_is_left_out(table, tmp_path):
    rest = np.r_[table[0, :3], np.zeros(114)]
    loaded = read_motion(write(tmp_path / "m.txt", np.concatenate([rest[None], table])))
    assert len(loaded.motion) == len(table)
    assert any("rest pose" in note for note in loaded.notes)


@pytest.mark.parametrize("separator", [",", " ", "\t", "; "])
def test_separators_and_npy(table, tmp_path, separator):
    motion = load_motion(write(tmp_path / "m.txt", table, separator))
    np.save(tmp_path / "m.npy", table)
    np.testing.assert_allclose(load_motion(tmp_path / "m.npy").full_pose, motion.full_pose, atol=1e-6)


def test_gaps_are_filled_and_said(table, tmp_path):
    whole = load_motion(write(tmp_path / "m.txt", table))
    table[3, 20], table[5, 1] = np.nan, np.inf
    loaded = read_motion(write(tmp_path / "m.txt", table))
    assert loaded.missing[5, 0]
    assert loaded.missing.any(axis=1).tolist() == [False, False, False, True, False, True, False, False, False]
    assert any("2 of 9 frames" in note for note in loaded.notes)
    assert degrees_apart(whole, loaded.motion).max() < 5


@pytest.mark.parametrize("width", [66, 72, 156])
def test_tables_of_plain_axis_angle(tmp_path, width):
    motion = random_motion(frames=5, betas=0)
    back = load_motion(write(tmp_path / "m.txt", motion.full_pose.reshape(5, -1)[:, :width]), up="y")
    np.testing.assert_allclose(back.full_pose[:, :22], motion.full_pose[:, :22], atol=1e-6)


@pytest.mark.parametrize(("text", "says"), [
    ("1,2,3\n4,5,6\n", "3 numbers a line"), ("1,2\n1,2,3\n", "different length"), ("Dear reader\n", "neither"),
    (",".join(["0"] * 99) + "\n", "99 is the form"), (",".join(["nan"] * 117) + "\n", "NaN or infinite"),
])
def test_other_tables_get_one_sentence(tmp_path, text, says):
    (tmp_path / "m.txt").write_text(text)
    with pytest.raises(MotionFileError, match=says) as caught:
        load_motion(tmp_path / "m.txt")
    assert str(caught.value).endswith(".")
