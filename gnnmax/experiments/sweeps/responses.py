"""Responses of a sweep: curves over an axis, heat maps of two, break-even points, and which axis matters."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from gnnmax.errors import InputError, unknown_name

__all__ = ["BreakEven", "Cell", "HeatMap", "Observations", "break_even", "heat_map", "response", "variance_shares"]

MOST_VALUES = 10
"""Numbers that an axis may take on to be shown one by one; others are put into bins of equally many worlds."""

BINS = 8
MAP_BINS = 5
RESAMPLES = 1_000
CONFIDENCE = 0.95

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Observations:
    """One number for each place of a sweep and seed: the metric of a net, or the difference of two.

    Attributes:
        title: What is observed.
        values: Shape ``(N,)``.
        places: The values of each axis, by name; None where an observation does not depend on it.
        cluster: Number of the independent repetition of each observation, shape ``(N,)``: its world in a random sweep,
            else its seeds.
    """

    title: str
    values: Floats
    places: dict[str, list[Any]]
    cluster: Groups

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Cell:
    """A mean over the observations of one part of a sweep.

    Attributes:
        label: The value of the axis, or the ends of its bin.
        at: The number where it is drawn: the value or the median of the bin; the place in the list if it is no number.
        mean: Mean over repetitions; NaN without observations.
        low: Lower end of its 95 % interval; NaN with a single repetition.
        high: Upper end.
        repetitions: Number of independent repetitions.
    """

    label: str
    at: float
    mean: float
    low: float
    high: float
    repetitions: int


@dataclass(frozen=True)
class HeatMap:
    """Means over two axes.

    Attributes:
        first: Name of the axis of the rows.
        second: Name of the axis of the columns.
        cells: Rows of cells; their labels and places are those of the second axis.
        rows: Labels of the rows, with the places where they are drawn.
    """

    first: str
    second: str
    cells: list[list[Cell]]
    rows: list[tuple[str, float]]

    @property
    def means(self) -> Floats:
        """The means, shape ``(rows, columns)``; NaN where nothing was observed."""
        return np.array([[cell.mean for cell in row] for row in self.cells])


@dataclass(frozen=True)
class BreakEven:
    """Where the difference of two nets changes its sign along an axis.

    Attributes:
        axis: Name of the axis.
        points: Every crossing of the mean difference, with +1 where it rises above 0 and -1 where it falls below.
        low: Lower end of the 95 % interval of the first crossing; NaN if there is none.
        high: Upper end.
        share: Share of the resamples that cross at all.
    """

    axis: str
    points: list[tuple[float, int]]
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class _Parts:
    """The parts of an axis: labels, places, and the part of each observation, -1 for none."""

    labels: list[str]
    at: list[float]
    part: Groups
    numeric: bool


def _parts(observations: Observations, axis: str, *, most: int = BINS) -> _Parts:
    if axis not in observations.places:
        raise unknown_name("axis", axis, observations.places)
    values = observations.places[axis]
    known = [value for value in values if value is not None]
    numeric = bool(known) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in known)
    if not numeric:
        texts = [None if value is None else _text(value) for value in values]
        labels = list(dict.fromkeys(text for text in texts if text is not None))
        named = [-1 if text is None else labels.index(text) for text in texts]
        return _Parts(labels, [float(at) for at in range(len(labels))], np.array(named, np.intp), numeric=False)
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    distinct = np.unique(numbers[~np.isnan(numbers)])
    if len(distinct) <= MOST_VALUES:
        part = np.where(np.isnan(numbers), -1, np.searchsorted(distinct, numbers)).astype(np.intp)
        return _Parts([f"{value:.4g}" for value in distinct], distinct.tolist(), part, numeric=True)
    edges = np.unique(np.quantile(numbers[~np.isnan(numbers)], np.linspace(0, 1, most + 1)))
    part = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2).astype(np.intp)
    part[np.isnan(numbers)] = -1
    middles = [float(np.median(numbers[part == at])) for at in range(len(edges) - 1)]
    labels = [f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges)]
    return _Parts(labels, middles, part, numeric=True)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def response(observations: Observations, axis: str) -> list[Cell]:
    """Return the mean over each value of an axis, with intervals.

    Each repetition has the mean of its observations. The mean of these is taken, with Student's t interval over
    repetitions, for other worlds or seeds. An axis of many numbers is cut into bins of equally many worlds.

    Raises:
        InputError: an unknown axis.
    """
    parts = _parts(observations, axis)
    return [
        _cell(observations, parts.part == number, label, at)
        for number, (label, at) in enumerate(zip(parts.labels, parts.at, strict=True))
    ]


def _cell(observations: Observations, chosen: npt.NDArray[np.bool_], label: str, at: float) -> Cell:
    values, cluster = observations.values[chosen], observations.cluster[chosen]
    if not len(values):
        return Cell(label, at, np.nan, np.nan, np.nan, 0)
    _, group = np.unique(cluster, return_inverse=True)
    means = np.bincount(group, values) / np.bincount(group)
    mean, count = float(means.mean()), len(means)
    if count == 1:
        return Cell(label, at, mean, np.nan, np.nan, 1)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * means.std(ddof=1) / np.sqrt(count))
    return Cell(label, at, mean, mean - half, mean + half, count)


def heat_map(observations: Observations, first: str, second: str) -> HeatMap:
    """Return the means over two axes, with intervals as :func:`response` has them.

    Raises:
        InputError: an unknown axis, or one axis twice.
    """
    if first == second:
        raise InputError(f"a heat map has two axes, and {first} was given twice")
    rows, columns = (_parts(observations, axis, most=MAP_BINS) for axis in (first, second))
    cells = [
        [
            _cell(observations, (rows.part == row) & (columns.part == column), label, columns.at[column])
            for column, label in enumerate(columns.labels)
        ]
        for row in range(len(rows.labels))
    ]
    return HeatMap(first, second, cells, list(zip(rows.labels, rows.at, strict=True)))


def break_even(observations: Observations, axis: str) -> BreakEven | None:
    """Return where the mean difference of two nets changes its sign along an axis of numbers.

    Between the values, or the middles of bins, the mean is interpolated linearly. The interval resamples whole
    repetitions, with a fixed seed.

    Returns:
        None for an axis that holds no numbers.

    References:
        Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979.
    """
    parts = _parts(observations, axis)
    if not parts.numeric or len(parts.at) < 2:
        return None
    clusters = int(observations.cluster.max(initial=-1)) + 1
    inside = parts.part >= 0
    sums, counts = np.zeros((len(parts.at), clusters)), np.zeros((len(parts.at), clusters))
    np.add.at(sums, (parts.part[inside], observations.cluster[inside]), observations.values[inside])
    np.add.at(counts, (parts.part[inside], observations.cluster[inside]), 1.0)
    chosen = np.random.default_rng(0).multinomial(clusters, np.full(clusters, 1 / clusters), size=RESAMPLES)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(counts > 0, sums / counts, 0.0)
        weight = (counts > 0).astype(np.float64)
        curve = means.sum(axis=1) / weight.sum(axis=1)
        again = (chosen @ means.T) / (chosen @ weight.T)
    at = np.array(parts.at)
    points = _crossings(at, curve)
    first = [found[0][0] for found in (_crossings(at, one) for one in again) if found]
    low, high = np.quantile(first, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)).tolist() if first else (np.nan,) * 2
    return BreakEven(axis, points, float(low), float(high), len(first) / RESAMPLES)


def _crossings(at: Floats, curve: Floats) -> list[tuple[float, int]]:
    known = np.isfinite(curve)
    x, y = at[known], curve[known]
    found = []
    for left in np.flatnonzero(np.sign(y[:-1]) * np.sign(y[1:]) < 0):
        share = y[left] / (y[left] - y[left + 1])
        found.append((float(x[left] + share * (x[left + 1] - x[left])), 1 if y[left + 1] > 0 else -1))
    return found


def variance_shares(observations: Observations) -> dict[str, float]:
    """Return the share of the variance that each axis explains by itself, the largest first.

    It is the squared correlation ratio of a one-way analysis of variance, corrected for the number of parts, and at
    least 0. What is missing to 1 is the interplay of axes, the seeds, and noise.

    References:
        Kelley, "An unbiased correlation ratio measure", PNAS 21, 1935. Saltelli et al., "Global sensitivity analysis",
        2008, first-order indices.
    """
    found = {}
    for axis in observations.places:
        parts = _parts(observations, axis)
        inside = parts.part >= 0
        values, part = observations.values[inside], parts.part[inside]
        used = np.unique(part)
        if len(used) < 2 or len(values) <= len(used):
            continue
        total = float(((values - values.mean()) ** 2).sum())
        within = sum(float(((own - own.mean()) ** 2).sum()) for own in (values[part == each] for each in used))
        if total <= 0:
            found[axis] = 0.0
            continue
        error = within / (len(values) - len(used))
        found[axis] = min(max((total - within - (len(used) - 1) * error) / total, 0.0), 1.0)
    return dict(sorted(found.items(), key=lambda item: -item[1]))
