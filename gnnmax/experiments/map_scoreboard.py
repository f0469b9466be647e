"""Evaluation of nets and explicit rules on the same maps, as records for the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from gnnmax.data.maps.ceilings import ceilings_of
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.imported import MapFacts
from gnnmax.data.maps.places import top_places
from gnnmax.data.maps.recipe import MapSpec
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.evaluation.peaks.peak_comparison import PeakComparison, PeakDifference
from gnnmax.evaluation.peaks.peak_evaluator import evaluate_peaks
from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS
from gnnmax.evaluation.peaks.peak_verdict import PeakVerdict
from gnnmax.experiments.comparison_spec import Measured
from gnnmax.experiments.map_results import MapPicture, MapSplitResult
from gnnmax.task.map_posterior import PlaceCeiling
from gnnmax.task.maps import Maps
from gnnmax.task.peaks import Peaks

__all__ = [
    "TOLERANCE",
    "best_possible",
    "calls_of",
    "evaluate_map_split",
    "log_shares",
    "measured_calls",
    "separation_of",
]

Scores = npt.NDArray[Any]

TOLERANCE = 1
"""Largest distance along the host of a call from the peak that it finds."""

LEAST_CALLS = 10
"""Ranked calls of a map; twice as many as the most peaks of a map, if that is more."""

SHOWN_MAPS = 6
SHOWN_SIDE = 96
"""Rows and columns of a picture, at most."""

SHOWN_RULES = ("posterior", "matched_filter", "neighbours", "argmax")
"""Rules whose calls are drawn, the first of them that is there."""


def separation_of(spec: MapSpec | MapFacts) -> int:
    """Return the least distance along the host between two calls of a map: the best of each neighbourhood is kept.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> separation_of(load_recipe("line-64").map), separation_of(load_recipe("peaks-128").map)
        (3, 6)
    """
    return max(spec.separation, 2 * TOLERANCE + 1)


def log_shares(scores: Scores, maps: Maps) -> Scores:
    """Return the logarithm of the share that the softmax of scores gives to each place of its map.

    It is the probability of the place, for a net that was trained on maps of one peak. Maps are then comparable.

    Args:
        scores: Shape ``(M, n, m)``, minus infinity where there is no place.
        maps: The maps.

    Example:
        >>> maps = Maps.from_values(np.zeros((2, 2)), structure="directed")
        >>> log_shares(maps.values, maps).round(3).tolist()
        [[[-1.386, -1.386], [-1.386, -1.386]]]
    """
    above = np.triu(np.ones(scores.shape[1:], dtype=np.bool_), 1)
    places = np.where(above, scores, -np.inf) if maps.structure == "symmetric" else scores
    total = logsumexp(places.reshape(len(scores), -1).astype(np.float64), axis=1)
    return np.asarray(scores - total[:, None, None], dtype=np.float64)


def calls_of(scores: Scores, maps: Maps, *, separation: int) -> Peaks:
    """Return the ranked calls of every map, the best of each neighbourhood along the host.

    Args:
        scores: Shape ``(M, n, m)``.
        maps: The maps.
        separation: See :func:`separation_of`.
    """
    most = max(LEAST_CALLS, 2 * int(maps.peak_count.max(initial=0)))
    return top_places(np.asarray(scores, dtype=np.float64), maps, most, separation=separation)


def evaluate_map_split(
    data: MapSet,
    calls: Mapping[str, Sequence[Peaks]],
    *,
    split: str = "test",
    trained: bool,
    diverged: Mapping[str, str] | None = None,
) -> MapSplitResult:
    """Evaluate the calls of nets, and the explicit rules, on a split of maps.

    Calls are matched to peaks along the host. Precision, recall, F1, distances of matched calls and the slices are of
    as many calls as each map has peaks, the best ones; average precision, recall at a false-discovery rate, FROC and
    what is found by the best call, of all ranked calls.

    Args:
        data: With that split.
        calls: For each net its ranked calls, as :func:`calls_of` returns them, one for each seed.
        split: Its name.
        trained: Whether the nets were trained on other maps of the very same distribution.
        diverged: Nets without calls because their training diverged, with the seeds and the steps.

    Raises:
        InputError: no such split, or one without a peak.
    """
    maps, recipe = data.split(split), data.recipe
    spec = recipe.of(split).map
    separation = separation_of(spec)
    rules = {name: rule for name, rule in MAP_RULES.items() if rule.applies(maps)}
    ranked = {name: list(seeds) for name, seeds in calls.items()}
    ranked |= {name: [calls_of(rule(maps), maps, separation=separation)] for name, rule in rules.items()}
    ceilings = ceilings_of(recipe, split)
    verdicts, differences = _compared(ranked, maps, best_possible(ceilings))
    return MapSplitResult(
        name=recipe.name if split == "test" else f"{recipe.name}/{split}",
        summary=recipe.summary,
        trained=trained,
        structure=maps.structure,
        order=spec.order,
        rows=spec.rows,
        maps=len(maps),
        peaks=len(maps.peaks),
        separation=separation,
        ceilings=list(ceilings),
        verdicts=verdicts,
        differences=[pair for pair in differences if {pair.first, pair.second} & set(calls)],
        nets=list(calls),
        knowing=[name for name, rule in rules.items() if rule.knows],
        gallery=_gallery(maps, ranked, list(calls)),
        diverged=dict(diverged or {}),
    )


def measured_calls(calls: Peaks, data: MapSet, split: str) -> Measured:
    """Return the metrics of the ranked calls of one net on a split, without intervals; no ceiling is computed."""
    verdicts, _ = _compared({"net": [calls]}, data.split(split), {})
    return Measured(dict(verdicts["net"].metrics), None)


def _compared(
    ranked: Mapping[str, list[Peaks]], maps: Maps, ceiling: Mapping[str, float]
) -> tuple[dict[str, PeakVerdict], list[PeakDifference]]:
    """Evaluate ranked calls, and as many as peaks; join the metrics of both."""
    counted = {name: [_best(seed, maps.peak_count) for seed in seeds] for name, seeds in ranked.items()}
    by_rank, by_count = (_evaluated(each, maps, ceiling) for each in (ranked, counted))
    verdicts = {name: _joined(verdict, by_count.verdicts[name]) for name, verdict in by_rank.verdicts.items()}
    differences = [
        pair
        for found, of_calls in ((by_count, True), (by_rank, False))
        for pair in found.differences
        if PEAK_METRICS[pair.metric].headline and (PEAK_METRICS[pair.metric].needs == "calls") == of_calls
    ]
    return verdicts, differences


def _evaluated(calls: Mapping[str, list[Peaks]], maps: Maps, ceiling: Mapping[str, float]) -> PeakComparison:
    along = {name: [maps.along_host(seed) for seed in seeds] for name, seeds in calls.items()}
    return evaluate_peaks(
        along,
        maps.along_host(),
        TOLERANCE,
        maps=len(maps),
        shape=maps.size,
        symmetric=maps.structure == "symmetric",
        ceiling=dict(ceiling),
    )


def _joined(ranked: PeakVerdict, counted: PeakVerdict) -> PeakVerdict:
    """Take the metrics of calls and the slices from one verdict, the others from another."""
    of_calls = {name for name, metric in PEAK_METRICS.items() if metric.needs == "calls"}

    def merged(field: str) -> dict[str, Any]:
        one, two = getattr(counted, field), getattr(ranked, field)
        return {
            name: (one if name in of_calls else two)[name]
            for name in PEAK_METRICS
            if name in (one if name in of_calls else two)
        }

    fields: dict[str, Any] = {field: merged(field) for field in ("metrics", "intervals", "reasons", "by_seed")}
    return dataclasses.replace(ranked, **fields, slices=counted.slices)


def _best(calls: Peaks, count: npt.NDArray[np.int64]) -> Peaks:
    """Keep the best calls of each map, as many as it has peaks; the calls of a map are in order."""
    start = np.searchsorted(calls.map, calls.map)  # calls lie map by map
    kept = np.arange(len(calls)) - start < count[calls.map]
    return Peaks(calls.map[kept], calls.row[kept], calls.column[kept], calls.amplitude[kept])


def best_possible(ceilings: Sequence[PlaceCeiling]) -> dict[str, float]:
    """Return the best possible values by metric: means over the amplitudes, all equally likely."""
    if not ceilings:
        return {}
    found = float(np.mean([one.found for one in ceilings]))
    near = [one.within_one for one in ceilings if one.within_one is not None]
    within = float(np.mean(near)) if len(near) == len(ceilings) else None
    if ceilings[0].basis == "matched filter, order known":
        return {} if within is None else {"recall": within}
    return {"found_exactly": found} if within is None else {"found_exactly": found, "found_within": within}


def _gallery(maps: Maps, ranked: Mapping[str, list[Peaks]], nets: Sequence[str]) -> list[MapPicture]:
    """Choose some maps, spread over the split, with the calls of every net and of one rule."""
    rule = next((name for name in SHOWN_RULES if name in ranked), None)
    shown = [*nets, *([rule] if rule is not None else [])]
    best = {name: _best(ranked[name][0], maps.peak_count) for name in shown}
    chosen = np.unique(np.linspace(0, len(maps) - 1, min(SHOWN_MAPS, len(maps))).astype(np.intp))
    return [_picture(maps, index, best) for index in chosen.tolist()]


def _picture(maps: Maps, index: int, calls: Mapping[str, Peaks]) -> MapPicture:
    """Draw one map along its host; of a large one, the part around the first peak."""
    rows, columns = maps.size[index].tolist()
    order = np.argsort(maps.row_place[index, :rows]), np.argsort(maps.column_place[index, :columns])
    values = maps.values[index][np.ix_(*order)]
    true = maps.along_host()
    peaks = true.places[true.map == index, 1:]
    middle = peaks[0] if len(peaks) else np.array([rows // 2, columns // 2])
    first = [
        int(np.clip(at - SHOWN_SIDE // 2, 0, max(0, side - SHOWN_SIDE)))
        for at, side in zip(middle, (rows, columns), strict=True)
    ]
    part = values[first[0] : first[0] + SHOWN_SIDE, first[1] : first[1] + SHOWN_SIDE]
    return MapPicture(
        map=index,
        first=(first[0], first[1]),
        values=[[None if np.isnan(v) else float(f"{v:.3g}") for v in row] for row in part.tolist()],
        peaks=[(int(row), int(column)) for row, column in peaks],
        calls={
            name: [(int(row), int(column)) for _, row, column in maps.along_host(_of_map(each, index)).places]
            for name, each in calls.items()
        },
    )


def _of_map(calls: Peaks, index: int) -> Peaks:
    own = calls.map == index
    return Peaks(calls.map[own], calls.row[own], calls.column[own], calls.amplitude[own])
