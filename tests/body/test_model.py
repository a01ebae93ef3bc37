"""The body model: agreement with the smplx package, consistency, gradients, symmetry, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from humanav.body import JOINT_INDEX, MIRROR, PARENTS, SURFACE_VERTICES, BodyModel, axis_angle_to_matrix
from humanav.errors import BodyFileError, InputError
from humanav.motion import Motion


@pytest.fixture(scope="module")
def body64() -> BodyModel:
    return BodyModel.load(dtype=torch.float64)


def draw(body: BodyModel, batch: int = 2, seed: int = 0, scale: float = 0.3) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((batch, 55, 3), (batch, body.num_betas), (batch, body.num_expressions), (batch, 3))
    return [scale * torch.randn(*shape, generator=generator, dtype=body.dtype) for shape in shapes]


def test_agrees_with_smplx(body: BodyModel, tmp_path: Path) -> None:
    smplx = pytest.importorskip("smplx")
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    body.save_smplx(path)
    other = smplx.create(str(path), model_type="smplx", use_pca=False, batch_size=3, num_betas=body.num_betas,
                         num_expression_coeffs=body.num_expressions)
    pose, betas, expression, transl = draw(body, 3)
    with torch.no_grad():
        ours = body(pose, betas, expression, transl)
        theirs = other(betas=betas, expression=expression, transl=transl, global_orient=pose[:, 0],
                       body_pose=pose[:, 1:22].flatten(1), jaw_pose=pose[:, 22], leye_pose=pose[:, 23],
                       reye_pose=pose[:, 24], left_hand_pose=pose[:, 25:40].flatten(1),
                       right_hand_pose=pose[:, 40:].flatten(1))
    assert (ours.vertices - theirs.vertices).norm(dim=-1).max() < 1e-6
    assert (ours.joints - theirs.joints[:, :55]).norm(dim=-1).max() < 1e-6
    # The extra joints that smplx picks by vertex id are the points they are named after.
    nose, heel = theirs.joints[:, 55], theirs.joints[:, 62]
    torch.testing.assert_close(nose, ours.vertices[:, SURFACE_VERTICES["nose"]], atol=1e-6, rtol=0)
    torch.testing.assert_close(heel, ours.vertices[:, SURFACE_VERTICES["left_heel"]], atol=1e-6, rtol=0)


def licensed_file(body: BodyModel, path: Path) -> None:
    """A file as a licensed one is: pose directions in use, every column filled, texts pickled as objects."""
    body.save_smplx(path)
    rng = np.random.default_rng(0)
    with np.load(path) as archive:
        arrays = dict(archive)
    count = len(arrays["v_template"])
    arrays["posedirs"] = (rng.normal(size=(count, 3, 486)) * 1e-3).astype(np.float32)
    arrays["shapedirs"] = (rng.normal(size=(count, 3, 400)) * 1e-3).astype(np.float32)
    np.savez(path, joint2num=np.array({"Pelvis": 0}, dtype=object), **arrays)


def test_reads_a_licensed_file(body: BodyModel, tmp_path: Path) -> None:
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    licensed_file(body, path)
    other = BodyModel.load(path, num_betas=16, num_expressions=12)
    assert (other.num_betas, other.num_expressions, other.name) == (16, 12, "smplx")
    assert other.posedirs is not None
    pose, betas, expression, transl = draw(other)
    with torch.no_grad():
        ours = other(pose, betas, expression, transl).vertices
    smplx = pytest.importorskip("smplx")
    reference = smplx.create(str(path), model_type="smplx", use_pca=False, batch_size=2, num_betas=16,
                             num_expression_coeffs=12, flat_hand_mean=True)
    with torch.no_grad():
        theirs = reference(betas=betas, expression=expression, transl=transl, global_orient=pose[:, 0],
                           body_pose=pose[:, 1:22].flatten(1), jaw_pose=pose[:, 22], leye_pose=pose[:, 23],
                           reye_pose=pose[:, 24], left_hand_pose=pose[:, 25:40].flatten(1),
                           right_hand_pose=pose[:, 40:].flatten(1)).vertices
    assert (ours - theirs).norm(dim=-1).max() < 2e-6


def test_rotations_from_axis_angle(rng: np.random.Generator) -> None:
    from scipy.spatial.transform import Rotation

    vectors = np.concatenate([rng.normal(size=(50, 3)) * 2, rng.normal(size=(5, 3)) * 1e-9, np.zeros((1, 3))])
    ours = axis_angle_to_matrix(torch.from_numpy(vectors)).numpy()
    np.testing.assert_allclose(ours, Rotation.from_rotvec(vectors).as_matrix(), atol=1e-12)


def test_joints_path_and_forms_of_pose(body: BodyModel) -> None:
    pose, betas, expression, transl = draw(body)
    full = body(pose, betas, expression, transl)
    joints_only = body(pose, betas, expression, transl, vertices=False)
    assert joints_only.vertices is None
    torch.testing.assert_close(full.joints, joints_only.joints, atol=0, rtol=0)
    by_matrix = body(axis_angle_to_matrix(pose), betas, expression, transl)
    torch.testing.assert_close(by_matrix.vertices, full.vertices, atol=1e-6, rtol=0)
    single = body(pose[0].numpy(), betas[0].numpy(), expression[0], transl[0])
    torch.testing.assert_close(single.vertices[0], full.vertices[0], atol=1e-6, rtol=0)
    pose[:, 22:] = 0
    torch.testing.assert_close(body(pose[:, :22], betas).joints, body(pose, betas).joints, atol=1e-6, rtol=0)


def test_rotations_are_global_and_joints_follow_the_tree(body64: BodyModel) -> None:
    pose, betas, _, transl = draw(body64, 1)
    out, (_, rest) = body64(pose, betas, transl=transl, vertices=False), body64.rest(betas)
    local = axis_angle_to_matrix(pose[0])
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            torch.testing.assert_close(out.rotations[0, joint], out.rotations[0, parent] @ local[joint])
            torch.testing.assert_close(
                out.joints[0, joint],
                out.joints[0, parent] + out.rotations[0, parent] @ (rest[joint] - rest[parent]))
    torch.testing.assert_close(out.joints[0, 0], rest[0] + transl[0])


def test_shapes_broadcast_over_frames(body: BodyModel) -> None:
    pose, betas, expression, transl = draw(body, 11)  # more than one chunk of the skinning
    alike = body(pose, betas[0], expression[0], transl)
    one_by_one = torch.cat([body(pose[k], betas[0], expression[0], transl[k]).vertices for k in range(11)])
    torch.testing.assert_close(alike.vertices, one_by_one, atol=1e-6, rtol=0)
    several_shapes = body(pose[0], betas)
    assert several_shapes.vertices.shape == (11, len(body.v_template), 3)
    assert several_shapes.rotations.shape == (11, 55, 3, 3)


def test_single_and_double_precision_agree(body: BodyModel, body64: BodyModel) -> None:
    values = draw(body)
    a, b = body(*values).vertices, body64(*values).vertices
    assert b.dtype == torch.float64
    assert (a - b).norm(dim=-1).max() < 1e-6


def test_gradients(body64: BodyModel) -> None:
    values = [value.requires_grad_() for value in draw(body64, 2)]
    with torch.no_grad():
        values[0][:, :3] = 0  # at zero, too
    some = torch.arange(0, len(body64.v_template), 1500)

    def outputs(*parts: Tensor) -> tuple[Tensor, Tensor]:
        out = body64(*parts)
        return out.vertices[:, some], out.joints

    assert torch.autograd.gradcheck(outputs, values, fast_mode=True)
    shared = [values[0], values[1][:1].detach().requires_grad_(), values[2][:1].detach().requires_grad_(), values[3]]
    assert torch.autograd.gradcheck(outputs, shared, fast_mode=True)


def test_mirror_symmetry(body: BodyModel) -> None:
    pose, betas, _, _ = draw(body, 1)
    mirrored = pose[:, list(MIRROR)] * torch.tensor([1.0, -1.0, -1.0])
    flip = torch.tensor([-1.0, 1.0, 1.0])
    a, b = body(pose, betas), body(mirrored, betas)
    torch.testing.assert_close(b.vertices[:, body.mirror_vertex] * flip, a.vertices, atol=2e-6, rtol=0)
    torch.testing.assert_close(b.joints[:, list(MIRROR)] * flip, a.joints, atol=2e-5, rtol=0)


def test_expressions_have_names_and_sides(body: BodyModel) -> None:
    names = body.expression_names
    assert len(names) == body.num_expressions >= 50
    assert "jawOpen" not in names
    assert names[0] == "mouthSmileLeft"
    moved = body.exprdirs.norm(dim=1)
    x = body.v_template[:, 0]
    for name, sign in (("mouthSmileLeft", 1), ("eyeBlinkRight", -1), ("browDownLeft", 1)):
        weight = moved[:, names.index(name)]
        assert sign * float((weight * x).sum() / weight.sum()) > 0.01


def test_first_beta_is_height(body: BodyModel) -> None:
    heights = [float(np.ptp(body.rest([value])[0][:, 1].numpy())) for value in (-1.0, 0.0, 1.0)]
    assert 1.65 < heights[1] < 1.76
    assert 0.06 < heights[2] - heights[1] < 0.11
    np.testing.assert_allclose(heights[2] - heights[1], heights[1] - heights[0], atol=1e-3)
    men, women = (np.ptp(body.rest(body.mean_betas[who])[0][:, 1].numpy()) for who in ("man", "woman"))
    assert 0.06 < men - women < 0.15


def test_the_template_stands_in_a_t_pose(body: BodyModel) -> None:
    joints = body.J_template.numpy()
    for chain in (("left_shoulder", "left_elbow", "left_wrist", "left_middle3"),
                  ("left_hip", "left_knee", "left_ankle")):
        line = joints[[JOINT_INDEX[name] for name in chain]]
        spread = line - line.mean(0)
        assert np.linalg.svd(spread)[1][1] < 2e-3  # a straight line
    assert joints[JOINT_INDEX["left_wrist"], 0] > 0.5
    assert body.v_template[SURFACE_VERTICES["nose"], 2] > body.v_template[SURFACE_VERTICES["left_ear"], 2]
    weights = body.skin_weight.sum(1)
    torch.testing.assert_close(weights, torch.ones_like(weights))
    assert body.skin_index.shape[1] == 4
    assert body.uv is not None
    assert body.uv_faces is not None
    assert body.uv.min() >= 0
    assert body.uv.max() <= 1
    assert body.uv_faces.shape == body.faces.shape
    assert body.landmark_faces.shape == (51,)


def test_from_motion(body: BodyModel) -> None:
    pose, betas, _, transl = draw(body, 4)
    motion = Motion.from_full_pose(pose.numpy(), transl=transl.numpy(), betas=np.append(betas[0].numpy(), np.ones(80)))
    part = body.from_motion(motion, slice(1, 3))
    torch.testing.assert_close(part.vertices, body(pose[1:3], betas[0], None, transl[1:3]).vertices, atol=1e-6, rtol=0)
    assert body.from_motion(motion, vertices=False).vertices is None


@pytest.mark.parametrize(
    ("pose", "more"),
    [(np.zeros((2, 24, 3)), {}), (np.zeros((2, 165)), {}), (np.zeros((2, 55, 3)), {"betas": np.zeros(300)}),
     (np.zeros((2, 55, 3)), {"transl": np.zeros(2)}), (np.zeros((2, 55, 3)), {"transl": np.zeros((3, 3))})],
)
def test_arguments_that_do_not_fit(body: BodyModel, pose: np.ndarray, more: dict[str, np.ndarray]) -> None:
    with pytest.raises(InputError):
        body(pose, **more)


def test_bad_files(body: BodyModel, tmp_path: Path) -> None:
    with pytest.raises(BodyFileError, match="no body file"):
        BodyModel.load(tmp_path / "none.npz")
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"PK\x03\x04 nothing more")
    with pytest.raises(BodyFileError, match="damaged"):
        BodyModel.load(damaged)
    text = tmp_path / "text.npz"
    text.write_text("hello")
    with pytest.raises(BodyFileError, match="damaged"):
        BodyModel.load(text)
    motion = tmp_path / "motion.npz"
    np.savez(motion, poses=np.zeros((3, 165)))
    with pytest.raises(BodyFileError, match="no array named"):
        BodyModel.load(motion)
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    body.save_smplx(path)
    with np.load(path) as archive:
        arrays = dict(archive)
    for name, value in (("weights", arrays["weights"][:, :24]), ("f", arrays["f"] + 5),
                        ("v_template", np.zeros((5, 3))), ("kintree_table", np.zeros((2, 24)))):
        np.savez(path, **{**arrays, name: value})
        with pytest.raises(BodyFileError, match="do not fit together"):
            BodyModel.load(path)
