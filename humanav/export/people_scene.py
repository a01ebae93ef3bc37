"""People who share a place in one .glb: each with a body of their own, all moved by one animation, and the cameras that
saw them as wire frames.

A scene is one skin over everybody's joints, so that bodies that touch stay in step and one file may hold two scenes to
compare, such as before and after. Cameras are lines, which no program counts among the people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav import __version__
from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.export.files import whole_file
from humanav.export.gltf import SkinnedMesh, _animation, _Builder, _four_influences, _numpy, _primitive
from humanav.motion import Motion

if TYPE_CHECKING:
    from humanav.body import BodyModel

_JOINTS = len(JOINT_NAMES)
_FRUSTUM = 0.28  # metres from a camera's centre to the picture that is drawn of it
_AWAY = 1e-3  # size of a body in frames that do not show the person


@dataclass(frozen=True)
class Actor:
    """One of the people of a scene.

    Attributes:
        name: written into the file.
        motion: in the world; its ``betas`` are the body's shape.
        color: linear RGB 0..1.
        seen: (T,) frames in which the person is there; None for all.
        colors: (V,3) linear RGB of each vertex, which then are shown instead; None for one colour.
    """

    name: str
    motion: Motion
    color: Sequence[float] = (0.55, 0.62, 0.72)
    seen: NDArray[np.bool_] | None = None
    colors: NDArray[np.float32] | None = None


def write_scene_glb(
    body: BodyModel, scenes: Mapping[str, Sequence[Actor]], path: str | Path, *,
    cameras: Mapping[str, Camera] | None = None, clip: str = "motion", max_fps: float = 30.0,
) -> Path:
    """Write the people of one scene, or of several to compare, where they are in the world.

    Args:
        body: the body model of all.
        scenes: the people by the scene's name. Of several, each hangs from a node with ``extras.person``, and the
            player shows each in a view of its own.
        path: the file to write.
        cameras: by name; drawn as wire frames of 28 cm.
        clip: name of the animation.
        max_fps: faster motions are resampled to this rate.

    Raises:
        InputError: a scene without people.
        StorageError: the file cannot be written.
    """
    if not scenes or not all(len(actors) for actors in scenes.values()):
        raise InputError("There is nobody to write: give at least one motion.")
    out = _Builder()
    lists: dict[str, list[Any]] = {key: [] for key in ("nodes", "meshes", "materials", "skins")}
    moves: dict[str, list[Any]] = {"samplers": [], "channels": []}
    roots: list[int] = []
    for label, actors in scenes.items():
        roots += _scene(out, lists, moves, body, label if len(scenes) > 1 else "", actors, max_fps)
    for name, camera in (cameras or {}).items():
        roots.append(_camera(out, lists, name, camera))
    out.document |= {**lists, "scenes": [{"nodes": roots}], "animations": [{"name": clip, **moves}],
                     "extensionsUsed": ["KHR_materials_unlit"], "asset": {
                         "version": "2.0", "generator": f"humanav {__version__}", "extras": {
                             "units": "metres", "up": "+y", "skeleton": "SMPL-X joint names and order"}}}
    with whole_file(path) as temporary:
        temporary.write_bytes(out.glb())
    return Path(path)


def _scene(
    out: _Builder, lists: dict[str, list[Any]], moves: dict[str, list[Any]], body: BodyModel, label: str,
    actors: Sequence[Actor], max_fps: float,
) -> list[int]:
    """The nodes at the root of a scene of these people."""
    nodes, skin = lists["nodes"], len(lists["skins"])
    group = len(nodes)
    nodes += [{"name": label or "people"}, {"name": f"{label} bodies".strip(), "mesh": len(lists["meshes"]),
                                            "skin": skin}]
    if label:
        nodes[group]["extras"] = {"person": label}
    primitives: list[dict[str, Any]] = []
    binds: list[NDArray[np.float64]] = []
    joints: list[int] = []
    scene_roots: list[int] = []
    for number, actor in enumerate(actors):
        vertices, rest = (_numpy(x) for x in body.rest(actor.motion.betas if actor.motion.betas.size else None))
        index, weight = _numpy(body.skin_index), _numpy(body.skin_weight)
        primitive = _primitive(out, SkinnedMesh(vertices, _numpy(body.faces), rest, index, weight))
        if number:
            four = _four_influences(index, weight)[0].astype(np.uint16) + number * _JOINTS
            primitive["attributes"]["JOINTS_0"] = out.accessor(four, "VEC4", 34962, dtype=np.uint16)
        if actor.colors is not None:
            primitive["attributes"]["COLOR_0"] = out.accessor(actor.colors, "VEC3", 34962)
        plain = actor.color if actor.colors is None else (1.0, 1.0, 1.0)
        lists["materials"].append({"name": actor.name, "doubleSided": True, "pbrMetallicRoughness": {
            "baseColorFactor": [*(float(c) for c in plain), 1.0], "metallicFactor": 0.0,
            "roughnessFactor": 0.85}})
        primitives.append({**primitive, "material": len(lists["materials"]) - 1})
        rest = rest.astype(np.float64)
        bind = np.tile(np.eye(4), (_JOINTS, 1, 1))
        bind[:, :3, 3] = -rest
        binds.append(bind)
        first = len(nodes)
        for j, name in enumerate(JOINT_NAMES):
            offset = rest[j] - (rest[PARENTS[j]] if j else 0.0)
            node: dict[str, Any] = {"name": f"{label} {actor.name} {name}".strip(),
                                    "translation": [float(x) for x in offset]}
            children = [first + c for c, parent in enumerate(PARENTS) if parent == j]
            nodes.append({**node, "children": children} if children else node)
        scene_roots.append(first)
        joints += range(first, first + _JOINTS)
        _add(moves, _animation(out, "", actor.motion, rest[0], first, max_fps))
        if actor.seen is not None and not actor.seen.all():
            _add(moves, _presence(out, actor, first))
    nodes[group]["children"] = scene_roots
    inverse = out.accessor(np.concatenate(binds).transpose(0, 2, 1).reshape(-1, 16), "MAT4")
    lists["skins"].append({"name": label or "people", "inverseBindMatrices": inverse, "joints": joints})
    lists["meshes"].append({"name": label or "people", "primitives": primitives})
    return [group, group + 1]


def _add(moves: dict[str, list[Any]], more: Mapping[str, Any]) -> None:
    before = len(moves["samplers"])
    moves["samplers"] += more["samplers"]
    moves["channels"] += [{**channel, "sampler": channel["sampler"] + before} for channel in more["channels"]]


def _presence(out: _Builder, actor: Actor, root: int) -> dict[str, Any]:
    """A body that is not there shrinks to a point, at once."""
    assert actor.seen is not None
    turns = np.flatnonzero(np.r_[True, actor.seen[1:] != actor.seen[:-1]])
    sizes = np.where(actor.seen[turns], 1.0, _AWAY)[:, None].repeat(3, axis=1)
    times = turns[:, None] / actor.motion.fps
    sampler = {"input": out.accessor(times, "SCALAR"), "interpolation": "STEP",
               "output": out.accessor(sizes, "VEC3", bounds=False)}
    return {"samplers": [sampler], "channels": [{"sampler": 0, "target": {"node": root, "path": "scale"}}]}


def _camera(out: _Builder, lists: dict[str, list[Any]], name: str, camera: Camera) -> int:
    """The node of a camera's wire frame: the pyramid of its picture, and a tick that shows which side is up."""
    corners = np.array([(0, 0), (camera.width, 0), (camera.width, camera.height), (0, camera.height)], np.float64)
    seen = np.concatenate([corners, np.ones((4, 1))], axis=1) @ np.linalg.inv(camera.K).T * _FRUSTUM
    top = (seen[0] + seen[1]) / 2
    points = np.concatenate([np.zeros((1, 3)), seen, [top + 0.3 * (top - (seen[2] + seen[3]) / 2)]])
    world = (points - camera.t) @ camera.R
    lines = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1), (1, 5), (5, 2)]
    lists["materials"].append({"name": name, "extensions": {"KHR_materials_unlit": {}}, "pbrMetallicRoughness": {
        "baseColorFactor": [0.11, 0.30, 0.25, 1.0], "metallicFactor": 0.0}})
    lists["meshes"].append({"name": name, "primitives": [{
        "mode": 1, "material": len(lists["materials"]) - 1, "attributes": {"POSITION": out.accessor(world, "VEC3")},
        "indices": out.accessor(np.array(lines).ravel(), "SCALAR", dtype=np.uint16)}]})
    lists["nodes"].append({"name": name, "mesh": len(lists["meshes"]) - 1, "extras": {
        "camera": name, "center": camera.center.tolist()}})
    return len(lists["nodes"]) - 1
