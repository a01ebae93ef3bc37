"""The background tells how a camera turns, whether it moves at all, and when nothing can be told."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.errors import InputError
from humanav.track.camera_motion import camera_motion, is_moving

WIDTH, HEIGHT, FOCAL = 360, 280, 315.0
K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]])


def wall(rng: np.random.Generator) -> np.ndarray:
    """A wide textured picture: 2 x the field of view of the camera each way."""
    coarse = rng.integers(0, 255, (30, 40, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    picture += cv2.resize(rng.integers(-40, 40, (180, 240, 3)).astype(np.int16), (2 * WIDTH, 2 * HEIGHT))
    return np.clip(picture, 0, 255).astype(np.uint8)


def filmed(rotations: np.ndarray, rng: np.random.Generator, noise: float = 3.0, texture: np.ndarray | None = None):
    """Frames of a camera that turns before the far wall, with a moving rectangle; and its boxes."""
    texture = wall(rng) if texture is None else texture
    wide = np.array([[FOCAL, 0, WIDTH], [0, FOCAL, HEIGHT], [0, 0, 1.0]])
    frames, boxes = [], []
    for number, R in enumerate(rotations):
        warp = K @ R @ np.linalg.inv(wide)
        frame = cv2.warpPerspective(texture, warp, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT).astype(np.float32)
        x = 40 + 4 * number % 200
        frame[70:260, x:x + 70] = rng.integers(0, 255, (19, 7, 3)).repeat(10, 0).repeat(10, 1)  # a flickering person
        boxes.append(np.array([[x, 70, x + 70, 260]]))
        grain = np.float32(noise) * rng.standard_normal((HEIGHT, WIDTH, 1), dtype=np.float32)
        frames.append(np.clip(frame + grain, 0, 255).astype(np.uint8))
    return frames, boxes


def degrees_off(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    away = found @ np.swapaxes(truth @ truth[0].T, -1, -2)
    return np.degrees(np.linalg.norm(Rotation.from_matrix(away).as_rotvec(), axis=1))


def pan(frames: int, reach: float, shake: float, rng: np.random.Generator) -> np.ndarray:
    """A camera that pans there and back over ``reach`` degrees and shakes."""
    time = np.linspace(0, 1, frames)
    trembling = shake * np.stack([np.sin(40 * time), np.zeros(frames), 0.5 * np.cos(33 * time)], axis=1)
    angles = trembling + np.outer(np.sin(np.pi * time), [0.0, reach, 0.0])
    return Rotation.from_rotvec(np.radians(angles + 0.1 * shake * rng.standard_normal((frames, 3)))).as_matrix()


@pytest.mark.parametrize(("reach", "shake"), [(12.0, 0.4), (0.0, 1.0), (28.0, 0.3)])
def test_a_pan_and_a_shake_are_found(rng, reach: float, shake: float) -> None:
    rotations = pan(60, reach, shake, rng)
    frames, boxes = filmed(rotations, rng)
    path = camera_motion(frames, lambda f: boxes[f], K)
    off = degrees_off(path.R, rotations)
    assert off.max() < 0.5
    assert off[-1] < 0.2  # it comes back
    assert path.sure.min() > 0.5
    assert is_moving(path)
    assert path.t is None
    assert "turns by up to" in path.notes[0]
    assert path.angles.max() == pytest.approx(np.degrees(np.linalg.norm(
        Rotation.from_matrix(rotations @ rotations[0].T).as_rotvec(), axis=1)).max(), abs=0.5)


def test_a_tripod_is_fixed_whoever_walks_by(rng) -> None:
    frames, boxes = filmed(np.tile(np.eye(3), (30, 1, 1)), rng, noise=6.0)
    path = camera_motion(frames, lambda f: boxes[f], K)
    assert not is_moving(path)
    assert degrees_off(path.R, np.tile(np.eye(3), (30, 1, 1))).max() < 0.05
    assert path.still.min() > 0.6
    other = filmed(np.tile(np.eye(3), (15, 1, 1)), np.random.default_rng(5))[0]
    assert not is_moving(camera_motion([*frames, *other], None, K, shots=((0, 30), (30, 45))))  # a cut is no move
    unmarked = camera_motion(frames, None, K)  # nobody said where the person is
    assert not is_moving(unmarked)
    assert "stands still" in path.notes[0]


def test_a_plain_wall_tells_nothing(rng) -> None:
    rotations = pan(20, 10.0, 0.3, rng)
    plain = np.full((2 * HEIGHT, 2 * WIDTH, 3), 200, np.uint8)
    frames, boxes = filmed(rotations, rng, noise=0.0, texture=plain)
    path = camera_motion(frames, lambda f: boxes[f], K)
    assert path.sure.max() < 0.3
    np.testing.assert_array_equal(path.R, np.tile(np.eye(3), (20, 1, 1)))
    assert not is_moving(path)
    assert "too little" in path.notes[0]


def test_masks_cuts_and_skipped_frames(rng) -> None:
    rotations = pan(24, 10.0, 0.2, rng)
    frames, boxes = filmed(rotations, rng)

    def mask(number: int) -> np.ndarray:
        small = np.zeros((28, 36), np.float32)
        x0, y0, x1, y1 = (boxes[number][0] / 10).astype(int)
        small[y0:y1 + 1, x0:x1 + 1] = 1.0
        return small

    path = camera_motion(frames, None, K, mask_of=mask)
    assert degrees_off(path.R, rotations).max() < 0.5
    every = camera_motion(frames, lambda f: boxes[f], K, every=3)
    assert len(every) == 24
    assert degrees_off(every.R, rotations).max() < 0.6
    cut = camera_motion([*frames, *filmed(rotations, rng)[0]], None, K, shots=((0, 24), (24, 48)))
    assert degrees_off(cut.R[24:], rotations).max() < 0.8
    np.testing.assert_allclose(cut.R[24], np.eye(3), atol=1e-9)


def test_parallax_does_not_spoil_the_rotation(rng) -> None:
    """A camera that turns and travels past near and far walls."""
    far, near = wall(rng), wall(rng)
    frames, rotations = [], []
    for number in range(30):
        R = Rotation.from_rotvec(np.radians([0.0, 0.3 * number, 0.0])).as_matrix()
        place = np.array([0.03 * number, 0.0, 0.0])
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for texture, depth, rows in ((far, 6.0, slice(0, 150)), (near, 2.0, slice(150, HEIGHT))):
            plane = np.array([[depth / FOCAL, 0, -WIDTH * depth / FOCAL], [0, depth / FOCAL, -HEIGHT * depth / FOCAL],
                              [0, 0, depth]])  # texture pixels to points of the wall
            warp = K @ R @ (plane - np.outer(place, [0, 0, 1.0]))
            frame[rows] = cv2.warpPerspective(texture, warp, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)[rows]
        frames.append(frame)
        rotations.append(R)
    path = camera_motion(frames, None, K)
    assert degrees_off(path.R, np.stack(rotations)).max() < 1.5
    assert is_moving(path)


def test_degenerate_clips(rng) -> None:
    frames, boxes = filmed(np.tile(np.eye(3), (1, 1, 1)), rng)
    one = camera_motion(frames, lambda f: boxes[f], K)
    assert len(one) == 1
    assert not is_moving(one)
    everywhere = np.array([[0, 0, WIDTH, HEIGHT]])
    filled = camera_motion(frames * 5, lambda f: everywhere, K)  # the person fills the picture
    assert filled.sure.max() < 0.3
    assert np.isfinite(filled.R).all()
    missing = camera_motion(frames * 3, lambda f: np.full((1, 4), np.nan), K)  # a box of a frame without the person
    assert np.isfinite(missing.R).all()
    with pytest.raises(InputError):
        camera_motion([], None, K)
    with pytest.raises(InputError):
        camera_motion(frames, None, np.zeros((2, 2)))
