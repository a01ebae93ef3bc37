"""Evidence drawn on the photo: what was found, what was cut out, and how the body sits.

Every function returns uint8 RGB, at most ``max_height`` pixels high. A person who is small in the photo is shown with
some of its surroundings only, unless ``crop`` is False.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from humanav.camera import Camera
from humanav.perception import Person2D
from humanav.render import contact_shadow, paint_stage, render_mesh, vertex_areas
from humanav.render.mesh import check_mesh
from humanav.view.colors import BODY, LEFT, RIGHT, side_color
from humanav.view.sheet import label_font

Picture = NDArray[np.uint8]
MAX_HEIGHT = 1024
_QUIET = (np.arange(256) * 0.85 + 255 * 0.06 + 0.5).astype(np.uint8)
"""A photo under a body: a little paler."""
_SEEN = 0.3  # a keypoint less sure than this is left out

_LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "hip"),
          ("ankle", "heel"), ("heel", "foot_index"), ("heel", "big_toe"), ("ankle", "foot_index"), ("ankle", "big_toe"),
          ("ankle", "small_toe"), ("wrist", "thumb"), ("wrist", "index"), ("wrist", "pinky"), ("eye", "ear"))
_MIDDLE = (("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"), ("nose", "left_eye"), ("nose", "right_eye"),
           ("left_mouth", "right_mouth"), ("nose", "neck"), ("neck", "pelvis"))
_HAND = tuple((0 if k % 4 == 1 else k - 1, k) for k in range(1, 21)) + ((5, 9), (9, 13), (13, 17))
_FACE_LINES = (  # indices of MediaPipe's face mesh: outline, eyes, brows, lips, nose
    (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
     136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109, 10),
    (33, 160, 158, 133, 153, 144, 33), (263, 387, 385, 362, 380, 373, 263), (70, 63, 105, 66, 107),
    (300, 293, 334, 296, 336), (61, 39, 0, 269, 291, 405, 17, 181, 61), (168, 6, 197, 195, 5, 4))
_FACE_LINES_68 = (  # of the face that OpenPose finds
    tuple(range(17)), tuple(range(17, 22)), tuple(range(22, 27)), tuple(range(27, 31)), tuple(range(31, 36)),
    (*range(36, 42), 36), (*range(42, 48), 42), (*range(48, 60), 48), (*range(60, 68), 60))


def draw_keypoints(
    image: Any, person: Person2D, *, max_height: int = MAX_HEIGHT, crop: bool = True, dim: float = 0.12,
) -> Picture:
    """The photo, darker by the share ``dim``, with body, hands and face points: the person's left blue, right orange,
    the midline grey."""
    window = _window(image, person.box, crop)
    canvas = _Canvas(image, window, max_height, dim)
    names = _landmark_names(person.keypoint_set, len(person.keypoints))
    points = {name: row for name, row in zip(names, person.keypoints) if row[2] >= _SEEN}
    width = canvas.stroke
    for first, second in bones(names):
        if first in points and second in points and not (person.face is not None and "eye" in first + second):
            canvas.line([points[first], points[second]], side_color(first, second), width)
    if person.face is not None:
        for line in _FACE_LINES if len(person.face) >= 468 else _FACE_LINES_68:
            if max(line) < len(person.face) and (person.face[list(line), 2] > 0).all():
                canvas.line([person.face[k] for k in line], (245, 246, 248), width * 0.3)
    for hand, color in ((person.left_hand, LEFT), (person.right_hand, RIGHT)):
        if hand is not None:
            for a, b in _HAND:
                canvas.line([hand[a], hand[b]], color, width * 0.4)
    for name, point in points.items():
        if person.face is not None and any(part in name for part in ("eye", "mouth", "nose")):
            continue  # the face mesh shows them better
        small = any(part in name for part in ("eye", "mouth", "ear", "nose", "thumb", "index", "pinky")) \
            and "foot" not in name
        canvas.dot(point, side_color(name), width * (0.55 if small else 1.0))
    return canvas.picture()


def bones(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Pairs of landmark names to join by lines, for any keypoint set with plain names such as ``left_knee``."""
    have = set(names)
    pairs = [(f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in _LIMBS]
    return [(a, b) for a, b in (*_MIDDLE, *pairs) if a in have and b in have]


def draw_matte(image: Any, alpha: Any, *, max_height: int = MAX_HEIGHT, crop: bool = True) -> Picture:
    """The person cut out by ``alpha`` (H,W) 0..1 on a checkerboard, with a thin line along the border."""
    matte = np.clip(np.asarray(alpha, dtype=np.float32), 0, 1)
    rows, columns = np.nonzero(matte.max(1) > 0.5)[0], np.nonzero(matte.max(0) > 0.5)[0]
    box = (columns[0], rows[0], columns[-1], rows[-1]) if len(rows) and len(columns) else None
    left, top, right, bottom = _window(image, box, crop)
    photo = _fit(np.asarray(image)[top:bottom, left:right], max_height)
    cover = Image.fromarray((matte[top:bottom, left:right] * 255).astype(np.uint8))
    a = np.asarray(cover.resize(photo.size, Image.Resampling.BILINEAR), dtype=np.float32) / 255
    cell = max(8, round(photo.height / 48))
    y, x = np.indices(a.shape)
    board = np.where(((x // cell + y // cell) % 2)[..., None] > 0, 236.0, 214.0)
    out = board + a[..., None] * (np.asarray(photo, dtype=np.float32) - board)
    border = (np.abs(np.gradient(a)[0]) + np.abs(np.gradient(a)[1])).clip(0, 1)[..., None] * 0.65
    return (out + border * (np.array(LEFT) - out) + 0.5).clip(0, 255).astype(np.uint8)


def draw_overlay(
    image: Any, vertices: Any, faces: Any, camera: Camera, colors: Any = None, *, opacity: float = 0.78,
    side_view: bool = True, up: Any = (0.0, 1.0, 0.0), max_height: int = MAX_HEIGHT, crop: bool = True,
) -> Picture:
    """The body over its photo and, next to it, the same body from its side, where errors of depth show.

    Args:
        image: the photo ``camera`` belongs to.
        vertices, faces, camera: the fitted body.
        colors: one colour (3,), colours per vertex (V,3), or None.
        opacity: of the body.
        side_view: add the view from the side, on a floor square to ``up``.
        up: the upward direction in the world.
    """
    pixels = camera.project(check_mesh(vertices, faces)[0])[0]
    box = (*pixels.min(0), *pixels.max(0)) if len(pixels) else None
    left, top, right, bottom = _window(image, box, crop)
    photo = _fit(np.asarray(image)[top:bottom, left:right], max_height)
    scaled = camera.cropped(left, top, right - left, bottom - top).scaled(photo.height / (bottom - top))
    scaled = Camera(scaled.K, scaled.R, scaled.t, photo.width, photo.height, scaled.distortion)
    rgb, alpha = render_mesh(vertices, faces, scaled, background=None, **_paint(colors))
    part = _reach(alpha)
    front = _QUIET[np.asarray(photo)]
    quiet = np.asarray(photo)[part] * np.float32(0.85) + np.float32(255 * 0.06)
    out = quiet + (alpha[part] * opacity)[..., None] * (rgb[part] - quiet)
    border = (np.abs(np.gradient(alpha[part])[0]) + np.abs(np.gradient(alpha[part])[1])).clip(0, 1)[..., None] * 0.8
    front[part] = (out + border * (np.array((28, 60, 120), np.float32) - out) + 0.5).clip(0, 255)
    if not side_view:
        return front
    side = draw_side_view(vertices, faces, camera, colors, up=up, height=photo.height)
    gap = np.full((photo.height, 6, 3), 255, dtype=np.uint8)
    return np.concatenate([front, gap, side], axis=1)


def _reach(alpha: Any) -> tuple[slice, slice]:
    """Rows and columns of what is drawn, and two more on each side for its border."""
    rows, columns = np.flatnonzero(alpha.max(axis=1) > 0), np.flatnonzero(alpha.max(axis=0) > 0)
    if not len(rows):
        return np.s_[:2], np.s_[:2]
    return np.s_[max(rows[0] - 2, 0): rows[-1] + 3], np.s_[max(columns[0] - 2, 0): columns[-1] + 3]


def draw_side_view(
    vertices: Any, faces: Any, camera: Camera, colors: Any = None, *, up: Any = (0.0, 1.0, 0.0), height: int = 640,
) -> Picture:
    """The body seen at right angles to the photo's camera, upright, on a floor, with a plumb line over the feet.

    The camera of the photo lies to the left of the picture, so a body that leans towards it leans to the left.
    """
    v, f = check_mesh(vertices, faces)
    width = round(height * 0.56)
    if not len(f):
        return np.full((height, width, 3), 245, dtype=np.uint8)
    upright = _turn_onto_y(np.asarray(up, dtype=np.float64))
    v = v @ upright.T
    low, high = v.min(0), v.max(0)
    middle = (low + high) / 2
    towards = upright @ camera.center - middle
    yaw = np.degrees(np.arctan2(towards[0], towards[2]))
    tall = max(float(high[1] - low[1]), 0.3)
    focal = 2.4 * height
    turn = np.radians(yaw + 90)
    across = float(np.abs((v - middle)[:, [0, 2]] @ (np.cos(turn), -np.sin(turn))).max())
    near = float(((v - middle)[:, [0, 2]] @ (np.sin(turn), np.cos(turn))).max())
    distance = max(focal * tall * 1.2 / height, focal * 2 * across * 1.1 / width) + near * 0.5
    eye = Camera.orbit(middle, distance, yaw + 90, 3, width, height, focal)
    shadow = contact_shadow(v, vertex_areas(v, f), middle, low[1])
    stage = paint_stage(eye, middle, low[1], shadow)
    picture = Image.fromarray(render_mesh(v, f, eye, background=stage, **_paint(colors))[0])
    foot = v[v[:, 1] < low[1] + 0.1 * tall].mean(0)
    ends, _ = eye.project(np.array([[foot[0], low[1], foot[2]], [foot[0], high[1] + 0.06 * tall, foot[2]]]))
    draw = ImageDraw.Draw(picture)
    for k in range(0, 40, 2):
        a, b = ends[0] + (ends[1] - ends[0]) * k / 40, ends[0] + (ends[1] - ends[0]) * (k + 1) / 40
        draw.line([tuple(a), tuple(b)], (150, 156, 166), 1)
    draw.text((width / 2, height - 14), "from the side", (96, 102, 112), label_font(max(12, height // 48)), anchor="mm")
    return np.asarray(picture)


class _Canvas:
    """A photo to draw smooth lines and dots on, in the photo's own pixels."""

    def __init__(self, image: Any, window: tuple[int, int, int, int], max_height: int, dim: float) -> None:
        self._left, self._top, right, bottom = window
        part = np.asarray(image)[self._top:bottom, self._left:right]
        self._photo = Image.eval(_fit(part, max_height), lambda value: round(value * (1 - dim)))
        self._scale = self._photo.height / len(part) * 2  # drawn twice as large, then halved
        self._layer = Image.new("RGBA", (self._photo.width * 2, self._photo.height * 2), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self._layer)
        self.stroke = max(2.0, self._photo.height / 170)

    def line(self, points: list[Any], color: tuple[int, int, int], width: float) -> None:
        path = [self._at(p) for p in points]
        self._draw.line(path, (*color, 235), max(2, round(2 * width)), joint="curve")

    def dot(self, point: Any, color: tuple[int, int, int], radius: float) -> None:
        (x, y), r = self._at(point), 2 * radius
        edge = r + max(1.0, r * 0.35)
        self._draw.ellipse((x - edge, y - edge, x + edge, y + edge), (255, 255, 255, 255))
        self._draw.ellipse((x - r, y - r, x + r, y + r), (*color, 255))

    def _at(self, point: Any) -> tuple[float, float]:
        return (float(point[0]) - self._left) * self._scale, (float(point[1]) - self._top) * self._scale

    def picture(self) -> Picture:
        box = self._layer.getbbox()
        if box is not None:  # only the part that was drawn on
            left, top, right, bottom = box[0] // 2, box[1] // 2, (box[2] + 1) // 2, (box[3] + 1) // 2
            layer = self._layer.reduce(2, (2 * left, 2 * top, 2 * right, 2 * bottom))
            self._photo.paste(layer, (left, top), layer)
        return np.asarray(self._photo)


def _window(image: Any, box: Any, crop: bool) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the part to show: the box with room round it, or all if that is not much more."""
    height, width = np.asarray(image).shape[:2]
    whole = (0, 0, width, height)
    if box is None or not crop or not np.isfinite(np.asarray(box, dtype=np.float64)).all():
        return whole
    x0, y0, x1, y1 = (float(value) for value in box)
    room = 0.18 * max(x1 - x0, y1 - y0)
    left, right = max(0, int(x0 - room)), min(width, int(np.ceil(x1 + room)))
    top, bottom = max(0, int(y0 - room)), min(height, int(np.ceil(y1 + room)))
    if right - left < 32 or bottom - top < 32 or (right - left) * (bottom - top) > 0.7 * width * height:
        return whole
    return left, top, right, bottom


def _fit(image: Any, max_height: int) -> Image.Image:
    photo = Image.fromarray(np.ascontiguousarray(image, dtype=np.uint8)).convert("RGB")
    if photo.height <= max_height:
        return photo
    return photo.resize((max(1, round(photo.width * max_height / photo.height)), max_height), Image.Resampling.LANCZOS)


def _paint(colors: Any) -> dict[str, Any]:
    if colors is None:
        return {"color": BODY}
    return {"color": colors} if np.asarray(colors).shape == (3,) else {"vertex_colors": colors}


def _landmark_names(keypoint_set: str, count: int) -> tuple[str, ...]:
    from humanav.body.landmarks import KEYPOINT_SETS

    return tuple(KEYPOINT_SETS.get(keypoint_set, tuple(f"point{k}" for k in range(count))))


def _turn_onto_y(up: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial.transform import Rotation

    up = up / np.linalg.norm(up)
    axis, cosine = np.cross(up, (0.0, 1.0, 0.0)), up[1]
    sine = np.linalg.norm(axis)
    if sine < 1e-9:
        return np.eye(3) if cosine > 0 else np.diag([1.0, -1.0, -1.0])
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, cosine)).as_matrix()


