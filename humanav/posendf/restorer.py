"""A network that knows broken poses: which joints of one are damaged, and what they and the hidden ones should be.

The field says how far a pose is from the manifold, its descent leads to some pose there; but a limb that is missing or
was exchanged asks for the pose that is likely given the rest, which is a regression. It is learned from clean poses,
damaged on purpose (:mod:`~humanav.posendf.corrupt`) and with limbs hidden at random.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from humanav.errors import InputError
from humanav.paths import checkpoint
from humanav.posendf.corrupt import LIMBS, axis_angle_noise, corrupt
from humanav.posendf.mixture import PoseMixture
from humanav.posendf.poses import MIRROR_OF, mirror_quats
from humanav.posendf.quaternions import NUM_JOINTS, canonical, half_angle, slerp

FILE = "restorer.safetensors"
DAMAGE = {"clean": 0.5, "swap": 1.0, "twist": 1.0, "hyperextend": 0.5, "freeze": 1.2, "missing": 1.0,
          "out_of_range": 0.7}
"""Share of each kind of damage in training."""
NOTICED = 0.05
"""Half angle (rad) from which a joint counts as damaged: 6 degrees of rotation."""


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


class Restored(NamedTuple):
    """What the network makes of poses.

    Attributes:
        quats: (B,21,4) what every joint should be, the whole and known ones too.
        damage: (B,21) probability 0..1 that the joint is damaged; 1 where it is hidden.
    """

    quats: Tensor
    damage: Tensor


class Restorer(nn.Module):
    """Residual network: 84 quaternion numbers and 21 flags "known" to 84 numbers and 21 logits "damaged"."""

    def __init__(self, config: RestorerConfig | None = None) -> None:
        super().__init__()
        self.config = config or RestorerConfig()
        width = self.config.width
        self.enter = nn.Linear(5 * NUM_JOINTS, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Dropout(self.config.dropout),
                          nn.Linear(width, width)) for _ in range(self.config.blocks))
        self.leave = nn.Sequential(nn.SiLU(), nn.Linear(width, 5 * NUM_JOINTS))

    def forward(self, quats: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Unit quaternions (B,21,4) with any sign, and logits (B,21); ``known`` (B,21) bool."""
        seen = canonical(quats) * known[..., None]
        x = self.enter(torch.cat([seen.flatten(1), known.to(seen)], dim=1))
        for block in self.blocks:
            x = x + block(x)
        out = self.leave(x).unflatten(1, (NUM_JOINTS, 5))
        return nn.functional.normalize(seen + out[..., :4], dim=-1, eps=1e-6), out[..., 4]

    @torch.no_grad()
    def restore(self, quats: Tensor, known: Tensor | None = None) -> Restored:
        """What poses (B,21,4) should be: the mean of what the network says of them and of their mirror images."""
        known = torch.ones(quats.shape[:2], dtype=torch.bool) if known is None else known
        q = torch.where(known[..., None], quats, quats.new_tensor([1.0, 0, 0, 0])).float()
        mirror = list(MIRROR_OF)
        both, logits = self(torch.cat([q, mirror_quats(q)]), torch.cat([known, known[:, mirror]]))
        here, there = both.chunk(2)
        there = mirror_quats(there)
        sign = torch.where((here * there).sum(-1, keepdim=True) < 0, -1.0, 1.0)
        damage = torch.sigmoid(0.5 * (logits[:len(q)] + logits[len(q):][:, mirror]))
        return Restored(canonical(here + sign * there).to(quats.dtype), damage.masked_fill(~known, 1.0).to(quats.dtype))

    def save(self, folder: str | Path) -> None:
        """Write ``restorer.safetensors`` (float16) with its configuration in the header."""
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: value.detach().half().contiguous() for name, value in self.state_dict().items()},
                  folder / FILE, metadata={"config": json.dumps(asdict(self.config))})

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
            network = Restorer(RestorerConfig(**json.loads(file.metadata()["config"])))
            network.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
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


def training_batch(poses: Tensor, config: RestorerConfig, generator: Generator) -> Batch:
    """Poses drawn, varied, damaged and partly hidden."""
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
    broken = corrupt(clean, generator, kinds=DAMAGE, others=poses).quats
    known = ~hidden_joints(count, config.hidden, generator)
    return Batch(clean, broken, known, (half_angle(clean, broken) > NOTICED) & known)


def hidden_joints(count: int, share: float, generator: Generator) -> Tensor:
    """(count,21) bool: in that share of rows one limb or more, or single joints, are hidden."""
    limbs = torch.zeros(len(LIMBS), NUM_JOINTS, dtype=torch.bool)
    for row, joints in enumerate(LIMBS.values()):
        limbs[row, list(joints)] = True
    most = torch.rand((count, 1), generator=generator).square() * 0.8  # often one limb, seldom nearly all
    chosen = torch.rand((count, len(limbs)), generator=generator) < most.clamp_min(0.12)
    by_limb = (chosen[..., None] & limbs).any(1)
    single = torch.rand((count, NUM_JOINTS), generator=generator) < most
    return torch.where(_chance(0.75, count, generator)[:, None], by_limb, single) & _chance(share, count,
                                                                                          generator)[:, None]


def loss_of(network: Restorer, batch: Batch) -> Tensor:
    """Mean angle of the restored joints, most for those damaged or hidden, and the cross-entropy of the damage."""
    out, logits = network(batch.quats, batch.known)
    dot = (out * batch.clean).sum(-1, keepdim=True)
    chord = (out - torch.where(dot < 0, -batch.clean, batch.clean)).square().sum(-1)
    wanted = batch.damaged | ~batch.known
    angle = ((chord + 1e-5).sqrt() * (0.15 + wanted)).sum() / (0.15 + wanted.float()).sum()
    found = binary_cross_entropy_with_logits(logits[batch.known], batch.damaged[batch.known].float())
    return angle + 0.2 * found


def train_restorer(clean: Tensor, seed: int = 0, minutes: float = 7.0, *, steps: int | None = None,
                   config: RestorerConfig | None = None) -> Restorer:
    """Train from clean poses (N,21,4) alone.

    Args:
        clean: the poses; mirrored ones are made on the way.
        seed: of weights and random numbers.
        minutes: of processor time, when ``steps`` is None. A run of given steps is reproducible to the bit on one
            machine with one thread.
        steps: batches.
        config: size and training.

    Returns:
        the network for inference, with weights averaged over the last part of training.
    """
    config = config or RestorerConfig()
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = Restorer(config).train()
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995))
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=1e-3)
    started, step, done = time.process_time(), 0, 0.0
    while done < 1:
        warm = min(1.0, (step + 1) / 100)
        for group in optimizer.param_groups:
            group["lr"] = config.rate * warm * (0.5 + 0.5 * torch.cos(torch.tensor(torch.pi * done)).item() + 0.005)
        loss = loss_of(network, training_batch(clean, config, generator))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(network)
        step += 1
        done = step / steps if steps is not None else (time.process_time() - started) / (60 * minutes)
    network.load_state_dict(average.module.state_dict())
    return network.eval().requires_grad_(False)


def fit_extras(clean: Tensor, folder: str | Path, seed: int = 0, *, minutes: float = 7.0, components: int = 64) -> None:
    """Make what is shipped beside the field: ``mixture.safetensors`` and ``restorer.safetensors`` in ``folder``.

    Args:
        clean: (N,21,4) training poses, not mirrored.
        folder: where the field lies.
        seed: of both.
        minutes: of processor time for the restorer; the mixture takes one more.
        components: of the mixture.
    """
    PoseMixture.fit(torch.cat([clean, mirror_quats(clean)]), components, seed).save(folder)
    train_restorer(clean, seed, minutes).save(folder)


def _draw(poses: Tensor, count: int, generator: Generator) -> Tensor:
    return poses[torch.randint(len(poses), (count,), generator=generator)]


def _chance(share: float, count: int, generator: Generator) -> Tensor:
    return torch.rand((count,), generator=generator) < share
