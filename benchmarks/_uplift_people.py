"""Dressed synthetic people in captured motion before a fixed camera, filmed and tracked by the real detector."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from torch import Tensor

from humanav.uplift.pairs import Pairs

SIZE = 512
SETTLE = 8
"""Frames in which a take must not have been before, so that clips of one take differ."""


class Filmed(NamedTuple):
    """Clips of N people, T frames each.

    Attributes:
        real: what the detector said, with the truth; frames without a person are all zeros.
        simulated: the very same clips with simulated noise, drawn several times over.
        found: (N,T) where the detector saw somebody.
        world: (N,T,33,3) the detector's own 3D, metres, camera axes; zeros where it saw nobody.
        frames: (N,T) pictures, kept when asked for.
        seconds: of processor time to render, and to detect.
    """

    real: Pairs
    simulated: list[Pairs]
    found: Tensor
    world: Tensor
    pictures: list[list[NDArray[np.uint8]]]
    seconds: tuple[float, float]


def film(clips: Sequence[Any], count: int, frames: int, seed: int, *, draws: int = 4, keep: bool = False,
         say: Callable[[str], None] = lambda text: None) -> Filmed:
    """Render and detect.

    Args:
        clips: takes of :func:`humanav.posendf.cmu.cmu_clips`.
        count: of clips, spread over the takes and over the sides that they are seen from.
        frames: of each, at the takes' own rate.
        seed: of people, places and moments.
        draws: how many times the noise is simulated.
        keep: whether the pictures stay.
        say: told of every clip.
    """
    from humanav.perception.mediapipe_detector import MediapipeDetector

    rng = np.random.default_rng([seed, 71])
    parts, detections, worlds, pictures, spent = [], [], [], [], np.zeros(2)
    for number, (clip, start) in enumerate(_moments(clips, count, frames, rng)):
        begun = time.process_time()
        images, truth = _render(clip, start, frames, seed=1000 * seed + number, yaw=_side(number, count, rng))
        rendered = time.process_time()
        with MediapipeDetector() as detector:
            people = list(detector.track(images))
        spent += rendered - begun, time.process_time() - rendered
        detections.append(torch.stack([torch.from_numpy(found[0].keypoints.astype(np.float32)) if found
                                       else torch.zeros(33, 3) for found in people]))
        worlds.append(torch.stack([torch.from_numpy(np.asarray(found[0].world, np.float32)) if found
                                   and found[0].world is not None else torch.zeros(33, 3) for found in people]))
        parts.append(truth)
        pictures.append(images if keep else [])
        say(f"filmed {clip.motion.name} from frame {start}: {sum(map(bool, people))} of {frames} frames found")
    truth = {key: torch.stack([part[key] for part in parts]) for key in parts[0]}
    keypoints = torch.stack(detections)
    clean, simulated = _simulate(truth, seed, draws)
    common = {"clean": clean, **{key: truth[key] for key in ("K", "size", "root", "body", "joints", "pelvis", "betas")},
              "fps": clips[0].motion.fps}
    return Filmed(Pairs(keypoints=keypoints, **common), [Pairs(keypoints=some, **common) for some in simulated],
                  keypoints[..., 2].amax(-1) > 0, torch.stack(worlds), pictures, (float(spent[0]), float(spent[1])))


def _moments(clips: Sequence[Any], count: int, frames: int, rng: np.random.Generator) -> list[tuple[Any, int]]:
    """Stretches of usable frames in which somebody moves, no two alike, one take after the other."""
    picked: list[tuple[Any, int]] = []
    taken: set[tuple[str, int]] = set()
    order = [clips[index] for index in rng.permutation(len(clips))]
    for attempt in range(50 * count):
        clip = order[attempt % len(order)]
        if len(picked) == count:
            break
        if len(clip.motion) < frames:
            continue
        start = int(rng.integers(0, len(clip.motion) - frames + 1))
        place = clip.motion.transl[start:start + frames, [0, 2]]
        if clip.ok[start:start + frames].all() and np.ptp(place, axis=0).max() < 2.4 and (
                clip.motion.name, start // (frames + SETTLE)) not in taken:
            taken.add((clip.motion.name, start // (frames + SETTLE)))
            picked.append((clip, start))
    return picked


def _side(number: int, count: int, rng: np.random.Generator) -> float:
    """Degrees from which a clip is seen: all round, evenly."""
    return float((360 * number / count + rng.uniform(-0.5, 0.5) * 360 / count + 180) % 360 - 180)


def _render(clip: Any, start: int, frames: int, *, seed: int, yaw: float) -> tuple[list[Any], dict[str, Tensor]]:
    """Pictures of one clip and the truth of its frames."""
    from humanav.synth import photograph, sample_person

    motion = clip.motion[start:start + frames]
    pose = motion.full_pose[:, :22]
    middle = frames // 2
    person = sample_person(seed, full_pose=pose[middle], yaw=yaw)
    turned = roma.rotvec_to_rotmat(torch.from_numpy(pose[:, 0]))
    level = roma.rotvec_to_rotmat(torch.from_numpy(person.pose[0])) @ turned[middle].T
    roots = roma.rotmat_to_rotvec(level @ turned).numpy()
    moves = (motion.transl - motion.transl[middle]) @ level.numpy().T
    moves[:, 1] = 0  # the person's feet stay on the floor
    still = (person.surfaces, person.materials)  # clothes are made once
    people = []
    for frame in range(frames):
        full = person.pose.copy()
        full[1:22], full[0] = pose[frame, 1:], roots[frame]
        one = replace(person, pose=full)
        one.__dict__["surfaces"], one.__dict__["materials"] = still
        one.mesh["points"] += moves[frame].astype(np.float32)
        people.append(one)
    everywhere = np.concatenate([one.mesh["points"][np.unique(one.mesh["faces"][one.mesh["owner"]])][::7]
                                 for one in people[:: max(1, frames // 8)]])
    camera = person.scene.camera(everywhere, SIZE, SIZE)
    images = [photograph(one, camera).image for one in people]
    matrix, shift = torch.from_numpy(camera.R).float(), torch.from_numpy(camera.t).float()
    joints = torch.from_numpy(np.stack([one.joints[:22] + moves[t] for t, one in enumerate(people)])).float()
    joints = joints @ matrix.T + shift
    rotations = roma.rotvec_to_rotmat(torch.from_numpy(np.stack([one.pose[:22] for one in people])))
    return images, {"K": torch.from_numpy(camera.K).float(), "size": torch.tensor([float(SIZE), float(SIZE)]),
                    "root": matrix @ rotations[:, 0], "body": rotations[:, 1:], "pelvis": joints[:, 0],
                    "joints": joints - joints[:, :1], "betas": torch.from_numpy(person.betas)}


def _simulate(truth: dict[str, Tensor], seed: int, draws: int) -> tuple[Tensor, list[Tensor]]:
    """True projections (N,T,33,2) of the landmarks, and simulated detections (N,T,33,3)."""
    from humanav.uplift.cameras import project
    from humanav.uplift.noise import NoiseModel
    from humanav.uplift.skeleton import UpliftBody

    body, noise = UpliftBody(), NoiseModel.load("blazepose33")
    rotations = torch.cat([truth["root"][:, :, None], truth["body"]], dim=2)
    joints, world = body(rotations, truth["betas"][:, None])
    place = truth["pelvis"][:, :, None]
    points = body.landmarks(joints, world, truth["betas"][:, None], "blazepose33") + place
    clean = project(points, truth["K"])
    generator = torch.Generator().manual_seed(seed)
    return clean, [noise(clean, points, joints + place, truth["K"], truth["size"], generator) for _ in range(draws)]
