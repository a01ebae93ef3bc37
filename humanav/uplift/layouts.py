"""Keypoints of one layout as those of another, by landmark name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.paths import checkpoint
from humanav.perception.layouts import guess_set
from humanav.perception.sequence import KeypointSequence

__all__ = ["NETWORK_SETS", "guess_set", "network_set", "to_layout"]

NETWORK_SETS = ("blazepose33", "coco17")
"""Layouts that have a shipped network."""

_SIDES = {side: {f"{side}_big_toe": ((f"{side}_foot_index",),),
                 f"{side}_foot_index": ((f"{side}_big_toe", f"{side}_small_toe"), (f"{side}_big_toe",)),
                 f"{side}_eye": ((f"{side}_eye_inner", f"{side}_eye_outer"),)} for side in ("left", "right")}
_MIDDLES: dict[str, tuple[tuple[str, ...], ...]] = {
    "pelvis": (("left_hip", "right_hip"),), "neck": (("left_shoulder", "right_shoulder"),),
    **_SIDES["left"], **_SIDES["right"],
}
"""A landmark that a layout lacks, as the middle of others: the first choice whose points the layout has."""


def network_set(keypoint_set: str) -> str:
    """The layout whose network lifts ``keypoint_set``: itself where it has a network, else COCO-17.

    Raises:
        InputError: no layout of a body has that name.
    """
    if keypoint_set not in KEYPOINT_SETS or "left_knee" not in KEYPOINT_SETS[keypoint_set]:
        bodies = [name for name, names in KEYPOINT_SETS.items() if "left_knee" in names]
        raise InputError(f"There is no body layout {keypoint_set!r}; known: {', '.join(bodies)}.")
    trained = checkpoint("uplift", keypoint_set, "model.safetensors").is_file()
    return keypoint_set if keypoint_set in NETWORK_SETS or trained else "coco17"


def to_layout(sequence: KeypointSequence, keypoint_set: str) -> KeypointSequence:
    """The same frames in another layout.

    Landmarks are found by name; pelvis, neck, eyes and toes that are missing are middles of their neighbours, with the
    smaller confidence. What cannot be told is (0, 0, 0).

    Raises:
        InputError: an unknown layout, or one without a landmark in common.
    """
    if keypoint_set == sequence.keypoint_set:
        return sequence
    if keypoint_set not in KEYPOINT_SETS:
        raise InputError(f"There is no keypoint layout {keypoint_set!r}; known: {', '.join(KEYPOINT_SETS)}.")
    own = {name: sequence.keypoints[:, number] for number, name in enumerate(sequence.names)}
    wanted = KEYPOINT_SETS[keypoint_set]
    if not set(wanted) & set(own):
        raise InputError(f"{sequence.keypoint_set} and {keypoint_set} have no landmark in common.")
    points = np.zeros((len(sequence), len(wanted), 3), dtype=np.float32)
    for number, name in enumerate(wanted):
        if name in own:
            points[:, number] = own[name]
            continue
        for parts in _MIDDLES.get(name, ()):
            if set(parts) <= set(own):
                together = np.stack([own[part] for part in parts])
                points[:, number] = together.mean(axis=0)
                points[:, number, 2] = together[..., 2].min(axis=0)
                break
    points[points[..., 2] <= 0] = 0
    return replace(sequence, keypoints=points, keypoint_set=keypoint_set)
