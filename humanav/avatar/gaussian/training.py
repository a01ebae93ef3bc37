"""Train a Gaussian avatar on captured and generated frames."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from humanav.avatar.gaussian.authority import authority
from humanav.avatar.gaussian.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from humanav.avatar.gaussian.config import GaussianTraining
from humanav.avatar.gaussian.deformation import pose_features
from humanav.avatar.gaussian.frames import FrameSampler, TrainFrame
from humanav.avatar.gaussian.learned import Drawing, LearnedAvatar
from humanav.avatar.gaussian.losses import depth_error, normal_error, picture_loss
from humanav.avatar.gaussian.preview import preview
from humanav.avatar.gaussian.seams import seam_map
from humanav.avatar.gaussian.value import GaussianAvatar, local_rotations
from humanav.errors import Cancelled, InputError, StorageError
from humanav.progress import Progress

STAGE = "Training the avatar"
_BACKDROPS = (0.0, 0.5, 1.0)
_SEAM_STEPS = 100


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Attributes:
        avatar: as far as it came. steps, seconds: taken, those before an interruption included.
        poses: (F,55,3) poses of the captured frames after correction, and transl: (F,3), in their order.
        history: (step, loss) about twenty times along the way.
        notes: sentences a visitor should read.
    """

    avatar: GaussianAvatar
    steps: int
    seconds: float
    poses: np.ndarray[Any, Any]
    transl: np.ndarray[Any, Any]
    history: tuple[tuple[int, float], ...]
    notes: tuple[str, ...] = ()

    def corrected(self, frames: Sequence[TrainFrame]) -> list[TrainFrame]:
        """The captured frames in the corrected poses."""
        return [replace(frame, full_pose=pose.astype(np.float32), transl=transl.astype(np.float32))
                for frame, pose, transl in zip(frames, self.poses, self.transl, strict=True)]

    def after(self, first: Trained) -> Trained:
        """With the steps, seconds, history and notes of an earlier part."""
        history = (*first.history, *((first.steps + step, loss) for step, loss in self.history))
        return replace(self, steps=first.steps + self.steps, seconds=first.seconds + self.seconds, history=history,
                       notes=(*first.notes, *self.notes))


def train(
    avatar: GaussianAvatar, frames: Sequence[TrainFrame], settings: GaussianTraining | None = None, *,
    checkpoint: str | Path | None = None, progress: Progress | None = None, stage: str | None = STAGE,
) -> Trained:
    """Fit the Gaussians to the frames.

    Two branches share everything: the base one, of the offsets alone, learns what people look like, and the refined
    one, deformed by the pose, learns shapes from generated frames and colours from captured ones. Captured frames are
    drawn by the refined branch alone: they show what the avatar is to look like in the end.

    Args:
        avatar: to begin with, as :func:`~humanav.avatar.gaussian.sampling.from_mesh` makes it.
        checkpoint: a file to write the state to now and then, and to go on from when it belongs to this same training.
        progress: told of the stage, with pictures of the avatar as it grows.
        stage: what to call it; None to stay in the stage before.

    Raises:
        InputError: no frames.
        StorageError: the checkpoint cannot be written.
        Cancelled: the user stopped it; the checkpoint holds what was done.
    """
    settings = settings or GaussianTraining()
    if not frames:
        raise InputError("There is no frame to train on.")
    if progress is not None and stage is not None:
        progress.next(stage)
    run = _Run(avatar, list(frames), settings, None if checkpoint is None else Path(checkpoint), progress)
    while not run.done:
        try:
            run.go()
        except Cancelled:
            with suppress(StorageError):  # then what was stored before has to do
                run.store()
            raise
        except (MemoryError, torch.OutOfMemoryError):
            run.halve()
    return run.outcome()


class _Run:
    """The loop's state."""

    def __init__(
        self, avatar: GaussianAvatar, frames: list[TrainFrame], settings: GaussianTraining, path: Path | None,
        progress: Progress | None,
    ) -> None:
        self.frames, self.settings, self.path, self.progress = frames, settings, path, progress
        self.numbers = {k: n for n, k in enumerate(k for k, f in enumerate(frames) if f.kind == "captured")}
        refine = settings.refine_poses if settings.refine_poses is not None else len(self.numbers) > 1
        may = authority(avatar, frames)
        shown = [pose_features(local_rotations(frame.full_pose)) for frame in frames if frame.kind == "captured"]
        self.learned = LearnedAvatar(avatar, may, settings, len(self.numbers), refine,
                                     np.mean(shown, axis=0) if shown else None)
        self.optimizer = torch.optim.Adam(self.learned.groups(), betas=(0.9, 0.99))
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.sampler = FrameSampler(frames, settings.balanced, settings.seed)
        self.step, self.before, self.done = 0, 0.0, False
        self.history: list[tuple[int, float]] = []
        self.notes: list[str] = []
        self.key = _fingerprint(avatar, frames, settings)
        self.seams: dict[int, tuple[int, Tensor]] = {}
        self._resume()
        self.start = self.saved = time.perf_counter()
        self.shown = self.start - settings.preview_every

    @property
    def seconds(self) -> float:
        return self.before + time.perf_counter() - self.start

    @property
    def part(self) -> float:
        """0..1 of the training."""
        part = self.step / self.settings.steps
        if self.settings.minutes is not None:
            part = max(part, self.seconds / (60 * self.settings.minutes))
        return min(part, 1.0)

    def go(self) -> None:
        for number in self.sampler.order(self.step, self.settings.steps - self.step):
            part = self.part
            if part >= 1:
                break
            drop = self.settings.drop_to if part >= self.settings.drop_at else 1.0
            for group, rate in zip(self.optimizer.param_groups, self.rates):
                group["lr"] = rate * drop
            loss = self._loss(number)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.step += 1
            if self.step % max(1, self.settings.steps // 20) == 0:
                self.history.append((self.step, float(loss.detach())))
            self._tell(float(loss.detach()))
        self.done = True
        self.store()

    def halve(self) -> None:
        """Go on with pictures of half the size. Raises InputError when they are small already."""
        if min(frame.alpha.shape[0] for frame in self.frames) < 64:
            raise InputError("There is not enough memory to train even on small pictures: use fewer Gaussians.")
        self.frames = [frame.halved() for frame in self.frames]
        self.seams.clear()
        self.notes.append("Memory ran out, so the training went on with pictures of half the size.")

    def outcome(self) -> Trained:
        captured = [frame for frame in self.frames if frame.kind == "captured"]
        poses = np.stack([f.full_pose for f in captured]) if captured else np.zeros((0, 55, 3), np.float32)
        transl = np.stack([f.transl for f in captured]) if captured else np.zeros((0, 3), np.float32)
        if self.learned.refine_poses:
            poses, transl = poses.copy(), transl + self.learned.transl.detach().numpy()
            poses[:, :22] += self.learned.pose.detach().numpy()
        avatar = self.learned.result()
        avatar = replace(avatar, notes=(*avatar.notes, *self.notes))
        return Trained(avatar, self.step, self.seconds, poses, transl, tuple(self.history), tuple(self.notes))

    def _loss(self, number: int) -> Tensor:
        """The loss of one frame, summed over its pixels."""
        frame, s, w = self.frames[number], self.settings, self.settings.weights
        picture, cover, depth, normal = self._target(number)
        captured = frame.kind == "captured"
        own = self.numbers.get(number)
        refined = self.learned.draw(frame, own, refined=True, shape=depth is not None, extra=True)
        backdrop = _BACKDROPS[self.step % len(_BACKDROPS)]
        target = picture * cover.unsqueeze(-1) + backdrop * (1 - cover).unsqueeze(-1)
        assert refined.detached is not None
        per_pixel = torch.ones_like(cover)
        handed = torch.zeros(())
        aux, place, current = refined.detached.split(3, -1)
        if captured and s.seams:
            seam = self._seam(number, place, refined.alpha)
            per_pixel = 1 - (1 - w.seam) * seam
            handed = w.handoff * ((current - aux.detach()).abs().mean(-1) * seam).sum()
        total = handed
        if not captured:
            total = total + w.aux * picture_loss(_over(aux, refined.alpha.detach(), backdrop), target).sum()
        geometry = w.captured_geometry if captured and s.geometry_weighting else 1.0
        color = w.refined_captured if captured or not s.geometry_weighting else w.refined_generated
        total = total + self._branch(refined, target, cover, (depth, normal), per_pixel * color, geometry, backdrop)
        if self.learned.deformation is not None and not captured:
            base = self.learned.draw(frame, own, refined=False, shape=depth is not None, held=True)
            total = total + self._branch(base, target, cover, (depth, normal), per_pixel, geometry, backdrop)
        return total + self.learned.regularity(frame, refined.deformation)

    def _branch(
        self, drawn: Drawing, target: Tensor, cover: Tensor, shape: tuple[Tensor | None, Tensor | None], color: Tensor,
        geometry: float, backdrop: float,
    ) -> Tensor:
        """Colour, mask (always in full), depth and normal of one branch."""
        w = self.settings.weights
        total = (color * picture_loss(_over(drawn.rgb, drawn.alpha, backdrop), target)).sum()
        total = total + w.mask * (drawn.alpha - cover).abs().sum()
        depth, normal = shape
        if depth is not None and drawn.depth is not None:
            total = total + geometry * w.depth * depth_error(drawn.depth, drawn.alpha, depth).sum()
        if normal is not None and drawn.normal is not None:
            total = total + geometry * w.normal * normal_error(drawn.normal, drawn.alpha, normal).sum()
        return total

    def _seam(self, number: int, place: Tensor, alpha: Tensor) -> Tensor:
        """1 on seams of a captured frame, looked for again now and then."""
        found = self.seams.get(number)
        if found is None or self.step - found[0] >= _SEAM_STEPS:
            seam = torch.from_numpy(seam_map(place.detach().numpy(), alpha.detach().numpy()).astype(np.float32))
            found = self.seams[number] = (self.step, seam)
        return found[1]

    def _target(self, number: int) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Picture, mask, depth and normal of a frame."""
        frame = self.frames[number]
        depth, normal = (None if x is None else torch.from_numpy(x) for x in (frame.depth, frame.normal))
        return torch.from_numpy(frame.image), torch.from_numpy(frame.alpha), depth, normal

    def _tell(self, loss: float) -> None:
        now = time.perf_counter()
        if self.progress is not None:
            if now - self.shown >= self.settings.preview_every:
                self.shown = now
                self.progress.update(self.part)
                self.progress.show(f"After {self.step} steps.", preview(self.learned.result(), self.frames), live=True,
                                   step=self.step, loss=loss)
            elif self.step % 10 == 0:
                self.progress.update(self.part)
            else:
                self.progress.check()
        if now - self.saved >= self.settings.checkpoint_every:
            self.saved = now
            self.store()

    def store(self) -> None:
        if self.path is not None:
            write_checkpoint(self.path, Checkpoint(self.key, self.step, self.seconds, self.learned.state_dict(),
                                                   self.optimizer.state_dict(), self.history, self.seams))

    def _resume(self) -> None:
        if self.path is None:
            return
        found = read_checkpoint(self.path, self.key)
        if found is None:
            return
        self.learned.load_state_dict(found.parameters)
        self.optimizer.load_state_dict(found.optimizer)
        self.step, self.before, self.history = found.step, found.seconds, list(found.history)
        self.seams = dict(found.seams)


def _over(rgb: Tensor, alpha: Tensor, backdrop: float) -> Tensor:
    return rgb + backdrop * (1 - alpha).unsqueeze(-1)


def _fingerprint(avatar: GaussianAvatar, frames: Sequence[TrainFrame], settings: GaussianTraining) -> str:
    """What a checkpoint must agree on to be gone on from; how long to train is left open."""
    same = replace(settings, steps=1, minutes=None, checkpoint_every=1.0, preview_every=1.0)
    digest = hashlib.sha256(repr(same).encode())
    for array in (avatar.means, avatar.rgb, avatar.log_scales, avatar.skin_weight):
        digest.update(np.ascontiguousarray(array).tobytes())
    for frame in frames:
        digest.update(frame.kind.encode() + frame.full_pose.tobytes() + repr(frame.camera.to_dict()).encode())
        digest.update(np.ascontiguousarray(frame.image[::7, ::7]).tobytes())
    return digest.hexdigest()
