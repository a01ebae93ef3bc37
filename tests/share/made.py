"""Small results of every kind, with files of the true formats, made without running a job."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from humanav.avatar.gaussian import GaussianAvatar
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.export import Companion, write_body_glb, write_glb, write_mp4, write_people_glb, write_skinned_splats
from humanav.export.people_scene import Actor, write_scene_glb
from humanav.motion import Motion, save_npz
from humanav.results import Result, ResultWriter
from tests.view.people import figure

FPS, FRAMES = 10.0, 12
SAID = "It follows well; the rest is a guess."


def turning(name: str, frames: int = FRAMES, fps: float = FPS, place: float = 0.0) -> Motion:
    """Somebody who walks forward and turns."""
    pose = np.zeros((frames, 55, 3), np.float32)
    pose[:, 0, 1] = np.linspace(0, 1.5, frames)
    transl = np.zeros((frames, 3), np.float32)
    transl[:, 0], transl[:, 2] = place, np.linspace(0, 0.6, frames)
    return Motion.from_full_pose(pose, fps, transl, name=name)


def avatar(folder: Path, gaussian: bool = False, frames: int = FRAMES, count: int = 3000) -> Result:
    """An avatar of a photo with two motions; with Gaussians or without."""
    motions = [turning("walk", frames), turning("turn_around", frames)]
    with ResultWriter(folder, "avatar", "0" * 16, {"motion": "walk", "photo": "private name.jpg"}) as writer:
        write_glb(figure(), writer.add("avatar.glb", "The avatar"), motions)
        if gaussian:
            person, rng = figure(), np.random.default_rng(0)
            v = person.vertices[rng.integers(len(person.vertices), size=count)] + rng.normal(0, 0.01, (count, 3))
            write_skinned_splats(
                writer.add("avatar.splats", "The Gaussians", preview=True), v, np.tile([1.0, 0, 0, 0], (count, 1)),
                np.full((count, 3), 0.012), np.full(count, 0.95), np.full((count, 3), 0.5), joints=person.joints,
                skin_index=np.zeros((count, 1), int), skin_weight=np.ones((count, 1)), motions=motions)
        for name in ("keypoints.jpg", "overlay.jpg", "poster.png"):
            _picture(writer.add(name, "A picture", preview=True))
        writer.report.update({
            "quality": SAID, "warnings": ["Depth is a guess."], "avatar_iou": 0.97, "reprojection_pct_height": 0.42,
            "seen_share": 0.35, "evidence": [{"title": "Found", "caption": "33 points.", "file": "keypoints.jpg"}]})
    return writer.result


def trained(folder: Path, count: int = 1200) -> Result:
    """A Gaussian avatar of a subject."""
    person, rng = figure(), np.random.default_rng(0)
    joints, values = np.asarray(person.joints, np.float32), np.ones((count, 1), np.float32)
    points = person.vertices[rng.integers(len(person.vertices), size=count)].astype(np.float32)
    gaussians = GaussianAvatar(
        means=points, quats=np.tile(np.float32([1, 0, 0, 0]), (count, 1)), log_scales=np.full((count, 3), -4.4, "f4"),
        opacities=values[:, 0], rgb=0.5 * np.ones((count, 3), np.float32), aux_rgb=np.ones((count, 3), np.float32),
        part=np.zeros(count, np.uint8), trust=values[:, 0], rigid=np.zeros(count, np.bool_),
        skin_index=np.zeros((count, 4), np.uint8), skin_weight=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        anchor=np.zeros(count, np.int32), barycentric=np.tile(np.float32([1, 0, 0]), (count, 1)), joints=joints,
        betas=np.zeros(10, np.float32))
    with ResultWriter(folder, "gaussian avatar", "8" * 16, {"subject": "private"}) as writer:
        gaussians.save(writer.add("avatar_gaussian.npz", "The avatar"))
        _picture(writer.add("preview.jpg", "Beside the photo", preview=True))
        writer.report.update({"quality": SAID, "warnings": []})
    return writer.result


def denoise(folder: Path) -> Result:
    body, before = BodyModel.load(), turning("motion")
    with ResultWriter(folder, "denoise", "1" * 16, {}) as writer:
        write_people_glb(body, None, {name: Companion(before) for name in ("Before", "After", "Truth")},
                         writer.add("comparison.glb", "Bodies"))
        curves: dict[str, Any] = {name: np.linspace(9, 2, FRAMES).tolist() for name in ("Before", "After", "Truth")}
        writer.report.update({
            "people": ["Before", "After", "Truth"], "fps": FPS, "duration": (FRAMES - 1) / FPS, "curves": curves,
            "worst": [{"time": 0.3, "distance": 9.0, "joints": ["left knee", "left hip"]}], "spans": [[0.2, 0.5]],
            "quality": SAID, "warnings": [], "measures": [
                {"name": "Jitter", "unit": "m/s³", "before": 9.0, "after": 2.0, "truth": 1.0}]})
    return writer.result


def path(folder: Path) -> Result:
    body = BodyModel.load()
    with ResultWriter(folder, "path", "2" * 16, {"start": "a", "end": "b"}) as writer:
        ways = {"Straight": Companion(turning("a")), "Along the manifold": Companion(turning("b"))}
        write_people_glb(body, None, ways, writer.add("comparison.glb", "Both ways"))
        write_body_glb(body, None, {"path": turning("path")}, writer.add("path.glb", "One way"))
        writer.report.update({"people": list(ways), "duration": (FRAMES - 1) / FPS, "mean": dict.fromkeys(ways, 3.0),
                              "curves": {name: [1.0] * FRAMES for name in ways}})
    return writer.result


def poses(folder: Path) -> Result:
    with ResultWriter(folder, "poses", "3" * 16, {"count": 2, "seed": 0}) as writer:
        write_body_glb(BodyModel.load(), None, {f"Pose {k}": turning("pose", 1) for k in (1, 2)},
                       writer.add("poses.glb", "Poses"))
        for k in (1, 2):
            Image.new("RGBA", (26, 32), (20, 120, 90, 90)).save(writer.add(f"pose_{k:02d}.png", "A pose", preview=True))
        writer.report.update({"distances": [0.1, 0.2]})
    return writer.result


def uplift(folder: Path) -> Result:
    with ResultWriter(folder, "uplift", "4" * 16, {"source": "private.mp4"}) as writer:
        write_body_glb(BodyModel.load(), None, {"motion": turning("motion")}, writer.add("body.glb", "The body"))
        _film(writer.add("reprojection.mp4", "The body over the frames"))
        _camera().save(writer.add("camera.json", "The camera"))
        curves = {f"{side}_knee_flexion": np.linspace(0, 90, FRAMES).tolist() for side in ("left", "right")}
        writer.report.update({"frames": FRAMES, "fps": FPS, "curves": curves, "reprojection_px": 2.0, "warnings": [],
                              "reprojection_pct_size": 1.0, "confidence": 0.7, "seen_share": 1.0, "quality": SAID})
    return writer.result


def track(folder: Path, people: int = 2) -> Result:
    with ResultWriter(folder, "track", "5" * 16, {"source": "private.mp4"}) as writer:
        takes = []
        for k in range(people):
            suffix, start = f"_{k + 1}" if k else "", 3 * k
            motion = turning("clip", FRAMES - start, place=float(k))
            save_npz(motion, writer.add(f"motion{suffix}.npz", "The motion"), "blender")
            write_body_glb(BodyModel.load(), None, {"clip": motion}, writer.add(f"body{suffix}.glb", "The body"))
            takes.append({"person_id": str(k + 1), "part": 0, "suffix": suffix, "start": start, "frames": len(motion),
                          "contacts": [[1, 0]] * len(motion), "confidence": [0.8, None] * (len(motion) // 2)})
        _camera().save(writer.add("camera.json", "The camera"))
        for name in ("overlay.mp4", "original.mp4"):
            _film(writer.add(name, "A video"))
        writer.add("track.json", "Who is where").write_text(json.dumps(
            {"fps": FPS, "width": 64, "height": 48, "frames": FRAMES, "takes": takes, "camera": "fixed"}))
        writer.report.update({"quality": SAID, "warnings": [], "reprojection_px": 3.0, "confidence": 0.5})
    return writer.result


def capture(folder: Path) -> Result:
    body = BodyModel.load()
    actors = [Actor(f"person {k + 1}", turning("a", place=float(k))) for k in range(2)]
    with ResultWriter(folder, "capture", "6" * 16, {}) as writer:
        write_scene_glb(body, {"people": actors}, writer.add("people.glb", "Everybody"), cameras={"cam 1": _camera()})
        write_scene_glb(body, {"Before": actors, "After": actors}, writer.add("before_after.glb", "Twice"))
        for name in ("overlay_cam_1.mp4", "overlay_cam2.mp4"):
            _film(writer.add(name, "A view"))
        for name in ("contact_before.png", "contact_after.png"):
            _picture(writer.add(name, "The contact", preview=True))
        writer.report.update({
            "names": ["cam 1", "cam2"], "sizes": [[64, 48], [64, 48]], "fps": FPS, "frames": FRAMES, "views": 2,
            "people": ["1", "2"], "quality": SAID, "warnings": ["A note."], "fitting": {"reprojection_px": 4.2},
            "contact": {"frame": 3, "depth_mm": 31.0, "depth_after_mm": 6.0}})
    return writer.result


def other(folder: Path, kind: str = "avatar neutral") -> Result:
    with ResultWriter(folder, kind, "7" * 16, {}) as writer:
        _film(writer.add("neutral.mp4", "Once round the avatar"))
        _picture(writer.add("neutral.png", "From four sides"))
    return writer.result


KINDS: dict[str, Callable[[Path], Result]] = {
    "avatar": avatar, "gaussian": lambda folder: avatar(folder, gaussian=True), "denoise": denoise, "path": path,
    "poses": poses, "uplift": uplift, "track": track, "track of one": lambda folder: track(folder, 1),
    "capture": capture, "trained": trained, "other": other}


def _camera() -> Camera:
    return Camera.orbit(np.array([0.0, 0.9, 0.0]), 4.0, 30.0, 5.0, 64, 48, 60.0)


def _picture(path: Path) -> None:
    Image.fromarray(np.full((48, 64, 3), 120, np.uint8)).save(path)


def _film(path: Path) -> None:
    write_mp4((np.full((48, 64, 3), 15 * k, np.uint8) for k in range(FRAMES)), path, FPS)
