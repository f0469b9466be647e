"""Filters by place: distance from the diagonal, a region of a genome, and contacts within and between chromosomes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnnmax.detection.breaks import Breaks
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.ranges import distance_range, region_of
from gnnmax.detection.search_options import SearchOptions
from gnnmax.errors import InputError

__all__ = [
    "are_contacts",
    "are_in_region",
    "are_within_distance",
    "check_breaks",
    "check_distance",
    "check_region",
    "parts_within",
]

Kept = npt.NDArray[np.bool_]


def are_contacts(source: MatrixSource, maxima: Maxima, options: SearchOptions) -> Kept:
    """Return which maxima lie within one chromosome, or another part between breaks, or with ``trans`` between two."""
    if source.bins is None:
        within = source.parts.same_part(maxima.rows, maxima.columns)
    else:  # bins that were left out break a chromosome, which stays one
        _, within = source.bins.between(maxima.rows, maxima.columns)
    return within if options.contacts == "cis" else ~within


def check_breaks(source: MatrixSource, options: SearchOptions) -> None:
    """Refuse a matrix whose rows and columns are not said to fall into the same parts.

    Raises:
        InputError: there are no breaks, or others between rows than between columns.
    """
    if source.breaks is None or not source.breaks.equal_sides:
        raise InputError(
            f"contacts = {options.contacts!r} needs the same breaks between rows and between columns, such as borders "
            "of chromosomes: a contact map has them; give breaks=(rows, columns) otherwise"
        )


def are_in_region(source: MatrixSource, maxima: Maxima, options: SearchOptions) -> Kept:
    """Return which maxima have their row and their column in a region."""
    inside = _bins(source, "region").inside(region_of(str(options.region)))
    return np.asarray(inside[maxima.rows] & inside[maxima.columns])


def check_region(source: MatrixSource, options: SearchOptions) -> None:
    """Refuse a region that the matrix does not have.

    Raises:
        InputError: the rows are no bins of a genome, or none is in the region.
    """
    _bins(source, "region").inside(region_of(str(options.region)))


def are_within_distance(source: MatrixSource, maxima: Maxima, options: SearchOptions) -> Kept:
    """Return which maxima have a distance in the range; there is no distance across breaks, or chromosomes."""
    wanted = distance_range(options.distance)
    if wanted.base_pairs:
        apart, kept = _bins(source, "distance").between(maxima.rows, maxima.columns)
    else:
        apart, kept = np.abs(maxima.rows - maxima.columns), source.parts.same_part(maxima.rows, maxima.columns)
    if wanted.least is not None:
        kept = kept & (apart >= wanted.least)
    return kept if wanted.largest is None else np.asarray(kept & (apart <= wanted.largest))


def parts_within(source: MatrixSource, options: SearchOptions) -> Breaks | None:
    """Return the parts within which the filters by distance and contacts leave maxima; None: these filters are off.

    Bins that were left out break a chromosome, but its contacts across them are contacts within it, and have a distance
    in base pairs.
    """
    if options.distance is None and options.contacts != "cis":
        return None
    in_places = options.distance is not None and not distance_range(options.distance).base_pairs
    if in_places or source.bins is None:
        return source.parts
    edges = np.intersect1d(source.parts.rows, [0, *source.bins.chromosome_starts(), source.shape[0]])
    return Breaks(edges, edges)


def check_distance(source: MatrixSource, options: SearchOptions) -> None:
    """Refuse a matrix in which ``|i - j|`` is no distance.

    Raises:
        InputError: rows and columns are not in one order, or have no base pairs but a unit is given.
    """
    n, m = source.shape
    if n != m or not source.parts.equal_sides:
        parts = f"not {n} x {m}" if n != m else "and the same breaks"
        raise InputError(f"distance needs a square matrix, rows and columns in one order, {parts}")
    if distance_range(options.distance).base_pairs:
        _bins(source, "distance")


def _bins(source: MatrixSource, option: str) -> GenomeBins:
    if source.bins is None:
        instead = "write the distance in places, such as 8:50" if option == "distance" else "leave it out"
        what = "distance in base pairs" if option == "distance" else option
        raise InputError(f"{what} needs bins of a genome, as a contact map has them: {instead}")
    return source.bins
