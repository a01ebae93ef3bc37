"""Frames of a tracked clip that show one person best and from most sides, as views an avatar is made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.jobs.tracked import TrackedMotion, load_tracked, people_of
from humanav.motion import Motion

if TYPE_CHECKING:
    from humanav.avatar.views import View
    from humanav.body import BodyModel
    from humanav.perception.detector import Detector
    from humanav.perception.video import Video
    from humanav.progress import Progress

CLIP = "original.mp4"
_CANDIDATES = 10
"""Frames that are looked at for each one that is wanted."""
_EVERY = 1000.0  # frames per second: all there are
_LEAST_OVERLAP = 0.6
_FLESH = 0.06
"""Room round the joints for head, feet and clothes, as a share of the person's size."""
_TURN = 2.0
"""How much a side of the person counts against the pose when frames are told apart."""


@dataclass(frozen=True)
class _Candidate:
    """A frame that might be taken.

    Attributes:
        frame: of the take. quality: 0..1 by all that is known of it. place: (D,) side and pose; distance is variety.
    """

    frame: int
    quality: float
    place: NDArray[np.float64]


def track_views(
    folder: str | Path, person: str = "", count: int = 24, *, progress: Progress | None = None
) -> list[View]:
    """Choose frames of a tracked clip and cut the person out of them.

    Frames are preferred in which the person is whole, sharp, surely tracked and not behind somebody else; among those
    each further one is the one that differs most, in the side it shows and in the pose, from those taken before. The
    cut-outs are made anew, guided by the tracked body; frames whose cut-out disagrees with it are passed over.

    Args:
        folder: the result folder of ``humanav track``.
        person: whose, as in its ``track.json`` ("1", "2b"); "" for the only or the first.
        count: how many frames; a clip that has fewer good ones gives fewer.
        progress: told how far the cutting out is.

    Returns:
        Views in the world of the track (y up, floor y = 0); camera and motion of each are the tracked ones, the camera
        for the picture as it is stored. The first is the one that faces the camera best, the others follow in time.

    Raises:
        InputError: no track, no such person, the clip itself is not there any more, or no frame of it will do.
    """
    if count < 1:
        raise InputError("At least one frame of the clip must be asked for.")
    from humanav.body import BodyModel
    from humanav.perception import make_detector
    from humanav.perception.video import open_video

    tracked, clip = _opened(folder, person)
    body = BodyModel.load()
    others = _others(tracked)
    chosen: list[tuple[int, View]] = []
    with ExitStack() as stack:
        video = stack.enter_context(open_video(clip, fps=_EVERY))
        if len(video) < tracked.start + len(tracked.motion):
            raise InputError(f"The {CLIP} in {tracked.source.folder.name} is shorter than what was tracked in it: "
                             "track the clip again.")
        rank = _ranked(tracked, body, others, video, count)
        detector = stack.enter_context(make_detector())
        tried = 0
        while len(chosen) < count and (best := rank.next()) is not None and tried < 2 * count + 4:
            tried += 1
            if progress is not None:
                progress.update(len(chosen) / count)
            picture = next(video.read(tracked.start + best.frame), None)
            view = None if picture is None else _view(picture, tracked, best.frame, body, others, detector)
            if view is not None:
                rank.take(best)
                chosen.append((best.frame, view))
    if not chosen:
        raise InputError("No frame of the clip shows the person whole and clearly enough for an avatar: track a clip "
                         "that shows the whole person, from all sides.")
    chosen.sort(key=lambda pair: pair[0])
    front = max(range(len(chosen)), key=lambda k: rank.facing[chosen[k][0]])
    return [chosen[front][1], *(view for k, (_, view) in enumerate(chosen) if k != front)]


class _Ranking:
    """Hands out candidates, each time the best that differs from those taken."""

    def __init__(self, candidates: Sequence[_Candidate], facing: NDArray[np.float64]) -> None:
        self._left = list(candidates)
        self._taken: list[_Candidate] = []
        self.facing = facing

    def next(self) -> _Candidate | None:
        """The best one left, which is not handed out again; None when there is none."""
        if not self._left:
            return None
        scores = [candidate.quality * self._away(candidate) for candidate in self._left]
        return self._left.pop(int(np.argmax(scores)))

    def take(self, candidate: _Candidate) -> None:
        """Keep one: the next are to differ from it."""
        self._taken.append(candidate)

    def _away(self, candidate: _Candidate) -> float:
        if not self._taken:
            return 2 + float(self.facing[candidate.frame])
        return min(float(np.linalg.norm(candidate.place - other.place)) for other in self._taken) + 1e-3


def _opened(folder: str | Path, person: str) -> tuple[TrackedMotion, Path]:
    place = Path(folder)
    lost = (place / "track.json").is_file() and not (place / CLIP).is_file()
    try:
        tracked = load_tracked(place, person)
    except InputError as error:
        if not lost:
            raise
        raise InputError(_no_clip(place)) from error
    clip = tracked.original
    if clip is None:
        raise InputError(_no_clip(place))
    return tracked, clip


def _no_clip(place: Path) -> str:
    return (f"{CLIP}, the clip itself, is missing in {place.name}: track the clip again with its videos drawn "
            "(humanav track without --no-render).")


def _others(tracked: TrackedMotion) -> list[TrackedMotion]:
    """Everybody else, for as long as they are in the clip."""
    own = str(tracked.told["person_id"])
    # a first part is asked for by the letter a: the bare number means the longest
    asked = (label if label[-1].isalpha() else f"{label}a" for label in people_of(tracked.source))
    found = (load_tracked(tracked.source, label) for label in asked)
    return [other for other in found if str(other.told["person_id"]) != own]


def _ranked(
    tracked: TrackedMotion, body: BodyModel, others: Sequence[TrackedMotion], video: Video, count: int
) -> _Ranking:
    """All frames worth a look, with what is known of each."""
    motion = tracked.motion
    frames = np.unique(np.linspace(0, len(motion) - 1, min(len(motion), _CANDIDATES * count)).round().astype(int))
    boxes, depth = _boxes(motion, tracked.cameras, body)
    quality = _trust(tracked) * _inside(boxes, tracked.size) * _free(tracked, boxes, depth, others, body)
    facing, side = _sides(motion, tracked.cameras, body)
    sharp = _sharpness(video, tracked, boxes, frames)
    pose = np.sin(motion.full_pose[:, 1:22].astype(np.float64)).reshape(len(motion), -1)
    place = np.concatenate([_TURN * side, pose], axis=1)
    usual = float(np.median(sharp)) or 1.0
    return _Ranking([_Candidate(int(f), float(quality[f] * min(1.0, s / usual)), place[f])
                     for f, s in zip(frames, sharp) if quality[f] > 0], facing)


def _boxes(
    motion: Motion, cameras: Sequence[Camera], body: BodyModel
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(T,4) x0, y0, x1, y1 round the person, not cut at the picture's border, and (T,) metres from the camera."""
    joints = body.from_motion(motion, vertices=False).joints.double().numpy()
    boxes, depth = np.empty((len(joints), 4)), np.empty(len(joints))
    for k, (points, camera) in enumerate(zip(joints, cameras)):
        pixels, away = camera.project(points)
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        room = _FLESH * float((high - low).max())
        boxes[k] = *(low - room), *(high + room)
        depth[k] = float(away.min()) if away.min() <= 0 else float(away.mean())
    return boxes, depth


def _trust(tracked: TrackedMotion) -> NDArray[np.float64]:
    """(T,) 0..1 by what the tracker says of its frames; 0 where it did not see the person."""
    frames = len(tracked.motion)
    facts = tracked.told
    trust = np.ones(frames)
    if tracked.motion.confidence is not None:
        trust = tracked.motion.confidence[:, :22].mean(axis=1).astype(np.float64)
    elif len(facts.get("confidence") or ()) == frames:
        trust = np.asarray(facts["confidence"], dtype=np.float64)
    if len(facts.get("seen") or ()) == frames:
        trust = trust * np.asarray(facts["seen"], dtype=np.float64)
    error = facts.get("reprojection_px") or ()
    if len(error) == frames:
        off = np.array([np.nan if value is None else value for value in error], dtype=np.float64)
        if np.isfinite(off).any():
            usual = max(float(np.nanmedian(off)), 1.0)
            trust = trust / (1 + np.where(np.isfinite(off), np.maximum(off / usual - 1, 0), 1.0))
    return np.clip(trust, 0, 1)


def _inside(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """(T,) 1 where the person's box lies in the picture, little where it is cut off: the last choice."""
    low, high = np.maximum(boxes[:, :2], 0), np.minimum(boxes[:, 2:], np.asarray(size, dtype=np.float64))
    seen = np.prod(np.maximum(high - low, 0), axis=1) / np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1)
    return np.where(seen > 0.995, 1.0, 0.3 * seen**3)


def _free(
    tracked: TrackedMotion, boxes: NDArray[np.float64], depth: NDArray[np.float64], others: Sequence[TrackedMotion],
    body: BodyModel,
) -> NDArray[np.float64]:
    """(T,) 1 where nobody overlaps the person; less for one behind, much less for one in front."""
    free = (depth > 0).astype(np.float64)
    for other in others:
        theirs, away = _boxes(other.motion, other.cameras, body)
        first = max(tracked.start, other.start)
        last = max(first, min(tracked.start + len(boxes), other.start + len(theirs)))  # at once where they never met
        mine, their = np.s_[first - tracked.start:last - tracked.start], np.s_[first - other.start:last - other.start]
        low = np.maximum(boxes[mine, :2], theirs[their, :2])
        high = np.minimum(boxes[mine, 2:], theirs[their, 2:])
        area = np.maximum(np.prod(boxes[mine, 2:] - boxes[mine, :2], axis=1), 1)
        shared = np.prod(np.maximum(high - low, 0), axis=1) / area
        free[mine] *= np.exp(-np.where(away[their] < depth[mine], 8.0, 3.0) * shared)
    return free


def _sides(
    motion: Motion, cameras: Sequence[Camera], body: BodyModel
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(T,) cosine of the angle at which the person faces the camera, and (T,2) the side as a point on a circle."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(motion.global_orient.astype(np.float64)).as_matrix()
    root = body.from_motion(motion, vertices=False).joints[:, 0].double().numpy()
    toward = np.stack([camera.center for camera in cameras]) - root
    own = np.einsum("tji,tj->ti", turn, toward)[:, [0, 2]]  # the body's own left and front
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
    return own[:, 1], own


def _sharpness(
    video: Video, tracked: TrackedMotion, boxes: NDArray[np.float64], frames: NDArray[Any]
) -> NDArray[np.float64]:
    """(F,) how much fine detail the person's box holds in each of the take's ``frames`` (rising)."""
    import cv2

    factor = video.width / tracked.size[0]
    sharp = np.zeros(len(frames))
    for k, picture in _read(video, tracked.start + frames):
        left, top, right, bottom = np.round(boxes[frames[k]] * factor).astype(int)
        part = picture[max(top, 0):max(bottom, 0), max(left, 0):max(right, 0)]
        if part.size:
            sharp[k] = float(np.abs(cv2.Laplacian(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), cv2.CV_32F)).mean())
    return sharp


def _read(video: Video, numbers: NDArray[Any]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The frames of these rising numbers with their place among them."""
    wanted = {int(number): k for k, number in enumerate(numbers)}
    for number, picture in enumerate(video.read(int(numbers[0])), int(numbers[0])):
        if number in wanted:
            yield wanted[number], picture
        if number >= numbers[-1]:
            return


def _view(
    picture: NDArray[np.uint8], tracked: TrackedMotion, frame: int, body: BodyModel, others: Sequence[TrackedMotion],
    detector: Detector,
) -> View | None:
    """The frame with the person cut out; None when that fails."""
    from humanav.avatar.gaussian.frames import resized
    from humanav.avatar.views import View
    from humanav.perception.guided import guided_matte, overlap

    camera = resized(tracked.cameras[frame], picture.shape[1], picture.shape[0])
    own = _outline(tracked, frame, camera, body)
    if int(own.sum()) < 200:
        return None
    around = np.zeros_like(own)
    for other in others:
        place = tracked.start + frame - other.start
        if 0 <= place < len(other.motion):
            around |= _outline(other, place, camera, body)
    alpha, _ = guided_matte(picture, own, detector, others=around if around.any() else None,
                            max_people=1 + len(others))
    if overlap(alpha > 0.5, own) < _LEAST_OVERLAP:
        return None
    return View(picture, alpha, camera, tracked.motion[frame:frame + 1])


def _outline(tracked: TrackedMotion, frame: int, camera: Camera, body: BodyModel) -> NDArray[np.bool_]:
    from humanav.render import silhouette

    vertices = body.from_motion(tracked.motion, slice(frame, frame + 1)).vertices
    assert vertices is not None
    return silhouette(vertices[0], body.faces, camera)
