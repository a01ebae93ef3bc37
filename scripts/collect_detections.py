"""Photograph synthetic people in captured poses from all sides and keep what the real detector says of them.

    python scripts/collect_detections.py CMU_SUBSET.npz DATA_FOLDER --part 0 --minutes 30

Each person is dressed once and takes a dozen poses. Give every process its own ``--part``; a call adds to what is
there.
The captures of subjects 03, 07, 94 and 135 are never read. ``scripts/train_mend.py`` trains on the folder.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HELD_OUT = ("03", "07", "94", "135")
BAD_CLIPS = ("05_05", "05_06")
FIRST_SEED = 700_000_000  # far from the seeds of tests and benchmarks
POSES = 12
MIXED = 0.35  # of the captured poses: the upper body of another one, for stances that nobody captured
UPPER = (3, 6, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)
KEYS = ("keypoints", "world", "mirrored_keypoints", "mirrored_world", "K", "truth", "rotations", "betas", "person")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=30)
    args = parser.parse_args()
    collect(args.clips, args.folder, args.part, 60 * args.minutes)


def collect(clips: Path, folder: Path, part: int, seconds: float) -> None:
    """Photograph and detect until the time is over."""
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    from humanav.body import BodyModel
    from humanav.synth import film

    film.EVERY = POSES  # one light for all poses, and no shadow on the floor: half the time
    film._floor_shade = lambda crowd, scene, sky, points: np.ones((len(points), 3), np.float32)

    body, poses = BodyModel.load(), captured(clips)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part{part}.npz"
    rows: dict[str, list[Any]] = {key: [] for key in KEYS}
    if path.is_file():
        with np.load(path) as old:
            rows = {key: list(old[key]) for key in KEYS}
    number = int(rows["person"][-1]) + 1 if rows["person"] else FIRST_SEED + part * 1_000_000
    end, saved = time.monotonic() + seconds, 0
    detector = Detector()
    while time.monotonic() < end:
        with suppress(ValueError):  # rarely a garment has no surface left
            _person(number, poses, body, detector, rows)
        number += 1
        if number - saved > 10:
            saved = number
            _save(path, rows)
            print(f"{len(rows['person'])} pictures", flush=True)
    _save(path, rows)


def captured(path: Path) -> NDArray[np.float32]:
    """Poses (N,22,3) of the subjects that train."""
    parts = []
    with np.load(path, allow_pickle=False) as data:
        for name, subject, double in zip(data["clip_names"], data["subjects"], data["duplicate_of_asf"]):
            if str(subject) not in HELD_OUT and not double and not str(name).startswith(BAD_CLIPS):
                parts.append(data[f"pose/{name}"][data[f"ok/{name}"]])
    return np.concatenate(parts).astype(np.float32).reshape(-1, 22, 3)


class Detector:
    """The clips' detector: it looks where the person was a moment before, so that each picture is shown twice."""

    def __init__(self) -> None:
        from humanav.perception import MediapipeDetector

        self._detector = MediapipeDetector()
        self._sessions = [self._detector.session(masks=False) for _ in range(2)]

    def __call__(self, image: NDArray[np.uint8]) -> list[Any]:
        """What is seen as it is and in a mirror, told of the picture as it is; each may be None."""
        from humanav.perception.people import unmirrored

        found = []
        for session, view in zip(self._sessions, (image, image[:, ::-1])):
            view = np.ascontiguousarray(view)
            session.look(view)
            found.append(session.look(view))
        return [found[0], None if found[1] is None else unmirrored(found[1], image.shape[:2])]


def _person(number: int, poses: NDArray[np.float32], body: Any, detector: Any, rows: dict[str, list[Any]]) -> None:
    from scipy.spatial.transform import Rotation

    from humanav.body.landmarks import landmark_positions
    from humanav.motion import Motion, ground
    from humanav.motion.operations import floor_heights
    from humanav.synth import sample_person
    from humanav.synth.film import Actor, film, frame_points
    from humanav.track.lift import NAMES

    rng = np.random.default_rng(number)
    authored = rng.random() < 0.15
    yaw = float(rng.uniform(-180, 180))
    person = sample_person(number, pose="action" if authored else "standing", yaw=yaw)
    full = np.repeat(person.pose[None], POSES, axis=0)
    if not authored:
        full[:, :22] = poses[rng.integers(len(poses), size=POSES)]
        other = poses[rng.integers(len(poses), size=POSES)]
        full[:, UPPER] = np.where((rng.random(POSES) < MIXED)[:, None, None], other[:, UPPER], full[:, UPPER])
    else:
        for k in range(POSES):
            full[k] = sample_person(number + 1000 * k + 7, pose=("standing", "action", "sitting")[k % 3]).pose
    heading = Rotation.from_rotvec(rng.uniform(0, 2 * np.pi, POSES)[:, None] * np.array([0.0, 1.0, 0.0]))
    full[:, 0] = (heading * Rotation.from_rotvec(full[:, 0])).as_rotvec()
    motion = Motion.from_full_pose(full, 30.0, np.zeros((POSES, 3)), person.betas)
    lift = -floor_heights(ground(motion, body), body)
    place = np.stack([rng.uniform(-0.4, 0.4, POSES), lift, rng.uniform(-0.4, 0.4, POSES)], axis=1)
    motion = Motion.from_full_pose(full, 30.0, ground(motion, body).transl + place, person.betas)
    posed = body.from_motion(motion, vertices=False)
    joints = posed.joints.numpy()
    scene = person.scene
    actor = Actor(person, motion, joints)
    points = np.concatenate([frame_points(actor, k) for k in range(0, POSES, 2)])
    camera = scene.camera(points, 640, 640)
    template = float(np.ptp(body.v_template[:, 1].numpy()))
    scale = float(np.ptp(body.rest(person.betas)[0][:, 1].numpy())) / template
    marks = camera.to_camera(landmark_positions(joints, posed.rotations.numpy(), NAMES, scale))
    local = Rotation.from_rotvec(full[:, :22].reshape(-1, 3)).as_matrix().reshape(POSES, 22, 3, 3)
    local[:, 0] = camera.R @ local[:, 0]
    for k, shot in enumerate(film((actor,), scene, camera, number, supersample=1)):
        straight, turned = detector(shot.image)
        if straight is None or turned is None:
            continue
        for key, value in zip(KEYS, (straight.keypoints, straight.world, turned.keypoints, turned.world, camera.K,
                                     marks[k], local[k].astype(np.float32), person.betas, number), strict=True):
            rows[key].append(value)


def _save(path: Path, rows: dict[str, list[Any]]) -> None:
    temporary = path.with_name(f"new_{path.name}")
    np.savez(temporary, **{key: np.array(value) for key, value in rows.items()})
    temporary.replace(path)


if __name__ == "__main__":
    main()
