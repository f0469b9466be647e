"""Evaluate calls: the places that a detector names, against the peaks that are there, one to one.

No detector is needed: bring lists of places, with scores or without, from any program. Nothing is guessed, nothing is
dropped silently, and every metric has an interval over maps.

Calls and peaks of a map are matched one to one within the tolerance: as many pairs as possible, and of these the least
total distance (the Hungarian method). Two calls at one peak are one right call and one false. Where several matchings
are as good, one is taken that does not depend on the order of the calls; every metric but the recall on slices is the
same for all of them.

The curves (average precision, FROC, recall at a false-discovery rate) go from the highest score down. At each threshold
as many peaks count as found as the largest matching of the calls above it has: matches are moved along augmenting
paths, never lost. So recall never falls, at any threshold the curve gives the number of pairs that the Hungarian method
finds, and calls of equal score enter together.

Intervals and tests are for other maps of the same kind: each map in turn is left out, see
:mod:`gnnmax.evaluation.jackknife`. From a single map nothing follows about others, and the verdict says so.

Cost: a tree of the peaks; 100,000 calls take one to two seconds. In hops every call is compared with every peak of its
map.

References:
    H. W. Kuhn, "The Hungarian method for the assignment problem", Naval Research Logistics Quarterly 2, 1955.
    T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014, matches greedily by score instead, which
    may find fewer peaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack, overload

import numpy as np

from gnnmax.errors import InputError, unknown_name
from gnnmax.evaluation.peaks.ground_truth import GroundTruth
from gnnmax.evaluation.peaks.matched_calls import MatchedCalls, PeakSet
from gnnmax.evaluation.peaks.peak_assembly import peak_verdict_of
from gnnmax.evaluation.peaks.peak_comparison import PeakComparison, peak_differences
from gnnmax.evaluation.peaks.peak_options import PeakOptions
from gnnmax.evaluation.peaks.peak_verdict import PeakVerdict
from gnnmax.evaluation.peaks.place_columns import PlaceColumns, read_places
from gnnmax.evaluation.peaks.place_distance import PlaceMetric
from gnnmax.evaluation.peaks.scored_caller import ScoredCaller, Units
from gnnmax.io.place_tables import INDEX_LAYOUTS

__all__ = ["evaluate_peaks"]

Roles = Mapping[str, str]


class PeakKeywords(TypedDict, total=False):
    """The keywords of :func:`evaluate_peaks`, for type checkers: a mapping of callers gives a comparison."""

    maps: int | Sequence[Any] | None
    shape: Any
    threshold: float | None
    metric: PlaceMetric
    distance: Any
    symmetric: bool | None
    columns: Mapping[str, Any] | None
    truth_columns: Roles | None
    resolution: int | None
    duplicates: Literal["refuse", "best"]
    fdr: float
    ceiling: Mapping[str, float] | None
    groups: Any
    bins: Mapping[str, Any] | None
    resamples: int
    confidence: float
    rng: np.random.Generator | None


@overload
def evaluate_peaks(
    found: Mapping[str, Any], truth: Any, tolerance: float = 1, **options: Unpack[PeakKeywords]
) -> PeakComparison: ...
@overload
def evaluate_peaks(found: Any, truth: Any, tolerance: float = 1, **options: Unpack[PeakKeywords]) -> PeakVerdict: ...
def evaluate_peaks(
    found: Any,
    truth: Any,
    tolerance: float = 1,
    *,
    maps: int | Sequence[Any] | None = None,
    shape: Any = None,
    threshold: float | None = None,
    metric: PlaceMetric = "chebyshev",
    distance: Any = None,
    symmetric: bool | None = None,
    columns: Mapping[str, Any] | None = None,
    truth_columns: Roles | None = None,
    resolution: int | None = None,
    duplicates: Literal["refuse", "best"] = "refuse",
    fdr: float = 0.1,
    ceiling: Mapping[str, float] | None = None,
    groups: Any = None,
    bins: Mapping[str, Any] | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> PeakVerdict | PeakComparison:
    """Evaluate the calls of one detector, or compare several on the same maps.

    A call is right where it is matched to a peak of its map within the tolerance; how calls are matched, and what the
    curves and the intervals are, stands in :mod:`gnnmax.evaluation.peaks.peak_evaluator`.

    Args:
        found: Calls: an array of columns (map, row, column) or (map, row, column, score), or (row, column) of a single
            map; a structured array; a data frame; maxima as from :func:`gnnmax.find_maxima`; an object with attributes
            of these names; see :func:`gnnmax.evaluation.peaks.place_columns.read_places`. A higher score is better.
            Or a mapping of names to such calls, which are compared; a list of them is one caller with several seeds.
        truth: Peaks, likewise, with an ``amplitude`` in place of a score; or whole maps with ``peaks``, which state
            their number, their sizes and their symmetry.
        tolerance: Largest distance of a matched call, 0 or more.
        maps: Number of maps, numbered from 0, or their numbers or names; None takes those that have a peak. A map
            without peaks counts its false calls.
        shape: Side of square maps, or (rows, columns), or one such pair for each map ``(M, 2)``: a place outside is
            refused. None where not known.
        threshold: Calls with a score strictly above it count in precision, recall and F1; None counts all.
        metric: How distances in rows and in columns are combined: ``chebyshev`` (the larger), ``euclidean`` or
            ``manhattan``.
        distance: In graphs, distances between nodes in hops in place of rows and columns: ``(n, n)``, a list or array
            ``(M, n, n)`` with one for each map, or a callable ``(map, first, second)``, the number of a map and two
            arrays of nodes ``(K,)``, to distances ``(K,)``.
        symmetric: Whether (i, j) and (j, i) are one place, as in an undirected graph; None takes what whole maps state,
            else False.
        columns: Names of columns of the calls by role, ``{"row": "y", "column": "x", "score": "-FDR"}``, a minus where
            the lowest score is best; or such a mapping for each caller by its name.
        truth_columns: The same of the truth.
        resolution: Base pairs of a bin, for places in base pairs (BEDPE, Juicer, mustache).
        duplicates: ``refuse`` a place that is called twice, or keep the ``best``; the verdict then says how many.
        fdr: Largest share of false calls of ``recall_at_fdr``.
        ceiling: Best possible values, by metric; the verdict gives the gaps.
        groups: More slices: names of columns of the truth, or names to arrays with one entry for each peak.
        bins: Of slices by a real number: a number of quantile bins or edges, ``{"amplitude": [1, 2, 4]}``.
        resamples: How often the metrics are computed again at most, each time without one map or one batch of maps.
        confidence: Of the intervals, between 0 and 1.
        rng: Draws the batches of maps; None takes a fresh ``default_rng(0)``.

    Returns:
        The verdict; of several callers the comparison, with the difference of every metric for each pair.

    Raises:
        InputError: no peak at all; places outside the shape, of maps that the truth does not have, or twice; scores
            that are NaN; a threshold without scores; unknown columns; an impossible option.

    Example:
        >>> truth = np.array([[0, 3, 4], [1, 7, 9]])
        >>> calls = np.array([[0, 3, 5, 0.9], [1, 2, 2, 0.8], [1, 7, 9, 0.7]])
        >>> verdict = evaluate_peaks(calls, truth, tolerance=1)
        >>> verdict.recall, round(verdict.precision, 3), round(verdict.average_precision, 3), verdict.found_within
        (1.0, 0.667, 0.833, 0.5)
        >>> print(evaluate_peaks({"mine": calls, "exact": truth}, truth).sentences("recall")[0])
        no significant difference between mine and exact in recall: 0.000 [-0.776, 0.776], p = 1
    """
    options = PeakOptions(tolerance, threshold, fdr, ceiling, resolution, duplicates, resamples, confidence, rng)
    ground = GroundTruth.of(truth, options, maps=maps, shape=shape, symmetric=symmetric, columns=truth_columns)
    data, parts = ground.peak_set(metric, distance, tolerance), ground.slices(groups, bins, ordered=distance is None)
    units = Units.of(data.maps, options)
    given, callers = _callers(found), {}
    roles = _columns_of(columns, list(given))
    for name, calls in given.items():
        seeds = _matched_seeds(ground, data, calls, name=name, columns=roles[name], options=options)
        callers[name] = ScoredCaller(data, seeds, units, fdr=fdr)
    _check_seeds(callers)
    verdicts = {name: peak_verdict_of(data, caller, parts, options=options) for name, caller in callers.items()}
    one = not isinstance(found, Mapping)
    return verdicts[""] if one else PeakComparison(verdicts, peak_differences(callers, float(confidence)))


def _callers(found: Any) -> Mapping[str, Any]:
    """Return calls by name; one caller alone has no name."""
    if not isinstance(found, Mapping):
        return {"": found}
    if not found or not all(isinstance(name, str) for name in found):
        raise InputError(f"found must map names to calls, at least one, not {list(found)!r:.40}: {{'mine': calls}}")
    if any(row in found and column in found for row, column in INDEX_LAYOUTS):
        raise InputError("found maps names of columns: name the caller that they are of, {'mine': columns}")
    return found


def _columns_of(columns: Any, names: list[str]) -> dict[str, Roles | None]:
    """Return the columns of each caller: the same of all, or those under its name."""
    if columns is not None and not isinstance(columns, Mapping):
        raise InputError(f"columns must map roles to names of columns, not {columns!r:.40}: {{'score': 'q'}}")
    if columns is None or not any(isinstance(each, Mapping) for each in columns.values()):
        return dict.fromkeys(names, columns)
    unknown = [name for name in columns if name not in names]
    if unknown:
        raise unknown_name("caller in columns", str(unknown[0]), names)
    return {name: columns.get(name) for name in names}


def _matched_seeds(
    ground: GroundTruth, data: PeakSet, given: Any, *, name: str, columns: Roles | None, options: PeakOptions
) -> list[MatchedCalls]:
    """Read and match the calls of each seed of a caller."""
    what = f"the calls of {name!r}" if name else "the calls"
    lists = [ground.number(each, what) for each in _read_seeds(given, what, columns=columns, options=options)]
    return [MatchedCalls.of(each, data, options.threshold) for each in lists]


def _read_seeds(given: Any, what: str, *, columns: Roles | None, options: PeakOptions) -> list[PlaceColumns]:
    """Read the calls of each seed."""
    several = isinstance(given, (list, tuple)) and len(given) > 0 and all(_is_list_of_places(each) for each in given)
    seeds = [
        read_places(each, f"{what}, seed {place}" if several else what, columns=columns, resolution=options.resolution)
        for place, each in enumerate(given if several else [given])
    ]
    if options.threshold is not None and any(each.score is None and len(each.row) for each in seeds):
        raise InputError(f"a threshold needs scores, and {what} have none: leave it out, or name their column")
    if len({each.score is None for each in seeds if len(each.row)}) > 1:
        raise InputError(f"there are scores in some seeds only of {what}: give scores in all, or in none")
    return seeds


def _is_list_of_places(given: Any) -> bool:
    return (
        isinstance(given, Mapping)
        or hasattr(given, "columns")
        or getattr(given, "ndim", 1) == 2
        or hasattr(given, "column")
    )


def _check_seeds(callers: Mapping[str, ScoredCaller]) -> None:
    counts = {len(caller.seeds) for caller in callers.values()} - {1}
    if len(counts) > 1:
        found = ", ".join(f"{name} {len(caller.seeds)}" for name, caller in callers.items())
        raise InputError(
            f"seeds are paired, and these callers have different numbers of them ({found}): give each one number"
        )
