"""The network that mends landmarks: what it may change, what it says of its errors, and what it is not asked."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from humanav.body import KEYPOINT_SETS, BodyModel
from humanav.body.landmarks import landmark_positions
from humanav.errors import InputError
from humanav.paths import checkpoint
from humanav.perception import KeypointSequence
from humanav.perception.takes import Take
from humanav.track.clip_observations import mend, mended_take
from humanav.track.lift import NAMES, TORSO, bone_sum
from humanav.track.mend import Mend, features_of
from tests.track.walks import camera_of, world_path

K = np.array([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]])
Walk = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def walk(body: BodyModel) -> Walk:
    """A walk seen from the side: landmarks (T,33,3) in the camera's frame, metres; and pixels with confidence."""
    import torch

    path = world_path(body, "walk")[slice(0, 40, 4)]
    R, t = camera_of(distance=4.5)
    seen = path.turned(R, t)
    out = body(torch.from_numpy(seen.rotations).float(), torch.from_numpy(seen.betas[:10]).float(), vertices=False)
    joints = out.joints.double().numpy()
    joints = joints - joints[:, :1] + seen.pelvis[:, None]
    points = landmark_positions(joints, out.rotations.double().numpy(), "blazepose33", 1.0)
    pixels = points @ K.T
    ones = np.ones((*points.shape[:2], 1))
    return points, np.concatenate([pixels[..., :2] / pixels[..., 2:], ones], axis=2)


def detected(walk: Walk, size: tuple[int, int] = (1280, 720)) -> Take:
    """The walk as a detector without errors gives it, with its own 3D about the hips."""
    points, keypoints = walk
    world = (points - points[:, [23, 24]].mean(1, keepdims=True)).astype(np.float32)
    sequence = KeypointSequence(keypoints.astype(np.float32), "blazepose33", 30.0, *size)
    return Take("1", 0, 0, sequence, np.ones((len(points), 4), np.float32), world)


def test_landmarks_without_errors_stay_about_where_they_are(walk: Walk) -> None:
    points, keypoints = walk
    tall = float(np.median(np.ptp(keypoints[..., 1], axis=1)))
    pixels, spread, depth, doubt, frame = Mend.load()(points - points.mean(1, keepdims=True), keypoints, K)
    moved = np.linalg.norm(pixels - keypoints[..., :2], axis=2)
    assert np.median(moved) < 0.025 * tall  # the detector's bias, which is not in these
    assert moved.max() < 0.15 * tall
    assert (spread > 0).all()
    assert np.median(spread) < 0.05 * tall
    away = np.einsum("tjd,td->tj", points, frame.axes[:, 2])
    away = away - away[:, list(TORSO)].mean(1, keepdims=True)
    unit = float(np.median(bone_sum(points)))
    assert np.corrcoef(depth.ravel(), away.ravel())[0, 1] > 0.9
    assert np.median(np.abs(unit * depth - away)) < 0.06  # metres
    assert (doubt > 0).all()
    np.testing.assert_allclose(frame.axes @ np.swapaxes(frame.axes, 1, 2), np.tile(np.eye(3), (len(points), 1, 1)),
                               atol=1e-9)


def test_the_size_of_the_picture_does_not_matter(walk: Walk) -> None:
    points, keypoints = walk
    twice, lens = keypoints * [2, 2, 1], K * [[2, 2, 2], [2, 2, 2], [1, 1, 1]]
    one, other = Mend.load()(points, keypoints, K), Mend.load()(points, twice, lens)
    np.testing.assert_allclose(other[0], 2 * one[0], rtol=1e-7)
    np.testing.assert_allclose(other[1], 2 * one[1], rtol=1e-7)
    np.testing.assert_allclose(other[2], one[2], atol=1e-7)


def test_how_tall_and_how_far_does_not_matter(walk: Walk) -> None:
    """Detectors give people of one size: only proportions are looked at."""
    points, keypoints = walk
    np.testing.assert_allclose(features_of(1.7 * points, keypoints, K)[0], features_of(points, keypoints, K)[0],
                               atol=1e-9)
    assert features_of(points, keypoints, K)[0].shape == (len(points), 6 * len(NAMES))


def test_a_take_is_mended_where_it_can_be(walk: Walk) -> None:
    take = detected(walk)
    keypoints, world = take.sequence.keypoints.copy(), take.world.copy()  # type: ignore[union-attr]
    keypoints[3] = 0  # not seen
    world[3] = np.nan
    keypoints[5, list(TORSO), 2] = 0  # without a trunk nothing can be told
    keypoints[7, 15, 2] = 0  # one wrist was not seen
    take = replace(take, sequence=replace(take.sequence, keypoints=keypoints), world=world)
    found = mend(take, K)
    assert found is not None
    np.testing.assert_array_equal(np.flatnonzero(~found.known), [3, 5])
    np.testing.assert_allclose(found.pixels[[3, 5]], keypoints[[3, 5], :, :2])
    assert np.isfinite(found.pixels).all()
    assert (found.spread >= 0.35).all()
    assert (found.spread[[3, 5]] == 3).all()
    better = mended_take(take, found).sequence.keypoints
    np.testing.assert_array_equal(better[..., 2], keypoints[..., 2])
    np.testing.assert_array_equal(better[[3, 5]], keypoints[[3, 5]])
    np.testing.assert_array_equal(better[7, 15], keypoints[7, 15])
    assert (better[0, :, :2] != keypoints[0, :, :2]).any()
    assert len(found.part(slice(2, 6)).pixels) == 4


def test_other_layouts_and_detectors_are_left_alone(walk: Walk) -> None:
    take = detected(walk)
    assert mend(replace(take, world=None), K) is None
    count = len(KEYPOINT_SETS["coco17"])
    other = KeypointSequence(take.sequence.keypoints[:, :count], "coco17", 30.0, 1280, 720)
    assert mend(replace(take, sequence=other), K) is None
    assert mend(replace(take, world=np.full_like(take.world, np.nan)), K) is None
    assert mended_take(take, None) is take


def test_people_at_the_edge_and_points_in_a_heap_break_nothing(walk: Walk) -> None:
    keypoints = walk[1]
    take = detected(walk)
    for strange in (keypoints + [3000, -2000, 0], np.full_like(keypoints, 5.0), keypoints * [1e-3, 1e-3, 1]):
        sequence = replace(take.sequence, keypoints=strange.astype(np.float32))
        found = mend(replace(take, sequence=sequence), K)
        assert found is None or (np.isfinite(found.pixels).all() and np.isfinite(found.depth).all()
                                 and np.isfinite(found.spread).all())


def test_a_network_that_is_none_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The network in nothing cannot be read"):
        Mend.load(tmp_path / "nothing")
    for name, change in (("cut", None), ("other", {"landmarks": list(NAMES[::-1])})):
        folder = shutil.copytree(checkpoint("mend"), tmp_path / name)
        if change is None:
            weights = folder / "model.safetensors"
            weights.write_bytes(weights.read_bytes()[:1000])
        else:
            config = folder / "config.json"
            config.write_text(json.dumps(json.loads(config.read_text()) | change))
        with pytest.raises(InputError, match=r"scripts/train_mend\.py"):
            Mend.load(folder)


def test_weights_are_written_as_they_are(tmp_path: Path) -> None:
    """Trained layers are views with other strides than rows: their bytes must not be written as they lie."""
    import torch

    from humanav.track.ensemble import read_ensemble, stacked, write_ensemble

    torch.manual_seed(0)
    members = [torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4), torch.nn.ReLU(),
                                   torch.nn.Linear(4, 3)) for _ in range(2)]
    layers = stacked(members)
    write_ensemble(tmp_path, np.zeros(7), np.ones(7), layers, {"landmarks": ["nose"]})
    _, _, again = read_ensemble(tmp_path, ["nose"], 7, "network", "train_mend.py")
    for (weight, bias), (wanted, shift) in zip(again, layers, strict=True):
        assert np.allclose(weight, wanted, atol=1e-3)
        assert np.allclose(bias, shift, atol=1e-3)
