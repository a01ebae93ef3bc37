"""Pieces of the tab "2D to 3D": samples, what a visitor's files and words mean, the curves and numbers of a result."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from humanav.app import kept, pieces
from humanav.errors import InputError
from humanav.jobs.uplift_sources import Source
from humanav.paths import sample_photos
from humanav.results import Result, content_id
from humanav.view import plotly_html, plotly_script
from humanav.view.angles import angles_html, figure_angles

SAMPLES: dict[str, str] = {
    "A squat, as keypoints": "squat", "A dance, as keypoints": "dance", "Jumping jacks, as keypoints": "jumping_jack",
    "A photo": ""}
"""The page's samples: a built-in clip whose keypoints are drawn, or "" for a sample photo."""
PLAYER = "#uplift-viewer iframe"

_FIGURES = ('<svg viewBox="0 0 200 168" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="rou'
            'nd" aria-hidden="true"><path d="M48 42v50M48 54 18 60 26 26M48 54l30-6 8 34M48 92 28 122l-2 38M48 92l18 '
            '34 20 30M100 84h12m-5-5 5 5-5 5" stroke-width="3"/><path d="M48 24h0M48 54h0M18 60h0M26 26h0M78 48h0M86 '
            '82h0M48 92h0M28 122h0M26 160h0M66 126h0M86 156h0" stroke-width="11"/><path d="M160 52v44M160 54l-28 6 8-'
            '32M160 54l28-4 6 32M160 98l-20 26-2 36M160 98l18 30 18 28" stroke-width="13"/><path d="M160 24h0" stroke'
            '-width="28"/></svg>')


@dataclass(frozen=True)
class Files:
    """A visitor's files: what is lifted, and the pictures that keypoints belong to."""

    source: Path
    pictures: Path | None = None


def empty(title: str, line: str) -> str:
    """A viewer before there is anything to see."""
    return f'<div class="stage empty wide">{_FIGURES}<b>{html.escape(title)}</b><span>{html.escape(line)}</span></div>'


def sample_source(name: str) -> Source:
    """What a sample of the page is made of.

    Raises:
        InputError: there is no such sample.
    """
    from humanav.jobs.uplift_samples import sample_keypoints

    if name not in SAMPLES:
        raise InputError(f"There is no sample {name!r}: choose one of the list.")
    return sample_keypoints(SAMPLES[name]) if SAMPLES[name] else sample_photos()[-1]


_TABLES = (".json", ".npz", ".csv")


def sort_files(files: Sequence[str]) -> Files:
    """The source among uploaded files: one clip, photo or keypoint file, many JSON files of one clip, or keypoints
    together with the clip or photo they were found in.

    Raises:
        InputError: files that do not belong together.
    """
    paths = [Path(file) for file in files]
    tables = [path for path in paths if path.suffix.lower() in _TABLES]
    pictures = [path for path in paths if path not in tables]
    if len(pictures) > 1:
        raise InputError(f"There are {len(pictures)} clips or pictures: drop one at a time.")
    if not tables:
        return Files(pictures[0])
    kinds = {path.suffix.lower() for path in tables}
    if len(tables) > 1 and kinds != {".json"}:
        raise InputError("Drop one keypoint file at a time; only the JSON files of one clip come together.")
    source = _folder_of(tables) if len(tables) > 1 else tables[0]
    return Files(source, pictures[0] if pictures else None)


def _folder_of(files: Sequence[Path]) -> Path:
    """The files, which were uploaded one by one, in a folder of their own. Raises InputError for two of one name."""
    contents = {path.name: path.read_bytes() for path in files}
    if len(contents) < len(files):
        raise InputError("Two of the JSON files have the same name: the frames of one clip are told apart by it.")
    folder = kept.store().previews / f"keypoints-{content_id('upload', contents)}"
    if not folder.is_dir():
        part = kept.store().preview_path("")
        part.mkdir()
        for name, content in contents.items():
            (part / name).write_bytes(content)
        try:
            part.rename(folder)
        except OSError:  # another page of the same files was first
            shutil.rmtree(part)
    return folder


def parse_size(words: str | None) -> tuple[int, ...]:
    """Width and height from "1920x1080" or "1920 1080"; empty for nothing. Raises InputError for other words."""
    text = (words or "").strip().lower()
    if not text:
        return ()
    found = re.fullmatch(r"(\d{1,5})\s*(?:x|×|,|\*|by|\s)\s*(\d{1,5})", text)
    if not found or not int(found[1]) or not int(found[2]):
        raise InputError(f"{text[:20]!r} is no picture size: write width and height like 1920x1080.")
    return int(found[1]), int(found[2])


def parse_names(words: str | None) -> dict[str, int] | None:
    """Landmark name to the number of a keypoint file's point, from the points' names between commas or on lines, in the
    file's order; None for nothing."""
    names = [name.strip().lower().replace(" ", "_") for name in re.split(r"[,;\n]", words or "")]
    return {name: number for number, name in enumerate(names) if name not in ("", "-")} or None


def camera_of(focal: float | None, size: tuple[int, ...]) -> tuple[float, ...]:
    """fx, fy, cx, cy of a focal length in pixels in a picture of this size; empty where the focal length is not known.

    Raises:
        InputError: the focal length is not positive, or the size is not known.
    """
    if not focal:
        return ()
    if not np.isfinite(focal) or focal <= 0:
        raise InputError("The focal length must be a positive number of pixels.")
    if not size:
        raise InputError("A focal length needs the picture's size: write width and height in the options too.")
    return float(focal), float(focal), size[0] / 2, size[1] / 2


def angle_curves(result: Result) -> str:
    """The joint angles of a result, in step with the player above; "" where there is but one frame."""
    report = result.report
    if report["frames"] < 2 or not report.get("curves"):
        return ""
    figure = figure_angles(report["curves"], report["fps"], columns=2)
    frame = angles_html(figure, (report["frames"] - 1) / report["fps"], player=PLAYER, fps=report["fps"],
                        script=pieces.file_url(plotly_script()))
    return ('<h3 class="part">Joint angles</h3><p class="hint">In degrees; 0 is straight, or hanging for the arm. '
            f"Click a curve to go to that moment.</p>{frame}")


_NUMBERED = (("knee_flexion", "Knee bend"), ("hip_flexion", "Hip bend"), ("elbow_flexion", "Elbow bend"),
             ("shoulder_elevation", "Arm raised"))


def numbers(result: Result) -> str:
    """What is known of how well the body fits, and the least and most of its angles."""
    report = result.report
    still = report["frames"] == 1
    facts = [("Off the 2D points", f"{report['reprojection_px']:.1f} px"),
             ("Of the person's size", f"{report['reprojection_pct_size']:.1f}%"),
             ("Confidence", f"{report['confidence']:.0%}"),
             ("Frames with the person", f"{report['seen_share']:.0%}")]
    if not still:
        facts.append(("Frames a second", f"{report['fps']:g}"))
    rows = "".join(f"<div><span>{name}</span><b>{value}</b></div>" for name, value in facts)
    angles, lines = report.get("angles", {}), []
    for kind, words in _NUMBERED:
        cells = "".join(f"<td>{_range(angles[f'{side}_{kind}'], still)}</td>" for side in ("left", "right")
                        if f"{side}_{kind}" in angles)
        lines.append(f'<tr><th scope="row">{words}</th>{cells}</tr>' if cells else "")
    heads = "".join(f'<th scope="col">{side}</th>' for side in ("Left", "Right"))
    table = (f'<table class="numbers sides"><thead><tr><td></td>{heads}</tr></thead>'
             f"<tbody>{''.join(lines)}</tbody></table>")
    return f'<h3 class="part">In numbers</h3><div class="measures">{rows}</div>{table}'


def _range(found: dict[str, float], still: bool) -> str:
    return f"{found['most']:.0f}°" if still else f"{found['least']:.0f} to {found['most']:.0f}°"


def skeleton_player(result: Result) -> str:
    """The motion as an animated Plotly skeleton."""
    from humanav.body import BodyModel
    from humanav.motion import load_motion
    from humanav.view import figure_motion

    motion = load_motion(result.path("motion.npz"))
    figure = figure_motion(motion, BodyModel.load(), height=520, max_frames=150)
    figure.update_layout(title_text="")
    return plotly_html(figure, script=pieces.file_url(plotly_script()), title="Animated skeleton")


def shape_of(betas: Any) -> tuple[float, ...]:
    """Shape values as the job takes them."""
    return () if betas is None else tuple(float(value) for value in betas)
