"""What callers of the API give is held against the functions' types, and told in a sentence that says what to give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

from humanav.app import api
from humanav.app.api_arguments import _words, checked
from humanav.errors import InputError

REQUEST: Any = type("Request", (), {"session_hash": "somebody", "headers": {}})()


@pytest.mark.parametrize(("function", "asked", "said"), [
    (api.make_avatar, {"photo": None}, "photo cannot be None: give a file"),
    (api.make_avatar, {"photo": {}, "kind": "best"}, "kind cannot be 'best': give one of mesh, gaussian"),
    (api.make_avatar, {"photo": {}, "posture": "sits"}, "posture cannot be 'sits': give one of from_photo, on_both"),
    (api.make_avatar, {"photo": {}, "flip_limbs": "left_arm"}, "'left_arm': give a list of left_arm, right_arm"),
    (api.make_avatar, {"photo": {}, "height": "1.7"}, "height cannot be '1.7': give a number, or nothing"),
    (api.make_avatar, {"photo": {}, "height": float("nan")}, "height cannot be nan"),
    (api.make_avatar, {"photo": {}, "swap_sides": "no"}, "swap_sides cannot be 'no': give true or false"),
    (api.random_poses, {"count": True}, "count cannot be True: give a whole number"),
    (api.random_poses, {"seed": 1.5}, "seed cannot be 1.5: give a whole number"),
    (api.clean_motion, {"motion": 7}, "motion cannot be 7: give a text"),
    (api.reconstruct_capture, {"files": [], "unit": "yard"}, "give one of nothing, m, cm"),
])
def test_a_value_of_another_type_is_told(function: Callable[..., Any], asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        list(checked(function)(**asked, request=REQUEST))
    assert said in str(caught.value)


def test_what_fits_goes_through() -> None:
    seen: list[Any] = []

    def function(files: list[str], mode: str = "fast", end: float | None = None) -> Any:
        seen.append((files, mode, end))
        yield {}

    assert list(checked(function)(["a"], end=3)) == [{}]
    assert seen == [(["a"], "fast", 3)]


def test_every_type_has_its_words() -> None:
    for function in (*api.JOBS, *api.QUESTIONS):
        for name, hint in get_type_hints(function).items():
            assert name in ("request", "return") or _words(hint)
