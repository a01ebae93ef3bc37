"""Training of the distance field: exact distances, clean poses at zero, and rounds of mining what it gets wrong.

The loss is Pose-NDF's without its eikonal term (whose target of one contradicts a mean over joints): L1 to the true
distance, and the mean distance of clean poses. The weights kept are a running average. A run is a function of the data,
the configuration and the seed; stopped and resumed it ends in the same weights.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from humanav.errors import InputError
from humanav.parallel import Team
from humanav.posendf.config import PoseNDFConfig, TrainingConfig
from humanav.posendf.corrupt import MIX, axis_angle_noise, corrupt
from humanav.posendf.data import PoseData
from humanav.posendf.mining import Mined, Queries, broken_queries, mine, varied_poses, varied_queries
from humanav.posendf.model import PoseNDF
from humanav.posendf.nearest import PosePool
from humanav.progress import Progress

STATE = "state.pt"
STAGES = 3


@dataclass(frozen=True)
class Trained:
    """The end of a run.

    Attributes:
        field: for inference, with averaged weights.
        folder: where it lies.
        report: metrics, mining rounds, minutes: what ``config.json`` holds besides the model.
    """

    field: PoseNDF
    folder: Path
    report: dict[str, Any]


def train(config: PoseNDFConfig, *, resume: bool = False, minutes: float | None = None,
          progress: Progress | None = None) -> Trained:
    """Train on prepared data and write ``model.safetensors`` and ``config.json`` into the experiment's folder.

    Started in several processes (:mod:`humanav.parallel`), each takes its part of every batch, and the first alone
    mines, validates, writes and tells the progress; the weights are those of a single process but for rounding.

    Args:
        config: the run.
        resume: go on from where an earlier run of the same configuration in the same folder stopped.
        minutes: of processor time at most for the field, and for the restorer, instead of the configured numbers of
            steps; such a run cannot be repeated to the bit.
        progress: told of the steps; what cancels it leaves a state to resume from.

    Raises:
        InputError: no data there, or nothing to resume.
    """
    team = Team(config.training.device)
    progress = progress if progress is not None and team.main else Progress(STAGES)
    progress.next("Making queries")
    data = PoseData.load(config.data.folder)
    run = _Run(config, data.clean[data.clean_rows("train")], _prepared(data), minutes, team)
    folder = run.folder
    if resume:
        run.restore()
    progress.next("Training")
    try:
        while not run.done:
            run.advance()
            if run.step % config.training.log_every == 0:
                progress.update(run.part)
    finally:
        run.store()
        run.log.close()
    if not team.main:
        team.wait()
        return Trained(PoseNDF.load(folder), folder, {})
    field = run.averaged()
    report = {"training": config.to_dict(), "steps": run.step, "processor_minutes": round(run.seconds / 60, 2),
              "poses": len(run.clean), "mining": run.mined_report}
    validation = data.clean[data.clean_rows("validation")]
    if len(validation):
        report["validation"] = validate(field, run.pool, validation, config.experiment.seed)
    field.save(folder, report)
    if config.training.restorer_steps > 0:
        from humanav.posendf.restorer import fit_extras

        progress.next("Training the restorer")
        # prepared poses are followed by their mirror images, which the restorer makes itself
        single = run.clean[:len(run.clean) // 2] if data.manifest["options"]["mirror"] else run.clean
        fit_extras(single, folder, config.experiment.seed, steps=config.training.restorer_steps, minutes=minutes)
    team.wait()
    return Trained(PoseNDF.load(folder), folder, report)


def validate(field: PoseNDF, pool: PosePool, held_out: Tensor, seed: int = 0, count: int = 3000) -> dict[str, float]:
    """How a field does on people it has not seen.

    ``pearson`` and ``mae_rad`` are against the distance to the nearest real pose, trained on or held out, and
    ``pool_...`` against that to the nearest training pose; ``auc_noise_0.1`` ranks clean poses below the same with
    noise of 0.1 rad per axis; ``clean_rad`` is what the field says of clean poses.

    Args:
        pool: training poses.
        held_out: (N,21,4) poses of other people.
    """
    from scipy.stats import rankdata

    generator = Generator().manual_seed(seed + 77)
    sources = held_out[torch.randint(len(held_out), (count,), generator=generator)]
    asked = corrupt(sources, generator, kinds=MIX, others=held_out).quats
    with torch.no_grad():
        guess, clean = field(asked), field(sources)
        noisy = field(axis_angle_noise(sources, 0.1, generator)[0])
    trained = pool.nearest(asked)[0][:, 0]
    real = torch.minimum(trained, PosePool(held_out).nearest(asked)[0][:, 0])
    ranks = rankdata(torch.cat([clean, noisy]).numpy())
    auc = (ranks[count:].sum() - count * (count + 1) / 2) / count ** 2
    return {"pearson": _pearson(guess, real), "mae_rad": float((guess - real).abs().mean()),
            "pool_pearson": _pearson(guess, trained), "pool_mae_rad": float((guess - trained).abs().mean()),
            "auc_noise_0.1": float(auc), "clean_rad": float(clean.mean())}


def _prepared(data: PoseData) -> Queries:
    rows = data.query_rows("train")
    return Queries(data.queries[rows], data.distance[rows])


class _Run:
    """What changes while training, and how one step is made."""

    def __init__(self, config: PoseNDFConfig, clean: Tensor, prepared: Queries, minutes: float | None,
                 team: Team | None = None) -> None:
        if len(clean) < 2 or not len(prepared.quats):
            raise InputError("There are no training poses in this data: prepare it again with at least one subject "
                             "that trains.")
        self.config, self.plan, self.minutes = config, config.training, minutes
        self.team = team or Team(self.plan.device)
        self.own = self.team.share(self.plan.batch)
        self.team.share(self.plan.clean_batch)
        torch.set_num_threads(self.plan.threads)
        seed = config.experiment.seed
        torch.manual_seed(seed)
        self.folder = Path(config.experiment.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.device = self.team.device(_device(self.plan))
        self.field = PoseNDF(config.model).to(self.device)
        self.average = PoseNDF(config.model)
        self.average.load_state_dict(self.field.state_dict())
        self.optimizer = torch.optim.Adam(self.field.parameters(), self.plan.learning_rate, betas=(0.9, 0.99),
                                          weight_decay=self.plan.weight_decay)
        self.clean, self.pool = clean, PosePool(clean)
        made = Generator().manual_seed(seed + 1)
        broken = clean[torch.randint(len(clean), (config.data.broken,), generator=made)]
        part = int(0.4 * config.data.broken)  # so much of the broken limbs belongs to varied poses
        broken = torch.cat([varied_poses(clean, part, made), broken[part:]])
        self.sources = [prepared, varied_queries(clean, self.pool, config.data.varied, made),
                        broken_queries(broken, made), Queries(torch.zeros(0, 21, 4), torch.zeros(0))]
        self.generator = Generator().manual_seed(seed + 2)
        self.step, self.round, self.seconds = 0, 0, 0.0
        self.mined_report: list[dict[str, float]] = []
        self.log = _Log(self.folder if self.team.main else None)
        self._agreed = 0.0
        self._started = time.process_time()

    @property
    def part(self) -> float:
        """0..1 of the run."""
        if self.minutes is None:
            return self.step / self.plan.steps
        return self._agreed if self.team.count > 1 else self._spent()

    def _spent(self) -> float:
        """The part of the processor time that is used up."""
        assert self.minutes is not None
        return min((self.seconds + time.process_time() - self._started) / (60 * self.minutes), 1.0)

    def _agree(self) -> None:
        """Let all processes go by the first one's clock."""
        if self.minutes is not None and self.team.count > 1:
            self._agreed = self.team.agree(self._spent())

    @property
    def done(self) -> bool:
        return self.part >= 1

    def advance(self) -> None:
        """One step; a mining round before it when one is due."""
        plan, part = self.plan, self.part
        if self.round < plan.rounds and part >= (self.round + 1) / (plan.rounds + 1):
            self._mine()
        for group in self.optimizer.param_groups:
            group["lr"] = plan.learning_rate * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * part)))
        batches = [self._batch() for _ in range(self.config.model.members)]
        self.field.train()
        out = self.field.each(torch.stack([torch.cat([queries.quats, clean]) for queries, clean in batches])
                              .to(self.device))
        distance = torch.stack([queries.distance for queries, _ in batches]).to(self.device)
        error = (out[:, :self.own] - distance).abs().mean()
        zero = out[:, self.own:].mean()
        loss = plan.distance_weight * error + plan.clean_weight * zero
        self.optimizer.zero_grad(set_to_none=True)
        (len(batches) * loss).backward()  # each network learns as if it were alone
        self.team.average(self.field.parameters())
        self.optimizer.step()
        self.step += 1
        self._agree()
        with torch.no_grad():
            decay = min(plan.average, (1 + self.step) / (10 + self.step))
            for mean, value in zip(self.average.parameters(), self.field.parameters()):
                mean.lerp_(value.to(mean.device), 1 - decay)
        if self.step % plan.log_every == 0:
            self.log.write(self.step, {"loss": float(loss.detach()), "distance": float(error.detach()),
                                       "clean": float(zero.detach())})
        if self.step % plan.save_every == 0:
            self.store()

    def averaged(self) -> PoseNDF:
        """The averaged weights, for inference."""
        return self.average.eval()

    def store(self) -> None:
        """Write what :meth:`restore` needs. The first process alone."""
        now = time.process_time()
        self.seconds, self._started = self.seconds + now - self._started, now
        if not self.team.main:
            return
        mined = self.sources[3]
        part = self.folder / (STATE + ".tmp")
        torch.save({"field": self.field.state_dict(), "average": self.average.state_dict(),
                    "optimizer": self.optimizer.state_dict(), "generator": self.generator.get_state(),
                    "mined": mined.quats, "distance": mined.distance, "report": self.mined_report,
                    "step": self.step, "round": self.round, "seconds": self.seconds,
                    "config": self.config.to_dict()}, part)
        part.replace(self.folder / STATE)

    def restore(self) -> None:
        """Go back to what :meth:`store` wrote.

        Raises:
            InputError: nothing there, or of another configuration.
        """
        path = self.folder / STATE
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError) as error:
            raise InputError(f"There is nothing to resume in {self.folder.name}: start without --resume.") from error
        if state["config"]["model"] != self.config.to_dict()["model"]:
            raise InputError(f"The run in {self.folder.name} has another network: resume it with that configuration.")
        self.field.load_state_dict(state["field"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.sources[3] = Queries(state["mined"], state["distance"])
        self.mined_report, self.step, self.round = state["report"], state["step"], state["round"]
        self.seconds = state["seconds"]
        self._agree()

    def _batch(self) -> tuple[Queries, Tensor]:
        plan, shares = self.plan, [0.0, self.plan.varied, self.plan.broken, self.plan.mined]
        counts = [round(plan.batch * share) if len(source.quats) else 0
                  for share, source in zip(shares, self.sources)]
        counts[0] = plan.batch - sum(counts)
        drawn = [_draw(source, count, self.generator) for source, count in zip(self.sources, counts) if count]
        novel = round(plan.clean_batch * plan.clean_varied)
        clean = torch.cat([_rows(self.clean, plan.clean_batch - novel, self.generator),
                           varied_poses(self.clean, novel, self.generator)])
        if plan.clean_noise:
            sigma = plan.clean_noise * torch.rand(len(clean), generator=self.generator)
            clean = axis_angle_noise(clean, sigma, self.generator)[0]
        own = slice(self.team.index, None, self.team.count)  # all draw the same; each takes every so many-th
        queries = Queries(torch.cat([q.quats for q in drawn])[own], torch.cat([q.distance for q in drawn])[own])
        return queries, clean[own]

    def _mine(self) -> None:
        generator = Generator().manual_seed(self.config.experiment.seed + 100 + self.round)
        found: Mined = self.team.agree(
            mine(self.averaged(), self.clean, self.pool, self.plan.mined_starts, generator) if self.team.main else None)
        before = self.sources[3]
        self.sources[3] = Queries(torch.cat([before.quats, found.queries.quats]),
                                  torch.cat([before.distance, found.queries.distance]))
        self.round += 1
        self.mined_report.append({"step": self.step, "predicted_rad": round(found.predicted, 4),
                                  "true_rad": round(found.true, 4)})
        self.log.write(self.step, {"mined_true": found.true, "mined_predicted": found.predicted})


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


def _draw(queries: Queries, count: int, generator: Generator) -> Queries:
    rows = torch.randint(len(queries.quats), (count,), generator=generator)
    return Queries(queries.quats[rows], queries.distance[rows])


def _rows(poses: Tensor, count: int, generator: Generator) -> Tensor:
    return poses[torch.randint(len(poses), (count,), generator=generator)]


def _pearson(a: Tensor, b: Tensor) -> float:
    return float(np.corrcoef(a.double().numpy(), b.double().numpy())[0, 1])
