"""Configuration of a training run: sections, defaults, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanav.errors import InputError
from humanav.posendf.config import PoseNDFConfig


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("")
    assert PoseNDFConfig.load(tmp_path / "run.yaml") == PoseNDFConfig()


@pytest.mark.parametrize("name", ["fast", "structured"])
def test_shipped_ones_are_read_by_name(name: str) -> None:
    config = PoseNDFConfig.load(name)
    assert config.model.variant == name
    assert PoseNDFConfig.from_dict(config.to_dict()) == config


def test_values_are_taken(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("experiment: {seed: 7}\nmodel: {widths: [8, 4]}\ntraining: {learning_rate: 1}\n")
    config = PoseNDFConfig.load(tmp_path / "run.yaml")
    assert (config.experiment.seed, config.model.widths, config.training.learning_rate) == (7, (8, 4), 1.0)


@pytest.mark.parametrize(("text", "says"), [
    ("modle: {}", "no section 'modle'"),
    ("training: {learning_rat: 0.1}", r"no key training\.learning_rat:"),
    ("training: {steps: many}", "training.steps in the configuration must be a whole number"),
    ("training: {steps: true}", "must be a whole number"),
    ("training: {steps: 0}", "at least 1"),
    ("training: {varied: 0.8, broken: 0.8}", "together at most 1"),
    ("training: {device: tpu}", "auto, cpu or cuda"),
    ("model: {variant: big}", "structured, fast"),
    ("model: {activation: gelu}", "leaky_relu, softplus, silu"),
    ("model: {widths: [0]}", "positive whole numbers"),
    ("model: fast", "Section model"),
    ("- 1", "must have the sections"),
    ("a: [", "not valid YAML"),
])
def test_mistakes_are_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(InputError, match=says) as error:
        PoseNDFConfig.load(tmp_path / "run.yaml")
    assert "\n" not in str(error.value)


def test_an_unknown_name_is_said() -> None:
    with pytest.raises(InputError, match="fast or structured"):
        PoseNDFConfig.load("slow")
