"""A small dressed person for the avatar tests, photographed once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from humanav.avatar import Avatar, View, build_avatar
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.synth import SyntheticPhoto, photograph, sample_person


@dataclass(frozen=True)
class Case:
    """A synthetic photo with its true fit, and the view from behind."""

    photo: SyntheticPhoto
    front: View
    back: View
    behind: np.ndarray
    behind_alpha: np.ndarray


@pytest.fixture(scope="session")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="session")
def case() -> Case:
    person = sample_person(2, pose="standing")
    photo = photograph(person, size=(400, 600))
    camera = opposite(photo.camera, photo.joints[0])
    behind, alpha = person.render(camera, (90, 90, 90))
    front = View(photo.image, photo.mask, photo.camera, photo.motion)
    return Case(photo, front, View(behind, alpha, camera, photo.motion), behind, alpha)


@pytest.fixture(scope="session")
def avatar(case: Case, body: BodyModel) -> Avatar:
    return build_avatar([case.front], case.photo.betas, body, texture_size=1024)


def opposite(camera: Camera, centre: np.ndarray) -> Camera:
    """A camera that looks at ``centre`` from the other side, as far away."""
    eye = -camera.R.T @ camera.t
    away = 2 * np.asarray(centre) - eye
    away[1] = eye[1]
    return Camera.look_at(away, centre, camera.width, camera.height, camera.focal)
