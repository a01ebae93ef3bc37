"""Pieces of the avatar's tab for Gaussian avatars: the choice, the training as it goes, the players and comparison."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.app import pieces
from humanav.errors import InputError
from humanav.jobs import GaussianOptions
from humanav.jobs.gaussian_files import SPLATS
from humanav.results import Result
from humanav.view import compare_page, splat_page
from humanav.view.player import SCRIPT
from humanav.view.splats import SPLAT_SCRIPT

BUDGET = "HUMANAV_GAUSSIANS"
"""Environment variable for small machines and tests: at most so many Gaussians and steps of training, as 2000:20."""
KINDS = [("Textured mesh (fast)", "mesh"), ("Gaussian avatar (best)", "gaussian")]
COSTS = ("The mesh takes about half a minute. The Gaussian avatar is trained on top of it, about four minutes in all "
         "on two free processor cores: softer hair and edges, clothes that move with the pose.")
STOPPED = "Stopped. The same photo and options go on with the training from here: press the button again."
SHOWN = [("Gaussians", "gaussian"), ("Compare", "compare"), ("Mesh", "mesh")]
MINUTES = GaussianOptions().minutes
_MANY = 24  # points of the curve of the error


def options(minutes: float) -> GaussianOptions:
    """How the page's Gaussian avatars are made. Raises InputError when the minutes or the budget cannot be."""
    budget = os.environ.get(BUDGET, "")
    if not budget:
        return GaussianOptions(minutes=float(minutes))
    count, _, steps = budget.partition(":")
    try:
        return GaussianOptions(minutes=float(minutes), count=int(count), steps=int(steps), size=192, generated=4)
    except ValueError as error:
        raise InputError(f"{BUDGET} is {budget!r}: write it as Gaussians:steps, such as 2000:20.") from error


def growing(picture: NDArray[np.uint8], step: int, losses: Sequence[float]) -> str:
    """The avatar while it is trained: a picture, the step, and how the error has fallen so far."""
    curve = ""
    if len(losses) > 1:
        some = [losses[round(k)] for k in np.linspace(0, len(losses) - 1, min(len(losses), _MANY))]
        low, high = min(some), max(some)
        points = " ".join(f"{2 + 156 * k / (len(some) - 1):.1f},{42 - 38 * (v - low) / max(high - low, 1e-9):.1f}"
                          for k, v in enumerate(some))
        curve = (f'<svg viewBox="0 0 160 46" role="img" aria-label="the error over time"><polyline points="{points}" '
                 'fill="none" stroke="currentColor" stroke-width="2.5" stroke-linejoin="round"/></svg>')
    return (f'<figure class="growing"><img alt="the Gaussian avatar so far" src="{pieces.image_url(picture, 900)}">'
            f"<figcaption><b>The Gaussians so far</b><span>step {step}</span><span>error {losses[-1]:,.0f}</span>"
            f"{curve}</figcaption></figure>")


def splat_player(splats: Path, title: str, motion: str | None = None) -> str:
    """The viewer playing Gaussians, in a file that the app may serve."""
    page = splat_page(pieces.file_url(splats), script=pieces.file_url(SPLAT_SCRIPT), title=title, motion=motion)
    return pieces.framed(page, title)


def comparison(result: Result, title: str, motion: str | None = None) -> str:
    """The viewer with the result's mesh and Gaussians on the two sides of a slider."""
    page = compare_page(
        pieces.file_url(result.path(SPLATS)), pieces.file_url(result.path("avatar.glb")), motion=motion, title=title,
        script=pieces.file_url(SPLAT_SCRIPT), mesh_script=pieces.file_url(SCRIPT))
    return pieces.framed(page, title)


def viewer(result: Result, title: str, shown: str = "gaussian") -> str:
    """A result in the viewer: its Gaussians if it has any, its mesh, or both compared (values of :data:`SHOWN`)."""
    motion: Any = result.inputs.get("motion", "motion")
    if not result.has(SPLATS) or shown == "mesh":
        return pieces.player(result.path("avatar.glb"), title, motion)
    if shown == "compare":
        return comparison(result, title, motion)
    return splat_player(result.path(SPLATS), title, motion)
