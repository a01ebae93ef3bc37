"""Generators of training frames by name: the synthetic teacher, video networks and an inpainting network.

A network that cannot be used here (package, GPU or weights missing) is replaced by the teacher, and a sentence says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from humanav.avatar.avatar import Avatar, Floats
from humanav.avatar.gaussian.cloth import looseness_of
from humanav.avatar.gaussian.diffusion_models import CARDS, Loaded, Offload, download_notice, load_pipeline, why_not
from humanav.avatar.gaussian.generators import LOOSE, Generator
from humanav.avatar.gaussian.teacher import SyntheticTeacher
from humanav.errors import InputError, MissingExtraError, StorageError

__all__ = ["GENERATORS", "best_generator", "download_notice", "make_generator", "why_not"]

GENERATORS = ("teacher", *CARDS)
"""What :func:`make_generator` takes."""


def make_generator(
    name: str, mesh: Avatar, *, own_pose: Floats | None = None, model: str | Path | None = None,
    revision: str | None = None, device: str | None = None, offload: Offload = "auto", local_only: bool = False,
    settings: Any = None, load: Callable[..., Loaded] = load_pipeline,
) -> tuple[Generator, str]:
    """A generator that is ready to be used; its network is loaded, and downloaded when need be.

    Show :func:`~humanav.avatar.gaussian.diffusion_models.download_notice` first.

    Args:
        name: one of :data:`GENERATORS`.
        mesh: the person's mesh avatar.
        own_pose: (55,3) the photo's pose, in which the clothes of the teacher's frames hang as they do in the photo.
        model, revision, device, offload, local_only: see
            :func:`~humanav.avatar.gaussian.diffusion_models.load_pipeline`.
        settings: :class:`~humanav.avatar.gaussian.diffusion_video.FilmSettings` or
            :class:`~humanav.avatar.gaussian.diffusion_inpaint.InpaintSettings`; the network's own by default.
        load: loads the pipeline.

    Returns:
        The generator, and a sentence to be shown when it is not the one asked for ("" else).

    Raises:
        InputError: no generator of that name, or settings of another one.
    """
    if name not in GENERATORS:
        raise InputError(f"There is no generator {name!r}: choose one of {', '.join(GENERATORS)}.")
    teacher = SyntheticTeacher(mesh, looseness_of(mesh, LOOSE, own_pose))
    if name == "teacher":
        return teacher, ""
    made, wanted = _kind(name)
    if settings is not None and not isinstance(settings, wanted):
        raise InputError(f"The generator {name!r} takes {wanted.__name__}, not {type(settings).__name__}.")
    try:
        loaded = load(name, model=model, revision=revision, device=device, offload=offload, local_only=local_only)
    except (MissingExtraError, StorageError) as error:
        return teacher, f"{error} The synthetic teacher makes the training frames meanwhile."
    options: dict[str, Any] = {} if settings is None else {"settings": settings}
    if name == "inpaint":
        options["cloth"] = teacher.cloth
    return made(mesh, loaded, **options), ""


def best_generator() -> str:
    """The generator that this machine's GPU can hold: VACE, else inpainting, else the teacher.

    Whether its weights are here is another matter: see
    :func:`~humanav.avatar.gaussian.diffusion_models.download_notice`.
    """
    if why_not("vace"):
        return "teacher"
    import torch

    total = torch.cuda.get_device_properties(0).total_memory / 1e9
    return next((name for name in ("vace", "inpaint") if total >= CARDS[name].part_gb), "teacher")


def _kind(name: str) -> tuple[Callable[..., Generator], type]:
    from humanav.avatar.gaussian.diffusion_inpaint import InpaintGenerator, InpaintSettings
    from humanav.avatar.gaussian.diffusion_video import AnimateGenerator, FilmSettings, VaceGenerator

    return {"vace": (VaceGenerator, FilmSettings), "animate": (AnimateGenerator, FilmSettings),
            "inpaint": (InpaintGenerator, InpaintSettings)}[name]
