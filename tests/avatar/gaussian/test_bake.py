"""The bake: what training did not change stays, what it changed appears where it was changed, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.avatar import Avatar
from humanav.avatar.atlas import texels
from humanav.avatar.gaussian.bake import bake_texture
from humanav.avatar.gaussian.reshape import follow_mesh
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.avatar.gaussian.weights import WeightField
from humanav.avatar.regions import PART, part_membership
from humanav.avatar.reshape import reshaped
from humanav.body import BodyModel
from humanav.errors import InputError
from tests.avatar.gaussian.striped import striped_gaussians, striped_mesh


@pytest.fixture(scope="module")
def mesh(body: BodyModel) -> Avatar:
    return striped_mesh(body, 128)


@pytest.fixture(scope="module")
def made(mesh: Avatar, body: BodyModel, field: WeightField) -> GaussianAvatar:
    return striped_gaussians(mesh, body, field)


def texel_parts(mesh: Avatar) -> tuple[np.ndarray, np.ndarray]:
    """Flat places of the texels, and the part most of each face's vertices belong to."""
    grid = texels(mesh.uv, mesh.uv_faces, mesh.texture.shape[0])
    part = part_membership(mesh.skin_index.astype(np.int64), mesh.skin_weight).argmax(axis=1)
    corners = part[mesh.faces[grid.face]]
    inside = np.where((corners == corners[:, :1]).all(axis=1), corners[:, 0], -1)
    return grid.place, inside


def test_untrained_gaussians_leave_the_texture_as_it_is(made: GaussianAvatar, mesh: Avatar) -> None:
    baked = bake_texture(made, mesh)
    assert baked.texture.shape == mesh.texture.shape
    assert baked.texture.dtype == np.uint8
    assert baked.change < 1.5
    assert baked.covered > 0.95


@pytest.mark.parametrize("detail", [True, False])
def test_a_change_appears_on_its_part_alone(made: GaussianAvatar, mesh: Avatar, detail: bool) -> None:
    arm = np.isin(made.part, [PART[f"left_{name}"] for name in ("upper_arm", "forearm", "hand")])
    green = np.where(arm[:, None], made.rgb + np.array([0.0, 0.2, 0.0], np.float32), made.rgb)
    before = bake_texture(made, mesh, detail=detail).texture.reshape(-1, 3).astype(int)
    after = bake_texture(replace(made, rgb=green.clip(0, 1)), mesh, detail=detail).texture.reshape(-1, 3).astype(int)
    place, part = texel_parts(mesh)
    moved = (after - before)[place]
    forearm = moved[part == PART["left_forearm"]]
    assert np.median(forearm[:, 1]) > 20
    assert np.abs(forearm[:, [0, 2]]).max() <= 1
    for name in ("right_forearm", "left_thigh", "head"):
        assert np.abs(moved[part == PART[name]]).max() <= 1


def test_where_no_gaussian_is_the_mesh_keeps_its_colour(made: GaussianAvatar, mesh: Avatar) -> None:
    torso = np.isin(made.part, [PART["torso"], PART["neck"]])
    far = replace(made, means=np.where(torso[:, None], made.means, made.means + 5), rgb=np.zeros_like(made.rgb))
    baked = bake_texture(far, mesh, detail=False)
    assert 0.05 < baked.covered < 0.6
    place, part = texel_parts(mesh)
    shin = place[part == PART["left_shin"]]
    assert np.array_equal(baked.texture.reshape(-1, 3)[shin], mesh.texture.reshape(-1, 3)[shin])
    assert np.median(baked.texture.reshape(-1, 3)[place[part == PART["torso"]]]) < 60


def test_gaussians_follow_their_mesh_to_another_body(made: GaussianAvatar, mesh: Avatar, body: BodyModel) -> None:
    other = reshaped(mesh, [1.5, -0.5, 0.8], body)
    followed = follow_mesh(made, mesh, other)

    def depth(gaussians: GaussianAvatar, person: Avatar) -> np.ndarray:
        surface = np.einsum("nk,nkc->nc", gaussians.barycentric, person.vertices[person.faces[gaussians.anchor]])
        return np.asarray(gaussians.means - surface)

    assert np.allclose(depth(followed, other), depth(made, mesh), atol=1e-5)
    assert np.allclose(followed.joints, other.joints)
    assert np.ptp(followed.means[:, 1]) == pytest.approx(np.ptp(other.vertices[:, 1]), abs=0.05)


def test_another_mesh_is_refused(made: GaussianAvatar, mesh: Avatar) -> None:
    smaller = replace(mesh, faces=mesh.faces[:100], uv_faces=mesh.uv_faces[:100])
    with pytest.raises(InputError, match="another mesh"):
        bake_texture(made, smaller)
    with pytest.raises(InputError, match="another mesh"):
        follow_mesh(made, smaller, smaller)
