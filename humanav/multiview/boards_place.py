"""Where cameras stand, from a board that they see at the same moments: on the floor, or carried about.

Each camera's pose to the board comes from its corners (IPPE and Gauss-Newton, as in OpenCV); cameras that never see the
board together are joined through others; then all poses are adjusted at once (robust bundle adjustment).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import CameraError
from humanav.multiview.boards import Board, BoardSource, Corners, board_pictures
from humanav.multiview.boards_corners import find_corners
from humanav.multiview.boards_lens import Lens
from humanav.multiview.calibration_value import rotation_vector
from humanav.multiview.calibration_world import turn_to_y_up
from humanav.multiview.value import Rig

Array = NDArray[np.float64]
Pose = tuple[Array, Array]  # R, t: x_to = R x_from + t

_FAR_OFF = 5.0  # pixels; a view of the board that fits no better is left out
_SOFT = 1.0  # pixels of the robust loss
_TO_FLOOR = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # board axes to y up: the board's front is its z backwards


@dataclass(frozen=True)
class Placed:
    """Cameras placed by a board.

    Attributes:
        rig: y up, metres; with a board on the floor, its first corner is the origin.
        error: pixels, root mean square, by name of the camera, after the adjustment.
        used: number of views of the board by name of the camera.
        dropped: reason by name of each view of the board that was not used.
    """

    rig: Rig
    error: dict[str, float]
    used: dict[str, int]
    dropped: dict[str, str] = field(default_factory=dict)


def place_cameras(
    pictures: Mapping[str, BoardSource], lenses: Mapping[str, Lens], board: Board, *, floor: bool = True
) -> Placed:
    """Place the cameras whose pictures (the same number for each, taken at the same moments) show one board.

    Args:
        pictures: by name of the camera: a picture, a folder or list of them, or a video.
        lenses: of the same cameras, for pictures of the same size.
        board: as it was printed.
        floor: the board of the first moment lies on the floor: its plane is the ground, its first corner the origin.
            Otherwise up is the mean upward direction of the pictures and the origin lies between the cameras.

    Raises:
        CameraError: too few cameras, a camera without lens or board, cameras that nothing joins, a board that looks
            the same when it is turned, or picture sizes that are not the lens'.
        InputError: pictures that cannot be read.
    """
    names = tuple(pictures)
    if len(names) < 2:
        raise CameraError("A board places at least two cameras: give pictures of each.")
    if board.turned_alike:
        raise CameraError(f"A board of {board.columns} x {board.rows} corners looks the same turned by 180 degrees, so "
                          "it does not tell cameras apart: use one with an odd and an even number, or ChArUco.")
    seen: dict[tuple[int, int], Corners] = {}  # by camera and moment
    dropped: dict[str, str] = {}
    counts: dict[str, int] = {}
    for number, name in enumerate(names):
        if name not in lenses:
            raise CameraError(f"The lens of camera {name} is not known: calibrate it first.")
        size = (lenses[name].width, lenses[name].height)
        for moment, (label, image) in enumerate(board_pictures(pictures[name])):
            counts[name] = moment + 1
            if (image.shape[1], image.shape[0]) != size:
                raise CameraError(f"The picture {label} of camera {name} is {image.shape[1]} x {image.shape[0]}, its "
                                  f"lens was calibrated with {size[0]} x {size[1]}: take pictures of one size.")
            found = find_corners(image, board)
            if found is None:
                dropped[f"{name}: {label}"] = "the board was not found"
            else:
                seen[number, moment] = found
    placed = place_from_corners(names, seen, [lenses[name] for name in names], board, floor, dropped)
    if len(set(counts.values())) == 1:
        return placed
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    return replace(placed, rig=placed.rig.noted(f"The cameras have unlike numbers of board pictures ({said}): the "
                                                "first of each are taken for one moment, and so on."))


def place_from_corners(
    names: Sequence[str], seen: Mapping[tuple[int, int], Corners], lenses: Sequence[Lens], board: Board,
    floor: bool = True, dropped: dict[str, str] | None = None,
) -> Placed:
    """As :func:`place_cameras`, from corners by number of the camera and of the moment."""
    left_out = dict(dropped or {})
    poses: dict[tuple[int, int], Pose] = {}
    for (view, moment), corners in seen.items():
        pose, error = _board_pose(corners, lenses[view], board)
        if error > _FAR_OFF:
            left_out[f"{names[view]}: moment {moment + 1}"] = f"its corners fit the lens to {error:.0f} pixels only"
        else:
            poses[view, moment] = pose
    for view, name in enumerate(names):
        if not any(key[0] == view for key in poses):
            raise CameraError(f"Camera {name} does not see the board in any picture: the whole board must be in it, "
                              "sharp and evenly lit.")
    cameras, boards = _joined(names, poses)
    cameras, boards, errors = _adjusted(cameras, boards, {key: seen[key] for key in poses}, lenses, board)
    to_world = _world(cameras, boards, floor)
    placed = []
    for (R, t), lens in zip(cameras, lenses):
        Rw = R @ to_world[0].T
        distortion = lens.distortion if np.any(lens.distortion) else None
        placed.append(Camera(lens.K, Rw, t - Rw @ to_world[1], lens.width, lens.height, distortion))
    rig = Rig(tuple(names), tuple(placed), "board")
    worst = max(errors.values())
    rig = rig.noted(f"The cameras were placed by a board: corners agree to {worst:.2g} pixels or better.")
    if floor and min(camera.center[1] for camera in placed) < 0:
        rig = rig.noted("A camera lies below the board's plane: the board was hardly on the floor, name the up axis.")
    used = {name: sum(key[0] == view for key in poses) for view, name in enumerate(names)}
    return Placed(rig, {name: errors[view] for view, name in enumerate(names)}, used, left_out)


def _board_pose(corners: Corners, lens: Lens, board: Board) -> tuple[Pose, float]:
    """From board to camera coordinates, and the error in pixels, root mean square."""
    import cv2

    world, pixels = board.points[corners.ids], corners.pixels[:, None]
    count, vectors, shifts, errors = cv2.solvePnPGeneric(
        world - world.mean(0), pixels, lens.K, lens.distortion, flags=cv2.SOLVEPNP_IPPE)
    if not count:
        return (np.eye(3), np.zeros(3)), np.inf
    best = int(np.argmin(np.asarray(errors).reshape(-1)))
    r, t = cv2.solvePnPRefineLM(world - world.mean(0), pixels, lens.K, lens.distortion, vectors[best], shifts[best])
    R = np.asarray(cv2.Rodrigues(r)[0], dtype=np.float64)
    pose = (R, np.asarray(t.reshape(3) - R @ world.mean(0), dtype=np.float64))
    miss = _projected(pose, world, lens) - corners.pixels
    return pose, float(np.sqrt((miss**2).sum(-1).mean()))


def _projected(pose: Pose, points: Array, lens: Lens) -> Array:
    import cv2

    vector = rotation_vector(pose[0])
    found = cv2.projectPoints(points, vector, pose[1], lens.K, lens.distortion)[0]
    return np.asarray(found, dtype=np.float64).reshape(-1, 2)


def _joined(names: Sequence[str], poses: Mapping[tuple[int, int], Pose]) -> tuple[list[Pose], dict[int, Pose]]:
    """Poses of all cameras and boards in the world of the first camera, through the moments that cameras share."""
    cameras: dict[int, Pose] = {0: (np.eye(3), np.zeros(3))}
    boards: dict[int, Pose] = {}
    grown = True
    while grown:
        grown = False
        for (view, moment), (R, t) in poses.items():
            if view in cameras and moment not in boards:
                Rc, tc = cameras[view]
                boards[moment] = Rc.T @ R, Rc.T @ (t - tc)
                grown = True
            elif moment in boards and view not in cameras:
                Rb, tb = boards[moment]
                cameras[view] = R @ Rb.T, t - R @ Rb.T @ tb
                grown = True
    apart = [name for view, name in enumerate(names) if view not in cameras]
    if apart:
        raise CameraError(f"Nothing joins {', '.join(apart)} to {names[0]}: at some moment two cameras must see the "
                          "whole board together.")
    return [cameras[view] for view in range(len(names))], boards


def _adjusted(
    cameras: list[Pose], boards: dict[int, Pose], seen: Mapping[tuple[int, int], Corners], lenses: Sequence[Lens],
    board: Board,
) -> tuple[list[Pose], dict[int, Pose], dict[int, float]]:
    """All poses at once for the least distance between found and predicted corners; the first camera stays."""
    from scipy.optimize import least_squares

    moments = list(boards)
    start = np.concatenate([np.concatenate([rotation_vector(R), t])
                            for R, t in (*cameras[1:], *(boards[moment] for moment in moments))])

    def unpacked(x: Array) -> tuple[list[Pose], dict[int, Pose]]:
        import cv2

        rows = [(np.asarray(cv2.Rodrigues(row[:3])[0]), row[3:]) for row in x.reshape(-1, 6)]
        split = len(cameras) - 1
        return [cameras[0], *rows[:split]], dict(zip(moments, rows[split:]))

    def misses(x: Array) -> dict[tuple[int, int], Array]:
        views, places = unpacked(x)
        out = {}
        for (view, moment), corners in seen.items():
            (Rc, tc), (Rb, tb) = views[view], places[moment]
            points = board.points[corners.ids]
            out[view, moment] = _projected((Rc @ Rb, Rc @ tb + tc), points, lenses[view]) - corners.pixels
        return out

    solved = least_squares(lambda x: np.concatenate([miss.reshape(-1) for miss in misses(x).values()]), start,
                           loss="soft_l1", f_scale=_SOFT, x_scale="jac", max_nfev=60)
    final = misses(solved.x)
    errors = {view: float(np.sqrt(np.mean(np.concatenate([(miss**2).sum(-1) for (v, _), miss in final.items()
                                                          if v == view])))) for view in range(len(cameras))}
    views, places = unpacked(solved.x)
    return views, places, errors


def _world(cameras: list[Pose], boards: dict[int, Pose], floor: bool) -> Pose:
    """From the adjustment's world to ours."""
    if floor:
        R, t = boards[min(boards)]
        turn = _TO_FLOOR @ R.T
        return turn, -turn @ t
    turn = turn_to_y_up(np.asarray(-np.mean([R[1] for R, _ in cameras], axis=0)))
    centers = np.array([-R.T @ t for R, t in cameras])
    return turn, -turn @ centers.mean(0)
