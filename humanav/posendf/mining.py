"""Queries that prepared noise does not cover: round poses nobody took, with one broken limb, and where the field errs.

A field trained on noise round the data has false zeros: projection ends where it says zero and no real pose is near.
Mining projects bad poses with the field as it is, measures the true distance of where they pass and end, and trains on
that. Distances are to the nearest pose of the pool, or to the pose that the query was made from where that is nearer.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from humanav.posendf.corrupt import (
    LIMBS,
    MIX,
    axis_angle_noise,
    corrupt,
    hyperextend,
    nrdf_noise,
    swap_limbs,
    twist,
)
from humanav.posendf.model import PoseNDF
from humanav.posendf.nearest import PosePool
from humanav.posendf.project import project
from humanav.posendf.quaternions import canonical, conjugate, exponential, logarithm, multiply, pose_distance, slerp

GENERATION_SIGMA = 1.0
"""Radians; NRDF's noise round the rest pose, from which poses are generated."""


class Queries(NamedTuple):
    """Poses (N,21,4) and their true distance (N,) in radians."""

    quats: Tensor
    distance: Tensor


class Mined(NamedTuple):
    """What a mining round found.

    Attributes:
        queries: poses passed and reached, with true distances.
        predicted: median distance of the reached poses by the field.
        true: their median true distance.
    """

    queries: Queries
    predicted: float
    true: float


def varied_poses(clean: Tensor, count: int, generator: Generator) -> Tensor:
    """Poses (count,21,4) that people could take but did not, from clean ones (N,21,4).

    A quarter each: parts of two poses put together; each part somewhere between two poses; a pose changed, part by
    part, by some of the difference between two others; and a pose whose parts are bent up to 0.4 less or more. A part
    is a limb, or for half of the poses a joint. Hinges stay hinges in all of them.
    """
    x, a, b = (clean[torch.randint(len(clean), (count,), generator=generator)] for _ in range(3))
    joints = clean.shape[1]
    share, draw = (torch.rand(count, joints, 1, generator=generator) for _ in range(2))
    by_limb = torch.rand(count, generator=generator) < 0.5
    for limb in LIMBS.values():
        for values in (share, draw):
            values[:, list(limb)] = torch.where(by_limb[:, None, None], values[:, limb[:1]], values[:, list(limb)])
    change = exponential(1.2 * share * logarithm(canonical(multiply(conjugate(a), b))))
    bent = exponential((0.6 + 0.8 * share) * logarithm(x))
    ways = torch.stack([torch.where(draw < 0.35, a, x), slerp(x, a, share), multiply(x, change), bent])
    return canonical(ways[torch.randint(4, (count,), generator=generator), torch.arange(count)])


def varied_queries(clean: Tensor, pool: PosePool, count: int, generator: Generator) -> Queries:
    """Varied poses, damaged as prepared queries are, and their distance to the pool or to their source."""
    sources = varied_poses(clean, count, generator)
    kinds = {name: share for name, share in MIX.items() if name != "clean"}
    quats = corrupt(sources, generator, kinds=kinds, others=clean).quats
    return Queries(quats, torch.minimum(pool.nearest(quats)[0][:, 0], pose_distance(quats, sources)))


def broken_queries(sources: Tensor, generator: Generator) -> Queries:
    """Poses (N,21,4) with one thing wrong: legs or arms swapped, a joint twisted or bent the wrong way, small noise.

    Nothing in the pool is nearer to these than their source, to within a hundredth of a radian.
    """
    count = len(sources)
    share = torch.rand(count, generator=generator)
    quats = sources.clone()
    for low, high, kind in ((0, .30, "legs"), (.30, .45, "swap"), (.45, .65, "twist"), (.65, .82, "hinge"),
                            (.82, 1, "noise")):
        rows = ((share >= low) & (share < high)).nonzero()[:, 0]
        q = sources[rows]
        if kind == "legs":
            q = swap_limbs(q, generator, limbs="legs", mirrored=False)[0]
        elif kind == "swap":
            q = swap_limbs(q, generator)[0]
        elif kind == "twist":
            q = twist(q, generator, degrees=(120, 180))[0]
        elif kind == "hinge":
            q = hyperextend(q, generator)[0]
        else:
            q = axis_angle_noise(q, 0.04 + 0.1 * torch.rand(len(q), generator=generator), generator)[0]
        quats[rows] = q
    return Queries(quats, pose_distance(quats, sources))


def starts(clean: Tensor, count: int, generator: Generator) -> Tensor:
    """Poses (count,21,4) as users project them: half noise round the rest pose, half real ones with noise or damage."""
    near = clean[torch.randint(len(clean), (count - count // 2,), generator=generator)]
    rest = torch.zeros(count // 2, *clean.shape[1:])
    rest[..., 0] = 1
    half = len(near) // 2
    return torch.cat([nrdf_noise(rest, GENERATION_SIGMA, generator)[0], nrdf_noise(near[:half], 0.6, generator)[0],
                      corrupt(near[half:], generator, kinds=MIX, others=clean).quats])


def mine(field: PoseNDF, clean: Tensor, pool: PosePool, count: int, generator: Generator, *, steps: int = 60) -> Mined:
    """Project ``count`` starts and measure where they went.

    Args:
        field: in inference mode.
        clean: (N,21,4) poses to damage.
        pool: poses that distances are measured to.
        count: starts; two queries come of each: its end, and a pose on the way there.
        generator: of random numbers.
        steps: of projection.
    """
    passed, ends = [], []
    for chunk in starts(clean, count, generator).split(512):
        path = project(field, chunk, steps, keep_path=True).path
        assert path is not None
        at = (len(path) * torch.rand(len(chunk), generator=generator).sqrt()).long()
        passed.append(path[at, torch.arange(len(chunk))])
        ends.append(path[-1])
    reached = torch.cat(ends)
    quats = torch.cat([reached, *passed])
    distance = pool.nearest(quats)[0][:, 0]
    with torch.no_grad():
        predicted = torch.cat([field(part) for part in reached.split(4096)])
    free = slice(0, count // 2)  # those that began without a real pose
    return Mined(Queries(quats, distance), float(predicted[free].median()), float(distance[:count][free].median()))
