"""A variational autoencoder of body poses, as the pose decoder of the variant V-2: 21 joints to 32 numbers and back.

Its shape is VPoser's (Pavlakos et al., "Expressive Body Capture", CVPR 2019; two hidden layers of 512, rotations in six
numbers), trained here on captured motion that may be redistributed. The weights of VPoser 2, which users may have from
its authors, go into the same decoder.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from humanav.errors import InputError, StorageError
from humanav.paths import checkpoint
from humanav.progress import Progress
from humanav.uplift.heads import geodesic, matrix_to_axis_angle, six_to_matrix

BODY_JOINTS = 21
MODEL, CONFIG, STATE = "model.safetensors", "config.json", "state.pt"

_VPOSER = {"decoder_net.0": "first", "decoder_net.3": "second", "decoder_net.5": "out"}
"""Layers of VPoser 2 and what they are called here."""


class PoseDecoder(nn.Module):
    """Latents (...,32) to the 21 body joints' rotations (...,21,3,3)."""

    latent = 32
    hidden = 512

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(self.latent, self.hidden)
        self.second = nn.Linear(self.hidden, self.hidden)
        self.out = nn.Linear(self.hidden, BODY_JOINTS * 6)
        self.activation = nn.LeakyReLU()

    def forward(self, latents: Tensor) -> Tensor:
        hidden = self.activation(self.second(self.activation(self.first(latents))))
        return six_to_matrix(self.out(hidden).unflatten(-1, (BODY_JOINTS, 6)))

    def load(self, place: str | Path = "") -> PoseDecoder:
        """Take trained weights and hold them: they are not trained on.

        Args:
            place: a folder that :func:`train_autoencoder` wrote, or VPoser 2's folder (``V02_05``) or one of its
                ``.ckpt`` or ``.pt`` files; empty for the shipped decoder.

        Raises:
            InputError: nothing there, or weights of another network.
        """
        where = Path(place) if str(place) else checkpoint("uplift", "autoencoder")
        weights = _read_weights(where)
        try:
            self.load_state_dict(weights)
        except RuntimeError as error:
            raise InputError(f"{where.name} holds no pose decoder of 32 latents and two layers of 512: give the folder "
                             "that `humanav uplift train-autoencoder` wrote, or VPoser 2's.") from error
        return self.requires_grad_(False)


class PoseAutoencoder(nn.Module):
    """Rotation vectors (...,63) to a latent normal distribution, and latents to rotations."""

    def __init__(self) -> None:
        super().__init__()
        hidden, latent = PoseDecoder.hidden, PoseDecoder.latent
        self.encoder = nn.Sequential(nn.Linear(3 * BODY_JOINTS, hidden), nn.LeakyReLU(), nn.Linear(hidden, hidden),
                                     nn.LeakyReLU(), nn.Linear(hidden, 2 * latent))
        self.decoder = PoseDecoder()

    def encode(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Means and log variances (...,32) of poses (...,63)."""
        mean, log_variance = self.encoder(vectors).chunk(2, -1)
        return mean, log_variance.clamp(-12, 6)

    def forward(self, vectors: Tensor) -> Tensor:
        """Poses (...,63) through the middle of their distributions: rotations (...,21,3,3)."""
        return self.decoder(self.encode(vectors)[0])

    @classmethod
    def load(cls, folder: str | Path = "") -> PoseAutoencoder:
        """What :func:`train_autoencoder` wrote, or the shipped one, for inference.

        Raises:
            InputError: there is none, or it is damaged.
        """
        from safetensors.torch import load_file

        where = Path(folder) if str(folder) else checkpoint("uplift", "autoencoder")
        model = cls()
        try:
            model.load_state_dict({name: value.float() for name, value in load_file(where / MODEL).items()})
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(f"There is no pose autoencoder in {where.name}: make one with `humanav uplift "
                             "train-autoencoder`.") from error
        return model.eval().requires_grad_(False)


def train_autoencoder(
    train: Tensor, held_out: Tensor, folder: str | Path, *, steps: int = 9000, batch: int = 256, prior: float = 2e-4,
    noise: float = 0.02, seed: int = 0, minutes: float | None = None, resume: bool = False,
    save_every: int = 200, progress: Progress | None = None,
) -> dict[str, Any]:
    """Train on poses and write ``model.safetensors`` (half precision) and ``config.json``.

    The loss is the mean squared chord of the rotations plus ``prior`` times the divergence of the latents from a
    standard normal distribution; Adam, its rate falling along a cosine; the weights kept are a running average.

    Args:
        train: (N,21,3,3) poses; their mirror images should be among them.
        held_out: (M,21,3,3) poses of other people, to report the error on.
        folder: made if need be; ``state.pt`` there is what ``resume`` goes on from, deleted at the end.
        steps: of the optimiser.
        batch: poses per step.
        prior: weight of the divergence.
        noise: standard deviation in radians of what is added to the encoder's input.
        seed: of everything drawn.
        minutes: of processor time at most; such a run cannot be repeated to the bit.
        save_every: steps between two states to resume from.
        progress: of one stage.

    Returns:
        the report in ``config.json``: mean angle between held-out poses and their reconstruction, the same of principal
        components of the same number, steps and minutes.

    Raises:
        InputError: too few poses, or nothing to resume.
        StorageError: the folder cannot be written.
    """
    from safetensors.torch import save_file

    if len(train) < 2 or not len(held_out):
        raise InputError("Poses to train on and poses of other people to test on are needed.")
    where, told = Path(folder), progress or Progress(1)
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder {where.name} cannot be made: {error.strerror or error}.") from error
    torch.manual_seed(seed)
    model, average = PoseAutoencoder(), PoseAutoencoder()
    average.load_state_dict(model.state_dict())
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    generator = Generator().manual_seed(seed)
    step, before = 0, 0.0
    if resume:
        step, before = _restore(where / STATE, model, average, optimizer, generator)
    vectors = matrix_to_axis_angle(train)
    told.next("Training the pose autoencoder")
    begin = time.process_time()
    while True:
        seconds = before + time.process_time() - begin
        part = step / steps if minutes is None else min(1.0, seconds / (60 * minutes))
        if part >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (0.005 + 0.995 * (0.5 + 0.5 * math.cos(math.pi * part)))
        rows = torch.randint(len(train), (batch,), generator=generator)
        given = vectors[rows] + noise * torch.randn(batch, BODY_JOINTS, 3, generator=generator)
        mean, log_variance = model.encode(given.flatten(1))
        latents = mean + (0.5 * log_variance).exp() * torch.randn(mean.shape, generator=generator)
        chord = (model.decoder(latents) - train[rows]).square().sum((-2, -1)).mean()
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1).mean()
        optimizer.zero_grad(set_to_none=True)
        (chord + prior * divergence).backward()
        optimizer.step()
        step += 1
        with torch.no_grad():
            decay = min(0.999, (1 + step) / (10 + step))
            for kept, value in zip(average.parameters(), model.parameters(), strict=True):
                kept.lerp_(value, 1 - decay)
        if step % save_every == 0:
            _store(where / STATE, model, average, optimizer, generator, step, seconds)
            told.update(part)
    average.eval()
    report = {"latent": PoseDecoder.latent, "hidden": PoseDecoder.hidden, "steps": step, "batch": batch,
              "prior": prior, "noise": noise, "seed": seed, "processor_minutes": round(seconds / 60, 2),
              "poses": len(train), "held_out_poses": len(held_out),
              "held_out_deg": reconstruction_error(average, held_out),
              "held_out_pca_deg": pca_error(vectors, held_out, PoseDecoder.latent)}
    save_file({name: value.half().contiguous() for name, value in average.state_dict().items()}, where / MODEL)
    (where / CONFIG).write_text(json.dumps(report, indent=1) + "\n")
    (where / STATE).unlink(missing_ok=True)
    return report


@torch.no_grad()
def reconstruction_error(model: PoseAutoencoder, poses: Tensor) -> float:
    """Mean angle in degrees over joints between poses (N,21,3,3) and what becomes of them."""
    return math.degrees(float(geodesic(model(matrix_to_axis_angle(poses).flatten(1)), poses).mean()))


def pca_error(train: Tensor, poses: Tensor, components: int) -> float:
    """The same for principal components of rotation vectors (N,21,3), the linear rival."""
    from humanav.body import axis_angle_to_matrix

    flat = train.flatten(1)
    mean = flat.mean(0)
    _, vectors = torch.linalg.eigh((flat - mean).T @ (flat - mean))
    kept = vectors[:, -components:]
    back = ((matrix_to_axis_angle(poses).flatten(1) - mean) @ kept) @ kept.T + mean
    return math.degrees(float(geodesic(axis_angle_to_matrix(back.unflatten(1, (BODY_JOINTS, 3))), poses).mean()))


def cmu_poses(path: str | Path) -> tuple[Tensor, Tensor]:
    """Poses (N,21,3,3) of the subjects that train, with their mirror images, and of those that validate.

    Raises:
        MotionFileError: the file cannot be read, or has no such pose.
    """
    from humanav.posendf import mirror_quats
    from humanav.posendf.cmu import load_cmu

    train = load_cmu(path, "train")
    return _matrices(torch.cat([train, mirror_quats(train)])), _matrices(load_cmu(path, "validation"))


def _matrices(quats: Tensor) -> Tensor:
    import roma

    return roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(quats))


def _read_weights(where: Path) -> dict[str, Tensor]:
    """A decoder's weights under the names here."""
    if (where / MODEL).is_file():
        decoder = PoseAutoencoder.load(where).decoder
        return dict(decoder.state_dict())
    files = [where] if where.is_file() else sorted([*where.rglob("*.ckpt"), *where.rglob("*.pt")])
    if not files:
        raise InputError(f"There is no pose decoder in {where.name}: give the folder that `humanav uplift "
                         "train-autoencoder` wrote, or VPoser 2's folder V02_05.")
    try:
        stored = torch.load(files[0], map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling fails in many ways, and refuses what is more than weights
        raise InputError(f"{files[0].name} cannot be read as plain weights: load it once where its makers' code is "
                         "installed and save its \"state_dict\" alone with torch.save.") from error
    stored = stored.get("state_dict", stored) if isinstance(stored, Mapping) else {}
    found = {}
    for name, value in stored.items():
        for theirs, ours in _VPOSER.items():
            at = str(name).find(f"{theirs}.")
            if at >= 0 and isinstance(value, Tensor):
                found[f"{ours}.{str(name)[at + len(theirs) + 1:]}"] = value.float()
    return found


def _store(path: Path, model: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer, generator: Generator,
           step: int, seconds: float) -> None:
    part = path.with_suffix(".tmp")
    torch.save({"model": model.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
                "generator": generator.get_state(), "step": step, "seconds": seconds}, part)
    part.replace(path)


def _restore(path: Path, model: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer,
             generator: Generator) -> tuple[int, float]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
    except (OSError, RuntimeError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"There is nothing to resume in {path.parent.name}: start without --resume.") from error
    return int(state["step"]), float(state["seconds"])
