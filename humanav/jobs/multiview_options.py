"""What may be said about a capture, and the names of its stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from humanav.errors import InputError

READING, CHECKING, FINDING, MATCHING, FITTING, REFINING, EXPORTING, DRAWING = MULTIVIEW_STAGES = (
    "Reading the capture", "Checking the cameras", "Finding people", "Matching the views", "Fitting the bodies",
    "Refining with avatars", "Exporting", "Drawing")
Refine = Literal["off", "quick", "full"]
Until = Literal["match", "fit"]
UNITS = ("m", "cm", "mm", "feet", "inches")
UP = ("auto", "cameras", "y", "-y", "z", "-z", "x", "-x")
DETECTORS = ("mediapipe", "rtmlib")


@dataclass(frozen=True)
class MultiviewOptions:
    """What may be said about a capture.

    Attributes:
        calibration: a file or folder of the cameras; None for what lies with the videos, or, where there is none, for
            cameras found from the people themselves.
        masks: a folder or zip of masks of the people, or None.
        up: the calibration's upward axis, or "auto".
        unit: of its lengths; None where it is told from the numbers.
        sync: "auto" looks for the time offsets between cameras, "off" takes the videos as they are; or the frames by
            which each view is late.
        refine_cameras: move the cameras a little where that lowers the error in frames that were not used for it; a
            right calibration is left alone, and what was changed is told.
        people: how many there are, or "all".
        height: of the people in metres, where known; gives the scale when there is no calibration.
        focal: focal length in pixels, where known, when there is no calibration.
        board: inner corners of the checkerboard whose pictures lie in the capture's ``extrinsics``, as "7x4", or
            "7x4:0.05" with the side of its squares in metres; None counts the corners, and takes the squares as 6 cm.
            Of no use with a calibration.
        refine: "off", or the effort of the refinement through the people's avatars.
        until: "match" ends with the people in 3D, "fit" with their bodies.
        start, end: part of the videos, in seconds.
        fps: most frames per second that are looked at; None for the slowest view's own.
        detector: "mediapipe" or "rtmlib".
        avatarpose: also write AvatarPose's folder layout, as a zip.
        render: draw the videos.
        budget: images of the refinement at most and rounds, as (images, rounds), for small machines; None for none.

    Raises:
        InputError: a value is out of range.
    """

    calibration: str | None = None
    masks: str | None = None
    up: str = "auto"
    unit: str | None = None
    sync: Literal["auto", "off"] | tuple[float, ...] = "auto"
    refine_cameras: bool = True
    people: int | Literal["all"] = "all"
    height: float | None = None
    focal: float | None = None
    board: str | None = None
    refine: Refine = "quick"
    until: Until | None = None
    start: float = 0.0
    end: float | None = None
    fps: float | None = None
    detector: str = "mediapipe"
    avatarpose: bool = True
    render: bool = True
    budget: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.refine not in get_args(Refine):
            raise InputError(f"The refinement is off, quick or full, not {self.refine!r}.")
        if self.until not in (None, *get_args(Until)):
            raise InputError(f"A capture is worked on until match or fit, or to its end, not until {self.until!r}.")
        if self.up not in UP:
            raise InputError(f"The upward axis is one of {', '.join(UP)}, not {self.up!r}.")
        if self.unit is not None and self.unit not in UNITS:
            raise InputError(f"The unit is one of {', '.join(UNITS)}, not {self.unit!r}.")
        if isinstance(self.sync, str) and self.sync not in ("auto", "off"):
            raise InputError(f"The time offsets are auto, off, or numbers of frames, not {self.sync!r}.")
        if not isinstance(self.sync, str) and not np.isfinite(self.sync).all():
            raise InputError("The time offsets must be finite numbers of frames, one for each view.")
        if self.people != "all" and not 1 <= self.people <= 50:
            raise InputError(f"The number of people must be between 1 and 50, not {self.people}.")
        if self.height is not None and not 0.4 <= self.height <= 2.6:
            raise InputError(f"A height of {self.height:g} m is not plausible: give metres between 0.4 and 2.6.")
        if self.focal is not None and not 50 <= self.focal <= 100_000:
            raise InputError(f"A focal length of {self.focal:g} pixels is not plausible: give 50 to 100000.")
        if self.board is not None:
            from humanav.multiview.boards import named_board

            named_board(self.board)
        if self.fps is not None and not 2 <= self.fps <= 240:
            raise InputError(f"The frame rate must be between 2 and 240 frames per second, not {self.fps:g}.")
        if not 0 <= self.start < np.inf or (self.end is not None and not self.end > self.start):
            raise InputError("The part of the videos must begin at 0 seconds or later, and end after it begins.")
        if self.detector not in DETECTORS:
            raise InputError(f"The detector is one of {', '.join(DETECTORS)}, not {self.detector!r}.")


def multiview_stages(options: MultiviewOptions) -> tuple[str, ...]:
    """The stages of a job with these options."""
    left_out = set()
    if options.until == "match":
        left_out |= {FITTING, REFINING, DRAWING}
    if options.until == "fit" or options.refine == "off":
        left_out.add(REFINING)
    if not options.render:
        left_out.add(DRAWING)
    return tuple(stage for stage in MULTIVIEW_STAGES if stage not in left_out)
