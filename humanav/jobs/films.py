"""The videos of an avatar, mesh or Gaussians: a motion, and a walk once round it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import ResultWriter

if TYPE_CHECKING:
    from humanav.avatar import Avatar
    from humanav.avatar.gaussian import GaussianAvatar

VIDEO_SECONDS, VIDEO_FPS = 5.0, 20.0
TURNTABLE_SECONDS, TURNTABLE_FPS = 4.0, 15.0
OPENS_MP4 = "every browser and phone"


def film_motion(
    writer: ResultWriter, avatar: Avatar | GaussianAvatar, motion: Motion, progress: Progress,
    share: tuple[float, float], name: str = "animation.mp4", who: str = "",
) -> None:
    """Write a video of a motion's first seconds.

    Args:
        motion: on the avatar's own body.
        share: the part of the present stage that this takes.
        name: of the file. who: who moves, put into its description.
    """
    from humanav.export import write_mp4
    from humanav.motion import resample
    from humanav.view import animation_frames

    video = resample(motion[: max(1, round(VIDEO_SECONDS * motion.fps))], VIDEO_FPS)

    def done(count: int) -> None:
        progress.update(share[0] + min(count / len(video), 1.0) * (share[1] - share[0]))

    path = writer.add(name, f"A video of the motion ({motion.name or 'motion'}){who}", OPENS_MP4)
    write_mp4(animation_frames(avatar, video), path, VIDEO_FPS, progress=done)


def film_round(
    writer: ResultWriter, avatar: Avatar | GaussianAvatar, progress: Progress, share: tuple[float, float],
    name: str = "turntable.mp4", who: str = "the avatar",
) -> NDArray[np.uint8]:
    """Write a video that walks once round, and return its front, both sides and back as one picture (H,W,3).

    Args:
        share, name, who: as :func:`film_motion`.
    """
    from humanav.export import write_mp4
    from humanav.view import contact_sheet, turntable

    path = writer.add(name, f"A video that walks once round {who}", OPENS_MP4)
    frames = []
    for frame in turntable(avatar, seconds=TURNTABLE_SECONDS, fps=TURNTABLE_FPS):
        frames.append(frame)
        done = min(len(frames) / (TURNTABLE_SECONDS * TURNTABLE_FPS), 1.0)
        progress.update(share[0] + done * (share[1] - share[0]))
    write_mp4(frames, path, TURNTABLE_FPS)
    quarter = len(frames) / 4
    return contact_sheet([frames[round(k * quarter)] for k in range(4)], columns=2)
