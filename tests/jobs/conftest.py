"""A made-up subject and its avatar, which several tests of subjects look at; none of them changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanav.body import BodyModel
from humanav.jobs.subject import Subject
from humanav.jobs.subject_train import train_subject
from humanav.results import Result
from humanav.synth import SyntheticPhoto
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
