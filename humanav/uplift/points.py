"""The points that the original's protocol scores, as joints and points on the skin that follow the 22 body joints.

"fit3d26" are the SMPL-X body joints and, per hand, the last joints of thumb and little finger; "evaluation37" adds to
the body joints points of finger tips, feet and face that other data sets label. Hands are flat and the face is still,
so each point hangs rigidly on a body joint: ``p = X[j] + G[j] @ (offset + offset_dirs . betas)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from humanav.body import JOINT_INDEX, JOINT_NAMES, PARENTS, SURFACE_VERTICES
from humanav.errors import InputError

if TYPE_CHECKING:
    from humanav.body import BodyModel

BODY = JOINT_NAMES[:22]

FIT3D_26: tuple[str, ...] = (*BODY, "left_thumb3", "right_thumb3", "left_pinky3", "right_pinky3")
"""The original's 26 points, in its order."""

EVALUATION_37: tuple[str, ...] = (
    *BODY, "left_index_tip", "right_index_tip", "left_thumb_tip", "right_thumb_tip",
    "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe", "left_heel", "right_heel",
    "left_eye_skin", "right_eye_skin", "left_ear", "right_ear", "nose")
"""The second set that the original evaluates: joints, then points on the skin of hands, feet and face."""

POINT_SETS: dict[str, tuple[str, ...]] = {"fit3d26": FIT3D_26, "evaluation37": EVALUATION_37}
"""Names of the points of each set."""

_HOLDERS = {"tip": "wrist", "toe": "foot", "heel": "ankle"}


@dataclass(frozen=True)
class BodyPoints:
    """P points that follow the body joints.

    Attributes:
        names: of the points.
        joint: (P,) the body joint, 0-21, that each hangs on.
        offset: (P,3) metres from it in T-pose axes, at zero betas.
        offset_dirs: (P,3,B) its change per unit of each beta.
    """

    names: tuple[str, ...]
    joint: Tensor
    offset: Tensor
    offset_dirs: Tensor

    def __call__(self, joints: Any, rotations: Any, betas: Any = None) -> Any:
        """Where the points are; arrays in, an array out, and tensors in, a tensor out (differentiable).

        Args:
            joints: (...,22,3) or more joints, metres.
            rotations: (...,22,3,3) or more global rotations of the joints.
            betas: (...,B) shape, or None for the mean; its leading axes broadcast against those of the joints.

        Returns:
            (...,P,3) in the frame of ``joints``.
        """
        if isinstance(joints, np.ndarray):
            shape = None if betas is None else torch.from_numpy(np.asarray(betas, dtype=joints.dtype))
            turned = torch.from_numpy(np.ascontiguousarray(rotations, dtype=joints.dtype))
            return self(torch.from_numpy(joints), turned, shape).numpy()
        offset = self.offset.to(joints)
        if betas is not None:
            count = min(betas.shape[-1], self.offset_dirs.shape[-1])
            offset = offset + torch.einsum("pdb,...b->...pd", self.offset_dirs[..., :count].to(joints),
                                           betas[..., :count])
        index = self.joint.to(joints.device)
        return joints[..., index, :] + (rotations[..., index, :, :] @ offset.unsqueeze(-1)).squeeze(-1)


def body_points(name: str, body: BodyModel | None = None) -> BodyPoints:
    """The points of one set, for the built-in body or another.

    Args:
        name: "fit3d26" or "evaluation37".
        body: whose rest joints and skin say where the points are.

    Raises:
        InputError: no such set.
    """
    from humanav.body import BodyModel

    if name not in POINT_SETS:
        raise InputError(f"There is no set of points {name!r}: use {' or '.join(POINT_SETS)}.")
    return _points(name, body or BodyModel.load())


@lru_cache(maxsize=4)
def _points(name: str, body: BodyModel) -> BodyPoints:
    holders, offsets, dirs = [], [], []
    for point in POINT_SETS[name]:
        word = point.split("_")
        if point in JOINT_INDEX:
            holder = place = JOINT_INDEX[point]
            while holder > 21:
                holder = PARENTS[holder]
            template, moves = body.J_template[place], body.J_dirs[place, :, :body.num_betas]
        else:
            vertex = SURFACE_VERTICES[point.removesuffix("_skin")]
            held = _HOLDERS.get(word[-1])
            holder = JOINT_INDEX["head" if held is None else f"{word[0]}_{held}"]
            template, moves = body.v_template[vertex], body.shapedirs[vertex]
        holders.append(holder)
        offsets.append(template - body.J_template[holder])
        dirs.append(moves - body.J_dirs[holder, :, :body.num_betas])
    return BodyPoints(POINT_SETS[name], torch.tensor(holders), torch.stack(offsets), torch.stack(dirs))
