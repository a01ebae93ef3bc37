"""Skinned Gaussians with their motions as one compact file, which the browser's viewer plays.

The file is in the safetensors format (a JSON header, then plain arrays), so any program reads it:

==================  ===========  =====================================================================
``center``          U16 (N,3)    rest position: ``box[0] + (box[1] - box[0]) * value / 65535`` metres
``rotation``        I8 (N,4)     rest quaternion w x y z, times 127
``scale``           F16 (N,3)    standard deviations, metres
``color``           U8 (N,4)     red, green, blue, opacity, times 255
``skin_index``      U8 (N,4)     the four joints a Gaussian follows most
``skin_weight``     U8 (N,4)     their weights, times 255; they sum to 255
``joints``          F32 (J,3)    rest positions of the joints, metres
``parents``         I16 (J,)     parent of each joint, -1 for the root
``motion.K``        I16 (T,J,4)  parent-relative quaternions x y z w of motion K, times 32767
``transl.K``        F32 (T,3)    metres added to the root's rest position
``basis``           I8 (N,R,3)   shapes of what the pose does to the clothes, R of 1..8; left out when nothing moves
``amounts.K``       F32 (T,R)    metres per unit of each shape: ``center + sum_r amounts[t,r] basis[:,r]`` is skinned
==================  ===========  =====================================================================

Its metadata hold ``format``, ``box`` and ``motions`` (a JSON list of name and fps). 28 bytes a Gaussian (52 with
eight shapes) and 452 bytes a frame (484); ``scripts/viewer/splat_file.js`` reads the arrays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.body.names import PARENTS
from humanav.errors import InputError
from humanav.export.correctives import MOST, Deform, basis_of
from humanav.export.files import whole_file
from humanav.export.gltf import Motions, _four_influences, _named, axis_angle_to_quat_xyzw
from humanav.export.splats import Splats, as_numpy
from humanav.motion import Motion

Floats = NDArray[np.float32]
FORMAT = "humanav skinned splats 1"
_HALF_MIN, _HALF_MAX = 6.2e-5, 6.0e4  # what float16 holds with its full precision


@dataclass(frozen=True)
class SkinnedSplats:
    """Gaussians in the rest pose that follow a skeleton, and its motions.

    Attributes:
        splats: N Gaussians in the rest pose (T-pose).
        skin_index: (N,4) uint8 joints.
        skin_weight: (N,4) float32, rows sum to 1.
        joints: (55,3) float32 rest joint positions.
        parents: parent of each joint, -1 for the root.
        motions: by name, without expression and shape.
        basis: (N,R,3) int8 and ``amounts``: (T,R) by the motion's name: what a pose does to the clothes; R may be 0.
    """

    splats: Splats
    skin_index: NDArray[np.uint8]
    skin_weight: Floats
    joints: Floats
    parents: tuple[int, ...] = PARENTS
    motions: Mapping[str, Motion] = field(default_factory=dict)
    basis: NDArray[np.int8] | None = None
    amounts: Mapping[str, Floats] = field(default_factory=dict)

    def frame(self, motion: str, frame: int) -> Splats:
        """The Gaussians in one frame of a motion, as the browser shows them."""
        if motion not in self.motions or not 0 <= frame < len(self.motions[motion]):
            raise InputError(f"There is no frame {frame} of a motion {motion!r} in this file.")
        clip, splats = self.motions[motion], self.splats
        if self.basis is not None:
            moved = np.einsum("nrc,r->nc", self.basis.astype(np.float32), self.amounts[motion][frame])
            splats = replace(splats, means=splats.means + moved)
        return replace(self, splats=splats).pose(clip.full_pose[frame], clip.transl[frame])

    def pose(self, full_pose: ArrayLike, transl: ArrayLike = (0.0, 0.0, 0.0)) -> Splats:
        """The Gaussians in a pose, by linear blend skinning of centres and covariances.

        Args:
            full_pose: (55,3) axis-angle or (55,3,3) matrices, parent-relative.
            transl: (3,) metres, as in :meth:`humanav.avatar.Avatar.pose`.

        Raises:
            InputError: the pose has another shape or is not finite.
        """
        from humanav.avatar.avatar import blended, joint_transforms

        turns, offsets = joint_transforms(self.joints, full_pose, self.parents)
        blend, shift = blended(turns, offsets, self.skin_index, self.skin_weight)
        return self.splats.transformed(blend, shift + np.asarray(transl, dtype=np.float32).reshape(1, 3))


def write_skinned_splats(
    path: str | Path, means: ArrayLike, quats: ArrayLike, scales: ArrayLike, opacities: ArrayLike, rgb: ArrayLike, *,
    skin_index: ArrayLike, skin_weight: ArrayLike, joints: ArrayLike, parents: Sequence[int] = PARENTS,
    motions: Motions = (), max_fps: float = 30.0, deform: Deform | None = None, terms: int = MOST,
) -> Path:
    """Write Gaussians, skeleton and motions to one file.

    Rounding moves a centre by less than 0.03 mm a metre of the person's size, a colour by 1/510, an axis by 0.5
    degrees, a size by 0.05 %; of more than four joints the four of largest weight remain.

    Args:
        path: the file to write (``avatar.splats``).
        means, quats, scales, opacities, rgb: in the rest pose, as :class:`~humanav.export.splats.Splats`.
        skin_index: (N,K) joints, ``skin_weight``: (N,K) weights.
        joints: (55,3) rest joint positions.
        parents: (55,) parent of each joint.
        motions: by name, or Motions (named by their ``name``); may be empty.
        max_fps: faster motions are resampled to this rate.
        deform: what a pose (55,3) does to the rest centres: offsets (N,3), metres; kept as ``terms`` shapes (0..8).

    Raises:
        InputError: arrays that do not fit together.
        StorageError: the file cannot be written.
    """
    splats = Splats(*(as_numpy(value) for value in (means, quats, scales, opacities, rgb)))
    data = _pack(splats, as_numpy(skin_index), as_numpy(skin_weight), as_numpy(joints), parents, motions, max_fps,
                 deform, terms)
    with whole_file(path) as temporary:
        temporary.write_bytes(data)
    return Path(path)


def pack_still(splats: Splats) -> bytes:
    """The file's bytes for Gaussians that only stand: they follow the root of a skeleton that has no extent."""
    index = np.zeros((len(splats), 1), dtype=np.uint8)
    root = np.median(splats.means, axis=0)
    return _pack(splats, index, np.ones(index.shape), np.tile(root, (len(PARENTS), 1)), PARENTS, (), 30.0)


def read_skinned_splats(path: str | Path) -> SkinnedSplats:
    """Read what :func:`write_skinned_splats` wrote. Raises InputError when the file is not one."""
    from safetensors import SafetensorError, safe_open
    from scipy.spatial.transform import Rotation

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise InputError(f"{Path(path).name} holds no skinned Gaussians ({FORMAT}).")
            data = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        low, high = np.array(json.loads(metadata["box"]), dtype=np.float32)
        motions, amounts = {}, {}
        for k, item in enumerate(json.loads(metadata["motions"])):
            turns = data[f"motion.{k}"]
            pose = Rotation.from_quat(turns.reshape(-1, 4).astype(np.float64)).as_rotvec().reshape(*turns.shape[:2], 3)
            motions[item["name"]] = Motion.from_full_pose(pose, item["fps"], data[f"transl.{k}"], name=item["name"])
            if "basis" in data:
                amounts[item["name"]] = data[f"amounts.{k}"]
        color = data["color"].astype(np.float32) / 255
        splats = Splats(low + data["center"].astype(np.float32) * ((high - low) / 65535), data["rotation"],
                        data["scale"], color[:, 3], color[:, :3])
        return SkinnedSplats(splats, data["skin_index"], data["skin_weight"].astype(np.float32) / 255, data["joints"],
                             tuple(int(p) for p in data["parents"]), motions, data.get("basis"), amounts)
    except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
        raise InputError(f"{Path(path).name} cannot be read as skinned Gaussians; write it again.") from error


def _pack(
    splats: Splats, skin_index: NDArray[Any], skin_weight: NDArray[Any], joints: NDArray[Any], parents: Sequence[int],
    motions: Motions, max_fps: float, deform: Deform | None = None, terms: int = MOST,
) -> bytes:
    from safetensors.numpy import save

    index, weight = _skinning(skin_index, skin_weight, len(splats))
    rest, tree = joints.astype(np.float32), np.asarray(parents, dtype=np.int16)
    if rest.shape != (len(PARENTS), 3) or tree.shape != (len(PARENTS),) or not np.isfinite(rest).all():
        raise InputError(f"The skeleton needs 55 finite joints (55,3) and parents (55,), not {rest.shape}, "
                         f"{tree.shape}.")
    if tree[0] >= 0 or (tree[1:] >= np.arange(1, 55)).any() or (tree[1:] < 0).any():
        raise InputError("The skeleton's joints must come after their parents, the root first.")
    low, high = splats.means.min(0), splats.means.max(0)
    steps = np.maximum(high - low, 1e-6) / 65535
    arrays: dict[str, NDArray[Any]] = {
        "center": np.rint((splats.means - low) / steps).clip(0, 65535).astype(np.uint16),
        "rotation": np.rint(splats.quats * 127).astype(np.int8),
        "scale": splats.scales.clip(_HALF_MIN, _HALF_MAX).astype(np.float16),
        "color": np.rint(np.column_stack([splats.rgb, splats.opacities]) * 255).astype(np.uint8),
        "skin_index": index, "skin_weight": weight, "joints": rest, "parents": tree,
    }
    named, clips = [], []
    for k, (name, motion) in enumerate(_named(motions)):
        if motion.fps > max_fps * 1.01 and len(motion) > 1:
            from humanav.motion import resample

            motion = resample(motion, max_fps)
        arrays[f"motion.{k}"] = np.rint(axis_angle_to_quat_xyzw(motion.full_pose) * 32767).astype(np.int16)
        arrays[f"transl.{k}"] = motion.transl
        named.append({"name": name, "fps": motion.fps})
        clips.append(motion)
    if deform is not None:
        basis, amounts = basis_of(deform, clips, len(splats), terms)
        if basis.shape[1]:
            arrays |= {"basis": basis} | {f"amounts.{k}": value for k, value in enumerate(amounts)}
    box = [low.astype(float).tolist(), (low + steps * 65535).astype(float).tolist()]
    metadata = {"format": FORMAT, "box": json.dumps(box), "motions": json.dumps(named)}
    return bytes(save({name: np.ascontiguousarray(value) for name, value in arrays.items()}, metadata))


def _skinning(index: NDArray[Any], weight: NDArray[Any], count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The four largest influences, in 255ths that sum to 255 (the largest takes what rounding leaves over)."""
    if index.ndim != 2 or index.shape != weight.shape or len(index) != count:
        raise InputError(f"The skinning has shapes {index.shape} and {weight.shape}; ({count}, K) is needed for both.")
    if not np.isfinite(weight).all() or index.min() < 0 or index.max() >= len(PARENTS):
        raise InputError("The skinning holds joints out of range or weights that are not finite.")
    joints, four = _four_influences(index, weight)
    parts = np.rint(four * 255).astype(np.int64)
    parts[:, 0] += 255 - parts.sum(1)  # sorted: the first is the largest
    return joints, parts.astype(np.uint8)
