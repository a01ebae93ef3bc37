"""Numbers and sentences on a capture: the doctor's findings, the matching, the fit, and what refinement changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.multiview.value import Fitted, Matched, Person3D

if TYPE_CHECKING:
    from humanav.jobs.multiview_steps import CaptureWork
    from humanav.multiview.doctor_value import Finding
    from humanav.view.multiview import Touching

_LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
_WHOLE = re.compile(r"Person \S+ is matched in (\d+) of \1 frames, in every view\.")
"""Nothing that a visitor must be told: the numbers say it."""
_SURE = 0.3  # confidence of a point that counts


def findings(job: CaptureWork) -> list[dict[str, Any]]:
    """What was found out about the files and cameras, the gravest first: ``severity`` ("error", "warning", "note",
    "good") and ``text``."""
    told = [{"severity": "warning", "text": problem.text} for problem in job.capture.problems]
    if job.examined is not None:
        told += [_finding(found) for found in job.examined.findings if found.mended]
    told += [_relieved(found) if job.cameras_hold else _finding(found) for found in job.diagnosis.findings]
    told += [{"severity": "note", "text": text} for text in (*job.rig.notes, *job.camera_notes)]
    once: dict[str, dict[str, Any]] = {}
    for item in told:
        once.setdefault(item["text"], item)
    order = {"error": 0, "warning": 1, "good": 2, "note": 3}
    return sorted(once.values(), key=lambda item: order[item["severity"]])


def _finding(found: Finding) -> dict[str, Any]:
    severity = {"stops": "error", "doubtful": "warning", "good": "good"}[found.severity]
    return {"severity": "warning" if found.mended and severity == "error" else severity, "text": found.text}


def _relieved(found: Finding) -> dict[str, Any]:
    """A finding on cameras that could not be bettered: rays that miss each other are then the points' fault."""
    if found.kind != "residual" or found.severity != "doubtful":
        return _finding(found)
    return {"severity": "note", "text": f"{found.seen} Moving the cameras betters nothing: they seem right, and "
            "people hide each other there."}


def matching(matched: Matched) -> dict[str, Any]:
    """How well the views were matched: by person the share of frames, views a point, pixels and limb lengths."""
    people = []
    for person in matched.people:
        seen = person.seen
        views = (person.chosen[seen] >= 0).sum(axis=1)
        people.append({
            "person": person.person_id, "frames": int(seen.sum()), "seen_share": round(float(seen.mean()), 4),
            "views": round(float(views.mean()) if len(views) else 0.0, 2),
            "residual_px": _median(person.residual[person.used]), "bone_variation": bone_variation(person),
            "swapped_views": int(person.swapped.sum())})
    by_view = {name: _median(np.concatenate([person.residual[:, k][person.used[:, k]] for person in matched.people]))
               for k, name in enumerate(matched.names)}
    return {"people": people, "residual_px": by_view,
            "residual_median_px": _median(np.concatenate([p.residual[p.used] for p in matched.people]))}


def bone_variation(person: Person3D) -> float | None:
    """Standard deviation of the limbs' lengths over time, as a share of the length, mean over arms and legs; None
    where none was seen often enough."""
    names = {name: k for k, name in enumerate(KEYPOINT_SETS[person.keypoint_set])}
    shares = []
    for side in ("left", "right"):
        for a, b in _LIMBS:
            if f"{side}_{a}" not in names or f"{side}_{b}" not in names:
                continue
            first, second = (person.keypoints[:, names[f"{side}_{end}"]] for end in (a, b))
            known = (first[:, 3] > _SURE) & (second[:, 3] > _SURE)
            if known.sum() >= 5:
                length = np.linalg.norm(first[known, :3] - second[known, :3], axis=1)
                shares.append(float(length.std() / max(length.mean(), 1e-6)))
    return round(float(np.mean(shares)), 4) if shares else None


def fitting(fitted: Fitted) -> dict[str, Any]:
    """How well the bodies lie on the points: by person and by view, in pixels; and how tall they are."""
    people = []
    for person in fitted.people:
        people.append({"person": person.person_id, "frames": int(person.seen.sum()),
                       "reprojection_px": _median(person.reprojection), "stature_m": stature(person.motion.betas),
                       "views": {name: _median(person.reprojection[:, k]) for k, name in enumerate(fitted.names)}})
    every = [person.reprojection for person in fitted.people]
    return {"people": people, "reprojection_px": _median(np.concatenate(every)) if every else None,
            "views": {name: _median(np.concatenate([values[:, k] for values in every]))
                      for k, name in enumerate(fitted.names)} if every else {}}


def stature(betas: NDArray[Any]) -> float:
    """Metres from sole to crown of a body of this shape."""
    from humanav.body import BodyModel

    vertices = np.asarray(BodyModel.load().rest(betas if len(betas) else None)[0])
    return round(float(vertices[:, 1].max() - vertices[:, 1].min()), 3)


def contact(frame: int, met: Touching, after: Touching | None) -> dict[str, Any]:
    """The deepest contact before and after refinement."""
    told: dict[str, Any] = {"frame": frame, "depth_mm": round(met.depth_mm, 1),
                            "touching_vertices": int(sum(flags.sum() for flags in met.near))}
    if after is not None:
        told |= {"depth_after_mm": round(after.depth_mm, 1),
                 "touching_vertices_after": int(sum(flags.sum() for flags in after.near))}
    return told


def quality(report: dict[str, Any]) -> str:
    """One honest sentence on a capture."""
    people, frames = report["matching"]["people"], report["frames"]
    who = "One person" if len(people) == 1 else f"{len(people)} people"
    covered = min(person["frames"] for person in people)
    through = f"{frames} frame{'s' if frames != 1 else ''} of {report['views']} views"
    kept = "" if covered >= 0.96 * frames else f", at least {covered} frames each"
    fit = report.get("fitting")
    off = report["matching"]["residual_median_px"] if fit is None else fit["reprojection_px"]
    size = report.get("person_px") or 0
    if off is None:
        return f"{who} found in {through}{kept}; how well cannot be told: look at the overlays."
    share = 100 * off / size if size else 0
    close = "closely" if share < 2 else "well" if share < 4 else "only roughly: look at the overlays"
    what = "the points in space" if fit is None else "the bodies"
    touch = report.get("contact")
    told = ""
    if touch and touch["depth_mm"] > 0:
        told = f" Where they meet deepest they go {touch['depth_mm']:.0f} mm into each other"
        told += f", {touch['depth_after_mm']:.0f} mm after refinement." if "depth_after_mm" in touch else "."
    return f"{who} found in {through}{kept}; {what} lie {off:.1f} px off the pictures, {close}.{told}"


def person_pixels(job: CaptureWork) -> float:
    """Median height in pixels of the people as the views see them."""
    points = job.sightings.keypoints
    seen = points[..., 2] > _SURE
    y = np.where(seen, points[..., 1], np.nan)[seen.sum(axis=-1) >= 8]
    return float(np.median(np.nanmax(y, axis=-1) - np.nanmin(y, axis=-1))) if len(y) else 0.0


def plain(value: Any) -> Any:
    """The same for JSON: arrays as lists, numbers of NumPy as Python's, None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def warnings(notes: Sequence[str], found: Sequence[dict[str, Any]]) -> list[str]:
    """Sentences a visitor should read: what was noted on the way, without what the doctor says already."""
    said = {item["text"] for item in found}
    return [note for note in dict.fromkeys(notes) if note not in said and not _WHOLE.fullmatch(note)]


def _median(values: NDArray[Any]) -> float | None:
    known = values[np.isfinite(values)]
    return round(float(np.median(known)), 2) if len(known) else None
