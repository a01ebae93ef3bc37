"""Writes result folders of the kind "track" from motions that are known: a painted room, its camera, bodies in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from humanav.avatar import Avatar
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.export import write_mp4
from humanav.motion import Motion, ground, load_clip, save_npz
from humanav.results import Result, ResultWriter
from humanav.synth.lighting import to_srgb
from humanav.synth.scene import sample_scene
from humanav.view import BodyFigure
from humanav.view.composite import composite_frames


@dataclass(frozen=True)
class TakeOf:
    """A take to be written: whose, which part, at which frame it begins, and the motion in the world."""

    motion: Motion
    person: str = "1"
    part: int = 0
    start: int = 0

    @property
    def suffix(self) -> str:
        """The ending of its files' names."""
        return ("" if self.person == "1" else f"_{self.person}") + ("" if not self.part else f"_{chr(97 + self.part)}")


def walker(body: BodyModel, clip: str = "walk", betas: Sequence[float] = (0.9, -0.6, 0.8), frames: int = 12,
           at: tuple[float, float] = (0.3, -0.8)) -> Motion:
    """The first frames of a clip for a body of another shape, standing at x, z on the floor."""
    from humanav.motion import fit_to_shape

    motion = fit_to_shape(ground(load_clip(clip), body), body, betas)[:frames]
    return replace(motion, transl=motion.transl + np.array([at[0], 0, at[1]], dtype=np.float32))


def still_camera(width: int = 320, height: int = 240) -> Camera:
    """A camera at breast height, four metres away, a little turned and tilted."""
    return Camera.look_at((0.6, 1.5, 4.2), (0.1, 0.85, -0.6), width, height, 1.1 * max(width, height))


def painted(camera: Camera, place: Any = "room", seed: int = 5) -> np.ndarray[Any, Any]:
    """An empty room, park, ... uint8 (H,W,3) as the camera sees it."""
    scene = replace(sample_scene(np.random.default_rng(seed), 0.0, place), yaw=0.0)
    seen, hits = scene.floor_hits(camera)
    count = int(seen.sum())
    ambient = np.broadcast_to(scene.light.zenith * 0.8, (count, 3)).astype(np.float32)
    picture, _ = scene.paint(camera, np.ones(count, np.float32), ambient, seen, hits)
    return np.round(np.clip(to_srgb(np.clip(picture, 0, 1)), 0, 1) * 255).astype(np.uint8)


def write_track(
    folder: Path, takes: Sequence[TakeOf], camera: Camera | Sequence[Camera], body: BodyModel, *,
    background: bool = True, original: bool = True, place: Any = "room", kind: str = "track",
) -> Result:
    """A track result as ``humanav.jobs.track`` writes it, in which the takes are what was tracked.

    ``camera`` is the one that stood still, or one for every frame of the clip.
    """
    frames = max(take.start + len(take.motion) for take in takes)
    moving = not isinstance(camera, Camera)
    cameras = [camera] * frames if isinstance(camera, Camera) else list(camera)
    fps = takes[0].motion.fps
    plates = [painted(c, place) for c in (cameras if moving else cameras[:1])]
    with ResultWriter(folder, kind, "0123456789abcdef", {"source": "clip.mp4"}) as writer:
        for take in takes:
            save_npz(take.motion, writer.add(f"motion{take.suffix}.npz", "The motion"), "blender")
        if moving:
            np.savez(writer.add("cameras.npz", "The cameras"), R=np.stack([c.R for c in cameras]),
                     t=np.stack([c.t for c in cameras]), K=cameras[0].K, width=cameras[0].width,
                     height=cameras[0].height)
        else:
            cameras[0].save(writer.add("camera.json", "The camera"))
        if background and moving:
            write_mp4(plates, writer.add("background.mp4", "The clip without people"), fps, crf=12)
        elif background:
            Image.fromarray(plates[0]).save(writer.add("background.png", "The clip without people"))
        if original:
            write_mp4(clip_frames(takes, cameras, plates, body), writer.add("original.mp4", "The clip", preview=True),
                      fps)
        told = [{"person_id": take.person, "part": take.part, "suffix": take.suffix, "start": take.start,
                 "frames": len(take.motion), "contacts": [[1, 1]] * len(take.motion)} for take in takes]
        writer.add("track.json", "What was tracked").write_text(json.dumps(
            {"fps": fps, "width": cameras[0].width, "height": cameras[0].height, "frames": frames,
             "shots": [[0, frames]], "mode": "fast", "takes": told, "camera": "moving" if moving else "fixed"}))
        writer.report.update({"quality": "Known.", "warnings": [], "seconds": 1.0, "frames": frames, "fps": fps})
    return writer.result


def bare_avatar(
    body: BodyModel, folder: Path, betas: Sequence[float] = (-0.8, 0.4, -0.5), skirt: bool = False
) -> Result:
    """A result with an avatar that is nothing but the body, striped, with or without a tube round the hips."""
    v, j = (x.numpy() for x in body.rest(np.asarray(betas, np.float32)))
    faces, index, weight = body.faces, body.skin_index.numpy(), body.skin_weight.numpy()
    assert body.uv is not None and body.uv_faces is not None  # noqa: PT018
    uv, uv_faces, parts = body.uv, body.uv_faces, {"body": (0, len(faces))}
    if skirt:
        around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        rings = [np.stack([0.3 * np.cos(around), np.full(24, j[0, 1] - drop), 0.24 * np.sin(around)], 1)
                 for drop in (0.0, 0.4)]
        a, b = np.arange(24) + len(v), (np.arange(24) + 1) % 24 + len(v)
        sides = np.concatenate([np.stack([a, b, a + 24], 1), np.stack([b, b + 24, a + 24], 1)])
        v, faces = np.concatenate([v, *rings]).astype(np.float32), np.concatenate([faces, sides])
        index, weight = np.concatenate([index, np.zeros((48, 4), int)]), np.concatenate([weight, np.eye(4)[[0] * 48]])
        uv_faces = np.concatenate([uv_faces, np.zeros_like(sides)])
        parts["skirt"] = (len(body.faces), len(faces))
    texture = np.zeros((64, 64, 3), np.uint8)
    texture[:] = np.where(np.arange(64)[:, None, None] % 8 < 4, (190, 60, 50), (235, 225, 210))
    avatar = Avatar(v, faces.astype(np.int32), uv, uv_faces.astype(np.int32), texture, index.astype(np.uint8),
                    weight.astype(np.float32), j, np.asarray(betas, np.float32), np.full((64, 64), 255, np.uint8),
                    parts)
    with ResultWriter(folder, "avatar", "fedcba9876543210", {}) as writer:
        avatar.save(writer.add("avatar.npz", "The avatar"))
        writer.report.update({"quality": "Known.", "warnings": ["It is striped."], "measurements": {}})
    return writer.result


def clip_frames(
    takes: Sequence[TakeOf], cameras: Sequence[Camera], plates: Sequence[Any], body: BodyModel
) -> Iterator[Any]:
    """The clip itself: bare bodies over the painted place."""
    for f, camera in enumerate(cameras):
        picture = plates[min(f, len(plates) - 1)]
        for take in takes:
            if take.start <= f < take.start + len(take.motion):
                figure = BodyFigure(body, take.motion.betas, (186, 140, 120))
                part = take.motion[f - take.start: f - take.start + 1]
                picture = next(composite_frames(figure, part, [camera], [picture]))
        yield picture
