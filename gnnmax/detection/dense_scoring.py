"""Scores of trained nets for some entries of a matrix, or for every one: a score map."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.data.subgraphs.subgraph import Subgraph
from gnnmax.data.subgraphs.window_extraction import blocks, cut_neighbours
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.search import search_matrix
from gnnmax.detection.search_options import SearchOptions
from gnnmax.errors import InputError
from gnnmax.task.windows import Windows

__all__ = [
    "ROOM",
    "RuleComparison",
    "Scorer",
    "compare_with_rule",
    "score_everywhere",
    "score_map",
    "score_windows",
    "windows_around",
    "windows_at",
]

Scorer = Callable[[Windows], npt.NDArray[Any]]
Places = npt.NDArray[np.intp]

SCORED = 4096
"""Windows scored together."""

STRIP = 256
"""Rows of a matrix that are convolved together."""

ROOM = 4096
"""Most nodes of a graph from which windows are cut: the cut compares all pairs of nodes."""


def score_everywhere(model: Scorer, matrix: Any, k: int = 9, *, missing: Any = None) -> npt.NDArray[np.float32]:
    """Score the window around every entry of a matrix.

    A net that standardises each window needs the windows one by one, in batches. A convolution tower on raw values
    (``encoding = "none"``) is applied to the matrix itself, with the same scores, see
    :mod:`gnnmax.models.images.dense_tower`.

    Cost: one window for each entry. A tower costs 20 to 30 times less; with zero padding, 5 to 7 times less.

    Args:
        model: A scorer of windows, such as :func:`gnnmax.load_model` returns.
        matrix: As for :func:`gnnmax.find_maxima`, shape ``(n, m)``.
        k: Side of the windows.
        missing: True where nothing was measured.

    Returns:
        The score map, shape ``(n, m)``, float32; NaN where the window is not wholly inside the matrix and measured.

    Example:
        >>> from gnnmax import RULES
        >>> matrix = np.zeros((5, 5), dtype=np.float32)
        >>> matrix[2, 3] = 1
        >>> (score_everywhere(RULES["argmax"], matrix, k=3) > 0).nonzero()
        (array([2]), array([3]))
    """
    return score_map(model, as_source(matrix, missing=missing), k)


def score_map(model: Scorer, source: MatrixSource, k: int) -> npt.NDArray[np.float32]:
    """Score the window around every entry of a matrix that was read; see :func:`score_everywhere`."""
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


class RuleComparison(NamedTuple):
    """How the windows that a net calls centred compare with the strict maxima.

    Attributes:
        windows: Number of windows that are wholly measured.
        called: Number of these that the net calls centred.
        kept: Number of the called ones that are strict maxima. Only these remain if the net scores maxima alone.
    """

    windows: int
    called: int
    kept: int

    @property
    def recall(self) -> float | None:
        """The share of the called windows that are strict maxima; None if the net calls none centred."""
        return self.kept / self.called if self.called else None


def compare_with_rule(scores: npt.NDArray[np.float32], source: MatrixSource, k: int) -> RuleComparison:
    """Compare a net's score map with the strict rule.

    Example:
        >>> from gnnmax import RULES
        >>> matrix = np.random.default_rng(0).random((20, 20))
        >>> compared = compare_with_rule(score_everywhere(RULES["nms"], matrix, k=3), as_source(matrix), 3)
        >>> compared.windows, compared.recall
        (324, 1.0)
    """
    maxima = search_matrix(source, SearchOptions(k, border="drop", triangle="both"))
    called = scores > 0
    kept = int(called[maxima.rows, maxima.columns].sum())
    return RuleComparison(int((~np.isnan(scores)).sum()), int(called.sum()), kept)


def _scored(
    model: Scorer, windows: npt.NDArray[Any], *, partly: bool = False
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return the scores of windows that are measured, wholly or at least partly, NaN for others; and their mask."""
    scores = np.full(len(windows), np.nan, dtype=np.float32)
    middle = windows.shape[-1] // 2
    centred = ~np.isinf(windows).any(axis=(1, 2)) & ~np.isnan(windows[:, middle, middle])
    whole = centred if partly else np.isfinite(windows).all(axis=(1, 2))
    if whole.any():
        scores[whole] = model(Windows.from_values(windows[whole]))
    return scores, whole


def score_windows(model: Scorer, windows: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Score windows that may be partly measured, some thousands at a time.

    Args:
        model: A scorer of windows.
        windows: Shape ``(M, k, k)``, NaN where nothing was measured.

    Returns:
        The scores, shape ``(M,)``, NaN where a window is not wholly measured; and the mask of the windows that are. A
        model that takes missing entries (``takes_missing``) scores all windows whose centre was measured.

    Example:
        >>> from gnnmax import RULES
        >>> score_windows(RULES["argmax"], np.array([np.eye(3), np.full((3, 3), np.nan)]))
        (array([-1.5,  nan], dtype=float32), array([ True, False]))
    """
    score = functools.partial(_scored, model, partly=getattr(model, "takes_missing", False))
    parts = [score(windows[start : start + SCORED]) for start in range(0, max(len(windows), 1), SCORED)]
    return np.concatenate([scores for scores, _ in parts]), np.concatenate([whole for _, whole in parts])


def windows_around(
    source: MatrixSource, rows: Places, columns: Places, k: int, *, cut: npt.NDArray[np.bool_], graph: bool
) -> Iterator[npt.NDArray[np.float64]]:
    """Cut the windows around some entries, in batches of some thousands.

    Args:
        source: The matrix.
        rows: Row of each entry, shape ``(M,)``.
        columns: Column of each.
        k: Side of the windows.
        cut: False where an entry gets a window of NaN.
        graph: Whether windows are cut from the nearest nodes to both ends of an edge, not from adjacent places.

    Returns:
        Batches of shape ``(B, k, k)``, float64, NaN where nothing was measured; at least one batch, which may be empty.

    Raises:
        InputError: the graph has too few nodes for such windows, or too many to compare all pairs.
    """
    cutter = _neighbour_cutter(source, k) if graph and cut.any() else functools.partial(windows_at, source, k=k)

    def batches() -> Iterator[npt.NDArray[np.float64]]:
        for start in range(0, max(len(rows), 1), SCORED):
            here = slice(start, start + SCORED)
            windows, chosen = np.full((len(rows[here]), k, k), np.nan), cut[here]
            if chosen.any():
                windows[chosen] = cutter(rows[here][chosen], columns[here][chosen])
            yield windows

    return batches()


def windows_at(source: MatrixSource, rows: Places, columns: Places, *, k: int) -> npt.NDArray[Any]:
    """Cut the windows around some entries, shape ``(M, k, k)``, NaN where an entry is missing."""
    values = np.empty((len(rows), k, k), dtype=np.float64 if source.dtype.itemsize > 4 else np.float32)
    for index, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        block = source.block(row, column, 1, 1, (k // 2, k // 2))
        values[index] = block.values
        if block.missing is not None:
            values[index][block.missing] = np.nan
    return values


def _neighbour_cutter(source: MatrixSource, k: int) -> Callable[[Places, Places], npt.NDArray[np.float32]]:
    """Return a function that cuts the windows of edges of a graph: the nearest nodes to their ends."""
    nodes = source.shape[0]
    if nodes < 2 * k or nodes > ROOM:
        raise InputError(f"windows of side {k} are cut from graphs of {2 * k} to {ROOM} nodes, not of {nodes}")
    block = source.block(0, 0, nodes, nodes, (0, 0))
    edge_mask = block.values != 0
    if block.missing is not None:
        edge_mask &= ~block.missing
    adjacency = np.where(edge_mask, block.values, 0).astype(np.float32)
    directed = not np.array_equal(adjacency, adjacency.T)
    subgraph = Subgraph(np.arange(nodes), adjacency, edge_mask, directed)
    step = max(1, 2**22 // nodes)

    def cut(rows: Places, columns: Places) -> npt.NDArray[np.float32]:
        centres = np.stack([rows, columns], axis=1)
        some = (centres[start : start + step] for start in range(0, len(centres), step))
        return np.concatenate([blocks(adjacency, *cut_neighbours(subgraph, centre, k)) for centre in some])

    return cut
