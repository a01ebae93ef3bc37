"""Pictures of tracked people: over the frames, in their world, side by side."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import Motion, load_clip, resample
from humanav.view.colors import LEFT
from humanav.view.tracked import TrackedBody, overlay_frames, side_by_side, world_frames
from humanav.view.tracked_bodies import UNSEEN
from humanav.view.turntable import relaxed_pose

BLUE, ORANGE = (90, 150, 225), (226, 120, 62)
CAMERA = Camera.look_at((0, 1.2, 4.0), (0, 0.9, 0), 240, 300, 330.0)


def standing(frames: int = 4, x: float = 0.0, z: float = 0.0, fps: float = 10.0) -> Motion:
    pose = np.repeat(relaxed_pose().full_pose, frames, axis=0)
    return Motion.from_full_pose(pose, fps, np.tile((x, 1.27, z), (frames, 1)))


def grey(count: int, size: tuple[int, int] = (300, 240)) -> list[np.ndarray]:
    return [np.full((*size, 3), 180, np.uint8) for _ in range(count)]


def reddish(picture: np.ndarray) -> np.ndarray:
    return picture[..., 0].astype(int) - picture[..., 2] > 60


def bluish(picture: np.ndarray) -> np.ndarray:
    return picture[..., 2].astype(int) - picture[..., 0] > 60


def test_a_body_lies_where_the_camera_sees_it(body: BodyModel) -> None:
    who = TrackedBody(standing(), color=BLUE)
    pictures = list(overlay_frames(grey(4), [who], CAMERA, body))
    assert len(pictures) == 4
    assert pictures[0].shape == (300, 240, 3)
    assert pictures[0].dtype == np.uint8
    drawn = bluish(pictures[0])
    vertices = body.from_motion(who.motion[0]).vertices[0].double().numpy()
    pixels = CAMERA.project(vertices)[0]
    ys = np.nonzero(drawn)[0]
    assert ys.min() == pytest.approx(pixels[:, 1].min(), abs=4)
    assert ys.max() == pytest.approx(pixels[:, 1].max(), abs=4)
    assert 0.02 < drawn.mean() < 0.4


def test_large_frames_are_made_smaller_and_the_body_with_them(body: BodyModel) -> None:
    camera = CAMERA.scaled(2)
    small = next(overlay_frames(grey(1), [TrackedBody(standing())], CAMERA, body))
    large = next(overlay_frames(grey(1, (600, 480)), [TrackedBody(standing())], camera, body, max_height=300))
    assert large.shape == small.shape
    assert np.abs(large.astype(int) - small).mean() < 1


def test_the_nearer_person_hides_the_other(body: BodyModel) -> None:
    blue, orange = TrackedBody(standing(), color=BLUE), TrackedBody(standing(z=1.0), color=ORANGE)
    front = next(overlay_frames(grey(1), [blue, orange], CAMERA, body, opacity=1.0))
    again = next(overlay_frames(grey(1), [orange, blue], CAMERA, body, opacity=1.0))
    assert (front == again).all()
    assert reddish(front).sum() > 10 * bluish(front).sum()
    blue_front = TrackedBody(standing(z=2.0), color=BLUE)
    other = next(overlay_frames(grey(1), [blue_front, orange], CAMERA, body, opacity=1.0))
    assert bluish(other).sum() > 10 * reddish(other).sum()


def test_who_is_not_there_or_not_seen(body: BodyModel) -> None:
    late = TrackedBody(standing(2), start=2, color=BLUE, confidence=np.array([1.0, 0.0]))
    pictures = list(overlay_frames(grey(5), [late], CAMERA, body))
    assert [bool(bluish(p).any()) for p in pictures] == [False, False, True, False, False]
    drawn = np.abs(pictures[3].astype(int) - pictures[0]).max(axis=2) > 8
    assert drawn.sum() > 0.5 * bluish(pictures[2]).sum()  # grey, but there
    assert tuple(np.round(late.paint(1) * 255)) == UNSEEN
    assert (next(overlay_frames(grey(1), [late], CAMERA, body, first=2)) == pictures[2]).all()
    assert len(list(overlay_frames(grey(3), [], CAMERA, body))) == 3
    behind = TrackedBody(standing(z=9.0))
    assert np.ptp(next(overlay_frames(grey(1), [behind], CAMERA, body))) == 0


def test_rings_and_points(body: BodyModel) -> None:
    stands = np.array([[1, 0]] * 2)
    plain = next(overlay_frames(grey(1), [TrackedBody(standing(2))], CAMERA, body))
    ringed = next(overlay_frames(grey(1), [TrackedBody(standing(2), contacts=stands)], CAMERA, body))
    ys, xs = np.nonzero(np.abs(plain.astype(int) - ringed).max(axis=2) > 10)
    assert len(ys) > 20
    assert ys.min() > 200  # at the feet
    assert xs.min() > 115  # the left one, on the right of the picture
    changed = ringed[ys, xs].astype(int)
    assert np.abs(changed - LEFT).sum(axis=1).min() < 60
    points = np.zeros((2, 33, 3), np.float32)
    points[:, 11], points[:, 13] = (60, 50, 1), (60, 120, 1)
    drawn = next(overlay_frames(grey(1), [TrackedBody(standing(2), keypoints=points)], CAMERA, body))
    assert np.abs(drawn[60:110, 58:62].astype(int) - plain[60:110, 58:62]).max() > 60
    hidden = next(overlay_frames(grey(1), [TrackedBody(standing(2), keypoints=points)], CAMERA, body, points=False))
    assert (hidden == plain).all()


def test_a_camera_for_each_frame(body: BodyModel) -> None:
    cameras = [Camera.look_at((x, 1.2, 4.0), (x, 0.9, 0), 240, 300, 330.0) for x in (-0.5, 0.0, 0.5)]
    pictures = overlay_frames(grey(3), [TrackedBody(standing())], cameras, body)
    middles = [np.nonzero(bluish(picture))[1].mean() for picture in pictures]
    assert middles[0] > middles[1] + 20 > middles[2] + 40
    with pytest.raises(InputError, match="one for each frame"):
        list(overlay_frames(grey(4), [TrackedBody(standing())], cameras, body))
    with pytest.raises(InputError, match="same take"):
        TrackedBody(standing(4), confidence=np.ones(3))


def test_the_world_holds_the_whole_way(body: BodyModel) -> None:
    walk = resample(load_clip("walk"), 10)
    contacts = np.zeros((len(walk), 2))
    contacts[::5] = 1
    who = TrackedBody(walk, color=BLUE, contacts=contacts)
    pictures = list(world_frames([who], body, yaw=80, height=240))
    assert len(pictures) == len(walk)
    assert len({p.shape for p in pictures}) == 1
    height, width = pictures[0].shape[:2]
    assert width > height  # the walk needs it
    places = []
    for picture in (pictures[0], pictures[-1]):
        ys, xs = np.nonzero(bluish(picture))
        assert ys.min() > 2
        assert ys.max() < height - 3
        assert xs.min() > 2
        assert xs.max() < width - 3
        places.append(np.median(xs))
    assert abs(places[1] - places[0]) > 0.25 * width  # it goes through a view that stands still
    trail = np.abs(pictures[-1].astype(int) - pictures[0]).max(axis=2) > 25
    assert trail[:, int(min(places)) + 40:int(max(places)) - 40].any(axis=0).mean() > 0.9


def test_the_world_is_seen_from_the_clips_camera(body: BodyModel) -> None:
    """A yaw of 0 is the camera's own direction, whichever way the world lies."""
    side = Camera.look_at((4.0, 1.2, 0), (0, 0.9, 0), 240, 300, 330.0)
    own = next(world_frames([TrackedBody(standing())], body, camera=side, yaw=0, height=200))
    absolute = next(world_frames([TrackedBody(standing())], body, yaw=90, height=200))
    assert own.shape == absolute.shape
    assert np.abs(own.astype(int) - absolute).mean() < 0.5


def test_the_world_of_several_over_a_part_of_the_clip(body: BodyModel) -> None:
    people = [TrackedBody(standing(6), color=BLUE), TrackedBody(standing(3, x=1.0), start=4, color=ORANGE)]
    pictures = list(world_frames(people, body, first=2, frames=7, height=160, yaw=0))
    assert len(pictures) == 7
    assert [bool(bluish(p).sum() > 200) for p in pictures] == [True] * 4 + [False] * 3
    assert [bool(reddish(p).sum() > 200) for p in pictures] == [False] * 2 + [True] * 3 + [False] * 2
    with pytest.raises(InputError, match="nobody"):
        next(world_frames([], body))


def test_three_rows_side_by_side() -> None:
    original, overlay = grey(3, (200, 300)), grey(3, (200, 300))
    world = [np.full((100, 60, 3), 20, np.uint8)] * 3
    both = list(side_by_side(original, overlay, world, labels=("Original", "", "World")))
    assert len(both) == 3
    assert both[0].shape == (200, 300 + 6 + 300 + 6 + 120, 3)
    assert np.ptp(both[0][:, :300]) > 100  # the label
    assert np.ptp(both[0][:, 306:606]) == 0
    narrow = next(side_by_side(original, overlay, world, max_width=400))
    assert narrow.shape[1] <= 402
    assert narrow.shape[0] % 2 == narrow.shape[1] % 2 == 0
