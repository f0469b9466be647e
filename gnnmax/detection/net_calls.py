"""Calls of a net on a whole matrix: the maxima of its score map, beside the answer of the rule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import structs

from gnnmax.detection.false_discovery_rate import Decoys, discoveries_in, selected
from gnnmax.detection.filters import FILTERS, without_filters
from gnnmax.detection.found_order import in_given_order
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.score_maps import MatrixScores, ScoreMapper, WindowScores, search_by, with_workers
from gnnmax.detection.search import prepare_matrix, search_matrix
from gnnmax.detection.search_options import SearchOptions, Sides, refuse_old_names
from gnnmax.errors import InputError
from gnnmax.io.workers import ExecutorLike
from gnnmax.models.maps.trained import TrainedMapModel
from gnnmax.models.model_folders import load_net
from gnnmax.models.trained import TrainedModel
from gnnmax.task.tabulation import data_frame

__all__ = ["Calls", "as_mapper", "find_calls", "load_mapper", "rule_answers"]


@dataclass(frozen=True, eq=False)
class Calls:
    """The calls of a net on a matrix, the highest score first.

    Attributes:
        maxima: The maxima of its score map: ``values`` are those of the matrix, ``scores`` those of the net.
        is_maximum: Whether the rule, searching the matrix itself with the same windows, finds a maximum there.
        rule_maxima: Number of the rule's maxima, whatever threshold and filters say.
        q: The least false-discovery rate of a list that contains the call, ``(M,)``; None without decoys.
    """

    maxima: Maxima
    is_maximum: npt.NDArray[np.bool_]
    rule_maxima: int
    q: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.maxima)

    @property
    def agreement(self) -> float | None:
        """The share of the calls that are maxima by the rule; None if there is no call."""
        return float(self.is_maximum.mean()) if len(self) else None

    def __repr__(self) -> str:
        agreement = "" if self.agreement is None else f", {self.agreement:.1%} of them maxima by the rule"
        return f"<Calls: {len(self):,} by {self.maxima.by}, mode {self.maxima.mode}{agreement}>"

    def to_pandas(self) -> Any:
        """Return a data frame, one row a call, the highest score first, with the columns of ``gnnmax detect --by``."""
        columns = self.maxima.columns_by_name() | {"maximum": self.is_maximum}
        return data_frame(columns if self.q is None else {**columns, "q": self.q})


def find_calls(
    matrix: Any,
    by: Any,
    k: Sides = 9,
    *,
    decoys: Decoys | None = None,
    rng: np.random.Generator | None = None,
    draws: int = 10,
    workers: int = 1,
    executor: ExecutorLike | None = None,
    **options: Any,
) -> Calls:
    """Find the maxima of a net's score map of a matrix.

    The net scores the window around every entry, or in mode ``graph`` that of every edge. The score map is then
    searched exactly as :func:`gnnmax.find_maxima` searches a matrix: windows, ties, border, missing entries, minimum
    distance and filters mean the same; ``threshold`` and ``margin`` refer to scores. Entries without a score are
    missing.

    With decoys, each call has a q-value: the net's score is compared with its scores of calls in shuffled matrices, see
    :func:`gnnmax.detection.false_discovery`.

    Args:
        matrix: As for :func:`gnnmax.find_maxima`.
        by: The net: the name of a shipped model, the folder of a trained one, a trained model, another scorer of
            windows, or a :class:`gnnmax.detection.score_maps.ScoreMapper`.
        k: Side of the windows.
        decoys: ``shuffle`` or ``distance``; None computes no q-values.
        rng: The source of the shuffles, where there are decoys.
        draws: Number of decoys.
        workers: Number of worker processes, which score strips of rows for a net that reads windows; the calls do not
            depend on it. In mode graph, edges are scored in this process.
        executor: As for :func:`gnnmax.score_everywhere`.
        **options: Further fields of :class:`gnnmax.detection.SearchOptions`, as for :func:`gnnmax.find_maxima`.

    Returns:
        The calls, and what the rule says of their places.

    Raises:
        InputError: as for :func:`gnnmax.find_maxima`; an unknown net; a net that cannot read such a matrix, or has no
            score for any entry.

    Example:
        >>> matrix = np.random.default_rng(0).normal(size=(30, 30))
        >>> matrix[11:14, 19:22] += 5 * np.outer([0.5, 1, 0.5], [0.5, 1, 0.5])
        >>> calls = find_calls(matrix, "cnn-natural", top=1)
        >>> calls.maxima.rows, calls.maxima.columns, calls.agreement
        (array([12]), array([20]), 1.0)
    """
    refuse_old_names(options)
    search, mapper = SearchOptions(k, **options), with_workers(as_mapper(by), workers, executor)
    if (decoys is None) != (rng is None):
        raise InputError(
            "decoys and rng come together: give decoys='shuffle' and rng=np.random.default_rng(0), or none"
        )
    source = prepare_matrix(matrix, search)
    if decoys is None or rng is None:
        maxima, q = search_by(mapper, source, search), None
    else:
        found = discoveries_in(source, search, decoys=decoys, rng=rng, draws=draws, by=mapper)
        found = selected(source, found, search, None)
        maxima, q = found.maxima, found.q
    return Calls(in_given_order(source, maxima), *rule_answers(source, maxima, search), q)


def rule_answers(source: MatrixSource, calls: Maxima, options: SearchOptions) -> tuple[npt.NDArray[np.bool_], int]:
    """Return which calls are maxima of the matrix by the rule, and how many maxima it has.

    The rule searches with the same windows, ties and border, without threshold and filters, which refer to scores.
    """
    plain = without_filters(options, *(one.option for one in FILTERS))
    maxima = search_matrix(source, structs.replace(plain, threshold=None, triangle="both"))
    width = source.shape[1]
    found = np.isin(calls.rows * width + calls.columns, maxima.rows * width + maxima.columns)
    pairs = int((maxima.rows <= maxima.columns).sum()) if source.undirected else len(maxima)
    return found, pairs


def as_mapper(by: Any) -> ScoreMapper:
    """Return a net as one that scores a whole matrix.

    Raises:
        InputError: an unknown net, or an object that is none.
    """
    if isinstance(by, (str, Path)):
        return load_mapper(by)
    if hasattr(by, "score") and hasattr(by, "reads"):
        mapper: ScoreMapper = by
        return mapper
    if not callable(by) and not hasattr(by, "score_matrix"):
        raise InputError(
            f"a net is the name of a shipped model, a folder, or a scorer of windows, not {type(by).__name__}: give "
            "by='cnn', or load_model(folder)"
        )
    if hasattr(by, "score_matrix"):
        return MatrixScores(by, str(getattr(by, "name", type(by).__name__)))
    name = getattr(by, "name", None) or getattr(by, "__name__", None) or type(by).__name__
    return WindowScores(by, str(name))


def load_mapper(path: str | Path, device: str = "auto", *, net: Any = None, allow_changed: bool = False) -> ScoreMapper:
    """Load a trained net, on windows or on maps; the arguments are those of :func:`gnnmax.load_model`.

    Raises:
        InputError: as for :func:`gnnmax.load_model`.
    """
    found = load_net(path, device, net=net, allow_changed=allow_changed)
    if found.card.on_maps:
        return MatrixScores(TrainedMapModel.of(found), str(path))
    return WindowScores(TrainedModel.of(found), str(path))
