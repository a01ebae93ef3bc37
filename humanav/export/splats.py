"""Gaussians as values and as 3DGS ``.ply`` files, which public splat viewers open.

Convention: metres, y up, facing +z; quaternions ``w x y z``, the rotation of the Gaussian's own axes into the world;
scales are standard deviations along those axes; colours are the constant (degree 0) spherical harmonic.

The file's layout is that of "3D Gaussian Splatting for Real-Time Radiance Field Rendering" (Kerbl et al. 2023): colour
``(rgb - 1/2) / C0``, opacity as its logit, scales as their logarithm. Many viewers take y to point down, as in the
cameras of structure from motion: ``y_down`` turns the scene by 180 degrees round x for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.errors import InputError
from humanav.export.files import whole_file

Floats = NDArray[np.float32]

C0 = 0.28209479177387814
"""The constant spherical harmonic, 1 / (2 sqrt(pi))."""

_PROPERTIES = ("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
               "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3")
_NEEDED = tuple(name for name in _PROPERTIES if name[0] != "n")
_KINDS = {"char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
          "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
          "double": "f8", "float64": "f8"}
_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}
_WIDTHS = {"means": (3,), "quats": (4,), "scales": (3,), "opacities": (), "rgb": (3,)}
_EDGE = 1e-6  # opacities of exactly 0 and 1 have no logit
_LONGEST_HEADER = 1 << 16


@dataclass(frozen=True)
class Splats:
    """N Gaussians; every array is float32.

    Attributes:
        means: (N,3) centres, metres.
        quats: (N,4) unit quaternions w x y z.
        scales: (N,3) standard deviations, metres.
        opacities: (N,) 0..1.
        rgb: (N,3) 0..1.

    Quaternions are normalised, colours and opacities clipped to their range.

    Raises:
        InputError: no Gaussians, shapes that do not fit together, numbers that are not finite, a scale that is not
            positive, a quaternion of length zero.
    """

    means: Floats
    quats: Floats
    scales: Floats
    opacities: Floats
    rgb: Floats

    def __post_init__(self) -> None:
        count = len(np.atleast_1d(as_numpy(self.means)))
        if count == 0:
            raise InputError("There are no Gaussians: the avatar is empty.")
        for name, width in _WIDTHS.items():
            value = as_numpy(getattr(self, name))
            if name == "opacities" and value.shape == (count, 1):
                value = value[:, 0]
            if value.shape != (count, *width):
                raise InputError(f"The Gaussians' {name} have shape {value.shape}; {(count, *width)} is needed.")
            value = value.astype(np.float32)
            if not np.isfinite(value).all():
                raise InputError(f"The Gaussians' {name} hold NaN or infinite numbers.")
            object.__setattr__(self, name, value)
        if (self.scales <= 0).any():
            raise InputError("The Gaussians' scales must be positive lengths in metres (not logarithms).")
        length = np.linalg.norm(self.quats, axis=1, keepdims=True)
        if (length < 1e-12).any():
            raise InputError("Some of the Gaussians' quaternions have length zero: export them again.")
        object.__setattr__(self, "quats", self.quats / length)
        object.__setattr__(self, "opacities", self.opacities.clip(0, 1))
        object.__setattr__(self, "rgb", self.rgb.clip(0, 1))

    def __len__(self) -> int:
        return len(self.means)

    @property
    def covars(self) -> Floats:
        """(N,3,3) covariances, square metres."""
        axes: Floats = quats_to_matrices(self.quats) * self.scales[:, None]
        return np.einsum("nab,ncb->nac", axes, axes)

    def transformed(self, blend: ArrayLike, shift: ArrayLike) -> Splats:
        """Each Gaussian through its own affine map ``x -> blend @ x + shift``: blend (N,3,3), shift (N,3)."""
        matrix, offset = np.asarray(blend, dtype=np.float32), np.asarray(shift, dtype=np.float32)
        axes = matrix @ (quats_to_matrices(self.quats) * self.scales[:, None])
        # The left singular vectors are the new axes, the singular values the new lengths.
        turned, lengths, _ = np.linalg.svd(axes)
        turned[..., 2] *= np.sign(np.linalg.det(turned))[:, None]
        means = np.einsum("nab,nb->na", matrix, self.means) + offset
        return Splats(means, matrices_to_quats(turned), np.maximum(lengths, 1e-7), self.opacities, self.rgb)


def write_splat_ply(
    path: str | Path, means: ArrayLike, quats: ArrayLike, scales: ArrayLike, opacities: ArrayLike, rgb: ArrayLike, *,
    y_down: bool,
) -> Path:
    """Write Gaussians as a 3DGS ``.ply`` (binary, little endian, spherical harmonics of degree 0).

    Args:
        path: the file to write.
        means, quats, scales, opacities, rgb: as :class:`Splats`; arrays or tensors.
        y_down: turn the person upside down, as viewers want it that show 3DGS scenes as they are (Gradio's Model3D,
            SuperSplat); False keeps y up, for programs that share this project's frame.

    Raises:
        InputError: as :class:`Splats`.
        StorageError: the file cannot be written.
    """
    splats = Splats(*(as_numpy(value) for value in (means, quats, scales, opacities, rgb)))
    if y_down:
        splats = _half_turn(splats, 1)
    opacity = splats.opacities.clip(_EDGE, 1 - _EDGE).astype(np.float64)
    columns = [splats.means, np.zeros_like(splats.means), (splats.rgb - 0.5) / C0,
               np.log(opacity / (1 - opacity))[:, None], np.log(splats.scales), splats.quats]
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(splats)}",
            *(f"property float {name}" for name in _PROPERTIES), "end_header", ""]
    with whole_file(path) as temporary:
        temporary.write_bytes("\n".join(head).encode() + np.concatenate(columns, axis=1).astype("<f4").tobytes())
    return Path(path)


def read_splat_ply(path: str | Path, *, y_down: bool = False) -> Splats:
    """Read a 3DGS ``.ply``, of this project or another; higher harmonics and further properties are left out.

    Args:
        path: the file.
        y_down: it was written with y down; turned back to y up.

    Raises:
        InputError: the file cannot be read, is cut short, or holds no Gaussians.
    """
    name = Path(path).name
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error
    order, count, kinds, start = _header(data, name)
    missing = [p for p in _NEEDED if p not in dict(kinds)]
    if missing:
        raise InputError(f"{name} holds no 3D Gaussians: the property {missing[0]} is missing (is it a mesh, or a "
                         "compressed splat file?): give a .ply of Gaussian splatting.")
    row = np.dtype([(p, order + kind) for p, kind in kinds])
    if len(data) - start < count * row.itemsize:
        raise InputError(f"{name} is cut short: it says {count} Gaussians but ends before; copy or make it again.")
    table = np.frombuffer(data, dtype=row, count=count, offset=start)

    def columns(*names: str) -> NDArray[Any]:
        return np.stack([table[p].astype(np.float64) for p in names], axis=1)

    with np.errstate(over="ignore"):  # exp of -opacity: 1 / inf is the 0 that is meant
        splats = Splats(columns("x", "y", "z"), columns("rot_0", "rot_1", "rot_2", "rot_3"),
                        np.exp(columns("scale_0", "scale_1", "scale_2")),
                        1 / (1 + np.exp(-columns("opacity")[:, 0])),
                        columns("f_dc_0", "f_dc_1", "f_dc_2") * C0 + 0.5)
    return _half_turn(splats, -1) if y_down else splats


def quats_to_matrices(quats: ArrayLike) -> Floats:
    """Unit quaternions (N,4) w x y z to rotation matrices (N,3,3)."""
    w, x, y, z = np.asarray(quats, dtype=np.float32).T
    rows = [[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrices_to_quats(matrices: ArrayLike) -> Floats:
    """Rotation matrices (N,3,3) to unit quaternions (N,4) w x y z."""
    from scipy.spatial.transform import Rotation

    return np.roll(Rotation.from_matrix(np.asarray(matrices, dtype=np.float64)).as_quat(), 1, axis=1).astype(np.float32)


def as_numpy(value: Any) -> NDArray[Any]:
    """An array or tensor as numpy."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)


def _half_turn(splats: Splats, sign: int) -> Splats:
    """Turned by 180 degrees round x: the quaternion (0 1 0 0), or (0 -1 0 0) to turn back, times each."""
    w, x, y, z = splats.quats.T
    return Splats(splats.means * np.array([1, -1, -1], dtype=np.float32), sign * np.stack([-x, w, -z, y], axis=1),
                  splats.scales, splats.opacities, splats.rgb)


def _header(data: bytes, name: str) -> tuple[str, int, list[tuple[str, str]], int]:
    """Byte order, number of vertices, (property, numpy kind) in order, and where the table begins."""
    end = data.find(b"end_header", 0, _LONGEST_HEADER)
    if not data.startswith(b"ply") or end < 0:
        raise InputError(f"{name} is not a .ply file: give one of Gaussian splatting.")
    start = data.index(b"\n", end) + 1 if b"\n" in data[end:] else len(data)
    order, count, kinds, element = "", 0, [], ""
    for line in data[:end].decode("ascii", errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["format"]:
            order = _ORDERS.get(words[1] if len(words) > 1 else "", "")
        elif words[:1] == ["element"] and len(words) == 3 and words[2].isdigit():
            if not element and words[1] != "vertex":
                raise InputError(f"{name} begins with {words[1]}, not with Gaussians: compressed splat files cannot be "
                                 "read; save it as a plain 3DGS .ply.")
            element = words[1]
            count = int(words[2]) if element == "vertex" else count
        elif words[:1] == ["property"] and element == "vertex":
            if len(words) != 3 or words[1] not in _KINDS:
                raise InputError(f"{name} holds a list or unknown type, which no .ply of Gaussian splatting has: "
                                 "export it again.")
            kinds.append((words[2], _KINDS[words[1]]))
    if not order:
        raise InputError(f"{name} is a text .ply or of an unknown format: save it as binary.")
    if len(dict(kinds)) < len(kinds):
        raise InputError(f"{name} names a property twice; it cannot be read.")
    return order, count, kinds, start
