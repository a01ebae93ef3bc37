"""Move the fitted body's surface out to the photo's outline: clothes, hair, and what the fit left over.

Two sparse linear problems, no renderer in the loop. The first moves vertices along their normals, which thickens the
body in depth as well where a garment is wider than the body; the second moves them in the picture plane, which mends
limbs that lie beside the photo's limbs. Both follow the outline like iterated closest points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from humanav.avatar.avatar import Floats, blended
from humanav.avatar.regions import ARM_PARTS, PART, PARTS, Regions
from humanav.avatar.surface import cotangent_laplacian, extend, smoothstep, solve
from humanav.avatar.views import Frame
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.render import rasterize_mesh, vertex_normals

CONTOUR_HEIGHT = 900
_STIFFNESS = (2e-3, 1e-3, 3e-4)
MAX_MARCH = 0.16
"""Metres within which the photo's outline is looked for."""


@dataclass(frozen=True)
class Outline:
    """Contour samples: triangle corners (N,3), barycentrics (N,3), direction in the world (N,3) and in the picture
    plane (N,2), signed distance in metres (N,), weight (N,); and the overlap of the two silhouettes."""

    corners: NDArray[np.int64]
    barycentric: Floats
    normal: Floats
    plane: Floats
    distance: Floats
    weight: Floats
    iou: float


def outline(
    posed: Floats, faces: NDArray[np.int64], part: NDArray[Any], camera: Camera, alpha: Floats,
    border: NDArray[np.bool_],
) -> Outline:
    """Where the mesh's outline must go to reach the cut-out's: one sample per contour pixel, to a part of a pixel."""
    mask = alpha > 0.5
    buffers = rasterize_mesh(posed, faces, camera)
    cover = buffers.triangle >= 0
    inside = mask & ~border
    union = ((cover | mask) & ~border).sum()
    iou = float((cover & inside).sum() / max(union, 1))
    contours, _ = cv2.findContours(cover.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    points = np.concatenate([c[:, 0] for c in contours if len(c) > 12]) if contours else np.zeros((0, 2), int)
    blurred = cv2.GaussianBlur(cover.astype(np.float32), (0, 0), 2.0)
    gy, gx = np.gradient(blurred)
    x, y = points[:, 0], points[:, 1]
    normal = -np.stack([gx[y, x], gy[y, x]], axis=1)
    length = np.linalg.norm(normal, axis=1)
    triangle = buffers.triangle[y, x]
    keep = (length > 1e-3) & (triangle >= 0) & ~border[y, x]
    x, y, triangle, normal = x[keep], y[keep], triangle[keep], normal[keep] / length[keep, None]
    metres = buffers.depth[y, x] / camera.focal
    steps = int(np.clip(MAX_MARCH / max(float(np.median(metres)), 1e-6), 8, 200)) if len(x) else 8
    reach = np.arange(1, steps + 1)
    h, w = mask.shape

    def along(sign: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Alpha, coverage and validity (N,steps) at whole pixels from the contour."""
        px = np.rint(x[:, None] + sign * normal[:, :1] * reach).astype(int)
        py = np.rint(y[:, None] + sign * normal[:, 1:] * reach).astype(int)
        valid = (px >= 0) & (px < w) & (py >= 0) & (py < h)
        px, py = np.clip(px, 0, w - 1), np.clip(py, 0, h - 1)
        return alpha[py, px] * valid, cover[py, px] & valid, valid & ~border[py, px]

    started = mask[y, x]
    out_alpha, out_cover, out_valid = along(1)
    in_alpha, _, _ = along(-1)
    leave, meet, lost = _first(out_alpha <= 0.5), _first(out_cover & (reach > 2)), _first(~out_valid)
    enter = _first(in_alpha > 0.5)
    own_alpha = alpha[y, x]
    # the contour pixel's centre lies half a pixel inside the mesh; alpha crosses one half between two pixels
    outward = leave + _crossing(own_alpha, out_alpha, leave) - 0.5
    outward = np.where(meet < leave, 0.5 * (meet + 1), outward)
    distance = np.where(started, outward, -(enter + _crossing(own_alpha, in_alpha, enter) + 0.5))
    valid = np.where(started, (np.minimum(leave, meet) < steps) & (lost >= np.minimum(leave, meet)),
                     enter < min(steps, round(0.6 * steps)))
    # contours of the trunk and legs that run into an arm say nothing about the trunk
    zone = arm_zone(buffers.triangle, faces, part, 0.035 / max(float(np.median(metres)), 1e-6)) if len(x) else cover
    own = part[faces[triangle, 0]]
    end_x = np.clip(np.rint(x + normal[:, 0] * distance).astype(int), 0, w - 1)
    end_y = np.clip(np.rint(y + normal[:, 1] * distance).astype(int), 0, h - 1)
    valid &= np.isin(own, ARM_PARTS) | ~(zone[y, x] | zone[end_y, end_x])
    x, y, triangle, normal, distance = x[valid], y[valid], triangle[valid], normal[valid], distance[valid]
    metres = metres[valid]
    plane = normal.astype(np.float32)
    world = (np.concatenate([normal, np.zeros((len(normal), 1))], axis=1) @ camera.R).astype(np.float32)
    signed = (distance * metres).astype(np.float32)
    weight = (metres / (1 + (signed / 0.05) ** 2)).astype(np.float32)
    return Outline(faces[triangle], buffers.barycentric[y, x], world, plane, signed, weight, iou)


def arm_zone(triangle: NDArray[Any], faces: NDArray[np.int64], part: NDArray[Any], radius: float) -> NDArray[np.bool_]:
    """(H,W) pixels within ``radius`` of a visible forearm or hand."""
    seen = np.isin(part[faces[np.maximum(triangle, 0), 0]], [p for p in ARM_PARTS if "upper" not in PARTS[p]])
    seen &= triangle >= 0
    if not seen.any():
        return seen
    away = cv2.distanceTransform((~seen).astype(np.uint8), cv2.DIST_L2, 3)
    near: NDArray[np.bool_] = away < radius
    return near


def fit_offsets(
    rest: Floats, faces: NDArray[np.int64], index: NDArray[Any], weight: Floats, regions: Regions,
    frames: Sequence[Frame], hold: Floats | None = None,
) -> tuple[Floats, float]:
    """Rest positions whose silhouettes follow the views' cut-outs, and the first view's IoU.

    The first frame shapes the body fully; the others share the offsets along the normals, and what is left of their
    outline becomes their own ``shift`` (a registration of the photo, not of the body).

    Args:
        hold: (V,) 1 where the surface must stay as it is (legs under a skirt), 0 elsewhere.
    """
    laplacian, areas = cotangent_laplacian(rest, faces)
    mass, inverse = sp.diags(areas), sp.diags(1 / areas)
    bending = laplacian @ inverse @ laplacian
    stiff = np.where(regions.inner | np.isin(regions.part, (PART["left_hand"], PART["right_hand"], PART["left_foot"],
                                                            PART["right_foot"])), 1.0, 0.0)
    stiff = np.maximum(stiff, regions.face)
    if hold is not None:
        stiff = np.maximum(stiff, hold)
    targets = [_contour_view(frame) for frame in frames]
    normal = vertex_normals(rest, faces)
    smooth = 2e-4 * laplacian + 2e-7 * bending + 0.02 * mass + sp.diags(200 * areas * stiff)
    d = np.zeros(len(rest))
    for _ in range(2):
        matrix, right = smooth, np.zeros(len(rest))
        for frame, target in zip(frames, targets):
            blend, _ = blended(frame.rotation, frame.offset, index, weight)
            current = frame.posed(rest + normal * d[:, None].astype(np.float32), index, weight)
            data = outline(current, faces, regions.part, *target)
            direction = np.einsum("vab,vb->va", blend, normal)
            slope = data.barycentric * np.einsum("nkc,nc->nk", direction[data.corners], data.normal)
            rows = _rows(data.corners, slope, len(rest))
            goal = data.distance + rows @ d
            matrix = matrix + frame.weight * (rows.T @ sp.diags(data.weight) @ rows)
            right = right + frame.weight * (rows.T @ (data.weight * goal))
        d = np.clip(solve(matrix, right), -0.03, 0.14)
    rest = rest + (normal * d[:, None]).astype(np.float32)

    soft = np.where(regions.inner, 1.0, np.where(np.isin(regions.part, ARM_PARTS), 0.0, 0.3 * regions.face))
    anchor = 2e-7 * bending + 0.5 * mass + sp.diags(50 * areas * soft)
    if hold is not None:
        anchor = anchor + sp.diags(20 * areas * hold)
    best_iou = 0.0
    for k, (frame, target) in enumerate(zip(frames, targets)):
        move, best, best_move = np.zeros((len(rest), 2)), -1.0, np.zeros((len(rest), 2))
        right_axis, down_axis = target[0].R[0], target[0].R[1]
        start = frame.posed(rest, index, weight)
        for step in range(len(_STIFFNESS) + 1):
            world = (move[:, :1] * right_axis + move[:, 1:] * down_axis).astype(np.float32)
            data = outline(start + world, faces, regions.part, *target)
            if data.iou > best:
                best, best_move = data.iou, move.copy()
            if step == len(_STIFFNESS):
                break
            rows_x = _rows(data.corners, data.barycentric * data.plane[:, :1], len(rest))
            rows_y = _rows(data.corners, data.barycentric * data.plane[:, 1:], len(rest))
            rows = sp.hstack([rows_x, rows_y]).tocsr()
            flat = move.T.ravel()
            goal = data.distance + rows @ flat
            smooth = anchor + _STIFFNESS[step] * laplacian
            matrix = sp.block_diag([smooth, smooth]) + rows.T @ sp.diags(data.weight) @ rows
            move = np.clip(solve(matrix, rows.T @ (data.weight * goal)).reshape(2, -1).T, -0.08, 0.08)
        world = (best_move[:, :1] * right_axis + best_move[:, 1:] * down_axis).astype(np.float32)
        # pieces that are not the skin (eyes, teeth) ride along with the skin round them
        skin_only = extend(laplacian, areas, world, (~regions.inner).astype(float), 0.005)
        world = np.where(regions.inner[:, None], _nearest_skin(rest, regions, skin_only), world).astype(np.float32)
        if k == 0:
            blend, _ = blended(frame.rotation, frame.offset, index, weight)
            rest = rest + np.linalg.solve(blend + 1e-3 * np.eye(3, dtype=np.float32), world[..., None])[..., 0]
            best_iou = best
        else:
            frame.shift = world
    return rest.astype(np.float32), best_iou


def shoe_shape(rest: Floats, regions: Regions, joints: Floats) -> Floats:
    """Rest positions with the toes under a shoe's cap: the forefoot is pushed out to its own convex hull."""
    result = rest.copy()
    for side in ("left", "right"):
        foot = regions.part == PART[f"{side}_foot"]
        ball = float(joints[JOINT_INDEX[f"{side}_foot"], 2])
        toes = foot & (rest[:, 2] > ball - 0.015)
        if toes.sum() < 30:
            continue
        points = rest[toes].astype(np.float64)
        planes = ConvexHull(points).equations
        back = points[points[:, 2] < ball + 0.01]
        centre = (back.min(axis=0) + back.max(axis=0)) / 2
        ray = points - centre
        along = ray @ planes[:, :3].T
        height = -(centre @ planes[:, :3].T + planes[:, 3])
        reach = np.where(along > 1e-9, height / np.maximum(along, 1e-9), np.inf).min(axis=1)
        ramp = smoothstep(ball - 0.015, ball + 0.02, rest[toes, 2])[:, None]
        result[toes] += ((centre + ray * np.clip(reach, 1, 4)[:, None] - points) * ramp).astype(np.float32)
    return result


def _nearest_skin(rest: Floats, regions: Regions, values: NDArray[Any]) -> NDArray[Any]:
    face = regions.face > 0.5
    mean = values[face].mean(axis=0) if face.any() else values.mean(axis=0)
    return np.broadcast_to(mean, values.shape)


def _contour_view(frame: Frame) -> tuple[Camera, Floats, NDArray[np.bool_]]:
    factor = min(1.0, CONTOUR_HEIGHT / max(frame.small_alpha.shape))
    camera = frame.small_camera.scaled(factor)
    size = (camera.width, camera.height)
    alpha = np.asarray(cv2.resize(frame.small_alpha, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    border = cv2.resize(frame.border.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return camera, alpha, border


def _rows(corners: NDArray[Any], values: NDArray[Any], count: int) -> sp.csr_matrix:
    n = len(corners)
    return sp.csr_matrix((values.ravel(), (np.repeat(np.arange(n), 3), corners.ravel())), (n, count))


def _crossing(own: Floats, alpha: Floats, index: NDArray[Any]) -> NDArray[Any]:
    """Where between the pixel before ``index`` and the one at it alpha passes one half, 0..1."""
    rows = np.arange(len(index))
    last = alpha.shape[1] - 1
    after = alpha[rows, np.minimum(index, last)]
    before = np.where(index > 0, alpha[rows, np.clip(index - 1, 0, last)], own)
    gap = after - before
    return np.clip((0.5 - before) / np.where(np.abs(gap) < 1e-3, 1.0, gap), 0, 1)


def _first(condition: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Index of the first True in each row; the row's length where there is none."""
    return np.where(condition.any(axis=1), condition.argmax(axis=1), condition.shape[1])

