"""A page that is closed, or a program that goes away, costs nothing any more: its job ends within seconds."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.app.conftest import RunningApp
from tests.app.visits import calm, until

gradio_client = pytest.importorskip("gradio_client")
MOST = 60.0
"""Seconds until a job must be gone where others have the machine too; by itself it looks up every 2.5 s or less."""

CALLER = """
import sys, time
from gradio_client import Client, handle_file
job = Client(sys.argv[1], verbose=False).submit(
    photo=handle_file(sys.argv[2]), height=1.23, texture_size=1024, api_name="/make_avatar")
while not any(said["state"] == "working" and "id" in said for said in job.outputs()):
    time.sleep(0.1)
print(job.outputs()[-1]["id"], flush=True)
time.sleep(100)
"""


def health(app: RunningApp) -> dict[str, Any]:
    with urllib.request.urlopen(f"{app.url}/health") as answer:
        return json.loads(answer.read())


def working(app: RunningApp) -> int:
    return int(health(app)["jobs_working"])


def job_threads(app: RunningApp) -> int:
    """Threads of jobs, by the names that they have in the system."""
    names = (Path(f"/proc/{app.pid}/task/{thread.id}/comm") for thread in psutil.Process(app.pid).threads())
    return sum(path.read_text().startswith("job-") for path in names if path.exists())


def wait_until_idle(app: RunningApp) -> None:
    start = time.perf_counter()
    while working(app):
        assert time.perf_counter() - start < MOST, "the job still works"
        time.sleep(0.1)
    while not health(app)["warm"]:  # an app that has just started computes for itself
        assert time.perf_counter() - start < MOST
        time.sleep(0.1)
    busy = psutil.Process(app.pid).cpu_times()
    time.sleep(1.0)
    after = psutil.Process(app.pid).cpu_times()
    assert (after.user + after.system) - (busy.user + busy.system) < 0.5, "something still computes"


@pytest.mark.slow
def test_a_program_that_goes_away_stops_its_job(app: RunningApp, sample: Path) -> None:
    caller = subprocess.Popen([sys.executable, "-c", CALLER, app.url, str(sample)], stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    id = caller.stdout.readline().strip()
    assert len(id) == 26
    assert working(app) == 1
    caller.kill()
    caller.wait()
    wait_until_idle(app)
    with pytest.raises(gradio_client.exceptions.AppError, match="The caller went away before this was ready"):
        gradio_client.Client(app.url, verbose=False).predict(id=id, api_name="/get_result")


@pytest.mark.slow
@pytest.mark.browser
def test_a_page_that_is_closed_stops_its_job_and_says_so_later(browser: Any, app: RunningApp, sample: Path) -> None:
    context = calm(browser)
    page = context.new_page()
    page.goto(f"{app.url}/?tab=photo")
    page.wait_for_selector("#make")
    page.set_input_files("#photo input[type=file]", str(sample))
    page.wait_for_selector("#photo img")
    page.click("#make")
    until(page, lambda: working(app) == 1)
    waiting = context.new_page()  # of the same browser: it waits for its turn, and is told so
    waiting.goto(f"{app.url}/?tab=denoise")
    waiting.click("#clean")
    waiting.wait_for_selector("#clean-status:has-text('Waiting for its turn: 1 job before yours')", timeout=30_000)
    waiting.close()
    page.close()
    wait_until_idle(app)
    again = context.new_page()
    again.goto(f"{app.url}/?tab=results")
    card = again.wait_for_selector("#mine li[data-id]:has-text('was closed before this was ready')", timeout=30_000)
    again.goto(f"{app.url}/?result={card.get_attribute('data-id')}")
    again.wait_for_selector("[id$=status]:visible:has-text('was closed before this was ready')", timeout=30_000)
    context.close()
