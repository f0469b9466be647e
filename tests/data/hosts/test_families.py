"""The classic families against networkx and their own laws, and the real graphs against their sources."""

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnnmax.data.hosts.families import (
    BarabasiAlbert,
    ErdosRenyi,
    RandomGeometric,
    Real,
    StochasticBlockModel,
    WattsStrogatz,
)
from gnnmax.data.hosts.host import check_edges, degrees, skips, unranked

CLASSIC = [
    ErdosRenyi(nodes=40, probability=0.3),
    BarabasiAlbert(nodes=40, attachments=5),
    WattsStrogatz(nodes=40, degree=6, rewiring=0.3),
    StochasticBlockModel(nodes=40, blocks=4, inside=0.6, between=0.1),
    RandomGeometric(nodes=40, radius=0.3),
]
DRAWS = 150


def rng(seed=0):
    return np.random.default_rng(seed)


def drawn(family, draws=DRAWS):
    return [family.sample(rng(seed)) for seed in range(draws)]


def graph_of(host):
    graph = nx.Graph(host.edges.tolist())
    graph.add_nodes_from(range(host.nodes))
    return graph


def alike(ours, theirs, errors=5):
    """Whether two samples have means within some standard errors of each other."""
    spread = math.sqrt(np.var(ours) / len(ours) + np.var(theirs) / len(theirs))
    return abs(np.mean(ours) - np.mean(theirs)) <= errors * spread + 1e-9


@pytest.mark.parametrize("family", CLASSIC, ids=lambda family: type(family).__name__)
def test_hosts_are_simple_sorted_and_the_same_from_the_same_stream(family):
    for seed in range(10):
        host = family.sample(rng(seed))
        check_edges(host)
        assert host.edges.tobytes() == family.sample(rng(seed)).edges.tobytes()
    assert family.sample(rng(0)).edges.tobytes() != family.sample(rng(1)).edges.tobytes()


def rewired_ring(n, degree, rewiring, seed):
    """Watts and Strogatz by a plain loop; networkx draws again where we keep an edge unchanged."""
    source, graph = rng(seed), nx.circulant_graph(n, range(1, degree // 2 + 1))
    for step in range(1, degree // 2 + 1):
        for node in range(n):
            aim = int(source.integers(n))
            if source.random() < rewiring and aim != node and not graph.has_edge(node, aim):
                graph.remove_edge(node, (node + step) % n)
                graph.add_edge(node, aim)
    return graph


PEERS = {
    "ErdosRenyi": lambda seed: nx.gnp_random_graph(40, 0.3, seed=seed),
    "BarabasiAlbert": lambda seed: nx.barabasi_albert_graph(40, 5, seed=seed),
    "WattsStrogatz": lambda seed: rewired_ring(40, 6, 0.3, seed),
    "StochasticBlockModel": lambda seed: nx.stochastic_block_model(
        [10] * 4, np.full((4, 4), 0.1) + 0.5 * np.eye(4), seed=seed
    ),
    "RandomGeometric": lambda seed: nx.random_geometric_graph(40, 0.3, seed=seed),
}
MEASURES = {
    "edges": nx.number_of_edges,
    "largest degree": lambda graph: max(dict(graph.degree).values()),
    "least degree": lambda graph: min(dict(graph.degree).values()),
    "clustering": nx.transitivity,
    "connected": lambda graph: float(nx.is_connected(graph)),
    "components": nx.number_connected_components,
}


@pytest.mark.parametrize("family", CLASSIC, ids=lambda family: type(family).__name__)
def test_hosts_measure_as_those_of_networkx(family):
    ours = [graph_of(host) for host in drawn(family)]
    theirs = [PEERS[type(family).__name__](seed) for seed in range(DRAWS)]
    for name, measure in MEASURES.items():
        assert alike([measure(graph) for graph in ours], [measure(graph) for graph in theirs]), name


def test_the_measures_tell_families_and_nearby_parameters_apart():
    for first, second in itertools.combinations(PEERS, 2):
        graphs = [[PEERS[name](seed) for seed in range(DRAWS)] for name in (first, second)]
        assert any(not alike(*[[measure(graph) for graph in half] for half in graphs]) for measure in MEASURES.values())
    edges = [[len(host.edges) for host in drawn(ErdosRenyi(nodes=40, probability=p))] for p in (0.3, 0.315)]
    assert not alike(*edges)


def test_every_pair_is_joined_equally():
    counts = sum(nx.to_numpy_array(graph_of(host), nodelist=range(12)) for host in drawn(SMALL, 600))
    pairs = counts[np.triu_indices(12, 1)]
    assert np.abs(pairs - 600 * 0.4).max() < 4.5 * math.sqrt(600 * 0.4 * 0.6)
    assert 0.6 < np.var(pairs) / (600 * 0.4 * 0.6) < 1.6


SMALL = ErdosRenyi(nodes=12, probability=0.4)


@given(st.integers(2, 60))
def test_ranks_number_all_pairs(n):
    pairs = n * (n - 1) // 2
    assert unranked(np.arange(pairs), n).tolist() == [[u, v] for u in range(n) for v in range(u + 1, n)]


def test_ranks_number_the_corners_of_the_largest_host():
    n = 5_000
    columns = np.arange(1, n)
    first = columns * (columns - 1) // 2
    assert unranked(first, n).tolist() == sorted([0, v] for v in columns.tolist())
    assert unranked(first + columns - 1, n).tolist() == sorted([v - 1, v] for v in columns.tolist())


@given(st.integers(0, 200), st.floats(0, 1), st.integers(0, 2**32))
def test_skips_choose_distinct_numbers_in_order(pairs, probability, seed):
    if probability and probability < 1e-6:
        probability = 1e-6
    chosen = skips(pairs, probability, rng(seed))
    assert (np.diff(chosen) > 0).all()
    assert ((chosen >= 0) & (chosen < pairs)).all()
    assert len(skips(pairs, 1.0, rng(seed))) == pairs


@pytest.mark.parametrize("probability", [1e-300, 1e-18, 1e-12])
def test_the_rarest_edges_end_the_search(probability):
    assert len(skips(10**7, probability, rng())) == 0


def test_a_newcomer_attaches_in_proportion_to_degree():
    # After the star of 1 + 1 nodes and one arrival, node 2 joins either end of the first edge; then degrees are
    # (2, 1, 1) or (1, 2, 1), and node 3 joins the node of degree 2 with probability one half.
    family = BarabasiAlbert(nodes=6, attachments=1)
    second = [int(host.edges[host.edges[:, 1] == 2][0, 0]) for host in drawn(family, 400)]
    third = [int(host.edges[host.edges[:, 1] == 3][0, 0]) for host in drawn(family, 400)]
    to_hub = np.mean([a == b for a, b in zip(second, third, strict=True)])
    assert abs(np.mean(second) - 0.5) < 4 * 0.5 / 20
    assert abs(to_hub - 0.5) < 4 * 0.5 / 20


def test_a_ring_that_is_not_rewired_is_that_of_networkx_and_a_rewired_one_keeps_its_edges():
    ring = WattsStrogatz(nodes=30, degree=6, rewiring=0.0).sample(rng())
    assert nx.utils.edges_equal(graph_of(ring).edges, nx.watts_strogatz_graph(30, 6, 0.0).edges)
    for rewiring in (0.1, 1.0):
        rewired = WattsStrogatz(nodes=30, degree=6, rewiring=rewiring).sample(rng())
        assert len(rewired.edges) == 90
        kept = set(map(tuple, ring.edges.tolist())) & set(map(tuple, rewired.edges.tolist()))
        assert len(kept) < 90


def test_blocks_are_joined_as_stated():
    inside, between = [], []
    for host in drawn(StochasticBlockModel(nodes=40, blocks=2, inside=0.7, between=0.2)):
        same = (host.edges[:, 0] < 20) == (host.edges[:, 1] < 20)
        inside.append(same.sum() / (2 * 190))
        between.append((~same).sum() / 400)
    assert abs(np.mean(inside) - 0.7) < 4 * math.sqrt(0.21 / 380 / DRAWS)
    assert abs(np.mean(between) - 0.2) < 4 * math.sqrt(0.16 / 400 / DRAWS)


def test_a_geometric_host_runs_from_left_to_right_and_is_complete_at_full_reach():
    near = RandomGeometric(nodes=200, radius=0.1).sample(rng())
    steps = near.edges[:, 1] - near.edges[:, 0]
    assert steps.mean() < 25  # 0.1 of 200 places, and not the 67 of an order at random
    assert len(RandomGeometric(nodes=20, radius=1.5).sample(rng()).edges) == 190


@pytest.mark.parametrize("name", ["les_miserables", "karate_club", "florentine_families"])
def test_real_graphs_are_those_of_networkx_weights_and_order_too(name):
    host = Real(name=name).sample(rng())
    graph = getattr(nx, f"{name}_graph")()
    check_edges(host)
    expected = nx.to_numpy_array(graph, nodelist=list(graph))
    found = np.zeros((host.nodes, host.nodes))
    found[tuple(host.edges.T)] = found[tuple(host.edges[:, ::-1].T)] = host.weights
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "family",
    [
        ErdosRenyi(nodes=6, probability=0.0),
        RandomGeometric(nodes=6, radius=1e-9),
        StochasticBlockModel(nodes=6, blocks=3, inside=0.0, between=0.0),
    ],
)
def test_a_host_without_edges_is_a_host(family):
    host = family.sample(rng())
    assert host.edges.shape == (0, 2)
    assert degrees(host).tolist() == [0] * 6
