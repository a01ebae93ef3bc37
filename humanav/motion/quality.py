"""Which frames of a captured motion can be trusted: impossible jumps and joints beyond what a body can do.

Captured files hold flipped limbs, swapped markers and gaps. A jump is judged by its speed, so that a motion is judged
alike at any frame rate; limits are boxes on the twist about a bone and the two swings across it, some 15 degrees wider
than the widest of CMU's clean frames (dancers among them) and than what anatomy allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_NAMES
from humanav.motion.loaded import BODY_JOINTS
from humanav.motion.motion import Motion

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

JUMP_SPEED = 1650.0  # degrees a second of a joint's local rotation
JUMP_TIME = 1 / 30  # seconds, over which the speed is measured where there are more frames
JUMP_ANGLE = 25.0  # degrees; at high frame rates the noise of a capture is fast but small
PATH_SPEED = 15.0  # metres a second of the pelvis: nobody runs so fast
SPIKE = 0.25  # seconds: a joint that jumps away and back within this is wrong in between

# Left side, degrees: the bone's axis (its twist), then limits of rotation vector components x, y, z. The right side is
# its mirror image. The elbow bends about -y, in CMU's skeletons about an axis tilted towards +z.
_LIMITS: dict[str, tuple[str, tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "hip": ("y", (-150, 50), (-75, 85), (-65, 115)),
    "knee": ("y", (-15, 170), (-45, 45), (-25, 25)),
    "ankle": ("y", (-75, 75), (-65, 65), (-50, 50)),
    "foot": ("z", (-95, 75), (-30, 30), (-30, 30)),
    "spine1": ("y", (-45, 80), (-40, 40), (-40, 40)),
    "spine2": ("y", (-40, 55), (-40, 40), (-40, 40)),
    "spine3": ("y", (-45, 45), (-40, 40), (-40, 40)),
    "neck": ("y", (-60, 60), (-60, 60), (-55, 55)),
    "head": ("y", (-70, 65), (-75, 75), (-60, 60)),
    "collar": ("x", (-50, 50), (-45, 45), (-45, 50)),
    "shoulder": ("x", (-145, 145), (-150, 100), (-125, 115)),
    "elbow": ("x", (-100, 100), (-170, 20), (-30, 105)),
    "wrist": ("x", (-115, 115), (-95, 95), (-95, 95)),
}


@dataclass(frozen=True)
class Quality:
    """What is wrong with a motion's frames.

    Attributes:
        jumps: (T,22) bool, the joint jumps to or from this frame faster than a body can (0, the root: or its path).
        limits: (T,22) bool, the joint is turned beyond its limits.
        missing: (T,22) bool, the file had no value.
    """

    jumps: Mask
    limits: Mask
    missing: Mask

    @property
    def usable(self) -> Mask:
        """(T,) bool: frames with nothing wrong."""
        return ~(self.jumps | self.limits | self.missing).any(axis=1)

    def reasons(self, frame: int) -> tuple[str, ...]:
        """What is wrong with one frame: "left_knee jumps", "head is beyond its limits", "right_foot is missing"."""
        kinds = ((self.jumps, "jumps"), (self.limits, "is beyond its limits"), (self.missing, "is missing"))
        return tuple(f"{JOINT_NAMES[j]} {word}" for mask, word in kinds for j in np.flatnonzero(mask[frame]))

    def summary(self) -> str:
        """One sentence on the whole motion."""
        bad = int((~self.usable).sum())
        if bad == 0:
            return f"All {len(self.usable)} frames are usable."
        parts = [f"{int(mask.any(axis=1).sum())} {word}" for mask, word in
                 ((self.jumps, "with impossible jumps"), (self.limits, "beyond joint limits"),
                  (self.missing, "with missing joints")) if mask.any()]
        count = (self.jumps | self.limits | self.missing).sum(axis=0)
        worst = ", ".join(JOINT_NAMES[j] for j in np.argsort(-count, kind="stable")[:3] if count[j])
        return f"{bad} of {len(self.usable)} frames are not usable ({', '.join(parts)}), most of all by {worst}."


def usable_frames(motion: Motion, missing: Mask | None = None) -> Mask:
    """(T,) bool: frames without impossible jumps, without joints beyond their limits and without ``missing`` ones."""
    return frame_quality(motion, missing).usable


def frame_quality(motion: Motion, missing: Mask | None = None) -> Quality:
    """What is wrong with each frame and joint of a motion, at any frame rate.

    Args:
        motion: T frames.
        missing: (T,22) bool of interpolated joints, as :func:`humanav.motion.read_motion` gives it; None for none.
    """
    pose = motion.full_pose[:, :BODY_JOINTS].astype(np.float64)
    gaps = np.zeros(pose.shape[:2], dtype=np.bool_) if missing is None else missing
    jumps = _jumps(pose, motion.fps)
    jumps[:, 0] |= _path_jumps(motion.transl.astype(np.float64), motion.fps)
    return Quality(jumps, beyond_limits(pose), gaps)


def beyond_limits(pose: Array) -> Mask:
    """(T,22) bool of axis-angle rotations (T,22,3): where a joint is turned beyond its limits; never for the root."""
    beyond = np.zeros(pose.shape[:2], dtype=np.bool_)
    for j in range(1, BODY_JOINTS):
        side, _, joint = JOINT_NAMES[j].rpartition("_")
        axis, *limits = _LIMITS[joint]
        turn = pose[:, j] * np.array([1.0, -1.0, -1.0]) if side == "right" else pose[:, j]
        angles = np.degrees(swing_twist(turn, "xyz".index(axis)))
        low, high = np.array(limits).T
        beyond[:, j] = ((angles < low) | (angles > high)).any(axis=1)
    return beyond


def swing_twist(turns: Array, axis: int) -> Array:
    """Axis-angle (N,3) as (N,3): the twist about ``axis`` (0, 1, 2) in its place, the swing's vector in the others."""
    quats = Rotation.from_rotvec(turns).as_quat()
    quats = np.where(quats[:, 3:] < 0, -quats, quats)
    twist = np.zeros_like(quats)
    twist[:, axis], twist[:, 3] = quats[:, axis], quats[:, 3]
    length = np.linalg.norm(twist, axis=1, keepdims=True)
    twist = np.where(length > 1e-9, twist / np.maximum(length, 1e-9), [0.0, 0.0, 0.0, 1.0])
    out = (Rotation.from_quat(quats) * Rotation.from_quat(twist).inv()).as_rotvec()
    out[:, axis] = 2 * np.arctan2(twist[:, axis], twist[:, 3])
    return out


def _jumps(pose: Array, fps: float) -> Mask:
    frames, joints = pose.shape[:2]
    if frames < 2:
        return np.zeros((frames, joints), dtype=np.bool_)
    turns = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(frames, joints, 3, 3)

    def angle(span: int) -> Array:
        step = (np.swapaxes(turns[:-span], -1, -2) @ turns[span:]).reshape(-1, 3, 3)
        return np.degrees(Rotation.from_matrix(step).magnitude()).reshape(-1, joints)

    jump = angle(1) > max(JUMP_SPEED / fps, JUMP_ANGLE)
    wrong = _around(jump, fps)
    span = min(round(JUMP_TIME * fps), frames - 1)
    if span > 1:  # a jump that a higher frame rate spreads over several frames
        seen = np.cumsum(np.concatenate([np.zeros((1, joints), dtype=np.intp), jump]), axis=0)
        far = (angle(span) > JUMP_SPEED * JUMP_TIME) & (seen[span:] == seen[:-span])
        for k in range(span + 1):
            wrong[k : k + len(far)] |= far
    return wrong


def _path_jumps(path: Array, fps: float) -> Mask:
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    return _around((steps * fps > PATH_SPEED)[:, None] & (steps > 0.1)[:, None], fps)[:, 0]


def _around(jump: Mask, fps: float) -> Mask:
    """(T,J) from jumps (T-1,J) between frames: the frames on both sides, and those of a short stay away."""
    wrong = np.zeros((len(jump) + 1, jump.shape[1]), dtype=np.bool_)
    wrong[:-1] |= jump
    wrong[1:] |= jump
    for j in np.flatnonzero(jump.any(axis=0)):
        at = np.flatnonzero(jump[:, j])
        for start, end in pairwise(at):
            if end - start <= SPIKE * fps:
                wrong[start : end + 2, j] = True
    return wrong
