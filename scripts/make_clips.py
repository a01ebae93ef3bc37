"""Author the built-in clips and write them to ``assets/clips``.

Every clip is made of keyframed curves, planned footholds and leg IK (``clip_studio.py``); none is captured or copied.

Usage: ``python scripts/make_clips.py [--only walk run] [--out FOLDER]``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from clip_gestures import bow, idle, squat, stretch, wave
from clip_steps import celebrate, dance, jumping_jack, run, turn_around, walk
from clip_studio import Feet, Figure

from humanav.body import BodyModel
from humanav.motion import CLIP_NAMES, Motion, ground, save_npz
from humanav.paths import asset

CLIPS: dict[str, Callable[[Feet], Figure]] = {
    make.__name__: make
    for make in (idle, wave, walk, run, squat, jumping_jack, turn_around, stretch, dance, bow, celebrate)
}


def author(name: str, body: BodyModel | None = None) -> tuple[Motion, Figure]:
    """One clip, standing on y = 0, and the figure it was solved from."""
    body = body or BodyModel.load()
    figure = CLIPS[name](Feet(body))
    return ground(figure.solve(body, name), body), figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=CLIP_NAMES, default=list(CLIP_NAMES))
    parser.add_argument("--out", type=Path, default=asset("clips"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        motion, _ = author(name)
        path = save_npz(motion, options.out / f"{name}.npz", style="humanav")
        print(f"{path.name}: {len(motion)} frames, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
