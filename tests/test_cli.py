"""The command line answers at once, turns errors into one sentence, and keeps what benchmarks print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from humanav import bench, cli, doctor
from humanav.errors import ImageError


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "humanav.cli", *words], capture_output=True, text=True, check=False)


def test_help_answers_at_once() -> None:
    before = os.times()
    done = run("--help")
    after = os.times()
    assert done.returncode == 0
    # of the processor: other tests share the machine
    assert after.children_user + after.children_system - before.children_user - before.children_system < 1.5
    for verb in ("avatar", "animate", "measure", "clips", "doctor", "bench"):
        assert verb in done.stdout


def test_an_error_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    text = tmp_path / "letter.jpg"
    text.write_text("Dear reader")
    done = run("avatar", str(text), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("humanav: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_debug_shows_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, **_: object) -> None:
        raise ImageError("It is too small.")

    monkeypatch.setattr(bench, "run", fail)
    with pytest.raises(ImageError):
        cli.main(["bench", "photo", "--debug"])
    with pytest.raises(SystemExit) as stop:
        cli.main(["bench", "photo"])
    assert stop.value.code == 2


def test_doctor_finds_every_embedded_part() -> None:
    parts = doctor.inspect()
    assert [part.name for part in parts if part.embedded and not part.found] == []
    assert any(not part.embedded for part in parts)
    assert all(part.where and part.adds for part in parts)


def test_doctor_speaks_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["doctor", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["machine"]["cores"] >= 1
    assert {"name", "embedded", "found", "where", "adds"} <= set(said["parts"][0])


@pytest.fixture
def own_benchmarks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUMANAV_HOME", str(tmp_path))
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "sum.py").write_text('"""Adds numbers.\n\nMore."""\n\n\n'
                                   "def run(quick=False, seed=1):\n"
                                   "    return {'total': 1.5 * seed, 'quick': quick, 'baseline': {'total': 9}}\n")
    (folder / "_helper.py").write_text("x = 1\n")
    return tmp_path


def test_bench_prints_one_json_object(own_benchmarks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["bench", "sum", "--seed", "7", "--json"])
    assert stop.value.code == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "total": 10.5, "quick": False, "baseline": {"total": 9}}
    assert not (own_benchmarks / "benchmarks" / "results").exists()


def test_bench_writes_the_table(own_benchmarks: Path) -> None:
    with pytest.raises(SystemExit):
        cli.main(["bench", "sum", "--seed", "7", "--write"])
    page = (own_benchmarks / "BENCHMARKS.md").read_text()
    assert "## sum\n\nAdds numbers.\n" in page
    assert "`humanav bench sum --seed 7 --json`" in page
    assert "| total | 10.5 | 9 |" in page


def test_bench_writes_rows_of_methods_as_a_table_of_their_own(own_benchmarks: Path) -> None:
    (own_benchmarks / "benchmarks" / "rows.py").write_text(
        '"""Compares."""\n\nfrom _helper import x\n\n\ndef run():\n    return {"first": x, "error_mm": {"gaps": {'
        '"input": 9.0, "ours": 2.5, "best": "ours"}, '
        '"noise": {"ours": 1.25}}, "some": {"a": 1}, "good": {"n": {"reached": True}}}\n')
    with pytest.raises(SystemExit):
        cli.main(["bench", "rows", "--write"])
    page = (own_benchmarks / "BENCHMARKS.md").read_text()
    assert "| first | 1 |\n| some.a | 1 |\n\n| error_mm | input | ours | best |\n|---|---:|---:|---:|\n" in page
    assert "| gaps | 9 | 2.5 | ours |\n| noise |  | 1.25 |  |\n" in page
    assert "| good | reached |\n|---|---:|\n| n | yes |\n" in page


@pytest.mark.parametrize("words", [["bench", "nothing"], ["bench", "sum", "--people", "3"]])
def test_bench_names_what_it_cannot_do(
    own_benchmarks: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("humanav: ")
