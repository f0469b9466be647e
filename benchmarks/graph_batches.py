"""Batches for graph nets: the cached template of the bipartite net against torch_geometric's collation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch_geometric.data import Batch, Data

from benchmarks.rows import Row, Setting, Target
from benchmarks.timing import Lane, race
from gnnmax import build, load_recipe
from gnnmax.models.graphs.bipartite import bipartite_edges
from gnnmax.training.loop import inputs_of

__all__ = ["ROWS"]

BATCH = 256


def collation(name: str, setting: Setting) -> Row:
    """Time a random batch of windows as the input of a graph net; the peer's graphs are made beforehand."""
    w = build(load_recipe("noise-9-mu3").replace(splits={"test": 8})).test
    cpu = torch.device("cpu")
    index = torch.from_numpy(np.random.default_rng(0).permutation(len(w))[:BATCH])
    data = inputs_of(w, slice(None), cpu)[0]
    edges = bipartite_edges(w.k, cpu)
    weights = [torch.cat([values.flatten(), values.T.flatten()]) for values in data]
    graphs = [Data(edge_index=edges, edge_attr=weight, num_nodes=2 * w.k) for weight in weights]
    chosen = [graphs[i] for i in index.tolist()]
    lanes = (
        Lane("ours", lambda: (data[index], bipartite_edges(w.k, cpu)), BATCH),
        Lane("PyG Batch.from_data_list", lambda: Batch.from_data_list(chosen), BATCH),
    )
    return race(name, *lanes, "window", Target("speed", 50.0), setting)


ROWS: dict[str, Callable[[str, Setting], Row]] = {"batch: graphs of windows": collation}
