"""Stretches of motion to train on: captured takes, the built-in clips and hand-made poses, sampled at any speed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import roma
import torch
from torch import Tensor

from humanav.body import BodyModel
from humanav.errors import InputError
from humanav.motion import CLIP_NAMES, Motion, load_clip
from humanav.posendf.cmu import Clip
from humanav.synth.poses import POSES, make_pose
from humanav.uplift.skeleton import NUM_JOINTS

_SHARES = (0.72, 0.1, 0.18)  # of captured takes, built-in clips, hand-made poses


@dataclass(frozen=True)
class Stretches:
    """Runs of usable frames at 30 per second, end to end.

    Attributes:
        quats: (N,22,4) unit quaternions x, y, z, w, parent-relative, the root first; signs change smoothly in a run.
        transl: (N,3) metres, world y up.
        start, length: (S,) of each run.
        weight: (S,) how often each is drawn.
    """

    quats: Tensor
    transl: Tensor
    start: Tensor
    length: Tensor
    weight: Tensor

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """(count,) runs."""
        return torch.multinomial(self.weight, count, True, generator=generator)

    def at(self, run: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations (B,T,22,4) and places (B,T,3) at times (B,T), in frames after each run's start.

        Between two frames rotations go along the chord of the quaternions. Past its end, a run is played backwards.
        """
        last = (self.length[run] - 1).clamp_min(0)[:, None]
        turn = 2 * last.clamp_min(1)
        time = last - (torch.remainder(time, turn) - last).abs()
        first = time.floor().clamp_min(0).long().minimum(last)
        blend = (time - first)[..., None]
        one = self.start[run, None] + first
        two = self.start[run, None] + (first + 1).minimum(last)
        quats = torch.lerp(self.quats[one], self.quats[two], blend[..., None])
        return torch.nn.functional.normalize(quats, dim=-1), torch.lerp(self.transl[one], self.transl[two], blend)


def usable_runs(clips: Iterable[Clip]) -> list[tuple[Tensor, Tensor]]:
    """Rotations (n,22,4) and places (n,3) of every run of usable frames in the takes, at 30 frames per second."""
    runs = []
    for clip in clips:
        ok = np.concatenate([[False], clip.ok, [False]])
        edges = np.flatnonzero(ok[1:] != ok[:-1]).reshape(-1, 2)
        quats, transl = _quats(clip.motion)
        for start, stop in edges:
            runs.append(_at_30(quats[start:stop], transl[start:stop], clip.motion.fps))
    return runs


def join(runs: Sequence[tuple[Tensor, Tensor]], weight: Tensor | None = None) -> Stretches:
    """Lay runs end to end; by default each is drawn as often as it is long.

    Raises:
        InputError: there are none.
    """
    if not runs:
        raise InputError("There is no usable motion: give takes with frames marked as good.")
    length = torch.tensor([len(q) for q, _ in runs])
    return Stretches(torch.cat([q for q, _ in runs]), torch.cat([t for _, t in runs]), length.cumsum(0) - length,
                     length, length.float() if weight is None else weight)


def training_stretches(clips: Iterable[Clip]) -> Stretches:
    """Captured takes mixed with the built-in clips and hand-made poses, so that people also sit, squat and reach up."""
    groups = [usable_runs(clips), built_in_runs(), hand_made_runs()]
    weights = [torch.tensor([float(len(q)) for q, _ in runs]) for runs in groups]
    parts = [share * w / w.sum().clamp_min(1) for share, w in zip(_SHARES, weights)]
    return join([run for runs in groups for run in runs], torch.cat(parts))


@lru_cache(maxsize=1)
def built_in_runs() -> list[tuple[Tensor, Tensor]]:
    """The clips that come with the package."""
    motions = [load_clip(name) for name in CLIP_NAMES]
    return [_at_30(*_quats(motion), motion.fps) for motion in motions]


@lru_cache(maxsize=1)
def hand_made_runs(variants: int = 8, moves: int = 260) -> list[tuple[Tensor, Tensor]]:
    """Eased moves from one hand-made pose to another within 0.5 to 2.5 seconds; the pelvis stays."""
    rng = np.random.default_rng(7)
    joints = BodyModel.load().rest()[1].numpy()
    poses = np.stack([make_pose(name, joints, rng)[:NUM_JOINTS] for name in POSES for _ in range(variants)])
    quats = roma.rotvec_to_unitquat(torch.from_numpy(poses).float())
    runs = []
    for _ in range(moves):
        a, b = (quats[int(k)] for k in rng.integers(len(quats), size=2))
        frames = int(rng.integers(15, 75))
        ease = torch.linspace(0, 1, frames)[:, None, None]
        ease = ease * ease * (3 - 2 * ease)
        b = b * torch.sign((a * b).sum(-1, keepdim=True) + 1e-9)
        moved = torch.nn.functional.normalize(a + ease * (b - a), dim=-1)
        runs.append((moved, torch.zeros(frames, 3)))
    return runs


def _quats(motion: Motion) -> tuple[Tensor, Tensor]:
    pose = torch.from_numpy(motion.full_pose[:, :NUM_JOINTS])
    return roma.rotvec_to_unitquat(pose), torch.from_numpy(motion.transl)


def _at_30(quats: Tensor, transl: Tensor, fps: float) -> tuple[Tensor, Tensor]:
    """The run at 30 frames per second, quaternion signs made continuous."""
    jump = (quats[1:] * quats[:-1]).sum(-1, keepdim=True) < 0
    flip = torch.cat([torch.ones_like(quats[:1, :, :1]), torch.where(jump, -1.0, 1.0)]).cumprod(0)
    quats = quats * flip
    if abs(fps - 30) < 0.01:
        return quats.contiguous(), transl.contiguous()
    run = Stretches(quats, transl, torch.zeros(1, dtype=torch.long), torch.tensor([len(quats)]), torch.ones(1))
    time = torch.arange(int((len(quats) - 1) * 30 / fps) + 1)[None] * (fps / 30)
    resampled, places = run.at(torch.zeros(1, dtype=torch.long), time)
    return resampled[0], places[0]
