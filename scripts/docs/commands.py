"""The reference of commands, written from the command line itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from humanav.cli import app

_KINDS = {Path: "path", str: "text", int: "number", float: "number"}
_HEAD = """# Commands

Every verb of `humanav`, as `humanav VERB --help` tells it; this page is written from the program when the site is made.

- `--json` prints one JSON object as the last line of the output, for other programs.
- `humanav --debug VERB ...` shows where an error came from. Otherwise an error is one sentence, and the exit code 2.
- Progress goes to the error stream, results to the output.
- A stopped `track`, `multiview` or `avatar train` goes on where it was when the same command is given again.
"""


def tree() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its words after ``humanav``."""

    def walk(words: tuple[str, ...], command: Any) -> Iterator[tuple[str, Any]]:
        if hasattr(command, "commands"):
            for name, part in command.commands.items():
                yield from walk((*words, name), part)
        elif not command.hidden:
            yield " ".join(words), command

    yield from walk((), _program())


def page() -> str:
    """The page in Markdown."""
    parts = [_HEAD]
    last = ""
    for words, command in tree():
        group = words.split(" ")[0]
        if " " in words and group != last:
            parts.append(f"\n## {group}\n\n{_sentences(_group(group).help or '')}\n")
        last = group
        parts.append(_section(words, command, 3 if " " in words else 2))
    return "".join(parts)


def _group(name: str) -> Any:
    return _program().commands[name]


@lru_cache(maxsize=1)
def _program() -> Any:
    return typer.main.get_command(app)


def _section(words: str, command: Any, level: int) -> str:
    kinds = get_type_hints(inspect.unwrap(command.callback), include_extras=True)
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name in kinds]
    usage = " ".join(["humanav", words, *(_shape(p) for p in arguments), *(["[OPTIONS]"] if options else [])])
    lines = [f"\n{'#' * level} {words}\n", _sentences(command.help or "") + "\n", f"```text\n{usage}\n```\n"]
    rows = [*(_row(f"`{_metavar(p)}`", p) for p in arguments), *(_row(_flags(p, kinds[p.name]), p) for p in options)]
    if rows:
        lines += ["| | |\n|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _shape(argument: Any) -> str:
    name = _metavar(argument) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name).upper()


def _flags(option: Any, annotated: Any) -> str:
    """An option's names and what it takes."""
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    kind = get_args(annotated)[0]
    kind = next((part for part in get_args(kind) if part is not type(None)), kind) \
        if get_origin(kind) in (Union, UnionType, list) else kind
    if kind is bool:
        return names
    if get_origin(kind) is Literal:
        return f"{names} " + " \\| ".join(f"`{choice}`" for choice in get_args(kind))
    kind = next(iter(get_args(kind)), kind)
    return f"{names} {_KINDS.get(kind, '')}".rstrip()


def _row(name: str, parameter: Any) -> str:
    text = " ".join((parameter.help or "").split())
    default = parameter.default
    shown = default is not None and default is not False and default != "" and parameter.param_type_name == "option"
    if shown and parameter.show_default and not callable(default):
        value = "on" if default is True else str(default)
        text += f" Default: `{value}`."
    return f"| {name} | {_escaped(text)} |"


def _sentences(text: str) -> str:
    return _escaped("\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
