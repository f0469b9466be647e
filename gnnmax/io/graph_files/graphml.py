"""GraphML files, read by networkx after a look at their XML."""

from __future__ import annotations

import io
from typing import Any
from xml.parsers.expat import ParserCreate

from gnnmax.errors import InputError
from gnnmax.io.graph_files.refusals import refusing
from gnnmax.io.plain_numbers import exceeds_float64, plain_float, plain_number

__all__ = ["read_graphml"]

DEEPEST = 100
"""Levels of elements; graphs in nodes of graphs take two levels each."""

NUMBERS = ("int", "integer", "long", "float", "double", "real")
"""Types of attributes that are numbers, in the schema and as yEd writes them."""


REAL = ("float", "double")
"""Types of attributes that networkx reads as real numbers."""

HEADER = b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
"""The first element, for files that leave its namespace out."""


def read_graphml(content: bytes) -> Any:
    """Read a GraphML file as a networkx graph.

    Raises:
        InputError: not the format, a document type definition, an unknown encoding, or parallel edges.

    Example:
        >>> xml = b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">'
        >>> graph = read_graphml(xml + b'<node id="a"/><node id="b"/><edge source="a" target="b"/></graph></graphml>')
        >>> list(graph.edges)
        [('a', 'b')]
    """
    with refusing("a GraphML file"):
        _Check().run(content)
        graph = _graph_of(content)
    if graph.is_multigraph():
        raise InputError("holds parallel edges: add them up, or leave them out")
    return graph


def _graph_of(content: bytes) -> Any:
    """Read XML that was checked as a networkx graph; real numbers that are whole stay exact."""
    from networkx.readwrite.graphml import GraphMLReader

    class Reader(GraphMLReader):  # type: ignore[misc]  # networkx has no types
        def construct_types(self) -> None:
            super().construct_types()
            self.python_type |= dict.fromkeys(REAL, plain_number)

    found = list(Reader()(path=io.BytesIO(content))) or list(Reader()(string=content.replace(b"<graphml>", HEADER)))
    if not found:
        raise InputError("not a GraphML file: it holds no graph")
    return found[0]


class _Check:
    """Refuse, in one pass of the parser that keeps nothing, XML that is not safe to build a tree of."""

    def __init__(self) -> None:
        self.depth = 0
        self.numbers: set[str] = set()
        self.text: list[str] | None = None

    def run(self, content: bytes) -> None:
        """Parse; expat decodes the text, so that a document type is found in every encoding."""
        parser = ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse_document_type
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(content, True)

    def _refuse_document_type(self, *_: object) -> None:
        raise InputError("holds a document type of its own, which can unfold without end: leave it out")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise InputError(f"not a GraphML file: its elements are nested in more than {DEEPEST} levels")
        kind = name.rpartition(":")[2]
        if kind == "key" and attributes.get("attr.type") in NUMBERS:
            self.numbers.add(attributes.get("id", ""))
        self.text = [] if kind == "data" and attributes.get("key") in self.numbers else None

    def _characters(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def _end(self, _: str) -> None:
        self.depth -= 1
        if self.text:
            number = "".join(self.text)
            plain_float(number)
            if exceeds_float64(number):
                raise InputError(f"the number {number.strip()[:40]} is too large for float64: scale all weights down")
        self.text = None
