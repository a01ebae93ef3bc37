"""Read and write BVH files.

Convention of the files we write: centimetres, y up, facing +z, root with three position and three rotation channels,
every joint ``Zrotation Xrotation Yrotation`` (R = Rz Rx Ry), rest pose = the body's T-pose. Files we read may have any
channel order, any unit and any skeleton whose joints are recognised or mapped (:mod:`humanav.motion.skeletons`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.errors import MotionFileError, StorageError
from humanav.motion.gaps import describe, fill_rotations, fill_values
from humanav.motion.motion import Motion
from humanav.motion.rest import rest_joints
from humanav.motion.retarget import to_smplx
from humanav.motion.skeletons import JointMap, Skeleton
from humanav.motion.text import MAX_FRAMES, read_text

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

MAX_JOINTS = 1000
_TIP_CM = 2.0
_SLOWEST = 8.0  # seconds: nobody captures at such a frame time, but some write the frame rate in its place
_ROUNDED = 2e-5  # a frame time of five or more digits is meant to be a whole number of frames per second


def read_bvh(
    path: str | Path, body: BodyModel | None = None, *, betas: ArrayLike | None = None, scale: float | None = None,
    joint_map: JointMap | None = None, up: Literal["y", "z"] | None = None,
) -> Motion:
    """Read a BVH file as a motion of the body.

    Rotations are carried over through the rest poses of both skeletons; the root's path is scaled by the ratio of the
    leg lengths, so that a person of another size keeps the feet on the floor, whatever the file's unit.

    Args:
        path: the file.
        body, betas: whose legs and pelvis the motion is made for; by default the shipped body's mean shape.
        scale: metres per unit of the file, to keep the path as it was captured; None scales it to the body's legs.
        joint_map: our joint name to the file's, for skeletons whose names are not recognised.
        up: the file's vertical axis; None finds it out.

    Frames that hold NaN are interpolated; :func:`humanav.motion.read_motion` says which.

    Raises:
        MotionFileError: the file is no BVH, ends early, holds no number, or its skeleton has no recognisable hips,
            knees, shoulders and elbows.
    """
    return to_smplx(parse_bvh(path), Path(path).stem, body, betas, scale, joint_map=joint_map, up=up).motion


def parse_bvh(path: str | Path) -> Skeleton:
    """Read hierarchy and motion of a BVH file as they are. Raises MotionFileError when it is not a BVH."""
    file = Path(path)
    text = read_text(file)
    head, found, body = text.lstrip("\ufeff \t\r\n").partition("MOTION")
    if not head.upper().startswith("HIERARCHY") or not found:
        raise MotionFileError(f"{file.name} is not a BVH file: it has no HIERARCHY and MOTION sections.")
    try:
        names, parents, offsets, tips, channels = _hierarchy(head.split()[1:])
    except (IndexError, ValueError) as error:
        raise MotionFileError(f"The HIERARCHY section of {file.name} is damaged; export the file again.") from error
    notes: list[str] = []
    values, fps = _motion_values(body, sum(len(c) for c in channels), file.name, notes)
    return _assemble(names, parents, offsets, tips, channels, values, fps, file.name, notes)


def _hierarchy(tokens: list[str]) -> tuple[list[str], list[int], list[list[float]], list[list[float]], list[list[str]]]:
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    tips: list[list[float]] = []
    channels: list[list[str]] = []
    stack: list[int] = []
    i = 0
    while i < len(tokens):
        word = tokens[i].upper()
        if word in ("ROOT", "JOINT"):
            brace = tokens.index("{", i)
            if word == "ROOT" and names:
                break  # a second root is a second person or prop: the first is the one we read
            names.append(" ".join(tokens[i + 1 : brace]))
            parents.append(stack[-1] if stack else -1)
            offsets.append([0.0, 0.0, 0.0])
            tips.append([np.nan] * 3)
            channels.append([])
            stack.append(len(names) - 1)
            i = brace + 1
        elif word == "END":
            brace, close = tokens.index("{", i), tokens.index("}", i)
            tips[stack[-1]] = [float(x) for x in tokens[brace + 2 : brace + 5]]
            i = close + 1
        elif word == "OFFSET":
            offsets[stack[-1]] = [float(x) for x in tokens[i + 1 : i + 4]]
            i += 4
        elif word == "CHANNELS":
            count = int(tokens[i + 1])
            channels[stack[-1]] = [name.lower() for name in tokens[i + 2 : i + 2 + count]]
            i += 2 + count
        elif word == "}":
            stack.pop()
            i += 1
        else:
            raise ValueError(word)
        if len(names) > MAX_JOINTS:
            raise ValueError("too many joints")
    if not names or any(len(row) != 3 for row in offsets + tips):
        raise ValueError("no joints")
    return names, parents, offsets, tips, channels


def _motion_values(text: str, width: int, name: str, notes: list[str]) -> tuple[Array, float]:
    lines = text.strip().splitlines()
    try:
        frames = int(float(lines[0].split(":")[1]))
        step = float(lines[1].split(":")[1])
    except (IndexError, ValueError) as error:
        raise MotionFileError(f"The MOTION section of {name} must begin with Frames: and Frame Time:.") from error
    if not np.isfinite(step) or step <= 0:
        raise MotionFileError(f"{name} has a frame time of {step}; it must be a positive number of seconds.")
    if frames <= 0 or width == 0:
        raise MotionFileError(f"{name} holds a skeleton but no frames of motion: export it again with its animation.")
    if frames > MAX_FRAMES:
        raise MotionFileError(f"{name} announces {frames} frames; at most {MAX_FRAMES} can be read, so cut it first.")
    try:
        values = np.array(" ".join(lines[2:]).split(), dtype=np.float64)
    except ValueError as error:
        raise MotionFileError(f"The MOTION section of {name} holds something that is not a number: export it "
                              "again.") from error
    if values.size < frames * width:
        raise MotionFileError(f"{name} ends early: it announces {frames} frames of {width} numbers, and holds only "
                              f"{values.size // width} of them: copy or export it again.")
    fps = 1.0 / step
    if step >= _SLOWEST:
        fps = step
        notes.append(f"A frame time of {step:g} seconds was taken to mean {step:g} frames per second.")
    elif abs(fps - round(fps)) < _ROUNDED * fps:
        fps = float(round(fps))
    return values[: frames * width].reshape(frames, width), fps


def _assemble(
    names: list[str], parents: list[int], offsets: list[list[float]], tips: list[list[float]],
    channels: list[list[str]], values: Array, fps: float, file: str, notes: list[str],
) -> Skeleton:
    frames = len(values)
    known = np.isfinite(values)
    positions = np.repeat(np.array(offsets)[None], frames, axis=0)
    rotations = np.tile(np.eye(3), (frames, len(names), 1, 1))
    missing = np.zeros((frames, len(names)), dtype=np.bool_)
    column = 0
    for j, row in enumerate(channels):
        axes: str = ""
        first: list[int] = []
        missing[:, j] = ~known[:, column : column + len(row)].all(axis=1)
        for name in row:
            kind, axis = name[1:], name[0]
            if axis not in "xyz" or kind not in ("position", "rotation"):
                raise MotionFileError(f"{file} has a channel called {name}, which is not a BVH channel.")
            if kind == "position":
                positions[:, j, "xyz".index(axis)] = fill_values(values[:, column], missing[:, j])
            else:
                axes, first = axes + axis.upper(), [*first, column]
            column += 1
        if axes:
            rotations[:, j] = _turns(axes, np.where(missing[:, [j]], 0.0, values[:, first]), missing[:, j])
    if missing.any():
        if missing[:, [bool(row) for row in channels]].all():
            raise MotionFileError(f"{file} holds NaN or infinite numbers only; export the motion again.")
        notes.append(describe(missing, tuple(names), f"of {file} hold no finite numbers (NaN)"))
    return Skeleton(tuple(names), tuple(parents), np.array(offsets), np.array(tips), positions, rotations, fps,
                    missing if missing.any() else None, tuple(notes))


def _turns(axes: str, degrees: Array, missing: NDArray[np.bool_]) -> Array:
    """(T,3,3) of one joint's channels in the order of ``axes``, the missing frames interpolated."""
    if len(axes) == 3 and len(set(axes)) == 3:
        rotation = Rotation.from_euler(axes, degrees, degrees=True)
    else:
        rotation = Rotation.identity(len(degrees))
        for k, axis in enumerate(axes):
            rotation = rotation * Rotation.from_euler(axis, degrees[:, [k]], degrees=True)
    if missing.any():
        rotation = Rotation.from_rotvec(fill_rotations(rotation.as_rotvec()[:, None], missing[:, None])[:, 0])
    return rotation.as_matrix()


def write_bvh(motion: Motion, path: str | Path, body: BodyModel | None = None, *, joints: int = 55) -> Path:
    """Write ``motion`` as BVH with the SMPL-X joint names and the body's T-pose as rest pose.

    Args:
        motion: what to write; its betas shape the skeleton.
        path: the file; its folder must exist.
        body: whose rest joints are the skeleton; by default the shipped body.
        joints: 55 for the whole tree, 22 for the body without hands and face.

    Raises:
        StorageError: the file cannot be written.
    """
    if joints not in (22, 55):
        raise ValueError(f"joints must be 22 or 55, not {joints}")
    rest = rest_joints(body, motion.betas) * 100
    angles = Rotation.from_rotvec(motion.full_pose[:, :joints].reshape(-1, 3)).as_euler("ZXY")
    degrees = np.degrees(np.unwrap(angles.reshape(len(motion), joints, 3), axis=0))
    order: list[int] = []
    lines = ["HIERARCHY"]

    def emit(j: int, depth: int) -> None:
        order.append(j)
        tab = "\t" * depth
        offset = rest[j] - rest[PARENTS[j]] if j else np.zeros(3)
        lines.extend([f"{tab}{'JOINT' if j else 'ROOT'} {JOINT_NAMES[j]}", tab + "{",
                      f"{tab}\tOFFSET " + " ".join(f"{x:.6f}" for x in offset),
                      f"{tab}\tCHANNELS " + ("3" if j else "6 Xposition Yposition Zposition")
                      + " Zrotation Xrotation Yrotation"])
        children = [c for c in range(joints) if PARENTS[c] == j]
        for child in children:
            emit(child, depth + 1)
        if not children:
            length = np.linalg.norm(offset)
            tip = offset / length * _TIP_CM if length > 0 else np.zeros(3)
            lines.extend([f"{tab}\tEnd Site", f"{tab}\t" + "{", f"{tab}\t\tOFFSET " + " ".join(f"{x:.6f}" for x in tip),
                          f"{tab}\t" + "}"])
        lines.append(tab + "}")

    emit(0, 0)
    rows = np.concatenate([rest[0] + motion.transl * 100.0, degrees[:, order].reshape(len(motion), -1)], axis=1)
    lines += ["MOTION", f"Frames: {len(motion)}", f"Frame Time: {1 / motion.fps:.9f}"]
    lines += [" ".join(f"{x:.6f}" for x in row) for row in rows]
    try:
        Path(path).write_text("\n".join(lines) + "\n")
    except OSError as error:
        raise StorageError(f"The motion cannot be written to {Path(path).name}: {error.strerror or error}.") from error
    return Path(path)
