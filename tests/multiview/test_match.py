"""Who is who in all views and through time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.errors import Cancelled, InputError, NoPersonError
from humanav.multiview.match import affinities, match_people
from humanav.multiview.match_frames import Seen
from humanav.multiview.match_settings import MatchSettings
from humanav.multiview.value import Matched, Rig, Sightings
from humanav.progress import Progress
from tests.multiview.moving_people import filmed, person, ring

FPS = 25.0


def told(found: Matched, seed: int, people: int) -> list[int]:
    """For each person found the true one that it lies on in every frame, -1 where it changes."""
    truth = np.stack([person(np.arange(found.frames) / FPS, seed * 10 + p, 1.62 + 0.15 * p) for p in range(people)])
    out = []
    for one in found.people:
        apart = np.linalg.norm(one.keypoints[None, one.seen, :, :3] - truth[:, one.seen], axis=-1)
        apart = np.nanmean(apart, axis=2)
        nearest = np.unique(apart.argmin(axis=0))
        out.append(int(nearest[0]) if len(nearest) == 1 and apart[nearest[0]].max() < 0.15 else -1)
    return out


def sound(found: Matched) -> None:
    """No NaN where there is confidence, and no detection that is two people."""
    for one in found.people:
        known = one.keypoints[..., 3] > 0
        assert np.isfinite(one.keypoints[known]).all()
        assert np.isnan(one.keypoints[~known][:, :3]).all()
        assert np.isfinite(one.observed).all()
        assert not one.used[~np.isfinite(one.residual)].any()
    for a in found.people:
        for b in found.people:
            if a is not b:
                assert not ((a.chosen == b.chosen) & (a.chosen >= 0)).any()


@pytest.mark.parametrize(("views", "people"), [(2, 1), (3, 2), (4, 3), (8, 2)])
def test_everybody_is_found_with_one_number(views: int, people: int) -> None:
    rig = ring(views)
    found = match_people(filmed(rig, 30, people=people, dropout=0.1, seed=2, noise=3), rig)
    sound(found)
    assert sorted(told(found, 2, people)) == list(range(people))
    assert all(((one.chosen >= 0).sum(axis=1) >= 2).all() for one in found.people)


def test_low_rank_completion_gives_the_same_people() -> None:
    rig = ring(4)
    sightings = filmed(rig, 15, people=2, seed=2)
    greedy, other = match_people(sightings, rig), match_people(sightings, rig, MatchSettings(matcher="lowrank"))
    assert len(greedy.people) == len(other.people) == 2
    assert all((a.chosen == b.chosen).all() for a, b in zip(greedy.people, other.people))


def test_the_order_of_cameras_and_of_detections_does_not_matter() -> None:
    rig = ring(4)
    sightings = filmed(rig, 20, people=2, dropout=0.1, swaps=0.05, seed=4)
    first = match_people(sightings, rig)
    order = [2, 0, 3, 1]
    other = Rig(tuple(rig.names[i] for i in order), tuple(rig.cameras[i] for i in order))
    turned = replace(sightings, names=other.names, keypoints=sightings.keypoints[:, order][:, :, ::-1],
                     tracks=sightings.tracks[:, order][:, :, ::-1])
    second = match_people(turned, other)
    assert len(first.people) == len(second.people) == 2
    for one, two in zip(first.people, second.people):
        assert np.allclose(one.keypoints, two.keypoints, atol=1e-3, equal_nan=True)


def test_people_leave_and_come_back_without_a_new_number() -> None:
    rig = ring(4)
    sightings = filmed(rig, 80, people=2, seed=2)
    keypoints = sightings.keypoints.copy()
    # nobody is seen for a moment; one person is away for half a second
    keypoints[20:23] = 0
    away = match_people(sightings, rig).people[1].chosen
    for view in range(4):
        keypoints[np.arange(40, 53), view, away[40:53, view]] = 0
    found = match_people(replace(sightings, keypoints=keypoints, tracks=np.zeros((0, 0, 0), np.int64)), rig)
    sound(found)
    assert len(found.people) == 2
    assert sorted(told(found, 2, 2)) == [0, 1]
    gone = min(found.people, key=lambda one: one.seen[40:53].sum())
    assert not gone.seen[42:51].any()
    assert gone.seen[60:].all()


def test_somebody_who_enters_later_is_somebody_new() -> None:
    rig = ring(3)
    sightings = filmed(rig, 40, people=2, seed=2)
    late = match_people(sightings, rig).people[1].chosen
    keypoints = sightings.keypoints.copy()
    for view in range(3):
        keypoints[np.arange(25), view, late[:25, view]] = 0
    found = match_people(replace(sightings, keypoints=keypoints), rig)
    assert [int(one.seen.sum()) for one in found.people] == [40, 15]


def test_a_bystander_in_one_view_is_left_out_and_told_of() -> None:
    rig = ring(4)
    sightings = filmed(rig, 20, people=1, seed=2)
    keypoints = np.concatenate([sightings.keypoints, np.zeros_like(sightings.keypoints)], axis=2)
    keypoints[:, 1, 1] = keypoints[:, 1, 0] * 0.4 + [30, 20, 0.3]
    keypoints[..., 2] = np.clip(keypoints[..., 2], 0, 1)
    found = match_people(Sightings(keypoints, "coco17", rig.names, FPS), rig)
    assert len(found.people) == 1
    assert (found.people[0].chosen == 0).all()
    assert any("cam02" in note and "left out" in note for note in found.notes)


def test_sides_and_limbs_that_a_view_exchanged_are_put_back() -> None:
    rig = ring(4)
    sightings = filmed(rig, 25, people=1, seed=2, noise=2)
    wrong = sightings.keypoints.copy()
    names = sightings.landmark_names
    other = [names.index(n.replace("left", "*").replace("right", "left").replace("*", "right")) for n in names]
    wrong[5:12, 2, 0] = wrong[5:12, 2, 0][:, other]
    found = match_people(replace(sightings, keypoints=wrong), rig)
    assert len(found.people) == 1
    right = match_people(sightings, rig).people[0]
    assert np.nanmax(np.linalg.norm(found.people[0].keypoints - right.keypoints, axis=-1)) < 0.05
    assert found.people[0].swapped[5:12, 2].mean() > 0.7
    assert not found.people[0].swapped[:, [0, 1, 3]].any()
    assert any("cam03" in note and "exchanged" in note for note in found.notes)


def test_a_hand_that_hangs_on_another_body_is_taken_back() -> None:
    rig = ring(5)
    sightings = filmed(rig, 10, people=2, seed=2, noise=1, shuffle=False)
    mixed = sightings.keypoints.copy()
    mixed[:, 1, 0, 9], mixed[:, 1, 1, 9] = sightings.keypoints[:, 1, 1, 9], sightings.keypoints[:, 1, 0, 9]
    found = match_people(replace(sightings, keypoints=mixed), rig)
    plain = match_people(replace(sightings, keypoints=mixed), rig, MatchSettings(rescue=False))
    assert all(one.used[:, 1, 9].all() for one in found.people)
    assert np.mean([one.used[:, 1, 9] for one in plain.people]) < 0.5  # rays may meet by chance


def test_two_cameras_are_enough_with_a_warning() -> None:
    rig = ring(2)
    sightings = filmed(rig, 20, people=2, seed=5, noise=2)
    found = match_people(sightings, rig)
    assert any("two cameras" in note for note in found.notes)
    sound(found)
    assert sorted(told(found, 5, 2)) == [0, 1]


def test_colours_tell_apart_whom_the_rays_of_two_cameras_cannot() -> None:
    """Two people at the same place: every pair fits, and only what they wear says which is right."""
    rig = ring(2)
    sightings = filmed(rig, 10, people=1, seed=5, noise=2)
    both = np.concatenate([sightings.keypoints] * 2, axis=2)
    looks = np.zeros((10, 2, 2, 4))
    looks[:, 0, 0, :2] = looks[:, 1, 1, :2] = 0.5
    looks[:, 0, 1, 2:] = looks[:, 1, 0, 2:] = 0.5
    tracks = np.tile(np.arange(2), (10, 2, 1))
    looks[3:] = 0  # the view's tracker says who it is in the other frames
    crowd = Sightings(both, "coco17", rig.names, FPS, tracks, looks)
    seen = Seen.of(crowd, rig)
    plain, coloured = (affinities(seen, crowd, MatchSettings(looks=kind)) for kind in ("never", "auto"))
    right, wrong = coloured[:, [0, 1], [3, 2]], coloured[:, [0, 1], [2, 3]]
    assert np.ptp(plain[:, :2, 2:], axis=(1, 2)).max() < 1e-9
    assert (right - wrong).min() > 0.3
    assert np.allclose(coloured, np.swapaxes(coloured, 1, 2))
    assert not coloured[:, :2, :2].any()


def test_one_camera_and_other_cameras_are_refused() -> None:
    rig = ring(3)
    sightings = filmed(rig, 5)
    one = rig.only(rig.names[:1])
    with pytest.raises(InputError, match="Video tracking"):
        match_people(replace(sightings, keypoints=sightings.keypoints[:, :1], tracks=sightings.tracks[:, :1],
                             names=one.names), one)
    with pytest.raises(InputError, match="same names"):
        match_people(sightings, rig.only(rig.names[::-1]))


def test_nobody_and_cameras_of_somewhere_else_are_told_apart() -> None:
    rig = ring(3)
    sightings = filmed(rig, 8)
    with pytest.raises(NoPersonError, match="no camera sees anybody"):
        match_people(replace(sightings, keypoints=sightings.keypoints * 0), rig)
    alone = sightings.keypoints.copy()
    alone[:, 1:] = 0
    with pytest.raises(NoPersonError, match="only cam01"):
        match_people(replace(sightings, keypoints=alone), rig)
    turns = sightings.keypoints * (np.arange(8)[:, None] % 3 == np.arange(3))[..., None, None, None]
    with pytest.raises(NoPersonError, match="same moment"):
        match_people(replace(sightings, keypoints=turns), rig)
    back = Rig(rig.names, tuple(replace(c, R=np.diag([-1.0, 1, -1]) @ c.R) for c in rig.cameras))
    with pytest.raises(NoPersonError, match="doctor"):
        match_people(sightings, back)
    short = filmed(rig, 60).keypoints.copy()
    short[4:] = 0
    with pytest.raises(NoPersonError, match="too few frames"):
        match_people(replace(sightings, keypoints=short), rig)
    other = ring(3, distance=9.0, seed=8)
    moved = Rig(rig.names, tuple(replace(c, t=c.t + [1.5, 0.8, 0]) for c in other.cameras))
    with pytest.raises(NoPersonError, match="doctor"):
        match_people(sightings, moved)


def test_only_those_seen_most_are_kept_when_asked() -> None:
    rig = ring(4)
    sightings = filmed(rig, 20, people=3, seed=2)
    assert len(match_people(sightings, rig, MatchSettings(people=2)).people) == 2


@pytest.mark.parametrize("kind", ["savgol", "butterworth"])
def test_smoothing_lowers_jitter_and_keeps_the_course(kind: str) -> None:
    rig = ring(4)
    sightings = filmed(rig, 40, seed=2, noise=6, liveliness=0.3)
    raw, smooth = (match_people(sightings, rig, MatchSettings(smooth=k)).people[0].keypoints[..., :3]
                   for k in ("none", kind))
    jitter = [np.nanmean(np.linalg.norm(np.diff(points, 2, axis=0), axis=-1)) for points in (raw, smooth)]
    assert jitter[1] < 0.6 * jitter[0]
    assert np.nanmean(np.linalg.norm(raw - smooth, axis=-1)) < 0.03


@pytest.mark.parametrize("frames", [1, 2])
def test_single_frames_can_be_matched(frames: int) -> None:
    rig = ring(3)
    found = match_people(filmed(rig, frames, people=2, seed=2), rig)
    sound(found)
    assert sorted(told(found, 2, 2)) == [0, 1]


def test_it_can_be_stopped() -> None:
    rig = ring(3)
    with pytest.raises(Cancelled):
        match_people(filmed(rig, 10), rig, progress=Progress(1, cancelled=lambda: True))


@pytest.mark.parametrize("wrong", [{"matcher": "best"}, {"people": 0}, {"ray_cut": 0.0}, {"smooth": "much"}])
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        MatchSettings(**wrong)


def test_real_keypoints_of_two_people_keep_their_numbers(shared) -> None:
    from humanav.multiview.calibration import read_calibration

    rig = read_calibration(shared / "testset/mv_multi/Calib.qca.txt")
    data = np.load(shared / "testset/reference/mv_multi_mediapipe_tracks.npz")
    points = np.stack([data[name] for name in rig.names], axis=1).astype(float)[::4]
    points = np.where(np.isfinite(points).all(axis=-1, keepdims=True), points, 0)
    found = match_people(Sightings(points, "blazepose33", rig.names, 15.0), rig)
    assert len(found.people) == 2
    for one in found.people:
        assert one.seen.mean() >= 0.96
        slot = {name: set(one.chosen[:, v][one.chosen[:, v] >= 0]) for v, name in enumerate(rig.names)}
        # the third camera's two slots are exchanged in this file
        own = slot["cam01"].pop()
        assert slot["cam02"] == slot["cam04"] == {own}
        assert slot["cam03"] <= {1 - own}


def test_real_keypoints_of_one_person_fit_and_have_steady_bones(shared) -> None:
    from humanav.multiview.calibration import read_calibration
    from humanav.multiview.match_settle import BONES

    rig = read_calibration(shared / "testset/mv_single/Calib.qca.txt")
    data = np.load(shared / "testset/reference/mv_single_mediapipe.npz")
    points = np.stack([data[f"kp_{name}"] for name in rig.names], axis=1)[::2, ..., :3].astype(float)[:, :, None]
    found = match_people(Sightings(points, "blazepose33", rig.names, 30.0), rig)
    one, names = found.people[0], Sightings(points, "blazepose33", rig.names, 30.0).landmark_names
    assert len(found.people) == 1
    assert np.nanmedian(one.residual[one.used]) < 10.5
    spread = []
    for a, b in ((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in BONES[1:]):
        length = np.linalg.norm(one.keypoints[:, names.index(a), :3] - one.keypoints[:, names.index(b), :3], axis=-1)
        spread.append(np.nanstd(length) / np.nanmean(length))
    assert np.mean(spread) < 0.06
