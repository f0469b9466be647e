"""The commands sweep and merge."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gnnmax.cli.arguments import Flag, nets_of
from gnnmax.cli.printing import print_json, print_tables, print_text
from gnnmax.errors import InputError
from gnnmax.io.ownership import Output, check_outputs
from gnnmax.report.figures import FIGURES, write_figure
from gnnmax.report.progress import drawing_progress

__all__ = ["Merge", "Sweep"]

CODE_HELP = (
    "The code of nets of your own that the plan names, separated by commas, each as NAME=FILE.py:CLASS. A plan names "
    "no code."
)
TABLES = (".csv", ".json", ".parquet")


@dataclass(frozen=True)
class Sweep:
    """Measure every net and seed of a plan in every world; a killed sweep continues by the same call."""

    plan: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="PLAN")]]
    """Name of a shipped plan, or path of a .toml file."""
    out: Path | None = None
    """The folder of the sweep; runs/PLAN if not given."""
    workers: int = 1
    """Number of workers; the results do not depend on it."""
    executor: str = "loky"
    """Where units are measured: loky (processes of this machine), dask://HOST:PORT, or mpi."""
    shard: str | None = None
    """Measure a part only, as in 3/40: the third of forty. All parts together are the sweep."""
    max_hours: float | None = None
    """Begin no unit after this time; the same call continues."""
    dry_run: Flag = False
    """Count the units and estimate their time from those that are measured; measure nothing."""
    models: Annotated[str, tyro.conf.arg(help=CODE_HELP)] = ""
    table: Path | None = None
    """Also write the table to this .csv, .json or .parquet file."""
    figure: Path | None = None
    """Also draw the sweep into this .svg or .png file."""
    force: Flag = False
    """Replace output files that gnnmax did not write."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Measure what is missing, and print the tables; status 1 if a unit has no metrics."""
        from gnnmax.experiments.sweeps.driver import run_sweep
        from gnnmax.io.executors import named_executor, waiting_note

        out = self.out or Path("runs") / Path(self.plan).stem
        outputs = [Output("--table", self.table, TABLES, _is_table), Output("--figure", self.figure, FIGURES)]
        check_outputs(outputs, inputs=[Path(self.plan)], force=self.force)
        if self.dry_run:
            return self._estimate(out)
        with named_executor(self.executor, self.workers) as executor, drawing_progress("units") as on_progress:
            if note := waiting_note(executor):
                sys.stderr.write(f"gnnmax: {note}\n")
            found = run_sweep(
                self.plan,
                out,
                workers=self.workers,
                executor=executor,
                shard=self.shard,
                max_hours=self.max_hours,
                models=nets_of(self.models),
                on_progress=on_progress,
            )
        for note in found.notes:
            sys.stderr.write(f"gnnmax: {note}\n")
        show_sweep(found.table, out / "sweep.html", table=self.table, figure=self.figure, json=self.json)
        if found.missing:
            sys.stderr.write(f"gnnmax: {found.missing} units are left: the same call continues\n")
        if found.failed:
            sys.stderr.write(f"gnnmax: {len(found.failed)} units have no metrics; the table says which and why\n")
        return 0 if found.complete else 1

    def _estimate(self, out: Path) -> int:
        """Print the size of the sweep."""
        from dataclasses import asdict

        from gnnmax.experiments.sweeps.driver import estimate_sweep

        found = estimate_sweep(self.plan, out, shard=self.shard, models=nets_of(self.models))
        if self.json:
            print_json(asdict(found))
            return 0
        print_text(f"{found.units:,} units on {found.data_sets:,} data sets, {found.finished:,} of them finished")
        if found.seconds is None:
            print_text("no unit was measured yet: run some with --max-hours, and ask again for their time")
        else:
            hours = found.seconds / 3600
            print_text(f"about {hours:,.2f} hours of one core for the others, by {found.timed:,} units that were timed")
        return 0


@dataclass(frozen=True)
class Merge:
    """Merge shards of a sweep, or runs of different seeds of one call, into one folder."""

    runs: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="RUN")]]
    """Folders of sweeps of one plan, or finished run folders that differ in their seeds alone."""
    out: Path
    """The folder to write."""
    force: Flag = False
    """Replace a sweep or a run in the folder."""

    def run(self) -> int:
        """Merge, and print the path."""
        from gnnmax.experiments.run_merging import merge_runs
        from gnnmax.experiments.sweeps.ledger import MARK
        from gnnmax.experiments.sweeps.merging import merge_sweeps

        sweeps = [path for path in self.runs if (path / MARK).exists()]
        if sweeps and len(sweeps) < len(self.runs):
            other = next(path for path in self.runs if path not in sweeps)
            raise InputError(f"{sweeps[0]} is a sweep and {other} is none: merge sweeps with sweeps, or runs with runs")
        if sweeps:
            table = merge_sweeps(self.runs, self.out, force=self.force)
            print_text(f"{self.out}: {len(table.results):,} units, {table.missing:,} missing")
        else:
            results = merge_runs(self.runs, self.out, force=self.force)
            print_text(f"{self.out}: seeds {', '.join(map(str, results.seeds))}")
        return 0


def _is_table(path: Path) -> bool:
    """Return whether a file is a table of a sweep that gnnmax wrote."""
    from gnnmax.io.reading import read_ends

    head, _ = read_ends(path, 64)
    return head.startswith((b"world,data,", b'{\n "plan":')) or (path.suffix == ".parquet" and head[:4] == b"PAR1")


def show_sweep(found: object, page: Path, *, table: Path | None, figure: Path | None, json: bool) -> None:
    """Write the outputs of a sweep, and print its tables."""
    from gnnmax.experiments.sweeps.table import SweepTable
    from gnnmax.report.sweep_page import write_sweep_page
    from gnnmax.report.sweep_tables import break_even_text, sweep_tables

    assert isinstance(found, SweepTable)
    write_sweep_page(found, page)
    if table is not None:
        found.write(table)
    if figure is not None:
        write_figure(found.plot()[0], figure)
    if json:
        print_json(found.to_dict())
        return
    print_tables(*sweep_tables(found))
    for sentence in break_even_text(found):
        print_text(sentence)
    for path in (page, table, figure):
        if path is not None:
            print_text(path)
