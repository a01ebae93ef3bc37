"""Every calibration format: what is read, round trips, worlds and units, and files that cannot be used."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from humanav.camera import Camera
from humanav.errors import CameraError, InputError
from humanav.multiview import Rig
from humanav.multiview.calibration import read_calibration, with_world, write_calibration

KINDS = ("easymocap", "pose2sim", "json", "4da", "opencv", "hi4d", "panoptic")


def made_rig(views: int = 4, names: tuple[str, ...] = ()) -> Rig:
    """Cameras round the origin that look slightly down, with lenses of their own."""
    rng = np.random.default_rng(5)
    cameras = []
    for k in range(views):
        yaw = 360 * k / views + rng.uniform(-10, 10)
        camera = Camera.orbit([0.1, 1.0, -0.2], rng.uniform(3, 4.5), yaw, rng.uniform(5, 20), 640, 480, 700 + 10 * k)
        K = camera.K.copy()
        K[:2, 2] += rng.normal(0, 5, 2)
        cameras.append(replace(camera, K=K, distortion=np.array([-0.05, 0.02, 1e-3, -5e-4, 0.003])))
    return Rig(names or tuple(f"cam{k:02d}" for k in range(1, views + 1)), tuple(cameras))


def same(a: Rig, b: Rig, *, sizes: bool = True, tolerance: float = 1e-9) -> None:
    assert a.names == b.names
    for one, two in zip(a.cameras, b.cameras):
        assert np.abs(one.K - two.K).max() < tolerance * 1000
        assert np.abs(one.R - two.R).max() < tolerance
        assert np.abs(one.t - two.t).max() < tolerance
        assert np.abs(one.distortion - two.distortion).max() < tolerance
        assert not sizes or (one.width, one.height) == (two.width, two.height)


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind: str, tmp_path: Path) -> None:
    rig = made_rig()
    files = write_calibration(rig, tmp_path / "out", kind)  # type: ignore[arg-type]
    assert all(file.is_file() for file in files)
    found = read_calibration(tmp_path / "out")
    same(rig, found, sizes=kind != "hi4d")
    same(rig, read_calibration(files[0]) if kind != "opencv" else found, sizes=kind != "hi4d")
    assert found.kind == {"json": "humanav"}.get(kind, kind)
    if kind == "hi4d":
        sized = read_calibration(tmp_path / "out", sizes=dict.fromkeys(rig.names, (640, 480)))
        assert (sized.cameras[0].width, sized.cameras[0].height) == (640, 480)
        assert any("how large the pictures" in note for note in found.notes)


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_numbers_stay_what_they_are(kind: str, tmp_path: Path) -> None:
    rig = made_rig(3, ("0", "016", "7"))
    write_calibration(rig, tmp_path, kind)  # type: ignore[arg-type]
    assert set(read_calibration(tmp_path).names) == {"0", "016", "7"}


def test_opencv_itself_reads_what_is_written(tmp_path: Path) -> None:
    import cv2

    rig = made_rig()
    intri, extri = write_calibration(rig, tmp_path)
    lenses, places = (cv2.FileStorage(str(file), cv2.FILE_STORAGE_READ) for file in (intri, extri))
    assert [lenses.getNode("names").at(k).string() for k in range(4)] == list(rig.names)
    for name, camera in zip(rig.names, rig.cameras):
        assert np.allclose(lenses.getNode(f"K_{name}").mat()[:2, 2] + 0.5, camera.K[:2, 2], atol=1e-9)
        vector, matrix = places.getNode(f"R_{name}").mat(), places.getNode(f"Rot_{name}").mat()
        assert vector.shape == (3, 1)
        assert np.allclose(cv2.Rodrigues(vector)[0], matrix, atol=1e-9)
        center = -matrix.T @ places.getNode(f"T_{name}").mat().reshape(3)
        assert np.allclose(center, camera.center[[0, 2, 1]] * [1, -1, 1], atol=1e-9)  # z is up
    one = cv2.FileStorage(str(write_calibration(rig, tmp_path / "cv", "opencv")[0]), cv2.FILE_STORAGE_READ)
    assert one.getNode("image_width").real() == 640
    assert one.getNode("camera_matrix").mat().shape == (3, 3)


def test_what_opencv_writes_is_read(tmp_path: Path) -> None:
    import cv2

    rig = made_rig()
    intri = cv2.FileStorage(str(tmp_path / "intri.yml"), cv2.FILE_STORAGE_WRITE)
    extri = cv2.FileStorage(str(tmp_path / "extri.yml"), cv2.FILE_STORAGE_WRITE)
    for storage in (intri, extri):
        storage.startWriteStruct("names", cv2.FileNode_SEQ)
        for name in rig.names:
            storage.write("", name)
        storage.endWriteStruct()
    for name, camera in zip(rig.names, rig.cameras):
        K = camera.K.copy()
        K[:2, 2] -= 0.5
        intri.write(f"K_{name}", K)
        intri.write(f"dist_{name}", camera.distortion[:, None])  # 5 x 1
        extri.write(f"R_{name}", cv2.Rodrigues(camera.R)[0])
        extri.write(f"T_{name}", camera.t[:, None])
    intri.release()
    extri.release()
    same(rig, read_calibration(tmp_path / "extri.yml"), sizes=False, tolerance=1e-8)


def qualisys(rig: Rig) -> str:
    """The rig as a qca file: mm, z up, 1/64 pixel."""
    text = '<?xml version="1.0"?><calibration><cameras>'
    for name, camera in zip(rig.names, rig.cameras):
        to_z = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
        r = np.diag([1, -1, -1]) @ camera.R @ to_z.T
        x, y, z = to_z @ camera.center * 1000
        fields = "".join(f' r{i + 1}{j + 1}="{r[i, j]!r}"' for i in range(3) for j in range(3))
        f, c, d = camera.K[[0, 1], [0, 1]] * 64, (camera.K[:2, 2] - 0.5) * 64, camera.distortion
        text += (f'<camera active="1" serial="{name}" viewrotation="0"><fov_video left="0" top="0" '
                 f'right="{camera.width - 1}" bottom="{camera.height - 1}"/>'
                 f'<transform x="{x}" y="{y}" z="{z}"{fields}/>'
                 f'<intrinsic focalLengthU="{f[0]}" focalLengthV="{f[1]}" centerPointU="{c[0]}" centerPointV="{c[1]}" '
                 f'skew="0" radialDistortion1="{d[0]}" radialDistortion2="{d[1]}" radialDistortion3="{d[4]}" '
                 f'tangentalDistortion1="{d[2]}" tangentalDistortion2="{d[3]}"/></camera>')
    return text + "</cameras></calibration>"


def test_qualisys(tmp_path: Path) -> None:
    rig = made_rig()
    (tmp_path / "Calib.qca.txt").write_text(qualisys(rig))
    found = read_calibration(tmp_path)
    same(rig, found, tolerance=1e-8)
    assert found.notes == ()


@pytest.mark.parametrize(("old", "new", "words"), [
    ('viewrotation="0"', 'viewrotation="90"', "turned by 90 degrees"), ("<transform", "<moved", "no <transform>"),
    ('skew="0"', 'skew="no"', "no number"), ("</cameras>", "", "no whole XML"),
    ("<calibration>", "<!DOCTYPE x><calibration>", "entities"), ('active="1"', 'active="0"', "no camera"),
])
def test_damaged_qualisys(old: str, new: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "Calib.qca.txt"
    file.write_text(qualisys(made_rig()).replace(old, new))
    with pytest.raises(CameraError, match=words):
        read_calibration(file)


def test_the_treadmill_calibration_reads_as_pose2sim_reads_it(shared: Path) -> None:
    folder = shared / "testset" / "mv_single"
    ours = read_calibration(folder / "Calib.qca.txt")
    theirs = read_calibration(folder / "Calib_qualisys.toml")
    assert theirs.kind == "pose2sim"
    for name in ours.names:
        a, b = ours[name], theirs[name]
        assert max(np.abs(a.K - b.K).max(), np.abs(a.R - b.R).max(), np.abs(a.t - b.t).max()) < 1e-5
        assert np.abs(a.distortion[:4] / 64 - b.distortion).max() < 1e-5  # theirs is divided once too often
        assert 1.6 < a.center[1] < 2.2  # metres above the floor
    raw = tomllib.loads((folder / "Calib_qualisys.toml").read_text())["cam03"]
    assert np.allclose(ours["cam03"].K[:2, 2] - 0.5, np.array(raw["matrix"])[:2, 2], atol=1e-5)
    with pytest.raises(CameraError, match="2 calibrations"):
        read_calibration(folder)


def test_caliscope(tmp_path: Path) -> None:
    rig = made_rig(3, ("0", "1", "2"))
    text = ""
    for name, camera in zip(rig.names, rig.cameras):
        K = camera.K.copy()
        K[:2, 2] -= 0.5
        text += (f"[cameras.{name}]\ncam_id = {name}\nrotation_count = 0\nignore = false\nsize = [640, 480]\n"
                 f"matrix = {K.tolist()}\ndistortions = {camera.distortion.tolist()}\n"
                 f"translation = {camera.t.tolist()}\nrotation = {camera.R.tolist()}\n")
    (tmp_path / "camera_array.toml").write_text(text)
    found = read_calibration(tmp_path)
    same(rig, found)
    assert found.kind == "caliscope"
    (tmp_path / "camera_array.toml").write_text(text.replace("ignore = false", "ignore = true", 1))
    assert read_calibration(tmp_path).names == ("1", "2")


@pytest.mark.parametrize("up", ["x", "-x", "y", "-y", "z", "-z"])
@pytest.mark.parametrize(("unit", "factor"), [("m", 1.0), ("cm", 0.01), ("mm", 0.001)])
def test_worlds_and_units_are_guessed(up: str, unit: str, factor: float, tmp_path: Path) -> None:
    from humanav.multiview.calibration_world import turn_to_y_up

    rig = made_rig()
    turn = turn_to_y_up(up)
    moved = Rig(rig.names, tuple(replace(camera, R=camera.R @ turn, t=camera.t / factor) for camera in rig.cameras))
    write_calibration(moved, tmp_path, "opencv")
    found = read_calibration(tmp_path)
    same(rig, found, tolerance=1e-8)
    assert any(up in note for note in found.notes)
    same(rig, read_calibration(tmp_path, up=up, unit=unit), tolerance=1e-8)


def test_a_world_read_wrongly_is_put_right(tmp_path: Path) -> None:
    rig = made_rig()
    write_calibration(rig, tmp_path)  # z up, metres
    wrong = read_calibration(tmp_path, up="y", unit="feet")
    assert abs(wrong.cameras[0].center[1] - rig.cameras[0].center[1]) > 0.5
    found = with_world(wrong, "z", 1 / 0.3048)
    same(rig, found)
    assert "z axis is up" in found.notes[-1]
    assert with_world(rig).notes == rig.notes
    for arguments in ({"up": "w"}, {"unit": "miles"}, {"unit": -1.0}, {"unit": float("nan")}):
        with pytest.raises(InputError):
            with_world(rig, **arguments)


def test_a_world_that_is_one_camera(tmp_path: Path) -> None:
    rig = made_rig()
    first = rig.cameras[0]
    moved = [replace(camera, R=camera.R @ first.R.T, t=camera.t - camera.R @ first.R.T @ first.t)
             for camera in rig.cameras]
    moved[0] = replace(moved[0], R=np.eye(3), t=np.zeros(3))
    write_calibration(Rig(rig.names, tuple(moved)), tmp_path, "opencv")
    found = read_calibration(tmp_path)
    assert any("world is camera cam01" in note for note in found.notes)
    tilt = found.cameras[0].R @ rig.cameras[0].R.T  # what is left between the worlds turns about the vertical
    axis = rig.cameras[0].R.T @ tilt.T @ rig.cameras[0].R @ [0, 1, 0]
    assert axis[1] > np.cos(np.radians(12))


def test_lenses_with_more_coefficients_are_fitted(tmp_path: Path) -> None:
    import cv2

    record = {"K": [500, 0, 319.5, 0, 500, 239.5, 0, 0, 1], "R": np.eye(3).tolist(), "T": [0, 0, 3],
              "imgSize": [640, 480], "distCoeff": [-0.1, 0.03, 1e-4, 2e-4, 0.0, -0.02, 0.01, 0.001]}
    fish = {**record, "distCoeff": [0.01, -0.002, 0.0, 0.0], "fisheye": True, "T": [0.5, 0, 3]}
    (tmp_path / "calibration.json").write_text(json.dumps({"a": record, "b": fish}))
    rig = read_calibration(tmp_path, up="-y")
    assert sum("fitted by k1" in note for note in rig.notes) == 2
    points = np.random.default_rng(0).uniform([-1.5, -1.1, -0.2], [1.5, 1.1, 0.2], (50, 3))
    K = np.array(record["K"]).reshape(3, 3).astype(float)
    want = cv2.projectPoints(points, np.zeros(3), np.array([0.0, 0, 3]), K, np.array(record["distCoeff"]))[0][:, 0]
    flipped = points * [1, -1, -1]
    assert np.abs(rig["a"].project(flipped)[0] - 0.5 - want).max() < 0.1
    want = cv2.fisheye.projectPoints(points[:, None], np.zeros(3), np.array([0.5, 0, 3]), K,
                                     np.array(fish["distCoeff"]))[0][:, 0]
    assert np.abs(rig["b"].project(flipped)[0] - 0.5 - want).max() < 1.0


def broken(rig: Rig, **change: object) -> dict[str, dict[str, object]]:
    """The 4DA description of the rig with fields of the second camera changed (None: left out)."""
    data = {}
    for k, (name, camera) in enumerate(zip(rig.names, rig.cameras)):
        record: dict[str, object] = {"K": camera.K.tolist(), "R": camera.R.tolist(), "T": camera.t.tolist(),
                                     "imgSize": [640, 480]}
        record |= change if k == 1 else {}
        data[name] = {key: value for key, value in record.items() if value is not None}
    return data


@pytest.mark.parametrize(("change", "words"), [
    ({"K": np.zeros((3, 3)).tolist()}, "cam02 has a singular K"),
    ({"R": (np.eye(3) * 2).tolist()}, "cam02 is no rotation"),
    ({"R": np.diag([-1.0, 1, 1]).tolist()}, "mirrors the picture"),
    ({"T": [0, float("nan"), 1]}, "translation of camera cam02 holds NaN"),
    ({"T": [0, 1]}, "3 numbers"), ({"T": None}, "where camera cam02 stands"), ({"T": ["a", 1, 2]}, "not all numbers"),
    ({"T": [10**400, 0, 0]}, "not all numbers"), ({"distCoeff": [0.1] * 20}, "OpenCV knows 14"),
    ({"R": [1, 2]}, "rotation of camera cam02"), ({"distCoeff": ["x"]}, "distortion of camera cam02"),
])
def test_cameras_that_cannot_be_used(change: dict[str, object], words: str, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(json.dumps(broken(made_rig(), **change)))
    with pytest.raises(CameraError, match=words):
        read_calibration(file)


def test_files_that_are_no_calibration(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="There is no calibration nowhere"):
        read_calibration(tmp_path / "nowhere")
    with pytest.raises(CameraError, match="no calibration in the folder"):
        read_calibration(tmp_path)
    cases = {"a.json": "{", "b.json": "[1]", "c.toml": "= 3", "d.yml": "a: [", "e.json": '{"a": 1}', "f.txt": "hello",
             "g.npz": "no zip", "h.yml": "\x00", "i.mp4": "x"}
    for name, text in cases.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(CameraError):
            read_calibration(tmp_path / name)
    with pytest.raises(CameraError, match="no calibration in the folder"):
        read_calibration(tmp_path)
    np.savez(tmp_path / "objects.npz", intrinsics=np.array([{}], object), extrinsics=np.zeros(1))
    with pytest.raises(CameraError, match="objects instead of numbers"):
        read_calibration(tmp_path / "objects.npz")
    arrays = {"intrinsics": np.zeros((2, 3, 3)), "extrinsics": np.zeros((2, 3, 4)), "ids": [1, 2]}
    for wrong in ({"extrinsics": np.zeros((3, 3, 4))}, {"intrinsics": 1.0}, {"ids": 3}, {"extrinsics": 0.0},
                  {"dist_coeffs": np.zeros(3)}, {name: np.zeros((0, 3, 3)) for name in arrays}):
        np.savez(tmp_path / "shapes.npz", **{**arrays, **wrong})
        with pytest.raises(CameraError, match="do not belong together"):
            read_calibration(tmp_path / "shapes.npz")
    np.savez_compressed(tmp_path / "cut.npz", intrinsics=np.zeros((9, 3, 3)), extrinsics=np.zeros((9, 3, 4)))
    whole = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:60] + bytes(40) + whole[100:])  # its stream is no longer zlib's
    with pytest.raises(CameraError, match="damaged"):
        read_calibration(tmp_path / "cut.npz")


def test_files_made_to_do_harm(tmp_path: Path) -> None:
    doubled = "a: &a [1, 1]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi"))
    cases = {"deep.json": '{"cam": {"K": ' + "[" * 700 + "]" * 700 + "}}", "doubled.yml": doubled + "cam: {K: *i}",
             "large.json": '{"a": "' + "x" * 4_000_000 + '"}',
             "tongue.qca.txt": '<?xml version="1.0" encoding="nobody"?><calibration/>'}
    for name, text in cases.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(CameraError):
            read_calibration(tmp_path / name)


@pytest.mark.parametrize("size", ["[1, 2]", ".nan", "wide"])
def test_a_picture_size_that_is_no_number(size: str, tmp_path: Path) -> None:
    intri, _ = write_calibration(made_rig(), tmp_path)
    intri.write_text(intri.read_text().replace("W_cam02: 640", f"W_cam02: {size}"))
    with pytest.raises(CameraError, match="picture size of camera cam02"):
        read_calibration(tmp_path)


def test_halves_of_easymocap(tmp_path: Path) -> None:
    intri, extri = write_calibration(made_rig(), tmp_path)
    text = extri.read_text()
    extri.write_text(text.replace("Rot_cam02", "Rot_cam99").replace("R_cam02", "R_cam99"))
    with pytest.raises(CameraError, match="no R_cam02 or Rot_cam02"):
        read_calibration(tmp_path)
    extri.write_text(text.replace('"cam03"', '"other"'))
    with pytest.raises(CameraError, match="no K_other"):
        read_calibration(tmp_path)
    extri.write_text(text.replace('   - "cam04"\n', ""))
    found = read_calibration(tmp_path)
    assert found.names == ("cam01", "cam02", "cam03")
    assert "left out: cam04" in found.notes[0]
    extri.unlink()
    for place in (intri, tmp_path):
        with pytest.raises(CameraError, match=r"extri\.yml is missing"):
            read_calibration(place)


def test_cameras_at_one_point_and_a_name_twice(tmp_path: Path) -> None:
    rig = made_rig()
    file = tmp_path / "cameras.json"
    at_one = Rig(rig.names, tuple(replace(camera, t=np.zeros(3)) for camera in rig.cameras))
    write_calibration(at_one, file, "json")
    with pytest.raises(CameraError, match="same point"):
        read_calibration(file)
    data = json.loads(write_calibration(rig, file, "json")[0].read_text())
    write_calibration(rig, tmp_path / "p.json", "panoptic")
    data = json.loads((tmp_path / "p.json").read_text())
    data["cameras"][1]["name"] = "cam01"
    (tmp_path / "p.json").write_text(json.dumps(data))
    with pytest.raises(CameraError, match="names camera cam01 twice"):
        read_calibration(tmp_path / "p.json")


def test_writing_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    rig = made_rig(2, ("a b", "a.b"))
    with pytest.raises(CameraError, match="same name"):
        write_calibration(rig, tmp_path)
    with pytest.raises(InputError, match="no calibration format"):
        write_calibration(rig, tmp_path, "nonsense")  # type: ignore[arg-type]
    for names in (rig.names, ('left "\\', "\U0001f3a5")):
        given = replace(rig, names=names)
        same(given, read_calibration(write_calibration(given, tmp_path / "c.toml", "pose2sim")[0]))
