"""Cross-validation over graphs: folds that never part the windows of one graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.task.scorers import checked_scores
from gnnmax.task.windows import Windows

__all__ = ["graph_folds", "out_of_fold_scores"]

Index = npt.NDArray[np.intp]


def graph_folds(
    windows: Windows | npt.ArrayLike,
    folds: int = 5,
    *,
    graph: npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
) -> Iterator[tuple[Index, Index]]:
    """Split windows into folds by graph, never by window: windows of one graph resemble each other.

    Folds hold about as many windows of each class as each other, by scikit-learn's ``StratifiedGroupKFold``.

    Args:
        windows: Windows; or a label array of shape ``(N,)``, with ``graph``.
        folds: Number of folds, at least 2 and at most the number of graphs.
        graph: Number or name of each window's graph, shape ``(N,)``; None takes those of the windows.
        rng: Shuffles the graphs; None leaves them in order.

    Yields:
        Indices of the training windows and of the test windows, each window in the test of one fold.

    Raises:
        InputError: labels without graphs, or fewer graphs than folds.

    Example:
        >>> label, graph = np.arange(12) % 2 == 0, np.repeat([3, 5, 7], 4)
        >>> for train, test in graph_folds(label, 3, graph=graph):
        ...     print(sorted(set(graph[train].tolist())), sorted(set(graph[test].tolist())))
        [5, 7] [3]
        [3, 7] [5]
        [3, 5] [7]
    """
    from sklearn.model_selection import StratifiedGroupKFold

    data = EvaluationSet.of(windows, graph=graph)
    if data.graph is None:
        raise InputError("folds are split by graph: give graph=, the number or name of each window's graph")
    if isinstance(folds, bool) or not isinstance(folds, int) or not 2 <= folds <= data.n_graphs:
        raise InputError(f"folds must be an integer from 2 to the number of graphs, {data.n_graphs}, not {folds!r}")
    order = np.arange(data.n_graphs) if rng is None else rng.permutation(data.n_graphs)
    unit = order[data.unit]
    place = np.argsort(unit, kind="stable")  # the splitter breaks ties by the order of the graphs
    splitter = StratifiedGroupKFold(folds)
    for train, test in splitter.split(place, data.label[place], groups=unit[place]):
        yield np.sort(place[train]), np.sort(place[test])


def out_of_fold_scores(
    fit: Callable[[Windows], Any], windows: Windows, folds: int = 5, *, rng: np.random.Generator | None = None
) -> npt.NDArray[np.float64]:
    """Score every window by a scorer that was fitted on the graphs of the other folds.

    Args:
        fit: Takes the training windows of a fold, returns a scorer.
        windows: Windows of at least as many graphs as folds.
        folds: As in :func:`graph_folds`.
        rng: As in :func:`graph_folds`.

    Returns:
        Scores, shape ``(N,)``, to hand to :func:`gnnmax.evaluate`: its intervals are over graphs, and do not know that
        the folds share training windows.

    Raises:
        InputError: as :func:`graph_folds`, or scores that are refused.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(60, 3, 3)))
        >>> scores = out_of_fold_scores(lambda train: RULES["argmax"], w)
        >>> bool((scores == RULES["argmax"](w)).all())
        True
    """
    scores = np.empty(len(windows))
    for train, test in graph_folds(windows, folds, rng=rng):
        scores[test] = checked_scores(fit(windows[train]), windows[test], len(test))
    return scores
