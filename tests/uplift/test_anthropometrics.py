"""Measurements to shapes: round trips, few or noisy measurements, what people write, and what nobody can be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from humanav.body import BodyModel, measure_shapes
from humanav.body.anthropometrics import ANTHROPOMETRICS, MEASURES
from humanav.errors import InputError
from humanav.uplift import betas_from_measurements, read_measurements
from humanav.uplift.anthropometric_training import train_anthropometrics
from humanav.uplift.anthropometrics import METHODS, round_trip, shape_model, solve, typical_people
from humanav.uplift.measurement_input import RANGES, measure_names, understand

GIRTHS = ("height", "waist", "chest", "hip")


def test_round_trip_of_all_measurements() -> None:
    found = round_trip(24, 7)
    assert found["worst_mm"] < 4
    assert found["mean_mm"] < 2
    assert set(found["per_measurement_mm"]) == set(ANTHROPOMETRICS)


def test_few_measurements_are_better_than_none() -> None:
    found = round_trip(24, 7, given=GIRTHS)
    assert found["mean_mm"] < 0.5 * found["mean_body_mm"]
    assert found["asked_mm"] < 3
    light = round_trip(24, 7, given=("height", "weight"))
    assert light["mean_mm"] < 0.7 * light["mean_body_mm"]
    assert light["weight_kg"] < 1


@pytest.mark.parametrize("method", METHODS)
def test_a_careless_tape_makes_no_monsters(method: str) -> None:
    found = round_trip(24, 7, method, tape_mm=10)
    assert found["largest_beta"] < 5
    assert found["mean_mm"] < 0.6 * found["mean_body_mm"]


def test_a_shape_says_what_it_did(body: BodyModel) -> None:
    shape = betas_from_measurements({"height": 1.80, "waist": 0.85, "weight": 75}, body)
    assert set(shape.measurements) == set(MEASURES)
    assert shape.asked == {"height length": 1.80, "waist circumference": 0.85, "weight": 75}
    np.testing.assert_allclose(list(shape.measurements.values()), measure_shapes(body, shape.betas)[0])
    assert abs(shape.residual["height length"]) < 5
    assert abs(shape.residual["weight"]) < 1
    assert shape.residual["waist circumference"] == pytest.approx(
        1000 * (shape.measurements["waist circumference"] - 0.85))
    assert shape.uncertainty["height length"] < 0.01 < shape.uncertainty["left arm length"]
    assert shape.notes == ()
    again = betas_from_measurements({"Stature": 180, "waist_circumference": 85, "mass": "75"}, body)
    np.testing.assert_array_equal(again.betas, shape.betas)
    assert "centimetres" in again.notes[0]


def test_the_average_person_is_the_middle(body: BodyModel) -> None:
    people = typical_people()
    shape = betas_from_measurements({name: people[name][0] for name in ANTHROPOMETRICS}, body)
    assert np.abs(shape.betas).max() < 0.7
    assert set(people) == set(MEASURES)


def test_rare_and_impossible_people_get_a_word(body: BodyModel) -> None:
    tall = betas_from_measurements({"height": 2.3}, body)
    assert any("rare" in note for note in tall.notes)
    assert np.abs(tall.betas).max() <= 5
    odd = betas_from_measurements({"height": 1.7, "waist": 0.6, "hip": 1.5}, body)
    assert any("came out" in note for note in odd.notes)


def test_a_body_without_a_checkpoint(body: BodyModel) -> None:
    """Ten shape values only: another body, learnt on the spot."""
    small = BodyModel.load(num_betas=10)
    model = shape_model(small)
    assert model.network is None
    index = np.array([MEASURES.index("height length")])
    betas = solve(small, index, np.array([[1.8], [1.6]]))
    np.testing.assert_allclose(measure_shapes(small, betas)[:, 0], (1.8, 1.6), atol=0.004)
    with pytest.raises(InputError, match="No network"):
        solve(small, index, np.array([[1.8]]), "mlp")
    with pytest.raises(InputError, match="no method"):
        solve(small, index, np.array([[1.8]]), "magic")


def test_training_in_miniature(body: BodyModel, tmp_path: Path) -> None:
    config = train_anthropometrics(tmp_path, body, shapes=200, epochs=1, held_out=4)
    model = shape_model(body, tmp_path)
    assert model.network is not None
    assert config["metrics"]["linear_all"]["mean_mm"] < config["metrics"]["mean_body"]["mean_mm"]
    with pytest.raises(InputError, match="no anthropometrics of this body"):
        shape_model(BodyModel.load(num_betas=10), tmp_path)


def test_names() -> None:
    assert measure_names("height") == ("height length",)
    assert measure_names("Arm_Length") == ("left arm length", "right arm length")
    assert measure_names("left hand") == ("left hand length",)
    assert measure_names("hips") == ("hip circumference",)
    assert measure_names("right upper arm") == ("right arm circumference",)
    for name in MEASURES:
        assert measure_names(name) == (name,)
    with pytest.raises(InputError, match="Did you mean 'waist circumference'"):
        measure_names("wast circumference")
    with pytest.raises(InputError, match="both a length and a circumference"):
        measure_names("thigh")


@pytest.mark.parametrize(("values", "unit", "expected"), [
    ({"height": 165, "waist": 80}, "centimetres", {"height length": 1.65, "waist circumference": 0.8}),
    ({"height": 1650, "waist": 800}, "millimetres", {"height length": 1.65, "waist circumference": 0.8}),
    ({"height": 65, "waist": 31.5}, "inches", {"height length": 1.651, "waist circumference": 0.8001}),
    ({"height": 165, "waist": 0.8}, "centimetres", {"height length": 1.65, "waist circumference": 0.8}),
])
def test_units(values: dict[str, float], unit: str, expected: dict[str, float]) -> None:
    found = understand(values)
    assert found.values == pytest.approx(expected)
    assert unit in found.notes[0]
    assert understand({"height": 65}, "in").values["height length"] == pytest.approx(1.651)


@pytest.mark.parametrize(("values", "said"), [
    ({}, "at least one"),
    ({"height": float("nan")}, "'height' is nan"),
    ({"height": -1.7}, "'height' is -1.7"),
    ({"height": "tall"}, "no number"),
    ({"height": None}, "no number"),
    ({"height": 17}, "height length of 17 is outside"),
    ({"weight": 900}, "weight of 900 is outside .* kg"),
    ({"waist": 60}, "centimetres or in inches"),
    ({"height": 1.2, "thigh length": 0.6}, "left thigh length of 0.600 m and the height"),
    ({"left arm length": 0.4, "right arm length": 0.7}, "differ too much"),
    ({"height": 2.0, "weight": 30}, "cannot be one person's"),
    ({"height": 1.7, "stature": 1.8}, "given twice"),
    ({"height": 1.7, "colour": 3}, "no measurement 'colour'"),
])
def test_bad_values(values: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        understand(values)
    with pytest.raises(InputError, match="no unit"):
        understand({"height": 5.6}, "feet")


def test_average_people_are_within_the_ranges() -> None:
    for name, (mean, spread) in typical_people().items():
        low, high = RANGES[name]
        assert low < mean - 2 * spread < mean + 2 * spread < high, name


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"height": 1.7}))
    assert read_measurements(path) == {"height": 1.7}
    path.write_text(json.dumps({"ann": {"height length": 1.7}, "bob": {"height length": 1.8}}))
    assert read_measurements(path, "bob") == {"height length": 1.8}
    for subject, said in ((None, "2 people: say which .ann, bob"), ("eve", "nobody named 'eve'")):
        with pytest.raises(InputError, match=said):
            read_measurements(path, subject)
    table = tmp_path / "m.csv"
    table.write_text("name,value\nheight,1.7\nwaist,0.8\n")
    assert understand(read_measurements(table)).values == {"height length": 1.7, "waist circumference": 0.8}
    for text, said in (("{", "no JSON"), ("[]", "no measurements")):
        path.write_text(text)
        with pytest.raises(InputError, match=said):
            read_measurements(path)
    table.write_text("height;1.7\n")
    with pytest.raises(InputError, match="name,value"):
        read_measurements(table)
    with pytest.raises(InputError, match="cannot be read"):
        read_measurements(tmp_path / "missing.json")
