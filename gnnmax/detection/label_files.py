"""Labels from files: a matrix of whole numbers, or one label a node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gnnmax.detection.mask_files import read_entries
from gnnmax.errors import InputError
from gnnmax.io.graph_files import TEXT
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind

__all__ = ["read_labels"]

LARGEST_FILE = 2**28


def read_labels(path: str | Path) -> Any:
    r"""Read labels from a file: a matrix of whole numbers, or one label a node.

    Args:
        path: A file of an array as :func:`gnnmax.detection.matrix_files.read_matrix` takes it, dense or sparse, or a
            ``.npy`` file of one dimension; or a text file with one label, a number or a word, on each line.

    Raises:
        InputError: no such file, or no array.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "arms.txt").write_text("p\np\nq\n")
        ...     read_labels(Path(folder, "arms.txt")).tolist()
        ['p', 'p', 'q']
    """
    file = as_path(path)
    if file.suffix.lower() in TEXT:
        content = FileKind(
            "the labels", LARGEST_FILE, "give the path of a text file of at most 256 MiB, or of a .npy file"
        ).read(file)
        try:
            lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
        except UnicodeDecodeError as error:
            raise InputError(f"{file}: not text in UTF-8: {error.reason} at byte {error.start}") from None
        lines = [line for line in lines if line and not line.startswith(("#", "%"))]
        if not lines:
            raise InputError(f"{file} holds no label")
        if not any(mark in line for line in lines for mark in ",; \t"):
            words = np.array(lines)
            return words.astype(np.int64) if all(_is_number(line) for line in lines) else words
    return read_entries(path, "labels are an array, or one label on each line")


def _is_number(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdecimal() and len(text) <= 18
