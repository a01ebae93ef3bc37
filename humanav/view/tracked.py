"""Pictures of people tracked through a clip: the bodies over its frames, and on the floor of their world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.view.colors import side_color
from humanav.view.composite import for_size, resized
from humanav.view.overlay import bones
from humanav.view.tracked_bodies import SHIFT, Cast, Picture, TrackedBody, draw_bodies, draw_rings
from humanav.view.tracked_world import world_frames

if TYPE_CHECKING:
    from humanav.body import BodyModel

__all__ = ["TrackedBody", "overlay_frames", "side_by_side", "world_frames"]

_QUIET = 0.93  # of the frame's light, behind the bodies
_POINT = 0.3  # a keypoint less sure than this is left out


def overlay_frames(
    frames: Iterable[Any], bodies: Sequence[TrackedBody], camera: Camera | Sequence[Camera], body: BodyModel, *,
    max_height: int = 720, opacity: float = 0.74, points: bool = True, first: int = 0, supersample: int = 2,
) -> Iterator[Picture]:
    """The bodies over the clip's frames as its camera sees them; nearer ones hide farther ones.

    Args:
        frames: uint8 RGB of the camera's size, from frame ``first`` of the clip on.
        bodies: everybody; who is not there in a frame is not drawn.
        camera: that stands still, or one for each frame of the clip.
        body: the body model of all.
        max_height: of the pictures given out.
        opacity: of the bodies over the frames.
        points: draw the keypoints, where there are any.
        first: number of the first of ``frames``.
        supersample: n x n samples a pixel.

    Raises:
        InputError: a frame has no camera.
    """
    cast = Cast(bodies, body)
    for number, frame in enumerate(frames, first):
        if not isinstance(camera, Camera) and number >= len(camera):
            raise InputError(f"There are cameras for {len(camera)} frames only: give one for each frame of the clip.")
        seeing = camera if isinstance(camera, Camera) else camera[number]
        factor = min(1.0, max_height / frame.shape[0])
        size = (max(2, round(frame.shape[1] * factor)), max(2, round(frame.shape[0] * factor)))
        picture = np.clip(resized(np.asarray(frame), size) * np.float32(_QUIET) + 6, 0, 255).astype(np.uint8)
        scaled = for_size(seeing, size)
        present = cast.at(number)
        for one in present:
            draw_rings(picture, one, scaled)
        draw_bodies(picture, present, cast.faces, scaled, opacity, supersample)
        if points:
            for one in present:
                if one.who.keypoints is not None:
                    _draw_points(picture, one.who.keypoints[one.t], one.who.keypoint_set, size[0] / seeing.width)
        yield picture


def side_by_side(
    *rows: Iterable[Picture], gap: int = 6, max_width: int = 1920, labels: Sequence[str] = ()
) -> Iterator[Picture]:
    """Pictures of several rows of frames next to each other, as high as the first row's; such as the original, the
    overlay and the world.

    Args:
        rows: frames of one size each; the shortest row ends it.
        gap: pixels between them.
        max_width: all are made smaller where they would be wider together.
        labels: a few words for each row, written into its top left corner.
    """
    for pictures in zip(*rows, strict=False):
        height = min(len(pictures[0]), int((max_width - gap * (len(pictures) - 1)) / sum(
            p.shape[1] / len(p) for p in pictures)))
        height -= height % 2
        parts: list[Picture] = []
        for k, picture in enumerate(pictures):
            part = resized(picture, (max(2, round(picture.shape[1] * height / len(picture))), height))
            if k < len(labels) and labels[k]:
                part = _labelled(part, labels[k])
            parts += [np.full((height, gap, 3), 255, dtype=np.uint8)] * (k > 0) + [part]
        out = np.concatenate(parts, axis=1)
        yield np.pad(out, ((0, 0), (0, out.shape[1] % 2), (0, 0)), mode="edge")


def _draw_points(picture: Picture, points: NDArray[Any], keypoint_set: str, scale: float) -> None:
    """Bones and joints of one person, thin, in place."""
    import cv2

    from humanav.body.landmarks import KEYPOINT_SETS

    names = KEYPOINT_SETS.get(keypoint_set, tuple(f"point{k}" for k in range(len(points))))
    place = {name: tuple(int(v) for v in np.round((row[:2] * scale - 0.5) * 2**SHIFT))
             for name, row in zip(names, points) if row[2] >= _POINT and np.abs(row[:2]).max() < 30_000}
    stroke = max(1, round(len(picture) / 430))
    for a, b in bones(tuple(names)):
        if a in place and b in place and "eye" not in a + b:
            cv2.line(picture, place[a], place[b], side_color(a, b), stroke, cv2.LINE_AA, SHIFT)
    for name, at in place.items():
        if any(part in name for part in ("eye", "mouth", "ear", "thumb", "index", "pinky")) and "foot" not in name:
            continue
        radius = round(len(picture) / 260 * 2**SHIFT)
        cv2.circle(picture, at, radius + 12, (255, 255, 255), -1, cv2.LINE_AA, SHIFT)
        cv2.circle(picture, at, radius, side_color(name), -1, cv2.LINE_AA, SHIFT)


def _labelled(picture: Picture, words: str) -> Picture:
    from PIL import Image, ImageDraw

    from humanav.view.sheet import label_font

    image = Image.fromarray(picture)
    draw, size = ImageDraw.Draw(image), max(13, len(picture) // 40)
    draw.text((size * 0.8, size * 0.6), words, (255, 255, 255), label_font(size), stroke_width=2,
              stroke_fill=(40, 44, 52))
    return np.asarray(image)
