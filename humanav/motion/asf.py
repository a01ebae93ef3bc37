"""Read Acclaim skeletons (ASF) and their motion (AMC), as CMU's database gives them.

Convention: a bone's channels are Euler angles about fixed axes (``XYZ`` means R = Rz Ry Rx) in the bone's own frame C
(``axis``); its local rotation in the frame of the rest pose is ``C R C^-1``. The bone turns at its near end and points
along ``direction``; y up, facing +z. A unit of length is ``1 / length`` inches. AMC gives no frame rate: CMU's is 120.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from humanav.errors import MotionFileError
from humanav.motion.gaps import describe, fill_rotations, fill_values
from humanav.motion.loaded import Loaded
from humanav.motion.retarget import to_smplx
from humanav.motion.skeletons import JointMap, Skeleton
from humanav.motion.text import MAX_FRAMES, read_text

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.motion.motion import Motion
    from humanav.motion.npz import Up

Array = NDArray[np.float64]

FPS = 120.0
_INCH = 0.0254


@dataclass
class Bone:
    """One bone of an ASF skeleton: lengths in the file's unit, ``frame`` (3,3) its axes, ``order`` of its angles."""

    name: str
    direction: Array = field(default_factory=lambda: np.zeros(3))
    length: float = 0.0
    frame: Array = field(default_factory=lambda: np.eye(3))
    order: str = "xyz"
    dofs: tuple[str, ...] = ()


@dataclass(frozen=True)
class AsfSkeleton:
    """An ASF file: the root first, parents before children; ``unit`` in metres, ``degrees`` of its angles."""

    bones: tuple[Bone, ...]
    parents: tuple[int, ...]
    unit: float
    degrees: bool


def read_amc(
    amc: str | Path, asf: str | Path | None = None, body: BodyModel | None = None, *, fps: float | None = None,
    betas: ArrayLike | None = None, scale: float | None = None,
) -> Motion:
    """Read an AMC motion with its ASF skeleton as a motion of the body.

    Args:
        amc: the motion.
        asf: its skeleton; None looks beside the motion ("02.asf" for "02_01.amc").
        body, betas: whose legs and pelvis the motion is made for; by default the shipped body's mean shape.
        fps: frames per second; None takes 120.
        scale: metres per metre of the file, to keep the path as captured (1.0); None scales it to the body's legs.

    Raises:
        MotionFileError: a file is missing, damaged or of another skeleton.
    """
    return load_amc(amc, asf, body, fps=fps, betas=betas, scale=scale).motion


def load_amc(
    amc: str | Path, asf: str | Path | None = None, body: BodyModel | None = None, *, fps: float | None = None,
    betas: ArrayLike | None = None, scale: float | None = None, joint_map: JointMap | None = None, up: Up | None = None,
) -> Loaded:
    """:func:`read_amc` with notes of what was assumed or mended."""
    skeleton = parse_amc(amc, asf, fps)
    return to_smplx(skeleton, Path(amc).stem, body, betas, scale, joint_map=joint_map, up=up)


def parse_amc(amc: str | Path, asf: str | Path | None = None, fps: float | None = None) -> Skeleton:
    """An AMC file on its skeleton, in metres, before it is carried over; arguments and errors as :func:`read_amc`."""
    file = Path(amc)
    path, notes = (Path(asf), []) if asf is not None else find_asf(file)
    skeleton = parse_asf(path)
    if fps is None:
        notes.append(f"An AMC file does not say its frame rate; {FPS:.0f} frames a second, as CMU's, were assumed.")
    return _assemble(skeleton, _parse_frames(file), file.name, path.name, FPS if fps is None else fps, notes)


def find_asf(amc: Path) -> tuple[Path, list[str]]:
    """The skeleton beside a motion, and a note where it is not named after it.

    Raises MotionFileError when there is none.
    """
    try:
        beside = [p for p in sorted(amc.parent.iterdir()) if p.suffix.lower() == ".asf"]
    except OSError:
        beside = []
    by_stem = {p.stem.lower(): p for p in beside}
    stem = amc.stem.lower()
    while stem:
        if stem in by_stem:
            return by_stem[stem], []
        stem = stem.rpartition("_")[0]
    if len(beside) == 1:
        return beside[0], [f"{beside[0].name} was taken as the skeleton: it is the only one beside the motion."]
    wanted = amc.stem.split("_")[0]
    raise MotionFileError(f"{amc.name} needs its skeleton: put {wanted}.asf beside it, or give the ASF file with it.")


def parse_asf(path: str | Path) -> AsfSkeleton:
    """Read a skeleton. Raises MotionFileError when it is none, or ends early."""
    file = Path(path)
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in read_text(file).splitlines():
        words = line.split("#", 1)[0].split()
        if words and words[0].startswith(":"):
            current = sections.setdefault(words[0].lower(), [])
            words = words[1:]
        if words:
            current.append(words)
    if not {":root", ":bonedata"} & set(sections):
        raise MotionFileError(f"{file.name} is not an ASF skeleton: it has no :root and :bonedata sections.")
    for name in (":root", ":bonedata", ":hierarchy"):
        if name not in sections:
            raise MotionFileError(f"The skeleton {file.name} ends early, it has no {name} section: get the file "
                                  "again.")
    try:
        units = {row[0].lower(): row[1].lower() for row in sections.get(":units", []) if len(row) > 1}
        degrees = not units.get("angle", "deg").startswith("rad")
        root = _bone([["name", "root"], *sections[":root"]], degrees)
        bones = {"root": root} | {bone.name: bone for block in _blocks(sections[":bonedata"])
                                  if (bone := _bone(block, degrees)).name}
        tree = {row[0]: row[1:] for row in sections[":hierarchy"] if row[0] not in ("begin", "end")}
        unit = _INCH / float(units.get("length", 1.0))
    except (ValueError, IndexError, ZeroDivisionError) as error:
        raise MotionFileError(f"The skeleton {file.name} is damaged; get the file again.") from error
    order: list[Bone] = [root]
    parents: list[int] = [-1]
    for k, bone in enumerate(order):  # grows while it runs: every bone after its parent
        for child in tree.get(bone.name, []):
            if child not in bones:
                raise MotionFileError(f"The skeleton {file.name} is damaged, its bone {child[:40]} is not described: "
                                      "get the file again.")
            if any(child == known.name for known in order):
                raise MotionFileError(f"The skeleton {file.name} is damaged, {child[:40]} has two parents: get the "
                                      "file again.")
            order.append(bones[child])
            parents.append(k)
    if len(order) < 2 or not np.isfinite(unit) or unit <= 0:
        raise MotionFileError(f"The skeleton {file.name} ends early, no bone hangs on its root: get the file "
                              "again.")
    return AsfSkeleton(tuple(order), tuple(parents), unit, degrees)


def _blocks(rows: list[list[str]]) -> list[list[list[str]]]:
    blocks: list[list[list[str]]] = []
    for row in rows:
        if row[0].lower() == "begin":
            blocks.append([])
        elif row[0].lower() != "end" and blocks:
            blocks[-1].append(row)
    return blocks


def _bone(rows: list[list[str]], degrees: bool) -> Bone:
    bone = Bone("")
    for key, *words in rows:
        match key.lower():
            case "name":
                bone.name = words[0]
            case "direction":
                direction = np.array([float(x) for x in words[:3]])
                bone.direction = direction / max(float(np.linalg.norm(direction)), 1e-12)
            case "length":
                bone.length = float(words[0])
            case "axis" if len(words) >= 4:
                bone.order = _axes(words[3])
                angles = [float(words["xyz".index(axis)]) for axis in bone.order]
                bone.frame = Rotation.from_euler(bone.order, angles, degrees=degrees).as_matrix()
            case "axis":
                bone.order = _axes(words[0])
            case "orientation":
                angles = [float(words["xyz".index(axis)]) for axis in bone.order]
                bone.frame = Rotation.from_euler(bone.order, angles, degrees=degrees).as_matrix()
            case "dof" | "order":
                bone.dofs = tuple(word.lower() for word in words)
    if bone.direction.shape != (3,) or not np.isfinite([*bone.direction, bone.length, *bone.frame.reshape(-1)]).all():
        raise ValueError(bone.name)
    return bone


def _axes(word: str) -> str:
    axes = word.lower()
    if sorted(axes) != ["x", "y", "z"]:
        raise ValueError(word)
    return axes


@dataclass
class _Frames:
    count: int
    at: dict[str, list[int]]
    rows: dict[str, list[str]]
    degrees: bool | None


def _parse_frames(file: Path) -> _Frames:
    """The lines of each bone with their frames; numbered from 0, a gap in the file's numbering kept as a gap."""
    numbers: list[int] = []
    at: dict[str, list[int]] = {}
    rows: dict[str, list[str]] = {}
    degrees: bool | None = None
    for line in read_text(file).splitlines():
        text = line.strip()
        if not text or text[0] == "#":
            continue
        if text[0] == ":":
            word = text[1:].strip().lower()
            degrees = {"degrees": True, "radians": False}.get(word, degrees)
        elif text.isdecimal() and len(text) < 10:
            numbers.append(int(text))
            if len(numbers) > MAX_FRAMES:
                raise MotionFileError(f"{file.name} holds more than {MAX_FRAMES} frames; cut the motion first.")
        elif numbers:
            name, _, rest = text.replace("\t", " ").partition(" ")
            at.setdefault(name, []).append(len(numbers) - 1)
            rows.setdefault(name, []).append(rest)
    if not numbers or not rows:
        raise MotionFileError(f"{file.name} is not an AMC motion: it has no numbered frames with bones.")
    place = np.array(numbers) - numbers[0]
    gaps = np.diff(place)
    if len(gaps) and (gaps > 0).all() and gaps.max() > 1 and place[-1] < min(2 * len(numbers), MAX_FRAMES):
        at = {name: [int(place[k]) for k in frames] for name, frames in at.items()}
        count = int(place[-1]) + 1
    else:
        count = len(numbers)
    return _Frames(count, at, rows, degrees)


def _assemble(
    asf: AsfSkeleton, frames: _Frames, amc_name: str, asf_name: str, fps: float, notes: list[str]
) -> Skeleton:
    known = {bone.name for bone in asf.bones}
    cut = next((name for name, at in frames.at.items() if name not in known and at == [frames.count - 1]
                and any(bone.startswith(name) for bone in known)), None)  # a file's last word may be half of one
    strange = [name for name in frames.rows if name not in known and name != cut]
    if "root" not in frames.rows or len(strange) > len(frames.rows) / 2:
        raise MotionFileError(f"{amc_name} does not belong to the skeleton {asf_name}: it moves "
                              f"{', '.join(strange[:4]) or 'no root'}.")
    if strange:
        notes.append(f"{', '.join(strange[:4])} of {amc_name} are not in the skeleton and were left out.")
    count = frames.count
    values = {bone.name: _values(bone, frames, count, amc_name, asf_name) for bone in asf.bones
              if bone.name in frames.rows and bone.dofs}
    last = [np.isnan(v[-1]).any() for v in values.values()]
    if count > 1 and any(last) and not np.isnan(values["root"][:-1]).all():
        whole = [not np.isnan(v[-2]).any() for v in values.values()]
        if sum(whole) > len(whole) - sum(last):
            count -= 1
            values = {name: v[:-1] for name, v in values.items()}
            notes.append(f"{amc_name} ends in the middle of frame {count + 1}, which was left out.")
    degrees = _unit_of_angles(values, asf, frames.degrees, notes)

    n = len(asf.bones)
    positions, rotations = np.zeros((count, n, 3)), np.tile(np.eye(3), (count, n, 1, 1))
    offsets, tips, missing = np.zeros((n, 3)), np.full((n, 3), np.nan), np.zeros((count, n), dtype=np.bool_)
    for j, (bone, parent) in enumerate(zip(asf.bones, asf.parents)):
        if parent > 0:
            offsets[j] = asf.bones[parent].direction * asf.bones[parent].length * asf.unit
        if j and j not in asf.parents:
            tips[j] = bone.direction * bone.length * asf.unit
        positions[:, j] = offsets[j]
        if bone.name in values:
            rotations[:, j], missing[:, j] = _turns(bone, values[bone.name], degrees)
    path = np.stack([values["root"][:, asf.bones[0].dofs.index(axis)] if axis in asf.bones[0].dofs else np.zeros(count)
                     for axis in ("tx", "ty", "tz")], axis=1)
    positions[:, 0] = fill_values(path * asf.unit, missing[:, 0])
    if missing.any():
        if missing[:, [bone.name in values for bone in asf.bones]].all():
            raise MotionFileError(f"{amc_name} holds no frame whose numbers can be read.")
        notes.append(describe(missing, tuple(bone.name for bone in asf.bones), f"of {amc_name} have no numbers"))
    return Skeleton(tuple(bone.name for bone in asf.bones), asf.parents, offsets, tips, positions, rotations, fps,
                    missing if missing.any() else None, tuple(notes))


def _values(bone: Bone, frames: _Frames, count: int, amc_name: str, asf_name: str) -> Array:
    """(T,dofs) of a bone, NaN where the file has nothing that can be read."""
    rows, width = frames.rows[bone.name], len(bone.dofs)
    values = np.full((count, width), np.nan)
    try:
        numbers = np.array(" ".join(rows).split(), dtype=np.float64)
        if numbers.size != len(rows) * width:
            raise ValueError
        values[frames.at[bone.name]] = numbers.reshape(-1, width)
    except ValueError:
        wrong = 0
        for k, row in zip(frames.at[bone.name], rows):
            words = row.split()
            wrong += len(words) != width
            try:
                values[k] = [float(x) for x in words] if len(words) == width else np.nan
            except ValueError:
                values[k] = np.nan
        if wrong > 1 and wrong > len(rows) / 2:
            raise MotionFileError(f"{amc_name} gives {len(rows[0].split())} numbers for {bone.name} where {asf_name} "
                                  f"asks for {width}; it belongs to another skeleton.") from None
    values[~np.isfinite(values).all(axis=1)] = np.nan
    return values


def _unit_of_angles(values: dict[str, Array], asf: AsfSkeleton, said: bool | None, notes: list[str]) -> bool:
    """Whether the angles are degrees: as said, unless the numbers speak clearly against it."""
    degrees = asf.degrees if said is None else said
    turns = [np.abs(values[bone.name][:, [k for k, dof in enumerate(bone.dofs) if dof[0] == "r"]])
             for bone in asf.bones if bone.name in values]
    known = [np.nanmax(t) for t in turns if t.size and np.isfinite(t).any()]
    largest = max(known, default=0.0)
    if degrees and len(known) >= 8 and 0.5 < largest <= 2 * np.pi:
        notes.append("The angles are said to be degrees, but all lie within one turn in radians; radians were assumed.")
        return False
    if not degrees and largest > 8 * np.pi:
        notes.append(f"The angles are said to be radians, but reach {largest:.0f}; degrees were assumed.")
        return True
    return degrees


def _turns(bone: Bone, values: Array, degrees: bool) -> tuple[Array, NDArray[np.bool_]]:
    missing = np.isnan(values).any(axis=1)
    angles = np.zeros((len(values), 3))
    for k, dof in enumerate(bone.dofs):
        if dof in ("rx", "ry", "rz"):
            angles[:, bone.order.index(dof[1])] = np.where(missing, 0.0, values[:, k])
    turns = Rotation.from_euler(bone.order, angles, degrees=degrees)
    frame = Rotation.from_matrix(bone.frame)
    local = frame * turns * frame.inv()
    if missing.any():
        local = Rotation.from_rotvec(fill_rotations(local.as_rotvec()[:, None], missing[:, None])[:, 0])
    return local.as_matrix(), missing
