"""What a detector says of one person in one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Person2D:
    """One person in pixels of the image as given to the detector (origin: top-left corner, x right, y down).

    Attributes:
        keypoints: (K,3) x, y, confidence 0..1.
        keypoint_set: name of the layout, a key of :data:`humanav.body.landmarks.KEYPOINT_SETS`
            ("blazepose33", "coco17", "halpe26", "openpose25", "openpose18", "openpose14", "skel19").
        box: (4,) x0, y0, x1, y1 of the person.
        score: 0..1 of the whole detection.
        mask: (H,W) 0..1 soft person mask, or None.
        world: (K,3) detector's own 3D landmarks in metres, hip-centred, OpenCV axes (x right, y down, z away from the
            camera), or None.
        left_hand, right_hand: (21,3) x, y, confidence of the PERSON's left and right hand, or None.
        face: (F,3) x, y, confidence in the order of MediaPipe's face mesh (468 or 478) or of iBUG and OpenPose (68 or
            70), or None.
        track_id: identity over time, or None.
    """

    keypoints: Array
    keypoint_set: str
    box: Array
    score: float
    mask: Array | None = None
    world: Array | None = None
    left_hand: Array | None = None
    right_hand: Array | None = None
    face: Array | None = None
    track_id: int | None = None
