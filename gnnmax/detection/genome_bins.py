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
        inside = (self.chromosome == self._number_of(region.chromosome)) & (self.end > region.start)
        if region.end is not None:
            inside &= self.start < region.end
        if not inside.any():
            raise InputError(f"region {region.chromosome}:{region.start}-{region.end or ''} holds no bin of the matrix")
        return np.asarray(inside)

    def borders(self) -> npt.NDArray[np.intp]:
        """Return the bins that are no neighbours of the one before: on another chromosome, or beyond a gap.

        Example:
            >>> start = np.array([0, 10, 50, 0])
            >>> GenomeBins(("a", "b"), np.array([0, 0, 0, 1]), start, start + 10).borders()
            array([2, 3])
        """
        gap = self.start[1:].astype(np.int64) > self.end[:-1]
        return np.flatnonzero(gap | (self.chromosome[1:] != self.chromosome[:-1])) + 1

    def has_gaps(self) -> bool:
        """Return whether bins were left out within a chromosome: places are then nearer than base pairs."""
        return len(self.borders()) > len(self.chromosome_starts())

    def chromosome_starts(self) -> npt.NDArray[np.intp]:
        """Return the first bin of each further chromosome."""
        return np.flatnonzero(self.chromosome[1:] != self.chromosome[:-1]) + 1

    def holding(self, chromosomes: npt.NDArray[np.str_], base_pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        """Return the bin that holds each base pair of some chromosomes, -1 where there is none.

        Args:
            chromosomes: Names, shape ``(N,)``.
            base_pairs: From 0 on, shape ``(N,)``.

        Raises:
            InputError: no such chromosome.

        Example:
            >>> start = np.array([0, 10, 0])
            >>> bins = GenomeBins(("a", "b"), np.array([0, 0, 1]), start, start + 10)
            >>> bins.holding(np.array(["b", "a", "a"]), np.array([5, 10, 20]))
            array([ 2,  1, -1])
        """
        found = np.full(len(base_pairs), -1, dtype=np.intp)
        for name in np.unique(chromosomes).tolist():
            asked = np.flatnonzero(chromosomes == name)
            bins = np.flatnonzero(self.chromosome == self._number_of(name))
            bins = bins[np.argsort(self.start[bins], kind="stable")]
            if not len(bins):
                continue
            place = bins[np.maximum(np.searchsorted(self.start[bins], base_pairs[asked], side="right") - 1, 0)]
            inside = (self.start[place] <= base_pairs[asked]) & (base_pairs[asked] < self.end[place])
            found[asked[inside]] = place[inside]
        return found

    def intervals(self, places: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the chromosome, the first base pair and the last one, plus 1, of some bins; ".", -1, -1 of no bin."""
        there = places < len(self.start)
        bins = np.where(there, places, 0)
        names = np.where(there, np.array(self.names, dtype=object)[self.chromosome[bins]], ".")
        ends = (np.where(there, end[bins].astype(np.int64), -1) for end in (self.start, self.end))
        return (names, *ends)  # type: ignore[return-value]  # there are two ends

    def _number_of(self, chromosome: str) -> int:
        if chromosome not in self.names:
            known = ", ".join(self.names[:SHOWN]) + (", ..." if len(self.names) > SHOWN else "")
            raise InputError(f"the matrix has no chromosome {chromosome!r}: it has {known}")
        return self.names.index(chromosome)

    def between(self, rows: Any, columns: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the base pairs between the starts of bins, and whether these are on one chromosome."""
        apart = np.abs(self.start[rows].astype(np.int64) - self.start[columns].astype(np.int64))
        return apart, self.chromosome[rows] == self.chromosome[columns]


SHOWN = 8
"""Number of chromosomes that a message lists."""
