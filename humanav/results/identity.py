"""Hashes and plain values: what identifies a question, and what a manifest says of it."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from humanav.paths import checkpoint

_MOST_VALUES = 64
"""Longer lists of numbers are data rather than a setting; their place in a manifest says how many there were."""


def content_id(kind: str, *parts: Any) -> str:
    """16 hexadecimal digits that depend on every part: bytes, arrays, dataclasses, and plain JSON values."""
    digest = hashlib.blake2b(kind.encode(), digest_size=8)
    for part in parts:
        _feed(digest, part)
    return digest.hexdigest()


@lru_cache
def weights_id(*checkpoints: str) -> str:
    """The id of the shipped weights of these names, so that results made with other weights have other ids."""
    files = [path for name in checkpoints for path in sorted(checkpoint(name).glob("*.safetensors"))]
    return content_id("weights", *(path.read_bytes() for path in files))


def fingerprint(source: Any) -> dict[str, Any]:
    """What a manifest says of an input: its file's name and size, and the SHA-256 of its content.

    Args:
        source: a file or folder (of which hidden files, results and what is kept beside them do not count), bytes, an
            array or picture, or a value that :func:`content_id` takes, such as a Motion.

    Returns:
        "sha256", and of files "file" (the name without its folders), "bytes" and, of a folder, "files", how many.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.is_file():
            return {"file": path.name, "bytes": path.stat().st_size, "sha256": _sha256(path).hexdigest()}
        if path.is_dir():
            return _folder(path)
    digest = hashlib.sha256()
    if not isinstance(source, bytes | str | Mapping | Sequence) and not hasattr(source, "__dataclass_fields__"):
        source = np.asarray(source)
    _feed(digest, source)
    return {"sha256": digest.hexdigest()}


def plain(value: Any) -> Any:
    """A setting as a JSON value: dataclasses as objects, paths as their last name, endless numbers as words."""
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        items = list(value)
        return [plain(item) for item in items] if len(items) <= _MOST_VALUES else f"{len(items)} values"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, bool | int | str) else getattr(value, "name", str(value))


def _feed(digest: Any, part: Any) -> None:
    if isinstance(part, bytes):
        digest.update(b"b%d:" % len(part) + part)
    elif isinstance(part, np.ndarray):
        digest.update(f"a{part.dtype.str}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
    elif isinstance(part, Mapping):
        for key in sorted(part):
            digest.update(f"k{key}".encode())
            _feed(digest, part[key])
    elif isinstance(part, (list, tuple)):
        digest.update(f"l{len(part)}".encode())
        for item in part:
            _feed(digest, item)
    elif hasattr(part, "__dataclass_fields__"):
        _feed(digest, {name: getattr(part, name) for name in part.__dataclass_fields__})
    else:
        digest.update(f"v{json.dumps(part, default=str)};".encode())


def _sha256(path: Path, digest: Any = None) -> Any:
    digest = digest or hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest


def _folder(folder: Path) -> dict[str, Any]:
    digest, count, total = hashlib.sha256(), 0, 0
    for file in _files(folder):
        size = file.stat().st_size
        digest.update(f"{file.relative_to(folder).as_posix()} {size};".encode())
        _sha256(file, digest)
        count, total = count + 1, total + size
    return {"file": folder.name or folder.resolve().name, "files": count, "bytes": total, "sha256": digest.hexdigest()}


def _files(folder: Path) -> Iterator[Path]:
    from humanav.results.result import MANIFEST

    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name.startswith(".") or (item.is_symlink() and item.is_dir()):
            continue
        if item.is_file():
            yield item
        elif item.is_dir() and not item.name.endswith(".work") and not (item / MANIFEST).is_file():
            yield from _files(item)
