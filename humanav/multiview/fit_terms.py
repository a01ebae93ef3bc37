"""Landmarks in the world as parts of a clip's objective: in 3D, and in the pictures of all views at once.

The frame is the *level frame*: the world turned by :data:`LEVEL`, so that y points down as in a camera that is held
level. Gravity, the prior of poses and the prior of motion then work as they do for one camera (:mod:`humanav.fit`).

What V views say of a landmark is summed before it meets the body's derivative: with residuals r_v and slopes S_v of the
projections, only ``sum S_v' r_v`` (3,) and ``sum S_v' S_v`` (3,3) matter, so twelve views cost hardly more than two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.fit.clip_kinematics import ClipPoints, ClipState, PosedClip, place_clip_points
from humanav.fit.clip_solver import Equations
from humanav.fit.clip_terms import project_clip
from humanav.fit.terms import geman_mcclure
from humanav.multiview.value import Rig

Array = NDArray[np.float64]

LEVEL = np.diag([1.0, -1.0, -1.0])
"""Takes the world's points (y up) to the level frame (y down), and back."""


@dataclass(frozen=True)
class Eyes:
    """V pinhole cameras before the level frame: ``x_cam = R @ x_level + t``.

    Attributes:
        K, R: (V,3,3). t: (V,3) metres.
    """

    K: Array
    R: Array
    t: Array

    @classmethod
    def of(cls, rig: Rig) -> Eyes:
        """The rig's cameras, without their distortion."""
        return cls(np.array([camera.K for camera in rig.cameras]),
                   np.array([camera.R @ LEVEL for camera in rig.cameras]), np.array([c.t for c in rig.cameras]))

    def __len__(self) -> int:
        return len(self.K)

    def project(self, view: int, places: Array) -> tuple[Array, Array]:
        """Pixels (...,2) of points (...,3) in the level frame, and their derivative (...,2,3)."""
        pixels, slope = project_clip(self.K[view], places @ self.R[view].T + self.t[view])
        return pixels, slope @ self.R[view]

    def depth(self, places: Array) -> Array:
        """(...,V) metres before each camera of points (...,3)."""
        return np.asarray(places @ self.R[:, 2].T + self.t[:, 2])

    def focal(self) -> Array:
        """(V,) pixels."""
        return np.asarray((self.K[:, 0, 0] + self.K[:, 1, 1]) / 2)


@dataclass(frozen=True)
class PointsTerm:
    """Landmarks at given places.

    Attributes:
        points: K landmarks.
        target: (T,K,3) level frame, metres.
        sigma: (T,K) metres.
        weight: (T,K) share of each; 0 where it is not known.
        cutoff: Geman-McClure scale in sigmas.
    """

    points: ClipPoints
    target: Array
    sigma: Array
    weight: Array
    cutoff: float

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        places, jacobian, by_shape = place_clip_points(self.points, posed, state.betas, equations.active,
                                                       not equations.coupled)
        assert jacobian is not None
        off = places - self.target
        costs, robust = geman_mcclure((off**2).sum(-1) / self.sigma**2, self.cutoff)
        share = (self.weight * robust / self.sigma**2)[..., None]
        add_points(equations, float((self.weight * costs).sum()), share * off, share[..., None] * np.eye(3), jacobian,
                   by_shape)


@dataclass(frozen=True)
class ViewsTerm:
    """Landmarks seen in the pictures of V views.

    Attributes:
        points: K landmarks.
        eyes: V cameras.
        target: (T,V,K,2) pixels, distortion taken out.
        sigma: (T,V,K) expected error in pixels.
        weight: (T,V,K) share of each; 0 where it was not seen.
        cutoff: Geman-McClure scale in sigmas.
    """

    points: ClipPoints
    eyes: Eyes
    target: Array
    sigma: Array
    weight: Array
    cutoff: float

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        places, jacobian, by_shape = place_clip_points(self.points, posed, state.betas, equations.active,
                                                       not equations.coupled)
        assert jacobian is not None
        cost, pull, bend = 0.0, np.zeros_like(places), np.zeros((*places.shape, 3))
        for view in range(len(self.eyes)):
            pixels, slope = self.eyes.project(view, places)
            residual = (pixels - self.target[:, view]) / self.sigma[:, view, :, None]
            costs, robust = geman_mcclure((residual**2).sum(-1), self.cutoff)
            cost += float((self.weight[:, view] * costs).sum())
            share = self.weight[:, view] * robust
            slope = slope / self.sigma[:, view, :, None, None]
            turned = np.swapaxes(slope, -1, -2)
            pull += share[..., None] * (turned @ residual[..., None])[..., 0]
            bend += share[..., None, None] * (turned @ slope)
        add_points(equations, cost, pull, bend, jacobian, by_shape)


def add_points(equations: Equations, cost: float, pull: Array, bend: Array, jacobian: Array, by_shape: Array | None
               ) -> None:
    """Add a cost of K places to the equations of what moves them.

    Args:
        equations: of T frames.
        cost: of all.
        pull, bend: (T,K,3) gradient and (T,K,3,3) curvature by the places.
        jacobian, by_shape: derivative of the places, as :func:`place_clip_points` gives it.
    """
    count = len(jacobian)
    flat = jacobian.reshape(count, -1, jacobian.shape[-1])
    turned, pulled = flat.transpose(0, 2, 1), pull.reshape(count, -1, 1)
    equations.cost += cost
    equations.gradient += (turned @ pulled)[..., 0]
    equations.blocks += turned @ (bend @ jacobian).reshape(flat.shape)
    if equations.coupled or by_shape is None:
        return
    betas = slice(0, equations.num_betas)
    shape = by_shape.reshape(count, -1, by_shape.shape[-1])
    bent = (bend @ by_shape).reshape(shape.shape)
    equations.cross[..., betas] += turned @ bent
    equations.shared_gradient[betas] += (shape.transpose(0, 2, 1) @ pulled).sum(0)[:, 0]
    equations.shared[betas, betas] += (shape.transpose(0, 2, 1) @ bent).sum(0)
