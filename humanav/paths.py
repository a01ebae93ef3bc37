"""Where the shipped data lies: beside the package in a checkout, or where ``HUMANAV_HOME`` points."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The folder that holds ``assets/`` and ``checkpoints/``.

    ``HUMANAV_HOME`` wins; then the checkout this package lies in.
    """
    override = os.environ.get("HUMANAV_HOME")
    return Path(override) if override else Path(__file__).resolve().parent.parent


def asset(*parts: str) -> Path:
    """Path of a shipped asset, such as ``asset("body", "humanav_body.npz")``."""
    return home().joinpath("assets", *parts)


def checkpoint(*parts: str) -> Path:
    """Path of a shipped checkpoint, such as ``checkpoint("pose_prior", "model.safetensors")``."""
    return home().joinpath("checkpoints", *parts)


def sample_photos() -> list[Path]:
    """The shipped sample photos."""
    return sorted(asset("samples").glob("*.jpg"))
