"""The 36 measurements of A2B (Ludwig et al., arXiv 2409.17671): 23 lengths and 13 circumferences, for many shapes.

The names are the original's, the definitions ours: they hold for any body in SMPL-X's tree, and where
:func:`humanav.body.measure` knows the same measure, the two agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.errors import InputError

if TYPE_CHECKING:
    from humanav.body.model import BodyModel
    from humanav.body.tape import Fitting

Array = NDArray[np.float64]


def _both(words: str) -> tuple[str, str]:
    return f"left {words}", f"right {words}"


LENGTHS: tuple[str, ...] = (
    *(f"{words} length" for words in ("height", "shoulder width", "torso height from back", "torso height from front",
                                      "head", "midline neck", "lateral neck")),
    *_both("hand length"), *_both("arm length"), *_both("forearm length"), *_both("thigh length"),
    *_both("calf length"), *_both("footwidth length"), *_both("heel to ball length"), *_both("heel to toe length"),
)
CIRCUMFERENCES: tuple[str, ...] = (
    *(f"{part} circumference" for part in ("waist", "chest", "hip", "head", "neck")),
    *_both("arm circumference"), *_both("forearm circumference"), *_both("thigh circumference"),
    *_both("calf circumference"),
)
ANTHROPOMETRICS: tuple[str, ...] = LENGTHS + CIRCUMFERENCES
"""The 36 names, in the original's order."""
WEIGHT = "weight"
"""The name of the body's mass in kilograms, which may be given beside the 36."""
MEASURES: tuple[str, ...] = (*ANTHROPOMETRICS, WEIGHT)
"""The columns of :func:`measure_shapes`."""

_SAID: dict[str, str] = {
    "height length": "crown to floor",
    "shoulder width length": "bone tip to bone tip of the shoulders",
    "torso height from back length": "nape down to the level of the navel",
    "torso height from front length": "hollow of the throat to the navel",
    "head length": "crown down to the level of the nape",
    "midline neck length": "chin to the hollow of the throat",
    "lateral neck length": "ear down to the level of the nape",
    "hand length": "wrist to the tip of the longest finger",
    "arm length": "shoulder's joint to the wrist's",
    "forearm length": "elbow's joint to the wrist's",
    "thigh length": "hip's joint to the knee's",
    "calf length": "knee's joint to the ankle's",
    "footwidth length": "big toe to small toe",
    "heel to ball length": "heel to the ball of the foot",
    "heel to toe length": "length of the foot",
    "waist circumference": "at its narrowest",
    "chest circumference": "at its fullest, arms left out",
    "hip circumference": "at its widest",
    "head circumference": "round the forehead",
    "neck circumference": "at its narrowest",
    "arm circumference": "round the biceps",
    "forearm circumference": "at its fullest, below the elbow",
    "thigh circumference": "just below the crotch",
    "calf circumference": "at its fullest",
    WEIGHT: "in kilograms, from the volume",
}
DEFINITIONS: dict[str, str] = {
    name: _SAID[name.removeprefix("left ").removeprefix("right ")] for name in MEASURES}
"""What each measure is, in a few words. Girths are those of a tape, which bridges hollows; no clothes, barefoot."""


def measure_anthropometrics(body: BodyModel, betas: ArrayLike | None = None) -> dict[str, float]:
    """The 36 measurements of one shape, in metres, by their names.

    Raises:
        InputError: when the betas do not fit the body, or no cut through the skin can be taken.
    """
    shape = np.zeros(body.num_betas) if betas is None else np.asarray(betas, dtype=np.float64)
    values = measure_shapes(body, shape.reshape(1, -1))[0]
    return dict(zip(ANTHROPOMETRICS, values.tolist(), strict=False))


def measure_shapes(body: BodyModel, betas: ArrayLike, chunk: int = 16) -> Array:
    """The measures (N,37) of N shapes: the columns are :data:`MEASURES`, metres, the last kilograms.

    About a hundred shapes a second on one core.

    Args:
        betas: (N,b), b at most the body's number of shape values.
        chunk: shapes measured at a time, which bounds the memory.

    Raises:
        InputError: when the betas do not fit the body, or no cut through the skin can be taken.
    """
    import torch

    from humanav.body.tape import Fitting, tape_of

    b = np.atleast_2d(np.asarray(betas, dtype=np.float64))
    if b.ndim != 2 or b.shape[1] > body.num_betas or not np.isfinite(b).all():
        raise InputError(f"The betas have shape {b.shape}; finite ones of at most {body.num_betas} a shape are needed.")
    tape, out = tape_of(body), []
    for at in range(0, len(b), chunk):
        part = torch.as_tensor(b[at:at + chunk], dtype=body.dtype, device=body.v_template.device)
        with torch.no_grad():
            skin, joints = ((mean + (dirs[..., : b.shape[1]].flatten(0, 1) @ part.T).T.unflatten(1, (-1, 3)))
                            .double().cpu().numpy()
                            for mean, dirs in ((body.v_template, body.shapedirs), (body.J_template, body.J_dirs)))
        out.append(take(Fitting(tape, skin, joints)))
    return np.concatenate(out) if out else np.zeros((0, len(MEASURES)))


def take(taken: Fitting) -> Array:
    """The measures (N,37) of a fitting's shapes, in the order of :data:`MEASURES`."""
    nape = taken.landmark("nape")[:, 1]
    ears = (taken.landmark("left_ear")[:, 1] + taken.landmark("right_ear")[:, 1]) / 2
    columns = [
        taken.height, taken.shoulder_width, nape - taken.landmark("navel_back")[:, 1],
        taken.between("throat", "navel"), taken.floor + taken.height - nape, taken.between("chin", "throat"),
        ears - nape]
    sided = (
        taken.hand, taken.arm_length, lambda side: taken.bone(f"{side}_elbow", f"{side}_wrist"),
        lambda side: taken.bone(f"{side}_hip", f"{side}_knee"),
        lambda side: taken.bone(f"{side}_knee", f"{side}_ankle"),
        lambda side: taken.between(f"{side}_big_toe", f"{side}_small_toe"),
        lambda side: taken.between(f"{side}_heel", f"{side}_ball"), taken.foot)
    columns += [measure(side) for measure in sided for side in ("left", "right")]
    columns += [taken.waist, taken.chest, taken.hip, taken.head, taken.neck]
    girths = (taken.upper_arm, taken.forearm, taken.thigh, taken.calf)
    columns += [measure(side) for measure in girths for side in ("left", "right")]
    return np.stack([*columns, taken.mass], axis=1)
