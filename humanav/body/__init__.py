"""The body model, its landmarks and its measurements."""

from humanav.body.model import BodyModel, BodyOutput, axis_angle_to_matrix
from humanav.body.names import JOINT_INDEX, JOINT_NAMES, MIRROR, PARENTS

__all__ = ["JOINT_INDEX", "JOINT_NAMES", "MIRROR", "PARENTS", "BodyModel", "BodyOutput", "axis_angle_to_matrix"]
