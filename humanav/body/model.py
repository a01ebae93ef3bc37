"""The body: shape, expression and pose to joints and skin, by linear blend skinning.

Reads the built-in ``assets/body/humanav_body.npz`` and a licensed ``SMPLX_*.npz`` alike. The semantics are those of
SMPL-X: rotations are parent-relative in the 55-joint tree from a T-pose (y up, facing +z, x to the person's left,
metres), ``transl`` is added at the end, hands are flat at zero. Own code; the smplx package is not needed.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from humanav.body.files import BodyData, read_body, write_smplx
from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.body.skinning import SkinWeights, skin
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.paths import asset


@dataclass(frozen=True)
class BodyOutput:
    """A posed body.

    Attributes:
        vertices: (B,V,3) metres, or None when only joints were asked for.
        joints: (B,55,3) metres.
        rotations: (B,55,3,3) global rotation of every joint (T-pose axes to world axes).
    """

    vertices: Tensor | None
    joints: Tensor
    rotations: Tensor


def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """(...,3) axis-angle in radians to (...,3,3); exact, with exact first derivatives, at zero too."""
    square = (axis_angle * axis_angle).sum(-1, keepdim=True)
    angle = (square + 1e-20).sqrt()
    half = torch.sinc(angle / (2 * math.pi))
    k = axis_angle * torch.sinc(angle / math.pi)
    scaled = half * math.sqrt(0.5) * axis_angle
    outer = scaled.unsqueeze(-1) * scaled.unsqueeze(-2)
    cross = k @ _CROSS.to(k)
    cosine = 1 - 0.5 * (half * half * square)
    diagonal = cosine.unsqueeze(-1) * _EYE.to(k)
    return outer + cross.unflatten(-1, (3, 3)) + diagonal


_EYE = torch.eye(3)
_CROSS = torch.tensor(  # k @ _CROSS is the matrix of "k cross", row by row
    [[0, 0, 0, 0, 0, -1, 0, 1, 0], [0, 0, 1, 0, 0, 0, -1, 0, 0], [0, -1, 0, 1, 0, 0, 0, 0, 0]], dtype=torch.float32)


class BodyModel:
    """A skinned body with shape and expression; make one with :meth:`load`. Treat it as immutable.

    Attributes:
        v_template: (V,3) tensor, the mean shape in the T-pose.
        faces: (F,3) int64 numpy.
        shapedirs: (V,3,B) tensor, metres per unit of each shape value; one unit is one standard deviation of adults.
        exprdirs: (V,3,E) tensor.
        posedirs: (V,3,486) tensor, or None when the file has none (the built-in body).
        skin_index, skin_weight: (V,K) joints and weights of each vertex, K = 4 in the built-in body.
        J_template, J_dirs: (55,3) and (55,3,B+E): joints of a shape without touching its vertices.
        parents, joint_names: the SMPL-X tree.
        expression_names: name of each expression; ARKit's in the built-in body.
        uv, uv_faces: (VT,2) float32 with v up, and (F,3) int64, numpy; None when the file has none.
        landmark_faces, landmark_barycentric: (51,) and (51,3): the 68-point face layout without its jaw line.
        mirror_vertex: (V,) numpy, each vertex's mirror image; None when the file has none.
        mean_betas: shape values of an average "man" and "woman"; empty when the file has none.
    """

    def __init__(self, data: BodyData, dtype: torch.dtype = torch.float32) -> None:
        def tensor(value: NDArray[Any]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(value)).to(dtype)

        self.dtype, self.name, self.path = dtype, data.name, data.path
        self.faces, self.uv, self.uv_faces = data.faces, data.uv, data.uv_faces
        self.landmark_faces, self.landmark_barycentric = data.landmark_faces, data.landmark_barycentric
        self.mirror_vertex, self.mean_betas = data.mirror_vertex, data.mean_betas
        self.parents, self.joint_names, self.expression_names = PARENTS, JOINT_NAMES, data.expression_names
        self.num_betas, self.num_expressions = data.shapedirs.shape[2], data.exprdirs.shape[2]
        self.v_template, self.shapedirs, self.exprdirs = (
            tensor(data.v_template), tensor(data.shapedirs), tensor(data.exprdirs))
        self.posedirs = None if data.posedirs is None else tensor(data.posedirs)
        self.J_template, self.J_dirs = tensor(data.J_template), tensor(data.J_dirs)
        self.skin_index, self.skin_weight = torch.from_numpy(data.skin_index), tensor(data.skin_weight)
        self._weights = SkinWeights(data.skin_index, data.skin_weight, dtype)
        # Expressions move part of the face only: multiplying those rows alone is several times cheaper.
        moving = np.flatnonzero(np.abs(data.exprdirs).max((1, 2)) > 0) if self.num_expressions else np.zeros(0, int)
        self._expr_rows = torch.from_numpy(moving)
        self._expr_part = tensor(data.exprdirs[moving].reshape(-1, self.num_expressions))
        self._shape_flat = self.shapedirs.reshape(-1, self.num_betas)
        self._J_shape, self._J_expression = self.J_dirs.reshape(165, -1).split(
            (self.num_betas, self.num_expressions), 1)
        self._doublings, ancestors, self._parent_index, bones = _tree()
        self._ancestors, self._bones = ancestors.to(dtype), bones.to(dtype)

    @classmethod
    def load(
        cls, path: str | Path | None = None, *, num_betas: int | None = None, num_expressions: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> BodyModel:
        """The built-in body, or the one in ``path`` (humanav's or a licensed ``SMPLX_*.npz``).

        Args:
            num_betas, num_expressions: how many to use; by default all of the built-in body's, 20 and 10 of a
                licensed file's. Asking for more than the file holds gives what it holds.

        Raises:
            BodyFileError: when the file is missing, unreadable or not a body of this format.
        """
        where = Path(path) if path is not None else asset("body", "humanav_body.npz")
        stamp = where.stat().st_mtime_ns if where.is_file() else 0
        return _load(str(where), stamp, num_betas, num_expressions, dtype)

    def to(self, device: torch.device | str) -> BodyModel:
        """The same body with its tensors on ``device``."""
        moved = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, (Tensor, SkinWeights)):
                setattr(moved, name, value.to(device))
        moved._doublings = [index.to(device) for index in self._doublings]
        return moved

    def save_smplx(self, path: str | Path) -> None:
        """Write this body as a full ``SMPLX_*.npz`` that other readers of the SMPL-X format load (some 5 MB)."""
        write_smplx(self, path)

    def rest(self, betas: ArrayLike | Tensor | None = None, expression: ArrayLike | Tensor | None = None) -> tuple[
        Tensor, Tensor
    ]:
        """T-pose vertices (V,3) and joints (55,3) of one shape and expression."""
        b, e = self._one(betas, self.num_betas, "betas"), self._one(expression, self.num_expressions, "expression")
        return self._shaped(b, e)[0], self._rest_joints(b, e)[0]

    def __call__(
        self, pose: ArrayLike | Tensor, betas: ArrayLike | Tensor | None = None,
        expression: ArrayLike | Tensor | None = None, transl: ArrayLike | Tensor | None = None, *,
        vertices: bool = True,
    ) -> BodyOutput:
        """Pose the body.

        Args:
            pose: (B,55,3) or (B,22,3) axis-angle or (B,55,3,3) or (B,22,3,3) matrices, parent-relative; the batch
                axis may be left out. 22 joints leave hands, jaw and eyes at rest.
            betas: (nb,) or (B,nb), nb up to ``num_betas``.
            expression: (ne,) or (B,ne).
            transl: (3,) or (B,3) metres, added at the end.
            vertices: False leaves the skin out, which is many times cheaper.

        Raises:
            InputError: when shapes do not fit this body.
        """
        matrices = self._pose_matrices(pose)
        b, e = self._one(betas, self.num_betas, "betas"), self._one(expression, self.num_expressions, "expression")
        shift = self._one(transl, 3, "transl")
        batch = max(len(x) for x in (matrices, b, e, shift) if x is not None)
        if any(x is not None and len(x) not in (1, batch) for x in (matrices, b, e, shift)):
            raise InputError(
                "The pose, betas, expression and transl have different batch sizes: give one of each, or equally many.")
        rest = self._rest_joints(b, e)
        rotations = self._global_rotations(matrices)
        joints = self._ancestors @ (rotations[:, self._parent_index] @ (self._bones @ rest).unsqueeze(-1)).squeeze(-1)
        rotations = rotations[:, :55]
        skin_vertices = None
        if vertices:
            shaped = self._shaped(b, e)
            if self.posedirs is not None:
                feature = (matrices[:, 1:] - _EYE.to(matrices)).flatten(1)
                shaped = shaped + (feature @ self.posedirs.flatten(0, 1).T).unflatten(1, (-1, 3))
            offset = joints - (rotations @ rest.unsqueeze(-1)).squeeze(-1)
            if shift is not None:
                offset = offset + shift.unsqueeze(1)
            skin_vertices = skin(shaped, rotations, offset, self._weights)
            skin_vertices = skin_vertices.expand(batch, -1, -1)
        if shift is not None:
            joints = joints + shift.unsqueeze(1)
        return BodyOutput(skin_vertices, joints.expand(batch, -1, -1), rotations.expand(batch, -1, -1, -1))

    def from_motion(self, motion: Motion, frames: slice | None = None, vertices: bool = True) -> BodyOutput:
        """The frames of a motion; shape values and expressions beyond this body's number are left out."""
        part = motion if frames is None else motion[frames]
        expression = part.expression[:, : self.num_expressions] if part.expression.any() else None
        return self(part.full_pose, part.betas[: self.num_betas], expression, part.transl, vertices=vertices)

    def _global_rotations(self, local: Tensor) -> Tensor:
        """(B,55,3,3) parent-relative to (B,56,3,3) global, the last the identity (the root's parent).

        Pointer doubling: each round doubles the length of chain already multiplied out, so four rounds do what eleven
        levels of the tree would, which is most of the cost at small batches.
        """
        chain = torch.cat([local, _EYE.to(local).expand(len(local), 1, 3, 3)], 1)
        for index in self._doublings:
            chain = chain[:, index] @ chain
        return chain

    def _rest_joints(self, betas: Tensor | None, expression: Tensor | None) -> Tensor:
        return self.J_template + self._linear(self._J_shape, betas) + self._linear(self._J_expression, expression)

    def _shaped(self, betas: Tensor | None, expression: Tensor | None) -> Tensor:
        shaped = self.v_template + self._linear(self._shape_flat, betas)
        if expression is None:
            return shaped
        part = self._linear(self._expr_part, expression)
        batch = max(len(shaped), len(part))
        return shaped.expand(batch, -1, -1).index_add(1, self._expr_rows, part.expand(batch, -1, -1))

    @staticmethod
    def _linear(directions: Tensor, values: Tensor | None) -> Tensor:
        """(N*3,n) directions times (B,n) values: (B,N,3)."""
        if values is None:
            return directions.new_zeros(1, 1, 3)
        return (values @ directions[:, : values.shape[1]].T).unflatten(1, (-1, 3))

    def _pose_matrices(self, pose: ArrayLike | Tensor) -> Tensor:
        p = torch.as_tensor(pose, dtype=self.dtype, device=self.v_template.device)
        is_matrix = p.dim() == 4 or (p.dim() == 3 and tuple(p.shape) in ((22, 3, 3), (55, 3, 3)))
        if p.dim() == (3 if is_matrix else 2):
            p = p.unsqueeze(0)
        if p.shape[1:] not in ((22, 3), (55, 3), (22, 3, 3), (55, 3, 3)):
            raise InputError(
                f"A pose of shape {tuple(p.shape)} does not fit: give (frames, 22 or 55, 3) axis-angle or rotation "
                "matrices (frames, 22 or 55, 3, 3).")
        matrices = p if p.dim() == 4 else axis_angle_to_matrix(p)
        if p.shape[1] == 55:
            return matrices
        return torch.cat([matrices, _EYE.to(matrices).expand(len(matrices), 33, 3, 3)], 1)

    def _one(self, value: ArrayLike | Tensor | None, width: int, name: str) -> Tensor | None:
        if value is None:
            return None
        v = torch.as_tensor(value, dtype=self.dtype, device=self.v_template.device)
        v = v.unsqueeze(0) if v.dim() == 1 else v
        if v.dim() != 2 or v.shape[1] > width or (name == "transl" and v.shape[1] != 3):
            raise InputError(f"The {name} have shape {tuple(v.shape)}; this body takes at most {width} per frame: cut "
                             "them, or load the body with more of them.")
        return v if v.shape[1] else None


def _tree() -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
    """Pointer-doubling indices (each (56,)), ancestor matrix (55,55), parents with 55 for none, bone matrix (55,55)."""
    parent = np.array([*(p if p >= 0 else 55 for p in PARENTS), 55])
    ancestors, bones = np.eye(55), np.eye(55)
    for joint, up in enumerate(PARENTS):
        if up >= 0:
            ancestors[joint] += ancestors[up]
            bones[joint, up] = -1
    doublings, pointer = [], parent
    while (pointer < 55).any():
        doublings.append(torch.from_numpy(pointer))
        pointer = pointer[pointer]
    return doublings, torch.from_numpy(ancestors), torch.from_numpy(parent[:55]), torch.from_numpy(bones)


@lru_cache(maxsize=4)
def _load(path: str, stamp: int, num_betas: int | None, num_expressions: int | None, dtype: torch.dtype) -> BodyModel:
    return BodyModel(read_body(Path(path), num_betas, num_expressions), dtype)
