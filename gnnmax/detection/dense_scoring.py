"""What trained nets say of a person's matrix: of some entries, or of every one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.data.subgraphs.subgraph import Subgraph
from gnnmax.data.subgraphs.window_extraction import blocks, cut_neighbours
from gnnmax.detection.matrix import Source, source_of
from gnnmax.detection.search import maxima_of
from gnnmax.errors import InputError
from gnnmax.task.windows import Windows

__all__ = [
    "ROOM",
    "Screening",
    "neighbour_windows",
    "score_everywhere",
    "score_windows",
    "scores_of",
    "screened",
    "windows_at",
]

Scorer = Callable[[Windows], npt.NDArray[Any]]
Places = npt.NDArray[np.intp]

SCORED = 4096
"""Windows scored together."""

STRIP = 256
"""Rows that a convolution takes together."""

ROOM = 4096
"""Nodes of a graph, at most, whose windows can be cut: the cut looks at all pairs of them."""


def score_everywhere(model: Scorer, matrix: Any, k: int = 9, *, missing: Any = None) -> npt.NDArray[np.float32]:
    """Score the window around every entry of a matrix.

    The windows are those that a data set would hold, batch after batch. A net that puts a window on its own scale needs
    them one by one; convolution towers on values as they are (``encoding = "none"``) are laid over the matrix itself,
    with the same scores, see :mod:`gnnmax.models.images.dense_tower`.

    Cost: one window an entry; of a tower 20 to 30 times less, with zero padding 5 to 7 times.

    Args:
        model: A scorer of windows, such as :func:`gnnmax.load_model` returns.
        matrix: As for :func:`gnnmax.find_maxima`, shape ``(n, m)``.
        k: Side of the windows.
        missing: True where nothing was measured.

    Returns:
        Shape ``(n, m)``, float32; NaN where the window is not wholly inside the matrix and measured.

    Example:
        >>> from gnnmax import RULES
        >>> matrix = np.zeros((5, 5), dtype=np.float32)
        >>> matrix[2, 3] = 1
        >>> (score_everywhere(RULES["argmax"], matrix, k=3) > 0).nonzero()
        (array([2]), array([3]))
    """
    return scores_of(model, source_of(matrix, "zero", missing, diagonal=True), k)


def scores_of(model: Scorer, source: Source, k: int) -> npt.NDArray[np.float32]:
    """Score the window around every entry of a matrix as it is searched; see :func:`score_everywhere`."""
    n, m = source.shape
    scores = np.full((n, m), np.nan, dtype=np.float32)
    if k < 3 or k % 2 == 0 or k > min(n, m):
        raise InputError(f"k must be odd, at least 3 and no larger than the matrix of {n} x {m}, not {k}")
    half = k // 2
    convolved = model.dense(k) if hasattr(model, "dense") else None
    step = STRIP if convolved else max(1, SCORED // m)
    for row in range(half, n - half, step):
        rows = min(step, n - half - row)
        block = source.block(row, half, rows, m - 2 * half, (half, half))
        values = block.values if block.missing is None else np.where(block.missing, np.nan, block.values)
        windows = np.lib.stride_tricks.sliding_window_view(values, (k, k))
        part = _scored(model, windows.reshape(-1, k, k))[0] if convolved is None else convolved(values)
        scores[row : row + rows, half : m - half] = part.reshape(windows.shape[:2])
    return scores


class Screening(NamedTuple):
    """What a net calls centred when it is asked everywhere, and how much of that the rule finds.

    ``windows`` is how many are whole; ``called`` how many of them the net calls centred; ``kept`` how many of these are
    strict maxima, which is what is left where the net scores the rule's maxima alone.
    """

    windows: int
    called: int
    kept: int

    @property
    def recall(self) -> float | None:
        """The share of what the net calls centred that a screen by the rule keeps; None if it calls nothing."""
        return self.kept / self.called if self.called else None


def screened(scores: npt.NDArray[np.float32], source: Source, k: int) -> Screening:
    """Hold a net's scores of every entry against the strict rule.

    Example:
        >>> from gnnmax import RULES
        >>> matrix = np.random.default_rng(0).random((20, 20))
        >>> screening = screened(score_everywhere(RULES["nms"], matrix, k=3), source_of(matrix, "zero", None, True), 3)
        >>> screening.windows, screening.recall
        (324, 1.0)
    """
    maxima = maxima_of(source, k, "ordered", "strict", "drop", None, 1, True, None)
    called = scores > 0
    return Screening(int((~np.isnan(scores)).sum()), int(called.sum()), int(called[maxima.rows, maxima.columns].sum()))


def _scored(model: Scorer, windows: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Score the windows that are wholly measured, NaN elsewhere, and say which those are."""
    scores = np.full(len(windows), np.nan, dtype=np.float32)
    whole = np.isfinite(windows).all(axis=(1, 2))
    if whole.any():
        scores[whole] = model(Windows.from_values(windows[whole]))
    return scores, whole


def score_windows(model: Scorer, windows: npt.NDArray[Any]) -> tuple[list[float | None], list[str]]:
    """Score windows that may be partly measured.

    Args:
        model: A scorer of windows.
        windows: Shape ``(M, k, k)``, NaN where nothing was measured.

    Returns:
        A score a window, None where there is none, and why there is none, "" where there is one.

    Example:
        >>> from gnnmax import RULES
        >>> score_windows(RULES["argmax"], np.array([np.eye(3), np.full((3, 3), np.nan)]))
        ([-1.5, None], ['', 'the window is not wholly measured'])
    """
    scores: list[float | None] = []
    reasons: list[str] = []
    for start in range(0, len(windows), SCORED):
        found, whole = _scored(model, windows[start : start + SCORED])
        scores += [score if there else None for score, there in zip(found.tolist(), whole.tolist(), strict=True)]
        reasons += ["" if there else "the window is not wholly measured" for there in whole.tolist()]
    return scores, reasons


def windows_at(source: Source, rows: Places, columns: Places, k: int) -> npt.NDArray[Any]:
    """Cut the windows around some entries, NaN where nothing was measured, shape ``(M, k, k)``."""
    values = np.empty((len(rows), k, k), dtype=np.float64 if source.dtype.itemsize > 4 else np.float32)
    for index, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        block = source.block(row, column, 1, 1, (k // 2, k // 2))
        values[index] = block.values
        if block.missing is not None:
            values[index][block.missing] = np.nan
    return values


def neighbour_windows(source: Source, rows: Places, columns: Places, k: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the windows of some edges of a graph, cut by nearness, in batches.

    Raises:
        InputError: the graph has too few nodes for such windows, or too many to look at all pairs.
    """
    nodes = source.shape[0]
    if nodes < 2 * k or nodes > ROOM:
        raise InputError(f"windows of side {k} are cut from graphs of {2 * k} to {ROOM} nodes, not of {nodes}")
    block = source.block(0, 0, nodes, nodes, (0, 0))
    joined = block.values != 0
    if block.missing is not None:
        joined &= ~block.missing
    adjacency = np.where(joined, block.values, 0).astype(np.float32)
    directed = not np.array_equal(adjacency, adjacency.T)
    subgraph = Subgraph(np.arange(nodes), adjacency, joined, directed)
    step = max(1, 2**22 // nodes)
    for start in range(0, len(rows), step):
        centre = np.stack([rows[start : start + step], columns[start : start + step]], axis=1)
        yield blocks(adjacency, *cut_neighbours(subgraph, centre, k))
