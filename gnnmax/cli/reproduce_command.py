"""The command reproduce: measure known results again."""

from __future__ import annotations

from dataclasses import dataclass

import tyro

from gnnmax.cli.arguments import Flag
from gnnmax.cli.printing import print_checks, print_json, print_tables
from gnnmax.errors import InputError
from gnnmax.report.progress import drawing_progress

__all__ = ["Reproduce"]


@dataclass(frozen=True)
class Reproduce:
    """Reproduce a table of known results: ceilings, Bayes rules, tables from papers."""

    table: tyro.conf.Positional[str]
    """Name of the table; see gnnmax list tables."""
    seeds: int = 3
    """Number of seeds: 0, 1, ..."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Print the table and its claims; return status 1 if a claim does not hold."""
        from gnnmax.experiments.reproduction import reproduce
        from gnnmax.report.tables import reproduction_table

        if not 1 <= self.seeds <= 1000:
            raise InputError(f"--seeds must be between 1 and 1000, not {self.seeds}")
        with drawing_progress(self.table) as on_progress:
            outcome = reproduce(self.table, range(self.seeds), on_progress)
        if self.json:
            print_json(outcome.to_dict())
        else:
            print_tables(reproduction_table(outcome))
            print_checks(outcome.checks)
        return 0 if outcome.holds else 1
