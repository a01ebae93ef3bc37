"""PERSONA's folder layout: what its tools expect is there, and what was written is read back."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import Cancelled, InputError, MotionFileError, StorageError
from humanav.export.persona import persona_parameters, read_persona, write_persona, zip_folder
from humanav.motion import Motion
from humanav.perception import KeypointSequence, open_video
from humanav.perception.takes import Take, encode_mask
from humanav.perception.video import Video
from humanav.progress import Progress

W, H, T, START, CLIP = 96, 128, 6, 2, 10


@pytest.fixture
def motion(rng: np.random.Generator) -> Motion:
    """Somebody turns and moves in front of the camera, with hands, a face and a shape."""
    pose = rng.normal(0, 0.25, (T, 55, 3)).astype(np.float32)
    pose[:, 0] = np.linspace((0.1, -1.0, 0.2), (0.3, 2.0, -0.1), T)
    transl = np.linspace((-0.3, 1.2, 0.1), (0.4, 1.3, -0.3), T)
    return Motion.from_full_pose(pose, 12.5, transl, rng.normal(0, 1, 8), rng.uniform(0, 1, (T, 12)), "dance")


@pytest.fixture
def camera() -> Camera:
    return Camera.look_at((0.6, 1.9, 4.0), (0, 1, 0), W, H, 140.0)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Video:
    folder = tmp_path_factory.mktemp("persona") / "frames"
    folder.mkdir()
    for k in range(CLIP):
        cv2.imwrite(str(folder / f"{k}.png"), np.full((H, W, 3), 10 * k + 50, np.uint8))
    return open_video(folder)


@pytest.fixture
def take() -> Take:
    mask = np.zeros((H, W), np.float32)
    mask[30:90, 40:60] = 1
    boxes = np.tile(np.array([40, 30, 60, 90], np.float32), (T, 1))
    boxes[3] = np.nan
    masks = [None if k in (3, 4) else encode_mask(mask) for k in range(T)]
    sequence = KeypointSequence(np.zeros((T, 33, 3), np.float32), "blazepose33", 12.5, W, H)
    return Take("2", 0, START, sequence, boxes, masks=masks)


def backgrounds() -> Any:
    return (np.full((H, W, 3), 200, np.uint8) for _ in range(CLIP))


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def joints(body: BodyModel, motion: Motion) -> np.ndarray:
    return body.from_motion(motion, vertices=False).joints.double().numpy()


def test_every_file_its_tools_read(
    tmp_path: Path, body: BodyModel, motion: Motion, camera: Camera, video: Video, take: Take
) -> None:
    parts: list[float] = []
    progress = Progress(1, lambda event: parts.append(event.fraction))
    progress.next("Writing")
    out = write_persona(tmp_path / "clip", motion, camera, video, take, backgrounds(), body=body, progress=progress)
    numbers = [str(k) for k in range(START, START + T)]
    for name, ending in (("smplx/params", "json"), ("cam_params", "json"), ("bboxes", "json"), ("masks", "png"),
                         ("images", "png"), ("images_bkg", "png")):
        assert sorted(p.name for p in (out / name).iterdir()) == [f"{k}.{ending}" for k in numbers]
    assert (out / "frame_idx_list.txt").read_text().split() == numbers
    assert (out / "valid_frame_list.txt").read_text().split() == [k for k in numbers if k != "5"]
    frame = load(out / "smplx" / "params" / "4.json")
    shapes = {name: np.shape(value) for name, value in frame.items()}
    assert shapes == {"root_pose": (3,), "body_pose": (21, 3), "jaw_pose": (3,), "leye_pose": (3,), "reye_pose": (3,),
                      "lhand_pose": (15, 3), "rhand_pose": (15, 3), "expr": (50,), "trans": (3,), "shape": (100,)}
    assert load(out / "cam_params" / "4.json") == {
        "R": np.eye(3).tolist(), "t": [0, 0, 0], "focal": [140, 140], "princpt": [W / 2, H / 2]}
    assert load(out / "bboxes" / "4.json") == [40, 30, 20, 60]
    assert load(out / "bboxes" / "5.json")[2] > 5  # not seen there: from the body
    for number in numbers:
        mask = cv2.imread(str(out / "masks" / f"{number}.png"), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (H, W)
        assert set(np.unique(mask)) == {0, 255}
    assert cv2.imread(str(out / "images" / "7.png"))[0, 0, 0] == 120
    assert cv2.imread(str(out / "images_bkg" / "7.png"))[0, 0, 0] == 200
    assert len(open_video(out / "video_bkg.mp4")) == T
    assert open_video(out / "video_bkg.mp4").fps == pytest.approx(12.5)
    assert parts == sorted(parts)
    assert [p.name for p in tmp_path.iterdir()] == ["clip"]


def test_the_files_alone_put_the_body_where_the_camera_sees_it(
    tmp_path: Path, body: BodyModel, motion: Motion, camera: Camera, video: Video, take: Take
) -> None:
    """As PERSONA's tools do: pose the body with the parameters, add trans, project with focal and princpt."""
    out = write_persona(tmp_path / "clip", motion, camera, video, take, body=body)
    assert not (out / "images_bkg").exists()
    truth, _ = camera.project(joints(body, motion))
    for k in range(T):
        frame = load(out / "smplx" / "params" / f"{START + k}.json")
        cam = load(out / "cam_params" / f"{START + k}.json")
        pose = np.concatenate([[frame["root_pose"]], frame["body_pose"], [frame["jaw_pose"]], [frame["leye_pose"]],
                               [frame["reye_pose"]], frame["lhand_pose"], frame["rhand_pose"]])
        points = body(pose, motion.betas, None, frame["trans"], vertices=False).joints[0].double().numpy()
        pixels = points[:, :2] / points[:, 2:] * cam["focal"] + cam["princpt"]
        assert np.abs(pixels - truth[k]).max() < 0.1


@pytest.mark.parametrize("moving", [False, True])
def test_round_trip(tmp_path: Path, body: BodyModel, motion: Motion, camera: Camera, video: Video, take: Take,
                    moving: bool) -> None:
    given = [Camera.look_at((0.6 + 0.1 * k, 1.9, 4.0), (0.02 * k, 1, 0), W, H, 140.0) for k in range(CLIP)]
    clip = read_persona(write_persona(tmp_path / "clip", motion, given if moving else camera, video, take, body=body),
                        body=body)
    assert clip.frames == tuple(range(START, START + T))
    assert clip.motion.fps == 12.5
    assert clip.motion.name == "dance"
    assert clip.notes == ()
    assert np.abs(joints(body, clip.motion) - joints(body, motion)).max() < 1e-5
    assert np.allclose(clip.motion.betas, motion.betas)
    assert np.allclose(clip.motion.expression, motion.expression, atol=1e-4)
    for k in range(T):
        true = given[START + k] if moving else camera
        read, _ = clip.cameras[k].project(joints(body, clip.motion)[k])
        assert np.abs(read - true.project(joints(body, motion)[k])[0]).max() < 0.1


def test_a_folder_of_persona_itself(tmp_path: Path, body: BodyModel, motion: Motion, camera: Camera) -> None:
    """Without our file, shapes and expressions of any length, some frames left out; read upright before its camera."""
    rows = persona_parameters(motion, [camera] * T, body)
    for name in ("smplx/params", "cam_params"):
        (tmp_path / name).mkdir(parents=True)
    for k, row in enumerate(rows):
        if k == 3:
            continue
        row["expr"] = row["expr"][: 10 if k else 50]
        if k % 2:
            del row["shape"]
        else:
            row["shape"] = motion.betas.tolist()
        (tmp_path / "smplx" / "params" / f"{k + 8}.json").write_text(json.dumps(row))
        (tmp_path / "cam_params" / f"{k + 8}.json").write_text(json.dumps(
            {"R": np.eye(3).tolist(), "t": [0, 0, 0], "focal": [140.0, 140.0], "princpt": [W / 2, H / 2]}))
    clip = read_persona(tmp_path, body=body)
    assert clip.frames == tuple(range(8, 8 + T))
    assert len(clip.notes) == 3  # one frame is interpolated, the rate is assumed, hands may differ
    assert clip.motion.fps == 30
    assert read_persona(tmp_path, body=body, fps=24).motion.fps == 24
    assert clip.motion.expression.shape == (T, 50)
    assert np.allclose(clip.motion.betas, motion.betas, atol=1e-6)
    points = joints(body, clip.motion)
    seen = [k for k in range(T) if k != 3]
    truth, _ = camera.project(joints(body, motion))
    for k in seen:
        assert np.abs(clip.cameras[k].project(points[k])[0] - truth[k]).max() < 0.1
    up = joints(body, motion)[:, 15, 1] - joints(body, motion)[:, 0, 1]
    assert (np.sign(points[seen, 15, 1] - points[seen, 0, 1]) == np.sign(up[seen])).all()  # y is up


def test_a_focal_length_for_each_frame_becomes_one(tmp_path: Path, body: BodyModel) -> None:
    """PERSONA's tracker fits each crop with a camera of its own: the path must not jump in depth."""
    rest = body.rest()[1][0].double().numpy()
    for name in ("smplx/params", "cam_params"):
        (tmp_path / name).mkdir(parents=True)
    for k, focal in enumerate((800.0, 1600.0, 1000.0, 1200.0)):
        row = {name: np.zeros(n).tolist() for name, n in (("root_pose", 3), ("body_pose", 63), ("lhand_pose", 45),
                                                          ("rhand_pose", 45))}
        row["root_pose"] = [np.pi, 0, 0]
        row["trans"] = (np.array([0, 0, focal / 250]) - rest).tolist()
        (tmp_path / "smplx" / "params" / f"{k}.json").write_text(json.dumps(row))
        (tmp_path / "cam_params" / f"{k}.json").write_text(json.dumps({"focal": [focal] * 2, "princpt": [320, 240]}))
    clip = read_persona(tmp_path, body=body)
    assert any("focal length" in note for note in clip.notes)
    points = joints(body, clip.motion)
    assert np.ptp(points[:, 0], axis=0).max() < 1e-5
    assert clip.camera.focal == 1100
    assert (clip.camera.width, clip.camera.height) == (640, 480)
    assert np.abs(clip.camera.project(points[0, 0])[0] - (320, 240)).max() < 0.1


def test_hands_of_a_licensed_body_are_relative_to_its_mean(tmp_path: Path, body: BodyModel, motion: Motion,
                                                           camera: Camera, video: Video, take: Take) -> None:
    body.save_smplx(tmp_path / "SMPLX_MALE.npz")
    with np.load(tmp_path / "SMPLX_MALE.npz") as archive:
        arrays = dict(archive)
    arrays["hands_meanl"], arrays["hands_meanr"] = np.full(45, 0.2), np.full(45, -0.1)
    np.savez(tmp_path / "SMPLX_MALE.npz", **arrays)
    licensed = BodyModel.load(tmp_path / "SMPLX_MALE.npz")
    out = write_persona(tmp_path / "clip", motion, camera, video, take, body=licensed)
    row = load(out / "smplx" / "params" / f"{START}.json")
    assert np.allclose(row["lhand_pose"], motion.left_hand_pose[0] - 0.2, atol=1e-6)
    assert np.allclose(row["shape"][:8], motion.betas, atol=1e-6)
    assert np.allclose(row["expr"][:12], motion.expression[0], atol=1e-6)
    assert np.allclose(read_persona(out, body=licensed).motion.right_hand_pose, motion.right_hand_pose, atol=1e-5)
    (out / "humanav.json").unlink()
    read = read_persona(out, body=licensed).motion
    assert np.allclose(read.right_hand_pose, motion.right_hand_pose, atol=1e-5)
    turn = Rotation.from_rotvec(read.body_pose[:, 3]) * Rotation.from_rotvec(motion.body_pose[:, 3]).inv()
    assert turn.magnitude().max() < 1e-5


def test_whole_or_not_at_all(tmp_path: Path, body: BodyModel, motion: Motion, camera: Camera, video: Video, take: Take
                             ) -> None:
    looks = iter(range(100))
    stopped = Progress(1, cancelled=lambda: next(looks) > 3)
    with pytest.raises(Cancelled):
        write_persona(tmp_path / "clip", motion, camera, video, take, backgrounds(), body=body, progress=stopped)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="same clip"):
        write_persona(tmp_path / "clip", motion[:3], camera, video, take, body=body)
    with pytest.raises(InputError, match="cameras"):
        write_persona(tmp_path / "clip", motion, [camera] * 3, video, take, body=body)
    with pytest.raises(InputError, match="camera of this clip"):
        write_persona(tmp_path / "clip", motion, camera.scaled(2), video, take, body=body)
    with pytest.raises(InputError, match="fewer backgrounds"):
        write_persona(tmp_path / "clip", motion, camera, video, take, list(backgrounds())[:4], body=body)
    assert list(tmp_path.iterdir()) == []
    out = write_persona(tmp_path / "clip", motion, camera, video, take, body=body)
    late = replace(take, start=3)
    write_persona(out, motion, camera, video, late, body=body)  # again, in its place
    assert read_persona(out, body=body).frames[0] == 3
    assert [p.name for p in tmp_path.iterdir()] == ["clip"]
    other = tmp_path / "photos"
    other.mkdir()
    (other / "mine.txt").write_text("keep")
    with pytest.raises(StorageError, match="something else"):
        write_persona(other, motion, camera, video, take, body=body)
    assert (other / "mine.txt").read_text() == "keep"


def test_zip(tmp_path: Path, body: BodyModel, motion: Motion, camera: Camera, video: Video, take: Take) -> None:
    out = write_persona(tmp_path / "clip", motion, camera, video, take, body=body)
    packed = zip_folder(out, tmp_path / "persona.zip")
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        assert f"clip/smplx/params/{START}.json" in archive.namelist()
        archive.extractall(tmp_path / "again")
    assert read_persona(tmp_path / "again" / "clip", body=body).frames == tuple(range(START, START + T))


@pytest.mark.parametrize(("name", "content", "words"), [
    ("smplx/params/0.json", "{", "cannot be read as JSON"),
    ("smplx/params/0.json", "[]", "holds no numbers"),
    ("smplx/params/0.json", '{"root_pose": [0, 0, 0]}', "has no 'body_pose'"),
    ("smplx/params/0.json", None, "NaN"),
    ("cam_params/0.json", '{"focal": [1, 1]}', "princpt"),
    ("cam_params/0.json", '{"focal": [-1, 1], "princpt": [5, 5]}', "cannot be used"),
])
def test_damaged_folders(tmp_path: Path, body: BodyModel, name: str, content: str | None, words: str) -> None:
    row = {k: np.zeros(n).tolist() for k, n in (("root_pose", 3), ("body_pose", 63), ("lhand_pose", 45),
                                                ("rhand_pose", 45), ("trans", 3))}
    for folder in ("smplx/params", "cam_params"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "smplx" / "params" / "0.json").write_text(json.dumps(row))
    (tmp_path / "cam_params" / "0.json").write_text('{"focal": [100, 100], "princpt": [5, 5]}')
    assert len(read_persona(tmp_path, body=body).motion) == 1
    if content is None:
        row["trans"][1] = float("nan")
        content = json.dumps(row)
    (tmp_path / name).write_text(content)
    with pytest.raises(MotionFileError, match=words):
        read_persona(tmp_path, body=body)


def test_no_such_layout(tmp_path: Path, body: BodyModel) -> None:
    with pytest.raises(MotionFileError, match="no folder"):
        read_persona(tmp_path / "none", body=body)
    with pytest.raises(MotionFileError, match="PERSONA's layout"):
        read_persona(tmp_path, body=body)
