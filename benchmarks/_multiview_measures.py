"""How well people in close contact were found: who is whom in every view, how far off, how deep in each other."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from _multiview_films import Take
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.motion import Motion
from humanav.multiview.contact import clip_contact
from humanav.multiview.evaluate import evaluate
from humanav.multiview.simulate import body_points
from humanav.multiview.triangulate import triangulate
from humanav.multiview.value import Fitted, Matched, Rig, Sightings

Array = NDArray[np.float64]

_SHARED = tuple(f"{side}_{name}" for side in ("left", "right")
                for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
_SURE = 0.3  # confidence from which a point tells whose a detection is
_FAR = 0.15  # of a person's height in the picture: a detection farther off is nobody's


def owners(take: Take, sightings: Sightings, rig: Rig) -> NDArray[np.int64]:
    """(T,V,D) the true person of every detection, -1 for none: nearest in their points, one to one in each view."""
    from scipy.optimize import linear_sum_assignment

    names = [sightings.landmark_names.index(name) for name in _SHARED]
    true = body_points(take.motions, sightings.keypoint_set)[0][:, :, names]
    out = np.full(sightings.keypoints.shape[:3], -1, np.int64)
    for v, camera in enumerate(rig.cameras):
        pixels, _ = camera.project(true)
        height = np.ptp(pixels[..., 1], axis=-1)
        for t in range(sightings.frames):
            there = np.flatnonzero(sightings.present[t, v])
            seen = sightings.keypoints[t, v, there][:, names]
            weight = np.where(seen[..., 2] > _SURE, seen[..., 2], 1e-6)
            far = np.linalg.norm(seen[:, None, :, :2] - pixels[t][None], axis=-1)
            cost = (far * weight[:, None]).sum(-1) / weight.sum(-1)[:, None] / height[t][None]
            rows, columns = linear_sum_assignment(cost)
            good = cost[rows, columns] < _FAR
            out[t, v, there[rows[good]]] = columns[good]
    return out


def match_f1(matched: Matched, owner: NDArray[np.int64]) -> float:
    """F1 of the pairs of detections in two views of a frame that are put together, against those of one true person."""
    right = wrong = missed = 0
    for t, frame in enumerate(owner):
        given = np.full(frame.shape, -1)
        for number, person in enumerate(matched.people):
            for v, d in enumerate(person.chosen[t]):
                if d >= 0:
                    given[v, d] = number
        cells = [(v, d) for v, d in np.argwhere((frame >= 0) | (given >= 0))]
        for (v, d), (w, e) in combinations(cells, 2):
            if v == w:
                continue
            true = frame[v, d] >= 0 and frame[v, d] == frame[w, e]
            found = given[v, d] >= 0 and given[v, d] == given[w, e]
            right, wrong, missed = right + (true and found), wrong + (found and not true), missed + (true and not found)
    return 2 * right / max(2 * right + wrong + missed, 1)


def points(matched: Matched, take: Take) -> dict[str, Any]:
    """Errors of people as keypoints."""
    scores = evaluate(matched, take.truth, contact=False)
    return {"mpjpe_mm": scores.mpjpe_mm, "id_switches": scores.id_switches, "missed": scores.missed,
            "ghosts": scores.ghosts}


def bodies(fitted: Fitted, take: Take, body: BodyModel) -> dict[str, float]:
    """Errors of people as bodies, over all frames and over those in contact; how they meet."""
    everywhere = evaluate(fitted, take.truth, contact=False)
    out = {"mpjpe_mm": everywhere.mpjpe_mm}
    if not take.contact:
        return out
    out["contact_mpjpe_mm"] = evaluate(fitted, take.truth, frames=take.contact, contact=False).mpjpe_mm
    found = {person.person_id: person.motion for person in fitted.people}
    mine: list[Motion] = [found[everywhere.identity[who]] for who in take.truth if who in everywhere.identity]
    if len(mine) == len(take.motions) and len({id(motion) for motion in mine}) == len(mine):
        met = clip_contact(mine, body, truth=take.motions, frames=take.contact, volume=False)
        out |= {"penetration_mm": float(met.depth_mm.max(axis=1).mean()), "contact_f1": float(met.f1 or 0.0)}
    return out


def plain(matched: Matched, sightings: Sightings, rig: Rig) -> Matched:
    """The same people with their detections triangulated the plain linear way (DLT)."""
    people = []
    for person in matched.people:
        keypoints = np.zeros((sightings.frames, len(rig), *sightings.keypoints.shape[3:]))
        t, v = np.nonzero(person.chosen >= 0)
        keypoints[t, v] = sightings.keypoints[t, v, person.chosen[t, v]]
        people.append(replace(person, keypoints=triangulate(rig, keypoints, robust=False).points))
    return replace(matched, people=tuple(people))


def of_views(sightings: Sightings, index: list[int]) -> Sightings:
    """The same seen by some of the cameras."""
    masks = {(t, index.index(v), d): data for (t, v, d), data in sightings.masks.items() if v in index}
    return replace(sightings, keypoints=sightings.keypoints[:, index], tracks=sightings.tracks[:, index],
                   looks=sightings.looks[:, index], names=tuple(sightings.names[v] for v in index), masks=masks)
