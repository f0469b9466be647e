"""Two processes that share every batch end with the weights and verdicts of one."""

import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file
from torch import nn

from gnnmax.cli.main import main
from gnnmax.experiments.results import read_results
from gnnmax.training.distributed import Processes, is_distributed, is_main_process
from gnnmax.training.loop import train_models
from tests.support.training import QUICK, TRAIN, VAL


def test_every_window_of_a_batch_is_some_process_s_and_only_one_s():
    for n in (2, 5, 128):
        parts = [np.arange(n)[Processes(rank, 2).share(n)] for rank in range(2)]
        assert sorted(np.concatenate(parts).tolist()) == list(range(n))


def test_the_running_statistics_of_all_processes_are_those_of_the_main_one():
    class Second(Processes):
        """The second of two processes; the main one has counted to seven."""

        def all_reduce(self, tensors):
            for tensor in tensors:
                tensor += 7

    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(9), nn.Linear(9, 1), nn.Flatten(0))

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, values, rows=None, columns=None):
            return self.net(values)

    train_models({"n": Whole()}, TRAIN, VAL, QUICK, np.random.default_rng(0), processes=Second(1, 2))
    assert set(net[1].running_mean.tolist()) == set(net[1].running_var.tolist()) == {7.0}


@pytest.mark.learning
def test_two_processes_train_to_the_weights_of_one_and_the_first_alone_writes(tmp_path):
    words = ["compare", "--data", "tiny", "--models", "cnn,gnn", "--seeds", "2", "--steps", "12", "--batch-size", "30"]
    words += ["--evaluate-every", "5", "--device", "cpu"]
    assert main([*words, "--out", str(tmp_path / "one")]) == 0
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "gnnmax"]
    done = subprocess.run([*launch, *words, "--out", str(tmp_path / "two")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("held-out hosts of the training recipe") == 1, "the premise: one of the two prints"
    roots = tmp_path / "one", tmp_path / "two"
    one, two = (sorted(path.relative_to(root) for path in root.rglob("*")) for root in roots)
    assert one == two
    for path in (path for path in one if path.suffix == ".safetensors"):
        there, here = load_file(tmp_path / "one" / path), load_file(tmp_path / "two" / path)
        for name in there:
            np.testing.assert_allclose(here[name], there[name], rtol=1e-3, atol=1e-5, err_msg=str(path))
    (first,), (second,) = (read_results(root).tests for root in roots)
    for name, verdict in first.verdicts.items():
        assert second.verdicts[name].accuracy == verdict.accuracy


@pytest.mark.parametrize(
    ("more", "complaint"),
    [(["--workers", "2"], "workers must be 1"), (["--match", "seconds", "--seconds", "1"], "several clocks")],
)
def test_what_several_processes_cannot_share_is_refused(more, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    assert main(["compare", "--data", "tiny", "--out", str(tmp_path / "run"), *more]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), [("WORLD_SIZE", "abc"), ("WORLD_SIZE", "-1"), ("RANK", "1_0")])
def test_a_number_of_processes_that_is_none_is_refused_by_its_name(name, value, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv(name, value)
    assert main(["compare", "--data", "tiny", "--models", "cnn", "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == (
        f"gnnmax: {name} must be a whole number, as torchrun sets it, not '{value}': unset it\n"
    )


def test_an_empty_number_of_processes_is_not_set(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "")
    monkeypatch.setenv("RANK", "")
    assert not is_distributed() and is_main_process()
