"""People by MediaPipe's Holistic and Pose solutions, whose models come inside the wheel (no download)."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.errors import ImageError
from humanav.perception.mediapipe_heavy import MEDIUM, best_complexity
from humanav.perception.people import (
    TORSO,
    agree,
    assign_hands,
    averaged,
    inside_frame,
    moved,
    paint_out,
    person_box,
    plausible,
    same_person,
    side_evidence,
    swap_sides,
    transformed,
    unmirrored,
    visible_area,
)
from humanav.perception.person import Person2D

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]

WORK_SIDE = 960
"""The networks see 256-pixel crops: more input pixels cost time and move keypoints by less than their noise."""
SEARCH_SIDE = 480
"""Further people are searched for at this size, with the pose network alone."""
MIN_SHARE = 0.15
"""Further people smaller than this share of the picture's longer side are bystanders and not reported."""
LOOK_SIDE = 640
_LOOKS = ((0, True), (10, False), (-10, False), (10, True))  # degrees, mirrored
_stderr_lock = threading.Lock()


class MediapipeDetector:
    """Finds people with MediaPipe: 33 BlazePose landmarks, hands, face mesh, soft mask, rough 3D.

    The networks keep state and belong to the thread that made them: one detector per job, used as a context manager.
    They are built on first use.

    Args:
        min_confidence: of the person detector, 0..1.
        looks: how many more looks (mirrored, tilted) a photo gets; keypoints, mask and 3D are their mean. Four lower
            the keypoint error by a tenth and mend many a mask, for about 0.2 s.
        heavy: follow people through clips with the larger network, where it is found
            (:mod:`humanav.perception.mediapipe_heavy`).
    """

    name = "mediapipe"

    def __init__(self, min_confidence: float = 0.5, looks: int = 4, heavy: bool = True) -> None:
        self._min_confidence, self._looks, self._heavy = min_confidence, looks, heavy
        self._graphs: dict[str, Any] = {}
        self._quieted: set[Any] = set()  # graphs whose first run, the chatty one, is over
        self._thread: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the networks' memory; calling it twice is harmless."""
        graphs, self._graphs = self._graphs, {}
        self._quieted.clear()
        for graph in graphs.values():
            graph.close()

    def detect(self, image: Pixels, max_people: int = 1) -> list[Person2D]:
        """People in one RGB image, the largest first.

        Args:
            image: uint8 (H,W,3).
            max_people: with more than 1, further people are searched for.

        Returns:
            Persons with keypoints, hands, face and mask in pixels of ``image``; empty when there is nobody.
        """
        image = _checked(image)
        first = self._detect_one(image)
        if first is None:
            return []
        people = self._search_more(image, first, max_people) if max_people > 1 else [self._look_again(image, first)]
        return [_mended(person) for person in sorted(people, key=visible_area, reverse=True)]

    def track(self, frames: Iterable[Pixels], body_only: bool = False) -> Iterator[list[Person2D]]:
        """The one person of a video, followed from frame to frame; an empty list where nobody is seen.

        Args:
            frames: uint8 RGB images (H,W,3) of one size, in order.
            body_only: no hands, face and mask; the same landmarks in a third of the time.
        """
        graph = self._build("body" if body_only else "holistic", static=False)
        try:
            for frame in frames:
                person = self._run(graph, _checked(frame))
                yield [] if person is None else [replace(person, track_id=0)]
        finally:
            graph.close()

    def search(self, image: Pixels, known: Sequence[Person2D] = (), max_people: int = 1,
               work_side: int = SEARCH_SIDE) -> list[Person2D]:
        """Further people in an RGB image (H,W,3) beside the ``known`` ones, by the pose network alone.

        Args:
            known: people in the same image, with masks; they are painted out.
            max_people: how many more are looked for.
            work_side: longer side in pixels at which they are.

        Returns:
            Persons with keypoints, mask and 3D in pixels of ``image``, in the order in which they were found.
        """
        height, width = _checked(image).shape[:2]
        factor = min(1.0, work_side / max(height, width))
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        painted = np.zeros(small.shape[:2], dtype=bool)
        for person in known:
            painted |= _covered(moved(person, 0, 0, (size[1], size[0]), factor))
        found: list[Person2D] = []
        while len(found) < max_people:
            more = self._run(self._graph("pose"), paint_out(small, painted), work_side)
            if more is None or not _is_new(more, painted):
                break
            painted |= _covered(more)
            found.append(moved(more, 0, 0, (height, width), 1 / factor))
        return found

    def session(self, full: bool = False, masks: bool = True) -> TrackingSession:
        """A tracker of one person to be fed frame by frame; it has its own networks and is closed by the caller.

        Args:
            full: with hands and face, and a second look in a mirror, at three times the time.
            masks: with a mask; with ``full`` there always is one.
        """
        return TrackingSession(self, "holistic" if full else "pose" if masks else "body", mirror=full)

    def _detect_one(self, image: Pixels) -> Person2D | None:
        """The retry ladder: as it is, with a border of 25 %, of 50 %, with a lower threshold, then in tiles."""
        person = self._run(self._graph("holistic"), image)
        for share in (0.25, 0.5):
            if person is not None:
                return person
            person = self._run_padded(self._graph("holistic"), image, share)
        if person is None:
            person = self._run_padded(self._graph("holistic", confidence=0.3), image, 0.25)
            if person is not None and not plausible(person):
                person = None
        return self._run_tiles(image) if person is None else person

    def _run_padded(self, graph: Any, image: Pixels, share: float) -> Person2D | None:
        height, width = image.shape[:2]
        pad = round(share * max(height, width))
        padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        person = self._run(graph, np.asarray(padded, dtype=np.uint8))
        return None if person is None else moved(person, -pad, -pad, (height, width))

    def _run_tiles(self, image: Pixels) -> Person2D | None:
        """Somebody small: the pose network on overlapping tiles, then all networks round the best find."""
        height, width = image.shape[:2]
        side = round(0.45 * max(height, width))
        best: Person2D | None = None
        for y in sorted({max(0, round(f * (height - side) / 3)) for f in range(4)}):
            for x in sorted({max(0, round(f * (width - side) / 3)) for f in range(4)}):
                tile = np.ascontiguousarray(image[y:y + side, x:x + side])
                found = self._run(self._graph("pose", 0.3), tile, SEARCH_SIDE)
                if found is not None and plausible(found) and (best is None or found.score > best.score):
                    best = moved(found, x, y, (height, width))
        return None if best is None else self._look_closer(image, best, [])

    def _search_more(self, image: Pixels, first: Person2D, max_people: int) -> list[Person2D]:
        """Find, paint out, find again on a small copy; then look at each person with the others painted out."""
        people = [first, *self.search(image, [first], max_people - 1)]
        if len(people) == 1:
            return [self._look_again(image, first)]
        closer = [self._look_closer(image, person, people[:i] + people[i + 1:]) for i, person in enumerate(people)]
        return [person for person in (closer[0] or first, *closer[1:]) if person is not None]

    def _look_closer(self, image: Pixels, person: Person2D, others: list[Person2D]) -> Person2D | None:
        """All networks on the crop round ``person``, the others painted out; None when that shows somebody else."""
        height, width = image.shape[:2]
        x0, y0, x1, y1 = person.box
        margin = 0.25 * max(x1 - x0, y1 - y0)
        left, top = int(max(0, x0 - margin)), int(max(0, y0 - margin))
        right, bottom = int(min(width, x1 + margin)), int(min(height, y1 + margin))
        away = np.zeros((height, width), dtype=bool)
        own = person.mask > 0.5 if person.mask is not None else away
        for other in others:
            away |= _covered(other) & ~own
        crop = paint_out(np.ascontiguousarray(image[top:bottom, left:right]), away[top:bottom, left:right])
        found = self._run(self._graph("holistic"), crop)
        if found is None:
            return None
        if not same_person(moved(found, left, top, (height, width)), person):
            return None
        return moved(self._look_again(crop, found), left, top, (height, width))

    def _look_again(self, image: Pixels, person: Person2D) -> Person2D:
        """The mean of what the pose network says of the person upright, mirrored and tilted."""
        height, width = image.shape[:2]
        x0, y0, x1, y1 = person.box
        reach = 0.8 * max(x1 - x0, y1 - y0)
        centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        left, top = np.maximum(centre - reach, 0).astype(int)
        right, bottom = np.minimum(centre + reach, (width, height)).astype(int)
        factor = min(1.0, LOOK_SIDE / (2 * reach))
        small = cv2.resize(image[top:bottom, left:right], None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        side = max(16, round(2 * reach * factor))
        looks = [person]
        for degrees, mirror in _LOOKS[: self._looks]:
            cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
            turn = np.array([[-1 if mirror else 1, 0], [0, 1]]) @ np.array([[cos, sin], [-sin, cos]])
            shift = side / 2 - turn @ ((centre - (left, top)) * factor)
            centres = np.column_stack([turn, shift + (turn.sum(axis=1) - 1) / 2])  # pixel centres lie at halves
            view = cv2.warpAffine(small, centres, (side, side), borderMode=cv2.BORDER_REPLICATE)
            found = self._run(self._graph("pose"), np.asarray(view, dtype=np.uint8))
            if found is None:
                continue
            if mirror:
                found = swap_sides(found)
            to_image = np.column_stack([turn.T / factor, (left, top) - turn.T @ shift / factor])
            found = transformed(found, to_image, (height, width))
            if same_person(found, person):
                looks.append(found)
        return averaged(looks)

    def _graph(self, kind: str, confidence: float | None = None) -> Any:
        confidence = self._min_confidence if confidence is None else confidence
        key = f"{kind}-{confidence}"
        if self._thread not in (None, threading.get_ident()):
            raise RuntimeError("A MediapipeDetector belongs to the thread that first used it: make one per thread.")
        if key not in self._graphs:
            self._thread = threading.get_ident()
            self._graphs[key] = self._build(kind, True, confidence)
        return self._graphs[key]

    def _build(self, kind: str, static: bool, confidence: float | None = None, smooth: bool = True) -> Any:
        confidence = self._min_confidence if confidence is None else confidence
        with quiet_stderr():
            from mediapipe.python.solutions import holistic, pose

            complexity = MEDIUM if static or not self._heavy else best_complexity()
            options: dict[str, Any] = {"static_image_mode": static, "model_complexity": complexity,
                                       "enable_segmentation": kind != "body", "smooth_landmarks": smooth,
                                       "min_detection_confidence": confidence, "min_tracking_confidence": 0.5}
            if kind == "holistic":
                graph = holistic.Holistic(**options, refine_face_landmarks=True)
            else:
                graph = pose.Pose(**options)
            graph.process(np.zeros((64, 64, 3), dtype=np.uint8))  # waits for the networks, which load in other threads
        return graph

    def _run(self, graph: Any, image: Pixels, work_side: int = WORK_SIDE) -> Person2D | None:
        height, width = image.shape[:2]
        factor = min(1.0, work_side / max(height, width))
        small = image
        if factor < 1:
            size = (max(1, round(width * factor)), max(1, round(height * factor)))
            small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        with contextlib.nullcontext() if graph in self._quieted else quiet_stderr():
            result = graph.process(np.ascontiguousarray(small))
            self._quieted.add(graph)
        if result.pose_landmarks is None:
            return None
        keypoints = _pixels(result.pose_landmarks, width, height, visibility=True)
        world = None
        if result.pose_world_landmarks is not None:
            world = np.array([(p.x, p.y, p.z) for p in result.pose_world_landmarks.landmark], dtype=np.float32)
        mask = result.segmentation_mask
        if mask is not None:
            mask = np.clip(cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1).astype(np.float32)
        hands = [_pixels(found, width, height) for found in (getattr(result, "left_hand_landmarks", None),
                                                             getattr(result, "right_hand_landmarks", None))
                 if found is not None]
        left, right = assign_hands(hands, keypoints)
        face = getattr(result, "face_landmarks", None)
        inside = inside_frame(keypoints, width, height)
        return Person2D(keypoints, "blazepose33", person_box(keypoints, mask, width, height),
                        float((keypoints[:, 2] * inside)[11:].mean()), mask, world, left, right,
                        None if face is None else _pixels(face, width, height))


class TrackingSession:
    """One person followed in pictures handed over one at a time: networks that look first where the person was last.

    Landmarks are as found, not filtered over time. With ``mirror`` they are the mean of two looks, the second one at
    the mirrored picture, whose errors differ: on captured motion that lowers them by a twentieth.
    """

    def __init__(self, detector: MediapipeDetector, kind: str, mirror: bool = False) -> None:
        self._detector, self._graph = detector, detector._build(kind, static=False, smooth=False)
        self._mirror = detector._build("body", static=False, smooth=False) if mirror else None

    def look(self, image: Pixels) -> Person2D | None:
        """The person in the next picture: uint8 RGB (H,W,3), all of one size; None when nobody is seen."""
        person = self._detector._run(self._graph, image)
        if person is None or self._mirror is None:
            return person
        again = self._detector._run(self._mirror, np.ascontiguousarray(image[:, ::-1]))
        if again is None:
            return person
        again = unmirrored(again, (image.shape[0], image.shape[1]))
        return averaged([person, again]) if agree(person, again) else person

    def close(self) -> None:
        """Give back the networks' memory; calling it twice is harmless."""
        for graph in (self._graph, self._mirror):
            if graph is not None:
                self._detector._quieted.discard(graph)
                graph.close()
        self._graph = self._mirror = None


def _covered(person: Person2D) -> NDArray[np.bool_]:
    """(H,W) the pixels to paint out so that the person is not found again."""
    assert person.mask is not None
    reach = max(1, round(0.03 * float(person.box[3] - person.box[1])))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    covered: NDArray[np.bool_] = cv2.dilate((person.mask > 0.3).astype(np.uint8), kernel) > 0
    return covered


def _is_new(found: Person2D, painted: NDArray[np.bool_]) -> bool:
    """Whether a find beside painted-out people is somebody else, and no ghost in the paint."""
    height, width = painted.shape
    if not plausible(found) or max(found.box[2:] - found.box[:2]) < MIN_SHARE * max(height, width):
        return False
    assert found.mask is not None
    body = found.mask > 0.5
    points = found.keypoints[[0, *TORSO]]
    points = points[inside_frame(points, width, height)][:, :2].astype(int)
    return bool(len(points) and body.any() and painted[points[:, 1], points[:, 0]].mean() <= 0.5
                and painted[body].mean() <= 0.5)


def _mended(person: Person2D) -> Person2D:
    """Left and right exchanged back where a face seen from the front contradicts a body seen from behind."""
    return swap_sides(person) if side_evidence(person) < -0.6 else person


def _pixels(landmarks: Any, width: int, height: int, visibility: bool = False) -> Array:
    return np.array([(p.x * width, p.y * height, p.visibility if visibility else 1.0) for p in landmarks.landmark],
                    dtype=np.float32)


def _checked(image: Pixels) -> Pixels:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError("The detector needs an RGB picture of bytes (height, width, 3): read it with load_image.")
    return image


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Silence what C++ libraries write to the process's error stream while their graphs load."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _stderr_lock:
        try:
            saved = os.dup(2)
        except OSError:  # no error stream at all
            yield
            return
        sink = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(sink, 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(sink)
