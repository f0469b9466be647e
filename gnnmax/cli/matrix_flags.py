"""The flags that say how a command reads a matrix from a file."""

from __future__ import annotations

from collections.abc import Sequence
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
    weight_name: str | None = None
    """Balance by these weights of the bins, such as KR. Default of --balanced: weight."""
    divisive: Flag = False
    """Divide counts by the weights, as by KR, VC and VC_SQRT without being asked."""
    multiplicative: Flag = False
    """Multiply counts by the weights, also by those named KR, VC or VC_SQRT."""
    weight: str | None = None
    """Edge attribute of a graph, or column of a list of edges, that holds the weights."""
    format: Literal["auto", "edges", "dense"] = "auto"
    """Read text as a list of edges, or as a dense matrix. auto: what its first rows show."""

    @property
    def direction(self) -> bool | None:
        """Whether the matrix is said to be directed; None if nothing is said.

        Raises:
            InputError: it is said to be both.
        """
        if self.directed and self.undirected:
            raise InputError("--directed contradicts --undirected: give one of the two, or neither")
        return True if self.directed else False if self.undirected else None

    @property
    def divided(self) -> bool | None:
        """Whether counts are said to be divided by weights; None if nothing is said.

        Raises:
            InputError: they are said to be multiplied too, or not to be balanced.
        """
        given = [flag for flag, on in (("--divisive", self.divisive), ("--multiplicative", self.multiplicative)) if on]
        if len(given) > 1:
            raise InputError("--divisive contradicts --multiplicative: give one of the two, or neither")
        if given and not self.balanced_by:
            raise InputError(f"{given[0]} needs weights: pass --balanced, or --weight-name NAME")
        return self.divisive if given else None

    @property
    def balanced_by(self) -> bool | str:
        """The name of the weights that counts are balanced by, True for the usual one; False if they are not."""
        return self.balanced if self.weight_name is None else self.weight_name

    def read(self, file: Path, *, node_attributes: Sequence[str] = ()) -> Any:
        """Read a matrix as the flags say, see :func:`gnnmax.detection.matrix_files.read_matrix`."""
        from gnnmax.detection.matrix_files import read_matrix

        return read_matrix(
            file,
            directed=self.directed,
            balanced=self.balanced_by,
            divisive=self.divided,
            weight=self.weight,
            form=None if self.format == "auto" else self.format,
            node_attributes=node_attributes,
        )
