"""Functions of the API about motions and poses: cleaning, random poses, the way between two, 2D to 3D."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal

import gradio as gr
from gradio import FileData

from humanav.app import uplift_pieces
from humanav.app.api_calls import ABSENT, Answers, call, local_files, motion_of
from humanav.app.denoise_tab import sort_files
from humanav.errors import InputError
from humanav.jobs import (
    DENOISE_STAGES,
    GENERATE_STAGES,
    INTERPOLATE_STAGES,
    UPLIFT_STAGES,
    DenoiseOptions,
    PoseChoice,
    UpliftOptions,
    denoise_id,
    denoise_motion,
    generate_poses,
    interpolate_poses,
    path_id,
    poses_id,
    uplift_id,
    uplift_source,
)
from humanav.progress import Progress
from humanav.results import Result


def clean_motion(
    motion: str = "", files: list[FileData] = ABSENT, strength: float = 1.0, keep_feet: bool = True,
    start: float = 0.0, damage: str = "", amount: float = 1.0, seed: int = 0, request: gr.Request = ABSENT,
) -> Answers:
    """Clean a motion of a person by what is known of human poses: noise, gaps, wild frames, swapped limbs, feet.

    The answer's files are the clean motion as npz, BVH and GLB, and a GLB of before and after.

    Args:
        motion: a built-in clip such as "dance", or the id of a result with a motion; empty where files are given.
        files: a motion file (npz of SMPL-X or AMASS, BVH, npy, txt, or an AMC with its ASF).
        strength: 0 to 2; 1 removes what looks like noise, 0 only fills gaps and mends broken poses.
        keep_feet: feet that stand do not slide.
        start: in seconds; of a motion longer than a minute, one minute from there is used.
        damage: make the motion worse first, to see what the cleaning does: "noise", "correlated", "jitter", "gaps",
            "outliers", "outliers+gaps", "swapped limbs" or "frozen arm"; empty for none.
        amount: of that damage, 0 to 3.
        seed: of that damage.
    """
    paths = local_files(files)
    source, asf, names = sort_files([str(path) for path in paths]) if paths else (motion_of(motion), None, None)
    options = DenoiseOptions(damage or None, amount, seed, strength, keep_feet, start)

    def work(out: Path, progress: Progress) -> Result:
        return denoise_motion(source, asf=asf, joint_map=names, out=out, progress=progress, **asdict(options))

    yield from call(request, f"denoise-{denoise_id(source, options, asf, names)}", work, len(DENOISE_STAGES),
                    tab="denoise/clean", kind="denoise",
                    title=f"{Path(source).stem.replace('_', ' ').capitalize()}, cleaned", inputs=paths)


def random_poses(count: int = 12, seed: int = 0, request: gr.Request = ABSENT) -> Answers:
    """Make poses that nobody took, as people take them, drawn from what was learned of how people hold themselves.

    Args:
        count: how many, 1 to 48.
        seed: the same number makes the same poses.
    """
    yield from call(request, f"poses-{poses_id(count, seed)}",
                    lambda out, progress: generate_poses(count, seed=seed, out=out, progress=progress),
                    len(GENERATE_STAGES), tab="denoise/random", kind="poses", title=f"{count} random poses")


def poses_between(
    start: str = "squat", start_moment: float = 0.25, end: str = "celebrate", end_moment: float = 0.5,
    start_seed: int = 0, end_seed: int = 1, request: gr.Request = ABSENT,
) -> Answers:
    """Go from one pose to another: each joint turned straight, and along poses that people take.

    Args:
        start: where the first pose is from: a built-in clip such as "squat", "random", or the id of a result with
            motions or poses.
        start_moment: which moment of it, from 0 (its first frame) to 1 (its last).
        end: the same of the second pose.
        end_moment: the same of the second pose.
        start_seed: of a random first pose.
        end_seed: of a random second pose.
    """
    first, last = (PoseChoice(None if name == "random" else motion_of(name), moment, seed)
                   for name, moment, seed in ((start, start_moment, start_seed), (end, end_moment, end_seed)))
    yield from call(request, f"path-{path_id(first, last)}",
                    lambda out, progress: interpolate_poses(first, last, out=out, progress=progress),
                    len(INTERPOLATE_STAGES), tab="denoise/between", kind="path", title="From one pose to another")


def lift_to_3d(
    files: list[FileData], person: str = "", smooth: bool = True, draw: Literal["image", "plain", "none"] = "image",
    start: float = 0.0, focal_length: float | None = None, layout: str = "", names: str = "", size: str = "",
    fps: float | None = None, request: gr.Request = ABSENT,
) -> Answers:
    """Lift the person in a clip, a photo or a file of 2D keypoints to a body in 3D with all joint rotations.

    The answer's files are the motion as npz and BVH, the body as GLB, joint angles as csv, and videos.

    Args:
        files: a clip or photo of one person; or keypoints (JSON of OpenPose, COCO or MMPose, npz or csv), which may
            come together with their clip.
        person: which, where there are several: the label that the message names, or "largest".
        smooth: smooth the motion.
        draw: the body over the pictures ("image"), on a plain ground ("plain"), or no video ("none", quicker).
        start: in seconds; of a long clip, one minute from there is used.
        focal_length: of the camera, in pixels, where it is known; needs size.
        layout: the order of a keypoint file's points where it does not say: blazepose33, coco17, halpe26, openpose25,
            openpose18, openpose14, h36m17, wholebody133, mpii16 or lsp14.
        names: or the names of its points, in the file's order, between commas.
        size: of the picture that keypoints belong to, in pixels, like 1920x1080.
        fps: frames per second of a keypoint file, where it does not say.
    """
    paths = local_files(files)
    if not paths:
        raise InputError("There is nothing to lift: give a clip, a photo or a keypoint file.")
    found = uplift_pieces.sort_files([str(path) for path in paths])
    pixels, mapping = uplift_pieces.parse_size(size), uplift_pieces.parse_names(names)
    options = UpliftOptions(
        camera=uplift_pieces.camera_of(focal_length, pixels), person=person or None, keypoint_set=layout or None,
        size=pixels, fps=fps or None, start=start, smooth=smooth, render=draw)

    def work(out: Path, progress: Progress) -> Result:
        return uplift_source(found.source, out=out, options=options, mapping=mapping, pictures=found.pictures,
                             progress=progress)

    identity = uplift_id(found.source, options, mapping=mapping, pictures=found.pictures)
    yield from call(request, f"uplift-{identity}", work, len(UPLIFT_STAGES), tab="uplift/clip", kind="uplift",
                    title=f"{found.source.stem.replace('_', ' ').capitalize()}, in 3D", inputs=paths)
