"""Read exponential-map text as the papers on pose prediction use it: CMU's motion, 117 numbers a line, 120 a second.

A line is the root's path (x y z, in ASF units) and 38 joints of three numbers w: the local rotation in the frame of the
rest pose is exp(-w), for the files were made for row vectors. The root was built with another order of its Euler angles
(Rz Rx Ry) than the captured one (Rz Ry Rx) and is rebuilt. The rest pose is ASF's: arms along x, legs splayed by 20
degrees. Known from agreement with CMU's own files: see tests/motion/test_expmap.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.errors import MotionFileError
from humanav.motion.gaps import describe, fill_rotations, fill_values
from humanav.motion.skeletons import Skeleton
from humanav.motion.text import MAX_FRAMES, read_text

Array = NDArray[np.float64]

WIDTH = 117
FPS = 120.0
UNIT = 0.0254 / 0.45  # metres of one unit of the path

# Joint of the file, name, parent, offset from the parent in metres (a person of ordinary size).
_LEG = (0.4 * 0.342020143, -0.4 * 0.939692621, 0.0)  # 20 degrees outwards
_TREE: tuple[tuple[int, str, str, tuple[float, float, float]], ...] = (
    (0, "root", "", (0, 0, 0)),
    (2, "lfemur", "root", (0.09, -0.10, 0.03)), (3, "ltibia", "lfemur", _LEG), (4, "lfoot", "ltibia", _LEG),
    (5, "ltoes", "lfoot", (0.011, -0.030, 0.120)),
    (8, "rfemur", "root", (-0.09, -0.10, 0.03)), (9, "rtibia", "rfemur", (-_LEG[0], *_LEG[1:])),
    (10, "rfoot", "rtibia", (-_LEG[0], *_LEG[1:])), (11, "rtoes", "rfoot", (-0.011, -0.030, 0.120)),
    (13, "lowerback", "root", (0, 0, 0)), (14, "upperback", "lowerback", (0, 0.11, 0)),
    (15, "thorax", "upperback", (0, 0.11, 0)), (16, "lowerneck", "thorax", (0, 0.11, 0)),
    (17, "upperneck", "lowerneck", (0, 0.09, 0)), (18, "head", "upperneck", (0, 0.09, 0)),
    (20, "lclavicle", "thorax", (0, 0.11, 0)), (21, "lhumerus", "lclavicle", (0.19, 0.04, 0)),
    (22, "lradius", "lhumerus", (0.28, 0, 0)), (23, "lwrist", "lradius", (0.18, 0, 0)),
    (24, "lhand", "lwrist", (0.09, 0, 0)),
    (29, "rclavicle", "thorax", (0, 0.11, 0)), (30, "rhumerus", "rclavicle", (-0.19, 0.04, 0)),
    (31, "rradius", "rhumerus", (-0.28, 0, 0)), (32, "rwrist", "rradius", (-0.18, 0, 0)),
    (33, "rhand", "rwrist", (-0.09, 0, 0)),
)
_TIPS = {"ltoes": (0, 0, 0.06), "rtoes": (0, 0, 0.06), "head": (0, 0.15, 0), "lhand": (0.07, 0, 0),
         "rhand": (-0.07, 0, 0)}


def parse_expmap(rows: Array, name: str, fps: float | None = None) -> Skeleton:
    """(T,117) numbers on CMU's skeleton, in metres, before they are carried over.

    Args:
        rows: the numbers; NaN where they are missing.
        name: the file's, for errors and notes.
        fps: frames per second; None takes 120.

    Raises:
        MotionFileError: not 117 columns, or no finite number.
    """
    if rows.ndim != 2 or rows.shape[1] != WIDTH:
        known = " (99 is the form of another data set)" if rows.shape[-1] == 99 else ""
        raise MotionFileError(f"{name} has {rows.shape[-1]} numbers a line{known}; exponential maps of CMU's motion "
                              f"have {WIDTH}.")
    notes: list[str] = []
    if fps is None:
        notes.append(f"The file does not say its frame rate; {FPS:.0f} frames a second, as CMU's, were assumed.")
    if len(rows) > 1 and not rows[0, 3:6].any() and np.array_equal(rows[0, :3], rows[1, :3]):
        rows = rows[1:]
        notes.append("The file begins with a rest pose, which was left out.")
    frames = len(rows)
    maps = rows[:, 3:].reshape(frames, 38, 3)[:, [index for index, *_ in _TREE]]
    missing = ~np.isfinite(maps).all(axis=2)
    missing[:, 0] |= ~np.isfinite(rows[:, :3]).all(axis=1)
    if missing.all():
        raise MotionFileError(f"{name} holds NaN or infinite numbers only.")
    names = tuple(name for _, name, _, _ in _TREE)
    if missing.any():
        notes.append(describe(missing, names, f"of {name} hold no finite numbers (NaN)"))
    maps = np.where(missing[..., None], 0.0, -maps)
    angles = Rotation.from_rotvec(maps[:, 0]).as_euler("yxz")
    maps[:, 0] = Rotation.from_euler("xyz", angles[:, [1, 0, 2]]).as_rotvec()
    maps = fill_rotations(maps, missing)
    offsets = np.array([offset for *_, offset in _TREE], dtype=np.float64)
    positions = np.repeat(offsets[None], frames, axis=0)
    positions[:, 0] = fill_values(rows[:, :3] * UNIT, missing[:, 0])
    tips = np.array([_TIPS.get(name, (np.nan,) * 3) for name in names], dtype=np.float64)
    rotations = Rotation.from_rotvec(maps.reshape(-1, 3)).as_matrix().reshape(frames, len(names), 3, 3)
    parents = tuple(names.index(parent) if parent else -1 for _, _, parent, _ in _TREE)
    return Skeleton(names, parents, offsets, tips, positions, rotations, FPS if fps is None else fps,
                    missing if missing.any() else None, tuple(notes))


def read_table(path: str | Path) -> Array:
    """(T,columns) numbers of a text file, parted by commas, semicolons or blanks; "nan" is one.

    Raises:
        MotionFileError: the text holds anything else, or lines of different length.
    """
    file = Path(path)
    text = read_text(file).replace(",", " ").replace(";", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) > MAX_FRAMES:
        raise MotionFileError(f"{file.name} holds {len(lines)} frames; at most {MAX_FRAMES} can be read, so cut "
                              "it first.")
    try:
        width = np.array(lines[0].split(), dtype=np.float64).size if lines else 0  # before all of a foreign file
        values = np.array(" ".join(lines).split(), dtype=np.float64)
    except ValueError as error:
        raise MotionFileError(f"{file.name} is neither an npz nor a BVH file nor any other motion; give .npz (AMASS, "
                              "SMPL-X...), .bvh, or .amc with its .asf.") from error
    if values.size != len(lines) * width or not width:
        raise MotionFileError(f"{file.name} has lines of different length; {WIDTH} numbers a line are needed.")
    return values.reshape(len(lines), width)
