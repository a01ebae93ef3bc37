"""Scores of people whose errors are known, against a slow computation, and as AvatarPose counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.multiview.evaluate import average_precision, evaluate
from humanav.multiview.evaluate_avatarpose import avatarpose_scores
from humanav.multiview.evaluate_pairs import bones_of, pair_people
from humanav.multiview.evaluate_people import SHELF14, SMPL_NAMES, People3D, as_people, derived, people_of_motions
from humanav.multiview.value import Matched, Person3D

NAMES = KEYPOINT_SETS["skel19"]
SHAPE = np.array([  # a standing person, skel19
    [0, 1, 0], [0, 1.45, 0], [-0.1, 0.95, 0], [0.1, 0.95, 0], [0, 1.6, 0.1], [-0.2, 1.42, 0], [0.2, 1.42, 0],
    [-0.1, 0.5, 0], [0.1, 0.5, 0], [-0.08, 1.62, 0], [0.08, 1.62, 0], [-0.25, 1.12, 0], [0.25, 1.12, 0],
    [-0.1, 0.08, 0], [0.1, 0.08, 0], [-0.27, 0.87, 0], [0.27, 0.87, 0], [0.1, 0.02, 0.15], [-0.1, 0.02, 0.15]])


def people(frames: int = 6, count: int = 2) -> dict[str, np.ndarray]:
    """Standing in a row, 0.4 m apart, walking slowly."""
    steps = np.linspace(0, 0.2, frames)[:, None, None] * [0, 0, 1]
    return {str(k): SHAPE + [0.4 * k, 0, 0] + steps for k in range(count)}


def test_the_truth_against_itself() -> None:
    truth = People3D(people(), NAMES)
    scores = evaluate(truth, truth)
    assert (scores.mpjpe_mm, scores.pcp, scores.f1, scores.id_switches, scores.missed, scores.ghosts) == (
        0, 1, 1, 0, 0, 0)
    assert scores.pa_mpjpe_mm == pytest.approx(0, abs=1e-9)
    assert set(scores.ap.values()) == set(scores.pck.values()) == {1.0}
    assert scores.points == NAMES
    assert len(scores.pcp_bone) == 18
    assert scores.identity == {"0": "0", "1": "1"}


def test_a_known_error_and_any_order_of_people() -> None:
    truth = people()
    found = {"b": truth["1"] + [0, 0.03, 0], "a": truth["0"] + [0.03, 0, 0]}
    scores = evaluate(People3D(found, NAMES), People3D(truth, NAMES))
    assert scores.mpjpe_mm == pytest.approx(30)
    assert scores.pa_mpjpe_mm == pytest.approx(0, abs=1e-9)
    assert (scores.ap[25], scores.ap[50], scores.pck[50], scores.f1, scores.id_switches) == (0, 1, 1, 1, 0)
    assert scores.identity == {"0": "a", "1": "b"}
    assert scores.mpjpe_point["nose"] == pytest.approx(30)


def test_size_and_turn_are_taken_out_by_pa() -> None:
    truth = people(count=1)
    turn = np.array([[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]])
    found = {"0": (truth["0"] - truth["0"][:, :1]) @ turn.T * 1.1 + truth["0"][:, :1]}
    scores = evaluate(People3D(found, NAMES), People3D(truth, NAMES))
    assert scores.mpjpe_mm > 40
    assert scores.pa_mpjpe_mm == pytest.approx(0, abs=1e-6)


def test_missed_people_ghosts_and_switches() -> None:
    truth = People3D(people(), NAMES)
    found = {k: v.copy() for k, v in people().items()}
    found["1"][3:] = np.nan
    found["ghost"] = people()["0"] + [3, 0, 0]
    scores = evaluate(People3D(found, NAMES), truth)
    assert (scores.missed, scores.ghosts, scores.recall) == (3, 6, 0.75)
    assert scores.precision == pytest.approx(9 / 15)
    assert scores.pcp_person == {"0": 1.0, "1": 0.5}
    assert (scores.pcp, scores.pck[150], scores.coverage) == (0.75, 0.75, 0.75)
    assert scores.mpjpe_mm == 0
    swapped = people()
    swapped["0"][4:], swapped["1"][4:] = people()["1"][4:], people()["0"][4:]
    assert evaluate(People3D(swapped, NAMES), truth).id_switches == 2


def test_nobody_found() -> None:
    scores = evaluate([{} for _ in range(6)], People3D(people(), NAMES))
    assert (scores.recall, scores.missed, scores.pcp, scores.found_people) == (0, 12, 0, 0)
    assert scores.table()["mpjpe_mm"] is None
    assert scores.to_dict()["precision"] is None
    assert evaluate(People3D({}, NAMES), People3D(people(), NAMES)).missed == 12
    with pytest.raises(InputError, match="nobody"):
        evaluate(People3D(people(), NAMES), People3D({}, NAMES))


def test_unknown_points_count_as_missed_but_not_as_errors() -> None:
    truth, found = people(count=1), people(count=1)
    found["0"][:, NAMES.index("left_wrist")] = np.nan
    truth["0"][:, NAMES.index("right_big_toe")] = np.nan
    scores = evaluate(People3D(found, NAMES), People3D(truth, NAMES))
    assert "left_wrist" not in scores.points  # neither side can be compared in what one never has
    found["0"][0] = people(count=1)["0"][0]
    scores = evaluate(People3D(found, NAMES), People3D(truth, NAMES))
    assert scores.pck_point["left_wrist"][150] == pytest.approx(1 / 6)
    assert scores.pcp_bone["left_wrist-left_elbow"] == pytest.approx(1 / 6)
    assert "right_big_toe" not in scores.points


def test_jitter_is_the_second_difference() -> None:
    found = people(count=1)
    found["0"][1::2] += [0, 0.002, 0]
    scores = evaluate(People3D(found, NAMES), People3D(people(count=1), NAMES))
    assert scores.jitter_mm == pytest.approx(4, rel=1e-6)
    assert scores.truth_jitter_mm == pytest.approx(0, abs=1e-9)


def slow_mpjpe(found: np.ndarray, truth: np.ndarray, gate: float) -> tuple[float, int]:
    """Best assignment of all, by trying every one: mean error over matched people, and how many."""
    errors = []
    for a, b in zip(found, truth):
        options = []
        for order in permutations(range(len(a)), len(b)):
            off = [np.linalg.norm(a[i] - b[j], axis=1).mean() * 1000 for j, i in enumerate(order)]
            good = [value for value in off if value <= gate]
            options.append((sum(good) + 1e6 * (len(off) - len(good)), good))
        errors += min(options)[1]
    return float(np.mean(errors)), len(errors)


def test_agrees_with_trying_every_assignment(rng) -> None:
    truth = {k: v + rng.normal(0, 0.02, v.shape) for k, v in people(8, 3).items()}
    found = {k: truth[o] + rng.normal(0, 0.08, v.shape) + rng.normal(0, 0.2, (len(v), 1, 3))
             for (k, v), o in zip(truth.items(), ("2", "0", "1"))}
    scores = evaluate(People3D(found, NAMES), People3D(truth, NAMES))
    a, b = (np.stack(list(side.values()), axis=1) for side in (found, truth))
    error, count = slow_mpjpe(a, b, 500)
    assert scores.mpjpe_mm == pytest.approx(error)
    assert 24 - scores.missed == count


def test_average_precision_by_hand() -> None:
    sure, right = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, True])
    assert average_precision(sure, right, 4) == pytest.approx((1 + 0.75 + 0.75) / 4)
    assert average_precision(np.ones(4), right, 4) == pytest.approx(0.75 * 0.75)
    assert average_precision(np.zeros(0), np.zeros(0, bool), 4) == 0


def test_frames_meet_by_number_or_in_order() -> None:
    truth = People3D(people(10), NAMES, 30, np.arange(100, 110))
    later = People3D({k: v[4:8] for k, v in people(10).items()}, NAMES, 30, np.arange(104, 108))
    assert evaluate(later, truth).mpjpe_mm == 0
    counted = replace(later, frames=None)
    assert evaluate(counted, truth).mpjpe_mm > 50
    assert evaluate(counted, truth, start=104).mpjpe_mm == 0
    slow = People3D({k: v[::2] for k, v in people(10).items()}, NAMES, 15)
    assert evaluate(slow, truth).mpjpe_mm == 0
    assert evaluate(slow, truth).frames == 5
    assert evaluate(replace(truth, frames=None), replace(slow, fps=15)).mpjpe_mm == 0  # two found ones for each true
    almost = evaluate(replace(truth, frames=None, fps=29.97), truth)
    assert (almost.mpjpe_mm, almost.frames) == (0, 10)
    gaps = People3D({k: v[[0, 3, 7]] for k, v in people(10).items()}, NAMES, 30, np.array([100, 103, 107]))
    assert evaluate(replace(truth, frames=None), gaps).mpjpe_mm == 0  # by number, not by row
    with pytest.raises(InputError, match="that were asked for"):
        evaluate(later, truth, frames=[500])
    assert evaluate(later, truth, frames=[105, 106, 500]).frames == 2
    with pytest.raises(InputError, match="no frame in common"):
        evaluate(replace(later, frames=np.arange(4)), truth)


def test_values_of_every_kind_are_understood(body) -> None:
    points = np.concatenate([SHAPE, np.ones((19, 1))], axis=1)[None].repeat(3, axis=0)
    nothing = np.zeros((3, 0), np.int64)
    matched = Matched((Person3D("7", points, "skel19", nothing, nothing, nothing, nothing),), (), 25)
    assert as_people(matched).fps == 25
    assert evaluate(matched, [{5: SHAPE}] * 3).mpjpe_mm == 0
    with pytest.raises(InputError, match="shape"):
        as_people([{1: SHAPE[:5]}])
    with pytest.raises(InputError, match="keypoint set"):
        as_people([{1: SHAPE}], keypoint_set="none")
    with pytest.raises(InputError, match="must grow"):
        People3D(people(3), NAMES, 30, np.array([3, 2, 1]))
    with pytest.raises(InputError, match="positive"):
        People3D(people(3), NAMES, float("nan"))
    motion = Motion.from_full_pose(np.zeros((3, 22, 3)))
    posed = people_of_motions({"1": motion}, body=body, seen={"1": np.array([True, False, True])})
    assert np.isnan(posed.people["1"][1]).any()
    joints = body.from_motion(motion, vertices=False).joints[0, :22].numpy()
    assert np.abs(posed.taken(SMPL_NAMES)["1"][0, :, :3] - joints).max() < 1e-6


def test_derived_points() -> None:
    coco = KEYPOINT_SETS["coco17"]
    points = np.concatenate([[[SHAPE[NAMES.index(n)] if n in NAMES else [0, 1.65, 0.1] for n in coco]],
                             np.full((1, 17, 1), 0.5)], axis=2)
    found = derived(points, coco, ("pelvis", "neck", "head_bottom", "head_top", "left_big_toe"))[0]
    assert found[0] == pytest.approx([0, 0.95, 0, 0.5])
    assert found[1] == pytest.approx([0, 1.42, 0, 0.5])
    assert found[2] == pytest.approx([0, 1.52, 0, 0.5])
    assert found[3] == pytest.approx([0, 1.665, 0.125, 0.5])  # the person faces +z
    assert np.isnan(found[4, :3]).all()


def test_middles_are_derived_on_both_sides_or_on_none(body) -> None:
    truth = people_of_motions({"1": Motion.from_full_pose(np.zeros((3, 22, 3)))}, body=body)
    coco = KEYPOINT_SETS["coco17"]
    found = People3D(truth.taken(coco), coco)
    scores = evaluate(found, truth)
    assert {"neck", "pelvis"} <= set(scores.points)
    assert scores.mpjpe_mm == pytest.approx(0, abs=1e-9)
    assert evaluate(People3D(truth.taken(NAMES), NAMES), truth).mpjpe_mm == 0


def test_shelf_counts_its_ten_parts() -> None:
    truth = {k: derived(np.concatenate([v, np.ones((6, 19, 1))], axis=2), NAMES, SHELF14) for k, v in people().items()}
    scores = evaluate(People3D(people(), NAMES), People3D(truth, SHELF14))
    assert set(scores.points) == set(SHELF14)
    assert len(scores.pcp_bone) == 10
    assert scores.pcp == 1
    assert len(bones_of(SMPL_NAMES)) == 21


def test_avatarposes_definitions_differ_where_they_are_said_to() -> None:
    truth = people()
    found = {"a": truth["0"] + [0.01, 0, 0], "b": truth["0"] + [0, 0.04, 0]}  # nobody found person 1
    pairs = pair_people(People3D(found, NAMES), People3D(truth, NAMES), gate=300)
    theirs = avatarpose_scores(pairs)
    assert theirs["mpjpe_mm"] == pytest.approx(25)
    assert (theirs["pcp"], theirs["precision"], theirs["recall"], theirs["people_below_50mm"]) == (1, 1, 0.5, 1)
    assert theirs["ap_50"] == pytest.approx(0.25)  # the second on the same person is wrong
    ours = evaluate(People3D(found, NAMES), People3D(truth, NAMES))
    assert ours.missed == 0  # 400 mm away is within the gate: one to one, and so a large error
    assert ours.mpjpe_mm > 150
    nobody = pair_people(People3D({}, NAMES), People3D(truth, NAMES))
    assert np.isnan(avatarpose_scores(nobody)["mpjpe_mm"])
    same = avatarpose_scores(pair_people(People3D(truth, NAMES), People3D(truth, NAMES)))
    assert same == {"mpjpe_mm": 0, "pcp": 1, "ap_25": 1, "ap_50": 1, "ap_100": 1, "ap_150": 1, "people_below_50mm": 1,
                    "precision": 1, "recall": 1, "f1": 1}


def test_bodies_are_scored_in_how_they_meet(body) -> None:
    pose = np.zeros((3, 22, 3), np.float32)
    one = Motion.from_full_pose(pose)
    other = replace(one, transl=one.transl + np.array([0, 0, 0.2], np.float32))
    apart = replace(one, transl=one.transl + np.array([0, 0, 0.35], np.float32))
    same = evaluate({"1": one, "2": other}, {"a": one, "b": other}, body=body)
    assert same.contact["contact_f1"] == 1
    assert same.contact["penetration_mm"] == same.contact["truth_penetration_mm"] > 5
    moved = evaluate({"2": apart, "1": one}, {"a": one, "b": other}, body=body)
    assert moved.contact["contact_f1"] < 0.5
    assert moved.contact["penetration_mm"] < same.contact["penetration_mm"]
    alone = evaluate({"1": one, "2": other}, [{"a": np.zeros((22, 3))}] * 3, keypoint_set="smpl22", body=body)
    assert alone.contact["penetration_mm"] > 5
    assert "contact_f1" not in alone.contact
    assert evaluate({"1": one}, {"a": one}, body=body).contact == {}
