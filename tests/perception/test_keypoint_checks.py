"""Bad keypoint files: what is converted and said, what is refused, each with one sentence."""

from __future__ import annotations

import json
import re
from contextlib import suppress

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import HumanavError, InputError, StorageError
from humanav.perception import KeypointSequence, read_keypoints, write_keypoints
from tests.perception.figures import walker

SIZE = (1280, 480)
SENTENCE = re.compile(r"^[A-Za-z0-9'\"_ ].{20,400}[.!]$", re.DOTALL)


def clip(layout="coco17", frames=8, **also):
    return walker(frames, names=KEYPOINT_SETS[layout], **also)


def read(folder, points, **options):
    np.save(folder / "clip.npy", points)
    return read_keypoints(folder / "clip.npy", **options)


def said(keypoints, words):
    return any(words in note for note in keypoints.notes)


def refused(folder, points, words, **options):
    with pytest.raises(InputError, match=words) as caught:
        read(folder, points, **options)
    assert SENTENCE.match(str(caught.value))
    assert "clip.npy" in str(caught.value)


@pytest.mark.parametrize(("to_shares", "says"), [
    (lambda xy: xy / SIZE, "0 to 1"),
    (lambda xy: xy / SIZE * 2 - 1, "-1 to 1 over the picture:"),
    (lambda xy: xy / SIZE[0] * 2 - (1, SIZE[1] / SIZE[0]), "-1 to 1 over the picture's width"),
])
def test_shares_of_the_picture(tmp_path, to_shares, says):
    points = clip()
    shares = points.copy()
    shares[..., :2] = to_shares(points[..., :2])
    keypoints = read(tmp_path, shares, size=SIZE)
    np.testing.assert_allclose(keypoints.sequence.keypoints, points, atol=0.01)
    assert said(keypoints, says)
    refused(tmp_path, shares, "shares of the picture.*give the picture's size")


def test_a_missing_point_stays_missing_in_shares(tmp_path):
    points = clip()
    points[..., :2] /= SIZE
    points[2, 4] = 0
    assert not read(tmp_path, points, size=SIZE).sequence.keypoints[2, 4].any()


def test_exchanged_coordinates_that_fit_only_the_other_way(tmp_path):
    points = clip(middle=(900, 230))
    keypoints = read(tmp_path, points[..., [1, 0, 2]], size=SIZE)
    np.testing.assert_allclose(keypoints.sequence.keypoints, points, atol=1e-3)
    assert said(keypoints, "x and y were exchanged")
    refused(tmp_path, points, "100% of the points lie outside the 300 x 200 picture", size=(300, 200))


def test_exchanged_coordinates_without_a_size(tmp_path):
    points = clip()
    refused(tmp_path, points[..., [1, 0, 2]], "x and y look exchanged")
    keypoints = read(tmp_path, points[..., [1, 0, 2]], size=(640, 640))
    assert said(keypoints, "look whether x and y are exchanged")
    assert not said(read(tmp_path, points), "exchanged")


@pytest.mark.parametrize("quarter", [1, -1])
def test_somebody_who_really_lies_is_left_alone(tmp_path, quarter):
    points = clip()
    xy = points[..., :2] - (320, 230)
    points[..., :2] = np.stack([quarter * xy[..., 1], -quarter * xy[..., 0]], axis=-1) + (320, 240)
    np.testing.assert_allclose(read(tmp_path, points).sequence.keypoints, points, atol=1e-3)


def test_somebody_seen_from_behind_is_left_alone(tmp_path):
    points = clip(yaw=0, frames=6)
    points[..., 0] = 640 - points[..., 0]
    points[:, :5, 2] = 0.1  # no face
    np.testing.assert_allclose(read(tmp_path, points).sequence.keypoints, points, atol=1e-3)


def test_missing_confidences(tmp_path):
    points = clip()[..., :2]
    points[3, 5] = 0
    keypoints = read(tmp_path, points)
    assert said(keypoints, "no confidences")
    expected = np.ones((8, 17))
    expected[3, 5] = 0
    np.testing.assert_array_equal(keypoints.sequence.keypoints[..., 2], expected)
    zeros = np.concatenate([points, np.zeros((8, 17, 1))], axis=-1)
    assert said(read(tmp_path, zeros), "no confidences")


def test_confidences_of_other_scales(tmp_path):
    points = clip()
    points[..., 2] = np.linspace(10, 90, 17)
    keypoints = read(tmp_path, points)
    assert said(keypoints, "Confidences reach 90")
    assert keypoints.sequence.keypoints[..., 2].max() == 1
    assert 0.1 < keypoints.sequence.keypoints[..., 2].min() < 0.13
    points[..., 2] = 1.02  # as some networks give
    assert (read(tmp_path, points).sequence.keypoints[..., 2] == 1).all()
    points[..., 2] = np.linspace(-1, 1, 17)
    keypoints = read(tmp_path, points)
    assert said(keypoints, "like a depth")
    assert (keypoints.sequence.keypoints[..., 2] == 1).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e12])
def test_numbers_that_are_not_finite(tmp_path, bad):
    points = clip()
    points[2, 4, 0] = points[5, 6, 1] = bad
    points[7] = np.nan  # nobody
    keypoints = read(tmp_path, points)
    assert not keypoints.sequence.keypoints[[2, 5], [4, 6]].any()
    assert not keypoints.sequence.keypoints[7].any()
    assert said(keypoints, "NaN or infinite")
    points[:, 3:] = bad
    refused(tmp_path, points, "82% of the points are NaN or infinite")


def test_negative_coordinates(tmp_path):
    points = clip()
    points[2, 4, :2] = -1
    points[3, 5, 0] = -30
    keypoints = read(tmp_path, points)
    assert not keypoints.sequence.keypoints[[2, 3], [4, 5]].any()
    assert said(keypoints, "1.5% of the points have negative coordinates")
    points[..., 0] -= 400
    refused(tmp_path, points, "have negative coordinates")
    mediapipe = clip("blazepose33")
    mediapipe[..., 1] -= 100  # it places what the picture cuts off
    np.testing.assert_allclose(read(tmp_path, mediapipe).sequence.keypoints, mediapipe, atol=1e-3)


def test_relative_to_the_hips(tmp_path):
    points = clip()
    points[..., :2] -= points[:, [11, 12], :2].mean(axis=1, keepdims=True)
    refused(tmp_path, points, "relative to the hips")
    points[..., :2] /= 200
    refused(tmp_path, points, "relative to the hips", size=SIZE)


def test_the_size_is_guessed_from_the_points(tmp_path):
    for middle, size in (((320, 230), (640, 480)), ((240, 400), (480, 640)), ((1500, 800), (1920, 1080)),
                         ((500, 1500), (1080, 1920)), ((5000, 300), None)):
        keypoints = read(tmp_path, clip(middle=middle))
        assert said(keypoints, "size is not known")
        if size is not None:
            assert (keypoints.sequence.width, keypoints.sequence.height) == size
    assert keypoints.sequence.width > 5000
    assert not said(read(tmp_path, clip(), size=SIZE, fps=30), "known")


@pytest.mark.parametrize(("data", "says"), [
    (np.zeros((4, 17, 3)), "no keypoints|zero"), (np.full((4, 17, 3), np.nan), "no keypoints|finite"),
    (np.zeros(7), r"shape \(7,\)"),
    (np.zeros((0, 17, 3)), "shape"), (np.ones((4, 9, 3)) * 50, "9 points per person"), (np.ones((3, 17, 9)), "shape"),
    (np.array([["a", "b"]] * 5), "not numbers|shape"),
])
def test_arrays_that_are_no_keypoints(tmp_path, data, says):
    np.save(tmp_path / "clip.npy", data)
    with pytest.raises(InputError, match=says):
        read_keypoints(tmp_path / "clip.npy")


GOOD = [float(value) for value in clip(frames=1).reshape(-1)]


@pytest.mark.parametrize(("name", "content", "says"), [
    ("a.json", "", "is empty"), ("a.json", "  \n", "is empty"), ("a.json", "{\"people\": [", "not a JSON file"),
    ("a.json", "[" * 100_000, "not a JSON file"), ("a.json", "3", "no keypoints"), ("a.json", "[]", "no keypoints"),
    ("a.json", "{}", "no keypoints"), ("a.json", '{"people": []}', "no keypoints"),
    ("a.json", '"people"', "no keypoints"),
    ("a.json", '[{"a": 1}]', "no keypoints that are known"), ("a.json", '{"people": [{"pose_keypoints_2d": ["a"]}]}',
                                                               "not numbers"),
    ("a.json", '{"people": [{"pose_keypoints_2d": [1, 2, 0.5, 4]}]}', "1, 2, 0.5, 4|points per person|two or three"),
    ("a.json", json.dumps({"people": [{"keypoints": GOOD}, {"keypoints": GOOD[:42]}]}), "different numbers of points"),
    ("a.json", json.dumps({"images": [{"id": 1, "width": 5, "height": 5}, {"id": 2, "width": 6, "height": 5}],
                           "annotations": []}), "different sizes"),
    ("a.json", '{"annotations": []}', "no keypoints"), ("a.json", '{"frames": [[[1, 2], [3]]]}', "not numbers"),
    ("a.npz", "no zip", "no npz"), ("a.npy", "nothing", "no npz or npy"), ("a.csv", "\n\n", "is empty"),
    ("a.csv", "frame,nose_x,nose_y\n", "no rows"), ("a.csv", "frame,a,b\n1,2,3\n", "no pairs of columns"),
    ("a.csv", "1,2,3\n4,5,6\n", "3 numbers in a row"),
    ("a.csv", "frame,nose_x,nose_y\n1,2,x\n", "Row 2 .* not a number"),
    ("a.csv", "frame,nose_x,nose_y\nlast,2,3\n", "Row 2 .* no frame number"),
    ("a.csv", "frame,nose_x,nose_y\n1,2,3\n", "1 points per person|layout"), ("a.pdf", "%PDF", "no keypoint file"),
    ("a.c3d", "x", "no keypoint file"),
])
def test_files_that_cannot_be_used(tmp_path, name, content, says):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=says) as caught:
        read_keypoints(tmp_path / name)
    assert SENTENCE.match(str(caught.value))
    assert name in str(caught.value)


def test_missing_files_empty_folders_and_bad_arguments(tmp_path):
    with pytest.raises(InputError, match=r"no file gone\.json"):
        read_keypoints(tmp_path / "gone.json")
    with pytest.raises(InputError, match="no JSON file in the folder"):
        read_keypoints(tmp_path)
    np.save(tmp_path / "clip.npy", clip())
    for options, says in (({"size": (0, 10)}, "two positive numbers"), ({"fps": -1}, "frame rate"),
                          ({"keypoint_set": "kinect"}, "no keypoint layout 'kinect'"),
                          ({"keypoint_set": "openpose25"}, "openpose25 has 25 points, but there are 17"),
                          ({"keypoint_set": "face"}, "no keypoint layout 'face'")):
        with pytest.raises(InputError, match=says):
            read_keypoints(tmp_path / "clip.npy", **options)
    with pytest.raises(InputError, match="end it in"):
        write_keypoints(KeypointSequence(clip(), "coco17", 30, 640, 480), tmp_path / "a.pdf")
    with pytest.raises(StorageError, match="cannot be written"):
        write_keypoints(KeypointSequence(clip(), "coco17", 30, 640, 480), tmp_path / "no folder" / "a.npz")


def test_too_large_files_are_refused_unread(tmp_path):
    for name in ("a.json", "a.npz", "a.csv"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(500_000_000)  # a hole, no space
        with pytest.raises(InputError, match=r"too large \(500 MB\)"):
            read_keypoints(tmp_path / name)


@pytest.mark.parametrize("name", ["a.npz", "b.json", "c.csv"])
def test_damaged_files_never_give_a_traceback(tmp_path, name):
    """Bytes changed, cut or doubled at random: it is read, or one sentence says why not."""
    rng = np.random.default_rng(5)
    path = write_keypoints(KeypointSequence(clip(frames=3), "coco17", 30, 640, 480), tmp_path / name)
    whole = path.read_bytes()
    for _ in range(60):
        data = bytearray(whole)
        begin, end = sorted(rng.integers(0, len(data), 2))
        match rng.integers(3):
            case 0:
                data[begin:begin + 4] = rng.integers(0, 256, 4).astype(np.uint8).tobytes()
            case 1:
                del data[begin:end]
            case _:
                data[begin:begin] = data[begin:end]
        path.write_bytes(bytes(data))
        with suppress(HumanavError):
            read_keypoints(path)
