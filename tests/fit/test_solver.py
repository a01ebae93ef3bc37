"""The terms of the fit against finite differences, and the solver on problems with a known answer."""

import numpy as np
import pytest

from humanav.body.kinematics import Points, Skeleton, exp_rotation, place_points, pose_skeleton
from humanav.body.names import JOINT_INDEX, PARENTS
from humanav.camera import Camera
from humanav.fit.prior import NUM_FEATURES, PosePrior
from humanav.fit.solver import BodyState, Layout, evaluate, solve
from humanav.fit.terms import (
    BalanceTerm,
    HingeTerm,
    HoldTerm,
    ImageTerm,
    JointTerm,
    OutlineTerm,
    PriorTerm,
    ShapeTerm,
    SpaceTerm,
    TiltTerm,
)

ACTIVE = tuple(range(22))
BETAS = 3


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def skeleton(rng):
    template = np.zeros((55, 3))
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            template[joint] = template[parent] + rng.normal(0, 0.12, 3)
    return Skeleton(template, rng.normal(0, 0.02, (55, 3, BETAS)))


@pytest.fixture
def state(rng):
    return BodyState(exp_rotation(rng.normal(0, 0.3, (55, 3))), np.array([0.1, 0.2, -3.0]), rng.normal(size=BETAS),
                     np.array([0.03, 0.1]))


@pytest.fixture
def prior(rng):
    root = rng.normal(0, 1, (2, NUM_FEATURES, NUM_FEATURES)) * 0.2
    return PosePrior(np.array([0.4, 0.6]), rng.normal(0, 0.3, (2, NUM_FEATURES)),
                     np.einsum("mij,mkj->mik", root, root) + np.eye(NUM_FEATURES))


def all_terms(rng, prior):
    index = rng.integers(0, 22, 8)
    rows = np.zeros((8, 55))
    rows[np.arange(8), index] = 1
    points = Points.of_joints(rows)
    camera = Camera.from_focal(400, 500)
    normal = rng.normal(size=(8, 2))
    weight, target = rng.uniform(0.2, 1, 8), rng.normal([200, 250], 40, (8, 2))
    return {
        "image": ImageTerm(points, camera, target, rng.uniform(20, 40, 8), weight, 3.0),
        "outline": OutlineTerm(points, camera, target, normal / np.linalg.norm(normal, axis=1)[:, None], 30.0, weight,
                               2.5),
        "space": SpaceTerm(points, rng.normal(0, 0.3, (8, 3)), 0.2, weight, np.array([0.2, 0.2, 1]), 2.0),
        "joint": JointTerm([1, 4, 7], rng.normal(0, 0.2, (3, 3)), np.full((3, 3), 0.3)),
        "hinge": HingeTerm(0.5), "balance": BalanceTerm(), "hold": HoldTerm((4, 7), rng.normal(0, 0.3, (2, 3))),
        "shape": ShapeTerm(np.zeros(BETAS), np.ones(BETAS), 1.8, 1.7, rng.normal(0, 0.05, BETAS)),
        "tilt": TiltTerm(np.array([0, 0.06]), np.array([0.04, 0.1])), "prior": PriorTerm(prior, 0.7),
    }


@pytest.mark.parametrize("name", ["image", "outline", "space", "joint", "hinge", "balance", "hold", "shape", "tilt",
                                  "prior"])
def test_gradient_agrees_with_finite_differences(skeleton, state, prior, rng, name):
    term, layout = all_terms(rng, prior)[name], Layout(ACTIVE, BETAS)
    _, gradient, curvature = evaluate(skeleton, state, [term], layout)

    def cost(step):
        return evaluate(skeleton, layout.move(state, step), [term], layout)[0]

    numeric = np.array([(cost(h) - cost(-h)) / 2e-6 for h in np.eye(layout.size) * 1e-6])
    assert np.abs(gradient - numeric).max() < 1e-4 * max(np.abs(numeric).max(), 1)
    assert np.linalg.eigvalsh(curvature).min() > -1e-6 * np.abs(curvature).max()


def test_solver_finds_a_pose_from_its_joints(skeleton, rng):
    true = exp_rotation(rng.normal(0, 0.4, (55, 3)))
    everything = Points.of_joints(np.eye(55)[:22])
    target, _ = place_points(everything, pose_skeleton(skeleton, true, np.zeros(BETAS), np.array([0, 0, -3.0])))
    start = BodyState(np.tile(np.eye(3), (55, 1, 1)), np.zeros(3), np.zeros(BETAS), np.zeros(2))
    terms = [SpaceTerm(everything, target, 0.05, np.ones(22), np.ones(3), 1e3),
             JointTerm(ACTIVE, np.zeros((22, 3)), np.full((22, 3), 20.0)),
             ShapeTerm(np.zeros(BETAS), np.full(BETAS, 1e-3))]
    found, _ = solve(skeleton, start, terms, ACTIVE, rounds=60, tolerance=1e-9)
    placed, _ = place_points(everything, pose_skeleton(skeleton, found.rotations, found.betas, found.transl))
    assert np.abs((placed - placed.mean(0)) - (target - target.mean(0))).max() < 2e-3


def test_up_direction_is_a_unit_vector_with_its_derivative():
    tilt = np.array([0.1, -0.3])

    def up(value):
        return BodyState(np.zeros((1, 3, 3)), np.zeros(3), np.zeros(0), value).up

    numeric = np.stack([(up(tilt + h) - up(tilt - h)) / 2e-6 for h in np.eye(2) * 1e-6], axis=1)
    assert np.isclose(np.linalg.norm(up(tilt)), 1)
    assert np.abs(BodyState(np.zeros((1, 3, 3)), np.zeros(3), np.zeros(0), tilt).up_dirs - numeric).max() < 1e-8


def test_knee_bends_one_way_only(skeleton):
    rotations = np.tile(np.eye(3), (55, 1, 1))
    rotations[JOINT_INDEX["left_knee"]] = exp_rotation(np.array([-0.5, 0, 0]))
    state = BodyState(rotations, np.zeros(3), np.zeros(BETAS), np.zeros(2))
    layout = Layout(ACTIVE, BETAS)
    assert evaluate(skeleton, state, [HingeTerm()], layout)[0] > 10
    rotations[JOINT_INDEX["left_knee"]] = exp_rotation(np.array([1.0, 0, 0]))
    assert evaluate(skeleton, state, [HingeTerm()], layout)[0] == 0
