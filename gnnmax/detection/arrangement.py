"""Improve an order of nodes until no move helps: the local search of :mod:`gnnmax.detection.seriation`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["Arrangement"]

Matrix = npt.NDArray[np.float64]
Gaps = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

FARTHEST_MOVE = 16
"""Most places over which one node moves at once."""

LONGEST_TURN = 12
"""Most nodes of a stretch that is turned round at once, wherever it lies."""

JUNCTIONS = 12
"""Weakest links between consecutive nodes, at which the order is cut into stretches that are moved and turned."""

ACROSS = 8
"""Greatest distance of two nodes whose weight counts for the links between them."""

SWEEPS = 50
"""Most passes over all nodes."""

LEAST_GAIN = 1e-9
"""Gain of a move that counts, as a share of the largest weight: less may be rounding."""


class Arrangement:
    """Nodes in an order that moves improve: values shall be near a mean that falls with the distance (least squares).

    Moves leave the sum of squares of the values as it is, and that of the means, so that the least squares are those of
    the largest sum of products of values and means. The mean is fitted again after each pass.

    Args:
        values: Roots of the weights, shape ``(n, n)``.
        gaps: Where nothing was measured, same shape: the value there is the mean at its distance in the order.
        order: The first order. It is taken in the direction in which the heavier half comes first.

    Attributes:
        order: The node at each place.
        here: The values in this order.
        by_distance: The mean at each distance, shape ``(n,)``.
        mean: The mean at each pair of places, shape ``(n, n)``.
        step: By how much the mean changes from the row before, same shape; 0 in the first row.
    """

    def __init__(self, values: Matrix, gaps: Gaps, order: Places) -> None:
        heavy = values[order].sum(axis=1)
        half = len(order) // 2
        self.order = order.copy() if heavy[:half].sum() >= heavy[len(order) - half :].sum() else order[::-1].copy()
        self.here, self.gaps = values[np.ix_(self.order, self.order)], gaps[np.ix_(self.order, self.order)]
        self.some = bool(gaps.any())
        self.least = LEAST_GAIN * float(np.abs(values).max())
        self._fit()

    def _fit(self) -> None:
        """Fit the mean that falls with the distance, and its steps from one place to the next."""
        from scipy.optimize import isotonic_regression

        n = len(self.order)
        means = np.array([np.diagonal(self.here, distance).mean() for distance in range(1, n)])
        fitted = isotonic_regression(means, weights=np.arange(n - 1, 0, -1), increasing=False).x
        self.by_distance = np.append(fitted[0], fitted)
        self.mean = self.by_distance[np.abs(np.subtract.outer(np.arange(n), np.arange(n)))]
        self.step = np.zeros((n, n))
        self.step[1:] = self.mean[1:] - self.mean[:-1]
        if self.some:
            self.here[self.gaps] = self.mean[self.gaps]

    @property
    def unexplained(self) -> float:
        """The sum of squared differences of values and means. Moves make the sum of their products larger."""
        return float(np.square(self.here - self.mean).sum())

    def improve(self) -> None:
        """Move nodes and stretches until nothing helps."""
        for _ in range(SWEEPS):
            if not self._move_nodes() + self._turn_stretches() + self._rearrange():
                break
            self._fit()

    def _place(self, first: int, last: int, order: Places) -> None:
        """Put the nodes of places ``first`` to ``last - 1`` in another order, given by their places."""
        self.order[first:last] = self.order[order]
        self.here[first:last] = self.here[order]
        self.here[:, first:last] = self.here[:, order]
        if self.some:
            self.gaps[first:last] = self.gaps[order]
            self.gaps[:, first:last] = self.gaps[:, order]

    def _move_nodes(self) -> int:
        """Move each node to the best place near its own."""
        moved, n = 0, len(self.order)
        for node in self.order.copy():
            here = int(np.flatnonzero(self.order == node)[0])
            later = _gains(self.here, self.step, here)
            earlier = _gains(self.here[::-1, ::-1], self.step, n - 1 - here)
            best = later.max(initial=0.0), earlier.max(initial=0.0)
            if max(best) <= self.least:
                continue
            if best[0] >= best[1]:
                to = here + 1 + int(later.argmax())
                self._place(here, to + 1, np.append(np.arange(here + 1, to + 1), here))
            else:
                to = here - 1 - int(earlier.argmax())
                self._place(to, here + 1, np.append(here, np.arange(to, here)))
            moved += 1
        return moved

    def _turn_stretches(self) -> int:
        """Turn short stretches round where that helps."""
        moved, n = 0, len(self.order)
        for length in range(2, min(LONGEST_TURN, n) + 1):
            for first in range(n - length + 1):
                inside = slice(first, first + length)
                change = self.here[inside] * (self.mean[inside][::-1] - self.mean[inside])
                if change.sum() - change[:, inside].sum() > self.least:
                    self._place(first, first + length, np.arange(first + length - 1, first - 1, -1))
                    moved += 1
        return moved

    def _rearrange(self) -> int:
        """Move and turn the stretches between the weakest links, the best move first, until none helps."""
        stretches = _Stretches(self.here, self.by_distance, self._junctions())
        now = tuple((number, False) for number in range(len(stretches.ends) - 1))
        moved = 0
        while True:
            best = max(_rearranged(now), key=stretches.explained, default=now)
            if stretches.explained(best) <= stretches.explained(now) + self.least:
                break
            now, moved = best, moved + 1
        self._place(0, len(self.order), stretches.places(now))
        return moved

    def _junctions(self) -> list[int]:
        """Return the first place of each stretch: the links before them are the weakest."""
        n = len(self.order)
        total, count = np.zeros((2, n - 1))
        for span in range(1, min(ACROSS, n - 1) + 1):
            pairs = np.diagonal(self.here, span)
            total += np.convolve(pairs, np.ones(span))  # at each link, of the pairs of this span across it
            count += np.convolve(np.ones(len(pairs)), np.ones(span))
        weakest = np.argsort(total / count, kind="stable")[:JUNCTIONS]
        return sorted((weakest + 1).tolist())


def _gains(here: Matrix, step: Matrix, place: int) -> npt.NDArray[np.float64]:
    """Return by how much the sum of products grows if a node moves 1, 2, ... places on.

    It passes one node after the other. Passing one exchanges two neighbours: all others keep their places, but those
    that it has passed lie one place before theirs.
    """
    count = min(FARTHEST_MOVE, len(here) - 1 - place)
    if count <= 0:
        return np.zeros(0)
    after = slice(place + 1, place + 1 + count)
    steps = step[after].copy()
    inside = steps[:, after]
    passed = np.tri(count, k=-1, dtype=np.bool_)
    inside[passed] = step[after, place : place + count][passed]
    np.fill_diagonal(inside, 0.0)
    steps[:, place] = 0.0
    gains: npt.NDArray[np.float64] = 2 * np.cumsum(((here[place] - here[after]) * steps).sum(axis=1))
    return gains


StretchOrder = tuple[tuple[int, bool], ...]
"""Stretches one after the other: the number of each, and whether it is turned round."""


class _Stretches:
    """The order cut into stretches, and what sequences of these explain.

    Two stretches contribute the products of the values between them and the means at their distances. A distance
    depends on the difference of the places within both, or on their sum if one of the two is turned round. So sums of
    the values along diagonals and antidiagonals, which are taken once, are all that a sequence needs.

    Args:
        here: The values in order, shape ``(n, n)``.
        mean: The mean at each distance, shape ``(n,)``.
        junctions: The first place of each stretch but the first.

    Attributes:
        ends: The first place of each stretch, and n.
    """

    def __init__(self, here: Matrix, mean: npt.NDArray[np.float64], junctions: list[int]) -> None:
        self.ends = [0, *junctions, len(here)]
        self.mean = mean
        self.sums: dict[tuple[int, int, bool], npt.NDArray[np.float64]] = {}
        self.known: dict[tuple[tuple[int, bool], tuple[int, bool], int], float] = {}
        inside = [np.arange(last - first) for first, last in pairwise(self.ends)]
        for one, other in combinations(range(len(inside)), 2):
            block = here[self.ends[one] : self.ends[one + 1], self.ends[other] : self.ends[other + 1]].ravel()
            for turned, rows in ((False, inside[one][::-1]), (True, inside[one])):
                at = np.add.outer(rows, inside[other]).ravel()
                self.sums[one, other, turned] = np.bincount(at, block).astype(np.float64)

    def length(self, number: int) -> int:
        """Return the number of nodes of a stretch."""
        return self.ends[number + 1] - self.ends[number]

    def places(self, sequence: StretchOrder) -> Places:
        """Return the place of each node of a sequence."""
        parts = [
            np.arange(self.ends[number], self.ends[number + 1])[:: -1 if turned else 1] for number, turned in sequence
        ]
        return np.concatenate(parts)

    def explained(self, sequence: StretchOrder) -> float:
        """Return the sum of products of values and means between all pairs of stretches of a sequence."""
        total, start = 0.0, 0
        before: list[tuple[tuple[int, bool], int]] = []
        for part in sequence:
            total += sum(self._between(other, part, start - end) for other, end in before)
            start += self.length(part[0])
            before.append((part, start))
        return total

    def _between(self, first: tuple[int, bool], second: tuple[int, bool], gap: int) -> float:
        """Return the sum of products between two stretches, the second one ``gap`` nodes after the first."""
        key = first, second, gap
        if key not in self.known:
            (one, turned), (other, also) = first, second
            sums = self.sums[min(one, other), max(one, other), turned != also]
            means = self.mean[gap + 1 : gap + 1 + len(sums)]
            backwards = also if one < other else not turned  # the sums then run from far to near
            self.known[key] = float(np.dot(sums[::-1] if backwards else sums, means))
        return self.known[key]


def _rearranged(now: StretchOrder) -> Iterator[StretchOrder]:
    """Yield sequences in which a run of stretches is turned round, or put elsewhere, either way round.

    Example:
        >>> for sequence in _rearranged(((0, False), (1, False))):
        ...     print(sequence)
        ((0, True), (1, False))
        ((1, False), (0, False))
        ((1, False), (0, True))
        ((1, True), (0, False))
        ((0, False), (1, True))
    """
    count = len(now)
    for first, last in combinations(range(count + 1), 2):
        run, rest = now[first:last], (*now[:first], *now[last:])
        if not rest:
            continue
        turned = tuple((number, not way) for number, way in reversed(run))
        # moved back as it is, a run would change places with one that moves on
        for to in range(len(rest) + 1):
            for way in (run, turned) if to > first else (turned,):
                yield (*rest[:to], *way, *rest[to:])
