"""Each bad clip, one by one, through the whole job: one clear sentence, or a track that says what was done about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanav.errors import HumanavError, ImageError, InputError, NoPersonError
from humanav.jobs.track import TrackOptions, track_video
from humanav.motion import load_motion
from tests.jobs.track_clips import film, fitted, grey, turn_upright, write_clip, write_pictures, write_sound

SENTENCE = re.compile(r"[A-Za-z0-9'][^\n]{20,220}[.!]")  # it may begin with a file's name


def nowhere(folder: Path) -> Path:
    return folder / "gone.mp4"


def no_bytes(folder: Path) -> Path:
    (folder / "clip.mp4").touch()
    return folder / "clip.mp4"


def only_sound(folder: Path) -> Path:
    return write_sound(folder / "song.mp4")


def only_words(folder: Path) -> Path:
    (folder / "letter.mov").write_text("Dear reader, this is a letter and no video. " * 40)
    return folder / "letter.mov"


def only_the_head(folder: Path) -> Path:
    """A download that broke off before there was a picture."""
    data = write_clip(folder / "half.mp4", grey(12)).read_bytes()
    (folder / "half.mp4").write_bytes(data[:400])
    return folder / "half.mp4"


def nothing_in_it(folder: Path) -> Path:
    (folder / "anna").mkdir()
    return folder / "anna"


def nobody(folder: Path) -> Path:
    return write_clip(folder / "clip.mp4", grey(12))


def wrong_list(folder: Path) -> Path:
    (folder / "anna").mkdir()
    write_clip(folder / "anna" / "video.mp4", grey(12))
    (folder / "anna" / "valid_frame_list.txt").write_text("3\n4\n12\n")
    return folder / "anna"


def no_picture(folder: Path) -> Path:
    write_pictures(folder / "anna" / "images", grey(3), (0, 1, 2))
    (folder / "anna" / "images" / "1.png").write_bytes(b"no picture")
    return folder / "anna"


@pytest.mark.parametrize(("bad", "kind", "words"), [
    (nowhere, InputError, "no file"), (no_bytes, InputError, "empty"), (only_sound, InputError, "only sound"),
    (only_words, InputError, "no video"), (only_the_head, InputError, "damaged"),
    (nothing_in_it, InputError, "no pictures in the folder"), (nobody, NoPersonError, "Nobody is seen"),
    (wrong_list, InputError, "no frame 12"), (no_picture, ImageError, "cannot be read")])
def test_a_clip_that_cannot_be_used_gets_one_sentence(
    bad: Callable[[Path], Path], kind: type[HumanavError], words: str, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    source = bad(tmp_path / "in")
    with pytest.raises(kind, match=words) as caught:
        track_video(source, out=tmp_path / "out", options=TrackOptions(render=False))
    assert SENTENCE.fullmatch(str(caught.value))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("options", [
    {"mode": "perfect"}, {"moving": "a little"}, {"people": (0,)}, {"people": "1"}, {"fps": 0.0}, {"fps": 1.0},
    {"fps": float("nan")}, {"fps": 1000.0}, {"start": -1.0}, {"start": 2.0, "end": 1.0}, {"end": float("nan")},
    {"camera": (500.0, 500.0)},
    {"camera": (0.0, 500.0, 320.0, 240.0)}, {"height": 17.4}, {"height": float("nan")}, {"betas": (float("nan"),)},
    {"tilt": (95.0, 0.0)}, {"tilt": (float("nan"), 0.0)}, {"camera_height": -1.0}, {"camera_height": float("inf")},
    {"detector": "yolo"}])
def test_track_options_out_of_range_get_one_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        TrackOptions(**options)
    assert SENTENCE.fullmatch(str(caught.value))


def test_too_many_shape_values_are_told_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The shape has 400 values"):
        track_video(nobody(tmp_path), out=tmp_path / "out", options=TrackOptions(betas=(0.1,) * 400))


def one_frame(folder: Path) -> Path:
    return write_clip(folder / "clip.mp4", film(1))


def a_photo(folder: Path) -> Path:
    Image.fromarray(film(1)[0]).save(folder / "photo.jpg", quality=95)
    return folder / "photo.jpg"


def huge_and_upright(folder: Path) -> Path:
    """4K from a phone that was held upright: the picture lies, and a mark in the file says how to turn it."""
    frames = [np.ascontiguousarray(np.rot90(fitted(frame, (2160, 3840)))) for frame in film(4)]
    return turn_upright(write_clip(folder / "phone.mp4", frames))


def very_fast(folder: Path) -> Path:
    return write_clip(folder / "fast.mp4", [frame for frame in film(10, 1) for _ in range(8)], 240)


def broken_off(folder: Path) -> Path:
    path = write_clip(folder / "tail.mp4", film(24), key_seconds=0.3)
    data = path.read_bytes()
    path.write_bytes(data[:len(data) * 2 // 3])
    return path


def listed_pictures(folder: Path) -> Path:
    write_pictures(folder / "anna" / "images", film(12), range(5, 17))
    (folder / "anna" / "valid_frame_list.txt").write_text("\n".join(map(str, range(7, 15))))
    return folder / "anna"


def animated(folder: Path) -> Path:
    first, *rest = (Image.fromarray(frame) for frame in film(8))
    first.save(folder / "clip.gif", save_all=True, append_images=rest, duration=100, loop=0)
    return folder / "clip.gif"


@pytest.mark.slow
@pytest.mark.parametrize(("odd", "words", "frames", "size"), [
    (one_frame, "one frame only", 1, (400, 300)), (a_photo, "one frame only", 1, (400, 300)),
    (huge_and_upright, "shrunk from 2160 x 3840", 4, (720, 1280)),
    (very_fast, "240 frames per second; 30 are used", 10, (400, 300)),
    (broken_off, "cannot be decoded: they are left away", None, (400, 300)),
    (listed_pictures, "8 of 12 frames are used", 8, (400, 300)), (animated, "", 8, (400, 300))])
def test_an_odd_clip_gives_a_track_that_says_what_was_done(
    odd: Callable[[Path], Path], words: str, frames: int | None, size: tuple[int, int], tmp_path: Path
) -> None:
    result = track_video(odd(tmp_path), out=tmp_path / "out", options=TrackOptions(render=odd is one_frame))
    told = json.loads(result.path("track.json").read_text())
    assert any(words in warning for warning in result.report["warnings"])
    assert (told["width"], told["height"]) == size
    assert told["frames"] == frames or (frames is None and 8 <= told["frames"] < 24)
    (take,) = told["takes"]
    motion = load_motion(result.path("motion.npz"))
    assert len(motion) == take["frames"] == told["frames"]
    assert np.isfinite(motion.transl).all()
    assert motion.transl[:, 1].mean() == pytest.approx(1.2, abs=0.5)  # upright, and on the floor
    assert result.report["reprojection_pct_size"] < 5
    assert f"One person tracked through {len(motion)} frame" in result.report["quality"]
