"""PyTorch3D as the backend "pytorch3d" of :func:`humanav.render.rasterize_mesh` and ``soft_silhouette``.

PyTorch3D publishes no package for Linux that pip finds: build it from its source, for the CPU or CUDA. It draws meshes
in its own normalised picture: x to the left, y up, -1 to 1 along the picture's shorter side, z the camera's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from humanav.camera import Camera
from humanav.render.mesh import MeshBuffers
from humanav.render.soft_mesh import LEAST

_FACES_PER_PIXEL = 100


def rasterize(cam: NDArray[np.float64], faces: NDArray[np.int64], camera: Camera, near: float) -> MeshBuffers:
    """The visible triangles from vertices (V,3) in the camera's axes, as ``register_backend`` asks, in float32."""
    shape = (camera.height, camera.width)
    if len(faces) == 0:
        return MeshBuffers(np.full(shape, -1, np.int32), np.zeros((*shape, 3), np.float32),
                           np.full(shape, np.inf, np.float32))
    depth = torch.from_numpy(cam[:, 2])
    # what lies behind is clipped at 'near' by depth; a depth that is not 0 keeps its position finite
    pixels = torch.from_numpy(cam @ camera.K.T)[:, :2] / torch.where(depth.abs() < 1e-6, 1e-6, depth).unsqueeze(-1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    index, z, weights, _ = (part[0, :, :, 0].cpu().numpy() for part in _fragments(
        pixels.float().to(device), depth.float().to(device), torch.from_numpy(faces).to(device), shape, blur_radius=0.0,
        faces_per_pixel=1, perspective_correct=True, z_clip_value=near))
    seen = index >= 0
    return MeshBuffers(index.astype(np.int32), np.where(seen[..., None], weights, 0).astype(np.float32),
                       np.where(seen, z, np.inf).astype(np.float32))


def cover(pixels: Tensor, depth: Tensor, faces: Tensor, width: int, height: int, blur: float) -> Tensor:
    """Coverage (H,W) from pixel positions (V,2), depths (V,) and faces (F,3), by PyTorch3D's soft rasteriser."""
    if len(faces) == 0:
        return pixels.new_zeros(height, width) + 0 * pixels.sum()
    square = (blur * 2 / min(width, height)) ** 2
    index, _, _, distance = _fragments(
        pixels.float(), depth.float(), faces, (height, width), blur_radius=float(np.log(1 / LEAST - 1)) * square,
        faces_per_pixel=min(_FACES_PER_PIXEL, len(faces)), perspective_correct=False, z_clip_value=None)
    covered = torch.sigmoid(-distance[0] / square) * (index[0] >= 0)
    return (1 - (1 - covered).prod(-1)).to(pixels)


def _fragments(
    pixels: Tensor, depth: Tensor, faces: Tensor, shape: tuple[int, int], **settings: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """PyTorch3D's faces, depths, barycentrics and signed squared distances, (1,H,W,K) each."""
    from pytorch3d.renderer.mesh import rasterize_meshes
    from pytorch3d.structures import Meshes

    size = pixels.new_tensor([shape[1], shape[0]])
    vertices = torch.cat([(size - 2 * pixels) / min(shape), depth.unsqueeze(-1)], -1)
    return rasterize_meshes(Meshes(verts=[vertices], faces=[faces]), image_size=shape, **settings)
