"""People by rtmlib (RTMPose on YOLOX boxes), an opt-in: several people at once, keypoints only.

Its networks are ONNX files. They are taken from the paths given, from the files that the environment's
``HUMANAV_RTMLIB_DET`` and ``HUMANAV_RTMLIB_POSE`` name, or from rtmlib's own cache; rtmlib downloads them into it only
when that is allowed (``download=True``, or ``HUMANAV_DOWNLOAD=1``).
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import ImageError, InputError, MissingExtraError
from humanav.perception.people import visible_area
from humanav.perception.person import Person2D

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Mode = Literal["lightweight", "balanced", "performance"]

HOW = "pip install onnxruntime; pip install --no-deps rtmlib"
_MOST_PEOPLE = 8
_LEAST_SCORE = 0.3
_SURE = 0.1  # confidence below which a point does not count for the box
# of the 133 points of COCO-WholeBody: body, feet, face, hands
_BODY, _FACE, _LEFT_HAND, _RIGHT_HAND = slice(0, 17), slice(23, 91), slice(91, 112), slice(112, 133)
_FEET = ("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel")


class RtmlibDetector:
    """Finds people with rtmlib: COCO-17, Halpe-26 or, with hands and face, COCO-WholeBody points, as the pose network
    has them; no mask and no 3D.

    Args:
        det, pose: ONNX files of the box and of the pose network.
        mode: size of the networks where no files are given.
        download: allow rtmlib to download them; by default as the environment says.
        device: "cpu", "cuda" or "mps".

    Raises:
        MissingExtraError: rtmlib or onnxruntime is not installed, or networks are missing and must not be downloaded.
        InputError: a file is no such network.
    """

    name = "rtmlib"

    def __init__(
        self, det: str | Path | None = None, pose: str | Path | None = None, mode: Mode = "balanced",
        download: bool | None = None, device: str = "cpu",
    ) -> None:
        try:
            import onnxruntime  # noqa: F401  # rtmlib asks for it only when a network is loaded
            import rtmlib
        except ImportError as error:
            raise MissingExtraError(f"The detector 'rtmlib' is not installed. Install it with {HOW}.") from error
        allowed = os.environ.get("HUMANAV_DOWNLOAD") == "1" if download is None else download
        sizes = rtmlib.BodyWithFeet.MODE[mode]
        self._det: Any = _network(rtmlib.YOLOX, det, "DET", sizes["det"], allowed, device)
        self._pose: Any = _network(rtmlib.RTMPose, pose, "POSE", sizes["pose"], allowed, device)
        # YOLOX takes (height, width), RTMPose (width, height)
        self._det.model_input_size = _side(self._det, sizes["det_input_size"])[::-1]
        self._pose.model_input_size = _side(self._pose, sizes["pose_input_size"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the networks' memory; calling it twice is harmless."""
        self._det = self._pose = None

    def detect(self, image: Pixels, max_people: int = 1) -> list[Person2D]:
        """People in one RGB image (H,W,3), the largest first; empty when there is nobody. Coordinates in its pixels."""
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ImageError("The detector needs an RGB picture of bytes (height, width, 3): read it with load_image.")
        blue_first = np.ascontiguousarray(image[..., ::-1])
        boxes = np.asarray(self._det(blue_first), dtype=np.float64).reshape(-1, 4)
        if not len(boxes):  # the pose network would take the whole picture for a person
            return []
        area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
        boxes = boxes[np.argsort(-area)[:max(max_people, _MOST_PEOPLE)]]
        points, scores = self._pose(blue_first, bboxes=boxes)
        found = np.concatenate([points, np.clip(scores, 0, 1)[..., None]], axis=-1).astype(np.float32)
        people = [_person(one, image.shape[1], image.shape[0]) for one in found]
        people = [person for person in people if person.score >= _LEAST_SCORE]
        return sorted(people, key=visible_area, reverse=True)[:max_people]

    def track(self, frames: Iterable[Pixels], body_only: bool = False) -> Iterator[list[Person2D]]:
        """The people in each frame, the largest first; :func:`humanav.perception.follow_people.follow_people` tells who
        is who."""
        for frame in frames:
            yield self.detect(frame, _MOST_PEOPLE)


def _person(found: Array, width: int, height: int) -> Person2D:
    """A person from the points (K,3) of a network with 17, 26 or 133 of them."""
    left = right = face = None
    if len(found) == 133:
        layout, body = "halpe26", np.zeros((26, 3), dtype=np.float32)
        names = KEYPOINT_SETS[layout]
        body[:17] = found[_BODY]
        for number, name in enumerate(_FEET):
            body[names.index(name)] = found[17 + number]
        for name, joint in (("neck", "shoulder"), ("pelvis", "hip")):
            pair = body[[names.index(f"left_{joint}"), names.index(f"right_{joint}")]]
            body[names.index(name)] = [*pair[:, :2].mean(axis=0), pair[:, 2].min()]
        left, right, face = (found[part] if found[part, 2].mean() > _LEAST_SCORE else None
                             for part in (_LEFT_HAND, _RIGHT_HAND, _FACE))
    elif len(found) in (17, 26):
        layout, body = ("coco17", "halpe26")[len(found) == 26], found
    else:
        raise InputError(f"The pose network gives {len(found)} keypoints: one with 17 (COCO), 26 (Halpe) or 133 "
                         "(COCO-WholeBody) is needed.")
    sure = body[body[:, 2] > _SURE, :2] if (body[:, 2] > _SURE).any() else body[:, :2]
    low, high = sure.min(axis=0), sure.max(axis=0)
    around = 0.05 * float((high - low).max())
    box = np.clip([*(low - around), *(high + around)], 0, [width, height, width, height]).astype(np.float32)
    return Person2D(body, layout, box, float(body[:17, 2].mean()), left_hand=left, right_hand=right, face=face)


def _network(kind: Any, given: str | Path | None, part: str, address: str, allowed: bool, device: str) -> Any:
    named = given or os.environ.get(f"HUMANAV_RTMLIB_{part}")
    if named is not None:
        file = Path(named)
        if not file.is_file():
            raise InputError(f"There is no network {file.name}: check the path of rtmlib's {part.lower()} model.")
    else:
        file = cached(address)
        if not file.is_file() and not allowed:
            raise MissingExtraError(
                "The networks of rtmlib are not here: name their ONNX files in HUMANAV_RTMLIB_DET and "
                "HUMANAV_RTMLIB_POSE, or set HUMANAV_DOWNLOAD=1 to let rtmlib download them.")
    source = str(file) if file.is_file() else address
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # rtmlib prints what it loads
            return kind(source, backend="onnxruntime", device=device)
    except Exception as error:  # onnxruntime and the download raise many kinds
        raise InputError(f"The network {Path(source).name} cannot be loaded: download it again.") from error


def cached(address: str) -> Path:
    """Where rtmlib keeps the network of this address."""
    from rtmlib.tools.file import _get_rtmhub_dir

    return Path(_get_rtmhub_dir()) / "checkpoints" / (address.rsplit("/", 1)[-1].split(".")[0] + ".onnx")


def _side(tool: Any, usual: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of a network's input."""
    *_, height, width = tool.session.get_inputs()[0].shape
    return (width, height) if isinstance(width, int) and isinstance(height, int) else (usual[0], usual[1])
