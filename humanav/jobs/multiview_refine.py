"""The refinement step of a capture: how fine, what is shown while it goes on, and what is kept of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from humanav.jobs.multiview_options import MultiviewOptions
from humanav.jobs.multiview_report import plain
from humanav.multiview.value import Fitted
from humanav.results import content_id

if TYPE_CHECKING:
    from humanav.avatar.gaussian import GaussianAvatar
    from humanav.jobs.multiview_steps import CaptureWork
    from humanav.multiview.refine_value import RefineSettings


@dataclass(frozen=True)
class Refinement:
    """What a refinement left.

    Attributes:
        fitted: everybody after it.
        avatars: of each person, by id.
        rounds: of each round, plain numbers.
        notes: sentences.
        report: numbers before and after.
    """

    fitted: Fitted
    avatars: dict[str, GaussianAvatar]
    rounds: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)


def settings_of(options: MultiviewOptions) -> RefineSettings:
    """How fine a refinement is: "quick" as it is by default, "full" with more Gaussians, frames and rounds."""
    from humanav.multiview.refine_value import Level, RefineSettings

    settings = RefineSettings()
    if options.refine == "full":
        finest = replace(settings.levels[-1], gaussians=2400, pixels=144)
        settings = replace(settings, levels=(*settings.levels, finest, finest), most_frames=150,
                           avatar_gaussians=14_000, avatar_pixels=400.0, avatar_frames=24)
    if options.budget is not None:
        frames, rounds = options.budget
        settings = replace(settings, levels=(Level(150, 32),) * max(rounds, 1), steps=2, avatar=1,
                           most_frames=max(frames, 1), avatar_gaussians=600, avatar_pixels=48, avatar_frames=2)
    return settings


def refined(job: CaptureWork, fitted: Fitted, key: str) -> Refinement:
    """Refine everybody, or take what an earlier run has kept under ``key``."""
    from humanav.multiview.refine import refine

    settings = settings_of(job.options)
    key = content_id("refine", key, settings)
    kept = _kept(job, key)
    if kept is not None:
        return kept

    def watch(number: int, numbers: dict[str, Any], picture: Any) -> None:
        words = "Before the first round" if number == 0 else f"After round {number}"
        job.progress.show(f"{words}{_said(numbers)}.", picture, live=True, title="Refining", name="refining")

    found = refine(fitted, job.matched, job.sightings, job.rig, job.moments, settings=settings, watch=watch,
                   progress=job.progress)
    avatars = {person.person_id: found.scene.avatar(k) for k, person in enumerate(found.fitted.people)}
    made = Refinement(found.fitted, avatars, tuple(plain(asdict(each)) for each in found.rounds), found.notes,
                      plain(found.report))
    _keep(job, key, made)
    return made


def _keep(job: CaptureWork, key: str, made: Refinement) -> None:
    job.store.save("refined", key, made.fitted)
    for person, avatar in made.avatars.items():
        avatar.save(job.store.path("refined", f"{key}_{person}", ".avatar.npz"))
    told = {"people": list(made.avatars), "rounds": made.rounds, "notes": made.notes, "report": made.report}
    path = job.store.path("refined", key, ".json")
    part = path.with_suffix(".part")
    part.write_text(json.dumps(told))
    os.replace(part, path)


def _kept(job: CaptureWork, key: str) -> Refinement | None:
    from humanav.avatar.gaussian import GaussianAvatar
    from humanav.errors import HumanavError

    fitted = job.store.load("refined", key)
    try:
        told = json.loads(job.store.path("refined", key, ".json").read_text())
        avatars = {person: GaussianAvatar.load(job.store.path("refined", f"{key}_{person}", ".avatar.npz"))
                   for person in told["people"]}
    except (OSError, ValueError, KeyError, HumanavError):
        return None
    if fitted is None:
        return None
    return Refinement(fitted, avatars, tuple(told["rounds"]), tuple(told["notes"]), told["report"])


def _said(numbers: dict[str, Any]) -> str:
    """The most telling of a round's numbers, in words."""
    deep, overlap = numbers.get("penetration_mm"), _mean(numbers.get("mask_iou"))
    parts = [f"outlines agree by {overlap:.0%}"] if overlap is not None else []
    if isinstance(deep, int | float) and deep > 0:
        parts.append(f"people are {deep:.0f} mm in each other")
    if numbers.get("held_out"):
        kept, every = numbers["accepted"], numbers["accepted"] + numbers["rejected"]
        parts.append(f"kept where the camera {numbers['held_out']} agrees, in {kept} of {every} cases")
    return (": " + ", ".join(parts)) if parts else ""


def _mean(values: Any) -> float | None:
    known: Sequence[Any] = list(values.values()) if isinstance(values, dict) else [values]
    numbers = [float(value) for value in known if isinstance(value, int | float)]
    return sum(numbers) / len(numbers) if numbers else None
