"""The state of a training on disk: written whole or not at all, read only by the training it belongs to."""

from __future__ import annotations

import os
import pickle
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanav.errors import StorageError


@dataclass(frozen=True)
class Checkpoint:
    """Attributes: key: of the training. step, seconds: done. parameters, optimizer: torch states. history: of the loss.
    seams: by frame, the step at which they were looked for, and their map."""

    key: str
    step: int
    seconds: float
    parameters: Mapping[str, Any]
    optimizer: dict[str, Any]
    history: Sequence[tuple[int, float]]
    seams: Mapping[int, tuple[int, Any]]


def write_checkpoint(path: Path, state: Checkpoint) -> None:
    """Replace the file. Raises StorageError when it cannot be written."""
    import torch

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            torch.save({"key": state.key, "step": state.step, "seconds": state.seconds,
                        "parameters": dict(state.parameters), "optimizer": state.optimizer,
                        "history": [list(row) for row in state.history],
                        "seams": {number: list(found) for number, found in state.seams.items()}}, file)
        os.replace(file.name, path)
    except OSError as error:
        raise StorageError(f"The training's state cannot be written to {path.name}: {error.strerror}.") from error


def read_checkpoint(path: Path, key: str) -> Checkpoint | None:
    """The state in a file; None when there is none, it is damaged, or it belongs to another training."""
    import torch

    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
        if data["key"] != key:
            return None
        return Checkpoint(key, int(data["step"]), float(data["seconds"]), data["parameters"], data["optimizer"],
                          [(int(a), float(b)) for a, b in data["history"]],
                          {int(number): (int(step), seam) for number, (step, seam) in data["seams"].items()})
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError,
            zipfile.BadZipFile):
        return None
