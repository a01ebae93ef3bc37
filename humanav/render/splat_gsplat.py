"""The CUDA backend of :func:`humanav.render.rasterize`: the gsplat package (1.5 or newer), where it is and works.

It takes alpha as 0.999 at most where the others take 0.99, and leaves out the Gaussian that would take a pixel's light
under 1e-4 where the others draw it, so pictures agree to about 0.01. It gives no gradient to K and knows no skew.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from humanav.errors import InputError
from humanav.render import splat_torch
from humanav.render.splat import SplatBuffers, SplatScene


@cache
def works() -> bool:
    """Whether gsplat is installed and draws one Gaussian; the first call may compile gsplat's kernels for minutes."""
    if find_spec("gsplat") is None or not torch.cuda.is_available():
        return False
    one = torch.ones(1, device="cuda")
    scene = SplatScene(
        means=torch.tensor([[0.0, 0.0, 2.0]], device="cuda"), quats=torch.eye(4, device="cuda")[:1],
        scales=one.new_full((1, 3), 0.5), covars=None, opacities=one * 0.9, colors=one[:, None],
        detached_colors=one.new_zeros(1, 0), background=one * 0, viewmat=torch.eye(4, device="cuda"),
        K=torch.tensor([[8.0, 0, 4], [0, 8, 4], [0, 0, 1]], device="cuda"), width=8, height=8, depth=False, near=0.01,
        eps2d=0.3)
    try:
        drawn = draw(scene)
    except Exception:  # a missing compiler, a wheel for another CUDA, no memory: whatever it is, it does not work
        return False
    return bool(drawn.alpha[4, 4] > 0.5)


def draw(scene: SplatScene) -> SplatBuffers:
    """Draw on the GPU, and the detached channels in a second pass over detached Gaussians.

    Raises:
        InputError: tensors that are not on the GPU, or a skewed camera.
    """
    if torch.cuda.is_available() and not scene.means.is_cuda:
        raise InputError("gsplat draws tensors that are on the GPU: move them there, or use another backend.")
    if float(scene.K[0, 1].detach()) != 0:
        raise InputError("gsplat draws no skewed cameras; use another backend, or a K with K[0, 1] = 0.")
    if len(scene.means) == 0:
        return splat_torch.draw(scene)
    image, alpha, meta = _pass(scene, scene.colors, scene.background)
    detached = alpha.new_zeros(*alpha.shape, 0)
    if scene.detached_colors.shape[1]:
        quats, scales, covars = (None if part is None else part.detach() for part in
                                 (scene.quats, scene.scales, scene.covars))
        still = replace(scene, means=scene.means.detach(), quats=quats, scales=scales, covars=covars,
                        opacities=scene.opacities.detach(), viewmat=scene.viewmat.detach(), depth=False)
        detached, _, _ = _pass(still, scene.detached_colors, None)
    means2d, depths, radii = (meta[name][0].detach() for name in ("means2d", "depths", "radii"))
    return SplatBuffers(image, detached, alpha, means2d.to(scene.means), depths.to(scene.means), radii.int())


def _pass(scene: SplatScene, colors: Tensor, background: Tensor | None) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """One call of gsplat: channels (H,W,C), alpha (H,W), and what it says about them; float32 inside."""
    from gsplat import rasterization

    channels = colors.shape[1]
    if channels == 0:  # gsplat draws at least one
        colors, background = colors.new_zeros(len(colors), 1), None
    image, alpha, meta = rasterization(
        means=scene.means.float(), quats=_float(scene.quats), scales=_float(scene.scales),
        opacities=scene.opacities.float(), colors=colors.float(), viewmats=scene.viewmat.float()[None],
        Ks=scene.K.detach().float()[None], width=scene.width, height=scene.height, near_plane=scene.near,
        eps2d=scene.eps2d, packed=False, backgrounds=None if background is None else background.float()[None],
        render_mode="RGB+D" if scene.depth else "RGB", covars=_float(scene.covars))
    drawn = image[0].to(scene.means)
    drawn = torch.cat([drawn[..., :channels], drawn[..., colors.shape[1]:]], -1)
    return drawn, alpha[0, ..., 0].to(scene.means), meta


def _float(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.float()
