"""Gaussians on the built-in body, drawn by the numba rasteriser and by tiled torch with autograd in turn, with all
cores; and a whole step of fitting 30,000 of them to pictures of a moving body. ``targets`` says what was to be reached
and was. Definitions stand in ``benchmarks/splat.py``.

Rows: 30,000 and 100,000 Gaussians (``_splat_scene.py``) in pictures of 256 and 512 pixels, of which the body fills 90 %
of the height; three channels. ``forward_ms``, ``backward_ms``: medians of wall time; ``*_cpu_ms``: of process time, all
threads. ``speedup_vs_torch_*``: torch's process time over ours, which other load on the machine disturbs least;
``*_wall``: the same of wall time. The backward pass takes the gradient by everything: centres, rotations, scales,
opacities, colours, background and camera.

``grad_error``: our gradient (float32 in and out) against that of the float64 reference for a random weighting of the
picture: norm of the difference over norm of the gradient, of the input where that is largest. ``exact``: of 1,000
Gaussians at 64 pixels, which the reference draws densely. In the rows: of the scene itself, against the tiled
reference. Where a Gaussian's alpha at a pixel lies within rounding of 1/255, it is in for one and out for the other;
one such pair of the hundreds of thousands can be the whole error of a row.

``fit``: ``steps_per_s`` of pose (skinning), draw, compare (L1 and SSIM), derive (backward of all) and update (Adam),
and the parts' wall milliseconds; ``steps_per_cpu_s``: by process time. ``loss_first`` and ``loss_last`` show that it
fits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import torch
from _common import rounded
from _splat_fit import fit_steps
from _splat_scene import sample_body
from torch import Tensor

from humanav.camera import Camera
from humanav.render import rasterize, warm_up_splats

ROWS = ((30_000, 256), (30_000, 512), (100_000, 256), (100_000, 512))
FIT = (30_000, 256)
_WINDOW, _MARGIN = 256, 32  # pixels that the float64 reference draws at a time, for its memory, and about them


def run(quick: bool = False, seed: int = 0) -> dict[str, Any]:
    """Measure.

    Args:
        quick: the rows with 30,000 Gaussians and few repetitions.
        seed: of the Gaussians.
    """
    warm_up_splats()
    rows = {}
    for count, size in ROWS[:2] if quick else ROWS:
        rows[f"{count // 1000}k {size} px"] = _row(count, size, seed, *((5, 2) if quick else (25, 5)))
    out: dict[str, Any] = {"rows": rows, "exact": _exact(seed)}
    out["fit"] = {f"{FIT[0] // 1000}k {FIT[1]} px": fit_steps(sample_body(FIT[0], seed), FIT[1], 20 if quick else 150)}
    return rounded({"targets": _targets(out), **out, "threads": torch.get_num_threads()})


def _row(count: int, size: int, seed: int, ours: int, theirs: int) -> dict[str, float]:
    body = sample_body(count, seed)
    camera = body.camera(size)
    inputs = {name: value.requires_grad_() for name, value in body.inputs(camera).items()}
    weights = torch.randn((size, size, 3), generator=torch.Generator().manual_seed(seed))
    times: dict[str, list[tuple[float, float, float, float]]] = {"numba": [], "torch": []}
    for turn in range(theirs):
        times["torch"].append(_once(inputs, camera, weights, "torch"))
        for _ in range(-(-ours // theirs) + (turn == 0)):
            times["numba"].append(_once(inputs, camera, weights, "numba"))
    fast, slow = ([median(values) for values in zip(*times[name])] for name in ("numba", "torch"))
    found = {name: value.grad for name, value in inputs.items()}
    return {"forward_ms": fast[0], "backward_ms": fast[2], "forward_cpu_ms": fast[1], "backward_cpu_ms": fast[3],
            "torch_forward_ms": slow[0], "torch_backward_ms": slow[2],
            "speedup_vs_torch_forward": slow[1] / fast[1], "speedup_vs_torch_backward": slow[3] / fast[3],
            "speedup_forward_wall": slow[0] / fast[0], "speedup_backward_wall": slow[2] / fast[2],
            "grad_error": _error(found, _reference(inputs, camera, weights))}


def _once(inputs: dict[str, Tensor], camera: Camera, weights: Tensor, backend: str) -> tuple[float, ...]:
    """Wall and process milliseconds of one forward and one backward pass; leaves its gradients in ``inputs``."""
    for value in inputs.values():
        value.grad = None
    marks = [(time.perf_counter(), time.process_time())]
    image, _, _ = rasterize(**inputs, width=camera.width, height=camera.height, backend=backend)
    marks.append((time.perf_counter(), time.process_time()))
    image.backward(weights)
    marks.append((time.perf_counter(), time.process_time()))
    return tuple((b - a) * 1e3 for start, end in pairwise(marks) for a, b in zip(start, end))


def _exact(seed: int) -> dict[str, float]:
    """Errors of the picture and of the gradient by every input against the dense float64 reference."""
    body = sample_body(1000, seed)
    camera = body.camera(64)
    inputs = {name: value.requires_grad_() for name, value in body.inputs(camera).items()}
    weights = torch.randn((64, 64, 3), generator=torch.Generator().manual_seed(seed))
    _once(inputs, camera, weights, "numba")
    true = _reference(inputs, camera, weights)
    errors = {name: _relative(value.grad, true[name]) for name, value in inputs.items() if value.grad is not None}
    with torch.no_grad():
        near, far = (rasterize(**{name: value.to(dtype) for name, value in inputs.items()}, width=64, height=64,
                               backend=backend)[0]
                     for backend, dtype in (("numba", torch.float32), ("torch", torch.float64)))
    return {"grad_error": max(errors.values()), **{f"grad_error_{name}": value for name, value in errors.items()},
            "picture_max_difference": float((near - far).abs().max())}


def _reference(inputs: dict[str, Tensor], camera: Camera, weights: Tensor, window: int = _WINDOW) -> dict[str, Tensor]:
    """Gradients in float64 from autograd, one window of the picture after the other."""
    leaves = {name: value.detach().double().requires_grad_() for name, value in inputs.items()}
    size = camera.height
    margin = 0 if window >= size else _MARGIN  # so that no Gaussian of the window lies far beyond what is drawn
    for top in range(0, size, window):
        for left in range(0, size, window):
            shift = torch.tensor([[0.0, 0, left - margin], [0, 0, top - margin], [0, 0, 0]], dtype=torch.float64)
            part = torch.zeros((window + 2 * margin, window + 2 * margin, 3), dtype=torch.float64)
            inside = weights[top: top + window, left: left + window]
            part[margin: margin + len(inside), margin: margin + inside.shape[1]] = inside
            seen = {**leaves, "K": leaves["K"] - shift}
            image, _, _ = rasterize(**seen, width=len(part), height=len(part), backend="torch")
            image.backward(part)
    return {name: value.grad for name, value in leaves.items() if value.grad is not None}


def _error(found: dict[str, Tensor | None], true: dict[str, Tensor]) -> float:
    return max(_relative(value, true[name]) for name, value in found.items() if value is not None)


def _relative(found: Tensor | None, true: Tensor) -> float:
    assert found is not None
    return float((found.double() - true).norm() / true.norm())


def _targets(out: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What was to be reached: value, bar and whether."""
    row, fit = out["rows"]["30k 512 px"], out["fit"]["30k 256 px"]
    rows = [("30k 512 px speedup_vs_torch_forward", row["speedup_vs_torch_forward"], ">=", 20.0),
            ("30k 512 px speedup_vs_torch_backward", row["speedup_vs_torch_backward"], ">=", 15.0),
            ("exact grad_error", out["exact"]["grad_error"], "<=", 1e-5),
            ("30k 256 px fit steps_per_s", fit["steps_per_s"], ">=", 18.0)]
    met: dict[str, Callable[[float, float], bool]] = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b}
    return {name: {"value": value, "bar": f"{sign} {bar:g}", "reached": met[sign](value, bar)}
            for name, value, sign, bar in rows}
