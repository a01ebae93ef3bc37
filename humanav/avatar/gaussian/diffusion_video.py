"""Frames by video networks: films of the person that pass through the wanted poses, steered by our own body.

After PERSONA (Sim and Moon, ICCV 2025), whose frames are made by MimicMotion: bodies are known by construction, since
the control pictures are drawn from them. Here Wan-VACE (Jiang et al. 2025) or Wan-Animate make the pictures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from humanav.avatar.avatar import Avatar, Floats
from humanav.avatar.gaussian.diffusion_control import (
    Control,
    Pixels,
    control_picture,
    face_picture,
    reference_picture,
    skeleton_picture,
    warped,
)
from humanav.avatar.gaussian.diffusion_frames import expected, labelled, matched, person_alpha
from humanav.avatar.gaussian.diffusion_models import Loaded
from humanav.avatar.gaussian.diffusion_path import Canvas, Film, canvas_for, films, pose_stances, view_stance
from humanav.avatar.gaussian.frames import TrainFrame
from humanav.avatar.gaussian.generators import PoseFrame
from humanav.avatar.views import View
from humanav.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from humanav.progress import Progress

PROMPT = ("A photo of one person from head to toe, alone, turning and moving in place before a plain white background, "
          "even studio light, the same clothes, hair and face throughout, sharp, natural colours.")
NEGATIVE = ("background, scenery, shadow, text, watermark, several people, extra limbs, missing limbs, deformed hands, "
            "blurry, overexposed, painting, changing clothes")
_SMALLEST = 96 * 96


@dataclass(frozen=True)
class FilmSettings:
    """How films are made.

    Attributes:
        area: pixels of a picture. window: most frames of one film (4 k + 1). stride: frames from pose to pose (a
            multiple of 4, the networks' own step in time).
        steps, guidance: of the denoising. control: what steers VACE, "depth" or "pose" (a skeleton).
        strength: of the control, 1 = as trained.
        prompt, negative: in words.
    """

    area: int = 480 * 832
    window: int = 81
    stride: int = 4
    steps: int = 30
    guidance: float = 5.0
    control: Control = "depth"
    strength: float = 1.0
    prompt: str = PROMPT
    negative: str = NEGATIVE

    def __post_init__(self) -> None:
        if self.window % 4 != 1 or self.window < 5:
            raise InputError(f"A film has 4 k + 1 frames, 5 or more, not {self.window}.")
        if self.area < 32 * 32 or self.steps < 1:
            raise InputError("A film needs pictures of 1,024 pixels or more, and one step at least.")
        if self.control not in ("depth", "pose"):
            raise InputError(f"A film is steered by depth or pose, not {self.control!r}.")


@dataclass(frozen=True)
class FilmGenerator(ABC):
    """A :class:`~humanav.avatar.gaussian.generators.Generator` that makes films.

    Attributes:
        avatar: the person's mesh: bodies, control pictures and what the photo saw.
        loaded: the pipeline. settings: see there. name: for provenance.
    """

    avatar: Avatar
    loaded: Loaded
    settings: FilmSettings = field(default_factory=FilmSettings)
    name: str = ""

    def generate(
        self, reference: View, pose_frames: Sequence[PoseFrame], *, seed: int = 0, progress: Progress | None = None
    ) -> list[TrainFrame]:
        """The wanted frames, cut out of films that begin with the photo.

        When the GPU's memory runs out the pictures are halved, which is said; provenance tells their size.

        Raises:
            InputError: nothing is asked for, or a body is not in front of its camera.
            MissingExtraError: the memory does not do for the smallest pictures either.
            Cancelled: the user stopped the job.
        """
        if not pose_frames:
            raise InputError("No pose is asked for: there is nothing to generate.")
        photo, extent = view_stance(self.avatar, reference)
        stances, extents = pose_stances(self.avatar, pose_frames)
        reels = films(photo, stances, self.settings.window, self.settings.stride)
        frames: list[TrainFrame | None] = [None] * len(pose_frames)
        settings = self.settings
        with self.loaded.at_work():
            for number, film in enumerate(reels):
                pictures, canvas, used = self._made(reference, film, [extent, *extents], settings, seed, number,
                                                    _told(progress, number, len(reels)))
                if progress is not None and used != settings:
                    progress.show(f"The GPU's memory ran out: films are made at {canvas.width} x {canvas.height} "
                                  "pixels.", live=True)
                settings = used
                about = self._about(settings, canvas, seed) | {"film": number}
                for place, frame in self._frames(film, pictures, canvas, pose_frames, about):
                    frames[place] = frame
        return [frame for frame in frames if frame is not None]

    def _frames(
        self, film: Film, pictures: Floats, canvas: Canvas, wanted: Sequence[PoseFrame], about: dict[str, Any]
    ) -> Iterator[tuple[int, TrainFrame]]:
        """The wanted frames of a film's pictures, each with its place in the request."""
        looks = [expected(self.avatar, wanted[k]) for k in film.wanted.values()]
        found = [warped(pictures[f], canvas.camera(film.stances[f]), wanted[k].camera, 1.0)
                 for f, k in film.wanted.items()]
        found, gain = matched(found, looks)
        for (f, k), picture, look in zip(film.wanted.items(), found, looks):
            alpha = person_alpha(picture, look.alpha > 0.5)
            yield k, labelled(picture, alpha, wanted[k], look, about | {"gain": gain, "frame": f, "pose": k})

    def _made(
        self, reference: View, film: Film, extents: Sequence[Floats], settings: FilmSettings, seed: int, number: int,
        told: Callable[[float], None],
    ) -> tuple[Floats, Canvas, FilmSettings]:
        """A film's pictures (T,H,W,3) 0..1, their canvas, and the settings that the memory sufficed for."""
        import torch

        while True:
            canvas = canvas_for(extents, settings.area)
            # the seed's own generator on the CPU: the same noise on every device
            noise = torch.Generator("cpu").manual_seed((seed * 1009 + number) % 2**63)
            try:
                pictures = self._film(reference_picture(reference, self.avatar, canvas), film, canvas, settings, noise,
                                      told)
                # a network whose numbers overflowed draws black, in which nobody is found
                return np.nan_to_num(np.asarray(pictures, dtype=np.float32)), canvas, settings
            except torch.cuda.OutOfMemoryError as error:
                if settings.area < 4 * _SMALLEST:
                    raise MissingExtraError("The GPU's memory does not do for the smallest films: choose the generator "
                                            "'inpaint' or 'teacher'.") from error
            self.loaded.rest()  # only now: the error held on to what the networks had in memory
            settings = replace(settings, area=settings.area // 4)

    @abstractmethod
    def _film(
        self, photo: Pixels, film: Film, canvas: Canvas, settings: FilmSettings, noise: Any,
        told: Callable[[float], None],
    ) -> Floats:
        """The film's pictures (T,H,W,3) 0..1; ``photo`` is the person on white as the first frame shows them."""

    def _about(self, settings: FilmSettings, canvas: Canvas, seed: int) -> dict[str, Any]:
        return {"generator": self.name, "model": self.loaded.model, "revision": self.loaded.revision, "seed": seed,
                "prompt": settings.prompt, "negative": settings.negative, "steps": settings.steps,
                "guidance": settings.guidance, "size": [canvas.width, canvas.height]}


@dataclass(frozen=True)
class VaceGenerator(FilmGenerator):
    """Films by Wan-VACE: a control film, the photo on white as reference, and the photo again as the first frame."""

    name: str = "vace"

    def _film(
        self, photo: Pixels, film: Film, canvas: Canvas, settings: FilmSettings, noise: Any,
        told: Callable[[float], None],
    ) -> Floats:
        control = [control_picture(self.avatar, stance, canvas, settings.control) for stance in film.stances[1:]]
        video = [Image.fromarray(picture) for picture in (photo, *control)]
        # black: keep this frame, the photo; white: make it, by the control that lies there
        masks = [Image.new("L", video[0].size, 0 if k == 0 else 255) for k in range(len(video))]
        made = self.loaded.pipe(
            prompt=settings.prompt, negative_prompt=settings.negative, video=video, mask=masks,
            reference_images=[Image.fromarray(photo)], conditioning_scale=settings.strength, height=canvas.height,
            width=canvas.width, num_frames=len(video), num_inference_steps=settings.steps,
            guidance_scale=settings.guidance, generator=noise, output_type="np",
            callback_on_step_end=_steps(told, settings.steps))
        return np.asarray(made.frames[0])

    def _about(self, settings: FilmSettings, canvas: Canvas, seed: int) -> dict[str, Any]:
        return super()._about(settings, canvas, seed) | {"control": settings.control, "strength": settings.strength}


@dataclass(frozen=True)
class AnimateGenerator(FilmGenerator):
    """Films by Wan-Animate: the photo on white, a film of skeletons, and the photo's face, which stays as it is."""

    settings: FilmSettings = field(default_factory=lambda: FilmSettings(window=77, steps=20, guidance=1.0))
    name: str = "animate"

    def _film(
        self, photo: Pixels, film: Film, canvas: Canvas, settings: FilmSettings, noise: Any,
        told: Callable[[float], None],
    ) -> Floats:
        pipe = self.loaded.pipe
        poses = [Image.fromarray(skeleton_picture(self.avatar, stance, canvas.camera(stance)))
                 for stance in film.stances]
        size = int(pipe.transformer.config.motion_encoder_size)
        face = Image.fromarray(face_picture(photo, self.avatar, film.stances[0], canvas.camera(film.stances[0]), size))
        made = pipe(
            image=Image.fromarray(photo), pose_video=poses, face_video=[face] * len(poses), prompt=settings.prompt,
            negative_prompt=settings.negative, height=canvas.height, width=canvas.width,
            segment_frame_length=len(poses), num_inference_steps=settings.steps, mode="animate",
            guidance_scale=settings.guidance, generator=noise, output_type="np",
            callback_on_step_end=_steps(told, settings.steps))
        return np.asarray(made.frames[0])


def _told(progress: Progress | None, number: int, count: int) -> Callable[[float], None]:
    def tell(part: float) -> None:
        if progress is not None:
            progress.update((number + part) / count)

    return tell


def _steps(told: Callable[[float], None], steps: int) -> Callable[..., dict[str, Any]]:
    """A callback for pipelines: tells of each step, and lets a stopped job stop there."""
    def after(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        told((step + 1) / steps)
        return values

    return after
