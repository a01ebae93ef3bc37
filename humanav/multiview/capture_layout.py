"""Where the videos, pictures and masks of a capture lie, in the layouts people have on disk."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from humanav.perception.video import natural_order

VIDEOS = (".mp4", ".mov", ".avi", ".webm", ".mkv", ".m4v", ".mpg", ".mpeg", ".wmv", ".mts")
CALIBRATIONS = (".yml", ".yaml", ".json", ".toml", ".txt", ".qca", ".xml", ".npz")
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_VIDEO_FOLDERS = ("videos", "hdvideos", "video")
_PICTURE_FOLDERS = ("images", "hdimgs", "imgs", "image")
_MASK_FOLDERS = ("mask_sta", "masks", "mask", "seg/img_seg_mask", "img_seg_mask", "mask_gt")
_NO_VIEWS = re.compile(r"^(mask.*|seg|frames.*|calib.*|cameras?|smpl.*|skel.*|kpts.*|pose.*|output.*|results?|boards?|"
                       r"intrinsics?|extrinsics?|videos?|hdvideos|meta|\..*|__.*)$", re.IGNORECASE)


@dataclass
class Layout:
    """What was found: views by name, where each lies, masks by view, odd things (``stops``, sentence, file)."""

    sources: dict[str, Path] = field(default_factory=dict)
    masks: dict[str, Path] = field(default_factory=dict)
    odd: list[tuple[bool, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def layout_of(folder: Path) -> tuple[Path, Layout]:
    """The views of a folder, or, when it holds none, of the one folder in it that does; and which folder that was."""
    layout = _layout(folder)
    if len(layout.sources) > 1:
        return folder, layout
    inside = [(item, found) for item in sorted(folder.iterdir()) if item.is_dir() and not _NO_VIEWS.match(item.name)
              and item.name.lower() not in _PICTURE_FOLDERS and len((found := _layout(item)).sources) > 1]
    if len(inside) > 1:
        several = (True, f"There are several captures ({', '.join(item.name for item, _ in inside)}): name the folder "
                   "of one.", folder.name)
        return folder, Layout(odd=[several])
    return inside[0] if len(inside) == 1 else (folder, layout)


def _layout(folder: Path) -> Layout:
    """``videos/<cam>.mp4``, ``hdVideos``, ``images/<cam>/*.jpg``, videos in the folder itself, or a folder for each
    camera with pictures or one video."""
    named = {item.name.lower(): item for item in sorted(folder.iterdir()) if item.is_dir()}
    layout = Layout()
    videos = next((found for name in _VIDEO_FOLDERS if name in named and (found := _videos(named[name]))), {})
    pictures: dict[str, Path] = {}
    for name in _PICTURE_FOLDERS:
        if name in named and not pictures:
            pictures = _view_folders(named[name], layout)
    beside = _videos(folder)
    if videos and pictures and len(pictures) > len(videos):
        layout.notes.append(f"There are pictures of {len(pictures)} views and videos of {len(videos)}: the pictures "
                            "are read.")
        videos = {}
    elif videos and pictures:
        layout.notes.append("There are videos and pictures of the views: the videos are read.")
    layout.sources = videos or pictures or beside or _view_folders(folder, layout)
    if beside and layout.sources is not beside:
        layout.notes.append(f"Videos beside the views' folder are left out: {', '.join(sorted(beside))}.")
    return layout


def masks_of(folder: Path) -> dict[str, Path]:
    """Folder of mask pictures by name of the view; ``all`` where a view has masks of several kinds."""
    named = [folder / name for name in _MASK_FOLDERS]
    others = [item for item in sorted(folder.iterdir()) if item.is_dir() and "mask" in item.name.lower()]
    for place in (*named, *others):
        found = mask_views(place)
        if found:
            return found
    return {}


def mask_views(folder: Path) -> dict[str, Path]:
    """The views of a folder of masks: ``<cam>/*.png`` or ``<cam>/all/*.png``."""
    if not folder.is_dir():
        return {}
    found = {}
    for view in sorted((item for item in folder.iterdir() if item.is_dir()), key=natural_order):
        if pictures_of(view):
            found[view.name] = view
        elif pictures_of(view / "all"):
            found[view.name] = view / "all"
    return found


def pictures_of(folder: Path) -> list[Path]:
    """The pictures directly in a folder, in their order; none when it is no folder."""
    if not folder.is_dir():
        return []
    return sorted((file for file in folder.iterdir() if file.suffix.lower() in PICTURES and file.is_file()
                   and not file.name.startswith(".")), key=natural_order)


def picture_numbers(files: list[Path]) -> list[int] | None:
    """The number that ends each file's name, None unless every one has its own and they rise."""
    found = [re.search(r"(\d+)\D*$", file.stem) for file in files]
    if not all(found):
        return None
    numbers = [int(match.group(1)) for match in found if match]
    return numbers if all(a < b for a, b in pairwise(numbers)) else None


def _videos(folder: Path) -> dict[str, Path]:
    files = sorted((file for file in folder.iterdir() if file.is_file() and file.suffix.lower() in VIDEOS
                    and not file.name.startswith(".")), key=natural_order)
    stems = [file.stem for file in files]
    return {file.stem if stems.count(file.stem) == 1 else file.name: file for file in files}


def _view_folders(folder: Path, layout: Layout) -> dict[str, Path]:
    views: dict[str, Path] = {}
    for item in sorted((item for item in folder.iterdir() if item.is_dir()), key=natural_order):
        if _NO_VIEWS.match(item.name):
            continue
        inside = _videos(item)
        if pictures_of(item):
            views[item.name] = item
        elif len(inside) == 1:
            views[item.name] = next(iter(inside.values()))
        elif inside:
            layout.odd.append((True, f"The folder {item.name} holds {len(inside)} videos: leave one for each camera.",
                               item.name))
        elif not any(item.iterdir()):
            layout.odd.append((False, f"The folder {item.name} is empty: put the pictures of that camera there, or "
                                      "remove it.", item.name))
        elif folder.name.lower() in _PICTURE_FOLDERS:
            layout.odd.append((False, f"The folder {item.name} holds no pictures: JPEG or PNG files are needed.",
                               item.name))
    return views
