"""Reading and writing body files: the built-in body's compact layout and the SMPL-X npz format."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from humanav.body.names import PARENTS
from humanav.errors import BodyFileError

if TYPE_CHECKING:
    from humanav.body.model import BodyModel

Array = NDArray[np.float64]
_SHAPE_COLUMNS, _COLUMNS, _POSE_COLUMNS = 300, 400, 486  # of an SMPL-X file: 300 shape, 100 expression; 54 x 9 pose


@dataclass(frozen=True)
class BodyData:
    """The arrays of a body file, as :class:`humanav.body.BodyModel` describes them."""

    name: str
    path: Path
    v_template: Array
    faces: NDArray[np.int64]
    shapedirs: Array
    exprdirs: Array
    posedirs: Array | None
    skin_index: NDArray[np.int64]
    skin_weight: Array
    regressor: sparse.csr_matrix
    J_template: Array
    J_dirs: Array
    expression_names: tuple[str, ...]
    uv: NDArray[np.float32] | None
    uv_faces: NDArray[np.int64] | None
    landmark_faces: NDArray[np.int64] | None
    landmark_barycentric: Array | None
    mirror_vertex: NDArray[np.int64] | None = None
    mean_betas: dict[str, NDArray[np.float32]] = field(default_factory=dict)


def require_size(path: str | Path, most: int = 2**30) -> None:
    """Raise ValueError when the arrays of an npz file take more than ``most`` bytes unpacked."""
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > most:
            raise ValueError("the arrays are too large")


def read_body(path: Path, num_betas: int | None = None, num_expressions: int | None = None) -> BodyData:
    """Read either kind of file.

    Raises:
        BodyFileError: when it is missing, unreadable, lacks arrays or they do not fit together.
    """
    if not path.is_file():
        raise BodyFileError(f"There is no body file at {path}: give the path of humanav_body.npz or a SMPLX_*.npz.")
    try:
        require_size(path)
        with np.load(path, allow_pickle=False) as archive:
            own = "skin_index" in archive.files
            # A licensed file holds texts pickled as objects; none of them is wanted, so none is unpickled.
            wanted = [k for k in archive.files if own or k in _SMPLX_KEYS]
            arrays = {key: archive[key] for key in wanted}
    except Exception as error:  # zip, zlib and numpy's header reader raise a dozen kinds
        raise BodyFileError(f"{path.name} cannot be read as a body file (npz), it is damaged or of another kind: get "
                            "it again.") from error
    try:
        return (_read_own if own else _read_smplx)(path, arrays, num_betas, num_expressions)
    except KeyError as error:
        raise BodyFileError(f"{path.name} is no SMPL-X body, it has no array named {error}: give a "
                            "SMPLX_*.npz.") from error
    except (ValueError, IndexError, TypeError) as error:
        raise BodyFileError(f"{path.name} is no SMPL-X body: its arrays do not fit together "
                            f"({str(error)[:120]}): get it again.") from error


_SMPLX_KEYS = frozenset({"v_template", "f", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table",
                         "lmk_faces_idx", "lmk_bary_coords", "vt", "ft"})


def _read_own(path: Path, a: Mapping[str, Any], num_betas: int | None, num_expressions: int | None) -> BodyData:
    shapes = (a["shapedirs"] * a["shapedirs_scale"])[..., :num_betas]
    expressions = (a["exprdirs"] * a["exprdirs_scale"])[..., :num_expressions]
    regressor = sparse.csr_matrix(
        (a["J_regressor_data"], a["J_regressor_indices"].astype(np.int64), a["J_regressor_indptr"]),
        shape=(55, len(a["v_template"])))
    weight = a["skin_weight"] / a["skin_weight"].sum(1, dtype=np.float64, keepdims=True)
    names = tuple(str(name) for name in a["expression_names"])[: expressions.shape[2]]
    return _assemble(
        path, "humanav", a, shapes, expressions, None, a["skin_index"].astype(np.int64), weight, regressor, names,
        uv=(a["uv"] / 65535).astype(np.float32), uv_faces=a["uv_faces"].astype(np.int64),
        mirror_vertex=a["mirror_vertex"].astype(np.int64),
        mean_betas={k: a[f"mean_betas_{k}"][:num_betas] for k in ("man", "woman")})


def _read_smplx(path: Path, a: Mapping[str, Any], num_betas: int | None, num_expressions: int | None) -> BodyData:
    dirs = a["shapedirs"]
    full = dirs.shape[2] >= _COLUMNS  # older files hold ten of each only
    split = _SHAPE_COLUMNS if full else 10
    betas = min(num_betas if num_betas is not None else 20, split, dirs.shape[2])
    count = min(num_expressions if num_expressions is not None else 10, max(dirs.shape[2] - split, 0))
    posedirs = a.get("posedirs")
    if posedirs is not None and not posedirs.any():
        posedirs = None
    weights = a["weights"]
    if weights.shape[1] != 55:
        raise ValueError(f"weights of {weights.shape[1]} joints instead of 55")
    order = np.argsort(-weights, axis=1, kind="stable")[:, : int((weights > 0).sum(1).max())]
    return _assemble(
        path, "smplx", a, dirs[..., :betas], dirs[..., split : split + count], posedirs, order,
        np.take_along_axis(weights, order, 1), sparse.csr_matrix(a["J_regressor"]),
        tuple(f"expression{k}" for k in range(count)), uv=a["vt"].astype(np.float32) if "vt" in a else None,
        uv_faces=a["ft"].astype(np.int64) if "ft" in a else None)


def _assemble(
    path: Path, name: str, a: Mapping[str, Any], shapes: Array, expressions: Array, posedirs: Array | None,
    index: NDArray[np.int64], weight: Array, regressor: sparse.csr_matrix, names: tuple[str, ...], **more: Any,
) -> BodyData:
    template, faces = a["v_template"].astype(np.float64), a["f"].astype(np.int64)
    count = len(template)
    parents = np.asarray(a["kintree_table"])[0].astype(np.int64)[1:]
    if template.shape != (count, 3) or faces.min() < 0 or faces.max() >= count:
        raise ValueError("the faces name vertices that are not there")
    if shapes.shape[:2] != (count, 3) or len(index) != count or regressor.shape != (55, count):
        raise ValueError("not every array has one row per vertex")
    if tuple(parents) != PARENTS[1:]:
        raise ValueError("the joints are not SMPL-X's 55")
    if posedirs is not None and posedirs.shape != (count, 3, _POSE_COLUMNS):
        raise ValueError(f"posedirs of shape {posedirs.shape}")
    if not all(np.isfinite(x).all() for x in (template, shapes, expressions, weight, regressor.data)):
        raise ValueError("they hold NaN or infinite numbers")
    dirs = np.concatenate([shapes, expressions], 2).astype(np.float64)
    landmark = a["lmk_faces_idx"].astype(np.int64) if "lmk_faces_idx" in a else None
    return BodyData(
        name=name, path=path, v_template=template, faces=faces, shapedirs=shapes, exprdirs=expressions,
        posedirs=posedirs, skin_index=index, skin_weight=weight, regressor=regressor,
        J_template=regressor @ template, J_dirs=(regressor @ dirs.reshape(count, -1)).reshape(55, 3, -1),
        expression_names=names, landmark_faces=landmark,
        landmark_barycentric=a["lmk_bary_coords"].astype(np.float64) if landmark is not None else None,
        uv=more.get("uv"), uv_faces=more.get("uv_faces"), mirror_vertex=more.get("mirror_vertex"),
        mean_betas=more.get("mean_betas", {}))


def write_smplx(body: BodyModel, path: str | Path) -> None:
    """Write ``body`` in the SMPL-X format: 300 + 100 direction columns, dense weights, zero pose directions if none."""
    data = read_body(body.path)
    count, betas, expressions = len(data.v_template), data.shapedirs.shape[2], data.exprdirs.shape[2]
    dirs = np.zeros((count, 3, _COLUMNS), dtype=np.float32)
    dirs[..., :betas] = data.shapedirs
    dirs[..., _SHAPE_COLUMNS : _SHAPE_COLUMNS + expressions] = data.exprdirs
    weights = np.zeros((count, 55))
    np.put_along_axis(weights, data.skin_index, data.skin_weight, 1)
    posedirs = data.posedirs if data.posedirs is not None else np.zeros((count, 3, _POSE_COLUMNS), dtype=np.float32)
    hand = {f"hands_{what}{side}": value for side in "lr"
            for what, value in (("mean", np.zeros(45)), ("components", np.eye(45)))}
    more = {"vt": data.uv, "ft": data.uv_faces, "lmk_faces_idx": data.landmark_faces,
            "lmk_bary_coords": data.landmark_barycentric}
    np.savez_compressed(
        path, v_template=data.v_template, f=data.faces, shapedirs=dirs, posedirs=posedirs, weights=weights,
        J_regressor=data.regressor.toarray(), kintree_table=np.array([PARENTS, range(55)]), **hand,
        **{name: value for name, value in more.items() if value is not None})
