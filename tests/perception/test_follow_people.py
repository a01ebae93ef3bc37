"""People through clips: one and several, crossings, cuts, absences, stopping and going on, what is refused."""

from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest

from humanav.body.landmarks import FACE_POINTS
from humanav.errors import Cancelled, InputError, MissingExtraError, NoPersonError
from humanav.export import write_mp4
from humanav.perception import open_video
from humanav.perception.follow_people import first_people, follow_people
from humanav.perception.mediapipe_detector import MediapipeDetector
from humanav.progress import Progress


@pytest.fixture(scope="module")
def squat(shared):
    """25 frames of 270 x 480 of a woman who squats, 5 per second."""
    with open_video(shared / "testset/mono_video/pose_squats_5s.mp4", max_side=480) as video:
        return list(video)


@pytest.fixture(scope="module")
def balance(shared):
    """20 frames of 270 x 480 of a man who stands on one leg before another background."""
    with open_video(shared / "testset/mv_single/cam01.mp4", max_side=480) as video:
        return list(islice(video, 20))


def backdrop(width, height):
    """Smooth coloured clouds in which nobody is."""
    clouds = np.random.default_rng(0).integers(40, 220, (12, 16, 3)).astype(np.float32)
    return cv2.resize(clouds, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def clip(frames, path, fps=10):
    return write_mp4([np.ascontiguousarray(frame) for frame in frames], path, fps=fps)


def seen_at(take):
    return (take.start + np.flatnonzero(take.seen)).tolist()


def test_one_person_whole(squat, tmp_path):
    calls = []
    with open_video(clip(squat, tmp_path / "squat.mp4", 5)) as video:
        found = follow_people(video, watch=lambda *call: calls.append(call))
    (take,) = found.takes
    assert (take.person_id, take.part, take.start, len(take), found.shots) == ("1", 0, 0, 25, ((0, 25),))
    assert take.seen.all()
    assert take.world.shape == (25, 33, 3)
    assert np.isfinite(take.world).all()
    assert (take.face, take.left_hand) == (None, None)
    hips = take.sequence.keypoints[:, [23, 24], 1].mean(axis=1)
    assert np.ptp(hips) > 60  # a squat
    mask = take.mask(3)
    assert mask.shape == (320, 180)
    x, y = (take.sequence.keypoints[3, [11, 12, 23, 24, 25, 26], :2] * 320 / 480).astype(int).T
    assert (mask[y, x] > 0.5).all()
    assert [number for number, *_ in calls] == list(range(25))
    frame, people = calls[7][1:]
    assert frame.shape == (480, 270, 3)
    assert [person.track_id for person in people] == [1]
    assert abs(people[0].keypoints[0, :2] - take.sequence.keypoints[7, 0, :2]).max() < 5


def test_hands_and_face_when_asked(squat, tmp_path):
    with open_video(clip(squat[:6], tmp_path / "squat.mp4", 5)) as video:
        (take,) = follow_people(video, full=True, masks=False).takes
    assert take.left_hand.shape == take.right_hand.shape == (6, 21, 3)
    assert take.face.shape == (6, len(FACE_POINTS), 3)
    assert (take.face[..., 2] > 0).any()
    names = list(FACE_POINTS)
    across = take.face[:, names.index("face_left_eye_outer"), 0] - take.face[:, names.index("face_right_eye_outer"), 0]
    assert (across[take.face[:, 0, 2] > 0] > 5).all()
    assert take.masks == ()


@pytest.fixture(scope="module")
def cut_outs(squat, balance):
    """Colours (H,W,3) and mask (H,W) of the woman, 340 pixels tall, and of the man, 300."""
    out = []
    with MediapipeDetector(looks=0) as detector:
        for frame, tall in ((squat[0], 340), (balance[0], 300)):
            (person,) = detector.detect(frame)
            x0, y0, x1, y1 = np.clip(person.box.astype(int) + [-6, -6, 6, 6], 0, None)
            size = (round((x1 - x0) * tall / (y1 - y0)), tall)
            out.append([cv2.resize(part[y0:y1, x0:x1], size) for part in (frame, person.mask)])
    return out


def put(frame, cut_out, x, bottom):
    colours, mask = cut_out
    high, wide = mask.shape
    part = frame[bottom - high:bottom, round(x - wide / 2):round(x - wide / 2) + wide]
    part[:] = part * (1 - mask[..., None]) + colours * mask[..., None]
    return frame


@pytest.fixture(scope="module")
def pair(cut_outs, tmp_path_factory):
    """24 frames of 640 x 480, 12 per second: the woman goes right, the man left and before her."""
    frames, middles = [], []
    for t in np.linspace(0, 1, 24):
        ways = 110 + 420 * t, 530 - 420 * t
        frames.append(put(put(backdrop(640, 480), cut_outs[0], ways[0], 440), cut_outs[1], ways[1], 420))
        middles.append(ways)
    return clip(frames, tmp_path_factory.mktemp("pair") / "pair.mp4", 12), np.array(middles)


@pytest.mark.slow
def test_people_who_cross_keep_their_numbers(pair):
    path, middles = pair
    with open_video(path) as video:
        found = follow_people(video, people="all")
        number, frame, first = first_people(video)
    assert found.person_ids == ("1", "2")
    order = np.argsort([abs(first[0].box[0] - middles[0]), abs(first[1].box[0] - middles[0])], axis=1)[:, 0]
    assert (number, frame.shape) == (0, (480, 640, 3))
    for take, who in zip(found.takes, order):
        assert take.part == 0
        assert take.seen.mean() > 0.75
        x = take.sequence.keypoints[:, [11, 12, 23, 24], 0].mean(axis=1)
        away = np.abs(x - middles[take.start:take.stop, who])
        assert away[take.seen & (np.abs(np.diff(middles[take.start:take.stop]))[:, 0] > 120)].max() < 45


@pytest.mark.slow
def test_one_of_several_is_chosen(pair):
    with open_video(pair[0], end=0.5) as video:
        largest = follow_people(video)
        second = follow_people(video, chosen=[2])
        with pytest.raises(InputError, match="no person 3: 2 can be seen"):
            follow_people(video, chosen=[1, 3])
    assert (largest.person_ids, second.person_ids) == (("1",), ("2",))
    assert any("2 people" in note and "largest" in note for note in largest.notes)
    apart = largest.takes[0].sequence.keypoints[..., 0] - second.takes[0].sequence.keypoints[..., 0]
    assert np.abs(np.median(apart)) > 200


def test_shots_are_tracked_apart(squat, balance, tmp_path):
    nearer = [cv2.resize(frame[20:400, 30:244], (270, 480)) for frame in squat[8:16]]
    with open_video(clip([*squat[:8], *balance[:8], *nearer], tmp_path / "cut.mp4", 8)) as video:
        found = follow_people(video)
    assert found.shots == ((0, 8), (8, 16), (16, 24))
    assert [(t.person_id, t.part, t.start, t.stop) for t in found.takes] == [
        ("1", 0, 0, 8), ("1", 1, 16, 24), ("2", 0, 8, 16)]
    assert any("cut at 1.0, 2.0 s" in note for note in found.notes)


def test_short_absences_are_bridged_and_long_ones_split(cut_outs, tmp_path):
    there = [*[True] * 6, *[False] * 3, *[True] * 6, *[False] * 14, *[True] * 8]
    frames = [put(backdrop(640, 480), cut_outs[0], 200 + 5 * t, 440) if seen else backdrop(640, 480)
              for t, seen in enumerate(there)]
    with open_video(clip(frames, tmp_path / "gaps.mp4", 10)) as video:
        found = follow_people(video)
    first, second = found.takes
    assert [(t.person_id, t.part) for t in found.takes] == [("1", 0), ("1", 1)]
    assert seen_at(first) == [*range(6), *range(9, 15)]
    assert (first.sequence.keypoints[6:9] == 0).all()
    assert np.isnan(first.boxes[6:9]).all()
    assert first.mask(7) is None
    assert abs(second.start - 29) <= 3
    assert any("not seen from 1.5 to" in note for note in found.notes)
    assert any("3 of the 15 frames" in note for note in found.notes)


def test_stopped_and_taken_up_again(squat, tmp_path, monkeypatch):
    monkeypatch.setattr("humanav.perception.follow_people.CHUNK", 6)
    path, work = clip(squat, tmp_path / "squat.mp4", 5), tmp_path / "work"
    with open_video(path) as video:
        whole = follow_people(video)
        count = iter(range(1000))
        with pytest.raises(Cancelled):
            follow_people(video, work=work, progress=Progress(1, cancelled=lambda: next(count) > 15))
        chunks = sorted((work / "following").glob("chunk*.npz"))
        assert len(chunks) == 2
        assert not list(work.rglob("*.part"))
        numbers = []
        again = follow_people(video, work=work, watch=lambda number, *_: numbers.append(number))
        assert numbers == list(range(12, 25))
        numbers.clear()
        third = follow_people(video, work=work, watch=lambda number, *_: numbers.append(number))
        assert numbers == []
        follow_people(video, work=work, masks=False, watch=lambda number, *_: numbers.append(number))
        assert numbers == list(range(25))  # other options begin anew
    for other in (again, third):
        assert [(len(t), t.start, t.person_id, t.seen.sum()) for t in other.takes] == [(25, 0, "1", 25)]
        apart = np.linalg.norm(other.takes[0].sequence.keypoints[..., :2] - whole.takes[0].sequence.keypoints[..., :2],
                               axis=-1)
        assert np.median(apart) < 1.5
        np.testing.assert_allclose(apart[:11], 0, atol=0.05)
        assert len([mask for mask in other.takes[0].masks if mask]) == 25


def test_damaged_chunks_are_made_again(squat, tmp_path, monkeypatch):
    monkeypatch.setattr("humanav.perception.follow_people.CHUNK", 4)
    with open_video(clip(squat[:8], tmp_path / "squat.mp4", 5)) as video:
        follow_people(video, work=tmp_path)
        (tmp_path / "following" / "chunk_00001.npz").write_bytes(b"torn")
        numbers = []
        found = follow_people(video, work=tmp_path, watch=lambda number, *_: numbers.append(number))
    assert numbers == [4, 5, 6, 7]
    assert len(found.takes[0]) == 8


def test_nobody_and_bad_arguments(tmp_path, squat):
    with open_video(clip([backdrop(270, 480)] * 4, tmp_path / "empty.mp4")) as video:
        with pytest.raises(NoPersonError, match=r"Nobody is seen in empty\.mp4"):
            follow_people(video)
        with pytest.raises(NoPersonError, match="Nobody"):
            first_people(video)
        with pytest.raises(InputError, match="counted from 1"):
            follow_people(video, people=0)
        with pytest.raises(InputError, match="counted from 1"):
            follow_people(video, chosen=[0])
        with pytest.raises(MissingExtraError, match="no detector called"):
            follow_people(video, detector="eyes")


def test_one_frame_is_a_take(squat, tmp_path):
    with open_video(clip(squat[:1], tmp_path / "one.mp4")) as video:
        found = follow_people(video)
    assert [len(take) for take in found.takes] == [1]
    assert found.shots == ((0, 1),)


def test_a_glimpse_is_no_take(cut_outs, tmp_path):
    frames = [put(backdrop(640, 480), cut_outs[0], 200, 440) if t in (8, 9, 10) else backdrop(640, 480)
              for t in range(15)]
    with (open_video(clip(frames, tmp_path / "glimpse.mp4")) as video,
          pytest.raises(NoPersonError, match=r"only 3 of 15 frames")):
        follow_people(video)


def test_a_tracker_left_behind_sees_nobody(cut_outs, tmp_path):
    """Trackers go on for a while where somebody was."""
    frames = [put(backdrop(640, 480), cut_outs[1], 300, 400) if t < 10 else backdrop(640, 480) for t in range(18)]
    with open_video(clip(frames, tmp_path / "gone.mp4")) as video:
        (take,) = follow_people(video).takes
    assert take.stop == 10


def test_a_flash_loses_nobody(cut_outs, tmp_path):
    frames = [put(backdrop(640, 480), cut_outs[0], 300, 440) for _ in range(14)]
    frames[6] = np.clip(frames[6] * 1.6 + 70, 0, 255).astype(np.uint8)
    frames[9:] = [(frame * 0.45).astype(np.uint8) for frame in frames[9:]]
    with open_video(clip(frames, tmp_path / "flash.mp4")) as video:
        found = follow_people(video)
    assert [(take.person_id, take.start, len(take)) for take in found.takes] == [("1", 0, 14)]
    assert found.takes[0].seen.sum() >= 13
