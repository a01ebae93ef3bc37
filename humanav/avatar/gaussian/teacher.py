"""The synthetic teacher: the avatar so far, its clothes moved by a hidden analytic model, drawn in pose-rich frames.

It plays the part of PERSONA's video network where there is none: labels are exact, and on request its pictures drift
from the person (colour, sharpness, warped texture), as generated ones do, so that what guards against it can be tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Avatar, Floats
from humanav.avatar.gaussian.cloth import ClothModel, looseness_of
from humanav.avatar.gaussian.frames import TrainFrame
from humanav.avatar.gaussian.generators import PoseFrame
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.avatar.views import View
from humanav.camera import Camera
from humanav.render import TexturePyramid, interpolate, rasterize_mesh, render_mesh, vertex_normals

if TYPE_CHECKING:
    from humanav.progress import Progress

_SAMPLES = 2


@dataclass(frozen=True)
class Drift:
    """How far the teacher's pictures stray from the person; 0 everywhere is exact.

    Attributes:
        color: standard deviation of each frame's gain and shift per channel (0.1 is clearly visible).
        blur: pixels of the Gaussian blur, at most, per frame.
        warp: pixels by which the texture wanders inside the outline.
    """

    color: float = 0.0
    blur: float = 0.0
    warp: float = 0.0


@dataclass(frozen=True)
class SyntheticTeacher:
    """A :class:`~humanav.avatar.gaussian.generators.Generator` that needs no network.

    Attributes:
        avatar: the mesh whose clothes it moves, and draws. cloth: how they move; None: by what the avatar wears.
        drift: see there.
        splats: Gaussians on that mesh to draw instead, which learned from the captured frames already: what it shows
            then agrees with them.
    """

    avatar: Avatar
    cloth: ClothModel | None = None
    drift: Drift = Drift()
    splats: GaussianAvatar | None = None
    name: str = "synthetic teacher"

    def generate(
        self, reference: View | None, pose_frames: Sequence[PoseFrame], *, seed: int = 0,
        progress: Progress | None = None,
    ) -> list[TrainFrame]:
        """Draw the frames; ``reference`` is not looked at, since the avatar already wears the photo."""
        texture = TexturePyramid(self.avatar.texture)
        frames = []
        for number, wanted in enumerate(pose_frames):
            if progress is not None:
                progress.update(number / len(pose_frames))
            frames.append(self._frame(wanted, texture, np.random.default_rng([seed, number, 17]), number, seed))
        return frames

    def shape(self, full_pose: Floats, transl: Floats) -> Floats:
        """Posed vertices (V,3), clothes included."""
        cloth = self.cloth or looseness_of(self.avatar)
        moved = self.avatar.vertices + cloth.offsets(self.avatar, full_pose)
        return replace(self.avatar, vertices=moved).pose(full_pose, transl)

    def _splatted(self, splats: GaussianAvatar, wanted: PoseFrame) -> tuple[Floats, Floats, Floats, Floats]:
        cloth = self.cloth or looseness_of(self.avatar)
        corner = cloth.offsets(self.avatar, wanted.full_pose)[self.avatar.faces[splats.anchor]]
        moved = splats.means + np.einsum("nk,nkc->nc", splats.barycentric, corner)
        drawn = replace(splats, means=moved.astype(np.float32)).render(
            wanted.camera, wanted.full_pose, wanted.transl, wanted.expression, refined=False, maps=True)
        assert drawn.depth is not None
        assert drawn.normal is not None
        pure = np.clip(255 * drawn.rgb / np.maximum(drawn.alpha, 0.02)[..., None] + 0.5, 0, 255).astype(np.uint8)
        return _continued(pure, drawn.alpha < 0.25).astype(np.float32) / 255, drawn.alpha, drawn.depth, drawn.normal

    def _frame(
        self, wanted: PoseFrame, texture: TexturePyramid, rng: np.random.Generator, number: int, seed: int
    ) -> TrainFrame:
        if self.splats is None:
            vertices = self.shape(wanted.full_pose, wanted.transl)
            rgb, alpha, depth, normal = draw(self.avatar, vertices, wanted.camera, texture)
        else:
            rgb, alpha, depth, normal = self._splatted(self.splats, wanted)
        drift = self.drift
        if drift.warp > 0:
            rgb = _warped(rgb, drift.warp, rng)
        if drift.blur > 0:
            rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), max(float(rng.uniform(0.3, 1) * drift.blur), 0.05)))
        if drift.color > 0:
            gain, shift = 1 + rng.normal(0, drift.color, 3), rng.normal(0, 0.5 * drift.color, 3)
            rgb = np.clip(rgb * gain + shift, 0, 1)
        provenance = {"generator": self.name, "seed": seed, "frame": number, "drift": asdict(drift)}
        return TrainFrame(rgb.astype(np.float32), alpha, wanted.camera, wanted.full_pose, wanted.transl, "generated",
                          wanted.expression, 1.0, provenance, depth, normal)


def draw(
    avatar: Avatar, vertices: Floats, camera: Camera, texture: TexturePyramid | None = None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Colour (H,W,3) 0..1 continued beyond the edge, alpha, depth (inf outside) and world normals of the mesh."""
    fine = camera.scaled(_SAMPLES)
    faces = avatar.faces.astype(np.int64)
    buffers = rasterize_mesh(vertices, faces, fine)
    rgb, alpha = render_mesh(vertices, faces, camera, texture=texture or avatar.texture, uv=avatar.uv,
                             uv_faces=avatar.uv_faces, unlit=True, background=None, supersample=_SAMPLES,
                             buffers=buffers)
    normal = interpolate(buffers, faces, vertex_normals(vertices, faces))
    cover = buffers.mask.astype(np.float32)
    count = _pooled(cover)
    depth = _pooled(np.where(buffers.mask, buffers.depth, 0)) / np.maximum(count, 1e-6)
    mean = _pooled(normal)
    mean /= np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-9)
    outside = alpha <= 0
    rgb = _continued(rgb, outside)
    return (rgb.astype(np.float32) / 255, alpha.astype(np.float32),
            np.where(count > 0, depth, np.inf).astype(np.float32), mean.astype(np.float32))


def _pooled(fine: NDArray[Any]) -> NDArray[Any]:
    """Mean of each block of samples: (H,W[,C])."""
    height, width = fine.shape[0] // _SAMPLES, fine.shape[1] // _SAMPLES
    return fine.reshape(height, _SAMPLES, width, _SAMPLES, *fine.shape[2:]).mean(axis=(1, 3))


def _continued(rgb: NDArray[np.uint8], outside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    from humanav.avatar.visibility import nearest_fill

    return nearest_fill(rgb, ~outside)[0] if not outside.all() else rgb


def _warped(rgb: Floats, pixels: float, rng: np.random.Generator) -> Floats:
    height, width = rgb.shape[:2]
    coarse = rng.normal(0, 1, (2, max(3, height // 24), max(3, width // 24))).astype(np.float32)
    moved = [cv2.resize(c, (width, height), interpolation=cv2.INTER_CUBIC) * pixels for c in coarse]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.asarray(cv2.remap(rgb, x + moved[0], y + moved[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
