"""MP4 files that browsers play."""

import av
import numpy as np
import pytest

from humanav.errors import InputError, StorageError
from humanav.export import write_mp4


def moving_square(count, size=(64, 97)):
    for k in range(count):
        frame = np.full((*size, 3), (200, 120, 40), dtype=np.uint8)
        frame[20:40, k: k + 20] = (20, 60, 200)
        yield frame


def test_plays_in_browsers(tmp_path):
    seen = []
    path = write_mp4(moving_square(24), tmp_path / "sub" / "a.mp4", 24, progress=seen.append)
    assert seen == list(range(1, 25))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (96, 64)
        assert float(stream.average_rate) == 24
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert len(frames) == 24
    expected = list(moving_square(24))[12][:, :96]
    assert np.abs(frames[12].astype(int) - expected).mean() < 6
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]


def test_key_frames_for_scrubbing(tmp_path):
    for seconds, least in ((None, 1), (0.5, 4)):
        with av.open(str(write_mp4(moving_square(48), tmp_path / "a.mp4", 24, key_seconds=seconds))) as container:
            assert sum(packet.is_keyframe for packet in container.demux(video=0) if packet.size) == least


def test_unusual_rates(tmp_path):
    with av.open(str(write_mp4(moving_square(5), tmp_path / "a.mp4", 29.97))) as container:
        assert float(container.streams.video[0].average_rate) == pytest.approx(29.97, abs=0.01)


@pytest.mark.parametrize("frames", [
    [], [np.zeros((8, 8), np.uint8)], [np.zeros((8, 8, 3))], [np.zeros((1, 8, 3), np.uint8)],
    [np.zeros((8, 8, 3), np.uint8), np.zeros((10, 8, 3), np.uint8)],
])
def test_bad_frames(tmp_path, frames):
    with pytest.raises(InputError):
        write_mp4(frames, tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_bad_rate(tmp_path):
    with pytest.raises(InputError):
        write_mp4(moving_square(2), tmp_path / "a.mp4", 0)


def test_a_frame_source_that_fails_leaves_nothing(tmp_path):
    def broken():
        yield from moving_square(3)
        raise RuntimeError("renderer")

    with pytest.raises(RuntimeError):
        write_mp4(broken(), tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_full_disk(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_mp4(moving_square(2), tmp_path / "file" / "a.mp4")


@pytest.mark.skipif(not __import__("os").path.exists("/dev/full"), reason="needs /dev/full")
def test_disk_full_while_writing(tmp_path, monkeypatch):
    from contextlib import contextmanager
    from pathlib import Path

    from humanav.export import video

    @contextmanager
    def full(path):
        yield Path("/dev/full")

    monkeypatch.setattr(video, "whole_file", full)
    with pytest.raises(StorageError, match="free some space"):
        write_mp4((np.random.default_rng(k).integers(0, 256, (256, 256, 3), dtype=np.uint8) for k in range(40)),
                  tmp_path / "a.mp4")
