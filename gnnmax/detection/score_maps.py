"""Search by a net: its score map takes the place of the matrix, and the search is that of the rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from gnnmax.detection.graph_mode import edges_of
from gnnmax.detection.local_scores import local_scores
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.neighbourhood_windows import NeighbourhoodCutter
from gnnmax.detection.score_strips import StripScorer, check_contexts
from gnnmax.detection.search import search_matrix
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.sparse_storage import UpperTriangle
from gnnmax.detection.storage import Places
from gnnmax.detection.tiled_scores import TiledScores
from gnnmax.detection.window_cuts import with_nan
from gnnmax.detection.window_scoring import Scorer, needs_contexts, score_windows
from gnnmax.detection.window_values import in_order
from gnnmax.errors import InputError
from gnnmax.io.workers import ExecutorLike, check_workers

__all__ = [
    "MatrixScores",
    "Reads",
    "ScoreMapper",
    "WindowScores",
    "as_calls",
    "score_matrix",
    "score_source",
    "search_by",
    "with_workers",
]

Reads = Literal["windows", "windows with contexts", "the whole matrix"]
"""The part of a matrix that a net reads to score one entry."""

EVERYWHERE = 2**28
"""Most entries of a matrix that a net scores one by one: 16,384 x 16,384."""

WHOLE = 2**24
"""Most entries of a matrix that a net reads at once: 4,096 x 4,096."""

TOGETHER = 2**14
"""Edges whose windows are cut together."""


class ScoreMapper(Protocol):
    """A net that scores every entry of a matrix, or every edge of a graph."""

    @property
    def name(self) -> str:
        """How calls name the net."""

    @property
    def reads(self) -> Reads:
        """What it reads to score one entry."""

    @property
    def weights_sha256(self) -> str | None:
        """Digest of its weights; None if it has no card."""

    def score(self, source: MatrixSource, options: SearchOptions) -> MatrixSource:
        """Return the score map: a matrix of the same shape, NaN where there is no score; in mode graph, of the edges.

        Raises:
            InputError: the net cannot read such a matrix.
        """
        ...


@dataclass(frozen=True, eq=False)
class WindowScores:
    """A net that scores windows, applied to the windows around all entries, or to those of all edges.

    In mode ordered, the window of an entry holds the ``k`` rows and columns around it. A net that takes missing entries
    scores each window whose centre was measured, with ``border = "drop"`` only whole ones, as other nets do always. Of
    an undirected matrix, entries ``(i, j)`` with ``i <= j`` are scored. In mode graph, the window of an edge holds the
    nodes nearest to its ends, see :mod:`gnnmax.detection.neighbourhood_windows`. Contexts are cut from the matrix.

    Attributes:
        model: The net.
        name: How calls name it.
        workers: Number of worker processes that score all entries, strip by strip; the scores do not depend on it.
        executor: Scores in place of worker processes, see :func:`gnnmax.io.ordered_map.map_ahead`.
    """

    model: Scorer
    name: str
    workers: int = 1
    executor: ExecutorLike | None = None

    @property
    def weights_sha256(self) -> str | None:
        """Digest of its weights; None if it has no card."""
        return _digest_of(self.model)

    @property
    def reads(self) -> Reads:
        """What it reads to score one entry."""
        return "windows with contexts" if needs_contexts(self.model) else "windows"

    def score(self, source: MatrixSource, options: SearchOptions) -> MatrixSource:
        """Return the score map, see :class:`ScoreMapper`.

        Cost: one window for each entry, or for each edge. The map is kept in tiles, on disk if it is large; in mode
        graph it takes 4 bytes for each edge.

        Raises:
            InputError: windows that are not square, a matrix that is too large, or one without contexts for a net that
                reads them.
        """
        rows, columns = min(options.scales)
        if rows != columns:
            raise InputError(f"the net {self.name} takes square windows, not {rows} x {columns}: give one side k")
        _check_side(self.model, rows)
        check_contexts(self.model, source)
        scores = self._of_edges(source, rows) if options.mode == "graph" else self._everywhere(source, options)
        return score_source(source, scores)

    def _everywhere(self, source: MatrixSource, options: SearchOptions) -> TiledScores:
        n, m = source.shape
        if n * m > EVERYWHERE:
            raise InputError(
                f"a net scores the window around each entry, of at most {EVERYWHERE:,} entries, not {n:,} x {m:,}: "
                "search a part of the matrix, or use mode graph, where it scores edges alone"
            )
        partly = options.border == "shrink"
        score = StripScorer.of(self.model, source, min(options.scales)[0], partly=partly, upper=source.undirected)
        scores = TiledScores((n, m), side=score.height, mirrored=source.undirected)
        for row, strip in score.scored(workers=self.workers, executor=self.executor):
            scores.write(row, strip)
        return scores

    def _of_edges(self, source: MatrixSource, k: int) -> Any:
        """Return a sparse matrix of the scores of all edges."""
        cutter = NeighbourhoodCutter.of(source, k)

        def score(rows: Places, columns: Places) -> npt.NDArray[np.float32]:
            parts = [slice(start, start + TOGETHER) for start in range(0, len(rows), TOGETHER)]
            found = [_edge_scores(self.model, cutter, rows[part], columns[part]) for part in parts]
            return np.concatenate([np.empty(0, dtype=np.float32), *found])

        return _at_edges(source, score)


def _edge_scores(model: Scorer, cutter: NeighbourhoodCutter, rows: Places, columns: Places) -> npt.NDArray[np.float32]:
    """Score some edges of a graph, independently of all others.

    In sparse graphs many windows hold little but their centre. A net that reads ranks scores only one of those whose
    entries are in the same order; the others have the same score, to the bit. It gets these ranks in place of values.
    """
    batch = cutter.cut(rows, columns, contexts=needs_contexts(model))
    if getattr(model, "encoding", "") != "rank" or needs_contexts(model):
        return score_windows(model, batch)[0]
    windows = in_order(batch.values)
    ranks = windows.reshape(len(batch), windows[0].size if len(batch) else 1)
    _, first, which = np.unique(
        ranks.view(f"V{ranks.itemsize * ranks.shape[1]}"), return_index=True, return_inverse=True
    )
    return score_windows(model, windows[first])[0][which.reshape(-1)]


def _check_side(model: Scorer, k: int) -> None:
    """Refuse windows of a side that a net does not accept."""
    card = getattr(model, "card", None)
    if card is not None and not card.any_k and k != card.k:
        raise InputError(f"the net {card.name} accepts windows of side {card.k} only, not {k}: give --k {card.k}")


class WholeMatrixNet(Protocol):
    """A net that scores all entries of a matrix at once, such as a trained net on maps."""

    def score_matrix(self, matrix: npt.NDArray[Any], *, structure: Any) -> npt.NDArray[np.float32]:
        """Return a score for each entry of a matrix ``(n, m)``; NaN or infinite where there is none.

        Args:
            matrix: NaN where nothing was measured; float32. A net with the attribute ``encoding = "standard"``, which
                does not depend on the scale of the matrix, gets floating-point numbers that hold all values exactly.
            structure: ``symmetric``, ``directed`` or ``bipartite``, see :data:`gnnmax.task.map_model.Structure`.
        """
        ...


@dataclass(frozen=True, eq=False)
class MatrixScores:
    """A net that reads the whole matrix. In mode graph, the scores of the edges alone are searched.

    A net with a finite ``reach`` reads large matrices, and those of several parts, tile by tile in mode ordered, see
    :mod:`gnnmax.detection.local_scores`.

    Attributes:
        model: The net.
        name: How calls name it.
        reads: What it reads to score one entry.
        workers: Number of worker processes that score tiles, where it reads tiles; the scores do not depend on it.
        executor: Scores in place of worker processes, see :func:`gnnmax.io.ordered_map.map_ahead`.
    """

    model: WholeMatrixNet
    name: str
    reads: Reads = "the whole matrix"
    workers: int = 1
    executor: ExecutorLike | None = None

    @property
    def weights_sha256(self) -> str | None:
        """Digest of its weights; None if it has no card."""
        return _digest_of(self.model)

    def score(self, source: MatrixSource, options: SearchOptions) -> MatrixSource:
        """Return the score map, see :class:`ScoreMapper`.

        Raises:
            InputError: a matrix that is too large, or that the net refuses.
        """
        n, m = source.shape
        local = options.mode == "ordered" and getattr(self.model, "reach", None) is not None
        if local and (n * m > WHOLE or source.breaks is not None):
            net: Any = self.model  # it has a reach
            engine: dict[str, Any] = {"workers": self.workers, "executor": self.executor}
            return score_source(source, local_scores(net, source, options, name=self.name, **engine))
        if n * m > WHOLE:
            raise InputError(
                f"the net {self.name} reads the whole matrix, of at most {WHOLE:,} entries, not {n:,} x {m:,}: search "
                "a part of it, or by a net that reads windows"
            )
        block = source.block(0, 0, n, m, (0, 0))
        matrix = with_nan(block.values, block.missing)
        if getattr(self.model, "encoding", "") != "standard":
            matrix = _rounded(matrix, self.name)
        structure = "symmetric" if source.undirected else "directed" if n == m else "bipartite"
        scores = np.array(self.model.score_matrix(matrix, structure=structure), dtype=np.float32)
        scores[~np.isfinite(scores) | np.isnan(matrix)] = np.nan
        if options.mode == "graph":
            return score_source(source, _at_edges(source, lambda rows, columns: scores[rows, columns]))
        if source.undirected:
            scores = np.triu(scores) + np.triu(scores, 1).T
        return score_source(source, scores)


def _rounded(matrix: npt.NDArray[np.floating], name: str) -> npt.NDArray[np.float32]:
    """Round a matrix to float32.

    Raises:
        InputError: a value that float32 cannot hold.
    """
    with np.errstate(over="ignore", under="ignore"):
        rounded = matrix.astype(np.float32)
    if (np.isinf(rounded) & np.isfinite(matrix)).any():
        raise InputError(
            f"the net {name} reads single precision, which ends at {np.finfo(np.float32).max:.2g}: divide the matrix "
            "by a number first"
        )
    return rounded


def _at_edges(source: MatrixSource, score: Callable[[Places, Places], npt.NDArray[np.float32]]) -> Any:
    """Return a sparse matrix of the scores of all edges; of an undirected graph, those with row <= column."""
    from scipy.sparse import csr_array

    indptr, columns, _ = edges_of(source)
    rows, columns = np.repeat(np.arange(source.shape[0]), np.diff(indptr)), columns.astype(np.intp)
    if source.undirected:
        above = rows <= columns
        rows, columns = rows[above], columns[above]
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=source.shape[0]))])
    found = csr_array((score(rows, columns), columns, starts), shape=source.shape)
    return UpperTriangle(found) if source.undirected else found


def with_workers(mapper: ScoreMapper, workers: int, executor: ExecutorLike | None = None) -> ScoreMapper:
    """Let a net score a matrix by several processes.

    Raises:
        InputError: the net reads the whole matrix, or there are no such workers.

    Example:
        >>> from gnnmax import RULES
        >>> with_workers(WindowScores(RULES["argmax"], "rule"), 2).workers
        2
    """
    check_workers(workers, executor)
    if workers == 1 and executor is None:
        return mapper
    local = isinstance(mapper, MatrixScores) and getattr(mapper.model, "reach", None) is not None
    if not local and not isinstance(mapper, WindowScores):
        raise InputError(
            f"the net {mapper.name} reads {mapper.reads}, in one process: leave out workers and executor, or give a "
            "net that reads windows"
        )
    assert isinstance(mapper, WindowScores | MatrixScores)
    return replace(mapper, workers=workers, executor=executor)


def _digest_of(model: Any) -> str | None:
    card = getattr(model, "card", None)
    return None if card is None else str(card.weights_sha256)


def score_source(source: MatrixSource, scores: Any) -> MatrixSource:
    """Return a score map as a matrix with the names, parts and pairs of the one that was scored."""
    return replace(source, matrix=scores, missing=None, diagonal=True, unstored="missing", steps=())


def score_matrix(mapper: ScoreMapper, source: MatrixSource, options: SearchOptions) -> MatrixSource:
    """Return the score map of a net, and refuse one without any score.

    Raises:
        InputError: the net cannot read such a matrix, or has no score for any entry.
    """
    scores = mapper.score(source, options)
    if any(len(values) for values, _, _ in scores.measured()):
        return scores
    graph = options.mode == "graph"
    if graph and not len(edges_of(source)[1]):
        return scores
    if mapper.reads == "the whole matrix":
        raise InputError(
            f"no {'edge of the graph' if graph else 'entry of the matrix'} has a score of the net {mapper.name}: give "
            "a matrix with measured entries off its diagonal"
        )
    raise InputError(
        f"no {'edge of the graph' if graph else 'window of the matrix'} has a score of the net {mapper.name}: windows "
        f"of {options.sides[0]} x {options.sides[1]} must be measured; give a smaller k, or a net that takes missing "
        "entries"
    )


def search_by(mapper: ScoreMapper, source: MatrixSource, options: SearchOptions) -> Maxima:
    """Find the maxima of a net's score map: its calls, by the rule's own search.

    Args:
        mapper: The net.
        source: The matrix.
        options: How the score map is searched; threshold, margin and minimum distance refer to scores.

    Returns:
        The calls, the highest score first; ``values`` are those of the matrix, ``scores`` those of the net.
    """
    return as_calls(search_matrix(score_matrix(mapper, source, options), options), source, mapper)


def as_calls(maxima: Maxima, source: MatrixSource, mapper: ScoreMapper) -> Maxima:
    """Put the values of a matrix beside the scores of a net that were searched."""
    values = source.values_at(maxima.rows, maxima.columns)
    steps = tuple(step.name for step in source.steps)
    return replace(maxima, values=values, scores=maxima.values.astype(np.float64), steps=steps, by=mapper.name)
