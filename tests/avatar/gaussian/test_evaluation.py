"""Evaluation: the measures in all four cells, poses fitted with the avatar frozen, the perceptual measure."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from humanav.avatar import Avatar
from humanav.avatar.gaussian import perceptual
from humanav.avatar.gaussian.evaluation import FITS, MASKS, at_person, evaluate_frames, fit_poses, table
from humanav.avatar.gaussian.frames import TrainFrame
from humanav.avatar.gaussian.generators import plan_poses
from humanav.avatar.gaussian.teacher import SyntheticTeacher
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.camera import Camera
from humanav.errors import Cancelled, InputError, MissingExtraError
from humanav.progress import Progress


@pytest.fixture(scope="module")
def drawn(mesh: Avatar) -> list[TrainFrame]:
    """Two pictures of the mesh that the Gaussians began on."""
    return SyntheticTeacher(mesh).generate(None, plan_poses(mesh, 2, 144))


def picture_of(avatar: GaussianAvatar, camera: Camera, offset: float = 0.0) -> TrainFrame:
    """The avatar's own picture over white as the truth, every value off by ``offset``."""
    pose = np.zeros((55, 3), np.float32)
    rgb = avatar.render(camera, pose, background=(1.0, 1.0, 1.0)).rgb
    image = np.where(rgb > 0.5, rgb - offset, rgb + offset).astype(np.float32)
    return TrainFrame(image, np.ones(image.shape[:2], np.float32), camera, pose, np.zeros(3, np.float32), "captured")


def test_it_reproduces_a_known_psnr(gaussians: GaussianAvatar, camera: Camera) -> None:
    found = evaluate_frames(gaussians, [picture_of(gaussians, camera, 10 / 255)], fit=False)
    for mask in MASKS:
        cell = found.cells[FITS[0]][mask]
        assert cell["psnr"] == pytest.approx(20 * np.log10(255 / 10), abs=0.02)
        assert cell["ssim"] < 1
    same = evaluate_frames(gaussians, [picture_of(gaussians, camera)], fit=False).cells[FITS[0]]["own_mask"]
    assert same == {"psnr": 100.0, "ssim": pytest.approx(1), found.perceptual: pytest.approx(0)}
    assert list(found.cells) == [FITS[0]]


def test_white_round_the_person_lifts_the_numbers(gaussians: GaussianAvatar, camera: Camera) -> None:
    """On the whole canvas the same error counts less: by the ratio of the areas."""
    frame = picture_of(gaussians, camera)
    inside = gaussians.render(camera, frame.full_pose).alpha > 0.99
    frame = replace(frame, image=np.where(inside[..., None], np.clip(frame.image + 0.1, 0, 1), frame.image))
    pad = 60
    wide = camera.cropped(-pad, -pad, camera.width + 2 * pad, camera.height + 2 * pad)
    larger = replace(frame, camera=wide, alpha=np.pad(frame.alpha, pad),
                     image=np.pad(frame.image, ((pad, pad), (pad, pad), (0, 0)), constant_values=1.0))
    small, large = (evaluate_frames(gaussians, [f], fit=False).cells[FITS[0]]["true_mask"]["psnr"]
                    for f in (frame, larger))
    ratio = (wide.width * wide.height) / (camera.width * camera.height)
    assert large - small == pytest.approx(10 * np.log10(ratio), abs=0.05)


def test_the_true_mask_hides_what_is_beyond_the_outline(gaussians: GaussianAvatar, camera: Camera) -> None:
    frame = picture_of(gaussians, camera)
    cut = np.zeros_like(frame.alpha)
    cut[: camera.height // 2] = gaussians.render(camera, frame.full_pose).alpha[: camera.height // 2]
    cells = evaluate_frames(gaussians, [replace(frame, alpha=cut)], fit=False).cells[FITS[0]]
    assert cells["true_mask"]["psnr"] > cells["own_mask"]["psnr"] + 5
    assert cells["true_mask"]["ssim"] > cells["own_mask"]["ssim"]


def test_fitted_poses_come_closer_to_the_truth(
    gaussians: GaussianAvatar, mesh: Avatar, drawn: list[TrainFrame], rng: np.random.Generator
) -> None:
    off = []
    for frame in drawn:
        pose = frame.full_pose.copy()
        pose[:22] += rng.normal(0, 0.025, (22, 3)).astype(np.float32)
        off.append(replace(frame, full_pose=pose, transl=frame.transl + np.float32([0.01, -0.008, 0.0])))
    before = gaussians.means.copy()
    found = evaluate_frames(gaussians, off)
    assert np.array_equal(gaussians.means, before)  # frozen
    given, fitted = (found.cells[kind]["own_mask"] for kind in FITS)
    assert fitted["psnr"] > given["psnr"] + 2
    assert fitted[found.perceptual] < given[found.perceptual]


    def distance(poses: list[np.ndarray], places: list[np.ndarray]) -> float:
        """Mean pixels; along the line of sight one picture tells little."""
        return float(np.mean([np.linalg.norm(
            f.camera.project(mesh.pose(p, t))[0] - f.camera.project(mesh.pose(f.full_pose, f.transl))[0], axis=1).mean()
            for p, t, f in zip(poses, places, drawn)]))

    start = distance([f.full_pose for f in off], [f.transl for f in off])
    assert distance(list(found.poses), list(found.transl)) < 0.7 * start
    moved = np.abs(found.poses - np.stack([f.full_pose for f in off])).max(axis=(0, 2))
    assert moved[22:25].max() < 1e-5  # jaw and eyes stay
    assert moved[25:].max() < 0.3 * moved[:22].max()
    text = table(found)
    assert len(text.splitlines()) == 5
    assert "fitted" in text
    assert "GMSD" in text or "LPIPS" in text


def test_a_fit_never_makes_a_frame_worse(gaussians: GaussianAvatar, camera: Camera) -> None:
    frame = picture_of(gaussians, camera)
    frame = replace(frame, alpha=gaussians.render(camera, frame.full_pose).alpha)
    kept = fit_poses(gaussians, [frame], passes=2, repeats=2)[0]
    assert np.abs(kept.full_pose - frame.full_pose).max() < 0.01
    assert kept.image is frame.image


def test_pictures_are_cropped_to_the_person(gaussians: GaussianAvatar, camera: Camera) -> None:
    wide = camera.cropped(-200, -100, 600, 400)
    frame = picture_of(gaussians, wide)
    frame = replace(frame, alpha=gaussians.render(wide, frame.full_pose).alpha)
    small = at_person(frame, 64)
    assert max(small.alpha.shape) == 64
    again = gaussians.render(small.camera, frame.full_pose).alpha
    assert np.abs(again - small.alpha).mean() < 0.03


def test_bad_input(gaussians: GaussianAvatar, camera: Camera) -> None:
    frame = picture_of(gaussians, camera)
    with pytest.raises(InputError, match="no picture"):
        evaluate_frames(gaussians, [])
    with pytest.raises(InputError, match="above 0"):
        fit_poses(gaussians, [frame], rate=0)
    with pytest.raises(InputError, match="mask is empty"):
        fit_poses(gaussians, [replace(frame, alpha=np.zeros_like(frame.alpha))])
    with pytest.raises(InputError, match="perceptual"):
        evaluate_frames(gaussians, [frame], perceptual="taste")
    with pytest.raises(Cancelled):
        fit_poses(gaussians, [frame], progress=Progress(1, cancelled=lambda: True))


def test_lpips_is_never_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    perceptual._lpips.cache_clear()
    assert not perceptual.lpips_is_there()
    assert perceptual.perceptual_measure("auto")[0] == "gmsd"
    with pytest.raises(MissingExtraError, match="pip install lpips"):
        perceptual.perceptual_measure("lpips")

    class Network(torch.nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return (a - b).abs().mean()

    monkeypatch.setattr(perceptual, "lpips_is_there", lambda: True)
    monkeypatch.setitem(sys.modules, "lpips", SimpleNamespace(LPIPS=lambda net, verbose: Network()))
    name, measure = perceptual.perceptual_measure("auto")
    black = np.zeros((8, 8, 3), np.uint8)
    assert (name, measure(black, black), measure(black, black + 255)) == ("lpips", 0.0, 2.0)
    perceptual._lpips.cache_clear()
