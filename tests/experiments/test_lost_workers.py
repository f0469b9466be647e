"""Seeds on any executor, and after the loss of a worker: the results of one process."""

import asyncio
import json
import shutil
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor

import pytest

from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError, LostWorkerError
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.results import read_results
from gnnmax.experiments.run_config import read_config
from gnnmax.experiments.run_folder import load_run
from gnnmax.experiments.run_records import metrics_file
from gnnmax.io.atomic_folders import UNFINISHED
from gnnmax.training.config import TrainingConfig
from tests.support.run_results import figures

SMALL = load_recipe("tiles-3").replace(splits={"train": 4, "val": 2, "test": 3})
BUDGET = TrainingConfig(steps=6, evaluate_every=3, checkpoint_every=2, device="cpu")

NET = '''
import asyncio, os, pathlib, signal
from torch import nn

ARMED = pathlib.Path({armed!r})


class Dying(nn.Module):
    """Ends its worker in the fourth update, once, if the file is there."""

    inputs = "values"

    def __init__(self, k):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(k * k, 1))
        self.updates = 0

    def forward(self, values):
        self.updates += self.training
        if self.updates == 4 and ARMED.exists():
            ARMED.unlink()
            {end}
        return self.layers(values).squeeze(-1)
'''


class Inline(Executor):
    """An executor that computes at once in this process, and takes a cancellation for the loss of its worker."""

    def submit(self, function, item):
        future = Future()
        try:
            future.set_result(function(item))
        except asyncio.CancelledError:
            future.set_exception(BrokenExecutor("the worker ended"))
        return future


class Broken(Executor):
    """An executor that has lost its worker."""

    def submit(self, function, item):
        raise BrokenExecutor("the worker ended")


def run(out, net, **changes):
    nets = [net] if net == "gnn" else {"mine": net}
    return compare(SMALL, nets, out, **{"seeds": (0, 1), "training": BUDGET, **changes})


def records_of(folder) -> list[list[tuple]]:
    """The training records of both seeds, without the clock."""
    lines = [metrics_file(folder, seed).read_text().splitlines() for seed in (0, 1)]
    return [[{**json.loads(line), "seconds": 0} for line in some] for some in lines]


@pytest.mark.parametrize(
    ("engine", "end"),
    [
        ({"executor": Inline}, "raise asyncio.CancelledError"),
        pytest.param({"workers": 2}, "os.kill(os.getpid(), signal.SIGKILL)", marks=pytest.mark.slow),
    ],
)
def test_a_worker_lost_during_training_changes_neither_results_nor_records(tmp_path, engine, end):
    armed, seen = tmp_path / "armed", []
    (tmp_path / "net.py").write_text(NET.format(armed=str(armed), end=end))
    net = f"{tmp_path / 'net.py'}:Dying"
    whole = run(tmp_path / "whole", net)
    armed.touch()
    found = run(tmp_path / "run", net, on_progress=seen.append, **engine)
    assert not armed.exists(), "the premise: a worker ended"
    assert figures(found) == figures(whole)
    records = records_of(tmp_path / "run")
    assert records == records_of(tmp_path / "whole")
    reported = [(record["seed"], record["event"], record["step"]) for record in seen]
    assert len(reported) == len(set(reported)) == sum(map(len, records))


def test_a_seed_that_always_ends_its_worker_is_named_and_the_run_resumes(tmp_path):
    with pytest.raises(LostWorkerError, match=r"^seed 0: the worker process ended 3 times"):
        run(tmp_path / "run", "gnn", executor=Broken)
    assert not (tmp_path / "run" / "results.json").exists()
    left = tmp_path / ".run.0a1b2c3d.partial"  # of a killed call with force
    left.mkdir()
    (left / UNFINISHED).touch()
    resumed = run(tmp_path / "run", "gnn", resume=True)
    assert not left.exists()
    assert figures(resumed) == figures(run(tmp_path / "whole", "gnn"))
    (tmp_path / "run" / "checkpoints").mkdir()  # killed before it was removed
    (tmp_path / "run" / "checkpoints" / "seed-0.json").touch()
    assert figures(run(tmp_path / "run", "gnn", resume=True)) == figures(resumed)
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_threads_of_an_executor_give_the_results_of_one_process(tmp_path):
    with ThreadPoolExecutor(2) as executor:
        found = run(tmp_path / "run", "gnn", executor=executor)
    assert figures(found) == figures(run(tmp_path / "whole", "gnn"))


def test_what_is_no_executor_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="executor must be"):
        run(tmp_path / "run", "gnn", executor="dask")
    assert not (tmp_path / "run").exists()


def test_a_run_that_lost_its_name_to_a_killed_process_is_found(tmp_path):
    for read, said in (
        (read_results, "results.json is damaged"),
        (read_config, "config.json is damaged"),
        (load_run, "model.json is damaged"),
    ):
        old = tmp_path / ".run.0a1b2c3d.old"
        (old / "gnn" / "seed-0").mkdir(parents=True)
        (old / "config.json").write_text('{"program": "gnnmax", "format": 2}')
        (old / "results.json").write_text("{}")
        (old / "gnn" / "seed-0" / "model.json").write_text("{}")
        with pytest.raises(InputError, match=said):
            read(tmp_path / "run")
        assert [path.name for path in tmp_path.iterdir()] == ["run"]
        shutil.rmtree(tmp_path / "run")
