"""A manifest says what a result was made from, how, by what, in which time and under which terms."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.motion import load_clip
from humanav.paths import asset, checkpoint
from humanav.progress import Progress
from humanav.results import MANIFEST, Licence, Result, ResultWriter, fingerprint, licence_of, plain
from humanav.results.licences import LICENCES
from tests.manifests import check_origin


@dataclass(frozen=True)
class Options:
    size: int = 3
    end: float = float("inf")
    folder: Path = Path("a") / "b.mp4"
    names: tuple[str, ...] = ("x", "y")


def make(target: Path, sources: dict[str, Any], parts: tuple[str, ...] = (), settings: Any = None) -> Result:
    progress = Progress(2)
    with ResultWriter(target, "test", "0", {}) as writer:
        writer.tell(progress, settings=settings, sources=sources, parts=parts)
        progress.next("First")
        time.sleep(0.02)
        progress.next("Second")
        writer.add("note.txt", "a note").write_text("hello")
    return writer.result


def test_everything_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(b"picture")
    result = make(tmp_path / "out", {"photo": tmp_path / "mine.jpg", "motion": "walk", "none": None},
                  ("body", "lift", "pose_landmark_heavy"), Options())
    check_origin(result, ["First", "Second"], ["Built-in body", "Your own inputs", "Built-in motions"])
    assert result.sources["photo"] == {"file": "mine.jpg", "bytes": 7, "sha256": hashlib.sha256(b"picture").hexdigest()}
    assert result.sources["motion"]["clip"] == "walk"
    assert set(result.sources) == {"photo", "motion"}
    assert result.settings == {"size": 3, "end": "inf", "folder": "b.mp4", "names": ["x", "y"]}
    assert set(result.versions["weights"]) == {"lift", "pose_landmark_heavy"}
    assert result.timings[0][1] >= 0.02
    assert "mocap.cs.cmu.edu" in next(one.notice for one in result.licences if one.part == licence_of("lift").part)


def test_samples_are_known_for_what_they_are(tmp_path: Path) -> None:
    shutil.copy(asset("samples", "dress.jpg"), tmp_path / "dress.jpg")
    assert [one.part for one in make(tmp_path / "a", {"photo": tmp_path / "dress.jpg"}).licences] == [
        licence_of("samples").part]
    (tmp_path / "dress.jpg").write_bytes(b"another picture of this name")
    assert [one.licence for one in make(tmp_path / "b", {"photo": tmp_path / "dress.jpg"}).licences] == ["yours"]


def test_a_result_made_from_another_keeps_its_licences(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(b"picture")
    first = make(tmp_path / "a", {"photo": tmp_path / "mine.jpg"}, ("body", "lift"))
    second = make(tmp_path / "b", {"avatar": first}, ("posendf",))
    assert {one.part for one in first.licences} < {one.part for one in second.licences}
    assert second.sources == {"avatar": {"result": "0", "kind": "test"}}
    assert set(second.versions["weights"]) == {"lift", "posendf"}


def test_an_older_manifest_is_read(tmp_path: Path) -> None:
    folder = make(tmp_path / "out", {}).folder
    data = json.loads((folder / MANIFEST).read_text())
    for name in ("sources", "settings", "versions", "timings", "licences"):
        del data[name]
    (folder / MANIFEST).write_text(json.dumps(data))
    old = Result.load(folder)
    assert (old.sources, old.settings, old.versions, old.timings, old.licences) == ({}, {}, {}, (), ())
    assert make(tmp_path / "next", {"avatar": old}).licences == (licence_of("yours"),)


def test_a_fingerprint_depends_on_the_content_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "x.txt").write_text("x")
        (tmp_path / name / ".hidden").write_text(name)
    first, second = fingerprint(tmp_path / "a"), fingerprint(tmp_path / "b")
    assert first["sha256"] == second["sha256"]
    assert first["files"] == 1
    (tmp_path / "b" / "deep" / "x.txt").write_text("y")
    assert fingerprint(tmp_path / "b")["sha256"] != first["sha256"]
    values = [np.zeros((2, 2, 3), np.uint8), np.ones((2, 2, 3), np.uint8), b"x", "no such file", load_clip("walk"),
              load_clip("wave"), {"nose": 1}]
    assert len({fingerprint(value)["sha256"] for value in values}) == len(values)
    assert plain(np.arange(100)) == "100 values"
    assert plain({"a": np.float32(2)}) == {"a": 2.0}


def test_every_part_has_terms_and_its_weights_are_there() -> None:
    assert all(isinstance(one, Licence) and one.part and one.licence for one in LICENCES.values())
    assert all(checkpoint(name).is_dir() for one in LICENCES.values() for name in one.weights)
    told = {name.partition("/")[0] for one in LICENCES.values() for name in one.weights}
    assert told == {path.name for path in checkpoint().iterdir() if path.is_dir()}


HOSTILE: list[Any] = [
    "../../secret.txt", "/etc/passwd", "..", ".", "", "a/b.txt", "a\\b.txt", "C:x", "a\0b", MANIFEST, 3, None, ["x"]]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: Any) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    folder = make(tmp_path / "in" / "out", {}).folder
    data = json.loads((folder / MANIFEST).read_text())
    data["files"][0]["name"] = name
    (folder / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(InputError, match="damaged"):
        Result.load(folder)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    result = make(tmp_path / "out", {})
    result.path("note.txt").unlink()
    (result.folder / "note.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(InputError, match="damaged"):
        Result.load(result.folder)
    with pytest.raises(InputError, match="has no file"):
        result.path("note.txt")


@pytest.mark.parametrize("change", [
    {"files": 3}, {"files": [3]}, {"files": [{"name": "note.txt"}]}, {"id": 3}, {"inputs": []}, {"report": None},
    {"sources": {"a": 3}}, {"timings": [[1]]}, {"licences": ["x"]}, {"format": "x"}, {"format": [1]},
    {"settings": "x"}, {"files": [{"name": "note.txt", "purpose": "a", "size": "9"}]}])
def test_a_manifest_of_other_types_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = make(tmp_path / "out", {}).folder
    data = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(data | change))
    with pytest.raises(InputError, match="damaged"):
        Result.load(folder)


@pytest.mark.parametrize("text", ["[" * 100_000, "\ud800", "", "[]", "null", "{\"format\": 1e999}"])
def test_a_manifest_of_other_text_is_refused(tmp_path: Path, text: str) -> None:
    folder = make(tmp_path / "out", {}).folder
    (folder / MANIFEST).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError, match="damaged"):
        Result.load(folder)
