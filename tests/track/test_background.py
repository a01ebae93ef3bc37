"""The scene without the people: synthetic clips whose background is known, and a real one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from humanav.errors import Cancelled, InputError
from humanav.perception import KeypointSequence, open_video
from humanav.perception.takes import People, Take, encode_mask
from humanav.progress import Progress
from humanav.track.background import background_plate, inpainted_frames
from humanav.track.cover import Cover
from humanav.track.fill import fill_holes

W, H, T = 160, 120, 24


def texture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Soft blobs with lines: something to align by, and something that a smear would show on."""
    noise = np.random.default_rng(seed).uniform(60, 200, (height // 8 + 2, width // 8 + 2, 3)).astype(np.float32)
    out = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    out[::12] = 230
    out[:, ::16] = 40
    return np.clip(out, 0, 255).astype(np.uint8)


def person_mask(x: float, y: float) -> np.ndarray:
    mask = np.zeros((H, W), np.float32)
    cv2.ellipse(mask, (round(x), round(y)), (9, 26), 0, 0, 360, (1.0,), -1)
    return mask


def people(masks: list[np.ndarray | None], boxes: np.ndarray | None = None, start: int = 0, total: int = T) -> People:
    """One take; boxes round the masks unless given."""
    if boxes is None:
        boxes = np.full((len(masks), 4), np.nan, np.float32)
        for k, mask in enumerate(masks):
            if mask is not None and mask.any():
                ys, xs = np.nonzero(mask)
                boxes[k] = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    sequence = KeypointSequence(np.zeros((len(masks), 33, 3), np.float32), "blazepose33", 30.0, W, H)
    take = Take("1", 0, start, sequence, boxes, masks=[None if m is None else encode_mask(m) for m in masks])
    return People((take,), ((0, total),), 30.0, W, H, total)


def clip(folder: Path, frames: list[np.ndarray]) -> Path:
    folder.mkdir()
    for k, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{k}.png"), frame[..., ::-1])
    return folder


def drawn(background: np.ndarray, mask: np.ndarray, color: tuple[int, int, int] = (200, 20, 90)) -> np.ndarray:
    out = background.copy()
    out[mask > 0.5] = color
    return out


Walk = tuple[Path, People, np.ndarray, list[np.ndarray]]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Somebody walks through a still picture; a light that flickers."""
    scene = texture(W, H)
    masks = [person_mask(20 + 5 * k, 70) for k in range(T)]
    light = np.random.default_rng(1).uniform(0.92, 1.06, T)
    frames = [np.clip(drawn(scene, m) * g, 0, 255).astype(np.uint8) for m, g in zip(masks, light)]
    path = clip(tmp_path_factory.mktemp("walk") / "frames", frames)
    return path, people(masks), scene, masks


def test_a_walker_leaves_the_plate(walk: Walk) -> None:
    path, who, scene, _ = walk
    plate, seen = background_plate(open_video(path), who)
    assert plate.dtype == np.uint8
    assert seen.all()
    off = np.abs(plate.astype(float) - scene)
    assert np.median(off) < 4  # one gain for the whole picture
    assert np.percentile(off, 99) < 14


def test_few_samples_are_those_that_show_everything(tmp_path: Path) -> None:
    """The person stands for most of the clip and steps aside at the end only."""
    scene = texture(W, H)
    masks = [person_mask(80, 70)] * 40 + [person_mask(130, 70)] * 3
    path = clip(tmp_path / "frames", [drawn(scene, mask) for mask in masks])
    plate, seen = background_plate(open_video(path), people(masks, total=43), samples=8)
    assert seen.all()
    assert np.abs(plate.astype(float) - scene)[masks[0] > 0].mean() < 2


def test_what_is_never_free_is_made_up(tmp_path: Path) -> None:
    masks = [person_mask(80 + k % 2, 60) for k in range(T)]
    scene = np.full((H, W, 3), 180, np.uint8)
    scene[60:] = (90, 110, 130)
    scene = (scene * np.linspace(0.85, 1.0, W)[None, :, None]).astype(np.uint8)
    path = clip(tmp_path / "frames", [drawn(scene, mask) for mask in masks])
    plate, seen = background_plate(open_video(path), people(masks))
    assert not seen[masks[0] > 0].any()
    assert seen[:, :50].all()
    off = np.abs(plate.astype(float) - scene).max(axis=2)
    assert off[seen].max() <= 1
    assert np.percentile(off[~seen], 90) < 20
    again, _ = background_plate(open_video(path), people(masks))
    assert (again == plate).all()


def test_boxes_cover_where_there_are_no_masks_and_gaps_are_bridged() -> None:
    boxes = np.array([[20, 30, 40, 90], [np.nan] * 4, [60, 30, 80, 90]], np.float32)
    cover = Cover(people([None] * 3, boxes, start=5, total=20))
    assert cover.small(4).max() == 0
    assert cover.at(5, W, H)[60, 30] == 1
    between = cover.at(6, W, H)
    assert between[60, 50] == 1
    assert between[60, 20] == 0
    assert between[60, 100] == 0
    assert Cover(people([None] * 2, np.full((2, 4), np.nan, np.float32))).small(0).max() == 0


def test_people_are_pasted_over_and_the_rest_stays(walk: Walk) -> None:
    path, who, scene, masks = walk
    frames = list(open_video(path))
    plate, _ = background_plate(open_video(path), who)
    for k, out in enumerate(inpainted_frames(open_video(path), who, plate)):
        assert out.dtype == np.uint8
        gone = masks[k] > 0.5
        expected = scene * (np.median(frames[k][~gone]) / np.median(scene[~gone]))
        assert np.abs(out.astype(float) - expected)[gone].mean() < 8
        far = cv2.dilate(masks[k], np.ones((15, 15))) == 0
        assert (out[far] == frames[k][far]).all()
    assert k == T - 1


def test_a_moving_camera_borrows_from_other_frames(tmp_path: Path) -> None:
    wide = texture(400, 200, 3)
    views = [wide[30 + k // 4:30 + k // 4 + H, 4 * k:4 * k + W] for k in range(T)]
    masks = [person_mask(80, 66 + k % 3) for k in range(T)]
    light = np.linspace(1.0, 0.9, T)
    path = clip(tmp_path / "frames", [np.clip(drawn(v, m) * g, 0, 255).astype(np.uint8)
                                      for v, m, g in zip(views, masks, light)])
    who = people(masks)
    errors = []
    for k, out in enumerate(inpainted_frames(open_video(path), who)):
        gone = masks[k] > 0.5
        errors.append(np.abs(out.astype(float) - views[k] * light[k])[gone].mean())
    assert len(errors) == T
    assert np.median(errors) < 8
    assert max(errors) < 30


def test_a_cut_and_a_plain_wall_do_not_stop_it(tmp_path: Path) -> None:
    """No feature to align by, and two shots: what is hidden is made up in each frame."""
    masks = [person_mask(60 + 2 * k, 66) for k in range(6)]
    shades = [120, 120, 120, 60, 60, 60]
    path = clip(tmp_path / "frames", [drawn(np.full((H, W, 3), s, np.uint8), m) for s, m in zip(shades, masks)])
    who = replace(people(masks, total=6), shots=((0, 3), (3, 6)))
    for shade, out in zip(shades, inpainted_frames(open_video(path), who)):
        assert np.abs(out.astype(int) - shade).max() <= 2


def test_bad_input(walk: Walk) -> None:
    path, who, scene, _ = walk
    with pytest.raises(InputError, match="has no frames"):
        background_plate(open_video(path), who, shot=(9, 9))
    with pytest.raises(InputError, match="make it from this clip"):
        next(inpainted_frames(open_video(path), who, scene[:50]))
    with pytest.raises(Cancelled):
        background_plate(open_video(path), who, progress=Progress(1, cancelled=lambda: True))


@pytest.mark.parametrize("place", [np.s_[:, :], np.s_[0:10, 0:10], np.s_[50:70, :], np.s_[40:80, 60:100]])
def test_holes_anywhere(place: tuple[slice, slice]) -> None:
    image = texture(W, H)
    hole = np.zeros((H, W), np.bool_)
    hole[place] = True
    out = fill_holes(image, hole)
    assert out.shape == image.shape
    assert (out[~hole] == image[~hole]).all()
    assert (fill_holes(image, hole) == out).all()


def test_stripes_go_on_through_a_hole() -> None:
    """Smoothing would wash them out: the filled part keeps their contrast and their place."""
    image = np.repeat(np.where(np.arange(H) // 6 % 2, 200, 60)[:, None], W, 1)[..., None].repeat(3, 2).astype(np.uint8)
    hole = np.zeros((H, W), np.bool_)
    hole[30:90, 60:95] = True
    off = np.abs(fill_holes(image, hole).astype(int) - image)[hole]
    assert off.mean() < 12
    assert fill_holes(image[:0], hole[:0]).size == 0


def test_the_man_on_the_treadmill_is_removed(shared: Path) -> None:
    found = np.load(shared / "testset" / "reference" / "mv_single_mediapipe.npz")["kp_cam01"]
    video = open_video(shared / "testset" / "mv_single" / "cam01.mp4", max_side=480)
    points = found[..., :2] * (480 / 1920)
    boxes = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1).astype(np.float32)
    sequence = KeypointSequence(np.zeros((len(boxes), 33, 3), np.float32), "blazepose33", 60.0, 270, 480)
    who = People((Take("1", 0, 0, sequence, boxes),), ((0, 100),), 60.0, video.width, video.height, 100)
    plate, seen = background_plate(video, who, samples=24)
    assert seen.mean() > 0.85
    frame = next(iter(video))
    cover = Cover(who).at(0, video.width, video.height) >= 0.5
    off = np.abs(plate.astype(float) - frame).mean(axis=2)
    assert np.median(off[~cover]) < 5
    assert off[cover].mean() > 3 * off[~cover].mean()
