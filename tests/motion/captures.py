"""Where the captured files lie, and other forms of them that are written for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.motion import Motion
from humanav.motion.asf import parse_amc
from humanav.motion.expmap import UNIT

# Joint of the exponential maps' 38 and the ASF bone that it is.
MAPPED = {2: "lfemur", 3: "ltibia", 4: "lfoot", 5: "ltoes", 8: "rfemur", 9: "rtibia", 10: "rfoot", 11: "rtoes",
          13: "lowerback", 14: "upperback", 15: "thorax", 16: "lowerneck", 17: "upperneck", 18: "head",
          20: "lclavicle", 21: "lhumerus", 22: "lradius", 23: "lwrist", 24: "lhand", 25: "lfingers", 27: "lthumb",
          29: "rclavicle", 30: "rhumerus", 31: "rradius", 32: "rwrist", 33: "rhand", 34: "rfingers", 36: "rthumb"}


def captured(shared: Path, name: str) -> Path:
    """A file of ../shared/mocap; the test is skipped where it is absent."""
    path = shared / "mocap" / name
    if not path.is_file():
        pytest.skip(f"{name} is absent")
    return path


def expmap_table(amc: Path) -> np.ndarray:
    """(T,117) exponential maps of an AMC file by the recipe of the pose-prediction papers."""
    source = parse_amc(amc)
    maps = np.zeros((len(source.rotations), 38, 3))
    for joint, bone in MAPPED.items():
        maps[:, joint] = -Rotation.from_matrix(source.rotations[:, source.names.index(bone)]).as_rotvec()
    root = Rotation.from_matrix(source.rotations[:, 0]).as_euler("xyz")
    maps[:, 0] = -Rotation.from_euler("yxz", root[:, [1, 0, 2]]).as_rotvec()
    return np.concatenate([source.positions[:, 0] / UNIT, maps.reshape(len(maps), -1)], axis=1)


def degrees_apart(one: Motion, other: Motion, joints: int = 22) -> np.ndarray:
    """(T,joints) angles between the local rotations of two motions."""
    a, b = (Rotation.from_rotvec(m.full_pose[:, :joints].reshape(-1, 3).astype(float)) for m in (one, other))
    return np.degrees((a.inv() * b).magnitude()).reshape(len(one), joints)
