"""The command reproduce: measure known results again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gnnmax.cli.arguments import Flag
from gnnmax.cli.printing import print_checks, print_json, print_tables
from gnnmax.errors import InputError
from gnnmax.io.ownership import Output, check_outputs
from gnnmax.report.figures import FIGURES, write_figure
from gnnmax.report.progress import drawing_progress

__all__ = ["Reproduce"]


@dataclass(frozen=True)
class Reproduce:
    """Reproduce a table of known results: ceilings, Bayes rules, tables from papers."""

    table: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="TABLE")]]
    """Name of the table; see gnnmax list tables."""
    seeds: int = 3
    """Number of seeds: 0, 1, ..."""
    quick: Flag = False
    """Measure the short form, for tables that are measured cell by cell."""
    sizes: tuple[int, ...] = ()
    """Numbers of nodes to measure, for these tables; those of the table if none is given."""
    nets: tuple[str, ...] = ()
    """Nets to train and measure too, for the table order, or none; by default all, with --quick none."""
    cells: Path | None = None
    """Folder that keeps the cells of these tables: a stopped run resumes."""
    figure: Path | None = None
    """Draw the table into this .svg or .png file."""
    force: Flag = False
    """Replace a figure that gnnmax did not write."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Print the table and its claims; return status 1 if a claim does not hold."""
        from gnnmax.experiments.reproduction import TABLES, CellOptions, reproduce
        from gnnmax.report.tables import reproduction_table

        if not 1 <= self.seeds <= 1000:
            raise InputError(f"--seeds must be between 1 and 1000, not {self.seeds}")
        if self.figure is not None and self.table in TABLES and not TABLES[self.table].has_figure:
            raise InputError(f"table {self.table} has no figure: leave out --figure")
        check_outputs([Output("--figure", self.figure, FIGURES)], force=self.force)
        options = CellOptions(quick=self.quick, sizes=self.sizes or None, nets=self.nets or None, folder=self.cells)
        with drawing_progress(self.table) as on_progress:
            outcome = reproduce(self.table, range(self.seeds), on_progress, options=options)
        if self.figure is not None:
            write_figure(outcome.plot()[0], self.figure)
        if self.json:
            print_json(outcome.to_dict())
        else:
            print_tables(reproduction_table(outcome))
            print_checks(outcome.checks)
        return 0 if outcome.holds else 1
