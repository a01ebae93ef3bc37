"""Running a notebook. Each long one has a file of its own, so that two workers share them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Run a notebook's text twin from top to bottom, with short trainings."""
    client, jupytext = pytest.importorskip("nbclient"), pytest.importorskip("jupytext")

    def run_it(name: str) -> None:
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]))
        monkeypatch.setenv("HUMANAV_NOTEBOOK_MINUTES", "0.1")  # of training
        client.NotebookClient(jupytext.read(FOLDER / f"{name}.py"), timeout=500, kernel_name="python3",
                              resources={"metadata": {"path": str(FOLDER)}}).execute()

    return run_it
