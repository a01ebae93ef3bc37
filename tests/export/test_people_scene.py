"""People who share a place in one GLB: bodies, one animation, who is away, cameras as lines."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.export.people_scene import Actor, write_scene_glb
from humanav.motion import Motion, load_clip


def document(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    size = struct.unpack("<I", data[12:16])[0]
    return json.loads(data[20:20 + size]), data[28 + size:]


def values(path: Path, number: int) -> np.ndarray:
    told, blob = document(path)
    accessor = told["accessors"][number]
    view = told["bufferViews"][accessor["bufferView"]]
    kind = {5126: "<f4", 5123: "<u2", 5121: "u1", 5125: "<u4"}[accessor["componentType"]]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor["type"]]
    return np.frombuffer(blob, kind, accessor["count"] * width, view["byteOffset"]).reshape(-1, width)


@pytest.fixture(scope="module")
def motion() -> Motion:
    return load_clip("wave")[:6]


def test_everybody_has_joints_of_their_own(tmp_path: Path, body: BodyModel, motion: Motion) -> None:
    tall = replace(motion, betas=np.array([2.0]))
    path = write_scene_glb(body, {"all": [Actor("a", motion), Actor("b", tall, (1, 0, 0))]}, tmp_path / "people.glb")
    told, _ = document(path)
    assert len(told["skins"]) == len(told["animations"]) == 1
    assert len(told["skins"][0]["joints"]) == 2 * 55
    first, second = told["meshes"][0]["primitives"]
    assert values(path, first["attributes"]["JOINTS_0"]).max() < 55
    assert values(path, second["attributes"]["JOINTS_0"]).min() >= 55
    heights = [np.ptp(values(path, part["attributes"]["POSITION"])[:, 1]) for part in (first, second)]
    assert abs(heights[0] - heights[1]) > 0.01
    assert not any("extras" in node for node in told["nodes"])
    assert told["materials"][1]["pbrMetallicRoughness"]["baseColorFactor"] == [1.0, 0.0, 0.0, 1.0]
    roots = [node for node in told["nodes"] if node["name"].endswith("pelvis")]
    assert len(roots) == 2


def test_two_scenes_are_told_apart_and_move_together(tmp_path: Path, body: BodyModel, motion: Motion) -> None:
    path = write_scene_glb(body, {"Before": [Actor("a", motion)], "After": [Actor("a", motion)]}, tmp_path / "two.glb")
    told, _ = document(path)
    assert [node["extras"]["person"] for node in told["nodes"] if "extras" in node] == ["Before", "After"]
    targets = {channel["target"]["node"] for channel in told["animations"][0]["channels"]}
    assert targets & set(told["skins"][0]["joints"])
    assert targets & set(told["skins"][1]["joints"])


def test_who_is_away_shrinks_to_a_point(tmp_path: Path, body: BodyModel, motion: Motion) -> None:
    seen = np.array([True, True, False, False, True, True])
    path = write_scene_glb(body, {"all": [Actor("a", motion, seen=seen)]}, tmp_path / "away.glb")
    told, _ = document(path)
    animation = told["animations"][0]
    (channel,) = [c for c in animation["channels"] if c["target"]["path"] == "scale"]
    sampler = animation["samplers"][channel["sampler"]]
    assert sampler["interpolation"] == "STEP"
    assert np.allclose(values(path, sampler["input"])[:, 0] * motion.fps, [0, 2, 4])
    assert values(path, sampler["output"])[:, 0].round(2).tolist() == [1.0, 0.0, 1.0]


def test_cameras_are_lines_before_their_place(tmp_path: Path, body: BodyModel, motion: Motion) -> None:
    camera = Camera.look_at((2.0, 1.5, 3.0), (0.0, 1.0, 0.0), 640, 480)
    path = write_scene_glb(body, {"all": [Actor("a", motion)]}, tmp_path / "rig.glb", cameras={"left": camera})
    told, _ = document(path)
    (node,) = [node for node in told["nodes"] if "camera" in node.get("extras", {})]
    assert np.allclose(node["extras"]["center"], camera.center)
    (lines,) = told["meshes"][node["mesh"]]["primitives"]
    assert lines["mode"] == 1
    points = values(path, lines["attributes"]["POSITION"])
    assert np.allclose(points[0], camera.center, atol=1e-5)
    pixels, depth = camera.project(points[1:5])
    assert np.allclose(pixels, [(0, 0), (640, 0), (640, 480), (0, 480)], atol=0.1)
    assert np.allclose(depth, 0.28, atol=1e-4)


def test_colours_of_vertices_are_kept(tmp_path: Path, body: BodyModel, motion: Motion) -> None:
    count = len(body.rest(None)[0])
    colors = np.linspace(0, 1, count * 3, dtype=np.float32).reshape(count, 3)
    path = write_scene_glb(body, {"all": [Actor("a", motion, colors=colors)]}, tmp_path / "dressed.glb")
    told, _ = document(path)
    assert np.allclose(values(path, told["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"]), colors)


def test_a_scene_needs_somebody(tmp_path: Path, body: BodyModel) -> None:
    for scenes in ({}, {"all": []}):
        with pytest.raises(InputError, match="nobody"):
            write_scene_glb(body, scenes, tmp_path / "nobody.glb")
