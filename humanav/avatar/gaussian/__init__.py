"""A person as Gaussians on the body's surface: made from a mesh, trained on pictures, posed and drawn.

After PERSONA (Sim and Moon, ICCV 2025): personalised Gaussians, a deformation driven by the pose, pose-rich generated
frames, balanced sampling and geometry-weighted optimisation; own code and own splatter.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from humanav.avatar.gaussian.build import Built, build_gaussian_avatar
    from humanav.avatar.gaussian.config import GaussianTraining
    from humanav.avatar.gaussian.diffusion import GENERATORS, best_generator, download_notice, make_generator
    from humanav.avatar.gaussian.evaluation import Evaluation, evaluate_frames, fit_poses
    from humanav.avatar.gaussian.frames import TrainFrame, captured, clip_views
    from humanav.avatar.gaussian.generators import Generator, PoseFrame, Rejection, accept, plan_poses
    from humanav.avatar.gaussian.losses import LossWeights
    from humanav.avatar.gaussian.sampling import from_mesh
    from humanav.avatar.gaussian.teacher import Drift, SyntheticTeacher
    from humanav.avatar.gaussian.training import Trained, train
    from humanav.avatar.gaussian.value import GaussianAvatar, GaussianPicture, PosedGaussians
    from humanav.avatar.gaussian.weights import WeightField, weight_field

__all__ = ["GENERATORS", "Built", "Drift", "Evaluation", "GaussianAvatar", "GaussianPicture", "GaussianTraining",
           "Generator", "LossWeights", "PoseFrame", "PosedGaussians", "Rejection", "SyntheticTeacher", "TrainFrame",
           "Trained", "WeightField", "accept", "best_generator", "build_gaussian_avatar", "captured", "clip_views",
           "download_notice", "evaluate_frames", "fit_poses", "from_mesh", "make_generator", "plan_poses", "train",
           "weight_field"]

_HOMES = {
    **dict.fromkeys(("Built", "build_gaussian_avatar"), "build"), "GaussianTraining": "config",
    **dict.fromkeys(("Evaluation", "evaluate_frames", "fit_poses"), "evaluation"),
    **dict.fromkeys(("GENERATORS", "best_generator", "download_notice", "make_generator"), "diffusion"),
    **dict.fromkeys(("TrainFrame", "captured", "clip_views"), "frames"),
    **dict.fromkeys(("Generator", "PoseFrame", "Rejection", "accept", "plan_poses"), "generators"),
    "LossWeights": "losses", "from_mesh": "sampling", **dict.fromkeys(("Drift", "SyntheticTeacher"), "teacher"),
    **dict.fromkeys(("Trained", "train"), "training"),
    **dict.fromkeys(("GaussianAvatar", "GaussianPicture", "PosedGaussians"), "value"),
    **dict.fromkeys(("WeightField", "weight_field"), "weights"),
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"humanav.avatar.gaussian.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
