"""Open a motion file, whatever it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from humanav.errors import MotionFileError
from humanav.motion.bvh import read_bvh
from humanav.motion.loaded import Loaded
from humanav.motion.motion import Motion
from humanav.motion.npz import Up, load_npz

if TYPE_CHECKING:
    from humanav.body import BodyModel


def load_motion(
    path: str | Path, body: BodyModel | None = None, *, asf: str | Path | None = None,
    joint_map: str | Path | dict[str, str | None] | None = None, fps: float | None = None, up: Up | None = None,
) -> Motion:
    """The motion in a file: :func:`read_motion` without its notes; the same arguments and errors."""
    return read_motion(path, body, asf=asf, joint_map=joint_map, fps=fps, up=up).motion


def read_motion(
    path: str | Path, body: BodyModel | None = None, *, asf: str | Path | None = None,
    joint_map: str | Path | dict[str, str | None] | None = None, fps: float | None = None, up: Up | None = None,
) -> Loaded:
    """Read a motion from an npz of any style, an npy array or a BVH file; the file's first bytes tell which.

    Args:
        path: the file.
        body: whose body the motion is read for; by default the shipped one.
        asf: the skeleton of an AMC file; None looks for it beside the file.
        joint_map: names for a skeleton whose joints are not recognised: our joint to the file's.
        fps: frames per second, in place of what the file or its format says.
        up: vertical axis, when known; None finds it out.

    Raises:
        MotionFileError: one sentence that says what is wrong with the file.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise MotionFileError(f"The motion file {file.name} cannot be opened: {error.strerror or error}.") from error
    if not head:
        raise MotionFileError(f"The motion file {file.name} is empty.")
    if head[:2] == b"PK" or head[:6] == b"\x93NUMPY":
        return Loaded.whole(load_npz(file, up=up, body=body))
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].upper() == b"HIERARCHY":
        return Loaded.whole(read_bvh(file, body))
    raise MotionFileError(f"{file.name} is neither an npz nor a BVH file; give a motion as .npz (AMASS, SMPL-X...) or "
                          ".bvh.")
