"""Ways to write rotations give rotations, and nothing in them or their losses has an unbounded derivative."""

from __future__ import annotations

import math

import pytest
import roma
import torch

from humanav.body import axis_angle_to_matrix
from humanav.uplift.heads import (
    WIDTHS,
    axis_angle_loss,
    distance,
    geodesic,
    matrix_to_axis_angle,
    matrix_to_six,
    nearest_rotation,
    six_to_matrix,
    to_matrix,
)

EYE = torch.eye(3)


def rotations(count: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    torch.manual_seed(0)
    return roma.random_rotmat(count, dtype=dtype)


@pytest.mark.parametrize("kind", sorted(WIDTHS))
def test_every_head_gives_rotations(kind: str) -> None:
    torch.manual_seed(0)
    numbers = torch.randn(50, WIDTHS[kind], requires_grad=True)
    matrices = to_matrix(kind, numbers)
    torch.testing.assert_close(matrices @ matrices.mT, EYE.expand(50, 3, 3), atol=1e-5, rtol=0)
    assert (torch.linalg.det(matrices) > 0.99).all()
    matrices[:, 0, 1].sum().backward()
    assert torch.isfinite(numbers.grad).all()


def test_the_nearest_rotation_is_the_nearest() -> None:
    matrices = torch.randn(20, 3, 3, generator=torch.Generator().manual_seed(1))
    nearest = nearest_rotation(matrices)
    others = rotations(500)
    apart = (others[:, None] - matrices).square().sum((-2, -1)).amin(0)
    assert ((nearest - matrices).square().sum((-2, -1)) <= apart + 1e-5).all()


@pytest.mark.parametrize("matrix", [EYE, 2 * EYE, torch.zeros(3, 3), torch.diag(torch.tensor([1.0, 1, -1])),
                                    torch.ones(3, 3)], ids=["identity", "equal", "zero", "reflection", "rank one"])
def test_degenerate_matrices_have_finite_derivatives(matrix: torch.Tensor) -> None:
    given = matrix.clone().requires_grad_()
    (nearest_rotation(given) * torch.arange(9.0).view(3, 3)).sum().backward()
    assert torch.isfinite(given.grad).all()
    assert given.grad.abs().max() < 1e6


def test_six_numbers_and_back() -> None:
    matrices = rotations(30)
    torch.testing.assert_close(six_to_matrix(matrix_to_six(matrices)), matrices, atol=1e-5, rtol=0)


def test_the_geodesic_is_the_angle() -> None:
    vectors = torch.tensor([[0.0, 0, 0], [0.3, 0, 0], [0, 2.0, 0], [0, 0, math.pi]])
    angles = geodesic(axis_angle_to_matrix(vectors), EYE.expand(4, 3, 3))
    torch.testing.assert_close(angles, vectors.norm(dim=-1), atol=2e-3, rtol=0)


@pytest.mark.parametrize("angle", [0.0, 1e-4, math.pi - 1e-4, math.pi])
def test_losses_have_finite_derivatives_everywhere(angle: float) -> None:
    vector = torch.tensor([[angle, 0.0, 0.0]], requires_grad=True)
    target = torch.zeros(1, 3)
    loss = (geodesic(axis_angle_to_matrix(vector), EYE) + axis_angle_loss(vector, target) + distance(vector, target))
    loss.sum().backward()
    assert torch.isfinite(vector.grad).all()


def test_a_wrapped_loss_knows_a_rotation_by_any_of_its_vectors() -> None:
    target = torch.tensor([[0.0, math.pi - 0.1, 0.0]])
    same = torch.tensor([[0.0, -math.pi - 0.1, 0.0]])
    assert float(axis_angle_loss(same, target)) < 1e-9
    assert float(axis_angle_loss(same, target, wrapped=False)) > 10


def test_vectors_of_targets() -> None:
    matrices = rotations(30)
    torch.testing.assert_close(axis_angle_to_matrix(matrix_to_axis_angle(matrices)), matrices, atol=1e-5, rtol=0)
