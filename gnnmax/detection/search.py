"""The search: a matrix in, its maxima out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from inspect import Parameter, Signature, cleandoc, signature
from typing import Annotated, Any, ParamSpec, Protocol, get_origin

import numpy as np

from gnnmax.detection.background import above_background, background_of
from gnnmax.detection.centroids import centroids_of
from gnnmax.detection.filters import check_filters, filter_maxima
from gnnmax.detection.found_order import in_found_order, in_given_order
from gnnmax.detection.graph_mode import graph_maxima
from gnnmax.detection.labels import check_labels, labels_of
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import as_source, check_unstored
from gnnmax.detection.maxima import Maxima, sorted_by_value
from gnnmax.detection.normalisation import normalise
from gnnmax.detection.ordered_mode import ordered_maxima
from gnnmax.detection.plateaus import plateau_maxima
from gnnmax.detection.relative_threshold import with_threshold
from gnnmax.detection.scale_space import maxima_at_scales
from gnnmax.detection.search_options import SearchOptions, refuse_old_names
from gnnmax.errors import InputError

__all__ = ["find_maxima", "prepare_matrix", "search_matrix"]

P = ParamSpec("P")


class _KeywordSearch(Protocol[P]):
    """A search whose options are keywords."""

    def __call__(self, matrix: Any, *sides: P.args, **options: P.kwargs) -> Maxima: ...


def _with_keywords_of(
    options: Callable[P, SearchOptions],
) -> Callable[[Callable[[Any, SearchOptions], Maxima]], _KeywordSearch[P]]:
    """Let a function that takes search options whole be called with each of them by keyword.

    The keywords, their types, defaults and descriptions are those of the options, for type checkers and ``help`` too.
    """

    def decorated(function: Callable[[Any, SearchOptions], Maxima]) -> _KeywordSearch[P]:
        @functools.wraps(function)
        def called(matrix: Any, *sides: P.args, **keywords: P.kwargs) -> Maxima:
            refuse_old_names(keywords)
            return function(matrix, options(*sides, **keywords))

        matrix = Parameter("matrix", Parameter.POSITIONAL_OR_KEYWORD, annotation=Any)
        fields = [p.replace(annotation=_bare(p.annotation)) for p in signature(options).parameters.values()]
        called.__signature__ = Signature([matrix, *fields], return_annotation=Maxima)  # type: ignore[attr-defined]
        entries = cleandoc(options.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
        called.__doc__ = cleandoc(function.__doc__ or "").replace(_OPTIONS_LINE, entries)
        return called

    return decorated


_OPTIONS_LINE = "    options: Fields of :class:`gnnmax.detection.SearchOptions`, by keyword; ``k`` by position too."


def _bare(annotation: Any) -> Any:
    """Return a type without the bounds that are annotated to it."""
    return annotation.__origin__ if get_origin(annotation) is Annotated else annotation


@_with_keywords_of(SearchOptions)
def find_maxima(matrix: Any, options: SearchOptions) -> Maxima:
    """Find the maxima of a matrix.

    Call it as ``find_maxima(matrix, k=9, mode="ordered", ...)``.

    In mode ``ordered`` the order of rows and columns means something: an entry is a maximum if it is strictly above all
    others of the ``k`` x ``k`` window around it, as :func:`gnnmax.is_centred` says. A window of an undirected matrix
    covers pairs: one that it holds in two cells counts once. In mode ``graph`` the order does not mean anything: an
    edge is a maximum if no other edge of its row or column is as large; in an undirected graph, no other edge of its
    two ends. If the nodes are relabelled, the maxima are relabelled with them.

    The input is never changed.

    Args:
        matrix: Real numbers, shape ``(n, m)``: an array, memory-mapped too; a scipy sparse array; a networkx or PyG
            graph; a data frame. NaN means "not measured": it beats nothing and is no maximum. The mask of a masked
            array is respected.
        options: Fields of :class:`gnnmax.detection.SearchOptions`, by keyword; ``k`` by position too.

    Returns:
        The maxima, the largest first, equal ones by row, then by column.

    Raises:
        InputError: not a matrix of real numbers; no measured entry; ``k`` even or larger than the matrix; an option
            that has no such value.

    References:
        Neubeck, Van Gool, "Efficient Non-Maximum Suppression", ICPR 2006: the task; ours is strict. In mode graph a
        maximum is a locally dominant edge: Preis, "Linear time 1/2-approximation algorithm for maximum weighted
        matching in general graphs", STACS 1999.

    Example:
        >>> import numpy as np
        >>> matrix = np.zeros((9, 9))
        >>> matrix[2, 3], matrix[2, 4], matrix[7, 7] = 5, 4, 3
        >>> list(find_maxima(matrix, k=3))
        [(2, 3, 5.0), (7, 7, 3.0)]
        >>> find_maxima(matrix, k=3).margin
        array([1., 3.])
        >>> list(find_maxima(np.array([[0, 1, 5], [1, 0, 2], [5, 2, 0]]), mode="graph"))
        [(0, 2, 5)]
    """
    source = prepare_matrix(matrix, options)
    return in_given_order(source, search_matrix(source, options))


def prepare_matrix(matrix: Any, options: SearchOptions) -> MatrixSource:
    """Read a matrix as a search reads it: missing entries marked, nodes in the order searched, values normalised.

    Raises:
        InputError: not a matrix of real numbers; not undirected, but said to be; no measured entry; a normalisation
            that is unknown or refuses the matrix; a filter that needs something the matrix does not have.
    """
    source = as_source(
        matrix,
        unstored=options.unstored,
        missing=options.missing,
        diagonal=options.diagonal,
        directed=options.directed,
        breaks=options.breaks,
        weight=options.weight,
        node_attributes=options.node_attributes,
    )
    if options.mode == "ordered":
        check_unstored(options.unstored, source)
    if options.seriate:
        source = in_found_order(source)
    background_of(source, options)
    check_labels(source, options)
    check_filters(source, options)
    _check_measured(source)
    return normalise(source, options.steps, options.mode)


def search_matrix(source: MatrixSource, options: SearchOptions) -> Maxima:
    """Find the maxima of a matrix that :func:`prepare_matrix` has read; see :func:`find_maxima`.

    Whether it is undirected was decided there.
    """
    options = with_threshold(source, options)
    if options.mode == "graph":
        maxima = graph_maxima(source, options)
    else:
        for sides in options.scales:
            _check_sides_fit(sides, source.shape)
        maxima = maxima_at_scales(source, options, plateau_maxima if options.ties == "plateau" else ordered_maxima)
    maxima = _with_labels(source, above_background(source, maxima, options), options)
    maxima = filter_maxima(source, maxima, options)
    if options.centroid:
        maxima = replace(maxima, centroid=centroids_of(source, maxima.rows, maxima.columns, sides=options.sides))
    if source.undirected and options.triangle == "both":
        maxima = _with_mirror_images(maxima)
    return _with_values(
        source,
        sorted_by_value(replace(maxima, symmetry=source.symmetry, bins=source.bins, attributes=source.attributes)),
    )


def _with_labels(source: MatrixSource, maxima: Maxima, options: SearchOptions) -> Maxima:
    """Add the labels of the maxima, if the search has labels."""
    labels = labels_of(source, options)
    return maxima if labels is None else replace(maxima, labels=labels.shown(maxima.rows, maxima.columns))


def _with_mirror_images(maxima: Maxima) -> Maxima:
    """Add the entry ``(j, i)`` of each pair off the diagonal, sorted by row and column."""
    off = np.flatnonzero(maxima.rows != maxima.columns)
    twice = maxima[np.concatenate([np.arange(len(maxima)), off])]
    turned = slice(len(maxima), None)
    twice.rows[turned], twice.columns[turned] = maxima.columns[off], maxima.rows[off]
    if twice.extent is not None:
        twice.extent[turned] = twice.extent[turned][:, [2, 3, 0, 1]]
    if twice.centroid is not None:
        twice.centroid[turned] = twice.centroid[turned][:, ::-1]
    return twice[np.lexsort((twice.columns, twice.rows))]


def _with_values(source: MatrixSource, maxima: Maxima) -> Maxima:
    """Put the values themselves beside the scores that were compared, where the matrix was normalised."""
    if not source.steps:
        return maxima
    values = source.values_at(maxima.rows, maxima.columns)
    return replace(maxima, values=values, scores=maxima.values, steps=tuple(step.name for step in source.steps))


def _check_sides_fit(sides: tuple[int, int], shape: tuple[int, int]) -> None:
    if sides[0] > shape[0] or sides[1] > shape[1]:
        raise InputError(f"windows of {sides[0]} x {sides[1]} do not fit into a matrix of {shape[0]} x {shape[1]}")


def _check_measured(source: MatrixSource) -> None:
    """Refuse a dense matrix without any measured entry."""
    if source.sparse:
        return
    for block in source.tiles((0, 0), upper=False):
        if block.missing is None or not block.missing.all():
            return
    raise InputError("no entry of the matrix was measured: every one is NaN, masked or left out")
