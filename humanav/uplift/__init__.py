"""2D keypoint sequences to 3D joint rotations: training pairs, networks, training, evaluation, prediction.

Conventions of this room:

- Camera frame: OpenCV axes (x right, y down, z forward), metres. ``root`` is the body's global orientation in the
  CAMERA's frame, ``R_camera @ R_world``; ``body`` are the 21 parent-relative rotations of the SMPL-X tree.
- ``joints`` are the first 22 SMPL-X joints, root-relative (pelvis at the origin), along the camera's axes.
- Networks see keypoints in the *ray frame*: camera axes turned (shortest turn, no roll) so that z runs along the ray
  through the middle of the person, which makes the input independent of where in the picture the person is.
- Networks predict the root as ``FLIP @ ray_frame.T @ root`` with ``FLIP = diag(1, -1, -1)``, so that an upright person
  who faces the camera has the identity.
"""

from importlib import import_module
from typing import Any

_HOMES: dict[str, str] = {
    **dict.fromkeys(("Prediction", "Uplift"), "model"),
    "UpliftConfig": "config",
    **dict.fromkeys(("Trained", "train"), "training"),
    **dict.fromkeys(("PairSource", "Pairs", "held_out_pairs"), "pairs"),
    "NoiseModel": "noise",
    "UpliftBody": "skeleton",
    **dict.fromkeys(("Errors", "compare"), "measures"),
    "measure": "evaluate",
    **dict.fromkeys(("BodyPoints", "body_points"), "points"),
    **dict.fromkeys(("Lifted", "LiftedPose", "lift_pose", "lift_sequence"), "lift"),
    **dict.fromkeys(("place_path", "place_pelvis", "reprojection_errors"), "translation"),
    "smooth_rotations": "smooth",
    **dict.fromkeys(("guess_set", "network_set", "to_layout"), "layouts"),
    **dict.fromkeys(("Shape", "betas_from_measurements"), "anthropometrics"),
    "read_measurements": "measurement_input",
    "UpliftTransformer": "transformer",
    **dict.fromkeys(("PoseAutoencoder", "PoseDecoder", "train_autoencoder"), "pose_autoencoder"),
    **dict.fromkeys(("bone_betas", "joints_to_rotations"), "pseudo_labels"),
    "prepare_amass": "prepare",
    **dict.fromkeys(("fit3d_pairs", "prepare_fit3d"), "fit3d"),
    "read_clips": "prepared",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"humanav.uplift.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
