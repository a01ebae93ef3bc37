"""A photo job whose person is known: neither detector nor fit has to run, and its films are short."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from humanav.avatar.gaussian.weights import diffuse
from humanav.body import BodyModel
from humanav.jobs import STAGES, photo
from humanav.jobs.sight import Sighting
from humanav.perception.describe import Coverage
from humanav.progress import Progress
from tests.avatar.gaussian.striped import hanging_arms, photographed, striped_mesh


def put_in_photos(patch: pytest.MonkeyPatch, body: BodyModel) -> None:
    """From now on the striped person of the Gaussian tests stands in every photo."""
    mesh = striped_mesh(body, 128)
    view = photographed(mesh, hanging_arms())
    report = SimpleNamespace(iou=0.9, reprojection_px=1.0, reprojection_pct_height=0.5, standing=True,
                             missing_parts=(), warnings=("One sentence.",))
    fit = SimpleNamespace(motion=view.motion, camera=view.camera, alpha=view.alpha, report=report)
    person: Any = None
    seen = Sighting("key", view.image, person, view.alpha, Coverage("whole body", "front", (), (), 180.0, ()))

    def looked(_: Any, progress: Progress, stages: tuple[str, str, str]) -> Sighting:
        for name in stages:
            progress.next(name)
        return seen

    def fitted(*arguments: Any) -> Any:
        arguments[-1].next(STAGES[3])
        return fit

    def built(*arguments: Any) -> Any:
        for name in STAGES[4:6]:
            arguments[-1].next(name)
        return mesh

    coarse = diffuse(body, cell=0.06, steps=20)
    patch.setattr(photo, "sight", looked)
    patch.setattr(photo, "fit_sighting", fitted)
    patch.setattr(photo, "_preview_body", lambda *_: None)
    patch.setattr(photo, "_build", built)
    patch.setattr(photo, "_turntable", lambda *_: None)
    patch.setattr(photo, "extra_motions", lambda *_: {})
    patch.setattr("humanav.avatar.gaussian.sampling.weight_field", lambda _: (coarse, None))
    patch.setattr("humanav.jobs.films.VIDEO_SECONDS", 0.1)
    patch.setattr("humanav.jobs.films.TURNTABLE_FPS", 1.0)
