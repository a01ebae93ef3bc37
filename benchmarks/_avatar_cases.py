"""What avatars are measured on: people in loose clothes, one photo and one turn-around clip of each, and the held-out
pictures with the exact truth; kept on disk once made.

The pictures of a person are taken under the light of one place. For the photo's setting novel views are taken of the
person as they stood for the photo, from other sides. For the clip, in which the person turns before a fixed camera,
they are taken of the person turned, by a higher camera. Held-out poses are seen from the front and from behind.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from _avatar_cloth import ClothedPerson, clothed, posed_as, turned
from _avatar_turn import headings, turning
from numpy.typing import NDArray

from humanav.avatar import View
from humanav.avatar.gaussian.generators import CLIPS, varied_poses
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.motion import Motion
from humanav.synth import make_pose, photograph, sample_person
from humanav.synth.film import Actor, film
from humanav.synth.lighting import to_linear

Array = NDArray[np.float32]
Kind = Literal["input", "view", "pose"]

VERSION = 4
GREY = 128
LOOKS = ("casual", "dress", "formal", "sport")
SIDES = (45.0, 90.0, 135.0, 180.0, 270.0)
TURNS = (40.0, 100.0, 160.0, 220.0, 300.0)
POSES = ("walk", "lunge", "arms_up", "reach")
_GOLDEN = 137.50776  # degrees from each side to the next: the golden angle visits all of them evenly
_HIGHER = 20.0  # degrees that the camera of the clip's novel views looks down

# the module has the name of the function that the package exports
_photograph: Any = import_module("humanav.synth.photograph")


class Sizes(NamedTuple):
    """Width and height in pixels of photo, clip and held-out pictures; frames of the clip; how many views, poses (each
    from two sides), and frames of the person moving."""

    photo: tuple[int, int] = (576, 768)
    clip: tuple[int, int] = (540, 720)
    held: tuple[int, int] = (360, 480)
    frames: int = 72
    views: int = 5
    poses: int = 4
    moves: int = 24


FULL = Sizes()


@dataclass(frozen=True)
class Picture:
    """One picture that an avatar is compared with.

    Attributes:
        kind: "input" (shown in the training as well), "view" (the same pose from elsewhere) or "pose" (another).
        name: which.
        camera: of the picture. full_pose: (55,3) and transl: (3,), as drawn.
        rgb: uint8 (H,W,3) over grey. alpha: (H,W). depth: (H,W) metres, inf where nothing is.
    """

    kind: Kind
    name: str
    camera: Camera
    full_pose: Array
    transl: Array
    rgb: NDArray[np.uint8]
    alpha: Array
    depth: Array


@dataclass(frozen=True)
class Case:
    """One person.

    Attributes:
        name: number and look. betas: true shape. stature: metres, of the bare body.
        photo: the photo with its true cut-out, camera, pose. photo_held: what its avatars are compared with.
        clip: the film. clip_camera: of the film. clip_held: as ``photo_held``.
        moving: the person in many poses, none of them held out, each from another side.
    """

    name: str
    betas: Array
    stature: float
    photo: View
    photo_held: tuple[Picture, ...]
    clip: Path
    clip_camera: Camera
    clip_held: tuple[Picture, ...]
    moving: tuple[Picture, ...]


def default_cache() -> Path:
    """Where people are kept when nothing else is said."""
    return Path(tempfile.gettempdir()) / "humanav-avatar-cases"


def cases(
    count: int, seed: int, sizes: Sizes = FULL, *, cache: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[Case]:
    """People ``100 * seed`` and on, made where they are not yet in the cache."""
    folder = cache or default_cache()
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        number, look = 100 * seed + k, LOOKS[k % len(LOOKS)]
        stem = f"v{VERSION}-{number}-{look}-" + "-".join(map(str, np.hstack(sizes)))
        path, clip = folder / f"{stem}.npz", folder / f"{stem}.mp4"
        if not (path.is_file() and clip.is_file()):
            _make(number, look, sizes, path, clip)
            say(f"photographed and filmed {number}, {look}")
        yield _load(path, clip)


def _make(number: int, look: str, sizes: Sizes, path: Path, clip: Path) -> None:
    rng = np.random.default_rng([number, 31])
    person = clothed(sample_person(number, pose="standing", clothes=look,  # type: ignore[arg-type]
                                   yaw=float(rng.uniform(-20, 20))))
    photo = photograph(person, size=sizes.photo)
    side = person.scene.yaw
    joints = BodyModel.load().rest(person.betas, person.expression)[1].numpy()

    def seen(kind: Kind, name: str, who: ClothedPerson, yaw: float, pitch: float = 5.0) -> Picture:
        return _picture(kind, name, who, _framing(who, yaw, pitch, sizes.held))

    poses = []
    for name in POSES[: sizes.poses]:
        other = posed_as(person, make_pose(name, joints, rng), name)  # type: ignore[arg-type]
        poses += [seen("pose", f"{name} {degrees:.0f}", turned(other, degrees), side) for degrees in (0.0, 120.0)]
    views = [seen("view", f"from {degrees:.0f}", person, side + degrees) for degrees in SIDES[: sizes.views]]
    turns = [seen("view", f"turned {degrees:.0f}", turned(person, degrees), side, _HIGHER)
             for degrees in TURNS[: sizes.views]]
    moving = [seen("view", f"move {k}", posed_as(person, pose), side + _GOLDEN * k)
              for k, pose in enumerate(varied_poses(CLIPS, sizes.moves))]
    camera = _film(person, sizes, clip)
    first = [_picture("input", "photo", person, photo.camera, as_photo=True),
             _picture("input", "first frame", turning(person, 0.0), camera, as_photo=True)]
    view = View(photo.image, photo.mask, photo.camera, photo.motion)
    _save(path, f"{number} {look}", person, view, [first[0], *views, *poses], camera, [first[1], *turns, *poses],
          moving)


def _framing(person: ClothedPerson, yaw: float, pitch: float, size: tuple[int, int]) -> Camera:
    """A camera that shows the whole person from a side."""
    points = person.mesh["points"]
    target, focal, distance = (points.min(axis=0) + points.max(axis=0)) / 2, 1.6 * size[1], 3.5
    for _ in range(4):
        camera = Camera.orbit(target, distance, yaw, pitch, *size, focal)
        away = np.abs(camera.project(points)[0] / size - 0.5).max(axis=0)
        distance *= float(max(away[0] / 0.47, away[1] / 0.45))
    return Camera.orbit(target, distance, yaw, pitch, *size, focal)


def _picture(kind: Kind, name: str, person: ClothedPerson, camera: Camera, as_photo: bool = False) -> Picture:
    """The person over grey by the project's renderer; ``as_photo``: with the lens of a photo, but without its noise."""
    color, _, alpha, depth = _photograph._foreground(person, camera, 2, only_person=True)
    plain = to_linear(np.full(3, GREY / 255, np.float32))
    if as_photo:
        v, u = np.mgrid[: camera.height, : camera.width]
        far = ((u - camera.width / 2) ** 2 + (v - camera.height / 2) ** 2) / (camera.width**2 + camera.height**2) * 4
        behind = plain / (1 - 0.13 * far)[..., None]  # so that the lens leaves it grey
        rgb = _photograph._develop(color + (1 - alpha[..., None]) * behind, np.random.default_rng(0), 0.0)
    else:
        tone = _photograph._tone(color + (1 - alpha[..., None]) * plain)
        rgb = np.round(np.clip(tone, 0, 1) * 255).astype(np.uint8)
        rgb[alpha <= 0] = GREY
    motion = person.motion
    return Picture(kind, name, camera, motion.full_pose[0], motion.transl[0], rgb, alpha.astype(np.float32),
                   np.where(alpha > 0.5, depth, np.inf).astype(np.float32))


def _film(person: ClothedPerson, sizes: Sizes, path: Path, fps: float = 20.0) -> Camera:
    """Film the person turning once before the fixed camera that is returned."""
    from humanav.export.video import write_mp4

    ways = [turning(person, degrees) for degrees in headings(sizes.frames)]
    full = np.stack([way.pose for way in ways])
    transl = np.repeat(person.motion.transl, sizes.frames, axis=0)
    face = np.repeat(person.expression[None], sizes.frames, axis=0)
    motion = Motion.from_full_pose(full, fps, transl, person.betas, face, "turn")
    joints = np.asarray(BodyModel.load().from_motion(motion, vertices=False).joints.numpy(), np.float32)
    points = np.concatenate([way.mesh["points"][::7] for way in ways[:: max(1, sizes.frames // 8)]])
    camera = replace(person.scene, shift=(0.0, person.scene.shift[1])).camera(points, *sizes.clip)
    shots = film([Actor(person, motion, joints)], person.scene, camera, person.seed)
    write_mp4((shot.image for shot in shots), path, fps, crf=14)
    return camera


def _save(
    path: Path, name: str, person: ClothedPerson, photo: View, photo_held: list[Picture], camera: Camera,
    clip_held: list[Picture], moving: list[Picture],
) -> None:
    rest = BodyModel.load().rest(person.betas)[0].numpy()
    facts: dict[str, Any] = {"name": name, "stature": float(np.ptp(rest[:, 1])), "camera": photo.camera.to_dict(),
                             "clip_camera": camera.to_dict()}
    arrays: dict[str, Any] = {"image": photo.image, "mask": photo.alpha, "pose": photo.motion.full_pose,
                              "transl": photo.motion.transl, "betas": person.betas,
                              "expression": photo.motion.expression}
    for setting, held in (("photo", photo_held), ("clip", clip_held), ("moving", moving)):
        facts[setting] = [[p.kind, p.name, p.camera.to_dict()] for p in held]
        for k, p in enumerate(held):
            arrays |= {f"{setting}_{k}_{key}": getattr(p, key)
                       for key in ("full_pose", "transl", "rgb", "alpha", "depth")}
    temporary = path.with_suffix(".part.npz")
    np.savez_compressed(temporary, facts=json.dumps(facts), **arrays)
    temporary.replace(path)


def _load(path: Path, clip: Path) -> Case:
    with np.load(path, allow_pickle=False) as data:
        facts = json.loads(str(data["facts"]))
        motion = Motion.from_full_pose(data["pose"], 30.0, data["transl"], data["betas"], data["expression"], "photo")
        held = {setting: tuple(
            Picture(kind, name, Camera.from_dict(camera),
                    *(data[f"{setting}_{k}_{key}"] for key in ("full_pose", "transl", "rgb", "alpha", "depth")))
            for k, (kind, name, camera) in enumerate(facts[setting])) for setting in ("photo", "clip", "moving")}
        photo = View(data["image"], data["mask"], Camera.from_dict(facts["camera"]), motion)
        return Case(facts["name"], data["betas"], facts["stature"], photo, held["photo"], clip,
                    Camera.from_dict(facts["clip_camera"]), held["clip"], held["moving"])
