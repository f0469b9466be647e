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


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["loky", "dask"])
def test_a_hundred_kills_of_workers_and_drivers_leave_the_undisturbed_table(tmp_path, engine):
    (tmp_path / "plan.toml").write_text(toml_text(MANY))
    rng, kills = random.Random(engine), 0
    cluster, options = None, []
    if engine == "dask":
        cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
        options = ["--executor", cluster.scheduler_address.replace("tcp://", "dask://")]
    try:
        while kills < 100:
            process = start(tmp_path, *options)
            until = time.monotonic() + rng.uniform(2, 12)
            while time.monotonic() < until and process.poll() is None:
                time.sleep(rng.uniform(0.2, 1.0))
                workers = children([process.pid]) if cluster is None else [w.pid for w in cluster.workers.values()]
                if workers and rng.random() < 0.5:
                    with_pid = rng.choice(workers)
                    if with_pid:
                        try:
                            os.kill(with_pid, signal.SIGKILL)
                            kills += 1
                        except ProcessLookupError:
                            pass
            if process.poll() is None:
                process.kill()
                kills += 1
            process.communicate()
        last = start(tmp_path, *options)
        assert last.communicate()[1] == ""
        assert last.returncode == 0
    finally:
        if cluster is not None:
            cluster.close()
    assert read_sweep(tmp_path / "sweep") == run_sweep(MANY, tmp_path / "alone").table
    assert {path.name for path in (tmp_path / "sweep").iterdir()} == {
        "sweep.json",
        "sweep.html",
        "times.jsonl",
        "units",
    }
