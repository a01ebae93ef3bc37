"""Processes that train one network together, one for each GPU, by way of accelerate; a single one needs nothing of it.

They are started by ``accelerate launch -m humanav.cli ...``, by torchrun, or by ``--devices N`` on one machine.
Each process works on its share of every batch; gradients are averaged before each step, so that all hold the same
weights. One reduction of one vector does it: a step here has several backward passes of different shapes, for which the
wrapper around a network would have to be told which is the last.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from humanav.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import torch

_WAIT = timedelta(hours=12)
"""So long the others wait while the first process validates, mines or trains what is not shared."""
_STORING, _GRACE = 60.0, 5.0  # seconds to store what a run stopped by Ctrl-C has, and to end
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
"""Ctrl-C, a job system's or container's request to end, a closed terminal, Ctrl-\\."""


class Team:
    """This process among those that train together.

    Args:
        device: "auto", "cpu" or "cuda".

    Attributes:
        index, count: which of how many this is; 0 of 1 when it is alone.

    Raises:
        MissingExtraError: several were started, but accelerate is not installed.
        InputError: there are fewer GPUs than processes on this machine.
    """

    def __init__(self, device: str = "auto") -> None:
        self.index, self.count = rank(), int(os.environ.get("WORLD_SIZE", "1"))
        self._accelerator: Any = None
        if self.count < 2:
            self.index, self.count = 0, 1
            return
        try:
            from accelerate import Accelerator, InitProcessGroupKwargs
        except ImportError as error:
            raise MissingExtraError("Training in several processes needs accelerate: pip install "
                                    "'humanav[training]'.") from error
        import torch

        on_cpu = device == "cpu" or not torch.cuda.is_available()
        local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        if not on_cpu and local > torch.cuda.device_count():
            raise InputError(f"{local} processes were started where there are {torch.cuda.device_count()} GPUs: start "
                             "one for each GPU.")
        self._accelerator = Accelerator(cpu=on_cpu, mixed_precision="no",
                                        kwargs_handlers=[InitProcessGroupKwargs(timeout=_WAIT)])
        atexit.register(_part)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is trained so far is stored

    @property
    def main(self) -> bool:
        """Whether this is the process that writes files and tells the progress."""
        return self.index == 0

    def device(self, alone: torch.device) -> torch.device:
        """The device of this process; ``alone`` when there is no other."""
        return alone if self._accelerator is None else self._accelerator.device

    def share(self, batch: int) -> int:
        """How much of a batch this process works on. Raises InputError when it cannot be divided equally."""
        if batch % self.count:
            raise InputError(f"A batch of {batch} cannot be divided among {self.count} processes: choose a multiple of "
                             f"{self.count}.")
        return batch // self.count

    def average(self, parameters: Iterable[torch.nn.Parameter], weight: float = 1.0) -> None:
        """Replace every gradient by the mean of all processes', each counted ``weight`` times.

        Gradients that no process has stay absent.
        """
        if self._accelerator is None:
            return
        import torch

        trained = [value for value in parameters if value.requires_grad]
        device = trained[0].device
        there = torch.tensor([float(value.grad is not None) for value in trained] + [weight], device=device)
        parts = [(torch.zeros_like(value) if value.grad is None else value.grad).float().flatten() for value in trained]
        total = self._accelerator.reduce(torch.cat([weight * torch.cat(parts), there]), "sum")
        known, whole = total[-len(trained) - 1:-1].tolist(), total[-1]
        mean = total[:-len(trained) - 1] / whole
        for value, part, present in zip(trained, mean.split([len(part) for part in parts]), known, strict=True):
            value.grad = part.view_as(value).to(value.dtype) if present else None

    def agree(self, value: Any) -> Any:
        """The first process's value, on all of them."""
        if self._accelerator is None:
            return value
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]

    def wait(self) -> None:
        """Go on when all are here."""
        if self._accelerator is not None:
            self._accelerator.wait_for_everyone()


def _part() -> None:
    """At the end of the process: part from the others."""
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def rank() -> int:
    """The number of this process among those that were started together; 0 when it is alone."""
    return int(os.environ.get("RANK", "0"))


def launched() -> bool:
    """Whether this process was started together with others."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def launch(devices: int, words: Sequence[str]) -> int:
    """Run Python with ``words`` (such as ``["-m", "humanav.cli", ...]`` or a script) in so many processes.

    When one of them fails, the others are ended: they would wait for it. When this process is told to end, it ends all
    of them: they may store what they have, and those that still run some seconds later are killed.

    Returns:
        The exit code: 0, that of the first one that failed, or 128 and the number of the signal that ended all.

    Raises:
        MissingExtraError: accelerate is not installed.
        InputError: not a sensible number of processes.
        KeyboardInterrupt: Ctrl-C, once all have ended.
    """
    from importlib.util import find_spec

    if not 1 <= devices <= 64:
        raise InputError(f"Between 1 and 64 devices can train together, not {devices}.")
    if find_spec("accelerate") is None:
        raise MissingExtraError("--devices needs accelerate: pip install 'humanav[training]'.")
    common = {"WORLD_SIZE": str(devices), "LOCAL_WORLD_SIZE": str(devices), "MASTER_ADDR": "127.0.0.1",
              "MASTER_PORT": str(_free_port()), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    team: list[subprocess.Popen[bytes]] = []
    with _heard() as told:
        try:
            for index in range(devices):
                own = {"RANK": str(index), "LOCAL_RANK": str(index)}
                # a session of its own: Ctrl-C reaches this process alone, so that each of them is told once
                team.append(subprocess.Popen([sys.executable, *words], env=os.environ | common | own,
                                             start_new_session=True))
            code = _code(team, told)
        finally:
            _end(team, told)
    if signal.SIGINT in told:
        raise KeyboardInterrupt
    return 128 + told[0] if told else code


@contextmanager
def _heard() -> Iterator[list[int]]:
    """The signals that tell this process to end, as they come, instead of its end; not those it was started to ignore.
    """
    told: list[int] = []
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        before = {number: was for number in known if (was := signal.getsignal(number)) not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, lambda number, _: told.append(number))
    try:
        yield told
    finally:
        for number, was in before.items():
            signal.signal(number, was)


def _code(team: Sequence[subprocess.Popen[bytes]], told: Sequence[int]) -> int:
    """The exit code of all, as soon as it is known; 0 when told to end."""
    while not told:
        codes = [process.poll() for process in team]
        failed = next((code for code in codes if code), 0)
        if failed or None not in codes:
            return failed if failed >= 0 else 1  # ended by a signal
        time.sleep(0.1)
    return 0


def _end(team: Sequence[subprocess.Popen[bytes]], told: Sequence[int]) -> None:
    """End those that still run; a second signal does not wait."""
    def wait_for(some: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(told) < 2 and any(process.poll() is None for process in some):
            time.sleep(0.05)

    if not told:
        wait_for(team, _GRACE)  # most end by themselves, with the same sentence as the first
    for process in team:
        if process.poll() is None:
            process.terminate()
    wait_for(team[:1], _STORING if signal.SIGINT in told else _GRACE)  # which alone stores
    wait_for(team, _GRACE)
    for process in team:
        if process.poll() is None:
            process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
