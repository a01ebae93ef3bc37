"""What a training run of the uplift is told: dataclasses in four sections, read from YAML.

Every key may be left out; a key that does not exist is an error, because a misspelt one would silently train something
else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.posendf.config import from_sections, read_yaml

KINDS = ("tcn", "transformer")


@dataclass(frozen=True)
class ModelConfig:
    """The network.

    Attributes:
        kind: "tcn" (dilated convolutions, fast on a CPU) or "transformer" (the paper's network).
        variant: of the transformer: "N-RM-2", "S-AA-3", "V-2" or "PS-AA-3"; the TCN has none.
        keypoint_set: the layout it reads.
        width: channels, of the TCN or of the transformer's frames.
        dilations: of the TCN's temporal blocks, one each; with kernels of 3 frames the field is 1 + 2 * their sum.
        lifting: blocks of the TCN that see one frame, before the temporal ones.
        refine: dilations of the temporal blocks that see the first estimate as a posed body; empty for no second look.
        dropout: of hidden units.
        frames: window of the transformer, a power of 3.
        spatial: channels of a keypoint in the transformer.
        depth: blocks of its spatial and of its temporal stage.
        heads: of its attention.
        pose_decoder: folder or file of the pose decoder that V-2 trains with (ours, or VPoser's); empty for the
            shipped one.
    """

    kind: str = "tcn"
    variant: str = ""
    keypoint_set: str = "blazepose33"
    width: int = 256
    dilations: tuple[int, ...] = (1, 3, 9)
    lifting: int = 2
    refine: tuple[int, ...] = (1, 3, 9)
    dropout: float = 0.0
    frames: int = 27
    spatial: int = 32
    depth: int = 4
    heads: int = 8
    pose_decoder: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"model.kind is {self.kind!r}: use one of {', '.join(KINDS)}.")
        if self.keypoint_set not in KEYPOINT_SETS:
            raise InputError(f"model.keypoint_set is {self.keypoint_set!r}: use one of {', '.join(KEYPOINT_SETS)}.")
        if not all(isinstance(d, int) and d > 0 for d in (*self.dilations, *self.refine)):
            raise InputError("model.dilations and model.refine must be lists of positive whole numbers.")
        if min(self.width, self.frames, self.spatial, self.depth, self.heads) < 1:
            raise InputError("model.width, frames, spatial, depth and heads must be positive.")
        if self.lifting < 0 or not 0 <= self.dropout < 1:
            raise InputError("model.lifting must be at least 0 and model.dropout in [0, 1).")
        object.__setattr__(self, "dilations", tuple(self.dilations))
        object.__setattr__(self, "refine", tuple(self.refine))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for ``config.json``."""
        return {**asdict(self), "dilations": list(self.dilations), "refine": list(self.refine)}


@dataclass(frozen=True)
class ExperimentConfig:
    """Where a run writes and which random numbers it draws."""

    name: str = "tcn"
    folder: str = "runs/uplift"
    seed: int = 0


@dataclass(frozen=True)
class TrainingConfig:
    """How it is trained.

    Attributes:
        steps: of the optimiser.
        batch: clips per step.
        optimizer: "adamw", or "muon" for the weights of the TCN's blocks.
        learning_rate, weight_decay: of it; the rate rises over ``warmup`` steps and falls along a cosine.
        clip: largest norm of a gradient.
        average: decay of the averaged weights, which are what is kept.
        joints, rotations, turned, velocity, image, error: weights of the losses (:mod:`.losses`).
        single: share of the clips seen as single frames or short pieces.
        unknown_focal: share of the clips whose camera the network is not told.
        init: folder of a checkpoint to start from, of any layout: what both have is copied.
        device: "auto", "cpu" or "cuda".
        threads: of torch.
        workers: processes that make pairs; 0 makes them in turn with the steps.
        precision: "auto" (bfloat16 where the processor multiplies it, else float32), "float32" or "bfloat16".
        log_every, validate_every, save_every: in steps.
    """

    steps: int = 12000
    batch: int = 20
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: int = 200
    clip: float = 1.0
    average: float = 0.999
    joints: float = 2.0
    rotations: float = 0.3
    turned: float = 0.2
    velocity: float = 1.0
    image: float = 0.0
    error: float = 0.02
    single: float = 0.2
    unknown_focal: float = 0.3
    init: str = ""
    device: str = "auto"
    threads: int = 2
    workers: int = 1
    precision: str = "auto"
    log_every: int = 100
    validate_every: int = 1000
    save_every: int = 500

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.threads, self.log_every, self.validate_every, self.save_every) < 1:
            raise InputError("training.steps, batch, threads, log_every, validate_every and save_every must be at "
                             "least 1.")
        if not 0 <= self.average < 1 or not 0 <= self.single <= 1 or not 0 <= self.unknown_focal <= 1:
            raise InputError("training.average must lie in [0, 1), single and unknown_focal in [0, 1].")
        if self.optimizer not in ("adamw", "muon"):
            raise InputError(f"training.optimizer is {self.optimizer!r}: use adamw or muon.")
        if self.device not in ("auto", "cpu", "cuda"):
            raise InputError(f"training.device is {self.device!r}: use auto, cpu or cuda.")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise InputError(f"training.precision is {self.precision!r}: use auto, float32 or bfloat16.")


@dataclass(frozen=True)
class DataConfig:
    """What it is trained on.

    Attributes:
        cmu: the compact npz of the CMU motion capture database.
        folder: what ``humanav uplift prepare`` wrote, instead.
        frames: length of a clip.
        noise: level of the detector's noise; 1 is what was measured.
    """

    cmu: str = ""
    folder: str = ""
    frames: int = 64
    noise: float = 1.0


@dataclass(frozen=True)
class UpliftConfig:
    """The four sections."""

    experiment: ExperimentConfig = field(default_factory=ExperimentConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    data: DataConfig = field(default_factory=DataConfig)

    @classmethod
    def from_dict(cls, values: Any) -> UpliftConfig:
        """From plain values, as YAML gives them.

        Raises:
            InputError: a section or key that does not exist, or a value of the wrong type.
        """
        return from_sections(cls, values)

    @classmethod
    def load(cls, source: str | Path) -> UpliftConfig:
        """From a YAML file, or the name of one that comes with humanav, such as "tcn".

        Raises:
            InputError: no such file or name, not YAML, or an unknown key.
        """
        return cls.from_dict(read_yaml(source, Path(__file__).with_name("configs")))

    def changed(self, *, init: str | Path | None = None, seed: int | None = None) -> UpliftConfig:
        """The same run from other weights, or with other random numbers."""
        training = self.training if init is None else replace(self.training, init=str(init))
        experiment = self.experiment if seed is None else replace(self.experiment, seed=seed)
        return replace(self, training=training, experiment=experiment)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "model": self.model.to_dict()}
