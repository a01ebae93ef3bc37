"""Fuzz cases: calibrations, zips, captures, result folders and the store's records."""

from __future__ import annotations

import io
import json
import os
import random
import stat
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import _app_fuzz_reads as reads
from _app_fuzz_arrays import members
from _app_fuzz_common import Case, Make, Read, cut, damaged, damages, made, written
from _app_fuzz_pictures import encoded, film
from _app_fuzz_texts import DEEP, LAUGHS, LAUGHS_XML, MANY, OUTSIDE_XML

KINDS = ("easymocap", "pose2sim", "json", "4da", "opencv", "hi4d", "panoptic", "qualisys")
_QCA = ('<?xml version="1.0"?><calibration created="now" type="x"><cameras>' + "".join(
    f'<camera serial="{k}" model="M" viewrotation="0"><fov_video left="0" top="0" right="639" bottom="479"/>'
    f'<transform x="{1000 * k}" y="2000" z="1500" r11="1" r12="0" r13="0" r21="0" r22="0" r23="-1" r31="0" r32="1" '
    'r33="0"/><intrinsic focallength="12" sensorMinU="0" sensorMaxU="639" sensorMinV="0" sensorMaxV="479" '
    'focalLengthU="700" '
    'focalLengthV="700" centerPointU="320" centerPointV="240" skew="0" radialDistortion1="0" radialDistortion2="0" '
    'radialDistortion3="0" tangentalDistortion1="0" tangentalDistortion2="0"/></camera>' for k in (1, 2))
    + "</cameras></calibration>").encode()


@lru_cache
def rig_files(kind: str) -> dict[str, bytes]:
    """A right calibration of two cameras, as files by name."""
    import tempfile

    from humanav.camera import Camera
    from humanav.multiview.calibration import write_calibration
    from humanav.multiview.value import Rig

    if kind == "qualisys":
        return {"a.qca.txt": _QCA}
    cameras = tuple(Camera.orbit([0, 1, 0], 3.5, 80 * k, 10, 160, 120, 200) for k in range(2))
    with tempfile.TemporaryDirectory() as folder:
        files = write_calibration(Rig(("cam01", "cam02"), cameras), folder, kind)  # type: ignore[arg-type]
        return {Path(file).name: Path(file).read_bytes() for file in files}


def _files(parts: dict[str, bytes | str], give: str = "") -> Make:
    """A folder of files; the folder is given, or one of them."""
    def make(folder: Path) -> Path:
        for name, data in parts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return folder / give if give else folder

    return made(make)


def folders() -> Iterator[Case]:
    """All kinds of them."""
    yield from _calibrations()
    yield from _zips()
    yield from _captures()
    yield from _results()
    yield from _records()


def _calibrations() -> Iterator[Case]:
    """Each kind right and damaged, and files that are hostile to their parsers."""
    def hurt(kind: str) -> Make:
        def make(folder: Path, rng: random.Random) -> Path:
            files = rig_files(kind)
            chosen = rng.choice(sorted(files))
            for name, data in files.items():
                (folder / name).write_bytes(damaged(data, rng) if name == chosen else data)
            return folder

        return make

    for kind in KINDS:
        yield Case(f"calibration {kind}", lambda folder, rng, kind=kind: _files(dict(rig_files(kind)))(folder, rng),
                   reads.calibration, "read")
        yield from (Case(f"calibration {kind} damaged {number}", hurt(kind), reads.calibration) for number in range(9))
    eye = "[[1,0,0],[0,1,0],[0,0,1]]"
    for name, data in (("c.json", DEEP), ("c.json", MANY), ("c.json", '{"cameras": ' + "[{}," * 3000 + "{}"),
                       ("c.json", '{"cameras": [{"K": ' + eye + ', "R": [[NaN,0,0],[0,1,0],[0,0,1]], "t": [0,0,0]}]}'),
                       ("c.json", '{"cameras": [{"K": ' + eye + ', "R": ' + eye + ', "t": [1e999,0,0]}]}'),
                       ("c.json",
                        '{"cameras": [{"K": ' + eye + ', "R": [[0,0,0],[0,0,0],[0,0,0]], "t": [0,0,0]}] * 2}'),
                       ("c.json", '{"cameras": {"a": {"K": "' + "9" * 9999 + '"}}}'), ("c.json", "[" + "1," * 200_000),
                       ("c.json", json.dumps({"cameras": [{"K": 10**400, "R": 1, "t": 2}]})), ("c.json", "\xff\xfe"),
                       ("c.json", " " * 5_000_000), ("c.toml", "a = " + "[" * 20_000), ("c.toml", "a.b = 1\na = 2"),
                       ("c.toml", "[a]\nmatrix = [[nan, 0, 0]]\nsize = [1e400, -3]"), ("c.toml", "a=" + "{a=" * 5000),
                       ("c.toml", "[a]\nmatrix = 9223372036854775808999"), ("intri.yml", LAUGHS), ("c.yml", LAUGHS),
                       ("intri.yml", "!!python/object/apply:os.system ['true']"), ("c.yml", DEEP),
                       ("c.yml", "%YAML:1.0\n"),
                       ("c.yml", "names: [a]\nK_a: !!opencv-matrix\n   rows: 99999999\n   cols: 99999999\n   dt: d\n"
                        "   data: [1]"), ("a.qca.txt", LAUGHS_XML), ("a.qca.txt", OUTSIDE_XML),
                        ("a.qca.txt", "<a>" * 90_000),
                       ("a.qca.txt", "<calibration><cameras><camera/></cameras></calibration>"),
                       ("a.qca.txt", '<?xml version="1.0" encoding="x"?><calibration/>'), ("c.txt", "words"),
                       ("c.xml", OUTSIDE_XML)):
        yield Case(f"calibration hostile {name} {len(data)} {hash_of(data)}", _files({name: data}, name),
                   reads.calibration, "refuse")
        yield Case(f"calibration folder hostile {name} {len(data)} {hash_of(data)}", _files({name: data}),
                   reads.calibration, "refuse")


def hash_of(data: str) -> str:
    """A few digits that tell texts apart."""
    import zlib

    return f"{zlib.crc32(data.encode()):08x}"[:4]


def _zip(parts: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED, name: str = "capture.zip") -> Make:
    return lambda folder, rng: written(name, members(parts, kind))(folder, rng)


def _zips() -> Iterator[Case]:
    """Zips that would leave their folder or fill the disk."""
    small = {"videos/cam01.mp4": b"x", "videos/cam02.mp4": b"y"}
    both: tuple[tuple[str, Read], ...] = (("zip", reads.unpacked), ("capture", reads.capture))
    for title, read in both:
        for number, name in enumerate((
                "../outside/x", "../../outside/secret.txt", "/etc/x", "a/../../../x", "C:/x", "C:\\x", "..\\..\\x",
                "a/\x00b", "....//....//x/../../../../x", "a" * 300, "/".join("a" * 200), "/".join(["b" * 200] * 30),
                "a\n\x1b[2Jb/../../x", "CON/../../x", "~/x", "\u202e../x", "//server/x")):
            yield Case(f"{title}: path {number}", _zip(small | {name: b"bad"}), read,
                       "any" if number in (7, 9, 10, 11, 14, 15) else "refuse")
        for target in ("../../../outside/secret.txt", "/etc/passwd", "."):
            yield Case(f"{title}: link to {target}", made(lambda folder, target=target: _link(folder, target)), read,
                       "refuse")
        yield Case(f"{title}: bomb", lambda folder, rng: _zip({"a.mp4": bytes(150_000_000)})(folder, rng), read,
                   "refuse")
        yield Case(f"{title}: many", _zip({f"{k}.txt": b"" for k in range(3000)}), read, "any")
        yield Case(f"{title}: lies about its size", made(_liar), read, "refuse")
        yield Case(f"{title}: says it is huge", made(_huge), read, "refuse")
        yield Case(f"{title}: encrypted", made(_encrypted), read, "refuse")
        yield Case(f"{title}: twice", made(_twice), read, "refuse")
        yield Case(f"{title}: overlapping", made(_overlap), read)
        yield Case(f"{title}: in a zip", _zip({"a.zip": members(small)}), read)
        yield Case(f"{title}: a file and its folder", _zip({"a": b"1", "a/b": b"2"}), read, "refuse")
        for words, data in (("nothing", b""), ("words", b"Dear reader"), ("half", members(small)[:60]), ("empty",
                            members({})), ("rar", b"Rar!\x1a\7\0" + bytes(50)), ("odd kind", members(small).replace(
                            b"PK\1\2\x14\3\x14\0\0\0\x08", b"PK\1\2\x14\3\x14\0\0\0\x63"))):
            yield Case(f"{title}: {words}", written("capture.zip", data), read,
                       "any" if words == "odd kind" else "refuse")
        yield from damages(f"{title} zip", "capture.zip", lambda: members(small), read, 12)
        yield from cut(f"{title} zip", "capture.zip", lambda: members(small), read, (0.2, 0.9))


def _link(folder: Path, target: str) -> Path:
    path = folder / "capture.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("videos")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
        archive.writestr("videos/secret.txt", "changed")
    return path


def _liar(folder: Path) -> Path:
    """A member that unpacks to more than both its headers say."""
    data = bytearray(members({"a.mp4": bytes(9_000_000)}))
    for mark, place in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        at = data.index(mark) + place
        data[at:at + 4] = (1000).to_bytes(4, "little")
    (folder / "capture.zip").write_bytes(data)
    return folder / "capture.zip"


def _huge(folder: Path) -> Path:
    data = bytearray(members({"a.mp4": bytes(9000)}))
    at = data.index(b"PK\1\2") + 24
    data[at:at + 4] = b"\xf0\xff\xff\xff"
    (folder / "capture.zip").write_bytes(data)
    return folder / "capture.zip"


def _encrypted(folder: Path) -> Path:
    data = bytearray(members({"a.mp4": b"words"}))
    for mark, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        data[data.index(mark) + place] |= 1
    (folder / "capture.zip").write_bytes(data)
    return folder / "capture.zip"


def _twice(folder: Path) -> Path:
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(folder / "capture.zip", "w") as archive:
        warnings.simplefilter("ignore")
        for data in (b"1", b"2"):
            archive.writestr("a.mp4", data)
        archive.writestr("A.mp4", b"3")
    return folder / "capture.zip"


def _overlap(folder: Path) -> Path:
    """Many names for the same packed bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.mp4", bytes(900_000))
        first = archive.infolist()[0]
        for number in range(1, 200):
            again = zipfile.ZipInfo(f"{number}.mp4")
            for key in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(again, key, getattr(first, key))
            archive.filelist.append(again)
        archive._didModify = True  # type: ignore[attr-defined]
    (folder / "capture.zip").write_bytes(out.getvalue())
    return folder / "capture.zip"


def _captures() -> Iterator[Case]:
    """Folders and zips of videos with a calibration."""
    def capture(give: str = "", **change: Any) -> Make:
        def make(folder: Path, rng: random.Random) -> Path:
            parts: dict[str, Any] = {f"videos/cam0{k}.mp4": film() for k in (1,
                                                                             2)} | dict(rig_files("easymocap")) | change
            return _files({name: data for name, data in parts.items() if data is not None}, give)(folder, rng)

        return make

    yield Case("capture", capture(), reads.capture, "read")
    for number, change in enumerate((
            {"videos/cam02.mp4": b""}, {"videos/cam02.mp4": b"words" * 99}, {"videos/cam02.mp4": None},
            {"videos/cam01.mp4": None, "videos/cam02.mp4": None}, {"intri.yml": b""}, {"extri.yml": LAUGHS.encode()},
            {"intri.yml": None}, {"videos/cam02.mp4": encoded("jpg")}, {"second.toml": b"[a]\nmatrix = 1"},
            {"images/cam01/0.jpg": encoded("jpg")}, {"masks/cam01/0.png": b"x"}, {"videos/cam03.mp4": b"x"},
            {"videos/\u202e.mp4": b"x"}, {"extri.yml": rig_files_safe("extri.yml", b"cam02", b"cam09")})):
        yield Case(f"capture changed {number}", capture(**change), reads.capture)

    def linked(folder: Path, rng: random.Random) -> Path:
        capture()(folder, rng)
        os.symlink(folder, folder / "videos" / "more")
        os.symlink("nowhere", folder / "videos" / "cam03.mp4")
        return folder

    yield Case("capture with links", linked, reads.capture)
    yield Case("boards, none", _files({"a.txt": b"x"}), reads.boards, "refuse")
    yield Case("boards, no board", _files({f"extrinsics/cam0{k}/0.jpg": encoded("jpg") for k in (1, 2)}), reads.boards,
               "refuse")
    yield Case("boards, damaged", _files({f"extrinsics/cam0{k}/0.jpg": encoded("jpg")[:300] for k in (1, 2)}),
               reads.boards, "refuse")
    for name, data in (("actorsGT.mat", b"MATLAB 5.0" * 30), ("gt.txt", b"1 2 nan x"),
                       ("hdPose3d_stage1_coco19/body3DScene_0.json", DEEP.encode()), ("skel19_gt/0.json", b"[1]"),
                       ("joints3d_25/a.json", b"{}"), ("smpl/0.npz", b"PK\3\4"), ("smpl_gt.npz", b"x"),
                       ("hdPose3d_stage1_coco19/body3DScene_0.json", b'{"bodies": [{"id": "x", "joints19": [1, 2]}]}')):
        yield Case(f"data set {name} {len(data)}", _files({name: data, "cameras/rgb_cameras.npz": b"x"}), reads.dataset,
                   "refuse")


def rig_files_safe(name: str, old: bytes, new: bytes) -> bytes:
    """A file of EasyMocap's calibration with a name exchanged."""
    return rig_files("easymocap")[name].replace(old, new)


def manifest(*files: Any, **change: Any) -> dict[str, Any]:
    """A result's manifest."""
    return {"format": 1, "id": "0123456789abcdef", "kind": "avatar", "created": "2026-01-01T00:00:00Z", "inputs": {},
            "files": [{"name": file, "purpose": "x"} if isinstance(file, str) else file for file in files],
            "report": {}} | change


def _results() -> Iterator[Case]:
    """Result folders that somebody hands on."""
    def folder_of(said: Any, **parts: bytes) -> Make:
        def make(folder: Path) -> Path:
            home = folder / "result"
            home.mkdir()
            (home / "manifest.json").write_text(said if isinstance(said, str) else json.dumps(said))
            for name, data in ({"a_glb": b"x"} | parts).items():
                (home / name.replace("_", ".", 1)).write_bytes(data)
            (folder / "beside.txt").write_text("x")
            return home

        return made(make)

    yield Case("result", folder_of(manifest("a.glb")), reads.result, "read")
    for name in ("../beside.txt", "../../../../outside/secret.txt", "/etc/passwd", "./../beside.txt", "", ".", "..",
                 "a.glb/../../beside.txt", "~/x", "a\0b", "manifest.json/../../beside.txt", "a" * 999,
                 "..\\beside.txt"):
        for title, read in (("result", reads.result), ("tracked", reads.tracked), ("moved", reads.moved)):
            yield Case(f"{title} with a file {name[:40]!r}", folder_of(manifest(name, "a.glb")), read, "refuse")
    for number, said in enumerate(("", "[]", "{}", "null", DEEP, MANY, manifest(format=99), manifest(format="x"),
                                   manifest(files=3), manifest(files=[3]),
                                   manifest(files=[{"name": 3, "purpose": "x"}]),
                                   manifest(files=[{"name": ["a"], "purpose": {}}]), manifest(files=[{"what": 1}]),
                                   manifest(id=3), manifest(kind=[1]), manifest(inputs=3), manifest(report="x"),
                                   manifest(created=1e300), manifest(files=[{"name": "a.glb", "purpose": "x",
                                                                             "size": "x"}]),
                                   manifest(id="../../x"), manifest(format=1e999), manifest("gone.glb"),
                                   '{"files": ' + "1" * 20_000 + "}")):
        yield Case(f"result manifest {number}", folder_of(said), reads.result, "any" if number == 19 else "refuse")
        yield Case(f"moved manifest {number}", folder_of(said), reads.moved, "refuse")

    def hurt(folder: Path, rng: random.Random) -> Path:
        folder_of(manifest("a.glb"))(folder, rng)
        path = folder / "result" / "manifest.json"
        path.write_bytes(damaged(path.read_bytes(), rng))
        return folder / "result"

    yield from (Case(f"result damaged {number}", hurt, reads.result) for number in range(12))

    def linked(folder: Path) -> Path:
        home = folder_of(manifest("a.glb", "b.glb"))(folder, random.Random())
        os.symlink("../beside.txt", home / "b.glb")
        return home

    yield Case("result with a link", made(linked), reads.result, "refuse")
    take = {"person_id": 1, "suffix": "", "start": 0, "frames": 5}
    for number, told in enumerate(({}, {"takes": []}, {"takes": [take]}, {"takes": [take | {"suffix": "/../../../x"}]},
                                   {"takes": [take | {"start": 10**9}]}, {"takes": [take | {"start": "x"}]},
                                   {"takes": {"a": take}}, {"takes": [3]}, [], {"takes": [take | {"part": "x"}]},
                                   {"takes": [take | {"part": 10**6}]}, {"takes": [take | {"part": -3}]})):
        yield Case(f"tracked told {number}", folder_of(manifest("track.json", "motion.npz", "camera.json",
                                                                kind="track"),
                   track_json=json.dumps(told).encode(), motion_npz=b"x", camera_json=b"{}"), reads.tracked, "refuse")
    for name in ("avatar.npz", "gaussian.npz"):
        yield Case(f"moved with a bad {name}", folder_of(manifest("avatar.npz", name), **{name.replace(".", "_"): b"x"}
                                                         | {"avatar_npz": b"PK\3\4"}), reads.moved, "refuse")


def _records() -> Iterator[Case]:
    """What a store holds, when its disk was damaged or somebody wrote into it."""
    good = {"id": "a" * 26, "owner": "o" * 32, "tab": "photo", "kind": "avatar", "title": "x", "created": 1e9,
            "opened": 4e9, "state": "done", "values": {}, "note": "", "worker": "", "size": 1}
    for number, change in enumerate(({}, {"id": "../../x"}, {"id": 3}, {"state": "x"}, {"state": []}, {"values": 3},
                                     {"opened": "x"}, {"opened": 1e999}, {"created": None}, {"worker": 3},
                                     {"worker": "a:b:c", "state": "running"}, {"worker": "::", "state": "running"},
                                     {"worker": "x:99999999999999:1", "state": "running"}, {"owner": []}, {"title": 3},
                                     {"size": "x"}, {"values": {"a": {"file": "../../../x"}}}, {"more": 1})):
        yield Case(f"record {number}", written("record.json", json.dumps(good | change)), reads.record,
                   "read" if number in (10, 11, 12) else "refuse")
    for number, data in enumerate(("", "[]", "null", DEEP, "\xff")):
        yield Case(f"record text {number}", written("record.json", data), reads.record, "refuse")
    yield from damages("record", "record.json", lambda: json.dumps(good).encode(), reads.record, 8)
