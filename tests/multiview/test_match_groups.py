"""Groups of detections, and consistent affinities."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.multiview.match_groups import grouped, low_rank


def blocks(rng, views: int, people: int, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    person = np.tile(np.arange(people), views)
    view = np.repeat(np.arange(views), people)
    table = np.where(person[:, None] == person[None], 0.8, 0.0) + rng.uniform(0, noise, (len(view),) * 2)
    table = np.where(view[:, None] == view[None], 0, (table + table.T) / 2)
    return table, view, person


@pytest.mark.parametrize("views", [2, 4, 8])
def test_blocks_become_people_in_any_order(rng, views: int) -> None:
    table, view, person = blocks(rng, views, 3, 0.4)
    order = rng.permutation(len(view))
    for links in (table, low_rank(table, view)):
        found = grouped(links[np.ix_(order, order)], view[order])
        assert sorted(tuple(sorted(order[group])) for group in found) == [
            tuple(np.flatnonzero(person == p)) for p in range(3)]


def test_nobody_is_twice_in_a_view_and_broken_cycles_do_not_join() -> None:
    views = np.array([0, 1, 2])
    table = np.array([[0, 0.9, 0.0], [0.9, 0, 0.3], [0.0, 0.3, 0]])  # the first and the last do not go together
    assert [group.tolist() for group in grouped(table, views)] == [[0, 1], [2]]
    same = np.full((4, 4), 0.9)
    found = grouped(same, np.array([0, 0, 1, 1]))
    assert sorted(len(group) for group in found) == [2, 2]


def test_completion_fills_in_a_pair_that_others_imply(rng) -> None:
    table, view, person = blocks(rng, 5, 2, 0.1)
    a, b = np.flatnonzero(person == 0)[[0, 3]]
    table[a, b] = table[b, a] = 0.0
    full = low_rank(table, view)
    assert full[a, b] > 0.3
    assert np.allclose(full, full.T)
    assert not full[view[:, None] == view[None]].any()


def test_nobody_gives_no_groups() -> None:
    assert grouped(np.zeros((0, 0)), np.zeros(0, np.int64)) == []
    assert low_rank(np.zeros((0, 0)), np.zeros(0, np.int64)).shape == (0, 0)
