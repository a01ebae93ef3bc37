"""The stages of one person's fit: a start, the shape, the whole clip on 3D keypoints, then on all views' pictures.

Whole-clip Levenberg-Marquardt as for one camera (:mod:`humanav.fit.clip_solver`), in the level frame
(:mod:`humanav.multiview.fit_terms`). Long captures are fitted in windows that overlap, the frames before a window held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.fit import PosePrior, skeleton_of, stature
from humanav.fit.clip_kinematics import ClipState, place_clip_points, pose_clip
from humanav.fit.clip_solver import ClipTerm, solve_clip
from humanav.fit.clip_terms import ClipHingeTerm, ClipPriorTerm, ClipShapeTerm, SmoothTerm
from humanav.multiview.fit_feet import ankle_heights, floor_term, standing
from humanav.multiview.fit_settings import FitSettings
from humanav.multiview.fit_start import size_of, start_state
from humanav.multiview.fit_targets import Targets
from humanav.multiview.fit_terms import Eyes, PointsTerm, ViewsTerm
from humanav.posendf.motion_prior import FPS, MotionPrior
from humanav.progress import Progress
from humanav.track.clip_fit import BODY, NUM_BETAS, part_state, spans

Array = NDArray[np.float64]
Evidence = Callable[[Targets, ClipState, float, float], ClipTerm]
"""Makes the term of some frames: their targets, their state, the cutoff, and the share that neighbours leave."""

_AWAY = 0.1  # weight of the poses' prior in frames that do not show the person
_TILT = np.full(2, 1e-4)  # the level frame is level
_SURE = 5.0  # times surer of a given height than one photo's fit is, as the evidence of many pictures outweighs it
_TRUST, _WIDER = (0.0, 0.3, 0.6, 1.0), (3.0, 2.0, 1.3, 1.0)  # how much more 3D keypoints of less confidence err
_NOISE = (0.5, 4.0)  # least and most errors of a detector, in those of the one whose errors were measured
_CLOSE = 0.3  # metres: nearer to a camera, or behind it, its points say nothing
_SMALLEST = 20.0  # pixels of stature: errors do not shrink with the person below it
_FINEST = 0.25  # pixels: no point is surer
_RAYLEIGH = 1.177  # median length of a 2D normal error, in sigmas


class PersonFit:
    """Fits one person.

    Attributes:
        noise: how many times the usual errors the points in the pictures were found to have.
        floor: metres of the floor in the level frame, upwards, on which feet may stand; None to leave that out.
    """

    def __init__(self, body: BodyModel, targets: Targets, eyes: Eyes | None, fps: float, settings: FitSettings,
                 height: float | None, progress: Progress | None = None) -> None:
        self.body, self.targets, self.eyes, self.fps, self.settings = body, targets, eyes, fps, settings
        self.height, self.progress, self.noise = height, progress, 1.0
        self.floor: float | None = None
        self.skeleton = skeleton_of(body, NUM_BETAS)
        self.tall, self.tall_dirs = stature_of(body)
        self.prior, self.motion_prior = PosePrior.load(), MotionPrior.load()
        self.seen = (targets.trust > 0).any(axis=1) | (targets.used & (targets.confidence > 0)).any(axis=(1, 2))

    # -- stages ----------------------------------------------------------------------------------------------------

    def start(self) -> ClipState:
        """The first guess of all frames."""
        if self.height is None:
            betas = size_of(self.targets, self.skeleton, self.tall_dirs, self.tall)
        else:
            betas = self.tall_dirs * (self.height - self.tall) / (self.tall_dirs @ self.tall_dirs)
        return start_state(self.targets, self.skeleton, betas)

    def shape(self, state: ClipState, evidence: Evidence, rounds: tuple[int, int] = (8, 10)) -> ClipState:
        """One shape from frames spread over the capture, whose poses are fitted on the way."""
        chosen = self._clear_frames()
        targets, part = self.targets.part(chosen), part_state(state, chosen)
        step = float(np.median(np.diff(chosen))) / self.fps if len(chosen) > 1 else np.inf
        thin = self._thin(step)
        height = None if self.height is None else _SURE * self.height
        prior = ClipShapeTerm(np.zeros(NUM_BETAS), np.ones(NUM_BETAS), np.zeros(2), _TILT, height, _SURE * self.tall,
                              _SURE * self.tall_dirs)
        for cutoff, most in zip((self.settings.loose, self.settings.tight), rounds, strict=True):
            terms = [evidence(targets, part, cutoff, thin), *self._usual(np.ones(len(chosen), bool), thin), prior]
            part, _ = solve_clip(self.skeleton, part, terms, BODY, rounds=most, coupled=False, progress=self.progress)
        rotations, pelvis = state.rotations.copy(), state.pelvis.copy()
        rotations[chosen], pelvis[chosen] = part.rotations, part.pelvis
        return replace(state, rotations=rotations, pelvis=pelvis, betas=part.betas)

    def poses(self, state: ClipState, evidence: Evidence, steps: tuple[tuple[float, int], ...]) -> ClipState:
        """Poses and path of all frames that show the person, under the present shape.

        Args:
            state: where to start.
            evidence: what is known of a frame.
            steps: cutoff and most rounds of each solution.
        """
        rotations, pelvis = state.rotations.copy(), state.pelvis.copy()
        contact = None if self.floor is None else standing(self.feet(state), self.floor)
        for first, last in runs(self.seen, round(self.settings.gap * self.fps)):
            for low, begin, _, high in spans(last - first):
                frames = slice(first + low, first + high)
                held = np.arange(high - low) < begin - low
                part = ClipState(rotations[frames], pelvis[frames], state.betas, state.tilt)
                targets, seen = self.targets.part(frames), self.seen[frames]
                thin = self._thin(1.0 / self.fps)
                for cutoff, most in steps:
                    terms = [evidence(targets, part, cutoff, thin), *self._usual(seen, thin), self._smooth()]
                    if contact is not None and self.floor is not None:
                        terms.append(floor_term(self.body, part, thin * contact[frames], self.floor))
                    part, _ = solve_clip(self.skeleton, part, terms, BODY, rounds=most, held=held,
                                         progress=self.progress)
                new = slice(first + begin, first + high)
                rotations[new], pelvis[new] = part.rotations[begin - low:], part.pelvis[begin - low:]
        return replace(state, rotations=rotations, pelvis=pelvis)

    def feet(self, state: ClipState) -> Array:
        """(T,2) metres of the floor on which each foot would lie flat."""
        return ankle_heights(self.body, self.skeleton, state)

    def measure(self, state: ClipState) -> None:
        """Find :attr:`noise` from how far the points in the pictures are from the body's."""
        off = self.reprojection(state) / self._sigma(self.targets, state)
        counted = off[self.targets.used & np.isfinite(off)]
        if counted.size:
            self.noise *= float(np.clip(np.median(counted) / _RAYLEIGH, *_NOISE))

    # -- evidence --------------------------------------------------------------------------------------------------

    def in_space(self, targets: Targets, state: ClipState, cutoff: float, thin: float) -> ClipTerm:
        """The 3D keypoints."""
        sigma = self.settings.sigma * np.interp(targets.trust, _TRUST, _WIDER)
        return PointsTerm(targets.points, targets.space, sigma, thin * (targets.trust > 0), cutoff)

    def in_views(self, targets: Targets, state: ClipState, cutoff: float, thin: float) -> ClipTerm:
        """The points in the pictures of all views."""
        assert self.eyes is not None
        share = np.where(targets.used, 1.0, self.settings.unused) * (targets.confidence > 0)
        near = self.eyes.depth(state.pelvis) < _CLOSE
        share = np.where(near[..., None], 0.0, share)
        return ViewsTerm(targets.points, self.eyes, targets.pixels, self._sigma(targets, state), thin * share, cutoff)

    def _sigma(self, targets: Targets, state: ClipState) -> Array:
        assert self.eyes is not None
        tall = self.tall + float(self.tall_dirs @ state.betas)
        size = np.maximum(self.eyes.focal() * tall / np.maximum(self.eyes.depth(state.pelvis), _CLOSE), _SMALLEST)
        return np.maximum(self.noise * targets.spread / 100 * size[..., None], _FINEST)

    def _usual(self, seen: NDArray[np.bool_], thin: float) -> list[ClipTerm]:
        return [ClipPriorTerm(self.prior, self.settings.prior * thin * np.where(seen, 1.0, _AWAY)), ClipHingeTerm()]

    def _smooth(self) -> SmoothTerm:
        slow = (FPS / self.fps) ** 3
        precision = np.linalg.inv(self.motion_prior.acceleration * slow)
        return SmoothTerm(precision, np.eye(3) / (self.motion_prior.path**2 * slow), weight=self.settings.smooth)

    def _thin(self, seconds: float) -> float:
        """The share that each frame tells where frames are so far apart."""
        correlation = self.settings.correlation
        return 1.0 if correlation <= 0 else min(1.0, seconds / correlation)

    def _clear_frames(self) -> NDArray[np.intp]:
        """Frames that show much of the person, spread over the capture."""
        count = (self.targets.trust > 0).sum(axis=1)
        clear = np.flatnonzero(count >= max(1.0, 0.75 * np.percentile(count[self.seen], 90)))
        spread = np.linspace(0, len(clear) - 1, min(self.settings.shape_frames, len(clear))).round().astype(int)
        return clear[np.unique(spread)]

    # -- measures --------------------------------------------------------------------------------------------------

    def landmarks(self, state: ClipState) -> Array:
        """(T,K,3) places of the landmarks in the level frame."""
        return place_clip_points(self.targets.points, pose_clip(self.skeleton, state), state.betas)[0]

    def reprojection(self, state: ClipState) -> Array:
        """(T,V,K) pixels from the points in the pictures to the body's, NaN where they are not seen or not used."""
        assert self.eyes is not None
        places = self.landmarks(state)
        out = np.full(self.targets.confidence.shape, np.nan)
        for view in range(len(self.eyes)):
            off = np.linalg.norm(self.eyes.project(view, places)[0] - self.targets.pixels[:, view], axis=-1)
            fine = self.targets.used[:, view] & (self.eyes.depth(places)[..., view] > 0)
            out[:, view] = np.where(fine, off, np.nan)
        return out

    def misses(self, state: ClipState) -> Array:
        """(T,K) metres from the 3D keypoints to the body's, NaN where they are not known."""
        off = np.linalg.norm(self.landmarks(state) - self.targets.space, axis=-1)
        return np.where(self.targets.trust > 0, off, np.nan)


def stature_of(body: BodyModel) -> tuple[float, Array]:
    """Metres of the body of mean shape, and (B,) metres that each of the fitted betas adds."""
    return stature(body.v_template.double().numpy(), body.shapedirs.double().numpy()[..., :NUM_BETAS])


def runs(seen: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """Stretches [first, last) that begin and end with a seen frame and hold no gap of more than ``gap`` frames."""
    there = np.flatnonzero(seen)
    if len(there) == 0:
        return []
    breaks = np.flatnonzero(np.diff(there) > gap + 1)
    first, last = np.r_[there[0], there[breaks + 1]], np.r_[there[breaks], there[-1]]
    return [(int(a), int(b) + 1) for a, b in zip(first, last, strict=True)]
