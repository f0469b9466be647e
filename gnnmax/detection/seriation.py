"""Seriation: the order of nodes that their weights tell, where near nodes are joined more strongly than far ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.subgraphs.node_order import spectral_order
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import as_source
from gnnmax.errors import InputError

__all__ = ["explained_by_distance", "order_of", "seriate", "weights_in"]

Matrix = npt.NDArray[np.float64]
Gaps = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

LARGEST = 4_096
"""Most nodes that are put in order; the cost is cubic."""

FARTHEST_MOVE = 16
"""Most places over which one node moves at once."""

LONGEST_TURN = 12
"""Most nodes of a stretch that is turned round at once, wherever it lies."""

JUNCTIONS = 12
"""Weakest links between consecutive nodes, at which the order is cut into stretches that are moved and turned."""

ACROSS = 8
"""Greatest distance of two nodes whose weight counts for the links between them."""

SWEEPS = 50
"""Most passes over all nodes; two to five are usual."""

ROUNDING = 1e-20
"""Variance of roots that are all equal, as a share of their mean square, at most."""

LEAST_GAIN = 1e-9
"""Gain of a move that counts, as a share of the largest weight: less may be rounding."""


def seriate(matrix: Any) -> Places:
    """Put nodes in the order in which weights fall with the distance: near nodes are joined more strongly than far.

    The order is the best found of those under which the square roots of the weights, negative ones with their sign,
    are explained best by a mean that falls with the distance (least squares). Two orders are the starts: along the
    Fiedler vector, and by the distance from the node that is farthest from all others, where the length of an edge is
    the inverse of its weight. Each is improved by moving single nodes, by turning short stretches round, and by moving
    and turning the stretches between the weakest links, until nothing helps. It is a local optimum: where weights
    hardly fall with the distance, or noise hides it, any order may come out.

    The order runs along the given one, as far as its direction goes; else it does not depend on it, up to ties. Only
    the ratios of weights count. Parts without a weight between them come one after the other, the part of the first
    node first, nodes without any weight last.

    Cost: ``O(n^3)`` for the first start, and ``O(n^2)`` for each pass over all nodes: two to five passes are usual.

    Args:
        matrix: Weights between nodes, shape ``(n, n)``, as for :func:`gnnmax.find_maxima`; larger means nearer. NaN
            means "not measured". The diagonal is not read, and of unequal halves the mean is.

    Returns:
        The old position of each node, a permutation of shape ``(n,)``: ``matrix[np.ix_(order, order)]`` is in order.

    Raises:
        InputError: not a square matrix of real, finite numbers, or more than 4,096 nodes.

    References:
        Robinson, "A method for chronologically ordering archaeological deposits", American Antiquity 1951: weights
        that fall with the distance. Atkins, Boman, Hendrickson, SIAM Journal on Computing 1998: the Fiedler vector.
        Brusco, Koehn, Stahl, "Heuristic implementation of dynamic programming for matrix permutation problems in
        combinatorial data analysis", Psychometrika 2008: seriation as a quadratic assignment. Burton et al.,
        "Chromosome-scale scaffolding of de novo genome assemblies based on chromatin interactions", Nature
        Biotechnology 2013: the order of a genome from contacts.

    Example:
        >>> place = np.random.default_rng(0).permutation(40)
        >>> weights = 1 / (1 + np.abs(np.subtract.outer(place, place)))
        >>> found = place[seriate(weights)]
        >>> bool((np.diff(found) == 1).all() or (np.diff(found) == -1).all())
        True
    """
    return order_of(weights_in(as_source(matrix)))


def order_of(weights: Matrix) -> Places:
    """Return the order of nodes, see :func:`seriate`, whose weights :func:`weights_in` has read."""
    known, gaps = _halves_joined(weights)
    order = np.empty(0, dtype=np.intp)
    for nodes in _parts_of(known):
        part = np.ix_(nodes, nodes)
        order = np.append(order, nodes[_ordered(known[part], gaps[part])])
    return np.append(order, np.setdiff1d(np.arange(len(known)), order))


def explained_by_distance(matrix: Any, order: Places) -> float:
    """Return the share of the variance of the roots of weights that their mean at each distance explains in an order.

    Args:
        matrix: As for :func:`seriate`.
        order: The node at each place, shape ``(n,)``.

    Returns:
        Between 0 and 1: 1 if weights depend on the distance alone, 0 if they are all equal. Of noise without any order
        a little is explained too, the more the fewer nodes there are.

    Example:
        >>> place = np.random.default_rng(0).permutation(40)
        >>> weights = 1 / (1 + np.abs(np.subtract.outer(place, place)))
        >>> orders = seriate(weights), np.arange(40)
        >>> [explained_by_distance(weights, order) > 0.9 for order in orders]
        [True, False]
    """
    weights, gaps = _halves_joined(weights_in(as_source(matrix)))
    here = _roots(weights[np.ix_(order, order)])
    rows, columns = np.nonzero(np.triu(~gaps[np.ix_(order, order)], 1))
    roots, distance = here[rows, columns], columns - rows
    count = np.maximum(np.bincount(distance), 1)
    left = roots - (np.bincount(distance, roots) / count)[distance]
    whole = float(np.square(roots - roots.mean()).sum()) if len(roots) else 0.0
    equal = whole <= ROUNDING * float(np.square(roots).sum())
    return 0.0 if equal else 1 - float(np.square(left).sum()) / whole


def _roots(weights: Matrix) -> Matrix:
    """Return square roots of weights, negative ones with their sign: noise of counts is as large everywhere then."""
    roots: Matrix = np.sign(weights) * np.sqrt(np.abs(weights))
    return roots


def weights_in(source: MatrixSource) -> Matrix:
    """Read the weights between nodes, shape ``(n, n)``, NaN where nothing was measured.

    Raises:
        InputError: as for :func:`seriate`.
    """
    (n, m) = source.shape
    if n != m:
        raise InputError(f"rows and columns of a {n} x {m} matrix are different nodes, which have no common order")
    if n > LARGEST:
        raise InputError(f"at most {LARGEST:,} nodes are put in order, not {n:,}: search a part of the matrix")
    block = replace(source, breaks=None).block(0, 0, n, n, (0, 0))
    weights: Matrix = block.values.astype(np.float64)
    if block.missing is not None:
        weights[block.missing] = np.nan
    if np.isinf(weights).any():
        raise InputError(
            "nodes are put in order by finite weights: replace infinite ones, or mark them as missing by NaN"
        )
    return weights


def _halves_joined(weights: Matrix) -> tuple[Matrix, Gaps]:
    """Return symmetric weights, the diagonal 0, and gaps, where nothing was measured.

    There is the median in a gap, or 0 in a row without any weight.
    """
    both = np.stack([weights, weights.T])
    measured = ~np.isnan(both)
    _, exponent = np.frexp(np.abs(both[measured]).max(initial=0.0))
    both = np.ldexp(both, -exponent)  # only ratios count, and sums of these are finite
    count = measured.sum(axis=0)
    total = np.where(measured, both, 0.0).sum(axis=0)
    joined: Matrix = total / np.maximum(count, 1)
    np.fill_diagonal(count, 0)
    np.fill_diagonal(joined, 0.0)
    gaps = count == 0
    np.fill_diagonal(gaps, val=False)
    if gaps.any() and count.any():
        seen = count.any(axis=0)
        joined[gaps & seen & seen[:, None]] = np.median(joined[count > 0])
    return joined, gaps


def _parts_of(weights: Matrix) -> list[Places]:
    """Return the nodes of each connected part, nodes without a weight left out."""
    from scipy.sparse.csgraph import connected_components

    _, part = connected_components(weights != 0, directed=False)
    parts = [np.flatnonzero(part == which) for which in dict.fromkeys(part.tolist())]
    return [nodes for nodes in parts if len(nodes) > 1]


def _ordered(weights: Matrix, gaps: Gaps) -> Places:
    """Return the best order found of the nodes of one part."""
    if len(weights) < 3:
        return np.arange(len(weights))
    roots = _roots(weights)
    found = [_Arrangement(roots, gaps, start) for start in (_fiedler(weights), _from_the_end(weights))]
    for arrangement in found:
        arrangement.improve()
    order = min(found, key=lambda arrangement: arrangement.unexplained).order
    upwards = np.dot(order, np.arange(len(order))) >= np.dot(order, np.arange(len(order))[::-1])
    return order if upwards else order[::-1]


def _fiedler(weights: Matrix) -> Places:
    """Return the order along the Fiedler vector of the positive weights."""
    near = np.maximum(weights, 0.0)
    return spectral_order(near, near > 0)


def _from_the_end(weights: Matrix) -> Places:
    """Return the order by the distance from a node at an end, where the length of an edge is the inverse of its weight.

    The node at an end is the one that is farthest from the node with the most weight.
    """
    from scipy.sparse.csgraph import shortest_path

    near = weights > 0
    length = np.where(near, 1 / np.where(near, weights, 1.0), 0.0)  # 0 is no edge

    def distances(node: int) -> npt.NDArray[np.float64]:
        apart = shortest_path(length, method="D", directed=False, indices=node)
        return np.where(np.isinf(apart), 2 * apart[np.isfinite(apart)].max(), apart)

    return np.argsort(distances(int(distances(int(weights.sum(axis=1).argmax())).argmax())), kind="stable")


class _Arrangement:
    """Nodes in an order that moves improve.

    Args:
        values: Roots of the weights, shape ``(n, n)``.
        gaps: Where nothing was measured, same shape: the value there is the mean at its distance in the order.
        order: The first order. It is taken in the direction in which the heavier half comes first.

    Attributes:
        order: The node at each place.
        here: The values in this order.
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


Sequence = tuple[tuple[int, bool], ...]
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

    def places(self, sequence: Sequence) -> Places:
        """Return the place of each node of a sequence."""
        parts = [
            np.arange(self.ends[number], self.ends[number + 1])[:: -1 if turned else 1] for number, turned in sequence
        ]
        return np.concatenate(parts)

    def explained(self, sequence: Sequence) -> float:
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


def _rearranged(now: Sequence) -> Iterator[Sequence]:
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
