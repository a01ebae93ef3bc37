"""Each notebook agrees with its .py half, and runs from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext")
nbclient = pytest.importorskip("nbclient")

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
PAIRS = sorted(FOLDER.glob("*.py"))


def cells(notebook: object) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source.strip()) for cell in notebook.cells]  # type: ignore[attr-defined]


def test_there_are_notebooks() -> None:
    assert len(PAIRS) >= 2
    assert [p.stem for p in PAIRS] == [p.stem for p in sorted(FOLDER.glob("*.ipynb"))]


@pytest.mark.parametrize("script", PAIRS, ids=lambda path: path.stem)
def test_the_two_halves_agree(script: Path) -> None:
    assert cells(jupytext.read(script)) == cells(jupytext.read(script.with_suffix(".ipynb")))


@pytest.mark.parametrize("script", PAIRS, ids=lambda path: path.stem)
def test_it_has_a_badge_and_a_picture(script: Path) -> None:
    first = jupytext.read(script).cells[0].source
    assert f"colab.research.google.com/github/humanav/humanav/blob/main/notebooks/{script.stem}.ipynb" in first
    text = script.read_text()
    assert f"images/{script.stem}.png" in text
    assert (FOLDER / "images" / f"{script.stem}.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("script", PAIRS, ids=lambda path: path.stem)
def test_it_runs(script: Path) -> None:
    notebook = jupytext.read(script)
    client = nbclient.NotebookClient(notebook, timeout=400, kernel_name="python3",
                                     resources={"metadata": {"path": str(FOLDER)}})
    client.execute()  # raises at the first cell that fails
    shown = [data for cell in notebook.cells for output in cell.get("outputs", []) for data in output.get("data", {})]
    assert any(kind.startswith("application/vnd.plotly") for kind in shown), "it shows no Plotly figure"
    assert "image/png" in shown
