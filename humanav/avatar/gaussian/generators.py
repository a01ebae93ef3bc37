"""Makers of pose-rich training frames behind one interface, the poses they are asked for, and the check of results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from humanav.avatar.avatar import Avatar, Floats
from humanav.avatar.gaussian.frames import TrainFrame
from humanav.avatar.views import View
from humanav.camera import Camera
from humanav.render import silhouette

if TYPE_CHECKING:
    from humanav.progress import Progress

CLIPS = ("dance", "stretch", "walk", "squat", "jumping_jack", "wave", "run")
"""Shipped motions that poses are taken from."""
MIN_IOU = 0.8
LOOSE = 0.5
"""How far clothes move in frames drawn from the mesh: how loose they really are a photo does not say."""


@dataclass(frozen=True)
class PoseFrame:
    """One picture to be generated: the body's exact pose, with the subject's own shape, and the camera.

    Attributes:
        full_pose: (55,3) axis-angle. transl: (3,) metres. expression: (E,) or None.
    """

    full_pose: Floats
    transl: Floats
    camera: Camera
    expression: Floats | None = None


class Generator(Protocol):
    """Makes pictures of the person in ``reference`` in given poses; what it returns is labelled by construction."""

    @property
    def name(self) -> str:
        """What provenance calls it."""
        ...

    def generate(
        self, reference: View, pose_frames: Sequence[PoseFrame], *, seed: int = 0, progress: Progress | None = None
    ) -> list[TrainFrame]:
        """One frame of kind "generated" for each pose frame, in order, with its provenance.

        Raises:
            MissingExtraError: what it needs is not installed; the sentence says how to get it.
            Cancelled: the user stopped the job.
        """
        ...


@dataclass(frozen=True)
class Rejection:
    """A generated frame that was left out.

    Attributes:
        frame: its number. reason: a sentence. provenance: the frame's.
    """

    frame: int
    reason: str
    provenance: dict[str, Any]


def accept(
    frames: Sequence[TrainFrame], avatar: Avatar, minimum: float = MIN_IOU
) -> tuple[list[TrainFrame], list[Rejection]]:
    """Keep the frames whose mask agrees with the posed mesh, and say why the others are left out.

    Args:
        minimum: least intersection over union of the frame's mask and the mesh's silhouette.
    """
    kept, rejected = [], []
    for number, frame in enumerate(frames):
        covered = silhouette(avatar.pose(frame.full_pose, frame.transl), avatar.faces, frame.camera)
        mask = frame.alpha > 0.5
        overlap = float((covered & mask).sum() / max((covered | mask).sum(), 1))
        if overlap >= minimum:
            kept.append(frame)
        else:
            rejected.append(Rejection(number, f"The person in it covers {overlap:.0%} of the body's outline; "
                                              f"{minimum:.0%} is needed.", frame.provenance))
    return kept, rejected


def plan_poses(
    avatar: Avatar, count: int = 32, size: int = 256, *, seed: int = 0, clips: Sequence[str] = CLIPS,
    own_pose: Floats | None = None, pitch: float = 5.0,
) -> list[PoseFrame]:
    """Poses and cameras that show the person moving and from all sides.

    Poses are chosen from the shipped clips so that each differs most from those before it; every third one is
    ``own_pose`` instead, so that a still person is seen from all round as well.

    Args:
        size: of the longer side of the pictures.
        own_pose: (55,3) the pose of the photo.
        pitch: degrees the camera looks down.
    """
    rng = np.random.default_rng([seed, 61])
    own = 0 if own_pose is None else (count + 2) // 3
    moving = iter(varied_poses(clips, count - own))
    start = float(rng.uniform(0, 360))
    transl = np.zeros(3, np.float32)
    frames = []
    for k in range(count):
        pose = np.array(own_pose if own_pose is not None and k % 3 == 0 else next(moving), dtype=np.float32)
        # the golden angle visits all sides evenly, whatever the number
        yaw, tilt = start + 137.50776 * k, pitch + float(rng.uniform(-12, 12))
        frames.append(PoseFrame(pose, transl, frame_camera(avatar, pose, transl, yaw, tilt, size)))
    return frames


def frame_camera(
    avatar: Avatar, full_pose: Floats, transl: Floats, yaw: float, pitch: float, size: int, fill: float = 0.9
) -> Camera:
    """A camera that frames the posed person from a side (degrees; 0 the front) in a picture as wide as they need.

    The longer side has ``size`` pixels; the person fills ``fill`` of it.
    """
    points = avatar.pose(full_pose, transl)
    target = (points.min(axis=0) + points.max(axis=0)) / 2
    focal = 2.0 * size
    camera = Camera.orbit(target, 3.5, yaw, pitch, size, size, focal)
    distance = 3.5
    for _ in range(3):
        pixels, _ = camera.project(points)
        distance *= float((np.abs(pixels - size / 2).max() * 2) / (fill * size))
        camera = Camera.orbit(target, distance, yaw, pitch, size, size, focal)
    pixels, _ = camera.project(points)
    low, high = np.floor(pixels.min(axis=0) - 6).astype(int), np.ceil(pixels.max(axis=0) + 6).astype(int)
    low, high = np.clip(low, 0, size - 1), np.clip(high, 1, size)
    return camera.cropped(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def varied_poses(clips: Sequence[str], count: int) -> list[Floats]:
    """(55,3) poses, each the farthest from those already chosen (by the body joints' axis-angles)."""
    from humanav.motion import load_clip

    pool = np.concatenate([load_clip(name).full_pose[::4] for name in clips]).astype(np.float32)
    place = pool[:, 1:22].reshape(len(pool), -1)
    chosen = [int(np.abs(place).sum(axis=1).argmin())]
    away = np.full(len(pool), np.inf)
    while len(chosen) < min(count, len(pool)):
        away = np.minimum(away, np.linalg.norm(place - place[chosen[-1]], axis=1))
        chosen.append(int(away.argmax()))
    return [pool[chosen[k % len(chosen)]] for k in range(count)]
