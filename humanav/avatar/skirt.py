"""A skirt or the lower half of a dress: found in the photo, and worn as a surface of its own round both legs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import ConvexHull, cKDTree

from humanav.avatar.atlas import make_room, strip_uv
from humanav.avatar.avatar import Floats
from humanav.avatar.head import lab
from humanav.avatar.regions import PART, Regions, mirror_faces
from humanav.avatar.views import Frame
from humanav.body.names import JOINT_INDEX
from humanav.render import rasterize_mesh

ROWS, COLUMNS = 44, 96
_LEGS = tuple(PART[f"{s}_{p}"] for s in ("left", "right") for p in ("thigh", "shin"))
_STATIONS = 80
MIN_SPAN, SURE_SPAN = 0.09, 0.19
"""Share of the leg (hip to ankle) over which the gap between the legs must be covered with cloth: enough when the legs
change colour where the cover ends (a hem), and enough whatever their colour. Loose shorts cover a little of the gap."""


@dataclass(frozen=True)
class Tube:
    """A skirt before it is joined to the body: rest vertices, faces, atlas coordinates (0..1), skin weights."""

    vertices: Floats
    faces: NDArray[np.int64]
    uv: Floats
    uv_faces: NDArray[np.int64]
    index: NDArray[np.int64]
    weight: Floats
    mirror: NDArray[np.int64]


def find_hem(
    frame: Frame, posed: Floats, faces: NDArray[Any], part: NDArray[Any], joints: Floats
) -> tuple[float, float] | None:
    """Where a skirt ends (0 = hips, 1 = knees, 2 = ankles) and half its width there in metres; None without a skirt.

    Looks at the gap between the legs of the fitted body: under a skirt the photo shows cloth there.

    Args:
        joints: (55,3) world positions in this frame.
    """
    buffers = rasterize_mesh(posed, faces, frame.small_camera)
    label = np.where(buffers.triangle >= 0, part[faces[np.maximum(buffers.triangle, 0), 0]], -1)
    pixels, _ = frame.small_camera.project(joints)
    legs = [[pixels[JOINT_INDEX[f"{side}_{name}"]] for name in ("hip", "knee", "ankle")] for side in ("left", "right")]
    tones = lab(frame.small.reshape(-1, 3)).reshape(frame.small.shape)
    height, width = label.shape
    stations = np.linspace(0.08, 1.9, _STATIONS)
    state = np.zeros(len(stations), dtype=int)  # 1 covered, -1 bare, 0 nothing between the legs
    tone = np.full((len(stations), 3), np.nan)
    for k, t in enumerate(stations):
        left, right = (leg[0] + (leg[1] - leg[0]) * t if t <= 1 else leg[1] + (leg[2] - leg[1]) * (t - 1)
                       for leg in legs)
        count = int(np.clip(np.linalg.norm(left - right), 8, 400))
        line = left + (right - left) * np.linspace(0, 1, count)[:, None]
        x, y = np.floor(line[:, 0]).astype(int), np.floor(line[:, 1]).astype(int)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        x, y = x[inside], y[inside]
        gap = label[y, x] < 0
        on_leg = np.isin(label[y, x], _LEGS)
        if on_leg.any():
            tone[k] = np.median(tones[y[on_leg], x[on_leg]], axis=0)
        if gap.sum() < max(3, 0.004 * frame.height) or (~gap).sum() < 4:
            continue
        neighbours = tones[y[~gap], x[~gap]]
        near = np.linalg.norm(tones[y[gap], x[gap]][:, None] - neighbours[None], axis=2).min(axis=1) < 22
        covered = ((frame.small_alpha[y[gap], x[gap]] > 0.5) & near).mean()
        state[k] = 1 if covered > 0.7 else -1 if covered < 0.45 else 0
    bare = np.flatnonzero(state < 0)
    last = int(bare[0]) if len(bare) else len(state)
    known = state[:last][state[:last] != 0]
    covered_rows = np.flatnonzero(state[:last] > 0)
    if len(known) < 4 or (known > 0).mean() < 0.9:
        return None
    span = (len(covered_rows) / len(stations)) * (1.9 - 0.08) / 2
    end = int(covered_rows[-1])
    above, below = tone[max(0, end - 7): end], tone[end + 3: end + 10]
    change = 0.0
    if np.isfinite(above).any() and np.isfinite(below).any():
        change = float(np.linalg.norm(np.nanmedian(above, axis=0) - np.nanmedian(below, axis=0)))
    if span < MIN_SPAN or (span < SURE_SPAN and change < 18):
        return None
    at = stations[max(end - 1, 0)]
    middle, before = ((legs[0][int(t)] * (1 - t % 1) + legs[0][int(t) + 1] * (t % 1)
                       + legs[1][int(t)] * (1 - t % 1) + legs[1][int(t) + 1] * (t % 1)) / 2
                      for t in (at, max(at - 0.3, 0.0)))
    return (float(stations[end] + 0.5 * (stations[1] - stations[0])),
            _half_width(frame, middle, middle - before) * float(np.median(buffers.depth[label >= 0]))
            / frame.small_camera.focal)


def _half_width(frame: Frame, middle: NDArray[Any], down: NDArray[Any]) -> float:
    """Pixels from ``middle`` to the cut-out's edge across ``down``, the mean of both sides."""
    across = np.array([-down[1], down[0]]) / max(float(np.linalg.norm(down)), 1e-6)
    height, width = frame.small_alpha.shape
    total = 0.0
    for sign in (-1, 1):
        line = middle + sign * across * np.arange(1, int(0.4 * frame.height) + 2)[:, None]
        x, y = np.floor(line[:, 0]).astype(int), np.floor(line[:, 1]).astype(int)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        covered = np.zeros(len(line), dtype=bool)
        covered[inside] = frame.small_alpha[y[inside], x[inside]] > 0.5
        total += float(covered.argmin() if not covered.all() else len(covered))
    return total / 2


def make_tube(
    rest: Floats, index: NDArray[Any], weight: Floats, part: NDArray[Any], joints: Floats, hem: float,
    half_width: float = 0.0,
) -> Tube:
    """The surface from the waist to ``hem`` round the convex hull of hips and legs, with its own skin weights.

    It flares towards ``half_width`` metres at the hem where that is more than the legs need.
    """
    hip, knee, ankle = (joints[[JOINT_INDEX[f"left_{n}"], JOINT_INDEX[f"right_{n}"]], 1].mean()
                        for n in ("hip", "knee", "ankle"))
    top = float(joints[JOINT_INDEX["spine1"], 1]) + 0.02
    bottom = float(hip + (knee - hip) * hem if hem <= 1 else knee + (ankle - knee) * (hem - 1))
    member = np.isin(part, [PART[p] for p in ("torso", "left_thigh", "right_thigh", "left_shin", "right_shin")])
    points = rest[member]
    bottom = max(bottom, float(points[:, 1].min()) + 0.01)  # the shins end above the floor
    levels = np.linspace(top, bottom, ROWS)
    azimuth = 2 * np.pi * (np.arange(COLUMNS) + 0.5) / COLUMNS
    direction = np.stack([np.sin(azimuth), np.cos(azimuth)], axis=1)
    centres, radii = np.zeros((ROWS, 2)), np.zeros((ROWS, COLUMNS))
    hull = points[ConvexHull(points[:, [0, 2]]).vertices][:, [0, 2]]
    for r, level in enumerate(levels):
        slab = points[np.abs(points[:, 1] - level) < 0.02][:, [0, 2]]
        if len(slab) >= 12:
            hull = slab[ConvexHull(slab).vertices]
        centres[r] = 0.0, (hull[:, 1].min() + hull[:, 1].max()) / 2
        radii[r] = _reach(hull - centres[r], direction)
    centres[:, 1] = gaussian_filter(centres[:, 1], 3.0, mode="nearest")
    # a skirt does not narrow again below the hips by more than cloth would
    widest = int(radii[: ROWS // 2].mean(axis=1).argmax())
    for r in range(widest + 1, ROWS):
        radii[r] = np.maximum(radii[r], 0.985 * radii[r - 1])
    radii = gaussian_filter(radii, (1.5, 1.0), mode=("nearest", "wrap"))
    flare = np.clip(half_width / float(radii[-1].max()), 1.0, 2.2) - 1.0
    # cloth hangs straight from the hips down
    radii *= 1 + flare * np.clip((np.arange(ROWS) - widest) / max(ROWS - 1 - widest, 1), 0, 1)[:, None]
    radii += np.linspace(0.004, 0.010, ROWS)[:, None]
    xz = centres[:, None] + radii[..., None] * direction
    vertices = np.stack([xz[..., 0], np.broadcast_to(levels[:, None], radii.shape), xz[..., 1]], axis=-1)
    vertices = vertices.reshape(-1, 3).astype(np.float32)
    faces, uv, uv_faces = _grid()
    tube_index, tube_weight = _weights(vertices, rest[member], index[member], weight[member])
    mirror = (np.arange(ROWS)[:, None] * COLUMNS + (COLUMNS - 1 - np.arange(COLUMNS))).ravel()
    return Tube(vertices, faces, uv, uv_faces, tube_index, tube_weight, mirror)


def _reach(hull: NDArray[Any], direction: NDArray[Any]) -> NDArray[Any]:
    """Distance (C,) from the origin to a convex polygon's edge along each direction."""
    a, b = hull, np.roll(hull, -1, axis=0)
    edge = b - a
    cross = direction[:, None, 0] * edge[None, :, 1] - direction[:, None, 1] * edge[None, :, 0]
    safe = np.where(np.abs(cross) < 1e-9, 1e-9, cross)
    t = (a[None, :, 0] * edge[None, :, 1] - a[None, :, 1] * edge[None, :, 0]) / safe
    s = (a[None, :, 0] * direction[:, None, 1] - a[None, :, 1] * direction[:, None, 0]) / safe
    hit = (t > 0) & (s >= -1e-6) & (s <= 1 + 1e-6)
    return np.where(hit, t, 0).max(axis=1)


def _grid() -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Faces of the tube (outwards), its atlas coordinates with one seam at the back, and their faces."""
    faces, uv_faces = [], []
    for r in range(ROWS - 1):
        for c in range(COLUMNS):
            d = (c + 1) % COLUMNS
            a, b, e, f = (r * COLUMNS + c, r * COLUMNS + d, (r + 1) * COLUMNS + c, (r + 1) * COLUMNS + d)
            # azimuth 0 is the front; the seam lies at the back, between columns 47 and 48
            u0 = (c + COLUMNS // 2) % COLUMNS
            w = COLUMNS + 1
            ua, ub, ue, uf = r * w + u0, r * w + u0 + 1, (r + 1) * w + u0, (r + 1) * w + u0 + 1
            if c < COLUMNS // 2:
                faces += [(a, e, b), (b, e, f)]
                uv_faces += [(ua, ue, ub), (ub, ue, uf)]
            else:
                faces += [(a, e, f), (a, f, b)]
                uv_faces += [(ua, ue, uf), (ua, uf, ub)]
    u, v = np.meshgrid(np.arange(COLUMNS + 1) / COLUMNS, 1 - np.arange(ROWS) / (ROWS - 1))
    uv = np.stack([u.ravel(), v.ravel()], axis=1).astype(np.float32)
    return np.array(faces, dtype=np.int64), uv, np.array(uv_faces, dtype=np.int64)


def _weights(
    vertices: Floats, body: Floats, index: NDArray[Any], weight: Floats
) -> tuple[NDArray[np.int64], Floats]:
    """Weights from the nearest skin, knees mostly given to the hips, diffused round the rings; four per vertex."""
    dense = np.zeros((len(body), 55))
    np.add.at(dense, (np.arange(len(body))[:, None], index), weight)
    for side in ("left", "right"):
        knee, hip = JOINT_INDEX[f"{side}_knee"], JOINT_INDEX[f"{side}_hip"]
        moved = 0.75 * dense[:, knee]
        dense[:, hip] += moved
        dense[:, knee] -= moved
    distance, near = cKDTree(body).query(vertices, k=8)
    share = 1 / (distance + 0.01)
    share /= share.sum(axis=1, keepdims=True)
    start = np.einsum("vk,vkj->vj", share, dense[near])
    grid = start.reshape(ROWS, COLUMNS, 55)
    fixed = grid[:4].copy()
    for _ in range(70):
        ring = 0.5 * grid + 0.25 * (np.roll(grid, 1, axis=1) + np.roll(grid, -1, axis=1))
        up, down = np.concatenate([grid[:1], grid[:-1]]), np.concatenate([grid[1:], grid[-1:]])
        grid = 0.8 * ring + 0.1 * (up + down)
        grid[:4] = fixed
    flat = grid.reshape(-1, 55)
    order = np.argsort(-flat, axis=1, kind="stable")[:, :4]
    top = np.take_along_axis(flat, order, axis=1)
    return order.astype(np.int64), (top / top.sum(axis=1, keepdims=True)).astype(np.float32)


def covered_legs(regions: Regions, rest: Floats, tube: Tube) -> Floats:
    """(V,) 1 where the body lies under the skirt: there it keeps its own shape."""
    below, above = float(tube.vertices[:, 1].min()), float(tube.vertices[:, 1].max())
    legs = np.isin(regions.part, [PART[f"{s}_{p}"] for s in ("left", "right") for p in ("thigh", "shin")])
    legs |= (regions.part == PART["torso"])
    under = legs & (rest[:, 1] > below) & (rest[:, 1] < above - 0.01)
    return under.astype(np.float32)


def join_regions(regions: Regions, tube: Tube) -> Regions:
    """The body's regions with the skirt's vertices behind them."""
    count, extra = len(regions.part), len(tube.vertices)
    zeros = np.zeros(extra, dtype=np.float32)
    faces = len(regions.mirror_face)
    mirrored, corner = mirror_faces(tube.faces, tube.mirror)
    member = np.zeros((extra, regions.membership.shape[1]), dtype=np.float32)
    member[:, PART["skirt"]] = 1
    return replace(
        regions, part=np.concatenate([regions.part, np.full(extra, PART["skirt"])]),
        membership=np.concatenate([regions.membership, member]), face=np.concatenate([regions.face, zeros]),
        hairline=np.concatenate([regions.hairline, zeros - 1]), ear=np.concatenate([regions.ear, zeros > 1]),
        inner=np.concatenate([regions.inner, zeros > 1]),
        mirror=np.concatenate([regions.mirror, tube.mirror + count]),
        mirror_face=np.concatenate([regions.mirror_face, np.where(mirrored >= 0, mirrored + faces, -1)]),
        mirror_corner=np.concatenate([regions.mirror_corner, corner]),
        rest=np.concatenate([regions.rest, tube.vertices]), normal=np.concatenate([regions.normal, tube.vertices * 0]))


def join_atlas(uv: Floats, uv_faces: NDArray[Any], tube: Tube) -> tuple[Floats, NDArray[np.int64]]:
    """Atlas coordinates of body and skirt: the body's charts make room for a strip."""
    strip = strip_uv(tube.uv[:, 0], tube.uv[:, 1])
    return (np.concatenate([make_room(uv), strip]).astype(np.float32),
            np.concatenate([uv_faces, tube.uv_faces + len(uv)]))
