"""From fitted photos to an :class:`~humanav.avatar.Avatar`: shape, clothes, texture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.avatar.atlas import enlarge_eyes, texels
from humanav.avatar.avatar import Avatar, Floats
from humanav.avatar.garments import describe_garments, read_wardrobe
from humanav.avatar.geometry import fit_offsets, shoe_shape
from humanav.avatar.matte import tighten
from humanav.avatar.regions import PART, Regions, find_regions
from humanav.avatar.skirt import covered_legs, find_hem, join_atlas, join_regions, make_tube
from humanav.avatar.texture import Seen, Surface, bake, see
from humanav.avatar.views import Frame, View, prepare
from humanav.body import BodyModel
from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError
from humanav.progress import Progress
from humanav.render import vertex_normals


def build_avatar(
    views: Sequence[View], betas: ArrayLike, body: BodyModel, *, texture_size: int = 2048,
    progress: Progress | None = None,
) -> Avatar:
    """One person from one or more fitted photos.

    Args:
        views: the first shapes the body; further ones (a back view) add to the texture and to the thickness.
        betas: (B,) shape of the fitted body.
        body: the body model the views were fitted with; it needs texture coordinates.
        texture_size: side of the texture, a power of two.
        progress: told about the stages "Shaping clothes and hair" and "Painting the texture".

    Raises:
        InputError: no view, a cut-out without a person, sizes that do not agree, a body without texture coordinates.
        Cancelled: the user stopped the job.
    """
    if not views:
        raise InputError("An avatar needs at least one photo.")
    if body.uv is None or body.uv_faces is None:
        raise InputError("This body file has no texture coordinates, so it cannot wear a photo; use the built-in body.")
    if texture_size < 64 or texture_size > 8192 or texture_size & (texture_size - 1):
        raise InputError("The texture's side must be a power of two between 64 and 8192.")
    _stage(progress, "Shaping clothes and hair")
    shaped, joints = (np.asarray(x.detach().cpu().numpy(), dtype=np.float32) for x in body.rest(betas, None))
    faces = np.asarray(body.faces, dtype=np.int64)
    index, weight = four_influences(body.skin_index, body.skin_weight)
    frames = [prepare(view, joints, tuple(int(p) for p in body.parents)) for view in views]
    regions = body_regions(body, index, weight)
    uv, uv_faces = body.uv.astype(np.float32), np.asarray(body.uv_faces, dtype=np.int64)
    eyes = joints[[JOINT_INDEX["left_eye"], JOINT_INDEX["right_eye"]]]
    uv = enlarge_eyes(uv, uv_faces, faces, shaped, eyes)
    parts = {"body": (0, len(faces))}
    hold = None
    hem = _skirt_hem(frames, shaped, faces, index, weight, regions, joints)
    if hem is not None:
        tube = make_tube(shaped, index, weight, regions.part, joints, *hem)
        hold = np.concatenate([covered_legs(regions, shaped, tube), np.zeros(len(tube.vertices), np.float32)])
        parts["skirt"] = (len(faces), len(faces) + len(tube.faces))
        uv, uv_faces = join_atlas(uv, uv_faces, tube)
        faces = np.concatenate([faces, tube.faces + len(shaped)])
        index, weight = np.concatenate([index, tube.index]), np.concatenate([weight, tube.weight])
        shaped = np.concatenate([shaped, tube.vertices])
        regions = join_regions(regions, tube)
    for frame in frames:
        tighten(frame, frame.posed(shaped, index, weight), faces)
    rest, iou = fit_offsets(shaped, faces, index, weight, regions, frames, hold)
    _part_done(progress, 0.8)
    rise = np.linalg.norm(rest - shaped, axis=1)
    if hold is not None:
        rest = rest - vertex_normals(rest, faces) * (0.012 * hold[:, None])
    _stage(progress, "Painting the texture")
    surface = Surface(rest, faces, uv, uv_faces, index, weight, regions, texels(uv, uv_faces, texture_size))
    seen = [see(surface, frame) for frame in frames]
    wardrobe = read_wardrobe(seen, frames, regions, faces, rise)
    if wardrobe.shoes is not None:
        surface = replace(surface, rest=shoe_shape(rest, regions, joints))
        seen = [see(surface, frame) for frame in frames]
    _part_done(progress, 0.3)
    texture, confidence = bake(surface, frames, seen, wardrobe, hold)
    return Avatar(surface.rest, faces.astype(np.int32), uv, uv_faces.astype(np.int32), texture, index.astype(np.uint8),
                  weight, joints, np.asarray(betas, dtype=np.float32).reshape(-1), confidence,
                  parts, {**describe_garments(wardrobe, hem is not None), "outline_iou": round(iou, 4)},
                  unseen_notes(seen, regions),
                  tuple(int(p) for p in body.parents))


def _skirt_hem(
    frames: Sequence[Frame], shaped: Floats, faces: NDArray[Any], index: NDArray[Any], weight: Floats,
    regions: Regions, joints: Floats,
) -> tuple[float, float] | None:
    """Where the skirt ends and how wide it is there, in the first view that shows one."""
    for frame in frames:
        posed_joints = np.einsum("jab,jb->ja", frame.rotation, joints) + frame.offset
        hem = find_hem(frame, frame.posed(shaped, index, weight), faces, regions.part, posed_joints)
        if hem is not None:
            return hem
    return None


_NAMED_PARTS = (("the face", ()), ("the upper body", ("torso",)), ("the left arm", ("left_upper_arm", "left_forearm")),
                ("the right arm", ("right_upper_arm", "right_forearm")), ("the left leg", ("left_thigh", "left_shin")),
                ("the right leg", ("right_thigh", "right_shin")), ("the feet", ("left_foot", "right_foot")))


def unseen_notes(seen: Sequence[Seen], regions: Regions) -> tuple[str, ...]:
    """A sentence that names the parts of the person no photo shows."""
    trust = np.max([view.vertex_trust for view in seen], axis=0) > 0.3
    missing = []
    for name, parts in _NAMED_PARTS:
        member = np.isin(regions.part, [PART[p] for p in parts]) if parts else regions.face > 0.5
        if "leg" in name and (regions.part == PART["skirt"]).any():
            member &= regions.part != PART["left_thigh"]
            member &= regions.part != PART["right_thigh"]
        if member.any() and trust[member].mean() < 0.06:
            missing.append(name)
    if not missing:
        return ()
    listed = missing[0] if len(missing) == 1 else ", ".join(missing[:-1]) + " and " + missing[-1]
    return (f"The photo does not show {listed}; what is there on the avatar is plain guesswork.",)


def body_regions(body: BodyModel, index: NDArray[Any], weight: Floats) -> Regions:
    """Regions of the body's mean shape."""
    template, joints = (np.asarray(x.detach().cpu().numpy(), dtype=np.float32)
                        for x in body.rest(np.zeros(body.num_betas, np.float32), None))
    faces = np.asarray(body.faces, dtype=np.int64)
    return find_regions(template, vertex_normals(template, faces), faces, joints, index, weight)


def four_influences(index: Any, weight: Any) -> tuple[NDArray[np.int64], Floats]:
    """The four strongest joints (V,4) of each vertex and their weights, which sum to 1."""
    index, weight = np.asarray(index, dtype=np.int64), np.asarray(weight, dtype=np.float32)
    order = np.argsort(-weight, axis=1, kind="stable")[:, :4]
    index, weight = np.take_along_axis(index, order, axis=1), np.take_along_axis(weight, order, axis=1)
    if index.shape[1] < 4:
        pad = ((0, 0), (0, 4 - index.shape[1]))
        index, weight = np.pad(index, pad), np.pad(weight, pad)
    return index, (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)


def _stage(progress: Progress | None, name: str) -> None:
    if progress is not None:
        progress.next(name)


def _part_done(progress: Progress | None, part: float) -> None:
    if progress is not None:
        progress.update(part)
