"""Test pictures of NeuMan and X-Humans in the folders those data sets come in.

NeuMan (Jiang et al., ECCV 2022), one folder a scene: ``images/00000.png``, ``segmentations/00000.png`` (0 where the
person is), ``sparse/cameras.txt`` and ``images.txt`` (COLMAP), ``test_split.txt``, and SMPL poses in
``smpl_output_optimized.pkl`` with ``alignments.npy``. The folders that avatar papers made of it have ``masks`` (255
where the person is) and ``smplx_optimized/smplx_params/N.json`` instead; both are read.

X-Humans (Shen et al., CVPR 2023), one folder a subject: ``test/TakeN/render/image/color_000001.png``,
``render/depth/depth_000001.tiff``, ``render/cameras.npz`` and ``SMPLX/mesh-f00001_smplx.pkl``.

Bodies in both are SMPL's or SMPL-X's. Their joint rotations mean the same to us, their shape and origin do not: the
body takes the avatar's shape and stands where the mask is (:func:`~humanav.jobs.subject.placed_on_mask`).
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.jobs.subject import placed_on_mask, read_image, read_mask, whole_frame
from humanav.motion import Motion
from humanav.motion.pickles import read_numbers

if TYPE_CHECKING:
    from humanav.avatar.gaussian import TrainFrame
    from humanav.body import BodyModel

DATASETS = ("subject", "neuman", "xhumans")


@dataclass(frozen=True)
class Picture:
    """One test picture.

    Attributes:
        name: its take and number. image: its file. mask: gives (H,W) 0..1.
        K: (3,3). R, t: world to camera. pose: (55,3) axis-angle of the body in that world.
    """

    name: str
    image: Path
    mask: Callable[[], NDArray[np.float32]]
    K: NDArray[np.float64]
    R: NDArray[np.float64]
    t: NDArray[np.float64]
    pose: NDArray[np.float32]

    def frame(self, body: BodyModel, betas: ArrayLike) -> TrainFrame:
        """The whole canvas with a body of this shape in the given pose, standing where the mask is.

        Raises InputError for a mask that is empty or of another size.
        """
        from humanav.avatar.views import View

        image, mask = read_image(self.image), self.mask()
        if mask.shape != image.shape[:2] or not (mask > 0.5).any():
            raise InputError(f"The mask of {self.name} is empty or of another size than its picture: leave that frame "
                             "out of the test list.")
        camera = Camera(self.K, self.R, self.t, image.shape[1], image.shape[0])
        view = View(image, mask, camera, Motion.from_full_pose(self.pose[None]))
        return whole_frame(replace(view, motion=placed_on_mask(view, body, betas)), frame=self.name)


def neuman_pictures(folder: str | Path, split: str = "test") -> list[Picture]:
    """The pictures of a NeuMan scene that ``test_split.txt`` lists.

    Raises:
        InputError: a piece is missing; the sentence says which.
    """
    home = Path(folder)
    listed = _text(home / f"{split}_split.txt", home).split()
    K, poses = _colmap(home)
    bodies = _smplx_params(home) if (home / "smplx_optimized" / "smplx_params").is_dir() else _aligned(home, poses)
    out = []
    for name in listed:
        number = int(re.sub(r"\D", "", Path(name).stem) or -1)
        image = next((home / "images" / f for f in (name, f"{Path(name).stem}.png", f"{number:05d}.png")
                      if (home / "images" / f).is_file()), None)
        if image is None or number not in poses or number not in bodies:
            what = "images" if image is None else "sparse/images.txt" if number not in poses else "the SMPL parameters"
            raise InputError(f"{home.name}: {what} lack {name}, which {split}_split.txt lists.")
        (R, t), (pose, in_camera) = poses[number], bodies[number]
        out.append(Picture(image.name, image, _neuman_mask(home, image), K, np.eye(3) if in_camera else R,
                           np.zeros(3) if in_camera else t, pose))
    return _some(out, home)


def xhumans_pictures(folder: str | Path, split: str = "test") -> list[Picture]:
    """The pictures of all takes of an X-Humans subject's split. Raises InputError as :func:`neuman_pictures`."""
    home = Path(folder)
    takes = sorted(path for path in (home / split).glob("*") if path.is_dir()) if (home / split).is_dir() else []
    out = []
    for take in takes:
        images = {int(re.sub(r"\D", "", file.stem)): file for file in sorted((take / "render/image").glob("*.png"))}
        try:
            with np.load(take / "render" / "cameras.npz", allow_pickle=False) as cameras:
                K, views = (np.asarray(cameras[key], dtype=np.float64) for key in ("intrinsic", "extrinsic"))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(f"{take.name}/render/cameras.npz is missing or holds no intrinsic and extrinsic.") \
                from error
        if len(views) < len(images):
            raise InputError(f"{take.name}/render/cameras.npz has {len(views)} cameras for {len(images)} pictures.")
        bodies = {int(re.findall(r"\d+", file.stem)[0]): file for file in (take / "SMPLX").glob("*")
                  if file.suffix in (".pkl", ".npz") and re.search(r"\d", file.stem)}
        for k, (number, image) in enumerate(sorted(images.items())):
            if number not in bodies:
                raise InputError(f"{take.name}/SMPLX lacks the parameters of picture {number}.")
            depth = image.parent.parent / "depth" / f"depth_{number:06d}.tiff"
            out.append(Picture(f"{take.name}/{number}", image, _depth_mask(depth), K[:3, :3], views[k, :3, :3],
                               views[k, :3, 3], _smplx_pose(bodies[number])))
    return _some(out, home / split)


def _some(pictures: list[Picture], home: Path) -> list[Picture]:
    if not pictures:
        raise InputError(f"There is no test picture in {home}: name the folder of one scene or subject with --data.")
    return pictures


def _text(path: Path, home: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.relative_to(home)} is missing or damaged in {home}: name the folder of one NeuMan "
                         "scene with --data.") from error


def _colmap(home: Path) -> tuple[NDArray[np.float64], dict[int, tuple[Any, Any]]]:
    """Intrinsics and, by the picture's number, (R, t) world to camera, of COLMAP's text files."""
    rows = [line.split() for line in _text(home / "sparse" / "cameras.txt", home).splitlines() if line[:1] != "#"]
    row = next((row for row in rows if row), [])
    try:
        values = [float(v) for v in row[4:]]
        fx, fy, cx, cy = (values[:1] * 2 + values[1:3]) if row[1].startswith("SIMPLE") else values[:4]
        lines = [line for line in _text(home / "sparse" / "images.txt", home).splitlines()
                 if line[:1] != "#" and re.search(r"\.(png|jpe?g)\s*$", line, re.IGNORECASE)]
        poses = {}
        for words in (line.split() for line in lines):
            w, x, y, z, *t = (float(v) for v in words[1:8])
            poses[int(re.sub(r"\D", "", Path(words[9]).stem))] = (Rotation.from_quat([x, y, z, w]).as_matrix(),
                                                                  np.array(t))
    except (IndexError, ValueError) as error:
        raise InputError(f"The COLMAP files in {home.name}/sparse are damaged or of another kind than text.") from error
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), poses


def _aligned(home: Path, poses: dict[int, tuple[Any, Any]]) -> dict[int, tuple[NDArray[np.float32], bool]]:
    """SMPL poses of NeuMan's own fits, turned into each picture's camera."""
    people, alignments = read_numbers(home / "smpl_output_optimized.pkl"), read_numbers(home / "alignments.npy")
    try:
        person = people[next(iter(people))]
        rows = np.asarray(person["pose"], dtype=np.float64).reshape(len(person["pose"]), -1, 3)
        out = {}
        for name, alignment in alignments.items():
            number = int(re.sub(r"\D", "", Path(str(name)).stem))
            if number not in poses or number >= len(rows):
                continue
            turn = poses[number][0] @ np.asarray(alignment, dtype=np.float64)[:3].T[:, :3]
            u, _, vt = np.linalg.svd(turn)  # without its scale
            pose = np.zeros((55, 3), np.float32)
            pose[:22] = rows[number][:22]
            pose[0] = (Rotation.from_matrix(u @ vt) * Rotation.from_rotvec(rows[number][0])).as_rotvec()
            out[number] = (pose, True)
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError) as error:
        raise InputError(f"smpl_output_optimized.pkl or alignments.npy in {home.name} is not NeuMan's.") from error
    return out


def _smplx_params(home: Path) -> dict[int, tuple[NDArray[np.float32], bool]]:
    """SMPL-X poses in the world of COLMAP, as avatar papers fitted them to NeuMan."""
    out = {}
    for file in (home / "smplx_optimized" / "smplx_params").glob("*.json"):
        if not file.stem.isdigit():
            continue
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
            pose = _full_pose(data["root_pose"], data["body_pose"], [data.get(key) for key in (
                "jaw_pose", "leye_pose", "reye_pose", "lhand_pose", "rhand_pose")])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{file.parent.name}/{file.name} holds no SMPL-X parameters.") from error
        out[int(file.stem)] = (pose, False)
    return out


def _smplx_pose(file: Path) -> NDArray[np.float32]:
    try:
        if file.suffix == ".npz":
            with np.load(file, allow_pickle=False) as data:
                found: Any = dict(data)
        else:
            found = read_numbers(file)
        return _full_pose(found["global_orient"], found["body_pose"], [found.get(key) for key in (
            "jaw_pose", "leye_pose", "reye_pose", "left_hand_pose", "right_hand_pose")])
    except (KeyError, TypeError, ValueError, AttributeError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{file.parent.name}/{file.name} holds no SMPL-X parameters.") from error


def _full_pose(root: Any, body: Any, others: Sequence[Any]) -> NDArray[np.float32]:
    """(55,3); what is not told is zero."""
    rows = [np.reshape(root, (1, 3)), np.reshape(body, (-1, 3))[:21]]
    rows += [np.zeros((count, 3)) if value is None else np.reshape(value, (count, 3))
             for value, count in zip(others, (1, 1, 1, 15, 15))]
    return np.concatenate(rows).astype(np.float32)


def _neuman_mask(home: Path, image: Path) -> Callable[[], NDArray[np.float32]]:
    own = home / "masks" / f"{image.stem}.png"
    number = home / "masks" / f"{int(image.stem)}.png" if image.stem.isdigit() else own
    for path in (own, number):
        if path.is_file():
            return lambda: read_mask(path)
    return lambda: 1 - read_mask(home / "segmentations" / f"{image.stem}.png")


def _depth_mask(path: Path) -> Callable[[], NDArray[np.float32]]:
    def mask() -> NDArray[np.float32]:
        import cv2

        depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
        if depth is None:
            raise InputError(f"{path.parent.parent.parent.name}/render/depth/{path.name}, which the mask is read from, "
                             "is missing or damaged.")
        values = np.asarray(depth if depth.ndim == 2 else depth[..., 0], dtype=np.float64)
        return np.asarray(np.isfinite(values) & (values < values.max()), dtype=np.float32)

    return mask
