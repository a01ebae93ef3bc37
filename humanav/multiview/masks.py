"""Masks of the user for people already detected: PNG files of each view, with one colour for all or one for each.

A folder for each view with a picture for each frame (``cam01/000000.png``), or what AvatarPose has
(``mask_sta/<view>/all/000000.png``, palette pictures). Where a picture has several colours each is one person, given to
the detection most of whose keypoints lie in it; where it has one, its pixels are shared out among the people there by
the nearest skeleton.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanav.errors import ImageError, InputError
from humanav.multiview.match_settle import BONES
from humanav.multiview.value import Sightings
from humanav.perception.takes import MASK_SIDE, encode_mask
from humanav.perception.video import natural_order
from humanav.progress import Progress

Labels = NDArray[np.int64]
Array = NDArray[np.float64]

_INSIDE = 0.4  # share of a person's keypoints that lie in a mask that is it
_TRUSTED = 0.3  # confidence of the keypoints that are asked
_GREY = 127  # above it a grey picture shows a person
_MOST_PEOPLE = 32  # grey values that can be people's numbers


def with_masks(
    sightings: Sightings, place: str | Path | Mapping[str, str | Path], sizes: Sequence[tuple[int, int]], *,
    number: Callable[[int, int], int] | None = None, progress: Progress | None = None,
) -> Sightings:
    """The sightings with the masks of files.

    Args:
        sightings: with keypoints; the masks that they have stay where there is no file.
        place: a folder with a folder for each view, or each view's folder by name (views may lack).
        sizes: (width, height) of each view's camera, the pixels of the keypoints.
        number: gives for a view and frame the number of the file's frame; the same by default.
        progress: told of the parts done, and asked whether to stop.

    Raises:
        InputError: no masks, or fewer than frames.
        ImageError: a file is no picture, or of another shape than the view's pictures.
        Cancelled: ``progress`` was told to stop.
    """
    folders = dict(place) if isinstance(place, Mapping) else find_masks(place, sightings.names)
    if not any(name in folders for name in sightings.names):
        raise InputError(f"There are no masks of {', '.join(sightings.names[:4])}: give a folder of PNG files for each "
                         "view, named like it.")
    masks = dict(sightings.masks)
    notes: list[str] = []
    for view, name in enumerate(sightings.names):
        if name not in folders:
            continue
        files = mask_files(Path(folders[name]))
        homeless = 0
        for t in range(sightings.frames):
            if progress is not None:
                progress.update((view + t / sightings.frames) / len(sightings.names))
            at = t if number is None else number(view, t)
            if at >= len(files):
                raise InputError(f"There are {len(files)} masks of {name}, but frame {at} is wanted: one mask for each "
                                 "frame is needed.")
            labels = read_labels(files[at], sizes[view])
            own = shared_out(labels, sightings.keypoints[t, view], sizes[view], sightings.landmark_names)
            homeless += int(bool((labels > 0).any()) and not own)
            for slot in np.flatnonzero(sightings.present[t, view]):
                if slot in own:
                    masks[t, view, int(slot)] = encode_mask(own[slot].astype(np.float32))
                else:
                    masks.pop((t, view, int(slot)), None)
        if homeless:
            notes.append(f"{name}: in {homeless} frames the mask belongs to nobody who was detected.")
    return replace(sightings, masks=masks, notes=(*sightings.notes, *notes))


def find_masks(place: str | Path, names: Sequence[str]) -> dict[str, Path]:
    """The folder of mask pictures of each view that has one.

    Raises:
        InputError: there is no such folder.
    """
    root = Path(place)
    if not root.is_dir():
        raise InputError(f"There is no folder {root.name} of masks: check the name.")
    out = {}
    for name in names:
        for folder in (root / name / "all", root / name, root / "mask_sta" / name / "all", root / "mask_sta" / name,
                       root / "masks" / name):
            if folder.is_dir() and any(file.suffix.lower() == ".png" for file in folder.iterdir()):
                out[name] = folder
                break
    return out


def mask_files(folder: Path) -> list[Path]:
    """The PNG files of a folder in their order. Raises InputError when there are none."""
    folder = folder / "all" if (folder / "all").is_dir() else folder
    files = sorted((file for file in folder.iterdir() if file.suffix.lower() == ".png"), key=natural_order) \
        if folder.is_dir() else []
    if not files:
        raise InputError(f"There are no PNG files in the folder of masks {folder.name}.")
    return files


def read_labels(file: Path, size: tuple[int, int]) -> Labels:
    """(h,w) number of the person at each pixel of a small copy of a mask picture, 0 for nobody.

    Palette pictures: the index. Grey ones whose values are few and small: the value; else what is brighter than the
    middle is a person. Coloured ones: every colour but black is a person; transparent pixels are nobody's.

    Args:
        file: the picture.
        size: (width, height) of the view's camera.

    Raises:
        ImageError: no picture, or of another shape.
    """
    from PIL import Image

    from humanav.perception.images import picture_kinds

    try:
        with Image.open(file, formats=picture_kinds()) as image:
            factor = min(1.0, MASK_SIDE / max(image.size))
            if abs(image.width / image.height - size[0] / size[1]) > 0.02:
                raise ImageError(f"The mask {file.name} is {image.width} x {image.height} pixels, the view's pictures "
                                 f"{size[0]} x {size[1]}: masks of the same shape are needed.")
            shape = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
            mode = image.mode
            if mode == "P":
                return np.asarray(image.resize(shape, Image.Resampling.NEAREST)).astype(np.int64)
            if mode in ("RGB", "RGBA", "LA"):
                rgba = np.asarray(image.convert("RGBA").resize(shape, Image.Resampling.NEAREST)).astype(np.int64)
                code = rgba[..., 0] << 16 | rgba[..., 1] << 8 | rgba[..., 2]
                code[rgba[..., 3] < _GREY] = 0
                return _numbered(code)
            grey = np.asarray(image.resize(shape, Image.Resampling.NEAREST)).astype(np.int64)
    except ImageError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, ValueError and more
        raise ImageError(f"The mask {file.name} cannot be read: it is damaged, or no PNG file.") from error
    return _levels(grey)


def _levels(grey: Labels) -> Labels:
    """Grey levels as numbers: small ones are people's own, else the bright ones are one person."""
    if grey.max(initial=0) <= _MOST_PEOPLE:
        return grey
    return (grey > (_GREY if grey.max() < 256 else grey.max() // 2)).astype(np.int64)


def _numbered(code: Labels) -> Labels:
    """Colours as numbers; blends at the edges, which are rare, and single colours near to grey levels as one."""
    values, counts = np.unique(code[code > 0], return_counts=True)
    main = values[counts > 0.02 * max(counts.sum(), 1)]
    parts = np.stack([main >> 16 & 255, main >> 8 & 255, main & 255]) if len(main) else np.zeros((3, 0))
    if len(main) and (np.ptp(parts, axis=0) == 0).all():
        return _levels(code >> 16 & 255)  # a grey picture saved with colours
    out = np.zeros_like(code)
    for place, value in enumerate(main, 1):
        out[code == value] = place
    return out


def shared_out(
    labels: Labels, people: Array, size: tuple[int, int], names: Sequence[str]
) -> dict[int, NDArray[np.bool_]]:
    """(h,w) masks of the detections (D,K,3) of a frame by their number, from labels (h,w).

    Args:
        labels: of :func:`read_labels`.
        people: keypoints in pixels of a picture of ``size`` (width, height).
        size: see above.
        names: of the K points.
    """
    scale = np.array([labels.shape[1] / size[0], labels.shape[0] / size[1]])
    there = [slot for slot in range(len(people)) if (people[slot, :, 2] > 0).any()]
    numbers = [int(value) for value in np.unique(labels) if value > 0]
    if not there or not numbers:
        return {}
    inside = np.array([[_share(labels == value, people[slot], scale) for value in numbers] for slot in there])
    homes: dict[int, list[int]] = {value: [] for value in numbers}
    for row, slot in enumerate(there):
        best = int(inside[row].argmax())
        if inside[row, best] >= _INSIDE:
            homes[numbers[best]].append(slot)
    out: dict[int, NDArray[np.bool_]] = {}
    for value, slots in homes.items():
        region = labels == value
        if len(slots) == 1:
            out[slots[0]] = region
        elif slots:
            ys, xs = np.nonzero(region)
            pixels = np.stack([xs + 0.5, ys + 0.5], axis=1)
            nearest = np.argmin([_to_skeleton(pixels, people[slot], scale, names) for slot in slots], axis=0)
            for place, slot in enumerate(slots):
                out[slot] = np.zeros(region.shape, bool)
                out[slot][ys[nearest == place], xs[nearest == place]] = True
    return out


def _share(region: NDArray[np.bool_], points: Array, scale: Array) -> float:
    """Share of a person's trusted keypoints that lie in a region."""
    trusted = points[points[:, 2] > _TRUSTED]
    trusted = trusted if len(trusted) else points[points[:, 2] > 0]
    x, y = np.floor(trusted[:, :2] * scale).astype(int).T
    within = (x >= 0) & (y >= 0) & (x < region.shape[1]) & (y < region.shape[0])
    return float((region[np.clip(y, 0, region.shape[0] - 1), np.clip(x, 0, region.shape[1] - 1)] & within).mean())


def _to_skeleton(pixels: Array, points: Array, scale: Array, names: Sequence[str]) -> Array:
    """(N,) distance of pixels (N,2) from the bones of a person, in pixels of the mask."""
    place = {name: i for i, name in enumerate(names)}
    pairs = [(place[f"{side}_{a}"], place[f"{side}_{b}"]) for side in ("left", "right") for a, b in BONES
             if f"{side}_{a}" in place and f"{side}_{b}" in place]
    pairs += [(i, i) for i in range(len(points))]
    out = np.full(len(pixels), np.inf)
    for a, b in pairs:
        if min(points[a, 2], points[b, 2]) <= 0:
            continue
        start, end = points[a, :2] * scale, points[b, :2] * scale
        way = end - start
        along = np.clip((pixels - start) @ way / max(float(way @ way), 1e-9), 0, 1)
        np.minimum(out, np.linalg.norm(pixels - start - along[:, None] * way, axis=1), out=out)
    return out
