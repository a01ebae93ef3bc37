"""One world for a result and its truth: both name the same cameras, so the way from one world to the other is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from humanav.multiview.evaluate_people import Array, People3D
from humanav.multiview.value import Rig

_TURNED, _MOVED = 5.0, 0.1
"""Degrees and metres: less is what refined cameras differ by, and is left for the scores to show."""


def between_rigs(found: Rig, truth: Rig) -> tuple[Array, Array] | None:
    """Rotation (3,3) and shift (3,) that take the found rig's world to the true one's: ``x_true = R x_found + t``.

    None where no camera is common, or where the cameras do not agree on it (they stand otherwise in the two).
    """
    names = [name for name in found.names if name in truth.names]
    if not names:
        return None
    turns, shifts = [], []
    for name in names:
        a, b = found[name], truth[name]
        turns.append(b.R.T @ a.R)
        shifts.append(b.R.T @ (a.t - b.t))
    u, _, v = np.linalg.svd(np.mean(turns, axis=0))
    turn = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
    here, there = (np.array([rig[name].center for name in names]) for rig in (found, truth))
    shift = (there - here @ turn.T).mean(axis=0) if len(names) > 1 else shifts[0]
    apart = np.linalg.norm(here @ turn.T + shift - there, axis=1).max()
    spread = max(_degrees(turn.T @ one) for one in turns)
    return (turn, shift) if apart < 2 * _MOVED and spread < 2 * _TURNED else None


def in_world_of(people: People3D, found: Rig | None, truth: Rig | None) -> People3D:
    """The people in the truth's world, where the cameras say that it is another one; unchanged otherwise.

    Bodies are left where they are: how they meet does not depend on the world.
    """
    way = None if found is None or truth is None else between_rigs(found, truth)
    if way is None:
        return people
    turn, shift = way
    if _degrees(turn) < _TURNED and np.linalg.norm(shift) < _MOVED:
        return people
    moved = {who: np.concatenate([points[..., :3] @ turn.T + shift, points[..., 3:]], axis=-1)
             for who, points in people.people.items()}
    note = (f"The result's world was turned by {_degrees(turn):.0f} degrees and moved by {np.linalg.norm(shift):.2f} m "
            "into the truth's, as their cameras say.")
    return replace(people, people=moved, notes=(*people.notes, note))


def _degrees(turn: Array) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))
