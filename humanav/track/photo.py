"""One photo of a person to the pose, shape and place of the body: :func:`fit_photo`."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from threadpoolctl import threadpool_limits

from humanav.body import BodyModel
from humanav.body.kinematics import log_rotation, pose_skeleton
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.fit import PosePrior, Term, skeleton_of
from humanav.motion import Motion
from humanav.perception import Person2D
from humanav.progress import Progress
from humanav.track.fitting import Fitting, turn_between
from humanav.track.observations import LIMBS, exchange_sides
from humanav.track.report import FitReport

PRIORS = ("gmm", "manifold")
STARTS = ("lift", "uplift", "both")
_MANIFOLD_WEIGHT = 30.0


@dataclass(frozen=True)
class PhotoFit:
    """A body fitted to a photo.

    The world is y up with the camera at its origin, looking along -z, so a body in front of it has negative z.

    Attributes:
        motion: one frame.
        camera: sees the photo.
        report: how well it fits.
        person: the detection that was fitted, sides exchanged if that was asked.
        alpha: (H,W) the matte, or None.
    """

    motion: Motion
    camera: Camera
    report: FitReport
    person: Person2D
    alpha: NDArray[np.float32] | None

    def upright(self, body: BodyModel | None = None) -> Motion:
        """The same pose with gravity along -y, facing +z, the lowest joint of the feet near the floor y = 0."""
        body = BodyModel.load() if body is None else body
        skeleton = skeleton_of(body, len(self.motion.betas))
        rotations = Rotation.from_rotvec(self.motion.full_pose[0]).as_matrix()
        up = np.asarray(self.report.up)
        turn = turn_between(up, np.array([0.0, 1.0, 0.0]))
        forward = turn @ rotations[0] @ np.array([0.0, 0.0, 1.0])
        if np.hypot(forward[0], forward[2]) < 0.2:  # lying: the feet point the way
            forward = turn @ rotations[0] @ np.array([0.0, -1.0, 0.0])
        turn = Rotation.from_euler("y", -np.arctan2(forward[0], forward[2])).as_matrix() @ turn
        rotations[0] = turn @ rotations[0]
        motion = replace(self.motion, global_orient=log_rotation(rotations[:1]).astype(np.float32),
                         transl=np.zeros((1, 3), dtype=np.float32))
        vertices = body.from_motion(motion).vertices
        assert vertices is not None
        root = pose_skeleton(skeleton, rotations, np.asarray(motion.betas, dtype=np.float64), np.zeros(3)).joints[0]
        lowest = float(vertices[0, :, 1].min())
        return replace(motion, transl=np.array([[-root[0], -lowest, -root[2]]], dtype=np.float32))


def fit_photo(
    image: NDArray[np.uint8], person: Person2D, alpha: NDArray[np.float32] | None = None, *,
    body: BodyModel | None = None, focal: float | None = None, height: float | None = None,
    standing: bool | None = None, flip_limbs: Collection[str] = (), swap_sides: bool = False,
    prior: PosePrior | str = "gmm", start: str = "lift", progress: Progress | None = None,
) -> PhotoFit:
    """Fit the body to one person in one photo.

    Args:
        image: uint8 RGB (H,W,3).
        person: what the detector found, in the image's pixels.
        alpha: (H,W) 0..1 matte; by default the detection's own mask.
        body: the body model; by default the built-in one.
        focal: focal length in pixels; by default 1.2 x the longer side.
        height: the person's height in metres when known: it fixes the scale.
        standing: whether the person stands upright; None decides from the picture.
        flip_limbs: limbs to mirror in depth: "left_arm", "right_arm", "left_leg", "right_leg".
        swap_sides: whether the detector mistook left for right.
        prior: "gmm" (the shipped mixture, which knows gravity), "manifold" (the same with the learned distance to the
            manifold of poses on top) or another mixture. In `bench photo` the mixture alone does better for people who
            stand or act, and the distance helps in captured poses (`--poses cmu`), so that the mixture is the default.
        start: of the fit: "lift" (the detector's own 3D, mended), "uplift" (what the uplift's network makes of the 2D
            landmarks) or "both" (whichever ends at the lower cost). In `bench photo` "lift" does a little better than
            "both", and the other way round in captured poses. Landmarks without 3D start from the uplift.
        progress: told of the parts done, and asked whether to stop.

    Raises:
        InputError: an unknown limb, prior or start, a height or focal length that is not plausible, a matte of another
            size.
        NoPersonError: fewer than four landmarks lie in the picture.
        Cancelled: the user stopped.
    """
    begin = time.perf_counter()
    unknown = set(flip_limbs) - set(LIMBS)
    if unknown:
        raise InputError(f"There is no limb '{sorted(unknown)[0]}' to flip; choose from {', '.join(LIMBS)}.")
    if start not in STARTS:
        raise InputError(f"There is no start '{start}' of the fit: choose one of {', '.join(STARTS)}.")
    if height is not None and not 0.4 <= height <= 2.6:
        raise InputError(f"A height of {height:g} m is not plausible: give metres between 0.4 and 2.6.")
    if focal is not None and not (np.isfinite(focal) and focal > 0):
        raise InputError("The focal length must be a positive number of pixels.")
    rows, columns = image.shape[:2]
    matte = person.mask if alpha is None else alpha
    if matte is not None and matte.shape[:2] != (rows, columns):
        raise InputError(f"The matte has {matte.shape[1]} x {matte.shape[0]} pixels, the photo {columns} x {rows}.")
    body = BodyModel.load() if body is None else body
    also = _manifold() if prior == "manifold" else ()
    if isinstance(prior, str):
        if prior not in PRIORS:
            raise InputError(f"There is no prior '{prior}' of photos: choose one of {', '.join(PRIORS)}.")
        prior = PosePrior.load()
    if swap_sides:
        person = exchange_sides(person)
    with threadpool_limits(1, user_api="blas"):
        fit = Fitting(body, Camera.from_focal(columns, rows, focal), person, matte, prior, height, progress, also,
                      start, focal is not None)
        fit.keypoints()
        if flip_limbs:
            fit.flip(flip_limbs)
        fit.decide_standing(standing)
        fit.outline()
        fit.details()
        motion = fit.motion()
        report = fit.report(standing, time.perf_counter() - begin)
    return PhotoFit(motion, fit.camera, report, person, matte)


def _manifold() -> tuple[Term, ...]:
    from humanav.posendf import PoseNDF
    from humanav.posendf.image_terms import ManifoldTerm

    return (ManifoldTerm(PoseNDF.load(), _MANIFOLD_WEIGHT),)
