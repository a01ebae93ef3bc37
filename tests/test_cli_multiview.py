"""``humanav multiview`` in a shell: sentences, JSON, and one sentence for every error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from humanav import cli
from humanav.cli.multiview import _target, app
from humanav.multiview import detect as detecting
from humanav.multiview.value import Rig
from tests.jobs.captures import rig, sightings, write_capture


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = 0
    try:
        cli.main([str(word) for word in words])
    except SystemExit as stop:
        code = int(stop.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(scope="module")
def cameras() -> Rig:
    return rig()


@pytest.fixture
def capture(tmp_path: Path, cameras: Rig, monkeypatch: pytest.MonkeyPatch) -> Path:
    seen = sightings(cameras)
    monkeypatch.setattr(detecting, "detect", lambda *_, **__: seen)
    return write_capture(tmp_path / "wave", cameras)


@pytest.mark.parametrize("command", ["", "check", "sync", "match", "fit", "refine", "eval", "run"])
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(app, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert "Usage" in done.output


def test_a_capture_is_checked_synchronised_and_matched(
    capture: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said, _ = run(capsys, "multiview", "check", capture, "--sync", "off", "--json")
    told = json.loads(said)
    assert code == 0
    assert told["views"] == ["cam1", "cam2", "cam3"]
    assert told["findings"]

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("people were found before")

    monkeypatch.setattr(detecting, "detect", never)
    code, said, _ = run(capsys, "multiview", "sync", capture, "--json")
    assert code == 0
    assert len(json.loads(said)["frames"]) == 3
    code, said, _ = run(capsys, "multiview", "sync", capture)
    assert "cam2" in said
    page = capture.parent / "pages" / "rig.html"
    code, said, _ = run(capsys, "multiview", "check", capture, "--sync", "off", "--rig", page)
    assert code == 0
    assert said.strip()
    assert [file.name for file in page.parent.iterdir()] == ["rig.html"]
    code, said, log = run(capsys, "multiview", "match", capture, "--sync", "off", "--json")
    assert code == 0
    told = json.loads(said.splitlines()[-1])
    assert told["folder"] == str(capture.with_name("wave_capture"))
    assert "points3d.npz" in told["files"]
    assert "Matching the views" in log
    code, said, _ = run(capsys, "multiview", "eval", told["folder"], told["folder"], "--kind", "result", "--json")
    assert code == 0
    rows = json.loads(said)["rows"]
    assert rows["keypoints"]["mpjpe_mm"] == 0
    code, said, _ = run(capsys, "multiview", "eval", told["folder"], told["folder"], "--kind", "result")
    assert "mpjpe_mm" in said


@pytest.mark.parametrize(("words", "says"), [
    (("check", "nowhere"), "There is no nowhere"), (("run", "nowhere"), "There is no nowhere"),
    (("check", ".", "--people", "many"), "no number of people"),
    (("match", ".", "--sync", "a,b"), "no list of numbers"),
    (("fit", ".", "--unit", "miles"), "unit"), (("eval", "nowhere", "nowhere"), "There is no folder")])
def test_errors_are_one_sentence(
    words: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said, log = run(capsys, "multiview", *words)
    assert (code, said) == (2, "")
    assert log.strip().splitlines()[-1].startswith("humanav: ")
    assert says in log


def test_results_are_named_after_the_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _target([tmp_path / "hug.zip"], None) == tmp_path / "hug_capture"
    assert _target([tmp_path / "a.mp4", tmp_path / "b.mp4"], None).name == f"{tmp_path.name}_capture"
    assert _target([tmp_path / "hug"], tmp_path / "out") == tmp_path / "out"
    (tmp_path / "take.2").mkdir()
    assert _target([tmp_path / "take.2"], None) == tmp_path / "take.2_capture"
    monkeypatch.chdir(tmp_path / "take.2")
    assert _target([Path()], None) == tmp_path / "take.2_capture"
    assert _target([Path("..")], None) == tmp_path.with_name(f"{tmp_path.name}_capture")
