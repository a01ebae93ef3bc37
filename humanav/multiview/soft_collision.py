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
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from humanav.fit.clip_kinematics import PosedClip
from humanav.fit.clip_solver import Equations
from humanav.multiview.collision import Skin, add_rows, close_pairs

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

_NEAREST = 3  # balls of the other that make up its occupancy
_OPACITY = 0.99
_SHARP = 0.35  # standard deviation of two balls' overlap in the sum of their radii
_TOUCH = 2.5  # standard deviations at which two limbs just touch: 2.86, less for the balls beside the nearest
_SPACING = 0.5  # between balls, in the radius of the larger
_THIN = 0.012  # metres; balls smaller than this (fingers) are left out
_FITS, _DEEP = 0.7, 0.6  # shares of a ball's radius that must be free of skin, and of a centre's depth below its planes
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
    def of(cls, body: BodyModel, betas: Array, count: int = 2000) -> Balls:
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
        away, nearest = cKDTree(skin.points).query(centre, k=4)
        arm = centre[:, None] - skin.points[nearest]
        inside = ((arm * skin.normals[nearest]).sum(axis=-1) < -_DEEP * away).all(axis=1)
        fits = found & inside & (away[:, 0] > _FITS * radius)
        radius = np.where(fits, np.minimum(radius, away[:, 0]), 0.0)
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
        weight: per square metre of depth and square decimetre of skin.
        slack: metres that balls may overlap by: what lies no deeper is better judged by the skin itself.
    """

    balls: tuple[Balls, ...]
    frames: Array
    weight: float = 3e5
    slack: float = 0.01

    def __call__(self, clips: Sequence[PosedClip], equations: Sequence[Equations]) -> float:
        """Add to everybody's equations; the cost, which is added to the first one's."""
        total = 0.0
        for t in np.flatnonzero(self.frames > 0):
            total += self._frame(int(t), clips, equations)
        equations[0].cost += total
        return total

    def _frame(self, t: int, clips: Sequence[PosedClip], equations: Sequence[Equations]) -> float:
        close = close_pairs(clips, t)
        involved = {i for pair in close for i in pair if len(self.balls[i].radii) >= _NEAREST}
        places = {i: self.balls[i].centres.posed(clips[i], t)[0] for i in involved}
        rows: dict[int, list[tuple[Array, Array]]] = {i: [] for i in involved}
        total = 0.0
        for i, j in close:
            if i not in involved or j not in involved:
                continue
            radii = self.balls[j].radii
            theirs = _nearest(places[i], self.balls[i].radii, places[j], radii)
            residual, push = _overlap(places[i], self.balls[i].radii, places[j][theirs], radii[theirs])
            residual = residual - self.slack
            own = np.flatnonzero(residual > 0)
            if len(own) == 0:
                continue
            root = np.sqrt(100 * self.weight * self.frames[t] * self.balls[i].centres.area[own])
            value, push = root * residual[own], root[:, None, None] * push[own]
            total += 0.5 * float(value @ value)
            rows[i].append((value, self.balls[i].centres.moved(own, push.sum(axis=1), clips[i], t)))
            other = [self.balls[j].centres.moved(theirs[own, k], -push[:, k], clips[j], t) for k in range(_NEAREST)]
            rows[j].append((value, np.sum(other, axis=0)))
        add_rows(rows, clips, equations, t)
        return total


def _nearest(centre: Array, radius: Array, others: Array, radii: Array) -> NDArray[np.int64]:
    """(N,K) which balls of the other are nearest, as shares of the distance at which the two touch."""
    square = (centre**2).sum(axis=1)[:, None] - 2 * centre @ others.T + (others**2).sum(axis=1)
    return np.argpartition(square / (radius[:, None] + radii) ** 2, _NEAREST - 1, axis=1)[:, :_NEAREST]


def _overlap(centre: Array, radius: Array, others: Array, radii: Array) -> tuple[Array, Array]:
    """How much nearer (N,) than touching, in metres, balls are to the nearest K of the other, and its derivative
    (N,K,3) by the arms from each of these.

    The own occupancy at an own centre is the same in all poses. The overlap is taken as the distance at which a single
    ball would have it: that is even where the overlap itself saturates.
    """
    arm = centre[:, None] - others
    variance = (_SHARP * (radius[:, None] + radii)) ** 2
    cover = _OPACITY * np.exp(-0.5 * (arm**2).sum(axis=-1) / variance)
    clear = np.prod(1 - cover, axis=1)
    overlap = np.clip(1 - clear, 1e-12, 1 - 1e-6)
    away = np.sqrt(-2 * np.log(overlap))
    unit = 2 * _SHARP * radius
    slope = (clear[:, None] / (1 - cover) * cover / variance)[..., None] * arm
    return unit * (_TOUCH - away), -(unit / (overlap * away))[:, None, None] * slope
