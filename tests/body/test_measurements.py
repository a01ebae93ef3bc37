"""Measurements: within the range of adults, growing with the shape, the same on a body's own vertices."""

from __future__ import annotations

import time
from dataclasses import asdict, fields

import numpy as np
import pytest

from humanav.body import BodyModel, Measurements, measure
from humanav.errors import InputError

RANGES = {  # metres (kilograms for the mass), from the 5th percentile of women to the 95th of men, a little wider
    "height": (1.45, 1.95), "shoulder_width": (0.31, 0.46), "chest": (0.75, 1.25), "waist": (0.55, 1.15),
    "hip": (0.80, 1.20), "neck": (0.27, 0.44), "head": (0.50, 0.61), "inseam": (0.66, 0.95), "arm_length": (0.42, 0.62),
    "arm_span": (1.45, 2.05), "back_length": (0.30, 0.50), "upper_arm": (0.22, 0.40), "wrist": (0.13, 0.19),
    "thigh": (0.45, 0.72), "knee": (0.31, 0.45), "calf": (0.30, 0.45), "ankle": (0.18, 0.28),
    "hand_length": (0.16, 0.22), "foot_length": (0.21, 0.30), "mass": (40, 105),
}


@pytest.mark.parametrize("who", [None, "man", "woman"])
def test_average_people_are_plausible(body: BodyModel, who: str | None) -> None:
    measured = asdict(measure(body, None if who is None else body.mean_betas[who]))
    assert set(measured) == set(RANGES)
    for name, (low, high) in RANGES.items():
        assert low < measured[name] < high, name


def test_random_people_are_plausible(body: BodyModel, rng: np.random.Generator) -> None:
    people = [asdict(measure(body, np.clip(rng.normal(size=body.num_betas), -2, 2))) for _ in range(12)]
    for person in people:
        for name, (low, high) in RANGES.items():
            assert low * 0.9 < person[name] < high * 1.1, name
        assert person["chest"] > person["waist"]


def test_everything_grows_with_the_first_beta(body: BodyModel) -> None:
    sizes: list[Measurements] = [measure(body, [value]) for value in (-2.0, -1.0, 0.0, 1.0, 2.0)]
    for field in fields(Measurements):
        values = [getattr(size, field.name) for size in sizes]
        assert (np.diff(values) > 0).all(), field.name
    assert sizes[2].stature == sizes[2].height
    assert 17 < sizes[2].bmi < 28


def test_vertices_of_ones_own(body: BodyModel) -> None:
    betas = [0.5, -1.0]
    skin, _ = body.rest(betas)
    assert measure(body, betas, skin.numpy()) == measure(body, betas)
    with pytest.raises(InputError, match="shape"):
        measure(body, betas, np.zeros((5, 3)))


def test_is_quick(body: BodyModel) -> None:
    measure(body)
    start = time.process_time()
    measure(body, [1.0])
    assert time.process_time() - start < 0.5
