"""All people of a capture as one set of Gaussians on their bodies, drawn in one depth sort and one composite.

A Gaussian keeps a place on a face of the body (barycentric, fixed), a distance along the normal (clothes, hair;
learned, a few centimetres), a disc's size, opacity, colour and the person it belongs to. Skinning the face's weights
moves it: no inverse warp, and who hides whom follows from depth. This is AvatarPose's layered composite (Lu et al.,
ECCV 2024), with particles in the place of samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.avatar.gaussian.scatter import scatter
from humanav.avatar.gaussian.value import EPS2D, GaussianAvatar
from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.errors import InputError

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.camera import Camera
    from humanav.fit.clip_kinematics import PosedClip
    from humanav.motion import Motion

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

BONES = 22
SLOTS = 4
"""Bones that move a Gaussian, at most, in the derivative."""
SPREAD = 0.6
"""Standard deviation of a disc in its plane, in distances to its neighbours."""
_THICK, _INSET, OPACITY = 0.3, 0.5, 0.95
_DENSITY = {"head": 2.5, "neck": 1.6, "hand": 3.0, "elbow": 2.2, "wrist": 3.0, "shoulder": 1.6, "foot": 2.0,
            "ankle": 2.0, "knee": 1.5}
_LEAST = 50  # Gaussians of a person
_SLIGHT = 0.02  # skin weight below which a bone moves no Gaussian in the derivative
_INNER = 1e-3  # of the mouth's inside and the like, which nobody sees


@dataclass(frozen=True)
class Splats:
    """One person's Gaussians at rest.

    Attributes:
        person_id: whose they are.
        face: (N,) triangle of the body; barycentric: (N,3) place in it.
        offset: (N,) metres along the body's normal.
        scales: (N,3) standard deviations: two in the surface, one along the normal, metres.
        opacity: (N,). rgb: (N,3) sRGB 0..1. trust: (N,) 0..1, how well pictures saw it.
        surface: (N,3) the places on the body at rest; normals: (N,3); frames: (N,3,3) tangents and normal as columns.
        weights: (N,55) skin weights. joints: (55,3) at rest. betas: (B,) the body's shape.
    """

    person_id: str
    face: NDArray[np.int64]
    barycentric: Array
    offset: Array
    scales: Array
    opacity: Array
    rgb: Array
    trust: Array
    surface: Array
    normals: Array
    frames: Array
    weights: Floats
    joints: Array
    betas: Array

    def __len__(self) -> int:
        return len(self.face)

    @classmethod
    def on_body(cls, body: BodyModel, betas: Array, count: int, person_id: str = "1") -> Splats:
        """Grey Gaussians spread over a body, denser on what is thin.

        Raises:
            InputError: too few of them.
        """
        if count < _LEAST:
            raise InputError(f"{count} Gaussians cannot cover a person: use at least {_LEAST}, better some hundred.")
        vertices, _ = _rest(body, betas)
        face, barycentric, spacing = scatter(vertices.astype(np.float32), np.asarray(body.faces, np.int64),
                                             _density(body, vertices), count)
        tangent = SPREAD * np.minimum(spacing, 2 * np.median(spacing)).astype(np.float64)
        scales = np.stack([tangent, tangent, _THICK * tangent], axis=1)
        blank = cls(person_id, face, barycentric.astype(np.float64), -_INSET * tangent, scales,
                    np.full(count, OPACITY), np.full((count, 3), 0.5), np.zeros(count), np.zeros((count, 3)),
                    np.zeros((count, 3)), np.zeros((count, 3, 3)), _weights(body, face, barycentric),
                    np.zeros((55, 3)), np.zeros(0))
        return blank.reshaped(body, betas)

    def reshaped(self, body: BodyModel, betas: Array) -> Splats:
        """The same Gaussians on another shape of the body."""
        from humanav.avatar.gaussian.posing import frames_of
        from humanav.avatar.gaussian.sampling import tangent_frames
        from humanav.render import vertex_normals

        vertices, joints = _rest(body, betas)
        corners = np.asarray(body.faces, np.int64)[self.face]
        normal = vertex_normals(vertices.astype(np.float32), np.asarray(body.faces, np.int64))[corners]
        normal = np.einsum("nk,nkc->nc", self.barycentric, normal)
        normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        surface = np.einsum("nk,nkc->nc", self.barycentric, vertices[corners])
        frames = frames_of(tangent_frames(normal)).astype(np.float64)
        return replace(self, surface=surface, normals=normal.astype(np.float64), frames=frames, joints=joints,
                       betas=np.asarray(betas, np.float64))

    @property
    def means(self) -> Array:
        """(N,3) centres at rest."""
        return self.surface + self.offset[:, None] * self.normals

    @cached_property
    def slots(self) -> tuple[NDArray[np.int64], Array, Array]:
        """Bones (N,SLOTS) of the 22 of the body that move each (-1: none), their weights, and which of the 55 joints
        each bone carries (55,22)."""
        carry = np.zeros((55, BONES))
        carry[np.arange(55), body_bones()] = 1.0
        grouped = self.weights.astype(np.float64) @ carry
        order = np.argsort(-grouped, axis=1, kind="stable")[:, :SLOTS]
        share = np.take_along_axis(grouped, order, axis=1)
        return np.where(share > _SLIGHT, order, -1), np.where(share > _SLIGHT, share, 0.0), carry


@dataclass(frozen=True)
class PosedScene:
    """Everybody's Gaussians in T poses, in the frame of the poses.

    Attributes:
        means: (T,G,3). covars: (T,G,6) xx, xy, xz, yy, yz, zz. normals: (T,G,3), of unit length where skin is rigid.
        arms: (T,G,SLOTS,3), what a bone's turn moves (see ``refine_kernels``), or None.
        bone, share: (G,SLOTS) bones that move each (-1: none), and by which share. opacity: (G,). rgb: (G,3).
        owner: (G,) index of the person.
    """

    means: Array
    covars: Array
    normals: Array
    arms: Array | None
    bone: NDArray[np.int64]
    share: Array
    opacity: Array
    rgb: Array
    owner: NDArray[np.int64]


@dataclass(frozen=True)
class ScenePicture:
    """A picture of the scene.

    Attributes:
        rgb: (H,W,3) 0..1 over the background. alpha: (H,W). depth: (H,W) metres, inf where alpha is 0.5 or less.
        instance: (H,W,P) share of each pixel that each person covers, hidden parts not counted.
    """

    rgb: Floats
    alpha: Floats
    depth: Floats
    instance: Floats


@dataclass(frozen=True)
class GaussianScene:
    """The Gaussians of P people; ``people`` in the order of the capture's."""

    people: tuple[Splats, ...]

    def posed(self, clips: Sequence[PosedClip], frames: Any = slice(None), arms: bool = False) -> PosedScene:
        """The Gaussians in some frames of everybody's clip."""
        parts = [_posed(splats, clip, frames, arms) for splats, clip in zip(self.people, clips, strict=True)]
        lever = [part[3] for part in parts if part[3] is not None]
        return PosedScene(
            np.concatenate([part[0] for part in parts], axis=1), np.concatenate([part[1] for part in parts], axis=1),
            np.concatenate([part[2] for part in parts], axis=1), np.concatenate(lever, axis=1) if arms else None,
            np.concatenate([splats.slots[0] for splats in self.people]),
            np.concatenate([splats.slots[1] for splats in self.people]),
            np.concatenate([splats.opacity for splats in self.people]),
            np.ascontiguousarray(np.concatenate([splats.rgb for splats in self.people])),  # not by columns
            np.repeat(np.arange(len(self.people)), [len(splats) for splats in self.people]))

    def render(
        self, camera: Camera, motions: Sequence[Motion], frame: int = 0, *, background: Any = (0.0, 0.0, 0.0),
        backend: str = "auto",
    ) -> ScenePicture:
        """A picture of everybody at a frame of their motions (world, y up); the lens' distortion is left out.

        Raises:
            InputError: not one motion for each person.
        """
        import torch

        from humanav.render.splat import rasterize

        if len(motions) != len(self.people):
            raise InputError(f"The scene has {len(self.people)} people; give one motion for each.")
        clips = [clip_of(splats, motion[frame]) for splats, motion in zip(self.people, motions, strict=True)]
        posed = self.posed(clips)
        full = posed.covars[0][:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3)
        channels = np.concatenate([posed.rgb, np.eye(len(self.people))[posed.owner]], axis=1)
        with torch.no_grad():
            image, alpha, _ = rasterize(
                torch.from_numpy(posed.means[0]).float(), None, None, torch.from_numpy(posed.opacity).float(),
                torch.from_numpy(channels).float(), camera.viewmat, camera.K, camera.width, camera.height,
                covars=torch.from_numpy(full).float(), eps2d=EPS2D, render_mode="RGB+ED", backend=backend)
        picture, cover = image.cpu().numpy(), alpha.cpu().numpy()
        behind = np.asarray(background, np.float32)
        rgb = np.clip(picture[..., :3] + (1 - cover)[..., None] * behind, 0, 1).astype(np.float32)
        return ScenePicture(rgb, cover, np.where(cover > 0.5, picture[..., -1], np.inf).astype(np.float32),
                            picture[..., 3:-1])

    def avatar(self, person: int) -> GaussianAvatar:
        """One person's Gaussians as an avatar, which every player and exporter takes."""
        from humanav.avatar.gaussian.sampling import tangent_frames
        from humanav.avatar.regions import PART, part_of_joint

        splats = self.people[person]
        order = np.argsort(-splats.weights, axis=1, kind="stable")[:, :4]
        weight = np.take_along_axis(splats.weights, order, axis=1)
        part = part_of_joint()[order[:, 0]]
        rgb = np.clip(splats.rgb, 0, 1).astype(np.float32)
        return GaussianAvatar(
            splats.means.astype(np.float32), tangent_frames(splats.normals), np.log(splats.scales).astype(np.float32),
            splats.opacity.astype(np.float32), rgb, rgb.copy(), part.astype(np.uint8),
            splats.trust.astype(np.float32), np.isin(part, (PART["left_hand"], PART["right_hand"])),
            order.astype(np.uint8), (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32),
            splats.face.astype(np.int32), splats.barycentric.astype(np.float32), splats.joints.astype(np.float32),
            splats.betas.astype(np.float32),
            notes=(f"Person {splats.person_id}, made from {len(splats)} Gaussians of a multi-view capture.",))


@cache
def body_bones() -> NDArray[np.int64]:
    """(55,) which of the body's 22 joints carries each joint: itself, or what it hangs on."""
    bones = []
    for joint in range(55):
        while joint >= BONES:
            joint = PARENTS[joint]
        bones.append(joint)
    return np.array(bones)


def clip_of(splats: Splats, motion: Motion) -> PosedClip:
    """A motion as a clip posed in the world, with the rest joints of the Gaussians' body."""
    from humanav.body.kinematics import Skeleton, exp_rotation
    from humanav.fit.clip_kinematics import ClipState, pose_clip

    skeleton = Skeleton(splats.joints, np.zeros((55, 3, 1)))
    turns = exp_rotation(motion.full_pose.astype(np.float64))
    state = ClipState(turns, splats.joints[0] + motion.transl.astype(np.float64), np.zeros(1), np.zeros(2))
    return pose_clip(skeleton, state)


def _posed(splats: Splats, clip: PosedClip, frames: Any, arms: bool) -> tuple[Array, Array, Array, Array | None]:
    joints, turns = clip.joints[frames], clip.rotations[frames]
    shift = joints - np.einsum("tjab,jb->tja", turns, splats.joints)
    matrices = np.concatenate([turns, shift[..., None]], axis=-1).reshape(len(joints), 55, 12)
    blended = (splats.weights.astype(np.float64) @ matrices).reshape(len(joints), -1, 3, 4)
    rest = splats.means
    turn = blended[..., :3]
    means = np.einsum("tnab,nb->tna", turn, rest) + blended[..., 3]
    spread = turn @ (splats.frames * splats.scales[:, None, :])
    full = spread @ np.swapaxes(spread, -1, -2)
    covars = np.ascontiguousarray(full.reshape(*full.shape[:2], 9)[..., [0, 1, 2, 4, 5, 8]])
    normals = np.einsum("tnab,nb->tna", turn, splats.normals)
    if not arms:
        return means, covars, normals, None
    bone, _, carry = splats.slots
    lever = np.zeros((*means.shape[:2], SLOTS, 3))
    pivot = joints[:, 0]
    for b in range(BONES):
        who, slot = np.nonzero(bone == b)
        if len(who) == 0:
            continue
        part = splats.weights[who].astype(np.float64) * carry[:, b]
        own = (part @ matrices).reshape(len(joints), -1, 3, 4)
        place = np.einsum("tnab,nb->tna", own[..., :3], rest[who]) + own[..., 3]
        lever[:, who, slot] = place - part.sum(axis=1)[None, :, None] * pivot[:, None]
    return means, covars, normals, lever


def _rest(body: BodyModel, betas: Array) -> tuple[Array, Array]:
    shape = np.zeros(body.num_betas, np.float32)
    shape[: min(len(betas), body.num_betas)] = betas[: body.num_betas]
    vertices, joints = body.rest(shape)
    return vertices.double().numpy(), joints.double().numpy()


def _density(body: BodyModel, vertices: Array) -> Floats:
    from humanav.avatar.build import body_regions, four_influences

    strongest = body.skin_index.numpy()[np.arange(len(vertices)), body.skin_weight.numpy().argmax(axis=1)]
    names = [JOINT_NAMES[body_bones()[joint]] for joint in strongest]
    density = np.array([next((d for word, d in _DENSITY.items() if word in name), 1.0) for name in names])
    faces = np.asarray(body.faces, np.int64)
    hidden = body_regions(body, *four_influences(body.skin_index, body.skin_weight)).inner
    return np.where(hidden[faces].all(axis=1), _INNER, density[faces].mean(axis=1)).astype(np.float32)


def _weights(body: BodyModel, face: NDArray[np.int64], barycentric: Floats) -> Floats:
    from humanav.avatar.gaussian.value import dense_weights

    corners = np.asarray(body.faces, np.int64)[face]
    dense = dense_weights(body.skin_index.numpy(), body.skin_weight.numpy().astype(np.float32), 55)
    return np.einsum("nk,nkj->nj", barycentric, dense[corners]).astype(np.float32)
