"""Distances and regions as users write them: places, or base pairs with a unit."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple

from gnnmax.errors import InputError

__all__ = ["DistanceRange", "Region", "distance_range", "region_of"]

UNITS = {"bp": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}
"""Base pairs of each unit."""

_NUMBER = re.compile(r"([0-9][0-9,]{0,17}(?:\.[0-9]{1,9})?)(bp|kb|mb|gb)?", re.ASCII | re.IGNORECASE)


class DistanceRange(NamedTuple):
    """Least and largest distance, both included, in places or in base pairs; None: no bound."""

    least: int | None
    largest: int | None
    base_pairs: bool

    def __str__(self) -> str:
        unit = "bp" if self.base_pairs else ""
        return ":".join("" if end is None else f"{end}{unit}" for end in self[:2])


class Region(NamedTuple):
    """A chromosome, or the part of it from ``start`` to ``end`` in base pairs, ``end`` excluded."""

    chromosome: str
    start: int
    end: int | None


def distance_range(given: Any) -> DistanceRange:
    """Read a range of distances: text ``8:50``, ``8:``, ``20kb:2mb``, or a pair of numbers, None for no bound.

    Raises:
        InputError: no such range, two kinds of units, or a least distance above the largest.

    Example:
        >>> distance_range("20kb:2mb")
        DistanceRange(least=20000, largest=2000000, base_pairs=True)
        >>> str(distance_range((8, None)))
        '8:'
    """
    if isinstance(given, str):
        parts = given.strip().split(":")
    elif isinstance(given, (tuple, list)) and all(_is_end(end) for end in given):
        parts = ["" if end is None else str(end) for end in given]
    else:
        parts = []
    ends = [_amount(part.strip()) for part in parts]
    if len(ends) != 2 or None in ends or ends == [(None, False)] * 2:
        raise InputError(f"distance must be a range such as 8:50, 8: or 20kb:2mb, not {given!r}")
    (least, first), (largest, second) = (end for end in ends if end is not None)
    if first != second and None not in (least, largest):
        raise InputError(f"distance {given!r} mixes places and base pairs: write a unit at both ends, or at none")
    if least is not None and largest is not None and least > largest:
        raise InputError(f"distance {given!r} is empty: write the smaller end first")
    return DistanceRange(least, largest, first or second)


def _is_end(end: Any) -> bool:
    return end is None or (hasattr(end, "__index__") and not isinstance(end, bool))


def _amount(text: str) -> tuple[int | None, bool] | None:
    """Read a number of places or base pairs and whether it has a unit; no text is no bound, None is no number."""
    if not text:
        return None, False
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    number = Decimal(found[1].replace(",", "")) * UNITS[(found[2] or "bp").lower()]
    return (int(number), found[2] is not None) if number == int(number) else None


def region_of(given: str) -> Region:
    """Read a region: a chromosome, ``chr1``, or a part of one, ``chr1:1mb-5mb``, ``chr1:1,000,000-5,000,000``.

    Raises:
        InputError: no such region, or an empty one.

    Example:
        >>> region_of("chr1:1.5mb-5mb")
        Region(chromosome='chr1', start=1500000, end=5000000)
        >>> region_of("chrX")
        Region(chromosome='chrX', start=0, end=None)
    """
    chromosome, colon, part = given.strip().rpartition(":")
    if not colon:
        chromosome, part = part, "-"
    ends = [_amount(end.strip()) for end in part.split("-")]
    if not chromosome or len(ends) != 2 or None in ends or (colon and ends == [(None, False)] * 2):
        raise InputError(f"region must be a chromosome or a part of one, such as chr1 or chr1:1mb-5mb, not {given!r}")
    (start, _), (end, _) = (end for end in ends if end is not None)
    if end is not None and (start or 0) >= end:
        raise InputError(f"region {given!r} is empty: write the smaller end first")
    return Region(chromosome, start or 0, end)
