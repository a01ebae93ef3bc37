"""CHI3D (Fieraru et al., "Three-Dimensional Reconstruction of Human Interactions", CVPR 2020) and IMAR's other sets.

Layout of one subject as IMAR releases it (https://github.com/sminchisescu-research/imar_vision_datasets_tools):
``joints3d_25/ACTION.json`` with ``{"joints3d_25": 2 people x T x 25 x 3}`` in metres (T x 25 x 3 in sets of one
person), ``camera_parameters/CAMERA/ACTION.json`` with ``extrinsics`` (R, T: ``x_cam = R (x_world - T)``),
``intrinsics_w_distortion`` (f, c, k, p) and ``intrinsics_wo_distortion`` (f, c), ``videos/CAMERA/ACTION.mp4`` at 50
frames per second, and ``interaction_contact_signature.json`` (by action: start_fr, end_fr of the contact, end
excluded).

Assumed, for no data is at hand to check it: the world has z up; pictures are 900 x 900; of the 25 joints the first 17
follow Human3.6M's tree (pelvis, leg, leg, spine, neck, nose, head, left arm, right arm), and which leg is the left one
is read off the shoulders. Feet and hands, and ``gpp`` and ``smplx`` (fits of GHUM and SMPL-X), are not read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanav.errors import CameraError, InputError
from humanav.multiview.calibration_value import FileRig, FileView, numbers
from humanav.multiview.calibration_world import to_rig
from humanav.multiview.datasets_files import load_json, to_our_world
from humanav.multiview.evaluate_people import Array, GroundTruth, known_points
from humanav.multiview.value import Rig

_FPS = 50.0
_SIZE = (900, 900)
_LEGS = ("hip", "knee", "ankle")
_ARMS = ("shoulder", "elbow", "wrist")


def is_imar(folder: Path) -> bool:
    """Whether the folder is one subject of CHI3D, Fit3D or HumanSC3D."""
    return (folder / "joints3d_25").is_dir()


def read_imar(folder: Path, action: str | None = None) -> GroundTruth:
    """The people of one action, "0" (with markers) and "1".

    Args:
        folder: of the subject, such as ``train/s02``.
        action: may be left out where there is only one.

    Raises:
        InputError: no such action, or a damaged file.
        CameraError: cameras that cannot be used.
    """
    actions = sorted(file.stem for file in (folder / "joints3d_25").glob("*.json"))
    if action is None and len(actions) == 1:
        action = actions[0]
    if action not in actions:
        some = ", ".join(actions[:6]) + (", ..." if len(actions) > 6 else "")
        raise InputError(f"{folder.name} has {len(actions)} actions: name one of {some}." if actions else
                         f"{folder.name}/joints3d_25 holds no action (JSON): check the data set.")
    path = folder / "joints3d_25" / f"{action}.json"
    try:
        joints = np.asarray(load_json(path)["joints3d_25"], dtype=np.float64)
        joints = joints[None] if joints.ndim == 3 else joints
        people, frames, count, three = joints.shape
        if count < 17 or three != 3:
            raise ValueError(joints.shape)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"joints3d_25/{path.name} must hold joints3d_25 of people x frames x 25 x 3 numbers.") \
            from error
    sides = ("left", "right") if _left_leg_first(joints) else ("right", "left")
    names = {0: "pelvis", 8: "neck", 9: "nose", 10: "head_top"}
    names |= {1 + 3 * s + k: f"{side}_{part}" for s, side in enumerate(sides) for k, part in enumerate(_LEGS)}
    names |= {11 + 3 * s + k: f"{side}_{part}" for s, side in enumerate(("left", "right"))
              for k, part in enumerate(_ARMS)}
    kept = sorted(names)
    points = {str(p): known_points(joints[p][:, kept]) for p in range(people)}
    return GroundTruth(to_our_world(points, "z"), tuple(names[k] for k in kept), _FPS, np.arange(frames),
                       rig=_rig(folder, action), contact=_contact(folder, action, frames), kind="chi3d")


def _left_leg_first(joints: Array) -> bool:
    """Whether joints 1 to 3 lie on the side of the left shoulder (11) rather than of the right one (14)."""
    along = ((joints[:, :, 1] - joints[:, :, 4]) * (joints[:, :, 11] - joints[:, :, 14])).sum(axis=-1)
    return bool(np.nanmedian(along) > 0)


def _contact(folder: Path, action: str, frames: int) -> NDArray[np.bool_] | None:
    """(T,) whether people touch, None where the folder does not say."""
    file = folder / "interaction_contact_signature.json"
    if not file.is_file():
        return None
    try:
        told = load_json(file)[action]
        first, last = int(told["start_fr"]), int(told["end_fr"])
    except (KeyError, TypeError, ValueError):
        return None
    index = np.arange(frames)
    return np.asarray((index >= first) & (index < max(last, first + 1)))


def _rig(folder: Path, action: str) -> Rig | None:
    files = sorted((folder / "camera_parameters").glob(f"*/{action}.json")) or sorted(
        (folder / "camera_parameters").glob(f"{action}.json"))
    if not files:
        return None
    views = []
    for file in files:
        name, data = file.parent.name, load_json(file)
        try:
            place = data["extrinsics"]
            lens = data.get("intrinsics_w_distortion") or data["intrinsics_wo_distortion"]
            f, c = (numbers(lens[key], (2,), name, "intrinsics") for key in ("f", "c"))
            R = numbers(place["R"], (3, 3), name, "rotation")
            center = numbers(place["T"], (3,), name, "translation")
            k = numbers(lens.get("k", [0, 0, 0]), (3,), name, "distortion")
            p = numbers(lens.get("p", [0, 0]), (2,), name, "distortion")
        except (KeyError, TypeError, AttributeError) as error:
            raise CameraError(f"camera_parameters/{name}/{file.name} lacks extrinsics or intrinsics.") from error
        K = np.array([[f[0], 0, c[0]], [0, f[1], c[1]], [0, 0, 1]])
        views.append(FileView(name, K, R, -R @ center, _SIZE, opencv_distortion(K, k, p)))
    return to_rig(FileRig("chi3d", tuple(views), 1.0, "z"))


def opencv_distortion(K: Array, k: Array, p: Array) -> Array:
    """OpenCV's five coefficients for Human3.6M's lens, ``x (1 + k . r^(2,4,6) + q . x) + q r^2`` with q = (p2, p1).

    Its tangential part is another polynomial than OpenCV's, in whose coefficients the model is linear: they are the
    least squares over the picture.
    """
    if not np.any(p):
        return np.array([k[0], k[1], 0, 0, k[2]])
    grid = np.stack(np.meshgrid(*(np.linspace(0, side, 31) for side in _SIZE)), axis=-1).reshape(-1, 2)
    x, y = ((grid - K[:2, 2]) / [K[0, 0], K[1, 1]]).T
    r2, q = x * x + y * y, p[::-1]
    powers = np.stack([r2, r2**2, r2**3])
    bend = k @ powers + q[0] * x + q[1] * y
    wanted = np.concatenate([x * bend + q[0] * r2, y * bend + q[1] * r2])
    model = np.stack([np.concatenate(pair) for pair in (
        (x * r2, y * r2), (x * r2**2, y * r2**2), (2 * x * y, r2 + 2 * y * y), (r2 + 2 * x * x, 2 * x * y),
        (x * r2**3, y * r2**3))], axis=1)
    return np.asarray(np.linalg.lstsq(model, wanted, rcond=None)[0])
