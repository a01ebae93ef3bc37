"""NeuMan and X-Humans: small made-up folders in the layouts of the real ones, and an avatar measured on them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cv2
import joblib
import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from humanav.avatar.gaussian import TrainFrame
from humanav.body import BodyModel
from humanav.errors import InputError
from humanav.jobs.subject import Subject
from humanav.jobs.subject_datasets import Picture, neuman_pictures, xhumans_pictures
from humanav.jobs.subject_evaluate import Measuring, evaluate_subject
from humanav.render import silhouette
from humanav.results import Result
from tests.jobs.subjects import pictures_of

# the world of COLMAP: turned, moved and scaled against ours
SCALE, TURN = 2.5, Rotation.from_rotvec([0.2, -0.4, 0.1]).as_matrix()


@pytest.fixture(scope="module")
def frames(made: Subject, body: BodyModel) -> list[TrainFrame]:
    return pictures_of(made, body, (0.0, 0.15, -0.15))


def write_neuman(home: Path, frames: list[TrainFrame], body: BodyModel, betas: Any) -> Path:
    """A scene as NeuMan ships it: frame 0 trains, frames 1 and 2 test."""
    for name in ("images", "segmentations", "sparse"):
        (home / name).mkdir(parents=True)
    camera = frames[0].camera
    f, c = np.diag(camera.K)[:2], camera.K[:2, 2]
    (home / "sparse" / "cameras.txt").write_text(
        "# Camera list\n1 PINHOLE {} {} {} {} {} {}\n".format(camera.width, camera.height, *f, *c))
    lines, alignments = ["# Image list"], {}
    R = camera.R @ TURN.T  # world of COLMAP to camera
    t = SCALE * camera.t
    qx, qy, qz, qw = Rotation.from_matrix(R).as_quat()
    for k, frame in enumerate(frames):
        name = f"{k:05d}.png"
        Image.fromarray((frame.image * 255).astype(np.uint8)).save(home / "images" / name)
        Image.fromarray(np.where(frame.alpha > 0.5, 0, 255).astype(np.uint8)).save(home / "segmentations" / name)
        lines += [f"{k + 1} {qw} {qx} {qy} {qz} {t[0]} {t[1]} {t[2]} 1 {name}", "10.0 20.0 -1"]
        alignments[name] = np.concatenate([SCALE * TURN, SCALE * (TURN @ frame.transl)[:, None]], axis=1).T
    (home / "sparse" / "images.txt").write_text("\n".join(lines))
    poses = np.stack([np.concatenate([f.full_pose[:22], np.zeros((2, 3))]).reshape(72) for f in frames])
    joblib.dump({1: {"pose": list(poses), "betas": [np.zeros(10)] * len(frames)}}, home / "smpl_output_optimized.pkl")
    np.save(home / "alignments.npy", alignments, allow_pickle=True)  # type: ignore[arg-type]
    (home / "train_split.txt").write_text("00000.png\n")
    (home / "test_split.txt").write_text("00001.png\n00002.png\n")
    return home


def write_xhumans(home: Path, frames: list[TrainFrame]) -> Path:
    for take, own in (("Take1", frames[:1]), ("Take2", frames[1:])):
        place = home / "test" / take
        for name in ("render/image", "render/depth", "SMPLX"):
            (place / name).mkdir(parents=True)
        views = np.tile(np.eye(4), (len(own), 1, 1))
        for k, frame in enumerate(own):
            number = k + 1
            views[k, :3, :3], views[k, :3, 3] = frame.camera.R, frame.camera.t
            Image.fromarray((frame.image * 255).astype(np.uint8)).save(
                place / "render" / "image" / f"color_{number:06d}.png")
            depth = np.where(frame.alpha > 0.5, 2.0, 10.0).astype(np.float32)
            cv2.imwrite(str(place / "render" / "depth" / f"depth_{number:06d}.tiff"), depth)
            pose = frame.full_pose
            (place / "SMPLX" / f"mesh-f{number:05d}_smplx.pkl").write_bytes(pickle.dumps({
                "global_orient": pose[0], "body_pose": pose[1:22].reshape(63), "jaw_pose": pose[22],
                "leye_pose": pose[23], "reye_pose": pose[24], "left_hand_pose": pose[25:40].reshape(45),
                "right_hand_pose": pose[40:].reshape(45), "transl": frame.transl + 1, "betas": np.zeros(10)}))
        np.savez(place / "render" / "cameras.npz", intrinsic=own[0].camera.K, extrinsic=views[:, :3])
    return home


def overlap(found: TrainFrame, body: BodyModel, betas: Any) -> float:
    """Intersection over union of the frame's mask and the naked body in it."""
    from humanav.motion import Motion

    motion = Motion.from_full_pose(found.full_pose[None], 30.0, found.transl[None], betas)
    covered = silhouette(body.from_motion(motion).vertices[0], body.faces, found.camera)
    mask = found.alpha > 0.5
    return float((covered & mask).sum() / (covered | mask).sum())


def check(pictures: list[Picture], frames: list[TrainFrame], body: BodyModel, betas: Any) -> None:
    for picture, true in zip(pictures, frames):
        found = picture.frame(body, betas)
        np.testing.assert_allclose(found.camera.K, true.camera.K)
        assert np.abs((found.alpha > 0.5) ^ (true.alpha > 0.5)).sum() == 0
        assert overlap(found, body, betas) > 0.9 * overlap(true, body, betas)
        # the same bones before the same camera
        turned = [Rotation.from_matrix(f.camera.R) * Rotation.from_rotvec(f.full_pose[0]) for f in (found, true)]
        assert (turned[0].inv() * turned[1]).magnitude() < 1e-4
        assert np.abs(found.full_pose[1:22] - true.full_pose[1:22]).max() < 1e-5


def test_neuman_is_read(frames: list[TrainFrame], body: BodyModel, photo: Any, tmp_path: Path) -> None:
    home = write_neuman(tmp_path / "bike", frames, body, photo.betas)
    pictures = neuman_pictures(home)
    assert [p.name for p in pictures] == ["00001.png", "00002.png"]
    check(pictures, frames[1:], body, photo.betas)
    assert [p.name for p in neuman_pictures(home, "train")] == ["00000.png"]
    # as avatar papers keep it: masks where the person is, and SMPL-X in the world of COLMAP
    import json

    params = home / "smplx_optimized" / "smplx_params"
    params.mkdir(parents=True)
    (home / "masks").mkdir()
    for k, frame in enumerate(frames):
        pose = frame.full_pose.copy()
        pose[0] = (Rotation.from_matrix(TURN) * Rotation.from_rotvec(pose[0])).as_rotvec()
        (params / f"{k}.json").write_text(json.dumps({"root_pose": pose[0].tolist(),
                                                      "body_pose": pose[1:22].tolist()}))
        Image.fromarray(((frame.alpha > 0.5) * 255).astype(np.uint8)).save(home / "masks" / f"{k:05d}.png")
    check(neuman_pictures(home), frames[1:], body, photo.betas)


def test_xhumans_is_read(frames: list[TrainFrame], body: BodyModel, photo: Any, tmp_path: Path) -> None:
    pictures = xhumans_pictures(write_xhumans(tmp_path / "00028", frames))
    assert [p.name for p in pictures] == ["Take1/1", "Take2/1", "Take2/2"]
    check(pictures, frames, body, photo.betas)


def test_an_avatar_is_measured_on_both(
    frames: list[TrainFrame], body: BodyModel, photo: Any, made: Subject, trained: tuple[Path, Result], tmp_path: Path
) -> None:
    out, _ = trained
    homes = {"neuman": write_neuman(tmp_path / "bike", frames, body, photo.betas),
             "xhumans": write_xhumans(tmp_path / "00028", frames)}
    for dataset, count in (("neuman", 2), ("xhumans", 3)):
        result = evaluate_subject(made, Measuring(dataset, homes[dataset], size=96), out=out)
        cells = result.report["cells"]
        assert result.report["pictures"] == count
        assert cells["pose_fitted"]["true_mask"]["psnr"] >= cells["pose_as_given"]["own_mask"]["psnr"] > 15
        assert {"psnr", "ssim", result.report["perceptual"]} == set(cells["pose_as_given"]["own_mask"])
        assert any("SMPL" in note for note in result.report["warnings"])
    assert evaluate_subject(made, Measuring("xhumans", homes["xhumans"], fit=False, every=2, limit=1),
                            out=out).report["pictures"] == 1


@pytest.mark.parametrize(("lost", "says"), [
    ("test_split.txt", "test_split"), ("sparse/cameras.txt", "cameras.txt"), ("images/00001.png", "images lack"),
    ("alignments.npy", "alignments.npy is missing"), ("segmentations/00001.png", "00001.png cannot be read")])
def test_pieces_that_neuman_lacks_are_named(
    frames: list[TrainFrame], body: BodyModel, photo: Any, tmp_path: Path, lost: str, says: str
) -> None:
    home = write_neuman(tmp_path / "bike", frames, body, photo.betas)
    (home / lost).unlink()
    with pytest.raises(InputError, match=says):
        [picture.frame(body, photo.betas) for picture in neuman_pictures(home)]


def test_damaged_data_sets(frames: list[TrainFrame], body: BodyModel, photo: Any, tmp_path: Path) -> None:
    home = write_neuman(tmp_path / "bike", frames, body, photo.betas)
    (home / "sparse" / "cameras.txt").write_text("1 PINHOLE wide\n")
    with pytest.raises(InputError, match="COLMAP"):
        neuman_pictures(home)
    other = write_xhumans(tmp_path / "00028", frames)
    empty = np.full((360, 240), 10.0, np.float32)
    cv2.imwrite(str(other / "test" / "Take1" / "render" / "depth" / "depth_000001.tiff"), empty)
    with pytest.raises(InputError, match="mask of Take1/1 is empty"):
        xhumans_pictures(other)[0].frame(body, photo.betas)
    (other / "test" / "Take2" / "SMPLX" / "mesh-f00002_smplx.pkl").unlink()
    with pytest.raises(InputError, match="lacks the parameters of picture 2"):
        xhumans_pictures(other)
    (other / "test" / "Take1" / "render" / "cameras.npz").unlink()
    with pytest.raises(InputError, match=r"Take1/render/cameras.npz"):
        xhumans_pictures(other)
    with pytest.raises(InputError, match="--data"):
        xhumans_pictures(tmp_path)
