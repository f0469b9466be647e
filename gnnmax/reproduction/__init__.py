"""Figures that are known beforehand, by proof or from papers, measured anew with the package's own data and nets.

One module a table; :data:`TABLES` names them. Importing this package loads no torch: a table's module is loaded when
the table is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gnnmax.errors import InputError, unknown_name
from gnnmax.reproduction.outcome import Outcome, Progress, silent

__all__ = ["TABLES", "Reproduction", "reproduce"]


@dataclass(frozen=True)
class Reproduction:
    """A table that can be made again.

    Attributes:
        summary: One line for people.
        make: Measures it from some seeds, and says after each piece of work how many of how many are done.
    """

    summary: str
    make: Callable[[Sequence[int], Progress], Outcome]


def reproduce(name: str, seeds: Sequence[int] = (0, 1, 2), on_progress: Progress = silent) -> Outcome:
    """Measure a table anew.

    Args:
        name: A key of :data:`TABLES`.
        seeds: Each measures, or trains, once; none of the seeds chooses anything.
        on_progress: Called with the pieces of work done and their number.

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


# Each table is imported where it is made, so that names are listed without torch.
def _bayes(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    from gnnmax.reproduction.bayes_rule import bayes_rule

    return bayes_rule(seeds, on_progress)


def _ceilings(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    from gnnmax.reproduction.ceilings import ceilings

    return ceilings(seeds, on_progress)


def _extrapolation(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    from gnnmax.reproduction.extrapolation import extrapolation

    return extrapolation(seeds, on_progress)


def _noise(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    from gnnmax.reproduction.noise import noise

    return noise(seeds, on_progress)


def _real(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    from gnnmax.reproduction.real import real

    return real(seeds, on_progress)


def _samples(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    from gnnmax.reproduction.samples import samples

    return samples(seeds, on_progress)


def _sets(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    from gnnmax.reproduction.sets import sets

    return sets(seeds, on_progress)


def _shifts(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    from gnnmax.reproduction.shifts import shifts

    return shifts(seeds, on_progress)


def _translation(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    from gnnmax.reproduction.translation import translation

    return translation(seeds, on_progress)


TABLES: dict[str, Reproduction] = {
    "bayes": Reproduction("The shipped Bayes rule against its closed form, at every side and amplitude.", _bayes),
    "ceilings": Reproduction("Nets of every symmetry against the ceiling that it forces, k = 9 and 15.", _ceilings),
    "extrapolation": Reproduction(
        "The largest degree of graphs larger than any seen in training: which readout extrapolates.", _extrapolation
    ),
    "noise": Reproduction("Image, set and graph nets on a spike in noise, against the Bayes rule.", _noise),
    "real": Reproduction("Real graphs: the rule against plain loops, and the shipped nets against the rule.", _real),
    "samples": Reproduction("Accuracy against the number of training windows, with the break-even.", _samples),
    "sets": Reproduction("The largest of a set of numbers, by mean, sum, maximum and attention.", _sets),
    "shifts": Reproduction("Trained at k = 9, tested on other sides, other weights and ties.", _shifts),
    "translation": Reproduction(
        "Which of two maxima lies left, where training had them and elsewhere: by kind of padding.", _translation
    ),
}
"""The tables by name."""
