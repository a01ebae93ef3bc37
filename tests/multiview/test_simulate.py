"""Simulated detections against the projected truth, with each kind of mistake by itself."""

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.multiview.simulate import body_points, simulate
from humanav.multiview.value import Rig
from humanav.synth.contact import close_contact

CLEAN = {"noise_px": 0.0, "dropout": 0.0, "swaps": 0.0}


@pytest.fixture(scope="module")
def scene():
    return close_contact("hug", 8, frames=12, fps=4.8, settle=False)


@pytest.fixture(scope="module")
def rig(scene):
    return Rig(scene.names, scene.cameras)


def true_pixels(scene, rig, keypoint_set="coco17"):
    points, _ = body_points(scene.motions, keypoint_set)
    return np.stack([camera.project(points)[0] for camera in rig.cameras], axis=1)


def error(scene, rig, seen, owner):
    """(N,K) pixels from every detection's points to its owner's, NaN where they are lost."""
    true = true_pixels(scene, rig, seen.keypoint_set)
    t, v, d = np.nonzero(owner >= 0)
    rows = seen.keypoints[t, v, d]
    far = np.linalg.norm(rows[..., :2] - true[t, v, owner[t, v, d]], axis=-1)
    return np.where(rows[..., 2] > 0, far, np.nan)


@pytest.mark.parametrize("keypoint_set", ["coco17", "blazepose33", "openpose25"])
def test_without_mistakes_it_is_the_projection_in_any_order(scene, rig, keypoint_set):
    seen, owner = simulate(scene.motions, rig, keypoint_set=keypoint_set, **CLEAN)
    assert seen.keypoints.shape == (12, 4, 2, len(KEYPOINT_SETS[keypoint_set]), 3)
    assert seen.fps == scene.fps
    assert np.nanmax(error(scene, rig, seen, owner)) < 1e-6
    assert {tuple(row) for row in owner.reshape(-1, 2)} >= {(0, 1), (1, 0)}
    assert np.array_equal(owner >= 0, seen.present)


def test_noise_lost_points_and_swaps_are_as_many_as_asked_for(scene, rig):
    noisy = error(scene, rig, *simulate(scene.motions, rig, **CLEAN | {"noise_px": 5.0}))
    assert 5 * np.sqrt(np.pi / 2) * 0.95 < np.nanmean(noisy) < 5 * np.sqrt(np.pi / 2) * 1.35
    full, owner = simulate(scene.motions, rig, **CLEAN)
    lost, same = simulate(scene.motions, rig, **CLEAN | {"dropout": 0.15})
    there = (full.keypoints[..., 2] > 0) & (owner >= 0)[..., None] & (same >= 0)[..., None]
    assert 0.12 < 1 - (lost.keypoints[there][:, 2] > 0).mean() < 0.18
    swapped = error(scene, rig, *simulate(scene.motions, rig, **CLEAN | {"swaps": 0.2}))
    limbs = [KEYPOINT_SETS["coco17"].index(f"{side}_{name}") for side in ("left", "right")
             for name in ("elbow", "wrist", "knee", "ankle")]
    assert 0.1 < (swapped[:, limbs] > 1e-6).mean() < 0.26
    assert np.nanmax(np.delete(swapped, limbs, axis=1)) < 1e-6


def test_who_is_behind_is_less_sure(scene, rig):
    seen, owner = simulate(scene.motions, rig, **CLEAN)
    _, joints = body_points(scene.motions, "coco17")
    front, behind = [], []
    for v, camera in enumerate(rig.cameras):
        depth = camera.project(joints[:, :, 0])[1]
        for t, d in np.argwhere(owner[:, v] >= 0):
            who = owner[t, v, d]
            gap = depth[t, 1 - who] - depth[t, who]
            if abs(gap) > 0.25:
                (front if gap > 0 else behind).append(seen.keypoints[t, v, d, :, 2].mean())
    assert np.mean(front) > np.mean(behind) + 0.05


def test_a_seed_is_a_detection_and_looks_belong_to_people(scene, rig):
    one, owner = simulate(scene.motions, rig, seed=3, looks=True)
    two, _ = simulate(scene.motions, rig, seed=3, looks=True)
    other, _ = simulate(scene.motions, rig, seed=4, looks=True)
    assert np.array_equal(one.keypoints, two.keypoints)
    assert not np.array_equal(one.keypoints, other.keypoints)
    assert np.allclose(one.looks.sum(axis=-1), 1)
    means = [one.looks[owner == k].mean(axis=0) for k in range(2)]
    for k in range(2):
        own = one.looks[owner == k]
        mine, its = (np.abs(own - mean).sum(axis=-1) for mean in (means[k], means[1 - k]))
        assert (mine < its).mean() > 0.95


def test_one_person_alone_and_values_that_do_not_fit(scene, rig):
    seen, owner = simulate(scene.motions[:1], rig, swaps=1.0)
    assert seen.keypoints.shape[2] == 1
    assert (owner <= 0).all()
    with pytest.raises(InputError):
        simulate([], rig)
    with pytest.raises(InputError):
        simulate([scene.motions[0], scene.motions[1][:3]], rig)
    with pytest.raises(InputError):
        simulate(scene.motions, rig, keypoint_set="none")
