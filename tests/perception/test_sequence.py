"""The value of keypoints over time."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.perception import KeypointSequence


def _points(frames: int = 4, count: int = 17) -> np.ndarray:
    points = np.random.default_rng(0).uniform(1, 99, (frames, count, 3)).astype(np.float32)
    points[..., 2] = 1
    points[1:2, 3] = 0
    return points


def test_it_names_its_points_and_knows_which_were_seen() -> None:
    sequence = KeypointSequence(_points(), "coco17", 30, 100, 80)
    assert len(sequence) == 4
    assert sequence.names[0] == "nose"
    assert sequence.seen.sum() == 4 * 17 - 1
    assert not sequence.seen[1, 3]
    assert len(sequence[1:3]) == 2
    assert len(sequence[-1]) == 1
    np.testing.assert_array_equal(sequence[-1].keypoints[0], sequence.keypoints[-1])


@pytest.mark.parametrize(("changes", "words"), [
    ({"keypoint_set": "coco99"}, "known: "),
    ({"keypoints": _points(count=16)}, r"\(frames, 17, 3\)"),
    ({"keypoints": np.zeros((0, 17, 3))}, r"\(frames, 17, 3\)"),
    ({"keypoints": np.full((2, 17, 3), np.nan)}, "confidence 0"),
    ({"fps": 0}, "frame rate"),
    ({"width": 0}, "picture size"),
])
def test_what_is_wrong_is_said_in_a_sentence(changes: dict[str, object], words: str) -> None:
    good = {"keypoints": _points(), "keypoint_set": "coco17", "fps": 30, "width": 100, "height": 80}
    with pytest.raises(InputError, match=words):
        KeypointSequence(**(good | changes))  # type: ignore[arg-type]
