"""Which files of a folder a job can be made from, in natural order, and what is passed over and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from humanav.batch.kinds import Kind
from humanav.errors import InputError

OPENPOSE = "_keypoints.json"
_RESERVED = ("index.html", "batch.json")


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
        if path.is_dir() or suffix in kind.suffixes:
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
        if path.is_dir():
            if without is not None and path.resolve() == without.resolve():
                continue
            if recursive and not path.is_symlink():
                yield from _walk(path, kind, recursive, without, passed, top)
            elif kind.name == "uplift" and any(path.glob(f"*{OPENPOSE}")):
                yield path
            else:
                passed.append((f"{name}/", "it is a folder: --recursive looks into it"))
        elif not path.is_file():
            passed.append((name, "it is no file"))
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
    wanted = list(sources)
    names = {source: name for source, name in before.items() if source in set(wanted)}
    taken = {name.casefold() for name in before.values()} | set(_RESERVED)
    for source in wanted:
        if source in names:
            continue
        path = Path(source)
        plain = _safe("_".join((*path.parts[:-1], path.stem)))
        full = _safe("_".join((*path.parts[:-1], path.stem, path.suffix.lstrip("."))))
        choices = [plain, full, *(f"{full}_{number}" for number in range(2, len(wanted) + len(taken) + 3))]
        names[source] = next(name for name in choices if name.casefold() not in taken)
        taken.add(names[source].casefold())
    return {source: names[source] for source in wanted}


def _safe(name: str) -> str:
    """A name that every system takes for a folder, and that can stand in a link."""
    plain = re.sub(r"[^\w.()+-]+", "_", name.strip()).strip("._") or "item"
    return plain[:80]
