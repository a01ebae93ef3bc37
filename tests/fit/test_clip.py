"""The whole-clip least squares: derivatives against differences, and clips brought back from noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.body.landmarks import KEYPOINT_SETS
from humanav.fit import PosePrior, skeleton_of
from humanav.fit.clip_feet import FloorTerm, StandTerm
from humanav.fit.clip_kinematics import ClipPoints, ClipState, place_clip_points, pose_clip
from humanav.fit.clip_solver import Equations, solve_clip
from humanav.fit.clip_terms import (
    ClipHingeTerm,
    ClipImageTerm,
    ClipPriorTerm,
    ClipShapeTerm,
    ClipSpaceTerm,
    ClipTurnTerm,
    SmoothTerm,
    project_clip,
)

BODY = tuple(range(22))
BETAS = 10
K = np.array([[600.0, 0, 320], [0, 600, 320], [0, 0, 1]])


def _state(rng: np.random.Generator, frames: int = 5) -> ClipState:
    turns = np.zeros((frames, 55, 3))
    turns[:, :22] = 0.3 * rng.normal(size=(22, 3)) + 0.05 * rng.normal(size=(frames, 22, 3))
    rotations = exp_rotation(turns)
    rotations[:, 0] = np.diag([1.0, -1.0, -1.0]) @ rotations[:, 0]
    return ClipState(rotations, np.array([0.1, 0.2, 3.0]) + 0.02 * rng.normal(size=(frames, 3)),
                     0.5 * rng.normal(size=BETAS), np.array([0.02, 0.05]))


def _points(names: tuple[str, ...] = KEYPOINT_SETS["blazepose33"]) -> ClipPoints:
    return ClipPoints.named(names, 0.03 * np.ones(BETAS))


def _terms(rng: np.random.Generator, skeleton, frames: int) -> dict[str, object]:
    other = _state(rng, frames)
    places, _, _ = place_clip_points(_points(), pose_clip(skeleton, other), other.betas)
    pixels, _ = project_clip(K, places)
    shape = places.shape[:2]
    matrix = rng.normal(size=(66, 66))
    feet = ClipPoints.named(("left_heel", "right_heel", "left_foot_index"), np.zeros(BETAS))
    return {
        "image": ClipImageTerm(_points(), K, pixels, np.full(shape, 9.0), rng.uniform(0, 1, shape), 50.0),
        "space": ClipSpaceTerm(_points(), places, np.full(shape, 0.2), rng.uniform(0.1, 1, shape),
                               np.tile(np.eye(3), (frames, 1, 1)), np.array([0.2, 0.2, 1.0]), 50.0),
        "turn": ClipTurnTerm(BODY, other.rotations[:, :22], np.full((frames, 22, 3), 0.5)),
        "prior": ClipPriorTerm(PosePrior.load(), np.full(frames, 0.5)),
        "shape": ClipShapeTerm(np.zeros(BETAS), np.ones(BETAS), np.zeros(2), np.full(2, 0.1), 1.8, 1.7,
                               0.05 * np.ones(BETAS)),
        "hinge": ClipHingeTerm(0.5),
        "smooth": SmoothTerm(matrix @ matrix.T + 5 * np.eye(66), np.diag([1e3, 2e3, 5e2]), 500.0),
        "stand": StandTerm(feet, rng.uniform(0.2, 1, (frames, 3)), 0.3),
        "floor": FloorTerm(feet, rng.uniform(0.2, 1, (frames, 3)), np.array([0.1, -0.99, 0.1]), -1.0, 0.5),
    }


@pytest.mark.parametrize("name", ["image", "space", "turn", "prior", "shape", "hinge", "smooth", "stand", "floor"])
def test_gradients_match_differences(body, rng: np.random.Generator, name: str) -> None:
    frames, skeleton = 5, skeleton_of(body, BETAS)
    state = _state(rng, frames)
    term = _terms(rng, skeleton, frames)[name]
    coupled = name in ("smooth", "stand", "floor")

    def evaluate(at: ClipState) -> Equations:
        equations = Equations(BODY, frames, BETAS, coupled)
        term(at, pose_clip(skeleton, at), equations)  # type: ignore[operator]
        return equations

    found, step = evaluate(state), 1e-5
    for frame, unknown in ((0, 4), (1, 2), (2, 13), (3, 50), (4, 66), (2, 67), (2, 68)):
        costs = []
        for sign in (1, -1):
            moved = np.zeros((frames, 69))
            moved[frame, unknown] = sign * step
            turned = state.rotations.copy()
            turned[:, :22] = turned[:, :22] @ exp_rotation(moved[:, :66].reshape(frames, 22, 3))
            costs.append(evaluate(replace(state, rotations=turned, pelvis=state.pelvis + moved[:, 66:])).cost)
        slope = (costs[0] - costs[1]) / (2 * step)
        assert found.gradient[frame, unknown] == pytest.approx(slope, rel=2e-3, abs=2e-3), (frame, unknown)
    if coupled:
        return
    for unknown in range(BETAS + 2):
        costs = []
        for sign in (1, -1):
            moved = np.zeros(BETAS + 2)
            moved[unknown] = sign * step
            costs.append(evaluate(replace(state, betas=state.betas + moved[:BETAS],
                                          tilt=state.tilt + moved[BETAS:])).cost)
        slope = (costs[0] - costs[1]) / (2 * step)
        assert found.shared_gradient[unknown] == pytest.approx(slope, rel=2e-3, abs=2e-3), unknown


def test_landmarks_agree_with_the_body_model(body, rng: np.random.Generator) -> None:
    import torch

    from humanav.body.landmarks import landmark_positions

    state = _state(rng, 3)
    skeleton = skeleton_of(body, BETAS)
    posed = pose_clip(skeleton, state)
    out = body(torch.from_numpy(state.rotations).float(), torch.from_numpy(state.betas).float(), vertices=False)
    moved = out.joints.double().numpy() - out.joints.double().numpy()[:, :1] + state.pelvis[:, None]
    assert np.abs(posed.joints - moved).max() < 1e-5
    scale = 1 + 0.03 * state.betas.sum()
    expected = landmark_positions(moved, out.rotations.double().numpy(), "blazepose33", scale)
    places, _, _ = place_clip_points(_points(), posed, state.betas)
    assert np.abs(places - expected).max() < 1e-5


def test_a_clip_comes_back_with_its_shape_and_stays_smooth(body, rng: np.random.Generator) -> None:
    skeleton, frames = skeleton_of(body, BETAS), 12
    true = _state(rng, frames)
    places, _, _ = place_clip_points(_points(), pose_clip(skeleton, true), true.betas)
    pixels, _ = project_clip(K, places)
    shape = places.shape[:2]
    terms = [
        ClipImageTerm(_points(), K, pixels, np.full(shape, 2.0), np.ones(shape), 12.0),
        ClipSpaceTerm(_points(), places, np.full(shape, 0.02), np.ones(shape), np.tile(np.eye(3), (frames, 1, 1)),
                      np.ones(3), 50.0),
        ClipTurnTerm(BODY, true.rotations[:, :22], np.full((frames, 22, 3), 0.5)),
        ClipShapeTerm(np.zeros(BETAS), np.ones(BETAS), np.zeros(2), np.full(2, 0.1)),
    ]
    turns = np.zeros((frames, 55, 3))
    turns[:, :22] = 0.15 * rng.normal(size=(frames, 22, 3))
    start = replace(true, rotations=true.rotations @ exp_rotation(turns), betas=np.zeros(BETAS),
                    pelvis=true.pelvis + 0.1 * rng.normal(size=(frames, 3)))
    found, cost = solve_clip(skeleton, start, terms, BODY, coupled=False, rounds=40, tolerance=1e-7)
    joints = [pose_clip(skeleton, s).joints[:, :22] - s.pelvis[:, None] for s in (found, true, start)]
    errors = [1000 * np.linalg.norm(j - joints[1], axis=-1).mean() for j in (joints[0], joints[2])]
    assert errors[0] < 0.2 * errors[1]
    assert errors[0] < 12.0

    precision, path = np.eye(66) / 0.02**2, np.eye(3) / 0.002**2
    held = np.zeros(frames, dtype=bool)
    held[:2] = True
    smooth, _ = solve_clip(skeleton, found, [*terms[:3], SmoothTerm(precision, path)], BODY, held=held)

    def restless(state: ClipState) -> float:
        return float(np.abs(np.diff(log_rotation(np.swapaxes(state.rotations[:-1], -1, -2) @ state.rotations[1:]),
                                    axis=0)).mean())

    assert restless(smooth) < restless(found)
    assert np.array_equal(smooth.rotations[:2], found.rotations[:2])
    assert np.isfinite(cost)
