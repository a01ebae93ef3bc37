"""Dataset repositories and buckets of the Hugging Face Hub as places for results."""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from humanav.errors import InputError, MissingExtraError, StorageError
from humanav.results import MANIFEST, Result, storage_errors
from humanav.store.remote import Remote, hub_errors, parse_place, safe_names, status_of

_THREADS = 4


def open_remote(place: str, token: str | None = None, *, public: bool = False) -> Remote:
    """A place on the Hub; nothing is asked of it yet.

    Args:
        place: ``hf://datasets/USER/NAME`` or ``hf://buckets/USER/NAME``.
        token: a user's; by default ``HF_TOKEN``, or that of `hf auth login`.
        public: whether it may be one that everybody can read.

    Raises:
        InputError: it is no such place.
        MissingExtraError: the installed ``huggingface_hub`` knows no buckets.
    """
    kind, repo = parse_place(place)
    return HubDataset(repo, token, public=public) if kind == "datasets" else HubBucket(repo, token, public=public)


def push_result(result: Result, place: str, token: str | None = None) -> str:
    """Copy a result to a user's own dataset or bucket, into a folder of its own; made, private, where it is absent.

    Args:
        result: any.
        place: see :func:`open_remote`.
        token: the user's, such as the one of a login; by default that of this machine.

    Returns:
        The address of the page that shows it.

    Raises:
        StorageError: the Hub cannot be reached or refuses.
    """
    remote = open_remote(place, token, public=True)
    folder = f"{_word(result.kind)}-{_word(result.id)}"
    with hub_errors(remote.place):
        remote.prepare()
        add: dict[str, Path | bytes] = {f"{folder}/{file.name}": result.path(file.name) for file in result.files}
        add[f"{folder}/{MANIFEST}"] = result.folder / MANIFEST
        old = [name for name in remote.names(folder) if name not in add]
        remote.write(add, old, f"Add {folder}")
    return remote.url(folder)


def pushed_results(place: str, token: str | None = None) -> list[str]:
    """The folders of results that :func:`push_result` copied to a place.

    Raises:
        StorageError: the Hub cannot be reached or refuses.
    """
    names = open_remote(place, token, public=True).names("")
    return sorted(name.rpartition("/")[0] for name in names if name.count("/") == 1 and name.endswith(f"/{MANIFEST}"))


def pull_result(place: str, folder: str, out: str | Path, token: str | None = None) -> Result:
    """Fetch a result that :func:`push_result` copied to a place.

    Args:
        folder: its name there, see :func:`pushed_results`.
        out: the folder to make; it must not be there yet, or be empty.

    Raises:
        InputError: there is none of this name, or it is damaged.
        StorageError: the Hub cannot be reached or refuses, or ``out`` cannot be written.
    """
    remote, out = open_remote(place, token, public=True), Path(out)
    names = safe_names(remote.names(folder), folder) if _word(folder) == folder else []
    if f"{folder}/{MANIFEST}" not in names:
        raise InputError(f"There is no result {folder!r} in {place}: `humanav results pull {place}` lists them.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StorageError(f"{out} is there already: name a new or an empty folder.")
    with storage_errors(out):
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".humanav-", dir=out.absolute().parent) as part:
            remote.fetch(names, Path(part))
            Result.load(Path(part) / folder)
            os.replace(Path(part) / folder, out)
    return Result.load(out)


class _Hub(ABC):
    """What datasets and buckets have in common."""

    kind = ""

    def __init__(self, repo: str, token: str | None = None, *, public: bool = False) -> None:
        self.repo, self.place, self._token, self._public = repo, f"hf://{self.kind}/{repo}", token, public
        self._ready: Any = None

    @property
    def api(self) -> Any:
        """The client; ``HF_ENDPOINT`` is asked for each time, not only when the package is loaded."""
        if self._ready is None:
            from huggingface_hub import HfApi
            from huggingface_hub.utils import disable_progress_bars

            disable_progress_bars()  # they would go to the log of whoever serves
            self._ready = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=self._token or None,
                                library_name="humanav")
        return self._ready

    def url(self, folder: str = "") -> str:
        return f"{self.api.endpoint}/{self.kind}/{self.repo}" + (f"/tree/main/{folder}" if folder else "")

    def read(self, name: str) -> bytes | None:
        with tempfile.TemporaryDirectory(prefix="humanav-") as folder:
            return (Path(folder) / name).read_bytes() if self._download(name, Path(folder)) else None

    @abstractmethod
    def _download(self, name: str, target: Path) -> bool:
        """Fetch a file into the folder ``target``; whether it is there."""

    def _check_private(self, private: bool) -> None:
        if not private and not self._public:
            raise StorageError(f"{self.place} is public, so everybody could read the visitors' results: make it "
                               "private in its settings, or choose another place.")


class HubDataset(_Hub):
    """A dataset repository. Each write is one commit: all of it or nothing. Earlier ones keep what is deleted."""

    kind = "datasets"

    def prepare(self) -> None:
        with hub_errors(self.place):
            try:
                found = self.api.repo_info(self.repo, repo_type="dataset")
            except Exception as error:
                if status_of(error) != 404:
                    raise
                self.api.create_repo(self.repo, repo_type="dataset", private=True, exist_ok=True)
            else:
                self._check_private(bool(found.private))

    def write(self, add: Mapping[str, Path | bytes], delete: Sequence[str], words: str) -> None:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        operations: list[Any] = [CommitOperationDelete(path_in_repo=name) for name in delete]
        operations += [CommitOperationAdd(path_in_repo=name, path_or_fileobj=content if isinstance(content, bytes)
                                          else str(content)) for name, content in add.items()]
        if operations:
            with hub_errors(self.place):
                self.api.create_commit(self.repo, operations, commit_message=words, repo_type="dataset",
                                       num_threads=_THREADS)

    def names(self, folder: str) -> list[str]:
        with hub_errors(self.place):
            try:
                found = list(self.api.list_repo_tree(self.repo, path_in_repo=folder or None, recursive=True,
                                                     repo_type="dataset"))
            except Exception as error:
                if status_of(error) != 404:
                    raise
                return []
        return [item.path for item in found if hasattr(item, "blob_id")]  # folders have a tree_id

    def fetch(self, names: Sequence[str], target: Path) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            found = list(pool.map(lambda name: self._download(name, target), names))
        shutil.rmtree(target / ".cache", ignore_errors=True)  # the client's notes on what it downloaded
        if not all(found):
            raise InputError(f"Files are missing in {self.place}: try again.")

    def _download(self, name: str, target: Path) -> bool:
        with hub_errors(self.place):
            try:
                self.api.hf_hub_download(self.repo, name, repo_type="dataset", local_dir=target)
            except Exception as error:
                if status_of(error) != 404:
                    raise
                return False
        return True


class HubBucket(_Hub):
    """A bucket. Its writes are not all or nothing, so what makes others look for files is written last.

    Raises:
        MissingExtraError: the installed ``huggingface_hub`` knows no buckets.
    """

    kind = "buckets"

    def __init__(self, repo: str, token: str | None = None, *, public: bool = False) -> None:
        super().__init__(repo, token, public=public)
        from huggingface_hub import HfApi

        if not hasattr(HfApi, "batch_bucket_files"):
            raise MissingExtraError("Buckets need a newer huggingface_hub: run pip install -U huggingface_hub, or use "
                                    "hf://datasets/USER/NAME.")

    def url(self, folder: str = "") -> str:
        return f"{self.api.endpoint}/buckets/{self.repo}" + (f"/tree/{folder}" if folder else "")

    def prepare(self) -> None:
        with hub_errors(self.place):
            try:
                found = self.api.bucket_info(self.repo)
            except Exception as error:
                if status_of(error) != 404:
                    raise
                self.api.create_bucket(self.repo, private=True, exist_ok=True)
            else:
                self._check_private(bool(found.private))

    def write(self, add: Mapping[str, Path | bytes], delete: Sequence[str], words: str) -> None:
        del words  # buckets keep no history
        files = [(content if isinstance(content, bytes) else str(content), name) for name, content in add.items()]
        late = [pair for pair in files if pair[1].startswith(("records/", "owners/"))]
        early = [pair for pair in files if pair not in late]
        first = [name for name in delete if name.startswith("records/")]
        with hub_errors(self.place):
            for part, gone in (([], first), (early, []), (late, [name for name in delete if name not in first])):
                if part or gone:
                    self.api.batch_bucket_files(self.repo, add=part, delete=gone)

    def names(self, folder: str) -> list[str]:
        with hub_errors(self.place):
            try:
                found = list(self.api.list_bucket_tree(self.repo, folder or None, recursive=True))
            except Exception as error:
                if status_of(error) != 404:
                    raise
                return []
        return [item.path for item in found if item.type == "file"]

    def fetch(self, names: Sequence[str], target: Path) -> None:
        with hub_errors(self.place):
            self.api.download_bucket_files(self.repo, [(name, target / name) for name in names],
                                           raise_on_missing_files=True)

    def _download(self, name: str, target: Path) -> bool:
        with hub_errors(self.place):
            try:
                there = any(info.path == name for info in self.api.get_bucket_paths_info(self.repo, [name]))
            except Exception as error:
                if status_of(error) != 404:
                    raise
                return False
        if there:
            self.fetch([name], target)
        return there


def _word(text: str) -> str:
    """A text as part of a file's name."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in text)[:60] or "result"
