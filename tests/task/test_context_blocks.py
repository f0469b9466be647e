"""Contextual blocks: BP is exact on trees, and BP-AMP has the accuracy of exact posteriors and of limits."""

import itertools

import numpy as np
import pytest

from gnnmax import InputError
from gnnmax.task import context_blocks
from gnnmax.task.context_blocks import ContextBlocks, bp_amp, draw_context_blocks
from gnnmax.task.context_limits import context_limit, sparse_context_limit

TREE = [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (5, 6)]
STRENGTHS = {"degree": 4.0, "graph_strength": 1.2}


def mirrored_trees():
    """Two equal trees whose roots are known to be of opposite groups, so that the mean over all nodes is 0."""
    pairs = np.array([*TREE, *[(i + 7, j + 7) for i, j in TREE]]).T
    group = np.ones(14, dtype=np.int64)
    group[7:] = -1
    known = np.isin(np.arange(14), (0, 7))
    features = np.zeros((14, 1), dtype=np.float32)
    edges = np.concatenate([pairs, pairs[::-1]], axis=1)
    return ContextBlocks(edges, features, group, known, feature_strength=0.0, **STRENGTHS)


def enumerated(inside, outside):
    """The posterior means of one tree whose root is known to be 1, by all assignments."""
    total, mean = 0.0, np.zeros(7)
    for rest in itertools.product((-1, 1), repeat=6):
        group = np.array([1, *rest])
        weight = np.prod([inside if group[i] == group[j] else outside for i, j in TREE])
        total, mean = total + weight, mean + weight * group
    return mean / total


def test_belief_propagation_is_exact_on_a_tree(monkeypatch):
    blocks = mirrored_trees()
    expected = enumerated(*blocks.affinities)
    found = bp_amp(blocks)
    assert np.abs(found[:7] - expected).max() < 1e-3
    assert np.abs(found[7:] + expected).max() < 1e-3
    monkeypatch.setattr(context_blocks, "_opposite", lambda edges, nodes: np.arange(edges.shape[1]))
    assert np.abs(bp_amp(blocks)[:7] - expected).max() > 0.05  # messages that return to their sender are noticed


def posterior(blocks, states):
    """The exact posterior means of a small graph with features: all assignments, directions integrated out."""
    nodes = len(blocks.group)
    inside, outside = blocks.affinities
    states = states[(states[:, blocks.known] == blocks.group[blocks.known]).all(axis=1)]
    joined = np.zeros((nodes, nodes), dtype=bool)
    joined[tuple(blocks.edges)] = True
    coupling = np.where(joined, np.log(inside / outside), np.log1p(-inside / nodes) - np.log1p(-outside / nodes)) / 2
    np.fill_diagonal(coupling, 0)
    along, unit = states @ blocks.features.astype(float), blocks.feature_strength / nodes
    weight = ((states @ coupling) * states).sum(axis=1) / 2 + unit * (along**2).sum(axis=1) / (1 + unit * nodes) / 2
    weight = np.exp(weight - weight.max())
    return weight @ states / weight.sum()


@pytest.mark.parametrize(("graph_strength", "feature_strength"), [(1.2, 2.0), (1.5, 0.0), (0.0, 4.0)])
def test_on_small_graphs_the_accuracy_is_that_of_the_exact_posterior_to_three_points(graph_strength, feature_strength):
    states = np.array(list(itertools.product((-1.0, 1.0), repeat=10)))
    found = []
    for seed in range(100):
        drawn = draw_context_blocks(
            np.random.default_rng(seed),
            10,
            features=3,
            degree=3.0,
            graph_strength=graph_strength,
            feature_strength=feature_strength,
            known=0.3,
        )
        if drawn.known.any() and not drawn.known.all():
            found.append([drawn.accuracy(each) for each in (posterior(drawn, states), bp_amp(drawn))])
    exact, passed = np.mean(found, axis=0)
    assert exact > 0.7
    assert abs(passed - exact) < 0.03


def test_without_a_graph_the_accuracy_is_that_of_the_limit():
    given = {"features": 200, "degree": 3.0, "graph_strength": 0.0, "feature_strength": 8.0, "known": 0.2}
    found = []
    for seed in range(4):
        drawn = draw_context_blocks(np.random.default_rng(seed), 2_000, **given)
        found.append(drawn.accuracy(bp_amp(drawn)))
    assert abs(np.mean(found) - context_limit(0.0, 8.0, nodes_per_feature=10, known=0.2)) < 0.02


def test_the_limit_is_at_chance_up_to_its_threshold_and_grows_beyond_it():
    limits = [context_limit(lam, 1.0, nodes_per_feature=2, known=0.0) for lam in (0.5, 0.7, 0.9, 1.2)]
    assert limits[:2] == pytest.approx([0.5, 0.5], abs=0.01)
    assert 0.55 < limits[2] < limits[3]


def test_a_drawn_graph_has_its_rates_and_both_directions_of_each_edge():
    given = {"features": 3, "degree": 6.0, "graph_strength": 2.0, "feature_strength": 0.0, "known": 0.5}
    drawn = draw_context_blocks(np.random.default_rng(0), 5_000, **given)
    source, target = drawn.edges
    assert (source != target).all()
    assert set(zip(source.tolist(), target.tolist(), strict=True)) == set(
        zip(target.tolist(), source.tolist(), strict=True)
    )
    within = (drawn.group[source] == drawn.group[target]).mean()
    assert abs(within - drawn.affinities[0] / 12) < 0.02
    assert abs(len(source) / 5_000 - 6) < 0.2 and abs(drawn.known.mean() - 0.5) < 0.05


@pytest.mark.parametrize(
    "wrong",
    [{"degree": 0.0}, {"graph_strength": 3.0}, {"features": 0}, {"feature_strength": -1.0}, {"known": 1.0}],
)
def test_numbers_out_of_range_are_refused(wrong):
    given = {"features": 3, "degree": 6.0, "graph_strength": 2.0, "feature_strength": 1.0, "known": 0.5}
    with pytest.raises(InputError, match="not "):
        draw_context_blocks(np.random.default_rng(0), 100, **{**given, **wrong})


def test_the_sparse_limit_is_that_of_large_degrees_without_a_graph_and_at_chance_below_the_threshold():
    alone, few = {"nodes_per_feature": 10, "known": 0.2}, {"population": 20_000}
    assert abs(sparse_context_limit(0.0, 8.0, degree=3.0, **alone, **few) - context_limit(0.0, 8.0, **alone)) < 0.01
    graph = {"degree": 5.0, "nodes_per_feature": 10, "known": 0.0, **few}
    assert abs(sparse_context_limit(0.8, 0.0, **graph) - 0.5) < 0.01  # Kesten and Stigum: lam = 1
    assert sparse_context_limit(1.2, 0.0, **graph) > 0.7
    with pytest.raises(InputError, match="at most the root of the degree"):
        sparse_context_limit(3.0, 0.0, **graph)


@pytest.mark.parametrize("graph_strength", [1.0, 1.5])
def test_with_graph_and_features_bp_amp_is_at_the_sparse_limit(graph_strength):
    given = {"degree": 5.0, "feature_strength": 2.0, "known": 0.1}
    found = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        drawn = draw_context_blocks(rng, 2_000, features=200, graph_strength=graph_strength, **given)
        found.append(drawn.accuracy(bp_amp(drawn)))
    strengths = (graph_strength, given.pop("feature_strength"))
    limit = sparse_context_limit(*strengths, nodes_per_feature=10, population=20_000, **given)
    assert abs(np.mean(found) - limit) < 0.02
