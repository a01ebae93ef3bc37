"""A made-up subject with its avatar, and a made-up capture, which several tests look at; none of them changes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from humanav.body import BodyModel
from humanav.jobs.subject import Subject
from humanav.jobs.subject_train import train_subject
from humanav.multiview import detect as detecting
from humanav.multiview.value import Rig, Sightings
from humanav.results import Result
from humanav.synth import SyntheticPhoto
from tests.jobs.captures import rig, sightings, write_capture
from tests.jobs.subjects import QUICK, make_subject, picture


@pytest.fixture(scope="session")
def photo() -> SyntheticPhoto:
    return picture()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, photo: SyntheticPhoto, body: BodyModel) -> Subject:
    return make_subject(tmp_path_factory.mktemp("subjects"), photo, body)


@pytest.fixture(scope="session")
def trained(made: Subject, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Where results go, and the training's."""
    out = tmp_path_factory.mktemp("output")
    return out, train_subject(made, training=QUICK, out=out)


@pytest.fixture(scope="session")
def cameras() -> Rig:
    return rig()


@pytest.fixture(scope="session")
def seen(cameras: Rig) -> Sightings:
    return sightings(cameras)


@pytest.fixture(scope="session")
def capture(tmp_path_factory: pytest.TempPathFactory, cameras: Rig) -> Path:
    return write_capture(tmp_path_factory.mktemp("captures") / "wave", cameras)


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch, seen: Sightings) -> list[int]:
    """A detector that sees what was simulated, and counts how often it is asked."""
    asked: list[int] = []

    def detect(*_: Any, **__: Any) -> Sightings:
        asked.append(1)
        return seen

    monkeypatch.setattr(detecting, "detect", detect)
    return asked
