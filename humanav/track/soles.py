"""The soles of a body on its way: heels, balls and tips of the toes, from which contacts and the floor are told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.track.path import BodyPath

Array = NDArray[np.float64]

HEEL, BALL, TOE = 0, 1, 2
LEGS = ((1, 4, 7, 10), (2, 5, 8, 11))
"""Hip, knee, ankle and ball of the left and the right leg."""
_PAD = 0.006  # metres: skin as low as this above the lowest touches the floor


@dataclass(frozen=True)
class PosedFeet:
    """A path's skeleton and soles, in the path's frame; metres.

    Attributes:
        joints: (T,55,3).
        turned: (T,55,3,3) global rotations.
        soles: (T,2,3,3) left and right foot; heel, ball and toe under the skin.
        rest: (55,3) joints of the shape at rest.
        offsets: (2,3,3) the soles' points at rest, the heel's from the ankle, the others' from the ball's joint.
    """

    joints: Array
    turned: Array
    soles: Array
    rest: Array
    offsets: Array


def pose_feet(path: BodyPath, body: BodyModel) -> PosedFeet:
    """The skeleton and the soles of every frame."""
    with torch.no_grad():
        out = body(torch.from_numpy(path.rotations).to(body.dtype),
                   torch.from_numpy(path.betas[: body.num_betas]).to(body.dtype), vertices=False)
    joints, turned = out.joints.double().numpy(), out.rotations.double().numpy()
    joints = joints - joints[:, :1] + path.pelvis[:, None]
    rest, offsets = rest_soles(body, tuple(path.betas[: body.num_betas].tolist()))
    return PosedFeet(joints, turned, place_soles(joints, turned, offsets), rest, offsets)


def place_soles(joints: Array, turned: Array, offsets: Array) -> Array:
    """Points (T,2,3,3) of the soles on joints (T,55,3) with global rotations (T,55,3,3)."""
    soles = np.empty((len(joints), 2, 3, 3))
    for side, (_, _, ankle, ball) in enumerate(LEGS):
        soles[:, side, HEEL] = joints[:, ankle] + turned[:, ankle] @ offsets[side, HEEL]
        soles[:, side, BALL:] = joints[:, ball, None] + offsets[side, BALL:] @ np.swapaxes(turned[:, ball], -1, -2)
    return soles


@lru_cache(maxsize=16)
def rest_soles(body: BodyModel, betas: tuple[float, ...]) -> tuple[Array, Array]:
    """Rest joints (55,3), and offsets (2,3,3) of heel, ball and toe from the ankle, and twice from the ball."""
    with torch.no_grad():
        skin, joints = (part.double().cpu().numpy() for part in body.rest(np.array(betas, dtype=np.float32)))
    weights = np.zeros((len(skin), len(joints)))
    np.add.at(weights, (np.arange(len(skin))[:, None], np.asarray(body.skin_index)), np.asarray(body.skin_weight))
    offsets = np.zeros((2, 3, 3))
    for side, (_, _, ankle, ball) in enumerate(LEGS):
        foot = skin[weights[:, [ankle, ball]].sum(axis=1) > 0.5]
        low = foot[foot[:, 1] < foot[:, 1].min() + _PAD]
        heel = low[low[:, 2] <= joints[ankle, 2]]
        middle = low[:, 0].mean()
        offsets[side, HEEL] = [middle, low[:, 1].min(), heel[:, 2].mean() if len(heel) else low[:, 2].min()]
        offsets[side, BALL] = [middle, low[:, 1].min(), joints[ball, 2]]
        offsets[side, TOE] = [middle, low[:, 1].min(), low[:, 2].max()]
        offsets[side] -= joints[[ankle, ball, ball]]
    return joints, offsets
