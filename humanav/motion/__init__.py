"""The Motion value, its files, what can be done with it, and the built-in clips.

Only :class:`Motion` is imported at once; the rest, which may need the body and so torch, on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from humanav.motion.motion import Motion

if TYPE_CHECKING:
    from humanav.motion.angles import ANGLE_NAMES, joint_angles
    from humanav.motion.asf import read_amc
    from humanav.motion.bvh import read_bvh, write_bvh
    from humanav.motion.clips import CLIP_NAMES, LOOPS, in_place, load_clip
    from humanav.motion.files import load_motion, read_motion
    from humanav.motion.loaded import Loaded
    from humanav.motion.npz import load_npz, save_npz
    from humanav.motion.operations import floor_heights, ground, mirror, resample
    from humanav.motion.quality import Quality, frame_quality, usable_frames
    from humanav.motion.shapes import fit_to_shape

__all__ = [
    "ANGLE_NAMES", "CLIP_NAMES", "LOOPS", "Loaded", "Motion", "Quality", "fit_to_shape", "floor_heights",
    "frame_quality", "ground", "in_place", "joint_angles", "load_clip", "load_motion", "load_npz", "mirror", "read_amc",
    "read_bvh", "read_motion", "resample", "save_npz", "usable_frames", "write_bvh",
]

_HOMES = {
    **dict.fromkeys(("ANGLE_NAMES", "joint_angles"), "angles"),
    "read_amc": "asf",
    **dict.fromkeys(("read_bvh", "write_bvh"), "bvh"),
    **dict.fromkeys(("CLIP_NAMES", "LOOPS", "in_place", "load_clip"), "clips"),
    **dict.fromkeys(("load_motion", "read_motion"), "files"),
    "Loaded": "loaded",
    **dict.fromkeys(("load_npz", "save_npz"), "npz"),
    **dict.fromkeys(("floor_heights", "ground", "mirror", "resample"), "operations"),
    **dict.fromkeys(("Quality", "frame_quality", "usable_frames"), "quality"),
    "fit_to_shape": "shapes",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"humanav.motion.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
