"""Pictures of meshes: a deterministic z-buffer rasteriser with exchangeable backends, and a soft studio shader."""

from humanav.render.kernels import KERNEL_LOCK
from humanav.render.mesh import (
    MeshBuffers,
    backends,
    interpolate,
    rasterize_mesh,
    rasterize_uv,
    register_backend,
    silhouette,
    vertex_normals,
    warm_up,
)
from humanav.render.shade import CLAY, TexturePyramid, render_mesh

__all__ = [
    "CLAY", "KERNEL_LOCK", "MeshBuffers", "TexturePyramid", "backends", "interpolate", "rasterize_mesh", "rasterize_uv",
    "register_backend", "render_mesh", "silhouette", "vertex_normals", "warm_up",
]
