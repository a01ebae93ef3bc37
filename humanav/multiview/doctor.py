"""The calibration doctor: does this calibration belong to these pictures, and if not, why.

Everything is asked of the people: the rays of their keypoints must meet, their bodies have a size and stand upright.
What can be mended (pictures of another size, exchanged cameras, a mirrored or turned picture, a late camera,
millimetres, z up) is found by trying it: a cause is believed when it makes most of the disagreement go away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import HumanavError
from humanav.multiview.doctor_pairs import SEARCHED, Table, best_exchanges, groups, people_of, table
from humanav.multiview.doctor_sizes import check_sizes
from humanav.multiview.doctor_transfer import strangers, transferred
from humanav.multiview.doctor_turns import turned_over
from humanav.multiview.doctor_value import (
    DOUBTFUL,
    GOOD,
    THIRD_DOUBTFUL,
    THIRD_GOOD,
    Diagnosis,
    Finding,
    Severity,
    medians,
)
from humanav.multiview.doctor_world import check_world, reconstructed
from humanav.multiview.sync import Offsets, find_offsets, shifted
from humanav.multiview.value import Matched, Rig, Sightings

Array = NDArray[np.float64]
Size = tuple[int, int]

_BELIEVED = 0.5  # of the disagreement that must be left at most when a cause is taken out
_FEWER = 0.7  # and of the distance between rays
_LATE = 0.85  # the same for a camera that is a few frames late, which changes less
_ONE_VIEW = 1.6  # times what is good for all, that the pairs of one view may be off by
_SUSPECTS = 6  # views, of the largest distances, that are tried mirrored and turned
_TRIAL_FRAMES = 20  # that causes are tried on
_ODD = (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError, HumanavError)
_ORDER: dict[Severity, int] = {"stops": 0, "doubtful": 1, "good": 2}


def examine(
    rig: Rig, sightings: Sightings, matched: Matched | None = None, sizes: Sequence[Size] | None = None
) -> Diagnosis:
    """Examine a calibration by the people that its cameras saw. Odd data raise nothing: they are what is looked for.

    Args:
        rig: cameras; only those of the sightings' views are examined.
        sightings: of at least two of the cameras.
        matched: who is who in all views, where known; else people are paired as fits best.
        sizes: (width, height) of the pictures that the keypoints are in, by the sightings' views.
    """
    names = tuple(name for name in sightings.names if name in rig.names)
    empty = np.full((len(sightings.names),) * 2, np.nan)
    if len(names) < 2:
        seen = (f"The calibration's cameras ({', '.join(rig.names)}) and the views ({', '.join(sightings.names)}) "
                f"share {'only one name' if names else 'no name'}.")
        return Diagnosis(sightings.names, empty, empty, empty, (Finding(
            "names", "stops", seen, "Name the videos as the cameras, or give the calibration of these cameras."),))
    findings: list[Finding] = []
    left = [name for name in sightings.names if name not in names]
    if left:
        findings.append(Finding("names", "doubtful", f"The calibration knows no {', '.join(left)}.",
                                "These views are left out.", tuple(left)))
    index = [sightings.names.index(name) for name in names]
    if left:
        sightings, matched = _views(sightings, index), None
        sizes = [sizes[i] for i in index] if sizes is not None else None
    case = _Case(rig.only(names), sightings, matched, findings)
    for check in (lambda: case.sizes(sizes), case.look, case.causes, case.late, case.causes, case.verdict, case.world):
        _guarded(check, findings)
    return case.diagnosis(rig)


class _Case:
    """One examination: the rig and the sightings as far as they are mended, and what was found."""

    def __init__(self, rig: Rig, sightings: Sightings, matched: Matched | None, findings: list[Finding]) -> None:
        self.rig, self.sightings, self.matched, self.findings = rig, sightings, matched, findings
        self.changed = False
        self.offsets: Offsets | None = None
        self.mirrored: list[str] = []
        self.turns: dict[str, int] = {}
        nothing = np.full((len(rig),) * 2, np.nan)
        self.table = Table(nothing, nothing, nothing, nothing, ())
        self.third = np.full((len(rig),) * 3, np.nan)
        self.people: Array = np.zeros((1, len(rig), 1, len(sightings.landmark_names), 3))
        self.same = False
        self.stature, self.unit, self.up = float("nan"), "", np.full(3, np.nan)
        self.bones: dict[str, tuple[float, float]] = {}

    def sizes(self, sizes: Sequence[Size] | None) -> None:
        """Pictures of another size than the calibration's."""
        if sizes is None:
            return
        people, same = people_of(self.sightings, self.matched)
        rig, found, turns = check_sizes(self.rig, sizes, people, same)
        self.changed |= rig is not self.rig
        self.rig = rig
        self.findings += found
        if turns:
            self._turn({v: (False, k) for v, k in turns.items()})

    def look(self) -> None:
        """Measure how well the views agree now."""
        self.people, self.same = people_of(self.sightings, self.matched)
        self.table = table(self.people, self.rig.cameras, self.same)
        self.third = transferred(self.people, self.rig.cameras, self._who())

    @property
    def odd(self) -> bool:
        """Whether the views disagree enough to look for causes."""
        bad, agreed = strangers(self.third, THIRD_GOOD)
        return self.table.worst > GOOD or bool(bad) or agreed > THIRD_GOOD

    def late(self) -> None:
        """A camera that was started earlier or later."""
        found = find_offsets(self.sightings, self.rig)
        moved = np.abs(found.frames) >= 0.75
        if not moved.any():
            return
        shift = shifted(self.sightings, found)
        people, same = people_of(shift, None)
        new = table(people, self.rig.cameras, same)
        sure = bool((found.confidence[moved] > 0.6).all())
        falls = new.worst < _LATE * table(people_of(self.sightings, None)[0], self.rig.cameras, False).worst
        far = bool((np.abs(found.frames[moved]) >= 4).any()) and self.table.worst > DOUBTFUL
        words = ", ".join(f"{name} by {frames:+.1f}" for name, frames in zip(self.rig.names, found.frames)
                          if abs(frames) >= 0.75)
        views = tuple(name for name, m in zip(self.rig.names, moved) if m)
        if sure and (falls or far):
            self.findings.append(Finding(
                "sync", "doubtful", f"The views are not of the same moments: frames are off {words} from "
                f"{self.rig.names[0]} (rays pass {100 * new.worst:.1f}% of a person's height apart with these "
                f"offsets, {100 * self.table.worst:.1f}% without).", "The offsets can be used as they are.", views,
                True))
            self.offsets, self.sightings, self.matched = found, shift, None
            self.look()
        elif sure:
            self.findings.append(Finding(
                "sync", "good", f"Movement says that frames are off {words}, which changes little "
                f"({100 * self.table.worst:.1f} to {100 * new.worst:.1f}%).", "", views))

    def causes(self) -> None:
        """A picture that is mirrored or stands on its side or head, all of them mirrored, or cameras that carry each
        other's names: of all of these the one that explains most."""
        if not self.odd:
            return
        people, cameras, names = people_of(self.sightings, None)[0], self.rig.cameras, self.sightings.landmark_names
        people = people[:: max(1, len(people) // _TRIAL_FRAMES)]
        sizes = [(camera.width, camera.height) for camera in cameras]
        base, before = _score(people, cameras)
        trials: list[tuple[float, float, dict[int, tuple[bool, int]], tuple[int, ...]]] = []
        same_order = tuple(range(len(cameras)))
        if len(cameras) <= SEARCHED:
            for order in best_exchanges(people, cameras):
                if order != same_order:
                    trials.append((*_score(people, [cameras[k] for k in order]), {}, order))
        alone = np.nan_to_num(medians(self.table.share))
        undone: list[dict[int, tuple[bool, int]]] = [
            {int(v): how} for v in np.argsort(alone)[::-1][:_SUSPECTS]
            for how in ((True, 0), (False, 1), (False, 2), (False, 3))]
        for how in (*undone, dict.fromkeys(same_order, (True, 0))):
            changed = people.copy()
            for v, (mirror, turns) in how.items():
                changed[:, v] = turned_over(people[:, v], sizes[v], mirror, turns, names)
            trials.append((*_score(changed, cameras), how, same_order))
        score, after, how, order = min(trials, key=lambda trial: trial[0])
        if not (score < _BELIEVED * base and after < min(DOUBTFUL, _FEWER * before)):
            return
        if how:
            self._turn(how)
            self._say_turned(how, before)
        else:
            self._exchange(order)
            self._say_exchanged(order, before)

    def _exchange(self, order: tuple[int, ...]) -> None:
        self.rig = replace(self.rig, cameras=tuple(self.rig.cameras[k] for k in order))
        self.changed, self.matched = True, None
        self.look()

    def _say_turned(self, how: dict[int, tuple[bool, int]], before: float) -> None:
        views = tuple(self.rig.names[v] for v in how)
        mirror, turns = next(iter(how.values()))
        what = "mirrored left to right" if mirror else f"turned by {360 - 90 * turns} degrees clockwise"
        self.findings.append(Finding(
            "mirror" if mirror else "turned", "stops",
            f"{_list(views)} {'seem' if len(views) > 1 else 'seems'} to be {what}: undone, rays pass "
            f"{100 * self.table.worst:.1f}% of a person's height apart instead of {100 * before:.1f}%.",
            "Switch off the camera's mirror or rotation; here it is undone on the keypoints.", views, True))

    def _say_exchanged(self, order: tuple[int, ...], before: float) -> None:
        names = self.rig.names
        wrong = tuple(name for i, name in enumerate(names) if order[i] != i)
        if len(wrong) == 2:
            seen = f"{wrong[0]} and {wrong[1]} seem to be exchanged"
        else:
            seen = "The cameras' names seem to be mixed up: " + ", ".join(
                f"view {names[i]} is camera {names[k]}" for i, k in enumerate(order) if i != k)
        self.findings.append(Finding(
            "names", "stops", f"{seen}: put right, rays pass {100 * self.table.worst:.1f}% of a person's height apart "
            f"instead of {100 * before:.1f}%.",
            "The cameras were given to the views that they fit; rename the videos.", wrong, True))

    def verdict(self) -> None:
        """How well the views agree after all that could be mended."""
        names = self.rig.names
        if not np.isfinite(self.table.typical):
            self.findings.append(Finding("residual", "stops", "No two views show the same people's points at the same "
                                         "moments.", "Give views of the same people, or check the time offsets."))
            return
        pixels = float(np.nanmedian(self.table.px))
        words = f"median {pixels:.1f} px, {100 * self.table.typical:.1f}% of a person's height"
        bad, agreed = strangers(self.third, THIRD_GOOD)
        if bad:
            some = tuple(names[v] for v in bad)
            best = [np.nanmin(self.third[v]) if np.isfinite(self.third[v]).any() else 1.0 for v in bad]
            self.findings.append(Finding(
                "residual", "stops" if max(best) > THIRD_DOUBTFUL else "doubtful",
                f"{_list(some)} {'do' if len(some) > 1 else 'does'} not fit the other cameras: people are seen "
                f"{100 * max(best):.0f}% of their height from where two others place them, among the others "
                f"{100 * agreed:.1f}%.", "It was moved, or the calibration is another camera's: leave it out, refine "
                "the cameras by the people, or calibrate it again.", some))
        elif self.table.typical > DOUBTFUL or (np.isfinite(agreed) and agreed > THIRD_DOUBTFUL):
            third = f", and {100 * agreed:.0f}% from where two other views place them" if np.isfinite(agreed) else ""
            self.findings.append(Finding(
                "residual", "stops",
                f"The views do not agree ({words} between rays{third}): this calibration "
                "belongs to other cameras or another arrangement of them.",
                "Give the calibration made with these cameras where they stood, or let the cameras be found from the "
                "people."))
        elif self.table.typical > GOOD or agreed > THIRD_GOOD or bool(
                (medians(self.table.share) > _ONE_VIEW * GOOD).any()):
            third = f"; {100 * agreed:.1f}% from where two other views place them" if np.isfinite(agreed) else ""
            self.findings.append(Finding(
                "residual", "doubtful",
                f"The rays of the same points pass each other by more than usual ({words}{third}).",
                "Refine the cameras by the people, or calibrate again."))
        else:
            self.findings.append(Finding("residual", "good", f"The rays of the same points meet ({words})."))

    def world(self) -> None:
        """Unit, up and floor."""
        people = reconstructed(self.people, self.rig, self._who())
        bad, agreed = strangers(self.third, THIRD_GOOD)
        fits = self.table.typical <= DOUBTFUL and (bool(bad) or not agreed > THIRD_DOUBTFUL) and bool(people)
        found = check_world(people, self.rig, self.sightings.landmark_names, fits)
        self.findings += found.findings
        self.stature, self.unit, self.up = (found.signs.stature, found.unit, found.signs.up) if fits else (
            float("nan"), "", np.full(3, np.nan))
        if fits:
            factor = _factor(self.rig, found.rig)
            self.bones = {part: (length * factor, spread) for part, (length, spread) in found.signs.bones.items()}
            self.table = replace(self.table, gap=self.table.gap * factor)
        self.rig, self.changed = found.rig, self.changed or found.changed

    def diagnosis(self, whole: Rig) -> Diagnosis:
        """All of it."""
        corrected = None
        if self.changed:
            notes = tuple(f.seen for f in self.findings if f.mended)
            corrected = replace(self.rig, notes=(*whole.notes, *notes))
        findings = tuple(sorted(self.findings, key=lambda f: (_ORDER[f.severity], f.mended)))
        sizes = {name: (camera.width, camera.height) for name, camera in zip(self.rig.names, self.rig.cameras)}
        return Diagnosis(self.rig.names, self.table.px, self.table.gap, self.table.share, findings, self.stature,
                         self.bones, self.unit, self.up, corrected, self.offsets, tuple(self.mirrored), self.turns,
                         sizes)

    def _who(self) -> list[dict[int, int]]:
        """Each person's track in the views."""
        if self.same:
            return [dict.fromkeys(range(len(self.rig)), p) for p in range(self.people.shape[2])]
        return groups(self.table, len(self.rig))

    def _turn(self, turns: dict[int, tuple[bool, int]]) -> None:
        """Undo mirrors and turns on the sightings, after those that were undone before."""
        points = self.sightings.keypoints.copy()
        for v, (mirror, quarter) in turns.items():
            camera, name = self.rig.cameras[v], self.rig.names[v]
            points[:, v] = turned_over(points[:, v], (camera.width, camera.height), mirror, quarter,
                                       self.sightings.landmark_names)
            before, mirrored = self.turns.pop(name, 0), name in self.mirrored
            turned = (before - quarter if mirrored else before + quarter) % 4  # a turn after a mirror is the opposite
            if turned:
                self.turns[name] = turned
            if mirror:
                (self.mirrored.remove if mirrored else self.mirrored.append)(name)
        self.sightings, self.matched = replace(self.sightings, keypoints=points), None
        self.look()


def _score(people: Array, cameras: Sequence[Camera]) -> tuple[float, float]:
    """How much people (T,V,P,K,3), paired as fits best, disagree with cameras: the worse of pairs and of third views,
    each relative to what is good; and the mean distance of the pairs as a share of the person's size."""
    found = table(people, cameras, False)
    third = transferred(people, cameras, groups(found, len(cameras)))
    agreed = float(np.nan_to_num(strangers(third, 0.0)[1], posinf=1.0))
    return max(found.worst / GOOD, agreed / THIRD_GOOD), found.worst


def _factor(before: Rig, after: Rig) -> float:
    """How much longer distances between cameras are in the second rig."""
    a, b = (np.array([camera.center for camera in rig.cameras]) for rig in (before, after))
    one, two = np.linalg.norm(a - a.mean(0)), np.linalg.norm(b - b.mean(0))
    return float(two / one) if one > 0 else 1.0


def _guarded(check: Callable[[], None], findings: list[Finding]) -> None:
    """Run a check; data too odd for it is a finding."""
    try:
        check()
    except _ODD as error:
        findings.append(Finding("odd", "doubtful", f"A check could not be made on these data ({error}).",
                                "Look at the keypoints and the calibration."))


def _views(sightings: Sightings, index: Sequence[int]) -> Sightings:
    """Some views of the sightings."""
    place = {old: new for new, old in enumerate(index)}
    return replace(sightings, keypoints=sightings.keypoints[:, index], names=tuple(sightings.names[i] for i in index),
                   tracks=sightings.tracks[:, index], looks=sightings.looks[:, index],
                   masks={(t, place[v], d): data for (t, v, d), data in sightings.masks.items() if v in place})


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
