"""From a generated picture to a training frame: its mask, its colours held to the photo's, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Avatar, Floats
from humanav.avatar.gaussian.frames import TrainFrame
from humanav.avatar.gaussian.generators import PoseFrame
from humanav.avatar.gaussian.teacher import draw
from humanav.avatar.visibility import without_halo
from humanav.camera import Camera
from humanav.render import render_mesh

_FLAT = 0.08
"""Colour difference (0..1) up to which a pixel may belong to a plain background."""
_PLAIN = 0.75
_GAIN = 0.25
_LEAST_WEIGHT = 0.25


@dataclass(frozen=True)
class Expected:
    """What the mesh looks like in a pose.

    Attributes:
        rgb: (H,W,3) 0..1, alpha: (H,W), depth: (H,W) inf outside, normal: (H,W,3): see
            :func:`~humanav.avatar.gaussian.teacher.draw`.
        known: (H,W) 0..1, how much of a pixel shows surface that a photo saw.
    """

    rgb: Floats
    alpha: Floats
    depth: Floats
    normal: Floats
    known: Floats


def expected(avatar: Avatar, wanted: PoseFrame) -> Expected:
    """Draw the mesh as a pose frame asks for it."""
    vertices = avatar.pose(wanted.full_pose, wanted.transl)
    return Expected(*draw(avatar, vertices, wanted.camera), known_map(avatar, vertices, wanted.camera))


def known_map(avatar: Avatar, vertices: Floats, camera: Camera) -> Floats:
    """(H,W) 0..1: how much of each pixel shows surface whose colour comes from a photo."""
    seen = np.repeat(avatar.confidence[..., None], 3, axis=2)
    shown, _ = render_mesh(vertices, avatar.faces.astype(np.int64), camera, texture=seen, uv=avatar.uv,
                           uv_faces=avatar.uv_faces, unlit=True, background=(0, 0, 0))
    return np.asarray(shown[..., 0], dtype=np.float32) / 255


def person_alpha(picture: Floats, outline: NDArray[np.bool_]) -> Floats:
    """(H,W) how much of each pixel is the person in a generated picture (H,W,3) 0..1.

    Where all round the body the picture is plain, what differs from that colour is the person; else the colours are
    asked near the body's ``outline``. Nothing at all is found where the picture is plain throughout.
    """
    from humanav.perception.guided import guided_matte

    image = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    reach = max(3, round(0.08 * max(outline.shape)))
    away = ~(cv2.dilate(outline.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0)
    soft = None
    if away.mean() > 0.02:
        plain = np.median(picture[away], axis=0)
        off = np.abs(picture - plain).max(axis=-1)
        if (off[away] < _FLAT).mean() > _PLAIN:
            soft = _against(off, outline)
            if not (soft > 0.5).any():
                return np.zeros(outline.shape, np.float32)
    if not outline.any():
        return np.zeros(outline.shape, np.float32)
    return guided_matte(image, outline, soft=soft)[0]


def _against(off: Floats, outline: NDArray[np.bool_]) -> Floats:
    """A soft mask (H,W) of what differs from a plain background, closed where the person is of its colour inside."""
    there = np.clip((off - 0.5 * _FLAT) / _FLAT, 0, 1)
    count, labels = cv2.connectedComponents((there < 0.5).astype(np.uint8), connectivity=4)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    outer = np.isin(labels, edge[edge > 0]) if count > 1 else np.zeros_like(outline)
    core = cv2.erode(outline.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=2) > 0
    hole = (there < 0.5) & ~outer  # a white shirt before white is enclosed by its edges
    return np.asarray(np.where(hole & core, 0.9, np.maximum(there, 0.02)), dtype=np.float32)


def matched(pictures: list[Floats], looks: list[Expected]) -> tuple[list[Floats], list[float]]:
    """Pictures of one film with their colours brought to the photo's, where both show what the photo saw.

    One gain and shift a channel for the whole film (least squares, held within a quarter): networks shift colours from
    window to window.

    Returns:
        the pictures, and (3,) the gains.
    """
    got, want = [], []
    for picture, look in zip(pictures, looks):
        sure = (look.known > 0.9) & (look.alpha > 0.9)
        got.append(picture[sure])
        want.append(look.rgb[sure])
    a, b = np.concatenate(got), np.concatenate(want)
    if len(a) < 200:
        return pictures, [1.0, 1.0, 1.0]
    gain, shift = np.ones(3), np.zeros(3)
    for c in range(3):
        spread = float(a[:, c].std())
        slope = float(((a[:, c] - a[:, c].mean()) * (b[:, c] - b[:, c].mean())).mean()) / max(spread**2, 1e-6)
        # where the two hardly agree the slope tells nothing, and the means still do
        gain[c] = float(np.clip(slope, 1 - _GAIN, 1 + _GAIN)) if slope > 0.5 else 1.0
        shift[c] = float(np.clip(b[:, c].mean() - gain[c] * a[:, c].mean(), -_GAIN, _GAIN))
    return ([np.clip(picture * gain + shift, 0, 1).astype(np.float32) for picture in pictures],
            [round(float(g), 3) for g in gain])


def labelled(
    picture: Floats, alpha: Floats, wanted: PoseFrame, look: Expected, provenance: dict[str, Any]
) -> TrainFrame:
    """A training frame from a generated picture (H,W,3) 0..1 as the wanted camera sees it, and its mask.

    Depth and normals are the mesh's. The weight falls with the difference from what the photo saw. A picture that shows
    nobody gets a mask of everything, which :func:`~humanav.avatar.gaussian.generators.accept` leaves out.
    """
    provenance = dict(provenance)
    if not (alpha > 0.5).any():
        alpha = np.ones_like(alpha)
        provenance["person"] = "none found"
    sure = (look.known > 0.9) & (look.alpha > 0.9) & (alpha > 0.9)
    off = float(np.abs(picture - look.rgb)[sure].mean()) if sure.sum() > 50 else 0.1
    provenance["difference"] = round(off, 4)
    bytes_ = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    height = max(int(np.ptp(np.nonzero(alpha > 0.5)[0])), 200)
    clean = without_halo(bytes_, alpha.astype(np.float32), max(1.2, 2.5 * height / 1000))
    weight = float(np.clip(1.2 - 3 * off, _LEAST_WEIGHT, 1.0))
    return TrainFrame(np.asarray(clean, np.float32) / 255, alpha.astype(np.float32), wanted.camera, wanted.full_pose,
                      wanted.transl, "generated", wanted.expression, weight, provenance, look.depth, look.normal)
