"""Denoising: clean stays clean, damage goes, and the world's axes and time's direction do not matter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.errors import Cancelled, InputError
from humanav.motion import Motion, load_clip, resample
from humanav.posendf.denoise import STAGES, denoise, summary
from humanav.posendf.filters import filter_motion
from humanav.posendf.measures import amplitude_kept, jitter, motion_mpjpe
from humanav.posendf.motion_noise import worsen
from humanav.posendf.sequences import angle_between, rotations_of
from humanav.posendf.temporal import Chain, Noise
from humanav.progress import Progress


def _turned(motion: Motion, other: Motion) -> float:
    return float(np.degrees(angle_between(rotations_of(motion), rotations_of(other)).mean()))


@pytest.fixture(scope="module")
def clip() -> Motion:
    return load_clip("walk")[:60]


@pytest.mark.parametrize("name", ["walk", "jumping_jack", "dance"])
def test_a_clean_motion_stays_as_it_is(name: str) -> None:
    motion = load_clip(name)[:75]
    done = denoise(motion)
    assert _turned(done.motion, motion) < 1.0
    assert amplitude_kept(done.motion, motion) > 0.97
    assert len(done.distance_before) == len(done.distance_after) == len(motion)


def test_noise_goes_and_its_size_is_known(clip: Motion) -> None:
    noisy, _ = worsen(clip, "noise", 1.0, 0)
    done = denoise(noisy)
    assert done.report["noise_kind"] == "independent"
    assert done.report["noise_deg"] == pytest.approx(np.degrees(0.1), rel=0.35)
    assert motion_mpjpe(done.motion, clip) < 0.5 * motion_mpjpe(noisy, clip)
    assert jitter(done.motion) < 0.1 * jitter(noisy)
    told = summary(done, noisy, clip)
    assert told["mpjpe_after_mm"] < told["mpjpe_before_mm"]
    assert 0.8 < told["amplitude_kept"] < 1.1


def test_drift_is_told_from_independent_noise(clip: Motion) -> None:
    drifting, _ = worsen(clip, "correlated", 1.0, 0)
    done = denoise(drifting)
    assert done.report["noise_kind"] == "drift"
    assert motion_mpjpe(done.motion, clip) < 0.85 * motion_mpjpe(drifting, clip)


def test_wild_frames_are_found_and_gaps_filled_better_than_by_any_filter(clip: Motion) -> None:
    broken, missing = worsen(clip, "outliers+gaps", 1.0, 1)
    done = denoise(broken, missing=missing)
    assert (done.repaired & missing == missing).all()
    best = min(motion_mpjpe(filter_motion(broken, "gaussian", missing, seconds=seconds), clip)
               for seconds in (0.01, 0.03, 0.06))
    assert motion_mpjpe(done.motion, clip) < 0.6 * best


def test_a_gap_is_filled_without_a_jolt(clip: Motion) -> None:
    missing = np.zeros((60, 22), bool)
    missing[20:35, [1, 4, 7, 10]] = True
    lost = clip.body_pose.copy()
    lost[20:35, [0, 3, 6, 9]] = 0
    done = denoise(replace(clip, body_pose=lost), missing=missing)
    quats = rotations_of(done.motion)
    steps = angle_between(quats[1:], quats[:-1])
    usual = angle_between(rotations_of(clip)[1:], rotations_of(clip)[:-1])
    assert steps[19:35, 4].max() < 1.5 * usual[:, 4].max()
    assert np.degrees(angle_between(quats, rotations_of(clip))[~missing].mean()) < 0.5


def test_a_frozen_arm_is_noticed() -> None:
    motion = load_clip("dance")[:90]
    frozen, _ = worsen(motion, "frozen arm", 1.0, 2)
    held = angle_between(rotations_of(frozen), rotations_of(motion)) > 0.1
    done = denoise(frozen)
    assert done.repaired[held].mean() > 0.7


def test_turning_the_world_turns_the_result(clip: Motion) -> None:
    noisy, _ = worsen(clip, "noise", 1.0, 0)
    world = Rotation.from_euler("y", 130, degrees=True)
    turned = replace(noisy, global_orient=(world * Rotation.from_rotvec(noisy.global_orient)).as_rotvec())
    one, other = denoise(noisy).motion, denoise(turned).motion
    expected = replace(one, global_orient=(world * Rotation.from_rotvec(one.global_orient)).as_rotvec())
    assert _turned(other, expected) < 0.1


def test_time_has_no_direction(clip: Motion) -> None:
    noisy, _ = worsen(clip, "noise", 0.5, 0)
    back = replace(noisy[::-1])
    assert _turned(denoise(back).motion, denoise(noisy).motion[::-1]) < 0.6


@pytest.mark.parametrize("fps", [2, 120])
def test_any_frame_rate(fps: int) -> None:
    motion = resample(load_clip("squat"), fps)[:90]
    assert _turned(denoise(motion).motion, motion) < 1.0
    noisy, _ = worsen(motion, "noise", 1.0, 0)
    done = denoise(noisy)
    assert motion_mpjpe(done.motion, motion) < motion_mpjpe(noisy, motion)


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_few_frames(frames: int) -> None:
    motion = load_clip("walk")[10: 10 + frames]
    done = denoise(motion)
    assert len(done.motion) == frames
    assert done.repaired.shape == (frames, 22)
    assert _turned(done.motion, motion) < 3.0


def test_strength_zero_keeps_noise_and_more_smooths_more(clip: Motion) -> None:
    noisy, _ = worsen(clip, "noise", 0.6, 0)
    none, whole, more = (denoise(noisy, strength=value).motion for value in (0.0, 1.0, 3.0))
    assert _turned(none, noisy) < 1.5
    assert jitter(more) < jitter(whole) < jitter(none)


def test_it_can_be_stopped_and_tells_what_it_does(clip: Motion) -> None:
    told: list[str] = []
    denoise(clip, progress=Progress(len(STAGES), lambda event: told.append(event.stage)))
    assert list(dict.fromkeys(told)) == list(STAGES)
    with pytest.raises(Cancelled):
        denoise(clip, progress=Progress(len(STAGES), cancelled=lambda: True))


def test_what_cannot_be_done_is_said(clip: Motion) -> None:
    with pytest.raises(InputError, match=r"\(60, 22\) is needed"):
        denoise(clip, missing=np.zeros((60, 21), bool))
    with pytest.raises(InputError, match="every joint is missing"):
        denoise(clip, missing=np.ones((60, 22), bool))
    with pytest.raises(InputError, match="strength"):
        denoise(clip, strength=-1.0)
    with pytest.raises(InputError, match="NaN"):
        replace(clip, body_pose=np.full((60, 21, 3), np.nan))


def test_the_chain_solves_its_equations(rng: np.random.Generator) -> None:
    """Against the same matrix built densely."""
    frames, size, noise = 7, 3, Noise(0.3, 0.6)
    root = rng.standard_normal((size, size))
    acceleration = root @ root.T + np.eye(size)
    data, weights = rng.standard_normal((frames, size)), rng.uniform(0, 1, (frames, size))
    second = np.zeros((frames - 2, frames))
    for t in range(frames - 2):
        second[t, t: t + 3] = 1, -2, 1
    covariance = noise.sigma**2 * noise.keep ** np.abs(np.subtract.outer(range(frames), range(frames)))
    precision = np.kron(np.linalg.inv(covariance), np.eye(size))
    half = np.sqrt(weights.reshape(-1))
    precision = half[:, None] * precision * half
    dense = precision + np.kron(second.T @ second, acceleration) + 1e-9 * np.eye(frames * size)
    wanted = np.linalg.solve(dense, precision @ data.reshape(-1)).reshape(frames, size)
    assert np.allclose(Chain(frames, acceleration).solve(data, weights, noise)[0], wanted, atol=1e-6)


def test_the_shipped_statistics_come_from_the_command(shared: Path, tmp_path: Path) -> None:
    from humanav.posendf.motion_prior import MotionPrior

    made, shipped = MotionPrior.fit_cmu(shared / "mocap" / "cmu_subset.npz"), MotionPrior.load()
    for name in ("acceleration", "step", "means", "covariances"):
        np.testing.assert_allclose(getattr(made, name), getattr(shipped, name), rtol=0.02, atol=1e-4)
