"""Write a skinned, textured, animated person as binary glTF 2.0 (.glb).

glTF shares the project's frame (y up, +z forward, metres), so nothing is turned: the joints of the T-pose become nodes,
a motion's rotations become quaternion channels and its root translation is ``joints[0] + transl``.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from humanav import __version__
from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.errors import InputError
from humanav.export.files import whole_file
from humanav.motion import Motion

if TYPE_CHECKING:
    from humanav.body import BodyModel

Floats = NDArray[np.float32]
Motions = Mapping[str, Motion] | Sequence[Motion] | Motion

_COMPONENT = {np.dtype(kind): code for kind, code in
              ((np.float32, 5126), (np.uint32, 5125), (np.uint16, 5123), (np.uint8, 5121))}
_VERTEX, _INDEX = 34962, 34963
_STILL = 1e-5


class Skinned(Protocol):
    """What the writer needs of an avatar; all arrays in the rest pose (T-pose), metres."""

    @property
    def vertices(self) -> NDArray[Any]: ...  # (V,3)
    @property
    def faces(self) -> NDArray[Any]: ...  # (F,3)
    @property
    def joints(self) -> NDArray[Any]: ...  # (55,3)
    @property
    def skin_index(self) -> NDArray[Any]: ...  # (V,K)
    @property
    def skin_weight(self) -> NDArray[Any]: ...  # (V,K)
    @property
    def uv(self) -> NDArray[Any] | None: ...  # (VT,2), v up
    @property
    def uv_faces(self) -> NDArray[Any] | None: ...  # (F,3)
    @property
    def texture(self) -> NDArray[Any] | None: ...  # (H,W,3) uint8


@dataclass(frozen=True)
class SkinnedMesh:
    """The plainest :class:`Skinned`: a mesh with joints and weights, with or without a texture."""

    vertices: NDArray[Any]
    faces: NDArray[Any]
    joints: NDArray[Any]
    skin_index: NDArray[Any]
    skin_weight: NDArray[Any]
    uv: NDArray[Any] | None = None
    uv_faces: NDArray[Any] | None = None
    texture: NDArray[Any] | None = None


def write_glb(
    avatar: Skinned, path: str | Path, motions: Motions = (), *, unlit: bool = True, double_sided: bool = True,
    jpeg_quality: int = 90, color: Sequence[float] = (0.8, 0.77, 0.74), max_fps: float = 30.0, name: str = "person",
    extras: Mapping[str, Any] | None = None,
) -> Path:
    """Write an avatar and its animations to one .glb file.

    Args:
        avatar: anything with the arrays of :class:`Skinned`.
        path: the file to write.
        motions: animations by name, or Motions (named by their ``name``); may be empty. Their own betas are not used:
            the avatar's joints are. Facial expressions are not exported.
        unlit: show the texture's colours as they are, right for photographed texture. Without a texture light is used.
        double_sided: draw the inside of cloth too.
        jpeg_quality: of the embedded texture, 1..95.
        color: linear RGB 0..1 when there is no texture.
        max_fps: faster motions are resampled to this rate.
        name: of the mesh node.
        extras: goes into ``asset.extras`` beside units and licence note.

    Returns:
        The path.

    Raises:
        InputError: arrays that do not fit together.
        StorageError: the file cannot be written.
    """
    mesh = _check(avatar)
    out = _Builder()
    textured = mesh.texture is not None
    primitive = _primitive(out, mesh)
    material: dict[str, Any] = {"name": "skin and clothes", "doubleSided": bool(double_sided),
                                "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.85}}
    document = out.document
    if mesh.texture is not None:
        image = out.view(_jpeg(mesh.texture, jpeg_quality))
        document["images"] = [{"name": "texture", "mimeType": "image/jpeg", "bufferView": image}]
        document["samplers"] = [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}]
        document["textures"] = [{"source": 0, "sampler": 0}]
        material["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
    else:
        material["pbrMetallicRoughness"]["baseColorFactor"] = [*(float(c) for c in color), 1.0]
    if unlit and textured:
        material["extensions"] = {"KHR_materials_unlit": {}}
        document["extensionsUsed"] = ["KHR_materials_unlit"]
    document["materials"] = [material]
    document["meshes"] = [{"name": name, "primitives": [{**primitive, "material": 0}]}]

    joints = mesh.joints.astype(np.float64)
    binds = np.tile(np.eye(4), (55, 1, 1))
    binds[:, :3, 3] = -joints
    first = 1  # node 0 is the mesh, nodes 1..55 the joints
    document["skins"] = [{"name": "skeleton", "skeleton": first, "joints": list(range(first, first + 55)),
                          "inverseBindMatrices": out.accessor(binds.transpose(0, 2, 1).reshape(55, 16), "MAT4")}]
    nodes: list[dict[str, Any]] = [{"name": name, "mesh": 0, "skin": 0}]
    for j, joint_name in enumerate(JOINT_NAMES):
        offset = joints[j] - (joints[PARENTS[j]] if j else 0.0)
        node: dict[str, Any] = {"name": joint_name, "translation": [float(x) for x in offset.astype(np.float32)]}
        children = [first + c for c, parent in enumerate(PARENTS) if parent == j]
        nodes.append({**node, "children": children} if children else node)
    document["nodes"] = nodes
    document["scenes"] = [{"nodes": [0, first]}]
    animations = [_animation(out, label, motion, joints[0], first, max_fps) for label, motion in _named(motions)]
    if animations:
        document["animations"] = animations
    document["asset"] = {
        "version": "2.0", "generator": f"humanav {__version__}",
        "extras": {"units": "metres", "up": "+y", "forward": "+z", "skeleton": "SMPL-X joint names and order",
                   "license": "The person shown and whoever took the photo hold the rights in the likeness; "
                              "humanav claims none in this file.", **(extras or {})},
    }
    with whole_file(path) as temporary:
        temporary.write_bytes(out.glb())
    return Path(path)


def write_body_glb(
    body: BodyModel, betas: Any, motions: Motions, path: str | Path, *, color: Sequence[float] = (0.55, 0.62, 0.72),
    expression: Any = None, max_fps: float = 30.0, name: str = "body",
) -> Path:
    """Write the untextured body of one shape with its animations, lit.

    Args:
        body: the body model.
        betas: (B,) shape, or None for the mean.
        motions, path, max_fps, name: as :func:`write_glb`.
        color: linear RGB 0..1.
        expression: (E,) fixed facial expression, or None.

    Raises:
        InputError, StorageError: as :func:`write_glb`.
    """
    vertices, joints = (_numpy(x) for x in body.rest(betas, expression))
    mesh = SkinnedMesh(vertices, _numpy(body.faces), joints, _numpy(body.skin_index), _numpy(body.skin_weight))
    return write_glb(mesh, path, motions, unlit=False, color=color, max_fps=max_fps, name=name)


class _Builder:
    """Collects binary data; hands out the indices of views and accessors."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {"asset": {}, "scene": 0, "accessors": [], "bufferViews": []}
        self._chunks: list[bytes] = []
        self._length = 0

    def view(self, data: bytes, target: int | None = None) -> int:
        self._chunks.append(data + b"\0" * (-len(data) % 4))
        view: dict[str, Any] = {"buffer": 0, "byteOffset": self._length, "byteLength": len(data)}
        self._length += len(self._chunks[-1])
        self.document["bufferViews"].append(view if target is None else {**view, "target": target})
        return len(self.document["bufferViews"]) - 1

    def accessor(
        self, array: NDArray[Any], kind: str, target: int | None = None, *, dtype: Any = np.float32,
        bounds: bool = True,
    ) -> int:
        values = np.ascontiguousarray(array, dtype=dtype)
        rows = values.reshape(len(values), -1)
        accessor: dict[str, Any] = {"bufferView": self.view(values.tobytes(), target), "type": kind,
                                    "componentType": _COMPONENT[values.dtype], "count": len(values)}
        if bounds:
            accessor |= {"min": rows.min(0).tolist(), "max": rows.max(0).tolist()}
        self.document["accessors"].append(accessor)
        return len(self.document["accessors"]) - 1

    def glb(self) -> bytes:
        self.document["buffers"] = [{"byteLength": self._length}]
        text = json.dumps(self.document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        body = b"".join(self._chunks)
        return b"".join((struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(body)),
                         struct.pack("<I4s", len(text), b"JSON"), text,
                         struct.pack("<I4s", len(body), b"BIN\0"), body))


def _check(avatar: Skinned) -> SkinnedMesh:
    mesh = SkinnedMesh(*(None if value is None else _numpy(value) for value in (
        avatar.vertices, avatar.faces, avatar.joints, avatar.skin_index, avatar.skin_weight, avatar.uv,
        avatar.uv_faces, avatar.texture)))  # type: ignore[arg-type]
    count = len(mesh.vertices)
    if mesh.vertices.shape != (count, 3) or not np.isfinite(mesh.vertices).all() or not count:
        raise InputError("The avatar's vertices must be finite numbers of shape (V,3).")
    if mesh.faces.ndim != 2 or not len(mesh.faces) or mesh.faces.min() < 0 or mesh.faces.max() >= count:
        raise InputError("The avatar's faces must name its vertices.")
    if mesh.joints.shape != (55, 3):
        raise InputError(f"The avatar needs 55 joints; got {mesh.joints.shape}.")
    if mesh.skin_index.shape != mesh.skin_weight.shape or len(mesh.skin_index) != count:
        raise InputError("The avatar's skinning does not have one row per vertex.")
    mapped = mesh.uv is not None and mesh.uv_faces is not None and mesh.uv_faces.shape == mesh.faces.shape
    if mesh.texture is not None and not mapped:
        raise InputError("A textured avatar needs uv and one uv_faces row per face.")
    return mesh


def _primitive(out: _Builder, mesh: SkinnedMesh) -> dict[str, Any]:
    """Attributes and indices; a vertex on a texture seam becomes one vertex per texture coordinate."""
    from humanav.render import vertex_normals

    corners = mesh.faces.astype(np.int64).ravel()
    source, texcoord = np.arange(len(mesh.vertices)), None
    if mesh.texture is not None and mesh.uv is not None and mesh.uv_faces is not None:
        pairs = corners * len(mesh.uv) + mesh.uv_faces.astype(np.int64).ravel()
        unique, corners = np.unique(pairs, return_inverse=True)
        source, texcoord = unique // len(mesh.uv), mesh.uv[unique % len(mesh.uv)] * (1, -1) + (0, 1)
    index, weight = _four_influences(mesh.skin_index, mesh.skin_weight)
    normals = vertex_normals(mesh.vertices, mesh.faces)
    attributes = {
        "POSITION": out.accessor(mesh.vertices[source], "VEC3", _VERTEX),
        "NORMAL": out.accessor(normals[source], "VEC3", _VERTEX),
        "JOINTS_0": out.accessor(index[source], "VEC4", _VERTEX, dtype=np.uint8),
        "WEIGHTS_0": out.accessor(weight[source], "VEC4", _VERTEX),
    }
    if texcoord is not None:
        attributes["TEXCOORD_0"] = out.accessor(texcoord, "VEC2", _VERTEX)
    small = len(source) < 65535
    return {"attributes": attributes,
            "indices": out.accessor(corners, "SCALAR", _INDEX, dtype=np.uint16 if small else np.uint32)}


def _four_influences(index: NDArray[Any], weight: NDArray[Any]) -> tuple[NDArray[np.uint8], Floats]:
    """The four largest weights of each vertex, summing to 1; a joint named twice is named once, an unused one is 0."""
    dense = np.zeros((len(index), 55), dtype=np.float64)
    np.add.at(dense, (np.arange(len(index))[:, None], index.astype(np.int64)), np.maximum(weight, 0))
    order = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    top = np.take_along_axis(dense, order, axis=1)
    total = top.sum(1, keepdims=True)
    if (total <= 0).any():
        raise InputError("Some of the avatar's vertices follow no joint: their skin weights sum to zero.")
    top = (top / total).astype(np.float32)
    return np.where(top > 0, order, 0).astype(np.uint8), top


def _jpeg(texture: NDArray[Any], quality: int) -> bytes:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(texture, dtype=np.uint8))
    stream = io.BytesIO()
    try:
        picture.save(stream, "JPEG", quality=quality, subsampling=0, optimize=True)
    except OSError:  # pure noise takes more than the room that Pillow sets aside for an optimised picture
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


def _named(motions: Motions) -> list[tuple[str, Motion]]:
    if isinstance(motions, Motion):
        motions = [motions]
    if isinstance(motions, Mapping):
        return list(motions.items())
    return [(motion.name or f"motion {k + 1}", motion) for k, motion in enumerate(motions)]


def _animation(
    out: _Builder, name: str, motion: Motion, pelvis: NDArray[np.float64], first: int, max_fps: float
) -> dict[str, Any]:
    if motion.fps > max_fps * 1.01 and len(motion) > 1:
        from humanav.motion import resample

        motion = resample(motion, max_fps)
    times = np.arange(len(motion)) / motion.fps
    keys = {"all": out.accessor(times[:, None], "SCALAR")}
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def add(node: int, path: str, values: NDArray[Any], kind: str) -> None:
        still = len(values) > 2 and bool((np.abs(values - values[0]) < _STILL).all())
        if still and "ends" not in keys:
            keys["ends"] = out.accessor(times[[0, -1], None], "SCALAR")
        samplers.append({"input": keys["ends" if still else "all"], "interpolation": "LINEAR",
                         "output": out.accessor(values[[0, -1]] if still else values, kind, bounds=False)})
        channels.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": path}})

    add(first, "translation", pelvis + motion.transl, "VEC3")
    quaternions = axis_angle_to_quat_xyzw(motion.full_pose)
    for j in range(55):
        if j == 0 or np.abs(quaternions[:, j, :3]).max() > _STILL:
            add(first + j, "rotation", quaternions[:, j], "VEC4")
    return {"name": name, "samplers": samplers, "channels": channels}


def axis_angle_to_quat_xyzw(rotation: NDArray[Any]) -> NDArray[np.float64]:
    """Axis-angle (T,...,3) to unit quaternions (T,...,4), x y z w, each the nearer of q and -q to the frame before."""
    rotation = np.asarray(rotation, dtype=np.float64)
    angle = np.linalg.norm(rotation, axis=-1, keepdims=True)
    quaternion = np.concatenate([rotation * 0.5 * np.sinc(angle / (2 * np.pi)), np.cos(angle / 2)], axis=-1)
    turns = np.where((quaternion[1:] * quaternion[:-1]).sum(-1) < 0, -1.0, 1.0)
    quaternion[1:] *= np.cumprod(turns, axis=0)[..., None]
    return quaternion


def _numpy(value: Any) -> NDArray[Any]:
    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
