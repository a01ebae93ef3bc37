"""Film the app's sample clip into ``assets/samples/walk_and_squat.mp4``: a synthetic person who walks in and squats.

python scripts/make_track_sample.py
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from clip_studio import FPS, Arm, Clock, Feet, Figure, Stance, move, plan_foot
from make_samples import sport
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.export import write_mp4
from humanav.motion import Motion, fit_to_shape, ground
from humanav.paths import asset
from humanav.synth import SyntheticPerson, photograph

SIZE = (640, 480)
NAME = "walk_and_squat.mp4"
CYCLE, SPEED, END = 32 / 30, 1.2, 1.98
"""Seconds of two steps, metres a second, and where the walk ends."""


def walk_and_squat(feet: Feet) -> Figure:
    """Three steps forward, stop, squat, and rise."""
    c = Clock(5.4)
    style = {"land": 21.0, "land_time": 0.12, "push": -50.0, "push_time": 0.3, "lift": 0.045}
    last = {"land": 8.0, "land_time": 0.16}
    steady = 0.62 * CYCLE
    left = [Stance(d, d + steady, 0.065, SPEED * d + 0.328, 6, **style) for d in (-CYCLE, 0.0)]
    left += [Stance(CYCLE, 1.80, 0.075, 1.50, 8, **style | {"push": -36.0}),
             Stance(2.26, 99, 0.16, END, 16, **last)]
    right = [Stance(d, d + steady, -0.065, SPEED * d + 0.328, -6, **style) for d in (-CYCLE / 2, CYCLE / 2)]
    right += [Stance(1.62, 99, -0.16, END, -16, **last | {"land": 14.0})]

    go = c.track((0, 1), (1.35, 1), (2.25, 0), (5.4, 0), smooth=0.1)
    down = c.track((0, 0), (2.6, 0), (3.6, 1), (3.85, 1), (4.9, 0), (5.4, 0), smooth=0.1)
    z = c.track(*((t, SPEED * t) for t in np.linspace(-0.6, 1.3, 20)), (1.7, 1.82), (2.3, END), (5.4, END), smooth=0.07)

    def swing(phase: float, amplitude: float = 1.0) -> NDArray[np.float64]:
        return go * c.wave(CYCLE, amplitude, phase)

    arms: dict[str, Arm] = {
        side: {"flex": 1 - 21 * swing(phase) + 96 * down, "elbow": 18 - 8 * swing(phase + 0.04) + 6 * go,
               "abduct": 12 + 2 * go - 4 * down, "twist": 10 + 40 * down, "pronate": 14 - 3 * down,
               "wrist": 4 + 3 * swing(phase + 0.1), "curl": 1 - 0.4 * down}
        for side, phase in (("left", 0.03), ("right", 0.53))}
    return Figure(
        c, {"left": plan_foot(c, feet, left), "right": plan_foot(c, feet, right)},
        move(c, 0.02 * swing(0.31), -0.001 - go * (0.020 + c.wave(CYCLE / 2, 0.016, 0.02)) - 0.36 * down,
             z + go * c.wave(CYCLE / 2, 0.008, 0.3) - 0.12 * down),
        (-5 * swing(0.0), 3 * go + 26 * down, -3.2 * swing(0.2)),
        (1 + 13 * down, 3.5 * swing(0.2), 12 * swing(0.02)),
        (-22 * (1 - go), 2 + 4 * down, 0), arms=arms, knees=3 + 8 * down)


def film(person: SyntheticPerson, motion: Motion, camera: Camera | None = None) -> Iterator[NDArray[np.uint8]]:
    """Photographs of a person who does a motion, before a fixed camera that has all of it in view."""
    joints = BodyModel.load().from_motion(motion, vertices=False).joints.numpy()
    moves = (joints[:, 0] - joints[:, 0].mean(axis=0)) * [1, 0, 1]
    worn = (person.surfaces, person.materials)  # clothes are made once

    def at(t: int) -> SyntheticPerson:
        one = replace(person, pose=motion.full_pose[t])
        one.__dict__["surfaces"], one.__dict__["materials"] = worn
        one.mesh["points"] += moves[t].astype(np.float32)
        return one

    if camera is None:
        everywhere = np.concatenate([at(t).mesh["points"][::7] for t in range(0, len(motion), 8)])
        camera = person.scene.camera(everywhere, *SIZE)
    for t in range(len(motion)):
        yield photograph(at(t), camera, noise=0.25).image


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=asset("samples") / NAME)
    parser.add_argument("--every", type=int, default=1, help="film only every n-th frame")
    arguments = parser.parse_args()
    body = BodyModel.load()
    person = sport()
    person = replace(person, scene=replace(person.scene, yaw=-48.0, pitch=7.0, focal=1.15, fill=0.84))
    motion = ground(walk_and_squat(Feet(body)).solve(body, "walk_and_squat"), body)
    motion = fit_to_shape(motion, body, person.betas)[:: arguments.every]
    path = write_mp4(film(person, motion), arguments.out, FPS / arguments.every, crf=23)
    print(f"{path.name}: {len(motion)} frames, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
