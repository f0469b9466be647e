"""Readers of graph files: from bytes to a matrix, a networkx graph or a list of edges. None of them runs code.

A reader checks the sizes that a file states against the size of the file before it allocates memory for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gnnmax.io.graph_files.arrays import read_npy
from gnnmax.io.graph_files.edge_lists import read_csv
from gnnmax.io.graph_files.entries import Entries
from gnnmax.io.graph_files.graphml import read_graphml
from gnnmax.io.graph_files.matrix_market import read_mtx
from gnnmax.io.graph_files.zip_archives import read_npz

__all__ = ["READERS", "SUFFIXES", "Entries", "read_csv", "read_graphml", "read_mtx", "read_npy", "read_npz"]

READERS: dict[str, Callable[[bytes], Any]] = {
    ".npz": read_npz,
    ".npy": read_npy,
    ".mtx": read_mtx,
    ".csv": read_csv,
    ".graphml": read_graphml,
}
SUFFIXES = ", ".join(READERS)
