"""The points of the original's protocol lie where the body's joints and skin are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from humanav.body import JOINT_INDEX, SURFACE_VERTICES
from humanav.errors import InputError
from humanav.uplift.points import EVALUATION_37, FIT3D_26, body_points


@pytest.fixture
def posed(body):
    generator = torch.Generator().manual_seed(0)
    pose, betas = 0.3 * torch.randn(2, 22, 3, generator=generator), torch.randn(2, 6, generator=generator)
    return body(pose, betas), betas


def test_the_sets_have_their_sizes_and_no_name_twice() -> None:
    assert (len(set(FIT3D_26)), len(set(EVALUATION_37))) == (26, 37)


def test_joints_are_the_bodys(body, posed) -> None:
    out, betas = posed
    points = body_points("fit3d26", body)(out.joints, out.rotations, betas)
    torch.testing.assert_close(points, out.joints[:, [JOINT_INDEX[name] for name in FIT3D_26]], atol=1e-5, rtol=0)


def test_skin_points_lie_on_the_skin(body, posed) -> None:
    out, betas = posed
    points = body_points("evaluation37", body)(out.joints[:, :22], out.rotations[:, :22], betas)
    skin = out.vertices[:, [SURFACE_VERTICES[name.removesuffix("_skin")] for name in EVALUATION_37[22:]]]
    assert float((points[:, 22:] - skin).norm(dim=-1).max()) < 0.012  # they hang on one joint, the skin on several


def test_arrays_give_what_tensors_give(posed) -> None:
    out, betas = posed
    points = body_points("evaluation37")
    again = points(out.joints.numpy(), out.rotations.numpy(), betas.numpy())
    np.testing.assert_allclose(again, points(out.joints, out.rotations, betas).numpy(), atol=1e-6)


def test_an_unknown_set_is_named() -> None:
    with pytest.raises(InputError, match="evaluation37"):
        body_points("kpts")
