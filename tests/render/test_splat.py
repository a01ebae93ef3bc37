"""The Gaussian rasterisers: the numba kernels against the float64 reference, and what any of them must keep to."""

from __future__ import annotations

import subprocess
import sys

import numba
import numpy as np
import pytest
import torch

from humanav.errors import InputError, MissingExtraError
from humanav.render import (
    SplatBuffers,
    rasterize,
    register_splat_backend,
    splat_backends,
    splat_torch,
    warm_up_splats,
)
from tests.render.splat_scenes import HEIGHT, WIDTH, draw, gradients, relative, scene

SCENES = {
    "cloud": {},
    "covariances": {"covars": True},
    "camera inside": {"distance": 0.3, "seed": 1},
    "opaque layers": {"opaque": True, "count": 300, "size": 0.3, "seed": 2},
    "beyond the picture": {"spread": 2.0, "size": 0.6, "seed": 3},
    "one channel": {"channels": 1, "detached": 0, "seed": 4},
    "eleven channels": {"channels": 11, "detached": 5, "seed": 5},
}


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    warm_up_splats()


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_picture_and_every_gradient_agree_with_the_reference(name, dtype):
    inputs = scene(**SCENES[name])
    if not inputs["detached_colors"].shape[1]:
        del inputs["detached_colors"]
    true, by_true = gradients(inputs, "torch", render_mode="RGB+D")
    found, by_found = gradients(inputs, "numba", dtype, render_mode="RGB+D")
    assert relative(found, true) < 2e-6
    assert set(by_found) == {name for name, value in inputs.items() if value is not None}
    assert {name: relative(by_found[name], by_true[name]) for name in by_true if
            relative(by_found[name], by_true[name]) > 1e-5} == {}
    assert all(value.dtype == dtype for value in by_found.values())


@pytest.mark.parametrize("mode", ["D", "ED", "RGB+ED"])
def test_depth_modes_agree_with_the_reference(mode):
    inputs = scene(6)
    true, by_true = gradients(inputs, "torch", render_mode=mode)
    found, by_found = gradients(inputs, "numba", render_mode=mode)
    assert relative(found, true) < 2e-6
    # dividing by an alpha of 1/255 and taking the difference of like depths costs float32 two digits
    limit = 2e-4 if mode.endswith("ED") else 1e-5
    assert max(relative(by_found[name], by_true[name]) for name in ("means", "quats", "opacities", "viewmat")) < limit


def test_the_reference_agrees_with_finite_differences():
    inputs = scene(8, count=6, size=0.4, spread=0.3, detached=0)
    del inputs["detached_colors"]
    names = list(inputs)

    def function(*values):
        image, alpha, _ = rasterize(**dict(zip(names, values)), width=9, height=7, backend="torch", render_mode="RGB+D")
        return image, alpha

    inputs["K"] = inputs["K"] * 0.2 + torch.diag(torch.tensor([0.0, 0, 0.8]))
    free = {"K": torch.tensor([[1.0, 1, 1], [0, 1, 1], [0, 0, 0]]), "viewmat": torch.ones(4, 4).tril(3)}
    free["viewmat"][3] = 0
    generator = torch.Generator().manual_seed(0)
    step = 1e-6
    for name in names:
        leaves = [inputs[n].clone().requires_grad_(n == name) for n in names]
        out = torch.cat([part.flatten() for part in function(*leaves)])
        weights = torch.randn(out.shape, generator=generator, dtype=torch.float64)
        (out * weights).sum().backward()
        way = torch.randn(inputs[name].shape, generator=generator, dtype=torch.float64) * free.get(name, 1.0)
        ends = [torch.cat([part.flatten() for part in function(
            *(inputs[n] + sign * step * way if n == name else inputs[n] for n in names))]) for sign in (1, -1)]
        change = (ends[0] - ends[1]) / (2 * step)
        smooth = change.abs() < 1e3  # a pixel where a Gaussian passes the cutoff 1/255 jumps
        expected = float((change * weights)[smooth].sum())
        found = float((leaves[names.index(name)].grad * way).sum())
        assert smooth.float().mean() > 0.98, name
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-7), name


def test_tiles_of_the_reference_are_its_dense_picture():
    inputs = scene(7)
    dense, by_dense = gradients(inputs, "torch")
    register_splat_backend("tiled", lambda asked: splat_torch.draw(asked, 16))
    try:
        tiled, by_tiled = gradients(inputs, "tiled")
    finally:
        register_splat_backend("tiled", splat_torch.draw, lambda: False)
    assert relative(tiled, dense) < 1e-14
    assert max(relative(by_tiled[name], by_dense[name]) for name in by_dense) < 1e-11


def test_the_same_bits_in_every_run_and_for_any_number_of_threads():
    inputs = scene(9, count=3000, size=0.1)
    threads = numba.get_num_threads()
    results = []
    try:
        for count in (threads, threads, 1):
            numba.set_num_threads(count)
            results.append(gradients(inputs, dtype=torch.float32, width=130, height=90))
    finally:
        numba.set_num_threads(threads)
    for found, by in results[1:]:
        assert torch.equal(found, results[0][0])
        assert all(torch.equal(by[name], results[0][1][name]) for name in by)


def test_the_order_of_the_gaussians_does_not_matter():
    inputs = scene(10)
    order = torch.randperm(120, generator=torch.Generator().manual_seed(0))
    mixed = {name: value[order] if len(value) == 120 else value for name, value in inputs.items()}
    (image, _, meta), (other, _, mixed_meta) = draw(inputs), draw(mixed)
    assert torch.equal(image, other)
    assert torch.equal(meta["means2d"][order], mixed_meta["means2d"])
    assert torch.equal(meta["radii"][order], mixed_meta["radii"])


def test_moving_the_world_and_the_camera_together_changes_nothing():
    inputs = scene(11)
    turn = splat_torch.quaternion_to_matrix(torch.tensor([[0.8, 0.3, -0.4, 0.2]], dtype=torch.float64))[0]
    shift = torch.tensor([0.7, -2.0, 5.0], dtype=torch.float64)
    half = turn @ (splat_torch.quaternion_to_matrix(inputs["quats"]) * inputs["scales"][:, None])
    moved = {**inputs, "means": inputs["means"] @ turn.T + shift, "quats": None, "scales": None,
             "covars": half @ half.mT, "viewmat": inputs["viewmat"].clone()}
    moved["viewmat"][:3, :3] = inputs["viewmat"][:3, :3] @ turn.T
    moved["viewmat"][:3, 3] -= moved["viewmat"][:3, :3] @ shift
    torch.testing.assert_close(draw(moved)[0], draw(inputs)[0], atol=1e-6, rtol=0)


def test_many_channels_are_as_many_passes():
    inputs = scene(12, channels=7)
    whole = draw(inputs)[0]
    for channel in range(7):
        part = {**inputs, "colors": inputs["colors"][:, channel: channel + 1],
                "background": inputs["background"][channel: channel + 1]}
        assert torch.equal(draw(part)[0][..., 0], whole[..., channel])


def test_detached_colours_are_drawn_alike_and_move_nothing():
    inputs = scene(13, detached=3)
    image, _, meta = draw({**inputs, "detached_colors": inputs["colors"], "background": torch.zeros(3)})
    assert torch.equal(image, meta["detached"])
    leaves = {name: value.requires_grad_() for name, value in inputs.items()}
    draw(leaves)[2]["detached"].square().sum().backward()
    assert leaves["detached_colors"].grad.abs().max() > 0
    assert all(leaves[name].grad.abs().max() == 0 for name in leaves if name != "detached_colors")


@pytest.mark.parametrize("backend", ["numba", "torch"])
def test_the_nearer_gaussian_hides_the_farther(backend):
    K = torch.tensor([[20.0, 0, 8], [0, 20, 8], [0, 0, 1]])
    colors = torch.tensor([[1.0, 0], [0, 1]])
    for depths in ([2.0, 3], [3.0, 2]):
        means = torch.tensor([[0, 0, depths[0]], [0, 0, depths[1]]])
        image, alpha, meta = rasterize(means, torch.eye(4)[:1].expand(2, 4), torch.full((2, 3), 0.4), torch.ones(2),
                                       colors, torch.eye(4), K, 16, 16, backend=backend, render_mode="RGB+ED")
        near = int(np.argmin(depths))
        # 0.98 of the light at the pixel by the axis, half a pixel off in x and y, and the rest of it from behind
        assert image[8, 8, near] > 0.97
        assert image[8, 8, 1 - near] == pytest.approx(float((1 - image[8, 8, near]) * 0.98), abs=0.01)
        assert image[8, 8, 2] == pytest.approx(2.0, abs=0.05)
        assert alpha[8, 8] > 0.99
        torch.testing.assert_close(meta["depths"], torch.tensor(depths))
        assert meta["means2d"].tolist() == [[8, 8], [8, 8]]


def test_one_gaussian_is_its_formula():
    opacity, depth, sigma = 0.8, 4.0, 0.3
    K = np.array([[40.0, 0, 16], [0, 40, 16], [0, 0, 1]])
    image, alpha, meta = rasterize(
        torch.tensor([[0.0, 0, depth]], dtype=torch.float64), torch.eye(4)[:1], torch.full((1, 3), sigma),
        torch.tensor([opacity]), torch.ones(1, 1), torch.eye(4), K, 32, 32)
    y, x = np.mgrid[:32, :32] + 0.5
    expected = opacity * np.exp(-((x - 16) ** 2 + (y - 16) ** 2) / 2 / ((40 * sigma / depth) ** 2 + 0.3))
    expected[expected < 1 / 255] = 0
    np.testing.assert_allclose(alpha.numpy(), expected, atol=2e-6)
    torch.testing.assert_close(image[..., 0], alpha, atol=1e-7, rtol=0)
    reach = np.sqrt(2 * np.log(255 * opacity) * ((40 * sigma / depth) ** 2 + 0.3))
    assert meta["radii"].tolist() == [[int(np.ceil(reach))] * 2]


@pytest.mark.parametrize("backend", ["numba", "torch"])
@pytest.mark.parametrize("empty", ["none", "all behind", "all beside", "all transparent"])
def test_nothing_to_see_is_the_background(backend, empty):
    inputs = scene(14, count=0 if empty == "none" else 20)
    if empty == "all behind":
        inputs["viewmat"][2, 3] = -9.0
    elif empty == "all beside":
        inputs["viewmat"][0, 3] = 90.0
    elif empty == "all transparent":
        inputs["opacities"] = torch.full((20,), 1 / 256, dtype=torch.float64)
    leaves = {name: value.requires_grad_() for name, value in inputs.items()}
    image, alpha, meta = draw(leaves, backend, render_mode="RGB+ED")
    torch.testing.assert_close(image[..., :3], inputs["background"].expand(HEIGHT, WIDTH, 3), atol=1e-7, rtol=0)
    assert alpha.abs().max() == 0
    assert image[..., 3].abs().max() == 0
    assert meta["detached"].abs().max() == 0
    assert not meta["radii"].any()
    image.sum().backward()
    assert leaves["background"].grad.tolist() == [WIDTH * HEIGHT] * 3
    assert leaves["means"].grad is None or not leaves["means"].grad.any()


@pytest.mark.parametrize("change", [
    {"means": np.full((120, 3), np.nan)}, {"colors": np.full((120, 3), np.inf)}, {"opacities": np.zeros((120, 1))},
    {"quats": np.zeros((120, 4))}, {"quats": np.ones((120, 3))}, {"means": np.zeros((120, 2))},
    {"means": np.zeros((3, 3))}, {"means": np.zeros((120, 3), int)}, {"quats": None}, {"scales": None},
    {"covars": np.zeros((120, 3, 3))}, {"K": np.zeros((3, 3))}, {"K": np.full((3, 3), np.nan)}, {"viewmat": np.eye(3)},
    {"background": np.zeros(2)}, {"background": np.zeros((3, 3, 3))}, {"width": 0}, {"height": -4}, {"near": 0},
    {"eps2d": -1.0}, {"render_mode": "XYZ"},
])
def test_bad_input_is_one_sentence(change):
    given = {**scene(15), "width": WIDTH, "height": HEIGHT}
    given |= {name: torch.tensor(value) if isinstance(value, np.ndarray) else value for name, value in change.items()}
    with pytest.raises(InputError, match=r"^[^\n]*[.?]$"):
        rasterize(**given)


@pytest.mark.parametrize("backend", ["numba", "torch"])
def test_points_needles_and_discs_are_drawn(backend):
    inputs = scene(16, count=30)
    inputs["scales"][:10] = 0
    inputs["scales"][10:20, :2] = 0
    inputs["scales"][20:, 0] = 0
    found, by = gradients(inputs, backend)
    assert found.isfinite().all()
    assert all(value.isfinite().all() for value in by.values())
    assert found[..., 3].max() > 0.5


@pytest.mark.parametrize("factor", [1e3, 1e30])
def test_gaussians_as_large_as_the_world_cover_it(factor):
    inputs = scene(19, count=20)
    inputs["scales"] *= factor
    true, by_true = gradients(inputs, "torch")
    found, by_found = gradients(inputs)
    assert relative(found, true) < 2e-6
    assert max(relative(by_found[name], by_true[name]) for name in ("opacities", "colors", "background")) < 5e-5
    assert all(value.isfinite().all() for value in by_found.values())


def test_a_picture_as_background_and_no_background():
    inputs = scene(17)
    picture = torch.rand(HEIGHT, WIDTH, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    bare, alpha, _ = draw({**inputs, "background": None})
    over, _, _ = draw({**inputs, "background": picture})
    torch.testing.assert_close(over, bare + (1 - alpha)[..., None] * picture)


def test_backends_are_exchangeable():
    assert {"numba", "torch"} <= set(splat_backends())
    inputs = scene(18)
    assert draw(inputs, "auto")[2]["backend"] == "numba"
    asked = []

    def plain(given):
        asked.append(given)
        n, shape = len(given.means), (given.height, given.width)
        return SplatBuffers(torch.ones(*shape, 3), torch.zeros(*shape, 2), torch.ones(shape), torch.zeros(n, 2),
                            torch.zeros(n), torch.zeros(n, 2, dtype=torch.int32))

    register_splat_backend("plain", plain)
    try:
        assert "plain" in splat_backends()
        assert (draw(inputs, "plain")[0] == 1).all()
        assert (asked[0].width, asked[0].height, asked[0].depth) == (WIDTH, HEIGHT, False)
    finally:
        register_splat_backend("plain", plain, lambda: False)
    for name in ("plain", "no such"):
        with pytest.raises(MissingExtraError, match="numba"):
            draw(inputs, name)


def test_importing_the_room_loads_no_torch():
    code = "import sys, humanav.render; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
