"""fit3D to the original's protocol: its subjects' split, four real cameras at 50 frames per second, 26 points.

The release has one folder per subject, ``train/s03`` and so on: ``smplx/<action>.json`` (rotation matrices of every
frame), ``camera_parameters/<camera>/<action>.json`` (the camera stands at ``T``: ``x = R (X - T)``) and
``videos/<camera>/<action>.mp4`` of 900 x 900 pixels. Layout and lens: the makers' imar_vision_datasets_tools.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from humanav.body import BodyModel, landmark_positions
from humanav.body.kinematics import log_rotation
from humanav.errors import HumanavError, InputError
from humanav.motion import Motion
from humanav.motion.npz import Z_UP_TO_Y_UP, turn_world
from humanav.motion.quality import usable_frames
from humanav.posendf.cmu import SPLITS, Clip, Split
from humanav.posendf.data import read_arrays, write_arrays
from humanav.posendf.sources import fingerprint
from humanav.progress import Progress
from humanav.uplift.pairs import Pairs
from humanav.uplift.points import body_points
from humanav.uplift.prepared import write_folder

Array = NDArray[np.float64]

SUBJECTS: dict[str, Split] = {**dict.fromkeys(("s03", "s04", "s05", "s07", "s08", "s10"), "train"),
                              "s09": "validation", "s11": "test"}
"""The original's split of the subjects whose truth was released."""

FPS, SIZE = 50.0, 900
LAYOUTS = ("blazepose33", "coco17")
STAGES = 1

_SHAPES = {"transl": (3,), "global_orient": (1, 3, 3), "body_pose": (21, 3, 3)}
_HANDS = {"left_hand_pose": (15, 3, 3), "right_hand_pose": (15, 3, 3)}


def prepare_fit3d(place: str | Path, out: str | Path, *, body: str | Path, overwrite: bool = False,
                  progress: Progress | None = None) -> dict[str, Any]:
    """Make or finish ``out``: takes to train on with random cameras, and every view of the real ones.

    ``views/<subject>_<action>.npz`` holds for each camera, in pixels and with the lens's distortion,
    ``<camera>/joints2d`` (T,26,2), ``<camera>/blazepose33`` and ``<camera>/coco17``; ``<camera>/joints3d`` (T,26,3)
    root-relative along the camera's axes, metres; ``<camera>/root`` (T,3,3) and ``<camera>/pelvis`` (T,3) in the
    camera's frame; ``<camera>/K``; and for all cameras ``body`` (T,21,3,3), ``fingers`` (T,4,3,3), from the wrists to
    the last joints of thumbs and little fingers, and ``betas``.

    Args:
        place: fit3D's folder, which holds ``train/s03``, or ``train`` itself.
        out: the folder; made if need be. What an interrupted run left there is kept.
        body: a neutral SMPL-X file (``SMPLX_NEUTRAL.npz``), whose shape values fit3D's are.
        overwrite: delete what other data or options left there.
        progress: of ``STAGES`` stages.

    Returns:
        The manifest: input hash, counts, subjects, cameras, and the takes left out and why.

    Raises:
        InputError: no such folder, none of its subjects, or no take that can be used.
        BodyFileError: ``body`` is no body.
        StorageError: ``out`` cannot be written to.
    """
    model, views = BodyModel.load(body), Path(out) / "views"
    takes = _find(Path(place))
    files = [file for file, _ in takes]
    plan = {"source": "fit3d", "fps": FPS, "split_by": "the original's subjects", "body": Path(body).name,
            "inputs": fingerprint(files, [f"{file.parent.parent.name}/{file.stem}" for file in files])}
    subjects = sorted({who for _, who in takes})
    groups = [(side, [take for take in takes if take[1] == who]) for side in SPLITS for who in subjects
              if SUBJECTS[who] == side]

    def read(take: tuple[Path, str]) -> tuple[Clip | None, dict[str, Any]]:
        file, who = take
        row = {"clip": f"{who}_{file.stem}", "subject": who, "split": SUBJECTS[who], "frames": 0, "usable": 0}
        try:
            views.mkdir(exist_ok=True)
            clip = _take(file, who, views / f"{who}_{file.stem}.npz", model)
        except HumanavError as error:
            return None, {**row, "why": str(error)}
        return clip, {**row, "frames": len(clip.ok), "usable": int(clip.ok.sum())}

    return write_folder(out, plan, groups, read, overwrite=overwrite, progress=progress or Progress(STAGES))


def fit3d_pairs(folder: str | Path, split: Split, keypoint_set: str = "coco17", *, every: int = 1) -> list[Pairs]:
    """The real views of one split as pairs for evaluation, one take and camera each.

    Keypoints are true projections of the layout's landmarks with confidence 1, distorted as the pictures are.

    Args:
        folder: what :func:`prepare_fit3d` wrote.
        split: "train", "validation" (s09) or "test" (s11).
        keypoint_set: "blazepose33" or "coco17".
        every: keep every so many frames, as the original does in validation (4).

    Raises:
        InputError: nothing prepared there, or another layout.
    """
    if keypoint_set not in LAYOUTS:
        raise InputError(f"The views hold no keypoints of {keypoint_set!r}: use {' or '.join(LAYOUTS)}.")
    files = [file for file in sorted((Path(folder) / "views").glob("*.npz"))
             if SUBJECTS.get(file.stem.partition("_")[0]) == split]
    if not files:
        raise InputError(f"{Path(folder).name} holds no views to {split}: run `humanav uplift prepare fit3d` first.")
    pairs = []
    for file in files:
        arrays = {name: torch.from_numpy(value) for name, value in read_arrays(file).items()}
        for camera in sorted({name.partition("/")[0] for name in arrays if "/" in name}):
            def seen(name: str, camera: str = camera, arrays: dict[str, Any] = arrays) -> torch.Tensor:
                return arrays[f"{camera}/{name}"][::every].float()[None]

            points = seen(keypoint_set)
            pairs.append(Pairs(
                keypoints=torch.cat([points, torch.ones_like(points[..., :1])], -1), clean=points,
                K=arrays[f"{camera}/K"].float()[None], size=torch.tensor([[float(SIZE), SIZE]]), root=seen("root"),
                body=arrays["body"][::every].float()[None], joints=seen("joints3d")[:, :, :22], pelvis=seen("pelvis"),
                betas=arrays["betas"].float()[None], fps=torch.tensor([FPS / every])))
    return pairs


def _find(place: Path) -> list[tuple[Path, str]]:
    """The parameter files of the subjects in the split, with the subject."""
    root = place / "train" if (place / "train").is_dir() else place
    here = [who for who in sorted(SUBJECTS) if (root / who / "smplx").is_dir()]
    if not here:
        raise InputError(f"{place.name} is not fit3D's folder: it needs train/s03/smplx/<action>.json and so on.")
    takes = [(file, who) for who in here for file in sorted((root / who / "smplx").glob("*.json"))]
    if not takes:
        raise InputError(f"The subjects in {place.name} have no smplx/<action>.json: fit3D's SMPL-X parameters are "
                         "needed.")
    return takes


def _take(file: Path, who: str, views: Path, model: BodyModel) -> Clip:
    """One take: its views written, its motion returned."""
    values, betas = _parameters(file)
    cameras = sorted((file.parent.parent / "camera_parameters").glob(f"*/{file.name}"))
    if not cameras:
        raise InputError(f"{who}/{file.stem} has no camera: camera_parameters/<camera>/{file.name} is missing.")
    pose = np.tile(np.eye(3), (len(values["transl"]), 55, 1, 1))
    pose[:, 0], pose[:, 1:22] = values["global_orient"][:, 0], values["body_pose"]
    for name, start in (("left_hand_pose", 25), ("right_hand_pose", 40)):
        if name in values:
            pose[:, start:start + 15] = values[name]
    out: dict[str, Any] = {"body": pose[:, 1:22].astype(np.float32),
                           "fingers": _finger_turns(pose).astype(np.float32), "betas": betas.astype(np.float32)}
    posed = [_posed(pose[start:start + 500], betas, values["transl"][start:start + 500], model)
             for start in range(0, len(pose), 500)]
    world = {name: np.concatenate([part[name] for part in posed]) for name in posed[0]}
    up = np.zeros(3)  # people lie down, cameras do not
    for path in cameras:
        camera, project = _camera(path)
        up -= camera["R"][1]
        moved = {name: (points - camera["T"]) @ camera["R"].T for name, points in world.items()}
        if (moved["points"][..., 2] <= 0.1).any():
            raise InputError(f"{who}/{file.stem} is behind the camera {path.parent.name}: the camera's R and T do not "
                             "belong to this take.")
        pelvis = moved["points"][:, :1]
        view = {"joints2d": project(moved["points"]), "joints3d": moved["points"] - pelvis,
                "root": camera["R"] @ pose[:, 0], "pelvis": pelvis[:, 0], "K": camera["K"],
                **{name: project(moved[name]) for name in LAYOUTS}}
        out |= {f"{path.parent.name}/{name}": value.astype(np.float32) for name, value in view.items()}
    write_arrays(views, out)
    motion = Motion.from_full_pose(log_rotation(pose), FPS, values["transl"], betas, name=f"{who}_{file.stem}",
                                   person_id=who)
    if up[2] > up[1]:
        motion = turn_world(motion, Z_UP_TO_Y_UP, model)
    ok = usable_frames(motion)
    if not ok.any():
        raise InputError(f"{who}/{file.stem} has no usable frame: all jump, or are beyond joint limits.")
    return Clip(motion, ok, who, SUBJECTS[who])


def _parameters(file: Path) -> tuple[dict[str, Array], Array]:
    """SMPL-X parameters of a take: rotation matrices and places, and its one shape."""
    stored = _read_json(file)
    values: dict[str, Array] = {}
    for name, shape in {**_SHAPES, **_HANDS}.items():
        if name not in stored:
            if name in _HANDS:
                continue
            raise InputError(f"{file.parent.parent.name}/{file.stem} has no {name}: fit3D's SMPL-X parameters are "
                             "needed.")
        values[name] = _numbers(stored[name], name, file)
        if values[name].shape[1:] != shape or len(values[name]) != len(values["transl"]) or not len(values[name]):
            raise InputError(f"{name} of {file.parent.parent.name}/{file.stem} has shape {values[name].shape}; "
                             f"(frames, {', '.join(map(str, shape))}) is needed.")
    for name, value in values.items():
        if name != "transl" and np.abs(value @ np.swapaxes(value, -1, -2) - np.eye(3)).max() > 1e-2:
            raise InputError(f"{name} of {file.parent.parent.name}/{file.stem} are no rotation matrices.")
    betas = _numbers(stored.get("betas", [[0.0] * 10]), "betas", file)
    return values, np.median(betas.reshape(-1, betas.shape[-1]), axis=0)[:10]


def _camera(file: Path) -> tuple[dict[str, Array], Callable[[Array], Array]]:
    """A camera's R, T and K, and its projection of points (...,3) in its frame to pixels (...,2)."""
    stored = _read_json(file)
    try:
        outer, lens = stored["extrinsics"], stored["intrinsics_w_distortion"]
        R, T = (_numbers(outer[name], name, file) for name in "RT")
        f, c, k, p = (_numbers(lens[name], name, file).reshape(-1) for name in "fckp")
        R, T = R.reshape(3, 3), T.reshape(3)
        K = np.array([[f[0], 0, c[0]], [0, f[1], c[1]], [0, 0, 1]])
        tangential, radial = np.array([p[1], p[0]]), np.array([k[0], k[1], k[2]])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"The camera {file.parent.name}/{file.name} is incomplete: it needs extrinsics (R, T) and "
                         "intrinsics_w_distortion (f, c, k, p).") from error

    def project(points: Array) -> Array:
        # the data set's own lens: the tangential part counts once where OpenCV's counts twice
        xy = points[..., :2] / points[..., 2:]
        square = (xy * xy).sum(-1, keepdims=True)
        scale = 1 + square * (radial[0] + square * (radial[1] + square * radial[2])) + (xy @ tangential)[..., None]
        return np.asarray((xy * scale + square * tangential) * f[:2] + c[:2])

    return {"R": R, "T": T, "K": K}, project


@torch.no_grad()
def _posed(pose: Array, betas: Array, transl: Array, model: BodyModel) -> dict[str, Array]:
    """World positions of the 26 points, fingers where they really are, and of the layouts' landmarks."""
    out = model(torch.from_numpy(pose).to(model.dtype), betas[: model.num_betas], transl=transl, vertices=False)
    joints, turned = out.joints.double().numpy(), out.rotations.double().numpy()
    names = body_points("fit3d26", model).names
    return {"points": joints[:, [model.joint_names.index(name) for name in names]],
            **{layout: landmark_positions(joints, turned, layout) for layout in LAYOUTS}}


def _finger_turns(pose: Array) -> Array:
    """Rotations (T,4,3,3) of the last thumb and little finger joints, left and right, from the wrist on."""
    return np.stack([pose[:, last - 2] @ pose[:, last - 1] @ pose[:, last] for last in (39, 54, 33, 48)], 1)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        stored = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{file.parent.parent.name}/{file.name} cannot be read as JSON: it is damaged.") from error
    if not isinstance(stored, dict):
        raise InputError(f"{file.parent.parent.name}/{file.name} holds no named values.")
    return stored


def _numbers(value: Any, name: str, file: Path) -> Array:
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} in {file.parent.name}/{file.name} is no array of numbers.") from error
    if not np.isfinite(numbers).all():
        raise InputError(f"{name} in {file.parent.name}/{file.name} holds NaN or infinite numbers.")
    return numbers
