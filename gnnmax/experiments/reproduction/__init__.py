"""Known results from proofs or papers, measured again with the package's own data and nets.

One module per table; :data:`TABLES` names them. The module of a table is imported when the table is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.reproduction.outcome import Outcome, Progress, silent

__all__ = ["TABLES", "Reproduction", "reproduce"]


@dataclass(frozen=True)
class Reproduction:
    """A table to reproduce.

    Attributes:
        summary: One line to show.
        make: Measures the table from seeds and reports progress: parts done and parts in total.
    """

    summary: str
    make: Callable[[Sequence[int], Progress], Outcome]


def reproduce(name: str, seeds: Sequence[int] = (0, 1, 2), on_progress: Progress = silent) -> Outcome:
    """Reproduce a table of known results.

    Args:
        name: A key of :data:`TABLES`.
        seeds: One measurement, or training, per seed.
        on_progress: Called with the number of parts done and in total.

    Raises:
        InputError: an unknown table, or no seed.

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
    return TABLES[name].make(seeds, on_progress)


def _table(summary: str, module: str) -> Reproduction:
    """Register a table; its module is imported when the table is made."""

    def make(seeds: Sequence[int], on_progress: Progress) -> Outcome:
        found: Outcome = getattr(import_module(f"{__name__}.{module}"), module)(seeds, on_progress)
        return found

    return Reproduction(summary, make)


TABLES: dict[str, Reproduction] = {
    "answer": _table(
        "The question answered: image and graph nets on bumps, the order of the nodes known or lost.", "answer"
    ),
    "bayes": _table("The shipped Bayes rule against its closed form, at every side and amplitude.", "bayes_rule"),
    "ceilings": _table("Nets of every symmetry against the ceiling that it forces, k = 9 and 15.", "ceilings"),
    "encodings": _table(
        "A fair fight: image and graph nets on standardised values and on ranks, with equal budgets.", "encodings"
    ),
    "extrapolation": _table(
        "The largest degree of graphs larger than those of training: which readout extrapolates.", "extrapolation"
    ),
    "noise": _table("Image, set and graph nets on a spike in noise, against the Bayes rule.", "noise"),
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
