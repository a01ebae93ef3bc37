"""Make the pictures of the README and of the notebook about photos, from the sample photos (a few minutes).

    python scripts/make_docs_pictures.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanav.avatar import Avatar
from humanav.body import BodyModel
from humanav.jobs import STAGES, photo_to_avatar
from humanav.motion import fit_to_shape, in_place, load_clip
from humanav.paths import asset, home
from humanav.perception import load_image
from humanav.progress import Event, Progress
from humanav.results import Result
from humanav.view import animation_frames, contact_sheet, turntable

MOVES = (("walk", 0.3), ("celebrate", 0.5), ("squat", 0.5))


def main() -> None:
    """Write assets/docs/overview.jpg, assets/docs/evidence.jpg and notebooks/images/02_photo_to_avatar.png."""
    docs = asset("docs")
    docs.mkdir(parents=True, exist_ok=True)
    samples = sorted(asset("samples").glob("*.jpg"))[:3]
    body = BodyModel.load()
    with tempfile.TemporaryDirectory() as folder:
        results = [make(path, Path(folder) / path.stem) for path in samples]
        rows = [row(path, result, body) for path, result in zip(samples, results)]
        pictures = [np.asarray(Image.open(results[0].path(f"{name}.jpg")).convert("RGB"))
                    for name in ("keypoints", "matte", "overlay", "side", "texture")]
    save(contact_sheet([picture for part in rows for picture in part], columns=len(rows[0]), height=420,
                       max_width=1900), docs / "overview.jpg")
    labels = ["found", "cut out", "body over the photo", "from the side", "texture"]
    save(contact_sheet(pictures, labels, columns=5, height=420, max_width=1600), docs / "evidence.jpg")
    preview = contact_sheet([pictures[0], pictures[2], *rows[0][1:]], columns=8, height=300, max_width=1400)
    (home() / "notebooks" / "images").mkdir(exist_ok=True)
    save(preview, home() / "notebooks" / "images" / "02_photo_to_avatar.png")


def make(photo: Path, out: Path) -> Result:
    """The avatar of a sample."""
    def say(event: Event) -> None:
        if event.caption:
            print(f"{photo.name} {event.seconds:5.1f} s  {event.stage}: {event.caption}", file=sys.stderr)

    return photo_to_avatar(photo, out=out, progress=Progress(len(STAGES), say))


def row(photo: Path, result: Result, body: BodyModel) -> list[NDArray[np.uint8]]:
    """The photo, the avatar from four sides, and a moment of three motions."""
    avatar = Avatar.load(result.path("avatar.npz"))
    size = (330, 480)
    sides = list(turntable(avatar, size, seconds=4, fps=1, yaw=20))[:3]
    moments = []
    for name, when in MOVES:
        clip = in_place(fit_to_shape(load_clip(name), body, avatar.betas))
        start = int(when * len(clip))
        moments.append(next(animation_frames(avatar, clip[start: start + 1], size)))
    return [load_image(photo), *sides, *moments]


def save(picture: NDArray[np.uint8], path: Path) -> None:
    """Write JPEG or PNG."""
    Image.fromarray(picture).save(path, quality=86, optimize=True)
    print(f"{path.relative_to(home())}: {picture.shape[1]} x {picture.shape[0]}, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
