"""Two processes that train together do what one does with the whole batch; one alone needs nothing of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from humanav import parallel
from humanav.cli import main
from humanav.errors import InputError, MissingExtraError
from humanav.parallel import Team
from humanav.posendf import training as posendf
from humanav.posendf.model import PoseNDF
from humanav.uplift import Uplift, motions
from humanav.uplift.pairs import Pairs
from tests.two_processes import BATCH, Prepared, few_poses, gradients, pose_plan, uplift_plan


@pytest.fixture
def cmu(tmp_path: Path) -> Path:
    """Clips of one subject that trains and one that validates."""
    rng, values = np.random.default_rng(0), dict[str, Any]()
    for name in ("01_01", "07_01"):
        values[f"pose/{name}"] = (0.2 * rng.normal(size=(1, 66)) + 0.02 * rng.normal(size=(40, 66)).cumsum(0)
                                  ).astype(np.float16)
        values[f"trans/{name}"] = np.zeros((40, 3), np.float32)
        values[f"ok/{name}"] = np.ones(40, bool)
    path = tmp_path / "clips.npz"
    np.savez(path, clip_names=["01_01", "07_01"], subjects=["01", "07"], duplicate_of_asf=[False, False], fps=30.0,
             **values)
    return path


def test_two_processes_train_as_one(cmu: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("accelerate")
    threads = torch.get_num_threads()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parent.parent))
    assert parallel.launch(2, ["-m", "tests.two_processes", str(tmp_path), str(cmu)]) == 0
    steps = [torch.load(tmp_path / f"step_{index}.pt", weights_only=True) for index in range(2)]

    # the gradients that both processes see are those of the whole batch
    shares = [step["pairs"] for step in steps]
    assert [len(share["K"]) for share in shares] == [BATCH // 2] * 2
    assert not torch.equal(shares[0]["root"], shares[1]["root"])  # other pairs in each
    whole = Pairs(**{name: torch.cat([share[name] for share in shares]) for name in shares[0]})
    monkeypatch.setattr(motions, "hand_made_runs", few_poses())
    alone, _ = gradients(uplift_plan(tmp_path / "alone", single=0.0, unknown_focal=0.0, clip=1e9), cmu, whole)
    assert alone.keys() == steps[0]["gradients"].keys()
    for name, value in alone.items():
        torch.testing.assert_close(steps[0]["gradients"][name], value, rtol=1e-4, atol=1e-6)
        assert torch.equal(steps[0]["gradients"][name], steps[1]["gradients"][name])

    # one checkpoint, by the first process
    assert Uplift.load(folder=tmp_path / "uplift").config.training.steps == 4
    assert {path.name for path in (tmp_path / "uplift").iterdir()} - {"logs"} == {
        "config.json", "metrics.json", "model.safetensors", "state.pt"}

    # a whole run of the field, with mining, ends in the weights of a single process
    monkeypatch.setattr(posendf.PoseData, "load", lambda folder: Prepared.make())
    posendf.train(pose_plan(tmp_path / "single"))
    one, two = (PoseNDF.load(tmp_path / name).state_dict() for name in ("single", "posendf"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=2e-5)
    torch.set_num_threads(threads)


def test_alone_nothing_is_done() -> None:
    team, value = Team(), torch.nn.Parameter(torch.ones(3))
    value.grad = torch.arange(3.0)
    team.average([value], 7.0)
    assert value.grad.tolist() == [0, 1, 2]
    assert (team.index, team.count, team.main, team.share(7), team.agree("x")) == (0, 1, True, 7, "x")
    assert team.device(torch.device("cpu")) == torch.device("cpu")
    team.wait()
    root = Path(parallel.__file__).parent
    asking = {(path.name, line[:1]) for path in root.rglob("*.py") for line in path.read_text().splitlines()
              if line.lstrip().startswith(("import accelerate", "from accelerate"))}
    assert asking == {("parallel.py", " ")}  # and only when there are several


def test_what_is_wrong_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="Between 1 and 64"):
        parallel.launch(0, [])
    team = Team()
    team.count = 3
    with pytest.raises(InputError, match="choose a multiple of 3"):
        team.share(20)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtraError, match="needs accelerate"):
        Team()


def test_one_that_fails_ends_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_GRACE", 0.2)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    code = "import os, time; rank = os.environ['RANK']; time.sleep(60) if rank == '0' else os._exit(3)"
    assert parallel.launch(2, ["-c", code]) == 3
    assert parallel.launch(1, ["-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"]) == 1
    assert parallel.launch(1, ["-c", "import os; assert os.environ['LOCAL_RANK'] == '0'"]) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_told_to_end_it_ends_the_others(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """The first stores what it has; the other one does not heed, and is killed."""
    each = ("import os, pathlib, signal, sys, time\n"
            "def store(*_): time.sleep(0.1); pathlib.Path('stored').touch(); sys.exit()\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN if os.environ['RANK'] == '1' else store)\n"
            "os.write(1, f'{os.getpid()}\\n'.encode()); time.sleep(20)")
    first = ("import importlib.util, sys; from humanav import parallel; parallel._GRACE = 0.5\n"
             f"importlib.util.find_spec = str; sys.exit(parallel.launch(2, ['-c', {each!r}]))")
    with subprocess.Popen(
            [sys.executable, "-c", first], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as parent:
        assert parent.stdout is not None
        children = [int(parent.stdout.readline()) for _ in range(2)]
        parent.send_signal(number)
        assert parent.wait(20) == code
    assert (tmp_path / "stored").is_file()
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_signals_are_heard_only_while_it_waits() -> None:
    numbers = [getattr(signal, name) for name in parallel._SIGNALS]
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    try:
        with parallel._heard() as told:
            for number in numbers:
                assert signal.getsignal(number) is not signal.SIG_DFL
                os.kill(os.getpid(), number)
            assert told == numbers
        assert {signal.getsignal(number) for number in numbers} == {signal.SIG_DFL}
    finally:
        for number, was in zip(numbers, before, strict=True):
            signal.signal(number, was)
    assert signal.SIGQUIT in numbers  # a terminal's Ctrl-\ does not reach the others: they are in sessions of their own


def test_a_resumed_run_knows_how_much_of_its_time_is_used_up(tmp_path: Path) -> None:
    team, data = Team(), Prepared.make()
    team.count = 2  # the other one is asked nothing

    def run() -> posendf._Run:
        return posendf._Run(pose_plan(tmp_path), data.clean, posendf._prepared(data), 10.0, team)

    first = run()
    first.seconds = 300.0
    first.store()
    other = run()
    other.restore()
    assert other.part == pytest.approx(0.5, abs=0.05)


def test_devices_start_the_same_verb_in_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[int, list[str]]] = []
    monkeypatch.setattr(parallel, "launch", lambda devices, words: started.append((devices, words)) or 3)
    with pytest.raises(SystemExit) as end:
        main(["uplift", "train", "--devices", "2", "--data", "x.npz", "--resume"])
    assert end.value.code == 3
    with pytest.raises(SystemExit):
        main(["posendf", "train", "--devices", "4", "--minutes", "2"])
    assert started == [
        (2, ["-m", "humanav.cli", "uplift", "train", "--config", "tcn", "--data", "x.npz", "--resume"]),
        (4, ["-m", "humanav.cli", "posendf", "train", "--config", "fast", "--minutes", "2.0"])]
