"""Which camera of a calibration each video is of, by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Tokens = tuple[str, ...]


def matched_names(videos: Sequence[str], cameras: Sequence[str]) -> dict[str, str]:
    """Video to camera, for those that belong together beyond doubt.

    Tried in this order: the same name; the same without case and signs; one name inside the other (``hd_00_03`` and
    ``00_03``); the same numbers (``port_2`` and ``cam_2``); the same last number. The first way that serves all videos
    is taken, else the one that serves most.
    """
    ways: tuple[Callable[[str, str], bool], ...] = (
        lambda video, camera: video == camera,
        lambda video, camera: _tokens(video) == _tokens(camera),
        lambda video, camera: _inside(_tokens(camera), _tokens(video)) or _inside(_tokens(video), _tokens(camera)),
        lambda video, camera: bool(_numbers(video)) and _numbers(video) == _numbers(camera),
        lambda video, camera: bool(_numbers(video)) and _numbers(video)[-1:] == _numbers(camera)[-1:])
    best: dict[str, str] = {}
    for way in ways:
        pairs = [(video, camera) for video in videos for camera in cameras if way(video, camera)]
        firsts, seconds = [video for video, _ in pairs], [camera for _, camera in pairs]
        found = {video: camera for video, camera in pairs if firsts.count(video) == 1 == seconds.count(camera)}
        if len(found) > len(best):
            best = found
        if len(best) == len(videos):
            break
    return best


def _tokens(name: str) -> Tokens:
    """Words and numbers, without case, signs and leading zeros."""
    return tuple(str(int(part)) if part.isdecimal() else part for part in re.findall(r"[0-9]+|[^\W\d_]+", name.lower()))


def _numbers(name: str) -> Tokens:
    return tuple(part for part in _tokens(name) if part.isdecimal())


def _inside(small: Tokens, large: Tokens) -> bool:
    return bool(small) and any(large[k:k + len(small)] == small for k in range(len(large) - len(small) + 1))
