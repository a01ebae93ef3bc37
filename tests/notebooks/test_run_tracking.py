"""The notebook runs from top to bottom."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.slow
def test_runs(run: Callable[[str], None]) -> None:
    run("05_track_a_video")
