"""Lists of pairs of genome intervals, BEDPE: ten columns by place, and ours after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.errors import InputError
from gnnmax.io.table_columns import BEDPE

__all__ = ["bedpe_columns", "check_bins"]

REPEATED = ("i", "j", "row", "column", "score")
"""Columns of ours that the ten of BEDPE say already: numbers of bins would be read in place of the intervals."""


def check_bins(bins: GenomeBins | None) -> GenomeBins:
    """Return the bins of a genome that a matrix has.

    Raises:
        InputError: it has none.
    """
    if bins is None:
        raise InputError("BEDPE needs bins of a genome, as a contact map has them: write .csv instead")
    return bins


def bedpe_columns(
    bins: GenomeBins | None, rows: Any, columns: Any, ours: Mapping[str, npt.NDArray[Any] | Sequence[Any]]
) -> dict[str, npt.NDArray[Any] | Sequence[Any]]:
    """Return the columns of BEDPE by name: both intervals, and the number that a list is sorted by.

    Args:
        bins: The bins of a genome; None is refused.
        rows: The bin of the first interval of each place, shape ``(N,)``.
        columns: The bin of the second one.
        ours: Further columns by name: ``score``, else ``value``, becomes the score of BEDPE.

    Raises:
        InputError: there are no bins.

    Example:
        >>> start = np.array([0, 10])
        >>> bins = GenomeBins(("a",), np.array([0, 0]), start, start + 10)
        >>> found = bedpe_columns(bins, np.array([0]), np.array([1]), {"value": np.array([7.5])})
        >>> [column.tolist()[0] for column in found.values()]
        ['a', 0, 10, 'a', 10, 20, '.', 7.5, '.', '.', 7.5]
    """
    bins = check_bins(bins)
    none = np.full(len(rows), ".", dtype=object)
    score = ours.get("score", ours["value"])
    found = (*bins.intervals(rows), *bins.intervals(columns), none, score, none, none)
    others = {name: column for name, column in ours.items() if name not in REPEATED}
    return {**dict(zip(BEDPE, found, strict=True)), **others}
