"""The same person with another body shape: clothes, hair and texture stay, the body underneath changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from humanav.avatar.avatar import Avatar, Floats
from humanav.body import BodyModel
from humanav.errors import InputError

_NEIGHBOURS = 12  # body vertices that a vertex of a skirt follows
_SOLE = 0.015  # metres above the lowest point of the bare body: what belongs to the soles
_STRAY = 2.0  # percent of a sole's vertices that may be anywhere


def reshaped(avatar: Avatar, betas: ArrayLike, body: BodyModel) -> Avatar:
    """The avatar on a body of another shape.

    Every vertex keeps its place relative to the body under it: it moves by as much as the body's own surface does
    between the two shapes, in the T-pose. A skirt follows the hips and legs it hangs over.

    Args:
        avatar: made on ``body``.
        betas: (B,) the new shape; values beyond the body's number are left out.
        body: the body model the avatar was made with.

    Raises:
        InputError: the avatar was made on another body.
    """
    wanted = np.asarray(betas, dtype=np.float32).reshape(-1)[: body.num_betas]
    old = _bare(avatar, body)
    new, joints = _rest(body, wanted)
    moved = new - old
    if len(avatar.vertices) > len(old):
        moved = np.concatenate([moved, _followed(avatar, moved)])
    return replace(avatar, vertices=(avatar.vertices + moved).astype(np.float32), joints=joints, betas=wanted)


def sole_depth(avatar: Avatar, body: BodyModel) -> float:
    """How far in metres the avatar's soles lie below those of the bare body, in the T-pose.

    The few lowest vertices do not count: a stray one would lift the whole person off the floor.

    Raises InputError when the avatar was made on another body.
    """
    bare = _bare(avatar, body)
    soles = bare[:, 1] < bare[:, 1].min() + _SOLE
    low, worn = (np.percentile(height[soles], _STRAY) for height in (bare[:, 1], avatar.vertices[: len(bare), 1]))
    return float(low - worn)


def _bare(avatar: Avatar, body: BodyModel) -> Floats:
    """The body (V,3) under the avatar, in the T-pose."""
    vertices, joints = _rest(body, avatar.betas[: body.num_betas])
    if len(avatar.vertices) < len(vertices) or len(avatar.joints) != len(joints):
        raise InputError("This avatar was made on another body than the one at hand: make it again from its photo.")
    return vertices


def _rest(body: BodyModel, betas: ArrayLike) -> tuple[Floats, Floats]:
    vertices, joints = body.rest(betas)
    return vertices.detach().cpu().numpy().astype(np.float32), joints.detach().cpu().numpy().astype(np.float32)


def _followed(avatar: Avatar, moved: Floats) -> Floats:
    """How the vertices (N,3) that are not the body's own move: as the nearest of the body do, the near ones most."""
    from scipy.spatial import cKDTree

    count = len(moved)
    distance, near = cKDTree(avatar.vertices[:count]).query(avatar.vertices[count:], _NEIGHBOURS)
    weight = 1 / (distance + 0.02) ** 2
    return np.asarray(np.einsum("nk,nkc->nc", weight / weight.sum(axis=1, keepdims=True), moved[near]), np.float32)
