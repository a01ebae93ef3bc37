"""Time offsets from how people move."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.multiview import Rig, Sightings
from humanav.multiview.sync import Offsets, find_offsets, shifted
from humanav.multiview.sync_signals import correlation, motion_signals
from humanav.multiview.sync_tracks import by_track, sides, unflipped
from tests.multiview.moving_people import COCO, filmed, ring
from tests.multiview.treadmill import treadmill

LATE = [0.0, 40.0, -60.3, 7.5]  # frames at 25 a second


@pytest.mark.parametrize(("people", "seed"), [(1, 3), (2, 0)])
def test_offsets_of_seconds_are_found_to_half_a_frame(people, seed):
    rig = ring(seed=seed)
    seen = filmed(rig, frames=200, people=people, offsets=LATE, noise=5, dropout=0.15, swaps=0.05, seed=seed)
    alone, with_rays = find_offsets(seen), find_offsets(seen, rig)
    assert np.abs(alone.frames - LATE).max() < 0.8
    assert np.abs(with_rays.frames - LATE).max() < 0.5
    assert with_rays.told.all()
    assert with_rays.confidence.min() > 0.8
    assert with_rays.after_px < 5 < with_rays.before_px


def test_unknown_tracks_and_views_of_other_order():
    rig = ring(4, seed=5)
    late = np.array([0, 12, -20, 3.5])
    seen = filmed(rig, frames=120, people=2, offsets=late, noise=5, dropout=0.15, seed=5, tracks=False)
    other = rig.only(rig.names[::-1])
    assert np.abs(find_offsets(seen, other).frames - late).max() < 0.5


def test_it_cannot_be_told_when_nobody_moves():
    for seed in range(2):
        rig = ring(3, seed=seed)
        still = filmed(rig, frames=60, people=2, noise=5, liveliness=0, seed=seed)
        for found in (find_offsets(still), find_offsets(still, rig)):
            assert not found.told.any()
            assert (found.frames == 0).all()
            assert "cannot be told" in found.notes[0]


def test_a_calibration_that_does_not_fit_is_left_aside():
    rig, late = ring(), [0, 5, -9, 12.5]
    seen = filmed(rig, frames=150, people=2, offsets=late, noise=5, dropout=0.15, seed=9)
    found = find_offsets(seen, Rig(rig.names, rig.cameras[::-1]))
    assert np.abs(found.frames - late).max() < 1


def test_one_view_and_one_frame_say_nothing():
    assert not find_offsets(filmed(ring(1), frames=20)).told.any()
    assert not find_offsets(filmed(ring(), frames=1), ring()).told.any()
    assert not find_offsets(Sightings(np.zeros((9, 2, 0, 17, 3)), "coco17", ("a", "b"), 25.0)).told.any()


def test_shifted_sightings_are_of_the_same_moments():
    rig, late = ring(), np.array([0.0, 5.0, -3.0, 1.5])
    exact = filmed(rig, frames=60, people=2, noise=0, seed=2)
    seen = filmed(rig, frames=60, people=2, offsets=late, noise=0, seed=2)
    seen = Sightings(seen.keypoints, "coco17", seen.names, seen.fps, tracks=seen.tracks,
                     masks={(10, 1, 0): b"mask", (0, 2, 1): b"other"})
    known = Offsets(rig.names, late, np.ones(4), np.ones(4, bool), np.zeros((4, 4)))
    moved = shifted(seen, known)
    assert moved.frames == 60 - 3 - 5
    both = (moved.keypoints[..., 2] > 0) & (exact.keypoints[3:-5][..., 2] > 0)
    apart = np.linalg.norm((moved.keypoints - exact.keypoints[3:-5])[..., :2], axis=-1)[both]
    assert both.mean() > 0.9
    assert np.percentile(apart, 99) < 1  # between frames a straight line is taken
    assert moved.masks == {(2, 1, 0): b"mask", (0, 2, 1): b"other"}
    part = shifted(seen, Offsets(rig.names[1:], late[1:], np.ones(3), np.ones(3, bool), np.zeros((3, 3))))
    assert part.keypoints == pytest.approx(moved.keypoints)  # who is not named is not moved
    with pytest.raises(InputError, match="no moment"):
        shifted(seen, Offsets(rig.names, np.array([0, 100.0, 0, 0]), np.ones(4), np.ones(4, bool), np.zeros((4, 4))))


def test_left_and_right_are_put_back_from_one_view_alone():
    true = filmed(ring(), frames=80, noise=2, seed=4).keypoints[:, 0, 0]
    partner = sides(COCO)
    flipped = true.copy()
    when = np.random.default_rng(0).random(80) < 0.3
    flipped[when] = flipped[when][:, partner]
    mended = unflipped(flipped, partner)
    wrong = (mended != true).any((1, 2)).mean()
    assert min(wrong, 1 - wrong) < 0.05


def test_tracks_are_linked_by_nearness():
    seen = filmed(ring(), frames=40, people=2, noise=2, seed=1, tracks=False)
    mixed = seen.keypoints.copy()
    mixed[::2] = mixed[::2, :, ::-1]  # the detections change places every other frame
    people = by_track(Sightings(mixed, "coco17", seen.names, 25.0), unflip=False)
    for view in range(4):
        same = [np.abs(people[:, view, p] - seen.keypoints[:, view, q]).max() for p in range(2) for q in range(2)]
        assert sorted(same)[:2] == [0, 0]


def test_correlation_agrees_with_the_plain_sum(rng):
    track = np.concatenate([rng.uniform(0, 100, (50, 17, 2)).cumsum(0), np.ones((50, 17, 1))], axis=-1)
    one = motion_signals(track, 25.0)
    two = (np.roll(one[0], 7, axis=0), np.roll(one[1], 7, axis=0))
    values, overlap = correlation(one, two, 20)
    x, y, m, n = one[0][:-7], two[0][7:], one[1][:-7], two[1][7:]
    plain = (x * y).sum() / np.sqrt((x**2 * n).sum() * (y**2 * m).sum())
    assert values[27] == pytest.approx(plain)
    assert values[27] == pytest.approx(1)
    assert values.argmax() == 27
    assert 0.7 < overlap[27] < 1


def test_the_treadmill_streams_are_nearly_synchronous(shared):
    rig, seen = treadmill(shared)
    found = find_offsets(seen, rig)
    assert found.told.all()
    assert np.abs(found.frames[[1, 3]]).max() < 0.7
    assert 0.5 < found.frames[2] < 2.5
    assert found.after_px < found.before_px < 12
    rig, seen = treadmill(shared, 2)
    assert np.abs(find_offsets(seen, rig).frames).max() < 2.5
