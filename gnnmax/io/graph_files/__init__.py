"""Readers of graph files: from bytes to a matrix, a networkx graph or a list of edges. None of them runs code.

A reader checks the sizes that a file states against the size of the file before it allocates memory for them.
"""

from __future__ import annotations

from gnnmax.io.graph_files.arrays import read_npy
from gnnmax.io.graph_files.entries import Entries, LabelledMatrix
from gnnmax.io.graph_files.formats import READERS, SUFFIXES, TEXT, format_of, read_content
from gnnmax.io.graph_files.graphml import read_graphml
from gnnmax.io.graph_files.matrix_market import read_mtx
from gnnmax.io.graph_files.text_tables import read_text
from gnnmax.io.graph_files.zip_archives import read_npz, read_npz_arrays

__all__ = [
    "READERS",
    "SUFFIXES",
    "TEXT",
    "Entries",
    "LabelledMatrix",
    "format_of",
    "read_content",
    "read_graphml",
    "read_mtx",
    "read_npy",
    "read_npz",
    "read_npz_arrays",
    "read_text",
]
