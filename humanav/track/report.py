"""How well a fit agrees with its photo, in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from humanav.body.kinematics import Array
from humanav.body.names import JOINT_INDEX
from humanav.track.observations import LIMBS, Observations

DEPTH_CAVEAT = ("Depth is a guess: one photo does not show how far each limb reaches towards the camera. "
                "Turn the body, and flip a limb if it points the wrong way.")
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("head", ("nose",)),
    *((f"{side} {word}", (f"{side}_{name}",)) for side in ("left", "right")
      for word, name in (("upper arm", "elbow"), ("forearm", "wrist"), ("hand", "index"), ("thigh", "knee"),
                         ("lower leg", "ankle"), ("foot", "foot_index"))),
)


@dataclass(frozen=True)
class FitReport:
    """Evidence of a photo fit.

    Attributes:
        reprojection_px: mean distance of the seen body landmarks from their pixels.
        reprojection_pct_height: the same in % of the person's stature in pixels.
        iou: overlap of the body's silhouette with the matte (clothes and hair count against it); NaN without a matte.
        standing: whether the person was taken to stand upright.
        standing_odds: nats by which standing was the better explanation (positive) or the worse.
        missing_parts: parts that lie outside the picture or were not seen; their pose is a guess.
        warnings: sentences for the visitor.
        seconds: how long the fit took.
        stature_px: the person's stature in pixels.
        up: the world's up direction as estimated, in the result's world.
        camera_pitch_deg: how far the camera looked down, estimated.
    """

    reprojection_px: float
    reprojection_pct_height: float
    iou: float
    standing: bool
    standing_odds: float
    missing_parts: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: float
    stature_px: float
    up: tuple[float, float, float]
    camera_pitch_deg: float


def missing_parts(observed: Observations) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parts outside the picture, and parts inside it that were not seen."""
    outside, hidden = [], []
    for part, names in _PARTS:
        rows = [row for name in names if (row := observed.index(name)) >= 0]
        found = observed.confidence[rows] > 0
        if found.any() and not observed.inside[rows].any():
            outside.append(part)
        elif rows and (observed.confidence[rows] < 0.5).all():
            hidden.append(part)
    return tuple(outside), tuple(hidden)


def warn(observed: Observations, errors_pct: Array, iou: float, joints: Array, directions: Array, standing: bool,
         standing_asked: bool | None) -> tuple[str, ...]:
    """Sentences about what the visitor should look at.

    Args:
        observed: the landmarks.
        errors_pct: (K,) their distances in % of stature.
        iou: overlap with the matte.
        joints: (55,3) the fitted joints.
        directions: (3,) unit vector from the camera to the body.
        standing: whether the person was taken to stand.
        standing_asked: what the visitor said, or None.
    """
    outside, hidden = missing_parts(observed)
    words = []
    if outside:
        words.append(f"Outside the picture, so made up: {_list(_pairs(outside))}.")
    for part in hidden:
        words.append(f"The {part} was hidden: its pose is a guess.")
    body = observed.chosen(("body",))
    seen = body[observed.seen[body]]
    for limb, names in LIMBS.items():
        rows = [row for name in names[1:] if (row := observed.index(name)) in seen]
        if rows and float(errors_pct[rows].max()) > 4.0:
            words.append(f"The {limb.replace('_', ' ')} does not sit well on the photo: "
                         "try exchanging left and right, or flipping that limb.")
    for limb, names in LIMBS.items():
        chain = joints[[JOINT_INDEX[name] for name in names]]
        bones = np.diff(chain, axis=0)
        towards = np.abs(bones @ directions) / np.maximum(np.linalg.norm(bones, axis=1), 1e-6)
        if float(towards.max()) > 0.75:
            words.append(f"The {limb.replace('_', ' ')} points towards or away from the camera, "
                         "so its depth is uncertain.")
    if np.isfinite(iou) and iou < 0.75:
        words.append("The body covers the cut-out badly: wide clothes, or the person was cut out wrongly.")
    if standing and standing_asked is None:
        words.append("Taken as standing upright; say so if that is wrong.")
    words.append(DEPTH_CAVEAT)
    return tuple(words)


_PLURALS = {"foot": "feet", "thigh": "thighs"}


def _pairs(parts: Sequence[str]) -> list[str]:
    """Both sides of a part in one word: "both feet"."""
    words: list[str] = []
    for part in parts:
        name = part.partition(" ")[2]
        both = f"both {_PLURALS.get(name, name + 's')}"
        if {f"left {name}", f"right {name}"} <= set(parts):
            if both not in words:
                words.append(both)
        else:
            words.append(part)
    return words


def _list(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
