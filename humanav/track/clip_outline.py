"""The body's outline brought onto the masks of a whole clip: closest points both ways, then least squares.

The whole-clip counterpart of :mod:`humanav.track.silhouette`. Where the mask reaches farther out than the body, as
clothes and hair do, the pull is weak; where the body sticks out of the mask it is full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from humanav.body import BodyModel
from humanav.body.kinematics import Array, Skeleton
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.fit.clip_kinematics import ClipState, PosedClip
from humanav.fit.clip_solver import Equations
from humanav.fit.clip_terms import project_clip
from humanav.fit.terms import geman_mcclure
from humanav.perception.takes import Take
from humanav.render import rasterize_mesh
from humanav.track.silhouette import largest_parts, outline

HEIGHT = 224
"""The person's stature in pixels while outlines are compared."""
SAMPLES = 110
"""Matches each way in a frame."""
_SPREAD = 0.7  # expected error of a matched point, % of stature
_BORDER = 2.5  # pixels: an edge this near the picture's border is where the picture ends
_NORMAL = 12.0  # pixels that a right angle between two edges is worth in the search
_WEIGHTS = 4  # joints that move a point


@dataclass(frozen=True)
class OutlineTerm:
    """Matched skin points of T frames, each free to slide along the mask's edge; P places a frame.

    Attributes:
        rest: (T,P,3) at zero betas. dirs: (T,P,3,B) its change. joint, share: (T,P,4) what moves it.
        target: (T,P,2) pixels on the mask's edge; normal: (T,P,2) of the edge.
        sigma: (T,) pixels. weight: (T,P), 0 for empty places.
        K: (3,3) intrinsics of the pixels.
    """

    rest: Array
    dirs: Array
    joint: NDArray[np.int64]
    share: Array
    target: Array
    normal: Array
    sigma: Array
    weight: Array
    K: Array
    cutoff: float = 2.5

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        skeleton = posed.skeleton
        joints = skeleton.template + skeleton.dirs @ state.betas
        places = self.rest + self.dirs @ state.betas
        index = np.array(equations.active, dtype=np.int64)
        by_shape = not equations.coupled
        points, arms = _skinned(places, self.joint, self.share, posed.joints, posed.rotations, joints)
        pixels, slope = project_clip(self.K, points)
        residual = ((pixels - self.target) * self.normal).sum(-1) / self.sigma[:, None]
        costs, robust = geman_mcclure(residual**2, self.cutoff)
        root = np.sqrt(self.weight * robust)
        across = np.einsum("tpd,tpdc->tpc", self.normal, slope) * (root / self.sigma[:, None])[..., None]
        rows = np.zeros((len(state), points.shape[1], equations.size))
        _rows(across, arms, self.joint, self.share, posed.joints, posed.rotations, index,
              np.ascontiguousarray(skeleton.descendants), rows)
        rows[..., -3:] = across
        shape = _by_shape(across, self, posed, skeleton) if by_shape else None
        equations.add(float((self.weight * costs).sum()), residual * root, rows, shape)


class ClipOutlines:
    """Finds matches between a body and a take's masks.

    Args:
        take: with masks.
        camera: its K and size count.
        body: the body.
        num_betas: shape values in use.
        weight: of a matched point; outward: share of it where the mask lies outside the body.
    """

    def __init__(self, take: Take, camera: Camera, body: BodyModel, num_betas: int, *, weight: float = 0.5,
                 outward: float = 0.3) -> None:
        self.take, self.body, self.weight, self.outward = take, body, weight, outward
        self.camera = Camera(camera.K, np.eye(3), np.zeros(3), camera.width, camera.height)
        self.vertices = body.v_template.double().numpy()
        self.dirs = body.shapedirs.double().numpy()[..., :num_betas]
        index, value = np.asarray(body.skin_index), np.asarray(body.skin_weight, dtype=np.float64)
        self.skin = np.zeros((len(index), 55))
        np.add.at(self.skin, (np.arange(len(index))[:, None], index), value)
        self.head = self.skin[:, [JOINT_INDEX["head"], JOINT_INDEX["jaw"]]].sum(1) > 0.5

    def match(self, state: ClipState, frames: NDArray[np.intp], stature_px: Array, gate: float, thin: float
              ) -> OutlineTerm | None:
        """Matches of some frames.

        Args:
            state: of those frames.
            frames: their numbers in the take.
            stature_px: (T,) the person's stature in pixels.
            gate: longest match in % of stature.
            thin: share of the weight that counts, because neighbouring frames err alike.

        Returns:
            the term, or None where no frame has a match.
        """
        vertices = self._vertices(state)
        found = [self._frame(vertices[t], int(frame), float(stature_px[t]), gate) for t, frame in enumerate(frames)]
        if not any(match is not None for match in found):
            return None
        places = 2 * SAMPLES
        out: dict[str, Any] = {
            "rest": np.zeros((len(frames), places, 3)), "dirs": np.zeros((len(frames), places, *self.dirs.shape[1:])),
            "joint": np.zeros((len(frames), places, _WEIGHTS), np.int64), "share": np.zeros((len(frames), places, 4)),
            "target": np.zeros((len(frames), places, 2)), "normal": np.zeros((len(frames), places, 2)),
            "weight": np.zeros((len(frames), places))}
        for t, match in enumerate(found):
            if match is not None:
                count = len(match["weight"])
                for key, value in match.items():
                    out[key][t, :count] = value
        out["weight"] *= thin
        return OutlineTerm(**out, sigma=_SPREAD / 100 * stature_px, K=self.camera.K)

    def _vertices(self, state: ClipState) -> NDArray[np.float32]:
        betas = torch.zeros(self.body.num_betas, dtype=self.body.dtype)
        betas[: len(state.betas)] = torch.from_numpy(state.betas).to(self.body.dtype)
        parts = []
        with torch.no_grad():
            for begin in range(0, len(state), 32):
                part = slice(begin, begin + 32)
                out = self.body(torch.from_numpy(state.rotations[part]).to(self.body.dtype), betas)
                assert out.vertices is not None
                shift = torch.from_numpy(state.pelvis[part]).to(self.body.dtype) - out.joints[:, 0]
                parts.append((out.vertices + shift[:, None]).numpy())
        return np.concatenate(parts)

    def _frame(self, vertices: NDArray[np.float32], frame: int, stature: float, gate: float) -> dict[str, Any] | None:
        mask = self.take.mask(frame)
        if mask is None or stature < 30:
            return None
        window, offset, factor = self._window(vertices, stature)
        if window is None:
            return None
        edge, normals = _mask_edge(mask, self.camera, window, offset, factor)
        buffers = rasterize_mesh(vertices, self.body.faces, window)
        own, own_normals = outline(buffers.mask)
        if len(own) < 20 or len(edge) < 20:
            return None
        rng = np.random.default_rng(frame)
        theirs, ours = (np.concatenate([p, _NORMAL * n], axis=1) for p, n in ((edge, normals), (own, own_normals)))
        pick_theirs, pick_ours = rng.permutation(len(theirs))[:SAMPLES], rng.permutation(len(ours))[:SAMPLES]
        here = np.r_[cKDTree(ours).query(theirs[pick_theirs])[1], pick_ours]
        there = np.r_[pick_theirs, cKDTree(theirs).query(ours[pick_ours])[1]]
        gap = edge[there] - own[here]
        keep = (np.linalg.norm(gap, axis=1) < gate * HEIGHT / 100) & ((normals[there] * own_normals[here]).sum(1) > 0.5)
        if keep.sum() < 20:
            return None
        here, there, gap = here[keep], there[keep], gap[keep]
        at = own[here].astype(int)
        corners = self.body.faces[buffers.triangle[at[:, 1], at[:, 0]]]
        mix = buffers.barycentric[at[:, 1], at[:, 0]].astype(np.float64)
        skin = np.einsum("pc,pcj->pj", mix, self.skin[corners])
        order = np.argsort(-skin, axis=1)[:, :_WEIGHTS]
        share = np.take_along_axis(skin, order, axis=1)
        out = (gap * normals[there]).sum(1) > 0
        weight = np.where(out, self.weight * self.outward, self.weight)
        weight = np.where(self.head[corners].all(1) & out, 0.3 * weight, weight)  # hair
        return {"rest": np.einsum("pc,pcd->pd", mix, self.vertices[corners]),
                "dirs": np.einsum("pc,pcdb->pdb", mix, self.dirs[corners]), "joint": order,
                "share": share / share.sum(1, keepdims=True), "target": edge[there] / factor + offset,
                "normal": normals[there], "weight": weight}

    def _window(self, vertices: NDArray[np.float32], stature: float) -> tuple[Camera | None, Array, float]:
        """The part of the picture round the body at working size, its corner in pixels, and the scale."""
        pixels, depth = self.camera.project(vertices[::7])
        if depth.min() < 0.2:
            return None, np.zeros(2), 1.0
        margin = 0.1 * stature
        low = np.floor(np.maximum(pixels.min(0) - margin, 0))
        high = np.ceil(np.minimum(pixels.max(0) + margin, [self.camera.width, self.camera.height]))
        if (high - low).min() < 8:
            return None, low, 1.0
        factor = min(HEIGHT / stature, 1.0)
        part = self.camera.cropped(low[0], low[1], int(high[0] - low[0]), int(high[1] - low[1]))
        return part.scaled(factor), low, factor


def _mask_edge(mask: NDArray[np.float32], camera: Camera, window: Camera, offset: Array, factor: float
               ) -> tuple[Array, Array]:
    """The mask's edge (N,2) in the window's pixels, the picture's border left out, and its normals."""
    small = camera.width / mask.shape[1]
    matrix = np.array([[1 / (factor * small), 0, offset[0] / small], [0, 1 / (factor * small), offset[1] / small]])
    centres = matrix.copy()
    centres[:, 2] += 0.5 * (matrix[:, :2].sum(1) - 1)
    near = cv2.warpAffine(mask, centres, (window.width, window.height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    matte = largest_parts(np.asarray(near) > 0.5)
    edge, normals = outline(matte)
    if not len(edge):
        return edge, normals
    high = offset + np.array([window.width, window.height]) / factor
    ends = np.array([offset[0] <= 0.5, offset[1] <= 0.5, high[0] >= camera.width - 1, high[1] >= camera.height - 1])
    border = np.stack([edge[:, 0] < _BORDER, edge[:, 1] < _BORDER, edge[:, 0] > window.width - _BORDER,
                       edge[:, 1] > window.height - _BORDER], axis=1)
    keep = ~(border & ends).any(1)
    return edge[keep], normals[keep]


def _by_shape(across: Array, term: OutlineTerm, posed: PosedClip, skeleton: Skeleton) -> Array:
    """Rows (T,P,B) by the betas."""
    out = np.zeros((*across.shape[:2], skeleton.num_betas))
    for k in range(term.joint.shape[2]):
        joint, share = term.joint[..., k], term.share[..., k]
        frames = np.arange(len(across))[:, None]
        turned = posed.rotations[frames, joint]
        moved = posed.joint_dirs[frames, joint] + turned @ (term.dirs - skeleton.dirs[joint])
        out += share[..., None] * np.einsum("tpc,tpcb->tpb", across, moved)
    return out


def _skinned(places: Array, joint: NDArray[np.int64], share: Array, joints: Array, rotations: Array, rest: Array
             ) -> tuple[Array, Array]:
    """Points (T,P,3), and each joint's part of them (T,P,4,3) from that joint."""
    frames = np.arange(len(places))[:, None, None]
    arms = (rotations[frames, joint] @ (places[:, :, None] - rest[joint])[..., None])[..., 0]
    return ((joints[frames, joint] + arms) * share[..., None]).sum(2), arms


@njit(cache=True, nogil=True)
def _rows(across: Any, arms: Any, joint: Any, share: Any, joints: Any, rotations: Any, active: Any, below: Any,
          rows: Any) -> None:
    """Rows (T,P,3A+3) by the turns of the active joints."""
    frames, points, parts = joint.shape
    for t in range(frames):
        for p in range(points):
            ax, ay, az = across[t, p, 0], across[t, p, 1], across[t, p, 2]
            if ax == 0.0 and ay == 0.0 and az == 0.0:
                continue
            for a in range(len(active)):
                over = active[a]
                x = y = z = 0.0
                moves = False
                for k in range(parts):
                    j = joint[t, p, k]
                    w = share[t, p, k]
                    if w > 0.0 and below[over, j] > 0:
                        moves = True
                        x += w * (joints[t, j, 0] + arms[t, p, k, 0] - joints[t, over, 0])
                        y += w * (joints[t, j, 1] + arms[t, p, k, 1] - joints[t, over, 1])
                        z += w * (joints[t, j, 2] + arms[t, p, k, 2] - joints[t, over, 2])
                if not moves:
                    continue
                # across . (axis x lever) = axis . (lever x across)
                cx, cy, cz = y * az - z * ay, z * ax - x * az, x * ay - y * ax
                for c in range(3):
                    rows[t, p, 3 * a + c] = (rotations[t, over, 0, c] * cx + rotations[t, over, 1, c] * cy
                                             + rotations[t, over, 2, c] * cz)
