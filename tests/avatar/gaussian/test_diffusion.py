"""Frames by diffusion networks: the real pipelines with tiny random networks, and what surrounds them."""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.avatar import Avatar, View
from humanav.avatar.gaussian import build, diffusion_inpaint, diffusion_models, sampling
from humanav.avatar.gaussian.cloth import ClothModel
from humanav.avatar.gaussian.diffusion import make_generator
from humanav.avatar.gaussian.diffusion_bake import PAINTED, painted
from humanav.avatar.gaussian.diffusion_control import (
    depth_picture,
    face_picture,
    reference_picture,
    skeleton_picture,
    warped,
)
from humanav.avatar.gaussian.diffusion_frames import expected, known_map, labelled, matched, person_alpha
from humanav.avatar.gaussian.diffusion_inpaint import InpaintGenerator, InpaintSettings
from humanav.avatar.gaussian.diffusion_models import load_pipeline, why_not
from humanav.avatar.gaussian.diffusion_path import canvas_for, films, pose_stances, transl_of, view_stance
from humanav.avatar.gaussian.diffusion_video import AnimateGenerator, FilmSettings, VaceGenerator
from humanav.avatar.gaussian.frames import TrainFrame
from humanav.avatar.gaussian.generators import PoseFrame, accept, frame_camera, plan_poses
from humanav.avatar.gaussian.teacher import SyntheticTeacher, draw
from humanav.avatar.gaussian.training import Trained
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.avatar.gaussian.weights import diffuse
from humanav.body import BodyModel
from humanav.errors import Cancelled, InputError, MissingExtraError
from humanav.perception.guided import overlap
from humanav.progress import Progress
from humanav.render import silhouette


@pytest.fixture(scope="session")
def poses(mesh: Avatar, photo: View) -> list[PoseFrame]:
    return plan_poses(mesh, 3, 96, own_pose=photo.motion.full_pose[0])


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny pipeline of each kind."""
    pytest.importorskip("diffusers")
    for package in ("transformers", "accelerate", "ftfy"):
        pytest.importorskip(package)
    from tests.avatar.gaussian import tiny_pipelines

    folder = tmp_path_factory.mktemp("tiny")
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("vace", "animate", "inpaint"):
            getattr(tiny_pipelines, f"save_{name}")(folder / name)
    return folder


def tiny(name: str, mesh: Avatar, saved: Path, settings: Any) -> Any:
    made, note = make_generator(name, mesh, model=saved / name, device="cpu", settings=settings)
    assert note == ""
    return made


@pytest.mark.parametrize(("name", "kind", "control"), [
    ("vace", VaceGenerator, "depth"), ("animate", AnimateGenerator, "pose")])
def test_video_networks_make_one_labelled_frame_for_each_pose(
    name: str, kind: type, control: Any, mesh: Avatar, photo: View, poses: list[PoseFrame], saved: Path
) -> None:
    settings = FilmSettings(area=48 * 48, window=9, steps=1, guidance=1.0 if name == "animate" else 3.0,
                            control=control)
    maker = tiny(name, mesh, saved, settings)
    assert isinstance(maker, kind)
    events: list[float] = []
    told = Progress(1, listener=lambda event: events.append(event.fraction))
    told.next("Making frames")
    frames = maker.generate(photo, poses, seed=4, progress=told)
    assert len(frames) == len(poses)
    for k, (frame, pose) in enumerate(zip(frames, poses)):
        assert isinstance(frame, TrainFrame)
        assert frame.kind == "generated"
        assert frame.camera == pose.camera
        np.testing.assert_array_equal(frame.full_pose, pose.full_pose)
        about = frame.provenance
        assert (about["generator"], about["model"], about["seed"], about["pose"]) == (name, str(saved / name), 4, k)
        assert about["prompt"] == settings.prompt
        assert about.get("control") == ("depth" if name == "vace" else None)
        assert about["frame"] % settings.stride == 0
        assert about["frame"] > 0  # never the photo itself
        assert 0 < frame.weight <= 1
    assert events[-1] > 0.9
    kept, rejected = accept(frames, mesh)  # random networks draw no people
    assert len(kept) + len(rejected) == len(frames)
    assert rejected
    assert rejected[0].provenance["generator"] == name


def test_the_same_seed_makes_the_same_frames(mesh: Avatar, photo: View, poses: list[PoseFrame], saved: Path) -> None:
    maker = tiny("vace", mesh, saved, FilmSettings(area=32 * 32, window=5, steps=1, guidance=1.0))
    once, again, other = (maker.generate(photo, poses[:1], seed=seed)[0].image for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - other).max() > 0.001


def test_a_stopped_job_stops_inside_a_film(mesh: Avatar, photo: View, poses: list[PoseFrame], saved: Path) -> None:
    maker = tiny("vace", mesh, saved, FilmSettings(area=32 * 32, window=5, steps=3, guidance=1.0))
    with pytest.raises(Cancelled):
        maker.generate(photo, poses[:1], progress=Progress(1, cancelled=lambda: True))
    with pytest.raises(InputError, match="No pose"):
        maker.generate(photo, [])


def test_inpainting_changes_only_what_no_photo_saw(
    mesh: Avatar, photo: View, poses: list[PoseFrame], saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diffusion_inpaint, "SIDES", diffusion_inpaint.SIDES[:2])
    maker = tiny("inpaint", mesh, saved, InpaintSettings(size=96, steps=2))
    complete, sides = maker.completed(photo, seed=3)
    assert sides[0] == 180.0
    changed = (complete.texture != mesh.texture).any(axis=-1)
    assert changed.mean() > 0.03
    assert not changed[mesh.confidence >= PAINTED].any()
    assert (complete.confidence[changed] <= PAINTED).all()
    frames = maker.generate(photo, poses, seed=3)
    assert [frame.provenance["frame"] for frame in frames] == [0, 1, 2]
    assert frames[0].provenance["sides"] == sides
    kept, _ = accept(frames, mesh, 0.7)
    assert len(kept) == len(frames)
    assert isinstance(maker, InpaintGenerator)


def test_a_faithful_network_gives_frames_that_lie_on_the_wanted_bodies(
    mesh: Avatar, photo: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of a network: the mesh on white as the film's cameras see it, a little too blue."""
    def faithful(self: Any, picture: Any, film: Any, canvas: Any, settings: Any, noise: Any, told: Any) -> Any:
        shown = []
        for stance in film.stances:
            vertices = mesh.pose(stance.full_pose, transl_of(mesh, stance))
            rgb, alpha, _, _ = draw(mesh, vertices, canvas.camera(stance))
            shown.append(np.clip(1 - alpha[..., None] * (1 - rgb) + [0, 0, 0.06], 0, 1))
        return np.stack(shown)

    monkeypatch.setattr(VaceGenerator, "_film", faithful)
    still = ClothModel(np.zeros(len(mesh.vertices), np.float32))
    wanted = plan_poses(mesh, 4, 160, own_pose=photo.motion.full_pose[0])
    loaded = diffusion_models.Loaded(None, "faithful", "", "cpu", "float32", "none")
    frames = VaceGenerator(mesh, loaded, FilmSettings(area=256 * 320, window=9)).generate(photo, wanted)
    kept, rejected = accept(frames, mesh)
    assert (len(kept), len(rejected)) == (4, 0)
    for frame, true in zip(frames, SyntheticTeacher(mesh, still).generate(photo, wanted)):
        assert overlap(frame.alpha > 0.5, true.alpha > 0.5) > 0.88
        sure = (frame.alpha > 0.95) & (true.alpha > 0.95)
        assert np.abs(frame.image - true.image)[sure].mean() < 0.05
        np.testing.assert_allclose(frame.depth[sure], true.depth[sure], atol=1e-4)


def test_memory_that_runs_out_halves_the_pictures(
    mesh: Avatar, photo: View, poses: list[PoseFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    sizes: list[int] = []

    def tight(self: Any, picture: Any, film: Any, canvas: Any, settings: Any, noise: Any, told: Any) -> Any:
        sizes.append(canvas.width * canvas.height)
        if canvas.width * canvas.height > limit:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return np.full((len(film.stances), canvas.height, canvas.width, 3), np.nan, np.float32)

    monkeypatch.setattr(VaceGenerator, "_film", tight)
    limit, said = 30_000, []
    told = Progress(1, listener=lambda event: said.append(event.caption))
    loaded = diffusion_models.Loaded(None, "tight", "", "cpu", "float32", "none")
    maker = VaceGenerator(mesh, loaded, FilmSettings(area=256 * 320))
    frames = maker.generate(photo, poses[:1], progress=told)
    assert sizes[0] > limit > sizes[1]
    assert said[-1].startswith("The GPU's memory ran out: films are made at ")
    assert np.prod(frames[0].provenance["size"]) == sizes[1]
    assert frames[0].provenance["person"] == "none found"  # numbers that overflowed
    limit = 100
    with pytest.raises(MissingExtraError, match="smallest films"):
        maker.generate(photo, poses[:1])


def test_memory_that_runs_out_halves_what_is_painted(
    mesh: Avatar, photo: View, poses: list[PoseFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def tight(self: Any, rgb: Any, *_: Any) -> Any:
        if len(rgb) > limit:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return rgb * np.float32(gain)

    monkeypatch.setattr(InpaintGenerator, "_painted", tight)
    monkeypatch.setattr(diffusion_inpaint, "SIDES", diffusion_inpaint.SIDES[:1])
    loaded = diffusion_models.Loaded(None, "tight", "", "cpu", "float16", "none")
    maker = InpaintGenerator(mesh, loaded, InpaintSettings(size=520))
    limit, gain, said = 300, 1.0, []
    told = Progress(1, listener=lambda event: said.append(event.caption))
    frames = maker.generate(photo, poses[:1], progress=told)
    assert frames[0].provenance["size"] == 256
    assert any("painted at 256 pixels" in words for words in said)
    limit = 100
    with pytest.raises(MissingExtraError, match="memory does not do"):
        maker.generate(photo, poses[:1])
    limit, gain = 600, np.nan
    with pytest.raises(MissingExtraError, match="tight paints nothing in float16"):
        maker.generate(photo, poses[:1])


def test_what_a_network_gets_wrong_the_teacher_draws(
    mesh: Avatar, photo: View, body: BodyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def white(self: Any, picture: Any, film: Any, canvas: Any, *_: Any) -> Any:
        return np.ones((len(film.stances), canvas.height, canvas.width, 3), np.float32)

    trained: list[list[TrainFrame]] = []

    def untrained(start: GaussianAvatar, frames: list[TrainFrame], *_: Any, **__: Any) -> Trained:
        trained.append(frames)
        real = [frame for frame in frames if frame.kind == "captured"]
        return Trained(start, 0, 0.0, np.stack([frame.full_pose for frame in real]),
                       np.stack([frame.transl for frame in real]), ())

    monkeypatch.setattr(VaceGenerator, "_film", white)
    monkeypatch.setattr(build, "train", untrained)
    monkeypatch.setattr(sampling, "weight_field", lambda body: (diffuse(body, 0.1, 5), None))
    maker = VaceGenerator(mesh, diffusion_models.Loaded(None, "white", "", "cpu", "float32", "none"))
    built = build.build_gaussian_avatar(mesh, [photo], count=1500, generator=maker, generated=3, size=64, body=body)
    assert (built.generated, len(built.rejected)) == (0, 3)
    assert [frame.kind for frame in trained[-1]] == ["captured", *["generated"] * 3]
    assert trained[-1][1].provenance["generator"] == "synthetic teacher"
    assert "the synthetic teacher drew these poses" in built.trained.avatar.notes[-1]


def test_films_begin_with_the_photo_and_turn_steadily(mesh: Avatar, photo: View) -> None:
    wanted = plan_poses(mesh, 9, 96)
    first, _ = view_stance(mesh, photo)
    stances, extents = pose_stances(mesh, wanted)
    reels = films(first, stances, 17, 4)
    assert sorted(k for film in reels for k in film.wanted.values()) == list(range(9))
    for film in reels:
        assert len(film.stances) % 4 == 1
        assert len(film.stances) <= 17
        assert film.stances[0] is first
        for frame, k in film.wanted.items():
            assert film.stances[frame] is stances[k]
        turned = [abs(np.angle(np.exp(1j * (stances[k].side - first.side)))) for k in film.wanted.values()]
        assert turned == sorted(turned)
    canvas = canvas_for(extents, 96 * 160)
    for stance, extent, pose in zip(stances, extents, wanted):
        points, _ = canvas.camera(stance).project(mesh.pose(stance.full_pose, transl_of(mesh, stance)))
        assert points.min() > 0
        assert (points.max(axis=0) < (canvas.width, canvas.height)).all()
        np.testing.assert_allclose(np.ptp(points, axis=0), extent * canvas.scale, rtol=0.01)
        # the same body from the same place: only the lens differs
        own, _ = pose.camera.project(mesh.pose(pose.full_pose, pose.transl))
        assert np.corrcoef(own[:, 0], points[:, 0])[0, 1] > 0.99999
    with pytest.raises(InputError, match="multiple of 4"):
        films(first, stances, 17, 3)
    behind = replace(wanted[0], camera=replace(wanted[0].camera, t=wanted[0].camera.t - [0, 0, 20]))
    with pytest.raises(InputError, match="in front of the camera"):
        pose_stances(mesh, [behind])


def test_control_pictures_and_the_photo_lie_on_the_body(mesh: Avatar, photo: View) -> None:
    first, extent = view_stance(mesh, photo)
    canvas = canvas_for([extent], 128 * 192)
    camera = canvas.camera(first)
    outline = silhouette(mesh.pose(first.full_pose, transl_of(mesh, first)), mesh.faces, camera)
    depth = depth_picture(mesh, first, camera)
    np.testing.assert_array_equal(depth[..., 0] > 0, outline)
    skeleton = skeleton_picture(mesh, first, camera)
    assert skeleton.any()
    assert outline[skeleton.any(axis=-1)].mean() > 0.8
    reference = reference_picture(photo, mesh, canvas)
    assert overlap((reference < 245).any(axis=-1), outline) > 0.75
    assert (reference[~outline].min(axis=-1) > 200).mean() > 0.9
    face = face_picture(reference, mesh, first, camera, 64)
    assert face.shape == (64, 64, 3)
    assert (face[24:40, 24:40] < 250).any()
    # from behind the skeleton has no nose and eyes
    turned = replace(first, full_pose=first.full_pose.copy())
    turned.full_pose[0] = (Rotation.from_rotvec([0, np.pi, 0]) * Rotation.from_rotvec(first.full_pose[0])).as_rotvec()
    assert abs(abs(np.angle(np.exp(1j * (turned.side - first.side)))) - np.pi) < 0.2
    assert (skeleton_picture(mesh, turned, camera, hands=False) > 0).sum() < \
        (skeleton_picture(mesh, first, camera, hands=False) > 0).sum()


def test_generated_pictures_are_cut_out_and_held_to_the_photos_colours(mesh: Avatar, photo: View) -> None:
    pose = np.array(photo.motion.full_pose[0])
    pose[0] = 0
    still = np.zeros(3, np.float32)
    wanted = PoseFrame(pose, still, frame_camera(mesh, pose, still, 10, 0, 160))
    look = expected(mesh, wanted)
    shown = 1 - look.alpha[..., None] * (1 - look.rgb)
    alpha = person_alpha(shown, look.alpha > 0.5)
    assert overlap(alpha > 0.5, look.alpha > 0.5) > 0.9
    rng = np.random.default_rng(0)
    noisy = rng.uniform(0, 1, shown.shape).astype(np.float32)
    noisy[look.alpha > 0.5] = shown[look.alpha > 0.5]  # no plain background: the body guides
    assert overlap(person_alpha(noisy, look.alpha > 0.5) > 0.5, look.alpha > 0.5) > 0.7
    assert not person_alpha(np.ones_like(shown), look.alpha > 0.5).any()
    assert not person_alpha(shown, np.zeros(alpha.shape, bool)).any()
    shifted = np.clip(shown * [0.9, 1.0, 1.1] + [0.05, -0.04, 0.0], 0, 1).astype(np.float32)
    mended, gains = matched([shifted], [look])
    sure = (look.known > 0.9) & (look.alpha > 0.9)
    assert np.abs(mended[0] - shown)[sure].mean() < 0.4 * np.abs(shifted - shown)[sure].mean()
    assert gains[0] > 1 > gains[2]
    good, bad = (labelled(picture, alpha, wanted, look, {}) for picture in (shown, 1 - shown))
    assert bad.weight < good.weight <= 1
    np.testing.assert_allclose(matched([shown], [replace(look, known=look.known * 0)])[0][0], shown)


def test_a_picture_becomes_texture_where_it_is_seen(mesh: Avatar, photo: View) -> None:
    pose, still = np.array(photo.motion.full_pose[0]), np.zeros(3, np.float32)
    pose[0] = 0
    camera = frame_camera(mesh, pose, still, 180, 0, 128)
    vertices = mesh.pose(pose, still)
    red = np.zeros((camera.height, camera.width, 3), np.float32)
    red[..., 0] = 1
    ones = np.ones(red.shape[:2], np.float32)
    new = painted(mesh, pose, still, camera, red, ones)
    rgb, alpha, _, _ = draw(new, vertices, camera)
    unknown = (known_map(mesh, vertices, camera) < 0.2) & (alpha > 0.9)
    assert np.median(np.abs(rgb - red).max(axis=-1)[unknown]) < 0.1
    assert np.array_equal(painted(new, pose, still, camera, 1 - red, 0 * ones).texture, new.texture)
    full = replace(mesh, confidence=np.full_like(mesh.confidence, 255))
    assert painted(full, pose, still, camera, red, ones) is full


def test_pictures_move_between_lenses_without_a_shift(mesh: Avatar, poses: list[PoseFrame]) -> None:
    camera = poses[0].camera
    picture = np.random.default_rng(1).uniform(0, 1, (camera.height, camera.width, 3)).astype(np.float32)
    np.testing.assert_allclose(warped(picture, camera, camera, 1.0), picture, atol=1e-5)
    crop = camera.cropped(3, 5, 20, 30)
    np.testing.assert_allclose(warped(picture, camera, crop, 1.0), picture[5:35, 3:23], atol=1e-4)


def test_a_machine_without_a_gpu_or_weights_is_told(mesh: Avatar, tmp_path: Path, saved: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        assert "torch sees none here" in why_not("vace")
        assert why_not("vace", "cuda:0") == why_not("vace")
        assert why_not("vace", "cpu") == ""
        assert "teacher" in make_generator("vace", mesh)[1]
    (tmp_path / "model_index.json").write_text("{")
    with pytest.raises(MissingExtraError, match=r"cannot be loaded from .*name a folder"):
        load_pipeline("vace", model=tmp_path, device="cpu")
    with pytest.raises(MissingExtraError, match="cannot be loaded from nobody/nothing"):
        load_pipeline("inpaint", model="nobody/nothing", revision="0" * 40, device="cpu", local_only=True)
    loaded = load_pipeline("inpaint", model=saved / "inpaint", device="cpu")
    assert (loaded.device, loaded.dtype, loaded.offload, loaded.revision) == ("cpu", "float32", "none", "")


def test_networks_compute_in_half_precision_as_on_a_gpu(
    mesh: Avatar, photo: View, poses: list[PoseFrame], saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(diffusion_models, "half", lambda device, card: torch.bfloat16)
    maker = tiny("vace", mesh, saved, FilmSettings(area=32 * 32, window=5, steps=1, guidance=1.0))
    assert maker.loaded.dtype == "bfloat16"
    assert maker.loaded.pipe.transformer.dtype == torch.bfloat16
    assert maker.loaded.pipe.vae.dtype == torch.float32
    assert len(maker.generate(photo, poses[:1])) == 1
    monkeypatch.setattr(diffusion_inpaint, "SIDES", diffusion_inpaint.SIDES[:1])
    inpaint = tiny("inpaint", mesh, saved, InpaintSettings(size=32, steps=2))
    assert inpaint.loaded.pipe.vae.dtype == torch.bfloat16
    assert inpaint.completed(photo)[1]
