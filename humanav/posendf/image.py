"""Keypoints of one picture to a body whose pose lies on the manifold: :func:`fit_image`.

The task of Pose-NDF's section 4.3, in the manner of SMPLify-X: first the camera's place and the body's heading from the
trunk, then pose, shape and heading together from robust reprojection, a prior of poses, a prior of shapes and the
limits of knees and elbows. Each prior can be had, so that they can be compared on equal terms.
:func:`humanav.track.fit_photo` is the fit for photos: it uses the outline, gravity and the detector's depth as well.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from threadpoolctl import threadpool_limits

from humanav.body import BodyModel
from humanav.body.kinematics import Array, Points, Skeleton, log_rotation, pose_skeleton
from humanav.body.landmarks import KEYPOINT_SETS, LANDMARKS
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.errors import InputError, NoPersonError
from humanav.fit import BodyState, Term, place_by_rays, rest_rotations, skeleton_of, solve, stature
from humanav.fit.terms import HingeTerm, ImageTerm, JointTerm, ShapeTerm
from humanav.motion import Motion
from humanav.perception import Person2D
from humanav.posendf.image_terms import ManifoldTerm, MixtureTerm, rotations_to_quats
from humanav.posendf.mixture import PoseMixture
from humanav.posendf.model import PoseNDF

Prior = Literal["manifold", "gmm", "mean", "none"]
PRIORS: tuple[str, ...] = get_args(Prior)
WEIGHTS: dict[str, float] = {"manifold": 400.0, "gmm": 0.5, "mean": 1.0, "none": 1e-3}
"""Weight of each prior, chosen on synthetic pictures of the validation subjects."""

NUM_BETAS = 10
_BODY = tuple(range(22))
_TRUNK = ("neck", "pelvis", *(f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "hip")))
_SIGMA = 0.01  # expected error of a sure keypoint, in statures
_LOOSE, _TIGHT = 12.0, 3.0  # Geman-McClure scales in sigmas
_MEAN_SIGMA = 0.35  # radians: spread of "mean", the same for all joints
_LEAST = 4  # keypoints


@dataclass(frozen=True)
class ImageFit:
    """A body fitted to the keypoints of one picture.

    The world is the camera's, y up: a camera that was not given stands at the origin and looks along -z.

    Attributes:
        motion: one frame.
        camera: sees the picture.
        prior: which prior held the pose.
        reprojection_px: mean distance of the keypoints from their fitted places, weighted by confidence.
        reprojection_pct_height: the same in % of the person's stature in pixels.
        distance_start, distance: of the pose from the manifold before and after, mean half angle in radians.
        seconds: how long it took.
    """

    motion: Motion
    camera: Camera
    prior: str
    reprojection_px: float
    reprojection_pct_height: float
    distance_start: float
    distance: float
    seconds: float


def fit_image(
    image: NDArray[np.uint8] | None, person: Person2D, *, camera: Camera | None = None, focal: float | None = None,
    prior: Prior = "manifold", weight: float | None = None, body: BodyModel | None = None,
    field: PoseNDF | None = None, mixture: PoseMixture | None = None, rounds: int = 40,
) -> ImageFit:
    """Fit the body to one person's keypoints.

    Args:
        image: (H,W,3) the picture, looked at for its size only; None when ``camera`` is given.
        person: the keypoints, in the picture's pixels, of any set of :data:`~humanav.body.landmarks.KEYPOINT_SETS`.
        camera: the camera; by default one with ``focal`` in the middle of the picture.
        focal: focal length in pixels; by default 1.2 x the longer side.
        prior: "manifold" (the field's distance), "gmm" (a Gaussian mixture), "mean" (near the pose at rest, all joints
            alike) or "none".
        weight: of the prior; by default the one of :data:`WEIGHTS`.
        body: the body model; by default the built-in one.
        field: the field; by default the shipped one.
        mixture: the mixture of "gmm"; by default the shipped one.
        rounds: most steps of the last stage.

    Raises:
        InputError: no size of the picture, an unknown prior or set, a wrong number of keypoints, points that are not
            finite or belong to a picture of another size.
        NoPersonError: fewer than four keypoints were found, or none of the trunk.
    """
    start = time.perf_counter()
    if prior not in PRIORS:
        raise InputError(f"There is no prior '{prior}': choose one of {', '.join(PRIORS)}.")
    camera = _camera(image, camera, focal)
    _check(person, camera)
    field = PoseNDF.load() if field is None else field
    strength = WEIGHTS[prior] if weight is None else weight
    with threadpool_limits(1, user_api="blas"):
        fit = _Fit(BodyModel.load() if body is None else body, camera, person, _prior(prior, strength, field, mixture))
        first, last = fit.run(rounds)
        error, error_pct = fit.reprojection(last)
        pose = log_rotation(last.rotations)[None]
    before, after = (float(field.value_and_gradient(rotations_to_quats(state.rotations))[0]) for state in (first, last))
    return ImageFit(Motion.from_full_pose(pose, transl=last.transl[None], betas=last.betas), camera, prior, error,
                    error_pct, before, after, time.perf_counter() - start)


class _Fit:
    """One person's keypoints, and the stages."""

    def __init__(self, body: BodyModel, camera: Camera, person: Person2D, prior: Term) -> None:
        self.camera, self.prior = camera, prior
        self.skeleton = skeleton_of(body, NUM_BETAS)
        self.tall, self.growth = stature(np.asarray(body.v_template, dtype=np.float64),
                                         np.asarray(body.shapedirs, dtype=np.float64)[..., :NUM_BETAS])
        names, points, self.pixels, self.confidence, self.space = _landmarks(person, self.skeleton,
                                                                             self.growth / self.tall)
        self.points = points
        self.trunk = np.array([name in _TRUNK for name in names])
        if len(names) < _LEAST or self.trunk.sum() < 2:
            raise NoPersonError("Too few keypoints of the person were found: at least four are needed, two of them "
                                "shoulders or hips.")
        self.size_px = 0.0

    def run(self, rounds: int) -> tuple[BodyState, BodyState]:
        """The state after the first stage, and the best one after the last."""
        shape = ShapeTerm(np.zeros(NUM_BETAS), np.ones(NUM_BETAS))
        held: list[Term] = [self.prior, HingeTerm(), shape]
        begun, rough = [], []
        for state in self._starts():
            state = self._place(state)
            state, _ = solve(self.skeleton, state, [self._image(_LOOSE, self.trunk), shape], (0,), rounds=8,
                             fixed=("betas", "tilt"))
            begun.append(state)
            self._measure(state)
            rough.append(solve(self.skeleton, state, [self._image(_LOOSE), *held], _BODY, rounds=12, fixed=("tilt",)))
        best: tuple[int, BodyState, float] | None = None
        for index in np.argsort([cost for _, cost in rough])[:2]:
            state = rough[index][0]
            self._measure(state)
            state, cost = solve(self.skeleton, state, [self._image(_TIGHT), *held], _BODY, rounds=rounds,
                                fixed=("tilt",), tolerance=1e-4)
            if best is None or cost < best[2]:
                best = int(index), state, cost
        assert best is not None
        self._measure(best[1])
        return begun[best[0]], best[1]

    def _starts(self) -> list[BodyState]:
        """The body at rest, seen from four sides, or as the detector's own 3D has its trunk."""
        rest = BodyState(rest_rotations(), np.zeros(3), np.zeros(NUM_BETAS), np.zeros(2))
        towards = self.camera.R.T @ np.array([0.0, 0.0, -1.0])  # from the body to the camera
        facing = np.arctan2(towards[0], towards[2])
        turns = [Rotation.from_euler("y", facing + yaw).as_matrix() for yaw in np.radians([0, 180, 90, -90])]
        rows = self.trunk & np.isfinite(self.space[:, 0])
        if rows.sum() >= 3:
            posed = pose_skeleton(self.skeleton, rest.rotations, rest.betas, rest.transl)
            from humanav.body.kinematics import place_points

            ours = place_points(self.points.take(rows), posed)[0]
            theirs = self.space[rows] @ self.camera.R
            turns = [Rotation.align_vectors(theirs - theirs.mean(0), ours - ours.mean(0))[0].as_matrix()]
        states = []
        for turn in turns:
            rotations = rest.rotations.copy()
            rotations[0] = turn @ rotations[0]
            states.append(replace(rest, rotations=rotations))
        return states

    def _place(self, state: BodyState) -> BodyState:
        weight = self.confidence**2 * np.where(self.trunk, 1.0, 0.2)
        state = place_by_rays(self.points, self.pixels, weight, self.camera, self.skeleton, state)
        self._measure(state)
        return state

    def _measure(self, state: BodyState) -> None:
        posed = pose_skeleton(self.skeleton, state.rotations, state.betas, state.transl)
        depth = float(self.camera.to_camera(posed.joints[0])[2])
        self.size_px = max(self.camera.focal * (self.tall + float(self.growth @ state.betas)) / max(depth, 0.3), 20.0)

    def _image(self, cutoff: float, rows: NDArray[np.bool_] | None = None) -> ImageTerm:
        rows = np.ones(len(self.pixels), dtype=bool) if rows is None else rows
        sigma = np.full(int(rows.sum()), _SIGMA * self.size_px)
        return ImageTerm(self.points.take(rows), self.camera, self.pixels[rows], sigma, self.confidence[rows] ** 2,
                         cutoff)

    def reprojection(self, state: BodyState) -> tuple[float, float]:
        """Mean error in pixels and in % of the stature."""
        posed = pose_skeleton(self.skeleton, state.rotations, state.betas, state.transl)
        error = float(np.average(self._image(_TIGHT).errors(posed), weights=self.confidence))
        return error, 100 * error / self.size_px


def _landmarks(person: Person2D, skeleton: Skeleton, growth: Array
               ) -> tuple[list[str], Points, Array, Array, Array]:
    """Names, places on the body, pixels (K,2), confidence (K,) and detector's 3D (K,3) or NaN of what was found."""
    rows = [(name, k) for k, name in enumerate(KEYPOINT_SETS[person.keypoint_set])
            if name in LANDMARKS and person.keypoints[k, 2] > 0]
    marks = [LANDMARKS[name] for name, _ in rows]
    index = [k for _, k in rows]
    seen = np.asarray(person.keypoints, dtype=np.float64)[index].reshape(-1, 3)
    space = np.full((len(rows), 3), np.nan)
    if person.world is not None and len(rows):
        space = np.asarray(person.world, dtype=np.float64)[index, :3]
    points = Points.of_landmarks(skeleton, [JOINT_INDEX[m.joint] for m in marks], [JOINT_INDEX[m.frame] for m in marks],
                                 np.array([m.offset for m in marks], dtype=np.float64).reshape(-1, 3), growth)
    return [name for name, _ in rows], points, seen[:, :2], np.clip(seen[:, 2], 0.0, 1.0), space


def _prior(name: str, weight: float, field: PoseNDF, mixture: PoseMixture | None) -> Term:
    if name == "manifold":
        return ManifoldTerm(field, weight)
    if name == "gmm":
        return MixtureTerm.of(PoseMixture.load() if mixture is None else mixture, weight)
    mean = log_rotation(rest_rotations()[1:22])
    return JointTerm(_BODY[1:], mean, np.full((21, 3), _MEAN_SIGMA / np.sqrt(weight)))


def _camera(image: NDArray[np.uint8] | None, camera: Camera | None, focal: float | None) -> Camera:
    if camera is not None:
        if image is not None and image.shape[:2] != (camera.height, camera.width):
            raise InputError(f"The camera is of a picture of {camera.width} x {camera.height} pixels, but this one has "
                             f"{image.shape[1]} x {image.shape[0]}.")
        return camera
    if image is None:
        raise InputError("The size of the picture is not known: give the picture or a camera.")
    if focal is not None and not (np.isfinite(focal) and focal > 0):
        raise InputError("The focal length must be a positive number of pixels.")
    return Camera.from_focal(image.shape[1], image.shape[0], focal)


def _check(person: Person2D, camera: Camera) -> None:
    names = KEYPOINT_SETS.get(person.keypoint_set)
    if names is None:
        raise InputError(f"There is no keypoint set '{person.keypoint_set}'; known: {', '.join(KEYPOINT_SETS)}.")
    if np.shape(person.keypoints) != (len(names), 3):
        raise InputError(f"{person.keypoint_set} has {len(names)} keypoints of x, y and confidence, but an array of "
                         f"shape {np.shape(person.keypoints)} was given.")
    if not np.isfinite(person.keypoints).all():
        raise InputError("The keypoints hold NaN or infinite numbers: set what was not found to zero.")
    seen = person.keypoints[person.keypoints[:, 2] > 0, :2]
    size = np.array([camera.width, camera.height])
    outside = ((seen < -0.1 * size) | (seen > 1.1 * size)).any(1) if len(seen) else np.zeros(1)
    if outside.mean() > 0.5:
        raise InputError(f"Most keypoints lie outside the picture of {camera.width} x {camera.height} pixels (they "
                         f"reach {seen[:, 0].max():.0f}, {seen[:, 1].max():.0f}): they belong to another picture or size.")
