"""The 36 measurements: what they must agree with, and how they behave under scale, mirror and shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from humanav.body import BodyModel, measure, measure_anthropometrics, measure_shapes
from humanav.body.anthropometrics import ANTHROPOMETRICS, CIRCUMFERENCES, DEFINITIONS, LENGTHS, MEASURES, take
from humanav.body.tape import Fitting, Tape, hull_perimeters, tape_of
from humanav.errors import InputError

SAME = {  # the original's name: the field of Measurements that means the same
    "height length": "height", "shoulder width length": "shoulder_width", "left arm length": "arm_length",
    "left hand length": "hand_length", "left heel to toe length": "foot_length", "waist circumference": "waist",
    "chest circumference": "chest", "hip circumference": "hip", "head circumference": "head",
    "neck circumference": "neck", "left arm circumference": "upper_arm", "left thigh circumference": "thigh",
    "left calf circumference": "calf", "weight": "mass",
}


def _shapes(body: BodyModel, count: int) -> np.ndarray:
    return np.clip(np.random.default_rng(3).normal(size=(count, body.num_betas)), -2, 2)


def test_names() -> None:
    assert (len(LENGTHS), len(CIRCUMFERENCES), len(set(ANTHROPOMETRICS))) == (23, 13, 36)
    assert set(DEFINITIONS) == set(MEASURES)


def test_agrees_with_measure(body: BodyModel) -> None:
    shapes = _shapes(body, 4)
    table = measure_shapes(body, shapes)
    for shape, row in zip(shapes, table, strict=True):
        known = measure(body, shape)
        for name, other in SAME.items():
            assert row[MEASURES.index(name)] == pytest.approx(getattr(known, other), rel=1e-5), name
    one = measure_anthropometrics(body, shapes[0])
    assert tuple(one) == ANTHROPOMETRICS
    np.testing.assert_allclose(list(one.values()), table[0, :36], atol=2e-6)


def test_chunks_do_not_matter(body: BodyModel) -> None:
    shapes = _shapes(body, 5)
    np.testing.assert_allclose(measure_shapes(body, shapes, chunk=2), measure_shapes(body, shapes), atol=2e-6)
    assert measure_shapes(body, np.zeros((0, 20))).shape == (0, 37)
    np.testing.assert_allclose(measure_shapes(body, [[1.0]])[0], measure_shapes(body, [[1.0, 0.0]])[0], atol=2e-6)


def test_both_sides_are_equal(body: BodyModel) -> None:
    """The built-in body is its own mirror image."""
    table = measure_shapes(body, _shapes(body, 3))
    for name in ANTHROPOMETRICS:
        if name.startswith("left"):
            other = table[:, MEASURES.index(name.replace("left", "right"))]
            np.testing.assert_allclose(table[:, MEASURES.index(name)], other, atol=2e-5, err_msg=name)


def test_grows_with_the_body(body: BodyModel) -> None:
    """Twice the size doubles each length and girth and gives eight times the weight."""
    skin, joints = (x.double().numpy()[None] for x in body.rest(_shapes(body, 1)[0]))
    tape, up = tape_of(body), np.array([0, 0.7, 0])
    once, twice = take(Fitting(tape, skin, joints)), take(Fitting(tape, 2 * skin + up, 2 * joints + up))
    np.testing.assert_allclose(twice[:, :36], 2 * once[:, :36], rtol=1e-9)
    np.testing.assert_allclose(twice[:, 36], 8 * once[:, 36], rtol=1e-9)


def test_everything_grows_with_the_first_beta(body: BodyModel) -> None:
    table = measure_shapes(body, np.linspace(-2, 2, 9)[:, None])
    assert (np.diff(table, axis=0) > 0).all()


def test_another_file_gives_the_same(body: BodyModel, tmp_path: Path) -> None:
    body.save_smplx(tmp_path / "SMPLX_NEUTRAL.npz")
    other = BodyModel.load(tmp_path / "SMPLX_NEUTRAL.npz", num_betas=20)
    mine, theirs = measure_anthropometrics(body), measure_anthropometrics(other)
    np.testing.assert_allclose(list(theirs.values()), list(mine.values()), atol=5e-4)


def test_landmarks_lie_where_they_are_named(body: BodyModel) -> None:
    skin = body.rest()[0].numpy()
    at = {name: skin[vertex] for name, vertex in Tape(body).landmarks.items()}
    middle = [at[name] for name in ("nape", "throat", "navel", "navel_back", "chin")]
    np.testing.assert_allclose(np.array(middle)[:, 0], 0, atol=1e-3)
    assert at["chin"][1] > at["nape"][1] > at["throat"][1] > at["navel"][1]
    assert at["throat"][2] > at["nape"][2]
    assert at["navel"][2] > at["navel_back"][2]
    np.testing.assert_allclose(at["left_ball"] * (-1, 1, 1), at["right_ball"], atol=1e-6)


def test_hulls_are_those_of_scipy(rng: np.random.Generator) -> None:
    sets = [rng.normal(size=(n, 2)) * (1, 0.3) for n in (3, 4, 5, 30, 200)]
    sets.append(np.repeat(sets[3], 3, axis=0))
    sets.append(np.array([[0, 0], [1, 0], [2, 0], [2, 1], [2, 2], [1, 2], [0, 2], [0, 1], [1, 1.0]]))
    owner = np.repeat(np.arange(len(sets)), [len(points) for points in sets])
    found = hull_perimeters(np.concatenate(sets), owner, len(sets))
    np.testing.assert_allclose(found, [ConvexHull(points).area for points in sets], rtol=1e-12)


def test_bad_shapes(body: BodyModel) -> None:
    with pytest.raises(InputError, match="at most 20"):
        measure_shapes(body, np.zeros((2, 21)))
    with pytest.raises(InputError, match="finite"):
        measure_shapes(body, [[np.nan]])
    with pytest.raises(InputError, match="empty"):
        hull_perimeters(np.zeros((2, 2)), np.zeros(2, dtype=int), 1)
