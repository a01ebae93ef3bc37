"""Make the picture of the notebook about the uplift: keypoints of a clip above, the body they were lifted to below.

    python scripts/make_uplift_pictures.py
"""

from __future__ import annotations

import numpy as np
from make_docs_pictures import save
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.body.landmarks import KEYPOINT_SETS
from humanav.camera import Camera
from humanav.jobs.uplift_samples import sample_keypoints
from humanav.paths import home
from humanav.perception import Person2D
from humanav.perception.sequence import KeypointSequence
from humanav.render import render_mesh
from humanav.uplift import lift_sequence
from humanav.view import contact_sheet, draw_keypoints

MOMENTS, SIZE, CUT = (12, 40, 60, 78, 100), (230, 320), (300, 90, 905, 932)


def drawn(sequence: KeypointSequence, frame: int) -> NDArray[np.uint8]:
    """The keypoints of one frame on paper."""
    points = sequence.keypoints[frame]
    paper = np.full((sequence.height, sequence.width, 3), 255, np.uint8)
    seen = points[points[:, 2] > 0]
    box = np.concatenate([seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)])
    x0, y0, x1, y1 = CUT
    return draw_keypoints(paper, Person2D(points, sequence.keypoint_set, box, 1.0), crop=False, dim=0.0)[y0:y1, x0:x1]


def main() -> None:
    """Write notebooks/images/04_uplift.png."""
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
