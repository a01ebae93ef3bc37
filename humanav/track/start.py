"""Where the fit starts: the detector's own 3D turned into joint rotations, or an upright body when there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from humanav.body.kinematics import Array, Skeleton, place_points, pose_skeleton
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.track.observations import LIMBS, Observations
from humanav.track.residuals import NEAREST, HingeTerm, PriorTerm, SpaceTerm
from humanav.track.solver import BodyState, solve

_TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_BONES = (*(pair for a, b, c in LIMBS.values() for pair in ((a, b), (b, c))),
          ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip"))
BODY_JOINTS = tuple(range(22))
_REST_CURL = 0.3  # radians: relaxed fingers
_WORLD_SPREAD = 0.11  # metres: the detector's own depth is a hint, no more
_LIFTED_DOUBT = 1.5  # errors of neighbouring landmarks go together, so that many of them say less than they seem to
_LEAST_SPREAD = 0.02  # metres


def rest_rotations() -> Array:
    """(55,3,3): arms hanging a little away from the body, fingers relaxed, the rest straight."""
    vectors = np.zeros((55, 3))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        vectors[JOINT_INDEX[f"{side}_shoulder"], 2] = -1.0 * sign
        vectors[JOINT_INDEX[f"{side}_elbow"], 1] = -0.2 * sign
        for finger in ("index", "middle", "ring", "pinky"):
            for knuckle in (1, 2, 3):
                vectors[JOINT_INDEX[f"{side}_{finger}{knuckle}"], 2] = -_REST_CURL * sign
    return Rotation.from_rotvec(vectors).as_matrix()


def guess_in_space(observed: Observations, skeleton: Skeleton, betas: Array) -> tuple[Array, Array]:
    """Landmarks (K,3) in space at the size of this body, and the spread of their depth (K,), metres.

    The learned correction where there is one, otherwise the detector's own 3D; any origin, world axes.
    """
    posed = pose_skeleton(skeleton, np.tile(np.eye(3), (55, 1, 1)), betas, np.zeros(3))
    rest, _ = place_points(observed.points, posed)
    pairs = [(i, j) for a, b in _BONES if (i := observed.index(a)) >= 0 and (j := observed.index(b)) >= 0]
    ours = sum(float(np.linalg.norm(rest[i] - rest[j])) for i, j in pairs)
    if np.isfinite(observed.lifted_spread).any():
        return observed.lifted * ours, np.maximum(_LIFTED_DOUBT * ours * observed.lifted_spread, _LEAST_SPREAD)
    theirs = sum(float(np.linalg.norm(observed.world[i] - observed.world[j])) for i, j in pairs)
    return observed.world * (ours / theirs if theirs > 1e-6 else 1.0), np.full(len(observed.names), _WORLD_SPREAD)


def start_from_world(observed: Observations, world: Array, spread: Array, skeleton: Skeleton, state: BodyState,
                     prior: PriorTerm) -> BodyState:
    """Pose the body like the guess in space: turn the trunk, swing the limbs, then least squares."""
    rotations = rest_rotations()
    rows = [observed.index(name) for name in _TORSO]
    posed = pose_skeleton(skeleton, rotations, state.betas, np.zeros(3))
    rest, _ = place_points(observed.points, posed)
    target = world[rows] - world[rows].mean(0)
    rotations[0] = Rotation.align_vectors(target, rest[rows] - rest[rows].mean(0))[0].as_matrix()
    swing_limbs(rotations, skeleton, state.betas, {limb: np.stack([world[observed.index(n)] for n in names])
                                                   for limb, names in LIMBS.items()})
    state = replace(state, rotations=rotations)
    space = world_term(observed, world, spread * (0.05 / np.nanmedian(spread)), np.ones(3))
    terms = (space, HingeTerm(), replace(prior, weight=0.3 * prior.weight))
    return solve(skeleton, state, terms, BODY_JOINTS, rounds=12, fixed=("betas", "tilt"))[0]


def swing_limbs(rotations: Array, skeleton: Skeleton, betas: Array, chains: dict[str, Array]) -> None:
    """Turn the joints of limbs, in place, so that their bones point along the given chains (3,3) of positions."""
    for limb, chain in chains.items():
        side, kind = limb.split("_")
        joints = [JOINT_INDEX[f"{side}_{name}"] for name in (
            ("shoulder", "elbow", "wrist") if kind == "arm" else ("hip", "knee", "ankle"))]
        for link in range(2):
            posed = pose_skeleton(skeleton, rotations, betas, np.zeros(3))
            now = posed.joints[joints[link + 1]] - posed.joints[joints[link]]
            wanted = chain[link + 1] - chain[link]
            swing, _ = Rotation.align_vectors(wanted[None] / max(np.linalg.norm(wanted), 1e-6),
                                              now[None] / max(np.linalg.norm(now), 1e-6))
            above = posed.rotations[skeleton.parents[joints[link]]]
            rotations[joints[link]] = above.T @ swing.as_matrix() @ posed.rotations[joints[link]]


def world_term(observed: Observations, world: Array, spread: Array, axes: Array, cutoff: float = 2.0) -> SpaceTerm:
    """The guess in space as a term, for the landmarks that have one; ``spread`` (K,) in metres."""
    rows = np.flatnonzero(np.isfinite(world[:, 0]))
    weight = np.clip(observed.confidence[rows], 0.05, 1) ** 2 * np.where(observed.inside[rows], 1.0, 0.25)
    head = np.array([any(part in observed.names[row] for part in ("eye", "mouth")) for row in rows])
    weight[head] *= 0.1  # eight landmarks of one rigid head count as about one
    sigma = float(np.median(spread[rows]))
    return SpaceTerm(observed.points.take(rows), world[rows], sigma, weight * (sigma / spread[rows]) ** 2, axes, cutoff)


def place_by_rays(observed: Observations, camera: Camera, skeleton: Skeleton, state: BodyState) -> BodyState:
    """The translation that puts the posed landmarks on their pixels (robust linear least squares)."""
    rows = observed.chosen(("body",))
    posed = pose_skeleton(skeleton, state.rotations, state.betas, np.zeros(3))
    points = place_points(observed.points.take(rows), posed)[0] @ camera.R.T
    rays = (observed.pixels[rows] - camera.K[:2, 2]) / np.diag(camera.K)[:2]
    weight = observed.confidence[rows] ** 2 / observed.spread[rows] ** 2
    robust = np.ones(len(rows))
    place = np.array([0.0, 0.0, 3.0])
    for _ in range(4):
        matrix, wanted = np.zeros((len(rows), 2, 3)), np.zeros((len(rows), 2))
        matrix[:, 0, 0] = matrix[:, 1, 1] = 1.0
        matrix[..., 2] = -rays
        wanted[:] = rays * points[:, 2:] - points[:, :2]
        root = np.sqrt(weight * robust)[:, None]
        place = np.linalg.lstsq((matrix * root[..., None]).reshape(-1, 3), (wanted * root).ravel(), rcond=None)[0]
        off = np.linalg.norm(np.einsum("kij,j->ki", matrix, place) - wanted, axis=1)
        robust = 1 / (1 + (off / 0.08) ** 2) ** 2
    if place[2] < 2 * NEAREST:
        size = max(float(np.ptp(observed.pixels[rows, 1])), 1.0)
        depth = camera.focal * float(np.ptp(points[:, 1])) / size
        place = np.r_[(rays.mean(0) * depth) - points[:, :2].mean(0), depth]
    return replace(state, transl=camera.R.T @ (place - camera.t))
