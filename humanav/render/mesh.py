"""Rasterise triangle meshes: which triangle each pixel sees, where in it, and how far away.

One interface, several backends (:func:`register_backend`); the embedded one is numba on the CPU, and PyTorch3D is there
where it is installed. Results are deterministic: the nearest triangle wins, and of equally near ones the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.camera.camera import _distort
from humanav.errors import InputError, MissingExtraError
from humanav.render import kernels
from humanav.render.kernels import KERNEL_LOCK

Floats = NDArray[np.float32]
Intrinsics = tuple[float, float, float, float, float]
NEAR = 0.01
"""Surfaces nearer than this (metres) are not drawn."""


@dataclass(frozen=True)
class MeshBuffers:
    """What each pixel of an H x W picture sees.

    Attributes:
        triangle: (H,W) int32 index of the visible face, -1 for none.
        barycentric: (H,W,3) float32 perspective-correct weights of the face's corners; 0 where there is no face.
        depth: (H,W) float32 camera-space z in metres, inf where there is no face.
    """

    triangle: NDArray[np.int32]
    barycentric: Floats
    depth: Floats

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(H,W) True where a face is seen."""
        return self.triangle >= 0


Backend = Callable[[NDArray[np.float64], NDArray[np.int64], Camera, float], MeshBuffers]
_BACKENDS: dict[str, tuple[Backend, Callable[[], bool]]] = {}


def register_backend(name: str, rasterize: Backend, available: Callable[[], bool] = lambda: True) -> None:
    """Offer a rasteriser under ``name``.

    Args:
        rasterize: called with camera-space vertices (V,3) float64, faces (F,3) int64, the camera and the near distance.
        available: tells whether it works on this machine; asked each time "auto" chooses.
    """
    _BACKENDS[name] = (rasterize, available)


def backends() -> tuple[str, ...]:
    """Names of the backends that work here, in the order in which "auto" tries them (last registered first)."""
    return tuple(name for name, (_, available) in reversed(_BACKENDS.items()) if available())


def rasterize_mesh(
    vertices: Any, faces: Any, camera: Camera, *, backend: str = "auto", near: float = NEAR
) -> MeshBuffers:
    """The visible triangle, barycentrics and depth at every pixel of ``camera``.

    Both sides of a face are drawn. Faces that cross the near plane are drawn up to it. Lens distortion moves the
    vertices; edges between them stay straight.

    Args:
        vertices: (V,3) world positions in metres, array or tensor.
        faces: (F,3) vertex indices.
        backend: "auto" or one of :func:`backends`.
        near: surfaces closer to the camera (metres) are cut away.

    Raises:
        InputError: NaN or infinite vertices, or faces that name vertices that do not exist.
        MissingExtraError: the backend is not there.
    """
    v, f = check_mesh(vertices, faces)
    name = next(iter(backends())) if backend == "auto" else backend
    if name not in _BACKENDS or not _BACKENDS[name][1]():
        raise MissingExtraError(f"There is no mesh rasteriser '{name}' here; use one of {', '.join(backends())}.")
    return _BACKENDS[name][0](_camera_space(v, camera), f, camera, near)


def silhouette(vertices: Any, faces: Any, camera: Camera, *, near: float = NEAR) -> NDArray[np.bool_]:
    """The pixels (H,W) the mesh covers; cheaper than :func:`rasterize_mesh`. Raises InputError as that does."""
    v, f = check_mesh(vertices, faces)
    covered = np.zeros((camera.height, camera.width), dtype=np.bool_)
    if len(f):
        with KERNEL_LOCK:
            edges, box, intrinsics = _setup(_camera_space(v, camera), f, camera, near)
            kernels.cover_triangles(edges, box, *intrinsics, near, get_num_threads(), covered)
    return covered


def rasterize_uv(uv: Any, uv_faces: Any, size: int | tuple[int, int]) -> MeshBuffers:
    """The triangle and barycentrics under every texel centre of a texture ``size`` (side, or width and height).

    UV convention: u to the right, v up, so v = 0 is the bottom row of the picture. Depth is 1 wherever a face is.
    """
    width, height = (size, size) if isinstance(size, int) else size
    uv = as_array(uv, np.float64)
    flat = np.concatenate([uv * (width, -height) + (0, height), np.ones((len(uv), 1))], axis=1)
    return rasterize_mesh(flat, uv_faces, Camera(np.eye(3), np.eye(3), np.zeros(3), width, height))


def interpolate(buffers: MeshBuffers, faces: Any, attributes: Any, background: float = 0.0) -> Floats:
    """Vertex attributes at every pixel.

    Args:
        buffers: result of :func:`rasterize_mesh`.
        faces: (F,3) corners of each face in ``attributes``: the mesh's own, or ``uv_faces`` for texture coordinates.
        attributes: (N,C) or (N,) one row per vertex.
        background: value where there is no face.

    Returns:
        (H,W,C) float32.
    """
    values = as_array(attributes, np.float32)
    values = values[:, None] if values.ndim == 1 else values
    corners = as_array(faces, np.int64)
    out = np.full((*buffers.triangle.shape, values.shape[1]), background, dtype=np.float32)
    if len(corners):
        with KERNEL_LOCK:
            kernels.interpolate_attributes(buffers.triangle, buffers.barycentric, corners, values, out)
    return out


def vertex_normals(vertices: Any, faces: Any) -> Floats:
    """Area-weighted unit normals (V,3) float32; (0,0,1) at vertices without a face."""
    v, f = check_mesh(vertices, faces)
    out = np.zeros(v.shape, dtype=np.float64)
    kernels.area_weighted_normals(v, f, out)
    return out.astype(np.float32)


def warm_up() -> None:
    """Compile (or load from numba's cache) every kernel, so that the first picture does not wait for it."""
    from humanav.render.shade import render_mesh
    from humanav.render.stage import paint_stage

    vertices = np.array([[-1, -1, -3], [1, -1, -3], [0, 1, -3]], dtype=np.float64)
    faces = np.array([[0, 1, 2]])
    camera = Camera.from_focal(8, 8)
    silhouette(vertices, faces, camera)
    interpolate(rasterize_mesh(vertices, faces, camera), faces, vertices)
    render_mesh(vertices, faces, camera, background=paint_stage(camera, (0.0, 0.0, -3.0), -1.0))
    render_mesh(vertices, faces, camera, texture=np.zeros((128, 128, 3), np.uint8), uv=vertices[:, :2], uv_faces=faces)


def as_array(value: Any, dtype: type) -> NDArray[Any]:
    """A C-contiguous numpy array of ``dtype`` from an array, a list or a torch tensor (detached, on the CPU)."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.ascontiguousarray(value, dtype=dtype)


def check_mesh(vertices: Any, faces: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices (V,3) float64 and faces (F,3) int64. Raises InputError when they do not describe a mesh."""
    v, f = as_array(vertices, np.float64), as_array(faces, np.int64)
    if f.size == 0:
        f = f.reshape(0, 3)
    if v.size == 0:
        v = v.reshape(0, 3)
    if v.ndim != 2 or v.shape[1] != 3 or f.ndim != 2 or f.shape[1] != 3:
        raise InputError(f"A mesh needs vertices (V,3) and faces (F,3); got {v.shape} and {f.shape}.")
    if not np.isfinite(v).all():
        raise InputError("The mesh holds NaN or infinite vertices; check the pose and shape it was made from.")
    if len(f) and (f.min() < 0 or f.max() >= len(v)):
        raise InputError(f"The mesh's faces name vertices outside 0..{len(v) - 1}.")
    return v, f


def _camera_space(vertices: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    cam = camera.to_camera(vertices)
    if camera.distortion is not None and camera.distortion.any():
        front = cam[:, 2] > NEAR
        cam[front, :2] = _distort(cam[front, :2] / cam[front, 2:], camera.distortion) * cam[front, 2:]
    return np.ascontiguousarray(cam)


def _setup(
    cam: NDArray[np.float64], faces: NDArray[np.int64], camera: Camera, near: float
) -> tuple[NDArray[np.float64], NDArray[np.int32], Intrinsics]:
    K = camera.K
    intrinsics = float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2]), float(K[0, 1])
    edges = np.empty((len(faces), 10), dtype=np.float64)
    box = np.empty((len(faces), 4), dtype=np.int32)
    kernels.setup_triangles(cam, faces, *intrinsics, camera.width, camera.height, near, edges, box)
    return edges, box, intrinsics


def _numba_backend(
    cam: NDArray[np.float64], faces: NDArray[np.int64], camera: Camera, near: float
) -> MeshBuffers:
    shape = (camera.height, camera.width)
    triangle = np.full(shape, -1, dtype=np.int32)
    barycentric = np.zeros((*shape, 3), dtype=np.float32)
    depth = np.full(shape, np.inf, dtype=np.float32)
    if len(faces):
        with KERNEL_LOCK:
            edges, box, intrinsics = _setup(cam, faces, camera, near)
            kernels.fill_triangles(edges, box, *intrinsics, near, get_num_threads(), triangle, barycentric, depth)
    return MeshBuffers(triangle, barycentric, depth)


def _pytorch3d_backend(
    cam: NDArray[np.float64], faces: NDArray[np.int64], camera: Camera, near: float
) -> MeshBuffers:
    from humanav.render.mesh_pytorch3d import rasterize

    return rasterize(cam, faces, camera, near)


register_backend("pytorch3d", _pytorch3d_backend, lambda: find_spec("pytorch3d") is not None)
register_backend("numba", _numba_backend)
