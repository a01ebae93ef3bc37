"""The :class:`Avatar` value: a textured, skinned person who can be posed, saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from humanav.body.names import PARENTS
from humanav.errors import InputError, StorageError

Floats = NDArray[np.float32]
_VERSION = 1


@dataclass(frozen=True)
class Avatar:
    """One person: a mesh in the T-pose, one square texture, and the skin weights that let it follow a motion.

    Attributes:
        vertices: (V,3) float32 rest positions in metres (SMPL-X T-pose: y up, facing +z, left arm along +x).
        faces: (F,3) int32.
        uv: (VT,2) float32 texture coordinates, v up (0 = bottom row of the picture).
        uv_faces: (F,3) int32 corners of each face in ``uv``.
        texture: (S,S,3) uint8 RGB.
        skin_index: (V,4) uint8 joints, ``skin_weight``: (V,4) float32 weights that sum to 1.
        joints: (55,3) float32 rest joint positions.
        betas: (B,) float32 shape of the body underneath.
        confidence: (S,S) uint8, 255 where the texel was seen in a photo, 0 where it was filled.
        parts: name to (first, last + 1) range of ``faces``: "body", and "skirt" when one is worn.
        garments: what the person wears, see :func:`humanav.avatar.garments.describe_garments`.
        notes: sentences a visitor should read (unseen parts, ...).
        parents: (55,) parent of each joint.
    """

    vertices: Floats
    faces: NDArray[np.int32]
    uv: Floats
    uv_faces: NDArray[np.int32]
    texture: NDArray[np.uint8]
    skin_index: NDArray[np.uint8]
    skin_weight: Floats
    joints: Floats
    betas: Floats
    confidence: NDArray[np.uint8]
    parts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    garments: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    parents: tuple[int, ...] = PARENTS

    def pose(self, full_pose: ArrayLike, transl: ArrayLike = (0.0, 0.0, 0.0)) -> Floats:
        """Vertices (V,3) in a pose.

        Args:
            full_pose: (55,3) or (22,3) axis-angle, or (55,3,3) rotation matrices, parent-relative.
            transl: (3,) metres, SMPL-X's meaning: the pelvis lies at ``joints[0] + transl``.

        Raises:
            InputError: the pose has another shape or is not finite.
        """
        return skin(self.vertices, *joint_transforms(self.joints, full_pose, self.parents), self.skin_index,
                    self.skin_weight) + np.asarray(transl, dtype=np.float32).reshape(1, 3)

    def save(self, path: str | Path) -> None:
        """Write one compact npz (texture as PNG, everything else compressed). Raises StorageError when it cannot."""
        meta = {"version": _VERSION, "parts": {k: list(v) for k, v in self.parts.items()},
                "garments": dict(self.garments), "notes": list(self.notes), "parents": list(self.parents)}
        arrays = {"vertices": self.vertices, "faces": self.faces, "uv": self.uv, "uv_faces": self.uv_faces,
                  "skin_index": self.skin_index, "skin_weight": self.skin_weight, "joints": self.joints,
                  "betas": self.betas, "texture_png": _png(self.texture), "confidence_png": _png(self.confidence),
                  "meta": np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)}
        try:
            with open(path, "wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        except OSError as error:
            raise StorageError(f"The avatar cannot be written to {Path(path).name}: {error.strerror}.") from error

    @classmethod
    def load(cls, path: str | Path) -> Avatar:
        """Read an avatar written by :meth:`save`. Raises InputError when the file is not one."""
        from humanav.body.files import require_size

        try:
            require_size(path)
            with np.load(path, allow_pickle=False) as data:
                meta = json.loads(bytes(data["meta"]).decode())
                names = ("vertices", "faces", "uv", "uv_faces", "skin_index", "skin_weight", "joints", "betas")
                return cls(**{name: data[name] for name in names}, texture=_picture(data["texture_png"]),
                           confidence=_picture(data["confidence_png"]),
                           parts={k: (int(a), int(b)) for k, (a, b) in meta["parts"].items()},
                           garments=meta["garments"], notes=tuple(meta["notes"]), parents=tuple(meta["parents"]))
        except Exception as error:  # zip, zlib, numpy, JSON and the picture's reader raise a dozen kinds
            raise InputError(f"{Path(path).name} is not a saved avatar; make one with build_avatar.") from error


def joint_transforms(joints: Floats, full_pose: ArrayLike, parents: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Rotation (J,3,3) and offset (J,3) of every joint: ``x_posed = rotation @ x_rest + offset``.

    Raises InputError when the pose is not (22|55,3) axis-angle or (55,3,3) matrices of finite numbers.
    """
    pose = np.asarray(full_pose, dtype=np.float64)
    count = len(parents)
    if pose.shape == (22, 3):
        pose = np.concatenate([pose, np.zeros((count - 22, 3))])
    if pose.shape == (count, 3):
        local = _rotation_matrices(pose)
    elif pose.shape == (count, 3, 3):
        local = pose
    else:
        raise InputError(f"A pose of shape {pose.shape} does not fit this avatar: ({count}, 3) axis-angle is needed.")
    if not np.isfinite(local).all():
        raise InputError("The pose holds NaN or infinite numbers.")
    rest = np.asarray(joints, dtype=np.float64)
    rotation, position = np.empty((count, 3, 3)), np.empty((count, 3))
    for j, parent in enumerate(parents):
        if parent < 0:
            rotation[j], position[j] = local[j], rest[j]
        else:
            rotation[j] = rotation[parent] @ local[j]
            position[j] = rotation[parent] @ (rest[j] - rest[parent]) + position[parent]
    offset = position - np.einsum("jab,jb->ja", rotation, rest)
    return rotation.astype(np.float32), offset.astype(np.float32)


def skin(vertices: Floats, rotation: Floats, offset: Floats, index: NDArray[Any], weight: Floats) -> Floats:
    """Linear blend skinning of rest vertices (V,3)."""
    blend, shift = blended(rotation, offset, index, weight)
    return np.einsum("vab,vb->va", blend, vertices) + shift


def blended(rotation: Floats, offset: Floats, index: NDArray[Any], weight: Floats) -> tuple[Floats, Floats]:
    """Each vertex's blended matrix (V,3,3) and offset (V,3)."""
    full = np.concatenate([rotation.reshape(-1, 9), offset], axis=1).astype(np.float32)
    mixed = weight[:, :1] * full[index[:, 0]]
    for k in range(1, index.shape[1]):
        mixed += weight[:, k:k + 1] * full[index[:, k]]
    return mixed[:, :9].reshape(-1, 3, 3), mixed[:, 9:]


def _rotation_matrices(axis_angle: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = np.linalg.norm(axis_angle, axis=1)
    axis = axis_angle / np.maximum(angle, 1e-12)[:, None]
    skew = np.zeros((len(angle), 3, 3))
    skew[:, 0, 1], skew[:, 0, 2], skew[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    skew -= skew.transpose(0, 2, 1)
    s, c = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + s * skew + (1 - c) * (skew @ skew)


def _png(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=4)
    return np.frombuffer(buffer.getvalue(), dtype=np.uint8)


def _picture(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(data.tobytes())))
