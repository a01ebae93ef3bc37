"""Body measurements in metres, as a tailor's tape would take them, from a shape in its T-pose.

Girths are perimeters of the convex hull of a cut through the skin: a tape bridges hollows. Torso cuts leave the arms
out. The skin carries no clothes, so a body fitted to a dressed person includes some of the cloth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from humanav.body.model import BodyModel
from humanav.body.tape import Fitting, tape_of
from humanav.errors import InputError


@dataclass(frozen=True)
class Measurements:
    """Metres, barefoot and unclothed; ``mass`` in kilograms, from the volume.

    ``shoulder_width`` is biacromial (bone tip to bone tip), ``chest`` at the fullest part, ``waist`` at the narrowest,
    ``hip`` at the widest; ``inseam`` from crotch to floor; ``arm_length`` from the shoulder's joint to the wrist's
    along the arm; ``back_length`` from the nape to the waist's height.
    """

    height: float
    shoulder_width: float
    chest: float
    waist: float
    hip: float
    neck: float
    head: float
    inseam: float
    arm_length: float
    arm_span: float
    back_length: float
    upper_arm: float
    wrist: float
    thigh: float
    knee: float
    calf: float
    ankle: float
    hand_length: float
    foot_length: float
    mass: float

    @property
    def stature(self) -> float:
        """The height."""
        return self.height

    @property
    def bmi(self) -> float:
        """Body mass index, kg/m2, of the estimated mass."""
        return self.mass / self.height**2


def measure(body: BodyModel, betas: ArrayLike | None = None, vertices: ArrayLike | None = None) -> Measurements:
    """Measure a shape.

    Args:
        body: whose.
        betas: shape values; None for the mean shape.
        vertices: (V,3) T-pose skin to measure instead of the shape's own (an avatar's, say); the betas then still say
            where the joints are.

    Raises:
        InputError: when the betas or vertices do not fit the body, or no cut through the skin can be taken.
    """
    skin, joints = (np.asarray(x.detach().cpu(), dtype=np.float64) for x in body.rest(betas))
    if vertices is not None:
        skin = np.asarray(vertices, dtype=np.float64)
        if skin.shape != tuple(body.v_template.shape) or not np.isfinite(skin).all():
            raise InputError(f"The vertices to measure have shape {skin.shape}; this body's are "
                             f"{tuple(body.v_template.shape)}, finite.")
    taken = Fitting(tape_of(body), skin[None], joints[None])
    back = taken.joint("neck")[:, 1] - taken.waist_height
    values = (
        taken.height, taken.shoulder_width, taken.chest, taken.waist, taken.hip, taken.neck, taken.head,
        taken.crotch - taken.floor, taken.arm_length("left"), np.ptp(taken.skin[..., 0], axis=1), back,
        taken.upper_arm("left"), taken.wrist("left"), taken.thigh("left"), taken.knee("left"), taken.calf("left"),
        taken.ankle("left"), taken.hand("left"), taken.foot("left"), taken.mass)
    return Measurements(*(float(value[0]) for value in values))
