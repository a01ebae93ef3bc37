"""Accurate mode: one body, one shape and one camera fitted to all frames of a take at once, coarse to fine.

First a sample of frames spread over the take, each by itself, tells the shape and the camera's tilt. With those held,
every frame is fitted together with its neighbours: robust keypoints, two independent guesses of depth, the priors of
poses and of motion, and feet that stand still while they stand. Long takes are fitted in windows that overlap, the
frames before a window held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.body import BodyModel
from humanav.body.kinematics import Array, Skeleton, exp_rotation, log_rotation
from humanav.camera import Camera
from humanav.fit import PosePrior, skeleton_of, stature
from humanav.fit.clip_feet import FloorTerm, StandTerm
from humanav.fit.clip_kinematics import ClipPoints, ClipState, place_clip_points, pose_clip
from humanav.fit.clip_solver import ClipTerm, solve_clip
from humanav.fit.clip_terms import (
    ClipHingeTerm,
    ClipImageTerm,
    ClipPriorTerm,
    ClipShapeTerm,
    ClipSpaceTerm,
    ClipTurnTerm,
    SmoothTerm,
)
from humanav.perception.takes import Take
from humanav.posendf.model import PoseNDF
from humanav.posendf.motion_prior import FPS, MotionPrior
from humanav.progress import Progress
from humanav.track.clip_evidence import Evidence, FitWeights, Footing
from humanav.track.clip_manifold import ClipManifoldTerm
from humanav.track.clip_outline import ClipOutlines
from humanav.track.lift import BONES, NAMES
from humanav.track.path import BodyPath
from humanav.track.soles import LEGS, rest_soles

NUM_BETAS = 10
BODY = tuple(range(22))
_SOLES = ("left_heel", "left_foot_index", "right_heel", "right_foot_index")


class ClipFit:
    """Fits one take; keep one for all its stages."""

    def __init__(self, body: BodyModel, camera: Camera, evidence: Evidence, *, take: Take | None = None,
                 height: float | None = None, weights: FitWeights | None = None, prior: PosePrior | None = None
                 ) -> None:
        self.body, self.camera, self.evidence = body, camera, evidence
        self.weights = weights or FitWeights()
        self.skeleton: Skeleton = skeleton_of(body, NUM_BETAS)
        vertices = body.v_template.double().numpy()
        self.tall, self.tall_dirs = stature(vertices, body.shapedirs.double().numpy()[..., :NUM_BETAS])
        self.prior = PosePrior.load() if prior is None else prior
        self.motion_prior = MotionPrior.load()
        self.height = height
        self.outlines = None
        if take is not None and take.masks and self.weights.outline > 0:
            self.outlines = ClipOutlines(take, camera, body, NUM_BETAS, weight=self.weights.outline,
                                         outward=self.weights.outward)

    # -- stages ----------------------------------------------------------------------------------------------------

    def shape(self, state: ClipState, *, most: int = 80, tilt: tuple[Array, Array] | None = None,
              progress: Progress | None = None) -> ClipState:
        """Shape and tilt, from frames spread over the take; those frames' poses are fitted on the way."""
        seen = np.flatnonzero(self.evidence.seen)
        chosen = np.unique(seen[np.linspace(0, len(seen) - 1, min(most, len(seen))).round().astype(int)])
        evidence, part = self.evidence.part(chosen), part_state(state, chosen)
        mean, sigma = tilt or (state.tilt, np.array([0.05, 0.10]))
        thin = 1.0 if len(chosen) < 2 else min(1.0, float(np.median(np.diff(chosen))) / evidence.fps
                                               / self.weights.correlation)
        for cutoff, rounds in ((self.weights.loose, 10), (self.weights.tight, 12)):
            terms = self.frame_terms(part, evidence, cutoff, thin)
            terms.append(ClipShapeTerm(np.zeros(NUM_BETAS), np.ones(NUM_BETAS), mean, sigma, self.height, self.tall,
                                       self.tall_dirs))
            part, _ = solve_clip(self.skeleton, part, terms, BODY, rounds=rounds, coupled=False, progress=progress)
        for gate in self.weights.gates if self.outlines is not None else ():
            outline = self._outline(part, chosen, gate, thin)
            part, _ = solve_clip(self.skeleton, part, terms if outline is None else [*terms, outline], BODY, rounds=4,
                                 coupled=False, progress=progress)
        return replace(state, betas=part.betas, tilt=part.tilt)

    def poses(self, state: ClipState, cutoff: float, *, footing: Footing | None = None,
              rounds: int = 12, held: NDArray[np.bool_] | None = None, frames: slice = slice(None),
              progress: Progress | None = None) -> ClipState:
        """Poses and path of some frames under the present shape and tilt."""
        evidence, part = self.evidence.part(frames), part_state(state, frames)
        thin = min(1.0, 1.0 / (evidence.fps * self.weights.correlation))
        terms = [*self.frame_terms(part, evidence, cutoff, thin), self._smooth(evidence.fps)]
        if footing is not None:
            terms += self._stand(footing.part(frames), part.betas, evidence.fps, thin)
        part, _ = solve_clip(self.skeleton, part, terms, BODY, rounds=rounds, held=held, progress=progress)
        rotations, pelvis = state.rotations.copy(), state.pelvis.copy()
        rotations[frames], pelvis[frames] = part.rotations, part.pelvis
        return replace(state, rotations=rotations, pelvis=pelvis)

    def outlined(self, state: ClipState, *, footing: Footing | None = None,
                 held: NDArray[np.bool_] | None = None, frames: slice = slice(None), progress: Progress | None = None
                 ) -> ClipState:
        """Poses and path of some frames with the outline brought onto the masks, nearer and nearer."""
        evidence, part = self.evidence.part(frames), part_state(state, frames)
        numbers = np.arange(len(state))[frames]
        thin = min(1.0, 1.0 / (evidence.fps * self.weights.correlation))
        for gate in self.weights.gates:
            terms = [*self.frame_terms(part, evidence, self.weights.tight, thin), self._smooth(evidence.fps)]
            if footing is not None:
                terms += self._stand(footing.part(frames), part.betas, evidence.fps, thin)
            outline = self._outline(part, numbers, gate, thin)
            if outline is None:
                break
            part, _ = solve_clip(self.skeleton, part, [*terms, outline], BODY, rounds=4, held=held, progress=progress)
        rotations, pelvis = state.rotations.copy(), state.pelvis.copy()
        rotations[frames], pelvis[frames] = part.rotations, part.pelvis
        return replace(state, rotations=rotations, pelvis=pelvis)

    def _outline(self, part: ClipState, numbers: NDArray[np.intp], gate: float, thin: float) -> ClipTerm | None:
        assert self.outlines is not None
        return self.outlines.match(part, numbers, self.stature_px(part), gate, thin)

    def windows(self, state: ClipState, *, footing: Footing | None = None,
                keep: Callable[[str, Callable[[], ClipState]], ClipState] | None = None, name: str = "",
                progress: Progress | None = None, share: tuple[float, float] = (0.0, 1.0)) -> ClipState:
        """Poses and path of all frames, window by window; the frames before a window are held.

        Args:
            state: where to start.
            footing: which feet stand, and on which floor; None leaves that out.
            keep: gives back what a named step has made before, or makes and keeps it (for resuming).
            name: of the pass, for ``keep``.
            progress: told of the parts done, from ``share[0]`` to ``share[1]`` of the stage.

        Raises:
            Cancelled: ``progress`` was told to stop.
        """
        count = len(state)
        for number, (low, begin, end, high) in enumerate(spans(count)):
            frames = slice(low, high)
            held = None
            if begin > low:
                held = np.zeros(high - low, dtype=bool)
                held[: begin - low] = True

            def work(state: ClipState = state, frames: slice = frames, held: NDArray[np.bool_] | None = held
                     ) -> ClipState:
                if footing is None:
                    state = self.poses(state, self.weights.loose, rounds=6, held=held, frames=frames,
                                       progress=progress)
                state = self.poses(state, self.weights.tight, footing=footing, rounds=10, held=held,
                                   frames=frames, progress=progress)
                if self.outlines is None:
                    return state
                return self.outlined(state, footing=footing, held=held, frames=frames, progress=progress)

            made = work() if keep is None else keep(f"{name}{number}", work)
            rotations, pelvis = state.rotations.copy(), state.pelvis.copy()
            part = slice(begin, high)  # the last frames start the next window better than the first guess does
            rotations[part], pelvis[part] = made.rotations[part], made.pelvis[part]
            state = replace(state, rotations=rotations, pelvis=pelvis)
            if progress is not None:
                progress.update(share[0] + (share[1] - share[0]) * end / count)
        return state

    # -- terms -----------------------------------------------------------------------------------------------------

    def frame_terms(self, state: ClipState, evidence: Evidence, cutoff: float, thin: float) -> list[ClipTerm]:
        """What is known of frames by themselves; ``thin`` is the share of each where neighbours tell the same."""
        weights, marks = self.weights, evidence.body
        per_percent = self.stature_px(state)[:, None] / 100
        seen = np.where(evidence.seen, 1.0, 0.0)
        terms: list[ClipTerm] = [
            ClipImageTerm(marks.points, self.camera.K, marks.pixels, marks.spread * per_percent,
                          thin * seen[:, None] * (marks.confidence > 0), cutoff),
            ClipPriorTerm(self.prior, np.where(evidence.seen, weights.prior * thin, 0.1 * weights.prior * thin)),
            ClipHingeTerm(),
        ]
        if weights.manifold > 0:
            terms.append(ClipManifoldTerm(PoseNDF.load(), weights.manifold * thin * np.where(evidence.seen, 1.0, 0.1)))
        if weights.turns > 0:
            sigma = np.maximum(weights.turn_least, weights.turn_sigma * evidence.errors)
            sigma = sigma / np.sqrt(weights.turns * thin)
            terms.append(ClipTurnTerm(BODY, evidence.rotations, np.repeat(sigma[..., None], 3, axis=2),
                                      3.0 * np.sqrt(thin)))
        if evidence.depth is not None and weights.depth > 0:
            terms.append(self._depth(state, evidence, thin))
        return terms

    def _depth(self, state: ClipState, evidence: Evidence, thin: float) -> ClipTerm:
        depth, marks = evidence.depth, evidence.body
        assert depth is not None
        unit = self._bone_sum(state.betas)
        sigma = np.maximum(self.weights.depth_doubt * unit * depth.doubt, 0.02)
        weight = np.where(marks.confidence > 0, 1.0, 0.0)
        head = np.array([any(part in name for part in ("eye", "mouth")) for name in marks.names])
        weight[:, head] *= 0.1  # eight landmarks of one rigid head count as about one
        weight *= (thin * self.weights.depth * depth.known)[:, None]
        target = depth.axes[:, 2][:, None] * (depth.depth * unit)[..., None]
        return ClipSpaceTerm(marks.points, target, sigma, weight, depth.axes, np.array([0.0, 0.0, 1.0]), 2.0)

    def _smooth(self, fps: float) -> SmoothTerm:
        slow = (FPS / fps) ** 3
        precision = np.linalg.inv(self.motion_prior.acceleration * slow)
        path = np.eye(3) / (self.motion_prior.path**2 * slow)
        return SmoothTerm(precision, path, weight=self.weights.smooth)

    def _stand(self, footing: Footing, betas: Array, fps: float, thin: float) -> list[ClipTerm]:
        points = ClipPoints.named(_SOLES, np.zeros(NUM_BETAS))
        shape = np.zeros(self.body.num_betas, dtype=np.float32)
        shape[:NUM_BETAS] = betas
        _, offsets = rest_soles(self.body, tuple(shape.tolist()))
        joints = np.array([(ankle, ball, ball) for _, _, ankle, ball in LEGS], dtype=np.intp).reshape(-1)
        soles = ClipPoints(joints, joints, offsets.reshape(-1, 3), np.zeros(NUM_BETAS))
        return [StandTerm(points, np.repeat(footing.contact, 2, axis=1), self.weights.slide * FPS / fps),
                FloorTerm(soles, thin * np.repeat(footing.contact, 3, axis=1), footing.up, footing.height,
                          self.weights.hover)]

    def stature_px(self, state: ClipState) -> Array:
        """(T,) the person's standing height in pixels at each frame's depth."""
        tall = self.tall + float(self.tall_dirs @ state.betas)
        return np.asarray(np.maximum(self.camera.focal * tall / np.maximum(state.pelvis[:, 2], 0.3), 20.0))

    def _bone_sum(self, betas: Array) -> float:
        rest = ClipState(np.tile(np.eye(3), (1, 55, 1, 1)), np.zeros((1, 3)), betas, np.zeros(2))
        marks = self.evidence.body
        places, _, _ = place_clip_points(marks.points, pose_clip(self.skeleton, rest), betas)
        rows = [(marks.names.index(NAMES[a]), marks.names.index(NAMES[b])) for a, b in BONES]
        return float(sum(np.linalg.norm(places[0, a] - places[0, b]) for a, b in rows))


def spans(count: int, window: int = 240, overlap: int = 24) -> list[tuple[int, int, int, int]]:
    """Windows over ``count`` frames: (first looked at, first free, after the last kept, after the last looked at)."""
    if count <= window + 2 * overlap:
        return [(0, 0, count, count)]
    edges = [*range(0, count - window // 2, window), count]
    return [(max(begin - overlap, 0), begin, end, min(end + overlap, count)) for begin, end in pairwise(edges)]


def part_state(state: ClipState, frames: NDArray[np.intp] | slice) -> ClipState:
    return replace(state, rotations=state.rotations[frames], pelvis=state.pelvis[frames])


LIVELIER = 1.4


def livelier(rotations: Array, factor: float = LIVELIER) -> Array:
    """Rotations (T,J,3,3) whose turns away from each body joint's mean over the take are ``factor`` times as large.

    A network that is trained for the least error answers doubt with less movement; the likeliest motion has more. The
    root stays as it is.
    """
    if len(rotations) < 3:
        return rotations
    out = rotations.copy()
    for joint in range(1, rotations.shape[1]):
        mean = Rotation.from_matrix(rotations[:, joint]).mean().as_matrix()
        out[:, joint] = mean @ exp_rotation(factor * log_rotation(mean.T @ rotations[:, joint]))
    return out


def start_state(path: BodyPath, up: Array) -> ClipState:
    """The state of a path in the camera's frame under an up direction (3,) there."""
    betas = np.zeros(NUM_BETAS)
    betas[: min(NUM_BETAS, len(path.betas))] = path.betas[:NUM_BETAS]
    tilt = np.array([up[0], up[2]]) / max(-up[1], 1e-3)
    return ClipState(path.rotations.copy(), path.pelvis.copy(), betas, tilt)
