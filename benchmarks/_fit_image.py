"""Fitting the body to 2D keypoints under different priors of poses, against exact truth.

Frames of captured motion on random bodies before random cameras give the keypoints (OpenPose's 25) with noise, outliers
and gaps. What is compared is the prior alone: keypoints, starts, solver, shape prior and hinge limits are the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SIZE = (720, 960)
NOISE = 0.0075
"""Spread of a keypoint's error in statures, along each axis."""
OUTLIERS, MISSING = 0.03, 0.05
"""Shares of keypoints that lie somewhere else on the person, and that were not found."""


PRIORS: dict[str, dict[str, Any]] = {
    **{name: {"prior": name} for name in ("none", "mean", "gmm", "manifold")},
    "manifold_alone": {"prior": "manifold", "choice": 0.0},
}


class Case(NamedTuple):
    """One synthetic picture: keypoints, the camera that saw them and the 22 true joints in its frame, millimetres."""

    person: Any
    camera: Any
    joints: NDArray[np.float64]


def draw_cases(poses: NDArray[np.float32], count: int, seed: int) -> list[Case]:
    """Pictures of captured poses.

    Args:
        poses: (N,22,3) axis-angle with the root first, y up.
        count: how many to draw, without repeating a pose.
        seed: of poses, bodies, cameras and noise.
    """
    from scipy.spatial.transform import Rotation

    from humanav.body import BodyModel
    from humanav.body.landmarks import landmark_positions
    from humanav.camera import Camera
    from humanav.perception import Person2D

    body, rng = BodyModel.load(), np.random.default_rng(seed)
    tall = float(np.ptp(np.asarray(body.v_template)[:, 1]))
    cases = []
    for index in rng.choice(len(poses), count, replace=False):
        pose = np.zeros((1, 55, 3), dtype=np.float32)
        pose[0, :22] = poses[index]
        turn = Rotation.from_euler("y", rng.uniform(0, 2 * np.pi)) * Rotation.from_rotvec(pose[0, 0])
        pose[0, 0] = turn.as_rotvec()
        betas = np.zeros(body.num_betas, dtype=np.float32)
        betas[:10] = rng.normal(0, 0.7, 10)
        posed = body(pose, betas, vertices=False)
        joints = posed.joints[0].numpy().astype(np.float64)
        places = landmark_positions(joints, posed.rotations[0].numpy().astype(np.float64), "openpose25")
        focal = max(SIZE) * np.exp(rng.uniform(np.log(0.8), np.log(2.0)))
        distance = focal * tall / (rng.uniform(0.45, 0.85) * SIZE[1])
        middle = places.mean(0) + rng.normal(0, 0.1, 3)
        camera = Camera.orbit(middle, distance, rng.uniform(-180, 180), rng.normal(3, 8), *SIZE, focal)
        pixels, _ = camera.project(places)
        stature = focal * tall / distance
        keypoints = np.column_stack([pixels + rng.normal(0, NOISE * stature, pixels.shape),
                                     rng.uniform(0.6, 1.0, len(pixels))]).astype(np.float32)
        low, high = pixels.min(0), pixels.max(0)
        wild = rng.random(len(keypoints)) < OUTLIERS
        keypoints[wild, :2] = rng.uniform(low, high, (int(wild.sum()), 2))
        keypoints[rng.random(len(keypoints)) < MISSING] = 0
        box = np.concatenate([low, high]).astype(np.float32)
        cases.append(Case(Person2D(keypoints, "openpose25", box, 0.8), camera, camera.to_camera(joints)[:22] * 1000))
    return cases


def fit_image_errors(
    cases: Sequence[Case], priors: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, dict[str, float]]:
    """Errors of :func:`humanav.posendf.fit_image` on ``cases``, a row for each prior.

    Args:
        cases: from :func:`draw_cases`, of held-out subjects.
        priors: name of a row to the options of ``fit_image``; by default :data:`PRIORS`: no prior, the mean pose, the
            shipped mixture, and the manifold with and without the mixture's say in which solution is taken. Give
            ``{"gmm8": {"prior": "gmm", "mixture": PoseMixture}}`` for another mixture.

    Returns:
        of each row, in the camera's frame with pelvis on pelvis, 22 joints: ``mpjpe_mm``, ``pa_mpjpe_mm`` (means),
        ``pa_mpjpe_median_mm``, ``reprojection_pct_height``, ``distance`` (of the result from the manifold, radians) and
        ``seconds`` (median, of processor time).
    """
    from humanav.body import BodyModel
    from humanav.metrics import mpjpe, pa_mpjpe
    from humanav.posendf import fit_image

    body = BodyModel.load()
    chosen = PRIORS if priors is None else priors
    rows: dict[str, dict[str, float]] = {}
    for name, options in chosen.items():
        numbers = []
        for case in cases:
            given: dict[str, Any] = {"camera": case.camera, "body": body, **options}
            started = time.process_time()
            fit = fit_image(None, case.person, **given)
            seconds = time.process_time() - started
            joints = fit.camera.to_camera(body.from_motion(fit.motion, vertices=False).joints[0].numpy())[:22] * 1000
            numbers.append((mpjpe(joints, case.joints), pa_mpjpe(joints, case.joints), fit.reprojection_pct_height,
                            fit.distance, seconds))
        table = np.array(numbers)
        rows[name] = {"mpjpe_mm": float(table[:, 0].mean()), "pa_mpjpe_mm": float(table[:, 1].mean()),
                      "pa_mpjpe_median_mm": float(np.median(table[:, 1])),
                      "reprojection_pct_height": float(table[:, 2].mean()), "distance": float(table[:, 3].mean()),
                      "seconds": float(np.median(table[:, 4]))}
    return rows
