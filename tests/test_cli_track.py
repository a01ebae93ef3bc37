"""``humanav track`` in a shell: one JSON object, files where they were asked for, and one sentence for every error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from humanav import cli
from humanav.cli.track import _people
from humanav.errors import InputError
from humanav.jobs.track import TrackOptions, track_id
from humanav.results import Result
from tests.jobs.track_clips import film, grey, write_clip, write_sound


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(word) for word in words])
    return int(stop.value.code or 0)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", grey(12))


@pytest.mark.slow
def test_a_clip_is_tracked_and_told_in_json(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "walk.mp4", film(12))
    done = subprocess.run([sys.executable, "-m", "humanav.cli", "track", str(clip), "--no-render", "--height", "1.7",
                           "--end", "0.6", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert told["folder"] == str(tmp_path / "walk_tracked")
    assert {"motion.npz", "motion.bvh", "body.glb", "camera.json", "background.png"} <= set(told["files"])
    assert (told["report"]["mode"], told["report"]["frames"]) == ("fast", 9)
    result = Result.load(told["folder"])
    assert result.id == told["id"] == track_id(clip, TrackOptions(render=False, height=1.7, end=0.6))
    take = json.loads(result.path("track.json").read_text())["takes"][0]
    assert take["stature_m"] == pytest.approx(1.7, abs=0.01)
    assert "Traceback" not in done.stderr
    assert "[2/6] Following the people" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"walk.mp4", "walk_tracked"}


def test_an_error_in_a_shell_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "humanav.cli", "track", str(write_sound(tmp_path / "song.mp4")),
                           "--json"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().splitlines()[-1] == ("humanav: There is no picture in song.mp4, only sound or text: "
                                                    "choose a video.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("words", "says"), [
    (("--people", "one"), "--people one is no list of numbers"), (("--people", "0"), "People are counted from 1"),
    (("--tilt", "5"), "--tilt takes 2 numbers"), (("--camera", "500,x,1,1"), "--camera 500,x,1,1 is no list"),
    (("--camera", "500,500"), "--camera takes 4 numbers"), (("--height", "170"), "A height of 170 m is not plausible"),
    (("--betas", "big"), "--betas big is no list"), (("--fps", "0"), "The frame rate must be between"),
    (("--start", "9"), "there is no frame after 9 s"), (("--start", "2", "--end", "1"), "end after it begins"),
    (("--detector", "yolo"), "The detector is one of"), (("--camera-height", "0"), "A camera 0 m above the floor"),
    (("--detector", "rtmlib"), "rtmlib"), ((), "Nobody is seen in clip.mp4")])
def test_options_that_cannot_be_used_are_one_sentence(
    words: tuple[str, ...], says: str, clip: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HUMANAV_RTMLIB_DET", "HUMANAV_RTMLIB_POSE", "HUMANAV_DOWNLOAD"):
        monkeypatch.delenv(name, raising=False)  # rtmlib is not there, or its networks are not
    assert run("track", clip, *words) == 2
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("humanav: ")
    assert says in last
    assert [path.name for path in clip.parent.iterdir()] == ["clip.mp4"]


def test_a_mode_that_is_none_is_told_by_the_shell(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("track", clip, "--mode", "perfect") == 2
    assert "accurate" in capsys.readouterr().err


def test_places_that_cannot_be_used_are_one_sentence(
    clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = clip.parent / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("mine")
    monkeypatch.chdir(folder)
    places: list[tuple[tuple[Any, ...], str]] = [
        ((clip.parent / "gone.mp4",), "no file gone.mp4"), ((clip, "--out", folder), "holds other files"),
        ((clip, "--out", clip / "out"), "in the way"), ((clip, "--out", "."), "holds other files"),
        ((".",), "no pictures in the folder thesis")]
    for words, says in places:
        assert run("track", *words) == 2
        last = capsys.readouterr().err.strip().splitlines()[-1]
        assert last.startswith("humanav: ")
        assert says in last
    assert {path.name for path in clip.parent.iterdir()} == {"clip.mp4", "thesis"}
    assert [path.name for path in folder.iterdir()] == ["chapter.txt"]


@pytest.mark.parametrize(("text", "people"), [
    ("", ()), ("1", (1,)), ("3, 1", (3, 1)), ("2,", (2,)), ("all", "all"), (" ALL ", "all")])
def test_people_are_read(text: str, people: Any) -> None:
    assert _people(text) == people


def test_people_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="no list of numbers"):
        _people("1;2")
