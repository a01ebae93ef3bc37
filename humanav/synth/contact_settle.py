"""Take out what two posed bodies run into each other, and close the last gaps where they touch.

Both motions are changed as little and as smoothly as that needs: turns of the joints and places of the pelvis are
found by gradient descent (Adam) on the depth of every surface point inside the other body, told by the nearest point of
the other's surface and its normal, with feet held where they stand.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from humanav.body.model import axis_angle_to_matrix
from humanav.motion import Motion
from humanav.synth.template import body, template

_STEPS, _REFRESH = 110, 5  # of descent; steps for which nearest points are kept
_NEAR = 0.09  # metres within which surfaces are looked at
_MARGIN = 0.0025  # metres of air that is asked for
_TOUCH, _HOLD = 0.025, 0.07  # metres, gaps up to which surfaces that nearly touch close: of a body, of a hand
_STUCK, _BRIDGE = 0.008, 4  # metres of overlap that is left; frames that are bridged
_SKIN = 0.004  # metres, the gap of skin that touches
_DEEP, _CLOSE = 6000.0, 12.0  # weights: of overlap and of gaps, per square metre and point
_STAY, _PLACE = 0.02, 4.0  # of turns (squared radians, times the joint's tie) and of moves of the pelvis
_SMOOTH, _EVEN = 0.6, 40.0  # of what differs between frames, and how much more of moves
_FEET, _FLOOR = 60.0, 300.0  # of feet that leave their place (ten points as one), and that sink into the floor
_RATES = 0.008, 0.002  # of Adam, for turns and moves
_FINE, _FREE = 0.6, 0.8  # shares of the steps after which they are smaller, and after which gaps are left
_CELL = 0.014  # metres from one surface point to the next
_TIED = {"hip": 2.0, "knee": 2.0, "ankle": 4.0, "foot": 50.0, "spine": 2.0, "pelvis": 4.0, "neck": 2.0, "head": 2.0,
         "collar": 2.0, "wrist": 1.0}


@lru_cache(maxsize=1)
def _points() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Vertices that stand for the surface, about 14 mm apart, which of these are the soles' and toes', and how wide a
    gap each of them closes, metres."""
    t = template()
    skin = np.flatnonzero(t.part == 0)
    cells = np.floor(t.points[skin] / _CELL).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    chosen = np.sort(skin[first])
    weights = t.weights[chosen]
    hand = weights[:, [20, 21, *range(25, 55)]].sum(axis=1) > 0.9
    reach = np.where(hand, _HOLD, _TOUCH).astype(np.float32)
    return chosen, np.flatnonzero(weights[:, [7, 8, 10, 11]].sum(axis=1) > 0.9), reach


class _Skin:
    """One person's surface points in all frames, as a function of small changes."""

    def __init__(self, motion: Motion) -> None:
        model = body()
        chosen, self.feet, _ = _points()
        vertices, _ = model.rest(motion.betas, motion.expression[0] if motion.expression.size else None)
        self.betas = torch.as_tensor(motion.betas)
        self.face = torch.as_tensor(motion.expression[0]) if motion.expression.size else None
        rest = vertices[chosen]
        from humanav.synth.surface import normals

        normal = torch.as_tensor(normals(vertices.numpy(), template().faces)[chosen])
        self.weights = torch.as_tensor(template().weights[chosen], dtype=torch.float32)
        self.rest = torch.cat([rest, torch.ones(len(rest), 1)], 1)
        self.normal = normal
        self.turns = axis_angle_to_matrix(torch.as_tensor(motion.full_pose))
        self.place = torch.as_tensor(motion.transl)
        self.joints = model.rest(self.betas, self.face)[1]

    def __call__(self, change: Tensor, move: Tensor) -> tuple[Tensor, Tensor]:
        """Points (T,S,3) and normals (T,S,3) for turns (T,22,3) and moves (T,3)."""
        body_turns = self.turns[:, :22] @ axis_angle_to_matrix(change)
        turns = torch.cat([body_turns, self.turns[:, 22:]], 1)
        out = body()(turns, self.betas, self.face, self.place + move, vertices=False)
        offset = out.joints - (out.rotations @ self.joints[..., None])[..., 0]
        rows = torch.cat([out.rotations, offset[..., None]], -1).flatten(2)  # (T,55,12)
        blended = (self.weights @ rows).unflatten(-1, (3, 4))
        points = (blended @ self.rest[None, :, :, None])[..., 0]
        return points, (blended[..., :3].detach() @ self.normal[None, :, :, None])[..., 0]


def settled(motions: tuple[Motion, ...], steps: int = _STEPS) -> tuple[Motion, ...]:
    """The two motions with what they overlap by taken out, to a few millimetres where that can be.

    A limb that lies across another one has no way out that the nearest surface tells. Moments in which that happens
    are bridged from those before and after, and settled once more.
    """
    out = _descended(motions, steps)
    stuck = _stuck(out)
    bridged = tuple(_bridged(motion, stuck) for motion in out)
    return _descended(bridged, steps // 2) if stuck.any() else out


def _stuck(motions: tuple[Motion, ...]) -> NDArray[np.bool_]:
    """(T,) frames with overlap left, in gaps of at most ``_BRIDGE`` frames between good ones."""
    still = torch.zeros(len(motions[0]), 22, 3), torch.zeros(len(motions[0]), 3)
    with torch.no_grad():
        placed = [_Skin(motion)(*still) for motion in motions]
    bad = np.zeros(len(motions[0]), bool)
    for mine, other in (placed, placed[::-1]):
        frame, my, theirs, _ = _nearest(mine, other)
        gap = ((mine[0][frame, my] - other[0][frame, theirs]) * other[1][frame, theirs]).sum(-1)
        bad[np.unique(frame[gap < -_STUCK].numpy())] = True
    good = np.flatnonzero(~bad)
    for t in np.flatnonzero(bad):
        before, after = good[good < t], good[good > t]
        bad[t] = bool(len(before) and len(after) and after[0] - before[-1] - 1 <= _BRIDGE)
    return bad


def _bridged(motion: Motion, gap: NDArray[np.bool_]) -> Motion:
    """The motion with some frames interpolated between their neighbours."""
    from scipy.spatial.transform import Rotation

    pose, place = motion.full_pose[:, :22].astype(np.float64), motion.transl.copy()
    good = np.flatnonzero(~gap)
    for t in np.flatnonzero(gap):
        a, b = good[good < t][-1], good[good > t][0]
        part = (t - a) / (b - a)
        start, end = Rotation.from_rotvec(pose[a]), Rotation.from_rotvec(pose[b])
        pose[t] = (start * Rotation.from_rotvec((start.inv() * end).as_rotvec() * part)).as_rotvec()
        place[t] = place[a] + (place[b] - place[a]) * part
    return replace(motion, global_orient=pose[:, 0].astype(np.float32), body_pose=pose[:, 1:].astype(np.float32),
                   transl=place)


def _descended(motions: tuple[Motion, ...], steps: int) -> tuple[Motion, ...]:
    """The motions after some steps of descent."""
    skins = [_Skin(motion) for motion in motions]
    frames = len(motions[0])
    change = torch.zeros(2, frames, 22, 3, requires_grad=True)
    move = torch.zeros(2, frames, 3, requires_grad=True)
    with torch.no_grad():
        start = [skin(change[k], move[k])[0] for k, skin in enumerate(skins)]
    tied = _ties()
    optimizer = torch.optim.Adam([{"params": [change], "lr": _RATES[0]}, {"params": [move], "lr": _RATES[1]}])
    pairs: list[tuple[Tensor, ...]] = []
    for step in range(steps):
        for group, rate in zip(optimizer.param_groups, _RATES, strict=True):
            group["lr"] = rate * (1.0 if step < _FINE * steps else 0.3)
        placed = [skin(change[k], move[k]) for k, skin in enumerate(skins)]
        if step % _REFRESH == 0:
            pairs = [_nearest(placed[k], placed[1 - k]) for k in range(2)]
        loss = _STAY * (change**2 * tied[:, None]).sum() + _PLACE * (move**2).sum()
        loss = loss + _smoothness(change) * _SMOOTH + _smoothness(move) * _EVEN * _SMOOTH
        for k in range(2):
            points, (other, normal) = placed[k][0], placed[1 - k]
            frame, mine, theirs, closing = pairs[k]
            gap = ((points[frame, mine] - other[frame, theirs]) * normal[frame, theirs]).sum(-1)
            loss = loss + _DEEP * (torch.relu(_MARGIN - gap) ** 2).sum()
            loss = loss + _CLOSE * (step < _FREE * steps) * (closing * (gap - _SKIN).clamp(min=0) ** 2).sum()
            feet = points[:, skins[k].feet]
            loss = loss + _FEET * ((feet - start[k][:, skins[k].feet]) ** 2).sum() / 10
            loss = loss + _FLOOR * (torch.relu(-feet[..., 1]) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return tuple(_changed(motion, skin, change[k], move[k])
                     for k, (motion, skin) in enumerate(zip(motions, skins, strict=True)))


def _ties() -> Tensor:
    """(22,) how much each joint is held to its turn."""
    from humanav.body.names import JOINT_NAMES

    return torch.tensor([next((w for part, w in _TIED.items() if part in name), 1.0) for name in JOINT_NAMES[:22]])


def _smoothness(values: Tensor) -> Tensor:
    """How much values (2,T,...) differ from one frame to the next."""
    if values.shape[1] < 2:
        return values.new_zeros(())
    return ((values[:, 1:] - values[:, :-1]) ** 2).sum()


def _nearest(mine: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
    """Pairs of points that face or pierce each other: frame, my point, the other's nearest, whether the gap closes."""
    from scipy.spatial import cKDTree

    out: list[NDArray[np.int64]] = []
    reach = _points()[2]
    close: list[NDArray[np.float32]] = []
    points, normal = (x.detach().numpy() for x in mine)
    surface, facing = (x.detach().numpy() for x in other)
    for t in range(len(points)):
        low, high = surface[t].min(axis=0) - _NEAR, surface[t].max(axis=0) + _NEAR
        some = np.flatnonzero(((points[t] > low) & (points[t] < high)).all(axis=1))
        if not len(some):
            continue
        distance, index = cKDTree(surface[t]).query(points[t, some], distance_upper_bound=_NEAR)
        kept = np.isfinite(distance)
        some, index, distance = some[kept], index[kept], distance[kept]
        gap = ((points[t, some] - surface[t, index]) * facing[t, index]).sum(axis=1)
        # outside, only what faces the other closes; inside, the nearest surface tells the way out
        against = (normal[t, some] * facing[t, index]).sum(axis=1) < -0.5
        used = gap < reach[some]
        out.append(np.stack([np.full(used.sum(), t), some[used], index[used]]))
        close.append((against & (gap > 0) & (distance < 1.2 * reach[some]))[used].astype(np.float32))
    if not out:
        empty = torch.zeros(0, dtype=torch.long)
        return empty, empty, empty, torch.zeros(0)
    frame, my, theirs = (torch.from_numpy(x) for x in np.concatenate(out, axis=1))
    return frame, my, theirs, torch.from_numpy(np.concatenate(close))


def _changed(motion: Motion, skin: _Skin, change: Tensor, move: Tensor) -> Motion:
    """The motion with changes (T,22,3) of its turns and (T,3) of its place."""
    from scipy.spatial.transform import Rotation

    turns = (skin.turns[:, :22] @ axis_angle_to_matrix(change)).double().numpy()
    vectors = Rotation.from_matrix(turns.reshape(-1, 3, 3)).as_rotvec().reshape(len(turns), 22, 3).astype(np.float32)
    return replace(motion, global_orient=vectors[:, 0], body_pose=vectors[:, 1:],
                   transl=motion.transl + move.numpy().astype(np.float32))
