"""A textured mesh to Gaussians: where they lie, how large they are, what colour they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Avatar, Floats
from humanav.avatar.build import body_regions, four_influences
from humanav.avatar.gaussian.posing import frames_of
from humanav.avatar.gaussian.scatter import scatter
from humanav.avatar.gaussian.stretch import face_stretch
from humanav.avatar.gaussian.value import GaussianAvatar, dense_weights
from humanav.avatar.gaussian.weights import WeightField, diffused_weights, weight_field
from humanav.avatar.regions import PART, PARTS, part_membership
from humanav.errors import InputError
from humanav.render import vertex_normals

if TYPE_CHECKING:
    from humanav.body import BodyModel

SPREAD = 0.55
"""Standard deviation of a disc in its plane, in units of the distance to its neighbours: no holes, little blur."""
_INSET = (0.002, 0.4)
"""Metres, and standard deviations, that discs lie under the surface: they reach past the outline of what they cover."""
_THICKNESS, _OPACITY = 0.0012, 0.98
_DENSITY = {"head": 2.8, "neck": 1.6, "left_hand": 3.0, "right_hand": 3.0, "left_foot": 1.4, "right_foot": 1.4}
_SEEN, _UNSEEN, _INNER = 1.7, 0.8, 0.35


def from_mesh(
    avatar: Avatar, count: int = 30_000, *, body: BodyModel | None = None, field: WeightField | None = None
) -> GaussianAvatar:
    """Gaussians on the surface of a textured mesh: discs that cover it, denser on head and hands and where it was seen.

    The same mesh gives the same Gaussians.

    Args:
        count: how many.
        body: the body the mesh was built on; the built-in one by default.
        field: diffused skin weights (:func:`~humanav.avatar.gaussian.weights.weight_field`); made when not given.

    Raises:
        InputError: too few Gaussians, or the mesh does not begin with the body's surface.
    """
    from humanav.body import BodyModel

    if count < 200:
        raise InputError(f"{count} Gaussians cannot cover a person: use at least 200, better some ten thousand.")
    body = body or BodyModel.load()
    if len(avatar.faces) < len(body.faces) or not np.array_equal(avatar.faces[: len(body.faces)], body.faces):
        raise InputError("This avatar was built on another body: give the body it was built with.")
    faces = avatar.faces.astype(np.int64)
    weight = dense_weights(avatar.skin_index, avatar.skin_weight, len(avatar.parents))
    part = part_membership(avatar.skin_index.astype(np.int64), avatar.skin_weight).argmax(axis=1)
    first, last = avatar.parts.get("skirt", (len(faces), len(faces)))
    part[np.unique(faces[first:last])] = PART["skirt"]
    regions = body_regions(body, *four_influences(body.skin_index, body.skin_weight))
    trust = _texture_at(avatar, np.arange(len(faces)), np.full((len(faces), 3), 1 / 3), avatar.confidence[..., None],
                        0.008)[:, 0]
    density = _density(avatar, faces, part, trust / 255, regions.inner)
    stretch = face_stretch(avatar, faces)
    anchor, barycentric, spacing = scatter(avatar.vertices, faces, density * stretch, count)
    spacing = spacing * np.sqrt(stretch[anchor])  # as far apart as a stretched surface takes them
    corners = faces[anchor]
    means = np.einsum("nk,nkc->nc", barycentric, avatar.vertices[corners])
    normal = np.einsum("nk,nkc->nc", barycentric, vertex_normals(avatar.vertices, faces)[corners])
    own_part = part[corners[np.arange(count), barycentric.argmax(axis=1)]]
    on_body = anchor < len(body.faces)
    near = np.minimum(anchor, len(body.faces) - 1)
    rigid = np.isin(own_part, (PART["left_hand"], PART["right_hand"]))
    soft_face = np.maximum(regions.face, regions.inner)
    rigid |= on_body & (np.einsum("nk,nk->n", barycentric, soft_face[np.asarray(body.faces)[near]]) > 0.5)

    bare = body.rest(avatar.betas, None)[0].numpy()
    offset = means - np.einsum("nk,nkc->nc", barycentric, bare[np.asarray(body.faces)[near]])
    surface_weight = np.einsum("nk,nkj->nj", barycentric, weight[corners]).astype(np.float32)
    keep = ~on_body | np.isin(own_part, [PART[p] for p in ("head", "left_hand", "right_hand", "skirt")])
    field = field or weight_field(body)[0]
    skin = diffused_weights(field, body, near, barycentric, offset.astype(np.float32), surface_weight, keep)
    index = np.argsort(-skin, axis=1, kind="stable")[:, :4]
    strongest = np.take_along_axis(skin, index, axis=1)

    tangent = (SPREAD * spacing).astype(np.float32)
    frames = tangent_frames(normal)
    means = means - frames_of(frames)[:, :, 2] * (_INSET[0] + _INSET[1] * tangent)[:, None]
    scales = np.stack([tangent, tangent, np.minimum(np.full(count, _THICKNESS), 0.4 * tangent)], axis=1)
    rgb = _texture_at(avatar, anchor, barycentric, avatar.texture, spacing) / 255
    return GaussianAvatar(
        means.astype(np.float32), frames, np.log(scales).astype(np.float32),
        np.full(count, _OPACITY, np.float32), rgb, rgb.copy(), own_part.astype(np.uint8),
        _texture_at(avatar, anchor, barycentric, avatar.confidence[..., None], spacing)[:, 0] / 255, rigid,
        index.astype(np.uint8), (strongest / strongest.sum(axis=1, keepdims=True)).astype(np.float32),
        anchor.astype(np.int32), barycentric.astype(np.float32), avatar.joints.astype(np.float32),
        avatar.betas.astype(np.float32), PARTS, avatar.parents, None, dict(avatar.garments), avatar.notes)


def tangent_frames(normal: NDArray[Any]) -> Floats:
    """Unit quaternions (N,4), w first, whose third axis is the normal (N,3)."""
    from scipy.spatial.transform import Rotation

    n = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    helper = np.where(np.abs(n[:, 1:2]) < 0.9, np.array([[0.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]]))
    first = np.cross(helper, n)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    matrix = np.stack([first, np.cross(n, first), n], axis=2)
    return Rotation.from_matrix(matrix).as_quat()[:, [3, 0, 1, 2]].astype(np.float32)


def _density(
    avatar: Avatar, faces: NDArray[np.int64], part: NDArray[Any], trust: Floats, inner: NDArray[np.bool_]
) -> Floats:
    by_part = np.array([_DENSITY.get(name, 1.0) for name in PARTS])
    density = by_part[part][faces].mean(axis=1) * (_UNSEEN + (_SEEN - _UNSEEN) * np.clip(trust, 0, 1))
    whole = np.zeros(len(avatar.vertices), dtype=bool)
    whole[: len(inner)] = inner
    hidden = whole[faces].all(axis=1)
    middle = avatar.vertices[faces].mean(axis=1)
    eyes = np.linalg.norm(middle[:, None] - avatar.joints[[23, 24]], axis=2).min(axis=1) < 0.02
    return np.where(hidden & ~eyes, _INNER, density).astype(np.float32)


def _texture_at(
    avatar: Avatar, face: NDArray[Any], barycentric: NDArray[Any], picture: NDArray[np.uint8], spacing: Any
) -> Floats:
    """(N,C) values of a picture in the avatar's atlas, averaged over about the spacing (metres) of the Gaussians."""
    import cv2

    size = picture.shape[0]
    corner = avatar.vertices[avatar.faces[face]]
    solid = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    flat = avatar.uv[avatar.uv_faces[face]] * size
    a, b = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    texels = np.sqrt(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / np.maximum(solid, 1e-12)) * spacing
    level = np.clip(np.rint(np.log2(np.maximum(texels * 0.8, 1))), 0, 4).astype(int)
    at = np.einsum("nk,nkc->nc", barycentric, flat)
    out = np.zeros((len(face), picture.shape[2]), dtype=np.float32)
    current: NDArray[Any] = picture.astype(np.float32)
    for k in range(5):
        own = level == k
        if own.any():
            side = current.shape[0]
            x = np.clip(at[own, 0] / 2**k - 0.5, 0, side - 1).astype(np.float32)
            y = np.clip((size - at[own, 1]) / 2**k - 0.5, 0, side - 1).astype(np.float32)
            out[own] = _bilinear(current, x, y)
        current = cv2.resize(current, (max(size >> (k + 1), 1),) * 2, interpolation=cv2.INTER_AREA)
        current = current.reshape(*current.shape[:2], -1)
    return out


def _bilinear(picture: NDArray[Any], x: Floats, y: Floats) -> Floats:
    """(N,C) values of (H,W,C) at pixel places inside it."""
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, low = np.minimum(left + 1, picture.shape[1] - 1), np.minimum(top + 1, picture.shape[0] - 1)
    a, b = (x - left)[:, None], (y - top)[:, None]
    return ((1 - b) * ((1 - a) * picture[top, left] + a * picture[top, right])
            + b * ((1 - a) * picture[low, left] + a * picture[low, right]))
