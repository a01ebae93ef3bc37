import numpy as np
import pytest
import roma
import torch

from humanav.posendf import quaternions as q


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_agrees_with_roma_and_survives_round_trips(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    vectors = torch.randn(200, 3, dtype=dtype) * 1.2
    vectors = vectors * (3.0 / vectors.norm(dim=-1, keepdim=True)).clamp(max=1)
    vectors[:3] = torch.tensor([[0, 0, 0], [1e-9, 0, 0], [0, 3.1415, 0]], dtype=dtype)
    quats = q.axis_angle_to_quats(vectors)
    assert quats.dtype == dtype
    assert (quats[:, 0] >= 0).all()
    tolerance = 2e-6 if dtype == torch.float32 else 1e-12
    torch.testing.assert_close(q.quats_to_axis_angle(quats), vectors, atol=50 * tolerance, rtol=0)
    matrices = roma.rotvec_to_rotmat(vectors)
    torch.testing.assert_close(q.quats_to_matrix(quats), matrices, atol=tolerance, rtol=0)
    product = q.quats_to_matrix(q.multiply(quats[:100], quats[100:]))
    torch.testing.assert_close(product, matrices[:100] @ matrices[100:], atol=2 * tolerance, rtol=0)


def test_distance_ignores_the_sign_and_is_half_the_rotation() -> None:
    torch.manual_seed(1)
    a, b = (q.canonical(torch.randn(50, 21, 4, dtype=torch.float64)) for _ in range(2))
    angles = roma.rotmat_geodesic_distance(q.quats_to_matrix(a), q.quats_to_matrix(b))
    torch.testing.assert_close(q.half_angle(a, -b), angles / 2, atol=1e-9, rtol=0)
    torch.testing.assert_close(q.pose_distance(a, b), angles.mean(-1) / 2)
    near = q.multiply(a, q.exponential(torch.full((50, 21, 3), 1e-8, dtype=torch.float64)))
    assert q.half_angle(a, near).max() == pytest.approx(np.sqrt(3) * 1e-8, rel=1e-3)


def test_slerp_walks_evenly_and_the_zero_quaternion_is_the_identity() -> None:
    torch.manual_seed(2)
    a, b = (q.canonical(torch.randn(21, 4, dtype=torch.float64)) for _ in range(2))
    whole = q.half_angle(a, b)
    for part in (0.0, 0.25, 1.0):
        torch.testing.assert_close(q.half_angle(a, q.slerp(a, b, part)), part * whole, atol=1e-9, rtol=0)
    assert q.canonical(torch.zeros(4)).tolist() == [1, 0, 0, 0]
