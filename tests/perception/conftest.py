"""Real photos for these tests lie outside the repository; without them the tests that need them are skipped."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared():
    """The folder with the real test material: ``HUMANAV_SHARED``, or ``shared`` beside the checkout."""
    folder = Path(os.environ.get("HUMANAV_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    if not (folder / "testset").is_dir():
        pytest.skip("the real test material is not here")
    return folder
