"""Bodies do not run into each other, and touch where the masks do.

Some thousand points of each body's skin are compared with the nearest three of the others': what lies behind the mean
of their tangent planes, by more than skin gives way, is pushed out along the normals, and the other body back (twice
the sum of two squares bounds the square of the sum). The nearest points are looked up anew in every evaluation.
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
from humanav.multiview.losses import twist_chain
from humanav.multiview.refine_targets import PixelTargets
from humanav.multiview.scene import BONES, SPREAD, Splats, body_bones

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

_PLANES = 3  # nearest points of the other's skin whose tangent planes are averaged
_SLIGHT = 0.01  # skin weight below which a joint moves no point
_FAR = 0.12  # metres; a point farther than this from the other's nearest is not inside it
_MOST = 0.7  # share of the views that show two people in which their masks must touch
_APART = 0.25  # metres between the boxes of two people from which on they are not compared


@dataclass(frozen=True)
class Skin:
    """Points of one person's skin at rest.

    Attributes:
        points, normals: (N,3). weights: (N,55) of the joints. joints: (55,3) at rest.
        area: (N,) square metres that each stands for.
    """

    points: Array
    normals: Array
    weights: Array
    joints: Array
    area: Array

    @classmethod
    def of(cls, body: BodyModel, betas: Array, count: int = 2500) -> Skin:
        """Points spread over a shape of the body, as many as asked for, denser on what is thin."""
        splats = Splats.on_body(body, betas, count)
        return cls(splats.surface, splats.normals, splats.weights.astype(np.float64), splats.joints,
                   (splats.scales[:, 0] / SPREAD) ** 2)

    def posed(self, clip: PosedClip, t: int) -> tuple[Array, Array]:
        """Places and normals (N,3) in a frame."""
        turn = clip.rotations[t]
        shift = clip.joints[t] - np.einsum("jab,jb->ja", turn, self.joints)
        blended = (self.weights @ np.concatenate([turn, shift[..., None]], axis=-1).reshape(55, 12)).reshape(-1, 3, 4)
        places = np.einsum("nab,nb->na", blended[..., :3], self.points) + blended[..., 3]
        normals = np.einsum("nab,nb->na", blended[..., :3], self.normals)
        return places, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)

    def moved(self, index: NDArray[np.int64], push: Array, clip: PosedClip, t: int) -> Array:
        """(n,132) derivative of ``push . place`` of some points by the twists of the bones about the pelvis."""
        bones, turn = body_bones(), clip.rotations[t]
        shift = clip.joints[t] - np.einsum("jab,jb->ja", turn, self.joints) - clip.joints[t, 0]
        out = np.zeros((len(index), BONES, 6))
        weights, points = self.weights[index], self.points[index]
        for joint in np.flatnonzero(weights.max(axis=0, initial=0) > _SLIGHT):
            arm = weights[:, joint, None] * (points @ turn[joint].T + shift[joint])
            out[:, bones[joint], :3] += np.cross(arm, push)
            out[:, bones[joint], 3:] += weights[:, joint, None] * push
        return out.reshape(len(index), -1)


@dataclass(frozen=True)
class CollisionTerm:
    """The contacts' part for everybody.

    Attributes:
        skins: of each person.
        frames: (T,) weight of each frame.
        weight: per square metre of depth and square decimetre of skin.
        slack: metres that skin gives way.
        pull: weight of contact attraction, of points nearer than ``near`` metres where ``touching`` (T,P,P) says that
            the masks touch (anywhere if that is None); 0 for none.
    """

    skins: tuple[Skin, ...]
    frames: Array
    weight: float = 1e6
    slack: float = 0.002
    pull: float = 0.0
    near: float = 0.03
    touching: NDArray[np.bool_] | None = None

    def __call__(self, clips: Sequence[PosedClip], equations: Sequence[Equations]) -> float:
        """Add to everybody's equations; the cost, which is added to the first one's."""
        total = 0.0
        for t in np.flatnonzero(self.frames > 0):
            total += self._frame(int(t), clips, equations)
        equations[0].cost += total
        return total

    def _frame(self, t: int, clips: Sequence[PosedClip], equations: Sequence[Equations]) -> float:
        from scipy.spatial import cKDTree

        close = close_pairs(clips, t)
        if not close:
            return 0.0
        involved = {i for pair in close for i in pair}
        posed = {i: self.skins[i].posed(clips[i], t) for i in involved}
        trees = {i: cKDTree(posed[i][0]) for i in involved}
        rows: dict[int, list[tuple[Array, Array]]] = {i: [] for i in involved}
        total = 0.0
        for i, j in close:
            (places, _), (others, normals) = posed[i], posed[j]
            own = np.flatnonzero(trees[j].query(places, distance_upper_bound=_FAR)[0] < _FAR)
            if len(own) == 0:
                continue
            far, theirs = trees[j].query(places[own], k=_PLANES)
            part = 1 / (far**2 + 1e-4)
            part /= part.sum(axis=1, keepdims=True)
            arm, normal = places[own][:, None] - others[theirs], normals[theirs]
            heights = (arm * normal).sum(axis=-1)
            height = (part * heights).sum(axis=1)
            aside = np.linalg.norm(arm[:, 0] - heights[:, :1] * normal[:, 0], axis=1)
            # a plane says nothing beside the piece of skin that it stands for
            near = np.clip(2 - aside / np.sqrt(self.skins[j].area[theirs[:, 0]]), 0, 1)
            base = 100 * self.skins[i].area[own] * self.frames[t] * near
            deep = np.maximum(-height - self.slack, 0.0)
            share, residual = np.where(deep > 0, self.weight, 0.0) * base, deep
            if self.pull > 0 and (self.touching is None or self.touching[t, i, j]):
                apart = np.where((height > 0) & (far[:, 0] < self.near), height, 0.0)
                share = np.where(apart > 0, self.pull * base, share)
                residual = np.where(apart > 0, -apart, residual)
            acts = share > 0
            if not acts.any():
                continue
            root = np.sqrt(share[acts])
            value = root * residual[acts]
            total += 0.5 * float(value @ value)
            push = (part[..., None] * normal)[acts] * root[:, None, None]
            rows[i].append((value, self.skins[i].moved(own[acts], -push.sum(axis=1), clips[i], t)))
            other = np.stack([self.skins[j].moved(theirs[acts, k], push[:, k], clips[j], t) for k in range(_PLANES)])
            rows[j].append((value, other.sum(axis=0)))
        add_rows(rows, clips, equations, t)
        return total


def close_pairs(clips: Sequence[PosedClip], t: int) -> list[tuple[int, int]]:
    """Who is near enough to whom in a frame to be compared, both ways round."""
    boxes = [(clip.joints[t].min(axis=0), clip.joints[t].max(axis=0)) for clip in clips]
    return [(i, j) for i, j in permutations(range(len(clips)), 2) if boxes_near(boxes[i], boxes[j])]


def add_rows(rows: dict[int, list[tuple[Array, Array]]], clips: Sequence[PosedClip], equations: Sequence[Equations],
             t: int) -> None:
    """Add everybody's residuals (n,) and their derivatives (n,132) by the bones' twists to a frame's equations."""
    for i, found in rows.items():
        if found:
            value = np.concatenate([part[0] for part in found])
            slope = np.concatenate([part[1] for part in found]) @ twist_chain(clips[i], np.array([t]))[0]
            equations[i].gradient[t] += slope.T @ value
            # twice: the curvature between the two people is left out
            equations[i].blocks[t] += 2 * slope.T @ slope


def masks_touch(targets: PixelTargets, frames: int) -> NDArray[np.bool_]:
    """(T,P,P) whether two people's masks touch in two views at least and in most of those that show both; False in
    frames of which there are no pixels."""
    import cv2

    people = targets.people
    seen, met = np.zeros((frames, people, people), int), np.zeros((frames, people, people), int)
    for f, t in enumerate(targets.frames):
        for v in range(targets.table.shape[1]):
            if targets.table[f, v, 3] <= 0:
                continue
            masks = targets.picture(targets.target, f, v)[..., 4:] > 0.5
            there = masks.any(axis=(0, 1))
            wide = [cv2.dilate(masks[..., p].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0 for p in range(people)]
            for i, j in permutations(np.flatnonzero(there), 2):
                seen[t, i, j] += 1
                met[t, i, j] += bool((wide[i] & masks[..., j]).sum() > 1)
    return (met >= 2) & (met >= _MOST * seen)


def boxes_near(a: tuple[Array, Array], b: tuple[Array, Array]) -> bool:
    """Whether two boxes, corners (3,) and (3,), are near enough for their people to be compared."""
    return bool((a[0] < b[1] + _APART).all() and (b[0] < a[1] + _APART).all())
