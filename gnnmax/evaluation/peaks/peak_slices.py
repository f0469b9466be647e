"""Slices of peaks: by amplitude, distance from the diagonal, side of the map, and groups of the caller."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError, unknown_name
from gnnmax.evaluation.peaks.map_index import MapIndex, PlaceList
from gnnmax.evaluation.peaks.place_columns import PlaceColumns
from gnnmax.evaluation.slices import Partition, by_name
from gnnmax.io.plain_numbers import plain_float
from gnnmax.task.arrays import as_array

__all__ = ["by_bins", "peak_slices"]

Floats = npt.NDArray[np.float64]

QUANTILES = 4
"""Number of bins of a real number, unless the caller gives others."""

MOST_PARTS = 1_000
RESERVED = ("amplitude", "diagonal", "n")


def peak_slices(
    truth: PlaceColumns, peaks: PlaceList, index: MapIndex, *, ordered: bool, groups: Any = None, bins: Any = None
) -> dict[str, Partition]:
    """Part the peaks in every way that is known of them.

    Args:
        truth: The peaks as read.
        peaks: The same, sorted and numbered.
        index: The maps.
        ordered: Whether the order of rows and columns has a meaning, so that there is a distance from the diagonal.
        groups: More slices: names of columns of the truth, or names to arrays with one entry for each peak.
        bins: For real numbers, by name of the slices: a number of quantile bins, or edges.

    Raises:
        InputError: an unknown column or slice, a reserved name, an array of another length, or impossible bins.
    """
    values: dict[str, npt.NDArray[Any]] = {}
    chosen: dict[str, int | Floats] = {"diagonal": _powers(peaks)}
    if truth.amplitude is not None:
        values["amplitude"] = truth.amplitude[peaks.source]
    if ordered and (index.shapes is None or bool((index.shapes[:, 0] == index.shapes[:, 1]).all())):
        values["diagonal"] = np.abs(peaks.row - peaks.column).astype(np.float64)
        if truth.between is not None:
            values["diagonal"][truth.between[peaks.source]] = np.nan
    if index.shapes is not None and len(np.unique(index.shapes[:, 0])) > 1:
        values["n"] = index.shapes[peaks.map, 0]
    values |= {name: each[peaks.source] for name, each in _groups(groups, truth).items()}
    if not isinstance(bins, Mapping | None):
        raise InputError(f"bins must map names of slices to numbers or edges, not {bins!r:.40}: {{'amplitude': 4}}")
    for name, given in (bins or {}).items():
        if name not in values:
            raise unknown_name("slice with bins", str(name), values)
        chosen[name] = _checked_bins(given, name)
    parts = {name: _parted(name, column, chosen.get(name)) for name, column in values.items()}
    for name, part in parts.items():
        if len(part.names) > MOST_PARTS:
            raise InputError(f"group {name!r} has {len(part.names)} parts, more than {MOST_PARTS}: give bins for it")
    return parts


def by_bins(values: Floats, bins: int | Floats) -> Partition:
    """Part real numbers into bins, closed below and open above; NaN is ``unknown``.

    Args:
        values: Shape ``(P,)``.
        bins: Edges, ascending; or a number of bins of about equally many. As many distinct values or fewer are a part
            each.

    Example:
        >>> by_bins(np.array([0.5, 2.0, 7.0]), np.array([1.0, 2.0])).names
        ('below 1', 'from 2')
        >>> by_bins(np.array([2.0, 3.0, 3.0, np.nan]), 4).names
        ('2', '3', 'unknown')
        >>> by_bins(np.arange(8.0), 2).names
        ('below 3.5', 'from 3.5')
    """
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    if isinstance(bins, int):
        if len(distinct) <= bins:
            names = tuple(f"{value:g}" for value in distinct)
            code = np.searchsorted(distinct, values)
            return Partition.of((*names, "unknown"), np.where(np.isnan(values), len(names), code))
        bins = np.unique(np.quantile(known, np.arange(1, bins) / bins))
    inner = [f"[{low:g}, {high:g})" for low, high in itertools.pairwise(bins)]
    names = (f"below {bins[0]:g}", *inner, f"from {bins[-1]:g}") if len(bins) else ("all",)
    code = np.searchsorted(bins, values, side="right")
    return Partition.of((*names, "unknown"), np.where(np.isnan(values), len(names), code))


def _powers(peaks: PlaceList) -> Floats:
    """Return edges 1, 2, 4, ... up to the greatest distance from the diagonal."""
    most = int(np.abs(peaks.row - peaks.column).max(initial=1))
    return np.asarray(2.0 ** np.arange(max(most, 1).bit_length()))


def _groups(groups: Any, truth: PlaceColumns) -> dict[str, npt.NDArray[Any]]:
    if groups is None:
        return {}
    if not isinstance(groups, Mapping):
        if isinstance(groups, str) or not isinstance(groups, Iterable):
            raise InputError(
                f"groups must be names of columns of the truth, or map names to arrays, not {groups!r:.40}: ['order']"
            )
        missing = [name for name in groups if name not in truth.others]
        if missing:
            raise unknown_name("column of the truth", str(missing[0]), map(str, truth.others))
        groups = {name: truth.others[name] for name in groups}
    found = {}
    for name, given in groups.items():
        if name in RESERVED:
            raise InputError(f"a group cannot be called {name!r}, which is there already: choose another name")
        found[name] = as_array(given, f"group {name!r}", names=True)
        if found[name].shape != (len(truth.row),):
            raise InputError(
                f"group {name!r} must have one entry for each of {len(truth.row)} peaks, not shape {found[name].shape}"
            )
    return found


def _checked_bins(given: Any, name: str) -> int | Floats:
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        if 1 <= given <= MOST_PARTS:
            return int(given)
        raise InputError(f"bins of {name!r} must be a number from 1 to {MOST_PARTS}, or edges, not {given}")
    edges = np.atleast_1d(as_array(given, f"bins of {name!r}"))
    if (
        edges.ndim != 1
        or edges.dtype.kind not in "iuf"
        or not len(edges)
        or not np.isfinite(edges).all()
        or not (np.diff(edges) > 0).all()
    ):
        raise InputError(f"bins of {name!r} must be a number of bins or ascending edges, not {given!r:.40}")
    return edges.astype(np.float64)


def _parted(name: str, column: npt.NDArray[Any], bins: int | Floats | None) -> Partition:
    if bins is None and column.dtype.kind != "f":
        return by_name(column)
    return by_bins(_numbers(column, name), QUANTILES if bins is None else bins)


def _numbers(column: npt.NDArray[Any], name: str) -> Floats:
    if column.dtype.kind != "U":
        return column.astype(np.float64)
    try:
        return np.array([plain_float(text) for text in column.tolist()])
    except ValueError as error:
        raise InputError(f"group {name!r} has bins and must hold numbers: {error}") from None
