"""The whole way from a sample photo to a result, its progress, and what can be done with it afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanav.errors import Cancelled
from humanav.jobs import ANIMATE_STAGES, STAGES, animate_avatar, films, measure_photo, photo_to_avatar
from humanav.motion import load_motion
from humanav.paths import asset
from humanav.progress import Event, Progress
from humanav.results import Result
from humanav.synth import photograph, sample_person
from tests.manifests import check_origin

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample() -> Path:
    return sorted(asset("samples").glob("*.jpg"))[0]


@pytest.fixture(scope="module")
def made(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Result, list[Event]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(films, "TURNTABLE_FPS", 3.0)
        patch.setattr("humanav.jobs.films.VIDEO_SECONDS", 0.5)
        events: list[Event] = []
        out = tmp_path_factory.mktemp("jobs") / "out"
        yield photo_to_avatar(sample, out=out, texture_size=1024, progress=Progress(len(STAGES), events.append)), events


def test_every_stage_is_told_in_order_with_evidence(made: tuple[Result, list[Event]]) -> None:
    _, events = made
    stages = list(dict.fromkeys(event.stage for event in events))
    assert stages == list(STAGES)
    assert [event.step for event in events] == sorted(event.step for event in events)
    assert all(0 <= event.fraction <= 1 for event in events)
    pictures = [event for event in events if event.image is not None]
    assert {event.data["name"] for event in pictures} >= {"keypoints", "matte", "overlay", "side", "texture", "round"}
    assert all(event.caption.endswith(".") and event.image.dtype == np.uint8 for event in pictures)
    assert [event.file.name for event in events if event.file is not None] == ["body.glb", "avatar.glb"]


def test_the_result_is_complete(made: tuple[Result, list[Event]]) -> None:
    result, _ = made
    assert [file.name for file in result.downloads] == [
        "avatar.glb", "animation.mp4", "turntable.mp4", "motion.bvh", "motion.npz", "measurements.json", "avatar.npz"]
    assert result.path("avatar.glb").stat().st_size < 8e6
    assert 1.2 < json.loads(result.path("measurements.json").read_text())["height"] < 2.3
    assert result.report["avatar_iou"] > max(0.9, result.report["body_iou"] - 0.01)
    assert result.report["quality"].endswith(".")
    assert 0.1 < result.report["seen_share"] < 0.9
    assert Result.load(result.folder) == result
    check_origin(result, STAGES, ["Built-in body", "Sample photos, clips and captures", "Built-in motions"])


def test_the_motion_files_hold_the_clip(made: tuple[Result, list[Event]]) -> None:
    result, _ = made
    from_npz, from_bvh = load_motion(result.path("motion.npz")), load_motion(result.path("motion.bvh"))
    assert len(from_npz) == len(from_bvh)
    assert from_npz.duration > 1


def test_another_motion_needs_no_other_fit(made: tuple[Result, list[Event]], tmp_path: Path) -> None:
    result, _ = made
    events: list[Event] = []
    progress = Progress(len(ANIMATE_STAGES), events.append)
    again = animate_avatar(result.folder, result.path("motion.bvh"), out=tmp_path / "again", progress=progress)
    assert {event.stage for event in events} == set(ANIMATE_STAGES)
    assert again.report["measurements"] == result.report["measurements"]
    assert again.has("avatar.glb")
    assert animate_avatar(again, "wave", out=tmp_path / "third").inputs["motion"] == "wave"


def test_a_job_stops_when_asked_and_leaves_nothing(sample: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    progress = Progress(len(STAGES), events.append, lambda: len(events) > 4)
    with pytest.raises(Cancelled):
        photo_to_avatar(sample, out=tmp_path / "out", progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_a_given_height_is_kept(sample: Path) -> None:
    values = measure_photo(sample, height=1.62)
    assert values["height"] == pytest.approx(1.62, abs=0.03)


@pytest.fixture
def short_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "TURNTABLE_FPS", 1.0)
    monkeypatch.setattr("humanav.jobs.films.VIDEO_SECONDS", 0.2)


@pytest.fixture(scope="module")
def both_sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One synthetic person, photographed from the front and from behind."""
    folder = tmp_path_factory.mktemp("sides")
    for name, yaw in (("front", 0.0), ("back", 180.0)):
        person = sample_person(11, pose="a_pose", yaw=yaw, clothes="casual", place="room")
        Image.fromarray(photograph(person, size=(450, 600)).image).save(folder / f"{name}.png")
    return folder / "front.png", folder / "back.png"


@pytest.mark.usefixtures("short_videos")
def test_a_photo_of_the_back_shows_more_of_the_surface(both_sides: tuple[Path, Path], tmp_path: Path) -> None:
    front, back = both_sides
    alone = photo_to_avatar(front, out=tmp_path / "alone", texture_size=1024)
    events: list[Event] = []
    both = photo_to_avatar(front, back=back, out=tmp_path / "both", texture_size=1024,
                           progress=Progress(len(STAGES), events.append))
    assert both.report["seen_share"] > alone.report["seen_share"] + 0.15
    assert both.inputs["back"] == "back.png"
    assert "back_matte" in {event.data.get("name") for event in events}
    assert both.id != alone.id
