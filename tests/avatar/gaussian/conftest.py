"""A small clothed person as a mesh and as Gaussians; the diffused weights come from a coarse field."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.avatar import Avatar, View
from humanav.avatar.gaussian.sampling import from_mesh
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.avatar.gaussian.weights import WeightField, diffuse
from humanav.body import BodyModel
from humanav.camera import Camera


@pytest.fixture(scope="session")
def field(body: BodyModel) -> WeightField:
    return diffuse(body, cell=0.05, steps=40)


@pytest.fixture(scope="session")
def mesh(avatar: Avatar) -> Avatar:
    """The photographed person of the avatar tests."""
    return avatar


@pytest.fixture(scope="session")
def gaussians(mesh: Avatar, body: BodyModel, field: WeightField) -> GaussianAvatar:
    return from_mesh(mesh, 4000, body=body, field=field)


@pytest.fixture(scope="session")
def photo(case) -> View:  # type: ignore[no-untyped-def]
    return case.front


@pytest.fixture
def camera() -> Camera:
    """In front of a person in the T-pose."""
    return Camera.orbit((0.0, -0.3, 0.0), 4.0, 10.0, 4.0, 120, 128, 200.0)


def bent(**joints: tuple[float, float, float]) -> np.ndarray:
    """(55,3) the T-pose with some joints turned."""
    from humanav.body.names import JOINT_INDEX

    pose = np.zeros((55, 3), np.float32)
    for name, value in joints.items():
        pose[JOINT_INDEX[name]] = value
    return pose
