"""The frames of several views on one clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.multiview import footage as module
from humanav.multiview.capture import Capture
from humanav.multiview.footage import open_footage
from tests.multiview.captures import films, pictures
from tests.perception.test_video import number_of


def captured(sources: list[Path]) -> Capture:
    return Capture("made", tuple(source.stem for source in sources), tuple(sources))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """Two views of 30 frames, 10 a second."""
    folder = films(tmp_path_factory.mktemp("pair"), ("a", "b"), frames=30)
    return captured([folder / "a.mp4", folder / "b.mp4"])


def test_any_frame_of_any_view(pair: Capture) -> None:
    with open_footage(pair) as footage:
        assert (footage.names, footage.frames, len(footage), footage.fps) == (("a", "b"), 30, 30, pytest.approx(10))
        assert footage.sizes == ((96, 64), (96, 64))
        assert footage.notes == ()
        for view, t in ((0, 0), (1, 29), (1, 3), (0, 17), (0, 18), (0, 4), (1, 28)):
            assert number_of(footage.frame(view, t)) == t
        assert footage.frame(0, 5) is footage.frame(0, 5)
        assert [number_of(frame) for frame in footage.read(1, 20)] == list(range(20, 30))
        for view, t in ((2, 0), (0, 30), (-1, 0), (0, -1)):
            with pytest.raises(InputError, match="There is no frame"):
                footage.frame(view, t)
        assert not footage.frame(0, 0).flags.writeable


def test_what_is_kept_is_bounded(pair: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE_BYTES", 5 * 96 * 64 * 3)
    with open_footage(pair) as footage:
        for view in (0, 1):
            assert [number_of(frame) for frame in footage.read(view)] == list(range(30))
        assert len(footage._cache) == 5
        rng = np.random.default_rng(0)
        for t in rng.integers(0, 30, 12):
            assert number_of(footage.frame(int(t) % 2, int(t))) == t


@pytest.mark.parametrize(("offsets", "firsts", "frames"), [
    ((0, 3), (0, 3), 27), ((0, -4), (4, 0), 26), ((2, 0.4), (2, 0), 28), ((0, 0), (0, 0), 30)])
def test_offsets(pair: Capture, offsets: tuple[float, float], firsts: tuple[int, int], frames: int) -> None:
    with open_footage(pair, offsets=offsets) as footage:
        assert footage.frames == frames
        assert [number_of(footage.frame(view, 0)) for view in (0, 1)] == list(firsts)
        assert [footage.number(view, 5) for view in (0, 1)] == [first + 5 for first in firsts]
        assert any("not all views last" in note.lower() for note in footage.notes) == any(offsets)


def test_parts_and_rates(pair: Capture) -> None:
    with open_footage(pair, start=0.5, end=1.5) as footage:
        assert [number_of(frame) for frame in footage.read(0)] == list(range(5, 15))
    with open_footage(pair, fps=5, offsets=(0, 1)) as footage:  # one frame of five a second
        assert footage.fps == 5
        assert [number_of(footage.frame(0, t)) for t in range(3)] == [0, 2, 4]
        assert [number_of(footage.frame(1, t)) for t in range(3)] == [2, 4, 6]
    with open_footage(pair, fps=25, max_side=48) as footage:
        assert footage.fps == pytest.approx(10)
        assert footage.sizes == ((48, 32), (48, 32))
        assert footage.frame(0, 2).shape == (32, 48, 3)
        assert "25 frames per second were asked for" in footage.notes[0]


def test_different_rates_and_lengths(tmp_path: Path) -> None:
    films(tmp_path, ("slow",), frames=10, fps=10)
    films(tmp_path, ("fast",), frames=16, fps=20)
    with open_footage(captured([tmp_path / "slow.mp4", tmp_path / "fast.mp4"])) as footage:
        assert footage.fps == pytest.approx(10)
        assert footage.frames == 8
        assert [number_of(frame) for frame in footage.read(1)] == list(range(0, 16, 2))
        assert len(footage.notes) == 2


def test_rates_that_are_one_rate(tmp_path: Path) -> None:
    from fractions import Fraction

    films(tmp_path, ("a",), frames=20, fps=30)
    films(tmp_path, ("b",), frames=20, fps=Fraction(30000, 1001))  # type: ignore[arg-type]
    with open_footage(captured([tmp_path / "a.mp4", tmp_path / "b.mp4"])) as footage:
        assert footage.frames == 20
        assert [footage.number(1, t) for t in range(20)] == list(range(20))


def test_pictures_are_taken_by_their_numbers(tmp_path: Path) -> None:
    pictures(tmp_path / "a", [1, 2, 4, 5, 6])
    pictures(tmp_path / "b", range(2, 8))
    with open_footage(captured([tmp_path / "a", tmp_path / "b"]), picture_fps=25) as footage:
        assert footage.fps == 25
        shown = [[number_of(frame) for frame in footage.read(view)] for view in (0, 1)]
        assert shown == [[2, 4, 5, 6], [2, 4, 5, 6]]
        assert number_of(footage.frame(0, 1)) == 4
        assert [footage.number(view, 1) for view in (0, 1)] == [2, 2]  # the third picture of each folder
        assert [footage.number(view, 0) for view in (0, 1)] == [1, 0]


def test_bad_arguments(pair: Capture, tmp_path: Path) -> None:
    for arguments, words in (({"offsets": (0, 1, 2)}, "each of the 2 views"),
                             ({"offsets": (0, float("nan"))}, "offset"), ({"max_side": 0}, "largest side"),
                             ({"start": 2.0, "end": 1.0}, "empty"), ({"start": 9.0}, "no moment"),
                             ({"offsets": (0, 40)}, "no moment"), ({"fps": -1}, "frame rate"),
                             ({"picture_fps": 0.0}, "frame rate")):
        with pytest.raises(InputError, match=words):
            open_footage(pair, **arguments)  # type: ignore[arg-type]
    (tmp_path / "bad.mp4").write_bytes(b"x")
    with pytest.raises(InputError, match="bad"):
        open_footage(captured([pair.sources[0], tmp_path / "bad.mp4"]))

