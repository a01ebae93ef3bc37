"""The mean body in its T-pose, measured once: everything painted or cut refers to these coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from humanav.body import BodyModel
from humanav.synth.surface import normals

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Template:
    """Mean T-pose: ``points`` and ``normals`` (V,3), ``joints`` (55,3), skinning ``weights`` (V,55), ``faces``.

    Attributes:
        part: (V,) 0 skin, 1 left eyeball, 2 right eyeball, 3 the inside of the mouth.
        face: (51,3) face landmarks in the usual 68-point order without the jaw line.
        floor: y of the soles.
        crown: y of the top of the head.
    """

    points: Array
    normals: Array
    joints: Array
    weights: Array
    faces: NDArray[np.int64]
    part: NDArray[np.int64]
    face: Array
    floor: float
    crown: float

    @property
    def eyes(self) -> Array:
        """Centres of the left and right eyeball (2,3)."""
        return np.stack([self.points[self.part == k].mean(axis=0) for k in (1, 2)])

    @property
    def mouth(self) -> tuple[float, float]:
        """Height of the line between the lips and half the mouth's width."""
        return float(self.face[[44, 45, 46, 48, 49, 50], 1].mean()), float(self.face[37, 0])


@lru_cache(maxsize=1)
def body() -> BodyModel:
    """The built-in body, loaded once."""
    return BodyModel.load()


@lru_cache(maxsize=1)
def template() -> Template:
    """Measure the built-in body."""
    model = body()
    points, faces = model.v_template.numpy().astype(np.float32), np.asarray(model.faces, np.int64)
    weights = np.zeros((len(points), 55), np.float32)
    index, weight = model.skin_index.numpy().astype(np.int64), model.skin_weight.numpy().astype(np.float32)
    for k in range(index.shape[1]):
        np.add.at(weights, (np.arange(len(points)), index[:, k]), weight[:, k])
    graph = sparse.coo_matrix(
        (np.ones(faces.size), (faces.ravel(), faces[:, [1, 2, 0]].ravel())), shape=(len(points),) * 2
    )
    _, label = csgraph.connected_components(graph)
    sizes = np.bincount(label)
    part = np.full(len(points), 3, np.int64)
    part[label == sizes.argmax()] = 0
    left_eye = model.joint_names.index("left_eye")
    for eye, joint in ((1, left_eye), (2, left_eye + 1)):
        inside = weights[:, joint] > 0.5
        names, counts = np.unique(label[inside & (part != 0)], return_counts=True)
        part[label == names[counts.argmax()]] = eye
    landmarks = np.einsum(
        "lk,lkc->lc",
        np.asarray(model.landmark_barycentric, np.float32),
        points[faces[np.asarray(model.landmark_faces, np.int64)]],
    )
    return Template(
        points,
        normals(points, faces),
        model.J_template.numpy().astype(np.float32),
        weights,
        faces,
        part,
        landmarks.astype(np.float32),
        float(points[:, 1].min()),
        float(points[:, 1].max()),
    )
