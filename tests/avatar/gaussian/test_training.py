"""Training: what learns from what, ablations, checkpoints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from humanav.avatar import Avatar, View
from humanav.avatar.gaussian.authority import authority
from humanav.avatar.gaussian.build import STAGES, build_gaussian_avatar
from humanav.avatar.gaussian.cloth import looseness_of
from humanav.avatar.gaussian.config import GaussianTraining
from humanav.avatar.gaussian.frames import TrainFrame, captured
from humanav.avatar.gaussian.generators import plan_poses
from humanav.avatar.gaussian.learned import LearnedAvatar
from humanav.avatar.gaussian.losses import depth_error, normal_error, partly, picture_loss, structural_similarity
from humanav.avatar.gaussian.sampling import from_mesh
from humanav.avatar.gaussian.seams import canonical_colors, seam_map
from humanav.avatar.gaussian.smoothness import Smoothness
from humanav.avatar.gaussian.teacher import SyntheticTeacher
from humanav.avatar.gaussian.training import train
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import Cancelled, InputError
from humanav.metrics import ssim
from humanav.progress import Progress
from tests.avatar.gaussian.conftest import bent

SMALL = {"nodes": 150, "rank": 6, "hidden": 24}


def settings(steps: int, **changes: object) -> GaussianTraining:
    return GaussianTraining(steps=steps, minutes=None, sizes=SMALL, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def frames(mesh: Avatar, photo: View) -> list[TrainFrame]:
    """The photo and eight frames of the teacher."""
    real = captured([photo], 128)
    teacher = SyntheticTeacher(mesh, looseness_of(mesh, 1.5, real[0].full_pose))
    return [*real, *teacher.generate(None, plan_poses(mesh, 8, 112, own_pose=real[0].full_pose))]


@pytest.fixture
def learned(gaussians: GaussianAvatar, frames: list[TrainFrame]) -> LearnedAvatar:
    return LearnedAvatar(gaussians, authority(gaussians, frames), settings(1), 1, True)


def test_auxiliary_colours_do_not_move_anything(learned: LearnedAvatar, frames: list[TrainFrame]) -> None:
    drawn = learned.draw(frames[1], None, refined=True, extra=True)
    assert drawn.detached is not None
    (drawn.detached[..., :3] - 0.7).square().sum().backward()
    assert learned.aux_rgb.grad is not None
    assert learned.aux_rgb.grad.abs().max() > 0
    for parameter in (learned.offset, learned.log_scale, learned.opacity, *learned.deformation.parameters()):
        assert parameter.grad is None or not parameter.grad.any()


def test_the_photo_teaches_only_what_it_sees(learned: LearnedAvatar, frames: list[TrainFrame]) -> None:
    drawn = learned.draw(frames[0], 0, refined=True)
    (drawn.rgb.sum() + drawn.alpha.sum()).backward()
    unseen = learned.may_color == 0
    assert 0.2 < float(unseen.float().mean()) < 0.9
    assert not learned.rgb.grad[unseen].any()
    assert learned.rgb.grad[~unseen].any()
    still = learned.may_shape == 0
    assert not learned.offset.grad[still].any()
    assert learned.offset.grad[~still].any()
    assert learned.pose.grad.any()


def test_the_pose_is_seen_but_not_learned_from_the_deformation(
    learned: LearnedAvatar, frames: list[TrainFrame]
) -> None:
    """PERSONA detaches the network's pose input: the pose learns through skinning alone."""
    torch.nn.init.normal_(learned.deformation.basis)
    drawn = learned.draw(frames[0], 0, refined=True)
    (gradient,) = torch.autograd.grad(drawn.deformation.sum(), learned.pose, allow_unused=True)
    assert gradient is None


def test_seams_are_where_an_arm_crosses_the_trunk(gaussians: GaussianAvatar) -> None:
    camera = Camera.orbit((0.0, -0.3, 0.0), 4.2, 0.0, 4.0, 160, 200, 330.0)

    def seam(pose: np.ndarray) -> tuple[float, float]:
        drawn = gaussians.render(camera, pose, colors=canonical_colors(gaussians.means))
        found = seam_map(drawn.rgb, drawn.alpha)
        chest = np.s_[70:110, 68:92]
        return float(found[chest].mean()), float(found.mean())

    apart, _ = seam(bent())
    crossed, everywhere = seam(bent(left_shoulder=(0.4, -0.9, -0.9), left_elbow=(0.0, -1.9, 0.0)))
    assert apart < 0.05
    assert crossed > 0.15
    assert everywhere < 0.2


def test_a_smooth_ball_has_no_seam() -> None:
    y, x = np.mgrid[-1:1:200j, -1:1:200j]
    alpha = (x * x + y * y < 0.8).astype(np.float32)
    z = np.sqrt(np.maximum(0.9 - x * x - y * y, 0))
    canonical = np.stack([x, y, z], -1) * 0.4 / 2 + 0.5
    assert not seam_map(canonical * alpha[..., None], alpha).any()
    split = canonical + np.where(x > 0, 0.2, 0.0)[..., None]
    assert seam_map(split * alpha[..., None], alpha)[:, 98:102].mean() > 0.5
    assert not seam_map(canonical, np.zeros_like(alpha)).any()


def test_similarity_agrees_with_the_reference_inside(rng: np.random.Generator) -> None:
    a, b = (rng.random((40, 50)).astype(np.float32) for _ in range(2))
    found = structural_similarity(torch.from_numpy(a), torch.from_numpy(b)).numpy()[8:-8, 8:-8].mean()
    assert found == pytest.approx(ssim(a * 255, b * 255), abs=0.05)
    assert float(picture_loss(torch.from_numpy(a)[..., None], torch.from_numpy(a)[..., None]).abs().max()) < 1e-5


def test_derivatives_of_own_operations(rng: np.random.Generator) -> None:
    a = torch.from_numpy(rng.random((13, 12)).astype(np.float32)).requires_grad_()
    b = torch.from_numpy(rng.random((13, 12)).astype(np.float32))
    step, direction = 1e-2, torch.from_numpy(rng.normal(size=(13, 12)).astype(np.float32))
    structural_similarity(a, b).sum().backward()
    with torch.no_grad():
        slope = structural_similarity(a + step * direction, b) - structural_similarity(a - step * direction, b)
    assert float((a.grad * direction).sum()) == pytest.approx(float(slope.sum()) / (2 * step), rel=0.03, abs=0.05)

    near = rng.integers(0, 20, (20, 3))
    x = torch.from_numpy(rng.random((20, 2)).astype(np.float32)).requires_grad_()
    plain = (x - x[torch.from_numpy(near)].mean(1)).square().sum() * 3
    (expected,) = torch.autograd.grad(plain, x)
    own = Smoothness(near)((3.0, x))
    own.backward()
    assert float(own.detach()) == pytest.approx(float(plain.detach()), rel=1e-5)
    torch.testing.assert_close(x.grad, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(partly(x, 0.25), x)


def test_depth_counts_only_where_both_are() -> None:
    target = torch.tensor([[2.0, float("inf"), 2.0]])
    error = depth_error(torch.tensor([[2.1, 5.0, 9.0]]), torch.tensor([[1.0, 1.0, 0.1]]), target)
    torch.testing.assert_close(error, torch.tensor([[0.1, 0.0, 0.0]]), rtol=1e-5, atol=1e-6)


def test_normals_agree_up_to_their_length() -> None:
    target = torch.tensor([[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]])
    drawn = torch.tensor([[[0.0, 0.0, 0.9], [0.9, 0.0, 0.0], [0.0, 0.0, 0.9]]])
    error = normal_error(drawn, torch.full((1, 3), 0.9), target)
    torch.testing.assert_close(error, torch.tensor([[0.0, 2 / 3 + 1, 0.0]]), rtol=1e-4, atol=1e-4)


def test_normals_from_neighbours_follow_the_surface(learned: LearnedAvatar, gaussians: GaussianAvatar) -> None:
    posed = gaussians.pose(np.zeros((55, 3)))
    own = learned._normals(torch.from_numpy(posed.means)).numpy()
    assert np.median((own * posed.normals).sum(1)) > 0.9


def error(avatar: GaussianAvatar, frame: TrainFrame, refined: bool = True) -> float:
    drawn = avatar.render(frame.camera, frame.full_pose, frame.transl, frame.expression, refined=refined)
    return float(np.abs(drawn.rgb - frame.image * frame.alpha[..., None]).mean())


def test_the_photo_is_learned_and_other_sides_are_kept(
    gaussians: GaussianAvatar, frames: list[TrainFrame], mesh: Avatar
) -> None:
    result = train(gaussians, frames, settings(50))
    assert result.steps == 50
    assert error(result.avatar, frames[0]) < 0.8 * error(gaussians, frames[0])
    stiff = SyntheticTeacher(mesh, looseness_of(mesh, 0.0))
    others = stiff.generate(None, plan_poses(mesh, 6, 112, seed=9, own_pose=frames[0].full_pose))
    before, after = (np.mean([error(a, f) for f in others]) for a in (gaussians, result.avatar))
    assert after < 1.1 * before
    assert np.isfinite(result.avatar.means).all()
    assert result.avatar.opacities.max() <= 1


@pytest.mark.slow
def test_the_refined_branch_learns_what_cloth_does(mesh: Avatar, body: BodyModel, field, photo: View) -> None:
    start = from_mesh(mesh, 3000, body=body, field=field)
    own = photo.motion.full_pose[0].astype(np.float32)
    teacher = SyntheticTeacher(mesh, looseness_of(mesh, 2.0, own))
    plan = plan_poses(mesh, 24, 112)
    known, held_out = plan[:18], plan[18:]
    result = train(start, teacher.generate(None, known), settings(160)).avatar
    unseen = teacher.generate(None, held_out)
    base, refined = (np.mean([np.abs(result.render(f.camera, f.full_pose, f.transl, refined=way).alpha - f.alpha).mean()
                              for f in unseen]) for way in (False, True))
    assert refined < base


def test_an_interrupted_training_goes_on_where_it_was(
    gaussians: GaussianAvatar, frames: list[TrainFrame], tmp_path: Path
) -> None:
    path = tmp_path / "state.pt"
    whole = train(gaussians, frames, settings(12))
    seen = 0

    def stop() -> bool:
        nonlocal seen
        seen += 1
        return path.is_file() and seen > 12

    options = settings(12, checkpoint_every=0.0)
    with pytest.raises(Cancelled):
        train(gaussians, frames, options, checkpoint=path, progress=Progress(1, None, stop))
    resumed = train(gaussians, frames, options, checkpoint=path)
    assert resumed.steps == 12
    np.testing.assert_array_equal(resumed.avatar.rgb, whole.avatar.rgb)
    np.testing.assert_array_equal(resumed.avatar.means, whole.avatar.means)
    path.write_bytes(b"damaged")
    assert train(gaussians, frames, settings(2), checkpoint=path).steps == 2


def test_time_ends_it_too(gaussians: GaussianAvatar, frames: list[TrainFrame]) -> None:
    result = train(gaussians, frames, replace(settings(100_000), minutes=0.02))
    assert 1 <= result.steps < 1000
    with pytest.raises(InputError, match="no time"):
        GaussianTraining(minutes=0.0)
    with pytest.raises(InputError, match="at least one step"):
        GaussianTraining(steps=0)
    with pytest.raises(InputError, match="no frame"):
        train(gaussians, [])


def test_without_memory_it_goes_on_smaller(
    gaussians: GaussianAvatar, frames: list[TrainFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = LearnedAvatar.draw

    def hungry(self: LearnedAvatar, frame: TrainFrame, *args: object, **kwargs: object) -> object:
        if max(frame.alpha.shape) > 100:
            raise MemoryError
        return draw(self, frame, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(LearnedAvatar, "draw", hungry)
    result = train(gaussians, frames, settings(2))
    assert result.steps == 2
    assert "half the size" in result.notes[0]
    assert "half the size" in result.avatar.notes[-1]


def test_from_a_photo_to_a_gaussian_avatar(mesh: Avatar, photo: View, body: BodyModel, monkeypatch) -> None:
    from humanav.avatar.gaussian import sampling
    from humanav.avatar.gaussian.weights import diffuse

    monkeypatch.setattr(sampling, "weight_field", lambda body: (diffuse(body, 0.1, 5), None))
    events = []
    built = build_gaussian_avatar(mesh, [photo], settings(4, preview_every=0.0), count=1500, generated=4, size=96,
                                  body=body, progress=Progress(len(STAGES), events.append))
    assert list(dict.fromkeys(event.stage for event in events)) == list(STAGES)
    assert any(event.image is not None and event.image.shape[2] == 3 for event in events)
    assert built.generated + len(built.rejected) == 4
    assert built.trained.avatar.deformation is not None
    assert "simple model of cloth" in built.trained.avatar.notes[-1]
