"""``name=value`` words to the checked options of a job."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from humanav.batch.kinds import Kind
from humanav.errors import InputError

_NONE = ("none", "")
_YES, _NO = ("true", "yes", "1", "on"), ("false", "no", "0", "off")


def option_names(kind: Kind) -> list[str]:
    """The options that a batch of this kind takes."""
    own = [item.name for item in fields(kind.options()) if item.name not in kind.left_out]
    return [*(name for name, _ in kind.extra), *own]


def read_options(kind: Kind, words: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Options of a job from ``["height=1.8", ...]`` or {name: value}; names may have hyphens.

    Raises:
        InputError: an option that the job does not have, a value of another kind, or one out of range.
        MotionFileError: the motion is a file that cannot be used.
    """
    known, hints = option_names(kind), get_type_hints(kind.options())
    found: dict[str, Any] = dict(kind.extra)
    for name, value in _pairs(words):
        name = dict(kind.also).get(name.replace("-", "_"), name.replace("-", "_"))
        if name not in known:
            raise InputError(f"The job {kind.name} has no option {name!r}: it has {', '.join(known)}.")
        found[name] = _value(name, value, hints.get(name, str)) if isinstance(value, str) else value
    extra = {name for name, _ in kind.extra}
    kind.options()(**{name: value for name, value in found.items() if name not in extra})  # its own checks
    return found if kind.check is None else kind.check(found)


def _pairs(words: Sequence[str] | Mapping[str, Any]) -> list[tuple[str, Any]]:
    if isinstance(words, Mapping):
        return list(words.items())
    pairs = []
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.strip():
            raise InputError(f"--option {word} is no name and value: write it as name=value, such as height=1.75.")
        pairs.append((name.strip(), value.strip()))
    return pairs


def _value(name: str, text: str, hint: Any) -> Any:
    """``text`` as the type that ``hint`` says. Raises InputError when it is none."""
    for kind in _alternatives(hint):
        try:
            return _as(text, kind)
        except ValueError:
            continue
    raise InputError(f"The option {name} cannot be {text!r}: it takes {_words(hint)}.")


def _alternatives(hint: Any) -> list[Any]:
    """The types of a union; text last, because everything is text."""
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return sorted(parts, key=lambda part: part is str)


def _as(text: str, kind: Any) -> Any:
    if kind is type(None):
        if text.lower() in _NONE:
            return None
        raise ValueError
    if kind is bool:
        if text.lower() in (*_YES, *_NO):
            return text.lower() in _YES
        raise ValueError
    if get_origin(kind) is Literal:
        if text in get_args(kind):
            return text
        raise ValueError
    if get_origin(kind) is tuple:
        one = get_args(kind)[0]
        return tuple(_as(part.strip(), one) for part in text.split(",") if part.strip())
    if kind in (int, float, str):
        return kind(text)
    raise ValueError


def _words(hint: Any) -> str:
    said = []
    for kind in _alternatives(hint):
        if get_origin(kind) is Literal:
            said += [str(value) for value in get_args(kind)]
        elif get_origin(kind) is tuple:
            said.append("words with commas" if get_args(kind)[0] is str else "numbers with commas")
        else:
            said.append({bool: "yes or no", int: "a whole number", float: "a number", str: "text"}.get(kind, "none"))
    return " or ".join(said)
