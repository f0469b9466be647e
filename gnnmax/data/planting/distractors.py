"""Distractors: lower peaks in windows of every kind, at positions that do not depend on the kind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnnmax.data.chunks import chunks

__all__ = ["away_from", "draw_distractors", "lift"]

Flat = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


def draw_distractors(edge_mask: Mask, number: int, gap: int, rng: np.random.Generator) -> Places:
    """Draw the positions of distractors: edges at least ``gap`` from the centre and from each other.

    The draw depends on the topology alone. If there is no such edge, any edge but the centre is drawn.

    Args:
        edge_mask: Which entries are edges, more than ``number``, shape ``(W, k * k)``.
        number: Number of distractors, D.
        gap: Least distance in entries, the larger of the distances along rows and along columns.
        rng: The only source of randomness.

    Returns:
        Distinct entries, shape ``(W, D)``.

    Example:
        >>> draw_distractors(np.ones((1, 25), bool), 1, 2, np.random.default_rng(0))
        array([[14]])
    """
    windows, entries = edge_mask.shape
    taken = np.full((windows, number + 1), entries // 2, dtype=np.intp)
    for chunk in chunks(windows):
        for turn in range(1, number + 1):
            before = taken[chunk, :turn]
            keys = rng.random(edge_mask[chunk].shape, dtype=np.float32)
            keys += away_from(before, gap, entries)  # entries that are far enough away come first
            keys[~edge_mask[chunk]] = -1.0
            np.put_along_axis(keys, before, -1.0, axis=1)
            taken[chunk, turn] = np.argmax(keys, axis=1)
    return taken[:, 1:]


def away_from(places: Places, gap: int, entries: int) -> Mask:
    """Find the entries of each window that are at least ``gap`` from all given positions.

    Args:
        places: Positions, shape ``(W, n)``.
        gap: Distance in entries, the larger of the distances along rows and along columns.
        entries: ``k * k``.

    Returns:
        Booleans, shape ``(W, k * k)``.

    Example:
        >>> away_from(np.array([[0]]), 2, 9).reshape(3, 3)
        array([[False, False,  True],
               [False, False,  True],
               [ True,  True,  True]])
    """
    k = int(np.sqrt(entries))
    along = np.arange(k)
    row, column = (np.abs(side[:, :, None] - along) >= gap for side in np.divmod(places, k))  # each (W, n, k)
    return np.asarray((row[..., :, None] | column[..., None, :]).all(axis=1).reshape(len(places), entries))


def lift(values: Flat, largest: Places, shares: npt.NDArray[np.float32]) -> None:
    """Raise the second and further largest entries of each window towards the largest, in place, in decreasing order.

    Args:
        values: Shape ``(W, k * k)``; changed in place.
        largest: The largest entry and those to be raised, shape ``(W, 1 + D)``.
        shares: Share of the difference to the largest, from 0 to 1, shape ``(W, D)``.

    Example:
        >>> values = np.array([[8, 4, 2, 0]], dtype=np.float32)
        >>> lift(values, np.array([[0, 1, 2]]), np.array([[0.0, 0.75]], dtype=np.float32))
        >>> values.tolist()
        [[8.0, 6.5, 4.0, 0.0]]
    """
    top, low = values[np.arange(len(values)), largest[:, 0], None], np.take_along_axis(values, largest[:, 1:], axis=1)
    raised = np.minimum(low + shares * (top - low), top)
    np.put_along_axis(values, largest[:, 1:], -np.sort(-raised, axis=1), axis=1)
