"""Gaussians in moving pictures: what the turntable, the animation and the composite need to draw them like a mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.motion import Motion
from humanav.render import LIGHT, StageColors, contact_shadow, paint_stage

if TYPE_CHECKING:
    from humanav.avatar.gaussian import GaussianAvatar, PosedGaussians
    from humanav.body import BodyModel

Frame = NDArray[np.uint8]
Floats = NDArray[np.float32]


class GaussianFigure:
    """A Gaussian avatar that is posed by motions and drawn by cameras.

    Attributes:
        areas: (N,) square metres of surface that each Gaussian stands for: the weights of a contact shadow.
        pelvis: (3,) rest position of the root. height: metres, in the T-pose.
    """

    def __init__(self, avatar: GaussianAvatar, body: BodyModel | None = None) -> None:
        """``body``: whose expressions the motions' are; the built-in body by default."""
        from humanav.avatar.gaussian.sampling import SPREAD

        self.avatar, self._body = avatar, body
        wide = np.sort(avatar.log_scales, axis=1)[:, 1:]
        self.areas: Floats = (np.exp(wide.sum(axis=1)) / SPREAD**2).astype(np.float32)
        self.pelvis = avatar.joints[0].astype(np.float64)
        self.height = float(np.ptp(avatar.means[:, 1]))

    def posed(self, motion: Motion, frame: int) -> PosedGaussians:
        """The Gaussians in a frame of a motion, its expression and what the pose does to the clothes included."""
        expression = motion.expression[frame]
        if np.any(expression) and self._body is None:
            from humanav.body import BodyModel

            self._body = BodyModel.load()
        return self.avatar.pose(motion.full_pose[frame], motion.transl[frame], expression, body=self._body)

    def drawn(self, posed: PosedGaussians, camera: Camera, gain: Any = 1.0) -> tuple[Floats, Floats]:
        """Premultiplied colours (H,W,3) 0..1 and cover (H,W); ``gain`` (N,1) or (N,3) multiplies the colours."""
        import torch

        from humanav.avatar.gaussian.value import EPS2D
        from humanav.render import rasterize

        shown = np.asarray(self.avatar.rgb * gain, dtype=np.float32).clip(0, 1)
        with torch.no_grad():
            image, alpha, _ = rasterize(
                torch.from_numpy(posed.means), None, None, torch.from_numpy(np.array(posed.opacities)),
                torch.from_numpy(shown), camera.viewmat, camera.K, camera.width, camera.height,
                covars=torch.from_numpy(posed.covars), eps2d=EPS2D)
        return image.numpy(), alpha.numpy()


class StagePainter:
    """Draws a Gaussian avatar on the stage of :mod:`humanav.view.turntable`."""

    def __init__(self, avatar: GaussianAvatar, colors: StageColors = LIGHT) -> None:
        self.figure, self.colors = GaussianFigure(avatar), colors
        self.pelvis, self.height = self.figure.pelvis, self.figure.height

    def posed(self, motion: Motion, frame: int) -> PosedGaussians:
        return self.figure.posed(motion, frame)

    def points(self, posed: PosedGaussians) -> NDArray[np.float64]:
        """(N,3) places in the world."""
        return posed.means.astype(np.float64)

    def frame(self, posed: PosedGaussians, camera: Camera, center: NDArray[Any], floor: float) -> Frame:
        shadow = contact_shadow(posed.means, self.figure.areas, center, floor)
        stage = paint_stage(camera, center, floor, shadow, self.colors)
        rgb, alpha = self.figure.drawn(posed, camera)
        return np.asarray((255 * rgb + (1 - alpha)[..., None] * stage + 0.5).clip(0, 255), dtype=np.uint8)
