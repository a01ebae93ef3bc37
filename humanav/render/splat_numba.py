"""The CPU backend of :func:`humanav.render.rasterize`: numba kernels and their derivatives in one autograd function."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import get_num_threads
from torch import Tensor
from torch.autograd.function import once_differentiable

from humanav.render import splat_kernels, splat_project
from humanav.render.kernels import KERNEL_LOCK
from humanav.render.splat import SplatBuffers, SplatScene

Array = np.ndarray[Any, np.dtype[Any]]
Geometry = tuple[Array, Array, Array, Array, Array]


def draw(scene: SplatScene) -> SplatBuffers:
    """Draw on the CPU, wherever the tensors lie. Colours are float32 inside, geometry is float64."""
    covars = scene.means.new_zeros((0, 3, 3)) if scene.covars is None else scene.covars
    quats = scene.means.new_zeros((0, 4)) if scene.quats is None else scene.quats
    scales = scene.means.new_zeros((0, 3)) if scene.scales is None else scene.scales
    image, detached, alpha, means2d, depths, radii = _Composite.apply(
        scene.means, quats, scales, covars, scene.opacities, scene.colors, scene.detached_colors, scene.background,
        scene.viewmat, scene.K, scene)
    return SplatBuffers(image, detached, alpha, means2d, depths, radii)


class _Composite(torch.autograd.Function):
    """Projection and compositing; ``scene`` brings the numbers that have no gradient."""

    @staticmethod
    def forward(
        ctx: Any, means: Tensor, quats: Tensor, scales: Tensor, covars: Tensor, opacities: Tensor, colors: Tensor,
        detached_colors: Tensor, background: Tensor, viewmat: Tensor, K: Tensor, scene: SplatScene,
    ) -> tuple[Tensor, ...]:
        geometry = _double(means), _double(quats), _double(scales), _double(covars), _double(opacities)
        camera = pack_camera(_double(viewmat), _double(K), scene.width, scene.height)
        n, plain = len(means), colors.shape[1]
        shaping = plain + scene.depth
        channels = shaping + detached_colors.shape[1]
        mean, depth = np.empty((n, 2)), np.empty(n)
        shape, box, radii = np.empty((n, 8), np.float32), np.empty((n, 4), np.int32), np.empty((n, 2), np.int32)
        values, behind = np.empty((n, channels), np.float32), np.zeros(channels, np.float32)
        values[:, :plain], values[:, shaping:] = _numpy(colors), _numpy(detached_colors)
        behind[:plain] = _numpy(background)
        image = np.empty((scene.height, scene.width, channels), np.float32)
        light, final = np.empty((2, scene.height, scene.width), np.float32)
        across, down = (-(-size // splat_kernels.TILE) for size in (scene.width, scene.height))
        with KERNEL_LOCK:
            splat_project.project(*geometry, camera, scene.width, scene.height, scene.near, scene.eps2d, mean, depth,
                                  shape, box, radii)
            if scene.depth:
                values[:, plain] = depth
            seen = np.flatnonzero(box[:, 0] <= box[:, 1]).astype(np.int32)
            seen = splat_kernels.nearest_first(depth.astype(np.float32).view(np.uint32), seen)
            starts, members, firsts, places = splat_kernels.into_tiles(seen, box, across, down)
            order = np.argsort(-np.diff(starts), kind="stable")
            splat_kernels.forward_tiles(order, starts, members, mean, shape, box, values, behind, across,
                                        get_num_threads(), image, light, final)
        ctx.geometry, ctx.camera, ctx.eps2d, ctx.like = geometry, camera, scene.eps2d, means.new_empty(0)
        ctx.projected, ctx.tiles = (mean, shape, box, values), (order, starts, members, firsts, places)
        ctx.drawn, ctx.channels = (behind, light, final), (plain, shaping, channels)
        drawn = torch.from_numpy(image).to(means)
        info = [torch.from_numpy(array).to(means) for array in (mean, depth)]
        info.append(torch.from_numpy(radii).to(means.device))
        ctx.mark_non_differentiable(*info)
        return (drawn[..., :shaping].contiguous(), drawn[..., shaping:].contiguous(),
                torch.from_numpy(1 - light).to(means), *info)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *by: Any) -> tuple[Tensor | None, ...]:
        (mean, shape, box, values), (order, starts, members, firsts, places) = ctx.projected, ctx.tiles
        (behind, light, final), (plain, shaping, channels), n = ctx.drawn, ctx.channels, len(values)
        by_image = np.concatenate([_numpy(by[0]), _numpy(by[1])], -1, dtype=np.float32)
        across = -(-light.shape[1] // splat_kernels.TILE)
        slots = np.empty((len(members), splat_kernels.MOMENTS + channels), np.float32)
        by_background = np.empty((len(order), channels))
        geometry: Geometry = ctx.geometry
        by_means, by_quats, by_scales, by_covars, by_opacities = (np.zeros(array.shape) for array in geometry)
        by_geometry = by_means, by_quats, by_scales, by_covars, by_opacities
        by_colors = np.zeros((n, channels))
        by_camera = np.zeros((splat_project.groups(n), splat_project.CAMERA_GRADIENTS))
        with KERNEL_LOCK:
            splat_kernels.backward_tiles(
                order, starts, members, mean, shape, box, values, shaping, behind, light, final, by_image,
                -np.ascontiguousarray(_numpy(by[2]), np.float32), across, get_num_threads(), slots, by_background)
            splat_project.unproject(*geometry, ctx.camera, ctx.eps2d, firsts, places, slots,
                                    plain if shaping > plain else -1, *by_geometry, by_colors, by_camera)
        by_viewmat, by_K = unpack_camera(by_camera.sum(0))
        found = (*by_geometry, by_colors[:, :plain], by_colors[:, shaping:], by_background.sum(0)[:plain], by_viewmat,
                 by_K)
        return *(torch.from_numpy(array).to(ctx.like) if wanted else None
                 for array, wanted in zip(found, ctx.needs_input_grad)), None


def pack_camera(viewmat: Array, K: Array, width: int, height: int) -> Array:
    """The (21,) of ``splat_project``: R, t, fx, skew, cx, fy, cy and how far from the axis J is taken."""
    fx, skew, cx, fy, cy = K[0, 0], K[0, 1], K[0, 2], K[1, 1], K[1, 2]
    beyond = 0.15 * width / fx, 0.15 * height / fy
    limits = [-cx / fx - beyond[0], (width - cx) / fx + beyond[0], -cy / fy - beyond[1], (height - cy) / fy + beyond[1]]
    return np.concatenate([viewmat[:3, :3].ravel(), viewmat[:3, 3], [fx, skew, cx, fy, cy], limits])


def unpack_camera(by_camera: Array) -> tuple[Array, Array]:
    """The (17,) derivatives by R, t, fx, skew, cx, fy, cy as those by viewmat (4,4) and K (3,3)."""
    by_viewmat, by_K = np.zeros((4, 4)), np.zeros((3, 3))
    by_viewmat[:3, :3], by_viewmat[:3, 3] = by_camera[:9].reshape(3, 3), by_camera[9:12]
    by_K[0], by_K[1, 1:] = by_camera[12:15], by_camera[15:17]
    return by_viewmat, by_K


def _numpy(tensor: Tensor) -> Array:
    return tensor.detach().cpu().numpy()


def _double(tensor: Tensor) -> Array:
    """A copy, so that what is done to the tensor between the two passes does not reach the second."""
    return np.array(_numpy(tensor), np.float64, order="C")
