"""What matching costs: people who walk about in one place, simulated keypoints, more and more people or cameras.

``ms_per_frame``: association over views and time, left and right, triangulation, one frame of all views; the least of
three runs over 30 frames after a warm-up.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.motion import Motion, load_clip
from humanav.multiview.match import match_people
from humanav.multiview.simulate import simulate
from humanav.multiview.value import Rig, Sightings

FRAMES = 30
PEOPLE = (2, 3, 4, 5, 6, 7, 8)
VIEWS = (2, 3, 4, 6, 8, 10, 12)
_RUNS = 3


def walkers(count: int, seed: int, body: BodyModel) -> list[Motion]:
    """People who walk, each their own way, at least 0.9 m apart at the start."""
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng([seed, 95])
    clip = load_clip("walk")
    clip = clip[[k % len(clip) for k in range(FRAMES)]]
    motions = []
    for k in range(count):
        angle, ring = 2 * np.pi * k / count + rng.uniform(-0.2, 0.2), max(0.8, 0.9 * count / (2 * np.pi))
        turn = Rotation.from_rotvec([0, rng.uniform(-np.pi, np.pi), 0])
        orient = (turn * Rotation.from_rotvec(clip.global_orient)).as_rotvec()
        start = np.array([np.sin(angle) * ring, 0, np.cos(angle) * ring])
        pelvis = body.rest(clip.betas)[1][0].numpy()
        place = turn.apply((clip.transl - clip.transl[0]) * [1, 0, 1]) + start
        place[:, 1] = clip.transl[:, 1]
        place += turn.apply(pelvis * [1, 0, 1]) - pelvis * [1, 0, 1]
        motions.append(replace(clip, global_orient=orient.astype(np.float32), transl=place.astype(np.float32),
                               fps=30.0, person_id=str(k + 1)))
    return motions


def ring(count: int) -> Rig:
    """Cameras round the place, 5 m off."""
    cameras = tuple(Camera.orbit([0, 0.9, 0], 5.0, 360 * k / count + 10, 8.0, 1280, 960, 1100) for k in range(count))
    return Rig(tuple(f"cam{k + 1}" for k in range(count)), cameras)


def ms_per_frame(seen: Sightings, rig: Rig) -> float:
    """The least of some runs."""
    match_people(seen, rig)
    times = []
    for _ in range(_RUNS):
        begun = time.perf_counter()
        match_people(seen, rig)
        times.append(time.perf_counter() - begun)
    return 1000 * min(times) / seen.frames


def scaling(seed: int, quick: bool, body: BodyModel) -> dict[str, dict[str, dict[str, Any]]]:
    """Cost by number of people (4 views) and by number of views (2 people)."""
    by_people, by_views = {}, {}
    crowd = walkers(max(PEOPLE), seed, body)
    for count in PEOPLE[:2] if quick else PEOPLE:
        rig = ring(4)
        seen, _ = simulate(crowd[:count], rig, seed=seed, body=body)
        by_people[str(count)] = {"ms_per_frame": ms_per_frame(seen, rig), "found": len(match_people(seen, rig).people)}
    for count in VIEWS[:2] if quick else VIEWS:
        rig = ring(count)
        seen, _ = simulate(crowd[:2], rig, seed=seed, body=body, looks=True)
        by_views[str(count)] = {"ms_per_frame": ms_per_frame(seen, rig), "found": len(match_people(seen, rig).people)}
    return {"people (4 views)": by_people, "views (2 people)": by_views}
