"""A .glb file made smaller: rounded turns, a smaller texture, fewer moments of motions, fewer or shorter motions."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.share.value import Cut, Smaller, Way

_WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_FLOAT, _SHORT = 5126, 5122
_NUMBERS = {_FLOAT: np.float32, _SHORT: np.int16}
_SLOWEST = 7.0  # moments a second; fewer do not look like the motion any more
_QUALITY = 82
_FEW = 8  # moments: of fewer there is nothing to gain
_SLACK = 0.5  # seconds: a motion that is so little too long stays as it is


class Glb:
    """A .glb file taken apart: the JSON document and the bytes of its buffer views.

    Raises InputError for bytes that are none.
    """

    def __init__(self, data: bytes) -> None:
        try:
            magic, version, _ = struct.unpack_from("<4sII", data)
            length, kind = struct.unpack_from("<I4s", data, 12)
            if magic != b"glTF" or version != 2 or kind != b"JSON":
                raise ValueError("not glTF 2")
            self.document: dict[str, Any] = json.loads(data[20: 20 + length])
            body = data[28 + length:]
            self.views = [body[v.get("byteOffset", 0): v.get("byteOffset", 0) + v["byteLength"]]
                          for v in self.document.get("bufferViews", ())]
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise InputError("The 3D file of this result is damaged: make the result again.") from error

    def values(self, accessor: int) -> NDArray[Any]:
        """(N,K) numbers of an accessor, as they are stored: float32, or the int16 of :func:`rounded_turns`."""
        told = self.document["accessors"][accessor]
        width = _WIDTH[told["type"]]
        flat = np.frombuffer(self.views[told["bufferView"]], _NUMBERS[told["componentType"]], told["count"] * width,
                             told.get("byteOffset", 0))
        return flat.reshape(-1, width)

    def replace(self, accessor: int, values: NDArray[Any]) -> int:
        """A new accessor like another one with other numbers, float32 or -1..1 as int16; its index."""
        told = {k: v for k, v in self.document["accessors"][accessor].items() if k != "byteOffset"}
        told |= {"bufferView": len(self.views), "count": len(values)}
        if values.dtype == np.int16:
            told |= {"componentType": _SHORT, "normalized": True}
        if "min" in told:
            told |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        self.views.append(np.ascontiguousarray(values).tobytes())
        self.document["bufferViews"].append({"buffer": 0})
        self.document["accessors"].append(told)
        return len(self.document["accessors"]) - 1

    def pack(self) -> bytes:
        """The file again, without what nothing in it refers to."""
        document = json.loads(json.dumps(self.document))
        used = {s[key] for a in document.get("animations", ()) for s in a["samplers"] for key in ("input", "output")}
        for mesh in document.get("meshes", ()):
            for primitive in mesh["primitives"]:
                used |= {*primitive["attributes"].values(), *([primitive["indices"]] if "indices" in primitive else [])}
                used |= {index for target in primitive.get("targets", ()) for index in target.values()}
        used |= {skin["inverseBindMatrices"] for skin in document.get("skins", ()) if "inverseBindMatrices" in skin}
        accessors = {old: new for new, old in enumerate(sorted(used))}
        document["accessors"] = [document["accessors"][old] for old in accessors]
        holders = [*document["accessors"], *(i for i in document.get("images", ()) if "bufferView" in i)]
        views = {old: new for new, old in enumerate(sorted({holder["bufferView"] for holder in holders}))}
        for holder in holders:
            holder["bufferView"] = views[holder["bufferView"]]
        for animation in document.get("animations", ()):
            for sampler in animation["samplers"]:
                sampler |= {key: accessors[sampler[key]] for key in ("input", "output")}
        for mesh in document.get("meshes", ()):
            for primitive in mesh["primitives"]:
                primitive["attributes"] = {k: accessors[v] for k, v in primitive["attributes"].items()}
                if "indices" in primitive:
                    primitive["indices"] = accessors[primitive["indices"]]
                for target in primitive.get("targets", ()):
                    target |= {k: accessors[v] for k, v in target.items()}
        for skin in document.get("skins", ()):
            if "inverseBindMatrices" in skin:
                skin["inverseBindMatrices"] = accessors[skin["inverseBindMatrices"]]
        chunks, told, at = [], [], 0
        for old in views:
            data = self.views[old]
            told.append({**document["bufferViews"][old], "byteOffset": at, "byteLength": len(data)})
            chunks.append(data + b"\0" * (-len(data) % 4))
            at += len(chunks[-1])
        document |= {"bufferViews": told, "buffers": [{"byteLength": at}]}
        text = json.dumps(document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        return b"".join([struct.pack("<4sII", b"glTF", 2, 28 + len(text) + at), struct.pack("<I4s", len(text), b"JSON"),
                         text, struct.pack("<I4s", at, b"BIN\0"), *chunks])


def glb_ways(seconds: float = 60.0, clips: int = 4) -> tuple[Way, ...]:
    """Ways of making a .glb smaller, the mildest first; motions are cut to so many seconds at least and so many of
    them."""
    return (rounded_turns, smaller_texture(1024), fewer_moments(2), smaller_texture(512), fewer_moments(2),
            fewer_clips(clips), shorter(seconds), fewer_clips(1), shorter(seconds / 4))


def rounded_turns(data: bytes) -> Smaller | None:
    """Rotations over time in half the bytes: nobody sees the difference."""
    glb, made = Glb(data), dict[int, int]()
    for animation in glb.document.get("animations", ()):
        for channel in animation["channels"]:
            sampler = animation["samplers"][channel["sampler"]]
            output = sampler["output"]
            told = glb.document["accessors"][output]
            if channel["target"]["path"] != "rotation" or told["componentType"] != _FLOAT or told["count"] < _FEW:
                continue
            if output not in made:
                turns = glb.values(output).clip(-1, 1)
                made[output] = glb.replace(output, np.rint(32767 * turns).astype(np.int16))
            sampler["output"] = made[output]
    return (glb.pack(), "The motion's turns are rounded to a hundredth of a degree here.") if made else None


def smaller_texture(side: int) -> Way:
    """Textures of at most ``side`` pixels, as JPEG."""

    def way(data: bytes) -> Smaller | None:
        from PIL import Image

        glb, changed = Glb(data), False
        for image in glb.document.get("images", ()):
            if "bufferView" not in image:
                continue
            try:
                picture = Image.open(io.BytesIO(glb.views[image["bufferView"]]))
                picture.load()
            except (OSError, SyntaxError, Image.DecompressionBombError) as error:
                raise InputError("The 3D file of this result is damaged: make the result again.") from error
            if picture.mode not in ("RGB", "L") or max(picture.size) <= side:
                continue
            changed = True
            picture.thumbnail((side, side))
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=_QUALITY)
            glb.views[image["bufferView"]], image["mimeType"] = out.getvalue(), "image/jpeg"
        return (glb.pack(), f"The texture has {side} pixels a side here, fewer than in the full result.") if changed \
            else None

    return way


def fewer_moments(every: int) -> Way:
    """Only one of ``every`` moments of each motion; those between are interpolated. Slow ones stay as they are."""

    def thin(times: NDArray[np.float32]) -> NDArray[np.intp] | None:
        if len(times) < 3 * every or (len(times) - 1) / max(float(times[-1, 0] - times[0, 0]), 1e-6) < every * _SLOWEST:
            return None
        return np.unique(np.r_[np.arange(0, len(times), every), len(times) - 1])

    return _resampled(thin, "The motion has fewer moments a second here than in the full result.")


def shorter(least: float) -> Cut:
    """Only the first seconds of each motion, so many at least."""

    def at(seconds: float) -> Way:
        def cut(times: NDArray[np.float32]) -> NDArray[np.intp] | None:
            if times[-1, 0] <= seconds + _SLACK:
                return None
            if len(times) == 2:
                return np.array([0, 1])  # stands still from beginning to end: the end is set below
            return np.flatnonzero(times[:, 0] <= seconds)

        return _resampled(cut, f"Only the first {seconds:.0f} seconds of the motion are on this page.", seconds)

    return Cut(least, at, _length)


def _length(data: bytes) -> float:
    """Seconds of the longest motion."""
    glb = Glb(data)
    return max((_ends(glb, clip) for clip in glb.document.get("animations", ())), default=0.0)


def _ends(glb: Glb, clip: dict[str, Any]) -> float:
    """Seconds of a motion."""
    return max((float(glb.values(source)[-1, 0]) for source in {sampler["input"] for sampler in clip["samplers"]}),
               default=0.0)


def fewer_clips(count: int) -> Way:
    """Only the first motions."""

    def way(data: bytes) -> Smaller | None:
        glb = Glb(data)
        clips = glb.document.get("animations", [])
        if len(clips) <= count:
            return None
        glb.document["animations"] = clips[:count]
        return glb.pack(), f"This page shows {count} of the full result's motions."

    return way


def clip_names(data: bytes) -> list[str]:
    """Names of the motions in a .glb. Raises InputError for bytes that are none."""
    return [str(clip.get("name", "")) for clip in Glb(data).document.get("animations", ())]


def _resampled(
    choose: Callable[[NDArray[np.float32]], NDArray[np.intp] | None], words: str, end: float | None = None
) -> Way:
    """Keeps the rows that ``choose`` names of each linear sampler, given its times (T,1)."""

    def way(data: bytes) -> Smaller | None:
        glb, changed = Glb(data), False
        made: dict[tuple[int, int], int] = {}
        for animation in glb.document.get("animations", ()):
            if end is not None and _ends(glb, animation) <= end + _SLACK:
                continue
            for sampler in animation["samplers"]:
                source = sampler["input"]
                if sampler.get("interpolation", "LINEAR") == "CUBICSPLINE" or \
                        glb.document["accessors"][sampler["output"]]["componentType"] not in _NUMBERS:
                    continue
                times = glb.values(source)
                step = sampler.get("interpolation") == "STEP"
                rows = np.flatnonzero(times[:, 0] <= end) if step and end is not None else None if step else \
                    choose(times)
                if rows is None or not len(rows):
                    continue
                changed = True
                if (source, len(rows)) not in made:
                    kept = times[rows]
                    made[source, len(rows)] = glb.replace(source, kept if end is None else np.minimum(kept, end))
                sampler["output"] = glb.replace(sampler["output"], glb.values(sampler["output"])[rows])
                sampler["input"] = made[source, len(rows)]
        return (glb.pack(), words) if changed else None

    return way
