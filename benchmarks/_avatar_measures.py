"""How near pictures of an avatar come to the truth, and rows of such numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from _avatar_cases import GREY, Picture
from numpy.typing import NDArray

from humanav.avatar import Avatar
from humanav.avatar.gaussian import GaussianAvatar
from humanav.avatar.gaussian.perceptual import perceptual_measure
from humanav.metrics import iou, psnr, ssim
from humanav.render import TexturePyramid, rasterize_mesh, render_mesh

_AROUND = 6  # pixels of background about the person that count
_FAR = 0.1  # metres: at most so much counts as a depth error
_BEST = 100.0

Drawn = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]
Draw = Callable[[Picture], Drawn]
"""An avatar's picture over grey, alpha and depth (inf outside), in the pose and by the camera of a given one."""


class Score(NamedTuple):
    """Of one picture; ``depth_mm``: see :func:`score`."""

    kind: str
    psnr: float
    ssim: float
    perceptual: float
    iou: float
    depth_mm: float


@dataclass(frozen=True)
class Result:
    """Of one avatar: its scores, picture by picture, and what it took to train it."""

    scores: tuple[Score, ...]
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def draw_mesh(avatar: Avatar) -> Draw:
    """Draws the textured mesh."""
    texture, faces = TexturePyramid(avatar.texture), avatar.faces.astype(np.int64)

    def draw(picture: Picture) -> Drawn:
        points = avatar.pose(picture.full_pose, picture.transl)
        rgb, alpha = render_mesh(points, faces, picture.camera, texture=texture, uv=avatar.uv, uv_faces=avatar.uv_faces,
                                 unlit=True, background=(GREY,) * 3)
        buffers = rasterize_mesh(points, faces, picture.camera)
        return rgb, alpha, np.where(buffers.mask, buffers.depth, np.inf).astype(np.float32)

    return draw


def draw_gaussians(avatar: GaussianAvatar) -> Draw:
    """Draws the Gaussian avatar, deformed by the pose."""

    def draw(picture: Picture) -> Drawn:
        seen = avatar.render(picture.camera, picture.full_pose, picture.transl,
                             background=np.full(3, GREY / 255, np.float32), maps=True)
        assert seen.depth is not None
        return np.asarray(np.clip(seen.rgb, 0, 1) * 255 + 0.5, np.uint8), seen.alpha, seen.depth

    return draw


def score(draw: Draw, pictures: Sequence[Picture]) -> tuple[Score, ...]:
    """Of every picture, over the box about the true person.

    ``depth_mm``: mean distance along the viewing ray, where both show the person, less its median over the picture
    (how far away the person stands is not the avatar's matter); more than 10 cm count as 10 cm.
    """
    _, measure = perceptual_measure()
    found = []
    for picture in pictures:
        rgb, alpha, depth = draw(picture)
        rows, columns = np.nonzero(picture.alpha > 0.02)
        box = np.s_[max(0, rows.min() - _AROUND):rows.max() + _AROUND + 1,
                    max(0, columns.min() - _AROUND):columns.max() + _AROUND + 1]
        both = np.isfinite(depth) & np.isfinite(picture.depth)
        off = depth[both] - picture.depth[both] if both.any() else np.full(1, _FAR)
        off = np.minimum(np.abs(off - (np.median(off) if both.any() else 0)), _FAR)
        found.append(Score(picture.kind, min(psnr(rgb[box], picture.rgb[box]), _BEST), ssim(rgb[box], picture.rgb[box]),
                           measure(np.ascontiguousarray(rgb[box]), np.ascontiguousarray(picture.rgb[box])),
                           iou(alpha[box], picture.alpha[box]), 1000 * float(off.mean())))
    return tuple(found)


def row(results: Sequence[Result], meshes: Sequence[Result]) -> dict[str, float]:
    """The numbers of one way over all people, beside the meshes' of the same people and pictures."""
    name, _ = perceptual_measure()
    every = [s for result in results for s in result.scores]
    ahead = [(s.kind, s.psnr - m.psnr) for result, mesh in zip(results, meshes, strict=True)
             for s, m in zip(result.scores, mesh.scores, strict=True)]
    held = [s for s in every if s.kind != "input"]
    out: dict[str, float] = {}
    for kind, key in (("input", "input"), ("view", "novel_view"), ("pose", "novel_pose")):
        out[f"psnr_{key}"] = mean(s.psnr for s in every if s.kind == kind)
    out |= {"ssim": mean(s.ssim for s in held), name: mean(s.perceptual for s in held)}
    for kind, key in (("input", "input"), ("view", "novel_view"), ("pose", "novel_pose")):
        out[f"{key}_vs_mesh_db"] = mean(gain for of, gain in ahead if of == kind)
    out["worst_vs_mesh_db"] = min(gain for of, gain in ahead if of != "input")
    moved = [s for s in every if s.kind == "pose"]
    out |= {"pose_mask_iou": mean(s.iou for s in moved), "pose_depth_mm": mean(s.depth_mm for s in moved)}
    seconds = [result.seconds for result in results]
    if any(seconds):
        out |= {"seconds": max(seconds), "cpu_seconds": max(result.cpu_seconds for result in results)}
    return out


def mean(values: Any) -> float:
    """Of numbers."""
    return float(np.mean(list(values)))
