"""Gaussians that follow their mesh to another body shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from humanav.avatar.avatar import Avatar
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.errors import InputError


def follow_mesh(gaussians: GaussianAvatar, before: Avatar, after: Avatar) -> GaussianAvatar:
    """The Gaussians, each moved in the T-pose by as much as the mesh moved at the place it is bound to.

    Args:
        before: the mesh they were made from. after: the same mesh with another body under it
            (:func:`humanav.avatar.reshape.reshaped`).

    Raises:
        InputError: the Gaussians come from another mesh.
    """
    if gaussians.anchor.max(initial=0) >= len(before.faces) or before.faces.shape != after.faces.shape:
        raise InputError("These Gaussians were made from another mesh: make the avatar again from its photo.")
    moved = np.einsum("nk,nkc->nc", gaussians.barycentric,
                      (after.vertices - before.vertices)[before.faces[gaussians.anchor]])
    return replace(gaussians, means=(gaussians.means + moved).astype(np.float32), joints=after.joints,
                   betas=after.betas)
