"""The flags that say how a command reads a matrix from a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gnnmax.cli.arguments import Flag
from gnnmax.errors import InputError

__all__ = ["MatrixFlags"]


@dataclass(frozen=True, kw_only=True)
class MatrixFlags:
    """Base of the commands that read matrices.

    Example:
        >>> MatrixFlags(undirected=True).direction, MatrixFlags().direction
        (False, None)
    """

    unstored: Literal["zero", "missing"] = "zero"
    """The value of an entry that a sparse matrix does not store."""
    directed: Flag = False
    """Read entry (i, j) as the edge from i to j only."""
    undirected: Flag = False
    """Read (i, j) and (j, i) as one pair: of a matrix that is symmetric, or of one half where the other is empty."""
    balanced: Flag = False
    """Balance the counts of a contact map; they are real values then."""
    weight: str | None = None
    """Edge attribute of a graph, or column of a list of edges, that holds the weights."""

    @property
    def direction(self) -> bool | None:
        """Whether the matrix is said to be directed; None if nothing is said.

        Raises:
            InputError: it is said to be both.
        """
        if self.directed and self.undirected:
            raise InputError("--directed contradicts --undirected: give one of the two, or neither")
        return True if self.directed else False if self.undirected else None

    def read(self, file: Path) -> Any:
        """Read a matrix as the flags say, see :func:`gnnmax.detection.matrix_files.read_matrix`."""
        from gnnmax.detection.matrix_files import read_matrix

        return read_matrix(file, directed=self.directed, balanced=self.balanced, weight=self.weight)
