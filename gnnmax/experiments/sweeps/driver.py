"""The driver of a sweep: it gives out the units that have no result, on any engine, and never measures one twice."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gnnmax.errors import InputError
from gnnmax.experiments.sweeps.expansion import Expanded, expanded
from gnnmax.experiments.sweeps.ledger import MARK, Ledger
from gnnmax.experiments.sweeps.plan import PlanLike, plan_and_code
from gnnmax.experiments.sweeps.table import SweepTable
from gnnmax.experiments.sweeps.units import Unit, UnitResult, failed_result, run_unit
from gnnmax.io.ordered_map import map_ahead
from gnnmax.io.paths import as_path
from gnnmax.io.workers import ExecutorLike, check_sendable, check_workers, is_orphan

__all__ = ["Estimate", "Sweep", "estimate_sweep", "parse_shard", "run_sweep"]

JOBS_PER_WORKER = 4
"""Least number of jobs that each worker gets, if there are as many units."""

LARGEST_JOB = 64
"""Units of a job: all of one data set, which is drawn once."""

IDLE_SECONDS = 300

Progress = Callable[[int, int], None]
Shard = tuple[int, int]


@dataclass(frozen=True)
class Sweep:
    """The outcome of a call: its table, and what the reader should know.

    Attributes:
        table: Every result so far of the units of the plan.
        measured: Number of units that this call measured.
        missing: Number of units of this call that have no result, because its time was up.
        failed: Results without metrics: the unit failed, or its training diverged.
        notes: Damaged results that were measured again, and results that no longer belong to the plan.
    """

    table: SweepTable
    measured: int
    missing: int
    failed: list[UnitResult]
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every unit of this call has metrics."""
        return not self.missing and not self.failed


@dataclass(frozen=True)
class Estimate:
    """The size of a sweep before it runs.

    Attributes:
        units: Number of different units.
        data_sets: Number of different data sets.
        finished: Number of units that have a result.
        seconds: Estimated time of the other units on one core, from the mean of the units of each net that were
            measured; None if none was.
        timed: Number of units that the estimate rests on.
    """

    units: int
    data_sets: int
    finished: int
    seconds: float | None
    timed: int


@dataclass(frozen=True)
class _Job:
    """Some units of one data set, and when to begin no more of them."""

    folder: str
    units: tuple[Unit, ...]
    deadline: float | None


@dataclass(frozen=True)
class _Lost:
    """A job that ended its worker."""

    job: _Job
    reason: str


def run_sweep(
    plan: PlanLike,
    out: str | Path,
    *,
    workers: int = 1,
    executor: ExecutorLike | None = None,
    shard: Shard | str | None = None,
    max_hours: float | None = None,
    models: Mapping[str, Any] | None = None,
    on_progress: Progress | None = None,
) -> Sweep:
    """Measure every unit of a plan that has no result in the folder yet.

    A unit is one net, trained from one seed on the data of one recipe. Its result has the digest of everything that
    decides it as its name, and is written as soon as it is there. So any process may be killed: the same call measures
    what is missing. Results do not depend on the number of workers, on the engine or on the order. Several calls may
    work in one folder at the same time: each skips the units that another one has finished.

    A unit that fails, or that ends its worker every time, becomes a result with a reason, and the others go on; the
    next call tries it again. A changed plan adds units; results that no longer belong to it stay in the folder.

    Args:
        plan: A plan, the name of a shipped one, a path of a ``.toml`` file, or plain values, see
            :class:`gnnmax.experiments.sweeps.plan.SweepPlan`.
        out: The folder, made if it is missing.
        workers: Number of worker processes.
        executor: As for :func:`gnnmax.build`. Workers that do not see the folder send their results to this process.
        shard: ``(i, n)`` or ``"i/n"``, from 1 on: measure the i-th of n parts. Together they are the sweep.
        max_hours: Begin no unit after this time.
        models: The code of nets of your own, by name: ``FILE.py:NAME``, ``package.module:NAME``, or a factory. A plan
            in plain values may hold it itself; a file names no code. Results are named by the content of that file.
        on_progress: Called with the number of units that are done, and of all.

    Returns:
        The table of all results in the folder that belong to the plan, and what failed.

    Raises:
        InputError: a plan that does not fit, a folder that holds something else, one of another version, or a net of
            your own without its code.
        LostWorkerError: a given executor is broken.

    Example:
        >>> import tempfile
        >>> axes = {"training.batch_size": [4, 8]}
        >>> plan = {"data": "tiny", "models": ["cnn"], "training": {"steps": 2}, "grid": axes}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first = run_sweep(plan, folder + "/sweep")
        ...     again = run_sweep(plan, folder + "/sweep")
        >>> first.measured, again.measured, first.table == again.table, first.table.metric
        (2, 0, True, 'accuracy')
    """
    check_workers(workers, executor)
    if max_hours is not None and not max_hours > 0:
        raise InputError(f"max_hours must be above 0, not {max_hours}")
    planned = _planned(plan, models)
    part = _in_shard(planned.units, shard)
    _check_sendable(planned, workers, executor)
    ledger, has_changed = Ledger.start(out, planned)
    notes = _changes(ledger, planned) if has_changed else []
    missing = _missing(ledger, part, notes)
    deadline = None if max_hours is None else time.time() + 3600 * max_hours
    _Driver(ledger, workers, executor, deadline).measure(missing, total=len(part), on_progress=on_progress)
    ledger.tidy()
    table = SweepTable.read(ledger, planned)
    found = {digest: table.results.get(digest) for digest in part}
    return Sweep(
        table=table,
        measured=sum(table.results.get(unit.digest) is not None for unit in missing),
        missing=sum(result is None for result in found.values()),
        failed=[result for result in found.values() if result is not None and result.state != "done"],
        notes=notes,
    )


def estimate_sweep(
    plan: PlanLike, out: str | Path, *, shard: Shard | str | None = None, models: Mapping[str, Any] | None = None
) -> Estimate:
    """Count the units of a sweep and estimate their cost; nothing is written.

    Raises:
        InputError: as for :func:`run_sweep`.

    Example:
        >>> estimate_sweep("example", "nowhere").units
        24
    """
    part = _in_shard(_planned(plan, models).units, shard)
    folder = as_path(out, "the folder of the sweep")
    ledger = Ledger.load(folder) if os.path.lexists(folder / MARK) else None
    finished = {digest for digest in part if ledger is not None and ledger.finished(digest) is not None}
    times = ledger.times() if ledger is not None else {}
    seconds = _expected([unit for digest, unit in part.items() if digest not in finished], part, times)
    return Estimate(
        units=len(part),
        data_sets=len({unit.key.recipe for unit in part.values() if not unit.is_ceiling}),
        finished=len(finished),
        seconds=seconds,
        timed=len(times.keys() & part.keys()),
    )


def _planned(plan: PlanLike, models: Mapping[str, Any] | None) -> Expanded:
    asked, code = plan_and_code(plan)
    return expanded(asked, code=code | dict(models or {}))


def _check_sendable(planned: Expanded, workers: int, executor: ExecutorLike | None) -> None:
    """Refuse code of nets of your own that workers cannot receive."""
    if workers > 1 or executor is not None:
        for name, net in {point.net: point.unit.net for point in planned.points}.items():
            check_sendable(net.origin, f"the factory of {name}", executor)


def _expected(missing: Sequence[Unit], part: dict[str, Unit], times: dict[str, float]) -> float | None:
    by_net: dict[str, list[float]] = {}
    for digest, seconds in times.items():
        if digest in part:
            by_net.setdefault(part[digest].key.model, []).append(seconds)
    if not by_net:
        return None
    means = {model: sum(own) / len(own) for model, own in by_net.items()}
    overall = sum(means.values()) / len(means)
    return sum(means.get(unit.key.model, overall) for unit in missing)


def parse_shard(given: Shard | str | None) -> Shard:
    """Return a shard as its number, from 1 on, and the number of shards.

    Raises:
        InputError: it is none.

    Example:
        >>> parse_shard("3/40"), parse_shard(None)
        ((3, 40), (1, 1))
        >>> parse_shard("0/3")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: a shard is i/n with i from 1 to n, as in 3/40, not '0/3'
    """
    if given is None:
        return 1, 1
    words = re.fullmatch(r"([0-9]{1,7})/([0-9]{1,7})", given) if isinstance(given, str) else None
    pair = (int(words[1]), int(words[2])) if words else given
    whole = isinstance(pair, tuple) and len(pair) == 2 and all(type(number) is int for number in pair)
    if not whole or not 1 <= pair[0] <= pair[1]:  # type: ignore[operator]  # a pair of integers
        raise InputError(f"a shard is i/n with i from 1 to n, as in 3/40, not {given!r}")
    return pair  # type: ignore[return-value]


def _in_shard(units: dict[str, Unit], given: Shard | str | None) -> dict[str, Unit]:
    """Return the units of a shard: whole data sets, or single units where there are fewer data sets than shards."""
    number, count = parse_shard(given)
    data_sets = list(dict.fromkeys(unit.key.recipe for unit in units.values()))
    if len(data_sets) >= count:
        own = set(data_sets[number - 1 :: count])
        return {digest: unit for digest, unit in units.items() if unit.key.recipe in own}
    return dict(list(units.items())[number - 1 :: count])


def _missing(ledger: Ledger, part: dict[str, Unit], notes: list[str]) -> list[Unit]:
    """Return the units without a finished result; a damaged one is noted."""
    missing = []
    for digest, unit in part.items():
        try:
            found = ledger.read(digest)
        except InputError as error:
            notes.append(f"measured again: {error}")
            found = None
        if found is None or found.state == "failed":
            missing.append(unit)
    return missing


def _changes(ledger: Ledger, planned: Expanded) -> list[str]:
    """Say what a changed plan adds, and what no longer belongs to it."""
    there, asked = ledger.digests(), set(planned.units)
    new, foreign = len(asked - there), len(there - asked)
    notes = [f"the plan has changed: {new:,} {'unit is' if new == 1 else 'units are'} new"]
    if foreign:
        few = foreign == 1
        notes.append(
            f"{foreign:,} {'result no longer belongs' if few else 'results no longer belong'} to the plan: "
            f"{'it stays' if few else 'they stay'}, and the table leaves {'it' if few else 'them'} out"
        )
    return notes


def _run_job(job: _Job) -> list[tuple[UnitResult, float]]:
    """Measure the units of a job, and write each result at once where the folder of the sweep can be seen."""
    ledger = Ledger(Path(job.folder))
    sees = _sees(ledger)
    found = []
    for unit in job.units:
        if is_orphan() or (job.deadline is not None and time.time() > job.deadline):
            break
        result = ledger.finished(unit.digest) if sees else None
        if result is not None:
            found.append((result, 0.0))
            continue
        begun = time.perf_counter()
        result = run_unit(unit)
        if sees:
            ledger.write(result)
        found.append((result, time.perf_counter() - begun))
    return found


def _sees(ledger: Ledger) -> bool:
    """Return whether this process sees the folder of a sweep."""
    return (ledger.folder / "units").is_dir()


class _Driver:
    """Gives out units, and writes the results that workers could not write."""

    def __init__(self, ledger: Ledger, workers: int, executor: ExecutorLike | None, deadline: float | None) -> None:
        self._ledger, self._workers, self._executor, self._deadline = ledger, workers, executor, deadline

    def measure(self, missing: Sequence[Unit], *, total: int, on_progress: Progress | None) -> None:
        """Measure units; those of a job that ended its worker are given out again one by one."""
        done = total - len(missing)
        report = on_progress or _ignore
        report(done, total)
        single: list[Unit] = []
        for outcome in self._outcomes(self._jobs(missing)):
            if isinstance(outcome, _Lost):
                single += outcome.job.units
                continue
            done += self._keep(outcome)
            report(done, total)
        alone = [unit for unit in single if self._ledger.finished(unit.digest) is None]
        for outcome in self._outcomes([self._job([unit]) for unit in alone]):
            if isinstance(outcome, _Lost):
                (unit,) = outcome.job.units
                outcome = [(failed_result(unit, outcome.reason), 0.0)]  # noqa: PLW2901  # the result of a lost unit
            done += self._keep(outcome)
            report(done, total)

    def _jobs(self, missing: Sequence[Unit]) -> list[_Job]:
        by_data: dict[str, list[Unit]] = {}
        for unit in missing:
            by_data.setdefault(unit.key.recipe, []).append(unit)
        parallel = self._workers > 1 or self._executor is not None
        most = LARGEST_JOB if not parallel else max(1, len(missing) // (JOBS_PER_WORKER * self._workers))
        size = min(most, LARGEST_JOB)
        return [
            self._job(units[first : first + size]) for units in by_data.values() for first in range(0, len(units), size)
        ]

    def _job(self, units: Sequence[Unit]) -> _Job:
        return _Job(str(self._ledger.folder), tuple(units), self._deadline)

    def _outcomes(self, jobs: Sequence[_Job]) -> Iterator[Any]:
        if self._workers == 1 and self._executor is None:
            for job in jobs:
                for unit in job.units:  # one by one: progress is shown, and an interrupt loses one unit
                    yield _run_job(_Job(job.folder, (unit,), job.deadline))
            return
        yield from map_ahead(
            _run_job,
            self._until_deadline(jobs),
            workers=min(self._workers, max(len(jobs), 1)),
            timeout=IDLE_SECONDS,
            executor=self._executor,
            name=lambda job: f"unit {job.units[0].digest[:12]} ({job.units[0].key.model})",
            on_failure=_lost,
        )

    def _until_deadline(self, jobs: Sequence[_Job]) -> Iterator[_Job]:
        for job in jobs:
            if self._deadline is not None and time.time() > self._deadline:
                return
            yield job

    def _keep(self, outcome: Sequence[tuple[UnitResult, float]]) -> int:
        """Write the results that are not there yet, and their times; return their number."""
        for result, _ in outcome:
            if self._ledger.whole(result.key.digest) != result:  # a worker that does not see the folder
                self._ledger.write(result)
        times = {result.key.digest: seconds for result, seconds in outcome if seconds}
        if times:
            self._ledger.add_times(times)
        return len(outcome)


def _lost(job: _Job, error: Exception) -> _Lost:
    """Take the place of a job that ended its worker; errors of writing end the sweep."""
    if isinstance(error, InputError | OSError):
        raise error
    lines = str(error).splitlines() or [type(error).__name__]
    return _Lost(job, lines[0])


def _ignore(done: int, total: int) -> None:
    """Ignore the progress."""
    del done, total
