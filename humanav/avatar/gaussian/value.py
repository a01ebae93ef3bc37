"""The :class:`GaussianAvatar` value: a person as Gaussians bound to a body, who can be posed, drawn, saved, loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.avatar.avatar import Floats, joint_transforms
from humanav.avatar.regions import PARTS
from humanav.body.names import PARENTS
from humanav.errors import InputError, StorageError

if TYPE_CHECKING:
    from humanav.avatar.gaussian.deformation import DeformationData
    from humanav.body import BodyModel
    from humanav.camera import Camera

EPS2D = 0.1
"""Pixels squared: about the variance of a pixel's own area, 1/12. With 3DGS's customary 0.3 outlines grow in pictures
smaller than those trained on."""
_VERSION = 1
_ARRAYS = ("means", "quats", "log_scales", "opacities", "rgb", "aux_rgb", "part", "trust", "rigid", "skin_index",
           "skin_weight", "anchor", "barycentric", "joints", "betas")


@dataclass(frozen=True)
class PosedGaussians:
    """Gaussians in the world, as :func:`humanav.render.rasterize` takes them (``covars`` with None for quats, scales).

    Attributes:
        means: (N,3) metres. covars: (N,3,3) square metres. normals: (N,3) unit. opacities: (N,).
    """

    means: Floats
    covars: Floats
    normals: Floats
    opacities: Floats

    def quats_and_scales(self) -> tuple[Floats, Floats]:
        """Rotations (N,4), w first, and standard deviations (N,3) in metres, the smallest last."""
        from scipy.spatial.transform import Rotation

        values, axes = np.linalg.eigh(self.covars.astype(np.float64))
        values, axes = values[:, ::-1], axes[:, :, ::-1].copy()
        axes[:, :, 0] *= np.sign(np.linalg.det(axes))[:, None]
        quats = Rotation.from_matrix(axes).as_quat()[:, [3, 0, 1, 2]]
        return quats.astype(np.float32), np.sqrt(np.maximum(values, 0)).astype(np.float32)


@dataclass(frozen=True)
class GaussianPicture:
    """A picture of Gaussians.

    Attributes:
        rgb: (H,W,3) float32 0..1, over the background asked for. alpha: (H,W) float32.
        depth: (H,W) float32 metres, inf where alpha < 0.5. normal: (H,W,3) unit in the world, 0 where nothing is.
        part: (H,W) int64 index into the avatar's ``part_names``, -1 where alpha < 0.5. The last three only when asked.
    """

    rgb: Floats
    alpha: Floats
    depth: Floats | None = None
    normal: Floats | None = None
    part: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class GaussianAvatar:
    """One person: N Gaussians in the T-pose (SMPL-X: y up, facing +z, metres), bound to the body's surface.

    Attributes:
        means: (N,3) rest centres, what training learned included.
        quats: (N,4) unit, w first; the third axis is the surface's normal. log_scales: (N,3) of standard deviations.
        opacities: (N,) 0..1. rgb: (N,3) sRGB 0..1. aux_rgb: (N,3) colours of the generated training frames.
        part: (N,) uint8 index into ``part_names``. trust: (N,) 0..1, how well a real picture saw it.
        rigid: (N,) bool: hands, face and eyes, which keep to the body's own shape.
        skin_index: (N,4) uint8 joints. skin_weight: (N,4) weights that sum to 1.
        anchor: (N,) int32 triangle of the mesh it came from; barycentric: (N,3) place in it. The body's faces come
            first, so that the body's expressions move the face.
        joints: (55,3) rest joints. betas: (B,) the body's shape. parents: of the joints.
        deformation: what the pose does to the clothes, or None.
        garments: what the person wears. notes: sentences a visitor should read.
    """

    means: Floats
    quats: Floats
    log_scales: Floats
    opacities: Floats
    rgb: Floats
    aux_rgb: Floats
    part: NDArray[np.uint8]
    trust: Floats
    rigid: NDArray[np.bool_]
    skin_index: NDArray[np.uint8]
    skin_weight: Floats
    anchor: NDArray[np.int32]
    barycentric: Floats
    joints: Floats
    betas: Floats
    part_names: tuple[str, ...] = PARTS
    parents: tuple[int, ...] = PARENTS
    deformation: DeformationData | None = None
    garments: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.means)

    def pose(
        self, full_pose: ArrayLike, transl: ArrayLike = (0.0, 0.0, 0.0), expression: ArrayLike | None = None, *,
        refined: bool = True, body: BodyModel | None = None,
    ) -> PosedGaussians:
        """The Gaussians in a pose.

        Args:
            full_pose: (55,3) or (22,3) axis-angle, or (55,3,3) rotation matrices, parent-relative.
            transl: (3,) metres, SMPL-X's meaning.
            expression: (E,) values of the body's expressions.
            refined: with the pose-driven deformation.
            body: whose expressions they are; the built-in body by default.

        Raises:
            InputError: the pose or expression has another shape or is not finite.
        """
        from humanav.avatar.gaussian.expression import expression_offsets
        from humanav.avatar.gaussian.posing import frames_of

        rotation, offset = joint_transforms(self.joints, full_pose, self.parents)
        rest = self.means
        if expression is not None and np.any(expression):
            rest = rest + expression_offsets(self, expression, body)
        if refined and self.deformation is not None:
            rest = rest + self.deformation.offsets(local_rotations(full_pose, len(self.parents)))
        weight = dense_weights(self.skin_index, self.skin_weight, len(self.parents))
        blended = (weight @ np.concatenate([rotation, offset[:, :, None]], axis=2).reshape(len(rotation), 12))
        blended = blended.reshape(-1, 3, 4)
        means = np.einsum("nij,nj->ni", blended[..., :3], rest) + blended[..., 3]
        axes = blended[..., :3] @ frames_of(self.quats)
        spread = axes * np.exp(self.log_scales)[:, None, :]
        normals = np.cross(axes[..., 0], axes[..., 1])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        shift = np.asarray(transl, dtype=np.float32).reshape(1, 3)
        return PosedGaussians((means + shift).astype(np.float32), (spread @ spread.transpose(0, 2, 1)), normals,
                              self.opacities)

    def render(
        self, camera: Camera, full_pose: ArrayLike, transl: ArrayLike = (0.0, 0.0, 0.0),
        expression: ArrayLike | None = None, *, refined: bool = True, background: ArrayLike = (0.0, 0.0, 0.0),
        maps: bool = False, colors: ArrayLike | None = None, body: BodyModel | None = None, backend: str = "auto",
    ) -> GaussianPicture:
        """A picture of the person.

        Args:
            full_pose, transl, expression, refined, body: as :meth:`pose`.
            background: (3,) or (H,W,3) sRGB 0..1.
            maps: also depth, normal and part.
            colors: (N,3) instead of the avatar's own ``rgb``.
            backend: of :func:`humanav.render.rasterize`.

        Raises:
            InputError: as :meth:`pose`.
        """
        import torch

        from humanav.render.splat import rasterize

        posed = self.pose(full_pose, transl, expression, refined=refined, body=body)
        shown = np.asarray(self.rgb if colors is None else colors, dtype=np.float32)
        extra = np.zeros((len(self), 0), np.float32)
        if maps:
            labels = np.eye(len(self.part_names), dtype=np.float32)[self.part]
            extra = np.concatenate([posed.normals, labels], axis=1)
        channels = torch.from_numpy(np.concatenate([shown, extra], axis=1))
        with torch.no_grad():
            image, alpha, _ = rasterize(
                torch.from_numpy(posed.means), None, None, torch.from_numpy(np.array(posed.opacities)), channels,
                camera.viewmat, camera.K, camera.width, camera.height, covars=torch.from_numpy(posed.covars),
                eps2d=EPS2D, render_mode="RGB+ED" if maps else "RGB", backend=backend)
        picture, cover = image.numpy(), alpha.numpy()
        behind = np.asarray(background, dtype=np.float32)
        rgb = np.clip(picture[..., :3] + (1 - cover)[..., None] * behind, 0, 1)
        if not maps:
            return GaussianPicture(rgb, cover)
        there = cover > 0.5
        normal = picture[..., 3:6] / np.maximum(np.linalg.norm(picture[..., 3:6], axis=-1, keepdims=True), 1e-9)
        return GaussianPicture(rgb, cover, np.where(there, picture[..., -1], np.inf).astype(np.float32),
                               normal * (cover > 1 / 255)[..., None],
                               np.where(there, picture[..., 6:-1].argmax(-1), -1))

    def save(self, path: str | Path) -> None:
        """Write one npz. Raises StorageError when it cannot be written."""
        meta: dict[str, Any] = {"version": _VERSION, "part_names": list(self.part_names),
                                "garments": dict(self.garments), "parents": list(self.parents),
                                "notes": list(self.notes), "deformation": None}
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in _ARRAYS}
        if self.deformation is not None:
            meta["deformation"] = {"kind": self.deformation.kind, "settings": dict(self.deformation.settings)}
            arrays |= {f"deformation/{name}": value for name, value in self.deformation.arrays.items()}
        arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
        try:
            with open(path, "wb") as file:
                np.savez_compressed(file, **arrays)
        except OSError as error:
            raise StorageError(f"The avatar cannot be written to {Path(path).name}: {error.strerror}.") from error

    @classmethod
    def load(cls, path: str | Path) -> GaussianAvatar:
        """Read an avatar written by :meth:`save`. Raises InputError when the file is not one."""
        from humanav.avatar.gaussian.deformation import DeformationData
        from humanav.body.files import require_size

        name = Path(path).name
        try:
            require_size(path)
            with np.load(path, allow_pickle=False) as data:
                meta = json.loads(bytes(data["meta"]).decode())
                if meta.get("version", 0) > _VERSION:
                    raise InputError(f"{name} was saved by a newer humanav; update this one to read it.")
                deformation = None
                if meta["deformation"] is not None:
                    own = {key.partition("/")[2]: data[key] for key in data.files if key.startswith("deformation/")}
                    deformation = DeformationData(meta["deformation"]["kind"], meta["deformation"]["settings"], own)
                return cls(**{key: data[key] for key in _ARRAYS}, part_names=tuple(meta["part_names"]),
                           parents=tuple(meta["parents"]), deformation=deformation, garments=meta["garments"],
                           notes=tuple(meta["notes"]))
        except InputError:
            raise
        except Exception as error:  # zip, zlib, numpy and JSON raise a dozen kinds
            raise InputError(f"{name} is not a saved Gaussian avatar; make one with humanav avatar train.") from error


def dense_weights(index: NDArray[Any], weight: Floats, joints: int) -> Floats:
    """(N,J) skin weights from the (N,K) strongest ones."""
    dense = np.zeros((len(index), joints), dtype=np.float32)
    np.add.at(dense, (np.arange(len(index))[:, None], index), weight)
    return dense


def local_rotations(full_pose: ArrayLike, joints: int = 55) -> NDArray[np.float64]:
    """(J,3,3) parent-relative rotations of a pose that :func:`~humanav.avatar.avatar.joint_transforms` accepts."""
    from scipy.spatial.transform import Rotation

    pose = np.asarray(full_pose, dtype=np.float64)
    if pose.ndim == 3:
        return pose
    local = np.tile(np.eye(3), (joints, 1, 1))
    local[: len(pose)] = Rotation.from_rotvec(pose).as_matrix()
    return local
