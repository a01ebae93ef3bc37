"""A Gaussian avatar's files: what each reader gets back is the avatar, in its pose and with its clothes' movement."""

import dataclasses
import importlib.util

import numpy as np
import pytest

from humanav.avatar.gaussian import GaussianAvatar
from humanav.avatar.gaussian.deformation import make_deformation, pose_features, to_data
from humanav.avatar.gaussian.value import local_rotations
from humanav.errors import InputError
from humanav.export import (
    read_skinned_splats,
    read_splat_ply,
    write_avatar_ply,
    write_avatar_splats,
    write_deformation_onnx,
)
from humanav.motion import Motion

torch = pytest.importorskip("torch")
COUNT = 200


def small_avatar(body, deforms=True):
    """Gaussians on some of the body's vertices; a network with random weights moves them by about a centimetre."""
    rng = np.random.default_rng(0)
    vertices, joints = (value.numpy() for value in body.rest(None))
    chosen = np.sort(rng.choice(len(vertices), COUNT, replace=False))
    quats = rng.normal(size=(COUNT, 4))
    avatar = GaussianAvatar(
        means=vertices[chosen].astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=np.log(rng.uniform(0.003, 0.02, (COUNT, 3))).astype(np.float32),
        opacities=rng.uniform(0.3, 0.95, COUNT).astype(np.float32), rgb=rng.random((COUNT, 3)).astype(np.float32),
        aux_rgb=np.zeros((COUNT, 3), np.float32), part=np.zeros(COUNT, np.uint8), trust=np.ones(COUNT, np.float32),
        rigid=np.zeros(COUNT, bool), skin_index=np.asarray(body.skin_index)[chosen][:, :4].astype(np.uint8),
        skin_weight=_unit(np.asarray(body.skin_weight)[chosen][:, :4]), anchor=np.zeros(COUNT, np.int32),
        barycentric=np.tile(np.float32([1, 0, 0]), (COUNT, 1)), joints=joints.astype(np.float32),
        betas=np.zeros(10, np.float32))
    if not deforms:
        return avatar
    network = make_deformation(avatar, "lite", nodes=20, rank=4)
    with torch.no_grad():
        torch.manual_seed(0)
        network.basis.normal_(0, 40)
    return dataclasses.replace(avatar, deformation=to_data(network))


def _unit(weight):
    return (weight / weight.sum(1, keepdims=True)).astype(np.float32)


def motion():
    rng = np.random.default_rng(1)
    pose = np.cumsum(rng.normal(0, 0.05, (10, 55, 3)), axis=0)
    return Motion.from_full_pose(pose, 30, rng.normal(0, 0.1, (10, 3)), name="sway")


def test_the_browser_gets_the_refined_avatar(tmp_path, body):
    avatar, clip = small_avatar(body), motion()
    for refined in (True, False):
        back = read_skinned_splats(write_avatar_splats(avatar, tmp_path / "a.splats", [clip], refined=refined))
        assert (back.basis is not None) == refined
        for frame in (0, 4, 9):
            want = avatar.pose(clip.full_pose[frame], clip.transl[frame], refined=refined)
            assert np.abs(back.frame("sway", frame).means - want.means).max() < 3e-3
    moved = avatar.pose(clip.full_pose[9]).means - avatar.pose(clip.full_pose[9], refined=False).means
    assert np.abs(moved).max() > 0.01  # there was something to keep


def test_viewers_get_the_posed_avatar(tmp_path, body):
    avatar, clip = small_avatar(body), motion()
    neutral = read_splat_ply(write_avatar_ply(avatar, tmp_path / "a.ply"), y_down=True)
    np.testing.assert_allclose(neutral.means, avatar.means, atol=1e-6)
    want = avatar.pose(clip.full_pose[5], clip.transl[5])
    path = write_avatar_ply(avatar, tmp_path / "b.ply", clip.full_pose[5], clip.transl[5], y_down=False)
    posed = read_splat_ply(path)
    np.testing.assert_allclose(posed.means, want.means, atol=1e-5)
    np.testing.assert_allclose(posed.covars, want.covars, atol=1e-7)


def test_no_network_no_onnx(tmp_path, body):
    with pytest.raises(InputError, match="no network"):
        write_deformation_onnx(small_avatar(body, deforms=False), tmp_path / "a.onnx")


@pytest.mark.slow
@pytest.mark.skipif(not all(map(importlib.util.find_spec, ("onnx", "onnxscript"))), reason="needs humanav[onnx]")
@pytest.mark.parametrize("kind", ["lite", "full"])
def test_the_network_elsewhere(tmp_path, body, kind):
    runtime = pytest.importorskip("onnxruntime")
    avatar = small_avatar(body, deforms=False)
    network = make_deformation(avatar, kind, **({"nodes": 20} if kind == "lite" else {"resolution": 16, "channels": 4}))
    with torch.no_grad():
        torch.manual_seed(0)
        for value in network.parameters():
            value.normal_(0, 0.3)
    avatar = dataclasses.replace(avatar, deformation=to_data(network))
    local = local_rotations(motion().full_pose[6])
    session = runtime.InferenceSession(str(write_deformation_onnx(avatar, tmp_path / "a.onnx")),
                                       providers=["CPUExecutionProvider"])
    (offsets,) = session.run(["offsets"], {"pose": pose_features(local)})
    np.testing.assert_allclose(offsets, avatar.deformation.offsets(local), atol=1e-6)
