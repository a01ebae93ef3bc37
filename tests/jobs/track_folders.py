"""Writes result folders of the kind "track" from motions that are known: a painted room, its camera, bodies in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

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
