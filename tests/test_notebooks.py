"""The notebooks run from top to bottom, and each is the same as its text twin."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))
jupytext = pytest.importorskip("jupytext")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_pair_is_in_step(path: Path) -> None:
    def cells(file: Path) -> list[tuple[str, str]]:
        return [(cell.cell_type, cell.source) for cell in jupytext.read(file).cells]

    assert cells(path) == cells(path.with_suffix(".py"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_was_run_and_has_a_picture(path: Path) -> None:
    code = [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    assert (path.parent / "images" / f"{path.stem}.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(path.parent.parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("HUMANAV_NOTEBOOK_MINUTES", "0.1")  # of training
    notebook = jupytext.read(path.with_suffix(".py"))
    client.NotebookClient(notebook, timeout=500, kernel_name="python3",
                          resources={"metadata": {"path": str(path.parent)}}).execute()
