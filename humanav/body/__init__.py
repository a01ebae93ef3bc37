"""The body model, its landmarks and its measurements.

The names of the joints are imported at once; what needs torch, on first use (:class:`~humanav.motion.Motion` is written
in terms of the names, and the model in terms of Motion).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from humanav.body.names import JOINT_INDEX, JOINT_NAMES, MIRROR, PARENTS

if TYPE_CHECKING:
    from humanav.body.anthropometrics import measure_anthropometrics, measure_shapes
    from humanav.body.landmarks import (
        FACE_POINTS,
        KEYPOINT_SETS,
        LANDMARKS,
        SURFACE_VERTICES,
        Landmark,
        landmark_positions,
    )
    from humanav.body.measurements import Measurements, measure
    from humanav.body.model import BodyModel, BodyOutput, axis_angle_to_matrix

__all__ = ["FACE_POINTS", "JOINT_INDEX", "JOINT_NAMES", "KEYPOINT_SETS", "LANDMARKS", "MIRROR", "PARENTS",
           "SURFACE_VERTICES", "BodyModel", "BodyOutput", "Landmark", "Measurements", "axis_angle_to_matrix",
           "landmark_positions", "measure", "measure_anthropometrics", "measure_shapes"]

_HOMES = {
    **dict.fromkeys(("FACE_POINTS", "KEYPOINT_SETS", "LANDMARKS", "SURFACE_VERTICES", "Landmark", "landmark_positions"),
                    "landmarks"),
    **dict.fromkeys(("Measurements", "measure"), "measurements"),
    **dict.fromkeys(("measure_anthropometrics", "measure_shapes"), "anthropometrics"),
    **dict.fromkeys(("BodyModel", "BodyOutput", "axis_angle_to_matrix"), "model"),
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"humanav.body.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
