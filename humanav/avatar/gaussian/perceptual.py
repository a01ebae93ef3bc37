"""The perceptual measure of evaluations: LPIPS where its package and weights are there, else GMSD, by name."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError, MissingExtraError

Measure = Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]
_WEIGHTS = "alexnet-*.pth"


def perceptual_measure(name: str = "auto") -> tuple[str, Measure]:
    """A measure of how different two uint8 pictures (H,W,3) look, 0 for equal ones, and its name.

    "lpips" is LPIPS (Zhang et al. 2018) on AlexNet, of the package ``lpips``; nothing is downloaded for it: AlexNet's
    weights must lie in torch's folder of checkpoints. "gmsd" is :func:`humanav.metrics.gmsd`, the stated substitute.
    "auto" is the first where it is there, else the second.

    Raises:
        InputError: another name.
        MissingExtraError: "lpips" is not there.
    """
    from humanav.metrics import gmsd

    if name not in ("auto", "lpips", "gmsd"):
        raise InputError(f"There is no perceptual measure '{name}'; use lpips, gmsd or auto.")
    if name == "lpips" or (name == "auto" and lpips_is_there()):
        return "lpips", _lpips()
    return "gmsd", gmsd


def lpips_is_there() -> bool:
    """Whether LPIPS can be computed without a download."""
    return all(importlib.util.find_spec(m) is not None for m in ("lpips", "torchvision")) and _weights() is not None


def _weights() -> Path | None:
    import torch

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    return next(iter(sorted(folder.glob(_WEIGHTS))), None) if folder.is_dir() else None


@lru_cache(maxsize=1)
def _lpips() -> Measure:
    if not lpips_is_there():
        raise MissingExtraError("LPIPS needs the packages lpips and torchvision (pip install lpips torchvision) and "
                                "AlexNet's weights, which torchvision downloads on first use: run "
                                "python -c \"import lpips; lpips.LPIPS(net='alex')\" once, or use gmsd.")
    import lpips
    import torch

    network: Any = lpips.LPIPS(net="alex", verbose=False).eval()

    def tensor(picture: NDArray[np.uint8]) -> Any:
        return torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]

    def measure(picture: NDArray[np.uint8], target: NDArray[np.uint8]) -> float:
        with torch.no_grad():
            return float(network(tensor(picture), tensor(target)))

    return measure
