"""Maps in other libraries: every entry and every peak is there, and the true places are not."""

import networkx as nx
import numpy as np
import pytest
import torch

from gnnmax import InputError, build
from gnnmax.interop.maps import maps_to_data, maps_to_networkx, maps_to_sparse, maps_to_tensors
from tests.support.maps import BLOCKS, TABLES, map_recipe


@pytest.mark.parametrize(
    "name", ["needle", "line, shuffled", "contact", "two sets", "ragged", "directed host", "no peak"]
)
def test_every_entry_and_every_peak_is_there_in_every_library(name):
    maps = build(map_recipe(2, **TABLES[name])).test
    values, mask, target = maps_to_tensors(maps)
    twice = 2 if maps.structure == "symmetric" else 1
    assert target.sum() == twice * len(maps.peaks)
    assert not torch.isnan(values).any()
    assert torch.equal(values[~mask], torch.zeros(int((~mask).sum())))
    libraries = zip(maps_to_data(maps), maps_to_networkx(maps), maps_to_sparse(maps), strict=True)
    for index, (data, graph, matrix) in enumerate(libraries):
        rows, columns = maps.size[index].tolist()
        dense = values[index, :rows, :columns].numpy()
        both = 2 if maps.structure == "bipartite" else 1
        edges = int((dense != 0).sum())
        assert np.array_equal(matrix.toarray(), dense)
        assert data.edge_index.shape == (2, both * edges)
        assert data.num_nodes == graph.number_of_nodes() == (rows + columns if both == 2 else rows)
        back = torch.zeros(rows, columns)
        back[data.entry[:, 0], data.entry[:, 1]] = data.edge_attr[:, 0]
        assert np.array_equal(back.numpy(), dense)
        assert data.y.sum() == both * target[index].sum()
        assert int(data.edge_index.max()) < data.num_nodes
        assert data.validate()
        assert graph.number_of_edges() == edges // twice
        assert sum(peak for _, _, peak in graph.edges(data="peak")) == int(maps.peak_count[index])
        order = range(rows), range(rows, rows + columns) if both == 2 else range(rows)
        whole = nx.to_numpy_array(graph)[np.ix_(*order)]
        assert np.array_equal(whole.astype(np.float32), dense)
        assert not {"place", "row_place", "background"} & set(data.keys())


@pytest.mark.parametrize("name", ["rectangle", "block, shuffled, or none"])
def test_nodes_say_whether_they_are_in_the_block(name):
    maps = build(map_recipe(4, **BLOCKS[name])).test
    for index, (data, graph) in enumerate(zip(maps_to_data(maps), maps_to_networkx(maps), strict=True)):
        rows, columns = maps.size[index].tolist()
        expected = maps.row_block[index, :rows].tolist()
        if maps.structure == "bipartite":
            expected += maps.column_block[index, :columns].tolist()
        assert data.member.tolist() == [member for _, member in graph.nodes(data="member")] == expected
        assert data.validate()
    assert "member" not in maps_to_data(build(map_recipe(1)).test)[0]


def test_zeros_become_edges_on_request():
    maps = build(map_recipe(1, **TABLES["directed host"])).test
    flat = maps.permuted(np.arange(24)[None])
    flat.values[0, 2, 3] = 0
    assert maps_to_data(flat, zeros=True)[0].edge_index.shape[1] == maps_to_data(flat)[0].edge_index.shape[1] + 1


def test_something_else_is_refused():
    with pytest.raises(InputError, match="expected Maps, not ndarray"):
        maps_to_tensors(np.zeros((1, 3, 3)))
