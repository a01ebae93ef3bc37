"""``humanav avatar``: a photo as before, and the commands of a subject."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from humanav import cli, jobs
from humanav.jobs import subject_evaluate, subject_show, subject_train
from humanav.jobs import track as track_job
from humanav.results import Result, ResultFile


def run(*words: Any) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(word) for word in words])
    return int(stop.value.code or 0)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Any, ...]]:
    """Every job is replaced by one that notes how it was called."""
    seen: list[tuple[Any, ...]] = []

    def job(name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Result:
            seen.append((name, args, kwargs))
            return Result(tmp_path, "0" * 16, name, "", {}, (ResultFile("a.ply", "It", size=9),),
                          {"table": "PSNR", "conditions": "white"})
        return call

    monkeypatch.setattr(jobs, "photo_to_avatar", job("photo"))
    monkeypatch.setattr(subject_train, "train_subject", job("train"))
    monkeypatch.setattr(subject_train, "train_stages", lambda *_: ("one",))
    monkeypatch.setattr(track_job, "track_video", job("track"))
    for name in ("compare_subject", "neutral_subject", "move_subject"):
        monkeypatch.setattr(subject_show, name, job(name))
    monkeypatch.setattr(subject_evaluate, "evaluate_subject", job("evaluate"))
    return seen


def test_a_photo_makes_an_avatar_as_before(calls: list[tuple[Any, ...]], tmp_path: Path) -> None:
    for words in (["me.jpg", "--motion", "dance", "--out", "there"], ["--motion", "dance", "me.jpg", "--out", "there"],
                  ["photo", "me.jpg", "--motion", "dance", "--out", "there"]):
        assert run("avatar", *words) == 0
        name, (photo,), options = calls.pop()
        assert (name, photo, options["motion"], options["out"]) == ("photo", Path("me.jpg"), "dance", Path("there"))
    run("avatar", "./train", "--json")  # a photo whose name is a command's
    assert calls.pop()[1] == (Path("train"),)


def test_a_photo_makes_a_gaussian_avatar_when_asked(
    calls: list[tuple[Any, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("avatar", "me.jpg", "--gaussian", "--minutes", "0.5", "--clip", tmp_path, "--person", "2b") == 0
    made = calls.pop()[2]["gaussian"]
    assert (made.minutes, made.clip, made.person) == (0.5, str(tmp_path), "2b")
    run("avatar", "me.jpg", "--gaussian")
    assert calls.pop()[2]["gaussian"] == jobs.GaussianOptions()
    run("avatar", "me.jpg")
    assert calls.pop()[2]["gaussian"] is None
    for words, says in ((("--minutes", "3"), "--minutes is for"), (("--minutes", "0"), "--minutes is for"),
                        (("--clip", tmp_path), "add --gaussian"), (("--gaussian", "--person", "2"), "add --clip"),
                        (("--gaussian", "--minutes", "0"), "not possible")):
        assert run("avatar", "me.jpg", *words) == 2
        assert says in capsys.readouterr().err
    assert calls == []


def test_help_tells_of_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("avatar", "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    for word in ("humanav avatar PHOTO", "photo", "train", "test", "neutral", "animate", "evaluate", "weights"):
        assert word in text
    assert run("avatar", "me.jpg", "--help") == 0
    assert "--swap-sides" in capsys.readouterr().out
    assert run("avatar", "train") == 2  # no subject


def test_training_is_asked_for_as_the_options_say(calls: list[tuple[Any, ...]], tmp_path: Path) -> None:
    assert run("avatar", "train", "--subject", "ann", "--root", tmp_path, "--photo", "ann.jpg", "--minutes", "0.5",
               "--generator", "teacher", "--height", "1.7", "--out", tmp_path / "out") == 0
    _, (subject, source, training), options = calls.pop()
    assert (subject.folder, source.photo, source.track) == (tmp_path / "ann", Path("ann.jpg"), None)
    assert (training.minutes, training.full, training.generator) == (0.5, False, "teacher")
    assert source.options.height == 1.7
    assert options["out"] == tmp_path / "out"
    run("avatar", "train", "--subject", "ann", "--full")
    training = calls.pop()[1][2]
    assert (training.minutes, training.full, training.settings().steps) == (None, True, 6000)


def test_a_clip_is_tracked_first(
    calls: list[tuple[Any, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("avatar", "train", "--subject", "ann", "--video", "a.mp4", "--person", "2", "--out", tmp_path) == 0
    (tracked, (clip,), options), (_, (_, source, _), _) = calls
    assert (tracked, clip, options["out"]) == ("track", Path("a.mp4"), tmp_path / "ann" / "track")
    assert options["options"].people == (2,)
    assert (source.track, source.person) == (tmp_path, "2")
    assert run("avatar", "train", "--subject", "ann", "--video", "a.mp4", "--photo", "b.jpg") == 2
    assert "one of" in capsys.readouterr().err


def test_a_stopped_training_says_that_it_can_go_on(
    calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subject_train, "train_subject", stop)
    assert run("avatar", "train", "--subject", "ann") == 2
    assert "goes on" in capsys.readouterr().err


def test_the_other_commands_reach_their_jobs(
    calls: list[tuple[Any, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    who = ("--subject", "ann", "--root", tmp_path)
    assert run("avatar", "test", *who) == 0
    assert run("avatar", "neutral", *who, "--views", "4", "--size", "64") == 0
    assert run("avatar", "animate", *who, "--motion", "wave", "--use_bkg") == 0
    assert run("avatar", "evaluate", *who, "--dataset", "neuman", "--data", "bike", "--every", "2", "--no-fit") == 0
    assert "PSNR" in capsys.readouterr().out
    assert [name for name, _, _ in calls] == ["compare_subject", "neutral_subject", "move_subject", "evaluate"]
    assert calls[1][2]["views"] == 4
    assert (calls[2][1][1], calls[2][2]["use_background"]) == ("wave", True)
    testing = calls[3][1][1]
    assert (testing.dataset, testing.data, testing.every, testing.fit) == ("neuman", Path("bike"), 2, False)
    assert run("avatar", "evaluate", *who, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["id"] == "0" * 16
    for words in (("neutral", "--views", "0"), ("evaluate", "--every", "0"), ("test", "--subject", "../ann")):
        assert run("avatar", *words, *(() if "--subject" in words else who)) == 2


def test_the_field_of_weights_is_made_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from humanav.avatar.gaussian import weights

    monkeypatch.setenv("HUMANAV_CACHE", str(tmp_path))
    monkeypatch.setattr(weights, "_FIELDS", {})
    plain = weights.diffuse
    monkeypatch.setattr(weights, "diffuse", lambda body, cell, steps: plain(body, 0.08, 2))
    told = []
    for _ in range(2):
        assert run("avatar", "weights", "--json") == 0
        told.append(json.loads(capsys.readouterr().out))
    assert [t["made"] for t in told] == [True, False]
    assert told[0]["joints"] == 22
    assert Path(told[0]["path"]).parent == tmp_path
    assert run("avatar", "weights") == 0
    assert "was there" in capsys.readouterr().out


def test_a_finished_track_is_not_made_again(
    calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from humanav.cli import avatar

    (tmp_path / "track").mkdir()
    monkeypatch.setattr(track_job, "track_id", lambda *_: "f" * 16)
    monkeypatch.setattr(Result, "load", lambda folder: SimpleNamespace(id="f" * 16))
    assert avatar._tracked(Path("a.mp4"), "", tmp_path) == tmp_path / "track"
    assert calls == []
