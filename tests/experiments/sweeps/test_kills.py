"""Real processes that are killed at random instants: the sweep that is left is that of the undisturbed run.

In the first piece of each engine every process is a new program. In the others they are forks of a loaded one, which
takes a tenth of the time.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import dask
import distributed
import pytest

from gnnmax.experiments.sweeps.driver import run_sweep
from gnnmax.experiments.sweeps.table import read_sweep
from gnnmax.io.toml import toml_text
from tests.support.forked_drivers import ForkedDrivers
from tests.support.sweeps import PLAN

MANY = PLAN | {"seeds": 25}
UNITS = 200
KILLS = 25
"""Kills of each engine in each of four pieces: 200 in all."""

CALL = ["sweep", "plan.toml", "--out", "sweep", "--workers", "2"]


def program(folder, *arguments):
    """Start a command as a new program."""
    command = [sys.executable, "-m", "gnnmax", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def children(process):
    """Return the processes that a process started, without those that keep track of shared memory."""
    found = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += [int(own) for own in thread.read_text().split() if not is_tracker(own)]
    return found


def is_tracker(process):
    return b"resource_tracker" in Path(f"/proc/{process}/cmdline").read_bytes()


def workers_of(process, cluster):
    """Return the worker processes: of a driver, those of loky; of a cluster, those that have joined it."""
    if cluster is None:
        return children(process.pid)
    return [
        nanny.pid
        for nanny in cluster.workers.values()
        if nanny.pid and nanny.worker_address in cluster.scheduler.workers
    ]


def killed(own):
    """Kill a process; return 1, or 0 if it has ended by itself."""
    try:
        os.kill(own, signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


def disturbed(process, folder, *, cluster, rng, wanted):
    """Kill workers, once a unit was written, and then the driver; return the numbers of both kills."""
    units, workers_killed, driver_killed = folder / "sweep" / "units", 0, 0
    before, until = len(list(units.glob("*.json"))), time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None and len(list(units.glob("*.json"))) == before:
        time.sleep(0.05)
    for _ in range(rng.choice((0, 0, 1, 2))):
        if process.poll() is None and workers_killed < wanted and (workers := workers_of(process, cluster)):
            workers_killed += killed(rng.choice(workers))
            time.sleep(rng.uniform(0, 1))
    if process.poll() is None and workers_killed < wanted:
        process.kill()
        driver_killed = 1
    process.communicate()
    return workers_killed, driver_killed


@pytest.fixture
def local_cluster(engine):
    """A local cluster of dask, or None for loky."""
    if engine == "loky":
        yield None
        return
    patient = {"distributed.deploy.lost-worker-timeout": "10 minutes"}  # it gives up workers that start slowly
    with (
        dask.config.set(patient),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
    ):
        yield cluster


@pytest.fixture
def start(piece, tmp_path):
    """A function that starts a command in a folder."""
    if piece == 0:
        yield program
        return
    (tmp_path / "plan.toml").write_text(toml_text(PLAN))
    drivers = ForkedDrivers(tmp_path, *CALL[:2], "--out", "first")
    yield drivers
    drivers.close()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["loky", "dask"])
@pytest.mark.parametrize("piece", range(4))
def test_kills_of_workers_and_drivers_leave_the_undisturbed_table(tmp_path, engine, piece, local_cluster, start):
    (tmp_path / "plan.toml").write_text(toml_text(MANY))
    rng, workers, drivers, lives = random.Random(f"{engine} {piece}"), 0, 0, 0
    address = local_cluster and local_cluster.scheduler_address.replace("tcp://", "dask://")
    call = [*CALL, "--executor", address or "loky"]
    units = tmp_path / "sweep" / "units"
    while workers + drivers < KILLS:
        lives += 1
        wanted = KILLS - workers - drivers
        ended = disturbed(start(tmp_path, *call), tmp_path, cluster=local_cluster, rng=rng, wanted=wanted)
        workers, drivers = workers + ended[0], drivers + ended[1]
        left = len(list(units.glob("*.json")))
        sys.stdout.write(f"{workers} kills of workers and {drivers} of {lives} drivers, {left} units\n")
        for path in units.glob("*.json"):
            if left == UNITS and rng.random() < 0.5:
                path.unlink()  # so that there is work to disturb
    last = program(tmp_path, *call)
    assert last.communicate()[1] == ""
    assert last.returncode == 0
    assert read_sweep(tmp_path / "sweep") == run_sweep(MANY, tmp_path / "alone").table
    assert content(units) == content(tmp_path / "alone" / "units")
    assert {path.name for path in (tmp_path / "sweep").iterdir()} == {
        "sweep.json",
        "sweep.html",
        "times.jsonl",
        "units",
    }


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
