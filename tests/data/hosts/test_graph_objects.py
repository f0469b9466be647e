"""Hosts from objects in code: networkx, scipy, numpy, PyG."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
import torch
import torch_geometric.data

from gnnmax.data.hosts.graph_objects import host_of
from gnnmax.data.hosts.host import check_edges
from gnnmax.errors import InputError
from tests.support.hosts import dense


def test_networkx_graphs_become_hosts_in_their_own_order():
    graph = nx.les_miserables_graph()
    host = host_of(graph)
    check_edges(host)
    assert (dense(host) == nx.to_numpy_array(graph, dtype=np.float32)).all()
    directed = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "b"), ("c", "c")])
    assert host_of(directed, directed=True).edges.tolist() == [[0, 1], [1, 2], [2, 1]]
    assert len(host_of(nx.path_graph(3), directed=True).edges) == 4
    with pytest.raises(InputError, match="not symmetric"):
        host_of(directed)
    with pytest.raises(InputError, match="parallel edges"):
        host_of(nx.MultiGraph([(0, 1), (0, 1)]))


def test_data_with_an_edge_index_becomes_a_host():
    class Data:  # the face of torch_geometric.data.Data that is read
        num_nodes = 4
        edge_index = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
        edge_attr = np.array([[5.0], [5.0], [6.0], [6.0]])

    assert (host_of(Data()).nodes, host_of(Data()).weights.tolist()) == (4, [5.0, 6.0])
    Data.edge_attr = np.ones((4, 2))
    with pytest.raises(InputError, match="one weight"):
        host_of(Data())
    Data.edge_attr, Data.edge_index = None, np.array([[0, 1], [1, 4]])
    with pytest.raises(InputError, match="outside the 4 nodes"):
        host_of(Data(), directed=True)


def test_pyg_data_becomes_a_host():
    data = torch_geometric.data.Data
    index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    weighted = data(edge_index=index, edge_attr=torch.tensor([5.0, 5.0, 6.0, 6.0], requires_grad=True), num_nodes=3)
    assert host_of(weighted).weights.tolist() == [5.0, 6.0]
    assert host_of(data(edge_index=index, num_nodes=3), directed=True).weights.tolist() == [1.0] * 4


@pytest.mark.parametrize("graph", [None, 3, "graph.csv", [[0, 1], [1, 0]]])
def test_what_is_no_graph_is_refused(graph):
    with pytest.raises(InputError, match="a graph must be a networkx graph"):
        host_of(graph)


def test_a_stored_zero_is_an_edge_and_a_dense_one_is_none():
    stored = scipy.sparse.csr_array((np.zeros(2), ([0, 1], [1, 0])), shape=(3, 3))
    assert host_of(stored).edges.tolist() == [[0, 1]]
    assert host_of(stored.toarray()).edges.tolist() == []
