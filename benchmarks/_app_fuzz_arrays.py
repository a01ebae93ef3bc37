"""Fuzz cases: npz, npy and pickles, as motions, keypoints, avatars, cameras, body models and data sets."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import _app_fuzz_reads as reads
import numpy as np
from _app_fuzz_common import Case, Read, Runs, Wants, cut, damages, made, written

READERS: dict[str, Read] = {
    "motion": reads.motion, "dance": reads.dance, "keypoints": reads.lifted, "calibration": reads.calibration,
    "avatar": reads.avatar, "gaussians": reads.gaussians, "body": reads.body, "data": reads.numbers_of}
_NAMES = {"calibration": "rgb_cameras.npz"}


def npz(**arrays: Any) -> bytes:
    """An npz file; objects are pickled."""
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def npy(array: Any) -> bytes:
    """An npy file; objects are pickled."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def header(shape: str, kind: str = "'<f8'", order: str = "False", data: bytes = b"") -> bytes:
    """An npy file with any header."""
    words = f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}"
    words += " " * (63 - (len(words) + 10) % 64) + "\n"
    return b"\x93NUMPY\1\0" + len(words).to_bytes(2, "little") + words.encode("latin1", "replace") + data


def members(parts: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of any members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def arrays() -> Iterator[Case]:
    """All kinds of array files."""
    pose = np.random.default_rng(1).normal(0, 0.1, (20, 66))
    seen = np.random.default_rng(1).uniform(10, 300, (9, 17, 3))
    whole = {"motion": {"poses": pose, "trans": pose[:, :3], "mocap_framerate": np.array(30.0)},
             "keypoints": {"keypoints": seen}}
    for name, parts in whole.items():
        yield Case(f"{name} npz", written("file.npz", npz(**parts)), READERS[name], "read")
        yield from cut(f"{name} npz", "file.npz", lambda parts=parts: npz(**parts), READERS[name], (0, 0.3, 0.98))
        yield from damages(f"{name} npz", "file.npz", lambda parts=parts: npz(**parts), READERS[name], 12)
        yield from damages(f"{name} npy", "file.npy", lambda parts=parts: npy(next(iter(parts.values()))),
                           READERS[name], 10)
    yield from _anywhere()
    yield from _motions(pose)
    yield from _keypoints(seen)
    yield from _pickles(pose)


def _anywhere() -> Iterator[Case]:
    """Files that no reader of arrays may take."""
    keys = ("poses", "keypoints", "meta", "vertices", "v_template", "intrinsics", "positions_2d", "skeleton", "ids",
            "extrinsics", "dist_coeffs")
    bad: dict[str, bytes] = {
        "pickle": npz(**{key: np.array([Runs()], dtype=object) for key in keys}),
        "object": members({f"{key}.npy": header("(5,)", "'|O'", data=pickle.dumps(Runs())) for key in keys}),
        "huge header": members({f"{key}.npy": header("(999999999999, 66)") for key in keys}),
        "negative header": members({f"{key}.npy": header("(-5, 66)") for key in keys}),
        "code in header": members({f"{key}.npy": header("(5, __import__('os').getpid())") for key in keys}),
        "deep header": members({f"{key}.npy": header("(" * 3000 + ")" * 3000) for key in keys}),
        "odd kind": members({f"{key}.npy": header("(5, 66)", "'<V8'", data=bytes(9999)) for key in keys}),
        "fields": members({f"{key}.npy": header("(5,)", "[('a', '<f8'), ('b', '|O')]", data=bytes(999))
                           for key in keys}),
        "paths": members({f"../../../outside/{key}.npy": npy(np.zeros((5, 66))) for key in keys}),
        "no arrays": members({f"{key}.npy": b"words" for key in keys}),
        "empty": members({}), "twice": members({"poses": b"", "poses.npy": b"x"}),
        "not a zip": b"PK\3\4" + bytes(400), "words": b"Dear reader, " * 90, "nothing": b"",
        "zeros": npz(**{key: np.zeros(0) for key in keys}),
        "texts": npz(**{key: np.array("words") for key in keys}),
        "complex": npz(**{key: np.zeros((5, 66), complex) for key in keys}),
        "NaN": npz(**{key: np.full((5, 66), np.nan) for key in keys}),
        "bytes": npz(**{key: np.frombuffer(b"[[[[{{", np.uint8) for key in keys}),
        "deep meta": npz(**{key: np.frombuffer(b"[" * 90_000, np.uint8) for key in keys}),
    }
    for title, read in READERS.items():
        for words, data in bad.items():
            wants: Wants = "any" if title in ("data", "body") or words in ("texts", "twice") else "refuse"
            yield Case(f"{title}: {words}", written(_NAMES.get(title, "file.npz"), data), read, wants)
        yield Case(f"{title}: bomb", made(lambda folder, title=title: _bomb(folder, title)), read, "refuse")


@lru_cache
def _packed() -> bytes:
    """Many names for one array of nothing that unpacks to 800 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("poses.npy", "w", force_zip64=True) as member:
            member.write(header("(100000000,)"))
            for _ in range(200):
                member.write(bytes(4_000_000))
        first = archive.infolist()[0]
        for key in ("keypoints", "vertices", "meta", "v_template", "shapedirs", "intrinsics", "means"):
            again = zipfile.ZipInfo(f"{key}.npy")
            for part in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(again, part, getattr(first, part))
            archive.filelist.append(again)
    return out.getvalue()


def _bomb(folder: Path, title: str) -> Path:
    path = folder / _NAMES.get(title, "file.npz")
    path.write_bytes(_packed())
    return path


def _motions(pose: Any) -> Iterator[Case]:
    """Motions that mean nothing, and odd ones that are right."""
    read = reads.motion
    many = np.zeros((250_000, 66), np.float32)
    for words, parts in {
            "17 joints": {"poses": pose[:, :51]}, "no frames": {"poses": pose[:0]},
            "infinite": {"poses": pose + np.inf},
            "too long": {"poses": many}, "of words": {"poses": np.full((5, 66), "a")},
            "of numbers of other kinds": {"poses": np.zeros((5, 66), "M8[s]")},
            "NaN rate": {"poses": pose, "fps": np.array(np.nan)},
            "rate of words": {"poses": pose, "fps": np.array("x")},
            "rate 0": {"poses": pose, "fps": np.array(0.0)}, "rate -30": {"poses": pose, "fps": np.array(-30.0)},
            "rate 1e300": {"poses": pose, "fps": np.array(1e300)},
            "rate 1e-300": {"poses": pose, "fps": np.array(1e-300)},
            "NaN shape": {"poses": pose, "betas": np.full(10, np.nan)},
            "short path": {"poses": pose, "trans": pose[:3, :3]}, "scalar": {"poses": np.array(1.0)},
            "five axes": {"poses": np.zeros((2, 22, 3, 3, 3))}, "no rotation": {"rotations": np.ones((5, 24, 3, 3))},
            "of positions": {"poses": np.tile(np.random.default_rng(0).normal(0, 1, 66), (9, 1))
                             + np.linspace(0, 2, 9)[:, None]}}.items():
        yield Case(f"motion {words}", written("file.npz", npz(**parts)), read,
                   "any" if words in ("rate 1e300", "rate 1e-300", "rate 0", "of positions") else "refuse")
    huge = {"poses": pose * 1e30}, {"poses": pose, "trans": np.full((20, 3), 1e300)}, \
        {"poses": pose, "betas": np.full(10, 1e30)}, {"poses": pose, "betas": np.zeros(100_000)}, \
        {"poses": pose, "smpl_scaling": np.array(1e-300), "trans": pose[:, :3]}, \
        {"poses": pose, "expression": np.zeros((20, 100_000))}, {"poses": pose,
                                                                 "confidence": np.full((20, 55), np.nan)}, \
        {"poses": pose, "name": np.array("../../x\n\x00<script>"), "person_id": np.array("\x1b[2J" * 99)}, \
        {"poses": pose, "trans": pose[:, :3], "up_axis": np.array("q")}, {"quats": np.zeros((9, 24, 4))}, \
        {"poses": np.where(pose > 0, pose, np.nan)}, {"poses": pose.astype(np.float16)}, \
        {"poses": (pose * 100).astype(np.int8)}, {"poses": np.zeros((1, 165))}
    for number, parts in enumerate(huge):
        yield Case(f"motion odd {number}", written("file.npz", npz(**parts)), read)
        yield Case(f"dance odd {number}", written("file.npz", npz(**parts)), reads.dance)
    for words, shape in (("text", "(5, 66"), ("huge", "(99999999, 66)"), ("deep", "(" * 9000), ("none", "()")):
        yield Case(f"motion npy header {words}", written("file.npy", header(shape)), read, "refuse")


def _keypoints(seen: Any) -> Iterator[Case]:
    """Keypoints that mean nothing, and odd ones that are right."""
    for number, parts in enumerate((
            {"keypoints": seen[:, :5]}, {"keypoints": seen[:0]}, {"keypoints": seen + np.inf},
            {"keypoints": np.full((5, 17, 3), "a")}, {"keypoints": np.zeros((5, 17, 3))},
            {"keypoints": np.zeros((5, 999, 17, 3))}, {"a": seen, "b": seen}, {"keypoints": np.array(3.0)},
            {"keypoints": np.zeros((5, 17, 9))}, {"keypoints": np.zeros((30_000, 17, 3)) + 1},
            {"positions_2d": np.array({"S1": {"walk": [seen[..., :2]]}}, dtype=object)},
            {"positions_2d": np.array({"S1": Runs()}, dtype=object)})):
        yield Case(f"keypoints odd {number}", written("file.npz", npz(**parts)), reads.lifted)
    for words, points in (("far", seen * 1e30), ("tiny", seen * 1e-30), ("negative", -seen), ("NaN", seen * np.nan),
                          ("sure 1e9", seen * (1, 1, 1e9)), ("half NaN", np.where(seen > 100, seen, np.nan)),
                          ("NaN rate", None), ("no size", None)):
        parts = {"keypoints": seen, "fps": np.array(np.nan)} if words == "NaN rate" else \
            {"keypoints": seen, "width": np.array(-5), "height": np.array(1e300)} if words == "no size" else \
            {"keypoints": points}
        yield Case(f"keypoints {words}", written("file.npz", npz(**parts)), reads.lifted)


def _pickles(pose: Any) -> Iterator[Case]:
    """Pickles of data sets: numbers are read, code is not."""
    read = reads.numbers_of
    yield Case("pickle of numbers", written("file.pkl", pickle.dumps({"poses": pose, "n": [1, 2.0, "a"]})), read,
               "read")
    for protocol in range(6):
        yield Case(f"pickle of code {protocol}", written("file.pkl", pickle.dumps([Runs()], protocol)), read, "refuse")
    yield from damages("pickle", "file.pkl", lambda: pickle.dumps({"poses": pose, "n": [1, 2.0, "a"]}), read, 15)
    for number, data in enumerate((
            b"cos\nsystem\n(S'true'\ntR.", b"cbuiltins\neval\n(S'1'\ntR.", b"cnumpy\nload\n(S'/etc/passwd'\ntR.",
            b"cnumpy.core.multiarray\n_reconstruct\n(cbuiltins\ntype\n(I0\ntS'b'\ntR.", b"(lp0\n" * 60_000,
            b"\x80\4\x95" + b"\xff" * 8, b"\x80\4B\xff\xff\xff\x7fabc.", b"\x80\4\x8e" + b"\xff" * 7 + b"\x7fabc.",
            b"\x80\5\x96" + b"\xff" * 6 + b"\0\0abc.", b"q\xff" * 9, b"\x80\4r\xff\xff\xff\x7f.", b"]" * 99_999 + b".",
            b"\x80\4I" + b"9" * 20_000 + b"\n.", b"\x80\4\x8b" + b"\xff\xff\xff\x7f", b"", b".", b"N.",
            b"cnumpy\ndtype\n(S'O8'\ntR.",
            b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'O8'\ntRS'abcdefgh'\ntR.")):
        yield Case(f"pickle hostile {number}", written("file.pkl", data), read,
                   "any" if number in (11, 16, 17, 18) else "refuse")

    def avatarpose(folder: Path) -> Path:
        from humanav.multiview.avatarpose_reading import read_avatarpose  # noqa: F401 (it is what reads it)

        (folder / "cameras").mkdir()
        (folder / "smpl_init").mkdir()
        (folder / "smpl_init" / "smpl.npz").write_bytes(npz(human_0=np.array({"betas": Runs()}, dtype=object)))
        return folder

    yield Case("data set with code", made(avatarpose), reads.dataset, "refuse")
    meta = json.dumps({"parts": {}, "garments": {}, "notes": [], "parents": [-1]}).encode()
    for number, (count, index) in enumerate(((4, 9), (4, -9), (0, 0), (4, 10**9))):
        parts = {"vertices": np.zeros((count, 3)), "faces": np.full((2, 3), index), "uv": np.zeros((count, 2)),
                 "uv_faces": np.full((2, 3), index), "skin_index": np.zeros((count, 4), int),
                 "skin_weight": np.zeros((count, 4)), "joints": np.zeros((1, 3)), "betas": np.zeros(3),
                 "texture_png": np.zeros(9, np.uint8), "confidence_png": np.zeros(9, np.uint8),
                 "meta": np.frombuffer(meta, np.uint8)}
        yield Case(f"avatar of wrong numbers {number}", written("avatar.npz", npz(**parts)), reads.avatar, "refuse")
