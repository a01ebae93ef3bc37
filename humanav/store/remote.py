"""What a store needs of a place on the network that mirrors it, and the sentences for what can go wrong there."""

from __future__ import annotations

import errno
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from humanav.errors import HumanavError, InputError, StorageError

T = TypeVar("T")

_PLACE = re.compile(r"hf://(datasets|buckets)/([A-Za-z0-9][\w.-]*)/([A-Za-z0-9][\w.-]*)/?")
_REFUSALS = (400, 404, 411, 413, 415, 422)
_OURS = ("httpx", "httpcore", "requests", "urllib3", "huggingface_hub", "hf_xet", "socket", "ssl")


class Remote(Protocol):
    """A tree of files on the network. Names are relative, with slashes.

    Every method raises StorageError, with one sentence, when the place cannot be reached or refuses.
    """

    place: str
    """Such as ``hf://datasets/USER/NAME``."""

    def prepare(self) -> None:
        """Make the place, private, where it is not there; refuse one that everybody can read."""

    def write(self, add: Mapping[str, Path | bytes], delete: Sequence[str], words: str) -> None:
        """Add or replace files and delete others, which must be there; ``words`` say what for.

        All of it or nothing; where the place cannot do that, the last ones of ``add`` are written last.
        """

    def names(self, folder: str) -> list[str]:
        """The files below a folder; none where there is no such folder."""

    def read(self, name: str) -> bytes | None:
        """The content of a small file, None where there is none."""

    def fetch(self, names: Sequence[str], target: Path) -> None:
        """Download files to ``target``, below it by their names. Raises InputError when one is not there."""

    def url(self, folder: str = "") -> str:
        """The page that shows a folder."""


def is_place(text: str) -> bool:
    """Whether a setting or argument means a place on the network rather than a folder."""
    return "://" in text


def parse_place(text: str) -> tuple[str, str]:
    """``hf://datasets/USER/NAME`` or ``hf://buckets/USER/NAME`` as ("datasets" or "buckets", "USER/NAME").

    Raises:
        InputError: it is something else.
    """
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        raise InputError(f"{text!r} is no place for results: write hf://datasets/USER/NAME, hf://buckets/USER/NAME, or "
                         "a folder.")
    return found[1], f"{found[2]}/{found[3]}"


def safe_names(names: Sequence[str], folder: str) -> list[str]:
    """Those of the names that lie below the folder and lead nowhere else, whoever wrote them."""
    return [name for name in names if name.startswith(f"{folder}/") and "\\" not in name and ":" not in name
            and all(part not in ("", ".", "..") for part in name.split("/"))]


def names_below(remote: Remote, folder: str) -> list[str]:
    """The :func:`safe_names` that a place has below a folder."""
    return safe_names(remote.names(folder), folder)


@contextmanager
def hub_errors(place: str) -> Iterator[None]:
    """Turn what the Hub's client raises into a StorageError about ``place``.

    The client's exceptions differ between its versions (requests, httpx); what counts is the status of the answer.
    """
    try:
        yield
    except HumanavError:
        raise
    except Exception as error:
        raise StorageError(_sentence(error, place)) from error


def in_time(ask: Callable[[], T], seconds: float, place: str) -> T:
    """What a call returns, or StorageError when it takes longer: the Hub's client itself may wait for ever."""
    answer: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(ask())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="hub", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answer:
        raise StorageError(f"{place} cannot be reached at the moment: try again in a minute.")
    return answer[0]


def _sentence(error: Exception, place: str) -> str:
    status = status_of(error)
    login = "log in with `hf auth login`, or set HF_TOKEN to a token that may write"
    if status == 401 or type(error).__name__ == "LocalTokenNotFoundError":
        return f"Hugging Face does not know who asks for {place}: {login}."
    if status == 403:
        return f"This Hugging Face token may not write to {place}: {login} there."
    if status == 404:
        return f"There is no {place}, or this Hugging Face token may not see it: check the name, or {login}."
    if status in (409, 412):
        return f"Somebody else wrote to {place} at the same time: try again."
    if status == 429:
        return f"Hugging Face asks for a pause before more is written to {place}: try again in a few minutes."
    if status is not None and status >= 500:
        return f"Hugging Face has trouble with {place} at the moment (error {status}): try again later."
    if status is not None:
        return f"Hugging Face refused what was asked of {place} (error {status}): {_first_line(error)}"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk here is full, so nothing can be fetched from {place}: free some space."
    if _is_network(error):
        return f"Hugging Face cannot be reached for {place}: check the connection, or try again later."
    return f"{place} cannot be used ({type(error).__name__}: {_first_line(error)})."


def is_refusal(error: StorageError) -> bool:
    """Whether a place is there and answers, but will not have what was sent; something else may be welcome."""
    status = status_of(error)
    return status in _REFUSALS if status is not None else error.__cause__ is not None and not _is_network(error)


def status_of(error: BaseException | None) -> int | None:
    """The status of the answer that an exception, or what it came from, is about."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return None


def _is_network(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) or type(error).__module__.partition(".")[0].startswith(_OURS):
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: Exception) -> str:
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason was given")
    return line[:200].rstrip(".")
