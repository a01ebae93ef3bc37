"""A clip to motion in the world: options, a camera that pans, shots without anybody, and what is kept of a fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import Cancelled, InputError, StorageError
from humanav.fit import stature
from humanav.fit.clip_kinematics import ClipState
from humanav.perception import KeypointSequence, open_video
from humanav.perception.takes import Take, part_letter
from humanav.perception.video import Pixels
from humanav.progress import Progress
from humanav.track.clip import TrackedClip, track_clip
from humanav.track.clip_stages import _keeper
from tests.jobs.track_clips import empty_street, film, grey, write_clip

Track = Callable[..., TrackedClip]


@pytest.fixture
def track(tmp_path: Path) -> Track:
    """Writes frames to a file and tracks it."""

    def run(frames: Sequence[Pixels], fps: float = 15.0, **options: Any) -> TrackedClip:
        with open_video(write_clip(tmp_path / "clip.mp4", frames, fps)) as video:
            return track_clip(video, **options)

    return run


def tall(betas: np.ndarray, body: BodyModel) -> float:
    height, dirs = stature(body.v_template.double().numpy(), body.shapedirs.double().numpy()[..., :10])
    return float(height + dirs @ betas[:10])


def test_parts_have_letters() -> None:
    assert [part_letter(part) for part in (0, 1, 2, 25, 26, 52, 700)] == ["", "b", "c", "z", "ba", "ca", "bay"]
    sequence = KeypointSequence(np.zeros((2, 33, 3), np.float32), "blazepose33", 30.0, 64, 48)
    boxes = np.zeros((2, 4), np.float32)
    assert [Take("2", part, 0, sequence, boxes).label for part in (0, 1, 30)] == ["2", "2b", "2be"]


@pytest.mark.parametrize("options", [{"mode": "perfect"}, {"height": 3.0}, {"height": float("nan")}, {"people": 0},
                                     {"chosen": (0,)}])
def test_options_out_of_range_are_told_before_the_work(options: dict[str, Any], track: Track) -> None:
    with pytest.raises(InputError, match=r"\.$"):
        track(grey(3), **options)


@pytest.mark.slow
def test_what_is_known_is_kept_to(track: Track, body: BodyModel) -> None:
    found = track(film(16), focal=(520.0, 510.0, 205.0, 148.0), tilt=(6.0, 1.0), camera_height=1.3, lock=False)
    camera, (take,) = found.cameras, found.takes
    assert isinstance(camera, Camera)
    np.testing.assert_allclose(camera.K, [[520, 0, 205], [0, 510, 148], [0, 0, 1]])
    assert camera.center[1] == pytest.approx(1.3, abs=0.02)
    assert np.degrees(np.arcsin(-camera.R[2, 1])) == pytest.approx(6.0, abs=0.1)  # looks down
    assert not any("focal length" in note for note in found.notes)
    lowest = body.from_motion(take.motion).vertices
    assert lowest is not None
    assert np.abs(lowest[..., 1].double().numpy().min(axis=1)).max() < 0.12
    assert take.label == "1"
    assert take.reprojection.shape == (16,)
    assert np.nanmean(take.reprojection) < 0.04 * 400


@pytest.mark.slow
def test_height_and_shape_settle_the_scale(track: Track, body: BodyModel) -> None:
    frames = film(10)
    betas = (-1.5, 0.5, 0.3)
    shaped = track(frames, betas=betas).takes[0].motion
    np.testing.assert_allclose(shaped.betas[:3], betas, atol=1e-6)
    short, large = (track(frames, height=height) for height in (1.2, 1.9))
    heights = [tall(found.takes[0].motion.betas, body) for found in (short, large)]
    np.testing.assert_allclose(heights, (1.2, 1.9), atol=0.01)
    cameras = [found.cameras for found in (short, large)]
    assert isinstance(cameras[0], Camera)
    assert isinstance(cameras[1], Camera)
    far = [np.linalg.norm(camera.center - found.takes[0].motion.transl[0])
           for camera, found in zip(cameras, (short, large))]
    assert far[1] / far[0] == pytest.approx(1.9 / 1.2, rel=0.15)  # who is larger is farther away


def panned(frames: Sequence[Pixels], degrees: np.ndarray) -> list[Pixels]:
    """The film as a camera of 400 x 400 pixels sees it that turns to the right about its place."""
    far, near = (np.array([[f, 0, x], [0, f, y], [0, 0, 1.0]]) for f, x, y in ((640, 320, 240), (480, 200, 200)))
    turns = [Rotation.from_euler("y", -angle, degrees=True).as_matrix() for angle in degrees]
    return [cv2.warpPerspective(frame, near @ turn @ np.linalg.inv(far), (400, 400), flags=cv2.INTER_AREA)
            for frame, turn in zip(frames, turns, strict=True)]


@pytest.mark.slow
def test_a_camera_that_pans_is_followed(track: Track) -> None:
    frames = panned(film(30, 2, side=640), np.linspace(-5, 5, 30))
    found = track(frames, moving=True)
    assert found.moving
    assert isinstance(found.cameras, tuple)
    assert len(found.cameras) == 30
    turned = np.degrees(np.unwrap([np.arctan2(camera.R[2, 0], camera.R[2, 2]) for camera in found.cameras]))
    assert abs(turned[-1] - turned[0]) == pytest.approx(10, abs=1.5)
    still = track(frames)
    assert any("seems to move" in note for note in still.notes)
    assert isinstance(still.cameras, Camera)
    assert not any("seems to move" in note for note in found.notes)


@pytest.mark.slow
def test_a_shot_without_anybody_has_cameras_and_no_take(track: Track) -> None:
    elsewhere = 255 - np.ascontiguousarray(empty_street()[::-1])
    found = track([*[elsewhere] * 10, *film(12)])
    assert found.people.shots == ((0, 10), (10, 22))
    (take,) = found.takes
    assert (take.take.start, len(take.motion)) == (10, 12)
    assert isinstance(found.cameras, tuple)
    assert len(found.cameras) == 22
    assert any(note.startswith("Shot 2: The camera looks") for note in found.notes)


@pytest.mark.slow
@pytest.mark.parametrize("absent", [None, 3])
def test_accurate_mode_bears_few_frames_and_gaps(absent: int | None, track: Track) -> None:
    frames = film(1) if absent is None else [*film(10)[:6], *[empty_street()] * absent, *film(14)[9:]]
    found = track(frames, mode="accurate")
    (take,) = found.takes
    assert len(take.motion) == len(frames)
    assert np.isfinite(take.motion.full_pose).all()
    assert np.isfinite(take.motion.transl).all()
    assert take.take.seen.sum() == len(frames) - (absent or 0)
    assert np.isfinite(take.reprojection[take.take.seen]).all()
    assert np.nanmean(take.reprojection) < 0.04 * 400
    if absent:
        steps = np.linalg.norm(np.diff(take.motion.transl, axis=0), axis=1)
        assert steps.max() < 0.25  # metres in a fifteenth of a second
        assert (take.motion.confidence[6:9] == 0).all()  # type: ignore[index]


@pytest.mark.slow
def test_it_can_be_stopped_between_the_stages(track: Track) -> None:
    names: list[str] = []
    progress = Progress(4, lambda event: names.append(event.stage), lambda: "Lifting to 3D" in names)
    with pytest.raises(Cancelled):
        track(film(4), progress=progress)


def steps(rng: np.random.Generator) -> tuple[Take, Camera, ClipState]:
    points = rng.uniform(0, 400, (4, 33, 3)).astype(np.float32)
    take = Take("1", 0, 0, KeypointSequence(points, "blazepose33", 30.0, 400, 300), np.ones((4, 4), np.float32))
    state = ClipState(np.tile(np.eye(3), (4, 55, 1, 1)), np.zeros((4, 3)), np.zeros(10), np.zeros(2))
    return take, Camera.from_focal(400, 300), state


def test_a_step_is_made_once(tmp_path: Path, rng: np.random.Generator) -> None:
    take, camera, state = steps(rng)
    made: list[str] = []

    def make() -> ClipState:
        made.append("made")
        return state

    for _ in range(2):
        keep = _keeper(tmp_path / "work", take, camera, None, True)
        np.testing.assert_array_equal(keep("poses0", make).rotations, state.rotations)
    assert made == ["made"]
    _keeper(tmp_path / "work", take, camera, None, False)("poses0", make)  # other options
    other = replace(take, sequence=replace(take.sequence, keypoints=take.sequence.keypoints + 1))
    _keeper(tmp_path / "work", other, camera, None, True)("poses0", make)
    assert len(made) == 3
    for path in (tmp_path / "work").iterdir():
        path.write_bytes(path.read_bytes()[:100])  # as a machine that lost its power leaves it
    np.testing.assert_array_equal(_keeper(tmp_path / "work", take, camera, None, True)("poses0", make).pelvis, 0)
    assert len(made) == 4
    _keeper(None, take, camera)("poses0", make)
    assert len(made) == 5


def test_a_step_that_cannot_be_kept_is_one_sentence(tmp_path: Path, rng: np.random.Generator) -> None:
    take, camera, state = steps(rng)
    (tmp_path / "work").write_text("a file, no folder")
    with pytest.raises(StorageError, match="The folder work cannot be written"):
        _keeper(tmp_path / "work", take, camera)("poses0", lambda: state)
