"""The tidy table of a sweep: one row for each place, net, seed and test split."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.sweeps.expansion import Expanded, Point
from gnnmax.experiments.sweeps.figure import draw_sweep
from gnnmax.experiments.sweeps.ledger import Ledger
from gnnmax.experiments.sweeps.plan import SweepPlan
from gnnmax.experiments.sweeps.responses import Observations
from gnnmax.experiments.sweeps.table_formats import TABLE_FILES, Row
from gnnmax.experiments.sweeps.units import Unit, UnitResult
from gnnmax.io.atomic import write_file
from gnnmax.io.paths import as_path

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

__all__ = ["SweepTable", "read_sweep"]


@dataclass(frozen=True, eq=False)
class SweepTable:
    """The results of a sweep.

    Attributes:
        plan: The plan.
        points: Every unit of the plan with its place, in order.
        results: Results by the digest of their unit; units without a result are missing.
        ceilings: The unit of the ceilings of each recipe of maps, by its digest, if the plan asks for them.
    """

    plan: SweepPlan
    points: Sequence[Point]
    results: dict[str, UnitResult]
    ceilings: Mapping[str, Unit] = field(default_factory=dict)

    @classmethod
    def read(cls, ledger: Ledger, planned: Expanded, *, strict: bool = False) -> SweepTable:
        """Read the results of the units of a plan.

        Args:
            ledger: The ledger.
            planned: The plan with its points.
            strict: Whether to refuse a damaged result; otherwise it counts as missing.

        Raises:
            InputError: a result is damaged.
        """
        read = ledger.read if strict else ledger.whole
        found = {digest: read(digest) for digest in planned.units}
        results = {digest: result for digest, result in found.items() if result is not None}
        return cls(planned.plan, planned.points, results, planned.ceilings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SweepTable) and self.rows == other.rows

    __hash__ = None  # type: ignore[assignment]  # compared by content

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes."""
        return self.plan.axes

    @cached_property
    def metrics(self) -> list[str]:
        """Names of the metrics that some result has."""
        return _known(result.metrics for result in self._results_of_nets)

    @cached_property
    def bounded(self) -> list[str]:
        """Names of the metrics on maps whose best possible value is known; each has a column ``ceiling_METRIC``."""
        return _known(result.metrics for result in self._results_of_ceilings)

    @property
    def failed_ceilings(self) -> list[UnitResult]:
        """Ceilings whose computation ended with an error."""
        return [result for result in self._results_of_ceilings if result.state != "done"]

    @property
    def _results_of_nets(self) -> list[UnitResult]:
        return [result for result in self.results.values() if result.key.kind is msgspec.UNSET]

    @property
    def _results_of_ceilings(self) -> list[UnitResult]:
        return [result for result in self.results.values() if result.key.kind is not msgspec.UNSET]

    @cached_property
    def tests(self) -> list[str]:
        """Names of the test splits."""
        return list(dict.fromkeys(test for result in self._results_of_nets for test in result.metrics))

    @property
    def nets(self) -> list[str]:
        """Names of the nets, in the order of the plan."""
        return list(dict.fromkeys(point.net for point in self.points))

    @property
    def metric(self) -> str:
        """The metric that figures show: that of the plan, or the accuracy on windows, or the recall on maps.

        Raises:
            InputError: no result has it.
        """
        if self.plan.metric is not None:
            if self.metrics and self.plan.metric not in self.metrics:
                raise unknown_name("metric", self.plan.metric, self.metrics)
            return self.plan.metric
        return "accuracy" if "accuracy" in self.metrics or "recall" not in self.metrics else "recall"

    @property
    def compared(self) -> tuple[str, str] | None:
        """The two nets of a break-even: the difference is the first less the second; None with one net."""
        if self.plan.compare is not None:
            return self.plan.compare[0], self.plan.compare[1]
        return (self.nets[-1], self.nets[0]) if len(self.nets) > 1 else None

    @cached_property
    def missing(self) -> int:
        """Number of units without a result."""
        asked = (*(point.unit for point in self.points), *self.ceilings.values())
        return len({unit.digest for unit in asked} - self.results.keys())

    @cached_property
    def rows(self) -> list[Row]:
        """The rows: of a unit with metrics one for each test split, of any other one.

        Columns: the number of the ``world``, the recipe file ``data``, every axis (None where a unit does not depend on
        it), ``net``, ``seed``, ``test``, ``state`` (done, diverged, failed or missing), ``reason``, ``ceiling`` (of
        the accuracy on windows), ``ceiling_METRIC`` (of metrics on maps, if the plan asks), ``parameters``, ``steps``,
        ``best_step``, ``validation_loss``, all metrics, and the digest of the ``unit``.
        """
        found: list[Row] = []
        seen: set[str] = set()
        for point in self.points:
            place = {"world": point.world, "data": point.data, **{axis: point.values.get(axis) for axis in self.axes}}
            place |= {"net": point.net, "seed": point.unit.seed}
            key = json.dumps(place, sort_keys=True)
            if key not in seen:  # axes that a unit does not depend on repeat it
                seen.add(key)
                found += self._rows_of(place, point.unit)
        return found

    def _rows_of(self, place: Row, unit: Unit) -> list[Row]:
        result, bounds = self.results.get(unit.digest), [f"ceiling_{name}" for name in self.bounded]
        if result is None or not result.metrics:
            state, reason = ("missing", "") if result is None else (result.state, result.reason)
            facts = ("ceiling", *bounds, "parameters", "steps", "best_step", "validation_loss")
            empty = dict.fromkeys((*facts, *self.metrics))
            return [{**place, "test": None, "state": state, "reason": reason, **empty, "unit": unit.digest}]
        best = self._best_possible(unit)
        return [
            {
                **place,
                "test": test,
                "state": result.state,
                "reason": "",
                "ceiling": result.ceilings.get(test),
                **{f"ceiling_{name}": best.get(test, {}).get(name) for name in self.bounded},
                "parameters": result.parameters,
                "steps": result.steps,
                "best_step": result.best_step,
                "validation_loss": result.validation_loss,
                **{name: metrics.get(name) for name in self.metrics},
                "unit": unit.digest,
            }
            for test, metrics in result.metrics.items()
        ]

    def _best_possible(self, unit: Unit) -> dict[str, dict[str, float | None]]:
        """Return the best possible metrics on the data of a unit, by test split; empty if they are not computed."""
        ceiling = self.ceilings.get(unit.key.recipe)
        result = None if ceiling is None else self.results.get(ceiling.digest)
        return {} if result is None else result.metrics

    def observed(self, *nets: str, metric: str | None = None, test: str | None = None) -> Observations:
        """Collect a metric of a net, or the difference of two nets at equal places and seeds.

        Args:
            nets: One net, or two: the difference is the first less the second.
            metric: Name of the metric; None takes :attr:`metric`.
            test: Name of the test split; None takes the first.

        Raises:
            InputError: an unknown name, or more than two nets.
        """
        metric = self.metric if metric is None else metric
        if not 1 <= len(nets) <= 2:
            raise InputError(f"a response is that of one net or of the difference of two, not of {len(nets)}")
        for name, what, known in [*((net, "net", self.nets) for net in nets), (metric, "metric", self.metrics)]:
            if name not in known:
                raise unknown_name(what, name, known)
        test = test or self.tests[0]
        if test not in self.tests:
            raise unknown_name("test split", test, self.tests)
        return self._observed(" less ".join(nets), nets, column=metric, test=test)

    def best_possible(self, *, metric: str | None = None, test: str | None = None) -> Observations | None:
        """Collect the best possible values of a metric; None if they are not known.

        Args:
            metric: As for :meth:`observed`.
            test: As for :meth:`observed`.
        """
        metric = self.metric if metric is None else metric
        column = f"ceiling_{metric}" if metric in self.bounded else "ceiling" if metric == "accuracy" else ""
        found = self._observed("best possible", self.nets[:1], column=column, test=test or self.tests[0])
        return found if len(found) else None

    def _observed(self, title: str, nets: Sequence[str], *, column: str, test: str) -> Observations:
        """Collect a column of the rows of a net, or the difference of two nets."""
        rows: dict[str, dict[str, dict[str, Any]]] = {net: {} for net in nets}
        shared = [axis for axis in self.axes if not axis.startswith("models.") or axis.split(".")[1] in nets]
        joined = [axis for axis in shared if not axis.startswith("models.")] if len(nets) > 1 else shared
        for row in self.rows:
            if row["net"] in nets and row["test"] == test and row.get(column) is not None:
                key = json.dumps([row["world"], row["data"], row["seed"], *(row[axis] for axis in joined)])
                rows[row["net"]].setdefault(key, row)
        first = rows[nets[0]]
        keys = [key for key in first if all(key in rows[net] for net in nets)]
        values = [first[key][column] - sum(rows[net][key][column] for net in nets[1:]) for key in keys]
        seeds = "recipe.seed"
        clusters = [
            first[key]["world"] if self.plan.worlds else json.dumps([first[key].get(seeds), first[key]["seed"]])
            for key in keys
        ]
        return Observations(
            title,
            np.array(values, dtype=np.float64),
            {axis: [first[key][axis] for key in keys] for axis in joined},
            np.unique(np.array(clusters), return_inverse=True)[1].astype(np.intp) if keys else np.zeros(0, np.intp),
        )

    def plot(self, *, metric: str | None = None, test: str | None = None) -> tuple[Figure, Any]:
        """Draw every net over every axis, and where one overtakes the other; one metric on one test split.

        Args:
            metric: Name of the metric; None takes :attr:`metric`.
            test: Name of the test split; None takes the first.

        Returns:
            A figure of matplotlib and its axes.

        Raises:
            InputError: an unknown name, or no result to draw.
        """
        if not self.tests:
            raise InputError("the sweep has no result to draw: run it first")
        chosen = self.metric if metric is None else metric
        return draw_sweep(
            self.responses(metric=metric, test=test),
            self.difference(metric=metric, test=test),
            best=self.best_possible(metric=metric, test=test),
            metric=chosen,
        )

    def responses(self, *, metric: str | None = None, test: str | None = None) -> list[Observations]:
        """Collect a metric of every net that has it, see :meth:`observed`."""
        if not self._has(metric):
            return []
        found = [self.observed(net, metric=metric, test=test) for net in self.nets]
        return [one for one in found if len(one.values)]

    def difference(self, *, metric: str | None = None, test: str | None = None) -> Observations | None:
        """Collect the difference of the two nets of :attr:`compared`; None if they have no result in one place."""
        if self.compared is None or not self._has(metric):
            return None
        found = self.observed(*self.compared, metric=metric, test=test)
        return found if len(found.values) else None

    def _has(self, metric: str | None) -> bool:
        """Return whether there are results, and the metric of the plan among them if no other is asked for."""
        return bool(self.tests) and (metric is not None or self.metric in self.metrics)

    def to_dict(self) -> dict[str, Any]:
        """Return the rows and the plan's digest, in plain values."""
        return {"plan": self.plan.digest, "axes": list(self.axes), "missing": self.missing, "rows": self.rows}

    def to_pandas(self) -> pandas.DataFrame:
        """Return the rows as a data frame.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise InputError("to_pandas needs pandas: pip install pandas, or take to_dict()") from None
        return pandas.DataFrame(self.rows)

    def write(self, path: str | Path) -> Path:
        """Write the table as ``.csv``, ``.json`` or ``.parquet``, by the ending, whole or not at all.

        Raises:
            InputError: another ending, no such folder, or Parquet without pyarrow.
        """
        file = as_path(path)
        if file.suffix not in TABLE_FILES:
            raise InputError(f"a table of a sweep ends in {', '.join(TABLE_FILES)}, not in {file.suffix!r}: {path}")
        if not file.parent.is_dir():
            raise InputError(f"the folder {file.parent} does not exist: make it first, or choose another file")
        write_file(file, TABLE_FILES[file.suffix](self.to_dict()))
        return file


def read_sweep(folder: str | Path) -> SweepTable:
    """Read the table of a sweep from its folder.

    Raises:
        InputError: there is no sweep, it is of another version, or a file is damaged.

    Example:
        >>> import tempfile
        >>> from gnnmax.experiments.sweeps.driver import run_sweep
        >>> axes = {"training.batch_size": [4, 8]}
        >>> plan = {"data": "tiny", "models": ["cnn"], "training": {"steps": 2}, "grid": axes}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = run_sweep(plan, folder + "/sweep").table
        ...     read_sweep(folder + "/sweep") == table
        True
    """
    ledger = Ledger.load(folder)
    return SweepTable.read(ledger, ledger.planned(), strict=True)


def _known(tests: Iterable[Mapping[str, Mapping[str, float | None]]]) -> list[str]:
    """Return the names of the metrics that have a value on some test split."""
    names: dict[str, None] = {}
    for metrics in itertools.chain.from_iterable(each.values() for each in tests):
        names |= dict.fromkeys(name for name, value in metrics.items() if value is not None)
    return list(names)
