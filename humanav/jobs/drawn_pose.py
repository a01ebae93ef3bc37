"""A skeleton drawn by hand, or found in a photo, to the pose of a body: what an editor asks at every move."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.errors import InputError, NoPersonError

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.camera import Camera
    from humanav.motion import Motion
    from humanav.uplift.lift import Predictor

KEYPOINT_SET = "blazepose33"
"""The layout in which skeletons are drawn."""
FORMATS = ("npz", "bvh", "glb")
TRUST = 0.95
"""The confidence of a point that somebody has put where it is."""
_FARTHEST = 4.0  # sizes of the picture outside of which no point lies

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DrawnPose:
    """One lifted skeleton.

    Attributes:
        quaternions: (22,4) parent-relative rotations as x, y, z, w; the root in the world (y up, the camera looks
            along -z).
        points: (33,2) pixels, where the lifted body's landmarks appear.
        confidence: (22,) 0..1.
        reprojection: pixels, mean distance of the drawn points from the lifted body's.
    """

    quaternions: Floats
    points: Floats
    confidence: Floats
    reprojection: float


@dataclass(frozen=True)
class Drawing:
    """A skeleton as it was drawn.

    Attributes:
        points: (33,3) pixels and confidence; a point that is hidden has confidence 0.
        width, height: of the picture in pixels.
        focal: focal length in pixels, or None where it is not known.
        betas: (B,) the person's shape, or None for the mean body.

    Raises:
        InputError: points of another shape, far outside the picture, or numbers that are not finite.
    """

    points: NDArray[np.float32]
    width: int
    height: int
    focal: float | None = None
    betas: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        from humanav.body.landmarks import KEYPOINT_SETS

        points = _numbers(self.points, "The points")
        wanted = len(KEYPOINT_SETS[KEYPOINT_SET])
        if points.shape != (wanted, 3):
            raise InputError(f"A drawn skeleton has {wanted} points of x, y and confidence, not {points.shape}: press "
                             "Reset.")
        if not (1 <= self.width <= 20_000 and 1 <= self.height <= 20_000):
            raise InputError("The picture's size must lie between 1 and 20000 pixels.")
        if (np.abs(points[:, :2]) > _FARTHEST * max(self.width, self.height)).any():
            raise InputError("Some points lie far outside the picture: press Reset.")
        points[:, 2] = np.clip(points[:, 2], 0.0, TRUST)
        points[points[:, 2] == 0] = 0.0
        if self.focal is not None and not 0.1 * max(self.width, self.height) <= self.focal <= 1e5:
            raise InputError("The focal length must be given in pixels and be at least a tenth of the picture's side.")
        if self.betas is not None:
            object.__setattr__(self, "betas", _numbers(self.betas, "The values of the shape"))
        object.__setattr__(self, "points", points)

    @property
    def camera(self) -> Camera | None:
        """The camera where the focal length is known."""
        from humanav.camera import Camera

        return None if self.focal is None else Camera.from_focal(self.width, self.height, self.focal)


def _numbers(values: ArrayLike, what: str) -> NDArray[np.float32]:
    try:
        array = np.array(values, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{what} are not numbers: press Reset.") from error
    if not np.isfinite(array).all():
        raise InputError(f"{what} hold NaN or infinite numbers: press Reset.")
    return array


def lift_drawing(drawing: Drawing, *, model: Predictor | None = None, body: BodyModel | None = None) -> DrawnPose:
    """Lift a drawn skeleton to a pose, fast enough for every move of the hand.

    Args:
        drawing: the skeleton.
        model: the network; by default the shipped one.
        body: by default the built-in one.

    Raises:
        InputError: fewer than four points are seen.
    """
    from scipy.spatial.transform import Rotation

    from humanav.body import BodyModel
    from humanav.body.landmarks import landmark_positions

    body = BodyModel.load() if body is None else body
    lifted = _lift(drawing, model, body)
    out = body.from_motion(lifted.motion, vertices=False)
    points = landmark_positions(out.joints.double().numpy()[0], out.rotations.double().numpy()[0], KEYPOINT_SET)
    pixels, _ = lifted.camera.project(points)
    turns = Rotation.from_rotvec(lifted.motion.full_pose[0, :22].astype(np.float64))
    return DrawnPose(turns.as_quat(), np.asarray(pixels), lifted.confidence[0], float(lifted.reprojection[0]))


def lift_drawing_motion(drawing: Drawing, *, body: BodyModel, model: Predictor | None = None) -> Motion:
    """A drawn skeleton's pose as a Motion of one frame, before the camera. Raises as :func:`lift_drawing`."""
    motion: Motion = _lift(drawing, model, body).motion
    return motion


def export_drawing(drawing: Drawing, kind: str, path: Path, *, model: Predictor | None = None) -> Path:
    """Lift a drawn skeleton and write the pose as npz, BVH or GLB.

    Raises:
        InputError: another kind of file, or fewer than four points are seen.
        StorageError: the file cannot be written.
    """
    from humanav.body import BodyModel
    from humanav.export import write_body_glb
    from humanav.motion import save_npz, write_bvh

    if kind not in FORMATS:
        raise InputError(f"A pose is written as {', '.join(FORMATS)}; not as {kind!r}.")
    body = BodyModel.load()
    motion = lift_drawing_motion(drawing, body=body, model=model)
    if kind == "npz":
        save_npz(motion, path, "blender")
    elif kind == "bvh":
        write_bvh(motion, path, body)
    else:
        write_body_glb(body, motion.betas, {"pose": motion}, path)
    return path


def write_editor_body(betas: ArrayLike | None, path: Path) -> Path:
    """The body that an editor poses, as a GLB without animation."""
    from humanav.body import BodyModel
    from humanav.export import write_body_glb

    return write_body_glb(BodyModel.load(), betas, {}, path, color=(0.55, 0.6, 0.66))


def find_skeleton(photo: Any) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The picture (H,W,3) and the keypoints (33,3) of the largest person in it.

    Raises:
        ImageError: the picture cannot be read.
        NoPersonError: nobody was found.
    """
    from humanav.perception import load_image, make_detector

    image = load_image(photo, 1024)
    with make_detector() as detector:
        people = detector.detect(image, max_people=1)
    if not people:
        raise NoPersonError("There is nobody in this picture: choose a photo that shows a person.")
    return image, np.asarray(people[0].keypoints, dtype=np.float32)


def _lift(drawing: Drawing, model: Predictor | None, body: BodyModel) -> Any:
    from humanav.perception.sequence import KeypointSequence
    from humanav.uplift.lift import lift_sequence

    frame = KeypointSequence(drawing.points[None], KEYPOINT_SET, 30.0, drawing.width, drawing.height, name="pose")
    return lift_sequence(frame, camera=drawing.camera, betas=drawing.betas, smooth=False, level=False,
                         model=model or _network(), body=body)


def warm_up() -> None:
    """Load what the first lift needs, so that it does not wait."""
    points = np.random.default_rng(0).uniform(0.2, 0.8, (33, 3)).astype(np.float32)
    lift_drawing(Drawing(points * np.array([100, 100, 1], dtype=np.float32), 100, 100))


@lru_cache
def _network() -> Predictor:
    from humanav.uplift.model import Uplift

    return Uplift.load(KEYPOINT_SET)
