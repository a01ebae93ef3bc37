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


def write(path, frames=12, fps=10, codec="libx264", stamps=None, gop=None, **size):
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
            stream.options = {"crf": "10"} | ({} if gop is None else {"g": str(gop)})
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


def test_listed_frames_and_no_others(tmp_path):
    path = write(tmp_path / "clip.mp4", frames=20)
    with open_video(path, frames=[2, 3, 4, 9, 19]) as video:
        assert (len(video), video.fps) == (5, pytest.approx(10))
        assert [number_of(frame) for frame in video] == [2, 3, 4, 9, 19]
        assert [number_of(frame) for frame in video.read(3)] == [9, 19]
        assert any("5 of 20 frames" in note for note in video.notes)
        assert any("gaps" in note for note in video.notes)
    with open_video(path, frames=range(1, 20, 3)) as video:
        assert video.fps == pytest.approx(10 / 3)
        assert [number_of(frame) for frame in video] == [1, 4, 7, 10, 13, 16, 19]
        assert not any("gaps" in note for note in video.notes)
    with open_video(path, frames=range(4, 16), fps=5) as video:
        assert [number_of(frame) for frame in video] == [4, 6, 8, 10, 12, 14]
    for number in range(4):
        Image.fromarray(painted(number)).save(tmp_path / f"f{number}.png")
    path.rename(tmp_path / "away.txt")
    with open_video(tmp_path, frames=[1, 3]) as video:
        assert [number_of(frame) for frame in video] == [1, 3]


@pytest.mark.parametrize(("frames", "says"), [
    ([3, 12], r"no frame 12 in clip\.mp4: it has 12"), ([-1, 3], "no frame -1"), ([3, 3], "must rise"),
    ([5, 4], "must rise"), ([], "at least one"), ([0.5], "whole numbers")])
def test_bad_lists_of_frames(tmp_path, frames, says):
    path = write(tmp_path / "clip.mp4")
    with pytest.raises(InputError, match=says):
        open_video(path, frames=frames)


def test_reading_from_a_frame_on(tmp_path):
    """Also behind key frames, of which this clip has one every eight."""
    path = write(tmp_path / "clip.mp4", frames=45, gop=8)
    with open_video(path) as video:
        for first in (0, 1, 13, 16, 44, 45):
            assert [number_of(frame) for frame in video.read(first)] == list(range(first, 45))
    with open_video(path, start=1.0, fps=5) as video:
        assert [number_of(frame) for frame in video.read(3)] == [number_of(frame) for frame in video][3:]


def test_very_many_frames_per_second(tmp_path):
    path = write(tmp_path / "slow.mp4", frames=48, fps=240)
    with open_video(path) as video:
        assert (len(video), video.fps) == (12, 60)
        assert [number_of(frame) for frame in video] == list(range(0, 48, 4))
        assert any("240 frames per second; 60 are used" in note for note in video.notes)
    with open_video(path, fps=120) as video:
        assert (len(video), video.fps) == (24, 120)
    with open_video(write(tmp_path / "usual.mp4", frames=12, fps=Fraction(60000, 1001))) as video:
        assert (len(video), video.notes) == (12, ())


def test_a_damaged_end_is_left_away_and_said(tmp_path):
    data = bytearray(write(tmp_path / "whole.mp4", frames=45, gop=8).read_bytes())
    end = data.index(b"moov") - 4
    bad = (end - data.index(b"mdat")) // 4
    data[end - bad:end] = np.random.default_rng(0).integers(0, 256, bad, dtype=np.uint8).tobytes()
    (tmp_path / "end.mp4").write_bytes(bytes(data))
    with open_video(tmp_path / "end.mp4") as video:
        assert 8 <= len(video) < 45
        assert video.notes == (f"The last {45 - len(video)} frames of end.mp4 cannot be decoded: they are left away.",)
        assert [number_of(frame) for frame in video] == list(range(len(video)))


def test_a_file_cut_off_is_read_as_far_as_it_goes(tmp_path):
    whole = write(tmp_path / "whole.mp4", frames=45, gop=8)
    with av.open(str(whole)) as source, av.open(str(tmp_path / "fast.mp4"), "w",
                                                options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    data = (tmp_path / "fast.mp4").read_bytes()
    begin = data.index(b"mdat")
    (tmp_path / "cut.mp4").write_bytes(data[:begin + (len(data) - begin) * 2 // 3])
    with open_video(tmp_path / "cut.mp4") as video:
        assert 8 <= len(video) < 40
        assert "cannot be decoded" in video.notes[0]
        assert [number_of(frame) for frame in video] == list(range(len(video)))


def test_a_real_clip_with_a_damaged_end(shared, tmp_path):
    data = bytearray((shared / "testset/mono_video/pose_squats_5s.mp4").read_bytes())
    end = data.index(b"moov") - 4
    data[end - 150_000:end] = bytes(150_000)
    (tmp_path / "squats.mp4").write_bytes(bytes(data))
    with open_video(tmp_path / "squats.mp4", max_side=160) as video:
        assert 10 < len(video) < 25
        assert f"The last {25 - len(video)} frames" in video.notes[0]
        assert sum(1 for _ in video) == len(video)


def test_very_large_and_upright_pictures_are_shrunk(tmp_path):
    with open_video(write(tmp_path / "large.mp4", frames=2, width=3840, height=2160), max_side=1280) as video:
        assert (video.width, video.height, video.original_size) == (1280, 720, (3840, 2160))
        assert next(iter(video)).shape == (720, 1280, 3)
        assert "3840 x 2160" in video.notes[0]
    with open_video(write(tmp_path / "upright.mp4", frames=2, width=360, height=640), max_side=320) as video:
        assert next(iter(video)).shape == (320, 180, 3)


def test_one_frame(tmp_path):
    with open_video(write(tmp_path / "one.mp4", frames=1)) as video:
        assert len(list(video)) == len(video) == 1
        assert "one frame only" in video.notes[0]
