"""Real processes that are killed at random instants: the sweep that is left is that of the undisturbed run."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import distributed
import pytest

from gnnmax.experiments.sweeps.driver import run_sweep
from gnnmax.experiments.sweeps.table import read_sweep
from gnnmax.io.toml import toml_text
from tests.support.sweeps import PLAN

MANY = PLAN | {"seeds": 25}
UNITS = 200
KILLS = 25
"""Kills of each engine in each of four pieces: 200 in all."""


def start(folder, *options):
    command = [sys.executable, "-m", "gnnmax", "sweep", "plan.toml", "--out", "sweep", "--workers", "2", *options]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def children(process):
    """Return the processes that a process started, and those that they started."""
    found = []
    for own in process:
        path = Path(f"/proc/{own}/task/{own}/children")
        if path.exists():
            inner = [int(word) for word in path.read_text().split()]
            found += [*inner, *children(inner)]
    return found


def workers_of(process, cluster):
    """Return the worker processes: of a driver, those of loky; of a cluster, those that have joined it."""
    if cluster is None:
        return children([process.pid])
    return [nanny.pid for nanny in cluster.workers.values() if nanny.worker_address in cluster.scheduler.workers]


def killed(own):
    """Kill a process; return 1, or 0 if it has ended by itself."""
    try:
        os.kill(own, signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


def disturbed(process, folder, *, cluster, rng, wanted):
    """Kill workers, once a unit was written, and often the driver; return the number of kills."""
    units, kills = folder / "sweep" / "units", 0
    before, until = len(list(units.glob("*.json"))), time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None and len(list(units.glob("*.json"))) == before:
        time.sleep(0.05)
    for _ in range(rng.choice((0, 0, 1, 2))):
        if process.poll() is None and kills < wanted and (workers := workers_of(process, cluster)):
            kills += killed(rng.choice(workers))
            time.sleep(rng.uniform(0, 1))
    if process.poll() is None and kills < wanted:
        process.kill()
        kills += 1
    process.communicate()
    return kills


@pytest.fixture
def local_cluster(engine):
    """A local cluster of dask, or None for loky."""
    if engine == "loky":
        yield None
        return
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["loky", "dask"])
@pytest.mark.parametrize("piece", range(4))
def test_kills_of_workers_and_drivers_leave_the_undisturbed_table(tmp_path, engine, piece, local_cluster):
    (tmp_path / "plan.toml").write_text(toml_text(MANY))
    rng, kills, lives = random.Random(f"{engine} {piece}"), 0, 0
    address = local_cluster and local_cluster.scheduler_address.replace("tcp://", "dask://")
    options = ["--executor", address] if address else []
    while kills < KILLS:
        lives += 1
        process = start(tmp_path, *options)
        kills += disturbed(process, tmp_path, cluster=local_cluster, rng=rng, wanted=KILLS - kills)
        left = len(list((tmp_path / "sweep" / "units").glob("*.json")))
        sys.stdout.write(f"{kills} kills, {lives} drivers, {left} units\n")
        for path in (tmp_path / "sweep" / "units").glob("*.json"):
            if left == UNITS and rng.random() < 0.5:
                path.unlink()  # so that there is work to disturb
    last = start(tmp_path, *options)
    assert last.communicate()[1] == ""
    assert last.returncode == 0
    assert read_sweep(tmp_path / "sweep") == run_sweep(MANY, tmp_path / "alone").table
    assert content(tmp_path / "sweep" / "units") == content(tmp_path / "alone" / "units")
    assert {path.name for path in (tmp_path / "sweep").iterdir()} == {
        "sweep.json",
        "sweep.html",
        "times.jsonl",
        "units",
    }


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
