"""Look at a subject's avatar: over its test pictures, all round in the neutral pose, and moved by a motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.jobs.animate import resolve_motion
from humanav.jobs.gaussian_files import GAUSSIAN_NPZ
from humanav.jobs.staging import PLAIN_SIZE, backdrops, stage_before, stage_tracked
from humanav.jobs.subject import CAPTURED, TEST, Subject, read_image, read_split
from humanav.jobs.subject_train import AVATAR, KIND, OUTPUT
from humanav.jobs.tracked import is_track, load_tracked
from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id

if TYPE_CHECKING:
    from humanav.avatar import Avatar
    from humanav.avatar.gaussian import GaussianAvatar
    from humanav.body import BodyModel

Picture = NDArray[np.uint8]

TEST_STAGES = ("Reading the subject", "Drawing the avatar beside the pictures")
NEUTRAL_STAGES = ("Reading the subject", "Drawing the avatar all round")
MOVE_STAGES = ("Reading the subject", "Reading the motion", "Drawing the avatar in motion")
VIEWS, SIDE, FOCAL, ABOVE = 50, 1024, 1500.0, 15.0
"""PERSONA's turntable: 50 views of 1024 pixels, f = 1500, the camera 15 degrees above."""
_TURN_FPS, _FILL = 25.0, 0.94
_OPENS_MP4 = "every browser and phone"


@dataclass(frozen=True)
class Filmed:
    """A motion in PERSONA's layout, as it was seen; what :func:`~humanav.jobs.staging.stage_tracked` reads of one.

    Attributes:
        motion: in a world that is upright as the first camera was. cameras: of the frames. size: of their pictures.
        moving: whether they differ. backgrounds: pictures without the person, as far as there are.
        notes: sentences.
    """

    motion: Motion
    cameras: tuple[Camera, ...]
    size: tuple[int, int]
    moving: bool
    backgrounds: tuple[Path, ...]
    notes: tuple[str, ...]


def load_trained(subject: Subject, out: str | Path = OUTPUT) -> tuple[Result, GaussianAvatar, Avatar]:
    """The subject's trained avatar and its mesh. Raises InputError when it was not trained yet."""
    from humanav.avatar import Avatar
    from humanav.avatar.gaussian import GaussianAvatar

    home = Path(out) / subject.name / AVATAR
    if not home.is_dir():
        raise InputError(f"The subject {subject.name} has no trained avatar in {Path(out)}: run "
                         f"{subject.command('').strip()} first.")
    result = Result.load(home)
    if result.kind != KIND:
        raise InputError(f"{home} holds something else than a trained avatar: name another --out.")
    return result, GaussianAvatar.load(result.path(GAUSSIAN_NPZ)), Avatar.load(result.path("avatar.npz"))


def compare_subject(subject: Subject, *, out: str | Path = OUTPUT, progress: Progress | None = None) -> Result:
    """Draw the refined avatar beside the pictures of the split ``test``, or, with none, of ``captured``.

    Args:
        out: where it was trained; the result goes to ``OUT/ID/test``.
        progress: told of ``TEST_STAGES``.

    Raises:
        InputError: no trained avatar, or a piece of the split is missing.
    """
    from humanav.avatar.gaussian.evaluation import pairs
    from humanav.body import BodyModel
    from humanav.export import write_mp4
    from humanav.view.composite import fitting_size, resized

    progress = progress or Progress(len(TEST_STAGES))
    progress.next(TEST_STAGES[0])
    source, avatar, _ = load_trained(subject, out)
    body = BodyModel.load()
    folder = subject.folder / TEST
    split = read_split(subject, folder if folder.is_dir() else subject.captured, body)
    progress.next(TEST_STAGES[1])
    name = split.folder.name if folder.is_dir() else CAPTURED
    with ResultWriter(Path(out) / subject.name / "test", "avatar test", content_id("test", source.id, name),
                      {"subject": subject.name, "split": name}) as writer:
        writer.tell(progress, settings={"split": name}, sources={"avatar": source, "pictures": split.folder})
        def rows() -> Iterator[Picture]:
            size = None
            for k, frame in enumerate(split.frames(body, avatar.betas)):
                progress.update(k / len(split))
                drawn, target = pairs(avatar, frame)[0]
                row = np.concatenate([target, drawn], axis=1)
                _save(row, writer.add(f"{split.numbers[k]}.png", "The picture, and the avatar in its pose"))
                size = size or fitting_size(row.shape[1], row.shape[0])
                small = resized(row, size)
                if k == 0:
                    progress.show("The first picture, and the avatar.", small, title="Picture and avatar", name="test")
                yield small

        if len(split) > 1:
            write_mp4(rows(), writer.add("test.mp4", "All of them", _OPENS_MP4), 10.0)
        else:
            next(rows())
        writer.report.update({"split": name, "pictures": len(split), "warnings": list(split.notes)})
    return writer.result


def neutral_subject(
    subject: Subject, *, out: str | Path = OUTPUT, views: int = VIEWS, side: int = SIDE, refined: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Draw the avatar all round in PERSONA's neutral pose, the T-pose with its legs apart; also as a 3DGS file.

    Args:
        out: the result goes to ``OUT/ID/neutral``.
        views, side: how many pictures, and pixels of their sides.
        refined: with the pose-driven deformation; PERSONA draws without.
        progress: told of ``NEUTRAL_STAGES``.

    Raises:
        InputError: no trained avatar.
    """
    from humanav.avatar.gaussian.weights import neutral_pose
    from humanav.export import write_avatar_ply, write_mp4
    from humanav.view import contact_sheet

    progress = progress or Progress(len(NEUTRAL_STAGES))
    progress.next(NEUTRAL_STAGES[0])
    source, avatar, _ = load_trained(subject, out)
    pose = neutral_pose()
    progress.next(NEUTRAL_STAGES[1])
    inputs = {"subject": subject.name, "views": views, "side": side, "refined": refined}
    with ResultWriter(Path(out) / subject.name / "neutral", "avatar neutral", content_id("neutral", source.id, inputs),
                      inputs) as writer:
        writer.tell(progress, settings=inputs, sources={"avatar": source})
        frames: list[Picture] = []
        for camera in turntable_cameras(avatar.pose(pose).means, views, side):
            progress.update(len(frames) / views)
            drawn = avatar.render(camera, pose, refined=refined, background=(1, 1, 1)).rgb
            frames.append(np.asarray(drawn * 255 + 0.5, dtype=np.uint8))
        write_mp4(frames, writer.add("neutral.mp4", "Once round the avatar", _OPENS_MP4), _TURN_FPS)
        write_avatar_ply(avatar if refined else replace(avatar, deformation=None), writer.add(
            "neutral.ply", "The Gaussians in the neutral pose", "splat viewers"), pose)
        quarters = [frames[round(k * len(frames) / 4) % len(frames)] for k in range(4)]
        sheet = contact_sheet(quarters, columns=4)
        _save(sheet, writer.add("neutral.png", "From four sides"))
        progress.show("From the front, both sides and behind.", sheet, title="Neutral pose", name="neutral")
        writer.report.update(inputs)
    return writer.result


def turntable_cameras(points: NDArray[Any], views: int, side: int) -> list[Camera]:
    """Cameras evenly round the points (N,3), 15 degrees above, that see them whole in a square picture."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    focal = FOCAL * side / SIDE
    reach = float(np.linalg.norm(points - middle, axis=1).max())
    distance = reach * float(np.hypot(1, focal / (_FILL * side / 2)))  # a ball of that size touches the border
    return [Camera.orbit(middle, distance, 360 * k / views, ABOVE, side, side, focal) for k in range(views)]


def move_subject(
    subject: Subject, motion: str | Path, *, out: str | Path = OUTPUT, person: str = "", use_background: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Move the avatar, and show it beside the subject's photo.

    Args:
        motion: a clip's name, a motion file, the folder of a ``humanav track``, or one in PERSONA's layout, whose
            cameras the avatar is then seen by.
        out: the result goes to ``OUT/ID/animate_MOTION``.
        person: whose of a track.
        use_background: before what was filmed, without the person.
        progress: told of ``MOVE_STAGES``.

    Raises:
        InputError, MotionFileError: no trained avatar, the motion cannot be used, or has no background.
    """
    from humanav.body import BodyModel
    from humanav.export import write_mp4
    from humanav.motion import save_npz
    from humanav.view.composite import beside, composite_frames

    progress = progress or Progress(len(MOVE_STAGES))
    progress.next(MOVE_STAGES[0])
    source, avatar, mesh = load_trained(subject, out)
    body = BodyModel.load()
    photo = read_image(read_split(subject, subject.captured, body).images[0])
    progress.next(MOVE_STAGES[1])
    filmed: Any = read_motion(motion, body, person)
    if use_background and (isinstance(filmed, Motion) or (isinstance(filmed, Filmed) and not filmed.backgrounds)):
        raise InputError("This motion comes without the pictures behind it (images_bkg): leave --use-background out.")
    if isinstance(filmed, Motion):
        staged = stage_before(filmed, mesh, body, "avatar", (PLAIN_SIZE[1], PLAIN_SIZE[0]))
    else:
        staged = stage_tracked(filmed, mesh, body, "avatar")
    if use_background and isinstance(filmed, Filmed):
        behind: Iterator[Picture] = _pictures(filmed.backgrounds, staged.size)
    else:
        behind = backdrops(staged, "original" if use_background else "plain",
                           None if isinstance(filmed, Motion | Filmed) else filmed, None)
    clip = staged.motion
    name = f"{subject.name}_{clip.name or 'motion'}"
    progress.next(MOVE_STAGES[2])
    inputs = {"subject": subject.name, "motion": clip.name, "person": person, "use_background": use_background}
    with ResultWriter(Path(out) / subject.name / f"animate_{clip.name or 'motion'}", "avatar animation",
                      content_id("animate", source.id, clip, inputs), inputs) as writer:
        writer.tell(progress, settings=inputs, sources={"avatar": source, "motion": motion})
        path = writer.add(f"{name}.mp4", "The photo, and the avatar in motion", _OPENS_MP4)

        def done(count: int) -> None:
            progress.check()
            if count % 10 == 0:
                progress.update(min(count / len(clip), 1.0))

        frames = _watched(composite_frames(avatar, clip, staged.cameras, behind), len(clip), writer, progress)
        write_mp4(beside(repeat(photo), frames), path, clip.fps, progress=done)
        save_npz(clip, writer.add("motion.npz", "The motion on the avatar's body", "Python"), "humanav")
        writer.report.update({"motion": clip.name, "frames": len(clip), "fps": clip.fps,
                              "warnings": list(getattr(filmed, "notes", ()))})
    return writer.result


def read_motion(motion: str | Path, body: BodyModel, person: str = "") -> Motion | Filmed | Any:
    """A clip or file as a Motion, a track as it is, and a folder in PERSONA's layout.

    The shape in a PERSONA folder counts only where it was told for the body in use; a note says so where it was not.

    Raises:
        InputError, MotionFileError: there is no such motion, or it is another body model's.
    """
    folder = Path(motion)
    home = folder / "smplx" / "params"
    if not home.is_dir() and not (folder / "smplx_optimized").is_dir():
        return load_tracked(motion, person) if is_track(motion) else resolve_motion(motion)
    from humanav.export.persona import read_persona
    from humanav.export.persona_reading import SIDECAR
    from humanav.track.path import rest_pelvis

    clip = read_persona(folder, body=body)
    found, notes = clip.motion, list(clip.notes)
    found = replace(found, name=found.name or folder.resolve().name)
    if not (folder / SIDECAR).is_file() and body.name != "smplx":
        none = np.zeros(body.num_betas, np.float32)
        shift = rest_pelvis(body, found.betas) - rest_pelvis(body, none)
        found = replace(found, betas=none, expression=np.zeros((len(found), 0), np.float32),
                        transl=(found.transl + shift).astype(np.float32))
        notes.append("Shape and expression of this motion were told for SMPL-X's body, not for the one in use: they "
                     "were left out, the avatar keeps its own.")
    behind = tuple(folder / "images_bkg" / f"{number}.png" for number in clip.frames)
    cameras = clip.cameras
    return Filmed(found, cameras, (cameras[0].width, cameras[0].height),
                  any(c is not cameras[0] for c in cameras), behind if all(p.is_file() for p in behind) else (),
                  tuple(notes))


def _pictures(paths: tuple[Path, ...], size: tuple[int, int]) -> Iterator[Picture]:
    from humanav.view.composite import resized

    return (resized(read_image(path), size) for path in paths)


def _watched(frames: Iterator[Picture], total: int, writer: ResultWriter, progress: Progress) -> Iterator[Picture]:
    """The frames; the one in the middle is kept and shown."""
    for number, frame in enumerate(frames):
        if number == total // 2:
            _save(frame, writer.add("preview.png", "The avatar in the middle of it", preview=True))
            progress.show("The avatar in the middle of the motion.", frame, title="In motion", name="motion", live=True)
        yield frame


def _save(picture: Picture, path: Path) -> None:
    from PIL import Image

    Image.fromarray(picture).save(path)
