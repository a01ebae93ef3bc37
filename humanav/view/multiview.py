"""Pictures of a capture: everybody's body over every view, and where bodies touch or go into each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.render import rasterize_mesh
from humanav.render.mesh import as_array
from humanav.view.colors import person_color
from humanav.view.composite import for_size, resized
from humanav.view.tracked import overlay_frames
from humanav.view.tracked_bodies import Picture, Present, TrackedBody, draw_bodies

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.multiview.value import Fitted, Matched, Pictures, Rig, Sightings

TOUCH, INSIDE = (255, 214, 10), (214, 30, 60)
"""Skin nearer than 2 cm to another person's, and skin inside another person."""
_SHINE = 0.8  # of a contact's own colour, through whatever lies before it
_ROOM = 0.12  # round people in a close picture, of their size
_SAMPLES = 2


@dataclass(frozen=True)
class Touching:
    """Where the people of one frame meet.

    Attributes:
        frame: its number.
        depth_mm: of the deepest vertex, over all pairs.
        near, inside: for each person (V,): skin close to another's, and skin inside another.
    """

    frame: int
    depth_mm: float
    near: tuple[NDArray[np.bool_], ...]
    inside: tuple[NDArray[np.bool_], ...]


def view_frames(
    pictures: Iterable[Any], fitted: Fitted, matched: Matched | None, sightings: Sightings | None, camera: Camera,
    view: int, body: BodyModel, *, max_height: int = 640, first: int = 0,
) -> Iterator[Picture]:
    """Everybody's body over the pictures of one view, with the keypoints that were matched to them.

    Args:
        pictures: uint8 RGB of the view, from frame ``first`` of the capture on; of any size.
        fitted: the people.
        matched, sightings: whose keypoints are drawn; either may be None.
        camera: of the view.
        view: its number.
        body: the body model of all.
        max_height: of the pictures given out.
    """
    return overlay_frames(pictures, view_bodies(fitted, matched, sightings, view), camera, body, max_height=max_height,
                          first=first)


def view_bodies(
    fitted: Fitted, matched: Matched | None, sightings: Sightings | None, view: int
) -> list[TrackedBody]:
    """Everybody as one view's pictures take them."""
    chosen = {} if matched is None else {person.person_id: person.chosen for person in matched.people}
    bodies = []
    for person in fitted.people:
        points = None
        if sightings is not None and person.person_id in chosen:
            place = chosen[person.person_id][:, view]
            points = sightings.keypoints[np.arange(len(place)), view, np.maximum(place, 0)].copy()
            points[place < 0, :, 2] = 0
        bodies.append(TrackedBody(person.motion, 0, points, sightings.keypoint_set if sightings else "coco17",
                                  person_color(person.person_id), person.seen.astype(np.float64)))
    return bodies


def posed(fitted: Fitted, frame: int, body: BodyModel) -> list[Present]:
    """Everybody of one frame who is there."""
    found = []
    for who, person in zip(view_bodies(fitted, None, None, 0), fitted.people):
        if person.seen[frame]:
            out = body.from_motion(person.motion, slice(frame, frame + 1))
            found.append(Present(who, frame, as_array(out.vertices, np.float64)[0],
                                 as_array(out.joints, np.float64)[0]))
    return found


def touching(present: Sequence[Present], faces: NDArray[Any], frame: int) -> Touching:
    """Where people meet: every pair of them is looked at."""
    from humanav.multiview.contact import penetration

    near = [np.zeros(len(one.vertices), np.bool_) for one in present]
    inside = [flags.copy() for flags in near]
    deepest = 0.0
    for a in range(len(present)):
        for b in range(a + 1, len(present)):
            met = penetration(present[a].vertices, present[b].vertices, faces, volume=False)
            deepest = max(deepest, met.depth_mm)
            near[a] |= met.contact_a
            near[b] |= met.contact_b
            inside[a] |= met.inside_a
            inside[b] |= met.inside_b
    return Touching(frame, deepest, tuple(near), tuple(inside))


def contact_picture(
    picture: Picture, present: Sequence[Present], met: Touching, faces: NDArray[Any], camera: Camera, *,
    window: tuple[int, int, int, int] | None = None, height: int = 480, opacity: float = 0.62,
) -> Picture:
    """A close look at people who touch: their bodies over the picture, and through them, in yellow, skin nearer than
    2 cm to another person's and, in red, skin inside another person.

    Args:
        picture: uint8 RGB of the view, of any size.
        present: who is there.
        met: what :func:`touching` found for them.
        faces: (F,3) of the bodies.
        camera: of the view.
        window: left, top, right, bottom in the camera's pixels of the part to show; by default all.
        height: of the picture given out.
        opacity: of the bodies.
    """
    left, top, right, bottom = window or (0, 0, camera.width, camera.height)
    factor = picture.shape[1] / camera.width
    rows, columns = (slice(round(a * factor), max(round(b * factor), round(a * factor) + 2))
                     for a, b in ((top, bottom), (left, right)))
    size = (max(2, round(height * (right - left) / (bottom - top))), height)
    out = np.clip(resized(np.ascontiguousarray(picture[rows, columns]), size) * np.float32(0.93) + 6, 0, 255)
    out = out.astype(np.uint8)
    close = for_size(camera.cropped(left, top, right - left, bottom - top), size)
    draw_bodies(out, present, as_array(faces, np.int64), close, opacity, _SAMPLES)
    for flags, color in ((met.near, TOUCH), (met.inside, INSIDE)):
        _shine(out, present, flags, as_array(faces, np.int64), close, color)
    return out


def close_window(present: Sequence[Present], camera: Camera, shape: float = 0.8) -> tuple[int, int, int, int] | None:
    """The part of a view that shows these people with room round them, ``shape`` times as wide as high where the
    picture allows it; None where none of them is in the picture."""
    if not present:
        return None
    pixels, depth = camera.project(np.concatenate([one.vertices[::20] for one in present]))
    pixels = pixels[depth > 0.1]
    inside = ((pixels >= 0) & (pixels <= (camera.width, camera.height))).all(axis=1)
    if inside.sum() < 0.2 * len(inside) or not len(inside):
        return None
    low, high = pixels[inside].min(axis=0), pixels[inside].max(axis=0)
    room = _ROOM * float((high - low).max())
    tall = float(high[1] - low[1]) + 2 * room
    wide = max(float(high[0] - low[0]) + 2 * room, shape * tall)
    tall = min(max(tall, wide / shape), camera.height)
    wide = min(shape * tall, camera.width)
    middle = (low + high) / 2
    left = int(np.clip(middle[0] - wide / 2, 0, camera.width - wide))
    top = int(np.clip(middle[1] - tall / 2, 0, camera.height - tall))
    return left, top, left + max(int(wide), 2), top + max(int(tall), 2)


def identity_picture(
    picture: Picture, points: Sequence[NDArray[Any]], keypoint_set: str, owners: Sequence[str | None], *,
    height: int = 480, least: float = 0.2,
) -> Picture:
    """One view with every detection's skeleton in the colour of the person that it was taken for.

    Args:
        picture: uint8 RGB of the view, in whose pixels the points are.
        points: (K,3) of each detection.
        keypoint_set: their layout.
        owners: id of each detection's person, None (grey) for nobody.
        height: of the picture given out; the part that shows people is cut out.
        least: confidence of a point that is drawn.
    """
    from PIL import Image, ImageDraw

    from humanav.body.landmarks import KEYPOINT_SETS
    from humanav.view.overlay import bones
    from humanav.view.sheet import label_font

    left, top, right, bottom = _people_window(points, picture.shape[1], picture.shape[0], least)
    size = (max(2, round(height * (right - left) / (bottom - top))), height)
    image = Image.fromarray(resized(np.ascontiguousarray(picture[top:bottom, left:right]), size))
    image = Image.eval(image, lambda value: round(0.8 * value))
    draw, factor = ImageDraw.Draw(image), height / (bottom - top)
    names, wide, font = KEYPOINT_SETS[keypoint_set], max(2, height // 130), label_font(max(13, height // 30))
    labels = []
    for detection, owner in zip(points, owners):
        color = (150, 154, 160) if owner is None else person_color(owner)
        at = {name: tuple((row[:2] - (left, top)) * factor) for name, row in zip(names, detection) if row[2] >= least}
        for a, b in bones(names):
            if a in at and b in at and "eye" not in a + b:
                draw.line([at[a], at[b]], color, wide)
        for name, (x, y) in at.items():
            if not any(part in name for part in ("eye", "mouth", "ear", "thumb", "index", "pinky")) or "foot" in name:
                draw.ellipse((x - wide, y - wide, x + wide, y + wide), fill=color, outline=(255, 255, 255))
        if at and owner is not None:
            labels.append((min(y for _, y in at.values()), float(np.mean([x for x, _ in at.values()])), owner, color))
    low = 0.0
    for y, x, owner, color in sorted(labels):
        low = max(low + font.size * 1.5, y - 2 * font.size, font.size)
        box = draw.textbbox((x, low), f"person {owner}", font, anchor="mm")
        draw.rectangle((box[0] - 6, box[1] - 3, box[2] + 6, box[3] + 4), fill=color)
        draw.text((x, low), f"person {owner}", (255, 255, 255), font, anchor="mm")
    return np.asarray(image)


def contact_row(
    pictures: Pictures, fitted: Fitted, rig: Rig, frame: int, body: BodyModel, *,
    windows: Sequence[tuple[int, int, int, int] | None] | None = None, height: int = 480, most: int = 4,
) -> tuple[Picture, Touching, list[tuple[int, int, int, int] | None]]:
    """People of one frame who touch, as up to ``most`` views see them, beside each other.

    Args:
        windows: parts of the views to show, as an earlier call gave them, so that two rows can be compared.

    Returns:
        The row, where they touch, and the part of each view that is shown (None: it is left out).
    """
    present, faces = posed(fitted, frame, body), as_array(body.faces, np.int64)
    met = touching(present, faces, frame)
    if windows is None:
        found = [close_window(present, camera) for camera in rig.cameras]
        shown = [k for k, window in enumerate(found) if window is not None][:most]
        windows = [window if k in shown else None for k, window in enumerate(found)]
    parts = [contact_picture(pictures.frame(k, frame), present, met, faces, rig.cameras[k], window=window,
                             height=height) for k, window in enumerate(windows) if window is not None]
    if not parts:
        parts = [np.full((height, height, 3), 245, np.uint8)]
    gap = np.full((height, 6, 3), 255, np.uint8)
    joined = [piece for k, part in enumerate(parts) for piece in ([gap, part] if k else [part])]
    return np.concatenate(joined, axis=1), met, list(windows)


def _people_window(points: Sequence[NDArray[Any]], width: int, height: int, least: float) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of a picture that shows everybody, with room round them."""
    known = [detection[detection[:, 2] >= least, :2] for detection in points]
    every = np.concatenate(known) if known else np.zeros((0, 2))
    if len(every) < 2:
        return 0, 0, width, height
    low, high = every.min(axis=0), every.max(axis=0)
    room = 0.2 * float((high - low).max()) + 4
    left, top = (int(max(v, 0)) for v in low - room)
    right, bottom = int(min(high[0] + room, width)), int(min(high[1] + room, height))
    return (left, top, right, bottom) if right - left > 8 and bottom - top > 8 else (0, 0, width, height)


def _shine(
    picture: Picture, present: Sequence[Present], flags: Sequence[NDArray[np.bool_]], faces: NDArray[np.int64],
    camera: Camera, color: tuple[int, int, int],
) -> None:
    """Tint, in place, the faces whose vertices are all flagged, whatever lies before them."""
    vertices, chosen, count = [], [], 0
    for one, flag in zip(present, flags):
        own = faces[flag[faces].all(axis=1)]
        if len(own):
            vertices.append(one.vertices)
            chosen.append(own + count)
            count += len(one.vertices)
    if not chosen:
        return
    buffers = rasterize_mesh(np.concatenate(vertices), np.concatenate(chosen), camera.scaled(_SAMPLES))
    cover = buffers.mask.astype(np.float32)[: camera.height * _SAMPLES, : camera.width * _SAMPLES]
    cover = cover.reshape(camera.height, _SAMPLES, camera.width, _SAMPLES).mean(axis=(1, 3))[..., None] * _SHINE
    picture[:] = (picture + cover * (np.array(color, np.float32) - picture) + 0.5).astype(np.uint8)
