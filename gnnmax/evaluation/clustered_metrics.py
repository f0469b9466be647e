"""Every metric of a scorer as a function of how often each graph is drawn: the input of the bootstrap over graphs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.calibration import BINS, Scale, bins_of, probabilities_of
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.evaluation.localisation import graph_columns
from gnnmax.evaluation.metrics import coarsened, compute_metrics, levels_of
from gnnmax.evaluation.sums import Sums

__all__ = ["ClusteredMetrics", "Decisions"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Levels = tuple[npt.NDArray[Any], npt.NDArray[Any]]

EXACT_LEVELS, COARSE_LEVELS = 16_384, 1_024


@dataclass(frozen=True, eq=False)
class Decisions:
    """One scorer's decisions on an evaluation set.

    Attributes:
        level: Ranks of its scores, shape ``(N,)``.
        called: Whether it calls each window centred.
        correct: Whether that decision is correct.
        probability: Of "centred", where a scale was declared.
    """

    level: npt.NDArray[np.intp]
    called: Mask
    correct: Mask
    probability: Floats | None

    @classmethod
    def of(
        cls, data: EvaluationSet, scores: Floats, *, threshold: float, scale: Scale | None, what: str = "scores"
    ) -> Decisions:
        """Decide and rank; ``what`` names the scores in a message."""
        called = scores > threshold
        probability = None if scale is None else probabilities_of(scores, scale, what)
        return cls(levels_of(scores), called, called == data.label, probability)


@dataclass(frozen=True, eq=False)
class ClusteredMetrics:
    """One scorer's decisions, summed by the units of the bootstrap: U graphs or batches of graphs.

    Attributes:
        sums: Everything that is summed over each unit, sparse, shape ``(S, U)``.
        rows: The row of each sum in it, or one row for each bin or slice.
        levels: Number of positives and of negatives on each level in each unit, sparse, shape ``(L, U)`` each.
        ranking: The metrics of the ranking on all windows, exactly.
        shift: How much coarse levels change each of them; empty where the levels are exact.
        prevalence: Natural share of centred windows of this side, or None.
    """

    sums: Any
    rows: dict[str, int | slice]
    levels: tuple[Any, Any]
    ranking: dict[str, Floats]
    shift: dict[str, Floats]
    prevalence: float | None

    @classmethod
    def of(cls, data: EvaluationSet, decisions: Decisions, batch: npt.NDArray[np.intp]) -> ClusteredMetrics:
        """Sum decisions by unit.

        Args:
            data: The evaluation set.
            decisions: One scorer's decisions on it.
            batch: Number of each graph's unit, shape ``(n_graphs,)``.
        """
        unit, units = batch[data.unit], int(batch.max()) + 1
        sums = _sums_by_unit(data, decisions, batch)
        for group, parts in data.slices.items():
            sums[f"n {group}"] = _table(parts.code, len(parts.names), unit, units)
            sums[f"correct {group}"] = _table(parts.code, len(parts.names), unit, units, column=decisions.correct)
        level = decisions.level
        coarse = level if level.max() < EXACT_LEVELS else coarsened(level, COARSE_LEVELS)
        levels = _level_tables(coarse, unit, data.label, shape=(int(coarse.max()) + 1, units))
        rows, prevalence = _rows_of(sums), None if data.k is None else 1 / data.k**2
        made = cls(_sparse(sums), rows, levels, {}, {}, prevalence)
        exact = made._ranking_of(_counts(level, data.label))
        if coarse is level:
            return dataclasses.replace(made, ranking=exact)
        approximate = made._ranking_of(_counts(coarse, data.label))
        return dataclasses.replace(made, ranking=exact, shift={name: exact[name] - approximate[name] for name in exact})

    @property
    def width(self) -> int:
        """Rows of the largest array that :meth:`resampled` makes."""
        return int(self.levels[0].shape[0])

    @cached_property
    def total(self) -> Sums:
        """The sums over all units."""
        return self._sums(self.sums.sum(axis=1))

    def whole(self) -> dict[str, Floats]:
        """Return every metric on all windows."""
        return compute_metrics(self.total) | self.ranking

    def units_of(self, group: str) -> npt.NDArray[np.intp]:
        """Return the number of units that have windows in each slice of a group, shape ``(slices,)``."""
        rows = self.rows[f"n {group}"]
        assert isinstance(rows, slice)
        return np.asarray(np.diff(self.sums.indptr)[rows], dtype=np.intp)

    def resampled(self, weights: Floats) -> dict[str, Floats]:
        """Return every metric on b resamples, weights ``(U, b)`` to ``(b,)``, and ``slice x`` to ``(slices, b)``."""
        sums = self.sums @ weights
        positive, negative = (table @ weights for table in self.levels)
        found = compute_metrics(self._sums(sums, (positive, negative)))
        found |= {name: found[name] + shift for name, shift in self.shift.items()}
        with np.errstate(invalid="ignore", divide="ignore"):  # a slice may be absent from a resample: 0 / 0
            for name, rows in self.rows.items():
                if name.startswith("n "):
                    found[f"slice {name[2:]}"] = sums[self.rows[f"correct {name[2:]}"]] / sums[rows]
        return found

    def _sums(self, sums: Floats, levels: Levels | None = None) -> Sums:
        fields: dict[str, Any] = {name: sums[rows] for name, rows in self.rows.items() if " " not in name}
        return Sums(**fields, prevalence=self.prevalence, levels=levels)

    def _ranking_of(self, levels: Levels) -> dict[str, Floats]:
        return compute_metrics(dataclasses.replace(self.total, levels=levels), needs="ranking")


def _sums_by_unit(data: EvaluationSet, decisions: Decisions, batch: npt.NDArray[np.intp]) -> dict[str, Floats]:
    """Return the sums of a :class:`Sums` unit by unit, shape ``(U,)`` or ``(BINS, U)``."""
    unit, units = batch[data.unit], int(batch.max()) + 1
    columns = {
        "n": None,
        "positives": data.label,
        "true_positives": decisions.called & data.label,
        "false_positives": decisions.called & ~data.label,
    }
    if data.bayes_right is not None:
        columns["bayes_right"] = data.bayes_right
    sums = {name: _summed(column, unit, units) for name, column in columns.items()}
    if decisions.probability is not None:
        excess = decisions.probability - data.label
        sums["excess"] = _table(bins_of(decisions.probability), BINS, unit, units, column=excess)
        sums["squared_error"] = _summed(excess**2, unit, units)
    if data.offset is not None and data.k is not None and not data.alone:
        by_graph = graph_columns(
            decisions.level, data.label, correct=decisions.correct, graph=data.unit, offset=data.offset, k=data.k
        )
        sums |= {name: _summed(column, batch, units) for name, column in by_graph.items()}
    return sums


def _counts(level: npt.NDArray[np.intp], label: Mask) -> Levels:
    """Count the positives and the negatives on each level, shape ``(L,)`` each."""
    levels = int(level.max()) + 1
    positive, negative = (np.bincount(level[mask], minlength=levels) for mask in (label, ~label))
    return positive, negative


def _summed(column: npt.NDArray[Any] | None, unit: npt.NDArray[np.intp], units: int) -> Floats:
    return np.bincount(unit, weights=column, minlength=units).astype(np.float64)


def _table(
    code: npt.NDArray[np.intp], parts: int, unit: npt.NDArray[np.intp], units: int, *, column: Any = None
) -> Any:
    return _summed(column, code * units + unit, parts * units).reshape(parts, units)


def _rows_of(sums: dict[str, Floats]) -> dict[str, int | slice]:
    rows: dict[str, int | slice] = {}
    first = 0
    for name, column in sums.items():
        rows[name] = first if column.ndim == 1 else slice(first, first + len(column))
        first += 1 if column.ndim == 1 else len(column)
    return rows


def _sparse(sums: dict[str, Floats]) -> Any:
    # Sparse products run in one thread: a threaded one of this shape waits far longer than it computes.
    from scipy.sparse import csr_array

    return csr_array(np.vstack(list(sums.values())))


def _level_tables(
    level: npt.NDArray[np.intp], unit: npt.NDArray[np.intp], label: Mask, *, shape: tuple[int, int]
) -> tuple[Any, Any]:
    """Count the positives and the negatives on each level in each unit, sparse, shape ``(L, U)``."""
    from scipy.sparse import csr_array

    positive, negative = (
        csr_array((np.ones(int(mask.sum())), (level[mask], unit[mask])), shape=shape) for mask in (label, ~label)
    )
    return positive, negative
