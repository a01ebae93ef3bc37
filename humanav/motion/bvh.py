"""Read and write BVH files.

Convention of the files we write: centimetres, y up, facing +z, root with three position and three rotation channels,
every joint ``Zrotation Xrotation Yrotation`` (R = Rz Rx Ry), rest pose = the body's T-pose. Files we read may have any
channel order, any unit and any skeleton with recognisable joint names (see :mod:`humanav.motion.skeletons`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.errors import MotionFileError, StorageError
from humanav.motion.motion import Motion
from humanav.motion.rest import rest_joints
from humanav.motion.retarget import to_smplx
from humanav.motion.skeletons import Skeleton
from humanav.motion.text import MAX_FRAMES, read_text

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

MAX_JOINTS = 1000
_TIP_CM = 2.0


def read_bvh(
    path: str | Path, body: BodyModel | None = None, *, betas: ArrayLike | None = None, scale: float | None = None
) -> Motion:
    """Read a BVH file as a motion of the body.

    Rotations are carried over through the rest poses of both skeletons; the root's path is scaled by the ratio of the
    leg lengths, so that a person of another size keeps the feet on the floor, whatever the file's unit.

    Args:
        path: the file.
        body, betas: whose legs and pelvis the motion is made for; by default the shipped body's mean shape.
        scale: metres per unit of the file, to keep the path as it was captured; None scales it to the body's legs.

    Raises:
        MotionFileError: the file is no BVH, ends early, holds NaN, or its skeleton has no recognisable hips, knees,
            shoulders and elbows.
    """
    return to_smplx(parse_bvh(path), Path(path).stem, body, betas, scale).motion


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
    values, fps = _motion_values(body, sum(len(c) for c in channels), file.name)
    return _assemble(names, parents, offsets, tips, channels, values, fps, file.name)


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


def _motion_values(text: str, width: int, name: str) -> tuple[Array, float]:
    lines = text.strip().splitlines()
    try:
        frames = int(float(lines[0].split(":")[1]))
        step = float(lines[1].split(":")[1])
    except (IndexError, ValueError) as error:
        raise MotionFileError(f"The MOTION section of {name} must begin with Frames: and Frame Time:.") from error
    if not np.isfinite(step) or step <= 0:
        raise MotionFileError(f"{name} has a frame time of {step}; it must be a positive number of seconds.")
    if frames <= 0 or width == 0:
        raise MotionFileError(f"{name} holds a skeleton but no frames of motion.")
    if frames > MAX_FRAMES:
        raise MotionFileError(f"{name} announces {frames} frames; at most {MAX_FRAMES} can be read, so cut it first.")
    try:
        values = np.array(" ".join(lines[2:]).split(), dtype=np.float64)
    except ValueError as error:
        raise MotionFileError(f"The MOTION section of {name} holds something that is not a number.") from error
    if not np.isfinite(values).all():
        raise MotionFileError(f"{name} holds NaN or infinite numbers; clean or cut those frames first.")
    if values.size < frames * width:
        raise MotionFileError(f"{name} ends early: it announces {frames} frames of {width} numbers, and holds only "
                              f"{values.size // width} of them.")
    return values[: frames * width].reshape(frames, width), 1.0 / step


def _assemble(
    names: list[str], parents: list[int], offsets: list[list[float]], tips: list[list[float]],
    channels: list[list[str]], values: Array, fps: float, file: str,
) -> Skeleton:
    frames = len(values)
    positions = np.repeat(np.array(offsets)[None], frames, axis=0)
    rotations = np.tile(np.eye(3), (frames, len(names), 1, 1))
    column = 0
    for j, row in enumerate(channels):
        axes: str = ""
        first: list[int] = []
        for name in row:
            kind, axis = name[1:], name[0]
            if axis not in "xyz" or kind not in ("position", "rotation"):
                raise MotionFileError(f"{file} has a channel called {name}, which is not a BVH channel.")
            if kind == "position":
                positions[:, j, "xyz".index(axis)] = values[:, column]
            else:
                axes, first = axes + axis.upper(), [*first, column]
            column += 1
        if not axes:
            continue
        if len(axes) != 3 or len(set(axes)) != 3:
            turns = [Rotation.from_euler(axis, values[:, [c]], degrees=True) for axis, c in zip(axes, first)]
            rotation = turns[0]
            for turn in turns[1:]:
                rotation = rotation * turn
        else:
            rotation = Rotation.from_euler(axes, values[:, first], degrees=True)
        rotations[:, j] = rotation.as_matrix()
    return Skeleton(tuple(names), tuple(parents), np.array(offsets), np.array(tips), positions, rotations, fps)


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
