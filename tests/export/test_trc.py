"""OpenSim's marker files: header to the letter, round trip, other units, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError, StorageError
from humanav.export.trc import Markers, read_trc, write_trc

NAMES = KEYPOINT_SETS["skel19"]


def some(rng: np.random.Generator, frames: int = 5) -> np.ndarray:
    points = rng.normal(0, 1, (frames, len(NAMES), 4))
    points[..., 3] = 0.7
    points[1, 4] = np.nan, np.nan, np.nan, 0
    points[2, 5, 3] = 0
    return points


def test_the_file_is_laid_out_as_opensim_wants_it(tmp_path) -> None:
    points = np.array([[[0.1, 1.2, -0.3], [0, 0, 0]], [[np.nan] * 3, [1, 1, 1]]])
    lines = write_trc(tmp_path / "walk.trc", points, ("hip", "knee"), 50).read_text().split("\n")
    assert lines == [
        "PathFileType\t4\t(X/Y/Z)\twalk.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        "50\t50\t2\t2\tmm\t50\t1\t2",
        "Frame#\tTime\thip\t\t\tknee\t\t",
        "\t\tX1\tY1\tZ1\tX2\tY2\tZ2",
        "",
        "1\t0.000000\t100.0000\t1200.0000\t-300.0000\t0.0000\t0.0000\t0.0000",
        "2\t0.020000\t\t\t\t1000.0000\t1000.0000\t1000.0000",
        ""]


def test_round_trip(tmp_path, rng) -> None:
    points = some(rng)
    back = read_trc(write_trc(tmp_path / "a.trc", points, NAMES, 29.97))
    assert (back.names, back.fps) == (NAMES, 29.97)
    assert (~back.known).sum() == 2
    assert np.abs(back.points[..., :3] - points[..., :3])[back.known].max() < 1e-7
    again = read_trc(write_trc(tmp_path / "b.trc", back.points, back.names, back.fps))
    assert np.array_equal(again.points, back.points, equal_nan=True)


def test_other_units_and_short_rows(tmp_path) -> None:
    text = write_trc(tmp_path / "a.trc", np.ones((2, 2, 3)), ("a", "b"), 60).read_text().replace("\tmm\t", "\tm\t")
    (tmp_path / "b.trc").write_text(text.rstrip().rsplit("\t", 3)[0] + "\n")
    back = read_trc(tmp_path / "b.trc")
    assert back.points[0, 1, 0] == 1000
    assert back.known.tolist() == [[True, True], [True, False]]


def test_what_cannot_be_written_or_read(tmp_path) -> None:
    with pytest.raises(InputError, match="different names"):
        write_trc(tmp_path / "a.trc", np.zeros((2, 2, 3)), ("a", "a"), 60)
    with pytest.raises(InputError, match="shape"):
        Markers(np.zeros((0, 2, 3)), ("a", "b"), 60)
    with pytest.raises(InputError, match="tab"):
        Markers(np.zeros((1, 1, 3)), ("a\tb",), 60)
    with pytest.raises(InputError, match="frame rate"):
        Markers(np.zeros((1, 1, 3)), ("a",), float("nan"))
    with pytest.raises(StorageError):
        write_trc(tmp_path / "nowhere" / "a.trc", np.zeros((1, 1, 3)), ("a",), 60)
    (tmp_path / "c.trc").write_text("hello")
    for name in ("c.trc", "missing.trc"):
        with pytest.raises(InputError, match=name):
            read_trc(tmp_path / name)
