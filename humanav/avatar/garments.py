"""Skin, hair and cloth: what the person wears where, and which pixels contradict it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from humanav.avatar.avatar import Floats
from humanav.avatar.head import Hair, lab, long_hair, read_hair, skin_colour
from humanav.avatar.regions import PART, PARTS, Regions
from humanav.avatar.surface import smoothstep
from humanav.avatar.views import Frame
from humanav.avatar.visibility import Maps

ROW = 0.02
"""Metres of a limb that make one row."""
_PLAIN = {"torso": np.array([126, 131, 138], np.float32), "thigh": np.array([70, 75, 88], np.float32),
          "foot": np.array([62, 60, 62], np.float32)}
"""Clothes for parts no photo shows."""
_DEFAULT_SKIN = np.array([205, 160, 135], dtype=np.float32)


class Read(Protocol):
    """A view's vertex colours and maps."""

    vertex_colour: Floats
    vertex_trust: Floats
    maps: Maps
    picture: NDArray[np.uint8]


@dataclass
class Wardrobe:
    """What the views say of skin, hair and clothes.

    Attributes:
        skin: (3,) RGB of the person's skin; ``hair``: see :class:`~humanav.avatar.head.Hair`.
        pictures: each view's picture at its working size; ``skin_pixels``: which of its pixels look like skin.
        rejected: pixels that contradict the row of the limb they lie on (a sleeve's edge on the arm, an arm on the
            dress).
        front_only: pixels outside the head that show hair: what hangs over the shoulder in front says nothing of the
            back.
        gains: (3,) factor that brings each view's light to that of the first.
        part_colour: (P,3) median colour of each part.
        hair_cover: (V,) 0..1 where hair covers neck and shoulders; ``shoes``: (3,) their colour, None for bare feet.
        cover: part name to share of cloth (not skin) per row along the limb, NaN where nothing was seen.
    """

    skin: Floats
    hair: Hair
    pictures: list[NDArray[np.uint8]]
    skin_pixels: list[NDArray[np.bool_]]
    rejected: list[NDArray[np.bool_]]
    front_only: list[NDArray[np.bool_]]
    gains: list[Floats]
    part_colour: Floats
    hair_cover: Floats
    shoes: Floats | None = None
    cloth_colour: dict[str, list[int]] = field(default_factory=dict)
    cover: dict[str, NDArray[Any]] = field(default_factory=dict)


def read_wardrobe(
    views: Sequence[Read], frames: Sequence[Frame], regions: Regions, faces: NDArray[Any], rise: Floats
) -> Wardrobe:
    """Classify what the views show.

    Args:
        faces: (F,3) of the mesh.
        rise: (V,) metres by which the outline moved the body's surface.
    """
    best = np.stack([view.vertex_trust * frame.weight for view, frame in zip(views, frames)]).argmax(axis=0)
    rows = np.arange(len(best))
    colour = np.stack([view.vertex_colour for view in views])[best, rows]
    trust = np.stack([view.vertex_trust for view in views])[best, rows]
    found = skin_colour(colour, trust, regions)
    skin = _DEFAULT_SKIN if found is None else found
    hair = read_hair(colour, trust, regions, found)
    pictures, skin_pixels = [], []
    for view, frame in zip(views, frames):
        size = (frame.small.shape[1], frame.small.shape[0])
        picture = cv2.resize(view.picture, size, interpolation=cv2.INTER_AREA) if frame.scale < 1 else view.picture
        pictures.append(np.asarray(picture, dtype=np.uint8))
        skin_pixels.append(like_skin(pictures[-1], skin) if found is not None else np.zeros(size[::-1], bool))
    along = limb_place(regions)[faces].mean(axis=1)
    cover = _cover(views, skin_pixels, along)
    rejected = [_contradictions(view.maps, frame, skin_pixels[k], along, cover)
                for k, (view, frame) in enumerate(zip(views, frames))]
    for k, view in enumerate(views):
        if found is not None and _bare_hands(cover):
            hands = np.isin(view.maps.label, (PART["left_hand"], PART["right_hand"]))
            rejected[k] |= hands & ~skin_pixels[k]
    part_colour, cloth = _part_colours(pictures, skin_pixels, rejected, views, skin, shows_torso(views, regions))
    gains = [np.ones(3, np.float32)] + [_gain(views[0], view) for view in views[1:]]
    hanging = [hair_pixels(pictures[k], skin, hair, view.maps) for k, view in enumerate(views)]
    length = max(hair_length(view.maps, hanging[k], along, regions, faces) for k, view in enumerate(views))
    strands = [pixels.copy() for pixels in hanging]
    neck = regions.rest[faces, 1].mean(axis=1) > regions.eye[1] - 0.15
    for k, view in enumerate(views):
        if "neck" in cover and np.nanmean(cover["neck"]) < 0.6:
            # a bare neck: what is not skin up there is an earring, a strand or the shade of the chin
            hanging[k] |= (view.maps.label == PART["neck"]) & neck[np.maximum(view.maps.face, 0)] & ~skin_pixels[k]
    hair_cover = long_hair(regions, length)
    beside = _beside_strands(views, frames, strands, regions)
    if beside is not None:
        # where the outline pushed the neck out for hair there is hair, seen from behind as well
        hair_cover = np.maximum(hair_cover, (regions.part == PART["neck"]) * smoothstep(0.016, 0.026, rise) * beside)
    return Wardrobe(skin, hair, pictures, skin_pixels, rejected, hanging, gains, part_colour,
                    hair_cover.astype(np.float32), _shoe_colour(views, pictures, skin_pixels, regions), cloth, cover)


def like_skin(picture: NDArray[np.uint8], skin: Floats) -> NDArray[np.bool_]:
    """(H,W) pixels whose hue is the skin's, in light or shade."""
    tones = lab(cv2.GaussianBlur(picture, (0, 0), 1.0).reshape(-1, 3)).reshape(picture.shape)
    tone = lab(skin[None])[0]
    light, a, b = (tones[..., k] - tone[k] for k in range(3))
    # shade lowers chroma together with lightness
    chroma = np.hypot(tone[1], tone[2])
    shade = np.clip(tones[..., 0] / max(float(tone[0]), 10.0), 0.4, 1.3)
    a, b = tones[..., 1] - tone[1] * shade, tones[..., 2] - tone[2] * shade
    limit = np.clip(0.55 * chroma, 8.0, 16.0)
    result: NDArray[np.bool_] = (np.hypot(a, b) < limit) & (light > -45) & (light < 28)
    return result


def hair_pixels(picture: NDArray[np.uint8], skin: Floats, hair: Hair, maps: Maps) -> NDArray[np.bool_]:
    """(H,W) pixels of neck, shoulders and chest that look like hair and hang together with the hair on the head."""
    nothing = np.zeros(maps.label.shape, dtype=bool)
    if hair.kind != "hair":
        return nothing
    if np.linalg.norm(lab(hair.colour[None]) - lab(skin[None])) < 24:
        return nothing  # hair and skin are too alike to be told apart
    tones = lab(cv2.GaussianBlur(picture, (0, 0), 1.5).reshape(-1, 3)).reshape(picture.shape)
    scale = np.array([0.8, 1.2, 1.2], np.float32)
    to_hair = np.linalg.norm((tones - lab(hair.colour[None])[0]) * scale, axis=2)
    to_skin = np.linalg.norm((tones - lab(skin[None])[0]) * scale, axis=2)
    sure, like = (to_hair < 20) & (to_hair < 0.8 * to_skin), (to_hair < 34) & (to_hair < 0.9 * to_skin)
    reach = np.isin(maps.label, [PART[p] for p in ("head", "neck", "torso", "left_upper_arm", "right_upper_arm")])
    chest = reach & (maps.label == PART["torso"])
    if (sure & chest).sum() > 0.35 * max(int(chest.sum()), 1):
        return nothing  # the cloth itself has the hair's colour
    count, pieces = cv2.connectedComponents(cv2.morphologyEx((like & reach).astype(np.uint8), cv2.MORPH_CLOSE,
                                                             np.ones((5, 5), np.uint8)))
    rooted = np.bincount(pieces[(maps.label == PART["head"]) & sure], minlength=count) > 20
    rooted[0] = False
    hanging = rooted[pieces] & (maps.label != PART["head"])
    grown: NDArray[np.bool_] = cv2.dilate(hanging.astype(np.uint8), np.ones((11, 11), np.uint8)) > 0
    return grown & (maps.label != PART["head"])


def _beside_strands(
    views: Sequence[Read], frames: Sequence[Frame], strands: list[NDArray[np.bool_]], regions: Regions
) -> Floats | None:
    """(V,) 0..1 whether the nearest seen skin of the neck is covered by hair; None when no hair hangs there."""
    points, covered = [], []
    for view, frame, mask in zip(views, frames, strands):
        if mask.sum() < 0.06 * max(int((view.maps.label == PART["head"]).sum()), 1):
            continue
        seen = np.flatnonzero((view.vertex_trust > 0.3) & (regions.part == PART["neck"]))
        x, y = np.floor(view.maps.pixel[seen] * frame.scale).astype(int).T
        points.append(regions.rest[seen])
        covered.append(mask[np.clip(y, 0, mask.shape[0] - 1), np.clip(x, 0, mask.shape[1] - 1)])
    if not points or sum(len(p) for p in points) < 12:
        return None
    _, nearest = cKDTree(np.concatenate(points)).query(regions.rest, k=6)
    return smoothstep(0.3, 0.7, np.concatenate(covered)[nearest].mean(axis=1)).astype(np.float32)


def hair_length(
    maps: Maps, hanging: NDArray[np.bool_], along: Floats, regions: Regions, faces: NDArray[Any]
) -> float:
    """How far below the eyes hair hangs on both sides of the neck (metres); 0 when it does not."""
    place = np.maximum(maps.face, 0)
    side = regions.rest[faces, 0].mean(axis=1)[place]
    upright = regions.rest[faces, 1].mean(axis=1)[place]
    head = max(int((maps.label == PART["head"]).sum()), 1)
    lowest = []
    for sign in (-1, 1):
        own = hanging & (sign * side > 0.01)
        if own.sum() < 0.04 * head:
            return 0.0
        lowest.append(float(regions.eye[1] - np.quantile(upright[own], 0.08)))
    return float(np.clip(min(lowest), 0, 0.55)) if min(lowest) > 0.12 else 0.0


def limb_place(regions: Regions) -> Floats:
    """(V,) metres along each part: outwards on arms, forwards on feet, upwards elsewhere (template coordinates)."""
    names = np.array(PARTS)[regions.part]
    arm = np.char.find(names, "arm") >= 0
    hand = np.char.find(names, "hand") >= 0
    foot = np.char.find(names, "foot") >= 0
    place = np.where(arm | hand, np.abs(regions.rest[:, 0]), regions.rest[:, 1])
    return np.where(foot, regions.rest[:, 2], place).astype(np.float32)


def row_of(place: NDArray[Any]) -> NDArray[np.int64]:
    """Row number of a place along a limb."""
    return np.floor((place + 2.0) / ROW).astype(np.int64)


def _cover(
    views: Sequence[Read], skin_pixels: list[NDArray[np.bool_]], along: Floats
) -> dict[str, NDArray[Any]]:
    count = int(row_of(np.array([2.0]))[0]) + 1
    cloth, total = np.zeros((len(PARTS), count)), np.zeros((len(PARTS), count))
    for view, skin in zip(views, skin_pixels):
        maps = view.maps
        trusted = (maps.label >= 0) & (maps.cosine > 0.5) & (maps.ramp > 0.9)
        trusted &= ((maps.banned >> np.maximum(maps.label, 0).astype(np.uint32)) & 1) == 0
        cell = maps.label[trusted], row_of(along[maps.face[trusted]])
        np.add.at(total, cell, maps.cosine[trusted])
        np.add.at(cloth, cell, maps.cosine[trusted] * ~skin[trusted])
    result = {}
    for part, name in enumerate(PARTS):
        if total[part].sum() > 50:
            soft_total = gaussian_filter1d(total[part], 1.0)
            soft = gaussian_filter1d(cloth[part], 1.0)
            result[name] = np.where(soft_total > 3, soft / np.maximum(soft_total, 1e-6), np.nan)
    return result


def _contradictions(
    maps: Maps, frame: Frame, skin: NDArray[np.bool_], along: Floats, cover: dict[str, NDArray[Any]]
) -> NDArray[np.bool_]:
    """Skin on a row of cloth, or cloth on a row of skin, near another part or at a grazing angle."""
    rejected = np.zeros(maps.label.shape, dtype=bool)
    shown = maps.label >= 0
    row = row_of(along[np.maximum(maps.face, 0)])
    height = max(frame.height, 200.0)
    for part, name in enumerate(PARTS):
        if name not in cover or name in ("head", "neck") or "hand" in name or "foot" in name:
            continue
        own = shown & (maps.label == part)
        share = cover[name][row] if name != "skirt" else np.full(row.shape, np.nanmedian(cover[name]))
        other = shown & (maps.label != part)
        near = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, 3) < 0.03 * height
        doubtful = own & (near | (maps.cosine < 0.55) | (maps.inner < 0.012 * height))
        if name == "torso":
            # above the armpits a neckline may leave skin bare
            rejected |= doubtful & skin & (share > 0.72) & (row < row_of(np.array([-0.03]))[0])
            continue
        rejected |= doubtful & ((skin & (share > 0.75)) | (~skin & (share < 0.25)))
    return rejected


def _bare_hands(cover: dict[str, NDArray[Any]]) -> bool:
    """True when at least one seen hand is mostly skin: then neither wears a glove."""
    shares = [np.nanmean(cover[name]) for name in ("left_hand", "right_hand") if name in cover]
    return bool(shares) and float(min(shares)) < 0.45


def _part_colours(
    pictures: list[NDArray[np.uint8]], skin_pixels: list[NDArray[np.bool_]], rejected: list[NDArray[np.bool_]],
    views: Sequence[Read], skin: Floats, torso_shown: list[bool],
) -> tuple[Floats, dict[str, list[int]]]:
    colour = np.tile(skin, (len(PARTS), 1)).astype(np.float32)
    cloth: dict[str, list[int]] = {}
    seen = np.zeros(len(PARTS), dtype=bool)
    for part, name in enumerate(PARTS):
        all_pixels, cloth_pixels = [], []
        for picture, like, bad, view in zip(pictures, skin_pixels, rejected, views):
            own = (view.maps.label == part) & ~bad & (view.maps.cosine > 0.4) & (view.maps.ramp > 0.8)
            all_pixels.append(picture[own])
            cloth_pixels.append(picture[own & ~like])
        pixels, covered = np.concatenate(all_pixels), np.concatenate(cloth_pixels)
        if len(pixels) >= 40 and (name != "torso" or any(torso_shown)):
            colour[part], seen[part] = np.median(pixels, axis=0), True
            if len(covered) > 0.3 * len(pixels):
                cloth[name] = [int(c) for c in np.median(covered, axis=0)]
    _borrow(colour, seen)
    return colour, cloth


def shows_torso(views: Sequence[Read], regions: Regions) -> list[bool]:
    """For each view whether it shows more of the torso than the base of the neck."""
    torso = regions.part == PART["torso"]
    return [float((view.vertex_trust[torso] > 0.3).mean()) > 0.10 for view in views]


def _borrow(colour: Floats, seen: NDArray[np.bool_]) -> None:
    """Parts no photo shows take the colour of the other side, or of the part above, or plain clothes."""
    if not seen[PART["torso"]]:
        colour[PART["torso"]] = _PLAIN["torso"]
    above = {"shin": "thigh", "forearm": "upper_arm"}
    for word in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot"):
        pair = [PART[f"left_{word}"], PART[f"right_{word}"]]
        for part, other, side in zip(pair, pair[::-1], ("left", "right")):
            if seen[part]:
                continue
            if seen[other]:
                colour[part] = colour[other]
            elif word in above:
                colour[part] = colour[PART[f"{side}_{above[word]}"]]
            elif word == "upper_arm":
                colour[part] = colour[PART["torso"]]
            elif word in _PLAIN:
                colour[part] = _PLAIN[word]


def _gain(first: Read, other: Read) -> Floats:
    both = (first.vertex_trust > 0.25) & (other.vertex_trust > 0.25)
    if both.sum() < 60:
        return np.ones(3, np.float32)
    ratio = (np.median(first.vertex_colour[both], axis=0) + 4) / (np.median(other.vertex_colour[both], axis=0) + 4)
    return np.clip(ratio, 0.75, 1.33).astype(np.float32)


def _shoe_colour(
    views: Sequence[Read], pictures: list[NDArray[np.uint8]], skin_pixels: list[NDArray[np.bool_]], regions: Regions
) -> Floats | None:
    """Median colour of what covers the lower half of the feet, or None when that is skin."""
    feet = np.isin(regions.part, (PART["left_foot"], PART["right_foot"]))
    low = float(regions.rest[feet, 1].min()) + 0.045
    cloth, total = [np.zeros((0, 3), np.uint8)], 0
    for view, picture, skin in zip(views, pictures, skin_pixels):
        own = np.isin(view.maps.label, (PART["left_foot"], PART["right_foot"])) & (view.maps.place[..., 1] < low)
        own &= view.maps.ramp > 0.5
        total += int(own.sum())
        cloth.append(picture[own & ~skin])
    pixels = np.concatenate(cloth)
    if total < 40:
        return _PLAIN["foot"]
    return np.median(pixels, axis=0).astype(np.float32) if len(pixels) > 0.5 * total else None


def describe_garments(wardrobe: Wardrobe, skirt: bool) -> dict[str, Any]:
    """What the person wears, in words and RGB colours.

    Keys where known: "skin", "hair" and "hair_kind"; "top", "bottom", "shoes" (colours); "sleeves" ("none", "short",
    "long"); "legs" ("skirt", "trousers", "shorts", "bare").
    """
    result: dict[str, Any] = {"skin": [int(c) for c in wardrobe.skin], "hair_kind": wardrobe.hair.kind,
                              "hair": [int(c) for c in wardrobe.hair.colour]}
    cloth = wardrobe.cloth_colour
    if "torso" in cloth:
        result["top"] = cloth["torso"]
    bottom = cloth.get("skirt") if skirt else cloth.get("left_thigh", cloth.get("right_thigh"))
    if bottom is not None:
        result["bottom"] = bottom
    if wardrobe.shoes is not None:
        result["shoes"] = [int(c) for c in wardrobe.shoes]
    arm, fore = _mean_cover(wardrobe, "upper_arm"), _mean_cover(wardrobe, "forearm")
    if arm is not None:
        result["sleeves"] = "long" if (fore or 0) > 0.6 else "short" if arm > 0.35 else "none"
    thigh, shin = _mean_cover(wardrobe, "thigh"), _mean_cover(wardrobe, "shin")
    if skirt:
        result["legs"] = "skirt"
    elif thigh is not None:
        result["legs"] = "trousers" if (shin or 0) > 0.6 else "shorts" if thigh > 0.3 else "bare"
    return result


def _mean_cover(wardrobe: Wardrobe, word: str) -> float | None:
    rows = [wardrobe.cover[f"{s}_{word}"] for s in ("left", "right") if f"{s}_{word}" in wardrobe.cover]
    values = np.concatenate(rows) if rows else np.zeros(0)
    return float(np.nanmean(values)) if np.isfinite(values).any() else None
