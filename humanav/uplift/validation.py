"""How a network does on people who neither train it nor test it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from humanav.uplift.config import UpliftConfig
from humanav.uplift.evaluate import evaluate
from humanav.uplift.model import predict_rotations
from humanav.uplift.pairs import Pairs, held_out_pairs
from humanav.uplift.prepared import read_clips


class Validation:
    """Pairs of the validation subjects, the same for every run, and what is measured on them."""

    def __init__(self, cmu: Path, config: UpliftConfig, frames: int = 64) -> None:
        clips = list(read_clips(cmu, "validation"))
        self.pairs: Sequence[Pairs] = held_out_pairs(
            clips, config.model.keypoint_set, frames=frames, seed=7, noise=1.0) if clips else ()

    def measure(self, network: nn.Module) -> dict[str, float]:
        """Errors of clips, and those of single frames: ``still_ratio`` is the quotient of their ``mpjpe_mm``."""
        if not self.pairs:
            return {}
        network.eval()
        device = next(network.parameters()).device

        def whole(keypoints: Tensor, K: Tensor, known: Tensor) -> Tensor:
            return predict_rotations(network, keypoints.to(device), K.to(device), known.to(device))[0].cpu()

        def single(keypoints: Tensor, K: Tensor, known: Tensor) -> Tensor:
            frames = keypoints.shape[1]
            alone = whole(keypoints.flatten(0, 1)[:, None], K.repeat_interleave(frames, 0),
                          known.repeat_interleave(frames, 0))
            return alone.unflatten(0, (-1, frames))[:, :, 0]

        clip, still = evaluate(whole, self.pairs), evaluate(single, self.pairs)
        names = ("mpjpe_mm", "pa_mpjpe_mm", "mpjae_deg", "root_deg", "elbow_knee_deg", "accel_mm")
        return {**{name: round(clip[name], 3) for name in names},
                "still_ratio": round(still["mpjpe_mm"] / clip["mpjpe_mm"], 4)}
