"""The paper's four ways to train one network: how rotations are written, where joints come from, what is compared.

Source: Ludwig et al., CVsports 2025, its losses: mean Euclidean distance of joints plus a rotation loss, each once for
the centre of the window and once for all its frames. Joints of the centre come from their own head in N-RM-2 and from
the posed body, with the true shape, in the others. V-2 and PS-AA-3 see no true rotation: the one learns from joints
alone through a frozen pose decoder, the other from rotations that inverse kinematics finds for the true joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from humanav.body.names import MIRROR
from humanav.errors import InputError
from humanav.uplift.features import NUM_JOINTS, SCALARS, mirror_order, mirror_rotations
from humanav.uplift.heads import axis_angle_loss, distance, geodesic, matrix_to_axis_angle
from humanav.uplift.losses import LEAST_ERROR, Target

if TYPE_CHECKING:
    from humanav.uplift.config import TrainingConfig
    from humanav.uplift.skeleton import UpliftBody
    from humanav.uplift.transformer import Estimate


@dataclass(frozen=True)
class Variant:
    """One way to train.

    Attributes:
        name: as the paper's.
        rotation: how heads write rotations; "latent" is a pose decoder's latent and the root's rotation vector.
        joints: where the centre's joints come from: a head, or the posed body.
        rotation_loss: geodesic angle in radians, squared difference of rotation vectors, or none.
        flip: whether half of each batch is the mirror image of the other half.
        pseudo: whether rotations to learn are found by inverse kinematics from the true joints.
    """

    name: str
    rotation: Literal["matrix", "axis_angle", "latent"]
    joints: Literal["head", "body"]
    rotation_loss: Literal["geodesic", "axis_angle", "none"]
    flip: bool
    pseudo: bool = False


VARIANTS: dict[str, Variant] = {variant.name: variant for variant in (
    Variant("N-RM-2", "matrix", "head", "geodesic", flip=False),
    Variant("S-AA-3", "axis_angle", "body", "axis_angle", flip=True),
    Variant("V-2", "latent", "body", "none", flip=True),
    Variant("PS-AA-3", "axis_angle", "body", "axis_angle", flip=True, pseudo=True),
)}
"""The four, by name."""


def find_variant(name: str) -> Variant:
    """The variant of a name, in any case of letters.

    Raises:
        InputError: there is none of that name.
    """
    found = VARIANTS.get(name.upper())
    if found is None:
        raise InputError(f"model.variant is {name!r}: use one of {', '.join(VARIANTS)}.")
    return found


def paper_loss(network: Any, features: Tensor, target: Target, plan: TrainingConfig, skeleton: UpliftBody
               ) -> tuple[Tensor, dict[str, float]]:
    """The loss of the network's variant on clips, and its parts for a log.

    Clips are cut into windows one after the other; shorter ones are continued by their first and last frames.

    Args:
        network: an :class:`~humanav.uplift.transformer.UpliftTransformer` in training mode, on any device.
        features: (B,T,F).
        target: the truth, on the CPU; of its rotations, V-2 and PS-AA-3 use none.
        plan: whose ``error`` weighs the likelihood of the expected errors.
        skeleton: the body, to pose.
    """
    variant, device = network.variant, network.frame_places.device
    with torch.autocast("cpu", enabled=False):
        if variant.pseudo:
            target = _pseudo(target, skeleton)
        if variant.flip:
            features, target = _with_mirrored(features, target)
    mixed = network.mixed(_windows(network.tokens(features.to(device)), network.frames))
    sequence, (centre, log_error) = network.of_sequence(mixed), network.of_centre(mixed)
    with torch.autocast("cpu", enabled=False):  # the targets and the body are on the CPU, in full precision
        return _compare(network, sequence.cpu(), centre.cpu(), log_error.cpu(), target, plan, skeleton)


def _compare(network: Any, sequence: Estimate, centre: Estimate, log_error: Tensor, target: Target,
             plan: TrainingConfig, skeleton: UpliftBody) -> tuple[Tensor, dict[str, float]]:
    variant, middle = network.variant, network.frames // 2
    joints, rotations = (_windows(values, network.frames) for values in (target.joints, target.rotations))
    betas = target.betas.repeat_interleave(len(joints) // len(target.betas), 0)
    assert sequence.joints is not None
    assert centre.rotations is not None
    placed = skeleton.forward(centre.rotations, betas)[0] if centre.joints is None else centre.joints
    parts = {"joints": distance(placed, joints[:, middle]), "joints_sequence": distance(sequence.joints, joints)}
    if variant.rotation_loss != "none":
        parts["rotations"] = _rotation_loss(variant, centre, rotations[:, middle])
        parts["rotations_sequence"] = _rotation_loss(variant, sequence, rotations)
    loss = torch.stack(list(parts.values())).sum()
    if plan.error:
        parts["expected"] = _expected(log_error, centre.rotations, joints[:, middle], betas, skeleton)
        loss = loss + plan.error * parts["expected"]
    return loss, {name: float(value.detach()) for name, value in parts.items()}


def _rotation_loss(variant: Variant, guess: Estimate, truth: Tensor) -> Tensor:
    if variant.rotation_loss == "axis_angle":
        assert guess.vectors is not None
        return axis_angle_loss(guess.vectors, matrix_to_axis_angle(truth))
    assert guess.rotations is not None
    return geodesic(guess.rotations, truth).mean()


def _expected(log_error: Tensor, rotations: Tensor, joints: Tensor, betas: Tensor, skeleton: UpliftBody) -> Tensor:
    """Likelihood of the posed joints' errors under a Laplace distribution of the expected size."""
    with torch.no_grad():
        real = (skeleton.forward(rotations, betas)[0] - joints).norm(dim=-1)
        real = torch.cat([real[..., 1:].mean(-1, keepdim=True), real[..., 1:]], -1) + LEAST_ERROR
    expected = log_error.clamp(-6, 1)
    return (real * torch.exp(-expected) + expected).mean()


def _windows(values: Tensor, frames: int) -> Tensor:
    """Clips (B,T,...) cut into windows (B*n,frames,...)."""
    count = values.shape[1]
    many = max(1, count // frames)
    start = (count - many * frames) // 2  # below 0 where the clip is too short
    index = (torch.arange(many * frames, device=values.device) + start).clamp(0, count - 1)
    return values[:, index].unflatten(1, (many, frames)).flatten(0, 1)


def _pseudo(target: Target, skeleton: UpliftBody) -> Target:
    from humanav.uplift.pseudo_labels import joints_to_rotations

    rotations = joints_to_rotations(target.joints, target.betas[:, None], skeleton)
    return target._replace(rotations=rotations)


def _with_mirrored(features: Tensor, target: Target) -> tuple[Tensor, Target]:
    """Clips followed by their mirror images."""
    order = list(MIRROR[:NUM_JOINTS])
    points, scalars = features[..., :-SCALARS].unflatten(-1, (-1, 3)), features[..., -SCALARS:]
    points = points[..., list(mirror_order(points.shape[-2])), :] * points.new_tensor([-1, 1, 1])
    scalars = scalars * scalars.new_tensor([1, 1, -1, 1])
    flipped = Target(mirror_rotations(target.rotations), target.joints[..., order, :] * target.joints.new_tensor(
        [-1, 1, 1]), mirror_rotations(target.turned), target.betas)
    both = Target(*(torch.cat([one, other]) for one, other in zip(target, flipped, strict=True)))
    return torch.cat([features, torch.cat([points.flatten(-2), scalars], -1)]), both
