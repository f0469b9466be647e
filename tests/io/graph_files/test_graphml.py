"""GraphML: weights that are real numbers, encodings that exist, graphs in graphs."""

import networkx as nx
import pytest

from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.search import find_maxima
from gnnmax.errors import InputError
from gnnmax.io.graph_files.graph_edges import entries_of_graph
from gnnmax.io.graph_files.graphml import read_graphml

TEXT = (
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="d0" for="edge" attr.name="{}" attr.type="{}"/>'
    '<graph edgedefault="undirected"><node id="a"/><node id="b"/><edge source="a" target="b"><data key="d0">{}</data>'
    "</edge></graph></graphml>"
)


@pytest.mark.parametrize(
    ("kind", "weight", "value"),
    [("double", " 2.5 ", 2.5), ("int", "-3", -3), ("long", "9007199254740993", 2**53 + 1), ("boolean", "true", True)],
)
def test_a_weight_of_every_type_of_number_is_read(kind, weight, value, tmp_path):
    graph = read_graphml(TEXT.format("weight", kind, weight).encode())
    assert graph["a"]["b"]["weight"] == value
    (tmp_path / "g.graphml").write_text(TEXT.format("weight", kind, weight))
    assert [entry[2] for entry in find_maxima(read_matrix(tmp_path / "g.graphml"), mode="graph")] == [value]


def test_a_real_weight_that_float64_rounds_is_exact_or_refused():
    edge = '<edge source="b" target="c"><data key="d0">{}</data></edge></graph>'
    text = TEXT.format("weight", "double", 2**53 + 1).replace('<node id="a"/>', '<node id="a"/><node id="c"/>')
    exact = entries_of_graph(read_graphml(text.encode()))
    assert set(exact.weights.tolist()) == {2**53 + 1}
    other = text.replace("</graph>", edge.format(2**53))
    with pytest.raises(InputError, match="whole number 9007199254740993 would be rounded"):
        entries_of_graph(read_graphml(other.encode()))


@pytest.mark.parametrize(
    ("kind", "weight", "said"),
    [
        ("string", "heavy", "weights must be real numbers, not str, as of the edge from a to b"),
        ("long", "9223372036854775808", "weights must be real numbers, not int"),
        ("double", "1_0", "not a plain number: '1_0'"),
        ("int", "\u0661", "not a plain number"),
        ("double", "2E", "not a GraphML file: could not convert"),
        ("none", "1", "not a GraphML file"),
        ("double", " 1e999 ", "the number 1e999 is too large for float64: scale all weights down"),
    ],
)
def test_a_weight_that_is_no_real_number_is_refused(kind, weight, said):
    with pytest.raises(InputError, match=said):
        entries_of_graph(read_graphml(TEXT.format("weight", kind, weight).encode()))


def test_an_underscore_in_a_text_is_no_number():
    graph = read_graphml(TEXT.format("label", "string", "1_0").encode())
    assert graph["a"]["b"]["label"] == "1_0"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16", "ascii"])
def test_known_encodings_are_read(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + TEXT.format("weight", "double", "2")
    assert read_graphml(text.encode(encoding)).number_of_edges() == 1


def test_a_graph_of_networkx_survives_and_a_deep_one_is_refused():
    graph = nx.les_miserables_graph()
    content = "\n".join(nx.generate_graphml(graph)).encode()
    assert list(read_graphml(content).edges(data="weight")) == list(graph.edges(data="weight"))
    with pytest.raises(InputError, match="nested in more than 100 levels"):
        read_graphml(b"<graphml>" + b"<node>" * 101)
