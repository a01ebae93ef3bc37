"""Fit what a detector's body keypoints are on the built-in body: offsets in joints' frames, from synthetic photographs.

Dressed people are photographed, the detector looks at them, and for every landmark the constant offset from its joint
is solved that brings its projection onto the detections (left and right share one offset, mirrored; a robust loss
discounts occluded and mistaken ones). Joints and frames of the present table are kept. Run it again after baking
another body:

    python scripts/calibrate_landmarks.py --people 140 --write
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from humanav.body import BodyModel
from humanav.body.landmarks import KEYPOINT_SETS, LANDMARKS
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.paths import asset
from humanav.perception import MediapipeDetector
from humanav.synth import photograph, sample_person

Array = NDArray[np.float64]
SCALE = 1.0
"""Of the robust loss, in per cent of the person's height."""


@dataclass
class Sightings:
    """All detections of one landmark: projection matrices, base points, frames, and where it was seen."""

    rows: list[tuple[Camera, Array, Array, Array, float, float]] = field(default_factory=list)

    def residuals(self, offset: Array) -> Array:
        """(2N,) per cent of the person's height in the picture."""
        out = []
        for camera, base, frame, seen, pixels, weight in self.rows:
            xy, _ = camera.project(base + frame @ offset)
            out.append((xy - seen) / pixels * 100 * weight)
        return np.concatenate(out)


def collect(people: int, seed: int) -> tuple[dict[str, Sightings], int]:
    """Photograph, detect, and file every keypoint under its left or middle name."""
    body = BodyModel.load()
    stature = float(np.ptp(body.v_template[:, 1].numpy()))
    sightings: dict[str, Sightings] = {}
    rng, found = np.random.default_rng(seed), 0
    with MediapipeDetector() as detector:
        for k in range(people):
            pose = ("ordinary", "ordinary", "action")[k % 3]
            yaw = float(rng.uniform(-75, 75)) if k % 4 else float(rng.uniform(-180, 180))
            photo = photograph(sample_person(seed + k, pose=pose, yaw=yaw), size=640)
            detected = detector.detect(photo.image)
            if not detected:
                continue
            found += 1
            out = body.from_motion(photo.motion, vertices=False)
            joints, frames = out.joints[0].numpy().astype(float), out.rotations[0].numpy().astype(float)
            size = float(np.ptp(body.rest(photo.betas)[0][:, 1].numpy())) / stature
            depth = float(photo.camera.to_camera(joints[0])[2])
            pixels = photo.camera.focal * size * stature / depth
            for name, (x, y, score) in zip(KEYPOINT_SETS[detected[0].keypoint_set], detected[0].keypoints):
                if score < 0.5 or not (0 <= x < photo.camera.width and 0 <= y < photo.camera.height):
                    continue
                mark, mirror = LANDMARKS[name], np.diag([-1.0 if "right" in name else 1.0, 1, 1])
                key = name.replace("right_", "left_")
                frame = frames[JOINT_INDEX[mark.frame]] @ mirror * size
                sightings.setdefault(key, Sightings()).rows.append(
                    (
                        photo.camera,
                        joints[JOINT_INDEX[mark.joint]],
                        frame,
                        np.array([x, y], float),
                        pixels,
                        float(score),
                    )
                )
    return sightings, found


def solve(sightings: Sightings, start: Array) -> Array:
    """The offset (3,) with the least robust reprojection error; a weak pull to the start settles unseen depth."""

    def cost(offset: Array) -> Array:
        return np.concatenate([sightings.residuals(offset), (offset - start) * 100])

    return least_squares(cost, start, loss="cauchy", f_scale=SCALE, diff_step=1e-4).x


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=140)
    parser.add_argument("--seed", type=int, default=5000)
    parser.add_argument("--write", action="store_true", help="replace the table in assets/body/landmarks.json")
    arguments = parser.parse_args()
    sightings, found = collect(arguments.people, arguments.seed)
    path = asset("body", "landmarks.json")
    table = json.loads(path.read_text())
    print(f"{found} of {arguments.people} people found; error in % of the height, median before -> after, and 90 %")
    for name, seen in sightings.items():
        before = np.array(table[name]["offset"])
        after = solve(seen, before)
        if not name.startswith("left_"):
            after[0] = 0.0
        weight = np.array([row[5] for row in seen.rows])
        error = [np.linalg.norm(seen.residuals(o).reshape(-1, 2), axis=1) / weight for o in (before, after)]
        print(
            f"{name:16} n {len(weight):4}  {np.median(error[0]):.2f} -> {np.median(error[1]):.2f}, "
            f"{np.percentile(error[1], 90):.2f}   {np.round(before, 3)} -> {np.round(after, 3)}"
        )
        table[name]["offset"] = [round(float(v), 4) + 0.0 for v in after]
    if arguments.write:
        lines = (f" {json.dumps(name)}: {json.dumps(row)}" for name, row in table.items())
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
