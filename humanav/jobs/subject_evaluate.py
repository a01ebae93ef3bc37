"""Measure a subject's avatar on pictures it did not learn from: its own test split, NeuMan's, or X-Humans'."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from humanav.errors import InputError
from humanav.jobs.subject import TEST, Subject, read_split
from humanav.jobs.subject_datasets import DATASETS, neuman_pictures, xhumans_pictures
from humanav.jobs.subject_show import load_trained
from humanav.jobs.subject_train import OUTPUT
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id

if TYPE_CHECKING:
    from humanav.avatar.gaussian import TrainFrame
    from humanav.avatar.gaussian.evaluation import Evaluation
    from humanav.body import BodyModel

EVALUATE_STAGES = ("Reading the pictures", "Fitting poses and measuring")
FOLDERS = {"neuman": "data/NeuMan", "xhumans": "data/XHumans"}
CONDITIONS = ("The numbers are over the whole original pictures, white outside the person. 'fitted': poses were fitted "
              "to the test pictures with the avatar frozen; 'true' mask: what was drawn outside the true mask was "
              "hidden. Papers of this kind usually report fitted poses and true masks.")


@dataclass(frozen=True)
class Measuring:
    """What is measured.

    Attributes:
        dataset: "subject" (its split ``test``), "neuman" or "xhumans". data: folder of the scene or subject; by default
            ``data/NeuMan/ID`` or ``data/XHumans/ID``.
        every: only each so many pictures. limit: at most so many.
        fit: also fit the poses. size: pixels of the person in the fit's last passes.
        perceptual: "lpips", "gmsd", or "auto".

    Raises:
        InputError: a value is out of range.
    """

    dataset: str = "subject"
    data: Path | None = None
    every: int = 1
    limit: int | None = None
    fit: bool = True
    size: int = 512
    perceptual: str = "auto"

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            raise InputError(f"There is no data set {self.dataset!r}: choose {', '.join(DATASETS)}.")
        if self.every < 1 or (self.limit is not None and self.limit < 1):
            raise InputError("--every and --limit are numbers of pictures, 1 or more.")


def evaluate_subject(
    subject: Subject, testing: Measuring | None = None, *, out: str | Path = OUTPUT, progress: Progress | None = None
) -> Result:
    """Measure PSNR, SSIM and a perceptual measure in all four cells: poses as given or fitted, own or true mask.

    Args:
        out: where it was trained; the result goes to ``OUT/ID/evaluate_DATASET``.
        progress: told of ``EVALUATE_STAGES``.

    Raises:
        InputError: no trained avatar, or pictures that are missing; MissingExtraError: no LPIPS where asked for.
        Cancelled: the user stopped it.
    """
    from humanav.avatar.gaussian.evaluation import evaluate_frames, pairs, table
    from humanav.body import BodyModel

    testing = testing or Measuring()
    progress = progress or Progress(len(EVALUATE_STAGES))
    progress.next(EVALUATE_STAGES[0])
    source, avatar, _ = load_trained(subject, out)
    body = BodyModel.load()
    names, frames, notes = _pictures(subject, testing, body, avatar.betas)
    progress.next(EVALUATE_STAGES[1])
    told = {**asdict(testing), "data": testing.data.name if testing.data else "", "subject": subject.name}
    with ResultWriter(Path(out) / subject.name / f"evaluate_{testing.dataset}", "avatar evaluation",
                      content_id("evaluate", source.id, told, names), told) as writer:
        writer.tell(progress, settings=told, sources={"avatar": source}, parts=("persona",))
        kept: list[TrainFrame] = []
        found = evaluate_frames(avatar, _first_kept(frames, kept), fit=testing.fit, perceptual=testing.perceptual,
                                fit_options={"size": testing.size}, total=len(names), progress=progress)
        writer.tell(parts=("lpips",) if found.perceptual == "lpips" else ())
        text = table(found)
        writer.add("table.txt", "The numbers as a table", "any program").write_text(f"{text}\n\n{CONDITIONS}\n")
        writer.add("evaluation.json", "All numbers, also of each picture", "any program").write_text(json.dumps(
            {"pictures": names, "perceptual": found.perceptual, "cells": found.cells, "each": found.each}, indent=1))
        drawn, target = pairs(avatar, _posed(kept[0], found))[0]
        _save(np.concatenate([target, drawn], axis=1), writer.add("first.png", "The first picture, and the avatar"))
        progress.show(f"{len(names)} pictures measured.", np.concatenate([target, drawn], axis=1), title="The first",
                      name="first")
        writer.report.update({"pictures": len(names), "cells": found.cells, "perceptual": found.perceptual,
                              "table": text, "conditions": CONDITIONS, "warnings": notes})
    return writer.result


def _pictures(
    subject: Subject, testing: Measuring, body: BodyModel, betas: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> tuple[list[str], Iterator[TrainFrame], list[str]]:
    """Names of the pictures, the frames one after the other, and notes."""
    part = slice(0, None, testing.every)
    if testing.dataset == "subject":
        folder = subject.folder / TEST
        own = folder.is_dir()
        split = read_split(subject, folder if own else subject.captured, body)
        rows = list(range(len(split)))[part][: testing.limit]
        frames = split.frames(body, betas, rows)
        notes = list(split.notes) if own else [*split.notes, "There is no split test: the avatar was measured on the "
                                               "pictures it learned from, which flatters it."]
        return [str(split.numbers[k]) for k in rows], frames, notes
    home = testing.data or Path(FOLDERS[testing.dataset]) / subject.name
    found = (neuman_pictures if testing.dataset == "neuman" else xhumans_pictures)(home)[part][: testing.limit]
    note = ("The data set's bodies are SMPL's or SMPL-X's: their joint rotations were used, on the avatar's own shape, "
            "placed where the mask is.")
    return [picture.name for picture in found], (picture.frame(body, betas) for picture in found), [note]


def _first_kept(frames: Iterable[TrainFrame], kept: list[TrainFrame]) -> Iterator[TrainFrame]:
    for frame in frames:
        if not kept:
            kept.append(frame)
        yield frame


def _posed(frame: TrainFrame, found: Evaluation) -> TrainFrame:
    return replace(frame, full_pose=found.poses[0], transl=found.transl[0])


def _save(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], path: Path) -> None:
    from PIL import Image

    Image.fromarray(picture).save(path)
