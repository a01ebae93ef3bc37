"""MediaPipe's larger pose network, which its wheel leaves out: shipped with this package, put where MediaPipe looks.

MediaPipe's graphs name their networks by fixed paths inside its own package and would download this one on first use.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from shutil import copyfile

from humanav.paths import checkpoint

FILE = "pose_landmark_heavy.tflite"
MEDIUM, HEAVY = 1, 2
"""MediaPipe's ``model_complexity`` of the network in its wheel, and of the larger one."""


@lru_cache(maxsize=1)
def best_complexity() -> int:
    """:data:`HEAVY` where the larger network is in its place or could be put there, else :data:`MEDIUM`."""
    import mediapipe

    return HEAVY if put_heavy(Path(mediapipe.__file__).parent) else MEDIUM


def put_heavy(package: Path) -> bool:
    """Put the larger network into MediaPipe's folder, unless it is there; whether it is there now.

    Args:
        package: the folder of MediaPipe's package.
    """
    target, source = package / "modules" / "pose_landmark" / FILE, checkpoint("pose_landmark_heavy", FILE)
    if target.is_file():  # whole: MediaPipe's own download may have been cut off
        return not source.is_file() or target.stat().st_size == source.stat().st_size or _copied(source, target)
    return source.is_file() and _copied(source, target)


def _copied(source: Path, target: Path) -> bool:
    part: str | None = None
    try:
        handle, part = tempfile.mkstemp(dir=target.parent, suffix=".part")
        os.close(handle)
        copyfile(source, part)
        Path(part).chmod(0o644)
        Path(part).replace(target)
    except OSError:  # a package folder that may not be written, or no space left
        if part is not None:
            with suppress(OSError):
                Path(part).unlink()
        return False
    return True
