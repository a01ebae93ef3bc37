"""A subject's folder in PERSONA's layout: where its splits lie, what must be in them, and reading them.

``ROOT/ID/captured`` holds the photo (or frames of a clip), ``generated_0``, ... generated training frames, ``test``
pictures to compare with. Each has, for frame N, ``images/N.png``, ``masks/N.png``, ``cam_params/N.json`` and
``smplx_optimized/smplx_params/N.json``; ``frame_idx_list.txt`` says which frames count (Sim and Moon, PERSONA, 2025).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.camera import Camera
from humanav.errors import ImageError, InputError
from humanav.motion import Motion

if TYPE_CHECKING:
    from humanav.avatar.gaussian import TrainFrame
    from humanav.avatar.views import View
    from humanav.body import BodyModel

ROOT = "data/subjects"
CAPTURED, OWN_CAPTURED, TEST = "captured", "captured_humanav", "test"
FRAME_LIST, MESH, ABOUT = "frame_idx_list.txt", "humanav_mesh.npz", "humanav_about.json"
_PICTURES = (".png", ".jpg", ".jpeg")
_PLACING = 6


@dataclass(frozen=True)
class Subject:
    """Attributes: root: the folder of subjects. name: the subject's ID, its folder there."""

    root: Path
    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^/\\.][^/\\]*", self.name):
            raise InputError(f"A subject's name is the name of a folder, not {self.name!r}.")

    @property
    def folder(self) -> Path:
        return self.root / self.name

    @property
    def captured(self) -> Path:
        """The split to learn from: ours, where one had to be made beside PERSONA's."""
        own = self.folder / OWN_CAPTURED
        return own if own.is_dir() else self.folder / CAPTURED

    @property
    def generated(self) -> list[Path]:
        """The splits ``generated_0``, ``generated_1``, ... that are there."""
        found = [path for path in self.folder.glob("generated_*") if path.is_dir() and path.name[10:].isdigit()]
        return sorted(found, key=lambda path: int(path.name[10:]))

    def command(self, what: str = "--photo PHOTO") -> str:
        """What makes the ``captured`` split."""
        place = "" if self.root == Path(ROOT) else f" --root {self.root}"
        return f"humanav avatar train --subject {self.name}{place} {what}"


@dataclass(frozen=True)
class Split:
    """The frames of one split; F of them.

    Attributes:
        folder: of the split. numbers: (F,) of its frames.
        images, masks: (F,) files. motion: F frames, the body in each picture. cameras: (F,) of the pictures.
        foreign: whether poses were told for another body model than the one in use.
        notes: what had to be assumed, in sentences.
    """

    folder: Path
    numbers: tuple[int, ...]
    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    motion: Motion
    cameras: tuple[Camera, ...]
    foreign: bool = False
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def view(self, k: int) -> View:
        """Frame number ``numbers[k]`` with its whole picture. Raises InputError for a mask that is empty."""
        from humanav.avatar.views import View

        image, alpha = read_image(self.images[k]), read_mask(self.masks[k])
        if alpha.shape != image.shape[:2]:
            raise InputError(f"{_short(self.masks[k])} has another size than {_short(self.images[k])}: make the mask "
                             "of this picture.")
        if not (alpha > 0.5).any():
            raise InputError(f"{_short(self.masks[k])} is empty: there is nobody in it to learn from or to compare "
                             "with. Remove the frame, or make its mask again.")
        camera = self.cameras[k]
        if (camera.width, camera.height) != (image.shape[1], image.shape[0]):  # the layout does not say the size
            camera = replace(camera, width=image.shape[1], height=image.shape[0])
        return View(image, alpha, camera, self.motion[k])

    def views(self) -> list[View]:
        return [self.view(k) for k in range(len(self))]

    def frames(
        self, body: BodyModel | None = None, betas: ArrayLike | None = None, rows: Sequence[int] | None = None
    ) -> Iterator[TrainFrame]:
        """The frames on their whole canvases, one after the other, as an avatar is compared with them.

        Args:
            body, betas: the avatar's. Given, a body that was told for another model is placed where the mask is.
            rows: which of them; all by default.
        """
        for k in range(len(self)) if rows is None else rows:
            view = self.view(k)
            if self.foreign and body is not None and betas is not None:
                view = replace(view, motion=placed_on_mask(view, body, betas))
            yield whole_frame(view, split=self.folder.name, frame=self.numbers[k])


def read_split(subject: Subject, folder: Path, body: BodyModel) -> Split:
    """Read a split.

    Raises:
        InputError: it is not there, or a piece of it is missing; the sentence says which and what makes it.
    """
    from humanav.export.persona_reading import SIDECAR, read_persona

    makes = f"; {subject.command()} makes them" if folder.name.startswith("captured") else \
        ": PERSONA's preprocessing makes them, or choose frames that have them"
    if not folder.is_dir():
        what = f"{subject.folder} has no split {folder.name}"
        raise InputError(f"{what}: run {subject.command()} first." if folder.name == CAPTURED else
                         f"{what}: put pictures with masks, cameras and SMPL-X parameters there, or leave it out.")
    images = _numbered(folder / "images")
    if not images:
        raise InputError(f"{folder.name}/images of the subject {subject.name} holds no pictures{makes}.")
    wanted = _listed(folder / FRAME_LIST) or tuple(images)
    masks, home = _numbered(folder / "masks"), folder / "smplx_optimized" / "smplx_params"
    params, cameras = (_numbered(place, (".json",)) for place in (home, folder / "cam_params"))
    for name, found in (("images", images), ("masks", masks), ("smplx_optimized/smplx_params", params),
                        ("cam_params", cameras)):
        lost = [number for number in wanted if number not in found]
        if lost:
            what = "frame " + str(lost[0]) if len(lost) == 1 else f"{len(lost)} frames (the first is {lost[0]})"
            raise InputError(f"{folder.name}/{name} of the subject {subject.name} lacks {what}{makes}.")
    clip = read_persona(folder, body=body, fps=30.0, one_camera=False)
    place = {number: k for k, number in enumerate(clip.frames)}
    chosen = np.array([place[number] for number in wanted])
    foreign = not _same_body(folder / SIDECAR, body)
    notes = [note for note in clip.notes if "interpolated" not in note and "frame rate" not in note]
    if foreign:
        notes.append(f"The shape in {folder.name} was told for SMPL-X, not for the body in use: poses were taken as "
                     "they are, shape and place were fitted to the person.")
    return Split(folder, tuple(wanted), tuple(images[n] for n in wanted), tuple(masks[n] for n in wanted),
                 _rows(clip.motion, chosen), tuple(clip.cameras[k] for k in chosen), foreign, tuple(notes))


def whole_frame(view: View, **provenance: Any) -> TrainFrame:
    """A view as a frame on its whole canvas, its colours as they are: what an avatar is compared with."""
    from humanav.avatar.gaussian import TrainFrame

    return TrainFrame(
        np.asarray(view.image, dtype=np.float32) / 255, np.asarray(view.alpha, dtype=np.float32), view.camera,
        np.asarray(view.motion.full_pose[0], dtype=np.float32), np.asarray(view.motion.transl[0], dtype=np.float32),
        "captured", None, 1.0, dict(provenance))


def placed_on_mask(view: View, body: BodyModel, betas: ArrayLike) -> Motion:
    """The view's pose on a body of this shape, moved to where its outline fills the mask's box: as high, in its middle.

    For poses that were told for another body model, whose lengths and origin differ.
    """
    motion = replace(view.motion[0], betas=np.asarray(betas, dtype=np.float32), expression=np.zeros((1, 0), np.float32))
    rows, columns = np.nonzero(view.alpha > 0.5)
    low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()]) + 1.0
    vertices = body.from_motion(replace(motion, transl=np.zeros((1, 3), np.float32))).vertices
    assert vertices is not None
    points = vertices[0].double().numpy()
    camera = view.camera
    focal, middle = np.diag(camera.K)[:2], camera.K[:2, 2]
    turned = points @ camera.R.T
    wanted = max(float(high[1] - low[1]), 1.0)
    offset = np.array([0.0, 0.0, focal[1] * float(np.ptp(turned[:, 1])) / wanted])
    for _ in range(_PLACING):
        seen = turned + offset
        pixels = seen[:, :2] / np.maximum(seen[:, 2:], 1e-2) * focal + middle
        least, most = pixels.min(axis=0), pixels.max(axis=0)
        offset[2] *= float(most[1] - least[1]) / wanted
        offset[:2] += (low + high - least - most) / 2 / focal * offset[2]
    transl = camera.R.T @ (offset - camera.t)
    return replace(motion, transl=transl[None].astype(np.float32))


def read_image(path: Path) -> NDArray[np.uint8]:
    """A picture as uint8 RGB (H,W,3). Raises ImageError when it cannot be read."""
    return np.asarray(_opened(path, "RGB"), dtype=np.uint8)


def read_mask(path: Path) -> NDArray[np.float32]:
    """A mask (H,W) 0..1. Raises ImageError when it cannot be read."""
    return np.asarray(_opened(path, "L"), dtype=np.float32) / 255


def about(folder: Path) -> dict[str, Any]:
    """What we noted of a split when we made it; empty for others' splits."""
    try:
        found = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _opened(path: Path, mode: str) -> Any:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.convert(mode)
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, ValueError and more
        raise ImageError(f"{_short(path)} cannot be read as a picture: it is damaged or missing.") from error


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])


def _numbered(folder: Path, endings: tuple[str, ...] = _PICTURES) -> dict[int, Path]:
    """File by frame number, in order."""
    if not folder.is_dir():
        return {}
    files = (file for file in folder.iterdir() if file.suffix.lower() in endings and file.stem.isdigit())
    return dict(sorted((int(file.stem), file) for file in files))


def _listed(path: Path) -> tuple[int, ...]:
    """The numbers of a frame list; empty without one."""
    if not path.is_file():
        return ()
    try:
        return tuple(int(line) for line in path.read_text(encoding="utf-8").split())
    except ValueError as error:
        raise InputError(f"{_short(path)} must hold one frame number a line.") from error


def _same_body(sidecar: Path, body: BodyModel) -> bool:
    """Whether a split's shape was told for this body: we wrote it for it, or it is SMPL-X's on a SMPL-X file."""
    try:
        return bool(json.loads(sidecar.read_text(encoding="utf-8"))["body"] == body.name)
    except (OSError, ValueError, KeyError, TypeError):
        return body.name == "smplx"


def _rows(motion: Motion, rows: NDArray[Any]) -> Motion:
    return Motion.from_full_pose(motion.full_pose[rows], motion.fps, motion.transl[rows], motion.betas,
                                 motion.expression[rows], motion.name)
