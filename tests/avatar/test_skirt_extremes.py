"""A skirt may end anywhere from the hips to the floor."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.avatar.build import body_regions, four_influences
from humanav.avatar.skirt import make_tube
from humanav.body import BodyModel


@pytest.mark.parametrize("hem", [0.2, 1.0, 1.95, 2.2])
def test_any_length(body: BodyModel, hem: float) -> None:
    rest, joints = (x.numpy() for x in body.rest())
    index, weight = four_influences(body.skin_index, body.skin_weight)
    tube = make_tube(rest, index, weight, body_regions(body, index, weight).part, joints, hem)
    assert np.isfinite(tube.vertices).all()
    assert np.ptp(tube.vertices[:, 0]) > 0.2
    assert tube.vertices[:, 1].min() >= rest[:, 1].min() - 0.02
