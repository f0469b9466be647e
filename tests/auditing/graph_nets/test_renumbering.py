"""Renumbered data says the same: everything that refers to nodes follows them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch, Data

from gnnmax.auditing.graph_nets.attributes import read_layout
from gnnmax.auditing.graph_nets.renumbering import (
    NodeGoneError,
    Numbering,
    edges_shuffled,
    nodes_shuffled,
    numbering_of,
    renumbered,
)
from tests.support.graphs import content, plain_graph, rich_batch, rich_graph, rich_types, rich_types_batch

GRAPHS = {
    "Data": rich_graph,
    "sorted Data": lambda: rich_graph(shuffled=False),
    "Batch": rich_batch,
    "HeteroData": rich_types,
    "Batch of HeteroData": rich_types_batch,
}


def drawn(data, rng):
    """Return an order of the nodes of each graph, and of the edges where they are not sorted."""
    layout = read_layout(data)
    still = numbering_of(data, layout)
    return layout, nodes_shuffled(layout, edges_shuffled(data, layout, still, rng), rng)


@pytest.mark.parametrize("name", GRAPHS)
def test_renumbered_data_says_the_same_and_the_data_itself_is_unchanged(name):
    data, rng = GRAPHS[name](), np.random.default_rng(1)
    before = content(data)
    for _ in range(3):
        layout, numbering = drawn(data, rng)
        moved = renumbered(data, layout, numbering)
        assert content(moved) == before
        for key, order in numbering.nodes.items():
            assert not np.array_equal(order, np.arange(len(order)))
            names, others = (each.name if key is None else each[key].name for each in (data, moved))
            assert others.tolist() == names[torch.tensor(order)].tolist()
    assert content(data) == before


@pytest.mark.parametrize("name", ["Batch", "Batch of HeteroData"])
def test_a_renumbered_batch_comes_apart_into_the_same_graphs(name):
    data = GRAPHS[name]()
    if "adj_t" in data:  # torch_geometric does not take batches of torch's sparse matrices apart
        del data.adj_t
    moved = renumbered(data, *drawn(data, np.random.default_rng(2)))
    assert [content(graph) for graph in moved.to_data_list()] == [content(graph) for graph in data.to_data_list()]


@pytest.mark.parametrize(
    "name", ["x", "edge_index", "edge_attr", "root_index", "face", "edge_label_index", "train_mask"]
)
def test_a_control_that_forgets_one_attribute_is_seen(name):
    data, rng = rich_graph(), np.random.default_rng(3)
    layout = read_layout(data)
    numbering = edges_shuffled(data, layout, numbering_of(data, layout), rng)
    moved = renumbered(data, layout, replace(numbering, nodes={None: np.roll(np.arange(7), 1)}))
    moved[name] = data[name]
    assert content(moved) != content(data)


@pytest.mark.parametrize("rows", [(0, 1), (1, 0), (0,), (1,)])
def test_a_sorted_list_of_edges_is_sorted_again(rows):
    data, rng = rich_graph(), np.random.default_rng(4)
    edges = data.edge_index.numpy()
    order = np.lexsort([rng.random(edges.shape[1]), *(edges[row] for row in reversed(rows))])
    data.edge_index, data.edge_attr = data.edge_index[:, order], data.edge_attr[order]
    layout = read_layout(data)
    assert layout.sorting == {None: rows}
    moved = renumbered(data, layout, replace(numbering_of(data, layout), nodes={None: rng.permutation(7)}))
    assert read_layout(moved).sorting == {None: rows}
    assert content(moved) == content(data)
    kept = renumbered(data, layout, replace(numbering_of(data, layout, sort=False), nodes={None: rng.permutation(7)}))
    assert torch.equal(kept.edge_attr, data.edge_attr)


def test_a_subgraph_keeps_the_attributes_of_its_nodes_edges_and_graphs():
    data = rich_batch()
    layout = read_layout(data)
    kept = np.array([4, 5, 6, 8, 9])  # nodes of the second graph
    part = renumbered(data, layout, replace(numbering_of(data, layout), nodes={None: kept}))
    assert part.num_graphs == 1
    assert part.batch.tolist() == [0] * 5
    assert part.ptr.tolist() == [0, 5]
    assert torch.equal(part.target, data.target[1:2])
    assert part.name.tolist() == [100, 101, 102, 104, 105]
    assert part.edge_index.shape[1] == len(part.edge_attr) > 0
    assert part.edge_label_index.shape[1] == len(part.edge_label)
    whole, less = content(data)[None], content(part)[None]
    assert set(map(str, less["edge_index"])) < set(map(str, whole["edge_index"]))
    assert part.root_index.numel() == int((data.root_index[1] == torch.tensor(kept)).any())
    assert read_layout(part).graphs[None].tolist() == [0] * 5


def test_numbers_of_nodes_of_any_form_follow_and_none_stays_none():
    data = plain_graph(5)
    data.start_index, data.tip_index, data.end_index = 4, [4, 0], np.array([3, -1])
    layout = read_layout(data)
    moved = renumbered(data, layout, Numbering({None: np.array([4, 3, 2, 1, 0])}, numbering_of(data, layout).edges))
    assert (moved.start_index, moved.tip_index, moved.end_index.tolist()) == (0, [0, 4], [1, -1])
    with pytest.raises(NodeGoneError, match="start_index"):
        renumbered(data, layout, Numbering({None: np.arange(3)}, numbering_of(data, layout).edges))


def test_one_number_for_each_node_is_moved_and_renumbered():
    data = Data(x=torch.rand(3, 2), edge_index=torch.tensor([[0, 1], [1, 2]]), parent_index=torch.tensor([0, 0, 1]))
    layout = read_layout(data, {"parent_index": "node index"})
    moved = renumbered(data, layout, Numbering({None: np.array([2, 0, 1])}, {None: np.arange(2)}))
    assert moved.parent_index.tolist() == [2, 1, 1]  # the parents of the old nodes 2, 0 and 1: 1, 0 and 0


@pytest.mark.filterwarnings("ignore:Sparse C")
@pytest.mark.parametrize("layout", ["coo", "csr", "csc"])
def test_a_sparse_matrix_keeps_its_layout(layout):
    data = rich_graph()
    data.adj_t = data.adj_t.to_sparse(layout=getattr(torch, f"sparse_{layout}"))
    moved = renumbered(data, *drawn(data, np.random.default_rng(5)))
    assert moved.adj_t.layout == data.adj_t.layout
    assert content(moved) == content(data)


def test_an_edge_index_of_its_own_class_stays_one_and_keeps_its_order():
    data = plain_graph(5)
    data.edge_index = EdgeIndex(data.edge_index, sparse_size=(5, 5), sort_order="row")
    moved = renumbered(data, *drawn(data, np.random.default_rng(6)))
    assert isinstance(moved.edge_index, EdgeIndex)
    assert moved.edge_index.validate().is_sorted_by_row
    plain = data.clone()
    plain.edge_index = data.edge_index.as_tensor()
    other = renumbered(plain, *drawn(plain, np.random.default_rng(6)))
    assert torch.equal(moved.edge_index.as_tensor(), other.edge_index)


def test_an_edge_index_that_happens_to_be_sorted_by_both_rows_says_what_is_still_true():
    data = Data(x=torch.rand(3, 1), edge_index=EdgeIndex([[0, 1], [1, 2]], sparse_size=(3, 3), sort_order="col"))
    layout = read_layout(data)
    numbering = replace(numbering_of(data, layout), nodes={None: np.array([1, 0, 2])})
    moved = renumbered(data, layout, numbering).edge_index
    assert moved.as_tensor().tolist() == [[0, 1], [2, 0]]
    assert moved.validate().sort_order is None


def test_ptr_is_no_attribute_of_nodes_however_many_there_are():
    data = Batch.from_data_list([plain_graph(1), plain_graph(2)])
    data.edge_index = torch.tensor([[1], [2]])
    assert len(data.ptr) == data.num_nodes
    layout = read_layout(data)
    moved = renumbered(data, layout, replace(numbering_of(data, layout), nodes={None: np.array([0, 2, 1])}))
    assert moved.ptr.tolist() == [0, 1, 3]
    assert moved.batch.tolist() == [0, 1, 1]
