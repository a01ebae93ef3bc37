from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from humanav.errors import InputError
from humanav.posendf.mixture import PoseMixture
from humanav.posendf.quaternions import axis_angle_to_quats, pose_distance, quats_to_axis_angle


@pytest.fixture(scope="module")
def poses() -> torch.Tensor:
    """Two crowds whose joints move together."""
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(600, 4, generator=generator, dtype=torch.float64) @ torch.randn(4, 63, generator=generator,
                                                                                         dtype=torch.float64)
    vectors = 0.1 * common + 0.03 * torch.randn(600, 63, generator=generator, dtype=torch.float64)
    vectors[300:] += 0.4
    return axis_angle_to_quats(vectors.view(-1, 21, 3))


@pytest.fixture(scope="module")
def mixture(poses: torch.Tensor) -> PoseMixture:
    return PoseMixture.fit(poses, 2, seed=1)


def test_one_component_is_the_gaussian_of_the_poses(poses: torch.Tensor) -> None:
    gaussian = PoseMixture.fit(poses, 1, floor=1e-3)
    x = quats_to_axis_angle(poses).flatten(1).numpy()
    np.testing.assert_allclose(gaussian.means[0], x.mean(0), atol=1e-12)
    np.testing.assert_allclose(gaussian.covariances[0], np.cov(x.T, bias=True) + 1e-3 * np.eye(63), atol=1e-12)
    expected = multivariate_normal(gaussian.means[0].numpy(), gaussian.covariances[0].numpy()).logpdf(x[:20])
    np.testing.assert_allclose(gaussian.log_likelihood(poses[:20]), expected, rtol=1e-9)


def test_the_two_crowds_are_found(mixture: PoseMixture, poses: torch.Tensor) -> None:
    np.testing.assert_allclose(sorted(mixture.weights.tolist()), [0.5, 0.5], atol=0.02)
    assert mixture.log_likelihood(poses).mean() > PoseMixture.fit(poses, 1).log_likelihood(poses).mean() + 1
    again = PoseMixture.fit(poses, 2, seed=1)
    torch.testing.assert_close(again.means, mixture.means, rtol=0, atol=0)


def test_the_conditional_mean_is_that_of_the_joint_density(mixture: PoseMixture, poses: torch.Tensor) -> None:
    """Against a weighted mean over draws of the hidden joint, weights from the whole density."""
    hidden = torch.zeros(21, dtype=torch.bool)
    hidden[19] = True
    filled = mixture.conditional(poses[:3], ~hidden)
    torch.testing.assert_close(filled[:, ~hidden], poses[:3][:, ~hidden], rtol=0, atol=0)
    generator = torch.Generator().manual_seed(0)
    for pose, answer in zip(poses[:3], filled):
        middle = quats_to_axis_angle(answer[19])
        draws = middle + 0.35 * (2 * torch.rand(60000, 3, generator=generator, dtype=torch.float64) - 1)
        tried = pose.expand(len(draws), 21, 4).clone()
        tried[:, 19] = axis_angle_to_quats(draws)
        share = torch.softmax(mixture.log_likelihood(tried), 0)
        torch.testing.assert_close((share[:, None] * draws).sum(0), middle, atol=5e-3, rtol=0)


def test_conditional_draws_have_the_conditional_mean(mixture: PoseMixture, poses: torch.Tensor) -> None:
    known = torch.ones(2, 21, dtype=torch.bool)
    known[0, 15:], known[1, :4] = False, False
    draws = mixture.conditional_samples(poses[:2], known, 4000, torch.Generator().manual_seed(0))
    assert draws.shape == (4000, 2, 21, 4)
    torch.testing.assert_close(draws[:, known], poses[:2][known].expand(4000, -1, -1), rtol=0, atol=0)
    mean = quats_to_axis_angle(draws).mean(0)
    torch.testing.assert_close(mean, quats_to_axis_angle(mixture.conditional(poses[:2], known)), atol=0.01, rtol=0)


def test_restoring_takes_noise_away(mixture: PoseMixture, poses: torch.Tensor) -> None:
    noise = 0.2 * torch.randn(100, 21, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noisy = axis_angle_to_quats(quats_to_axis_angle(poses[:100]) + noise)
    before = pose_distance(noisy, poses[:100]).mean()
    assert pose_distance(mixture.restore(noisy, 0.2), poses[:100]).mean() < 0.6 * before
    torch.testing.assert_close(mixture.restore(noisy, 1e-6), noisy, atol=1e-6, rtol=0)


def test_samples_look_like_the_poses(mixture: PoseMixture, poses: torch.Tensor) -> None:
    drawn = mixture.sample(3000, torch.Generator().manual_seed(0))
    x, y = (quats_to_axis_angle(q.double()).flatten(1) for q in (drawn, poses))
    torch.testing.assert_close(x.mean(0), y.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(x.std(0), y.std(0), atol=0.05, rtol=0)
    assert len(mixture.sample(0, torch.Generator())) == 0


def test_the_file_keeps_it(mixture: PoseMixture, poses: torch.Tensor, tmp_path: Path) -> None:
    mixture.save(tmp_path)
    read = PoseMixture.load(tmp_path)
    torch.testing.assert_close(read.log_likelihood(poses[:50]), mixture.log_likelihood(poses[:50]), atol=0.5, rtol=0)
    with pytest.raises(InputError, match="humanav posendf train"):
        PoseMixture.load(tmp_path / "nowhere")


def test_what_does_not_fit_is_said(mixture: PoseMixture, poses: torch.Tensor) -> None:
    with pytest.raises(InputError, match="as many poses"):
        PoseMixture.fit(poses[:5], 8)
    with pytest.raises(InputError, match="one flag per joint"):
        mixture.conditional(poses[:4], torch.ones(4, 22, dtype=torch.bool))
    with pytest.raises(InputError, match="arrays do not fit"):
        PoseMixture(torch.ones(2), torch.zeros(1, 63), torch.eye(63)[None])
