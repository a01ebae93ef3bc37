"""Where the tracking of a take starts, and where fast mode ends: the uplift's rotations and the closed-form path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.body.kinematics import Array, exp_rotation
from humanav.errors import InputError
from humanav.perception.sequence import KeypointSequence
from humanav.perception.takes import Take
from humanav.progress import Progress
from humanav.track.path import BodyPath
from humanav.uplift.layouts import network_set, to_layout
from humanav.uplift.lift import bridged_keypoints, posed
from humanav.uplift.model import TYPICAL_ERROR, Uplift
from humanav.uplift.rates import at_network_rate
from humanav.uplift.skeleton import relaxed_hands
from humanav.uplift.smooth import bridge, smooth_rotations
from humanav.uplift.translation import LEAST_POINTS, place_path

BODY = 22
_CHUNK, _MARGIN = 600, 60  # frames lifted at once, and on either side of them: memory does not grow with the clip


@dataclass(frozen=True)
class TakeStart:
    """A take lifted to 3D, in the camera's frame.

    Attributes:
        path: smoothed rotations and the pelvis' path.
        rotations: (T,22,3,3) the network's own, bridged where nobody is seen.
        errors: (T,22) metres by which it expects each joint to be off.
        keypoints: what was lifted, in the network's layout.
        seen: (T,) frames that show enough of the person.
    """

    path: BodyPath
    rotations: Array
    errors: Array
    keypoints: KeypointSequence
    seen: NDArray[np.bool_]


def start_take(
    take: Take, K: Array, betas: NDArray[np.float32], body: BodyModel, *, focal_known: bool = False,
    smooth: bool = True, progress: Progress | None = None,
) -> TakeStart:
    """Lift a take's keypoints.

    Args:
        take: one person's.
        K: (3,3) intrinsics in pixels of the take.
        betas: (B,) the shape, which settles the scale.
        body: the body.
        focal_known: whether the focal length was measured.
        smooth: smooth the rotations.
        progress: told of the parts done.

    Raises:
        InputError: no frame shows enough of the person.
        Cancelled: ``progress`` was told to stop.
    """
    sequence = to_layout(take.sequence, network_set(take.sequence.keypoint_set))
    seen = sequence.seen.sum(axis=1) >= LEAST_POINTS
    if not seen.any():
        raise InputError("No frame shows enough of a person: at least four keypoints must be seen in one frame.")
    model = Uplift.load(sequence.keypoint_set)
    bridged, fps = bridged_keypoints(sequence.keypoints, seen), sequence.fps
    count = len(sequence)
    rotations, trust = np.empty((count, BODY, 3, 3)), np.empty((count, BODY))
    for begin in range(0, count, _CHUNK):
        end = min(begin + _CHUNK, count)
        low, high = max(begin - _MARGIN, 0), min(end + _MARGIN, count)
        found = at_network_rate(model, bridged[low:high], K, focal_known, fps)
        inner = slice(begin - low, end - low)
        rotations[begin:end, 0], rotations[begin:end, 1:] = found.root[inner], found.body[inner]
        trust[begin:end] = found.confidence[inner]
        if progress is not None:
            progress.update(0.8 * end / count)
    trust = np.clip(trust, 1e-4, 1.0)
    confidence = np.where(seen[:, None], trust, 0.0)
    rotations = bridge(rotations, ~seen)
    quiet = smooth_rotations(rotations, fps, confidence) if smooth else rotations
    _, points = posed(quiet, betas, sequence.keypoint_set, body)
    path = place_path(points, sequence.keypoints, K, fps)
    full = np.tile(np.eye(3), (count, 55, 1, 1))
    full[:, :BODY] = quiet
    full[:, 25:] = exp_rotation(relaxed_hands().double().numpy())
    return TakeStart(BodyPath(full, path, betas, fps, confidence), rotations, -TYPICAL_ERROR * np.log(trust), sequence,
                     seen)
