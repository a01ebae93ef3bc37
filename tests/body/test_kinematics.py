"""Numpy kinematics: positions against a plain loop, derivatives against finite differences."""

import numpy as np
import pytest

from humanav.body.kinematics import (
    Points,
    Skeleton,
    exp_rotation,
    log_derivative,
    log_rotation,
    place_points,
    pose_skeleton,
)

ACTIVE = [0, 1, 4, 9, 13, 16, 18, 20, 15, 22, 30]


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def skeleton(rng):
    return Skeleton(rng.normal(0, 0.4, (55, 3)), rng.normal(0, 0.02, (55, 3, 4)))


def all_kinds_of_points(skeleton, rng):
    weights = rng.dirichlet(np.ones(8), size=(6, 3)) / 3
    dense = np.zeros((6, 3, 55))
    dense[..., :8] = weights
    skin = Points.on_skin(skeleton, rng.normal(0, 0.5, (6, 3, 3)), rng.normal(0, 0.02, (6, 3, 3, 4)), dense)
    landmarks = Points.of_landmarks(skeleton, [15, 20, 10, 0], [15, 20, 7, 12], rng.normal(0, 0.1, (4, 3)),
                                    rng.normal(0, 0.1, 4))
    return {"skin": skin, "landmarks": landmarks, "joints": Points.of_joints(rng.dirichlet(np.ones(55), size=3))}


def test_joints_follow_the_tree(skeleton, rng):
    rotations, betas, transl = exp_rotation(rng.normal(0, 0.6, (55, 3))), rng.normal(size=4), rng.normal(size=3)
    posed = pose_skeleton(skeleton, rotations, betas, transl)
    rest = skeleton.template + skeleton.dirs @ betas
    joint, matrix = 30, np.eye(4)
    chain = []
    while joint >= 0:
        chain.append(joint)
        joint = skeleton.parents[joint]
    for joint in reversed(chain):
        local = np.eye(4)
        parent = skeleton.parents[joint]
        local[:3, :3] = rotations[joint]
        local[:3, 3] = rest[joint] + transl if parent < 0 else rest[joint] - rest[parent]
        matrix = matrix @ local
    assert np.allclose(posed.joints[30], matrix[:3, 3])
    assert np.allclose(posed.rotations[30], matrix[:3, :3])


@pytest.mark.parametrize("kind", ["skin", "landmarks", "joints"])
def test_jacobian_agrees_with_finite_differences(skeleton, rng, kind):
    points = all_kinds_of_points(skeleton, rng)[kind]
    rotations, betas, transl = exp_rotation(rng.normal(0, 0.6, (55, 3))), rng.normal(size=4), rng.normal(size=3)
    _, jacobian = place_points(points, pose_skeleton(skeleton, rotations, betas, transl), ACTIVE)
    size = 3 * len(ACTIVE) + 3 + 4
    assert jacobian.shape == (len(points), 3, size)

    def at(step):
        moved = rotations.copy()
        moved[ACTIVE] = rotations[ACTIVE] @ exp_rotation(step[: 3 * len(ACTIVE)].reshape(-1, 3))
        tail = step[3 * len(ACTIVE) :]
        return place_points(points, pose_skeleton(skeleton, moved, betas + tail[3:], transl + tail[:3]))[0]

    numeric = np.stack([(at(h) - at(-h)) / 2e-6 for h in np.eye(size) * 1e-6], axis=-1)
    assert np.abs(jacobian - numeric).max() < 1e-7


def test_log_derivative_agrees_with_finite_differences(rng):
    for vector in (*rng.normal(0, 0.8, (4, 3)), np.full(3, 1e-7), np.array([2.9, 0.2, 0.1])):
        rotation = exp_rotation(vector)
        ahead, behind = (log_rotation(rotation @ exp_rotation(sign * 1e-6 * np.eye(3))) for sign in (1, -1))
        numeric = ((ahead - behind) / 2e-6).T
        assert np.abs(log_derivative(vector) - numeric).max() < 1e-6


def test_skin_points_agree_with_the_body_model(rng):
    body_room = pytest.importorskip("humanav.body")
    torch = pytest.importorskip("torch")
    body = body_room.BodyModel.load(dtype=torch.float64)
    skeleton = Skeleton.from_body(body)
    pose, betas, transl = rng.normal(0, 0.4, (55, 3)), rng.normal(0, 1, body.num_betas), rng.normal(size=3)
    output = body(torch.as_tensor(pose[None]), torch.as_tensor(betas), transl=torch.as_tensor(transl[None]))
    posed = pose_skeleton(skeleton, exp_rotation(pose), betas, transl)
    assert np.abs(posed.joints - output.joints[0].numpy()).max() < 1e-5
    faces = body.faces[rng.integers(0, len(body.faces), 20)]
    mix = rng.dirichlet(np.ones(3), 20)
    weights = np.zeros((20, 3, 55))
    index, value = np.asarray(body.skin_index)[faces], np.asarray(body.skin_weight)[faces]
    np.add.at(weights, (np.arange(20)[:, None, None], np.arange(3)[None, :, None], index), value * mix[..., None])
    points = Points.on_skin(skeleton, np.asarray(body.v_template)[faces],
                            np.asarray(body.shapedirs)[faces][..., : body.num_betas], weights)
    expected = np.einsum("kc,kcd->kd", mix, output.vertices[0].numpy()[faces])
    assert np.abs(place_points(points, posed)[0] - expected).max() < 1e-4
