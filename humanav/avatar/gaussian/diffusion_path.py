"""From poses that are asked for to short films that pass through them: what a video network can follow.

Every film begins with the photo itself, in its own pose and camera, and turns away from it to one side; so each is
anchored on the real picture, and none inherits what another one made up.

Convention: bodies are in camera coordinates (x right, y down, z forward, metres), the camera at the origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation, Slerp

from humanav.avatar.avatar import Avatar, Floats
from humanav.avatar.gaussian.generators import PoseFrame
from humanav.avatar.views import View
from humanav.camera import Camera
from humanav.errors import InputError

_FILL = 0.88
"""Share of the picture that the largest extent of the person takes."""
_SHAPES = (9 / 16, 16 / 9)
_MULTIPLE = 16


@dataclass(frozen=True)
class Stance:
    """A body before a camera at the origin.

    Attributes:
        full_pose: (55,3) axis-angle, the root's in camera coordinates. root: (3,) the pelvis.
        middle: (2,) centre of the person's box, metres right of and below the pelvis at its depth.
    """

    full_pose: Floats
    root: Floats
    middle: NDArray[np.float64]

    @property
    def side(self) -> float:
        """Radians by which the body is turned from facing the camera, positive towards the picture's right."""
        ahead = Rotation.from_rotvec(self.full_pose[0]).apply([0.0, 0.0, 1.0])
        return float(np.arctan2(ahead[0], -ahead[2]))


@dataclass(frozen=True)
class Canvas:
    """The pictures of a film.

    Attributes:
        width, height: pixels, multiples of 16.
        scale: pixels a metre at the pelvis' depth, so that the person has the same size throughout.
    """

    width: int
    height: int
    scale: float

    def camera(self, stance: Stance) -> Camera:
        """The camera of one picture: at the origin, with the person's box in the middle."""
        focal = self.scale * max(float(stance.root[2]), 0.1)
        middle = np.asarray(stance.root[:2]) / max(float(stance.root[2]), 0.1) * focal + stance.middle * self.scale
        K = np.array([[focal, 0, self.width / 2 - middle[0]], [0, focal, self.height / 2 - middle[1]], [0, 0, 1]])
        return Camera(K, np.eye(3), np.zeros(3), self.width, self.height)


@dataclass(frozen=True)
class Film:
    """One window: ``4 k + 1`` stances, the first of them the photo's.

    Attributes:
        stances: of every frame. wanted: frame number of each pose that was asked for -> its place in the request.
    """

    stances: tuple[Stance, ...]
    wanted: dict[int, int]


def stance_of(avatar: Avatar, full_pose: ArrayLike, transl: ArrayLike, camera: Camera) -> tuple[Stance, Floats]:
    """A body as a camera sees it, and (2,) width and height in metres of its box at the pelvis' depth.

    Raises:
        InputError: the body is not in front of the camera.
    """
    pose = np.array(full_pose, dtype=np.float64)
    root = camera.to_camera(avatar.joints[0] + np.asarray(transl, dtype=np.float64))
    points = camera.to_camera(avatar.pose(pose, np.asarray(transl, np.float32)))
    if not root[2] > 0.1 or points[:, 2].min() <= 0.05:
        raise InputError("The person must be in front of the camera in every pose that is asked for.")
    pose[0] = (Rotation.from_matrix(camera.R) * Rotation.from_rotvec(pose[0])).as_rotvec()
    seen = points[:, :2] / points[:, 2:] * root[2]
    low, high = seen.min(axis=0), seen.max(axis=0)
    return (Stance(pose.astype(np.float32), root.astype(np.float32), (low + high) / 2 - root[:2]),
            (high - low).astype(np.float32))


def transl_of(avatar: Avatar, stance: Stance) -> Floats:
    """(3,) the translation that puts the avatar's pelvis where the stance has it."""
    return (stance.root - avatar.joints[0]).astype(np.float32)


def canvas_for(extents: Sequence[ArrayLike], area: int) -> Canvas:
    """A canvas of about ``area`` pixels into which bodies of these extents (2,) in metres all fit."""
    need = np.max(np.asarray(extents, dtype=np.float64), axis=0)
    shape = float(np.clip(need[0] / max(need[1], 1e-6), *_SHAPES))
    width, height = (max(_MULTIPLE * 2, _MULTIPLE * round(side / _MULTIPLE)) for side in
                     (np.sqrt(area * shape), np.sqrt(area / shape)))
    return Canvas(int(width), int(height), float(_FILL * min(width / need[0], height / need[1])))


def films(photo: Stance, wanted: Sequence[Stance], window: int, stride: int) -> list[Film]:
    """Arrange poses into films of at most ``window`` frames, ``stride`` frames from pose to pose.

    Poses that show the person turned to one side and those turned to the other go to different films; in each the turn
    grows steadily. Several films of one side share its poses out evenly.

    Raises:
        InputError: the stride is no multiple of 4, or the window too short for one pose.
    """
    if stride < 4 or stride % 4 or window < stride + 1:
        raise InputError(f"A film needs a stride that is a multiple of 4 and a longer window, not {stride} and "
                         f"{window}.")
    room = (window - 1) // stride
    turned = [float(np.angle(np.exp(1j * (stance.side - photo.side)))) for stance in wanted]
    made = []
    for sign in (1, -1):
        own = sorted((k for k, turn in enumerate(turned) if (turn >= 0) == (sign > 0)), key=lambda k: abs(turned[k]))
        count = -(-len(own) // room)
        for part in range(count):
            keys = own[part::count]
            stops = [photo, *(wanted[k] for k in keys)]
            frames = [photo]
            for before, after in pairwise(stops):
                frames += [between(before, after, step / stride) for step in range(1, stride)] + [after]
            made.append(Film(tuple(frames), {stride * (place + 1): k for place, k in enumerate(keys)}))
    return made


def between(first: Stance, last: Stance, share: float) -> Stance:
    """The stance a share (0..1) of the way from one to another; joints turn along the shortest arc."""
    turns = [Slerp([0, 1], Rotation.from_rotvec(np.stack([a, b])))(share).as_rotvec()
             for a, b in zip(first.full_pose.astype(np.float64), last.full_pose.astype(np.float64))]
    return Stance(np.stack(turns).astype(np.float32),
                  ((1 - share) * first.root + share * last.root).astype(np.float32),
                  (1 - share) * first.middle + share * last.middle)


def pose_stances(avatar: Avatar, frames: Sequence[PoseFrame]) -> tuple[list[Stance], list[Floats]]:
    """The stances and extents of the poses that are asked for."""
    found = [stance_of(avatar, frame.full_pose, frame.transl, frame.camera) for frame in frames]
    return [stance for stance, _ in found], [extent for _, extent in found]


def view_stance(avatar: Avatar, view: View) -> tuple[Stance, Floats]:
    """The photo's stance and extent."""
    return stance_of(avatar, view.motion.full_pose[0], view.motion.transl[0], view.camera)


def pixel_map(source: Camera, target: Camera) -> NDArray[np.float64]:
    """(2,3) affine map from pixels of one camera to those of another that stands at the same place.

    Pixel coordinates are of corners (0 at the border), as cameras count.
    """
    scale = np.diag(target.K)[:2] / np.diag(source.K)[:2]
    return np.column_stack([np.diag(scale), target.K[:2, 2] - scale * source.K[:2, 2]])
