"""Budgets: budget, amount of data and precision of a run change nothing else."""

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError
from gnnmax.models.registry import build_model
from gnnmax.task.windows import Windows
from gnnmax.training.config import TrainingConfig, learning_rate_at, parse_training
from gnnmax.training.loop import train_models
from gnnmax.training.precision import check_precision
from tests.support.training import QUICK, TRAIN, VAL, equal, trained


def changed(**fields) -> TrainingConfig:
    return msgspec.structs.replace(QUICK, **fields)


def test_a_model_stops_when_its_loss_no_longer_falls_and_the_others_continue():
    _, results = trained(["cnn", "gnn"], changed(steps=400, evaluate_every=2, patience=3, learning_rate=0.3))
    for result in results.values():
        losses = [record["loss"] for record in result.history]
        best = int(np.argmin(losses))
        assert result.steps == 400 or len(losses) == best + 1 + 3
        assert result.best_step == 2 * (best + 1)
    assert {result.steps for result in results.values()} != {400}, "the premise: one of them stops early"


def test_what_stops_early_is_on_the_way_what_it_is_without_patience():
    _, results = trained(["gnn"], changed(steps=40, evaluate_every=2, patience=1, learning_rate=0.3))
    assert results["gnn"].steps < 40
    _, again = trained(["gnn"], changed(steps=40, evaluate_every=2, learning_rate=0.3))
    losses = [record["loss"] for record in results["gnn"].history]
    assert losses == [record["loss"] for record in again["gnn"].history][: len(losses)]


class Timed(nn.Module):
    """A net that takes the same time in every forward pass, on the clock of a list of one number."""

    def __init__(self, clock: list[float], seconds: float) -> None:
        super().__init__()
        self.net, self.clock, self.seconds = build_model("question", 3), clock, seconds

    def forward(self, *inputs):
        self.clock[0] += self.seconds
        return self.net(*inputs)


def test_wall_time_is_a_budget_and_a_faster_net_makes_more_steps():
    clock = [100.0]
    nets = {"fast": Timed(clock, 1 / 16), "slow": Timed(clock, 1 / 4)}
    config = changed(match="seconds", seconds=2.0, evaluate_every=10_000)
    results = train_models(nets, TRAIN, VAL, config, np.random.default_rng(0), clock=lambda: clock[0])
    assert {name: result.steps for name, result in results.items()} == {"fast": 32, "slow": 8}
    assert {name: result.seconds for name, result in results.items()} == {"fast": 2 + 1 / 16, "slow": 2 + 1 / 4}
    assert [len(result.history) for result in results.values()] == [1, 1]


def test_evaluations_are_spent_from_the_wall_time_too():
    clock = [0.0]
    config = changed(match="seconds", seconds=2.0, evaluate_every=1)
    nets = {"net": Timed(clock, 1 / 4)}
    results = train_models(nets, TRAIN, VAL, config, np.random.default_rng(0), clock=lambda: clock[0])
    assert (results["net"].steps, results["net"].seconds) == (4, 2.0)


def test_the_learning_rate_is_spent_with_the_seconds():
    config = changed(match="seconds", seconds=2.0, learning_rate=1.0)
    assert learning_rate_at(1.0, config) == pytest.approx(0)
    assert learning_rate_at(0.1, config) == 1.0


def test_training_on_the_first_windows_is_training_on_those_alone():
    few, _ = trained(["cnn"], changed(train_windows=64))
    alone = {"cnn": build_model("cnn", 3)}
    train_models(alone, TRAIN[:64], VAL, QUICK, np.random.default_rng(0))
    assert equal(few["cnn"], alone["cnn"])
    assert not equal(few["cnn"], trained(["cnn"])[0]["cnn"])
    with pytest.raises(InputError, match="train_windows is 257 and the training split has 256"):
        trained(["cnn"], changed(train_windows=257))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"seconds": 3.0}, "wall time is a budget where"),
        ({"match": "seconds"}, "wall time is a budget where"),
        ({"stream": True, "train_windows": 10}, "a stream has none"),
        ({"precision": "float16"}, "precision"),
        ({"patience": 0}, "patience"),
    ],
)
def test_budgets_that_make_no_sense_are_refused(fields, complaint):
    with pytest.raises(InputError, match=complaint):
        parse_training(fields, "training")


def separated(seed: int) -> Windows:
    """Windows of few levels far apart: bfloat16 keeps them in order and apart."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 8, size=(64, 3, 3)).astype(np.float32)
    values[::2, 1, 1] = 9
    return Windows.from_values(values)


def test_half_precision_trains_where_it_makes_no_ties_and_is_refused_where_it_does():
    config, nets = changed(precision="bfloat16"), {"gnn": build_model("gnn", 3)}
    results = train_models(nets, separated(0), separated(1), config, np.random.default_rng(0))
    assert np.isfinite(results["gnn"].loss)
    assert all(weight.dtype == torch.float32 for weight in nets["gnn"].parameters())
    exact = {"gnn": build_model("gnn", 3)}
    train_models(exact, separated(0), separated(1), QUICK, np.random.default_rng(0))
    assert not equal(nets["gnn"], exact["gnn"])
    with pytest.raises(InputError, match="would make ties with the centre in"):
        trained(["gnn"], config)


def test_hard_negatives_are_too_close_for_half_precision():
    from gnnmax.data.generation import build

    data = build(load_recipe("spike-9").replace(splits={"test": 2}))
    with pytest.raises(InputError, match="train in float32"):
        check_precision(data.test, "bfloat16", "windows")
