"""People by MediaPipe's Holistic and Pose solutions, whose models come inside the wheel (no download)."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.errors import ImageError
from humanav.perception.person import Person2D

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]

WORK_SIDE = 960
"""The networks see 256-pixel crops: more input pixels cost time and move keypoints by less than their noise."""
SEARCH_SIDE = 480
_LEFT_WRIST, _RIGHT_WRIST, _LEFT_ELBOW, _RIGHT_ELBOW = 15, 16, 13, 14
_TORSO = (11, 12, 23, 24)
_stderr_lock = threading.Lock()


class MediapipeDetector:
    """Finds people with MediaPipe: 33 BlazePose landmarks, hands, face mesh, soft mask, rough 3D.

    The networks keep state and belong to the thread that made them: one detector per job, used as a context manager.
    They are built on first use.

    Args:
        min_confidence: of the person detector, 0..1.
    """

    name = "mediapipe"

    def __init__(self, min_confidence: float = 0.5) -> None:
        self._min_confidence = min_confidence
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
        person = self._detect_one(image)
        return [person] if person is not None else []

    def track(self, frames: Iterable[Pixels]) -> Iterator[list[Person2D]]:
        """The one person of a video, followed from frame to frame; an empty list where nobody is seen.

        Args:
            frames: uint8 RGB images (H,W,3) of one size, in order.
        """
        graph = self._build("holistic", static=False)
        try:
            for frame in frames:
                person = self._run(graph, _checked(frame))
                yield [] if person is None else [replace(person, track_id=0)]
        finally:
            graph.close()

    def _detect_one(self, image: Pixels) -> Person2D | None:
        """The retry ladder: as it is, with a border of 25 %, of 50 %, then with a lower threshold."""
        person = self._run(self._graph("holistic"), image)
        for share in (0.25, 0.5):
            if person is not None:
                return person
            person = self._run_padded(self._graph("holistic"), image, share)
        if person is None:
            person = self._run_padded(self._graph("holistic", confidence=0.3), image, 0.25)
            if person is not None and not plausible(person):
                return None
        return person

    def _run_padded(self, graph: Any, image: Pixels, share: float) -> Person2D | None:
        height, width = image.shape[:2]
        pad = round(share * max(height, width))
        padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        person = self._run(graph, np.asarray(padded, dtype=np.uint8))
        return None if person is None else shifted(person, -pad, -pad, (height, width))

    def _graph(self, kind: str, confidence: float | None = None) -> Any:
        confidence = self._min_confidence if confidence is None else confidence
        key = f"{kind}-{confidence}"
        if self._thread not in (None, threading.get_ident()):
            raise RuntimeError("A MediapipeDetector belongs to the thread that first used it: make one per thread.")
        if key not in self._graphs:
            self._thread = threading.get_ident()
            self._graphs[key] = self._build(kind, True, confidence)
        return self._graphs[key]

    def _build(self, kind: str, static: bool, confidence: float | None = None) -> Any:
        confidence = self._min_confidence if confidence is None else confidence
        with quiet_stderr():
            from mediapipe.python.solutions import holistic, pose

            options: dict[str, Any] = {"static_image_mode": static, "model_complexity": 1, "enable_segmentation": True,
                                       "min_detection_confidence": confidence, "min_tracking_confidence": 0.5}
            if kind == "holistic":
                return holistic.Holistic(**options, refine_face_landmarks=True)
            return pose.Pose(**options)

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


def assign_hands(hands: list[Array], keypoints: Array) -> tuple[Array | None, Array | None]:
    """Give each found hand (21,3) to the wrist it lies at: (left, right) of the person, None where there is none.

    A hand farther from its wrist than a forearm's half is taken for a mistake and dropped.
    """
    best: dict[int, tuple[float, Array]] = {}
    for hand in hands:
        distances = [float(np.linalg.norm(hand[0, :2] - keypoints[w, :2])) for w in (_LEFT_WRIST, _RIGHT_WRIST)]
        side = int(distances[1] < distances[0])
        wrist, elbow = ((_LEFT_WRIST, _LEFT_ELBOW), (_RIGHT_WRIST, _RIGHT_ELBOW))[side]
        forearm = float(np.linalg.norm(keypoints[wrist, :2] - keypoints[elbow, :2]))
        size = float(np.linalg.norm(hand[9, :2] - hand[0, :2]))
        if distances[side] > max(0.5 * forearm, 0.8 * size):
            continue
        if side not in best or distances[side] < best[side][0]:
            best[side] = (distances[side], hand)
    return (best[0][1] if 0 in best else None), (best[1][1] if 1 in best else None)


def person_box(keypoints: Array, mask: Array | None, width: int, height: int) -> Array:
    """(4,) x0, y0, x1, y1 round the trusted keypoints inside the frame and the mask."""
    trusted = keypoints[inside_frame(keypoints, width, height) & (keypoints[:, 2] > 0.3)]
    points = trusted[:, :2] if len(trusted) else np.clip(keypoints[:, :2], 0, [width, height])
    low, high = points.min(axis=0), points.max(axis=0)
    if mask is not None:
        ys, xs = np.nonzero(mask > 0.5)
        if len(xs):
            low = np.minimum(low, [np.percentile(xs, 0.1), np.percentile(ys, 0.1)])
            high = np.maximum(high, [np.percentile(xs, 99.9) + 1, np.percentile(ys, 99.9) + 1])
    return np.array([*low, *high], dtype=np.float32)


def inside_frame(keypoints: Array, width: int, height: int) -> NDArray[np.bool_]:
    """(K,) which keypoints lie inside a ``width`` x ``height`` picture."""
    x, y = keypoints[:, 0], keypoints[:, 1]
    inside: NDArray[np.bool_] = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return inside


def plausible(person: Person2D) -> bool:
    """Whether a weak detection looks like a person: torso in the mask, limbs of sane length."""
    k = person.keypoints
    torso = float(np.linalg.norm(k[[11, 12], :2].mean(axis=0) - k[[23, 24], :2].mean(axis=0)))
    shoulders = float(np.linalg.norm(k[11, :2] - k[12, :2]))
    if max(torso, shoulders) < 8:
        return False
    unit = max(torso, 1.2 * shoulders)
    for a, b in ((11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26), (26, 28)):
        if float(np.linalg.norm(k[a, :2] - k[b, :2])) > 1.6 * unit:
            return False
    if person.mask is not None:
        height, width = person.mask.shape
        points = k[[*_TORSO, 0], :2].astype(int)
        seen = points[(points >= 0).all(axis=1) & (points[:, 0] < width) & (points[:, 1] < height)]
        if len(seen) == 0 or float((person.mask[seen[:, 1], seen[:, 0]] > 0.5).mean()) < 0.6:
            return False
    return bool(k[list(_TORSO), 2].mean() > 0.5)


def shifted(person: Person2D, dx: float, dy: float, shape: tuple[int, int]) -> Person2D:
    """The person moved by (dx, dy) pixels into an image of ``shape`` (height, width); the mask is cut or filled."""

    def move(points: Array | None) -> Array | None:
        return None if points is None else (points + np.array([dx, dy, 0], dtype=np.float32))

    mask = None
    if person.mask is not None:
        matrix = np.array([[1, 0, dx], [0, 1, dy]], dtype=np.float32)
        mask = np.asarray(cv2.warpAffine(person.mask, matrix, (shape[1], shape[0]), flags=cv2.INTER_NEAREST),
                          dtype=np.float32)
    keypoints = move(person.keypoints)
    assert keypoints is not None
    return replace(person, keypoints=keypoints, box=person_box(keypoints, mask, shape[1], shape[0]), mask=mask,
                   left_hand=move(person.left_hand), right_hand=move(person.right_hand), face=move(person.face))


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
