"""Print the table: ``python -m benchmarks [--quick] [--rows NAME,...] [--markdown]``."""

from __future__ import annotations

import argparse
import os
import platform
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.rows import Row, Setting

HEADER = ["row", "ours", "floor or peer", "ratio", "target", "met"]
PAGE = Path(__file__).with_name("README.md")

GROUPS = {
    "fresh": "fresh_windows",
    "cut": "host_windows",
    "host": "host_graphs",
    "read": "stored_sets",
    "batch": "graph_batches",
    "train": "training_steps",
    "learn": "training_runs",
    "evaluate": "evaluation",
    "detect": "detecting",
    "large": "large_matrices",
    "order": "order_tests",
    "sweep": "sweeping",
}
"""The prefix of a row's name, and the module that measures it."""


def rows_of(group: str) -> dict[str, Callable[[str, Setting], Row]]:
    """Return the rows of a group, by name; its module, and torch if needed, is imported here."""
    rows: dict[str, Callable[[str, Setting], Row]] = import_module(f"benchmarks.{GROUPS[group]}").ROWS
    return rows


def chosen(wanted: str | None) -> dict[str, Callable[[str, Setting], Row]]:
    """Return the rows whose names begin with one of the given prefixes, separated by commas; all for None.

    Raises:
        SystemExit: with status 2, if no row begins with a prefix.
    """
    names = list(GROUPS) if wanted is None else [name.strip() for name in wanted.split(",")]
    found: dict[str, Callable[[str, Setting], Row]] = {}
    for name in names:
        group = name.split(":")[0]
        rows = rows_of(group) if group in GROUPS else {}
        matching = {row: run for row, run in rows.items() if row == name or row.startswith(name)}
        if not matching:
            known = ", ".join(rows or GROUPS)
            print(f"no row begins with {name!r}; known: {known}", file=sys.stderr)
            raise SystemExit(2)
        found |= matching
    return found


def table(rows: list[Row], quick: bool) -> Table:
    """Format the rows for a terminal."""
    how = "quick: sizes too small to judge by" if quick else "medians of alternated repetitions"
    laid = Table(title=f"ratios of one run; processor time, one thread; {how}")
    for name in HEADER:
        laid.add_column(name, justify="left" if name in ("row", "floor or peer", "met") else "right")
    for row in rows:
        laid.add_row(*row.cells(), style="red" if row.met is False else None)
    return laid


def markdown(rows: list[Row], command: str) -> str:
    """Write the rows as Markdown, below the command, the date, the machine and the versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    names = ("gnnmax", "numpy", "scipy", "networkx", "scikit-learn", "torch", "torch-geometric")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    where = f"{time.strftime('%Y-%m-%d')}, {cores} cores ({platform.machine()}), Python {platform.python_version()}"
    rule = ["---", "---:", "---", "---:", "---:", "---"]
    lines = [f"| {' | '.join(cells)} |" for cells in (HEADER, rule, *(row.cells() for row in rows))]
    return "\n".join([f"`{command}`, {where}, {versions}:", "", *lines])


def main(words: list[str]) -> int:
    """Measure, print, and return the exit status: 0 even if targets are missed, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smallest sizes, once: a check that it runs, not a timing")
    parser.add_argument("--rows", metavar="NAME,...", help=f"rows, or prefixes of their names: {', '.join(GROUPS)}")
    parser.add_argument("--markdown", action="store_true", help="also write the table into benchmarks/README.md")
    options = parser.parse_args(words)
    if options.quick and options.markdown:
        parser.error("--quick figures do not belong on the page: leave out --quick or --markdown")
    picked = chosen(options.rows)
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(options.quick, Path(folder))
        progress = track(picked.items(), "measuring", console=Console(stderr=True), transient=True)
        rows = [run(name, setting) for name, run in progress]
    console = Console()
    # A file or a pipe gets whole lines, a terminal its own width.
    Console(width=None if console.is_terminal else 160).print(table(rows, options.quick))
    if options.markdown:
        written = markdown(rows, shlex.join(["python", "-m", "benchmarks", *words]))
        page = PAGE.read_text(encoding="utf-8")
        marked = re.compile(r"(<!-- table -->\n).*?(<!-- /table -->)", flags=re.DOTALL)
        PAGE.write_text(marked.sub(lambda mark: f"{mark[1]}{written}\n{mark[2]}", page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
