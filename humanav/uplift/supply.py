"""Training pairs made ahead of time by other processes, the same for a step whoever makes them."""

from __future__ import annotations

import multiprocessing
import os
import queue
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from humanav.errors import InputError
from humanav.uplift.config import UpliftConfig
from humanav.uplift.pairs import Pairs, PairSource
from humanav.uplift.prepared import read_clips

AHEAD = 3
"""Batches that each process keeps ready."""


class Supply:
    """Batches by number: a function of the configuration's seed and the step.

    Args:
        config: layout, length, noise, batch, seed and number of processes; with none, batches are made when asked for.
        cmu: the compact npz, or a folder that ``humanav uplift prepare`` wrote.

    Raises:
        InputError: no motion to train on.
    """

    def __init__(self, config: UpliftConfig, cmu: Path) -> None:
        self.config, self.cmu = config, cmu
        self._source = None if config.training.workers else make_source(config, cmu)
        self._workers: list[Any] = []
        self._queues: list[Any] = []
        self._next = -1

    def take(self, step: int) -> Pairs:
        """The batch of a step; steps are taken in order.

        Raises:
            InputError: the processes that make pairs have ended.
        """
        if self._source is not None:
            return step_batch(self._source, self.config, step)
        if step != self._next:
            self._start(step)
        self._next = step + 1
        index = step % len(self._queues)
        while True:
            try:
                values = self._queues[index].get(timeout=5)
                return Pairs(**{name: torch.from_numpy(value) for name, value in values.items()})
            except queue.Empty:
                if not self._workers[index].is_alive():
                    raise InputError("The process that makes training pairs has ended: look for its message above, or "
                                     "set training.workers to 0.") from None

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.terminate()
            worker.join(5)
        self._workers, self._queues, self._next = [], [], -1

    def _start(self, step: int) -> None:
        self.close()
        context, count = multiprocessing.get_context("spawn"), self.config.training.workers
        for index in range(count):
            first = step + (index - step) % count
            self._queues.append(context.Queue(AHEAD))
            self._workers.append(context.Process(
                target=_work, args=(self._queues[-1], self.config, self.cmu, first, count), daemon=True))
            self._workers[-1].start()


def make_source(config: UpliftConfig, cmu: Path) -> PairSource:
    """The pairs of the training subjects."""
    return PairSource(read_clips(cmu, "train"), config.model.keypoint_set, frames=config.data.frames,
                      noise=config.data.noise)


def step_batch(source: PairSource, config: UpliftConfig, step: int) -> Pairs:
    """The batch of a step."""
    source.generator.manual_seed(config.experiment.seed * 10_000_019 + step)
    return source.batch(config.training.batch)


def _work(out: Any, config: UpliftConfig, cmu: Path, first: int, stride: int) -> None:
    torch.set_num_threads(1)
    out.cancel_join_thread()  # nobody reads what is left when the parent has gone
    parent, source, step = os.getppid(), make_source(config, cmu), first
    while os.getppid() == parent:
        pairs = step_batch(source, config, step)
        values = {item.name: getattr(pairs, item.name).numpy() for item in fields(Pairs)}
        while os.getppid() == parent:  # an orphan ends
            try:
                out.put(values, timeout=5)
                break
            except queue.Full:
                continue
        step += stride
