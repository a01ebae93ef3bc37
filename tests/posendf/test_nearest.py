"""The search for the nearest pose gives what looking at every pose gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from humanav.errors import InputError
from humanav.posendf.corrupt import MIX, corrupt, random_pose
from humanav.posendf.nearest import PosePool
from humanav.posendf.quaternions import axis_angle_to_quats, pose_distance


def walk(count: int, seed: int = 0) -> Tensor:
    """Poses that wander, as frames of a motion do, with some joints that never move."""
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randn(count, 21, 3, generator=generator) * 0.05
    steps[:, 12:14] = 0
    return axis_angle_to_quats(1.2 * torch.sin(steps.cumsum(0)))


def brute(queries: Tensor, pool: Tensor, k: int) -> tuple[Tensor, Tensor]:
    distances = torch.stack([pose_distance(query.double(), pool.double()) for query in queries])
    values, indices = distances.topk(k, largest=False)
    return values.float(), indices


@pytest.mark.parametrize(("size", "k"), [(1, 1), (7, 3), (9, 1), (700, 4), (5000, 1), (5000, 5)])
def test_equals_brute_force(size: int, k: int) -> None:
    pool = walk(size)
    generator = torch.Generator().manual_seed(1)
    rows = torch.randint(size, (120,), generator=generator)
    queries = torch.cat([corrupt(pool[rows], generator, MIX, walk(50, 3)).quats, pool[rows[:10]],
                         random_pose(pool[rows[:10]], generator)[0]])
    distance, index = PosePool(pool).nearest(queries, k)
    expected, _ = brute(queries, pool, k)
    torch.testing.assert_close(distance, expected, atol=1e-6, rtol=0)
    found = pose_distance(queries[:, None].double(), pool[index].double()).float()
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert all(len(set(row.tolist())) == k for row in index)


def test_a_pose_of_the_pool_is_found_at_distance_zero_whatever_its_sign() -> None:
    pool = walk(600)
    distance, index = PosePool(-2 * pool).nearest(-pool[100:200])
    assert distance.max() < 1e-6
    assert (index[:, 0] == torch.arange(100, 200)).all()


def test_real_rotations_by_half_a_turn_are_found() -> None:
    """At w = 0 the canonical sign may differ between neighbours; the distance must not."""
    axis = torch.nn.functional.normalize(torch.randn(40, 21, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    pool = axis_angle_to_quats(axis * 3.1405)
    distance, index = PosePool(pool).nearest(axis_angle_to_quats(axis * 3.1425))
    assert distance.max() < 0.0011
    assert (index[:, 0] == torch.arange(40)).all()


def test_threads_and_precision_do_not_matter() -> None:
    pool = PosePool(walk(3000).double())
    queries = corrupt(walk(900, 5), torch.Generator().manual_seed(0), MIX).quats
    one = pool.nearest(queries)
    two = pool.nearest(queries.double(), jobs=2)
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


def test_no_query_is_no_result() -> None:
    distance, index = PosePool(walk(3)).nearest(torch.zeros(0, 21, 4))
    assert distance.shape == index.shape == (0, 1)


def test_bad_input() -> None:
    with pytest.raises(InputError, match="empty"):
        PosePool(torch.zeros(0, 21, 4))
    with pytest.raises(InputError, match=r"\(N, 21, 4\), not \(5, 22, 4\)"):
        PosePool(torch.zeros(5, 22, 4))
    with pytest.raises(InputError, match="NaN"):
        PosePool(torch.full((2, 21, 4), torch.nan))
    with pytest.raises(InputError, match="4 nearest poses"):
        PosePool(walk(3)).nearest(walk(1), k=4)


def test_captured_poses(shared: Path) -> None:
    from humanav.posendf.cmu import load_cmu

    pool = load_cmu(shared / "mocap" / "cmu_subset.npz", "train")[::4]
    others = load_cmu(shared / "mocap" / "cmu_subset.npz", "validation")[::220]
    queries = torch.cat([others, corrupt(others, torch.Generator().manual_seed(0), MIX, pool).quats])
    distance, index = PosePool(pool).nearest(queries, 3)
    expected, _ = brute(queries, pool, 3)
    torch.testing.assert_close(distance, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(pose_distance(queries[:, None].double(), pool[index].double()).float(), expected,
                               atol=1e-6, rtol=0)
