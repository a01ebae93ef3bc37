"""Frames by an image network for small GPUs: it paints what no photo saw, once, onto the mesh; frames are drawn of it.

The mesh is drawn from behind and from the sides; only the surface that no photo saw is painted, and becomes part of the
texture before the next side is drawn. So all frames show the same back, and labels are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from humanav.avatar.avatar import Avatar, Floats
from humanav.avatar.gaussian.cloth import ClothModel, looseness_of
from humanav.avatar.gaussian.diffusion_bake import painted
from humanav.avatar.gaussian.diffusion_frames import known_map
from humanav.avatar.gaussian.diffusion_models import Loaded
from humanav.avatar.gaussian.frames import TrainFrame
from humanav.avatar.gaussian.generators import LOOSE, PoseFrame, frame_camera
from humanav.avatar.gaussian.teacher import SyntheticTeacher, draw
from humanav.avatar.views import View
from humanav.camera import Camera
from humanav.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from humanav.progress import Progress

PROMPT = ("A photo of one person seen {side}, from head to toe, plain white background, even studio light, the same "
          "clothes and hair from all sides, sharp, natural colours")
NEGATIVE = "face on the back of the head, text, logo, watermark, extra limbs, painting, blurry"
SIDES = ((180.0, "from behind"), (120.0, "from behind and the side"), (-120.0, "from behind and the side"),
         (75.0, "from the side"), (-75.0, "from the side"))
"""Degrees round the person, in the order in which they are painted, and what the prompt says of them."""
_SMALLEST = 256  # pixels
_WORTH = 0.01
"""Least share of the person's pixels that must be unknown for a side to be painted."""


@dataclass(frozen=True)
class InpaintSettings:
    """How the sides are painted.

    Attributes:
        size: pixels of the square pictures, a multiple of 8. steps, guidance, strength: of the denoising.
        prompt: with ``{side}``. negative: in words.
    """

    size: int = 1024
    steps: int = 30
    guidance: float = 7.0
    strength: float = 0.99
    prompt: str = PROMPT
    negative: str = NEGATIVE

    def __post_init__(self) -> None:
        if self.size < 32 or self.size % 8:
            raise InputError("Painting needs pictures of a multiple of 8 pixels, 32 or more.")
        if not 0 < self.strength <= 1 or int(self.steps * self.strength) < 1:  # the pipeline takes that many steps
            raise InputError("Painting needs a strength above 0 and at most 1, and steps of which that share is at "
                             "least one.")


@dataclass(frozen=True)
class InpaintGenerator:
    """A :class:`~humanav.avatar.gaussian.generators.Generator` that completes the mesh's texture and draws it.

    Attributes:
        avatar: the person's mesh. loaded: the pipeline. settings: see there. cloth: how the clothes move in frames.
    """

    avatar: Avatar
    loaded: Loaded
    settings: InpaintSettings = InpaintSettings()
    cloth: ClothModel | None = None
    name: str = "inpaint"

    def generate(
        self, reference: View, pose_frames: Sequence[PoseFrame], *, seed: int = 0, progress: Progress | None = None
    ) -> list[TrainFrame]:
        """Paint what the photo does not show, then draw the wanted frames.

        When the GPU's memory runs out the painted pictures are halved, which is said; provenance tells their size.

        Raises:
            MissingExtraError: the memory does not do for the smallest pictures either, or the network's numbers
                overflow.
            Cancelled: the user stopped the job.
        """
        with self.loaded.at_work():
            complete, sides, settings = self._fitting(reference, seed, progress)
        about = {"generator": self.name, "model": self.loaded.model, "revision": self.loaded.revision, "seed": seed,
                 **asdict(settings), "sides": sides}
        cloth = self.cloth or looseness_of(complete, LOOSE, reference.motion.full_pose[0])
        frames = SyntheticTeacher(complete, cloth).generate(reference, pose_frames, seed=seed)
        return [replace(frame, provenance=about | {"frame": k}) for k, frame in enumerate(frames)]

    def _fitting(
        self, reference: View, seed: int, progress: Progress | None
    ) -> tuple[Avatar, list[float], InpaintSettings]:
        """What :meth:`completed` gives, and the settings that the memory sufficed for."""
        import torch

        maker = self
        while True:
            try:
                return *maker.completed(reference, seed=seed, progress=progress), maker.settings
            except torch.cuda.OutOfMemoryError as error:
                if maker.settings.size < 2 * _SMALLEST:
                    raise MissingExtraError("The GPU's memory does not do for painting: choose the generator "
                                            "'teacher'.") from error
            self.loaded.rest()  # only now: the error held on to what the network had in memory
            maker = replace(maker, settings=replace(maker.settings, size=maker.settings.size // 16 * 8))
            if progress is not None:
                progress.show(f"The GPU's memory ran out: sides are painted at {maker.settings.size} pixels.",
                              live=True)

    def completed(
        self, reference: View, *, seed: int = 0, progress: Progress | None = None
    ) -> tuple[Avatar, list[float]]:
        """The avatar with the sides that no photo saw painted, and which sides (degrees) these were."""
        import torch

        pose = np.array(reference.motion.full_pose[0], dtype=np.float32)
        pose[0] = 0  # upright, so that the sides are those of the person
        still, settings = np.zeros(3, np.float32), self.settings
        avatar, done = self.avatar, []
        for number, (yaw, words) in enumerate(SIDES):
            if progress is not None:
                progress.update(number / len(SIDES))
            camera = _square(frame_camera(avatar, pose, still, yaw, 0.0, settings.size), settings.size)
            vertices = avatar.pose(pose, still)
            rgb, alpha, _, _ = draw(avatar, vertices, camera)
            hole = _hole(known_map(avatar, vertices, camera), alpha)
            if (hole > 0.5).sum() < _WORTH * max(float((alpha > 0.5).sum()), 1.0):
                continue
            noise = torch.Generator("cpu").manual_seed((seed * 1009 + number) % 2**63)
            made = self._painted(rgb, alpha, hole, words, noise, progress, number)
            if not np.isfinite(made).all():
                raise MissingExtraError(f"{self.loaded.model} paints nothing in {self.loaded.dtype}: choose another "
                                        "model or the generator 'teacher'.")
            avatar = painted(avatar, pose, still, camera, made, hole)
            done.append(yaw)
        return avatar, done

    def _painted(
        self, rgb: Floats, alpha: Floats, hole: Floats, words: str, noise: Any, progress: Progress | None, number: int
    ) -> Floats:
        """The picture (H,W,3) 0..1 with its hole filled by the network, on white."""
        settings = self.settings
        shown = 1 - alpha[..., None] * (1 - rgb)
        picture = Image.fromarray(np.round(np.clip(shown, 0, 1) * 255).astype(np.uint8))

        def after(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
            if progress is not None:
                progress.update((number + (step + 1) / settings.steps) / len(SIDES))
            return values

        made = self.loaded.pipe(
            prompt=settings.prompt.format(side=words), negative_prompt=settings.negative, image=picture,
            mask_image=Image.fromarray(np.where(hole > 0.02, 255, 0).astype(np.uint8)), height=settings.size,
            width=settings.size, strength=settings.strength, num_inference_steps=settings.steps,
            guidance_scale=settings.guidance, generator=noise, output_type="np", callback_on_step_end=after)
        return np.asarray(made.images[0], dtype=np.float32)


def _hole(known: Floats, alpha: Floats) -> Floats:
    """(H,W) 0..1 what is to be painted: surface no photo saw, growing in over a few pixels from what is known."""
    unknown = ((known < 0.4) & (alpha > 0.5)).astype(np.float32)
    reach = max(1, round(0.004 * max(alpha.shape)))
    soft = np.asarray(cv2.GaussianBlur(unknown, (0, 0), reach), dtype=np.float32)
    return np.asarray(np.clip(2 * soft, 0, 1) * (alpha > 0), dtype=np.float32)


def _square(camera: Camera, size: int) -> Camera:
    """The camera with its picture in the middle of a square one."""
    left, top = (size - camera.width) // 2, (size - camera.height) // 2
    return camera.cropped(-left, -top, size, size)
