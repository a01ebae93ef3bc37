"""Carry the motion of a foreign skeleton over to the SMPL-X tree by joint names and rest poses.

Convention: ``G_smplx[j] = W G_source[bone(j)] D[j]`` with global rotations G, W the turn of the source's world to y up,
and D the rotation that takes the SMPL-X T-pose segment (arms along +-x, legs along -y) to the source's rest segment.
Understood names: CMU and cgspeed (Daz), Mixamo, SMPL, Unreal, Unity/VRM, Rigify, 3ds Max biped, and their likes.
"""

from __future__ import annotations

import re
from itertools import permutations, product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_INDEX, JOINT_NAMES, PARENTS
from humanav.errors import BodyFileError, MotionFileError
from humanav.motion.motion import Motion
from humanav.motion.rest import rest_joints

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.motion.bvh import BvhSkeleton

Array = NDArray[np.float64]
Bones = dict[str, int]

_NEAR_REST, _JUMP_WITHIN = np.radians(15), 0.06  # radians, seconds
_JUMP_SPEED = np.radians(1000)  # radians a second: nobody begins to move so fast

_PREFIX = re.compile(r"^(bip\d*|character\d*|def|org|jnt|m_avg|f_avg|skeleton)[_\s.\-]+|^mixamorig\d*[_\s.\-]*", re.I)
_LIMBS: dict[str, tuple[str, ...]] = {  # in order of preference; a name serves only one joint
    "hip": ("upleg", "upperleg", "thigh", "femur", "hip"),
    "knee": ("lowerleg", "loleg", "lowleg", "shin", "calf", "tibia", "knee", "leg"),
    "ankle": ("ankle", "foot"),
    "foot": ("toebase", "toe", "toes", "ball", "toe0", "foot"),
    "shoulder": ("upperarm", "uparm", "arm", "shldr", "humerus", "shoulder"),
    "collar": ("collar", "clavicle", "collarbone", "shoulder"),
    "elbow": ("forearm", "lowerarm", "loarm", "lowarm", "radius", "elbow"),
    "wrist": ("wrist", "hand"),
}
_NEEDED = ("hip", "knee", "shoulder", "elbow")
_FINGER = re.compile(r"^(?:hand)?(thumb|index|middle|mid|ring|pinky|little)(?:finger)?"
                     r"(proximal|intermediate|distal|0?[123])$")
_FINGER_NAMES = {"mid": "middle", "little": "pinky"}
_PHALANX = {"proximal": 1, "intermediate": 2, "distal": 3}


def to_smplx(
    source: BvhSkeleton, name: str = "", body: BodyModel | None = None, betas: ArrayLike | None = None,
    scale: float | None = None,
) -> Motion:
    """The source's motion as a :class:`Motion` of ``body``; arguments as in :func:`humanav.motion.read_bvh`.

    Raises:
        MotionFileError: the joints are not recognised, or the legs have no length.
    """
    bones = find_bones(source)
    try:
        rest = rest_joints(body, betas)
    except BodyFileError as error:
        raise MotionFileError(f"A BVH file needs a body to be read for. {error}") from error
    first = _after_rest_pose(source)
    turned, points = source.forward()
    turned, points = turned[first:], points[first:]
    offsets = _rest_alignment(source, bones)
    world = _world_turn(points, bones, offsets["pelvis"])
    frames = len(turned)
    globals_ = np.tile(np.eye(3), (frames, 55, 1, 1))
    done = {"pelvis", *offsets}
    for joint in offsets:
        globals_[:, JOINT_INDEX[joint]] = world @ turned[:, bones[joint]] @ offsets[joint]
    _fill_spine(globals_, turned, source, bones, world, offsets, done)
    for j, joint in enumerate(JOINT_NAMES):
        if joint not in done:
            globals_[:, j] = globals_[:, PARENTS[j]]
    local = globals_.copy()
    local[:, 1:] = np.swapaxes(globals_[:, list(PARENTS[1:])], -1, -2) @ globals_[:, 1:]
    pose = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(frames, 55, 3)

    length = _leg_length(source.rest(), bones["left_hip"], bones["left_knee"], bones.get("left_ankle"))
    ours = _leg_length(rest, 1, 4, 7 if "left_ankle" in bones else None)
    if length <= 0:
        raise MotionFileError("The skeleton's legs have no length, so its size cannot be told.")
    ratio = ours / length if scale is None else scale
    hips = points[:, [bones["left_hip"], bones["right_hip"]]].mean(axis=1) @ world.T * ratio
    pelvis = hips + globals_[:, 0] @ (rest[0] - rest[1:3].mean(axis=0))
    return Motion.from_full_pose(pose, fps=source.fps, transl=pelvis - rest[0], betas=betas, name=name)


def find_bones(source: BvhSkeleton) -> Bones:
    """SMPL-X joint name -> index of the source's joint; the spine's and neck's are left to the tree between them.

    Raises:
        MotionFileError: hips, knees, shoulders or elbows are not found by name.
    """
    sides: dict[str, dict[str, int]] = {"left": {}, "right": {}, "": {}}
    for j, name in enumerate(source.names):
        side, core = split_side(name)
        sides[side].setdefault(core, j)
    bones: Bones = {}
    for side in ("left", "right"):
        free = dict(sides[side])
        for joint, names in _LIMBS.items():
            found = next((n for n in names if n in free), None)
            if found is not None:
                bones[f"{side}_{joint}"] = free.pop(found)
        for core, j in free.items():
            match = _FINGER.match(core)
            if match:
                finger, k = match.groups()
                bones.setdefault(f"{side}_{_FINGER_NAMES.get(finger, finger)}{_PHALANX.get(k) or int(k)}", j)
        if "eye" in free:
            bones[f"{side}_eye"] = free["eye"]
    missing = [f"{side} {joint}" for joint in _NEEDED for side in ("left", "right") if f"{side}_{joint}" not in bones]
    if missing:
        some = ", ".join(source.names[:6])
        raise MotionFileError(f"The skeleton's joint names are not recognised: no {missing[0]} among {some}...; name "
                              "the joints as Mixamo, CMU or SMPL do.")
    bones["pelvis"] = _common_ancestor(source, bones["left_hip"], bones["right_hip"])
    for joint in ("head", "jaw"):
        if joint in sides[""]:
            bones[joint] = sides[""][joint]
    return bones


def split_side(name: str) -> tuple[str, str]:
    """``("left"|"right"|"", core)`` of a joint's name: "mixamorig:LeftUpLeg", "L_Hip", "lThigh", "upper_arm.L"..."""
    plain = name.rsplit(":", 1)[-1]
    plain = _PREFIX.sub("", plain)
    for side in ("left", "right"):
        if side in plain.lower():
            return side, _core(re.sub(side, "", plain, flags=re.I))
    for side, letter in (("left", "l"), ("right", "r")):
        match = re.match(rf"^(?:{letter}|{letter.upper()})(?=[A-Z])|^[{letter}{letter.upper()}][_\s.\-]+", plain)
        if match:
            return side, _core(plain[match.end():])
        match = re.search(rf"[_\s.\-][{letter}{letter.upper()}]$", plain)
        if match:
            return side, _core(plain[: match.start()])
    return "", _core(plain)


def _core(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _chain(source: BvhSkeleton, j: int) -> list[int]:
    chain = [j]
    while source.parents[chain[-1]] >= 0:
        chain.append(source.parents[chain[-1]])
    return chain


def _common_ancestor(source: BvhSkeleton, a: int, b: int) -> int:
    others = set(_chain(source, b))
    return next((j for j in _chain(source, a) if j in others), 0)


def _between(source: BvhSkeleton, top: int, bottom: int) -> list[int]:
    """Joints from ``bottom``'s chain (left out) up to ``top`` (included), lowest first."""
    stop = set(_chain(source, bottom))
    return [j for j in _chain(source, top) if j not in stop][::-1]


def _after_rest_pose(source: BvhSkeleton) -> int:
    """Frames to leave out at the start: cgspeed's files begin in the rest pose and jump from there to the motion."""
    window = min(max(round(_JUMP_WITHIN * source.fps), 2), len(source.rotations) - 1)
    if window < 2:
        return 0
    start = Rotation.from_matrix(source.rotations[0, 1:])
    part = source.rotations[: window + 1]
    step = Rotation.from_matrix((np.swapaxes(part[:-1], -1, -2) @ part[1:]).reshape(-1, 3, 3))
    speed = step.magnitude().reshape(window, -1).max(axis=1) * source.fps
    if start.magnitude().max() > _NEAR_REST or speed[0] < _JUMP_SPEED:
        return 0
    return int(np.flatnonzero(speed > _JUMP_SPEED)[-1]) + 1


def _leg_length(points: Array, hip: int, knee: int, ankle: int | None) -> float:
    thigh = float(np.linalg.norm(points[knee] - points[hip]))
    return thigh + (float(np.linalg.norm(points[ankle] - points[knee])) if ankle is not None else 0.0)


def _rest_alignment(source: BvhSkeleton, bones: Bones) -> dict[str, Array]:
    """D of every joint that has a bone."""
    rest = source.rest()
    basis = _rest_basis(rest, source, bones)
    aligned = {joint: basis for joint in bones if joint in JOINT_INDEX}
    if _is_smpl(source, bones, rest, basis):
        return aligned
    for side, x in (("left", 1.0), ("right", -1.0)):
        segments = [("shoulder", "elbow", (x, 0, 0)), ("elbow", "wrist", (x, 0, 0)), ("hip", "knee", (0, -1, 0)),
                    ("knee", "ankle", (0, -1, 0))]
        for joint, child, direction in segments:
            if f"{side}_{child}" in bones:
                segment = rest[bones[f"{side}_{child}"]] - rest[bones[f"{side}_{joint}"]]
                aligned[f"{side}_{joint}"] = _least_turn(basis @ np.array(direction), segment) @ basis
        wrist, elbow = f"{side}_wrist", f"{side}_elbow"
        if wrist in bones:
            fingers = [f"{side}_{finger}1" for finger in ("middle", "ring", "index")]
            knuckle = next((bones[finger] for finger in fingers if finger in bones), None)
            palm = source.tips[bones[wrist]] if knuckle is None else rest[knuckle] - rest[bones[wrist]]
            forearm = aligned[elbow] @ np.array([x, 0, 0])
            near = np.isfinite(palm).all() and palm @ forearm > 0.7 * np.linalg.norm(palm) > 0
            aligned[wrist] = _least_turn(forearm, palm) @ aligned[elbow] if near else aligned[elbow]
            for joint in bones:
                if joint.startswith(side) and joint[-1] in "123":
                    aligned[joint] = aligned[wrist]
        ankle, toe = f"{side}_ankle", f"{side}_foot"
        if ankle in bones:
            foot = rest[bones[toe]] - rest[bones[ankle]] if toe in bones else source.tips[bones[ankle]]
            forward = basis.T @ foot
            if np.isfinite(foot).all() and np.hypot(forward[0], forward[2]) > 0.3 * np.linalg.norm(foot):
                yaw = Rotation.from_euler("y", np.arctan2(forward[0], forward[2])).as_matrix()
                for joint in {ankle, toe} & set(bones):
                    aligned[joint] = basis @ yaw
    return aligned


def _is_smpl(source: BvhSkeleton, bones: Bones, rest: Array, basis: Array) -> bool:
    """Whether the skeleton is SMPL's own tree in its T-pose, whose rotations need no alignment."""
    cores = {split_side(name) for name in source.names}
    limbs = ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot")
    needed = {(side, joint) for side in ("left", "right") for joint in limbs} | {("", f"spine{k}") for k in (1, 2, 3)}
    if not needed <= cores:
        return False
    arm = basis.T @ (rest[bones["left_elbow"]] - rest[bones["left_shoulder"]])
    return bool(arm[0] > 0.8 * np.linalg.norm(arm))


def _rest_basis(rest: Array, source: BvhSkeleton, bones: Bones) -> Array:
    """The signed axis permutation that takes our axes (x left, y up, z front) to the source's rest pose."""
    left = rest[[bones["left_hip"], bones["left_shoulder"]]].sum(axis=0)
    left = left - rest[[bones["right_hip"], bones["right_shoulder"]]].sum(axis=0)
    top = bones.get("head", _common_ancestor(source, bones["left_shoulder"], bones["right_shoulder"]))
    up = rest[top] - rest[[bones["left_knee"], bones["right_knee"]]].mean(axis=0)
    lengths = np.linalg.norm(left), np.linalg.norm(up)
    if min(lengths) < 1e-9:
        return np.eye(3)
    left, up = left / lengths[0], up / lengths[1]
    frame = np.stack([left, up, np.cross(left, up)], axis=1)
    best, score = np.eye(3), -np.inf
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            candidate = np.eye(3)[:, list(order)] * signs
            if np.linalg.det(candidate) > 0 and (candidate * frame).sum() > score:
                best, score = candidate, float((candidate * frame).sum())
    return best


def _world_turn(points: Array, bones: Bones, basis: Array) -> Array:
    """The turn of the source's world to y up: the axis along which the body mostly stands, the rest pose's in doubt."""
    hips = points[:, [bones["left_hip"], bones["right_hip"]]].mean(axis=1)
    body = points[:, [bones["left_shoulder"], bones["right_shoulder"]]].mean(axis=1) - hips
    up = (body / np.maximum(np.linalg.norm(body, axis=1, keepdims=True), 1e-9)).mean(axis=0) + 0.5 * basis[:, 1]
    return np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]) if up[2] > up[1] else np.eye(3)


def _least_turn(a: Array, b: Array) -> Array:
    """The smallest rotation that takes direction ``a`` to direction ``b``."""
    a, b = a / np.linalg.norm(a), b / max(float(np.linalg.norm(b)), 1e-12)
    axis, cosine = np.cross(a, b), float(a @ b)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        return np.eye(3)
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, cosine)).as_matrix()


def _fill_spine(
    globals_: Array, turned: Array, source: BvhSkeleton, bones: Bones, world: Array, offsets: dict[str, Array],
    done: set[str],
) -> None:
    """Spread the source's spine and neck joints, however many, over ours."""
    basis = offsets["pelvis"]
    chest = _common_ancestor(source, bones["left_shoulder"], bones["right_shoulder"])
    spine = _between(source, chest, bones["pelvis"])
    places = {0: (0.0, 0.0, 0.0), 1: (1 / 3, 2 / 3, 1.0), 2: (0.5, 1.0, 2.0)}.get(
        len(spine), tuple(len(spine) * k / 3 for k in (1, 2, 3)))
    chain = world @ turned[:, [bones["pelvis"], *spine]] @ basis
    for joint, place in zip(("spine1", "spine2", "spine3"), places):
        globals_[:, JOINT_INDEX[joint]] = _mix(chain, place)
        done.add(joint)
    if "head" in bones:
        neck = [j for j in _between(source, bones["head"], chest) if j != bones["head"]]
        if neck:
            globals_[:, JOINT_INDEX["neck"]] = _mix(world @ turned[:, neck] @ basis, (len(neck) - 1) / 2)
        else:
            globals_[:, JOINT_INDEX["neck"]] = globals_[:, JOINT_INDEX["spine3"]]
        done.add("neck")


def _mix(chain: Array, place: float) -> Array:
    """The rotation at ``place`` along a chain (T,n,3,3): between two joints, the geodesic mean."""
    low = min(int(place), chain.shape[1] - 1)
    high, part = min(low + 1, chain.shape[1] - 1), place - low
    step = Rotation.from_matrix(np.swapaxes(chain[:, low], -1, -2) @ chain[:, high]).as_rotvec() * part
    return chain[:, low] @ Rotation.from_rotvec(step).as_matrix()
