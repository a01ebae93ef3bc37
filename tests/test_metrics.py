import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.metrics import align, gmsd, iou, mpjae, mpjpe, pa_mpjpe, psnr, ssim

RNG = np.random.default_rng(0)


def test_alignment_undoes_a_similarity_and_never_mirrors():
    target = RNG.normal(size=(12, 3))
    turn = Rotation.from_rotvec([0.3, -1.0, 0.5]).as_matrix()
    moved = 1.7 * target @ turn.T + [3, -1, 2]
    assert np.abs(align(moved, target) - target).max() < 1e-9
    assert pa_mpjpe(moved, target) < 1e-9
    assert pa_mpjpe(target * [-1, 1, 1], target) > 0.1


def test_mpjpe_moves_the_roots_onto_each_other():
    target = RNG.normal(size=(5, 3))
    assert mpjpe(target + [1, 2, 3], target) < 1e-12
    shifted = target.copy()
    shifted[4] += [0.3, 0, 0.4]
    assert mpjpe(shifted, target, (0, 1)) == pytest.approx(0.1)


def test_mpjae_is_the_geodesic_angle():
    a = Rotation.from_rotvec(RNG.normal(size=(6, 3))).as_matrix()
    b = a @ Rotation.from_rotvec([0, np.radians(20), 0]).as_matrix()
    assert mpjae(b, a) == pytest.approx(20)


def test_iou_of_hard_and_soft_masks():
    a = np.zeros((4, 4), bool)
    a[:2] = True
    b = np.zeros((4, 4), np.float32)
    b[1:3] = 0.9
    assert iou(a, b) == pytest.approx(1 / 3)
    assert iou(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1.0


def test_psnr_counts_the_mask_only():
    a = RNG.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    b = a.copy()
    b[0, 0] ^= 1
    mask = np.zeros((8, 8), bool)
    mask[4:] = True
    assert psnr(a, b, mask) == float("inf")
    assert psnr(a, b) > 60
    assert psnr(np.zeros((4, 4, 3)), np.full((4, 4, 3), 255)) == pytest.approx(0)


def test_ssim_is_one_for_equal_pictures_and_falls_with_noise():
    a = RNG.integers(0, 256, (40, 30, 3)).astype(np.uint8)
    noisy = np.clip(a + RNG.normal(0, 40, a.shape), 0, 255)
    assert ssim(a, a) == pytest.approx(1)
    assert 0 < ssim(a, noisy) < 0.95


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="differ in shape"):
        pa_mpjpe(np.zeros((3, 3)), np.zeros((4, 3)))


def test_gmsd_is_zero_for_equal_pictures_and_grows_with_blur():
    from scipy.ndimage import gaussian_filter

    picture = (RNG.random((64, 48, 3)) * 255).astype(np.uint8)
    picture = np.kron(picture[::8, ::8], np.ones((8, 8, 1))).astype(np.uint8)
    assert gmsd(picture, picture) == 0
    worse = [gmsd(gaussian_filter(picture, (s, s, 0)), picture) for s in (0.4, 0.7, 1.2, 2)]
    assert worse == sorted(worse)
    assert worse[0] > 0
    assert gmsd(picture[..., 0], picture[..., 1]) > 0
    flat = np.full((16, 16, 3), 128, np.uint8)
    assert gmsd(flat, flat + 9) == 0


def test_gmsd_agrees_with_its_paper():
    """The steps of Xue et al. one by one, with another convolution, inside the border."""
    from scipy.signal import convolve2d

    a, b = (RNG.integers(0, 256, (80, 60)).astype(np.float64) for _ in range(2))
    a[:4], a[-4:], a[:, :4], a[:, -4:] = 0, 0, 0, 0
    b[:4], b[-4:], b[:, :4], b[:, -4:] = 0, 0, 0, 0
    kernel = np.array([[1, 0, -1]] * 3) / 3
    maps = []
    for x in (a, b):
        small = (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4
        maps.append(np.hypot(convolve2d(small, kernel, mode="same"), convolve2d(small, kernel.T, mode="same")))
    similar = (2 * maps[0] * maps[1] + 170) / (maps[0] ** 2 + maps[1] ** 2 + 170)
    assert gmsd(a, b) == pytest.approx(similar.std(), abs=1e-12)
