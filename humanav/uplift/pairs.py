"""Training pairs made on the fly: simulated 2D detections of moving people, and the rotations they came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import roma
import torch
from torch import Tensor

from humanav.body import BodyModel
from humanav.body.names import JOINT_INDEX, MIRROR
from humanav.posendf.cmu import Clip
from humanav.uplift.cameras import CameraDraw, draw_cameras, place_person, project, smooth_walk
from humanav.uplift.motions import join, training_stretches, usable_runs
from humanav.uplift.noise import NoiseModel
from humanav.uplift.skeleton import NUM_JOINTS, UpliftBody

NUM_BETAS = 10
_PARTS = tuple(torch.tensor([JOINT_INDEX[name] for name in names]) for names in (
    ("left_collar", "left_shoulder", "left_elbow", "left_wrist"),
    ("right_collar", "right_shoulder", "right_elbow", "right_wrist"), ("spine1", "spine2", "spine3", "neck", "head"),
    tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle", "foot"))))
"""What may come from another clip: an arm, the back and head, or both legs."""
_MIRROR = list(MIRROR[:NUM_JOINTS])
# degrees by which each joint of a captured pose is turned at random: pelvis, hips, spine1, knees, ...
_LOOSE = torch.tensor([4, 7, 7, 3, 4, 4, 3, 6, 6, 3, 6, 6, 7, 6, 6, 7, 8, 8, 5, 5, 12, 12.0]).deg2rad()


@dataclass(frozen=True)
class Pairs:
    """B clips of T frames. Camera frame: OpenCV axes, metres.

    Attributes:
        keypoints: (B,T,K,3) simulated detections, pixels and confidence; (0, 0, 0) where there is none.
        clean: (B,T,K,2) the true landmarks, pixels.
        K: (B,3,3) intrinsics.
        size: (B,2) width and height, pixels.
        root: (B,T,3,3) global orientation in the camera's frame.
        body: (B,T,21,3,3) parent-relative rotations.
        joints: (B,T,22,3) root-relative, along the camera's axes.
        pelvis: (B,T,3) the pelvis in the camera's frame.
        betas: (B,10) shape.
        fps: (B,) frames per second.
    """

    keypoints: Tensor
    clean: Tensor
    K: Tensor
    size: Tensor
    root: Tensor
    body: Tensor
    joints: Tensor
    pelvis: Tensor
    betas: Tensor
    fps: Tensor


class PairSource:
    """An endless stream of random pairs.

    With ``augment`` the takes are mixed with the built-in clips and moves between hand-made poses, and clips are
    mirrored, played at 12 to 75 frames per second, backwards, held still (a fifth: one frame seen over and over, with
    one draw of noise, as from a photo), given arms, back or legs of other clips (half of them, each part half the
    time), turned a little at random in every joint, and tilted or laid down.

    Runs of usable frames that are shorter than the window are played forwards and backwards until it is full.

    Args:
        clips: takes; frames whose ``ok`` is false are never shown.
        keypoint_set: "blazepose33" or "coco17".
        frames: T.
        seed: the same seed gives the same batches in the same order.
        noise: level of the simulated detector's errors: 0 none, 1 as measured.
        augment: see above; without it only body shape, camera and noise are random.

    Raises:
        InputError: no usable frames, or no noise model for the layout.
    """

    def __init__(
        self, clips: Iterable[Clip], keypoint_set: str, *, frames: int = 64, seed: int = 0, noise: float = 1.0,
        augment: bool = True, body: BodyModel | None = None,
    ) -> None:
        self.keypoint_set, self.frames, self.augment = keypoint_set, frames, augment
        self.generator = torch.Generator().manual_seed(seed)
        self._studio = _Studio(keypoint_set, noise, body)
        self._stretches = training_stretches(clips) if augment else join(usable_runs(clips))

    def batch(self, count: int) -> Pairs:
        """The next ``count`` clips."""
        g = self.generator
        speed, fps = self._speeds(count)
        run = self._stretches.draw(count, g)
        still = torch.rand(count, generator=g) < (0.2 if self.augment else 0.0)
        quats, transl = self._play(run, speed, still)
        if not self.augment:
            return self._studio.shoot(roma.unitquat_to_rotmat(quats), transl, fps, still, g)
        patchwork = torch.rand(count, generator=g) < 0.5
        for part in _PARTS:
            mixed = torch.nonzero(patchwork & (torch.rand(count, generator=g) < 0.5))[:, 0]
            if len(mixed):
                other, _ = self._play(self._stretches.draw(len(mixed), g), speed[mixed], still[mixed])
                quats[mixed[:, None], :, part] = other.transpose(1, 2)[:, part]
        quats = _loosen(quats, still, g)
        mirrored = torch.rand(count, generator=g) < 0.5
        quats = torch.where(mirrored[:, None, None, None], mirror_quats(quats), quats)
        transl = torch.where(mirrored[:, None, None], transl * transl.new_tensor([-1, 1, 1]), transl)
        rotations = roma.unitquat_to_rotmat(quats)
        tilt = _tilts(count, g)
        rotations[:, :, 0] = tilt[:, None] @ rotations[:, :, 0]
        transl = transl @ tilt.transpose(1, 2)
        return self._studio.shoot(rotations, transl, fps, still, g)

    def _speeds(self, count: int) -> tuple[Tensor, Tensor]:
        """Source frames per frame, and the frames per second that this stands for."""
        if not self.augment:
            return torch.ones(count), torch.full((count,), 30.0)
        rates = torch.tensor([15.0, 24, 25, 30, 30, 30, 50, 60])
        fps = rates[torch.randint(len(rates), (count,), generator=self.generator)]
        stretch = 0.8 + 0.45 * torch.rand(count, generator=self.generator)
        backwards = torch.rand(count, generator=self.generator) < 0.2
        return 30 / fps * stretch * torch.where(backwards, -1.0, 1.0), fps

    def _play(self, run: Tensor, speed: Tensor, still: Tensor) -> tuple[Tensor, Tensor]:
        """A random window of each run."""
        time = torch.arange(self.frames) * speed[:, None]
        length = self._stretches.length[run] - 1.0
        span = (time[:, -1].abs()).clamp_min(0)
        room = torch.where(span < length, length - span, length)
        first = torch.rand(len(run), generator=self.generator) * room
        first = torch.where((speed < 0) & (span < length), first + span, first)
        if not self.augment:
            first = first.round()
        time = first[:, None] + torch.where(still[:, None], torch.zeros_like(time), time)
        return self._stretches.at(run, time)


def held_out_pairs(
    clips: Iterable[Clip], keypoint_set: str, *, frames: int = 64, seed: int = 0, noise: float = 1.0, views: int = 1,
    cropped: float = 0.0, body: BodyModel | None = None,
) -> list[Pairs]:
    """Every usable frame of the takes, once per view, with random body shapes, cameras and noise; always the same.

    Runs are cut into windows of ``frames``; the rest of a run makes a shorter window of its own, so that no frame
    comes twice: T differs between the returned batches, and may be 1.

    Args:
        clips: takes at any frame rate; they are shown at 30 frames per second.
        keypoint_set: "blazepose33" or "coco17".
        frames: longest window.
        seed: of shapes, cameras and noise.
        noise: level of the simulated detector's errors.
        views: how many cameras see each window.
        cropped: share of the cameras that are too near to show the whole person.

    Raises:
        InputError: no usable frames, or no noise model for the layout.
    """
    studio = _Studio(keypoint_set, noise, body)
    windows: dict[int, list[tuple[Tensor, Tensor]]] = {}
    for quats, transl in usable_runs(clips):
        for q, t in zip(quats.split(frames), transl.split(frames)):
            windows.setdefault(len(q), []).append((q, t))
    generator = torch.Generator().manual_seed(seed)
    pairs = []
    for _, group in sorted(windows.items(), reverse=True):
        group = group * views
        for k in range(0, len(group), 32):
            part = group[k:k + 32]
            rotations = roma.unitquat_to_rotmat(torch.stack([q for q, _ in part]))
            fps, still = torch.full((len(part),), 30.0), torch.zeros(len(part), dtype=torch.bool)
            pairs.append(studio.shoot(rotations, torch.stack([t for _, t in part]), fps, still, generator,
                                      cropped))
    if not pairs:
        join([])
    return pairs


class _Studio:
    """Gives moving skeletons a shape, puts them before a camera and simulates the detector."""

    def __init__(self, keypoint_set: str, level: float, body: BodyModel | None) -> None:
        self.keypoint_set, self.level, self.noise = keypoint_set, level, NoiseModel.load(keypoint_set)
        model = BodyModel.load() if body is None else body
        self.body = UpliftBody(model)
        means = [model.mean_betas.get(who) for who in ("woman", "man")]
        self._builds = torch.stack([
            torch.zeros(NUM_BETAS) if mean is None else torch.as_tensor(mean[:NUM_BETAS]) for mean in means])

    def betas(self, count: int, generator: torch.Generator) -> Tensor:
        """(count,10) shapes scattered about an average woman's and man's, as those of the synthetic people."""
        build = self._builds[torch.randint(2, (count,), generator=generator)]
        return build + 0.85 * torch.randn(count, NUM_BETAS, generator=generator).clamp(-2, 2)

    def shoot(
        self, rotations: Tensor, transl: Tensor, fps: Tensor, still: Tensor, generator: torch.Generator,
        cropped: float = 0.15,
    ) -> Pairs:
        """Pairs from world rotations (B,T,22,3,3) and places (B,T,3)."""
        count, frames = rotations.shape[:2]
        betas = self.betas(count, generator)
        camera = draw_cameras(count, frames, generator, cropped)
        view = torch.where(still[:, None, None, None], camera.rotation[:, :1], camera.rotation)
        rotations = torch.cat([(view @ rotations[:, :, 0])[:, :, None], rotations[:, :, 1:]], 2)
        joints, world = self.body(rotations, betas[:, None])
        points = self.body.landmarks(joints, world, betas[:, None], self.keypoint_set)
        pelvis = self._wander(transl, view, camera, still)
        pelvis = pelvis + place_person(points + pelvis[:, :, None], camera, self.body.stature(betas))[:, None]
        points, placed = points + pelvis[:, :, None], joints + pelvis[:, :, None]
        clean = project(points, camera.K)
        seen = self.noise(clean, points, placed, camera.K, camera.size, generator, self.level, still)
        return Pairs(seen, clean, camera.K, camera.size, rotations[:, :, 0], rotations[:, :, 1:], joints, pelvis,
                     betas, fps)

    @staticmethod
    def _wander(transl: Tensor, view: Tensor, camera: CameraDraw, still: Tensor) -> Tensor:
        """(B,T,3) how the pelvis moves along the camera's axes, about where it is in the middle."""
        moved = (transl - transl[:, transl.shape[1] // 2, None]) * (1 - camera.follow)[:, None, None]
        sway = torch.where(still[:, None, None], camera.sway[:, :1], camera.sway)
        return (view @ moved.unsqueeze(-1)).squeeze(-1) + sway


def mirror_quats(quats: Tensor) -> Tensor:
    """Mirror image of parent-relative rotations (...,22,4), x y z w: (x,-y,-z,w), left and right exchanged."""
    return quats[..., _MIRROR, :] * quats.new_tensor([1, -1, -1, 1])


def _loosen(quats: Tensor, still: Tensor, generator: torch.Generator) -> Tensor:
    """Turn every joint a little: by a constant of the clip and a slow walk, in two clips of three."""
    count, frames = quats.shape[:2]
    amount = (torch.rand(count, generator=generator) * 1.5 - 0.5).clamp_min(0)[:, None, None, None]
    constant = torch.randn(count, 1, NUM_JOINTS, 3, generator=generator)
    moving = smooth_walk(count, frames, NUM_JOINTS * 3, generator, every=24).unflatten(-1, (NUM_JOINTS, 3))
    moving = torch.where(still[:, None, None, None], moving[:, :1], moving)
    vector = (0.8 * constant + 0.5 * moving) * (0.25 * amount * _LOOSE[:, None])
    turn = torch.cat([vector, torch.ones_like(vector[..., :1])], -1)
    turned = roma.quat_product(quats, turn.expand(quats.shape))
    return torch.nn.functional.normalize(turned, dim=-1)


def _tilts(count: int, generator: torch.Generator) -> Tensor:
    """(B,3,3) tilts of the whole person: none for most, some degrees for a tenth, lying for a twentieth."""
    u = torch.rand(count, 2, generator=generator)
    angle = torch.where(u[:, 0] < 0.1, torch.randn(count, generator=generator) * 15, torch.zeros(count))
    lying = 90 + 12 * torch.randn(count, generator=generator)
    angle = torch.where(u[:, 0] > 0.95, lying, angle).deg2rad()
    heading = u[:, 1] * 2 * torch.pi
    axis = torch.stack([heading.cos(), torch.zeros(count), heading.sin()], 1)
    return roma.rotvec_to_rotmat(axis * angle[:, None])
