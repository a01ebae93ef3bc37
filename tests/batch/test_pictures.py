"""A result has a small picture: one that its job left, or its motion's poses."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from humanav.batch.pictures import SIZE, draw_picture
from tests.share import made


def test_a_picture_that_the_job_left_or_poses_of_the_motion(tmp_path: Path) -> None:
    left, drawn = tmp_path / "left.webp", tmp_path / "drawn.webp"
    draw_picture(made.avatar(tmp_path / "avatar"), left)
    draw_picture(made.track(tmp_path / "track", 1), drawn)
    assert Image.open(left).size == (64, 48)
    assert Image.open(drawn).size == SIZE
    draw_picture(made.other(tmp_path / "none"), tmp_path / "none.webp")
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["drawn.webp", "left.webp"]
    left.write_bytes(b"as it was")
    draw_picture(made.avatar(tmp_path / "again"), left)
    assert left.read_bytes() == b"as it was"
