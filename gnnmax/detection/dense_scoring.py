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
from gnnmax.detection.pair_cells import repeated_cells
from gnnmax.detection.search import search_matrix
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.window_cuts import windows_at, with_nan
from gnnmax.detection.window_values import as_floats, as_read
from gnnmax.errors import InputError, failure_of
from gnnmax.task.windows import Windows

__all__ = [
    "NOT_WHOLE",
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

NOT_WHOLE = "the window is not wholly measured"
INFINITE = "the window holds infinite values"
MERGED = "float32, in which nets calculate, does not separate the centre from other values of the window"


def score_everywhere(
    model: Scorer, matrix: Any, k: int = 9, *, missing: Any = None, directed: bool | None = None
) -> npt.NDArray[np.float32]:
    """Score the window around every entry of a matrix.

    A net that standardises each window needs the windows one by one, in batches. A convolution tower on raw values
    (``encoding = "none"``) is applied to the matrix itself, with the same scores, see
    :mod:`gnnmax.models.images.dense_tower`.

    In an undirected matrix, a window near the diagonal holds some pairs in two cells. The second one counts as missing,
    as in :func:`gnnmax.find_maxima`; so only a model that takes missing entries scores such a window.

    Cost: one window for each entry. A tower costs 20 to 30 times less; with zero padding, 5 to 7 times less.

    Args:
        model: A scorer of windows, such as :func:`gnnmax.load_model` returns.
        matrix: As for :func:`gnnmax.find_maxima`, shape ``(n, m)``.
        k: Side of the windows.
        missing: True where nothing was measured.
        directed: As for :func:`gnnmax.find_maxima`.

    Returns:
        The score map, shape ``(n, m)``, float32; NaN where the window is not wholly inside the matrix and measured, and
        where the model cannot read it in the order of its values, see :func:`score_windows`.

    Example:
        >>> from gnnmax import RULES
        >>> matrix = np.zeros((5, 5), dtype=np.float32)
        >>> matrix[2, 3] = 1
        >>> (score_everywhere(RULES["argmax"], matrix, k=3) > 0).nonzero()
        (array([2]), array([3]))
    """
    return score_map(model, as_source(matrix, missing=missing, directed=directed), k)


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
        values = with_nan(block.values, block.missing)
        part = scores[row : row + rows, half : m - half]
        if convolved is None:
            part[:] = _scores_of_strip(model, values, (row, half), k, pairs=source.undirected)
        else:
            part[:] = convolved(values).reshape(part.shape)
            if source.undirected:  # towers take no missing entries
                part[_near_diagonal(row, half, part.shape, k)] = np.nan
    if convolved is not None:
        _leave_out_merged(scores, source, k)
    places = np.arange(n), np.arange(m)
    for axis, (place, (first, last)) in enumerate(zip(places, source.parts.limits(*places), strict=True)):
        across = (place - half < first) | (place + half >= last)  # the window reaches across a break
        scores[(slice(None),) * axis + (across,)] = np.nan
    return scores


def _leave_out_merged(scores: npt.NDArray[np.float32], source: MatrixSource, k: int) -> None:
    """Set the scores of windows to NaN that are centred, and tied in float32; rounding changes no others."""
    if as_floats(np.empty(0, dtype=source.dtype)).dtype == np.float32:
        return
    maxima = search_matrix(source, SearchOptions(k, border="drop", triangle="both"))
    places, start = (maxima.rows.astype(np.intp), maxima.columns.astype(np.intp)), 0
    for windows in windows_around(source, *places, k, cut=np.ones(len(maxima), dtype=np.bool_), graph=False):
        merged = start + np.flatnonzero(~as_read(windows, "none")[1])
        scores[places[0][merged], places[1][merged]] = np.nan
        start += len(windows)


def _scores_of_strip(
    model: Scorer, values: npt.NDArray[Any], first: tuple[int, int], k: int, *, pairs: bool
) -> npt.NDArray[np.float32]:
    """Score the windows of a strip of a matrix, the first of them centred on the entry ``first``."""
    windows = np.lib.stride_tricks.sliding_window_view(values, (k, k))
    shape, windows = windows.shape[:2], windows.reshape(-1, k, k)
    if not pairs:
        return _scored(model, windows).reshape(shape)
    windows = np.array(windows)  # a copy
    near = np.flatnonzero(_near_diagonal(*first, shape, k))
    rows, columns = np.divmod(near, shape[1])
    again = repeated_cells(rows + first[0], columns + first[1], (k, k))
    whole = np.isfinite(windows[near]).all(axis=(1, 2))
    windows[near[:, None, None], np.arange(k)[:, None], np.arange(k)] = np.where(again, np.nan, windows[near])
    scores = _scored(model, windows)
    if getattr(model, "takes_missing", False):
        scores[near[whole]] = _scored(model, windows[near[whole]], partly=True)
    return scores.reshape(shape)


def _near_diagonal(row: int, column: int, shape: tuple[int, ...], k: int) -> npt.NDArray[np.bool_]:
    """Mark the entries of a block whose windows hold pairs in two cells: both ends are among rows and columns."""
    apart = np.arange(row, row + shape[0])[:, None] - np.arange(column, column + shape[1])
    return np.asarray(np.abs(apart) < k - 1)


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


def _scored(model: Scorer, windows: npt.NDArray[Any], *, partly: bool = False) -> npt.NDArray[np.float32]:
    """Return the scores of windows that are measured, wholly or at least partly; NaN for others."""
    scores = np.full(len(windows), np.nan, dtype=np.float32)
    read, reasons = _as_read_by(model, windows, partly=partly)
    if len(read):
        scores[reasons == ""] = model(Windows.from_values(read))
    return scores


def _as_read_by(
    model: Scorer, windows: npt.NDArray[Any], *, partly: bool
) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
    """Return the windows that a model can score, as it reads them; and the reason for each other one, "" if none."""
    encoding, middle = getattr(model, "encoding", ""), windows.shape[-1] // 2
    reasons, missing = np.full(len(windows), "", dtype=object), np.isnan(windows)
    reasons[missing[:, middle, middle] if partly else missing.any(axis=(1, 2))] = NOT_WHOLE
    if encoding != "rank":  # infinite values have ranks
        reasons[(reasons == "") & np.isinf(windows).any(axis=(1, 2))] = INFINITE
    measured = np.flatnonzero(reasons == "")
    read, same = as_read(windows[measured], encoding)
    reasons[measured[~same]] = MERGED
    return read[same], reasons


def score_windows(model: Scorer, windows: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
    """Score windows that may be partly measured, some thousands at a time, and say why one has no score.

    A model with an attribute ``encoding`` gets windows in a form that keeps the order of their values, which float32
    may merge: their ranks for ``rank``, values on the scale of the window for ``standard``. Others get the rounded
    values, and no window that the rounding makes tied.

    Args:
        model: A scorer of windows.
        windows: Shape ``(M, k, k)``, NaN where nothing was measured.

    Returns:
        The scores, shape ``(M,)``, NaN where a window is not wholly measured, where the model cannot read it, or where
        the model fails; and the reason for each of these, "" for others. A model that takes missing entries
        (``takes_missing``) scores all windows whose centre was measured.

    Example:
        >>> from gnnmax import RULES
        >>> score_windows(RULES["argmax"], np.array([np.eye(3), np.full((3, 3), np.nan)]))
        (array([-1.5,  nan], dtype=float32), array(['', 'the window is not wholly measured'], dtype=object))
    """
    partly = getattr(model, "takes_missing", False)
    scores, reasons = np.full(len(windows), np.nan, dtype=np.float32), np.full(len(windows), "", dtype=object)
    for start in range(0, len(windows), SCORED):
        here = slice(start, start + SCORED)
        read, reasons[here] = _as_read_by(model, windows[here], partly=partly)
        readable = start + np.flatnonzero(reasons[here] == "")
        try:
            if len(read):
                scores[readable] = model(Windows.from_values(read))
        except (InputError, MemoryError, RuntimeError) as error:
            reasons[readable] = failure_of(error)
    return scores, reasons


def windows_around(
    source: MatrixSource, rows: Places, columns: Places, k: int, *, cut: npt.NDArray[np.bool_], graph: bool
) -> Iterator[npt.NDArray[Any]]:
    """Cut the windows around some entries, in batches of some thousands.

    Args:
        source: The matrix.
        rows: Row of each entry, shape ``(M,)``.
        columns: Column of each.
        k: Side of the windows.
        cut: False where an entry gets a window of NaN.
        graph: Whether windows are cut from the nearest nodes to both ends of an edge, not from adjacent places.

    Returns:
        Batches of shape ``(B, k, k)``, exact in floating point, NaN where nothing was measured; at least one batch,
        which may be empty.

    Raises:
        InputError: the graph has too few nodes for such windows, or too many to compare all pairs.
    """
    cutter = _neighbour_cutter(source, k) if graph and cut.any() else functools.partial(windows_at, source, k=k)

    def batches() -> Iterator[npt.NDArray[Any]]:
        for start in range(0, max(len(rows), 1), SCORED):
            here = slice(start, start + SCORED)
            chosen = cut[here]
            found = cutter(rows[here][chosen], columns[here][chosen]) if chosen.any() else np.empty((0, k, k))
            windows = np.full((len(chosen), k, k), np.nan, dtype=found.dtype)
            windows[chosen] = found
            yield windows

    return batches()


def _neighbour_cutter(source: MatrixSource, k: int) -> Callable[[Places, Places], npt.NDArray[Any]]:
    """Return a function that cuts the windows of edges of a graph: the nearest nodes to their ends."""
    nodes = source.shape[0]
    if nodes < 2 * k or nodes > ROOM:
        raise InputError(f"windows of side {k} are cut from graphs of {2 * k} to {ROOM} nodes, not of {nodes}")
    block = source.block(0, 0, nodes, nodes, (0, 0))
    edge_mask = block.values != 0
    if block.missing is not None:
        edge_mask &= ~block.missing
    adjacency = as_floats(np.where(edge_mask, block.values, block.values.dtype.type(0)))
    subgraph = Subgraph(np.arange(nodes), adjacency, edge_mask, not source.undirected)
    step = max(1, 2**22 // nodes)

    def cut(rows: Places, columns: Places) -> npt.NDArray[Any]:
        centres = np.stack([rows, columns], axis=1)
        some = (centres[start : start + step] for start in range(0, len(centres), step))
        return np.concatenate([blocks(adjacency, *cut_neighbours(subgraph, centre, k)) for centre in some])

    return cut
