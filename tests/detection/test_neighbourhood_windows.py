"""Windows of the edges of large graphs are those of the data sets, without a matrix of n x n."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax.data.subgraphs.subgraph import Subgraph
from gnnmax.data.subgraphs.window_extraction import blocks, cut_neighbours
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.neighbourhood_windows import NeighbourhoodCutter
from gnnmax.errors import InputError


def drawn(rng, *, nodes, density, directed, levels):
    """Draw a graph whose weights may be equal or negative, with loops and unreachable nodes."""
    weights = rng.integers(1 - levels, levels + 1, size=(nodes, nodes)).astype(float)
    weights[weights == 0] = levels
    weights[rng.random((nodes, nodes)) >= density] = 0
    return weights if directed else np.triu(weights) + np.triu(weights, 1).T


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.sampled_from([3, 5, 7]),
    nodes=st.integers(14, 40),
    density=st.sampled_from([0.01, 0.05, 0.1, 0.3, 0.9]),
    directed=st.booleans(),
    levels=st.sampled_from([1, 3, 1000]),
)
def test_they_are_those_of_the_data_sets(seed, k, nodes, density, directed, levels):
    graph = drawn(np.random.default_rng(seed), nodes=nodes, density=density, directed=directed, levels=levels)
    centres = np.argwhere(graph != 0)
    if not len(centres):
        return
    cutter = NeighbourhoodCutter.of(as_source(sp.csr_array(graph), directed=directed), k)
    found = cutter.nodes(*centres.T)
    expected = cut_neighbours(Subgraph(np.arange(nodes), graph, graph != 0, directed), centres, k)
    np.testing.assert_array_equal(found, expected)
    batch = cutter.cut(*centres.T, contexts=True)
    rows, columns = expected
    for cut, sides in zip(
        (batch.values, batch.row_context, batch.column_context),
        ((rows, columns), (rows, rows), (columns, columns)),
        strict=True,
    ):
        np.testing.assert_array_equal(cut, blocks(graph, *sides))


def test_some_edges_have_the_windows_that_they_have_among_all():
    graph = drawn(np.random.default_rng(1), nodes=60, density=0.1, directed=False, levels=9)
    source, centres = as_source(graph), np.argwhere(np.triu(graph) != 0)
    whole = NeighbourhoodCutter.of(source, 5).cut(*centres.T).values
    few = centres[::7]
    np.testing.assert_array_equal(NeighbourhoodCutter.of(source, 5, few.ravel()).cut(*few.T).values, whole[::7])


def test_edges_that_were_not_measured_are_no_edges():
    graph = drawn(np.random.default_rng(2), nodes=30, density=0.3, directed=True, levels=9)
    broken = graph.copy()
    broken[3, :] = np.nan
    without = np.where(np.isnan(broken), 0, broken)
    places = np.argwhere(without != 0)
    found, expected = (
        NeighbourhoodCutter.of(as_source(one, directed=True), 5).cut(*places.T).values for one in (broken, without)
    )
    np.testing.assert_array_equal(found, expected)


def test_memory_grows_with_the_edges_and_not_with_the_square_of_the_nodes():
    nodes, rng = 30_000, np.random.default_rng(3)
    ends = rng.integers(nodes, size=(2, 60_000))
    graph = sp.csr_array((rng.random(60_000), ends), shape=(nodes, nodes))
    source = as_source(graph + graph.T)
    tracemalloc.start()
    cutter = NeighbourhoodCutter.of(source, 5)
    cutter.cut(*(side[:5000] for side in ends))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6 < nodes**2 / 8


@pytest.mark.parametrize(("shape", "complaint"), [((9, 9), "at least 10 nodes, not of 9"), ((20, 30), "not 20 x 30")])
def test_graphs_without_such_windows_are_refused(shape, complaint):
    with pytest.raises(InputError, match=complaint):
        NeighbourhoodCutter.of(as_source(np.ones(shape)), 5)
