"""The numbers as AvatarPose defines them, to compare with what its code prints.

They differ from :func:`humanav.multiview.evaluate.evaluate`: a found person belongs to the nearest person of the truth,
who may be taken several times; whoever is further than 500 mm is dropped; people of the truth whom nobody belongs to
are left out of PCP; and what is called PCK there is the share of *people* whose error is below 50 mm.
"""

from __future__ import annotations

import numpy as np

from humanav.multiview.evaluate import AP_WITHIN, average_precision, share
from humanav.multiview.evaluate_pairs import GATE, Paired, bones_of

PEOPLE_WITHIN = 50.0
"""Millimetres of what AvatarPose calls PCK."""


def avatarpose_scores(pairs: Paired, alpha: float = 0.5) -> dict[str, float]:
    """The numbers as AvatarPose computes them; NaN where there is nobody.

    Args:
        pairs: of :func:`~humanav.multiview.evaluate_pairs.pair_people`; its own one-to-one match is not used.
        alpha: of PCP.

    Returns:
        ``mpjpe_mm`` over people below 500 mm; ``pcp`` over the people of the truth who were found; ``ap_25`` ...
        ``ap_150``, confident people first, each taking its nearest person of the truth once; ``people_below_50mm``,
        their "PCK"; ``precision``, ``recall``, ``f1`` at 500 mm.
    """
    present, real = pairs.present, pairs.real
    t, p = np.nonzero(present)
    apart = np.where(real[:, None], pairs.apart, np.inf)[t, p] if real.shape[1] else np.full((len(t), 1), np.inf)
    nearest = apart.argmin(axis=1) if len(t) else np.zeros(0, np.int64)
    off = apart[np.arange(len(t)), nearest] if len(t) else np.zeros(0)
    kept = off <= GATE
    taken = np.zeros(real.shape, dtype=bool)
    taken[t[kept], nearest[kept]] = True
    precision, recall = share(kept.sum(), len(t)), share(taken.sum(), real.sum())
    sure = pairs.confidence[present]
    aps = {f"ap_{mm}": _greedy_ap(t, nearest, off, sure, int(real.sum()), float(mm)) for mm in AP_WITHIN}
    return {"mpjpe_mm": float(off[kept].mean()) if kept.any() else float("nan"),
            "pcp": _pcp(pairs, t, p, nearest, off, alpha), **aps,
            "people_below_50mm": share((off < PEOPLE_WITHIN).sum(), len(t)), "precision": precision, "recall": recall,
            "f1": 2 * precision * recall / (precision + recall) if precision + recall > 0 else float("nan")}


def _greedy_ap(
    t: np.ndarray, nearest: np.ndarray, off: np.ndarray, sure: np.ndarray, real: int, within: float,
) -> float:
    right, gone = np.zeros(len(t), dtype=bool), set()
    for k in np.argsort(-sure, kind="stable"):
        place = (int(t[k]), int(nearest[k]))
        if off[k] < within and place not in gone:
            right[k] = True
            gone.add(place)
    return average_precision(sure, right, real)


def _pcp(
    pairs: Paired, t: np.ndarray, p: np.ndarray, nearest: np.ndarray, off: np.ndarray, alpha: float,
) -> float:
    """Of every person of the truth whom somebody belongs to, against the nearest of those; the mean over people."""
    bones = bones_of(pairs.points)
    if not bones:
        return float("nan")
    best: dict[tuple[int, int], int] = {}
    for k in np.argsort(off, kind="stable"):
        if off[k] <= GATE:
            best.setdefault((int(t[k]), int(nearest[k])), int(k))
    a, b = (np.array(side) for side in zip(*bones))
    right: dict[int, list[float]] = {}
    for (frame, q), k in best.items():
        xyz, known = pairs.truth[frame, q, :, :3], pairs.truth[frame, q, :, 3] > 0
        error, real = pairs.distance[frame, p[k], q], known[a] & known[b]
        length = np.linalg.norm(xyz[a] - xyz[b], axis=1) * 1000
        if real.any():
            good = real & ((error[a] + error[b]) / 2 < alpha * length)
            right.setdefault(q, []).append(float(good.sum() / real.sum()))
    return float(np.mean([np.mean(values) for values in right.values()])) if right else float("nan")
