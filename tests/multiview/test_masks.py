"""Masks of the user for people already detected."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from humanav.errors import ImageError, InputError
from humanav.multiview.masks import find_masks, with_masks
from tests.multiview.moving_people import filmed, ring

SIZE = (200, 200)


def two_people(frames: int = 2):
    rig = ring(2, width=200, height=200, focal=200)
    sightings = filmed(rig, frames, people=2, noise=0, seed=2, shuffle=False)
    keypoints = sightings.keypoints.copy()
    # one on the left, one on the right, in every view
    for d, x in ((0, 60), (1, 140)):
        own = keypoints[:, :, d, :, :2]
        keypoints[:, :, d, :, :2] = (own - own.mean(axis=2, keepdims=True)) * 0.6 + [x, 100]
    keypoints[..., 2] = 0.9
    return type(sightings)(keypoints, "coco17", rig.names, 25.0)


def boxes(sightings, t: int, v: int) -> np.ndarray:
    """(h,w) 1 and 2 round the two people."""
    out = np.zeros(SIZE[::-1], np.uint8)
    for d in range(2):
        xy = sightings.keypoints[t, v, d, :, :2]
        (x0, y0), (x1, y1) = xy.min(0).astype(int) - 6, xy.max(0).astype(int) + 6
        out[max(y0, 0):y1, max(x0, 0):x1] = d + 1
    return out


def write(folder, sightings, kind: str, layout: str = "{}") -> None:
    for v, name in enumerate(sightings.names):
        place = folder / layout.format(name)
        place.mkdir(parents=True)
        for t in range(sightings.frames):
            labels = boxes(sightings, t, v)
            if kind == "palette":
                picture = Image.fromarray(labels, "P")
                picture.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30])
            elif kind == "grey":
                picture = Image.fromarray((labels > 0).astype(np.uint8) * 255)
            elif kind == "grey with alpha":
                picture = Image.fromarray((labels > 0).astype(np.uint8) * 255).convert("LA")
            elif kind == "numbers as colours":
                picture = Image.fromarray(labels).convert("RGB")
            elif kind == "binary":
                picture = Image.fromarray(labels > 0)
            else:
                picture = Image.fromarray(np.array([[0, 0, 0], [255, 0, 0], [0, 80, 255]], np.uint8)[labels])
            picture.save(place / f"{t:06d}.png")


KINDS = ("palette", "grey", "grey with alpha", "numbers as colours", "binary", "colour")


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_gets_their_own_mask(tmp_path, kind: str) -> None:
    sightings = two_people()
    write(tmp_path, sightings, kind)
    found = with_masks(sightings, tmp_path, [SIZE, SIZE])
    for t in range(2):
        for v in range(2):
            truth = boxes(sightings, t, v)
            for d in range(2):
                mask = found.mask(t, v, d) > 0.5
                assert mask.shape == (200, 200)
                union = (mask | (truth == d + 1)).sum()
                assert (mask & (truth == d + 1)).sum() / union > 0.98


def test_the_layout_of_avatarpose_is_found_and_views_may_lack(tmp_path) -> None:
    sightings = two_people()
    write(tmp_path, sightings, "palette", "mask_sta/{}/all")
    places = find_masks(tmp_path, sightings.names)
    assert list(places) == list(sightings.names)
    found = with_masks(sightings, {"cam02": places["cam02"]}, [SIZE, SIZE])
    assert found.mask(0, 0, 0) is None
    assert found.mask(0, 1, 0) is not None


def test_a_union_that_touches_is_cut_between_the_skeletons(tmp_path) -> None:
    sightings = two_people(1)
    for name in sightings.names:
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((100, 100), 255, np.uint8)).save(tmp_path / name / "0.png")
    found = with_masks(sightings, tmp_path, [SIZE, SIZE])
    left, right = found.mask(0, 0, 0), found.mask(0, 0, 1)
    assert left.shape == (100, 100)
    assert left[50, 20] == 1 == right[50, 80]
    assert np.array_equal(left + right, np.ones((100, 100)))


def test_masks_that_do_not_fit_are_refused_with_a_reason(tmp_path) -> None:
    sightings = two_people()
    with pytest.raises(InputError, match="no masks of cam01"):
        with_masks(sightings, tmp_path, [SIZE, SIZE])
    with pytest.raises(InputError, match="no folder"):
        with_masks(sightings, tmp_path / "gone", [SIZE, SIZE])
    write(tmp_path, sightings, "grey")
    with pytest.raises(ImageError, match="same shape"):
        with_masks(sightings, tmp_path, [(300, 200), SIZE])
    (tmp_path / "cam01" / "000001.png").unlink()
    with pytest.raises(InputError, match="1 masks of cam01"):
        with_masks(sightings, tmp_path, [SIZE, SIZE])
    (tmp_path / "cam01" / "000001.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match="damaged"):
        with_masks(sightings, tmp_path, [SIZE, SIZE])


def test_a_mask_that_is_nobody_is_told_of(tmp_path) -> None:
    sightings = two_people(1)
    for name in sightings.names:
        (tmp_path / name).mkdir()
        corner = np.zeros((200, 200), np.uint8)
        corner[:8, :8] = 255
        Image.fromarray(corner).save(tmp_path / name / "0.png")
    found = with_masks(sightings, tmp_path, [SIZE, SIZE])
    assert not found.masks
    assert any("nobody who was detected" in note for note in found.notes)
