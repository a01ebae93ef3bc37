"""People as the refinement moves them: clip states in the level frame, their own terms, and back to motions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import Skeleton, exp_rotation, log_rotation
from humanav.fit import PosePrior, stature
from humanav.fit.clip_kinematics import ClipState, PosedClip, place_clip_points, pose_clip
from humanav.fit.clip_solver import ClipTerm
from humanav.fit.clip_terms import ClipHingeTerm, ClipPriorTerm, ClipTurnTerm, SmoothTerm
from humanav.motion import Motion
from humanav.multiview.fit_targets import Targets, view_targets
from humanav.multiview.fit_terms import LEVEL, Eyes, ViewsTerm
from humanav.multiview.refine_means import known_mean
from humanav.multiview.refine_value import RefineSettings
from humanav.multiview.scene import BONES
from humanav.multiview.value import Fitted, Matched, Rig, Sightings
from humanav.posendf.motion_prior import FPS, MotionPrior

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

_CUTOFF = 3.0  # Geman-McClure scale of keypoints, in expected errors
_CORRELATED = 0.25  # seconds over which the errors of a keypoint go together
_AWAY = 0.1  # weight of the poses' prior in frames that do not show the person
_NOISE = (0.5, 4.0)  # limits of a person's noise
_RAYLEIGH = 1.177  # median distance in the plane, in standard deviations along an axis
_NEAREST = 0.3  # metres before a camera: nearer people are taken to be there, and their keypoints are not used
_SMALLEST = 20.0  # pixels of a stature at least, when errors are expected
_LEAST = 0.25  # pixels that a keypoint is always expected to be off by
_FAR = 0.2  # shares of the stature: keypoints farther off than this count as this in the judge's errors


@dataclass
class Person:
    """One of the people.

    Attributes:
        person_id: as everywhere.
        skeleton: of all the shape's values. betas: (B,).
        targets: keypoints in all views.
        seen: (T,) where the person is there.
        tall: metres.
        noise: errors of the keypoints, in those usual for the person's size.
    """

    person_id: str
    skeleton: Skeleton
    betas: Array
    targets: Targets
    seen: NDArray[np.bool_]
    tall: float
    noise: float = 1.0


class Crew:
    """Everybody of a capture.

    Attributes:
        people: in order. eyes: the cameras before the level frame. fps: frames per second. body: whose skin it is.
    """

    def __init__(self, fitted: Fitted, matched: Matched, sightings: Sightings, rig: Rig, body: BodyModel) -> None:
        self.body, self.fitted, self.eyes, self.fps = body, fitted, Eyes.of(rig), fitted.fps
        tall, dirs = stature(body.v_template.double().numpy(), body.shapedirs.double().numpy())
        found = [view_targets(person, sightings, rig, dirs / tall) for person in matched.people]
        skeleton = Skeleton.from_body(body)
        self.people: list[Person] = []
        for fit, targets in zip(fitted.people, found, strict=True):
            betas = np.zeros(body.num_betas)
            given = fit.motion.betas[: body.num_betas]
            betas[: len(given)] = given
            self.people.append(Person(fit.person_id, skeleton, betas, targets, np.asarray(fit.seen, bool),
                                      float(tall + dirs @ betas)))
        self.prior, self.motion_prior = PosePrior.load(), MotionPrior.load()
        states = self.states()
        for person, state in zip(self.people, states, strict=True):
            off = reprojection(person, self.eyes, state) / expected_errors(person, self.eyes, state)
            counted = off[np.isfinite(off)]
            if counted.size:
                person.noise = float(np.clip(np.median(counted) / _RAYLEIGH, *_NOISE))

    def states(self) -> list[ClipState]:
        """The motions in the level frame."""
        out = []
        for person, fit in zip(self.people, self.fitted.people, strict=True):
            turns = exp_rotation(fit.motion.full_pose.astype(np.float64))
            turns[:, 0] = LEVEL @ turns[:, 0]
            rest = person.skeleton.template[0] + person.skeleton.dirs[0] @ person.betas
            out.append(ClipState(turns, (rest + fit.motion.transl.astype(np.float64)) @ LEVEL, person.betas,
                                 np.zeros(2)))
        return out

    def clips(self, states: Sequence[ClipState]) -> list[PosedClip]:
        """Everybody posed."""
        return [pose_clip(person.skeleton, state) for person, state in zip(self.people, states, strict=True)]

    @property
    def frames(self) -> int:
        """T."""
        return self.fitted.frames

    @property
    def present(self) -> NDArray[np.bool_]:
        """(T,P) who is there."""
        return np.stack([person.seen for person in self.people], axis=1)

    def own_terms(
        self, states: Sequence[ClipState], start: Sequence[ClipState], settings: RefineSettings, keypoints: float,
        views: NDArray[np.bool_],
    ) -> list[list[ClipTerm]]:
        """Everybody's keypoints, likelihood, limits, smoothness and start.

        Args:
            states: where people are now, which the keypoints' expected errors depend on.
            start: what their turns are held near.
            settings: the weights of the other terms.
            keypoints: weight of theirs. views: (V,) which cameras count.
        """
        thin = min(1.0, 1 / self.fps / _CORRELATED)
        slow = (FPS / self.fps) ** 3
        precision = np.linalg.inv(self.motion_prior.acceleration * slow)
        path = np.eye(3) / (self.motion_prior.path**2 * slow)
        out = []
        for person, state, first in zip(self.people, states, start, strict=True):
            targets = person.targets
            share = np.where(targets.used & views[:, None], targets.confidence > 0, 0.0)
            share = share * (self.eyes.depth(state.pelvis) > _NEAREST)[..., None]
            terms: list[ClipTerm] = [
                ViewsTerm(targets.points, self.eyes, targets.pixels, expected_errors(person, self.eyes, state),
                          keypoints * thin * share, _CUTOFF),
                ClipPriorTerm(self.prior, settings.prior * thin * np.where(person.seen, 1.0, _AWAY)),
                SmoothTerm(precision, path, weight=settings.smooth)]
            if settings.hinges:
                terms.append(ClipHingeTerm())
            if settings.near > 0:
                sigma = np.full((len(state), BONES, 3), settings.near / np.sqrt(thin))
                terms.append(ClipTurnTerm(range(BONES), first.rotations[:, :BONES], sigma))
            out.append(terms)
        return out

    def misses(self, states: Sequence[ClipState], views: NDArray[np.bool_]) -> Array:
        """(T,P) mean distance of keypoints in some views, in shares of the stature, far ones counted as 20 %."""
        out = []
        for person, state in zip(self.people, states, strict=True):
            off = reprojection(person, self.eyes, state)
            size = self.eyes.focal() * person.tall / np.maximum(self.eyes.depth(state.pelvis), _NEAREST)
            share = np.where(views[:, None], off / size[..., None], np.nan)
            out.append(known_mean(np.minimum(share, _FAR), (1, 2)))
        return np.stack(out, axis=1)

    def result(self, states: Sequence[ClipState]) -> Fitted:
        """The states as motions, hands and faces as they were."""
        people = []
        for person, fit, state in zip(self.people, self.fitted.people, states, strict=True):
            turns = state.rotations.copy()
            turns[:, 0] = LEVEL @ turns[:, 0]
            rest = person.skeleton.template[0] + person.skeleton.dirs[0] @ person.betas
            pose = fit.motion.full_pose.copy()
            pose[:, :BONES] = log_rotation(turns[:, :BONES])
            place = state.pelvis @ LEVEL - rest
            motion = Motion.from_full_pose(
                pose, fit.motion.fps, place, fit.motion.betas, fit.motion.expression, fit.motion.name,
                fit.motion.person_id, fit.motion.confidence)
            off = known_mean(reprojection(person, self.eyes, state), 2)
            people.append(replace(fit, motion=motion, reprojection=off))
        return replace(self.fitted, people=tuple(people))


def expected_errors(person: Person, eyes: Eyes, state: ClipState) -> Array:
    """(T,V,K) pixels by which keypoints are expected to be off, which grow with the person in the picture."""
    size = np.maximum(eyes.focal() * person.tall / np.maximum(eyes.depth(state.pelvis), _NEAREST), _SMALLEST)
    return np.maximum(person.noise * person.targets.spread / 100 * size[..., None], _LEAST)


def reprojection(person: Person, eyes: Eyes, state: ClipState) -> Array:
    """(T,V,K) pixels from the points in the pictures to the body's, NaN where they are not seen or not used."""
    clip = pose_clip(person.skeleton, state)
    places = place_clip_points(person.targets.points, clip, state.betas)[0]
    out = np.full(person.targets.confidence.shape, np.nan)
    for view in range(len(eyes)):
        off = np.linalg.norm(eyes.project(view, places)[0] - person.targets.pixels[:, view], axis=-1)
        fine = person.targets.used[:, view] & (eyes.depth(places)[..., view] > 0)
        out[:, view] = np.where(fine, off, np.nan)
    return out
