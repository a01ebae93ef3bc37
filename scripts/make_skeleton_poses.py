"""Write assets/viewer/skeleton_poses.json: the poses that the skeleton editor begins with, as a camera sees the body.

Usage: python scripts/make_skeleton_poses.py
"""

from __future__ import annotations

import json

import numpy as np

from humanav.body import BodyModel
from humanav.body.landmarks import KEYPOINT_SETS, landmark_positions
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.motion import Motion, load_clip
from humanav.paths import asset

WIDTH, SIZE, DISTANCE, HEIGHT = 640, 720, 2.85, 0.97


def posed(**degrees: tuple[float, float, float]) -> Motion:
    """One frame with joints turned by axis-angle vectors in degrees."""
    pose = np.zeros((1, 55, 3), dtype=np.float32)
    for name, turn in degrees.items():
        pose[0, JOINT_INDEX[name]] = np.radians(turn)
    return Motion.from_full_pose(pose, 30.0)


def squat() -> Motion:
    """The lowest frame of the clip."""
    clip = load_clip("squat")
    return clip[int(np.argmin(clip.transl[:, 1]))]


POSES = {
    "Stand": (load_clip("idle")[0], 15),
    "Squat": (squat(), 40),
    "Arms up": (posed(left_shoulder=(0, 0, 62), right_shoulder=(0, 0, -62), left_collar=(0, 0, 14),
                      right_collar=(0, 0, -14), left_elbow=(0, -12, 0), right_elbow=(0, 12, 0)), 0),
    "Sit": (posed(left_hip=(-82, 8, 0), right_hip=(-82, -8, 0), left_knee=(84, 0, 0), right_knee=(84, 0, 0),
                  left_shoulder=(20, 0, -62), right_shoulder=(20, 0, 62), left_elbow=(0, -62, 0),
                  right_elbow=(0, 62, 0), spine1=(8, 0, 0)), 48),
}
"""Name to pose, and the degrees from the front at which the camera stands."""


def main() -> None:
    """Project every pose and write the file."""
    body, found = BodyModel.load(), {}
    for name, (motion, yaw) in POSES.items():
        out = body.from_motion(motion, vertices=True)
        assert out.vertices is not None
        floor = float(out.vertices[0, :, 1].min())
        middle = out.vertices[0].mean(dim=0).numpy()
        camera = Camera.orbit([middle[0], floor + HEIGHT, middle[2]], DISTANCE, yaw, 4, WIDTH, SIZE)
        points = landmark_positions(out.joints.numpy(), out.rotations.numpy(), "blazepose33")[0]
        found[name] = np.round(camera.project(points)[0], 1).tolist()
    table = {"keypoint_set": "blazepose33", "width": WIDTH, "height": SIZE, "poses": found}
    assert all(len(points) == len(KEYPOINT_SETS["blazepose33"]) for points in found.values())
    asset("viewer", "skeleton_poses.json").write_text(json.dumps(table, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
