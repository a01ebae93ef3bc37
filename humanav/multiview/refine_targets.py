"""What the pictures and masks say, made small: flat arrays of pixels in crops round the people.

Pictures and masks are shrunk so that a standing person is some tens of pixels high, the lens' distortion is taken out,
and every pixel gets a trust for each of its numbers: nothing is asked of pixels where a bystander stands, not whose
they are where masks of two people overlap, and no cover outside the masks where somebody may stand whose mask is
missing. What lies outside the masks has no colour; in a view without any, colour alone is asked, near the bones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.fit_terms import LEVEL
from humanav.multiview.value import Mask, Matched, Pictures, Rig, Sightings

Array = NDArray[np.float64]

_MARGIN = 0.35  # metres round the joints that a crop shows
_FOOTPRINT = 0.02  # metres: a pixel that shows a square of this side counts as one
_TALL = 1.7  # metres of a standing person, for the size of small pictures
_WHOLE = 0.6  # share of a detection's points that must lie in its mask for it to be believed
_OVERLAP = 0.25  # where two masks say more than this, neither is asked
_HIDES, _CORE = 0.2, 0.07  # metres round the bones of somebody without a mask: that may be, and that surely is them
_BONES = ((0, 12), (12, 15), (16, 17), (1, 2), (16, 18), (18, 20), (17, 19), (19, 21), (1, 4), (4, 7), (2, 5), (5, 8),
          (7, 10), (8, 11))


@dataclass(frozen=True)
class PixelTargets:
    """S pixels of the crops of F frames and V views.

    Attributes:
        frames: (F,) which frames of the capture.
        table: (F,V,5) first pixel, left, top, width, height of each crop in the small picture; width 0 for none.
        scale: (F,V) weight of a pixel: the area it shows, in squares of 2 cm.
        cameras: (V,16) R row by row, t, fx, fy, cx, cy of the small pictures, from the level frame.
        target: (S,4+P) colour, whether anybody is there, whether each person is.
        trust: (S,2+P) of the colour, of anybody, of each person.
        sizes: (V,2) width and height of the small pictures.
    """

    frames: NDArray[np.int64]
    table: NDArray[np.int64]
    scale: Array
    cameras: Array
    target: NDArray[np.float32]
    trust: NDArray[np.float32]
    sizes: NDArray[np.int64]

    @property
    def people(self) -> int:
        """P."""
        return self.target.shape[1] - 4

    def without(self, views: Sequence[int]) -> PixelTargets:
        """The same without some cameras' pixels."""
        table = self.table.copy()
        table[:, list(views), 3:] = 0
        return replace(self, table=table)

    def picture(self, values: NDArray[Any], f: int, v: int) -> NDArray[Any]:
        """The crop (h,w,C) of a frame and view from values of all pixels (S,C)."""
        first, _, _, width, height = self.table[f, v]
        return values[first : first + width * height].reshape(height, width, -1)


@dataclass
class SmallPictures:
    """Pictures of a capture, read once and kept small.

    Attributes:
        pictures: where they come from.
        shapes: (V,2) width and height of the kept pictures.
        kept: those by view and frame.
    """

    pictures: Pictures
    shapes: NDArray[np.int64]
    kept: dict[tuple[int, int], NDArray[np.uint8]] = field(default_factory=dict)

    def get(self, view: int, t: int) -> NDArray[np.uint8]:
        """The small picture (h,w,3)."""
        import cv2

        key = view, t
        if key not in self.kept:
            whole = self.pictures.frame(view, t)
            width, height = (int(side) for side in self.shapes[view])
            shrinks = whole.shape[1] > width
            self.kept[key] = np.asarray(cv2.resize(
                whole, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8)
        return self.kept[key]


def view_factors(rig: Rig, middle: Array, height: float) -> Array:
    """(V,) by how much each view's picture shrinks, at most 1, so that 1.7 m are ``height`` pixels high.

    ``middle`` (3,) is where people are about, level frame.
    """
    out = []
    for camera in rig.cameras:
        depth = max(float(camera.to_camera(LEVEL @ middle)[2]), 0.3)
        out.append(min(1.0, height / (camera.focal * _TALL / depth)))
    return np.array(out)


def small_pictures(rig: Rig, pictures: Pictures, middle: Array, height: float) -> SmallPictures:
    """Keep pictures at a size at which people are ``height`` pixels high."""
    sizes = np.array([(camera.width, camera.height) for camera in rig.cameras])
    shapes = np.maximum(1, np.round(sizes * view_factors(rig, middle, height)[:, None])).astype(int)
    return SmallPictures(pictures, shapes)


def pixel_targets(
    rig: Rig, sightings: Sightings, matched: Matched, small: SmallPictures, joints: Array, present: NDArray[np.bool_],
    frames: NDArray[np.int64], views: NDArray[np.bool_], height: float,
) -> PixelTargets:
    """Targets of some frames.

    Args:
        rig, sightings, matched: cameras, masks, and whose they are.
        small: pictures about as large as asked for here, or larger.
        joints: (T,P,55,3) where people are about, level frame, metres.
        present: (T,P) whether each is there.
        frames: (F,) which.
        views: (V,) which cameras are asked; the others get no pixels.
        height: pixels of 1.7 m at the people's distance.
    """
    middle = np.nanmean(joints[:, :, 0].reshape(-1, 3), axis=0)
    factors = view_factors(rig, middle, height)
    people = joints.shape[1]
    table = np.zeros((len(frames), len(rig), 5), np.int64)
    scale = np.zeros((len(frames), len(rig)))
    cameras, targets, trusts, sizes = np.zeros((len(rig), 16)), [], [], np.zeros((len(rig), 2), np.int64)
    first = 0
    for v, camera in enumerate(rig.cameras):
        size = np.maximum(1, np.round(np.array([camera.width, camera.height]) * factors[v])).astype(int)
        ratio = size / np.array([camera.width, camera.height])
        cameras[v] = [*(camera.R @ LEVEL).ravel(), *camera.t, camera.K[0, 0] * ratio[0], camera.K[1, 1] * ratio[1],
                      camera.K[0, 2] * ratio[0], camera.K[1, 2] * ratio[1]]
        sizes[v] = size
        if not views[v]:
            continue
        lens = _Lens(camera, size)
        for f, t in enumerate(frames):
            crop = _crop(cameras[v], joints[t][present[t]], size)
            if crop is None:
                continue
            left, top, width, tall = crop
            target, trust = _pixels(lens, small.get(v, int(t)), sightings, matched, int(t), v, cameras[v], joints[t],
                                    present[t], (camera.width, camera.height))
            window = np.s_[top : top + tall, left : left + width]
            table[f, v] = first, left, top, width, tall
            targets.append(target[window].reshape(-1, 4 + people))
            trusts.append(trust[window].reshape(-1, 2 + people))
            first += width * tall
            depth = float((joints[t][present[t], 0] @ cameras[v, 6:9] + camera.t[2]).mean())
            scale[f, v] = (depth / cameras[v, 12] / _FOOTPRINT) ** 2
    empty = np.zeros((0, 4 + people), np.float32), np.zeros((0, 2 + people), np.float32)
    return PixelTargets(np.asarray(frames), table, scale, cameras,
                        np.concatenate(targets or [empty[0]]).astype(np.float32),
                        np.concatenate(trusts or [empty[1]]).astype(np.float32), sizes)


class _Lens:
    """Takes a view's distortion out of small pictures."""

    def __init__(self, camera: Any, size: NDArray[np.int64]) -> None:
        self.size = size
        self.maps: Any = None
        if camera.distortion is not None and np.any(camera.distortion):
            import cv2

            K = camera.K.copy()
            K[:2] *= (size / [camera.width, camera.height])[:, None]
            # OpenCV's pixels have their centres at whole numbers
            K[:2, 2] -= 0.5
            flat: Any = np.eye(3)
            self.maps = cv2.initUndistortRectifyMap(K, camera.distortion, flat, K, (int(size[0]), int(size[1])),
                                                    cv2.CV_32FC1)

    def __call__(self, picture: NDArray[Any]) -> NDArray[np.float32]:
        """A picture of any size brought to the lens' and straightened."""
        import cv2

        width, height = (int(s) for s in self.size)
        shrinks = picture.shape[1] > width
        out: Any = picture.astype(np.float32)
        if out.shape[:2] != (height, width):
            out = cv2.resize(out, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        if self.maps is not None:
            out = cv2.remap(out, self.maps[0], self.maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(out, np.float32)


def _crop(camera: Array, joints: Array, size: NDArray[np.int64]) -> tuple[int, int, int, int] | None:
    """Left, top, width, height round people (P,55,3) in a small picture; None where they are not seen."""
    points = joints.reshape(-1, 3) @ camera[:9].reshape(3, 3).T + camera[9:12]
    points = points[points[:, 2] > 0.2]
    if len(points) == 0:
        return None
    reach = _MARGIN * camera[12] / points[:, 2]
    x, y = (camera[12 + k] * points[:, k] / points[:, 2] + camera[14 + k] for k in range(2))
    left, right = max(0, int((x - reach).min())), min(int(size[0]), int((x + reach).max()) + 1)
    top, low = max(0, int((y - reach).min())), min(int(size[1]), int((y + reach).max()) + 1)
    return (left, top, right - left, low - top) if right > left and low > top else None


def _pixels(
    lens: _Lens, picture: NDArray[np.uint8], sightings: Sightings, matched: Matched, t: int, v: int, camera: Array,
    joints: Array, present: NDArray[np.bool_], whole: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Target (h,w,4+P) and trust (h,w,2+P) of a whole small picture."""
    people = len(joints)
    colour = lens(picture) / 255
    head = colour.shape[:2]
    masks = np.zeros((*head, people), np.float32)
    there, claimed = np.zeros(people, bool), set()
    for p, person in enumerate(matched.people):
        detection = int(person.chosen[t, v])
        claimed.add(detection)
        found = None if detection < 0 else believed_mask(sightings, t, v, detection, whole)
        if found is not None and present[p]:
            masks[..., p], there[p] = lens(found), True
    other = np.zeros(head, np.float32)
    for detection in range(sightings.keypoints.shape[2]):
        found = None if detection in claimed else sightings.mask(t, v, detection)
        if found is not None:
            other = np.maximum(other, lens(found))
    union = masks.max(axis=-1)
    shared = np.minimum(other, union).sum() > 0.5 * other.sum()  # somebody matched was detected twice
    stranger = np.zeros(head, bool) if shared else _wider(other > 0.3)
    hidden = _figures(camera, joints[present & ~there], head, _HIDES)
    trust = np.zeros((*head, 2 + people), np.float32)
    if there.any():
        trust[..., 0] = union
        trust[..., 1] = ~hidden | (union > 0.5)
        second = np.partition(masks, -2, axis=-1)[..., -2] if people > 1 else np.zeros(head)
        clear = second < _OVERLAP
        trust[..., 2:] = (clear & (~hidden | (union > 0.5)))[..., None] * there
    else:  # without masks, colour alone, where the bodies are about
        trust[..., 0] = 0.5 * _figures(camera, joints[present], head, _CORE)
    trust[stranger] = 0.0
    return np.concatenate([colour, union[..., None], masks], axis=-1), trust


def believed_mask(sightings: Sightings, t: int, v: int, detection: int, size: tuple[int, int]) -> Mask | None:
    """A detection's mask; None where there is none, or where too many of its own points lie in nobody's mask.

    ``size`` is the width and height of the pictures that the points are of.
    """
    mask = sightings.mask(t, v, detection)
    if mask is None or mask.max(initial=0) < 0.5:
        return None
    points = sightings.keypoints[t, v, detection]
    points = points[points[:, 2] > 0.3]
    if len(points) == 0:
        return mask
    anybody: Any = mask  # who stands behind another has points in the other's mask
    for other in range(sightings.keypoints.shape[2]):
        found = None if other == detection else sightings.mask(t, v, other)
        if found is not None and found.shape == mask.shape:
            anybody = np.maximum(anybody, found)
    anybody = _wider(anybody > 0.2)
    x, y = (np.clip((points[:, k] / size[k] * mask.shape[1 - k]).astype(int), 0, mask.shape[1 - k] - 1)
            for k in range(2))
    return mask if float(anybody[y, x].mean()) >= _WHOLE else None


def _wider(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import cv2

    return np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8))).astype(bool)


def _figures(camera: Array, joints: Array, head: tuple[int, ...], radius: float) -> NDArray[np.bool_]:
    """Where people (n,55,3) are about: thick lines along their bones."""
    import cv2

    canvas = np.zeros(head, np.uint8)
    for body in joints:
        points = body @ camera[:9].reshape(3, 3).T + camera[9:12]
        if points[:22, 2].min() < 0.2:
            continue
        xy = np.stack([camera[12 + k] * points[:, k] / points[:, 2] + camera[14 + k] for k in range(2)], axis=1)
        thick = max(1, round(2 * radius * float(camera[12] / points[0, 2])))
        for a, b in _BONES:
            (x0, y0), (x1, y1) = (np.clip(np.round(xy[k]), -9999, 9999).astype(int) for k in (a, b))
            cv2.line(canvas, (int(x0), int(y0)), (int(x1), int(y1)), (1,), thick)
    return canvas.astype(bool)
