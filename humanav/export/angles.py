"""A table of joint angles that spreadsheets open."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from humanav.export.files import whole_file
from humanav.motion import Motion

if TYPE_CHECKING:
    from humanav.body import BodyModel


def write_angles(motion: Motion, path: str | Path, body: BodyModel | None = None) -> Path:
    """Write one row a frame: frame, seconds, then every angle of :func:`humanav.motion.angles.joint_angles` in degrees.

    Where the motion has confidences, an angle of a joint without any (a frame that was bridged) is left empty.

    Raises:
        StorageError: the file cannot be written.
    """
    from humanav.body.names import JOINT_INDEX
    from humanav.motion.angles import JOINT_OF_ANGLE, joint_angles

    angles = joint_angles(motion, body)
    trust = motion.confidence
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["frame", "seconds", *(f"{name}_deg" for name in angles)])
        for frame in range(len(motion)):
            cells = ["" if trust is not None and trust[frame, JOINT_INDEX[JOINT_OF_ANGLE[name]]] <= 0
                     else f"{values[frame]:.2f}" for name, values in angles.items()]
            table.writerow([frame, f"{frame / motion.fps:.4f}", *cells])
    return Path(path)
