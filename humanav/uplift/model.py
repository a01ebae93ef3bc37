"""The trained uplift as one object: 2D keypoints of a clip or a photo in, joint rotations out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.body.names import MIRROR
from humanav.errors import InputError
from humanav.paths import checkpoint
from humanav.uplift.config import UpliftConfig
from humanav.uplift.features import NUM_JOINTS, mirror_keypoints, mirror_rotations, to_features
from humanav.uplift.network import Output, build_network, unflip_root

WEIGHTS, SETTINGS = "model.safetensors", "config.json"
TYPICAL_ERROR = 0.1
"""Metres of expected error at which the confidence is 1/e."""


@dataclass(frozen=True)
class Prediction:
    """Rotations of T frames.

    Attributes:
        root: (T,3,3) float32, the body's global orientation in the camera's frame.
        body: (T,21,3,3) float32, parent-relative.
        confidence: (T,22) float32 in 0..1: ``exp(-e / 0.1 m)`` of the error e that the network expects of the joint.
    """

    root: NDArray[np.float32]
    body: NDArray[np.float32]
    confidence: NDArray[np.float32]


@torch.no_grad()
def predict_rotations(network: nn.Module, keypoints: Tensor, K: Tensor, focal_known: Tensor, flip: bool = False
                      ) -> tuple[Tensor, Tensor]:
    """Rotations (B,T,22,3,3), the root in the camera's frame, and logarithms of expected errors (B,T,22).

    Args:
        network: of this room.
        keypoints: (B,T,N,3) pixels and confidence.
        K: (B,3,3) intrinsics.
        focal_known: (B,) bool.
        flip: average with what the mirrored scene gives, mirrored back.
    """
    features, ray = to_features(keypoints, K, focal_known)
    out: Output = network(features)
    rotations, error = out.rotations, out.log_error
    if flip:
        other: Output = network(to_features(mirror_keypoints(keypoints, K), K, focal_known)[0])
        rotations = mean_rotation(rotations, mirror_rotations(other.rotations))
        error = (error + other.log_error[..., list(MIRROR[:NUM_JOINTS])]) / 2
    return torch.cat([unflip_root(rotations[:, :, 0], ray)[:, :, None], rotations[:, :, 1:]], 2), error


def mean_rotation(a: Tensor, b: Tensor) -> Tensor:
    """The rotation (...,3,3) half way between two: half their relative turn; of two exactly opposite ones, either."""
    import roma

    turn = roma.rotmat_to_rotvec(a.transpose(-1, -2) @ b)
    return a @ roma.rotvec_to_rotmat(turn / 2)


class Uplift:
    """A trained network and its layout; make one with :meth:`load`."""

    def __init__(self, network: nn.Module, config: UpliftConfig, report: dict[str, Any] | None = None) -> None:
        self.network, self.config, self.report = network.eval().requires_grad_(False), config, report or {}

    @property
    def keypoint_set(self) -> str:
        """The layout it reads."""
        return self.config.model.keypoint_set

    @classmethod
    def load(cls, keypoint_set: str = "blazepose33", folder: str | Path | None = None) -> Uplift:
        """The shipped network of a layout, or the one in ``folder``. It is shared: do not change it.

        Raises:
            InputError: no network there that can be read.
        """
        place = checkpoint("uplift", keypoint_set) if folder is None else Path(folder).resolve()
        weights = place / WEIGHTS
        return _load(place, weights.stat().st_mtime_ns if weights.is_file() else 0)

    def save(self, folder: str | Path) -> None:
        """Write ``model.safetensors``, in half precision, and ``config.json``."""
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: value.detach().cpu().half().contiguous() for name, value in self.network.state_dict().items()}
        for name, write in ((WEIGHTS, lambda part: save_file(weights, part)),
                            (SETTINGS, lambda part: part.write_text(json.dumps(
                                {**self.config.to_dict(), "report": self.report}, indent=1) + "\n"))):
            part = folder / f"{name}.part"
            write(part)
            part.replace(folder / name)

    def predict(self, keypoints: NDArray[Any], K: NDArray[Any], focal_known: bool = True, flip: bool = True
                ) -> Prediction:
        """Rotations of every frame of one person's clip; a photo is a clip of one frame.

        Args:
            keypoints: (T,N,3) pixels and confidence, at about 30 frames per second, T >= 1.
            K: (3,3) intrinsics in pixels; with ``focal_known`` false, a guess (1.2 times the longer side).
            focal_known: whether the focal length was measured.
            flip: average with the prediction of the mirrored scene: more accurate, twice the time.

        Raises:
            InputError: a wrong shape, no frames, or numbers that are not finite.
        """
        points, intrinsics = np.asarray(keypoints, np.float32), np.asarray(K, np.float32)
        wanted = len(KEYPOINT_SETS[self.keypoint_set])
        if points.ndim != 3 or len(points) < 1 or points.shape[1:] != (wanted, 3):
            raise InputError(f"Keypoints of shape {points.shape} do not fit this network: {self.keypoint_set} as "
                             f"(frames, {wanted}, 3) with x, y and confidence is needed.")
        if not (np.isfinite(points).all() and intrinsics.shape == (3, 3) and np.isfinite(intrinsics).all()
                and min(intrinsics[0, 0], intrinsics[1, 1]) > 0):
            raise InputError("Keypoints and intrinsics must be finite numbers, and the focal lengths positive: mark "
                             "missing points with confidence 0.")
        rotations, error = predict_rotations(
            self.network, torch.from_numpy(points)[None], torch.from_numpy(intrinsics)[None],
            torch.tensor([bool(focal_known)]), flip)
        confidence = torch.exp(-error[0].exp() / TYPICAL_ERROR)
        return Prediction(rotations[0, :, 0].numpy(), rotations[0, :, 1:].numpy(), confidence.numpy())


@lru_cache(maxsize=4)
def _load(folder: Path, stamp: int) -> Uplift:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        settings = json.loads((folder / SETTINGS).read_text())
        report = settings.pop("report", {})
        config = UpliftConfig.from_dict(settings)
        network = build_network(config)
        network.load_state_dict({name: value.float() for name, value in load_file(folder / WEIGHTS).items()})
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError, InputError) as error:
        raise InputError(f"No uplift network could be read from {folder.name}: restore that folder of "
                         "checkpoints/uplift, or train one with `humanav uplift train`.") from error
    return Uplift(network, config, report)
