"""Verbs that read or write a motion: whole files or none, and one sentence for what cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from humanav import cli
from humanav.cli.shared import whole
from humanav.errors import MotionFileError, StorageError
from humanav.jobs import resolve_motion
from humanav.motion import load_clip, load_motion, save_npz, write_bvh


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(word) for word in words])
    return int(stop.value.code or 0)


def fill(target: Path, error: Exception) -> None:
    with whole(target) as part:
        part.write_bytes(b"half")
        raise error


@pytest.fixture
def short(tmp_path: Path) -> Path:
    return save_npz(load_clip("walk")[:12], tmp_path / "short.npz")


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.npz"
    with pytest.raises(StorageError, match=r"a\.npz cannot be written"):
        fill(target, OSError(28, "No space left on device"))
    assert list(target.parent.iterdir()) == []
    with whole(target) as part:
        part.write_bytes(b"all")
    assert [file.name for file in target.parent.iterdir()] == ["a.npz"]


def test_an_old_file_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    target = tmp_path / "a.npz"
    target.write_bytes(b"old")
    with pytest.raises(ValueError, match="stop"):
        fill(target, ValueError("stop"))
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("verb", ["project", "repair", "denoise"])
def test_an_output_that_cannot_be_written_is_one_sentence(
    verb: str, short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file, no folder")
    for out in (blocked / "x.npz", tmp_path / "x.bvh"):
        assert run("posendf", verb, short, "--out", out) == 2
        last = capsys.readouterr().err.strip().splitlines()[-1]
        assert last.startswith("humanav: ")
        assert out.name in last
    assert {file.name for file in tmp_path.iterdir()} == {"file", "short.npz"}


def test_a_folder_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*_: object, **__: object) -> None:
        (tmp_path / "file" / "weights").mkdir()

    monkeypatch.setattr("humanav.posendf.training.train", train)
    (tmp_path / "file").write_text("a file, no folder")
    assert run("posendf", "train") == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("humanav: ")
    assert said.endswith("weights cannot be read or written (Not a directory): choose another place.")
    with pytest.raises(NotADirectoryError):
        cli.main(["posendf", "train", "--debug"])


@pytest.mark.parametrize("place", ["nowhere.npz", "bare.npy"])
def test_clips_that_are_none_are_one_sentence(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "bare.npy", np.zeros(3))
    assert run("posendf", "motion-prior", "--cmu", tmp_path / place, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("humanav: ")
    assert place in said
    assert "Errno" not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [("repair", "--alarm", "7"), ("denoise", "--strength", "99")])
def test_options_out_of_range_are_refused(words: tuple[str, ...], short: Path, tmp_path: Path) -> None:
    verb, *options = words
    assert run("posendf", verb, short, *options, "--out", tmp_path / "out.npz") == 2
    assert not (tmp_path / "out.npz").exists()


def test_convert_leaves_nothing_behind_where_it_cannot_write(short: Path, tmp_path: Path) -> None:
    (tmp_path / "x.glb").mkdir()
    assert run("convert", short, tmp_path / "x.glb") == 2
    assert list((tmp_path / "x.glb").iterdir()) == []
    assert run("convert", short, tmp_path / "made" / "y.bvh") == 0
    assert [file.name for file in (tmp_path / "made").iterdir()] == ["y.bvh"]


def test_denoise_takes_names_of_joints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = write_bvh(load_clip("walk")[:12], tmp_path / "known.bvh", joints=22)
    text = known.read_text()
    names = [line.split()[1] for line in text.splitlines() if line.split()[:1] in (["ROOT"], ["JOINT"])]
    for number, name in enumerate(names):
        text = text.replace(f" {name}\n", f" part{number:03d}\n")
    odd = tmp_path / "odd.bvh"
    odd.write_text(text)
    assert run("posendf", "score", odd) == 2
    assert "--map" in capsys.readouterr().err
    (tmp_path / "names.yaml").write_text("\n".join(f"{name}: part{k:03d}" for k, name in enumerate(names)))
    assert run("posendf", "denoise", odd, "--map", tmp_path / "names.yaml", "--out", tmp_path / "clean.npz") == 0
    assert len(load_motion(tmp_path / "clean.npz")) == 12


def test_denoise_takes_the_skeleton_of_an_amc(shared: Path, tmp_path: Path) -> None:
    raw = shared / "mocap" / "raw"
    lines = (raw / "02_01.amc").read_text().splitlines()
    end = lines.index("9")
    (tmp_path / "walk.amc").write_text("\n".join(lines[:end]) + "\n")
    out = tmp_path / "clean.npz"
    assert run("posendf", "denoise", tmp_path / "walk.amc", "--out", out) == 2
    assert run("posendf", "denoise", tmp_path / "walk.amc", "--asf", raw / "02.asf", "--out", out) == 0
    assert len(load_motion(out)) == 8
    with pytest.raises(MotionFileError, match=r"walk\.asf"):
        resolve_motion(tmp_path / "walk.amc")
    (tmp_path / "walk.asf").write_bytes((raw / "02.asf").read_bytes())
    assert len(resolve_motion(tmp_path / "walk.amc")) == 8


def test_a_body_of_nothing_but_nan_is_refused_though_its_root_is_known(tmp_path: Path) -> None:
    walk = load_clip("walk")[:5]
    np.savez(tmp_path / "nan.npz", global_orient=walk.global_orient, body_pose=np.full((5, 21, 3), np.nan))
    with pytest.raises(MotionFileError, match="NaN or infinite numbers only"):
        load_motion(tmp_path / "nan.npz")
