"""The diffusion models that frames can be generated with: what they are, what using them costs, how they are loaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from humanav.errors import InputError, MissingExtraError, StorageError

if TYPE_CHECKING:
    import torch

Offload = Literal["auto", "none", "model", "sequential"]
INSTALL = "pip install 'humanav[generators]'"
_PACKAGES = ("diffusers", "transformers", "accelerate", "ftfy")
_GB = 1e9


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model before it is loaded.

    Attributes:
        title: in words. repo: on the Hugging Face hub. revision: the commit that is read, None for the newest.
        pipeline: the diffusers class. licence: in words.
        download_gb: what the first use fetches. memory_gb: of the GPU with everything on it, and part_gb with one
            network at a time; both reckoned from the weights' sizes in half precision, with room for the pictures.
        exact_vae: whether the pictures are decoded in float32, which Wan's pipelines expect and others do not bear.
        variant: of the weights' files.
    """

    title: str
    repo: str
    revision: str | None
    pipeline: str
    licence: str
    download_gb: float
    memory_gb: float
    part_gb: float
    exact_vae: bool = False
    variant: str | None = None


CARDS = {
    "vace": ModelCard("Wan 2.1 VACE 1.3B", "Wan-AI/Wan2.1-VACE-1.3B-diffusers", None, "WanVACEPipeline", "Apache-2.0",
                      19.0, 24.0, 14.0, True),
    "animate": ModelCard("Wan 2.2 Animate 14B", "Wan-AI/Wan2.2-Animate-14B-Diffusers", None, "WanAnimatePipeline",
                         "Apache-2.0", 82.3, 60.0, 42.0, True),
    "inpaint": ModelCard("Stable Diffusion XL inpainting 0.1", "diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
                         "115134f363124c53c7d878647567d04daf26e41e", "AutoPipelineForInpainting",
                         "CreativeML Open RAIL++-M, which allows commercial use and forbids harmful ones", 7.0, 10.0,
                         7.0, variant="fp16"),
}


@dataclass(frozen=True)
class Loaded:
    """A pipeline that is ready.

    Attributes:
        pipe: the diffusers pipeline. model: repository or folder. revision: the commit it was read at, "" for a folder.
        device, dtype, offload: where and how it computes.
    """

    pipe: Any
    model: str
    revision: str
    device: str
    dtype: str
    offload: str

    @contextmanager
    def at_work(self) -> Iterator[Any]:
        """The pipeline on its device; afterwards the GPU's memory is free for the training."""
        moves = self.offload == "none" and not self.device.startswith("cpu")
        if moves:
            self.pipe.to(self.device)
        try:
            yield self.pipe
        finally:
            if moves:
                self.pipe.to("cpu", silence_dtype_warnings=True)
            self.rest()

    def rest(self) -> None:
        """Give back what a call that failed left on the GPU."""
        import torch

        if self.offload == "model":  # a call that ends well does it itself
            self.pipe.maybe_free_model_hooks()
        torch.cuda.empty_cache()


def card_of(name: str) -> ModelCard:
    """Raises InputError when no model goes by the name."""
    if name not in CARDS:
        raise InputError(f"There is no generator {name!r} with a model: choose one of {', '.join(CARDS)}.")
    return CARDS[name]


def download_notice(name: str, model: str | Path | None = None) -> str:
    """What using a generator for the first time will do, to be shown before it: size, source, licence, memory.

    Raises:
        InputError: no generator of that name.
    """
    if name == "teacher":
        return "The synthetic teacher is part of humanav: nothing is downloaded."
    card = card_of(name)
    if model is not None:
        return f"Weights are read from {model}; its own licence holds. Nothing else is downloaded if it is a folder."
    where = "They are here already." if is_here(card) else \
        f"The first use downloads about {card.download_gb:.0f} GB to the Hugging Face cache."
    return (f"{card.title} ({card.repo}, licence: {card.licence}). {where} It needs a CUDA GPU with about "
            f"{card.part_gb:.0f} GB of memory, better {card.memory_gb:.0f} GB.")


def is_here(card: ModelCard) -> bool:
    """Whether the model lies in the cache already; a download that broke off does not count."""
    with suppress(Exception):  # whatever state a cache is in: then it is not here
        from huggingface_hub import try_to_load_from_cache

        index = try_to_load_from_cache(card.repo, "model_index.json", revision=card.revision)
        if isinstance(index, str):
            files = [file for file in Path(index).parent.rglob("*") if file.is_file()]
            return sum(file.stat().st_size for file in files) > 0.75 * card.download_gb * _GB
    return False


def why_not(name: str, device: str | None = None) -> str:
    """A sentence on what is missing for a generator here and what to do about it; "" when it can be tried."""
    card = card_of(name)
    lacking = [package for package in _PACKAGES if find_spec(package) is None]
    if lacking:
        return f"The generator {name!r} needs {', '.join(lacking)}: {INSTALL}."
    import torch

    if (device or "cuda").startswith("cuda") and not torch.cuda.is_available():
        return (f"The generator {name!r} needs a CUDA GPU with about {card.part_gb:.0f} GB of memory, and torch sees "
                "none here.")
    return ""


def load_pipeline(
    name: str, *, model: str | Path | None = None, revision: str | None = None, device: str | None = None,
    offload: Offload = "auto", local_only: bool = False,
) -> Loaded:
    """Load a generator's pipeline, downloading the weights when they are not in the cache.

    Args:
        name: a key of :data:`CARDS`.
        model: another repository, or a folder as ``save_pretrained`` writes it, for the same pipeline.
        revision: a branch, tag or commit of the repository; the card's own by default.
        device: "cuda", "cuda:1", "cpu"; the first GPU by default.
        offload: which networks wait in the main memory: none, all but the one at work, or their layers; "auto" goes by
            the GPU's free memory.
        local_only: download nothing.

    Raises:
        MissingExtraError: a package, the GPU or the weights are missing.
        StorageError: the disk has no room for the weights.
        InputError: no such name.
    """
    card = card_of(name)
    reason = why_not(name, device)
    if reason:
        raise MissingExtraError(reason)
    import diffusers
    import torch

    source = str(model or card.repo)
    folder = Path(source).is_dir()
    own = model is None or source == card.repo
    place = torch.device(device or "cuda")
    dtype = half(place, card)
    pinned = revision or (card.revision if own else None)
    if not folder and not local_only and own and not is_here(card):
        _check_room(card)
    precision = {"default": dtype, "vae": torch.float32} if card.exact_vae else dtype
    options: dict[str, Any] = {"dtype": precision, "use_safetensors": True}
    if not folder:
        options |= {"revision": pinned, "local_files_only": local_only}
    if own and card.variant:
        options["variant"] = card.variant
    kind = getattr(diffusers, card.pipeline, None)
    if kind is None:
        raise MissingExtraError(f"The installed diffusers {diffusers.__version__} has no {card.pipeline}: {INSTALL}.")
    try:
        with _quiet():
            pipe = kind.from_pretrained(source, **options)
        used = placed(pipe, place, offload, card)
    except Exception as error:  # a hub that is away, an unknown repository, a damaged file, too little memory
        raise MissingExtraError(f"The weights of {card.title} cannot be loaded from {source}: {_first_line(error)} "
                                f"Check the connection, or name a folder that holds them.") from error
    pipe.set_progress_bar_config(disable=True)
    return Loaded(pipe, source, "" if folder else _commit(source, pinned), str(place), str(dtype).split(".")[-1], used)


def half(device: torch.device, card: ModelCard) -> torch.dtype:
    """The precision for a device: float32 on the CPU; on a GPU what the model was released in.

    Wan's numbers exceed float16. The inpainting model's weights are float16, and its pipeline then decodes in float32
    by itself.
    """
    import torch

    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if card.exact_vae else torch.float16


def placed(pipe: Any, device: torch.device, offload: Offload, card: ModelCard) -> str:
    """Move a pipeline to its device, or set it to move its networks there one at a time; returns how."""
    import torch

    way: str = offload
    if device.type == "cpu":
        way = "none"
    elif offload == "auto":
        free = torch.cuda.mem_get_info(device)[0] / _GB
        way = "none" if free >= card.memory_gb else "model" if free >= card.part_gb else "sequential"
    if way == "model":
        pipe.enable_model_cpu_offload(device=device)
    elif way == "sequential":
        pipe.enable_sequential_cpu_offload(device=device)
    else:
        pipe.to(device)
    return way


def _check_room(card: ModelCard) -> None:
    from huggingface_hub.constants import HF_HUB_CACHE

    place = Path(HF_HUB_CACHE)
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free / _GB
    if free < card.download_gb + 1:
        raise StorageError(f"{card.title} needs {card.download_gb:.0f} GB of disk, and {free:.0f} GB are free: set "
                           "HF_HOME to a folder on a larger disk.")


def _commit(repo: str, revision: str | None) -> str:
    """The commit that lies in the cache for a revision, or the revision itself."""
    with suppress(Exception):
        from huggingface_hub import try_to_load_from_cache

        index = try_to_load_from_cache(repo, "model_index.json", revision=revision)
        if isinstance(index, str):
            return Path(index).parent.name
    return revision or "main"


def _first_line(error: Exception) -> str:
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return line[:200] + ("" if line.endswith(".") else ".")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the loading bars of diffusers and transformers, which a log would keep."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    modules = (diffusers_logging, transformers_logging)
    for module in modules:
        module.disable_progress_bar()
    try:
        yield
    finally:
        for module in modules:
            module.enable_progress_bar()
