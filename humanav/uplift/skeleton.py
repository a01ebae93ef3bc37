"""The body of the training pairs: fast kinematics of 22 joints, and landmarks, as linear functions of the shape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from humanav.body import BodyModel, axis_angle_to_matrix
from humanav.body.landmarks import KEYPOINT_SETS, LANDMARKS
from humanav.body.names import JOINT_INDEX, PARENTS
from humanav.errors import InputError
from humanav.fit import stature

NUM_JOINTS = 22
_LEVELS = ((1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12, 13, 14), (15, 16, 17), (18, 19), (20, 21))


def relaxed_hands() -> Tensor:
    """(30,3) axis-angle of hands at ease: the 15 left finger joints, then the 15 right ones, in SMPL-X order.

    Networks do not predict fingers; landmarks of the hands are taken from hands in this pose.
    """
    turn = torch.zeros(30, 3)
    curls = {"index": 0.75, "middle": 0.88, "ring": 1.01, "pinky": 1.14}
    for side, sign in (("left", -1), ("right", 1)):
        for finger, amount in curls.items():
            for part in (1, 2, 3):
                angle = sign * 22 * amount * (0.8 if part == 1 else 1.0)
                turn[JOINT_INDEX[f"{side}_{finger}{part}"] - 25, 2] = np.radians(angle)
        for part in (2, 3):
            turn[JOINT_INDEX[f"{side}_thumb{part}"] - 25, 1] = np.radians(-sign * 12)
    return turn


class UpliftBody:
    """Joints and landmarks of a body model, without its skin; give ``betas`` of any number up to the body's.

    Attributes:
        num_betas: how many shape values the body has.
        template_stature: metres, of zero betas.
    """

    def __init__(self, body: BodyModel | None = None, dtype: torch.dtype = torch.float32) -> None:
        body = BodyModel.load() if body is None else body
        self.dtype, self.num_betas = dtype, body.num_betas
        joints = body.J_template.to(torch.float64)
        dirs = body.J_dirs[..., : body.num_betas].to(torch.float64)
        self.template_stature, growth = stature(body.v_template.double().numpy(), body.shapedirs.double().numpy())
        self._growth = torch.as_tensor(np.asarray(growth), dtype=torch.float64) / self.template_stature
        self._joints64, self._dirs64 = joints, dirs
        self._rest, self._rest_dirs = joints[:NUM_JOINTS].to(dtype), dirs[:NUM_JOINTS].to(dtype)
        self._hand_positions()
        self._landmarks = lru_cache(maxsize=32)(self._landmark_table)

    def _hand_positions(self) -> None:
        """Fingers, jaw and eyes in the frame of the body joint that carries them: rotation, place, its change."""
        local = torch.eye(3, dtype=torch.float64).repeat(55, 1, 1)
        local[25:] = axis_angle_to_matrix(relaxed_hands().double())
        self._turn = torch.eye(3, dtype=torch.float64).repeat(55, 1, 1)
        self._place = torch.zeros(55, 3, dtype=torch.float64)
        self._place_dirs = torch.zeros(55, 3, self.num_betas, dtype=torch.float64)
        self._carrier = list(range(NUM_JOINTS)) + [0] * 33
        for joint in range(NUM_JOINTS, 55):
            up = PARENTS[joint]
            self._carrier[joint] = self._carrier[up]
            self._place[joint] = self._place[up] + self._turn[up] @ (self._joints64[joint] - self._joints64[up])
            self._place_dirs[joint] = self._place_dirs[up] + self._turn[up] @ (self._dirs64[joint] - self._dirs64[up])
            self._turn[joint] = self._turn[up] @ local[joint]

    def _landmark_table(self, names: tuple[str, ...]) -> tuple[list[int], list[int], Tensor, Tensor]:
        """Joint, frame, offset (K,3) and its change per unit of each beta (K,3,B)."""
        at, frames, offsets, dirs = [], [], [], []
        for mark in (LANDMARKS[name] for name in names):
            joint, frame = JOINT_INDEX[mark.joint], JOINT_INDEX[mark.frame]
            if joint >= NUM_JOINTS and self._carrier[joint] != self._carrier[frame]:
                raise InputError(f"A landmark at {mark.joint} in the frame of {mark.frame} does not belong together.")
            at.append(self._carrier[joint])
            frames.append(self._carrier[frame])
            offset = self._turn[frame] @ torch.tensor(mark.offset, dtype=torch.float64)
            offsets.append(self._place[joint] + offset)
            dirs.append(self._place_dirs[joint] + offset[:, None] * self._growth)
        return at, frames, torch.stack(offsets).to(self.dtype), torch.stack(dirs).to(self.dtype)

    def rest(self, betas: Tensor) -> Tensor:
        """T-pose joints (...,22,3) of shapes (...,B), metres.

        Raises:
            InputError: more betas than the body has.
        """
        return self._rest + self._linear(self._rest_dirs, betas)

    def stature(self, betas: Tensor) -> Tensor:
        """Standing height (...) of shapes (...,B), metres, to first order."""
        growth = self._growth.to(self.dtype)[: betas.shape[-1]]
        return self.template_stature * (1 + betas @ growth)

    def forward(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Pose the skeleton.

        Args:
            rotations: (...,22,3,3) parent-relative, the root first.
            betas: (...,B), broadcast against the leading axes of ``rotations``.

        Returns:
            Joints (...,22,3), metres, pelvis at the origin, in the frame in which the root is given; and global
            rotations (...,22,3,3).
        """
        rest = self.rest(betas)
        world: list[Tensor] = [rotations[..., 0, :, :]] * NUM_JOINTS
        place: list[Tensor] = [torch.zeros_like(rotations[..., 0, :, 0])] * NUM_JOINTS
        bones = rest[..., 1:, :] - rest[..., list(PARENTS[1:NUM_JOINTS]), :]
        for level in _LEVELS:
            up = [PARENTS[joint] for joint in level]
            parents = torch.stack([world[joint] for joint in up], dim=-3)
            turned = parents @ rotations[..., list(level), :, :]
            moved = (parents @ bones[..., [joint - 1 for joint in level], :].unsqueeze(-1)).squeeze(-1)
            for k, joint in enumerate(level):
                world[joint] = turned[..., k, :, :]
                place[joint] = place[PARENTS[joint]] + moved[..., k, :]
        return torch.stack(place, dim=-2), torch.stack(world, dim=-3)

    __call__ = forward

    def landmarks(
        self, joints: Tensor, world: Tensor, betas: Tensor, keypoint_set: str | Sequence[str]
    ) -> Tensor:
        """Landmarks (...,K,3) of a posed skeleton, in the joints' frame, with hands at ease.

        Args:
            joints, world: as returned by :meth:`forward`.
            betas: (...,B), broadcast against their leading axes.
            keypoint_set: a key of ``KEYPOINT_SETS``, or landmark names.

        Raises:
            InputError: an unknown name.
        """
        names = KEYPOINT_SETS.get(keypoint_set, ()) if isinstance(keypoint_set, str) else tuple(keypoint_set)
        if not names or any(name not in LANDMARKS for name in names):
            raise InputError(f"There is no keypoint layout or landmark {keypoint_set!r}; known layouts: "
                             f"{', '.join(KEYPOINT_SETS)}.")
        at, frames, offsets, dirs = self._landmarks(names)
        offset = offsets + self._linear(dirs, betas)
        return joints[..., at, :] + (world[..., frames, :, :] @ offset.unsqueeze(-1)).squeeze(-1)

    def _linear(self, dirs: Tensor, betas: Tensor) -> Tensor:
        if betas.shape[-1] > self.num_betas:
            raise InputError(f"{betas.shape[-1]} betas were given; this body has {self.num_betas}: cut the rest.")
        return (betas @ dirs[..., : betas.shape[-1]].flatten(0, -2).T).unflatten(-1, dirs.shape[:-1])

