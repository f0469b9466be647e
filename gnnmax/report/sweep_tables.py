"""Tables of a sweep for the terminal and the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from gnnmax.experiments.sweeps.figure import short_name
from gnnmax.experiments.sweeps.responses import BreakEven, break_even, variance_shares
from gnnmax.experiments.sweeps.table import SweepTable

__all__ = ["break_even_text", "net_rows", "reason_rows", "share_rows", "sweep_tables"]

MOST_REASONS = 20
"""Failed units that are listed one by one."""


def net_rows(table: SweepTable) -> list[list[str]]:
    """Return one row for each net: its name, mean metric, number of results, and of units without metrics."""
    rows = []
    for net in table.nets:
        own = [row for row in table.rows if row["net"] == net]
        values = [
            row[table.metric] for row in own if row.get(table.metric) is not None and row["test"] == table.tests[0]
        ]
        mean = f"{np.mean(values):.4f}" if values else ""
        failed = sum(row["state"] in ("failed", "diverged") for row in own)
        missing = sum(row["state"] == "missing" for row in own)
        rows.append([net, mean, f"{len(values):,}", f"{failed:,}", f"{missing:,}"])
    return rows


def reason_rows(table: SweepTable) -> list[list[str]]:
    """Return the units without metrics, nets and then ceilings: net, seed, place, state and reason."""
    rows = [row for row in table.rows if row["state"] in ("failed", "diverged")]
    nets = [
        [
            str(row["net"]),
            str(row["seed"]),
            ", ".join(f"{short_name(axis)} {row[axis]}" for axis in table.axes if row[axis] is not None),
            str(row["state"]),
            str(row["reason"]),
        ]
        for row in rows[:MOST_REASONS]
    ]
    ceilings = [["ceiling", "", "", result.state, result.reason] for result in table.failed_ceilings]
    return nets + ceilings[:MOST_REASONS]


def share_rows(table: SweepTable) -> tuple[list[str], list[list[str]]]:
    """Return a header, and for each axis the share of the variance that it explains, in per cent, by net."""
    difference = table.difference()
    columns = [*table.responses(), *([difference] if difference is not None else [])]
    shares = [variance_shares(one) for one in columns]
    axes = sorted({axis for own in shares for axis in own}, key=lambda axis: -max(own.get(axis, 0.0) for own in shares))
    rows = [[short_name(axis), *(f"{100 * own[axis]:.0f}" if axis in own else "" for own in shares)] for axis in axes]
    return ["axis", *(one.title for one in columns)], rows


def break_even_text(table: SweepTable) -> list[str]:
    """Say in a sentence for each axis of numbers where one net overtakes the other."""
    difference = table.difference()
    if difference is None or table.compared is None:
        return []
    found = [break_even(difference, axis) for axis in difference.places]
    return [_sentence(one, table.compared) for one in found if one is not None]


def _sentence(found: BreakEven, nets: Sequence[str]) -> str:
    first, second = nets
    if not found.points:
        return f"{short_name(found.axis)}: the mean difference of {first} and {second} does not change its sign"
    said = " and ".join(
        f"{first if sign > 0 else second} overtakes {second if sign > 0 else first} at {point:.3g}"
        for point, sign in found.points
    )
    return (
        f"{short_name(found.axis)}: {said} (first crossing {found.low:.3g} to {found.high:.3g} in 95 %; "
        f"{100 * found.share:.0f} % of resamples cross)"
    )


def sweep_tables(table: SweepTable) -> list[Table]:
    """Lay out a sweep: its nets, which axis matters, and what failed."""
    made = [_table("results", ["net", table.metric.replace("_", " "), "results", "failed", "missing"], net_rows(table))]
    if table.tests:
        header, rows = share_rows(table)
        if rows:
            made.append(_table("share of the variance that an axis explains, %", header, rows))
    if reasons := reason_rows(table):
        made.append(_table("without metrics", ["net", "seed", "place", "state", "reason"], reasons))
    return made


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in header:
        table.add_column(name, justify="left" if name in ("net", "axis", "place", "state", "reason") else "right")
    for row in rows:
        table.add_row(*row)
    return table
