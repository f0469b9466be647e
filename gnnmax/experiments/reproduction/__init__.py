"""Known results from proofs or papers, measured again with the package's own data and nets.

One module per table; :data:`TABLES` names them. The module of a table is imported when the table is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.reproduction.cells import CellOptions
from gnnmax.experiments.reproduction.outcome import Outcome, Progress, silent

__all__ = ["TABLES", "CellOptions", "Reproduction", "reproduce"]


@dataclass(frozen=True)
class Reproduction:
    """A table to reproduce.

    Attributes:
        summary: One line to show.
        make: Measures the table from seeds and reports progress: parts done and parts in total.
        in_cells: The same cell by cell, with options; None for a table that is measured as a whole.
        has_figure: Whether the outcome can be drawn.
    """

    summary: str
    make: Callable[[Sequence[int], Progress], Outcome]
    in_cells: Callable[[Sequence[int], Progress, CellOptions], Outcome] | None = None
    has_figure: bool = False


def reproduce(
    name: str,
    seeds: Sequence[int] = (0, 1, 2),
    on_progress: Progress = silent,
    *,
    options: CellOptions | None = None,
) -> Outcome:
    """Reproduce a table of known results.

    Args:
        name: A key of :data:`TABLES`.
        seeds: One measurement, or training, per seed.
        on_progress: Called with the number of parts done and in total.
        options: Short form, sizes, and the folder that keeps the cells, for tables that are measured cell by cell.

    Raises:
        InputError: an unknown table, no seed, or options of a table that is measured as a whole.

    Example:
        >>> reproduce("bayes", seeds=())
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: there is no seed: give at least one, as in seeds=(0, 1, 2)
    """
    if name not in TABLES:
        raise unknown_name("table", name, TABLES)
    if not seeds:
        raise InputError("there is no seed: give at least one, as in seeds=(0, 1, 2)")
    table = TABLES[name]
    if options is None or options == CellOptions():
        return table.make(seeds, on_progress)
    if table.in_cells is None:
        known = [each for each, other in TABLES.items() if other.in_cells is not None]
        raise InputError(f"table {name} is measured as a whole: leave out the options of {', '.join(known)}")
    return table.in_cells(seeds, on_progress, options)


def _table(summary: str, module: str) -> Reproduction:
    """Register a table; its module is imported when the table is made."""

    def make(seeds: Sequence[int], on_progress: Progress) -> Outcome:
        found: Outcome = getattr(import_module(f"{__name__}.{module}"), module)(seeds, on_progress)
        return found

    return Reproduction(summary, make)


def _table_in_cells(summary: str, module: str, *, has_figure: bool = True) -> Reproduction:
    """Register a table that is measured cell by cell; its module is imported when the table is made."""

    def in_cells(seeds: Sequence[int], on_progress: Progress, options: CellOptions) -> Outcome:
        found: Outcome = getattr(import_module(f"{__name__}.{module}"), module)(seeds, on_progress, options)
        return found

    return Reproduction(
        summary, lambda seeds, done: in_cells(seeds, done, CellOptions()), in_cells, has_figure=has_figure
    )


TABLES: dict[str, Reproduction] = {
    "affinity": _table_in_cells(
        "The worth of the order in windows: bumps against the noise of the affinities that show it.", "affinity"
    ),
    "answer": _table(
        "The question answered: image and graph nets on bumps, the order of the nodes known or lost.", "answer"
    ),
    "bayes": _table("The shipped Bayes rule against its closed form, at every side and amplitude.", "bayes_rule"),
    "bump": _table_in_cells(
        "Where in the window is the bump: nets trained on small windows, tested at k = 9, 31 and 101.",
        "bump",
        has_figure=False,
    ),
    "ceilings": _table("Nets of every symmetry against the ceiling that it forces, k = 9 and 15.", "ceilings"),
    "csbm": _table_in_cells(
        "The Bayes gap of graph nets: two groups seen by a sparse graph and by features, and BP-AMP.", "csbm"
    ),
    "encodings": _table(
        "A fair fight: image and graph nets on standardised values and on ranks, with equal budgets.", "encodings"
    ),
    "extrapolation": _table(
        "The largest degree of graphs larger than those of training: which readout extrapolates.", "extrapolation"
    ),
    "line": _table("Where is the peak of a line map of 64 nodes: nets on maps against the two exact ceilings.", "line"),
    "needle": _table(
        "One raised entry in a map of up to 1,000 x 1,000: the posterior against the closed form, and a net on maps.",
        "needle",
    ),
    "noise": _table("Image, set and graph nets on a spike in noise, against the Bayes rule.", "noise"),
    "order": _table_in_cells(
        "The worth of the order: from which strength on a hidden block is found, its nodes in order and not.", "order"
    ),
    "patches": _table_in_cells(
        "The worth of locality and shared weights: samples needed to find a signal in one of k patches.", "patches"
    ),
    "places": _table("Where is the peak of a line map, the order of its nodes known, sought and lost.", "places"),
    "real": _table("Real graphs: the rule against plain loops, and the shipped nets against the rule.", "real"),
    "samples": _table("Accuracy against the number of training windows, with the break-even.", "samples"),
    "sets": _table("The largest of a set of numbers, by mean, sum, maximum and attention.", "sets"),
    "shifts": _table("Trained at k = 9, tested on other sides, other weights and ties.", "shifts"),
    "sizes": _table(
        "Where is the peak of a line map of 32 to 256 nodes: the shipped map net against the ceiling.", "sizes"
    ),
    "translation": _table(
        "Which of two maxima lies left, at positions of training and elsewhere, by padding.", "translation"
    ),
    "variation": _table(
        "Sources of variation in accuracy: data, initial weights, the order of the windows.", "variation"
    ),
}
"""The tables by name."""
