"""Sightings of people, frame by frame, put together to takes: gaps bridged or split, sides mended, scraps dropped."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import FACE_POINTS, KEYPOINT_SETS
from humanav.perception.follow_smooth import smoothed, without_jumps
from humanav.perception.follow_store import Sighting
from humanav.perception.people import inside_frame
from humanav.perception.person import Person2D
from humanav.perception.sequence import KeypointSequence
from humanav.perception.sides import exchange, find_flips
from humanav.perception.takes import Take
from humanav.perception.video import Video

Array = NDArray[np.float32]

BRIDGED = 1.0
"""Seconds of absence that do not end a take."""
SHORTEST = 0.5
"""Seconds: shorter takes are dropped."""
FEWEST = 5
"""Frames: takes with fewer are dropped, unless the whole clip has fewer."""
LEAST_SHARE = 0.3
"""Of a take's frames in which the person must be seen."""


def assemble(
    sightings: Sequence[Sighting], shots: Sequence[tuple[int, int]], video: Video, notes: list[str]
) -> list[Take]:
    """The takes of everybody in ``sightings``, in the order of person and part; what was done is said in ``notes``."""
    takes: list[Take] = []
    for track in sorted({sighting.track for sighting in sightings}):
        own = sorted((s for s in sightings if s.track == track), key=lambda s: s.frame)
        found: list[Take] = []
        for run in _runs(own, shots, video.fps):
            if _worth_keeping(run, video):
                found.append(_take(run, str(track), len(found), video, notes))
        takes += found
        notes += _absences(found, shots, video.fps)
    return takes


def _absences(takes: Sequence[Take], shots: Sequence[tuple[int, int]], fps: float) -> list[str]:
    """Sentences on where one person was not seen."""
    notes = []
    who = "The person" if takes and takes[0].person_id == "1" else f"Person {takes[0].person_id}" if takes else ""
    for take in takes:
        if not take.seen.all():
            notes.append(f"{who} is not seen in {(~take.seen).sum()} of the {len(take)} frames from "
                         f"{take.start / fps:.1f} s on: the gap is bridged.")
    for before, after in pairwise(takes):
        cut = any(before.stop <= begin <= after.start for begin, _ in shots)
        notes.append(f"{who} is recognised again after a cut, at {after.start / fps:.1f} s: this is a part of its own."
                     if cut else
                     f"{who} is not seen from {before.stop / fps:.1f} to {after.start / fps:.1f} s: the motion is in "
                     "parts.")
    return notes


def _runs(own: Sequence[Sighting], shots: Sequence[tuple[int, int]], fps: float) -> list[list[Sighting]]:
    """Stretches of one shot without an absence longer than :data:`BRIDGED`."""
    begins = np.array([begin for begin, _ in shots])
    runs: list[list[Sighting]] = []
    for sighting in own:
        last = runs[-1][-1] if runs else None
        together = last is not None and sighting.frame - last.frame <= max(1.0, BRIDGED * fps) + 1 and (
            np.searchsorted(begins, last.frame, "right") == np.searchsorted(begins, sighting.frame, "right"))
        if together:
            runs[-1].append(sighting)
        else:
            runs.append([sighting])
    return runs


def _worth_keeping(run: Sequence[Sighting], video: Video) -> bool:
    frames = run[-1].frame - run[0].frame + 1
    fewest = min(len(video), max(FEWEST, round(SHORTEST * video.fps)))
    return frames >= fewest and len(run) >= min(fewest, FEWEST) and len(run) / frames >= LEAST_SHARE


def _take(run: Sequence[Sighting], person_id: str, part: int, video: Video, notes: list[str]) -> Take:
    start, count = run[0].frame, run[-1].frame - run[0].frame + 1
    layout = run[0].person.keypoint_set
    names = KEYPOINT_SETS[layout]
    people: list[Person2D | None] = [None] * count
    masks: list[bytes | None] = [None] * count
    evidence = np.zeros(count)
    for sighting in run:
        place = sighting.frame - start
        people[place], masks[place], evidence[place] = sighting.person, sighting.mask, sighting.evidence
    keypoints = _stacked([None if p is None else p.keypoints for p in people], len(names), 0.0)
    world = _stacked([None if p is None else p.world for p in people], len(names), np.nan)
    left, right, face = (_stacked([getattr(p, name, None) for p in people], size, 0.0)
                         for name, size in (("left_hand", 21), ("right_hand", 21), ("face", len(FACE_POINTS))))
    flips = find_flips(keypoints, names, video.fps, evidence)
    keypoints, world = exchange(keypoints, names, flips), exchange(world, names, flips)
    arms = flips[:, 1, None, None]
    left, right = np.where(arms, right, left), np.where(arms, left, right)
    who = "The person" if person_id == "1" else f"Person {person_id}"
    if flips.any():
        notes.append(f"{who}: left and right were exchanged in {flips.any(axis=1).sum()} of {count} frames and put "
                     "back.")
    if _feet_outside(keypoints, names, video):
        notes.append(f"{who}: the feet are outside the picture in most frames, so the legs are guessed.")
    there = keypoints[..., 2] > 0
    keypoints, jumps = without_jumps(keypoints, video.fps)
    keypoints = smoothed(keypoints, there, video.fps, 2)
    world = smoothed(world, np.isfinite(world[..., 0]) & ~jumps, video.fps, 3)
    full = any(points[..., 2].any() for points in (left, right, face))
    sequence = KeypointSequence(keypoints, layout, video.fps, video.width, video.height, person_id, video.name)
    return Take(person_id, part, start, sequence, _stacked([None if p is None else p.box for p in people], 4, np.nan),
                world if np.isfinite(world).any() else None, left if full else None, right if full else None,
                face if full else None, masks if any(mask is not None for mask in masks) else ())


def _feet_outside(keypoints: Array, names: Sequence[str], video: Video) -> bool:
    ankles = [names.index(name) for name in ("left_ankle", "right_ankle") if name in names]
    seen = keypoints[keypoints[..., 2].any(axis=1)]
    outside = [~inside_frame(points[ankles], video.width, video.height) for points in seen]
    return len(ankles) == 2 and np.all(outside, axis=1).mean() > 0.5


def _stacked(arrays: Sequence[Array | None], size: int, missing: float) -> Array:
    """(T,size,3), or (T,4) for boxes, with ``missing`` where there is no array."""
    shape = (4,) if size == 4 else (size, 3)
    empty = np.full(shape, missing, dtype=np.float32)
    return np.array([empty if array is None else array for array in arrays], dtype=np.float32)
