"""What the tracker is measured beside: MediaPipe's own 3D with a One-Euro filter, and the uplift by itself.

The baseline takes the detector's 3D landmarks of every frame (its tracking mode), smooths each with the One-Euro
filter, turns them into rotations of a body of mean shape whose landmarks they are (inverse kinematics), and sets that
body before a level camera of assumed focal length, each frame by itself, its path smoothed likewise; the floor lies
under its lowest ankles.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from _track_clips import TrackClip
from _track_measures import JOINTS, Pose
from _track_motions import foot_heights
from _uplift_mediapipe import NAMES, ORDER
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.body.kinematics import exp_rotation
from humanav.camera import Camera
from humanav.motion import Motion

Array = NDArray[np.float64]

LANDMARKS = {"cutoff": 3.0, "beta": 1.0}
"""One-Euro settings of the landmarks, hertz and hertz per (m/s): of those within 4 % of the least PA-MPJPE on the
development clips, the smoothest."""
PATH = {"cutoff": 1.0, "beta": 1.0}
SHARED = (16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8)
"""Joints that the landmarks ``NAMES`` stand for."""
_ROUNDS = 1  # more do not help
_LOWEST = 0.05  # of the frames: the floor lies under the lower ankles


def true_pose(clip: TrackClip, person: int = 0) -> Pose:
    """The truth of one person of a clip."""
    who = clip.people[person]
    return posed(who.motion, who.joints, clip.camera.R, clip.camera.t, who.contacts, 0, clip.frames)


def posed(
    motion: Motion, joints: Any, R: Array, t: Array, contacts: NDArray[np.bool_] | None, start: int, frames: int,
    seen: NDArray[np.bool_] | None = None,
) -> Pose:
    """A motion in the world as the measures want it.

    Args:
        motion: T frames.
        joints: (T,55,3) of it.
        R, t: world to camera, (3,3) and (3,), or one for each of the T frames.
        contacts: (T,2), or None.
        start: of the motion in the clip.
        frames: of the clip; those that the motion does not have are not seen.
        seen: (T,) frames of the motion that count; by default all.
    """
    world = np.asarray(joints, np.float64)[:, :JOINTS]
    rotations = exp_rotation(motion.full_pose[:, :JOINTS].astype(np.float64))
    rotations[:, 0] = R @ rotations[:, 0]
    camera = np.einsum("...ij,...kj->...ki", R, world) + np.expand_dims(np.broadcast_to(t, (len(world), 3)), 1)
    there = np.ones(len(world), bool) if seen is None else seen

    def over_clip(values: Any) -> Any:
        out = np.zeros((frames, *values.shape[1:]), values.dtype)
        out[start:start + len(values)] = values
        return out

    return Pose(over_clip(rotations), over_clip(camera), over_clip(world),
                None if contacts is None else over_clip(np.asarray(contacts, bool)), over_clip(there))


def detections(
    video: Path, end: float | None = None
) -> tuple[Array, Array, NDArray[np.bool_], tuple[int, int]]:
    """The detector's keypoints (T,33,3) and 3D (T,33,3) of a clip or its first ``end`` seconds, where it saw somebody
    (T,), and width and height."""
    from humanav.perception import open_video
    from humanav.perception.mediapipe_detector import MediapipeDetector

    with open_video(video, end=end) as frames, MediapipeDetector(looks=0, heavy=False) as detector:  # as it comes
        size = frames.width, frames.height
        found = [people[0] if people else None for people in detector.track(frames, body_only=True)]
    keypoints, world = np.zeros((len(found), 33, 3)), np.zeros((len(found), 33, 3))
    for t, person in enumerate(found):
        if person is not None and person.world is not None:
            keypoints[t], world[t] = person.keypoints, person.world
    return keypoints, world, np.array([person is not None for person in found]), size


def mediapipe_one_euro(
    seen: tuple[Array, Array, NDArray[np.bool_], tuple[int, int]], fps: float, body: BodyModel,
    camera: Camera | None = None, *, landmarks: dict[str, float] | None = None, path: dict[str, float] | None = None,
) -> Pose:
    """The baseline.

    Args:
        seen: of :func:`detections`.
        fps: of the clip.
        body: the mean body is used.
        camera: whose intrinsics are known; by default they are assumed.
        landmarks, path: settings of the filters.
    """
    from humanav.uplift.lift import posed as kinematics
    from humanav.uplift.translation import place_pelvis

    keypoints, world, found, size = seen
    at = np.flatnonzero(found)
    seeing = Camera.from_focal(*size) if camera is None else camera
    smooth = one_euro(world[at], fps, **(landmarks or LANDMARKS))
    betas = np.zeros(10, np.float32)
    local = _landmarks_to_rotations(torch.from_numpy(smooth[:, ORDER]).float(), torch.from_numpy(betas), body)
    joints, points = kinematics(local, betas, "blazepose33", body)
    place = place_pelvis(points, keypoints[at], seeing.K)
    place = one_euro(place, fps, **(path or PATH))
    in_camera = joints[:, :JOINTS] + place[:, None]
    level = np.diag([1.0, -1.0, -1.0])
    in_world = in_camera @ level
    in_world[..., 1] -= np.quantile(in_world[:, [7, 8], 1].min(axis=1), _LOWEST) - foot_heights(body, betas)[0]
    out = [np.zeros((len(found), *values.shape[1:])) for values in (local, in_camera, in_world)]
    for whole, values in zip(out, (local, in_camera, in_world), strict=True):
        whole[at] = values
    return Pose(out[0], out[1], out[2], None, found)


def _landmarks_to_rotations(landmarks: torch.Tensor, betas: torch.Tensor, body: BodyModel) -> Array:
    """Rotations (T,22,3,3) whose landmarks, which lie beside the joints that they are named after, are those given."""
    from humanav.uplift.pseudo_labels import joints_to_rotations
    from humanav.uplift.skeleton import UpliftBody

    skeleton, wanted = UpliftBody(body), landmarks
    rotations = joints_to_rotations(wanted, betas, skeleton, names=NAMES)
    for _ in range(_ROUNDS):
        joints, turned = skeleton(rotations, betas)
        beside = skeleton.landmarks(joints, turned, betas, NAMES) - joints[:, SHARED]
        rotations = joints_to_rotations(landmarks - beside, betas, skeleton, names=NAMES)
    return np.asarray(rotations.double().numpy())


def uplift_alone(video: Path, body: BodyModel, camera: Camera | None = None) -> Pose:
    """The person followed, lifted and set on the floor, as ``humanav uplift`` does."""
    from humanav.jobs.uplift import placed
    from humanav.perception import open_video
    from humanav.perception.follow import follow_person
    from humanav.uplift.lift import lift_sequence

    with open_video(video) as frames:
        followed = follow_person(frames)
    lifted = lift_sequence(followed.sequence, camera=camera, level=True, body=body)
    motion = placed(lifted.motion, body)
    flat, real = (body.from_motion(each, vertices=False).joints.double().numpy() for each in (motion, lifted.motion))
    pose = posed(lifted.motion, real, lifted.camera.R, lifted.camera.t, None, 0, len(motion), followed.seen)
    return pose._replace(world=flat[:, :JOINTS])


def one_euro(points: Array, fps: float, *, cutoff: float, beta: float, speed_cutoff: float = 1.0) -> Array:
    """The One-Euro filter (Casiez, Roussel and Vogel 2012) on points (T,...,3), each by its own speed.

    Args:
        cutoff: hertz at rest.
        beta: hertz added per metre a second.
        speed_cutoff: hertz of the low pass on the velocity.
    """
    out, velocity = points.copy(), np.zeros_like(points[0])
    for t in range(1, len(points)):
        velocity = velocity + _share(speed_cutoff, fps) * ((points[t] - points[t - 1]) * fps - velocity)
        rate = cutoff + beta * np.linalg.norm(velocity, axis=-1, keepdims=True)
        out[t] = out[t - 1] + _share(rate, fps) * (points[t] - out[t - 1])
    return out


def _share(cutoff: Any, fps: float) -> Any:
    return 1 / (1 + fps / (2 * np.pi * cutoff))
