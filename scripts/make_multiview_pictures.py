"""Make the pictures about several views from the sample capture: one for the README, one for its notebook (some
minutes).

    python scripts/make_multiview_pictures.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
from make_docs_pictures import save
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.jobs.multiview_samples import sample_capture
from humanav.multiview import Fitted, Matched, Rig, Sightings
from humanav.multiview.capture import find_capture
from humanav.multiview.detect import detect
from humanav.multiview.fit import fit_people
from humanav.multiview.footage import Footage, open_footage
from humanav.multiview.match import match_people
from humanav.multiview.refine import Refined, refine
from humanav.paths import asset, home
from humanav.view import contact_sheet
from humanav.view.multiview import contact_row, identity_picture, view_frames

Picture = NDArray[np.uint8]
FPS = 5.0
"""Frames per second that are looked at."""
_HEIGHT = 360
_PLAIN = (0.93, 0.93, 0.94)


def main() -> None:
    """Write assets/docs/multiview.jpg and notebooks/images/07_multiview.png."""
    place = sample_capture("hug")
    assert place is not None
    capture, body = find_capture(place).check(), BodyModel.load()
    rig = capture.rig
    assert rig is not None
    with open_footage(capture, fps=FPS) as footage:
        seen = detect(footage)
        matched = match_people(seen, rig)
        fitted = fit_people(matched, seen, rig, body=body)
        refined = refine(fitted, matched, seen, rig, footage, body=body)
        frame = int(refined.report["before"]["deepest_frame"])
        rows = [[footage.frame(view, frame) for view in range(len(rig))], known(footage, seen, matched, frame),
                bodies(footage, refined.fitted, rig, frame, body), avatars(refined, rig, frame)]
        words = ["", "who is who", "their bodies", "their avatars"]
        save(contact_sheet([one for row in rows for one in row], labels(rig, words), columns=len(rig), height=_HEIGHT,
                           max_width=1600), asset("docs") / "multiview.jpg")
        before, _, windows = contact_row(footage, fitted, rig, frame, body, height=_HEIGHT)
        after, _, _ = contact_row(footage, refined.fitted, rig, frame, body, windows=windows, height=_HEIGHT)
        top = contact_sheet([one for row in rows[:2] for one in row], labels(rig, words[:2]), columns=len(rig),
                            height=_HEIGHT, max_width=1200)
        low = contact_sheet([before, after], ["fitted: yellow touches, red is inside", "refined"], columns=1,
                            height=_HEIGHT, max_width=top.shape[1])
        wide = max(top.shape[1], low.shape[1])
        save(np.concatenate([widened(top, wide), widened(low, wide)]),
             home() / "notebooks" / "images" / "07_multiview.png")


def labels(rig: Rig, words: list[str]) -> list[str]:
    """Names of the views in the first row, what is seen in the others."""
    return [word or name for word in words for name in rig.names]


def known(footage: Footage, seen: Sightings, matched: Matched, frame: int) -> list[Picture]:
    """Each view with the detections in the colours of the people that they were taken for."""
    out = []
    for view in range(len(footage.names)):
        there = np.flatnonzero(seen.present[frame, view])
        owners = [next((person.person_id for person in matched.people if person.chosen[frame, view] == detection), None)
                  for detection in there]
        out.append(identity_picture(footage.frame(view, frame), list(seen.keypoints[frame, view, there]),
                                    seen.keypoint_set, owners, height=_HEIGHT))
    return out


def bodies(footage: Footage, fitted: Fitted, rig: Rig, frame: int, body: BodyModel) -> list[Picture]:
    """Everybody's body over each view."""
    return [next(view_frames([footage.frame(view, frame)], fitted, None, None, camera, view, body, first=frame))
            for view, camera in enumerate(rig.cameras)]


def avatars(refined: Refined, rig: Rig, frame: int) -> list[Picture]:
    """The scene of Gaussians as each camera would see it."""
    motions = [person.motion for person in refined.fitted.people]
    drawn: list[Any] = [refined.scene.render(camera, motions, frame, background=_PLAIN).rgb for camera in rig.cameras]
    return [(255 * np.clip(one, 0, 1)).astype(np.uint8) for one in drawn]


def widened(picture: Picture, width: int) -> Picture:
    """White at both sides up to a width."""
    room = width - picture.shape[1]
    return np.pad(picture, ((0, 0), (room // 2, room - room // 2), (0, 0)), constant_values=255)


if __name__ == "__main__":
    main()
