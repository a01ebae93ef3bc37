"""An avatar put into the place of a tracked person, or before a picture: its body, its motion, and the cameras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import ImageError, InputError
from humanav.motion import Motion

if TYPE_CHECKING:
    from humanav.avatar import Avatar
    from humanav.body import BodyModel
    from humanav.camera import Camera
    from humanav.jobs.tracked import TrackedMotion

Picture = NDArray[np.uint8]

BACKGROUNDS = ("none", "original", "plain")
SHAPES = ("avatar", "motion")
PLAIN_SIZE = (960, 720)
MAX_FPS = 30.0
"""Of the videos of motions that come from no clip."""


@dataclass(frozen=True)
class Staged:
    """An avatar that moves before cameras, T frames.

    Attributes:
        avatar: with the shape it is to have.
        motion: in the world, on the floor y = 0.
        cameras: one for each frame, all of the size of the backgrounds.
    """

    avatar: Avatar
    motion: Motion
    cameras: Sequence[Camera]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of what the cameras see."""
        return self.cameras[0].width, self.cameras[0].height


def stage_tracked(tracked: TrackedMotion, avatar: Avatar, body: BodyModel, shape: str) -> Staged:
    """The avatar where the tracked person was.

    Args:
        tracked: T frames.
        avatar: who is to move.
        body: the body model.
        shape: "motion": the avatar takes the tracked person's shape and covers that person. "avatar": it keeps its own;
            the motion is fitted to it, and the world is scaled with its legs: the cameras come nearer by as much as the
            legs are shorter, so that in the picture its feet stand exactly where the person's stood.
    """
    from humanav.view.composite import fitting_size

    wearer, motion, ratio = _dressed(tracked.motion, avatar, body, shape)
    size = fitting_size(*tracked.size)
    cameras = tracked.cameras if tracked.moving else tracked.cameras[:1]
    placed = [_placed(camera, ratio, size) for camera in cameras]
    return Staged(wearer, motion, placed if tracked.moving else placed * len(motion))


def stage_before(
    clip: Motion, avatar: Avatar, body: BodyModel, shape: str, size: tuple[int, int], fps: float = MAX_FPS
) -> Staged:
    """The avatar before a camera of (width, height) pixels that stands still and sees all of a motion from no clip.

    Raises InputError when ``shape`` is "motion" and the motion tells none.
    """
    from humanav.motion import ground, resample
    from humanav.view.composite import standing_camera

    if shape == "motion" and not clip.betas.any():
        raise InputError("This motion tells no body shape: let the avatar keep its own (shape 'avatar').")
    wearer, motion, _ = _dressed(ground(clip, body), avatar, body, shape)
    motion = resample(motion, fps) if motion.fps > fps else motion
    joints = body.from_motion(motion, vertices=False).joints.detach().numpy()
    low, high = joints.min(axis=(0, 1)) - 0.12, joints.max(axis=(0, 1)) + 0.12
    corners = [[x, y, z] for x in (low[0], high[0]) for y in (0.0, high[1]) for z in (low[2], high[2])]
    return Staged(wearer, motion, [standing_camera(corners, size)] * len(motion))


def backdrops(
    staged: Staged, background: str | Path, tracked: TrackedMotion | None, picture: Picture | None
) -> Iterator[Picture]:
    """What is behind each frame, of the cameras' size: the clip without its people, a plain stage, or ``picture``."""
    from humanav.view.composite import cropped_to, plain_backgrounds, resized

    size = staged.size
    if picture is not None:
        return repeat(cropped_to(picture, size), len(staged.motion))
    if background == "plain" or tracked is None:
        middle = staged.motion.transl.mean(axis=0) + staged.avatar.joints[0]
        return plain_backgrounds(staged.cameras, middle)
    if not tracked.moving:
        return repeat(resized(read_picture(tracked.background), size), len(staged.motion))
    return (resized(frame, size) for frame in _frames(tracked.background, tracked))


def originals(tracked: TrackedMotion) -> Iterator[Picture] | None:
    """The frames of the clip in which the person was tracked; None when the track kept no clip."""
    return None if tracked.original is None else _frames(tracked.original, tracked)


def read_picture(path: str | Path) -> Picture:
    """A picture as uint8 RGB (H,W,3), upright. Raises ImageError when there is none that can be read."""
    from PIL import Image, ImageOps

    name = Path(path).name
    try:
        with Image.open(path) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {name} to be the background: name a picture, or 'plain'.") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, ValueError and more
        raise ImageError(f"The background {name} cannot be read: choose a JPEG or PNG picture.") from error


def _dressed(motion: Motion, avatar: Avatar, body: BodyModel, shape: str) -> tuple[Avatar, Motion, float]:
    """Who moves, how, and how many times as long the legs are as those in ``motion``, which stands on the floor."""
    from humanav.avatar.reshape import reshaped, sole_depth
    from humanav.motion import fit_to_shape
    from humanav.motion.shapes import leg_ratio

    if shape == "motion":  # covers the body exactly; soles of shoes may then lie a centimetre too low
        return reshaped(avatar, motion.betas, body), motion, 1.0
    ratio = leg_ratio(body, motion.betas[: body.num_betas], avatar.betas)
    motion = fit_to_shape(motion, body, avatar.betas)
    shoes = np.array([0, sole_depth(avatar, body), 0], dtype=np.float32)
    return avatar, replace(motion, transl=motion.transl + shoes), ratio


def _placed(camera: Camera, ratio: float, size: tuple[int, int]) -> Camera:
    from humanav.view.composite import for_size

    return replace(for_size(camera, size), t=camera.t * ratio)


def _frames(path: Path, tracked: TrackedMotion) -> Iterator[Any]:
    from humanav.perception.video import open_video

    with open_video(path) as video:
        yield from islice(video, tracked.start, tracked.start + len(tracked.motion))
