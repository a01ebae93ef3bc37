"""A network that knows broken poses: which joints of one are damaged, and what they and the hidden ones should be.

The field says how far a pose is from the manifold, its descent leads to some pose there; but a limb that is missing or
was exchanged asks for the pose that is likely given the rest, which is a regression. It is learned from clean poses,
damaged on purpose (:mod:`~humanav.posendf.corrupt`) and with limbs hidden at random. Hidden joints first get their
mean under a mixture of Gaussians, given the known ones; the network starts from there, which carries over to people it
has not seen better than starting from nothing.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from humanav.errors import InputError
from humanav.paths import checkpoint
from humanav.posendf.checks import check_poses
from humanav.posendf.corrupt import LIMBS, axis_angle_noise, corrupt
from humanav.posendf.mixture import Conditional, PoseMixture
from humanav.posendf.poses import MIRROR_OF, mirror_quats
from humanav.posendf.quaternions import (
    NUM_JOINTS,
    axis_angle_to_quats,
    canonical,
    half_angle,
    quats_to_axis_angle,
    slerp,
)

FILE = "restorer.safetensors"
DAMAGE: dict[str, float] = {"clean": 0.5, "swap": 1.0, "twist": 1.0, "hyperextend": 0.5, "freeze": 1.2, "missing": 1.0,
          "out_of_range": 0.7}
"""Share of each kind of damage in training."""
NOTICED = 0.05
"""Half angle (rad) from which a joint counts as damaged: 6 degrees of rotation."""
MASKS = 8
"""Sets of hidden joints in a training batch."""
BLEND = 0.5
"""Share of the mixture's answer in that for hidden joints, and of the network's in the rest."""


@dataclass(frozen=True)
class RestorerConfig:
    """Size and training of the network.

    Attributes:
        width, blocks: hidden units, and residual blocks of two layers.
        dropout: in each block, while training.
        batch, rate: of Adam.
        mixed: share of training poses that are blends of two.
        recombined: share of training poses with one limb of another pose.
        noise: most noise on the poses, radians per axis.
        hidden: share of training poses with hidden joints.
        undamaged: share of those whose other joints are whole.
        components: of the mixture that hidden joints are filled from first.
    """

    width: int = 448
    blocks: int = 2
    dropout: float = 0.0
    batch: int = 512
    rate: float = 1.5e-3
    mixed: float = 0.2
    recombined: float = 0.1
    noise: float = 0.04
    hidden: float = 0.4
    undamaged: float = 0.6
    components: int = 8


class Restored(NamedTuple):
    """What the network makes of poses.

    Attributes:
        quats: (B,21,4) what every joint should be, the whole and known ones too.
        damage: (B,21) probability 0..1 that the joint is damaged; 1 where it is hidden.
    """

    quats: Tensor
    damage: Tensor


class Restorer(nn.Module):
    """Residual network: 84 quaternion numbers and 21 flags "known" to 84 numbers and 21 logits "damaged".

    Attributes:
        filler: the mixture that hidden joints are filled from before the network sees them.
    """

    def __init__(self, filler: PoseMixture, config: RestorerConfig | None = None) -> None:
        super().__init__()
        self.filler, self.config = filler, config or RestorerConfig()
        width = self.config.width
        self.enter = nn.Linear(5 * NUM_JOINTS, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Dropout(self.config.dropout),
                          nn.Linear(width, width)) for _ in range(self.config.blocks))
        self.leave = nn.Sequential(nn.SiLU(), nn.Linear(width, 5 * NUM_JOINTS))

    def forward(self, quats: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Unit quaternions (B,21,4) with any sign, and logits (B,21).

        ``quats`` (B,21,4) with the filler's answer at hidden joints, ``known`` (B,21) bool.
        """
        start = canonical(quats)
        x = self.enter(torch.cat([start.flatten(1), known.to(start)], dim=1))
        for block in self.blocks:
            x = x + block(x)
        out = self.leave(x).unflatten(1, (NUM_JOINTS, 5))
        return nn.functional.normalize(start + out[..., :4], dim=-1, eps=1e-6), out[..., 4]

    @torch.no_grad()
    def restore(self, quats: Tensor, known: Tensor | None = None) -> Restored:
        """What poses (B,21,4) should be: the mean of what the network says of them and of their mirror images.

        What stands at joints that are not ``known`` (B,21) is not read; for them the answer is the middle between the
        network's and the filler's, which errs less than either.
        """
        known = torch.ones(quats.shape[:2], dtype=torch.bool) if known is None else known
        q = quats.float()
        if not bool(known.all()):
            q = self.filler.conditional(q, known)
        mirror = list(MIRROR_OF)
        both, logits = self(torch.cat([q, mirror_quats(q)]), torch.cat([known, known[:, mirror]]))
        here, there = both.chunk(2)
        out = _middle(here, mirror_quats(there), 0.5)
        out = torch.where(known[..., None], out, _middle(out, q, BLEND))
        damage = torch.sigmoid(0.5 * (logits[:len(q)] + logits[len(q):][:, mirror])).masked_fill(~known, 1.0)
        return Restored(out.to(quats.dtype), damage.to(quats.dtype))

    def save(self, folder: str | Path) -> None:
        """Write ``restorer.safetensors``: network (float16) and filler, with the configuration in the header."""
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {f"network.{name}": value.detach().half().contiguous() for name, value in self.state_dict().items()}
        arrays |= {f"filler.{name}": value for name, value in self.filler.arrays().items()}
        save_file(arrays, folder / FILE, metadata={"config": json.dumps(asdict(self.config))})

    @classmethod
    def load(cls, folder: str | Path | None = None) -> Restorer:
        """The network stored in ``folder``, by default the shipped one. It is shared: do not train it.

        Raises:
            InputError: when the folder holds none that can be read.
        """
        return _load(checkpoint("posendf") if folder is None else Path(folder).resolve())


@lru_cache(maxsize=4)
def _load(folder: Path) -> Restorer:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / FILE, framework="pt") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            config = RestorerConfig(**json.loads(file.metadata()["config"]))
        network = Restorer(PoseMixture.from_arrays(_part(arrays, "filler")), config)
        network.load_state_dict({name: value.float() for name, value in _part(arrays, "network").items()})
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(f"No pose restorer could be read from {folder}: restore the folder, or make it again with "
                         "`humanav posendf train`.") from error
    return network.eval().requires_grad_(False)


class Batch(NamedTuple):
    """Clean poses, what the network is given of them, what it is told is known, and which known joints are damaged."""

    clean: Tensor
    quats: Tensor
    known: Tensor
    damaged: Tensor


def training_batch(poses: Tensor, config: RestorerConfig, fillers: Sequence[Conditional], generator: Generator
                   ) -> Batch:
    """Poses drawn, varied, damaged and partly hidden; what is hidden is drawn from ``fillers``."""
    count = config.batch
    clean = _draw(poses, count, generator)
    clean = torch.where(_chance(0.5, count, generator)[:, None, None], mirror_quats(clean), clean)
    rows = _chance(config.mixed, count, generator).nonzero()[:, 0]
    part = torch.rand((len(rows), 1, 1), generator=generator)
    clean[rows] = slerp(clean[rows], _draw(poses, len(rows), generator), part)
    for limb in LIMBS.values():
        rows = _chance(config.recombined / len(LIMBS), count, generator).nonzero()[:, 0]
        clean[rows[:, None], list(limb)] = _draw(poses, len(rows), generator)[:, list(limb)]
    clean, _ = axis_angle_noise(clean, config.noise * torch.rand((count,), generator=generator), generator)
    quats = corrupt(clean, generator, kinds=DAMAGE, others=poses).quats
    known = torch.ones(quats.shape[:2], dtype=torch.bool)
    hidden = torch.arange(round(config.hidden * count))
    whole = hidden[_chance(config.undamaged, len(hidden), generator)]
    quats[whole] = clean[whole]
    for rows in hidden.chunk(MASKS):
        filler = fillers[int(torch.randint(len(fillers), (1,), generator=generator))]
        known[rows] = filler.known
        vectors = filler.mean(quats_to_axis_angle(quats[rows]).flatten(1)).unflatten(1, (-1, 3))
        quats[rows[:, None], (~filler.known).nonzero()[:, 0]] = axis_angle_to_quats(vectors)
    return Batch(clean, quats, known, (half_angle(clean, quats) > NOTICED) & known)


def hidden_joints(count: int, generator: Generator) -> Tensor:
    """Different sets of joints to hide (N,21) bool, N <= 2 count: limbs, or joints one by one; often few."""
    limbs = torch.zeros(len(LIMBS), NUM_JOINTS, dtype=torch.bool)
    for row, joints in enumerate(LIMBS.values()):
        limbs[row, list(joints)] = True
    most = torch.rand((count, 1), generator=generator).square() * 0.8
    chosen = torch.rand((count, len(limbs)), generator=generator) < most.clamp_min(0.12)
    single = torch.rand((count, NUM_JOINTS), generator=generator) < most
    hidden = torch.where(_chance(0.75, count, generator)[:, None], (chosen[..., None] & limbs).any(1), single)
    hidden = torch.unique(torch.cat([hidden, hidden[:, list(MIRROR_OF)]]), dim=0)
    return hidden[hidden.any(1) & ~hidden.all(1)]


def loss_of(network: Restorer, batch: Batch) -> Tensor:
    """Mean angle of the restored joints, most for those damaged or hidden, and the cross-entropy of the damage."""
    out, logits = network(batch.quats, batch.known)
    dot = (out * batch.clean).sum(-1, keepdim=True)
    chord = (out - torch.where(dot < 0, -batch.clean, batch.clean)).square().sum(-1)
    wanted = batch.damaged | ~batch.known
    angle = ((chord + 1e-5).sqrt() * (0.15 + wanted)).sum() / (0.15 + wanted.float()).sum()
    found = binary_cross_entropy_with_logits(logits[batch.known], batch.damaged[batch.known].float())
    return angle + 0.2 * found


def train_restorer(clean: Tensor, seed: int = 0, steps: int = 7000, *, minutes: float | None = None,
                   config: RestorerConfig | None = None) -> Restorer:
    """Train from clean poses (N,21,4) alone.

    Args:
        clean: the poses; mirrored ones are made on the way.
        seed: of weights and random numbers. The same seed and steps give the same network on one machine and thread.
        steps: batches; 1,000 take about a minute of one core.
        minutes: of processor time, in place of ``steps``.
        config: size and training.

    Returns:
        the network for inference, with weights averaged over the last part of training.

    Raises:
        InputError: poses that cannot be poses.
    """
    check_poses(clean, "The training poses", batch=True)
    config = config or RestorerConfig()
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    filler = PoseMixture.fit(torch.cat([clean, mirror_quats(clean)]), config.components, seed)
    fillers = [Conditional.of(filler, ~hidden, torch.float32) for hidden in hidden_joints(200, generator)]
    network = Restorer(filler, config).train()
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995))
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=1e-3)
    started, step, done = time.process_time(), 0, 0.0
    while done < 1:
        for group in optimizer.param_groups:
            group["lr"] = config.rate * min(1.0, (step + 1) / 100) * (0.505 + 0.5 * math.cos(math.pi * done))
        loss = loss_of(network, training_batch(clean, config, fillers, generator))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(network)
        step += 1
        done = step / steps if minutes is None else (time.process_time() - started) / (60 * minutes)
    network.load_state_dict(average.module.state_dict())
    return network.eval().requires_grad_(False)


def fit_extras(clean: Tensor, folder: str | Path, seed: int = 0, *, steps: int = 7000,
               minutes: float | None = None, components: int = 64) -> None:
    """Make what is shipped beside the field: ``mixture.safetensors`` and ``restorer.safetensors`` in ``folder``.

    Args:
        clean: (N,21,4) training poses, not mirrored.
        folder: where the field lies.
        seed: of both.
        steps, minutes: of the restorer's training (see :func:`train_restorer`).
        components: of the mixture.
    """
    both = torch.cat([clean, mirror_quats(clean)])
    # little shrinking: it is a start for generation, where fine detail counts, and no judge of other people's poses
    PoseMixture.fit(both, components, seed, shrink=5.0, iterations=20, most=20000).save(folder)
    train_restorer(clean, seed, steps, minutes=minutes).save(folder)


def _part(arrays: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): value for name, value in arrays.items() if name.startswith(f"{prefix}.")}


def _middle(a: Tensor, b: Tensor, part: float) -> Tensor:
    """Between two rotations: ``part`` of ``b``, along the chord."""
    sign = torch.where((a * b).sum(-1, keepdim=True) < 0, -1.0, 1.0)
    return canonical((1 - part) * a + part * sign * b)


def _draw(poses: Tensor, count: int, generator: Generator) -> Tensor:
    return poses[torch.randint(len(poses), (count,), generator=generator)]


def _chance(share: float, count: int, generator: Generator) -> Tensor:
    return torch.rand((count,), generator=generator) < share
