"""The soft silhouette against autograd over its formula, and PyTorch3D's as a second opinion."""

from __future__ import annotations

import math
import sys
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import numba
import numpy as np
import pytest
import torch
import trimesh

from humanav.camera import Camera
from humanav.errors import InputError, MissingExtraError
from humanav.render import backends, rasterize_mesh, silhouette, soft_backends, soft_silhouette

CAMERA = Camera.orbit([0, 0, 0], 2.0, 20, 20, 41, 33, focal=46)
SKEWED = Camera(CAMERA.K + [[0, 3, 0], [0, 4, 1], [0, 0, 0]], CAMERA.R, CAMERA.t, 41, 33)


def ball(subdivisions=1):
    sphere = trimesh.creation.icosphere(subdivisions=subdivisions, radius=0.5)
    return torch.tensor(np.array(sphere.vertices)), np.array(sphere.faces)


def signed_squares(corners, points):
    """Signed squared distances (P,F) of points (P,2) to the edges of triangles (F,3,2), plus inside."""
    squares, sides = [], []
    for k in range(3):
        start, edge = corners[:, k], corners[:, (k + 1) % 3] - corners[:, k]
        away = points[:, None] - start
        along = ((away * edge).sum(-1) / (edge * edge).sum(-1)).clamp(0, 1)
        squares.append(((away - along[..., None] * edge) ** 2).sum(-1))
        sides.append(edge[:, 0] * away[..., 1] - edge[:, 1] * away[..., 0])
    sides, nearest = torch.stack(sides), torch.stack(squares).amin(0)
    return torch.where((sides > 0).all(0) | (sides < 0).all(0), nearest, -nearest)


def formula(vertices, faces, camera, blur):
    R, t, K = (torch.tensor(value) for value in (camera.R, camera.t, camera.K))
    cam = vertices @ R.T + t
    pixels = (cam[:, :2] / cam[:, 2:]) @ K[:2, :2].T + K[:2, 2]
    y, x = torch.meshgrid(torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij")
    score = signed_squares(pixels[torch.tensor(faces)], torch.stack([x, y], -1).double().reshape(-1, 2)) / blur**2
    covered = torch.sigmoid(score) * (score > -math.log(1e4 - 1))
    return (1 - (1 - covered).prod(1)).reshape(camera.height, camera.width)


@pytest.mark.parametrize("blur", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("camera", [CAMERA, SKEWED])
def test_coverage_and_gradient_are_those_of_the_formula(blur, camera):
    vertices, faces = ball()
    ours, plain = vertices.clone().requires_grad_(), vertices.clone().requires_grad_()
    found, true = soft_silhouette(ours, faces, camera, blur=blur), formula(plain, faces, camera, blur)
    torch.testing.assert_close(found, true, atol=1e-12, rtol=0)
    weights = torch.randn(found.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    (found * weights).sum().backward()
    (true * weights).sum().backward()
    torch.testing.assert_close(ours.grad, plain.grad, atol=1e-9, rtol=1e-9)


def test_a_small_blur_is_the_hard_silhouette():
    vertices, faces = ball(3)
    soft = soft_silhouette(vertices, faces, CAMERA, blur=0.02)
    hard = silhouette(vertices, faces, CAMERA)
    assert ((soft.numpy() > 0.5) != hard).mean() < 0.005


def test_descending_moves_a_ball_onto_a_mask():
    vertices, faces = ball(2)
    target = soft_silhouette(vertices + torch.tensor([0.12, -0.08, 0.0]), faces, CAMERA)
    shift = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([shift], 0.02)
    for _ in range(100):
        optimizer.zero_grad()
        loss = (soft_silhouette(vertices + shift, faces, CAMERA) - target).square().mean()
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-4
    across = CAMERA.R @ (shift.detach().numpy() - [0.12, -0.08, 0.0])
    assert np.abs(across[:2]).max() < 0.01  # the picture says little about the distance


def test_the_same_bits_in_every_run_and_for_any_number_of_threads():
    vertices, faces = ball(3)
    threads = numba.get_num_threads()
    grads = []
    try:
        for count in (threads, threads, 1):
            numba.set_num_threads(count)
            leaf = vertices.float().requires_grad_()
            soft_silhouette(leaf, faces, CAMERA).square().sum().backward()
            grads.append(leaf.grad)
    finally:
        numba.set_num_threads(threads)
    assert torch.equal(grads[0], grads[1])
    assert torch.equal(grads[0], grads[2])


def test_bad_input_and_nothing_to_see():
    vertices, faces = ball()
    for change in ({"blur": 0}, {"vertices": vertices * math.nan}, {"faces": faces + 999}, {
            "camera": Camera(CAMERA.K, CAMERA.R, CAMERA.t, 8, 8, np.array([0.1, 0, 0, 0]))}):
        given = {"vertices": vertices, "faces": faces, "camera": CAMERA, **change}
        with pytest.raises(InputError, match=r"^[^\n]*\.$"):
            soft_silhouette(**given)
    with pytest.raises(MissingExtraError, match="numba"):
        soft_silhouette(vertices, faces, CAMERA, backend="no such")
    leaf = (vertices - CAMERA.R[2] * 9).requires_grad_()
    behind = soft_silhouette(leaf, faces, CAMERA)
    assert behind.abs().max() == 0
    behind.sum().backward()
    assert not leaf.grad.any()
    assert soft_silhouette(vertices, np.zeros((0, 3)), CAMERA).abs().max() == 0
    line = torch.tensor([[0.0, 0, 0], [0.1, 0, 0], [0.2, 0, 0]], requires_grad=True)
    flat = soft_silhouette(line, [[0, 1, 2], [0, 0, 1]], Camera.from_focal(9, 9, R=np.eye(3), t=[0, 0, 2]))
    flat.sum().backward()
    assert line.grad.isfinite().all()


def _rasterize_meshes(
    meshes, image_size=256, blur_radius=0.0, faces_per_pixel=8, bin_size=None, max_faces_per_bin=None,
    perspective_correct=False, clip_barycentric_coords=False, cull_backfaces=False, z_clip_value=None,
    cull_to_frustum=False,
):
    """What PyTorch3D's function of that name documents, for faces in front of the camera: the stand-in here."""
    height, width = image_size
    short = min(image_size)
    y, x = torch.meshgrid(height / short - (2 * torch.arange(height) + 1) / short,
                          width / short - (2 * torch.arange(width) + 1) / short, indexing="ij")
    points = torch.stack([x, y], -1).reshape(-1, 2).to(meshes.verts)
    corners = meshes.verts[meshes.faces]
    signed = -signed_squares(corners[..., :2], points)
    a, b, c = corners[..., :2].unbind(1)
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]

    def part(p, q):
        to_p, to_q = p - points[:, None], q - points[:, None]
        return (to_p[..., 0] * to_q[..., 1] - to_p[..., 1] * to_q[..., 0]) / area

    weights = torch.stack([part(b, c), part(c, a), part(a, b)], -1)
    if perspective_correct:
        weights = weights / corners[..., 2]
        weights = weights / weights.sum(-1, keepdim=True)
    z = (weights * corners[..., 2]).sum(-1)
    there = (signed < blur_radius) & (signed != 0)
    z, index = torch.where(there, z, math.inf).topk(min(faces_per_pixel, len(corners)), 1, largest=False)
    seen = z.isfinite()

    def pick(values):
        return values.gather(1, index).reshape(1, height, width, -1)

    shape = (1, height, width, index.shape[1])
    picked = weights.gather(1, index[..., None].expand(-1, -1, 3)).reshape(*shape, 3)
    return torch.where(seen, index, -1).reshape(shape), z.reshape(shape), picked, pick(signed)


@pytest.fixture(params=["stand-in", "pytorch3d"])
def _pytorch3d(request, monkeypatch):
    if request.param == "pytorch3d":
        pytest.importorskip("pytorch3d")
        return
    names = ("pytorch3d", "pytorch3d.renderer", "pytorch3d.renderer.mesh", "pytorch3d.structures")
    modules = {name: ModuleType(name) for name in names}
    modules["pytorch3d"].__spec__ = SimpleNamespace()
    modules["pytorch3d.renderer.mesh"].rasterize_meshes = _rasterize_meshes
    modules["pytorch3d.structures"].Meshes = lambda verts, faces: SimpleNamespace(verts=verts[0], faces=faces[0])
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("_pytorch3d")
@pytest.mark.parametrize("camera", [CAMERA, SKEWED, Camera.orbit([0, 0, 0], 2.0, 80, 0, 30, 44, focal=40)])
def test_pytorch3d_draws_the_same_mesh_within_an_edge(camera):
    vertices, faces = ball(2)
    assert "pytorch3d" in backends()
    ours, theirs = (rasterize_mesh(vertices, faces, camera, backend=name) for name in ("numba", "pytorch3d"))
    same = ours.triangle == theirs.triangle
    assert same.mean() > 0.99
    np.testing.assert_allclose(theirs.depth[same], ours.depth[same], rtol=1e-4)
    np.testing.assert_allclose(theirs.barycentric[same], ours.barycentric[same], atol=2e-3)
    assert rasterize_mesh(vertices, np.zeros((0, 3)), camera, backend="pytorch3d").mask.sum() == 0


@pytest.mark.usefixtures("_pytorch3d")
def test_pytorch3d_gives_the_same_coverage_and_gradient():
    vertices, faces = ball()
    found = []
    for name in ("numba", "pytorch3d"):
        leaf = vertices.float().requires_grad_()
        cover = soft_silhouette(leaf, faces, CAMERA, blur=1.5, backend=name)
        (cover * torch.linspace(-1, 1, 41)).sum().backward()
        found.append((cover.detach(), leaf.grad))
    torch.testing.assert_close(found[1][0], found[0][0], atol=1e-3, rtol=0)
    torch.testing.assert_close(found[1][1], found[0][1], atol=1e-2 * float(found[0][1].abs().max()), rtol=0)


@pytest.mark.skipif(find_spec("pytorch3d") is not None, reason="PyTorch3D is installed")
def test_without_pytorch3d_it_is_not_offered():
    assert "pytorch3d" not in backends()
    assert soft_backends() == ("numba",)
    with pytest.raises(MissingExtraError, match="numba"):
        rasterize_mesh(*ball(), CAMERA, backend="pytorch3d")
