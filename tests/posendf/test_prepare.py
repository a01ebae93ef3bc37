"""Data preparation: what is sampled, split, spoilt and measured, and that nothing but the inputs decides it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from humanav.errors import InputError
from humanav.motion import Motion, save_npz
from humanav.posendf.cmu import SPLITS
from humanav.posendf.corrupt import KINDS, STRUCTURED
from humanav.posendf.data import PoseData, clean_file, describe, packed, read_arrays, shard_file, unpacked
from humanav.posendf.poses import INDEX, mirror_quats, motion_to_quats
from humanav.posendf.prepare import PrepareOptions, prepare
from humanav.posendf.quaternions import axis_angle_to_quats, half_angle, pose_distance
from humanav.posendf.sampling import collars_at_rest, middle_of, thin, vary_collars
from humanav.posendf.sources import find_takes, split_subjects
from tests.posendf.test_poses import write_compact

SMALL = PrepareOptions(queries=90, shard=40, thin=0.5)


def smooth(frames: int, seed: int, width: int = 66) -> np.ndarray:
    """A made-up take within joint limits: the first joints of any layout sway a little."""
    rng = np.random.default_rng(seed)
    phase = np.linspace(0, 3, frames)[:, None] + rng.uniform(0, 6, (1, width))
    pose = 0.12 * np.sin(phase)
    pose[:, 66:] = 0
    return pose


def write_amass(root: Path) -> Path:
    """SMPL, SMPL-H and SMPL-X takes of six subjects, with the files that lie between them, some of them broken."""
    layouts = {"SetA/s1/walk_poses.npz": {"poses": smooth(60, 1, 156), "trans": np.zeros((60, 3)),
                                          "betas": np.zeros(16), "mocap_framerate": 120.0, "gender": "male"},
               "SetA/s2/run_stageii.npz": {"poses": smooth(60, 2, 165), "trans": np.zeros((60, 3)),
                                           "pose_body": smooth(60, 2)[:, 3:], "root_orient": smooth(60, 2)[:, :3],
                                           "mocap_frame_rate": 60.0},
               "SetB/s3/sit.npz": {"pose_body": smooth(50, 3)[:, 3:], "root_orient": smooth(50, 3)[:, :3],
                                   "trans": np.zeros((50, 3)), "mocap_frame_rate": 30.0},
               "SetB/s4/smpl.npz": {"poses": smooth(50, 4, 72), "trans": np.zeros((50, 3)), "mocap_framerate": 30.0},
               "SetB/s5/deep/er/smpl.npz": {"poses": smooth(40, 5, 72), "mocap_framerate": 30.0},
               "SetC/s6/one.npz": {"poses": smooth(40, 6, 156), "mocap_framerate": 30.0},
               "SetA/s1/shape.npz": {"betas": np.zeros(16)},
               "SetA/s1/hollow_poses.npz": {"marker_data": np.zeros((4, 3))},
               "SetA/s2/joints.npz": {"poses": np.zeros((5, 60)), "mocap_framerate": 30.0}}
    for name, arrays in layouts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        np.savez(root / name, **arrays)
    (root / "SetA/s1/cut_poses.npz").write_bytes((root / "SetA/s1/walk_poses.npz").read_bytes()[:2000])
    (root / "SetA/notes.txt").write_text("not a motion")
    return root


@pytest.fixture(scope="module")
def compact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_compact(tmp_path_factory.mktemp("source") / "clips.npz", frames=60)


@pytest.fixture(scope="module")
def made(compact: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[PoseData, Path]:
    out = tmp_path_factory.mktemp("made")
    prepare("cmu", compact, out, SMALL, jobs=1)
    return PoseData.load(out), out


def test_the_middle_of_a_take() -> None:
    assert np.flatnonzero(middle_of(10, 0.8)).tolist() == list(range(1, 9))
    assert middle_of(1, 0.1).tolist() == [True]
    assert middle_of(5, 1.0).all()


def test_thinning_keeps_what_differs_from_the_last_one_kept() -> None:
    turns = torch.zeros(9, 21, 3)
    turns[:, :, 0] = torch.deg2rad(torch.tensor([0, 1, 2, 2.5, 9, 3, 2, 4.1, 9]))[:, None]
    usable = np.array([1, 1, 1, 1, 0, 1, 1, 1, 1], bool)
    chosen = thin(axis_angle_to_quats(turns), usable, 1.5)
    assert chosen.kept.tolist() == [0, 2, 7, 8]
    assert chosen.spare.tolist() == [1, 3, 5, 6]
    assert chosen.like.tolist() == [0, 1, 1, 1]
    assert len(thin(axis_angle_to_quats(turns), usable, 0).kept) == 8
    assert len(thin(axis_angle_to_quats(turns), np.zeros(9, bool), 1.5).kept) == 0


def test_varied_collars_leave_the_arms_where_they_were() -> None:
    from humanav.posendf.quaternions import multiply

    turns = 0.5 * torch.randn(500, 21, 3, generator=torch.Generator().manual_seed(0))
    turns[:, 12:14] = 0
    quats = axis_angle_to_quats(turns)
    assert collars_at_rest(quats)
    varied = vary_collars(quats, 0.4, torch.Generator().manual_seed(1))
    moved = half_angle(varied, quats) > 1e-4
    assert 0.3 < moved[:, 12].float().mean() < 0.5
    arms = [INDEX[f"{side}_{joint}"] for joint in ("collar", "shoulder") for side in ("left", "right")]
    assert not moved[:, [joint for joint in range(21) if joint not in arms]].any()
    for collar, shoulder in ((12, 15), (13, 16)):
        before = multiply(quats[:, collar], quats[:, shoulder])
        after = multiply(varied[:, collar], varied[:, shoulder])
        assert half_angle(before, torch.sign((before * after).sum(-1, keepdim=True)) * after).max() < 1e-3
    assert 5 < torch.rad2deg(2 * half_angle(varied, quats)[:, 12][moved[:, 12]]).mean() < 14
    assert not collars_at_rest(varied)


def test_what_is_stored_is_near_what_it_was() -> None:
    quats = axis_angle_to_quats(torch.randn(300, 21, 3, generator=torch.Generator().manual_seed(0)))
    assert torch.rad2deg(2 * half_angle(quats, unpacked(packed(quats)))).mean() < 0.03


def test_distances_are_true_and_masks_fit(made: tuple[PoseData, Path]) -> None:
    data, _ = made
    train = data.clean[data.clean_rows("train")]
    assert len(data.queries) == 90 + 9 + 9
    assert [len(data.query_rows(split)) for split in SPLITS] == [90, 9, 9]
    true = torch.stack([pose_distance(query, train).min() for query in data.queries])
    torch.testing.assert_close(data.distance, true, atol=2e-6, rtol=0)
    assert (data.clean_split[data.source] == data.split).all()
    structured = torch.isin(data.kind, torch.tensor([KINDS.index(name) for name in STRUCTURED]))
    moved = half_angle(data.queries, data.clean[data.source])
    kept = ~data.damaged & structured[:, None]
    assert moved[kept].max() < 2e-3  # what float16 rounds
    assert moved[structured & (data.split == 0)].max() > 0.3
    assert data.queries.dtype == torch.float32
    torch.testing.assert_close(data.queries.norm(dim=-1), torch.ones(108, 21))


def test_clean_queries_are_frames_near_the_pose_they_came_from(made: tuple[PoseData, Path]) -> None:
    data, _ = made
    clean = data.kind == KINDS.index("clean")
    apart = pose_distance(data.queries[clean], data.clean[data.source[clean]])
    assert clean.any()
    assert apart.max() < np.radians(0.5) / 2 + 0.02  # collars may differ


def test_every_pose_has_its_mirror_image(made: tuple[PoseData, Path]) -> None:
    data, _ = made
    for split in ("validation", "test"):  # collars are varied in the others
        quats = data.clean[data.clean_rows(split)]  # type: ignore[arg-type]
        half = len(quats) // 2
        assert half_angle(mirror_quats(quats[:half]), quats[half:]).max() < 1e-3


def test_no_subject_is_on_two_sides(made: tuple[PoseData, Path], compact: Path) -> None:
    from humanav.posendf.cmu import load_cmu

    data, out = made
    owners = {split: set(read_arrays(clean_file(out, split))["take_subjects"].tolist()) for split in SPLITS}
    assert owners == {"train": {"01", "02", "?"}, "validation": {"07"}, "test": {"135"}}
    train = data.clean[data.clean_rows("train")]
    held = torch.cat([load_cmu(compact, "test"), load_cmu(compact, "validation")])
    held = torch.cat([held, mirror_quats(held)])[:, [joint for joint in range(21) if joint not in (12, 13, 15, 16)]]
    nearest = torch.stack([half_angle(pose, train[:, [j for j in range(21) if j not in (12, 13, 15, 16)]]).mean(1).min()
                           for pose in held])
    assert nearest.min() > 0.01


def same(first: Path, second: Path) -> bool:
    files = sorted(file.name for file in first.glob("*.npz"))
    assert files == sorted(file.name for file in second.glob("*.npz"))
    for name in files:
        one, two = read_arrays(first / name), read_arrays(second / name)
        if any(not np.array_equal(one[key], two[key]) for key in one if key != "seconds"):
            return False
    return True


def test_jobs_do_not_matter_but_the_seed_does(made: tuple[PoseData, Path], compact: Path, tmp_path: Path) -> None:
    _, out = made
    prepare("cmu", compact, tmp_path / "two", SMALL, jobs=3)
    assert same(out, tmp_path / "two")
    prepare("npz", compact, tmp_path / "other", PrepareOptions(queries=90, shard=40, thin=0.5, seed=1), jobs=1)
    assert not same(out, tmp_path / "other")


def test_what_is_there_is_kept_and_what_is_missing_is_made_again(
        made: tuple[PoseData, Path], compact: Path, tmp_path: Path) -> None:
    _, out = made
    prepare("cmu", compact, tmp_path, SMALL, jobs=1)
    kept, lost = shard_file(tmp_path, "train", 0), shard_file(tmp_path, "train", 1)
    lost.unlink()
    (tmp_path / ".queries-train-00001.npz.77.part").write_bytes(b"half")
    before = kept.stat().st_mtime_ns
    with pytest.raises(InputError, match="is missing: run"):
        PoseData.load(tmp_path)
    prepare("cmu", compact, tmp_path, SMALL, jobs=1)
    assert kept.stat().st_mtime_ns == before
    assert same(out, tmp_path)
    assert not list(tmp_path.glob(".*.part"))


def test_a_killed_run_goes_on(made: tuple[PoseData, Path], compact: Path, tmp_path: Path) -> None:
    _, out = made
    words = [sys.executable, "-c", "import sys, time; from humanav.posendf import prepare as p\n"
             "import humanav.posendf.corrupt, humanav.posendf.cmu\n"
             "m = sys.modules['humanav.posendf.prepare']\n"
             "make = m._make_shard\n"
             "m._make_shard = lambda *a: (make(*a), time.sleep(60))\n"
             "m.prepare('cmu', sys.argv[1], sys.argv[2], m.PrepareOptions(queries=90, shard=40, thin=0.5), jobs=1)",
             str(compact), str(tmp_path)]
    process = subprocess.Popen(words, env=os.environ | {"OMP_NUM_THREADS": "1"})
    first = shard_file(tmp_path, "train", 0)
    end = time.monotonic() + 120
    while not first.is_file() and time.monotonic() < end and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert first.is_file()
    assert not shard_file(tmp_path, "train", 1).is_file()
    with pytest.raises(InputError, match="not finished"):
        PoseData.load(tmp_path)
    before = first.stat().st_mtime_ns
    prepare("cmu", compact, tmp_path, SMALL, jobs=1)
    assert first.stat().st_mtime_ns == before
    assert same(out, tmp_path)


def test_amass_folders_of_every_layout(tmp_path: Path) -> None:
    root = write_amass(tmp_path / "amass")
    manifest = prepare("amass", root, tmp_path / "out", SMALL, jobs=1)
    assert sum(manifest["takes"].values()) == 6
    assert sum(len(who) for who in manifest["subjects"].values()) == 6
    assert all(manifest["clean_poses"][split] > 0 for split in SPLITS)
    left_out = {item["file"]: item["why"] for item in manifest["left_out"]}
    assert set(left_out) == {"SetA/s1/hollow_poses.npz", "SetA/s2/joints.npz", "SetA/s1/cut_poses.npz"}
    assert "60 numbers per frame" in left_out["SetA/s2/joints.npz"]
    assert not manifest["varied_collars"]
    lines = describe(manifest)
    assert any("joints.npz" in line for line in lines)
    assert len(PoseData.load(tmp_path / "out").queries) == 108


def test_the_layouts_give_the_same_poses(tmp_path: Path) -> None:
    """The same take as SMPL-H, SMPL-X and SMPL trains the same."""
    pose = smooth(40, 1, 156)
    body = Motion.from_full_pose(pose[:, :66], 30.0)
    wanted = motion_to_quats(body)
    for style in ("amass", "smplx", "blender", "humanav"):
        place = tmp_path / style
        place.mkdir()
        save_npz(body, place / "take.npz", style)  # type: ignore[arg-type]
        prepare("npz", place / "take.npz", place / "out", PrepareOptions(queries=4, thin=0, mirror=False), jobs=1)
        clean = PoseData.load(place / "out").clean
        assert half_angle(clean, wanted[middle_of(40, 0.8)]).max() < 1e-3


def test_a_single_motion_trains_and_says_that_nothing_validates(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", poses=smooth(30, 2, 72), mocap_framerate=30.0)
    manifest = prepare("npz", tmp_path / "one.npz", tmp_path / "out", PrepareOptions(queries=4), jobs=1)
    assert manifest["clean_poses"]["train"] > 0
    assert any("validation and test" in line for line in describe(manifest))
    data = PoseData.load(tmp_path / "out")
    assert len(data.clean_rows("test")) == len(data.query_rows("test")) == 0


def test_known_data_sets_are_split_as_vposer_does(tmp_path: Path) -> None:
    for name in ("CMU/1", "KIT/2", "BioMotionLab_NTroje/3", "HumanEva/4", "MPI_HDM05/5", "SSM_synced/6", "Mine/7"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a_poses.npz").write_bytes(b"")
    takes, how = find_takes("amass", tmp_path, 0)
    assert "VPoser" in how
    assert {take.subject: take.split for take in takes} == {
        "CMU/1": "train", "KIT/2": "train", "BioMotionLab_NTroje/3": "train", "HumanEva/4": "validation",
        "MPI_HDM05/5": "validation", "SSM_synced/6": "test", "Mine/7": "train"}


def test_subjects_are_held_out_where_there_are_enough() -> None:
    assert set(split_subjects(["a", "a"], 0).values()) == {"train"}
    assert sorted(split_subjects(["a", "b"], 0).values()) == ["train", "validation"]
    many = split_subjects([str(number) for number in range(50)], 0)
    assert [list(many.values()).count(split) for split in SPLITS] == [40, 5, 5]
    assert many == split_subjects([str(number) for number in reversed(range(50))], 0)


def test_amc_files_are_split_by_the_subject_in_their_name(tmp_path: Path) -> None:
    for name in ("02_01.amc", "03_04.AMC", "94_02.bvh", "07/07_01.amc", "02.asf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    takes, _ = find_takes("cmu", tmp_path, 0)
    assert {take.name: take.split for take in takes} == {
        "02_01.amc": "train", "03_04.AMC": "test", "94_02.bvh": "validation", "07/07_01.amc": "validation"}


def test_raw_captures(shared: Path, tmp_path: Path) -> None:
    manifest = prepare("cmu", shared / "mocap" / "raw", tmp_path, PrepareOptions(queries=20), jobs=1)
    assert manifest["subjects"]["train"] == ["02"]
    assert manifest["subjects"]["test"] == ["135"]
    assert manifest["left_out"] == []


@pytest.mark.parametrize(("kind", "place", "sentence"), [
    ("amass", "nothing", "does not exist"), ("amass", "empty", "holds no motion file"),
    ("amass", "bad.npz", "is a file: --amass"), ("npz", "empty", "is a folder: --npz"),
    ("npz", "bad.npz", "60 numbers per frame"), ("npz", "nan.npz", "None of the 1 motions gives"),
    ("cmu", "text.npz", "None of the 1 motions gives"), ("cmu", "held", "no subject trains"),
])
def test_bad_input(kind: Any, place: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "bad.npz", poses=np.zeros((4, 60)))
    np.savez(tmp_path / "nan.npz", poses=np.full((4, 72), np.nan))
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "held").mkdir()
    np.savez(tmp_path / "held" / "03_01.npz", poses=smooth(20, 0, 72))
    with pytest.raises(InputError, match=sentence):
        prepare(kind, tmp_path / place, tmp_path / "out", SMALL, jobs=1)
    assert not (tmp_path / "out").exists()


def test_other_data_is_not_mixed_in(made: tuple[PoseData, Path], compact: Path, tmp_path: Path) -> None:
    tiny = PrepareOptions(queries=4)
    prepare("cmu", compact, tmp_path, tiny, jobs=1)
    with pytest.raises(InputError, match="--overwrite"):
        prepare("cmu", compact, tmp_path, PrepareOptions(queries=4, seed=2), jobs=1)
    prepare("cmu", compact, tmp_path, PrepareOptions(queries=4, seed=2), jobs=1, overwrite=True)
    assert PoseData.load(tmp_path).manifest["options"]["seed"] == 2
    shard_file(tmp_path, "train", 0).write_bytes(b"PK")
    with pytest.raises(InputError, match="damaged"):
        PoseData.load(tmp_path)
    with pytest.raises(InputError, match="holds no prepared data"):
        PoseData.load(tmp_path / "elsewhere")


def test_options_out_of_range() -> None:
    with pytest.raises(InputError, match="share of each take"):
        PrepareOptions(middle=0)
    with pytest.raises(InputError, match="at least 1"):
        PrepareOptions(queries=0)
    with pytest.raises(InputError, match="thinning"):
        PrepareOptions(thin=-1)


def test_the_command(compact: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "humanav.cli", "posendf", "prepare"]
    done = subprocess.run([*words, "--cmu", str(compact), "--out", str(tmp_path), "--queries", "20", "--jobs", "1",
                           "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["queries"] == {"train": 20, "validation": 2, "test": 2}
    assert "Making queries" in done.stderr
    done = subprocess.run([*words, "--out", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Give one source" in done.stderr
    assert "Traceback" not in done.stderr
