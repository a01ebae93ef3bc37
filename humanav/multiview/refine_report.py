"""What a refinement tells: numbers before and after, and pictures of a frame in all views with its contacts marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.gate import pixel_errors
from humanav.multiview.refine_targets import PixelTargets
from humanav.multiview.refine_value import Round
from humanav.multiview.scene import GaussianScene
from humanav.multiview.value import Fitted, Pictures, Rig

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.fit.clip_kinematics import PosedClip
    from humanav.motion import Motion

Array = NDArray[np.float64]

_MOST_FRAMES = 25  # in which bodies are measured against each other
_TOUCH, _DEEP = 0.02, 0.005  # metres: nearer than this is contact, deeper than this is marked as inside
_TOUCH_COLOR, _DEEP_COLOR = (250, 200, 40), (235, 60, 60)
_VIEWS = 6  # at most that a picture shows
_REACH = 0.1  # metres within which the nearest of somebody else is looked for
_SHOWN = 0.03  # metres behind what is drawn at which a point still counts as seen


def body_numbers(fitted: Fitted, rig: Rig, body: BodyModel) -> dict[str, Any]:
    """``reprojection_px`` by view and, of two people or more, ``penetration_mm`` (mean over the frames in contact of
    the deepest point) and ``contact_frames``; ``deepest_frame`` is where they are deepest in each other."""
    from humanav.multiview.contact import clip_contact

    off = np.stack([person.reprojection for person in fitted.people])
    known = np.isfinite(off)
    mean = np.where(known, off, 0).sum(axis=(0, 1)) / np.maximum(known.sum(axis=(0, 1)), 1)
    out: dict[str, Any] = {"reprojection_px": {
        name: round(float(px), 2) if there else None
        for name, px, there in zip(rig.names, mean, known.any(axis=(0, 1)), strict=True)}}
    if len(fitted.people) > 1:
        some = np.unique(np.linspace(0, fitted.frames - 1, min(fitted.frames, _MOST_FRAMES)).round().astype(int))
        met = clip_contact([person.motion for person in fitted.people], body, frames=some.tolist(), volume=False)
        summary = met.summary()
        out["penetration_mm"] = round(float(summary["penetration_mm"] or 0), 2)
        out["contact_frames"] = int(summary["contact_frames"] or 0)
        out["deepest_frame"] = int(some[met.depth_mm.max(axis=1).argmax()])
    return out


def mask_overlap(scene: GaussianScene, clips: Sequence[PosedClip], targets: PixelTargets, rig: Rig,
                 frames: int) -> dict[str, float | None]:
    """IoU of everybody's cover with the union of the masks by view; None where there are no masks."""
    _, _, union = pixel_errors(scene.posed(clips, targets.frames), targets, frames)
    known = np.isfinite(union)
    mean = np.where(known, union, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return {name: round(float(value), 4) if there else None
            for name, value, there in zip(rig.names, mean, known.any(axis=0), strict=True)}


def before_after(
    scene: GaussianScene, rig: Rig, pictures: Pictures, before: Sequence[Motion], now: Sequence[Motion], frame: int,
    height: int = 220,
) -> NDArray[np.uint8]:
    """A picture (h,w,3): for each view a row of the photo, the scene before and the scene now, contacts marked.

    The first six views are shown, without those whose camera stands among the people; the rows are ``height`` high.

    Yellow: closer than 2 cm to somebody else; red: more than 5 mm inside.
    """
    import cv2

    from humanav.multiview.scene import clip_of

    marks = []
    for motions in (before, now):
        clips = [clip_of(splats, motion[frame]) for splats, motion in zip(scene.people, motions, strict=True)]
        posed = scene.posed(clips)
        marks.append(_contacts(posed.means[0], posed.normals[0], posed.owner))
    rows = []
    everybody = np.concatenate([places for places, _ in marks])
    for view, camera in enumerate(rig.cameras[:_VIEWS]):
        xy, depth = camera.project(everybody)
        if (depth < 0.2).any():
            continue
        low, high = xy.min(axis=0), xy.max(axis=0)
        size = np.maximum(1.2 * (high - low), 1.0)
        left, top = (low + high) / 2 - size / 2
        factor = height / size[1]
        small = camera.cropped(left, top, max(1, round(size[0])), max(1, round(size[1]))).scaled(factor)
        photo = pictures.frame(view, frame)
        scale = photo.shape[1] / camera.width
        move = np.array([[factor / scale, 0, -left * factor], [0, factor / scale, -top * factor]])
        behind = cv2.warpAffine(photo, move, (small.width, small.height), flags=cv2.INTER_AREA,
                                borderValue=(40, 40, 40))
        row = [behind]
        for motions, (places, kind) in zip((before, now), marks, strict=True):
            drawn = scene.render(small, motions, frame, background=(0.93, 0.93, 0.94))
            picture = np.ascontiguousarray((255 * drawn.rgb).astype(np.uint8))
            spots, away = small.project(places)
            shown = _shown(spots, away, drawn.depth)
            for mark, color in ((1, _TOUCH_COLOR), (2, _DEEP_COLOR)):
                for x, y in spots[shown & (kind == mark)]:
                    cv2.circle(picture, (int(x), int(y)), 1, color, -1)
            row.append(picture)
        rows.append(np.concatenate(row, axis=1))
    if not rows:
        return np.zeros((1, 1, 3), np.uint8)
    wide = max(row.shape[1] for row in rows)
    return np.concatenate([
        np.pad(row, ((0, 0), (0, wide - row.shape[1]), (0, 0)), constant_values=238) for row in rows])


def said(rounds: Sequence[Round], views: int, gate: bool, masks: bool) -> tuple[str, ...]:
    """Sentences on what rounds did with so many ``views`` that may teach, and on what they had to do without."""
    notes = []
    if views < 3:
        notes.append("With two cameras both teach and none is left to judge: compare before and after yourself.")
    elif gate:
        kept, lost = (sum(getattr(r, k) for r in rounds) for k in ("accepted", "rejected"))
        notes.append(f"A camera that took no part found the refined poses better in {kept} of {kept + lost} cases; "
                     "the others stayed as they were.")
    if not masks:
        notes.append("There are no masks: avatars learn no colours, and little but keypoints guides the refinement.")
    return tuple(notes)


def _shown(spots: Array, away: Array, depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which points are not behind what is drawn."""
    x, y = (np.clip(spots[:, k].astype(int), 0, depth.shape[1 - k] - 1) for k in range(2))
    inside = (spots >= 0).all(axis=1) & (spots < [depth.shape[1], depth.shape[0]]).all(axis=1)
    return np.asarray(inside & (away < depth[y, x] + _SHOWN))


def _contacts(places: Array, normals: Array, owner: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """Places (N,3) and what they are: 0 free, 1 in contact, 2 inside somebody else."""
    from scipy.spatial import cKDTree

    kind = np.zeros(len(places), np.int64)
    for person in np.unique(owner):
        others, own = np.flatnonzero(owner != person), np.flatnonzero(owner == person)
        if len(others) == 0:
            continue
        far, nearest = cKDTree(places[others]).query(places[own], distance_upper_bound=_REACH)
        near = np.isfinite(far)
        other = others[nearest[near]]
        height = ((places[own[near]] - places[other]) * normals[other]).sum(axis=1)
        kind[own[near]] = np.where(height < -_DEEP, 2, np.where(far[near] < _TOUCH, 1, 0))
    return places, kind
