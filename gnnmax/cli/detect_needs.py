"""Options of the command detect that have no effect without another one: refused, not taken in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from typing import Any, NamedTuple

from gnnmax.errors import InputError

__all__ = [
    "NAMED",
    "NEEDS",
    "ORDERED",
    "Need",
    "check_needs",
    "check_order_needs",
    "comparison_needs_order",
    "needs_order",
]


WINDOWED = ("k_columns", "border", "max_missing", "min_distance", "footprint", "unstored")
"""Options of windows and of entries in them."""

IN_ORDER = ("cis", "trans", "distance", "prominence", "merge", "centroid", "seriate")
"""Filters and measures that need an order of rows and columns."""

ORDERED = "the nodes have names, so their order may mean nothing; {} asks for windows: mode ordered"
"""Why a list of edges is searched by windows, if no mode is given."""

NAMED = "the nodes have names, so their order counts for nothing: mode graph; --mode ordered searches windows"
"""Why a list of edges is searched as a graph, if no mode is given."""

FILTERS = ("region", "cis", "trans", "distance", "prominence", "merge", "centroid", "top", "top_per")
"""Options that drop maxima from the list, or measure those of it."""


class Need(NamedTuple):
    """An option, the others that it needs, and whether a call has these."""

    option: str
    needs: str
    met: Callable[[Any], bool]


def _is_ordered(call: Any) -> bool:
    return bool(call.mode == "ordered")


def _is_dense(call: Any) -> bool:
    return call.everywhere is not None or (call.by is not None and _is_ordered(call))


NEEDS: tuple[Need, ...] = (
    Need("k", "--mode ordered, nets or --windows", lambda call: call.mode == "ordered" or _cuts_windows(call)),
    *(Need(option, "--mode ordered", _is_ordered) for option in (*WINDOWED, *IN_ORDER)),
    *(
        Need(option, "a list of maxima: --positions are listed as they are", lambda call: call.positions is None)
        for option in ("triangle", "by", "node_attributes", "seriate", *FILTERS)
    ),
    *(Need(option, "--decoys", lambda call: call.decoys != "none") for option in ("draws", "seed", "fdr")),
    *(
        Need(option, "nets: --models or --by", lambda call: call.scorers != "none" or call.by is not None)
        for option in ("device", "allow_changed")
    ),
    Need(
        "seriate", "a list of maxima: --everywhere scores the order of the file", lambda call: call.everywhere is None
    ),
    Need("workers", "a net that scores every entry: --by, in mode ordered, or --everywhere", _is_dense),
)
"""Options that are refused where they would have no effect."""


def _cuts_windows(call: Any) -> bool:
    return call.scorers != "none" or call.by is not None or call.windows is not None


def check_needs(call: Any) -> None:
    """Refuse options of a call that would have no effect.

    Raises:
        InputError: an option differs from its default, and the options that it needs are not given.
    """
    for need in _unmet(call, NEEDS):
        raise InputError(f"{_flag(need)} has no effect in this call: it needs {need.needs}; leave it out")


def check_order_needs(call: Any) -> None:
    """Refuse options of a comparison in mode graph that would have no effect there.

    Raises:
        InputError: such an option differs from its default.
    """
    for need in _unmet(call, _order_needs(call)):
        raise InputError(f"{_flag(need)} has no effect in this call: it needs {need.needs}; leave it out")


def comparison_needs_order(call: Any) -> str:
    """Return the first option of a comparison in mode graph that needs mode ordered; "" if there is none."""
    return next((_flag(need) for need in _unmet(call, _order_needs(call))), "")


def _order_needs(call: Any) -> list[Need]:
    options = [need.option for need in NEEDS if need.needs == "--mode ordered" and hasattr(call, need.option)]
    around = Need("around", "--mode ordered", lambda call: call.around in (None, 1) or _is_ordered(call))
    return [around, *(Need(option, "--mode ordered", _is_ordered) for option in ("k", *options))]


def needs_order(call: Any) -> str:
    """Return the first option of a call in mode graph that needs mode ordered, as it is typed; "" if there is none."""
    return next((_flag(need) for need in _unmet(call, NEEDS) if need.needs.startswith("--mode ordered")), "")


def _unmet(call: Any, needs: Iterable[Need]) -> Iterator[Need]:
    """Yield the needs of options that differ from their defaults, and that a call does not meet."""
    defaults = {field.name: field.default for field in fields(call)}
    return (need for need in needs if getattr(call, need.option) != defaults[need.option] and not need.met(call))


def _flag(need: Need) -> str:
    return f"--{need.option.replace('_', '-')}"
