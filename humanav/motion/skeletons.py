"""Skeletons of motion files, and which of their joints are which of ours.

Understood names: CMU (ASF and cgspeed's Daz), Mixamo, SMPL, Unreal, Unity/VRM, Rigify, 3ds Max biped, and their likes;
a mapping (ours to theirs) names the joints of any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanav.body.names import JOINT_INDEX, JOINT_NAMES
from humanav.errors import MotionFileError, StorageError
from humanav.motion.text import read_text, require_plain

Array = NDArray[np.float64]
Bones = dict[str, int]
JointMap = Mapping[str, str | None]

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
_ACCLAIM = re.compile(r"^([lr])(femur|tibia|foot|toes|clavicle|humerus|radius|wrist|hand|fingers|thumb)$")


@dataclass(frozen=True)
class Skeleton:
    """A named tree of joints with its motion, as it lies in a file.

    Attributes:
        names: joint names, parents before children; end sites are left out.
        parents: index of each joint's parent, -1 for the root.
        offsets: (J,3) offset from the parent in the file's unit.
        tips: (J,3) end-site offset of leaf joints, NaN for the others.
        positions: (T,J,3) local position of each joint: its offset, or its position channels where it has them.
        rotations: (T,J,3,3) local rotation matrices; identity is the rest pose.
        fps: frames per second.
        missing: (T,J) bool, where the file has no value and ``rotations`` an interpolated one; None when nowhere.
        notes: what had to be assumed or mended.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Array
    tips: Array
    positions: Array
    rotations: Array
    fps: float
    missing: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()

    def forward(self) -> tuple[Array, Array]:
        """Global rotations (T,J,3,3) and joint positions (T,J,3) in the file's unit and world."""
        rotations, positions = self.rotations.copy(), self.positions.copy()
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                positions[:, j] = positions[:, parent] + np.einsum("tab,tb->ta", rotations[:, parent], positions[:, j])
                rotations[:, j] = rotations[:, parent] @ rotations[:, j]
        return rotations, positions

    def rest(self) -> Array:
        """Joint positions (J,3) of the rest pose, root at the origin."""
        points = np.zeros_like(self.offsets)
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                points[j] = points[parent] + self.offsets[j]
        return points

    def chain(self, j: int) -> list[int]:
        """``j`` and its ancestors up to the root."""
        chain = [j]
        while self.parents[chain[-1]] >= 0:
            chain.append(self.parents[chain[-1]])
        return chain

    def common_ancestor(self, a: int, b: int) -> int:
        """The lowest joint above (or at) both."""
        others = set(self.chain(b))
        return next((j for j in self.chain(a) if j in others), 0)

    def between(self, top: int, bottom: int) -> list[int]:
        """Joints from ``bottom``'s chain (left out) up to ``top`` (included), lowest first."""
        stop = set(self.chain(bottom))
        return [j for j in self.chain(top) if j not in stop][::-1]


def find_bones(source: Skeleton, joint_map: JointMap | None = None) -> Bones:
    """SMPL-X joint name -> index of the source's joint; the spine's and neck's are left to the tree between them.

    Args:
        source: the skeleton.
        joint_map: our joint name to the source's, for joints to be taken from it; None or an absent name leaves a joint
            to recognition by name.

    Raises:
        MotionFileError: the map names joints that do not exist, or hips, knees, shoulders or elbows are not found.
    """
    bones = match_names(source) | _mapped(source, joint_map or {})
    missing = [(joint, side) for joint in _NEEDED for side in ("left", "right") if f"{side}_{joint}" not in bones]
    if missing:
        joints = dict.fromkeys(joint for joint, _ in missing)
        words = [(f"{joint}s" if joint != "hip" else "hips") if missing.count((joint, "left")) and
                 missing.count((joint, "right")) else " ".join(next((s, j) for j, s in missing if j == joint))
                 for joint in joints]
        some = ", ".join(source.names[:5]) + ("..." if len(source.names) > 5 else "")
        raise MotionFileError(f"The skeleton's joint names are not recognised: no {', '.join(words)} among {some}; "
                              "name them in a mapping file (`humanav convert FILE --write-map map.json` writes one) "
                              "and give that too (--map).")
    for left in [name for name in bones if name.startswith("left_")]:
        right = left.replace("left_", "right_")
        if bones.get(right) == bones[left]:
            raise MotionFileError(f"{left} and {right} are both mapped to {source.names[bones[left]]}; name the two "
                                  "sides' own joints.")
    bones.setdefault("pelvis", source.common_ancestor(bones["left_hip"], bones["right_hip"]))
    return bones


def match_names(source: Skeleton) -> Bones:
    """Those of our joints that are recognised by name, without the pelvis, spine and neck."""
    sides: dict[str, dict[str, int]] = {"left": {}, "right": {}, "": {}}
    for j, name in enumerate(source.names):
        side, core = split_side(name)
        sides[side].setdefault(core, j)
    bones: Bones = {}
    for side in ("left", "right"):
        free = dict(sides[side])
        if {"radius", "wrist", "hand"} <= set(free):
            del free["wrist"]  # Acclaim's wrist is the twist in the middle of the forearm
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
    for joint in ("head", "jaw"):
        found = joint if joint in sides[""] else next((core for core in sides[""] if core.endswith(joint)), None)
        if found is not None:
            bones[joint] = sides[""][found]
    return bones


def split_side(name: str) -> tuple[str, str]:
    """``("left"|"right"|"", core)`` of a joint's name: "mixamorig:LeftUpLeg", "L_Hip", "lThigh", "lfemur"..."""
    plain = name.rsplit(":", 1)[-1]
    plain = _PREFIX.sub("", plain)
    for side in ("left", "right"):
        if side in plain.lower():
            return side, _core(re.sub(side, "", plain, flags=re.I))
    acclaim = _ACCLAIM.match(plain)
    if acclaim:
        return "left" if acclaim[1] == "l" else "right", acclaim[2]
    for side, letter in (("left", "l"), ("right", "r")):
        match = re.match(rf"^(?:{letter}|{letter.upper()})(?=[A-Z])|^[{letter}{letter.upper()}][_\s.\-]+", plain)
        if match:
            return side, _core(plain[match.end():])
        match = re.search(rf"[_\s.\-][{letter}{letter.upper()}]$", plain)
        if match:
            return side, _core(plain[: match.start()])
        match = re.search(rf"[_\s.\-][{letter}{letter.upper()}][_\s.\-]", plain)
        if match:
            return side, _core(plain[match.end():])
    return "", _core(plain)


def read_joint_map(source: str | Path | JointMap | None) -> dict[str, str]:
    """A mapping of our joint names to a file's, from a JSON or YAML file or as given; names left null are left out.

    Raises:
        MotionFileError: not a mapping of names, or a name on the left is none of ours.
    """
    if source is None:
        return {}
    label = "The joint mapping"
    if isinstance(source, (str, Path)):
        import yaml  # reads JSON too

        label = f"The mapping file {Path(source).name}"
        try:
            text = read_text(source).replace("\t", " ")
            require_plain(text)
            found = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise MotionFileError(f"{label} is neither JSON nor YAML; write {{\"left_hip\": \"LeftUpLeg\", ...}}.") \
                from error
    else:
        found = source
    if not isinstance(found, Mapping):
        raise MotionFileError(f"{label} must map our joint names to the file's: {{\"left_hip\": \"LeftUpLeg\", ...}}.")
    named = {str(key): value for key, value in found.items() if not str(key).startswith("_") and value is not None}
    strange = [key for key in named if key not in JOINT_INDEX]
    if strange:
        raise MotionFileError(f"{label} names {', '.join(strange[:3])}, which is no joint of ours; ours are "
                              f"{', '.join(JOINT_NAMES[:6])}... as in the file that --write-map writes.")
    return {key: str(value) for key, value in named.items()}


def write_joint_map(source: Skeleton, path: str | Path) -> Path:
    """Write a JSON mapping to fill in: the joints found by name with their names, the others null.

    Raises StorageError when the file cannot be written.
    """
    bones = match_names(source)
    body = [*JOINT_NAMES[:22], *(name for name in bones if JOINT_INDEX[name] >= 22)]
    table: dict[str, object] = {
        "_about": "Our joint: the file's joint. Hips, knees, shoulders and elbows are needed; null leaves a joint out, "
                  "and spine and neck to the joints between pelvis, shoulders and head.",
        "_names_in_file": list(source.names)}
    table |= {name: source.names[bones[name]] if name in bones else None for name in body}
    try:
        Path(path).write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"The mapping cannot be written to {Path(path).name}: {error.strerror or error}.") from error
    return Path(path)


def _mapped(source: Skeleton, joint_map: JointMap) -> Bones:
    index = {name.lower(): j for j, name in reversed(list(enumerate(source.names)))}
    index |= {name: j for j, name in reversed(list(enumerate(source.names)))}
    given = {joint: name for joint, name in joint_map.items() if name is not None}
    absent = [name for name in given.values() if name not in index and name.lower() not in index]
    if absent:
        raise MotionFileError(f"The joint mapping names {', '.join(absent[:3])}, which the file does not have; it has "
                              f"{', '.join(source.names[:6])}...")
    return {joint: index.get(name, index.get(name.lower(), 0)) for joint, name in given.items()}


def _core(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
