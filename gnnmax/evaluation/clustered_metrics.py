"""Every metric of a scorer, on all graphs and without each of them: the input of the intervals over graphs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.calibration import BINS, Scale, bins_of, probabilities_of
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.jackknife import effective_number
from gnnmax.evaluation.localisation import graph_columns
from gnnmax.evaluation.metrics import METRICS, coarsened, compute_metrics, levels_of
from gnnmax.evaluation.slices import Partition
from gnnmax.evaluation.sums import Sums
from gnnmax.evaluation.unit_sums import batched, remaining, shares_of, summed

__all__ = ["ClusteredMetrics", "Decisions"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Levels = tuple[npt.NDArray[Any], npt.NDArray[Any]]

EXACT_LEVELS, COARSE_LEVELS = 16_384, 1_024
_CELLS = 2**19  # of one work array at a time: 4 MB of float64


@dataclass(frozen=True, eq=False)
class Decisions:
    """One scorer's decisions on an evaluation set.

    Attributes:
        level: Ranks of its scores, shape ``(N,)``.
        called: Whether it calls each window centred.
        correct: Whether that decision is correct.
        probability: Of "centred", where a scale was declared.
        within_unit: Whether every score lies in [0, 1], not all at one end.
    """

    level: npt.NDArray[np.intp]
    called: Mask
    correct: Mask
    probability: Floats | None
    within_unit: bool

    @classmethod
    def of(
        cls, data: EvaluationSet, scores: Floats, *, threshold: float, scale: Scale | None, what: str = "scores"
    ) -> Decisions:
        """Decide and rank; ``what`` names the scores in a message."""
        called = scores > threshold
        probability = None if scale is None else probabilities_of(scores, scale, what)
        low, high = float(scores.min()), float(scores.max())
        within_unit = 0 <= low <= high <= 1 and low < 1 and high > 0
        return cls(levels_of(scores), called, called == data.label, probability, within_unit)


@dataclass(frozen=True, eq=False)
class ClusteredMetrics:
    """One scorer's decisions, summed by unit: U graphs or batches of graphs, left out one at a time.

    Attributes:
        sums: Everything that is summed over each unit, shape ``(S, U)``.
        rows: The row of each sum in it, or one row for each bin or slice.
        levels: Weight of the positives and of the negatives on each level in each unit, sparse, shape ``(L, U)`` each.
        graphs: Effective number of graphs in each sum that a metric divides by; in ``n x`` of the slices of a group,
            shape ``(slices,)``.
        ranking: The metrics of the ranking on all windows, exactly.
        shift: How much coarse levels change each of them; empty where the levels are exact.
    """

    sums: Floats
    rows: dict[str, int | slice]
    levels: tuple[Any, Any]
    graphs: dict[str, Floats]
    ranking: dict[str, Floats]
    shift: dict[str, Floats]

    @classmethod
    def of(cls, data: EvaluationSet, decisions: Decisions, batch: npt.NDArray[np.intp]) -> ClusteredMetrics:
        """Sum decisions by unit.

        Args:
            data: The evaluation set.
            decisions: One scorer's decisions on it.
            batch: Number of each graph's unit, shape ``(n_graphs,)``.
        """
        unit, units = batch[data.unit], int(batch.max()) + 1
        by_graph = _sums_by_graph(data, decisions)
        sums = {name: batched(columns, batch, units) for name, columns in by_graph.items()}
        graphs = {name: effective_number(columns) for name, columns in _divisors(by_graph).items()}
        for group, parts in data.slices.items():
            n, correct = (
                _table(parts.code, len(parts.names), unit, units, column=column)
                for column in (data.weight, _weighted(data, decisions.correct))
            )
            sums |= {f"n {group}": n, f"correct {group}": correct}
            graphs[f"n {group}"] = effective_number(n) if units == data.n_graphs else _effective_parts(data, parts)
        level = decisions.level
        coarse = level if level.max() < EXACT_LEVELS else coarsened(level, COARSE_LEVELS)
        levels = _level_tables(coarse, unit, data, shape=(int(coarse.max()) + 1, units))
        made = cls(np.vstack(list(sums.values())), _rows_of(sums), levels, graphs, {}, {})
        exact = made._ranking_of(_counts(level, data))
        if coarse is level:
            return dataclasses.replace(made, ranking=exact)
        approximate = made._ranking_of(_counts(coarse, data))
        return dataclasses.replace(made, ranking=exact, shift={name: exact[name] - approximate[name] for name in exact})

    @property
    def units(self) -> int:
        """Number of units, U."""
        return int(self.sums.shape[1])

    @cached_property
    def total(self) -> Sums:
        """The sums over all units."""
        return self._sums(self.sums.sum(axis=1))

    def whole(self) -> dict[str, Floats]:
        """Return every metric on all windows."""
        return compute_metrics(self.total) | self.ranking

    def left_out(self) -> dict[str, Floats]:
        """Return every metric without each unit in turn, shape ``(U,)``, and ``slice x`` of shape ``(slices, U)``.

        NaN where a metric does not exist without a unit. A bounded block of units is computed at a time.
        """
        size = max(1, _CELLS // int(self.levels[0].shape[0]))
        blocks = [self._without(slice(first, first + size)) for first in range(0, self.units, size)]
        return {name: np.concatenate([block[name] for block in blocks], axis=-1) for name in blocks[0]}

    @cached_property
    def _level_totals(self) -> Levels:
        positive, negative = (np.asarray(table.sum(axis=1)) for table in self.levels)
        return positive, negative

    def _without(self, units: slice) -> dict[str, Floats]:
        positive, negative = (
            remaining(total, table[:, units].toarray())
            for total, table in zip(self._level_totals, self.levels, strict=True)
        )
        return self.computed(remaining(self.sums.sum(axis=1), self.sums[:, units]), (positive, negative))

    def computed(self, sums: Floats, levels: Levels) -> dict[str, Floats]:
        """Compute every metric from other sums of the units, ``(S, b)`` and ``(L, b)`` each, to ``(b,)``.

        ``slice x`` is the accuracy on each slice of a group, shape ``(slices, b)``.
        """
        found = compute_metrics(self._sums(sums, levels))
        found |= {name: found[name] + shift for name, shift in self.shift.items()}
        with np.errstate(invalid="ignore", divide="ignore"):  # no window of a slice may be left: 0 / 0
            for name, rows in self.rows.items():
                if name.startswith("n "):
                    found[f"slice {name[2:]}"] = sums[self.rows[f"correct {name[2:]}"]] / sums[rows]
        return found

    def shares(self, divisors: Sequence[str]) -> Floats:
        """Return each unit's share of some sums by name, shape ``(m, U)``."""
        by_unit = self._sums(self.sums)
        columns = np.array([getattr(by_unit, name) for name in divisors])
        return shares_of(columns)

    def slice_shares(self, group: str) -> Floats:
        """Return each unit's share of the windows of each slice of a group, shape ``(slices, U)``."""
        return shares_of(self.sums[self.rows[f"n {group}"]])

    def _sums(self, sums: Floats, levels: Levels | None = None) -> Sums:
        fields: dict[str, Any] = {name: sums[rows] for name, rows in self.rows.items() if " " not in name}
        return Sums(**fields, levels=levels)

    def _ranking_of(self, levels: Levels) -> dict[str, Floats]:
        return compute_metrics(dataclasses.replace(self.total, levels=levels), needs="ranking")


def _weighted(data: EvaluationSet, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return column if data.weight is None else column * data.weight


def _sums_by_graph(data: EvaluationSet, decisions: Decisions) -> dict[str, Floats]:
    """Return the sums of a :class:`Sums` graph by graph, shape ``(G,)`` or ``(BINS, G)``."""
    graph, graphs = data.unit, data.n_graphs
    columns: dict[str, npt.NDArray[Any]] = {
        "positives": data.label,
        "true_positives": decisions.called & data.label,
        "false_positives": decisions.called & ~data.label,
    }
    if data.bayes_right is not None:
        columns["bayes_right"] = data.bayes_right
    if (chance := data.chance) is not None:
        columns |= {"chance": chance, "around_edges": chance > 0}
    sums = {"n": summed(data.weight, graph, graphs)}
    sums |= {name: summed(_weighted(data, column), graph, graphs) for name, column in columns.items()}
    if decisions.probability is not None:
        excess = decisions.probability - data.label
        bins = bins_of(decisions.probability)
        sums["squared_error"] = summed(_weighted(data, excess**2), graph, graphs)
        sums["excess"] = _table(bins, BINS, graph, graphs, column=_weighted(data, excess))
    if data.offset is not None and data.k is not None and not data.alone:
        sums |= graph_columns(
            decisions.level, data.label, correct=decisions.correct, graph=graph, offset=data.offset, k=data.k
        )
    return sums


def _divisors(by_graph: dict[str, Floats]) -> dict[str, Floats]:
    """Return every sum that a metric divides by, graph by graph."""
    sums = Sums(**by_graph)  # type: ignore[arg-type]
    names = {name for metric in METRICS.values() if sums.has(metric.needs) for name in metric.divisors}
    return {name: getattr(sums, name) for name in names}


def _effective_parts(data: EvaluationSet, parts: Partition) -> Floats:
    """Return the effective number of graphs in each slice where graphs are too many for a table."""
    graphs = data.n_graphs
    place, where = np.unique(parts.code * graphs + data.unit, return_inverse=True)
    sizes = np.bincount(where, weights=data.weight).astype(np.float64)
    code, slices = place // graphs, len(parts.names)
    squares = summed(sizes**2, code, slices)
    return np.divide(summed(sizes, code, slices) ** 2, squares, where=squares > 0, out=np.zeros(slices))


def _counts(level: npt.NDArray[np.intp], data: EvaluationSet) -> Levels:
    """Return the weight of the positives and of the negatives on each level, shape ``(L,)`` each."""
    levels = int(level.max()) + 1
    positive, negative = (
        np.bincount(level[mask], weights=None if data.weight is None else data.weight[mask], minlength=levels)
        for mask in (data.label, ~data.label)
    )
    return positive, negative


def _table(
    code: npt.NDArray[np.intp], parts: int, unit: npt.NDArray[np.intp], units: int, *, column: Any = None
) -> Any:
    return summed(column, code * units + unit, parts * units).reshape(parts, units)


def _rows_of(sums: dict[str, Floats]) -> dict[str, int | slice]:
    rows: dict[str, int | slice] = {}
    first = 0
    for name, column in sums.items():
        rows[name] = first if column.ndim == 1 else slice(first, first + len(column))
        first += 1 if column.ndim == 1 else len(column)
    return rows


def _level_tables(
    level: npt.NDArray[np.intp], unit: npt.NDArray[np.intp], data: EvaluationSet, *, shape: tuple[int, int]
) -> tuple[Any, Any]:
    """Return the weight of the positives and of the negatives on each level in each unit, sparse, shape ``(L, U)``."""
    from scipy.sparse import csc_array

    weight = np.ones(len(level)) if data.weight is None else data.weight
    positive, negative = (
        csc_array((weight[mask], (level[mask], unit[mask])), shape=shape) for mask in (data.label, ~data.label)
    )
    return positive, negative
