"""What may be said about matching people over views and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from humanav.errors import InputError
from humanav.multiview.triangulate import SIGMA


@dataclass(frozen=True)
class MatchSettings:
    """How people are matched.

    Attributes:
        matcher: "greedy", or "lowrank" which first completes the affinities to consistent ones.
        people: the most people that are kept, those seen most; None keeps everybody.
        ray_cut: metres between rays at which a keypoint speaks neither for nor against a pair.
        sigma: metres, the scale of triangulation (:func:`humanav.multiview.triangulate.triangulate`); up to twice as
            much is taken where the detections are noisy.
        least_points: keypoints that must be known in space for somebody to be born.
        confirm: frames in which somebody must be seen; fewer are ghosts.
        patience: seconds without being seen after which somebody is lost.
        sides: exchange left and right where that makes the views agree.
        rescue: take single keypoints from another person's detection where they belong there.
        looks: use colours: with two cameras, always, or never.
        smooth: keypoints over time: not at all, by a Savitzky-Golay filter, or by a Butterworth filter.
        cutoff: Hz of the Butterworth filter, which also sets the width of the other.

    Raises:
        InputError: a value is out of range.
    """

    matcher: Literal["greedy", "lowrank"] = "greedy"
    people: int | None = None
    ray_cut: float = 0.15
    sigma: float = SIGMA
    least_points: int = 8
    confirm: int = 3
    patience: float = 0.4
    sides: bool = True
    rescue: bool = True
    looks: Literal["auto", "always", "never"] = "auto"
    smooth: Literal["none", "savgol", "butterworth"] = "none"
    cutoff: float = 6.0

    def __post_init__(self) -> None:
        for name, known in (("matcher", ("greedy", "lowrank")), ("looks", ("auto", "always", "never")),
                            ("smooth", ("none", "savgol", "butterworth"))):
            if getattr(self, name) not in known:
                raise InputError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}.")
        if self.people is not None and self.people < 1:
            raise InputError(f"At least one person must be wanted, not {self.people}.")
        for name, low, high in (("ray_cut", 0.01, 2.0), ("sigma", 0.001, 1.0), ("patience", 0.0, 60.0),
                                ("cutoff", 0.1, 60.0), ("least_points", 3, 33), ("confirm", 1, 1000)):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} must lie between {low:g} and {high:g}, not {getattr(self, name):g}.")
