"""How attributes of data are read: by stated rules, by what the caller says, and never by a guess."""

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.data.hypergraph_data import HyperGraphData

from gnnmax import InputError
from gnnmax.auditing.graph_nets.attributes import read_layout
from tests.support.graphs import plain_graph, rich_graph, rich_types


def cycle(nodes=5, **attributes):
    """Return a graph with as many edges as nodes."""
    edges = torch.stack([torch.arange(nodes), (torch.arange(nodes) + 1) % nodes])
    return Data(x=torch.rand(nodes, 2), edge_index=edges, **attributes)


def role_of(data, name, **options):
    return next(each.role for each in read_layout(data, **options).attributes if each.name == name)


def test_the_roles_of_a_rich_graph_and_of_several_types_are_listed():
    assert str(read_layout(rich_graph())) == (
        "node: x, name, train_mask; edge: edge_attr; index: edge_index, edge_label_index, root_index, face; "
        "matrix: adj_t; other: edge_label, target"
    )
    shown = str(read_layout(rich_types()))
    assert "node: paper.x, paper.name, paper.train_mask, author.x" in shown
    assert "index: author-writes-paper.edge_index, author-writes-paper.edge_label_index, paper-cites-paper" in shown


@pytest.mark.parametrize(
    ("name", "role"),
    [("z", "node"), ("y", "node"), ("val_mask", "node"), ("node_weight", "node"), ("edge_weight", "edge")],
)
def test_with_as_many_edges_as_nodes_a_name_that_says_it_decides(name, role):
    assert role_of(cycle(**{name: torch.arange(5)}), name) == role


@pytest.mark.parametrize(
    ("name", "value", "roles"),
    [
        ("weight", torch.rand(5), "'node'} or 'edge'"),
        ("weight", list("abcde"), "'node'} or 'edge'"),
        ("distance", torch.rand(5, 5), "'node'} or 'edge'"),
        ("parent_index", torch.tensor([0, 0, 1, 1, 2]), "'index'} or 'node index'"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_until_it_is_said(name, value, roles):
    data = cycle(**{name: value})
    with pytest.raises(InputError, match=f"{name} can be read in two ways: pass attributes={{'{name}': {roles}"):
        read_layout(data)
    for role in ("other", "node", "edge"):
        assert role_of(data, name, attributes={name: role}) == role


def test_a_square_of_nodes_is_features_or_a_matrix_and_names_of_features_decide():
    data = plain_graph(6, channels=6)
    assert role_of(data, "x") == "node"
    data.distance = torch.rand(6, 6)
    with pytest.raises(InputError, match=r"distance can be read in two ways: .*'node'} or 'matrix'"):
        read_layout(data)
    assert role_of(data, "distance", attributes={"distance": "matrix"}) == "matrix"
    data = plain_graph(4)
    data.adj = torch.rand(4, 4)
    assert role_of(data, "adj") == "matrix"


def test_a_batch_is_read_graph_by_graph():
    data = Batch.from_data_list(
        [Data(x=torch.rand(n, 1), edge_index=torch.zeros(2, 3, dtype=int), weight=torch.rand(n)) for n in (2, 4)]
    )
    assert role_of(data, "weight") == "node"
    data = Batch.from_data_list(
        [Data(x=torch.rand(2, 1), y=torch.rand(1), edge_index=torch.zeros(2, 1, dtype=int))] * 2
    )
    with_labels = Batch.from_data_list([plain_graph(3), plain_graph(4)])
    with_labels.kind = torch.rand(7)  # added to the batch later
    assert role_of(with_labels, "kind") == "node"


def test_a_node_type_with_numbers_that_torch_geometric_does_not_count_on_is_refused_until_it_is_said():
    data = rich_types()
    data["paper"].root_index = torch.tensor([2])
    with pytest.raises(InputError, match=r"paper\.root_index can be read in two ways"):
        read_layout(data)
    assert role_of(data, "root_index", attributes={("paper", "root_index"): "index"}) == "index"
    assert role_of(data, "root_index", attributes={"root_index": "other"}) == "other"


class Pairs(Data):
    def __inc__(self, key, value, *args, **kwargs):
        return self.left.shape[0] if key == "left_index" else super().__inc__(key, value, *args, **kwargs)


REFUSED = {
    "not list": ([1, 2], "expected Data"),
    "not stated": (Data(edge_index=torch.tensor([[0], [1]])), "set num_nodes"),
    "__inc__ counts left_index on by": (
        Pairs(x=torch.rand(5, 1), left=torch.rand(3, 1), left_index=torch.tensor([[0], [1]])),
        "use HeteroData",
    ),
    "holds 9": (Data(x=torch.rand(3, 1), sample_index=torch.tensor([9])), "if it does not number nodes"),
    "holds 3": (Data(x=torch.rand(3, 1), edge_index=torch.tensor([[0], [3]])), "there are 3 nodes"),
    "ptr counts 2 nodes": (Data(x=torch.rand(3, 1), ptr=torch.tensor([0, 2])), "there are 3"),
    "holds -1": (Data(x=torch.rand(3, 1), edge_index=torch.tensor([[0], [-1]])), "there are 3 nodes"),
    "nests tensors": (Data(x=torch.rand(3, 1), parts={"a": torch.rand(3, 1)}), "attributes of their own"),
}


@pytest.mark.parametrize("message", REFUSED)
def test_data_that_cannot_be_read_is_refused_with_one_line_that_says_what_to_do(message):
    data, hint = REFUSED[message]
    with pytest.raises(InputError, match=message) as caught:
        read_layout(data)
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_edges_of_a_type_without_nodes_are_refused():
    data = HeteroData()
    data["a"].x = torch.rand(2, 1)
    data["a", "to", "b"].edge_index = torch.tensor([[0], [1]])
    with pytest.raises(InputError, match="edges of the node type 'b' and no such nodes"):
        read_layout(data)


def test_a_role_or_an_attribute_that_does_not_exist_is_named():
    with pytest.raises(InputError, match="did you mean node"):
        read_layout(plain_graph(), {"x": "nodes"})
    with pytest.raises(InputError, match="attributes must be a dictionary from names to roles"):
        read_layout(plain_graph(), ["x"])
    with pytest.raises(InputError, match="unknown attribute of data 'edge_attr'"):
        read_layout(plain_graph(), {"edge_attr": "edge"})


@pytest.mark.parametrize(
    ("name", "role"),
    [("x", "index"), ("x", "edge"), ("x", "matrix"), ("train_idx", "node"), ("train_idx", "node index")],
)
def test_a_role_that_an_attribute_cannot_have_is_refused(name, role):
    data = plain_graph(6)
    data.train_idx = torch.tensor([0, 2])
    with pytest.raises(InputError, match=f"{name} cannot be read as {role}"):
        read_layout(data, {name: role})


def test_rows_that_number_other_things_are_refused():
    hypergraph = HyperGraphData(x=torch.rand(3, 1), edge_index=torch.tensor([[0, 1, 2], [0, 1, 2]]))
    assert hypergraph.num_nodes == hypergraph.num_edges
    with pytest.raises(InputError, match="__inc__ counts edge_index on by"):
        read_layout(hypergraph)


def test_numbers_without_index_in_their_name_are_classes_unless_it_is_said():
    data = plain_graph(6)
    data.train_idx = torch.tensor([0, 2])
    assert role_of(data, "train_idx") == "other"
    assert role_of(data, "train_idx", attributes={"train_idx": "index"}) == "index"
    data.index_of_refraction = torch.rand(6)
    assert role_of(data, "index_of_refraction") == "node"
    assert np.array_equal(read_layout(data).graphs[None], np.zeros(6))
