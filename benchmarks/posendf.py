"""The manifold of poses on captured people who are in no training set (CMU subjects 03 and 135), each number beside
the usual methods measured in the same run. ``best`` names the best method of a row; ``targets`` says what was to be
reached and was. Definitions stand in ``benchmarks/posendf.py``.

Definitions. Distances are mean half angles of the 21 joints in radians, true ones to the nearest of given poses.
``distance_pearson``, ``distance_mae_rad``: the field's against the true distance to the nearest real pose, training
or held-out (held-out people are human too, and NRDF counts the pose a query was made from), over queries made from
held-out poses as training queries are. ``..._to_training``: against the distance to training poses alone, from which
clean held-out poses lie ``clean_distance_rad`` away: a field that gave that distance could not tell them from noise.
``auc``: how often a damaged pose scores worse than a clean one; ``auc_noise_0.1``: turns of 0.1 rad per axis of every
joint; ``auc_broken``: the mean of a knee or elbow bent 30-100 degrees beyond straight, a joint twisted by 180
degrees, and the rotations of left and right leg exchanged as they are, in the ``swapped_legs_share`` of poses where
that turns the legs' joints by 30 degrees or more in the mean. ``clean_move_deg``: how far projection turns the joints
of clean poses. ``repair_deg``: mean angle between true and repaired rotation of the damaged joints, which no method
is told; ``repair_pose_deg``: of all joints (``mean_pose``, out of competition, mends damaged joints somewhat and
ruins the others: both count). ``humanav`` has its alarm picked for each table, as the baselines their noise level;
``humanav_default`` is out of competition. ``complete_deg``: of hidden joints, which every method is told.
``denoise_mpjpe_mm``, ``amplitude_kept``, ``jitter_m_s3``: whole motions; one setting of ours, the filters tuned on
training subjects for
each damage. ``gen_nn_ratio``: median true distance of generated poses over that of held-out ones; ``apd_ratio``:
their mean pairwise joint distance over that of real poses; ``frechet``: of joint positions to training poses and to
held-out ones (cm^2); ``field_rad``, ``true_rad``: their median distances (where the first is small and the second is
not, the field has a false zero; ``mining`` is what training saw of them, round by round); ``copies_pct``: generated
poses within 0.01 rad of a training pose. ``path_rad``: distances in the middle half of the way between two held-out
poses, by the field and true (to training poses). ``fit_image``: the body fitted to noisy 2D keypoints of held-out
poses, by prior (``gmm`` is the mixture of the package; it also chooses between solutions on the manifold, but not in
``manifold_alone``). ``pose_steps_per_s``: steps of projection per second of
processor time on one thread, against the same network written joint by joint with autograd.

Baselines: Gaussian and GMM(8) over rotation vectors (restoring: the expected pose under noise; completing: the
conditional mean), nearest neighbours in the same training poses (noise level and number of neighbours picked on
validation subjects by the measure of each table), a denoising network trained here for a minute on the same damage,
and for motions the One-Euro, Gaussian and Savitzky-Golay filters.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from _common import clock
from _posendf_baselines import SIGMAS, Neighbours, mean_fill, pick, train_denoiser
from _posendf_cases import Case, Poses, completion_cases, draw, load_poses, mocap, repair_cases
from _posendf_measures import angles_deg, auc, best_of, frechet, joint_error, pair_distance_cm, pearson, positions_cm
from _posendf_peer import speed
from _posendf_targets import targets
from torch import Tensor

from humanav.paths import checkpoint
from humanav.posendf.corrupt import LIMBS

ALARMS = (0.2, 0.5, 0.8, 0.95)
"""Probabilities of damage from which `repair` mends a pose; 0.8 is its default."""
CROWDS = 4
"""The Frechet distance depends on the number of poses and on chance: it is the mean over so many crowds."""
LEGS_DEG = 30.0
"""Legs that are exchanged as they are count as broken where that turns their joints by so much in the mean."""
COPY_RAD = 0.01
"""A generated pose this close to a training pose is a copy: 1.1 degrees per joint."""


def run(quick: bool = False, seed: int = 0) -> dict[str, Any]:
    """Measure.

    Args:
        quick: few poses and a short training of the denoising network, to see that it works.
        seed: of the poses drawn, the damage and the networks.
    """
    from humanav.posendf import PoseMixture, PoseNDF

    mocap()
    say = clock()
    field = PoseNDF.load()
    poses = load_poses(8 if quick else 1)
    generator = torch.Generator().manual_seed(seed)
    held_out = draw(poses.held_out, 60 if quick else 600, generator)
    say(f"{len(poses.pool)} training poses, {len(poses.held_out)} held-out poses")
    mixtures = {"gaussian": PoseMixture.fit(poses.pool, 1, seed), "gmm8": PoseMixture.fit(poses.pool, 8, seed)}
    say("mixtures fitted")
    out: dict[str, Any] = {"held_out_poses": len(held_out), "training_poses": len(poses.pool)}
    out |= scoring(field, poses, held_out, mixtures, seed, 400 if quick else 4000)
    say(f"scoring: {out}")
    out |= repairing(field, poses, held_out, mixtures, seed, 1 if quick else 60, say)
    out |= completing(field, poses, held_out, mixtures, say)
    out |= generating(field, poses, mixtures, seed, 40 if quick else 500)
    say(f"generation: {out['generation']}")
    out |= interpolating(field, poses, held_out, seed, 3 if quick else 48)
    say(f"interpolation: {out['path_rad']}")
    out |= moving(field, quick, seed, say)
    out |= fitting(mixtures["gmm8"], 1 if quick else 40, seed)
    say(f"fitting: {out['fit_image']}")
    out |= speed(field, held_out, 3 if quick else 15)
    say("speed")
    return {"targets": targets(out), **out}


def scoring(field: Any, poses: Poses, held_out: Tensor, mixtures: dict[str, Any], seed: int,
            queries: int) -> dict[str, Any]:
    """How well the field knows the distance, and tells damaged poses from clean ones."""
    from humanav.posendf import mirror_quats, project
    from humanav.posendf.corrupt import MIX, axis_angle_noise, corrupt, hyperextend, swap_limbs, twist
    from humanav.posendf.nearest import PosePool

    generator = torch.Generator().manual_seed(seed + 1)
    sources = poses.held_out[torch.randint(len(poses.held_out), (queries,), generator=generator)]
    asked = corrupt(sources, generator, kinds=MIX, others=poses.held_out).quats
    truth, guess = poses.tree.nearest(asked)[0][:, 0], field(asked)
    people = PosePool(torch.cat([poses.held_out, mirror_quats(poses.held_out)]))
    real = torch.minimum(truth, people.nearest(asked)[0][:, 0])
    broken = {"noise 0.1": axis_angle_noise(held_out, 0.1, generator),
              "hyperextension": hyperextend(held_out, generator),
              "twist 180": twist(held_out, generator, degrees=(180, 180)),
              "swapped legs": swap_limbs(held_out, generator, limbs="legs", mirrored=False)}
    methods = {"humanav": field, **{name: lambda q, m=m: -m.log_likelihood(q) for name, m in mixtures.items()},
               "nearest": lambda q: poses.tree.nearest(q)[0][:, 0]}
    table, kept = {}, {}
    clean = {name: score(held_out) for name, score in methods.items()}
    for kind, (spoilt, damaged) in broken.items():
        changed = spoilt[damaged.any(dim=1) if kind != "swapped legs" else _legs_moved(held_out, spoilt) >= LEGS_DEG]
        kept[kind] = len(changed) / len(spoilt)
        table[kind] = best_of({name: auc(clean[name], score(changed)) for name, score in methods.items()}, larger=True)
    moved = angles_deg(project(field, held_out).quats, held_out).mean(1)
    return {"distance_pearson": pearson(guess, real), "distance_mae_rad": float((guess - real).abs().mean()),
            "distance_pearson_to_training": pearson(guess, truth),
            "distance_mae_to_training_rad": float((guess - truth).abs().mean()),
            "auc_noise_0.1": table["noise 0.1"]["humanav"],
            "auc_broken": sum(table[kind]["humanav"] for kind in list(broken)[1:]) / 3,
            "clean_move_deg": float(moved.mean()), "clean_distance_rad": float(clean["nearest"].median()),
            "swapped_legs_share": kept["swapped legs"], "auc": table}


def _legs_moved(quats: Tensor, spoilt: Tensor) -> Tensor:
    """(B,) mean angle in degrees that the legs' eight joints turned by."""
    return angles_deg(quats, spoilt)[:, [*LIMBS["left_leg"], *LIMBS["right_leg"]]].mean(1)


def repairing(field: Any, poses: Poses, held_out: Tensor, mixtures: dict[str, Any], seed: int, seconds: float,
              say: Any) -> dict[str, Any]:
    """Damaged joints, which nobody is told, against the truth."""
    from humanav.posendf import project, repair
    from humanav.posendf.corrupt import corrupt

    def damage(clean: Tensor, generator: torch.Generator) -> Tensor:
        return corrupt(clean, generator, others=poses.pool).quats

    network = train_denoiser(poses.pool, damage, seconds=seconds, seed=seed)
    say("denoising network trained")
    trial_truth = draw(poses.validation, len(held_out) // 2, torch.Generator().manual_seed(seed))
    spoilt = corrupt(trial_truth, torch.Generator().manual_seed(seed + 3), others=trial_truth)
    trial = Case(trial_truth, spoilt.quats, spoilt.damaged)

    rest = mean_fill(poses.pool)
    methods = {"input": lambda q: q, "mean_pose": lambda q: rest(q, torch.zeros(21, dtype=torch.bool)),
               "denoising_net": network, "projection": lambda q: project(field, q).quats,
               "humanav_default": lambda q: repair(field, q).quats}
    cases = repair_cases(held_out, seed)
    made = {kind: {name: method(case.quats) for name, method in methods.items()} for kind, case in cases.items()}
    tables: dict[str, Any] = {"repair_deg": {}, "repair_pose_deg": {}}
    for measure, table in tables.items():
        def error(quats: Tensor, case: Case = trial, every: bool = measure == "repair_pose_deg") -> float:
            return joint_error(quats, case.truth, torch.ones_like(case.damaged) if every else case.damaged)

        # each table has the one knob of every method tuned for it
        sigma = {name: pick(SIGMAS, lambda value, m=m: error(m.restore(trial.quats, value)))
                 for name, m in mixtures.items()}
        count = int(pick((1, 3, 8, 20), lambda k: error(Neighbours(poses.tree, int(k)).repair(trial.quats))))
        alarm = pick(ALARMS, lambda value: error(repair(field, trial.quats, alarm=value).quats))
        say(f"{measure}: assumed noise {sigma}, {count} neighbours, alarm at {alarm}")
        for kind, case in cases.items():
            tuned = {**{name: m.restore(case.quats, sigma[name]) for name, m in mixtures.items()},
                     "nearest": Neighbours(poses.tree, count).repair(case.quats),
                     "humanav": repair(field, case.quats, alarm=alarm).quats}
            row = {name: error(quats, case) for name, quats in {**made[kind], **tuned}.items()}
            order = ("input", "mean_pose", *mixtures, "nearest", "denoising_net", "projection", "humanav_default",
                     "humanav")
            table[kind] = best_of({name: row[name] for name in order})
            say(f"{measure}, {kind}: {table[kind]}")
    return tables


def completing(field: Any, poses: Poses, held_out: Tensor, mixtures: dict[str, Any], say: Any) -> dict[str, Any]:
    """Hidden joints, which everybody is told, against the truth."""
    from humanav.posendf import complete

    def picked(k: float) -> float:
        case = completion_cases(poses.validation[::40])["left arm"]
        return joint_error(Neighbours(poses.tree, int(k)).complete(case.quats, ~case.damaged), case.truth, case.damaged)

    methods = {"mean": mean_fill(poses.pool), **{name: m.conditional for name, m in mixtures.items()},
               "nearest": Neighbours(poses.tree, int(pick((1, 3, 8, 20), picked))).complete,
               "humanav": lambda quats, known: complete(field, quats, known)}
    table = {}
    for kind, case in completion_cases(held_out).items():
        table[kind] = best_of({name: _hidden_error(case, method(case.quats, ~case.damaged))
                               for name, method in methods.items()})
        say(f"completion, {kind}: {table[kind]}")
    return {"complete_deg": table}


def _hidden_error(case: Case, quats: Tensor) -> float:
    return joint_error(quats, case.truth, case.damaged)


def generating(field: Any, poses: Poses, mixtures: dict[str, Any], seed: int, count: int) -> dict[str, Any]:
    """Poses out of nothing: near real ones, as varied as them, and not copies. Means of several crowds of ``count``."""
    from humanav.posendf import PoseMixture, generate, project
    from humanav.posendf.corrupt import nrdf_noise

    generator = torch.Generator().manual_seed(seed + 5)
    count *= CROWDS
    rest = torch.zeros(count, 21, 4)
    rest[..., 0] = 1
    start = nrdf_noise(rest, 1.0, generator)[0]
    crowds = {"humanav": generate(field, count, seed=seed),
              "start of humanav": PoseMixture.load().sample(count, generator),
              "noise": start, "noise, projected": project(field, start).quats,
              **{name: m.sample(count, generator) for name, m in mixtures.items()},
              "training poses": draw(poses.pool, count, generator),
              "held-out poses": draw(poses.held_out, count, generator)}
    real, test = (positions_cm(draw(q, 2 * count, generator)) for q in (poses.pool, poses.held_out))
    floor = float(poses.tree.nearest(poses.held_out[::4])[0].median())
    table = {}
    for name, quats in crowds.items():
        # a training pose is its own nearest: take the next
        distance = poses.tree.nearest(quats[::CROWDS], k=2)[0][:, 1 if name == "training poses" else 0]
        joints = positions_cm(quats)
        table[name] = {"field_rad": float(field(quats).median()), "true_rad": float(distance.median()),
                       "gen_nn_ratio": float(distance.median()) / floor,
                       "apd_ratio": pair_distance_cm(joints) / pair_distance_cm(real),
                       **{key: sum(frechet(some, others) for some in np.split(joints, CROWDS)) / CROWDS
                          for key, others in (("frechet_train", real), ("frechet_held_out", test))},
                       "copies_pct": 100 * float((distance < COPY_RAD).float().mean())}
        table[name] = {key: round(value, 3) for key, value in table[name].items()}
    numbers: dict[str, Any] = {"gen_nn_ratio": table["humanav"]["gen_nn_ratio"],
                               "apd_ratio": table["humanav"]["apd_ratio"],
                               "frechet": table["humanav"]["frechet_train"], "generation": table}
    if mined := _mining():
        numbers["mining"] = mined
    return numbers


def _mining() -> dict[str, Any]:
    """What training recorded of its rounds: where projected poses ended, by the field as it was and truly."""
    rounds = json.loads((checkpoint("posendf") / "config.json").read_text()).get("mining", [])
    return {f"round {number}, step {one['step']}": {key: one[key] for key in ("predicted_rad", "true_rad")}
            for number, one in enumerate(rounds, 1)}


def interpolating(field: Any, poses: Poses, held_out: Tensor, seed: int, pairs: int, steps: int = 20) -> dict[str, Any]:
    """The middle half of the way between two poses: along the manifold, and along the shortest rotations."""
    from humanav.posendf import interpolate
    from humanav.posendf.quaternions import pose_distance, slerp

    generator = torch.Generator().manual_seed(seed)
    a, b = (held_out[torch.randint(len(held_out), (8 * pairs,), generator=generator)] for _ in range(2))
    far = pose_distance(a, b).topk(2 * pairs).indices[::2]  # of the quarter that is farthest apart
    middle = slice(steps // 4, steps - steps // 4)
    table: dict[str, dict[str, list[float]]] = {}
    for first, last in zip(a[far], b[far]):
        straight = torch.stack([slerp(first, last, part) for part in torch.linspace(0, 1, steps).tolist()])
        for name, path in (("humanav", interpolate(field, first, last, steps)), ("slerp", straight)):
            for measure, values in (("field", field(path)), ("true", poses.tree.nearest(path)[0][:, 0])):
                for kind, value in (("largest", values[middle].max()), ("mean", values[middle].mean())):
                    table.setdefault(f"{kind}, {measure}", {}).setdefault(name, []).append(float(value))
    return {"path_rad": {key: best_of({name: sum(values) / len(values) for name, values in row.items()})
                         for key, row in table.items()}}


def moving(field: Any, quick: bool, seed: int, say: Any) -> dict[str, Any]:
    """Motions with noise, gaps and outliers."""
    from _posendf_motion import rows

    from humanav.posendf.denoise import denoise

    tables = rows(mocap(), lambda take: denoise(take.motion, field=field, missing=take.missing).motion,
                  count=1 if quick else 12, tuned_on=1 if quick else 8, frames=40 if quick else 150, seed=seed, say=say)
    return {measure: {kind: best_of(row) if measure == "denoise_mpjpe_mm" else
                      {name: round(value, 3) for name, value in row.items()} for kind, row in table.items()}
            for measure, table in tables.items()}


def fitting(gmm8: Any, count: int, seed: int) -> dict[str, Any]:
    """The body on 2D keypoints under different priors."""
    from _fit_image import PRIORS, draw_cases, fit_image_errors

    from humanav.posendf import cmu_clips

    poses = np.concatenate([clip.motion.full_pose[clip.ok, :22] for clip in cmu_clips(mocap(), "test")])
    rows = fit_image_errors(draw_cases(poses, count, seed), {**PRIORS, "gmm8": {"prior": "gmm", "mixture": gmm8}})
    return {"fit_image": {name: {key: round(value, 4) for key, value in row.items()} for name, row in rows.items()}}
