"""What of the surface one photo shows, and how far each pixel can be trusted to show the part it seems to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Floats
from humanav.avatar.regions import ARM_PARTS, PART, PARTS
from humanav.avatar.surface import smoothstep
from humanav.avatar.views import Frame
from humanav.render import interpolate, rasterize_mesh, vertex_normals

_NEIGHBOURS = (
    ("torso", "neck"), ("neck", "head"), ("torso", "skirt"),
    *((a.format(s), b.format(s)) for s in ("left", "right") for a, b in (
        ("torso", "{}_upper_arm"), ("{}_upper_arm", "{}_forearm"), ("{}_forearm", "{}_hand"), ("torso", "{}_thigh"),
        ("{}_thigh", "{}_shin"), ("{}_shin", "{}_foot"), ("skirt", "{}_thigh"))),
    ("left_thigh", "right_thigh"),
)


@dataclass
class Maps:
    """A frame's view of the posed surface; pictures are (h,w) at the working size.

    Attributes:
        pixel: (V,2) where each vertex falls in the full-size crop; ``depth``: (V,); ``facing``: (V,) cosine.
        label: part seen at each pixel, -1 for none; ``face``: face seen, -1 for none.
        cosine: of the seen surface; ``nearest``, ``occluder``: smallest depth in the 3x3 and 9x9 neighbourhood.
        inner: distance in pixels to the cut-out's edge; ``ramp``: 0..1 trust that grows from that edge inwards.
        banned: bit p set where a texel of part p must not take the pixel's colour.
        place: (h,w,3) where on the mean body, in the T-pose, the seen point lies.
    """

    pixel: NDArray[np.float64]
    depth: NDArray[np.float64]
    facing: Floats
    label: NDArray[np.int64]
    face: NDArray[np.int32]
    cosine: Floats
    nearest: Floats
    occluder: Floats
    inner: Floats
    ramp: Floats
    banned: NDArray[np.uint32]
    place: Floats


def view_maps(
    frame: Frame, posed: Floats, faces: NDArray[np.int64], face_part: NDArray[np.int64], rest: Floats
) -> Maps:
    """Project the posed surface into a frame and derive the guards; ``rest`` (V,3) are the vertices in the T-pose."""
    normal = vertex_normals(posed, faces)
    to_camera = np.asarray(-frame.camera.R.T @ frame.camera.t) - posed
    facing = (normal * to_camera).sum(axis=1) / np.maximum(np.linalg.norm(to_camera, axis=1), 1e-6)
    pixel, depth = frame.camera.project(posed)
    buffers = rasterize_mesh(posed, faces, frame.small_camera)
    label = np.where(buffers.triangle >= 0, face_part[np.maximum(buffers.triangle, 0)], -1)
    cosine = interpolate(buffers, faces, facing.astype(np.float32))[..., 0]
    far = np.where(np.isfinite(buffers.depth), buffers.depth, 1e3).astype(np.float32)
    nearest = np.asarray(cv2.erode(far, np.ones((3, 3), np.uint8)), dtype=np.float32)
    occluder = np.asarray(cv2.erode(far, np.ones((9, 9), np.uint8)), dtype=np.float32)
    inside = np.pad((frame.small_alpha > 0.5).astype(np.uint8), 3, mode="edge")
    inner = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[3:-3, 3:-3].astype(np.float32)
    unit = max(frame.height, 200.0) / 1000
    # the edge of hair mixes with the background for longer than the edge of cloth does
    on_head = (label == PART["head"]) | (label == PART["neck"])
    ramp = np.where(on_head, smoothstep(1.5 * unit, 9 * unit, inner), smoothstep(0.45 * unit, 5 * unit, inner))
    ramp = ramp * ~frame.border
    return Maps(pixel, depth, facing.astype(np.float32), label, buffers.triangle, cosine, nearest, occluder, inner,
                ramp.astype(np.float32), _banned(label, max(frame.height, 200.0)), interpolate(buffers, faces, rest))


def _banned(label: NDArray[np.int64], height: float) -> NDArray[np.uint32]:
    neighbour = np.eye(len(PARTS), dtype=bool)
    for a, b in _NEIGHBOURS:
        neighbour[PART[a], PART[b]] = neighbour[PART[b], PART[a]] = True
    banned = np.zeros(label.shape, dtype=np.uint32)
    for other in np.unique(label[label >= 0]):
        away = cv2.distanceTransform((label != other).astype(np.uint8), cv2.DIST_L2, 3)
        for part in range(len(PARTS)):
            if neighbour[part, other]:
                continue
            share = 0.006
            if part in ARM_PARTS:
                share = 0.005
            elif "hand" in PARTS[other]:
                share = 0.018
            elif "forearm" in PARTS[other]:
                share = 0.012
            banned |= np.where(away < share * height, np.uint32(1 << part), np.uint32(0))
    return banned


def without_halo(image: NDArray[np.uint8], alpha: Floats, width: float) -> NDArray[np.uint8]:
    """The picture with pixels closer than ``width`` to the cut-out's edge replaced by the nearest ones further in."""
    inner = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    core = inner > width
    if not core.any():
        return image
    return nearest_fill(image, core)[0]


def nearest_fill(image: NDArray[Any], valid: NDArray[np.bool_]) -> tuple[NDArray[Any], Floats]:
    """The picture with every pixel that is not ``valid`` taken from the nearest valid one, and the distance to it."""
    away, labels = cv2.distanceTransformWithLabels((~valid).astype(np.uint8), cv2.DIST_L2, 5,
                                                   labelType=cv2.DIST_LABEL_PIXEL)
    source = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    places = np.flatnonzero(valid.ravel())
    source[labels.ravel()[places]] = places
    flat = image.reshape(-1, *image.shape[2:])
    return flat[source[labels.ravel()]].reshape(image.shape), away.astype(np.float32)
