"""A photo's keypoints to a body with the pose manifold as prior, and the files that show it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanav import __version__
from humanav.body import BodyModel
from humanav.errors import InputError, NoPersonError
from humanav.export import write_body_glb
from humanav.motion import save_npz
from humanav.perception import Person2D, find_openpose, load_photo, make_detector, read_openpose
from humanav.progress import Progress
from humanav.results import ResultWriter, content_id

if TYPE_CHECKING:
    from humanav.perception import Photo

FIT_IMAGE_STAGES = ("Reading the photo", "Fitting the body", "Writing the files")
_MOST_PEOPLE = 5
_PARTS = {"manifold": ("posendf", "pose_prior"), "gmm": ("pose_prior",)}
"""Weights that a prior rests on."""


def fit_image_files(
    photo: Path, out: Path, *, keypoints: Path | None = None, number: int | None = None, prior: str = "manifold",
    focal: float | None = None,
) -> dict[str, Any]:
    """Fit the body to one person's keypoints and write a result with ``motion.npz``, ``overlay.png``,
    ``keypoints.png``, ``body.glb`` and ``camera.json``.

    Args:
        photo: the picture.
        out: the folder of the result.
        keypoints: an OpenPose file; by default the one that lies by the picture, else our own detector looks.
        number: which person, from 1; needed when there are several.
        prior: as :func:`humanav.posendf.fit_image`.
        focal: focal length in pixels of the picture as it is in its file.

    Returns:
        the numbers of the fit, where the keypoints came from and the names of the files.

    Raises:
        ImageError, InputError: a picture or file that cannot be used, or several people and no ``number``.
        NoPersonError: nobody was found.
        StorageError: the folder cannot be written.
    """
    import numpy as np
    from PIL import Image

    from humanav.posendf import fit_image
    from humanav.view import draw_keypoints, draw_overlay

    progress = Progress(len(FIT_IMAGE_STAGES))
    progress.next(FIT_IMAGE_STAGES[0])
    picture = load_photo(photo)
    file = keypoints if keypoints is not None else find_openpose(photo)
    people = _read(picture, file) if file is not None else _detect(picture)
    person = _choose(people, number, file.name if file is not None else photo.name)
    progress.next(FIT_IMAGE_STAGES[1])
    body = BodyModel.load()
    scaled = None if focal is None else focal * picture.pixels.shape[1] / picture.original_size[0]
    fit = fit_image(picture.pixels, person, prior=prior, focal=scaled, body=body)
    vertices = body.from_motion(fit.motion).vertices
    assert vertices is not None
    shown = draw_overlay(picture.pixels, np.asarray(vertices[0]), body.faces, fit.camera)
    progress.next(FIT_IMAGE_STAGES[2])
    settings = {"number": number, "prior": prior, "focal": focal}
    identity = content_id("image fit", __version__, photo.read_bytes(), None if file is None else file.read_bytes(),
                          settings)
    with ResultWriter(out, "image fit", identity, {"photo": photo.name, **settings}) as writer:
        writer.tell(progress, settings=settings, sources={"photo": photo, "keypoints": file}, parts=(
            "body", *(("mediapipe",) if file is None else ()), *_PARTS.get(prior, ())))
        save_npz(fit.motion, writer.add("motion.npz", "The pose as SMPL-X parameters", "Python and Blender"))
        write_body_glb(body, fit.motion.betas, fit.motion, writer.add("body.glb", "The fitted body", "3D viewers"))
        fit.camera.save(writer.add("camera.json", "The camera", "any program"))
        for name, words, image in (("overlay", "The body over the photo", shown),
                                   ("keypoints", "The points it was fitted to",
                                    draw_keypoints(picture.pixels, person))):
            Image.fromarray(image).save(writer.add(f"{name}.png", words, "every browser"))
        writer.report.update({
            "prior": prior, "keypoints_from": "own detector" if file is None else file.name, "people": len(people),
            "reprojection_px": fit.reprojection_px, "reprojection_pct_height": fit.reprojection_pct_height,
            "distance_start_rad": fit.distance_start, "distance_rad": fit.distance, "seconds": fit.seconds})
    return writer.report | {"files": [file.name for file in writer.files]}


def _read(picture: Photo, file: Path) -> list[Person2D]:
    """The people of an OpenPose file in the pixels of the picture as it was loaded."""
    from humanav.perception.people import moved

    people = read_openpose(file, picture.original_size)
    height, width = picture.pixels.shape[:2]
    scale = width / picture.original_size[0]
    return [moved(person, 0, 0, (height, width), scale) for person in people] if scale != 1 else people


def _detect(picture: Photo) -> list[Person2D]:
    with make_detector() as detector:
        return detector.detect(picture.pixels, max_people=_MOST_PEOPLE)


def _choose(people: list[Person2D], number: int | None, source: str) -> Person2D:
    if not people:
        raise NoPersonError(f"There is nobody in {source}: choose a picture or file with a person.")
    if number is None and len(people) > 1:
        raise InputError(f"There are {len(people)} people in {source}: say which one with --person 1 to "
                         f"{len(people)}; their order is that of the file, or the largest first.")
    if number is not None and not 1 <= number <= len(people):
        raise InputError(f"There is no person {number} in {source}: choose 1 to {len(people)}.")
    return people[(number or 1) - 1]
