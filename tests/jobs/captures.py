"""A small made-up capture: two people who move, three cameras, grey pictures; and what a detector would say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from humanav.camera import Camera
from humanav.export import write_mp4
from humanav.jobs.multiview import MultiviewOptions
from humanav.motion import Motion, load_clip
from humanav.multiview.calibration import write_calibration
from humanav.multiview.simulate import simulate
from humanav.multiview.value import Rig, Sightings

FRAMES, SIZE = 8, (128, 96)
QUICK = MultiviewOptions(sync="off", budget=(2, 1))


def people() -> list[Motion]:
    """Two people a metre apart, of different heights, 8 frames at 10 frames a second."""
    motion = load_clip("wave")[: FRAMES * 3: 3]
    both = []
    for k, betas in enumerate((np.zeros(10), np.array([1.0, *[0.0] * 9]))):
        place = motion.transl - motion.transl[:1] + np.array([k - 0.5, motion.transl[0, 1], 0.0])
        both.append(replace(motion, fps=10.0, transl=place, betas=betas, person_id=str(k + 1)))
    return both


def rig(views: int = 3) -> Rig:
    """Cameras round the middle, 3.5 m away."""
    cameras = [Camera.orbit((0.0, 0.9, 0.0), 3.5, yaw, 12.0, *SIZE, 1.1 * SIZE[0])
               for yaw in np.linspace(-70, 90, views)]
    return Rig(tuple(f"cam{k + 1}" for k in range(views)), tuple(cameras), "easymocap")


def sightings(cameras: Rig, seed: int = 0) -> Sightings:
    """What a good detector sees."""
    return simulate(people(), cameras, noise_px=0.4, dropout=0.0, swaps=0.0, seed=seed)[0]


def write_capture(folder: Path, cameras: Rig, frames: int = FRAMES) -> Path:
    """A folder with a grey video of each camera, whose light says the frame, and the calibration."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in cameras.names:
        write_mp4((np.full((SIZE[1], SIZE[0], 3), 40 + 20 * t, np.uint8) for t in range(frames)),
                  folder / f"{name}.mp4", 10.0)
    write_calibration(cameras, folder, kind="easymocap")
    return folder
