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


def part_membership(index: NDArray[Any], weight: Floats) -> Floats:
    """(V,P) share of each part in the vertices' skin weights."""
    membership = np.zeros((len(index), len(PARTS)), dtype=np.float32)
    np.add.at(membership, (np.arange(len(index))[:, None], part_of_joint()[index]), weight)
    return membership


@dataclass(frozen=True)
class Regions:
    """Where things are on the body mesh. All arrays (V,) unless said.

    Attributes:
        part: index into :data:`PARTS`; ``membership``: (V,P) share of each part, as its joints move the vertex.
        face: 0..1 front of the face; ``ear``: bool.
        hairline: metres above the line where hair begins on the head and neck, negative below it and elsewhere.
        inner: bool, eyes, teeth and other pieces that are not the skin.
        mirror: vertex on the other side of the body.
        mirror_face: (F,) face on the other side, -1 where there is none.
        mirror_corner: (F,3) which corner of the mirrored face answers to each corner.
        rest: (V,3) template positions the regions were read from; ``normal``: (V,3).
        eye: (3,) between the eyes; ``head_centre``: (3,) between the ears.
    """

    part: NDArray[np.int64]
    membership: Floats
    face: Floats
    hairline: Floats
    ear: NDArray[np.bool_]
    inner: NDArray[np.bool_]
    mirror: NDArray[np.int64]
    mirror_face: NDArray[np.int64]
    mirror_corner: NDArray[np.int64]
    rest: Floats
    normal: Floats
    eye: Floats
    head_centre: Floats

    @property
    def scalp(self) -> NDArray[np.bool_]:
        """(V,) where hair grows."""
        result: NDArray[np.bool_] = self.hairline > 0
        return result


def find_regions(
    rest: Floats, normal: Floats, faces: NDArray[np.int64], joints: Floats, index: NDArray[Any], weight: Floats
) -> Regions:
    """Regions of a body whose mean shape ``rest`` stands in the T-pose facing +z."""
    membership = part_membership(index, weight)
    part = membership.argmax(axis=1)
    _, component = connected_components(adjacency_matrix(faces, len(rest)), directed=False)
    inner = component != np.bincount(component).argmax()
    eye = (joints[JOINT_INDEX["left_eye"]] + joints[JOINT_INDEX["right_eye"]]) / 2
    on_head = (part == PART["head"]) | (part == PART["neck"])
    head = rest[(part == PART["head"]) & ~inner]
    centre = np.array([0, eye[1], (head[:, 2].min() + np.quantile(head[:, 2], 0.9)) / 2], dtype=np.float32)
    up, front, side = rest[:, 1] - eye[1], rest[:, 2] - centre[2], np.abs(rest[:, 0])
    azimuth = np.degrees(np.arctan2(side, front))
    # the line hair grows above, by the angle from straight ahead
    line = np.interp(azimuth, [0, 25, 45, 60, 72, 80, 86, 97, 108, 120, 140, 180],
                     [.070, .068, .055, .030, -.005, -.008, .006, .006, -.025, -.050, -.070, -.078])
    ear = on_head & ~inner & (side > 0.06) & (((front + .003) / .019) ** 2 + ((up + .022) / .029) ** 2 < 1)
    hairline = np.where(on_head & ~inner, np.where(ear, -0.02, up - line), -1.0)
    face = (smoothstep(72, 48, azimuth) * smoothstep(-.135, -.11, up) * smoothstep(.085, .06, up)
            * (part == PART["head"]) * ~inner)
    mirror = cKDTree(rest).query(rest * np.array([-1, 1, 1], dtype=np.float32))[1]
    mirror_face, mirror_corner = mirror_faces(faces, mirror)
    return Regions(part, membership, face.astype(np.float32), hairline.astype(np.float32), ear, inner, mirror,
                   mirror_face, mirror_corner, rest, normal, eye.astype(np.float32), centre)


def mirror_faces(faces: NDArray[np.int64], mirror: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each face its mirror image (F,), -1 where there is none, and which of its corners answers to each (F,3)."""
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
