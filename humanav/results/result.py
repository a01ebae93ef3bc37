"""A :class:`Result`: the folder of a finished job, and its manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from humanav.errors import InputError
from humanav.results.licences import Licence

MANIFEST = "manifest.json"
FORMAT = 1
_MOST_BYTES = 64 << 20
"""Of a manifest. Ours hold curves and notes and stay far below."""


@dataclass(frozen=True)
class ResultFile:
    """One file of a result.

    Attributes:
        name: file name inside the folder.
        purpose: what it is, in a few words.
        opens_in: programs that open it, in words, or "".
        size: bytes.
        preview: whether it is evidence or a preview rather than something to take away.
    """

    name: str
    purpose: str
    opens_in: str = ""
    size: int = 0
    preview: bool = False


@dataclass(frozen=True)
class Result:
    """A finished job's folder.

    The fields from ``sources`` on are empty in results of older versions.

    Attributes:
        folder: where it lies.
        id: 16 hexadecimal digits, the hash of kind, inputs and options.
        kind: the job, such as ``"avatar"``.
        created: UTC time, ISO 8601.
        inputs: names and options of the inputs (plain JSON values).
        files: the files, in the order in which they were added.
        report: numbers and sentences about the result (plain JSON values).
        sources: what it was made from, by name: see :func:`humanav.results.fingerprint`; a built-in motion also has
            "clip", another result "result" and "kind" instead.
        settings: all options of the job (plain JSON values).
        versions: of humanav, Python and the packages that matter; "weights" has the ids of the weights by name.
        timings: (stage, seconds) in the order in which they were gone through.
        licences: the terms of everything that it rests on.
    """

    folder: Path
    id: str
    kind: str
    created: str
    inputs: dict[str, Any]
    files: tuple[ResultFile, ...]
    report: dict[str, Any]
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    timings: tuple[tuple[str, float], ...] = ()
    licences: tuple[Licence, ...] = ()

    def path(self, name: str) -> Path:
        """Path of the file ``name``. Raises InputError when the result has none of that name."""
        if all(file.name != name for file in self.files) or not _inside(self.folder, name):
            names = ", ".join(file.name for file in self.files)
            raise InputError(f"The result {self.id} has no file {name}; it has {names}.")
        return self.folder / name

    def has(self, name: str) -> bool:
        """Whether the result lists the file ``name``."""
        return any(file.name == name for file in self.files)

    @property
    def downloads(self) -> tuple[ResultFile, ...]:
        """The files to take away: everything that is no preview."""
        return tuple(file for file in self.files if not file.preview)

    @classmethod
    def load(cls, folder: str | Path) -> Result:
        """Read a result folder.

        Raises:
            InputError: when the folder is no result, is of a newer format, or lacks a file its manifest names.
        """
        folder = Path(folder)
        try:
            data, version = read_manifest(folder)
            if version > FORMAT:
                raise InputError(f"{folder.name} was written by a newer version of humanav: update to read it.")
            files = tuple(ResultFile(**file) for file in data["files"])
            result = cls(folder, data["id"], data["kind"], data["created"], data["inputs"], files, data["report"],
                         **_origin(data))
            _check(result)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise InputError(f"{folder.name} is not a result folder, its {MANIFEST} is missing or damaged: give the "
                             "folder that a job wrote.") from error
        missing = [file.name for file in files if not (folder / file.name).is_file()]
        if missing:
            raise InputError(f"The result {folder.name} is incomplete, {', '.join(missing)[:120]} is missing: copy "
                             "the whole folder, or make it again.")
        return result


def read_manifest(folder: Path) -> tuple[Mapping[str, Any], int]:
    """What a manifest says, and its format. Raises OSError, ValueError, KeyError and others where it is not ours."""
    path = folder / MANIFEST
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:  # a device or pipe would be read for ever
        raise ValueError("no manifest of ours is like that")
    data = json.loads(path.read_text(encoding="utf-8"))
    return data, int(data["format"])


def _origin(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that older manifests lack."""
    licences = tuple(Licence(str(item["part"]), str(item["licence"]), str(item.get("notice", "")))
                     for item in data.get("licences", ()))
    timings = tuple((str(stage), float(seconds)) for stage, seconds in data.get("timings", ()))
    return {"sources": data.get("sources", {}), "settings": data.get("settings", {}),
            "versions": data.get("versions", {}), "timings": timings, "licences": licences}


def _check(result: Result) -> None:
    """Raise TypeError or ValueError when a manifest was not written by us: nothing may lead out of its folder."""
    words = [result.id, result.kind, result.created, *(text for f in result.files for text in (f.purpose, f.opens_in))]
    objects = [result.inputs, result.report, result.sources, result.settings, result.versions, *result.sources.values()]
    if not (all(isinstance(word, str) for word in words) and all(isinstance(item, dict) for item in objects)):
        raise TypeError("a field is of another type")
    for file in result.files:
        if not (isinstance(file.name, str) and isinstance(file.size, int) and isinstance(file.preview, bool)):
            raise TypeError("a field of a file is of another type")
        if not _inside(result.folder, file.name):
            raise ValueError("a name leads out of the folder")


def _inside(folder: Path, name: str) -> bool:
    """Whether this is the plain name of a file in the folder, also when links in it are followed."""
    if not name or name in (".", "..", MANIFEST) or any(c in "/\\:\0" for c in name):
        return False
    path = folder / name
    return not path.is_symlink() or path.resolve().parent == folder.resolve()
