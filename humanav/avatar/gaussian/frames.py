"""Training frames: pictures of the person with the body that is in them, real or generated, and their fair sampling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Floats
from humanav.avatar.views import View
from humanav.avatar.visibility import without_halo
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import Motion

Kind = Literal["captured", "generated"]
_MARGIN = 0.06


@dataclass(frozen=True)
class TrainFrame:
    """One picture the avatar is to reproduce.

    Attributes:
        image: (H,W,3) float32 sRGB 0..1, the person's own colour up to the edge (no background mixed in).
        alpha: (H,W) float32, how much of each pixel the person covers.
        camera: of ``image``.
        full_pose: (55,3) axis-angle. transl: (3,). expression: (E,) or None.
        kind: "captured" by a real camera, or "generated".
        weight: trust against other frames of its kind.
        provenance: where it comes from (model, seed, frame number, ...).
        depth: (H,W) metres, inf where nothing is, and normal: (H,W,3) unit in the world; where known.
    """

    image: Floats
    alpha: Floats
    camera: Camera
    full_pose: Floats
    transl: Floats
    kind: Kind
    expression: Floats | None = None
    weight: float = 1.0
    provenance: dict[str, Any] = field(default_factory=dict)
    depth: Floats | None = None
    normal: Floats | None = None

    def __post_init__(self) -> None:
        shape = (self.camera.height, self.camera.width)
        if self.image.shape != (*shape, 3) or self.alpha.shape != shape:
            raise InputError("A training frame's picture, mask and camera must have the same size.")
        if self.full_pose.shape != (55, 3) or self.transl.shape != (3,):
            raise InputError("A training frame needs the pose (55,3) and the translation (3,) of the body in it.")
        if not all(np.isfinite(a).all() for a in (self.image, self.alpha, self.full_pose, self.transl)):
            raise InputError("A training frame holds NaN or infinite numbers.")
        if not (self.alpha > 0.5).any():
            raise InputError("A training frame's mask is empty: there is nobody to learn from in it.")

    def halved(self) -> TrainFrame:
        """The frame at half its size."""
        camera = resized(self.camera, max(1, self.camera.width // 2), max(1, self.camera.height // 2))
        size = (camera.width, camera.height)
        changed: dict[str, Any] = {name: np.asarray(cv2.resize(getattr(self, name), size, interpolation=cv2.INTER_AREA))
                                   for name in ("image", "alpha")}
        for name in ("depth", "normal"):
            if getattr(self, name) is not None:
                changed[name] = np.asarray(cv2.resize(getattr(self, name), size, interpolation=cv2.INTER_NEAREST))
        return replace(self, camera=camera, **changed)


def captured_frame(view: View, size: int = 512, **provenance: Any) -> TrainFrame:
    """A photo as a training frame: cropped to the person, scaled so that its longer side has ``size`` pixels.

    Raises:
        InputError: an empty cut-out, or sizes that do not agree.
    """
    image, alpha = np.asarray(view.image), np.asarray(view.alpha, dtype=np.float32)
    if alpha.shape != image.shape[:2] or (view.camera.width, view.camera.height) != (image.shape[1], image.shape[0]):
        raise InputError("A view's picture, cut-out and camera must have the same size.")
    if not (alpha > 0.5).any():
        raise InputError("The cut-out shows no person: there is nothing to learn from. Try another photo.")
    rows, columns = np.nonzero(alpha > 0.5)
    margin = round(_MARGIN * max(np.ptp(rows), np.ptp(columns))) + 4
    left, top = max(0, int(columns.min()) - margin), max(0, int(rows.min()) - margin)
    right = min(alpha.shape[1], int(columns.max()) + margin + 1)
    bottom = min(alpha.shape[0], int(rows.max()) + margin + 1)
    height = max(int(np.ptp(rows)), 200)
    # at a soft edge the photo shows a mixture with the background: continue the colour from inside
    clean: NDArray[Any] = without_halo(image, alpha, max(1.2, 2.5 * height / 1000))[top:bottom, left:right]
    camera = view.camera.cropped(left, top, right - left, bottom - top)
    factor = min(1.0, size / max(clean.shape[:2]))
    cut = np.ascontiguousarray(alpha[top:bottom, left:right])
    if factor < 1:
        camera = resized(camera, max(1, round(camera.width * factor)), max(1, round(camera.height * factor)))
        size_now = (camera.width, camera.height)
        clean, cut = (np.asarray(cv2.resize(x, size_now, interpolation=cv2.INTER_AREA)) for x in (clean, cut))
    return TrainFrame(
        np.asarray(clean, dtype=np.float32) / 255, np.asarray(cut, dtype=np.float32), camera,
        np.asarray(view.motion.full_pose[0], dtype=np.float32), np.asarray(view.motion.transl[0], dtype=np.float32),
        "captured", np.asarray(view.motion.expression[0], dtype=np.float32), view.weight, dict(provenance))


def captured(views: Sequence[View], size: int = 512) -> list[TrainFrame]:
    """One photo, several photos, or frames of a tracked clip, as training frames; see :func:`captured_frame`.

    Their expressions are counted from the first view's, which the mesh wears.
    """
    if not views:
        raise InputError("There is no picture of the person to learn from.")
    frames = [captured_frame(view, size, number=k) for k, view in enumerate(views)]
    worn = frames[0].expression
    assert worn is not None
    return [replace(frame, expression=None if frame.expression is None else frame.expression - worn)
            for frame in frames]


def clip_views(
    images: Sequence[NDArray[np.uint8]], alphas: Sequence[Floats], camera: Camera | Sequence[Camera], motion: Motion,
) -> list[View]:
    """Frames of a tracked clip as views; give the same number of pictures, cut-outs and frames of motion.

    Raises:
        InputError: the numbers differ.
    """
    cameras = [camera] * len(images) if isinstance(camera, Camera) else list(camera)
    if not len(images) == len(alphas) == len(cameras) == len(motion):
        raise InputError(f"The clip has {len(images)} pictures, {len(alphas)} cut-outs, {len(cameras)} cameras and "
                         f"{len(motion)} poses: one of each is needed for every frame.")
    return [View(image, alpha, own, motion[k:k + 1])
            for k, (image, alpha, own) in enumerate(zip(images, alphas, cameras))]


def resized(camera: Camera, width: int, height: int) -> Camera:
    """The camera for its picture resized to exactly width x height pixels."""
    K = camera.K.copy()
    K[0] *= width / camera.width
    K[1] *= height / camera.height
    return replace(camera, K=K, width=width, height=height)


class FrameSampler:
    """Which frame each step learns from; the same seed gives the same order.

    Balanced (PERSONA): a captured frame with probability one half when there is one, and n of them with probability
    1 - 1 / (2 sqrt(n)): the more they show, the less is left to imagine. Otherwise every frame is as likely as any
    other. Within a kind a frame comes as often as its weight says.
    """

    def __init__(self, frames: Sequence[TrainFrame], balanced: bool = True, seed: int = 0) -> None:
        if not frames:
            raise InputError("There is no frame to train on.")
        self.frames = list(frames)
        kind = np.array([frame.kind == "captured" for frame in frames])
        share = np.array([max(frame.weight, 0.0) for frame in frames], dtype=np.float64)
        if balanced and kind.any() and not kind.all():
            imagined = 0.5 / kind.sum() ** 0.5
            for own, part in ((kind, 1 - imagined), (~kind, imagined)):
                share[own] *= part / max(share[own].sum(), 1e-12)
        if not share.sum() > 0:
            raise InputError("All training frames have weight 0.")
        self.probability = share / share.sum()
        self._seed = seed

    def order(self, start: int, count: int) -> Iterator[int]:
        """Indices of the frames of steps start..start+count: each block of 64 steps keeps the shares exactly."""
        for step in range(start, start + count):
            block, place = divmod(step, 64)
            rng = np.random.default_rng([self._seed, block])
            # systematic sampling: one random start, equal steps, shuffled
            points = (rng.random() + np.arange(64)) / 64
            chosen = np.searchsorted(np.cumsum(self.probability), points * (1 - 1e-12))
            yield int(min(rng.permutation(chosen)[place], len(self.frames) - 1))
