"""A real Dask cluster of worker processes on this machine, one of them killed; and what is said without a cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from humanav.batch import BatchOptions, cluster, places, run_batch
from humanav.errors import HumanavError, InputError, MissingExtraError
from humanav.results import Result
from tests.batch.quick import write_clips
from tests.batch.test_pool import counts, kill_the_first

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def dask() -> Iterator[Any]:
    """A scheduler and two worker processes, each with a nanny that starts it anew when it ends."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
                                  scheduler_port=0) as found:
        yield found


def test_a_worker_killed_in_the_middle_loses_nothing_and_nothing_is_made_twice(dask: Any, tmp_path: Path) -> None:
    folder, out, killed = write_clips(tmp_path / "in", 4), tmp_path / "out", list[int]()
    (folder / "broken.bvh").write_text("HIERARCHY")
    before = {int(worker.process.pid) for worker in dask.workers.values()}
    thread = kill_the_first(out, killed)
    book = run_batch(folder, BatchOptions("denoise", cluster=dask.scheduler_address), out=out)
    thread.join(5)
    names = [f"take{number}" for number in range(1, 5)]
    assert killed[0] in before  # a worker of the cluster, and no other process
    assert (book.count("done"), book.count("failed")) == (4, 1)
    assert "of the cluster at tcp://" in book.workers
    assert counts(out, "published") == {"broken": 0} | dict.fromkeys(names, 1)
    assert sorted(counts(out, "begun").values()) in ([1, 1, 1, 1, 2], [1, 1, 1, 1, 1])  # the latter: just finished
    assert all(Result.load(out / name).id for name in names)
    assert not [path for path in out.iterdir() if path.name.startswith(".take")]
    again = run_batch(folder, BatchOptions("denoise", cluster=dask.scheduler_address, workers=1), out=out)
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
    folder = write_clips(tmp_path / "in", 1)
    monkeypatch.setattr(cluster, "_CONNECT", 0.5)
    with pytest.raises(InputError, match="cannot be reached: start its scheduler"):
        run_batch(folder, BatchOptions("denoise", cluster="tcp://127.0.0.1:9"), out=tmp_path / "out")
    with pytest.raises(InputError, match="cannot be reached"):
        run_batch(folder, BatchOptions("denoise", cluster="nonsense://x"), out=tmp_path / "out")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'humanav\[cluster\]'"):
        run_batch(folder, BatchOptions("denoise", cluster="tcp://127.0.0.1:9"), out=tmp_path / "out")


def test_lost_is_said() -> None:
    assert issubclass(InputError, HumanavError)
    assert "memory" in cluster._why(type("KilledWorker", (Exception,), {})("x"))
    assert "ValueError: x" in cluster._why(ValueError("x"))
