"""The detector: a person's matrix in, its maxima out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from gnnmax.detection.graph_mode import graph_maxima
from gnnmax.detection.matrix import Absent, Source, source_of
from gnnmax.detection.maxima import Border, Maxima, Mode, Ties, sorted_by_value
from gnnmax.detection.normalisation import stepped
from gnnmax.detection.ordered_mode import ordered_maxima
from gnnmax.detection.separation import separated
from gnnmax.errors import InputError

__all__ = ["find_maxima", "maxima_of", "searched"]


def find_maxima(
    matrix: Any,
    k: int | tuple[int, int] = 9,
    *,
    steps: Sequence[str] = (),
    mode: Mode = "ordered",
    ties: Ties = "strict",
    border: Border = "shrink",
    missing: Any = None,
    absent: Absent = "zero",
    diagonal: bool = True,
    threshold: float | None = None,
    separation: int = 1,
    both: bool = False,
    directed: bool | None = None,
) -> Maxima:
    """Find the maxima of a matrix.

    In mode ``ordered`` the order of rows and columns means something: an entry is a maximum if it is strictly above all
    others of the ``k`` x ``k`` window around it, as :func:`gnnmax.is_centred` says. In mode ``graph`` it does not: an
    edge is a maximum if no other edge of its row or column is as large; of an undirected graph, no other edge of its
    two ends. That answer moves along when the nodes are relabelled.

    The input is never changed.

    Args:
        matrix: Real numbers, shape ``(n, m)``: an array, memory-mapped too; a scipy sparse array; a networkx graph. NaN
            means "not measured": it beats nothing and is no maximum. A masked array is taken with its mask.
        k: Side of the windows, odd, or ``(rows, columns)``. Of no account in mode graph.
        steps: What values go through before they are compared, names of :data:`gnnmax.detection.STEPS`, in this order;
            ``threshold``, ``margin`` and the sequence of the maxima are then those of the scores.
        mode: ``ordered`` or ``graph``.
        ties: ``strict``: no other entry is as large. ``all``: none is larger, and one is smaller, so that a constant
            window has no maximum. ``first``: the same, and those as large come later, by row and then by column.
            ``plateau``: equal entries that touch, at a corner too, none of which is beaten in its own window, count as
            one; the first stands for them. In mode graph, which has no order, strict or all.
        border: How many entries of a window may be missing, outside the matrix or not measured: ``shrink``: any number;
            ``drop``: none; or so many. What is missing beats nothing: it is never taken for 0.
        missing: True where nothing was measured, shape ``(n, m)``; or None.
        absent: What an entry is that a sparse matrix does not store: ``zero``, as in scipy, or ``missing``. A stored
            zero is measured. Of no account in mode graph, where edges are what is stored, or not 0 in a dense matrix.
        diagonal: Whether entries ``(i, i)`` take part; else they are missing.
        threshold: Only values strictly above it; None takes all.
        separation: Least distance of two maxima: one is dropped where a larger one that stays is nearer in rows and in
            columns. Equal ones never drop each other. 1 drops none.
        both: Whether a symmetric matrix gives ``(i, j)`` and ``(j, i)``; else only ``i <= j``.
        directed: Whether ``(i, j)`` and ``(j, i)`` are two things; None looks whether the matrix is symmetric, and
            takes a graph's own word. False of a matrix that is not symmetric is not noticed.

    Returns:
        The maxima, the largest first, equal ones by row, then by column.

    Raises:
        InputError: not a matrix of real numbers; nothing measured; ``k`` even or larger than the matrix; an option that
            is none.

    References:
        Neubeck, Van Gool, "Efficient Non-Maximum Suppression", ICPR 2006: the task; ours is strict. In mode graph a
        maximum is a locally dominant edge: Preis, "Linear time 1/2-approximation algorithm for maximum weighted
        matching in general graphs", STACS 1999.

    Example:
        >>> matrix = np.zeros((9, 9))
        >>> matrix[2, 3], matrix[2, 4], matrix[7, 7] = 5, 4, 3
        >>> list(find_maxima(matrix, k=3))
        [(2, 3, 5.0), (7, 7, 3.0)]
        >>> find_maxima(matrix, k=3).margin
        array([1., 3.])
        >>> list(find_maxima(np.array([[0, 1, 5], [1, 0, 2], [5, 2, 0]]), mode="graph"))
        [(0, 2, 5)]
    """
    _check_options(mode, ties, border, absent, threshold, separation)
    source = searched(matrix, steps, mode, absent, missing, diagonal)
    return maxima_of(source, k, mode, ties, border, threshold, separation, both, directed)


def searched(matrix: Any, steps: Sequence[str], mode: Mode, absent: Absent, missing: Any, diagonal: bool) -> Source:
    """Take a matrix as :func:`find_maxima` searches it, its steps included.

    Raises:
        InputError: not a matrix of real numbers; nothing measured; a step that is none or refuses the matrix.
    """
    source = source_of(matrix, absent, missing, diagonal)
    _check_measured(source)
    return stepped(source, steps, mode)


def maxima_of(
    source: Source,
    k: int | tuple[int, int],
    mode: Mode,
    ties: Ties,
    border: Border,
    threshold: float | None,
    separation: int,
    both: bool,
    directed: bool | None,
) -> Maxima:
    """Find the maxima of a matrix that was read and has gone through its steps; see :func:`find_maxima`."""
    _check_options(mode, ties, border, source.absent, threshold, separation)
    directed = source.directed if directed is None else directed
    symmetric = source.plain.symmetric() if directed is None else not directed
    if symmetric and source.shape[0] != source.shape[1]:
        raise InputError(f"a matrix of {source.shape[0]} x {source.shape[1]} is not that of an undirected graph")
    if mode == "graph":
        return _with_values(source, sorted_by_value(graph_maxima(source, ties, threshold, symmetric, once=not both)))
    sides = _sides(k, source.shape)
    # Plateaus and distances are matters of the whole matrix: the mirrored half is left away afterwards.
    apart = separation <= (min(sides) // 2 + 1 if ties == "strict" else 1)  # as strict maxima are anyway
    whole = both or not symmetric or ties == "plateau" or not apart
    found = ordered_maxima(source, sides, ties, border, threshold, upper=not whole)
    if not apart:
        found = found[separated(found.rows, found.columns, found.values, separation)]
    if symmetric and not both:
        found = found[found.rows <= found.columns]
    return _with_values(source, sorted_by_value(found))


def _with_values(source: Source, found: Maxima) -> Maxima:
    """Put the values themselves beside the scores that were compared, where steps were applied."""
    if not source.steps:
        return found
    values = source.values_at(found.rows, found.columns)
    return replace(found, values=values, scores=found.values, steps=tuple(step.name for step in source.steps))


def _check_options(mode: str, ties: str, border: Any, absent: str, threshold: Any, separation: Any) -> None:
    for name, value, known in (("mode", mode, Mode), ("ties", ties, Ties), ("absent", absent, Absent)):
        if value not in get_args(known):
            raise InputError(f"{name} must be one of {', '.join(get_args(known))}, not {value!r}")
    if mode == "graph" and ties in ("first", "plateau"):
        raise InputError(f"ties = {ties!r} needs an order, which a graph has not: take strict or all")
    if border not in ("shrink", "drop") and not _whole(border, 0):
        raise InputError(f"border must be shrink, drop or how many entries may be missing, not {border!r}")
    number = isinstance(threshold, (int, float, np.integer, np.floating)) and not isinstance(threshold, bool)
    if threshold is not None and (not number or threshold != threshold):
        raise InputError(f"threshold must be a number, or None, not {threshold!r}")
    if not _whole(separation, 1):
        raise InputError(f"separation must be a whole number from 1 on, not {separation!r}")


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= least)


def _sides(k: Any, shape: tuple[int, int]) -> tuple[int, int]:
    sides = k if isinstance(k, tuple) else (k, k)
    if len(sides) != 2 or not all(_whole(side, 1) and side % 2 for side in sides) or max(sides) < 3:
        raise InputError(
            f"k must be odd and at least 3, or two odd numbers, not {k!r}: only then windows have a centre"
        )
    if sides[0] > shape[0] or sides[1] > shape[1]:
        raise InputError(f"windows of {sides[0]} x {sides[1]} do not fit into a matrix of {shape[0]} x {shape[1]}")
    return int(sides[0]), int(sides[1])


def _check_measured(source: Source) -> None:
    """Refuse a matrix of which nothing was measured; a sparse one without entries measures zeros, or nothing."""
    if source.sparse and source.absent == "zero" and source.missing is None:
        return
    n, m = source.shape
    if source.sparse:
        return
    for row in range(0, n, 128):
        block = source.block(row, 0, min(128, n - row), m, (0, 0))
        if block.missing is None or not block.missing.all():
            return
    raise InputError("nothing of the matrix was measured: every entry is NaN, masked or left out")
