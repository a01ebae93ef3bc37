"""Ways to spoil a pose, and which joints that changed.

Each takes poses (B,21,4), canonical, and a ``torch.Generator``, and returns the spoilt poses and ``damaged`` (B,21):
exactly the joints whose rotation differs. All others keep their numbers to the bit. Angles are those of rotations, in
radians unless the name says degrees. Random numbers are drawn in float64 on the CPU, so float32 poses get the same
damage as float64 ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from humanav.errors import InputError
from humanav.posendf.poses import INDEX, MIRROR_OF, mirror_quats
from humanav.posendf.quaternions import NUM_JOINTS, axis_angle_to_quats, canonical, half_angle, multiply

Spoilt = tuple[Tensor, Tensor]
"""Poses (B,21,4) and the mask (B,21) of the joints that changed."""


def _joints(*names: str) -> tuple[int, ...]:
    return tuple(INDEX[name] for name in names)


LIMBS: dict[str, tuple[int, ...]] = {
    **{f"{side}_arm": _joints(*(f"{side}_{part}" for part in ("collar", "shoulder", "elbow", "wrist")))
       for side in ("left", "right")},
    **{f"{side}_leg": _joints(*(f"{side}_{part}" for part in ("hip", "knee", "ankle", "foot")))
       for side in ("left", "right")},
    "spine": _joints("spine1", "spine2", "spine3"),
    "head": _joints("neck", "head"),
}
"""Parts of the body as indices of the 21 joints; together they are all of them, each once."""

ARMS_AND_LEGS = ("left_arm", "right_arm", "left_leg", "right_leg")

# Directions in which the bones point at rest (T pose, x to the left, z to the front), to turn joints about.
_BONES: dict[str, tuple[float, float, float]] = {
    "hip": (0, -1, 0), "knee": (0, -1, 0), "ankle": (0, -.33, .94), "spine1": (0, 1, 0), "spine2": (0, 1, 0),
    "spine3": (0, 1, 0), "neck": (0, .94, .34), "head": (0, 1, 0), "shoulder": (1, 0, 0), "elbow": (1, 0, 0),
    "wrist": (1, 0, 0)}
TWISTABLE = tuple(joint for name, joint in INDEX.items() if name.split("_")[-1] in _BONES)
"""Joints that :func:`twist` turns: all but the toes and the collars, which have no room to twist."""

# Positive angles about these bend the joint. CMU's elbows bend about (0,-.87,.5), those of SMPL fits about (0,-1,0).
_HINGES = {"left_knee": (1., 0., 0.), "right_knee": (1., 0., 0.), "left_elbow": (0., -.97, .24),
           "right_elbow": (0., .97, -.24)}
HINGES = _joints(*_HINGES)
"""Knees and elbows: the joints that bend one way only."""

CHANGED = 1e-4
"""Half angle (rad) from which a joint counts as changed."""


def nrdf_noise(quats: Tensor, sigma: float | Tensor, generator: Generator) -> Spoilt:
    """Noise whose mean angle is drawn first, so that the distances of the queries are distributed as wanted.

    The mean rotation angle of a pose is ``|D|``, D ~ N(0, sigma); the joints share it out at random, each about a
    random axis (NRDF, CVPR 2024, section 4). ``sigma`` in radians, one number or (B,).
    """
    count = len(quats)
    mean = _draw(torch.randn, (count, 1), quats, generator).abs() * _column(sigma, quats)
    share = _draw(torch.rand, (count, NUM_JOINTS), quats, generator)
    angle = mean * NUM_JOINTS * share / share.sum(dim=1, keepdim=True)
    axis = torch.nn.functional.normalize(_draw(torch.randn, (count, NUM_JOINTS, 3), quats, generator), dim=-1)
    return _turned(quats, angle.unsqueeze(-1) * axis)


def axis_angle_noise(quats: Tensor, sigma: float | Tensor, generator: Generator) -> Spoilt:
    """Every joint turned by a rotation vector of independent N(0, sigma) components; ``sigma`` one number or (B,)."""
    noise = _draw(torch.randn, (len(quats), NUM_JOINTS, 3), quats, generator)
    return _turned(quats, noise * _column(sigma, quats).unsqueeze(-1))


def swap_limbs(
    quats: Tensor, generator: Generator, *, limbs: Literal["legs", "arms"] | None = None, mirrored: bool | None = None
) -> Spoilt:
    """Left and right legs, or arms, change places.

    ``mirrored`` makes each limb do what the other did, as when a tracker takes left for right; otherwise the numbers
    are exchanged as they are, as when two channels of a file are. None draws either with equal chance.
    """
    other = quats[..., list(MIRROR_OF), :]
    reflect = _flag(mirrored, quats, generator)
    new = torch.where(reflect[:, None, None], mirror_quats(quats), other)
    legs = _flag(None if limbs is None else limbs == "legs", quats, generator)
    leg, arm = (_mask(f"left_{part}", f"right_{part}").to(quats.device) for part in ("leg", "arm"))
    return _changed(quats, new, torch.where(legs[:, None], leg, arm))


def twist(
    quats: Tensor, generator: Generator, *, joints: Sequence[int] = TWISTABLE, degrees: tuple[float, float] = (90, 180)
) -> Spoilt:
    """One joint of ``joints`` turned about its own bone, either way, by an angle within ``degrees``."""
    chosen = _choose(joints, quats, generator)
    bones = torch.zeros(NUM_JOINTS, 3, dtype=torch.float64)
    for name, joint in INDEX.items():
        bones[joint] = torch.tensor(_BONES.get(name.split("_")[-1], (0, 0, 0)), dtype=torch.float64)
    angle = _angles(degrees, (len(quats), 1), quats, generator) * _signs((len(quats), 1), quats, generator)
    return _turned(quats, (angle * bones.to(quats)[chosen])[:, None], _only(chosen, quats))


def hyperextend(
    quats: Tensor, generator: Generator, *, joints: Sequence[int] = HINGES, degrees: tuple[float, float] = (30, 100)
) -> Spoilt:
    """One knee or elbow bent the wrong way, by an angle within ``degrees`` beyond straight.

    Its turn about the hinge is replaced (swing-twist decomposition); what it does about other axes stays.
    """
    chosen = _choose(joints, quats, generator)
    hinges = torch.zeros(NUM_JOINTS, 3, dtype=torch.float64)
    for name, direction in _HINGES.items():
        hinges[INDEX[name]] = torch.nn.functional.normalize(torch.tensor(direction, dtype=torch.float64), dim=0)
    axis = hinges.to(quats)[chosen]
    now = quats[torch.arange(len(quats)), chosen]
    bent = 2 * torch.atan2((now[:, 1:] * axis).sum(-1), now[:, 0])
    wanted = -_angles(degrees, (len(quats),), quats, generator)
    return _turned(quats, ((wanted - bent)[:, None] * axis)[:, None], _only(chosen, quats))


def freeze(quats: Tensor, others: Tensor, generator: Generator, *, limbs: Sequence[str] = ARMS_AND_LEGS) -> Spoilt:
    """One limb held as it is in another pose, drawn from ``others`` (N,21,4)."""
    rows = torch.randint(len(others), (len(quats),), generator=generator)
    return _changed(quats, others[rows].to(quats), _limb(limbs, quats, generator))


def missing_limb(
    quats: Tensor, generator: Generator, *, limbs: Sequence[str] = ARMS_AND_LEGS,
    fill: Literal["identity", "random"] | None = None,
) -> Spoilt:
    """One limb without data: all its joints at identity, or at random rotations; None draws either."""
    rest = torch.zeros_like(quats)
    rest[..., 0] = 1
    at_rest = _flag(None if fill is None else fill == "identity", quats, generator)
    new = torch.where(at_rest[:, None, None], rest, _uniform(quats, generator))
    return _changed(quats, new, _limb(limbs, quats, generator))


def out_of_range(
    quats: Tensor, generator: Generator, *, most: int = 3, degrees: tuple[float, float] = (60, 180)
) -> Spoilt:
    """One to ``most`` joints turned far about any axis, as by a failed solver."""
    rank = _draw(torch.rand, (len(quats), NUM_JOINTS), quats, generator).argsort(dim=1).argsort(dim=1)
    hit = rank < torch.randint(1, most + 1, (len(quats), 1), generator=generator).to(quats.device)
    axis = torch.nn.functional.normalize(_draw(torch.randn, (len(quats), NUM_JOINTS, 3), quats, generator), dim=-1)
    return _turned(quats, _angles(degrees, (len(quats), NUM_JOINTS, 1), quats, generator) * axis, hit)


def random_pose(quats: Tensor, generator: Generator) -> Spoilt:
    """Nothing of the pose left: uniformly random rotations, or strong noise round the rest pose, half each.

    The latter (mean angle ~ |N(0, 1 rad)|) is where the generation of poses starts.
    """
    rest = torch.zeros_like(quats)
    rest[..., 0] = 1
    near, _ = nrdf_noise(rest, 1.0, generator)
    uniform = _flag(None, quats, generator)
    new = torch.where(uniform[:, None, None], _uniform(quats, generator), near)
    return _changed(quats, new, torch.ones(quats.shape[:-1], dtype=torch.bool, device=quats.device))


KINDS: tuple[str, ...] = ("clean", "nrdf_far", "nrdf_near", "noise_far", "noise_near", "swap", "twist", "hyperextend",
                          "freeze", "missing", "out_of_range", "random")
"""What :func:`corrupt` can do; ``kind`` numbers are indices into this. The order never changes: files hold them."""

STRUCTURED = ("swap", "twist", "hyperextend", "freeze", "missing", "out_of_range")
"""Kinds that damage some joints and leave the rest."""

MIX: dict[str, float] = {
    "clean": .04, "nrdf_far": .16, "nrdf_near": .16, "noise_far": .14, "noise_near": .10, "swap": .05, "twist": .07,
    "hyperextend": .06, "freeze": .06, "missing": .06, "out_of_range": .04, "random": .06}
"""Share of each kind in prepared data: mostly noise, dense near the poses; enough broken limbs to know them."""


@dataclass(frozen=True)
class Corrupted:
    """Spoilt poses.

    Attributes:
        quats: (B,21,4).
        damaged: (B,21) bool, the joints that changed.
        kind: (B,) int64, index into :data:`KINDS`.
    """

    quats: Tensor
    damaged: Tensor
    kind: Tensor


def corrupt(
    quats: Tensor, generator: Generator, kinds: Sequence[str] | Mapping[str, float] = STRUCTURED,
    others: Tensor | None = None,
) -> Corrupted:
    """Spoil each pose in one way, drawn from ``kinds``.

    Args:
        quats: (B,21,4) canonical poses.
        generator: of random numbers, on the CPU.
        kinds: names out of :data:`KINDS`, all as likely, or name to weight (:data:`MIX`).
        others: (N,21,4) poses that frozen limbs are taken from; by default ``quats`` itself.

    Raises:
        InputError: an unknown kind, or poses of the wrong shape.
    """
    weights = dict(kinds) if isinstance(kinds, Mapping) else dict.fromkeys(kinds, 1.0)
    unknown = [name for name in weights if name not in KINDS]
    if unknown or not weights:
        raise InputError(f"There is no corruption named {', '.join(unknown) or '(none given)'}; choose from "
                         f"{', '.join(KINDS)}.")
    if quats.ndim != 3 or tuple(quats.shape[1:]) != (NUM_JOINTS, 4):
        raise InputError(f"Poses of shape (B, 21, 4) are needed, not {tuple(quats.shape)}.")
    share = torch.tensor([weights.get(name, 0.0) for name in KINDS], dtype=torch.float64)
    kind = torch.multinomial(share, max(len(quats), 1), replacement=True, generator=generator)[:len(quats)]
    new, damaged = quats.clone(), torch.zeros(quats.shape[:-1], dtype=torch.bool, device=quats.device)
    for number, name in enumerate(KINDS):
        rows = (kind == number).nonzero()[:, 0].to(quats.device)
        if len(rows) and name != "clean":
            new[rows], damaged[rows] = _spoil(name, quats[rows], quats if others is None else others, generator)
    return Corrupted(new, damaged, kind)


def _spoil(name: str, quats: Tensor, others: Tensor, generator: Generator) -> Spoilt:
    if name.startswith("nrdf"):
        return nrdf_noise(quats, math.pi / 4 if name == "nrdf_far" else 0.25, generator)
    if name.startswith("noise"):
        sigma = _draw(torch.rand, (len(quats),), quats, generator) * (0.5 if name == "noise_far" else 0.15)
        return axis_angle_noise(quats, sigma, generator)
    if name == "freeze":
        return freeze(quats, others, generator)
    ways: dict[str, Callable[[Tensor, Generator], Spoilt]] = {
        "swap": swap_limbs, "twist": twist, "hyperextend": hyperextend, "missing": missing_limb,
        "out_of_range": out_of_range, "random": random_pose}
    return ways[name](quats, generator)


def _draw(how: Callable[..., Tensor], shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    return how(shape, generator=generator, dtype=torch.float64).to(like)


def _angles(degrees: tuple[float, float], shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    low, high = (math.radians(value) for value in degrees)
    return low + (high - low) * _draw(torch.rand, shape, like, generator)


def _signs(shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    return torch.where(_draw(torch.rand, shape, like, generator) < 0.5, -1.0, 1.0).to(like)


def _flag(value: bool | None, like: Tensor, generator: Generator) -> Tensor:
    """(B,) bool: ``value`` for all, or drawn for each."""
    if value is None:
        return _draw(torch.rand, (len(like),), like, generator) < 0.5
    return torch.full((len(like),), value, device=like.device)


def _column(sigma: float | Tensor, like: Tensor) -> Tensor:
    value = torch.as_tensor(sigma, dtype=like.dtype, device=like.device)
    return value.reshape(-1, 1) if value.ndim else value.expand(len(like), 1)


def _uniform(like: Tensor, generator: Generator) -> Tensor:
    return canonical(_draw(torch.randn, tuple(like.shape), like, generator))


def _choose(joints: Sequence[int], like: Tensor, generator: Generator) -> Tensor:
    rows = torch.randint(len(joints), (len(like),), generator=generator)
    return torch.tensor(list(joints))[rows].to(like.device)


def _only(joint: Tensor, like: Tensor) -> Tensor:
    return torch.arange(NUM_JOINTS, device=like.device) == joint[:, None]


def _mask(*limbs: str) -> Tensor:
    mask = torch.zeros(NUM_JOINTS, dtype=torch.bool)
    for limb in limbs:
        mask[list(LIMBS[limb])] = True
    return mask


def _limb(limbs: Sequence[str], like: Tensor, generator: Generator) -> Tensor:
    """(B,21) the joints of one limb for each pose."""
    masks = torch.stack([_mask(limb) for limb in limbs])
    return masks[torch.randint(len(limbs), (len(like),), generator=generator)].to(like.device)


def _turned(quats: Tensor, vectors: Tensor, where: Tensor | None = None) -> Spoilt:
    """Every joint, or those ``where``, turned by rotation vectors (B,21 or 1,3) in its own frame."""
    new = multiply(quats, axis_angle_to_quats(vectors).expand_as(quats))
    everywhere = torch.ones(quats.shape[:-1], dtype=torch.bool, device=quats.device)
    return _changed(quats, new, everywhere if where is None else where)


def _changed(quats: Tensor, new: Tensor, where: Tensor) -> Spoilt:
    new = canonical(new)
    damaged = where & (half_angle(quats, new) > CHANGED)
    return torch.where(damaged.unsqueeze(-1), new, quats), damaged
