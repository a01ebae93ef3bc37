"""What a training run is told: dataclasses with the original's four sections, read from YAML.

An empty file is the shipped recipe. Every key may be left out; a key that does not exist is an error, because a
misspelt one would silently train something else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from humanav.errors import InputError

WIDTHS = {"structured": (256, 512, 1024, 512, 256, 64), "fast": (256, 256, 256, 256)}
"""Hidden widths of the distance network: the paper's, and a small one that measures as well on our data."""
ACTIVATIONS = ("leaky_relu", "softplus", "silu")


@dataclass(frozen=True)
class ModelConfig:
    """The network.

    Attributes:
        variant: "structured" (the paper's widths) or "fast".
        encoder: whether the kinematic structure encoder stands before the distance network.
        widths: hidden widths of the distance network; empty for the variant's own.
        activation: of hidden units: "leaky_relu", "softplus" or "silu".
        sharpness: beta of softplus hidden units.
        output_sharpness: beta of the softplus that keeps the output positive.
    """

    variant: str = "fast"
    encoder: bool = True
    widths: tuple[int, ...] = ()
    activation: str = "leaky_relu"
    sharpness: float = 20.0
    output_sharpness: float = 50.0

    def __post_init__(self) -> None:
        if self.variant not in WIDTHS:
            raise InputError(f"model.variant is {self.variant!r}: use one of {', '.join(WIDTHS)}.")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"model.activation is {self.activation!r}: use one of {', '.join(ACTIVATIONS)}.")
        widths = self.widths or WIDTHS[self.variant]
        if not all(isinstance(width, int) and width > 0 for width in widths):
            raise InputError("model.widths must be a list of positive whole numbers.")
        object.__setattr__(self, "widths", tuple(widths))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for ``config.json``."""
        return {**asdict(self), "widths": list(self.widths)}


@dataclass(frozen=True)
class ExperimentConfig:
    """Where a run writes and which random numbers it draws."""

    name: str = "posendf"
    folder: str = "runs/posendf"
    seed: int = 0
