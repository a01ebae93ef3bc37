"""``humanav posendf``: the manifold of human poses, from data to what it is good for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from humanav.cli.shared import Asf, Devices, Json, Map, progress, show_result, together, whole
from humanav.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from humanav.motion import Motion
    from humanav.posendf.sources import Kind

app = typer.Typer(name="posendf", no_args_is_help=True,
                  help="The manifold of human poses: prepare, train, project, generate, denoise, complete, fit.")

Source = Annotated[str, typer.Argument(help="A motion file, or a clip's name (see `humanav clips`).",
                                       show_default=False)]
Written = Annotated[Path | None, typer.Option("--out", help="The npz to write. By default named after the input, in "
                                              "this folder.", show_default=False)]


@app.callback()
def _group() -> None:
    pass


@app.command()
def prepare(
    out: Annotated[Path, typer.Option(help="The folder to make; an interrupted run goes on there.")],
    amass: Annotated[Path | None, typer.Option(help="AMASS's folder: SMPL-H, SMPL-X or SMPL npz files.")] = None,
    cmu: Annotated[Path | None, typer.Option(help="The compact CMU npz, or a folder of AMC or BVH files.")] = None,
    npz: Annotated[Path | None, typer.Option(help="One motion.")] = None,
    queries: Annotated[int, typer.Option(help="Spoilt poses to train on.")] = 300_000,
    poses: Annotated[int, typer.Option(help="At most so many clean poses train.")] = 150_000,
    middle: Annotated[float | None, typer.Option(help="Share of each take, from its middle; by default 0.8, and 1 for "
                                                 "the compact npz.", show_default=False)] = None,
    thin: Annotated[float, typer.Option(help="Degrees of mean joint angle between frames to keep.")] = 1.5,
    mirror: Annotated[bool, typer.Option(help="Add every pose's mirror image.")] = True,
    collars: Annotated[float, typer.Option(help="Share of poses to move collars in, where none ever moves.")] = 0.3,
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 0,
    jobs: Annotated[int, typer.Option(help="Workers; 0 for all cores.")] = 0,
    overwrite: Annotated[bool, typer.Option(help="Replace what other data or options left in the folder.")] = False,
    as_json: Json = False,
) -> None:
    """Make what `train` learns from: clean poses, spoilt ones, and their distance to the nearest clean one."""
    from humanav.posendf.data import describe
    from humanav.posendf.prepare import STAGES, PrepareOptions
    from humanav.posendf.prepare import prepare as run

    sources: dict[Kind, Path | None] = {"amass": amass, "cmu": cmu, "npz": npz}
    given = [(kind, place) for kind, place in sources.items() if place is not None]
    if len(given) != 1:
        raise InputError("Give one source of motions: --amass FOLDER, --cmu PATH or --npz FILE.")
    options = PrepareOptions(queries, poses, middle, thin, mirror, collars, seed)
    manifest = run(*given[0], out, options, jobs=jobs, overwrite=overwrite, progress=progress(STAGES))
    typer.echo(json.dumps(manifest) if as_json else "\n".join([*describe(manifest), str(out)]))


@app.command()
def train(
    config: Annotated[str, typer.Option(help="A YAML file, or a shipped one: fast, structured.")] = "fast",
    data: Annotated[Path | None, typer.Option(help="What `humanav posendf prepare` wrote.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the weights.", show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(help="Of all random numbers.", show_default=False)] = None,
    minutes: Annotated[float | None, typer.Option(help="Processor time, instead of the configured steps.",
                                                  show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run in the same folder stopped.")] = False,
    devices: Devices = None,
    as_json: Json = False,
) -> None:
    """Train the distance field, and what is shipped beside it, on prepared data."""
    together(devices, ["posendf", "train"], {"config": config, "data": data, "out": out, "seed": seed,
                                             "minutes": minutes, "resume": resume, "json": as_json})
    from humanav.parallel import rank
    from humanav.posendf.config import PoseNDFConfig
    from humanav.posendf.training import STAGES
    from humanav.posendf.training import train as run

    plan = PoseNDFConfig.load(config)
    where = replace(plan.experiment, folder=str(out or plan.experiment.folder),
                    seed=plan.experiment.seed if seed is None else seed)
    plan = replace(plan, experiment=where, data=replace(plan.data, folder=str(data or plan.data.folder)))
    done = run(plan, resume=resume, minutes=minutes, progress=progress(STAGES))
    if rank():
        return  # the first process tells
    _say({"folder": done.folder.name, "steps": done.report["steps"],
          "processor_minutes": done.report["processor_minutes"], **done.report.get("validation", {})}, as_json)


@app.command("motion-prior")
def motion_prior(
    cmu: Annotated[Path, typer.Option(help="The npz with CMU's clips.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the statistics.")] = Path("runs/motion_prior"),
    seed: Annotated[int, typer.Option(help="Of the mixture's start.")] = 0,
) -> None:
    """Learn what `denoise` knows of motion: how joints accelerate, and a few likely poses."""
    from humanav.posendf.motion_prior import MotionPrior

    MotionPrior.fit_cmu(cmu, seed).save(out)
    typer.echo(str(out))


@app.command()
def project(
    source: Source,
    out: Written = None,
    steps: Annotated[int, typer.Option(help="Steps of the descent.", min=0)] = 100,
    step_size: Annotated[float, typer.Option(help="Share of the distance per step.")] = 0.05,
    asf: Asf = None,
    joint_map: Map = None,
    as_json: Json = False,
) -> None:
    """Bring every pose of a motion onto the manifold."""
    from humanav.posendf import PoseNDF
    from humanav.posendf.project import project as run

    motion, quats = _read(source, asf, joint_map)
    field = PoseNDF.load()
    done = run(field, quats, steps, step_size)
    path = _write(motion, done.quats, out, f"{motion.name}_projected.npz")
    _say({"frames": len(quats), "distance_before_rad": float(field(quats).mean()),
          "distance_after_rad": float(done.distance.mean()), "moved_deg": _turned(quats, done.quats),
          "file": path.name}, as_json)


@app.command()
def generate(
    count: Annotated[int, typer.Option(help="How many poses.", min=1, max=10000)] = 16,
    seed: Annotated[int, typer.Option(help="The same seed gives the same poses.")] = 0,
    out: Annotated[Path, typer.Option(help="The npz to write, one pose per frame.")] = Path("poses.npz"),
    as_json: Json = False,
) -> None:
    """Make new poses, one per frame of a motion file."""
    from humanav.posendf import PoseNDF
    from humanav.posendf.generate import generate as run

    field = PoseNDF.load()
    quats = run(field, count, seed=seed)
    path = _write(None, quats, out, "poses.npz")
    _say({"poses": count, "seed": seed, "distance_rad": float(field(quats).mean()), "file": path.name}, as_json)


@app.command()
def interpolate(
    start: Source,
    end: Source,
    count: Annotated[int, typer.Option(help="Poses on the way, both ends among them.", min=2, max=1000)] = 30,
    start_frame: Annotated[int, typer.Option(help="Frame of the first; negative counts from its end.")] = 0,
    end_frame: Annotated[int, typer.Option(help="Frame of the second; negative counts from its end.")] = 0,
    out: Annotated[Path, typer.Option(help="The npz to write.")] = Path("interpolated.npz"),
    asf: Asf = None,
    joint_map: Map = None,
    as_json: Json = False,
) -> None:
    """Go from a pose to another along the manifold, at equal steps."""
    from humanav.posendf import PoseNDF
    from humanav.posendf.interpolate import interpolate as run

    field = PoseNDF.load()
    ends = [_frame(_read(source, asf, joint_map)[1], frame, source)
            for source, frame in ((start, start_frame), (end, end_frame))]
    path, straight = (run(field, ends[0], ends[1], count, **how) for how in ({}, {"rounds": 0}))
    written = _write(None, path, out, "interpolated.npz")
    _say({"poses": count, "largest_distance_rad": float(field(path).max()),
          "largest_distance_of_slerp_rad": float(field(straight).max()), "file": written.name}, as_json)


@app.command()
def complete(
    source: Source,
    hide: Annotated[list[str] | None, typer.Option(
        help="What is not known: left_arm, right_arm, left_leg, right_leg, spine, head, or a joint such as left_elbow. "
             "May be repeated.", show_default=False)] = None,
    out: Written = None,
    samples: Annotated[int, typer.Option(help="So many plausible answers for each frame instead of the best one.",
                                         min=0, max=100)] = 0,
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 0,
    asf: Asf = None,
    joint_map: Map = None,
    as_json: Json = False,
) -> None:
    """Fill hidden limbs or joints from the others. Samples follow one another in the file."""
    from humanav.posendf import PoseNDF
    from humanav.posendf.complete import complete as run
    from humanav.posendf.complete import joints_of

    hidden = joints_of(hide or [])
    motion, quats = _read(source, asf, joint_map)
    field = PoseNDF.load()
    done = run(field, quats, ~hidden, samples=samples, seed=seed).reshape(-1, 21, 4)
    path = _write(None if samples else motion, done, out, f"{motion.name}_completed.npz")
    _say({"frames": len(quats), "hidden_joints": int(hidden.sum()), "samples": samples,
          "distance_rad": float(field(done).mean()), "file": path.name}, as_json)


@app.command()
def repair(
    source: Source,
    out: Written = None,
    alarm: Annotated[float | None, typer.Option(
        help="Probability of damage that a joint must reach for its pose to be mended.", min=0, max=1,
        show_default=False)] = None,
    asf: Asf = None,
    joint_map: Map = None,
    as_json: Json = False,
) -> None:
    """Mend swapped, twisted, frozen or missing limbs, frame by frame, without being told which."""
    from humanav.posendf import NAMES, PoseNDF
    from humanav.posendf.repair import repair as run

    motion, quats = _read(source, asf, joint_map)
    field = PoseNDF.load()
    done = run(field, quats) if alarm is None else run(field, quats, alarm=alarm)
    path = _write(motion, done.quats, out, f"{motion.name}_repaired.npz")
    share = done.damaged.float().mean(0)
    _say({"frames": len(quats), "frames_mended": int(done.damaged.any(1).sum()),
          "joints_mended": [NAMES[j] for j in share.argsort(descending=True).tolist() if share[j] > 0.05],
          "distance_before_rad": float(field(quats).mean()), "distance_after_rad": float(done.distance.mean()),
          "file": path.name}, as_json)


@app.command()
def denoise(
    source: Source,
    out: Written = None,
    worsen: Annotated[str | None, typer.Option(help="Damage it first: noise, correlated, jitter, gaps, outliers, "
                                               "outliers+gaps, 'swapped limbs' or 'frozen arm'.",
                                               show_default=False)] = None,
    amount: Annotated[float, typer.Option(help="How much it is damaged.", min=0)] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the damage.")] = 0,
    strength: Annotated[float, typer.Option(help="1 removes what the motion itself says is noise.", min=0,
                                            max=2)] = 1.0,
    asf: Asf = None,
    joint_map: Map = None,
    as_json: Json = False,
) -> None:
    """Clean a motion of noise, gaps and wild frames.

    Writes an npz and a BVH; or, where --out is a folder (a name without an ending), the whole result of the app, with
    players, measures and a manifest.
    """
    if out is not None and not out.suffix:
        from humanav.jobs import DENOISE_STAGES, denoise_motion

        result = denoise_motion(source, out=out, asf=asf, joint_map=joint_map, worsen=worsen, amount=amount,
                                seed=seed, strength=strength, progress=progress(len(DENOISE_STAGES)))
        show_result(result, as_json)
        return
    from humanav.motion import save_npz, write_bvh
    from humanav.posendf.denoise import STAGES, summary
    from humanav.posendf.denoise import denoise as run
    from humanav.posendf.motion_noise import worsen as spoil

    truth, known = _load(source, asf, joint_map)
    path = _npz(out or Path(f"{truth.name}_denoised.npz"))
    motion, lost = (truth, ~known) if worsen is None else spoil(truth, worsen, amount, seed)
    done = run(motion, missing=lost | ~known, strength=strength, progress=progress(len(STAGES)))
    with whole(path) as npz, whole(path.with_suffix(".bvh")) as bvh:
        save_npz(done.motion, npz)
        write_bvh(done.motion, bvh)
    _say({**summary(done, motion, truth if worsen else None), "file": path.name}, as_json)


@app.command()
def score(
    source: Source,
    worst: Annotated[int, typer.Option(help="How many frames to name.", min=1)] = 5,
    asf: Asf = None,
    joint_map: Map = None,
    as_json: Json = False,
) -> None:
    """How far each frame is from real poses, and which joints are to blame in the worst ones."""
    from humanav.posendf import PoseNDF
    from humanav.posendf.score import score as run

    quats = _read(source, asf, joint_map)[1]
    done = run(PoseNDF.load(), quats)
    frames = done.distance.argsort(descending=True)[:worst].tolist()
    named = [{"frame": frame, "distance_rad": round(float(done.distance[frame]), 4), "joints": list(done.worst[frame])}
             for frame in frames]
    if not as_json:
        for frame in frames:
            typer.echo(f"frame {frame:6}  {float(done.distance[frame]):.3f} rad  {', '.join(done.worst[frame])}")
    _say({"frames": len(quats), "mean_distance_rad": float(done.distance.mean()),
          "median_distance_rad": float(done.distance.median())} | ({"worst": named} if as_json else {}), as_json)


@app.command("fit-image")
def fit_image(
    photo: Annotated[Path, typer.Argument(help="A photo.", show_default=False)],
    keypoints: Annotated[Path | None, typer.Option(
        help="An OpenPose JSON file. By default the one beside the photo, else our own detector looks.",
        show_default=False)] = None,
    person: Annotated[int | None, typer.Option(help="Which person, from 1, where there are several.",
                                               show_default=False)] = None,
    prior: Annotated[str, typer.Option(help="What holds the pose: manifold, gmm, mean or none.")] = "manifold",
    focal: Annotated[float | None, typer.Option(help="Focal length in pixels; by default 1.2 x the longer side.",
                                                show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files. By default named after the photo, beside it.",
                                             show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Fit the body to the keypoints of a photo: motion (npz), overlay (PNG), body (GLB)."""
    from humanav.jobs.keypoints import fit_image_files

    _say(fit_image_files(photo, out or photo.with_name(f"{photo.stem}_fit"), keypoints=keypoints, number=person,
                         prior=prior, focal=focal), as_json)


def _read(source: str, asf: Path | None = None, joint_map: Path | None = None) -> tuple[Motion, Tensor]:
    """A motion file or clip and its poses."""
    from humanav.posendf import motion_to_quats

    motion = _load(source, asf, joint_map)[0]
    return motion, motion_to_quats(motion)


def _load(source: str, asf: Path | None, joint_map: Path | None) -> tuple[Motion, NDArray[np.bool_]]:
    """A motion file or clip, and which of its (T,22) joints are known; what its reader had to mend goes to stderr."""
    from humanav.jobs.denoise import open_motion

    loaded = open_motion(source, asf=asf, joint_map=joint_map)
    for note in loaded.notes:
        typer.echo(f"Note: {note}", err=True)
    return replace(loaded.motion, name=Path(source).stem), ~loaded.missing


def _frame(quats: Tensor, frame: int, source: str) -> Tensor:
    if not -len(quats) <= frame < len(quats):
        many = "1 frame" if len(quats) == 1 else f"{len(quats)} frames"
        raise InputError(f"{Path(source).name} has {many}, so there is no frame {frame}.")
    return quats[frame]


def _write(motion: Motion | None, quats: Tensor, out: Path | None, name: str) -> Path:
    """The poses as a motion file: within ``motion`` where they are its frames, else on a body that stands still."""
    import numpy as np

    from humanav.motion import Motion, save_npz
    from humanav.posendf import with_quats

    path = _npz(out or Path(name))
    if motion is None:
        motion = Motion(fps=30.0, global_orient=np.zeros((len(quats), 3), np.float32),
                        body_pose=np.zeros((len(quats), 21, 3), np.float32), name=path.stem)
    with whole(path) as part:
        save_npz(with_quats(motion, quats), part)
    return path


def _npz(out: Path) -> Path:
    if out.suffix.lower() != ".npz":
        raise InputError(f"--out {out.name} is no npz file: end its name in .npz; `humanav convert` makes other kinds.")
    return out


def _turned(a: Tensor, b: Tensor) -> float:
    """Mean angle in degrees between the joints of poses."""
    import torch

    from humanav.posendf.quaternions import half_angle

    return float(torch.rad2deg(2 * half_angle(a, b)).mean())


def _say(summary: dict[str, Any], as_json: bool) -> None:
    """One JSON object, or one line for each number."""
    if as_json:
        typer.echo(json.dumps({key: round(value, 5) if isinstance(value, float) else value
                               for key, value in summary.items()}))
        return
    for key, value in summary.items():
        shown = f"{value:.4g}" if isinstance(value, float) else ", ".join(value) if isinstance(value, list) else value
        typer.echo(f"{key.replace('_', ' '):32} {shown}")
