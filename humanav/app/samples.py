"""Makes the avatars of the sample photos, as meshes and as Gaussians, the motions of the sample clips and the scenes of
the sample captures in the background, at the lowest priority, so that a click on one answers at once.

Run as ``python -m humanav.app.samples`` by the app; ``HUMANAV_SAMPLES=off`` leaves it out.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from humanav.app import gaussian_pieces, multiview_pieces
from humanav.app.kept import PUBLIC, store
from humanav.errors import HumanavError, StorageError
from humanav.jobs import PhotoOptions, photo_id, photo_to_avatar
from humanav.jobs.multiview import MultiviewOptions, multiview_id, reconstruct_capture
from humanav.jobs.multiview_samples import SAMPLE_CAPTURES, sample_files
from humanav.jobs.track import TrackOptions, track_id, track_video
from humanav.jobs.track_samples import SAMPLE_CLIPS, sample_clip
from humanav.paths import sample_photos
from humanav.results import Result

CLIP = "walk"
"""The motion of the samples' avatars, and the page's default."""
TRACKED = TrackOptions()
"""What the page asks for when nothing was changed."""
CAPTURED = MultiviewOptions(end=multiview_pieces.MOST_SECONDS)
"""The same for captures."""
PATIENCE = 10
"""How many times as long as a visitor's the training of a sample may last."""


def prepare_in_background() -> subprocess.Popen[bytes] | None:
    """Start the work in a process of its own that ends with this one; None when it is switched off."""
    if os.environ.get("HUMANAV_SAMPLES") == "off":
        return None
    process = subprocess.Popen([sys.executable, "-m", "humanav.app.samples"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    atexit.register(_end, process)
    return process


def attend(process: subprocess.Popen[bytes], busy: Callable[[], bool], seconds: float = 1.0) -> None:
    """Wait for the work to end; while visitors' jobs work or wait, it stands still, but never with the store locked."""
    halted = False
    while process.poll() is None:
        if hasattr(signal, "SIGSTOP") and busy() != halted:
            with suppress(StorageError), store().locked():
                process.send_signal(signal.SIGCONT if halted else signal.SIGSTOP)
                halted = not halted
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the work, also where it stands still."""
    process.terminate()
    if hasattr(signal, "SIGCONT"):
        process.send_signal(signal.SIGCONT)


def main() -> None:
    """Make what is not there yet: every sample's avatar, the motion of each clip, the scene of each capture."""
    if hasattr(os, "nice"):
        os.nice(19)
    app = os.getppid()
    works = [*(partial(_avatar, photo) for photo in sample_photos()), *(partial(_clip, name) for name in SAMPLE_CLIPS),
             *(partial(_scene, name) for name in SAMPLE_CAPTURES),
             *(partial(_avatar, photo, gaussian=True) for photo in sample_photos())]
    for work in works:
        if os.getppid() != app:  # it was killed
            return
        work()


def _make(identity: str, tab: str, kind: str, work: Callable[[Path], Result]) -> None:
    """Make what is everybody's, if it is not there yet; each visitor who asks for it is given a copy."""
    kept = store()
    try:
        if kept.known(PUBLIC, identity) is None:
            record = kept.begin(PUBLIC, identity, tab=tab, kind=kind, title="A sample")
            work(kept.folder(record.id))
            kept.finish(record.id)
    except HumanavError as error:
        print(f"{identity}: {error}", file=sys.stderr)


def _avatar(photo: Path, gaussian: bool = False) -> None:
    asked = gaussian_pieces.options(gaussian_pieces.MINUTES) if gaussian else None
    identity = f"avatar-{photo_id(photo, PhotoOptions(), CLIP, gaussian=asked)}"
    if asked is not None:  # as many steps as in those minutes, however slow the lowest priority is
        asked = replace(asked, minutes=PATIENCE * asked.minutes, steps=asked.training().steps)
    _make(identity, "photo", "avatar", lambda out: photo_to_avatar(photo, out=out, motion=CLIP, gaussian=asked))


def _clip(name: str) -> None:
    clip = sample_clip(name)
    _make(f"track-{track_id(clip, TRACKED)}", "track", "track", lambda out: track_video(clip, out=out, options=TRACKED))


def _scene(name: str) -> None:
    files, options = sample_files(name), replace(CAPTURED, budget=multiview_pieces.budget())
    if files:
        _make(f"capture-{multiview_id(files, options)}", "capture", "capture",
              lambda out: reconstruct_capture(files, out=out, options=options))


if __name__ == "__main__":
    main()
