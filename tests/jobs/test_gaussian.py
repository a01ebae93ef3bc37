"""A photo's mesh avatar becomes a Gaussian one: its files, its interruption, and how it moves afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav import cli
from humanav.avatar.gaussian import GaussianAvatar, build
from humanav.body import BodyModel
from humanav.errors import Cancelled, InputError
from humanav.export import read_skinned_splats, read_splat_ply
from humanav.jobs import (
    GAUSSIAN_STAGES,
    STAGES,
    GaussianOptions,
    PhotoOptions,
    animate_avatar,
    avatar_stages,
    gaussian,
    photo_id,
    photo_to_avatar,
)
from humanav.jobs.gaussian import clip_frames, match_words
from humanav.jobs.gaussian_files import load_worn, one_thread
from humanav.motion import Motion
from humanav.progress import Event, Progress
from humanav.results import Result, ResultWriter
from tests.avatar.gaussian.striped import hanging_arms, photographed, striped_mesh
from tests.export.glb_reader import Glb
from tests.jobs.known_person import put_in_photos
from tests.jobs.track_folders import TakeOf, still_camera, walker, write_track
from tests.manifests import check_origin

TINY = GaussianOptions(minutes=3, count=900, size=96, steps=6, generated=2)
PICTURE = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def tiny(body: BodyModel) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        put_in_photos(patch, body)
        yield patch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gaussian")


@pytest.fixture(scope="module")
def made(tiny: pytest.MonkeyPatch, folder: Path) -> tuple[Result, list[Event]]:
    events: list[Event] = []
    progress = Progress(len(avatar_stages(TINY)), events.append)
    return photo_to_avatar(PICTURE, out=folder / "out", motion="wave", gaussian=TINY, progress=progress), events


def test_the_stages_are_those_of_the_training() -> None:
    assert GAUSSIAN_STAGES[:3] == build.STAGES
    assert avatar_stages() == STAGES


def test_the_mesh_comes_first_and_the_training_is_shown(made: tuple[Result, list[Event]]) -> None:
    _, events = made
    assert tuple(dict.fromkeys(event.stage for event in events)) == avatar_stages(TINY)
    files = [event.file.name for event in events if event.file is not None]
    assert files == ["avatar.glb", "avatar.splats"]
    live = next(event for event in events if "loss" in event.data)
    assert live.stage in GAUSSIAN_STAGES
    assert live.data["step"] == 1
    assert live.image.dtype == np.uint8


def test_the_result_holds_both_avatars(made: tuple[Result, list[Event]]) -> None:
    result, _ = made
    names = [file.name for file in result.downloads]
    assert names[:3] == ["splats.html", "avatar.ply", "avatar_gaussian.glb"]
    check_origin(result, GAUSSIAN_STAGES, ["Training frames by the synthetic teacher", "Player in pages"])
    assert {"avatar.glb", "animation.mp4", "avatar_gaussian.npz", "avatar_posed.ply", "compare.html",
            "animation_gaussian.mp4", "turntable_gaussian.mp4"} <= set(names)
    avatar = GaussianAvatar.load(result.path("avatar_gaussian.npz"))
    assert len(avatar) == 900
    assert avatar.deformation is not None
    assert np.ptp(read_splat_ply(result.path("avatar.ply"), y_down=True).means[:, 0]) > 1.4  # the T-pose
    assert np.ptp(read_splat_ply(result.path("avatar_posed.ply"), y_down=True).means[:, 0]) < 1.0
    assert list(read_skinned_splats(result.path("avatar.splats")).motions) == ["wave"]
    assert "HumanavSplats.mount" in result.path("splats.html").read_text()
    told = result.report["gaussian"]
    assert (told["count"], told["steps"], told["generated"] + told["rejected"]) == (900, 6, 2)
    assert 0 < told["photo_error"] < 0.3
    assert told["baked_share"] > 0.9
    assert "In the photo's view" in result.report["quality"]
    assert result.report["warnings"][0] == "One sentence."
    assert any("cloth" in sentence for sentence in result.report["warnings"])
    assert result.inputs["gaussian"]["minutes"] == 3
    assert not list(result.folder.parent.glob("*.training"))


def test_the_glb_wears_the_baked_texture(made: tuple[Result, list[Event]]) -> None:
    result, _ = made
    plain, baked = (Glb(result.path(name)) for name in ("avatar.glb", "avatar_gaussian.glb"))
    assert [a["name"] for a in baked.json["animations"]] == [a["name"] for a in plain.json["animations"]]
    assert result.path("avatar.glb").read_bytes() != result.path("avatar_gaussian.glb").read_bytes()


def test_an_interrupted_training_goes_on(
    tiny: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = GaussianOptions.training
    monkeypatch.setattr(GaussianOptions, "training", lambda self: replace(plain(self), preview_every=0.0))
    asked = replace(TINY, steps=10)
    events: list[Event] = []
    stop = Progress(11, events.append, lambda: any(event.data.get("step") == 2 for event in events))
    with pytest.raises(Cancelled):
        photo_to_avatar(PICTURE, out=tmp_path / "out", gaussian=asked, progress=stop)
    assert {path.suffix for path in tmp_path.iterdir()} == {".training"}

    class Enough(Exception):
        pass

    def stop_at_the_first(event: Event) -> None:
        if "step" in event.data:
            raise Enough(event.data["step"])

    with pytest.raises(Enough, match="4"):  # the third had been done when it was stopped
        photo_to_avatar(PICTURE, out=tmp_path / "out", gaussian=asked, progress=Progress(11, stop_at_the_first))


def test_a_gaussian_avatar_moves_by_another_motion(made: tuple[Result, list[Event]], tmp_path: Path) -> None:
    result, _ = made
    again = animate_avatar(result, "walk", out=tmp_path / "walk")
    assert [file.name for file in again.downloads][:2] == ["splats.html", "avatar_gaussian.glb"]
    assert list(read_skinned_splats(again.path("avatar.splats")).motions) == ["walk"]
    assert animate_avatar(again.folder, "idle", out=tmp_path / "idle").has("avatar_gaussian.npz")


def test_a_gaussian_avatar_takes_a_tracked_persons_place_and_build(
    made: tuple[Result, list[Event]], body: BodyModel, tmp_path: Path
) -> None:
    from humanav.perception.video import open_video

    result, _ = made
    track = write_track(tmp_path / "track", [TakeOf(walker(body, frames=2))], still_camera(), body)
    done = animate_avatar(result, track, out=tmp_path / "there", background="original", shape="motion")
    with open_video(done.path("animation.mp4")) as video:
        frame = next(iter(video))
    with open_video(track.path("original.mp4")) as video:
        there = next(iter(video))
    assert frame.shape == there.shape
    apart = np.abs(frame.astype(int) - there).max(axis=2) > 40
    columns = np.flatnonzero(apart.any(axis=0))
    assert 10 < len(columns) < 0.6 * frame.shape[1]  # the person and nothing else has changed
    worn = load_worn(done, striped_mesh(body, 128))
    assert worn is not None
    assert np.allclose(worn.gaussians.betas, 0)  # the saved one keeps its own build


def test_a_damaged_gaussian_result_is_named(made: tuple[Result, list[Event]], body: BodyModel, tmp_path: Path) -> None:
    with ResultWriter(tmp_path / "bad", "avatar", "0", {}) as writer:
        writer.add("avatar_gaussian.npz", "").write_bytes(made[0].path("avatar_gaussian.npz").read_bytes())
        writer.add("texture_gaussian.png", "").write_bytes(b"no picture")
    with pytest.raises(InputError, match="texture_gaussian"):
        load_worn(writer.result, striped_mesh(body, 128))


def test_a_clips_person_gets_the_avatars_shape_and_stays_in_the_picture(
    body: BodyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh, tall = striped_mesh(body, 64), walker(body, betas=(1.5, 0.5, 0.5), frames=1)
    view = replace(photographed(mesh, hanging_arms()), motion=tall, camera=still_camera(120, 200))
    monkeypatch.setattr("humanav.jobs.track_views.track_views", lambda *_, **__: [view])
    asked, progress = replace(TINY, clip="somewhere"), Progress(1)
    found = clip_frames(asked, mesh, body, progress)[0]
    assert progress.stage == avatar_stages(asked)[len(STAGES)]

    def ankles(motion: Motion, camera: Any) -> Any:
        joints = body.from_motion(motion, vertices=False).joints[0, [7, 8]].double().numpy()
        return camera.project(joints)[0]

    assert np.allclose(found.motion.betas[: body.num_betas], mesh.betas)
    assert np.abs(ankles(found.motion, found.camera) - ankles(tall, view.camera)).max() < 3
    assert clip_frames(TINY, mesh, body, progress) == []


def test_a_clip_that_was_not_tracked_is_said_before_any_work(made: tuple[Result, list[Event]], tmp_path: Path) -> None:
    told: list[Event] = []
    with pytest.raises(InputError, match="holds no tracked motion"):
        photo_to_avatar(PICTURE, out=tmp_path / "out", gaussian=replace(TINY, clip=str(made[0].folder)),
                        progress=Progress(12, told.append))
    assert told == []


def test_ids_tell_the_options_apart() -> None:
    asked = [photo_id(PICTURE, PhotoOptions(), gaussian=options)
             for options in (None, TINY, replace(TINY, minutes=1), GaussianOptions())]
    assert len(set(asked)) == 4
    assert asked[0] == photo_id(PICTURE, PhotoOptions())


@pytest.mark.parametrize(("wrong", "said"), [
    ({"minutes": 0}, "minutes"), ({"count": 5}, "Gaussians"), ({"size": 8}, "pixels"),
    ({"deformation": "best"}, "lite"), ({"steps": 0}, "one step"), ({"views": 0}, "one view"),
    ({"minutes": float("nan")}, "minutes")])
def test_options_out_of_range_get_a_sentence(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        GaussianOptions(**wrong)


def test_more_minutes_are_more_steps_and_words_are_honest() -> None:
    assert GaussianOptions(minutes=8).training().steps > 2 * GaussianOptions().training().steps
    assert gaussian.GaussianOptions(steps=7).training().steps == 7
    assert "train for longer" in match_words({"photo_error": 0.05, "photo_error_mesh": 0.02})
    assert "longer" not in match_words({"photo_error": 0.01, "photo_error_mesh": 0.02})


@pytest.mark.parametrize(("words", "said"), [
    (["--clip", "there"], "add --gaussian"), (["--gaussian", "--minutes", "0"], "minutes"),
    (["--gaussian", "--clip", "nowhere"], "nowhere is not a result folder")])
def test_the_command_says_what_is_wrong(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["avatar", str(tmp_path / "photo.jpg"), *words])
    assert said in capsys.readouterr().err


def test_torch_gets_its_threads_back() -> None:
    import torch

    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
