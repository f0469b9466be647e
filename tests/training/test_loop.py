"""Training: equal seeds give equal weights, the best weights are kept, and wrong input is refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from gnnmax.errors import InputError
from gnnmax.models.inference import resolve_device
from gnnmax.models.registry import MODELS, build_model
from gnnmax.models.seeding import seeded
from gnnmax.task.windows import Windows
from gnnmax.training.batches import StoredBatches
from gnnmax.training.config import TrainingConfig
from gnnmax.training.loop import TrainingError, refuse_divergence, scored, train_models
from tests.support.training import QUICK, TRAIN, VAL, equal, sample, trained


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if not entry.needs_contexts])
def test_the_same_seed_gives_the_same_weights_bit_for_bit(name: str) -> None:
    (first, one), (second, two), (other, _) = trained([name]), trained([name]), trained([name], seed=1)
    assert equal(first[name], second[name])
    assert one[name].loss == two[name].loss
    assert not equal(first[name], other[name])


def test_another_order_of_batches_gives_other_weights() -> None:
    models = [build_model("cnn", 3) for _ in range(2)]
    for seed, model in enumerate(models):
        train_models({"cnn": model}, TRAIN, VAL, QUICK, np.random.default_rng(seed))
    assert not equal(*models)


def test_a_model_learns_the_same_whatever_is_trained_beside_it() -> None:
    (together, _), (alone, _) = trained(["question", "cnn", "gnn"]), trained(["gnn"])
    assert equal(together["gnn"], alone["gnn"])


def test_training_leaves_the_global_generators_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    trained(["cnn"])
    assert torch.equal(torch.get_rng_state(), before)


def test_the_weights_of_the_lowest_validation_loss_are_kept() -> None:
    wild = TrainingConfig(steps=30, batch_size=32, evaluate_every=1, learning_rate=0.5, warm_up=0.5, device="cpu")
    models, results = trained(["question"], wild)
    result = results["question"]
    losses = [record["loss"] for record in result.history]
    assert result.best_step < 30, "the premise: the last weights are not the best"
    assert result.loss == min(losses) == losses[result.best_step - 1]
    scores = scored(models["question"], (torch.tensor(VAL.values), None, None))
    again = functional.binary_cross_entropy_with_logits(scores, torch.tensor(VAL.label, dtype=torch.float32))
    assert float(again) == pytest.approx(result.loss, rel=1e-6)
    assert float(((scores > 0).numpy() == VAL.label).mean()) == pytest.approx(result.accuracy)
    assert not models["question"].training


def test_the_graph_net_learns_a_clear_maximum() -> None:
    _, results = trained(["gnn"], TrainingConfig(steps=150, batch_size=64, evaluate_every=50, device="cpu"))
    assert results["gnn"].accuracy > 0.95


def test_records_are_json_and_come_every_evaluation_and_every_fifty_steps() -> None:
    lines: list[str] = []
    config = TrainingConfig(steps=60, batch_size=8, evaluate_every=25, device="cpu")
    _, results = trained(["cnn", "question"], config, on_record=lambda record: lines.append(json.dumps(record)))
    records = [json.loads(line) for line in lines]
    found = [(record["event"], record["step"]) for record in records if record["model"] == "cnn"]
    assert found == [("evaluation", 25), ("step", 50), ("evaluation", 50), ("step", 60), ("evaluation", 60)]
    assert [record for record in records if record["model"] == "question" and record["event"] == "evaluation"] == list(
        results["question"].history
    )


def test_every_window_comes_once_before_any_comes_again() -> None:
    batches = StoredBatches(TRAIN[:6], 4, np.random.default_rng(0), torch.device("cpu"))
    order = np.concatenate([batches.indices() for _ in range(9)])
    assert len(order) == 36
    assert (np.sort(order.reshape(6, 6), axis=1) == np.arange(6)).all()


class Failing(nn.Module):
    """Score the centre, and NaN from the n-th call in training on."""

    def __init__(self, good_calls: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.calls_left = good_calls

    def forward(self, values: torch.Tensor, rows: object = None, columns: object = None) -> torch.Tensor:
        self.calls_left -= self.training
        spoil = torch.nan if self.calls_left < 0 else 1.0
        return spoil * (self.weight[0] * values[:, 1, 1] + self.weight[1])


@pytest.mark.parametrize(("good", "kept"), [(7, 5), (3, 0)])
def test_a_net_that_diverges_stops_with_its_last_good_weights_and_the_others_go_on(good: int, kept: int) -> None:
    seen: dict[int, torch.Tensor] = {0: torch.zeros(2)}
    failing, beside = Failing(good), build_model("cnn", 3)
    records: list[dict] = []

    def watch(record: dict) -> None:
        records.append(json.loads(json.dumps(record)))
        if record["model"] == "failing" and record["event"] == "evaluation":
            seen[record["step"]] = failing.weight.detach().clone()

    nets = {"beside": beside, "failing": failing}
    results = train_models(nets, TRAIN, VAL, QUICK, np.random.default_rng(0), on_record=watch)
    found = results["failing"]
    assert found.steps == good + 1
    assert found.diverged.startswith(f"the loss of failing is nan at step {good + 1}: lower the learning rate")
    assert found.best_step == kept
    assert torch.equal(failing.weight.detach(), seen[kept])
    assert [(r["step"], r["reason"]) for r in records if r["event"] == "diverged"] == [(good + 1, found.diverged)]
    alone, _ = trained(["cnn"])
    assert equal(beside, alone["cnn"]) and results["beside"].diverged == ""
    with pytest.raises(TrainingError, match="failing is nan at step"):
        refuse_divergence(results)
    assert not isinstance(TrainingError("x"), InputError)


class Dropping(nn.Module):
    """A net with dropout, batch statistics and tied weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(9, 9)
        self.second = nn.Linear(9, 9)
        self.second.weight = self.first.weight
        self.norm, self.head = nn.BatchNorm1d(9), nn.Linear(9, 1)

    def forward(self, values: torch.Tensor, rows: object = None, columns: object = None) -> torch.Tensor:
        hidden = functional.dropout(self.norm(self.first(values.flatten(1))), 0.5, self.training)
        return self.head(self.second(hidden)).squeeze(-1)


def test_dropout_is_reproducible_whatever_is_drawn_or_trained_beside_it() -> None:
    def weights(*others: str) -> nn.Module:
        nets = {**{name: build_model(name, 3) for name in others}, "mine": seeded(Dropping, 0)}
        train_models(nets, TRAIN, VAL, QUICK, np.random.default_rng(0))
        return nets["mine"]

    torch.manual_seed(1)
    first = weights()
    torch.manual_seed(2)
    assert equal(first, weights("question"))
    other = {"mine": seeded(Dropping, 0)}
    train_models(other, TRAIN, VAL, QUICK, np.random.default_rng(1))
    assert not equal(first, other["mine"])


@pytest.mark.parametrize("seed", [-1, 2**62 + 1, 9 * 10**18, 1.5, True])
def test_a_seed_that_no_card_holds_is_refused_before_a_net_is_built(seed: int) -> None:
    with pytest.raises(InputError, match=r"a seed must be an integer between 0 and 2\*\*62, not "):
        build_model("cnn", 3, seed=seed)


def spoilt(w: Windows, value: float) -> Windows:
    values = w.values.copy()
    values[3, 0, 1] = value
    return dataclasses.replace(w, values=values)


def with_contexts(w: Windows) -> Windows:
    return dataclasses.replace(w, row_context=w.values, column_context=w.values)


@pytest.mark.parametrize(
    ("train", "val", "message"),
    [
        (spoilt(TRAIN, np.nan), VAL, "the values of 1 of 256 training windows are NaN or infinite"),
        (TRAIN, spoilt(VAL, np.inf), "the values of 1 of 128 validation windows are NaN or infinite"),
        (TRAIN[:0], VAL, "there are no training windows"),
        (TRAIN, VAL[:0], "there are no validation windows"),
        (TRAIN[TRAIN.label], VAL, "training windows are of one class"),
        (TRAIN, VAL[~VAL.label], "validation windows are of one class"),
        (TRAIN, sample(1, k=5), "training windows have side 3 and validation windows 5"),
        (with_contexts(TRAIN), VAL, "only one of the two splits carries contexts"),
        (with_contexts(spoilt(TRAIN, np.nan)), VAL, "NaN or infinite"),
    ],
)
def test_wrong_windows_are_refused_in_one_line(train: Windows, val: Windows, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        train_models({"cnn": build_model("cnn", 3)}, train, val, QUICK, np.random.default_rng(0))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (TrainingConfig(steps=0), "Expected `int` >= 1"),
        (TrainingConfig(learning_rate=-1.0), "Expected `float` > 0"),
        (TrainingConfig(learning_rate=float("nan")), "Expected `float` > 0"),
        (TrainingConfig(device="tpu"), "Invalid enum value 'tpu'"),  # type: ignore[arg-type]
    ],
)
def test_a_config_out_of_bounds_is_refused(config: TrainingConfig, message: str) -> None:
    with pytest.raises(InputError, match=message):
        train_models({"cnn": build_model("cnn", 3)}, TRAIN, VAL, config, np.random.default_rng(0))


def test_no_model_and_no_such_device_are_refused() -> None:
    with pytest.raises(InputError, match="no model to train"):
        train_models({}, TRAIN, VAL, QUICK, np.random.default_rng(0))
    with pytest.raises(InputError, match="auto, cpu or cuda, not 'tpu'"):
        resolve_device("tpu")


def test_windows_with_contexts_hand_them_to_the_net() -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, values: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
            assert torch.equal(rows, values) and torch.equal(columns, values)
            return self.weight * rows[:, 1, 1] + columns[:, 0, 0]

    train_models({"r": Reader()}, with_contexts(TRAIN), with_contexts(VAL), QUICK, np.random.default_rng(0))
