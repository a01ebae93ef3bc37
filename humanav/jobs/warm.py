"""Load what every job needs before the first one asks for it."""

from __future__ import annotations

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

    body = BodyModel.load()
    warm_renderer()
    for sample in sample_photos()[:1]:
        progress = Progress(len(STAGES))
        try:
            fit_sighting(sight(sample, progress, (STAGES[0], STAGES[1], STAGES[2])), PhotoOptions(), body, progress)
        except HumanavError:
            return  # the visitor who picks this sample is told
