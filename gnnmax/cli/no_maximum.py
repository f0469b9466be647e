"""Why a search found no maximum: found out by searching again without one option after the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from gnnmax.detection.missing_lines import MissingLines
from gnnmax.detection.search import search_matrix
from gnnmax.detection.search_options import has_shape

if TYPE_CHECKING:
    from gnnmax.detection.matrix import MatrixSource
    from gnnmax.detection.search_options import SearchOptions

__all__ = ["why_none"]


class _Relaxation(NamedTuple):
    """A change of one option that may give maxima, why it may, and how to say it."""

    change: dict[str, Any]
    reason: str
    call: str


def why_none(source: MatrixSource, options: SearchOptions) -> str:
    """Say why a search found no maximum, and which option gives some, if one does.

    Cost: up to seven further searches.

    Args:
        source: The matrix that was searched.
        options: How it was searched, without a result.

    Example:
        >>> import numpy as np
        >>> from gnnmax.detection import SearchOptions
        >>> from gnnmax.detection.search import prepare_matrix
        >>> flat, options = np.ones((5, 5)), SearchOptions(3, ties="all")
        >>> why_none(prepare_matrix(flat, options), options)
        'all entries of each window are equal'
        >>> flat[0, 1:3], options = 2, SearchOptions(3)
        >>> why_none(prepare_matrix(flat, options), options)
        'no entry is above all others of its window; with --ties all: 2 maxima'
    """
    if not _has_scores(source, options.mode):
        if lost := next((step for step in source.steps if step.lost), None):
            return f"no entry has a score after --steps {lost.name}: {lost.reason}"
        return "the graph has no edge" if options.mode == "graph" else "no entry of the matrix was measured"
    relaxations = list(_relaxations(options))
    for size in range(1, len(relaxations) + 1):
        for some in combinations(relaxations, size):
            changes = {name: value for one in some for name, value in one.change.items()}
            if found := len(search_matrix(source, structs.replace(options, **changes))):
                reason = some[0].reason if size == 1 else "there is none with all these options"
                calls = " and ".join(one.call for one in some)
                return f"{reason}; {calls}: {'1 maximum' if found == 1 else f'{found:,} maxima'}"
    if options.mode == "graph":
        return "no edge is above another one at its ends"
    return "all entries of each window are equal"


def _relaxations(options: SearchOptions) -> Iterator[_Relaxation]:
    if options.threshold is not None:
        number = "FILE" if has_shape(options.threshold) else f"{options.threshold:g}"
        flag = f"--threshold {number}"
        yield _Relaxation({"threshold": None}, f"no maximum is above {flag}", f"without {flag}")
    if options.allowed_missing is not None:
        flag = "--border drop" if options.border == "drop" else f"--max-missing {options.max_missing}"
        reason = f"the window of every maximum misses more entries than {flag} allows"
        yield _Relaxation({"border": "shrink", "max_missing": None}, reason, f"without {flag}")
    if options.ties != "all":
        entry, others = ("edge", "at its ends") if options.mode == "graph" else ("entry", "of its window")
        reason = (
            f"no {entry} is above all others {others}"
            if options.ties == "strict"
            else f"none counts with --ties {options.ties}"
        )
        yield _Relaxation({"ties": "all"}, reason, "with --ties all")


def _has_scores(source: MatrixSource, mode: str) -> bool:
    """Return whether any entry was measured and has a score; in mode graph, whether any edge has one."""
    searched = source.edges() if mode == "graph" and not source.steps else source
    if any(len(values) for values, _, _ in searched.measured()):
        return True
    if mode == "graph" or not source.skips_zeros:
        return False
    lines = source.missing
    return not (isinstance(lines, MissingLines) and (lines.rows.all() or lines.columns.all()))
