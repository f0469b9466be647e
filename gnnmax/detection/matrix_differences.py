"""Gained and lost maxima between two matrices of the same nodes, with a false-discovery rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from msgspec import structs

from gnnmax.detection.change_rates import Changes, with_rate
from gnnmax.detection.count_tests import count_changes, dispersion_of
from gnnmax.detection.depth import depth_of
from gnnmax.detection.difference_table import Differences
from gnnmax.detection.filters import without_filters
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.normalisation import normalise
from gnnmax.detection.pairing import Pair, pair_of
from gnnmax.detection.search import prepare_matrix, search_matrix
from gnnmax.detection.search_options import SearchOptions, Sides, refuse_old_names
from gnnmax.detection.storage import Places
from gnnmax.detection.value_tests import Means, value_changes
from gnnmax.detection.window_sums import window_sums
from gnnmax.errors import InputError

__all__ = ["Law", "find_differences"]

Law = Literal["auto", "counts", "values"]
"""How entries scatter: as counts, or as real numbers; ``auto`` takes whole numbers of at least 0 for counts."""

AROUND = 3
"""Side of the window whose sums are compared in mode ordered."""

MOST_OTHERS = 20_000
"""Most places that are not maxima, to estimate the scatter from."""

Floats = npt.NDArray[np.float64]


def find_differences(
    a: Any,
    b: Any,
    k: Sides = 9,
    *,
    rate: float = 0.05,
    law: Law = "auto",
    around: int | None = None,
    **options: Any,
) -> Differences:
    """Find the maxima that a second matrix of the same nodes has gained, lost or kept.

    The places that are tested are the maxima of the sum of both matrices. Given the sum of two counts, their difference
    tells nothing about where the sum is largest, so the p-values stay exact; the maxima of one matrix alone would lean
    to that matrix by chance. In mode ordered a place stands for the window of ``around`` x ``around`` entries, whose
    sums are compared; in mode graph for its entry.

    Counts: given the sum, the first count is binomial. The expected share is the ratio of the two depths, a median over
    groups of entries, and in an ordered square matrix a function of the distance from the diagonal. Where counts of
    places without a maximum scatter more than Poisson's law says, as those of two biological samples do, the variance
    is raised accordingly. A place with too few counts for any significant result is not tested, and has q = 1.

    Values: the difference of the means is compared with the differences at places of a similar level, the maxima and
    other places: their median and median absolute deviation, and Student's law with the tails that all have.

    Args:
        a: The first matrix, as for :func:`gnnmax.find_maxima`.
        b: The second one. Nodes that have names are matched by these.
        k: Side of the windows of the search.
        rate: The false-discovery rate: of the maxima called gained or lost, this share did not change, on average.
        law: ``counts``, ``values``, or ``auto``.
        around: Side of the window that is compared, odd; None: 3 in mode ordered. 1 in mode graph.
        **options: Further fields of :class:`gnnmax.detection.SearchOptions` for the search in the sum.

    Returns:
        One row for each maximum of the sum, the most significant first.

    Raises:
        InputError: other shapes or names; counts that are not whole or below 0; no entry measured in both; a matrix
            of zeros; options that have no such value.

    References:
        Przyborowski and Wilenski, "Homogeneity of results in testing samples from Poisson series", Biometrika 31, 1940:
        the binomial test. Benjamini and Hochberg, "Controlling the false discovery rate", Journal of the Royal
        Statistical Society B 57, 1995. Bourgon, Gentleman and Huber, "Independent filtering increases detection power
        for high-throughput experiments", PNAS 107, 2010: selection by the sum.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> expected = np.full((40, 40), 20.0)
        >>> raised = expected.copy()
        >>> raised[9:12, 29:32], raised[10, 30] = 50.0, 100.0
        >>> found = find_differences(rng.poisson(expected), rng.poisson(raised))
        >>> found.gained.places, found.lost.places
        ([(10, 30)], [])
    """
    refuse_old_names(options)
    search = SearchOptions(k, **{**options, "triangle": "upper"})
    _check(rate, law, around, search)
    pair = pair_of(a, b, search)
    counts = _are_counts(pair, law)
    # the pair says itself what is missing, where its breaks are, and whether it is directed
    search = structs.replace(search, missing=None, breaks=None, directed=None, weight=None, unstored=pair.a.unstored)
    pooled = prepare_matrix(pair.pooled, search)
    maxima = search_matrix(pooled, search)
    side = (AROUND if search.mode == "ordered" else 1) if around is None else around
    windows = _Windows(pair, side, upper=pooled.undirected)
    others, candidates = _candidates(pooled, maxima, side, search)
    by_distance = search.mode == "ordered" and pooled.shape[0] == pooled.shape[1]
    if counts:
        found = _of_counts(windows, maxima, others, by_distance=by_distance, rate=rate)
    else:
        found = _of_values(windows, maxima, others, candidates=candidates)
    return Differences(
        rows=maxima.rows,
        columns=maxima.columns,
        names=maxima.names,
        values=(pair.a.values_at(maxima.rows, maxima.columns), pair.b.values_at(maxima.rows, maxima.columns)),
        are_maxima=(_found_in(pair.a, maxima, search), _found_in(pair.b, maxima, search)),
        rate=float(rate),
        side=side,
        mode=search.mode,
        dropped=maxima.dropped,
        **found,
    ).most_significant_first()


def _check(rate: float, law: str, around: int | None, search: SearchOptions) -> None:
    if not isinstance(rate, (int, float, np.number)) or not 0 < rate <= 1:
        raise InputError(f"rate must be a number above 0 and up to 1, not {rate!r}")
    if law not in get_args(Law):
        raise InputError(f"law must be one of {', '.join(get_args(Law))}, not {law!r}")
    for name in ("centroid", "node_attributes", "seriate"):
        if getattr(search, name):
            raise InputError(f"{name} = {getattr(search, name)!r} has no effect on differences: leave it out")
    if around is None:
        return
    if isinstance(around, bool) or not isinstance(around, (int, np.integer)) or around < 1 or around % 2 == 0:
        raise InputError(f"around must be an odd number of at least 1, not {around!r}")
    if search.mode == "graph" and around != 1:
        raise InputError(f"around = {around} needs an order, which a graph does not have: leave it out")


def _are_counts(pair: Pair, law: Law) -> bool:
    if law == "values" or (law == "auto" and not pair.are_counts()):
        if not pair.are_finite():
            raise InputError("a difference needs finite entries: replace infinite ones, or mark them as missing by NaN")
        return False
    if not pair.are_counts():
        found = "are not all whole" if pair.lowest() >= 0 else f"go down to {pair.lowest():g}"
        raise InputError(f"counts are whole numbers of at least 0, but these {found}: use law = 'values'")
    return True


class _Windows:
    """Two matrices, read over the windows around places."""

    def __init__(self, pair: Pair, side: int, *, upper: bool) -> None:
        self.pair, self.side, self.upper = pair, side, upper

    def sums(self, rows: Places, columns: Places) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
        """Return the sums around each place in either matrix, and the number of entries that these hold."""
        (first, counts), (second, _) = (
            window_sums(source, rows, columns, self.side, upper=self.upper) for source in (self.pair.a, self.pair.b)
        )
        return first, second, counts

    def squares(self, rows: Places, columns: Places) -> Floats:
        """Return the sum of the squared entries of the sum of both matrices around each place."""
        pooled = as_source(self.pair.pooled, unstored=self.pair.a.unstored, diagonal=self.pair.a.diagonal)
        wide = (pooled.matrix.tocsr() if pooled.sparse else pooled.matrix).astype(np.float64)
        squared = wide.multiply(wide).tocsr() if pooled.sparse else wide**2
        sums, _ = window_sums(replace(pooled, matrix=squared), rows, columns, self.side, upper=self.upper)
        return sums

    def means(self, rows: Places, columns: Places, *, alone: bool = False) -> Means:
        """Return the means around the places that have any entry, or of their entries alone."""
        windows = _Windows(self.pair, 1, upper=self.upper) if alone else self
        first, second, counts = windows.sums(rows, columns)
        known = counts > 0
        return Means(first[known] / counts[known], second[known] / counts[known], counts[known])


def _of_counts(
    windows: _Windows, maxima: Maxima, others: tuple[Places, Places], *, by_distance: bool, rate: float
) -> dict[str, Any]:
    """Test counts; return fields of :class:`Differences`."""
    places = (maxima.rows, maxima.columns)
    depth = depth_of(windows.pair.a, windows.pair.b, by_distance=by_distance, upper=windows.upper)
    first, second, _ = windows.sums(*others)
    apart = windows.pair.a.distances
    dispersion = dispersion_of(first, first + second, depth.at(apart(*others))[0], windows.squares(*others))
    share, variance = depth.at(apart(*places))
    first, second, _ = windows.sums(*places)
    total = np.maximum(first + second, 1)
    excess = dispersion * windows.squares(*places) / total + total * variance / (share * (1 - share))
    changes = count_changes(first, second, share, excess, rate=rate)
    return {"around": (first, second), **_fields(changes), "law": "counts", "depth": depth.ratio, "spread": dispersion}


def _of_values(windows: _Windows, maxima: Maxima, others: tuple[Places, Places], *, candidates: int) -> dict[str, Any]:
    """Test real values; return fields of :class:`Differences`."""
    places = (maxima.rows, maxima.columns)
    tested = windows.means(*places)
    alone = windows.means(*places, alone=True).joined(windows.means(*others, alone=True))
    changes = value_changes(tested, windows.means(*others), alone, candidates=candidates)
    return {"around": tested[:2], **_fields(changes), "law": "values", "depth": None, "spread": None}


def _fields(changes: Changes) -> dict[str, Any]:
    return {"p": changes.p, "q": with_rate(changes), "rise": changes.rise, "log_ratio": changes.log_ratio}


def _found_in(source: MatrixSource, maxima: Maxima, search: SearchOptions) -> npt.NDArray[np.bool_]:
    """Return which maxima of the sum are maxima of one of the two matrices, also where these are not its largest."""
    search = structs.replace(
        without_filters(search, "prominence", "merge", "top"), threshold=None
    )  # these are of the sum
    try:
        own = search_matrix(normalise(source, search.steps, search.mode), search)
    except InputError:  # a normalisation that refuses this matrix alone
        return np.zeros(len(maxima), dtype=np.bool_)
    width = source.shape[1]
    return np.isin(maxima.rows * width + maxima.columns, own.rows * width + own.columns)


def _candidates(
    source: MatrixSource, maxima: Maxima, side: int, search: SearchOptions
) -> tuple[tuple[Places, Places], int]:
    """Choose places whose windows hold no maximum, evenly at random, and count all places that may be maxima.

    These are the entries that are not 0, each pair of an undirected graph once.
    """
    searched = source.plain.edges() if search.mode == "graph" else source.plain
    n, m = source.shape
    share = MOST_OTHERS / max(1, searched.matrix.nnz if searched.sparse else n * m)
    rng, total, chosen = np.random.default_rng(0), 0, []
    for values, rows, columns in searched.measured():
        half = (values != 0) & ((rows <= columns) | (not source.undirected))
        total += int(half.sum())
        some = half & (rng.random(len(rows)) < share)
        chosen.append(rows[some] * m + columns[some])
    reach = np.arange(1 - side, side)
    near = ((maxima.rows[:, None, None] + reach[:, None]) * m + maxima.columns[:, None, None] + reach).ravel()
    keys = np.setdiff1d(np.concatenate(chosen), near)
    return (keys // m, keys % m), total
