"""The built-in body posed by this package and by the ``smplx`` package from the same file: one body at a time
(batch 1), one thread, medians of process time, both alternating in one run.

Pose, shape, expression and place are random; the backward pass takes the gradient of all four. ``ratio_*`` is the smplx
package's time over ours; ``max_diff_mm`` the largest distance between corresponding vertices or joints in single
precision.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from humanav.errors import MissingExtraError


def run(quick: bool = False, seed: int = 0) -> dict[str, Any]:
    """Measure.

    Args:
        quick: a fifth of the repetitions.
        seed: of the random bodies.

    Raises:
        MissingExtraError: when the smplx package, with which to compare, is not installed.
    """
    import torch

    try:
        import smplx
    except ImportError as error:
        raise MissingExtraError("This compares with the smplx package: pip install 'humanav[smplx]'.") from error
    from humanav.body import BodyModel

    threads, repetitions = torch.get_num_threads(), 20 if quick else 100
    torch.set_num_threads(1)
    try:
        body = BodyModel.load()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "SMPLX_NEUTRAL.npz"
            body.save_smplx(path)
            other = smplx.create(
                str(path), model_type="smplx", use_pca=False, num_betas=body.num_betas,
                num_expression_coeffs=body.num_expressions)
        generator = torch.Generator().manual_seed(seed)

        def draw() -> list[torch.Tensor]:
            def normal(scale: float, *shape: int) -> torch.Tensor:
                return scale * torch.randn(*shape, generator=generator)

            return [normal(0.2, 1, 55, 3), normal(1, 1, body.num_betas), normal(0.3, 1, body.num_expressions),
                    normal(0.3, 1, 3)]

        def ours(values: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
            out = body(*values)
            assert out.vertices is not None
            return out.vertices, out.joints

        def theirs(values: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
            pose, betas, expression, transl = values
            out = other(
                betas=betas, expression=expression, transl=transl, global_orient=pose[:, 0],
                body_pose=pose[:, 1:22].flatten(1), jaw_pose=pose[:, 22], leye_pose=pose[:, 23],
                reye_pose=pose[:, 24], left_hand_pose=pose[:, 25:40].flatten(1),
                right_hand_pose=pose[:, 40:].flatten(1))
            return out.vertices, out.joints[:, :55]

        difference = 0.0
        with torch.no_grad():
            for _ in range(10):
                values = draw()
                for a, b in zip(ours(values), theirs(values), strict=True):
                    difference = max(difference, float((a - b).norm(dim=-1).max()) * 1e3)
            forward = _alternate([lambda: ours(values), lambda: theirs(values),
                                  lambda: body(*values, vertices=False)], repetitions)
        leaves = [value.requires_grad_() for value in draw()]
        backward = _alternate([lambda: ours(leaves)[0].square().sum().backward(),
                               lambda: theirs(leaves)[0].square().sum().backward()], repetitions)
    finally:
        torch.set_num_threads(threads)
    return {
        "max_diff_mm": difference, "ratio_forward": forward[1] / forward[0],
        "ratio_forward_backward": backward[1] / backward[0], "forward_ms": forward[0], "smplx_forward_ms": forward[1],
        "forward_backward_ms": backward[0], "smplx_forward_backward_ms": backward[1], "joints_only_ms": forward[2],
        "vertices": len(body.v_template), "repetitions": repetitions,
    }


def _alternate(functions: list[Callable[[], Any]], repetitions: int) -> list[float]:
    """Median process time of each in milliseconds, taken in turn."""
    for function in functions * 3:
        function()
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(repetitions):
        for function, taken in zip(functions, times, strict=True):
            start = time.process_time()
            function()
            taken.append((time.process_time() - start) * 1e3)
    return [median(taken) for taken in times]
