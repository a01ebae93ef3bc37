"""One photo of a person to the pose, shape and place of the body: :func:`fit_photo`."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from threadpoolctl import threadpool_limits

from humanav.body import BodyModel
from humanav.body.kinematics import Array, Skeleton, log_rotation, pose_skeleton
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.errors import InputError, NoPersonError
from humanav.motion import Motion
from humanav.perception import Person2D
from humanav.progress import Progress
from humanav.track.observations import LIMBS, observe, swap_sides
from humanav.track.prior import PosePrior
from humanav.track.report import FitReport, missing_parts, warn
from humanav.track.residuals import (
    HingeTerm,
    ImageTerm,
    JointTerm,
    PriorTerm,
    ShapeTerm,
    TiltTerm,
)
from humanav.track.silhouette import Skin, Window, outline_term, overlap
from humanav.track.solver import BodyState, Term, solve
from humanav.track.standing import standing_odds, standing_terms, straighten
from humanav.track.start import (
    BODY_JOINTS,
    place_by_rays,
    rest_rotations,
    scale_world,
    start_from_world,
    swing_limbs,
    world_term,
)

NUM_BETAS = 10
_LOOSE, _TIGHT = 12.0, 3.0  # Geman-McClure scales in sigmas
_WORLD_SIGMA = 0.20  # metres: the detector's depth is a hint, no more
_WORLD_AXES = np.array([0.2, 0.2, 1.0])
_TILT_MEAN, _TILT_SIGMA = np.array([0.0, 0.06]), np.array([0.04, 0.10])
_OUTLINE, _OUTWARD = 0.5, 0.3  # weight of an outline point, and its share where the matte lies outside the body


@dataclass(frozen=True)
class PhotoFit:
    """A body fitted to a photo.

    The world is y up with the camera at its origin, looking along -z, so a body in front of it has negative z.

    Attributes:
        motion: one frame.
        camera: sees the photo.
        report: how well it fits.
        person: the detection that was fitted, sides exchanged if that was asked.
        alpha: (H,W) the matte, or None.
    """

    motion: Motion
    camera: Camera
    report: FitReport
    person: Person2D
    alpha: NDArray[np.float32] | None

    def upright(self, body: BodyModel | None = None) -> Motion:
        """The same pose with gravity along -y, facing +z, the lowest joint of the feet near the floor y = 0."""
        body = BodyModel.load() if body is None else body
        skeleton = _skeleton(body, len(self.motion.betas))
        rotations = Rotation.from_rotvec(self.motion.full_pose[0]).as_matrix()
        up = np.asarray(self.report.up)
        turn = _between(up, np.array([0.0, 1.0, 0.0]))
        forward = turn @ rotations[0] @ np.array([0.0, 0.0, 1.0])
        if np.hypot(forward[0], forward[2]) < 0.2:  # lying: the feet point the way
            forward = turn @ rotations[0] @ np.array([0.0, -1.0, 0.0])
        turn = Rotation.from_euler("y", -np.arctan2(forward[0], forward[2])).as_matrix() @ turn
        rotations[0] = turn @ rotations[0]
        motion = replace(self.motion, global_orient=log_rotation(rotations[:1]).astype(np.float32),
                         transl=np.zeros((1, 3), dtype=np.float32))
        vertices = body.from_motion(motion).vertices
        assert vertices is not None
        root = pose_skeleton(skeleton, rotations, np.asarray(motion.betas, dtype=np.float64), np.zeros(3)).joints[0]
        lowest = float(vertices[0, :, 1].min())
        return replace(motion, transl=np.array([[-root[0], -lowest, -root[2]]], dtype=np.float32))


def fit_photo(
    image: NDArray[np.uint8], person: Person2D, alpha: NDArray[np.float32] | None = None, *,
    body: BodyModel | None = None, focal: float | None = None, height: float | None = None,
    standing: bool | None = None, flip_limbs: Collection[str] = (), swap_sides: bool = False,
    prior: PosePrior | None = None, progress: Progress | None = None,
) -> PhotoFit:
    """Fit the body to one person in one photo.

    Args:
        image: uint8 RGB (H,W,3).
        person: what the detector found, in the image's pixels.
        alpha: (H,W) 0..1 matte; by default the detection's own mask.
        body: the body model; by default the built-in one.
        focal: focal length in pixels; by default 1.2 x the longer side.
        height: the person's height in metres when known: it fixes the scale.
        standing: whether the person stands upright; None decides from the picture.
        flip_limbs: limbs to mirror in depth: "left_arm", "right_arm", "left_leg", "right_leg".
        swap_sides: whether the detector mistook left for right.
        prior: the pose prior; by default the shipped one.
        progress: told of the parts done, and asked whether to stop.

    Raises:
        InputError: an unknown limb, a height or focal length that is not plausible, a matte of another size.
        NoPersonError: fewer than four landmarks lie in the picture.
        Cancelled: the user stopped.
    """
    start = time.perf_counter()
    unknown = set(flip_limbs) - set(LIMBS)
    if unknown:
        raise InputError(f"There is no limb '{sorted(unknown)[0]}' to flip; choose from {', '.join(LIMBS)}.")
    if height is not None and not 0.4 <= height <= 2.6:
        raise InputError(f"A height of {height:g} m is not plausible: give metres between 0.4 and 2.6.")
    if focal is not None and not (np.isfinite(focal) and focal > 0):
        raise InputError("The focal length must be a positive number of pixels.")
    rows, columns = image.shape[:2]
    matte = person.mask if alpha is None else alpha
    if matte is not None and matte.shape[:2] != (rows, columns):
        raise InputError(f"The matte has {matte.shape[1]} x {matte.shape[0]} pixels, the photo {columns} x {rows}.")
    body = BodyModel.load() if body is None else body
    prior = PosePrior.load() if prior is None else prior
    if swap_sides:
        person = _swapped(person)
    with threadpool_limits(1, user_api="blas"):
        fit = _Fit(body, Camera.from_focal(columns, rows, focal), person, matte, prior, height, progress)
        fit.keypoints()
        if flip_limbs:
            fit.flip(flip_limbs)
        fit.decide_standing(standing)
        fit.outline()
        fit.details()
        motion = fit.motion()
        report = fit.report(standing, time.perf_counter() - start)
    return PhotoFit(motion, fit.camera, report, person, matte)


def _swapped(person: Person2D) -> Person2D:
    return swap_sides(person)


class _Fit:
    """The stages of one fit; each leaves a better ``state``."""

    def __init__(self, body: BodyModel, camera: Camera, person: Person2D, matte: NDArray[np.float32] | None,
                 prior: PosePrior, height: float | None, progress: Progress | None) -> None:
        self.body, self.camera, self.matte, self.progress = body, camera, matte, progress
        self.skeleton = _skeleton(body, NUM_BETAS)
        self.skin = _skin(body, NUM_BETAS)
        tall, dirs = stature(self.skin)
        self.observed = observe(person, camera, self.skeleton, dirs / tall)
        if int((self.observed.inside & (self.observed.group == "body")).sum()) < 4:
            raise NoPersonError("Too little of the person is in the picture: use a photo that shows the whole body.")
        self.prior = PriorTerm(prior)
        self.limits = HingeTerm()
        self.shape = ShapeTerm(np.zeros(NUM_BETAS), np.full(NUM_BETAS, 1.0), height, tall, dirs)
        self.tilt = TiltTerm(_TILT_MEAN, _TILT_SIGMA)
        self.standing, self.odds = False, 0.0
        self.extra: list[Term] = []
        betas = np.zeros(NUM_BETAS)
        if height is not None:
            betas += dirs * (height - tall) / (dirs @ dirs)
        self.state = BodyState(rest_rotations(), np.zeros(3), betas, _TILT_MEAN.copy())
        self.world = scale_world(self.observed, self.skeleton, betas)
        self.has_world = bool(np.isfinite(self.world[self.observed.chosen(("body",))]).all())
        self.stature_px = 0.0

    # -- stages ----------------------------------------------------------------------------------------------------

    def keypoints(self) -> None:
        """Pose, place and shape from the landmarks."""
        if self.has_world:
            starts = [start_from_world(self.observed, self.world, self.skeleton, self.state, self.prior)]
        else:
            starts = [replace(self.state, rotations=_turned(self.state.rotations, yaw))
                      for yaw in np.radians([0, 90, 180, 270])]
        best: tuple[BodyState, float] | None = None
        for begin in starts:
            begin = place_by_rays(self.observed, self.camera, self.skeleton, begin)
            self._measure_stature(begin)
            state, _ = self._solve(begin, self._terms(("body",), _LOOSE), rounds=10)
            state, cost = self._solve(state, self._terms(("body", "hand", "face"), _TIGHT), rounds=15)
            if best is None or cost < best[1]:
                best = state, cost
        assert best is not None
        self.state = best[0]
        self._measure_stature(self.state)
        self._tell(0.35)

    def flip(self, limbs: Collection[str]) -> None:
        """Mirror limbs in depth along the camera's rays, and fit again from there."""
        posed = self._posed(self.state)
        chains: dict[str, Array] = {}
        for limb in limbs:
            chain = posed.joints[[JOINT_INDEX[name] for name in LIMBS[limb]]].copy()
            cam = self.camera.to_camera(chain)
            depth = 2 * cam[0, 2] - cam[:, 2]
            cam *= (depth / cam[:, 2])[:, None]
            chains[limb] = (cam - self.camera.t) @ self.camera.R
        rotations = self.state.rotations.copy()
        swing_limbs(rotations, self.skeleton, self.state.betas, chains)
        rows, targets = [], []
        for limb, chain in chains.items():
            rows += [JOINT_INDEX[name] for name in LIMBS[limb]]
            targets.append(chain)
        self.extra.append(_hold_joints(rows, np.concatenate(targets)))
        self.state, _ = self._solve(replace(self.state, rotations=rotations),
                                    self._terms(("body", "hand", "face"), _TIGHT), rounds=15)
        for limb in limbs:  # the detector's depth of that limb is what the visitor refuses
            for name in LIMBS[limb]:
                row = self.observed.index(name)
                if row >= 0:
                    self.world[row] = np.nan

    def decide_standing(self, asked: bool | None) -> None:
        """Fit again as an upright standing person; keep it when asked to, or when it explains the picture as well."""
        if asked is False:
            return
        upright = replace(self.state, rotations=straighten(self.state.rotations, self.state.up))
        upright = place_by_rays(self.observed, self.camera, self.skeleton, upright)
        terms = [*self._terms(("body", "hand", "face"), _TIGHT), *standing_terms()]
        state, _ = self._solve(upright, terms, rounds=20)
        self.odds = standing_odds(self.observed, self._evidence(self.state), self._evidence(state))
        if asked or self.odds > 0:
            self.state, self.standing = state, True
            self.extra += standing_terms()
        self._tell(0.5)

    def outline(self) -> None:
        """Bring the silhouette onto the matte."""
        if self.matte is None:
            self.window = None
            return
        self._measure_stature(self.state)
        vertices = self._vertices(self.state)
        pixels, _ = self.camera.project(vertices)
        inside = self.observed.pixels[self.observed.inside]
        box = np.r_[np.minimum(pixels.min(0), inside.min(0)), np.maximum(pixels.max(0), inside.max(0))]
        self.window = Window.around(self.camera, self.matte, box, self.stature_px)
        rng = np.random.default_rng(0)
        terms = self._terms(("body", "hand", "face"), _TIGHT)
        for gate in np.linspace(8.0, 4.0, 6):
            term = outline_term(self.window, self.skin, self.skeleton, vertices, float(gate), _OUTLINE, _OUTWARD, rng)
            if term is None:
                break
            self.state, _ = self._solve(self.state, [*terms, term], rounds=2)
            vertices = self._vertices(self.state)
            self._tell(0.5 + 0.4 * (8.0 - gate) / 4.0)

    def details(self) -> None:
        """Fingers, and the jaw when the face was found."""
        active = list(BODY_JOINTS)
        terms: list[Term] = []
        for side, first in (("left", 25), ("right", 40)):
            if any(name.startswith(side) for name in np.array(self.observed.names)[self.observed.group == "hand"]):
                active += range(first, first + 15)
        moving = [joint for joint in active if joint >= 25]
        if moving:
            mean = log_rotation(rest_rotations()[moving])
            terms.append(JointTerm(moving, mean, np.tile([0.3, 0.25, 0.5], (len(moving), 1))))
        if any(self.observed.group == "face"):
            active.append(JOINT_INDEX["jaw"])
            terms.append(JointTerm([JOINT_INDEX["jaw"]], np.array([[0.03, 0, 0]]), np.array([[0.12, 0.01, 0.01]])))
        if len(active) > len(BODY_JOINTS):
            held = [*terms, *self._terms(("hand", "face"), _TIGHT), _hold_pose(self.state)]
            self.state, _ = solve(self.skeleton, self.state, held, active, rounds=8, fixed_shape=True, fixed_tilt=True)

    # -- parts -----------------------------------------------------------------------------------------------------

    def _terms(self, groups: Sequence[str], cutoff: float) -> list[Term]:
        terms: list[Term] = [self._image_term(groups, cutoff), self.prior, self.limits, self.shape, self.tilt,
                             *self.extra]
        if self.has_world:
            terms.append(world_term(self.observed, self.world, _WORLD_SIGMA, _WORLD_AXES))
        return terms

    def _image_term(self, groups: Sequence[str], cutoff: float) -> ImageTerm:
        rows = self.observed.chosen(groups)
        weight = np.where(self.observed.group[rows] == "body", 1.0, 0.5)
        sigma = self.observed.spread[rows] * self.stature_px / 100
        return ImageTerm(self.observed.points.take(rows), self.camera, self.observed.pixels[rows], sigma, weight,
                         cutoff)

    def _solve(self, state: BodyState, terms: Sequence[Term], rounds: int) -> tuple[BodyState, float]:
        if self.progress is not None:
            self.progress.check()
        return solve(self.skeleton, state, terms, BODY_JOINTS, rounds=rounds)

    def _evidence(self, state: BodyState) -> float:
        return self._image_term(("body",), _TIGHT).cost(self._posed(state))

    def _posed(self, state: BodyState) -> Any:
        return pose_skeleton(self.skeleton, state.rotations, state.betas, state.transl)

    def _measure_stature(self, state: BodyState) -> None:
        depth = float(self.camera.to_camera(self._posed(state).joints[0])[2])
        tall = self.shape.height_at_rest + float(self.shape.height_dirs @ state.betas)  # type: ignore[operator]
        self.stature_px = max(self.camera.focal * tall / max(depth, 0.3), 20.0)

    def _vertices(self, state: BodyState) -> Array:
        import torch

        dtype = self.body.dtype
        output = self.body(torch.as_tensor(state.rotations[None], dtype=dtype),
                           torch.as_tensor(_pad(state.betas, self.body.num_betas), dtype=dtype),
                           transl=torch.as_tensor(state.transl[None], dtype=dtype))
        assert output.vertices is not None
        return np.asarray(output.vertices[0].numpy(), dtype=np.float64)

    def _tell(self, part: float) -> None:
        if self.progress is not None:
            self.progress.update(part)

    # -- results ---------------------------------------------------------------------------------------------------

    def motion(self) -> Motion:
        """The state as a motion of one frame."""
        pose = log_rotation(self.state.rotations)[None]
        return Motion.from_full_pose(pose, transl=self.state.transl[None],
                                     betas=_pad(self.state.betas, self.body.num_betas))

    def report(self, asked: bool | None, seconds: float) -> FitReport:
        """Numbers and words about the fit."""
        self._measure_stature(self.state)
        posed = self._posed(self.state)
        observed = self.observed
        term = self._image_term(("body", "hand", "face"), _TIGHT)
        errors = term.errors(posed)
        rows = observed.chosen(("body",))
        rows = rows[observed.seen[rows]]
        mean = float(errors[rows].mean()) if len(rows) else float("nan")
        iou = float("nan") if self.window is None else overlap(self.window, self._vertices(self.state), self.skin.faces)
        outside, hidden = missing_parts(observed)
        up = self.state.up
        towards = posed.joints[0] - self.camera.center
        words = warn(observed, errors * 100 / self.stature_px, iou, posed.joints, towards / np.linalg.norm(towards),
                     self.standing, asked)
        return FitReport(mean, 100 * mean / self.stature_px, iou, self.standing, self.odds, outside + hidden, words,
                         seconds, self.stature_px, (float(up[0]), float(up[1]), float(up[2])),
                         float(np.degrees(np.arcsin(np.clip(up[2], -1, 1)))))


@dataclass(frozen=True)
class _HoldPlaces:
    """Joints stay where they are put."""

    joints: tuple[int, ...]
    places: Array
    sigma: float = 0.06

    def __call__(self, state: BodyState, posed: Any, layout: Any) -> tuple[float, Array, Array]:
        from humanav.body.kinematics import Points, place_points

        rows = np.zeros((len(self.joints), 55))
        rows[np.arange(len(self.joints)), list(self.joints)] = 1
        positions, jacobian = place_points(Points.of_joints(rows), posed, layout.active)
        assert jacobian is not None
        residual = ((positions - self.places) / self.sigma).ravel()
        flat = jacobian.reshape(len(residual), -1) / self.sigma
        gradient, curvature = np.zeros(layout.size), np.zeros((layout.size, layout.size))
        gradient[: flat.shape[1]] = flat.T @ residual
        curvature[: flat.shape[1], : flat.shape[1]] = flat.T @ flat
        return 0.5 * float(residual @ residual), gradient, curvature


def _hold_joints(joints: Sequence[int], places: Array) -> Term:
    return _HoldPlaces(tuple(joints), places)


def _hold_pose(state: BodyState) -> Term:
    """The body stays as it is while fingers and jaw are fitted, wrists and head a little freer."""
    sigma = np.full((22, 3), 0.01)
    for name in ("left_wrist", "right_wrist", "head"):
        sigma[JOINT_INDEX[name]] = 0.1
    return JointTerm(list(BODY_JOINTS), log_rotation(state.rotations[:22]), sigma)


def _turned(rotations: Array, yaw: float) -> Array:
    turned = rotations.copy()
    turned[0] = Rotation.from_euler("y", yaw).as_matrix()
    return turned


def _between(a: Array, b: Array) -> Array:
    """The least rotation that takes direction a to direction b."""
    return Rotation.align_vectors(b[None], a[None])[0].as_matrix()


def _pad(betas: Array, size: int) -> NDArray[np.float32]:
    padded = np.zeros(size, dtype=np.float32)
    padded[: len(betas)] = betas
    return padded


@lru_cache(maxsize=4)
def _skeleton(body: BodyModel, num_betas: int) -> Skeleton:
    return Skeleton.from_body(body, num_betas)


@lru_cache(maxsize=4)
def _skin(body: BodyModel, num_betas: int) -> Skin:
    index, value = np.asarray(body.skin_index), np.asarray(body.skin_weight, dtype=np.float64)
    weights = np.zeros((len(index), 55))
    np.add.at(weights, (np.arange(len(index))[:, None], index), value)
    dirs = np.asarray(body.shapedirs, dtype=np.float64)[..., :num_betas]
    return Skin(np.asarray(body.v_template, dtype=np.float64), dirs, body.faces, weights)


def stature(skin: Skin) -> tuple[float, Array]:
    """Height of the body at zero betas in metres, and its change per unit of each beta (B,)."""
    top, bottom = skin.vertices[:, 1].argmax(), skin.vertices[:, 1].argmin()
    return float(skin.vertices[top, 1] - skin.vertices[bottom, 1]), skin.dirs[top, 1] - skin.dirs[bottom, 1]
