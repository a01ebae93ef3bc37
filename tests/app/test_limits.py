"""Limits: each is a setting, and each has one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from humanav.app.limits import Limits
from humanav.errors import ImageError, InputError


def test_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANAV_MAX_UPLOAD_MB", "50")
    monkeypatch.setenv("HUMANAV_JOBS_AT_ONCE", "2")
    limits = Limits.from_settings()
    assert (limits.upload, limits.at_once, limits.waiting, limits.handlers) == ("50mb", 2, 16, 20)
    assert Limits.from_settings() == limits != Limits()


@pytest.mark.parametrize("value", ["many", "0", "-3", "nan"])
def test_a_setting_that_means_nothing_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANAV_MAX_CLIP_SECONDS", value)
    with pytest.raises(InputError, match="HUMANAV_MAX_CLIP_SECONDS"):
        Limits.from_settings()


def test_large_files_and_pictures_are_refused(tmp_path: Path) -> None:
    clip, picture = tmp_path / "clip.mp4", tmp_path / "photo.png"
    clip.write_bytes(bytes(2_000_000))
    Image.new("L", (2000, 1000)).save(picture)
    Limits().check_files([clip, picture, tmp_path / "absent.jpg"])
    with pytest.raises(InputError, match=r"clip\.mp4 is larger than 1 MB"):
        Limits(upload_mb=1).check_files([clip])
    with pytest.raises(ImageError, match=r"photo\.png has 2 megapixels, and at most 1 are read here"):
        Limits(megapixels=1).check_files([picture])
    picture.write_bytes(b"no picture")  # told where it is read
    Limits(megapixels=1).check_files([picture])


def test_long_parts_of_clips_are_refused() -> None:
    Limits().check_seconds(3, 63)
    Limits().check_seconds(3, None)
    with pytest.raises(InputError, match="At most 60 seconds are processed at once here, and 80 were asked for"):
        Limits().check_seconds(0, 80)


def test_the_room_for_one_job_more() -> None:
    Limits(waiting=3, per_visitor=2).check_room(2, 1)
    with pytest.raises(InputError, match="3 jobs wait here already"):
        Limits(waiting=3).check_room(3, 0)
    with pytest.raises(InputError, match="You have 2 running or waiting"):
        Limits(per_visitor=2).check_room(0, 2)
