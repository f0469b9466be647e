"""A batch of windows as graphs is what torch_geometric makes of each window's graph, but without labels."""

import dataclasses

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch

from gnnmax.interop.pyg import to_data
from gnnmax.models.graphs.batch import graph_batch
from gnnmax.testing import sample_windows


def windows(contexts: bool):
    w = sample_windows(5, 7, rng=np.random.default_rng(0), contexts=contexts)
    if not contexts:
        return w
    sparse = np.where(w.row_context < 0.5, 0, w.row_context).astype(np.float32)
    return dataclasses.replace(w, row_context=sparse)


def tensors(w):
    return [None if part is None else torch.tensor(part) for part in (w.values, w.row_context, w.column_context)]


@pytest.mark.parametrize("contexts", [False, True])
def test_a_batch_is_that_of_the_graphs_of_its_windows(contexts):
    w = windows(contexts)
    made, expected = graph_batch(*tensors(w)), Batch.from_data_list(to_data(w))
    assert set(expected.keys()) - set(made.keys()) == {"y", "node"}
    for key in made.keys():  # noqa: SIM118  # a Batch iterates over pairs
        assert torch.equal(made[key], expected[key]), key
    assert made.num_graphs == len(w)


def test_a_batch_is_split_into_the_graphs_of_its_windows():
    w = windows(contexts=True)
    for made, expected in zip(graph_batch(*tensors(w)).to_data_list(), to_data(w), strict=True):
        assert all(torch.equal(made[key], expected[key]) for key in ("x", "edge_index", "edge_weight", "root_index"))
