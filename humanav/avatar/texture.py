"""The bake: N views of one person into one texture, and the fills that complete it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from humanav.avatar import fill, head, kernels
from humanav.avatar.atlas import Texels, fill_gutter
from humanav.avatar.avatar import Floats, blended
from humanav.avatar.garments import Wardrobe, shows_torso
from humanav.avatar.regions import PART, Regions
from humanav.avatar.surface import cotangent_laplacian, extend, smoothstep
from humanav.avatar.views import Frame
from humanav.avatar.visibility import Maps, view_maps, without_halo
from humanav.render import KERNEL_LOCK


@dataclass(frozen=True)
class Surface:
    """The mesh to paint: rest vertices (V,3), faces, skin weights, regions, atlas."""

    rest: Floats
    faces: NDArray[np.int64]
    uv: Floats
    uv_faces: NDArray[np.int64]
    index: NDArray[Any]
    weight: Floats
    regions: Regions
    atlas: Texels

    @property
    def face_part(self) -> NDArray[np.int64]:
        """(F,) part of each face: that of the majority of its corners."""
        part = self.regions.part[self.faces]
        return np.where(part[:, 1] == part[:, 2], part[:, 1], part[:, 0])

    @property
    def headness(self) -> Floats:
        """(V,) share of the head's joints in each vertex's weights."""
        return self.regions.membership[:, PART["head"]]


@dataclass
class Seen:
    """What one view says of every vertex (V) and, once :meth:`read_texels` ran, of every texel (T)."""

    vertex_colour: Floats
    vertex_trust: Floats
    maps: Maps
    picture: NDArray[np.uint8]
    colour: Floats = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    trust: Floats = field(default_factory=lambda: np.zeros(0, np.float32))


def see(surface: Surface, frame: Frame) -> Seen:
    """Read a view's colours and trust for every vertex."""
    posed = frame.posed(surface.rest, surface.index, surface.weight)
    maps = view_maps(frame, posed, surface.faces, surface.face_part, surface.regions.rest)
    picture = without_halo(frame.image, frame.alpha, 2.5 * max(frame.height, 200) / 1000 / frame.scale)
    seen = Seen(np.zeros((0, 3), np.float32), np.zeros(0, np.float32), maps, picture)
    read_vertices(surface, frame, seen)
    return seen


def read_vertices(surface: Surface, frame: Frame, seen: Seen) -> None:
    """Vertex colours and trust with the maps as they are now."""
    places = _vertex_places(surface.faces, len(surface.rest))
    seen.vertex_colour, seen.vertex_trust = _read(*places, surface, frame, seen.maps, seen.picture)


def _read(
    face: NDArray[Any], barycentric: Floats, surface: Surface, frame: Frame, maps: Maps, picture: NDArray[np.uint8]
) -> tuple[Floats, Floats]:
    count = len(face)
    colour, trust = np.empty((count, 3), np.float32), np.empty(count, np.float32)
    cosine = np.empty(count, np.float32)
    with KERNEL_LOCK:
        kernels.see_texels(face, barycentric, surface.faces, surface.face_part, maps.pixel, maps.depth, maps.facing,
                           picture, frame.scale, maps.nearest, maps.occluder, maps.ramp, maps.banned, colour, trust,
                           cosine)
    return colour, trust


def _vertex_places(faces: NDArray[Any], count: int) -> tuple[NDArray[np.int32], Floats]:
    """A face and one-hot barycentrics for each vertex, so that vertices are read as texels are."""
    face, corner = np.zeros(count, np.int32), np.zeros(count, np.int64)
    for k in (2, 1, 0):
        face[faces[:, k]], corner[faces[:, k]] = np.arange(len(faces)), k
    return face, np.eye(3, dtype=np.float32)[corner]


def bake(
    surface: Surface, frames: Sequence[Frame], views: list[Seen], wardrobe: Wardrobe,
    under_skirt: Floats | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Texture (S,S,3) and confidence (S,S) from one or more prepared views.

    Args:
        under_skirt: (V,) 1 on the body under a skirt, or None.
    """
    laplacian, areas = cotangent_laplacian(surface.rest, surface.faces)
    texels = surface.atlas
    for k, (view, frame) in enumerate(zip(views, frames)):
        bad = wardrobe.rejected[k]
        view.maps.banned[bad] |= np.left_shift(np.uint32(1), view.maps.label[bad].astype(np.uint32))
        read_vertices(surface, frame, view)
        view.colour, view.trust = _read(texels.face, texels.barycentric, surface, frame, view.maps, view.picture)
    total, colour, vertex_trust = _merge(views, frames, wardrobe)
    vertex_colour = _vertex_merge(views, frames)
    filled = _continued(surface, views, frames, laplacian, areas, wardrobe)
    painted = head.paint_head(vertex_colour, vertex_trust, surface.regions, wardrobe.hair, wardrobe.skin, laplacian,
                              areas)
    headness = _on_texels(surface, np.maximum(surface.headness, wardrobe.hair_cover)[:, None])[:, 0]
    on_head = headness > 0.02
    face_seen = bool((vertex_trust[surface.regions.face > 0.5] > 0.5).mean() > 0.08)
    _paint_head(surface, filled, *painted, wardrobe, headness, face_seen)
    if wardrobe.shoes is not None:
        _close_heels(surface, filled, wardrobe.shoes, wardrobe.skin)
    if under_skirt is not None:
        _line_skirt(surface, filled, under_skirt, wardrobe)
    mirrored, mirror_trust = _mirrored(surface, colour, total)
    mirrored += _difference(surface, laplacian, areas, colour, mirrored, np.minimum(total, mirror_trust), 28.0)
    amount = (smoothstep(0.3, 0.7, mirror_trust) * (1 - smoothstep(0.3, 0.8, total)))[:, None]
    filled += (mirrored - filled) * amount
    del mirrored, amount
    seam = _difference(surface, laplacian, areas, colour, filled, total * (total > 0.25), 18.0)
    filled += seam * np.where(on_head, 0.6, 1.0)[:, None].astype(np.float32)
    del seam
    filled += (colour - filled) * total[:, None]
    texture = texels.picture(np.clip(filled + 0.5, 0, 255).astype(np.uint8))
    confidence = texels.picture(np.clip(total * 255, 0, 255).astype(np.uint8))
    return fill_gutter(texture, texels), confidence


def _merge(views: list[Seen], frames: Sequence[Frame], wardrobe: Wardrobe) -> tuple[Floats, Floats, Floats]:
    """Trust (T,), colour (T,3) and vertex trust (V,) of all views together; the best view of a texel prevails."""
    if len(views) == 1:
        return views[0].trust * frames[0].weight, views[0].colour, views[0].vertex_trust * frames[0].weight
    share = np.zeros_like(views[0].trust)
    colour = np.zeros_like(views[0].colour)
    total, vertex = np.zeros_like(share), np.zeros_like(views[0].vertex_trust)
    for k, (view, frame) in enumerate(zip(views, frames)):
        trust = view.trust * frame.weight
        strong = trust**3 + 1e-9
        colour += strong[:, None] * (view.colour * wardrobe.gains[k])
        share += strong
        total, vertex = np.maximum(total, trust), np.maximum(vertex, view.vertex_trust * frame.weight)
    return total, colour / share[:, None], vertex


def _vertex_merge(views: list[Seen], frames: Sequence[Frame]) -> Floats:
    strong = np.stack([(v.vertex_trust * f.weight) ** 3 + 1e-9 for v, f in zip(views, frames)])
    strong /= strong.sum(axis=0)
    return np.einsum("kv,kvc->vc", strong, np.stack([v.vertex_colour for v in views])).astype(np.float32)


def _continued(
    surface: Surface, views: list[Seen], frames: Sequence[Frame], laplacian: sp.csc_matrix, areas: NDArray[Any],
    wardrobe: Wardrobe,
) -> Floats:
    """Every texel's colour by continuing the views over the far side (T,3)."""
    texels, regions = surface.atlas, surface.regions
    torso_shown = shows_torso(views, regions)
    plain_colour = _on_texels(surface, _plain_clothes(regions, wardrobe, any(torso_shown)))
    result, weights = None, np.zeros(len(texels.face), np.float32)
    for k, (view, frame) in enumerate(zip(views, frames)):
        matrix, _ = blended(frame.rotation, frame.offset, surface.index, surface.weight)
        to_camera = -frame.camera.R[2]
        direction = np.einsum("vba,b->va", matrix, to_camera).astype(np.float32)
        source = np.ascontiguousarray(frame.scale * fill.source_pixels(
            view.maps, view.vertex_trust, regions, laplacian, areas, direction))
        layers, found = fill.source_layers(wardrobe.pictures[k], frame, view.maps, wardrobe.rejected[k],
                                           wardrobe.front_only[k])
        if not torso_shown[k]:
            found[[PART["torso"], -1]] = False
        colour, certain = np.zeros((len(texels.face), 3), np.float32), np.empty(len(texels.face), np.float32)
        with KERNEL_LOCK:
            kernels.sample_layers(texels.face, texels.barycentric, surface.faces,
                                  fill.back_membership(regions, view.maps.facing), found, source, layers, colour,
                                  certain)
        plain = 1 - certain
        weak = plain > 0
        if weak.any():
            colour[weak] += (plain_colour[weak] - colour[weak]) * plain[weak, None]
        reach = extend(laplacian, areas, view.vertex_trust.astype(float), view.vertex_trust * 1.0, 0.01, 0.0)
        share = _on_texels(surface, np.clip(reach, 0, 1)[:, None])
        strength = (share[:, 0] ** 2 + 1e-3) * frame.weight * (certain + 1e-4)
        if len(views) == 1:
            result, weights = colour, strength.astype(np.float32)
        else:
            part = colour * wardrobe.gains[k] * strength[:, None].astype(np.float32)
            result = part if result is None else result + part
            weights += strength.astype(np.float32)
    assert result is not None
    return result if len(views) == 1 else result / weights[:, None]


def _plain_clothes(regions: Regions, wardrobe: Wardrobe, torso_shown: bool) -> Floats:
    """(V,3) one colour for each part, for what no view shows; trousers begin at the waist."""
    share = smoothstep(0.35, 0.65, regions.membership)
    colour = share @ wardrobe.part_colour / np.maximum(share.sum(axis=1, keepdims=True), 1e-6)
    if not torso_shown:
        thighs = np.isin(regions.part, (PART["left_thigh"], PART["right_thigh"]))
        waist = float(regions.rest[thighs, 1].max()) + 0.03
        dressed = (regions.part == PART["torso"]) | thighs
        below = dressed * smoothstep(waist + 0.004, waist - 0.004, regions.rest[:, 1])
        colour += (wardrobe.part_colour[PART["left_thigh"]] - colour) * below[:, None]
    return np.asarray(colour, dtype=np.float32)


def _close_heels(surface: Surface, filled: Floats, shoes: Floats, skin: Floats) -> None:
    """The shoe's colour on the heel and sole where the fill carried skin down from the ankle."""
    regions = surface.regions
    feet = np.isin(regions.part, (PART["left_foot"], PART["right_foot"]))
    sole = float(regions.rest[feet, 1].min())
    low = (feet * smoothstep(sole + 0.062, sole + 0.052, regions.rest[:, 1])).astype(np.float32)
    share = _on_texels(surface, low[:, None])[:, 0]
    own = np.flatnonzero(share > 0.02)
    away = np.linalg.norm((head.lab(filled[own]) - head.lab(skin[None])[0]) * np.array([0.5, 1, 1], np.float32), axis=1)
    share = (share[own] * smoothstep(22.0, 14.0, away))[:, None]
    filled[own] += (shoes - filled[own]) * share


def _line_skirt(surface: Surface, filled: Floats, under: Floats, wardrobe: Wardrobe) -> None:
    """Cloth on the upper legs under a skirt: where a lifted knee pokes through, it shows the skirt's colour."""
    regions = surface.regions
    covered = regions.rest[: len(under), 1][under > 0.5]
    low, high = float(covered.min()), float(covered.max())
    share = smoothstep(low + 0.30 * (high - low), low + 0.34 * (high - low), regions.rest[:, 1])
    share = _on_texels(surface, (share * np.pad(under, (0, len(share) - len(under))))[:, None])
    filled += (wardrobe.part_colour[PART["skirt"]] - filled) * share


def _paint_head(
    surface: Surface, filled: Floats, tint: Floats, strands: Floats, shift: Floats, wardrobe: Wardrobe,
    headness: Floats, face_seen: bool,
) -> None:
    """Overwrite the head's texels with skin and hair, strand by strand; a face nobody saw gets plain features."""
    texels, regions = surface.atlas, surface.regions
    on_head = headness > 0.02
    face, barycentric = texels.face[on_head], texels.barycentric[on_head]
    line = np.maximum(np.maximum(regions.hairline, -0.2) + shift,
                      0.03 * (wardrobe.hair_cover - 0.5))
    values = np.concatenate([tint, strands, line[:, None], regions.rest, regions.inner[:, None]], axis=1)
    out = np.empty((len(face), values.shape[1]), np.float32)
    with KERNEL_LOCK:
        kernels.spread_vertices(face, barycentric, surface.faces, np.ascontiguousarray(values, np.float32), out)
    noise = head.strand_noise(out[:, 7:10], regions.head_centre, 1.0)
    cover = smoothstep(-0.004, 0.005, out[:, 6] + 0.003 * noise)[:, None]
    bare = out[:, :3] * (1 + 0.012 * noise[:, None])
    if not face_seen:
        dark, red = head.features(out[:, 7:10], regions)
        brow = 0.45 * wardrobe.hair.colour + 0.55 * wardrobe.skin * 0.35
        bare += (brow - bare) * (dark * (out[:, 10] < 0.5))[:, None]
        bare += (bare * np.array([0.93, 0.68, 0.70]) - bare) * (red * (out[:, 10] < 0.5))[:, None]
        _paint_eyes(bare, out[:, 7:10], out[:, 10] > 0.5, regions)
    hair = out[:, 3:6] * (1 + wardrobe.hair.spread / 100 * noise[:, None])
    share = smoothstep(0.25, 0.75, headness[on_head])[:, None]
    filled[on_head] += (bare + (hair - bare) * cover - filled[on_head]) * share


def _paint_eyes(colour: Floats, position: Floats, inner: NDArray[np.bool_], regions: Regions) -> None:
    """White, iris and pupil on the eyeballs."""
    away = np.hypot(np.abs(position[:, 0]) - 0.030, position[:, 1] - regions.eye[1])
    ball = inner & (np.abs(position[:, 1] - regions.eye[1]) < 0.016)
    eye = np.where((away < 0.0025)[:, None], 20.0, np.where((away < 0.006)[:, None], np.array([84.0, 62, 46]), 225.0))
    colour[ball] = eye[ball]


def _mirrored(surface: Surface, colour: Floats, trust: Floats) -> tuple[Floats, Floats]:
    texels = surface.atlas
    picture = texels.picture(np.clip(colour + 0.5, 0, 255).astype(np.uint8))
    out, out_trust = np.empty_like(colour), np.empty_like(trust)
    with KERNEL_LOCK:
        kernels.mirror_texels(texels.face, texels.barycentric, surface.uv.astype(np.float32), surface.uv_faces,
                              surface.regions.mirror_face, surface.regions.mirror_corner, picture,
                              texels.picture(trust), out, out_trust)
    return out, out_trust


def _difference(
    surface: Surface, laplacian: sp.csc_matrix, areas: NDArray[Any], wanted: Floats, present: Floats, trust: Floats,
    limit: float,
) -> Floats:
    """Smooth correction (T,3) that carries ``wanted - present`` from trusted texels over the rest of the surface."""
    texels = surface.atlas
    sums = np.zeros((len(surface.rest), 3), np.float64)
    total = np.zeros(len(surface.rest), np.float64)
    kernels.gather_vertices(texels.face, texels.barycentric, surface.faces, wanted - present, trust, total, sums)
    mean = sums / np.maximum(total, 1e-6)[:, None]
    smooth = extend(laplacian, areas, np.clip(mean, -60, 60), smoothstep(2.0, 20.0, total), 0.02)
    return _on_texels(surface, np.clip(smooth, -limit, limit))


def _on_texels(surface: Surface, values: NDArray[Any]) -> Floats:
    """Vertex values (V,C) at every texel (T,C)."""
    texels, values = surface.atlas, np.ascontiguousarray(values, np.float32)
    out = np.empty((len(texels.face), values.shape[1]), np.float32)
    with KERNEL_LOCK:
        kernels.spread_vertices(texels.face, texels.barycentric, surface.faces, values, out)
    return out
