"""The stages of a photo fit: landmarks, standing or not, outline, fingers and jaw."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.body import BodyModel
from humanav.body.kinematics import Array, PosedSkeleton, log_rotation, pose_skeleton
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.errors import NoPersonError
from humanav.fit import BodyState, PosePrior, Term, rest_rotations, skeleton_of, solve, stature
from humanav.fit.terms import HingeTerm, HoldTerm, ImageTerm, JointTerm, PriorTerm, ShapeTerm, TiltTerm
from humanav.motion import Motion
from humanav.perception import Person2D
from humanav.progress import Progress
from humanav.track.observations import LIMBS, observe
from humanav.track.report import FitReport, missing_parts, warn
from humanav.track.silhouette import Skin, Window, outline_term, overlap
from humanav.track.standing import standing_odds, standing_terms, straighten
from humanav.track.start import (
    BODY_JOINTS,
    guess_in_space,
    place_on_rays,
    start_from_uplift,
    start_from_world,
    swing_limbs,
    world_term,
)

NUM_BETAS = 10
_LOOSE, _TIGHT = 12.0, 3.0  # Geman-McClure scales in sigmas
_PRIOR_WEIGHT = 0.5  # few people trained it
_WORLD_AXES = np.array([0.2, 0.2, 1.0])
_TILT_MEAN, _TILT_SIGMA = np.array([0.0, 0.06]), np.array([0.04, 0.10])
_OUTLINE, _OUTWARD = 0.5, 0.3  # weight of an outline point, and its share where the matte lies outside the body


class Fitting:
    """The stages of one fit; each leaves a better ``state``."""

    def __init__(self, body: BodyModel, camera: Camera, person: Person2D, matte: NDArray[np.float32] | None,
                 prior: PosePrior, height: float | None, progress: Progress | None, also: Sequence[Term] = (),
                 start: str = "lift", focal_known: bool = False) -> None:
        self.person, self.start, self.focal_known = person, start, focal_known
        self.body, self.camera, self.matte, self.progress = body, camera, matte, progress
        self.skeleton = skeleton_of(body, NUM_BETAS)
        self.skin = skin_of(body, NUM_BETAS)
        tall, dirs = stature(self.skin.vertices, self.skin.dirs)
        self.observed = observe(person, camera, self.skeleton, dirs / tall)
        if int((self.observed.inside & (self.observed.group == "body")).sum()) < 4:
            raise NoPersonError("Too little of the person is in the picture: use a photo that shows the whole body.")
        self.prior = PriorTerm(prior, _PRIOR_WEIGHT)
        self.limits = HingeTerm()
        self.shape = ShapeTerm(np.zeros(NUM_BETAS), np.full(NUM_BETAS, 1.0), height, tall, dirs)
        self.tilt = TiltTerm(_TILT_MEAN, _TILT_SIGMA)
        self.standing, self.odds = False, 0.0
        self.extra: list[Term] = list(also)
        betas = np.zeros(NUM_BETAS)
        if height is not None:
            betas += dirs * (height - tall) / (dirs @ dirs)
        self.state = BodyState(rest_rotations(), np.zeros(3), betas, _TILT_MEAN.copy())
        self.world, self.world_spread = guess_in_space(self.observed, self.skeleton, betas)
        self.has_world = bool(np.isfinite(self.world[self.observed.chosen(("body",))]).all())
        self.stature_px = 0.0

    # -- stages ----------------------------------------------------------------------------------------------------

    def keypoints(self) -> None:
        """Pose, place and shape from the landmarks."""
        best: tuple[BodyState, float] | None = None
        for begin in self._starts():
            begin = place_on_rays(self.observed, self.camera, self.skeleton, begin)
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
        self.extra.append(HoldTerm(rows, np.concatenate(targets)))
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
        upright = place_on_rays(self.observed, self.camera, self.skeleton, upright)
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
            self.state, _ = solve(self.skeleton, self.state, held, active, rounds=8, fixed=("transl", "betas", "tilt"))

    def _starts(self) -> list[BodyState]:
        starts = []
        if self.has_world and self.start != "uplift":
            starts.append(start_from_world(self.observed, self.world, self.world_spread, self.skeleton, self.state,
                                           self.prior))
        if self.start != "lift" or not starts:
            lifted = start_from_uplift(self.person, self.camera, self.state, self.focal_known)
            starts += [] if lifted is None else [lifted]
        return starts or [replace(self.state, rotations=_turned(self.state.rotations, yaw))
                          for yaw in np.radians([0, 90, 180, 270])]

    # -- parts -----------------------------------------------------------------------------------------------------

    def _terms(self, groups: Sequence[str], cutoff: float) -> list[Term]:
        terms: list[Term] = [self._image_term(groups, cutoff), self.prior, self.limits, self.shape, self.tilt,
                             *self.extra]
        if self.has_world:
            terms.append(world_term(self.observed, self.world, self.world_spread, _WORLD_AXES))
        return terms

    def _image_term(self, groups: Sequence[str], cutoff: float) -> ImageTerm:
        rows = self.observed.chosen(groups)
        weight = np.where(self.observed.group[rows] == "body", 1.0, 0.5)
        weight[self.observed.confidence[rows] == 0] = 0.0
        sigma = self.observed.spread[rows] * self.stature_px / 100
        return ImageTerm(self.observed.points.take(rows), self.camera, self.observed.pixels[rows], sigma, weight,
                         cutoff)

    def _solve(self, state: BodyState, terms: Sequence[Term], rounds: int) -> tuple[BodyState, float]:
        if self.progress is not None:
            self.progress.check()
        return solve(self.skeleton, state, terms, BODY_JOINTS, rounds=rounds)

    def _evidence(self, state: BodyState) -> float:
        return self._image_term(("body",), _TIGHT).cost(self._posed(state))

    def _posed(self, state: BodyState) -> PosedSkeleton:
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


def turn_between(a: Array, b: Array) -> Array:
    """The least rotation that takes direction a to direction b."""
    return Rotation.align_vectors(b[None], a[None])[0].as_matrix()


def _pad(betas: Array, size: int) -> NDArray[np.float32]:
    padded = np.zeros(size, dtype=np.float32)
    padded[: len(betas)] = betas
    return padded


@lru_cache(maxsize=4)
def skin_of(body: BodyModel, num_betas: int) -> Skin:
    index, value = np.asarray(body.skin_index), np.asarray(body.skin_weight, dtype=np.float64)
    weights = np.zeros((len(index), 55))
    np.add.at(weights, (np.arange(len(index))[:, None], index), value)
    dirs = np.asarray(body.shapedirs, dtype=np.float64)[..., :num_betas]
    return Skin(np.asarray(body.v_template, dtype=np.float64), dirs, body.faces, weights)
