"""One photo of the person as the bake sees it: cropped, scaled to a working size, with the pose it was fitted in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Floats, blended, joint_transforms
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import Motion

WORK_HEIGHT = 1000
MAX_HEIGHT = 3200
"""Pixels of the person's box: guards and fills work at the first size, visible texels are read at up to the second."""


@dataclass(frozen=True)
class View:
    """One picture of the person and how it was taken.

    Attributes:
        image: (H,W,3) uint8 RGB.
        alpha: (H,W) 0..1, 1 = person.
        camera: the camera of ``image``.
        motion: the person's pose in it (its first frame), as fitted.
        weight: trust in this picture against the others (an inpainted or generated view gets less than 1).
    """

    image: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    camera: Camera
    motion: Motion
    weight: float = 1.0


@dataclass
class Frame:
    """A view cropped to the person and prepared.

    Attributes:
        image, alpha: the crop at full resolution, ``camera`` its camera.
        small, small_alpha, small_camera: the same at the working size; ``scale`` = small / full.
        rotation, offset: joint transforms of the pose, translation included.
        height: of the person in working pixels.
        border: (h,w) working pixels close to the photo's own border.
        shift: (V,3) world displacement that registers the posed surface to this photo, or None.
    """

    image: NDArray[np.uint8]
    alpha: Floats
    camera: Camera
    small: NDArray[np.uint8]
    small_alpha: Floats
    small_camera: Camera
    scale: float
    rotation: Floats
    offset: Floats
    height: float
    border: NDArray[np.bool_]
    weight: float
    shift: Floats | None = None

    def posed(self, vertices: Floats, index: NDArray[Any], weight: Floats) -> Floats:
        """World positions (V,3) of rest vertices in this view's pose, registered to the photo."""
        matrix, shift = blended(self.rotation, self.offset, index, weight)
        posed = np.einsum("vab,vb->va", matrix, vertices) + shift
        return posed if self.shift is None else posed + self.shift[: len(posed)]


def prepare(view: View, joints: Floats, parents: tuple[int, ...]) -> Frame:
    """Crop and scale a view.

    Raises:
        InputError: image, alpha and camera differ in size, or alpha shows no person.
    """
    image, alpha = np.asarray(view.image), np.asarray(view.alpha, dtype=np.float32)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError("A view needs an RGB picture of bytes (height, width, 3).")
    if alpha.shape != image.shape[:2] or (view.camera.width, view.camera.height) != (image.shape[1], image.shape[0]):
        raise InputError("A view's picture, cut-out and camera must have the same size.")
    if not np.isfinite(alpha).all():
        raise InputError("The cut-out holds NaN or infinite numbers.")
    ys, xs = np.nonzero(alpha > 0.5)
    if len(xs) < 200:
        raise InputError("The cut-out shows no person: there is nothing to make an avatar from. Try another photo.")
    margin = round(0.08 * max(int(np.ptp(xs)), int(np.ptp(ys)))) + 8
    x0, x1 = max(0, int(xs.min()) - margin), min(alpha.shape[1], int(xs.max()) + margin + 1)
    y0, y1 = max(0, int(ys.min()) - margin), min(alpha.shape[0], int(ys.max()) + margin + 1)
    side = max(x1 - x0, y1 - y0)
    crop_camera = view.camera.cropped(x0, y0, x1 - x0, y1 - y0)
    full, full_alpha, full_camera = _resized(image[y0:y1, x0:x1], alpha[y0:y1, x0:x1], crop_camera,
                                             min(1.0, MAX_HEIGHT / side))
    scale = min(1.0, WORK_HEIGHT / max(full.shape[:2]))
    small, small_alpha, small_camera = _resized(full, full_alpha, full_camera, scale)
    height, width = small_alpha.shape
    border = np.zeros((height, width), dtype=bool)
    edge = 4
    if y0 == 0:
        border[:edge] = True
    if x0 == 0:
        border[:, :edge] = True
    if y1 == alpha.shape[0]:
        border[-edge:] = True
    if x1 == alpha.shape[1]:
        border[:, -edge:] = True
    rotation, offset = joint_transforms(joints, view.motion.full_pose[0], parents)
    return Frame(full, full_alpha, full_camera, small, small_alpha, small_camera, scale, rotation,
                 offset + view.motion.transl[0].astype(np.float32), float(np.ptp(np.nonzero(small_alpha > 0.5)[0])),
                 border, float(view.weight))


def _resized(
    image: NDArray[np.uint8], alpha: Floats, camera: Camera, factor: float
) -> tuple[NDArray[np.uint8], Floats, Camera]:
    if factor >= 1:
        return np.ascontiguousarray(image), np.ascontiguousarray(alpha), camera
    scaled = camera.scaled(factor)
    size = (scaled.width, scaled.height)
    return (np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8),
            np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), dtype=np.float32), scaled)
