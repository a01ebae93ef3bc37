import pytest
import torch
from torch import Tensor

from humanav.errors import InputError
from humanav.posendf.project import project
from humanav.posendf.quaternions import canonical, exponential, half_angle, multiply, pose_distance


class Near:
    """The exact distance to a few poses, and its gradient by autograd: the field that a network imitates."""

    def __init__(self, real: Tensor) -> None:
        self.real = real

    def __call__(self, quats: Tensor) -> Tensor:
        return pose_distance(canonical(quats)[:, None], self.real).min(1).values

    def value_and_gradient(self, quats: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            q = quats.detach().requires_grad_(True)
            value = self(q)
            (gradient,) = torch.autograd.grad(value.sum(), q)
        gradient = gradient.nan_to_num()
        return value.detach(), gradient - quats * (gradient * quats).sum(-1, keepdim=True)


def poses(count: int, seed: int, spread: float = 0.3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return canonical(exponential(spread * torch.randn(count, 21, 3, generator=generator)))


@pytest.fixture
def field() -> Near:
    return Near(poses(5, seed=0))


def test_poses_reach_the_manifold_without_leaving_the_sphere(field: Near) -> None:
    start = poses(30, seed=1)
    done = project(field, start, steps=100, step_size=0.05, keep_path=True)
    assert done.path is not None
    torch.testing.assert_close(done.path[0], start, atol=1e-6, rtol=0)
    assert torch.equal(done.path[-1], done.quats)
    torch.testing.assert_close(done.path.norm(dim=-1), torch.ones(done.path.shape[:-1]), atol=1e-6, rtol=0)
    assert (done.path[..., 0] >= 0).all()
    falls = torch.stack([field(quats) for quats in done.path])
    assert (falls[1:] <= falls[:-1] + 1e-6).all()
    assert (falls[-1] < 0.1 * falls[0]).all()
    torch.testing.assert_close(done.distance, falls[-1], atol=1e-6, rtol=0)


def test_a_step_is_the_geodesic_of_the_tangent_gradient(field: Near) -> None:
    start = poses(4, seed=2)
    value, gradient = field.value_and_gradient(start)
    body = multiply(start * torch.tensor([1.0, -1, -1, -1]), gradient)[..., 1:]
    step = -0.1 * value[:, None, None] * torch.nn.functional.normalize(body, dim=-1)
    expected = canonical(multiply(start, exponential(step)))
    torch.testing.assert_close(project(field, start, 1, 0.1).quats, expected, atol=1e-6, rtol=0)


def test_real_poses_stay(field: Near) -> None:
    done = project(field, field.real)
    assert torch.isfinite(done.quats).all()
    torch.testing.assert_close(done.quats, field.real, atol=1e-6, rtol=0)


def test_a_field_without_slope_moves_nothing() -> None:
    class Flat(Near):
        def value_and_gradient(self, quats: Tensor) -> tuple[Tensor, Tensor]:
            return torch.full((len(quats),), 0.5), torch.zeros_like(quats)

    start = poses(3, seed=3)
    torch.testing.assert_close(project(Flat(start), start, 20).quats, start, atol=1e-6, rtol=0)


def test_fixed_joints_keep_their_numbers(field: Near) -> None:
    start = poses(6, seed=4)
    fixed = torch.rand(6, 21, generator=torch.Generator().manual_seed(0)) < 0.5
    done = project(field, start, fixed=fixed)
    assert torch.equal(done.quats[fixed], start[fixed])
    assert (half_angle(done.quats, start)[~fixed] > 1e-3).float().mean() > 0.9
    assert (done.distance < field(start)).all()


def test_a_batch_is_as_one_by_one(field: Near) -> None:
    start = poses(5, seed=5)
    together = project(field, start, 40)
    alone = [project(field, pose, 40) for pose in start]
    torch.testing.assert_close(together.quats, torch.stack([one.quats for one in alone]), atol=1e-5, rtol=0)
    torch.testing.assert_close(together.distance, torch.stack([one.distance for one in alone]), atol=1e-5, rtol=0)
    assert project(field, start[:0]).quats.shape == (0, 21, 4)


def test_double_precision_comes_back_as_it_went(field: Near) -> None:
    start = poses(5, seed=6)
    done = project(field, start.double(), 30)
    assert done.quats.dtype == torch.float64
    assert done.distance.dtype == torch.float64
    torch.testing.assert_close(done.quats.float(), project(field, start, 30).quats, atol=1e-6, rtol=0)


def test_the_learned_field_is_descended() -> None:
    from humanav.posendf import PoseNDF

    field = PoseNDF.load()
    start = poses(16, seed=7)
    done = project(field, start)
    assert (done.distance <= field(start)).all()
    assert done.distance.mean() < 0.25 * field(start).mean()


@pytest.mark.parametrize(("quats", "sentence"), [
    (torch.rand(2, 22, 4), "have 22 joints"), (torch.rand(2, 63), "rotation vectors"),
    (torch.full((2, 21, 4), torch.nan), "NaN .* 2 of 2 frames"), (torch.ones(2, 21, 4, dtype=torch.int), "type"),
    (poses(4, seed=8)[..., [1, 2, 3, 0]], r"real part at place 4 of 4 \(x,y,z,w\)"),
    (poses(4, seed=8)[..., [1, 0, 2, 3]], "real part at place 2 of 4"), (torch.rand(2, 3, 21, 4), "one batch")])
def test_what_cannot_be_poses_is_said(field: Near, quats: Tensor, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        project(field, quats)


def test_random_rotations_are_not_taken_for_another_order(field: Near) -> None:
    wild = torch.randn(50, 21, 4, generator=torch.Generator().manual_seed(0))
    for pose in wild:
        assert torch.isfinite(project(field, pose, 2).quats).all()


def test_a_wrong_step_is_said(field: Near) -> None:
    with pytest.raises(InputError, match="step size"):
        project(field, poses(1, 0), step_size=0)
    with pytest.raises(InputError, match="one flag per joint"):
        project(field, poses(2, 0), fixed=torch.ones(3, 21, dtype=torch.bool))
