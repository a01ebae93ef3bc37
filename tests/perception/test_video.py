"""Reading clips: every container, rotation, rates, parts, folders, and what is wrong with bad files."""

from __future__ import annotations

import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from humanav.errors import ImageError, InputError
from humanav.perception import open_video


def painted(number, width=96, height=64):
    """A frame whose grey tells its number, with a white top-left corner."""
    image = np.full((height, width, 3), 20 + 5 * number, dtype=np.uint8)
    image[: height // 4, : width // 4] = 255
    return image


def number_of(frame):
    return round((float(frame[frame.shape[0] // 2, frame.shape[1] // 2].mean()) - 20) / 5)


def write(path, frames=12, fps=10, codec="libx264", stamps=None, **size):
    if codec == "gif":
        first, *rest = (Image.fromarray(painted(number, **size)) for number in range(frames))
        first.save(path, save_all=True, append_images=rest, duration=1000 // fps)
        return path
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        first = painted(0, **size)
        stream.width, stream.height = first.shape[1], first.shape[0]
        stream.pix_fmt = "yuv444p" if codec == "libx264" else "yuv420p"
        stream.bit_rate = 5_000_000
        if codec == "libx264":
            stream.options = {"crf": "10"}
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(painted(number, **size), format="rgb24")
            if stamps is not None:
                frame.pts, frame.time_base = stamps[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("ending", "codec"), [("mp4", "libx264"), ("mov", "libx264"), ("webm", "libvpx-vp9"),
                                               ("avi", "mpeg4"), ("gif", "gif")])
def test_every_container_gives_all_frames_in_order(tmp_path, ending, codec):
    with open_video(write(tmp_path / f"clip.{ending}", codec=codec)) as video:
        assert (len(video), video.width, video.height, video.name) == (12, 96, 64, "clip")
        assert video.fps == pytest.approx(10, rel=0.01)
        assert video.duration == pytest.approx(1.2, rel=0.01)
        for _ in range(2):
            frames = list(video)
            assert [frame.shape for frame in frames] == [(64, 96, 3)] * 12
            assert frames[0].dtype == np.uint8
            assert [number_of(frame) for frame in frames] == list(range(12))
            assert frames[5][:12, :20].min() > 180


def test_the_phones_rotation_is_applied(tmp_path):
    """A phone held upright writes a lying picture and a matrix that turns it by 90 degrees clockwise."""
    path = write(tmp_path / "phone.mp4", frames=3)
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    assert struct.unpack(">9i", data[place:place + 36])[::4] == (65536, 65536, 1 << 30)
    data[place:place + 36] = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 64 << 16, 0, 1 << 30)
    path.write_bytes(bytes(data))
    with open_video(path) as video:
        assert (video.width, video.height) == (64, 96)
        frame = next(iter(video))
    assert frame.shape == (96, 64, 3)
    assert frame[:20, -12:].min() > 200  # top-left, turned clockwise, is top-right
    assert frame[:20, :40].max() < 60


def test_a_varying_rate_becomes_a_constant_one(tmp_path):
    stamps = [0, 100, 200, 300, 700, 800, 900, 1000]
    with open_video(write(tmp_path / "phone.mp4", frames=8, fps=1000, stamps=stamps)) as video:
        assert video.fps == pytest.approx(10)
        assert "varying rate" in video.notes[0]
        assert [number_of(frame) for frame in video] == [0, 1, 2, 3, 3, 3, 4, 4, 5, 6, 7]


def test_fewer_frames_smaller_frames_and_parts(tmp_path):
    path = write(tmp_path / "clip.mp4", frames=30)
    with open_video(path, fps=5, max_side=48) as video:
        assert (len(video), video.fps, video.width, video.height) == (15, 5, 48, 32)
        assert video.original_size == (96, 64)
        assert [number_of(frame) for frame in video] == list(range(0, 30, 2))
        assert len(video.notes) == 2
    with open_video(path, start=1.5, end=2.5) as video:
        assert [number_of(frame) for frame in video] == list(range(15, 25))
    with open_video(path, fps=60) as video:
        assert (len(video), video.fps) == (30, pytest.approx(10))


def test_reading_stops_and_closes_halfway(tmp_path):
    video = open_video(write(tmp_path / "clip.mp4"))
    frames = iter(video)
    next(frames)
    video.close()
    video.close()
    assert number_of(next(iter(video))) == 0


def test_a_folder_of_pictures_and_one_picture(tmp_path):
    for number in (1, 2, 10):
        Image.fromarray(painted(number)).save(tmp_path / f"f{number}.png")
    with open_video(tmp_path) as video:
        assert (len(video), video.width) == (3, 96)
        assert [number_of(frame) for frame in video] == [1, 2, 10]
    with open_video(tmp_path / "f2.png") as video:
        assert [number_of(frame) for frame in video] == [2]
    Image.fromarray(painted(3, 50, 64)).save(tmp_path / "f3.png")
    with pytest.raises(ImageError, match="another shape"):
        list(open_video(tmp_path))
    (tmp_path / "f1.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"f1\.png cannot be read"):
        open_video(tmp_path)


def test_memory_does_not_grow(tmp_path):
    resource = pytest.importorskip("resource")
    peaks = []
    with open_video(write(tmp_path / "clip.mp4", frames=25, width=1280, height=960)) as video:
        for _ in range(3):  # 90 MB of frames each time
            assert sum(frame.shape[0] == 960 for frame in video) == 25
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[2] - peaks[0] < 60_000  # kilobytes


@pytest.mark.parametrize(("content", "says"), [(b"", "is empty"), (b"a letter and no video" * 40, "no video")])
def test_files_that_are_no_video(tmp_path, content, says):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        open_video(path)


def test_bad_arguments_and_bad_clips(tmp_path):
    path = write(tmp_path / "clip.mp4")
    with pytest.raises(InputError, match="no file"):
        open_video(tmp_path / "gone.mp4")
    with pytest.raises(InputError, match=r"lasts 1\.2 seconds"):
        open_video(path, start=5)
    with pytest.raises(InputError, match="start must lie before"):
        open_video(path, start=1, end=0.5)
    with pytest.raises(InputError, match="frame rate must be a positive"):
        open_video(path, fps=0)
    with pytest.raises(InputError, match=r"12 frames .* more than 5"):
        open_video(path, max_frames=5)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no pictures in the folder"):
        open_video(tmp_path / "none")
    half = path.read_bytes()
    (tmp_path / "half.mp4").write_bytes(half[: len(half) // 2])
    with pytest.raises(InputError, match="damaged"):
        open_video(tmp_path / "half.mp4")


def test_sound_is_no_video(tmp_path):
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="only sound"):
        open_video(tmp_path / "song.mp4")
