"""The benchmark of the Gaussian rasteriser: its scene, its measures, and small rows of it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from humanav import bench
from humanav.render import rasterize


@pytest.fixture(scope="module")
def module():
    return SimpleNamespace(**bench._load("splat").__globals__)


def test_the_body_fills_the_picture_and_its_gaussians_lie_flat(module):
    body = module.sample_body(10_000, 1)
    camera = body.camera(200)
    _, alpha, _ = rasterize(**body.inputs(camera), width=200, height=200)
    rows = np.flatnonzero((alpha > 0.5).any(1).numpy())
    assert (rows[-1] - rows[0]) / 200 == pytest.approx(0.9, abs=0.04)
    from humanav.render.splat_torch import quaternion_to_matrix

    normals = quaternion_to_matrix(body.quats)[:, :, 2]
    center = body.means.mean(0)
    assert ((body.means - center) * normals).sum(-1).gt(0).float().mean() > 0.7  # outwards from the middle, mostly
    assert body.weights.matrix.to_dense().sum(1).sub(1).abs().max() < 1e-5


def test_a_row_and_the_exact_error(module):
    row = module._row(1000, 64, 0, 2, 1)
    assert set(row) >= {"forward_ms", "backward_ms", "speedup_vs_torch_forward", "speedup_vs_torch_backward"}
    assert row["grad_error"] < 0.05
    exact = module._exact(0)
    assert exact["grad_error"] < 1e-5
    assert len(exact) == 10
    assert exact["picture_max_difference"] < 5e-3


def test_windows_of_the_reference_make_the_whole(module):
    body = module.sample_body(500, 2)
    camera = body.camera(60)
    inputs, weights = body.inputs(camera), torch.ones(60, 60, 3)
    whole, parts = (module._reference(inputs, camera, weights, size) for size in (60, 40))
    for name in whole:
        assert module._relative(parts[name], whole[name]) < 1e-9, name


def test_fitting_comes_nearer(module):
    found = module.fit_steps(module.sample_body(800, 3), 48, 30)
    assert found["loss_last"] < 0.9 * found["loss_first"]
    assert found["steps_per_s"] > 0
    ssim = module.fit_steps.__globals__["ssim"]
    picture = torch.rand(20, 30, 3, generator=torch.Generator().manual_seed(0))
    assert float(ssim(picture, picture)) == pytest.approx(1)
    assert float(ssim(picture, picture.flip(0))) < 0.2


def test_targets_say_what_was_reached(module):
    out = {"rows": {"30k 512 px": {"speedup_vs_torch_forward": 30.0, "speedup_vs_torch_backward": 14.0}},
           "fit": {"30k 256 px": {"steps_per_s": 18.0}}, "exact": {"grad_error": 2e-5}}
    assert [row["reached"] for row in module._targets(out).values()] == [True, False, False, True]
