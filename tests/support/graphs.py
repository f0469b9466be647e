"""Graphs of torch_geometric with attributes of every kind, and their content by the names of nodes."""

import numpy as np
import torch
from torch_geometric.data import Batch, Data, HeteroData


def floats(rng, *shape):
    """Return a tensor of normal numbers."""
    return torch.tensor(rng.normal(size=shape), dtype=torch.float32)


def edge_list(rng, rows, columns=None, *, share=0.4):
    """Return random edges, sorted, without loops; at least one."""
    dense = rng.random((rows, columns or rows)) < share
    dense[0, -1] = True
    if columns is None:
        np.fill_diagonal(dense, val=False)
    return torch.tensor(np.stack(np.nonzero(dense)))


def adjacency(edges, weights, nodes):
    """Return the transposed adjacency matrix, sparse."""
    return torch.sparse_coo_tensor(edges.flip(0), weights, (nodes, nodes), check_invariants=True).coalesce()


def plain_graph(nodes=7, seed=0, channels=3):
    """Return node features and edges."""
    rng = np.random.default_rng(seed)
    return Data(x=floats(rng, nodes, channels), edge_index=edge_list(rng, nodes))


def rich_graph(nodes=7, seed=0, *, shuffled=True):
    """Return a graph with an attribute of every kind; ``name`` tells nodes apart."""
    rng = np.random.default_rng(seed)
    graph = plain_graph(nodes, seed)
    if shuffled:
        graph.edge_index = graph.edge_index[:, rng.permutation(graph.num_edges)]
    graph.name = 100 * seed + torch.arange(nodes)
    graph.edge_attr = floats(rng, graph.num_edges, 2)
    graph.edge_label_index = torch.tensor(rng.integers(nodes, size=(2, 5)))
    graph.edge_label = torch.arange(5)
    graph.root_index = torch.tensor([rng.integers(nodes)])
    graph.face = torch.tensor(rng.integers(nodes, size=(3, 4)))
    graph.train_mask = torch.tensor(rng.random(nodes) < 0.5)
    graph.adj_t = adjacency(graph.edge_index, graph.edge_attr[:, 0], nodes)
    graph.target = floats(rng, 1, 4)
    return graph


def rich_batch():
    """Return three graphs of different sizes."""
    return Batch.from_data_list([rich_graph(nodes, seed) for seed, nodes in enumerate((4, 6, 5))])


def rich_types(seed=0):
    """Return papers and authors, with features, masks and edges between and among them."""
    rng = np.random.default_rng(seed)
    data = HeteroData()
    for kind, nodes in (("paper", 6), ("author", 4)):
        data[kind].x = floats(rng, nodes, 3)
        data[kind].name = 100 * seed + torch.arange(nodes)
        data[kind].train_mask = torch.tensor(rng.random(nodes) < 0.5)
    for source, relation, target in (("author", "writes", "paper"), ("paper", "cites", "paper")):
        sizes = data[source].num_nodes, data[target].num_nodes
        edges = edge_list(rng, sizes[0], None if source == target else sizes[1])
        data[source, relation, target].edge_index = edges
        data[source, relation, target].edge_attr = floats(rng, edges.shape[1], 2)
    data["author", "writes", "paper"].edge_label_index = torch.tensor(rng.integers(4, size=(2, 3)))
    data["author", "writes", "paper"].edge_label = torch.arange(3)
    data.target = floats(rng, 1, 4)
    return data


def rich_types_batch():
    """Return two graphs of several types."""
    return Batch.from_data_list([rich_types(0), rich_types(1)])


def content(data):
    """Return what a graph says by the names of its nodes, whatever their numbers are, and its edges in any order."""
    return {store._key: _content(data, store) for store in data.stores}


def _content(data, store):
    key = store._key
    ends = [None, None] if not isinstance(key, tuple) else [key[0], key[-1]]
    if "name" in store or isinstance(key, tuple):
        names = [(data[end] if end else store).name for end in ends]
    found = {}
    for attribute, value in store.items():
        if attribute in ("edge_index", "edge_attr"):
            edges = [names[row][store.edge_index[row]].tolist() for row in (0, 1)]
            found[attribute] = sorted(zip(*edges, store.edge_attr.tolist(), strict=True))
        elif attribute in ("edge_label_index", "face", "root_index"):
            rows = value if value.ndim == 2 else [value]
            found[attribute] = [names[min(i, len(names) - 1)][row].tolist() for i, row in enumerate(rows)]
        elif attribute == "adj_t":
            entries = value.to_sparse_coo().coalesce()
            places = [names[0][row].tolist() for row in entries.indices()]
            found[attribute] = sorted(zip(*places, entries.values().tolist(), strict=True))
        elif attribute in ("x", "train_mask", "batch"):
            found[attribute] = sorted(zip(store.name.tolist(), value.tolist(), strict=True))
        elif attribute == "name":
            found[attribute] = sorted(value.tolist())
        else:
            found[attribute] = value.tolist()
    return found
