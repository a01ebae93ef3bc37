"""What steers the generators, drawn from our own body: depth, skeletons, and the photo on white."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Avatar, Floats, joint_transforms
from humanav.avatar.gaussian.diffusion_path import Canvas, Stance, pixel_map, stance_of, transl_of
from humanav.avatar.views import View
from humanav.avatar.visibility import without_halo
from humanav.body.landmarks import landmark_positions
from humanav.camera import Camera
from humanav.render import rasterize_mesh

Pixels = NDArray[np.uint8]
Control = Literal["depth", "pose"]

_LIMBS = ((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
          (1, 0), (0, 14), (14, 16), (0, 15), (15, 17))
"""Pairs of OpenPose's 18 points, in the order in which its colours go round the circle."""
_FACE = (0, 14, 15)  # nose and eyes, which are not seen from behind
_FINGERS = ((20, 25), (21, 40))  # wrist, first finger joint, of the left and the right hand


def depth_picture(avatar: Avatar, stance: Stance, camera: Camera) -> Pixels:
    """The body's depth (H,W,3): near is bright, the background black, as depth networks draw it."""
    vertices = avatar.pose(stance.full_pose, transl_of(avatar, stance))
    buffers = rasterize_mesh(vertices, avatar.faces.astype(np.int64), camera)
    inverse = np.where(buffers.mask, 1 / np.maximum(buffers.depth, 0.05), 0)
    # the same scale in every frame: from half a metre behind the pelvis to one before it
    near, far = 1 / max(float(stance.root[2]) - 1.0, 0.3), 1 / (float(stance.root[2]) + 0.5)
    bright = np.clip((inverse - far) / max(near - far, 1e-6), 0, 1) * 0.8 + 0.2
    grey = np.round(255 * np.where(buffers.mask, bright, 0)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def skeleton_picture(avatar: Avatar, stance: Stance, camera: Camera, hands: bool = True) -> Pixels:
    """The body as an OpenPose skeleton (H,W,3) on black, with thin lines for the fingers."""
    rotation, offset = joint_transforms(avatar.joints, stance.full_pose, avatar.parents)
    joints = np.einsum("jab,jb->ja", rotation, avatar.joints) + offset + transl_of(avatar, stance)
    points = landmark_positions(joints.astype(np.float64), rotation.astype(np.float64), "openpose18",
                                float(np.ptp(avatar.vertices[:, 1])) / 1.7)
    pixels, _ = camera.project(points)
    seen = np.ones(18, dtype=bool)
    ahead = rotation[15] @ np.array([0.0, 0.0, 1.0])
    seen[list(_FACE)] = ahead @ (joints[15] / np.linalg.norm(joints[15])) < 0.25
    side = max(1.0, min(camera.width, camera.height) / 512)
    picture = np.zeros((camera.height, camera.width, 3), dtype=np.uint8)
    colors = [_wheel(k / len(_LIMBS)) for k in range(len(_LIMBS) + 1)]
    for k, (a, b) in enumerate(_LIMBS):
        if seen[a] and seen[b]:
            _stick(picture, pixels[a], pixels[b], 4 * side, colors[k])
    picture = (picture * 0.6).astype(np.uint8)
    for k, point in enumerate(pixels):
        if seen[k]:
            cv2.circle(picture, _whole(point), round(4 * side), colors[k], -1, cv2.LINE_AA)
    if hands:
        at, _ = camera.project(joints)
        for wrist, first in _FINGERS:
            for finger in range(5):
                chain = [wrist, *range(first + 3 * finger, first + 3 * finger + 3)]
                for a, b in pairwise(chain):
                    cv2.line(picture, _whole(at[a]), _whole(at[b]), _wheel(finger / 5), max(1, round(side)),
                             cv2.LINE_AA)
    return picture


def control_picture(avatar: Avatar, stance: Stance, canvas: Canvas, control: Control) -> Pixels:
    """One frame of the control film."""
    camera = canvas.camera(stance)
    return (depth_picture if control == "depth" else skeleton_picture)(avatar, stance, camera)


def reference_picture(view: View, avatar: Avatar, canvas: Canvas) -> Pixels:
    """The photo's person on white (H,W,3), where the photo's stance is on the canvas.

    The canvas' camera stands where the photo's stood, so the two differ by a similarity of the picture: the person lies
    on the film's first pose exactly.
    """
    stance, _ = stance_of(avatar, view.motion.full_pose[0], view.motion.transl[0], view.camera)
    alpha = np.asarray(view.alpha, dtype=np.float32)
    height = max(int(np.ptp(np.nonzero(alpha > 0.5)[0])), 200) if (alpha > 0.5).any() else 200
    clean = without_halo(np.asarray(view.image), alpha, max(1.2, 2.5 * height / 1000)).astype(np.float32)
    white = np.asarray(255 - alpha[..., None] * (255 - clean), dtype=np.float32)
    shown = warped(white, view.camera, canvas.camera(stance), 255.0)
    return np.asarray(np.clip(shown + 0.5, 0, 255), dtype=np.uint8)


def face_picture(reference: Pixels, avatar: Avatar, stance: Stance, camera: Camera, size: int) -> Pixels:
    """The reference's head, cut out square (size, size, 3), on white beyond the picture."""
    rotation, offset = joint_transforms(avatar.joints, stance.full_pose, avatar.parents)
    head = rotation[15] @ avatar.joints[15] + offset[15] + transl_of(avatar, stance)
    top = head + rotation[15] @ np.array([0.0, 0.08, 0.03])
    centre, depth = camera.project(top)
    half = 0.17 * camera.focal / max(float(depth), 0.1)
    factor = size / (2 * half)
    move = np.array([[factor, 0, size / 2 - factor * centre[0]], [0, factor, size / 2 - factor * centre[1]]])
    return np.asarray(cv2.warpAffine(reference, _centres(move), (size, size), flags=cv2.INTER_CUBIC,
                                     borderMode=cv2.BORDER_CONSTANT, borderValue=(255, 255, 255)), dtype=np.uint8)


def warped(picture: NDArray[np.float32], source: Camera, target: Camera, border: float) -> Floats:
    """A picture (H,W[,C]) of one camera as another at the same place takes it; smoothed before it is shrunk."""
    move = pixel_map(source, target)
    factor = float(min(move[0, 0], move[1, 1]))
    picture = np.asarray(picture, dtype=np.float32)
    if factor < 0.75:  # the mean of what falls into a pixel, not one of it
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 / factor))
    value = (border,) * 3
    return np.asarray(cv2.warpAffine(picture, _centres(move), (target.width, target.height), flags=cv2.INTER_LINEAR,
                                     borderMode=cv2.BORDER_CONSTANT, borderValue=value), dtype=np.float32)


def _centres(move: NDArray[np.float64]) -> NDArray[np.float64]:
    """A map of corner coordinates as OpenCV wants it: of pixel centres, which lie at halves."""
    return np.column_stack([move[:, :2], move[:, 2] + (move[:, :2].sum(axis=1) - 1) / 2])


def _stick(picture: Pixels, a: Floats, b: Floats, radius: float, color: tuple[int, int, int]) -> None:
    middle, along = (np.asarray(a) + b) / 2, np.asarray(b) - a
    half, turn = float(np.linalg.norm(along)) / 2, float(np.degrees(np.arctan2(along[1], along[0])))
    axes = (max(1, int(half)), max(1, round(radius)))
    corners = np.asarray(cv2.ellipse2Poly(_whole(middle), axes, int(turn), 0, 360, 1), dtype=np.int32)
    cv2.fillConvexPoly(picture, corners, color, cv2.LINE_AA)


def _whole(point: Floats) -> tuple[int, int]:
    return int(np.clip(point[0], -1e4, 1e4)), int(np.clip(point[1], -1e4, 1e4))


def _wheel(share: float) -> tuple[int, int, int]:
    """A colour of the circle of hues, from red on."""
    red, green, blue = cv2.cvtColor(np.array([[[round(179 * share), 255, 255]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
    return int(red), int(green), int(blue)
