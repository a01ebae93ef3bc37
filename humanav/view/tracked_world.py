"""Tracked people on the floor of their world, seen by a camera that stands still and holds their whole way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.render import LIGHT, StageColors, contact_shadow, paint_stage, vertex_areas
from humanav.render.mesh import as_array
from humanav.view.composite import cast_shadow, standing_camera
from humanav.view.tracked_bodies import (
    FEET,
    SHIFT,
    Cast,
    Picture,
    Present,
    TrackedBody,
    draw_bodies,
    draw_disc,
    draw_rings,
)

if TYPE_CHECKING:
    from humanav.body import BodyModel

_SMOOTH = 0.15  # seconds over which the way is smoothed
_LOOKS = 120  # frames from which the view is planned
_PRINT = 0.035  # metres, radius of the print a standing foot leaves
_SHADOW = 0.55


def world_frames(
    bodies: Sequence[TrackedBody], body: BodyModel, *, frames: int | None = None, first: int = 0,
    camera: Camera | None = None, yaw: float = 40.0, pitch: float = 12.0, height: int = 720, width: int | None = None,
    supersample: int = 2, colors: StageColors = LIGHT,
) -> Iterator[Picture]:
    """The people on a floor with a grid in metres: their way, where they stand, and a print of each step.

    Args:
        bodies: everybody.
        body: the body model of all.
        frames: how many pictures, from frame ``first`` of the clip on; by default until the last body ends.
        camera: that saw the clip: angles are then told from it.
        yaw: degrees about the vertical, from the clip's camera towards the right of its picture; without one, 0 sees
            the front of a person who faces +z. 90 is the side, where errors of depth show.
        pitch: degrees from above.
        height, width: of the pictures; by default as wide as the way asks for.
        supersample: n x n samples a pixel.
        colors: of the stage.

    Raises:
        InputError: there is nobody.
    """
    if not bodies:
        raise InputError("There is nobody to draw: give at least one tracked body.")
    ways = [_Way(who, body) for who in bodies]
    count = max(who.stop for who in bodies) - first if frames is None else frames
    if camera is not None:
        forward = camera.R[2]
        yaw = float(np.degrees(np.arctan2(-forward[0], -forward[2]))) + yaw
    points = np.concatenate([way.extent for way in ways])
    width = width or _width(points, yaw, height)
    seeing = standing_camera(points, (width, height), yaw, pitch)
    middle = np.array([*(points[:, [0, 2]].min(axis=0) + points[:, [0, 2]].max(axis=0))]) / 2
    center = np.array([middle[0], 0.0, middle[1]])
    reach = max(3.2, 0.9 * float(np.linalg.norm(np.ptp(points[:, [0, 2]], axis=0))))
    floor = paint_stage(seeing, center, colors=colors, reach=reach)
    _scale_bar(floor, seeing, points, yaw)
    for way in ways:
        way.draw_whole(floor, seeing)
    cast = Cast(bodies, body)
    areas = [vertex_areas(as_array(body.rest(who.motion.betas[: body.num_betas])[0], np.float64), cast.faces)
             for who in bodies]
    for number in range(first, first + count):
        present = cast.at(number)
        for one in present:
            ways[_index(bodies, one.who)].draw_step(floor, seeing, one)
        picture = floor
        for one in present:
            pelvis = one.joints[0]
            shade = contact_shadow(one.vertices, areas[_index(bodies, one.who)], pelvis, strength=_SHADOW)
            picture = cast_shadow(picture, shade, seeing, pelvis)
        picture = picture.copy() if picture is floor else picture
        for one in present:
            draw_rings(picture, one, seeing)
        draw_bodies(picture, present, cast.faces, seeing, 1.0, supersample)
        yield picture


def _index(bodies: Sequence[TrackedBody], who: TrackedBody) -> int:
    return next(k for k, body in enumerate(bodies) if body is who)


class _Way:
    """Where one person goes: the way on the floor, and the space it needs."""

    def __init__(self, who: TrackedBody, body: BodyModel) -> None:
        from scipy.ndimage import gaussian_filter1d

        self.who = who
        step = max(1, len(who.motion) // _LOOKS)
        joints = as_array(body.from_motion(who.motion, vertices=False).joints, np.float64)
        low, high = joints[::step].min(axis=1) - 0.12, joints[::step].max(axis=1) + 0.12
        corners = [np.where(np.array([a, b, c]), high, low) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
        ground = np.concatenate([low, high])
        ground[:, 1] = 0
        self.extent = np.concatenate([*corners, ground])
        self.path = gaussian_filter1d(joints[:, 0], max(_SMOOTH * who.motion.fps, 1e-3), axis=0, mode="nearest")
        self.path[:, 1] = 0

    def draw_whole(self, floor: Picture, camera: Camera) -> None:
        """The whole way, faint."""
        for k in range(1, len(self.path)):
            self._line(floor, camera, k, 0.3)

    def draw_step(self, floor: Picture, camera: Camera, one: Present) -> None:
        """The part that was gone since the frame before, and the prints of feet that stand."""
        if one.t:
            self._line(floor, camera, one.t, 1.0)
        if one.who.contacts is None:
            return
        for (ankle, ball, color), stands in zip(FEET, one.who.contacts[one.t]):
            if stands:
                place = (one.joints[JOINT_INDEX[ankle]] + one.joints[JOINT_INDEX[ball]]) / 2
                draw_disc(floor, camera, place, _PRINT, color, 0, fill=0.6)

    def _line(self, floor: Picture, camera: Camera, k: int, strength: float) -> None:
        import cv2

        (a, b), depth = camera.project(self.path[k - 1:k + 1])
        if depth.min() < 0.1:
            return
        color = np.array(self.who.color) * strength + 215 * (1 - strength)
        ends = [tuple(int(v) for v in np.round((p - 0.5) * 2**SHIFT)) for p in (a, b)]
        cv2.line(floor, ends[0], ends[1], color.tolist(), max(1, round(len(floor) / 300)), cv2.LINE_AA, SHIFT)


def _width(points: NDArray[np.float64], yaw: float, height: int) -> int:
    """As wide as what is to be seen, between tall and three by two."""
    turn = np.radians(yaw)
    across = np.ptp(points[:, [0, 2]] @ (np.cos(turn), -np.sin(turn)))
    ratio = float(np.clip(across / max(np.ptp(points[:, 1]) * 1.15, 0.1), 0.62, 1.5))
    return round(height * ratio / 2) * 2


def _scale_bar(floor: Picture, camera: Camera, points: NDArray[Any], yaw: float) -> None:
    """A bar of one metre on the floor, before the people, with its length."""
    import cv2
    from PIL import Image, ImageDraw

    from humanav.view.sheet import label_font

    turn = np.radians(yaw)
    right, near = np.array([np.cos(turn), 0, -np.sin(turn)]), np.array([np.sin(turn), 0, np.cos(turn)])
    middle = (points @ right).mean()
    place = right * (middle - 0.5) + near * ((points @ near).max() + 0.12)
    ends = np.array([place, place + right])
    pixels, depth = camera.project(ends)
    if depth.min() < 0.1 or not ((pixels > 4) & (pixels < np.array(floor.shape[1::-1]) - 4)).all():
        return
    stroke, ink = max(1, round(len(floor) / 600)), (142, 149, 160)
    a, b = ([int(v) for v in np.round((p - 0.5) * 2**SHIFT)] for p in pixels)
    cv2.line(floor, a, b, ink, stroke, cv2.LINE_AA, SHIFT)
    tick = round(len(floor) / 160) * 2**SHIFT
    for x, y in (a, b):
        cv2.line(floor, (x, y - tick), (x, y + tick), ink, stroke, cv2.LINE_AA, SHIFT)
    image = Image.fromarray(floor)
    size = max(11, round(len(floor) / 45))
    ImageDraw.Draw(image).text((float(pixels[:, 0].mean()), float(pixels[:, 1].mean()) + size * 0.9), "1 m", ink,
                               label_font(size), anchor="mm")
    floor[:] = np.asarray(image)
