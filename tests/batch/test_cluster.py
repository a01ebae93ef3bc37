"""A real Dask cluster of worker processes on this machine, one of them killed; and what is said without a cluster."""

from __future__ import annotations

import json
import queue
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from humanav.batch import BatchOptions, cluster, places, run_batch
from humanav.batch.value import Outcome, Task
from humanav.errors import HumanavError, InputError, MissingExtraError
from humanav.results import Result
from tests.batch.quick import use_quick, write_clips, write_texts
from tests.batch.test_pool import counts, kill_the_first

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def dask() -> Iterator[Any]:
    """A scheduler and two worker processes, each with a nanny that starts it anew when it ends."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
                                  scheduler_port=0) as found:
        yield found


def test_a_worker_killed_in_the_middle_loses_nothing_and_nothing_is_made_twice(dask: Any, tmp_path: Path) -> None:
    """With the real job, in the real processes of a real cluster."""
    folder, out, killed = write_clips(tmp_path / "in", 4), tmp_path / "out", list[int]()
    (folder / "broken.bvh").write_text("HIERARCHY")
    plan = BatchOptions("denoise", cluster=dask.scheduler_address)
    before = {int(worker.process.pid) for worker in dask.workers.values()}
    thread = kill_the_first(out, killed)
    book = run_batch(folder, plan, out=out)
    thread.join(5)
    names = [f"take{number}" for number in range(1, 5)]
    assert killed[0] in before  # a worker of the cluster, and no other process
    assert (book.count("done"), book.count("failed")) == (4, 1)
    assert "of the cluster at tcp://" in book.workers
    assert counts(out, "published") == {"broken": 0} | dict.fromkeys(names, 1)
    assert sorted(counts(out, "begun").values()) in ([1, 1, 1, 1, 2], [1, 1, 1, 1, 1])  # the latter: just finished
    assert all(Result.load(out / name).id for name in names)
    assert not [path for path in out.iterdir() if path.name.startswith(".take")]
    again = run_batch(folder, replace(plan, workers=1), out=out)
    assert (again.kept, again.count("failed")) == (4, 1)
    assert sum(counts(out, "published").values()) == 4


def test_workers_that_see_other_folders_or_another_humanav_are_refused(
    dask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.work(tmp_path).mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "__version__", "9.9")
        with pytest.raises(InputError, match=r"this machine 9\.9"):
            cluster.Cluster(dask.scheduler_address, tmp_path)
    real = Path.touch
    monkeypatch.setattr(Path, "touch", lambda path, *rest: None if path.name.startswith("mark-") else real(path, *rest))
    with pytest.raises(InputError, match="does not see"):
        cluster.Cluster(dask.scheduler_address, tmp_path)


def test_a_cluster_without_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_FIRST_WORKER", 0.2)
    places.work(tmp_path).mkdir()
    with (distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=None, scheduler_port=0) as empty,
          pytest.raises(InputError, match=r"has no workers: start some with dask worker tcp://")):
        cluster.Cluster(empty.scheduler_address, tmp_path)


def test_no_cluster_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_quick(monkeypatch)
    folder = write_texts(tmp_path / "in", a="good")
    monkeypatch.setattr(cluster, "_CONNECT", 0.5)
    with pytest.raises(InputError, match="cannot be reached: start its scheduler"):
        run_batch(folder, BatchOptions("denoise", cluster="tcp://127.0.0.1:9"), out=tmp_path / "out")
    with pytest.raises(InputError, match="cannot be reached"):
        run_batch(folder, BatchOptions("denoise", cluster="nonsense://x"), out=tmp_path / "out")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'humanav\[cluster\]'"):
        run_batch(folder, BatchOptions("denoise", cluster="tcp://127.0.0.1:9"), out=tmp_path / "out")


class Told:
    """A future of Dask, and a client that hands it out."""

    status = "finished"

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.outcome, self.waits = outcome, 0

    def add_done_callback(self, call: Callable[[Told], None]) -> None:
        self.waits += 1
        self.call = call

    def result(self, timeout: float) -> Outcome:
        if self.outcome is None:
            raise TimeoutError
        return self.outcome


def joined(future: Told, workers: int = 1) -> cluster.Cluster:
    """A cluster without one."""
    found = object.__new__(cluster.Cluster)
    found.address, found.most, found._running, found._ended = "tcp://x", None, {}, queue.SimpleQueue()
    found._counted, found._workers, found._worked = 0.0, workers, time.monotonic()
    found._client = SimpleNamespace(status="running", submit=lambda *_, **__: future,
                                    nthreads=lambda: dict.fromkeys(range(workers), 1))
    return found


def test_a_worker_that_is_lost_before_it_said_what_came_of_its_item() -> None:
    future = Told()
    found = joined(future)
    found.submit(Task("a", "denoise", "", ""))
    for status in ("lost", "pending", "finished"):  # of the latter nothing can be fetched
        future.status = status
        future.call(future)
        assert found.finished(0.01) == []
    assert future.waits == 4
    assert found.room == 0
    future.outcome = Outcome("a", "kept")
    future.call(future)
    assert [outcome.end for _, outcome in found.finished(0.01)] == ["kept"]
    found.submit(Task("a", "denoise", "", ""))
    future.status = "cancelled"
    future.call(future)
    with pytest.raises(HumanavError, match="connection to the cluster was lost"):
        found.finished(0.01)


def test_a_cluster_whose_workers_are_all_gone_ends_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_NO_WORKERS", 0.01)
    monkeypatch.setattr("humanav.batch.run._TICK", 0.02)
    use_quick(monkeypatch)
    folder = write_texts(tmp_path / "in", a="good")
    with pytest.raises(HumanavError, match="has had no workers"):
        run_batch(folder, BatchOptions("denoise"), out=tmp_path / "out", workers=joined(Told(), 0))
    assert json.loads((tmp_path / "out" / "batch.json").read_text())["counts"]["waiting"] == 1


def test_lost_is_said() -> None:
    gone = joined(Told())
    gone._client = SimpleNamespace(status="closed")
    with pytest.raises(HumanavError, match="connection to the cluster was lost"):
        gone.submit(Task("a", "denoise", "", ""))
    assert "memory" in cluster._why(type("KilledWorker", (Exception,), {})("x"))
    assert "ValueError: x" in cluster._why(ValueError("x"))
