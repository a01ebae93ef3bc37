"""What a refinement may be told, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav.errors import CameraError, InputError
from humanav.multiview.value import Fitted, Matched, Rig, Sightings

if TYPE_CHECKING:
    from humanav.multiview.scene import GaussianScene

_GAUSSIANS, _PIXELS = 50, 8  # the least that show a person


@dataclass(frozen=True)
class Level:
    """How finely people are looked at: Gaussians of each person, and pixels of a height of 1.7 m."""

    gaussians: int
    pixels: float


@dataclass(frozen=True)
class RefineSettings:
    """Options of :func:`humanav.multiview.refine.refine`; chosen on rendered captures.

    Attributes:
        levels: of each round, in order.
        steps: most pose steps of a round; avatar: passes that move clothes before them.
        color, cover, instance: weights of a pixel's colour, of the masks' union, of each person's mask; 0: without.
        keypoints: weight of the keypoints in the first and in the last round, even steps of their logarithm between.
        prior, smooth: weights of the poses' likelihood and of the prior of motion. hinges: whether knees and
            elbows bend as hinges do.
        near: radians that a joint may leave its start by, as one error; 0: freely.
        collision: weight of what bodies run into each other in the last round, half in each round before; 0: without.
        soft: weight of the overlap of bodies as soft balls, likewise (see ``soft_collision``); 0: without.
        contact: weight of contact attraction there, where masks touch.
        gate: keep a round's change of a frame only where a camera that took no part agrees (three views or more).
        tolerance: share by which its errors may rise.
        search: rounds that also look for limbs in quite other places, where keypoints do not tell; 0: none.
            That takes masks and three views or more.
        hold_out: a camera that never teaches or judges and is only measured; None for none.
        most_frames: frames that pictures are looked at in, spread over the capture, in each round.
        avatar_gaussians, avatar_pixels, avatar_frames: of the avatars at the end; 0 Gaussians for none of their own.

    Raises:
        InputError: an option is out of its range.
    """

    levels: tuple[Level, ...] = (Level(900, 96),) * 3
    steps: int = 8
    avatar: int = 5
    color: float = 0.5
    cover: float = 0.1
    instance: float = 0.2
    keypoints: tuple[float, float] = (1.0, 1.0)
    prior: float = 0.2
    smooth: float = 0.1
    hinges: bool = True
    near: float = 0.2
    collision: float = 1e6
    soft: float = 3e5
    contact: float = 0.0
    gate: bool = True
    tolerance: float = 0.02
    search: int = 2
    hold_out: str | None = None
    most_frames: int = 60
    avatar_gaussians: int = 6000
    avatar_pixels: float = 240.0
    avatar_frames: int = 12

    def __post_init__(self) -> None:
        if not self.levels or any(
                level.gaussians < _GAUSSIANS or level.pixels < _PIXELS for level in self.levels):
            raise InputError(f"A refinement needs one level or more, each of {_GAUSSIANS} Gaussians and {_PIXELS} "
                             "pixels at least.")
        if self.avatar_gaussians and (self.avatar_gaussians < _GAUSSIANS or self.avatar_pixels < _PIXELS):
            raise InputError(f"The avatars need {_GAUSSIANS} Gaussians and {_PIXELS} pixels at least, or 0 Gaussians "
                             "for none.")
        weights = (self.color, self.cover, self.instance, *self.keypoints, self.prior, self.smooth, self.near,
                   self.collision, self.soft, self.contact, self.tolerance)
        counts = self.steps, self.search, self.avatar
        if min(*weights, *counts) < 0 or self.most_frames < 1 or self.avatar_frames < 1:
            raise InputError("The refinement's weights must not be negative, and its frames one or more.")


@dataclass(frozen=True)
class Round:
    """One round: avatars made in the present poses, then poses moved.

    Attributes:
        number: 1, 2, ...
        held_out: name of the camera that judged, "" for none.
        accepted, rejected: frames of people whose change was kept, and was not.
        change: share by which the pixel errors of the judging camera rose against the start, the mean before rejection.
        cost: before and after the pose steps. steps: taken. seconds: of the round.
    """

    number: int
    held_out: str
    accepted: int
    rejected: int
    change: float
    cost: tuple[float, float]
    steps: int
    seconds: float


@dataclass(frozen=True)
class Refined:
    """What a refinement gives.

    Attributes:
        fitted: everybody as bodies, in the order and with the names that went in.
        scene: everybody's Gaussians, fine enough to be looked at; ``scene.avatar(k)`` makes an avatar of them.
        rounds: what happened. notes: sentences a visitor should read.
        report: plain numbers, ``before`` and ``after``: ``reprojection_px`` and ``mask_iou`` by view (of the last
            round's scene in the poses before and after) and, of two people or more, ``penetration_mm`` (mean over the
            frames in contact of the deepest point), ``contact_frames`` and ``deepest_frame``; ``held_out`` (the camera
            that was never used, or ""), ``moved_mm`` (mean over joints) and ``seconds``.
    """

    fitted: Fitted
    scene: GaussianScene
    rounds: tuple[Round, ...]
    notes: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)


def check_values(fitted: Fitted, matched: Matched, sightings: Sightings, rig: Rig, settings: RefineSettings) -> None:
    """Refuse what cannot be refined together.

    Raises:
        InputError: nobody to refine in any frame, or values of different captures.
        CameraError: the cameras are not those of the sightings, fewer than two may teach, or the one to hold out is
            unknown.
    """
    if not any(np.any(person.seen) for person in fitted.people):
        raise InputError("There is nobody to refine.")
    if [p.person_id for p in fitted.people] != [p.person_id for p in matched.people]:
        raise InputError("The fitted people are not the matched ones: give the fit of the same matching.")
    if len({fitted.frames, matched.frames, sightings.frames}) != 1:
        raise InputError(f"The fit has {fitted.frames} frames, the matching {matched.frames}, the keypoints "
                         f"{sightings.frames}: give those of one capture.")
    if tuple(rig.names) != tuple(sightings.names):
        raise CameraError(f"The cameras {', '.join(rig.names)} are not those of the keypoints "
                          f"({', '.join(sightings.names)}): give the calibration of this capture.")
    if len(rig) < 2:
        raise CameraError("One camera alone cannot refine people in contact: two are needed, better four.")
    if settings.hold_out is not None:
        rig[settings.hold_out]
        if len(rig) < 3:
            raise CameraError("A camera can only be held out of three or more: two are needed to refine.")
