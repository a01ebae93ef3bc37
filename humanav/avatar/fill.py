"""Colours for the surface no photo shows, taken from the photo round the same limb.

Each vertex gets a *source pixel*. Where the photo shows the vertex that is simply its projection. A vertex on the far
side gets the pixel of the vertex opposite to it on the same limb, at the same place along the limb. Between the two the
source is interpolated harmonically over the surface, so it runs from the trusted edge back inwards: cloth continues
round the flank without a seam and without one grazing column of pixels being stretched over it, and belts, hems and
sleeves end at the right height on the back.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from humanav.avatar.avatar import Floats
from humanav.avatar.regions import PART, PARTS, Regions
from humanav.avatar.surface import smoothstep, solve
from humanav.avatar.views import Frame
from humanav.avatar.visibility import Maps, nearest_fill

_MAY_SHOW: dict[str, tuple[str, ...]] = {
    "torso": ("torso", "left_thigh", "right_thigh"), "head": ("head", "neck"), "neck": ("neck",),
    **{f"{s}_{p}": tuple(f"{s}_{q}" for q in qs) for s in ("left", "right") for p, qs in (
        ("upper_arm", ("upper_arm", "forearm")), ("forearm", ("forearm", "upper_arm")), ("hand", ("hand",)),
        ("shin", ("shin", "thigh")), ("foot", ("foot",)))},
    "left_thigh": ("left_thigh", "left_shin", "torso"), "right_thigh": ("right_thigh", "right_shin", "torso"),
    "skirt": ("skirt",),
}
_ROW = 0.012
MIN_SOURCE = 60
"""Trusted pixels a part needs before its own picture is continued over its far side."""


def source_layers(
    picture: NDArray[np.uint8], frame: Frame, maps: Maps, rejected: NDArray[np.bool_],
    front_only: NDArray[np.bool_],
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """For each part a picture (P+1,h,w,3) that shows nothing but that part, and which parts have one (P+1,).

    Pixels of other parts, at the cut-out's edge, at a grazing angle or ``rejected`` take the nearest trusted colour; so
    do ``front_only`` ones (hair that hangs over the shoulder) outside the head. The last layer is the torso without
    what is on one side only: prints, necklaces, plackets, the shirt in an open jacket.
    """
    unit = max(frame.height, 200.0) / 1000
    layers = np.zeros((len(PARTS) + 1, *picture.shape), dtype=np.uint8)
    found = np.zeros(len(PARTS) + 1, dtype=bool)
    shown = set(np.unique(maps.label[maps.label >= 0]).tolist())
    good = (maps.cosine > 0.33) & (maps.inner > 4 * unit) & ~rejected & ~frame.border
    for part, name in enumerate(PARTS):
        if part not in shown:
            continue
        own = [PART[q] for q in _MAY_SHOW[name]]
        free = ((maps.banned >> np.uint32(part)) & 1) == 0
        valid = good & np.isin(maps.label, own) & free
        if name != "head":
            valid &= ~front_only
        if (valid & (maps.label == part)).sum() < MIN_SOURCE:
            valid = (maps.label == part) & ~rejected & (maps.inner > 0)
            if valid.sum() < MIN_SOURCE:
                continue
        layers[part] = _inpainted(picture, valid, unit)
        found[part] = True
        if name == "torso":
            layers[-1] = _plain(layers[part], valid, maps.place, unit)
            found[-1] = True
    return layers, found


def _plain(
    layer: NDArray[np.uint8], valid: NDArray[np.bool_], place: Floats, unit: float
) -> NDArray[np.uint8]:
    """The layer with every row's odd colours drawn to the row's median; stripes along a row and busy cloth stay.

    The median is that of the sides: prints and plackets sit in the middle. ``place`` (h,w,3) is the place on the body.
    """
    height = (place[..., 1] + 2.0) / _ROW
    row = np.floor(height).astype(np.int64)
    count = int(row.max()) + 2
    median, spread = np.full((count, 3), np.nan), np.full(count, np.nan)
    side = valid & (np.abs(place[..., 0]) > 0.065)
    side = side if side.sum() > 0.2 * valid.sum() else valid
    order = np.argsort(row[side], kind="stable")
    pixels, rows = layer[side][order].astype(np.float32), row[side][order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(rows)]):
        if stop - start >= 12:
            centre = np.median(pixels[start:stop], axis=0)
            median[rows[start]] = centre
            usual, wide = np.quantile(np.linalg.norm(pixels[start:stop] - centre, axis=1), (0.45, 0.85))
            spread[rows[start]] = max(usual, wide / 3.2)  # stripes are no oddity
    known = np.flatnonzero(np.isfinite(spread))
    if len(known) < 2:
        return layer
    everywhere = np.arange(count)
    median = np.stack([np.interp(everywhere, known, median[known, c]) for c in range(3)], axis=1)
    spread = np.interp(everywhere, known, gaussian_filter1d(spread[known], 2.0))
    smooth_height, _ = nearest_fill(height.astype(np.float32), valid)
    # between the rows' middles the colours run smoothly
    at = np.clip(smooth_height - 0.5, 0, count - 2)
    low = at.astype(np.int64)
    part = (at - low)[..., None]
    base = median[low] * (1 - part) + median[low + 1] * part
    width = np.maximum(spread[low], 13.0)
    odd = layer - base
    size = np.linalg.norm(cv2.GaussianBlur(odd, (0, 0), max(1.5 * unit, 0.6)), axis=2)
    keep = cv2.erode((smoothstep(4.0, 2.2, size / width) * valid).astype(np.float32), np.ones((5, 5), np.uint8))
    keep = cv2.GaussianBlur(keep, (0, 0), max(4 * unit, 1.0))[..., None]
    return np.clip(base + odd * keep + 0.5, 0, 255).astype(np.uint8)


def back_membership(regions: Regions, facing: Floats) -> Floats:
    """(V,P+1) memberships in which the torso's far side belongs to the plain layer."""
    behind = smoothstep(0.05, -0.45, facing)
    torso = regions.membership[:, PART["torso"]]
    result = np.concatenate([regions.membership, (torso * behind)[:, None]], axis=1)
    result[:, PART["torso"]] = torso * (1 - behind)
    return result.astype(np.float32)


def _inpainted(picture: NDArray[np.uint8], valid: NDArray[np.bool_], unit: float) -> NDArray[np.uint8]:
    filled, away = nearest_fill(picture, valid)
    soft = cv2.GaussianBlur(filled, (0, 0), max(2.5 * unit, 0.8)).astype(np.float32)
    mix = smoothstep(1.0, 8 * unit + 1, away)[..., None]
    return np.clip(filled + (soft - filled) * mix + 0.5, 0, 255).astype(np.uint8)


def source_pixels(
    maps: Maps, trust: Floats, regions: Regions, laplacian: sp.csc_matrix, areas: NDArray[Any], view: Floats,
) -> NDArray[np.float64]:
    """Source pixel (V,2) of every vertex in the full-size crop.

    Args:
        trust: (V,) 0..1 of what the photo shows at the vertex.
        view: (V,3) direction to the camera in each vertex's rest frame.
    """
    own = maps.pixel
    seen = trust > 0.5
    weight = np.where(seen, trust / 0.003**2, 0.0)
    target = own.copy()
    hidden = ~seen
    behind = hidden & (maps.facing < -0.05)
    in_front = hidden & (maps.facing > 0.15)
    weight[in_front] = 1 / 0.08**2
    for part in np.unique(regions.part):
        member = regions.part == part
        givers, takers = np.flatnonzero(member & seen), np.flatnonzero(member & behind)
        if len(givers) < 8 or not len(takers):
            continue
        coordinates = limb_coordinates(regions.rest, view[member].mean(axis=0), int(part))
        if coordinates is None:
            continue
        distance, nearest = cKDTree(coordinates[givers]).query(coordinates[takers], k=4)
        share = 1 / (distance + 0.004)
        share /= share.sum(axis=1, keepdims=True)
        target[takers] = (own[givers[nearest]] * share[..., None]).sum(axis=1)
        strength = smoothstep(-0.05, -0.75, maps.facing[takers]) * np.exp(-((distance[:, 0] / 0.05) ** 2))
        weight[takers] = strength / 0.10**2
    weight = areas * (weight + 1 / 2.0**2)
    base = _free_edges(regions, own)
    return base + solve(laplacian + sp.diags(weight), weight[:, None] * (target - base))


def _free_edges(regions: Regions, own: NDArray[Any]) -> NDArray[np.float64]:
    """(V,2) a straight run down the skirt, so that smoothness does not flatten the sources towards its free hem."""
    base = np.zeros_like(own)
    skirt = regions.part == PART["skirt"]
    if skirt.any():
        height = np.stack([regions.rest[skirt, 1], np.ones(skirt.sum())], axis=1)
        base[skirt] = height @ np.linalg.lstsq(height, own[skirt], rcond=None)[0]
    return base


def limb_coordinates(rest: Floats, view: Floats, part: int) -> NDArray[Any] | None:
    """(V,2) place along the limb and across it as seen from ``view``; None when the limb points at the camera."""
    name = PARTS[part]
    axis = np.array([1.0, 0, 0] if "arm" in name or "hand" in name else [0, 1.0, 0])
    across = np.cross(axis, view)
    length = np.linalg.norm(across)
    if length < 0.25:
        return None
    return np.stack([1.5 * (rest @ axis), rest @ (across / length)], axis=1)
