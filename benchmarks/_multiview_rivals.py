"""What a single camera gives of people in close contact: ``humanav track`` on one view, laid over the truth.

One similarity (turn, shift, size) for everybody and all frames takes the tracker's world to the true one, which is
kind: only how people move and stand to each other is left to be wrong. Whoever is not tracked is left out of the error
and counted as missed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from _multiview_films import Take
from _track_ours import _camera, follow_clip
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.errors import NoPersonError
from humanav.multiview.simulate import body_points
from humanav.uplift.measures import aligned

Array = NDArray[np.float64]

_POINTS = "skel19"


def one_view(take: Take, views: list[int], body: BodyModel) -> dict[str, Any]:
    """Means over some views tracked one by one."""
    true, _ = body_points(take.motions, _POINTS, body)
    rows = [_row(take, view, true, body) for view in views]
    known = [row for row in rows if row["missed_share"] < 1]
    out = {"missed_share": float(np.mean([row["missed_share"] for row in rows]))}
    for name in ("mpjpe_mm", "contact_mpjpe_mm"):
        values = [row[name] for row in known if np.isfinite(row[name])]
        out[name] = float(np.mean(values)) if values else float("nan")
    return out


def _row(take: Take, view: int, true: Array, body: BodyModel) -> dict[str, float]:
    try:
        tracked = follow_clip(take.videos[view], "fast", people="all")
    except NoPersonError:
        return {"missed_share": 1.0}
    camera, frames = take.rig.cameras[view], take.frames
    pixels, _ = camera.project(true)
    found = np.full(true.shape, np.nan)
    for part in tracked.takes:
        points = body_points([part.motion], _POINTS, body)[0][:, 0]
        where = np.arange(part.take.start, min(part.take.stop, frames))
        seen = np.stack([_camera(tracked, int(t)).project(points[k])[0] for k, t in enumerate(where)])
        # whose track it is: the true person nearest in the picture over all of it
        far = np.linalg.norm(seen[:, None] - pixels[where], axis=-1).mean(axis=(0, 2))
        who = int(far.argmin())
        free = ~np.isfinite(found[where, who, 0, 0])
        found[where[free], who] = points[: len(where)][free]
    known = np.isfinite(found[..., 0, 0])
    if not known.any():
        return {"missed_share": 1.0}
    mine, target = (torch.from_numpy(points[known].reshape(1, -1, 3)) for points in (found, true))
    laid = aligned(mine, target).numpy().reshape(-1, *true.shape[2:])
    error = np.full(known.shape, np.nan)
    error[known] = 1000 * np.linalg.norm(laid - true[known], axis=-1).mean(axis=-1)
    touching = error[take.touching]
    return {"missed_share": float(1 - known.mean()), "mpjpe_mm": float(np.nanmean(error)),
            "contact_mpjpe_mm": float(np.nanmean(touching)) if np.isfinite(touching).any() else float("nan")}
