"""What a training run starts from: optimisers, and weights of a network of another layout."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from humanav.uplift.config import TrainingConfig
from humanav.uplift.model import Uplift
from humanav.uplift.tcn import Tcn


def warm_start(network: nn.Module, folder: Path, keypoint_set: str) -> None:
    """Copy the weights that a trained network of another layout shares with this one: everything of equal shape, and
    the columns of landmarks of equal name.

    Raises:
        InputError: no network there.
    """
    source = Uplift.load(folder=folder)
    own, theirs = network.state_dict(), source.network.state_dict()
    for name, value in own.items():
        other = theirs.get(name)
        if other is None:
            continue
        if other.shape == value.shape:
            value.copy_(other)
        elif isinstance(network, Tcn) and value.ndim == 2 and len(value) == len(other):
            mine, there = network.shared_columns(name, keypoint_set, source.keypoint_set)
            value.zero_()
            value[:, mine] = other[:, there]


def make_optimizers(network: nn.Module, plan: TrainingConfig) -> list[torch.optim.Optimizer]:
    """AdamW for everything, or with "muon" for all but the square middle of the network, whose updates are made
    orthogonal (Jordan et al. 2024) and scaled to the size of AdamW's."""
    hidden = [value for name, value in network.named_parameters()
              if value.ndim == 2 and "blocks" in name] if plan.optimizer == "muon" else []
    taken = {id(value) for value in hidden}
    others = [value for value in network.parameters() if id(value) not in taken]
    groups = [{"params": [value for value in others if value.ndim > 1], "weight_decay": plan.weight_decay},
              {"params": [value for value in others if value.ndim < 2], "weight_decay": 0.0}]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.98))]
    if hidden:
        optimizers.append(torch.optim.Muon(hidden, lr=plan.learning_rate, weight_decay=plan.weight_decay,
                                           adjust_lr_fn="match_rms_adamw"))
    return optimizers
