"""The table of a detection: its columns in one place, and the results of nets beside the maxima."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.false_discovery_rate import Discoveries
from gnnmax.detection.found_order import in_given_order
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima, Places
from gnnmax.detection.pair_cells import repeated_cells
from gnnmax.detection.window_scoring import NOT_WHOLE, Scorer, WindowBatch, score_windows
from gnnmax.task.label import is_centred

__all__ = ["COLUMNS", "Column", "Detections", "NetScores", "Rows", "detections_of", "with_net_scores", "with_reason"]

Rows = list[dict[str, Any]]

PART = 2**16
"""Rows of a table that are converted and written together: Python objects for all of them would fill the memory."""


@dataclass(frozen=True, eq=False)
class Detections:
    """The maxima of a matrix, or given positions, with all results for them.

    All arrays have shape ``(M,)``. A masked array is masked where there is no result.

    Attributes:
        rows: Row of each.
        columns: Column of each.
        values: Value of each, masked where it was not measured.
        type: Type of the values.
        undirected: Whether the matrix was read as undirected.
        names: Names of all rows and columns of the matrix, or None.
        steps: Names of the normalisations.
        scores: The values after these, or the scores of the net that was searched by; masked where there is none.
        maxima: The maxima, if the table lists these.
        is_maximum: Of positions, and of the calls of a net: whether each is a maximum by the rule, masked if unknown.
        discoveries: The maxima with their q-values, if there were decoys.
        nets: What the exact rule and trained nets say of the windows, if nets score them.
        reasons: Why a result is missing, "" if none is.
        bins: The bins of a genome that rows and columns are, if the matrix has them.
    """

    rows: Places
    columns: Places
    values: npt.NDArray[Any]
    type: np.dtype[Any]
    undirected: bool = False
    names: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
    steps: tuple[str, ...] = ()
    scores: npt.NDArray[Any] | None = None
    maxima: Maxima | None = None
    is_maximum: npt.NDArray[Any] | None = None
    discoveries: Discoveries | None = None
    nets: NetScores | None = None
    reasons: npt.NDArray[Any] | None = None
    bins: GenomeBins | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice) -> Detections:
        """Select a part of the table by slice."""
        sliced = ("rows", "columns", "values", "scores", "maxima", "is_maximum", "discoveries", "nets", "reasons")
        present = {name: getattr(self, name) for name in sliced}
        return replace(self, **{name: part[index] for name, part in present.items() if part is not None})

    def in_given_order(self, source: MatrixSource) -> Detections:
        """Return the table with its places in the matrix as it was given, if its nodes were put in another order."""
        if source.given_order is None:
            return self
        rows, columns = source.given_order.places(self.rows, self.columns)
        parts = source.given_order.parts()
        maxima = None if self.maxima is None else in_given_order(source, self.maxima)
        return replace(self, rows=rows, columns=columns, names=parts["names"], bins=parts["bins"], maxima=maxima)

    @property
    def listed(self) -> tuple[Column, ...]:
        """The columns that such a table may have."""
        return COLUMNS

    def parts(self) -> Iterator[Detections]:
        """Yield the table part by part, in order; an empty table is one part."""
        for start in range(0, max(len(self), 1), PART):
            yield self[start : start + PART]

    def filled(self) -> dict[str, _Filled]:
        """Return the columns that this table has, by name."""
        filled: dict[str, _Filled] = {}
        for column in self.listed:
            found = column.read(self)
            named = found.items() if isinstance(found, Mapping) else [] if found is None else [(column.name, found)]
            for name, entries in named:
                plain = entries.tolist() if isinstance(entries, np.ndarray) else list(entries)
                filled[name] = _Filled(column, _type_of(column, entries, self.type), plain)
        return filled

    def as_rows(self) -> Rows:
        """Return the table row by row, as dicts of plain values.

        Example:
            >>> from gnnmax import find_maxima
            >>> detections_of(find_maxima(np.diag([1.0, 5.0, 2.0]), k=3)).as_rows()
            [{'i': 1, 'j': 1, 'value': 5.0, 'margin': 3.0, 'ties': 0, 'missing': 0}]
        """
        filled = self.filled()
        return [dict(zip(filled, row, strict=True)) for row in zip(*(f.entries for f in filled.values()), strict=True)]


@dataclass(frozen=True, eq=False)
class NetScores:
    """What the exact rule and trained nets say of windows, shape ``(M,)`` each, masked where there is no result.

    Attributes:
        centred: Whether the rule calls the window centred. In mode graph it is stricter than the rule on the two ends.
        scores: Scores by net.
        agreement: The share of the nets that agree with the rule.
    """

    centred: npt.NDArray[Any]
    scores: Mapping[str, npt.NDArray[Any]]
    agreement: npt.NDArray[Any]

    def __getitem__(self, index: slice) -> NetScores:
        """Select some windows by slice."""
        scores = {name: score[index] for name, score in self.scores.items()}
        return NetScores(self.centred[index], scores, self.agreement[index])


class Column(NamedTuple):
    """One column of the table.

    ``read`` returns its entries; None if a table has no such column; or, by name, those of several columns. ``type`` is
    the type of the entries, None for that of the matrix, ``object`` for that of their arrays.
    """

    name: str
    holds: str
    type: Any
    read: Callable[[Detections], Sequence[Any] | npt.NDArray[Any] | Mapping[str, Any] | None]


class _Filled(NamedTuple):
    """A column of one table, with its entries."""

    column: Column
    type: np.dtype[Any]
    entries: list[Any]


def _type_of(column: Column, entries: Any, of_matrix: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of the entries of a column; objects are text."""
    if column.type is None:
        return of_matrix
    found = np.dtype(column.type) if column.type is not object else entries.dtype
    return np.dtype(str) if found == np.object_ else found


def _names(table: Detections, axis: int) -> list[str] | None:
    places = (table.rows, table.columns)[axis].tolist()
    listed = table.names if table.maxima is not None else None
    return None if listed is None else [str(listed[axis][place]) for place in places]


def _of_maxima(name: str) -> Callable[[Detections], npt.NDArray[Any] | None]:
    return lambda table: None if table.maxima is None else getattr(table.maxima, name)


def _of_nets(name: str) -> Callable[[Detections], Any]:
    return lambda table: None if table.nets is None else getattr(table.nets, name)


def _of_discoveries(name: str) -> Callable[[Detections], npt.NDArray[Any] | None]:
    return lambda table: None if table.discoveries is None else getattr(table.discoveries, name)


def _measured(name: str) -> Callable[[Detections], npt.NDArray[Any] | None]:
    def read(table: Detections) -> npt.NDArray[Any] | None:
        found = None if table.maxima is None else table.maxima.measures().get(name)
        return found if found is None or found.dtype.kind != "f" else np.ma.masked_invalid(found)

    return read


def _margin(table: Detections) -> npt.NDArray[Any] | None:
    return None if table.maxima is None else np.ma.masked_invalid(table.maxima.margin)


def _label(table: Detections) -> list[str] | None:
    labels = None if table.maxima is None else table.maxima.labels
    return None if labels is None else [str(label) for label in labels.tolist()]


COLUMNS: tuple[Column, ...] = (
    Column("i", "row, from 0", int, lambda table: table.rows),
    Column("j", "column, from 0", int, lambda table: table.columns),
    Column("row", "name of the row", str, lambda table: _names(table, 0)),
    Column("column", "name of the column", str, lambda table: _names(table, 1)),
    Column("attribute", "attribute of the node of the row (row_NAME) or of the column (column_NAME)", object,
           lambda table: None if table.maxima is None else table.maxima.node_columns()),
    Column("value", "entry of the matrix", None, lambda table: table.values),
    Column("score", "the value after the steps; with --by, the score of that net", float, lambda table: table.scores),
    Column("steps", "names of the steps", str, lambda t: [",".join(t.steps)] * len(t) if t.steps else None),
    Column("margin", "excess over the largest other entry of the window; empty if there is none", float, _margin),
    Column("ties", "number of other entries of the window that are as large", int, _of_maxima("ties")),
    Column("missing", "number of missing entries of the window", int, _of_maxima("missing")),
    Column("prominence", "how far one must go down from the maximum to reach a higher entry", float,
           _of_maxima("prominence")),
    Column("scale", "side of the largest windows in which it is a maximum", int, _of_maxima("scale")),
    Column("scales", "all sides of windows in which it is a maximum", str, _of_maxima("scales")),
    Column("label", "its label, or those of its row and its column", str, _label),
    Column("members", "number of maxima that were merged into it", int, _measured("members")),
    Column("first_i", "first row of these", int, _measured("first_i")),
    Column("last_i", "last row of these", int, _measured("last_i")),
    Column("first_j", "first column of these", int, _measured("first_j")),
    Column("last_j", "last column of these", int, _measured("last_j")),
    Column("centroid_i", "row of the centroid of the window; empty if there is none", float, _measured("centroid_i")),
    Column("centroid_j", "column of the centroid of the window", float, _measured("centroid_j")),
    Column("maximum", "whether the place is a maximum by the rule", bool, lambda table: table.is_maximum),
    Column("statistic", "compared with decoys: mean of the window; by distance, its excess over its surroundings in "
           "standard errors; in mode graph the z-score of the other edges at the two ends; with --by, the score", float,
           _of_discoveries("statistic")),
    Column("q", "least false-discovery rate of a list that contains the maximum", float, _of_discoveries("q")),
    Column("centred", "whether the exact rule calls the window centred", bool, _of_nets("centred")),
    Column("net", "score of the window by a net, one column for each net", float, _of_nets("scores")),
    Column("agreement", "share of the nets that agree with the rule", float, _of_nets("agreement")),
    Column("reason", "why a result is missing", str, lambda table: table.reasons),
)  # fmt: skip
"""The columns of the table, in their order; every format is made from these, empty tables too."""


def detections_of(maxima: Maxima, discoveries: Discoveries | None = None) -> Detections:
    """Make the table of maxima, with q-values if there are any."""
    return Detections(
        maxima.rows,
        maxima.columns,
        maxima.values,
        maxima.values.dtype,
        undirected=maxima.symmetry.undirected,
        names=maxima.names,
        steps=maxima.steps,
        scores=maxima.scores,
        maxima=maxima,
        discoveries=discoveries,
        bins=maxima.bins,
    )


ACROSS = "the window lies across the diagonal and holds pairs twice"


def _only_repeated(rows: Places, columns: Places, windows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return whether windows of an undirected matrix miss nothing but the second cells of pairs."""
    there, k = ~np.isnan(windows), windows.shape[-1]
    near = np.abs(rows - columns) < k - 1
    there[near] |= repeated_cells(rows[near], columns[near], (k, k))
    return np.asarray(there.all(axis=(1, 2)))


def _joined_reasons(reasons: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Join the reasons of nets row by row, each with the names of its nets.

    Example:
        >>> _joined_reasons({"a": np.array(["", "late"]), "b": np.array(["", "late"]), "c": np.array(["", "dark"])})
        array(['', 'a, b: late; c: dark'], dtype=object)
    """

    @cache
    def joined(row: tuple[str, ...]) -> str:
        nets: dict[str, list[str]] = {}
        for name, reason in zip(reasons, row, strict=True):
            nets.setdefault(reason, []).append(name)
        return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in nets.items() if reason)

    return np.array([joined(row) for row in zip(*reasons.values(), strict=True)], dtype=object)


def with_reason(table: Detections, reason: str) -> Detections:
    """Add a reason to every row of a table, before those that it has.

    Example:
        >>> from gnnmax import find_maxima
        >>> table = detections_of(find_maxima(np.diag([1.0, 5.0, 2.0]), k=3))
        >>> with_reason(with_reason(table, "second"), "first").reasons.tolist()
        ['first; second']
    """
    others = [""] * len(table) if table.reasons is None else table.reasons.tolist()
    joined = ["; ".join(filter(None, (reason, other))) for other in others]
    return replace(table, reasons=np.array(joined, dtype=object))


def with_net_scores(table: Detections, batches: Iterable[WindowBatch], nets: Mapping[str, Scorer]) -> Detections:
    """Add the decisions of the exact rule and the scores of nets on the windows of a table.

    Args:
        table: Maxima or positions.
        batches: Their windows in order, with contexts if a net reads them. A row of the table that has a reason already
            has no window, but takes a place in the batches.
        nets: Scorers of windows by name. Where one of them has no score, or fails, the reasons name it and say why;
            the other results stay.

    Example:
        >>> from gnnmax import RULES, find_maxima
        >>> table = detections_of(find_maxima(np.diag([1.0, 5.0, 2.0]), k=3))
        >>> table = with_net_scores(table, [WindowBatch(np.diag([1.0, 5.0, 2.0])[None])], {"rule": RULES["argmax"]})
        >>> table.as_rows()[0]["centred"], table.as_rows()[0]["agreement"]
        (True, 1.0)
    """
    total = len(table)
    reasons = np.full(total, "", dtype=object) if table.reasons is None else table.reasons.copy()
    centred, unknown = np.zeros((2, total), dtype=np.bool_)
    scores = {name: np.full(total, np.nan, dtype=np.float32) for name in nets}
    start = 0
    for batch in batches:
        windows, here = batch.values, slice(start, start := start + len(batch))
        centred[here] = is_centred(windows)
        lacking = np.isnan(windows[:, windows.shape[1] // 2, windows.shape[2] // 2])
        reasons[here] = np.where(lacking & (reasons[here] == ""), NOT_WHOLE, reasons[here])
        unknown[here] = reasons[here] != ""
        unscored = {}
        for name, net in nets.items():
            scores[name][here], unscored[name] = score_windows(net, batch)
            partial = np.flatnonzero((unscored[name] == NOT_WHOLE) & table.undirected)
            places = table.rows[here][partial], table.columns[here][partial]
            unscored[name][partial[_only_repeated(*places, windows[partial])]] = ACROSS
        if nets:
            reasons[here] = np.where(unknown[here], reasons[here], _joined_reasons(unscored))
    masked = {name: np.ma.array(score, mask=np.isnan(score)) for name, score in scores.items()}
    agree = [np.ma.array((score > 0) == centred, mask=score.mask) for score in masked.values()]
    agreement = np.ma.stack(agree).mean(axis=0) if agree else np.ma.array(np.zeros(total), mask=True)
    found = NetScores(np.ma.array(centred, mask=unknown), masked, agreement)
    return replace(table, nets=found, reasons=reasons)
