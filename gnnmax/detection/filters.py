"""Filters of a list of maxima: each drops some of them, in one order, and counts what it drops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import structs

from gnnmax.detection.labels import labels_of
from gnnmax.detection.largest import are_largest, check_groups
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Dropped, Maxima
from gnnmax.detection.merging import with_clusters
from gnnmax.detection.min_distance import suppress_nearby
from gnnmax.detection.place_filters import (
    are_contacts,
    are_in_region,
    are_within_distance,
    check_breaks,
    check_distance,
    check_region,
)
from gnnmax.detection.prominence import prominence_of
from gnnmax.detection.search_options import SearchOptions

__all__ = ["FILTERS", "Filter", "check_filters", "filter_maxima", "largest_of", "without_filters"]

Kept = npt.NDArray[np.bool_]


class Filter(NamedTuple):
    """One filter of a list of maxima.

    Attributes:
        option: The field of the options that turns it on: it differs from its default.
        kept: Returns which maxima are kept. Of an undirected matrix they are pairs, ``i <= j``; values are those that
            the search compares.
        check: Refuses a matrix without the things that the filter needs; None takes every matrix.
        measured: Adds the numbers by which it selects to the maxima; None if they have these already.
        refined_by: A second option that says more about it; None if there is none.
        flag: How the command spells the filter.
    """

    option: str
    kept: Callable[[MatrixSource, Maxima, SearchOptions], Kept]
    check: Callable[[MatrixSource, SearchOptions], None] | None = None
    measured: Callable[[MatrixSource, Maxima, SearchOptions], Maxima] | None = None
    refined_by: str | None = None
    flag: str = "--{option} {value}"

    def is_on(self, options: SearchOptions) -> bool:
        """Return whether the options turn the filter on."""
        return bool(getattr(options, self.option) != getattr(_DEFAULTS, self.option))

    def counted(self, options: SearchOptions, kept: Kept) -> Dropped:
        """Count the maxima that the filter drops."""
        flag = self.flag.format(option=self.option.replace("_", "-"), value=getattr(options, self.option))
        if self.refined_by is not None and getattr(options, self.refined_by) != getattr(_DEFAULTS, self.refined_by):
            flag += f" --{self.refined_by.replace('_', '-')} {getattr(options, self.refined_by)}"
        return Dropped(flag, int(len(kept) - kept.sum()), len(kept))


_DEFAULTS = SearchOptions()


def _far_apart(source: MatrixSource, maxima: Maxima, options: SearchOptions) -> Kept:
    # Strict maxima of whole windows are half a window apart anyway.
    strict = options.ties == "strict" and options.footprint == "square"
    if options.min_distance <= (min(options.sides) // 2 + 1 if strict else 1):
        return np.ones(len(maxima), dtype=np.bool_)
    distance = min(options.min_distance, max(source.shape))  # all maxima are nearer
    places = source.parts.apart(maxima.rows, maxima.columns, distance)
    if (labels := labels_of(source, options)) is not None:  # those of different labels are far apart
        number = np.unique(labels.at(maxima.rows, maxima.columns), return_inverse=True)[1].reshape(-1)
        places = places[0] + number * (places[0].max(initial=0) + distance), places[1]
    return suppress_nearby(*places, maxima.values, distance)


def _with_prominence(source: MatrixSource, maxima: Maxima, _: SearchOptions) -> Maxima:
    return replace(maxima, prominence=prominence_of(source, maxima))


def _prominent(_: MatrixSource, maxima: Maxima, options: SearchOptions) -> Kept:
    return np.asarray(maxima.prominence >= options.prominence)  # type: ignore[operator]  # both are there


def _with_clusters(source: MatrixSource, maxima: Maxima, options: SearchOptions) -> Maxima:
    return with_clusters(source, maxima, options.merge or 1)


def _represent(_: MatrixSource, maxima: Maxima, _options: SearchOptions) -> Kept:
    return np.asarray(maxima.members > 0)  # type: ignore[operator]  # they are there


def _largest(source: MatrixSource, maxima: Maxima, options: SearchOptions) -> Kept:
    most = len(maxima) + 1 if options.top is None else options.top
    if options.top_per == "label" and (labels := labels_of(source, options)) is not None:
        return are_largest(maxima, most, groups=labels.at(maxima.rows, maxima.columns))
    return are_largest(maxima, most, per=options.top_per)


FILTERS: tuple[Filter, ...] = (
    Filter("min_distance", _far_apart),
    Filter("contacts", are_contacts, check_breaks, flag="--{value}"),
    Filter("region", are_in_region, check_region),
    Filter("distance", are_within_distance, check_distance),
    Filter("prominence", _prominent, measured=_with_prominence),
    Filter("merge", _represent, measured=_with_clusters),
    Filter("top", _largest, check_groups, refined_by="top_per"),
)
"""The filters, in the order in which they are applied. The command drops maxima by q-values before ``top``."""


def check_filters(source: MatrixSource, options: SearchOptions) -> None:
    """Refuse filters that need what a matrix does not have.

    Raises:
        InputError: such a filter is on.
    """
    for one in FILTERS:
        if one.check is not None and one.is_on(options):
            one.check(source, options)


def filter_maxima(source: MatrixSource, maxima: Maxima, options: SearchOptions) -> Maxima:
    """Apply the filters that are on, one after another; a filter never adds a maximum.

    Args:
        source: The matrix.
        maxima: Its maxima, pairs with ``i <= j`` of an undirected matrix, with values that the search compares.
        options: Which filters are on.
    """
    for one in FILTERS:
        if one.is_on(options):
            maxima = maxima if one.measured is None else one.measured(source, maxima, options)
            kept = one.kept(source, maxima, options)
            maxima = replace(maxima[kept], dropped=(*maxima.dropped, one.counted(options, kept)))
    return maxima


def largest_of(source: MatrixSource, maxima: Maxima, options: SearchOptions) -> tuple[Kept, tuple[Dropped, ...]]:
    """Return which maxima ``top`` keeps, all if it is off, and the counts of what was dropped, ``top`` included.

    For lists that were searched without ``top``, because their q-values are those of all maxima.
    """
    (top,) = (one for one in FILTERS if one.option == "top")
    if not top.is_on(options):
        return np.ones(len(maxima), dtype=np.bool_), maxima.dropped
    kept = top.kept(source, maxima, options)
    return kept, (*maxima.dropped, top.counted(options, kept))


def without_filters(options: SearchOptions, *names: str) -> SearchOptions:
    """Return options with some filters off.

    Example:
        >>> without_filters(SearchOptions(top=3, min_distance=5), "top").to_dict()["top"]
    """
    refinements = [one.refined_by for one in FILTERS if one.option in names and one.refined_by is not None]
    off: dict[str, Any] = {name: getattr(_DEFAULTS, name) for name in (*names, *refinements)}
    return structs.replace(options, **off)
