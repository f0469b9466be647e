"""A block of a matrix with a border around it, as searches compare its entries."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.storage import Places

__all__ = ["Block"]


class Block(NamedTuple):
    """Entries of a matrix and of a border around them.

    Attributes:
        values: In a missing entry, the lowest number of the type.
        missing: True where an entry is missing; None if none is.
        holes: Whether some missing entries lie inside the matrix or inside the border, or windows hold one entry each.
        row: Row of the first entry inside the border.
        column: Its column.
        shear: 1 if each row begins one column further right than the row above it, so that a band around the diagonal
            is a rectangle; else 0. The border at both sides is wider then: windows reach as many places further as
            rows up or down.
    """

    values: npt.NDArray[Any]
    missing: npt.NDArray[np.bool_] | None
    holes: bool
    row: int
    column: int
    shear: int = 0

    def size(self, half: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns inside a border for windows that reach ``half`` rows and columns from the centre."""
        (up, left), (n, m) = half, self.values.shape
        return n - 2 * up, m - 2 * (left + self.shear * up)

    def inside(self, part: npt.NDArray[Any], half: tuple[int, int]) -> npt.NDArray[Any]:
        """Return the entries of the values, or of the mask, inside such a border."""
        (up, left), (n, m) = half, self.size(half)
        first = left + self.shear * up
        return part[up : up + n, first : first + m]

    def places(self, rows: Places, columns: Places) -> tuple[Places, Places]:
        """Return rows and columns in the matrix of some entries inside the border."""
        return rows + self.row, columns + self.column + self.shear * rows

    def holding(self, rows: Places, columns: Places, half: tuple[int, int]) -> tuple[Places, Places, Places]:
        """Return which of some entries lie inside the border and were measured, and where they lie there.

        Along the diagonal, entries of other parts lie inside the border of a block too, as missing ones.
        """
        n, m = self.size(half)
        down = rows - self.row
        right = columns - self.column - self.shear * down
        here = np.flatnonzero((down >= 0) & (down < n) & (right >= 0) & (right < m))
        if self.missing is not None:
            here = here[~self.inside(self.missing, half)[down[here], right[here]]]
        return here, down[here], right[here]

    def below_diagonal(self, half: tuple[int, int]) -> npt.NDArray[np.bool_] | None:
        """Mark the entries of the values that lie below the diagonal of the matrix; None if there are none."""
        height, width = self.values.shape
        aside = half[1] + self.shear * half[0]
        first = self.column - self.row - aside + (1 - self.shear) * half[0]  # offset of the first entry
        if first - (1 - self.shear) * (height - 1) >= 0:
            return None
        offsets = first + np.arange(width) - (1 - self.shear) * np.arange(height)[:, None]
        return np.broadcast_to(offsets < 0, self.values.shape)

    def windows(self, part: npt.NDArray[Any], k: tuple[int, int]) -> npt.NDArray[Any]:
        """View the windows of ``k`` rows and columns in the values, or in the mask, shape ``(n, m, *k)``.

        Example:
            >>> sheared = np.array([[0, 0, 3, 4, 5], [0, 2, 3, 4, 0], [1, 2, 3, 0, 0]])  # 3 x 3 columns 1 to 5
            >>> Block(sheared, None, False, 1, 1, shear=1).windows(sheared, (3, 3))[0, 0]
            array([[3, 4, 5],
                   [2, 3, 4],
                   [1, 2, 3]])
        """
        down, across = part.strides
        n, m = self.size((k[0] // 2, k[1] // 2))
        start = part[:, self.shear * (k[0] - 1) :]
        strides = (down, across, down - self.shear * across, across)
        return np.lib.stride_tricks.as_strided(start, (n, m, *k), strides, writeable=False)
