"""Slices of windows: partitions by kind, margin, offset, and by groups of the caller."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array
from gnnmax.task.label import KINDS

__all__ = ["MARGIN_EDGES", "Partition", "by_deciles", "by_distance", "by_kind", "by_margin", "by_name", "check_groups"]

MARGIN_EDGES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Edges of the slices by absolute margin, in standard deviations; a tie, 0, is a slice of its own."""

MOST_PARTS = 1_000
RESERVED = ("kind", "margin", "margin_decile", "offset")


@dataclass(frozen=True, eq=False)
class Partition:
    """Every window in one part, none of them empty.

    Attributes:
        names: Of the parts.
        code: Which part each window is in, shape ``(N,)``.
    """

    names: tuple[str, ...]
    code: npt.NDArray[np.intp]

    @classmethod
    def of(cls, names: tuple[str, ...], code: npt.NDArray[Any]) -> Partition:
        """Leave out the names of empty parts."""
        there = np.bincount(code, minlength=len(names)) > 0
        return cls(tuple(itertools.compress(names, there)), (np.cumsum(there) - 1)[code])


def by_kind(kind_code: npt.NDArray[np.uint8]) -> Partition:
    """Part windows by kind.

    Example:
        >>> by_kind(np.array([0, 2, 2], np.uint8)).names
        ('centred', 'runner_up')
    """
    return Partition.of(KINDS, kind_code)


def by_margin(margin: npt.NDArray[Any]) -> Partition:
    """Part windows by absolute margin, bins closed below and open above.

    Example:
        >>> by_margin(np.array([0.0, -0.07, 3.0, np.nan])).names
        ('0', '[0.05, 0.1)', '[2, inf)', 'not observed')
    """
    size = np.abs(margin.astype(np.float64))
    edges = (0.0, *MARGIN_EDGES, np.inf)
    names = [f"{'(' if low == 0 else '['}{low:g}, {high:g})" for low, high in itertools.pairwise(edges)]
    code = np.searchsorted(MARGIN_EDGES, size, side="right") + 1
    code[size == 0], code[np.isnan(size)] = 0, len(names) + 1
    return Partition.of(("0", *names, "not observed"), code)


def by_deciles(margin: npt.NDArray[Any]) -> Partition:
    """Part windows by absolute margin into ten parts of about equally many, ``1`` the closest calls.

    Equal margins stay in one part, so with many ties some parts are missing.

    Example:
        >>> by_deciles(np.arange(20.0)).code.tolist()
        [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9]
    """
    size = np.abs(margin.astype(np.float64))
    missing = np.isnan(size)
    known = np.sort(size[~missing])
    edges = known[(len(known) * np.arange(1, 10)) // 10] if len(known) else np.zeros(9)
    code = np.searchsorted(edges, size, side="right")
    code[missing] = 10
    return Partition.of((*map(str, range(1, 11)), "not observed"), code)


def by_distance(offset: npt.NDArray[np.int16], k: int) -> Partition:
    """Part windows by how far their maximum lies from their centre, in steps of a king on a board.

    Example:
        >>> by_distance(np.array([[0, 0], [-2, 1], [7, 0]], np.int16), k=5).names
        ('0', '2', 'outside')
    """
    far = np.abs(offset.astype(np.intp)).max(axis=1)
    return Partition.of((*map(str, range(k // 2 + 1)), "outside"), np.minimum(far, k // 2 + 1))


def by_name(group: npt.NDArray[Any]) -> Partition:
    """Part windows by the names or numbers in an array, in their order.

    Example:
        >>> by_name(np.array(["grid", "tree", "grid"])).code
        array([0, 1, 0])
    """
    names, code = np.unique(group, return_inverse=True)
    return Partition(tuple(map(str, names)), code.astype(np.intp))


def check_groups(groups: Any, n: int) -> dict[str, npt.NDArray[Any]]:
    """Return the caller's groups as arrays, or refuse them.

    Raises:
        InputError: no mapping of names to arrays ``(n,)`` of names, integers or booleans, a name that is taken, or more
            than 1,000 parts.

    Example:
        >>> check_groups({"family": ["grid"]}, 2)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: group 'family' must have one entry for each of 2 windows, not shape (1,)
    """
    if groups is None:
        return {}
    if not isinstance(groups, Mapping) or not all(isinstance(name, str) for name in groups):
        raise InputError(f"groups must map names to arrays (N,), not be {type(groups).__name__}: {{'family': array}}")
    return {name: _checked_group(name, given, n) for name, given in groups.items()}


def _checked_group(name: str, given: Any, n: int) -> npt.NDArray[Any]:
    if name in RESERVED:
        raise InputError(f"a group cannot be called {name!r}, which is there already: choose another name")
    array = as_array(given, f"group {name!r}", names=True)
    if array.shape != (n,):
        raise InputError(f"group {name!r} must have one entry for each of {n} windows, not shape {array.shape}")
    if array.dtype.kind not in "USiub":
        raise InputError(f"group {name!r} must hold names, integers or booleans, not {array.dtype}: round or name them")
    parts = len(np.unique(array))
    if parts > MOST_PARTS:
        raise InputError(f"group {name!r} has {parts} parts, more than {MOST_PARTS}: give coarser ones")
    return array
