"""Every figure of a scorer as a function of how often each graph is drawn: what a bootstrap asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation.calibration import BINS, Scale, bins_of, probabilities_of
from gnnmax.evaluation.evaluation_set import Task
from gnnmax.evaluation.localisation import graph_columns
from gnnmax.evaluation.metrics import (
    auroc,
    average_precision,
    coarsened,
    decision_figures,
    levels_of,
    natural_precision,
)

__all__ = ["Case", "Replicates", "figures_of", "ranked"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

EXACT_LEVELS, COARSE_LEVELS = 16_384, 1_024


@dataclass(frozen=True, eq=False)
class Case:
    """One scorer's decisions on a task.

    Attributes:
        level: Ranks of its scores, shape ``(N,)``.
        called: Whether it calls each window centred.
        right: Whether that is right.
        probability: Of "centred", where a scale was declared.
    """

    level: npt.NDArray[np.intp]
    called: Mask
    right: Mask
    probability: Floats | None

    @classmethod
    def of(cls, task: Task, scores: Floats, threshold: float, scale: Scale | None, what: str) -> Case:
        """Decide, and rank."""
        called = scores > threshold
        probability = None if scale is None else probabilities_of(scores, scale, what)
        return cls(levels_of(scores), called, called == task.label, probability)


@dataclass(frozen=True, eq=False)
class Replicates:
    """One case, summed by what the bootstrap draws: U graphs or batches of graphs.

    Attributes:
        sums: All that is summed over each unit, sparse, shape ``(S, U)``.
        rows: Where in it each sum is: a row, or one row a part.
        positive: Number of positives on each level in each unit, sparse, shape ``(L, U)``.
        negative: Number of negatives, likewise.
        ranking: AUROC and average precision on all windows, exactly.
        shift: What coarse levels changed in them.
        prevalence: Share of windows of this side that are centred on their maximum in nature, or None.
    """

    sums: Any
    rows: dict[str, int | slice]
    positive: Any
    negative: Any
    ranking: tuple[float, float]
    shift: tuple[float, float]
    prevalence: float | None

    @classmethod
    def of(cls, task: Task, case: Case, batch: npt.NDArray[np.intp], sliced: bool = True) -> Replicates:
        """Sum a case by batch.

        Args:
            task: What is judged by.
            case: One scorer's decisions on it.
            batch: Number of each graph's batch, shape ``(n_graphs,)``.
            sliced: Whether to sum by slice too.
        """
        unit, units = batch[task.unit], int(batch.max()) + 1
        sums = {name: _summed(column, unit, units) for name, column in _columns(task, case).items()}
        if case.probability is not None:
            excess = case.probability - task.label
            sums["bins"] = _table(bins_of(case.probability), BINS, unit, units, excess)
            sums["brier"] = _summed(excess**2, unit, units)
        if task.offset is not None and task.k is not None and not task.alone:
            per_graph = graph_columns(case.level, task.label, case.right, task.unit, task.offset, task.k)
            sums |= {f"graph {name}": _summed(column, batch, units) for name, column in per_graph.items()}
        for group, parts in task.partitions.items() if sliced else ():
            sums[f"n {group}"] = _table(parts.code, len(parts.names), unit, units, None)
            sums[f"right {group}"] = _table(parts.code, len(parts.names), unit, units, case.right)
        level = case.level if case.level.max() < EXACT_LEVELS else coarsened(case.level, COARSE_LEVELS)
        exact, coarse = ranked(case.level, task.label), ranked(level, task.label)
        tables = _level_tables(level, unit, task.label, (int(level.max()) + 1, units))
        prevalence = None if task.k is None else 1 / task.k**2
        return cls(*_stacked(sums), *tables, exact, (exact[0] - coarse[0], exact[1] - coarse[1]), prevalence)

    @property
    def width(self) -> int:
        """Rows of the largest array that :meth:`figures` makes."""
        return int(self.positive.shape[0])

    def whole(self) -> dict[str, Floats]:
        """Return every figure on all windows, once each."""
        sums = self.sums.sum(axis=1)
        found = figures_of({name: sums[rows] for name, rows in self.rows.items()}, self.prevalence)
        return found | {"auroc": np.asarray(self.ranking[0]), "average_precision": np.asarray(self.ranking[1])}

    def total(self, name: str) -> int:
        """Return a count over all units."""
        return round(float(self.sums[[self.rows[name]]].sum()))

    def units_of(self, group: str) -> npt.NDArray[np.intp]:
        """Return in how many units each part of a partition has windows, shape ``(parts,)``."""
        rows = self.rows[f"n {group}"]
        assert isinstance(rows, slice)
        return np.asarray(np.diff(self.sums.indptr)[rows], dtype=np.intp)

    def figures(self, weights: Floats) -> dict[str, Floats]:
        """Return every figure on b resamples: weights ``(U, b)`` to ``(b,)`` each, of a partition ``(parts, b)``."""
        sums = self.sums @ weights
        found = figures_of({name: sums[rows] for name, rows in self.rows.items()}, self.prevalence)
        positive, negative = self.positive @ weights, self.negative @ weights
        found["auroc"] = auroc(positive, negative) + self.shift[0]
        found["average_precision"] = average_precision(positive, negative) + self.shift[1]
        return found


def figures_of(sums: dict[str, Floats], prevalence: float | None) -> dict[str, Floats]:
    """Return the figures that are functions of sums, all but those of the ranking."""
    found = decision_figures(sums["n"], sums["positives"], sums["true"], sums["false"])
    with np.errstate(invalid="ignore", divide="ignore"):
        if prevalence is not None:
            found["natural_precision"] = natural_precision(found["recall"], found["specificity"], prevalence)
        if "bayes" in sums:
            found["bayes_gap"] = sums["bayes"] / sums["n"] - found["accuracy"]
        if "bins" in sums:
            found["brier"] = sums["brier"] / sums["n"]
            found["calibration_error"] = np.abs(sums["bins"]).sum(axis=0) / sums["n"]
        if "graph graphs" in sums:
            found["found"] = sums["graph found"] / sums["graph centred"]
            found["exact"] = sums["graph exact"] / sums["graph graphs"]
            found["distance"] = sums["graph far"] / sums["graph missed"]
        for name in sums:
            if name.startswith("n "):  # a slice may be absent from a resample: 0 / 0
                found[f"slice {name[2:]}"] = sums[f"right {name[2:]}"] / sums[name]
    return found


def ranked(level: npt.NDArray[np.intp], label: Mask) -> tuple[float, float]:
    """Return AUROC and average precision."""
    levels = int(level.max()) + 1
    positive, negative = (np.bincount(level[mask], minlength=levels) for mask in (label, ~label))
    return float(auroc(positive, negative)), float(average_precision(positive, negative))


def _columns(task: Task, case: Case) -> dict[str, npt.NDArray[Any] | None]:
    columns = {
        "n": None,
        "positives": task.label,
        "true": case.called & task.label,
        "false": case.called & ~task.label,
    }
    return columns if task.bayes_right is None else columns | {"bayes": task.bayes_right}


def _summed(column: npt.NDArray[Any] | None, unit: npt.NDArray[np.intp], units: int) -> Floats:
    return np.bincount(unit, weights=column, minlength=units).astype(np.float64)


def _table(code: npt.NDArray[np.intp], parts: int, unit: npt.NDArray[np.intp], units: int, column: Any) -> Floats:
    return _summed(column, code * units + unit, parts * units).reshape(parts, units)


def _stacked(sums: dict[str, Floats]) -> tuple[Any, dict[str, int | slice]]:
    # Sparse products run in one thread: a threaded one of this shape waits far longer than it computes.
    from scipy.sparse import csr_array

    rows: dict[str, int | slice] = {}
    place = 0
    for name, column in sums.items():
        rows[name] = place if column.ndim == 1 else slice(place, place + len(column))
        place += 1 if column.ndim == 1 else len(column)
    return csr_array(np.vstack(list(sums.values()))), rows


def _level_tables(
    level: npt.NDArray[np.intp], unit: npt.NDArray[np.intp], label: Mask, shape: tuple[int, int]
) -> tuple[Any, Any]:
    """Count the positives and the negatives on each level in each unit, sparse, shape ``(L, U)``."""
    from scipy.sparse import csr_array

    positive, negative = (
        csr_array((np.ones(int(mask.sum())), (level[mask], unit[mask])), shape=shape) for mask in (label, ~label)
    )
    return positive, negative
