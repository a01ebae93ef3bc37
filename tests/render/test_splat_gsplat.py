"""The gsplat backend: what it asks of gsplat 1.5, on a stand-in with its signature, and the real one on a GPU."""

from __future__ import annotations

import inspect
import sys
from importlib.util import find_spec
from types import ModuleType

import pytest
import torch

from humanav.errors import InputError, MissingExtraError
from humanav.render import rasterize, splat_backends, splat_gsplat
from tests.render.splat_scenes import HEIGHT, WIDTH, draw, gradients, relative, scene

ON_A_GPU = pytest.mark.skipif(
    find_spec("gsplat") is None or not torch.cuda.is_available(), reason="needs gsplat and a CUDA GPU")


def _rasterization(
    means, quats, scales, opacities, colors, viewmats, Ks, width, height, near_plane=0.01, far_plane=1e10,
    radius_clip=0.0, eps2d=0.3, sh_degree=None, packed=True, tile_size=16, backgrounds=None, render_mode="RGB",
    sparse_grad=False, absgrad=False, rasterize_mode="classic", channel_chunk=32, distributed=False,
    camera_model="pinhole", segmented=False, covars=None, with_ut=False, with_eval3d=False,
):
    """gsplat 1.5's function, drawn by the torch backend: one camera, leading axis 1, not packed."""
    assert not packed
    assert colors.shape[1] > 0
    assert all(x is None or x.dtype == torch.float32 for x in (means, quats, scales, covars, opacities, colors))
    image, alpha, meta = rasterize(
        means, quats, scales, opacities, colors, viewmats[0], Ks[0], width, height, covars=covars, near=near_plane,
        background=None if backgrounds is None else backgrounds[0], eps2d=eps2d, render_mode=render_mode,
        backend="torch")
    return image[None], alpha[None, ..., None], {name: meta[name][None] for name in ("means2d", "depths", "radii")}


@pytest.fixture
def _stand_in(monkeypatch):
    module = ModuleType("gsplat")
    module.rasterization = _rasterization
    monkeypatch.setitem(sys.modules, "gsplat", module)
    monkeypatch.setattr(splat_gsplat, "works", lambda: True)


def straight(seed, **options):
    inputs = scene(seed, **options)
    inputs["K"][0, 1] = 0
    return inputs


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize("mode", ["RGB", "D", "RGB+ED"])
@pytest.mark.parametrize("covars", [False, True])
def test_asks_gsplat_for_the_same_picture(mode, covars):
    inputs = straight(1, covars=covars)
    leaves = {name: value for name, value in inputs.items() if name != "K"}
    true, by_true = gradients(inputs, "torch", torch.float32, render_mode=mode)
    found, by_found = gradients(inputs, "gsplat", torch.float32, render_mode=mode)
    torch.testing.assert_close(found, true, atol=1e-6, rtol=0)
    for name in leaves:
        if inputs[name] is not None and by_true[name] is not None and by_true[name].any():
            assert relative(by_found[name], by_true[name]) < 1e-5, name
    _, _, meta = draw(inputs, "gsplat")
    assert meta["backend"] == "gsplat"
    assert (meta["means2d"].shape, meta["radii"].shape, meta["depths"].shape) == ((120, 2), (120, 2), (120,))


@pytest.mark.usefixtures("_stand_in")
def test_no_gaussians_no_channels_and_no_skew():
    inputs = straight(2, count=0)
    assert torch.equal(draw(inputs, "gsplat")[0], inputs["background"].expand(HEIGHT, WIDTH, 3))
    inputs = straight(2, channels=0)
    image, alpha, _ = draw(inputs, "gsplat")
    assert image.shape == (HEIGHT, WIDTH, 0)
    assert alpha.max() > 0.5
    with pytest.raises(InputError, match="skew"):
        draw(scene(2), "gsplat")


@pytest.mark.skipif(find_spec("gsplat") is not None, reason="gsplat is installed")
def test_without_gsplat_it_is_not_offered():
    assert not splat_gsplat.works()
    assert "gsplat" not in splat_backends()
    with pytest.raises(MissingExtraError, match="gsplat"):
        draw(straight(3), "gsplat")


@pytest.mark.skipif(find_spec("gsplat") is None, reason="needs gsplat")
def test_the_stand_in_has_its_signature():
    from gsplat import rasterization

    real = list(inspect.signature(rasterization).parameters)
    ours = list(inspect.signature(_rasterization).parameters)
    assert real[: len(ours)] == ours


@ON_A_GPU
def test_draws_what_the_reference_draws():
    assert splat_gsplat.works()
    inputs = straight(4)
    true, by_true = gradients(inputs, "torch")
    on_gpu = {name: value.cuda() for name, value in inputs.items()}
    assert draw(on_gpu, "auto")[2]["backend"] == "gsplat"
    found, by_found = gradients(on_gpu, "gsplat", torch.float32)
    assert (found.cpu() - true).abs().max() < 0.02  # alpha may be 0.999 there, 0.99 here
    for name in ("means", "quats", "scales", "opacities", "colors", "detached_colors", "background", "viewmat"):
        assert relative(by_found[name].cpu(), by_true[name]) < 0.02, name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_the_reference_draws_on_the_gpu():
    inputs = scene(5)
    image, _, meta = draw({name: value.cuda() for name, value in inputs.items()}, "torch")
    assert image.is_cuda
    assert meta["radii"].is_cuda
    torch.testing.assert_close(image.cpu(), draw(inputs, "torch")[0])
