"""Film the app's sample clips into ``assets/samples``: synthetic people, so nobody's likeness.

python scripts/make_track_sample.py
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from clip_studio import FPS, Arm, Clock, Feet, Figure, Stance, move, plan_foot
from make_samples import shirt, sport
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.export import write_mp4
from humanav.motion import Motion, fit_to_shape, ground, in_place, load_clip
from humanav.paths import asset
from humanav.synth import SyntheticPerson
from humanav.synth.film import Actor, film, frame_points
from humanav.synth.scene import Scene

SIZE = (640, 480)
LENGTH = 163
"""Frames of every clip."""
CYCLE, SPEED, END = 32 / 30, 1.2, 1.98
"""Seconds of two steps, metres a second, and where the walk ends."""


def walk_and_squat(feet: Feet) -> Figure:
    """Three steps forward, stop, squat, and rise."""
    c = Clock((LENGTH - 1) / FPS)
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


def dance() -> Motion:
    """The built-in dance on one spot, as long as the walk."""
    motion = in_place(load_clip("dance"))
    return motion[[k % (len(motion) - 1) for k in range(LENGTH)]]


def actor(person: SyntheticPerson, motion: Motion, turn: float, place: tuple[float, float], body: BodyModel) -> Actor:
    """The person in the motion, turned by degrees to its left, at x and z in metres at its end."""
    from scipy.spatial.transform import Rotation

    from humanav.track.path import path_of

    rotation = Rotation.from_euler("y", turn, degrees=True).as_matrix()
    motion = fit_to_shape(path_of(motion, body).turned(rotation, np.zeros(3)).motion(body, motion.name), body,
                          person.betas)
    joints = body.from_motion(motion, vertices=False).joints.numpy()
    step = np.array([place[0] - joints[-1, 0, 0], 0, place[1] - joints[-1, 0, 2]], np.float32)
    motion = replace(motion, transl=motion.transl + step, expression=np.repeat(person.expression[None], LENGTH, axis=0))
    return Actor(person, motion, (joints + step).astype(np.float32))


def stage(name: str, body: BodyModel) -> tuple[list[Actor], Scene, Camera]:
    """Who is in a clip and how they truly move, and where: all that its film shows.

    Args:
        name: "walk_and_squat" or "two_people".
        body: the built-in body.
    """
    woman, walk = sport(), ground(walk_and_squat(Feet(body)).solve(body, "walk_and_squat"), body)
    scene = replace(woman.scene, yaw=-48.0, pitch=7.0, focal=1.15, fill=0.84)
    actors = [actor(woman, walk, 0.0, (0.0, 0.7), body)]
    if name == "two_people":
        scene = replace(scene, fill=0.76, seed=52, floor_tone=(0.62, 0.62, 0.6))
        actors.append(actor(shirt(), ground(dance(), body), -30.0, (0.85, 1.15), body))
    everywhere = np.concatenate([frame_points(one, frame) for one in actors for frame in range(0, LENGTH, 8)])
    return actors, scene, scene.camera(everywhere, *SIZE)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=asset("samples"))
    parser.add_argument("--every", type=int, default=1, help="film only every n-th frame")
    parser.add_argument("names", nargs="*", default=["walk_and_squat", "two_people"])
    arguments = parser.parse_args()
    body = BodyModel.load()
    for name in arguments.names:
        actors, scene, camera = stage(name, body)
        actors = [one._replace(motion=one.motion[:: arguments.every], joints=one.joints[:: arguments.every])
                  for one in actors]
        path = write_mp4((shot.image for shot in film(actors, scene, camera, 7)), arguments.out / f"{name}.mp4",
                         FPS / arguments.every, crf=25)
        print(f"{path.name}: {len(actors[0].joints)} frames, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
