"""What a detector makes of true landmarks: errors that persist, hang together and grow where it cannot see.

All sizes are percent of the person's stature in the picture. Per landmark the error is a Student-t spread (another one
where the landmark is hidden, and outside the picture) times a blend of a bias that stays for the clip and a first-order
autoregression; errors of neighbours correlate along a tree of landmarks. On top come a common shift, lag behind fast
motion, limbs that point at the camera seen too long, runs of frames in which a limb is somewhere else or left and right
are swapped, points, limbs and frames that are not reported, and a confidence that knows something of all this.
Parameters: ``noise/<keypoint set>.json``.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

import torch
from torch import Tensor

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError
from humanav.uplift.occlusion import hidden

GROUPS = ("head", "torso", "left_arm", "right_arm", "left_leg", "right_leg")
_ROOTS = ("head", "torso")
_CHAIN = {"elbow": 0.5, "wrist": 1.0, "knee": 0.5, "ankle": 1.0}  # share of an outlier; 1.1 beyond the last
_BONES = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
_STATURE = 1.228  # standing height over head-pelvis + hip-knee + knee-ankle


class NoiseModel:
    """Simulated detections of one keypoint layout; make one with :meth:`load`.

    Args:
        keypoint_set: "blazepose33" or "coco17".
        table: parameters as in the packaged JSON.
    """

    def __init__(self, keypoint_set: str, table: dict[str, Any]) -> None:
        names = KEYPOINT_SETS[keypoint_set]
        bare = [name.replace("left_", "").replace("right_", "") for name in names]
        rows = [table["landmarks"][name] for name in bare]
        side = ["left_" if "left_" in name else "right_" for name in names]
        group = [r["group"] if r["group"] in _ROOTS else s + r["group"] for r, s in zip(rows, side)]
        self.keypoint_set, self.table = keypoint_set, table
        self.group = [GROUPS.index(name) for name in group]
        self.spread = torch.tensor([r["spread"] for r in rows])
        self.bias_share = torch.tensor([r["bias_share"] for r in rows])
        self.score = torch.logit(torch.tensor([r["score"] for r in rows]))
        self.flesh = torch.tensor([r["flesh"] for r in rows]) / 100
        self.mix = self._correlation(names, bare, rows, side)
        limb = torch.tensor([[g == name for g in group] for name in GROUPS[2:]])
        self.chain = limb * torch.tensor([_CHAIN.get(name, 1.1) for name in bare])
        self.bones = [[names.index(side + bone) for bone in bones] for bones in _BONES for side in ("left_", "right_")]
        mirrored = [name.replace("left", "?").replace("right", "left").replace("?", "right") for name in names]
        self.mirror = torch.tensor([names.index(name) for name in mirrored])
        self.parts = {part: torch.tensor([part in name for name in group]) for part in ("arm", "leg")}
        self.sharp = torch.tensor([g in (0, 1) for g in self.group])  # whose confidence says little

    @classmethod
    def load(cls, keypoint_set: str) -> NoiseModel:
        """The packaged model of a layout.

        Raises:
            InputError: there is none.
        """
        return _load(keypoint_set)

    @staticmethod
    def _correlation(names: tuple[str, ...], bare: list[str], rows: list[dict[str, Any]], side: list[str]) -> Tensor:
        """(K, 2 + K) mixing of independent normals: each landmark takes part of its error from its parent's."""
        mix = torch.zeros(len(names), 2 + len(names))

        def fill(k: int) -> Tensor:
            if mix[k].any():
                return mix[k]
            parent, share = rows[k]["parent"], rows[k]["correlation"]
            if parent in _ROOTS:
                mix[k, _ROOTS.index(parent)] = share
            else:
                of_side = names.index(side[k] + parent) if side[k] + parent in names else names.index(parent)
                mix[k] = share * fill(of_side)
            mix[k, 2 + k] = (1 - share**2) ** 0.5
            return mix[k]

        for k in range(len(bare)):
            fill(k)
        return mix

    def __call__(
        self, clean: Tensor, points: Tensor, joints: Tensor, K: Tensor, size: Tensor, generator: torch.Generator,
        level: float = 1.0, still: Tensor | None = None,
    ) -> Tensor:
        """Simulate the detections.

        Args:
            clean: (B,T,K,2) true landmarks in pixels.
            points: (B,T,K,3) the same in the camera's frame, metres.
            joints: (B,T,22,3) the body's joints there.
            K: (B,3,3) intrinsics.
            size: (B,2) width and height in pixels.
            generator: source of randomness.
            level: factor of all error sizes and of how often things go wrong; 0 gives the clean points, all sure.
            still: (B,) bool, clips that show one photo over and over: their noise is one draw.

        Returns:
            (B,T,K,3) pixels and confidence; (0, 0, 0) where nothing was reported.
        """
        if level <= 0:
            return torch.cat([clean, torch.ones_like(clean[..., :1])], -1)
        draw = _Draws(clean.shape[0], clean.shape[1], generator)
        unit = stature_px(joints, K) / 100 * level
        away = ((clean < 0) | (clean > size[:, None, None])).any(-1)
        blocked = hidden(points, joints, self.flesh) | self._objects(clean, joints, K, size, draw)
        blind = _ease(blocked.float())
        trouble = draw.student(self.group, self.table["tails"])
        spread = torch.lerp(self.spread[:, 0].expand_as(blind), self.spread[:, 1].expand_as(blind), blind)
        spread = torch.where(away, self.spread[:, 2], spread) * trouble
        offset = spread[..., None] * self._unit_error(draw, blind)
        wrong = draw.outliers(self.table["outliers"], self.chain, blind, level)
        offset = offset + wrong + self._lengthening(clean, points, draw)
        offset = offset + self.table["common_shift"] * draw.common(self.table["rho"])
        found = clean + offset * unit[..., None, None] - self._lag(clean, draw, level)
        score = self._score(blind, away, trouble, wrong, draw)
        found = torch.cat([found, score[..., None]], -1)
        found = self._swap(found, joints, draw, level)
        found = found * self._reported(away, blocked, draw, level)[..., None]
        return found if still is None else torch.where(still[:, None, None, None], found[:, :1], found)

    def _unit_error(self, draw: _Draws, blind: Tensor) -> Tensor:
        """(B,T,K,2) of unit spread: bias of the clip (another where hidden) and what changes with time."""
        roots = self.mix.shape[1]
        seen, unseen = (self._mixed(draw.normal(roots, 2)[:, None]) for _ in range(2))
        bias = seen + blind[..., None] * (0.7 * (seen + unseen) - seen)
        moving = self._mixed(draw.autoregression(roots, 2, self.table["rho"]))
        share = self.bias_share[:, None]
        return share.sqrt() * bias + (1 - share).sqrt() * moving

    def _lengthening(self, clean: Tensor, points: Tensor, draw: _Draws) -> Tensor:
        """(B,T,K,2) percent of stature: limbs that point at the camera are seen too long, those across it too short."""
        low, high = self.table["lengthening"]
        strength = low + (high - low) * draw.uniform(1, 4)
        total = torch.zeros_like(clean)
        for limb, (upper, lower, end) in enumerate(self.bones):
            for a, b in ((upper, lower), (lower, end)):
                bone = points[:, :, b] - points[:, :, a]
                depth = bone[..., 2].square() / bone.square().sum(-1).clamp_min(1e-6)
                across = torch.nn.functional.normalize(clean[:, :, b] - clean[:, :, a], dim=-1)
                shift = strength[..., limb, None] * (depth.clamp(max=0.45) - 0.12)[..., None] * across
                total = total + shift[:, :, None] * (self.chain[limb] >= self.chain[limb, b])[:, None]
        return total

    def _mixed(self, normals: Tensor) -> Tensor:
        return (normals.transpose(-1, -2) @ self.mix.T).transpose(-1, -2)

    def _objects(self, clean: Tensor, joints: Tensor, K: Tensor, size: Tensor, draw: _Draws) -> Tensor:
        """(B,T,K) what things in front of some people hide: all beyond a line across the person."""
        low, high = clean.amin((1, 2)), clean.amax((1, 2))
        side = draw.uniform(2) < 0.5
        share = 0.1 + 0.35 * draw.uniform(2)
        edge = torch.where(side, low + share * (high - low), high - share * (high - low))[:, None, None]
        beyond = torch.where(side[:, None, None], clean < edge, clean > edge)
        # furniture hides legs far more often than anything else
        axis = (draw.uniform(1) < 0.65).long()
        legs = beyond & torch.stack([torch.ones_like(side[:, 0]), ~side[:, 1]], -1)[:, None, None]
        chosen = torch.where(axis[:, None] == 1, legs[..., 1], legs[..., 0])
        return chosen & (draw.uniform(1) < self.table["objects"])[:, None]

    def _lag(self, clean: Tensor, draw: _Draws, level: float) -> Tensor:
        """(B,T,K,2) pixels by which a smoothing tracker is behind."""
        low, high = self.table["lag"]
        frames = (low + (high - low) * draw.uniform(1)) * level
        step = torch.zeros_like(clean)
        step[:, 1:] = clean[:, 1:] - clean[:, :-1]
        return step * frames[..., None, None]

    def _score(self, blind: Tensor, away: Tensor, trouble: Tensor, wrong: Tensor, draw: _Draws) -> Tensor:
        """(B,T,K) confidence: lower where hidden, outside, or wrong."""
        logit = torch.lerp(self.score[:, 0].expand_as(blind), self.score[:, 1].expand_as(blind), blind)
        logit = torch.where(away, self.score[:, 2], logit)
        doubt = 0.8 * trouble.log() + 0.15 * wrong.abs().sum(-1)
        wobble = 0.8 * draw.normal(len(GROUPS))[:, None, self.group] + 0.5 * draw.normal(len(self.group))[:, None]
        return torch.sigmoid(logit + wobble - torch.where(self.sharp, 0.3 * doubt, doubt))

    def _swap(self, found: Tensor, joints: Tensor, draw: _Draws, level: float) -> Tensor:
        """Runs of frames in which left and right are exchanged: of everything, the arms or the legs."""
        rates = self.table["flips"]
        behind = _seen_from_behind(joints)
        sideways = 1 - (2 * behind - 1).abs()
        odds = torch.stack([rates["whole"] + rates["whole_behind"] * (behind - 0.5).clamp_min(0) * 2,
                            rates["arms"] * (0.3 + sideways), rates["legs"] * (0.3 + sideways)], 1) * level
        whole, arms, legs = (draw.run(odds[:, k], long=0.25) for k in range(3))
        swap = (whole[..., None] ^ (arms[..., None] & self.parts["arm"])) ^ (legs[..., None] & self.parts["leg"])
        return torch.where(swap[..., None], found[:, :, self.mirror], found)

    def _reported(self, away: Tensor, blocked: Tensor, draw: _Draws, level: float) -> Tensor:
        """(B,T,K) which points come out at all."""
        rates = self.table["drops"]
        points = away.shape[-1]
        lost = draw.uniform(draw.frames, points) < rates["point"] * level
        lost |= away & (draw.uniform(1) < rates["outside"])[:, None]
        lost |= blocked & (draw.uniform(1) < rates["occluded"])[:, None]
        limb = (draw.uniform(4) * len(self.chain)).long()[:, :1]
        gone = draw.run((rates["limb"] * level) * torch.ones(len(limb)), long=0.5)
        lost |= gone[..., None] & (self.chain[limb] > 0)
        lost |= away.float().mean(-1, keepdim=True) > 0.7  # nobody to be found
        gaps = rates["frame_gap"] * level * min(1.0, draw.frames / 64)
        lost |= draw.run(gaps * torch.ones(len(limb)), long=0.0)[..., None]
        return ~lost


class _Draws:
    """Random numbers for B clips of T frames from one generator."""

    def __init__(self, clips: int, frames: int, generator: torch.Generator) -> None:
        self.clips, self.frames, self.generator = clips, frames, generator

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(self.clips, *shape, generator=self.generator)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(self.clips, *shape, generator=self.generator)

    def autoregression(self, channels: int, axes: int, rho: list[float]) -> Tensor:
        """(B,T,channels,axes) stationary first-order autoregression of unit variance; rho of each clip uniform."""
        keep = (rho[0] + (rho[1] - rho[0]) * self.uniform(1))[:, :, None]
        steps = self.normal(self.frames, channels, axes)
        steps[:, 1:] *= (1 - keep * keep).sqrt()[:, None]
        rows = list(steps.unbind(1))
        for t in range(1, self.frames):
            rows[t] = torch.addcmul(rows[t], keep, rows[t - 1])
        return torch.stack(rows, 1)

    def common(self, rho: list[float]) -> Tensor:
        """(B,T,1,2) of unit size: a shift of all points."""
        return 0.7 * (self.normal(1, 1, 2) + self.autoregression(1, 2, rho))

    def student(self, group: list[int], tails: dict[str, int]) -> Tensor:
        """(B,T,K) factors that make normals Student-t, slowly changing and shared within each limb, at most 6."""
        every, most = 12, max(tails.values())
        knots = self.normal(self.frames // every + 2, len(GROUPS), most)
        time = torch.arange(self.frames) / every
        start = time.long()
        blend = (time - start)[None, :, None, None]
        moving = torch.lerp(knots[:, start], knots[:, start + 1], blend) / (blend**2 + (1 - blend) ** 2).sqrt()
        square = 0.5 * (self.normal(len(GROUPS), most)[:, None] + moving) ** 2
        degrees = torch.tensor([tails[name.split("_")[-1]] for name in GROUPS])
        mean = (square * (torch.arange(most) < degrees[:, None])).sum(-1) / degrees
        return mean.rsqrt().clamp(max=6.0)[..., group]

    def run(self, odds: Tensor, long: float) -> Tensor:
        """(B,T) a run of frames with the given odds for each clip: 1 to 10 frames, or any length with odds ``long``."""
        u = self.uniform(4)
        length = torch.where(u[:, 1] < long, u[:, 2] * self.frames, 10 * u[:, 2] ** 2).ceil().clamp_min(1)
        start = (u[:, 3] * (self.frames + length) - length)[:, None]
        time = torch.arange(self.frames)
        return (u[:, :1] < odds[:, None]) & (time >= start) & (time < start + length[:, None])

    def outliers(self, table: dict[str, Any], chain: Tensor, blind: Tensor, level: float) -> Tensor:
        """(B,T,K,2) percent of stature: for 1 to 10 frames the far part of a limb is somewhere else."""
        total = torch.zeros(*blind.shape, 2)
        for limb in range(4):
            rate = table["arm" if limb < 2 else "leg"]
            covered = (blind * (chain[limb] > 0)).amax(-1).mean(1)
            odds = rate["per_frame"] * self.frames * (1 + (table["occluded_factor"] - 1) * covered) * level
            where = rate["size"] * self.normal(1, 1, 2) * self.run(odds, long=0.15)[..., None, None]
            total = total + where * chain[limb][:, None]
        return total


def stature_px(joints: Tensor, K: Tensor) -> Tensor:
    """(B,T) the person's standing height in pixels at the pelvis' depth."""
    at = [joints[:, :, JOINT_INDEX[name]] for name in ("head", "pelvis", "left_hip", "left_knee", "left_ankle")]
    head, pelvis, hip, knee, ankle = at
    length = (head - pelvis).norm(dim=-1) + (hip - knee).norm(dim=-1) + (knee - ankle).norm(dim=-1)
    return _STATURE * length * K[:, 0, 0, None] / pelvis[..., 2].clamp_min(0.3)


def _seen_from_behind(joints: Tensor) -> Tensor:
    """(B,) 0 for a chest towards the camera, 1 for a back, .5 from the side, in the middle of the clip."""
    names = ("left_shoulder", "right_shoulder", "neck", "pelvis")
    left, right, neck, pelvis = (joints[:, joints.shape[1] // 2, JOINT_INDEX[name]] for name in names)
    forward = torch.linalg.cross(left - right, neck - pelvis)
    cosine = (forward * pelvis).sum(-1) / (forward.norm(dim=-1) * pelvis.norm(dim=-1)).clamp_min(1e-6)
    return 1 - torch.arccos(cosine.clamp(-1, 1)) / torch.pi


def _ease(hides: Tensor) -> Tensor:
    """Mean with the frames before and after: detectors lose a point gradually."""
    padded = torch.cat([hides[:, :1], hides, hides[:, -1:]], 1)
    return (padded[:, :-2] + hides + padded[:, 2:]) / 3


@lru_cache(maxsize=8)
def _load(keypoint_set: str) -> NoiseModel:
    path = files("humanav.uplift") / "noise" / f"{keypoint_set}.json"
    if not path.is_file():
        raise InputError(f"There is no noise model for {keypoint_set!r}: use blazepose33 or coco17.")
    return NoiseModel(keypoint_set, json.loads(path.read_text()))
