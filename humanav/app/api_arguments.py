"""What callers of the API give, held against what its functions say they take: Gradio does not look."""

from __future__ import annotations

import functools
import inspect
import math
import types
from collections.abc import Callable, Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from humanav.errors import InputError

_KINDS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    bool: ("true or false", lambda value: isinstance(value, bool)),
    str: ("a text", lambda value: isinstance(value, str)),
    int: ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    float: ("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool)
            and math.isfinite(value)),
}


def checked(function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """The function, which raises InputError for a value that is not of its parameter's type.

    Files are let through, as they are looked at where they are fetched; so is None for what may be left out.
    """
    signature, hints = inspect.signature(function), get_type_hints(function)

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Iterator[Any]:
        for name, value in signature.bind(*arguments, **named).arguments.items():
            optional = signature.parameters[name].default is None
            if not (_fits(value, hints[name]) or (optional and value is None)):
                raise InputError(f"{name} cannot be {repr(value)[:40]}: give {_words(hints[name])}.")
        yield from function(*arguments, **named)

    return run


def _fits(value: Any, hint: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return value in parts
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is list and get_origin(parts[0]) is Literal:
        return isinstance(value, list) and all(_fits(item, parts[0]) for item in value)
    if hint is type(None) or hint not in _KINDS:
        return (value is None) == (hint is type(None))
    return _KINDS[hint][1](value)


def _words(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"one of {', '.join(str(part) or 'nothing' for part in parts)}"
    if origin in (Union, types.UnionType):
        return f"{_words(parts[0])}, or nothing"
    if origin is list:
        return "a list of files" if get_origin(parts[0]) is not Literal else f"a list of {_words(parts[0])[7:]}"
    return _KINDS[hint][0] if hint in _KINDS else "a file"
