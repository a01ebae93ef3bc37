"""Load what every job needs before the first one asks for it."""

from __future__ import annotations

import contextlib

from humanav.errors import HumanavError
from humanav.paths import sample_photos
from humanav.progress import Progress


def warm_up() -> None:
    """Import the heavy packages, compile the kernels, and fit the body to a sample once (a few seconds; more on the
    very first run, when the kernels are compiled and stored)."""
    from humanav.body import BodyModel
    from humanav.jobs.photo import STAGES, PhotoOptions, fit_sighting
    from humanav.jobs.sight import sight
    from humanav.render import warm_up as warm_renderer
    from humanav.render import warm_up_splats

    body = BodyModel.load()
    warm_renderer()
    for sample in sample_photos()[:1]:
        progress = Progress(len(STAGES))
        with contextlib.suppress(HumanavError):  # the visitor who picks this sample is told
            fit_sighting(sight(sample, progress, (STAGES[0], STAGES[1], STAGES[2])), PhotoOptions(), body, progress)
    _warm_poses()
    warm_up_splats()


def _warm_poses() -> None:
    """Load the pose field and what stands beside it, by cleaning half a second of a clip."""
    import tempfile

    from humanav.jobs.denoise import denoise_motion
    from humanav.motion import load_clip

    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(HumanavError):
        denoise_motion(load_clip("wave")[:15], worsen="noise", out=f"{folder}/result")
