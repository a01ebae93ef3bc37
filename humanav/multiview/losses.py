"""What the refinement minimises over poses in the pictures: pixels of all views and people at once.

It is a sum of robust squares, so that Gauss-Newton steps apply: colour (Charbonnier's, a smooth Huber),
cover against the union of the masks, and each person's cover against their own mask where it is clear whose a pixel
is. Such squares take the place of AvatarPose's cross-entropy of masks: same minimum, but the curvature is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.avatar.gaussian.value import EPS2D
from humanav.fit.clip_kinematics import PosedClip
from humanav.fit.clip_solver import Equations
from humanav.multiview.refine_targets import PixelTargets
from humanav.multiview.scene import BONES, GaussianScene, PosedScene

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PixelWeights:
    """Weights of a pixel of 2 cm by 2 cm: one over the square of the errors expected of it.

    Attributes:
        color: of the colour (0..1 sRGB).
        cover: of whether anybody is there. instance: of whether each person is.
        soft: (2,) colour and cover errors from which on they count less.
    """

    color: float = 0.5
    cover: float = 0.1
    instance: float = 0.2
    soft: tuple[float, float] = (0.1, 0.5)

    @property
    def strength(self) -> Array:
        """(3,) as the kernels take them."""
        return np.array([self.color, self.cover, self.instance], np.float64)


@dataclass(frozen=True)
class PixelTerm:
    """The pictures' part for everybody.

    Attributes:
        scene: the Gaussians.
        targets: pixels of some frames.
        weights: of a pixel's parts.
        frames: (T,) weight of each frame of the capture.
    """

    scene: GaussianScene
    targets: PixelTargets
    weights: PixelWeights
    frames: Array

    def __call__(self, clips: Sequence[PosedClip], equations: Sequence[Equations]) -> float:
        """Add to everybody's equations; the cost, which is added to the first one's."""
        from humanav.multiview import refine_kernels as kernels
        from humanav.render.kernels import KERNEL_LOCK

        targets, people = self.targets, len(clips)
        posed = self.scene.posed(clips, targets.frames, arms=True)
        assert posed.arms is not None
        count = len(targets.frames)
        costs = np.zeros(targets.scale.shape)
        gradient = np.zeros((count, people, kernels.TWISTS))
        curvature = np.zeros((count, people, kernels.TWISTS, kernels.TWISTS))
        scale = targets.scale * self.frames[targets.frames][:, None]
        with KERNEL_LOCK:
            kernels.pose_pass(posed.means, posed.covars, posed.opacity, posed.rgb, posed.owner, posed.bone, posed.share,
                              posed.arms, targets.cameras, targets.table, scale, targets.target, targets.trust,
                              self.weights.strength, np.array(self.weights.soft), EPS2D, costs, gradient, curvature)
        upper = np.triu(np.ones((kernels.TWISTS, kernels.TWISTS), bool), 1)
        for p, (clip, own) in enumerate(zip(clips, equations, strict=True)):
            bent = np.where(upper, curvature[:, p], 0.0)
            bent = bent + np.swapaxes(bent, -1, -2)
            bent[:, range(kernels.TWISTS), range(kernels.TWISTS)] = curvature[
                :, p, range(kernels.TWISTS), range(kernels.TWISTS)]
            chain = twist_chain(clip, targets.frames)
            turned = np.swapaxes(chain, -1, -2)
            own.gradient[targets.frames] += (turned @ gradient[:, p, :, None])[..., 0]
            own.blocks[targets.frames] += turned @ bent @ chain
        total = float(costs.sum())
        equations[0].cost += total
        return total


def twist_chain(clip: PosedClip, frames: NDArray[np.int64]) -> Array:
    """(F,132,69) how the twists of the 22 bones about the pelvis follow from the joints' turns and the pelvis' path.

    Turning joint j by d in its own frame turns what hangs on it by w = G_j d about X_j: a twist (w, w x (o - X_j)).
    """
    from humanav.body.kinematics import cross_matrix

    joints, turns = clip.joints[frames, :BONES], clip.rotations[frames, :BONES]
    below = clip.skeleton.descendants[:BONES, :BONES]
    chain = np.zeros((len(joints), BONES, 6, 3 * BONES + 3))
    arm = -cross_matrix(joints[:, :1] - joints) @ turns  # w x (o - X) = -(o - X) x w
    for joint in range(BONES):
        bones = np.flatnonzero(below[joint])
        columns = slice(3 * joint, 3 * joint + 3)
        chain[:, bones, :3, columns] = turns[:, joint, None]
        chain[:, bones, 3:, columns] = arm[:, joint, None]
    chain[:, :, 3:, 3 * BONES :] = np.eye(3)
    return chain.reshape(len(joints), 6 * BONES, 3 * BONES + 3)


def draw(scene: PosedScene, targets: PixelTargets) -> NDArray[np.float32]:
    """(S,4+P) colour over black, cover and each person's cover at the targets' pixels."""
    from humanav.multiview import refine_kernels as kernels
    from humanav.render.kernels import KERNEL_LOCK

    drawn = np.zeros(targets.target.shape, np.float32)
    with KERNEL_LOCK:
        kernels.draw_pass(scene.means, scene.covars, scene.opacity, scene.rgb, scene.owner, targets.cameras,
                          targets.table, targets.people, EPS2D, drawn)
    return drawn
