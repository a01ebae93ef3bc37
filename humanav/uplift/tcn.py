"""The uplift for CPUs: dilated convolutions over time on features of single frames, and a second look.

Every frame of a clip of any length is predicted in one pass. The first stage proposes rotations; the second sees where
the detector's landmarks would lie on an average body in that pose, and how far from there they were found, and corrects
it. Limbs are predicted as they lie before the camera, which is what a picture shows; how far a shoulder or hip is
twisted then follows from the plane in which its elbow or knee bends. Joint positions come from the rotations by forward
kinematics alone, so bones keep their length.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.body.names import JOINT_INDEX, JOINT_NAMES, PARENTS
from humanav.uplift.config import ModelConfig
from humanav.uplift.features import NUM_JOINTS, SCALARS, num_features
from humanav.uplift.limbs import LIMBS, bend
from humanav.uplift.network import Output, rotations_from_6d
from humanav.uplift.skeleton import UpliftBody

_DOWN = torch.tensor([not name.endswith(("shoulder", "elbow", "wrist", "collar")) for name in JOINT_NAMES[:NUM_JOINTS]])
"""Joints whose bone runs along y: their y axis is the column that counts first; in the arms it is x."""
_REST = torch.where(_DOWN[:, None], torch.tensor([0.0, 1, 0, -1, 0, 0]), torch.tensor([1.0, 0, 0, 0, 1, 0]))
for _limb in LIMBS:
    _REST[_limb.upper], _REST[_limb.lower, :3] = torch.tensor((*_limb.bone, *_limb.hinge)), torch.tensor(_limb.bone)
_BEFORE_CAMERA = frozenset(JOINT_INDEX[name] for name in ("spine3", "neck", "head"))
"""Joints, besides those that limbs hang on, of which the network says how they lie before the camera."""


class Tcn(nn.Module):
    """The network; see :class:`~humanav.uplift.config.ModelConfig` for its sizes."""

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        self.model, self.points = model, len(KEYPOINT_SETS[model.keypoint_set])
        width = model.width
        self.stem = nn.Linear(num_features(model.keypoint_set), width)
        self.blocks = _blocks(width, (0,) * model.lifting + model.dilations, model.dropout)
        self.norm, self.head = nn.LayerNorm(width), _head(width)
        self.body = UpliftBody()
        if model.refine:
            seen = 4 * self.points + 3 * NUM_JOINTS + 6 * NUM_JOINTS + 1
            self.look = nn.Linear(seen, width)
            self.refine_blocks = _blocks(width, (0, *model.refine), model.dropout)
            self.refine_norm, self.correction = nn.LayerNorm(width), _head(width)

    def forward(self, features: Tensor) -> Output:
        """Features (B,T,F) of :func:`~humanav.uplift.features.to_features`, T >= 1, to every frame's rotations."""
        hidden = self.stem(features).float()  # the sum over blocks stays in full precision
        for block in self.blocks:
            hidden = block(hidden)
        with torch.autocast(features.device.type, enabled=False):
            out = self.head(self.norm(hidden.float()))
            values = out[..., :6 * NUM_JOINTS].unflatten(-1, (NUM_JOINTS, 6)) + _REST.to(out)
            rotations = self._rotations(values)
        if not self.model.refine:
            return Output(rotations, out[..., 6 * NUM_JOINTS:])
        with torch.autocast(features.device.type, enabled=False):
            seen = self._compare(features, values, rotations)
        second = hidden + self.look(seen).float()
        for block in self.refine_blocks:
            second = block(second)
        with torch.autocast(features.device.type, enabled=False):
            change = self.correction(self.refine_norm(second.float()))
            values = values + change[..., :6 * NUM_JOINTS].unflatten(-1, (NUM_JOINTS, 6))
        return Output(self._rotations(values), change[..., 6 * NUM_JOINTS:], None, rotations)

    def _rotations(self, values: Tensor) -> Tensor:
        """What the heads say (B,T,22,6) to parent-relative rotations (B,T,22,3,3): two columns of each joint's matrix,
        before the camera or relative to the parent's, and of limbs the directions of :func:`.limbs.bend`."""
        turned = rotations_from_6d(values)
        turned = torch.where(_DOWN.to(turned.device)[:, None, None], turned[..., [1, 0, 2]] * turned.new_tensor(
            [-1.0, 1.0, 1.0]), turned)
        world, local = list(turned.unbind(-3)), list(turned.unbind(-3))
        for limb in LIMBS:
            world[limb.upper], local[limb.lower] = bend(values[..., limb.upper, :], values[..., limb.lower, :3], limb)
        placed = _BEFORE_CAMERA | {limb.upper for limb in LIMBS}
        for joint in range(1, NUM_JOINTS):
            parent = world[PARENTS[joint]]
            if joint in placed:
                local[joint] = parent.transpose(-1, -2) @ world[joint]
            else:
                world[joint] = parent @ local[joint]
        return torch.stack(local, -3)

    def shared_columns(self, name: str, own: str, other: str) -> tuple[list[int], list[int]]:
        """Columns of the weight ``name`` in a network of layout ``own``, and those of the same meaning in one of layout
        ``other``: landmarks of equal name, and what belongs to no landmark."""
        mine, there = KEYPOINT_SETS[own], KEYPOINT_SETS[other]
        columns: tuple[list[int], list[int]] = ([], [])
        blocks = {"stem.weight": (3,), "look.weight": (2, 2)}[name]
        rest = {"stem.weight": SCALARS, "look.weight": 9 * NUM_JOINTS + 1}[name]
        starts = [0, 0]
        for size in blocks:
            for point in set(mine) & set(there):
                for side, names in enumerate((mine, there)):
                    first = starts[side] + size * names.index(point)
                    columns[side].extend(range(first, first + size))
            starts = [starts[0] + size * len(mine), starts[1] + size * len(there)]
        for side in (0, 1):
            columns[side].extend(range(starts[side], starts[side] + rest))
        return columns

    def _compare(self, features: Tensor, values: Tensor, rotations: Tensor) -> Tensor:
        """What the second stage sees (B,T,4*N+199): landmarks of an average body in the first pose, brought onto the
        features' plane by the scale and shift that fit best, what is left of the detector's points, joints, the
        first stage's matrices and scale."""
        found = features[..., :3 * self.points].unflatten(-1, (self.points, 3))
        weight, size = found[..., 2], (features[..., -SCALARS] - 1.5).exp()
        zero = rotations.new_zeros(1)
        joints, turned = self.body.forward(rotations, zero)
        marks = self.body.landmarks(joints, turned, zero, self.model.keypoint_set)
        flat = marks[..., :2] * marks.new_tensor([1.0, -1.0])
        depth = -marks[..., 2]
        scale, shift = _fit(flat, found[..., :2], weight)
        # perspective: a point nearer than the pelvis looks larger; the scale tells how near the person is
        near = (1 + depth * (scale * size)[..., None]).clamp(0.6, 1.7)
        target = found[..., :2] * near[..., None]
        scale, shift = _fit(flat, target, weight)
        placed = flat * scale[..., None, None] + shift[..., None, :]
        left = ((target - placed) * (weight > 0).to(weight)[..., None]).clamp(-2, 2)
        return torch.cat([4 * left.flatten(2), placed.clamp(-6, 6).flatten(2), 2 * joints.flatten(2),
                          values.flatten(2), scale[..., None] - 1.5], -1)


def _fit(flat: Tensor, found: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Scale (B,T) and shift (B,T,2) that bring points (B,T,N,2) onto others, by weighted least squares."""
    share = (weight / weight.sum(-1, keepdim=True).clamp(min=1e-3))[..., None]
    a, b = (flat * share).sum(-2), (found * share).sum(-2)
    one, two = flat - a[..., None, :], found - b[..., None, :]
    scale = (one * two * share).sum((-1, -2)) / ((one * one * share).sum((-1, -2)) + 1e-3)
    scale = scale.clamp(0.2, 10)
    return scale, b - scale[..., None] * a


class _Block(nn.Module):
    """A residual block: over three frames ``dilation`` apart, or over one where it is 0. Clips are continued by their
    first and last frames."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(3 * width if dilation else width, width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.out.weight, std=0.1 * width ** -0.5)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        if self.dilation:
            frames, step = y.shape[1], self.dilation
            longer = torch.cat([y[:, :1].expand(-1, step, -1), y, y[:, -1:].expand(-1, step, -1)], 1)
            y = torch.cat([longer[:, :frames], y, longer[:, 2 * step:]], -1)
        return x + self.out(self.dropout(functional.silu(self.mix(y))))


def _blocks(width: int, dilations: Sequence[int], dropout: float) -> nn.ModuleList:
    return nn.ModuleList(_Block(width, dilation, dropout) for dilation in dilations)


def _head(width: int) -> nn.Linear:
    head = nn.Linear(width, 7 * NUM_JOINTS)
    nn.init.normal_(head.weight, std=0.1 * width ** -0.5)
    nn.init.zeros_(head.bias)
    return head


