"""The pictures' gradient by poses, against finite differences, and the chain of twists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.body.kinematics import Skeleton, exp_rotation
from humanav.fit.clip_kinematics import ClipState, pose_clip
from humanav.fit.clip_solver import Equations, move_clip
from humanav.multiview.fit_terms import LEVEL
from humanav.multiview.losses import PixelTerm, PixelWeights, draw, twist_chain
from humanav.multiview.refine_targets import PixelTargets
from tests.multiview import duo


@pytest.fixture(scope="module")
def setting():
    from humanav.body import BodyModel

    body, rng = BodyModel.load(), np.random.default_rng(0)
    scene, skeleton, states = duo.painted(body, 150), Skeleton.from_body(body), []
    for motion in duo.motions(1):
        turns = exp_rotation(motion.full_pose.astype(float))
        turns[:, 0] = LEVEL @ turns[:, 0]
        pelvis = (skeleton.template[0] + motion.transl) @ LEVEL
        states.append(ClipState(turns, pelvis, np.zeros(20), np.zeros(2)))
    rig = duo.ring(2, 40, 56)
    numbers = np.array([[*(c.R @ LEVEL).ravel(), *c.t, c.K[0, 0], c.K[1, 1], *c.K[:2, 2]] for c in rig.cameras])
    table = np.array([[[0, 0, 0, 40, 56], [40 * 56, 0, 0, 40, 56]]])
    blank = np.zeros((2 * 40 * 56, 6), np.float32)
    targets = PixelTargets(np.array([0]), table, np.ones((1, 2)), numbers, blank, np.ones_like(blank[:, :4]),
                           np.array([[40, 56]] * 2))
    there = draw(scene.posed([pose_clip(skeleton, state) for state in states]), targets)
    moved = [move_clip(s, 0.02 * rng.normal(size=(1, 69)), np.zeros(22), Equations(tuple(range(22)), 1, 20, True))
             for s in states]
    whole = there[:, 3:4]
    target = np.concatenate([there[:, :3] / np.maximum(whole, 0.05), there[:, 3:]], axis=1)
    return scene, skeleton, moved, replace(targets, target=target.astype(np.float32))


def evaluate(setting, states, weights):
    scene, skeleton, _, targets = setting
    clips = [pose_clip(skeleton, state) for state in states]
    equations = [Equations(tuple(range(22)), 1, 20, True) for _ in states]
    cost = PixelTerm(scene, targets, weights, np.ones(1))(clips, equations)
    return cost, equations


@pytest.mark.parametrize("weights", [PixelWeights(1, 0, 0), PixelWeights(0, 1, 0), PixelWeights(0, 0, 1)])
def test_the_gradient_is_that_of_finite_differences(setting, weights) -> None:
    """But for how Gaussians' outlines turn with their place, and for what is too faint to be asked."""
    _, _, states, _ = setting
    _, equations = evaluate(setting, states, weights)
    rng, step = np.random.default_rng(1), 2e-4
    wanted, found = [], []
    for person in range(2):
        directions = [*np.eye(69)[[0, 1, 66, 67, 68]], *rng.normal(size=(4, 69)) / np.sqrt(69)]
        for direction in directions:
            costs = []
            for sign in (1, -1):
                turned = list(states)
                turned[person] = move_clip(states[person], sign * step * direction[None], np.zeros(22),
                                           equations[person])
                costs.append(evaluate(setting, turned, weights)[0])
            wanted.append((costs[0] - costs[1]) / (2 * step))
            found.append(equations[person].gradient[0] @ direction)
    wanted, found = np.array(wanted), np.array(found)
    assert np.linalg.norm(wanted - found) < 0.2 * np.linalg.norm(wanted)
    assert np.corrcoef(wanted, found)[0, 1] > 0.97


def test_curvature_is_symmetric_and_positive(setting) -> None:
    _, _, states, _ = setting
    _, equations = evaluate(setting, states, PixelWeights())
    for part in equations:
        np.testing.assert_allclose(part.blocks, np.swapaxes(part.blocks, 1, 2), atol=1e-8)
        assert np.linalg.eigvalsh(part.blocks[0])[0] > -1e-6 * np.abs(part.blocks).max()


def test_twists_move_the_gaussians_as_poses_do(setting) -> None:
    scene, skeleton, states, _ = setting
    clips = [pose_clip(skeleton, state) for state in states]
    posed = scene.posed(clips, arms=True)
    own, step = posed.owner == 1, 1e-5
    for column in (0, 4, 3 * 17 + 1, 3 * 19, 67):
        ends = []
        for sign in (1, -1):
            direction = np.zeros((1, 69))
            direction[0, column] = sign * step
            other = move_clip(states[1], direction, np.zeros(22), Equations(tuple(range(22)), 1, 20, True))
            ends.append(scene.posed([clips[0], pose_clip(skeleton, other)]).means[0, own])
        twist = twist_chain(clips[1], np.array([0]))[0][:, column].reshape(22, 6)
        assert posed.arms is not None
        found = np.zeros((own.sum(), 3))
        for slot in range(posed.bone.shape[1]):
            bone = posed.bone[own, slot]
            part = np.cross(twist[bone, :3], posed.arms[0, own, slot]) + posed.share[own, slot, None] * twist[bone, 3:]
            found += np.where(bone[:, None] >= 0, part, 0)
        np.testing.assert_allclose(found, (ends[0] - ends[1]) / (2 * step), atol=0.03)
