"""Carry the motion of a foreign skeleton over to the SMPL-X tree through the rest poses of both.

Convention: ``G_smplx[j] = W G_source[bone(j)] D[j]`` with global rotations G, W the turn of the source's world to y up,
and D the rotation that takes the SMPL-X T-pose segment (arms along +-x, legs along -y) to the source's rest segment.
"""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_INDEX, JOINT_NAMES, PARENTS
from humanav.errors import BodyFileError, InputError, MotionFileError
from humanav.motion.loaded import BODY_JOINTS, Loaded
from humanav.motion.motion import Motion
from humanav.motion.rest import rest_joints
from humanav.motion.skeletons import Bones, JointMap, Skeleton, find_bones, split_side
from humanav.motion.standing import align_bends, with_standing_rest

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

_NEAR_REST, _JUMP_WITHIN = np.radians(15), 0.06  # radians, seconds
_JUMP_SPEED = np.radians(1000)  # radians a second: nobody begins to move so fast
_Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def to_smplx(
    source: Skeleton, name: str = "", body: BodyModel | None = None, betas: ArrayLike | None = None,
    scale: float | None = None, *, joint_map: JointMap | None = None, up: Literal["y", "z"] | None = None,
) -> Loaded:
    """The source's motion as a :class:`Motion` of ``body``, with the source's notes and missing joints.

    Args:
        source: the skeleton and its motion.
        name: the motion's label.
        body, betas: whose legs and pelvis the motion is made for; by default the shipped body's mean shape.
        scale: metres per unit of the file, to keep the path as it was captured; None scales it to the body's legs.
        joint_map: names for joints that are not recognised; see :func:`humanav.motion.skeletons.find_bones`.
        up: the source's vertical axis; None finds it out.

    Raises:
        MotionFileError: the joints are not recognised, the legs have no length, or numbers are beyond all bounds.
    """
    bones = find_bones(source, joint_map)
    given, source = source, with_standing_rest(source, bones)
    try:
        rest = rest_joints(body, betas)
    except BodyFileError as error:
        raise MotionFileError(f"A motion file's skeleton needs a body to be read for. {error}") from error
    first = _after_rest_pose(source)
    turned, points = source.forward()
    turned, points = turned[first:], points[first:]
    offsets = rest_alignment(source, bones)
    if source is not given:
        offsets = align_bends(source, bones, offsets)
    world = _world_turn(points, bones, offsets["pelvis"], up)
    frames = len(turned)
    globals_ = np.tile(np.eye(3), (frames, 55, 1, 1))
    for joint in offsets:
        globals_[:, JOINT_INDEX[joint]] = world @ turned[:, bones[joint]] @ offsets[joint]
    made_of = {joint: [bones[joint]] for joint in offsets}
    made_of |= _fill_spine(globals_, turned, source, bones, world, offsets)
    made_of |= _share_forearm_twist(globals_, turned, source, bones, world, offsets)
    for j, joint in enumerate(JOINT_NAMES):
        if joint not in made_of:
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
    try:
        motion = Motion.from_full_pose(pose, fps=source.fps, transl=pelvis - rest[0], betas=betas, name=name)
    except InputError as error:
        raise MotionFileError(str(error)) from error

    missing = np.zeros((frames, BODY_JOINTS), dtype=np.bool_)
    if source.missing is not None:
        for joint, parts in made_of.items():
            if JOINT_INDEX[joint] < BODY_JOINTS:
                missing[:, JOINT_INDEX[joint]] = source.missing[first:, parts].any(axis=1)
    notes = source.notes
    if first:
        notes += (f"The file begins in its rest pose and jumps to the motion; the first {first} frames were left out.",)
    return Loaded(motion, notes, missing)


def rest_alignment(source: Skeleton, bones: Bones) -> dict[str, Array]:
    """D of every joint that has a bone: {SMPL-X joint name: (3,3)}."""
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
        _align_hand(aligned, source, bones, rest, side, x)
        _align_foot(aligned, source, bones, rest, side, basis)
    return aligned


def _align_hand(aligned: dict[str, Array], source: Skeleton, bones: Bones, rest: Array, side: str, x: float) -> None:
    wrist = f"{side}_wrist"
    if wrist not in bones:
        return
    fingers = [f"{side}_{finger}1" for finger in ("middle", "ring", "index")]
    knuckle = next((bones[finger] for finger in fingers if finger in bones), None)
    palm = source.tips[bones[wrist]] if knuckle is None else rest[knuckle] - rest[bones[wrist]]
    elbow = aligned[f"{side}_elbow"]
    forearm = elbow @ np.array([x, 0, 0])
    near = np.isfinite(palm).all() and palm @ forearm > 0.7 * np.linalg.norm(palm) > 0
    aligned[wrist] = _least_turn(forearm, palm) @ elbow if near else elbow
    for joint in bones:
        if joint.startswith(side) and joint[-1] in "123":
            aligned[joint] = aligned[wrist]


def _align_foot(
    aligned: dict[str, Array], source: Skeleton, bones: Bones, rest: Array, side: str, basis: Array
) -> None:
    """The sole is level at rest, unless the foot points straight ahead only as seen from a shin that leans sideways."""
    ankle, toe = f"{side}_ankle", f"{side}_foot"
    if ankle not in bones:
        return
    foot = rest[bones[toe]] - rest[bones[ankle]] if toe in bones else source.tips[bones[ankle]]
    if not np.isfinite(foot).all():
        return

    def yaw(frame: Array) -> float | None:
        ahead = frame.T @ foot
        far = np.hypot(ahead[0], ahead[2]) > 0.3 * np.linalg.norm(foot)
        return float(np.arctan2(ahead[0], ahead[2])) if far else None

    level, shin = yaw(basis), aligned[f"{side}_knee"]
    along_shin = yaw(shin)
    if along_shin is not None and level is not None and abs(along_shin) < np.radians(0.5) < np.radians(2) < abs(level):
        turn = shin
    elif level is not None:
        turn = basis @ Rotation.from_euler("y", level).as_matrix()
    else:
        return
    for joint in {ankle, toe} & set(bones):
        aligned[joint] = turn


def _after_rest_pose(source: Skeleton) -> int:
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


def _is_smpl(source: Skeleton, bones: Bones, rest: Array, basis: Array) -> bool:
    """Whether the skeleton is SMPL's own tree in its T-pose, whose rotations need no alignment."""
    cores = {split_side(name) for name in source.names}
    limbs = ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot")
    needed = {(side, joint) for side in ("left", "right") for joint in limbs} | {("", f"spine{k}") for k in (1, 2, 3)}
    if not needed <= cores:
        return False
    arm = basis.T @ (rest[bones["left_elbow"]] - rest[bones["left_shoulder"]])
    return bool(arm[0] > 0.8 * np.linalg.norm(arm))


def _rest_basis(rest: Array, source: Skeleton, bones: Bones) -> Array:
    """The signed axis permutation that takes our axes (x left, y up, z front) to the source's rest pose."""
    left = rest[[bones["left_hip"], bones["left_shoulder"]]].sum(axis=0)
    left = left - rest[[bones["right_hip"], bones["right_shoulder"]]].sum(axis=0)
    top = bones.get("head", source.common_ancestor(bones["left_shoulder"], bones["right_shoulder"]))
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


def _world_turn(points: Array, bones: Bones, basis: Array, up: Literal["y", "z"] | None) -> Array:
    """The turn of the source's world to y up: the axis along which the body mostly stands, the rest pose's in doubt."""
    if up is not None:
        return _Z_UP if up == "z" else np.eye(3)
    hips = points[:, [bones["left_hip"], bones["right_hip"]]].mean(axis=1)
    trunk = points[:, [bones["left_shoulder"], bones["right_shoulder"]]].mean(axis=1) - hips
    stands = (trunk / np.maximum(np.linalg.norm(trunk, axis=1, keepdims=True), 1e-9)).mean(axis=0) + 0.5 * basis[:, 1]
    return _Z_UP if stands[2] > stands[1] else np.eye(3)


def _least_turn(a: Array, b: Array) -> Array:
    """The smallest rotation that takes direction ``a`` to direction ``b``."""
    a, b = a / np.linalg.norm(a), b / max(float(np.linalg.norm(b)), 1e-12)
    axis, cosine = np.cross(a, b), float(a @ b)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        return np.eye(3)
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, cosine)).as_matrix()


def _fill_spine(
    globals_: Array, turned: Array, source: Skeleton, bones: Bones, world: Array, offsets: dict[str, Array]
) -> dict[str, list[int]]:
    """Spread the source's spine and neck joints, however many, over ours; says which went into which."""
    basis = offsets["pelvis"]
    made_of: dict[str, list[int]] = {}
    chest = source.common_ancestor(bones["left_shoulder"], bones["right_shoulder"])
    spine = source.between(chest, bones["pelvis"])
    places = {0: (0.0, 0.0, 0.0), 1: (1 / 3, 2 / 3, 1.0), 2: (0.5, 1.0, 2.0)}.get(
        len(spine), tuple(len(spine) * k / 3 for k in (1, 2, 3)))
    chain = [bones["pelvis"], *spine]
    for joint, place in zip(("spine1", "spine2", "spine3"), places):
        if joint not in bones:
            globals_[:, JOINT_INDEX[joint]] = _mix(world @ turned[:, chain] @ basis, place)
            made_of[joint] = spine or chain
    if "head" in bones and "neck" not in bones:
        neck = [j for j in source.between(bones["head"], chest) if j != bones["head"]]
        globals_[:, JOINT_INDEX["neck"]] = (_mix(world @ turned[:, neck] @ basis, (len(neck) - 1) / 2) if neck
                                            else globals_[:, JOINT_INDEX["spine3"]])
        made_of["neck"] = neck
    return made_of


def _share_forearm_twist(
    globals_: Array, turned: Array, source: Skeleton, bones: Bones, world: Array, offsets: dict[str, Array]
) -> dict[str, list[int]]:
    """Where a twist joint lies between elbow and hand, our elbow takes half of its turn and our wrist the rest."""
    made_of: dict[str, list[int]] = {}
    for elbow, wrist in (("left_elbow", "left_wrist"), ("right_elbow", "right_wrist")):
        if wrist in bones:
            twists = [j for j in source.between(bones[wrist], bones[elbow]) if j != bones[wrist]]
            if twists:
                chain = [bones[elbow], twists[-1]]
                globals_[:, JOINT_INDEX[elbow]] = _mix(world @ turned[:, chain] @ offsets[elbow], 0.5)
                made_of[elbow] = [bones[elbow], *twists]
    return made_of


def _mix(chain: Array, place: float) -> Array:
    """The rotation at ``place`` along a chain (T,n,3,3): between two joints, the geodesic mean."""
    low = min(int(place), chain.shape[1] - 1)
    high, part = min(low + 1, chain.shape[1] - 1), place - low
    step = Rotation.from_matrix(np.swapaxes(chain[:, low], -1, -2) @ chain[:, high]).as_rotvec() * part
    return chain[:, low] @ Rotation.from_rotvec(step).as_matrix()
