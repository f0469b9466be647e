"""The infinite stream: one order of windows for any batch size, from hosts of no stored split."""

import itertools

import numpy as np
import pytest

from gnnmax import InputError, Windows, build, import_windows, load_recipe
from gnnmax.data.stream import FIRST, stream_windows
from gnnmax.data.verification import check_windows_of

MIXED = load_recipe("tiny").replace(
    contexts=True,
    splits={"train": 2, "val": 2, "test": 2},
    hosts=[
        {"type": "erdos_renyi", "nodes": 24, "probability": 0.5},
        {"type": "barabasi_albert", "nodes": 24, "attachments": 8},
    ],
    shifts={"test": {"k": 3}},
)


def taken(recipe, split, windows, batch=256, start=0):
    """The first windows of a stream, joined."""
    batches = list(itertools.islice(stream_windows(recipe, split, batch=batch, start=start), -(-windows // batch)))
    assert {len(part) for part in batches} == {batch}
    return Windows.concatenate(batches)[:windows]


def same(first, second):
    return all(np.array_equal(x, second.arrays()[name]) for name, x in first.arrays().items()) and (
        len(first) == len(second) and first.noise == second.noise
    )


@pytest.mark.parametrize("batch", [1, 3, 8, 20, 64])
def test_batches_of_any_size_are_cut_from_one_order_and_none_is_left_out(batch):
    whole = taken(MIXED, "train", 64, batch=64)
    assert same(taken(MIXED, "train", 64, batch=batch), whole)
    assert np.bincount(whole.graph - FIRST).tolist() == [8] * 8


@pytest.mark.parametrize("start", [1, 7, 8, 40, 10**12])
def test_a_stream_goes_on_where_it_was_left(start):
    at_once = taken(MIXED, "val", 40, start=start - start % 8)
    assert same(taken(MIXED, "val", 30, batch=6, start=start), at_once[start % 8 : start % 8 + 30])


def test_streams_differ_by_seed_and_by_split_and_are_the_same_again():
    first = taken(MIXED, "train", 16, batch=16)
    assert same(first, taken(MIXED, "train", 16, batch=16))
    for other in (taken(MIXED.replace(seed=1), "train", 16, batch=16), taken(MIXED, "val", 16, batch=16)):
        assert not np.array_equal(first.values, other.values)


def test_no_host_is_in_a_stored_split_or_in_another_stream():
    graphs = [set(taken(MIXED, split, 80, batch=16).graph.tolist()) for split in MIXED.splits]
    graphs.append(set(range(MIXED.graphs)))
    assert sum(map(len, graphs)) == len(set.union(*graphs))
    stored = build(MIXED).train.values
    assert not (taken(MIXED, "train", 32, batch=16).values[:, None] == stored[None]).all(axis=(2, 3)).any()


def test_the_distribution_is_that_of_the_split():
    shifted = taken(MIXED, "test", 64, batch=16)
    assert shifted.k == 3 and shifted.row_context is not None
    checks = check_windows_of(MIXED, "test", shifted)
    outside = {"hosts are those of the recipe", "2 of its hosts are drawn again to the byte"}
    assert {check.claim for check in checks if not check.holds} == outside


def test_every_combination_of_hosts_and_cuts_comes_in_turn():
    turns = [MIXED.combination(turn) for turn in range(4)]
    assert len({(turn.host, turn.cut) for turn in turns}) == 4
    assert [MIXED.combination(turn) for turn in range(4, 8)] == turns


@pytest.mark.parametrize("name", ["noise-9-mu2", "bump-9-shuffled", "spike-9"])
def test_noisy_and_complete_recipes_stream_too(name):
    recipe = load_recipe(name)
    windows = taken(recipe, "test", 1_000, batch=250)
    assert abs(windows.label.mean() - recipe.kinds.centred) < 0.05
    assert windows.noise == build(recipe.replace(splits={"test": 1})).test.noise


@pytest.mark.parametrize("name", ["real-karate", "real-les-miserables"])
def test_natural_windows_of_fixed_hosts_are_refused(name):
    with pytest.raises(InputError, match="no endless stream"):
        stream_windows(load_recipe(name), "test")


@pytest.mark.parametrize(
    "options", [{"batch": 0}, {"batch": 1.5}, {"batch": 10**9}, {"start": -1}, {"start": 2**48}, {"batch": True}]
)
def test_wrong_numbers_are_refused_at_once(options):
    with pytest.raises(InputError, match="must be an integer from"):
        stream_windows(MIXED, "train", **options)


def test_an_unknown_split_is_refused_at_once():
    with pytest.raises(InputError, match="unknown split 'dev'"):
        stream_windows(MIXED, "dev")


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_shards_of_a_stream_are_disjoint_and_together_the_whole(shards):
    recipe = load_recipe("tiny")
    rounds = recipe.combinations * recipe.windows_per_graph
    whole = next(stream_windows(recipe, "train", 6 * rounds))
    parts = [next(stream_windows(recipe, "train", 6 * rounds // shards, shard=(i, shards))) for i in range(shards)]
    graphs = np.concatenate([part.graph for part in parts])
    assert sorted(graphs.tolist()) == sorted(whole.graph.tolist())
    order = np.argsort(graphs, kind="stable")
    assert np.array_equal(np.concatenate([part.values for part in parts])[order], whole.values)


def test_a_shard_holds_all_combinations_of_ingredients_and_resumes_at_any_window():
    recipe = load_recipe("spike-9").replace(windows_per_graph=20)
    shard = next(stream_windows(recipe, "train", 20 * recipe.combinations, shard=(1, 2)))
    turns = (np.unique(shard.graph) - FIRST) % recipe.combinations
    assert sorted(turns.tolist()) == list(range(recipe.combinations))
    later = next(stream_windows(recipe, "train", 40, 30, shard=(1, 2)))
    assert np.array_equal(later.values, shard.values[30:70])


@pytest.mark.parametrize("shard", [(2, 2), (-1, 2), (0, 0), (0,), "01", (0.0, 1), None, (0, 10**7)])
def test_an_impossible_shard_is_refused(shard):
    with pytest.raises(InputError, match="shard must be"):
        stream_windows(load_recipe("tiny"), "train", shard=shard)


def test_imported_windows_have_no_stream():
    data = import_windows(np.random.default_rng(0).normal(size=(30, 3, 3)))
    with pytest.raises(InputError, match="no endless stream"):
        stream_windows(data.recipe, "train")
