"""Score maps: the score of a trained net for the window around every entry of a matrix."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.score_strips import StripScorer
from gnnmax.detection.search import search_matrix
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.window_scoring import Scorer
from gnnmax.io.workers import ExecutorLike, check_workers

__all__ = ["RuleComparison", "compare_with_rule", "score_everywhere", "score_map"]


def score_everywhere(
    model: Scorer,
    matrix: Any,
    k: int = 9,
    *,
    missing: Any = None,
    directed: bool | None = None,
    workers: int = 1,
    executor: ExecutorLike | None = None,
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
        workers: Number of worker processes, which score strips of rows; the scores do not depend on it.
        executor: Any executor of ``concurrent.futures``, or a function that makes one, in place of worker processes of
            our own; see :func:`gnnmax.io.ordered_map.map_ahead`.

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
    source = as_source(matrix, missing=missing, directed=directed)
    return score_map(model, source, k, workers=workers, executor=executor)


def score_map(
    model: Scorer, source: MatrixSource, k: int, *, workers: int = 1, executor: ExecutorLike | None = None
) -> npt.NDArray[np.float32]:
    """Score the window around every entry of a matrix that was read; see :func:`score_everywhere`."""
    check_workers(workers, executor)
    score = StripScorer.of(model, source, k)
    return np.concatenate([strip for _, strip in score.scored(workers=workers, executor=executor)])


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
