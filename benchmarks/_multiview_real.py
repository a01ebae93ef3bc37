"""The real captures of Pose2Sim's demos: one person on a treadmill, and two people before bystanders.

There is no truth. ``reprojection_px``: median distance from the detected shoulders, elbows, wrists, hips, knees and
ankles (left and right as they were sorted out) to the projected points in space. ``limb_variation``: standard deviation
over mean of the length of upper arms, forearms, thighs and shins in percent, mean of the eight. Pose2Sim's figures were
recorded by its authors' demo on keypoints of its own detector and were not run here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from _common import Say
from _multiview_films import default_cache
from _multiview_measures import of_views, plain
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.multiview.adjust import refine_cameras
from humanav.multiview.capture import Capture, find_capture
from humanav.multiview.detect import detect
from humanav.multiview.fit import fit_people
from humanav.multiview.footage import open_footage
from humanav.multiview.match import match_people
from humanav.multiview.match_settings import MatchSettings
from humanav.multiview.refine import refine
from humanav.multiview.simulate import body_points
from humanav.multiview.triangulate import residuals
from humanav.multiview.value import Fitted, Matched, Rig, Sightings
from humanav.paths import home
from humanav.render import silhouette

Array = NDArray[np.float64]

NAMES = tuple(f"{side}_{name}" for side in ("left", "right")
              for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
_LIMBS = tuple((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right")
               for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")))
_BLAZE = KEYPOINT_SETS["blazepose33"]
_SURE = 0.3
HELD_OUT_EVERY = 4
"""Frames from one to the next of those that the held-out camera is tried on."""


def footage(name: str) -> Path:
    """Folder of a capture. Raises InputError where it is not on this machine."""
    folder = home().parent / "shared" / "testset"
    if not (folder / name).is_dir() or not (folder / "reference").is_dir():
        raise InputError(f"The capture {name} is not here: put it and reference in ../shared/testset.")
    return folder / name


def reference(name: str, key: str, names: tuple[str, ...]) -> Array:
    """(T,V,D,33,3) keypoints that were detected earlier, 0 where there is nobody."""
    with np.load(footage(name).parent / "reference" / f"{name}_{key}.npz") as data:
        views = [data[f"kp_{view}" if f"kp_{view}" in data.files else view] for view in names]
    stacked = np.stack([view[..., :3].astype(np.float64) for view in views], axis=1)
    stacked = stacked if stacked.ndim == 5 else stacked[:, :, None]
    known = np.isfinite(stacked).all(axis=-1, keepdims=True)
    return np.where(known, stacked, 0.0)


def treadmill(quick: bool, body: BodyModel, say: Say) -> dict[str, dict[str, Any]]:
    """Rows of one person, with the given cameras, refined ones, and the plain way."""
    capture = find_capture(footage("mv_single"))
    rig = capture.rig
    assert rig is not None
    rows: dict[str, dict[str, Any]] = {"Pose2Sim, recorded, not run here": {
        "mean_px": 9.7, "limb_variation": 32.0, "limb_variation_smoothed": 15.0}}
    given = Sightings(np.clip(reference("mv_single", "mediapipe", rig.names), 0, None), "blazepose33", rig.names, 60.0)
    step = 10 if quick else 1
    rows |= _treadmill_rows("reference keypoints", given.part(slice(0, None, step)), rig, body)
    say(f"treadmill: {rows}")
    if quick:
        return rows
    with open_footage(capture) as clips:
        found = detect(clips, people=1, work=default_cache() / "mv_single-detected")
    own = _treadmill_rows("own detections", found, rig, body)
    say(f"treadmill: {own}")
    return rows | own | {f"held out {view}": row for view, row in _held_out(capture, found, rig, body, say).items()}


def _treadmill_rows(label: str, seen: Sightings, rig: Rig, body: BodyModel) -> dict[str, dict[str, Any]]:
    one = MatchSettings(people=1)
    matched = match_people(seen, rig, one)
    moved = refine_cameras(rig, seen, matched)
    again = match_people(seen, moved.rig, one)
    fitted = fit_people(matched, seen, rig, body=body)
    linear = plain(matched, seen, rig)
    return {f"{label}, given cameras": numbers(matched, seen, rig),
            f"{label}, refined cameras": {**numbers(again, seen, moved.rig), "kept": moved.kept,
                                          "held_out_frames_px": moved.held_after_px},
            f"{label}, plain DLT": numbers(linear, seen, rig),
            f"{label}, body": body_numbers(fitted, matched, seen, rig, body)}


def numbers(matched: Matched, seen: Sightings, rig: Rig) -> dict[str, Any]:
    """The row of points in space."""
    person = matched.people[0]
    index = [seen.landmark_names.index(name) for name in NAMES]
    away = residuals(rig, _sorted_out(matched), person.keypoints)[..., index]
    return {"reprojection_px": float(np.nanmedian(away)), "mean_px": float(np.nanmean(away)),
            "limb_variation": _variation(person.keypoints, seen.landmark_names)}


def body_numbers(fitted: Fitted, matched: Matched, seen: Sightings, rig: Rig, body: BodyModel) -> dict[str, Any]:
    """The row of the body: its landmarks against the same detections."""
    points = body_points([fitted.people[0].motion], seen.keypoint_set, body)[0][:, 0]
    index = [seen.landmark_names.index(name) for name in NAMES]
    away = residuals(rig, _sorted_out(matched), points)[..., index]
    return {"reprojection_px": float(np.nanmedian(away)), "mean_px": float(np.nanmean(away)),
            "limb_variation": _variation(points, seen.landmark_names)}


def _sorted_out(matched: Matched) -> Array:
    """(T,V,K,3) the first person's keypoints, left and right as the matching put them; unsure ones taken out."""
    seen = matched.people[0].observed.copy()
    seen[..., 2] = np.where(seen[..., 2] > _SURE, seen[..., 2], 0.0)
    return seen


def _variation(points: Array, names: tuple[str, ...]) -> float:
    shares = []
    for a, b in _LIMBS:
        length = np.linalg.norm(points[:, names.index(a), :3] - points[:, names.index(b), :3], axis=-1)
        shares.append(np.nanstd(length) / np.nanmean(length))
    return 100 * float(np.mean(shares))


def _held_out(capture: Capture, found: Sightings, rig: Rig, body: BodyModel, say: Say) -> dict[str, dict[str, Any]]:
    """Three cameras find, fit and refine the person; the fourth judges."""
    some = found.part(slice(0, None, HELD_OUT_EVERY))
    rows = {}
    for name in rig.names[1::2]:
        kept = [v for v, view in enumerate(rig.names) if view != name]
        view = rig.names.index(name)
        three = rig.only([rig.names[v] for v in kept])
        seen = of_views(some, kept)
        matched = match_people(seen, three, MatchSettings(people=1))
        start = fit_people(matched, seen, three, body=body)
        with open_footage(capture, fps=some.fps) as clips:
            end = refine(start, matched, seen, three, _Some(clips, kept), body=body).fitted
        row = {}
        for label, fitted in (("init", start), ("refined", end)):
            for key, value in _judged(fitted, some, view, rig, body).items():
                row[f"{key}_{label}"] = value
        rows[name] = row
        say(f"held out {name}: {row}")
    return rows


class _Some:
    """Some views of a footage."""

    def __init__(self, clips: Any, views: list[int]) -> None:
        self.clips, self.views = clips, views

    def frame(self, view: int, t: int) -> NDArray[np.uint8]:
        """The picture of a view at frame ``t``."""
        return np.asarray(self.clips.frame(self.views[view], t))


def _judged(fitted: Fitted, seen: Sightings, view: int, rig: Rig, body: BodyModel) -> dict[str, float]:
    """Median pixels from the view's detections to the body's landmarks, and mean overlap of its mask with the body."""
    motion, camera = fitted.people[0].motion, rig.cameras[view]
    points = body_points([motion], seen.keypoint_set, body)[0][:, 0]
    index = [seen.landmark_names.index(name) for name in NAMES]
    other = [index[NAMES.index(_mirror(name))] for name in NAMES]
    pixels = camera.project(points[:, index])[0]
    errors, overlaps = [], []
    for t in range(seen.frames):
        there = np.flatnonzero(seen.present[t, view])
        if not len(there):
            continue
        d = int(there[0])
        best = min((_away(seen.keypoints[t, view, d][order], pixels[t]) for order in (index, other)),
                   key=lambda away: float(np.nanmedian(away)) if np.isfinite(away).any() else np.inf)
        errors.append(best)
        mask = seen.mask(t, view, d)
        if mask is not None:
            vertices = body.from_motion(motion[t]).vertices
            assert vertices is not None
            small = camera.scaled(mask.shape[0] / camera.height)
            drawn = silhouette(vertices[0].numpy(), body.faces, small)
            h, w = min(drawn.shape[0], mask.shape[0]), min(drawn.shape[1], mask.shape[1])
            a, b = drawn[:h, :w], mask[:h, :w] > 0.5
            overlaps.append((a & b).sum() / max((a | b).sum(), 1))
    return {"keypoint_px": float(np.nanmedian(np.concatenate(errors))),
            "mask_iou": float(np.mean(overlaps)) if overlaps else float("nan")}


def _mirror(name: str) -> str:
    return name.replace("left", "right") if "left" in name else name.replace("right", "left")


def _away(seen: Array, pixels: Array) -> Array:
    return np.where(seen[:, 2] > _SURE, np.linalg.norm(seen[:, :2] - pixels, axis=-1), np.nan)


def two_people(quick: bool, say: Say) -> dict[str, dict[str, Any]]:
    """Rows of the capture of two people: from the reference's tracks, and from our own detections."""
    capture = find_capture(footage("mv_multi"))
    rig = capture.rig
    assert rig is not None
    true = reference("mv_multi", "mediapipe_tracks", rig.names)
    slot = rig.names.index("cam03")
    true[:, slot] = true[:, slot, ::-1].copy()  # this view's slots are exchanged in the file
    rng = np.random.default_rng(0)
    order = rng.permuted(np.tile(np.arange(2), (*true.shape[:2], 1)), axis=-1)
    shuffled = np.take_along_axis(true, order[..., None, None], axis=2)
    frames = slice(0, 40 if quick else None, 2)  # the reference has every second frame
    seen = Sightings(shuffled, "blazepose33", rig.names, 60.0).part(frames)
    rows = {"reference tracks": _pairing(match_people(seen, rig), seen, true[frames])}
    say(f"two people: {rows}")
    if quick:
        return rows
    with open_footage(capture) as clips:
        found = detect(clips, work=default_cache() / "mv_multi-detected")
    rows["own detections"] = _pairing(match_people(found, rig), found, true)
    say(f"two people: {rows}")
    return rows


def _pairing(matched: Matched, seen: Sightings, true: Array) -> dict[str, Any]:
    """How long both people of the reference keep one number each, and whether their views are put together rightly.

    A person's detection in a view is the reference's person who is nearest in the 12 points, if nearer than a quarter
    of that person's height.
    """
    index = [_BLAZE.index(name) for name in NAMES]
    frames = seen.frames
    label = np.full((len(matched.people), frames, len(seen.names)), -1)
    for p, person in enumerate(matched.people):
        for t, v in zip(*np.nonzero(person.chosen >= 0)):
            mine = seen.keypoints[t, v, person.chosen[t, v]][index]
            far = np.full(2, np.inf)
            for k in range(2):
                known = (true[t, v, k][index, 2] > 0) & (mine[:, 2] > 0)
                if known.sum() >= 6:
                    target = true[t, v, k][index, :2]
                    far[k] = np.linalg.norm(mine[:, :2] - target, axis=-1)[known].mean() / np.ptp(target[known, 1])
            if far.min() < 0.25:
                label[p, t, v] = int(far.argmin())
    known = (true[..., 2] > 0).any(axis=(1, 2, 3))
    checked = right = 0
    owner = np.full((frames, 2), -1)
    for t in range(frames):
        for p in range(len(matched.people)):
            views = label[p, t][label[p, t] >= 0]
            if len(views) >= 2:
                checked += 1
                right += len(set(views.tolist())) == 1
                who = int(np.bincount(views).argmax())
                owner[t, who] = p if owner[t, who] < 0 else owner[t, who]
    main = [int(np.bincount(owner[:, k][owner[:, k] >= 0]).argmax()) if (owner[:, k] >= 0).any() else -1
            for k in range(2)]
    there = [matched.people[p].seen if p >= 0 else np.zeros(frames, bool) for p in main]
    constant = [(owner[:, k] == main[k]) | (owner[:, k] < 0) for k in range(2)]
    both = there[0] & there[1] & constant[0] & constant[1] & (main[0] != main[1])
    return {"frames": frames, "both_found_frames": int(both.sum()), "checked_frames": int(known.sum()),
            "checked_pairings": checked, "pairing_right": right, "people": len(matched.people)}

