"""What each of two processes of tests/test_parallel.py does: the gradients of one step, and whole runs."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from humanav.parallel import Team, rank
from humanav.posendf import training as posendf
from humanav.posendf.config import DataConfig as PoseData
from humanav.posendf.config import ExperimentConfig as PoseExperiment
from humanav.posendf.config import ModelConfig as PoseModel
from humanav.posendf.config import PoseNDFConfig
from humanav.posendf.config import TrainingConfig as PoseTraining
from humanav.uplift import motions
from humanav.uplift import training as uplift
from humanav.uplift.config import DataConfig, ExperimentConfig, ModelConfig, TrainingConfig, UpliftConfig
from tests.posendf.test_training import Prepared

BATCH = 8


def uplift_plan(folder: Path, **training: Any) -> UpliftConfig:
    model = ModelConfig(width=24, dilations=(1,), lifting=1, refine=(1,), keypoint_set="coco17")
    plan = TrainingConfig(steps=4, batch=BATCH, warmup=2, threads=1, workers=0, precision="float32", log_every=2,
                          validate_every=100, save_every=2, device="cpu")
    return UpliftConfig(ExperimentConfig("test", str(folder)), model, replace(plan, **training), DataConfig(frames=16))


def pose_plan(folder: Path) -> PoseNDFConfig:
    return PoseNDFConfig(
        PoseExperiment(folder=str(folder)), PoseModel(widths=(32, 32)),
        PoseTraining(steps=12, batch=32, clean_batch=8, learning_rate=0.005, average=0.5, rounds=1, mined_starts=8,
                     log_every=5, save_every=5, restorer_steps=0, device="cpu"), PoseData(varied=60, broken=60))


def few_poses() -> Any:
    """Instead of ``hand_made_runs``, whose many poses take longer than all the rest."""
    from humanav.uplift.motions import hand_made_runs

    return partial(hand_made_runs, 1, 20)


def gradients(plan: UpliftConfig, cmu: Path, pairs: Any = None) -> tuple[dict[str, torch.Tensor], Any]:
    """The gradients of the first step, as the optimiser would see them, and the pairs that they come from."""
    run = uplift._Run(plan, cmu, Path(plan.experiment.folder), None)
    pairs = pairs or run.supply.take(0)
    run.supply.take = lambda step: pairs  # type: ignore[method-assign]
    run.optimizers = []
    run.advance()
    return {name: value.grad.clone() for name, value in run.network.named_parameters() if value.grad is not None}, pairs


def main(folder: Path, cmu: Path) -> None:
    """Both processes run this; files that the first leaves are looked at by the test."""
    motions.hand_made_runs = few_poses()
    plain = uplift_plan(folder / "gradient", single=0.0, unknown_focal=0.0, clip=1e9)
    found, pairs = gradients(plain, cmu)
    torch.save({"gradients": found, "pairs": asdict(pairs)}, folder / f"step_{rank()}.pt")
    if rank():
        def refuse(*_: Any) -> None:
            raise AssertionError("only the first process writes")

        torch.save = refuse
        uplift._write = refuse
        Path.write_text = refuse  # type: ignore[assignment,method-assign]
    done = uplift.train(uplift_plan(folder / "uplift"), cmu=cmu)
    assert (done.report["validation"] == {}) == bool(rank())
    posendf.PoseData.load = lambda folder: Prepared.make()  # type: ignore[assignment,method-assign,misc]
    posendf.train(pose_plan(folder / "posendf"))
    assert Team("cpu").count == 2
    try:  # a request to end is like Ctrl-C: what is trained so far is stored
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        raise AssertionError("it went on")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
