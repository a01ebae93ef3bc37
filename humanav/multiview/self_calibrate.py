"""Cameras from nothing but the people they see.

Pairs of views are related by essential matrices of the people's keypoints (one person's points over time are as good as
a wand's), chained from the best pair on, and adjusted all together; a person's stature gives the metre, bodies and feet
give up and the floor. Focal lengths are estimated too where they are not given: the better way is a board, or a camera
whose lens is known.

World of the result: y up, floor at y = 0 under the middle of where people were, z towards the first camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.multiview.adjust_bundle import Freedom, bundle
from humanav.multiview.rays import undistorted
from humanav.multiview.self_calibrate_pairs import SURE, Pair, all_pairs, start_points
from humanav.multiview.self_calibrate_world import metric, stood_up
from humanav.multiview.sync_tracks import by_track, sides, usual_size
from humanav.multiview.value import Rig, Sightings

Array = NDArray[np.float64]

FOCALS = (0.8, 1.0, 1.3, 1.8)
"""Focal lengths tried where none is given, times the longer side of the picture."""
_FOCAL_PRIOR = 0.35  # standard deviation of the logarithm of what none of them hits
_LEAST_MOVEMENT = 0.2  # of the person's size, that the liveliest fifth of the points must move by (still: 0.07)
_LEAST_FRAMES = 8  # that two views share
_MOST_FRAMES = 120
_STRAY = 4.0  # times the median residual: farther off is no measurement of this point
_GOOD = 0.03  # of the person's size: a median residual above belongs to no solution


@dataclass
class _Placed:
    """Cameras placed so far and what each of their tracks is: (view, track) to person."""

    cameras: dict[int, Camera]
    person: dict[tuple[int, int], int]


def calibrate_from_people(
    sightings: Sightings, sizes: Sequence[tuple[int, int]], *, height: float | Sequence[float] = 1.7,
    focal: float | Sequence[float] | None = None, intrinsics: Rig | Sequence[Camera] | None = None,
) -> Rig:
    """A rig from the people's keypoints alone.

    Args:
        sightings: synchronous views; each view's tracks are followed over time, who is who between views is found here.
        sizes: (width, height) of each view in pixels.
        height: stature of the people in metres (their median, where several).
        focal: focal length in pixels, one or one of each view; estimated, one factor for all, where not given.
        intrinsics: cameras of which only K and distortion are used, from boards; they say more than ``focal``.

    Raises:
        InputError: one view, sizes, focal lengths or inner values of another number than the views, a stature or focal
            length that cannot be, too little movement, too few frames that views share, or people who cannot be brought
            together in all views.
        CameraError: a picture without size, or inner values that lack a view.
    """
    names = sightings.names
    if len(names) < 2:
        raise InputError("One camera cannot be calibrated from people alone: give at least two views.")
    if len(sizes) != len(names):
        raise InputError(f"The size of every view's picture is needed: {len(names)} views, {len(sizes)} sizes.")
    tall = float(np.median(np.atleast_1d(height)))
    if not 0.3 < tall < 2.6:
        raise InputError(f"A stature of {tall:g} m is no person's: give it in metres.")
    known = _intrinsics(names, sizes, focal, intrinsics)
    people = by_track(sightings, most=3, least=0.25)
    people = people[np.unique(np.linspace(0, len(people) - 1, min(len(people), _MOST_FRAMES)).round().astype(int))]
    _check(people, names)
    free = known is None and len(names) > 2  # two views fit any focal length
    start = known or (_best_focal(people[::3], sizes, names) if free else _at_origin(sizes, [max(s) for s in sizes]))
    placed = _chained(people, start, names)
    cameras, points, pixels, weight = _adjusted(people, placed, sides(sightings.landmark_names), free)
    far = _residuals(cameras, points, pixels)
    median = float(np.median(far[weight > 0]))
    for v, name in enumerate(names):
        own = float(np.median(far[weight[:, v] > 0, v])) if (weight[:, v] > 0).any() else np.inf
        if not own < _GOOD * usual_size(people[:, v]):
            raise InputError(f"The people in {name} fit no arrangement of the cameras (median residual {own:.0f} px): "
                             "check that the views are synchronous and show the same people.")
    count = max(placed.person.values()) + 1
    shaped = points.reshape(len(people), count, -1, 3)
    seen = (weight > 0).sum(1).reshape(len(people), count, -1) >= 2
    bodies = [np.concatenate([shaped[:, p], seen[:, p, :, None]], axis=-1) for p in range(count)]
    cameras, bodies = metric(cameras, bodies, sightings.landmark_names, tall)
    cameras, notes = stood_up(cameras, bodies, sightings.landmark_names)
    focals = ", ".join(f"{name} {camera.focal:.0f}" for name, camera in zip(names, cameras))
    how = ("given" if known is not None else "estimated (a board or a known lens is more certain)" if free else
           "assumed, since two views fit any: give the true ones")
    return Rig(names, tuple(cameras), "people", (
        f"The cameras were found from the people's keypoints; the median residual is {median:.1f} px.",
        f"Its metre comes from a stature of {tall:.2f} m: 1% of it is 1% of every distance.",
        f"Focal lengths in pixels, {how}: {focals}.", *notes))


def _check(people: Array, names: tuple[str, ...]) -> None:
    """Raise InputError where there is too little to go on."""
    sure = people[..., 2] > SURE
    frames = (sure.sum(-1) >= 4).any(2)  # (T,V)
    for v, name in enumerate(names):
        others = [int((frames[:, v] & frames[:, w]).sum()) for w in range(len(names)) if w != v]
        if max(others) < _LEAST_FRAMES:
            raise InputError(f"{name} shares only {max(others)} frames with people with any other view: at least "
                             f"{_LEAST_FRAMES} are needed to calibrate from people.")
    moves = []
    for v in range(people.shape[1]):
        for p in range(people.shape[2]):
            size = usual_size(people[:, v, p])
            spans = [np.linalg.norm(np.ptp(np.percentile(people[s, v, p, k, :2], (5, 95), axis=0), axis=0))
                     for k in range(people.shape[3]) if (s := sure[:, v, p, k]).sum() >= _LEAST_FRAMES]
            if spans and np.isfinite(size):
                moves.append(np.percentile(spans, 80) / size)
    if not moves or np.max(moves) < _LEAST_MOVEMENT:
        raise InputError("The people move too little to calibrate the cameras by them: let somebody walk about and "
                         "swing arms and legs for some seconds, or use a board.")


def _intrinsics(
    names: tuple[str, ...], sizes: Sequence[tuple[int, int]], focal: float | Sequence[float] | None,
    intrinsics: Rig | Sequence[Camera] | None,
) -> list[Camera] | None:
    """Cameras at the origin with the inner values given; None when nothing is."""
    if isinstance(intrinsics, Rig):
        intrinsics = intrinsics.only(names).cameras
    if intrinsics is not None:
        if len(intrinsics) != len(names):
            raise InputError(f"There are {len(names)} views but inner values of {len(intrinsics)} cameras.")
        out = []
        for camera, (width, tall) in zip(intrinsics, sizes):
            ratio = width / camera.width
            if abs(ratio - 1) > 1e-6 and abs(tall / camera.height / ratio - 1) < 0.01:
                camera = camera.scaled(ratio)
            out.append(replace(camera, R=np.eye(3), t=np.zeros(3)))
        return out
    if focal is None:
        return None
    values = np.asarray(focal, dtype=np.float64)
    if values.shape not in ((), (1,), (len(names),)):
        raise InputError(f"One focal length for all or one of each of the {len(names)} views is needed, not "
                         f"{values.size}.")
    values = np.broadcast_to(values, (len(names),))
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise InputError("The focal length must be a positive number of pixels.")
    return _at_origin(sizes, values)


def _at_origin(sizes: Sequence[tuple[int, int]], focals: Sequence[float] | Array) -> list[Camera]:
    """Cameras of those focal lengths at the origin."""
    return [Camera.from_focal(int(w), int(h), float(f), np.eye(3), np.zeros(3)) for (w, h), f in zip(sizes, focals)]


def _best_focal(people: Array, sizes: Sequence[tuple[int, int]], names: tuple[str, ...]) -> list[Camera]:
    """Cameras at the origin with the focal length, of :data:`FOCALS`, by which the views go together best."""
    best: tuple[float, list[Camera]] | None = None
    problem: InputError | None = None
    for factor in FOCALS:
        start = _at_origin(sizes, [factor * max(size) for size in sizes])
        try:
            found = _worst(people, _chained(people, start, names))
        except InputError as error:
            problem = error
            continue
        if best is None or found < best[0]:
            best = found, start
    if best is None:
        assert problem is not None
        raise problem
    return best[1]


def _chained(people: Array, start: Sequence[Camera], names: tuple[str, ...]) -> _Placed:
    """All cameras placed, one after the other, from the best pair on (or the next best ones, where some view cannot be
    placed from there)."""
    pairs = all_pairs(people, start)
    if not pairs:
        raise InputError("No two views could be related by the people in them: they must see the same people at the "
                         "same moments, moving.")
    left: tuple[str, ...] = ()
    for first in pairs[:3]:
        placed = _Placed({first.a: start[first.a], first.b: replace(start[first.b], R=first.R, t=first.t)}, {})
        for number, (i, j) in enumerate(first.same):
            placed.person[first.a, i] = placed.person[first.b, j] = number
        while len(placed.cameras) < len(names):
            links = [pair for pair in pairs if (pair.a in placed.cameras) != (pair.b in placed.cameras)]
            if not any(_place(people, start, placed, pair) for pair in links):
                break
            _settle(people, placed)
        if len(placed.cameras) == len(names):
            return placed
        left = tuple(name for v, name in enumerate(names) if v not in placed.cameras)
    raise InputError(f"{', '.join(left)} could not be related to the other views: its people must be seen moving by at "
                     "least one other view at the same moments.")


def _place(people: Array, start: Sequence[Camera], placed: _Placed, link: Pair) -> bool:
    """Place the new view of a link by the points that the placed ones give (PnP); False where that fails."""
    import cv2

    old, new = (link.a, link.b) if link.a in placed.cameras else (link.b, link.a)
    same = [(i, j) if old == link.a else (j, i) for i, j in link.same]
    added = {(new, j): placed.person[old, i] for i, j in same if (old, i) in placed.person}
    if not added:
        return False
    pixels, weight = _observations(people, placed)
    points = start_points(list(placed.cameras.values()), pixels, weight)
    count = max(placed.person.values()) + 1
    points = points.reshape(len(people), count, -1, 3)
    world, flat = [], []
    for (_, track), person in added.items():
        sure = (people[:, new, track, :, 2] > SURE) & np.isfinite(points[:, person]).all(-1)
        world.append(points[:, person][sure])
        flat.append(undistorted(start[new], people[:, new, track][sure][:, :2]))
    x, xy = np.concatenate(world), np.concatenate(flat)
    if len(x) < 30:
        return False
    pick = np.random.default_rng(0).permutation(len(x))[:1500]
    size = usual_size(people[:, new]) / start[new].focal
    cv2.setRNGSeed(0)
    good, turn, shift, inside = cv2.solvePnPRansac(
        x[pick], xy[pick], np.eye(3), np.zeros(4), iterationsCount=500, reprojectionError=0.05 * size,
        confidence=0.9999, flags=cv2.SOLVEPNP_SQPNP)
    if not good or inside is None or len(inside) < 0.3 * len(pick):
        return False
    R = np.asarray(cv2.Rodrigues(turn)[0], dtype=np.float64)
    placed.cameras[new] = replace(start[new], R=R, t=np.asarray(shift, dtype=np.float64).reshape(3))
    placed.person.update(added)
    for i, j in same:  # a person that only this view and its partner see
        if (old, i) not in placed.person:
            placed.person[old, i] = placed.person[new, j] = max(placed.person.values()) + 1
    return True


def _settle(people: Array, placed: _Placed) -> None:
    """Adjust the cameras placed so far."""
    pixels, weight = _observations(people, placed)
    cameras = list(placed.cameras.values())
    keep = (weight > 0).sum(1) >= 2
    keep &= np.cumsum(keep) % max(1, keep.sum() // 1500) == 0
    if keep.sum() < 30:
        return
    points = start_points(cameras, pixels[keep], weight[keep])
    done = bundle(cameras, pixels[keep], weight[keep], points, Freedom(held=(0,)), scale=_scale(people), steps=15)
    for view, camera in zip(placed.cameras, done.cameras):
        placed.cameras[view] = camera


def _adjusted(
    people: Array, placed: _Placed, partner: NDArray[np.int64], free: bool
) -> tuple[list[Camera], Array, Array, Array]:
    """All cameras adjusted: left and right put back where a view has them the other way round, focal lengths too.

    Returns cameras in the views' order, points (N,3), pixels (N,V,2) and weights (N,V).
    """
    placed.cameras = {v: placed.cameras[v] for v in sorted(placed.cameras)}
    people, scale = people.copy(), _scale(people)
    cameras = list(placed.cameras.values())
    for turn in range(3):
        pixels, weight = _observations(people, placed)
        points = start_points(cameras, pixels, weight)
        if turn:  # what a detector put elsewhere altogether (a limb exchanged, another's) is left out
            far = _residuals(cameras, points, pixels)
            weight = weight * (far < _STRAY * np.median(far[weight > 0]))
            weight = weight * ((weight > 0).sum(1) >= 2)[:, None]
            points = start_points(cameras, pixels, weight)
        keep = np.isfinite(points).all(1)
        freedom = Freedom(held=(0,), focal=_FOCAL_PRIOR if free else 0.0, one_focal=True)
        done = bundle(cameras, pixels[keep], weight[keep], points[keep], freedom, scale=scale, steps=30,
                      thin=10.0)
        cameras = list(done.cameras)
        points[keep] = done.points
        placed.cameras = dict(enumerate(cameras))
        if turn < 2:
            _put_back(people, placed, points, partner)
    return cameras, points, pixels, weight * keep[:, None]


def _put_back(people: Array, placed: _Placed, points: Array, partner: NDArray[np.int64]) -> None:
    """Exchange left and right of a person in a view and frame where that halves the residual."""
    count = max(placed.person.values()) + 1
    shaped = points.reshape(len(people), count, -1, 3)
    paired = partner != np.arange(len(partner))
    for (v, track), person in placed.person.items():
        px, _ = placed.cameras[v].project(np.nan_to_num(shaped[:, person]))
        good = np.isfinite(shaped[:, person]).all(-1) & paired
        now, other = people[:, v, track], people[:, v, track][:, partner]

        def cost(seen: Array, px: Array = px, good: NDArray[np.bool_] = good) -> Array:
            far = np.linalg.norm(seen[..., :2] - px, axis=-1)
            weight = seen[..., 2] * good
            return np.asarray((weight * far).sum(1) / np.maximum(weight.sum(1), 1e-9))

        swap = cost(other) < 0.5 * cost(now)
        people[swap, v, track] = other[swap]


def _observations(people: Array, placed: _Placed) -> tuple[Array, Array]:
    """Pixels (N,V',2) and weights (N,V') of all people's points in the placed views, N = T x people x K."""
    count = max(placed.person.values()) + 1
    out = np.zeros((len(people), count, people.shape[3], len(placed.cameras), 3))
    place = {view: column for column, view in enumerate(placed.cameras)}
    for (view, track), person in placed.person.items():
        if view in place:
            out[:, person, :, place[view]] = people[:, view, track]
    flat = out.reshape(-1, len(placed.cameras), 3)
    return flat[..., :2], np.where(flat[..., 2] > SURE, np.clip(flat[..., 2], 0, 1), 0.0)


def _residuals(cameras: Sequence[Camera], points: Array, pixels: Array) -> Array:
    """(N,V) pixels between points and where they were seen."""
    return np.stack([np.linalg.norm(camera.project(np.nan_to_num(points))[0] - pixels[:, v], axis=-1)
                     for v, camera in enumerate(cameras)], axis=1)


def _worst(people: Array, placed: _Placed) -> float:
    """Mean of the views' median residuals in pixels: what the trials of focal lengths are compared by."""
    pixels, weight = _observations(people, placed)
    cameras = list(placed.cameras.values())
    points = start_points(cameras, pixels, weight)
    far = _residuals(cameras, points, pixels)
    good = (weight > 0) & np.isfinite(points).all(1)[:, None]
    middles = [float(np.median(far[good[:, v], v])) if good[:, v].any() else 1e6 for v in range(len(cameras))]
    return float(np.mean(middles))


def _scale(people: Array) -> float:
    """Pixels from which a residual counts linearly: 1 % of the people's size."""
    return max(2.0, 0.01 * usual_size(people))
