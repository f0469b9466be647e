"""Seriation finds the order of nodes whose weights fall with the distance, whatever order they come in."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from gnnmax import InputError, build, load_recipe
from gnnmax.detection import arrangement as arrangements
from gnnmax.detection import seriation
from gnnmax.detection.seriation import explained_by_distance, seriate


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def contact_maps(count, seed, order="shuffled", n=256, **changes):
    changes = {f"map.background.{name}": value for name, value in changes.items()}
    recipe = load_recipe("contact-256").replace(splits={"test": count}, seed=seed, **{"map.order": order, "map.n": n})
    recipe = recipe.replace(**changes)
    return build(recipe).test


def decaying(n, rng, noise=0.0):
    """Weights that fall with the distance, and the place of each node."""
    place = rng.permutation(n)
    apart = np.abs(np.subtract.outer(place, place))
    drawn = rng.normal(scale=noise, size=(n, n)) if noise else np.zeros((n, n))
    return 10 / (1 + apart) + (drawn + drawn.T) / 2, place


def in_order(places):
    steps = np.diff(places)
    return bool((steps == 1).all() or (steps == -1).all())


@pytest.mark.parametrize("depth", [20.0, 200.0])
def test_the_whole_order_of_contact_maps_is_found(depth):
    maps = contact_maps(2, seed=31, depth=depth)
    for values, places in zip(maps.values, maps.row_place, strict=True):
        assert in_order(places[seriate(values)])
        assert explained_by_distance(values, seriate(values)) > 0.5


def test_no_order_is_found_where_contacts_do_not_fall_with_the_distance():
    maps = contact_maps(1, seed=31, n=100, decay=0.001, domains=1, boost=1.0)
    places = maps.row_place[0][seriate(maps.values[0])]
    assert np.mean(np.abs(np.diff(places)) == 1) < 0.1
    assert explained_by_distance(maps.values[0], seriate(maps.values[0])) < 0.1


def test_the_order_does_not_depend_on_the_given_one_but_for_its_direction(rng):
    weights, _ = decaying(60, rng, noise=0.5)
    found = seriate(weights)
    for _ in range(3):
        moved = rng.permutation(60)
        again = moved[seriate(weights[np.ix_(moved, moved)])]
        assert again.tolist() in (found.tolist(), found[::-1].tolist())


def test_only_ratios_of_weights_count_and_of_unequal_halves_the_mean(rng):
    weights, _ = decaying(40, rng, noise=0.3)
    found = seriate(weights).tolist()
    for scale in (1e-305, 1e-12, 0.5, 3.0, 1e12, 1e306):
        assert seriate(scale * weights).tolist() == found
    skewed = weights + np.triu(rng.normal(size=(40, 40)), 1)
    skewed -= np.triu(skewed - weights, 1).T
    assert seriate(skewed).tolist() == seriate(skewed.T).tolist() == found
    diagonal = weights + np.diag(rng.normal(scale=1e6, size=40))
    assert seriate(diagonal).tolist() == found


def test_entries_that_were_not_measured_do_no_harm(rng):
    weights, place = decaying(80, rng)
    gone = np.triu(rng.random((80, 80)) < 0.1, 1)
    weights[gone | gone.T] = np.nan
    weights[7], weights[:, 7] = np.nan, np.nan
    order = seriate(weights)
    assert order[-1] == 7
    others = place[order[:-1]]
    assert in_order(np.argsort(np.argsort(others)))


def test_matrices_of_all_kinds_have_one_order(rng):
    weights, _ = decaying(30, rng, noise=0.2)
    found = seriate(weights).tolist()
    graph = nx.from_numpy_array(weights)
    kinds = (csr_array(weights), pd.DataFrame(weights), graph, np.ma.masked_invalid(weights), weights.tolist())
    assert all(seriate(kind).tolist() == found for kind in kinds)


def test_parts_come_one_after_the_other_and_lone_nodes_last(rng):
    first, place = decaying(12, rng)
    weights = np.zeros((30, 30))
    nodes = rng.permutation(30)
    for part in (nodes[:12], nodes[12:24]):
        weights[np.ix_(part, part)] = first
    order = seriate(weights)
    assert sorted(order[24:].tolist()) == order[24:].tolist() == sorted(nodes[24:].tolist())
    for part in (order[:12], order[12:24]):
        own = nodes[:12] if part[0] in nodes[:12] else nodes[12:24]
        assert in_order(place[[own.tolist().index(node) for node in part]])
    assert 0 in order[:12] or 0 in nodes[24:]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_few_nodes(n, rng):
    assert sorted(seriate(rng.random((n, n))).tolist()) == list(range(n))
    assert seriate(np.ones((n, n))).tolist() == list(range(n))
    assert seriate(np.full((n, n), np.nan)).tolist() == list(range(n))


def test_the_distance_explains_everything_of_its_own_and_nothing_of_equal_weights(rng):
    weights, _ = decaying(20, rng)
    assert explained_by_distance(weights, seriate(weights)) == pytest.approx(1)
    for equal in (0.0, 1.0, 0.1, 1e300):
        assert explained_by_distance(np.full((20, 20), equal), np.arange(20)) == 0
    assert explained_by_distance(np.full((4, 4), np.nan), np.arange(4)) == 0


def test_negative_weights_push_nodes_apart(rng):
    place = rng.permutation(30)
    weights = 5.0 - np.abs(np.subtract.outer(place, place))
    assert in_order(place[seriate(weights)])
    assert sorted(seriate(-np.ones((6, 6))).tolist()) == list(range(6))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (np.ones((3, 4)), "a 3 x 4 matrix are different nodes"),
        (np.ones(3), r"not shape \(3,\)"),
        (np.ones((0, 0)), r"not shape \(0, 0\)"),
        (np.array([[0, np.inf], [np.inf, 0]]), "finite"),
        (np.array([["a", "b"], ["c", "d"]]), "real"),
        ("map.npy", "read it with"),
    ],
)
def test_what_is_no_square_matrix_of_finite_numbers_is_refused(wrong, problem):
    with pytest.raises(InputError, match=problem):
        seriate(wrong)


def test_too_many_nodes_are_refused(monkeypatch):
    monkeypatch.setattr(seriation, "LARGEST", 5)
    with pytest.raises(InputError, match="at most 5 nodes"):
        seriate(np.ones((6, 6)))


@pytest.fixture
def arrangement(rng):
    drawn = rng.normal(size=(25, 25))
    return arrangements.Arrangement(drawn + drawn.T, np.zeros((25, 25), dtype=bool), np.arange(25))


def explained(arrangement, order):
    return (arrangement.here[np.ix_(order, order)] * arrangement.mean).sum()


def test_gains_of_moves_are_those_of_the_whole_sum(arrangement):
    every, now = np.arange(25), explained(arrangement, np.arange(25))
    for place in range(25):
        gains = arrangements._gains(arrangement.here, arrangement.step, place)
        assert len(gains) == min(arrangements.FARTHEST_MOVE, 24 - place)
        for steps, gain in enumerate(gains, 1):
            moved = np.insert(np.delete(every, place), place + steps, place)
            assert gain == pytest.approx(explained(arrangement, moved) - now, abs=1e-9)


def test_sequences_of_stretches_explain_what_the_whole_sum_says(arrangement):
    stretches = arrangements._Stretches(arrangement.here, arrangement.by_distance, [3, 4, 11, 20])
    now = tuple((number, False) for number in range(5))
    mixed = ((2, True), (0, False), (1, True), (4, True), (3, False))
    base = explained(arrangement, np.arange(25)) / 2 - stretches.explained(now)
    sequences = [*arrangements._rearranged(now), *arrangements._rearranged(mixed)]
    assert len(set(sequences)) == len(sequences) > 100
    for sequence in sequences:
        order = stretches.places(sequence)
        assert sorted(order.tolist()) == list(range(25))
        assert stretches.explained(sequence) + base == pytest.approx(explained(arrangement, order) / 2, abs=1e-9)


def test_no_pass_leaves_more_unexplained(arrangement):
    before = arrangement.unexplained
    for step in (arrangement._move_nodes, arrangement._turn_stretches, arrangement._rearrange):
        step()
        arrangement._fit()
        assert arrangement.unexplained <= before + 1e-9
        before = arrangement.unexplained
    assert sorted(arrangement.order.tolist()) == list(range(25))


def test_large_stretches_in_the_wrong_place_are_put_back():
    """Single moves and short turns cannot do this: the middle third is turned round, and the last one comes first."""
    n = 90
    weights = 10 / (1 + np.abs(np.subtract.outer(np.arange(n), np.arange(n))))
    wrong = np.concatenate([np.arange(60, 90), np.arange(59, 29, -1), np.arange(30)])
    found = arrangements.Arrangement(weights, np.zeros((n, n), dtype=bool), wrong)
    found.improve()
    assert in_order(found.order)
    stuck = arrangements.Arrangement(weights, np.zeros((n, n), dtype=bool), wrong)
    for _ in range(5):
        stuck._move_nodes()
        stuck._turn_stretches()
        stuck._fit()
    assert not in_order(stuck.order)
