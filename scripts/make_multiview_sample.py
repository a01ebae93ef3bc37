"""Film the app's sample capture into ``assets/samples/hug``: two synthetic people hug before four cameras. How they
truly move goes to ``assets/samples/hug_truth``.

python scripts/make_multiview_sample.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

from humanav.export import write_mp4
from humanav.jobs.multiview_samples import draw_sample_picture
from humanav.motion import save_npz
from humanav.multiview.calibration_writing import write_calibration
from humanav.multiview.value import Rig
from humanav.paths import asset
from humanav.synth.contact import ContactScene, close_contact, film_contact

SIZE = (480, 360)
FPS, LENGTH = 15.0, 39
"""Frames per second, and frames."""
SEED, VIEWS = 4, 4


def stage(length: int = LENGTH) -> ContactScene:
    """Who is in the capture, how they truly move, and the cameras."""
    return close_contact("hug", SEED, views=VIEWS, frames=length, fps=FPS * length / LENGTH, size=SIZE)


def write(scene: ContactScene, folder: Path) -> list[Path]:
    """Film the scene: a video of each camera and the calibration in EasyMocap's two files."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[list[object]] = [[] for _ in scene.cameras]
    for shots in film_contact(scene, supersample=2):
        for own, shot in zip(pictures, shots, strict=True):
            own.append(shot.image)
    files = [write_mp4(iter(own), folder / f"{name}.mp4", scene.fps, crf=25)
             for name, own in zip(scene.names, pictures, strict=True)]
    return files + write_calibration(Rig(scene.names, scene.cameras), folder)


def write_truth(scene: ContactScene, folder: Path) -> list[Path]:
    """How everybody truly moves, in a folder that ``humanav multiview eval`` compares with."""
    folder.mkdir(parents=True, exist_ok=True)
    return [save_npz(motion, folder / f"motion_{motion.person_id}.npz") for motion in scene.motions]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=asset("samples") / "hug")
    arguments = parser.parse_args()
    scene = stage()
    truth = arguments.out.with_name(f"{arguments.out.name}_truth")
    for path in [*write(scene, arguments.out), *write_truth(scene, truth)]:
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    if arguments.out == asset("samples") / "hug":
        print(draw_sample_picture("hug").name)


if __name__ == "__main__":
    main()
