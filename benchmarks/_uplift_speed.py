"""How fast the uplift is beside the paper's network, on the same features, in turn, on one thread.

``ratio_vs_paper_network``: both get the same batch of clips and predict every frame, the paper's network from the
window of 27 frames round each (the spatial stage of a frame is computed once, which the original does not do), ours in
one pass that looks at least as far. ``ratio_one_prediction_per_window``: both get the same batch of separate windows,
and of each only the middle frame's prediction is counted, although ours has predicted all 27.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from humanav.uplift.config import UpliftConfig
from humanav.uplift.features import num_features
from humanav.uplift.network import build_network

WINDOW = 27
CLIP = 1024


@torch.no_grad()
def speed(network: Any, keypoint_set: str, repetitions: int, batch: int = 64) -> dict[str, Any]:
    """Frames per second, and the ratios described above.

    Args:
        network: ours, of this layout.
        repetitions: of every measurement; their median counts.
        batch: windows at a time; clips of 64 frames are an eighth as many.
    """
    from humanav.uplift.transformer import UpliftTransformer

    settings = UpliftConfig.load("n-rm-2").to_dict()
    settings["model"]["keypoint_set"] = keypoint_set
    paper = build_network(UpliftConfig.from_dict(settings)).eval()
    assert isinstance(paper, UpliftTransformer)
    generator = torch.Generator().manual_seed(0)
    count = max(1, batch // 8)
    clips, windows, one, long = (torch.rand(*shape, num_features(keypoint_set), generator=generator)
                                 for shape in ((count, 64), (batch, WINDOW), (1, WINDOW), (1, CLIP)))

    def centres(features: torch.Tensor) -> Any:
        return paper.of_centre(paper.mixed(paper.tokens(features)))

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = {
            f"every frame of {count} clips of 64": _in_turn(
                {"humanav": lambda: network(clips), "paper": lambda: paper(clips)}, 64 * count, repetitions),
            f"{batch} windows of {WINDOW}, one prediction each": _in_turn(
                {"humanav": lambda: network(windows), "paper": lambda: centres(windows)}, batch, repetitions),
            f"one window of {WINDOW}, one prediction": _in_turn(
                {"humanav": lambda: network(one), "paper": lambda: centres(one)}, 1, 4 * repetitions)}
        long_clip = _in_turn({"humanav": lambda: network(long)}, CLIP, repetitions)
    finally:
        torch.set_num_threads(threads)
    for row in rows.values():
        row["ratio"] = row["humanav"] / row["paper"]
    every, windowed, _ = rows.values()
    return {"frames_per_s": long_clip["humanav"], "ratio_vs_paper_network": every["ratio"],
            "ratio_one_prediction_per_window": windowed["ratio"], "predictions_per_s": rows,
            "parameters": {"humanav": _size(network), "paper": _size(paper)}}


def _in_turn(ways: dict[str, Callable[[], Any]], count: int, repetitions: int) -> dict[str, float]:
    """``count`` over the median seconds of processor time of each way."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repetitions + 1):
        for name, way in ways.items():
            before = time.process_time()
            way()
            if turn:
                spent[name].append(time.process_time() - before)
    return {name: count / float(torch.tensor(values).median()) for name, values in spent.items()}


def _size(network: Any) -> int:
    return sum(value.numel() for value in network.parameters())
