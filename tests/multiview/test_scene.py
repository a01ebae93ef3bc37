"""One scene of all people: who hides whom, agreement with the rasteriser, avatars."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.avatar.gaussian import GaussianAvatar
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.multiview.losses import draw
from humanav.multiview.refine_targets import PixelTargets
from humanav.multiview.scene import GaussianScene, Splats, clip_of
from tests.multiview import duo


@pytest.fixture(scope="module")
def scene():
    from humanav.body import BodyModel

    return duo.painted(BodyModel.load(), 250)


def camera_behind(person: int) -> Camera:
    """Looks along the line through both, ``person`` in front."""
    return Camera.orbit([0, 1, 0.3], 3.0, 180.0 if person == 0 else 0.0, 0, 48, 64, 70.0)


@pytest.mark.parametrize("front", [0, 1])
def test_the_nearer_person_hides_the_other(scene, front) -> None:
    true = duo.motions(1, apart=0.6, reach=False)
    drawn = scene.render(camera_behind(front), true)
    alone = GaussianScene((scene.people[front],)).render(camera_behind(front), [true[front]])
    both = alone.alpha > 0.9
    assert drawn.instance[..., front][both].min() > 0.85
    assert drawn.instance[..., 1 - front][both].max() < 0.1
    np.testing.assert_allclose(drawn.instance.sum(-1), drawn.alpha, atol=1e-3)
    assert np.isfinite(drawn.depth[both]).all()


def test_the_kernel_draws_what_the_rasteriser_draws(scene) -> None:
    true, rig = duo.motions(1), duo.ring(1, 40, 56)
    camera = rig.cameras[0]
    whole = scene.render(camera, true)
    clips = [clip_of(splats, motion) for splats, motion in zip(scene.people, true, strict=True)]
    table = np.array([[[0, 0, 0, 40, 56]]])
    numbers = np.array([[*camera.R.ravel(), *camera.t, camera.K[0, 0], camera.K[1, 1], *camera.K[:2, 2]]])
    blank = np.zeros((40 * 56, 6), np.float32)
    targets = PixelTargets(np.array([0]), table, np.ones((1, 1)), numbers, blank, blank[:, :4], np.array([[40, 56]]))
    own = targets.picture(draw(scene.posed(clips), targets), 0, 0)
    np.testing.assert_allclose(own[..., :3], whole.rgb, atol=3e-3)
    np.testing.assert_allclose(own[..., 3], whole.alpha, atol=3e-3)
    np.testing.assert_allclose(own[..., 4:], whole.instance, atol=3e-3)


def test_an_avatar_is_the_same_person(scene, tmp_path) -> None:
    true = duo.motions(1)
    avatar = scene.avatar(1)
    avatar.save(tmp_path / "two.npz")
    again = GaussianAvatar.load(tmp_path / "two.npz")
    camera = duo.ring().cameras[0]
    own = GaussianScene((scene.people[1],)).render(camera, [true[1]])
    drawn = again.render(camera, true[1].full_pose[0], true[1].transl[0])
    np.testing.assert_allclose(drawn.rgb, own.rgb, atol=0.05)


def test_gaussians_follow_another_shape(body, scene) -> None:
    tall = np.zeros(20)
    tall[0] = 2.0
    moved = scene.people[0].reshaped(body, tall)
    assert abs(np.ptp(moved.surface[:, 1]) - np.ptp(scene.people[0].surface[:, 1])) > 0.02
    np.testing.assert_allclose(np.linalg.norm(moved.normals, axis=1), 1, atol=1e-5)


def test_what_cannot_be_drawn_is_refused(body, scene) -> None:
    with pytest.raises(InputError, match="50"):
        Splats.on_body(body, np.zeros(20), 10)
    with pytest.raises(InputError, match="one motion"):
        scene.render(duo.ring().cameras[0], duo.motions(1)[:1])
