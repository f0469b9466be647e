"""What a unit of a sweep costs besides its own work: its name, its file, its place in the table, progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

from benchmarks.rows import Figure, Row, Setting, Target
from gnnmax.experiments.sweeps import driver
from gnnmax.experiments.sweeps.units import Unit, UnitResult

__all__ = ["ROWS"]

ALLOWED_SECONDS = 0.01
METRICS: dict[str, float | None] = dict.fromkeys(
    ("accuracy", "auroc", "average_precision", "recall", "specificity", "brier"), 0.5
)


def no_work(unit: Unit) -> UnitResult:
    """Return a result for a unit without drawing or training anything."""
    return UnitResult(key=unit.key, state="done", metrics={"test": METRICS}, ceilings={"test": None})


def overhead(clock: Callable[[], float], name: str, setting: Setting) -> Row:
    """Run the sweep of units that do nothing, serially, and write its table."""
    worlds = setting.size(500, 3)
    plan: dict[str, Any] = {
        "data": "bump-9-natural",
        "models": ["cnn", "gnn", "deepsets", "question"],
        "worlds": worlds,
        "random": {"recipe.plant.amplitude": {"from": 1.0, "to": 6.0}},
    }
    with mock.patch.object(driver, "run_unit", no_work):
        begun = clock()
        found = driver.run_sweep(plan, setting.folder / name.replace(":", ""), on_progress=lambda _done, _total: None)
        found.table.write(setting.folder / "table.csv")
        seconds = (clock() - begun) / (4 * worlds)
    bound = Target("cost", None if setting.quick else 1.0)
    return Row(name, Figure("ours", seconds, "unit"), Figure("allowed", ALLOWED_SECONDS, "unit"), bound)


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    "sweep: 2,000 units, wall time": partial(overhead, time.perf_counter),
    "sweep: 2,000 units, processor time": partial(overhead, time.process_time),
}
