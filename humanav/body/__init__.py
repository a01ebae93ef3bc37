"""The body model, its landmarks and its measurements.

The names of the joints are imported at once; what needs torch, on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from humanav.body.names import JOINT_INDEX, JOINT_NAMES, MIRROR, PARENTS

if TYPE_CHECKING:
    from humanav.body.model import BodyModel, BodyOutput, axis_angle_to_matrix

__all__ = ["JOINT_INDEX", "JOINT_NAMES", "MIRROR", "PARENTS", "BodyModel", "BodyOutput", "axis_angle_to_matrix"]

_HOMES = dict.fromkeys(("BodyModel", "BodyOutput", "axis_angle_to_matrix"), "model")


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"humanav.body.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
