"""How a camera turns while it films, told by the background beside the people.

A camera that only turns moves the background by a rotation of its rays; where near and far move differently
(parallax), the essential matrix gives the rotation. How far the camera travels the background cannot tell; the
people's standing feet do: :mod:`humanav.track.camera_travel`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.errors import InputError
from humanav.perception.video import Pixels
from humanav.track.background_features import Follower, agreed, disagreement

if TYPE_CHECKING:
    from humanav.progress import Progress
    from humanav.track.ground import Ground

Array = NDArray[np.float64]
Grey = NDArray[np.uint8]
Binary = NDArray[np.bool_]

_SIDE = 640  # pixels of the longer side on which features are followed
_MARGIN = 0.03  # of the longer side round people
_CAMERA_STANDS = 0.35  # share of the features that stay in place under a fixed camera, at least
_TURNED = 0.5  # degrees from its first direction
_MOVES = 0.1  # share of the frames that must be out of place for a camera to count as moving
_UNSURE = 0.15  # a median below this tells nothing


@dataclass(frozen=True)
class CameraPath:
    """Where a camera looks in T frames.

    Attributes:
        R: (T,3,3) from the axes of the first frame's camera (or of the world) to each frame's camera.
        t: (T,3) metres, ``x_cam = R x + t``; None where only the rotation is known.
        sure: (T,) 0..1.
        still: (T,) share of the background's features that are where they were in the frame's key picture.
        keys: (T,) number of each frame's key picture.
        notes: sentences for a visitor.
        parallax: 0..1 share of the frames whose background moves otherwise than by turning the camera.
    """

    R: Array
    t: Array | None
    sure: Array
    still: Array
    keys: NDArray[np.int_]
    notes: tuple[str, ...] = ()
    parallax: float = 0.0

    def __len__(self) -> int:
        return len(self.R)

    @property
    def angles(self) -> Array:
        """Degrees (T,) by which the camera is turned against the first frame."""
        return np.asarray(np.degrees(np.linalg.norm(log_rotation(self.R @ self.R[0].T), axis=1)))

    def in_world(self, ground: Ground) -> CameraPath:
        """The same cameras in the world of a ground that was found in the axes of the first frame's camera."""
        t = np.zeros((len(self), 3)) if self.t is None else self.t
        return replace(self, R=self.R @ ground.R, t=self.R @ ground.t + t)


def camera_motion(
    video: Iterable[Pixels], boxes_of: Callable[[int], Sequence[ArrayLike]] | None, K: ArrayLike, *,
    mask_of: Callable[[int], NDArray[np.float32] | None] | None = None, shots: Sequence[tuple[int, int]] = (),
    every: int = 1, progress: Progress | None = None,
) -> CameraPath:
    """How the camera turns over a clip.

    Args:
        video: the frames, uint8 RGB (H,W,3).
        boxes_of: gives the boxes (x0, y0, x1, y1; pixels) of the people in a frame; what is inside is not looked at.
        K: (3,3) intrinsics for the frames' pixels.
        mask_of: gives a mask (h,w) 0..1 of the people in a frame, of any size over the whole picture, or None.
        shots: first and after-last frame of each shot: after a cut the camera starts anew.
        every: look at every so many-th frame only (and the last); those between are put on the shortest way.
        progress: told of the parts done, where the video's length is known.

    Returns:
        Rotations from the axes of the first frame's camera; ``t`` is None. Where the background tells too little the
        camera is taken to keep its direction, and ``sure`` and the notes say so.

    Raises:
        InputError: no frame, or intrinsics of the wrong shape.
        Cancelled: ``progress`` was told to stop.
    """
    lens = np.asarray(K, dtype=np.float64)
    if lens.shape != (3, 3) or not np.isfinite(lens).all() or lens[0, 0] <= 0:
        raise InputError("The camera's K must be a 3x3 matrix with a positive focal length.")
    total = len(video) if isinstance(video, Sized) else 0
    cuts = {first for first, _ in shots}
    follower: Follower | None = None
    looked: list[int] = []
    number = -1
    for number, frame in enumerate(video):
        if number % every and number not in cuts and number != total - 1:
            continue
        factor = min(1.0, _SIDE / max(frame.shape[:2]))
        if follower is None:
            follower = Follower(np.diag([factor, factor, 1.0]) @ lens)
        picture = _grey(frame, factor)
        hidden = _hidden(picture.shape, frame.shape, None if boxes_of is None else boxes_of(number),
                         None if mask_of is None else mask_of(number))
        follower.look(picture, hidden, number in cuts and number > 0)
        looked.append(number)
        if progress is not None:
            progress.update((number + 1) / total if total else 0.0)
    if follower is None:
        raise InputError("There is no frame in which the camera's motion could be seen.")
    return _path(follower, np.array(looked), number + 1)


def is_moving(path: CameraPath) -> bool:
    """Whether the camera moved rather than stood on a tripod, as far as the background tells."""
    sure = path.sure > 0.3
    if sure.mean() < 0.2:
        return False
    away = (path.still < _CAMERA_STANDS) | (path.angles > _TURNED)
    return bool(away[sure].mean() > _MOVES)


def _path(follower: Follower, looked: NDArray[np.int_], frames: int) -> CameraPath:
    turns = agreed(follower.turns, follower.edges)
    seen = follower.seen
    R = np.stack([s.turn.R @ turns[s.key] for s in seen])
    R = R @ R[0].T
    sure = np.array([s.turn.sure for s in seen])
    if len(seen) > 1:
        sure[0] = sure[1]  # nothing to compare the first one with
    still, keys = np.array([s.still for s in seen]), np.array([s.key for s in seen])
    parallax = float(np.mean([s.turn.parallax for s in seen]))
    index = np.searchsorted(looked, np.arange(frames), side="right") - 1
    if len(looked) < frames:
        after = np.minimum(index + 1, len(looked) - 1)
        part = (np.arange(frames) - looked[index]) / np.maximum(looked[after] - looked[index], 1)
        step = log_rotation(R[after] @ np.swapaxes(R[index], -1, -2))
        R = exp_rotation(step * part[:, None]) @ R[index]
    path = CameraPath(R, None, sure[index], still[index], keys[index], (), parallax)
    if np.median(path.sure) < _UNSURE:
        path = replace(path, R=np.tile(np.eye(3), (frames, 1, 1)))
    return replace(path, notes=(_say(path, follower),))


def _say(path: CameraPath, follower: Follower) -> str:
    counts = [s.turn.count for s in follower.seen[1:]] or [0]
    shares = [s.turn.share for s in follower.seen[1:] if s.turn.count] or [0.0]
    if np.median(path.sure) < _UNSURE:
        return (f"The background shows too little to tell how the camera moves ({int(np.median(counts))} points could "
                "be followed); it was taken to be fixed.")
    certain = "sure" if path.sure.mean() > 0.7 else "fairly sure" if path.sure.mean() > 0.4 else "unsure"
    how = f"{int(np.median(counts))} background points, {100 * np.median(shares):.0f}% of which agree"
    gaps = disagreement(follower)
    how += f", key pictures to {gaps:.1f} degrees" if gaps is not None else ""
    if not is_moving(path):
        return f"The camera stands still ({certain}: {how})."
    return f"The camera turns by up to {path.angles.max():.0f} degrees ({certain}: {how})."


def _grey(frame: Pixels, factor: float) -> Grey:
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    if factor == 1:
        return grey
    return np.asarray(cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _hidden(shape: tuple[int, ...], whole: tuple[int, ...], boxes: Sequence[ArrayLike] | None,
            mask: NDArray[np.float32] | None) -> Binary:
    """(h,w) where people are in a picture that was made smaller, and some way round them."""
    hidden = np.zeros(shape[:2], dtype=np.uint8)
    margin = max(round(_MARGIN * max(shape)), 1)
    if mask is not None:
        people = cv2.resize(np.asarray(mask, dtype=np.float32), (shape[1], shape[0])) > 0.2
        room = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
        hidden = np.asarray(cv2.dilate(people.astype(np.uint8), room), dtype=np.uint8)
    scale = np.array([shape[1] / whole[1], shape[0] / whole[0]] * 2)
    for box in boxes if boxes is not None else ():
        corners = np.asarray(box, dtype=np.float64)[:4] * scale
        if np.isfinite(corners).all():
            x0, y0, x1, y1 = np.clip(corners + [-margin, -margin, margin, margin], 0, None).astype(int)
            hidden[y0:y1 + 1, x0:x1 + 1] = 1
    return np.asarray(hidden, dtype=np.bool_)
