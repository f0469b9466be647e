"""Families of hosts beyond the classic ones: their laws, and networkx as an independent reference."""

import math

import msgspec
import networkx as nx
import numpy as np
import pytest

from gnnmax.data.generation import build
from gnnmax.data.hosts.families import (
    Bipartite,
    Contact,
    DegreeCorrected,
    ErdosRenyi,
    Family,
    Lattice,
    PowerLaw,
    RingLattice,
    Similarity,
)
from gnnmax.data.hosts.host import Host, check_edges, degrees
from gnnmax.data.recipe_files import load_recipe
from gnnmax.data.subgraphs.subgraph import SubgraphSpec
from gnnmax.data.verification import check_windows_of
from tests.support.recipes import recipe_of

FAMILIES = [
    ErdosRenyi(nodes=60, probability=0.3, directed=True),
    DegreeCorrected(nodes=60, blocks=3, inside=0.6, between=0.2),
    DegreeCorrected(nodes=60, blocks=3, inside=0.6, between=0.2, directed=True),
    PowerLaw(nodes=60, exponent=2.5, least=8),
    Similarity(nodes=60, neighbours=18, unit=(0.1, 10.0)),
    Similarity(nodes=60, neighbours=18, directed=True),
    RingLattice(nodes=60, radius=16),
    Lattice(rows=8, columns=8, radius=6),
    Contact(nodes=60, domains=4, unit=(0.1, 10.0)),
    Contact(nodes=60, law="lognormal", density=0.5),
    Bipartite(first=24, second=36, probability=0.6),
]
NAMES = [f"{number}-{type(family).__name__}" for number, family in enumerate(FAMILIES)]


def rng(seed=0):
    return np.random.default_rng(seed)


def graph_of(host):
    graph = nx.DiGraph() if host.directed else nx.Graph()
    graph.add_nodes_from(range(host.nodes))
    graph.add_edges_from(host.edges.tolist())
    return graph


@pytest.mark.parametrize("family", FAMILIES, ids=NAMES)
def test_hosts_are_simple_and_sorted_and_the_same_graph_gives_the_same_bytes(family):
    host, again, other = family.sample(rng()), family.sample(rng()), family.sample(rng(1))
    check_edges(host)
    assert host.nodes == family.nodes and host.edges.dtype == np.int64
    assert host.edges.tobytes() == again.edges.tobytes()
    if family.own_weights:
        assert host.weights.dtype == np.float32 and host.weights.shape == (len(host.edges),)
        assert np.isfinite(host.weights).all() and (host.weights > 0).all()
        assert host.weights.tobytes() == again.weights.tobytes() != other.weights.tobytes()
    else:
        assert host.weights is None
    if not isinstance(family, RingLattice | Lattice | Contact):
        assert host.edges.tobytes() != other.edges.tobytes()


@pytest.mark.parametrize("family", FAMILIES, ids=NAMES)
def test_a_recipe_of_each_family_builds_and_verifies(family):
    recipe = recipe_of(family)
    data = build(recipe)
    for split, windows in data.splits.items():
        checks = check_windows_of(recipe, split, windows)
        assert all(check.holds for check in checks), [c for c in checks if not c.holds]
    assert data.train.values.tobytes() == build(recipe).train.values.tobytes()


@pytest.mark.parametrize("family", FAMILIES, ids=NAMES)
def test_a_family_survives_the_way_through_plain_data(family):
    plain = msgspec.to_builtins(family)
    assert msgspec.convert(plain, Family) == family


def test_a_broken_host_is_noticed():
    with pytest.raises(ValueError, match="smaller end first"):
        check_edges(Host(3, np.array([[1, 0]])))
    with pytest.raises(ValueError, match="below 3, sorted"):
        check_edges(Host(3, np.array([[1, 1]]), directed=True))
    with pytest.raises(ValueError, match="below 3"):
        check_edges(Host(3, np.array([[0, 3]]), directed=True))


def test_the_new_field_of_erdos_renyi_leaves_old_digests_alone():
    assert msgspec.to_builtins(ErdosRenyi(nodes=9, probability=0.5)) == {
        "type": "erdos_renyi",
        "nodes": 9,
        "probability": 0.5,
    }
    recipe = load_recipe("spike-9").replace(hosts=[{"type": "erdos_renyi", "nodes": 96, "probability": 0.3}])
    assert recipe.replace(**{"hosts.0.directed": True}).digest != recipe.digest


def test_directed_erdos_renyi_draws_every_ordered_pair_equally():
    n, p, draws = 12, 0.3, 400
    counts = np.zeros((n, n))
    source = rng()
    for _ in range(draws):
        host = ErdosRenyi(nodes=n, probability=p, directed=True).sample(source)
        counts[tuple(host.edges.T)] += 1
    assert (np.diag(counts) == 0).all()
    off = counts[~np.eye(n, dtype=bool)]
    error = math.sqrt(draws * p * (1 - p))
    assert np.abs(off - draws * p).max() < 4.5 * error
    # The two directions of a pair are independent.
    assert abs(np.corrcoef(counts[np.triu_indices(n, 1)], counts.T[np.triu_indices(n, 1)])[0, 1]) < 0.4


def test_directed_erdos_renyi_has_the_edge_counts_of_networkx():
    ours = [len(ErdosRenyi(nodes=40, probability=0.1, directed=True).sample(rng(s)).edges) for s in range(80)]
    theirs = [nx.fast_gnp_random_graph(40, 0.1, seed=s, directed=True).number_of_edges() for s in range(80)]
    spread = math.sqrt(40 * 39 * 0.1 * 0.9 / 80)
    assert abs(np.mean(ours) - np.mean(theirs)) < 6 * spread
    assert 0.6 < np.std(ours) / np.std(theirs) < 1.6


def test_a_directed_host_gives_matrices_that_are_not_symmetric_and_an_undirected_one_does():
    for directed in (True, False):
        data = build(recipe_of(ErdosRenyi(nodes=60, probability=0.4, directed=directed)))
        context = data.train.row_context
        assert (context == context.transpose(0, 2, 1)).all() != directed
        turned = data.train.transposed()
        assert (turned.transposed().row_context == context).all()
        assert (turned.column_context == context.transpose(0, 2, 1)).all()


def test_natural_windows_of_a_directed_host_take_each_direction_once():
    family = ErdosRenyi(nodes=40, probability=0.2, directed=True)
    recipe = recipe_of(
        family, plant={"type": "natural"}, kinds=None, windows_per_graph=None, splits={"test": 1}, cuts=["neighbours"]
    )
    windows = build(recipe).test
    pairs = set(zip(windows.rows[:, 2].tolist(), windows.columns[:, 2].tolist(), strict=True))
    assert len(pairs) == len(windows)
    assert any((v, u) not in pairs for u, v in pairs) and any((v, u) in pairs for u, v in pairs)
    assert 0.4 < np.mean([u < v for u, v in pairs]) < 0.6


def test_neighbours_ignore_the_directions_of_edges():
    from gnnmax.data.subgraphs.window_extraction import cut_neighbours

    path = Host(8, np.array([[0, 1], [2, 1], [2, 3], [3, 4], [5, 4], [5, 6], [6, 7]]), directed=True)
    weights = np.ones(7, dtype=np.float32)
    directed = SubgraphSpec().sample(path, weights, rng())
    both = SubgraphSpec().sample(Host(8, np.sort(path.edges, axis=1)), weights, rng())
    for ours, theirs in zip(
        cut_neighbours(directed, np.array([[3, 4]]), 3), cut_neighbours(both, np.array([[3, 4]]), 3), strict=True
    ):
        assert ours.tolist() == theirs.tolist()


def mean_degrees(sample, draws):
    return np.mean([np.sort(sample(seed))[::-1] for seed in range(draws)], axis=0)


def test_degree_corrected_hosts_have_the_edges_of_their_blocks():
    family = DegreeCorrected(nodes=200, blocks=2, inside=0.05, between=0.01, exponent=6.0)
    inside, between = [], []
    for seed in range(30):
        u, v = family.sample(rng(seed)).edges.T
        same = (u < 100) == (v < 100)
        inside.append(same.sum())
        between.append((~same).sum())
    # Propensities average one, loops take 1 in 100 and repeated edges few.
    assert 0.9 * 2 * 100**2 / 2 * 0.05 < np.mean(inside) < 1.03 * 2 * 100**2 / 2 * 0.05
    assert 0.95 * 100**2 * 0.01 < np.mean(between) < 1.05 * 100**2 * 0.01


def test_degree_correction_makes_hubs_which_the_plain_block_model_has_not():
    def degree(exponent):
        return lambda seed: degrees(
            DegreeCorrected(nodes=300, blocks=3, inside=0.1, between=0.01, exponent=exponent).sample(rng(seed))
        )

    def plain(seed):
        sizes, chances = [100] * 3, [[0.1 if a == b else 0.01 for b in range(3)] for a in range(3)]
        return np.array([d for _, d in nx.stochastic_block_model(sizes, chances, seed=seed).degree])

    heavy, light, theirs = (mean_degrees(sample, 12) for sample in (degree(2.5), degree(20.0), plain))
    assert heavy[0] > 2 * theirs[0]  # a hub
    assert abs(light[0] / theirs[0] - 1) < 0.25 and abs(light.mean() / theirs.mean() - 1) < 0.1  # nearly the plain one


def test_hubs_come_first_in_each_block():
    family = DegreeCorrected(nodes=200, blocks=2, inside=0.2, between=0.1, exponent=2.5)
    count = np.mean([degrees(family.sample(rng(seed))) for seed in range(10)], axis=0).reshape(2, 100)
    assert (count[:, :10].mean(axis=1) > 2 * count[:, -10:].mean(axis=1)).all()


def test_directed_degree_corrected_hosts_have_twice_the_edges():
    args = {"nodes": 200, "blocks": 2, "inside": 0.05, "between": 0.02, "exponent": 6.0}
    one = np.mean([len(DegreeCorrected(**args).sample(rng(seed)).edges) for seed in range(20)])
    two = np.mean([len(DegreeCorrected(**args, directed=True).sample(rng(seed)).edges) for seed in range(20)])
    assert 1.9 < two / one < 2.15


def test_power_law_degrees_are_those_of_the_erased_configuration_model_of_networkx():
    family = PowerLaw(nodes=200, exponent=3.0, least=2, greatest=14)
    support = np.arange(2, 15)
    law = support**-3.0 / (support**-3.0).sum()

    def theirs(seed):
        drawn = rng(seed).choice(support, size=200, p=law)
        drawn[0] += drawn.sum() % 2
        graph = nx.Graph(nx.configuration_model(drawn.tolist(), seed=seed))
        graph.remove_edges_from(nx.selfloop_edges(graph))
        return np.bincount([d for _, d in graph.degree], minlength=20)

    ours = np.mean([np.bincount(degrees(family.sample(rng(seed))), minlength=20) for seed in range(40)], axis=0)
    reference = np.mean([theirs(1000 + seed) for seed in range(40)], axis=0)
    assert np.abs(ours - reference).max() < 6  # of 200 nodes; standard error about 1.1
    assert ours[15:].sum() == 0
    uniform = np.bincount(degrees(ErdosRenyi(nodes=200, probability=0.015).sample(rng())), minlength=20)[:20]
    assert np.abs(uniform - reference).max() > 12  # the bound can tell laws apart


def test_power_law_refuses_degrees_that_do_not_fit():
    for fields in ({"least": 9, "greatest": 8}, {"greatest": 20}, {"least": 20}):
        with pytest.raises(ValueError, match="least and greatest"):
            PowerLaw(nodes=20, exponent=2.0, **fields)


@pytest.mark.parametrize(("rows", "columns", "radius"), [(3, 4, 1), (2, 7, 1), (4, 4, 2), (3, 5, 10)])
def test_a_lattice_joins_what_is_within_its_radius(rows, columns, radius):
    host = Lattice(rows=rows, columns=columns, radius=radius).sample(rng())
    grid = nx.convert_node_labels_to_integers(nx.grid_2d_graph(rows, columns), ordering="sorted")
    steps = dict(nx.all_pairs_shortest_path_length(grid))
    expected = [[u, v] for u in grid for v in grid if u < v and steps[u][v] <= radius]
    assert host.edges.tolist() == sorted(expected)


@pytest.mark.parametrize(("nodes", "radius"), [(6, 1), (9, 4), (20, 3)])
def test_a_ring_lattice_is_a_circulant_graph(nodes, radius):
    host = RingLattice(nodes=nodes, radius=radius).sample(rng())
    assert {tuple(e) for e in host.edges.tolist()} == {
        tuple(sorted(e)) for e in nx.circulant_graph(nodes, range(1, radius + 1)).edges
    }
    with pytest.raises(ValueError, match="below half"):
        RingLattice(nodes=nodes, radius=nodes // 2 + 1)


def test_similarity_joins_nearest_neighbours_by_brute_force():
    family = Similarity(nodes=50, neighbours=4, dimensions=3, scale=0.7)
    points = rng(5).random((50, 3))
    points = points[np.argsort(points[:, 0])]
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    nearest = np.argsort(distance, axis=1)[:, 1:5]
    reach = np.zeros((50, 50), dtype=bool)
    np.put_along_axis(reach, nearest, True, axis=1)
    width = 0.7 * np.take_along_axis(distance, nearest[:, 3:], axis=1).mean()
    host = family.sample(rng(5))
    assert host.edges.tolist() == np.argwhere(np.triu(reach | reach.T)).tolist()
    u, v = host.edges.T
    assert np.allclose(host.weights, np.exp(-(distance[u, v] ** 2) / (2 * width**2)), rtol=1e-5)
    directed = msgspec.structs.replace(family, directed=True).sample(rng(5))
    assert directed.edges.tolist() == np.argwhere(reach).tolist()
    assert (np.bincount(directed.edges[:, 0]) == 4).all()


def test_contacts_fall_with_distance_by_their_exponent_and_are_heavier_inside_domains():
    host = Contact(nodes=400, decay=1.0, domains=4, boost=5.0, spread=0.3).sample(rng(2))
    apart = host.edges[:, 1] - host.edges[:, 0]
    logs = np.log(host.weights.astype(np.float64))
    far = np.array([logs[apart == d].mean() for d in range(250, 360)])  # across domains, nearly all
    slope = np.polyfit(np.log(np.arange(250, 360)), far, 1)[0]
    assert -1.35 < slope < -0.65
    near, middle = logs[apart == 1].mean(), logs[apart == 300].mean()
    assert near - middle == pytest.approx(math.log(300) + math.log(5.0), abs=0.15)
    flat = Contact(nodes=400, decay=0.0, domains=1, boost=5.0, spread=0.3).sample(rng(2))
    assert flat.weights.mean() == pytest.approx(5.0, rel=0.01)  # the spread has mean one


@pytest.mark.parametrize("law", ["gamma", "lognormal"])
def test_the_spread_of_contacts_is_multiplicative_with_mean_one(law):
    host = Contact(nodes=300, decay=0.0, domains=1, boost=1.0, spread=0.4, law=law).sample(rng())
    assert host.weights.mean() == pytest.approx(1.0, abs=0.01)
    measured = np.log(host.weights).std() if law == "lognormal" else host.weights.std()
    assert measured == pytest.approx(0.4, rel=0.02)


def test_thinned_contacts_keep_their_share_of_the_pairs():
    host = Contact(nodes=300, density=0.2).sample(rng())
    assert len(host.edges) / (300 * 299 / 2) == pytest.approx(0.2, abs=0.01)


def test_bipartite_edges_join_the_two_sets_only_with_the_counts_of_networkx():
    family = Bipartite(first=20, second=35, probability=0.3)
    counts = []
    for seed in range(40):
        host = family.sample(rng(seed))
        assert (host.edges[:, 0] < 20).all() and (host.edges[:, 1] >= 20).all()
        counts.append(len(host.edges))
    theirs = [nx.bipartite.random_graph(20, 35, 0.3, seed=seed).number_of_edges() for seed in range(40)]
    assert abs(np.mean(counts) - np.mean(theirs)) < 6 * math.sqrt(700 * 0.21 / 40)
    assert nx.is_bipartite(graph_of(family.sample(rng())))
    assert not nx.is_bipartite(graph_of(ErdosRenyi(nodes=55, probability=0.3).sample(rng())))


def test_families_that_bring_weights_take_no_law_and_do_not_mix_with_those_that_do_not():
    contact, ring = ({"type": "contact", "nodes": 60}, {"type": "ring_lattice", "nodes": 60, "radius": 16})
    law = [{"type": "uniform"}]
    recipe_of(Contact(nodes=60), hosts=[contact, {"type": "similarity", "nodes": 60, "neighbours": 20}])
    with pytest.raises(ValueError, match="have their own weights: give no weights"):
        recipe_of(Contact(nodes=60), weights=law)
    with pytest.raises(ValueError, match="do not mix"):
        recipe_of(Contact(nodes=60), hosts=[contact, ring], weights=law)
    with pytest.raises(ValueError, match="at least one law"):
        recipe_of(RingLattice(nodes=60, radius=16), weights=[])


def test_a_host_whose_weights_are_always_the_same_is_allowed_once():
    real = {"type": "real", "name": "les_miserables"}
    fields = {"hosts": [real], "splits": {"test": 1}}
    recipe_of(Contact(nodes=60), **fields)
    with pytest.raises(ValueError, match="once in all splits"):
        recipe_of(Contact(nodes=60), **{**fields, "splits": {"train": 1, "test": 1}})


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "contact", "nodes": 2_001},
        {"type": "contact", "nodes": 60, "decay": -1.0},
        {"type": "contact", "nodes": 60, "domains": 61},
        {"type": "contact", "nodes": 60, "unit": [2.0, 1.0]},
        {"type": "similarity", "nodes": 60, "neighbours": 60},
        {"type": "lattice", "rows": 100, "columns": 100, "radius": 1},
        {"type": "lattice", "rows": 2, "columns": 2, "radius": 1},
        {"type": "bipartite", "first": 1, "second": 2, "probability": 0.5},
        {"type": "degree_corrected", "nodes": 60, "blocks": 61, "inside": 0.1, "between": 0.1},
        {"type": "power_law", "nodes": 60, "exponent": 1.0},
        {"type": "ring_lattice", "nodes": 60, "radius": 0},
        {"type": "watts_strogats", "nodes": 60},
    ],
)
def test_fields_out_of_bounds_are_refused(fields):
    with pytest.raises(ValueError, match=r"Expected `|must be|Invalid value"):
        msgspec.convert(fields, Family)
