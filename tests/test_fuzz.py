"""Hostile uploads, and jobs that are killed: the benchmark's own cases, all of the first, a few of the second."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from humanav import bench


@pytest.fixture(scope="module")
def parts() -> SimpleNamespace:
    """The benchmark's modules that do it."""
    bench._load("app")  # puts their folder on the path
    import _app_fuzz
    import _app_kill

    return SimpleNamespace(fuzz=_app_fuzz.fuzz, kill=_app_kill.kill_jobs)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_hostile_upload_ends_in_one_clear_sentence(parts: SimpleNamespace) -> None:
    found = parts.fuzz(seed=0)
    assert found["fuzz_cases"] >= 1700
    assert found["failures"] == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_killed_job_leaves_nothing_half_done(parts: SimpleNamespace) -> None:
    found = parts.kill(quick=True)
    assert found["kill_moments"] == 2
    assert found["failures"] == []
