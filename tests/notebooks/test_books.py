"""Every notebook is the same as its text twin, was run, stays small, and opens and ends as all others do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.notebooks.conftest import FOLDER

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
jupytext = pytest.importorskip("jupytext")
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[str]:
    return [cell.source for cell in jupytext.read(path).cells if cell.cell_type == kind]


def test_there_is_one_for_each_job_and_one_to_start_with() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{number:02}" for number in range(8)]
    assert {path.stem for path in FOLDER.glob("*.py")} == {path.stem for path in NOTEBOOKS}


@each
def test_pair_is_in_step(path: Path) -> None:
    def both(file: Path) -> list[tuple[str, str]]:
        return [(cell.cell_type, cell.source) for cell in jupytext.read(file).cells]

    assert both(path) == both(path.with_suffix(".py"))


@each
def test_was_run_and_has_a_picture(path: Path) -> None:
    code = [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    assert (path.parent / "images" / f"{path.stem}.png").is_file()
    assert path.stat().st_size < 4 * 1024**2


@each
def test_opens_and_ends_as_all_do(path: Path) -> None:
    first, last = cells(path, "markdown")[0], "\n".join(cells(path, "markdown")[-2:])
    assert f"https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/{path.name}" in first
    for words in ("**You will make**", "**It takes**", "**You need**", f"](images/{path.stem}.png)"):
        assert words in first
    assert "## Where to go next" in last
    assert any("**Try it.**" in cell for cell in cells(path, "markdown"))


@each
def test_has_something_to_turn(path: Path) -> None:
    shown = [output.get("data", {}) for cell in jupytext.read(path).cells if cell.cell_type == "code"
             for output in cell.outputs]
    figures = [data["application/vnd.plotly.v1+json"] for data in shown if "application/vnd.plotly.v1+json" in data]
    assert any("scene" in figure["layout"] for figure in figures)


@each
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)|src=\"([^\"]+)\"", "\n".join(cells(path, "markdown")))
    targets = [one or other for one, other in targets if not (one or other).startswith("http")]
    assert [target for target in targets if not (path.parent / target).is_file()] == []


def test_all_install_alike_and_only_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    code = {cells(path, "code")[0] for path in NOTEBOOKS}
    assert len(code) == 1
    lines = code.pop().splitlines()
    assert sum("pip install" in line for line in lines) == 1
    guard = next(k for k, line in enumerate(lines) if line.startswith("if "))
    assert all(line.startswith("    ") for line in lines[guard + 1:])
    assert not eval(lines[guard].removeprefix("if ").removesuffix(":"),
                    {"importlib": __import__("importlib.util")})  # humanav is here: nothing happens
