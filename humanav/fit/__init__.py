"""Least squares on the body: its state, the solver, the terms of an objective, and the prior of poses with gravity."""

from humanav.fit.place import place_by_rays, rest_rotations, skeleton_of, stature
from humanav.fit.prior import PosePrior
from humanav.fit.solver import BodyState, Layout, Term, solve

__all__ = ["BodyState", "Layout", "PosePrior", "Term", "place_by_rays", "rest_rotations", "skeleton_of", "solve",
           "stature"]
