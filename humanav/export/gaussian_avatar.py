"""A :class:`~humanav.avatar.gaussian.GaussianAvatar` as files: for the browser, for splat viewers, and its network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.errors import InputError
from humanav.export.correctives import MOST
from humanav.export.gltf import Motions
from humanav.export.onnx import write_onnx
from humanav.export.skinned_splats import write_skinned_splats
from humanav.export.splats import write_splat_ply

if TYPE_CHECKING:
    from humanav.avatar.gaussian import GaussianAvatar


def write_avatar_splats(
    avatar: GaussianAvatar, path: str | Path, motions: Motions = (), *, refined: bool = True, max_fps: float = 30.0
) -> Path:
    """Write a Gaussian avatar and its motions for the browser, the clothes' movement included.

    Args:
        refined: with what the pose does to the clothes (as a few shapes, see :mod:`humanav.export.correctives`).
        path, motions, max_fps: as :func:`~humanav.export.skinned_splats.write_skinned_splats`.

    Raises:
        InputError, StorageError: as there.
    """
    from humanav.avatar.gaussian.value import local_rotations

    deformation = avatar.deformation if refined else None

    def deform(pose: NDArray[np.float32]) -> NDArray[np.float32]:
        assert deformation is not None
        return deformation.offsets(local_rotations(pose))

    return write_skinned_splats(
        path, avatar.means, avatar.quats, np.exp(avatar.log_scales), avatar.opacities, avatar.rgb,
        skin_index=avatar.skin_index, skin_weight=avatar.skin_weight, joints=avatar.joints, parents=avatar.parents,
        motions=motions, max_fps=max_fps, deform=None if deformation is None else deform, terms=MOST)


def write_avatar_ply(
    avatar: GaussianAvatar, path: str | Path, full_pose: ArrayLike | None = None,
    transl: ArrayLike = (0.0, 0.0, 0.0), *, y_down: bool = True,
) -> Path:
    """Write a Gaussian avatar as a 3DGS ``.ply``, in a pose or (None) in the T-pose.

    Args:
        full_pose, transl: as :meth:`GaussianAvatar.pose`.
        y_down: as :func:`~humanav.export.splats.write_splat_ply`; what most viewers want.

    Raises:
        InputError, StorageError: as there.
    """
    if full_pose is None:
        means, quats, scales = avatar.means, avatar.quats, np.exp(avatar.log_scales)
    else:
        posed = avatar.pose(full_pose, transl)
        means, (quats, scales) = posed.means, posed.quats_and_scales()
    return write_splat_ply(path, means, quats, np.maximum(scales, 1e-7), avatar.opacities, avatar.rgb, y_down=y_down)


def write_deformation_onnx(avatar: GaussianAvatar, path: str | Path) -> Path:
    """Write what the pose does to the clothes as ONNX: ``pose`` (21,6) to ``offsets`` (N,3) metres in the T-pose.

    ``pose`` holds the first two columns of the body joints' rotation matrices less those of the identity
    (:func:`humanav.avatar.gaussian.deformation.pose_features`).

    Raises:
        InputError: the avatar has no such network.
        MissingExtraError, StorageError: as :func:`~humanav.export.onnx.write_onnx`.
    """
    import torch

    from humanav.avatar.gaussian.deformation import FEATURES

    if avatar.deformation is None:
        raise InputError("This avatar's clothes do not move with the pose: there is no network to write.")
    example = torch.zeros(FEATURES // 6, 6)
    return write_onnx(avatar.deformation.network, (example,), (["pose"], ["offsets"]), path)
