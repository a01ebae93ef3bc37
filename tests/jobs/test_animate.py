"""An avatar in the clip its motion was tracked in: where the person stood, with whose body, and what goes wrong."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanav import cli
from humanav.avatar import Avatar
from humanav.avatar.reshape import reshaped, sole_depth
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import HumanavError, ImageError, InputError
from humanav.jobs import ANIMATE_STAGES, animate_avatar, resolve_motion
from humanav.jobs.animate import motion_inputs
from humanav.jobs.staging import backdrops, stage_tracked
from humanav.jobs.tracked import is_track, load_tracked, people_of
from humanav.motion import load_motion, resample
from humanav.perception.video import open_video
from humanav.progress import Event, Progress
from humanav.render import silhouette
from humanav.results import Result, content_id
from humanav.view.composite import composite_frames
from tests.export.glb_reader import Glb
from tests.jobs.track_folders import TakeOf, bare_avatar, painted, still_camera, walker, write_track
from tests.manifests import check_origin

TALL, SHORT = (1.2, 0.8, 1.0), (-1.0, 0.5, -1.5)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("animate")


@pytest.fixture(scope="module")
def avatar(folder: Path, body: BodyModel) -> Result:
    return bare_avatar(body, folder / "avatar")


@pytest.fixture(scope="module")
def track(folder: Path, body: BodyModel) -> Result:
    """Three takes: a tall walker from the start; a short dancer from frame 3, and again, for less long, from 9."""
    dancer = walker(body, "dance", SHORT, 12, (-0.9, -1.0))
    takes = [TakeOf(walker(body, "walk", TALL, 10)), TakeOf(dancer[:5], "2", 0, 3), TakeOf(dancer[5:8], "2", 1, 9)]
    return write_track(folder / "track", takes, still_camera(), body)


def joints(motion: Any, body: BodyModel) -> Any:
    return body.from_motion(motion, vertices=False).joints.double().numpy()


def in_picture(points: Any, cameras: Any) -> Any:
    return np.stack([camera.project(p)[0] for camera, p in zip(cameras, points)])


def test_people_and_parts_are_found(track: Result) -> None:
    assert people_of(track) == ("1", "2", "2b")
    first = load_tracked(track.folder)
    assert (first.person, first.start, len(first.motion), first.notes) == ("1", 0, 10, ())
    assert first.motion.name == "clip"
    second = load_tracked(track, 2)
    assert (second.person, second.start, len(second.motion)) == ("2", 3, 5)
    assert "longest part" in second.notes[0]
    later = load_tracked(track, "2B")
    assert (later.person, later.start, len(later.motion), later.notes) == ("2b", 9, 3, ())
    assert resolve_motion(track.folder).name == "clip"
    assert motion_inputs(track) == motion_inputs(track.folder) == {"track": track.id}
    assert is_track(track.folder)
    assert not is_track("walk")


@pytest.mark.parametrize("clip", ["squat", "jumping_jack", "dance"])
@pytest.mark.parametrize("person", [TALL, SHORT])
def test_feet_stay_planted_where_the_person_stood(
    clip: str, person: tuple[float, ...], body: BodyModel, avatar: Result, tmp_path: Path
) -> None:
    motion = walker(body, clip, person, 90)
    tracked = load_tracked(write_track(tmp_path / "track", [TakeOf(motion)], still_camera(), body, background=False,
                                       original=False))
    who = Avatar.load(avatar.path("avatar.npz"))
    staged = stage_tracked(tracked, who, body, "avatar")
    assert np.allclose(staged.motion.betas, who.betas)
    before, after = joints(tracked.motion, body)[:, [7, 8]], joints(staged.motion, body)[:, [7, 8]]
    steps, mine = (np.linalg.norm(np.diff(points, axis=0), axis=2) for points in (before, after))
    planted = (steps < 0.004) & (before[1:, :, 1] < 0.12)
    assert planted.sum() > 25
    assert mine[planted].max() < 0.005
    apart = np.linalg.norm(in_picture(before, tracked.cameras) - in_picture(after, staged.cameras), axis=2)
    assert apart[1:][planted].max() < 2.0  # of a person 120 pixels high


def test_the_avatar_is_as_large_as_the_person_and_in_the_same_place(
    track: Result, avatar: Result, body: BodyModel
) -> None:
    tracked = load_tracked(track, "1")
    staged = stage_tracked(tracked, Avatar.load(avatar.path("avatar.npz")), body, "avatar")
    for frame in (0, 9):
        theirs, ours = outlines(tracked, staged, body, frame)
        middle = [np.argwhere(mask).mean(axis=0) for mask in (theirs, ours)]
        lowest = [np.flatnonzero(mask.any(axis=1))[-1] for mask in (theirs, ours)]
        assert np.abs(middle[0] - middle[1]).max() < 4
        assert abs(int(lowest[0]) - int(lowest[1])) <= 2
        assert ours.sum() == pytest.approx(theirs.sum(), rel=0.2)


def outlines(tracked: Any, staged: Any, body: BodyModel, frame: int) -> tuple[Any, Any]:
    vertices = body.from_motion(tracked.motion[frame]).vertices
    assert vertices is not None
    posed = staged.avatar.pose(staged.motion.full_pose[frame], staged.motion.transl[frame])
    return (silhouette(vertices[0].numpy(), body.faces, tracked.cameras[frame]),
            silhouette(posed, staged.avatar.faces, staged.cameras[frame]))


@pytest.mark.parametrize("person", ["1", "2"])
def test_the_persons_own_shape_covers_the_person(person: str, track: Result, avatar: Result, body: BodyModel) -> None:
    tracked = load_tracked(track, person)
    staged = stage_tracked(tracked, Avatar.load(avatar.path("avatar.npz")), body, "motion")
    assert np.allclose(staged.cameras[0].t, tracked.cameras[0].t)
    theirs, ours = outlines(tracked, staged, body, len(tracked.motion) - 1)
    assert (theirs & ours).sum() / (theirs | ours).sum() > 0.98


def test_another_shape_keeps_what_is_worn(body: BodyModel, tmp_path: Path) -> None:
    dressed = Avatar.load(bare_avatar(body, tmp_path / "dressed", skirt=True).path("avatar.npz"))
    tall = reshaped(dressed, (0.9, -0.3, 2.5), body)
    back = reshaped(tall, dressed.betas, body)
    assert np.abs(back.vertices[: body.v_template.shape[0]] - dressed.vertices[: body.v_template.shape[0]]).max() < 1e-5
    assert np.abs(back.vertices - dressed.vertices).max() < 0.03
    rise = np.ptp(tall.vertices[:, 1]) - np.ptp(dressed.vertices[:, 1])
    assert rise > 0.05
    hips, waist = (v.vertices[-48:, 1].mean() - v.joints[0, 1] for v in (dressed, tall))
    assert abs(hips - waist) < 0.1  # the tube hangs about the hips still
    assert sole_depth(dressed, body) == pytest.approx(0, abs=1e-6)
    with pytest.raises(InputError, match="another body"):
        reshaped(replace(dressed, vertices=dressed.vertices[:100]), (0.0,), body)


def test_soles_are_as_deep_as_most_of_their_vertices(body: BodyModel, tmp_path: Path) -> None:
    bare = Avatar.load(bare_avatar(body, tmp_path / "bare").path("avatar.npz"))
    stray, shod = bare.vertices.copy(), bare.vertices.copy()
    stray[np.argsort(stray[:, 1])[:3], 1] -= 0.03
    assert abs(sole_depth(replace(bare, vertices=stray), body)) < 0.001
    shod[shod[:, 1] < shod[:, 1].min() + 0.05, 1] -= 0.03
    assert sole_depth(replace(bare, vertices=shod), body) == pytest.approx(0.03, abs=0.001)
    with pytest.raises(InputError, match="another body"):
        sole_depth(replace(bare, vertices=bare.vertices[:100]), body)


def test_only_the_person_and_the_shadow_change_the_background(track: Result, avatar: Result, body: BodyModel) -> None:
    tracked = load_tracked(track)
    staged = stage_tracked(tracked, Avatar.load(avatar.path("avatar.npz")), body, "avatar")
    plate = np.asarray(Image.open(track.path("background.png")))
    frame = next(composite_frames(staged.avatar, staged.motion, staged.cameras,
                                  backdrops(staged, "original", tracked, None)))
    changed = (frame != plate).any(axis=2)
    _, ours = outlines(tracked, staged, body, 0)
    box = [int(v) for side in np.nonzero(ours) for v in (side.min(), side.max())]
    assert changed[ours].mean() > 0.98
    assert not changed[: box[0] - 2].any()
    assert not changed[: int(0.8 * box[1]), : box[2] - 2].any()  # above the shadow, beside the person
    assert not changed[: int(0.8 * box[1]), box[3] + 3:].any()


def test_the_result_over_the_clips_background(track: Result, avatar: Result, tmp_path: Path) -> None:
    events: list[Event] = []
    made = animate_avatar(avatar, track.folder, person=2, background="original", out=tmp_path / "out",
                          progress=Progress(len(ANIMATE_STAGES), events.append))
    assert [file.name for file in made.downloads] == [
        "avatar.glb", "animation.mp4", "side_by_side.mp4", "motion.bvh", "motion.npz", "avatar.npz"]
    assert {event.stage for event in events} == set(ANIMATE_STAGES)
    check_origin(made, ANIMATE_STAGES, ["Built-in body"])
    assert made.sources["avatar"]["result"] == avatar.id
    assert any(event.image is not None for event in events)
    assert made.inputs["person"] == "2"
    assert made.inputs["background"] == made.report["background"] == "original"
    assert made.report["warnings"][0] == "It is striped."
    assert "longest part" in made.report["warnings"][1]
    over, both = open_video(made.path("animation.mp4")), open_video(made.path("side_by_side.mp4"))
    assert (len(over), over.fps, over.width, over.height) == (5, 30.0, 320, 240)
    assert (len(both), both.width, both.height) == (5, 640, 240)
    plate = np.asarray(Image.open(track.path("background.png"))).astype(int)
    frame = next(iter(over)).astype(int)
    assert np.abs(frame[:60] - plate[:60]).mean() < 6  # nobody is so tall
    first = next(iter(both)).astype(int)
    clip = list(open_video(track.path("original.mp4")))[3].astype(int)
    assert np.abs(first[:, :320] - clip).mean() < 4  # the clip from where this person came in
    motion, skeleton = load_motion(made.path("motion.npz")), load_motion(made.path("motion.bvh"))
    assert len(motion) == len(skeleton) == 5
    assert np.allclose(motion.betas, Avatar.load(avatar.path("avatar.npz")).betas)
    assert len(Glb(made.path("avatar.glb")).json["animations"]) == 1


def test_a_moving_camera_has_a_background_that_moves(body: BodyModel, avatar: Result, tmp_path: Path) -> None:
    cameras = [Camera.look_at((0.6 - 0.12 * k, 1.5, 4.2), (0.1, 0.85, -0.6), 240, 180, 260) for k in range(8)]
    take = TakeOf(walker(body, "walk", TALL, 6), start=2)
    track = write_track(tmp_path / "track", [take], cameras, body)
    tracked = load_tracked(track)
    assert tracked.moving
    staged = stage_tracked(tracked, Avatar.load(avatar.path("avatar.npz")), body, "motion")
    assert np.allclose(staged.cameras[0].t, cameras[2].t)
    frames = list(composite_frames(staged.avatar, staged.motion, staged.cameras,
                                   backdrops(staged, "original", tracked, None)))
    assert len(frames) == 6
    for k in (0, 5):
        assert np.abs(frames[k][:40].astype(int) - painted(cameras[k + 2])[:40]).mean() < 6
    made = animate_avatar(avatar, track, background="original", out=tmp_path / "out")
    assert len(open_video(made.path("side_by_side.mp4"))) == 6


@pytest.mark.parametrize("background", ["none", "plain", "picture"])
def test_other_backgrounds(background: str, track: Result, avatar: Result, tmp_path: Path) -> None:
    Image.new("RGB", (300, 500), (10, 200, 30)).save(tmp_path / "green.png")
    chosen = tmp_path / "green.png" if background == "picture" else background
    made = animate_avatar(avatar, track, person="2b", background=chosen, shape="motion", out=tmp_path / "out")
    video = open_video(made.path("animation.mp4"))
    frame = next(iter(video))
    if background == "none":
        assert not made.has("side_by_side.mp4")
        assert len(video) == 2  # at 20 frames a second
        return
    assert made.has("side_by_side.mp4")
    assert frame.shape == (240, 320, 3)
    corner = frame[:20, :20].mean(axis=(0, 1))
    assert (corner[1] > 150 > corner[0]) if background == "picture" else (corner > 200).all()


@pytest.mark.parametrize("picture", [False, True])
def test_a_motion_from_no_clip_before_a_still_camera(
    picture: bool, avatar: Result, tmp_path: Path, body: BodyModel
) -> None:
    Image.new("RGB", (200, 160), (20, 40, 220)).save(tmp_path / "blue.png")
    motion = resample(walker(body, "wave", TALL, 12), 60)[:9]
    made = animate_avatar(avatar, motion, background=tmp_path / "blue.png" if picture else "plain", shape="motion",
                          out=tmp_path / "out")
    video = open_video(made.path("animation.mp4"))
    assert (len(video), video.fps) == (5, 30.0)
    assert (video.width, video.height) == ((200, 160) if picture else (960, 720))
    assert not made.has("side_by_side.mp4")


def test_calls_as_before_give_results_as_before(
    avatar: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("humanav.jobs.films.VIDEO_SECONDS", 0.1)
    made = animate_avatar(avatar, "wave", out=tmp_path / "out")
    assert made.id == content_id("animation", avatar.id, resolve_motion("wave"))
    assert [file.name for file in made.files] == ["avatar.glb", "animation.mp4", "motion.bvh", "motion.npz",
                                                  "avatar.npz"]


def fails(kind: type[HumanavError], words: str, avatar: Result, motion: Any, out: Path, **options: Any) -> None:
    with pytest.raises(kind, match=words) as caught:
        animate_avatar(avatar, motion, out=out, **options)
    said = str(caught.value)
    assert said.endswith(".")
    assert "\n" not in said
    assert not out.exists()


def test_what_cannot_be_is_said_in_one_sentence(track: Result, avatar: Result, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    (tmp_path / "letter.png").write_text("Dear reader")
    fails(InputError, "not a result folder", avatar, tmp_path / "empty", out)
    fails(InputError, "holds no motion", avatar, avatar.folder, out)
    fails(InputError, "no person '3' in track: choose one of 1, 2, 2b", avatar, track, out, person=3)
    fails(InputError, "Only a tracked motion has people", avatar, "walk", out, person=1)
    fails(InputError, "not tracked in a clip", avatar, "walk", out, background="original")
    fails(InputError, "tells no body shape", avatar, "walk", out, shape="motion")
    fails(InputError, "shape can be", avatar, "walk", out, shape="round")
    fails(ImageError, "no file nowhere.png", avatar, track, out, background=tmp_path / "nowhere.png")
    fails(ImageError, "letter.png cannot be read", avatar, track, out, background=tmp_path / "letter.png")


def copy(track: Result, target: Path, without: str = "", **change: Any) -> Path:
    shutil.copytree(track.folder, target)
    manifest = json.loads((target / "manifest.json").read_text())
    manifest["files"] = [file for file in manifest["files"] if file["name"] != without]
    (target / "manifest.json").write_text(json.dumps(manifest))
    told = json.loads((target / "track.json").read_text())
    (target / "track.json").write_text(json.dumps(told | change))
    return target


def test_damaged_tracks_are_said(track: Result, avatar: Result, tmp_path: Path, body: BodyModel) -> None:
    out = tmp_path / "out"
    fails(InputError, "kept no background", avatar, copy(track, tmp_path / "a", "background.png"), out,
          background="original")
    half = copy(track, tmp_path / "b", takes=[{"person_id": "1"}])
    fails(InputError, "track.json in b is damaged", avatar, half, out)
    fails(InputError, "Nobody was tracked", avatar, copy(track, tmp_path / "c", takes=[]), out)
    alone = animate_avatar(avatar, copy(track, tmp_path / "d", "original.mp4"), person="2b", background="original",
                           out=tmp_path / "alone")
    assert not alone.has("side_by_side.mp4")
    long = walker(body, "idle", TALL, 2)
    long = replace(long, fps=0.004)
    slow = write_track(tmp_path / "e", [TakeOf(long)], still_camera(64, 48), body, background=False, original=False)
    fails(InputError, "lasts 500 seconds", avatar, slow, out)
    moving = write_track(tmp_path / "f", [TakeOf(walker(body, frames=3))], [still_camera(64, 48)] * 3, body,
                         background=False, original=False)
    np.savez(moving.path("cameras.npz"), R=np.eye(3)[None], t=np.zeros((1, 3)), K=np.eye(3), width=64, height=48)
    fails(InputError, "cameras.npz in f is damaged", avatar, moving, out)


def test_a_stopped_job_leaves_nothing(track: Result, avatar: Result, tmp_path: Path) -> None:
    asked = iter(range(99))
    progress = Progress(len(ANIMATE_STAGES), cancelled=lambda: next(asked) > 6)
    with pytest.raises(HumanavError, match="Stopped"):
        animate_avatar(avatar, track, background="original", out=tmp_path / "out", progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_the_command(track: Result, avatar: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: Any) -> int:
        with pytest.raises(SystemExit) as stop:
            cli.main(["animate", str(avatar.folder), *map(str, words), "--out", str(tmp_path / "out")])
        return int(stop.value.code or 0)

    assert run("--motion", track.folder, "--use-background", "--person", "2b", "--shape", "motion", "--json") == 0
    said = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert "side_by_side.mp4" in said["files"]
    assert said["report"]["person"] == "2b"
    assert run("--motion", track.folder, "--person", "9") == 2
    assert "choose one of" in capsys.readouterr().err
    assert run("--use-background", "--background", "plain") == 2
    assert capsys.readouterr().err.startswith("humanav: Choose one background")
