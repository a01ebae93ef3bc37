"""Frames of a tracked clip as views: all sides, whole, labelled exactly, and one sentence for what cannot be used."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import humanav.perception
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import Cancelled, InputError
from humanav.export import write_mp4
from humanav.jobs.track_views import CLIP, track_views
from humanav.motion import Motion
from humanav.perception.guided import guided_matte, overlap
from humanav.perception.person import Person2D
from humanav.perception.video import open_video
from humanav.progress import Progress
from humanav.render import silhouette
from humanav.results import MANIFEST
from tests.jobs.track_folders import TakeOf, still_camera, walker, write_track

FRAMES = 12


class Blind:
    """A detector that finds nobody: the body alone guides the cut-out."""

    name = "blind"

    def detect(self, image: Any, max_people: int = 1) -> list[Person2D]:
        return []

    def __enter__(self) -> Blind:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture(autouse=True)
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(humanav.perception, "make_detector", Blind)


def turning(body: BodyModel, frames: int = FRAMES, at: tuple[float, float] = (0.3, -0.8)) -> Motion:
    """Somebody who turns once on the spot."""
    motion = walker(body, frames=frames, at=at)
    yaws = Rotation.from_rotvec(np.linspace(0, 2 * np.pi, frames, endpoint=False)[:, None] * np.array([0, 1.0, 0]))
    still = np.repeat(motion.transl[:1], frames, axis=0)
    return replace(motion, global_orient=yaws.as_rotvec().astype(np.float32), transl=still)


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory, body: BodyModel) -> Path:
    """One who turns, all the time, and one who stands in front of the first in the last four frames."""
    second = turning(body, 4, (0.33, 0.6))
    takes = [TakeOf(turning(body)), TakeOf(second, "2", 0, FRAMES - 4)]
    return write_track(tmp_path_factory.mktemp("views") / "track", takes, still_camera(200, 150), body).folder


def sides(views: list[Any]) -> np.ndarray:
    """Yaw of each in degrees, rising."""
    turned = np.array([Rotation.from_rotvec(view.motion.global_orient[0]).apply([0, 0, 1]) for view in views])
    return np.sort(np.degrees(np.arctan2(turned[:, 0], turned[:, 2])) % 360)


def drawn(view: Any, body: BodyModel) -> np.ndarray:
    return silhouette(body.from_motion(view.motion).vertices[0], body.faces, view.camera)


def test_the_frames_show_all_sides_and_lie_on_the_body(track: Path, body: BodyModel) -> None:
    views = track_views(track, count=6)
    assert len(views) == 6
    around = sides(views)
    gaps = np.diff([*around, around[0] + 360])
    assert gaps.max() < 160  # a third of the turn is hidden by the other
    facing = Rotation.from_rotvec(views[0].motion.global_orient[0]).apply([0, 0, 1])
    assert facing[2] > 0.85  # the first looks at the camera
    for view in views:
        assert view.image.shape[:2] == view.alpha.shape == (view.camera.height, view.camera.width)
        assert len(view.motion) == 1
        assert overlap(view.alpha > 0.5, drawn(view, body)) > 0.75


def test_frames_behind_somebody_else_come_last(track: Path, body: BodyModel) -> None:
    whole = turning(body)
    for view in track_views(track, count=8):
        frame = int(np.abs(whole.global_orient - view.motion.global_orient[0]).sum(axis=1).argmin())
        assert frame < FRAMES - 4


def test_the_other_person_can_be_asked_for(track: Path, body: BodyModel) -> None:
    views = track_views(track, "2", count=9)  # there are four
    assert 1 <= len(views) <= 4
    assert all(overlap(view.alpha > 0.5, drawn(view, body)) > 0.7 for view in views)
    with pytest.raises(InputError, match="no person"):
        track_views(track, "3")


def test_somebody_who_left_before_is_in_nobodys_way(tmp_path: Path, body: BodyModel) -> None:
    takes = [TakeOf(turning(body, 6), start=4), TakeOf(turning(body, 2, (0.33, 0.6)), "2")]
    folder = write_track(tmp_path / "track", takes, still_camera(200, 150), body).folder
    assert len(track_views(folder, count=3)) == 3
    assert track_views(folder, "2", count=1)


def test_a_moving_camera_and_a_smaller_clip_keep_the_labels(tmp_path: Path, body: BodyModel) -> None:
    cameras = [Camera.look_at((0.6 * np.cos(k / 2), 1.4, 4 + 0.2 * np.sin(k)), (0.3, 0.85, -0.8), 240, 180, 400.0)
               for k in range(6)]
    folder = write_track(tmp_path / "track", [TakeOf(turning(body, 6))], cameras, body).folder
    with open_video(folder / CLIP) as video:
        small = [frame[::2, ::2].copy() for frame in video]
    write_mp4(small, folder / CLIP, 30.0)
    views = track_views(folder, count=3)
    assert {(view.camera.width, view.camera.height) for view in views} == {(120, 90)}
    assert all(overlap(view.alpha > 0.5, drawn(view, body)) > 0.7 for view in views)


def test_frames_that_are_not_seen_are_not_taken(track: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(track, tmp_path / "track")
    told = json.loads((folder / "track.json").read_text())
    told["takes"][0] |= {"seen": [1] * 4 + [0] * (FRAMES - 4), "confidence": [0.9] * FRAMES,
                         "reprojection_px": [None, 2.0, 9.0, 2.0] + [2.0] * (FRAMES - 4)}
    (folder / "track.json").write_text(json.dumps(told))
    assert len(track_views(folder, count=10)) == 4
    told["takes"][0]["seen"] = [0] * FRAMES
    (folder / "track.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match="No frame of the clip"):
        track_views(folder)


def test_what_is_missing_is_said(track: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(track, tmp_path / "anna")
    (folder / CLIP).unlink()
    with pytest.raises(InputError, match=r"original\.mp4, the clip itself, is missing in anna: track"):
        track_views(folder)
    told = json.loads((folder / MANIFEST).read_text())
    told["files"] = [file for file in told["files"] if file["name"] != CLIP]  # one tracked without its videos
    (folder / MANIFEST).write_text(json.dumps(told))
    with pytest.raises(InputError, match="missing in anna: track"):
        track_views(folder)
    with pytest.raises(InputError, match="not a result folder"):
        track_views(tmp_path)
    with pytest.raises(InputError, match="At least one"):
        track_views(track, count=0)
    shutil.copy(track / CLIP, folder / CLIP)
    with open_video(track / CLIP) as video:
        write_mp4([frame for frame, _ in zip(video, range(3))], folder / CLIP, 30.0)
    shutil.copy(track / MANIFEST, folder / MANIFEST)
    with pytest.raises(InputError, match="shorter than what was tracked"):
        track_views(folder)


def test_it_can_be_stopped(track: Path) -> None:
    stopped = Progress(1, cancelled=lambda: True)
    with pytest.raises(Cancelled):
        track_views(track, count=2, progress=stopped)


def test_a_detector_adds_clothes_and_strangers_are_left_out() -> None:
    body_mask, dressed = np.zeros((120, 90), bool), np.zeros((120, 90), bool)
    body_mask[20:100, 36:54], dressed[20:100, 38:52], dressed[50:80, 30:60] = True, True, True
    image = np.full((120, 90, 3), 200, np.uint8)
    image[dressed] = (40, 60, 120)

    class Seeing(Blind):
        def detect(self, image: Any, max_people: int = 1) -> list[Person2D]:
            far = np.zeros(image.shape[:2], bool)
            far[:10, :10] = True
            return [Person2D(np.zeros((33, 3), np.float32), "blazepose33", np.zeros(4, np.float32), 1.0,
                             mask.astype(np.float32)) for mask in (far, image[..., 0] < 100)]

    alpha, agreed = guided_matte(image, body_mask, Seeing())
    assert 0.4 < agreed < 0.8
    assert overlap(alpha > 0.5, dressed) > 0.95
    other = np.zeros_like(dressed)
    other[:, 54:] = True
    alone, _ = guided_matte(image, body_mask, Seeing(), others=other)
    assert not (alone[:, 54:] > 0).any()
    with pytest.raises(InputError, match="outside the picture"):
        guided_matte(image, np.zeros_like(body_mask))
    with pytest.raises(InputError, match="same size"):
        guided_matte(image, body_mask[:50])
