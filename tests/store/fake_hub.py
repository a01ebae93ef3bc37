"""A small Hugging Face Hub: the calls that the client makes for datasets and buckets, over real HTTP on this machine.

Repositories are dictionaries of files; each commit is one change of the whole. Failures can be asked for. Xet, the
protocol by which buckets move contents, is not HTTP of the Hub and is replaced by :class:`FakeXet` within the client.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

WRITE, READ = "the-secret-of-a-writer", "the-secret-of-a-reader"
SECONDS = "2026-11-29T04:00:00.000Z"
SILENCE = 4.0
"""Seconds for which a silent server says nothing."""


@dataclass
class Repo:
    """A dataset or bucket."""

    private: bool = True
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)


@dataclass
class Failure:
    """Answers that are to fail: those of requests that match, ``times`` of them."""

    pattern: str
    status: int | str
    times: int = 10**6


class FakeHub:
    """The server; ``with FakeHub() as hub`` serves until the block ends."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.failures: list[Failure] = []
        self.lock = threading.RLock()
        hub = self

        class Handler(_Handler):
            home = hub

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FakeHub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @contextmanager
    def failing(self, pattern: str, status: int | str, times: int = 10**6) -> Any:
        """Let requests (``METHOD /path``) that match fail: with a status, "silence" or "cut" (the connection)."""
        failure = Failure(pattern, status, times)
        self.failures.append(failure)
        try:
            yield failure
        finally:
            self.failures.remove(failure)

    def files(self, place: str = "datasets/ann/results") -> dict[str, bytes]:
        """What a repository holds."""
        return self.repos[place].files


class _Handler(BaseHTTPRequestHandler):
    home: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        size = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(size) if size else self._chunks()
        line = f"{self.command} {path}"
        with self.home.lock:
            self.home.asked.append(line)
            failure = next((f for f in self.home.failures if f.times > 0 and re.search(f.pattern, line)), None)
            if failure is not None:
                failure.times -= 1
        if failure is None:
            with self.home.lock:
                self._serve(path)
        elif failure.status == "silence":
            time.sleep(SILENCE)
            self.close_connection = True
        elif failure.status == "cut":
            self.close_connection = True
        else:
            self._send(int(failure.status), {"error": "asked for by the test"})

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

    def _chunks(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while length := int(self.rfile.readline(), 16):
                body += self.rfile.read(length)
                self.rfile.readline()
            self.rfile.readline()
        return body

    def _send(self, status: int, content: Any = b"", headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    @property
    def token(self) -> str:
        return str(self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def _refused(self, repo: Repo | None, write: bool) -> bool:
        """Whether access was refused, and that was answered."""
        if self.token not in (READ, WRITE) and (write or repo is None or repo.private):
            self._send(401, {"error": "Invalid username or password."})
        elif repo is None:
            self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        elif write and self.token != WRITE:
            self._send(403, {"error": "You don't have the required permissions"})
        else:
            return False
        return True

    def _serve(self, path: str) -> None:
        for method, pattern, serve in ROUTES:
            found = re.fullmatch(pattern, path)
            if found is not None and self.command in method:
                serve(self, *found.groups())
                return
        self._send(404, {"error": f"the fake knows no {self.command} {path}"})

    def whoami(self) -> None:
        self._send(200 if self.token in (READ, WRITE) else 401, {"name": "ann", "type": "user", "orgs": []})

    def create(self) -> None:
        data = json.loads(self.body)
        name = f"{data['type']}s/{data.get('organization') or 'ann'}/{data['name']}"
        private = data.get("private", data.get("visibility") == "private")
        self._make(name, private, f"{self.home.endpoint}/{name}")

    def create_bucket(self, name: str) -> None:
        self._make(f"buckets/{name}", json.loads(self.body or b"{}").get("visibility") == "private",
                   f"{self.home.endpoint}/buckets/{name}")

    def _make(self, name: str, private: bool, url: str) -> None:
        if self._refused(Repo(), True):
            return
        known = name in self.home.repos
        self.home.repos.setdefault(name, Repo(private))
        self._send(409 if known else 200, {"url": url, "name": name, "id": name, "error": "You already created this"})

    def info(self, name: str) -> None:
        repo = self.home.repos.get(f"datasets/{name}")
        if not self._refused(repo, False) and repo is not None:
            self._send(200, {"id": name, "_id": "1", "private": repo.private, "sha": "0" * 40, "siblings": [],
                             "gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": []})

    def bucket_info(self, name: str) -> None:
        repo = self.home.repos.get(f"buckets/{name}")
        if not self._refused(repo, False) and repo is not None:
            self._send(200, {"id": name, "private": repo.private, "createdAt": SECONDS, "size": 1,
                             "totalFiles": len(repo.files)})

    def preupload(self, name: str) -> None:
        repo = self.home.repos.get(f"datasets/{name}")
        if not self._refused(repo, True) and repo is not None:
            files = json.loads(self.body)["files"]
            self._send(200, {"files": [{
                "path": f["path"], "shouldIgnore": False, "oid": _git_oid(repo.files.get(f["path"])),
                "uploadMode": "regular" if f["path"].endswith((".json", ".txt")) or "/" not in f["path"] or
                f["path"].startswith("owners/") else "lfs"} for f in files]})

    def lfs_batch(self, name: str) -> None:
        if self._refused(self.home.repos.get(f"datasets/{name}"), True):
            return
        objects = [{"oid": o["oid"], "size": o["size"]} | ({} if o["oid"] in self.home.blobs else {"actions": {
            "upload": {"href": f"{self.home.endpoint}/lfs/{o['oid']}", "header": {}}}})
            for o in json.loads(self.body)["objects"]]
        self._send(200, {"transfer": "basic", "objects": objects})

    def lfs_upload(self, oid: str) -> None:
        good = hashlib.sha256(self.body).hexdigest() == oid
        if good:
            self.home.blobs[oid] = self.body
        self._send(200 if good else 400)

    def commit(self, name: str) -> None:
        repo = self.home.repos.get(f"datasets/{name}")
        if self._refused(repo, True) or repo is None:
            return
        files, words = dict(repo.files), ""
        for line in self.body.splitlines():
            key, value = (item := json.loads(line))["key"], item["value"]
            if key == "header":
                words = value["summary"]
            elif key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                files[value["path"]] = self.home.blobs[value["oid"]]
            elif key == "deletedFile" and files.pop(value["path"], None) is None:
                self._send(404, {"error": f"no {value['path']}"}, {"X-Error-Code": "EntryNotFound"})
                return
        repo.files = files
        repo.commits.append(words)
        self._send(200, {"commitUrl": f"{self.home.endpoint}/datasets/{name}/commit/{'1' * 40}", "commitOid": "1" * 40,
                         "hookOutput": "", "success": True})

    def tree(self, kind: str, name: str, folder: str = "") -> None:
        repo = self.home.repos.get(f"{kind}/{name}")
        if self._refused(repo, False) or repo is None:
            return
        inside = {path: data for path, data in repo.files.items() if path.startswith(f"{folder}/" if folder else "")}
        if folder and not inside and kind == "datasets":
            self._send(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            return
        folders = sorted({path.rpartition("/")[0] for path in inside} - {"", folder})
        self._send(200, [{"type": "directory", "path": path, "oid": "2" * 40, "size": 0} for path in folders] + [
            {"type": "file", "path": path, "oid": _git_oid(data), "size": len(data), "xetHash": _xet(data)}
            for path, data in inside.items()])

    def paths_info(self, name: str) -> None:
        repo = self.home.repos.get(f"buckets/{name}")
        if not self._refused(repo, False) and repo is not None:
            self._send(200, [{"type": "file", "path": path, "size": len(repo.files[path]),
                              "xetHash": _xet(repo.files[path])} for path in json.loads(self.body)["paths"]
                             if path in repo.files])

    def batch(self, name: str) -> None:
        repo = self.home.repos.get(f"buckets/{name}")
        if self._refused(repo, True) or repo is None:
            return
        for item in map(json.loads, self.body.splitlines()):
            if item["type"] == "addFile":
                repo.files[item["path"]] = self.home.blobs[item["xetHash"]]
            else:
                repo.files.pop(item["path"], None)
        repo.commits.append("batch")
        self._send(200, {"success": True})

    def resolve(self, kind: str, name: str, path: str) -> None:
        repo = self.home.repos.get(f"{kind}/{name}")
        if self._refused(repo, False) or repo is None:
            return
        data = repo.files.get(path)
        if data is None:
            self._send(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": "1" * 40})
            return
        xet = {"X-Xet-Hash": _xet(data), "X-Xet-Refresh-Route": f"{self.home.endpoint}/xet"}
        self._send(200, data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": "1" * 40,
                               "X-Linked-Size": str(len(data)), "Content-Type": "application/octet-stream",
                               **(xet if kind == "buckets" else {})})


_NAME = r"([\w.-]+/[\w.-]+)"
ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/api/whoami-v2", _Handler.whoami),
    ("POST", "/api/repos/create", _Handler.create),
    ("POST", f"/api/datasets/{_NAME}/preupload/main", _Handler.preupload),
    ("POST", rf"/datasets/{_NAME}\.git/info/lfs/objects/batch", _Handler.lfs_batch),
    ("PUT", "/lfs/([0-9a-f]{64})", _Handler.lfs_upload),
    ("POST", f"/api/datasets/{_NAME}/commit/main", _Handler.commit),
    ("GET", f"/api/(datasets)/{_NAME}/tree/main(?:/(.+))?", _Handler.tree),
    ("GET HEAD", f"/(datasets)/{_NAME}/resolve/main/(.+)", _Handler.resolve),
    ("GET", f"/api/datasets/{_NAME}(?:/revision/main)?", _Handler.info),
    ("GET", f"/api/(buckets)/{_NAME}/tree(?:/(.+))?", _Handler.tree),
    ("POST", f"/api/buckets/{_NAME}/paths-info", _Handler.paths_info),
    ("POST", f"/api/buckets/{_NAME}/batch", _Handler.batch),
    ("GET HEAD", f"/(buckets)/{_NAME}/resolve/(.+)", _Handler.resolve),
    ("POST", f"/api/buckets/{_NAME}", _Handler.create_bucket),
    ("GET", f"/api/buckets/{_NAME}", _Handler.bucket_info),
]


def _git_oid(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _xet(data: bytes) -> str:
    return hashlib.sha256(b"xet" + data).hexdigest()


class FakeXet:
    """Stands in for the client's session of hf_xet: contents go straight into the fake's memory and back."""

    def __init__(self, hub: FakeHub) -> None:
        self.hub = hub

    @contextmanager
    def new_upload_commit(self, **_: Any) -> Any:
        def start(content: Any, **_: Any) -> Any:
            if isinstance(content, str):
                with open(content, "rb") as file:
                    content = file.read()
            self.hub.blobs[_xet(content)] = content
            info = SimpleNamespace(hash=_xet(content), file_size=len(content))
            return SimpleNamespace(result=lambda: SimpleNamespace(xet_info=info))

        yield SimpleNamespace(start_upload_file=start, start_upload_bytes=start)

    @contextmanager
    def new_file_download_group(self, **_: Any) -> Any:
        def start(info: Any, target: str) -> None:
            from pathlib import Path

            Path(target).parent.mkdir(parents=True, exist_ok=True)
            Path(target).write_bytes(self.hub.blobs[info.hash])

        yield SimpleNamespace(start_download_file=start)
