"""What can be tracked: files, folders of pictures, subject folders with a frame list; one sentence for all else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from humanav.errors import ImageError, InputError
from humanav.export import write_mp4
from humanav.jobs.track import TrackOptions, track_id
from humanav.jobs.track_sources import MAX_SIDE, ClipSource, find_clip, source_bytes
from tests.jobs.track_clips import grey, write_clip, write_pictures, write_sound


def tones(count: int) -> list[np.ndarray]:
    """Frames whose grey is ten times their number."""
    return [np.full((48, 64, 3), 10 * number, dtype=np.uint8) for number in range(count)]


def numbers(clip: ClipSource) -> list[int]:
    with clip.open() as video:
        return [round(float(frame.mean()) / 10) for frame in video]


@pytest.fixture
def subject(tmp_path: Path) -> Path:
    """A subject folder with a video of twelve frames."""
    folder = tmp_path / "anna"
    folder.mkdir()
    write_clip(folder / "video.mp4", tones(12), 10)
    return folder


def test_a_video_a_subject_folder_and_pictures_are_found(subject: Path, tmp_path: Path) -> None:
    assert find_clip(subject / "video.mp4") == ClipSource(subject / "video.mp4", None, "video")
    assert find_clip(str(subject)) == ClipSource(subject / "video.mp4", None, "anna")
    pictures = write_pictures(tmp_path / "pictures", tones(3), (1, 2, 10))
    assert find_clip(pictures) == ClipSource(pictures, None, "pictures")
    assert numbers(find_clip(pictures)) == [0, 1, 2]
    write_pictures(tmp_path / "bob" / "images", tones(3), (0, 1, 2))
    assert find_clip(tmp_path / "bob") == ClipSource(tmp_path / "bob" / "images", None, "bob")


def test_the_place_where_one_stands_is_a_folder_too(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(subject)
    assert find_clip(".").name == "anna"


def test_other_endings_and_only_videos_are_taken(subject: Path) -> None:
    (subject / "video.mp4").rename(subject / "Video.MOV")
    assert find_clip(subject).path.name == "Video.MOV"
    (subject / "Video.MOV").rename(subject / "holiday.mp4")
    (subject / "._holiday.mp4").write_bytes(b"what a Mac leaves behind")
    assert find_clip(subject).path.name == "holiday.mp4"
    shutil.copy(subject / "holiday.mp4", subject / "work.mp4")
    with pytest.raises(InputError, match="anna holds 2 videos: name the one"):
        find_clip(subject)


def test_what_personas_tracker_leaves_behind_is_not_the_clip(subject: Path) -> None:
    (subject / "video.mp4").rename(subject / "video_bkg.mp4")
    shutil.copy(subject / "video_bkg.mp4", subject / "smplx.mp4")
    write_pictures(subject / "images", tones(4), (5, 6, 7, 8))
    assert find_clip(subject).path == subject / "images"


@pytest.mark.parametrize(("text", "frames"), [
    ("0\n1\n2\n", (0, 1, 2)), ("7\r\n3\r\n\r\n5", (3, 5, 7)), ("\ufeff4\n4\n", (4,))])
def test_a_frame_list_is_read(subject: Path, text: str, frames: tuple[int, ...]) -> None:
    (subject / "valid_frame_list.txt").write_bytes(text.encode())
    clip = find_clip(subject)
    assert clip.frames == frames
    assert numbers(clip) == list(frames)
    with clip.open() as video:
        assert any("as listed" in note for note in video.notes)


@pytest.mark.parametrize(("content", "says"), [
    (b"", "names no frames"), (b"\n\n", "names no frames"), (b"-1\n3", "names no frames"),
    (b"1, 2", "one frame number a line"), (b"all", "one frame number a line"), (b"\xff\xfe1\x00", "one frame number")])
def test_a_frame_list_that_is_none_gets_one_sentence(subject: Path, content: bytes, says: str) -> None:
    (subject / "valid_frame_list.txt").write_bytes(content)
    with pytest.raises(InputError, match=says):
        find_clip(subject)


def test_a_frame_list_out_of_range_gets_one_sentence(subject: Path) -> None:
    (subject / "valid_frame_list.txt").write_text("0\n11\n12\n")
    with pytest.raises(InputError, match=r"no frame 12 in video\.mp4: it has 12, counted from 0"):
        find_clip(subject).open()


def test_listed_pictures_are_those_of_these_numbers(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "anna" / "images", tones(4), (5, 6, 17, 8)).parent
    (folder / "valid_frame_list.txt").write_text("17\n6\n")
    assert numbers(find_clip(folder)) == [1, 2]  # 17.png holds tone 2 and is the last
    (folder / "valid_frame_list.txt").write_text("6\n7\n")
    with pytest.raises(InputError, match="no picture 7 in images"):
        find_clip(folder)
    (folder / "images" / "5.png").rename(folder / "images" / "five.png")
    (folder / "valid_frame_list.txt").write_text("0\n3\n")
    assert len(numbers(find_clip(folder))) == 2  # named by words: counted


def test_what_is_no_clip_gets_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("no picture")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "letter.mp4").write_text("Dear reader, this is no video." * 40)
    (tmp_path / "letter.jpg").write_text("Dear reader, this is no picture.")
    write_sound(tmp_path / "song.mp4")
    for name, kind, says in (
            ("gone.mp4", InputError, r"no file gone\.mp4"), ("nothing", InputError, "no pictures in the folder"),
            ("notes", InputError, "no pictures in the folder notes"), ("empty.mp4", InputError, "is empty"),
            ("letter.mp4", InputError, "no video that can be read"), ("song.mp4", InputError, "only sound"),
            ("letter.jpg", ImageError, "cannot be read")):
        with pytest.raises(kind, match=says):
            find_clip(tmp_path / name).open()


def test_large_and_fast_clips_are_shrunk_and_thinned(tmp_path: Path) -> None:
    write_mp4(grey(3, (3840, 2160)), tmp_path / "large.mp4", 30)
    with find_clip(tmp_path / "large.mp4").open() as video:
        assert (video.width, video.height) == (MAX_SIDE, 720)
        assert next(iter(video)).shape == (720, MAX_SIDE, 3)
        assert any("shrunk from 3840 x 2160" in note for note in video.notes)
    write_mp4(tones(24), tmp_path / "fast.mp4", 240)
    with find_clip(tmp_path / "fast.mp4").open() as video:
        assert (video.fps, len(video)) == (30, 3)
        assert any("240 frames per second; 30 are used" in note for note in video.notes)
    with find_clip(tmp_path / "fast.mp4").open(fps=120) as video:
        assert (video.fps, len(video)) == (120, 12)


def test_a_part_can_be_chosen(subject: Path) -> None:
    with find_clip(subject).open(start=0.5, end=0.8) as video:
        assert len(video) == 3
    with pytest.raises(InputError, match=r"lasts 1\.2 seconds"):
        find_clip(subject).open(start=3)


def test_the_same_clip_and_options_have_the_same_id(subject: Path, tmp_path: Path) -> None:
    options = TrackOptions(end=1.0)
    known = track_id(subject, options)
    assert known == track_id(subject, TrackOptions(end=1.0)) == track_id(str(subject), options)
    shutil.copytree(subject, tmp_path / "copy")
    assert track_id(tmp_path / "copy", options) == known
    assert track_id(subject) == track_id(subject, TrackOptions()) != known
    for other in (TrackOptions(mode="accurate"), TrackOptions(people="all"), TrackOptions(people=(2,)),
                  TrackOptions(betas=(0.5,)), TrackOptions(height=1.8), TrackOptions(moving="moving")):
        assert track_id(subject, other) != track_id(subject)
    (subject / "valid_frame_list.txt").write_text("0\n1\n2\n")
    assert track_id(subject, options) != known


def test_pictures_are_told_apart_by_name_size_and_time(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "a", tones(3), (0, 1, 2))
    known = source_bytes(find_clip(folder))
    (folder / ".DS_Store").write_bytes(b"what a Mac leaves behind")
    assert source_bytes(find_clip(folder)) == known
    os.utime(folder / "1.png", (1, 1))
    assert source_bytes(find_clip(folder)) != known
