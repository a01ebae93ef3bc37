"""Garments as skinned shells round the body, and skirts as tubes.

A garment's outline is a signed function of the mean body's T-pose coordinates (metres inside its hems), so that
necklines, sleeves and hems come out as smooth curves on every shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import gaussian_filter
from scipy.spatial import ConvexHull, cKDTree

from humanav.synth.noise import fbm, smoothstep
from humanav.synth.surface import Surface, clip, normals, smooth, subdivide, submesh, tube
from humanav.synth.template import Template, template

Array = NDArray[np.float32]
Kind = Literal["top", "jacket", "bottom", "shoes", "skirt"]
MARGIN = 0.02
"""A layer ends this far (metres) inside the hem of the layer above it."""


@dataclass(frozen=True)
class Garment:
    """One piece of clothing; heights and widths in the mean body's T-pose, metres.

    Attributes:
        kind: what it is; "skirt" is a tube from ``top`` down to ``hem`` (also a dress's or coat's lower part).
        hem: its lowest edge (y).
        sleeve: where sleeves end (|x|); below 0.15 there is no sleeve.
        top: upper edge of a bottom, shoe or skirt (y).
        neck: "crew", "scoop", "v", "high", "shirt" (close) or "collar" (the folded band of a shirt alone).
        loose: 0 tight .. 1 wide.
        flare: how much a skirt or trouser leg widens downwards, metres per metre.
        opening: half width of an open front (jacket), 0 closed.
        seed: of its folds.
    """

    kind: Kind
    hem: float
    sleeve: float = 0.0
    top: float = -0.22
    neck: str = "crew"
    loose: float = 0.3
    flare: float = 0.1
    opening: float = 0.0
    seed: int = 0

    def keep(self, rest: Array) -> Array:
        """Metres inside the garment's outline (N,), negative outside."""
        x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
        trunk = x < 0.3
        if self.kind == "bottom":
            return np.minimum(self.top + 0.12 * (0.05 - z) * 0.3 - y, y - self.hem).astype(np.float32)
        if self.kind == "shoes":
            return (self.top - y - np.where(self.top < -1.2, 0.12 * np.clip(z - 0.05, 0, 0.1), 0)).astype(np.float32)
        if self.kind == "skirt":
            return np.minimum(self.top - 0.03 - y, y - self.hem - 0.05).astype(np.float32)
        out = np.where(trunk, y - self.hem, 1.0)
        if self.sleeve < 0.15:  # armholes: a line from the shoulder strap down under the arm
            out = np.minimum(out, self.sleeve + 0.045 - x + 0.35 * np.clip(-0.03 - y, -0.05, 0.12))
        else:
            out = np.minimum(out, self.sleeve - x)
        out = np.minimum(out, np.minimum(self._neckline(x, y, z), 0.15 - np.clip(z - 0.06, 0, 0.1) - y))
        if self.opening > 0:
            gap = self.opening + 0.16 * np.clip(y + 0.12, 0, 0.25) + 0.03 * np.clip(-0.25 - y, 0, 0.3)
            out = np.where(z > 0.055, np.minimum(out, x - gap), out)
        return out.astype(np.float32)

    def _neckline(self, x: Array, y: Array, z: Array) -> Array:
        back = smoothstep(0.105, 0.0, z)
        if self.neck == "high":
            return 0.148 - 0.5 * np.clip(z - 0.06, 0, 0.1) - y
        if self.neck == "scoop":
            return (0.012 + 0.075 * back + 7.0 * x**2 - y) * 0.85
        crew = (0.070 + 0.034 * back + 4.5 * x**2 - y) * 0.9
        if self.neck == "collar":  # a folded band about the neck, open in front
            front = smoothstep(0.05, 0.09, z)
            band = np.minimum(crew + 0.028, 0.014 + 0.026 * front - crew)
            return np.where(z > 0.06, np.minimum(band, x - 0.003 - 0.5 * np.clip(0.072 - y, 0, 0.1)), band)
        if self.neck == "v":
            return np.where(z > 0.05, np.minimum(crew, (-0.01 + 1.7 * x - y) * 0.5), crew)
        return crew + (0.012 if self.neck == "shirt" else 0.0)


def layers(
    template: Template,
    shaped: Array,
    garments: tuple[Garment, ...],
    materials: tuple[int, ...],
    skin: int,
    detail: int = 1,
) -> list[Surface]:
    """Body and garments, inner to outer, cut so that nothing shows through what covers it.

    Args:
        shaped: (V,3) T-pose vertices of this person.
        garments, materials: inner to outer, and the material index of each.
        skin: material index of the body itself.
        detail: how often cloth is subdivided (folds need 1 or more).
    """
    body = Surface(shaped, template.points, template.weights, template.faces, np.ones(len(shaped), np.float32), skin)
    outline = normals(shaped, template.faces)
    under = shaped.astype(np.float32)
    calm = (_chest_filter() @ under - under).astype(np.float32)
    covers = [g.keep(template.points) for g in garments]
    surfaces = [_hidden(body, garments)]
    for i, garment in enumerate(garments):
        above = garments[i + 1 :]
        if garment.kind == "skirt":
            surface = skirt(template, under, garment, materials[i])
            if garment.opening > 0:
                gap = garment.opening + 0.05 * np.clip(-0.3 - surface.rest[:, 1], 0, 1)
                keep = np.where(surface.rest[:, 2] > 0.05, np.abs(surface.rest[:, 0]) - gap, 1.0)
                surface = Surface(
                    surface.points, surface.rest, surface.weights, surface.faces, keep.astype(np.float32), materials[i]
                )
                surface = clip(surface)
            surfaces.append(surface)
            continue
        if garment.kind == "shoes":
            surfaces.append(shoes(template, under, garment, materials[i]))
            continue
        points, steps = _shell(template, under, outline, calm, garment)
        # smoothing the coordinates like the cloth keeps hems and stripes straight
        rest = smooth(template.points, template.faces, steps)
        region = (covers[i] > -0.06)[template.faces].any(axis=1) & (template.part == 0)[template.faces].all(axis=1)
        piece, _ = submesh(Surface(points, rest, template.weights, template.faces, covers[i], materials[i]), region)
        under = np.where((covers[i] > 0)[:, None], points, under).astype(np.float32)
        for _ in range(detail):
            piece = subdivide(piece)
        points = smooth(piece.points, piece.faces, 2)
        points = points + normals(points, piece.faces) * _folds(piece.rest, garment, template)[:, None]
        piece = Surface(points, piece.rest, piece.weights, piece.faces, garment.keep(piece.rest), materials[i])
        surfaces.append(clip(_hidden(piece, above)))
    surfaces[0] = clip(surfaces[0])
    return surfaces


@lru_cache(maxsize=1)
def _chest_filter() -> sparse.csr_matrix:
    """(V,V) Gaussian average over 2 cm of the chest: cloth spans its small relief instead of clinging to it."""
    t = template()
    front = np.flatnonzero(
        (np.abs(t.points[:, 0]) < 0.19) & (t.points[:, 2] > 0.05) & (np.abs(t.points[:, 1] + 0.09) < 0.16)
    )
    corners = t.points[t.faces]
    size = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    area = np.bincount(t.faces.ravel(), np.repeat(size, 3), len(t.points))
    tree = cKDTree(t.points[front])
    near = tree.sparse_distance_matrix(tree, 0.06, output_type="coo_matrix")
    weight = np.exp(-0.5 * (near.data / 0.022) ** 2) * area[front[near.col]]
    average = sparse.coo_matrix((weight, (near.row, near.col)), shape=(len(front),) * 2).tocsr()
    average = sparse.diags(1 / np.asarray(average.sum(axis=1)).ravel()) @ average
    x, y, z = np.abs(t.points[front, 0]), t.points[front, 1], t.points[front, 2]
    share = (
        smoothstep(0.17, 0.14, x) * smoothstep(-0.21, -0.17, y) * smoothstep(0.05, 0.01, y) * smoothstep(0.07, 0.10, z)
    )
    local = sparse.diags(share) @ (average - sparse.identity(len(front)))
    pick = sparse.coo_matrix(
        (np.ones(len(front)), (front, np.arange(len(front)))), shape=(len(t.points), len(front))
    ).tocsr()
    return (sparse.identity(len(t.points)) + pick @ local @ pick.T).tocsr()


def _hidden(surface: Surface, above: tuple[Garment, ...]) -> Surface:
    """Drop what lies well inside a garment worn above."""
    keep = surface.keep
    for garment in above:
        keep = np.minimum(keep, MARGIN - garment.keep(surface.rest))
    return Surface(
        surface.points, surface.rest, surface.weights, surface.faces, keep.astype(np.float32), surface.material
    )


def _shell(template: Template, under: Array, outline: Array, calm: Array, garment: Garment) -> tuple[Array, int]:
    """Offset positions (V,3) of all body vertices for one garment, and how often they were smoothed.

    ``calm`` (V,3) moves the skin to where it has no small relief.
    """
    x, y = np.abs(template.points[:, 0]), template.points[:, 1]
    loose = garment.loose
    if garment.kind == "bottom":
        fall = smoothstep(-0.5, -1.2, y)
        offset, iterations, least = 0.005 + loose * (0.010 + 0.012 * fall) + garment.flare * 0.05 * fall, 10, 0.004
    else:
        fall = smoothstep(0.0, -0.35, y) * (x < 0.25)
        arm = smoothstep(0.2, 0.3, x)
        offset, iterations, least = 0.008 + loose * (0.006 + 0.020 * fall + 0.008 * arm), 26, 0.007
        if garment.kind == "jacket":
            offset, least = offset + 0.009, 0.014
    firm = under + calm if garment.kind != "bottom" else under
    points = smooth(firm + outline * offset[:, None], template.faces, iterations)
    for _ in range(2):
        depth = ((points - firm) * outline).sum(axis=1)
        points = smooth(points + outline * np.maximum(least - depth, 0)[:, None], template.faces, 3)
    return points.astype(np.float32), iterations


def shoes(template: Template, under: Array, garment: Garment, material: int) -> Surface:
    """A pair of shoes: the convex hull of each foot, rounded, on a flat sole; boots have a shaft as well."""
    rest, floor = template.points, template.floor
    low = min(garment.top, -1.245)
    theta, phi = np.linspace(0.0, np.pi, 30), np.linspace(0, 2 * np.pi, 56, endpoint=False)
    # directions crowd towards heel and toe, where the foot is long
    grid = np.stack(
        [
            np.sin(theta)[:, None] * np.cos(phi) * 0.6,
            np.sin(theta)[:, None] * np.sin(phi) * 0.6,
            -np.cos(theta)[:, None] * np.ones_like(phi) * 1.7,
        ],
        axis=-1,
    )
    ways = (grid / np.linalg.norm(grid, axis=-1, keepdims=True)).reshape(-1, 3)
    parts = []
    for side in (1, -1):
        foot = (rest[:, 0] * side > 0) & (rest[:, 1] < low) & (template.part == 0)
        shapes = []
        for cloud in (under[foot], rest[foot]):
            hull = ConvexHull(cloud)
            centre = (cloud.min(axis=0) + cloud.max(axis=0)) / 2
            centre[1] = cloud[:, 1].min() + 0.03
            slope = ways @ hull.equations[:, :3].T
            room = -(centre @ hull.equations[:, :3].T + hull.equations[:, 3])
            reach = np.where(slope > 1e-6, room[None] / np.maximum(slope, 1e-6), np.inf).min(axis=1)
            shape = centre + ways * (reach[:, None] + 0.007)
            shape[:, 1] = np.maximum(shape[:, 1], cloud[:, 1].min() - 0.004)
            shapes.append(shape)
        _, near = cKDTree(rest[foot]).query(shapes[1])
        piece = tube(
            shapes[0].reshape(30, 56, 3),
            template.weights[foot][near].reshape(30, 56, 55),
            material,
            rest=shapes[1].reshape(30, 56, 3),
        )
        points = smooth(piece.points, piece.faces, 3)
        for pole in (slice(0, 56), slice(-56, None)):
            points[pole] = points[pole].mean(axis=0)
        edge = smoothstep(floor + 0.026, floor + 0.012, shapes[1][:, 1])
        centre = points.mean(axis=0)
        points[:, 1] -= 0.018 * edge
        points[:, [0, 2]] += (points - centre)[:, [0, 2]] * (0.03 * edge)[:, None]
        parts.append(replace(piece, points=points.astype(np.float32)))
    if garment.top > -1.235:
        shaft = np.minimum(garment.top - rest[:, 1], rest[:, 1] + 1.27)
        region = (shaft > -0.02)[template.faces].any(axis=1)
        outline = normals(under, template.faces)
        wide = smooth(under + outline * 0.009, template.faces, 4)
        leg, _ = submesh(
            Surface(wide, rest, template.weights, template.faces, shaft.astype(np.float32), material), region
        )
        parts.append(clip(leg))
    count = np.cumsum([0] + [len(p.points) for p in parts])
    points, rests, weights = (np.concatenate([getattr(p, k) for p in parts]) for k in ("points", "rest", "weights"))
    return Surface(
        points,
        rests,
        weights,
        np.concatenate([p.faces + c for p, c in zip(parts, count)]),
        np.ones(count[-1], np.float32),
        material,
    )


def _folds(rest: Array, garment: Garment, template: Template) -> Array:
    """Displacement (N,) of loose cloth: rings at elbows and knees, drapes on the trunk."""
    x, y = np.abs(rest[:, 0]), rest[:, 1]
    seed = garment.seed
    size = 0.0012 + 0.0050 * garment.loose

    def creases(frequency: tuple[float, float, float], k: int) -> Array:
        """Ridges rather than bumps: cloth buckles in lines."""
        return 0.55 - 2.2 * np.abs(fbm(rest, frequency, 2, 0.45, seed + k))

    if garment.kind == "bottom":
        knee, ankle = template.joints[4, 1], template.joints[7, 1]
        near = (
            np.exp(-(((y - knee) / 0.12) ** 2))
            + 1.1 * smoothstep(ankle + 0.2, ankle, y)
            + 0.9 * np.exp(-(((y + 0.47) / 0.07) ** 2))
        )
        return (size * (0.7 * creases((9, 2.2, 9), 0) + 1.2 * near * creases((4, 17, 4), 1))).astype(np.float32)
    elbow, wrist = template.joints[18, 0], template.joints[20, 0]
    near = (
        np.exp(-(((x - elbow) / 0.09) ** 2))
        + 0.8 * smoothstep(wrist - 0.14, wrist, x)
        + 0.6 * np.exp(-(((x - 0.2) / 0.05) ** 2))
    )
    waist = np.exp(-(((y + 0.26) / 0.1) ** 2)) * (x < 0.22)
    drape = np.where(x < 0.2, creases((7, 2.6, 7), 0), 0.6 * creases((3, 8, 8), 3))
    return (size * (0.8 * drape + 1.2 * near * creases((18, 4, 4), 1) + 0.9 * waist * creases((3, 12, 3), 2))).astype(
        np.float32
    )


def skirt(template: Template, under: Array, garment: Garment, material: int, columns: int = 96) -> Surface:
    """A tube round hips and legs from ``top`` to ``hem``, as wide as the widest part above each height, plus flare."""
    rows = max(8, int((garment.top - garment.hem) / 0.018))
    heights = np.linspace(garment.top, garment.hem, rows)
    trunk = (np.abs(template.points[:, 0]) < 0.3) & (template.points[:, 1] < 0.05) & (template.part == 0)
    points, rest = under[trunk], template.points[trunk]
    angle = -np.arange(columns) / columns * 2 * np.pi  # this way round the faces look outwards
    direction = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    shift = float(np.median(points[np.abs(rest[:, 1] + 0.35) < 0.05, 2]))
    radius, level = np.zeros((rows, columns)), np.zeros(rows)
    turn = np.cos(angle[:, None] - angle[None])
    for r, height in enumerate(heights):
        band = np.abs(rest[:, 1] - height) < 0.022
        flat = points[band][:, [0, 2]] - [0, shift]
        support = (flat @ direction.T).max(axis=0)
        # polar radius of the convex hull from its support function
        radius[r] = np.where(turn > 0.15, support[None] / np.maximum(turn, 0.15), np.inf).min(axis=1)
        level[r] = points[band, 1].mean() if band.any() else level[r - 1]
    radius = np.maximum.accumulate(radius, axis=0)
    radius = gaussian_filter(radius, (2.5, 2.0), mode=("nearest", "wrap"))
    drop = np.clip(garment.top - heights, 0, None)[:, None]
    below = np.clip(-0.36 - heights, 0, None)[:, None]
    waves = sum(
        np.cos(k * angle[None] + p) / (1 + 0.04 * k)
        for k, p in zip((5, 8, 11, 14), np.random.default_rng(garment.seed).uniform(0, 6.3, 4))
    )
    radius = radius + 0.007 + 0.006 * garment.loose + garment.flare * (0.35 * drop + 0.65 * below)
    radius = radius + waves * (0.004 + 0.06 * garment.flare) * below * (0.6 + 0.8 * garment.loose)
    rings = np.stack(
        [radius * direction[:, 0], np.repeat(level[:, None], columns, 1), radius * direction[:, 1] + shift], -1
    )
    rest_y = np.repeat(heights[:, None], columns, 1)
    rest_rings = np.stack([rings[..., 0], rest_y, rings[..., 2]], axis=-1)
    weights = np.zeros((rows, columns, 55), np.float32)
    leg = 0.88 * smoothstep(-0.38, -0.66, rest_y)
    knee = leg * 0.7 * smoothstep(-0.74, -1.12, rest_y)
    left = smoothstep(-0.13, 0.13, rings[..., 0])
    high = 0.7 * smoothstep(-0.30, -0.2, rest_y)
    for joint, value in (
        (0, (1 - leg) * (1 - high)),
        (3, (1 - leg) * high),
        (1, (leg - knee) * left),
        (2, (leg - knee) * (1 - left)),
        (4, knee * left),
        (5, knee * (1 - left)),
    ):
        weights[..., joint] = value
    return tube(rings, weights, material, rest=rest_rings)
