"""The judge: a change stays only where errors do not rise."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.multiview.gate import Errors, accepted, held_out, relative_change


def errors(value: float, shape=(6, 2)) -> Errors:
    return Errors(np.full(shape, value), np.full(shape, value / 5), np.full(shape, value / 4))


def test_better_stays_and_worse_goes() -> None:
    assert accepted(errors(0.2), errors(0.2), errors(0.15)).all()
    assert not accepted(errors(0.2), errors(0.2), errors(0.25)).any()
    assert accepted(errors(0.2), errors(0.19), errors(0.2)).all()


def test_much_worse_than_the_round_before_goes() -> None:
    assert not accepted(errors(0.4), errors(0.2), errors(0.3)).any()


def test_one_bad_frame_of_one_person_goes() -> None:
    after = errors(0.15)
    after.overlap[3, 1] = after.color[3, 1] = after.keypoints[3, 1] = 0.6
    kept = accepted(errors(0.2), errors(0.2), after)
    assert kept[:, 0].all()
    assert not kept[3, 1]
    assert kept[[0, 5], 1].all()


def test_what_the_judge_does_not_see_stays() -> None:
    unknown = errors(np.nan)
    assert (relative_change(unknown, unknown) == 0).all()
    assert accepted(unknown, unknown, unknown).all()


@pytest.mark.parametrize(("views", "excluded", "expected"), [
    (4, (), [0, 1, 2, 3, 0]), (3, (1,), [None] * 5), (4, (3,), [0, 1, 2, 0, 1]), (2, (), [None] * 5)])
def test_every_camera_judges_in_turn(views, excluded, expected) -> None:
    assert [held_out(number, views, excluded) for number in range(5)] == expected
