"""Make the pictures about tracking from the sample clips: one for the README, one for its notebook (a few minutes).

    python scripts/make_track_pictures.py
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from make_docs_pictures import save
from numpy.typing import NDArray

from humanav.avatar import Avatar, View, build_avatar
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.jobs.track_files import bodies
from humanav.jobs.track_samples import sample_clip
from humanav.motion import fit_to_shape
from humanav.motion.shapes import leg_ratio
from humanav.paths import asset, home
from humanav.perception import load_image, open_video
from humanav.perception.matte import refine_matte
from humanav.perception.mediapipe_detector import MediapipeDetector
from humanav.track import fit_photo
from humanav.track.background import background_plate
from humanav.track.clip import TrackedClip, track_clip
from humanav.view import contact_sheet
from humanav.view.composite import composite_frames
from humanav.view.tracked import overlay_frames, world_frames

Picture = NDArray[np.uint8]
MOMENTS = (0, 40, 68, 100, 160)


def main() -> None:
    """Write assets/docs/track.jpg and notebooks/images/05_track_a_video.png."""
    body = BodyModel.load()
    for name, people, photo, path, width in (
            ("two_people", "all", "dress.jpg", asset("docs") / "track.jpg", 1600),
            ("walk_and_squat", 1, "shirt.jpg", home() / "notebooks" / "images" / "05_track_a_video.png", 1000)):
        with open_video(sample_clip(name)) as video:
            tracked = track_clip(video, mode="accurate", people=people)  # type: ignore[arg-type]
            frames = chosen(video)
            plate, _ = background_plate(video, tracked.people)
        rows = [frames, *seen(tracked, frames, body), acted(tracked, dressed(photo, body), plate, body)]
        labels = [f"{moment / tracked.people.fps:.1f} s" for moment in MOMENTS]
        for words in ("the bodies over the clip", "in the room, from another side", "an avatar in her place"):
            labels += [words] * len(MOMENTS)
        save(contact_sheet([picture for row in rows for picture in row], labels, columns=len(MOMENTS), height=330,
                           max_width=width), path)


def dressed(photo: str, body: BodyModel) -> Avatar:
    """The avatar of a sample photo."""
    view = photographed(photo, body)
    return build_avatar([view], view.motion.betas, body)


def photographed(photo: str, body: BodyModel) -> View:
    """A sample photo with the fitted body."""
    image = load_image(asset("samples", photo))
    with MediapipeDetector() as detector:
        person = detector.detect(image)[0]
    assert person.mask is not None
    alpha = refine_matte(image, person.mask, person.keypoints)
    fit = fit_photo(image, person, alpha, body=body)
    return View(image, alpha, fit.camera, fit.motion)


def chosen(frames: Iterable[Any]) -> list[Picture]:
    """The frames at the moments."""
    return [np.array(frame) for number, frame in enumerate(frames) if number in MOMENTS]


def seen(tracked: TrackedClip, frames: list[Picture], body: BodyModel) -> tuple[list[Picture], list[Picture]]:
    """The bodies over the frames, and in their world."""
    everybody, camera = bodies(tracked), tracked.cameras
    assert isinstance(camera, Camera)
    over = [next(overlay_frames([frame], everybody, camera, body, first=moment))
            for frame, moment in zip(frames, MOMENTS)]
    height, width = frames[0].shape[:2]
    return over, chosen(world_frames(everybody, body, camera=camera, frames=tracked.people.frames, height=height,
                                     width=width))


def acted(tracked: TrackedClip, avatar: Avatar, plate: Picture, body: BodyModel) -> list[Picture]:
    """The avatar in the motion of her who walks, over the background; its feet stand where hers stood."""
    who = max(tracked.takes, key=lambda take: float(np.ptp(take.motion.transl[:, [0, 2]], axis=0).max()))
    motion, camera = who.motion, tracked.cameras
    assert isinstance(camera, Camera)
    ratio = leg_ratio(body, motion.betas[: body.num_betas], avatar.betas)
    worn = fit_to_shape(motion, body, avatar.betas)
    seeing = replace(camera, t=camera.t * ratio)
    return [next(composite_frames(avatar, worn[moment: moment + 1], [seeing], [plate])) for moment in MOMENTS]


if __name__ == "__main__":
    main()
