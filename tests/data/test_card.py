"""The card: correct counts, and probes that detect a plant whose kinds differ in more than position."""

import json

import numpy as np
import pytest

from gnnmax import build, load_recipe
from gnnmax.data import generation as drawing
from gnnmax.data.card import PROBES, describe, probe_ceiling, stated_accuracy
from gnnmax.data.planting.plants import CENTRED
from gnnmax.task.label import KINDS

SPIKE = load_recipe("spike-9").replace(splits={"train": 100, "test": 100})
NOISE = load_recipe("noise-9-mu2").replace(splits={"train": 60, "test": 60})


def beaten(card):
    """Probes above their stated accuracy."""
    return {rung.name for rung in card.probes if rung.accuracy > rung.stated + 4 * rung.standard_error + 0.01}


@pytest.mark.parametrize("recipe", [SPIKE, NOISE], ids=["spike", "noise"])
def test_no_probe_passes_its_ceiling(recipe):
    card = describe(build(recipe))
    assert [rung.name for rung in card.probes] == list(PROBES)
    assert beaten(card) == set()


def raised(values, kinds):
    """Add to the centre instead of swapping into it."""
    values[kinds == CENTRED, values.shape[1] // 2] += values.std(axis=1)[kinds == CENTRED]


def thinned(values, kinds):
    """Lose edges in one kind."""
    half = np.arange(values.shape[1]) % 2 == 1
    values[np.ix_(kinds == CENTRED, half)] = 0


def heavier(values, kinds):
    """Another unit in one kind."""
    values[kinds == CENTRED] *= np.float32(1e5)


@pytest.mark.parametrize(("leak", "probe"), [(raised, "sorted_entries"), (thinned, "degree"), (heavier, "sum")])
def test_a_plant_that_leaks_is_caught(monkeypatch, leak, probe):
    honest = drawing.plant_spikes

    def leaky(values, edge_mask, kinds, *arguments, **options):
        strict = honest(values, edge_mask, kinds, *arguments, **options)
        leak(values, kinds)
        return strict

    monkeypatch.setattr(drawing, "plant_spikes", leaky)
    assert probe in beaten(describe(build(SPIKE)))


def test_counts_shares_and_errors_are_those_of_a_loop():
    data = build(load_recipe("tiny").replace(splits={"train": 3, "test": 5}))
    card = describe(data)
    for split, windows in data.splits.items():
        found = card.splits[split]
        assert (found["windows"], found["hosts"]) == (len(windows), len(set(windows.graph.tolist())))
        assert found["centred"] == sum(windows.label.tolist()) / len(windows)
        assert found["kinds"] == {kind: windows.kind.tolist().count(kind) / len(windows) for kind in KINDS}
    argmax = next(rung for rung in card.rules if rung.name == "argmax")
    assert (argmax.accuracy, argmax.standard_error, argmax.stated) == (1.0, 0.0, 1.0)
    least, *_, greatest = card.properties["margin"]
    assert (least, greatest) == (data.test.margin.min(), data.test.margin.max())


def test_standard_errors_take_windows_of_one_host_together():
    few = build(load_recipe("tiny").replace(splits={"test": 40}))
    rung = next(rung for rung in describe(few, probes=False).rules if rung.name == "sorted_entries")
    right = few.test.label  # there is a strict maximum in every window, so the rule says centred
    assert rung.accuracy == right.mean()
    by_host = [sum(right[few.test.graph == graph] - right.mean()) for graph in range(40)]
    assert rung.standard_error == pytest.approx(sum(x * x for x in by_host) ** 0.5 / len(right))


@pytest.mark.parametrize(
    "changes",
    [
        {"splits": {"train": 1, "test": 1}},
        {"splits": {"train": 1, "test": 1}, "windows_per_graph": 1},
        {"splits": {"only": 2}},
        {"splits": {"train": 2}},
        {"kinds": {"centred": 1.0}},
        {"kinds": {"centred": 0.0, "shifted": 1.0}},
        {"kinds": {"centred": 0.0, "tied": 1.0}},
        {"label": "planted"},
    ],
    ids=str,
)
def test_the_smallest_and_the_most_one_sided_sets_have_a_card(changes):
    card = describe(build(load_recipe("tiny").replace(**changes)))
    assert json.loads(json.dumps(card.to_dict(), allow_nan=False))["name"] == "tiny"


def test_what_is_stated_follows_from_the_kinds():
    kinds = {"centred": 0.3, "shifted": 0.5, "tied": 0.2}
    recipe = SPIKE.replace(kinds=kinds)
    assert stated_accuracy(recipe, "sorted_entries") == pytest.approx(0.5)
    assert probe_ceiling(recipe, "sorted_entries") == pytest.approx(0.2 + 0.5)
    assert probe_ceiling(recipe, "degree") == pytest.approx(0.7)
    assert stated_accuracy(recipe, "nms") is None
    rungs = {rung.name: rung for rung in describe(build(recipe), probes=False).rules}
    assert rungs["sorted_entries"].accuracy == pytest.approx(0.5, abs=0.01)
