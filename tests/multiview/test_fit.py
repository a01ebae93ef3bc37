from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.body.kinematics import exp_rotation
from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import CameraError, Cancelled, InputError
from humanav.fit import rest_rotations, skeleton_of
from humanav.fit.clip_kinematics import ClipPoints, ClipState, place_clip_points, pose_clip
from humanav.fit.clip_solver import Equations
from humanav.multiview.fit import FitSettings, fit_people, fit_to_points
from humanav.multiview.fit_feet import floor_height, standing
from humanav.multiview.fit_person import runs
from humanav.multiview.fit_start import procrustes, start_state
from humanav.multiview.fit_targets import space_targets
from humanav.multiview.fit_terms import LEVEL, Eyes, PointsTerm, ViewsTerm
from humanav.multiview.simulate import body_points
from humanav.multiview.value import Matched, Rig
from humanav.perception.sides import mirror_index
from humanav.progress import Progress
from tests.multiview.fit_capture import capture, ring, walkers


def joints_of(people, body) -> np.ndarray:
    return body_points([person.motion for person in people], "coco17", body)[1][:, :, :22]


def error_mm(people, motions, body) -> float:
    truth = body_points(motions, "coco17", body)[1][:, :, :22]
    return float(1000 * np.linalg.norm(joints_of(people, body) - truth, axis=-1).mean())


def test_a_fit_to_all_pictures_finds_two_people(body) -> None:
    motions, rig = walkers(), ring()
    sightings, matched = capture(motions, rig)
    fitted = fit_people(matched, sightings, rig, body=body)
    assert error_mm(fitted.people, motions, body) < 22
    points = np.stack([person.keypoints for person in matched.people], axis=1)
    plain = 1000 * np.nanmean(np.linalg.norm(points[..., :3] - body_points(motions, "coco17", body)[0], axis=-1))
    found = body_points([person.motion for person in fitted.people], "coco17", body)[0]
    assert 1000 * np.linalg.norm(found - body_points(motions, "coco17", body)[0], axis=-1).mean() < plain
    report = fitted.report["people"]["1"]
    assert report["frames"] == 6
    assert max(report["reprojection_px"].values()) < 5
    first = fitted.people[0]
    assert first.seen.all()
    assert first.reprojection.shape == (6, 4)
    assert first.motion.fps == 25.0
    assert 0.3 < first.motion.confidence[:, :22].mean() <= 1
    assert np.ptp([p.motion.betas for p in fitted.people], axis=0).max() > 0.1  # each has a shape of their own


def test_the_pictures_take_the_bias_of_triangulation_away(body) -> None:
    """Where two views see a point the 3D keypoints err along their depth; the pictures do not say so much."""
    motions, rig = walkers(people=1), ring(2)
    sightings, matched = capture(motions, rig, noise_px=5.0, dropout=0.0)
    assert matched.people[0].used.any()
    space = fit_people(matched, sightings, rig, body=body, settings=FitSettings(direct=False))
    views = fit_people(matched, sightings, rig, body=body)
    assert error_mm(views.people, motions, body) < error_mm(space.people, motions, body)


@pytest.mark.parametrize(("views", "kset"), [(3, "blazepose33"), (12, "openpose25"), (4, "halpe26"), (4, "skel19")])
def test_layouts_and_numbers_of_views(body, views: int, kset: str) -> None:
    motions, rig = walkers(3, 1), ring(views, (-0.2, 0.05, 0.001, 0.0, 0.0))
    sightings, matched = capture(motions, rig, keypoint_set=kset, noise_px=0.5, dropout=0.0)
    fitted = fit_people(matched, sightings, rig, body=body)
    assert error_mm(fitted.people, motions, body) < 30
    assert len(fitted.report["people"]["1"]["reprojection_px"]) == views


def test_the_height_can_be_given(body) -> None:
    motions, rig = walkers(3, 1), ring(3)
    sightings, matched = capture(motions, rig)
    for height in (1.9, {"1": 1.9}):
        fitted = fit_people(matched, sightings, rig, body=body, settings=FitSettings(height=height))
        assert fitted.report["people"]["1"]["stature_m"] == pytest.approx(1.9, abs=0.03)


def test_sides_that_were_exchanged_are_put_back(body) -> None:
    motions, rig = walkers(3, 1), ring(3)
    sightings, matched = capture(motions, rig, noise_px=1.0, dropout=0.0)
    wrong = sightings.keypoints.copy()
    wrong[:, 1] = wrong[:, 1][:, :, mirror_index(KEYPOINT_SETS["coco17"])]
    swapped = np.zeros((3, 3), bool)
    swapped[:, 1] = True
    person = replace(matched.people[0], swapped=swapped)
    fitted = fit_people(replace(matched, people=(person,)), replace(sightings, keypoints=wrong), rig, body=body)
    assert error_mm(fitted.people, motions, body) < 25
    assert fitted.report["people"]["1"]["reprojection_px"]["cam1"] < 4


def test_people_who_are_away_are_held_and_bridged(body) -> None:
    motions = walkers(8, 1)
    points = body_points(motions, "coco17", body)[0][:, 0]
    given = np.concatenate([points, np.ones((8, 17, 1))], axis=2)
    given[:2], given[4, :12], given[7] = np.nan, np.nan, np.nan  # away, five points, away
    found = fit_to_points(given, "coco17", 25.0, body=body)
    assert found.seen.tolist() == [False, False, True, True, True, True, True, False]
    pose = found.motion.full_pose
    assert np.allclose(pose[0], pose[2], atol=1e-5)
    assert np.allclose(found.motion.transl[7], found.motion.transl[6])
    assert found.motion.confidence[0].max() == 0
    assert found.motion.confidence[2, 16] > 0
    assert error_mm([found], motions, body) < 60
    assert found.reprojection.shape == (8, 0)
    assert runs(np.array([0, 1, 0, 0, 1, 0, 0, 0, 1], bool), 2) == [(1, 5), (8, 9)]
    assert runs(np.zeros(3, bool), 2) == []


def test_one_frame_and_little_of_a_person(body) -> None:
    motions = walkers(1, 1)
    points = body_points(motions, "skel19", body)[0][:, 0]
    found = fit_to_points(points, "skel19", 30.0, body=body)
    assert error_mm([found], motions, body) < 35
    few = np.full_like(points, np.nan)
    few[:, [2, 3, 5, 6, 4]] = points[:, [2, 3, 5, 6, 4]]
    three = np.where(np.isin(np.arange(19), [5, 6, 4])[:, None], points, np.nan)
    assert np.isfinite(fit_to_points(three, "skel19", 30.0, body=body).motion.full_pose).all()
    upright = fit_to_points(few, "skel19", 30.0, body=body)
    assert np.isfinite(upright.motion.full_pose).all()
    head, pelvis = joints_of([upright], body)[0, 0, [15, 0]]
    assert head[1] > pelvis[1] + 0.4


def test_what_cannot_be_fitted_is_refused(body) -> None:
    motions, rig = walkers(2, 1), ring(3)
    sightings, matched = capture(motions, rig)
    with pytest.raises(InputError, match="Nobody"):
        fit_people(Matched((), rig.names, 25.0), sightings, rig, body=body)
    with pytest.raises(CameraError, match="not those"):
        fit_people(matched, sightings, Rig(("a", "b", "c"), rig.cameras), body=body)
    with pytest.raises(InputError, match="same capture"):
        fit_people(matched, sightings.part(slice(0, 1)), rig, body=body)
    nothing = np.full((4, 17, 4), np.nan)
    with pytest.raises(InputError, match="never seen"):
        fit_to_points(nothing, "coco17", 25.0, body=body)
    with pytest.raises(InputError, match="no frames"):
        fit_to_points(np.zeros((4, 16, 4)), "coco17", 25.0)
    with pytest.raises(InputError, match="keypoint set"):
        fit_to_points(nothing, "mine", 25.0)
    with pytest.raises(InputError, match="frame rate"):
        fit_to_points(nothing, "coco17", 0.0)
    for wrong in ({"height": 17.0}, {"sigma": 0.0}, {"prior": -1.0}, {"shape_frames": 0}):
        with pytest.raises(InputError):
            FitSettings(**wrong)
    stop = Progress(1, cancelled=lambda: True)
    with pytest.raises(Cancelled):
        fit_people(matched, sightings, rig, body=body, progress=stop)


# -- parts ---------------------------------------------------------------------------------------------------------


def a_state(frames: int = 3) -> ClipState:
    rng = np.random.default_rng(3)
    turns = rest_rotations()[None] @ exp_rotation(rng.normal(0, 0.2, (frames, 55, 3)))
    turns[:, 0] = LEVEL @ turns[:, 0]
    return ClipState(turns, rng.normal(0, 0.2, (frames, 3)), rng.normal(0, 0.5, 10), np.zeros(2))


def stepped(state: ClipState, frames: np.ndarray, betas: np.ndarray) -> ClipState:
    """The state with the body's joints turned, the pelvis moved and the shape changed a little."""
    turns = state.rotations.copy()
    turns[:, :22] = turns[:, :22] @ exp_rotation(frames[:, :-3].reshape(len(frames), 22, 3))
    return replace(state, rotations=turns, pelvis=state.pelvis + frames[:, -3:], betas=state.betas + betas)


@pytest.mark.parametrize("kind", ["points", "views"])
def test_the_terms_have_the_right_derivative(body, kind: str) -> None:
    """Against differences of the cost, by pose, place and shape."""
    skeleton, state, rig = skeleton_of(body, 10), a_state(), ring(3)
    rng = np.random.default_rng(1)
    marks = ClipPoints.named(KEYPOINT_SETS["coco17"], np.full(10, 0.01))
    places = place_clip_points(marks, pose_clip(skeleton, state), state.betas)[0]
    eyes, shape = Eyes.of(rig), (3, 17)
    if kind == "points":
        term = PointsTerm(marks, places + rng.normal(0, 0.05, places.shape), rng.uniform(0.02, 0.1, shape),
                          rng.uniform(0, 1, shape), 3.0)
    else:
        pixels = np.stack([eyes.project(v, places)[0] for v in range(3)], axis=1)
        term = ViewsTerm(marks, eyes, pixels + rng.normal(0, 8, pixels.shape), rng.uniform(2, 5, (3, 3, 17)),
                         rng.uniform(0, 1, (3, 3, 17)), 3.0)

    def equations(at: ClipState) -> Equations:
        out = Equations(tuple(range(22)), 3, 10, False)
        term(at, pose_clip(skeleton, at), out)
        return out

    here = equations(state)
    frames, shared = rng.normal(0, 1, here.gradient.shape), np.zeros(12)
    shared[:10] = rng.normal(0, 1, 10)
    step = 1e-5
    costs = [equations(stepped(state, sign * step * frames, sign * step * shared[:10])).cost for sign in (1, -1)]
    wanted = (here.gradient * frames).sum() + here.shared_gradient @ shared
    assert (costs[0] - costs[1]) / (2 * step) == pytest.approx(wanted, rel=1e-4)
    assert np.linalg.eigvalsh(here.blocks).min() > -1e-6 * np.abs(here.blocks).max()
    coupled = Equations(tuple(range(22)), 3, 10, True)
    term(state, pose_clip(skeleton, state), coupled)
    assert np.allclose(coupled.gradient, here.gradient)
    assert coupled.cost == pytest.approx(here.cost)


def test_the_eyes_are_the_rigs_cameras() -> None:
    rig = ring(3)
    points = np.random.default_rng(0).normal(0, 0.5, (7, 3))
    eyes = Eyes.of(rig)
    for view, camera in enumerate(rig.cameras):
        wanted, depth = camera.project(points)
        assert np.allclose(eyes.project(view, points @ LEVEL)[0], wanted)
        assert np.allclose(eyes.depth(points @ LEVEL)[:, view], depth)


def test_the_start_lies_near(body) -> None:
    motions = walkers(4, 1)
    points = body_points(motions, "coco17", body)[0][:, 0]
    targets = space_targets(np.concatenate([points, np.ones((4, 17, 1))], axis=2), "coco17", np.zeros(10))
    skeleton = skeleton_of(body, 10)
    state = start_state(targets, skeleton, motions[0].betas[:10].astype(np.float64))
    joints = pose_clip(skeleton, state).joints[:, :22] @ LEVEL
    truth = body_points(motions, "coco17", body)[1][:, 0, :22]
    assert np.linalg.norm(joints - truth, axis=-1).mean() < 0.1


def test_feet_near_the_floor_lie_flat(body) -> None:
    """COCO's points have no toes: the floor tells how feet are turned, and a lifted foot is left alone."""
    motions = walkers(3, 1)
    points, joints = body_points(motions, "coco17", body)
    ankles = joints[:, 0, [7, 8], 1]
    given = points[:, 0]
    flat = fit_to_points(given, "coco17", 25.0, body=body)
    free = fit_to_points(given, "coco17", 25.0, body=body, settings=FitSettings(feet=False))
    found, other = (joints_of([person], body)[:, 0] for person in (flat, free))
    drop = found[:, [7, 8], 1] - found[:, [10, 11], 1]
    lower = ankles.argmin(axis=1)
    rest = body.rest(flat.motion.betas)[1].numpy()
    assert abs(drop[np.arange(3), lower] - (rest[7, 1] - rest[10, 1])).max() < 0.03
    assert np.abs(found[:, :6] - other[:, :6]).max() < 0.05  # the rest of the body hardly feels it


def test_the_floor_is_where_the_lowest_feet_are() -> None:
    high = np.full((4, 2), 0.3)
    low = np.array([[0.1, 0.2], [0.3, 0.1], [0.1, 0.1], [9.0, 9.0]])
    seen = np.array([True, True, True, False])
    assert floor_height([high, low], [~seen, seen]) == pytest.approx(0.1)
    assert floor_height([low], [np.zeros(4, bool)]) is None
    assert standing(np.array([[0.1, 0.5]]), 0.1).round(3).tolist() == [[1.0, 0.0]]


def test_procrustes() -> None:
    rng = np.random.default_rng(0)
    source = rng.normal(0, 1, (5, 3))
    turn = LEVEL
    found, shift = procrustes(source, (source @ turn.T + [1, 2, 3])[None], np.ones(5))
    assert np.allclose(found[0], turn, atol=1e-4)
    assert np.allclose(shift[0], [1, 2, 3], atol=1e-3)
    alone, _ = procrustes(source, np.zeros((2, 5, 3)), np.eye(5)[0])
    assert np.allclose(alone, LEVEL)  # one point says nothing: upright
