"""The manifold of human poses (Pose-NDF, ECCV 2022; NRDF, CVPR 2024): a learned distance, and what it is good for.

A pose here is ``quats`` (...,21,4): unit quaternions, real part first and not negative, of body joints 1-21 relative to
their parents. Everything loads on first use, because it needs torch.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_HOMES: dict[str, str] = {
    **dict.fromkeys(("Clip", "cmu_clips", "load_cmu"), "cmu"),
    **dict.fromkeys(("ImageFit", "fit_image"), "image"),
    **dict.fromkeys(("ModelConfig", "PoseNDFConfig"), "config"),
    **dict.fromkeys(("PoseNDF",), "model"),
    **dict.fromkeys(("KINDS", "LIMBS", "MIX", "STRUCTURED", "Corrupted", "corrupt"), "corrupt"),
    "PoseData": "data",
    "PosePool": "nearest",
    "keep_feet": "feet",
    **dict.fromkeys(("PrepareOptions", "prepare"), "prepare"),
    **dict.fromkeys(("NAMES", "mirror_quats", "motion_to_quats", "with_quats"), "poses"),
    **dict.fromkeys(("PoseMixture",), "mixture"),
    **dict.fromkeys(("Projection", "project"), "project"),
    **dict.fromkeys(("complete",), "complete"),
    **dict.fromkeys(("Denoised", "denoise"), "denoise"),
    **dict.fromkeys(("generate",), "generate"),
    **dict.fromkeys(("interpolate",), "interpolate"),
    **dict.fromkeys(("Repair", "repair"), "repair"),
    **dict.fromkeys(("Restorer", "fit_extras", "train_restorer"), "restorer"),
    **dict.fromkeys(("Score", "score"), "score"),
    **dict.fromkeys(("Trained", "train"), "training"),
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"humanav.posendf.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Room(ModuleType):
    """Keeps a function in sight whose file has the same name: importing the file would put the module in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in _HOMES):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Room
