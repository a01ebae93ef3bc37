"""Bodies as soft balls that repel each other: what parts limbs that have run into each other axis in axis.

Where a thin part is so deep in another that its skin is nearest to the far side, half of the planes of
:mod:`humanav.multiview.collision` push one way and half the other. Here each body is filled with the largest balls that
its skin holds (the medial axis), every one a Gaussian; the overlap ``o_i(x) o_j(x)`` of two people at the centres x,
``o(x) = 1 - prod(1 - a exp(-d^2 / 2))`` over the nearest balls, pushes axis from axis. It is the soft collision of
AvatarPose (Lu et al., ECCV 2024, multiplied densities) on the sum of Gaussians of Stoll et al. (ICCV 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from humanav.fit.clip_kinematics import PosedClip
from humanav.fit.clip_solver import Equations
from humanav.multiview.collision import Skin, boxes_near
from humanav.multiview.losses import twist_chain

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

_NEAREST = 3  # balls of the other that make up its occupancy
_OPACITY = 0.95
_SHARP = 0.5  # standard deviation of a ball in its radii
_TOUCH = 0.2  # square root of the overlap of two limbs that just touch
_SPACING = 0.5  # between balls, in the radius of the larger
_THIN = 0.012  # metres; balls smaller than this (fingers) are left out
_FITS, _DEEP = 0.7, 0.7  # a ball that does not fit by more than this, or whose centre is not below skin, is left out
_OPPOSITE = -0.2  # cosine of normals from which on two points lie on opposite sides of a part


@dataclass(frozen=True)
class Balls:
    """A body as balls: their centres move as the skin above them does.

    Attributes:
        centres: N points, each with the area of skin that it stands for.
        radii: (N,) metres.
    """

    centres: Skin
    radii: Array

    @classmethod
    def of(cls, body: BodyModel, betas: Array, count: int = 900) -> Balls:
        """Balls of a shape of the body, from so many points of its skin."""
        return cls.within(Skin.of(body, betas, count))

    @classmethod
    def within(cls, skin: Skin) -> Balls:
        """The largest balls that touch the skin from within, fewer where they overlap most.

        A ball through p with normal n that reaches q has the radius |p - q|^2 / (2 n.(p - q)); the smallest over all q
        on opposite sides is the largest that fits.
        """
        from scipy.spatial import cKDTree

        radius = np.full(len(skin.points), np.inf)
        for k, (point, normal) in enumerate(zip(skin.points, skin.normals, strict=True)):
            arm = point - skin.points
            deep = arm @ normal
            across = (skin.normals @ normal < _OPPOSITE) & (deep > 1e-4)
            if across.any():
                radius[k] = ((arm[across] ** 2).sum(axis=1) / (2 * deep[across])).min()
        found = np.isfinite(radius)
        centre = skin.points - np.where(found, radius, 0.0)[:, None] * skin.normals
        away, nearest = cKDTree(skin.points).query(centre)
        inside = ((centre - skin.points[nearest]) * skin.normals[nearest]).sum(axis=1) < -_DEEP * away
        radius = np.where(found & inside & (away > _FITS * radius), np.minimum(radius, away), 0.0)
        kept: list[int] = []
        for k in np.argsort(-radius, kind="stable"):
            if radius[k] < _THIN:
                break
            if not kept or (np.linalg.norm(centre[kept] - centre[k], axis=1) > _SPACING * radius[kept]).all():
                kept.append(int(k))
        index = np.array(kept, np.int64)
        area = np.zeros(len(index))
        if len(index):
            np.add.at(area, cKDTree(centre[index]).query(centre)[1], skin.area)
        return cls(Skin(centre[index], skin.normals[index], skin.weights[index], skin.joints, area), radius[index])


@dataclass(frozen=True)
class SoftCollisionTerm:
    """The overlaps' part for everybody.

    Attributes:
        balls: of each person.
        frames: (T,) weight of each frame.
        weight: per overlap and square decimetre of skin.
    """

    balls: tuple[Balls, ...]
    frames: Array
    weight: float = 1e3

    def __call__(self, clips: Sequence[PosedClip], equations: Sequence[Equations]) -> float:
        """Add to everybody's equations; the cost, which is added to the first one's."""
        total = 0.0
        for t in np.flatnonzero(self.frames > 0):
            total += self._frame(int(t), clips, equations)
        equations[0].cost += total
        return total

    def _frame(self, t: int, clips: Sequence[PosedClip], equations: Sequence[Equations]) -> float:
        from scipy.spatial import cKDTree

        boxes = [(clip.joints[t].min(axis=0), clip.joints[t].max(axis=0)) for clip in clips]
        close = [(i, j) for i, j in permutations(range(len(clips)), 2) if boxes_near(boxes[i], boxes[j])]
        involved = {i for pair in close for i in pair if len(self.balls[i].radii) >= _NEAREST}
        places = {i: self.balls[i].centres.posed(clips[i], t)[0] for i in involved}
        trees = {i: cKDTree(places[i]) for i in involved}
        rows: dict[int, list[tuple[Array, Array]]] = {i: [] for i in involved}
        total = 0.0
        for i, j in close:
            if i not in involved or j not in involved:
                continue
            theirs = trees[j].query(places[i], k=_NEAREST)[1]
            residual, push = _overlap(places[i], self.balls[i].radii, places[j][theirs], self.balls[j].radii[theirs])
            own = np.flatnonzero(residual > 0)
            if len(own) == 0:
                continue
            root = np.sqrt(100 * self.weight * self.frames[t] * self.balls[i].centres.area[own])
            value, push = root * residual[own], root[:, None, None] * push[own]
            total += 0.5 * float(value @ value)
            rows[i].append((value, self.balls[i].centres.moved(own, push.sum(axis=1), clips[i], t)))
            other = [self.balls[j].centres.moved(theirs[own, k], -push[:, k], clips[j], t) for k in range(_NEAREST)]
            rows[j].append((value, np.sum(other, axis=0)))
        for i, found in rows.items():
            if found:
                value = np.concatenate([part[0] for part in found])
                slope = np.concatenate([part[1] for part in found]) @ twist_chain(clips[i], np.array([t]))[0]
                equations[i].gradient[t] += slope.T @ value
                # twice: the curvature between the two people is left out
                equations[i].blocks[t] += 2 * slope.T @ slope
        return total


def _overlap(centre: Array, radius: Array, others: Array, radii: Array) -> tuple[Array, Array]:
    """How far the root of the overlap (N,) of balls with the nearest K of the other exceeds that of limbs that touch,
    and its derivative (N,K,3) by the arms from each of these. Two Gaussians meet as one of both variances together;
    the own occupancy at an own centre is the same in all poses."""
    arm = centre[:, None] - others
    variance = _SHARP**2 * (radius[:, None] ** 2 + radii**2)
    cover = _OPACITY * np.exp(-0.5 * (arm**2).sum(axis=-1) / variance)
    clear = np.prod(1 - cover, axis=1)
    root = np.sqrt(np.maximum(1 - clear, 1e-12))
    slope = -(clear[:, None] / (1 - cover) * cover / variance)[..., None] * arm
    return root - _TOUCH, slope / (2 * root)[:, None, None]
