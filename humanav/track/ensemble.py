"""Small networks whose members' spread is their doubt: what :mod:`.lift` and :mod:`.mend` have in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError

Array = NDArray[np.float64]
Layers = tuple[tuple[Array, Array], ...]
"""Three pairs of weights (M,in,out) and biases (M,1,out) of M members with two hidden layers."""


def forward(features: Array, mean: Array, scale: Array, layers: Layers) -> Array:
    """Outputs (M,N,out) of all members for features (N,in), which are brought to ``mean`` 0 and ``scale`` 1 first."""
    x = ((features - mean) / scale)[None]
    for index, (weight, bias) in enumerate(layers):
        x = x @ weight + bias
        if index < len(layers) - 1:
            x = np.maximum(x, 0.0)
    return x


def read_ensemble(folder: Path, landmarks: Sequence[str], inputs: int, what: str, script: str
                  ) -> tuple[Array, Array, Layers]:
    """Mean, scale and layers from ``model.safetensors`` and ``config.json``.

    Args:
        folder: with both.
        landmarks, inputs: that the network must have been trained for.
        what, script: how it is called, and what trains it, in the error.

    Raises:
        InputError: the files are missing or are something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(folder / "model.safetensors")
        config: dict[str, Any] = json.loads((folder / "config.json").read_text())
        layers = tuple((arrays[f"weight{k}"].astype(np.float64), arrays[f"bias{k}"].astype(np.float64))
                       for k in range(3))
        fits = tuple(config["landmarks"]) == tuple(landmarks) and layers[0][0].shape[1] == inputs
        mean, scale = arrays["mean"].astype(np.float64), arrays["scale"].astype(np.float64)
    except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
        raise InputError(f"The {what} in {folder.name} cannot be read ({error}): restore the folder, or run "
                         f"scripts/{script}.") from error
    if not fits:
        raise InputError(f"The {what} was trained for other landmarks: run scripts/{script}.")
    return mean, scale, layers


def write_ensemble(folder: Path, mean: Array, scale: Array, layers: Layers, config: dict[str, Any]) -> None:
    """The inverse of :func:`read_ensemble`; weights in half precision."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[Any]] = {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32)}
    for k, (weight, bias) in enumerate(layers):
        arrays |= {f"weight{k}": _half(weight), f"bias{k}": _half(bias)}
    save_file(arrays, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")


def _half(array: Array) -> NDArray[np.float16]:
    """In half precision, row by row: the file holds bytes as they lie, whatever the array's strides say."""
    return np.ascontiguousarray(array, dtype=np.float16)


def stacked(members: Sequence[Any]) -> Layers:
    """The layers of trained members, each a ``torch.nn.Sequential``."""
    import torch

    linear = [[part for part in member if isinstance(part, torch.nn.Linear)] for member in members]
    return tuple((np.stack([parts[k].weight.detach().numpy().T for parts in linear]),
                  np.stack([parts[k].bias.detach().numpy()[None] for parts in linear])) for k in range(3))
