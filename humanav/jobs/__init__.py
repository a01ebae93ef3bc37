"""The jobs: each joins several rooms, tells its progress, and leaves a :class:`~humanav.results.Result`."""

from humanav.jobs.animate import ANIMATE_STAGES, animate_avatar, resolve_motion
from humanav.jobs.photo import MEASURE_STAGES, STAGES, PhotoOptions, measure_photo, photo_id, photo_to_avatar
from humanav.jobs.warm import warm_up

__all__ = ["ANIMATE_STAGES", "MEASURE_STAGES", "STAGES", "PhotoOptions", "animate_avatar", "measure_photo", "photo_id",
           "photo_to_avatar", "resolve_motion", "warm_up"]
