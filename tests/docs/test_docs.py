"""The commands and the Python of the documents do what the documents say: each block is run, on the shipped samples
made small and with short videos, or, where it cannot run here, held against the command line that there is.
"""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import typer

from humanav import cli
from humanav.jobs import films
from tests.docs.inputs import FILES, RESULTS, make_samples
from tests.docs.reading import ROOT, SHELL, Block, blocks, pages

PAGES = [page for page in pages() if blocks(page)]
_done: set[tuple[str, ...]] = set()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the documents' commands are run one after the other: pages go on from others' results."""
    _done.clear()
    place = tmp_path_factory.mktemp("docs")
    make_samples(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_shows_works(
    page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HUMANAV_STORAGE", str(folder / "storage"))
    monkeypatch.setenv("HUMANAV_CACHE", str(folder / "cache"))
    monkeypatch.setattr(films, "TURNTABLE_FPS", 2.0)
    monkeypatch.setattr(films, "VIDEO_SECONDS", 0.5)
    names: dict[str, Any] = {"__name__": "docs"}
    for block in blocks(page):
        if block.language == "python":
            run_python(block, names)
            continue
        for words in block.commands:
            if words[0] != "humanav":
                check_other(words, block)
                continue
            check(words[1:], block)
            if not block.reason:
                run(words[1:] + shlex.split(block.quick), block, capsys)


def run(words: list[str], block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command in this process, after what it needs; the same command is run once."""
    if tuple(words) in _done:
        return
    _done.add(tuple(words))
    out = words[words.index("--out") + 1] if "--out" in words else ""
    prepare([word for word in words if word != out], block, capsys)
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    said = capsys.readouterr()
    assert stop.value.code == 0, f"{block.place}: humanav {shlex.join(words)}\n{said.err[-2000:]}"


def prepare(words: list[str], block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """Make the files and results that are named and not there yet."""
    for word in words:
        first = Path(word).parts[0] if word else ""
        if first in FILES and not Path(first).exists():
            FILES[first](Path.cwd() / first)
        elif first in RESULTS and not Path(first).exists():
            run(shlex.split(RESULTS[first]), block, capsys)


def check(words: list[str], block: Block) -> None:
    """The command exists, and takes these options and arguments."""
    if "--help" in words or "--version" in words:
        return
    command = program()
    context = command.make_context("humanav", list(words))
    try:
        while hasattr(command, "commands"):
            rest = [*getattr(context, "_protected_args", ()), *context.args]
            name, command, arguments = command.resolve_command(context, rest)
            context = command.make_context(name, arguments, parent=context)
    except Exception as error:
        pytest.fail(f"{block.place}: humanav {shlex.join(words)}: {getattr(error, 'message', error)}")


@lru_cache(maxsize=1)
def program() -> Any:
    """The command line as Click's commands, which take a while to be made."""
    return typer.main.get_command(cli.app)


def check_other(words: list[str], block: Block) -> None:
    """Commands of other programs are not run, but what they name of ours exists."""
    assert block.reason or words[0] == "export", f"{block.place}: {words[0]} is not run, so say why (only checked: ...)"
    project = (ROOT / "pyproject.toml").read_text()
    match words[0]:
        case "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"{block.place}: {words}"
        case "pip" | ".venv/bin/pip":
            for extra in re.findall(r"(?:humanav|\.)\[([\w,]+)\]", " ".join(words)):
                assert all(re.search(rf"^{one} = \[", project, re.MULTILINE) for one in extra.split(",")), block.place
        case "python" | ".venv/bin/python":
            assert words[1] == "-m" or (ROOT / words[1]).is_file(), f"{block.place}: there is no {words[1]}"
        case "export":
            name = words[1].partition("=")[0]
            used = any(name in path.read_text() for path in [*(ROOT / "humanav").rglob("*.py"), ROOT / "app.py"])
            assert used or not name.startswith("HUMANAV"), f"{block.place}: nothing reads {name}"
        case "git" | "cd" | "apt-get" | "sudo" | "curl" | "dask" | "accelerate" | "hf":
            pass
        case other:
            pytest.fail(f"{block.place}: {other} is no command that the documents may use")


def run_python(block: Block, names: dict[str, Any]) -> None:
    """Run a block after the page's earlier ones; one that is only checked must import what there is."""
    code = compile(block.text, block.place, "exec")
    if block.reason:
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("humanav"):
                module = importlib.import_module(str(node.module))
                assert all(hasattr(module, alias.name) for alias in node.names), block.place
        return
    for word in re.findall(r"\"([^\"\n]+)\"", block.text):
        first = Path(word).parts[0] if word.strip("/ ") else ""
        if first in FILES and not Path(first).exists():
            FILES[first](Path.cwd() / first)
        elif first in RESULTS and not Path(first).exists() and f'out="{word}"' not in block.text:
            with pytest.raises(SystemExit):
                cli.main(shlex.split(RESULTS[first]))
            _done.add(tuple(shlex.split(RESULTS[first])))
    exec(code, names)


def test_what_is_only_checked_says_why() -> None:
    wrong = [block.place for page in PAGES for block in blocks(page) if block.reason and len(block.reason.split()) < 3]
    assert wrong == []


def test_every_verb_is_shown() -> None:
    """Each command of the program stands in some block of docs/, so that it is read about and checked."""
    sys.path.insert(0, str(ROOT / "scripts" / "docs"))
    try:
        import commands
    finally:
        sys.path.remove(str(ROOT / "scripts" / "docs"))
    shown = {" ".join(words[1:]) for page in PAGES if page.name != "README.md" for block in blocks(page)
             if block.language in SHELL for words in block.commands if words[0] == "humanav"}
    absent = [verb for verb, _ in commands.tree()
              if not any(text == verb or text.startswith(verb + " ") for text in shown)]
    assert [verb for verb in absent if verb != "avatar photo"] == []  # `humanav avatar PHOTO`
