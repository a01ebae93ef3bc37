"""A bad motion to a good one, with both side by side and the numbers that say what became better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav import __version__
from humanav.errors import InputError
from humanav.jobs.animate import MAX_SECONDS, motion_inputs
from humanav.jobs.held import is_result, motion_of
from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id, weights_id

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.motion.loaded import Loaded

DENOISE_STAGES = ("Reading the motion", "Looking for what is wrong", "Cleaning the motion", "Exporting")
MAX_FPS = 60.0
"""Faster motions are cleaned at a half, a third... of their rate, not above this."""
WORST = 4
"""How many of the worst moments are named."""

LIMB = 3
"""So many repaired joints at once are shown as a repaired moment."""

_BLENDER = "Python and the SMPL-X add-on of Blender"
_AMASS = "tools that read AMASS (SMPL-H)"
_BVH = "Blender, MotionBuilder, Maya and Cinema 4D"
_GLB = "Blender, Unity, three.js and Windows 3D Viewer"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DenoiseOptions:
    """What may be said about the cleaning.

    Attributes:
        worsen: a kind of :data:`humanav.posendf.motion_noise.KINDS` to damage the motion with first, or None.
        amount: of that damage; 1 is as described there.
        seed: of that damage.
        strength: how strongly the motion is cleaned, 0..2; 1 is what was found best.
        keep_feet: hold feet still while they stand.
        start: seconds from which on a motion longer than a minute is used.

    Raises:
        InputError: when a value is out of range.
    """

    worsen: str | None = None
    amount: float = 1.0
    seed: int = 0
    strength: float = 1.0
    keep_feet: bool = True
    start: float = 0.0

    def __post_init__(self) -> None:
        if self.worsen is not None:
            from humanav.posendf.motion_noise import KINDS

            if self.worsen not in KINDS:
                raise InputError(f"There is no damage called {self.worsen!r}; the kinds are {', '.join(KINDS)}.")
        for name, low, high in (("amount", 0.0, 3.0), ("strength", 0.0, 2.0), ("start", 0.0, np.inf)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"The {name} must lie between {low:g} and {high:g}, not at {value:g}.")


def denoise_id(
    source: str | Path | Motion | Result, options: DenoiseOptions, asf: str | Path | None = None,
    joint_map: str | Path | None = None, person: str = "",
) -> str:
    """The id that :func:`denoise_motion` gives its result: the same inputs and options have the same id."""
    return content_id("denoise", __version__, weights_id("posendf", "motion_prior"),
                      *(None if part is None else motion_inputs(part) for part in (source, asf, joint_map)), options,
                      *([person] if person else []))


def denoise_motion(
    source: str | Path | Motion | Result, *, out: str | Path, asf: str | Path | None = None,
    joint_map: str | Path | None = None, worsen: str | None = None, amount: float = 1.0, seed: int = 0,
    strength: float = 1.0, keep_feet: bool = True, start: float = 0.0, person: str = "",
    progress: Progress | None = None,
) -> Result:
    """Clean a motion by what is known of human poses.

    Args:
        source: a clip's name, a file (anything :func:`humanav.motion.read_motion` reads), a result that holds a motion
            or its folder, or a Motion.
        out: the folder of the result: ``denoised.npz``, ``denoised_amass.npz``, ``denoised.bvh``, ``denoised.glb`` and
            ``comparison.glb``; the report holds "measures", "curves" (degrees per joint, one value a frame), "worst",
            "spans", "people", "quality" and "warnings".
        asf: the skeleton of an AMC file.
        joint_map: names for a skeleton whose joints are not recognised.
        worsen, amount, seed, strength, keep_feet, start: see :class:`DenoiseOptions`.
        person: whose motion of a result of several people; the first by default.
        progress: told of ``DENOISE_STAGES``; the motion before is shown as a GLB as soon as it is read.

    Raises:
        InputError, MotionFileError: an option or the motion cannot be used.
        StorageError: ``out`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    from humanav.body import BodyModel
    from humanav.posendf import PoseNDF
    from humanav.posendf.denoise import denoise
    from humanav.posendf.feet import keep_feet as keep_feet_still
    from humanav.posendf.motion_noise import worsen as spoil
    from humanav.posendf.poses import motion_to_quats
    from humanav.posendf.score import score

    progress = progress or Progress(len(DENOISE_STAGES))
    options = DenoiseOptions(worsen, amount, seed, strength, keep_feet, start)
    progress.next(DENOISE_STAGES[0])
    identity = denoise_id(source, options, asf, joint_map, person)
    truth, missing, notes = _prepared(open_motion(source, asf=asf, joint_map=joint_map, person=person), options)
    inputs = {"motion": truth.name, "seconds": round(truth.duration, 2), "fps": round(truth.fps, 3), "worsen": worsen}
    before = truth
    if worsen is not None:
        before, lost = spoil(truth, worsen, amount, seed)
        missing = missing | lost
    with ResultWriter(Path(out), "denoise", identity, inputs) as writer:
        writer.tell(progress, settings=options, sources={"motion": source, "skeleton": asf, "joint map": joint_map},
                    parts=("body", "posendf", "motion_prior"))
        body, field = BodyModel.load(), PoseNDF.load()
        progress.next(DENOISE_STAGES[1])
        scored = score(field, motion_to_quats(before))
        curve = degrees(scored.distance)
        worst = worst_moments(curve, scored.joints, before.fps)
        preview = writer.add("before.glb", "The motion as it came", preview=True)
        _write_people(body, {"Before": before}, preview)
        progress.show("The motion as it came.", file=preview, people=["Before"], curves={"Before": curve.tolist()},
                      worst=worst, seconds=_seconds(before))
        progress.next(DENOISE_STAGES[2])
        cleaned = denoise(before, field=field, missing=missing, strength=strength, progress=_Within(progress, 4))
        progress.next(DENOISE_STAGES[3])
        after = keep_feet_still(cleaned.motion) if keep_feet else cleaned.motion
        after = replace(after, name=f"{truth.name or 'motion'}, cleaned")
        known = truth if worsen is not None else None
        people = {"Before": before, "After": after} | ({"Truth": truth} if known is not None else {})
        _export(writer, body, people, after, progress)
        curves = {"Before": curve, "After": degrees(score(field, motion_to_quats(after)).distance)}
        if known is not None:
            curves["Truth"] = degrees(field.value_and_gradient(motion_to_quats(known))[0])
        measures = compare(before, after, known, curves)
        repaired = np.asarray(cleaned.repaired)
        notes = [*notes, *_said(cleaned, repaired, missing)]
        writer.report.update({
            "people": list(people), "fps": before.fps, "duration": _seconds(before),
            "curves": {name: np.round(values, 3).tolist() for name, values in curves.items()},
            "worst": worst, "worst_joints": _worst_joints(scored.joints),
            "spans": _spans(repaired.sum(axis=1) >= LIMB, before.fps), "measures": measures,
            "quality": quality({row["name"]: row for row in measures}), "warnings": notes,
            "seconds": round(progress.seconds, 2)})
    return writer.result


class _Within(Progress):
    """The stages of a task as parts of one stage of a job."""

    def __init__(self, outer: Progress, steps: int) -> None:
        super().__init__(steps, lambda event: outer.update(event.fraction))
        self._outer = outer

    def check(self) -> None:
        self._outer.check()


def open_motion(
    source: str | Path | Motion | Result, *, asf: str | Path | None = None, joint_map: str | Path | None = None,
    person: int | str | None = None,
) -> Loaded:
    """A clip's name, a motion file, a result that holds a motion (of ``person``) or a Motion, with the notes of whoever
    read it.

    Raises:
        InputError: there is no such clip or file.
        MotionFileError: the file is no motion.
    """
    from humanav.motion import CLIP_NAMES, load_clip, read_motion
    from humanav.motion.loaded import Loaded

    if isinstance(source, Motion):
        return Loaded.whole(source)
    if str(source) in CLIP_NAMES:
        return Loaded.whole(load_clip(str(source)))
    if is_result(source):
        return Loaded.whole(motion_of(source, person))
    if isinstance(source, Result) or not Path(source).is_file():
        raise InputError(f"There is no motion {str(source)!r}: name a motion file, or one of the clips "
                         f"{', '.join(CLIP_NAMES)}.")
    loaded = read_motion(source, asf=asf, joint_map=joint_map)
    return loaded if loaded.motion.name else replace(loaded, motion=replace(loaded.motion, name=Path(source).stem))


def _prepared(loaded: Loaded, options: DenoiseOptions) -> tuple[Motion, NDArray[np.bool_], list[str]]:
    """The part of a motion that is used, at a rate that is worth its time, what is missing in it, and notes."""
    motion, missing, notes = loaded.motion, loaded.missing, list(loaded.notes)
    if options.start and options.start >= motion.duration:
        raise InputError(f"The motion lasts {motion.duration:.1f} seconds, so it cannot begin at {options.start:g}.")
    first = round(options.start * motion.fps)
    last = min(len(motion), first + round(MAX_SECONDS * motion.fps))
    if last - first < len(motion):
        notes.append(f"The motion lasts {motion.duration:.0f} seconds; seconds {options.start:.0f} to "
                     f"{options.start + (last - first) / motion.fps:.0f} were used.")
        motion, missing = motion[first:last], missing[first:last]
    every = int(np.ceil(motion.fps / MAX_FPS - 1e-3))
    if every > 1:
        notes.append(f"The motion has {motion.fps:g} frames a second; every {_ordinal(every)} one was used.")
        motion, missing = replace(motion[::every], fps=motion.fps / every), missing[::every]
    return motion, missing, notes


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third", 4: "fourth", 5: "fifth"}.get(number, f"{number}th")


def _export(
    writer: ResultWriter, body: BodyModel, people: Mapping[str, Motion], after: Motion, progress: Progress
) -> None:
    from humanav.export import write_body_glb
    from humanav.motion import save_npz, write_bvh

    save_npz(after, writer.add("denoised.npz", "The clean motion as SMPL-X parameters", _BLENDER), "blender")
    save_npz(after, writer.add("denoised_amass.npz", "The same in the style of AMASS", _AMASS), "amass")
    write_bvh(after, writer.add("denoised.bvh", "The clean motion as a skeleton animation", _BVH), body)
    progress.update(0.4)
    write_body_glb(body, after.betas, {after.name or "motion": after},
                   writer.add("denoised.glb", "A body that moves by the clean motion", _GLB))
    names = ", ".join(name.lower() for name in people)
    _write_people(body, people, writer.add("comparison.glb", f"Bodies side by side: {names}", _GLB))
    progress.update(0.9)


def _write_people(body: BodyModel, people: Mapping[str, Motion], path: Path) -> None:
    from humanav.export import Companion, write_people_glb
    from humanav.view import AFTER, BEFORE, TRUTH, clay

    colors = {"Before": BEFORE, "After": AFTER, "Truth": TRUTH}
    first = next(iter(people.values()))
    middle = np.median(first.transl, axis=0) * np.array([1, 0, 1], dtype=np.float32)
    write_people_glb(body, first.betas, {name: Companion(replace(motion, transl=motion.transl - middle),
                                                         clay(colors[name])) for name, motion in people.items()}, path)


def degrees(distance: Any) -> Floats:
    """Mean half angle in radians to the mean angle of a joint's rotation in degrees."""
    return np.degrees(2.0 * np.asarray(distance, dtype=np.float64))


def _seconds(motion: Motion) -> float:
    return (len(motion) - 1) / motion.fps


def worst_moments(curve: Floats, joints: Any, fps: float) -> list[dict[str, Any]]:
    """The highest peaks of a curve at least half a second apart, in order of time, with the joints to blame.

    A moment that is hardly worse than the median is left out.
    """
    from humanav.posendf.poses import NAMES

    blame = np.asarray(joints, dtype=np.float64)
    found: list[dict[str, Any]] = []
    level, apart = float(np.median(curve)), max(round(0.5 * fps), 1)
    free = np.ones(len(curve), dtype=bool)
    while len(found) < WORST and free.any():
        peak = int(np.flatnonzero(free)[np.argmax(curve[free])])
        if len(curve) > 1 and curve[peak] < 1.15 * level + 0.5:
            break
        free[max(peak - apart, 0): peak + apart + 1] = False
        named = [NAMES[j].replace("_", " ") for j in np.argsort(-blame[peak])[:2]]
        found.append({"time": round(peak / fps, 3), "distance": round(float(curve[peak]), 2), "joints": named})
    return sorted(found, key=lambda moment: moment["time"])


def _worst_joints(joints: Any, count: int = 3) -> list[str]:
    from humanav.posendf.poses import NAMES

    mean = np.asarray(joints, dtype=np.float64).mean(axis=0)
    return [NAMES[j].replace("_", " ") for j in np.argsort(-mean)[:count]]


def _spans(flags: NDArray[np.bool_], fps: float) -> list[list[float]]:
    """(from, to) in seconds of the stretches in which a flag is up."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [[round(float(a) / fps, 3), round(float(max(b - 1, a)) / fps, 3)] for a, b in edges.reshape(-1, 2)]


def compare(
    before: Motion, after: Motion, truth: Motion | None, curves: Mapping[str, Floats]
) -> list[dict[str, Any]]:
    """The rows of the table: name, unit, "before" and "after", and "truth" where there is one."""
    from humanav.posendf.measures import amplitude_kept, foot_slide, jitter, motion_mpjpe

    reference = truth or before
    rows: list[dict[str, Any]] = []

    def row(name: str, unit: str, digits: int, values: Sequence[float | None]) -> None:
        cells = dict(zip(("before", "after", "truth"), values))
        rows.append({"name": name, "unit": unit} | {key: round(float(value), digits) for key, value in cells.items()
                                                    if value is not None})

    motions = (before, after, truth)
    row("Distance from real poses", "°", 1, [float(np.mean(curve)) for curve in curves.values()])
    if truth is not None:
        row("Error against the truth", "mm", 0, [motion_mpjpe(before, truth), motion_mpjpe(after, truth), 0.0])
    row("Jitter", "m/s³", 0, [None if m is None else jitter(m) for m in motions])
    row("Feet sliding", "cm/s", 1, [None if m is None else 100 * foot_slide(m, truth) for m in motions])
    row("Size of the movement", "%", 0, [None if m is None else 100 * amplitude_kept(m, reference) for m in motions])
    return rows


def quality(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """One honest sentence about what became better, and what did not."""
    error, distance = rows.get("Error against the truth"), rows["Distance from real poses"]
    size = rows["Size of the movement"]["after"]
    if error is not None:
        lead = (f"The joints are {error['after']:.0f} mm from the truth on average, {error['before']:.0f} mm before"
                if error["after"] < error["before"] else
                f"This did not help: the joints are {error['after']:.0f} mm from the truth, {error['before']:.0f} mm "
                "before; use less strength")
    elif distance["after"] < 0.97 * distance["before"]:
        share = 1 - distance["after"] / max(distance["before"], 1e-6)
        lead = f"The poses are {share:.0%} closer to those that people take"
    else:
        lead = "There was little to clean: the poses were already as near to those that people take"
    jitter = rows["Jitter"]
    change = 1 - jitter["after"] / jitter["before"] if jitter["before"] > 1e-6 else 0.0
    calm = f", {change:.0%} less jitter" if change > 0.02 else f", {-change:.0%} more jitter" if change < -0.1 else ""
    return f"{lead}{calm}; the movement keeps {size:.0f}% of its size."


def _said(cleaned: Any, repaired: NDArray[np.bool_], missing: NDArray[np.bool_]) -> list[str]:
    """What was done, in words."""
    from humanav.body.names import JOINT_NAMES

    notes = []
    kind = {"independent": "trembled", "drift": "drifted"}.get(cleaned.report.get("noise_kind", ""))
    if kind is not None:
        notes.append(f"The joints {kind} by about {cleaned.report['noise_deg']:.1f}° an axis; that was taken out.")
    if missing.any():
        notes.append(f"Joints were missing in {int(missing.any(axis=1).sum())} of {len(missing)} frames; they were "
                     "filled in.")
    invented = repaired & ~missing
    if invented.any():
        counts = invented.sum(axis=0)
        named = [JOINT_NAMES[j].replace("_", " ") for j in np.argsort(-counts)[:3] if counts[j]]
        notes.append(f"Broken poses were repaired in {int(invented.any(axis=1).sum())} of {len(repaired)} frames, most "
                     f"often at the {', '.join(named)}.")
    return notes
