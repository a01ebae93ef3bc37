"""The lens of a clip, told by how its people are foreshortened: a person is fitted under several focal lengths.

What is near a camera looks larger than what is far. Under a focal length that is too short a person stands too near,
and every limb that points at the camera should look longer or shorter than it does. What then remains between
landmarks, depths and priors tells lenses apart, on the whole better than the usual guess; it can be wrong for one clip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.fit import stature
from humanav.fit.clip_solver import solve_clip
from humanav.fit.clip_terms import ClipShapeTerm
from humanav.perception.takes import Take
from humanav.progress import Progress
from humanav.track.clip_evidence import Evidence
from humanav.track.clip_fit import BODY, NUM_BETAS, ClipFit, livelier, part_state, start_state
from humanav.track.clip_observations import mend, mended_take, observe_body
from humanav.track.clip_start import start_take
from humanav.uplift.level import gravity

RATIOS = (0.6, 0.8, 1.0, 1.2, 1.5, 1.9, 2.4)
"""Focal lengths that are tried, in units of the picture's longer side."""
_USUAL, _SPREAD = 1.2, 0.45  # of lenses, and of the logarithm of their ratio
_DOUBT = 4.0  # by how much costs differ for no reason
_FRAMES = 40
_LONGEST, _SPANS = 480, 4  # frames of a take that are lifted; of a longer one as many spread over it


@dataclass(frozen=True)
class Focal:
    """A focal length.

    Attributes:
        pixels: of the picture.
        ratio: to its longer side. low, high: what it may be (one standard deviation).
    """

    pixels: float
    ratio: float
    low: float
    high: float


def tell_focal(take: Take, body: BodyModel, progress: Progress | None = None) -> Focal | None:
    """The focal length under which a person is explained best.

    Args:
        take: of somebody who moves; the longest of a clip tells most.
        body: the body.
        progress: told of the first half of the stage.

    Returns:
        the mean of the posterior over :data:`RATIOS`; None where the fits fail.

    Raises:
        InputError: no frame shows enough of the person.
        Cancelled: ``progress`` was told to stop.
    """
    costs = np.empty(len(RATIOS))
    for number, ratio in enumerate(RATIOS):
        costs[number] = _cost(take, ratio, body)
        if progress is not None:
            progress.update(0.5 * (number + 1) / len(RATIOS))
    if not np.isfinite(costs).any():
        return None
    places = np.log(RATIOS)
    doubt = costs / _DOUBT + 0.5 * ((places - np.log(_USUAL)) / _SPREAD) ** 2
    weight = np.exp(-(doubt - np.nanmin(doubt)))
    weight = np.where(np.isfinite(weight), weight, 0.0) / np.nansum(weight)
    mean = float(weight @ places)
    spread = max(float(np.sqrt(weight @ (places - mean) ** 2)), 0.08)
    side = max(take.sequence.width, take.sequence.height)
    return Focal(float(np.exp(mean)) * side, *(float(np.exp(mean + k * spread)) for k in (0, -1, 1)))


def _cost(take: Take, ratio: float, body: BodyModel) -> float:
    """What remains unexplained in frames spread over the take, each by itself, under one shape."""
    size = take.sequence.width, take.sequence.height
    camera = Camera.from_focal(*size, ratio * max(size))
    tall, dirs = stature(body.v_template.double().numpy(), body.shapedirs.double().numpy()[..., :NUM_BETAS])
    chosen = [take] if len(take) <= _LONGEST else [_part(take, span) for span in _spans(len(take))]
    total, per_span = 0.0, _FRAMES // len(chosen)
    for part in chosen:
        found = mend(part, camera.K)
        better = mended_take(part, found)
        start = start_take(better, camera.K, np.zeros(body.num_betas, np.float32), body)
        evidence = Evidence(observe_body(better, dirs / tall, found), found, livelier(start.rotations), start.errors,
                            start.seen, part.sequence.fps)
        fit = ClipFit(body, camera, evidence)
        seen = np.flatnonzero(start.seen)
        index = np.unique(seen[np.linspace(0, len(seen) - 1, min(per_span, len(seen))).round().astype(int)])
        state = start_state(start.path, gravity(start.rotations[start.seen]))
        shape = ClipShapeTerm(np.zeros(NUM_BETAS), np.ones(NUM_BETAS), state.tilt, np.array([0.05, 0.10]))
        state, evidence = part_state(state, index), evidence.part(index)
        for cutoff, rounds in ((fit.weights.loose, 5), (fit.weights.tight, 8)):
            terms = [*fit.frame_terms(state, evidence, cutoff, 1.0), shape]
            state, cost = solve_clip(fit.skeleton, state, terms, BODY, rounds=rounds, coupled=False)
        total += cost
    return total


def _spans(count: int) -> list[slice]:
    length = _LONGEST // _SPANS
    return [slice(start, start + length) for start in np.linspace(0, count - length, _SPANS).astype(int)]


def _part(take: Take, frames: slice) -> Take:
    def cut(rows: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        return None if rows is None else rows[frames]

    sequence = replace(take.sequence, keypoints=take.sequence.keypoints[frames])
    return replace(take, start=take.start + frames.start, sequence=sequence, boxes=take.boxes[frames],
                   world=cut(take.world), left_hand=None, right_hand=None, face=None, masks=())
