"""Seeds on any executor, and after the loss of a worker: the results of one process."""

import functools
import json
import os
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError, LostWorkerError
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.results import encode_results
from gnnmax.experiments.run_folder import metrics_file
from gnnmax.training.config import TrainingConfig

SMALL = load_recipe("tiles-3").replace(splits={"train": 4, "val": 2, "test": 3})
BUDGET = TrainingConfig(steps=6, evaluate_every=3, checkpoint_every=2, device="cpu")

NET = '''
import os, pathlib, signal
from torch import nn

MARKER = pathlib.Path({marker!r})


class Dying(nn.Module):
    """Ends its process once, in the fourth update, unless that is the main process."""

    inputs = "values"

    def __init__(self, k):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(k * k, 1))
        self.updates = 0

    def forward(self, values):
        self.updates += self.training
        if self.updates == 4 and os.getpid() != {main} and not MARKER.exists():
            MARKER.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.layers(values).squeeze(-1)
'''

one_process = functools.partial(ProcessPoolExecutor, 1, mp_context=get_context("spawn"))


class Broken(Executor):
    """An executor that has lost its worker."""

    def submit(self, function, item):
        raise BrokenExecutor("the worker ended")


@pytest.fixture
def net(tmp_path):
    """The reference of a net that ends its worker once."""
    (tmp_path / "net.py").write_text(NET.format(marker=str(tmp_path / "marker"), main=os.getpid()))
    return f"{tmp_path / 'net.py'}:Dying"


def run(out, net, **changes):
    nets = [net] if net == "gnn" else {"mine": net}
    return compare(SMALL, nets, out, **{"seeds": (0, 1), "training": BUDGET, **changes})


def figures(results) -> dict:
    """Everything but the clock."""
    plain = json.loads(encode_results(results))
    plain.pop("environment")
    for model in plain["models"]:
        for training in model["runs"]:
            training.pop("seconds")
            for record in training["history"]:
                record.pop("seconds")
    return plain


def records_of(folder, seeds) -> list[list[tuple]]:
    """The training records of every seed, without the clock."""
    lines = [metrics_file(folder, seed).read_text().splitlines() for seed in seeds]
    return [[{**json.loads(line), "seconds": 0} for line in some] for some in lines]


@pytest.mark.parametrize(
    ("seeds", "engine"),
    [((0,), {"executor": one_process}), pytest.param((0, 1), {"workers": 2}, marks=pytest.mark.slow)],
)
def test_a_worker_lost_during_training_changes_neither_results_nor_records(net, tmp_path, seeds, engine):
    seen = []
    whole = run(tmp_path / "whole", net, seeds=seeds)
    found = run(tmp_path / "run", net, seeds=seeds, on_progress=seen.append, **engine)
    assert (tmp_path / "marker").exists(), "the premise: a worker ended"
    assert figures(found) == figures(whole)
    records = records_of(tmp_path / "run", seeds)
    assert records == records_of(tmp_path / "whole", seeds)
    reported = [(record["seed"], record["event"], record["step"]) for record in seen]
    assert len(reported) == len(set(reported)) == sum(map(len, records))


def test_a_seed_that_always_ends_its_worker_is_named_and_the_run_resumes(net, tmp_path):
    with pytest.raises(LostWorkerError, match=r"^seed 0: the worker process ended 3 times"):
        run(tmp_path / "run", net, executor=Broken)
    assert not (tmp_path / "run" / "results.json").exists()
    resumed = run(tmp_path / "run", net, resume=True)
    assert figures(resumed) == figures(run(tmp_path / "whole", net))


def test_threads_of_an_executor_give_the_results_of_one_process(tmp_path):
    with ThreadPoolExecutor(2) as executor:
        found = run(tmp_path / "run", "gnn", executor=executor)
    assert figures(found) == figures(run(tmp_path / "whole", "gnn"))


def test_what_is_no_executor_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="executor must be"):
        run(tmp_path / "run", "gnn", executor="dask")
    assert not (tmp_path / "run").exists()
