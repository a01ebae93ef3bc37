"""The learned distance field of poses: the structure encoder and the distance network of Pose-NDF, on a CPU.

The paper's 21 tiny networks, one after another along the kinematic tree, cost more in launches than the rest of the
network. Joints of one depth do not depend on each other, so they are computed together: seven levels instead of 21
joints. For inference the levels' weights become block-diagonal matrices and the gradient is written out by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, silu, softplus

from humanav.errors import InputError
from humanav.paths import checkpoint
from humanav.posendf.config import ModelConfig
from humanav.posendf.poses import PARENT_OF
from humanav.posendf.quaternions import NUM_JOINTS, canonical

LEVELS = ((0, 3), (3, 6), (6, 9), (9, 14), (14, 17), (17, 19), (19, 21))
"""Joints of equal depth in the tree, first and last + 1. Parents lie in the level before."""
HIDDEN, FEATURE = 10, 6
"""Units of a joint's network: hidden, and handed on to its children."""
SLOPE = 0.01
FEW = 4
"""Up to so many poses go through the compiled kernel instead of tensor operations."""


class StructureEncoder(nn.Module):
    """One small network per joint, fed with its quaternion and its parent's feature (Pose-NDF, section 3.2).

    Weights are stacked over joints; roots have none for a parent.
    """

    def __init__(self) -> None:
        super().__init__()
        children = sum(parent >= 0 for parent in PARENT_OF)
        self.own = nn.Parameter(_uniform((NUM_JOINTS, 4, HIDDEN), 4 + FEATURE))
        self.inherited = nn.Parameter(_uniform((children, FEATURE, HIDDEN), 4 + FEATURE))
        self.first_bias = nn.Parameter(_uniform((NUM_JOINTS, 1, HIDDEN), 4 + FEATURE))
        self.second = nn.Parameter(_uniform((NUM_JOINTS, HIDDEN, FEATURE), HIDDEN))
        self.second_bias = nn.Parameter(_uniform((NUM_JOINTS, 1, FEATURE), HIDDEN))

    def forward(self, quats: Tensor, act: Any) -> Tensor:
        """Features (B,126) of canonical poses (B,21,4)."""
        roots = LEVELS[0][1]
        first = torch.baddbmm(self.first_bias, quats.transpose(0, 1), self.own)
        levels: list[Tensor] = []
        for start, stop in LEVELS:
            hidden = first[start:stop]
            if levels:
                before = LEVELS[len(levels) - 1][0]
                parents = [PARENT_OF[joint] - before for joint in range(start, stop)]
                hidden = torch.baddbmm(hidden, levels[-1][parents], self.inherited[start - roots:stop - roots])
            levels.append(act(torch.baddbmm(self.second_bias[start:stop], act(hidden), self.second[start:stop])))
        return torch.cat(levels).transpose(0, 1).flatten(1)


class PoseNDF(nn.Module):
    """Distance of a pose to the manifold of human poses, in radians of mean half angle.

    With ``config.members`` above 1 it is the mean of so many networks, which differ where nothing like a pose was seen:
    their mean has fewer false zeros, and tells people it never saw from damaged ones better than each of them.

    Example: ``field = PoseNDF.load(); field(quats)``. Training uses :meth:`each`; the tasks use
    :meth:`value_and_gradient`, which keeps no graph.

    Attributes:
        encoder, layers: of the first network.
        others: the other networks, each a field of one.
    """

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config or ModelConfig()
        self.encoder = StructureEncoder() if self.config.encoder else None
        sizes = [NUM_JOINTS * (FEATURE if self.encoder is not None else 4), *self.config.widths, 1]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        alone = replace(self.config, members=1)
        self.others = nn.ModuleList(PoseNDF(alone) for _ in range(self.config.members - 1))
        self._fused: list[_Fused] = []

    def forward(self, quats: Tensor) -> Tensor:
        """Distance (B,), never negative, of poses (B,21,4), which are normalised and brought to w >= 0 first."""
        unit = canonical(quats)
        return self.each(unit.expand(self.config.members, *unit.shape)).mean(0)

    def each(self, quats: Tensor) -> Tensor:
        """Distances (M,B) by each of the M networks, of poses of its own (M,B,21,4): what training looks at."""
        return torch.stack([net._alone(unit) for net, unit in zip(self._networks(), canonical(quats))])

    def _networks(self) -> list[PoseNDF]:
        return [self, *(net for net in self.others if isinstance(net, PoseNDF))]

    def _alone(self, unit: Tensor) -> Tensor:
        x = unit.flatten(1) if self.encoder is None else self.encoder(unit, self._act)
        for layer in self.layers[:-1]:
            x = self._act(layer(x))
        return softplus(self.layers[-1](x).squeeze(-1), beta=self.config.output_sharpness)

    def value_and_gradient(self, quats: Tensor) -> tuple[Tensor, Tensor]:
        """Distance (B,) of poses (B,21,4) and its gradient (B,21,4) with respect to the four numbers as given.

        The gradient is at right angles to each quaternion, because the distance does not depend on their lengths.
        """
        if not self._fused:
            self._fused = [_Fused(net) for net in self._networks()]
        with torch.no_grad():
            quats = quats.to(next(self.layers.parameters()).dtype)
            norm = quats.norm(dim=-1, keepdim=True)
            norm = torch.where(norm > 1e-12, norm, 1.0)  # the zero quaternion stands for the identity
            scale = torch.where(quats[..., :1] < 0, -norm, norm)
            unit = canonical(quats)
            value, grad = self._fused[0](unit.flatten(1))
            for net in self._fused[1:]:
                other, turned = net(unit.flatten(1))
                value, grad = value + other, grad + turned
            if len(self._fused) > 1:
                value, grad = value / len(self._fused), grad / len(self._fused)
            grad = grad.view(quats.shape)
            # back through the normalisation and the sign
            return value, (grad - unit * (grad * unit).sum(-1, keepdim=True)) / scale

    def train(self, mode: bool = True) -> PoseNDF:
        """Switch between training and inference; what inference prepared is forgotten."""
        self._fused = []
        return super().train(mode)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """As torch's; what inference prepared is forgotten."""
        self._fused = []
        return super().load_state_dict(*args, **kwargs)

    def _apply(self, *args: Any, **kwargs: Any) -> PoseNDF:
        self._fused = []
        return super()._apply(*args, **kwargs)

    def _act(self, x: Tensor) -> Tensor:
        if self.config.activation == "leaky_relu":
            return leaky_relu(x, SLOPE)
        return silu(x) if self.config.activation == "silu" else softplus(x, beta=self.config.sharpness)

    def save(self, folder: str | Path, report: dict[str, Any] | None = None, *, half: bool = True) -> None:
        """Write ``model.safetensors`` and ``config.json`` with the model's section and ``report``.

        Args:
            half: store float16, which halves the file and changes the distance by less than 0.001 rad.
        """
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        dtype = torch.float16 if half else torch.float32
        save_file({name: value.detach().cpu().to(dtype).contiguous() for name, value in self.state_dict().items()},
                  folder / "model.safetensors")
        text = json.dumps({"model": self.config.to_dict(), **(report or {})}, indent=1)
        (folder / "config.json").write_text(text + "\n")

    @classmethod
    def load(cls, folder: str | Path | None = None) -> PoseNDF:
        """The field stored in ``folder`` (by default the shipped one), for inference. It is shared: do not train it.

        Raises:
            InputError: when the folder holds no field that can be read.
        """
        return _load(checkpoint("posendf") if folder is None else Path(folder).resolve())


@lru_cache(maxsize=4)
def _load(folder: Path) -> PoseNDF:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        section = json.loads((folder / "config.json").read_text())["model"]
        field = PoseNDF(ModelConfig(**{**section, "widths": tuple(section["widths"])}))
        field.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(f"No pose field could be read from {folder}: restore the folder, or make it again with "
                         "`humanav posendf train`.") from error
    return field.eval().requires_grad_(False)


@dataclass
class _Level:
    """One level's block-diagonal weights: from parents' features, to features; and where it lies in the rows."""

    inherited: Tensor | None
    second: Tensor
    bias: Tensor
    hidden: slice
    feature: slice


class _Fused:
    """Value and gradient of a :class:`PoseNDF` without autograd, from weights laid out once."""

    def __init__(self, field: PoseNDF) -> None:
        self.config = field.config
        values = [value.detach() for value in field.layers.parameters()]
        self.layers = list(zip(values[::2], values[1::2]))  # weight and bias of each layer
        self.levels: list[_Level] = []
        self.packed = _packed(field)
        if field.encoder is None:
            return
        encoder, roots = field.encoder, LEVELS[0][1]
        self.own = torch.block_diag(*encoder.own.detach())
        self.own_bias = encoder.first_bias.detach().flatten()
        for depth, (start, stop) in enumerate(LEVELS):
            inherited = None
            if depth:
                before, end = LEVELS[depth - 1]
                inherited = self.own.new_zeros(FEATURE * (end - before), HIDDEN * (stop - start))
                for joint in range(start, stop):
                    row, column = FEATURE * (PARENT_OF[joint] - before), HIDDEN * (joint - start)
                    block = encoder.inherited[joint - roots].detach()
                    inherited[row:row + FEATURE, column:column + HIDDEN] = block
            self.levels.append(_Level(
                inherited, torch.block_diag(*encoder.second[start:stop].detach()),
                encoder.second_bias[start:stop].detach().flatten(),
                slice(HIDDEN * start, HIDDEN * stop), slice(FEATURE * start, FEATURE * stop)))

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Distance (B,) and gradient (B,84) of canonical poses (B,84)."""
        few = len(x) <= FEW and x.device.type == "cpu"
        return (self._one_by_one if few else self._together)(x)

    def _one_by_one(self, x: Tensor) -> tuple[Tensor, Tensor]:
        from humanav.posendf.kernels import value_and_gradient

        value, grad = x.new_empty(len(x)), torch.empty_like(x)
        arrays: Any = (x.numpy(), *self.packed, value.numpy(), grad.numpy())
        value_and_gradient(*arrays)
        return value, grad

    def _together(self, x: Tensor) -> tuple[Tensor, Tensor]:
        slopes: list[Tensor] = []
        first = None
        outer: list[Tensor] = []
        if self.levels:
            first = torch.addmm(self.own_bias, x, self.own)
            features: list[Tensor] = []
            for level in self.levels:
                hidden = first[:, level.hidden]
                if level.inherited is not None:
                    hidden.addmm_(features[-1], level.inherited)
                out = torch.addmm(level.bias, self._act(hidden), level.second)
                outer.append(out)
                features.append(self._act(out))
            x = torch.cat(features, 1)
        for weight, bias in self.layers[:-1]:
            x = torch.addmm(bias, x, weight.t())
            slopes.append(x)
            x = self._act(x)
        weight, bias = self.layers[-1]
        last = torch.addmm(bias, x, weight.t())
        beta = self.config.output_sharpness
        grad = torch.sigmoid(beta * last) @ weight
        for before, (weight, _) in zip(reversed(slopes), reversed(self.layers[:-1])):
            grad = self._slope(grad, before) @ weight
        if first is not None:
            grad = self._encoder_gradient(grad, first, outer)
        return softplus(last, beta=beta).squeeze(1), grad

    def _encoder_gradient(self, grad: Tensor, first: Tensor, outer: list[Tensor]) -> Tensor:
        inner = torch.empty_like(first)
        passed: Tensor | None = None
        for level, out in zip(reversed(self.levels), reversed(outer)):
            feature = grad[:, level.feature]
            if passed is not None:
                feature = feature + passed
            inner[:, level.hidden] = self._slope(self._slope(feature, out) @ level.second.t(), first[:, level.hidden])
            if level.inherited is not None:
                passed = inner[:, level.hidden] @ level.inherited.t()
        return inner @ self.own.t()

    def _act(self, x: Tensor) -> Tensor:
        if self.config.activation == "leaky_relu":
            return leaky_relu(x, SLOPE)
        return silu(x) if self.config.activation == "silu" else softplus(x, beta=self.config.sharpness)

    def _slope(self, grad: Tensor, x: Tensor) -> Tensor:
        """``grad`` times the activation's derivative at ``x``."""
        if self.config.activation == "leaky_relu":
            return torch.ops.aten.leaky_relu_backward(grad, x, SLOPE, False)  # one kernel instead of three
        if self.config.activation == "softplus":
            return grad * torch.sigmoid(self.config.sharpness * x)
        gate = torch.sigmoid(x)
        return grad * gate * (1 + x * (1 - gate))


def _packed(field: PoseNDF) -> tuple[Any, ...]:
    """The arguments of the compiled kernel between the poses and its results."""
    from humanav.posendf.kernels import KINDS

    config = field.config
    if field.encoder is None:
        parents, first, second = [], torch.zeros(0, HIDDEN, 4 + FEATURE), torch.zeros(0, FEATURE, HIDDEN)
        first_bias, second_bias = torch.zeros(0, HIDDEN), torch.zeros(0, FEATURE)
    else:
        encoder, roots = field.encoder, LEVELS[0][1]
        inherited = torch.cat([torch.zeros_like(encoder.inherited[:roots]), encoder.inherited])
        parents, first = list(PARENT_OF), torch.cat([encoder.own, inherited], 1).transpose(1, 2)
        second, first_bias = encoder.second.transpose(1, 2), encoder.first_bias[:, 0]
        second_bias = encoder.second_bias[:, 0]
    values = [value.detach().flatten() for value in field.layers.parameters()]
    dtype = values[0].dtype
    arrays = [value.detach().to("cpu", dtype).contiguous().numpy()
              for value in (first, first_bias, second, second_bias, torch.cat(values[::2]), torch.cat(values[1::2]))]
    sizes = np.array([NUM_JOINTS * (FEATURE if parents else 4), *config.widths, 1])
    return (np.array(parents, np.int64), *arrays, sizes, KINDS.index(config.activation), config.sharpness,
            config.output_sharpness)


def _uniform(shape: tuple[int, ...], fan_in: int) -> Tensor:
    bound = fan_in ** -0.5
    return torch.empty(shape).uniform_(-bound, bound)
