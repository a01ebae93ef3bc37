"""A :class:`Record` says whose a result is and what was asked for; it lies beside the result, never in it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import socket
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from humanav.errors import InputError

State = Literal["running", "done", "stopped", "broken"]

_ID = re.compile(r"[a-z2-7]{26}")
_MOST_TITLE = 120
_TEXTS = ("owner", "tab", "kind", "title", "note", "worker")


@dataclass(frozen=True)
class Record:
    """One entry of a store.

    Attributes:
        id: 26 characters that nobody can guess, see :func:`id_of`.
        owner: whose, see :func:`owner_of`.
        tab: the part of the page that made it, such as ``"photo"`` or ``"denoise/clean"``; ``"api"`` for a caller
            without a page.
        kind: the kind of its result, such as ``"avatar"``.
        title: what people read; the owner may change it.
        created: seconds since 1970.
        opened: when it was last asked for, the same; it is kept for a time after that.
        state: whether it is being made, is there, was stopped by its owner or an error, or broke off with the program.
        values: what the inputs of the page held, by name (plain JSON values); a file is ``{"file": name}``, a copy in
            the store's folder of inputs.
        note: a sentence about the state, or "".
        worker: the process that makes it, see :func:`this_process`.
        size: bytes of the result.
    """

    id: str
    owner: str
    tab: str
    kind: str
    title: str
    created: float
    opened: float
    state: State = "running"
    values: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    worker: str = ""
    size: int = 0

    def to_json(self) -> str:
        """As text; :meth:`from_json` reads it."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read the text of :meth:`to_json`. Raises InputError when it is damaged."""
        try:
            data = json.loads(text)
            known = {key: data[key] for key in (f.name for f in fields(cls)) if key in data}
            record = cls(**known)
            sound = is_id(record.id) and record.state in get_args(State) and isinstance(record.values, dict) \
                and all(isinstance(getattr(record, key), str) for key in _TEXTS) \
                and all(_is_number(getattr(record, key)) for key in ("created", "opened", "size")) \
                and isinstance(record.size, int)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise InputError("The record of this result is damaged.") from error
        if not sound:
            raise InputError("The record of this result is damaged.")
        return replace(record, title=clean_title(record.title) or clean_title(record.kind))


def _is_number(value: Any) -> bool:
    """Whether a file may hold this as seconds or bytes: a number that is not endless, from 1970 on."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**60


def new_key() -> str:
    """A key for a new visitor: 256 random bits as text."""
    return secrets.token_urlsafe(32)


def id_of(key: str, identity: str) -> str:
    """The id of a job for a visitor: 128 bits as 26 characters of a-z and 2-7.

    The same visitor asking the same question has the same id; without the key it cannot be guessed.

    Args:
        key: the visitor's key, see :func:`new_key`.
        identity: the job's content id, which may begin with a word of its own.
    """
    digest = hmac.new(key.encode(), identity.encode(), hashlib.sha256).digest()[:16]
    return base64.b32encode(digest).decode().rstrip("=").lower()


def owner_of(key: str) -> str:
    """What records say instead of the visitor's key, which does not follow from it: 32 hexadecimal digits."""
    return hashlib.blake2b(key.encode(), digest_size=16, person=b"humanav-owner").hexdigest()


def is_id(text: Any) -> bool:
    """Whether this could be an id. Nothing else may become a part of a path."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def clean_title(text: str) -> str:
    """A title of one line, without control characters, at most 120 characters."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= _MOST_TITLE else words[:_MOST_TITLE - 1].rstrip() + "…"


def this_process() -> str:
    """This process as ``host:pid:start``; ``start`` tells it from a later one of the same number."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def is_alive(worker: str) -> bool | None:
    """Whether the process of :func:`this_process` still runs; None when that cannot be told, as on another machine."""
    if worker.count(":") < 2:
        return False
    host, number, start = worker.rsplit(":", 2)
    if host != socket.gethostname() or os.name == "nt":  # there, asking by a signal would end the process
        return None
    if re.fullmatch("[1-9][0-9]{0,8}", number) is None:
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return start in ("", _started(int(number)))


def _started(pid: int) -> str:
    """When a process began, in ticks since the start of the machine; "" where the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
