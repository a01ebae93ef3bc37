"""Synthetic close contact through every step: detections, people in space, bodies, bodies refined in the pictures.

``simulated``: the true landmarks with noise of 5 px, 15 % lost, 5 % of the limbs put down to the wrong side or person
(:mod:`humanav.multiview.simulate`), with the true masks; ``detector``: MediaPipe on the rendered films, its own masks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from _common import Say
from _multiview_films import Take
from _multiview_measures import bodies, match_f1, of_views, owners, plain, points
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.errors import HumanavError
from humanav.multiview.detect import detect
from humanav.multiview.fit import fit_people
from humanav.multiview.match import match_people
from humanav.multiview.match_settings import MatchSettings
from humanav.multiview.refine import refine
from humanav.multiview.simulate import simulate
from humanav.multiview.value import Rig, Sightings
from humanav.perception.takes import encode_mask

Pixels = NDArray[np.uint8]


class Films:
    """All frames of some views in memory, as the parts of the library ask for them."""

    def __init__(self, take: Take, index: list[int]) -> None:
        from humanav.perception import open_video

        self.names = tuple(take.rig.names[v] for v in index)
        self.fps = take.motions[0].fps
        self._views: list[list[Pixels]] = []
        for v in index:
            with open_video(take.videos[v]) as video:
                self._views.append([np.asarray(frame) for frame in video][: take.frames])
        self.frames = min(map(len, self._views))
        self.sizes = tuple((view[0].shape[1], view[0].shape[0]) for view in self._views)

    def __len__(self) -> int:
        return self.frames

    def frame(self, view: int, t: int) -> Pixels:
        """The picture of a view at frame ``t``."""
        return self._views[view][t]

    def read(self, view: int, first: int = 0) -> Iterator[Pixels]:
        """The pictures of one view in their order."""
        yield from self._views[view][first:]


@dataclass(frozen=True)
class Seen:
    """What one case starts from: ``owner`` (T,V,D) is the true person of every detection."""

    label: str
    take: Take
    rig: Rig
    index: list[int]
    sightings: Sightings
    owner: NDArray[np.int64]


def simulated(take: Take, views: int, seed: int) -> Seen:
    """Simulated keypoints with the true masks and colours of each person's own."""
    index = take.views(views)
    rig = take.rig.only([take.rig.names[v] for v in index])
    sightings, owner = simulate(take.motions, rig, seed=seed, looks=True)
    masks = {}
    for t, v, d in np.argwhere(owner >= 0):
        mask = take.masks[t, index[v], owner[t, v, d]][::2, ::2]
        if mask.any():
            masks[int(t), int(v), int(d)] = encode_mask(mask.astype(np.float32))
    return Seen(f"{take.action} {views} simulated", take, rig, index, replace(sightings, masks=masks), owner)


def detected(take: Take, everything: Sightings, views: int) -> Seen:
    """Some of the views that the detector has seen."""
    index = take.views(views)
    rig = take.rig.only([take.rig.names[v] for v in index])
    sightings = of_views(everything, index)
    return Seen(f"{take.action} {views} detector", take, rig, index, sightings, owners(take, sightings, rig))


def look(take: Take, say: Say, views: int) -> Sightings:
    """The detector on the films of all views that cases use; what it found is kept beside the films."""
    index = take.views(views)
    found = detect(Films(take, index), work=take.videos[0].parent / f"{take.name}-{views}-detected")
    say(f"{take.action}: detector on {len(index)} x {take.frames} frames, {int(found.present.sum())} detections")
    full = np.zeros((found.frames, len(take.rig), *found.keypoints.shape[2:]))
    full[:, index] = found.keypoints
    shape = full.shape[:3]
    tracks, looks = np.full(shape, -1, np.int64), np.zeros((*shape, found.looks.shape[-1]))
    tracks[:, index], looks[:, index] = found.tracks, found.looks
    masks = {(t, index[v], d): data for (t, v, d), data in found.masks.items()}
    return replace(found, keypoints=full, tracks=tracks, looks=looks, masks=masks, names=take.rig.names)


def matching(seen: Seen, **settings: Any) -> dict[str, Any]:
    """One row on matching alone."""
    try:
        matched = match_people(seen.sightings, seen.rig, MatchSettings(**settings))
    except HumanavError:
        return {"match_f1": 0.0, "people": 0}
    return {"match_f1": match_f1(matched, seen.owner), "people": len(matched.people), **points(matched, seen.take)}


def dlt(seen: Seen) -> dict[str, Any]:
    """Our matching, then the plain linear triangulation."""
    return points(plain(match_people(seen.sightings, seen.rig), seen.sightings, seen.rig), seen.take)


def whole(seen: Seen, body: BodyModel, say: Say) -> dict[str, Any]:
    """One row of everything."""
    begun = time.perf_counter()
    matched = match_people(seen.sightings, seen.rig)
    row: dict[str, Any] = {"match_f1": match_f1(matched, seen.owner), **points(matched, seen.take)}
    at_match = time.perf_counter()
    start = fit_people(matched, seen.sightings, seen.rig, body=body)
    at_fit = time.perf_counter()
    films = Films(seen.take, seen.index)
    begun_refine = time.perf_counter()
    end = refine(start, matched, seen.sightings, seen.rig, films, body=body).fitted
    at_end = time.perf_counter()
    before, after = bodies(start, seen.take, body), bodies(end, seen.take, body)
    for name in before:
        kind, unit = name.rsplit("_", 1)
        row |= {f"{kind}_init_{unit}": before[name], f"{kind}_refined_{unit}": after.get(name)}
    if seen.take.contact:
        row["penetration_truth_mm"] = float(seen.take.depth_mm[seen.take.contact].mean())
    row |= {"match_s": at_match - begun, "fit_s": at_fit - at_match, "refine_s": at_end - begun_refine}
    say(f"{seen.label}: match {row['match_f1']:.3f}, mpjpe {row['mpjpe_mm']:.0f}, " + ", ".join(
        f"{name} {before[name]:.2f} -> {after.get(name, float('nan')):.2f}" for name in before))
    return row
