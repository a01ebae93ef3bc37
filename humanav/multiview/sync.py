"""Time offsets between cameras from how people move, and sightings brought to the same moments.

Convention: view v's frame ``t + offsets.frames[v]`` shows the moment that the first view shows at frame ``t``; a camera
that was started later than the first has a negative offset.

Two curves say, for each pair of views, how well every lag fits: how alike people's movements look (no calibration
needed), and how near the rays of their keypoints pass (with a calibration; only people who move across the lines of
sight say something). Offsets are chosen for all views at once on the sum of the curves, so a pair that says little, or
something else, is outvoted. Who is who is not known: at each lag people are paired as fits best.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.multiview.sync_curves import movement_curve, ray_curve, ray_pixels, together
from humanav.multiview.sync_signals import motion_signals
from humanav.multiview.sync_tracks import by_track, sides
from humanav.multiview.value import Rig, Sightings

Array = NDArray[np.float64]

MOST_SECONDS = 5.0
"""Farthest lag looked for."""
NEAR = 15
"""Frames round what the movement says in which the rays are asked."""
TOLD = 0.3
"""Confidence from which an offset is believed."""
_FITS = 0.06  # of the person's size: rays that pass farther than this at every lag belong to no usable calibration


@dataclass(frozen=True)
class Offsets:
    """Lags of the views.

    Attributes:
        names: of the V views.
        frames: (V,) offsets in frames, fractions included, 0 for the first view; 0 too where it cannot be told.
        confidence: (V,) 0..1.
        told: (V,) whether the movement says it; the first view's is True where any other's is.
        pair_frames: (V,V) what each pair alone says (lag of the second view), NaN where nothing.
        before_px, after_px: median distance between rays in pixels without and with the offsets; None without a rig.
        notes: sentences on what was found.
    """

    names: tuple[str, ...]
    frames: Array
    confidence: Array
    told: NDArray[np.bool_]
    pair_frames: Array
    before_px: float | None = None
    after_px: float | None = None
    notes: tuple[str, ...] = ()


def find_offsets(sightings: Sightings, rig: Rig | None = None, most: float | None = None) -> Offsets:
    """Offsets of all views from the movement of the people in them.

    Args:
        rig: of the same views, in any order; without it, or where it does not fit, movement alone is compared.
        most: farthest lag in frames, by default five seconds; never more than three quarters of the capture.

    Returns:
        Offsets; where there is too little to go on they are 0, not told, and a note says so.
    """
    frames, views = sightings.frames, len(sightings.names)
    reach = int(min(most if most is not None else MOST_SECONDS * sightings.fps, 0.75 * frames))
    if views < 2 or reach < 1:
        return _nothing(sightings, "There is only one view, or one moment: nothing to compare.")
    people = by_track(sightings)
    partner = sides(sightings.landmark_names)
    signals = [[motion_signals(people[:, v, p], sightings.fps) for p in range(people.shape[2])] for v in range(views)]
    turned = [[motion_signals(people[:, v, p][:, partner], sightings.fps) for p in range(people.shape[2])]
              for v in range(views)]
    pairs = list(combinations(range(views), 2))
    curves = {(a, b): movement_curve(signals[a], signals[b], turned[b], reach) for a, b in pairs}
    apart = max(3, round(0.3 * sightings.fps))
    coarse, trust = together(curves, views, reach, apart)
    notes: list[str] = []
    before = after = None
    cameras = rig.only(sightings.names).cameras if rig is not None and set(sightings.names) <= set(rig.names) else ()
    if cameras:
        sure = bool((trust[1:] >= TOLD).all())
        window = min(NEAR, reach) if sure else reach
        centre = np.round(coarse).astype(int) if sure else np.zeros(views, int)
        rays = {(a, b): ray_curve(people[:, a], people[:, b], cameras[a], cameras[b], int(centre[b] - centre[a]),
                                  window, reach) for a, b in pairs}
        usable = {pair: curve for pair, curve in rays.items() if curve.best < _FITS}
        if usable:
            curves = {pair: usable[pair].mixed(curves[pair]) if pair in usable else curves[pair] for pair in pairs}
            coarse, trust = together(curves, views, reach, apart)
        else:
            notes.append("The calibration fits the people at no lag, so only their movements were compared.")
    told = trust >= TOLD
    told[0] = bool(told[1:].any())
    found = np.where(told, coarse, 0.0)
    if cameras:
        before, after = ray_pixels(people, cameras, np.zeros(views)), ray_pixels(people, cameras, found)
    alone = np.full((views, views), np.nan)
    for (a, b), curve in curves.items():
        lag, says = curve.peak(apart)
        if says >= TOLD:
            alone[a, b], alone[b, a] = lag, -lag
    return Offsets(sightings.names, found, trust, told, alone, before, after, (*_said(sightings, found, trust, told),
                                                                               *notes))


def shifted(sightings: Sightings, offsets: Offsets) -> Sightings:
    """The part that all views share, each view moved by its offset so that frame t is the same moment everywhere; views
    that the offsets do not name are not moved.

    Fractions are interpolated between the two frames where both hold the same person, else the nearer frame is taken.

    Raises:
        InputError: the offsets leave no common frame.
    """
    frames = sightings.frames
    known = dict(zip(offsets.names, offsets.frames))
    late = np.array([float(known.get(name, 0.0)) for name in sightings.names])
    first = int(np.ceil(-min(0.0, late.min()) - 1e-9))
    last = int(np.floor(frames - 1 - max(0.0, late.max()) + 1e-9))
    if last < first:
        raise InputError("With these time offsets no moment is seen by every camera: leave out the camera that is far "
                         "off, or give longer videos.")
    times = np.arange(first, last + 1)
    points = np.zeros((len(times), *sightings.keypoints.shape[1:]))
    tracks = np.zeros((len(times), *sightings.tracks.shape[1:]), np.int64)
    looks = np.zeros((len(times), *sightings.looks.shape[1:]))
    masks: dict[tuple[int, int, int], bytes] = {}
    source = np.zeros((len(times), len(sightings.names)), np.int64)
    for v, offset in enumerate(late):
        exact = times + offset
        low = np.clip(np.floor(exact + 1e-9).astype(int), 0, frames - 1)
        high = np.minimum(low + 1, frames - 1)
        part = exact - low
        near = np.where(part >= 0.5, high, low)
        points[:, v], tracks[:, v], looks[:, v] = (x[near, v] for x in (sightings.keypoints, sightings.tracks,
                                                                        sightings.looks))
        a, b = sightings.keypoints[low, v], sightings.keypoints[high, v]
        same = (sightings.tracks[low, v] == sightings.tracks[high, v]) & (sightings.tracks[low, v] >= 0)
        mix = part[:, None, None, None]
        both = same[..., None] & (a[..., 2] > 0) & (b[..., 2] > 0) & (part > 1e-6)[:, None, None]
        points[:, v] = np.where(both[..., None], (1 - mix) * a + mix * b, points[:, v])
        source[:, v] = near
    for (t, v, d), data in sightings.masks.items():
        for new in np.flatnonzero(source[:, v] == t):
            masks[int(new), v, d] = data
    return replace(sightings, keypoints=points, tracks=tracks, looks=looks, masks=masks)


def _said(sightings: Sightings, found: Array, trust: Array, told: NDArray[np.bool_]) -> list[str]:
    out = []
    for name, frames, sure, known in list(zip(sightings.names, found, trust, told))[1:]:
        if not known:
            out.append(f"How far {name} is off in time cannot be told: nobody moves enough, or too few frames are "
                       "shared.")
        elif abs(frames) >= 0.5:
            word = "ahead of" if frames < 0 else "behind"
            out.append(f"{name} is {abs(frames):.1f} frames ({abs(frames) / sightings.fps:.2f} s) {word} "
                       f"{sightings.names[0]} (confidence {sure:.2f}).")
    return out


def _nothing(sightings: Sightings, why: str) -> Offsets:
    views = len(sightings.names)
    return Offsets(sightings.names, np.zeros(views), np.zeros(views), np.zeros(views, bool),
                   np.full((views, views), np.nan), notes=(why,))
