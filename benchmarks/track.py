"""Clips of dressed synthetic people in captured motion that no part has learned from, filmed with a still camera, seen
by the real detector and tracked without being told camera, tilt or size; each number beside the usual way measured in
the same run. ``targets`` says what was to be reached and was. Definitions stand in ``benchmarks/track.py``.

Clips: CMU subjects 03 and 135 (03 walks over uneven ground, so that few or none of its stretches qualify), carried over
to the people's own shapes, on the floor, in films of 3 to 4 seconds at 30 frames per second, from all sides
(``_track_clips.py``). ``fast``, ``accurate``: the two modes; ``accurate_told``: told the lens and the person's height.
``baseline``: MediaPipe's 3D of each frame with a One-Euro filter (``_track_rivals.py``); ``uplift``: the uplift by
itself, set on the floor.

Definitions. 22 joints of the bodies that were found, millimetres and degrees, means over the pooled frames of all
clips. ``mpjpe_mm``: in the camera's axes, pelvis on pelvis; ``pa_mpjpe_mm``: after the best similarity of every frame.
``mpjae_deg``: geodesic angle of the 21 parent-relative rotations; ``root_deg``: of the root in the camera's axes.
``accel_mm``: length of the difference between the found and the true second differences of positions from the pelvis,
per frame squared; ``world_accel_mm``: of positions in the world. ``world_mpjpe_mm``: in the world after one turn about
the vertical and one shift along the floor for the whole clip; heights over the floor and sizes count.
``foot_slide_mm``: how far ankle and ball of the found foot (mean) move along the floor from a frame to the next while
the true foot stands in both (ankle and ball joint slower than 0.25 m/s and within 8 and 7 cm of where they are in a
flat foot); ``true_slide_mm``: the same of the truth. ``contact_f1``: found against true standing feet.
``amplitude_kept``: of elbows, wrists, knees and ankles that move, how far they stray (standard deviation over the
clip, from shoulder or hip, in the pelvis' axes, over the limb's length), found over true, mean over limbs;
``amplitude_gain``: the slope of found on true, which noise does not raise. ``missed_share``: of frames.

``crossings``: two people who walk past each other, one hidden half-way; ``id_switches``: how often the identity that
covers a true person changes (as in multi-object tracking), ``missed_share`` of visible people. ``treadmill``: real
clips from one camera each against four, see ``_track_real.py``; ``speed``: see ``_track_speed.py``. The memory that
long clips take is a benchmark of its own, ``track_memory``.
"""

from __future__ import annotations

from typing import Any

from _common import Say, clock, rounded
from _track_clips import TrackClip, clips, crossings
from _track_measures import Sums, compare, summary
from _track_ours import cross, follow_clip, pose_of, seen_by
from _track_real import CAMERAS, against, treadmill
from _track_rivals import detections, mediapipe_one_euro, true_pose, uplift_alone
from _track_speed import speed
from _track_targets import targets
from _uplift_mediapipe import ORDER

MODES = ("fast", "accurate")
SIZE = (720, 720)


def run(quick: bool = False, seed: int = 7, people: int | None = None, subjects: str = "test") -> dict[str, Any]:
    """Measure.

    Args:
        quick: one small short clip of each kind and a quarter of a second of the treadmill, to see that it works.
        seed: of people, places and stretches.
        people: how many clips of one person; 8 by default.
        subjects: "test", or "development" (CMU 07 and 94) for choosing settings.
    """
    say = clock()
    count = people or (1 if quick else 8)
    size, most = ((240, 240), 16) if quick else (SIZE, 120)
    films = clips(subjects, seed, count, size, most_frames=most, say=say)
    scores = _scores(films, say)
    out: dict[str, Any] = {"modes": {name: summary(rows) for name, rows in scores.items()},
                           "by_clip": {_label(film): summary([row]) for film, row in
                                       zip(films, scores["accurate"], strict=True)},
                           "clips": len(films), "frames": sum(film.frames for film in films)}
    shape: dict[str, Any] = {"count": 1, "size": (320, 240), "frames": 14} if quick else {}
    pairs = crossings(subjects, seed, **shape, say=say)
    out["crossings"] = {mode: cross(pairs, mode) for mode in MODES}
    say(f"crossings: {out['crossings']}")
    out["treadmill"] = _treadmill(("cam02",) if quick else CAMERAS, MODES, say, 0.25 if quick else None)
    out["speed"] = speed(films[0].video, MODES, *((4, 1) if quick else ()))
    say(f"speed: {out['speed']}")
    for mode in MODES:
        out["modes"][mode] |= {"id_switches": out["crossings"][mode]["id_switches"],
                               "fps": out["speed"][mode]["frames_per_s"]}
    return rounded({"targets": targets(out), **out})


def _scores(films: list[TrackClip], say: Say) -> dict[str, list[Sums]]:
    """Errors of every way, clip by clip."""
    from humanav.body import BodyModel

    body = BodyModel.load()
    scores: dict[str, list[Sums]] = {name: [] for name in (*MODES, "accurate_told", "uplift", "baseline")}
    for film in films:
        true = true_pose(film)
        found = {mode: pose_of(follow_clip(film.video, mode), body) for mode in MODES}
        found["accurate_told"] = pose_of(follow_clip(film.video, "accurate", camera=film.camera,
                                                     height=film.people[0].stature), body)
        found["uplift"] = uplift_alone(film.video, body)
        found["baseline"] = mediapipe_one_euro(detections(film.video), film.people[0].motion.fps, body)
        for name, pose in found.items():
            scores[name].append(compare(pose, true))
        say(f"{_label(film)}: " + ", ".join(f"{name} {summary([rows[-1]])['pa_mpjpe_mm']:.0f}"
                                            for name, rows in scores.items()) + " mm")
    return scores


def _treadmill(
    cameras: tuple[str, ...], modes: tuple[str, ...], say: Say, end: float | None = None
) -> dict[str, dict[str, float]]:
    """A row for each camera and mode, and the detector's own 3D; empty where the clips are not on this machine.

    ``end``: how many seconds of each clip are used; all of them by default.
    """
    from humanav.body import BodyModel
    from humanav.errors import InputError

    try:
        videos, reference = treadmill()
    except InputError as error:
        say(str(error))
        return {}
    body = BodyModel.load()
    rows: dict[str, dict[str, float]] = {}
    for camera in cameras:
        keypoints, world, seen, _ = detections(videos[camera], end)
        rows[f"{camera} baseline"] = against(world[:, ORDER], keypoints[:, ORDER, :2], seen, reference, camera)
        for mode in modes:
            rows[f"{camera} {mode}"] = against(*seen_by(videos[camera], mode, body, end), reference, camera)
            say(f"{camera}, {mode}: {rows[f'{camera} {mode}']}")
    return rows


def _label(film: TrackClip) -> str:
    return f"{film.name.rsplit('-', 1)[-1]}: {film.people[0].motion.name}"
