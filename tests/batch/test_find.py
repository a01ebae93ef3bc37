"""Inputs are found in natural order, everything else is named with a reason, and names of folders stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanav.batch.find import find_sources, folder_names
from humanav.batch.kinds import KINDS, kind_of
from humanav.errors import InputError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_each_job_takes_its_own_files_in_natural_order(tmp_path: Path) -> None:
    touch(tmp_path, "b10.JPG", "b2.jpg", "a.png", "clip.mp4", "take.bvh", "take.npz", "walk.amc", "walk.asf",
          "points.csv", ".hidden.jpg", "notes.md")
    found = {job: find_sources(tmp_path, kind) for job, kind in KINDS.items()}
    assert found["avatar"].sources == ("a.png", "b2.jpg", "b10.JPG")
    assert found["track"].sources == ("clip.mp4",)
    assert found["denoise"].sources == ("take.bvh", "take.npz", "walk.amc")
    assert found["uplift"].sources == ("a.png", "b2.jpg", "b10.JPG", "clip.mp4", "points.csv", "take.npz")
    passed = dict(found["denoise"].passed_over)
    assert "walk.asf" not in passed
    assert passed["notes.md"] == "denoise takes motion files (npz, npy, bvh, amc)"


def test_folders_below_and_the_results_themselves(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "more/b.jpg", "out/a/poster.png")
    flat = find_sources(tmp_path, kind_of("avatar"), without=tmp_path / "out")
    assert flat.sources == ("a.jpg",)
    assert flat.passed_over == (("more/", "it is a folder: --recursive looks into it"),)
    assert find_sources(tmp_path, kind_of("avatar"), recursive=True, without=tmp_path / "out").sources == (
        "a.jpg", "more/b.jpg")


def test_results_of_other_batches_are_no_inputs(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "old/b/poster.png", "old/.batch/b.jsonl", "one/manifest.json", "one/overlay.jpg",
          "real/c.jpg")
    (tmp_path / "way").symlink_to(tmp_path / "real")
    found = find_sources(tmp_path, kind_of("avatar"), recursive=True)
    assert found.sources == ("a.jpg", "real/c.jpg")
    assert dict(found.passed_over) == {"old/": "it holds results", "one/": "it holds results",
                                       "way/": "it is a link to a folder"}


def test_a_folder_of_openpose_files_is_one_clip(tmp_path: Path) -> None:
    touch(tmp_path, "jump/jump_000_keypoints.json", "jump/jump_001_keypoints.json", "loose_000_keypoints.json",
          "coco.json")
    found = find_sources(tmp_path, kind_of("uplift"))
    assert found.sources == ("coco.json", "jump")
    assert "one frame of a clip" in dict(found.passed_over)["loose_000_keypoints.json"]


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        find_sources(tmp_path / "none", kind_of("track"))
    with pytest.raises(InputError, match="holds nothing for track, which takes videos"):
        find_sources(tmp_path, kind_of("track"))
    with pytest.raises(InputError, match="no job 'dance'"):
        kind_of("dance")


def test_names_are_unique_safe_and_stay() -> None:
    names = folder_names(["a.jpg", "a.png", "A.webp", "sub/a.jpg", "index.html.jpg", "x y?.jpg", "...jpg"], {})
    assert names["a.jpg"] == "a"
    assert names["a.png"] == "a_png"
    assert names["sub/a.jpg"] == "sub_a"
    assert names["index.html.jpg"] == "index.html_jpg"
    assert names["x y?.jpg"] == "x_y"
    assert len({name.casefold() for name in names.values()}) == len(names)
    twice = folder_names(["\u00e9.jpg", "e\u0301.jpg", "\u4eba" * 80 + ".jpg", "\u4eba" * 80 + "x.jpg"], {})
    assert len(set(twice.values())) == 4  # the first two are one name on some disks
    assert max(len(name.encode()) for name in twice.values()) < 200  # with what is kept beside it below 255
    many = [f"{number % 100}/a.jpg" for number in range(100)] + [f"x{number}.jpg" for number in range(10_000)]
    assert len(folder_names(many, {name: f"y{name[:-4]}" for name in many[5000:]})) == len(many)
    assert folder_names(["A.png", "a.jpg"], {"a.jpg": "a"}) == {"A.png": "A_png", "a.jpg": "a"}
