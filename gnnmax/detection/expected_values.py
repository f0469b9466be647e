"""What entries are expected to be from their distance, row and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.storage import Places

__all__ = ["Entries", "Expected", "distance_classes", "expected_of", "scatter_of"]

ROUNDS = 5
"""Number of rounds of a fit: each row, column and class is brought in line with what was measured there."""

LEAST = 64
"""Neighbouring distances are joined to classes of at least this many entries."""

PART = 2**16
"""Entries that are summed together: their numbers stay in the cache."""

Floats = npt.NDArray[np.float64]

Axes = list[tuple[str, ...]]
"""Names of the fields of entries whose groups have factors; several names share them."""


class Entries(NamedTuple):
    """Measured entries: of an undirected matrix each pair once. Places may be integers of 32 bits."""

    values: Floats
    rows: Places
    columns: Places
    group: Places

    def parts(self) -> Iterator[Entries]:
        """Yield some entries at a time."""
        for start in range(0, len(self.values), PART):
            some = slice(start, start + PART)
            rows, columns, group = (part[some].astype(np.intp, copy=False) for part in self[1:])
            yield Entries(self.values[some], rows, columns, group)


@dataclass(frozen=True, eq=False)
class Expected:
    """A product of three factors, or a sum of three terms: of the class of distances, of the row and of the column.

    Attributes:
        classes: The factor or the term of each class.
        rows: That of each row.
        columns: That of each column; of an undirected matrix, the same array.
        additive: Whether they are terms of a sum.
        tier: Which of several factors of a row or a column each class has: ``rows`` and ``columns`` then have a line
            for each tier. None: one factor for all classes.
    """

    classes: Floats
    rows: Floats
    columns: Floats
    additive: bool
    tier: Places | None = None

    def at(self, group: Places, rows: Places, columns: Places) -> Floats:
        """Return what is expected of entries with these classes, rows and columns, shapes that broadcast."""
        tier = () if self.tier is None else (self.tier[group],)
        of_rows, of_columns = self.rows[(*tier, rows)], self.columns[(*tier, columns)]
        if self.additive:
            return np.asarray(self.classes[group] + of_rows + of_columns)
        return np.asarray(self.classes[group] * of_rows * of_columns)

    def of(self, entries: Entries) -> Floats:
        """Return what is expected of each of some entries."""
        expected, done = np.empty(len(entries.values)), 0
        for part in entries.parts():
            expected[done : done + len(part.values)] = self.at(part.group, part.rows, part.columns)
            done += len(part.values)
        return expected


def distance_classes(distances: Places, most: int) -> Places:
    """Return the class of each distance up to the largest: neighbouring distances, until there are enough entries.

    Args:
        distances: The distance of each measured entry.
        most: The largest distance there may be; it has a class of its own, as it stands for entries across breaks.

    Example:
        >>> distance_classes(np.repeat([0, 1, 2, 3], [70, 40, 30, 9]), 4)
        array([0, 1, 1, 1, 2])
    """
    counts = np.bincount(distances, minlength=most + 1)[:most]
    classes, enough, last = np.zeros(most + 1, dtype=np.intp), 0, 0
    starts = [0]
    for distance, count in enumerate(counts.tolist()):
        if enough >= LEAST:
            last, enough = last + 1, 0
            starts.append(distance)
        classes[distance] = last
        enough += count
    if enough < LEAST and last:
        classes[starts[-1] : most] -= 1
        last -= 1
    classes[most] = last + 1
    return classes


def expected_of(
    entries: Entries, shape: tuple[int, int], *, undirected: bool, additive: bool, classes: int = 1
) -> Expected:
    """Fit factors, or terms of a sum, so that each class, row and column has the expected total that it has measured.

    Args:
        entries: The measured entries.
        shape: Rows and columns of the matrix.
        undirected: Whether rows and columns are the same nodes, with one factor each.
        additive: Whether terms are added; else values have to be 0 or above.
        classes: Least number of classes: one without entries is neutral.

    References:
        Deming and Stephan, "On a least squares adjustment of a sampled frequency table when the expected marginal
        totals are known", Annals of Mathematical Statistics, 1940: proportional fitting, in turn.

    Example:
        >>> rows, columns = np.triu_indices(4)
        >>> bias = np.array([1.0, 2.0, 1.0, 4.0])
        >>> entries = Entries(bias[rows] * bias[columns], rows, columns, np.zeros(10, dtype=int))
        >>> found = expected_of(entries, (4, 4), undirected=True, additive=False)
        >>> bool(np.allclose(found.at(entries.group, rows, columns), entries.values, rtol=0.1))
        True
    """
    neutral = 0.0 if additive else 1.0
    lengths, axes = _axes(entries, shape, undirected=undirected, classes=classes)
    factors = {axis: np.full(lengths[axis[0]], neutral) for axis in axes}
    measured = {axis: _totals(entries, lengths, axis, lambda part: part.values) for axis in axes}
    ones = {axis: _totals(entries, lengths, axis, lambda part: np.ones(len(part.values))) for axis in axes if additive}

    def expected() -> Expected:
        return _product(factors, axes, additive=additive)

    for axis in axes * ROUNDS + axes[:1]:
        share = 1 / len(axis)
        wanted = _totals(entries, lengths, axis, lambda part: expected().at(part.group, part.rows, part.columns))
        if additive:
            factors[axis] = factors[axis] + share * (measured[axis] - wanted) / np.maximum(ones[axis], 1)
        else:
            ratio = np.divide(measured[axis], wanted, out=np.ones(len(wanted)), where=wanted > 0)
            factors[axis] = factors[axis] * ratio**share
    return expected()


def scatter_of(entries: Entries, shape: tuple[int, int], *, undirected: bool, classes: int = 1) -> Expected:
    """Fit factors of squared deviations, in two tiers: classes that scatter evenly, and those that hold structure.

    Near the diagonal the borders of domains are fitted badly, and deviations there are structure. They would make their
    rows look noisy at all distances, and all other rows quiet. So rows and columns have factors of their own where the
    mean of a class is far above that of the median entry, in most pieces of the diagonal. In one or two it may be
    that of a peak: with factors of their own, its rows would look noisy, and the higher it is, the less it would stand
    out.

    Args:
        entries: The measured entries, with squared deviations as values.
        shape: Rows and columns of the matrix.
        undirected: Whether rows and columns are the same nodes, with one factor each.
        classes: Least number of classes: one without entries is neutral.

    Example:
        >>> rows, columns = np.triu_indices(40, 1)
        >>> near = columns - rows < 9
        >>> squares = np.where(near & (rows == 20), 50.0, 1.0)  # a border near the diagonal, even noise elsewhere
        >>> entries = Entries(squares, rows, columns, np.where(near, 0, 1))
        >>> totals = expected_of(entries, (40, 40), undirected=True, additive=False)
        >>> tiers = scatter_of(entries, (40, 40), undirected=True)
        >>> [float(found.at(1, 20, 35).round(1)) for found in (totals, tiers)]
        [6.0, 2.4]
    """
    lengths, axes = _axes(entries, shape, undirected=undirected, classes=classes)
    means, middle = _class_means(entries, lengths)
    weights = np.divide(middle, means, out=np.ones(len(means)), where=means > middle) ** 2
    even = _even_scatter(entries, lengths, axes, weights)
    structured = (means > STRUCTURED * middle) & _in_most_pieces(entries, len(means), STRUCTURED * middle)
    if not structured.any():
        return even
    kept = structured[entries.group]
    rest = Entries(entries.values[kept], entries.rows[kept], entries.columns[kept], entries.group[kept])
    wanted = even.of(rest)
    rest = rest._replace(values=np.divide(rest.values, wanted, out=np.ones(len(wanted)), where=wanted > 0))
    more = expected_of(rest, shape, undirected=undirected, additive=False, classes=lengths["group"])
    rows = np.stack([even.rows, even.rows * more.rows])
    columns = rows if undirected else np.stack([even.columns, even.columns * more.columns])
    return Expected(even.classes * more.classes, rows, columns, additive=False, tier=structured.astype(np.intp))


PIECES = 8
"""Pieces of the diagonal in which means of classes are compared: a peak lies in one or two."""

STRUCTURED = 1.5
"""Ratio of the mean of a class to that of the median entry from which on its rows have factors of their own."""


def _even_scatter(entries: Entries, lengths: dict[str, int], axes: Axes, weights: Floats) -> Expected:
    """Fit factors so that the ratios to them have mean 1 in each class, row and column.

    Ratios are averaged, not totals divided, because squares scatter in proportion to what is expected of them.

    Args:
        entries: Squared deviations.
        lengths: The number of classes, rows and columns.
        axes: Which of them have factors of their own.
        weights: The weight of the entries of each class.

    References:
        Smyth, "Generalized linear models with varying dispersion", Journal of the Royal Statistical Society B, 1989:
        squared deviations are fitted as gamma variables.
    """
    factors = {axis: np.ones(lengths[axis[0]]) for axis in axes}
    known = {axis: _totals(entries, lengths, axis, lambda part: weights[part.group]) for axis in axes}

    def ratios(part: Entries) -> Floats:
        wanted = _product(factors, axes).at(part.group, part.rows, part.columns)
        return weights[part.group] * np.divide(part.values, wanted, out=np.ones(len(wanted)), where=wanted > 0)

    for axis in axes * ROUNDS + axes[:1]:
        total = _totals(entries, lengths, axis, ratios)
        mean = np.divide(total, known[axis], out=np.ones(len(total)), where=known[axis] > 0)
        factors[axis] = factors[axis] * mean ** (1 / len(axis))
    return _product(factors, axes)


def _in_most_pieces(entries: Entries, classes: int, least: float) -> npt.NDArray[np.bool_]:
    """Return which classes have a mean above a number in most of the pieces of the diagonal that they reach."""
    last = int(entries.rows.max(initial=0)) + 1
    first = int(entries.rows.min(initial=last))
    totals, counts = np.zeros((2, classes * PIECES))
    for part in entries.parts():
        piece = part.group * PIECES + (part.rows - first) * PIECES // max(last - first, 1)
        totals += np.bincount(piece, part.values, minlength=len(totals))
        counts += np.bincount(piece, minlength=len(counts))
    above, known = (flags.reshape(classes, PIECES).sum(axis=1) for flags in (totals > least * counts, counts > 0))
    return np.asarray(2 * above > known)


def _class_means(entries: Entries, lengths: dict[str, int]) -> tuple[Floats, float]:
    """Return the mean of each class, and that of the class of the median entry."""
    counts = _totals(entries, lengths, ("group",), lambda part: np.ones(len(part.values)))
    means = _totals(entries, lengths, ("group",), lambda part: part.values) / np.maximum(counts, 1)
    order = np.argsort(means)
    return means, float(means[order][np.searchsorted(np.cumsum(counts[order]), counts.sum() / 2)])


def _axes(entries: Entries, shape: tuple[int, int], *, undirected: bool, classes: int) -> tuple[dict[str, int], Axes]:
    """Return the number of classes, rows and columns, and which of them have factors of their own."""
    lengths = {"group": max(classes, int(entries.group.max(initial=0)) + 1), "rows": shape[0], "columns": shape[1]}
    return lengths, [("group",), ("rows", "columns")] if undirected else [("group",), ("rows",), ("columns",)]


def _product(factors: dict[tuple[str, ...], Floats], axes: Axes, *, additive: bool = False) -> Expected:
    return Expected(factors[axes[0]], factors[axes[1]], factors[axes[-1]], additive)


def _totals(
    entries: Entries, lengths: dict[str, int], axis: tuple[str, ...], of: Callable[[Entries], Floats]
) -> Floats:
    """Sum numbers of the entries over each class, over each row or each column, or over each node."""
    total = np.zeros(lengths[axis[0]])
    for part in entries.parts():
        numbers = of(part)
        for name in axis:
            labels: Places = getattr(part, name)
            least = int(labels.min())
            sums = np.bincount(labels - least, numbers)
            total[least : least + len(sums)] += sums
    return total
