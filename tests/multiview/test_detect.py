"""People found in every view, and keypoints from files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from humanav.errors import Cancelled, InputError, NoPersonError
from humanav.multiview.detect import detect
from humanav.multiview.detect_files import sightings_from_files
from humanav.perception import follow_people as following
from humanav.perception.person import Person2D
from humanav.perception.sequence import KeypointSequence
from humanav.perception.takes import People, Take, encode_mask
from humanav.progress import Progress
from tests.multiview.moving_people import filmed, ring


@dataclass
class Pictures:
    """Frames that say by their brightness which view and moment they are."""

    names: tuple[str, ...] = ("a", "b")
    fps: float = 25.0
    frames: int = 8
    sizes: tuple[tuple[int, int], ...] = ((100, 80), (100, 80))
    asked: list[tuple[int, int]] = field(default_factory=list)

    def frame(self, view: int, t: int) -> np.ndarray:
        self.asked.append((view, t))
        picture = np.full((80, 100, 3), 40 + 10 * view, np.uint8)
        picture[:, :50] = [200, 30, 30]
        return picture


def take(number: int, start: int, frames: int, height: float = 60.0, x: float = 25.0) -> Take:
    points = np.full((frames, 17, 3), 0.9, np.float32)
    points[..., 0] = x + np.linspace(-4, 4, 17)
    points[..., 1] = 10 + height * np.linspace(0, 1, 17)
    sequence = KeypointSequence(points, "coco17", 25.0, 100, 80, str(number))
    boxes = np.tile(np.array([x - 4, 10, x + 4, 10 + height], np.float32), (frames, 1))
    mask = encode_mask(np.ones((40, 50), np.float32))
    return Take(str(number), 0, start, sequence, boxes, masks=[mask] * frames)


@pytest.fixture
def followed(monkeypatch):
    """Following replaced by takes for each view; what it was asked for is kept."""
    views = {"a": [take(1, 0, 8), take(2, 2, 4, 50, 75)],
             "b": [take(1, 0, 3, 12), take(2, 0, 8), take(3, 3, 5, 55, 70)]}
    calls = []

    def follow(video, **options):
        calls.append((video, options))
        frames = sum(1 for _ in video.read())
        if options["progress"] is not None:
            options["progress"].update(0.5)
        if options["watch"] is not None:
            options["watch"](0, video.footage.frame(video.view, 0), [])
        takes = views[video.path.name]
        if not takes:
            raise NoPersonError("Nobody is seen.")
        return People(tuple(takes), ((0, frames),), 25.0, 100, 80, frames, ("It was dark.",))

    monkeypatch.setattr(following, "follow_people", follow)
    return views, calls


def test_people_of_all_views_stand_side_by_side(followed, tmp_path) -> None:
    watched, told = [], []
    found = detect(Pictures(), work=tmp_path, watch=lambda view, t, frame, people: watched.append((view, t)),
                   progress=Progress(1, told.append))
    assert found.keypoints.shape == (8, 2, 2, 17, 3)
    assert found.tracks[:, 0, 0].tolist() == [1] * 8
    assert found.tracks[:, 0, 1].tolist() == [-1, -1, 2, 2, 2, 2, -1, -1]
    # the second view's first person is tiny: a bystander; the third comes when the first slot is free
    assert sorted({*found.tracks[:, 1].ravel().tolist()}) == [-1, 2, 3]
    assert any(note.startswith("b:") and "bystanders" in note for note in found.notes)
    assert "a: It was dark." in found.notes
    assert (2, 0, 1) in found.masks
    assert (0, 0, 1) not in found.masks
    assert watched == [(0, 0), (1, 0)]
    assert [round(event.fraction, 3) for event in told if event.fraction] == [0.25, 0.75]
    looks = found.looks[found.present]
    assert np.allclose(looks.sum(axis=-1), 1)
    # red trousers on the left of the picture, dark ones on the right
    assert np.abs(found.looks[3, 0, 0] - found.looks[3, 0, 1]).sum() > 0.5


def test_each_view_keeps_its_results_in_a_folder_of_its_own(followed, tmp_path) -> None:
    _, calls = followed
    detect(Pictures(), work=tmp_path, people=2, masks=False)
    first, second = (options for _, options in calls)
    assert first["work"] != second["work"]
    assert first["key"] != second["key"]
    assert first["people"] == 2
    assert not first["masks"]


def test_shrunk_pictures_give_keypoints_in_the_cameras_pixels(followed) -> None:
    small = detect(Pictures(), looks=False)
    large = detect(Pictures(), looks=False, sizes=[(200, 160), (300, 240)])
    assert np.allclose(large.keypoints[:, 0, ..., :2], 2 * small.keypoints[:, 0, ..., :2])
    assert np.allclose(large.keypoints[:, 1, ..., :2], 3 * small.keypoints[:, 1, ..., :2])


def test_a_view_without_anybody_is_told_of_and_none_at_all_refused(followed) -> None:
    views, _ = followed
    views["b"] = []
    found = detect(Pictures(), looks=False)
    assert not found.present[:, 1].any()
    assert "b: Nobody is seen." in found.notes
    views["a"] = []
    with pytest.raises(NoPersonError, match="No view"):
        detect(Pictures())
    with pytest.raises(InputError):
        detect(Pictures(), people=0)


def test_it_can_be_stopped(followed) -> None:
    with pytest.raises(Cancelled):
        detect(Pictures(), progress=Progress(1, cancelled=lambda: True))


def test_a_few_frames_are_looked_at_one_by_one(monkeypatch) -> None:
    class Seer:
        def detect(self, image, most):
            points = take(1, 0, 1).sequence.keypoints[0]
            return [Person2D(points, "coco17", np.array([20, 10, 30, 70], np.float32), 0.9)]

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr("humanav.multiview.detect.make_detector", lambda name: Seer())
    found = detect(Pictures(frames=2))
    assert found.present.all()
    assert (found.tracks == -1).all()


def _openpose(folder, sightings, view: int) -> None:
    folder.mkdir(parents=True)
    for t in range(sightings.frames):
        people = [{"pose_keypoints_2d": own.reshape(-1).tolist()} for own in sightings.keypoints[t, view]]
        (folder / f"{t:06d}_keypoints.json").write_text(json.dumps({"people": people}))


def test_openpose_folders_come_back_as_they_were(tmp_path) -> None:
    rig = ring(3)
    sightings = filmed(rig, 6, people=2, seed=2)
    for view, name in enumerate(rig.names):
        _openpose(tmp_path / f"{name}_json", sightings, view)
    found = sightings_from_files(tmp_path, fps=25.0)
    assert found.names == rig.names
    assert found.fps == 25.0
    assert np.allclose(found.keypoints, sightings.keypoints, atol=1e-4)
    asked = sightings_from_files({name: tmp_path / f"{name}_json" for name in rig.names}, keypoint_set="skel19", fps=25)
    assert asked.keypoint_set == "skel19"


def test_views_of_other_lengths_and_kinds_are_brought_together(tmp_path) -> None:
    rig = ring(2)
    sightings = filmed(rig, 6, people=1, seed=2)
    _openpose(tmp_path / "cam01", sightings, 0)
    np.save(tmp_path / "cam02.npy", sightings.keypoints[:4, 1, 0])
    found = sightings_from_files(tmp_path, names=rig.names)
    assert found.frames == 4
    assert np.allclose(found.keypoints[:, :, 0], sightings.keypoints[:4, :, 0], atol=1e-3)
    assert any("first 4" in note for note in found.notes)
    assert any("frame rate" in note for note in found.notes)
    with pytest.raises(InputError, match="cam03"):
        sightings_from_files(tmp_path, names=("cam01", "cam03"))
    with pytest.raises(InputError, match="no folder"):
        sightings_from_files(tmp_path / "gone")
