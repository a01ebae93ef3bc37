"""Write a mesh as PLY."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from humanav.export.files import whole_file
from humanav.render.mesh import check_mesh


def write_ply(vertices: Any, faces: Any, path: str | Path, vertex_colors: Any = None) -> Path:
    """Write a posed mesh as binary PLY, with colours (V,3) uint8 if given.

    Raises:
        InputError: the arrays are not a mesh.
        StorageError: the file cannot be written.
    """
    import trimesh

    v, f = check_mesh(vertices, faces)
    colors = None if vertex_colors is None else np.asarray(vertex_colors, dtype=np.uint8)
    mesh = trimesh.Trimesh(v, f, vertex_colors=colors, process=False)
    with whole_file(path) as temporary:
        mesh.export(temporary, file_type="ply")
    return Path(path)
