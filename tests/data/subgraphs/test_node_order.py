"""Choices of nodes and orders of subgraphs: laws, references and broken twins."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from gnnmax.data.generation import build
from gnnmax.data.hosts.families import BarabasiAlbert, ErdosRenyi, RingLattice, WattsStrogatz
from gnnmax.data.hosts.host import Host, sorted_edges
from gnnmax.data.hosts.weights import Exponential, weigh
from gnnmax.data.subgraphs.node_order import ORDERS
from gnnmax.data.subgraphs.node_sampling import CHOICES, ego, random_walk, snowball
from gnnmax.data.subgraphs.subgraph import SubgraphSpec
from gnnmax.data.verification import check_windows_of
from tests.support.recipes import recipe_of

EVERY_ORDER = ["natural", "shuffled", *ORDERS]


def rng(seed=0):
    return np.random.default_rng(seed)


def ones(host):
    return np.ones(len(host.edges), dtype=np.float32)


def graph_of(host):
    graph = nx.empty_graph(host.nodes)
    graph.add_edges_from(host.edges.tolist())
    return graph


def shuffled_path(nodes, seed=0):
    names = rng(seed).permutation(nodes)
    return Host(nodes, sorted_edges(names[:-1], names[1:], nodes)), names


def bandwidth(edge_mask):
    rows, columns = np.nonzero(edge_mask)
    return int(np.abs(rows - columns).max())


@pytest.mark.parametrize("order", EVERY_ORDER)
@pytest.mark.parametrize("choose", CHOICES)
def test_a_subgraph_is_the_induced_one_on_distinct_nodes(order, choose):
    host = BarabasiAlbert(nodes=50, attachments=3).sample(rng())
    weights = weigh(Exponential(), host, rng())
    sampling = SubgraphSpec(nodes=20, choose=choose, order=order)
    subgraph, again = (sampling.sample(host, weights, rng(3)) for _ in range(2))
    assert len(set(subgraph.nodes.tolist())) == 20
    full = np.zeros((50, 50), dtype=np.float32)
    full[tuple(host.edges.T)] = full[tuple(host.edges.T[::-1])] = weights
    assert (subgraph.adjacency == full[np.ix_(subgraph.nodes, subgraph.nodes)]).all()
    assert (subgraph.edge_mask == (subgraph.adjacency > 0)).all()
    assert subgraph.nodes.tobytes() == again.nodes.tobytes()


@pytest.mark.parametrize("order", [order for order in EVERY_ORDER if order != "natural"])
def test_an_order_holds_all_nodes_once_in_connected_and_disconnected_hosts(order):
    for probability in (0.0, 0.03, 0.3, 1.0):
        host = ErdosRenyi(nodes=40, probability=probability).sample(rng())
        nodes = SubgraphSpec(order=order).sample(host, ones(host), rng()).nodes
        assert sorted(nodes.tolist()) == list(range(40))


def test_degrees_fall_along_the_degree_order_and_do_not_along_the_natural_one():
    host = ErdosRenyi(nodes=60, probability=0.2).sample(rng())
    degree = SubgraphSpec(order="degree").sample(host, ones(host), rng()).edge_mask.sum(axis=1)
    assert (np.diff(degree) <= 0).all()
    assert (np.diff(SubgraphSpec().sample(host, ones(host), rng()).edge_mask.sum(axis=1)) > 0).any()


def test_nodes_of_one_degree_keep_the_natural_order():
    host = RingLattice(nodes=30, radius=2).sample(rng())
    assert SubgraphSpec(order="degree").sample(host, ones(host), rng()).nodes.tolist() == list(range(30))


@pytest.mark.parametrize("seed", range(5))
def test_reverse_cuthill_mckee_brings_a_shuffled_path_to_bandwidth_one(seed):
    host, _ = shuffled_path(40, seed)
    assert bandwidth(SubgraphSpec(order="rcm").sample(host, ones(host), rng()).edge_mask) == 1
    assert bandwidth(SubgraphSpec().sample(host, ones(host), rng()).edge_mask) > 5


def test_reverse_cuthill_mckee_is_about_as_narrow_as_scipy_s():
    for seed in range(8):
        host = WattsStrogatz(nodes=80, degree=4, rewiring=0.1).sample(rng(seed))
        shuffled = SubgraphSpec(order="shuffled").sample(host, ones(host), rng(seed)).edge_mask
        names = ORDERS["rcm"](shuffled.astype(np.float32), shuffled)
        theirs = reverse_cuthill_mckee(csr_array(shuffled.astype(np.int8)), symmetric_mode=True)
        ours, reference = (bandwidth(shuffled[np.ix_(n, n)]) for n in (names, theirs))
        assert ours <= 1.5 * reference < 1.5 * bandwidth(shuffled)


@pytest.mark.parametrize("seed", range(5))
def test_the_spectral_order_recovers_a_path_up_to_reversal(seed):
    host, names = shuffled_path(40, seed)
    weights = weigh(Exponential(), host, rng(seed)) + np.float32(0.5)
    nodes = SubgraphSpec(order="spectral").sample(host, weights, rng()).nodes.tolist()
    assert nodes in (names.tolist(), names[::-1].tolist())
    assert SubgraphSpec(order="rcm").sample(host, weights, rng()).nodes.tolist() in (
        names.tolist(),
        names[::-1].tolist(),
    )
    assert SubgraphSpec(order="degree").sample(host, weights, rng()).nodes.tolist() not in (names.tolist(),)


def test_the_spectral_order_runs_along_the_given_one():
    for nodes in (12, 13, 40):
        path = Host(nodes, np.stack([np.arange(nodes - 1), np.arange(1, nodes)], axis=1))
        assert SubgraphSpec(order="spectral").sample(path, ones(path), rng()).nodes.tolist() == list(range(nodes))


def test_the_spectral_order_leaves_no_choice_where_an_eigenvalue_is_multiple():
    # All of these have a Fiedler value of multiplicity two or more; a rotation of the eigenvectors must change nothing.
    complete = ErdosRenyi(nodes=20, probability=1.0).sample(rng())
    assert SubgraphSpec(order="spectral").sample(complete, ones(complete), rng()).nodes.tolist() == list(range(20))
    ring = RingLattice(nodes=20, radius=2).sample(rng())
    first = SubgraphSpec(order="spectral").sample(ring, ones(ring), rng())
    values = np.linalg.eigvalsh(np.diag(first.edge_mask.sum(axis=1)) - first.edge_mask)
    assert values[1] == pytest.approx(values[2])
    jitter = ones(ring) * np.float32(4.0)  # another scale takes another path through the rounding
    assert SubgraphSpec(order="spectral").sample(ring, jitter, rng()).nodes.tolist() == first.nodes.tolist()


def test_the_spectral_order_keeps_components_together():
    host = Host(9, np.array([[0, 4], [1, 3], [2, 8], [3, 7], [4, 6]]))  # 0-4-6, 1-3-7, 2-8, 5
    nodes = SubgraphSpec(order="spectral").sample(host, ones(host), rng()).nodes.tolist()
    assert nodes == [0, 4, 6, 1, 3, 7, 2, 8, 5]


def test_the_spectral_order_finds_the_places_of_a_noisy_ring_segment_and_a_shuffle_does_not():
    rows = np.arange(60)
    near = [(a, b) for a in rows for b in range(a + 1, min(a + 6, 60)) if rng(a * 60 + b).random() < 0.7]
    names = rng(9).permutation(60)
    edges = names[np.array(near)]
    host = Host(60, sorted_edges(edges[:, 0], edges[:, 1], 60))
    place = np.empty(60, dtype=int)
    place[names] = rows

    def agreement(order):
        nodes = SubgraphSpec(order=order).sample(host, ones(host), rng()).nodes
        return abs(np.corrcoef(place[nodes], rows)[0, 1])

    assert agreement("spectral") > 0.97
    assert agreement("shuffled") < 0.5


def test_an_ego_is_a_ball():
    host = WattsStrogatz(nodes=100, degree=4, rewiring=0.3).sample(rng())
    graph = graph_of(host)
    for seed in range(10):
        chosen = ego(host, 30, rng(seed)).tolist()
        balls = [dict(nx.single_source_shortest_path_length(graph, root)) for root in chosen]
        # Around some node, all that is nearer than the farthest chosen is chosen.
        assert any(
            {node for node, hops in ball.items() if hops < max(ball[c] for c in chosen)} <= set(chosen)
            for ball in balls
        )
    scattered = set(CHOICES["uniform"](host, 30, rng()).tolist())
    assert not any(set(graph[root]) <= scattered for root in scattered)


@pytest.mark.parametrize("choose", ["ego", "random_walk", "snowball"])
def test_walks_and_waves_stay_connected_where_uniform_draws_do_not(choose):
    host = WattsStrogatz(nodes=200, degree=4, rewiring=0.2).sample(rng())
    graph = graph_of(host)
    for seed in range(10):
        assert nx.is_connected(graph.subgraph(CHOICES[choose](host, 25, rng(seed)).tolist()))
    assert not nx.is_connected(graph.subgraph(CHOICES["uniform"](host, 25, rng()).tolist()))


@pytest.mark.parametrize("choose", CHOICES)
def test_every_choice_gives_as_many_nodes_as_asked_even_without_edges(choose):
    empty = Host(20, np.empty((0, 2), dtype=np.int64))
    for count in (6, 20):
        chosen = CHOICES[choose](empty, count, rng())
        assert len(set(chosen.tolist())) == count and (np.diff(chosen) > 0).all()


def test_a_node_names_three_in_a_snowball_and_all_in_an_ego():
    spokes = np.arange(1, 41)  # a hub, 40 neighbours, and one child of each
    tree = Host(81, np.concatenate([np.stack([0 * spokes, spokes], 1), np.stack([spokes, spokes + 40], 1)]))
    from_hub = next(seed for seed in range(999) if rng(seed).permutation(81)[0] == 0)
    waves, ball = (choose(tree, 7, rng(from_hub)) for choose in (snowball, ego))
    assert waves[0] == ball[0] == 0
    assert ((waves > 0) & (waves <= 40)).sum() == (waves > 40).sum() == 3
    assert (ball[1:] <= 40).all()


def test_a_random_walk_prefers_hubs():
    host = BarabasiAlbert(nodes=300, attachments=2).sample(rng())
    count = np.bincount(host.edges.reshape(-1), minlength=300)
    walked = np.mean([count[random_walk(host, 20, rng(seed))].mean() for seed in range(20)])
    assert walked > 1.5 * count.mean()


def test_directions_play_no_part_in_choices_and_orders():
    directed = ErdosRenyi(nodes=30, probability=0.2, directed=True).sample(rng())
    undirected = Host(30, np.unique(np.sort(directed.edges, axis=1), axis=0))
    assert len(undirected.edges) < len(directed.edges)  # some pairs are edge_mask in both directions
    for choose in CHOICES:
        one, two = (
            SubgraphSpec(nodes=12, choose=choose, order="rcm").sample(h, ones(h), rng(1)).nodes
            for h in (directed, undirected)
        )
        assert one.tolist() == two.tolist()


def test_a_subgraph_larger_than_its_host_is_refused():
    host = ErdosRenyi(nodes=20, probability=0.5).sample(rng())
    with pytest.raises(ValueError, match="its host, which has 20"):
        SubgraphSpec(nodes=21).sample(host, ones(host), rng())
    with pytest.raises(ValueError, match="at most 5000"):
        large = Host(6_000, np.array([[0, 1]]))
        SubgraphSpec().sample(large, ones(large), rng())


def test_recipes_of_every_choice_and_order_build_and_verify():
    subgraphs = [{"nodes": 30, "choose": choose, "order": order} for choose in CHOICES for order in EVERY_ORDER]
    recipe = recipe_of(
        ErdosRenyi(nodes=60, probability=0.5), subgraphs=subgraphs, splits={"test": 50}, windows_per_graph=4
    )
    data = build(recipe)
    assert all(check.holds for check in check_windows_of(recipe, "test", data.test))
