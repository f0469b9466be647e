"""The page with sliders: bumps in windows, the order known or lost, from a table that was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gnnmax.errors import InputError
from gnnmax.experiments.reproduction.outcome import Outcome
from gnnmax.report.rendering import environment, write_whole

__all__ = ["write_explorer_page"]

AXES = {"amplitude": "height of the bump", "k": "side of the window", "affinity noise": "noise of the affinities"}
"""Columns that are sliders, and their labels."""

BEST, ERROR = "best", "s.e. at most"

SCORERS: tuple[dict[str, Any], ...] = (
    {"column": "natural: image net", "title": "image net", "known": True, "net": True},
    {"column": "shuffled: image net", "title": "image net", "known": False, "net": True},
    {"column": "shuffled: seriated", "title": "image net after seriation", "known": False, "net": True},
    {"column": "shuffled: graph net", "title": "graph net", "known": None, "net": True},
    {"column": "largest entry", "title": "largest entry", "known": None, "net": False},
    {"column": BEST, "title": "best possible", "known": None, "net": False},
)
"""Columns that are bars: where the order is known, lost (False), or both (None), as the scorer ignores it."""


def write_explorer_page(outcome: Outcome, path: Path) -> Path:
    """Write a page with sliders: one HTML file that holds its data, runs without a server and links to nothing.

    Args:
        outcome: The table ``affinity``, with every combination of its sides, amplitudes and noises.
        path: The .html file.

    Raises:
        InputError: the table is another one, or lacks a combination; or the file cannot be written.
    """
    rows = [dict(row) for row in outcome.rows]
    needed = {*AXES, ERROR, *(scorer["column"] for scorer in SCORERS)}
    if not rows or not needed <= rows[0].keys():
        raise InputError("the page with sliders shows the table affinity: give reproduce('affinity', ...)")
    axes = {axis: sorted({row[axis] for row in rows}) for axis in AXES}
    combinations = {tuple(row[axis] for axis in AXES) for row in rows}
    expected = 1
    for values in axes.values():
        expected *= len(values)
    if len(combinations) != expected:
        raise InputError(
            f"the table affinity has {len(combinations)} of {expected} combinations of {', '.join(AXES)}: measure all"
        )
    data = {
        "axes": axes,
        "labels": AXES,
        "start": {axis: _start(values) for axis, values in axes.items()},
        "scorers": SCORERS,
        "best": BEST,
        "rows": [{name: row[name] for name in sorted(needed)} for row in rows],
    }
    page = environment().get_template("explorer.html")
    error = max(float(row[ERROR]) for row in rows)
    return write_whole(path, page.render(data=_script_safe(data), note=f"{outcome.title}.", error=f"{error:.3f}"))


def _start(values: Sequence[Any]) -> Any:
    """Return the value that a slider shows first: the one in the middle."""
    return values[len(values) // 2]


def _script_safe(data: dict[str, Any]) -> Any:
    """Return JSON that cannot end the element in which it lies."""
    from markupsafe import Markup

    return Markup(json.dumps(data).replace("<", "\\u003c"))
