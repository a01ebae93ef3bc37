"""Cameras corrected a little by the people they see.

A calibration made hours earlier, with other lenses or a camera that was touched since, is off by a fraction of a
degree; the people's keypoints, hundreds a second in every view, say by how much. They also carry the detector's habits
(a hip seen from behind is not the hip seen from the front), so the cameras may move only about as far as a prior lets
them, and a correction is kept only where it also helps the half of the frames that it was not fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.multiview.adjust_bundle import Freedom, bundle
from humanav.multiview.sync_tracks import sides
from humanav.multiview.triangulate import triangulate
from humanav.multiview.value import Matched, Person3D, Rig, Sightings

Array = NDArray[np.float64]

PRIOR_DEGREES, PRIOR_METRES = 0.6, 0.02
"""Standard deviations of how far a camera has moved since it was calibrated."""
_GAIN = 0.98  # of the residual of the frames not fitted to: less is no gain
_SECONDS = 0.2  # within which a detector repeats its error
_SURE = 0.3
_FEWEST = 60  # points


@dataclass(frozen=True)
class Adjusted:
    """Corrected cameras.

    Attributes:
        rig: the corrected one, or the old one where the correction did not help.
        moved_deg, moved_m: (V,) how far each camera turned and moved.
        before_px, after_px: median residual over all frames.
        held_before_px, held_after_px: of the half of the frames that a trial correction was not fitted to; NaN where
            there are too few.
        kept: whether the rig is a corrected one.
        notes: sentences.
    """

    rig: Rig
    moved_deg: Array
    moved_m: Array
    before_px: float
    after_px: float
    held_before_px: float
    held_after_px: float
    kept: bool
    notes: tuple[str, ...] = ()


def refine_cameras(
    rig: Rig, sightings: Sightings, matched: Matched, *, prior_deg: float = PRIOR_DEGREES,
    prior_m: float = PRIOR_METRES, focal: float = 0.0, most_frames: int = 150, always: bool = False,
) -> Adjusted:
    """Turn and move each camera so that the people's keypoints agree better.

    Args:
        rig: the cameras; those of the sightings' views are corrected.
        matched: who is who; it is believed, so match again with the result where cameras were far off.
        prior_deg, prior_m: standard deviations of the change of a camera's direction and place.
        focal: of the change of the focal lengths' logarithm; 0 keeps them.
        most_frames: frames used, spread evenly.
        always: keep the correction even where the frames not fitted to do not gain by it.

    Raises:
        InputError: fewer than two views, or too few points seen by several.
    """
    if len(sightings.names) < 2:
        raise InputError("One camera cannot be checked against others: give at least two views.")
    cameras = rig.only(sightings.names)
    seen = _observed(sightings, matched, most_frames)
    if not len(seen) or _enough(seen) < _FEWEST:
        raise InputError("Too few points of people are seen by several cameras at once to refine the calibration: film "
                         "people who move through the middle of the space.")
    frames = np.unique(seen[..., 0, 3])
    early = seen[..., 0, 3] <= np.median(frames)
    freedom = Freedom(prior_deg, prior_m, focal)
    thin = max(1.0, _SECONDS * sightings.fps * len(frames) / max(matched.frames, 1))
    trials = [(residual(cameras, seen[rest]), residual(_fitted(cameras, seen[fit], freedom, thin), seen[rest]))
              for fit, rest in ((early, ~early), (~early, early))
              if _enough(seen[fit]) >= _FEWEST // 2 and _enough(seen[rest]) >= _FEWEST // 2]
    held = np.mean(trials, axis=0) if trials else np.array([np.nan, np.nan])
    found = _fitted(cameras, seen, freedom, thin)
    before, after = residual(cameras, seen), residual(found, seen)
    helps = bool(held[1] < _GAIN * held[0]) and after < before
    kept = always or helps
    moved = [_change(a, b) for a, b in zip(cameras.cameras, found.cameras)]
    degrees, metres = (np.array([m[i] for m in moved]) for i in range(2))
    words = ", ".join(f"{name} {d:.2f} degrees and {100 * m:.1f} cm" for name, d, m in
                      zip(cameras.names, degrees, metres))
    if not kept:
        why = (f"would not help the frames that it was not fitted to ({held[0]:.1f} px before, {held[1]:.1f} after)"
               if trials else "could not be tried on frames that it was not fitted to: there are too few")
        note = f"The calibration was left as it is: a correction ({words}) {why}."
        return Adjusted(rig, np.zeros(len(cameras)), np.zeros(len(cameras)), before, before, float(held[0]),
                        float(held[1]), False, (note,))
    tried = f", on frames not fitted to from {held[0]:.1f} to {held[1]:.1f}" if trials else ""
    note = (f"The cameras were corrected by the people's keypoints: {words}; the median residual went from "
            f"{before:.1f} to {after:.1f} px{tried}.")
    new = dict(zip(found.names, found.cameras))
    whole = replace(rig, cameras=tuple(new.get(name, camera) for name, camera in zip(rig.names, rig.cameras)))
    return Adjusted(whole.noted(note), degrees, metres, before, after, float(held[0]), float(held[1]), True, (note,))


def observations(sightings: Sightings, person: Person3D) -> Array:
    """Keypoints (T,V,K,3) of a matched person as they were detected, left and right exchanged where the matcher did.

    Points that the matcher left out for not agreeing are in it: they say most about a camera that is off.
    """
    chosen = np.maximum(person.chosen, 0)
    points = np.take_along_axis(sightings.keypoints, chosen[:, :, None, None, None], axis=2)[:, :, 0].copy()
    points[person.chosen < 0] = 0
    swap = np.asarray(person.swapped, dtype=bool)
    points[swap] = points[swap][:, sides(sightings.landmark_names)]
    return points


def residual(rig: Rig, seen: Array) -> float:
    """Median pixels from points (N,V,4: x, y, confidence, frame) to their robustly triangulated selves."""
    found = triangulate(rig, seen[:, :, None, :3])
    values = found.residual[np.isfinite(found.residual)]
    return float(np.median(values)) if len(values) else float("nan")


def _observed(sightings: Sightings, matched: Matched, most_frames: int) -> Array:
    """Points (N,V,4): x, y, confidence, frame, of all people."""
    frames = np.unique(np.linspace(0, sightings.frames - 1, min(most_frames, sightings.frames)).round().astype(int))
    parts = []
    for person in matched.people:
        points = observations(sightings, person)[frames]
        points[..., 2] *= points[..., 2] > _SURE
        number = np.broadcast_to(frames[:, None, None, None].astype(float), (*points.shape[:3], 1))
        part = np.moveaxis(np.concatenate([points, number], axis=-1), 1, 2).reshape(-1, points.shape[1], 4)
        parts.append(part[(part[..., 2] > 0).sum(1) >= 2])
    return np.concatenate(parts) if parts else np.zeros((0, len(sightings.names), 4))


def _enough(seen: Array) -> int:
    return int(((seen[..., 2] > 0).sum(1) >= 2).sum())


def _fitted(rig: Rig, seen: Array, freedom: Freedom, thin: float) -> Rig:
    """The rig adjusted to points, from their robust triangulation."""
    start = triangulate(rig, seen[:, :, None, :3])
    known = np.isfinite(start.points[:, 0, 0])
    if known.sum() < 10:
        return rig
    errors = start.residual[np.isfinite(start.residual)]
    scale = float(np.clip(1.5 * np.median(errors), 2.0, 40.0))
    pixels, weight = seen[known, :, :2], seen[known, :, 2]
    done = bundle(rig.cameras, pixels, weight, start.points[known, 0, :3], freedom, scale=scale, thin=thin)
    return replace(rig, cameras=done.cameras)


def _change(a: Camera, b: Camera) -> tuple[float, float]:
    """Degrees and metres between two cameras."""
    cosine = (np.trace(a.R @ b.R.T) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), float(np.linalg.norm(a.center - b.center))
