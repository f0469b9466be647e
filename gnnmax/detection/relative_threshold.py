"""Thresholds that are given relative to the values of a matrix: a share of the largest one, or a percentile."""

from __future__ import annotations

import numpy as np
from msgspec import structs

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.normalisation import measured_counts
from gnnmax.detection.search_options import SearchOptions, relative_threshold
from gnnmax.errors import InputError

__all__ = ["with_threshold"]


def with_threshold(source: MatrixSource, options: SearchOptions) -> SearchOptions:
    """Return options with a threshold that is a number: ``20%`` of the largest value, or the percentile ``p99``.

    The values are those that the search compares, of all measured entries; in mode graph, of the edges. Percentiles
    between two values are interpolated, as numpy does.

    Raises:
        InputError: a share of a largest value that is not above 0, or more entries than can be sorted.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> source = as_source(np.arange(101.0)[None])
        >>> [with_threshold(source, SearchOptions(threshold=text)).threshold for text in ("20%", "p90")]
        [20.0, 90.0]
    """
    if not isinstance(options.threshold, str):
        return options
    kind, number = relative_threshold(options.threshold)
    searched = source.edges() if options.mode == "graph" else source
    values, counts = measured_counts(searched, "a relative threshold", ": give a number")
    if not len(values):
        return structs.replace(options, threshold=None)
    if kind == "percentile":
        last = np.cumsum(counts) - 1
        place = number / 100 * float(last[-1])
        low, high = (float(values[np.searchsorted(last, at(place))]) for at in (np.floor, np.ceil))
        share = place - np.floor(place)
        return structs.replace(options, threshold=low if low == high or not share else low + share * (high - low))
    largest = float(values[-1])
    if largest <= 0:
        raise InputError(
            f"threshold {options.threshold!r} is a share of the largest value, which is {largest:g}, not above 0: "
            "give a number, or a percentile such as p99"
        )
    return structs.replace(options, threshold=number / 100 * largest)
