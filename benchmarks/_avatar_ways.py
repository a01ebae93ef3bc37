"""The avatars that are compared: made, posed and scored."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from _avatar_cases import Case, Picture
from _avatar_measures import Result, draw_gaussians, draw_mesh, score
from numpy.typing import NDArray

from humanav.avatar import Avatar, View, build_avatar
from humanav.avatar.gaussian import (
    Drift,
    GaussianAvatar,
    GaussianTraining,
    Generator,
    SyntheticTeacher,
    build_gaussian_avatar,
    from_mesh,
)
from humanav.avatar.gaussian.cloth import looseness_of
from humanav.avatar.gaussian.evaluation import fit_poses
from humanav.avatar.gaussian.frames import captured_frame
from humanav.body import BodyModel
from humanav.motion import Motion

ABLATIONS: dict[str, dict[str, Any]] = {
    "full": {},
    "without balanced sampling": {"balanced": False},
    "without geometry weighting": {"geometry_weighting": False},
    "without pose-driven deformation": {"pose_driven": False},
}
DRIFTING: dict[str, dict[str, Any]] = {
    **{name: ABLATIONS[name] for name in ("full", "without balanced sampling", "without geometry weighting")},
    "without both": {"balanced": False, "geometry_weighting": False},
}
DRIFT = Drift(color=0.08, blur=1.0, warp=2.0)
MOVING: dict[str, dict[str, Any]] = {
    name: ABLATIONS[name] for name in ("full", "without pose-driven deformation")}
_LOOSE = 0.5


@dataclass(frozen=True)
class Size:
    """How large a training is; None: as by default. No limit of time, so that a busy machine gets the same avatar.

    Attributes:
        count: of Gaussians. pixels: of the longer side of the training pictures. steps: of the training.
        generated: frames. texture: side of the mesh's. fit_pixels: of the person when poses are fitted;
            fit_repeats: steps of each pass of that.
    """

    count: int | None = None
    pixels: int | None = None
    steps: int | None = None
    generated: int | None = None
    texture: int = 1024
    fit_pixels: int = 256
    fit_repeats: int = 10

    def settings(self, **changes: Any) -> GaussianTraining:
        """Of the training."""
        if self.steps is not None:
            changes = {"steps": self.steps, **changes}
        return GaussianTraining(minutes=None, **changes)

    def options(self) -> dict[str, Any]:
        """Of :func:`build_gaussian_avatar`."""
        given = {"count": self.count, "generated": self.generated, "size": self.pixels}
        return {name: value for name, value in given.items() if value is not None}


FULL = Size()
SMALL = Size(count=15_000, pixels=384, steps=400)
"""Of the ablations, which are compared among themselves."""
TINY = Size(count=1200, pixels=96, steps=12, generated=4, texture=256, fit_pixels=64, fit_repeats=2)


@dataclass(frozen=True)
class Setting:
    """What an avatar is made of: the mesh, the views, and what it is compared with.

    Attributes:
        mesh: built of some of the views. betas: of the body in the views.
        pictures: to be compared with. fit: whether their poses are fitted to them first, with the avatar frozen.
    """

    mesh: Avatar
    views: tuple[View, ...]
    pictures: tuple[Picture, ...]
    fit: bool


def one_photo(case: Case, size: Size) -> Setting:
    """From the photo, with the true body, camera and cut-out."""
    mesh = build_avatar([case.photo], case.betas, BodyModel.load(), texture_size=size.texture)
    return Setting(mesh, (case.photo,), case.photo_held, False)


def moving(case: Case, size: Size, meshed: int = 8) -> Setting:
    """From pictures of the person in many poses, with the true body and camera: they show what poses do to clothes."""
    views = [View(p.rgb, p.alpha, p.camera, Motion.from_full_pose(
        p.full_pose[None], 30.0, p.transl[None], case.betas, case.photo.motion.expression)) for p in case.moving]
    mesh = build_avatar(views[::max(1, len(views) // meshed)], case.betas, BodyModel.load(), texture_size=size.texture)
    return Setting(mesh, tuple(views), case.photo_held, False)


def tracked_clip(case: Case, size: Size, mode: str = "accurate", count: int = 24, meshed: int = 8) -> Setting:
    """From frames of the clip, followed and cut out by the tracker; the mesh is built of some of them as well.

    The tracker's foot lock is off: it takes the quick small steps of a person who turns on the spot for standing.
    """
    from humanav.jobs.track import TrackOptions, track_video
    from humanav.jobs.track_views import track_views

    K = case.clip_camera.K
    told = TrackOptions(mode=mode, camera=(K[0, 0], K[1, 1], K[0, 2], K[1, 2]),  # type: ignore[arg-type]
                        height=case.stature, lock_feet=False)
    with tempfile.TemporaryDirectory() as folder:
        track_video(case.clip, out=Path(folder) / "track", options=told)
        views = track_views(Path(folder) / "track", count=count)
    return from_views(case, views, size, meshed)


def from_views(case: Case, views: Sequence[View], size: Size, meshed: int = 8) -> Setting:
    """From views of the clip."""
    body = BodyModel.load()
    betas = views[0].motion.betas
    some = [views[k] for k in np.unique(np.linspace(0, len(views), meshed, endpoint=False).astype(int))]
    mesh = build_avatar(some, betas, body, texture_size=size.texture)
    # the true poses on the tracked body, pelvis on pelvis, are where the fit begins
    shift = (body.rest(case.betas)[1][0] - body.rest(betas)[1][0]).numpy()
    pictures = tuple(replace(p, transl=(p.transl + shift).astype(np.float32)) for p in case.clip_held)
    return Setting(mesh, tuple(views), pictures, True)


def mesh_result(setting: Setting, size: Size) -> Result:
    """Of the mesh; where poses are fitted, with the Gaussians that lie on it."""
    pictures = setting.pictures
    if setting.fit:
        untrained = from_mesh(setting.mesh) if size.count is None else from_mesh(setting.mesh, size.count)
        pictures = fitted(untrained, pictures, size)
    return Result(score(draw_mesh(setting.mesh), pictures))


def gaussian_result(setting: Setting, size: Size, generator: Generator | None = None, **changes: Any) -> Result:
    """Of a Gaussian avatar trained with changed settings."""
    avatar, seconds, cpu = trained(setting, size, generator, **changes)
    pictures = fitted(avatar, setting.pictures, size) if setting.fit else setting.pictures
    return Result(score(draw_gaussians(avatar), pictures), seconds, cpu)


def trained(
    setting: Setting, size: Size, generator: Generator | None = None, **changes: Any
) -> tuple[GaussianAvatar, float, float]:
    """The avatar, and the wall and process seconds it took from mesh and views."""
    start, process = time.perf_counter(), time.process_time()
    built = build_gaussian_avatar(setting.mesh, setting.views, size.settings(**changes), generator=generator,
                                  **size.options())
    return built.trained.avatar, time.perf_counter() - start, time.process_time() - process


def drifting_teacher(setting: Setting) -> SyntheticTeacher:
    """The teacher whose pictures stray from the person as those of real generators do."""
    pose = setting.views[0].motion.full_pose[0]
    return SyntheticTeacher(setting.mesh, looseness_of(setting.mesh, _LOOSE, pose), DRIFT)


def fitted(avatar: GaussianAvatar, pictures: Sequence[Picture], size: Size) -> tuple[Picture, ...]:
    """The pictures with the poses in which the frozen avatar comes nearest to them (PERSONA's protocol)."""
    frames = [captured_frame(View(p.rgb, p.alpha, p.camera, _motion(p, avatar.betas))) for p in pictures]
    found = fit_poses(avatar, [replace(frame, expression=None) for frame in frames], repeats=size.fit_repeats,
                      size=size.fit_pixels)
    return tuple(replace(p, full_pose=frame.full_pose, transl=frame.transl)
                 for p, frame in zip(pictures, found, strict=True))


def _motion(picture: Picture, betas: NDArray[Any]) -> Motion:
    return Motion.from_full_pose(picture.full_pose[None], 30.0, picture.transl[None], betas)
