"""Stretches of captured motion for films to be tracked: on an even floor, lively, and when each foot truly stands.

Stretches whose standing feet do not share one floor (uneven terrain) are passed over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from _posendf_cases import mocap
from numpy.typing import NDArray
from scipy.ndimage import binary_closing

from humanav.body import BodyModel
from humanav.motion import Motion

Array = NDArray[np.float32]

SPLITS = {"development": "validation", "test": "test"}
FEET = ((7, 10), (8, 11))
"""Ankle and ball joints of the left and the right foot."""
SLOW = 0.25  # metres a second of a joint of a standing foot
LOW = (0.08, 0.07)  # metres of its ankle and ball over a flat foot's: captured feet roll, and hover by up to 3 cm
_LEVEL = 0.05  # metres within which nine tenths of standing balls of the foot lie where the floor is even
_LIVELY = 0.1  # metres a second of the joints about the pelvis, on average


def true_contacts(joints: Array, fps: float, rest_heights: tuple[float, float]) -> NDArray[np.bool_]:
    """Which feet stand (T,2): ankle and ball joint both slow and low; gaps of one frame are closed.

    Args:
        joints: (T,55,3) world, floor y = 0.
        fps: frames per second.
        rest_heights: metres of the ankle and the ball joint over the sole of a flat foot.
    """
    feet = joints[:, np.array(FEET)].astype(np.float64)  # (T,2 sides,2 joints,3)
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * fps if len(feet) > 1 else np.zeros(feet.shape[:3])
    low = feet[..., 1] < np.array(rest_heights) + np.array(LOW)
    stands = ((speed < SLOW) & low).all(axis=-1)
    padded = np.pad(stands, ((1, 1), (0, 0)), mode="edge")
    return np.asarray(binary_closing(padded, np.ones((3, 1)))[1:-1] | stands)


def foot_heights(body: BodyModel, betas: Any) -> tuple[float, float]:
    """Metres of the ankle and the ball joint over the sole at rest."""
    vertices, joints = body.rest(betas)
    low = float(vertices[:, 1].min())
    return float(joints[[7, 8], 1].mean()) - low, float(joints[[10, 11], 1].mean()) - low


def grounded(motion: Motion, body: BodyModel) -> Motion | None:
    """The stretch with standing soles on y = 0, or None where they share no floor or nobody stands."""
    from humanav.motion import floor_heights, ground

    motion = ground(motion, body)
    joints = body.from_motion(motion, vertices=False).joints.numpy()
    feet = joints[:, np.array(FEET)]
    still = (np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * motion.fps < SLOW).all(axis=-1)
    if still.any(axis=1).mean() < 0.2:
        return None
    low, high = np.quantile(feet[:, :, 1, 1][still], [0.05, 0.95])
    if high - low > _LEVEL:
        return None
    sole = float(np.median(floor_heights(motion, body)[still.any(axis=1)]))
    return replace(motion, transl=motion.transl - np.array([0, sole, 0], np.float32))


def stretches(subjects: str, count: int, most: int, rng: np.random.Generator, body: BodyModel) -> list[Motion]:
    """Lively, level stretches of usable frames, no two alike, by turns of all subjects."""
    from humanav.posendf.cmu import cmu_clips

    takes = list(cmu_clips(mocap(), SPLITS[subjects]))
    people = sorted({take.subject for take in takes})
    by_person = {who: [takes[k] for k in rng.permutation(len(takes)) if takes[k].subject == who] for who in people}
    picked: list[Motion] = []
    taken: list[tuple[str, int, int]] = []
    for attempt in range(100 * count):
        if len(picked) == count:
            break
        who = people[(len(picked) + attempt // 50) % len(people)]  # somebody else after many vain attempts
        own = sorted(by_person[who], key=lambda take: sum(name == take.motion.name for name, _, _ in taken))
        take = own[attempt % max(1, len(own) // 2)]
        frames = min(int(rng.integers(most * 3 // 4, most + 1)), len(take.motion))
        start = int(rng.integers(0, len(take.motion) - frames + 1))
        end = start + frames
        again = any(name == take.motion.name and start < b and a < end for name, a, b in taken)
        if again or not take.ok[start:end].all() or frames < most // 2:
            continue
        motion = grounded(take.motion[start:end], body)
        if motion is not None and liveliness(motion, body) > _LIVELY:
            taken.append((take.motion.name, start, end))
            picked.append(replace(motion, name=f"{take.motion.name} from {start}"))
    return picked


def liveliness(motion: Motion, body: BodyModel) -> float:
    joints = body.from_motion(motion, vertices=False).joints.numpy()[:, :22]
    inside = joints - joints[:, :1]
    return float(np.linalg.norm(np.diff(inside, axis=0), axis=-1).mean() * motion.fps)


def walks(subjects: str, count: int, frames: int, body: BodyModel) -> list[Motion]:
    """The stretches of different takes in which somebody gets farthest."""
    from humanav.motion import ground
    from humanav.posendf.cmu import cmu_clips

    best: list[tuple[float, Motion]] = []
    for take in cmu_clips(mocap(), SPLITS[subjects]):
        path = take.motion.transl[:, [0, 2]]
        if len(path) < frames:
            continue
        way = np.linalg.norm(path[frames - 1:] - path[:len(path) - frames + 1], axis=1)
        usable = np.convolve(~take.ok, np.ones(frames), "valid") == 0
        if not usable.any():
            continue
        start = int(np.argmax(np.where(usable, way, -1)))
        name = f"{take.motion.name} from {start}"
        best.append((float(way[start]), replace(take.motion[start:start + frames], name=name)))
    best.sort(key=lambda item: -item[0])
    return [ground(motion, body) for _, motion in best[:count]]
