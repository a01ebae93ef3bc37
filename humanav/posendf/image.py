"""Keypoints of one picture to a body whose pose lies on the manifold: :func:`fit_image`.

The task of Pose-NDF's section 4.3, in the manner of SMPLify-X: first the camera's place and the body's heading from the
trunk, then pose, shape and heading together from robust reprojection, a prior of poses, a prior of shapes and the
limits of knees and elbows. Each prior can be had, so that they can be compared on equal terms.

A picture without depth has many solutions, among them most limbs' mirror images in depth. The manifold says which of
them people can do, not which they do often, so several starts are fitted and a mixture's likelihood chooses between the
results.
:func:`humanav.track.fit_photo` is the fit for photos: it uses the outline, gravity and the detector's depth as well.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from threadpoolctl import threadpool_limits

from humanav.body import BodyModel
from humanav.body.kinematics import Array, Points, Skeleton, exp_rotation, log_rotation, place_points, pose_skeleton
from humanav.body.landmarks import KEYPOINT_SETS, LANDMARKS
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.errors import InputError, NoPersonError
from humanav.fit import BodyState, PosePrior, Term, place_by_rays, rest_rotations, skeleton_of, solve, stature
from humanav.fit.prior import GaussianMixture
from humanav.fit.terms import HingeTerm, ImageTerm, JointTerm, ShapeTerm
from humanav.motion import Motion
from humanav.perception import Person2D
from humanav.posendf.image_terms import ManifoldTerm, MixtureTerm, mixture_of, rotations_to_quats
from humanav.posendf.mixture import PoseMixture
from humanav.posendf.model import PoseNDF

PRIORS = ("manifold", "gmm", "mean", "none")
WEIGHTS: dict[str, float] = {"manifold": 100.0, "gmm": 0.2, "mean": 1.0, "none": 1e-3}
"""Weight of each prior, chosen on synthetic pictures of the validation subjects."""

NUM_BETAS = 10
_BODY = tuple(range(22))
_TRUNK = ("neck", "pelvis", *(f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "hip")))
_SIGMA = 0.01  # expected error of a sure keypoint, in statures
_LOOSE, _TIGHT = 12.0, 3.0  # Geman-McClure scales in sigmas
_MEAN_SIGMA = 0.35  # radians: spread of "mean", the same for all joints
_STARTS, _FINALISTS = 8, 2  # poses to begin from, and those that are fitted to the end
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
    prior: str = "manifold", weight: float | None = None, body: BodyModel | None = None,
    field: PoseNDF | None = None, mixture: PoseMixture | None = None, choice: float = 0.1, rounds: int = 40,
) -> ImageFit:
    """Fit the body to one person's keypoints.

    Args:
        image: (H,W,3) the picture, looked at for its size only; None when ``camera`` is given.
        person: the keypoints, in the picture's pixels, of any set of :data:`~humanav.body.landmarks.KEYPOINT_SETS`.
        camera: the camera; by default one with ``focal`` in the middle of the picture.
        focal: focal length in pixels; by default 1.2 x the longer side.
        prior: "manifold" (the field's distance, and the mixture's likelihood to choose between solutions), "gmm" (a
            Gaussian mixture), "mean" (near the pose at rest, all joints alike) or "none".
        weight: of the prior; by default the one of :data:`WEIGHTS`.
        body: the body model; by default the built-in one.
        field: the field; by default the shipped one.
        mixture: the mixture of "gmm", and of the choice between solutions on the manifold; by default the shipped one.
        choice: weight of the mixture's likelihood in choosing between solutions on the manifold; 0 for the field alone.
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
        term = _prior(prior, strength, field, mixture)
        chooses = prior == "manifold" and choice > 0
        common = mixture_of(PoseMixture.load() if mixture is None else mixture) if chooses else None
        fit = _Fit(BodyModel.load() if body is None else body, camera, person, term, common, choice)
        first, last = fit.run(rounds)
        error, error_pct = fit.reprojection(last)
        pose = log_rotation(last.rotations)[None]
    before, after = (float(field.value_and_gradient(rotations_to_quats(state.rotations))[0]) for state in (first, last))
    return ImageFit(Motion.from_full_pose(pose, transl=last.transl[None], betas=last.betas), camera, prior, error,
                    error_pct, before, after, time.perf_counter() - start)


class _Fit:
    """One person's keypoints, and the stages."""

    def __init__(self, body: BodyModel, camera: Camera, person: Person2D, prior: Term,
                 common: GaussianMixture | None, choice: float) -> None:
        self.camera, self.prior, self.common, self.choice = camera, prior, common, choice
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
            state, cost = solve(self.skeleton, state, [self._image(_LOOSE), *held], _BODY, rounds=12, fixed=("tilt",))
            rough.append((cost + self._rarity(state), state))
        best: tuple[int, BodyState, float] | None = None
        for index in np.argsort([cost for cost, _ in rough])[:_FINALISTS]:
            state = rough[index][1]
            self._measure(state)
            state, cost = solve(self.skeleton, state, [self._image(_TIGHT), *held], _BODY, rounds=rounds,
                                fixed=("tilt",), tolerance=1e-4)
            cost += self._rarity(state)
            if best is None or cost < best[2]:
                best = int(index), state, cost
        assert best is not None
        self._measure(best[1])
        return begun[best[0]], best[1]

    def _rarity(self, state: BodyState) -> float:
        """What speaks against a solution besides its cost."""
        if self.common is None:
            return 0.0
        vectors = log_rotation(state.rotations[1:22]).ravel()
        return self.choice * float(self.common.negative_log_likelihood(vectors))

    def _starts(self) -> list[BodyState]:
        """The poses, each turned as it fits best, that are most like the keypoints.

        With the detector's own 3D they are compared in space; without it in the picture, where a pose and its mirror
        image in depth look nearly alike, so that several have to be tried.
        """
        weight = self.confidence**2 / (self.confidence**2).sum()
        known = np.isfinite(self.space[:, 0])
        found: list[tuple[float, BodyState]] = []
        for rotations in _poses_to_try():
            posed = pose_skeleton(self.skeleton, rotations, np.zeros(NUM_BETAS), np.zeros(3))
            places = place_points(self.points, posed)[0]
            if known.sum() >= 6:
                cost, turn = _turn_in_space(places[known], self.space[known] @ self.camera.R, weight[known])
            else:
                flat = (self.pixels - self.camera.K[:2, 2]) / np.diag(self.camera.K)[:2]
                cost, turn = _turn_in_picture(places, flat, weight, self.camera.R)
            turned = rotations.copy()
            turned[0] = turn @ rotations[0]
            found.append((cost, BodyState(turned, np.zeros(3), np.zeros(NUM_BETAS), np.zeros(2))))
        found.sort(key=lambda pair: pair[0])
        return [state for _, state in found[:_STARTS]]

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


def _turn_in_picture(places: Array, flat: Array, weight: Array, view: Array) -> tuple[float, Array]:
    """The turn about the vertical that brings points (K,3) nearest to their places on the image plane (K,2), up to
    scale and shift, seen by a camera of rotation ``view``; and the weighted mean distance that is left."""
    wanted = flat - weight @ flat
    best = np.inf, np.eye(3)
    for yaw in np.arange(0, 2 * np.pi, np.pi / 8):
        turn = Rotation.from_euler("y", yaw).as_matrix()
        seen = (places @ (view @ turn).T)[:, :2]
        seen = seen - weight @ seen
        size = max(float(weight @ (seen * wanted).sum(1)), 0.0) / max(float(weight @ (seen**2).sum(1)), 1e-9)
        cost = float(weight @ np.linalg.norm(wanted - size * seen, axis=1))
        if cost < best[0]:
            best = cost, turn
    return best


def _turn_in_space(places: Array, wanted: Array, weight: Array) -> tuple[float, Array]:
    """The turn that brings points (K,3) nearest to others in space, up to scale and shift; and what is left."""
    weight = weight / weight.sum()
    places, wanted = places - weight @ places, wanted - weight @ wanted
    turn = Rotation.align_vectors(wanted, places, weights=weight)[0].as_matrix()
    moved = places @ turn.T
    size = float(weight @ (moved * wanted).sum(1)) / max(float(weight @ (moved**2).sum(1)), 1e-9)
    return float(weight @ np.linalg.norm(wanted - size * moved, axis=1)), turn


@lru_cache(maxsize=1)
def _poses_to_try() -> tuple[Array, ...]:
    """Rotations (55,3,3) of the body at rest and of the middles of the pose prior, upright as each of them is."""
    prior = PosePrior.load()
    poses = [rest_rotations()]
    for mean in prior.means:
        rotations = rest_rotations()
        rotations[1:22] = exp_rotation(mean[:63].reshape(21, 3))
        rotations[0] = Rotation.align_vectors([[0.0, 1.0, 0.0]], [mean[63:]])[0].as_matrix()
        poses.append(rotations)
    return tuple(poses)


def _prior(name: str, weight: float, field: PoseNDF, mixture: PoseMixture | None) -> Term:
    if name == "manifold":
        return ManifoldTerm(field, weight)
    if name == "gmm":
        return MixtureTerm(mixture_of(PoseMixture.load() if mixture is None else mixture), weight)
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
                         f"reach {seen[:, 0].max():.0f}, {seen[:, 1].max():.0f}): they belong to another one.")
