"""Diffused skinning weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from humanav.avatar.gaussian import weights as module
from humanav.avatar.gaussian.value import GaussianAvatar, dense_weights
from humanav.avatar.gaussian.weights import (
    CHANNELS,
    WeightField,
    body_channels,
    diffuse,
    diffused_weights,
    neutral_body,
    to_body_joints,
    weight_field,
)
from humanav.body import BodyModel
from humanav.body.names import JOINT_INDEX


def test_the_field_sums_to_one_and_agrees_with_the_surface(body: BodyModel, field: WeightField) -> None:
    points, weight = neutral_body(body)
    np.testing.assert_allclose(field.grid.sum(-1), 1, atol=1e-5)
    found = field(points)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-4)
    assert np.abs(found - to_body_joints(weight)).mean() < 0.01


def test_on_the_surface_weights_are_the_bodys_own(body: BodyModel, field: WeightField, rng) -> None:
    anchor = rng.integers(0, len(body.faces), 500)
    barycentric = rng.dirichlet(np.ones(3), 500).astype(np.float32)
    own = dense_weights(body.skin_index.numpy(), body.skin_weight.numpy(), 55)
    surface = np.einsum("nk,nkj->nj", barycentric, own[np.asarray(body.faces)[anchor]]).astype(np.float32)
    found = diffused_weights(field, body, anchor, barycentric, np.zeros((500, 3), np.float32), surface,
                             np.zeros(500, bool))
    np.testing.assert_allclose(found, surface, atol=1e-5)
    off = diffused_weights(field, body, anchor, barycentric, rng.normal(0, 0.05, (500, 3)).astype(np.float32), surface,
                           np.arange(500) < 100)
    np.testing.assert_allclose(off.sum(1), 1, atol=1e-4)
    assert off.min() >= 0
    np.testing.assert_array_equal(off[:100], surface[:100])


def test_off_the_surface_they_are_smooth(body: BodyModel, field: WeightField) -> None:
    """Walking round the trunk well off it, the weights change little from step to step."""
    angle = np.linspace(0, 2 * np.pi, 200)
    ring = np.stack([0.3 * np.cos(angle), np.full(200, -0.2), 0.22 * np.sin(angle)], 1)
    assert np.abs(np.diff(field(ring), axis=0)).max() < 0.2


def test_posed_to_neutral_and_back_is_the_identity(gaussians: GaussianAvatar) -> None:
    from humanav.avatar.avatar import blended, joint_transforms
    from humanav.avatar.gaussian.weights import neutral_pose

    pose = neutral_pose()
    posed = gaussians.pose(pose).means
    matrix, shift = blended(*joint_transforms(gaussians.joints, pose, gaussians.parents),
                            gaussians.skin_index.astype(int), gaussians.skin_weight)
    back = np.linalg.solve(matrix.astype(float), (posed - shift)[..., None])[..., 0]
    np.testing.assert_allclose(back, gaussians.means, atol=1e-5)


def test_weights_of_gaussians_are_proper(gaussians: GaussianAvatar) -> None:
    np.testing.assert_allclose(gaussians.skin_weight.sum(1), 1, atol=1e-5)
    assert gaussians.skin_weight.min() >= 0
    fingers = body_channels()[JOINT_INDEX["left_index2"]]
    assert fingers == JOINT_INDEX["left_wrist"]
    assert len(body_channels()) == 55
    assert body_channels().max() < CHANNELS


def test_the_field_is_kept_in_a_file_and_damage_is_mended(
    body: BodyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMANAV_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_FIELDS", {})
    made, path = weight_field(body, 0.12, 3)
    assert path is not None
    assert path.is_file()
    monkeypatch.setattr(module, "_FIELDS", {})
    read, again = weight_field(body, 0.12, 3)
    assert again == path
    np.testing.assert_allclose(read.grid, made.grid, atol=2e-3)
    path.write_bytes(b"damaged")
    monkeypatch.setattr(module, "_FIELDS", {})
    mended, _ = weight_field(body, 0.12, 3)
    np.testing.assert_array_equal(mended.grid, diffuse(body, 0.12, 3).grid)


def test_where_nothing_can_be_written_it_stays_in_memory(
    body: BodyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HUMANAV_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(module, "_FIELDS", {})
    field, path = weight_field(body, 0.12, 3)
    assert path is None
    assert weight_field(body, 0.12, 3)[0] is field
