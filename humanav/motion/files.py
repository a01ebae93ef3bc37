"""Open a motion file, whatever it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from humanav.errors import MotionFileError
from humanav.motion.arrays import QuatOrder
from humanav.motion.asf import load_amc, parse_amc
from humanav.motion.bvh import parse_bvh
from humanav.motion.expmap import parse_expmap, read_table
from humanav.motion.loaded import Loaded
from humanav.motion.motion import Motion
from humanav.motion.npz import Up, from_arrays, read_npz
from humanav.motion.retarget import to_smplx
from humanav.motion.skeletons import JointMap, Skeleton, read_joint_map
from humanav.motion.text import decode

if TYPE_CHECKING:
    from humanav.body import BodyModel

Kind = Literal["npz", "bvh", "amc", "asf", "text"]

_SLOW = 10.0  # frames a second


def load_motion(
    path: str | Path, body: BodyModel | None = None, *, asf: str | Path | None = None,
    joint_map: str | Path | JointMap | None = None, fps: float | None = None, up: Up | None = None,
    quats: QuatOrder | None = None,
) -> Motion:
    """The motion in a file: :func:`read_motion` without its notes; the same arguments and errors."""
    return read_motion(path, body, asf=asf, joint_map=joint_map, fps=fps, up=up, quats=quats).motion


def read_motion(
    path: str | Path, body: BodyModel | None = None, *, asf: str | Path | None = None,
    joint_map: str | Path | JointMap | None = None, fps: float | None = None, up: Up | None = None,
    quats: QuatOrder | None = None,
) -> Loaded:
    """Read a motion from an npz of any style, an npy array, a BVH file, an AMC file with its ASF skeleton, or a text of
    exponential maps; the file's first bytes tell which.

    Args:
        path: the file.
        body: whose body the motion is read for; by default the shipped one.
        asf: the skeleton of an AMC file; None looks for it beside the file ("02.asf" for "02_01.amc").
        joint_map: names for a skeleton whose joints are not recognised, our joint to the file's: a mapping, or a JSON
            or YAML file of one.
        fps: frames per second, in place of what the file or its format says.
        up: vertical axis, when known; None finds it out.
        quats: order of quaternions in an npz or npy, when known; None tells it from their statistics.

    Raises:
        MotionFileError: one sentence that says what is wrong with the file.
    """
    file = Path(path)
    kind = kind_of(file)
    names = read_joint_map(joint_map)
    if kind == "asf" and asf is not None and kind_of(asf) == "amc":
        file, asf, kind = Path(asf), file, "amc"  # the two were given the other way round
    if kind == "npz":
        loaded = read_npz(file, up=up, body=body, quats=quats)
    elif kind == "bvh":
        loaded = to_smplx(parse_bvh(file), file.stem, body, joint_map=names, up=up)
    elif kind == "amc":
        loaded = load_amc(file, asf, body, fps=fps, joint_map=names, up=up)
    elif kind == "asf":
        raise MotionFileError(f"{file.name} is a skeleton without motion; give the .amc file with it.")
    else:
        rows = read_table(file)
        plain = rows.shape[1] in (63, 66, 69, 72, 156, 165)
        loaded = (from_arrays({"poses": rows}, file.name, up=up, body=body) if plain
                  else to_smplx(parse_expmap(rows, file.name, fps), file.stem, body, up=up))
    motion, notes = loaded.motion, loaded.notes
    if fps is not None and fps != motion.fps:
        motion = replace(motion, fps=fps)
        notes = tuple(note for note in notes if "frame rate" not in note)
    if motion.fps < _SLOW and len(motion) > 1:
        notes += (f"The motion has only {motion.fps:g} frames a second; what happens between them is guessed.",)
    return replace(loaded, motion=motion, notes=notes)


def read_skeleton(path: str | Path, asf: str | Path | None = None) -> Skeleton:
    """The skeleton of a BVH or AMC file with its motion, before its joints are recognised.

    Raises:
        MotionFileError: the file is of another kind, or damaged.
    """
    kind = kind_of(path)
    if kind == "bvh":
        return parse_bvh(path)
    if kind == "amc":
        return parse_amc(path, asf)
    raise MotionFileError(f"{Path(path).name} has no joint names: only BVH and AMC files have.")


def kind_of(path: str | Path) -> Kind:
    """What a file is, by its first bytes: "npz" (npy too), "bvh", "amc", "asf", "text" (anything else).

    Raises:
        MotionFileError: the file cannot be opened, or is empty.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise MotionFileError(f"The motion file {file.name} cannot be opened: {error.strerror or error}.") from error
    if not head:
        raise MotionFileError(f"The motion file {file.name} is empty: choose another, or write it again.")
    if head[:2] == b"PK" or head[:6] == b"\x93NUMPY":
        return "npz"
    words = [line.strip().upper() for line in decode(head).splitlines()]
    words = [line for line in words if line and line[0] != "#"]
    if words and words[0].startswith("HIERARCHY"):
        return "bvh"
    if any(line.startswith((":VERSION", ":NAME", ":ROOT", ":BONEDATA", ":UNITS")) for line in words):
        return "asf"
    if any(line.startswith((":FULLY", ":DEGREES", ":RADIANS", "ROOT ")) for line in words):
        return "amc"
    return "text"
