"""Make the pictures about the uplift: one for the README from a filmed synthetic person, one for its notebook.

    python scripts/make_uplift_pictures.py
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from make_docs_pictures import save
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.body import BodyModel
from humanav.body.landmarks import KEYPOINT_SETS
from humanav.camera import Camera
from humanav.export import write_mp4
from humanav.jobs.uplift_samples import sample_keypoints
from humanav.motion import joint_angles, load_clip, resample
from humanav.paths import asset, home
from humanav.perception import Person2D
from humanav.perception.follow import follow_person
from humanav.perception.sequence import KeypointSequence
from humanav.perception.video import open_video
from humanav.render import render_mesh
from humanav.synth import photograph, sample_person
from humanav.uplift import lift_sequence
from humanav.view import contact_sheet, draw_keypoints
from humanav.view.lifted import reprojection_frames, side_frames

MOMENTS, SIZE, CUT = (12, 40, 60, 78, 100), (230, 320), (300, 90, 905, 932)


def drawn(sequence: KeypointSequence, frame: int) -> NDArray[np.uint8]:
    """The keypoints of one frame on paper."""
    points = sequence.keypoints[frame]
    paper = np.full((sequence.height, sequence.width, 3), 255, np.uint8)
    seen = points[points[:, 2] > 0]
    box = np.concatenate([seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)])
    x0, y0, x1, y1 = CUT
    return draw_keypoints(paper, Person2D(points, sequence.keypoint_set, box, 1.0), crop=False, dim=0.0)[y0:y1, x0:x1]


def filmed(clip: str, *, seed: int, yaw: float, size: tuple[int, int], fps: float) -> list[NDArray[np.uint8]]:
    """Pictures of a dressed synthetic person in a built-in clip."""
    motion = resample(load_clip(clip), fps)
    poses = motion.full_pose[:, :22]
    person = sample_person(seed, full_pose=poses[0], yaw=yaw)
    turn = Rotation.from_rotvec(person.pose[0]) * Rotation.from_rotvec(poses[0, 0]).inv()
    kept = (person.surfaces, person.materials)  # clothes are made once
    people = []
    for pose, place in zip(poses, motion.transl - motion.transl[0]):
        full = person.pose.copy()
        full[1:22], full[0] = pose[1:], (turn * Rotation.from_rotvec(pose[0])).as_rotvec()
        one = replace(person, pose=full)
        one.__dict__["surfaces"], one.__dict__["materials"] = kept
        one.mesh["points"] += (turn.apply(place) * [1, 0, 1]).astype(np.float32)
        people.append(one)
    camera = person.scene.camera(np.concatenate([one.vertices[::9] for one in people[::6]]), *size)
    return [photograph(one, camera).image for one in people]


def lifted_clip(body: BodyModel) -> None:
    """Write assets/docs/uplift.jpg: frames, the body over them, and from the side, with the angle of the knee."""
    frames = filmed("squat", seed=22, yaw=35, size=(440, 600), fps=12)
    with tempfile.TemporaryDirectory() as folder:
        video = write_mp4(frames, Path(folder) / "squat.mp4", 12)
        with open_video(video) as clip:
            followed = follow_person(clip)
    lifted = lift_sequence(followed.sequence, body=body)
    knee = joint_angles(lifted.motion, body)["right_knee_flexion"]
    deepest = int(knee[: len(knee) // 2].argmax())
    moments = [0, deepest // 2, deepest, deepest + 6, 2 * deepest]
    over = list(reprojection_frames(lifted, body, frames, max_height=600))
    side = list(side_frames(lifted, body, height=600))
    labels = [f"{moment / 12:.1f} s" for moment in moments] + ["lifted"] * 5 + [
        f"from the side, knee {knee[moment]:.0f}°" for moment in moments]
    save(contact_sheet([row[moment] for row in (frames, over, side) for moment in moments], labels, columns=5,
                       height=330, max_width=1500), asset("docs") / "uplift.jpg")


def main() -> None:
    """Write assets/docs/uplift.jpg and notebooks/images/04_uplift.png."""
    lifted_clip(BodyModel.load())
    body, sequence = BodyModel.load(), sample_keypoints("squat")
    assert sequence.names == KEYPOINT_SETS["blazepose33"]
    lifted = lift_sequence(sequence, body=body)
    bodies = []
    for frame in MOMENTS:
        vertices = body.from_motion(lifted.motion, slice(frame, frame + 1)).vertices
        assert vertices is not None
        points = vertices[0].numpy()
        middle = np.array([*points.mean(axis=0)[[0]], points[:, 1].min() + 0.85, points.mean(axis=0)[2]])
        camera = Camera.orbit(middle, 4.2, 62, 6, *SIZE, focal=1.75 * SIZE[1])
        bodies.append(render_mesh(points, body.faces, camera)[0])
    labels = [f"{frame / sequence.fps:.1f} s" for frame in MOMENTS] + ["lifted, from the side"] * len(MOMENTS)
    save(contact_sheet([*(drawn(sequence, frame) for frame in MOMENTS), *bodies], labels, columns=len(MOMENTS),
                       height=300), home() / "notebooks" / "images" / "04_uplift.png")


if __name__ == "__main__":
    main()
