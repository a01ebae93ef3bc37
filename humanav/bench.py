"""Side-by-side measurements: finds ``benchmarks/NAME.py``, runs it, stores its numbers and writes BENCHMARKS.md.

A benchmark is a file with ``run(**options) -> dict`` of plain JSON values; it takes those of ``quick``, ``seed`` and
``people`` that it names. Its docstring's first paragraph heads its table. A value ``{row: {column: number}}`` becomes a
table of its own; plots are ``assets/docs/NAME_*.svg``. Files that begin with an underscore help a benchmark, which
imports them by name.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from humanav.errors import InputError
from humanav.paths import home


def folder() -> Path:
    """Where the benchmarks lie."""
    return home() / "benchmarks"


def names() -> list[str]:
    """Names of the benchmarks that can be run."""
    return sorted(path.stem for path in folder().glob("*.py") if not path.stem.startswith("_") and _has_run(path))


def run(name: str, **options: Any) -> dict[str, Any]:
    """Run one benchmark; options that are None or that it does not take are left out.

    Raises:
        InputError: when there is no benchmark of that name, or it does not take an option that was given.
    """
    function = _load(name)
    given = {key: value for key, value in options.items() if value not in (None, False)}
    unknown = sorted(set(given) - set(inspect.signature(function).parameters))
    if unknown:
        raise InputError(f"The benchmark {name} has no option {', '.join('--' + key for key in unknown)}.")
    return function(**given)


def store(name: str, numbers: dict[str, Any], options: dict[str, Any]) -> Path:
    """Keep the numbers of a run in ``benchmarks/results/NAME.json``, with its date, options and machine."""
    path = folder() / "results" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"benchmark": name, "date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine(),
              "options": {key: value for key, value in options.items() if value not in (None, False)},
              "numbers": numbers}
    path.write_text(json.dumps(record, indent=1) + "\n")
    return path


def machine() -> str:
    """The machine in a few words."""
    return f"{os.cpu_count()} CPU cores ({platform.machine()}), Python {platform.python_version()}"


def write_markdown(path: Path | None = None) -> Path:
    """Write BENCHMARKS.md from the stored runs."""
    target = path or home() / "BENCHMARKS.md"
    parts = ["# Benchmarks", "",
             "Written by `humanav bench NAME --write` from `benchmarks/results/`; each block names the command that "
             "measures it again."]
    for stored in sorted((folder() / "results").glob("*.json")):
        parts += ["", *_block(json.loads(stored.read_text()))]
    target.write_text("\n".join(parts) + "\n")
    return target


def _block(record: dict[str, Any]) -> list[str]:
    name, numbers = record["benchmark"], dict(record["numbers"])
    options = "".join(f" --{key}" if value is True else f" --{key} {value}"
                      for key, value in record["options"].items())
    baseline = numbers.pop("baseline", None)
    baseline = dict(_flat(baseline)) if isinstance(baseline, dict) else {}
    tables = {key: numbers.pop(key) for key in list(numbers) if _is_table(numbers[key])}
    lines = [f"## {name}", "", _summary(name), "", f"`humanav bench {name}{options} --json`, {record['date']}, "
             f"{record['machine']}", ""]
    head = "| number | humanav |" + (" baseline |" if baseline else "")
    lines += [head, "|---|---:|" + ("---:|" if baseline else "")]
    for key, value in _flat(numbers):
        lines.append(f"| {key} | {_text(value)} |" + (f" {_text(baseline.get(key))} |" if baseline else ""))
    for key, rows in tables.items():
        lines += ["", *_table(key, rows)]
    for plot in sorted((home() / "assets" / "docs").glob(f"{name}_*.svg")):
        lines += ["", f"![{plot.stem.replace('_', ' ')}](assets/docs/{plot.name})"]
    return lines


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(
        isinstance(row, dict) and row and not any(isinstance(cell, dict) for cell in row.values())
        for row in value.values())


def _table(name: str, rows: dict[str, dict[str, Any]]) -> list[str]:
    """Markdown of rows x columns; a column that only some rows have is empty in the others."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = [f"| {name} | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    return lines + [f"| {key} | {' | '.join(_text(row.get(column)) for column in columns)} |"
                    for key, row in rows.items()]


def _flat(numbers: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in numbers.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return rows


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(_text, value)) if isinstance(value, list) else str(value)


def _summary(name: str) -> str:
    path = folder() / f"{name}.py"
    text = ast.get_docstring(ast.parse(path.read_text())) if path.is_file() else None
    return " ".join((text or "").split("\n\n")[0].split())


def _has_run(path: Path) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in ast.parse(path.read_text()).body)


def _load(name: str) -> Callable[..., dict[str, Any]]:
    if name not in names():
        raise InputError(f"There is no benchmark {name!r}; there is {', '.join(names()) or 'none in this checkout'}.")
    if str(folder()) not in sys.path:
        sys.path.append(str(folder()))
    spec = importlib.util.spec_from_file_location(f"humanav_benchmark_{name}", folder() / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.run
