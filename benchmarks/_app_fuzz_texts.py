"""Fuzz cases: motions, keypoints, calibrations, measurements and settings as text."""

from __future__ import annotations

import csv
import io
import json
import random
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import _app_fuzz_reads as reads
import numpy as np
from _app_fuzz_common import Case, Make, Read, Wants, cut, damaged, damages, made, written

DEEP, MANY = "[" * 60_000, '{"a":' * 60_000
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + k)}: &{chr(98 + k)} [{','.join(['*' + chr(97 + k)] * 9)}]\n" for k in range(9))
LAUGHS_XML = ('<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + k)} "{("&" + chr(97 + k) + ";") * 20}">' for k in range(9)) + "]><calibration>&j;"
    "</calibration>")
OUTSIDE_XML = ('<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a SYSTEM "file:///etc/passwd">]><calibration><cameras>&a;'
               "</cameras></calibration>")
_BVH = """HIERARCHY
ROOT Hips
{{
 OFFSET 0 0 0
 CHANNELS {channels} Xposition Yposition Zposition Zrotation Xrotation Yrotation
 JOINT LeftUpLeg
 {{
  OFFSET {offset} -5 0
  CHANNELS 3 Zrotation Xrotation Yrotation
  JOINT LeftLeg
  {{
   OFFSET 0 -40 0
   CHANNELS 3 Zrotation Xrotation Yrotation
   End Site
   {{
    OFFSET 0 -40 0
   }}
  }}
 }}
}}
MOTION
Frames: {frames}
Frame Time: {time}
{rows}
"""


def bvh(channels: str = "6", offset: str = "10", frames: str = "2", time: str = "0.033",
        rows: str = "0 90 0 0 0 0 1 2 3 4 5 6\n0 90 0 0 0 0 1 2 3 4 5 6") -> str:
    """A BVH file with a field of any contents."""
    return _BVH.format(channels=channels, offset=offset, frames=frames, time=time, rows=rows)


@lru_cache
def right(kind: str) -> bytes:
    """A right file of a kind, written by the package itself."""
    import tempfile

    from humanav.motion import load_clip, write_bvh

    if kind == "bvh":
        with tempfile.TemporaryDirectory() as folder:
            write_bvh(load_clip("walk")[:12], Path(folder) / "a.bvh")
            return (Path(folder) / "a.bvh").read_bytes()
    if kind == "txt":
        table = np.random.default_rng(0).normal(0, 0.1, (6, 66))
        return "\n".join(" ".join(f"{value:.4f}" for value in row) for row in table).encode()
    points = np.random.default_rng(0).uniform(10, 300, (6, 25, 3)).round(2)
    if kind == "openpose":
        return json.dumps({"people": [{"pose_keypoints_2d": points[0].ravel().tolist()}]}).encode()
    if kind == "json":
        return json.dumps({"frames": [{"people": [{"keypoints": frame.tolist()}]} for frame in points]}).encode()
    out = io.StringIO()
    csv.writer(out).writerows(points.reshape(6, -1).tolist())
    return out.getvalue().encode()


def texts() -> Iterator[Case]:
    """All kinds of text."""
    for kind in ("bvh", "txt"):
        yield Case(f"motion {kind}", written(f"file.{kind}", right(kind)), reads.motion, "read")
        yield from cut(f"motion {kind}", f"file.{kind}", lambda kind=kind: right(kind), reads.motion,
                       (0, 0.2, 0.7, 0.99))
        yield from damages(f"motion {kind}", f"file.{kind}", lambda kind=kind: right(kind), reads.motion, 15)
    for number, fields in enumerate((
            {"channels": "99999999"}, {"channels": "-3"}, {"channels": "nan"}, {"offset": "nan"}, {"offset": "1e400"},
            {"offset": "x"}, {"frames": "999999999999"}, {"frames": "-2"}, {"frames": "x"}, {"time": "0"},
            {"time": "-1"}, {"time": "nan"}, {"time": "1e-300"}, {"rows": "a b c"}, {"rows": ""}, {"rows": "nan " * 24},
            {"rows": "1e300 " * 24}, {"rows": "1 2 3"})):
        yield Case(f"motion bvh field {number}", written("file.bvh", bvh(**fields)), reads.motion, "refuse")
    yield Case("motion bvh deep", written("file.bvh", "HIERARCHY\nROOT a\n" + "{\nOFFSET 0 0 0\nJOINT b\n" * 20_000),
               reads.motion, "refuse")
    yield Case("motion bvh wide",
               written("file.bvh", "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation "
                                          "Yrotation\n" + "JOINT b\n{\nOFFSET 0 0 0\nCHANNELS 0\n}\n" * 20_000 + "}\n"
                                          "MOTION\nFrames: 1\nFrame Time: 1\n0 0 0\n"), reads.motion, "refuse")
    yield from _skeletons()
    yield from _keypoints()
    yield from _measurements()
    yield from _others()


def _skeletons() -> Iterator[Case]:
    """AMC with ASF, and mappings of joints."""
    asf = (":version 1.10\n:name x\n:units\n mass 1.0\n length 0.45\n angle deg\n:root\n order TX TY TZ RX RY RZ\n"
           " axis XYZ\n"
           " position 0 0 0\n orientation 0 0 0\n:bonedata\nbegin\n id 1\n name lfemur\n direction 0.3 -0.9 0\n"
           " length {length}\n axis {axis} XYZ\n dof rx ry rz\n limits (-160 20)\n (-70 70)\n (-60 70)\nend\n"
           ":hierarchy\nbegin\n root lfemur\n {hierarchy}\nend\n")
    amc = ":FULLY-SPECIFIED\n:DEGREES\n1\nroot 0 17 0 0 0 0\nlfemur 1 2 3\n2\nroot 0 17 0 0 0 0\nlfemur 1 2 {last}\n"
    usual = {"length": "7", "axis": "0 0 20", "hierarchy": "", "last": "3"}

    def pair(**fields: str) -> Make:
        def make(folder: Path) -> Any:
            (folder / "02.asf").write_text(asf.format(**usual | fields))
            (folder / "02_01.amc").write_text(amc.format(**usual | fields))
            return folder / "02_01.amc", folder / "02.asf", None

        return made(make)

    for number, fields in enumerate(({"length": "nan"}, {"length": "x"}, {"axis": "0 0"}, {"last": "nan"}, {"last": ""},
                                     {"hierarchy": "lfemur root"}, {"hierarchy": "lfemur lfemur"}, {"last": "1e400"},
                                     {"hierarchy": "x y"}, {"last": "3\nlfemur 1 2 3"}, {"last": "3\n-7\nroot 1"})):
        yield Case(f"motion amc {number}", pair(**fields), reads.motion, "refuse")

    def hurt(folder: Path, rng: random.Random) -> Any:
        for name, words in (("02.asf", asf), ("02_01.amc", amc)):
            (folder / name).write_bytes(damaged(words.format(**usual).encode(), rng))
        return folder / "02_01.amc", folder / "02.asf", None

    yield from (Case(f"motion amc damaged {number}", hurt, reads.motion) for number in range(12))
    yield Case("motion amc alone", written("02_01.amc", amc.format(**usual)), reads.motion, "refuse")
    yield Case("motion asf alone", written("02.asf", asf.format(**usual)), reads.motion, "refuse")

    def mapped(data: str) -> Make:
        def make(folder: Path) -> Any:
            (folder / "a.bvh").write_text(bvh())
            (folder / "map.yml").write_text(data)
            return folder / "a.bvh", None, folder / "map.yml"

        return made(make)

    for number, data in enumerate((LAUGHS, "!!python/object/apply:os.system ['true']", DEEP, MANY, "{left_hip: [1, 2]}",
                                   "{nose: x}", "- a", "{left_hip: *x}", "a: b: c", "\x00", "{left_hip: Nowhere}",
                                   "? [a]",
                                   "{1e400: .nan}", "2001-99-99: x", "<<: [1]")):
        yield Case(f"motion with mapping {number}", mapped(data), reads.motion, "refuse")


def _keypoints() -> Iterator[Case]:
    """Keypoints as JSON and CSV."""
    for kind, name in (("json", "file.json"), ("csv", "file.csv"), ("openpose", "a_keypoints.json")):
        yield Case(f"keypoints {kind}", written(name, right(kind)), reads.lifted, "read")
        yield from cut(f"keypoints {kind}", name, lambda kind=kind: right(kind), reads.lifted, (0, 0.4, 0.99))
        yield from damages(f"keypoints {kind}", name, lambda kind=kind: right(kind), reads.lifted, 14)
    yield from damages("openpose", "a_keypoints.json", lambda: right("openpose"), reads.openpose, 10)
    flat, many = [1.0] * 75, 10**400
    for number, data in enumerate((
            DEEP, MANY, "[]", "{}", "null", "1", '"a"', "NaN", "[NaN]", '{"people": {}}', '{"people": [1]}', "[[]]",
            json.dumps({"people": [{"pose_keypoints_2d": flat[:-1]}]}),
            json.dumps({"people": [{"keypoints": [many] * 51}]}),
            '{"frames": [{"people": [{"keypoints": [' + "1e999," * 50 + "1]}]}]}",
            json.dumps({"people": [{"keypoints": [True, False, None] * 17}]}),
            json.dumps({"people": [{"keypoints": ["1"] * 51}]}), json.dumps({"people": [{"keypoints": {"x": 1}}]}),
            json.dumps([{"image_id": {}, "keypoints": flat[:51]}] * 3), json.dumps([{"image_id": 1, "keypoints": "x"}]),
            json.dumps({"annotations": [{"image_id": 10**30, "keypoints": flat[:51]}], "images": [{"id": 10**30}]}),
            json.dumps({"annotations": [3], "images": "x"}), json.dumps([{"frame_id": 10**18, "people": []},
                                                                         {"frame_id": -10**18, "people": []}]),
            json.dumps([{"frame_id": k * 10**6, "people": [{"keypoints": flat[:51]}]} for k in range(3)]),
            json.dumps({"fps": "x", "width": -3, "height": True, "frames": [{"people": [{"keypoints": flat[:51]}]}]}),
            json.dumps({"frames": [{"people": [{"keypoints": flat[:51], "track_id": [[[[]]]]}]}]}),
            json.dumps({"frames": [{"people": [{"keypoints": [[k + j for j in (0, 1, 2)] for k in range(17)],
                                                "track_id": f"{t}\n\x1b"}]} for t in range(400)]}),
            '{"people": [{"keypoints": [1,2,3]}], "people": [{"keypoints": [4]}]}', "[" + "{}," * 99_999 + "{}]",
            json.dumps([[{"x": 1}] * 33]), json.dumps([[{"x": None, "y": []}] * 33]), json.dumps({"meta_info": [1]}),
            '[{"instances": [{"keypoints": [[1,2]], "keypoint_scores": [[[1]]]}]}]', "\ufeff\ufeff[1]", "[1] [2]",
            '{"keypoints": ' + "[" * 900 + "1" + "]" * 900 + "}")):
        yield Case(f"keypoints json {number}", written("file.json", data), reads.lifted)
        yield Case(f"openpose json {number}", written("a_keypoints.json", data), reads.openpose)
    for number, text in enumerate((
            "", ",", "a,b\n1", "x,y\n" * 9, "1,2,3\n" * 9, ("1," * 50 + "1\n") * 3 + "1,2\n", '"' * 99_999, "\0" * 999,
            "nan," * 33 + "nan\n", "frame,x,y\n1e400,1,1\n", "frame,person,point,x,y\n1,1,nose,nan,inf\n",
            "frame,point,x,y\n99999999999,nose,1,1\n0,nose,1,1\n", "nose_x,nose_y,nose_x\n1,2,3\n",
            "=cmd|' /C calc'!A0,1\n",
            ";".join(["1"] * 51), "\t".join(["1"] * 51), "," * 200_000)):
        yield Case(f"keypoints csv {number}", written("file.csv", text), reads.lifted)

    def folder_of(parts: dict[str, str]) -> Make:
        def make(folder: Path) -> Path:
            for name, data in parts.items():
                (folder / name).write_text(data)
            return folder

        return made(make)

    good = right("openpose").decode()
    yield Case("keypoints of a folder", folder_of({f"a_{k}_keypoints.json": good for k in range(5)}), reads.lifted,
               "read")
    yield Case("keypoints of a folder, one bad", folder_of({"a_0.json": good, "a_1.json": "{"}), reads.lifted, "refuse")
    yield Case("keypoints of a folder, far", folder_of({"a_0.json": good, f"a_{10**17}.json": good}), reads.lifted)


def _measurements() -> Iterator[Case]:
    """The page of the body shape reads JSON and CSV."""
    read = reads.measurements
    yield Case("measurements", written("a.json", '{"height": 1.7, "waist": 0.8}'), read, "read")
    for number, data in enumerate((
            "", "[]", "{}", "null", DEEP, MANY, '{"height": NaN}', '{"height": 1e999}', '{"height": -1}',
            '{"height": true}',
            '{"height": "tall"}', '{"height": [1.7]}', '{"height": null}', '{"tail": 1}', '{"": 1}', '{"height": 17}',
            '{"height": 1.7, "stature": 1.8}', '{"a": {"height": 1.7}, "b": {"height": 1.8}}', '{"a": {}}',
            "\xff\xfe\xfd",
            '{"a": {"b": {"height": 1.7}}}', json.dumps({"height": 10**400}), json.dumps({"x" * 99_999: 1}),
            '{"height": 1.7, "weight": 900}', '{"\\n\\u001b": 1}', '{"height": "\\u0663"}', '{"left": 1}',
            '{"height"')):
        yield Case(f"measurements {number}", written("a.json", data), read, "any" if number == 25 else "refuse")
    for number, data in enumerate(("height", "height,1.7,2", "height;1.7", '"' * 99_999, "\0", "height,nan",
                                   "name,value",
                                   "height,1_7", ",\n,", "h" * 200_000 + ",1")):
        yield Case(f"measurements csv {number}", written("a.csv", data), read, "refuse")
    yield from damages("measurements", "a.json", lambda: b'{"height": 1.74, "waist circumference": 0.82, "weight": 70}',
                       read, 12)


def _others() -> Iterator[Case]:
    """Settings, markers, Gaussians, cameras."""
    for number, data in enumerate((LAUGHS, "!!python/object/apply:os.system ['true']", DEEP, MANY, "a: b: c", "\0",
                                   "- 1",
                                   "model: 3", "model: {hidden: .nan}", "model: {nothing: 1}",
                                   "training: {steps: 1e400}",
                                   "data: [a]", "model: {1: 2}", "\xff", "2001-99-99: 1", "model: {? [a] : b}",
                                   "training: {steps: -5}", "training: {batch: 99999999999}")):
        for kind in ("posendf", "uplift"):
            yield Case(f"settings of {kind} {number}", written(f"{kind}.yaml", data), reads.settings,
                       "any" if number in (11, 17) else "refuse")
    trc = (b"PathFileType\t4\t(X/Y/Z)\ta.trc\nDataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\t"
           b"OrigDataRate\t"
                   b"OrigDataStartFrame\tOrigNumFrames\n30\t30\t1\t1\tm\t30\t1\t1\nFrame#\tTime\tA\n\t\tX1\tY1\tZ1\n\n"
                   b"1\t0\t1\t2\t3\n")
    yield Case("markers trc", written("a.trc", trc), reads.markers, "read")
    yield from damages("markers trc", "a.trc", lambda: trc, reads.markers, 12)
    yield from damages("markers c3d", "a.c3d", _c3d, reads.markers, 15)
    yield from cut("markers c3d", "a.c3d", _c3d, reads.markers, (0, 0.1, 0.6, 0.99))
    head = "ply\nformat {form} 1.0\nelement vertex {count}\n" + "".join(
        f"property float {name}\n" for name in ("x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0",
                                                "scale_1", "scale_2", "rot_0", "rot_1", "rot_2",
                                                "rot_3")) + "end_header\n"
    row = struct.pack("<14f", *range(1, 15))
    for number, (form, count, size) in enumerate((("binary_little_endian", "1", 56), ("ascii", "1", 56), ("x", "1", 56),
                                                  ("binary_little_endian", "-1", 56),
                                                  ("binary_little_endian", "99999999999999", 56),
                                                  ("binary_big_endian", "2", 56), ("binary_little_endian", "x", 56),
                                                  ("binary_little_endian", "1", 0))):
        wants: Wants = "read" if number == 0 else "refuse"
        yield Case(f"splats {number}", written("a.ply", head.format(form=form, count=count).encode() + row[:size]),
                   reads.splats, wants)
    yield from damages("splats", "a.ply", lambda: head.format(form="binary_little_endian", count="2").encode()
                       + row * 2, reads.splats, 12)
    _camera: Read = reads.camera
    for number, data in enumerate(("", "[]", "{}", DEEP, '{"K": "x"}', '{"K": [[1,0,0],[0,1,0],[0,0,1]], "R": 1}',
                                   '{"K": [[NaN,0,0],[0,1,0],[0,0,1]], "R": [[1,0,0],[0,1,0],[0,0,1]], "t": [0,0,0], '
                                   '"width": 9, "height": 9}', '{"K": [[5,0,4],[0,5,4],[0,0,1]], "R": [[9,0,0],[0,1,0],'
                                   '[0,0,1]], "t": [0,0,0], "width": 9, "height": 9}')):
        yield Case(f"camera {number}", written("camera.json", data), _camera, "refuse")


@lru_cache
def _c3d() -> bytes:
    import tempfile

    from humanav.export import write_c3d

    with tempfile.TemporaryDirectory() as folder:
        return Path(write_c3d(Path(folder) / "a.c3d", np.ones((4, 3, 3)), "abc", 30)).read_bytes()
