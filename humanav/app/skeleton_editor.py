"""The editor of the page: a drawn skeleton beside a 3D body that follows it.

It lives in a frame of its own (``assets/viewer/skeleton_editor.js``, with the 3D player) and asks two small endpoints
of this app, which take and return plain JSON: ``lift_skeleton`` at every move, ``export_skeleton`` for a file. The page
round it sends it a photo's keypoints or another body by ``postMessage``.
"""

from __future__ import annotations

import html
import json
import logging
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from humanav.app import kept, pieces
from humanav.app.errors import sentence
from humanav.errors import HumanavError, InputError
from humanav.jobs import drawn_pose
from humanav.jobs.drawn_result import drawing_id, keep_drawing
from humanav.paths import asset
from humanav.results import content_id
from humanav.view.colors import CENTRE, LEFT, RIGHT, css
from humanav.view.look import PLAYER_COLORS
from humanav.view.player import SCRIPT

_log = logging.getLogger(__name__)

EDITOR_SCRIPT = asset("viewer", "skeleton_editor.js")
LIFT, EXPORT = "lift_skeleton", "export_skeleton"
_API = "gradio_api/run/"
_MOST_POINTS = 100  # of a request that are looked at

_LIMBS = {"shoulder": ("elbow",), "elbow": ("wrist",), "hip": ("knee",), "knee": ("ankle",)}
_ATTACHED = {"wrist": ("pinky", "index", "thumb"), "ankle": ("heel", "foot_index")}
_FACE = tuple(f"{side}_{part}" for side in ("left", "right")
              for part in ("eye_inner", "eye", "eye_outer", "ear", "mouth"))
_MAIN = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot_index")
_SIDE_BONES = (("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"),
               ("ankle", "foot_index"), ("ankle", "heel"), ("heel", "foot_index"), ("wrist", "index"),
               ("wrist", "pinky"), ("wrist", "thumb"), ("index", "pinky"))


def _sides(table: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {f"{side}_{name}": [f"{side}_{other}" for other in others]
            for side in ("left", "right") for name, others in table.items()}


@lru_cache
def skeleton() -> dict[str, Any]:
    """What the editor must know of the skeleton: names, bones, what hangs on what, and poses to begin with."""
    from humanav.body.landmarks import KEYPOINT_SETS

    poses = json.loads(asset("viewer", "skeleton_poses.json").read_text())
    bones: list[list[Any]] = [[f"{side}_{a}", f"{side}_{b}", side]
                              for side in ("left", "right") for a, b in _SIDE_BONES]
    bones += [["left_shoulder", "right_shoulder", "centre"], ["left_hip", "right_hip", "centre"],
              [["left_shoulder", "right_shoulder"], "nose", "centre"], ["left_ear", "left_eye", "left"],
              ["right_ear", "right_eye", "right"], ["nose", "left_eye", "left"], ["nose", "right_eye", "right"],
              ["left_mouth", "right_mouth", "centre"]]
    return {
        "names": list(KEYPOINT_SETS[poses["keypoint_set"]]), "bones": bones,
        "main": ["nose", *(f"{side}_{name}" for side in ("left", "right") for name in _MAIN)],
        "torso": ["left_shoulder", "right_shoulder", "right_hip", "left_hip"], "follow": _sides(_LIMBS),
        "attached": {**_sides(_ATTACHED), "nose": list(_FACE)}, "presets": poses["poses"], "width": poses["width"],
        "height": poses["height"], "colors": {"left": css(LEFT), "right": css(RIGHT), "centre": css(CENTRE)}}


def editor_frame(glb: Path, betas: list[float] | None = None) -> str:
    """The editor as an ``<iframe srcdoc>`` around a body, which the app must be allowed to serve."""
    options = skeleton() | {"glb": pieces.file_url(glb), "betas": betas, "api": _API, "lift": LIFT, "export": EXPORT}
    settings = json.dumps(options).replace("<", "\\u003c")
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Skeleton editor</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>html,body{margin:0;height:100%;background:transparent}#editor{height:100%}"
        f'{PLAYER_COLORS}</style></head><body><div id="editor"></div><script src="{pieces.file_url(SCRIPT)}">'
        f'</script><script src="{pieces.file_url(EDITOR_SCRIPT)}"></script>'
        f'<script>HumanavEditor.mount(document.getElementById("editor"),{settings})</script></body></html>')
    return f'<iframe title="Skeleton editor" srcdoc="{html.escape(page)}" loading="lazy"></iframe>'


def editor_body(betas: list[float] | None = None) -> Path:
    """The body's file, made once for each shape."""
    path = kept.store().previews / f"editor-{content_id('editor body', betas)}.glb"
    if not path.is_file():
        path.parent.mkdir(exist_ok=True)
        drawn_pose.write_editor_body(betas, path)
    return path


def read_request(request: Any) -> drawn_pose.Drawing:
    """The drawing of a request of the editor.

    Raises:
        InputError: it is no such request.
    """
    if not isinstance(request, dict):
        raise InputError("The editor sent no drawing: reload the page.")
    try:
        size = int(request["width"]), int(request["height"])
        focal = None if request.get("focal") is None else float(request["focal"])
        points = np.array([[float(value) for value in point] for point in request["points"][:_MOST_POINTS]], ndmin=2)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError("The editor sent a drawing that cannot be read: reload the page.") from error
    return drawn_pose.Drawing(points, *size, focal, request.get("betas"))


def lift(request: dict[str, Any]) -> dict[str, Any]:
    """Lift one drawn skeleton: {points: [[x, y, seen]] x 33, width, height, focal, betas} to joint rotations."""
    start = time.perf_counter()
    try:
        pose = drawn_pose.lift_drawing(read_request(request))
    except Exception as error:
        return _refusal(error)
    spent = time.perf_counter() - start
    return {"quaternions": pose.quaternions.round(5).tolist(), "points": pose.points.round(1).tolist(),
            "confidence": pose.confidence.round(3).tolist(), "reprojection": round(pose.reprojection, 2),
            "seconds": round(spent, 4),
            "said": f"The body's points lie {pose.reprojection:.0f} px from yours. Lifted in {1000 * spent:.0f} ms."}


def export(request: dict[str, Any]) -> dict[str, Any]:
    """Write the drawn pose as a file: the same request with kind npz, bvh or glb; returns its address."""
    try:
        kind = str(request.get("kind", "")) if isinstance(request, dict) else ""
        if kind not in drawn_pose.FORMATS:
            raise InputError(f"A pose is written as {', '.join(drawn_pose.FORMATS)}.")
        path = drawn_pose.export_drawing(read_request(request), kind, kept.store().preview_path(f".{kind}"))
    except Exception as error:
        return _refusal(error)
    return {"url": pieces.file_url(path), "name": f"pose.{kind}", "size": pieces.size_text(path.stat().st_size)}


def keep(drawn: str, key: str) -> str:
    """Make the editor's drawing (its request as JSON text) a result of a visitor; returns its id.

    Raises:
        InputError: there is no drawing, or it cannot be lifted.
        StorageError: the disk is full.
    """
    try:
        request = json.loads(drawn or "null")
    except ValueError as error:
        raise InputError("The editor sent a drawing that cannot be read: reload the page.") from error
    drawing, store = read_request(request), kept.store()
    identity = f"pose-{drawing_id(drawing)}"
    words: dict[str, Any] = {"tab": "uplift/skeleton", "kind": "pose", "title": "Pose from a drawing"}
    known = kept.known(key, identity, **words)
    if known is not None:
        return known[0].id
    record = store.begin(key, identity, **words)
    try:
        keep_drawing(drawing, out=store.folder(record.id))
    except Exception:
        store.delete(key, record.id)
        raise
    return store.finish(record.id).id


def _refusal(error: Exception) -> dict[str, str]:
    if not isinstance(error, HumanavError):
        _log.exception("the editor's request failed")
    return {"error": sentence(error)}


def photo_message(photo: Any) -> dict[str, Any]:
    """What is sent to the editor to draw the skeleton of the person in a photo.

    Raises:
        ImageError, NoPersonError: as :func:`humanav.jobs.drawn_pose.find_skeleton`.
    """
    image, points = drawn_pose.find_skeleton(photo)
    height, width = image.shape[:2]
    return {"humanav": "editor", "photo": {"url": pieces.image_url(image, 1024), "width": width, "height": height,
                                           "points": points.round(2).tolist()}}


def body_message(betas: list[float] | None) -> dict[str, Any]:
    """What is sent to the editor to pose a body of another shape."""
    return {"humanav": "editor", "body": {"glb": pieces.file_url(editor_body(betas)), "betas": betas}}


SEND = ("(message) => { const frame = document.querySelector('#skeleton-editor iframe');"
        " if (message && frame) frame.contentWindow.postMessage(message, '*'); }")
"""Runs in the page: hands a message to the editor."""

TAKE = ("(drawn, hand) => { const frame = document.querySelector('#skeleton-editor iframe');"
        " const editor = frame && frame.contentWindow.humanavEditor;"
        " return [editor ? JSON.stringify(editor.request()) : '', hand]; }")
"""Runs in the page: what is drawn in the editor, before it is taken in hand."""
