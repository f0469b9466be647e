"""The two halves of a square matrix: whether they agree, and whether the matrix is read as undirected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gnnmax.detection.mirror_pairs import Comparison, DensePairs, SparsePairs
from gnnmax.errors import InputError

__all__ = ["UNCHECKED", "Agreement", "Symmetry", "symmetry_of"]

Agreement = Literal["exact", "rounding", "upper", "lower", "none", "unchecked"]
"""How the two halves of a matrix agree, see :class:`Symmetry`."""


@dataclass(frozen=True)
class Symmetry:
    """How the half of a matrix above its diagonal agrees with the half below, and how the matrix is read.

    Attributes:
        found: ``exact``: each entry equals its mirror image, and both were measured or neither. ``rounding``: they
            differ by at most 32 roundings of the type (2 in half precision), relative to the largest finite entry off
            the diagonal of either row. ``upper``, ``lower``: only this half holds entries, the other one zeros or
            missing entries. ``none``: none of these. ``unchecked``: the matrix is not square, or said to be directed.
        undirected: Whether the matrix is read as that of an undirected graph. Of ``rounding``, ``upper`` and ``lower``
            only one half is then read.
        difference: The largest difference of an entry and its mirror image; None if it was not determined.
        place: Its row and column, if it is above 0.
    """

    found: Agreement = "unchecked"
    undirected: bool = False
    difference: float | None = None
    place: tuple[int, int] | None = None

    @property
    def note(self) -> str:
        """What a reader of the results must know about the way the matrix was read; "" if it is the obvious one.

        Example:
            >>> Symmetry("rounding", True, 2.5e-16, (0, 3)).note
            'symmetric within rounding, largest difference 2.5e-16 at (0, 3): the upper half was read'
        """
        if self.found == "rounding" and self.place is not None:
            where = f"largest difference {self.difference:.2g} at {self.place}"
            return f"symmetric within rounding, {where}: the upper half was read"
        if self.found not in ("upper", "lower"):
            return ""
        empty = f"the {'lower' if self.found == 'upper' else 'upper'} half is empty"
        if self.undirected:
            return f"{empty}: the {self.found} half was read, each entry as a pair"
        return f"{empty}: read as directed; directed=False (--undirected) reads the {self.found} half as pairs"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON; a difference that is not finite is left out."""
        known = self.difference is not None and np.isfinite(self.difference)
        return {
            "found": self.found,
            "read": "undirected" if self.undirected else "directed",
            "difference": self.difference if known else None,
            "place": None if self.place is None else list(self.place),
        }


UNCHECKED = Symmetry()
"""Of a matrix that is read as directed without a comparison of its halves."""


def symmetry_of(
    matrix: Any, missing: Any, *, unstored: str = "zero", directed: bool | None = None, known: bool | None = None
) -> Symmetry:
    """Find out how the halves of a matrix agree, and decide how it is read.

    Cost: one pass over the pairs of entries of a symmetric matrix. If the halves differ a second pass follows, which
    ends early if neither rounding nor an empty half can be the reason. Blocks of limited size are held, and one
    transposed copy of a sparse matrix.

    Args:
        matrix: Dense, or sparse with sorted rows.
        missing: True where nothing was measured, besides NaN; or None.
        unstored: ``zero`` or ``missing``: an entry that a sparse matrix does not store.
        directed: What the caller says; None: nothing.
        known: What the source of the matrix says, such as a networkx graph; None: nothing. A source that says False
            has a symmetric matrix.

    Raises:
        InputError: the caller says that the matrix is undirected, and it is not.

    Example:
        >>> matrix = np.array([[0.0, 5.0], [5.0 + 1e-15, 0.0]])
        >>> symmetry_of(matrix, None).found, symmetry_of(np.triu(matrix), None, directed=False)
        ('rounding', Symmetry(found='upper', undirected=True, difference=None, place=None))
        >>> symmetry_of(np.array([[0, 5], [4, 0]]), None, directed=False)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the matrix is not that of an undirected graph: entry (0, 1) is 5 and (1, 0) is 4, ...
    """
    rows, columns = matrix.shape
    if directed or (directed is None and (known or rows != columns)):
        return UNCHECKED
    if rows != columns:
        raise InputError(
            f"a matrix of {rows} x {columns} is not that of an undirected graph: leave out directed=False "
            "(--undirected)"
        )
    if directed is None and known is False:
        return Symmetry("exact", True, 0.0)
    pairs = SparsePairs(matrix, missing, unstored) if hasattr(matrix, "nnz") else DensePairs(matrix, missing)
    if pairs.only is not None:
        return Symmetry(pairs.only, directed is False)
    if pairs.equal():
        return Symmetry("exact", True, 0.0)
    halves = Comparison.of(pairs, matrix, early=directed is None)
    if halves.rounded:
        return Symmetry("rounding", True, halves.difference, halves.place)
    if halves.upper and halves.lower:
        if directed is None:
            return Symmetry("none")
        raise InputError(
            f"the matrix is not that of an undirected graph: {halves.described(matrix)}: leave out directed=False "
            "(--undirected), or make the two halves equal"
        )
    missing_below = halves.unmatched is not None and halves.unmatched[0] > halves.unmatched[1]
    only_upper = halves.upper or (not halves.lower and missing_below)
    return Symmetry("upper" if only_upper else "lower", directed is False)
