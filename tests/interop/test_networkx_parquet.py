"""Converters: values survive every conversion, bit for bit."""

import builtins
import json

import networkx as nx
import numpy as np
import pytest
import torch
from pyarrow import parquet
from torch_geometric.data import Batch

from gnnmax import InputError, Windows, build, load_recipe
from gnnmax.interop.networkx_parquet import to_images, to_networkx, to_parquet
from gnnmax.interop.pyg import to_data, to_hetero
from gnnmax.models.encoding import encode

PLAIN = load_recipe("tiny")
RECIPES = {
    "contexts": PLAIN.replace(contexts=True),
    "plain": PLAIN,
    "directed": PLAIN.replace(
        contexts=True, hosts=[{"type": "erdos_renyi", "nodes": 24, "probability": 0.5, "directed": True}]
    ),
    "noise": load_recipe("noise-9-mu2").replace(splits={"test": 1}),
}


def windows_of(name):
    """Some windows; those called 'gaps' have entries that are not observed, and zeros."""
    if name == "gaps":
        values = np.random.default_rng(0).integers(0, 3, size=(6, 5, 5)).astype(np.float32)
        values[np.random.default_rng(1).random(values.shape) < 0.3] = np.nan
        return Windows.from_values(values)
    return build(RECIPES[name]).test


ALL = [*RECIPES, "gaps"]


def scattered(k, edges, weights, empty=0.0):
    matrix = np.full((k, k), empty, dtype=np.float32)
    matrix[tuple(edges)] = weights
    return matrix


def equal(found, values):
    return np.array_equal(np.stack(found), values, equal_nan=True)


@pytest.mark.parametrize("name", ALL)
def test_networkx_graphs_hold_the_values(name):
    w = windows_of(name)
    graphs = to_networkx(w)
    read = [
        nx.bipartite.biadjacency_matrix(graph, row_order=rows.tolist(), column_order=columns.tolist(), dtype=float)
        for graph, rows, columns in zip(graphs, w.rows, w.columns, strict=True)
    ]
    assert equal([matrix.toarray() for matrix in read], np.nan_to_num(w.values))
    for index, graph in enumerate(graphs):
        assert nx.is_bipartite(graph)
        assert graph.number_of_edges() == (~np.isnan(w.values[index])).sum()
        assert graph.graph == {"label": w.label[index], "centre": (w.rows[index, w.k // 2], w.columns[index, w.k // 2])}
        assert [graph.nodes[node]["position"] for node in w.columns[index].tolist()] == list(range(w.k))


def test_a_node_on_both_sides_is_refused():
    w = Windows.from_values(np.ones((2, 3, 3)))
    w.columns[1, 0] = w.rows[1, 2]
    with pytest.raises(InputError, match="1 of 2 windows hold a node twice"):
        to_networkx(w)


def test_images_hold_values_and_contexts_as_channels():
    w = windows_of("directed")
    assert np.array_equal(to_images(w), w.values[:, None])
    channels = to_images(w, contexts=True)
    assert channels.shape == (len(w), 3, 5, 5)
    for channel, array in enumerate((w.values, w.row_context, w.column_context)):
        assert np.array_equal(channels[:, channel], array)
    with pytest.raises(InputError, match="no contexts"):
        to_images(windows_of("plain"), contexts=True)


@pytest.mark.parametrize("name", ALL)
def test_homogeneous_graphs_hold_values_and_contexts(name):
    w = windows_of(name)
    k = w.k
    for index, graph in enumerate(to_data(w, encoding="none", zeros=True)):
        graph.validate()
        edges, weights, sort = graph.edge_index.numpy(), graph.edge_weight.numpy(), graph.edge_type.numpy()
        backward = edges[0] >= k
        parts = {
            "there": ((sort == 0) & ~backward, [[0], [k]], w.values),
            "back": ((sort == 0) & backward, [[k], [0]], w.values.transpose(0, 2, 1)),
            "rows": (sort == 1, [[0], [0]], w.row_context),
            "columns": (sort == 2, [[k], [k]], w.column_context),
        }
        for name, (chosen, shift, array) in parts.items():
            if array is None:
                assert not chosen.any()
                continue
            empty = np.nan if name in ("there", "back") else 0.0
            found = scattered(k, edges[:, chosen] - np.array(shift), weights[chosen], empty)
            assert np.array_equal(found, array[index], equal_nan=True)
        assert graph.y.item() == w.label[index]
        assert graph.x[:, 2].nonzero().ravel().tolist() == graph.root_index.ravel().tolist() == [k // 2, k + k // 2]
        assert graph.node.tolist() == [*w.rows[index], *w.columns[index]]


@pytest.mark.parametrize("name", ALL)
def test_heterogeneous_graphs_hold_values_and_contexts(name):
    w = windows_of(name)
    relations = {
        ("row", "entry", "column"): w.values,
        ("column", "rev_entry", "row"): w.values.transpose(0, 2, 1),
        ("row", "context", "row"): w.row_context,
        ("column", "context", "column"): w.column_context,
    }
    for index, graph in enumerate(to_hetero(w, encoding="none", zeros=True)):
        graph.validate()
        assert set(graph.edge_types) == {relation for relation, array in relations.items() if array is not None}
        for relation in graph.edge_types:
            empty = 0.0 if relation[1] == "context" else np.nan
            found = scattered(w.k, graph[relation].edge_index.numpy(), graph[relation].edge_weight.numpy(), empty)
            assert np.array_equal(found, relations[relation][index], equal_nan=True)
        assert graph["row"].x.ravel().argmax() == graph["column"].x.ravel().argmax() == w.k // 2
        assert graph.y.item() == w.label[index]
        assert graph["column"].node.tolist() == w.columns[index].tolist()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("encoding", ["standard", "rank"])
def test_absent_edges_are_absent_and_weights_are_those_that_a_net_reads(name, encoding):
    w = windows_of(name)
    w = w[~np.isnan(w.values).any(axis=(1, 2))]
    read = encode(torch.tensor(w.values), encoding).numpy()
    for index, graph in enumerate(to_data(w, encoding=encoding, contexts=False)):
        there = graph.edge_index[:, : graph.num_edges // 2].numpy() - np.array([[0], [w.k]])
        assert np.array_equal(there, np.stack(np.nonzero(w.values[index])))
        assert np.allclose(graph.edge_weight[: graph.num_edges // 2], read[index][tuple(there)], atol=1e-5)
        assert graph.edge_type.unique().tolist() == [0]


def test_most_entries_of_spike_9_are_absent_edges_and_make_none():
    w = build(load_recipe("spike-9").replace(splits={"test": 10})).test
    edges = sum(graph.num_edges for graph in to_data(w, contexts=False)) / 2
    assert edges == np.count_nonzero(w.values) < 0.5 * w.values.size


def test_graphs_are_made_of_windows_and_by_a_known_encoding():
    w = windows_of("plain")
    with pytest.raises(InputError, match="graphs are made of Windows"):
        to_data(w.values)
    with pytest.raises(InputError, match="did you mean standard"):
        to_data(w, encoding="standart")
    assert w.to_pyg(zeros=True)[0].edge_weight.equal(to_data(w, zeros=True)[0].edge_weight)


def test_batched_graphs_keep_their_roots():
    w = windows_of("contexts")
    batch = Batch.from_data_list(to_data(w, encoding="none"))
    assert torch.equal(batch.x[:, 2].nonzero().ravel(), batch.root_index.T.reshape(-1))
    centres = (batch.edge_index[:, None] == batch.root_index[:, :, None]).all(dim=0).float().argmax(dim=1)
    assert np.array_equal(batch.edge_weight[centres].numpy(), w.values[:, 2, 2])


@pytest.mark.parametrize("name", ALL)
def test_a_parquet_table_holds_every_field(tmp_path, name):
    w = windows_of(name)
    table = parquet.read_table(to_parquet(w, tmp_path / "windows.parquet"))
    for field, array in w.arrays().items():
        column = table[field].combine_chunks()
        flat = column.flatten() if array.ndim > 1 else column
        read = flat.to_numpy(zero_copy_only=False)
        assert read.dtype == array.dtype
        assert np.array_equal(read.reshape(array.shape), array, equal_nan=array.dtype.kind == "f")
    assert table["label"].to_pylist() == w.label.tolist() and table["kind"].to_pylist() == w.kind.tolist()
    about = json.loads(table.schema.metadata[b"gnnmax"])
    assert about["k"] == w.k and about["label_rule"] == w.label_rule and about["noise"]["law"] == "gaussian"
    assert [path.name for path in tmp_path.iterdir()] == ["windows.parquet"]


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def absent(name, *rest, **options):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match=r"pip install 'gnnmax\[parquet\]'"):
        to_parquet(windows_of("plain"), tmp_path / "windows.parquet")
    assert not list(tmp_path.iterdir())
