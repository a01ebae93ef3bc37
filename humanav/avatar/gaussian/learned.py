"""What training may change in an avatar, as one torch module, and the picture it makes of a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from humanav.avatar.gaussian.authority import Authority
from humanav.avatar.gaussian.config import GaussianTraining
from humanav.avatar.gaussian.deformation import make_deformation, pose_features, to_data
from humanav.avatar.gaussian.expression import expression_offsets
from humanav.avatar.gaussian.frames import TrainFrame
from humanav.avatar.gaussian.losses import partly
from humanav.avatar.gaussian.posing import blend, covariances, frames_of, joint_matrices, transform
from humanav.avatar.gaussian.seams import canonical_colors
from humanav.avatar.gaussian.smoothness import Smoothness
from humanav.avatar.gaussian.value import EPS2D, GaussianAvatar, dense_weights, local_rotations
from humanav.body.model import axis_angle_to_matrix
from humanav.render.splat import rasterize

NEIGHBOURS = 6
_GUESSED = 10.0
"""How much smoother corrections must be where no picture saw well than where one did."""


@dataclass(frozen=True)
class Drawing:
    """One branch of one frame, with gradients.

    Attributes:
        rgb: (H,W,3) over nothing. alpha: (H,W). depth: (H,W) and normal: (H,W,3) in the world, composited, or None.
        detached: (H,W,D) auxiliary colours and rest positions, whose gradient does not reach the shape.
        deformation: (N,3) metres that the pose moved the Gaussians by in the T-pose, or None.
    """

    rgb: Tensor
    alpha: Tensor
    depth: Tensor | None
    normal: Tensor | None
    detached: Tensor | None
    deformation: Tensor | None


class LearnedAvatar(nn.Module):
    """Corrections to an avatar's Gaussians, zero at the start, and to the captured frames' poses.

    Args:
        frames: how many captured frames there are. reference: (21,6) features of the pose they show.
        refine_poses: whether their poses may be corrected.
    """

    rest: Tensor
    axes: Tensor
    start_scale: Tensor
    start_opacity: Tensor
    start_rgb: Tensor
    joints: Tensor
    skin: Tensor
    may_color: Tensor
    may_shape: Tensor
    may_size: Tensor
    known: Tensor
    place: Tensor
    corners: Tensor

    def __init__(
        self, avatar: GaussianAvatar, may: Authority, settings: GaussianTraining, frames: int, refine_poses: bool,
        reference: NDArray[Any] | None = None,
    ) -> None:
        super().__init__()
        from scipy.spatial import cKDTree

        count = len(avatar)
        self.avatar, self.settings, self.refine_poses = avatar, settings, refine_poses
        self.photos_teach, self.trust = float(frames > 1), may.trust
        self.offset = nn.Parameter(torch.zeros(count, 3))
        self.log_scale = nn.Parameter(torch.zeros(count, 3))
        self.opacity = nn.Parameter(torch.zeros(count))
        self.rgb = nn.Parameter(torch.from_numpy(avatar.rgb.copy()))
        self.aux_rgb = nn.Parameter(torch.from_numpy(avatar.aux_rgb.copy()))
        self.pose = nn.Parameter(torch.zeros(frames, 22, 3))
        self.transl = nn.Parameter(torch.zeros(frames, 3))
        self.deformation = make_deformation(
            avatar, settings.deformation, reference=reference, seed=settings.seed, **settings.sizes) \
            if settings.pose_driven else None
        fixed: dict[str, NDArray[Any]] = {
            "rest": avatar.means, "axes": frames_of(avatar.quats), "start_scale": avatar.log_scales,
            "start_opacity": np.log(avatar.opacities / (1 - np.minimum(avatar.opacities, 0.999))),
            "joints": avatar.joints, "start_rgb": avatar.rgb,
            "skin": dense_weights(avatar.skin_index, avatar.skin_weight, len(avatar.parents)),
            "may_color": may.color, "may_shape": may.shape, "may_size": may.size, "known": may.known,
            "place": canonical_colors(avatar.means)}
        for name, value in fixed.items():
            tensor = torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32))
            self.register_buffer(name, tensor, persistent=False)
        # neighbours on the same part: a sleeve is not held by the trunk beside it
        place = np.concatenate([avatar.means, 0.1 * self.skin[:, :22].numpy()], axis=1)
        near = cKDTree(place).query(place, k=NEIGHBOURS + 1)[1][:, 1:]
        self.smoothness = Smoothness(near, 1 + (_GUESSED - 1) * (1 - may.trust))
        self.register_buffer("corners", torch.from_numpy(_corners(avatar, near)), persistent=False)

    def groups(self) -> list[dict[str, Any]]:
        """Adam's parameter groups. ``eps`` is of the size of a faint gradient, so that what a frame hardly shows does
        not wander at full speed."""
        s = self.settings
        groups = [
            {"params": [self.offset], "lr": s.offset_rate, "eps": 10.0},
            {"params": [self.log_scale], "lr": s.scale_rate, "eps": 0.1},
            {"params": [self.opacity], "lr": s.opacity_rate, "eps": 0.1},
            {"params": [self.rgb, self.aux_rgb], "lr": s.color_rate, "eps": 0.1},
            {"params": [self.pose, self.transl], "lr": s.pose_rate if self.refine_poses else 0.0, "eps": 1.0}]
        if self.deformation is not None:
            groups.append({"params": list(self.deformation.parameters()), "lr": s.deformation_rate, "eps": 1e-3})
        return groups

    def draw(
        self, frame: TrainFrame, number: int | None, *, refined: bool, shape: bool = False, extra: bool = False,
        held: bool = False,
    ) -> Drawing:
        """One branch of a frame, at its own size.

        Args:
            number: of a captured frame whose pose may be corrected, else None.
            shape: also depth and normal. extra: also the detached channels: auxiliary colours, rest positions, colours.
            held: the picture teaches colours alone, not where the Gaussians lie, how large or how opaque they are.
        """
        captured, protect = frame.kind == "captured", self.settings.protect
        place = size = torch.ones_like(self.may_shape)
        if protect:
            place = self.may_shape if captured else 1 - self.known
            size = self.may_size if captured else 1 - self.may_size
        if held:
            place = size = torch.zeros_like(place)
        rest = self.rest + partly(self.offset, place.unsqueeze(-1))
        if frame.expression is not None and frame.expression.any():
            rest = rest + self._expression(frame)
        moved = None
        if refined and self.deformation is not None:
            features = torch.from_numpy(pose_features(local_rotations(frame.full_pose)))
            moved = self.deformation(features)
            rest = rest + partly(moved, self.photos_teach if captured and self.settings.geometry_weighting else 1.0)
        blended = blend(self.skin, self._matrices(frame, number))
        means = transform(blended, rest) + torch.from_numpy(frame.transl)
        if number is not None and self.refine_poses:
            means = means + self.transl[number]
        axes = blended[..., :3].detach() @ self.axes
        scales = (self.start_scale + partly(self.log_scale, size.unsqueeze(-1))).exp()
        opacity = torch.sigmoid(self.start_opacity + partly(self.opacity, place))
        free = self.may_color if captured else 1 - self.may_color
        colors = partly(self.rgb, free.unsqueeze(-1)) if protect else self.rgb
        if shape:
            colors = torch.cat([colors, self._normals(means)], 1)
        detached = torch.cat([self.aux_rgb, self.place, self.rgb], 1) if extra else None
        camera = frame.camera
        image, alpha, meta = rasterize(
            means, None, None, opacity, colors, camera.viewmat, camera.K, camera.width, camera.height,
            covars=covariances(axes, scales), detached_colors=detached, eps2d=EPS2D,
            render_mode="RGB+D" if shape else "RGB")
        return Drawing(image[..., :3], alpha, image[..., 6] if shape else None, image[..., 3:6] if shape else None,
                       meta.get("detached"), moved)

    def regularity(self, frame: TrainFrame, deformation: Tensor | None) -> Tensor:
        """What keeps the Gaussians a smooth surface near where they began, summed over them."""
        w = self.settings.weights
        fixed = 1 - self.may_shape
        terms = [(w.smooth_offset, self.offset), (w.smooth_scale, self.log_scale),
                 (w.smooth_color, self.rgb - self.start_rgb)]
        if deformation is not None:
            terms.append((w.smooth_deformation, deformation))
        total = self.smoothness(*terms)
        if deformation is not None and frame.kind == "captured":
            hold = w.hold_deformation * (1 - 0.9 * self.photos_teach)
            total = total + hold * deformation.square().sum()
        total = total + (w.hold_offset * fixed * self.offset.square().sum(-1)).sum()
        total = total + (w.hold_scale * self.log_scale.square().sum(-1)).sum()
        total = total + (w.hold_opacity * (1 + 9 * fixed) * self.opacity.square()).sum()
        if self.refine_poses:
            total = total + w.hold_pose * (self.pose.square().sum() + 10 * self.transl.square().sum())
        return total

    def result(self) -> GaussianAvatar:
        """The avatar as it is now."""
        with torch.no_grad():
            return replace(
                self.avatar, means=(self.rest + self.offset).numpy().copy(),
                log_scales=(self.start_scale + self.log_scale).numpy().copy(),
                opacities=torch.sigmoid(self.start_opacity + self.opacity).numpy().copy(),
                rgb=self.rgb.clamp(0, 1).numpy().copy(), aux_rgb=self.aux_rgb.clamp(0, 1).numpy().copy(),
                trust=self.trust,
                deformation=None if self.deformation is None else to_data(self.deformation))

    def _normals(self, means: Tensor) -> Tensor:
        """(N,3) unit normals of the posed surface, from three neighbours of each Gaussian."""
        first, second, third = means.index_select(0, self.corners.flatten()).view(3, -1, 3)
        normal = torch.linalg.cross(second - first, third - first)
        return normal / (normal.square().sum(-1, keepdim=True) + 1e-14).sqrt()

    def _matrices(self, frame: TrainFrame, number: int | None) -> Tensor:
        if number is None or not self.refine_poses:
            local = torch.from_numpy(local_rotations(frame.full_pose).astype(np.float32))
            with torch.no_grad():
                return joint_matrices(local, self.joints, self.avatar.parents)
        pose = torch.from_numpy(frame.full_pose)
        local = axis_angle_to_matrix(torch.cat([pose[:22] + self.pose[number], pose[22:]]))
        return joint_matrices(local, self.joints, self.avatar.parents)

    def _expression(self, frame: TrainFrame) -> Tensor:
        cache = self.__dict__.setdefault("_expressions", {})
        key = frame.expression.tobytes()  # type: ignore[union-attr]
        if key not in cache:
            if len(cache) > 64:
                cache.clear()
            cache[key] = torch.from_numpy(expression_offsets(self.avatar, frame.expression))  # type: ignore[arg-type]
        return cache[key]


def _corners(avatar: GaussianAvatar, near: NDArray[Any]) -> NDArray[np.int64]:
    """(3,N) every second of each Gaussian's six neighbours, anticlockwise about its normal."""
    local = np.einsum("nkc,nca->nka", avatar.means[near] - avatar.means[:, None], frames_of(avatar.quats)[:, :, :2])
    order = np.argsort(np.arctan2(local[..., 1], local[..., 0]), axis=1)[:, ::2]
    return np.ascontiguousarray(np.take_along_axis(near, order, axis=1).T)
