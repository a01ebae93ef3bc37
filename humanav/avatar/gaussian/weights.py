"""Diffused skinning weights: a field of skin weights round the body, so that loose clothes know what moves them.

PERSONA (Sim and Moon, ICCV 2025) diffuses the body's skin weights from its surface into a grid once, for everybody, and
looks Gaussians up in it. Here the field gives only what changes between the surface and the point off it; the surface's
own weights are added back, so that on the surface they are exact however coarse the grid is.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Floats, blended, joint_transforms
from humanav.avatar.build import four_influences
from humanav.body.names import JOINT_INDEX, NUM_BODY_JOINTS, PARENTS

if TYPE_CHECKING:
    from humanav.body import BodyModel

CHANNELS = NUM_BODY_JOINTS + 1
CELL = 0.025
"""Metres; full size uses 0.0125."""
STEPS = 100
_VERSION, _RATE, _SHELL, _MARGIN = 1, 0.1, 0.02, 0.18


@dataclass(frozen=True)
class WeightField:
    """Weights of the 22 body joints on a grid round the body's mean shape with its legs apart.

    Attributes:
        grid: (X,Y,Z,22) float32, sums to 1. origin: (3,) of cell 0,0,0. cell: metres.
    """

    grid: Floats
    origin: Floats
    cell: float

    def __call__(self, points: NDArray[Any]) -> Floats:
        """Weights (N,22) at points (N,3) by trilinear interpolation; outside the grid those of its border."""
        size = np.array(self.grid.shape[:3])
        at = np.clip((np.asarray(points) - self.origin) / self.cell, 0, size - 1.001)
        low = np.floor(at).astype(int)
        part = (at - low).astype(np.float32)
        out = np.zeros((len(low), CHANNELS), dtype=np.float32)
        for corner in np.ndindex(2, 2, 2):
            share = np.prod(np.where(corner, part, 1 - part), axis=1)
            x, y, z = (low + corner).T
            out += share[:, None] * self.grid[x, y, z]
        return out


def neutral_pose() -> NDArray[np.float32]:
    """(55,3) T-pose with the legs apart, so that one leg's cloth does not lie next to the other leg."""
    pose = np.zeros((55, 3), dtype=np.float32)
    pose[JOINT_INDEX["left_hip"], 2], pose[JOINT_INDEX["right_hip"], 2] = 1 / 3, -1 / 3
    return pose


def body_channels() -> NDArray[np.int64]:
    """(55,) which of the 22 body joints each joint counts as: fingers as the wrist, jaw and eyes as the head."""
    own = list(range(CHANNELS))
    for joint in range(CHANNELS, len(PARENTS)):
        own.append(own[PARENTS[joint]])
    return np.array(own)


def to_body_joints(weight: Floats) -> Floats:
    """(N,55) skin weights to (N,22), see :func:`body_channels`."""
    out = np.zeros((len(weight), CHANNELS), dtype=np.float32)
    np.add.at(out.T, body_channels(), weight.T)
    return out


def diffuse(body: BodyModel, cell: float = CELL, steps: int = STEPS) -> WeightField:
    """Compute the field: cells near the surface keep the nearest vertex's weights, the others follow by diffusion."""
    from scipy.spatial import cKDTree

    template, vertex_weight = neutral_body(body)
    low, high = template.min(axis=0) - _MARGIN, template.max(axis=0) + _MARGIN
    size = np.ceil((high - low) / cell).astype(int) + 1
    places = np.stack(np.meshgrid(*(np.arange(n) for n in size), indexing="ij"), axis=-1) * cell + low
    distance, nearest = cKDTree(template).query(places.reshape(-1, 3), workers=-1)
    grid = to_body_joints(vertex_weight)[nearest].reshape(*size, CHANNELS)
    free = (distance > max(_SHELL, cell)).reshape(*size, 1).astype(np.float32)
    for _ in range(steps):
        wide = np.pad(grid, ((1, 1), (1, 1), (1, 1), (0, 0)), mode="edge")
        change = -6 * grid
        change += wide[2:, 1:-1, 1:-1]
        change += wide[:-2, 1:-1, 1:-1]
        change += wide[1:-1, 2:, 1:-1]
        change += wide[1:-1, :-2, 1:-1]
        change += wide[1:-1, 1:-1, 2:]
        change += wide[1:-1, 1:-1, :-2]
        grid += _RATE * free * change
    grid = np.maximum(grid, 0)
    grid /= grid.sum(axis=-1, keepdims=True)
    return WeightField(grid.astype(np.float32), low.astype(np.float32), float(cell))


def neutral_body(body: BodyModel) -> tuple[Floats, Floats]:
    """Vertices (V,3) of the mean shape in :func:`neutral_pose`, and their skin weights (V,55)."""
    from humanav.avatar.gaussian.value import dense_weights

    rest, joints = (np.asarray(x.detach().cpu().numpy(), dtype=np.float32)
                    for x in body.rest(np.zeros(body.num_betas, np.float32), None))
    index, weight = four_influences(body.skin_index, body.skin_weight)
    matrix, shift = blended(*joint_transforms(joints, neutral_pose(), PARENTS), index, weight)
    return np.einsum("vab,vb->va", matrix, rest) + shift, dense_weights(index, weight, len(PARENTS))


def cache_folder() -> Path:
    """Where computed fields are kept: ``HUMANAV_CACHE``, else the user's cache folder."""
    own = os.environ.get("HUMANAV_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "humanav"


def field_path(body: BodyModel, cell: float = CELL, steps: int = STEPS) -> Path:
    """The file that holds this body's field."""
    digest = hashlib.sha256(repr((_VERSION, cell, steps)).encode())
    for tensor in (body.v_template, body.skin_index, body.skin_weight):
        digest.update(tensor.cpu().numpy().tobytes())
    return cache_folder() / f"skin_weights_{digest.hexdigest()[:16]}.npz"


_FIELDS: dict[str, WeightField] = {}


def weight_field(
    body: BodyModel, cell: float = CELL, steps: int = STEPS, *, recompute: bool = False
) -> tuple[WeightField, Path | None]:
    """The field of a body, and the file it lies in.

    It is computed once and kept in :func:`cache_folder`; where nothing can be written it is kept in memory, and the
    path is None.
    """
    path = field_path(body, cell, steps)
    if path.name in _FIELDS and not recompute:
        return _FIELDS[path.name], path if path.is_file() else None
    field = None if recompute else _read(path)
    written: Path | None = path
    if field is None:
        field = diffuse(body, cell, steps)
        written = _write(path, field)
    _FIELDS[path.name] = field
    return field, written


def _read(path: Path) -> WeightField | None:
    """The field in a file; None when there is none or it is damaged (it is then made again)."""
    try:
        with np.load(path, allow_pickle=False) as data:
            grid = data["grid"].astype(np.float32)
            return WeightField(grid / grid.sum(-1, keepdims=True), data["origin"], float(data["cell"]))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _write(path: Path, field: WeightField) -> Path | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
            np.savez_compressed(file, grid=field.grid.astype(np.float16), origin=field.origin, cell=field.cell)
        os.replace(file.name, path)
    except OSError:
        return None
    return path


def diffused_weights(
    field: WeightField, body: BodyModel, anchor: NDArray[Any], barycentric: Floats, offset: Floats, weight: Floats,
    keep: NDArray[np.bool_],
) -> Floats:
    """Skin weights (N,55) of points off the body's surface.

    Args:
        anchor, barycentric: (N,) face and (N,3) place on the body they belong to.
        offset: (N,3) metres from there to the point, in the T-pose.
        weight: (N,55) the surface's weights.
        keep: (N,) True where those stay (hands, head, a skirt with weights of its own).
    """
    template, vertex_weight = neutral_body(body)
    free = np.flatnonzero(~keep)
    corners = np.asarray(body.faces)[anchor[free]]
    start = np.einsum("nk,nkc->nc", barycentric[free], template[corners])
    mean_joints = np.asarray(body.rest(np.zeros(body.num_betas, np.float32), None)[1].numpy(), dtype=np.float32)
    rotation, _ = joint_transforms(mean_joints, neutral_pose(), PARENTS)
    surface = np.einsum("nk,nkj->nj", barycentric[free], vertex_weight[corners])
    turned = np.einsum("nj,jab,nb->na", surface, rotation, offset[free])
    change = field(start + turned) - field(start)
    own = weight[free].copy()
    own[:, :CHANNELS] += change
    own = np.maximum(own, 0)
    out = weight.copy()
    out[free] = own / np.maximum(own.sum(axis=1, keepdims=True), 1e-6)
    return out
