"""Bring the body's outline onto the matte's edge: closest points both ways, then least squares, a few rounds.

Clothes and hair lie outside the body, so where the matte reaches further out than the body the pull is weak; where the
body sticks out of the matte it is full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from humanav.body.kinematics import Array, Points, Skeleton
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.fit.terms import OutlineTerm
from humanav.render import rasterize_mesh, silhouette

WORK_HEIGHT = 256
"""The person's stature in pixels while outlines are compared: finer brings nothing."""
_SAMPLES = 220
_SPREAD = 0.7  # expected error of an outline point, % of stature
_BORDER = 2.5  # work pixels: an edge this near the picture's border is where the picture ends, not the person
_NORMAL_WEIGHT = 12.0  # work pixels that a right angle between two edges is worth in the search


@dataclass(frozen=True)
class Skin:
    """The body's surface as plain arrays, for points on it.

    Attributes:
        vertices: (V,3) at zero betas. dirs: (V,3,B). faces: (F,3).
        weights: (V,55) skinning weights.
    """

    vertices: Array
    dirs: Array
    faces: NDArray[np.int64]
    weights: Array

    def points(self, skeleton: Skeleton, triangle: NDArray[np.intp], barycentric: Array) -> Points:
        """Points at barycentric places (K,3) of triangles (K,)."""
        corners = self.faces[triangle]
        return Points.on_skin(skeleton, self.vertices[corners], self.dirs[corners],
                              self.weights[corners] * barycentric[..., None])


@dataclass(frozen=True)
class Window:
    """The part of the picture that holds the person, at working size.

    Attributes:
        camera: of this window.
        matte: (h,w) True inside the person.
        edge: (N,2) pixels along the matte's outline, without the picture's border; normals: (N,2), outwards.
    """

    camera: Camera
    matte: NDArray[np.bool_]
    edge: Array
    normals: Array

    @classmethod
    def around(cls, camera: Camera, alpha: NDArray[np.float32], box: Array, stature: float) -> Window:
        """Cut out the box (x0,y0,x1,y1) and shrink it so that ``stature`` pixels become :data:`WORK_HEIGHT`."""
        margin = 0.12 * stature
        x0, y0 = (int(v) for v in np.maximum(np.floor(box[:2] - margin), 0))
        x1 = int(min(np.ceil(box[2] + margin), camera.width))
        y1 = int(min(np.ceil(box[3] + margin), camera.height))
        scale = min(WORK_HEIGHT / stature, 1.0)
        part = camera.cropped(x0, y0, x1 - x0, y1 - y0).scaled(scale)
        small = cv2.resize(np.ascontiguousarray(alpha[y0:y1, x0:x1], dtype=np.float32), (part.width, part.height),
                           interpolation=cv2.INTER_AREA)
        matte = largest_parts(small > 0.5)
        edge, normals = outline(matte)
        ends = np.array([x0 == 0, y0 == 0, x1 == camera.width, y1 == camera.height])
        near = np.stack([edge[:, 0] < _BORDER, edge[:, 1] < _BORDER, edge[:, 0] > part.width - _BORDER,
                         edge[:, 1] > part.height - _BORDER], axis=1)
        keep = ~(near & ends).any(1)
        return cls(part, matte, edge[keep], normals[keep])


def largest_parts(mask: NDArray[np.bool_], share: float = 0.02) -> NDArray[np.bool_]:
    """The mask without parts smaller than ``share`` of its largest."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count <= 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return (areas >= share * areas.max())[labels] & mask


def outline(mask: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Boundary pixels (N,2) of a mask, holes too, and their outward unit normals (N,2)."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    edges = [c[:, 0].astype(np.float64) for c in found if len(c) >= 12]
    if not edges:
        return np.zeros((0, 2)), np.zeros((0, 2))
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.5)
    down_x, down_y = -cv2.Sobel(soft, cv2.CV_32F, 1, 0), -cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    edge = np.concatenate(edges)
    at = edge.astype(int)
    normals = np.stack([down_x[at[:, 1], at[:, 0]], down_y[at[:, 1], at[:, 0]]], axis=1).astype(np.float64)
    length = np.linalg.norm(normals, axis=1)
    keep = length > 1e-6
    return edge[keep] + 0.5, normals[keep] / length[keep, None]


def outline_term(window: Window, skin: Skin, skeleton: Skeleton, vertices: Array, gate: float, weight: float,
                 outward: float, rng: np.random.Generator) -> OutlineTerm | None:
    """Match the present body's outline with the matte's.

    Args:
        window: the matte at working size.
        skin, skeleton: the body.
        vertices: (V,3) the body as it is now, world.
        gate: longest match, in % of stature.
        weight: of each matched point.
        outward: share of the weight where the matte lies outside the body.

    Returns:
        the term, or None when nothing matches.
    """
    buffers = rasterize_mesh(vertices, skin.faces, window.camera)
    body, normals = outline(buffers.mask)
    if len(body) < 20 or len(window.edge) < 20:
        return None
    ours = _with_normals(body, normals)
    theirs = _with_normals(window.edge, window.normals)
    pick_theirs = rng.permutation(len(theirs))[:_SAMPLES]
    pick_ours = rng.permutation(len(ours))[:_SAMPLES]
    near_ours = cKDTree(ours).query(theirs[pick_theirs])[1]
    near_theirs = cKDTree(theirs).query(ours[pick_ours])[1]
    here = np.r_[near_ours, pick_ours]
    there = np.r_[pick_theirs, near_theirs]
    gap = window.edge[there] - body[here]
    facing = (window.normals[there] * normals[here]).sum(1)
    pixel = WORK_HEIGHT / 100.0
    keep = (np.linalg.norm(gap, axis=1) < gate * pixel) & (facing > 0.5)
    if keep.sum() < 20:
        return None
    here, there, gap = here[keep], there[keep], gap[keep]
    at = body[here].astype(int)
    triangle = buffers.triangle[at[:, 1], at[:, 0]]
    points = skin.points(skeleton, triangle, buffers.barycentric[at[:, 1], at[:, 0]].astype(np.float64))
    out = (gap * window.normals[there]).sum(1) > 0
    weights = np.where(out, weight * outward, weight)
    head = points.anchor[[JOINT_INDEX["head"], JOINT_INDEX["jaw"]]].sum(0) > 0.5
    weights = np.where(head & out, 0.3 * weights, weights)  # hair
    return OutlineTerm(points, window.camera, window.edge[there], window.normals[there], _SPREAD * pixel, weights, 2.5)


def _with_normals(edge: Array, normals: Array) -> Array:
    return np.concatenate([edge, _NORMAL_WEIGHT * normals], axis=1)


def overlap(window: Window, vertices: Array, faces: NDArray[np.int64]) -> float:
    """Intersection over union of the body's silhouette and the matte."""
    covered = silhouette(vertices, faces, window.camera)
    union = int((covered | window.matte).sum())
    return float((covered & window.matte).sum() / union) if union else 0.0


Skinner = Callable[[Array, Array, Array], Array]
"""Rotations (55,3,3), betas (B,) and transl (3,) to posed vertices (V,3)."""
