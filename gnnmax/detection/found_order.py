"""Search along an order that the weights tell: the nodes are put in it before the search, and put back afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.given_order import GivenOrder
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.seriation import explained_by_distance, order_of, weights_in, whole_block

__all__ = ["in_found_order", "in_given_order", "with_places_as_names"]


def in_found_order(source: MatrixSource) -> MatrixSource:
    """Return a matrix with its nodes in the order that their weights tell; it knows the order in which it was given.

    It has no breaks and no bins of a genome: these belong to the order that was lost.

    Raises:
        InputError: rows and columns are different nodes, there are too many of them, or a weight is infinite.

    Example:
        >>> place = np.array([3, 0, 4, 1, 2])
        >>> weights = 1 / (1 + np.abs(np.subtract.outer(place, place)))
        >>> found = in_found_order(as_source(weights))
        >>> place[found.given_order.order].tolist()
        [4, 3, 2, 1, 0]
    """
    block, undirected = whole_block(source), source.undirected
    weights, values, missing = weights_in(block), block.values, block.missing
    order = order_of(weights)
    moved = as_source(
        _moved(values, order), missing=None if missing is None else _moved(missing, order), directed=not undirected
    )
    given = GivenOrder(
        order, explained_by_distance(weights, order), undirected, source.names, source.bins, source.attributes
    )
    names = None if source.names is None else _named(source.names, order)
    attributes = source.attributes and {name: values[order] for name, values in source.attributes.items()}
    return replace(moved, names=names, symmetry=source.symmetry, attributes=attributes, given_order=given)


def _moved(matrix: npt.NDArray[Any], order: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    return matrix[np.ix_(order, order)]


def _named(names: tuple[tuple[Any, ...], tuple[Any, ...]], order: npt.NDArray[np.intp]) -> Any:
    return tuple(tuple(axis[place] for place in order.tolist()) for axis in names)


def in_given_order(source: MatrixSource, maxima: Maxima) -> Maxima:
    """Return maxima at their places in the matrix as it was given; equal ones stay in the order that was found."""
    if source.given_order is None:
        return maxima
    rows, columns = source.given_order.places(maxima.rows, maxima.columns)
    return replace(maxima, rows=rows, columns=columns, **source.given_order.parts())


def with_places_as_names(source: MatrixSource) -> MatrixSource:
    """Name nodes without names by their places in the matrix as it was given, if they were put in another order."""
    if source.given_order is None or source.names is not None:
        return source
    names = tuple(source.given_order.order.tolist())
    return replace(source, names=(names, names))
