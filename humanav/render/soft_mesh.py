"""A mesh's silhouette that can be differentiated by its vertices, after SoftRas.

Each triangle covers a pixel with D = sigmoid(+-d^2 / blur^2), where d is the pixel's distance to the triangle's edges
in the picture and the sign is plus inside; together they cover it with 1 - prod(1 - D) (Liu, Li, Chen, Li, "Soft
Rasterizer: A Differentiable Renderer for Image-based 3D Reasoning", 2019). A triangle is left out where D < 1e-4.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from humanav.camera import Camera
from humanav.errors import InputError, MissingExtraError
from humanav.render.mesh import NEAR, check_mesh

if TYPE_CHECKING:
    from torch import Tensor

LEAST = 1e-4
"""A triangle that covers less of a pixel is left out there."""
Coverage = Callable[["Tensor", "Tensor", "Tensor", int, int, float], "Tensor"]
_BACKENDS: dict[str, tuple[str, str]] = {"numba": ("soft_numba", "numba"), "pytorch3d": ("mesh_pytorch3d", "pytorch3d")}


def soft_backends() -> tuple[str, ...]:
    """Names of the backends of :func:`soft_silhouette` that are installed; "auto" takes the first."""
    return tuple(name for name, (_, package) in _BACKENDS.items() if find_spec(package) is not None)


def soft_silhouette(
    vertices: Any, faces: Any, camera: Camera, *, blur: float = 1.0, near: float = NEAR, backend: str = "auto"
) -> Tensor:
    """How much of each pixel the mesh covers (H,W), 0 to 1, differentiable by the vertices.

    Args:
        vertices: (V,3) tensor of world positions in metres.
        faces: (F,3) vertex indices. Those that reach nearer to the camera than ``near`` (metres) are left out.
        camera: without lens distortion.
        blur: softness of the edges in pixels.
        backend: "auto", or one of :func:`soft_backends`; pytorch3d takes only the nearest 100 triangles of a pixel.

    Raises:
        InputError: not a mesh, NaN, a camera with distortion, or no blur.
        MissingExtraError: the backend is not there.
    """
    import torch

    points, corners = torch.as_tensor(vertices), check_mesh(vertices, faces)[1]
    if not points.is_floating_point():
        points = points.float()
    if camera.distortion is not None and camera.distortion.any():
        raise InputError("The soft silhouette needs a camera without lens distortion: undistort the picture first.")
    if not (blur > 0 and math.isfinite(blur)):
        raise InputError(f"The soft silhouette's blur must be above 0 pixels; got {blur}.")
    name = soft_backends()[0] if backend == "auto" else backend
    if name not in soft_backends():
        raise MissingExtraError(f"There is no soft rasteriser '{name}' here; use one of {', '.join(soft_backends())}.")
    R, t, K = (torch.as_tensor(array).to(points) for array in (camera.R, camera.t, camera.K))
    cam = points.reshape(-1, 3) @ R.T + t
    index = torch.as_tensor(corners, device=points.device)
    index = index[(cam.detach()[:, 2] >= near)[index].all(-1)]
    depth = cam[:, 2:].clamp(min=near)
    pixels = cam[:, :2] / depth @ K[:2, :2].T + K[:2, 2]
    cover: Coverage = importlib.import_module(f"humanav.render.{_BACKENDS[name][0]}").cover
    return cover(pixels, depth.squeeze(-1), index, camera.width, camera.height, float(blur))
