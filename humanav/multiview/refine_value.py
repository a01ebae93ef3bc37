"""What a refinement may be told, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from humanav.errors import InputError
from humanav.multiview.value import Fitted

if TYPE_CHECKING:
    from humanav.multiview.scene import GaussianScene


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
        keypoints: weight of the keypoints in the first and in the last round.
        prior, smooth: weights of the poses' likelihood and of the prior of motion. hinges: knees and elbows.
        near: radians that a joint may leave its start by, as one error; 0: freely.
        collision: weight of what bodies run into each other in the last round, half in each round before; 0: without.
        soft: weight of the overlap of bodies as soft balls, likewise (see ``soft_collision``); 0: without.
        contact: weight of contact attraction there, where masks touch.
        gate: keep a round's change of a frame only where a camera that took no part agrees (three views or more).
        tolerance: share by which its errors may rise.
        search: rounds that also look for limbs in quite other places, where keypoints do not tell; 0: none.
        hold_out: a camera that is never used, only measured; None for none.
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
        if not self.levels or any(level.gaussians < 50 or level.pixels < 8 for level in self.levels):
            raise InputError("A refinement needs one level or more, each of 50 Gaussians and 8 pixels at least.")
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
        report: plain numbers, ``before`` and ``after``: ``reprojection_px`` and ``mask_iou`` by view (both with the
            last scene), ``penetration_mm`` (mean over the frames in contact of the deepest point), ``contact_frames``
            and ``deepest_frame``; ``held_out`` (the camera that was never used, or ""), ``moved_mm`` (mean over
            joints) and ``seconds``.
    """

    fitted: Fitted
    scene: GaussianScene
    rounds: tuple[Round, ...]
    notes: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)
