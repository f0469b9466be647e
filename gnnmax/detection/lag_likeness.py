"""The mean likeness of vectors that stand some places apart, in one order or in many."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["batches_of_orders", "likeness_at_lags"]

TILE = 2**22
"""Inner products that are held at once."""

ORDERS = 2**24
"""Places of all orders that are held at once."""


def batches_of_orders(n: int, draws: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int32]]:
    """Yield the given order of ``n`` things, then random ones, each equally likely, in batches that fit into memory.

    Example:
        >>> batches = list(batches_of_orders(4, 9, np.random.default_rng(0)))
        >>> [batch.shape for batch in batches], batches[0][0].tolist()
        ([(10, 4)], [0, 1, 2, 3])
    """
    places, size = np.arange(n, dtype=np.int32), max(1, ORDERS // n)
    for start in range(0, draws + 1, size):
        orders = np.repeat(places[None], min(size, draws + 1 - start), axis=0)
        shuffled = orders[1:] if start == 0 else orders
        rng.permuted(shuffled, axis=1, out=shuffled)
        yield orders


def likeness_at_lags(
    vectors: npt.NDArray[np.float32], orders: npt.NDArray[np.int32], lags: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """Return the mean inner product of vectors that are some places apart.

    The inner products are made once, tile by tile, and each order takes those it needs: ``n ** 2 * d`` multiplications
    in all, and one addition for each order, lag and place. No matrix of n x n is held.

    Args:
        vectors: Shape ``(n, d)``.
        orders: Each row names the vectors in one order, shape ``(draws, n)``.
        lags: Places apart, each from 1 to ``n - 1``.

    Returns:
        Shape ``(draws, lags)``.

    Example:
        >>> vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
        >>> likeness_at_lags(vectors, np.array([[0, 1, 2], [0, 2, 1]], dtype=np.int32), np.array([1, 2])).tolist()
        [[0.5, 0.0], [0.0, 1.0]]
    """
    n, sums, height = len(vectors), np.zeros((len(orders), len(lags))), max(1, TILE // len(vectors))
    places = np.empty_like(orders)
    np.put_along_axis(places, orders, np.broadcast_to(np.arange(n, dtype=np.int32), orders.shape), axis=1)
    # behind the end of an order stands nothing, with which every inner product is 0
    padded = np.pad(orders, ((0, 0), (0, int(lags.max()))), constant_values=n)
    for top in range(0, n, height):
        products = np.pad(vectors[top : top + height] @ vectors.T, ((0, 0), (0, 1)))
        rows = np.arange(len(products))[:, None]
        for number, own in enumerate(places[:, top : top + height]):
            after = padded[number][own[:, None] + lags]
            sums[number] += products[rows, after].sum(axis=0, dtype=np.float64)
    return sums / (n - lags)
