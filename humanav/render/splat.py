"""Draw a set of 3D Gaussians, so that the picture can be differentiated by everything that went into it.

One interface with gsplat's names and several backends (:func:`register_splat_backend`): "numba" (the CPU; analytic
derivatives, the same bits in every run and for any number of threads), "torch" (autograd in the inputs' precision, on
any device: the reference) and "gsplat" (CUDA, where it is installed and works).

Convention: OpenCV camera (x right, y down, z forward), ``x_cam = R x + t``, pixels with the centre of the top-left one
at (0.5, 0.5), as :class:`humanav.camera.Camera` has it. Quaternions are w first. The picture is that of 3D Gaussian
Splatting (Kerbl, Kopanas, Leimkuehler, Drettakis, "3D Gaussian Splatting for Real-Time Radiance Field Rendering",
2023): each Gaussian becomes one in the picture (see ``splat_project``), with alpha = opacity exp(-d^2/2), taken as 0
under 1/255 and as 0.99 over that. Front to back, a pixel takes each with the weight alpha T, where T is the light that
those before it let through, until T is 1e-4 or less. Derivatives do not see the small jumps that these cuts make.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from humanav.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor

RenderMode = Literal["RGB", "D", "ED", "RGB+D", "RGB+ED"]
NEAR = 0.01
"""Gaussians whose centre is nearer than this (metres) are not drawn."""
EPS2D = 0.3
"""Added to the variance of every Gaussian in the picture, pixels squared, so that none falls between pixels."""


@dataclass(frozen=True)
class SplatScene:
    """What a backend is asked to draw: checked tensors of one dtype on one device.

    Attributes:
        means: (N,3) metres. quats, scales: (N,4) and (N,3), or both None; covars: (N,3,3) symmetric, or None.
        opacities: (N,).
        colors: (N,C) channels that move the Gaussians; detached_colors: (N,D) channels that do not.
        background: (C,) behind ``colors``.
        viewmat: (4,4). K: (3,3). width, height: pixels.
        depth: composite the centres' camera z as one more channel, over 0.
        near: metres. eps2d: pixels squared.
    """

    means: Tensor
    quats: Tensor | None
    scales: Tensor | None
    covars: Tensor | None
    opacities: Tensor
    colors: Tensor
    detached_colors: Tensor
    background: Tensor
    viewmat: Tensor
    K: Tensor
    width: int
    height: int
    depth: bool
    near: float
    eps2d: float


@dataclass(frozen=True)
class SplatBuffers:
    """What a backend draws.

    Attributes:
        image: (H,W,C), or (H,W,C+1) when the scene asks for depth. detached: (H,W,D). alpha: (H,W).
        means2d: (N,2) pixels. depths: (N,) metres. radii: (N,2) int32 half sizes in pixels, 0 where nothing is drawn.
    """

    image: Tensor
    detached: Tensor
    alpha: Tensor
    means2d: Tensor
    depths: Tensor
    radii: Tensor


SplatBackend = Callable[[SplatScene], SplatBuffers]
_BACKENDS: dict[str, tuple[SplatBackend, Callable[[], bool]]] = {}


def register_splat_backend(
    name: str, draw: SplatBackend, available: Callable[[], bool] = lambda: True
) -> None:
    """Offer a rasteriser under ``name``; ``available`` tells whether it works on this machine."""
    _BACKENDS[name] = (draw, available)


def splat_backends() -> tuple[str, ...]:
    """Names of the backends that work here."""
    return tuple(name for name, (_, available) in _BACKENDS.items() if available())


def rasterize(
    means: Tensor, quats: Tensor | None, scales: Tensor | None, opacities: Tensor, colors: Tensor, viewmat: Any, K: Any,
    width: int, height: int, *, covars: Tensor | None = None, detached_colors: Tensor | None = None,
    background: Any = None, render_mode: RenderMode = "RGB", near: float = NEAR, eps2d: float = EPS2D,
    backend: str = "auto",
) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """The picture of N Gaussians, differentiable by every tensor given (gsplat gives no gradient to ``K``).

    Results have the dtype and device of ``means``; the other tensors are brought to them. Several cameras: call it once
    for each.

    Args:
        means: (N,3) centres in the world, metres.
        quats: (N,4) rotations from the Gaussians' axes to the world's, w first; need not be normalised.
        scales: (N,3) standard deviations along their axes, metres; 0 makes a disc, needle or point.
        opacities: (N,) alpha at the centre, 0 to 1.
        colors: (N,C) any channels, composited with the same weights: colour, normal, label, ...
        viewmat: (4,4) world to camera. K: (3,3) intrinsics in pixels.
        covars: (N,3,3) covariances in the world, metres squared, instead of ``quats`` and ``scales`` (None, None).
        detached_colors: (N,D) more channels, composited with the same weights over 0, whose gradient goes to themselves
            only and neither to the Gaussians nor to the camera. They come back in ``meta["detached"]``.
        background: (C,) or (H,W,C) what is seen behind ``colors``; 0 by default.
        render_mode: gsplat's: "RGB" the channels; with "D" the composited camera z of the centres as last channel, with
            "ED" that divided by alpha (the expected depth, 0 where nothing is seen); "D" and "ED" alone are without
            ``colors``.
        near: centres nearer than this (metres) are not drawn.
        eps2d: variance added in the picture, pixels squared.
        backend: one of :func:`splat_backends`, or "auto": numba on the CPU; on other devices gsplat where it works,
            else torch, which stays on the device.

    Returns:
        image (H,W,C) or with depth (H,W,C+1), alpha (H,W), and meta: ``means2d`` (N,2) pixels, ``depths`` (N,) metres,
        ``radii`` (N,2) int32 half sizes in pixels (0: not drawn), all without gradient, ``backend`` its name and, when
        detached colours were given, ``detached`` (H,W,D).

    Raises:
        InputError: shapes that do not fit, NaN or infinite numbers, a zero quaternion, no picture size, a camera
            without focal length.
        MissingExtraError: the backend is not there.
    """
    import torch

    scene, behind = _scene(means, quats, scales, covars, opacities, colors, detached_colors, background, viewmat, K,
                           width, height, render_mode, near, eps2d)
    name = _automatic(scene.means.device.type) if backend == "auto" else backend
    if name not in _BACKENDS or not _BACKENDS[name][1]():
        there = ", ".join(splat_backends())
        raise MissingExtraError(f"There is no Gaussian rasteriser '{name}' here; use one of {there}.")
    drawn = _BACKENDS[name][0](scene)
    image = drawn.image
    if behind is not None:
        channels = scene.colors.shape[1]
        over = image[..., :channels] + (1 - drawn.alpha).unsqueeze(-1) * behind
        image = torch.cat([over, image[..., channels:]], -1)
    if render_mode.endswith("ED"):
        seen = drawn.alpha.clamp(min=1e-10).unsqueeze(-1)
        image = torch.cat([image[..., :-1], image[..., -1:] / seen], -1)
    meta = {"means2d": drawn.means2d, "depths": drawn.depths, "radii": drawn.radii, "backend": name}
    if detached_colors is not None:
        meta["detached"] = drawn.detached
    return image, drawn.alpha, meta


def warm_up_splats() -> None:
    """Compile (or load from numba's cache) the kernels of the CPU backend, so that the first picture does not wait."""
    import torch

    means = torch.tensor([[0.0, 0.0, 2.0]], requires_grad=True)
    camera = torch.eye(4), torch.tensor([[8.0, 0, 4], [0, 8, 4], [0, 0, 1]])
    image, _, _ = rasterize(means, torch.eye(4)[:1], torch.full((1, 3), 0.1), torch.ones(1), torch.ones(1, 3), *camera,
                            8, 8, backend="numba")
    image.sum().backward()


def _automatic(device: str) -> str:
    if device == "cpu":
        return "numba"
    return "gsplat" if device == "cuda" and _BACKENDS["gsplat"][1]() else "torch"


def _scene(
    means: Any, quats: Any, scales: Any, covars: Any, opacities: Any, colors: Any, detached_colors: Any,
    background: Any, viewmat: Any, K: Any, width: int, height: int, render_mode: str, near: float, eps2d: float,
) -> tuple[SplatScene, Tensor | None]:
    """The checked scene, and a background that is a picture (for the caller to put behind)."""
    import torch

    if render_mode not in ("RGB", "D", "ED", "RGB+D", "RGB+ED"):
        raise InputError(f"There is no render_mode '{render_mode}'; use RGB, D, ED, RGB+D or RGB+ED.")
    if int(width) < 1 or int(height) < 1:
        raise InputError(f"The picture needs a width and a height of at least one pixel; got {width} x {height}.")
    if not (near > 0 and eps2d >= 0 and math.isfinite(near) and math.isfinite(eps2d)):
        raise InputError(f"'near' must be above 0 and 'eps2d' 0 or more; got {near} and {eps2d}.")
    if (covars is None) == (quats is None and scales is None) or (quats is None) != (scales is None):
        raise InputError("Give the Gaussians' quats and scales, or their covars with None for both.")
    means = torch.as_tensor(means)
    if not means.is_floating_point():
        raise InputError(f"The Gaussians' means must be floating-point numbers; got {means.dtype}.")
    if means.dtype not in (torch.float32, torch.float64):
        means = means.float()
    n = len(means) if means.ndim else 0
    given = {"means": (means, (n, 3)), "quats": (quats, (n, 4)), "scales": (scales, (n, 3)),
             "covars": (covars, (n, 3, 3)), "opacities": (opacities, (n,)), "colors": (colors, (n, None)),
             "detached_colors": (detached_colors, (n, None)), "viewmat": (viewmat, (4, 4)), "K": (K, (3, 3))}
    tensors = {name: _fitting(name, value, shape, means) for name, (value, shape) in given.items()}
    if "RGB" not in render_mode:
        tensors["colors"] = means.new_zeros((n, 0))
    if tensors["detached_colors"] is None:
        tensors["detached_colors"] = means.new_zeros((n, 0))
    if tensors["covars"] is not None:
        tensors["covars"] = (tensors["covars"] + tensors["covars"].mT) / 2
    channels = tensors["colors"].shape[1]
    behind = None
    if background is None or "RGB" not in render_mode:
        tensors["background"] = means.new_zeros(channels)
    else:
        whole = torch.as_tensor(background).ndim == 3
        fitted = _fitting("background", background, (height, width, channels) if whole else (channels,), means)
        behind = fitted if whole else None
        tensors["background"] = means.new_zeros(channels) if whole else fitted
    _finite({**tensors, "background": behind if behind is not None else tensors["background"]})
    focal = tensors["K"].detach().diagonal()[:2].tolist()
    if min(focal) <= 0:
        raise InputError(f"The camera needs positive focal lengths; K has {focal[0]:g} and {focal[1]:g}.")
    if tensors["quats"] is not None and n and not bool(tensors["quats"].detach().abs().sum(-1).min() > 0):
        raise InputError("A Gaussian has the quaternion 0, 0, 0, 0, which is no rotation; use 1, 0, 0, 0 for none.")
    return SplatScene(**tensors, width=int(width), height=int(height), depth="D" in render_mode, near=float(near),
                      eps2d=float(eps2d)), behind


def _fitting(name: str, value: Any, shape: tuple[int | None, ...], like: Tensor) -> Any:
    """``value`` as a tensor of that shape (None: any size) with the dtype and device of ``like``; None stays None."""
    import torch

    if value is None:
        return None
    tensor = torch.as_tensor(value).to(like)
    if tensor.ndim != len(shape) or any(want not in (None, got) for got, want in zip(tensor.shape, shape)):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise InputError(
            f"'{name}' must have the shape ({wanted}) for {len(like)} Gaussians; got {tuple(tensor.shape)}.")
    return tensor


def _finite(tensors: dict[str, Tensor | None]) -> None:
    import torch

    given = {name: tensor.detach() for name, tensor in tensors.items() if tensor is not None}
    if math.isfinite(float(torch.stack([tensor.sum() for tensor in given.values()]).sum())):
        return
    for name, tensor in given.items():
        if not bool(tensor.isfinite().all()):
            raise InputError(f"The Gaussians' '{name}' hold NaN or infinite numbers; check what they were made from.")


def _lazily(module: str) -> SplatBackend:
    """The ``draw`` of a module that is imported when first asked: importing this one loads neither torch nor gsplat."""
    return lambda scene: importlib.import_module(f"humanav.render.{module}").draw(scene)


def _gsplat_works() -> bool:
    return bool(importlib.import_module("humanav.render.splat_gsplat").works())


register_splat_backend("numba", _lazily("splat_numba"))
register_splat_backend("torch", _lazily("splat_torch"))
register_splat_backend("gsplat", _lazily("splat_gsplat"), _gsplat_works)
