"""The :class:`Motion` value: SMPL-X parameters over time for one person.

Convention: world y up, metres, facing +z at rest; rotations parent-relative axis-angle in radians;
``transl`` follows SMPL-X, so the pelvis lies at ``J_pelvis(betas) + transl``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.errors import InputError

Array = NDArray[np.float32]

_WIDTHS = {"global_orient": (3,), "body_pose": (21, 3), "left_hand_pose": (15, 3), "right_hand_pose": (15, 3),
           "jaw_pose": (3,), "leye_pose": (3,), "reye_pose": (3,), "transl": (3,)}


def _empty(*shape: int) -> Array:
    return np.zeros(shape, dtype=np.float32)


@dataclass(frozen=True)
class Motion:
    """One person's motion; T frames. Every array is float32.

    Attributes:
        fps: frames per second (1 or more frames; a photo's pose is a Motion of one frame).
        global_orient: (T,3) root rotation.
        body_pose: (T,21,3).
        left_hand_pose, right_hand_pose: (T,15,3).
        jaw_pose, leye_pose, reye_pose: (T,3).
        expression: (T,E), E may be 0.
        transl: (T,3) metres.
        betas: (B,) shape of the body, B may be 0.
        person_id: whose motion.
        confidence: (T,55) 0..1 per joint, or None when unknown.
        name: a short label.

    Missing optional arrays (given as empty) become zeros of T frames.

    Raises:
        InputError: a wrong shape, no frames, a frame rate that is not positive, or a NaN or infinite number.
    """

    fps: float
    global_orient: Array
    body_pose: Array
    left_hand_pose: Array = field(default_factory=lambda: _empty(0, 15, 3))
    right_hand_pose: Array = field(default_factory=lambda: _empty(0, 15, 3))
    jaw_pose: Array = field(default_factory=lambda: _empty(0, 3))
    leye_pose: Array = field(default_factory=lambda: _empty(0, 3))
    reye_pose: Array = field(default_factory=lambda: _empty(0, 3))
    expression: Array = field(default_factory=lambda: _empty(0, 0))
    transl: Array = field(default_factory=lambda: _empty(0, 3))
    betas: Array = field(default_factory=lambda: _empty(0))
    person_id: str = "0"
    confidence: Array | None = None
    name: str = ""

    def __post_init__(self) -> None:
        frames = int(np.asarray(self.global_orient).reshape(-1, 3).shape[0])
        if frames == 0:
            raise InputError("The motion has no frames.")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise InputError(f"The motion's frame rate must be a positive number, not {self.fps}.")
        for name, width in _WIDTHS.items():
            value = np.asarray(getattr(self, name), dtype=np.float32)
            if value.size == 0:
                value = np.zeros((frames, *width), dtype=np.float32)
            if value.size != frames * int(np.prod(width)):
                raise InputError(f"The motion's {name} has shape {value.shape}; {frames} frames of {width} are needed.")
            object.__setattr__(self, name, _finite(value.reshape(frames, *width), name))
        expression = np.asarray(self.expression, dtype=np.float32)
        expression = expression.reshape(frames, -1) if expression.size else np.zeros((frames, 0), dtype=np.float32)
        object.__setattr__(self, "expression", _finite(expression, "expression"))
        object.__setattr__(self, "betas", _finite(np.asarray(self.betas, dtype=np.float32).reshape(-1), "betas"))
        if self.confidence is not None:
            confidence = np.asarray(self.confidence, dtype=np.float32)
            if confidence.shape != (frames, 55):
                raise InputError(f"The motion's confidence has shape {confidence.shape}; ({frames}, 55) is needed.")
            object.__setattr__(self, "confidence", confidence)
        object.__setattr__(self, "fps", float(self.fps))

    def __len__(self) -> int:
        return int(self.global_orient.shape[0])

    @property
    def duration(self) -> float:
        """Seconds: T / fps."""
        return len(self) / self.fps

    @property
    def full_pose(self) -> Array:
        """All 55 joint rotations (T,55,3) in SMPL-X order: root, body, jaw, eyes, left hand, right hand."""
        return np.concatenate([self.global_orient[:, None], self.body_pose, self.jaw_pose[:, None],
                               self.leye_pose[:, None], self.reye_pose[:, None], self.left_hand_pose,
                               self.right_hand_pose], axis=1)

    @classmethod
    def from_full_pose(
        cls, pose: ArrayLike, fps: float = 30.0, transl: ArrayLike | None = None, betas: ArrayLike | None = None,
        expression: ArrayLike | None = None, name: str = "", person_id: str = "0", confidence: Array | None = None,
    ) -> Motion:
        """From (T,J,3) or (T,J*3) axis-angle in SMPL-X order, J = 22 (body only) or 55."""
        p = np.asarray(pose, dtype=np.float32)
        p = p.reshape(p.shape[0], -1, 3)
        if p.shape[1] not in (22, 55):
            raise InputError(f"A pose of {p.shape[1]} joints is not an SMPL-X pose: 22 or 55 joints are needed.")
        full = np.zeros((p.shape[0], 55, 3), dtype=np.float32)
        full[:, : p.shape[1]] = p
        return cls(fps=fps, global_orient=full[:, 0], body_pose=full[:, 1:22], jaw_pose=full[:, 22],
                   leye_pose=full[:, 23], reye_pose=full[:, 24], left_hand_pose=full[:, 25:40],
                   right_hand_pose=full[:, 40:55], transl=_or_empty(transl, (0, 3)), betas=_or_empty(betas, (0,)),
                   expression=_or_empty(expression, (0, 0)), name=name, person_id=person_id, confidence=confidence)

    def __getitem__(self, index: slice | int | NDArray[np.int64]) -> Motion:
        """A part of the motion: ``motion[10:40]``, some frames by their numbers, or one as a Motion of length 1."""
        part = slice(index, index + 1 or None) if isinstance(index, int) else index
        changes = {f.name: getattr(self, f.name)[part] for f in fields(self)
                   if f.name in _WIDTHS or f.name == "expression"}
        if self.confidence is not None:
            changes["confidence"] = self.confidence[part]
        return replace(self, **changes)

    def with_betas(self, betas: ArrayLike) -> Motion:
        """The same motion for another body shape."""
        return replace(self, betas=np.asarray(betas, dtype=np.float32))


def _or_empty(value: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    return np.zeros(shape, dtype=np.float32) if value is None else np.asarray(value, dtype=np.float32)


def _finite(value: Array, name: str) -> Array:
    if not np.isfinite(value).all():
        raise InputError(f"The motion's {name} holds NaN or infinite numbers; clean or cut those frames first.")
    return value
