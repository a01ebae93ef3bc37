"""A file of skinned Gaussians made smaller: fewer of them, a little larger, or fewer frames of their motions."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.export.skinned_splats import FORMAT
from humanav.share.value import Cut, Smaller, Way

_KEPT = ("center", "rotation", "scale", "color", "skin_index", "skin_weight", "basis")
_SLOWEST = 14.0  # frames a second that every motion keeps
_GROWN = 0.25  # how much of the lost area the others take over, as a power of the share


def splat_ways() -> tuple[Way, ...]:
    """Ways of making a file of Gaussians smaller, the mildest first."""
    return (fewer_frames, fewer_splats(0.66), shorter_motions(60.0), fewer_motions(4), fewer_splats(0.66),
            fewer_motions(1), fewer_splats(0.6), shorter_motions(15.0), fewer_splats(0.5))


def fewer_frames(data: bytes) -> Smaller | None:
    """Every second frame of motions that are fast enough."""
    arrays, metadata = unpacked(data)
    motions, changed = json.loads(metadata["motions"]), False
    for k, motion in enumerate(motions):
        if motion["fps"] < 2 * _SLOWEST or len(arrays[f"motion.{k}"]) < 8:
            continue
        motion["fps"], changed = motion["fps"] / 2, True
        for name in _of_motion(k, arrays):
            arrays[name] = arrays[name][::2]
    metadata["motions"] = json.dumps(motions)
    return (packed(arrays, metadata), "The motion has fewer moments a second here than in the full result.") \
        if changed else None


def shorter_motions(least: float) -> Cut:
    """Only the first seconds of each motion, so many at least."""

    def at(seconds: float) -> Way:
        def way(data: bytes) -> Smaller | None:
            arrays, metadata = unpacked(data)
            changed = False
            for k, motion in enumerate(json.loads(metadata["motions"])):
                keep = round(seconds * motion["fps"]) + 1
                if len(arrays[f"motion.{k}"]) > keep + motion["fps"] / 2:
                    changed = True
                    for name in _of_motion(k, arrays):
                        arrays[name] = arrays[name][:keep]
            return (packed(arrays, metadata), f"Only the first {seconds:.0f} seconds of the motion are on this page.") \
                if changed else None

        return way

    return Cut(least, at, _length)


def _length(data: bytes) -> float:
    """Seconds of the longest motion."""
    arrays, metadata = unpacked(data)
    return max((len(arrays[f"motion.{k}"]) / motion["fps"] for k, motion in enumerate(json.loads(metadata["motions"]))),
               default=0.0)


def fewer_motions(count: int) -> Way:
    """Only the first motions."""

    def way(data: bytes) -> Smaller | None:
        arrays, metadata = unpacked(data)
        motions = json.loads(metadata["motions"])
        if len(motions) <= count:
            return None
        for k in range(count, len(motions)):
            for name in _of_motion(k, arrays):
                del arrays[name]
        metadata["motions"] = json.dumps(motions[:count])
        return packed(arrays, metadata), f"This page shows {count} of the full result's motions."

    return way


def _of_motion(k: int, arrays: dict[str, NDArray[Any]]) -> list[str]:
    return [name for name in (f"motion.{k}", f"transl.{k}", f"amounts.{k}") if name in arrays]


def fewer_splats(share: float) -> Way:
    """The Gaussians that cover most, and these a little larger."""

    def way(data: bytes) -> Smaller | None:
        arrays, metadata = unpacked(data)
        count = len(arrays["center"])
        keep = round(share * count)
        if keep < 1000:
            return None
        scale = arrays["scale"].astype(np.float64)
        wide = np.sort(scale, axis=1)[:, 1:].prod(axis=1)
        rows = np.sort(np.argsort(-wide * arrays["color"][:, 3], kind="stable")[:keep])
        for name in _KEPT:
            if name in arrays:
                arrays[name] = arrays[name][rows]
        arrays["scale"] = (scale[rows] * share**-_GROWN).clip(6.2e-5, 6e4).astype(np.float16)
        total = int(metadata.get("full_count", count))
        metadata["full_count"] = str(total)
        return packed(arrays, metadata), f"{keep:,} of {total:,} Gaussians are on this page."

    return way


def unpacked(data: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Arrays and metadata of a file's bytes. Raises InputError for others."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        length = int.from_bytes(data[:8], "little")
        metadata: dict[str, str] = json.loads(data[8: 8 + length]).get("__metadata__", {})
        arrays = load(data)
        if metadata.get("format") != FORMAT or "center" not in arrays:
            raise ValueError("another format")
    except (ValueError, SafetensorError, AttributeError) as error:
        raise InputError("The Gaussians of this result are damaged: make the result again.") from error
    return arrays, metadata


def packed(arrays: dict[str, NDArray[Any]], metadata: dict[str, str]) -> bytes:
    """The file's bytes of arrays and metadata."""
    from safetensors.numpy import save

    return bytes(save({name: np.ascontiguousarray(value) for name, value in arrays.items()}, metadata))


def motion_names(data: bytes) -> list[str]:
    """Names of the motions of a file's bytes. Raises InputError for others."""
    return [str(motion["name"]) for motion in json.loads(unpacked(data)[1].get("motions", "[]"))]
