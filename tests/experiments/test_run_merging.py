"""Runs of single seeds merge into the run of all their seeds."""

import pytest

from gnnmax.errors import InputError
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.results import encode_results, read_results
from gnnmax.experiments.run_merging import merge_runs
from gnnmax.training.config import TrainingConfig

NETS = {"cnn": {"width": 2}, "gnn": {"width": 2, "rounds": 1}}
SHORT = TrainingConfig(steps=2, batch_size=8, device="cpu")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, seeds in (("both", [0, 1]), ("0", [0]), ("1", [1])):
        compare("tiny", NETS, folder / name, seeds=seeds, training=SHORT)
    return folder


def test_runs_of_single_seeds_merge_to_the_run_of_both_one_of_them_twice(runs, tmp_path):
    found = merge_runs([runs / "1", runs / "0", runs / "1"], tmp_path / "merged")
    alone = read_results(runs / "both")
    merged = read_results(tmp_path / "merged")
    assert merged.seeds == found.seeds == [0, 1]
    for again, once in zip(merged.tests, alone.tests, strict=True):
        assert encode_results(again) == encode_results(once)
    assert [[run.best_step for run in model.runs] for model in merged.models] == [
        [run.best_step for run in model.runs] for model in alone.models
    ]


def test_runs_that_differ_in_more_than_their_seeds_are_refused(runs, tmp_path):
    other = TrainingConfig(steps=1, batch_size=8, device="cpu")
    compare("tiny", {"cnn": {"width": 2}}, tmp_path / "other", seeds=[2], training=other)
    with pytest.raises(InputError, match="differ in their models"):
        merge_runs([runs / "0", tmp_path / "other"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
