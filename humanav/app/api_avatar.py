"""Functions of the API about people in photos: avatars, how they move, measurements."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

import gradio as gr
from gradio import FileData

from humanav.app import gaussian_pieces, gpu
from humanav.app.api_calls import ABSENT, Answer, Answers, call, follow, local_files, motion_of, result_of, track_of
from humanav.jobs import ANIMATE_STAGES, MEASURE_STAGES, PhotoOptions, avatar_stages, photo_id, photo_to_avatar
from humanav.jobs import animate_avatar as move_avatar
from humanav.jobs import measure_photo as measure
from humanav.progress import Progress
from humanav.results import Result, content_id

Limb = Literal["left_arm", "right_arm", "left_leg", "right_leg"]
Posture = Literal["from_photo", "on_both_feet", "other"]

_POSTURES: dict[str, bool | None] = {"from_photo": None, "on_both_feet": True, "other": False}

def make_avatar(
    photo: FileData, kind: Literal["mesh", "gaussian"] = "mesh", motion: str = "walk", height: float | None = None,
    posture: Posture = "from_photo", flip_limbs: list[Limb] = ABSENT,
    swap_sides: bool = False, texture_size: Literal[1024, 2048, 4096] = 2048, back: FileData = ABSENT,
    minutes: float = 2.0, request: gr.Request = ABSENT,
) -> Answers:
    """Make a textured, rigged 3D avatar of the person in one photo, and let it move.

    The answer's files are a GLB (mesh, skeleton and animation), the motion as npz and BVH, the texture and videos.
    It takes about half a minute; a Gaussian avatar takes minutes.

    Args:
        photo: a picture of one person, best from head to feet (JPEG, PNG, WebP or HEIC).
        kind: "mesh", a textured mesh; or "gaussian", Gaussians trained on top of it: softer hair and edges.
        motion: what the avatar does: a built-in clip such as "walk", "dance", "squat" or "wave", or the id of a result
            with a motion (of track_video, lift_to_3d or clean_motion).
        height: of the person in metres, such as 1.74; without it, it is estimated.
        posture: how the person stands: "from_photo" decides by itself; "on_both_feet"; or "other" (sits, jumps).
        flip_limbs: limbs that came out bent the wrong way, of left_arm, right_arm, left_leg and right_leg.
        swap_sides: exchange left and right, where they were taken for each other.
        texture_size: of the texture's side, in pixels.
        back: a second photo of the same person from behind.
        minutes: of training, for a Gaussian avatar.
    """
    (path,) = local_files(photo)
    behind = next(iter(local_files(back)), None)
    clip = motion_of(motion)
    options = PhotoOptions(height, _POSTURES[posture], tuple(flip_limbs or ()), swap_sides, texture_size)
    gaussian = gaussian_pieces.options(minutes) if kind == "gaussian" else None

    steps = len(avatar_stages(gaussian))

    def work(out: Path, progress: Progress) -> Result:
        asked = {"photo": path, "back": behind, "motion": clip, "height": options.height, "standing": options.standing,
                 "flip_limbs": options.flip_limbs, "swap_sides": swap_sides, "texture_size": options.texture_size,
                 "gaussian": gaussian, "out": out}
        return gpu.run("gaussian" if gaussian else "avatar", photo_to_avatar, asked, steps=steps,
                       expected=60 * gaussian.minutes + 90 if gaussian else 40.0, progress=progress)

    yield from call(request, f"avatar-{photo_id(path, options, clip, behind, gaussian)}", work, steps, tab="photo",
                    kind="avatar", title=f"{'Gaussian avatar' if gaussian else 'Avatar'}, {path.stem}",
                    inputs=[path, *([behind] if behind else [])])


def animate_avatar(
    avatar: str, motion: str = "dance", motion_file: FileData = ABSENT, person: str = "",
    background: Literal["none", "original", "plain"] = "none", shape: Literal["avatar", "motion"] = "avatar",
    request: gr.Request = ABSENT,
) -> Answers:
    """Let an avatar that was made before do something else. The photo is not fitted again; it takes seconds.

    Args:
        avatar: the id of a result of make_avatar.
        motion: a built-in clip such as "walk", "dance", "squat" or "wave", or the id of a result with a motion (of
            track_video, lift_to_3d or clean_motion).
        motion_file: a motion of one's own instead: npz of SMPL-X or AMASS, npy, BVH or txt.
        person: whose motion, of a clip with several people: "1", "2" and so on.
        background: "none"; "original", the clip that the motion was tracked in; or "plain".
        shape: "avatar" keeps the avatar's own build; "motion" takes that of the tracked person.
    """
    _, source = result_of(avatar)
    files = local_files(motion_file)
    tracked = track_of(motion) if not files else None
    moved = files[0] if files else tracked or motion_of(motion)
    name = moved.stem if isinstance(moved, Path) else tracked.id if tracked else str(motion)
    identity = content_id("animation", source.id, name if isinstance(moved, str) else _content(moved), person,
                          background, shape)

    def work(out: Path, progress: Progress) -> Result:
        return move_avatar(source, moved, person=person or None, background=background, shape=shape, out=out,
                           progress=progress)

    yield from call(request, f"animation-{identity}", work, len(ANIMATE_STAGES), tab="photo", kind="animation",
                    title=f"The avatar does: {name}", inputs=files)


def measure_photo(
    photo: FileData, height: float | None = None,
    posture: Posture = "from_photo", request: gr.Request = ABSENT,
) -> Answers:
    """Estimate the body measurements of the person in a photo: lengths in metres, and "mass" in kilograms.

    One photo shows one side, with clothes on: expect a few centimetres of error. Nothing is kept.

    Args:
        photo: a picture of one person, best from head to feet.
        height: of the person in metres, such as 1.74; without it, it is estimated.
        posture: how the person stands: "from_photo" decides by itself; "on_both_feet"; or "other" (sits, jumps).
    """
    (path,) = local_files(photo)
    yield from follow(request, partial(_measured, path, height, _POSTURES[posture]), len(MEASURE_STAGES))


def _measured(path: Path, height: float | None, standing: bool | None, progress: Progress) -> Answer:
    values = measure(path, height=height, standing=standing, progress=progress)
    return {"state": "done", "kind": "measurements",
            "measurements": {name: round(value, 4) for name, value in values.items()}}


def _content(moved: Path | Result | str) -> bytes | str:
    return moved.read_bytes() if isinstance(moved, Path) else moved.id if isinstance(moved, Result) else moved
