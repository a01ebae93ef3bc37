"""Synthetic people whose loose clothes hang: each garment relaxed over the posed body, as the truth to be learned.

The clothes of :class:`~humanav.synth.SyntheticPerson` are skinned, so a pose moves them as it moves the skin. Here the
skinned garment only is where a relaxation starts that position-based dynamics (Müller et al., "Position based
dynamics", 2007) does: edges keep their length in the T-pose, gravity pulls, the body and the garments below push out,
and a tether to the skinned place, the weaker the farther the cloth stands off the body, keeps it on. It is
quasi-static: the same pose, turned anywhere about the vertical, gives the same clothes. Nothing of it is shared with
``humanav/avatar/gaussian/cloth.py``, from which the synthetic teacher draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import cached_property
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from humanav.synth import SyntheticPerson, clothes
from humanav.synth.noise import smoothstep
from humanav.synth.surface import Surface, averaging, normals
from humanav.synth.template import template

Array = NDArray[np.float32]

ITERATIONS = 48
EASE = 0.026
"""Metres that loose clothes stand farther off the body than the skinned ones do, where they are widest."""
_FALL = 0.0011  # metres a free point falls in one iteration
_TIGHT, _FREE = 0.35, 0.018  # shares of the way back to the skinned place, per iteration: held fast, and free
_STRETCH, _SQUEEZE, _BEND = 0.9, 0.3, 0.2
_GAP = (0.002, 0.006)  # metres that are kept from what lies below
_DEEP, _DEEP_SKIRT = 0.04, 0.12  # metres below the surface from which a point is not pushed out: it belongs elsewhere
_OVERLAP = 0.07  # metres that what is below goes on under a hem, which now may swing off it


class ClothedPerson(SyntheticPerson):
    """A synthetic person whose clothes are relaxed in every pose; made by :func:`clothed`."""

    @cached_property
    def surfaces(self) -> list[Surface]:
        """As the skinned person's, with wider clothes and more skin below their hems (but not in shoes)."""
        with _overlapping():
            made = super().surfaces
        worn = self.outfit.garments
        shoes = [0.02 - garment.keep(made[0].rest) for garment in worn if garment.kind == "shoes"]
        made[0] = clothes.clip(replace(made[0], keep=np.min([np.full(len(made[0].rest), 0.02), *shoes], axis=0)))
        for number, garment in enumerate(worn, start=1):
            free = looseness(made[number].rest, garment, worn[number:])
            wide = EASE * (0.5 + 0.5 * min(garment.loose, 1.0)) * free * (garment.kind != "skirt")
            points = made[number].points + normals(made[number].points, made[number].faces) * wide[:, None]
            made[number] = replace(made[number], points=points.astype(np.float32))
        return made

    @cached_property
    def posed(self) -> list[Array]:
        """World positions of every surface's points, clothes relaxed."""
        skinned = super().posed
        heading, key = _heading(self.pose)
        turn = _about_vertical(heading)
        known: dict[bytes, list[Array]] = self.surfaces[0].__dict__.setdefault("_relaxed", {})
        if key not in known:
            known[key] = relax(self, [points @ turn for points in skinned])
        return [points + moved @ turn.T for points, moved in zip(skinned, known[key], strict=True)]


def clothed(person: SyntheticPerson) -> ClothedPerson:
    """The person in the same clothes, wider, and hanging as they do in every pose."""
    return ClothedPerson(**{field.name: getattr(person, field.name) for field in fields(person)})


def looseness(rest: Array, garment: clothes.Garment, above: Sequence[clothes.Garment]) -> Array:
    """How freely (N,) cloth moves at points of the mean body's T-pose: 0 fast on the body, 1 free.

    Sleeves, trouser legs and the lower parts of tops and skirts are free; tights, shoes, collars, and what lies under
    other garments are not.
    """
    x, y = np.abs(rest[:, 0]), rest[:, 1]
    if garment.kind == "shoes" or garment.neck == "collar" or (garment.kind != "skirt" and garment.loose < 0.03):
        return np.zeros(len(rest), np.float32)
    if garment.kind == "skirt":
        free = smoothstep(garment.top - 0.04, garment.top - 0.30, y)
    elif garment.kind == "bottom":
        free = smoothstep(-0.38, -0.72, y) * (0.5 + 0.5 * smoothstep(0.02, 0.10, x))
    else:
        sleeve = smoothstep(0.2, 0.36, x) * (0.55 + 0.45 * smoothstep(0.3, 0.6, x))
        free = np.maximum(sleeve, smoothstep(0.02, -0.32, y) * smoothstep(0.3, 0.2, x))
    for cover in above:
        free = free * smoothstep(0.02, -0.09, cover.keep(rest))
    return np.asarray(free, np.float32)


def turned(person: ClothedPerson, degrees: float) -> ClothedPerson:
    """The person turned about the vertical, to their left; clothes, made and relaxed once, turn along."""
    from scipy.spatial.transform import Rotation

    pose = person.pose.copy()
    turn = Rotation.from_euler("y", degrees, degrees=True)
    pose[0] = (turn * Rotation.from_rotvec(pose[0])).as_rotvec()
    return posed_as(person, pose)


def posed_as(person: ClothedPerson, pose: Array, name: str = "") -> ClothedPerson:
    """The person in another pose (55,3), in the same clothes."""
    other = replace(person, pose=np.asarray(pose, np.float32), pose_name=name or person.pose_name)
    other.__dict__["surfaces"], other.__dict__["materials"] = person.surfaces, person.materials
    return other


def relax(person: SyntheticPerson, skinned: list[Array], iterations: int = ITERATIONS) -> list[Array]:
    """How far (N,3) every surface's points move from where skinning puts them: ``skinned``, y up; skin and hair stay.

    Garments are relaxed from the inside out, each on the body and those below it.
    """
    surfaces, worn = person.surfaces, person.outfit.garments
    faces = template().faces
    shaped = _bare(person)
    placed = _place_bare(person, skinned, shaped)
    bare = below = _Below([shaped], [placed], [normals(shaped, faces)], [normals(placed, faces)])
    moved = [np.zeros_like(points) for points in skinned]
    for number, garment in enumerate(worn, start=1):
        surface, points = surfaces[number], skinned[number]
        if garment.kind == "shoes" or len(surface.faces) == 0:
            continue
        free = looseness(surface.rest, garment, worn[number:])
        if free.max() > 0:
            found = _relaxed(surface, points, bare if garment.kind == "skirt" else below, free,
                             _DEEP_SKIRT if garment.kind == "skirt" else _DEEP, iterations)
            moved[number] = found - points
            points = found
        below = below.with_layer(surface.points, points, surface.faces)
    return moved


class _Below:
    """What lies under a garment, as points with normals: in the T-pose and posed."""

    def __init__(self, rest: list[Array], posed: list[Array], rest_normals: list[Array], posed_normals: list[Array]
                 ) -> None:
        self._parts = (rest, posed, rest_normals, posed_normals)
        self.rest, self.posed, self.rest_normals, self.posed_normals = (np.concatenate(part) for part in self._parts)
        self.tree = cKDTree(self.posed)

    def with_layer(self, rest: Array, posed: Array, faces: NDArray[np.int64]) -> _Below:
        old = self._parts
        return _Below([*old[0], rest], [*old[1], posed], [*old[2], normals(rest, faces)],
                      [*old[3], normals(posed, faces)])

    def clearance(self, rest: Array) -> Array:
        """Metres (N,) that points of the T-pose lie outside."""
        _, near = cKDTree(self.rest).query(rest)
        return np.asarray(((rest - self.rest[near]) * self.rest_normals[near]).sum(axis=1), np.float32)


def _relaxed(surface: Surface, skinned: Array, below: _Below, free: Array, deep: float, iterations: int) -> Array:
    """World positions (N,3) of a garment's points; ``free`` (N,): see :func:`looseness`."""
    back = (_FREE + (_TIGHT - _FREE) * (1 - free) ** 2)[:, None]
    fall = np.array([0.0, -_FALL, 0.0]) * free[:, None]
    gap = np.clip(0.6 * below.clearance(surface.points), *_GAP)
    hold = np.minimum(1, 8 * free)[:, None]  # what is fast lies as it was made
    mean = averaging(surface.faces, len(skinned))
    edges = np.unique(np.sort(np.concatenate([surface.faces[:, [0, 1]], surface.faces[:, [1, 2]],
                                              surface.faces[:, [2, 0]]]), axis=1), axis=0)
    rest = surface.points.astype(np.float64)
    length = np.linalg.norm(rest[edges[:, 0]] - rest[edges[:, 1]], axis=1)
    start = skinned.astype(np.float64)
    points = start.copy()
    for iteration in range(iterations):
        points += fall + back * (start - points)
        moved = points - start
        points = start + moved + _BEND * (mean @ moved - moved)
        _keep_lengths(points, edges, length, _STRETCH, _SQUEEZE, False)
        _keep_lengths(points, edges, length, _STRETCH, _SQUEEZE, True)
        if iteration % 3 == 0 or iteration > iterations - 3:
            points += _pushed(points, below, gap, deep, mean) * hold
    return points.astype(np.float32)


def _pushed(points: NDArray[np.float64], below: _Below, gap: Array, deep: float, mean: Any) -> NDArray[np.float64]:
    """How far (N,3) points must move to lie ``gap`` metres outside the planes of the nearest points below.

    Neighbours come along, so that cloth is lifted as a tent and not pricked.
    """
    distance, near = below.tree.query(points, distance_upper_bound=2 * deep)
    found = np.flatnonzero(np.isfinite(distance))
    normal = below.posed_normals[near[found]]
    depth = ((points[found] - below.posed[near[found]]) * normal).sum(axis=1)
    out = np.where((depth < gap[found]) & (depth > -deep), gap[found] - depth, 0)
    push = np.zeros_like(points)
    push[found] = out[:, None] * normal
    for _ in range(2):
        spread = mean @ push
        longer = (spread**2).sum(axis=1) > (push**2).sum(axis=1)
        push[longer] = spread[longer]
    return push


@numba.njit(cache=True)
def _keep_lengths(
    points: Any, edges: Any, length: Any, stretch: float, squeeze: float, backwards: bool
) -> None:
    """Both ends of every edge (E,2) towards its ``length`` (E,), one edge after the other, in place."""
    for number in range(len(edges)):
        k = len(edges) - 1 - number if backwards else number
        a, b = edges[k, 0], edges[k, 1]
        x, y, z = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        now = np.sqrt(x * x + y * y + z * z)
        if now < 1e-9:
            continue
        share = 0.5 * (now - length[k]) / now * (stretch if now > length[k] else squeeze)
        points[a, 0] += share * x
        points[a, 1] += share * y
        points[a, 2] += share * z
        points[b, 0] -= share * x
        points[b, 1] -= share * y
        points[b, 2] -= share * z


def _bare(person: SyntheticPerson) -> Array:
    """Bare body (V,3) in the T-pose, without what garments hide."""
    from humanav.synth.template import body

    return body().rest(person.betas, person.expression)[0].numpy().astype(np.float32)


def _place_bare(person: SyntheticPerson, skinned: list[Array], shaped: Array) -> Array:
    """The bare body (V,3) posed as ``skinned`` is."""
    eyes = 1 + len(person.outfit.garments)  # this surface has all of the body's points
    assert len(skinned[eyes]) == len(shaped)
    return skinned[eyes]


def _heading(pose: Array) -> tuple[float, bytes]:
    """Which way (radians from +z) a pose (55,3) faces, and what is the same of it whichever way that is."""
    from scipy.spatial.transform import Rotation

    root = Rotation.from_rotvec(pose[0])
    forwards = root.apply([0.0, 0.0, 1.0])
    angle = float(np.arctan2(forwards[0], forwards[2]))
    upright = (Rotation.from_euler("y", -angle) * root).as_rotvec()
    same = np.concatenate([upright[None], pose[1:]])
    return angle, (np.round(same * 500).astype(np.int32) + 0).tobytes()


def _about_vertical(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


@contextmanager
def _overlapping() -> Iterator[None]:
    """While clothes are cut, leave more of what they cover."""
    before = clothes.MARGIN
    clothes.MARGIN = _OVERLAP
    try:
        yield
    finally:
        clothes.MARGIN = before
