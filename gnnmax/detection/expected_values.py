"""What entries are expected to be from their distance, row and column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.storage import Places

__all__ = ["Entries", "Expected", "distance_classes", "expected_of"]

ROUNDS = 5
"""Number of rounds of a fit: each row, column and class is brought in line with what was measured there."""

LEAST = 64
"""Neighbouring distances are joined to classes of at least this many entries."""

Floats = npt.NDArray[np.float64]


class Entries(NamedTuple):
    """Measured entries: of an undirected matrix each pair once."""

    values: Floats
    rows: Places
    columns: Places
    group: Places


@dataclass(frozen=True, eq=False)
class Expected:
    """A product of three factors, or a sum of three terms: of the class of distances, of the row and of the column.

    Attributes:
        classes: The factor or the term of each class.
        rows: That of each row.
        columns: That of each column; of an undirected matrix, the same array.
        additive: Whether they are terms of a sum.
    """

    classes: Floats
    rows: Floats
    columns: Floats
    additive: bool

    def at(self, group: Places, rows: Places, columns: Places) -> Floats:
        """Return what is expected of entries with these classes, rows and columns, shapes that broadcast."""
        if self.additive:
            return np.asarray(self.classes[group] + self.rows[rows] + self.columns[columns])
        return np.asarray(self.classes[group] * self.rows[rows] * self.columns[columns])


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


def expected_of(entries: Entries, shape: tuple[int, int], *, undirected: bool, additive: bool) -> Expected:
    """Fit factors, or terms of a sum, so that each class, row and column has the expected total that it has measured.

    Args:
        entries: The measured entries.
        shape: Rows and columns of the matrix.
        undirected: Whether rows and columns are the same nodes, with one factor each.
        additive: Whether terms are added; else values have to be 0 or above.

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
    neutral, fit = (0.0, _terms) if additive else (1.0, _factors)
    sides = [np.full(length, neutral) for length in shape]
    if undirected:
        sides[1] = sides[0]
    classes = np.full(int(entries.group.max(initial=0)) + 1, neutral)
    for _ in range(ROUNDS):
        classes = fit(entries, classes, sides, [(entries.group, classes)], share=1.0)
        if undirected:
            sides[0] = sides[1] = fit(
                entries, classes, sides, [(entries.rows, sides[0]), (entries.columns, sides[0])], share=0.5
            )
        else:
            sides[0] = fit(entries, classes, sides, [(entries.rows, sides[0])], share=1.0)
            sides[1] = fit(entries, classes, sides, [(entries.columns, sides[1])], share=1.0)
    classes = fit(entries, classes, sides, [(entries.group, classes)], share=1.0)
    return Expected(classes, sides[0], sides[1], additive)


Sides = list[tuple[Places, Floats]]


def _factors(entries: Entries, classes: Floats, sides: list[Floats], fitted: Sides, *, share: float) -> Floats:
    """Return factors that bring the totals of the expected values to those of the measured ones."""
    expected = classes[entries.group] * sides[0][entries.rows] * sides[1][entries.columns]
    old = fitted[0][1]
    measured, wanted = (_totals(part, fitted) for part in (entries.values, expected))
    ratio = np.divide(measured, wanted, out=np.ones(len(old)), where=wanted > 0)
    return np.asarray(old * ratio**share)


def _terms(entries: Entries, classes: Floats, sides: list[Floats], fitted: Sides, *, share: float) -> Floats:
    """Return terms that bring the means of the expected values to those of the measured ones."""
    rest = entries.values - classes[entries.group] - sides[0][entries.rows] - sides[1][entries.columns]
    old = fitted[0][1]
    number = _totals(np.ones(len(rest)), fitted)
    return np.asarray(old + share * _totals(rest, fitted) / np.maximum(number, 1))


def _totals(values: Floats, fitted: Sides) -> Floats:
    """Sum values over each class, or over each row or column."""
    total = np.zeros(len(fitted[0][1]))
    for at, old in fitted:
        total += np.bincount(at, values, len(old))
    return total
