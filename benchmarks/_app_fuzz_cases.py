"""All fuzz cases of ``_app_fuzz.py``: what visitors upload and type, by the kind of it."""

from __future__ import annotations

from collections.abc import Iterator

import _app_fuzz_reads as reads
from _app_fuzz_arrays import arrays, npz
from _app_fuzz_common import Case, written
from _app_fuzz_folders import folders
from _app_fuzz_numbers import numbers
from _app_fuzz_pictures import pictures, videos
from _app_fuzz_texts import texts


def all_cases(seed: int = 0) -> list[Case]:
    """Every case, its own name each; the damage done to files depends on the seed and the name."""
    found = [case for part in (pictures, videos, arrays, texts, folders, numbers, _jobs) for case in part()]
    assert len({case.name for case in found}) == len(found)
    return found


def _jobs() -> Iterator[Case]:
    """A few whole jobs on odd files that are right."""
    import numpy as np

    pose = np.random.default_rng(2).normal(0, 0.1, (8, 66))
    holes = pose.copy()
    holes[2:5, 10:20] = np.nan
    for number, parts in enumerate(({"poses": holes, "trans": pose[:, :3]}, {"poses": pose[:1]},
                                    {"poses": pose * 40, "mocap_framerate": np.array(1000.0)})):
        yield Case(f"cleaning job {number}", written("odd.npz", npz(**parts)), reads.cleaned, "any")


def prepare() -> None:
    """Load what the cases need, so that no case is charged for it."""
    from humanav.body import BodyModel
    from humanav.motion import load_clip
    from humanav.uplift.lift import Predictor  # noqa: F401

    BodyModel.load()
    load_clip("walk")
    import av  # noqa: F401
    import cv2  # noqa: F401
    import mediapipe  # noqa: F401 (it brings Matplotlib, which looks for fonts at first)
    import pillow_heif  # noqa: F401
    import roma  # noqa: F401 (it brings the compiler of Torch, which makes a folder)
    import torch
    import yaml  # noqa: F401

    import humanav.avatar.avatar
    import humanav.avatar.gaussian.value
    import humanav.jobs.animate
    import humanav.jobs.multiview_source
    import humanav.jobs.track_sources
    import humanav.jobs.uplift_sources
    import humanav.multiview.boards_folder
    import humanav.multiview.capture
    import humanav.multiview.datasets
    import humanav.posendf  # noqa: F401

    torch.set_num_threads(1)
