"""The half of a mirror that writes to the remote place: what is marked is stored or deleted there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from humanav.errors import HumanavError, StorageError
from humanav.store.marks import Mark, Marks
from humanav.store.remote import Remote, is_refusal, names_below

if TYPE_CHECKING:
    from humanav.store.local import Store

NOT_STORED = "Not stored remotely yet; this is tried again."
_MOST_AT_ONCE = 20


class Sender:
    """Writes what is marked in a store to its remote place."""

    def __init__(self, store: Store, remote: Remote, marks: Marks) -> None:
        self.store, self.remote, self._marks = store, remote, marks
        self._prepared = False
        self._refused: set[str] = set()

    def push(self) -> int:
        """Store or delete some of what is marked, in one go where the place takes it; how much it was.

        Raises:
            StorageError: the place cannot be reached, or refuses some of it; what that is stays marked.
        """
        marks = sorted(self._marks.all(), key=lambda mark: mark.name in self._refused)[:_MOST_AT_ONCE]
        if not marks:
            return 0
        if not self._prepared:
            self.remote.prepare()
            self._prepared = True
        try:
            self._send(marks)
        except StorageError as error:
            if len(marks) == 1 or not is_refusal(error):
                raise
            self._send_singly(marks)
        return len(marks)

    def note(self, id: str, words: str) -> None:
        """Tell an entry's owner whether it is stored there."""
        with suppress(HumanavError, OSError):
            self.store.note(id, words, instead_of=("", NOT_STORED))

    def _send_singly(self, marks: Sequence[Mark]) -> None:
        """The place will not have one of these: the others, and those to come, are not to wait for that one."""
        refusal: StorageError | None = None
        for mark in marks:
            try:
                self._send([mark])
            except StorageError as error:
                if not is_refusal(error):
                    raise
                self._refused.add(mark.name)
                refusal = error
        if refusal is not None:
            raise refusal

    def _send(self, marks: Sequence[Mark]) -> None:
        add: dict[str, Path | bytes] = {}
        delete: list[str] = []
        for mark in marks:
            if mark.owner is not None:
                delete += self._all_names(mark.id, mark.owner)
            else:
                self._collect(mark.id, mark.files, add, delete)
        # Records and owners last: a place that is not all or nothing then never names files that are not there.
        ordered = {name: add[name] for name in sorted(add, key=lambda name: name.startswith(("records/", "owners/")))}
        self.remote.write(ordered, [name for name in dict.fromkeys(delete) if name not in ordered],
                          f"Store {len(marks)} result{'s' * (len(marks) > 1)}")
        for mark in marks:
            self._refused.discard(mark.name)
            with self.store.locked():
                done = self._marks.clear(mark)
            if done:
                self.note(mark.id, "")

    def _collect(self, id: str, files: bool, add: dict[str, Path | bytes], delete: list[str]) -> None:
        with self.store.locked():  # an entry is marked just before its record says that it is done
            record = self.store.read(id)
        if record is None or record.state != "done":
            return
        if files:
            if self.store.result(id) is None:  # what is there may be all that is left of it
                return
            for room in ("results", "inputs"):
                home = self.store.base / room / id
                add.update({f"{room}/{id}/{path.relative_to(home).as_posix()}": path for path in sorted(home.rglob("*"))
                            if path.is_file() and not path.name.startswith(".")})
                delete += [name for name in names_below(self.remote, f"{room}/{id}") if name not in add]
        told = replace(record, worker="", note="" if record.note == NOT_STORED else record.note)
        add[f"records/{id}.json"] = told.to_json().encode()
        add[f"owners/{record.owner}/{id}"] = f"{id}\n".encode()

    def _all_names(self, id: str, owner: str) -> list[str]:
        """What there is of an entry there."""
        found = [*names_below(self.remote, f"results/{id}"), *names_below(self.remote, f"inputs/{id}")]
        if self.remote.read(f"records/{id}.json") is not None:
            found += [f"records/{id}.json", f"owners/{owner}/{id}"]
        return found
