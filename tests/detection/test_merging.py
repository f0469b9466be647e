"""Merging of neighbouring maxima: as a graph of networkx joins them, over breaks and halves."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import InputError, find_differences, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection import false_discovery, merging
from gnnmax.detection.merging import clusters_within
from tests.support.genome import genome_matrix


def near(one, other, radius, *, undirected=False, parts=None):
    """Whether two maxima are neighbours; a pair of an undirected matrix is near if either of its entries is."""
    if parts is not None and [parts(at) for at in one] != [parts(at) for at in other]:
        return False
    turns = [other, other[::-1]] if undirected else [other]
    return any(max(abs(one[0] - i), abs(one[1] - j)) <= radius for i, j in turns)


def reference(places, values, radius, **options):
    """Largest maximum, number and extent of each cluster, by the components of a graph."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(places)))
    graph.add_edges_from(
        (a, b) for a in graph for b in graph if a < b and near(places[a], places[b], radius, **options)
    )
    found = set()
    for some in nx.connected_components(graph):
        best = min(some, key=lambda at: (-values[at], places[at]))
        rows, columns = zip(*(places[at] for at in some), strict=True)
        found.add((places[best], len(some), (min(rows), max(rows), min(columns), max(columns))))
    return found


def described(maxima):
    """The same of maxima."""
    return {
        ((i, j), members, tuple(extent))
        for (i, j, _), members, extent in zip(maxima, maxima.members.tolist(), maxima.extent.tolist(), strict=True)
    }


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    radius=st.integers(1, 6),
    count=st.integers(0, 60),
    joined=st.sampled_from([3, 4096]),
)
def test_clusters_are_the_components_of_the_graph_of_neighbours(seed, radius, count, joined):
    rng = np.random.default_rng(seed)
    numbers = rng.choice(40 * 40, count, replace=False)
    rows, columns = np.divmod(numbers, 40)
    values = rng.integers(5, size=count).astype(float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "JOINED", joined)
        found = clusters_within(rows, columns, values, radius=radius, apart=(rows, columns))
    places = list(zip(rows.tolist(), columns.tolist(), strict=True))
    got = {
        (places[best], members, tuple(extent))
        for best, members, extent in zip(found.best, found.members.tolist(), found.extent.tolist(), strict=True)
    }
    assert got == reference(places, values, radius)
    assert found.members.sum() == count


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), radius=st.integers(1, 5), undirected=st.booleans(), broken=st.booleans())
def test_a_search_merges_as_the_reference_does(seed, radius, undirected, broken):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(9, size=(24, 24)).astype(float)
    matrix = np.triu(matrix) + np.triu(matrix, 1).T if undirected else matrix
    breaks = ([10, 15], [10, 15]) if broken else None
    options = {"ties": "all", "breaks": breaks, "directed": not undirected}
    alone = find_maxima(matrix, 3, **options)
    merged = find_maxima(matrix, 3, merge=radius, **options)
    places = [(i, j) for i, j, _ in alone]
    parts = (lambda at: np.searchsorted([10, 15], at, "right")) if broken else None
    assert described(merged) == reference(places, alone.values.tolist(), radius, undirected=undirected, parts=parts)
    (dropped,) = merged.dropped
    assert (dropped.filter, dropped.of - dropped.dropped) == (f"--merge {radius}", len(merged))


def test_both_triangles_have_extents_of_their_own():
    matrix = np.zeros((20, 20))
    matrix[3, 10], matrix[5, 12] = 5, 4
    merged = find_maxima(matrix + matrix.T, 3, merge=2, triangle="both", threshold=0)
    assert described(merged) == {((3, 10), 2, (3, 5, 10, 12)), ((10, 3), 2, (10, 12, 3, 5))}


def test_maxima_of_two_chromosomes_are_not_merged_across_their_border():
    matrix = genome_matrix()
    matrix.matrix[:] = 0
    for i, j in ((18, 19), (20, 22)):
        matrix.matrix[i, j] = matrix.matrix[j, i] = 9
    merged = find_maxima(matrix, 3, merge=5, threshold=0)
    assert merged.members.tolist() == [1, 1]
    assert find_maxima(matrix, 3, merge=5, threshold=0, breaks=([], [])).members.tolist() == [2]


def test_top_and_q_values_are_those_of_merged_maxima():
    matrix = np.random.default_rng(0).random((60, 60))
    merged = find_maxima(matrix, 7, merge=4, top=3)
    assert len(merged) == 3 and [one.filter for one in merged.dropped] == ["--merge 4", "--top 3"]
    found = false_discovery(matrix, 7, decoys="shuffle", merge=4, centroid=True, rng=np.random.default_rng(0), draws=2)
    assert 3 < len(found.q) == len(find_maxima(matrix, 7, merge=4)) == len(found.maxima.centroid)


def test_a_merged_maximum_of_a_sum_is_one_of_either_matrix_if_it_is_one_there():
    first, second = np.zeros((2, 12, 12), dtype=int)
    first[4, 5], first[6, 8] = 5, 6
    second[4, 5], second[6, 8] = 9, 6
    found = find_differences(first, second, 3, merge=4, threshold=0, directed=True)
    assert found.places == [(4, 5)] and [part.tolist() for part in found.are_maxima] == [[True], [True]]


@pytest.mark.parametrize("option", ["merge", "min_distance"])
def test_a_distance_beyond_every_number_of_the_machine_is_that_of_the_whole_matrix(option):
    matrix = genome_matrix()
    expected = list(find_maxima(matrix, 3, threshold=0, **{option: max(matrix.matrix.shape)}))
    assert list(find_maxima(matrix, 3, threshold=0, **{option: 10**20})) == expected and len(expected) > 1


@pytest.mark.parametrize("merge", [0, -1, 1.5, True, "2"])
def test_a_radius_that_is_none_is_refused(merge):
    with pytest.raises(InputError, match="merge must be an integer of at least 1, or None"):
        find_maxima(np.eye(5), 3, merge=merge)


@pytest.mark.parametrize(("option", "value"), [("merge", 2), ("centroid", True)])
def test_a_graph_has_no_neighbouring_places(option, value, tmp_path, capsys):
    with pytest.raises(InputError, match=f"{option} = {value} has no effect in mode graph, which has no windows"):
        find_maxima(np.eye(5), mode="graph", **{option: value})
    np.save(tmp_path / "m.npy", np.eye(5))
    flag = [f"--{option}", *([] if value is True else [str(value)])]
    assert main(["detect", str(tmp_path / "m.npy"), "--mode", "graph", "--models", "none", *flag]) == 2
    assert f"--{option} has no effect in this call: it needs --mode ordered" in capsys.readouterr().err
