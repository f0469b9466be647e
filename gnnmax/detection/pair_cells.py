"""The cells of windows of an undirected matrix: which pair each one holds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["cells_that_do_not_count", "earlier_pairs", "repeated_cells"]

Places = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


def repeated_cells(rows: Places, columns: Places, sides: tuple[int, int]) -> Mask:
    """Mark the cells of windows that hold a pair of an undirected graph a second time.

    A window holds a pair twice if both ends are among its rows and among its columns: the cell on the other side of the
    diagonal than the centre is then the second one.

    Args:
        rows: Row of the centre of each window, shape ``(M,)``.
        columns: Its column.
        sides: Rows and columns of the windows.

    Returns:
        Shape ``(M, *sides)``.

    Example:
        >>> repeated_cells(np.array([4]), np.array([5]), (3, 3))[0].astype(int).tolist()
        [[0, 0, 0], [0, 0, 0], [1, 0, 0]]
    """
    i, j = _ends(rows, columns, sides)
    first, last = np.maximum(i[:, :1], j[:, :1]), np.minimum(i[:, -1:], j[:, -1:])
    twice = ((first <= i) & (i <= last))[:, :, None] & ((first <= j) & (j <= last))[:, None, :]
    below = i[:, :, None] > j[:, None, :]
    above = i[:, :, None] < j[:, None, :]
    return np.asarray(twice & np.where((rows <= columns)[:, None, None], below, above))


def earlier_pairs(rows: Places, columns: Places, sides: tuple[int, int]) -> Mask:
    """Mark the cells of windows whose pair comes before the centre, by its smaller end and then by its larger one.

    Args:
        rows: Row of the centre of each window, shape ``(M,)``; not above its column.
        columns: Its column.
        sides: Rows and columns of the windows.

    Returns:
        Shape ``(M, *sides)``.
    """
    i, j = _ends(rows, columns, sides)
    i, j = i[:, :, None], j[:, None, :]
    row, column = rows[:, None, None], columns[:, None, None]
    smaller, larger = np.minimum(i, j), np.maximum(i, j)
    return np.asarray((smaller < row) | ((smaller == row) & (larger < column)))


def cells_that_do_not_count(
    rows: Places, columns: Places, sides: tuple[int, int], footprint: Mask | None, *, pairs: bool
) -> Mask:
    """Mark the cells of windows that are outside a footprint, or hold a pair a second time.

    A pair that a window holds twice counts once, where one of its two cells is in the footprint.

    Args:
        rows: Row of the centre of each window, shape ``(M,)``.
        columns: Its column.
        sides: Rows and columns of the windows.
        footprint: The cells that are rivals of the centre; None: all others.
        pairs: Whether ``(i, j)`` and ``(j, i)`` are one pair.

    Returns:
        Shape ``(M, *sides)``, or ``(1, *sides)`` if all windows have the same.

    Example:
        >>> cross = np.array([[False, True, False], [True, False, True], [False, True, False]])
        >>> cells_that_do_not_count(np.array([4]), np.array([5]), (3, 3), cross, pairs=True)[0].astype(int).tolist()
        [[1, 0, 1], [0, 0, 0], [1, 0, 1]]
    """
    inside = np.ones(sides, dtype=np.bool_) if footprint is None else footprint.copy()
    inside[sides[0] // 2, sides[1] // 2] = True
    if not pairs:
        return ~inside[None]
    repeated = repeated_cells(rows, columns, sides)
    if footprint is None:
        return repeated
    # The mirror image of a cell lies on the same antidiagonal, further by the distance of the centre from the diagonal.
    down, across = np.arange(sides[0])[:, None], np.arange(sides[1])
    aside = (columns - rows)[:, None, None] + sides[0] // 2 - sides[1] // 2
    row, column = across + aside, down - aside
    held = (row >= 0) & (row < sides[0]) & (column >= 0) & (column < sides[1])
    held &= inside[np.clip(row, 0, sides[0] - 1), np.clip(column, 0, sides[1] - 1)]
    return np.asarray(~inside | (repeated & held))


def _ends(rows: Places, columns: Places, sides: tuple[int, int]) -> tuple[Places, Places]:
    """Return the rows and the columns of windows, shapes ``(M, sides[0])`` and ``(M, sides[1])``."""
    i, j = (
        places[:, None] + np.arange(-(side // 2), side // 2 + 1)
        for places, side in zip((rows, columns), sides, strict=True)
    )
    return i, j
