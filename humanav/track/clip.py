"""A clip to the motion of the people in it, in the world: fast, or accurate.

Fast: follow, lift, place, smooth, stand on the floor. Accurate: from there the whole of each take is fitted at once
(:mod:`humanav.track.clip_fit`), with hands and face.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from humanav.body import BodyModel
from humanav.body.kinematics import Array
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.fit import stature
from humanav.motion import Motion
from humanav.perception.follow_people import follow_people
from humanav.perception.person import Person2D
from humanav.perception.sequence import KeypointSequence
from humanav.perception.takes import People, Take
from humanav.perception.video import Pixels, Video
from humanav.progress import Progress
from humanav.track.clip_observations import mend, mended_take
from humanav.track.clip_start import TakeStart, start_take
from humanav.track.clip_world import World, camera_turns, seems_to_move, stand_in_world
from humanav.track.contacts import standing
from humanav.track.path import BodyPath
from humanav.uplift.lift import checked_betas, posed
from humanav.uplift.translation import reprojection_errors

if TYPE_CHECKING:
    from humanav.track.focal import Focal

Mode = Literal["fast", "accurate"]
MODES: tuple[Mode, ...] = ("fast", "accurate")
STAGES = {"follow": "Following the people", "lift": "Lifting to 3D", "fit": "Fitting the clip",
          "stand": "Standing on the floor"}
BODY = 22
Watcher = Callable[[int, Pixels, list[Person2D]], None]


@dataclass(frozen=True)
class TrackedTake:
    """One take of one person, tracked; T frames.

    Attributes:
        take: who, when, and what was seen.
        motion: in the world (y up, floor y = 0); ``confidence`` is 0 in frames that do not show the person.
        contacts: (T,2) whether the left and the right foot stand.
        reprojection: (T,) pixels, mean distance of the seen landmarks from where they were seen; NaN without any.
        keypoints: what was tracked, in the layout of the network.
    """

    take: Take
    motion: Motion
    contacts: NDArray[np.bool_]
    reprojection: Array
    keypoints: KeypointSequence

    @property
    def label(self) -> str:
        """Whose, and which part: "1", "2", "2b"."""
        return self.take.label


@dataclass(frozen=True)
class TrackedClip:
    """Everybody of a clip in the world.

    Attributes:
        mode: "fast" or "accurate".
        people: what was followed.
        takes: in the same order.
        cameras: one for all frames, or one for each frame of the clip where the camera moved or there are cuts.
        moving: whether the camera moved.
        notes: sentences on what was found, assumed and mended.
    """

    mode: Mode
    people: People
    takes: tuple[TrackedTake, ...]
    cameras: Camera | tuple[Camera, ...]
    moving: bool
    notes: tuple[str, ...]


def track_clip(
    video: Video, *, mode: Mode = "fast", people: int | Literal["all"] = 1, chosen: Sequence[int] = (),
    focal: Sequence[float] | None = None, moving: bool = False, height: float | None = None,
    betas: Sequence[float] = (), tilt: tuple[float, float] | None = None, camera_height: float | None = None,
    lock: bool = True, detector: str = "mediapipe", work: Path | None = None, watch: Watcher | None = None,
    progress: Progress | None = None, body: BodyModel | None = None,
) -> TrackedClip:
    """Track people through a clip.

    Args:
        video: an open video; read once or twice.
        mode: "fast", or "accurate", some five times slower.
        people, chosen: how many people, or which (:func:`humanav.perception.follow_people.follow_people`).
        focal: fx, fy, cx, cy in pixels of the video's frames; by default 1.2 times the longer side (fast) or told from
            the clip (accurate), and the middle.
        moving: the camera moves; by default it stands still.
        height: the people's height in metres, which settles the scale.
        betas: their shape; by default the mean body (fast) or told from the clip (accurate).
        tilt, camera_height: of the camera, where they are known (:func:`humanav.track.ground.find_ground`).
        lock: hold standing feet still.
        detector: "mediapipe" or "rtmlib".
        work: folder in which intermediate results are kept, so that a stopped run goes on.
        watch: called with each frame while people are followed.
        progress: told of :data:`STAGES` ("fit" in accurate mode only) and their parts.
        body: by default the built-in one.

    Raises:
        NoPersonError: nobody is seen.
        InputError: a value is out of range, or a frame cannot be read.
        Cancelled: ``progress`` was told to stop.
    """
    if mode not in MODES:
        raise InputError(f"The mode is one of {', '.join(MODES)}, not {mode!r}.")
    if height is not None and not 0.4 <= height <= 2.6:
        raise InputError(f"A height of {height:g} m is not plausible: give metres between 0.4 and 2.6.")
    body = BodyModel.load() if body is None else body
    progress = progress or Progress(len(STAGES))
    progress.next(STAGES["follow"])
    found = follow_people(video, people=people, chosen=chosen, full=mode == "accurate", detector=detector, work=work,
                          watch=watch, progress=progress)
    progress.next(STAGES["lift"])
    told = None
    if mode == "accurate" and focal is None:
        from humanav.track.focal import tell_focal

        with threadpool_limits(1, user_api="blas"):
            told = tell_focal(max(found.takes, key=len), body, progress)
    camera = _camera(video, focal if told is None else (told.pixels, told.pixels, video.width / 2, video.height / 2))
    shape = checked_betas(betas or None, body)
    shape = shape if height is None else _with_height(shape, height, body)
    notes = list(found.notes)
    starts, mended = [], [mend(take, camera.K) for take in found.takes]
    better = [mended_take(take, how) for take, how in zip(found.takes, mended, strict=True)]
    for number, take in enumerate(better):
        starts.append(start_take(take, camera.K, shape, body, focal_known=focal is not None))
        progress.update(0.5 + 0.5 * (number + 1) / len(found.takes))
    paths = [start.path for start in starts]
    if mode == "accurate":
        from humanav.track.clip_stages import fit_take

        progress.next(STAGES["fit"])
        with threadpool_limits(1, user_api="blas"):  # small matrices: threads only wait for each other
            known = shape if len(betas) else None
            paths = [fit_take(take, start, camera, body, mended=how, height=height, shape=known, tilt=tilt,
                              moving=moving, work=work, progress=progress,
                              share=(number / len(starts), (number + 1) / len(starts)))
                     for number, (take, start, how) in enumerate(zip(better, starts, mended, strict=True))]
    progress.next(STAGES["stand"])
    turns = camera_turns(video, found, camera, progress) if moving else None
    if turns is not None:
        notes += turns.notes
    worlds: dict[tuple[int, int], World] = {}
    for shot in found.shots:
        index = [k for k, take in enumerate(found.takes) if shot[0] <= take.start < shot[1]]
        if index:
            worlds[shot] = stand_in_world([found.takes[k] for k in index], [paths[k] for k in index], body, shot,
                                          moving=turns, tilt=tilt, camera_height=camera_height, lock=lock)
    if not moving and seems_to_move(video, found, camera):
        notes.append("The camera seems to move, but was taken to stand still: say that it moves, and the paths on the "
                     "floor become right.")
    done = _tracked(found, starts, worlds, camera, body, video.name)
    for shot, world in worlds.items():
        which = "" if len(found.shots) == 1 else f"Shot {found.shots.index(shot) + 1}: "
        notes += [f"{which}{note}" for note in world.notes]
    notes += _assumed(focal, told, height, betas, mode)
    progress.update(1.0)
    return TrackedClip(mode, found, tuple(done), _cameras(found, worlds, camera, moving), moving,
                       tuple(dict.fromkeys(notes)))


def _camera(video: Video, focal: Sequence[float] | None) -> Camera:
    if focal is None:
        return Camera.from_focal(video.width, video.height)
    fx, fy, cx, cy = focal
    return replace(Camera.from_focal(video.width, video.height), K=np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]))


def _with_height(betas: NDArray[np.float32], height: float, body: BodyModel) -> NDArray[np.float32]:
    tall, dirs = stature(body.v_template.double().numpy(), body.shapedirs.double().numpy()[..., :10])
    out = betas.copy()
    out[:10] += (dirs * (height - tall - float(dirs @ betas[:10])) / (dirs @ dirs)).astype(np.float32)
    return out


def _tracked(found: People, starts: Sequence[TakeStart], worlds: dict[tuple[int, int], World], camera: Camera,
             body: BodyModel, name: str) -> list[TrackedTake]:
    done = []
    for take, start in zip(found.takes, starts, strict=True):
        shot, world = next((shot, world) for shot, world in worlds.items() if shot[0] <= take.start < shot[1])
        order = [other for other in found.takes if shot[0] <= other.start < shot[1]].index(take)
        path, contacts = world.paths[order], world.contacts[order]
        span = slice(take.start - shot[0], take.stop - shot[0])
        errors = _reprojection(path, start.keypoints, world.R[span], world.t[span], camera.K, body)
        done.append(TrackedTake(take, path.motion(body, name, take.person_id), standing(contacts, path.fps), errors,
                                start.keypoints))
    return done


def _reprojection(path: BodyPath, keypoints: KeypointSequence, R: Array, t: Array, K: Array, body: BodyModel) -> Array:
    seen = path.turned(R, t)
    _, points = posed(seen.rotations[:, :BODY], path.betas, keypoints.keypoint_set, body)
    errors = reprojection_errors(points, seen.pelvis, keypoints.keypoints, K)
    count = np.isfinite(errors).sum(axis=1)
    return np.where(count > 0, np.nansum(errors, axis=1) / np.maximum(count, 1), np.nan)


def _cameras(found: People, worlds: dict[tuple[int, int], World], camera: Camera, moving: bool
             ) -> Camera | tuple[Camera, ...]:
    if not moving and len(found.shots) == 1:
        world = next(iter(worlds.values()))
        return replace(camera, R=world.R[0], t=world.t[0])
    cameras: list[Camera] = []
    last = replace(camera, R=np.diag([1.0, -1.0, -1.0]), t=np.array([0.0, 1.4, 4.0]))
    for shot in found.shots:
        there = worlds.get(shot)
        for frame in range(shot[1] - shot[0]):
            if there is not None:
                last = replace(camera, R=there.R[frame], t=there.t[frame])
            cameras.append(last)
    return tuple(cameras)


def _assumed(focal: Sequence[float] | None, told: Focal | None, height: float | None, betas: Sequence[float],
             mode: Mode) -> list[str]:
    notes = []
    if told is not None:
        notes.append(f"The focal length is not known; how the person is foreshortened tells {told.ratio:.1f} times the "
                     f"longer side ({told.low:.1f} to {told.high:.1f}): distances depend on it.")
    elif focal is None:
        notes.append("The focal length is not known and was taken as 1.2 times the longer side: distances depend on "
                     "it.")
    if height is None and not len(betas):
        notes.append("The person's height is not known: an average one settles the scale." if mode == "accurate" else
                     "The person's shape is not known; the mean body was used, which settles the scale.")
    return notes
