"""2D keypoints to joint rotations, on captured people who are in no training set (CMU subjects 03 and 135), on random
bodies before new random cameras, with the detector's errors simulated; each number beside the usual methods measured in
the same run. ``targets`` says what was to be reached and was. Definitions stand in ``benchmarks/uplift.py``.

Definitions. Positions are 22 joints by kinematics from the predicted rotations on the true body shape, the pelvis on
the pelvis; ``n_``: after one scale per frame, ``pa_``: after the best similarity per frame. ``mpjae_deg``: mean angle
of the 21 parent-relative rotations and of the root in the camera's frame; ``mpjae_global_deg``: of global rotations;
``root_deg``: of the root alone; ``elbow_knee_deg``: of the angle between upper and lower limb; ``accel_mm``: second
differences of positions, per frame squared at 30 frames per second; ``pck150``: per cent of joints within 150 mm.
Every usable frame counts, in clips of up to 81 frames; ``humanav`` averages with the mirrored input, as prediction does
by default (``humanav_no_flip`` does not; ``humanav_no_focal`` is not told the camera; ``humanav_coco17`` is the network
of the COCO layout on its own simulated detections). ``still_ratio``: ``mpjpe_mm`` of the same frames seen one at a
time, over that of clips. ``noise2_ratio``: with twice the detector's errors over once; level 0 are true projections.
``real_detector_mpjpe_mm``: dressed synthetic people in held-out motion, rendered and followed by MediaPipe itself;
``real_detector_ratio``: over the same clips with simulated detections; frames without a detection do not count, their
share is ``detected``. ``mediapipe_3d``: MediaPipe's own 3D there, see ``_uplift_mediapipe.py``. Speed: see
``_uplift_speed.py``. ``anthropometrics_mm`` (ridge), ``anthropometrics_mlp_mm``: mean error of 36 measurements of
random shapes after measurements to shape to measurements; ``partial_over_mean_body``: with height and the girths of
waist, chest and hip alone, over the error of the mean body.

Baselines look at one frame at a time and learn from the training subjects; their choices are made on the validation
subjects. ``mean_pose``: mean joint rotations of training, root by PnP. ``nearest``: training poses seen from 24 sides,
the closest in 2D after the best place and size. ``ridge``: linear from the uplift's own features of a frame.
``martinez``: the residual network of Martinez et al. (ICCV 2017) with rotations out, trained in the run on the uplift's
training pairs for ``martinez_steps`` steps of 512 frames (``martinez_minutes`` of processor time).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _common import Say, clock, rounded
from _uplift_baselines import martinez, mean_pose, neighbours, pool_of_poses, ridge, training_frames
from _uplift_cases import Takes, first, held_out, load_takes, training_pairs, training_poses
from _uplift_mediapipe import own_3d
from _uplift_people import film
from _uplift_shapes import shapes
from _uplift_speed import speed
from _uplift_targets import targets

from humanav.uplift.evaluate import Predict, by_yaw, cut, evaluate, from_network, measure, yaw_deg

LAYOUT = "blazepose33"
COLUMNS = ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm", "mpjae_deg", "mpjae_body_deg", "root_deg", "mpjae_global_deg",
           "elbow_knee_deg", "accel_mm", "pck150")
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2)
LENGTHS = (1, 9, 27, 81)


def run(quick: bool = False, seed: int = 0) -> dict[str, Any]:
    """Measure.

    Args:
        quick: few takes, one short film and a minimal training of the network of one frame, to see that it works.
        seed: of bodies, cameras, noise, films and the rivals' training.
    """
    from humanav.uplift.model import Uplift
    from humanav.uplift.skeleton import UpliftBody

    say, body, uplift = clock(), UpliftBody(), Uplift.load(LAYOUT)
    predict = from_network(uplift.network, flip=True)
    takes = load_takes(quick)
    pairs = held_out(takes.test, LAYOUT, seed, views=1 if quick else 2)
    errors = measure(predict, pairs, body=body)
    out: dict[str, Any] = {**_row(errors.summary()), "frames": errors.frames}
    say(f"held-out people: {out}")
    out |= _conditions(predict, takes, pairs, seed, out["mpjpe_mm"])
    say(f"clip lengths and noise: {out['by_clip_length']}, {out['by_noise']}")
    sides = by_yaw(errors, yaw_deg(pairs))
    out["by_yaw"] = {name: _row(row) | {"frames": row["frames"]} for name, row in sides.items()}
    out["joints"] = errors.per_joint()
    methods = {"humanav": _row(errors.summary()), **_variants(uplift, takes, pairs, seed)}
    say(f"variants: {methods}")
    rivals, facts = _rivals(takes, body, seed, quick, say)
    for name, rival in rivals.items():
        methods[name] = _row(evaluate(rival, pairs, body=body))
        say(f"{name}: {methods[name]}")
    out |= {"methods": methods, **facts}
    out |= _filmed(predict, takes, body, seed, quick, say)
    out |= speed(uplift.network, LAYOUT, 2 if quick else 8, 16 if quick else 64)
    say("speed")
    out |= shapes(8 if quick else 200, seed)
    say(f"anthropometrics: {out['anthropometrics']}")
    return rounded({"targets": targets(out), **out})


def _row(numbers: dict[str, float]) -> dict[str, float]:
    return {name: numbers[name] for name in COLUMNS if name in numbers}


def _conditions(predict: Predict, takes: Takes, pairs: Any, seed: int, clip_error: float) -> dict[str, Any]:
    """The same people in shorter clips, and with other levels of noise."""
    lengths = {str(length): _row(evaluate(predict, cut(pairs, length), batch=64 * max(1, 81 // length)))
               for length in LENGTHS}
    one = held_out(takes.test, LAYOUT, seed)
    levels = {"0x": _row(evaluate(predict, one, clean=True)), "1x": _row(evaluate(predict, one)),
              "2x": _row(evaluate(predict, held_out(takes.test, LAYOUT, seed, noise=2.0)))}
    return {"still_ratio": lengths["1"]["mpjpe_mm"] / clip_error,
            "noise2_ratio": levels["2x"]["mpjpe_mm"] / levels["1x"]["mpjpe_mm"], "noise0_mpjpe_mm":
            levels["0x"]["mpjpe_mm"], "by_clip_length": lengths, "by_noise": levels}


def _variants(uplift: Any, takes: Takes, pairs: Any, seed: int) -> dict[str, dict[str, float]]:
    """Rows of the uplift without the mirrored input, without the camera, and of the other layout."""
    from humanav.uplift.model import Uplift

    other = Uplift.load("coco17")
    both = from_network(uplift.network, flip=True)
    return {"humanav_no_flip": _row(evaluate(from_network(uplift.network), pairs)),
            "humanav_no_focal": _row(evaluate(both, pairs, focal_known=False)),
            "humanav_coco17": _row(evaluate(from_network(other.network, flip=True),
                                            held_out(takes.test, "coco17", seed)))}


def _rivals(takes: Takes, body: Any, seed: int, quick: bool,
            say: Say) -> tuple[dict[str, Predict], dict[str, float]]:
    """The baselines, their choices made on the validation subjects, and what they cost."""
    trial = first(held_out(takes.validation, LAYOUT, seed + 1), 2 if quick else 12)

    def picked(makers: dict[Any, Callable[[], Predict]]) -> Predict:
        made = {value: maker() for value, maker in makers.items()}
        found = {value: evaluate(rival, trial, body=body)["mpjpe_mm"] for value, rival in made.items()}
        say(f"choices, mpjpe on validation: {found}")
        return made[min(found, key=lambda value: found[value])]

    poses = training_poses(takes.train)[:: 24 if quick else 1]
    pool = pool_of_poses(poses, body, LAYOUT)
    steps = 20 if quick else 2500
    frames = training_frames(training_pairs(takes.train, LAYOUT, seed + 2, 2 if quick else 120))
    say(f"{len(pool[0])} views in the pool, {len(frames[0])} frames for ridge and the network")
    network, seconds = martinez(frames, body, steps=steps, seed=seed)
    return {"mean_pose": picked({rigid: lambda rigid=rigid: mean_pose(poses, body, LAYOUT, rigid)
                                 for rigid in (False, True)}),
            "nearest": picked({k: lambda k=k: neighbours(pool, k) for k in (1, 5, 20)}),
            "ridge": picked({value: lambda value=value: ridge(*frames[:2], value) for value in STRENGTHS}),
            "martinez": network}, {"martinez_steps": steps, "martinez_minutes": seconds / 60}


def _filmed(predict: Predict, takes: Takes, body: Any, seed: int, quick: bool,
            say: Say) -> dict[str, Any]:
    """Synthetic people before the real detector, and with simulated noise."""
    clips, frames = (1, 4) if quick else (8, 36)
    film_ = film(takes.test, clips, frames, seed, say=say)
    seen = film_.found.flatten()
    real = measure(predict, [film_.real], body=body)
    simulated = [measure(predict, [some], body=body) for some in film_.simulated]
    rows = {"real": _row(real.take(seen).summary()),
            "simulated": _row(_mean([some.take(seen).summary() for some in simulated]))}
    say(f"real detector: {rows}")
    own = own_3d(predict, film_.real, film_.found, film_.world, body)
    return {"real_detector_mpjpe_mm": rows["real"]["mpjpe_mm"],
            "real_detector_ratio": rows["real"]["mpjpe_mm"] / rows["simulated"]["mpjpe_mm"],
            "detected": float(seen.float().mean()), "film_seconds": sum(film_.seconds), "detections": rows,
            "real_detector": own}


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
