"""Between motions and poses, and the captured clips by subject."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from humanav.errors import InputError, MotionFileError
from humanav.motion import Motion
from humanav.motion.operations import mirror
from humanav.posendf.cmu import cmu_clips, load_cmu, split_of
from humanav.posendf.poses import MIRROR_OF, NAMES, PARENT_OF, mirror_quats, motion_to_quats, with_quats


def motion(rng: np.random.Generator, frames: int = 20) -> Motion:
    return Motion.from_full_pose(rng.normal(0, 0.6, (frames, 55, 3)), 30.0, rng.normal(size=(frames, 3)))


def test_names_and_parents_fit_together() -> None:
    assert len(NAMES) == len(PARENT_OF) == len(MIRROR_OF) == 21
    assert NAMES[0] == "left_hip"
    assert NAMES[20] == "right_wrist"
    assert [PARENT_OF[NAMES.index(name)] for name in ("left_hip", "spine1", "left_knee")] == [-1, -1, 0]
    assert NAMES[PARENT_OF[NAMES.index("head")]] == "neck"
    assert [MIRROR_OF[MIRROR_OF[joint]] for joint in range(21)] == list(range(21))


def test_a_motion_survives_the_way_to_poses_and_back(rng: np.random.Generator) -> None:
    before = motion(rng)
    quats = motion_to_quats(before)
    assert quats.shape == (20, 21, 4)
    assert quats.dtype == torch.float32
    after = with_quats(before, quats)
    np.testing.assert_allclose(after.body_pose, before.body_pose, atol=2e-6)
    for name in ("global_orient", "transl", "left_hand_pose", "jaw_pose"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    torch.testing.assert_close(motion_to_quats(before, torch.float64).float(), quats, atol=1e-6, rtol=0)


def test_mirroring_agrees_with_that_of_motions_and_twice_is_nothing(rng: np.random.Generator) -> None:
    before = motion(rng)
    quats = motion_to_quats(before, torch.float64)
    torch.testing.assert_close(mirror_quats(quats), motion_to_quats(mirror(before), torch.float64), atol=1e-6, rtol=0)
    torch.testing.assert_close(mirror_quats(mirror_quats(quats)), quats, atol=1e-12, rtol=0)


def test_other_frames_than_the_motions_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="20 poses of 21 quaternions"):
        with_quats(motion(rng), torch.zeros(19, 21, 4))


def write_compact(path: Path, frames: int = 12) -> Path:
    """A made-up collection: four training subjects, one that validates, one that tests, and what must be dropped."""
    rng = np.random.default_rng(4)
    clips = {"01_01": "01", "02_01": "02", "02_02": "02", "05_05": "05", "07_01": "07", "135_01": "135", "x_1": "?"}
    arrays: dict[str, np.ndarray] = {
        "clip_names": np.array(list(clips)), "subjects": np.array(list(clips.values())), "fps": np.float32(30),
        "duplicate_of_asf": np.array([clip == "02_02" for clip in clips])}
    for clip in clips:
        steps = rng.normal(0, 0.05, (frames, 66))
        steps[:, 39:45] = 0  # the collars
        arrays[f"pose/{clip}"] = np.cumsum(steps, axis=0).astype(np.float16)
        arrays[f"trans/{clip}"] = np.zeros((frames, 3), np.float32)
        arrays[f"ok/{clip}"] = np.arange(frames) != 3
    np.savez(path, **arrays)
    return path


def test_clips_are_split_by_subject_without_what_is_bad(tmp_path: Path) -> None:
    path = write_compact(tmp_path / "clips.npz")
    quats, clips = load_cmu(path, "train", clips=True)
    assert sorted(set(clips)) == ["01_01", "02_01", "x_1"]
    assert len(quats) == len(clips) == 33
    assert {clip.subject for clip in cmu_clips(path, "test")} == {"135"}
    assert len(load_cmu(path, "validation")) == 11
    assert [split_of(who) for who in ("03", "135", "07", "94", "?", "60")] == [
        "test", "test", "validation", "validation", "train", "train"]


def test_bad_collections(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", poses=np.zeros((3, 66)))
    with pytest.raises(MotionFileError, match="clip_names"):
        load_cmu(tmp_path / "other.npz", "train")
    (tmp_path / "broken.npz").write_bytes(b"PK nothing")
    with pytest.raises(MotionFileError, match="not a readable"):
        load_cmu(tmp_path / "broken.npz", "train")
    np.savez(tmp_path / "hollow.npz", clip_names=np.array(["01_01"]), subjects=np.array(["01"]))
    with pytest.raises(MotionFileError, match="pose/01_01"):
        load_cmu(tmp_path / "hollow.npz", "train")
    np.savez(tmp_path / "one.npz", **{"clip_names": np.array(["01_01"]), "subjects": np.array(["01"]),
                                      "pose/01_01": np.zeros((3, 66))})
    with pytest.raises(MotionFileError, match="no usable pose for test"):
        load_cmu(tmp_path / "one.npz", "test")


def test_the_captured_clips(shared: Path) -> None:
    sizes = {split: len(load_cmu(shared / "mocap" / "cmu_subset.npz", split))
             for split in ("train", "validation", "test")}
    assert sizes == {"train": 49510, "validation": 5348, "test": 6867}
