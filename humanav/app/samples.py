"""Makes the avatars of the sample photos, as meshes and as Gaussians, the motions of the sample clips and the scenes of
the sample captures in the background, at the lowest priority, so that a click on one answers at once.

Run as ``python -m humanav.app.samples`` by the app; ``HUMANAV_SAMPLES=off`` leaves it out.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from humanav.app import gaussian_pieces, multiview_pieces
from humanav.app.storage import known_result, result_folder
from humanav.errors import HumanavError
from humanav.jobs import PhotoOptions, photo_id, photo_to_avatar
from humanav.jobs.multiview import MultiviewOptions, multiview_id, reconstruct_capture
from humanav.jobs.multiview_samples import SAMPLE_CAPTURES, sample_files
from humanav.jobs.track import TrackOptions, track_id, track_video
from humanav.jobs.track_samples import SAMPLE_CLIPS, sample_clip
from humanav.paths import sample_photos

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
    atexit.register(process.terminate)
    return process


def main() -> None:
    """Make what is not there yet: every sample's avatar, the motion of each clip, the scene of each capture."""
    if hasattr(os, "nice"):
        os.nice(19)
    for photo in sample_photos():
        _avatar(photo)
    for name in SAMPLE_CLIPS:
        try:
            clip = sample_clip(name)
            identity = f"track-{track_id(clip, TRACKED)}"
            if known_result(identity) is None:
                track_video(clip, out=result_folder(identity), options=TRACKED)
        except HumanavError as error:
            print(f"{name}: {error}", file=sys.stderr)
    for name in SAMPLE_CAPTURES:
        _scene(name)
    for photo in sample_photos():
        _avatar(photo, gaussian=True)


def _avatar(photo: Path, gaussian: bool = False) -> None:
    asked = gaussian_pieces.options(gaussian_pieces.MINUTES) if gaussian else None
    identity = photo_id(photo, PhotoOptions(), CLIP, gaussian=asked)
    if known_result(identity) is not None:
        return
    if asked is not None:  # as many steps as in those minutes, however slow the lowest priority is
        asked = replace(asked, minutes=PATIENCE * asked.minutes, steps=asked.training().steps)
    try:
        photo_to_avatar(photo, out=result_folder(identity), motion=CLIP, gaussian=asked)
    except HumanavError as error:
        print(f"{photo.name}: {error}", file=sys.stderr)


def _scene(name: str) -> None:
    files, options = sample_files(name), replace(CAPTURED, budget=multiview_pieces.budget())
    work = None
    try:
        identity = f"capture-{multiview_id(files, options)}"
        if known_result(identity) is None:  # apart from what a visitor keeps who does not wait for it
            work = result_folder(f"{identity}-prepared")
            reconstruct_capture(files, out=result_folder(identity), options=options, work=work)
    except HumanavError as error:
        print(f"{name}: {error}", file=sys.stderr)
    if work is not None:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
