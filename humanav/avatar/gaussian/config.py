"""How a Gaussian avatar is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from humanav.avatar.gaussian.deformation import Kind
from humanav.avatar.gaussian.losses import LossWeights
from humanav.errors import InputError


@dataclass(frozen=True)
class GaussianTraining:
    """Settings of a training.

    Attributes:
        steps: at most. minutes: at most, None for no limit; the drop of the rates follows whichever is nearer to its
            end.
        alone: share of both that is spent on captured frames alone, before there are generated ones.
        deformation: "lite" or "full". sizes: of its network.
        balanced: a captured frame in every second step (PERSONA's balanced sampling), and oftener when there are many.
        geometry_weighting: generated colours hardly shape the clothes (PERSONA's geometry-weighted optimisation).
        pose_driven: learn what the pose does to the clothes.
        seams: along seams of a photo follow the generated colours.
        protect: a photo does not change what it does not see, nor generated frames what a photo saw well.
        refine_poses: correct the poses of several captured frames; None: when there are several.
        weights: of the loss.
        offset_rate, scale_rate, color_rate, opacity_rate, deformation_rate, pose_rate: Adam's, per step.
        drop_at, drop_to: at this share of the training the rates fall to this share.
        seed: of the order of frames and of the networks.
        checkpoint_every, preview_every: seconds.
    """

    steps: int = 700
    minutes: float | None = 2.0
    alone: float = 0.5
    deformation: Kind = "lite"
    sizes: Mapping[str, int] = field(default_factory=dict)
    balanced: bool = True
    geometry_weighting: bool = True
    pose_driven: bool = True
    seams: bool = True
    protect: bool = True
    refine_poses: bool | None = None
    weights: LossWeights = field(default_factory=LossWeights)
    offset_rate: float = 4e-4
    scale_rate: float = 2e-2
    color_rate: float = 5e-3
    opacity_rate: float = 2e-2
    deformation_rate: float = 6e-3
    pose_rate: float = 3e-4
    drop_at: float = 0.7
    drop_to: float = 0.1
    seed: int = 0
    checkpoint_every: float = 10.0
    preview_every: float = 8.0

    def part(self, share: float, **changes: Any) -> GaussianTraining:
        """The same with a share of the steps and minutes, and other changes."""
        minutes = None if self.minutes is None else max(self.minutes * share, 1e-6)
        return replace(self, steps=max(1, round(self.steps * share)), minutes=minutes, **changes)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError("Training needs at least one step.")
        if not 0 <= self.alone <= 1:
            raise InputError(f"The share {self.alone:g} of a training is not between 0 and 1.")
        if self.minutes is not None and not self.minutes > 0:
            raise InputError(f"{self.minutes:g} minutes are no time to train in: give a number above 0.")
