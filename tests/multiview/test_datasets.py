"""Readers of public sets on made-up folders in their layouts: points land on the pixels that the set's formulas say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import CameraError, InputError
from humanav.multiview.calibration import write_calibration
from humanav.multiview.datasets import dataset_kind, read_dataset
from humanav.multiview.datasets_imar import opencv_distortion
from humanav.multiview.datasets_panoptic import JOINTS15, JOINTS19
from humanav.multiview.datasets_shelf import read_skeleton_text
from humanav.multiview.evaluate import evaluate
from humanav.multiview.evaluate_people import SHELF14, SMPL_NAMES
from humanav.multiview.value import Rig

K = np.array([[1000.0, 0, 450], [0, 1010, 460], [0, 0, 1]])


def looking(up: str, angle: float, unit: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """R and centre of a camera 4 m away that looks at (0, 1 m up, 0) of a world with that up axis."""
    axes = {"y": np.eye(3), "z": [[1, 0, 0], [0, 0, -1], [0, 1, 0]], "-y": np.diag([1.0, -1, -1])}
    turn = np.asarray(axes[up], float)  # from y up to the world
    center = np.array([4 * np.sin(angle), 1.2, 4 * np.cos(angle)])
    forward = ([0, 1, 0] - center) / np.linalg.norm([0, 1, 0] - center)
    right = np.cross(forward, [0, 1, 0])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    return R @ turn.T, turn @ center / unit


def someone(rng: np.random.Generator, count: int, up: str, unit: float = 1.0, frames: int = 3) -> np.ndarray:
    """(frames,count,3) points within arm's length of (0, 1 m up, 0), in the set's own world."""
    axes = {"y": np.eye(3), "z": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]), "-y": np.diag([1.0, -1, -1])}
    return (rng.uniform(-0.6, 0.6, (frames, count, 3)) + [0, 1, 0]) @ axes[up].T / unit


def pixels(points: np.ndarray, R: np.ndarray, center: np.ndarray) -> np.ndarray:
    cam = (points - center) @ R.T
    return cam[..., :2] / cam[..., 2:] * K[[0, 1], [0, 1]] + K[:2, 2]


def check(rig: Rig | None, name: str, points: np.ndarray, wanted: np.ndarray, within: float = 1e-4) -> None:
    assert rig is not None
    assert np.abs(rig[name].project(points[..., :3])[0] - 0.5 - wanted).max() < within
    assert (points[..., 1] > 0).all()  # y is up


def put(path: Path, data: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def test_hi4d_as_released(tmp_path, rng) -> None:
    cameras = [looking("y", angle) for angle in (0.0, 1.5)]
    (tmp_path / "cameras").mkdir()
    (tmp_path / "smpl").mkdir()
    np.savez(tmp_path / "cameras" / "rgb_cameras.npz", ids=[4, 16], intrinsics=np.stack([K, K]),
             extrinsics=np.stack([np.c_[R, -R @ c] for R, c in cameras]), dist_coeffs=np.zeros((2, 5)))
    np.savez(tmp_path / "meta.npz", start=9, end=11, contact_ids=np.array([10, 11]),
             genders=np.array(["male", "female"]))
    people = np.stack([someone(rng, 24, "y"), someone(rng, 24, "y")], axis=1)
    for t, joints in enumerate(people):
        np.savez(tmp_path / "smpl" / f"{t + 9:06d}.npz", joints_3d=joints, betas=np.zeros((2, 10)))
    truth = read_dataset(tmp_path)
    assert (truth.kind, truth.names, truth.fps) == ("hi4d", SMPL_NAMES, 30)
    assert truth.frames.tolist() == [9, 10, 11]
    assert truth.contact.tolist() == [False, True, True]
    assert truth.rig.names == ("4", "16")
    assert np.allclose(truth.people["1"][..., :3], people[:, 1, :22])
    check(truth.rig, "16", truth.people["0"], pixels(people[:, 0, :22], *cameras[1]))
    assert evaluate(truth, truth).mpjpe_mm == 0
    np.savez(tmp_path / "smpl" / "000012.npz", joints_3d=np.zeros((2, 5, 3)))
    with pytest.raises(InputError, match=r"000012\.npz has joints_3d"):
        read_dataset(tmp_path)


def test_hi4d_as_avatarpose_prepares_it(tmp_path, rng) -> None:
    from humanav.camera import Camera

    R, center = looking("y", 0.4)
    camera = Camera(K + [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]], R, -R @ center, 900, 900)
    write_calibration(Rig(("4", "16"), (camera, Camera.orbit([0, 1, 0], 4, 100, 10, 900, 900))), tmp_path)
    ours = someone(rng, 19, "y")
    for t, points in enumerate(ours):  # z up: (x, -z, y)
        put(tmp_path / "skel19_gt" / f"{t + 9:06d}.json", [
            {"id": 1, "keypoints3d": np.c_[points[:, 0], -points[:, 2], points[:, 1]].tolist()}])
    truth = read_dataset(tmp_path)
    assert (truth.kind, truth.names, truth.contact) == ("avatarpose", KEYPOINT_SETS["skel19"], None)
    assert np.allclose(truth.people["1"][..., :3], ours)
    check(truth.rig, "4", truth.people["1"], pixels(ours, R, center))
    put(tmp_path / "skel19_gt" / "000020.json", {"no": "list"})
    with pytest.raises(InputError, match=r"000020\.json is no list"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("left_first", [True, False])
def test_chi3d(tmp_path, rng, left_first) -> None:
    people = np.stack([someone(rng, 25, "z"), someone(rng, 25, "z")])
    sides = np.array([0.3, 0, 0])
    people[:, :, 11], people[:, :, 14] = people[:, :, 8] + sides, people[:, :, 8] - sides
    first, second = (1, 4) if left_first else (4, 1)
    people[:, :, first], people[:, :, second] = people[:, :, 0] + sides / 3, people[:, :, 0] - sides / 3
    put(tmp_path / "joints3d_25" / "Hug 1.json", {"joints3d_25": people.tolist()})
    R, center = looking("z", 0.7)
    k, p = np.array([-0.145, 0.112, 0.0034]), np.array([-0.0072, 0.0062])
    for name in ("50591643", "65906101"):
        put(tmp_path / "camera_parameters" / name / "Hug 1.json", {
            "extrinsics": {"R": R.tolist(), "T": [center.tolist()]},
            "intrinsics_w_distortion": {"f": [[1000, 1010]], "c": [[450, 460]], "k": [k.tolist()], "p": [p.tolist()]},
            "intrinsics_wo_distortion": {"f": [1000, 1010], "c": [450, 460]}})
        center = center + [0.3, 0, 0]
    put(tmp_path / "interaction_contact_signature.json", {"Hug 1": {"start_fr": 1, "end_fr": 3, "fr_id": 2}})
    truth = read_dataset(tmp_path)
    assert (truth.kind, truth.fps, set(truth.people)) == ("chi3d", 50, {"0", "1"})
    assert truth.contact.tolist() == [False, True, True]
    for index, name in ((first, "left_hip"), (second, "right_hip"), (16, "right_wrist"), (9, "nose")):
        own = truth.people["1"][:, truth.names.index(name), :3]
        assert np.allclose(own, np.c_[people[1, :, index, 0], people[1, :, index, 2], -people[1, :, index, 1]])
    cam = (people[0, :, 8] - looking("z", 0.7)[1]) @ R.T  # IMAR's own projection, with its lens
    x = cam[:, :2] / cam[:, 2:]
    r2, q = (x**2).sum(1), p[::-1]
    bent = x * (1 + np.stack([r2, r2**2, r2**3], 1) @ k + x @ q)[:, None] + r2[:, None] * q
    check(truth.rig, "50591643", truth.people["0"][:, truth.names.index("neck")], bent * [1000, 1010] + [450, 460], 1.5)
    put(tmp_path / "joints3d_25" / "Push 2.json", {"joints3d_25": people.tolist()})
    with pytest.raises(InputError, match=r"2 actions: name one of Hug 1, Push 2"):
        read_dataset(tmp_path)
    assert read_dataset(tmp_path, sequence="Push 2").rig is None


def test_human36ms_lens_becomes_opencvs() -> None:
    assert opencv_distortion(K, np.array([0.1, 0.2, 0.3]), np.zeros(2)).tolist() == [0.1, 0.2, 0, 0, 0.3]
    assert np.abs(opencv_distortion(K, np.array([-0.1, 0, 0]), np.array([0.002, 0.001]))[2:4]).max() > 1e-4


def shelf_camera(R: np.ndarray, center: np.ndarray) -> dict[str, object]:
    return {"R": R.tolist(), "T": (center[:, None] * 1000).tolist(), "fx": [1000.0], "fy": [1010.0], "cx": [450.0],
            "cy": [460.0], "k": [[0.0], [0], [0]], "p": [[0.0], [0]]}


def test_shelf_as_released(tmp_path, rng) -> None:
    actor, other = someone(rng, 14, "z"), someone(rng, 14, "z")
    cells = np.empty((1, 2), object)
    for k, points in enumerate((actor, other)):
        column = np.empty((3, 1), object)
        for t in range(3):
            column[t, 0] = points[t] if (k, t) != (1, 2) else np.zeros((0, 0))
        cells[0, k] = column
    savemat(tmp_path / "actorsGT.mat", {"actor3D": cells})
    cameras = [looking("z", angle) for angle in (0.0, 2.0)]
    put(tmp_path / "calibration_shelf.json", {str(k): shelf_camera(*camera) for k, camera in enumerate(cameras)})
    truth = read_dataset(tmp_path)
    assert (truth.kind, truth.names, set(truth.people)) == ("shelf", SHELF14, {"0", "1"})
    assert (truth.people["1"][2, :, 3] == 0).all()
    check(truth.rig, "1", truth.people["0"], pixels(actor, *cameras[1]), 0.01)
    assert (truth.rig["0"].width, truth.rig["0"].height) == (1032, 776)
    put(tmp_path / "calibration_shelf.json", {"0": {"R": np.eye(3).tolist()}})
    with pytest.raises(CameraError, match="lacks"):
        read_dataset(tmp_path)
    (tmp_path / "actorsGT.mat").write_bytes(b"hello")
    with pytest.raises(InputError, match="actor3D"):
        read_dataset(tmp_path)


def test_boxes_in_boxes_of_matlab(tmp_path, rng) -> None:
    points = someone(rng, 14, "z")
    inner = np.empty((1, 3), object)
    for t in range(3):
        box = np.empty((1, 1), object)
        box[0, 0] = points[t]
        inner[0, t] = box
    cells, outer = np.empty((1, 2), object), np.empty((1, 1), object)
    cells[0, 0], cells[0, 1] = inner, inner.copy()
    outer[0, 0] = cells
    savemat(tmp_path / "actorsGT.mat", {"actor3D": outer})
    truth = read_dataset(tmp_path)
    assert truth.rig is None
    assert np.allclose(truth.people["1"][..., 0], points[..., 0])


def four_d_text(people: list[dict[int, np.ndarray]]) -> str:
    count = len(next(iter(people[0].values())))
    lines = [f"{count}\t{len(people)}"]
    for frame in people:
        lines.append(str(len(frame)))
        for who, points in frame.items():
            lines += [str(who), *(" ".join(f"{v:.6f}" for v in row) for row in np.c_[points, np.ones(count)].T)]
    return "\n".join(lines)


def test_shelf_as_4d_association_arranges_it(tmp_path, rng) -> None:
    first, second = someone(rng, 15, "z"), someone(rng, 15, "z")
    (tmp_path / "gt.txt").write_text(four_d_text([{0: first[0], 2: second[0]}, {2: second[1]}, {}]))
    R, center = looking("z", 0.5)
    put(tmp_path / "calibration.json", {str(k): {
        "K": K.reshape(-1).tolist(), "RT": np.c_[R, -R @ c].reshape(-1).tolist(), "imgSize": [1032, 776]}
        for k, c in enumerate((center, center + [0.5, 0, 0]))})
    truth = read_dataset(tmp_path)
    assert truth.names == (*SHELF14, "pelvis")
    assert (truth.people["0"][1:, :, 3] == 0).all()
    check(truth.rig, "0", truth.people["2"][:2], pixels(second[:2], R, center), 0.01)
    (tmp_path / "skel.txt").write_text(four_d_text([{4: someone(rng, 19, "z")[0]}]))
    assert read_skeleton_text(tmp_path / "skel.txt").names == KEYPOINT_SETS["skel19"]
    (tmp_path / "gt.txt").write_text((tmp_path / "gt.txt").read_text()[:300])
    with pytest.raises(InputError, match=r"gt\.txt is no text"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("count", [15, 19])
def test_panoptic(tmp_path, rng, count) -> None:
    folder = tmp_path / {19: "hdPose3d_stage1_coco19", 15: "hdPose3d_stage1"}[count]
    points = someone(rng, count, "-y", 0.01)
    sure = np.full((3, count, 1), 0.8)
    sure[1, 4] = -1
    for t in range(3):
        bodies = [{"id": 3, f"joints{count}": np.c_[points[t], sure[t]].reshape(-1).tolist()}] if t < 2 else []
        put(folder / f"body3DScene_{t + 140:08d}.json", {"version": 0.7, "bodies": bodies})
    cameras = [looking("-y", angle, 0.01) for angle in (0.2, 1.7)]
    put(tmp_path / "calibration_160906_pizza1.json", {"calibDataSource": "x", "cameras": [
        {"name": name, "type": kind, "resolution": [1920, 1080], "panel": 0, "node": k, "K": K.tolist(),
         "distCoef": [0, 0, 0, 0, 0], "R": R.tolist(), "t": (-R @ c)[:, None].tolist()}
        for k, (name, kind, (R, c)) in enumerate((("00_03", "hd", cameras[0]), ("00_12", "hd", cameras[1]),
                                                  ("01_01", "vga", cameras[0])))]})
    truth = read_dataset(tmp_path)
    assert (truth.kind, truth.fps, truth.names) == ("panoptic", 29.97, JOINTS19 if count == 19 else JOINTS15)
    assert truth.frames.tolist() == [140, 141, 142]
    assert truth.rig.names == ("00_03", "00_12")
    assert truth.people["3"][1, 4, 3] == 0
    assert (truth.people["3"][2, :, 3] == 0).all()
    check(truth.rig, "00_12", truth.people["3"][:1], pixels(points[:1], *cameras[1]), 0.01)


def test_folders_that_are_none(tmp_path) -> None:
    assert dataset_kind(tmp_path) is None
    assert dataset_kind(tmp_path / "missing") is None
    with pytest.raises(InputError, match="no folder of a data set"):
        read_dataset(tmp_path)
    with pytest.raises(InputError, match="no folder missing"):
        read_dataset(tmp_path / "missing")
    with pytest.raises(InputError, match="known: avatarpose"):
        read_dataset(tmp_path, "coco")
    for kind, words in (("hi4d", "000XXX"), ("avatarpose", "skel19_gt"), ("chi3d", "no action"), ("shelf", r"gt\.txt"),
                        ("panoptic", "body3DScene")):
        with pytest.raises(InputError, match=words):
            read_dataset(tmp_path, kind)


def test_pickled_objects_are_never_loaded(tmp_path) -> None:
    class Danger:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (Path(tmp_path / "touched"),)

    (tmp_path / "cameras").mkdir()
    (tmp_path / "smpl").mkdir()
    (tmp_path / "cameras" / "rgb_cameras.npz").write_bytes(b"")
    np.savez(tmp_path / "smpl" / "000001.npz", joints_3d=np.array([Danger()], dtype=object))
    with pytest.raises(InputError, match="no joints_3d"):
        read_dataset(tmp_path)
    assert not (tmp_path / "touched").exists()

