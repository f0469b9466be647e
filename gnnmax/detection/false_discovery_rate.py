"""The false-discovery rate: the same search in matrices without local maxima, and q-values by comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt
from msgspec import structs

from gnnmax.detection.decoy_scope import Scope, entries_in, needed_scopes
from gnnmax.detection.filters import largest_of, without_filters
from gnnmax.detection.found_order import in_given_order
from gnnmax.detection.local_background_model import LocalModel
from gnnmax.detection.local_null import LocalNull
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.normalisation import normalise
from gnnmax.detection.permutation_null import PermutationNull, end_scores, window_means
from gnnmax.detection.relative_threshold import with_threshold
from gnnmax.detection.score_maps import ScoreMapper, as_calls, score_matrix
from gnnmax.detection.search import prepare_matrix, search_matrix
from gnnmax.detection.search_options import SearchOptions, Sides, refuse_old_names
from gnnmax.detection.shuffled_entries import StatisticError
from gnnmax.errors import InputError
from gnnmax.task.tabulation import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = [
    "Decoys",
    "Discoveries",
    "StatisticError",
    "discoveries_in",
    "false_discovery",
    "q_values",
    "selected",
    "undefined",
]

Decoys = Literal["shuffle", "distance"]
"""What is exchanged: all measured entries, or deviations from the background among similar entries."""


@dataclass(frozen=True, eq=False)
class Discoveries:
    """Maxima and their q-values.

    Attributes:
        maxima: As :func:`gnnmax.find_maxima` returns them.
        statistic: The number that is compared with the decoys, float64, shape ``(M,)``. With ``shuffle`` it is the mean
            of the measured entries of the window, scores if the matrix was normalised. With ``distance`` it says how
            far the window exceeds its surroundings, before normalisation, in standard errors. In mode graph it says how
            far the mean of the other edges at the two ends exceeds that of all edges, in standard errors. If a net was
            searched by, it is its score.
        q: The least false-discovery rate of a list that contains the maximum, from 0 to 1, shape ``(M,)``.
    """

    maxima: Maxima
    statistic: npt.NDArray[np.float64]
    q: npt.NDArray[np.float64]

    def __getitem__(self, index: Any) -> Discoveries:
        """Select discoveries by slice, mask or indices."""
        return Discoveries(self.maxima[index], self.statistic[index], self.q[index])

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame: the columns of :meth:`gnnmax.detection.Maxima.to_pandas`, ``statistic`` and ``q``.

        Raises:
            InputError: pandas is not installed.
        """
        return data_frame({**self.maxima.columns_by_name(), "statistic": self.statistic, "q": self.q})


def false_discovery(
    matrix: Any,
    k: Sides = 9,
    *,
    decoys: Decoys,
    rng: np.random.Generator,
    draws: int = 10,
    **options: Any,
) -> Discoveries:
    """Find the maxima of a matrix, each with its q-value.

    A decoy is the same matrix without its local maxima; a symmetric matrix stays symmetric, and missing entries stay
    where they are. Each decoy is normalised and searched in the same way.

    With ``shuffle`` all measured entries are exchanged. The statistic is the mean of the window around a maximum, not
    its value: a decoy has the same values, the largest included, and nearly each of these is a maximum there, so
    nothing could be found by value. A maximum is found if its surroundings are high as well. A single high entry among
    low ones cannot be distinguished from chance by shuffling. The rate is controlled if all entries are exchangeable
    under the null hypothesis.

    With ``distance`` a background is fitted: factors of the distance ``|i - j|``, of the row and of the column, and
    the level of the donut around each entry. Ratios to it are exchanged among entries of similar distances and similar
    signal over noise. The statistic is the excess of the window over its surroundings, in standard errors. The rate is
    controlled if these ratios are exchangeable: entries may fall off with distance, rows may have biases, entries may
    scatter unequally, and blocks that are wider than the windows may be higher than others.

    In mode ``graph`` the weights are shuffled among the edges, which stay where they are, and the statistic says how
    high the other edges at the two ends are.

    Noise that is correlated from entry to entry is exchangeable in no sense, and its crests count as discoveries.

    Args:
        matrix: As for :func:`gnnmax.find_maxima`. Each pair of a symmetric matrix counts once. Only stored entries of a
            sparse matrix are shuffled if unstored ones are missing.
        k: Side of the windows.
        decoys: ``shuffle`` or ``distance``; a graph has no distance, and ``distance`` needs a square matrix.
        rng: The source of the shuffles.
        draws: Number of decoys. ``q`` is at least ``1 / draws`` over the number of maxima that are as high.
        **options: Further fields of :class:`gnnmax.detection.SearchOptions`, as for :func:`gnnmax.find_maxima`. Filters
            act on decoys too, except ``top``: it selects from the list with its q-values.

    Returns:
        The maxima and their q-values.

    Raises:
        InputError: as for :func:`gnnmax.find_maxima`; more entries than can be shuffled; means that are not finite.

    References:
        Elias and Gygi, "Target-decoy search strategy for increased confidence in large-scale protein identifications by
        mass spectrometry", Nature Methods, 2007. Benjamini and Hochberg, "Controlling the false discovery rate: a
        practical and powerful approach to multiple testing", Journal of the Royal Statistical Society B, 1995: the rate
        that is controlled. Barber and Candes, "Controlling the false discovery rate via knockoffs", Annals of
        Statistics, 2015: the one that is added.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> matrix = rng.random((40, 40))
        >>> matrix[18:23, 8:13] += np.outer([0, 1, 2, 1, 0], [0, 1, 2, 1, 0])
        >>> found = false_discovery(matrix, 5, decoys="shuffle", rng=rng)
        >>> len(found.maxima), [place[:2] for place in found.maxima[found.q <= 0.1]]
        (67, [(20, 10)])
    """
    refuse_old_names(options)
    search = SearchOptions(k, **options)
    source = prepare_matrix(matrix, search)
    found = selected(source, discoveries_in(source, search, decoys=decoys, rng=rng, draws=draws), search, None)
    return replace(found, maxima=in_given_order(source, found.maxima))


def discoveries_in(
    source: MatrixSource,
    options: SearchOptions,
    *,
    decoys: Decoys,
    rng: np.random.Generator,
    draws: int,
    by: ScoreMapper | None = None,
) -> Discoveries:
    """Find the maxima, with their q-values, of a matrix that :func:`prepare_matrix` read; see :func:`false_discovery`.

    Of a symmetric matrix each pair counts once, whatever the options say of its triangle. The option ``top`` is left to
    :func:`selected`: q-values are those of all maxima. With a net, ``by``, its score maps of the matrix and of the
    decoys are searched, and the statistic is its score.
    """
    if decoys not in get_args(Decoys):
        raise InputError(f"decoys must be one of {', '.join(get_args(Decoys))}, not {decoys!r}")
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 1:
        raise InputError(f"draws must be a whole number of at least 1, not {draws!r}")
    if options.mode == "graph" and decoys == "distance":
        raise InputError("decoys by distance need an order, which a graph does not have: use shuffle")
    options = structs.replace(without_filters(options, "top"), triangle="upper")
    scopes = _scopes_of(source, options, decoys)  # too many entries are refused before the search
    searched = source if by is None else score_matrix(by, source, options)
    options = with_threshold(searched, options)
    maxima = search_matrix(searched, options)
    statistic, others = np.zeros(len(maxima)), []
    for scope in scopes:
        here = np.arange(len(maxima)) if len(scopes) == 1 else scope.rows_of(maxima.rows)
        null, of_maxima, of_decoys = _null_of(source, options, decoys, scope)
        statistic[here] = maxima.values[here] if by is not None else of_maxima(searched, maxima[here])
        for _ in range(draws):
            decoy = normalise(null.draw(rng), [step.name for step in source.steps], options.mode)
            one = decoy if by is None else by.score(decoy, options)
            found = search_matrix(one, structs.replace(options, centroid=False))
            others.append(found.values.astype(np.float64) if by is not None else of_decoys(one, found))
        del null, of_maxima, of_decoys  # before the next ones are fitted
    maxima = maxima if by is None else as_calls(maxima, source, by)
    return Discoveries(maxima, statistic, q_values(statistic, np.concatenate(others), draws))


def _scopes_of(source: MatrixSource, options: SearchOptions, decoys: Decoys) -> list[Scope]:
    """Return which entries decoys hold, in groups that are drawn one after another."""
    n, m = source.shape
    if options.mode == "graph":
        return needed_scopes(source.plain.edges(), options, zeros=True)
    if n != m and decoys == "distance":
        raise InputError(f"decoys by distance need a square matrix, rows and columns in one order, not {n} x {m}")
    return needed_scopes(source, options, zeros=decoys == "shuffle")


def _null_of(
    source: MatrixSource, options: SearchOptions, decoys: Decoys, scope: Scope
) -> tuple[_Null, _Statistic, _Statistic]:
    """Return the decoys of some entries, and the statistic of the maxima there and that of theirs."""
    if options.mode == "graph":
        return PermutationNull.of(entries_in(source.plain.edges(), scope)), end_scores, end_scores
    needed = entries_in(source, scope)
    if decoys == "shuffle":
        return PermutationNull.of(needed), window_means, window_means
    null = LocalNull.of(LocalModel.of(needed, options.sides))
    return null, lambda _, maxima: null.model.excess(maxima.rows, maxima.columns), null.excess


class _Null(Protocol):
    """A source of decoys."""

    def draw(self, rng: np.random.Generator) -> MatrixSource: ...


_Statistic = Callable[[MatrixSource, Maxima], npt.NDArray[np.float64]]


def undefined(maxima: Maxima) -> Discoveries:
    """Return maxima whose statistic and q-value are masked, because they have none."""
    none = np.ma.array(np.zeros(len(maxima)), mask=True)
    return Discoveries(maxima, none, none)


def selected(source: MatrixSource, found: Discoveries, options: SearchOptions, rate: float | None) -> Discoveries:
    """Select the discoveries with a q-value up to a rate, None for any, and of these the largest maxima if asked for.

    The q-values stay those of the whole list.
    """
    if rate is not None:
        found = found[found.q <= rate]
    kept, dropped = largest_of(source, found.maxima, options)
    return replace(found[kept], maxima=replace(found.maxima[kept], dropped=dropped))


def q_values(targets: npt.NDArray[np.float64], decoys: npt.NDArray[np.float64], draws: int) -> npt.NDArray[np.float64]:
    """Estimate, for each target, the least false-discovery rate of a list of targets that contains it.

    Among the targets at or above a score, ``(1 + decoys at or above it) / draws`` are expected by chance. The rate is
    this over the number of these targets, at most 1; q is the least rate at any score that a target passes.

    Args:
        targets: Scores, higher is better, shape ``(M,)``.
        decoys: Scores of the maxima of all decoys together.
        draws: Number of decoys.

    Returns:
        Shape ``(M,)``.

    Example:
        >>> q_values(np.array([5.0, 4.0, 1.0]), np.array([2.0, 1.0, 0.0]), 2)
        array([0.25, 0.25, 0.5 ])
    """
    levels, place = np.unique(targets, return_inverse=True)
    above = len(targets) - np.searchsorted(np.sort(targets), levels)
    chance = len(decoys) - np.searchsorted(np.sort(decoys), levels)
    rate = np.minimum((1 + chance) / draws / np.maximum(above, 1), 1.0)
    return np.asarray(np.minimum.accumulate(rate)[place.reshape(-1)])
