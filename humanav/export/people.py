"""Several bodies that move together in one .glb: before and after, one way and another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav import __version__
from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.errors import InputError
from humanav.export.files import whole_file
from humanav.export.gltf import SkinnedMesh, _animation, _Builder, _numpy, _primitive
from humanav.motion import Motion

if TYPE_CHECKING:
    from humanav.body import BodyModel

_JOINTS = len(JOINT_NAMES)


@dataclass(frozen=True)
class Companion:
    """One of several bodies in a scene.

    Attributes:
        motion: what it does.
        color: linear RGB 0..1.
    """

    motion: Motion
    color: Sequence[float] = (0.55, 0.62, 0.72)


def write_people_glb(
    body: BodyModel, betas: Any, people: Mapping[str, Companion], path: str | Path, *, clip: str = "motion",
    spacing: float = 1.2, max_fps: float = 30.0,
) -> Path:
    """Write bodies of one shape side by side, all moved by one animation, so that they stay in step in any program.

    Each body hangs from a node with its name and ``extras.person``; the player shows each in a view of its own. The
    mesh is stored once.

    Args:
        body: the body model.
        betas: (B,) shape, or None for the mean.
        people: name to body, from the left (-x) to the right of the picture.
        path: the file to write.
        clip: name of the animation.
        spacing: metres between neighbours.
        max_fps: faster motions are resampled to this rate.

    Raises:
        InputError: there is nobody.
        StorageError: the file cannot be written.
    """
    if not people:
        raise InputError("There is nobody to write: give at least one motion.")
    vertices, joints = (_numpy(x) for x in body.rest(betas))
    mesh = SkinnedMesh(vertices, _numpy(body.faces), joints, _numpy(body.skin_index), _numpy(body.skin_weight))
    out = _Builder()
    primitive = _primitive(out, mesh)
    joints = joints.astype(np.float64)
    binds = np.tile(np.eye(4), (_JOINTS, 1, 1))
    binds[:, :3, 3] = -joints
    inverse = out.accessor(binds.transpose(0, 2, 1).reshape(_JOINTS, 16), "MAT4")
    offsets = [float(joints[j, k] - (joints[PARENTS[j], k] if j else 0.0)) for j in range(_JOINTS) for k in range(3)]
    lists: dict[str, list[Any]] = {key: [] for key in ("nodes", "meshes", "materials", "skins")}
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []
    stride = _JOINTS + 2  # a group, its mesh, its joints
    for k, (label, person) in enumerate(people.items()):
        first = k * stride + 2
        lists["materials"].append({"name": label, "doubleSided": True, "pbrMetallicRoughness": {
            "baseColorFactor": [*(float(c) for c in person.color), 1.0], "metallicFactor": 0.0,
            "roughnessFactor": 0.85}})
        lists["meshes"].append({"name": label, "primitives": [{**primitive, "material": k}]})
        lists["skins"].append({"name": label, "skeleton": first, "inverseBindMatrices": inverse,
                               "joints": list(range(first, first + _JOINTS))})
        place = (k - (len(people) - 1) / 2) * spacing
        lists["nodes"] += [{"name": label, "translation": [place, 0.0, 0.0], "extras": {"person": label},
                            "children": [first]},
                           {"name": f"{label} body", "mesh": k, "skin": k}]
        for j, joint_name in enumerate(JOINT_NAMES):
            node: dict[str, Any] = {"name": f"{label} {joint_name}", "translation": offsets[3 * j: 3 * j + 3]}
            children = [first + c for c, parent in enumerate(PARENTS) if parent == j]
            lists["nodes"].append({**node, "children": children} if children else node)
        moves = _animation(out, clip, person.motion, joints[0], first, max_fps)
        channels += [{**channel, "sampler": channel["sampler"] + len(samplers)} for channel in moves["channels"]]
        samplers += moves["samplers"]
    scene = [node for k in range(len(people)) for node in (k * stride, k * stride + 1)]
    out.document |= {**lists, "scenes": [{"nodes": scene}],
                     "animations": [{"name": clip, "samplers": samplers, "channels": channels}],
                     "asset": {"version": "2.0", "generator": f"humanav {__version__}", "extras": {
                         "units": "metres", "up": "+y", "forward": "+z", "skeleton": "SMPL-X joint names and order"}}}
    with whole_file(path) as temporary:
        temporary.write_bytes(out.glb())
    return Path(path)
