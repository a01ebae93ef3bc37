"""What matching says to the user: who was found where, what was put right, and what to do when nobody was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.match_frames import Seen
from humanav.multiview.match_settings import MatchSettings
from humanav.multiview.rays import between_rays
from humanav.multiview.value import Person3D, Rig, Sightings

Array = NDArray[np.float64]

_ODD = 0.035  # metres in the median from which on something is wrong
_MEET = 0.05  # metres: rays of one person's detections are nearer
_WORTH = 0.05  # share of the frames in which somebody left out must be seen to be told of


def notes(people: Sequence[Person3D], sightings: Sightings, rig: Rig, settings: MatchSettings) -> list[str]:
    """Sentences on everybody found and left out."""
    out = []
    frames = sightings.frames
    if len(rig) == 2:
        looked = settings.looks != "never" and sightings.looks.shape[-1] > 0
        out.append("With two cameras a wrong pair of people can fit as well as the right one: "
                   + ("colours were used to tell them apart, " if looked else "") + "a third camera is much safer.")
    for person in people:
        seen = ((person.chosen >= 0).sum(axis=1) >= 2).sum()
        views = (person.chosen >= 0).mean(axis=0)
        weak = [f"{name} in {format(share, '.0%') if share else 'none'}"
                for name, share in zip(rig.names, views) if share < 0.9]
        out.append(f"Person {person.person_id} is matched in {seen} of {frames} frames"
                   + (f"; it is seen by {', '.join(weak)} of all frames." if weak else ", in every view."))
        flips = person.swapped.sum(axis=0)
        told = [f"{name} ({count} frames)" for name, count in zip(rig.names, flips) if count]
        if told:
            out.append(f"Person {person.person_id}: left and right were exchanged in {', '.join(told)} and put back.")
    out += _left_out(people, sightings)
    off = disagreement(people, rig)
    if off > _ODD:
        out.append(f"The views disagree by {100 * off:.1f} cm in the median (2 cm are usual): check the calibration "
                   "and that the videos run together; the doctor measures both.")
    if settings.smooth != "none":
        out.append(f"The points in space were smoothed ({settings.smooth}, {settings.cutoff:g} Hz).")
    return out


def disagreement(people: Sequence[Person3D], rig: Rig) -> float:
    """Metres by which detected points lie off the points in space, in the median; NaN when there are none."""
    off = [metres_off(rig, person.keypoints, person.residual) for person in people]
    known = np.concatenate(off) if off else np.zeros(0)
    return float(np.median(known)) if len(known) else float("nan")


def metres_off(rig: Rig, points: Array, residual: Array) -> Array:
    """(N,) metres at the points (T,K,4) of the pixels (T,V,K) by which the views are off, where known."""
    safe = np.nan_to_num(points[..., :3])
    depth = np.stack([camera.to_camera(safe)[..., 2] / camera.focal for camera in rig.cameras], axis=1)
    off = np.asarray(residual * depth).ravel()
    return np.asarray(off[np.isfinite(off)])


def _left_out(people: Sequence[Person3D], sightings: Sightings) -> list[str]:
    """Sentences on detections that are nobody in space: bystanders that one view sees, and false finds."""
    rest = sightings.present.copy()
    for person in people:
        t, v = np.nonzero(person.chosen >= 0)
        rest[t, v, person.chosen[t, v]] = False
    out = []
    for view, name in enumerate(sightings.names):
        frames = int(rest[:, view].any(axis=1).sum())
        if frames > _WORTH * sightings.frames:
            out.append(f"Somebody whom no other view confirms is seen by {name} in {frames} frames and left out.")
    return out


def nobody(seen: Seen, sightings: Sightings, alike: Array) -> str:
    """The sentence for a capture in which nobody could be matched."""
    views = [name for name, there in zip(sightings.names, sightings.present.any(axis=(0, 2))) if there]
    if len(views) < 2:
        who = f"only {views[0]} sees anybody" if views else "no camera sees anybody"
        return f"Nobody can be matched: {who}, and two views are needed. Check the videos and the detections."
    if sightings.present.any(axis=2).sum(axis=1).max() < 2:
        return ("Nobody can be matched: no two cameras see somebody in the same frame. Check that the videos are of "
                "the same moment.")
    best = best_residual(seen)
    if not np.isfinite(best):
        return ("Nobody can be matched: no two views show the same points of a body, or what they show does not meet "
                "before the cameras. Check that the calibration is of these cameras: run the doctor on it.")
    if best < _MEET:
        return ("Nobody can be matched: rays of two cameras meet, but in too few frames or on too little of a body. "
                "Choose a part of the capture that shows people longer; if it does, check the calibration: run the "
                "doctor on it.")
    return (f"Nobody can be matched: even the best pair of detections has rays {100 * best:.0f} cm apart (below 5 cm "
            "is usual). Check the calibration, its unit, and that the videos run together: run the doctor on it.")


def best_residual(seen: Seen) -> float:
    """Metres: the least of all pairs of detections of the median distance of their rays, over up to 20 frames."""
    frames, views = seen.confidence.shape[:2]
    least = np.inf
    for t in np.unique(np.linspace(0, frames - 1, min(frames, 20)).astype(int)):
        for a in range(views):
            for b in range(a + 1, views):
                apart = between_rays(seen.lenses.centres[a], seen.rays[t, a], seen.lenses.centres[b], seen.rays[t, b])
                both = (seen.confidence[t, a] > 0)[:, None] & (seen.confidence[t, b] > 0)[None]
                for i, j in np.argwhere(both.sum(axis=-1) >= 3):
                    own = apart[i, j][both[i, j]]
                    own = own[np.isfinite(own)]
                    if len(own) >= 3:
                        least = min(least, float(np.median(own)))
    return least
