"""The Gaussian avatar's value: posing, drawing, saving."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from humanav.avatar import Avatar
from humanav.avatar.gaussian.deformation import make_deformation, to_data
from humanav.avatar.gaussian.expression import expression_offsets
from humanav.avatar.gaussian.sampling import from_mesh, tangent_frames
from humanav.avatar.gaussian.scatter import scatter
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.avatar.regions import PART
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import InputError, StorageError
from humanav.render import silhouette
from tests.avatar.gaussian.conftest import bent

LUNGE = {"left_hip": (-0.9, 0.1, 0.1), "left_knee": (0.8, 0, 0), "right_shoulder": (0.2, 0.3, 0.7),
         "spine2": (0.1, 0.4, 0)}


def test_the_rest_pose_leaves_everything_in_place(gaussians: GaussianAvatar) -> None:
    posed = gaussians.pose(np.zeros((55, 3)))
    np.testing.assert_allclose(posed.means, gaussians.means, atol=1e-5)
    scale = np.exp(gaussians.log_scales)
    np.testing.assert_allclose(np.trace(posed.covars, axis1=1, axis2=2), (scale**2).sum(1), rtol=1e-4)


def test_turning_the_root_turns_means_covariances_and_normals_alike(gaussians: GaussianAvatar) -> None:
    from scipy.spatial.transform import Rotation

    still, pose = gaussians.pose(bent(**LUNGE)), bent(**LUNGE)
    pose[0] = (0.3, 1.1, -0.2)
    turned = gaussians.pose(pose, (0.1, 0.2, 0.3))
    turn = Rotation.from_rotvec(pose[0]).as_matrix()
    root = gaussians.joints[0]
    np.testing.assert_allclose(turned.means, (still.means - root) @ turn.T + root + (0.1, 0.2, 0.3), atol=2e-5)
    np.testing.assert_allclose(turned.covars, turn @ still.covars @ turn.T, atol=1e-8)
    np.testing.assert_allclose(turned.normals, still.normals @ turn.T, atol=1e-4)


def test_gaussians_follow_the_mesh_they_lie_on(gaussians: GaussianAvatar, mesh: Avatar) -> None:
    pose = bent(**LUNGE)
    corners = mesh.pose(pose)[mesh.faces[gaussians.anchor]]
    surface = np.einsum("nk,nkc->nc", gaussians.barycentric, corners)
    away = np.linalg.norm(gaussians.pose(pose).means - surface, axis=1)
    inset = np.linalg.norm(gaussians.means - np.einsum("nk,nkc->nc", gaussians.barycentric,
                                                       mesh.vertices[mesh.faces[gaussians.anchor]]), axis=1)
    assert np.median(np.abs(away - inset)) < 0.002
    assert np.quantile(away, 0.99) < 0.03


def test_quats_and_scales_describe_the_same_covariances(gaussians: GaussianAvatar) -> None:
    from humanav.avatar.gaussian.posing import frames_of

    posed = gaussians.pose(bent(**LUNGE))
    quats, scales = posed.quats_and_scales()
    spread = frames_of(quats) * scales[:, None, :]
    np.testing.assert_allclose(spread @ spread.transpose(0, 2, 1), posed.covars, atol=1e-8)
    assert (np.diff(scales, axis=1) <= 1e-7).all()


def test_two_ways_of_posing_agree(gaussians: GaussianAvatar) -> None:
    """The value's numpy posing and the training's torch posing."""
    from humanav.avatar.gaussian.posing import blend, covariances, frames_of, joint_matrices, transform
    from humanav.avatar.gaussian.value import dense_weights, local_rotations

    pose = bent(**LUNGE)
    local = torch.from_numpy(local_rotations(pose).astype(np.float32))
    joints = torch.from_numpy(gaussians.joints)
    weights = torch.from_numpy(dense_weights(gaussians.skin_index, gaussians.skin_weight, 55))
    own = blend(weights, joint_matrices(local, joints, gaussians.parents))
    means = transform(own, torch.from_numpy(gaussians.means))
    axes = own[..., :3] @ torch.from_numpy(frames_of(gaussians.quats))
    posed = gaussians.pose(pose)
    np.testing.assert_allclose(means.numpy(), posed.means, atol=1e-5)
    covars = covariances(axes, torch.from_numpy(np.exp(gaussians.log_scales)))
    np.testing.assert_allclose(covars.numpy(), posed.covars, atol=1e-9)


def test_the_discs_cover_the_mesh_without_holes(mesh: Avatar, body: BodyModel, field, camera: Camera) -> None:
    dense = from_mesh(mesh, 12_000, body=body, field=field)
    picture = dense.render(camera, np.zeros((55, 3)), maps=True)
    covered = silhouette(mesh.vertices, mesh.faces, camera)
    inner = np.logical_and.reduce([np.roll(covered, step, axis) for step in (-1, 0, 1) for axis in (0, 1)])
    assert np.quantile(picture.alpha[inner], 0.01) > 0.9
    assert picture.alpha[~covered].mean() < 0.05
    assert picture.part is not None
    assert picture.normal is not None
    seen = picture.part[picture.part >= 0]
    assert {PART["torso"], PART["head"], PART["left_thigh"]} <= set(seen.tolist())
    towards = camera.center / np.linalg.norm(camera.center)
    assert (picture.normal[inner] @ towards).mean() > 0.3


def test_the_same_mesh_gives_the_same_gaussians(gaussians: GaussianAvatar, mesh: Avatar, body, field) -> None:
    again = from_mesh(mesh, len(gaussians), body=body, field=field)
    for name in ("means", "rgb", "quats", "trust", "skin_weight"):
        np.testing.assert_array_equal(getattr(again, name), getattr(gaussians, name))


def test_points_spread_evenly_for_their_density() -> None:
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 21), np.linspace(0, 1, 21), [0.0]), -1).reshape(-1, 3)
    square = np.array([[i, i + 1, i + 22, i + 21] for i in range(420) if i % 21 < 20])
    faces = np.concatenate([square[:, [0, 1, 2]], square[:, [0, 2, 3]]])
    density = np.where(grid[faces].mean(1)[:, 0] > 0.5, 3.0, 1.0)
    face, barycentric, spacing = scatter(grid, faces, density, 2000)
    points = np.einsum("nk,nkc->nc", barycentric, grid[faces[face]])
    assert (points[:, 0] > 0.5).mean() == pytest.approx(0.75, abs=0.03)
    assert spacing[density[face] == 3].mean() == pytest.approx(spacing[density[face] == 1].mean() / 3**0.5)
    np.testing.assert_allclose((spacing**2).sum(), 1.0, rtol=0.02)


def test_the_third_axis_is_the_normal(rng: np.random.Generator) -> None:
    from humanav.avatar.gaussian.posing import frames_of

    normal = rng.normal(size=(200, 3))
    axes = frames_of(tangent_frames(normal))
    np.testing.assert_allclose(axes[:, :, 2], normal / np.linalg.norm(normal, axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(axes), 1, atol=1e-5)


def test_expressions_move_the_face_alone(gaussians: GaussianAvatar, body: BodyModel) -> None:
    value = np.zeros(body.num_expressions)
    value[list(body.expression_names).index("mouthSmileLeft")] = 1.0
    moved = np.linalg.norm(expression_offsets(gaussians, value), axis=1)
    assert moved.max() > 0.003
    assert moved[~np.isin(gaussians.part, (PART["head"], PART["neck"]))].max() < 1e-4
    posed = gaussians.pose(np.zeros((55, 3)), expression=value)
    np.testing.assert_allclose(np.linalg.norm(posed.means - gaussians.means, axis=1), moved, atol=1e-5)
    with pytest.raises(InputError, match="NaN"):
        expression_offsets(gaussians, [np.nan])


def test_saved_and_loaded_it_is_the_same(gaussians: GaussianAvatar, tmp_path: Path) -> None:
    network = make_deformation(gaussians, "lite", nodes=60, rank=3)
    torch.nn.init.normal_(network.basis)
    whole = replace(gaussians, deformation=to_data(network), notes=("a note",))
    whole.save(tmp_path / "a.npz")
    back = GaussianAvatar.load(tmp_path / "a.npz")
    pose = bent(**LUNGE)
    np.testing.assert_array_equal(back.pose(pose).means, whole.pose(pose).means)
    assert np.abs(back.pose(pose).means - gaussians.pose(pose).means).max() > 1e-4
    np.testing.assert_allclose(back.pose(pose, refined=False).means, gaussians.pose(pose).means)
    assert (back.notes, back.part_names, dict(back.garments)) == (("a note",), whole.part_names, dict(whole.garments))


def test_bad_input_is_told_apart(gaussians: GaussianAvatar, mesh: Avatar, body: BodyModel, tmp_path: Path) -> None:
    (tmp_path / "no.npz").write_bytes(b"nothing")
    mesh.save(tmp_path / "mesh.npz")
    for name in ("no.npz", "mesh.npz", "absent.npz"):
        with pytest.raises(InputError, match="not a saved Gaussian avatar"):
            GaussianAvatar.load(tmp_path / name)
    with pytest.raises(StorageError):
        gaussians.save(tmp_path / "absent" / "a.npz")
    with pytest.raises(InputError, match="pose of shape"):
        gaussians.pose(np.zeros((7, 3)))
    with pytest.raises(InputError, match="at least 200"):
        from_mesh(mesh, 10, body=body)
    with pytest.raises(InputError, match="another body"):
        from_mesh(replace(mesh, faces=mesh.faces[:, ::-1]), 1000, body=body)
