"""Bins of a genome: the chromosome and the base pairs of each row and column of a contact map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.ranges import Region
from gnnmax.errors import InputError

__all__ = ["GenomeBins"]


@dataclass(frozen=True, eq=False)
class GenomeBins:
    """The bins that rows and columns of a matrix are.

    Attributes:
        names: Names of the chromosomes.
        chromosome: The number of the chromosome of each bin, shape ``(n,)``.
        start: First base pair of each bin.
        end: Its last base pair, plus 1.

    Example:
        >>> start = np.array([0, 10, 0])
        >>> bins = GenomeBins(("a", "b"), np.array([0, 0, 1]), start, start + 10)
        >>> bins.inside(Region("a", 12, None))
        array([False,  True, False])
    """

    names: tuple[str, ...]
    chromosome: npt.NDArray[np.integer[Any]]
    start: npt.NDArray[np.integer[Any]]
    end: npt.NDArray[np.integer[Any]]

    def inside(self, region: Region) -> npt.NDArray[np.bool_]:
        """Return which bins overlap a region.

        Raises:
            InputError: no such chromosome, or no bin there.
        """
        if region.chromosome not in self.names:
            known = ", ".join(self.names[:SHOWN]) + (", ..." if len(self.names) > SHOWN else "")
            raise InputError(f"the matrix has no chromosome {region.chromosome!r}: it has {known}")
        inside = (self.chromosome == self.names.index(region.chromosome)) & (self.end > region.start)
        if region.end is not None:
            inside &= self.start < region.end
        if not inside.any():
            raise InputError(f"region {region.chromosome}:{region.start}-{region.end or ''} holds no bin of the matrix")
        return np.asarray(inside)

    def between(self, rows: Any, columns: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the base pairs between the starts of bins, and whether these are on one chromosome."""
        apart = np.abs(self.start[rows].astype(np.int64) - self.start[columns].astype(np.int64))
        return apart, self.chromosome[rows] == self.chromosome[columns]


SHOWN = 8
"""Number of chromosomes that a message lists."""
