"""The rasteriser against an independent float64 ray caster, and at its edges."""

import numpy as np
import pytest
import trimesh

from humanav.camera import Camera
from humanav.errors import InputError, MissingExtraError
from humanav.render import (
    MeshBuffers,
    backends,
    interpolate,
    rasterize_mesh,
    rasterize_uv,
    register_backend,
    silhouette,
    vertex_normals,
    warm_up,
)


def ray_cast(vertices, faces, camera):
    """Moeller-Trumbore over all pixels and faces: triangle, barycentrics, depth (camera z)."""
    y, x = np.mgrid[: camera.height, : camera.width] + 0.5
    rays = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3) @ np.linalg.inv(camera.K).T
    cam = camera.to_camera(vertices)
    best = np.full(len(rays), np.inf)
    index = np.full(len(rays), -1)
    weights = np.zeros((len(rays), 3))
    for f, (a, b, c) in enumerate(cam[faces]):
        e1, e2 = b - a, c - a
        p = np.cross(rays, e2)
        det = p @ e1
        with np.errstate(divide="ignore", invalid="ignore"):
            u = (p @ -a) / det
            q = np.cross(-a, e1)
            v = (rays @ q) / det
            z = (q @ e2) / det
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (z > 0.01) & (z < best)
        best[hit], index[hit] = z[hit], f
        weights[hit] = np.stack([1 - u - v, u, v], -1)[hit]
    shape = (camera.height, camera.width)
    return index.reshape(shape), weights.reshape(*shape, 3), best.reshape(shape)


def soup(seed, count=40):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count * 3, 3)) * (0.8, 0.8, 0.8), np.arange(count * 3).reshape(-1, 3)


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_a_ray_caster(seed):
    vertices, faces = soup(seed)
    camera = Camera.orbit([0, 0, 0], 3.0, 35 * seed, 12, 61, 47, focal=50)
    index, weights, depth = ray_cast(vertices, faces, camera)
    buffers = rasterize_mesh(vertices, faces, camera)
    same = buffers.triangle == index
    assert same.mean() > 0.999  # ties on edges may fall to either side
    seen = same & (index >= 0)
    assert seen.sum() > 500
    np.testing.assert_allclose(buffers.depth[seen], depth[seen], rtol=1e-5)
    np.testing.assert_allclose(buffers.barycentric[seen], weights[seen], atol=2e-5)
    assert np.isinf(buffers.depth[index < 0]).all()


def test_faces_across_the_near_plane_are_cut_not_dropped():
    vertices = np.array([[-3.0, -0.5, -4], [3, -0.5, -4], [0, -0.5, 4]])  # a floor under and behind the camera
    camera = Camera.from_focal(40, 40, 30)
    index, weights, depth = ray_cast(vertices, np.array([[0, 1, 2]]), camera)
    buffers = rasterize_mesh(vertices, [[0, 1, 2]], camera)
    assert (index >= 0).sum() > 100
    assert ((buffers.triangle >= 0) == (index >= 0)).mean() > 0.998
    seen = (index >= 0) & (buffers.triangle >= 0)
    np.testing.assert_allclose(buffers.depth[seen], depth[seen], rtol=1e-5)
    np.testing.assert_allclose(buffers.barycentric[seen], weights[seen], atol=1e-5)
    assert (silhouette(vertices, [[0, 1, 2]], camera) == buffers.mask).all()


def test_shared_edges_leave_no_crack_and_no_double_cover():
    rng = np.random.default_rng(0)
    side = 24
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), -1).reshape(-1, 2)
    inner = (grid > 0).all(1) & (grid < side - 1).all(1)
    points = grid + 0.5 + np.where(inner[:, None], rng.integers(-3, 4, grid.shape) / 8, 0)  # some on centres
    quads = np.array([i * side + j for i in range(side - 1) for j in range(side - 1)])
    faces = np.concatenate([np.stack([quads, quads + 1, quads + side], 1),
                            np.stack([quads + 1, quads + side + 1, quads + side], 1)])
    vertices = np.concatenate([points, np.ones((len(points), 1))], 1)
    camera = Camera(np.eye(3), np.eye(3), np.zeros(3), side, side)
    counts = sum(silhouette(vertices, faces[k: k + 1], camera).astype(int) for k in range(len(faces)))
    assert (counts[:-1, :-1] == 1).all()
    assert counts.max() == 1


def test_deterministic_and_nearest_first():
    vertices, faces = soup(9, 300)
    camera = Camera.orbit([0, 0, 0], 3.0, 10, 5, 128, 128)
    first, second = (rasterize_mesh(vertices, faces, camera) for _ in range(2))
    assert (first.triangle == second.triangle).all()
    assert (first.barycentric == second.barycentric).all()
    two = np.array([[-1, -1, -2.0], [1, -1, -2], [0, 1, -2], [-1, -1, -1], [1, -1, -1], [0, 1, -1]])
    near = rasterize_mesh(two, [[0, 1, 2], [3, 4, 5]], Camera.from_focal(16, 16, 8))
    assert near.triangle[8, 8] == 1
    same = rasterize_mesh(two, [[0, 1, 2], [0, 1, 2]], Camera.from_focal(16, 16, 8))
    assert set(np.unique(same.triangle)) <= {-1, 0}


def test_closed_mesh_covers_what_its_projection_covers():
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
    camera = Camera.orbit([0, 0, 0], 2.0, 20, 20, 200, 200, focal=220)
    buffers = rasterize_mesh(sphere.vertices, sphere.faces, camera)
    y, x = np.mgrid[:200, :200] + 0.5
    radius = 220 * 0.5 / np.sqrt(4 - 0.25)
    disc = np.hypot(x - 100, y - 100) < radius
    assert (buffers.mask ^ disc).sum() < 60
    assert buffers.depth.min() == pytest.approx(1.5, abs=2e-3)
    inner = np.hypot(x - 100, y - 100) < radius - 2
    assert buffers.mask[inner].all()


def test_interpolated_positions_lie_on_their_pixels():
    vertices, faces = soup(3)
    camera = Camera.orbit([0, 0, 0], 3.0, 50, 20, 80, 60)
    buffers = rasterize_mesh(vertices, faces, camera)
    points = interpolate(buffers, faces, vertices, background=np.nan)
    pixels, depth = camera.project(points[buffers.mask])
    rows, columns = np.nonzero(buffers.mask)
    np.testing.assert_allclose(pixels, np.stack([columns, rows], -1) + 0.5, atol=2e-3)
    np.testing.assert_allclose(depth, buffers.depth[buffers.mask], rtol=1e-5)
    assert np.isnan(points[~buffers.mask]).all()
    assert interpolate(buffers, faces, vertices[:, 0]).shape == (60, 80, 1)


def test_texels_of_a_uv_chart():
    buffers = rasterize_uv(np.array([[0, 0], [1, 0], [0, 1.0]]), [[0, 1, 2]], 8)
    assert buffers.mask[7, 0]  # u, v near 0 is the bottom left texel
    assert not buffers.mask[0, 7]
    uv = interpolate(buffers, [[0, 1, 2]], np.array([[0, 0], [1, 0], [0, 1.0]]))
    np.testing.assert_allclose(uv[7, 0], [0.5 / 8, 0.5 / 8], atol=1e-6)


def test_skew_and_distortion_follow_the_camera():
    vertices, faces = soup(1)
    K = np.array([[50.0, 4, 30], [0, 52, 24], [0, 0, 1]])
    front = Camera.orbit([0, 0, 0], 4.0, 0, 0, 61, 47)
    camera = Camera(K, front.R, front.t, 61, 47)
    index, _, _ = ray_cast(vertices, faces, camera)
    assert (rasterize_mesh(vertices, faces, camera).triangle == index).mean() > 0.999
    lens = Camera(K * (1, 0, 1) + np.diag([0.0, 52, 0]), front.R, front.t, 61, 47, np.array([-0.2, 0.05, 0, 0]))
    sphere = trimesh.creation.icosphere(subdivisions=3, radius=0.9)
    pixels, _ = lens.project(sphere.vertices)
    rows, columns = np.nonzero(rasterize_mesh(sphere.vertices, sphere.faces, lens).mask)
    assert abs(columns.min() - pixels[:, 0].min()) < 1.5
    assert abs(rows.max() - pixels[:, 1].max()) < 1.5


def test_nothing_to_draw():
    camera = Camera.from_focal(8, 6)
    empty = rasterize_mesh(np.zeros((0, 3)), np.zeros((0, 3), int), camera)
    assert empty.triangle.shape == (6, 8)
    assert not empty.mask.any()
    behind = rasterize_mesh([[-1, -1, 2], [1, -1, 2], [0, 1, 2]], [[0, 1, 2]], camera)
    assert not behind.mask.any()
    flat = rasterize_mesh([[-1, -1, -2], [1, 1, -2], [0, 0, -2]], [[0, 1, 2]], camera)
    assert not flat.mask.any()


def test_bad_meshes_are_named():
    camera = Camera.from_focal(8, 8)
    with pytest.raises(InputError, match="NaN"):
        rasterize_mesh([[0, 0, np.nan], [1, 0, -1], [0, 1, -1]], [[0, 1, 2]], camera)
    with pytest.raises(InputError, match="outside"):
        rasterize_mesh([[0, 0, -1], [1, 0, -1], [0, 1, -1]], [[0, 1, 3]], camera)
    with pytest.raises(InputError, match="vertices"):
        rasterize_mesh(np.zeros((3, 2)), [[0, 1, 2]], camera)
    with pytest.raises(MissingExtraError, match="numba"):
        rasterize_mesh(np.zeros((3, 3)), [[0, 1, 2]], camera, backend="pencil")


def test_backends_can_be_added():
    blank = MeshBuffers(np.full((8, 8), -1, np.int32), np.zeros((8, 8, 3), np.float32), np.full((8, 8), np.inf))
    register_backend("blank", lambda *_: blank, lambda: False)
    assert "blank" not in backends()
    assert backends()[0] == "numba"
    register_backend("blank", lambda *_: blank, lambda: True)
    assert rasterize_mesh(np.zeros((3, 3)), [[0, 1, 2]], Camera.from_focal(8, 8), backend="blank") is blank
    register_backend("blank", lambda *_: blank, lambda: False)


def test_tensors_and_normals():
    torch = pytest.importorskip("torch")
    sphere = trimesh.creation.icosphere(subdivisions=3)
    vertices = torch.tensor(np.asarray(sphere.vertices), dtype=torch.float32, requires_grad=True)
    normals = vertex_normals(vertices, torch.tensor(np.asarray(sphere.faces)))
    np.testing.assert_allclose(normals, sphere.vertices, atol=0.02)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    camera = Camera.orbit([0, 0, 0], 3, 0, 0, 32, 32)
    assert rasterize_mesh(vertices, sphere.faces, camera).mask.any()
    assert (vertex_normals(np.zeros((3, 3)), [[0, 1, 2]]) == (0, 0, 1)).all()


def test_concurrent_calls():
    from concurrent.futures import ThreadPoolExecutor

    warm_up()
    vertices, faces = soup(2, 200)
    camera = Camera.orbit([0, 0, 0], 3.0, 0, 0, 96, 96)
    expected = rasterize_mesh(vertices, faces, camera).triangle
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: rasterize_mesh(vertices, faces, camera).triangle, range(16)))
    assert all((result == expected).all() for result in results)
