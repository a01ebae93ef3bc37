"""What the fit of a whole clip is told, and how far it believes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import Array
from humanav.track.clip_observations import ClipLandmarks, Mended


@dataclass(frozen=True)
class FitWeights:
    """How far each part of the objective is believed; chosen on the validation subjects (07, 94).

    Attributes:
        loose, tight: Geman-McClure scales of keypoints, in sigmas.
        prior: of the poses' likelihood. depth: of the mended 3D. turns: of the uplift's rotations.
        turn_sigma: radians by which the uplift's rotations err per metre of the error that it expects.
        correlation: seconds over which the errors of one landmark go together.
        smooth: of the prior of motion.
        slide: metres per frame at 30 fps that a standing foot may move. hover: metres that it may be off the floor.
    """

    loose: float = 12.0
    tight: float = 3.0
    prior: float = 0.2
    manifold: float = 40.0
    depth: float = 0.15
    depth_doubt: float = 1.5
    turns: float = 1.0
    turn_sigma: float = 4.0
    turn_least: float = 0.08
    correlation: float = 0.25
    smooth: float = 0.1
    outline: float = 3.0
    outward: float = 0.3
    gates: tuple[float, ...] = (8.0, 5.0)
    slide: float = 0.004
    hover: float = 0.02


@dataclass(frozen=True)
class Evidence:
    """Everything known of T frames.

    Attributes:
        body: the body's landmarks.
        depth: the mended 3D, or None.
        rotations: (T,22,3,3) the uplift's, the root in the camera's frame.
        errors: (T,22) metres that the uplift expects to be off at each joint.
        seen: (T,) frames that show the person.
        fps: frames per second.
    """

    body: ClipLandmarks
    depth: Mended | None
    rotations: Array
    errors: Array
    seen: NDArray[np.bool_]
    fps: float

    def part(self, frames: NDArray[np.intp] | slice) -> Evidence:
        """Some frames."""
        return Evidence(self.body.part(frames), None if self.depth is None else self.depth.part(frames),
                        self.rotations[frames], self.errors[frames], self.seen[frames], self.fps)


@dataclass(frozen=True)
class Footing:
    """Which feet stand in T frames, and on which floor.

    Attributes:
        contact: (T,2) 0..1 how surely the left and the right foot stand.
        up: (3,) the floor's normal in the camera's frame. height: metres of the floor along it.
    """

    contact: Array
    up: Array
    height: float

    def part(self, frames: slice) -> Footing:
        """Some frames."""
        return replace(self, contact=self.contact[frames])
