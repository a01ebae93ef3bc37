"""Limbs that run into each other axis in axis are parted, where skin alone pushes both ways; others stay."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.body.kinematics import Skeleton, exp_rotation, log_rotation
from humanav.fit.clip_kinematics import ClipState, pose_clip
from humanav.fit.clip_solver import Equations, move_clip
from humanav.fit.clip_terms import ClipTurnTerm
from humanav.motion import Motion
from humanav.multiview.collision import CollisionTerm, Skin
from humanav.multiview.contact import clip_contact, surface_distance
from humanav.multiview.fit_terms import LEVEL
from humanav.multiview.refine_solver import solve_people
from humanav.multiview.soft_collision import Balls, SoftCollisionTerm
from tests.multiview import duo


@pytest.fixture(scope="module")
def people():
    from humanav.body import BodyModel

    body = BodyModel.load()
    skin = Skin.of(body, np.zeros(20), 1200)
    return body, Skeleton.from_body(body), skin, Balls.within(skin)


def states_of(skeleton, motions):
    out = []
    for motion in motions:
        turns = exp_rotation(motion.full_pose.astype(float))
        turns[:, 0] = LEVEL @ turns[:, 0]
        out.append(ClipState(turns, (skeleton.template[0] + motion.transl) @ LEVEL, np.zeros(20), np.zeros(2)))
    return out


def motions_of(skeleton, states):
    out = []
    for k, state in enumerate(states):
        turns = state.rotations.copy()
        turns[:, 0] = LEVEL @ turns[:, 0]
        out.append(Motion.from_full_pose(log_rotation(turns), 10.0, state.pelvis @ LEVEL - skeleton.template[0],
                                         np.zeros(20), person_id=str(k + 1)))
    return out


def crossed(body, above: float):
    """Person 1 stretches the left arm forwards, the other's right forearm, held sideways, goes through it: its axis
    lies so many metres above."""
    motions = duo.motions(1, 0.75, reach=False)
    poses = [motion.full_pose.copy() for motion in motions]
    for pose in poses:
        pose[:, 16:18] = 0
    poses[0][:, 16], poses[0][:, 17], poses[1][:, 16] = [0, -1.45, 0], [0, 0, 1.25], [0, 0, -1.25]
    made = [Motion.from_full_pose(pose, 10.0, m.transl, m.betas) for pose, m in zip(poses, motions, strict=True)]
    first, second = (body.from_motion(m).joints[0].double().numpy() for m in made)
    move = first[[18, 20]].mean(axis=0) - second[[19, 21]].mean(axis=0) + [0, above, 0]
    return [made[0], Motion.from_full_pose(poses[1], 10.0, motions[1].transl + move, np.zeros(20))]


def nothing_yet(states):
    return [Equations(tuple(range(22)), len(state), 20, True) for state in states]


def test_balls_fill_the_body(people) -> None:
    body, _, skin, balls = people
    away, inside = surface_distance(balls.centres.points, body.rest(np.zeros(20))[0].numpy(), body.faces)
    assert inside.mean() > 0.98
    assert np.median(balls.radii / away) == pytest.approx(1.1, abs=0.15)  # what is sampled lies a little farther
    assert balls.radii.max() == pytest.approx(0.11, abs=0.02)  # of the trunk
    assert balls.centres.area.sum() == pytest.approx(skin.area.sum())


@pytest.mark.parametrize("above", [0.0, 0.01, -0.01])
def test_crossed_arms_are_parted_where_skin_alone_leaves_them(people, above) -> None:
    body, skeleton, skin, balls = people
    start = crossed(body, above)
    states = states_of(skeleton, start)
    hold = [[ClipTurnTerm(range(22), s.rotations[:, :22], np.full((1, 22, 3), 0.2))] for s in states]
    geometric, soft = CollisionTerm((skin, skin), np.ones(1)), SoftCollisionTerm((balls, balls), np.ones(1))
    depth = []
    for terms in ([geometric], [geometric, soft]):
        solved = solve_people([skeleton] * 2, states, hold, terms, rounds=10)
        depth.append(clip_contact(motions_of(skeleton, solved.states), body, volume=False).depth_mm.max())
    before = clip_contact(start, body, volume=False).depth_mm.max()
    assert before > 15
    assert depth[0] > 0.8 * before
    assert depth[1] < 0.4 * before


def test_people_who_only_touch_are_left_alone(people) -> None:
    _, skeleton, _, balls = people
    for apart in (0.95, 1.6):
        motions = duo.motions(1, apart, reach=False)
        states = states_of(skeleton, motions)
        equations = nothing_yet(states)
        term = SoftCollisionTerm((balls, balls), np.ones(1))
        assert term([pose_clip(skeleton, state) for state in states], equations) == 0.0
        assert not any(part.gradient.any() for part in equations)


def test_the_gradient_is_that_of_finite_differences(people) -> None:
    body, skeleton, _, balls = people
    states = states_of(skeleton, crossed(body, 0.013))
    term = SoftCollisionTerm((balls, balls), np.ones(1))

    def cost(moved):
        equations = nothing_yet(moved)
        return term([pose_clip(skeleton, state) for state in moved], equations), equations

    _, equations = cost(states)
    for person in range(2):
        wanted, columns = [], [66, 67, 68, 1, 3 * 16 + 1, 3 * 17, 3 * 18 + 1, 3 * 19 + 2]
        for column in columns:
            ends = []
            for sign in (1, -1):
                step = np.zeros((1, 69))
                step[0, column] = sign * 1e-5
                moved = list(states)
                moved[person] = move_clip(states[person], step, np.zeros(22), equations[person])
                ends.append(cost(moved)[0])
            wanted.append((ends[0] - ends[1]) / 2e-5)
        assert np.abs(wanted).max() > 100
        found = equations[person].gradient[0, columns]
        np.testing.assert_allclose(found, wanted, rtol=0.02, atol=0.01 * np.abs(wanted).max())


def test_a_body_without_balls_repels_nobody(people) -> None:
    _, skeleton, _, balls = people
    skin = balls.centres
    none = Balls(Skin(*(getattr(skin, k)[:0] for k in ("points", "normals", "weights")), skin.joints, skin.area[:0]),
                 np.zeros(0))
    states = states_of(skeleton, duo.motions(1, 0.1))
    term = SoftCollisionTerm((none, balls), np.ones(1))
    assert term([pose_clip(skeleton, state) for state in states], nothing_yet(states)) == 0.0
    assert len(Balls.within(none.centres).radii) == 0
