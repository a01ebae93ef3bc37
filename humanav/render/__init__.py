"""Pictures of meshes and Gaussians: deterministic rasterisers with exchangeable backends, a studio shader, a stage."""

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
from humanav.render.soft_mesh import soft_backends, soft_silhouette
from humanav.render.splat import (
    RenderMode,
    SplatBuffers,
    SplatScene,
    rasterize,
    register_splat_backend,
    splat_backends,
    warm_up_splats,
)
from humanav.render.stage import DARK, LIGHT, SHADOW_SIDE, StageColors, contact_shadow, paint_stage, vertex_areas

__all__ = [
    "CLAY", "DARK", "KERNEL_LOCK", "LIGHT", "SHADOW_SIDE", "MeshBuffers", "RenderMode", "SplatBuffers", "SplatScene",
    "StageColors", "TexturePyramid", "backends", "contact_shadow", "interpolate", "paint_stage", "rasterize",
    "rasterize_mesh", "rasterize_uv", "register_backend", "register_splat_backend", "render_mesh", "silhouette",
    "soft_backends", "soft_silhouette", "splat_backends", "vertex_areas", "vertex_normals", "warm_up", "warm_up_splats",
]
