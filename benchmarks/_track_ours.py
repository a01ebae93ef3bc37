"""The tracker as the benchmark calls it, and its results as the measures want them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from _track_clips import TrackClip
from _track_measures import Pose, identities
from _track_rivals import SHARED, posed
from _uplift_mediapipe import NAMES, ORDER
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.body.landmarks import landmark_positions
from humanav.camera import Camera
from humanav.track.clip import Mode, TrackedTake, track_clip
from humanav.track.clip import TrackedClip as Tracked
from humanav.uplift.lift import stature_scale

Array = NDArray[np.float64]

_IN_VIEW = 0.3
"""Share of the pixels that a person usually covers, from which they count as visible."""


def follow_clip(
    video: Path | str, mode: Mode, *, camera: Camera | None = None, height: float | None = None,
    people: int | Literal["all"] = 1, end: float | None = None,
) -> Tracked:
    """Track a file, or its first ``end`` seconds; told the lens of ``camera`` and the person's height, or neither."""
    from humanav.perception import open_video

    focal = None if camera is None else [float(camera.K[i, j]) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2))]
    with open_video(video, end=end) as frames:
        return track_clip(frames, mode=mode, people=people, focal=focal, height=height)


def pose_of(tracked: Tracked, body: BodyModel) -> Pose:
    """The first person, over all of the clip; frames between their takes are not seen."""
    frames = tracked.people.frames
    parts = [part for part in tracked.takes if part.take.person_id == tracked.takes[0].take.person_id]
    whole: Pose | None = None
    for part in parts:
        R, t = _cameras(tracked, part)
        joints = body.from_motion(part.motion, vertices=False).joints.double().numpy()
        pose = posed(part.motion, joints, R, t, part.contacts, part.take.start, frames)
        whole = pose if whole is None else _joined(whole, pose)
    assert whole is not None
    return whole


def seen_by(
    video: Path, mode: Mode, body: BodyModel, end: float | None = None
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """The 12 landmarks ``NAMES`` on the tracked body (T,12,3) in the world, where they are in the picture (T,12,2), and
    in which frames (T,) the person was tracked."""
    tracked = follow_clip(video, mode, end=end)
    frames = tracked.people.frames
    points, pixels, seen = np.zeros((frames, 12, 3)), np.zeros((frames, 12, 2)), np.zeros(frames, bool)
    for part in tracked.takes:
        out = body.from_motion(part.motion, vertices=False)
        marks = landmark_positions(out.joints.double().numpy(), out.rotations.double().numpy(), NAMES,
                                   stature_scale(body, part.motion.betas))
        for k, frame in enumerate(range(part.take.start, part.take.stop)):
            points[frame], seen[frame] = marks[k], True
            pixels[frame] = _camera(tracked, frame).project(marks[k])[0]
    return points, pixels, seen


def cross(films: Sequence[TrackClip], mode: Mode) -> dict[str, float]:
    """How well two people are kept apart over all films."""
    from humanav.perception import open_video
    from humanav.perception.follow_people import follow_people

    switches = missed = together = 0
    people = []
    for film in films:
        with open_video(film.video) as frames:
            found = follow_people(frames, people="all", full=mode == "accurate")
        places: dict[str, Array] = {}
        for take in found.takes:
            mine = places.setdefault(take.person_id, np.full((film.frames, len(NAMES), 2), np.nan))
            there = np.flatnonzero(take.seen)
            mine[take.start + there] = take.sequence.keypoints[there][:, ORDER, :2]
        true = np.stack([film.camera.project(who.joints[:, SHARED].reshape(-1, 3))[0].reshape(film.frames, -1, 2)
                         for who in film.people])
        area = np.stack([who.masks.sum(axis=(1, 2)) for who in film.people])
        row = identities(places, true, area > _IN_VIEW * np.median(area, axis=1, keepdims=True))
        switches, missed, together = switches + row.switches, missed + row.missed, together + row.all
        people.append(len(places))
    return {"id_switches": float(switches), "missed_share": missed / max(together, 1),
            "identities": float(np.mean(people)), "clips": float(len(films))}


def _camera(tracked: Tracked, frame: int) -> Camera:
    return tracked.cameras if isinstance(tracked.cameras, Camera) else tracked.cameras[frame]


def _cameras(tracked: Tracked, part: TrackedTake) -> tuple[Array, Array]:
    """World to camera, (T,3,3) and (T,3), of a take's frames."""
    cameras = [_camera(tracked, frame) for frame in range(part.take.start, part.take.stop)]
    return np.stack([camera.R for camera in cameras]), np.stack([camera.t for camera in cameras])


def _joined(old: Pose, new: Pose) -> Pose:
    """Both over the clip: the frames that ``new`` has from there, the others from ``old``."""

    def pick(a: Any, b: Any) -> Any:
        return np.where(new.seen.reshape(-1, *[1] * (a.ndim - 1)), b, a)

    assert old.contacts is not None
    assert new.contacts is not None
    return Pose(pick(old.rotations, new.rotations), pick(old.camera, new.camera), pick(old.world, new.world),
                pick(old.contacts, new.contacts), old.seen | new.seen)
