"""What a training run is told: dataclasses with the original's four sections, read from YAML.

An empty file is the shipped recipe. Every key may be left out; a key that does not exist is an error, because a
misspelt one would silently train something else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from humanav.errors import InputError
from humanav.motion.text import require_plain

WIDTHS = {"structured": (256, 512, 1024, 512, 256, 64), "fast": (256, 256, 256, 256)}
"""Hidden widths of the distance network: the paper's, and a small one that measures as well on our data."""
ACTIVATIONS = ("leaky_relu", "softplus", "silu")

Config = TypeVar("Config")


@dataclass(frozen=True)
class ModelConfig:
    """The network.

    Attributes:
        variant: "structured" (the paper's widths) or "fast".
        encoder: whether the kinematic structure encoder stands before the distance network.
        widths: hidden widths of the distance network; empty for the variant's own.
        activation: of hidden units: "leaky_relu", "softplus" or "silu".
        sharpness: beta of softplus hidden units.
        output_sharpness: beta of the softplus that keeps the output positive.
        members: how many such networks, trained each on batches of its own, whose mean the field is.
    """

    variant: str = "fast"
    encoder: bool = True
    widths: tuple[int, ...] = ()
    activation: str = "leaky_relu"
    sharpness: float = 20.0
    output_sharpness: float = 50.0
    members: int = 1

    def __post_init__(self) -> None:
        if self.variant not in WIDTHS:
            raise InputError(f"model.variant is {self.variant!r}: use one of {', '.join(WIDTHS)}.")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"model.activation is {self.activation!r}: use one of {', '.join(ACTIVATIONS)}.")
        widths = self.widths or WIDTHS[self.variant]
        if not all(isinstance(width, int) and width > 0 for width in widths):
            raise InputError("model.widths must be a list of positive whole numbers.")
        if not (isinstance(self.members, int) and self.members > 0):
            raise InputError("model.members must be a positive whole number.")
        object.__setattr__(self, "widths", tuple(widths))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for ``config.json``."""
        return {**asdict(self), "widths": list(self.widths)}


@dataclass(frozen=True)
class ExperimentConfig:
    """Where a run writes and which random numbers it draws."""

    name: str = "posendf"
    folder: str = "runs/posendf"
    seed: int = 0


@dataclass(frozen=True)
class TrainingConfig:
    """How it is trained.

    Attributes:
        steps: of the optimiser, over all rounds. Longer runs know distances better, and other people's poses worse.
        batch: queries per step, made up of the sources below.
        clean_batch: clean poses per step, whose distance should be zero.
        learning_rate, weight_decay: of Adam; the rate falls along a cosine.
        distance_weight, clean_weight: of the two losses.
        clean_varied: share of the clean poses that nobody took but people could (:func:`.mining.varied_poses`).
        clean_noise: most noise on clean poses, radians per axis: captures of other people are never as exact.
        average: decay of the averaged weights, which are what is kept.
        varied, broken, mined: shares of a batch drawn from queries round varied poses, from single broken limbs, and
            from mined false zeros; the prepared queries make up the rest.
        rounds: mining rounds, spread evenly over training.
        mined_starts: poses projected per mining round.
        device: "auto", "cpu" or "cuda".
        threads: of torch; one thread gives the same weights every time on one machine.
        log_every, save_every: in steps.
        restorer_steps: of the restorer, which comes with the mixture; 0 leaves both out.
    """

    steps: int = 5000
    batch: int = 512
    clean_batch: int = 160
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    distance_weight: float = 0.5
    clean_weight: float = 0.4
    clean_varied: float = 0.5
    clean_noise: float = 0.02
    average: float = 0.998
    varied: float = 0.3
    broken: float = 0.25
    mined: float = 0.02
    rounds: int = 1
    mined_starts: int = 4000
    device: str = "auto"
    threads: int = 1
    log_every: int = 200
    save_every: int = 1000
    restorer_steps: int = 7000

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.threads, self.log_every, self.save_every) < 1:
            raise InputError("training.steps, batch, threads, log_every and save_every must be at least 1.")
        if not 0 <= self.average < 1 or not 0 <= self.clean_varied <= 1:
            raise InputError("training.average must lie in [0, 1) and training.clean_varied in [0, 1].")
        if min(self.varied, self.broken, self.mined) < 0 or self.varied + self.broken + self.mined > 1:
            raise InputError("training.varied, broken and mined are shares of a batch: from 0 on, together at most 1.")
        if self.device not in ("auto", "cpu", "cuda"):
            raise InputError(f"training.device is {self.device!r}: use auto, cpu or cuda.")


@dataclass(frozen=True)
class DataConfig:
    """What it is trained on.

    Attributes:
        folder: what `humanav posendf prepare` wrote.
        varied: how many queries to make round varied poses.
        broken: how many poses to break limbs of.
    """

    folder: str = "data/posendf"
    varied: int = 60000
    broken: int = 200000


@dataclass(frozen=True)
class PoseNDFConfig:
    """The four sections."""

    experiment: ExperimentConfig = field(default_factory=ExperimentConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    data: DataConfig = field(default_factory=DataConfig)

    @classmethod
    def from_dict(cls, values: Any) -> PoseNDFConfig:
        """From plain values, as YAML gives them.

        Raises:
            InputError: a section or key that does not exist, or a value of the wrong type.
        """
        return from_sections(cls, values)

    @classmethod
    def load(cls, source: str | Path) -> PoseNDFConfig:
        """From a YAML file, or the name of one that comes with humanav: "fast" or "structured".

        Raises:
            InputError: no such file or name, not YAML, or an unknown key.
        """
        return cls.from_dict(read_yaml(source, Path(__file__).with_name("configs")))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "model": self.model.to_dict()}


def from_sections(kind: type[Config], values: Any) -> Config:
    """A dataclass of dataclasses from plain values, as YAML gives them; what is left out keeps its default.

    Raises:
        InputError: a section or key that does not exist, or a value of the wrong type.
    """
    sections = {section.name: section.default_factory for section in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(values, dict):
        raise InputError(f"The configuration must have the sections {', '.join(sections)}.")
    if unknown := [str(name) for name in values if name not in sections]:
        raise InputError(f"The configuration has no section {unknown[0]!r}: use {', '.join(sections)}.")
    return kind(**{name: _section(name, sections[name], part or {}) for name, part in values.items()})


def read_yaml(source: str | Path, folder: Path) -> Any:
    """The plain values of a YAML file, or of the one of that name in ``folder``.

    Raises:
        InputError: no such file or name, or not YAML.
    """
    import yaml

    path, shipped = Path(source), folder / f"{source}.yaml"
    if not path.is_file() and shipped.is_file():
        path = shipped
    try:
        text = path.read_text()
        require_plain(text)
        return yaml.safe_load(text) or {}
    except OSError as error:
        known = " or ".join(sorted(file.stem for file in folder.glob("*.yaml")))
        raise InputError(f"There is no configuration {source}: give a YAML file, or {known}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not valid YAML: check the indentation and the values.") from error


def _section(name: str, kind: Any, values: Any) -> Any:
    known = {item.name: item.default for item in fields(kind)}
    if not isinstance(values, dict):
        raise InputError(f"Section {name} of the configuration must hold keys and values.")
    chosen = {}
    for key, value in values.items():
        if key not in known:
            raise InputError(f"The configuration has no key {name}.{key}: use {', '.join(known)}.")
        wanted = type(known[key])
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        elif wanted is tuple and isinstance(value, list):
            value = tuple(value)
        if type(value) is not wanted:
            raise InputError(f"{name}.{key} in the configuration must be {_WORDS[wanted]}, not {value!r}.")
        chosen[key] = value
    return kind(**chosen)


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false",
          tuple: "a list of whole numbers"}
