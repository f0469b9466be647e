"""Windows around given entries of a matrix, with the weights among their rows and columns where nets read these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.neighbourhood_windows import NeighbourhoodCutter
from gnnmax.detection.storage import Places
from gnnmax.detection.window_cuts import windows_at, with_nan
from gnnmax.detection.window_scoring import SCORED, WindowBatch

__all__ = ["DiagonalBand", "has_contexts", "windows_around"]

STRIP = 256
"""Rows of the band along the diagonal that are read together."""


def windows_around(
    source: MatrixSource,
    rows: Places,
    columns: Places,
    k: int,
    *,
    cut: npt.NDArray[np.bool_],
    graph: bool,
    contexts: bool = False,
) -> Iterator[WindowBatch]:
    """Cut the windows around some entries, in batches of some thousands.

    Args:
        source: The matrix.
        rows: Row of each entry, shape ``(M,)``.
        columns: Column of each.
        k: Side of the windows.
        cut: False where an entry gets a window of NaN.
        graph: Whether windows are cut from the nearest nodes to both ends of an edge, not from adjacent places.
        contexts: Whether the weights among the rows and among the columns of each window are cut too, where the matrix
            has them.

    Returns:
        Batches of windows, exact in floating point, NaN where nothing was measured; at least one batch, which may be
        empty.

    Raises:
        InputError: the graph has too few nodes for such windows.
    """
    contexts = contexts and has_contexts(source)
    cutter: Callable[[Places, Places], WindowBatch]
    if graph and cut.any():
        neighbours = NeighbourhoodCutter.of(source, k, np.concatenate([rows[cut], columns[cut]]))

        def cutter(rows: Places, columns: Places) -> WindowBatch:
            return neighbours.cut(rows, columns, contexts=contexts)
    else:
        band = DiagonalBand.of(source, k) if contexts and cut.any() else None

        def cutter(rows: Places, columns: Places) -> WindowBatch:
            values = windows_at(source, rows, columns, k=k)
            return WindowBatch(values) if band is None else WindowBatch(values, band.at(rows), band.at(columns))

    def batches() -> Iterator[WindowBatch]:
        for start in range(0, max(len(rows), 1), SCORED):
            here = slice(start, start + SCORED)
            chosen = cut[here]
            found = (
                cutter(rows[here][chosen], columns[here][chosen]) if chosen.any() else WindowBatch(np.empty((0, k, k)))
            )
            yield _spread(found, chosen)

    return batches()


def _spread(found: WindowBatch, chosen: npt.NDArray[np.bool_]) -> WindowBatch:
    """Put windows of NaN between windows, so that the chosen ones hold these."""

    def spread(part: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        whole = np.full((len(chosen), *part.shape[1:]), np.nan, dtype=part.dtype)
        whole[chosen] = part
        return whole

    if found.row_context is None or found.column_context is None:
        return WindowBatch(spread(found.values))
    return WindowBatch(spread(found.values), spread(found.row_context), spread(found.column_context))


def has_contexts(source: MatrixSource) -> bool:
    """Return whether rows and columns are the same nodes in the same parts, so that there are weights among rows."""
    n, m = source.shape
    return n == m and source.parts.equal_sides


@dataclass(frozen=True, eq=False)
class DiagonalBand:
    """The entries near the diagonal of a square matrix: the weights among any ``k`` neighbouring nodes.

    Attributes:
        values: Row ``i + k // 2`` holds the entries ``(i, i - k + 1)`` to ``(i, i + k - 1)``, exact in floating point;
            NaN where an entry is missing, and in ``k // 2`` further rows at both ends. A diagonal that is left out is
            0: nodes without loops.
        k: Number of nodes.
    """

    values: npt.NDArray[np.floating]
    k: int

    @classmethod
    def of(cls, source: MatrixSource, k: int) -> DiagonalBand:
        """Read the band of a matrix, some rows at a time."""
        n, half, parts = source.shape[0], k // 2, []
        for row in range(0, n, STRIP):
            for first, last in source.parts.rows_within(row, min(row + STRIP, n)):
                rows = last - first
                block = source.block(first, first, rows, rows, (0, k - 1))
                values = with_nan(block.values, block.missing)
                parts.append(values[np.arange(rows)[:, None], np.arange(rows)[:, None] + np.arange(2 * k - 1)])
        around = np.full((half, 2 * k - 1), np.nan)
        band = np.concatenate([around, *parts, around])
        if not source.diagonal:
            band[half : half + n, k - 1] = 0
        return cls(band, k)

    def at(self, nodes: Places) -> npt.NDArray[np.floating]:
        """Return the weights among the ``k`` nodes around each of some nodes, shape ``(M, k, k)``.

        Example:
            >>> from gnnmax.detection.matrix_input import as_source
            >>> matrix = np.arange(16.0).reshape(4, 4)
            >>> DiagonalBand.of(as_source(matrix), 3).at(np.array([1]))
            array([[[ 0.,  1.,  2.],
                    [ 4.,  5.,  6.],
                    [ 8.,  9., 10.]]])
        """
        n, width = len(self.values) - 2 * (self.k // 2), self.values.shape[1]
        down, across = self.values.strides
        views = np.lib.stride_tricks.as_strided(
            self.values[:, self.k - 1 :], (n, self.k, self.k), (down, down - across, across), writeable=False
        )
        assert width == 2 * self.k - 1
        return views[nodes]
