"""Several visitors at once on one app, each a client of its own. ``load_visitors``: how many; ``load_failures``: those
whose job did not end, whose files are not whole, or who got or could read what is another's; ``load_peak_memory_gb``:
the largest resident memory of the app's processes together; ``load_seconds``: until the last was done.

Two visitors send the same photo, two the same motion: each must get a result of its own. Beside them: a clip to track,
keypoints to lift, random poses, a way between two poses. At the end each visitor asks for what the app must not serve:
records and copies of inputs, and lists of folders.

``python benchmarks/_app_load.py [--visitors N]`` runs it alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

_PATIENCE = 1800.0  # seconds for the slowest visitor, waiting included


def load(visitors: int = 8, progress: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Let visitors come.

    Args:
        visitors: how many, up to 8 of different wishes.
        progress: told what happens, in words.
    """
    say = progress or (lambda words: None)
    with tempfile.TemporaryDirectory(prefix="humanav-load-") as place:
        folder = Path(place)
        (folder / "tmp").mkdir()
        wishes = _wishes(folder)[:visitors]
        with _App(folder) as app:
            say(f"the app answers at {app.url}")
            begun = time.perf_counter()
            with ThreadPoolExecutor(len(wishes)) as pool:
                visits = list(pool.map(lambda wish: _visit(app.url, folder, wish, say), wishes))
            seconds = time.perf_counter() - begun
            failures = [f"{visit['name']}: {visit['wrong']}" for visit in visits if visit["wrong"]]
            failures += _apart(visits) + _served(app.url, folder / "store")
            return {"load_visitors": len(wishes), "load_failures": len(failures), "load_peak_memory_gb":
                    round(app.peak / 1e9, 2), "load_seconds": round(seconds, 1), "failures": failures}


def _wishes(folder: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, function of the API and its arguments, of each visitor."""
    from gradio_client import handle_file

    from humanav.motion import load_clip
    from humanav.motion.npz import save_npz
    from humanav.paths import asset

    def file(path: Path) -> Any:
        return handle_file(str(path))

    motion = save_npz(load_clip("walk")[:40], folder / "walk.npz")
    clip = asset("samples", "walk_and_squat.mp4")
    points = folder / "points.json"
    points.write_text(json.dumps({"frames": [{"people": [{"keypoints": [
        [150 + 9 * k + t, 60 + 15 * (k % 7), 0.9] for k in range(17)]}]} for t in range(20)]}))
    photo = {"texture_size": 1024, "motion": "wave"}
    return [("photo", "make_avatar", photo | {"photo": file(asset("samples", "shirt.jpg"))}),
            ("motion", "clean_motion", {"files": [file(motion)]}),
            ("same photo", "make_avatar", photo | {"photo": file(asset("samples", "shirt.jpg"))}),
            ("same motion", "clean_motion", {"files": [file(motion)]}),
            ("poses", "random_poses", {"count": 6, "seed": 5}),
            ("keypoints", "lift_to_3d", {"files": [file(points)], "draw": "none", "layout": "coco17",
                                         "size": "640x480"}),
            ("between", "poses_between", {"start": "squat", "end": "random", "end_seed": 7}),
            ("clip", "track_video", {"clip": file(clip), "end": 1.0})]


def _visit(url: str, folder: Path, wish: tuple[str, str, dict[str, Any]], say: Callable[[str], None]) -> dict[str, Any]:
    """One visitor's job from the first request to the last file."""
    from gradio_client import Client

    name, function, arguments = wish
    found: dict[str, Any] = {"name": name, "wrong": "", "id": "", "files": {}}
    try:
        client = Client(url, verbose=False, download_files=str(folder / "got" / name.replace(" ", "_")))
        answer = client.submit(**arguments, api_name=f"/{function}").result(timeout=_PATIENCE)
        found["id"] = answer["id"]
        for file in answer["files"]:
            data = Path(file["file"]).read_bytes()
            found["files"][file["name"]] = file["file"]
            if len(data) != file["size"]:
                found["wrong"] = f"{file['name']} has {len(data)} bytes of {file['size']}"
        if not answer["files"]:
            found["wrong"] = "it got no files"
    except Exception as error:
        found["wrong"] = f"{type(error).__name__}: {str(error)[:300]}"
    say(f"{name}: {found['wrong'] or 'done'}")
    return found


def _apart(visits: list[dict[str, Any]]) -> list[str]:
    """Two visitors with one result."""
    ids = [visit["id"] for visit in visits if visit["id"]]
    return ["two visitors got the same result"] if len(set(ids)) != len(ids) else []


def _served(url: str, store: Path) -> list[str]:
    """What the app serves though nobody but its owner may have it."""
    private = [path for part in ("records", "inputs") for path in (store / part).rglob("*")]
    private += [store, store / "results", store / "records", store / "previews"]
    wrong = []
    private += [store / "results" / ".." / "records" / path.name for path in (store / "records").glob("*")]
    for path in private:
        for way in ("file=", "file/"):
            address = f"{url}/gradio_api/{way}{urllib.parse.quote(str(path))}"
            try:
                with urllib.request.urlopen(address, timeout=60) as answer:
                    wrong.append(f"{path.relative_to(store)} is served ({answer.status})")
            except (urllib.error.URLError, OSError):
                continue
    return wrong if (store / "records").is_dir() else ["there is no store where it was set"]


class _App:
    """``python app.py`` in a process of its own, its memory watched."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.peak, self.url = folder, 0.0, ""

    def __enter__(self) -> _App:
        from humanav.paths import home

        environment = os.environ | {
            "TMPDIR": str(self.folder / "tmp"), "HUMANAV_STORAGE": str(self.folder / "store"), "HF_HUB_OFFLINE": "1",
            "GRADIO_ANALYTICS_ENABLED": "False", "PYTHONUNBUFFERED": "1", "HUMANAV_SAMPLES": "off"}
        self._process = subprocess.Popen([sys.executable, "app.py"], cwd=home(), env=environment, text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = re.search(r"http://(127\.0\.0\.1|0\.0\.0\.0|localhost):\d+", line)
            if found:
                self.url = found.group().replace("0.0.0.0", "127.0.0.1")
                break
        if not self.url:
            raise RuntimeError("The app ended before it printed its address.")
        threading.Thread(target=lambda: [None for _ in self._process.stdout or ()], daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def _watch(self) -> None:
        import psutil

        try:
            app = psutil.Process(self._process.pid)
            while True:
                family = [app, *app.children(recursive=True)]
                self.peak = max(self.peak, sum(process.memory_info().rss for process in family if process.is_running()))
                time.sleep(0.3)
        except psutil.Error:
            return

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def main() -> None:
    """Run and print."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=8)
    print(json.dumps(load(parser.parse_args().visitors, lambda words: print(words, file=sys.stderr, flush=True)),
                     indent=1))


if __name__ == "__main__":
    main()
