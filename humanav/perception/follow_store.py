"""What has been found so far, kept in chunks on the disk, so that following goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from humanav.errors import StorageError
from humanav.perception.person import Person2D
from humanav.perception.video import Video

VERSION = 1
CHUNK = 100
"""Frames in a chunk."""


@dataclass(frozen=True)
class Sighting:
    """One person in one frame.

    Attributes:
        frame: its number in the clip as read.
        track: whose (:class:`humanav.perception.follow_identity.Track`).
        person: in pixels of the clip's frames, without mask; a face holds the points of ``FACE_POINTS``.
        mask: encoded (:func:`humanav.perception.takes.encode_mask`), or None.
        evidence: what the face says of left and right (:func:`humanav.perception.people.side_evidence`).
    """

    frame: int
    track: int
    person: Person2D
    mask: bytes | None = None
    evidence: float = 0.0


class Store:
    """Chunks of sightings in a folder, or in memory when there is none.

    Args:
        folder: made when needed; chunks of another video or of other options in it are removed.
        key: what the chunks belong to, :func:`key_of`.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self._folder = None if folder is None else folder / "following"
        self._memory: list[Sighting] = []
        self._count = 0
        self.state: dict[str, Any] | None = None
        """As it was after the last whole chunk; None at the beginning."""
        if self._folder is not None:
            self._begin(self._folder, key)

    def _begin(self, folder: Path, key: str) -> None:
        named = folder / "key.txt"
        try:
            if not named.is_file() or named.read_text() != key:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True, exist_ok=True)
                named.write_text(key)
        except OSError as error:
            raise _unwritable(folder) from error
        while self._name(self._count).is_file():
            try:
                with np.load(self._name(self._count)) as chunk:
                    self.state = json.loads(str(chunk["state"]))
            except Exception:  # numpy raises many kinds for a damaged file: it is made again
                break
            self._count += 1
        for stale in sorted(folder.glob("chunk_*.npz"))[self._count:]:
            stale.unlink(missing_ok=True)

    def add(self, sightings: Sequence[Sighting], state: dict[str, Any]) -> None:
        """Keep a chunk, and the state after it (numbers, texts, lists and dicts).

        Raises:
            StorageError: it cannot be written.
        """
        if self._folder is None:
            self._memory += sightings
            return
        part = self._name(self._count).with_suffix(".part")
        try:
            with part.open("wb") as file:
                np.savez(file, state=np.array(json.dumps(state)), **_packed(sightings))
            os.replace(part, self._name(self._count))
        except OSError as error:
            raise _unwritable(part) from error
        self._count += 1
        self.state = state

    def sightings(self) -> Iterator[Sighting]:
        """Everything kept, in order."""
        yield from self._memory
        for number in range(self._count):
            with np.load(self._name(number)) as chunk:
                yield from _unpacked({name: chunk[name] for name in chunk.files if name != "state"})

    def _name(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"chunk_{number:05d}.npz"


def key_of(video: Video, options: dict[str, Any]) -> str:
    """A text that differs for another video, other frames of it, or other options."""
    files = sorted(file for file in video.path.iterdir() if file.is_file()) if video.path.is_dir() else [video.path]
    contents = [[file.name if video.path.is_dir() else "", file.stat().st_size, *_ends(file)] for file in files]
    facts = [VERSION, contents, video.fps, video.width, video.height, video.times.tolist(), options]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _ends(file: Path) -> tuple[str, str]:
    """Fingerprints of a file's first and last 64 kB."""
    with file.open("rb") as data:
        first = data.read(65536)
        data.seek(max(0, file.stat().st_size - 65536))
        return hashlib.sha256(first).hexdigest(), hashlib.sha256(data.read()).hexdigest()


def _unwritable(path: Path) -> StorageError:
    return StorageError(f"{path.name} cannot be written: check the free space and the rights of its folder.")


_PARTS = ("world", "left_hand", "right_hand", "face")


def _packed(sightings: Sequence[Sighting]) -> dict[str, np.ndarray]:
    people = [sighting.person for sighting in sightings]
    out: dict[str, np.ndarray] = {
        "frame": np.array([s.frame for s in sightings], dtype=np.int64),
        "track": np.array([s.track for s in sightings], dtype=np.int64),
        "evidence": np.array([s.evidence for s in sightings], dtype=np.float32),
        "score": np.array([p.score for p in people], dtype=np.float32),
        "layout": np.array([p.keypoint_set for p in people] or [""]),
        "masks": np.frombuffer(b"".join(s.mask or b"" for s in sightings), dtype=np.uint8),
        "mask_sizes": np.array([-1 if s.mask is None else len(s.mask) for s in sightings], dtype=np.int64)}
    if people:
        out |= {"keypoints": np.array([p.keypoints for p in people], dtype=np.float32),
                "box": np.array([p.box for p in people], dtype=np.float32)}
    for name in _PARTS:
        arrays = [getattr(p, name) for p in people]
        out[f"{name}_there"] = np.array([array is not None for array in arrays], dtype=bool)
        out[name] = np.array([array for array in arrays if array is not None], dtype=np.float32)
    return out


def _unpacked(chunk: dict[str, np.ndarray]) -> Iterator[Sighting]:
    parts = {name: iter(chunk[name]) for name in _PARTS}
    masks, place = chunk["masks"].tobytes(), 0
    for i, frame in enumerate(chunk["frame"]):
        length = int(chunk["mask_sizes"][i])
        mask = None if length < 0 else masks[place:place + length]
        place += max(length, 0)
        found = {name: next(parts[name]) if chunk[f"{name}_there"][i] else None for name in _PARTS}
        person = Person2D(chunk["keypoints"][i], str(chunk["layout"][i]), chunk["box"][i], float(chunk["score"][i]),
                          **found)
        yield Sighting(int(frame), int(chunk["track"][i]), person, mask, float(chunk["evidence"][i]))
