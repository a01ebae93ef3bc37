"""Training of :mod:`humanav.uplift.anthropometrics` by synthesis: random shapes of a body, measured."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.body import BodyModel, measure_shapes
from humanav.body.anthropometrics import ANTHROPOMETRICS
from humanav.progress import Progress
from humanav.uplift.anthropometrics import METHODS, ShapeModel, build_network, fingerprint, round_trip

Array = NDArray[np.float64]

STAGES = ("Measure random shapes", "Fit", "Train the network", "Compare on other shapes")
GIRTHS = ("height", "waist", "chest", "hip")
"""What many people know of themselves."""
_TESTS: dict[str, dict[str, Any]] = {
    "all": {}, "all_tape_5mm": {"tape_mm": 5.0}, "all_tape_10mm": {"tape_mm": 10.0},
    "height_girths": {"given": GIRTHS}, "height_weight": {"given": ("height", "weight")}}
_REACH = 3.0  # the uniform half of the shapes lies within this many standard deviations
_TAPE = 0.003  # metres of noise on the network's input while it trains


def train_anthropometrics(
    out: Path, body: BodyModel | None = None, *, shapes: int = 8000, epochs: int = 60, seed: int = 0,
    held_out: int = 100, progress: Progress | None = None,
) -> dict[str, Any]:
    """Fit the linear model and the network of a body and write ``config.json`` and ``model.safetensors``.

    Args:
        out: the folder to write, made where it is missing.
        shapes: how many to measure, about a hundred a second: nine in sixteen are drawn from the standard normal
            distribution, the others uniformly over -3 to 3 standard deviations, a range wider than people's.
        held_out: shapes that the methods are compared on.

    Returns:
        What ``config.json`` holds: the settings, and per method the round trip's mean and worst error in millimetres.
    """
    from safetensors.torch import save_file

    body, progress = body or BodyModel.load(), progress or Progress(len(STAGES))
    started = time.process_time()
    progress.next(STAGES[0])
    rng = np.random.default_rng(seed)
    normal = shapes * 9 // 16
    betas = np.concatenate([rng.normal(size=(normal, body.num_betas)),
                            rng.uniform(-_REACH, _REACH, size=(shapes - normal, body.num_betas))])
    measures = measure_shapes(body, betas)
    progress.next(STAGES[1])
    linear = ShapeModel.fit(betas[:normal], measures[:normal])
    progress.next(STAGES[2])
    model = _train_network(linear, betas, measures[:, : len(ANTHROPOMETRICS)], epochs, seed)
    progress.next(STAGES[3])
    candidates = {**{method: (method, model) for method in METHODS},
                  "rbf": ("mlp", _kernel_machine(model, betas, measures[:, : len(ANTHROPOMETRICS)]))}
    compared = {}
    for name, (method, candidate) in candidates.items():
        for test, options in _TESTS.items():
            found = round_trip(held_out, seed + 1000, method, body=body, model=candidate, **options)
            compared[f"{name}_{test}"] = {key: round(found[key], 3) for key in ("mean_mm", "worst_mm")}
            compared["mean_body"] = {"mean_mm": round(found["mean_body_mm"], 3)}
    config = {"body": fingerprint(body), "num_betas": body.num_betas, "shapes": shapes, "epochs": epochs, "seed": seed,
              "held_out": held_out, "cpu_minutes": round((time.process_time() - started) / 60, 2), "metrics": compared,
              "people": {name: [round(x, 5) for x in both] for name, both in model.people.items()}}
    out.mkdir(parents=True, exist_ok=True)
    save_file(_tensors(model), out / "model.safetensors")
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    return config


def _train_network(linear: ShapeModel, betas: Array, measurements: Array, epochs: int, seed: int) -> ShapeModel:
    """The network of the paper, by Adam on squared error of the betas, with a tape's noise on its input."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    scale = np.stack([measurements.mean(0), measurements.std(0)])
    network = build_network(betas.shape[1])
    given = torch.as_tensor((measurements - scale[0]) / scale[1], dtype=torch.float32)
    noise = torch.as_tensor(_TAPE / scale[1], dtype=torch.float32)
    wanted = torch.as_tensor(betas, dtype=torch.float32)
    batch = 256
    steps = epochs * (len(given) // batch)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=max(steps, 4))
    for _ in range(epochs):
        order = torch.randperm(len(given), generator=generator)
        for at in range(0, len(order) - batch + 1, batch):
            rows = order[at:at + batch]
            noisy = given[rows] + noise * torch.randn(batch, given.shape[1], generator=generator)
            loss = (network(noisy) - wanted[rows]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return ShapeModel(linear.mean, linear.slope, linear.spread, network.eval(), scale)


def _kernel_machine(model: ShapeModel, betas: Array, measurements: Array, most: int = 3000) -> ShapeModel:
    """Kernel ridge regression with a Gaussian kernel in the network's place, close to the paper's support vectors."""
    import torch

    assert model.scale is not None
    rows = np.linspace(0, len(betas) - 1, min(most, len(betas))).astype(int)
    centres = torch.as_tensor((measurements[rows] - model.scale[0]) / model.scale[1])
    width = centres.shape[1]

    class Machine(torch.nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            kernel: torch.Tensor = torch.exp(-torch.cdist(given.double(), centres) ** 2 / (2 * width))
            return kernel @ weights

    ridge = 1e-4 * torch.eye(len(rows), dtype=torch.float64)
    kernel = torch.exp(-torch.cdist(centres, centres) ** 2 / (2 * width))
    weights = torch.linalg.solve(kernel + ridge, torch.as_tensor(betas[rows]))
    return ShapeModel(model.mean, model.slope, model.spread, Machine(), model.scale)


def _tensors(model: ShapeModel) -> dict[str, Any]:
    import torch

    assert model.network is not None
    assert model.scale is not None
    arrays = {"mean": model.mean, "slope": model.slope, "spread": model.spread, "scale": model.scale}
    return {name: torch.as_tensor(value, dtype=torch.float64) for name, value in arrays.items()} | {
        name: value.half().contiguous() for name, value in model.network.state_dict().items()}
