"""Keypoints that nobody filmed: a built-in clip before a made-up camera, with a detector's noise."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from humanav.perception.sequence import KeypointSequence

WIDTH, HEIGHT = 1280, 960
_DISTANCE, _PITCH = 3.9, 8.0


@lru_cache(maxsize=8)
def sample_keypoints(
    clip: str, keypoint_set: str = "blazepose33", *, yaw: float = 35.0, noise: float = 1.0, seed: int = 0
) -> KeypointSequence:
    """The keypoints of a built-in clip as a detector might report them.

    Args:
        clip: a name of :data:`humanav.motion.CLIP_NAMES`.
        keypoint_set: "blazepose33" or "coco17".
        yaw: degrees to the person's left at which the camera stands.
        noise: factor of the detector's noise; 0 gives the true points.
        seed: of the noise.

    Raises:
        InputError: there is no clip of that name.
    """
    import torch

    from humanav.body import BodyModel
    from humanav.body.landmarks import landmark_positions
    from humanav.camera import Camera
    from humanav.motion import in_place, load_clip
    from humanav.uplift.noise import NoiseModel

    body = BodyModel.load()
    motion = in_place(load_clip(clip))
    middle = np.median(motion.transl, axis=0) * np.array([1, 0, 1], dtype=np.float32)
    out = body.from_motion(replace(motion, transl=motion.transl - middle), vertices=False)
    joints = out.joints.double().numpy()
    middle_height = float((joints[..., 1].max() + joints[..., 1].min()) / 2)
    camera = Camera.orbit([0.0, middle_height, 0.0], _DISTANCE, yaw, _PITCH, WIDTH, HEIGHT)
    points = landmark_positions(joints, out.rotations.double().numpy(), keypoint_set)
    pixels, _ = camera.project(points)

    def tensor(values: object) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values), dtype=torch.float32)[None]

    seen = NoiseModel.load(keypoint_set)(
        tensor(pixels), tensor(camera.to_camera(points)), tensor(camera.to_camera(joints[:, :22])), tensor(camera.K),
        tensor([WIDTH, HEIGHT]), torch.Generator().manual_seed(seed), noise)
    return KeypointSequence(seen[0].numpy(), keypoint_set, motion.fps, WIDTH, HEIGHT, name=clip.replace("_", " "))
