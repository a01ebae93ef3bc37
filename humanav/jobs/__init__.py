"""The jobs: each joins several rooms, tells its progress, and leaves a :class:`~humanav.results.Result`."""

from humanav.jobs.animate import ANIMATE_STAGES, animate_avatar, resolve_motion
from humanav.jobs.denoise import DENOISE_STAGES, DenoiseOptions, denoise_id, denoise_motion
from humanav.jobs.gaussian import GAUSSIAN_STAGES, GaussianOptions
from humanav.jobs.multiview import (
    MULTIVIEW_STAGES,
    MultiviewOptions,
    multiview_id,
    multiview_stages,
    reconstruct_capture,
)
from humanav.jobs.photo import (
    MEASURE_STAGES,
    STAGES,
    PhotoOptions,
    avatar_stages,
    measure_photo,
    photo_id,
    photo_to_avatar,
)
from humanav.jobs.poses import (
    GENERATE_STAGES,
    INTERPOLATE_STAGES,
    PoseChoice,
    draw_pose,
    generate_poses,
    interpolate_poses,
    path_id,
    poses_id,
)
from humanav.jobs.track import TRACK_STAGES, TrackOptions, first_people, track_id, track_stages, track_video
from humanav.jobs.uplift import UPLIFT_STAGES, UpliftOptions, uplift_id, uplift_source
from humanav.jobs.warm import warm_up

__all__ = ["ANIMATE_STAGES", "DENOISE_STAGES", "GAUSSIAN_STAGES", "GENERATE_STAGES", "INTERPOLATE_STAGES",
           "MEASURE_STAGES", "MULTIVIEW_STAGES", "STAGES", "TRACK_STAGES", "UPLIFT_STAGES", "DenoiseOptions",
           "GaussianOptions", "MultiviewOptions", "PhotoOptions", "PoseChoice", "TrackOptions", "UpliftOptions",
           "animate_avatar", "avatar_stages", "denoise_id", "denoise_motion", "draw_pose", "first_people",
           "generate_poses", "interpolate_poses", "measure_photo", "multiview_id", "multiview_stages", "path_id",
           "photo_id", "photo_to_avatar", "poses_id", "reconstruct_capture", "resolve_motion", "track_id",
           "track_stages", "track_video", "uplift_id", "uplift_source", "warm_up"]
