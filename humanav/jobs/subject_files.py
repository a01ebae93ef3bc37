"""Write the splits of a subject's folder, whole or not at all; see :mod:`humanav.jobs.subject` for the layout."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.jobs.subject import ABOUT, FRAME_LIST, MESH
from humanav.motion import Motion

if TYPE_CHECKING:
    from humanav.avatar import Avatar
    from humanav.avatar.gaussian import TrainFrame
    from humanav.avatar.views import View
    from humanav.body import BodyModel
    from humanav.perception import Person2D

_FACE, _LEFT_HAND, _RIGHT_HAND = slice(23, 91), slice(91, 112), slice(112, 133)


def write_split(
    folder: Path, views: Sequence[View], body: BodyModel, *, people: Sequence[Person2D | None] = (),
    mesh: Avatar | None = None, told: Mapping[str, Any] | None = None,
) -> Path:
    """Write views as a split: pictures, masks (0..255, soft at the edge), cameras, SMPL-X parameters, shape.

    Shape and expression values of the built-in body mean nothing to SMPL-X: ``humanav.json`` keeps them, the parameters
    hold zeros (see :mod:`humanav.export.persona`).

    Args:
        folder: an earlier split of ours is replaced, another is not.
        views: of one shape. people: what was found in each, for ``keypoints_whole_body``.
        mesh: kept beside them. told: kept too, plain JSON values.

    Raises:
        StorageError: it cannot be written, or something else lies there.
    """
    from humanav.export.persona import persona_parameters, whole_folder
    from humanav.export.persona_reading import SIDECAR, hand_means

    motion = joined([view.motion for view in views])
    cameras = [view.camera for view in views]
    parameters = persona_parameters(motion, cameras, body)
    with whole_folder(folder) as out:
        home = out / "smplx_optimized" / "smplx_params"
        for path in (home, *(out / name for name in ("images", "masks", "cam_params"))):
            path.mkdir(parents=True)
        for k, (view, values) in enumerate(zip(views, parameters)):
            _json(home / f"{k}.json", {name: value for name, value in values.items() if name != "shape"})
            _json(out / "cam_params" / f"{k}.json", {
                "R": np.eye(3).tolist(), "t": [0.0, 0.0, 0.0], "focal": [float(view.camera.K[k, k]) for k in (0, 1)],
                "princpt": [float(v) for v in view.camera.K[:2, 2]]})
            _png(out / "images" / f"{k}.png", view.image)
            _png(out / "masks" / f"{k}.png", np.asarray(view.alpha * 255 + 0.5).clip(0, 255).astype(np.uint8))
        for k, person in enumerate(people):
            if person is not None:
                (out / "keypoints_whole_body").mkdir(exist_ok=True)
                _json(out / "keypoints_whole_body" / f"{k}.json", whole_body_keypoints(person).round(3).tolist())
        _json(out / "smplx_optimized" / "shape_param.json", parameters[0]["shape"])
        (out / FRAME_LIST).write_text("".join(f"{k}\n" for k in range(len(views))), encoding="ascii")
        _json(out / SIDECAR, {
            "format": 1, "fps": motion.fps, "body": body.name, "betas": motion.betas.tolist(), "name": motion.name,
            "expression": motion.expression.round(5).tolist() if motion.expression.any() else [], "start": 0,
            "frames": len(views), "hand_means": hand_means(body).tolist(), "width": cameras[0].width,
            "height": cameras[0].height, "world": {"R": [camera.R.tolist() for camera in cameras],
                                                   "t": [camera.t.tolist() for camera in cameras]}})
        _json(out / ABOUT, dict(told or {}))
        if mesh is not None:
            mesh.save(out / MESH)
    return folder


def generated_view(frame: TrainFrame, betas: NDArray[Any]) -> View:
    """A generated training frame as a view, the person over white."""
    from humanav.avatar.views import View

    cover = frame.alpha[..., None]
    image = np.asarray((frame.image * cover + 1 - cover) * 255 + 0.5).clip(0, 255).astype(np.uint8)
    motion = Motion.from_full_pose(frame.full_pose[None], 30.0, frame.transl[None], betas)
    return View(image, frame.alpha, frame.camera, motion)


def whole_body_keypoints(person: Person2D) -> NDArray[np.float64]:
    """(133,3) x, y, score of a person in COCO-WholeBody's order; score 0 where the detector tells nothing."""
    from humanav.body.landmarks import KEYPOINT_SETS
    from humanav.perception.layouts import FILE_LAYOUTS

    out = np.zeros((133, 3))
    own = {name.replace("foot_index", "big_toe"): k for k, name in enumerate(KEYPOINT_SETS[person.keypoint_set])}
    for k, name in enumerate(FILE_LAYOUTS["wholebody133"]):
        if name in own:
            out[k] = person.keypoints[own[name]]
    if person.face is not None and len(person.face) == 68:
        out[_FACE] = person.face
    for part, hand in ((_LEFT_HAND, person.left_hand), (_RIGHT_HAND, person.right_hand)):
        if hand is not None:
            out[part] = hand
    return out


def joined(motions: Sequence[Motion]) -> Motion:
    """Poses of one body, one after the other, as one motion with the first one's shape."""
    widest = max(motion.expression.shape[1] for motion in motions)
    expression = [np.pad(m.expression[0], (0, widest - m.expression.shape[1])) for m in motions]
    whole = Motion.from_full_pose(np.stack([m.full_pose[0] for m in motions]), motions[0].fps,
                                  np.stack([m.transl[0] for m in motions]), motions[0].betas, np.stack(expression))
    return replace(whole, name=motions[0].name)


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="ascii")


def _png(path: Path, image: NDArray[np.uint8]) -> None:
    from PIL import Image

    Image.fromarray(image).save(path, compress_level=2)
