"""Makes the avatars of the sample photos, as meshes and as Gaussians, and tracks the sample clips in the background, at
the lowest priority, so that a click on one answers at once.

Run as ``python -m humanav.app.samples`` by the app; ``HUMANAV_SAMPLES=off`` leaves it out.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from humanav.app import gaussian_pieces
from humanav.app.storage import known_result, result_folder
from humanav.errors import HumanavError
from humanav.jobs import PhotoOptions, photo_id, photo_to_avatar
from humanav.jobs.track import TrackOptions, track_id, track_video
from humanav.jobs.track_samples import SAMPLE_CLIPS, sample_clip
from humanav.paths import sample_photos

CLIP = "walk"
"""The motion of the samples' avatars, and the page's default."""
TRACKED = TrackOptions()
"""What the page asks for when nothing was changed."""
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
    """Make what is not there yet: every sample's avatar, and the motion of each sample clip."""
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


if __name__ == "__main__":
    main()
