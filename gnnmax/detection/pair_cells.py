"""The cells of windows of an undirected matrix: which pair each one holds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["earlier_pairs", "repeated_cells"]

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


def _ends(rows: Places, columns: Places, sides: tuple[int, int]) -> tuple[Places, Places]:
    """Return the rows and the columns of windows, shapes ``(M, sides[0])`` and ``(M, sides[1])``."""
    i, j = (
        places[:, None] + np.arange(-(side // 2), side // 2 + 1)
        for places, side in zip((rows, columns), sides, strict=True)
    )
    return i, j
