"""Fuzz cases: what is typed into the page or sent to it, and options that callers give."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from _app_fuzz_common import Case, made

ODD = (math.nan, math.inf, -math.inf, -1.0, 1e300, -1e-300)
TYPED = ("nan", "inf", "-1", "1e999", "abc", "9" * 400, "\u0661\u0667\u0664", "1_0", "0x10", "'; DROP TABLE",
         "<b>1</b>",
         "\x00", "1\n2", "--5", "1.7.4", "5'99999999999", "0", "174 km", "٣ m", "²")


def numbers() -> Iterator[Case]:
    """All of them."""
    yield from _options()
    yield from _typed()
    yield from _drawn()


def _case(title: str, call: Callable[[], Any], wants: Any = "refuse") -> Case:
    return Case(title, made(lambda folder: None), lambda source, out: call(), wants)


def _options() -> Iterator[Case]:
    """The options of each job with numbers that are none."""
    from humanav.jobs import (
        DenoiseOptions,
        GaussianOptions,
        MultiviewOptions,
        PhotoOptions,
        PoseChoice,
        TrackOptions,
        UpliftOptions,
    )
    from humanav.jobs.shape import find_shape

    kinds: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (PhotoOptions, ("height", "texture_size")), (TrackOptions, ("fps", "start", "height", "camera_height")),
        (DenoiseOptions, ("amount", "strength", "start")), (UpliftOptions, ("fps", "start")),
        (MultiviewOptions, ("height", "focal", "start", "end", "fps")), (GaussianOptions, ("minutes",)))
    for kind, names in kinds:
        for name in names:
            for value in ODD:
                yield _case(f"option {kind.__name__} {name} {value:g}", lambda kind=kind, name=name, value=value:
                            kind(**{name: value}), "any" if abs(value) in (1e300, 1e-300) or (
                                name in ("end", "start") and value == math.inf) else "refuse")
    for value in ODD:
        yield _case(f"option pose moment {value:g}", lambda value=value: PoseChoice("walk", value),
                    "any" if value == -1e-300 else "refuse")
        yield _case(f"option body height {value:g}", lambda value=value: find_shape({"height length": value}))
        yield _case(f"option board {value:g}", lambda value=value: MultiviewOptions(board=f"7x4:{value}"), "any")
    for value in ("", "7", "7x", "x4", "7x4:", "0x0", "-7x-4", "9999999x9999999", "7x4:nan", "7x4:-1", "axb", "7x4x3"):
        yield _case(f"option board {value!r}", lambda value=value: _board(value), "any" if value == "9999999x9999999"
                    else "refuse")


def _board(value: str) -> Any:
    from humanav.multiview.boards import named_board

    return named_board(value)


def _typed() -> Iterator[Case]:
    """Words in the boxes of the page."""
    from humanav.app.photo_pieces import parse_height
    from humanav.app.track_pieces import parse_number
    from humanav.app.uplift_pieces import camera_of, parse_names, parse_size
    from humanav.jobs import PhotoOptions

    for words in TYPED:
        yield _case(f"typed height {words[:20]!r}", lambda words=words: PhotoOptions(height=parse_height(words)),
                    "any" if words.isdigit() and not words.isascii() else "refuse")
        yield _case(f"typed number {words[:20]!r}", lambda words=words: parse_number(words, "frame rate"),
                    "any" if words in ("\u0661\u0667\u0664", "1_0") else "refuse")
        yield _case(f"typed size {words[:20]!r}", lambda words=words: parse_size(words),
                    "any" if words == "1\n2" else "refuse")
        yield _case(f"typed names {words[:20]!r}", lambda words=words: parse_names(words), "any")
    for value in ODD:
        yield _case(f"typed focal {value:g}", lambda value=value: camera_of(value, (640, 480)),
                    "any" if value == 1e300 else "refuse")


def _drawn() -> Iterator[Case]:
    """What the editor of skeletons sends, when it is not the editor that sends it."""
    from humanav.app.skeleton_editor import read_request

    points = [[100.0 + 3 * k, 100.0 + 5 * k, 1.0] for k in range(33)]
    good = {"points": points, "width": 640, "height": 480, "focal": None, "betas": None}
    for number, change in enumerate((
            {"points": None}, {"points": []}, {"points": "x"}, {"points": [[1, 2, 3]] * 5},
            {"points": [["a", 2, 3]] * 33},
            {"points": [[math.nan, 2, 3]] * 33}, {"points": [[1e300, 2, 3]] * 33}, {"points": [[1, 2]] * 33},
            {"points": [[[1], 2, 3]] * 33}, {"points": {"a": 1}}, {"points": [[10**400, 1, 1]] * 33}, {"width": 0},
            {"width": -5}, {"width": math.nan}, {"width": math.inf}, {"width": "x"}, {"width": 10**30},
            {"height": None},
            {"height": []}, {"focal": "x"}, {"focal": math.nan}, {"focal": -1}, {"focal": 1e300}, {"betas": "x"},
            {"betas": [math.nan]}, {"betas": [[1]]}, {"betas": [1e300]}, {"betas": {"a": 1}}, {"betas": [0.0] * 9999},
            {"points": [[1, 2, 3]] * 999_999}, {"points": [[[[[1]]]]] * 33})):
        yield _case(f"drawing {number}", lambda change=change: _lifted(read_request(good | change)),
                    "any" if number in (25, 28) else "refuse")
    for value in (None, 3, [], "x", {}):
        yield _case(f"drawing that is {value!r}", lambda value=value: read_request(value))
    yield _case("drawing", lambda: _lifted(read_request(good)), "read")


def _lifted(drawing: Any) -> Any:
    from humanav.jobs.drawn_pose import lift_drawing

    return lift_drawing(drawing)
