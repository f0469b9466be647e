"""Subgraphs and cuts against plain loops: the content of a window is that of the host."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import build, load_recipe
from gnnmax.data.generation import generate_graph
from gnnmax.data.hosts.host import Host, sorted_edges
from gnnmax.data.subgraphs.subgraph import SubgraphSpec
from gnnmax.data.subgraphs.window_extraction import CUTS, blocks, centres

SEEDS = st.integers(0, 2**32 - 1)


def subgraph_of(seed, size=24, probability=0.2, parts=1, **sampling):
    """A weighted subgraph, optionally disconnected."""
    rng = np.random.default_rng(seed)
    u, v = np.triu_indices(size, 1)
    kept = (rng.random(len(u)) < probability) & (u * parts // size == v * parts // size)
    host = Host(size, sorted_edges(u[kept], v[kept], size))
    weights = rng.integers(1, 6, size=kept.sum()).astype(np.float32)  # few values, so edges tie
    return host, weights, SubgraphSpec(**sampling).sample(host, weights, rng)


@given(SEEDS, st.sampled_from(["natural", "shuffled"]), st.sampled_from(["range", "uniform"]), st.integers(6, 24))
def test_a_subgraph_holds_the_hosts_edges_among_its_nodes(seed, order, choose, count):
    host, weights, subgraph = subgraph_of(seed, order=order, choose=choose, nodes=count)
    assert len(set(subgraph.nodes.tolist())) == count
    table = {tuple(edge): weight for edge, weight in zip(host.edges.tolist(), weights.tolist(), strict=True)}
    for p, u in enumerate(subgraph.nodes.tolist()):
        for q, v in enumerate(subgraph.nodes.tolist()):
            assert subgraph.adjacency[p, q] == table.get((min(u, v), max(u, v)), 0)
            assert subgraph.edge_mask[p, q] == ((min(u, v), max(u, v)) in table)


@given(SEEDS, st.sampled_from([3, 5]), st.sampled_from(["contiguous", "neighbours"]))
def test_centres_are_the_edges_with_room_around_them(seed, k, cut):
    _, _, subgraph = subgraph_of(seed)
    m, half = len(subgraph.nodes), k // 2
    expected = [
        [p, q]
        for p in range(m)
        for q in range(m)
        if subgraph.edge_mask[p, q]
        and (cut == "neighbours" or (half <= min(p, q) and max(p, q) < m - half and abs(p - q) >= k))
    ]
    assert centres(subgraph, k, cut).tolist() == expected


@settings(max_examples=40)
@given(SEEDS, st.sampled_from([3, 5]), st.sampled_from(list(CUTS)), st.sampled_from([1, 2, 3]))
def test_rows_and_columns_are_different_nodes_around_the_centre(seed, k, cut, parts):
    _, _, subgraph = subgraph_of(seed, probability=0.5, parts=parts)
    middle = centres(subgraph, k, cut)
    rows, columns = CUTS[cut](subgraph, middle, k)
    assert rows.shape == columns.shape == (len(middle), k)
    assert rows[:, k // 2].tolist() == middle[:, 0].tolist()
    assert columns[:, k // 2].tolist() == middle[:, 1].tolist()
    assert all(len({*r, *c}) == 2 * k for r, c in zip(rows.tolist(), columns.tolist(), strict=True))
    for side in (rows, columns):
        assert (np.diff(np.delete(side, k // 2, axis=1), axis=1) > 0).all()  # in the subgraph's order
    if cut == "contiguous":
        assert (np.diff(rows, axis=1) == 1).all() and (np.diff(columns, axis=1) == 1).all()


def nearest_by_loop(subgraph, p, q, k):
    """Choose nodes alternately, for the row first: fewest hops, then the heaviest edge, then by position."""
    graph = nx.from_numpy_array(subgraph.edge_mask.astype(int))
    hops = {end: nx.single_source_shortest_path_length(graph, end) for end in (p, q)}
    chosen = {p: [], q: []}
    for turn in range(2 * (k - 1)):
        end = (p, q)[turn % 2]
        free = [node for node in range(len(subgraph.nodes)) if node not in (p, q, *chosen[p], *chosen[q])]
        chosen[end].append(
            min(
                free,
                key=lambda node, end=end: (
                    hops[end].get(node, np.inf),
                    -subgraph.adjacency[end, node] if hops[end].get(node) == 1 else 0,
                    node,
                ),
            )
        )
    return [[*sorted(chosen[end])[: k // 2], end, *sorted(chosen[end])[k // 2 :]] for end in (p, q)]


@settings(max_examples=30)
@given(SEEDS, st.sampled_from([3, 5]), st.sampled_from([1, 3]), st.sampled_from([0.1, 0.4]))
def test_neighbours_are_those_that_a_loop_finds(seed, k, parts, probability):
    _, _, subgraph = subgraph_of(seed, probability=probability, parts=parts)
    middle = centres(subgraph, k, "neighbours")[:6]
    if not len(middle):
        return
    rows, columns = CUTS["neighbours"](subgraph, middle, k)
    for (p, q), row, column in zip(middle.tolist(), rows.tolist(), columns.tolist(), strict=True):
        assert [row, column] == nearest_by_loop(subgraph, p, q, k)


def test_a_loop_that_lets_columns_choose_first_would_differ():
    found = 0
    for seed in range(20):
        _, _, subgraph = subgraph_of(seed, probability=0.4)
        for p, q in centres(subgraph, 3, "neighbours")[:4].tolist():
            found += nearest_by_loop(subgraph, p, q, 3) != nearest_by_loop(subgraph, q, p, 3)[::-1]
    assert found


def test_blocks_are_those_of_plain_indexing():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(30, 30))
    rows, columns = rng.integers(30, size=(2, 2_500, 5))
    expected = matrix[rows[:, :, None], columns[:, None, :]]
    np.testing.assert_array_equal(blocks(matrix, rows, columns), expected)
    assert (blocks(matrix.T.copy(), rows, columns) != expected).any()


@pytest.mark.parametrize("name", ["les_miserables", "karate_club"])
def test_natural_windows_hold_the_real_weights_of_their_nodes_every_edge_once(name):
    recipe = load_recipe("real-karate").replace(**{"hosts.0.name": name, "contexts": True, "k": 5})
    windows = build(recipe).test
    graph = getattr(nx, f"{name}_graph")()
    matrix = nx.to_numpy_array(graph, nodelist=list(graph))
    rows, columns = windows.rows, windows.columns
    np.testing.assert_array_equal(windows.values, matrix[rows[:, :, None], columns[:, None, :]])
    np.testing.assert_array_equal(windows.row_context, matrix[rows[:, :, None], rows[:, None, :]])
    np.testing.assert_array_equal(windows.column_context, matrix[columns[:, :, None], columns[:, None, :]])
    pairs = {frozenset(pair) for pair in zip(rows[:, 2].tolist(), columns[:, 2].tolist(), strict=True)}
    assert len(pairs) == len(windows) == graph.number_of_edges()


@pytest.mark.parametrize("cut", ["contiguous", "neighbours"])
@pytest.mark.parametrize("order", ["natural", "shuffled"])
def test_contexts_are_symmetric_empty_on_the_diagonal_and_agree_across_windows(cut, order):
    changes = {"contexts": True, "cuts": [cut], "subgraphs": [{"order": order}], "windows_per_graph": 40}
    recipe = load_recipe("tiny").replace(**changes)
    windows = generate_graph(recipe, 0)
    seen = {}
    for nodes, context in ((windows.rows, windows.row_context), (windows.columns, windows.column_context)):
        assert (context == context.transpose(0, 2, 1)).all()
        assert (np.diagonal(context, axis1=1, axis2=2) == 0).all()
        for names, matrix in zip(nodes.tolist(), context.tolist(), strict=True):
            for u, line in zip(names, matrix, strict=True):
                for v, weight in zip(names, line, strict=True):
                    assert seen.setdefault((u, v), weight) == weight  # one host, one weight
    assert len(set(seen.values())) > 20


def test_a_host_in_pieces_gives_windows_too():
    block = {"type": "stochastic_block_model", "nodes": 40, "blocks": 5, "inside": 0.9, "between": 0.0}
    recipe = load_recipe("tiny").replace(hosts=[block], cuts=["neighbours"])
    windows = build(recipe).train
    pieces = np.concatenate([windows.rows, windows.columns], axis=1) // 8
    assert (pieces[:, [2, 7]] == pieces[:, [2]]).all()  # the centre is an edge, and so inside a piece
    assert (pieces != pieces[:, [2]]).any()  # 8 nodes are too few for 10 places
