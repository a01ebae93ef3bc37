"""The outline of a body and the edge of a mask: matches, their derivatives, and a body brought onto its mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from humanav.body import BodyModel
from humanav.body.kinematics import exp_rotation
from humanav.camera import Camera
from humanav.fit import skeleton_of
from humanav.fit.clip_kinematics import ClipState, pose_clip
from humanav.fit.clip_solver import Equations, solve_clip
from humanav.perception import KeypointSequence
from humanav.perception.takes import Take, encode_mask
from humanav.render import silhouette
from humanav.track.clip_outline import SAMPLES, ClipOutlines, OutlineTerm

BODY = tuple(range(22))
BETAS = 10
CAMERA = replace(Camera.from_focal(320, 240), R=np.eye(3), t=np.zeros(3))
STATURE = np.full(3, 150.0)  # pixels, about


def state_of(rng: np.random.Generator, frames: int = 3, place: tuple[float, float, float] = (0.1, 0.1, 4.0)
             ) -> ClipState:
    """Somebody stands before the camera, limbs a little bent."""
    turns = np.zeros((frames, 55, 3))
    turns[:, :22] = 0.2 * rng.normal(size=(frames, 22, 3))
    rotations = exp_rotation(turns)
    rotations[:, 0] = np.diag([1.0, -1.0, -1.0]) @ rotations[:, 0]
    return ClipState(rotations, np.tile(place, (frames, 1)), np.zeros(BETAS), np.zeros(2))


def vertices(state: ClipState, body: BodyModel) -> np.ndarray:
    betas = torch.zeros(body.num_betas)
    betas[:BETAS] = torch.from_numpy(state.betas).float()
    out = body(torch.from_numpy(state.rotations).float(), betas)
    assert out.vertices is not None
    return (out.vertices - out.joints[:, :1]).numpy() + state.pelvis[:, None].astype(np.float32)


def take_of(state: ClipState, body: BodyModel, camera: Camera = CAMERA) -> Take:
    """The take of which this state is the truth: masks and nothing else."""
    masks = [encode_mask(silhouette(v, body.faces, camera).astype(np.float32)) for v in vertices(state, body)]
    count = len(state)
    sequence = KeypointSequence(np.zeros((count, 33, 3), np.float32), "blazepose33", 30.0, camera.width, camera.height)
    return Take("1", 0, 0, sequence, np.ones((count, 4), np.float32), masks=masks)


def matched(outlines: ClipOutlines, state: ClipState, gate: float = 8.0) -> OutlineTerm:
    term = outlines.match(state, np.arange(len(state)), STATURE[: len(state)], gate, 1.0)
    assert term is not None
    return term


def equations_of(term: OutlineTerm, state: ClipState, body: BodyModel, coupled: bool = False) -> Equations:
    equations = Equations(BODY, len(state), BETAS, coupled)
    term(state, pose_clip(skeleton_of(body, BETAS), state), equations)
    return equations


def test_the_truth_lies_on_its_own_mask(body: BodyModel, rng: np.random.Generator) -> None:
    state = state_of(rng)
    outlines = ClipOutlines(take_of(state, body), CAMERA, body, BETAS)
    term = matched(outlines, state)
    assert term.target.shape == (3, 2 * SAMPLES, 2)
    assert ((term.weight > 0).sum(axis=1) > SAMPLES).all()
    np.testing.assert_allclose(term.share[term.weight > 0].sum(-1), 1)
    aside = replace(state, pelvis=state.pelvis + [0.06, 0, 0])
    fits, misses = (equations_of(matched(outlines, s), s, body).cost for s in (state, aside))
    assert fits < 0.25 * misses


def test_a_body_beside_its_mask_is_brought_onto_it(body: BodyModel, rng: np.random.Generator) -> None:
    true = state_of(rng)
    outlines = ClipOutlines(take_of(true, body), CAMERA, body, BETAS)
    state = replace(true, pelvis=true.pelvis + [0.06, -0.04, 0])
    for gate in (10.0, 5.0, 3.0):
        state, _ = solve_clip(skeleton_of(body, BETAS), state, [matched(outlines, state, gate)], (0,), rounds=4)
    off = np.linalg.norm((state.pelvis - true.pelvis)[:, :2], axis=1)
    assert off.max() < 0.015  # of 7 cm


@pytest.mark.parametrize("coupled", [False, True])
def test_derivatives_match_differences(coupled: bool, body: BodyModel, rng: np.random.Generator) -> None:
    state = state_of(rng)
    aside = replace(state, pelvis=state.pelvis + [0.03, 0.02, 0.0])
    term = replace(matched(ClipOutlines(take_of(state, body), CAMERA, body, BETAS), aside), cutoff=50.0)
    found, step = equations_of(term, aside, body, coupled), 1e-5

    def cost(turn: np.ndarray, move: np.ndarray, betas: np.ndarray) -> float:
        rotations = aside.rotations.copy()
        rotations[:, :22] = rotations[:, :22] @ exp_rotation(turn.reshape(3, 22, 3))
        return equations_of(term, replace(aside, rotations=rotations, pelvis=aside.pelvis + move,
                                          betas=aside.betas + betas), body, coupled).cost

    for frame, unknown in ((0, 1), (1, 5), (1, 13), (2, 50), (2, 61), (0, 66), (1, 67), (2, 68)):
        slopes = []
        for sign in (1, -1):
            by = np.zeros((3, 69))
            by[frame, unknown] = sign * step
            slopes.append(cost(by[:, :66], by[:, 66:], np.zeros(BETAS)))
        assert found.gradient[frame, unknown] == pytest.approx((slopes[0] - slopes[1]) / (2 * step), rel=5e-3, abs=5e-3)
    for number in () if coupled else range(BETAS):
        betas = np.eye(BETAS)[number] * step
        slope = (cost(np.zeros((3, 66)), np.zeros((3, 3)), betas) - cost(np.zeros((3, 66)), np.zeros((3, 3)), -betas))
        assert found.shared_gradient[number] == pytest.approx(slope / (2 * step), rel=5e-3, abs=5e-3)


def test_clothes_pull_less_than_skin_that_sticks_out(body: BodyModel, rng: np.random.Generator) -> None:
    state = state_of(rng, 1)
    take = take_of(state, body)
    nearer, farther = (replace(state, pelvis=state.pelvis * factor) for factor in (1.06, 0.94))
    outlines = ClipOutlines(take, CAMERA, body, BETAS, weight=0.5, outward=0.3)
    small, large = (matched(outlines, s).weight for s in (nearer, farther))
    assert small[small > 0].mean() < 0.75 * large[large > 0].mean()


def test_what_cannot_be_matched_is_left_out(body: BodyModel, rng: np.random.Generator) -> None:
    state = state_of(rng)
    take = take_of(state, body)
    frames = np.arange(3)
    some = ClipOutlines(replace(take, masks=[take.masks[0], None, take.masks[2]]), CAMERA, body, BETAS)
    term = matched(some, state)
    assert (term.weight.sum(axis=1) > 0).tolist() == [True, False, True]
    assert np.isfinite(equations_of(term, state, body).gradient).all()
    for masks in ([None] * 3, [], [encode_mask(np.zeros((240, 320), np.float32))] * 3,
                  [encode_mask(np.ones((240, 320), np.float32))] * 3):
        nothing = ClipOutlines(replace(take, masks=masks), CAMERA, body, BETAS)
        assert nothing.match(state, frames, STATURE, 8.0, 1.0) is None
    outlines = ClipOutlines(take, CAMERA, body, BETAS)
    assert outlines.match(state, frames, np.full(3, 20.0), 8.0, 1.0) is None  # too small to compare
    behind, beside = (replace(state, pelvis=state.pelvis * 0 + place) for place in ([0, 0, -3.0], [30.0, 0, 4.0]))
    assert outlines.match(behind, frames, STATURE, 8.0, 1.0) is None
    assert outlines.match(beside, frames, STATURE, 8.0, 1.0) is None


def test_where_the_picture_ends_is_no_edge(body: BodyModel, rng: np.random.Generator) -> None:
    """Somebody whose legs are outside the picture: nothing pulls the body to the border."""
    state = state_of(rng, 1, (0.0, 0.9, 3.0))
    term = matched(ClipOutlines(take_of(state, body), CAMERA, body, BETAS), state)
    used = term.target[term.weight > 0]
    assert (used[:, 1] < 238).all()
    assert len(used) > 40


def test_masks_of_other_sizes_lie_over_the_whole_picture(body: BodyModel, rng: np.random.Generator) -> None:
    state = state_of(rng)
    large = CAMERA.scaled(4)
    take = take_of(state, body, large)
    assert take.mask(0).shape == (240, 320)  # type: ignore[union-attr]  # a quarter of the picture's size
    outlines = ClipOutlines(take, large, body, BETAS)
    term = outlines.match(state, np.arange(3), 4 * STATURE, 8.0, 1.0)
    assert term is not None
    skeleton = skeleton_of(body, BETAS)
    moved, _ = solve_clip(skeleton, state, [term], (0,), rounds=4)
    assert np.abs(moved.pelvis - state.pelvis)[:, :2].max() < 0.01
