import numpy as np

from humanav.synth.noise import fbm, fbm_gradient, smoothstep

POINTS = np.random.default_rng(1).uniform(-2, 2, (500, 3)).astype(np.float32)


def test_noise_is_seeded_bounded_and_smooth():
    a = fbm(POINTS, 5.0, 3, seed=4)
    assert np.array_equal(a, fbm(POINTS, 5.0, 3, seed=4))
    assert not np.allclose(a, fbm(POINTS, 5.0, 3, seed=5))
    assert np.abs(a).max() < 1.2
    assert a.std() > 0.1
    assert np.abs(fbm(POINTS + 1e-4, 5.0, 3, seed=4) - a).max() < 0.01


def test_gradient_follows_the_noise():
    slope = fbm_gradient(POINTS, 2.0, 2, seed=9)
    step = np.array([0.01, 0, 0], np.float32)
    rise = (fbm(POINTS + step, 2.0, 2, seed=9) - fbm(POINTS, 2.0, 2, seed=9)) / 0.02
    assert np.corrcoef(slope[:, 0], rise)[0, 1] > 0.98


def test_smoothstep_can_run_either_way():
    x = np.array([-1.0, 0.5, 2.0], np.float32)
    assert smoothstep(0, 1, x).tolist() == [0, 0.5, 1]
    assert smoothstep(1, 0, x).tolist() == [1, 0.5, 0]
