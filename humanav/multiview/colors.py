"""Avatars from posed pictures, without a training loop: colours in closed form, clothes by a few Jacobi steps.

A Gaussian's colour is the mean of the pixels it dominates, weighted by how much of each it fills; some passes of
simultaneous reconstruction then share out what is left where Gaussians overlap. Offsets along the normal (and, where
asked for, opacities) move against the masks and colours by damped Newton steps, one number a Gaussian, held near the
body and smooth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.avatar.gaussian.value import EPS2D
from humanav.fit.clip_kinematics import PosedClip
from humanav.multiview.losses import PixelWeights
from humanav.multiview.refine_targets import PixelTargets
from humanav.multiview.scene import OPACITY, GaussianScene, Splats
from humanav.progress import Progress

Array = NDArray[np.float64]

_NEIGHBOURS = 6
_SPREADING = 12  # passes that give what nobody saw its neighbours' first colours
_AT_ONCE = 4_000_000  # Gaussians of all frames that are looked at together
_FAINTEST, _DENSEST = 0.05, 0.98  # opacities
_SEEN = 0.5
"""Visible squares of 2 cm from which on a Gaussian's colour is its own; less seen ones lean on their neighbours."""


@dataclass(frozen=True)
class Clothing:
    """How far the Gaussians may leave the body.

    Attributes:
        out, inside: metres they may move outwards and inwards.
        hold: metres of movement, and rough: metres of difference to the neighbours, that count as one error.
        step: share of a Newton step that is taken.
        sheer: in log opacity, what counts as one error; 0 to leave opacities alone.
    """

    out: float = 0.05
    inside: float = 0.03
    hold: float = 0.03
    rough: float = 0.01
    step: float = 0.5
    sheer: float = 0.0


def fit_avatars(
    scene: GaussianScene, clips: Sequence[PosedClip], targets: PixelTargets, weights: PixelWeights, *,
    colors: int = 3, shapes: int = 6, clothing: Clothing | None = None, progress: Progress | None = None,
) -> GaussianScene:
    """The scene with colours (and shapes) that the pictures show in these poses.

    Args:
        scene: Gaussians; those that no picture has coloured yet get their first colours from nothing.
        clips: poses of everybody.
        targets, weights: pixels, and what they count.
        colors: passes for colours alone: the first one and those at the end. A single one moves offsets as well.
        shapes: passes between them that move offsets too.
        clothing: limits of those.
        progress: asked whether to stop.

    Raises:
        Cancelled: ``progress`` was told to stop.
    """
    clothing = clothing or Clothing()
    rest = [splats.offset for splats in scene.people]
    near = [_neighbours(splats) for splats in scene.people]
    for number in range(colors + shapes):
        if progress is not None:
            progress.check()
        found = gather(scene, clips, targets, weights)
        moves = 1 <= number <= shapes or (number == 0 and colors == 1)
        people, start = [], 0
        for k, splats in enumerate(scene.people):
            own = found[start : start + len(splats)]
            start += len(splats)
            splats = _recolored(splats, own, near[k], first=not splats.trust.any())
            people.append(_moved(splats, own, near[k], rest[k], clothing) if moves else splats)
        scene = GaussianScene(tuple(people))
    return scene


def gather(
    scene: GaussianScene, clips: Sequence[PosedClip], targets: PixelTargets, weights: PixelWeights
) -> Array:
    """(G,10) what the pictures say of each Gaussian (see ``refine_kernels``)."""
    from humanav.multiview import refine_kernels as kernels
    from humanav.render.kernels import KERNEL_LOCK

    posed = scene.posed(clips, targets.frames)
    count = len(posed.owner)
    total = np.zeros((count, kernels.SHAPE_NUMBERS))
    most = max(1, _AT_ONCE // max(count, 1))
    for first in range(0, len(targets.frames), most):
        part = slice(first, first + most)
        costs = np.zeros(targets.scale[part].shape)
        found = np.zeros((len(costs), count, kernels.SHAPE_NUMBERS), np.float32)
        with KERNEL_LOCK:
            kernels.avatar_pass(posed.means[part], posed.covars[part], posed.normals[part], posed.opacity, posed.rgb,
                                posed.owner, targets.cameras, targets.table[part], targets.scale[part], targets.target,
                                targets.trust, weights.strength, np.array(weights.soft), EPS2D, costs, found)
        total += found.sum(axis=0, dtype=np.float64)
    return total


def _neighbours(splats: Splats) -> NDArray[np.int64]:
    """(N,6) the nearest Gaussians whose normals agree."""
    from scipy.spatial import cKDTree

    spacing = float(np.median(splats.scales[:, 0]))
    place = np.concatenate([splats.surface, splats.normals * spacing], axis=1)
    return np.asarray(cKDTree(place).query(place, k=_NEIGHBOURS + 1)[1][:, 1:])


def _recolored(splats: Splats, found: Array, near: NDArray[np.int64], first: bool) -> Splats:
    rgb = np.zeros_like(splats.rgb) if first else splats.rgb
    error = found[:, :3]
    if first:  # the errors were those of the colours so far
        error = error - found[:, 3:4] * splats.rgb
    seen = found[:, 3]
    own = rgb - error / np.maximum(seen, 1e-9)[:, None]
    trust = seen / (seen + _SEEN)
    filled = np.where(seen[:, None] > 1e-6, np.clip(own, 0, 1), 0.5)
    mixed = filled
    for _ in range(1 if not first else _SPREADING):  # what nobody saw takes its neighbours' colour
        weight = trust[near] + 1e-3
        around = (weight[..., None] * mixed[near]).sum(axis=1) / weight.sum(axis=1, keepdims=True)
        mixed = trust[:, None] * filled + (1 - trust[:, None]) * around
    return replace(splats, rgb=mixed, trust=trust)


def _moved(splats: Splats, found: Array, near: NDArray[np.int64], rest: Array, limits: Clothing) -> Splats:
    moved = splats.offset - rest
    slope = found[:, 6] + moved / limits.hold**2 + (moved - moved[near].mean(axis=1)) / limits.rough**2
    bend = found[:, 7] + 1 / limits.hold**2 + 1 / limits.rough**2
    moved = np.clip(moved - limits.step * slope / bend, -limits.inside, limits.out)
    opacity = splats.opacity
    if limits.sheer > 0:
        away = np.log(opacity / OPACITY)
        turn = (found[:, 8] + away / limits.sheer**2) / (found[:, 9] + 1 / limits.sheer**2)
        opacity = np.clip(opacity * np.exp(-limits.step * turn), _FAINTEST, _DENSEST)
    return replace(splats, offset=rest + moved, opacity=opacity)
