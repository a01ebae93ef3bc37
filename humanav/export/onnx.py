"""A torch module as ONNX, for programs without torch (Unity, browsers, phones)."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from humanav.errors import InputError, MissingExtraError
from humanav.export.files import whole_file

if TYPE_CHECKING:
    from torch import Tensor, nn

OPSET = 18
"""Understood by onnxruntime 1.14 and newer."""


def write_onnx(
    module: nn.Module, example_inputs: Sequence[Tensor], names: tuple[Sequence[str], Sequence[str]], path: str | Path
) -> Path:
    """Write a module with its weights as one ``.onnx`` file; its inputs keep the shapes of the examples.

    Args:
        module: put into evaluation mode while it is traced.
        example_inputs: one tensor per input.
        names: of the inputs and of the outputs.
        path: the file to write.

    Raises:
        MissingExtraError: the packages onnx and onnxscript are not there.
        InputError: the module does something that ONNX cannot express, or the names do not fit.
        StorageError: the file cannot be written.
    """
    for package in ("onnx", "onnxscript"):
        if find_spec(package) is None:
            raise MissingExtraError(f"Writing ONNX needs the package {package}: pip install 'humanav[onnx]'.")
    inputs, outputs = (list(part) for part in names)
    if len(inputs) != len(example_inputs):
        raise InputError(f"There are {len(example_inputs)} inputs and {len(inputs)} names for them.")
    import torch

    training = module.training
    module.eval()
    try:
        with whole_file(path) as temporary, _quiet(), torch.no_grad():
            try:
                torch.onnx.export(module, tuple(example_inputs), str(temporary), input_names=inputs,
                                  output_names=outputs, opset_version=OPSET, dynamo=True, external_data=False,
                                  verbose=False)
            except OSError:
                raise
            except Exception as error:  # the exporter has a family of its own for each of its stages
                raise InputError(f"This network cannot be written as ONNX ({type(error).__name__}).") from error
    finally:
        module.train(training)
    return Path(path)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's notes on other packages."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
