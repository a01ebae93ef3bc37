"""OpenPose files: every layout, old and new spellings, what is missing, what is wrong, where they are found."""

import json

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.perception import Person2D, find_openpose, read_openpose, write_openpose
from humanav.perception.openpose import as_openpose25


def points(count, rng, scale=400.0):
    xy = rng.uniform(0.05, 0.95, (count, 2)) * scale
    return np.column_stack([xy, rng.uniform(0.3, 1.0, count)]).round(4)


def write(path, people):
    path.write_text(json.dumps({"version": 1.3, "people": people}))
    return path


@pytest.mark.parametrize(("count", "name"), [(25, "openpose25"), (18, "openpose18"), (17, "coco17"), (26, "halpe26"),
                                             (15, "openpose14"), (16, "openpose14")])
def test_the_number_of_points_says_which_they_are(tmp_path, rng, count, name):
    body = points(count, rng)
    person, = read_openpose(write(tmp_path / "a.json", [{"pose_keypoints_2d": body.ravel().tolist()}]))
    assert person.keypoint_set == name
    assert len(person.keypoints) == len(KEYPOINT_SETS[name])
    np.testing.assert_allclose(person.keypoints, body[: len(person.keypoints)], rtol=1e-6)
    assert (person.left_hand, person.face, person.track_id) == (None, None, None)


def test_old_spelling_hands_face_and_several_people(tmp_path, rng):
    body, hand, face = points(25, rng), points(21, rng), points(70, rng)
    new = {"person_id": [4], "pose_keypoints_2d": body.ravel().tolist(),
           "hand_right_keypoints_2d": hand.ravel().tolist(), "hand_left_keypoints_2d": [0.0] * 63,
           "face_keypoints_2d": face.ravel().tolist()}
    old = {"pose_keypoints": (body + [100, 0, 0]).ravel().tolist(), "hand_left_keypoints": hand.ravel().tolist(),
           "face_keypoints": []}
    first, second = read_openpose(write(tmp_path / "a.json", [new, {"pose_keypoints_2d": [0] * 75}, old]))
    assert (first.track_id, first.left_hand) == (4, None)
    np.testing.assert_allclose(first.right_hand, hand, rtol=1e-6)
    np.testing.assert_allclose(first.face, face, rtol=1e-6)
    np.testing.assert_allclose(second.keypoints[:, 0], body[:, 0] + 100, rtol=1e-6)
    np.testing.assert_allclose(second.left_hand, hand, rtol=1e-6)


def test_points_that_were_not_found_do_not_count(tmp_path, rng):
    body = points(25, rng)
    body[[3, 7]] = 0
    body[9] = [250.0, 3000.0, 0.0]  # some writers leave a place behind
    person, = read_openpose(write(tmp_path / "a.json", [{"pose_keypoints_2d": body.ravel().tolist()}]))
    assert (person.keypoints[[3, 7, 9]] == 0).all()
    assert 0 < person.box.min() < person.box.max() < 400
    assert person.score == pytest.approx(np.delete(body[:, 2], [3, 7, 9]).mean(), rel=1e-5)


def test_round_trip(tmp_path, rng):
    people = [Person2D(points(len(KEYPOINT_SETS[name]), rng).astype(np.float32), name, np.zeros(4), 1.0,
                       left_hand=points(21, rng).astype(np.float32), face=points(70, rng).astype(np.float32),
                       track_id=2)
              for name in ("openpose25", "openpose18", "coco17", "halpe26", "openpose14")]
    again = read_openpose(write_openpose(people, tmp_path / "b.json"))
    for before, after in zip(people, again, strict=True):
        assert (after.keypoint_set, after.track_id) == (before.keypoint_set, 2)
        for name in ("keypoints", "left_hand", "face"):
            np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=1e-3)


def test_our_own_detection_becomes_openpose(rng):
    names = KEYPOINT_SETS["blazepose33"]
    own = points(33, rng).astype(np.float32)
    person = as_openpose25(Person2D(own, "blazepose33", np.zeros(4), 1.0))
    there = dict(zip(KEYPOINT_SETS["openpose25"], person.keypoints))
    np.testing.assert_allclose(there["left_knee"], own[names.index("left_knee")])
    middle = (own[names.index("left_hip"), :2] + own[names.index("right_hip"), :2]) / 2
    np.testing.assert_allclose(there["pelvis"][:2], middle, rtol=1e-5)
    np.testing.assert_allclose(there["right_big_toe"], own[names.index("right_foot_index")])
    assert (there["left_small_toe"] == 0).all()
    with pytest.raises(InputError, match="as_openpose25"):
        write_openpose([Person2D(own, "blazepose33", np.zeros(4), 1.0)], "never_written.json")


def test_shares_of_the_picture_need_its_size(tmp_path, rng):
    body = points(25, rng, scale=1.0)
    path = write(tmp_path / "a.json", [{"pose_keypoints_2d": body.ravel().tolist()}])
    with pytest.raises(InputError, match="size"):
        read_openpose(path)
    person, = read_openpose(path, size=(640, 480))
    np.testing.assert_allclose(person.keypoints[:, :2], body[:, :2] * [640, 480], rtol=1e-5)


def test_nobody_is_no_error(tmp_path):
    assert read_openpose(write(tmp_path / "a.json", [])) == []
    assert read_openpose(write(tmp_path / "b.json", [{"pose_keypoints_2d": []}])) == []


@pytest.mark.parametrize(("text", "says"), [
    ("{", "not a JSON file"), ("[]", "no list"), ('{"people": {}}', "no list"), ('{"people": [3]}', "not an OpenPose"),
    ('{"people": [{"pose_keypoints_2d": [1, 2, 0.5, 4]}]}', "three for each point"),
    ('{"people": [{"pose_keypoints_2d": [1, 2, 0.5]}]}', "1 body points"),
    ('{"people": [{"pose_keypoints_2d": ["a", 2, 0.5]}]}', "not numbers"),
    ('{"people": [{"pose_keypoints_2d": [1, NaN, 0.5]}]}', "not finite"),
    ('{"people": [{"pose_keypoints_2d": {"x": 1}}]}', "not numbers"),
])
def test_bad_files_get_one_sentence(tmp_path, text, says):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        read_openpose(path)
    assert "bad.json" in str(caught.value)


def test_missing_files_and_binary_files(tmp_path):
    with pytest.raises(InputError, match=r"no file gone\.json"):
        read_openpose(tmp_path / "gone.json")
    (tmp_path / "b.json").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="not a JSON"):
        read_openpose(tmp_path / "b.json")
    with pytest.raises(InputError, match="cannot be opened"):
        read_openpose(tmp_path)


def test_where_the_file_of_a_picture_is_found(tmp_path):
    image = tmp_path / "images" / "one.jpg"
    image.parent.mkdir()
    assert find_openpose(image) is None
    (image.parent / "one.json").write_text('{"K": [1]}')  # a camera, say
    assert find_openpose(image) is None
    for folder in ("keypoints", "images/keypoints", "images"):
        (tmp_path / folder).mkdir(exist_ok=True)
        name = "one_keypoints.json" if folder == "keypoints" else "one.json"
        path = write(tmp_path / folder / name, [])
        assert find_openpose(image) == path
    both = write(image.parent / "one_keypoints.json", [])
    assert find_openpose(image) == both
