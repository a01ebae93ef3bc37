"""The tests of humanav. Read before any of them, and before what starts threads."""

import os

_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
if _WORKERS:
    # Workers share the cores, and threads that wait for each other would burn them: each worker, and the programs and
    # notebooks that its tests start, takes its share of threads, which sleep while they wait.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _WORKERS)))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
