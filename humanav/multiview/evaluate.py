"""How well several people were found in 3D: errors, correct parts and points, missed people and ghosts, identities.

People are matched one to one in every frame (Hungarian, at most 500 mm apart in the mean of their points). A person of
the truth who was not found counts as wrong in PCP, PCK and recall, and is left out of the errors in millimetres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.errors import InputError
from humanav.metrics import pa_mpjpe
from humanav.motion import Motion
from humanav.multiview.contact import TOUCHING, clip_contact
from humanav.multiview.evaluate_pairs import Paired, bones_of, pair_people, with_pelvis
from humanav.multiview.evaluate_people import Array, People3D, as_people
from humanav.multiview.value import Fitted, Matched

if TYPE_CHECKING:
    from humanav.body import BodyModel

    People = People3D | Matched | Fitted | Mapping[str, Motion] | Sequence[Mapping[str, ArrayLike]]

NEAR = (50, 100, 150)
"""Millimetres of PCK."""
AP_WITHIN = (25, 50, 100, 150)
"""Millimetres of AP."""
_MOST_CONTACT_FRAMES = 100


@dataclass(frozen=True)
class Scores:
    """The numbers; shares are 0..1, NaN where there was nothing to measure.

    Attributes:
        mpjpe_mm, pa_mpjpe_mm: mean distance of the matched people's points, and after the best similarity per person.
        pcp: share of correct parts (mean error of a bone's ends below half its length), the mean over people.
        pck: by millimetres, share of the truth's points that were found so near.
        ap: by millimetres, average precision of people whose own MPJPE is below.
        precision, recall, f1: of people within 500 mm.
        id_switches: how often a person of the truth is another found one than before.
        missed, ghosts: people of the truth not found, and found people who are nobody, summed over frames.
        jitter_mm, truth_jitter_mm: mean second difference of the points in millimetres per frame squared.
        coverage: share of the truth's points that have a found partner.
        frames, people, found_people: how much was compared.
        points: names of the points.
        pcp_person, pcp_bone, pck_point, mpjpe_person, mpjpe_point: the same by person of the truth, bone and point.
        identity: person of the truth to the found one who was it most often.
        contact: numbers on how people meet, see :func:`evaluate`; empty without bodies.
        notes: sentences.
    """

    mpjpe_mm: float
    pa_mpjpe_mm: float
    pcp: float
    pck: dict[int, float]
    ap: dict[int, float]
    precision: float
    recall: float
    f1: float
    id_switches: int
    missed: int
    ghosts: int
    jitter_mm: float
    truth_jitter_mm: float
    coverage: float
    frames: int
    people: int
    found_people: int
    points: tuple[str, ...]
    pcp_person: dict[str, float]
    pcp_bone: dict[str, float]
    pck_point: dict[str, dict[int, float]]
    mpjpe_person: dict[str, float]
    mpjpe_point: dict[str, float]
    identity: dict[str, str]
    contact: dict[str, float | int | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, NaN as None."""
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return plain

    def table(self) -> dict[str, float | int | None]:
        """One line for a table: the main numbers, rounded."""
        row: dict[str, Any] = {
            "mpjpe_mm": round(self.mpjpe_mm, 1), "pa_mpjpe_mm": round(self.pa_mpjpe_mm, 1), "pcp": round(self.pcp, 4),
            **{f"pck_{k}": round(v, 4) for k, v in self.pck.items()}, **{f"ap_{k}": round(v, 4)
                                                                        for k, v in self.ap.items()},
            "precision": round(self.precision, 4), "recall": round(self.recall, 4), "f1": round(self.f1, 4),
            "id_switches": self.id_switches, "missed": self.missed, "ghosts": self.ghosts,
            "jitter_mm": round(self.jitter_mm, 2), **{k: v if v is None or isinstance(v, int) else round(v, 4)
                                                      for k, v in self.contact.items()}}
        return {name: _plain(value) for name, value in row.items()}


def evaluate(
    found: People, truth: People, *, keypoint_set: str = "auto", alpha: float = 0.5, start: int | None = None,
    frames: Sequence[int] | None = None, body: BodyModel | None = None, contact: bool = True,
    threshold: float = TOUCHING, fps: float = 30.0,
) -> Scores:
    """Compare found people with the truth.

    Args:
        found, truth: keypoints (:class:`Matched`), bodies (:class:`Fitted`), motions by person, a data set's
            :class:`~humanav.multiview.evaluate_people.GroundTruth`, or for every frame a mapping from ids to points.
        keypoint_set: which points to compare, and what frames of mappings hold ("auto": skel19 in general).
        alpha: of PCP.
        start: number of the truth's frame that is the found ones' first, where those are not numbered.
        frames: numbers of the truth's frames to score, all by default (such as those in contact).
        body: the built-in one by default.
        contact: whether to measure how the bodies meet, where both or the found ones are bodies: ``penetration_mm``
            (mean over frames in contact of the deepest), ``penetration_max_mm``, ``penetration_l``, and with true
            bodies ``contact_f1`` and ``truth_penetration_mm``.
        threshold: metres; closer vertices count as touching.
        fps: of frames of mappings.

    Raises:
        InputError: nothing in common, or values that do not fit.
    """
    of_frames = "skel19" if keypoint_set == "auto" else keypoint_set
    a = as_people(found, keypoint_set=of_frames, fps=fps, body=body)
    b = as_people(truth, keypoint_set=of_frames, fps=fps, body=body)
    if not b.people or not any((points[..., 3] > 0).any() for points in b.people.values()):
        raise InputError("There is nobody in the truth: choose a folder with ground truth.")
    pairs = pair_people(a, b, keypoint_set=keypoint_set, start=start, frames=frames)
    scores = _scores(pairs, alpha)
    if contact and len(a.motions) > 1:
        scores = replace(scores, contact=_contact(pairs, scores.identity, a, b, body, threshold))
    return scores


def _scores(pairs: Paired, alpha: float) -> Scores:
    real, present, error = pairs.real, pairs.present, pairs.error
    hit = (pairs.match >= 0) & real
    wanted = pairs.truth[..., 3] > 0
    missed, ghosts = int((real & ~hit).sum()), int(present.sum() - hit.sum())
    precision, recall = share(hit.sum(), present.sum()), share(hit.sum(), real.sum())
    pcp_person, pcp_bone = _pcp(pairs, alpha)
    near = {mm: error <= mm for mm in NEAR}
    switches, identity = _identities(pairs)
    return Scores(
        mpjpe_mm=_mean(error), pa_mpjpe_mm=_pa(pairs), pcp=_mean(np.array(list(pcp_person.values()))),
        pck={mm: share((flags & wanted).sum(), wanted.sum()) for mm, flags in near.items()},
        ap={mm: _average_precision(pairs, mm) for mm in AP_WITHIN}, precision=precision, recall=recall,
        f1=share(2 * hit.sum(), present.sum() + real.sum()), id_switches=switches, missed=missed, ghosts=ghosts,
        jitter_mm=_jitter(pairs.found, pairs.found_index), truth_jitter_mm=_jitter(pairs.truth, pairs.truth_index),
        coverage=share(np.isfinite(error).sum(), wanted.sum()), frames=len(real), people=len(pairs.truth_ids),
        found_people=int(present.any(axis=0).sum()), points=pairs.points, pcp_person=pcp_person, pcp_bone=pcp_bone,
        pck_point={name: {mm: share((flags & wanted)[..., k].sum(), wanted[..., k].sum())
                          for mm, flags in near.items()} for k, name in enumerate(pairs.points)},
        mpjpe_person={who: _mean(error[:, q]) for q, who in enumerate(pairs.truth_ids)},
        mpjpe_point={name: _mean(error[..., k]) for k, name in enumerate(pairs.points)}, identity=identity)


def _pcp(pairs: Paired, alpha: float) -> tuple[dict[str, float], dict[str, float]]:
    """Share of correct parts by person and by part."""
    pairs = with_pelvis(pairs) if "head_bottom" in pairs.points else pairs
    error = pairs.error
    bones = bones_of(pairs.points)
    if not bones:
        return {}, {}
    a, b = (np.array(side) for side in zip(*bones))
    xyz, known = pairs.truth[..., :3], pairs.truth[..., 3] > 0
    real = known[..., a] & known[..., b]
    with np.errstate(invalid="ignore"):
        length = np.linalg.norm(xyz[:, :, a] - xyz[:, :, b], axis=3) * 1000
        right = real & ((error[..., a] + error[..., b]) / 2 < alpha * length)
    by_person = {who: share(right[:, q].sum(), real[:, q].sum()) for q, who in enumerate(pairs.truth_ids)}
    names = [f"{pairs.points[i]}-{pairs.points[j]}" for i, j in bones]
    return by_person, {name: share(right[..., k].sum(), real[..., k].sum()) for k, name in enumerate(names)}


def _pa(pairs: Paired) -> float:
    """Mean distance after the best similarity of every matched person in every frame (three points at least)."""
    values, weights = [], []
    for t, q in zip(*np.nonzero(pairs.match >= 0)):
        a, b = pairs.found[t, pairs.match[t, q]], pairs.truth[t, q]
        both = (a[:, 3] > 0) & (b[:, 3] > 0)
        if both.sum() >= 3:
            values.append(pa_mpjpe(a[both, :3], b[both, :3]) * 1000)
            weights.append(int(both.sum()))
    return float(np.average(values, weights=weights)) if values else float("nan")


def _average_precision(pairs: Paired, within: float) -> float:
    """Area under the precision-recall curve over the people's mean confidences; equal ones enter together."""
    real = int(pairs.real.sum())
    if real == 0:
        return float("nan")
    right = np.zeros(pairs.present.shape, dtype=bool)
    t, q = np.nonzero((pairs.match >= 0) & pairs.real)
    p = pairs.match[t, q]
    right[t, p] = pairs.apart[t, p, q] < within
    return average_precision(pairs.confidence[pairs.present], right[pairs.present], real)


def average_precision(sure: Array, right: NDArray[np.bool_], real: int) -> float:
    """Area under the precision-recall curve (precision made to fall) of detections with confidences (N,), which are
    right (N,) or not, where there are ``real`` things to find."""
    if not len(sure) or real == 0:
        return 0.0 if real else float("nan")
    order = np.argsort(-sure, kind="stable")
    hits = np.cumsum(right[order])
    last = np.append(np.diff(sure[order]) != 0, True)  # equal confidences cannot be told apart
    precision, recall = (hits / np.arange(1, len(hits) + 1))[last], (hits / real)[last]
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0) * falling).sum())


def _identities(pairs: Paired) -> tuple[int, dict[str, str]]:
    switches, identity = 0, {}
    for q, who in enumerate(pairs.truth_ids):
        been = pairs.match[:, q][pairs.match[:, q] >= 0]
        switches += int((np.diff(been) != 0).sum())
        if len(been):
            identity[who] = pairs.found_ids[int(np.bincount(been).argmax())]
    return switches, identity


def _jitter(points: Array, index: NDArray[np.int64]) -> float:
    """Mean second difference in millimetres per frame squared over three frames in a row."""
    if len(points) < 3 or not points.shape[1]:
        return float("nan")
    xyz = np.where(points[..., 3:] > 0, points[..., :3], np.nan)
    bend = np.linalg.norm(xyz[2:] - 2 * xyz[1:-1] + xyz[:-2], axis=3) * 1000
    step = np.diff(index)
    return _mean(bend[(step[1:] == step[:-1])])


def _contact(
    pairs: Paired, identity: dict[str, str], found: People3D, truth: People3D, body: BodyModel | None,
    threshold: float,
) -> dict[str, float | int | None]:
    """How the bodies meet, in at most 100 of the frames; against the true bodies where there are as many."""
    partners = {who: other for who, other in identity.items() if who in truth.motions and other in found.motions}
    both = len(partners) > 1 and len(set(partners.values())) == len(partners)
    there = pairs.present[:, [other in (partners.values() if both else found.motions) for other in pairs.found_ids]]
    together = np.flatnonzero(there.all(axis=1))
    if not len(together):
        return {}
    kept = together[np.unique(np.linspace(0, len(together) - 1, _MOST_CONTACT_FRAMES).round().astype(int))]
    i, j = pairs.found_index[kept], pairs.truth_index[kept]
    own = [_picked(found.motions[other], i) for other in (partners.values() if both else found.motions)]
    true = [_picked(truth.motions[who], j) for who in partners] if both else None
    met = clip_contact(own, body, truth=true, threshold=threshold).summary()
    return {("contact_measured" if key == "frames" else key): value for key, value in met.items()}


def _picked(motion: Motion, index: NDArray[np.int64]) -> Motion:
    """Some frames of a motion, in any order."""
    return Motion.from_full_pose(motion.full_pose[index], transl=motion.transl[index], betas=motion.betas,
                                 fps=motion.fps)


def share(part: Any, whole: Any) -> float:
    """A part of a whole, NaN where the whole is nothing."""
    return float(part / whole) if whole else float("nan")


def _mean(values: Array) -> float:
    good = values[np.isfinite(values)]
    return float(good.mean()) if good.size else float("nan")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
