"""Seriation: the order of nodes that their weights tell, where near nodes are joined more strongly than far ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.subgraphs.node_order import spectral_order
from gnnmax.detection.arrangement import Arrangement
from gnnmax.detection.blocks import Block
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import as_source
from gnnmax.errors import InputError

__all__ = ["explained_by_distance", "order_of", "seriate", "weights_in", "whole_block"]

Matrix = npt.NDArray[np.float64]
Gaps = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

LARGEST = 4_096
"""Most nodes that are put in order; the cost is cubic."""

ROUNDING = 1e-20
"""Variance of roots that are all equal, as a share of their mean square, at most."""


def seriate(matrix: Any) -> Places:
    """Put nodes in the order in which weights fall with the distance: near nodes are joined more strongly than far.

    The order is the best found of those under which the square roots of the weights, negative ones with their sign,
    are explained best by a mean that falls with the distance (least squares). Two orders are the starts: along the
    Fiedler vector, and by the distance from a node at an end, the farthest from the node with the most weight, where
    the length of an edge is the inverse of its weight. Each is improved by moving single nodes, by turning short
    stretches round, and by moving and turning the stretches between the weakest links, until nothing helps. It is a
    local optimum: where weights hardly fall with the distance, or noise hides it, any order may come out.

    The order runs along the given one, as far as its direction goes; else it does not depend on it, up to ties. Only
    the ratios of weights count. Parts without a weight between them come one after the other, the part of the first
    node first, nodes without any weight last.

    Cost: ``O(n^3)`` for the first start, and ``O(n^2)`` for each pass over all nodes.

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
    return order_of(weights_in(whole_block(as_source(matrix))))


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
    weights, gaps = _halves_joined(weights_in(whole_block(as_source(matrix))))
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


def whole_block(source: MatrixSource) -> Block:
    """Read all entries between nodes, across breaks too.

    Raises:
        InputError: rows and columns are different nodes, or there are too many of them.
    """
    n, m = source.shape
    if n != m:
        raise InputError(f"rows and columns of a {n} x {m} matrix are different nodes, which have no common order")
    if n > LARGEST:
        raise InputError(f"at most {LARGEST:,} nodes are put in order, not {n:,}: search a part of the matrix")
    return replace(source, breaks=None).block(0, 0, n, n, (0, 0))


def weights_in(block: Block) -> Matrix:
    """Return the weights of a block, in float64, NaN where nothing was measured.

    Raises:
        InputError: an infinite weight.
    """
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
    found = [Arrangement(roots, gaps, start) for start in (_fiedler(weights), _from_the_end(weights))]
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
