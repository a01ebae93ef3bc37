"""Named regions of the body mesh: limbs, face, scalp, ears, and the mirror image of every vertex and face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from humanav.avatar.surface import adjacency_matrix, smoothstep
from humanav.body.names import JOINT_INDEX, JOINT_NAMES

Floats = NDArray[np.float32]

PARTS: tuple[str, ...] = (
    "torso", "head", "neck", "left_upper_arm", "right_upper_arm", "left_forearm", "right_forearm", "left_hand",
    "right_hand", "left_thigh", "right_thigh", "left_shin", "right_shin", "left_foot", "right_foot", "skirt",
)
"""Part names; a vertex's part is an index into this."""
PART: dict[str, int] = {name: k for k, name in enumerate(PARTS)}
_PART_OF_WORD = {"shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand", "hip": "thigh", "knee": "shin",
                 "ankle": "foot", "foot": "foot"}
ARM_PARTS = tuple(PART[f"{s}_{p}"] for s in ("left", "right") for p in ("upper_arm", "forearm", "hand"))
LEG_PARTS = tuple(PART[f"{s}_{p}"] for s in ("left", "right") for p in ("thigh", "shin", "foot"))


def part_of_joint() -> NDArray[np.int64]:
    """(55,) part index of each joint."""
    parts = []
    for name in JOINT_NAMES:
        side, _, word = name.partition("_")
        if side not in ("left", "right"):
            part = {"neck": "neck", "head": "head", "jaw": "head"}.get(name, "torso")
        elif word == "eye":
            part = "head"
        elif word == "collar":
            part = "torso"
        else:
            part = f"{side}_{_PART_OF_WORD.get(word, 'hand')}"
        parts.append(PART[part])
    return np.array(parts)


@dataclass(frozen=True)
class Regions:
    """Where things are on the body mesh. All arrays (V,) unless said.

    Attributes:
        part: index into :data:`PARTS`.
        face: 0..1 front of the face; ``scalp``: 0..1 where hair grows; ``ear``: bool.
        inner: bool, eyes, teeth and other pieces that are not the skin.
        mirror: vertex on the other side of the body.
        mirror_face: (F,) face on the other side, -1 where there is none.
        mirror_corner: (F,3) which corner of the mirrored face answers to each corner.
        rest: (V,3) template positions the regions were read from; ``normal``: (V,3).
    """

    part: NDArray[np.int64]
    face: Floats
    scalp: Floats
    ear: NDArray[np.bool_]
    inner: NDArray[np.bool_]
    mirror: NDArray[np.int64]
    mirror_face: NDArray[np.int64]
    mirror_corner: NDArray[np.int64]
    rest: Floats
    normal: Floats
    eye: Floats
    head_centre: Floats


def find_regions(
    rest: Floats, normal: Floats, faces: NDArray[np.int64], joints: Floats, index: NDArray[Any], weight: Floats
) -> Regions:
    """Regions of a body whose mean shape ``rest`` stands in the T-pose facing +z."""
    strongest = np.take_along_axis(index, weight.argmax(axis=1)[:, None], axis=1)[:, 0].astype(int)
    part = part_of_joint()[strongest]
    _, component = connected_components(adjacency_matrix(faces, len(rest)), directed=False)
    inner = component != np.bincount(component).argmax()
    eye = (joints[JOINT_INDEX["left_eye"]] + joints[JOINT_INDEX["right_eye"]]) / 2
    on_head = (part == PART["head"]) | (part == PART["neck"])
    head = rest[(part == PART["head"]) & ~inner]
    centre = np.array([0, eye[1], (head[:, 2].min() + np.quantile(head[:, 2], 0.9)) / 2], dtype=np.float32)
    up, front, side = rest[:, 1] - eye[1], rest[:, 2] - centre[2], np.abs(rest[:, 0])
    azimuth = np.degrees(np.arctan2(side, front))
    hairline = np.interp(azimuth, [0, 25, 45, 62, 78, 92, 112, 128, 150, 180],
                         [.068, .066, .052, .028, -.005, .004, .0, -.045, -.088, -.092])
    half_width = np.quantile(head[:, 0], 0.99)
    ear = on_head & (side > 0.82 * half_width) & (np.abs(up + 0.012) < 0.042) & (azimuth > 68) & (azimuth < 125) & ~inner
    scalp = smoothstep(-0.007, 0.007, up - hairline) * on_head * ~ear * ~inner
    face = (smoothstep(72, 48, azimuth) * smoothstep(-.135, -.11, up) * smoothstep(.085, .06, up)
            * (part == PART["head"]) * ~inner)
    mirror = cKDTree(rest).query(rest * np.array([-1, 1, 1], dtype=np.float32))[1]
    mirror_face, mirror_corner = _mirror_faces(faces, mirror)
    return Regions(part, face.astype(np.float32), scalp.astype(np.float32), ear, inner, mirror, mirror_face,
                   mirror_corner, rest, normal, eye.astype(np.float32), centre)


def _mirror_faces(faces: NDArray[np.int64], mirror: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    count = int(faces.max()) + 1
    order = np.argsort(faces, axis=1)
    sorted_faces = np.take_along_axis(faces, order, axis=1)
    image = mirror[faces]
    image_order = np.argsort(image, axis=1)
    sorted_image = np.take_along_axis(image, image_order, axis=1)

    def key(corners: NDArray[Any]) -> NDArray[Any]:
        return (corners[:, 0].astype(np.int64) * count + corners[:, 1]) * count + corners[:, 2]

    keys = key(sorted_faces)
    by_key = np.argsort(keys)
    place = np.clip(np.searchsorted(keys[by_key], key(sorted_image)), 0, len(keys) - 1)
    found = by_key[place]
    match = keys[found] == key(sorted_image)
    corner = np.empty_like(faces)
    # corner k of the face becomes the place of its image among the mirrored face's corners
    np.put_along_axis(corner, image_order, order[found], axis=1)
    return np.where(match, found, -1), corner
