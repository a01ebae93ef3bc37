"""The trained Gaussians' colours back in the mesh's texture, so that what was learned is worn by an ordinary GLB.

A texture is finer than the Gaussians (a texel is about a millimetre, a Gaussian five or more): what is carried over is
by how much training changed the colours, and the texture's own detail stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.avatar.atlas import fill_gutter, texels
from humanav.avatar.avatar import Avatar, Floats
from humanav.avatar.gaussian.posing import frames_of
from humanav.avatar.gaussian.sampling import SPREAD, _texture_at
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.avatar.regions import PART, PARTS, part_membership
from humanav.avatar.visibility import nearest_fill
from humanav.errors import InputError
from humanav.render import vertex_normals

NEIGHBOURS = 24
_COARSE, _FINE = 512, 1024  # side of the grid of texels on which a change of colours, and colours, are worked out
_WIDE = 2.0
"""Kernels are so much wider for a change: colours that are splatted over each other overshoot from one to the next."""
_FLOOR = 0.02
"""A texel with less than this of a Gaussian's weight near it mostly keeps its colour."""
_OFF_SURFACE = 0.02  # metres from the surface within which a Gaussian still paints it
_FACING = 0.3  # least cosine between the normals of a texel and of a Gaussian that paints it
_CHUNK = 100_000


@dataclass(frozen=True)
class Baked:
    """What :func:`bake_texture` gives.

    Attributes:
        texture: (S,S,3) uint8, for the avatar's own texture coordinates.
        covered: share 0..1 of the texels that Gaussians are near; the others keep the mesh's colour.
        change: mean absolute difference to the mesh's texture on the surface, 0..255.
    """

    texture: NDArray[np.uint8]
    covered: float
    change: float


def bake_texture(gaussians: GaussianAvatar, mesh: Avatar, *, detail: bool = True) -> Baked:
    """The mesh's texture with the colours the Gaussians have learned.

    A texel takes the mean over the Gaussians round it in the T-pose, weighted by opacity and by their splat kernel in
    the plane of each disc, among those of its own part of the body or of one that joins it.

    Args:
        gaussians: trained, made from ``mesh`` by :func:`~humanav.avatar.gaussian.sampling.from_mesh`.
        mesh: whose texture is painted.
        detail: keep the texture's detail that is finer than the Gaussians; False: put their colours in its place.

    Raises:
        InputError: the Gaussians come from another mesh.
    """
    if gaussians.anchor.max(initial=0) >= len(mesh.faces):
        raise InputError("These Gaussians were made from another mesh: give the avatar they belong to.")
    size = mesh.texture.shape[0]
    side = min(size, _COARSE if detail else _FINE)
    grid = texels(mesh.uv, mesh.uv_faces, side)
    values = gaussians.rgb
    if detail:
        spread = np.exp(np.sort(gaussians.log_scales, axis=1)[:, 1:].mean(axis=1))
        before = _texture_at(mesh, gaussians.anchor, gaussians.barycentric, mesh.texture, spread / SPREAD)
        values = values - before / 255
    value, weight = _gathered(gaussians, mesh, grid.face, grid.barycentric, values, _WIDE if detail else 1.0)
    share = weight / (weight + _FLOOR)
    on_chart = np.zeros((side, side), dtype=bool)
    on_chart.ravel()[grid.place] = True
    changed, kept = (nearest_fill(grid.picture(x.astype(np.float32)), on_chart)[0]
                     for x in (255 * value * share[:, None], share))
    if side < size:
        changed, kept = (np.asarray(cv2.resize(x, (size, size), interpolation=cv2.INTER_LINEAR))
                         for x in (changed, kept))
    old = mesh.texture.astype(np.float32)
    new = old + changed if detail else changed + (1 - kept)[..., None] * old
    atlas = texels(mesh.uv, mesh.uv_faces, size)
    texture = fill_gutter(np.clip(new + 0.5, 0, 255).astype(np.uint8), atlas)
    apart = np.abs(texture.reshape(-1, 3)[atlas.place].astype(np.int16) - mesh.texture.reshape(-1, 3)[atlas.place])
    return Baked(texture, float((weight > _FLOOR).mean()), float(apart.mean()))


def _gathered(
    gaussians: GaussianAvatar, mesh: Avatar, face: NDArray[Any], barycentric: Floats, values: Floats, wide: float
) -> tuple[Floats, Floats]:
    """(T,C) mean of the Gaussians' values (N,C) round each texel, and (T,) the weight that is behind it."""
    from scipy.spatial import cKDTree

    normals = vertex_normals(mesh.vertices, mesh.faces.astype(np.int64)).astype(np.float32)
    part = _vertex_parts(mesh)
    meets = _meeting(part, mesh.faces)
    axes, spread = frames_of(gaussians.quats), wide * np.exp(gaussians.log_scales)
    tree = cKDTree(gaussians.means)
    nearby = min(NEIGHBOURS, len(gaussians))
    mean, total = np.zeros((len(face), values.shape[1]), np.float32), np.zeros(len(face), np.float32)
    for start in range(0, len(face), _CHUNK):
        own = slice(start, start + _CHUNK)
        corners, inside = mesh.faces[face[own]], barycentric[own]
        place = np.einsum("tk,tkc->tc", inside, mesh.vertices[corners])
        _, near = tree.query(place, nearby)
        near = near.reshape(len(place), nearby)
        away = np.einsum("tkc,tkca->tka", place[:, None] - gaussians.means[near], axes[near])
        flat = (away[..., :2] / spread[near][..., :2]) ** 2
        weight = gaussians.opacities[near] * np.exp(-0.5 * flat.sum(axis=-1))
        facing = np.einsum("tc,tkc->tk", np.einsum("tk,tkc->tc", inside, normals[corners]), axes[near][..., 2])
        own_part = part[corners[np.arange(len(place)), inside.argmax(axis=1)]]
        weight *= (np.abs(away[..., 2]) < _OFF_SURFACE) & (facing > _FACING)
        weight *= meets[own_part[:, None], gaussians.part[near]]
        total[own] = weight.sum(axis=1)
        mean[own] = np.einsum("tk,tkc->tc", weight, values[near]) / np.maximum(total[own], 1e-9)[:, None]
    return mean, total


def _vertex_parts(mesh: Avatar) -> NDArray[np.int64]:
    """(V,) part of each vertex, as the Gaussians got theirs."""
    part = part_membership(mesh.skin_index.astype(np.int64), mesh.skin_weight).argmax(axis=1)
    first, last = mesh.parts.get("skirt", (0, 0))
    part[np.unique(mesh.faces[first:last])] = PART["skirt"]
    return part


def _meeting(part: NDArray[np.int64], faces: NDArray[Any]) -> NDArray[np.bool_]:
    """(P,P) which parts join on the surface: across such a border colours go on without a step."""
    meets = np.eye(len(PARTS), dtype=bool)
    corner = part[faces]
    for a, b in ((0, 1), (1, 2), (2, 0)):
        meets[corner[:, a], corner[:, b]] = meets[corner[:, b], corner[:, a]] = True
    return meets
