"""The notebooks that take seconds run from top to bottom."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    "00_start_here", "01_body_and_motion", "02_photo_to_avatar", "03_pose_ndf", "04_uplift"])
def test_runs(name: str, run: Callable[[str], None]) -> None:
    run(name)
