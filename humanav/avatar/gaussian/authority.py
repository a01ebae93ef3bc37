"""Who may teach a Gaussian what: which of them a photo shows from the front, and which make its outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from humanav.avatar.avatar import Floats
from humanav.avatar.gaussian.frames import TrainFrame
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.avatar.surface import smoothstep

_PATTERN = 0.5
_BEHIND = 0.02
_OUTLINE = 0.018
"""Metres: Gaussians hidden deeper than the first are not seen; those nearer to the outline than the second make it."""


@dataclass(frozen=True)
class Authority:
    """What the captured frames may change (N,), each 0..1.

    Attributes:
        color: its colour: seen well.
        shape: its place and opacity: at the outline or, from several sides, seen well.
        size: how large it is: where its colour or its shape may change.
        known: how well several of them fix its place, which generated frames then leave alone.
        trust: how well they see it, the mesh's own trust included.
    """

    color: Floats
    shape: Floats
    size: Floats
    known: Floats
    trust: Floats


def authority(avatar: GaussianAvatar, frames: Sequence[TrainFrame]) -> Authority:
    """Of the captured frames over the avatar's Gaussians.

    One photo shows a Gaussian's colour but not its depth: it moves what makes its outline (hair, hems, edges), since
    there the picture says where the surface ends, and hardly more than the pattern of the rest. Several photos see
    depth as well.
    """
    captured = [frame for frame in frames if frame.kind == "captured"]
    sees, times, edge, grazes = (np.zeros(len(avatar)) for _ in range(4))
    for frame in captured:
        seen, grazed, near = _in_frame(avatar, frame)
        sees, grazes, edge = np.maximum(sees, seen), np.maximum(grazes, grazed), np.maximum(edge, near)
        times += seen > 0.3
    # the mesh's own trust knows of hands before the body and other traps, but only of the photos it was made from
    # and what is seen at a grazing angle was a guess there
    color = np.maximum(avatar.trust, grazes) if len(captured) <= 1 else np.maximum(0.5 * avatar.trust, sees)
    known = np.clip((times - 1) / 2, 0, 1) * smoothstep(0.2, 0.6, sees)
    shape = np.maximum(edge, known)
    may_color = smoothstep(0.05, 0.45, color)
    shape = np.maximum(shape, _PATTERN * may_color) * np.where(avatar.rigid, 0.0, 1.0)
    trust = avatar.trust if len(captured) <= 1 else np.maximum(avatar.trust, sees)
    return Authority(*(np.asarray(x, dtype=np.float32) for x in (may_color, shape, np.maximum(may_color, shape),
                                                                  known, trust)))


def _in_frame(avatar: GaussianAvatar, frame: TrainFrame) -> tuple[Floats, ...]:
    """How well (N,) each Gaussian is seen, how well at a grazing angle, and whether it makes the outline."""
    posed = avatar.pose(frame.full_pose, frame.transl, frame.expression)
    picture = avatar.render(frame.camera, frame.full_pose, frame.transl, frame.expression, maps=True)
    pixels, depth = frame.camera.project(posed.means)
    x, y = np.floor(pixels).astype(int).T
    inside = (x >= 0) & (x < frame.camera.width) & (y >= 0) & (y < frame.camera.height)
    x, y = np.clip(x, 0, frame.camera.width - 1), np.clip(y, 0, frame.camera.height - 1)
    assert picture.depth is not None
    front = np.asarray(cv2.erode(np.where(np.isfinite(picture.depth), picture.depth, 99).astype(np.float32),
                                 np.ones((3, 3), np.uint8)))
    to_camera = frame.camera.center - posed.means
    to_camera /= np.linalg.norm(to_camera, axis=1, keepdims=True)
    cosine = (posed.normals * to_camera).sum(axis=1)
    metres = depth / frame.camera.focal
    border = cv2.distanceTransform((frame.alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)[y, x] * metres
    outside = cv2.distanceTransform((frame.alpha <= 0.5).astype(np.uint8), cv2.DIST_L2, 5)[y, x] * metres
    open_view = inside & (depth < front[y, x] + _BEHIND)
    seen = open_view * smoothstep(0.12, 0.45, cosine) * smoothstep(0.004, 0.012, border)
    grazed = open_view * smoothstep(-0.1, 0.1, cosine) * smoothstep(0.5, 0.25, cosine)
    edge = inside & (depth < front[y, x] + 2.5 * _BEHIND) & (cosine > -0.5)
    near = edge * smoothstep(_OUTLINE, 0.5 * _OUTLINE, border) * (outside < 2 * _OUTLINE)
    return tuple(np.asarray(x, dtype=np.float32) for x in (seen * frame.weight, grazed * frame.weight, near))
