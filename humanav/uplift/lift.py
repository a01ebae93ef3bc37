"""2D keypoints to a body that moves: the network's rotations, bridged and smoothed, and the place before the camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from humanav.body import BodyModel
from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.body.landmarks import KEYPOINT_SETS, landmark_positions
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.fit import stature
from humanav.motion import Motion
from humanav.perception.sequence import KeypointSequence
from humanav.uplift.level import gravity, level_camera
from humanav.uplift.rates import at_network_rate
from humanav.uplift.skeleton import relaxed_hands
from humanav.uplift.smooth import bridge, smooth_rotations
from humanav.uplift.translation import LEAST_POINTS, place_path, reprojection_errors

if TYPE_CHECKING:
    from humanav.progress import Progress
    from humanav.uplift.model import Prediction

Array = NDArray[np.float64]

BODY = 22
_HINT = 0.1  # confidence of keypoints that were bridged, so that the network hardly believes them


class Predictor(Protocol):
    """What lifts keypoints: :class:`humanav.uplift.Uplift`, or anything else with this method."""

    def predict(self, keypoints: Any, K: Any, focal_known: bool = True) -> Prediction:
        """Keypoints (T,K,3) and intrinsics (3,3) to rotations."""
        ...


@dataclass(frozen=True)
class Lifted:
    """A lifted sequence of T frames.

    Attributes:
        motion: in the world (y up); ``confidence`` is 0 for joints nobody predicts (fingers, jaw, eyes).
        camera: that sees the frames; where none was given it stands at the origin and looks along -z, tilted as told.
        joints: (T,22,3) from the pelvis, along the camera's axes, metres.
        confidence: (T,22) 0..1; 0 in frames in which the person was not seen.
        reprojection: (T,) pixels, mean distance of the seen landmarks; NaN in frames without any.
        keypoints: what was lifted, in the network's layout.
        notes: what had to be assumed or mended, in sentences.
    """

    motion: Motion
    camera: Camera
    joints: Array
    confidence: Array
    reprojection: Array
    keypoints: KeypointSequence
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LiftedPose:
    """One lifted frame, ready to be drawn.

    Attributes:
        rotations: (22,3,3) parent-relative; the root in the world.
        vertices: (V,3) world, metres.
        joints: (55,3) world, metres.
        confidence: (22,) 0..1.
        camera: that sees it.
        reprojection: pixels, mean over the seen landmarks.
    """

    rotations: Array
    vertices: NDArray[np.float32]
    joints: Array
    confidence: Array
    camera: Camera
    reprojection: float


def lift_sequence(
    sequence: KeypointSequence, *, camera: Camera | None = None, betas: ArrayLike | None = None,
    pelvis: ArrayLike | None = None, smooth: bool = True, level: bool | None = None, model: Predictor | None = None,
    body: BodyModel | None = None, progress: Progress | None = None,
) -> Lifted:
    """Lift one person's keypoints, a clip or a single frame.

    Args:
        sequence: any layout; those without a network of their own are mapped to the one that has.
        camera: that saw it; by default one at the origin of unknown focal length (1.2 x the longer side).
        betas: (B,) the person's shape; by default the mean body. It settles the scale: a body twice as large stands
            twice as far away.
        pelvis: (T,3) its place in the camera's frame, metres, where it is known; else it is fitted.
        smooth: smooth the rotations over time.
        level: tell the camera's tilt from how the person stands (:func:`humanav.uplift.level.gravity`) and put the
            camera at the origin; by default where no camera is given.
        model: the network; by default the shipped one for the layout.
        body: by default the built-in one.
        progress: told of the parts done.

    Raises:
        InputError: no frame shows enough of the person, or camera, betas or pelvis do not belong to the sequence.
        Cancelled: ``progress`` was told to stop.
    """
    from humanav.uplift.layouts import network_set, to_layout

    body = BodyModel.load() if body is None else body
    seeing = Camera.from_focal(sequence.width, sequence.height) if camera is None else camera
    shape = checked_betas(betas, body)
    track = _checked_pelvis(pelvis, len(sequence))
    _check_size(seeing, sequence)
    mapped = to_layout(sequence, network_set(sequence.keypoint_set))
    if model is None:
        from humanav.uplift.model import Uplift

        model = Uplift.load(mapped.keypoint_set)
    seen = mapped.seen.sum(axis=1) >= LEAST_POINTS
    if not seen.any():
        raise InputError("No frame shows enough of a person: at least four keypoints must be seen in one frame.")
    found = at_network_rate(model, bridged_keypoints(mapped.keypoints, seen), seeing.K, camera is not None,
                            sequence.fps)
    _tell(progress, 0.6)
    rotations = np.concatenate([found.root[:, None], found.body], axis=1).astype(np.float64)
    confidence = np.where(seen[:, None], np.clip(found.confidence, 0.0, 1.0), 0.0).astype(np.float64)
    rotations = bridge(rotations, ~seen)
    if smooth:
        rotations = smooth_rotations(rotations, sequence.fps, confidence)
    if level or (level is None and camera is None):
        seeing = replace(seeing, R=level_camera(gravity(rotations[seen])), t=np.zeros(3))
    joints, points = posed(rotations, shape, mapped.keypoint_set, body)
    _tell(progress, 0.8)
    path = place_path(points, mapped.keypoints, seeing.K, sequence.fps) if track is None else track
    errors = reprojection_errors(points, path, mapped.keypoints, seeing.K)
    _tell(progress, 1.0)
    return Lifted(_motion(rotations, path, confidence, shape, seeing, body, sequence), seeing, joints[:, :BODY],
                  confidence, _mean_seen(errors), mapped, tuple(_notes(sequence, mapped, seen, camera, betas)))


def lift_pose(
    keypoints: ArrayLike, keypoint_set: str, width: int, height: int, *, camera: Camera | None = None,
    betas: ArrayLike | None = None, model: Predictor | None = None, body: BodyModel | None = None,
) -> LiftedPose:
    """Lift one frame, for an editor that asks at every move of the hand: some tens of milliseconds on one core.

    Args:
        keypoints: (K,3) pixels and confidence.
        keypoint_set: their layout.
        width, height: of the picture in pixels.
        camera, betas, model, body: as :func:`lift_sequence`.

    Raises:
        InputError: fewer than four keypoints are seen, or they are not of that layout.
    """
    body = BodyModel.load() if body is None else body
    frame = KeypointSequence(np.asarray(keypoints, dtype=np.float32)[None], keypoint_set, 30.0, width, height)
    lifted = lift_sequence(frame, camera=camera, betas=betas, smooth=False, level=False, model=model, body=body)
    with torch.no_grad():
        out = body.from_motion(lifted.motion)
    assert out.vertices is not None
    local = exp_rotation(lifted.motion.full_pose[0, :BODY].astype(np.float64))
    return LiftedPose(local, out.vertices[0].numpy(), out.joints[0].double().numpy(), lifted.confidence[0],
                      lifted.camera, float(lifted.reprojection[0]))


def posed(rotations: Array, betas: ArrayLike, keypoint_set: str, body: BodyModel) -> tuple[Array, Array]:
    """Joints (T,55,3) and landmarks (T,K,3) from the pelvis, for parent-relative rotations (T,22,3,3).

    Fingers are at ease, as in the training pairs.
    """
    full = np.concatenate([rotations, np.broadcast_to(exp_rotation(_still()), (len(rotations), 33, 3, 3))], axis=1)
    shape = torch.as_tensor(np.asarray(betas), dtype=body.dtype)
    with torch.no_grad():
        out = body(torch.from_numpy(full).to(body.dtype), shape, vertices=False)
    joints, turned = out.joints.double().numpy(), out.rotations.double().numpy()
    points = landmark_positions(joints, turned, keypoint_set, stature_scale(body, np.asarray(betas)))
    return joints - joints[:, :1], points - joints[:, :1]


@lru_cache(maxsize=1)
def _still() -> Array:
    """Axis-angle (33,3) of the joints that nobody predicts: jaw and eyes at rest, hands at ease."""
    return np.concatenate([np.zeros((3, 3)), relaxed_hands().double().numpy()])


def stature_scale(body: BodyModel, betas: Array) -> float:
    """The stature of a shape over the mean body's, by which landmarks' offsets grow."""
    tall, dirs = _stature(body)
    return float((tall + dirs[: len(betas)] @ betas) / tall)


@lru_cache(maxsize=4)
def _stature(body: BodyModel) -> tuple[float, Array]:
    return stature(body.v_template.double().numpy(), body.shapedirs.double().numpy())


def bridged_keypoints(keypoints: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Frames in which nobody is ``seen`` (T,) filled on straight lines, with hardly any confidence."""
    if seen.all():
        return keypoints
    filled, frames = keypoints.copy(), np.arange(len(keypoints))
    known = np.flatnonzero(seen)
    for point in range(keypoints.shape[1]):
        there = known[keypoints[known, point, 2] > 0]
        if len(there):
            for axis in range(2):
                filled[~seen, point, axis] = np.interp(frames[~seen], there, keypoints[there, point, axis])
            filled[~seen, point, 2] = _HINT
    return filled


def checked_betas(betas: ArrayLike | None, body: BodyModel) -> NDArray[np.float32]:
    """Shape values padded with zeros to the body's number.

    Raises:
        InputError: too many, or not finite.
    """
    shape = np.zeros(body.num_betas, dtype=np.float32)
    if betas is not None:
        given = np.asarray(betas, dtype=np.float32).reshape(-1)
        if len(given) > body.num_betas or not np.isfinite(given).all():
            raise InputError(f"The shape has {len(given)} values; at most {body.num_betas} finite numbers fit this "
                             "body.")
        shape[: len(given)] = given
    return shape


def _checked_pelvis(pelvis: ArrayLike | None, frames: int) -> Array | None:
    if pelvis is None:
        return None
    track = np.asarray(pelvis, dtype=np.float64)
    if track.shape != (frames, 3) or not np.isfinite(track).all():
        raise InputError(f"The pelvis' path has shape {track.shape}; ({frames}, 3) finite numbers are needed: its "
                         "place in the camera's frame in metres, one row a frame.")
    if (track[:, 2] <= 0).any():
        raise InputError("The pelvis' path runs behind the camera: z must point away from it (x right, y down).")
    return track


def _check_size(camera: Camera, sequence: KeypointSequence) -> None:
    if (camera.width, camera.height) != (sequence.width, sequence.height):
        raise InputError(f"The camera sees {camera.width} x {camera.height} pixels, the keypoints lie in "
                         f"{sequence.width} x {sequence.height}: scale one to the other.")
    if camera.distortion is not None and camera.distortion.any():
        raise InputError("The lens of this camera bends lines: undistort the keypoints first.")


def _motion(
    rotations: Array, path: Array, confidence: Array, betas: NDArray[np.float32], camera: Camera, body: BodyModel,
    sequence: KeypointSequence,
) -> Motion:
    """The motion in the world of a body whose root and pelvis are known in the camera's frame."""
    pose = np.zeros((len(rotations), 55, 3))
    pose[:, BODY:] = _still()
    pose[:, 1:BODY] = log_rotation(rotations[:, 1:])
    pose[:, 0] = log_rotation(camera.R.T @ rotations[:, 0])
    rest = (body.J_template[0] + body.J_dirs[0, :, : len(betas)] @ torch.from_numpy(betas).to(body.dtype)).double()
    trust = np.zeros((len(rotations), 55), dtype=np.float32)
    trust[:, :BODY] = confidence
    transl = (path - camera.t) @ camera.R - rest.numpy()
    return Motion.from_full_pose(pose, sequence.fps, transl, betas, name=sequence.name, person_id=sequence.person_id,
                                 confidence=trust)


def _mean_seen(errors: Array) -> Array:
    count = np.isfinite(errors).sum(axis=1)
    return np.where(count > 0, np.nansum(errors, axis=1) / np.maximum(count, 1), np.nan)


def _notes(
    sequence: KeypointSequence, mapped: KeypointSequence, seen: NDArray[np.bool_], camera: Camera | None,
    betas: ArrayLike | None,
) -> list[str]:
    notes = []
    if mapped.keypoint_set != sequence.keypoint_set:
        notes.append(f"The {len(KEYPOINT_SETS[sequence.keypoint_set])} points of {sequence.keypoint_set} were mapped "
                     f"to those of {mapped.keypoint_set}.")
    if not seen.all():
        notes.append(f"{int((~seen).sum())} of {len(seen)} frames do not show the person; the motion was bridged "
                     "there and has no confidence.")
    if camera is None:
        notes.append("The focal length is not known and was taken as 1.2 times the longer side: distances depend on "
                     "it.")
    if betas is None:
        notes.append("The person's shape is not known; the mean body was used, which settles the scale.")
    return notes


def _tell(progress: Progress | None, part: float) -> None:
    if progress is not None:
        progress.update(part)
