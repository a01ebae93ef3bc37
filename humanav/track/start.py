"""Where the fit starts: the detector's own 3D turned into joint rotations, the uplift of its 2D, or an upright body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from humanav.body.kinematics import Array, Skeleton, place_points, pose_skeleton
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.fit import BodyState, place_by_rays, rest_rotations, solve
from humanav.fit.terms import HingeTerm, PriorTerm, SpaceTerm
from humanav.perception import Person2D
from humanav.track.observations import LIMBS, Observations

_TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_BONES = (*(pair for a, b, c in LIMBS.values() for pair in ((a, b), (b, c))),
          ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip"))
BODY_JOINTS = tuple(range(22))
_WORLD_SPREAD = 0.11  # metres: the detector's own depth is a hint, no more
_LIFTED_DOUBT = 1.5  # errors of neighbouring landmarks go together, so that many of them say less than they seem to
_LEAST_SPREAD = 0.02  # metres


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


def start_from_uplift(person: Person2D, camera: Camera, state: BodyState, focal_known: bool) -> BodyState | None:
    """Pose the body as the uplift's network reads the 2D landmarks alone; None where none knows their layout."""
    from humanav.perception import KeypointSequence
    from humanav.uplift import Uplift, network_set, to_layout

    points = np.asarray(person.keypoints, dtype=np.float32)[None].copy()
    points[~np.isfinite(points).all(-1) | (points[..., 2] <= 0)] = 0
    try:
        seen = KeypointSequence(points, person.keypoint_set, 30.0, camera.width, camera.height)
        mapped = to_layout(seen, network_set(person.keypoint_set))
        found = Uplift.load(mapped.keypoint_set).predict(mapped.keypoints, camera.K, focal_known=focal_known)
    except InputError:
        return None
    rotations = rest_rotations()
    rotations[0], rotations[1:22] = camera.R.T @ found.root[0], found.body[0]
    return replace(state, rotations=rotations)


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


def place_on_rays(observed: Observations, camera: Camera, skeleton: Skeleton, state: BodyState) -> BodyState:
    """The translation that puts the posed body landmarks on their pixels."""
    rows = observed.chosen(("body",))
    return place_by_rays(observed.points.take(rows), observed.pixels[rows],
                         observed.confidence[rows] ** 2 / observed.spread[rows] ** 2, camera, skeleton, state)
