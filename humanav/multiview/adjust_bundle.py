"""Bundle adjustment: cameras and points together, the points eliminated (Schur complement).

Triggs et al., "Bundle adjustment: a modern synthesis" (1999). A camera moves by a rotation vector and a shift of its
centre, and may change its focal length; residuals are pixels free of the lens, judged by soft-L1 of their length;
Levenberg-Marquardt. All points are handled at once, so four cameras and a few thousand points take about a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.multiview.rays import undistorted

Array = NDArray[np.float64]

_NEAR = 0.05  # depth below which a point gives no residual, in the rig's unit


@dataclass(frozen=True)
class Freedom:
    """What may change, and how freely: standard deviations of the prior round what the cameras were, in degrees, in the
    rig's unit, and of the logarithm of the focal length; infinite = free, 0 = not at all. ``held`` cameras keep place
    and direction; with ``one_focal`` all focal lengths change by the same factor."""

    degrees: float = np.inf
    metres: float = np.inf
    focal: float = 0.0
    held: tuple[int, ...] = ()
    one_focal: bool = False


@dataclass(frozen=True)
class Bundle:
    """Cameras and points (N,3) found, and the median residual in pixels before and after."""

    cameras: tuple[Camera, ...]
    points: Array
    before_px: float
    after_px: float


def lens_free(cameras: Sequence[Camera], pixels: Array) -> Array:
    """Pixels (N,V,2) free of the lens, relative to the principal point."""
    focal = [np.array([camera.K[0, 0], camera.K[1, 1]]) for camera in cameras]
    return np.stack([undistorted(camera, pixels[:, v]) * focal[v] for v, camera in enumerate(cameras)], axis=1)


def bundle(
    cameras: Sequence[Camera], pixels: Array, weight: Array, points: Array, freedom: Freedom, *, scale: float,
    thin: float = 1.0, steps: int = 25,
) -> Bundle:
    """Adjust cameras and points.

    Args:
        cameras: V, as they are believed to be.
        pixels: (N,V,2) where they see the points.
        weight: (N,V) trust in that, 0 where a point is not seen.
        points: (N,3) a start.
        scale: pixels; larger residuals count linearly.
        thin: how many observations say as much as one alone (neighbouring frames repeat each other's errors), which is
            what the prior is weighed against.
    """
    state = _State(cameras, lens_free(cameras, pixels), weight / (scale**2 * thin), freedom, scale)
    focal, x = np.zeros(len(cameras)), points.copy()
    pose = [(camera.R, camera.center) for camera in cameras]
    current = state.cost(pose, focal, x)
    before = state.median(pose, focal, x)
    damping = 1e-3
    for _ in range(steps):
        system = state.system(pose, focal, x)
        while True:
            step, shift = state.solve(system, damping)
            new_pose, new_focal, new_x = state.moved(pose, focal, x, step, shift)
            cost = state.cost(new_pose, new_focal, new_x)
            if np.isfinite(cost) and cost <= current:
                break
            damping *= 8
            if damping > 1e8:
                break
        if damping > 1e8:
            break
        gain = (current - cost) / max(current, 1e-12)
        pose, focal, x, current, damping = new_pose, new_focal, new_x, cost, max(damping / 6, 1e-9)
        if gain < 1e-5:
            break
    return Bundle(state.cameras_at(pose, focal), x, before, state.median(pose, focal, x))


Pose = list[tuple[Array, Array]]


class _State:
    """The problem; parameters of a camera are rotation vector, shift of the centre, log focal: 7 each."""

    def __init__(self, cameras: Sequence[Camera], seen: Array, weight: Array, freedom: Freedom, scale: float) -> None:
        self.start, self.seen, self.weight, self.freedom, self.scale = cameras, seen, weight, freedom, scale
        self.f0 = np.array([[camera.K[0, 0], camera.K[1, 1]] for camera in cameras])
        spread = np.array([np.radians(freedom.degrees)] * 3 + [freedom.metres] * 3 + [freedom.focal])
        with np.errstate(divide="ignore"):
            prior = np.where(np.isinf(spread), 0.0, 1 / np.maximum(spread, 1e-12) ** 2)
        self.prior = np.tile(prior, (len(cameras), 1))
        self.free = np.tile(spread > 0, (len(cameras), 1))
        self.free[list(freedom.held), :6] = False

    def _at(self, pose: Pose, focal: Array, x: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Points before the cameras (N,V,3), residuals (N,V,2), and which count."""
        cam = np.stack([(x - c) @ R.T for R, c in pose], axis=1)
        good = (cam[..., 2] > _NEAR) & (self.weight > 0)
        depth = np.where(good, cam[..., 2], 1.0)
        f = self.f0 * np.exp(focal)[:, None]
        residual = np.where(good[..., None], cam[..., :2] / depth[..., None] * f - self.seen, 0.0)
        return cam, residual, good

    def cost(self, pose: Pose, focal: Array, x: Array) -> float:
        _cam, residual, good = self._at(pose, focal, x)
        s2 = self.scale**2
        length2 = (residual**2).sum(-1) / s2
        data = 2 * s2 * (np.sqrt(1 + length2) - 1)
        lost = (self.weight > 0) & ~good  # behind a camera: as bad as a hundred scales away
        prior = (self.prior * self._left(pose, focal) ** 2).sum()
        return float((self.weight * np.where(lost, 200 * s2, data)).sum() + prior)

    def median(self, pose: Pose, focal: Array, x: Array) -> float:
        _, residual, good = self._at(pose, focal, x)
        return float(np.median(np.linalg.norm(residual, axis=-1)[good])) if good.any() else float("nan")

    def _left(self, pose: Pose, focal: Array) -> Array:
        """(V,7) how far the cameras have moved from where they were."""
        from scipy.spatial.transform import Rotation

        moved = [np.concatenate([Rotation.from_matrix(R @ camera.R.T).as_rotvec(), c - camera.center, [f]])
                 for (R, c), camera, f in zip(pose, self.start, focal)]
        return np.array(moved)

    def system(self, pose: Pose, focal: Array, x: Array) -> tuple[Array, ...]:
        """Normal equations: cameras (V,7,7), points (N,3,3), between (N,V,7,3), and right sides (V,7), (N,3)."""
        cam, residual, good = self._at(pose, focal, x)
        depth = np.where(good, cam[..., 2], 1.0)
        f = self.f0 * np.exp(focal)[:, None]
        u, v = cam[..., 0] / depth, cam[..., 1] / depth
        zero = np.zeros_like(u)
        # of the two pixels with regard to the point before the camera
        jac = np.stack([np.stack([f[:, 0] / depth, zero, -f[:, 0] * u / depth], -1),
                        np.stack([zero, f[:, 1] / depth, -f[:, 1] * v / depth], -1)], axis=-2)
        turn = np.zeros((*cam.shape[:2], 3, 3))  # d cam / d rotation vector = -[cam]x
        turn[..., 0, 1], turn[..., 0, 2], turn[..., 1, 2] = cam[..., 2], -cam[..., 1], cam[..., 0]
        turn -= np.swapaxes(turn, -1, -2)
        R = np.stack([r for r, _ in pose])
        j_point = jac @ R
        j_focal = np.stack([f[:, 0] * u, f[:, 1] * v], axis=-1)[..., None]
        j_camera = np.concatenate([jac @ turn, -j_point, j_focal], axis=-1) * self.free[None, :, None]
        robust = self.weight * good / np.sqrt(1 + (residual**2).sum(-1) / self.scale**2)
        weighted = robust[..., None, None] * j_camera
        prior = self.prior * self.free
        hcc = np.einsum("nvri,nvrj->vij", weighted, j_camera) + prior[:, :, None] * np.eye(7)
        hcp = np.swapaxes(weighted, -1, -2) @ j_point
        hpp = np.einsum("nvri,nvrj->nij", robust[..., None, None] * j_point, j_point)
        gc = -np.einsum("nvri,nvr->vi", weighted, residual) - prior * self._left(pose, focal)
        gp = -np.einsum("nvri,nvr->ni", robust[..., None, None] * j_point, residual)
        return hcc, hpp, hcp, gc, gp

    def solve(self, system: tuple[Array, ...], damping: float) -> tuple[Array, Array]:
        """Steps of the cameras (V,7) and the points (N,3)."""
        hcc, hpp, hcp, gc, gp = system
        views = len(hcc)
        ridge = damping * np.einsum("nii->n", hpp) / 3 + 1e-12
        inverse = np.linalg.inv(hpp + ridge[:, None, None] * np.eye(3))
        through = hcp @ inverse[:, None]  # (N,V,7,3)
        points = len(hpp)
        flat = np.moveaxis(through, 0, 2).reshape(views * 7, points * 3)
        other = np.moveaxis(hcp, 0, 2).reshape(views * 7, points * 3)
        full = -flat @ other.T
        right = gc.reshape(-1) - flat @ gp.reshape(-1)
        for v in range(views):
            full[7 * v: 7 * v + 7, 7 * v: 7 * v + 7] += hcc[v]
        full[np.diag_indices_from(full)] += damping * np.einsum("vii->vi", hcc).reshape(-1) + 1e-12
        fixed = ~self.free.reshape(-1)
        full[fixed, fixed] += 1.0
        if self.freedom.one_focal and self.freedom.focal > 0:
            merge = np.eye(views * 7)
            merge[6::7, 6::7] = 0
            merge[6::7, 6] = 1
            full, right = merge.T @ full @ merge, merge.T @ right
            full[13::7, 13::7] += np.eye(views - 1)
            step = (merge @ np.linalg.solve(full, right)).reshape(views, 7)
        else:
            step = np.linalg.solve(full, right).reshape(views, 7)
        step = step * self.free
        shift = np.einsum("nij,nj->ni", inverse, gp - np.einsum("nvij,vi->nj", hcp, step))
        return step, shift

    def moved(self, pose: Pose, focal: Array, x: Array, step: Array, shift: Array) -> tuple[Pose, Array, Array]:
        from scipy.spatial.transform import Rotation

        turned = [(Rotation.from_rotvec(s[:3]).as_matrix() @ R, c + s[3:6]) for (R, c), s in zip(pose, step)]
        return turned, np.clip(focal + step[:, 6], -1.5, 1.5), x + shift

    def cameras_at(self, pose: Pose, focal: Array) -> tuple[Camera, ...]:
        out = []
        for camera, (R, c), f in zip(self.start, pose, focal):
            u, _, vt = np.linalg.svd(R)
            R = u @ vt
            K = camera.K.copy()
            K[0, 0], K[1, 1], K[0, 1] = K[0, 0] * np.exp(f), K[1, 1] * np.exp(f), K[0, 1] * np.exp(f)
            out.append(replace(camera, K=K, R=R, t=-R @ c))
        return tuple(out)
