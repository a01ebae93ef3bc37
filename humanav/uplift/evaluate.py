"""Predictions over many pairs against their truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from humanav.errors import InputError
from humanav.uplift.measures import Errors, compare

if TYPE_CHECKING:
    from humanav.posendf.cmu import Split
    from humanav.uplift.pairs import Pairs

Predict = Callable[[Tensor, Tensor, Tensor], Tensor]
"""``(keypoints (B,T,K,3), K (B,3,3), focal_known (B,) bool) -> rotations (B,T,22,3,3)``; the root in the camera's
frame."""

YAW_BINS: tuple[tuple[str, float, float], ...] = (
    ("front", 0, 30), ("front 3/4", 30, 65), ("side", 65, 115), ("back 3/4", 115, 150), ("back", 150, 180.1))
"""From where the camera sees the person: name, and the angle in degrees between its front and the way to the camera."""

SIDE_COLUMNS = ("frames", "mpjpe_mm", "pa_mpjpe_mm", "mpjae_deg", "root_deg")


def evaluate(predict: Predict, pairs: Sequence[Pairs], **options: Any) -> dict[str, float]:
    """Means of all measures over all frames: see :meth:`~humanav.uplift.measures.Errors.summary` for the names.

    Args:
        predict: what to measure.
        pairs: clips with their truth.
        options: of :func:`measure`.
    """
    return measure(predict, pairs, **options).summary()


@torch.no_grad()
def measure(predict: Predict, pairs: Sequence[Pairs], *, body: Any = None, focal_known: bool = True,
            points: str | None = None, clean: bool = False, batch: int = 64) -> Errors:
    """Errors of every frame, in the order of the pairs.

    Args:
        predict: from keypoints to rotations; joints follow from these by forward kinematics with the true shape.
        pairs: clips with their truth.
        body: an :class:`~humanav.uplift.skeleton.UpliftBody`; by default that of the built-in body.
        focal_known: whether ``predict`` is told the camera; else it gets what is assumed of an unknown one.
        points: positions are scored on the 22 joints, or on those of "fit3d26" (with four finger joints) or
            "evaluation37" (with points on hands, feet and face).
        clean: predict from the true projections, all seen with confidence 1.
        batch: clips that go through ``predict`` at a time.
    """
    from humanav.uplift.features import assumed_intrinsics
    from humanav.uplift.skeleton import UpliftBody

    body = UpliftBody() if body is None else body
    parts = []
    for some in pairs:
        for start in range(0, len(some.keypoints), batch):
            rows = slice(start, start + batch)
            keypoints = some.keypoints[rows]
            if clean:
                keypoints = torch.cat([some.clean[rows], torch.ones_like(keypoints[..., :1])], dim=-1)
            known = torch.full((len(keypoints),), focal_known)
            intrinsics = some.K[rows] if focal_known else assumed_intrinsics(some.size[rows])
            rotations, truth = predict(keypoints, intrinsics, known), true_rotations(some, rows)
            betas = some.betas[rows, None]
            joints, true_joints = (_points(body, pose, betas, points) for pose in (rotations, truth))
            parts.append(compare(rotations, joints, truth, true_joints))
    return Errors.join(parts)


def true_rotations(pairs: Pairs, rows: slice = slice(None)) -> Tensor:
    """(B,T,22,3,3) the root in the camera's frame, then the body's."""
    return torch.cat([pairs.root[rows, :, None], pairs.body[rows]], dim=2)


def _points(body: Any, rotations: Tensor, betas: Tensor, name: str | None) -> Tensor:
    from humanav.uplift.points import body_points

    joints, turned = body(rotations, betas)
    return joints if name is None else body_points(name)(joints, turned, betas)


def yaw_deg(pairs: Sequence[Pairs]) -> Tensor:
    """(N,) angle in degrees, 0 to 180, between a person's front and the way to the camera, seen from above; one per
    frame in the order of :func:`measure`."""
    angles = []
    for some in pairs:
        front, away = some.root[..., :, 2][..., [0, 2]], some.pelvis[..., [0, 2]]
        cross = front[..., 0] * away[..., 1] - front[..., 1] * away[..., 0]
        angles.append(torch.rad2deg(torch.atan2(cross.abs(), -(front * away).sum(-1))).flatten())
    return torch.cat(angles)


def by_yaw(errors: Errors, yaw: Tensor) -> dict[str, dict[str, float]]:
    """The summary of each bin of :data:`YAW_BINS` that has frames, with their number."""
    rows = {}
    for name, low, high in YAW_BINS:
        inside = (yaw >= low) & (yaw < high)
        if bool(inside.any()):
            rows[name] = {"frames": int(inside.sum()), **errors.take(inside).summary()}
    return rows


def cut(pairs: Sequence[Pairs], length: int) -> list[Pairs]:
    """The same frames in clips of ``length``; what is left over at the end of a clip makes a shorter one."""
    parts = []
    for some in pairs:
        frames = some.keypoints.shape[1]
        whole = frames - frames % length
        for start, stop, each in ((0, whole, length), (whole, frames, frames - whole)):
            if stop > start:
                parts.append(_pieces(some, start, stop, each))
    return parts


def _pieces(pairs: Pairs, start: int, stop: int, length: int) -> Pairs:
    """Frames ``start`` to ``stop`` of every clip as clips of ``length``."""
    count = (stop - start) // length
    values = {}
    for field in fields(pairs):
        value = getattr(pairs, field.name)
        if field.name in ("K", "size", "betas", "fps"):
            values[field.name] = value.repeat_interleave(count, 0)
        else:
            values[field.name] = value[:, start:stop].unflatten(1, (count, length)).flatten(0, 1)
    return replace(pairs, **values)


def from_network(network: torch.nn.Module, flip: bool = False) -> Predict:
    """A network of this room as a function from keypoints to rotations in the camera's frame; with ``flip``, averaged
    with what the mirrored scene gives."""
    from humanav.uplift.model import predict_rotations

    return lambda keypoints, intrinsics, known: predict_rotations(network, keypoints, intrinsics, known, flip)[0]


def score(keypoint_set: str, cmu: str | Path, *, checkpoint: str | Path | None = None, split: Split = "test",
          noise: float = 1.0, frames: int = 81, views: int = 1, seed: int = 0, flip: bool = True,
          focal_known: bool = True, points: str | None = None) -> dict[str, Any]:
    """Measure a checkpoint on captured people whom it was not trained on.

    Args:
        keypoint_set: a layout; its network's own is what is simulated.
        cmu: the compact npz of the CMU motion capture, or a folder that ``humanav uplift prepare`` wrote.
        checkpoint: a folder, instead of the shipped one of the layout.
        split: "test" or "validation".
        noise: level of the simulated detector's errors.
        frames: of a clip; 1 for photos.
        views: random cameras for every clip.
        seed: of bodies, cameras and noise.
        flip: average with the mirrored scene, as prediction does.
        focal_known, points: see :func:`measure`.

    Returns:
        ``numbers`` (means), ``joints`` (a row for each), ``sides`` (a row for each of ``YAW_BINS``) and what was asked.

    Raises:
        InputError: no network or no motion there, or not of this layout.
    """
    from humanav.uplift.layouts import network_set
    from humanav.uplift.model import Uplift
    from humanav.uplift.pairs import held_out_pairs
    from humanav.uplift.prepared import read_clips

    uplift = Uplift.load(network_set(keypoint_set), checkpoint)
    if frames < 1 or views < 1 or noise < 0:
        raise InputError("Clips of at least 1 frame, at least 1 view and a noise level of at least 0 can be measured.")
    pairs = held_out_pairs(read_clips(cmu, split), uplift.keypoint_set, frames=frames, seed=seed, noise=noise,
                           views=views)
    errors = measure(from_network(uplift.network, flip), pairs, focal_known=focal_known, points=points)
    return {"keypoint_set": uplift.keypoint_set, "split": split, "noise": noise, "clip": frames,
            "frames": errors.frames, "numbers": errors.summary(), "joints": errors.per_joint(),
            "sides": by_yaw(errors, yaw_deg(pairs))}


def lines(found: dict[str, Any]) -> list[str]:
    """What :func:`score` found as lines of text."""
    text = [f"{found['frames']} frames in clips of {found['clip']}, {found['keypoint_set']}, {found['split']} "
            f"subjects, noise {found['noise']:g}",
            *(f"{name:24} {value:8.2f}" for name, value in found["numbers"].items())]
    for key in ("sides", "joints"):
        rows = found.get(key, {})
        columns = list(next(iter(rows.values()), {}))
        if key == "sides":
            columns = [name for name in columns if name in SIDE_COLUMNS]
        text += ["", " " * 16 + "".join(f"{name:>14}" for name in columns)] if rows else []
        text += [f"{name:16}" + "".join(f"{row[column]:14.4g}" for column in columns) for name, row in rows.items()]
    return text
