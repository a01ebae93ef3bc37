"""Two people in contact: what they do, what they run into, and who hides whom on film."""

import numpy as np
import pytest

from humanav.body import BodyModel
from humanav.errors import InputError
from humanav.multiview.contact import penetration
from humanav.render import rasterize_mesh
from humanav.synth.contact import ACTIONS, close_contact, film_contact
from humanav.synth.contact_settle import settled

TRUNK = [0, 3, 6, 9, 12, 15]


def posed(motion):
    return BodyModel.load().from_motion(motion)


@pytest.fixture(scope="module")
def hug():
    return close_contact("hug", 2, views=3, frames=5, fps=2.0, settle=False, size=(160, 120))


@pytest.mark.parametrize("action", ACTIONS)
def test_people_come_together_on_the_floor_and_part(action):
    scene = close_contact(action, 5, views=1, frames=5, fps=2.0, settle=False)
    assert [motion.person_id for motion in scene.motions] == ["1", "2"]
    assert all(len(motion) == 5 and motion.name == action for motion in scene.motions)
    a, b = (posed(motion) for motion in scene.motions)
    apart = np.linalg.norm(a.joints[:, 0].numpy() - b.joints[:, 0].numpy(), axis=1)
    assert apart[[0, -1]].min() > apart[2] + 0.15
    nearest = np.linalg.norm(a.vertices[2, ::20, None].numpy() - b.vertices[2, None, ::20].numpy(), axis=-1).min()
    assert nearest < 0.05  # with every 20th vertex alone
    for out in (a, b):
        lowest = out.vertices[..., 1].min(dim=1).values.numpy()
        assert np.abs(lowest[[0, -1]]).max() < 0.03
        assert lowest.min() > -0.03
        step = np.linalg.norm(np.diff(out.joints[:, TRUNK].numpy(), axis=0), axis=-1)
        assert step.max() < 0.75  # at 2 frames a second


def test_cameras_stand_round_them_and_see_all_of_them():
    scene = close_contact("dance", 6, frames=4, fps=1.6, views=5, settle=False, size=(320, 240))
    points = np.concatenate([posed(motion).vertices[:, ::30].reshape(-1, 3).numpy() for motion in scene.motions])
    for camera in scene.cameras:
        pixels, depth = camera.project(points)
        assert depth.min() > 0.5
        assert (pixels.min(axis=0) > [0, 0]).all()
        assert (pixels.max(axis=0) < [320, 240]).all()
        assert 0.5 < np.ptp(pixels[:, 1]) / 240 < 0.9
        assert 1.1 < camera.center[1] < 2.3
    middle = points.mean(axis=0)
    angles = np.sort(np.degrees([np.arctan2(*(c.center - middle)[[0, 2]]) for c in scene.cameras]))
    assert np.diff([*angles, angles[0] + 360]).max() < 110
    assert len(set(scene.names)) == 5


def test_a_seed_is_a_scene(hug):
    again = close_contact("hug", 2, views=3, frames=5, fps=2.0, settle=False, size=(160, 120))
    other = close_contact("hug", 3, views=1, frames=1, settle=False)
    assert np.array_equal(hug.motions[0].full_pose, again.motions[0].full_pose)
    assert np.array_equal(hug.cameras[1].K, again.cameras[1].K)
    assert not np.allclose(hug.motions[0].betas, other.motions[0].betas)


def test_settled_bodies_touch_without_running_into_each_other(hug):
    raw = tuple(motion[2:3] for motion in hug.motions)
    faces = BodyModel.load().faces

    def met(motions):
        a, b = (posed(motion).vertices[0].numpy().astype(float) for motion in motions)
        return penetration(a, b, faces, volume=False)

    clean = settled(raw)
    before, after = met(raw), met(clean)
    assert before.depth_mm > 30
    assert after.depth_mm < 8
    assert after.contact_a.sum() > 100
    for old, new in zip(raw, clean):
        moved = np.linalg.norm(posed(old).joints[0, :22].numpy() - posed(new).joints[0, :22].numpy(), axis=1)
        assert moved.max() < 0.35
        assert np.abs(posed(new).joints[0, [10, 11]].numpy() - posed(old).joints[0, [10, 11]].numpy()).max() < 0.06


def test_who_is_nearer_hides_the_other_pixel_by_pixel(hug):
    shots = next(film_contact(hug, [2]))
    faces, right, seen = BodyModel.load().faces, 0, []
    bodies = [posed(motion[2]).vertices[0].numpy() for motion in hug.motions]
    for camera, shot in zip(hug.cameras, shots):
        a, b = shot.masks
        assert shot.image.shape == (120, 160, 3)
        assert (a + b).max() <= 1 + 1e-5
        depth = [rasterize_mesh(vertices, faces, camera).depth for vertices in bodies]
        both = np.isfinite(depth[0]) & np.isfinite(depth[1])
        for mine, other, own, theirs in ((depth[0], depth[1], a, b), (depth[1], depth[0], b, a)):
            clear = both & (mine < other - 0.1)  # clothes and hair are thinner
            seen.append(int(clear.sum()))
            right += int((own[clear] > theirs[clear]).sum())
    assert right > 0.97 * sum(seen)
    assert np.count_nonzero(seen) >= 5  # in nearly every view each of them hides something of the other


@pytest.mark.parametrize("wrong", [{"action": "fly"}, {"views": 0}, {"frames": 0}, {"fps": 0.0}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(InputError):
        close_contact(**{"action": "hug", "seed": 1, **wrong})
