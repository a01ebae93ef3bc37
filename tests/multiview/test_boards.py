"""Boards in rendered pictures of cameras that are known, and in real ones."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanav.camera import Camera
from humanav.errors import CameraError, InputError
from humanav.multiview.boards import Board, Corners, named_board
from humanav.multiview.boards_corners import find_corners, guess_board
from humanav.multiview.boards_folder import boards_in, calibrate_from_boards
from humanav.multiview.boards_lens import Lens, calibrate_lens
from humanav.multiview.boards_place import place_cameras, place_from_corners
from humanav.multiview.calibration import read_calibration
from humanav.multiview.capture import find_capture
from humanav.multiview.capture_boards import with_boards
from humanav.multiview.capture_rig import NO_CALIBRATION
from tests.multiview.captures import films

BOARD = Board(7, 4, 0.08)
SIZE = (320, 240)
_PIXELS = 40  # of a square in the printed picture


def printed(board: Board) -> tuple[np.ndarray, np.ndarray]:
    """The board as a grey picture with a white border, and (3,3) from board metres to its pixels."""
    import cv2

    p = _PIXELS
    if board.kind == "charuco":
        made = cv2.aruco.CharucoBoard((board.columns, board.rows), board.square, board.marker,
                                      cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, board.dictionary)))
        inner = made.generateImage((board.columns * p, board.rows * p), marginSize=0)
        first = p
    else:
        x, y = np.meshgrid(np.arange((board.columns + 1) * p) // p, np.arange((board.rows + 1) * p) // p)
        inner = np.where((x + y) % 2 == 0, 20, 235).astype(np.uint8)
        first = 2 * p
    start = first if board.kind == "checkerboard" else p
    picture = np.full((inner.shape[0] + 2 * p, inner.shape[1] + 2 * p), 235, np.uint8)
    picture[p:-p, p:-p] = inner
    scale = p / board.square
    return picture, np.array([[scale, 0, start], [0, scale, start], [0, 0, 1]])


@lru_cache(maxsize=8)
def sampled(K: tuple[float, ...], distortion: tuple[float, ...]) -> np.ndarray:
    """Rays of four samples in each pixel (4hw,2)."""
    import cv2

    u, v = np.meshgrid((np.arange(SIZE[0] * 2) + 0.5) / 2, (np.arange(SIZE[1] * 2) + 0.5) / 2)
    return cv2.undistortPoints(np.stack([u, v], -1).reshape(-1, 1, 2), np.reshape(K, (3, 3)),
                               np.array(distortion or np.zeros(5))).reshape(-1, 2)


def shown(camera: Camera, R: np.ndarray, t: np.ndarray, board: Board = BOARD) -> np.ndarray:
    """What the camera sees of a board at x_world = R x_board + t: grey, (h,w)."""
    import cv2

    texture, to_pixels = printed(board)
    rays = sampled(tuple(camera.K.reshape(-1)), () if camera.distortion is None else tuple(camera.distortion))
    Rc, tc = camera.R @ R, camera.R @ t + camera.t
    H = to_pixels @ np.linalg.inv(np.stack([Rc[:, 0], Rc[:, 1], tc], 1))
    x, y, w = H @ np.concatenate([rays, np.ones((len(rays), 1))], 1).T
    maps = [(value / w - 0.5).reshape(SIZE[1] * 2, SIZE[0] * 2).astype(np.float32) for value in (x, y)]
    seen = cv2.remap(texture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=90)
    return cv2.resize(seen, (camera.width, camera.height), interpolation=cv2.INTER_AREA)


def poses(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Boards in front of a camera at the origin, tilted every way."""
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(3)
    out = []
    for _ in range(count):
        R = Rotation.from_euler("xyz", rng.uniform(-0.55, 0.55, 3)).as_matrix()
        middle = np.array([rng.uniform(-0.12, 0.12), rng.uniform(-0.1, 0.1), rng.uniform(0.75, 1.0)])
        out.append((R, middle - R @ BOARD.points.mean(0)))
    return out


@pytest.fixture(scope="module")
def camera() -> Camera:
    """A camera at the origin that looks along z."""
    K = np.array([[310.0, 0, 164], [0, 312, 117], [0, 0, 1]])
    return Camera(K, np.eye(3), np.zeros(3), *SIZE, np.array([-0.12, 0.05, 0.0, 0.0, 0.0]))


@pytest.fixture(scope="module")
def views(camera: Camera) -> list[np.ndarray]:
    """The board in eight positions."""
    return [shown(camera, *pose) for pose in poses(8)]


def test_corners_are_found_to_a_fraction_of_a_pixel(camera: Camera, views: list[np.ndarray]) -> None:
    for (R, t), view in zip(poses(8), views):
        for image in (view, np.stack([view] * 3, -1)):
            found = find_corners(image, BOARD)
            assert found is not None
            want = camera.project(BOARD.points @ R.T + t)[0]
            assert np.abs(found.pixels - want).max() < 0.15


def test_the_lens_comes_back(camera: Camera, views: list[np.ndarray]) -> None:
    blank = np.full_like(views[0], 128)
    lens = calibrate_lens([*views, blank], BOARD)
    assert (lens.width, lens.height, lens.rms < 0.1) == (*SIZE, True)
    assert np.abs(lens.K - camera.K).max() < 2.0
    assert abs(lens.distortion[0] + 0.12) < 0.03
    assert lens.dropped == {"picture 9": "the board was not found"}
    assert len(lens.used) == 8


def test_pictures_that_do_not_make_a_lens(views: list[np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(CameraError, match=r"found in 2 of 3 pictures of cam01: at least 3"):
        calibrate_lens([views[0], views[1], np.zeros_like(views[0])], BOARD, name="cam01")
    with pytest.raises(CameraError, match="differ in size"):
        calibrate_lens([*views[:3], views[0][:200]], BOARD)
    with pytest.raises(CameraError, match="number of corners"):
        calibrate_lens(views[:3], Board(9, 6, 0.05))
    with pytest.raises(InputError, match="no pictures and no video"):
        calibrate_lens(tmp_path, BOARD)
    with pytest.raises(InputError, match="There is no file"):
        calibrate_lens(tmp_path / "none.jpg", BOARD)
    with pytest.raises(InputError, match="No checkerboard"):
        guess_board([np.full((60, 80), 90, np.uint8)])
    for said in ("7", "7x", "x4", "7x4:", "7x4:0", "7x4:1.2.3", "2x4", "7x4:-1", "\u0667x4", "7x4x0.1"):
        with pytest.raises(InputError, match="board"):
            named_board(said)
    assert named_board("7x4") == Board(7, 4, 0.06)
    assert named_board(" 7 x 4 : 0.08 m") == BOARD
    for columns, rows, square, more in ((2, 4, 0.1, {}), (7, 4, 0.0, {}), (7, 4, 0.1, {"marker": 0.2}),
                                        (7, 4, 0.1, {"kind": "chess"})):
        with pytest.raises(InputError):
            Board(columns, rows, square, **more)


def test_the_size_is_counted(views: list[np.ndarray]) -> None:
    assert guess_board(views[:2], 0.08) == BOARD


def test_charuco_with_a_part_hidden(camera: Camera) -> None:
    board = Board(6, 5, 0.08, "charuco", 0.06)
    images = []
    for R, t in poses(5):
        image = shown(camera, R, t, board)
        found = find_corners(image, board)
        assert found is not None
        want = camera.project(board.points[found.ids] @ R.T + t)[0]
        assert np.abs(found.pixels - want).max() < 0.5
        images.append(image)
    hidden = images[0].copy()
    hidden[:, :130] = 90
    found = find_corners(hidden, board)
    assert found is None or len(found.ids) < len(board.points)
    lens = calibrate_lens(images, board)
    assert abs(lens.K[0, 0] / camera.K[0, 0] - 1) < 0.05
    with pytest.raises(InputError, match="no marker dictionary"):
        find_corners(images[0], replace(board, dictionary="DICT_NONE"))


def around(count: int) -> list[Camera]:
    """Cameras that look down at the origin, from above and all sides."""
    return [Camera.orbit([0.24, 0, 0.12], 1.3 + 0.1 * k, 360 * k / count + 10, 50, *SIZE, 330.0) for k in range(count)]


def lens_of(camera: Camera) -> Lens:
    return Lens(camera.K, np.zeros(5), camera.width, camera.height, 0.1)


FLOOR = (np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]), np.zeros(3))  # a board that lies with its front up


def test_a_board_on_the_floor_places_the_cameras() -> None:
    cameras = around(3)
    pictures = {f"c{k}": [shown(camera, *FLOOR)] for k, camera in enumerate(cameras)}
    pictures["c2"].append(np.full_like(pictures["c2"][0], 128))
    placed = place_cameras(pictures, {f"c{k}": lens_of(camera) for k, camera in enumerate(cameras)}, BOARD)
    assert placed.rig.kind == "board"
    for name, camera in zip(placed.rig.names, cameras):
        found = placed.rig[name]
        assert np.linalg.norm(found.center - camera.center) < 0.01
        assert np.abs(found.R - camera.R).max() < 0.01
    assert max(placed.error.values()) < 0.3
    assert "unlike numbers of board pictures (c0 1, c1 1, c2 2)" in placed.rig.notes[-1]
    assert placed.dropped == {"c2: picture 2": "the board was not found"}
    assert placed.used == {"c0": 1, "c1": 1, "c2": 1}


def test_cameras_joined_through_a_third() -> None:
    cameras = around(3)
    moved = [FLOOR, (FLOOR[0], np.array([0.1, 0.2, 0.0]))]
    seen = {}
    for view, moment in ((0, 0), (1, 0), (1, 1), (2, 1)):
        R, t = moved[moment]
        seen[view, moment] = Corners(np.arange(28), cameras[view].project(BOARD.points @ R.T + t)[0])
    lenses = [lens_of(camera) for camera in cameras]
    placed = place_from_corners(("a", "b", "c"), seen, lenses, BOARD)
    for found, camera in zip(placed.rig.cameras, cameras):
        assert np.linalg.norm(found.center - camera.center) < 1e-3
    carried = place_from_corners(("a", "b", "c"), seen, lenses, BOARD, floor=False)
    apart = [np.linalg.norm(rig[0].center - rig[2].center) for rig in (carried.rig.cameras, cameras)]
    assert apart[0] == pytest.approx(apart[1], abs=1e-3)
    bad = {key: Corners(one.ids, np.random.default_rng(0).permutation(one.pixels)) if key == (2, 1) else one
           for key, one in seen.items()}
    with pytest.raises(CameraError, match="Camera c does not see the board"):
        place_from_corners(("a", "b", "c"), bad, lenses, BOARD)
    del seen[1, 1]
    with pytest.raises(CameraError, match="Nothing joins c to a"):
        place_from_corners(("a", "b", "c"), seen, lenses, BOARD)


def test_what_cannot_place_cameras(views: list[np.ndarray], camera: Camera) -> None:
    lenses = {"a": lens_of(camera), "b": lens_of(camera)}
    pictures = {"a": [views[0]], "b": [views[1]]}
    for given, known, board, words in (
            ({"a": [views[0]]}, lenses, BOARD, "at least two cameras"),
            (pictures, {"a": lenses["a"]}, BOARD, "lens of camera b is not known"),
            (pictures, lenses, Board(6, 4, 0.1), "looks the same"),
            ({"a": [views[0]], "b": [views[1][:200]]}, lenses, BOARD, "take pictures of one size"),
            ({"a": [views[0]], "b": [np.zeros_like(views[1])]}, lenses, BOARD, "b does not see the board")):
        with pytest.raises(CameraError, match=words):
            place_cameras(given, known, board)


def test_a_folder_of_boards(views: list[np.ndarray], camera: Camera, tmp_path: Path) -> None:
    cameras = [replace(one, K=camera.K, distortion=camera.distortion) for one in around(2)]
    for number, placed in enumerate(cameras, 1):
        for folder, images in ((f"intrinsics/int_cam{number}", views[:5]), (f"extrinsics/ext_cam{number}",
                                                                           [shown(placed, *FLOOR)])):
            (tmp_path / "calibration" / folder).mkdir(parents=True)
            for k, image in enumerate(images):
                Image.fromarray(image).save(tmp_path / "calibration" / folder / f"{k}.png")
    found, lenses = calibrate_from_boards(tmp_path, BOARD)
    assert found.rig.names == ("cam1", "cam2") == tuple(lenses)
    assert np.linalg.norm(found.rig["cam2"].center - cameras[1].center) < 0.05
    films(tmp_path, ("Cam_1", "Cam_2"), width=SIZE[0], height=SIZE[1], frames=2)
    capture = find_capture(tmp_path)
    assert set(capture.boards.lenses) == {"cam1", "cam2"}
    uploads = tmp_path / "uploads"
    whole = shutil.make_archive(str(uploads / "whole"), "zip", tmp_path, ".")
    boards = shutil.make_archive(str(uploads / "boards"), "zip", tmp_path, "calibration")
    for given in (whole, [*tmp_path.glob("*.mp4"), boards]):
        assert set(find_capture(given, work=uploads).boards.places) == {"cam1", "cam2"}
    full = with_boards(capture, BOARD).check()
    assert full.rig is not None
    assert full.rig.names == ("Cam_1", "Cam_2") == full.names
    assert full.problems == tuple(one for one in capture.problems if one.text != NO_CALIBRATION)
    assert np.allclose(full.rig["Cam_2"].center, found.rig["cam2"].center)
    assert any("cam1: focal" in note for note in full.notes)
    with pytest.raises(CameraError, match="no board pictures of left"):
        with_boards(replace(capture, names=("Cam_1", "left")), BOARD)
    shutil.rmtree(tmp_path / "calibration" / "extrinsics")
    assert boards_in(tmp_path).places == {}
    with pytest.raises(CameraError, match="no pictures of one board"):
        calibrate_from_boards(tmp_path, BOARD)


@pytest.mark.slow
def test_a_real_lens(shared: Path) -> None:
    folder = shared / "testset" / "calib_boards"
    lens = calibrate_lens(folder, Board(7, 4, 0.06), name="cam01")
    assert len(lens.used) >= 5
    assert lens.rms < 0.5
    given = read_calibration(shared / "testset" / "mv_single" / "Calib.qca.txt")["cam01"]
    assert abs(lens.K[0, 0] / given.K[0, 0] - 1) < 0.01
    assert given.distortion is not None
    assert np.abs(lens.distortion[:2] - given.distortion[:2]).max() < 0.05  # as the file says it, not divided by 64
