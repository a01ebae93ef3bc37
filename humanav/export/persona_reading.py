"""Read motion in PERSONA's folder layout, written by us or by PERSONA's own tracker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.camera import Camera
from humanav.errors import CameraError, MotionFileError
from humanav.motion import Motion

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

PARAMETERS = ("root_pose", "body_pose", "jaw_pose", "leye_pose", "reye_pose", "lhand_pose", "rhand_pose", "expr",
              "trans")
"""Names in a frame's JSON, in their order; ``shape`` may follow."""
SIDECAR = "humanav.json"
"""What PERSONA has no place for: frame rate, the camera in the world, shape, names."""
_WIDTHS = {"root_pose": 3, "body_pose": 63, "jaw_pose": 3, "leye_pose": 3, "reye_pose": 3, "lhand_pose": 45,
           "rhand_pose": 45, "trans": 3}
_HOMES = ("smplx/params", "smplx_params_smoothed", "smplx_params", "smplx_optimized/smplx_params_smoothed",
          "smplx_optimized/smplx_params", "smplx", "params")
_UPRIGHT = np.diag([1.0, -1.0, -1.0])  # from OpenCV's axes to a world whose y is up
_FPS = 30.0
_LONGEST = 20_000  # frames


@dataclass(frozen=True)
class PersonaClip:
    """A motion read from a PERSONA folder; T frames.

    Attributes:
        motion: in the world, y up: the one in which it was tracked when we wrote the folder, else that of the camera
            turned upright, which stands at its origin and looks along -z.
        cameras: T cameras that see it; all the same one when the camera stood still.
        frames: (T,) numbers of the frames in the clip.
        notes: what had to be assumed or mended, in sentences.
    """

    motion: Motion
    cameras: tuple[Camera, ...]
    frames: tuple[int, ...]
    notes: tuple[str, ...] = ()

    @property
    def camera(self) -> Camera:
        """The first frame's camera."""
        return self.cameras[0]


def read_persona(
    folder: str | Path, *, body: BodyModel | None = None, fps: float | None = None, one_camera: bool = True
) -> PersonaClip:
    """Read the motion in a PERSONA folder (``smplx/params/N.json`` and ``cam_params/N.json``).

    Frames that are missing between others are interpolated. Where the focal length changes from frame to frame, as it
    does with PERSONA's tracker, the body is moved and turned to look the same to one camera.

    Args:
        folder: that holds ``smplx``; an older ``smplx_optimized/smplx_params`` or ``smplx_params`` is found too.
        body: the body the motion is read for; by default the built-in one. Give the licensed SMPL-X file's for hands
            that are exact.
        fps: frames per second; by default what the folder says, else that of its video, else 30.
        one_camera: False keeps each frame's own focal length, and the body where its file has it.

    Raises:
        MotionFileError: no such layout, no frames, a file that is damaged or misses something.
    """
    from humanav.body import BodyModel
    from humanav.track.path import rest_pelvis

    folder = Path(folder)
    body = BodyModel.load() if body is None else body
    files = _numbered(_home(folder))
    known = _sidecar(folder, files)
    rows = [_frame(file) for file in files.values()]
    present = np.array(list(files))
    numbers = np.arange(present[0], present[-1] + 1)
    if len(numbers) > _LONGEST:
        raise MotionFileError(f"The frames of {folder.name} are numbered from {present[0]} to {present[-1]}: at most "
                              f"{_LONGEST} can be read.")
    notes: list[str] = []
    widest = max(row["expr"].size for row in rows)
    values = {name: np.stack([_to(row[name], widest) if name == "expr" else row[name] for row in rows])
              for name in PARAMETERS}
    shapes = [row.get("shape", np.zeros(0)) for row in rows]
    betas = _shape(folder, shapes) if known is None else np.asarray(known["betas"], dtype=np.float64)
    # the pelvis hangs on each frame's own shape; ours is one for the clip
    pelvis = values["trans"] + np.stack([rest_pelvis(body, np.asarray(
        betas if known is not None else shape, dtype=np.float32)) for shape in shapes])
    root = Rotation.from_rotvec(values["root_pose"]).as_matrix()
    K, extrinsics, size = _seen(folder, list(files), notes)
    root, pelvis = extrinsics[:, :3, :3] @ root, np.einsum("tij,tj->ti", extrinsics[:, :3, :3], pelvis) \
        + extrinsics[:, :3, 3]
    if one_camera and len(K) > 1 and np.abs(K - K[0]).max() > 0.01 * K[0, 0, 0]:
        root, pelvis, K = _one_focal(root, pelvis, K, size)
        notes.append("The focal length changes from frame to frame: the body was moved to look the same to one camera.")
    R, t = _world(known, present)
    back = np.swapaxes(R, -1, -2)
    root, pelvis = back @ root, np.einsum("tij,tj->ti", back, pelvis - t)
    left, right = np.asarray(known["hand_means"]) if known is not None else hand_means(body)
    if known is None and body.name != "smplx" and (values["lhand_pose"].any() or values["rhand_pose"].any()):
        notes.append("Hands were given relative to the mean hand of SMPL-X, which this body lacks: they look flatter.")
    pose = np.concatenate([
        Rotation.from_matrix(root).as_rotvec()[:, None], values["body_pose"].reshape(-1, 21, 3),
        values["jaw_pose"][:, None], values["leye_pose"][:, None], values["reye_pose"][:, None],
        values["lhand_pose"].reshape(-1, 15, 3) + left, values["rhand_pose"].reshape(-1, 15, 3) + right], axis=1)
    expression = values["expr"] if known is None or not known["expression"] else \
        np.asarray(known["expression"])[present - known["start"]]
    motion = Motion.from_full_pose(pose, fps or _rate(folder, known, notes), pelvis - rest_pelvis(
        body, betas.astype(np.float32)), betas, expression, known["name"] if known else folder.name)
    cameras = tuple(Camera(K[min(k, len(K) - 1)], R[k], t[k], *size) for k in range(len(rows)))
    if len(present) < len(numbers):
        notes.append(f"{len(numbers) - len(present)} of {len(numbers)} frames are not there; they were interpolated.")
        motion, cameras = _whole(motion, cameras, present - present[0])
    return PersonaClip(motion, cameras, tuple(int(number) for number in numbers), tuple(notes))


def hand_means(body: BodyModel) -> Array:
    """(2,15,3) the mean pose of the left and right hand in the body's file, radians; zeros where it has none."""
    if body.name != "smplx":
        return np.zeros((2, 15, 3))
    with np.load(body.path, allow_pickle=False) as archive:
        if not {"hands_meanl", "hands_meanr"} <= set(archive.files):
            return np.zeros((2, 15, 3))
        return np.stack([archive[f"hands_mean{side}"].reshape(15, 3) for side in "lr"]).astype(np.float64)


def _home(folder: Path) -> Path:
    if not folder.is_dir():
        raise MotionFileError(f"There is no folder {folder.name}: check the name.")
    for name in _HOMES:
        if (folder / name).is_dir() and any(_names(folder / name)):
            return folder / name
    raise MotionFileError(f"{folder.name} holds no smplx/params/N.json: choose a folder in PERSONA's layout.")


def _names(folder: Path) -> Iterator[Path]:
    return (file for file in folder.iterdir() if re.fullmatch(r"\d+\.json", file.name))


def _numbered(folder: Path) -> dict[int, Path]:
    """File by frame number, in order."""
    return dict(sorted((int(file.stem), file) for file in _names(folder)))


def _loaded(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MotionFileError(f"{file.parent.name}/{file.name} cannot be read as JSON: it is damaged.") from error


def _frame(file: Path) -> dict[str, Array]:
    data = _loaded(file)
    found: dict[str, Array] = {}
    try:
        for name in PARAMETERS:
            value = data.get(name, [0.0] * _WIDTHS[name]) if name in ("jaw_pose", "leye_pose", "reye_pose") else \
                data.get(name, []) if name == "expr" else data[name]
            found[name] = np.asarray(value, dtype=np.float64).reshape(-1)
        if "shape" in data:
            found["shape"] = np.asarray(data["shape"], dtype=np.float64).reshape(-1)
    except KeyError as error:
        raise MotionFileError(f"{file.parent.name}/{file.name} has no {error}: it is no SMPL-X frame of PERSONA's.") \
            from error
    except (AttributeError, TypeError, ValueError) as error:
        raise MotionFileError(f"{file.parent.name}/{file.name} holds no numbers where they are needed.") from error
    for name, width in _WIDTHS.items():
        if found[name].size != width:
            raise MotionFileError(f"{file.parent.name}/{file.name} has {found[name].size} numbers in {name}; {width} "
                                  "are needed.")
    if not all(np.isfinite(value).all() for value in found.values()):
        raise MotionFileError(f"{file.parent.name}/{file.name} holds NaN or infinite numbers.")
    return found


def _sidecar(folder: Path, numbers: Iterable[int]) -> dict[str, Any] | None:
    """What we wrote beside PERSONA's files, or None."""
    if not (folder / SIDECAR).is_file():
        return None
    data = _loaded(folder / SIDECAR)
    least, most, own = min(numbers), max(numbers), f"{SIDECAR} does not belong to these frames: remove that file."
    if not {"fps", "betas", "expression", "hand_means", "world", "name", "start", "frames"} <= set(data):
        raise MotionFileError(own)
    if least < data["start"] or most >= data["start"] + data["frames"]:
        raise MotionFileError(own)
    return dict(data)


def _shape(folder: Path, shapes: list[Array]) -> Array:
    """One shape for the clip: the middle of the frames', else the subject's."""
    longest = max(shape.size for shape in shapes)
    if longest:
        return np.asarray(np.median([_to(shape, longest) for shape in shapes if shape.size], axis=0))
    for file in (folder / "shape_param.json", folder / "smplx_optimized" / "shape_param.json"):
        if file.is_file():
            return np.asarray(_loaded(file), dtype=np.float64).reshape(-1)
    return np.zeros(0)


def _seen(folder: Path, numbers: list[int], notes: list[str]) -> tuple[Array, Array, tuple[int, int]]:
    """Intrinsics (T,3,3), world to camera (T,4,4), and the pictures' width and height."""
    files = _numbered(folder / "cam_params") if (folder / "cam_params").is_dir() else {}
    extrinsics = np.tile(np.eye(4), (len(numbers), 1, 1))
    size = _size(folder)
    if not set(numbers) <= set(files):
        width, height = size or (1000, 1000)
        notes.append("There is no cam_params for some frames: a usual lens is assumed." if files else
                     "There is no cam_params: a usual lens is assumed.")
        return np.tile(Camera.from_focal(width, height).K, (len(numbers), 1, 1)), extrinsics, (width, height)
    K = np.tile(np.eye(3), (len(numbers), 1, 1))
    for k, number in enumerate(numbers):
        data = _loaded(files[number])
        try:
            K[k, [0, 1], [0, 1]], K[k, :2, 2] = data["focal"], data["princpt"]
            extrinsics[k, :3, :3], extrinsics[k, :3, 3] = data.get("R", np.eye(3)), data.get("t", np.zeros(3))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MotionFileError(f"cam_params/{number}.json needs focal[2] and princpt[2].") from error
    middle = np.median(K[:, :2, 2], axis=0)
    width, height = size or (max(2, round(2 * middle[0])), max(2, round(2 * middle[1])))
    try:
        Camera(K[0], extrinsics[0, :3, :3], extrinsics[0, :3, 3], width, height)
    except CameraError as error:
        raise MotionFileError(f"cam_params cannot be used: {error}") from error
    return K, extrinsics, (width, height)


def _size(folder: Path) -> tuple[int, int] | None:
    from PIL import Image, UnidentifiedImageError

    for name in ("images", "masks"):
        file = next(iter(sorted((folder / name).glob("*.png"))), None)
        if file is not None:
            try:
                with Image.open(file) as image:
                    return image.size
            except (OSError, UnidentifiedImageError):
                continue
    return None


def _one_focal(root: Array, pelvis: Array, K: Array, size: tuple[int, int]) -> tuple[Array, Array, Array]:
    """Each frame's body where one camera sees its pelvis in the same pixel, as large, from the same side."""
    f = (K[:, 0, 0] + K[:, 1, 1]) / 2
    one = Camera.from_focal(*size, float(np.median(f))).K
    rays = pelvis / pelvis[:, 2:]
    pixels = np.einsum("tij,tj->ti", K, rays)
    aims = pixels @ np.linalg.inv(one).T
    depth = pelvis[:, 2] * one[0, 0] / f
    turns = np.stack([_between(a, b) for a, b in zip(rays, aims)])
    return turns @ root, aims * depth[:, None], np.tile(one, (len(K), 1, 1))


def _between(a: Array, b: Array) -> Array:
    """The smallest turn (3,3) that takes direction a to b."""
    axis = np.cross(a, b)
    sine = float(np.linalg.norm(axis))
    return np.asarray(Rotation.from_rotvec(axis * (np.arctan2(sine, a @ b) / max(sine, 1e-12))).as_matrix())


def _world(known: dict[str, Any] | None, numbers: NDArray[Any]) -> tuple[Array, Array]:
    """World to camera R (T,3,3) and t (T,3) of the frames of these numbers."""
    count = len(numbers)
    if known is None:
        return np.tile(_UPRIGHT, (count, 1, 1)), np.zeros((count, 3))
    R, t = (np.asarray(known["world"][key], dtype=np.float64) for key in ("R", "t"))
    if len(R) > 1:
        R, t = R[numbers - known["start"]], t[numbers - known["start"]]
    return np.broadcast_to(R, (count, 3, 3)), np.broadcast_to(t, (count, 3))


def _rate(folder: Path, known: dict[str, Any] | None, notes: list[str]) -> float:
    if known is not None:
        return float(known["fps"])
    from humanav.errors import InputError
    from humanav.perception.video import open_video

    for name in ("video.mp4", "video_bkg.mp4", "smplx.mp4"):
        if (folder / name).is_file():
            try:
                return open_video(folder / name).fps
            except InputError:
                continue
    notes.append(f"The frame rate is not said: {_FPS:g} frames per second are assumed.")
    return _FPS


def _whole(motion: Motion, cameras: tuple[Camera, ...], present: NDArray[Any]) -> tuple[Motion, tuple[Camera, ...]]:
    """The motion with the frames between those ``present`` filled."""
    from humanav.motion.gaps import fill_rotations, fill_values

    count = int(present[-1]) + 1
    missing = np.ones(count, dtype=np.bool_)
    missing[present] = False
    pose, transl, expression = (np.zeros((count, *old.shape[1:])) for old in (
        motion.full_pose, motion.transl, motion.expression))
    pose[present], transl[present], expression[present] = motion.full_pose, motion.transl, motion.expression
    filled = Motion.from_full_pose(fill_rotations(pose, np.tile(missing[:, None], (1, 55))), motion.fps,
                                   fill_values(transl, missing), motion.betas, fill_values(expression, missing))
    nearest = np.searchsorted(present, np.arange(count), side="right") - 1
    return replace(filled, name=motion.name), tuple(cameras[k] for k in nearest)


def _to(values: Array, width: int) -> Array:
    return np.pad(values, (0, width - values.size))
