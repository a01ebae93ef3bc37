"""A tracked person in PERSONA's folder layout, so that tools made for it read our motion.

Convention of the files: SMPL-X parameters in the CAMERA's frame (OpenCV axes: x right, y down, z forward; metres), one
JSON a frame whose stem is the frame's number without leading zeros; ``cam_params`` with R = identity and t = 0, focal
length and principal point in pixels. ``trans`` follows SMPL-X: the pelvis lies at its place at rest plus ``trans``,
whatever the root's rotation, so it is not our world ``transl`` turned.

Hands are full axis-angle (no PCA). PERSONA's body adds its mean hand pose (flat_hand_mean False); ours is flat at zero.
So ours minus that mean is written, and the mean is added when such a folder is read. The mean belongs to the licensed
SMPL-X file: it is known when the body was loaded from one, else it counts as zero, and hands look a little more curled
there than here. Likewise shape and expression values mean something only on the body that they were told for: of the
built-in body they are kept in ``humanav.json``, and zeros are written for PERSONA.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError, StorageError
from humanav.export.files import whole_file
from humanav.export.persona_reading import PARAMETERS, SIDECAR, PersonaClip, hand_means, read_persona
from humanav.export.video import write_mp4
from humanav.progress import Progress

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.motion import Motion
    from humanav.perception.takes import Take
    from humanav.perception.video import Pixels, Video

__all__ = ["PersonaClip", "persona_parameters", "read_persona", "whole_folder", "write_persona",
           "zip_folder"]

_SHAPES, _EXPRESSIONS = 100, 50
_PNG_EFFORT = 2  # of 9: frames are many, and larger files are written much faster
_README = """One person's motion in PERSONA's layout, written by humanav.

smplx/params/N.json  SMPL-X parameters of frame N in the camera's frame (x right, y down, z forward; metres, radians)
cam_params/N.json    R = identity, t = 0, focal[2] and princpt[2] in pixels
images/N.png         the frame; images_bkg/N.png and video_bkg.mp4: the same without the people
masks/N.png          where the person is (255); bboxes/N.json: x, y, width, height in pixels
frame_idx_list.txt   the frames of this folder; valid_frame_list.txt: those in which the person is seen
humanav.json         frame rate, the camera in the world, and the shape of the body that was tracked

Hands are full axis-angle. {hands}
{shape}
"""


def write_persona(
    folder: str | Path, motion: Motion, camera: Camera | Sequence[Camera], video: Video, take: Take,
    backgrounds: Iterable[Pixels] | None = None, *, body: BodyModel | None = None, overlay: str | Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write one person's take as a folder in PERSONA's layout; frame by frame, whole or not at all.

    Args:
        folder: to be made; one that was written before is replaced.
        motion: in the world, one frame for each of the take.
        camera: that saw the clip, or one for each of the clip's frames.
        video: the clip that was tracked, at the rate of the motion.
        take: whose boxes and masks are written. Frames without a mask get the body's outline.
        backgrounds: the frames of the clip without the people (:func:`humanav.track.background.inpainted_frames`), or
            None to leave them out.
        body: the motion's; by default the built-in one.
        overlay: a video of the body over the frames, copied as ``smplx.mp4``.
        progress: told of the parts done.

    Raises:
        InputError: motion, take, camera and video do not belong together, or the clip ends early.
        StorageError: the folder cannot be written, or something else lies there.
        Cancelled: ``progress`` was told to stop; nothing is left behind.
    """
    from humanav.body import BodyModel

    body = BodyModel.load() if body is None else body
    cameras = _cameras(camera, take, len(video))
    if (cameras[0].width, cameras[0].height) != (video.width, video.height):
        raise InputError(f"The camera is for pictures of {cameras[0].width} x {cameras[0].height} pixels, the clip has "
                         f"{video.width} x {video.height}: give the camera of this clip.")
    if len(motion) != len(take) or take.stop > len(video):
        raise InputError(f"The motion has {len(motion)} frames, the take {len(take)} from frame {take.start} of "
                         f"{len(video)}: give those of the same clip.")
    parameters = persona_parameters(motion, cameras, body)
    with whole_folder(Path(folder)) as out:
        for name in ("smplx/params", "cam_params", "images", "masks", "bboxes"):
            (out / name).mkdir(parents=True)
        pixels = _boxes(motion, cameras, body)
        frames = _written(out, parameters, cameras, video, take, pixels, backgrounds, body, motion, progress)
        if backgrounds is None:
            count = sum(1 for _ in frames)
        else:
            (out / "images_bkg").mkdir()
            write_mp4(frames, out / "video_bkg.mp4", motion.fps)
            count = len(list((out / "images_bkg").iterdir()))
        if count < len(take):
            raise InputError(f"The pictures end after frame {take.start + count}, before the person's last: the video "
                             "is damaged, or there are fewer backgrounds.")
        if overlay is not None:
            shutil.copyfile(overlay, out / "smplx.mp4")
        numbers = np.arange(take.start, take.stop)
        for name, kept in (("frame_idx_list.txt", numbers), ("valid_frame_list.txt", numbers[take.seen])):
            (out / name).write_text("".join(f"{number}\n" for number in kept), encoding="ascii")
        (out / SIDECAR).write_text(json.dumps(_sidecar(motion, cameras, take, body)), encoding="utf-8")
        licensed = body.name == "smplx"
        (out / "README.txt").write_text(_README.format(
            hands="They are relative to the mean hand of the SMPL-X file." if hand_means(body).any() else
            "They are relative to a flat hand; a body with a mean hand pose curls them a little more.",
            shape="Shape and expression are SMPL-X's." if licensed else
            "Shape and expression are those of humanav's own body: humanav.json keeps them, the parameters hold zeros.",
        ), encoding="utf-8")
    return Path(folder)


def persona_parameters(motion: Motion, cameras: Sequence[Camera], body: BodyModel) -> list[dict[str, Any]]:
    """The parameters of each frame as PERSONA's JSON holds them: plain lists, in the frame of each frame's camera."""
    from humanav.body.kinematics import log_rotation
    from humanav.track.path import path_of, rest_pelvis

    R, t = np.array([camera.R for camera in cameras]), np.array([camera.t for camera in cameras])
    path = path_of(motion, body).turned(R, t)
    root = log_rotation(path.rotations[:, :1])[:, 0]
    trans = path.pelvis - rest_pelvis(body, motion.betas)
    own = body.name == "smplx"
    shape = _padded(motion.betas[None] if own else np.zeros((1, 0)), _SHAPES)[0]
    expression = _padded(motion.expression if own else np.zeros((len(motion), 0)), _EXPRESSIONS)
    left, right = hand_means(body)
    values = {"root_pose": root, "body_pose": motion.body_pose, "jaw_pose": motion.jaw_pose,
              "leye_pose": motion.leye_pose, "reye_pose": motion.reye_pose,
              "lhand_pose": motion.left_hand_pose - left, "rhand_pose": motion.right_hand_pose - right,
              "expr": expression, "trans": trans}
    assert tuple(values) == PARAMETERS
    return [{**{name: np.round(value[k].astype(np.float64), 7).tolist() for name, value in values.items()},
             "shape": shape.tolist()} for k in range(len(motion))]


def zip_folder(folder: str | Path, path: str | Path, *, progress: Progress | None = None) -> Path:
    """Pack a folder; its name is the folder in the zip. Pictures and videos, which are packed already, are stored.

    Raises:
        StorageError: the zip cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    source = Path(folder)
    files = sorted(file for file in source.rglob("*") if file.is_file())
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for k, file in enumerate(files):
            if progress is not None and k % 50 == 0:
                progress.update(k / len(files))
            kind = zipfile.ZIP_STORED if file.suffix in (".png", ".mp4", ".jpg") else zipfile.ZIP_DEFLATED
            archive.write(file, Path(source.name) / file.relative_to(source), kind)
    return Path(path)


def _cameras(camera: Camera | Sequence[Camera], take: Take, frames: int) -> list[Camera]:
    """The camera of each frame of the take."""
    if isinstance(camera, Camera):
        return [camera] * len(take)
    if len(camera) < take.stop:
        raise InputError(f"There are {len(camera)} cameras for a clip of {frames} frames: one for each is needed.")
    return list(camera[take.start:take.stop])


def _written(
    out: Path, parameters: list[dict[str, Any]], cameras: list[Camera], video: Video, take: Take,
    boxes: NDArray[np.float64], backgrounds: Iterable[Pixels] | None, body: BodyModel, motion: Motion,
    progress: Progress | None,
) -> Iterator[Pixels]:
    """Writes the files of each frame, then gives its background (or the frame itself where there are none)."""
    behind = None if backgrounds is None else iter(backgrounds)
    for number, frame in enumerate(video):
        background = frame if behind is None else next(behind, None)
        t = number - take.start
        if t < 0:
            continue
        if t == len(take) or background is None:
            return
        if progress is not None:
            progress.update(t / len(take))
        _json(out / "smplx" / "params" / f"{number}.json", parameters[t])
        _json(out / "cam_params" / f"{number}.json", {
            "R": np.eye(3).tolist(), "t": [0.0, 0.0, 0.0],
            "focal": [float(cameras[t].K[0, 0]), float(cameras[t].K[1, 1])],
            "princpt": [float(cameras[t].K[0, 2]), float(cameras[t].K[1, 2])]})
        box = take.boxes[t] if np.isfinite(take.boxes[t]).all() else boxes[t]
        _json(out / "bboxes" / f"{number}.json",
              [float(np.round(v, 2)) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])])
        _png(out / "masks" / f"{number}.png", _mask(take, t, cameras[t], body, motion))
        _png(out / "images" / f"{number}.png", frame)
        if behind is not None:
            _png(out / "images_bkg" / f"{number}.png", background)
        yield background


def _mask(take: Take, t: int, camera: Camera, body: BodyModel, motion: Motion) -> NDArray[np.uint8]:
    """(H,W) 0 or 255."""
    import cv2

    mask = take.mask(t)
    if mask is not None:
        large = cv2.resize(mask, (camera.width, camera.height), interpolation=cv2.INTER_LINEAR)
        return np.where(large > 0.5, 255, 0).astype(np.uint8)
    from humanav.render import silhouette

    return np.where(silhouette(body.from_motion(motion, slice(t, t + 1)).vertices[0], body.faces, camera),  # type: ignore[index]
                    255, 0).astype(np.uint8)


def _boxes(motion: Motion, cameras: list[Camera], body: BodyModel) -> NDArray[np.float64]:
    """(T,4) x0, y0, x1, y1 round the joints, with room for the flesh."""
    joints = body.from_motion(motion, vertices=False).joints.double().numpy()
    out = np.empty((len(joints), 4))
    for k, (points, camera) in enumerate(zip(joints, cameras)):
        pixels = camera.project(points)[0]
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        room = 0.07 * float((high - low).max())
        size = np.array([camera.width, camera.height])
        out[k] = *np.clip(low - room, 0, size), *np.clip(high + room, 0, size)
    return out


def _sidecar(motion: Motion, cameras: list[Camera], take: Take, body: BodyModel) -> dict[str, Any]:
    still = all(camera is cameras[0] for camera in cameras)
    given = cameras[:1] if still else cameras
    return {"format": 1, "fps": motion.fps, "body": body.name, "betas": motion.betas.tolist(), "name": motion.name,
            "expression": motion.expression.round(5).tolist() if motion.expression.any() else [],
            "person_id": take.person_id, "part": take.part, "start": take.start, "frames": len(take),
            "width": cameras[0].width, "height": cameras[0].height, "hand_means": hand_means(body).tolist(),
            "world": {"R": [camera.R.tolist() for camera in given], "t": [camera.t.tolist() for camera in given]}}


def _padded(values: NDArray[Any], width: int) -> NDArray[np.float64]:
    out = np.zeros((len(values), width))
    count = min(width, values.shape[1])
    out[:, :count] = np.round(values[:, :count].astype(np.float64), 7)
    return out


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="ascii")


def _png(path: Path, image: NDArray[np.uint8]) -> None:
    import cv2

    bgr = image if image.ndim == 2 else image[..., ::-1]
    done, data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_EFFORT])
    assert done
    path.write_bytes(data.tobytes())


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside ``target``, renamed to it when the block ends well, removed when it does not."""
    temporary: Path | None = None
    try:
        if target.exists() and not (target / SIDECAR).is_file() and (not target.is_dir() or any(target.iterdir())):
            raise StorageError(f"There is something else at {target.name}: choose another folder.")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".", dir=target.parent))
        yield temporary
        os.chmod(temporary, 0o755)  # mkdtemp made it private
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=".", dir=target.parent))
            os.replace(target, old / "old")
            os.replace(temporary, target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(temporary, target)
    except OSError as error:
        raise StorageError(f"{target.name} cannot be written ({error.strerror or error}); free some space or choose "
                           "another folder.") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
