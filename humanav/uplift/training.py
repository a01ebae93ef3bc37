"""Training of the uplift on pairs made on the fly, in float32 or bfloat16, to be stopped and resumed at will.

The weights kept are a running average. Pairs come from a process of their own; what they are depends on the seed and
the step alone, so that a run that was stopped and resumed sees the same pairs as one that was not.
"""

from __future__ import annotations

import json
import math
import time
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from humanav.errors import InputError
from humanav.parallel import Team
from humanav.progress import Progress
from humanav.uplift.config import TrainingConfig, UpliftConfig
from humanav.uplift.features import assumed_intrinsics, to_features
from humanav.uplift.losses import make_target, uplift_loss
from humanav.uplift.model import Uplift
from humanav.uplift.network import build_network
from humanav.uplift.pairs import Pairs
from humanav.uplift.pieces import pieces
from humanav.uplift.prepared import fingerprint
from humanav.uplift.skeleton import UpliftBody
from humanav.uplift.start import make_optimizers, warm_start
from humanav.uplift.supply import Supply
from humanav.uplift.validation import Validation
from humanav.uplift.variants import paper_loss

STATE, METRICS = "state.pt", "metrics.json"
STAGES = 2


@dataclass(frozen=True)
class Trained:
    """The end of a run.

    Attributes:
        uplift: for inference, with averaged weights.
        folder: where it lies.
        report: metrics of validation, data, minutes: what ``config.json`` holds besides the settings.
    """

    uplift: Uplift
    folder: Path
    report: dict[str, Any]


def train(config: UpliftConfig, *, cmu: str | Path | None = None, out: str | Path | None = None,
          minutes: float | None = None, resume: bool = False, progress: Progress | None = None) -> Trained:
    """Train a network and write ``model.safetensors``, ``config.json`` and ``metrics.json``.

    Started in several processes (:mod:`humanav.parallel`), each takes its share of every batch, with other pairs, and
    the first alone validates, writes and tells the progress.

    Args:
        config: the run.
        cmu: the compact npz of the CMU motion capture, or a folder that ``humanav uplift prepare`` wrote, instead of
            the configured one.
        out: the folder to write, instead of the configured one.
        minutes: of processor time at most, instead of the configured number of steps; such a run cannot be repeated to
            the bit.
        resume: go on from where an earlier run in the same folder stopped.
        progress: told of the steps; what cancels it leaves a state to resume from.

    Raises:
        InputError: no data, or nothing to resume.
    """
    team = Team(config.training.device)
    progress = progress if progress is not None and team.main else Progress(STAGES)
    progress.next("Reading motion")
    source = Path(cmu or config.data.folder or config.data.cmu or "cmu_subset.npz")
    run = _Run(config, source, Path(out or config.experiment.folder), minutes, team)
    if resume:
        run.restore()
    progress.next("Training")
    try:
        while not run.done:
            known = len(run.history)
            run.advance()
            if run.step % 20 == 0:
                progress.update(run.part)
            if len(run.history) > known:
                progress.show(", ".join(f"{name} {value:g}" for name, value in run.history[-1].items()))
    finally:
        run.close()
    return run.finish()


class _Run:
    """What changes while training, and how one step is made."""

    def __init__(self, config: UpliftConfig, cmu: Path, folder: Path, minutes: float | None,
                 team: Team | None = None) -> None:
        self.config, self.plan, self.folder, self.minutes = config, config.training, folder, minutes
        self.team = team or Team(self.plan.device)
        torch.set_num_threads(self.plan.threads)
        torch.manual_seed(config.experiment.seed)
        self.device = self.team.device(_device(self.plan))
        self.precision = _precision(self.plan, self.device)
        self.data = {"file": cmu.name, "sha256": fingerprint(cmu)}
        self.validation = Validation(cmu, config)
        own = replace(self.plan, batch=self.team.share(self.plan.batch))
        self.seed = config.experiment.seed + 1_000_033 * self.team.index  # each process has pairs of its own
        self.supply = Supply(replace(config.changed(seed=self.seed), training=own), cmu)
        folder.mkdir(parents=True, exist_ok=True)
        self.skeleton = UpliftBody()
        self.network = build_network(config)
        begin = getattr(self.network, "begin", None)
        if begin is not None:
            begin()
        if self.plan.init:
            warm_start(self.network, Path(self.plan.init), config.model.keypoint_set)
        self.network.to(self.device)
        self.average = deepcopy(self.network).requires_grad_(False)
        self.optimizers = make_optimizers(self.network, self.plan)
        self.step, self.seconds, self._started = 0, 0.0, time.process_time()
        self.history: list[dict[str, float]] = []
        self.means: dict[str, float] = {}
        self.log = _Log(folder if self.team.main else None)
        self._agreed = 0.0
        if self.team.index:
            torch.manual_seed(self.seed)  # the same weights, but other units dropped

    @property
    def part(self) -> float:
        """How much of the run is done."""
        if self.minutes is not None:
            return self._agreed if self.team.count > 1 else self._spent()
        return self.step / self.plan.steps

    def _spent(self) -> float:
        """The part of the processor time that is used up."""
        assert self.minutes is not None
        return (self.seconds + time.process_time() - self._started) / 60 / max(self.minutes, 1e-6)

    def _agree(self) -> None:
        """Let all processes go by the first one's clock."""
        if self.minutes is not None and self.team.count > 1:
            self._agreed = self.team.agree(self._spent())

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self.part >= 1

    def advance(self) -> None:
        """One step."""
        plan = self.plan
        rate = min(1.0, (self.step + 1) / max(plan.warmup, 1)) * (
            0.002 + 0.998 * (0.5 + 0.5 * math.cos(math.pi * min(self.part, 1.0))))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = plan.learning_rate * rate
        pairs = self.supply.take(self.step)
        generator = Generator().manual_seed(self.seed * 1_000_003 + self.step)
        self.network.train()
        self.network.zero_grad(set_to_none=True)
        clips = pieces(pairs, plan.single, generator)
        sizes = [clip.keypoints.shape[0] * clip.keypoints.shape[1] for clip in clips]
        for clip, size in zip(clips, sizes):
            share = size / sum(sizes)
            loss, parts = self._loss(clip, generator)
            (share * loss).backward()
            for name, value in parts.items():
                self.means[name] = self.means.get(name, 0.0) + share * value
        self.team.average(self.network.parameters(), sum(sizes))
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), plan.clip)
        self.means["gradient"] = self.means.get("gradient", 0.0) + float(norm)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self._agree()
        decay = min(plan.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1 - decay)
        if self.step % plan.log_every == 0:
            self.log.write(self.step, {name: value / plan.log_every for name, value in self.means.items()})
            self.means = {}
        if self.step % plan.validate_every == 0 and not self.done:
            self.validate()
        if self.step % plan.save_every == 0:
            self.store()

    def _loss(self, pairs: Pairs, generator: Generator) -> tuple[Tensor, dict[str, float]]:
        unknown = torch.rand(len(pairs.K), generator=generator) < self.plan.unknown_focal
        K = torch.where(unknown[:, None, None], assumed_intrinsics(pairs.size), pairs.K)
        features, ray = to_features(pairs.keypoints, K, ~unknown)
        target = make_target(pairs.root, pairs.body, pairs.betas, ray, self.skeleton)
        if self.config.model.kind == "transformer":
            return paper_loss(self.network, features.to(self.device), target, self.plan, self.skeleton)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            output = self.network(features.to(self.device))
        if self.device.type != "cpu":
            output = type(output)(*(None if value is None else value.float().cpu() for value in output))
        return uplift_loss(output, target, self.plan, self.skeleton)

    def validate(self) -> dict[str, float]:
        """How the averaged weights do on the validation subjects; kept in ``metrics.json``. The first process alone."""
        if not self.team.main:
            return {}
        now = time.process_time()
        numbers = {"step": self.step, "processor_minutes": round((self.seconds + now - self._started) / 60, 2),
                   **self.validation.measure(self.average)}
        self.history.append(numbers)
        self.log.write(self.step, {f"validation/{name}": value for name, value in numbers.items() if name != "step"})
        _write(self.folder / METRICS, json.dumps(self.history, indent=1))
        return numbers

    def finish(self) -> Trained:
        """The averaged weights and their report, stored."""
        report = {"data": self.data, "steps": self.step, "processor_minutes": round(self.seconds / 60, 2),
                  "parameters": sum(value.numel() for value in self.average.parameters()),
                  "validation": self.validate()}
        if self.team.main:
            Uplift(deepcopy(self.average).cpu(), self.config, report).save(self.folder)
        self.log.close()
        self.team.wait()
        return Trained(Uplift.load(folder=self.folder), self.folder, report)

    def close(self) -> None:
        """Store the state and end the process that makes pairs."""
        self.supply.close()
        self.store()

    def store(self) -> None:
        """Write what :meth:`restore` needs, and the averaged weights as they are. The first process alone."""
        now = time.process_time()
        self.seconds, self._started = self.seconds + now - self._started, now
        if not self.team.main:
            return
        part = self.folder / (STATE + ".tmp")
        torch.save({"network": self.network.state_dict(), "average": self.average.state_dict(),
                    "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                    "step": self.step, "seconds": self.seconds,
                    "history": json.dumps(self.history), "config": json.dumps(self.config.to_dict())}, part)
        part.replace(self.folder / STATE)

    def restore(self) -> None:
        """Go back to what :meth:`store` wrote.

        Raises:
            InputError: nothing there, or of another network.
        """
        try:
            state = torch.load(self.folder / STATE, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError) as error:
            raise InputError(f"There is nothing to resume in {self.folder.name}: start without --resume.") from error
        if json.loads(state["config"])["model"] != self.config.to_dict()["model"]:
            raise InputError(f"The run in {self.folder.name} has another network: resume it with that configuration.")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        for optimizer, values in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(values)
        self.step, self.seconds, self.history = state["step"], state["seconds"], json.loads(state["history"])
        self._agree()


class _Log:
    """Curves for tensorboard, where it is installed."""

    def __init__(self, folder: Path | None) -> None:
        self._writer: Any = None
        if folder is None:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._writer = SummaryWriter(str(folder / "logs"))

    def write(self, step: int, values: dict[str, float]) -> None:
        """Numbers of one step."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush."""
        if self._writer is not None:
            self._writer.close()


def _device(plan: TrainingConfig) -> torch.device:
    there = torch.cuda.is_available()
    if plan.device == "cuda" and not there:
        raise InputError("training.device is cuda, but torch finds no CUDA device here: use auto or cpu.")
    return torch.device("cuda" if there and plan.device != "cpu" else "cpu")


def _precision(plan: TrainingConfig, device: torch.device) -> torch.dtype:
    """bfloat16 where asked for, or where the processor multiplies it natively (twice as fast)."""
    if plan.precision != "auto":
        return torch.bfloat16 if plan.precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if torch.cpu.get_capabilities().get("avx512_bf16") else torch.float32


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".tmp")
    part.write_text(text + "\n")
    part.replace(path)
