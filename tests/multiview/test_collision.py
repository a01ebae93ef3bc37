"""Bodies that run into each other are pushed apart, and others are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.body.kinematics import Skeleton, exp_rotation
from humanav.fit.clip_kinematics import ClipState, pose_clip
from humanav.fit.clip_solver import Equations, move_clip
from humanav.fit.clip_terms import ClipTurnTerm
from humanav.multiview.collision import CollisionTerm, Skin
from humanav.multiview.contact import clip_contact
from humanav.multiview.fit_terms import LEVEL
from humanav.multiview.refine_solver import solve_people
from tests.multiview import duo


@pytest.fixture(scope="module")
def people():
    from humanav.body import BodyModel

    body = BodyModel.load()
    return body, Skeleton.from_body(body), Skin.of(body, np.zeros(20), 700)


def states_of(skeleton, motions):
    out = []
    for motion in motions:
        turns = exp_rotation(motion.full_pose.astype(float))
        turns[:, 0] = LEVEL @ turns[:, 0]
        out.append(ClipState(turns, (skeleton.template[0] + motion.transl) @ LEVEL, np.zeros(20), np.zeros(2)))
    return out


def apart(metres: float):
    """Person 2 stands beside person 1, arms hanging."""
    motions = duo.motions(1, 0.0)
    poses = [motion.full_pose.copy() for motion in motions]
    for pose in poses:
        pose[:, 16], pose[:, 17] = [0, 0, -1.2], [0, 0, 1.2]
        pose[:, 0] = 0
    return [type(m).from_full_pose(pose, 10.0, m.transl + [metres * k, 0, 0], m.betas)
            for k, (m, pose) in enumerate(zip(motions, poses, strict=True))]


def test_collision_is_undone(people) -> None:
    body, skeleton, skin = people
    motions = duo.motions(1, 0.27, reach=False)  # chest in chest
    states = states_of(skeleton, motions)
    hold = [[ClipTurnTerm(range(22), s.rotations[:, :22], np.full((1, 22, 3), 0.3))] for s in states]
    term = CollisionTerm((skin, skin), np.ones(1))
    solved = solve_people([skeleton] * 2, states, hold, [term], rounds=10)
    assert solved.after < 0.7 * solved.before
    found = []
    for motion, state in zip(motions, solved.states, strict=True):
        turns = state.rotations.copy()
        turns[:, 0] = LEVEL @ turns[:, 0]
        from humanav.body.kinematics import log_rotation

        found.append(type(motion).from_full_pose(log_rotation(turns), 10.0, state.pelvis @ LEVEL - skeleton.template[0],
                                                 motion.betas))
    before, after = (clip_contact(m, body, volume=False).depth_mm.max() for m in (motions, found))
    assert before > 15
    assert after < 0.5 * before


def test_people_apart_are_left_alone(people) -> None:
    _, skeleton, skin = people
    states = states_of(skeleton, apart(1.7))
    equations = [Equations(tuple(range(22)), 1, 20, True) for _ in states]
    term = CollisionTerm((skin, skin), np.ones(1), 5000.0, pull=5000.0)
    assert term([pose_clip(skeleton, state) for state in states], equations) == 0.0
    assert not any(part.gradient.any() for part in equations)


def test_attraction_closes_a_gap_where_masks_touch(people) -> None:
    _, skeleton, skin = people
    states = states_of(skeleton, apart(0.88))
    clips = [pose_clip(skeleton, state) for state in states]
    pulls = []
    for touching in (False, True):
        equations = [Equations(tuple(range(22)), 1, 20, True) for _ in states]
        CollisionTerm((skin, skin), np.ones(1), 5000.0, pull=500.0, near=0.12,
                      touching=np.full((1, 2, 2), touching))(clips, equations)
        pulls.append(equations[0].gradient[0, 66])
    assert pulls[1] < pulls[0]  # a step against the gradient goes to the other, at greater x


def test_the_gradient_is_that_of_finite_differences(people) -> None:
    _, skeleton, skin = people
    states = states_of(skeleton, duo.motions(1, 0.28, reach=False))
    term = CollisionTerm((skin, skin), np.ones(1), 5000.0)

    def cost(moved):
        equations = [Equations(tuple(range(22)), 1, 20, True) for _ in moved]
        return term([pose_clip(skeleton, state) for state in moved], equations), equations

    _, equations = cost(states)
    wanted, found = [], []
    for column in (68, 0, 3 * 3, 3 * 6):  # forwards, and bending forwards
        ends = []
        for sign in (1, -1):
            step = np.zeros((1, 69))
            step[0, column] = sign * 1e-5
            ends.append(cost([move_clip(states[0], step, np.zeros(22), equations[0]), states[1]])[0])
        wanted.append((ends[0] - ends[1]) / 2e-5)
        found.append(equations[0].gradient[0, column])
    np.testing.assert_allclose(found, wanted, rtol=0.2, atol=0.1 * np.abs(wanted).max())
