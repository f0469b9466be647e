"""Formats of graph files, by the ends of their names or by their first bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gnnmax.errors import InputError
from gnnmax.io.graph_files.arrays import read_npy
from gnnmax.io.graph_files.graphml import read_graphml
from gnnmax.io.graph_files.gzipped import GZ, unpacked
from gnnmax.io.graph_files.matrix_market import read_mtx
from gnnmax.io.graph_files.text_layout import Form
from gnnmax.io.graph_files.text_tables import read_text
from gnnmax.io.graph_files.zip_archives import read_npz

__all__ = ["READERS", "SUFFIXES", "TEXT", "format_of", "read_content", "sniffed_format"]

TEXT = (".csv", ".tsv", ".txt", ".edgelist")
"""Tables in text: lists of edges and dense matrices; the ending does not select the delimiter."""

READERS: dict[str, Callable[[bytes], Any]] = {
    ".npz": read_npz,
    ".npy": read_npy,
    ".mtx": read_mtx,
    **dict.fromkeys(TEXT, read_text),
    ".graphml": read_graphml,
}
SUFFIXES = ", ".join(READERS)

FIRST_BYTES = {b"\x93NUMPY": ".npy", b"PK": ".npz", b"%%MatrixMarket": ".mtx", b"<": ".graphml"}


def format_of(path: Path) -> str:
    """Return the ending that selects the reader, in lower case, without that of a compressed file.

    Example:
        >>> format_of(Path("graph.CSV.gz")), format_of(Path("graph.gz")), format_of(Path("graph.npz"))
        ('.csv', '', '.npz')
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == GZ:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def sniffed_format(content: bytes) -> str:
    """Return the ending of the format that the first bytes of a content show; text if they show no other.

    Example:
        >>> sniffed_format(b"PK..."), sniffed_format(b"a,b,1")
        ('.npz', '.csv')
    """
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((name for mark, name in FIRST_BYTES.items() if start.startswith(mark)), TEXT[0])


def read_content(content: bytes, path: Path | None, *, weight: str | None = None, form: Form | None = None) -> Any:
    """Read the content of a graph file.

    Args:
        content: The file, perhaps compressed by gzip.
        path: Its name, which selects the reader; None selects it by the first bytes.
        weight: The column of a table in text that holds the weights of edges; None takes ``weight``.
        form: Whether a table in text lists edges or is a dense matrix; None finds it out.

    Returns:
        An array, a sparse array, a networkx graph, :class:`~gnnmax.io.graph_files.entries.Entries`, or a
        :class:`~gnnmax.io.graph_files.entries.LabelledMatrix`.

    Raises:
        InputError: the content is not that of the format, or too large.
    """
    if path.suffix.lower() == GZ if path is not None else content.startswith(b"\x1f\x8b"):
        content = unpacked(content)
    suffix = sniffed_format(content) if path is None else format_of(path)
    if form is not None and suffix not in TEXT:
        raise InputError("only text may hold edges or a dense matrix: the format of this content says itself")
    return read_text(content, weight, form) if suffix in TEXT else READERS[suffix](content)
