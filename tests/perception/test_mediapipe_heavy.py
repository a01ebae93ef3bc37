"""The larger pose network is put where MediaPipe looks for it, whole or not at all; clips are seen by it, twice."""

import os

import numpy as np
import pytest

from humanav.paths import checkpoint
from humanav.perception import MediapipeDetector, load_image
from humanav.perception.mediapipe_heavy import FILE, HEAVY, best_complexity, put_heavy
from humanav.perception.people import agree, swap_sides, transformed, unmirrored


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "mediapipe" / "modules" / "pose_landmark"
    folder.mkdir(parents=True)
    return folder.parent.parent


def test_it_is_put_in_its_place_whole(package) -> None:
    target = package / "modules" / "pose_landmark" / FILE
    assert put_heavy(package)
    assert target.read_bytes() == checkpoint("pose_landmark_heavy", FILE).read_bytes()
    assert [path.name for path in target.parent.iterdir()] == [FILE]
    before = target.stat().st_mtime_ns
    assert put_heavy(package)
    assert target.stat().st_mtime_ns == before


def test_half_a_download_is_replaced(package) -> None:
    target = package / "modules" / "pose_landmark" / FILE
    target.write_bytes(b"half")
    assert put_heavy(package)
    assert target.stat().st_size == checkpoint("pose_landmark_heavy", FILE).stat().st_size


def test_without_the_file_the_middle_network_serves(package, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HUMANAV_HOME", str(tmp_path))
    assert not put_heavy(package)


def test_a_folder_that_is_not_there_leaves_nothing(tmp_path) -> None:
    assert not put_heavy(tmp_path / "nowhere")
    assert os.listdir(tmp_path) == []


def test_this_installation_has_it() -> None:
    assert best_complexity() == HEAVY


@pytest.fixture(scope="module")
def photo(shared):
    return load_image(shared / "testset" / "photos" / "vladmandic_ai_body.jpg")


def test_a_look_in_the_mirror_says_the_same(photo) -> None:
    with MediapipeDetector() as detector:
        session = detector.session(masks=False)
        straight = session.look(photo)
        session.close()
        session = detector.session(masks=False)
        again = unmirrored(session.look(np.ascontiguousarray(photo[:, ::-1])), photo.shape[:2])
        session.close()
        full = detector.session(full=True)
        both = full.look(photo)
        full.close()
    assert agree(straight, again)
    assert not agree(straight, swap_sides(again))
    size = straight.box[3] - straight.box[1]
    apart = np.linalg.norm(straight.keypoints[11:, :2] - again.keypoints[11:, :2], axis=1) / size
    assert np.median(apart) < 0.02
    halfway = (straight.keypoints[11:, :2] + again.keypoints[11:, :2]) / 2
    assert np.median(np.linalg.norm(both.keypoints[11:, :2] - halfway, axis=1)) / size < 0.02
    assert both.left_hand is not None or both.face is not None


def test_unmirrored_undoes_a_mirror(photo) -> None:
    with MediapipeDetector(looks=0) as detector:
        person = detector.detect(photo)[0]
    height, width = photo.shape[:2]
    there = swap_sides(transformed(person, np.array([[-1.0, 0, width], [0, 1, 0]]), (height, width)))
    back = unmirrored(there, (height, width))
    assert np.allclose(back.keypoints, person.keypoints, atol=1e-3)
    assert np.allclose(back.world, person.world, atol=1e-6)
