"""Weights of networkx graphs: none is filled in, none is rounded, and code, files and hosts read the same ones."""

from decimal import Decimal
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest

from gnnmax.data.hosts.graph_objects import host_of
from gnnmax.data.hosts.own_files import name_file
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.search import find_maxima
from gnnmax.errors import InputError
from gnnmax.io.graph_files.graph_edges import entries_of_graph


def path_graph(*weights, name="weight"):
    """A path a - b - c - ... with a weight on each edge; ... leaves it out."""
    edges = [(chr(97 + i), chr(98 + i), {} if w is ... else {name: w}) for i, w in enumerate(weights)]
    return nx.Graph(edges)


REFUSED = [
    (path_graph(5, ..., 2), "all edges must have a weight, or none: 1 of 3 have none, as the edge from b to c; add"),
    (path_graph(5, None), "1 of 2 have none, as the edge from b to c"),
    (path_graph(2.0, 3.0, name="Weight"), "the edges have no 'weight', but Weight: name the weights, as in --weight W"),
    (path_graph("2", "3", name="Weight"), "the edges have no 'weight', but Weight"),
    (path_graph(2, 3, name="strength"), "the edges have no 'weight', but strength: name the weights, as in --weight s"),
    (path_graph("1", "2"), "weights must be real numbers, not str, as of the edge from a to b"),
    (path_graph(1, Decimal(2)), "weights must be real numbers, not Decimal, as of the edge from b to c"),
    (path_graph(1, 2j), "weights must be real numbers, not complex"),
    (path_graph(1, [2]), "weights must be real numbers, not list"),
    (path_graph(1, 2**63), "weights must be real numbers, not int"),
    (path_graph(2**53 + 1, 0.5), "the whole number 9007199254740993 would be rounded beside real"),
    (nx.MultiGraph([("a", "b"), ("a", "b")]), "the graph has parallel edges"),
]


@pytest.mark.parametrize(("graph", "said"), REFUSED, ids=[said[:60] for _, said in REFUSED])
def test_weights_that_are_missing_named_otherwise_or_no_numbers_are_refused_by_every_door(graph, said):
    for door in (entries_of_graph, find_maxima, host_of, lambda graph: find_maxima(graph, mode="graph")):
        with pytest.raises(InputError, match=said):
            door(graph)


@pytest.mark.parametrize("graph", [graph for graph, _ in REFUSED[:5]], ids=[said[:60] for _, said in REFUSED[:5]])
def test_a_graphml_file_is_refused_for_the_same_reasons_by_hosts_and_detection(graph, tmp_path):
    for *_, data in graph.edges(data=True):
        data.update({name: value for name, value in data.items() if value is not None})
    graph = nx.Graph((u, v, {n: w for n, w in data.items() if w is not None}) for u, v, data in graph.edges(data=True))
    nx.write_graphml(graph, tmp_path / "g.graphml")
    said = []
    for door in (read_matrix, name_file):
        with pytest.raises(
            InputError, match=r"g.graphml: (all edges must have a weight|the edges have no 'weight')"
        ) as e:
            door(tmp_path / "g.graphml")
        said.append(str(e.value))
    assert said[0] == said[1]


def test_a_named_attribute_holds_the_weights_for_hosts_and_detection(tmp_path):
    nx.write_graphml(path_graph(2.5, 4.0, name="strength"), tmp_path / "g.graphml")
    found = read_matrix(tmp_path / "g.graphml", weight="strength")
    assert [(i, j, w) for i, j, w in find_maxima(found, mode="graph")] == [(1, 2, 4.0)]
    assert name_file(tmp_path / "g.graphml", weight="strength").sample(np.random.default_rng(0)).weights.tolist() == [
        2.5,
        4.0,
    ]
    with pytest.raises(InputError, match=r"edge attribute 'strenght'.*strength"):
        read_matrix(tmp_path / "g.graphml", weight="strenght")
    assert len(name_file(tmp_path / "g.graphml", weighted=False).sample(np.random.default_rng(0)).edges) == 2


@pytest.mark.parametrize(
    ("weights", "dtype"),
    [
        ((2**53 + 1, 2**53), np.int64),
        ((np.float32(1.5), 2), np.float64),
        ((Fraction(1, 2), 2), np.float64),
        ((np.longdouble(1) / 3, 2.0), np.longdouble),
        ((True, False), np.bool_),
        ((..., ...), np.float64),
    ],
)
def test_weights_of_every_real_type_are_read_as_they_are_and_a_graph_without_any_has_ones(weights, dtype):
    found = entries_of_graph(path_graph(*weights)).weights
    assert found.dtype == dtype and found[:2].tolist() == [1 if w is ... else w for w in weights]


def test_text_attributes_are_no_weights():
    assert entries_of_graph(path_graph("friend", "foe", name="kind")).weights.tolist() == [1, 1, 1, 1]


def test_loops_are_listed_once_and_directed_edges_in_their_direction():
    graph = nx.DiGraph([("a", "a", {"weight": 3}), ("b", "a", {"weight": 2})])
    assert entries_of_graph(graph).edges.tolist() == [[0, 0], [1, 0]]
    assert entries_of_graph(nx.Graph(graph)).edges.tolist() == [[0, 0], [0, 1], [1, 0]]
