"""Which files of a folder a job can be made from, in natural order, and what is passed over and why."""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from humanav.batch import places
from humanav.batch.kinds import Kind
from humanav.errors import InputError
from humanav.results import MANIFEST

OPENPOSE = "_keypoints.json"
_RESERVED = (places.PAGE, places.STATE)
_MOST_BYTES = 150  # of a folder's name: of 255, some are needed for what is kept beside it


@dataclass(frozen=True)
class Found:
    """What a folder holds for a job.

    Attributes:
        sources: paths of the inputs, relative to the folder, with slashes.
        passed_over: (what, why) in plain words.
    """

    sources: tuple[str, ...]
    passed_over: tuple[tuple[str, str], ...]


def natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key by which ``take2`` comes before ``take10``."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.casefold())
            for part in re.split(r"(\d+)", name) if part]


def find_sources(folder: Path, kind: Kind, *, recursive: bool = False, without: Path | None = None) -> Found:
    """Look for the inputs of a job.

    Args:
        folder: where.
        kind: the job.
        recursive: also in folders below it.
        without: a folder to leave alone: that of the results.

    Raises:
        InputError: there is no such folder, or it holds nothing for the job.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: name a folder with {kind.takes}.")
    sources: list[str] = []
    passed: list[tuple[str, str]] = []
    for path in _walk(folder, kind, recursive, without, passed):
        name = path.relative_to(folder).as_posix()
        suffix = path.suffix.lower()
        if suffix in kind.suffixes or os.path.isdir(path):
            sources.append(name)
        elif suffix not in kind.beside:
            passed.append((name, f"{kind.name} takes {kind.takes}"))
    if not sources:
        more = "" if recursive else "; --recursive looks into the folders below it too"
        raise InputError(f"{folder.name or folder} holds nothing for {kind.name}, which takes {kind.takes}{more}.")
    return Found(tuple(sorted(sources, key=natural)), tuple(passed))


def _walk(
    folder: Path, kind: Kind, recursive: bool, without: Path | None, passed: list[tuple[str, str]],
    top: Path | None = None,
) -> Iterator[Path]:
    """Files, and folders that are one input, that may be looked at."""
    top = top or folder
    try:
        entries = sorted(folder.iterdir(), key=lambda path: natural(path.name))
    except OSError as error:
        passed.append((folder.relative_to(top).as_posix(), f"it cannot be read ({error.strerror})"))
        return
    openpose = kind.name == "uplift" and any(path.name.endswith(OPENPOSE) for path in entries)
    if openpose and folder != top:
        yield folder  # one clip, a file for each frame
        return
    for path in entries:
        name = path.relative_to(top).as_posix()
        if path.name.startswith("."):
            continue
        if os.path.isdir(path):  # unlike Path's, these do not raise in a folder that may not be entered
            if without is not None and path.resolve() == without.resolve():
                continue
            if os.path.isfile(path / MANIFEST) or os.path.isdir(places.work(path)):
                passed.append((f"{name}/", "it holds results"))
            elif recursive and not path.is_symlink():
                yield from _walk(path, kind, recursive, without, passed, top)
            elif kind.name == "uplift" and any(path.glob(f"*{OPENPOSE}")):
                yield path
            else:
                passed.append((f"{name}/", "it is a link to a folder" if recursive else
                               "it is a folder: --recursive looks into it"))
        elif not os.path.isfile(path):
            passed.append((name, "it is no file, or may not be read"))
        elif openpose and path.name.endswith(OPENPOSE):
            passed.append((name, "it is one frame of a clip: put the frames of a clip into a folder of their own"))
        else:
            yield path


def folder_names(sources: Iterable[str], before: Mapping[str, str]) -> dict[str, str]:
    """A folder name for each source: its own without the ending; with it, or with a number, where that is taken.

    Args:
        sources: paths relative to the folder.
        before: {source: name} of earlier calls, which stay as they are.
    """
    wanted = dict.fromkeys(sources)
    names = {source: name for source, name in before.items() if source in wanted}
    taken = {name.casefold() for name in before.values()} | set(_RESERVED)
    for source in wanted:
        if source in names:
            continue
        path = Path(source)
        plain = _safe("_".join((*path.parts[:-1], path.stem)))
        full = _safe("_".join((*path.parts[:-1], path.stem, path.suffix.lstrip("."))))
        choices = itertools.chain((plain, full), (f"{full}_{number}" for number in itertools.count(2)))
        names[source] = next(name for name in choices if name.casefold() not in taken)
        taken.add(names[source].casefold())
    return {source: names[source] for source in wanted}


def _safe(name: str) -> str:
    """A name that every system takes for a folder, and that can stand in a link."""
    plain = re.sub(r"[^\w.()+-]+", "_", unicodedata.normalize("NFC", name.strip())).strip("._")
    return plain.encode()[:_MOST_BYTES].decode(errors="ignore").rstrip("._") or "item"
