"""Pictures of meshes: a deterministic z-buffer rasteriser with exchangeable backends, a studio shader and a stage."""

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
from humanav.render.stage import DARK, LIGHT, SHADOW_SIDE, StageColors, contact_shadow, paint_stage, vertex_areas

__all__ = [
    "CLAY", "DARK", "KERNEL_LOCK", "LIGHT", "SHADOW_SIDE", "MeshBuffers", "StageColors", "TexturePyramid", "backends",
    "contact_shadow", "interpolate", "paint_stage", "rasterize_mesh", "rasterize_uv", "register_backend", "render_mesh",
    "silhouette", "vertex_areas", "vertex_normals", "warm_up",
]
