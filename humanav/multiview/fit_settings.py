"""What a fit of people to several views may be told; the weights were chosen on simulated captures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from humanav.errors import InputError

HEIGHTS = (0.5, 2.5)
"""Metres: the least and the most height of a person that can be given."""


@dataclass(frozen=True)
class FitSettings:
    """Options of :func:`humanav.multiview.fit.fit_people`.

    Attributes:
        direct: go on from the 3D keypoints to the pictures of all views, which takes the bias of triangulation away.
        height: metres, of everybody or by person_id; None where it is to be found.
        loose, tight: Geman-McClure scales in expected errors, first and last.
        sigma: metres by which a 3D keypoint of full confidence errs.
        prior: weight of the poses' likelihood.
        smooth: weight of the prior of motion.
        correlation: seconds over which the errors of one landmark go together; 0 when each frame errs by itself.
        feet: feet near the floor lie flat on it (one level floor for everybody); nothing is forced.
        unused: share of a point that disagrees with the other views.
        shape_frames: most frames from which the shape is told.
        gap: seconds that a person may be out of sight within one fit; longer gaps are interpolated.

    Raises:
        InputError: an option is out of its range.
    """

    direct: bool = True
    height: float | Mapping[str, float] | None = None
    loose: float = 12.0
    tight: float = 3.0
    sigma: float = 0.02
    prior: float = 0.2
    smooth: float = 0.35
    correlation: float = 0.05
    feet: bool = True
    unused: float = 0.3
    shape_frames: int = 40
    gap: float = 0.5

    def __post_init__(self) -> None:
        given = self.height.values() if isinstance(self.height, Mapping) else [self.height]
        for height in given:
            if height is not None and not HEIGHTS[0] <= float(height) <= HEIGHTS[1]:
                raise InputError(f"A height of {height} m is none of a person: give metres from {HEIGHTS[0]} to "
                                 f"{HEIGHTS[1]}.")
        positive = (self.loose, self.tight, self.sigma)
        if min(positive) <= 0 or min(self.prior, self.smooth, self.correlation, self.unused, self.gap) < 0:
            raise InputError("The fit's scales must be positive and its weights not negative.")
        if self.shape_frames < 1:
            raise InputError("The shape must be told from one frame or more.")

    def height_of(self, person_id: str) -> float | None:
        """Metres, or None."""
        if isinstance(self.height, Mapping):
            found = self.height.get(person_id)
            return None if found is None else float(found)
        return None if self.height is None else float(self.height)
