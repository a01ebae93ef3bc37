"""Subjects in PERSONA's folders: read, written, trained, looked at; missing pieces and other body models."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanav.avatar.gaussian import GaussianAvatar, diffusion, diffusion_models
from humanav.avatar.gaussian.teacher import SyntheticTeacher
from humanav.body import BodyModel
from humanav.errors import Cancelled, InputError, MissingExtraError
from humanav.jobs import subject_train
from humanav.jobs.subject import Subject, about, placed_on_mask, read_split
from humanav.jobs.subject_capture import Source
from humanav.jobs.subject_evaluate import EVALUATE_STAGES, Measuring, evaluate_subject
from humanav.jobs.subject_files import write_split
from humanav.jobs.subject_show import MOVE_STAGES, Filmed, compare_subject, move_subject, neutral_subject, read_motion
from humanav.jobs.subject_train import GAUSSIAN_STAGES, SNAPSHOT, SubjectTraining, train_stages, train_subject
from humanav.motion import save_npz
from humanav.perception.video import open_video
from humanav.progress import Progress
from humanav.results import Result
from humanav.synth import SyntheticPhoto
from tests.jobs.subjects import QUICK, copied, fake_sight, json_of, made_by_persona, pictures_of, view_of
from tests.manifests import check_origin


def test_a_split_is_read_as_it_was_written(made: Subject, photo: SyntheticPhoto, body: BodyModel) -> None:
    split = read_split(made, made.captured, body)
    view, true = split.view(0), view_of(photo)
    assert not split.foreign
    assert split.numbers == (0,)
    assert np.array_equal(view.image, true.image)
    assert np.abs(view.alpha - true.alpha).max() < 1 / 255
    points = [body.from_motion(v.motion).vertices[0].numpy() for v in (view, true)]
    pixels = [v.camera.project(p)[0] for v, p in zip((view, true), points)]
    assert np.abs(points[0] - points[1]).max() < 1e-4
    assert np.abs(pixels[0] - pixels[1]).max() < 0.05
    keypoints = np.array(json_of(made.captured / "keypoints_whole_body" / "0.json"))
    assert keypoints.shape == (133, 3)
    assert (keypoints[:23, 2] > 0).sum() == 21  # all but the small toes
    assert (keypoints[91:112, 2] > 0).all()
    assert len(json_of(made.captured / "smplx_optimized" / "shape_param.json")) == 100
    camera = json_of(made.captured / "cam_params" / "0.json")
    assert (camera["R"], camera["t"]) == (np.eye(3).tolist(), [0, 0, 0])


def test_training_leaves_everything(trained: tuple[Path, Result], made: Subject) -> None:
    out, result = trained
    assert {"avatar_gaussian.npz", "avatar.npz", "avatar.ply", "avatar_posed.ply", "preview.jpg", "report.json"} == {
        file.name for file in result.files}
    report = json_of(result.path("report.json"))
    assert (report["generated"] + len(report["rejected"]), report["count"]) == (3, 600)
    assert report["steps"] >= 3  # those of learning from the pictures first are counted as well
    assert any("simple model of cloth" in note for note in report["warnings"])
    assert "Taken as standing." in report["warnings"]
    told = about(made.folder / "generated_0")
    assert told["generator"] == "synthetic teacher"
    assert [row["frame"] for row in told["provenance"]] == [0, 1, 2]
    assert len(GaussianAvatar.load(result.path("avatar_gaussian.npz"))) == 600
    assert (out / "ann" / "avatar" / "manifest.json").is_file()
    check_origin(result, GAUSSIAN_STAGES, ["Your own inputs", "Training frames by the synthetic teacher"])


def test_a_stopped_training_goes_on(
    made: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject_train, "_CHECKPOINT_EVERY", 0.0)
    subject = copied(made, tmp_path)
    steps = [0]

    def stop() -> bool:
        steps[0] += (tmp_path / "out" / "ann" / SNAPSHOT).is_file()
        return steps[0] > 1

    quick = replace(QUICK, steps=6)
    with pytest.raises(Cancelled):
        train_subject(subject, training=quick, out=tmp_path / "out", progress=Progress(1, cancelled=stop))
    assert not (tmp_path / "out" / "ann" / "avatar").exists()
    from humanav.avatar.gaussian import training

    found, plain = [], training.read_checkpoint
    monkeypatch.setattr(training, "read_checkpoint", lambda *args: found.append(plain(*args)) or found[-1])
    result = train_subject(subject, training=quick, out=tmp_path / "out")
    assert any(state is not None and state.step >= 1 for state in found)
    assert result.report["steps"] >= 6


def test_a_photo_makes_the_captured_split(
    made: Subject, photo: SyntheticPhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_sight(monkeypatch, photo, made)
    path = tmp_path / "ann.png"
    Image.fromarray(photo.image).save(path)
    subject, source = Subject(tmp_path / "subjects", "ann"), Source(path)
    assert len(train_stages(subject, source)) == 10
    seen: list[str] = []
    result = train_subject(subject, source, replace(QUICK, steps=1), out=tmp_path / "out",
                           progress=Progress(1, lambda event: seen.append(event.stage)))
    assert list(dict.fromkeys(seen)) == list(train_stages(Subject(tmp_path / "others", "ann"), source))
    assert "Seen from afar." in result.report["warnings"]
    assert about(subject.captured)["made_from"] == "ann.png"
    assert train_stages(subject, source)[0] == "Reading the subject"  # it is not fitted again
    (subject.captured / "masks" / "0.png").unlink()
    assert train_stages(subject, source) == train_stages(Subject(tmp_path / "others", "ann"), source)  # but now
    assert train_stages(subject, Source())[0] == "Reading the subject"


def test_a_folder_of_personas_own_tools_is_used(
    made: Subject, photo: SyntheticPhoto, body: BodyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    trained: tuple[Path, Result],
) -> None:
    """Their photo and mask, their generated frames; the shape of their body cannot be used, and that is said."""
    subject = copied(made, tmp_path)
    made_by_persona(subject.captured)
    made_by_persona(subject.folder / "generated_0")
    before = sorted(path.relative_to(subject.captured) for path in subject.captured.rglob("*"))
    asked = fake_sight(monkeypatch, photo, made)
    result = train_subject(subject, training=QUICK, out=tmp_path / "out")
    assert np.abs(asked[0] - photo.mask).max() < 1 / 255
    assert subject.captured.name == "captured_humanav"
    assert sorted(path.relative_to(subject.folder / "captured")
                  for path in (subject.folder / "captured").rglob("*")) == before
    assert result.report["generator"] == "the subject's own generated frames"
    assert result.report["generated"] + len(result.report["rejected"]) == 3
    assert any("SMPL-X" in note for note in result.report["warnings"])


def test_a_body_of_another_model_is_placed_on_the_mask(photo: SyntheticPhoto, body: BodyModel) -> None:
    view = view_of(photo)
    lost = replace(view, motion=replace(view.motion, transl=view.motion.transl * 1.7 + 0.4))
    found = placed_on_mask(lost, body, photo.betas)
    pixels = [view.camera.project(body.from_motion(m).vertices[0].numpy())[0] for m in (found, view.motion)]
    height = np.ptp(pixels[1][:, 1])
    assert np.abs(pixels[0].mean(axis=0) - pixels[1].mean(axis=0)).max() < 0.05 * height


@pytest.mark.parametrize(("lost", "says"), [
    ("images", "images"), ("masks/0.png", "masks"), ("cam_params/0.json", "cam_params"),
    ("smplx_optimized/smplx_params/0.json", "smplx_params"), ("", "no split captured|yet")])
def test_missing_pieces_are_named(made: Subject, body: BodyModel, tmp_path: Path, lost: str, says: str) -> None:
    import shutil

    subject = copied(made, tmp_path)
    (subject.captured / "humanav_mesh.npz").unlink()
    target = subject.captured / lost
    (target.unlink if target.is_file() else lambda: shutil.rmtree(target))()
    with pytest.raises(InputError, match=says) as error:
        train_subject(subject, training=QUICK, out=tmp_path / "out")
    assert "humanav avatar train --subject ann" in str(error.value)


def test_bad_input(made: Subject, body: BodyModel, tmp_path: Path) -> None:
    subject = copied(made, tmp_path)
    Image.fromarray(np.zeros((360, 240), np.uint8)).save(subject.captured / "masks" / "0.png")
    with pytest.raises(InputError, match=r"masks/0.png is empty"):
        train_subject(subject, training=QUICK, out=tmp_path / "out")
    (subject.captured / "masks" / "0.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot be read"):
        train_subject(subject, training=QUICK, out=tmp_path / "out")
    (subject.captured / "frame_idx_list.txt").write_text("first")
    with pytest.raises(InputError, match="one frame number"):
        read_split(subject, subject.captured, body)
    for call in (compare_subject, neutral_subject, evaluate_subject, lambda s, out: move_subject(s, "walk", out=out)):
        with pytest.raises(InputError, match="no trained avatar"):
            call(made, out=tmp_path / "nowhere")
    for wrong in ({"minutes": 0}, {"steps": 0}, {"generator": "dream"}, {"count": 3}, {"size": 9}, {"generated": -1}):
        with pytest.raises(InputError):
            SubjectTraining(**wrong)  # type: ignore[arg-type]
    for name in ("../up", "", "a/b", ".hidden"):
        with pytest.raises(InputError, match="name of a folder"):
            Subject(tmp_path, name)
    with pytest.raises(InputError, match=r"no file none\.jpg"):
        train_subject(Subject(tmp_path, "bob"), Source(tmp_path / "none.jpg"), QUICK, out=tmp_path / "out")


def networks(monkeypatch: pytest.MonkeyPatch, made_by: Any) -> None:
    """The network "vace" is one that ``made_by(teacher)`` gives; the others stay as they are."""
    plain = diffusion.make_generator
    monkeypatch.setattr(diffusion, "make_generator", lambda name, mesh, **options: (
        (made_by(plain("teacher", mesh, **options)[0]), "") if name == "vace" else plain(name, mesh, **options)))


def test_the_teacher_takes_the_place_of_a_network_that_is_not_there(
    made: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = copied(made, tmp_path)
    quick = replace(QUICK, steps=1, generator="inpaint")
    monkeypatch.setattr(diffusion_models, "find_spec", lambda name: None)
    seen: list[str] = []
    drawn, plain = [], SyntheticTeacher.generate
    monkeypatch.setattr(SyntheticTeacher, "generate", lambda self, *args, **options: (
        drawn.append(self.splats) or plain(self, *args, **options)))
    result = train_subject(subject, training=quick, out=tmp_path / "out",
                           progress=Progress(1, lambda event: seen.append(event.caption)))
    assert isinstance(drawn[0], GaussianAvatar)  # it shows what was learned from the photo
    assert any("pip install" in note and "teacher" in note for note in result.report["warnings"])
    assert result.report["generator"] == "synthetic teacher"
    assert any("licence" in caption for caption in seen)  # what would be downloaded was said before

    class Absent:
        name = "absent"

        def generate(self, *_: Any, **__: Any) -> list[Any]:
            raise MissingExtraError("The GPU went away.")

    networks(monkeypatch, lambda teacher: Absent())
    result = train_subject(subject, training=replace(quick, generator="vace"), out=tmp_path / "out")
    assert any("went away" in note and "teacher made" in note for note in result.report["warnings"])


def test_generated_frames_are_kept_and_not_made_again(
    made: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, calls = copied(made, tmp_path), []

    class Costly:
        name = "costly"

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def generate(self, *args: Any, **options: Any) -> list[Any]:
            calls.append(1)
            return [replace(frame, depth=None, normal=None, provenance={"model": "m", "frame": k})
                    for k, frame in enumerate(self.inner.generate(*args, **options))]

    networks(monkeypatch, Costly)
    quick = replace(QUICK, steps=1, generator="vace")
    results = [train_subject(subject, training=quick, out=tmp_path / "out") for _ in range(2)]
    assert calls == [1]
    assert [(r.report["generated"], r.report["generator"]) for r in results] == [(3, "costly")] * 2
    assert about(subject.folder / "generated_0")["provenance"][1] == {"model": "m", "frame": 1}


def test_the_avatar_is_shown(trained: tuple[Path, Result], made: Subject) -> None:
    out, _ = trained
    compared = compare_subject(made, out=out)
    assert (compared.report["split"], compared.report["pictures"]) == ("captured", 1)
    with Image.open(compared.path("0.png")) as row:
        assert row.size == (480, 360)
    turned = neutral_subject(made, out=out, views=4, side=64)
    with open_video(turned.path("neutral.mp4")) as video:
        assert (video.width, video.height, len(video)) == (64, 64, 4)
    assert turned.path("neutral.ply").stat().st_size > 600 * 60
    for result in (compared, turned):
        check_origin(result, (), ["Training frames by the synthetic teacher"])


def test_the_avatar_moves_beside_the_photo(
    trained: tuple[Path, Result], made: Subject, body: BodyModel, tmp_path: Path
) -> None:
    from humanav.motion import load_clip

    out, _ = trained
    save_npz(load_clip("wave")[:3], tmp_path / "hello.npz", "humanav")
    result = move_subject(made, tmp_path / "hello.npz", out=out)
    with open_video(result.path(f"ann_{result.report['motion']}.mp4")) as video:
        assert len(video) == 3
        assert video.width > video.height
    with pytest.raises(InputError, match="use-background"):
        move_subject(made, "wave", out=out, use_background=True)


def test_a_motion_in_personas_layout_keeps_its_cameras(
    trained: tuple[Path, Result], made: Subject, tmp_path: Path, body: BodyModel
) -> None:
    """Its shape is another body's: it is left out, and that is said."""
    out, _ = trained
    view = read_split(made, made.captured, body).view(0)
    folder = write_split(tmp_path / "kick", [view, view], body)
    made_by_persona(folder)
    (folder / "images_bkg").mkdir()
    for k in range(2):
        Image.fromarray(np.full_like(view.image, 40 * k)).save(folder / "images_bkg" / f"{k}.png")
    filmed = read_motion(folder, body)
    assert isinstance(filmed, Filmed)
    assert filmed.size == (240, 360)
    assert not filmed.motion.betas.any()
    result = move_subject(made, folder, out=out, use_background=True)
    assert any("SMPL-X" in note for note in result.report["warnings"])
    assert result.report["frames"] == 2
    check_origin(result, MOVE_STAGES)
    with open_video(result.path("ann_kick.mp4")) as video:
        last = list(video)[-1]
    assert np.abs(last[:20, -20:].astype(int) - 40).mean() < 6


def test_it_is_measured_on_its_test_split(
    trained: tuple[Path, Result], made: Subject, photo: SyntheticPhoto, tmp_path: Path, body: BodyModel
) -> None:
    out, _ = trained
    quick = Measuring(size=64, fit=False)
    flattered = evaluate_subject(made, quick, out=out)
    assert any("flatters" in note for note in flattered.report["warnings"])
    subject = copied(made, tmp_path)
    views = [replace(view_of(photo), image=(frame.image * 255).astype(np.uint8), alpha=frame.alpha,
                     motion=replace(read_split(made, made.captured, body).motion)) for frame in
             pictures_of(made, body, (0.0, 0.2))]
    write_split(subject.folder / "test", views, body)
    result = evaluate_subject(subject, replace(quick, fit=True, every=2), out=out)
    assert result.report["pictures"] == 1
    compared = compare_subject(subject, out=out)
    assert (compared.report["split"], compared.report["pictures"]) == ("test", 2)
    with open_video(compared.path("test.mp4")) as video:
        assert len(video) == 2
    assert set(result.report["cells"]) == {"pose_as_given", "pose_fitted"}
    assert "PSNR" in result.path("table.txt").read_text()
    assert len(json_of(result.path("evaluation.json"))["each"]) == 1
    check_origin(result, EVALUATE_STAGES[:1], ["Data in PERSONA's layout"])


def test_numbers_are_read_without_running_anything(tmp_path: Path) -> None:
    from humanav.motion.pickles import read_numbers

    class Evil:
        def __reduce__(self) -> Any:
            return (print, ("run",))

    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"a": Evil()}))
    with pytest.raises(InputError, match="more than arrays"):
        read_numbers(tmp_path / "evil.pkl")
    (tmp_path / "good.pkl").write_bytes(pickle.dumps({"a": np.arange(3.0), "b": [np.float32(2)]}))
    found = read_numbers(tmp_path / "good.pkl")
    assert found["a"].tolist() == [0, 1, 2]
    assert found["b"] == [2]
    import joblib

    rows = {1: {"pose": [np.arange(4.0), np.ones(4, np.float32)], "betas": np.zeros((2, 10), np.int16)}}
    joblib.dump(rows, tmp_path / "joblib.pkl")
    again = read_numbers(tmp_path / "joblib.pkl")
    assert again[1]["pose"][0].tolist() == [0, 1, 2, 3]
    assert again[1]["betas"].shape == (2, 10)
    np.save(tmp_path / "dict.npy", {"a.png": np.eye(3)}, allow_pickle=True)  # type: ignore[arg-type]
    assert read_numbers(tmp_path / "dict.npy")["a.png"][2, 2] == 1
    np.save(tmp_path / "plain.npy", np.eye(2))
    assert read_numbers(tmp_path / "plain.npy").tolist() == [[1, 0], [0, 1]]
    with pytest.raises(InputError, match="missing"):
        read_numbers(tmp_path / "none.pkl")
